"""Paired differences against the published vector, every single choice of signs, and draws written out one by one."""

from __future__ import annotations

import math
import time
from dataclasses import fields
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nyttig.figures.assumptions import ASSUMPTIONS
from nyttig.figures.comparison import DifferenceInDifferences
from nyttig.figures.dose import DoseResponse
from nyttig.figures.interrupted import Interrupted
from nyttig.figures.ordinal import Ordinal
from nyttig.figures.paired import Paired, beta_bootstrap_t, beta_weights, moment_skewness, paired, sign_flip_p
from nyttig.figures.rare import RareRate, RareShare
from nyttig.figures.staggered import Staggered

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
    found = paired([0.0] * 6)
    assert (found.mean, found.low, found.high, found.p, found.skewness) == (0.0, 0.0, 0.0, 1.0, 0.0)
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


SKEWED = [-1.0, 0.0, -2.0, -1.5, -0.5, -3.0, -28.0, -1.0]


def test_differences_of_which_one_home_is_unlike_all_others_are_quoted_by_the_bootstrap() -> None:
    found = paired(SKEWED)
    assert found.skewed
    assert found.interval == "bootstrap_t"
    assert (found.low, found.high) == (found.bootstrap_low, found.bootstrap_high) == beta_bootstrap_t(SKEWED)
    assert (found.t_low, found.t_high) != (found.low, found.high)
    # The long tail is on the side of the saving: the bootstrap reaches further that way, and less the other.
    assert found.low is not None
    assert found.high is not None
    assert found.t_low is not None
    assert found.t_high is not None
    assert found.low < found.t_low
    assert found.high < found.t_high
    assert found.level == 1
    assert set(found.assumptions) <= ASSUMPTIONS.keys()


def test_differences_that_are_not_skewed_are_quoted_by_students_t() -> None:
    found = paired(VECTOR)
    assert (found.interval, found.skewed, found.level) == ("t", False, 1)
    assert (found.low, found.high) == (found.t_low, found.t_high)
    assert (found.bootstrap_low, found.bootstrap_high) == (None, None)
    assert found.skewness == pytest.approx(stats.skew(VECTOR), abs=1e-12)


def test_one_home_against_equal_others_has_no_bootstrap_to_rely_on() -> None:
    found = paired([0.0, 0.0, 0.0, 0.0, 0.0, -40.0])
    assert (found.skewed, found.interval, found.bootstrap_low) == (True, "t", None)
    assert paired([0.0] * 12 + [-40.0] * 3).interval == "bootstrap_t"


def test_many_homes_need_no_bootstrap_for_the_same_skewness() -> None:
    few, many = SKEWED[:7], SKEWED[:7] * 30
    assert moment_skewness(few) == pytest.approx(moment_skewness(many))
    assert (paired(few).interval, paired(many).interval) == ("bootstrap_t", "t")


def test_the_bootstrap_is_the_same_each_time_and_moves_with_unit_and_origin() -> None:
    low, high = beta_bootstrap_t(SKEWED) or (math.nan, math.nan)
    assert beta_bootstrap_t(SKEWED) == (low, high)
    assert beta_bootstrap_t(SKEWED, seed=7) != (low, high)
    hours = beta_bootstrap_t([60 + value / 60 for value in SKEWED])
    assert hours == pytest.approx((60 + low / 60, 60 + high / 60), rel=1e-9)
    turned = beta_bootstrap_t([-value for value in SKEWED])
    assert turned == pytest.approx((-high, -low), rel=1e-9)


def test_the_bootstrap_is_that_of_draws_written_out_one_by_one() -> None:
    weights_drawn = beta_weights(np.random.default_rng(2025), (9999, len(SKEWED))).tolist()
    n, mean = len(SKEWED), sum(SKEWED) / len(SKEWED)
    spread = math.sqrt(sum((value - mean) ** 2 for value in SKEWED) / n)
    ratios = []
    for raw in weights_drawn:
        weights = [weight / sum(raw) for weight in raw]
        drawn = sum(w * x for w, x in zip(weights, SKEWED, strict=True))
        around = math.sqrt(sum(w * (x - drawn) ** 2 for w, x in zip(weights, SKEWED, strict=True)))
        ratios.append(math.sqrt(n) * (drawn - mean) / around)
    ratios.sort()
    by_hand = (
        mean - ratios[9750 - 1] * spread / math.sqrt(n),
        mean - ratios[250 - 1] * spread / math.sqrt(n),
    )
    difference = max(abs(a - b) for a, b in zip(by_hand, beta_bootstrap_t(SKEWED) or (), strict=True))
    print(f"largest difference from draws one by one: {difference:.1e}")  # noqa: T201  shown with pytest -s
    assert difference < 1e-9


def test_weights_are_those_of_the_beta_distribution() -> None:
    drawn = beta_weights(np.random.default_rng(1), (5000, 8)).ravel()
    assert stats.kstest(drawn, stats.beta(0.5, 1.5).cdf).pvalue > 0.01
    by_numpy = np.random.default_rng(2)
    ends = beta_bootstrap_t(SKEWED) or ()
    scores = (np.array(SKEWED) - np.mean(SKEWED)) / np.std(SKEWED)
    weights = by_numpy.beta(0.5, 1.5, size=(40_000, 8))
    weights /= weights.sum(axis=1, keepdims=True)
    means = weights @ scores
    ratios = np.sqrt(8) * means / np.sqrt(weights @ scores**2 - means**2)
    quantiles = np.quantile(ratios, [0.975, 0.025])
    peer = np.mean(SKEWED) - quantiles * np.std(SKEWED) / np.sqrt(8)
    assert ends == pytest.approx(peer, abs=0.1 * (peer[1] - peer[0]))  # both are draws, of a long tail


def test_a_bootstrap_of_four_homes_is_refused_and_of_equal_ones_is_none() -> None:
    with pytest.raises(ValueError, match="4 values"):
        beta_bootstrap_t([1.0, 2.0, 3.0, 4.0])
    assert beta_bootstrap_t([0.1 + 0.2, 0.3, 0.3, 0.3, 0.3]) is None


def test_intervals_of_skewed_savings_hold_more_often_than_students_t() -> None:
    random = np.random.default_rng(12)
    draws = [(1 - random.exponential(size=8)).tolist() for _ in range(250)]
    found = [paired(draw) for draw in draws]
    held = sum(one.low is not None and one.high is not None and one.low <= 0 <= one.high for one in found)
    by_t = sum(
        one.t_low is not None and one.t_high is not None and one.t_low <= 0 <= one.t_high for one in found
    )
    assert 0.87 <= held / 250 <= 0.98
    assert held > by_t


def test_what_would_break_an_assumption_is_said_in_every_language_and_of_each_that_an_estimate_makes() -> (
    None
):
    estimates = (
        Paired, DifferenceInDifferences, Staggered, Interrupted, RareShare, RareRate, Ordinal, DoseResponse,
    )  # fmt: skip
    made = {
        key
        for one in estimates
        for field in fields(one)
        if field.name == "assumptions"
        for key in field.default
    }
    assert made == ASSUMPTIONS.keys()
    for texts in ASSUMPTIONS.values():
        assert texts.keys() == {"en", "nb", "da"}
        assert all(text[0].isupper() and text.endswith(".") for text in texts.values())
        assert len(set(texts.values())) == 3
