"""Is it getting better? The last four complete weeks against the four before, home by home."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import pandas as pd

from nyttig.figures import adoption
from nyttig.figures.adoption import HomeStrip, UseDayRate
from nyttig.figures.benefit import Paired, paired
from nyttig.figures.intervals import Share, wilson
from nyttig.model import Parameters

PERIOD_WEEKS = 4

Verdict = Literal["more", "less", "no_clear_change", "too_few_homes"]


@dataclass(frozen=True, slots=True)
class Period:
    """Some whole weeks, of the homes' days after their first `parameters.ramp_in_days`.

    `use_day_rate` counts home-days. `active` are homes with a used day, of those observed on enough days
    (`parameters.week_observability_required`). `coverage_ratio` is the mean share of a home's day under proof of
    life, None without days.
    """

    first_day: date
    last_day: date
    use_day_rate: UseDayRate
    active: Share
    coverage_ratio: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two periods of the same length, the later one against the one before.

    `difference` is per home (later − earlier), of homes with observed days in both: of the share of days in use, or of
    coverage for a technology that stands by. Each home counts once, whatever its days, so that its interval says
    what chance between homes could do. `verdict`: `more` or `less` where that interval leaves out zero,
    `too_few_homes` where there is none. `unknown_could_explain`: whether the unknown days, had they all been unused
    in one period and used in the other, could have made the whole difference of the rates by themselves.
    """

    weeks: int
    measure: Literal["use_day_rate", "coverage"]
    before: Period
    after: Period
    difference: Paired
    verdict: Verdict
    unknown_could_explain: bool


def compare(
    strips: Sequence[HomeStrip],
    last_complete_day: date,
    parameters: Parameters,
    *,
    standby: bool,
    weeks: int = PERIOD_WEEKS,
) -> Comparison | None:
    """Return the last `weeks` complete ISO weeks against as many before; None where the trial is younger than that."""
    last = last_complete_day - timedelta(days=last_complete_day.isoweekday() % 7)
    length = timedelta(days=7 * weeks)
    first = last - 2 * length + timedelta(days=1)
    if not strips or any(strip.first_day > first for strip in strips):
        return None
    before = [_cut(strip, first, last - length, parameters) for strip in strips]
    after = [_cut(strip, last - length + timedelta(days=1), last, parameters) for strip in strips]
    measure = _coverage if standby else _use
    differences = [
        later - earlier
        for one, other in zip(before, after, strict=True)
        if (earlier := measure(one)) is not None and (later := measure(other)) is not None
    ]
    difference = paired(differences)
    periods = [
        _period(days, strips, day, day + length - timedelta(days=1), parameters)
        for days, day in ((before, first), (after, last - length + timedelta(days=1)))
    ]
    return Comparison(
        weeks=weeks,
        measure="coverage" if standby else "use_day_rate",
        before=periods[0],
        after=periods[1],
        difference=difference,
        verdict=_verdict(difference),
        unknown_could_explain=not standby and _overlap(periods[0].use_day_rate, periods[1].use_day_rate),
    )


_Days = list[tuple[str, float | None]]


def _cut(strip: HomeStrip, first: date, last: date, parameters: Parameters) -> _Days:
    """Return the home's days from `first` to `last` without its first ones: state and share observed."""
    inside = len(strip.states) - len(strip.states.lstrip("-"))
    start = max((first - strip.first_day).days, inside + parameters.ramp_in_days)
    end = (last - strip.first_day).days + 1
    return list(zip(strip.states[start:end], strip.observed_ratio[start:end], strict=True))


def _use(days: _Days) -> float | None:
    used, unused = (sum(state == letter for state, _ratio in days) for letter in "UN")
    return used / (used + unused) if used + unused else None


def _coverage(days: _Days) -> float | None:
    ratios = [ratio for state, ratio in days if state in adoption.COUNTED and ratio is not None]
    return sum(ratios) / len(ratios) if ratios else None


def _period(
    cut: list[_Days], strips: Sequence[HomeStrip], first: date, last: date, parameters: Parameters
) -> Period:
    rows = [(strip.home, state) for strip, days in zip(strips, cut, strict=True) for state, _ratio in days]
    frame = pd.DataFrame(rows, columns=["home", "state"]).assign(lossy=False)
    ratios = [
        ratio for days in cut for state, ratio in days if state in adoption.COUNTED and ratio is not None
    ]
    active, observed = 0, 0
    for days in cut:
        states = [state for state, _ratio in days if state in adoption.COUNTED]
        seen = sum(state != "K" for state in states)
        if states and seen >= parameters.week_observability_required * len(states):
            observed += 1
            active += any(state in adoption.USED for state in states)
    return Period(
        first_day=first,
        last_day=last,
        use_day_rate=adoption.use_day_rate(frame, parameters),
        active=wilson(active, observed),
        coverage_ratio=sum(ratios) / len(ratios) if ratios else None,
    )


def _verdict(difference: Paired) -> Verdict:
    if difference.low is None or difference.high is None:
        return "too_few_homes"
    if difference.low > 0:
        return "more"
    return "less" if difference.high < 0 else "no_clear_change"


def _overlap(one: UseDayRate, other: UseDayRate) -> bool:
    """Whether the bounds of two rates have a value in common."""
    if one.lower is None or one.upper is None or other.lower is None or other.upper is None:
        return True
    return one.lower <= other.upper and other.lower <= one.upper
