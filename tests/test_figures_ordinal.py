"""Answers on a scale before and after: spread, moves and the sign test, against SciPy."""

from __future__ import annotations

import pytest
from scipy import stats

from nyttig.figures.assumptions import ASSUMPTIONS
from nyttig.figures.intervals import wilson
from nyttig.figures.ordinal import distribution, ordinal, sign_p

SCALE = (1, 2, 3, 4, 5)
BEFORE = {"A": 2, "B": 3, "C": 3, "D": 1, "E": 4, "F": 2, "G": 5}
AFTER = {"A": 4, "B": 4, "C": 3, "D": 2, "E": 3, "F": 5, "H": 1}


def test_answers_are_told_as_they_are_spread_and_how_they_moved() -> None:
    found = ordinal(BEFORE, AFTER, SCALE, positive={4, 5})
    assert (found.homes, found.homes_missing) == (6, 2)
    assert found.before.counts == (1, 2, 2, 1, 0)
    assert found.after.counts == (0, 1, 2, 2, 1)
    assert (found.before.positive, found.after.positive) == (wilson(1, 6), wilson(3, 6))
    assert (found.improved, found.worsened, found.unchanged) == (4, 1, 1)
    assert found.p == stats.binomtest(4, 5).pvalue
    assert found.level == 1
    assert set(found.assumptions) <= ASSUMPTIONS.keys()


def test_on_a_scale_where_less_is_better_a_lower_answer_is_an_improvement() -> None:
    found = ordinal(BEFORE, AFTER, SCALE, positive={1, 2}, better="lower")
    assert (found.improved, found.worsened, found.unchanged) == (1, 4, 1)


def test_the_sign_test_is_scipys_and_leaves_out_who_stayed() -> None:
    largest = max(
        abs(sign_p(improved, worsened) - stats.binomtest(improved, improved + worsened).pvalue)
        for improved in range(40)
        for worsened in range(40)
        if improved + worsened
    )
    print(f"largest difference from SciPy: {largest:.1e}")  # noqa: T201  shown with pytest -s
    assert largest < 1e-9
    assert sign_p(0, 0) == 1.0
    assert 0 < sign_p(900, 0) < 1e-250


def test_under_five_homes_there_are_answers_and_no_inference() -> None:
    four = {home: answer for home, answer in BEFORE.items() if home in "ABCD"}
    found = ordinal(four, AFTER, SCALE, positive={4, 5})
    assert (found.homes, found.improved, found.p, found.level) == (4, 3, None, 0)


def test_an_answer_that_is_no_step_of_the_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="6 is no answer of the scale 1, 2, 3, 4, 5"):
        distribution([3, 6], SCALE, positive={5})


def test_staff_asked_once_are_told_as_a_spread_alone() -> None:
    found = distribution([5, 4, 4, 2], SCALE, positive={4, 5})
    assert (found.counts, found.positive.count, found.positive.of) == ((0, 1, 0, 2, 1), 3, 4)
    assert distribution([], SCALE, positive={5}).positive.ratio is None
