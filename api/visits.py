"""Lists of visits from care systems: tried out, brought in, and taken back whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api import uploads, visit_examples
from api.deps import Asker, Connection, Now, json
from api.entries import require_may_enter, require_seen
from api.reports import Reports
from api.uploads import DryRun, SkipBad, Upload
from nyttig.errors import NotFoundError
from nyttig.model import Principal
from nyttig.store import db, sites, visits
from nyttig.store.db import Session
from nyttig.store.visits import VisitImport
from nyttig.visiting import BroughtIn, FirstDays, bring_in, restore

router = APIRouter(prefix="/v1/trials/{trial_id}/visits/imports", tags=["visits"])


@dataclass(frozen=True, slots=True)
class VisitImports:
    """Lists that were brought in, the newest first; those that were taken back say by whom and when."""

    imports: tuple[VisitImport, ...]


ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"model": VisitImports, **visit_examples.IMPORTS},
    409: {"description": "It was so already, or its visits are counted from another list; detail says which"},
}


@router.get("", responses={200: {"model": VisitImports, **visit_examples.IMPORTS}})
def imports(trial_id: str, connection: Connection, asker: Asker) -> Response:
    """The lists that were brought into the trial."""
    with db.translated():
        require_seen(connection, trial_id, asker)
        return _all(connection, trial_id, asker)


@router.post(
    "",
    responses={
        200: {"model": BroughtIn, **visit_examples.BROUGHT_IN},
        **uploads.REFUSALS,
    },
    openapi_extra=uploads.body(visit_examples.LIST),
)
def bring(
    trial_id: str,
    request: Request,
    upload: Upload,
    connection: Connection,
    now: Now,
    asker: Asker,
    dry_run: DryRun = False,
    skip_bad: SkipBad = False,
    columns: Annotated[
        str | None,
        Query(
            description="How to read the list, a JSON object as the answer holds it; default: as a remembered list "
            "with the same columns, else by their words"
        ),
    ] = None,
    system: Annotated[
        str | None,
        Query(
            description="What the list comes from; the columns are remembered under it",
            max_length=100,
            pattern=r"\S",
        ),
    ] = None,
    file: Annotated[str, Query(description="The file's name", max_length=200)] = "",
    before_from: Annotated[date | None, Query(description="First day of the registration before")] = None,
    after_from: Annotated[date | None, Query(description="First day of the registration after")] = None,
) -> Response:
    """The visits of a list are counted: all rows that can be, or none. The body is the file itself.

    Columns go by the words of care systems in Norwegian, Danish, Swedish and English: home, day, started_at, ended_at or
    minutes, kind, purpose, staff_group, travel_minutes, period. A visit that is counted already counts once, and rows
    outside the registration are left out; neither keeps the others from being counted.
    """
    with db.translated():
        require_may_enter(connection, trial_id, asker)
    done = bring_in(
        connection,
        upload.content,
        file.strip() or upload.name,
        trial_id,
        by=asker.name,
        at=now,
        columns=columns,
        system=None if system is None else system.strip(),
        first_days=FirstDays(before_from, after_from),
        dry_run=dry_run,
        skip_bad=skip_bad,
        units=asker.units,
    )
    if done.import_id is not None:
        _forget(request, trial_id)
    if dry_run or done.import_id is not None or not done.refused:
        return json(done)
    return uploads.refusal(done)


@router.post("/{import_id}/withdraw", responses=ANSWER)
def withdraw(
    trial_id: str, import_id: int, request: Request, connection: Connection, now: Now, asker: Asker
) -> Response:
    """Nothing of the list counts any more; it can be undone."""
    with db.translated():
        _require_own(connection, trial_id, import_id, asker)
        visits.withdraw(connection, trial_id, import_id, by=asker.name, at=now)
        return _done(request, connection, trial_id, asker)


@router.post("/{import_id}/undo", responses=ANSWER)
def undo(trial_id: str, import_id: int, request: Request, connection: Connection, asker: Asker) -> Response:
    """The list that was taken back counts again."""
    with db.translated():
        _require_own(connection, trial_id, import_id, asker)
        restore(connection, trial_id, import_id, by=asker.name)
        return _done(request, connection, trial_id, asker)


def _all(connection: Session, trial_id: str, asker: Principal) -> Response:
    return json(VisitImports(tuple(_seen(connection, trial_id, asker))))


def _seen(connection: Session, trial_id: str, asker: Principal) -> list[VisitImport]:
    """The lists whose homes all lie in the asker's units."""
    found = visits.imports(connection, trial_id)
    if asker.units is None:
        return found
    own = {site.home for site in sites.read(connection) if site.unit in asker.units}
    return [each for each in found if own.issuperset(each.homes)]


def _require_own(connection: Session, trial_id: str, import_id: int, asker: Principal) -> None:
    require_may_enter(connection, trial_id, asker)
    if import_id not in {each.id for each in _seen(connection, trial_id, asker)}:
        raise NotFoundError(
            "no list {list} was brought into {trial!r} by your units", list=import_id, trial=trial_id
        )


def _done(request: Request, connection: Session, trial_id: str, asker: Principal) -> Response:
    connection.commit()
    _forget(request, trial_id)
    return _all(connection, trial_id, asker)


def _forget(request: Request, trial_id: str) -> None:
    reports: Reports = request.app.state.reports
    reports.forget(trial_id)
