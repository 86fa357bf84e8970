"""What the API tells about a trial beside its report, worked out from a made-up report by the API's own functions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import sample_benefit
from sample_people import make_safety
from sample_report import NOW, as_json
from sample_standby import each_alarm

from api.explain import trial_periods
from nyttig.calls import Call, CallList
from nyttig.explain import DeviceDay, GapSeen, definitions, explain
from nyttig.figures.concern import LIMITS, concerns
from nyttig.model import Pause
from nyttig.report import Report
from nyttig.store.homes import HomeRecord, Note

FAULTY = {"G08": ["silent"]}
"""The home of which the made-up devices say that it is silent."""


def make_calls(
    report: Report, *, put_off: Iterable[str] = (), faults: dict[str, list[str]] | None = None
) -> Any:
    """Whom to call by the report's strips, as the API tells it."""
    until = report.last_day - timedelta(days=1)
    found = concerns(report.homes, FAULTY if faults is None else faults, until, report.parameters)
    told = [
        Call(one, make_note(one.home) if one.home in put_off else None, report.last_day + timedelta(days=7))
        if one.home in put_off
        else Call(one, None, None)
        for one in (() if report.trial.usage_class == "standby" else found.calls)
    ]
    return as_json(
        CallList(
            until,
            LIMITS,
            tuple(one for one in told if one.snoozed_until is None),
            found.device_first,
            tuple(one for one in told if one.snoozed_until is not None),
        )
    )


def make_note(home: str) -> Note:
    """A note that puts off a call."""
    return Note(7, home, "Agreed to try again after the holiday", None, "local", NOW - timedelta(days=2))


def make_home(report: Report, home: str, *, paused: bool = False, noted: bool = False) -> Any:
    """One home's part in the trial."""
    (strip,) = [each for each in report.homes if each.home == home]
    begins = datetime(2026, 11, 1, 23, tzinfo=UTC)
    return as_json(
        HomeRecord(
            home,
            strip.unit,
            report.trial.timezone,
            strip.installed_on,
            strip.ended_on,
            strip.end_reason,
            (Pause(home, begins, begins + timedelta(days=7), "hospital"),) if paused else (),
            (make_note(home),) if noted else (),
        )
    )


def make_days(report: Report) -> Any:
    """A device-day for each of the last days of the first home, one of them with a gap."""
    strip = report.homes[0]
    days = []
    for back in range(min(20, len(strip.states))):
        place = len(strip.states) - 1 - back
        gaps = (GapSeen(NOW - timedelta(days=4), NOW - timedelta(days=4, hours=-2)),) if back == 4 else ()
        days.append(
            DeviceDay(
                strip.home, strip.unit, "dispenser-01", strip.first_day + timedelta(days=place), strip.states[place],
                strip.uses[place], 1440, 1400, 0, 0.97, 61, 24, True, bool(gaps), gaps,
            )
        )  # fmt: skip
    return {"days": as_json_list(days[::-1])}


def as_json_list(values: Iterable[Any]) -> list[Any]:
    """Dataclasses as the API writes them."""
    return [as_json(value) for value in values]


def answer(report: Report, rest: str) -> Any | None:
    """The body for `/v1/trials/{id}/{rest}`; None where the API has no such path."""
    if rest == "explain":
        return {"figures": as_json_list(explain(report, figure) for figure in definitions())}
    if rest == "benefit":
        return sample_benefit.answer(report)
    if rest == "entries":
        return {"entries": []}
    if rest == "calls":
        return make_calls(report)
    if rest == "safety":
        return make_safety(report, FAULTY)
    if rest == "periods":
        return as_json(trial_periods(report))
    if rest == "threshold-changes":
        return {"changes": []}
    if rest == "alarms":
        return {"alarms": as_json_list(each_alarm(report.homes, NOW))}
    if rest == "days":
        return make_days(report)
    if rest.startswith("homes/"):
        return make_home(report, rest.removeprefix("homes/"))
    return None
