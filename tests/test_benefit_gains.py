"""A gain is judged as its trial was designed, from registered work, questionnaires, measurements and counted series."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packages import one_home
from sample_benefit import answered, compared, entry, falls, make_package, measured, staggered, visit
from sample_report import make_report

from nyttig.entries.answers import Answer, Instrument, Registration, RegistrationPlan
from nyttig.entries.benefit import Comparison, Design, SeriesPoint
from nyttig.errors import EntryError
from nyttig.gains import GainFigures, gain_figures
from nyttig.indicators import PERIODS, VISIT_MINUTES, item_answers, series, starts, values, work_minutes
from nyttig.model import Gain, Period, TrialPackage

TIME = Gain("time", "Time", "time", "organisation", VISIT_MINUTES, "lower", -30.0)
WELLBEING = Gain("wellbeing", "Well-being", "quality", "citizen", "who5", "higher", 10.0)
SAFE = Gain("safe", "Safe", "quality", "citizen", "safe", "higher")
FALLS = Gain("falls", "Falls", "quality", "citizen", "falls_per_week", "lower")
ASKED = Instrument(key="safe", title="Safety", items="How safe do you feel?")
UNIT = "Bydel Alna"


def trial(homes: int, **content: object) -> TrialPackage:
    return replace(one_home("medicine_dispenser", homes=homes), **content)  # type: ignore[arg-type]  # its fields


@pytest.fixture(scope="module")
def package() -> TrialPackage:
    """Twelve homes in which everything was measured."""
    return make_package(make_report("alna-medisindispenser", "M", "medicine_dispenser", "scheduled"))


# --- Designs -------------------------------------------------------------------------------------


def test_without_a_design_the_same_homes_are_compared_with_themselves(package: TrialPackage) -> None:
    found = gain_figures(package, TIME)
    assert (found.change.method, found.change.level, found.change.n) == ("before_after", 1, 12)
    assert found.change.estimate == found.difference.mean
    assert "regression_to_the_mean" in found.change.assumptions


def test_homes_without_it_make_a_comparison_and_stand_in_no_home_s_line(package: TrialPackage) -> None:
    whole = compared(package)
    found = gain_figures(whole, TIME)
    assert (found.change.method, found.change.level, found.change.n) == ("comparison", 2, 18)
    assert len(found.homes) == 12
    assert [pair.home for pair in found.homes_compared] == [f"C{n}" for n in range(6)]
    treated, others = (
        fmean(pair.after - pair.before for pair in pairs) for pairs in (found.homes, found.homes_compared)
    )
    assert found.change.estimate == pytest.approx(treated - others)
    assert found.baseline.homes == 12
    assert found.registration_ratio == 1


def test_only_homes_that_were_all_drawn_by_lot_are_the_highest_level(package: TrialPackage) -> None:
    lots = gain_figures(compared(package, "randomised"), TIME).change
    assert (lots.method, lots.level) == ("randomised", 5)
    assert "parallel_trends" not in lots.assumptions
    mixed = compared(package, "randomised")
    entries = [
        replace(each, data=replace(each.data, chosen="matched"))
        if isinstance(each.data, Comparison) and each.data.home == "C0"
        else each
        for each in mixed.entries
    ]
    told = replace(mixed, entries=(*entries, entry(Design(design="randomised"))))
    change = gain_figures(told, TIME).change
    assert (change.method, change.asked_for, change.level) == ("comparison", "randomised", 2)


def test_too_few_homes_to_compare_with_leave_before_and_after(package: TrialPackage) -> None:
    change = gain_figures(compared(package, homes=4), TIME).change
    assert (change.method, change.asked_for, change.level) == ("before_after", "comparison", 1)


def test_homes_that_start_one_after_the_other_are_judged_month_by_month(package: TrialPackage) -> None:
    found = gain_figures(staggered(package), WELLBEING)
    assert (found.change.method, found.change.level, found.change.n) == ("staggered", 3, 8)
    assert found.change.low is not None
    assert found.change.low < 14 < (found.change.high or 0)
    assert len(found.months) == 64
    first = [row for row in found.months if row.home == found.months[0].home]
    assert [row.started for row in first] == [False, False, True, True, True, True, True, True]
    assert first[2].month == date(2026, 3, 1)


@pytest.mark.parametrize(
    ("day", "month"), [("2026-03-01", 3), ("2026-03-02", 4), ("2026-01-31", 2), ("2026-12-15", 13)]
)
def test_a_home_has_started_from_its_first_whole_month_on(day: str, month: int) -> None:
    one = trial(1)
    told = replace(one, homes=(replace(one.homes[0], installed_on=date.fromisoformat(day)),))
    assert starts(told) == {"h1": 2026 * 12 + month - 1}


def test_a_counted_series_gives_the_published_contrast(package: TrialPackage) -> None:
    """The vector of figures.md: −8.8929 at the end, −6.8512 on average."""
    found = gain_figures(package, FALLS)
    assert (found.change.method, found.change.asked_for, found.change.level) == (
        "interrupted",
        "before_after",
        4,
    )
    assert found.change.estimate == pytest.approx(-6.8512, abs=1e-4)
    assert found.interrupted is not None
    assert found.interrupted.at_end is not None
    assert found.interrupted.at_end.estimate == pytest.approx(-8.8929, abs=1e-4)
    assert (found.registration_ratio, found.uncertain) == (1, False)
    assert found.baseline.value == pytest.approx(fmean((10, 11, 10, 12, 11, 12, 11, 13)))


def test_a_series_of_which_too_much_is_missing_is_uncertain(package: TrialPackage) -> None:
    others = [each for each in package.entries if not isinstance(each.data, SeriesPoint)]
    points = [
        point for number, point in enumerate(falls((10,) * 12, (7,) * 12)) if number not in (14, 17, 20)
    ]
    told = replace(package, entries=(*others, *map(entry, points)))
    found = gain_figures(told, FALLS)
    assert found.registration_ratio == 9 / 12
    assert found.uncertain
    assert [point.value for point in found.points].count(None) == 3


def test_units_that_were_counted_apart_are_summed_and_a_count_of_all_is_not_doubled() -> None:
    days = [date(2026, 8, 24), date(2026, 8, 31), date(2026, 9, 7)]
    apart = [
        SeriesPoint(indicator="falls", starts_on=day, value=value, unit=unit)
        for day, value in zip(days, (2, 3, 4), strict=True)
        for unit in ("A", "B")
    ]
    told = trial(1, entries=tuple(map(entry, apart[:-1])))
    assert [point.value for point in series(told, "falls")] == [4, 6, None], "B is missing in the last week"
    total = [SeriesPoint(indicator="falls", starts_on=day, value=9.0) for day in days]
    whole = trial(1, entries=tuple(map(entry, [*apart, *total])))
    assert [(point.value, point.after) for point in series(whole, "falls")] == [
        (9, False), (9, False), (9, True),
    ]  # fmt: skip


# --- Registered work -----------------------------------------------------------------------------


def forms(period: Period, *, shifts: int, homes: int = 6, minutes: float = 70.0) -> list[object]:
    """Registrations of each home and day in the period, in so many of fourteen shifts."""
    first = date(2026, 8, 1) if period == "before" else date(2026, 10, 1)
    plan = RegistrationPlan(
        unit=UNIT, period=period, from_day=first, to_day=first.replace(day=14), shifts="day"
    )
    return [
        plan,
        *(
            Registration(
                unit=UNIT, day=first.replace(day=day), shift="day", period=period, purpose="medicine",
                minutes=minutes, travel_minutes=10, home=f"h{home}",
            )
            for day in range(1, shifts + 1)
            for home in range(1, homes + 1)
        ),
    ]  # fmt: skip


def registered(before: list[object], after: list[object], *more: object, homes: int = 6) -> TrialPackage:
    return trial(homes, entries=tuple(map(entry, (*before, *after, *more))))


def test_forms_of_staff_give_minutes_a_week_and_their_completeness() -> None:
    told = registered(forms("before", shifts=14), forms("after", shifts=13, minutes=35))
    found = gain_figures(told, TIME)
    assert {pair.before for pair in found.homes} == {560.0}, "14 · (70 + 10) in two weeks"
    assert {pair.after for pair in found.homes} == {292.5}
    assert found.registration_ratio == pytest.approx(13 / 14)
    assert not found.uncertain


def test_forms_that_are_missing_make_the_gain_uncertain() -> None:
    found = gain_figures(registered(forms("before", shifts=14), forms("after", shifts=9)), TIME)
    assert found.registration_ratio == pytest.approx(9 / 14)
    assert found.uncertain


def test_a_home_that_was_registered_and_needed_no_visit_any_more_counts_with_none() -> None:
    """Left out it would take the greatest gain of all out of the mean."""
    one = trial(2)
    made = [*visit("h1", "before", 100), *visit("h1", "after", 60), *visit("h2", "before", 100)]
    made += visit("h2", "after", 10, purpose="refill")
    found = gain_figures(replace(one, visits=tuple(made)), TIME)
    assert [(pair.home, pair.after) for pair in found.homes] == [("h1", 60), ("h2", 0)]
    work = work_minutes(replace(one, visits=tuple(made)), "after", new=True)
    assert work == {"h2": (10, 0)}


# --- Questionnaires ------------------------------------------------------------------------------


def asked(instrument: str, answers: dict[str, tuple[str, str]], *more: object) -> TrialPackage:
    given_ = [
        answered(home, instrument, period, items)
        for home, both in answers.items()
        for period, items in zip(PERIODS, both, strict=True)
    ]
    return trial(len(answers), entries=tuple(map(entry, [*more, *given_])))


def test_well_being_is_scored_and_an_item_left_out_is_a_missing_score() -> None:
    told = asked("who5", {"h1": ("3 3 3 2 2", "4 4 4 4 4"), "h2": ("1 1 1 1 1", "2 2 - 2 2")})
    found = gain_figures(told, WELLBEING)
    assert [(pair.home, pair.before, pair.after) for pair in found.homes] == [("h1", 52, 80)]
    assert found.answers_without_score == 1
    assert found.notable_change == 10
    assert found.registration_ratio == 0.5


def test_a_single_item_is_told_as_it_is_spread_and_never_as_a_mean() -> None:
    steps = {f"h{n}": ("2", "4") for n in range(1, 7)}
    found = gain_figures(asked("safe", steps, ASKED), SAFE)
    assert found.answers is not None
    assert (found.answers.improved, found.answers.p) == (6, 0.03125)
    assert found.change.estimate is None
    assert (found.change.level, found.change.n, found.change.p) == (1, 6, 0.03125)
    assert found.homes == ()
    assert (found.baseline.kind, found.baseline.value, found.baseline.homes) == ("measured", None, 6)
    assert (found.registration_ratio, found.uncertain) == (1, False)


@pytest.mark.parametrize("nonsense", ["9", "2 3", "x", "²", "--3"])
def test_an_answer_that_cannot_be_counted_keeps_no_other_from_it(nonsense: str) -> None:
    steps = {f"h{n}": ("2", "4") for n in range(1, 6)} | {"h6": ("2", nonsense)}
    found = gain_figures(asked("safe", steps, ASKED), SAFE)
    assert found.answers is not None
    assert (found.answers.homes, found.answers.homes_missing) == (5, 1)
    wellbeing = asked("who5", {"h1": ("3 3 3 3 3", "4 4 4 4 4"), "h2": ("3 3 3 3 3", nonsense)})
    assert [pair.home for pair in gain_figures(wellbeing, WELLBEING).homes] == ["h1"]


def test_somebody_who_answers_for_the_resident_marks_the_pair() -> None:
    told = asked("who5", {"h1": ("3 3 3 2 2", "4 4 4 4 4")})
    by_proxy = [
        replace(each, data=replace(each.data, respondent="proxy")) if isinstance(each.data, Answer) else each
        for each in told.entries
    ]
    (pair,) = gain_figures(replace(told, entries=tuple(by_proxy)), WELLBEING).homes
    assert pair.by_proxy


@given(st.text(max_size=12))
def test_answers_are_read_or_refused_and_nothing_else(text: str) -> None:
    known = [
        part == "–" or bool(re.fullmatch("-|-?[0-9]+", part)) for part in re.split(r"[\s,;]+", text) if part
    ]
    if all(known):
        assert len(item_answers(text)) == len(known)
        return
    with pytest.raises(EntryError, match="write whole numbers"):
        item_answers(text)


# --- Baselines -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gain", "kind"),
    [
        (replace(WELLBEING, baseline_value=44.0, baseline_by="Nurse"), "entered"),
        (replace(WELLBEING, waiver_reason="It was urgent", waived_by="Head"), "measured"),
        (replace(WELLBEING, indicator="calm", waiver_reason="It was urgent", waived_by="Head"), "waived"),
        (replace(WELLBEING, indicator="calm"), "missing"),
    ],
)
def test_a_gain_starts_from_what_was_entered_measured_waived_or_from_nothing(gain: Gain, kind: str) -> None:
    told = trial(1, measures=(measured("h1", "who5", "before", 40),))
    found: GainFigures = gain_figures(told, gain)
    assert found.baseline.kind == kind
    assert found.last_measured_on == (None if gain.indicator == "calm" else told.measures[0].measured_on)


def test_a_home_to_compare_with_is_no_part_of_where_a_gain_started() -> None:
    told = trial(
        2,
        measures=(measured("h1", "who5", "before", 40), measured("h2", "who5", "before", 80)),
        entries=(entry(Comparison(home="h2", chosen="waiting")),),
    )
    assert gain_figures(told, WELLBEING).baseline.value == 40
    assert values(told, "who5").before == {"h1": 40, "h2": 80}
