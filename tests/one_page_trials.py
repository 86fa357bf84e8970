"""The example trials with two weeks of events, and what the API would say of them, for the tests of the one page."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from conftest import PROJECT, Database
from serving import ALNA, ODENSE, USE_OF
from told import Told, beats, save, tell, uses

from nyttig import text
from nyttig.benefit import benefit
from nyttig.life import life
from nyttig.model import TrialPackage
from nyttig.package.read import read
from nyttig.package.technologies import builtin_technologies
from nyttig.report import report
from nyttig.store import db

AS_OF = datetime(2026, 11, 22, 12, tzinfo=UTC)
TRIALS = (ALNA, ODENSE)
DAYS = 14


class Told3(NamedTuple):
    """What the API says of one trial."""

    report: dict[str, Any]
    benefit: dict[str, Any]
    life: dict[str, Any]


def example(name: str) -> TrialPackage:
    """The example as it stands in examples/."""
    return read(PROJECT / "examples" / name, builtin_technologies())


def fill(database: Database) -> dict[str, Told3]:
    """Both examples are in the database, whole, with the events of two weeks; what is said of each."""
    with db.connect(database.conninfo) as connection:
        said: list[Told] = []
        for name in TRIALS:
            package = example(name)
            save(connection, package)
            said += _said(package)
        tell(connection, said)
        return {name: told(connection, name) for name in TRIALS}


def told(connection: db.Session, name: str, as_of: datetime = AS_OF) -> Told3:
    """What the API says of the trial by that moment."""
    found = report(connection, name, as_of)
    given = benefit(connection, found)
    return Told3(*(json.loads(text.as_json(each)) for each in (found, given, life(connection, found, given))))


def _said(package: TrialPackage) -> Iterator[Told]:
    chance = random.Random(1905)
    first = AS_OF - timedelta(days=DAYS)
    for device in package.devices:
        if device.role == "primary":
            yield from beats(device.device, first, AS_OF, timedelta(hours=2))
            days = (first + timedelta(days=day, hours=7) for day in range(DAYS))
            used = [day for day in days if chance.random() < 0.7]
            yield from uses(device.device, *used, kind=USE_OF[package.trial.technology])
