"""Entries: what people enter about a trial, or about none; every version of it is kept."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from api.deps import Asker, Connection, Now, json
from api.reports import Reports
from nyttig import entering
from nyttig.column import Kind
from nyttig.entries.kinds import KINDS, to_json
from nyttig.errors import NotFoundError
from nyttig.model import Entry, Principal
from nyttig.store import db, entries, registry
from nyttig.store.db import Session

router = APIRouter(prefix="/v1", tags=["entries"])

MAY_ENTER = frozenset({"coordinator", "operator"})

Fields = dict[str, Any]
OfKind = Annotated[list[str] | None, Query(description="Only entries of these kinds", alias="kind")]
FromVersion = Annotated[int, Query(ge=1, description="The version that the change was made from")]


@dataclass(frozen=True, slots=True)
class EntryColumn:
    """One field of a kind. `default`: what an empty one means, null where it means nothing."""

    name: str
    kind: Kind
    description: str
    required: bool
    choices: tuple[str, ...]
    at_least: float | None
    above: float | None
    at_most: float | None
    default: str | float | bool | None


@dataclass(frozen=True, slots=True)
class EntryKindFacts:
    """A kind of entry: its file in a trial package, whether it belongs to a trial, and its fields."""

    name: str
    table: str
    of_trial: bool
    columns: tuple[EntryColumn, ...]


@dataclass(frozen=True, slots=True)
class EntryKinds:
    """All kinds of entries."""

    kinds: tuple[EntryKindFacts, ...]


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """One version of an entry. `data` holds the fields that say something; null: it was taken back."""

    entry: str
    version: int
    kind: str
    trial_id: str | None
    data: Fields | None
    entered_at: datetime | None
    entered_by: str | None
    loaded: bool


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries as they stand, the oldest first."""

    entries: tuple[EntryRecord, ...]


@dataclass(frozen=True, slots=True)
class EntryVersions:
    """Every version of one entry, the oldest first."""

    versions: tuple[EntryRecord, ...]


ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"model": EntryRecord},
    409: {"description": "Somebody changed it meanwhile, or there is one already; detail says which"},
    422: {"description": "Something in it cannot be so; detail names each field, its value and the remedy"},
}


@router.get("/entry-kinds", responses={200: {"model": EntryKinds}})
def entry_kinds() -> Response:
    """What can be entered, and of which fields it is made."""
    return json(
        EntryKinds(
            tuple(
                EntryKindFacts(
                    kind.name,
                    kind.table,
                    kind.of_trial,
                    tuple(
                        EntryColumn(
                            column.name,
                            column.kind,
                            column.description,
                            column.required,
                            column.choices,
                            column.at_least,
                            column.above,
                            column.at_most,
                            None if field.default is dataclasses.MISSING else field.default,
                        )
                        for column, field in zip(kind.columns, dataclasses.fields(kind.noun), strict=True)
                    ),
                )
                for kind in KINDS.values()
            )
        )
    )


@router.get("/trials/{trial_id}/entries", responses={200: {"model": Entries}})
def of_trial(trial_id: str, connection: Connection, asker: Asker, kinds: OfKind = None) -> Response:
    """What is entered about a trial, as it stands."""
    with db.translated():
        require_seen(connection, trial_id, asker)
        return _all(connection, trial_id, kinds)


@router.get("/entries", responses={200: {"model": Entries}})
def of_no_trial(connection: Connection, kinds: OfKind = None) -> Response:
    """What is entered and belongs to no trial: ideas, votes, programmes."""
    with db.translated():
        return _all(connection, None, kinds)


@router.post("/trials/{trial_id}/entries/{kind}", responses=ANSWER)
def enter_of_trial(
    trial_id: str, kind: str, request: Request, given: Fields, connection: Connection, now: Now, asker: Asker
) -> Response:
    """It is entered about the trial."""
    with db.translated():
        require_may_enter(connection, trial_id, asker)
        entry = entering.enter(connection, kind, given, trial_id=trial_id, by=asker.name, at=now)
        return _done(request, connection, entry)


@router.post("/entries/{kind}", responses=ANSWER)
def enter_of_no_trial(
    kind: str, request: Request, given: Fields, connection: Connection, now: Now, asker: Asker
) -> Response:
    """It is entered, and belongs to no trial."""
    with db.translated():
        require_may_enter(connection, None, asker)
        entry = entering.enter(connection, kind, given, trial_id=None, by=asker.name, at=now)
        return _done(request, connection, entry)


@router.put("/entries/{entry}", responses=ANSWER)
def change(
    entry: str,
    request: Request,
    given: Fields,
    version: FromVersion,
    connection: Connection,
    now: Now,
    asker: Asker,
) -> Response:
    """The entry says this from now on; a field that is not given is empty."""
    with db.translated():
        _require_own(connection, entry, asker)
        changed = entering.change(connection, entry, given, version=version, by=asker.name, at=now)
        return _done(request, connection, changed)


@router.post("/entries/{entry}/{step}", responses=ANSWER)
def step_back(
    entry: str,
    step: Literal["withdraw", "undo"],
    request: Request,
    version: FromVersion,
    connection: Connection,
    now: Now,
    asker: Asker,
) -> Response:
    """The entry is taken back, or says again what it said before its newest version."""
    with db.translated():
        _require_own(connection, entry, asker)
        if step == "withdraw":
            done = entries.change(connection, entry, None, version=version, by=asker.name, at=now)
        else:
            done = entries.undo(connection, entry, version=version, by=asker.name, at=now)
        return _done(request, connection, done)


@router.get("/entries/{entry}/versions", responses={200: {"model": EntryVersions}})
def versions(entry: str, connection: Connection, asker: Asker) -> Response:
    """What the entry said, when, and who entered it."""
    with db.translated():
        known = entries.versions(connection, entry)
        require_seen(connection, known[-1].trial_id, asker)
        return json(EntryVersions(tuple(record(each) for each in known)))


def record(entry: Entry) -> EntryRecord:
    """The entry as JSON holds it."""
    return EntryRecord(
        entry.entry,
        entry.version,
        entry.kind,
        entry.trial_id,
        None if entry.data is None else to_json(entry.data),
        entry.entered_at,
        entry.entered_by,
        entry.loaded,
    )


def _all(connection: Session, trial_id: str | None, kinds: list[str] | None) -> Response:
    for kind in kinds or ():
        entering.kind_called(kind)
    return json(Entries(tuple(record(each) for each in entries.current(connection, trial_id, kinds))))


def require_may_enter(connection: Session, trial_id: str | None, asker: Principal) -> None:
    """Whoever asks may enter something about the trial (None: of no trial), and sees it."""
    if not asker.roles & MAY_ENTER:
        raise HTTPException(
            HTTPStatus.FORBIDDEN, f"{asker.name} may not enter anything; ask for the role of coordinator"
        )
    require_seen(connection, trial_id, asker)


def _require_own(connection: Session, entry: str, asker: Principal) -> None:
    require_may_enter(connection, entries.versions(connection, entry)[-1].trial_id, asker)


def require_seen(connection: Session, trial_id: str | None, asker: Principal) -> None:
    """The trial is there and has a unit of the asker's. Raises NotFoundError."""
    if trial_id is None:
        return
    known = {each.id: each.units for each in registry.trials(connection)}
    if trial_id not in known:
        registry.require(connection, trial_id)
    if asker.units is not None and asker.units.isdisjoint(known[trial_id]):
        raise NotFoundError("there is no trial {trial!r} in your units", trial=trial_id)


def _done(request: Request, connection: Session, entry: Entry) -> Response:
    connection.commit()
    reports: Reports = request.app.state.reports
    # An idea, a vote or a programme may stand in the answers about any trial.
    concerned = registry.trial_ids(connection) if entry.trial_id is None else [entry.trial_id]
    for trial_id in concerned:
        reports.forget(trial_id)
    return json(record(entry))
