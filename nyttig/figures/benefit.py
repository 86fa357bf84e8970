"""Does it help? What visits and new work leave of staff time. Definitions: docs/figures.md, section 4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True, slots=True)
class NetMinutes:
    """Staff minutes per home-week: what visits took before and after, what new work came, what is left.

    net = (before − after) − new work. `hours_per_year` is net · 52 / 60 for one home, annualised;
    `amount_per_year` that at the trial's hourly rate, None where none is given.
    """

    homes: int
    visit_minutes_before: float | None
    visit_minutes_after: float | None
    new_work_minutes: float | None
    net_minutes: float | None
    hours_per_year: float | None
    amount_per_year: float | None


def net_minutes(
    before_minutes_per_week: Sequence[float],
    after_minutes_per_week: Sequence[float],
    new_work_minutes_per_week: Sequence[float],
    homes: int,
    hourly_rate: float | None,
) -> NetMinutes:
    """Return net staff minutes per home-week.

    Given is one value per home of visits (direct and travel) and of new work. Before and after are of the
    same homes in the same order (ValueError where their numbers differ). A list that is empty was not
    registered: its mean and everything that needs it are None, not 0. `hourly_rate` is in the trial's
    currency.
    """
    if len(before_minutes_per_week) != len(after_minutes_per_week):
        raise ValueError(
            f"{len(before_minutes_per_week)} homes before and {len(after_minutes_per_week)} after:"
            " give the same homes"
        )
    before, after, new_work = (
        fmean(values) if len(values) else None
        for values in (before_minutes_per_week, after_minutes_per_week, new_work_minutes_per_week)
    )
    net = None if before is None or after is None or new_work is None else before - after - new_work
    hours = None if net is None else net * 52 / 60
    amount = None if hours is None or hourly_rate is None else hours * hourly_rate
    return NetMinutes(homes, before, after, new_work, net, hours, amount)
