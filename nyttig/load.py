"""Loading a trial package: checked whole, then in the store whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from nyttig import answering, phases
from nyttig.entries.answers import Answer, Instrument, Registration, RegistrationPlan
from nyttig.entries.life import Cycle, Decision, Phase
from nyttig.errors import EntryError, Fault, PackageError, Problem
from nyttig.model import Entry, Technology, TrialPackage
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


def refusals(package: TrialPackage, new: Sequence[Entry]) -> Iterator[tuple[Entry, Fault]]:
    """What the rules for typing in have against `new` entries, if they were entered in this order into `package`.

    A package tells how things stood and not when somebody typed them: so nothing in it is still to come, and what had to
    be there before a phase began (a baseline, a hand-over) is not asked for. Nothing is said of answers to a questionnaire
    that is refused itself.
    """
    unasked: set[str] = set()
    beside: dict[Hashable, list[Entry]] = defaultdict(list)
    for entry in package.entries:
        _put(beside, entry)
    for entry in new:
        data = entry.data
        if isinstance(data, Answer) and data.instrument in unasked:
            continue
        try:
            if isinstance(data, Phase | Decision | Cycle):
                # As if it had stood so before: then no phase begins by it.
                phases.refuse(package, data, data, date.max)
            elif isinstance(data, answering.FilledIn):
                near = replace(package, entries=tuple(beside[_meeting(data)]))
                answering.refuse(near, data, None, date.max)
        except EntryError as error:
            yield from ((entry, fault) for fault in error.faults)
            if isinstance(data, Instrument):
                unasked.add(data.key)
        _put(beside, entry)


def _put(beside: dict[Hashable, list[Entry]], entry: Entry) -> None:
    """Others are judged beside it, where any are."""
    if isinstance(entry.data, Instrument | Registration | RegistrationPlan):
        beside[_meeting(entry.data)].append(entry)


def _meeting(data: Any) -> Hashable:
    """What may speak against each other has this in common; thousands of forms need not be held against each other."""
    match data:
        case Instrument(key=key) | Answer(instrument=key):
            return Instrument, key
        case Registration():
            return Registration, data.unit, data.day, data.shift
        case RegistrationPlan():
            return RegistrationPlan, data.unit
        case _:
            return None


def _checked(
    folder: Path, known: Mapping[str, Technology]
) -> tuple[TrialPackage, pa.Table | None, pa.Table | None]:
    """The package, its events and its outages; raises PackageError with the problems of all three in one go."""
    problems: list[Problem] = []
    package = found = outages = None
    try:
        package = read(folder, known, refusals)
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
