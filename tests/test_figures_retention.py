"""Who stays, who stopped and since when: homes written as strips of days."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nyttig.figures.adoption import HomeStrip, UseDayRate
from nyttig.figures.retention import CURVE_HOMES, Course, retention, time_to_first_use
from nyttig.figures.survival import at
from nyttig.figures.sustained import sustained
from nyttig.model import Parameters

FIRST_DAY = date(2026, 9, 1)
PARAMETERS = Parameters(abandonment_days=3)
NO_RATE = UseDayRate(0, 0, 0, 0, 0, 0, 0, None, None, None, None, "nothing")


def home(
    states: str,
    name: str = "go-101",
    *,
    installed: int | None = None,
    ended: int | None = None,
    reason: str | None = None,
) -> HomeStrip:
    """A home's strip; `installed` and `ended` are places in it (installed: its first day inside unless given)."""
    used = [place for place, state in enumerate(states) if state in "Uu"]
    inside = len(states) - len(states.lstrip("-"))
    return HomeStrip(
        home=name,
        unit="Bydel Alna",
        installed_on=FIRST_DAY + timedelta(days=inside if installed is None else installed),
        ended_on=None if ended is None else FIRST_DAY + timedelta(days=ended),
        end_reason=reason,
        first_day=FIRST_DAY,
        states=states,
        uses=tuple(int(state in "Uu") for state in states),
        observed_ratio=tuple(None if state == "-" else 1.0 for state in states),
        first_use_on=FIRST_DAY + timedelta(days=used[0]) if used else None,
        last_use_on=FIRST_DAY + timedelta(days=used[-1]) if used else None,
        use_day_rate=NO_RATE,
    )


def course(states: str, *, ended: int | None = None, reason: str | None = None) -> Course:
    return retention([home(states, ended=ended, reason=reason)], PARAMETERS).courses[0]


def test_a_home_has_given_up_on_the_day_of_its_last_use_once_enough_observed_days_went_by_unused() -> None:
    found = course("UUNUNNN")
    assert (found.outcome, found.last_use_on, found.followed_days) == (
        "abandoned",
        FIRST_DAY + timedelta(days=3),
        4,
    )
    assert course("UUNUNN").outcome == "using"


@pytest.mark.parametrize("nobody_knows", ["K", "E", "-", "KKEEKK"])
def test_days_nobody_saw_and_days_in_hospital_are_no_evidence_of_giving_up(nobody_knows: str) -> None:
    assert course("UUNN" + nobody_knows).outcome != "abandoned"
    assert course("UUNN" + nobody_knows + "N").outcome == "abandoned"


def test_a_use_after_a_long_break_makes_it_a_lapse() -> None:
    found = course("UNNNUUUUU")
    assert (found.outcome, found.lapses) == ("using", 1)
    assert retention([home("UNNNUUUUU")], PARAMETERS).lapsed == 1


def test_a_home_still_using_is_followed_no_further_than_it_could_have_been_seen_to_stop() -> None:
    # Three observed days must lie behind: of eight days the fifth is the last that can be judged.
    assert course("UUUUUUUU").followed_days == 5
    assert course("UUUUKKKK").followed_days == 1
    assert course("UU").outcome == "too_early"


def test_a_recorded_stop_counts_from_the_last_use_and_a_death_is_no_abandonment() -> None:
    stopped = course("UUUUNN--", ended=5, reason="stopped_using")
    assert (stopped.outcome, stopped.followed_days) == ("stopped", 4)
    died = course("UUUUNN--", ended=5, reason="deceased")
    assert (died.outcome, died.end_reason, died.followed_days) == ("competing", "deceased", 6)
    assert course("UUUNNN--", ended=5, reason="deceased").outcome == "abandoned"
    assert course("UUUUUU--", ended=5, reason="completed").outcome == "ended"


def test_a_home_that_never_used_it_is_not_among_those_that_stopped() -> None:
    found = retention([home("NNNNNN")], PARAMETERS)
    assert (found.homes, found.abandoned, found.courses[0].outcome) == (0, 0, "never_started")


def test_under_ten_homes_there_is_no_curve() -> None:
    few = [home("UUUUNNN", f"go-{n}") for n in range(CURVE_HOMES - 1)]
    assert retention(few, PARAMETERS).curve is None
    ten = [*few, home("U" * 40, "go-last", ended=38, reason="nursing_home")]
    found = retention(ten, PARAMETERS)
    assert found.curve is not None
    assert at(found.curve, 4) == pytest.approx(0.1)
    assert [(one.cause, one.events) for one in found.incidence] == [("abandoned", 9), ("nursing_home", 1)]
    assert found.at_risk == ((0, 10), (30, 1))
    assert found.competing == {"nursing_home": 1}


def test_a_home_that_had_it_before_the_trial_looked_is_not_counted_as_having_survived_unseen() -> None:
    had_it = [
        replace(home("UUUUUUUU", f"go-{n}"), installed_on=FIRST_DAY - timedelta(days=100)) for n in range(10)
    ]
    found = retention(had_it, PARAMETERS)
    assert [one.entered_day for one in found.courses] == [100] * 10
    assert found.courses[0].followed_days == 105
    assert found.curve is not None
    assert found.at_risk[0] == (0, 0)


@given(st.lists(st.text("UuNKE-", min_size=1, max_size=40), min_size=1, max_size=15), st.integers(1, 20))
def test_every_home_has_one_outcome_and_no_course_runs_beyond_its_strip(
    strips: list[str], needed: int
) -> None:
    found = retention(
        [home(states, f"h{n}") for n, states in enumerate(strips)], Parameters(abandonment_days=needed)
    )
    for states, one in zip(strips, found.courses, strict=True):
        assert one.followed_days <= len(states)
        assert (one.outcome == "never_started") == (not set(states) & set("Uu"))
        assert (one.outcome == "abandoned") == (
            one.first_use_on is not None and one.unused_days_since >= needed
        )


@given(st.text("UuNKE-", min_size=1, max_size=40), st.integers(0, 39), st.integers(1, 9))
def test_a_day_that_nobody_saw_never_makes_a_home_give_up(states: str, place: int, needed: int) -> None:
    cut = place % len(states)
    without = states[:cut] + "K" + states[cut + 1 :]
    parameters = Parameters(abandonment_days=needed)
    if states[cut] in "NKE-":
        before = retention([home(states)], parameters).courses[0].outcome
        after = retention([home(without)], parameters).courses[0].outcome
        assert before == "abandoned" or after != "abandoned"


def test_time_to_first_use_waits_for_homes_that_have_not_begun() -> None:
    strips = [home("NNUUU"), home("UUUUU", "b"), home("NNNNN", "c"), home("-KKUU", "d", installed=1)]
    found = time_to_first_use(strips, FIRST_DAY + timedelta(days=4))
    assert (found.homes, found.started) == (4, 3)
    assert found.curve.days == (1.0, 3.0)
    assert found.curve.median_days == 3.0
    assert found.curve.at_risk == (4, 3)


def test_a_home_installed_before_the_trial_looked_says_nothing_about_the_wait_for_a_first_use() -> None:
    strip = replace(home("NNNU"), installed_on=FIRST_DAY - timedelta(days=10))
    found = time_to_first_use([strip, home("NU", "b")], FIRST_DAY + timedelta(days=3))
    assert found.homes == 1
    assert found.curve.days == (2.0,)
    assert found.curve.at_risk == (1,)


def test_a_home_whose_first_day_in_the_trial_was_too_short_to_count_waits_from_its_installation() -> None:
    found = time_to_first_use([home("-NU", installed=0), home("NU", "b")], FIRST_DAY + timedelta(days=3))
    assert found.curve.days == (2.0, 3.0)
    assert found.curve.at_risk == (2, 1)


def test_sustained_use_needs_a_month_with_enough_days_seen_and_most_of_them_used() -> None:
    last = FIRST_DAY + timedelta(days=99)
    strips = [
        home("N" * 10 + "U" * 30 + "N" * 60, "steady"),
        home(("UN" * 50), "half"),
        home("U" * 10 + "K" * 90, "unseen"),
        home("-" * 80 + "U" * 20, "young"),
        home("U" * 100, "always"),
        home("K" * 9 + "U" * 21 + "K" * 70, "just"),
        home("-" * 100, "out"),
    ]
    found = sustained(strips, last, Parameters())
    answers = {one.home: (one.answer, one.days_to_it) for one in found.homes}
    # Ten unused days, then all used: day 31 to 33 is the first whose thirty days before it hold 21 used of 30.
    assert answers == {
        "steady": ("sustained", 31),
        "half": ("not_sustained", None),
        "unseen": ("unknown", None),
        "young": ("too_early", None),
        "always": ("sustained", 30),
        "just": ("sustained", 30),
    }
    assert (found.share.count, found.share.of, found.too_early, found.unknown) == (3, 4, 1, 1)
    assert found.median_days_to_it == 30


def test_a_use_on_a_day_hardly_observed_does_not_make_use_look_steadier_than_it_was_seen() -> None:
    states = ("U" * 20 + "u" * 10) * 3
    found = sustained([home(states)], FIRST_DAY + timedelta(days=89), Parameters())
    assert found.homes[0].answer == "unknown"
