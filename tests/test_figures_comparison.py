"""Difference in differences against the published vector, SciPy, statsmodels and every way of dealing groups out."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from nyttig.figures.assumptions import ASSUMPTIONS
from nyttig.figures.comparison import Pair, difference_in_differences, label_p


def groups(seed: int, treated: int, comparison: int) -> tuple[list[Pair], list[Pair]]:
    random = np.random.default_rng(seed)

    def homes(number: int, change: float) -> list[Pair]:
        before = random.normal(14, 4, number)
        after = before + random.normal(change, random.uniform(1, 5), number)
        return list(zip(before.tolist(), after.tolist(), strict=True))

    return homes(treated, -5), homes(comparison, -1.5)


def test_the_groups_of_the_definitions_differ_by_three_and_a_half_visits() -> None:
    found = difference_in_differences([(14.0, 9.0)], [(14.5, 13.0)])
    assert (found.treated_change, found.comparison_change, found.estimate) == (-5.0, -1.5, -3.5)
    assert (found.low, found.high, found.p, found.level) == (None, None, None, 0)


def test_five_homes_in_each_group_are_needed_to_say_how_sure() -> None:
    assert difference_in_differences(*groups(1, 4, 9)).p is None
    assert difference_in_differences(*groups(1, 9, 4)).low is None
    found = difference_in_differences(*groups(1, 5, 5))
    assert found.level == 2
    assert found.p_exact
    assert set(found.assumptions) <= ASSUMPTIONS.keys()


def test_without_comparison_homes_there_is_no_difference() -> None:
    found = difference_in_differences([(14.0, 9.0)], [])
    assert (found.treated_change, found.comparison_change, found.estimate, found.balance) == (
        -5.0,
        None,
        None,
        (),
    )


def test_estimate_and_interval_are_those_of_scipy_and_of_a_regression_clustered_by_home() -> None:
    largest = 0.0
    for seed in range(40):
        treated, comparison = groups(seed, 5 + seed % 7, 5 + seed % 4)
        found = difference_in_differences(treated, comparison)
        changes = [[after - before for before, after in group] for group in (treated, comparison)]
        peer = stats.ttest_ind(*changes, equal_var=False)
        interval = peer.confidence_interval()

        homes = treated + comparison
        group = np.repeat([1.0] * len(treated) + [0.0] * len(comparison), 2)
        late = np.tile([0.0, 1.0], len(homes))
        design = np.column_stack([np.ones_like(late), group, late, group * late])
        fit = sm.OLS(np.array(homes).ravel(), design).fit(
            cov_type="cluster",
            cov_kwds={"groups": np.repeat(np.arange(len(homes)), 2), "use_correction": False},
        )
        # Without correction the clustered variance is that of each mean with 1/n; CR2 puts n − 1 in its place.
        plain = sum(np.var(change) / len(change) for change in changes)
        corrected = sum(np.var(change, ddof=1) / len(change) for change in changes)
        assert found.low is not None
        assert found.high is not None
        assert found.estimate is not None
        half = (found.high - found.low) / 2
        quantile = stats.t.ppf(0.975, found.degrees_of_freedom)
        largest = max(
            largest,
            abs(found.estimate - fit.params[3]),
            abs(half / quantile - fit.bse[3] * np.sqrt(corrected / plain)),
            abs(found.low - interval.low),
            abs(found.high - interval.high),
            abs((found.degrees_of_freedom or 0) - peer.df),
        )
    print(f"largest difference from SciPy and statsmodels: {largest:.1e}")  # noqa: T201  shown with pytest -s
    assert largest < 1e-9


def clearness(one: list[Fraction], other: list[Fraction]) -> Fraction:
    """Welch's t squared, in fractions so that equals are equal; a huge one for groups that differ without spread."""
    means = [sum(group, Fraction(0)) / len(group) for group in (one, other)]
    error = sum(
        (
            sum(((value - mean) ** 2 for value in group), Fraction(0)) / (len(group) * (len(group) - 1))
            for group, mean in zip((one, other), means, strict=True)
        ),
        Fraction(0),
    )
    difference = (means[0] - means[1]) ** 2
    return difference / error if error else Fraction(10**9) * (difference > 0)


def test_p_is_that_of_counting_every_way_of_dealing_the_groups_out() -> None:
    for seed in range(4):
        random = np.random.default_rng(seed)
        # Whole numbers have many equals, and tenths of them are not exact.
        tenths = [int(value) for value in (*random.integers(-3, 4, 5), *random.integers(-3, 6, 6))]
        given = clearness([Fraction(v) for v in tenths[:5]], [Fraction(v) for v in tenths[5:]])
        hits = ways = 0
        for chosen in combinations(range(11), 5):
            groups_dealt = [
                [Fraction(v) for at, v in enumerate(tenths) if (at in chosen) == first]
                for first in (True, False)
            ]
            hits += clearness(*groups_dealt) >= given
            ways += 1
        for unit in (0.1, 1 / 7, 1e6 / 3):
            changes = np.array(tenths) * unit
            assert label_p(changes[:5], changes[5:]) == (hits / ways, True)


def test_p_of_uneven_changes_is_that_of_scipys_welch_test_with_permutations() -> None:
    random = np.random.default_rng(7)
    one, other = random.normal(-2, 4, 5), random.normal(0, 1, 7)
    peer = stats.permutation_test(
        (one, other),
        lambda a, b, axis: np.abs(stats.ttest_ind(a, b, axis=axis, equal_var=False).statistic),
        alternative="greater",
        n_resamples=np.inf,
        vectorized=True,
    )
    assert label_p(one, other) == (pytest.approx(peer.pvalue, abs=1e-12), True)


def test_p_without_an_effect_stays_above_its_mark_also_when_the_smaller_group_spreads_more() -> None:
    random = np.random.default_rng(9)
    above = sum(label_p(random.normal(0, 4, 6), random.normal(0, 1, 12))[0] > 0.05 for _ in range(200))
    assert above >= 180  # by the difference of means alone some 164


def test_groups_that_each_changed_by_a_number_of_their_own_could_hardly_be_clearer() -> None:
    assert label_p(np.full(5, -3.0), np.full(5, 0.1)) == (2 / 252, True)


def test_p_of_many_homes_is_sampled_never_zero_and_always_the_same() -> None:
    random = np.random.default_rng(3)
    one, other = random.normal(-5, 1, 40), random.normal(5, 1, 40)
    assert label_p(one, other) == label_p(one, other) == (1 / 10_000, False)
    alike, exact = label_p(random.normal(0, 1, 30), random.normal(0, 1, 30))
    assert 0.01 < alike < 1
    assert not exact


def test_homes_that_did_not_change_at_all_give_no_reason_to_believe_in_an_effect() -> None:
    found = difference_in_differences([(4.0, 4.0)] * 6, [(2.0, 2.0)] * 6)
    assert (found.estimate, found.low, found.high, found.p, found.degrees_of_freedom) == (
        0.0,
        0.0,
        0.0,
        1.0,
        None,
    )


def test_groups_that_were_unlike_from_the_beginning_are_shown_to_be() -> None:
    treated, comparison = groups(4, 8, 8)
    found = difference_in_differences(
        treated,
        comparison,
        {"age": ([80.0, 84.0, 82.0, 86.0], [70.0, 74.0, 72.0, 76.0]), "visits": ([3.0], [4.0])},
    )
    assert [one.trait for one in found.balance] == ["before", "age", "visits"]
    assert found.balance[1].standardised_difference == pytest.approx(10 / np.std([80, 84, 82, 86], ddof=1))
    assert found.balance[2].standardised_difference is None
    with pytest.raises(ValueError, match="0 treated"):
        difference_in_differences(treated, comparison, {"age": ([], [70.0])})


def test_intervals_hold_in_groups_of_unlike_size_and_spread() -> None:
    random = np.random.default_rng(5)
    held = 0
    for _ in range(400):
        one = [(0.0, float(change)) for change in random.normal(-3, 4, 6)]
        other = [(0.0, float(change)) for change in random.normal(0, 1, 12)]
        found = difference_in_differences(one, other)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= -3 <= found.high
    assert 0.91 <= held / 400 <= 0.985
