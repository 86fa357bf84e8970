"""The life of a trial: its phases, rounds, gates and hand-over; and a phase told from what is there."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.deps import Asker, Now, current, json, ready
from api.reports import Reports
from api.trials import AsOf, asked
from nyttig.benefit import benefit
from nyttig.evidence import end_of_day
from nyttig.life import Life, life
from nyttig.phase_report import PhaseReport, phase_report, reported_until
from nyttig.report import Known, Report

router = APIRouter(prefix="/v1/trials/{trial_id}/life", tags=["life of a trial"])


@router.get("", responses={200: {"model": Life}})
def trial_life(trial_id: str, request: Request, now: Now, asker: Asker, as_of: AsOf = None) -> Response:
    """Where the trial is between idea and daily operation, what was decided and spent, and what is left to do."""

    def told(report: Report) -> Life:
        with current(request.app.state.pool) as connection:
            return life(connection, report, benefit(connection, report))

    return ready(asked(request, trial_id, now, asker, as_of).json("life", told))


@router.get("/phases/{phase}/report", responses={200: {"model": PhaseReport}})
def trial_phase_report(trial_id: str, phase: str, request: Request, now: Now, asker: Asker) -> Response:
    """A phase told from what is there: goals, rounds, money, results, decisions; as of its last day once it is over."""
    report = asked(request, trial_id, now, asker, None).report
    with current(request.app.state.pool) as connection:
        given = benefit(connection, report)
        told = life(connection, report, given)
        until = reported_until(told, phase)
        if until is None:
            return json(phase_report(connection, told, phase, report, given))
    reports: Reports = request.app.state.reports
    then = reports.as_of(trial_id, end_of_day(until, report.trial.timezone), Known("now", now)).report
    with current(request.app.state.pool) as connection:
        return json(phase_report(connection, told, phase, then, benefit(connection, then)))
