"""Whom to call: a home whose use fell or stopped, never one whose device may be at fault."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_report import rate

from nyttig.figures.adoption import HomeStrip
from nyttig.figures.concern import LIMITS, Concerns, concerns, judge
from nyttig.model import Parameters

FIRST = date(2026, 9, 1)
GIVEN_UP_DAYS = Parameters().abandonment_days
RANK = {None: 0, "not_started": 1, "fell": 1, "stopped": 2}

_stretches = st.lists(
    st.one_of(
        st.text("UN", max_size=40),
        st.text("UuNKE-", max_size=15),
        st.builds(lambda letter, days: letter * days, st.sampled_from("UN"), st.integers(0, 30)),
    ),
    max_size=5,
).map("".join)


def strip(home: str, states: str, **more: object) -> HomeStrip:
    used = [day for day, letter in enumerate(states) if letter in "Uu"]
    made = HomeStrip(
        home=home, unit="Bydel Alna", installed_on=FIRST, ended_on=None, end_reason=None, first_day=FIRST,
        states=states, uses=(0,) * len(states), observed_ratio=(None,) * len(states),
        first_use_on=FIRST + timedelta(days=used[0]) if used else None,
        last_use_on=FIRST + timedelta(days=used[-1]) if used else None, use_day_rate=rate(1, states),
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]  # the fields of a strip


def whom(*strips: HomeStrip, faults: dict[str, list[str]] | None = None) -> Concerns:
    until = FIRST + timedelta(days=max(len(one.states) for one in strips) - 1)
    return concerns(strips, faults or {}, until, Parameters())


def kind(states: str) -> str | None:
    found = judge(states, GIVEN_UP_DAYS)
    return None if found is None else found.kind


def test_a_home_that_used_it_six_days_a_week_and_then_not_at_all_is_called_with_the_evidence() -> None:
    (call,) = whom(strip("A01", "UUUUUUN" * 9 + "U" + "NNNNKNNNNN")).calls
    assert (call.kind, call.unknown_days, call.recent_used_days, call.recent_observed_days) == (
        "stopped", 1, 0, 9,
    )  # fmt: skip
    assert call.usual_days_per_week == pytest.approx(6, abs=0.26)
    assert call.last_use_on == FIRST + timedelta(days=63)
    assert call.since == FIRST + timedelta(days=64)


def test_use_that_fell_to_a_third_is_called_although_it_never_stopped() -> None:
    (call,) = whom(strip("A01", "U" * 42 + "UNN" * 7)).calls
    assert (call.kind, call.recent_observed_days) == ("fell", 14)
    assert call.recent_used_days in (4, 5)
    assert call.usual_days_per_week == pytest.approx(7, abs=0.5)
    assert FIRST + timedelta(days=38) <= call.since <= FIRST + timedelta(days=56)


def test_use_that_came_back_is_no_concern_any_more() -> None:
    low = "U" * 42 + "UNN" * 7
    assert kind(low) == "fell"
    assert kind(low + "U" * 7) is None


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ("U" * 40 + "N" * 6, None),
        ("U" * 40 + "N" * 7, "stopped"),
        ("UNNNNNN" * 8 + "N" * 6, None),  # once a week: two weeks say nothing yet, the trial's own limit does
        ("UNNNNNN" * 8 + "N" * 8, "stopped"),
        ("UU" + "N" * 13, None),  # used twice at first: too little to know what is usual
        ("UU" + "N" * 14, "stopped"),
        ("N" * 13, None),
        ("N" * 14, "not_started"),
        ("UN" * 40, None),
        ("", None),
        ("K" * 90, None),
    ],
)
def test_how_long_is_too_long_depends_on_what_was_usual(states: str, expected: str | None) -> None:
    assert kind(states) == expected


def test_a_device_at_fault_sends_the_installer_and_nobody_calls() -> None:
    stopped = strip("A01", "U" * 40 + "N" * 20)
    found = whom(stopped, faults={"A01": ["silent"]})
    assert not found.calls
    (first,) = found.device_first
    assert (first.home, first.statuses) == ("A01", ("silent",))
    assert first.concern is not None
    assert first.concern.kind == "stopped", "it is said, so that nobody forgets"


def test_a_home_that_nobody_observes_now_is_for_the_installer_too() -> None:
    found = whom(strip("A01", "U" * 40 + "N" * 20 + "KKK"))
    assert not found.calls
    assert [(one.statuses, one.unknown_days) for one in found.device_first] == [((), 3)]
    assert [one.home for one in whom(strip("A01", "U" * 40 + "N" * 20 + "KK")).calls] == ["A01"]


def test_homes_that_ended_or_are_paused_now_are_left_in_peace() -> None:
    stopped = "U" * 40 + "N" * 20
    found = whom(
        strip("A01", stopped, ended_on=FIRST + timedelta(days=59)), strip("A02", stopped[:-1] + "E"),
        faults={"A01": ["silent"], "A02": ["silent"]},
    )  # fmt: skip
    assert found == Concerns((), ())


def test_days_after_the_last_complete_one_are_not_looked_at() -> None:
    states = "U" * 40 + "N" * 7
    (call,) = concerns([strip("A01", states)], {}, FIRST + timedelta(days=46), Parameters()).calls
    assert call.kind == "stopped"
    assert not concerns([strip("A01", states)], {}, FIRST + timedelta(days=45), Parameters()).calls


def test_who_stopped_last_is_called_first() -> None:
    found = whom(
        strip("C", "U" * 45 + "N" * 15), strip("B", "N" * 60), strip("A", "U" * 39 + "UNN" * 7), strip("D", "U" * 50 + "N" * 10)
    )  # fmt: skip
    assert [call.home for call in found.calls] == ["D", "C", "A", "B"]


@given(_stretches, st.integers(1, 40))
def test_more_unused_observed_days_never_lower_the_concern(states: str, more: int) -> None:
    assert RANK[kind(states + "N" * more)] >= RANK[kind(states)]


@given(_stretches, st.text("KE-", min_size=1, max_size=20), st.data())
def test_unknown_paused_and_outside_days_never_raise_it(
    states: str, unseen: str, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(states)))
    assert kind(states[:place] + unseen + states[place:]) == kind(states)


@given(_stretches, st.integers(1, 40))
def test_unused_days_at_the_end_that_turn_out_unknown_never_raise_it(states: str, days: int) -> None:
    assert RANK[kind(states + "K" * days)] <= RANK[kind(states + "N" * days)]


@given(_stretches, st.sampled_from(["silent", "stuck", "unknown", "lossy", "battery_low"]))
def test_a_home_with_a_device_fault_is_never_a_call(states: str, status: str) -> None:
    found = concerns([strip("A01", states)], {"A01": [status]}, FIRST + timedelta(days=500), Parameters())
    assert not found.calls


@given(_stretches)
def test_the_evidence_counts_only_days_that_are_there(states: str) -> None:
    found = judge(states, GIVEN_UP_DAYS)
    if found is None:
        return
    assert 0 <= found.since < len(states)
    assert found.recent_used <= found.recent_observed <= len(states)
    assert found.unknown_days <= states.count("K")
    assert (found.last_use is None) == (found.kind == "not_started")
    if found.kind == "stopped":
        assert found.recent_observed >= LIMITS.stopped_observed_days


def test_chance_alone_seldom_makes_a_call() -> None:

    chance = random.Random(1930)
    called = 0
    for _home in range(200):
        daily = chance.choice([0.9, 0.7, 0.5, 0.3])
        states = "".join("U" if chance.random() < daily else "N" for _day in range(120))
        called += kind(states) is not None
    assert called <= 10
