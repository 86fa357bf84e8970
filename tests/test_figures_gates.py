"""Nytt, nyttig, nyttiggjort: each gate with its reason, what cannot be told yet, and who holds against it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nyttig.errors import EntryError
from nyttig.figures.gates import (
    Criterion,
    EarlierTrial,
    GainShown,
    Gate,
    Override,
    StartedHomes,
    new,
    overridden,
    put_to_use,
    useful,
)

TODAY, STARTS = date(2027, 2, 28), date(2026, 9, 1)
MINUTES = GainShown("visit-minutes", "lower", True, 1, -5.8, -0.6)
CALM = GainShown("calm-nights", "higher", True, 1, -0.4, 1.1)
USEFUL = useful([MINUTES])


def earlier(unit: str, technology: str = "medicine_dispenser", on: date = date(2024, 1, 8)) -> EarlierTrial:
    return EarlierTrial(f"{unit}-{technology}", technology, unit, on)


def test_a_solution_known_elsewhere_is_new_in_the_unit_that_never_tried_it() -> None:
    gate = new("medicine_dispenser", "Alna", STARTS, [earlier("Sagene"), earlier("Alna", "stove_guard")])
    assert (gate.outcome, gate.reason) == ("passed", "first_in_unit")
    assert gate.shown["units_elsewhere"] == ("Sagene",)
    assert gate.shown["trials"] == ()


def test_the_second_trial_of_a_technology_in_a_unit_is_not_new() -> None:
    gate = new("medicine_dispenser", "Alna", STARTS, [earlier("Alna"), earlier("Alna", on=date(2028, 1, 1))])
    assert (gate.outcome, gate.reason) == ("not_passed", "tried_here_before")
    assert gate.shown["trials"] == ("Alna-medicine_dispenser",)


def test_the_trial_itself_is_no_earlier_one() -> None:
    assert new("medicine_dispenser", "Alna", STARTS, [earlier("Alna", on=STARTS)]).outcome == "passed"


def test_without_a_history_nobody_can_tell_whether_it_is_new() -> None:
    assert new("medicine_dispenser", "Alna", STARTS, None).outcome == "cannot_tell"


def test_a_planned_gain_whose_interval_lies_on_the_wanted_side_is_useful() -> None:
    gate = useful([MINUTES, CALM])
    assert (gate.outcome, gate.reason) == ("passed", "gain_shown")
    assert gate.shown["gains_shown"] == ("visit-minutes",)
    assert (gate.shown["gains_planned"], gate.shown["gains_measured"]) == (2, 2)


@pytest.mark.parametrize(
    ("gain", "outcome", "reason"),
    [
        (CALM, "not_passed", "nothing_shown"),
        (replace(MINUTES, better="higher"), "not_passed", "gain_against"),
        (replace(MINUTES, high=0.0), "not_passed", "nothing_shown"),
        (replace(MINUTES, level=0), "cannot_tell", "nothing_measured"),
        (replace(MINUTES, low=None, high=None), "cannot_tell", "nothing_measured"),
        (replace(MINUTES, planned=False), "cannot_tell", "nothing_planned"),
    ],
)
def test_one_gain_alone_decides_so(gain: GainShown, outcome: str, reason: str) -> None:
    gate = useful([gain])
    assert (gate.outcome, gate.reason) == (outcome, reason)


def test_an_unplanned_gain_is_told_and_opens_no_gate() -> None:
    gate = useful([CALM, replace(MINUTES, planned=False)])
    assert (gate.outcome, gate.reason) == ("not_passed", "nothing_shown")
    assert gate.shown["unplanned_shown"] == ("visit-minutes",)


def test_a_criterion_of_quality_that_is_met_is_enough_and_an_open_one_keeps_it_open() -> None:
    assert useful([CALM], [Criterion("no dose missed", True)]).reason == "quality_met"
    assert useful([], [Criterion("no dose missed", True)]).outcome == "passed"
    open_one = useful([CALM], [Criterion("no dose missed", None)])
    assert (open_one.outcome, open_one.reason) == ("cannot_tell", "not_all_measured")
    assert useful([CALM], [Criterion("no dose missed", False)]).outcome == "not_passed"
    assert useful([], [Criterion("no dose missed", None)]).reason == "nothing_measured"


def test_a_gain_that_is_worse_is_told_even_where_another_passes() -> None:
    worse = GainShown("falls", "lower", False, 1, 0.2, 1.5)
    gate = useful([MINUTES, worse, replace(CALM, uncertain=True)])
    assert gate.outcome == "passed"
    assert gate.shown["gains_worse"] == ("falls",)
    assert gate.shown["gains_uncertain"] == ("calm-nights",)


def test_useful_lasting_and_handed_over_is_put_to_use() -> None:
    gate = put_to_use(USEFUL, StartedHomes(7, 3), date(2027, 2, 1), TODAY)
    assert (gate.outcome, gate.reason) == ("passed", "in_daily_use")
    assert gate.shown["sustained_ratio"] == 0.7


def test_seven_of_twenty_five_are_twenty_eight_in_a_hundred() -> None:
    assert 0.28 * 25 > 7, "as computers count"
    gate = put_to_use(USEFUL, StartedHomes(7, 18), TODAY, TODAY, ratio_required=0.28)
    assert gate.outcome == "passed"


def test_homes_whose_ninety_days_have_not_passed_leave_it_open() -> None:
    gate = put_to_use(USEFUL, StartedHomes(4, 2, too_early=4), date(2027, 2, 1), TODAY)
    assert (gate.outcome, gate.reason) == ("cannot_tell", "too_early")
    assert (gate.shown["homes_started"], gate.shown["homes_too_early"]) == (10, 4)
    silent = put_to_use(USEFUL, StartedHomes(4, 2, unknown=4), date(2027, 2, 1), TODAY)
    assert (silent.outcome, silent.reason) == ("cannot_tell", "too_little_observed")


def test_what_the_homes_still_open_cannot_change_is_decided() -> None:
    assert put_to_use(USEFUL, StartedHomes(7, 0, too_early=3), TODAY, TODAY).outcome == "passed"
    gate = put_to_use(USEFUL, StartedHomes(0, 4, too_early=6), TODAY, TODAY)
    assert (gate.outcome, gate.reason) == ("not_passed", "too_few_sustained")


def test_a_trial_that_nobody_started_is_not_put_to_use_nor_judged() -> None:
    gate = put_to_use(USEFUL, StartedHomes(0, 0), TODAY, TODAY)
    assert (gate.outcome, gate.reason) == ("cannot_tell", "no_home_started")
    assert gate.shown["sustained_ratio"] is None


def test_a_hand_over_that_lies_ahead_is_none_yet() -> None:
    for on in (None, date(2027, 3, 1)):
        gate = put_to_use(USEFUL, StartedHomes(9, 1), on, TODAY)
        assert (gate.outcome, gate.reason) == ("not_passed", "not_handed_over")


def test_what_fails_is_the_reason_before_what_cannot_be_told() -> None:
    unknown = useful([replace(MINUTES, level=0)])
    gate = put_to_use(unknown, StartedHomes(1, 9), None, TODAY)
    assert gate.reason == "too_few_sustained"
    assert gate.shown["parts"] == {
        "useful": "cannot_tell",
        "sustained": "not_passed",
        "handed_over": "not_passed",
    }
    assert put_to_use(unknown, StartedHomes(9, 1), TODAY, TODAY).reason == "usefulness_unknown"
    assert put_to_use(useful([CALM]), StartedHomes(9, 1), TODAY, TODAY).reason == "not_useful"


def test_a_named_person_may_hold_against_it_and_the_computed_answer_stays() -> None:
    held = overridden(useful([CALM]), Override("passed", "Kari Berg, head of home care", "Staff insist."))
    assert (held.outcome, held.holds, held.reason) == ("not_passed", "passed", "nothing_shown")
    assert held.override is not None
    assert put_to_use(held, StartedHomes(9, 1), TODAY, TODAY).outcome == "passed"
    for name, reason in (("", "Staff insist."), ("Kari Berg", "  ")):
        with pytest.raises(EntryError, match="enter who says so and why"):
            overridden(held, Override("passed", name, reason))


def test_counts_and_shares_that_cannot_be_are_refused() -> None:
    with pytest.raises(EntryError, match="-1 homes cannot be"):
        put_to_use(USEFUL, StartedHomes(-1, 2), None, TODAY)
    with pytest.raises(EntryError, match=r"a required share of 1\.2"):
        put_to_use(USEFUL, StartedHomes(1, 2), None, TODAY, ratio_required=1.2)


ORDER = {"not_passed": 0, "cannot_tell": 1, "passed": 2}
COUNT = st.integers(0, 12)


@given(COUNT, COUNT, COUNT, COUNT, st.floats(0.05, 1))
def test_what_becomes_known_later_never_contradicts_what_was_told_before(
    yes: int, no: int, early: int, silent: int, required: float
) -> None:
    now = put_to_use(USEFUL, StartedHomes(yes, no, early, silent), TODAY, TODAY, required)
    if not yes + no + early + silent:
        return
    ends = [
        put_to_use(USEFUL, StartedHomes(yes + well, no + early + silent - well), TODAY, TODAY, required)
        for well in range(early + silent + 1)
    ]
    outcomes = {gate.outcome for gate in ends}
    assert "cannot_tell" not in outcomes
    assert now.outcome == "cannot_tell" if len(outcomes) > 1 else {now.outcome} == outcomes
    assert [ORDER[gate.outcome] for gate in ends] == sorted(ORDER[gate.outcome] for gate in ends)


@given(st.floats(-10, 10), st.floats(0, 5), st.sampled_from(["lower", "higher"]))
def test_a_gain_and_its_mirror_image_are_judged_alike(low: float, width: float, better: str) -> None:
    def judged(low: float, high: float, better: str) -> Gate:
        return useful([GainShown("g", "lower" if better == "lower" else "higher", True, 2, low, high)])

    mirrored = judged(-low - width, -low, "higher" if better == "lower" else "lower")
    assert judged(low, low + width, better).outcome == mirrored.outcome
