"""Is it getting better? Two periods are compared home by home, with whole weeks and without a home's first days."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from statistics import fmean, stdev

import pytest
from sample_report import rate
from scipy import stats

from nyttig.figures.adoption import HomeStrip
from nyttig.figures.intervals import clustered
from nyttig.figures.periods import Comparison, compare
from nyttig.model import Parameters

MONDAY = date(2026, 9, 7)
PARAMETERS = Parameters(ramp_in_days=0)


def strip(number: int, states: str, observed: float = 1.0) -> HomeStrip:
    ratios = tuple(None if state == "-" else 0.1 if state == "K" else observed for state in states)
    return HomeStrip(
        f"h{number}", "Alna", MONDAY, None, None, MONDAY, states, (0,) * len(states), ratios, None, None, rate(1, states)
    )  # fmt: skip


def compared(*states: str, parameters: Parameters = PARAMETERS, standby: bool = False) -> Comparison | None:
    return compare(
        [strip(number, each) for number, each in enumerate(states)],
        MONDAY + timedelta(days=len(states[0]) - 1), parameters, standby=standby,
    ).comparison  # fmt: skip


def test_each_home_counts_once_and_the_interval_is_students() -> None:
    after = (28, 21, 20, 26, 14, 23)
    found = compared(*("UN" * 14 + "U" * days + "N" * (28 - days) for days in after))
    assert found is not None
    changes = [days / 28 - 0.5 for days in after]
    half = stats.t.ppf(0.975, 5) * stdev(changes) / len(changes) ** 0.5
    assert found.difference.mean == pytest.approx(fmean(changes))
    assert (found.difference.low, found.difference.high) == pytest.approx(
        (fmean(changes) - half, fmean(changes) + half)
    )
    assert found.verdict == "more"
    assert (found.before.use_day_rate.point, found.before.active.count) == (0.5, 6)
    assert not found.unknown_could_explain


def test_a_difference_that_chance_could_make_is_no_clear_change_and_few_homes_tell_nothing() -> None:
    mixed = compared(*("UN" * 14 + ("U" * 28 if number % 2 else "N" * 28) for number in range(6)))
    assert mixed is not None
    assert mixed.verdict == "no_clear_change"
    few = compared(*["N" * 28 + "U" * 28] * 4)
    assert few is not None
    assert (few.verdict, few.difference.mean, few.difference.low) == ("too_few_homes", 1.0, None)


def test_only_whole_weeks_count_and_a_young_trial_has_nothing_to_compare() -> None:
    assert compared("U" * 55) is None
    found = compared("N" + "U" * 55 + "NNN")
    assert found is not None
    assert (found.before.first_day, found.after.last_day) == (MONDAY, MONDAY + timedelta(days=55))
    assert found.after.use_day_rate.point == 1.0


def test_unknown_days_are_in_no_rate_but_in_the_bounds() -> None:
    found = compared(*["UN" * 14 + "U" * 14 + "K" * 14] * 5)
    assert found is not None
    assert found.after.use_day_rate.point == 1.0
    assert found.unknown_could_explain, "had the unknown days been unused, half would be used as before"


def test_a_homes_first_days_are_left_out_and_with_them_a_home_that_came_late() -> None:
    late = "-" * 28 + "U" * 28
    found = compared("N" * 28 + "U" * 28, late, parameters=Parameters(ramp_in_days=14))
    assert found is not None
    assert found.difference.n == 1
    assert found.after.use_day_rate.used_observed_days == 28 + 14


def test_what_stands_by_is_compared_by_its_time_in_contact() -> None:
    homes = [strip(number, "N" * 56, observed=0.9 + number / 100) for number in range(5)]
    found = compare(homes, MONDAY + timedelta(days=55), PARAMETERS, standby=True).comparison
    assert found is not None
    assert (found.measure, found.verdict) == ("coverage", "no_clear_change")
    assert found.after.coverage_ratio == pytest.approx(0.92)


def test_what_was_due_is_compared_home_by_home_and_each_share_has_its_interval_by_homes() -> None:
    """Six homes with doses of their own number: the share is of doses, the difference of homes."""
    homes = [strip(number, "U" * 56) for number in range(6)]
    due = {f"h{number}": ((30 + number, 50), (20 + 2 * number, 40)) for number in range(6)}
    found = compare(homes, MONDAY + timedelta(days=55), PARAMETERS, standby=False, due=due).participation
    assert found is not None
    assert found.measure == "participation"
    assert found.before.done == clustered([30, 31, 32, 33, 34, 35], [50] * 6)
    assert found.after.done == clustered([20, 22, 24, 26, 28, 30], [40] * 6)
    changes = [(20 + 2 * number) / 40 - (30 + number) / 50 for number in range(6)]
    half = stats.t.ppf(0.975, 5) * stdev(changes) / len(changes) ** 0.5
    assert found.difference.mean == pytest.approx(fmean(changes))
    assert (found.difference.low, found.difference.high) == pytest.approx(
        (fmean(changes) - half, fmean(changes) + half)
    )
    assert not found.unknown_could_explain


def test_a_home_with_nothing_due_in_one_period_is_in_no_difference_and_nothing_due_is_no_comparison() -> None:
    homes = [strip(number, "U" * 56) for number in range(3)]
    due = {"h0": ((1, 2), (2, 2)), "h1": ((0, 0), (2, 2))}
    found = compare(homes, MONDAY + timedelta(days=55), PARAMETERS, standby=False, due=due).participation
    assert found is not None
    assert (found.difference.n, found.difference.mean, found.verdict) == (1, 0.5, "too_few_homes")
    assert compare(homes, MONDAY + timedelta(days=55), PARAMETERS, standby=False).participation is None


def test_a_day_that_lost_messages_counts_as_used_in_the_upper_bound_of_its_period() -> None:
    lost = replace(strip(1, "N" * 56), lossy_on=(MONDAY, MONDAY + timedelta(days=30)))
    found = compare([lost], MONDAY + timedelta(days=55), PARAMETERS, standby=False).comparison
    assert found is not None
    for period in (found.before, found.after):
        assert (period.use_day_rate.upper, period.use_day_rate.lossy_unused_days) == (1 / 28, 1)
