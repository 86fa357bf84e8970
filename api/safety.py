"""Safety of homes: what is due of suitability, training, missed alarms and adverse events."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.deps import Asker, Now, current, ready
from api.reports import Reports
from api.trials import require_trial
from nyttig.report import Report
from nyttig.safety import Safety, safety

router = APIRouter(prefix="/v1/trials/{trial_id}", tags=["homes"])


@router.get("/safety", responses={200: {"model": Safety}})
def trial_safety(trial_id: str, request: Request, now: Now, asker: Asker) -> Response:
    """What is due in each home for its safety, and since when; never a device's fault, which is on the work list."""
    reports: Reports = request.app.state.reports
    kept = reports.kept(trial_id, now)
    require_trial(asker, kept.report)

    def told(report: Report) -> Safety:
        with current(request.app.state.pool) as connection:
            return safety(connection, report, report.as_of)

    return ready(kept.json("safety", told))
