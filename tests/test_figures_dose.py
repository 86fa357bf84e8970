"""Change against use, home by home: against statsmodels and SciPy, and always marked as exploratory."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from nyttig.figures.assumptions import ASSUMPTIONS
from nyttig.figures.dose import dose_response


def test_slope_and_ranks_are_those_of_statsmodels_and_scipy() -> None:
    largest = 0.0
    for seed in range(40):
        random = np.random.default_rng(seed)
        use = np.round(random.uniform(0, 1, 5 + seed % 20), 1)  # with equals
        changes = np.round(-20 * use + random.normal(0, 6, len(use)))
        found = dose_response(use.tolist(), changes.tolist())
        fit = sm.OLS(changes, sm.add_constant(use)).fit()
        low, high = fit.conf_int()[1] / 10
        assert found.slope is not None
        assert found.low is not None
        assert found.high is not None
        assert found.rank_correlation is not None
        largest = max(
            largest,
            abs(found.slope - fit.params[1] / 10),
            abs(found.low - low),
            abs(found.high - high),
            abs(found.rank_correlation - stats.spearmanr(use, changes).statistic),
        )
    print(f"largest difference from statsmodels and SciPy: {largest:.1e}")  # noqa: T201  shown with pytest -s
    assert largest < 1e-9


def test_ten_points_more_use_go_with_so_many_minutes_less() -> None:
    found = dose_response([0.2, 0.4, 0.6, 0.8, 1.0], [-4.0, -8.0, -12.0, -16.0, -20.0])
    assert found.slope == pytest.approx(-2.0)
    assert found.rank_correlation == pytest.approx(-1.0)
    assert (found.exploratory, found.level) == (True, 0)
    assert set(found.assumptions) <= ASSUMPTIONS.keys()


def test_four_homes_and_homes_that_use_it_alike_tell_nothing() -> None:
    assert dose_response([0.1, 0.2, 0.3, 0.4], [1.0, 2.0, 3.0, 4.0]).slope is None
    alike = dose_response([0.7] * 6, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert (alike.homes, alike.slope, alike.rank_correlation, alike.exploratory) == (6, None, None, True)


def test_homes_that_all_changed_alike_have_a_flat_line_and_no_ranks() -> None:
    found = dose_response([0.1, 0.2, 0.3, 0.4, 0.5], [2.0] * 5)
    assert (found.slope, found.low, found.high, found.rank_correlation) == (0.0, 0.0, 0.0, None)


def test_shares_and_changes_of_different_homes_are_refused() -> None:
    with pytest.raises(ValueError, match="2 shares and 3 changes"):
        dose_response([0.1, 0.2], [1.0, 2.0, 3.0])
