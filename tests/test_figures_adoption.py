"""Adoption figures from tables of days that can be counted by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nyttig.figures import adoption
from nyttig.figures.coverage import DAY_COLUMNS, home_days
from nyttig.figures.funnel import funnel
from nyttig.figures.weeks import Week, weeks
from nyttig.model import Parameters

PARAMETERS = Parameters()
MONDAY = date(2026, 9, 7)


def days(strips: Mapping[str, str], first: date = MONDAY, device: str = "d", uses: int = 1) -> pd.DataFrame:
    """Device-days from a letter a day; a space is a day without a row."""
    observed = {"U": 1440, "u": 360, "N": 1440, "K": 120, "E": 0, "-": 100}
    rows = [
        (home, "Bydel Alna", f"{device}-{home}", pd.Timestamp(first) + pd.Timedelta(days=n), 1440, observed[state],
         1440 if state == "E" else 0, uses if state in "Uu" else 0, observed[state] / 1440, state, False)
        for home, strip in strips.items()
        for n, state in enumerate(strip)
        if state != " "
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=DAY_COLUMNS)
    return table.astype({"day": "datetime64[s]"})


# --- Use-day rate --------------------------------------------------------------------------------


def test_the_use_day_rate_leaves_unknown_days_to_the_bounds() -> None:
    rate = adoption.use_day_rate(days({"h1": "U" * 10 + "uu" + "E-", "h2": "UUUUNNNNNNKKKK"}), PARAMETERS)
    assert rate.point == pytest.approx(0.7000, abs=5e-5)
    assert rate.lower == pytest.approx(0.6154, abs=5e-5)
    assert rate.upper == pytest.approx(0.7692, abs=5e-5)
    assert rate.observability == 22 / 26
    assert rate.show == "point"
    assert (rate.used_observed_days, rate.used_unobserved_days, rate.unused_days, rate.unknown_days) == (
        14,
        2,
        6,
        4,
    )
    assert (rate.homes, rate.paused_days, rate.out_days) == (2, 1, 1)


@pytest.mark.parametrize(
    ("strip", "show", "bounds"),
    [
        ("UNNKK", "point", (0.2, 0.6)),  # observability 0.6: just enough
        ("UNKKK", "bounds", (0.2, 0.8)),
        ("KKKK", "bounds", (0.0, 1.0)),  # nothing is known, and that is shown
        ("uuuu", "bounds", (1.0, 1.0)),  # used each day, but no day was watched well: no point
        ("EE--", "nothing", (None, None)),
        ("", "nothing", (None, None)),
    ],
)
def test_how_much_of_the_rate_may_be_shown(
    strip: str, show: str, bounds: tuple[float | None, float | None]
) -> None:
    rate = adoption.use_day_rate(days({"h1": strip}), PARAMETERS)
    assert (rate.show, (rate.lower, rate.upper)) == (show, bounds)
    assert rate.homes == (1 if show != "nothing" else 0)


def test_an_unused_day_that_lost_messages_is_used_in_the_upper_bound_and_nowhere_else() -> None:
    table = days({"h1": "U" * 10 + "uu" + "E-", "h2": "UUUUNNNNNNKKKK"})
    lost = table.assign(
        lossy=table.index.isin([0, 11, 18, 19, 25])
    )  # a used day, a u, two unused and an unknown one
    plain, rate = (adoption.use_day_rate(each, PARAMETERS) for each in (table, lost))
    assert (rate.lossy_days, rate.lossy_unused_days) == (5, 2)
    assert rate.upper == 22 / 26
    assert replace(rate, upper=plain.upper, lossy_days=0, lossy_unused_days=0) == plain


@settings(deadline=None)
@given(st.text("UuNKE-", min_size=1, max_size=20), st.sets(st.integers(0, 19)))
def test_lost_messages_only_ever_widen_the_bounds_and_never_beyond_all_days(
    strip: str, lossy_on: set[int]
) -> None:
    table = days({"h1": strip})
    plain = adoption.use_day_rate(table, PARAMETERS)
    rate = adoption.use_day_rate(table.assign(lossy=table.index.isin(lossy_on)), PARAMETERS)
    assert (rate.point, rate.lower, rate.observability) == (plain.point, plain.lower, plain.observability)
    if rate.upper is not None and plain.upper is not None:
        assert plain.upper <= rate.upper <= 1
        used = {place for place, state in enumerate(strip) if state in "UuK"}
        possible = used | {place for place in lossy_on if strip[place : place + 1] == "N"}
        assert rate.upper == len(possible) / sum(state in "UuNK" for state in strip)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["h1", "h2", "h3"]), st.text("UuNKE-", max_size=12), max_size=3))
def test_bounds_hold_each_other_and_days_add_up(strips: dict[str, str]) -> None:
    table = days(strips)
    rate = adoption.use_day_rate(table, PARAMETERS)
    counted = rate.used_observed_days + rate.used_unobserved_days + rate.unused_days + rate.unknown_days
    assert counted + rate.paused_days + rate.out_days == len(table)
    assert (rate.show == "nothing") == (counted == 0)
    if counted:
        assert rate.lower is not None
        assert rate.upper is not None
        assert rate.observability is not None
        assert 0 <= rate.lower <= rate.upper <= 1
        assert rate.upper - rate.lower == pytest.approx(
            1 - rate.observability
        )  # what is unknown is all there is
        if rate.used_unobserved_days == 0 and rate.point is not None:
            assert rate.lower <= rate.point <= rate.upper


def test_each_home_learns_for_fourteen_days_of_its_own() -> None:
    table = pd.concat(
        [days({"h1": "N" * 20, "h3": "N" * 16}), days({"h2": "U" * 16}, MONDAY + timedelta(days=10))]
    )
    started = {"h1": MONDAY, "h2": MONDAY + timedelta(days=8)}
    steady = adoption.without_ramp_in(table, started, PARAMETERS)
    assert steady.groupby("home").size().to_dict() == {"h1": 6, "h2": 4, "h3": 2}  # h3 from its first row
    assert steady["day"].groupby(steady["home"]).min().dt.date.to_dict() == {
        "h1": MONDAY + timedelta(days=14),
        "h2": MONDAY + timedelta(days=22),
        "h3": MONDAY + timedelta(days=14),
    }
    assert adoption.without_ramp_in(days({}), {}, PARAMETERS).empty


# --- Funnel --------------------------------------------------------------------------------------

HOME_COLUMNS = ["home", "unit", "asked_on", "consented_on", "installed_on", "ended_on", "end_reason"]


def test_the_funnel_counts_homes_step_by_step() -> None:
    day = date(2026, 9, 1)
    reasons = ["deceased", "stopped_using", "stopped_using", None]
    homes = pd.DataFrame(
        {
            "home": [f"h{n:02}" for n in range(20)],
            "asked_on": day,
            "consented_on": [day if n < 12 else None for n in range(20)],
            "installed_on": [day if n < 9 else None for n in range(20)],
            "ended_on": [day if n < 4 else None for n in range(20)],
            "end_reason": [reasons[n] if n < 4 else None for n in range(20)],
        }
    )
    found = funnel(homes, {"h00", "h01", "elsewhere"})
    assert [(step.step, step.homes) for step in found.steps] == [
        ("asked", 20),
        ("consented", 12),
        ("installed", 9),
        ("started", 2),
    ]
    assert found.steps[0].share is None
    installed = found.steps[2].share
    assert installed is not None
    assert (installed.count, installed.of) == (9, 12)
    assert installed.low == pytest.approx(0.468, abs=5e-4)
    assert installed.high == pytest.approx(0.911, abs=5e-4)
    assert found.ended == {"deceased": 1, "other": 1, "stopped_using": 2}


def test_a_home_that_reached_a_step_has_reached_those_before_it() -> None:
    day = date(2026, 9, 1)
    homes = pd.DataFrame(
        [
            ("h1", "Bydel Alna", None, None, day, None, None),
            ("h2", "Bydel Alna", None, day, None, None, None),
            ("h3", "Bydel Alna", None, None, None, None, None),
            ("h4", "Bydel Alna", None, None, None, None, None),
        ],
        columns=HOME_COLUMNS,
    )
    assert [step.homes for step in funnel(homes, {"h3"}).steps] == [3, 3, 2, 1]


def test_a_funnel_without_homes_has_no_shares() -> None:
    found = funnel(pd.DataFrame(columns=HOME_COLUMNS), set())
    assert [step.homes for step in found.steps] == [0, 0, 0, 0]
    assert [step.share.ratio for step in found.steps if step.share] == [None] * 3
    assert found.ended == {}


# --- Intensity and coverage ----------------------------------------------------------------------


def test_intensity_is_uses_per_used_day_and_per_watched_week() -> None:
    found = adoption.intensity(days({"h1": "UUuNNKE"}, uses=3))
    assert (found.uses_total, found.used_days, found.uses_per_used_day) == (9, 3, 3.0)
    assert found.uses_per_home_week == 7 * 6 / 4
    nothing = adoption.intensity(days({"h1": "KKE-"}))
    assert (nothing.uses_total, nothing.uses_per_used_day, nothing.uses_per_home_week) == (0, None, None)


def test_uses_on_days_that_are_out_do_not_count() -> None:
    table = days({"h1": "-U"})
    table.loc[0, "uses"] = 5
    assert adoption.intensity(table).uses_total == 1


def test_coverage_is_online_minutes_of_exposed_ones_without_paused_and_out_days() -> None:
    found = adoption.coverage(days({"h1": "NKE-"}), PARAMETERS)
    assert (found.online_minutes, found.exposed_minutes, found.ratio) == (1560, 2880, 1560 / 2880)
    assert adoption.coverage(days({"h1": "E-"}), PARAMETERS).ratio is None


# --- Weeks ---------------------------------------------------------------------------------------


def weeks_of(strips: dict[str, str], last_complete_day: date = date(2027, 1, 1)) -> tuple[Week, ...]:
    table = days(strips)
    return weeks(home_days(table), table, PARAMETERS, last_complete_day=last_complete_day)


def test_a_week_shows_used_unused_unknown_and_paused_homes_and_drops_none() -> None:
    (week,) = weeks_of(
        {
            "used": "UNNNNNN",
            "regular": "UUUuNKK",
            "little seen": "UKKKKKK",  # used, but too little watched to stand in the denominator
            "unused": "NNNNKKK",
            "unknown": "NNNKKKK",
            "paused": "EEE----",
            "half paused": "EEENNNN",
            "not yet": "-------",
        }
    )
    assert (week.homes_used, week.homes_unused, week.homes_unknown, week.homes_paused) == (3, 2, 1, 1)
    assert week.observed_homes == 4
    assert (week.active.count, week.active.of) == (2, 4)
    assert (week.regular.count, week.regular.of) == (1, 4)
    assert (week.iso_week, week.starts_on, week.complete) == ("2026-W37", MONDAY, True)
    assert week.use_day_rate.used_observed_days == 5
    assert week.use_day_rate.homes == 6


def test_weeks_without_an_exposed_home_stand_between_as_zeros() -> None:
    found = weeks_of({"h1": "-" * 7 + "U" * 7 + " " * 14 + "N" * 3 + "-" * 11})
    assert [week.iso_week for week in found] == ["2026-W38", "2026-W39", "2026-W40", "2026-W41"]
    assert [week.homes_used for week in found] == [1, 0, 0, 0]
    assert [week.homes_unused for week in found] == [0, 0, 0, 1]
    assert [week.use_day_rate.show for week in found] == ["point", "nothing", "nothing", "point"]
    assert found[1].active.ratio is None


def test_a_week_is_complete_when_its_sunday_is_over() -> None:
    strips = {"h1": "U" * 14}
    assert [w.complete for w in weeks_of(strips, MONDAY + timedelta(days=13))] == [True, True]
    assert [w.complete for w in weeks_of(strips, MONDAY + timedelta(days=12))] == [True, False]


def test_weeks_across_new_year_carry_the_iso_year() -> None:
    table = days({"h1": "U" * 14}, date(2026, 12, 28))
    found = weeks(home_days(table), table, PARAMETERS, last_complete_day=date(2027, 1, 5))
    assert [week.iso_week for week in found] == ["2026-W53", "2027-W01"]


def test_a_trial_without_exposed_days_has_no_weeks() -> None:
    assert weeks_of({}) == ()
    assert weeks_of({"h1": "--"}) == ()


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["h1", "h2", "h3"]), st.text("UuNKE- ", max_size=20), max_size=3))
def test_the_bands_of_a_week_sum_to_its_exposed_homes(strips: dict[str, str]) -> None:
    for n, week in enumerate(weeks_of(strips)):
        bands = week.homes_used + week.homes_unused + week.homes_unknown + week.homes_paused
        offset = (week.starts_on - MONDAY).days
        exposed = sum(bool(strip[offset : offset + 7].strip("- ")) for strip in strips.values())
        assert bands == exposed
        assert week.regular.count <= week.active.count <= week.observed_homes <= bands
        assert n < 3


# --- Strips --------------------------------------------------------------------------------------


def test_every_home_is_a_strip_of_days_from_the_trials_first_to_its_last() -> None:
    table = pd.concat([days({"h2": "-UuK"}, MONDAY + timedelta(days=1)), days({"h10": "NE"})])
    homes = pd.DataFrame(
        [
            (
                "h2",
                "Bydel Alna",
                date(2026, 9, 1),
                date(2026, 9, 20),
                date(2026, 9, 11),
                date(2026, 9, 30),
                "moved",
            ),
            ("h1", "Bydel Alna", None, None, None, None, None),
            ("h10", "Bydel Alna", None, None, pd.NaT, pd.NaT, float("nan")),
        ],
        columns=HOME_COLUMNS,
    )
    last_day = MONDAY + timedelta(days=5)
    found = adoption.home_strips(
        table, home_days(table), homes, first_day=MONDAY, last_day=last_day, parameters=PARAMETERS
    )
    assert [strip.home for strip in found] == ["h1", "h10", "h2"]
    assert [strip.states for strip in found] == ["------", "NE----", "--UuK-"]
    assert [strip.exposed_from for strip in found] == [None, MONDAY, MONDAY + timedelta(days=1)]
    assert found[2].uses == (0, 0, 1, 1, 0, 0)
    assert found[2].observed_ratio == (None, None, 1.0, 0.25, 120 / 1440, None)
    assert (found[2].first_use_on, found[2].last_use_on) == (date(2026, 9, 9), date(2026, 9, 10))
    assert (found[2].installed_on, found[2].ended_on, found[2].end_reason) == (
        date(2026, 9, 11),
        date(2026, 9, 30),
        "moved",
    )
    assert (found[1].installed_on, found[1].end_reason, found[1].first_use_on) == (None, None, None)
    assert found[2].use_day_rate == adoption.use_day_rate(days({"h2": "-UuK"}), PARAMETERS)
    assert found[0].use_day_rate.show == "nothing"


def test_days_outside_the_strip_stay_outside_its_rate() -> None:
    table = days({"h1": "UNNU"})
    homes = pd.DataFrame([("h1", "Bydel Alna", *[None] * 5)], columns=HOME_COLUMNS)
    second = MONDAY + timedelta(days=1)
    (strip,) = adoption.home_strips(
        table, home_days(table), homes, first_day=second, last_day=second, parameters=PARAMETERS
    )
    assert (strip.states, strip.use_day_rate.point) == ("N", 0.0)


def test_days_may_come_as_plain_dates() -> None:
    table = days({"h1": "UNNNNNN", "h2": "K" * 7})
    plain = table.assign(day=table["day"].dt.date)
    assert weeks(home_days(plain), plain, PARAMETERS, last_complete_day=MONDAY) == weeks(
        home_days(table), table, PARAMETERS, last_complete_day=MONDAY
    )
    assert len(adoption.without_ramp_in(plain, {}, Parameters(ramp_in_days=2))) == 10
