"""Before and after in the same homes: the mean change, its interval and how chance could have made it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Literal

import numpy as np
import numpy.typing as npt

from nyttig.figures.intervals import t_interval

HOMES_FOR_INFERENCE = 5
"""Under so many homes there are lines, and no interval and no p."""

PAIRS_COUNTED = 40
"""Up to so many differences all 2^n signs are counted; beyond it a sample of them stands for all."""

SIGNS_SAMPLED = 100_000

SKEWNESS_NOTED = 1.0
"""Beyond it, to either side, a distribution is highly skewed (Bulmer 1979, p. 63)."""

HOMES_PER_SQUARED_SKEWNESS = 25
"""With more homes than this times the squared skewness an interval of the plain mean is good enough (Cochran 1977, 2.15)."""

BOOTSTRAP_DRAWS = 9999

_SEED = 2025
_CELLS_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True)
class Paired:
    """Paired before/after differences (after − before) over `n` homes, in the indicator's unit.

    `low` and `high` are the 95 % interval of the mean that is quoted, and `interval` names it: Student's `t`, or
    `bootstrap_t` where the differences are `skewed` (see `paired`); then both stand here to be shown. `p` is that of the
    exact two-sided sign-flip test; beyond forty homes of 100,000 sampled sign-flips. Under five homes there is no
    inference: intervals, skewness and p are None, and the evidence `level` is 0 (case), else 1 (before/after).
    `assumptions` are keys of `nyttig.figures.assumptions`.
    """

    n: int
    mean: float | None
    median: float | None
    low: float | None
    high: float | None
    p: float | None
    interval: Literal["t", "bootstrap_t"] | None = None
    t_low: float | None = None
    t_high: float | None = None
    bootstrap_low: float | None = None
    bootstrap_high: float | None = None
    skewness: float | None = None
    skewed: bool = False
    level: int = 0
    assumptions: tuple[str, ...] = (
        "regression_to_the_mean",
        "no_other_change_at_start",
        "need_stays_the_same",
        "same_registration",
        "missing_homes_alike",
        "homes_independent",
        "few_extremes",
    )


def paired(differences: Sequence[float]) -> Paired:
    """Return mean, median, interval and sign-flip p of one difference (after − before) per home.

    The differences are skewed where their moment skewness lies beyond `SKEWNESS_NOTED` and there are no more homes
    than `HOMES_PER_SQUARED_SKEWNESS` times its square. Then the beta bootstrap-t is quoted, but for differences of
    which it has no finite variance (Owen 2025): it needs three distinct ones, or two of which each occurs three times.
    """
    n = len(differences)
    if n == 0:
        return Paired(0, None, None, None, None, None)
    mean, middle = fmean(differences), float(median(differences))
    student = t_interval(differences)
    if n < HOMES_FOR_INFERENCE or student is None:
        return Paired(n, mean, middle, None, None, None)
    skewness = moment_skewness(differences)
    skewed = abs(skewness) > SKEWNESS_NOTED and n <= HOMES_PER_SQUARED_SKEWNESS * skewness**2
    counts = np.unique(np.asarray(differences, dtype=float), return_counts=True)[1]
    finite = len(counts) >= 3 or (len(counts) == 2 and counts.min() >= 3)
    bootstrap = beta_bootstrap_t(differences) if skewed and finite else None
    return Paired(
        n,
        mean,
        middle,
        *(bootstrap or student),
        p=sign_flip_p(differences),
        interval="bootstrap_t" if bootstrap else "t",
        t_low=student[0],
        t_high=student[1],
        bootstrap_low=bootstrap[0] if bootstrap else None,
        bootstrap_high=bootstrap[1] if bootstrap else None,
        skewness=skewness,
        skewed=skewed,
        level=1,
    )


def moment_skewness(values: Sequence[float]) -> float:
    """Return the third moment about the mean over the cubed standard deviation (both of 1/n); 0 where all are equal."""
    centred = np.asarray(values, dtype=float) - fmean(values)
    spread = math.sqrt(float((centred**2).mean()))
    # Values that are equal on paper differ in their last digits.
    if spread <= 1e-12 * max(map(abs, values)):
        return 0.0
    return float(((centred / spread) ** 3).mean())


def beta_bootstrap_t(
    values: Sequence[float], seed: int = _SEED, level: float = 0.95
) -> tuple[float, float] | None:
    """Return the beta bootstrap-t interval of the mean of `values`, in their unit; None where all are equal.

    Each of `BOOTSTRAP_DRAWS` draws weighs the values by Beta(1/2, 3/2) variates w, made to sum to 1, and studentises:
    t* = √n (m* − m) / s*, with m* = Σ w x and s*² = Σ w (x − m*)². The interval is
    [m − q(1 − α/2) s/√n, m − q(α/2) s/√n], s of 1/n (Owen 2025, arXiv:2508.10083). The same seed gives the same digits.
    Raises ValueError under `HOMES_FOR_INFERENCE` values.
    """
    n = len(values)
    if n < HOMES_FOR_INFERENCE:
        raise ValueError(
            f"{n} values: a bootstrap-t needs {HOMES_FOR_INFERENCE} or more, show the values themselves"
        )
    given = np.asarray(values, dtype=float)
    mean, spread = float(given.mean()), float(given.std())
    if spread <= 1e-12 * float(np.abs(given).max()):
        return None
    ratios = np.concatenate(list(_studentised((given - mean) / spread, np.random.default_rng(seed))))
    # The k-th of B sorted draws stands for the quantile k/(B + 1).
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2], method="weibull")
    error = spread / math.sqrt(n)
    return mean - float(high) * error, mean - float(low) * error


def _studentised(
    scores: npt.NDArray[np.float64], random: np.random.Generator
) -> Iterator[npt.NDArray[np.float64]]:
    """Yield the t* of all draws of weights over values of mean 0 and spread 1, some draws at a time."""
    n = len(scores)
    at_once = max(1, _CELLS_AT_ONCE // n)
    for start in range(0, BOOTSTRAP_DRAWS, at_once):
        weights = beta_weights(random, (min(at_once, BOOTSTRAP_DRAWS - start), n))
        weights /= weights.sum(axis=1, keepdims=True)
        means = weights @ scores
        variances = np.maximum(weights @ scores**2 - means**2, np.finfo(float).tiny)
        yield math.sqrt(n) * means / np.sqrt(variances)


def beta_weights(random: np.random.Generator, size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Return Beta(1/2, 3/2) variates: the squared first coordinate of a point anywhere in the unit disc is one.

    It takes half the time of `Generator.beta`, and rests on the one stream of numbers that NumPy keeps as it is.
    """
    squared_radius, turn = random.random(size), random.random(size)
    weights: npt.NDArray[np.float64] = squared_radius * np.cos(np.pi * turn) ** 2
    return weights


def sign_flip_p(differences: Sequence[float]) -> float:
    """Return how often signs tossed by a coin bring a sum at least as far from 0 as the given one.

    Two-sided and exact up to `PAIRS_COUNTED` differences (Fisher 1935): every choice of signs is counted, in
    two halves whose sums are matched, so that 2^20 sums a half are the most that is held. Beyond that it is
    the share among `SIGNS_SAMPLED` choices from a fixed seed, the given one included, so that it is never 0
    and always the same. Differences of 0 stay the same under either sign and change nothing.
    """
    given = np.asarray(differences, dtype=float)
    given = given[given != 0]
    # Sums that are equal on paper differ in their last digits; the given one must count among its equals.
    least = abs(float(given.sum())) - 1e-9 * float(np.abs(given).sum())
    if least <= 0:
        return 1.0
    if len(given) > PAIRS_COUNTED:
        random = np.random.default_rng(1935)
        blocks = (
            random.integers(0, 2, size=(1000, len(given))) * 2 - 1 for _ in range(SIGNS_SAMPLED // 1000)
        )
        hits = sum(int(np.count_nonzero(np.abs(signs @ given) >= least)) for signs in blocks)
        return (hits + 1) / (SIGNS_SAMPLED + 1)
    half = len(given) // 2
    left, right = np.sort(_signed_sums(given[:half])), np.sort(_signed_sums(given[half:]))
    reaching = int((len(left) - np.searchsorted(left, least - right, side="left")).sum())
    both_ways: float = 2 * reaching / 2 ** len(given)  # as many reach as far below 0
    return both_ways


def _signed_sums(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the sums of `values` under each of the 2^n choices of signs."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums - value, sums + value])
    return sums
