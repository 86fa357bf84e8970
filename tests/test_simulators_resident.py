"""A simulated resident lives by the clock and the calendar, learns, falls ill, goes away and may give up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from statistics import mean
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated import INSTALLED

from nyttig.model import EndReason, Home, Pause
from simulators.days import HOUR, easter_sunday, local_day, public_holidays
from simulators.resident import Resident

OSLO = ZoneInfo("Europe/Oslo")
SEEDS = st.integers(0, 2**32)


def resident(
    seed: int, *pauses: Pause, ended_on: date | None = None, end_reason: EndReason | None = None
) -> Resident:
    home = Home("h", "home", "Bydel Alna", None, None, INSTALLED, ended_on, end_reason)
    return Resident(seed, home, OSLO, pauses)


@pytest.mark.parametrize(
    "easter", [date(2000, 4, 23), date(2008, 3, 23), date(2019, 4, 21), date(2026, 4, 5), date(2038, 4, 25)]
)
def test_easter_falls_on_the_known_days(easter: date) -> None:
    assert easter_sunday(easter.year) == easter


def test_norway_and_denmark_keep_their_own_holidays() -> None:
    norway, denmark = public_holidays(2026, "Europe/Oslo"), public_holidays(2026, "Europe/Copenhagen")
    assert norway - denmark == {date(2026, 5, 1), date(2026, 5, 17)}
    assert date(2026, 4, 2) in norway & denmark  # Maundy Thursday
    assert date(2023, 5, 5) in public_holidays(2023, "Europe/Copenhagen")  # the last Great Prayer Day
    assert date(2026, 5, 1) not in denmark
    assert local_day(date(2026, 5, 14), OSLO).free  # Ascension Day, a Thursday


@given(SEEDS, st.integers(0, 400))
def test_a_day_goes_from_waking_by_the_meals_to_bed(seed: int, number: int) -> None:
    day = resident(seed).day(INSTALLED + timedelta(days=number))
    moments = [day.local.begins, day.wake, day.breakfast, day.lunch, day.dinner, day.bed, day.local.ends]
    assert moments == sorted(moments)
    assert day.dinner - day.lunch > 2 * HOUR
    assert 0 <= day.inclination <= 1


def test_lunch_is_at_the_same_hour_of_the_clock_before_and_after_summer_time() -> None:
    days = [resident(1).day(date(2026, 10, 23) + timedelta(days=number)) for number in range(4)]
    assert [(day.local.ends - day.local.begins) // HOUR for day in days] == [24, 24, 25, 24]
    for day in days:
        lunch = datetime.fromtimestamp(day.lunch / 1000, OSLO)
        assert abs(60 * lunch.hour + lunch.minute - (12 * 60 + 15)) < 50
    spring = local_day(date(2027, 3, 28), OSLO)
    assert spring.ends - spring.begins == 23 * HOUR
    assert datetime.fromtimestamp(spring.at(9.5 * 60) / 1000, OSLO).strftime("%H:%M") == "09:30"


@given(SEEDS)
def test_the_same_day_is_the_same_whichever_day_one_asked_for_first(seed: int) -> None:
    last_first, in_order = resident(seed), resident(seed)
    days = [INSTALLED + timedelta(days=number) for number in range(20)]
    assert [last_first.day(day) for day in reversed(days)][::-1] == [in_order.day(day) for day in days]


def test_residents_learn_in_the_first_weeks() -> None:
    def inclination(number: int) -> float:
        return mean(resident(seed).day(INSTALLED + timedelta(days=number)).inclination for seed in range(40))

    assert inclination(0) < 0.6 * inclination(10)
    assert inclination(3) < inclination(10)


def test_weekends_begin_later_than_weekdays() -> None:
    days = [resident(seed).day(INSTALLED + timedelta(days=n)) for seed in range(20) for n in range(14)]
    late = mean(day.wake - day.local.begins for day in days if day.local.free)
    early = mean(day.wake - day.local.begins for day in days if not day.local.free)
    assert late > early + HOUR / 2


def test_illness_makes_days_of_little_use() -> None:
    days = [resident(seed).day(INSTALLED + timedelta(days=20 + n)) for seed in range(20) for n in range(60)]
    ill = [day.inclination for day in days if day.ill]
    assert 0.01 < len(ill) / len(days) < 0.15
    assert mean(ill) < 0.5 * mean(day.inclination for day in days if not day.ill)


@given(SEEDS)
def test_nothing_is_wanted_before_installation_while_away_or_after_the_end(seed: int) -> None:
    pause = Pause(
        "h", datetime(2026, 9, 6, 22, tzinfo=UTC), datetime(2026, 9, 10, 22, tzinfo=UTC), "hospital"
    )
    person = resident(seed, pause, ended_on=date(2026, 10, 20), end_reason="moved")
    assert person.day(INSTALLED - timedelta(days=1)).inclination == 0
    assert all(person.day(date(2026, 9, day)).inclination == 0 for day in range(7, 11))
    assert person.day(date(2026, 9, 11)).inclination > 0
    assert person.day(date(2026, 10, 20)).inclination > 0
    assert person.day(date(2026, 10, 21)).inclination == 0


@given(SEEDS)
def test_who_stopped_using_gave_up_some_days_before_it_was_written_down(seed: int) -> None:
    ended = date(2026, 11, 10)
    person = resident(seed, ended_on=ended, end_reason="stopped_using")
    gave_up = person.character.gives_up_on
    assert gave_up is not None
    assert timedelta(days=4) <= ended - gave_up <= timedelta(days=18)
    assert all(person.day(gave_up + timedelta(days=number)).inclination == 0 for number in range(40))
    assert person.day(gave_up - timedelta(days=1)).inclination > 0


def test_some_of_the_others_give_up_too() -> None:
    gave_up = sum(resident(seed).character.gives_up_on is not None for seed in range(300))
    assert 0.05 < gave_up / 300 < 0.16
