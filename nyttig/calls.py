"""Whom to call: homes whose use fell or stopped, without those whose device comes first or whose call was put off."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from nyttig.device_health import device_health
from nyttig.figures.concern import LIMITS, Concern, ConcernLimits, DeviceFirst, concerns
from nyttig.report import Report
from nyttig.store import db, homes
from nyttig.store.db import Session
from nyttig.store.homes import Note

NO_FAULT: Final = frozenset({"ok", "late", "weak_signal"})
"""What a device may be while its silence about use is still to be believed: late is not silent, and weak is heard."""


@dataclass(frozen=True, slots=True)
class Call:
    """A home to call, and the newest note about it. `snoozed_until`: the day from which it is to be called again."""

    concern: Concern
    note: Note | None
    snoozed_until: date | None


@dataclass(frozen=True, slots=True)
class CallList:
    """Whom to call by the days up to `until`, and why not the others.

    `device_first` are for the installer; nobody can tell of them. `snoozed` were put off by a note. A technology that
    stands by has no calls: not pressing is no sign of anything, and being out of contact is the device's matter.
    """

    until: date
    limits: ConcernLimits
    calls: tuple[Call, ...]
    device_first: tuple[DeviceFirst, ...]
    snoozed: tuple[Call, ...]


def call_list(connection: Session, report: Report, now: datetime) -> CallList:
    """Whom to call at `now`, by a report of that moment. Raises StoreUnavailableError."""
    until = report.as_of.astimezone(ZoneInfo(report.trial.timezone)).date() - timedelta(days=1)
    today = until + timedelta(days=1)
    faulty = faults(connection, report.trial.id, now)
    with db.translated():
        newest: dict[str, Note] = {}
        until_of: dict[str, date] = {}
        for note in homes.notes(connection, report.trial.id):
            newest.setdefault(note.home, note)
            if note.snoozed_until is not None and note.snoozed_until > today:
                until_of[note.home] = max(note.snoozed_until, until_of.get(note.home, note.snoozed_until))
    found = concerns(report.homes, faulty, until, report.parameters)
    standby = report.trial.usage_class == "standby"
    told = [
        Call(one, newest.get(one.home), until_of.get(one.home)) for one in (() if standby else found.calls)
    ]
    return CallList(
        until=until,
        limits=LIMITS,
        calls=tuple(one for one in told if one.snoozed_until is None),
        device_first=tuple(replace(one, concern=None) if standby else one for one in found.device_first),
        snoozed=tuple(one for one in told if one.snoozed_until is not None),
    )


def faults(connection: Session, trial_id: str, now: datetime) -> dict[str, list[str]]:
    """What is wrong at `now` with the primary devices of each home that has a faulty one. Raises StoreUnavailableError."""
    found: dict[str, list[str]] = {}
    for device in device_health(connection, now, trial_id=trial_id).devices:
        if device.role == "primary":
            wrong = [one.kind for one in device.findings if one.kind not in NO_FAULT]
            if wrong or device.status not in NO_FAULT:
                found.setdefault(device.site, []).extend(wrong or [device.status])
    return found
