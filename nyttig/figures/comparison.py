"""Homes that got it against homes that did not: did the former change more?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt

from nyttig.figures.paired import HOMES_FOR_INFERENCE

LABELS_COUNTED = 50_000
"""Up to so many ways of dealing out the groups all are counted; beyond it a sample stands for all."""

LABELS_SAMPLED = 9999

_SEED = 1935

Floats = npt.NDArray[np.float64]

Pair = tuple[float, float]
"""One home's indicator before and after."""


@dataclass(frozen=True, slots=True)
class Balance:
    """How alike both groups were before, in one trait: means, and their difference in standard deviations.

    `standardised_difference` is (treated − comparison) / √((s²_treated + s²_comparison)/2) (Austin 2009), None with
    fewer than two homes in a group or without spread. Over 0.25 in size calls for care (Rubin 2001); with a dozen homes
    chance alone makes as much.
    """

    trait: str
    treated_mean: float
    comparison_mean: float
    standardised_difference: float | None


@dataclass(frozen=True, slots=True)
class DifferenceInDifferences:
    """How much more treated homes changed (after − before) than comparison homes, in the indicator's unit.

    `low` and `high` are the 95 % interval clustered by home, with Student's t of `degrees_of_freedom`; `p` is the
    share of ways of dealing the groups out among these homes that differ as clearly, of all of them where `p_exact`.
    With fewer than five homes in either group there is no inference: these are None, and the evidence `level` is 0, else 2.
    `balance` begins with the indicator itself before the start. `assumptions` are keys of `nyttig.figures.assumptions`.
    """

    treated_homes: int
    comparison_homes: int
    treated_change: float | None
    comparison_change: float | None
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    degrees_of_freedom: float | None = None
    p: float | None = None
    p_exact: bool = False
    balance: tuple[Balance, ...] = ()
    level: int = 0
    assumptions: tuple[str, ...] = (
        "parallel_trends",
        "comparison_untouched",
        "regression_to_the_mean",
        "same_registration",
        "missing_homes_alike",
        "homes_independent",
        "few_extremes",
    )


def difference_in_differences(
    treated: Sequence[Pair],
    comparison: Sequence[Pair],
    traits: Mapping[str, tuple[Sequence[float], Sequence[float]]] | None = None,
) -> DifferenceInDifferences:
    """Return (treated after − before) − (comparison after − before) with one pair (before, after) per home.

    A home enters by its one change, so nothing within it counts twice: the interval is Welch's of the two means of
    changes (Welch 1947), which is what the regression on group, period and their product gives with standard errors
    clustered by home under the small-sample correction CR2 with Satterthwaite's degrees of freedom (Bell & McCaffrey
    2002). `traits` are other things known of each home before the start, as (treated, comparison).
    """
    given, other = (
        np.array([after - before for before, after in group], dtype=float) for group in (treated, comparison)
    )
    found = DifferenceInDifferences(
        treated_homes=len(given),
        comparison_homes=len(other),
        treated_change=float(given.mean()) if len(given) else None,
        comparison_change=float(other.mean()) if len(other) else None,
    )
    if found.treated_change is None or found.comparison_change is None:
        return found
    before = {"before": ([pair[0] for pair in treated], [pair[0] for pair in comparison])}
    estimate = found.treated_change - found.comparison_change
    found = replace(
        found,
        estimate=estimate,
        balance=tuple(balance(trait, *groups) for trait, groups in (before | dict(traits or {})).items()),
    )
    if min(len(given), len(other)) < HOMES_FOR_INFERENCE:
        return found
    half, freedom = _welch(given, other)
    p, exact = label_p(given, other)
    return replace(
        found,
        low=estimate - half,
        high=estimate + half,
        degrees_of_freedom=freedom,
        p=p,
        p_exact=exact,
        level=2,
    )


def balance(trait: str, treated: Sequence[float], comparison: Sequence[float]) -> Balance:
    """Return how alike both groups are in one trait; ValueError where a group has no home."""
    if not len(treated) or not len(comparison):
        raise ValueError(f"{trait}: {len(treated)} treated and {len(comparison)} comparison homes, give both")
    means = float(np.mean(treated)), float(np.mean(comparison))
    if min(len(treated), len(comparison)) < 2:
        return Balance(trait, *means, None)
    spread = math.sqrt((float(np.var(treated, ddof=1)) + float(np.var(comparison, ddof=1))) / 2)
    return Balance(trait, *means, (means[0] - means[1]) / spread if spread > 0 else None)


def label_p(treated: Floats, comparison: Floats) -> tuple[float, bool]:
    """Return how often groups dealt out by chance differ at least as clearly, and whether all ways were counted.

    Two-sided, of groups of the given sizes (Fisher 1935; Pitman 1937), by the difference of means over its standard error:
    by the difference alone p is far too small when the smaller group spreads more (Janssen 1997; Chung & Romano 2013).
    Exact up to `LABELS_COUNTED` ways; beyond them it is the share among `LABELS_SAMPLED` from a fixed seed and the given
    one, so that it is never 0 and always the same.
    """
    everyone = np.concatenate([treated, comparison])
    scale = float(np.abs(everyone - everyone.mean()).max())
    if scale <= 1e-12 * float(np.abs(everyone).max()):
        return 1.0, True
    scores, chosen, homes = (everyone - everyone.mean()) / scale, len(treated), len(everyone)
    exact = math.comb(homes, chosen) <= LABELS_COUNTED
    if exact:
        dealt = scores[np.array(list(combinations(range(homes), chosen)))]
        clear = _clearness(dealt, scores)
    else:
        random = np.random.default_rng(_SEED)
        blocks = (random.permuted(np.tile(scores, (1111, 1)), axis=1) for _ in range(LABELS_SAMPLED // 1111))
        clear = np.concatenate([_clearness(block[:, :chosen], scores) for block in blocks])
    # Ratios that are equal on paper differ in their last digits; the given one must count among its equals.
    least = float(_clearness(scores[None, :chosen], scores)[0]) * (1 - 1e-9)
    hits = int(np.count_nonzero(clear >= least))
    return (hits / len(clear), True) if exact else ((hits + 1) / (len(clear) + 1), False)


def _clearness(dealt: Floats, scores: Floats) -> Floats:
    """Return the squared difference of means over its squared error, for each row of scores dealt to the first group.

    `scores` are all, of mean 0 and size up to 1. Infinite where neither group spreads and they differ, 0 where nothing does.
    """
    one, homes = dealt.shape[1], len(scores)
    other = homes - one
    sums, squares = dealt.sum(axis=1), (dealt**2).sum(axis=1)
    left, total = -sums, float((scores**2).sum())
    difference = (sums / one - left / other) ** 2
    error = (squares - sums**2 / one) / (one * (one - 1)) + (total - squares - left**2 / other) / (
        other * (other - 1)
    )
    # Sums of squares that cancel leave some last digits.
    spread, apart = error > 1e-12, difference > 1e-12
    clear: Floats = np.where(spread, difference / np.where(spread, error, 1.0), np.where(apart, np.inf, 0.0))
    return clear


def _welch(one: Floats, other: Floats) -> tuple[float, float | None]:
    """Return half the 95 % interval of the difference of two means, and its degrees of freedom (None without spread)."""
    from scipy.special import (
        stdtrit,
    )  # importing SciPy takes longer than most reports, and few have a comparison

    variances = [float(group.var(ddof=1)) / len(group) for group in (one, other)]
    if sum(variances) <= 0:
        return 0.0, None
    freedom = sum(variances) ** 2 / sum(
        variance**2 / (len(group) - 1) for variance, group in zip(variances, (one, other), strict=True)
    )
    return float(stdtrit(freedom, 0.975)) * math.sqrt(sum(variances)), freedom
