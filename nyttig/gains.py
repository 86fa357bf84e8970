"""Does it help? A trial's gains, judged as it was fixed beforehand, and what is left of the staff's minutes."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import fmean
from typing import Literal

from nyttig.entries.benefit import Comparison, Design
from nyttig.errors import EntryError
from nyttig.figures import benefit
from nyttig.figures.benefit import NetMinutes
from nyttig.figures.comparison import DifferenceInDifferences, difference_in_differences
from nyttig.figures.instruments import Instrument
from nyttig.figures.interrupted import Interrupted, interrupted
from nyttig.figures.ordinal import Ordinal, ordinal
from nyttig.figures.paired import Paired, paired
from nyttig.figures.staggered import HomePeriod, Staggered, staggered
from nyttig.indicators import (
    PERIODS,
    VISIT_MINUTES,
    Point,
    Values,
    form_completeness,
    instrument_called,
    last_measured,
    of_kind,
    panel,
    series,
    single_answers,
    starts,
    values,
    work_minutes,
)
from nyttig.model import Gain, Period, TrialPackage

Method = Literal["before_after", "comparison", "staggered", "interrupted", "randomised"]

RULED_OUT_BY_LOT = frozenset(("parallel_trends", "regression_to_the_mean"))
"""What groups that were dealt out by lot need not take for granted: but for chance both would have gone the same way."""


@dataclass(frozen=True, slots=True)
class HomePair:
    """One home's indicator before and after."""

    home: str
    unit: str
    before: float
    after: float
    by_proxy: bool


@dataclass(frozen=True, slots=True)
class HomeMonth:
    """One home's indicator in a calendar month (by its first day), and whether it had started by then."""

    home: str
    month: date
    value: float
    started: bool


@dataclass(frozen=True, slots=True)
class Baseline:
    """Where a gain started from: a number that somebody entered, the homes' values before, a waiver, or nothing yet."""

    kind: Literal["entered", "measured", "waived", "missing"]
    value: float | None = None
    measured_on: date | None = None
    by: str | None = None
    homes: int = 0
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """The one change that is quoted of a gain, in the indicator's unit, with its 95 % interval.

    `method` is the one that the trial's design asks for; where the data does not bear it, `asked_for` says which it was
    and `method` is what is told instead. `level` of evidence: 0 case, 1 before/after, 2 with comparison homes,
    3 staggered start, 4 interrupted series, 5 randomised. `n` counts homes, or the points of a series.
    `assumptions` are keys of `nyttig.figures.assumptions`.
    """

    method: Method
    asked_for: Method
    level: int
    n: int
    estimate: float | None
    low: float | None
    high: float | None
    p: float | None
    assumptions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GainFigures:
    """One gain with what was measured of it.

    `change` is what is quoted; `difference` is before/after in the homes with the technology, whatever the design.
    `comparison`, `staggered`, `interrupted` and `answers` (of a single item, which has no mean) are None where the trial
    has nothing for them. `homes_missing` lack one of the periods. `registration_ratio` is the smaller share of homes, or
    of forms, registered in either period, of a series that of its points; under the trial's limit the gain is
    `uncertain`. What the pictures show beside `homes`: `homes_compared` without the technology, the `months` of a
    staggered start, the `points` of a series. So much of a `notable_change` is worth a word in one person, where that is
    agreed upon. `answers_without_score` are questionnaires that lack an item.
    """

    id: str
    title: str
    type: str
    perspective: str
    stakeholder: str | None
    indicator: str
    better: str
    target: float | None
    owner: str | None
    payer: str | None
    planned: bool
    status: str | None
    measure_on: str | None
    found_on: date | None
    baseline: Baseline
    evidence_level: int
    change: Change
    homes: tuple[HomePair, ...]
    homes_missing: int
    before_mean: float | None
    after_mean: float | None
    difference: Paired
    comparison: DifferenceInDifferences | None
    staggered: Staggered | None
    interrupted: Interrupted | None
    answers: Ordinal | None
    registration_ratio: float | None
    uncertain: bool
    homes_compared: tuple[HomePair, ...] = ()
    months: tuple[HomeMonth, ...] = ()
    points: tuple[Point, ...] = ()
    last_measured_on: date | None = None
    notable_change: float | None = None
    answers_without_score: int = 0


def gain_figures(package: TrialPackage, gain: Gain) -> GainFigures:
    """One gain with what the trial's registrations say of it."""
    compared = {each.home: each.chosen for each in of_kind(package, Comparison)}
    units = {home.home: home.unit for home in package.homes}
    installed = [home.home for home in package.homes if home.installed_on and home.home not in compared]
    found = values(package, gain.indicator)
    both = [HomePair(home, units[home], *pair, home in found.by_proxy) for home, pair in found.pairs.items()]
    pairs = tuple(pair for pair in both if pair.home not in compared)
    difference = paired([pair.after - pair.before for pair in pairs])
    others = tuple(pair for pair in both if pair.home in compared)
    comparison = (
        difference_in_differences(
            [(pair.before, pair.after) for pair in pairs], [(pair.before, pair.after) for pair in others]
        )
        if others
        else None
    )
    points = series(package, gain.indicator)
    before, after = ([point.value for point in points if point.after is late] for late in (False, True))
    design = design_of(package, compared)
    found_series = interrupted(before, after) if before or after else None
    begun = starts(package)
    rows = panel(package, gain.indicator) if design == "staggered" else []
    stepped = staggered(rows, begun) if design == "staggered" else None
    single = single_answers(package, gain.indicator)
    answers = None if single is None else _moved(*single, gain.better, compared)
    lots_drawn = all(compared[pair.home] == "randomised" for pair in others)
    change = _change(design, difference, comparison, stepped, found_series, answers, lots_drawn)
    ratio: float | None
    if change.method == "interrupted":
        ratio = min(_seen_ratio(before), _seen_ratio(after))
    else:
        homes = (found.before, found.after) if single is None else (single[1]["before"], single[1]["after"])
        ratio = _registration_ratio(package, homes, found.source, installed)
    return GainFigures(
        id=gain.id,
        title=gain.title,
        type=gain.type,
        perspective=gain.perspective,
        stakeholder=gain.stakeholder,
        indicator=gain.indicator,
        better=gain.better,
        target=gain.target,
        owner=gain.owner,
        payer=gain.payer,
        planned=gain.planned,
        status=gain.status,
        measure_on=gain.measure_on,
        found_on=gain.found_on,
        baseline=_baseline(package, gain, found),
        evidence_level=change.level,
        change=change,
        homes=pairs,
        homes_missing=len(set(installed) - {pair.home for pair in pairs}),
        before_mean=fmean(pair.before for pair in pairs) if pairs else None,
        after_mean=fmean(pair.after for pair in pairs) if pairs else None,
        difference=difference,
        comparison=comparison,
        staggered=stepped,
        interrupted=found_series,
        answers=answers,
        registration_ratio=ratio,
        uncertain=ratio is None or ratio < package.trial.parameters.registration_ratio_required,
        homes_compared=others,
        months=tuple(_home_month(row, begun[row.home]) for row in rows),
        points=points,
        last_measured_on=last_measured(package, gain.indicator),
        notable_change=_notable_change(package, gain.indicator),
        answers_without_score=0 if single else found.missing,
    )


def design_of(package: TrialPackage, compared: Mapping[str, str]) -> Method:
    """What the time after is compared with: as it was fixed, else by whether there are homes to compare with."""
    fixed: list[Design] = of_kind(package, Design)
    if fixed:
        return fixed[-1].design
    if not compared:
        return "before_after"
    return "randomised" if set(compared.values()) == {"randomised"} else "comparison"


def baseline(package: TrialPackage, gain: Gain) -> Baseline:
    """Where the gain started from. A number that was entered comes first, then what the homes' values before say."""
    return _baseline(package, gain, values(package, gain.indicator))


def _baseline(package: TrialPackage, gain: Gain, found: Values) -> Baseline:
    if gain.baseline_value is not None:
        return Baseline("entered", gain.baseline_value, gain.baseline_on, gain.baseline_by)
    compared = {each.home for each in of_kind(package, Comparison)}
    single = single_answers(package, gain.indicator)
    if single is not None and (answered := single[1]["before"].keys() - compared):
        return Baseline("measured", None, gain.baseline_on, gain.baseline_by, len(answered))
    before = [value for home, value in found.before.items() if home not in compared]
    if before:
        return Baseline("measured", fmean(before), gain.baseline_on, gain.baseline_by, len(before))
    points = [point.value for point in series(package, gain.indicator) if not point.after]
    counted = [value for value in points if value is not None]
    if counted:
        return Baseline("measured", fmean(counted), gain.baseline_on, gain.baseline_by)
    if gain.waiver_reason:
        return Baseline("waived", by=gain.waived_by, reason=gain.waiver_reason)
    return Baseline("missing")


def net_minutes(package: TrialPackage) -> NetMinutes:
    """Staff minutes per home-week before and after, new work taken off, over the homes with both periods."""
    compared = {each.home for each in of_kind(package, Comparison)}
    visits = values(package, VISIT_MINUTES)
    homes = [home for home in visits.pairs if home not in compared]
    new_work = {home: sum(minutes) for home, minutes in work_minutes(package, "after", new=True).items()}
    return benefit.net_minutes(
        [visits.before[home] for home in homes],
        [visits.after[home] for home in homes],
        [new_work.get(home, 0.0) for home in homes] if new_work.keys() & set(homes) else [],
        len(homes),
        package.trial.parameters.hourly_rate,
    )


def _change(
    design: Method,
    difference: Paired,
    comparison: DifferenceInDifferences | None,
    stepped: Staggered | None,
    found_series: Interrupted | None,
    answers: Ordinal | None,
    lots_drawn: bool,
) -> Change:
    """The change by the design's own method; by before/after in its place where there is too little for it.

    A gain that is counted for whole units, and in no home, is judged by its series whatever the design. A single item
    has no mean: what is told of it stands in `answers`.
    """
    told: tuple[float | None, float | None, float | None, float | None]
    if answers is not None:
        told = None, None, None, answers.p
        return Change("before_after", design, answers.level, answers.homes, *told, answers.assumptions)
    if design in ("comparison", "randomised") and comparison is not None and comparison.low is not None:
        homes = comparison.treated_homes + comparison.comparison_homes
        told = comparison.estimate, comparison.low, comparison.high, comparison.p
        if design == "randomised" and lots_drawn:
            taken = tuple(key for key in comparison.assumptions if key not in RULED_OUT_BY_LOT)
            return Change("randomised", design, 5, homes, *told, taken)
        return Change("comparison", design, comparison.level, homes, *told, comparison.assumptions)
    if design == "staggered" and stepped is not None and stepped.level:
        told = stepped.effect, stepped.low, stepped.high, stepped.p
        return Change(design, design, stepped.level, stepped.homes, *told, stepped.assumptions)
    by_series = design == "interrupted" or not difference.n
    if by_series and found_series is not None and found_series.on_average is not None:
        contrast = found_series.on_average
        points = found_series.points_before + found_series.points_after
        told = contrast.estimate, contrast.low, contrast.high, None
        return Change("interrupted", design, found_series.level, points, *told, found_series.assumptions)
    told = difference.mean, difference.low, difference.high, difference.p
    return Change("before_after", design, difference.level, difference.n, *told, difference.assumptions)


def _home_month(row: HomePeriod, begun: int | None) -> HomeMonth:
    year, month = divmod(row.period, 12)
    return HomeMonth(
        row.home, date(year, month + 1, 1), row.value, started=begun is not None and row.period >= begun
    )


def _notable_change(package: TrialPackage, indicator: str) -> float | None:
    try:
        return instrument_called(package, indicator).notable_change
    except EntryError:
        return None


def _seen_ratio(points: Sequence[float | None]) -> float:
    return sum(point is not None for point in points) / len(points) if points else 0.0


def _registration_ratio(
    package: TrialPackage, homes: tuple[Collection[str], Collection[str]], source: str, installed: list[str]
) -> float | None:
    """The smaller share of homes with a value in either period; of forms too, where they are what it rests on."""
    if not installed:
        return None
    shares = [len(set(of) & set(installed)) / len(installed) for of in homes]
    if source == "registrations":
        for period in PERIODS:
            forms = form_completeness(package, period)
            if forms is not None and forms.total.ratio is not None:
                shares.append(forms.total.ratio)
    return min(shares)


def _moved(
    asked: Instrument,
    both: Mapping[Period, Mapping[str, int]],
    better: Literal["lower", "higher"],
    compared: Container[str],
) -> Ordinal:
    """How the answers to a single item moved in the homes with the technology."""
    before, after = (
        {home: step for home, step in both[period].items() if home not in compared} for period in PERIODS
    )
    scale = range(asked.lowest, asked.highest + 1)
    middle = (asked.lowest + asked.highest) / 2
    positive = [step for step in scale if (step > middle if better == "higher" else step < middle)]
    return ordinal(before, after, scale, positive, better)
