"""Is it getting better? Two periods are compared home by home, with whole weeks and without a home's first days."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from statistics import fmean, stdev
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_report import rate
from scipy import stats

from nyttig.figures.adoption import CoveredMinutes, HomeStrip, coverage, coverage_of, covered_minutes
from nyttig.figures.coverage import ARMED_COLUMNS, STATES
from nyttig.figures.intervals import clustered
from nyttig.figures.periods import Comparison, Covered, compare, covered
from nyttig.model import Parameters

MONDAY = date(2026, 9, 7)
PARAMETERS = Parameters(ramp_in_days=0)


def strip(number: int, states: str) -> HomeStrip:
    """A home whose device was placed on its first day that is not out."""
    ratios = tuple(None if state == "-" else 0.1 if state == "K" else 1.0 for state in states)
    placed = MONDAY + timedelta(days=len(states) - len(states.lstrip("-")))
    return HomeStrip(
        f"h{number}", "Alna", MONDAY, None, None, MONDAY, states, (0,) * len(states), ratios, None, None, rate(1, states),
        exposed_from=placed,
    )  # fmt: skip


def compared(*states: str, parameters: Parameters = PARAMETERS) -> Comparison | None:
    homes = [strip(number, each) for number, each in enumerate(states)]
    until = MONDAY + timedelta(days=len(states[0]) - 1)
    return compare(homes, until, parameters, standby=False, minutes={}, armed_known=False).comparison


def worn(*homes: Covered, armed_known: bool = True) -> Comparison:
    """Homes whose device stands by, with their minutes in the earlier period and in the later one."""
    found = compare(
        [strip(number, "N" * 56) for number in range(len(homes))],
        MONDAY + timedelta(days=55),
        PARAMETERS,
        standby=True,
        minutes={f"h{number}": each for number, each in enumerate(homes)},
        armed_known=armed_known,
    ).comparison
    assert found is not None
    return found


def test_each_home_counts_once_and_the_interval_is_students() -> None:
    after = (28, 21, 20, 26, 14, 23)
    found = compared(*("UN" * 14 + "U" * days + "N" * (28 - days) for days in after))
    assert found is not None
    changes = [days / 28 - 0.5 for days in after]
    half = stats.t.ppf(0.975, 5) * stdev(changes) / len(changes) ** 0.5
    assert found.difference.mean == pytest.approx(fmean(changes))
    assert (found.difference.low, found.difference.high) == pytest.approx(
        (fmean(changes) - half, fmean(changes) + half)
    )
    assert found.verdict == "more"
    assert (found.before.use_day_rate.point, found.before.active.count) == (0.5, 6)
    assert not found.unknown_could_explain


def test_the_first_days_are_counted_from_the_evening_on_which_the_device_was_placed() -> None:
    """That day is out, for there was hardly any of it; it is the first of them all the same, as for every figure."""
    evening = replace(strip(0, "-" + "U" * 20 + "N" * 35), exposed_from=MONDAY)
    found = compare(
        [evening], MONDAY + timedelta(days=55), Parameters(ramp_in_days=14), standby=False, minutes={}, armed_known=False
    ).comparison  # fmt: skip
    assert found is not None
    rate_before = found.before.use_day_rate
    assert (rate_before.used_observed_days, rate_before.unused_days) == (7, 7)


def test_a_difference_that_chance_could_make_is_no_clear_change_and_few_homes_tell_nothing() -> None:
    mixed = compared(*("UN" * 14 + ("U" * 28 if number % 2 else "N" * 28) for number in range(6)))
    assert mixed is not None
    assert mixed.verdict == "no_clear_change"
    few = compared(*["N" * 28 + "U" * 28] * 4)
    assert few is not None
    assert (few.verdict, few.difference.mean, few.difference.low) == ("too_few_homes", 1.0, None)


def test_only_whole_weeks_count_and_a_young_trial_has_nothing_to_compare() -> None:
    assert compared("U" * 55) is None
    found = compared("N" + "U" * 55 + "NNN")
    assert found is not None
    assert (found.before.first_day, found.after.last_day) == (MONDAY, MONDAY + timedelta(days=55))
    assert found.after.use_day_rate.point == 1.0


def test_unknown_days_are_in_no_rate_but_in_the_bounds() -> None:
    found = compared(*["UN" * 14 + "U" * 14 + "K" * 14] * 5)
    assert found is not None
    assert found.after.use_day_rate.point == 1.0
    assert found.unknown_could_explain, "had the unknown days been unused, half would be used as before"


def test_a_homes_first_days_are_left_out_and_with_them_a_home_that_came_late() -> None:
    late = "-" * 28 + "U" * 28
    found = compared("N" * 28 + "U" * 28, late, parameters=Parameters(ramp_in_days=14))
    assert found is not None
    assert found.difference.n == 1
    assert found.after.use_day_rate.used_observed_days == 28 + 14


def test_what_stands_by_is_compared_by_the_time_armed_and_in_contact_of_all_time() -> None:
    """By hand: of 1000 minutes each home was heard in 900, before and after; worn in 800, 700 … of them before, 600 after."""
    homes = [
        (CoveredMinutes(900, 1000, 800 - 100 * n, 100 + 100 * n), CoveredMinutes(900, 1000, 600, 300))
        for n in range(5)
    ]
    found = worn(*homes)
    assert found.measure == "coverage"
    assert (found.before.coverage.ratio, found.after.coverage.ratio) == (0.6, 0.6)
    assert found.before.coverage.online_ratio == 0.9
    assert found.before.coverage.armed_ratio == pytest.approx(2 / 3)
    changes = [-0.2, -0.1, 0.0, 0.1, 0.2]
    half = stats.t.ppf(0.975, 4) * stdev(changes) / 5**0.5
    assert found.difference.n == 5
    assert (found.difference.mean, found.difference.low, found.difference.high) == pytest.approx(
        (0.0, -half, half)
    )
    assert found.verdict == "no_clear_change"
    assert not found.unknown_could_explain


def test_an_alarm_that_goes_into_the_drawer_is_less_than_before_though_it_is_heard_all_the_time() -> None:
    kept = CoveredMinutes(1000, 1000, 950, 50)
    homes = [(kept, CoveredMinutes(1000, 1000, 100 + n, 900 - n)) for n in range(6)]
    assert worn(*homes).verdict == "less"
    in_contact = [tuple(CoveredMinutes(each.online, each.exposed) for each in home) for home in homes]
    same = worn(*((one, other) for one, other in in_contact), armed_known=False)
    assert (same.verdict, same.difference.mean) == ("no_clear_change", 0.0)


def test_time_before_a_device_first_spoke_of_it_is_no_zero_in_any_difference() -> None:
    silent, tells = CoveredMinutes(1000, 1000, armed_unknown=1000), CoveredMinutes(1000, 1000, 900, 100)
    cannot = CoveredMinutes(800, 1000)
    found = worn((silent, tells), (tells, tells), (cannot, tells))
    assert found.difference.n == 2, "of the first home nobody knows what was before"
    assert found.difference.mean == pytest.approx((0.0 + 0.1) / 2)
    assert (found.before.coverage.ratio, found.before.coverage.upper) == pytest.approx(
        (1700 / 3000, 2700 / 3000)
    )
    assert found.before.coverage.show == "point"
    assert found.unknown_could_explain, (
        "had it been worn all the while, as much would have been covered before"
    )
    little = CoveredMinutes(1000, 1000, 100, 880, 20)
    assert not worn((little, tells)).unknown_could_explain


def test_where_no_device_ever_said_whether_it_is_worn_time_in_contact_is_compared() -> None:
    homes = [(CoveredMinutes(900 + n, 1000, 0, 0, 900 + n), CoveredMinutes(950 + n, 1000)) for n in range(5)]
    found = worn(*homes, armed_known=False)
    assert (found.before.coverage.ratio, found.before.coverage.armed_known) == (0.902, False)
    assert found.difference.n == 5
    assert found.difference.mean == pytest.approx(0.05)
    assert not found.unknown_could_explain


DAY = st.tuples(
    st.sampled_from(STATES), st.integers(0, 1440), st.tuples(*[st.floats(0, 1)] * 2), st.booleans()
)


@settings(max_examples=40, deadline=None)
@given(days=st.lists(st.tuples(DAY, DAY), min_size=56, max_size=56), tells=st.booleans())
def test_each_period_s_coverage_is_the_coverage_figure_of_its_days(
    days: list[tuple[Any, Any]], tells: bool
) -> None:
    """Whatever the days: the same minutes, the same ratio, the same bounds; home by home and of all together."""
    rows = []
    for n, homes in enumerate(days):
        for home, (state, online, (known, armed), second) in zip("ab", homes, strict=True):
            said = round(online * known)
            minutes = [round(said * armed), said - round(said * armed), online - said] if tells else [0, 0, 0]
            for device in range(1 + second):
                rows.append(
                    (
                        f"h{home}",
                        f"d{home}{device}",
                        MONDAY + timedelta(days=n),
                        1440,
                        online,
                        state,
                        *minutes,
                    )
                )
    columns = ["home", "device", "day", "exposed_minutes", "observed_minutes", "state", *ARMED_COLUMNS]
    frame = pd.DataFrame(rows, columns=columns)
    frame["day"] = pd.to_datetime(frame["day"])
    whole = coverage(frame, PARAMETERS)
    until = MONDAY + timedelta(days=55)
    minutes_of = covered(frame, until)
    strips = [replace(strip(0, "N" * 56), home=f"h{home}") for home in "ab"]
    found = compare(
        strips, until, PARAMETERS, standby=True, minutes=minutes_of, armed_known=whole.armed_known
    ).comparison
    assert found is not None
    later = pd.Timestamp(MONDAY + timedelta(days=28))
    for period, part in ((found.before, frame["day"] < later), (found.after, frame["day"] >= later)):
        told = coverage(frame[part], PARAMETERS)
        if told.armed_known == whole.armed_known:
            assert period.coverage == told
        else:
            assert (period.coverage.ratio or 0, period.coverage.upper) == (0, told.upper)
    apart = []
    for home in ("ha", "hb"):
        both = [
            coverage_of(of_home, PARAMETERS, armed_known=whole.armed_known)
            for part in (frame["day"] < later, frame["day"] >= later)
            for of_home in covered_minutes(frame[(frame["home"] == home) & part], None, 1)
        ]
        if all(each.show == "point" for each in both):
            apart.append((both[1].ratio or 0) - (both[0].ratio or 0))
    assert found.difference.n == len(apart)
    assert found.difference.mean == (pytest.approx(fmean(apart)) if apart else None)


def test_what_was_due_is_compared_home_by_home_and_each_share_has_its_interval_by_homes() -> None:
    """Six homes with doses of their own number: the share is of doses, the difference of homes."""
    homes = [strip(number, "U" * 56) for number in range(6)]
    due = {f"h{number}": ((30 + number, 50), (20 + 2 * number, 40)) for number in range(6)}
    found = compare(
        homes, MONDAY + timedelta(days=55), PARAMETERS, standby=False, minutes={}, armed_known=False, due=due
    ).participation
    assert found is not None
    assert found.measure == "participation"
    assert found.before.done == clustered([30, 31, 32, 33, 34, 35], [50] * 6)
    assert found.after.done == clustered([20, 22, 24, 26, 28, 30], [40] * 6)
    changes = [(20 + 2 * number) / 40 - (30 + number) / 50 for number in range(6)]
    half = stats.t.ppf(0.975, 5) * stdev(changes) / len(changes) ** 0.5
    assert found.difference.mean == pytest.approx(fmean(changes))
    assert (found.difference.low, found.difference.high) == pytest.approx(
        (fmean(changes) - half, fmean(changes) + half)
    )
    assert not found.unknown_could_explain


def test_a_home_with_nothing_due_in_one_period_is_in_no_difference_and_nothing_due_is_no_comparison() -> None:
    homes = [strip(number, "U" * 56) for number in range(3)]
    due = {"h0": ((1, 2), (2, 2)), "h1": ((0, 0), (2, 2))}
    found = compare(
        homes, MONDAY + timedelta(days=55), PARAMETERS, standby=False, minutes={}, armed_known=False, due=due
    ).participation
    assert found is not None
    assert (found.difference.n, found.difference.mean, found.verdict) == (1, 0.5, "too_few_homes")
    assert (
        compare(
            homes, MONDAY + timedelta(days=55), PARAMETERS, standby=False, minutes={}, armed_known=False
        ).participation
        is None
    )


def test_a_day_that_lost_messages_counts_as_used_in_the_upper_bound_of_its_period() -> None:
    lost = replace(strip(1, "N" * 56), lossy_on=(MONDAY, MONDAY + timedelta(days=30)))
    found = compare(
        [lost], MONDAY + timedelta(days=55), PARAMETERS, standby=False, minutes={}, armed_known=False
    ).comparison
    assert found is not None
    for period in (found.before, found.after):
        assert (period.use_day_rate.upper, period.use_day_rate.lossy_unused_days) == (1 / 28, 1)
