"""Homes that started at different times: each is its own comparison, and those not yet started tell of the time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from nyttig.figures.paired import HOMES_FOR_INFERENCE

DEALS_COUNTED = 50_000
"""Up to so many ways of dealing the starts out all are counted; beyond it a sample stands for all."""

DEALS_SAMPLED = 9999

_SEED = 1925
_CELLS_AT_ONCE = 2_000_000

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class HomePeriod(NamedTuple):
    """One home's indicator in one period (a whole number that counts up, such as a 14-day period of the trial)."""

    home: str
    period: int
    value: float


@dataclass(frozen=True, slots=True)
class Staggered:
    """The effect of having started, beside what each home is like and what each period was like, in the indicator's unit.

    `effect` is None where it cannot be told apart, and `unidentified` says why: `no_rows`; `same_start` (all homes
    started together, so start and time are one); `no_contrast` (no home was seen both before and after its start while
    others were in another state). `low` and `high` are the 95 % interval of dealing the starts out among the homes, `p` the
    share of deals with an effect as clear; of all `deals` where `exact`, else of a sample. Both ends are None where
    there are too few deals for 95 %. Under five homes there is no inference, and the evidence `level` is 0, else 3.
    `assumptions` are keys of `nyttig.figures.assumptions`.
    """

    homes: int
    periods: int
    rows: int
    starts: int
    effect: float | None
    unidentified: Literal["no_rows", "same_start", "no_contrast"] | None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    deals: int = 0
    exact: bool = False
    level: int = 0
    assumptions: tuple[str, ...] = (
        "start_not_chosen",
        "same_effect_for_all",
        "no_effect_in_advance",
        "missing_homes_alike",
        "same_registration",
        "homes_independent",
    )


def staggered(rows: Sequence[HomePeriod], starts: Mapping[str, int | None]) -> Staggered:
    """Return the effect θ of y = α_home + β_period + θ · started + e, least squares over `rows`.

    `starts` is each home's first period with the technology, None for never. Homes and periods may be missing here and
    there; homes seen in one period only say nothing and are left out. Home effects are fixed: random ones hold their level
    badly with few clusters (Lee & Cheung 2024), and without period effects a trend would count as the technology's.
    The interval deals the starts out among the homes (Fisher 1935; Wang & De Gruttola 2017): it holds those θ that, taken
    off, leave a partial correlation with the given starts that 5 % of deals reach. Where districts and not homes start at
    different times, give one row per district and period.
    Raises ValueError for a home without an entry in `starts` and for two rows of one home and period.
    """
    often = Counter(row.home for row in rows)
    counted = sorted(row for row in rows if often[row.home] > 1)
    if unknown := sorted({row.home for row in counted} - starts.keys()):
        raise ValueError(f"{unknown[0]} has rows and no start: give its first period, or None for never")
    doubled = [
        cell for cell, times in Counter((row.home, row.period) for row in counted).items() if times > 1
    ]
    if doubled:
        raise ValueError(f"{doubled[0][0]} has two rows in period {doubled[0][1]}: give their mean")
    homes = sorted({row.home for row in counted})
    kinds = sorted({starts[home] for home in homes}, key=lambda start: math.inf if start is None else start)
    periods = sorted({row.period for row in counted})
    size = len(homes), len(periods), len(counted), len(kinds)
    if not counted:
        return Staggered(*size, effect=None, unidentified="no_rows")
    if len(kinds) < 2:
        return Staggered(*size, effect=None, unidentified="same_start")
    given = np.array([kinds.index(starts[home]) for home in homes])
    sums = _sums(counted, homes, periods, kinds, given)
    if sums is None:
        return Staggered(*size, effect=None, unidentified="no_contrast")
    effect = float(sums.outcome[np.arange(len(homes)), given].sum()) / sums.spread
    if len(homes) < HOMES_FOR_INFERENCE:
        return Staggered(*size, effect=effect, unidentified=None)
    exact = _ways(given) <= DEALS_COUNTED
    dealt = np.array(list(_all_deals(given))) if exact else _some_deals(given)
    low, high, p = _inverted(sums, dealt, effect)
    return Staggered(
        *size,
        effect=effect,
        unidentified=None,
        low=low,
        high=high,
        p=p,
        deals=len(dealt),
        exact=exact,
        level=3,
    )


class _Sums(NamedTuple):
    """What each home adds under each start, once home and period effects are projected out: arrays (homes, kinds).

    With D the column of having started: `outcome` sums to D'My, `given` to D'M·D_given, `within` to the squares of D within
    homes, from which those of `periods` (homes, kinds, rank) are still to be taken. `spread` is D_given'M·D_given.
    """

    outcome: Floats
    given: Floats
    within: Floats
    periods: Floats
    spread: float


def _sums(
    rows: Sequence[HomePeriod],
    homes: list[str],
    periods: list[int],
    kinds: list[int | None],
    given: Integers,
) -> _Sums | None:
    """Return the sums of which every deal's effect is made; None where the given starts leave nothing to tell."""
    place = {home: number for number, home in enumerate(homes)}
    of_home = np.array([place[row.home] for row in rows])
    period = np.array([row.period for row in rows])
    size = np.bincount(of_home).astype(float)

    def per_home(columns: Floats) -> Floats:
        added: Floats = np.zeros((len(homes), *columns.shape[1:]))
        np.add.at(added, of_home, columns)
        return added

    def within(columns: Floats) -> Floats:
        """Return the columns less their mean in each home."""
        inside: Floats = columns - (per_home(columns) / size[:, None])[of_home]
        return inside

    left, strength, _right = np.linalg.svd(
        within((period[:, None] == np.array(periods)[None, :]).astype(float)), full_matrices=False
    )
    basis = left[:, strength > 1e-9 * strength[0]]

    def without_effects(columns: Floats) -> Floats:
        inside = within(columns)
        rest: Floats = inside - basis @ (basis.T @ inside)
        return rest

    started = np.array(
        [[start is not None and number >= start for start in kinds] for number in period], dtype=float
    )
    now = started[np.arange(len(rows)), given[of_home]][:, None]
    outcome = without_effects(np.array([[row.value] for row in rows], dtype=float))
    rest = without_effects(now)
    spread = float((rest**2).sum())
    if spread <= 1e-9 * len(rows):
        return None
    return _Sums(
        outcome=per_home(started * outcome),
        given=per_home(started * rest),
        within=per_home(within(started) ** 2),
        periods=per_home(started[:, :, None] * basis[:, None, :]),
        spread=spread,
    )


def _inverted(sums: _Sums, dealt: Integers, effect: float) -> tuple[float | None, float | None, float]:
    """Return the 95 % interval and p of dealing the starts out.

    Taking θ off the outcome leaves the given starts a partial correlation ∝ |effect − θ| and a deal π one
    ∝ |a_π − c_π θ|, |c_π| ≤ 1. It reaches the given one exactly for θ between (effect − a)/(1 − c) and
    (effect + a)/(1 + c), which lie on either side of the effect: so the ends are order statistics of those.
    """
    homes = np.arange(dealt.shape[1])[None, :]
    outcomes, alike = [], []
    at_once = max(1, _CELLS_AT_ONCE // (dealt.shape[1] * max(1, sums.periods.shape[2])))
    for start in range(0, len(dealt), at_once):
        deal = dealt[start : start + at_once]
        own = sums.within[homes, deal].sum(axis=1) - (sums.periods[homes, deal].sum(axis=1) ** 2).sum(axis=1)
        # A deal that leaves nothing to tell counts as one that reaches everything: alike is then 1.
        told = own > 1e-9 * sums.spread
        scale = np.sqrt(np.where(told, own, 1.0) * sums.spread)
        outcomes.append(np.where(told, sums.outcome[homes, deal].sum(axis=1) / scale, effect))
        alike.append(np.where(told, sums.given[homes, deal].sum(axis=1) / scale, 1.0))
    a, c = np.concatenate(outcomes), np.concatenate(alike)
    reach = int(np.count_nonzero(np.abs(a) >= abs(effect) - 1e-9 * (abs(effect) + float(np.abs(a).max()))))
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.sort([(effect - a) / (1 - c), (effect + a) / (1 + c)], axis=0)
    same = np.abs(c) > 1 - 1e-9
    lowest, highest = np.where(same, -np.inf, ends[0]), np.where(same, np.inf, ends[1])
    place = math.floor(0.05 * len(dealt))  # so many deals may lie beyond an end
    low, high = float(np.sort(lowest)[place]), float(np.sort(highest)[-1 - place])
    finite = math.isfinite(low) and math.isfinite(high)
    return low if finite else None, high if finite else None, reach / len(dealt)


def _ways(given: Integers) -> int:
    """Return in how many distinct ways the starts can be dealt out."""
    return math.factorial(len(given)) // math.prod(
        math.factorial(times) for times in Counter(given.tolist()).values()
    )


def _all_deals(given: Integers) -> Iterator[tuple[int, ...]]:
    """Yield every distinct order of the starts once."""
    left = Counter(given.tolist())

    def deal(order: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(order) == len(given):
            yield order
            return
        for kind in sorted(left):
            if left[kind]:
                left[kind] -= 1
                yield from deal((*order, kind))
                left[kind] += 1

    yield from deal(())


def _some_deals(given: Integers) -> Integers:
    """Return the given starts and `DEALS_SAMPLED` shuffled ones, always the same."""
    random = np.random.default_rng(_SEED)
    return np.vstack([given, random.permuted(np.tile(given, (DEALS_SAMPLED, 1)), axis=1)])
