"""The same protocol in several units: each unit's estimate, and all of them together. Told in docs/money.md."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev
from typing import Literal

from nyttig.errors import EntryError
from nyttig.figures.paired import HOMES_FOR_INFERENCE

UNITS_FOR_HETEROGENEITY = 10
"""With fewer units the spread between them is hardly known; tau² and I² are shown with that word (von Hippel 2015)."""

Heterogeneity = Literal["not_estimated", "poorly_known", "estimated"]


@dataclass(frozen=True, slots=True)
class UnitEstimate:
    """One unit's estimate, in the indicator's unit, from `homes` homes; `standard_error` None: it has none."""

    unit: str
    homes: int
    estimate: float
    standard_error: float | None


@dataclass(frozen=True, slots=True)
class Mean:
    """A pooled mean with its standard error and interval."""

    estimate: float
    standard_error: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Pooled:
    """Units side by side and together. Everything but `units` is None where fewer than two units can be pooled.

    `fixed`: all units share one effect (inverse variance, normal interval). `random`: their effects differ by tau²
    (DerSimonian & Laird 1986), with the interval of Hartung & Knapp (2001) on Student's t of k − 1, whose scale
    `hartung_knapp_scale` is never taken below 1 (Röver, Knapp & Friede 2015). `random` is the one to quote. `q` on
    k − 1 degrees with `q_p` (Cochran 1954), `i2_ratio` 0..1 is the share of the spread that is no chance (Higgins &
    Thompson 2002), `tau2_low` to `tau2_high` the 95 % Q-profile interval of tau² (Viechtbauer 2007).
    `prediction_low` to `prediction_high` is where the effect in a further unit like these would lie (Higgins, Thompson
    & Spiegelhalter 2009, with the random mean's own standard error as Partlett & Riley 2017); it takes three units.
    """

    units: tuple[UnitEstimate, ...]
    not_pooled: tuple[str, ...]
    k: int
    heterogeneity: Heterogeneity
    fixed: Mean | None = None
    random: Mean | None = None
    hartung_knapp_scale: float | None = None
    q: float | None = None
    q_p: float | None = None
    i2_ratio: float | None = None
    tau2: float | None = None
    tau2_low: float | None = None
    tau2_high: float | None = None
    prediction_low: float | None = None
    prediction_high: float | None = None


def unit_estimate(unit: str, differences: Sequence[float]) -> UnitEstimate:
    """Return a unit's mean difference over its homes with s/√n, which one home does not have."""
    if not differences:
        raise EntryError(
            f"unit {unit!r} has no home with both periods; leave it out or register the missing one"
        )
    n = len(differences)
    return UnitEstimate(unit, n, fmean(differences), stdev(differences) / math.sqrt(n) if n > 1 else None)


def pool(units: Sequence[UnitEstimate], homes_required: int = HOMES_FOR_INFERENCE) -> Pooled:
    """Return the units pooled, as far as that can be done.

    A unit with fewer homes than required (its standard error is itself a guess), or whose homes all changed alike
    (standard error 0), is named in `not_pooled`. Raises EntryError for an estimate that is no number and for a unit
    given twice.
    """
    for given in units:
        if not math.isfinite(given.estimate) or not math.isfinite(given.standard_error or 0.0):
            raise EntryError(
                f"unit {given.unit!r} has {given.estimate} ± {given.standard_error}; give numbers"
            )
        if (given.standard_error or 0.0) < 0:
            raise EntryError(
                f"unit {given.unit!r}: a standard error of {given.standard_error} cannot be; give its size"
            )
    names = [given.unit for given in units]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise EntryError(f"{', '.join(twice)} is given twice; give each unit once")
    pairs = [
        (u.estimate, u.standard_error**2) for u in units if u.standard_error and u.homes >= homes_required
    ]
    left_out = tuple(u.unit for u in units if not u.standard_error or u.homes < homes_required)
    k = len(pairs)
    if k < 2:
        return Pooled(tuple(units), left_out, k, "not_estimated")

    from scipy.special import chdtrc, chdtri, stdtrit  # importing SciPy takes longer than most reports

    weights = [1 / variance for _, variance in pairs]
    fixed, q = _weighted(pairs, 0.0)
    tau2 = max(0.0, (q - (k - 1)) / (sum(weights) - sum(w * w for w in weights) / sum(weights)))
    centre, spread = _weighted(pairs, tau2)
    scale = spread / (k - 1)
    normal, student = NormalDist().inv_cdf(0.975), float(stdtrit(k - 1, 0.975))
    random = _mean(centre, _standard_error(pairs, tau2) * math.sqrt(max(scale, 1.0)), student)
    further = float(stdtrit(k - 2, 0.975)) * math.sqrt(tau2 + random.standard_error**2) if k > 2 else None

    def q_at(tau2_tried: float) -> float:
        return _weighted(pairs, tau2_tried)[1]

    return Pooled(
        units=tuple(units),
        not_pooled=left_out,
        k=k,
        heterogeneity="estimated" if k >= UNITS_FOR_HETEROGENEITY else "poorly_known",
        fixed=_mean(fixed, _standard_error(pairs, 0.0), normal),
        random=random,
        hartung_knapp_scale=scale,
        q=q,
        q_p=float(chdtrc(k - 1, q)),
        i2_ratio=max(0.0, 1 - (k - 1) / q) if q > 0 else 0.0,
        tau2=tau2,
        tau2_low=_where(q_at, float(chdtri(k - 1, 0.025))),
        tau2_high=_where(q_at, float(chdtri(k - 1, 0.975))),
        prediction_low=None if further is None else centre - further,
        prediction_high=None if further is None else centre + further,
    )


def _weighted(pairs: Sequence[tuple[float, float]], tau2: float) -> tuple[float, float]:
    """Return the mean under weights 1/(variance + tau²), and the weighted squares around it."""
    weights = [1 / (variance + tau2) for _, variance in pairs]
    centre = math.fsum(w * y for w, (y, _) in zip(weights, pairs, strict=True)) / math.fsum(weights)
    return centre, math.fsum(w * (y - centre) ** 2 for w, (y, _) in zip(weights, pairs, strict=True))


def _standard_error(pairs: Sequence[tuple[float, float]], tau2: float) -> float:
    return 1 / math.sqrt(math.fsum(1 / (variance + tau2) for _, variance in pairs))


def _mean(estimate: float, standard_error: float, quantile: float) -> Mean:
    return Mean(
        estimate, standard_error, estimate - quantile * standard_error, estimate + quantile * standard_error
    )


def _where(q_at: Callable[[float], float], wanted: float) -> float:
    """Return the tau² at which Q falls to `wanted`; 0 where it is never above. Q falls steadily as tau² rises."""
    if q_at(0.0) <= wanted:
        return 0.0
    low, high = 0.0, 1.0
    while q_at(high) > wanted:
        low, high = high, high * 2
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if q_at(middle) > wanted else (low, middle)
    return (low + high) / 2
