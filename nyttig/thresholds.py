"""What a changed threshold did to the figures: both values, on the day of the change."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from nyttig.evidence import Evidence, evidence
from nyttig.figures.adoption import Coverage, UseDayRate
from nyttig.figures.intervals import Share
from nyttig.model import Parameters
from nyttig.report import report_on
from nyttig.store import db, history
from nyttig.store.db import Session


@dataclass(frozen=True, slots=True)
class FiguresThen:
    """The figures that a trial's thresholds bear on, under one set of them."""

    use_day_rate: UseDayRate
    active_last_week: Share | None
    regular_last_week: Share | None
    sustained: Share
    homes_stopped: int
    coverage: Coverage
    alarms_in_time: Share | None = None
    done_in_time: Share | None = None


@dataclass(frozen=True, slots=True)
class ThresholdChange:
    """Thresholds of a trial that were changed: each with its value before and after, and the figures under both,
    from what is known now of the time up to the change."""

    changed_at: datetime
    changed_by: str
    before: dict[str, Any]
    after: dict[str, Any]
    figures_before: FiguresThen
    figures_after: FiguresThen


def threshold_changes(connection: Session, trial_id: str, *, limit: int = 10) -> tuple[ThresholdChange, ...]:
    """The newest changes of the trial's thresholds, newest first. Raises NotFoundError, StoreUnavailableError."""
    known = {field.name for field in fields(Parameters)}
    found = []
    with db.translated():
        entries = history.of_trial_parameters(connection, trial_id, limit=limit)
    for entry in entries:
        before, after = (
            Parameters(**{name: value for name, value in (told or {}).items() if name in known})
            for told in (entry.before, entry.after)
        )
        changed = [name for name in known if getattr(before, name) != getattr(after, name)]
        if not changed:
            continue
        rests_on = evidence(connection, trial_id, entry.changed_at)
        found.append(
            ThresholdChange(
                changed_at=entry.changed_at,
                changed_by=entry.changed_by,
                before={name: getattr(before, name) for name in sorted(changed)},
                after={name: getattr(after, name) for name in sorted(changed)},
                figures_before=_figures(rests_on, before),
                figures_after=_figures(rests_on, after),
            )
        )
    return tuple(found)


def _figures(rests_on: Evidence, parameters: Parameters) -> FiguresThen:
    package = rests_on.package
    made = report_on(
        rests_on._replace(package=replace(package, trial=replace(package.trial, parameters=parameters)))
    )
    week = made.last_complete_week
    return FiguresThen(
        use_day_rate=made.use_day_rate,
        active_last_week=None if week is None else week.active,
        regular_last_week=None if week is None else week.regular,
        sustained=made.sustained.share,
        homes_stopped=made.retention.abandoned,
        coverage=made.coverage,
        alarms_in_time=None if made.alarms is None else made.alarms.all.handled_in_time,
        done_in_time=None if made.participation is None else made.participation.steady.done,
    )
