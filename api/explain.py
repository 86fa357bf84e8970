"""How each figure of a trial was computed, down to the days that it counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.deps import Asker, Now, current, json, ready
from api.reports import Reports
from api.trials import AsKnown, AsOf, asked, asked_moment, require_trial
from nyttig.errors import NyttigError
from nyttig.evidence import evidence
from nyttig.explain import (
    Alarm,
    DeviceDay,
    Explanation,
    definitions,
    explain,
    explained_alarms,
    explained_days,
)
from nyttig.figures.alarms import OUTCOMES
from nyttig.figures.periods import Comparison, Periods
from nyttig.report import Report
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
class RaisedAlarms:
    """The alarms asked for, the newest first."""

    alarms: tuple[Alarm, ...]


@dataclass(frozen=True, slots=True)
class PartPeriods:
    """One unit's or technology's last complete weeks against those before, by its name."""

    part: str
    comparison: Comparison | None
    participation: Comparison | None


@dataclass(frozen=True, slots=True)
class TrialPeriods:
    """The last complete weeks against those before: by the measure of the technology's class, and of what was due.
    Null where the trial is too young, or nothing is due. Then the same unit by unit, technology by technology."""

    comparison: Comparison | None
    participation: Comparison | None
    units: tuple[PartPeriods, ...]
    technologies: tuple[PartPeriods, ...]


@dataclass(frozen=True, slots=True)
class ThresholdChanges:
    """Changes of a trial's thresholds, the newest first, each with the figures under the old ones and the new."""

    changes: tuple[ThresholdChange, ...]


@router.get("/{trial_id}/explain", responses={200: {"model": Explanations}})
def figures(
    trial_id: str, request: Request, now: Now, asker: Asker, as_of: AsOf = None, known: AsKnown = None
) -> Response:
    """Every figure of a trial with its definition, its thresholds, what went in and what stayed out."""
    return ready(asked(request, trial_id, now, asker, as_of, known).json("explain", explanations))


def explanations(report: Report) -> Explanations:
    """Every figure of a report, explained."""
    return Explanations(tuple(explain(report, figure) for figure in definitions()))


@router.get("/{trial_id}/explain/{figure}", responses={200: {"model": Explanation}})
def figure(
    trial_id: str,
    figure: str,
    request: Request,
    now: Now,
    asker: Asker,
    as_of: AsOf = None,
    known: AsKnown = None,
) -> Response:
    """One figure of a trial, explained."""
    return json(explain(asked(request, trial_id, now, asker, as_of, known).report, figure))


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
    known: AsKnown = None,
) -> Response:
    """The device-days that the figures count: state, uses, observed minutes, events, and gaps in what was sent.

    Of so many days that one answer would be too long (200,000) none are told: ask for them by home or period.
    """
    if state is not None and set(state) - set(STATES):
        raise NyttigError(f"state {state!r} holds letters that are none of {STATES}")
    reports: Reports = request.app.state.reports
    report = require_trial(asker, reports.current(trial_id, now))
    moment, as_known = asked_moment(report, now, as_of, known)
    with current(request.app.state.pool) as connection:
        all_is_known = as_known.cut_at is None
        found = evidence(
            connection,
            trial_id,
            moment,
            folded=all_is_known,
            known_at=as_known.cut_at,
            home=home,
            from_day=from_day,
        )
        told = explained_days(
            found,
            home=home,
            state=state,
            from_day=from_day,
            to_day=to_day,
            connection=connection if all_is_known else None,
        )
    return json(DeviceDays(tuple(told)))


@router.get("/{trial_id}/alarms", responses={200: {"model": RaisedAlarms}})
def alarms(
    trial_id: str,
    request: Request,
    now: Now,
    asker: Asker,
    home: Annotated[str | None, Query(description="Only this home")] = None,
    outcome: Annotated[
        str | None, Query(description=f"Only alarms of which this became: {', '.join(OUTCOMES)}")
    ] = None,
    as_of: AsOf = None,
    known: AsKnown = None,
) -> Response:
    """The alarms that the figures count: who raised each, when, and who handled it how many minutes later."""
    if outcome not in (None, *OUTCOMES):
        raise NyttigError(f"outcome {outcome!r} is none of {', '.join(OUTCOMES)}")
    reports: Reports = request.app.state.reports
    report = require_trial(asker, reports.current(trial_id, now))
    moment, as_known = asked_moment(report, now, as_of, known)
    with current(request.app.state.pool) as connection:
        found = evidence(connection, trial_id, moment, folded=True, known_at=as_known.cut_at, home=home)
    return json(RaisedAlarms(tuple(explained_alarms(found, home=home, outcome=outcome))))


@router.get("/{trial_id}/periods", responses={200: {"model": TrialPeriods}})
def periods(
    trial_id: str, request: Request, now: Now, asker: Asker, as_of: AsOf = None, known: AsKnown = None
) -> Response:
    """The last four complete weeks against the four before, and whether the difference is more than chance could do."""
    return ready(asked(request, trial_id, now, asker, as_of, known).json("periods", trial_periods))


def trial_periods(report: Report) -> TrialPeriods:
    """What a report says of its periods, for all homes and part by part."""

    def part(name: str, periods: Periods) -> PartPeriods:
        return PartPeriods(name, periods.comparison, periods.participation)

    return TrialPeriods(
        report.periods.comparison,
        report.periods.participation,
        tuple(part(each.unit, each.periods) for each in report.units),
        tuple(part(each.technology, each.periods) for each in report.technologies),
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
