"""Loading a trial package: checked whole, then in the store whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from nyttig.errors import PackageError, Problem
from nyttig.model import Technology, TrialPackage
from nyttig.package.events import read_events, read_outages
from nyttig.package.read import read
from nyttig.store import db, events, migrate, platform, registry, rollups
from nyttig.store.db import Session
from nyttig.store.platform import Outage


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load brought."""

    package: TrialPackage
    events_added: int
    events_already_there: int


def load(connection: Session, folder: Path, known: Mapping[str, Technology]) -> Loaded:
    """The store holds what `folder` says; loading it again changes nothing.

    Raises PackageError with every problem, and then nothing was loaded.
    """
    package, found, outages = _checked(folder, known)
    with db.translated():
        migrate.require_current(connection)
        events.prepare(connection)
        registry.save(connection, package, known)
        if outages is not None:
            platform.forget_loaded(connection, package.trial.id)
            for outage in outages.to_pylist():
                platform.record(connection, Outage(**outage), trial_id=package.trial.id)
        added = events.Appended(0, 0)
        if found is not None:
            added = events.load(connection, found.to_batches(max_chunksize=20_000))
        connection.commit()
        rollups.refresh_all(connection)
    return Loaded(package, added.stored, added.duplicates)


def _checked(
    folder: Path, known: Mapping[str, Technology]
) -> tuple[TrialPackage, pa.Table | None, pa.Table | None]:
    """The package, its events and its outages; raises PackageError with the problems of all three in one go."""
    problems: list[Problem] = []
    package = found = outages = None
    try:
        package = read(folder, known)
    except PackageError as error:
        problems += error.problems
    try:
        found = read_events(folder, package)
    except PackageError as error:
        problems += error.problems
    try:
        outages = read_outages(folder)
    except PackageError as error:
        problems += error.problems
    if package is None or problems:
        raise PackageError(problems)
    return package, found, outages
