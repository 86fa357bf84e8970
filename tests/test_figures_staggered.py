"""Staggered starts against a regression with a column for each home and period, and deals written out one by one."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import statsmodels.api as sm

from nyttig.figures.assumptions import ASSUMPTIONS
from nyttig.figures.staggered import HomePeriod, staggered

Starts = dict[str, int | None]


def panel(
    seed: int, homes: int, periods: int, effect: float, missing: float = 0.0, trend: float = -0.8
) -> tuple[list[HomePeriod], Starts]:
    """Homes with a level each, a trend that all share, and starts from the second period on or never."""
    random = np.random.default_rng(seed)
    starts: Starts = {}
    rows = []
    for number in range(homes):
        home = f"H{number:02}"
        begins = int(random.integers(1, periods + 1))
        starts[home] = None if begins == periods else begins
        level = random.normal(20, 6)
        for period in range(periods):
            if random.uniform() >= missing:
                value = level + trend * period + random.normal(0, 1.5) + effect * (period >= begins)
                rows.append(HomePeriod(home, period, float(value)))
    return rows, starts


def by_columns(rows: list[HomePeriod], starts: Starts) -> float:
    """θ of the regression with one column for each home and period."""
    homes, periods = sorted({row.home for row in rows}), sorted({row.period for row in rows})
    design = np.array(
        [
            [row.home == home for home in homes]
            + [row.period == period for period in periods[1:]]
            + [(start := starts[row.home]) is not None and row.period >= start]
            for row in rows
        ],
        dtype=float,
    )
    return float(sm.OLS(np.array([row.value for row in rows]), design).fit().params[-1])


def test_the_effect_is_that_of_a_column_for_each_home_and_period_also_with_holes() -> None:
    largest = 0.0
    for seed in range(30):
        rows, starts = panel(seed, 5 + seed % 6, 5 + seed % 4, -4.0, missing=0.25 * (seed % 3) / 2)
        found = staggered(rows, starts)
        assert found.effect is not None
        seen = [row for row in rows if sum(other.home == row.home for other in rows) > 1]
        largest = max(largest, abs(found.effect - by_columns(seen, starts)))
    print(f"largest difference from statsmodels: {largest:.1e}")  # noqa: T201  shown with pytest -s
    assert largest < 1e-9


def test_a_trend_that_all_share_is_not_counted_as_the_technologys() -> None:
    rows, starts = panel(3, 9, 8, effect=0.0, trend=-3.0)
    found = staggered(rows, starts)
    assert found.effect is not None
    assert abs(found.effect) < 1.5
    started = [row.value for row in rows if (begins := starts[row.home]) is not None and row.period >= begins]
    waiting = [row.value for row in rows if (begins := starts[row.home]) is None or row.period < begins]
    assert np.mean(started) - np.mean(waiting) < -2


def test_exact_effects_are_found_exactly() -> None:
    starts: Starts = {"A": 1, "B": 2, "C": 3, "D": None, "E": 2}
    rows = [
        HomePeriod(home, period, 10.0 * number + period**2 - 3.5 * (begins is not None and period >= begins))
        for number, (home, begins) in enumerate(starts.items())
        for period in range(5)
    ]
    found = staggered(rows, starts)
    assert found.effect == pytest.approx(-3.5, abs=1e-9)
    assert (found.homes, found.periods, found.rows, found.starts) == (5, 5, 25, 4)
    assert (found.deals, found.exact, found.level) == (60, True, 3)
    assert set(found.assumptions) <= ASSUMPTIONS.keys()


def brute_p(rows: list[HomePeriod], starts: Starts, taken_off: float) -> float:
    """How many deals leave as clear a partial correlation once `taken_off` is taken from what started, one by one."""

    def reduction(dealt: Starts) -> float:
        homes, periods = sorted({row.home for row in rows}), sorted({row.period for row in rows})
        effects = np.array(
            [
                [row.home == home for home in homes] + [row.period == period for period in periods[1:]]
                for row in rows
            ],
            dtype=float,
        )
        now = np.array([(b := dealt[row.home]) is not None and row.period >= b for row in rows], dtype=float)
        given = np.array(
            [(b := starts[row.home]) is not None and row.period >= b for row in rows], dtype=float
        )
        outcome = np.array([row.value for row in rows]) - taken_off * given
        rests = [column - effects @ np.linalg.lstsq(effects, column)[0] for column in (now, outcome)]
        return abs(float(rests[0] @ rests[1])) / float(np.sqrt(rests[0] @ rests[0]))

    least = reduction(starts)
    deals = {tuple(order) for order in permutations([starts[home] for home in sorted(starts)])}
    hits = sum(
        reduction(dict(zip(sorted(starts), deal, strict=True))) >= least * (1 - 1e-9) for deal in deals
    )
    return hits / len(deals)


def test_the_interval_holds_just_those_effects_that_one_deal_in_twenty_reaches() -> None:
    rows, starts = panel(11, 5, 5, effect=-3.0, missing=0.1)
    found = staggered(rows, starts)
    assert found.p == pytest.approx(brute_p(rows, starts, 0.0))
    assert found.low is not None
    assert found.high is not None
    nudge = 1e-6 * (found.high - found.low)
    assert brute_p(rows, starts, found.low + nudge) > 0.05 >= brute_p(rows, starts, found.low - nudge)
    assert brute_p(rows, starts, found.high - nudge) > 0.05 >= brute_p(rows, starts, found.high + nudge)


def test_homes_that_all_started_together_cannot_tell_the_start_from_the_time() -> None:
    rows, _ = panel(1, 6, 6, -4.0)
    together = staggered(rows, dict.fromkeys((f"H{number:02}" for number in range(6)), 3))
    assert (together.effect, together.unidentified, together.level) == (None, "same_start", 0)


def test_starts_outside_of_what_was_seen_leave_nothing_to_tell() -> None:
    rows, starts = panel(1, 6, 6, -4.0)
    never: Starts = dict.fromkeys(starts)
    found = staggered(rows, {**never, "H00": 0})
    assert (found.effect, found.unidentified) == (None, "no_contrast")
    assert staggered([], {}).unidentified == "no_rows"
    once = [HomePeriod("A", 1, 2.0), HomePeriod("B", 2, 3.0)]
    assert staggered(once, {"A": 1, "B": 2}).unidentified == "no_rows"


def test_under_five_homes_there_is_an_effect_and_no_inference() -> None:
    rows, starts = panel(2, 4, 6, -4.0)
    found = staggered(rows, starts)
    assert found.effect is not None
    assert (found.low, found.p, found.level) == (None, None, 0)


def test_too_few_ways_of_dealing_the_starts_out_give_p_and_no_interval() -> None:
    rows, _ = panel(2, 6, 6, -4.0)
    found = staggered(rows, {f"H{number:02}": 3 if number == 0 else None for number in range(6)})
    assert (found.deals, found.exact, found.low, found.high) == (6, True, None, None)
    assert found.p is not None
    assert found.p >= 1 / 6


def test_many_homes_are_dealt_out_by_a_fixed_sample() -> None:
    rows, starts = panel(9, 30, 8, -4.0)
    found = staggered(rows, starts)
    assert found == staggered(list(reversed(rows)), starts)
    assert (found.deals, found.exact, found.p) == (10_000, False, 1 / 10_000)
    assert found.low is not None
    assert found.high is not None
    assert found.low < -4 < found.high < 0


def test_a_home_without_a_start_and_a_period_told_twice_are_refused() -> None:
    rows, starts = panel(1, 6, 6, -4.0)
    with pytest.raises(ValueError, match="H05 has rows and no start"):
        staggered(rows, {home: start for home, start in starts.items() if home != "H05"})
    with pytest.raises(ValueError, match="H00 has two rows in period 0"):
        staggered([*rows, rows[0]], starts)


def test_intervals_hold_with_noise_that_lasts_within_a_home() -> None:
    random = np.random.default_rng(21)
    held = 0
    for _ in range(60):
        starts: Starts = {
            f"H{number}": int(start) for number, start in enumerate(random.permutation([1, 2, 3, 4, 5, 6]))
        }
        rows = []
        for home, start in starts.items():
            drift = np.cumsum(random.normal(0, 1, 7))
            rows += [
                HomePeriod(home, p, float(drift[p]) - 2.0 * (start is not None and p >= start))
                for p in range(7)
            ]
        found = staggered(rows, starts)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= -2 <= found.high
    assert held >= 52
