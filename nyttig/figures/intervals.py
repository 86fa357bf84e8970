"""Intervals for shares and means of small numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from scipy import stats


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
    z = NormalDist().inv_cdf((1 + level) / 2)
    ratio = count / of
    shrunk = 1 + z * z / of
    centre = (ratio + z * z / (2 * of)) / shrunk
    half = z * math.sqrt(ratio * (1 - ratio) / of + z * z / (4 * of * of)) / shrunk
    low = 0.0 if count == 0 else max(0.0, centre - half)
    high = 1.0 if count == of else min(1.0, centre + half)
    return Share(count, of, ratio, low, high)


def t_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float] | None:
    """Return Student's t interval of the mean of `values`, in their unit; None for fewer than two."""
    if len(values) < 2:
        return None
    given = np.asarray(values, dtype=float)
    mean = float(given.mean())
    error = float(given.std(ddof=1)) / math.sqrt(len(given))
    half = float(stats.t.ppf((1 + level) / 2, len(given) - 1)) * error
    return mean - half, mean + half
