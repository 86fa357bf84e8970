"""Doses and calls against their schedule: done, late, missed, or nobody can know."""

from __future__ import annotations

from datetime import date, time

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nyttig.figures.participation import OUTCOMES, Plan, due_times, outcomes, participation
from nyttig.model import Parameters

EVERY_DAY = frozenset(range(7))
LATER = 10**9
PARAMETERS = Parameters(participation_window_minutes=120, participation_early_minutes=30)


def became(
    due: list[int],
    uses: list[int],
    *,
    observed: bool = True,
    excused: bool = False,
    as_of_minute: int = LATER,
) -> list[str]:
    table = pd.DataFrame({"home": "go-1", "minute": due, "observed": observed, "excused": excused})
    used = pd.DataFrame({"home": ["go-1"] * len(uses), "minute": pd.Series(uses, dtype="int64")})
    found = outcomes(table, used, as_of_minute=as_of_minute, parameters=PARAMETERS)
    return [OUTCOMES[place] for place in found]


def test_a_dose_within_two_hours_is_done_one_after_that_is_late_and_none_is_missed() -> None:
    assert became([1000, 2000, 3000], [1005, 2121]) == ["done", "late", "missed"]
    assert became([1000], [1120]) == ["done"]
    assert became([1000], [1121]) == ["late"]


def test_a_dose_taken_a_little_early_is_done_and_one_far_too_early_belongs_to_no_due_time() -> None:
    assert became([1000], [970]) == ["done"]
    assert became([1000], [969]) == ["missed"]


def test_a_missed_dose_is_only_claimed_where_somebody_would_have_noticed() -> None:
    assert became([1000], [], observed=False) == ["unknown"]
    assert became([1000], [1001], observed=False) == ["done"]


def test_a_dose_due_in_hospital_is_excused_and_one_whose_window_is_open_is_to_come() -> None:
    assert became([1000], [], excused=True) == ["excused"]
    assert became([1000], [], as_of_minute=1120) == ["to_come"]
    assert became([1000], [], as_of_minute=1121) == ["missed"]
    assert became([1000], [1010], as_of_minute=1020) == ["done"]


def test_one_use_serves_one_due_time_and_two_close_ones_need_two() -> None:
    assert became([1000, 1060], [1065]) == ["done", "missed"]
    assert became([1000, 1060], [1065, 1070]) == ["done", "done"]
    assert became([1000, 1000], [1000]) == ["done", "missed"]


def test_a_very_late_dose_does_not_use_up_the_next_one() -> None:
    assert became([1000, 2000], [1975]) == ["missed", "done"]
    assert became([1000, 2000], [1900, 2000]) == ["late", "done"]


def test_homes_do_not_take_each_others_doses() -> None:
    due = pd.DataFrame({"home": ["a", "b"], "minute": [1000, 1000], "observed": True, "excused": False})
    uses = pd.DataFrame({"home": ["b"], "minute": [1001]})
    found = outcomes(due, uses, as_of_minute=LATER, parameters=PARAMETERS)
    assert [OUTCOMES[place] for place in found] == ["missed", "done"]


def test_the_share_rests_on_what_was_due_while_observed() -> None:
    due = [1000, 2000, 3000, 4000]
    table = pd.DataFrame(
        {"home": "a", "minute": due, "observed": [True, True, True, False], "excused": False}
    )
    uses = pd.DataFrame({"home": ["a", "a"], "minute": [1000, 2500]})
    became = outcomes(table, uses, as_of_minute=LATER, parameters=PARAMETERS)
    found = participation(became, table["home"].to_numpy())
    assert (found.done.count, found.done.of, found.late, found.missed, found.unknown) == (1, 3, 1, 1, 1)
    assert found.done.ratio == pytest.approx(1 / 3)


def test_due_times_are_local_and_follow_the_change_of_clock() -> None:
    plans = [Plan("a", time(8), EVERY_DAY, date(2026, 10, 24), date(2026, 10, 26))]
    found = due_times(plans, "Europe/Oslo", date(2026, 10, 1), date(2026, 10, 31))
    assert [str(at) for at in found["due_at"].dt.strftime("%d %H:%M")] == ["24 06:00", "25 07:00", "26 07:00"]
    night = [Plan("a", time(2, 30), EVERY_DAY, date(2026, 3, 29), None)]
    assert [
        str(at)
        for at in due_times(night, "Europe/Oslo", date(2026, 3, 29), date(2026, 3, 29))["due_at"].dt.strftime(
            "%H:%M"
        )
    ] == ["01:30"]
    twice = [Plan("a", time(2, 30), EVERY_DAY, date(2026, 10, 25), date(2026, 10, 25))]
    assert [
        str(at)
        for at in due_times(twice, "Europe/Oslo", date(2026, 10, 1), date(2026, 11, 1))["due_at"].dt.strftime(
            "%H:%M"
        )
    ] == ["00:30"]


def test_weekdays_and_the_ends_of_a_plan_are_kept_and_a_moment_is_due_once() -> None:
    mondays = Plan("a", time(9), frozenset({0}), date(2026, 11, 1), None)
    found = due_times([mondays, mondays], "Europe/Oslo", date(2026, 11, 1), date(2026, 11, 16))
    assert [str(at) for at in found["due_at"].dt.strftime("%d")] == ["02", "09", "16"]


@given(
    st.lists(st.integers(0, 5000), max_size=20, unique=True).map(sorted),
    st.lists(st.integers(0, 5000), max_size=30),
)
def test_no_more_is_done_than_was_used_and_another_use_never_makes_it_worse(
    due: list[int], uses: list[int]
) -> None:
    before = became(due, uses)
    assert before.count("done") + before.count("late") <= len(uses)
    assert len(before) == len(due)
    if due:
        after = became(due, [*uses, due[0]])
        assert after.count("done") >= before.count("done")
