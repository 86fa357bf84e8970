"""Wilson and t intervals, against the published vectors and scipy's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nyttig.figures.intervals import clustered, t_interval, wilson


def test_nine_homes_of_twelve_are_three_quarters_give_or_take_a_lot() -> None:
    share = wilson(9, 12)
    assert (share.count, share.of, share.ratio) == (9, 12, 0.75)
    assert share.low == pytest.approx(0.468, abs=5e-4)
    assert share.high == pytest.approx(0.911, abs=5e-4)


def test_none_of_eight_homes_may_still_be_a_third() -> None:
    share = wilson(0, 8)
    assert (share.ratio, share.low) == (0.0, 0.0)
    assert share.high == pytest.approx(0.324, abs=5e-4)


def test_all_of_eight_homes_end_at_one() -> None:
    assert wilson(8, 8).high == 1.0
    assert wilson(8, 8).low == pytest.approx(1 - 0.324, abs=5e-4)


def test_a_share_of_no_homes_is_no_number() -> None:
    share = wilson(0, 0)
    assert (share.count, share.of, share.ratio, share.low, share.high) == (0, 0, None, None, None)


@given(st.integers(1, 3000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_wilson_intervals_are_scipys_and_hold_the_ratio(case: tuple[int, int]) -> None:
    count, of = case
    share = wilson(count, of)
    assert share.ratio is not None
    assert share.low is not None
    assert share.high is not None
    peer = stats.binomtest(count, of).proportion_ci(method="wilson")
    assert share.low == pytest.approx(peer.low, abs=1e-12)
    assert share.high == pytest.approx(peer.high, abs=1e-12)
    assert 0 <= share.low <= share.ratio <= share.high <= 1


def test_a_t_interval_is_scipys() -> None:
    values = [-4.0, -3.0, -6.0, 1.0, -5.0, -2.0]
    peer = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert t_interval(values) == pytest.approx((peer.low, peer.high), abs=1e-12)


def test_one_value_has_no_interval_and_equal_values_have_one_of_no_width() -> None:
    assert t_interval([]) is None
    assert t_interval([3.0]) is None
    assert t_interval([3.0, 3.0, 3.0]) == (3.0, 3.0)


def test_doses_of_homes_that_differ_say_less_than_so_many_independent_doses() -> None:
    alike, apart = clustered([80, 81, 79, 80], [100] * 4), clustered([100, 40, 98, 82], [100] * 4)
    plain = wilson(320, 400)
    assert (alike.ratio, apart.ratio) == (0.8, 0.8)
    assert alike.low == pytest.approx(plain.low, abs=0.03)
    assert apart.low is not None
    assert apart.high is not None
    assert apart.high - apart.low > 5 * (plain.high - plain.low)  # type: ignore[operator]  # there are answers


def test_one_home_or_no_difference_leaves_the_interval_of_its_answers() -> None:
    assert clustered([8], [10]) == wilson(8, 10)
    assert clustered([10, 10], [10, 10]) == wilson(20, 20)
    assert clustered([0, 0], [0, 0]) == wilson(0, 0)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=12))
def test_a_clustered_interval_holds_its_share_and_stays_within_bounds(pairs: list[tuple[int, int]]) -> None:
    found = clustered([min(pair) for pair in pairs], [max(pair) for pair in pairs])
    if found.ratio is not None:
        assert found.low is not None
        assert found.high is not None
        assert -1e-12 <= found.low <= found.ratio + 1e-12
        assert found.ratio - 1e-12 <= found.high <= 1 + 1e-12
