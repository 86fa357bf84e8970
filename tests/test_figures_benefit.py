"""Paired differences and net minutes, against the published vectors and every single choice of signs."""

from __future__ import annotations

import time
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nyttig.figures.benefit import NetMinutes, Paired, net_minutes, paired, sign_flip_p

VECTOR = [-4.0, -3.0, -6.0, 1.0, -5.0, -2.0]


def test_six_homes_before_and_after() -> None:
    found = paired(VECTOR)
    assert found.n == 6
    assert found.mean == pytest.approx(-3.1667, abs=5e-5)
    assert found.median == -3.5
    assert found.low == pytest.approx(-5.7727, abs=5e-5)
    assert found.high == pytest.approx(-0.5606, abs=5e-5)
    assert found.p == 0.0625


def test_under_five_homes_there_is_a_mean_and_no_inference() -> None:
    assert paired([-4.0, -3.0, -6.0, 1.0]) == Paired(4, -3.0, -3.5, None, None, None)
    assert paired([2.0]) == Paired(1, 2.0, 2.0, None, None, None)
    assert paired([-4.0, -3.0, -6.0, 1.0, 0.0]).p is not None


def test_no_homes_give_no_numbers() -> None:
    assert paired([]) == Paired(0, None, None, None, None, None)


def test_homes_in_which_nothing_changed_prove_nothing() -> None:
    assert paired([0.0] * 6) == Paired(6, 0.0, 0.0, 0.0, 0.0, 1.0)
    assert sign_flip_p([*VECTOR, 0.0, 0.0, 0.0]) == sign_flip_p(VECTOR)


def test_homes_that_all_changed_alike_give_the_smallest_p_there_is() -> None:
    found = paired([-2.0] * 10)
    assert (found.low, found.high, found.p) == (-2.0, -2.0, 2 / 2**10)


def counted_one_by_one(differences: list[int]) -> float:
    given_sum = abs(sum(differences))
    choices = list(product((-1, 1), repeat=len(differences)))
    hits = sum(
        abs(sum(s * d for s, d in zip(signs, differences, strict=True))) >= given_sum for signs in choices
    )
    return hits / len(choices)


@settings(deadline=None)
@given(st.lists(st.integers(-6, 6), min_size=1, max_size=9), st.sampled_from([1.0, 0.1, 1 / 7, 1e6]))
def test_the_sign_flip_p_is_that_of_counting_every_choice_of_signs(
    differences: list[int], unit: float
) -> None:
    scaled = [
        difference * unit for difference in differences
    ]  # 0.1 + 0.2 is not 0.3: equals must stay equals
    assert sign_flip_p(scaled) == counted_one_by_one(differences)
    assert sign_flip_p([-d for d in scaled]) == sign_flip_p(scaled)
    assert 0 < sign_flip_p(scaled) <= 1


def test_the_sign_flip_p_is_scipys_for_uneven_differences() -> None:
    differences = [-4.1, -3.7, -6.2, 1.3, -5.9, -2.2, 0.4, 3.3, -1.7, 2.6]
    peer = stats.permutation_test(
        (np.array(differences),), np.mean, permutation_type="samples", n_resamples=2**10
    )
    assert sign_flip_p(differences) == pytest.approx(peer.pvalue, abs=1e-12)


def test_forty_homes_are_counted_exactly_and_fast() -> None:
    started = time.perf_counter()
    # 40 times one step: a binomial, so the answer is known.
    exact = stats.binomtest(14, 40).pvalue
    assert sign_flip_p([1.0] * 14 + [-1.0] * 26) == pytest.approx(exact, abs=1e-12)
    assert time.perf_counter() - started < 20


def test_beyond_forty_homes_a_fixed_sample_of_signs_comes_near_and_never_to_zero() -> None:
    differences = [1.0] * 20 + [-1.0] * 31
    p = sign_flip_p(differences)
    assert p == sign_flip_p(differences)
    assert p == pytest.approx(stats.binomtest(20, 51).pvalue, abs=0.006)
    assert 0 < sign_flip_p([-1.0] * 60) < 1e-4


def test_net_minutes_are_visits_saved_less_new_work() -> None:
    found = net_minutes([14 * 20.0], [9 * 20.0], [25.0], 1, 490.0)
    assert found == NetMinutes(1, 280.0, 180.0, 25.0, 75.0, 65.0, 31_850.0)


def test_net_minutes_are_means_over_homes() -> None:
    found = net_minutes([100.0, 300.0], [50.0, 250.0], [0.0, 20.0], 2, None)
    assert (found.visit_minutes_before, found.visit_minutes_after) == (200.0, 150.0)
    assert (found.new_work_minutes, found.net_minutes) == (10.0, 40.0)
    assert found.hours_per_year == pytest.approx(40 * 52 / 60)
    assert found.amount_per_year is None


def test_new_work_may_eat_the_gain() -> None:
    assert net_minutes([100.0], [90.0], [25.0], 1, 490.0).net_minutes == -15.0


def test_what_was_not_registered_is_missing_and_not_zero() -> None:
    assert net_minutes([], [], [], 0, 490.0) == NetMinutes(0, None, None, None, None, None, None)
    without_new_work = net_minutes([100.0], [90.0], [], 1, 490.0)
    assert without_new_work == NetMinutes(1, 100.0, 90.0, None, None, None, None)


def test_before_and_after_of_different_homes_are_refused() -> None:
    with pytest.raises(ValueError, match="2 homes before and 1 after"):
        net_minutes([100.0, 90.0], [90.0], [], 2, 490.0)
