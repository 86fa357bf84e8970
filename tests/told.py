"""What devices said, put straight into the store: for tests that need a few events and no broker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import chain

from nyttig.evidence import end_of_day
from nyttig.model import TrialPackage
from nyttig.package.technologies import builtin_technologies
from nyttig.report import Report, report
from nyttig.store import db, events, registry, rollups
from nyttig.store.events import EventRow

Told = tuple[str, datetime, str, str]
"""device, when, type, origin."""

HOUR = timedelta(hours=1)


def beats(device: str, from_at: datetime, to_at: datetime, every: timedelta = HOUR) -> Iterator[Told]:
    """The device gives a sign of life at `from_at` and then `every` so often until `to_at`."""
    at = from_at
    while at < to_at:
        yield device, at, "health", "citizen"
        at += every


def uses(device: str, *times: datetime, kind: str = "dose_taken", origin: str = "citizen") -> Iterator[Told]:
    """The device was used at those times."""
    for at in times:
        yield device, at, kind, origin


def save(connection: db.Session, package: TrialPackage) -> None:
    """The trial is registered."""
    registry.save(connection, package, builtin_technologies())
    connection.commit()


def tell(connection: db.Session, *said: Iterable[Told]) -> None:
    """The store holds what the devices said, and rollups of it."""
    ids = {known.device: known.id for known in registry.known_devices(connection)}
    events.prepare(connection)
    events.append(
        connection,
        [
            EventRow(
                ids[device], at, at, at, kind, None, None, origin, None, None, None, False, None, None, None
            )
            for device, at, kind, origin in chain.from_iterable(said)
        ],
    )
    connection.commit()
    rollups.refresh_all(connection)


def report_on(
    connection: db.Session, last_day: str, trial: str = "trial", zone: str = "Europe/Oslo"
) -> Report:
    """The report as of the end of a local day."""
    return report(connection, trial, end_of_day(date.fromisoformat(last_day), zone))


def states(made: Report) -> dict[str, str]:
    """Each home's strip of days."""
    return {home.home: home.states for home in made.homes}
