"""One series before and after a start: where it went, against where it was going."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

POINTS_REQUIRED = 8
"""Under so many points on either side there is a picture and no estimate."""

POINTS_WANTED = 12
"""Under so many points on either side the estimate is marked: so short a series hardly shows its own trend."""

SERIES_DRAWN = 1999
MEMORIES = tuple(step / 20 for step in range(20))
"""The shares of a period's deviation that may live on in the next, for which series are drawn."""

_SEED = 1987

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Contrast:
    """What is less what would have been, in the series' unit, with its 95 % interval."""

    estimate: float
    standard_error: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A series with one line before and one after its start, and what lies between the latter and the former prolonged.

    `at_end` is the contrast in the last period, `on_average` over all periods after the start; both None with under
    `POINTS_REQUIRED` points on either side, and the evidence `level` then 0, else 4. `few_points`: under
    `POINTS_WANTED` on a side. `fitted` is the line through all periods, `counterfactual` the first one prolonged over
    those after the start. How alike neighbouring periods are say `lag_1` (correlation of neighbouring residuals),
    `durbin_watson` (2: not alike, under it alike, over it alternating), `autocorrelated` (`lag_1` beyond 2/√n) and
    `memory` (0..0.95, the share of a deviation that lives on in the next period, which the interval reckons with).
    `lags` are the periods over which the standard errors look. `assumptions` are keys of `nyttig.figures.assumptions`.
    """

    points_before: int
    points_after: int
    few_points: bool
    at_end: Contrast | None = None
    on_average: Contrast | None = None
    fitted: tuple[float, ...] = ()
    counterfactual: tuple[float, ...] = ()
    lags: int | None = None
    durbin_watson: float | None = None
    lag_1: float | None = None
    autocorrelated: bool | None = None
    memory: float | None = None
    level: int = 0
    assumptions: tuple[str, ...] = (
        "trend_would_have_gone_on",
        "no_other_change_at_start",
        "change_at_start_only",
        "memory_is_short",
        "same_registration",
    )


def interrupted(before: Sequence[float | None], after: Sequence[float | None]) -> Interrupted:
    """Return the contrasts of a series in periods of one length, its start between `before` and `after`.

    y = b0 + b1·t + b2·D + b3·(t − t0)·D by least squares (Wagner et al. 2002; Bernal et al. 2017), t0 the first period
    after. No coefficient is told: with b3·t·D in its place b2 is another number, the contrasts are the same (Xiao et al.
    2021). Standard errors are those of Newey & West (1987) with ⌊4 (n/100)^(2/9)⌋ lags (Newey & West 1994), times n/(n − 4).
    In series this short they are too small, and Student's t would hold 63 to 90 of 100 times (docs/estimates.md): the
    interval takes the quantile that |estimate/error| has in `SERIES_DRAWN` drawn series of this very length, of noise
    without an effect, normal and first-order autoregressive, with the memory under which `lag_1` is the median (Andrews 1993).
    A period without a value is None: it keeps its place in time and adds nothing.
    """
    values = np.array([math.nan if value is None else value for value in (*before, *after)], dtype=float)
    seen = np.isfinite(values)
    counts = int(seen[: len(before)].sum()), int(seen[len(before) :].sum())
    few = min(counts) < POINTS_WANTED
    if min(counts) < POINTS_REQUIRED:
        return Interrupted(*counts, few)
    design, basis, solve = _model(len(before), tuple(seen.tolist()))
    known = np.where(seen, values, 0.0)
    coefficients = solve @ (basis.T @ known)
    residuals = np.where(seen, known - design @ coefficients, 0.0)
    squares = float((residuals**2).sum())
    neighbours = seen[1:] & seen[:-1]
    exact = squares <= 1e-20 * float((known**2).sum())  # all on the lines: nothing left to be alike
    lag_1 = None if exact else float(_lag_1(residuals))
    drawn = _drawn(len(before), tuple(seen.tolist()))
    # Past either end of the drawn ones it is that end's.
    memory = None if lag_1 is None else float(np.interp(lag_1, drawn.medians, MEMORIES))
    contrasts = []
    for direction, quantiles in zip(
        _directions(design, basis, solve, len(before)), drawn.quantiles, strict=True
    ):
        estimate = float(direction @ known)
        error = float(_errors(residuals, direction, sum(counts)))
        half = float(np.interp(memory or 0.0, MEMORIES, quantiles)) * error
        contrasts.append(Contrast(estimate, error, estimate - half, estimate + half))
    return Interrupted(
        *counts,
        few,
        at_end=contrasts[0],
        on_average=contrasts[1],
        fitted=tuple((design @ coefficients).tolist()),
        counterfactual=tuple((design[len(before) :, :2] @ coefficients[:2]).tolist()),
        lags=newey_west_lags(sum(counts)),
        durbin_watson=None if exact else float((np.diff(residuals)[neighbours] ** 2).sum()) / squares,
        lag_1=lag_1,
        autocorrelated=None if lag_1 is None else abs(lag_1) > 2 / math.sqrt(sum(counts)),
        memory=memory,
        level=4,
    )


def newey_west_lags(points: int) -> int:
    """Return how many lags standard errors of so many points reckon with: ⌊4 (n/100)^(2/9)⌋ (Newey & West 1994)."""
    return math.floor(4 * math.pow(points / 100, 2 / 9))


def _model(before: int, seen: tuple[bool, ...]) -> tuple[Floats, Floats, Floats]:
    """Return the columns of the model, an orthonormal basis of them (0 where not seen), and what turns it back."""
    time = np.arange(len(seen), dtype=float)
    started = (time >= before).astype(float)
    design = np.column_stack([np.ones_like(time), time, started, np.maximum(time - before, 0.0)])
    # Orthogonal columns keep the digits of long series; what is told does not depend on them.
    orthogonal, triangle = np.linalg.qr(design[list(seen)])
    basis = np.zeros_like(design)
    basis[list(seen)] = orthogonal
    return design, basis, np.linalg.inv(triangle)


def _directions(design: Floats, basis: Floats, solve: Floats, before: int) -> tuple[Floats, Floats]:
    """Return what to multiply each period's value with to have the contrast at the end, and on average."""
    effect = design[before:] * np.array([0.0, 0.0, 1.0, 1.0])
    at_end, on_average = (basis @ (solve.T @ weights) for weights in (effect[-1], effect.mean(axis=0)))
    return at_end, on_average


def _errors(residuals: Floats, direction: Floats, points: int) -> Floats:
    """Return the standard error of `direction` · values for each row of residuals (0 where not seen, so many seen)."""
    lags = newey_west_lags(points)
    scores = residuals * direction
    total = (scores**2).sum(axis=-1)
    for lag in range(1, lags + 1):
        total = total + 2 * (1 - lag / (lags + 1)) * (scores[..., lag:] * scores[..., :-lag]).sum(axis=-1)
    errors: Floats = np.sqrt(np.maximum(total, 0.0) * points / (points - 4))
    return errors


def _lag_1(residuals: Floats) -> Floats:
    """Return the correlation of neighbouring residuals of each row."""
    alike: Floats = (residuals[..., 1:] * residuals[..., :-1]).sum(axis=-1) / (residuals**2).sum(axis=-1)
    return alike


class _Drawn(NamedTuple):
    """Of drawn series, for each of `MEMORIES`: the median of lag_1, and the 95 % quantile of each contrast's ratio."""

    medians: list[float]
    quantiles: tuple[list[float], list[float]]


@lru_cache(maxsize=64)
def _drawn(before: int, seen: tuple[bool, ...]) -> _Drawn:
    """Return what series of noise of this length tell, with the same periods unseen; the same each time."""
    design, basis, solve = _model(before, seen)
    directions = _directions(design, basis, solve, before)
    shocks = np.random.default_rng(_SEED).normal(size=(SERIES_DRAWN, len(seen)))
    drawn = _Drawn([], ([], []))
    for memory in MEMORIES:
        noise = shocks.copy()
        for place in range(1, len(seen)):
            noise[:, place] = memory * noise[:, place - 1] + math.sqrt(1 - memory**2) * shocks[:, place]
        residuals = np.where(seen, noise - noise @ basis @ basis.T, 0.0)
        drawn.medians.append(float(np.median(_lag_1(residuals))))
        for direction, quantiles in zip(directions, drawn.quantiles, strict=True):
            ratios = np.abs(noise @ direction) / np.maximum(_errors(residuals, direction, sum(seen)), 1e-12)
            quantiles.append(float(np.quantile(ratios, 0.95, method="weibull")))
    return drawn
