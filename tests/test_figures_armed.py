"""Armed, worn, or lying in a drawer: minute by minute, against the plain definition."""

from __future__ import annotations

import pandas as pd
import pytest
from figures_hours import (
    MINUTE,
    apart,
    at,
    every,
    exposed,
    heartbeat,
    hours,
    is_armed,
    minute,
    near,
    oslo,
    stretch,
    under_proof,
    with_armed,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from nyttig.figures import adoption
from nyttig.figures.contact import home_contacts
from nyttig.figures.coverage import ARMED_COLUMNS, device_days
from nyttig.figures.proof import reach_minutes
from nyttig.model import Parameters

NO_PAUSES = pd.DataFrame(columns=["home", "paused_from", "paused_to"])
NEVER_AWAY = pd.DataFrame(columns=["began_at", "ended_at"])
MIDNIGHT = oslo("2026-09-02")


def days_of(table: pd.DataFrame, exposures: pd.DataFrame, away: pd.DataFrame = NEVER_AWAY) -> pd.DataFrame:
    return device_days(table, exposures, NO_PAUSES, away, timezone="Europe/Oslo", parameters=Parameters())


def minute_of(text: str) -> int:
    return int(oslo(text).timestamp()) // 60


def watch(**turns: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Devices that are heard every hour of 2 and 3 September, and turn on, off, on … at those times."""
    ends = oslo("2026-09-04")
    table = hours({device: every(60, MIDNIGHT, ends) for device in turns})
    armed = {device: [minute_of(one) for one in times] for device, times in turns.items()}
    exposures = exposed(*((f"h-{device}", device, MIDNIGHT, ends, 60.0) for device in turns))
    return with_armed(table, armed), exposures.assign(tells_armed=True)


@settings(max_examples=60, deadline=None)
@given(
    heard=st.lists(minute | near, max_size=10),
    turns=st.lists(minute | near, max_size=6, unique=True).map(sorted),
    span=stretch,
    beat=heartbeat,
    outages=st.lists(stretch | st.tuples(near, near), max_size=3),
)
def test_each_minute_heard_is_armed_unarmed_or_not_known(
    heard: list[int], turns: list[int], span: tuple[int, int], beat: float, outages: list[tuple[int, int]]
) -> None:
    exposures = exposed(("h", "a", at(span[0]), at(span[1]), beat)).assign(tells_armed=True)
    away = pd.DataFrame(
        {
            name: pd.to_datetime([at(each[n]) for each in outages], utc=True)
            for n, name in enumerate(NEVER_AWAY)
        }
    )
    heard = heard + turns  # a device that says so is heard
    table = with_armed(hours({"a": map(at, heard)}), {"a": turns})
    days = days_of(table, exposures, away)
    reach = int(reach_minutes(pd.Series([beat]), Parameters())[0])
    lost = apart([each for each in outages if each[1] > each[0]])
    online = [m for m in range(span[0], span[1]) if under_proof(m, heard, reach, lost)]
    # The hour in which it first spoke of it says of its earlier minutes that it was not armed.
    known_from = min(turns, default=1 << 60) // 60 * 60
    expected = [
        sum(m >= known_from and is_armed(m, turns) for m in online),
        sum(m >= known_from and not is_armed(m, turns) for m in online),
        sum(m < known_from for m in online),
    ]
    told = [int(days[name].sum()) if name in days else 0 for name in ARMED_COLUMNS]
    assert told == expected


def test_an_alarm_in_a_drawer_is_in_contact_and_covers_nobody() -> None:
    days = days_of(*watch(worn=["2026-09-02T00:00"], drawer=["2026-09-02T00:00", "2026-09-02T12:00"]))
    told = adoption.coverage(days, Parameters())
    assert told.online_ratio == 1.0
    assert told.ratio == pytest.approx((48 + 12) / 96)
    assert (told.armed_minutes, told.unarmed_minutes) == (60 * 60, 36 * 60)
    assert told.armed_ratio == told.ratio == told.upper
    assert (told.armed_known, told.show) == (True, "point")
    by_home = {
        each.home: each.coverage.ratio
        for each in home_contacts(
            days,
            *watch(worn=["2026-09-02T00:00"], drawer=[]),
            as_of=oslo("2026-09-04"),
            parameters=Parameters(),
        )
    }
    assert by_home == {"h-drawer": 0.25, "h-worn": 1.0}


def test_where_no_device_ever_said_so_coverage_is_time_in_contact_and_says_that() -> None:
    told = adoption.coverage(days_of(*watch(silent=[])), Parameters())
    assert (told.ratio, told.upper, told.online_ratio) == (1.0, 1.0, 1.0)
    assert (told.armed_known, told.armed_ratio, told.show) == (False, None, "point")
    assert told.armed_unknown_minutes == told.online_minutes == 48 * 60


def test_of_a_technology_that_cannot_be_armed_time_in_contact_counts() -> None:
    table, exposures = watch(door=[])
    exposures["tells_armed"] = False
    days = days_of(table, exposures)
    assert not set(ARMED_COLUMNS) & set(days.columns)
    assert adoption.coverage(days, Parameters()).ratio == 1.0
    table, exposures = watch(door=[], alarm=["2026-09-02T00:00", "2026-09-03T00:00"])
    exposures["tells_armed"] = exposures["device"] == "alarm"
    told = adoption.coverage(days_of(table, exposures), Parameters())
    assert told.ratio == 0.75
    assert told.armed_ratio == 0.5


def test_time_before_a_device_first_spoke_of_it_is_not_taken_for_worn_and_widens_what_can_be_said() -> None:
    told = adoption.coverage(days_of(*watch(late=["2026-09-03T00:00"], never=[])), Parameters())
    assert told.armed_known
    assert (told.ratio, told.upper) == (0.25, 1.0)
    assert told.show == "bounds", "of three quarters of the time nobody knows"
    told = adoption.coverage(days_of(*watch(late=["2026-09-02T12:00"])), Parameters())
    assert (told.ratio, told.upper, told.show) == (0.75, 1.0, "point")


def test_a_device_that_falls_silent_is_believed_to_be_worn_as_long_as_it_is_believed_to_be_there() -> None:
    table, exposures = watch(a=["2026-09-02T00:00"])
    until_noon = table[table["hour"] < oslo("2026-09-02T12:00")]
    told = adoption.coverage(days_of(until_noon, exposures), Parameters())
    assert told.armed_minutes == told.online_minutes == (11 + 3) * 60


def test_the_last_proof_of_life_stands_beside_coverage_with_its_age() -> None:
    table, exposures = watch(a=["2026-09-02T00:00"], b=[])
    table = table[(table["device"] == "b") | (table["hour"] < oslo("2026-09-03T10:00"))]
    gone = exposed(("h-gone", "g", MIDNIGHT, oslo("2026-09-03"), 60.0)).assign(tells_armed=True)
    exposures = pd.concat([exposures, gone], ignore_index=True)
    found = {
        each.home: (each.last_heard_at, each.last_heard_hours)
        for each in home_contacts(
            days_of(table, exposures), table, exposures, as_of=oslo("2026-09-04"), parameters=Parameters()
        )
    }
    assert found == {
        "h-a": (oslo("2026-09-03T09:00"), 15.0),
        "h-b": (oslo("2026-09-03T23:00"), 1.0),
        "h-gone": (None, None),
    }


def test_what_is_said_after_the_reports_moment_is_not_known_yet() -> None:
    table, exposures = watch(a=["2026-09-02T00:00"])
    as_of = oslo("2026-09-03T09:30")
    exposures = exposures.assign(to_at=pd.to_datetime([as_of], utc=True))
    (one,) = home_contacts(days_of(table, exposures), table, exposures, as_of=as_of, parameters=Parameters())
    assert one.last_heard_at == oslo("2026-09-03T09:00")
    assert one.last_heard_hours == 30 * MINUTE / (60 * MINUTE)
