"""What a trial gives: its gains with their evidence, harms, and money."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.deps import Asker, Now, current, ready
from api.trials import AsKnown, AsOf, asked
from nyttig.benefit import Benefit, benefit
from nyttig.report import Report

router = APIRouter(prefix="/v1/trials/{trial_id}", tags=["benefit"])


@router.get("/benefit", responses={200: {"model": Benefit}})
def trial_benefit(
    trial_id: str, request: Request, now: Now, asker: Asker, as_of: AsOf = None, known: AsKnown = None
) -> Response:
    """What the trial gives, how sure that is, what it costs and who gains, as of now or of an earlier day."""

    def told(report: Report) -> Benefit:
        with current(request.app.state.pool) as connection:
            return benefit(connection, report)

    return ready(asked(request, trial_id, now, asker, as_of, known).json("benefit", told))
