"""Events that come when they come: a trial of the years to come, and what arrives of it at once, late, or never."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from packages import one_home

from nyttig.model import Home, Parameters, Placement, Technology, TrialPackage
from nyttig.package.technologies import builtin_technologies
from nyttig.report import Report
from nyttig.store import db, events, registry, rollups
from nyttig.store.events import EventRow
from nyttig.text import as_json

STARTS = datetime(2036, 10, 20, 22, tzinfo=UTC)
"""Local midnight in Oslo, long after the registry of any test was written; summer time ends five days later."""

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def trial(technology: str = "medicine_dispenser", *, name: str = "trial", homes: int = 1) -> TrialPackage:
    """A trial from STARTS on, with one device a home, placed a little later."""
    package = one_home(technology, trial=name, homes=homes)
    starts = date(2036, 10, 21)
    return replace(
        package,
        trial=replace(package.trial, starts=starts, parameters=Parameters(ramp_in_days=0)),
        homes=tuple(
            Home(f"{name}-h{n}", "home", "Bydel Alna", starts, starts, starts) for n in range(1, homes + 1)
        ),
        devices=tuple(
            replace(device, device=f"{name}-d{n}", address=f"{name}-d{n}")
            for n, device in enumerate(package.devices, 1)
        ),
        placements=tuple(
            Placement(f"{name}-d{n}", f"{name}-h{n}", STARTS + n * HOUR) for n in range(1, homes + 1)
        ),
    )


def save(
    connection: db.Session, package: TrialPackage, technologies: Mapping[str, Technology] | None = None
) -> dict[str, int]:
    """The trial is registered; the ids of its devices."""
    registry.save(connection, package, builtin_technologies() | dict(technologies or {}))
    connection.commit()
    events.prepare(connection)
    return {known.device: known.id for known in registry.known_devices(connection)}


def event(
    device_id: int,
    at: datetime,
    type_: str = "health",
    *,
    delay: timedelta = timedelta(),
    value: float | None = None,
    origin: str = "citizen",
    boot: str = "b1",
    seq: int | None = None,
    counter: int | None = None,
) -> EventRow:
    """An event that came so long after it was sent."""
    health = None if counter is None else json.dumps({"counter": counter})
    booted = None if seq is None else boot
    late = delay > timedelta(minutes=10)
    return EventRow(
        device_id, at, at + delay, at, type_, value, None, origin, booted, seq, None, late, None, health, None
    )


def arrive(connection: db.Session, rows: Sequence[EventRow]) -> None:
    """They came, in the order in which they did, and are worked out."""
    events.append(connection, sorted(rows, key=lambda row: row.received_at))
    connection.commit()
    rollups.refresh_all(connection)


def figures(made: Report) -> str:
    """All digits of a report but for what it says of how it was asked for."""
    return as_json(replace(made, known="now", known_at=None, arrived_later_total=0))


def later(rows: Sequence[EventRow], moment: datetime) -> tuple[list[EventRow], list[EventRow]]:
    """Those that had come by a moment, and those that came later."""
    return [row for row in rows if row.received_at < moment], [
        row for row in rows if row.received_at >= moment
    ]
