"""Units pooled: against statsmodels, an independent prediction interval, and what must not be pooled."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from nyttig.errors import EntryError
from nyttig.figures.pooled import Pooled, UnitEstimate, pool, unit_estimate

UNITS = ("Alna", "Gamle Oslo", "Grünerløkka", "Sagene")


def random_units(random: np.random.Generator, k: int, tau: float) -> list[UnitEstimate]:
    errors = random.uniform(0.3, 3.0, k)
    estimates = random.normal(-4, tau, k) + random.normal(0, errors)
    pairs = zip(estimates, errors, strict=True)
    return [UnitEstimate(f"unit {n}", 8, float(e), float(s)) for n, (e, s) in enumerate(pairs)]


def peer_of(units: list[UnitEstimate]):  # type: ignore[no-untyped-def]  # statsmodels ships no types
    estimates = np.array([unit.estimate for unit in units])
    variances = np.array([unit.standard_error or 0 for unit in units]) ** 2
    return combine_effects(estimates, variances, method_re="dl")


def apart(times: float) -> list[UnitEstimate]:
    """Four units whose estimates lie further apart the larger `times`."""
    pairs = zip((-9.0, -2.0, -5.5, 1.0), (1.0, 1.2, 0.8, 1.5), strict=True)
    return [UnitEstimate(unit, 8, e * times, s) for unit, (e, s) in zip(UNITS, pairs, strict=True)]


@pytest.mark.filterwarnings("ignore:invalid value encountered in sqrt")  # of statsmodels' tau² below 0
def test_units_are_pooled_as_statsmodels_pools_them() -> None:
    random = np.random.default_rng(1986)
    largest, compared = 0.0, 0
    for _ in range(300):
        units = random_units(random, int(random.integers(2, 16)), float(random.choice([0.0, 1.0, 4.0])))
        found, peer = pool(units), peer_of(units)
        assert found.fixed
        assert found.random
        assert found.tau2 is not None
        assert found.hartung_knapp_scale is not None
        low, high = peer.conf_int(use_t=False)[0]
        homogeneity = peer.test_homogeneity()
        pairs = [
            (found.fixed.estimate, peer.mean_effect_fe),
            (found.fixed.standard_error, peer.sd_eff_w_fe),
            (found.fixed.low, low),
            (found.fixed.high, high),
            (found.q, peer.q),
            (found.q_p, homogeneity.pvalue),
            (found.i2_ratio, max(peer.i2, 0)),
            (found.tau2, max(peer.tau2, 0)),
        ]
        if peer.tau2 > 0:
            plain = peer.conf_int(use_t=True)[3]
            half = stats.t.isf(0.025, found.k - 1) * peer.sd_eff_w_re
            pairs += [
                (found.random.estimate, peer.mean_effect_re),
                (found.hartung_knapp_scale, peer.scale_hksj_re),
            ]
            if peer.scale_hksj_re >= 1:
                pairs += [(found.random.low, plain[0]), (found.random.high, plain[1])]
            else:
                pairs += [(found.random.high - found.random.estimate, half)]
            compared += 1
        else:
            pairs += [(found.random.estimate, found.fixed.estimate)]
        largest = max(largest, *(abs(mine - theirs) / max(1, abs(theirs)) for mine, theirs in pairs))
    print(f"largest difference to statsmodels {largest:.1e}; {compared} of 300 with tau² above 0")  # noqa: T201  shown with pytest -s
    assert compared > 100
    assert largest < 1e-9


def test_the_next_unit_is_predicted_as_by_hand_and_needs_three() -> None:
    units = apart(1.0)
    found = pool(units)
    assert found.random
    assert found.tau2
    half = stats.t.ppf(0.975, 2) * math.hypot(math.sqrt(found.tau2), found.random.standard_error)
    assert found.prediction_low == pytest.approx(found.random.estimate - half, rel=1e-12)
    assert found.prediction_high == pytest.approx(found.random.estimate + half, rel=1e-12)
    two = pool(units[:2])
    assert two.random
    assert (two.prediction_low, two.prediction_high) == (None, None)


def test_the_interval_of_the_spread_is_where_q_meets_its_quantiles() -> None:
    units = apart(2.0)
    found = pool(units)
    assert found.tau2_low is not None
    assert found.tau2_high is not None
    assert found.tau2 is not None

    def q_at(tau2: float) -> float:
        y, v = (
            np.array([u.estimate for u in units]),
            np.array([(u.standard_error or 0) ** 2 + tau2 for u in units]),
        )
        return float(np.sum((y - np.average(y, weights=1 / v)) ** 2 / v))

    assert stats.chi2.cdf(q_at(found.tau2_high), 3) == pytest.approx(0.025, abs=1e-9)
    assert stats.chi2.cdf(q_at(found.tau2_low), 3) == pytest.approx(0.975, abs=1e-9)
    assert found.tau2_low < found.tau2 < found.tau2_high


@pytest.mark.parametrize("tau", [0.0, 2.0])
def test_the_pooled_interval_holds_the_truth_as_often_as_it_says(tau: float) -> None:
    random, runs = np.random.default_rng(2001), 800
    held = 0
    for _ in range(runs):
        mean = pool(random_units(random, 4, tau)).random
        assert mean
        held += mean.low <= -4 <= mean.high
    print(f"four units, tau {tau}: {held / runs:.3f} of {runs} intervals hold it")  # noqa: T201  shown with pytest -s
    assert held / runs > 0.92


def test_one_unit_is_shown_and_not_pooled() -> None:
    alone = unit_estimate("Alna", [-4.0, -3.0, -6.0, 1.0, -5.0, -2.0])
    assert alone.estimate == pytest.approx(-3.1667, abs=5e-5)
    assert alone.standard_error == pytest.approx(stats.sem([-4.0, -3.0, -6.0, 1.0, -5.0, -2.0]))
    assert pool([alone]) == Pooled((alone,), (), 1, "not_estimated")
    assert pool([]) == Pooled((), (), 0, "not_estimated")


def test_units_with_few_homes_or_without_spread_stand_beside_the_pool() -> None:
    enough = [UnitEstimate("Alna", 5, -3, 1.0), UnitEstimate("Sagene", 9, -4, 1.5)]
    few, alike = UnitEstimate("Frogner", 4, -20, 0.1), UnitEstimate("Bjerke", 7, -2, 0.0)
    single = unit_estimate("Nordstrand", [-8.0])
    assert single.standard_error is None
    found = pool([*enough, few, alike, single])
    assert found.not_pooled == ("Frogner", "Bjerke", "Nordstrand")
    assert (found.k, found.fixed, found.random) == (2, pool(enough).fixed, pool(enough).random)
    assert len(found.units) == 5
    assert pool([*enough, few], homes_required=4).k == 3


def test_the_spread_between_few_units_is_said_to_be_poorly_known() -> None:
    random = np.random.default_rng(2)
    assert pool(random_units(random, 2, 1)).heterogeneity == "poorly_known"
    assert pool(random_units(random, 9, 1)).heterogeneity == "poorly_known"
    assert pool(random_units(random, 10, 1)).heterogeneity == "estimated"


def test_units_that_agree_too_well_do_not_get_a_narrower_interval_than_chance_allows() -> None:
    alike = [UnitEstimate(unit, 8, -3 + n * 0.001, 1.0) for n, unit in enumerate(UNITS)]
    found = pool(alike)
    assert found.random
    assert found.fixed
    assert found.hartung_knapp_scale == pytest.approx(0, abs=1e-5)
    assert found.random.standard_error == pytest.approx(found.fixed.standard_error)
    assert found.random.high - found.random.low > found.fixed.high - found.fixed.low
    assert (found.i2_ratio, found.tau2, found.tau2_low, found.tau2_high) == (0, 0, 0, 0)


@given(
    st.lists(st.tuples(st.floats(-50, 50), st.floats(0.1, 10)), min_size=2, max_size=8),
    st.floats(-100, 100),
    st.floats(0.1, 100),
)
def test_another_zero_or_another_unit_of_measure_changes_nothing_else(
    given_units: list[tuple[float, float]], shift: float, scale: float
) -> None:
    def pooled(move: float, stretch: float) -> Pooled:
        pairs = [((e + move) * stretch, s * stretch) for e, s in given_units]
        return pool([UnitEstimate(str(n), 9, e, s) for n, (e, s) in enumerate(pairs)])

    plain, moved = pooled(0, 1), pooled(shift, scale)
    assert plain.random
    assert moved.random
    assert plain.tau2 is not None
    assume(plain.tau2 == 0 or plain.tau2 > 1e-6)
    assert moved.random.estimate == pytest.approx((plain.random.estimate + shift) * scale, rel=1e-6, abs=1e-6)
    assert moved.i2_ratio == pytest.approx(plain.i2_ratio, abs=1e-6)
    assert moved.tau2 == pytest.approx(plain.tau2 * scale * scale, rel=1e-5, abs=1e-4)
    estimates = [e for e, _ in given_units]
    assert min(estimates) - 1e-9 <= plain.random.estimate <= max(estimates) + 1e-9


def test_what_is_no_estimate_is_refused_with_a_remedy() -> None:
    with pytest.raises(EntryError, match="'Alna' has nan"):
        pool([UnitEstimate("Alna", 9, float("nan"), 1.0)])
    with pytest.raises(EntryError, match=r"a standard error of -1\.0"):
        pool([UnitEstimate("Alna", 9, 1.0, -1.0)])
    with pytest.raises(EntryError, match="Alna is given twice"):
        pool([UnitEstimate("Alna", 9, 1.0, 1.0), UnitEstimate("Alna", 8, 2.0, 1.0)])
    with pytest.raises(EntryError, match="'Alna' has no home"):
        unit_estimate("Alna", [])
