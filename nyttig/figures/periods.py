"""Is it getting better? The last four complete weeks against the four before, home by home."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from nyttig.figures import adoption
from nyttig.figures.adoption import (
    Coverage,
    CoveredMinutes,
    HomeStrip,
    UseDayRate,
    coverage_of,
    covered_minutes,
    rate_of,
)
from nyttig.figures.coverage import STATES, day_numbers, numbered
from nyttig.figures.intervals import Share, clustered, t_interval, wilson
from nyttig.figures.paired import HOMES_FOR_INFERENCE
from nyttig.model import Parameters

PERIOD_WEEKS = 4

Measure = Literal["use_day_rate", "coverage", "participation"]
Verdict = Literal["more", "less", "no_clear_change", "too_few_homes"]
DoneOfDue = tuple[int, int]
"""How much was done in time, and of how much due while somebody would have noticed."""
Covered = tuple[CoveredMinutes, CoveredMinutes]
"""The minutes of a home in the earlier period and in the later one."""


@dataclass(frozen=True, slots=True)
class Period:
    """Some whole weeks, of the homes' days after their first `parameters.ramp_in_days`.

    `use_day_rate` counts home-days. `active` are homes with a used day, of those observed on enough days
    (`parameters.week_observability_required`). `coverage` is that of these weeks: where a device of the part, or of the
    trial, has ever said whether it is armed, time in which it had not yet said so is not covered here either. `done`
    is what was done in time of what was due, its interval by homes; None where nothing is due.
    """

    first_day: date
    last_day: date
    use_day_rate: UseDayRate
    active: Share
    coverage: Coverage
    done: Share | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """The mean of one difference per home (later − earlier) over `n` homes, of shares 0..1, with its 95 % t interval.

    Under five homes there is no interval.
    """

    n: int
    mean: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two periods of the same length, the later one against the one before.

    `difference` is per home (later − earlier), of homes with observed days in both: of the share of days in use, of
    coverage for a technology that stands by (armed and online ÷ exposed minutes, of homes whose coverage may be shown
    as a point in both), or of what was done in time. Each home counts once, whatever its days,
    so that its interval says what chance between homes could do. `verdict`: `more` or `less` where that interval
    leaves out zero, `too_few_homes` where there is none. `unknown_could_explain`: whether the unknown days (of
    coverage: the minutes not known to be armed), had they all been unused in one period and used in the other, could
    have made the whole difference of both rates by themselves.
    """

    weeks: int
    measure: Measure
    before: Period
    after: Period
    difference: Change
    verdict: Verdict
    unknown_could_explain: bool


@dataclass(frozen=True, slots=True)
class Periods:
    """`comparison` by the measure of the technology's class, `participation` of what was due; None where the trial is
    younger than two periods, or nothing is due."""

    comparison: Comparison | None
    participation: Comparison | None = None


class _Cut(NamedTuple):
    """One home's days of a period: their states, and those of days that lost messages."""

    states: str
    lossy: str


def windows(last_complete_day: date, weeks: int = PERIOD_WEEKS) -> tuple[date, date, date]:
    """Return the first day of the earlier period, the first of the later one, and the last: Mondays, and a Sunday."""
    last = last_complete_day - timedelta(days=last_complete_day.isoweekday() % 7)
    later = last - timedelta(days=7 * weeks - 1)
    return later - timedelta(days=7 * weeks), later, last


def covered(days: pd.DataFrame, last_complete_day: date, weeks: int = PERIOD_WEEKS) -> dict[str, Covered]:
    """Return each home's minutes in either period; of homes with none in both, nothing.

    days: device-days without the homes' first ones, as for `adoption.coverages`.
    """
    first, later, last = (
        np.datetime64(day, "D").astype(np.int64) for day in windows(last_complete_day, weeks)
    )
    day = day_numbers(days["day"])
    inside = (day >= first) & (day <= last)
    some = days[inside]
    home, homes = numbered(some["home"])
    minutes = covered_minutes(some, 2 * home + (day[inside] >= later), 2 * len(homes))
    found = zip(homes, zip(minutes[::2], minutes[1::2], strict=True), strict=True)
    return {str(name): both for name, both in found if any(period.exposed for period in both)}


def compare(
    strips: Sequence[HomeStrip],
    last_complete_day: date,
    parameters: Parameters,
    *,
    standby: bool,
    minutes: Mapping[str, Covered],
    armed_known: bool,
    due: Mapping[str, tuple[DoneOfDue, DoneOfDue]] | None = None,
    weeks: int = PERIOD_WEEKS,
) -> Periods:
    """Return the last `weeks` complete ISO weeks against as many before; nothing where the trial is younger than that.

    `minutes`: of each home, as `covered` finds them; `armed_known`: as the part's own coverage says (`Coverage`). `due`: per
    home what was done of what was due in either period, where anything is.
    """
    first, later, last = windows(last_complete_day, weeks)
    if not strips or any(strip.first_day > first for strip in strips):
        return Periods(None)
    spans = ((first, later - timedelta(days=1)), (later, last))
    cuts = [[_cut(strip, *span, parameters) for strip in strips] for span in spans]
    known = [] if due is None else [due[strip.home] for strip in strips if strip.home in due]
    there = [minutes[strip.home] for strip in strips if strip.home in minutes]

    def coverage(told: Iterable[CoveredMinutes]) -> Coverage:
        total = CoveredMinutes(*(sum(each) for each in zip(CoveredMinutes(), *told, strict=True)))
        return coverage_of(total, parameters, armed_known=armed_known)

    before, after = (
        _period(
            cut,
            coverage(home[place] for home in there),
            [home[place] for home in known],
            *span,
            parameters,
        )
        for place, (cut, span) in enumerate(zip(cuts, spans, strict=True))
    )

    def comparison(measure: Measure, values: list[tuple[float | None, float | None]]) -> Comparison:
        difference = _change([other - one for one, other in values if one is not None and other is not None])
        return Comparison(
            weeks=weeks,
            measure=measure,
            before=before,
            after=after,
            difference=difference,
            verdict=_verdict(difference),
            unknown_could_explain=_unknown_could_explain(measure, before, after),
        )

    if standby:
        own = comparison(
            "coverage", [(_covered(coverage([one])), _covered(coverage([other]))) for one, other in there]
        )
    else:
        own = comparison("use_day_rate", [(_use(one), _use(other)) for one, other in zip(*cuts, strict=True)])
    return Periods(
        own,
        comparison("participation", [(_done(one), _done(other)) for one, other in known]) if known else None,
    )


def _cut(strip: HomeStrip, first: date, last: date, parameters: Parameters) -> _Cut:
    """Return the home's days from `first` to `last` without its first ones."""
    if strip.exposed_from is None:
        return _Cut("", "")
    settled = strip.exposed_from + timedelta(days=parameters.ramp_in_days)
    start = (max(first, settled) - strip.first_day).days
    end = (last - strip.first_day).days + 1
    states = strip.states[start:end]
    lossy = [
        states[place]
        for day in strip.lossy_on
        if 0 <= (place := (day - strip.first_day).days - start) < len(states)
    ]
    return _Cut(states, "".join(lossy))


def _use(cut: _Cut) -> float | None:
    used, unused = (cut.states.count(letter) for letter in "UN")
    return used / (used + unused) if used + unused else None


def _covered(coverage: Coverage) -> float | None:
    """Return the coverage where it may stand alone: minutes of which nobody knows are no zero."""
    return coverage.ratio if coverage.show == "point" else None


def _done(told: DoneOfDue) -> float | None:
    done, of = told
    return done / of if of else None


def _period(
    cuts: Sequence[_Cut],
    coverage: Coverage,
    due: Sequence[DoneOfDue],
    first: date,
    last: date,
    parameters: Parameters,
) -> Period:
    counts, lossy = (
        {state: letters.count(state) for state in STATES}
        for letters in ("".join(cut.states for cut in cuts), "".join(cut.lossy for cut in cuts))
    )
    homes, active, observed = 0, 0, 0
    for cut in cuts:
        known = sum(cut.states.count(state) for state in adoption.COUNTED)
        unknown = cut.states.count("K")
        homes += known > 0
        if known and known - unknown >= parameters.week_observability_required * known:
            observed += 1
            active += any(state in cut.states for state in adoption.USED)
    return Period(
        first_day=first,
        last_day=last,
        use_day_rate=rate_of(counts, lossy, homes, parameters),
        active=wilson(active, observed),
        coverage=coverage,
        done=clustered([done for done, _ in due], [of for _, of in due]) if due else None,
    )


def _change(differences: Sequence[float]) -> Change:
    interval = t_interval(differences) if len(differences) >= HOMES_FOR_INFERENCE else None
    low, high = interval or (None, None)
    return Change(len(differences), fmean(differences) if differences else None, low, high)


def _verdict(difference: Change) -> Verdict:
    if difference.low is None or difference.high is None:
        return "too_few_homes"
    if difference.low > 0:
        return "more"
    return "less" if difference.high < 0 else "no_clear_change"


def _unknown_could_explain(measure: Measure, before: Period, after: Period) -> bool:
    if measure == "use_day_rate":
        rates = before.use_day_rate, after.use_day_rate
        return _overlap(*((rate.lower, rate.upper) for rate in rates))
    covers = before.coverage, after.coverage
    if measure == "participation" or not any(
        each.armed_known and each.armed_unknown_minutes for each in covers
    ):
        return False
    return _overlap(*((each.ratio, each.upper) for each in covers))


def _overlap(one: tuple[float | None, float | None], other: tuple[float | None, float | None]) -> bool:
    """Whether the bounds (lower, upper) of two figures have a value in common."""
    (low, high), (other_low, other_high) = one, other
    if low is None or high is None or other_low is None or other_high is None:
        return True
    return low <= other_high and other_low <= high
