"""When a battery has to be replaced: a day with an interval, or the reason why nobody can say."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nyttig.health.battery import Kind, Level, forecast, kind_of, kinds, replaced_at

BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
DOOR = Kind((12, 24), "CR2032", 1, "a test")


def levels(value: Callable[[int], float], days: int, *, from_day: int = 0) -> list[Level]:
    return [Level(BEGINS + timedelta(days=day), value(day)) for day in range(from_day, days)]


def day(at: datetime | None) -> float:
    assert at is not None
    return (at - BEGINS) / timedelta(days=1)


def test_a_level_that_falls_half_a_percent_a_day_from_100_is_to_be_replaced_at_5_percent_after_190_days() -> (
    None
):
    chance = random.Random(1)
    told = forecast(
        levels(lambda day: 100 - day / 2 + chance.gauss(0, 0.5), 100), [], kind=None, placed_at=BEGINS
    )
    assert told.basis == "trend"
    assert abs(day(told.replace_at) - 190) < 4
    assert day(told.earliest_at) < 190 < day(told.latest_at)
    assert told.per_month is not None
    assert abs(told.per_month + 15.2) < 0.5


def test_a_new_battery_begins_a_new_fit() -> None:
    told = forecast(
        levels(lambda day: 30 - day / 5, 100) + levels(lambda day: 100 - (day - 100) / 2, 180, from_day=100),
        [], kind=None, placed_at=BEGINS,
    )  # fmt: skip
    assert told.replaced_at == BEGINS + timedelta(days=100)
    assert told.readings == 80
    assert abs(day(told.replace_at) - 290) < 4


def test_one_odd_reading_or_a_warm_day_is_no_new_battery() -> None:
    assert replaced_at(levels(lambda day: 100.0 if day == 40 else 50 - day / 5, 80), 15) == 0
    assert replaced_at(levels(lambda day: 50 - day / 5 + (6 if day > 40 else 0), 80), 15) == 0


def test_a_level_that_does_not_fall_says_nothing_and_its_kinds_lifetime_speaks_instead() -> None:
    full = levels(lambda _day: 100.0, 200)
    unknown = forecast(full, [], kind=None, placed_at=BEGINS)
    assert (unknown.basis, unknown.reason, unknown.replace_at) == (None, "does_not_fall", None)
    known = forecast(full, [], kind=DOOR, placed_at=BEGINS)
    assert (known.basis, known.reason) == ("lifetime", "does_not_fall")
    assert round(day(known.earliest_at)) == 365
    assert round(day(known.latest_at)) == 730


def test_a_device_that_was_given_a_new_battery_starts_its_kinds_life_anew() -> None:
    told = levels(lambda _day: 20.0, 100) + levels(lambda _day: 100.0, 150, from_day=100)
    assert round(day(forecast(told, [], kind=DOOR, placed_at=BEGINS).earliest_at)) == 465


def test_what_cannot_be_said_is_said_with_its_reason() -> None:
    def reason(*args: list[Level], external: bool = False) -> str | None:
        return forecast(*args, kind=None, placed_at=BEGINS, external_power=external).reason

    assert reason([], []) == "never_said"
    assert reason(levels(lambda day: 90 - day, 9), []) == "too_few_readings"
    assert reason(levels(lambda day: 90 - day, 60), [], external=True) == "external_power"
    assert reason([], levels(lambda day: 12.0 - day / 100, 60)) == "unknown_cell"


def test_volts_speak_where_percent_says_nothing() -> None:
    told = forecast(
        levels(lambda _day: 100.0, 100), levels(lambda day: 3.0 - day / 500, 100), kind=None, placed_at=BEGINS
    )
    assert (told.basis, told.measure) == ("trend", "battery_v")
    assert day(told.earliest_at) < 300 < day(told.latest_at)


def test_every_kind_of_battery_known_says_how_long_it_lasts_and_who_says_so() -> None:
    for table in kinds():
        for kind in table.values():
            assert 0 < kind.months[0] <= kind.months[1]
            assert kind.source
    assert kind_of("door_sensor", "WISZB-120") == kinds()[1]["WISZB-120"]
    assert kind_of("door_sensor", "never heard of") == kinds()[0]["door_sensor"]
    assert kind_of("feeding_robot", None) is None


@given(st.lists(st.floats(0, 100), max_size=60), st.lists(st.floats(0, 20), max_size=60))
def test_any_levels_give_a_forecast_in_order_or_a_reason(percents: list[float], volts: list[float]) -> None:
    told = forecast(
        levels(lambda day: percents[day], len(percents)),
        levels(lambda day: volts[day], len(volts)),
        kind=None,
        placed_at=BEGINS,
    )
    assert (told.basis is None) == (told.reason is not None)
    times = [at for at in (told.earliest_at, told.replace_at, told.latest_at) if at is not None]
    assert times == sorted(times)
