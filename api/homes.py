"""Homes of a trial: whom to call, and what a coordinator does about it."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from api.deps import Asker, Connection, Now, current, json, ready
from api.reports import Reports
from api.trials import require_trial
from nyttig.calls import CallList, call_list
from nyttig.errors import NotFoundError
from nyttig.model import EndReason, Principal
from nyttig.report import Report
from nyttig.store import db, homes
from nyttig.store.db import Session
from nyttig.store.homes import HomeRecord

router = APIRouter(prefix="/v1/trials/{trial_id}", tags=["homes"])

NOTE_CHARACTERS_MAX = 500
MAY_CHANGE = frozenset({"coordinator", "operator"})

Words = Annotated[
    str,
    Field(min_length=1, max_length=NOTE_CHARACTERS_MAX, pattern=r"\S", description="Never a person's name"),
]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Noting(_Asked):
    """What to note about a home; until `snoozed_until`, a local day, it is not to be called."""

    text: Words
    snoozed_until: date | None = None


class Pausing(_Asked):
    """From which local day to which, both included, a home is excused, and why."""

    from_day: date
    to_day: date
    reason: Words | None = None


class Unpausing(_Asked):
    """Which pause never was, by when it began."""

    paused_from: AwareDatetime


class Ending(_Asked):
    """On which local day a home's part in the trial ended, and why."""

    ended_on: date
    reason: EndReason


ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"model": HomeRecord},
    409: {"description": "It clashes; detail says with what"},
}


@router.get("/calls", responses={200: {"model": CallList}})
def calls(trial_id: str, request: Request, now: Now, asker: Asker) -> Response:
    """Homes whose use fell or stopped, with the evidence; homes whose device comes first; and calls put off by a note."""
    reports: Reports = request.app.state.reports
    kept = reports.kept(trial_id, now)
    require_trial(asker, kept.report)

    def listed(report: Report) -> CallList:
        with current(request.app.state.pool) as connection:
            return call_list(connection, report, report.as_of)

    return ready(kept.json("calls", listed))


@router.get("/homes/{home}", responses={200: {"model": HomeRecord}})
def home(trial_id: str, home: str, connection: Connection, asker: Asker) -> Response:
    """One home's part in the trial: its dates, pauses and notes."""
    with db.translated():
        return json(_own(connection, trial_id, home, asker))


@router.post("/homes/{home}/notes", responses=ANSWER)
def note(
    trial_id: str, home: str, request: Request, noting: Noting, connection: Connection, now: Now, asker: Asker
) -> Response:
    """The note stands, with who wrote it and when; it puts off the call where it says until when."""
    with db.translated():
        _require_may_change(connection, trial_id, home, asker)
        homes.note(
            connection,
            trial_id,
            home,
            noting.text.strip(),
            snoozed_until=noting.snoozed_until,
            by=asker.name,
            at=now,
        )
        return _done(request, connection, trial_id, home)


@router.post("/homes/{home}/notes/{note_id}/withdraw", responses=ANSWER)
def withdraw_note(
    trial_id: str, home: str, request: Request, note_id: int, connection: Connection, now: Now, asker: Asker
) -> Response:
    """The note is taken back, and the call is no longer put off by it."""
    with db.translated():
        _require_may_change(connection, trial_id, home, asker)
        homes.withdraw_note(connection, trial_id, home, note_id, by=asker.name, at=now)
        return _done(request, connection, trial_id, home)


@router.post("/homes/{home}/pauses", responses=ANSWER)
def pause(
    trial_id: str, home: str, request: Request, pausing: Pausing, connection: Connection, asker: Asker
) -> Response:
    """The home is excused on these days: they count for nothing, neither as used nor as unused."""
    reason = pausing.reason.strip() if pausing.reason else None
    with db.translated():
        _require_may_change(connection, trial_id, home, asker)
        homes.pause(connection, trial_id, home, pausing.from_day, pausing.to_day, reason, by=asker.name)
        return _done(request, connection, trial_id, home)


@router.post("/homes/{home}/pauses/withdraw", responses=ANSWER)
def withdraw_pause(
    trial_id: str, home: str, request: Request, unpausing: Unpausing, connection: Connection, asker: Asker
) -> Response:
    """The pause never was; its days count as what they were."""
    with db.translated():
        _require_may_change(connection, trial_id, home, asker)
        homes.withdraw_pause(connection, trial_id, home, unpausing.paused_from, by=asker.name)
        return _done(request, connection, trial_id, home)


@router.post("/homes/{home}/end", responses=ANSWER)
def end(
    trial_id: str, home: str, request: Request, ending: Ending, connection: Connection, now: Now, asker: Asker
) -> Response:
    """The home's part in the trial ended on that day for that reason."""
    with db.translated():
        known = _require_may_change(connection, trial_id, home, asker)
        today = now.astimezone(ZoneInfo(known.timezone)).date()
        homes.end(connection, trial_id, home, ending.ended_on, ending.reason, today=today, by=asker.name)
        return _done(request, connection, trial_id, home)


@router.post("/homes/{home}/end/withdraw", responses=ANSWER)
def withdraw_end(
    trial_id: str, home: str, request: Request, connection: Connection, asker: Asker
) -> Response:
    """The home takes part as before."""
    with db.translated():
        _require_may_change(connection, trial_id, home, asker)
        homes.withdraw_end(connection, trial_id, home, by=asker.name)
        return _done(request, connection, trial_id, home)


def _require_may_change(connection: Session, trial_id: str, home: str, asker: Principal) -> HomeRecord:
    if not asker.roles & MAY_CHANGE:
        raise HTTPException(
            HTTPStatus.FORBIDDEN,
            f"{asker.name} may not change a home's part in a trial; ask for the role of coordinator",
        )
    return _own(connection, trial_id, home, asker)


def _own(connection: Session, trial_id: str, home: str, asker: Principal) -> HomeRecord:
    found = homes.record(connection, trial_id, home)
    if asker.units is not None and found.unit not in asker.units:
        raise NotFoundError("there is no home {home!r} in your units", home=home)
    return found


def _done(request: Request, connection: Session, trial_id: str, home: str) -> Response:
    connection.commit()
    reports: Reports = request.app.state.reports
    reports.forget(trial_id)
    return json(homes.record(connection, trial_id, home))
