"""A trial goes from the idea over its phases to the line or to a stop, one step at a time, and may go back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packages import one_home

from nyttig.entries.life import Cycle, Decision, Handover, Phase
from nyttig.errors import EntryError
from nyttig.model import Entry, Gain, TrialPackage
from nyttig.phases import ORDER, beginnings, phase_on, refuse

TODAY = date(2026, 10, 1)
TIME = Gain("time", "Fewer visits", "time", "organisation", "visit_minutes_per_week", "lower", -30.0)


def phase(name: Any, starts_on: date, ends_on: date | None = None) -> Phase:
    return Phase(phase=name, starts_on=starts_on, ends_on=ends_on)


def decided(day: date, name: Any, what: Any, next_phase: Any = None) -> Decision:
    return Decision(
        decided_on=day,
        phase=name,
        decision=what,
        reason="So it is",
        decided_by="Board",
        next_phase=next_phase,
    )


def trial(*gains: Gain, entered: tuple[object, ...] = ()) -> TrialPackage:
    package = one_home("medicine_dispenser")
    entries = tuple(Entry("e", 1, "handover", "trial", each) for each in entered)
    return replace(package, trial=replace(package.trial, gains=gains), entries=entries)


STUDY, PROJECT = phase("pre_study", date(2026, 1, 10)), phase("pre_project", date(2026, 4, 1))


def test_a_phase_begins_on_its_first_day_and_a_planned_one_is_still_ahead() -> None:
    plan = [phase("main_project", date(2026, 11, 1)), PROJECT, STUDY]
    began = beginnings(plan, [], TODAY)
    assert [(each.day, each.phase) for each in began] == [
        (date(2026, 1, 10), "pre_study"),
        (date(2026, 4, 1), "pre_project"),
    ]
    assert phase_on(began, date(2026, 3, 31)) == "pre_study"
    assert phase_on(began, date(2026, 1, 9)) is None


def test_a_decision_sends_the_trial_on_but_not_before_the_next_phase_s_first_day() -> None:
    went_on = decided(date(2026, 3, 1), "pre_study", "go_on", "pre_project")
    assert beginnings([STUDY], [went_on], TODAY)[-1] == (date(2026, 3, 1), "pre_project")
    assert beginnings([STUDY, PROJECT], [went_on], TODAY)[-1] == (date(2026, 4, 1), "pre_project")


def test_a_stopped_trial_stays_stopped_whatever_was_planned_until_somebody_decides_otherwise() -> None:
    plan = [STUDY, PROJECT, phase("main_project", date(2026, 9, 1))]
    stop = decided(date(2026, 5, 1), "pre_project", "stop")
    assert beginnings(plan, [stop], TODAY)[-1] == (date(2026, 5, 1), "stopped")
    again = decided(date(2026, 6, 1), "stopped", "adjust", "pre_study")
    assert [each.phase for each in beginnings(plan, [stop, again], TODAY)][-3:] == [
        "stopped",
        "pre_study",
        "main_project",
    ]


def test_a_trial_may_go_back_and_is_then_in_the_earlier_phase_again() -> None:
    back = decided(date(2026, 5, 1), "pre_project", "adjust", "pre_study")
    assert beginnings([STUDY, PROJECT], [back], TODAY)[-1] == (date(2026, 5, 1), "pre_study")


DAYS = st.integers(0, 400).map(lambda days: date(2026, 1, 1) + timedelta(days=days))


@given(
    st.dictionaries(st.sampled_from(ORDER), DAYS),
    st.lists(st.tuples(DAYS, st.sampled_from(ORDER))),
    DAYS,
)
def test_whatever_is_entered_the_phases_follow_one_another_in_time_and_none_on_itself(
    plan: dict[Any, date], sent: list[tuple[date, Any]], today: date
) -> None:
    decisions = [decided(day, "idea", "go_on", name) for day, name in sent]
    began = beginnings([phase(name, day) for name, day in plan.items()], decisions, today)
    assert [each.day for each in began] == sorted(each.day for each in began)
    assert all(one.phase != other.phase for one, other in pairwise(began))
    assert all(each.day <= today for each in began)
    assert began or not any(day <= today for day in plan.values())


@pytest.mark.parametrize(
    "entered",
    [
        phase("main_project", TODAY),
        decided(TODAY, "pre_project", "go_on", "main_project"),
    ],
)
def test_the_main_project_waits_for_each_planned_gain_s_baseline_and_says_which(entered: Any) -> None:
    found = replace(TIME, id="found", title="Calmer", planned=False)
    with pytest.raises(EntryError, match=r"'Fewer visits' \(time\); measure it .*waiver_reason") as refused:
        refuse(trial(TIME, found), entered, None, TODAY)
    assert "Calmer" not in str(refused.value), "a gain found on the way cannot have had a baseline"
    refuse(trial(replace(TIME, baseline_value=280.0)), entered, None, TODAY)
    refuse(trial(replace(TIME, waiver_reason="Nobody counted", waived_by="Head")), entered, None, TODAY)


def test_a_main_project_may_be_planned_ahead_and_changed_once_it_runs() -> None:
    refuse(trial(TIME), phase("main_project", TODAY + timedelta(days=1)), None, TODAY)
    runs = phase("main_project", date(2026, 9, 1))
    refuse(trial(TIME), replace(runs, budget=9000.0), runs, TODAY)


@pytest.mark.parametrize(
    ("entered", "said"),
    [
        (
            decided(TODAY, "idea", "go_on", "pre_project"),
            "next_phase: 'pre_project' does not follow on 'idea'",
        ),
        (decided(TODAY, "pre_study", "put_to_use"), "decision: 'operation' does not follow on 'pre_study'"),
        (decided(TODAY, "pre_study", "stop", "pre_project"), "next_phase: 'pre_project' does not go with"),
        (decided(TODAY, "main_project", "put_to_use"), "decision: 'operation' needs somebody in the line"),
        (phase("operation", TODAY), "phase: 'operation' needs somebody in the line"),
        (phase("idea", TODAY, TODAY - timedelta(days=1)), "ends_on: '2026-09-30' is before it starts"),
        (Cycle(number=1, need="n", starts_on=TODAY, ends_on=date(2026, 9, 1)), "ends_on: '2026-09-01'"),
    ],
)
def test_what_skips_a_step_or_contradicts_itself_is_refused_with_a_remedy(entered: Any, said: str) -> None:
    with pytest.raises(EntryError) as refused:
        refuse(trial(), entered, None, TODAY)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "entered",
    [
        decided(TODAY, "idea", "go_on", "pre_study"),
        decided(TODAY, "main_project", "stop"),
        decided(TODAY, "main_project", "stop", "stopped"),
        decided(TODAY, "pre_project", "adjust", "idea"),
        decided(TODAY, "stopped", "go_on", "pre_project"),
        decided(TODAY, "pre_study", "wait"),
        decided(TODAY, "pre_study", "adjust", "pre_study"),
    ],
)
def test_one_step_on_back_stopping_and_staying_are_decisions_that_may_be_taken(entered: Any) -> None:
    refuse(trial(), entered, None, TODAY)


def test_with_a_line_owner_it_may_be_put_to_use() -> None:
    owned = trial(entered=(Handover(line_owner="Home care"),))
    refuse(owned, decided(TODAY, "main_project", "put_to_use"), None, TODAY)
