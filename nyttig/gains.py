"""Does it help? A trial's gains, judged as it was fixed beforehand, and what is left of the staff's minutes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from statistics import fmean
from typing import Literal

from nyttig.entries.answers import Answer
from nyttig.entries.benefit import Comparison, Design
from nyttig.errors import EntryError
from nyttig.figures import benefit
from nyttig.figures.benefit import NetMinutes
from nyttig.figures.comparison import DifferenceInDifferences, difference_in_differences
from nyttig.figures.interrupted import Interrupted, interrupted
from nyttig.figures.ordinal import Ordinal, ordinal
from nyttig.figures.paired import Paired, paired
from nyttig.figures.staggered import Staggered, staggered
from nyttig.indicators import (
    VISIT_MINUTES,
    Values,
    form_completeness,
    instrument_called,
    item_answers,
    of_kind,
    panel,
    series,
    starts,
    values,
    work_minutes,
)
from nyttig.model import Gain, TrialPackage

Method = Literal["before_after", "comparison", "staggered", "interrupted", "randomised"]


@dataclass(frozen=True, slots=True)
class HomePair:
    """One home's indicator before and after."""

    home: str
    unit: str
    before: float
    after: float
    by_proxy: bool


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
    of forms, registered in either period; under the trial's limit the gain is `uncertain`.
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


def gain_figures(package: TrialPackage, gain: Gain) -> GainFigures:
    """One gain with what the trial's registrations say of it."""
    compared = {each.home: each.chosen for each in of_kind(package, Comparison)}
    units = {home.home: home.unit for home in package.homes}
    installed = [home.home for home in package.homes if home.installed_on and home.home not in compared]
    found = values(package, gain.indicator)
    pairs = tuple(
        HomePair(home, units[home], *pair, home in found.by_proxy)
        for home, pair in found.pairs.items()
        if home not in compared
    )
    difference = paired([pair.after - pair.before for pair in pairs])
    others = [pair for home, pair in found.pairs.items() if home in compared]
    comparison = (
        difference_in_differences([(pair.before, pair.after) for pair in pairs], others) if others else None
    )
    before, after = series(package, gain.indicator)
    design = design_of(package, compared)
    found_series = interrupted(before, after) if before or after else None
    stepped = staggered(panel(package, gain.indicator), starts(package)) if design == "staggered" else None
    ratio = _registration_ratio(package, found, installed, compared)
    change = _change(design, difference, comparison, stepped, found_series)
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
        baseline=baseline(package, gain),
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
        answers=_answers(package, gain),
        registration_ratio=ratio,
        uncertain=ratio is None or ratio < package.trial.parameters.registration_ratio_required,
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
    if gain.baseline_value is not None:
        return Baseline("entered", gain.baseline_value, gain.baseline_on, gain.baseline_by)
    before = list(values(package, gain.indicator).before.values())
    if before:
        return Baseline("measured", fmean(before), gain.baseline_on, gain.baseline_by, len(before))
    points = [point for point in series(package, gain.indicator)[0] if point is not None]
    if points:
        return Baseline("measured", fmean(points), gain.baseline_on, gain.baseline_by)
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
) -> Change:
    """The change by the design's own method; by before/after in its place where there is too little for it."""
    told: tuple[float | None, float | None, float | None, float | None]
    if design in ("comparison", "randomised") and comparison is not None and comparison.low is not None:
        level = 5 if design == "randomised" else comparison.level
        homes = comparison.treated_homes + comparison.comparison_homes
        told = comparison.estimate, comparison.low, comparison.high, comparison.p
        return Change(design, design, level, homes, *told, comparison.assumptions)
    if design == "staggered" and stepped is not None and stepped.level:
        told = stepped.effect, stepped.low, stepped.high, stepped.p
        return Change(design, design, stepped.level, stepped.homes, *told, stepped.assumptions)
    if design == "interrupted" and found_series is not None and found_series.on_average is not None:
        contrast = found_series.on_average
        points = found_series.points_before + found_series.points_after
        return Change(
            design,
            design,
            found_series.level,
            points,
            contrast.estimate,
            contrast.low,
            contrast.high,
            None,
            found_series.assumptions,
        )
    mean, low, high, p = difference.mean, difference.low, difference.high, difference.p
    return Change(
        "before_after", design, difference.level, difference.n, mean, low, high, p, difference.assumptions
    )


def _registration_ratio(
    package: TrialPackage, found: Values, installed: list[str], compared: Mapping[str, str]
) -> float | None:
    """The smaller share of homes with a value in either period; of forms too, where they are what it rests on."""
    if not installed:
        return None
    homes = min(len(of.keys() - compared.keys()) for of in (found.before, found.after))
    shares = [min(homes / len(installed), 1.0)]
    if found.source == "registrations":
        for period in ("before", "after"):
            forms = form_completeness(package, period)
            if forms is not None and forms.total.ratio is not None:
                shares.append(forms.total.ratio)
    return min(shares)


def _answers(package: TrialPackage, gain: Gain) -> Ordinal | None:
    """How the answers to a questionnaire of one item moved; None for everything else."""
    given = [
        answer for answer in of_kind(package, Answer) if answer.instrument == gain.indicator and answer.home
    ]
    try:
        asked = instrument_called(package, gain.indicator) if given else None
    except EntryError:
        return None
    if asked is None or asked.items != 1:
        return None
    both: dict[str, dict[str, int]] = {"before": {}, "after": {}}
    for answer in given:
        (told,) = item_answers(answer.items)
        if told is not None:
            both[answer.period][answer.home] = asked.turned(1, told)
    scale = range(asked.lowest, asked.highest + 1)
    middle = (asked.lowest + asked.highest) / 2
    better: Literal["higher", "lower"] = "higher" if gain.better == "higher" else "lower"
    positive = [step for step in scale if (step > middle if better == "higher" else step < middle)]
    return ordinal(both["before"], both["after"], scale, positive, better)
