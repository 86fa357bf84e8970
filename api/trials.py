"""Trials: which there are, and what is known of each."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, Response
from starlette.background import BackgroundTask

from api import examples
from api.deps import Asker, Now, current, json, ready
from api.reports import Kept, Reports
from nyttig.errors import NotFoundError
from nyttig.export import export
from nyttig.figures.adoption import Coverage, UseDayRate
from nyttig.figures.intervals import Share
from nyttig.model import Principal
from nyttig.report import Known, Report, TrialFacts, as_of_moment, known_as_asked

router = APIRouter(prefix="/v1/trials", tags=["trials"])

AsOf = Annotated[
    str | None,
    Query(description="A day (its end, local to the trial) or a time with offset", examples=["2026-11-01"]),
]

AsKnown = Annotated[
    str | None,
    Query(
        description="`then` (the default): from what had arrived and was registered by `as_of`; `now`: from all that is"
        " known of that time now; or a day or time after it: from what was known at that",
        examples=["then", "now"],
    ),
]


@dataclass(frozen=True, slots=True)
class TrialSummary(TrialFacts):
    """One trial in the overview; figures as in its report. `homes` are those in which it was installed."""

    homes: int
    as_of: datetime
    use_day_rate: UseDayRate
    coverage: Coverage
    active_last_week: Share | None
    last_event_at: datetime | None


@dataclass(frozen=True, slots=True)
class Trials:
    """The trials that the asker may see, in the order in which they start."""

    trials: tuple[TrialSummary, ...]


@router.get("", responses={200: {"model": Trials, **examples.TRIALS}})
def trials(request: Request, now: Now, asker: Asker) -> Response:
    """All trials with the few figures that an overview needs."""
    reports: Reports = request.app.state.reports
    found = reports.all_current(now)
    return json(Trials(tuple(_summary(report) for report in found if may_see(asker, report))))


@router.get("/{trial_id}", responses={200: {"model": TrialSummary}})
def trial(trial_id: str, request: Request, now: Now, asker: Asker) -> Response:
    """One trial with the few figures that an overview needs."""
    reports: Reports = request.app.state.reports
    return json(_summary(require_trial(asker, reports.current(trial_id, now))))


@router.get("/{trial_id}/report", responses={200: {"model": Report}})
def trial_report(
    trial_id: str,
    request: Request,
    now: Now,
    asker: Asker,
    as_of: AsOf = None,
    known: AsKnown = None,
) -> Response:
    """All figures of one trial, as of now or of an earlier day, as they were known then or are known now."""
    return ready(asked(request, trial_id, now, asker, as_of, known).json("report", lambda report: report))


@router.get("/{trial_id}/export", response_class=FileResponse)
def trial_export(
    trial_id: str,
    request: Request,
    now: Now,
    asker: Asker,
    format: Annotated[list[Literal["csv", "parquet"]], Query(description="csv, parquet, or both")] = ["csv"],  # noqa: A002, B006  # the public parameter's name; FastAPI copies the default
) -> FileResponse:
    """The trial as a zipped trial package: everything that went into its report."""
    reports: Reports = request.app.state.reports
    require_trial(asker, reports.current(trial_id, now))
    folder = Path(tempfile.mkdtemp(prefix="nyttig-export-"))
    try:
        with current(request.app.state.pool) as connection:
            export(connection, trial_id, folder / trial_id, formats=set(format), now=now)
        archive = shutil.make_archive(str(folder / trial_id), "zip", folder, trial_id)
    except BaseException:
        shutil.rmtree(folder)
        raise
    return FileResponse(
        archive,
        filename=f"{trial_id}.zip",
        media_type="application/zip",
        background=BackgroundTask(shutil.rmtree, folder),
    )


def asked(
    request: Request,
    trial_id: str,
    now: datetime,
    asker: Principal,
    as_of: str | None,
    known: str | None = None,
) -> Kept:
    """The report that is asked for, as of now or of the day or time `as_of`, as `known` then or now."""
    reports: Reports = request.app.state.reports
    found = reports.kept(trial_id, now)
    require_trial(asker, found.report)
    if as_of is None and known in (None, "then", "now"):
        return found
    return reports.as_of(trial_id, *asked_moment(found.report, now, as_of, known))


def asked_moment(
    report: Report, now: datetime, as_of: str | None, known: str | None
) -> tuple[datetime, Known]:
    """The moment that is asked about, and what is to be known of the time before it."""
    zone = report.trial.timezone
    moment = now if as_of is None else as_of_moment(as_of, zone, now)
    return moment, known_as_asked(known, moment, zone, now)


def require_trial(asker: Principal, report: Report) -> Report:
    """The report, of a trial that the asker may see; raises NotFoundError else."""
    if not may_see(asker, report):
        raise NotFoundError("there is no trial {trial!r} in your units", trial=report.trial.id)
    return report


def may_see(asker: Principal, report: Report) -> bool:
    """Whether the report is of a trial with a unit of the asker's."""
    return asker.units is None or not asker.units.isdisjoint(report.trial.units)


def _summary(report: Report) -> TrialSummary:
    week = report.last_complete_week
    return TrialSummary(
        **{field.name: getattr(report.trial, field.name) for field in fields(TrialFacts)},
        homes=report.data.homes,
        as_of=report.as_of,
        use_day_rate=report.use_day_rate,
        coverage=report.coverage,
        active_last_week=None if week is None else week.active,
        last_event_at=report.data.last_event_at,
    )
