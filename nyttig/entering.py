"""Entering something about a trial: checked cell by cell and against the registry, then kept with its versions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from nyttig import answering, phases
from nyttig.entries.benefit import contradiction
from nyttig.entries.kinds import KINDS, EntryKind
from nyttig.entries.life import Cycle, Decision, Phase, Vote
from nyttig.errors import ClashError, EntryError, Fault, NotFoundError
from nyttig.evidence import known_at
from nyttig.model import Entry, TrialPackage
from nyttig.package.cells import parse_fields
from nyttig.package.columns import closest
from nyttig.saying import Saying
from nyttig.store import entries, history, registry
from nyttig.store.db import Session

FREE_UNIT_KINDS = frozenset({"idea", "enquiry"})
"""What may concern a unit that takes no part."""


def enter(
    connection: Session, kind: str, values: Mapping[str, Any], *, trial_id: str | None, by: str, at: datetime
) -> Entry:
    """A new entry of that kind stands, in the current transaction.

    `values` are its fields as JSON has them. Raises EntryError with everything that is wrong in them, ClashError where
    its key is taken, NotFoundError for a kind or a trial that there is not.
    """
    return entries.write(
        connection, trial_id, kind, _data(connection, kind, values, trial_id, None, at), by=by, at=at
    )


def change(
    connection: Session,
    entry: str,
    values: Mapping[str, Any],
    *,
    version: int,
    by: str,
    at: datetime,
) -> Entry:
    """The entry says `values` from now on, in the current transaction.

    `version` is the one they were made from. Raises what `enter` does, and ClashError where somebody was faster.
    """
    known = entries.versions(connection, entry)[-1]
    data = _data(connection, known.kind, values, known.trial_id, known, at)
    return entries.change(connection, entry, data, version=version, by=by, at=at)


def kind_called(name: str) -> EntryKind:
    """The kind of that name. Raises NotFoundError naming those there are."""
    if name not in KINDS:
        raise NotFoundError(
            "there is no kind of entry {name!r}; kinds: {kinds}", name=name, kinds=", ".join(KINDS)
        )
    return KINDS[name]


def parsed(kind: EntryKind, values: Mapping[str, Any], zone: ZoneInfo | None) -> Any:
    """`values` as the kind's dataclass. Raises EntryError with everything that is wrong in them."""
    columns = {column.name: column for column in kind.columns}
    faults = [
        Fault(
            name,
            _of(value, Saying("is no field of {kind}.{near}", kind=kind.name, near=closest(name, columns))),
        )
        for name, value in values.items()
        if name not in columns
    ]
    told, wrong = parse_fields(values, kind.columns, zone)
    for name, remedy in wrong:
        given = values.get(name)
        faults.append(Fault(name, remedy if given in (None, "") else _of(given, remedy)))
    if faults:
        raise EntryError(*faults)
    data = kind.noun(**told)
    if fault := contradiction(data):
        field, remedy = fault
        raise EntryError(Fault(field, _of(values.get(field), remedy)))
    return data


def _of(value: Any, remedy: str) -> Saying:
    """The value that was given, and the remedy for it. A value that JSON cannot carry stands in it as a text."""
    if isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        return Saying("{value!r} {remedy}", value=value, remedy=remedy)
    return Saying("{value} {remedy}", value=repr(value), remedy=remedy)


def _data(
    connection: Session,
    name: str,
    values: Mapping[str, Any],
    trial_id: str | None,
    known: Entry | None,
    at: datetime,
) -> Any:
    """`values` as the kind's dataclass, where all that they name is there and nothing speaks against them."""
    kind = kind_called(name)
    if kind.of_trial is (trial_id is None):
        if kind.of_trial:
            raise EntryError("{kind} belongs to a trial: enter it under one", kind=name)
        raise EntryError("{kind} belongs to no trial: enter it under /v1/entries", kind=name)
    if trial_id is None:
        data = parsed(kind, values, None)
        _refuse_unknown(connection, kind, data, None)
        if isinstance(data, Vote):
            _refuse_second_voice(connection, data, known)
        return data
    package = registry.read(connection, trial_id)
    zone = ZoneInfo(package.trial.timezone)
    data = parsed(kind, values, zone)
    _refuse_unknown(connection, kind, data, package)
    before, today = None if known is None else known.data, at.astimezone(zone).date()
    if isinstance(data, Phase | Decision | Cycle):
        phases.refuse(known_at(package, at), data, before, today)
    if isinstance(data, answering.FilledIn):
        answering.refuse(package, data, before, today)
    return data


def _refuse_second_voice(connection: Session, vote: Vote, known: Entry | None) -> None:
    """Each voter has one voice for an idea. Raises ClashError."""
    history.lock(connection)
    for there in entries.current(connection, None, ["vote"]):
        same = there.data.idea == vote.idea and there.data.voter.casefold() == vote.voter.casefold()
        if same and (known is None or there.entry != known.entry):
            raise ClashError(
                "{voter!r} has a voice for this idea already; one voice each, so take that one back or vote as somebody else",
                field="voter",
                voter=vote.voter,
            )


def _refuse_unknown(connection: Session, kind: EntryKind, data: Any, package: TrialPackage | None) -> None:
    """Homes, units, gains, trials and ideas that are named are there. Raises EntryError."""
    known: dict[str, list[str]] = {"trial": registry.trial_ids(connection)}
    if package is not None:
        known["home"] = [home.home for home in package.homes]
        known["gain"] = [gain.id for gain in package.trial.gains]
        if kind.name not in FREE_UNIT_KINDS:
            known["unit"] = list(package.trial.units)
        if kind.name == "ambassador_activity":
            known["ambassador"] = [each.data.code for each in package.entries if each.kind == "ambassador"]
    if kind.name == "vote":
        known["idea"] = [each.entry for each in entries.current(connection, None, ["idea"])]
    faults = []
    for column in kind.columns:
        value = getattr(data, column.name)
        if value is not None and column.name in known and value not in known[column.name]:
            remedy = closest(value, known[column.name]) or _there_are(known[column.name])
            said = Saying("{value!r} is not known here.{remedy}", value=value, remedy=remedy)
            faults.append(Fault(column.name, said))
    if faults:
        raise EntryError(*faults)


def _there_are(known: Sequence[str]) -> Saying:
    """The names that are known, the first of them where they are many."""
    if not known:
        return Saying(" There are: none yet.")
    return Saying(" There are: {names}.", names=", ".join(known[:12]))
