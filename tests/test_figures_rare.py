"""Harms that hardly happen: exact bounds against the definitions, SciPy and statsmodels."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from nyttig.figures.assumptions import ASSUMPTIONS
from nyttig.figures.rare import rare_rate, rare_share


def test_no_harm_in_twelve_homes_may_still_be_one_in_five() -> None:
    found = rare_share(0, 12)
    assert found.at_most == pytest.approx(0.221, abs=5e-4)
    assert found.at_most == pytest.approx(1 - 0.05 ** (1 / 12), abs=1e-12)
    assert (found.ratio, found.low, found.level) == (0.0, 0.0, 0)
    assert set(found.assumptions) <= ASSUMPTIONS.keys()


def test_shares_have_the_exact_bounds_of_statsmodels() -> None:
    largest = 0.0
    for homes in (1, 2, 7, 12, 40, 1000):
        for count in {0, 1, homes // 3, homes - 1, homes}:
            found = rare_share(count, homes)
            low, high = proportion_confint(count, homes, method="beta")
            one_sided = stats.binomtest(count, homes, alternative="less").proportion_ci(0.95, "exact").high
            assert found.low is not None
            assert found.high is not None
            assert found.at_most is not None
            largest = max(
                largest, abs(found.low - low), abs(found.high - high), abs(found.at_most - one_sided)
            )
    print(f"largest difference from statsmodels and SciPy: {largest:.1e}")  # noqa: T201  shown with pytest -s
    assert largest < 1e-9


@settings(deadline=None)
@given(st.integers(0, 60), st.floats(0.1, 500))
def test_bounds_of_a_rate_are_where_so_many_or_so_few_events_become_unlikely(
    events: int, home_months: float
) -> None:
    found = rare_rate(events, home_months)
    assert found.high is not None
    assert found.at_most is not None
    assert found.low is not None
    assert stats.poisson.cdf(events, found.high * home_months) == pytest.approx(0.025, abs=1e-9)
    assert stats.poisson.cdf(events, found.at_most * home_months) == pytest.approx(0.05, abs=1e-9)
    if events:
        assert stats.poisson.sf(events - 1, found.low * home_months) == pytest.approx(0.025, abs=1e-9)
    else:
        assert found.low == 0


def test_where_nobody_looked_nothing_is_known() -> None:
    assert (rare_share(0, 0).ratio, rare_share(0, 0).at_most) == (None, None)
    assert (rare_rate(0, 0).rate, rare_rate(0, 0).at_most) == (None, None)


def test_more_homes_with_an_event_than_homes_are_refused() -> None:
    with pytest.raises(ValueError, match="13 of 12 homes"):
        rare_share(13, 12)
    with pytest.raises(ValueError, match="2 events in 0 home-months"):
        rare_rate(2, 0)


def test_three_alarms_in_thirty_home_months_are_one_in_ten() -> None:
    found = rare_rate(3, 30)
    assert found.rate == 0.1
    # Published exact limits of three events (Garwood 1936; Haenszel et al. 1962): 0.6187 to 8.7673.
    assert found.low == pytest.approx(0.6187 / 30, abs=1e-5)
    assert found.high == pytest.approx(8.7673 / 30, abs=1e-5)
