"""Is it used week by week? Homes by local ISO week. Definitions: docs/figures.md, section 3."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nyttig.figures.adoption import UseDayRate, use_day_rates
from nyttig.figures.coverage import STATES, day_numbers, numbered, state_numbers
from nyttig.figures.intervals import Share, wilson
from nyttig.model import Parameters

_MONDAY = 4
"""1970-01-05: weeks are numbered from it."""


@dataclass(frozen=True, slots=True)
class Week:
    """One local ISO week. The four bands sum to the homes exposed that week (with a day that is not out).

    used: at least one used day; else paused: all days excused; else unknown: observability under the trial's
    limit; else unused. `active` (a used day) and `regular` (as many as the trial asks) count homes among
    `observed_homes` (observability at or above that limit). `complete`: all seven days are over.
    `recovered_uses` are those of `Intensity`, in the week of the counter's later reading; they make no day used.
    """

    iso_week: str
    starts_on: date
    complete: bool
    homes_used: int
    homes_unused: int
    homes_unknown: int
    homes_paused: int
    observed_homes: int
    active: Share
    regular: Share
    use_day_rate: UseDayRate
    recovered_uses: int = 0


def weeks(
    home_days: pd.DataFrame,
    device_days: pd.DataFrame,
    parameters: Parameters,
    recovered: pd.DataFrame | None = None,
    *,
    last_complete_day: date,
) -> tuple[Week, ...]:
    """Return every ISO week from the first to the last with an exposed home.

    Weeks between without one are zeros. Bands and shares count homes (from `home_days`); the use-day rate is
    that of the week's `device_days`. recovered: home, day (of the counter's later reading), uses.
    """
    state = state_numbers(home_days["state"])
    exposed = state > 0
    if not exposed.any():
        return ()
    home, homes = numbered(home_days["home"])
    week = (day_numbers(home_days["day"]) - _MONDAY) // 7
    first = int(week[exposed].min())
    weeks_ = range(first, int(week[exposed].max()) + 1)
    shape = (len(weeks_), len(homes), len(STATES))
    table = np.bincount(
        np.ravel_multi_index((week[exposed] - first, home[exposed], state[exposed]), shape),
        minlength=np.prod(shape),
    ).reshape(shape)
    there: npt.NDArray[np.bool_] = np.asarray(table.any(axis=2))
    used_days = table[:, :, STATES.index("U")] + table[:, :, STATES.index("u")]
    counted = used_days + table[:, :, STATES.index("N")] + table[:, :, STATES.index("K")]
    with np.errstate(invalid="ignore"):
        observability = (used_days + table[:, :, STATES.index("N")]) / counted
    # False where nothing is counted.
    observed: npt.NDArray[np.bool_] = observability >= parameters.week_observability_required
    used: npt.NDArray[np.bool_] = used_days > 0
    paused: npt.NDArray[np.bool_] = there & ~used & (counted == 0)
    unused: npt.NDArray[np.bool_] = there & ~used & observed
    regular: npt.NDArray[np.bool_] = used_days >= parameters.regular_use_days_per_week
    week_of_device = (day_numbers(device_days["day"]) - _MONDAY) // 7 - first
    week_of_device[week_of_device >= len(weeks_)] = -1
    rates = use_day_rates(device_days, week_of_device, len(weeks_), parameters)
    recovered_uses: dict[Any, int] = {}
    if recovered is not None and len(recovered):
        told = (day_numbers(recovered["day"]) - _MONDAY) // 7
        recovered_uses = recovered["uses"].groupby(told).sum().to_dict()
    found = []
    for n, number in enumerate(weeks_):
        starts_on = date(1970, 1, 1) + timedelta(days=number * 7 + _MONDAY)
        year, iso_week, _ = starts_on.isocalendar()
        observed_homes = int(observed[n].sum())
        found.append(
            Week(
                iso_week=f"{year}-W{iso_week:02d}",
                starts_on=starts_on,
                complete=starts_on + timedelta(days=6) <= last_complete_day,
                homes_used=int(used[n].sum()),
                homes_unused=int(unused[n].sum()),
                homes_unknown=int(there[n].sum()) - int((used[n] | paused[n] | unused[n]).sum()),
                homes_paused=int(paused[n].sum()),
                observed_homes=observed_homes,
                active=wilson(int((used & observed)[n].sum()), observed_homes),
                regular=wilson(int((regular & observed)[n].sum()), observed_homes),
                use_day_rate=rates[n],
                recovered_uses=int(recovered_uses.get(number, 0)),
            )
        )
    return tuple(found)
