"""Programmes: trials that belong together, side by side, and what several units show together."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.deps import Asker, Now, current, json
from api.reports import Kept, Reports
from api.trials import may_see
from nyttig.benefit import benefit
from nyttig.life import life
from nyttig.model import Entry, Principal
from nyttig.programmes import ProgrammeReport, Programmes, programme, programmes, trials_within
from nyttig.report import Report
from nyttig.side_by_side import TrialPart, trial_part
from nyttig.store import db, entries

router = APIRouter(prefix="/v1/programmes", tags=["programmes"])


@router.get("", responses={200: {"model": Programmes}})
def all_programmes(request: Request, now: Now, asker: Asker) -> Response:
    """All programmes, each followed by its parts, and the trials that belong to none."""
    return json(programmes(_entered(request), [kept.report.trial for kept in _seen(request, now, asker)]))


@router.get("/{name:path}", responses={200: {"model": ProgrammeReport}})
def one_programme(name: str, request: Request, now: Now, asker: Asker) -> Response:
    """A programme: its trials side by side, its gains unit by unit and pooled, its gates, and what spread.

    The name stands in the address percent-encoded: `Oslo%2B`.
    """

    def told(report: Report) -> TrialPart:
        with current(request.app.state.pool) as connection:
            given = benefit(connection, report)
            with db.translated():
                transfers = entries.current(connection, report.trial.id, ["transfer"])
            return trial_part(report, given, life(connection, report, given), transfers)

    entered, seen = _entered(request), {kept.report.trial.id: kept for kept in _seen(request, now, asker)}
    trials = [kept.report.trial for kept in seen.values()]
    parts = {trial: seen[trial].told("programme", told) for trial in trials_within(name, entered, trials)}
    return json(programme(name, entered, trials, parts, asker.units))


def _entered(request: Request) -> list[Entry]:
    with current(request.app.state.pool) as connection, db.translated():
        return entries.current(connection, None, ["programme"])


def _seen(request: Request, now: datetime, asker: Principal) -> list[Kept]:
    """The reports of the trials that the asker may see, in the order in which they start."""
    reports: Reports = request.app.state.reports
    return [kept for kept in reports.all_kept(now) if may_see(asker, kept.report)]
