"""Did homes that used it more gain more? A question for the next trial, never the answer of this one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nyttig.figures.paired import HOMES_FOR_INFERENCE

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DoseResponse:
    """How the change of each home goes along with its share of days in use. Always exploratory, evidence level 0.

    `slope` is the change of the gain, in its unit, per ten percentage points of days in use, with the 95 % interval of
    Student's t; `rank_correlation` is Spearman's (−1..1). There is no p: it would be read as proof. Under five homes, or
    where all used it alike, slope and correlation are None. `assumptions` are keys of `nyttig.figures.assumptions`.
    """

    homes: int
    slope: float | None
    low: float | None
    high: float | None
    rank_correlation: float | None
    exploratory: bool = True
    level: int = 0
    assumptions: tuple[str, ...] = ("users_alike", "few_extremes", "missing_homes_alike", "homes_independent")


def dose_response(use_day_ratios: Sequence[float], changes: Sequence[float]) -> DoseResponse:
    """Return slope and rank correlation of `changes` (after − before) on the homes' shares of days in use (0..1).

    Both are of the same homes in the same order (ValueError where their numbers differ). Least squares, and Spearman
    1904 with mean ranks for equals; None where all changes are equal, which have no ranks.
    """
    if len(use_day_ratios) != len(changes):
        raise ValueError(f"{len(use_day_ratios)} shares and {len(changes)} changes: give the same homes")
    homes = len(changes)
    use, change = np.asarray(use_day_ratios, dtype=float), np.asarray(changes, dtype=float)
    if homes < HOMES_FOR_INFERENCE or float(np.ptp(use)) <= 1e-12:
        return DoseResponse(homes, None, None, None, None)
    from scipy.special import stdtrit  # importing SciPy takes longer than most reports

    centred, moved = use - use.mean(), change - change.mean()
    squares = float(centred @ centred)
    slope = float(centred @ moved) / squares
    rest = moved - slope * centred
    half = float(stdtrit(homes - 2, 0.975)) * math.sqrt(float(rest @ rest) / (homes - 2) / squares)
    return DoseResponse(
        homes,
        slope / 10,
        (slope - half) / 10,
        (slope + half) / 10,
        _correlation(_ranks(use), _ranks(change)),
    )


def _ranks(values: Floats) -> Floats:
    """Return the rank of each value from 1 on, equals sharing the mean of theirs."""
    _distinct, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    mean_ranks: Floats = (ends - (counts - 1) / 2)[place]
    return mean_ranks


def _correlation(one: Floats, other: Floats) -> float | None:
    one, other = one - one.mean(), other - other.mean()
    scale = math.sqrt(float(one @ one) * float(other @ other))
    return float(one @ other) / scale if scale > 0 else None
