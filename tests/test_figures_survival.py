"""How long homes stay with a technology: curves against published vectors and against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight

from nyttig.figures.survival import at, at_risk_on, cumulative_incidence, kaplan_meier

DAYS = [3, 5, 6, 7, 8, 10, 12, 12]
STOPPED = [True, False, True, True, False, True, True, False]

homes = st.lists(
    st.tuples(st.integers(1, 40), st.integers(0, 2), st.integers(0, 20)), min_size=1, max_size=60
)


def test_the_curve_of_eight_homes_is_that_of_the_definitions() -> None:
    curve = kaplan_meier(DAYS, STOPPED)
    assert at(curve, 6) == pytest.approx(0.72917, abs=5e-6)
    place = curve.days.index(6)
    assert curve.low[place] == pytest.approx(0.27639, abs=5e-6)
    assert curve.high[place] == pytest.approx(0.92535, abs=5e-6)
    assert curve.median_days == 10
    assert (curve.subjects, curve.censored, curve.followed_days) == (8, 3, 12)
    assert curve.at_risk == (8, 6, 5, 3, 2)
    assert at(curve, 2.9) == 1.0


def test_homes_that_ended_for_another_reason_are_no_longer_at_risk_of_stopping() -> None:
    first, second = cumulative_incidence([2, 3, 3, 5, 6, 7], ["1", "2", None, "1", None, "1"])
    assert at(first, 5) == pytest.approx(0.3889, abs=5e-5)
    assert at(second, 5) == pytest.approx(0.1667, abs=5e-5)
    assert (first.events, second.events) == (3, 1)
    assert at(first, 1) == 0.0


def test_a_curve_on_which_nobody_stopped_stays_at_one_and_knows_no_median() -> None:
    curve = kaplan_meier([10, 20], [False, False])
    assert (curve.days, curve.median_days, at(curve, 20)) == ((), None, 1.0)
    assert cumulative_incidence([10, 20], [None, None]) == ()
    assert kaplan_meier([], []).subjects == 0


def test_when_all_stopped_no_interval_is_claimed_at_zero() -> None:
    curve = kaplan_meier([4, 9], [True, True])
    assert curve.survival == (0.5, 0.0)
    assert curve.low[1] is None
    assert curve.high[1] is None
    assert curve.median_days == 4


def test_a_home_that_joined_late_is_not_counted_among_those_that_could_have_stopped_before() -> None:
    curve = kaplan_meier([5, 20, 30], [True, True, False], entries=[0, 0, 10])
    assert curve.at_risk == (2, 2)
    assert curve.survival == (0.5, 0.25)
    assert at_risk_on([5, 20, 30], [0, 6, 12], entries=[0, 0, 10]) == (2, 1, 2)


def test_a_home_that_ends_before_it_enters_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="subject 1 enters on day 9 and ends on day 4"):
        kaplan_meier([5, 4], [True, True], entries=[0, 9])
    with pytest.raises(ValueError, match="days from 0 up"):
        kaplan_meier([float("nan")], [True])


@given(homes)
@settings(max_examples=150, deadline=None)
def test_the_curve_agrees_with_statsmodels(given_homes: list[tuple[int, int, int]]) -> None:
    days = [day for day, _, _ in given_homes]
    happened = [cause > 0 for _, cause, _ in given_homes]
    ours = kaplan_meier(days, happened)
    theirs = SurvfuncRight(np.array(days, dtype=float), np.array(happened, dtype=int))
    steps = theirs.n_events > 0
    assert list(theirs.surv_times[steps]) == list(ours.days)
    assert np.allclose(theirs.surv_prob[steps], ours.survival, atol=1e-12)
    assert list(theirs.n_risk[steps]) == list(ours.at_risk)


@given(homes)
@settings(max_examples=150, deadline=None)
def test_the_curve_of_homes_that_joined_late_agrees_with_statsmodels(
    given_homes: list[tuple[int, int, int]],
) -> None:
    entries = [entry for _, _, entry in given_homes]
    days = [entry + day for day, _, entry in given_homes]
    happened = [cause > 0 for _, cause, _ in given_homes]
    ours = kaplan_meier(days, happened, entries)
    theirs = SurvfuncRight(
        np.array(days, dtype=float), np.array(happened, dtype=int), entry=np.array(entries, dtype=float)
    )
    steps = theirs.n_events > 0
    assert np.allclose(theirs.surv_prob[steps], ours.survival, atol=1e-12)


@given(homes)
@settings(max_examples=150, deadline=None)
def test_the_incidence_of_each_cause_agrees_with_statsmodels(given_homes: list[tuple[int, int, int]]) -> None:
    days = [day for day, _, _ in given_homes]
    codes = [cause for _, cause, _ in given_homes]
    ours = cumulative_incidence(days, [None if code == 0 else str(code) for code in codes])
    if not ours:
        return
    with np.errstate(divide="ignore", invalid="ignore"):  # its standard error, where all at risk have ended
        theirs = CumIncidenceRight(np.array(days, dtype=float), np.array(codes, dtype=int))
    for found in ours:
        values = theirs.cinc[int(found.cause) - 1] if int(found.cause) <= len(theirs.cinc) else []
        for day, value in zip(found.days, found.incidence, strict=True):
            place = int(np.searchsorted(theirs.times, day, side="right")) - 1
            assert values[place] == pytest.approx(value, abs=1e-12)


@given(homes)
def test_all_causes_together_and_those_that_stay_make_one(given_homes: list[tuple[int, int, int]]) -> None:
    days = [day for day, _, _ in given_homes]
    causes = [None if cause == 0 else str(cause) for _, cause, _ in given_homes]
    curve = kaplan_meier(days, [cause is not None for cause in causes])
    last = max(days)
    together = sum(at(one, last) for one in cumulative_incidence(days, causes))
    assert together + at(curve, last) == pytest.approx(1.0, abs=1e-12)
