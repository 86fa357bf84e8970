"""How each figure of a trial was computed, down to the days that it counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.deps import Asker, Now, current, json
from api.reports import Reports
from api.trials import AsOf, asked_report, require_trial
from nyttig.errors import NyttigError
from nyttig.evidence import evidence
from nyttig.explain import DeviceDay, Explanation, definitions, explain, explained_days
from nyttig.report import as_of_moment

router = APIRouter(prefix="/v1/trials", tags=["trials"])

STATES = "UuNKE-"


@dataclass(frozen=True, slots=True)
class Explanations:
    """Every figure of the report, explained, in the order in which they are to be read."""

    figures: tuple[Explanation, ...]


@dataclass(frozen=True, slots=True)
class DeviceDays:
    """The days asked for, by home and day."""

    days: tuple[DeviceDay, ...]


@router.get("/{trial_id}/explain", responses={200: {"model": Explanations}})
def figures(trial_id: str, request: Request, now: Now, asker: Asker, as_of: AsOf = None) -> Response:
    """Every figure of a trial with its definition, its thresholds, what went in and what stayed out."""
    report = asked_report(request, trial_id, now, asker, as_of)
    return json(Explanations(tuple(explain(report, figure) for figure in definitions())))


@router.get("/{trial_id}/explain/{figure}", responses={200: {"model": Explanation}})
def figure(
    trial_id: str, figure: str, request: Request, now: Now, asker: Asker, as_of: AsOf = None
) -> Response:
    """One figure of a trial, explained."""
    return json(explain(asked_report(request, trial_id, now, asker, as_of), figure))


@router.get("/{trial_id}/days", responses={200: {"model": DeviceDays}})
def days(
    trial_id: str,
    request: Request,
    now: Now,
    asker: Asker,
    home: Annotated[str | None, Query(description="Only this home")] = None,
    state: Annotated[
        str | None, Query(description="Only days in one of these states, letters of UuNKE-", examples=["K"])
    ] = None,
    from_day: Annotated[date | None, Query(description="First day")] = None,
    to_day: Annotated[date | None, Query(description="Last day")] = None,
    as_of: AsOf = None,
) -> Response:
    """The device-days that the figures count: state, uses, observed minutes, events, and gaps in what was sent."""
    if state is not None and set(state) - set(STATES):
        raise NyttigError(f"state {state!r} holds letters that are none of {STATES}")
    reports: Reports = request.app.state.reports
    trial = require_trial(asker, reports.current(trial_id, now)).trial
    moment = now if as_of is None else as_of_moment(as_of, trial.timezone, now)
    with current(request.app.state.pool) as connection:
        found = evidence(connection, trial_id, moment)
    return json(
        DeviceDays(tuple(explained_days(found, home=home, state=state, from_day=from_day, to_day=to_day)))
    )
