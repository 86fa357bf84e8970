"""Does it help? Benefit figures from before/after registrations. Definitions: docs/figures.md, section 4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np
import numpy.typing as npt

from nyttig.figures.intervals import t_interval

HOMES_FOR_INFERENCE = 5
"""Under so many pairs there are lines, and no interval and no p."""

PAIRS_COUNTED = 40
"""Up to so many differences all 2^n signs are counted; beyond it a sample of them stands for all."""

SIGNS_SAMPLED = 100_000


@dataclass(frozen=True, slots=True)
class Paired:
    """Paired before/after differences (after − before) over `n` homes.

    mean with its 95 % t interval, the exact two-sided sign-flip p and the median. Under five homes there is
    no inference: low, high and p are None. Beyond forty homes p is of 100,000 sampled sign-flips.
    """

    n: int
    mean: float | None
    median: float | None
    low: float | None
    high: float | None
    p: float | None


@dataclass(frozen=True, slots=True)
class NetMinutes:
    """Staff minutes per home-week: what visits took before and after, what new work came, what is left.

    net = (before − after) − new work. `hours_per_year` is net · 52 / 60 for one home, annualised;
    `amount_per_year` that at the trial's hourly rate, None where none is given.
    """

    homes: int
    visit_minutes_before: float | None
    visit_minutes_after: float | None
    new_work_minutes: float | None
    net_minutes: float | None
    hours_per_year: float | None
    amount_per_year: float | None


def paired(differences: Sequence[float]) -> Paired:
    """Return mean, median, t interval and sign-flip p of one difference (after − before) per home."""
    n = len(differences)
    if n == 0:
        return Paired(0, None, None, None, None, None)
    mean, middle = fmean(differences), float(median(differences))
    interval = t_interval(differences)
    if n < HOMES_FOR_INFERENCE or interval is None:
        return Paired(n, mean, middle, None, None, None)
    return Paired(n, mean, middle, *interval, sign_flip_p(differences))


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


def net_minutes(
    before_minutes_per_week: Sequence[float],
    after_minutes_per_week: Sequence[float],
    new_work_minutes_per_week: Sequence[float],
    homes: int,
    hourly_rate: float | None,
) -> NetMinutes:
    """Return net staff minutes per home-week.

    Given is one value per home of visits (direct and travel) and of new work. Before and after are of the
    same homes in the same order (ValueError where their numbers differ). A list that is empty was not
    registered: its mean and everything that needs it are None, not 0. `hourly_rate` is in the trial's
    currency.
    """
    if len(before_minutes_per_week) != len(after_minutes_per_week):
        raise ValueError(
            f"{len(before_minutes_per_week)} homes before and {len(after_minutes_per_week)} after:"
            " give the same homes"
        )
    before, after, new_work = (
        fmean(values) if len(values) else None
        for values in (before_minutes_per_week, after_minutes_per_week, new_work_minutes_per_week)
    )
    net = None if before is None or after is None or new_work is None else before - after - new_work
    hours = None if net is None else net * 52 / 60
    amount = None if hours is None or hourly_rate is None else hours * hourly_rate
    return NetMinutes(homes, before, after, new_work, net, hours, amount)


def _signed_sums(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the sums of `values` under each of the 2^n choices of signs."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums - value, sums + value])
    return sums
