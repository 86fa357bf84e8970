"""Is it still used? The indicators of adoption again, in one window of days. Definitions: docs/figures.md, section 3."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from nyttig.figures.adoption import COUNTED, HomeStrip, UseDayRate, rate_of
from nyttig.figures.intervals import Share, wilson
from nyttig.model import Parameters


@dataclass(frozen=True, slots=True)
class WindowUse:
    """Use of the homes that have a day in the window, from `first_day` to `last_day`, both within it.

    `use_day_rate` counts days of homes, not of devices. `active` are homes with a day of use, of those with enough
    observed days (as for active homes a week). `steady` are homes used on as many of their observed days as makes a
    habit, of those with as many observed days as a habit asks for; `unknown` homes have fewer.
    """

    first_day: date
    last_day: date
    homes: int
    use_day_rate: UseDayRate
    active: Share
    steady: Share
    unknown: int


def window_use(
    strips: Sequence[HomeStrip], first_day: date, last_day: date, parameters: Parameters
) -> WindowUse:
    """Return the use of these homes from the first to the last day. Days of which a strip says nothing are out."""
    counted: list[Counter[str]] = []
    lossy: Counter[str] = Counter()
    for strip in strips:
        begins = max((first_day - strip.first_day).days, 0)
        states = strip.states[begins : max((last_day - strip.first_day).days + 1, 0)]
        days = Counter(states)
        if any(days[state] for state in COUNTED):
            counted.append(days)
            lossy.update(
                strip.states[(day - strip.first_day).days]
                for day in strip.lossy_on
                if first_day <= day <= last_day
            )
    seen = [
        days
        for days in counted
        if days["U"] + days["u"] + days["N"]
        >= parameters.week_observability_required * sum(days[state] for state in COUNTED)
    ]
    judged = [days for days in counted if days["U"] + days["N"] >= parameters.sustained_observed_days]
    steady = sum(
        days["U"] >= parameters.sustained_use_day_ratio * (days["U"] + days["N"]) - 1e-9 for days in judged
    )
    return WindowUse(
        first_day=first_day,
        last_day=last_day,
        homes=len(counted),
        use_day_rate=rate_of(sum(counted, Counter()), lossy, len(counted), parameters),
        active=wilson(sum(days["U"] + days["u"] > 0 for days in seen), len(seen)),
        steady=wilson(steady, len(judged)),
        unknown=len(counted) - len(judged),
    )
