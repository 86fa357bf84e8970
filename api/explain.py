"""How each figure of a trial was computed, down to the days that it counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.deps import Asker, Now, current, json
from api.reports import Reports
from api.trials import AsOf, asked_report, require_trial
from nyttig.errors import NyttigError
from nyttig.evidence import evidence
from nyttig.explain import DeviceDay, Explanation, definitions, explain, explained_days
from nyttig.figures.periods import Comparison, compare
from nyttig.report import as_of_moment
from nyttig.thresholds import ThresholdChange, threshold_changes

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


@dataclass(frozen=True, slots=True)
class Periods:
    """The last complete weeks against those before; null where the trial is too young."""

    comparison: Comparison | None


@dataclass(frozen=True, slots=True)
class ThresholdChanges:
    """Changes of a trial's thresholds, the newest first, each with the figures under the old ones and the new."""

    changes: tuple[ThresholdChange, ...]


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


@router.get("/{trial_id}/periods", responses={200: {"model": Periods}})
def periods(trial_id: str, request: Request, now: Now, asker: Asker, as_of: AsOf = None) -> Response:
    """The last four complete weeks against the four before, and whether the difference is more than chance could do."""
    report = asked_report(request, trial_id, now, asker, as_of)
    yesterday = report.as_of.astimezone(ZoneInfo(report.trial.timezone)).date() - timedelta(days=1)
    return json(
        Periods(
            compare(
                report.homes,
                min(yesterday, report.last_day),
                report.parameters,
                standby=report.trial.usage_class == "standby",
            )
        )
    )


@router.get("/{trial_id}/threshold-changes", responses={200: {"model": ThresholdChanges}})
def changes_of_thresholds(
    trial_id: str,
    request: Request,
    now: Now,
    asker: Asker,
    limit: Annotated[int, Query(ge=1, le=50, description="At most so many changes")] = 10,
) -> Response:
    """The changes of the trial's thresholds, each with the figures of its day under both."""
    reports: Reports = request.app.state.reports
    require_trial(asker, reports.current(trial_id, now))
    with current(request.app.state.pool) as connection:
        return json(ThresholdChanges(threshold_changes(connection, trial_id, limit=limit)))
