"""Intervals for shares and means of small numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `of`, as a ratio 0..1 with its 95 % Wilson interval; None where `of` is 0."""

    count: int
    of: int
    ratio: float | None
    low: float | None
    high: float | None


def wilson(count: int, of: int, level: float = 0.95) -> Share:
    """Return `count` of `of` with its Wilson score interval (Wilson 1927, without continuity correction).

    It holds its level for small numbers and never leaves 0..1; 0 of n begins at 0, n of n ends at 1.
    """
    if of == 0:
        return Share(count, of, None, None, None)
    ratio = count / of
    low, high = _score(ratio, of, NormalDist().inv_cdf((1 + level) / 2))
    return Share(count, of, ratio, 0.0 if count == 0 else low, 1.0 if count == of else high)


def _score(ratio: float, of: float, quantile: float) -> tuple[float, float]:
    """Return the score interval of a ratio of so many answers, within 0..1."""
    shrunk = 1 + quantile * quantile / of
    centre = (ratio + quantile * quantile / (2 * of)) / shrunk
    half = quantile * math.sqrt(ratio * (1 - ratio) / of + quantile * quantile / (4 * of * of)) / shrunk
    return max(0.0, centre - half), min(1.0, centre + half)


def clustered(counts: Sequence[int], of: Sequence[int], level: float = 0.95) -> Share:
    """Return Σ counts of Σ of with an interval for answers that come in clusters: one pair a home.

    Wilson's interval for as many independent answers as leave the same spread, r(1 − r)/v, with
    v = Σ (count − r·of)² · H/(H − 1) / (Σ of)² the ratio estimator's variance over H homes (Cochran 1977, 6.4; the
    effective sample size of Korn & Graubard 1998) and Student's t of H − 1 for the normal quantile. Without spread, or
    with one home, it is Wilson's of the answers as they are.
    """
    done, due = np.asarray(counts, dtype=float), np.asarray(of, dtype=float)
    homes = int((due > 0).sum())
    plain = wilson(int(done.sum()), int(due.sum()), level)
    if plain.ratio is None or homes < 2 or not 0 < plain.ratio < 1:
        return plain
    spread = float(((done - plain.ratio * due) ** 2).sum()) * homes / (homes - 1) / plain.of**2
    if spread <= 0:
        return plain
    from scipy.special import stdtrit  # importing SciPy takes longer than most reports, and few have a mean

    effective = min(plain.ratio * (1 - plain.ratio) / spread, float(plain.of))
    low, high = _score(plain.ratio, effective, float(stdtrit(homes - 1, (1 + level) / 2)))
    return Share(plain.count, plain.of, plain.ratio, low, high)


def t_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float] | None:
    """Return Student's t interval of the mean of `values`, in their unit; None for fewer than two."""
    if len(values) < 2:
        return None
    from scipy.special import stdtrit  # importing SciPy takes longer than most reports, and few have a mean

    given = np.asarray(values, dtype=float)
    mean = float(given.mean())
    error = float(given.std(ddof=1)) / math.sqrt(len(given))
    half = float(stdtrit(len(given) - 1, (1 + level) / 2)) * error
    return mean - half, mean + half
