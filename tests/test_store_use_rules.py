"""Uses, armed time and alarms from what devices measure: as the rules say, in whatever order readings come."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from conftest import Database
from packages import one_home
from uses_by_hand import Alarm, Said, alarms_by_hand, armed_minutes, some_readings, some_technology

from nyttig.model import Technology, UseRule
from nyttig.package.technologies import builtin_technologies
from nyttig.store import alarms, db, events, registry, retention, rollups
from nyttig.store.events import EventRow
from simulators.uses import uses

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
BUILTIN = builtin_technologies()
PLUG, BED, ALARM = BUILTIN["power_plug"], BUILTIN["bed_sensor"], BUILTIN["safety_alarm"]


@pytest.fixture
def connection(database: Database) -> Iterator[db.Session]:
    with db.connect(database.conninfo) as connection:
        yield connection


def placed(
    connection: db.Session, technology: Technology, *, number: int = 1, heartbeat_minutes: float = 60.0
) -> int:
    """A device of this technology stands in a home of its own."""
    package = one_home(technology.id, trial=f"t{number}")
    device = replace(
        package.devices[0], device=f"d{number}", address=f"d{number}", heartbeat_minutes=heartbeat_minutes
    )
    home = replace(package.homes[0], home=f"h{number}")
    placement = replace(package.placements[0], device=f"d{number}", home=f"h{number}")
    package = replace(package, homes=(home,), devices=(device,), placements=(placement,))
    registry.save(connection, package, {technology.id: technology})
    connection.commit()
    events.prepare(connection)
    return next(known.id for known in registry.known_devices(connection) if known.device == f"d{number}")


def append(connection: db.Session, device_id: int, *said: Said) -> None:
    events.append(connection, [row(device_id, each) for each in said])
    connection.commit()
    rollups.refresh_all(connection)


def row(device_id: int, said: Said) -> EventRow:
    at = said.at
    return EventRow(
        device_id,
        at,
        at,
        at,
        said.type,
        said.value,
        None,
        said.origin,
        None,
        None,
        None,
        False,
        None,
        None,
        None,
    )


def after(minutes: float, type_: str, value: float | None = None, origin: str = "citizen") -> Said:
    return Said(NOON + timedelta(minutes=minutes), type_, value, origin)


def begun(connection: db.Session, number: int = 1) -> list[float]:
    """The minutes after noon in which uses by the citizen begin."""
    frame = rollups.read(connection, [f"d{number}"], NOON - timedelta(days=9), NOON + timedelta(days=90))
    return [
        (hour.to_pydatetime() - NOON) / timedelta(minutes=1) + minute
        for hour, mask in zip(frame["hour"], frame["use_minutes"], strict=True)
        for minute in range(60)
        if mask >> minute & 1
    ]


# Measurements: hysteresis, a shortest length, the joining gap


def test_a_washing_machine_is_one_use_from_its_first_watt_to_its_last_spin(connection: db.Session) -> None:
    plug = placed(connection, PLUG)
    watts = [(-1, 0), (0, 2000), (20, 4), (22, 150), (40, 1), (44, 300), (60, 0.5), (120, 0)]
    append(connection, plug, *(after(minute, "power", value) for minute, value in watts))
    assert begun(connection) == [0]


def test_a_value_between_the_two_thresholds_changes_nothing(connection: db.Session) -> None:
    plug = placed(connection, PLUG)
    watts = [(-1, 0), (10, 4), (20, 3), (30, 6), (40, 3), (50, 6), (60, 2), (100, 4), (110, 6), (115, 0)]
    append(connection, plug, *(after(minute, "power", value) for minute, value in watts))
    assert begun(connection) == [30, 110]


def test_a_blink_is_no_use_and_blinks_that_belong_together_are_one(connection: db.Session) -> None:
    plug = placed(connection, PLUG)
    blinks = [(0, 0.2), (30, 0.2), (34, 0.2), (38, 0.2)]
    said = [after(-5, "power", 0)]
    for minute, minutes in blinks:
        said += [after(minute, "power", 900), after(minute + minutes, "power", 0)]
    append(connection, plug, *said)
    assert begun(connection) == [30]


def test_a_use_that_goes_on_counts_as_soon_as_any_message_shows_that_it_lasted(
    connection: db.Session,
) -> None:
    bed = placed(connection, BED)
    append(connection, bed, after(0, "occupancy", 0), after(58, "occupancy", 1))
    assert begun(connection) == []
    append(connection, bed, after(63, "health"))
    assert begun(connection) == []
    append(connection, bed, after(70, "health"))
    assert begun(connection) == [58]


def test_a_late_sign_of_life_shows_that_what_began_hours_before_it_lasted(connection: db.Session) -> None:
    bed = placed(connection, BED)
    append(connection, bed, after(0, "occupancy", 0), after(58, "occupancy", 1), after(400, "occupancy", 1))
    assert begun(connection) == []
    append(connection, bed, after(220, "health"))
    assert begun(connection) == [58]


def test_a_late_sign_of_life_joins_what_comes_after_a_silence_to_what_was_before(
    connection: db.Session,
) -> None:
    """The moment at 415 belongs to the sleep that the sign at 230 shows to have gone on."""
    bed = placed(connection, replace(BED, joining_gap_minutes=30.0))
    append(connection, bed, after(0, "occupancy", 0), after(58, "occupancy", 1), after(100, "health"))
    append(connection, bed, after(410, "health"), after(415, "occupancy", 0), after(430, "in_bed"))
    assert begun(connection) == [58, 430]
    append(connection, bed, after(230, "health"))
    assert begun(connection) == [58]


def test_a_visit_to_the_bathroom_at_night_is_no_end_of_the_use_of_the_bed(connection: db.Session) -> None:
    bed = placed(connection, BED)
    changes = [(-30, 0), (0, 1), (180, 0), (190, 1), (240, 0), (300, 1), (330, 0)]
    append(
        connection,
        bed,
        *(after(minute, "occupancy", value) for minute, value in changes),
        *(after(minute, "health") for minute in range(0, 400, 60)),
    )
    assert begun(connection) == [0, 300]


def test_a_sensor_that_died_while_on_is_not_in_use_until_it_is_heard_again(connection: db.Session) -> None:
    """Five minutes are known of; that it still says `on` four days later shows no second use."""
    bed = placed(connection, BED)
    days = 4 * 24 * 60
    append(connection, bed, after(-30, "occupancy", 0), after(0, "occupancy", 1), after(5, "health"))
    append(connection, bed, after(days, "occupancy", 1), after(days + 60, "occupancy", 1))
    assert begun(connection) == []
    append(connection, bed, after(days + 90, "occupancy", 0), after(days + 120, "occupancy", 1))
    append(connection, bed, after(days + 150, "occupancy", 1))
    assert begun(connection) == [days + 120]


def test_a_state_that_was_other_before_a_silence_than_after_it_began_when_it_was_heard(
    connection: db.Session,
) -> None:
    bed = placed(connection, BED)
    append(connection, bed, after(-3000, "occupancy", 0), after(0, "occupancy", 1), after(60, "occupancy", 1))
    assert begun(connection) == [0]


@pytest.mark.parametrize("bare", [True, False], ids=["bare events", "a state in every message"])
def test_motion_is_the_same_use_as_an_event_and_as_a_state(connection: db.Session, bare: bool) -> None:
    sensor = placed(connection, BUILTIN["motion_sensor"])
    moments = [0, 30, 31]
    if bare:
        said = [after(minute, "motion") for minute in moments]
    else:
        said = [after(-1, "motion", 0)]
        for minute in moments:
            said += [
                after(minute, "motion", 1),
                after(minute + 0.2, "motion", 1),
                after(minute + 0.5, "motion", 0),
            ]
    append(connection, sensor, *said)
    assert begun(connection) == [0, 30, 31]


def test_a_late_spoonful_takes_the_beginning_from_one_in_the_next_hour(connection: db.Session) -> None:
    robot = placed(connection, BUILTIN["feeding_robot"])
    append(connection, robot, after(65, "spoon_cycle"))
    append(connection, robot, after(55, "spoon_cycle"))
    assert begun(connection) == [55]


def test_another_heartbeat_changes_what_a_silence_is_in_history_too(connection: db.Session) -> None:
    bed = placed(connection, BED, heartbeat_minutes=60)
    append(connection, bed, after(-30, "occupancy", 0), after(0, "occupancy", 1), after(120, "health"))
    assert begun(connection) == [0]
    placed(connection, BED, heartbeat_minutes=10)
    rollups.refresh_all(connection)
    assert begun(connection) == []
    assert rollups.differences(connection) == []


def test_changed_rules_turn_other_states_in_history(connection: db.Session) -> None:
    plug = placed(connection, PLUG)
    watts = [(-1, 0), (0, 40), (20, 0), (3000, 40), (3020, 10), (3040, 100), (3100, 0)]
    append(connection, plug, *(after(minute, "power", value) for minute, value in watts))
    assert begun(connection) == [0, 3000]
    stricter = replace(PLUG, use_rules=(UseRule("power", above=50, release=5, minimum_minutes=1),))
    placed(connection, stricter)
    rollups.refresh_all(connection)
    assert begun(connection) == [3040]
    assert rollups.differences(connection) == []


def test_a_state_is_known_when_the_reading_that_said_so_is_long_gone(connection: db.Session) -> None:
    bed = placed(connection, BED)
    append(connection, bed, after(0, "occupancy", 0), after(3000, "health"))
    retention.drop_before(connection, NOON + timedelta(minutes=2900))
    append(connection, bed, after(6000, "occupancy", 1), after(6030, "occupancy", 1))
    assert begun(connection) == [6000]
    assert rollups.differences(connection) == []


# Armed, worn


def masks(connection: db.Session, number: int) -> list[int | None]:
    """armed_minutes of each hour with a message, in order."""
    frame = rollups.read(connection, [f"d{number}"], NOON - timedelta(days=9), NOON + timedelta(days=90))
    return [None if pd.isna(mask) else int(mask) for mask in frame["armed_minutes"]]


def armed(connection: db.Session) -> list[int | None]:
    """Minutes per hour with a message; None where nothing is known."""
    return [None if mask is None else mask.bit_count() for mask in masks(connection, 1)]


def test_an_alarm_is_worn_from_when_it_says_so_until_it_is_taken_off(connection: db.Session) -> None:
    alarm = placed(connection, ALARM)
    append(
        connection,
        alarm,
        after(-60, "health"),
        after(30, "worn"),
        after(70, "health"),
        after(130, "taken_off"),
        after(200, "health"),
        after(250, "worn", 1),
        after(255, "worn", 0),
    )
    assert armed(connection) == [None, 30, 60, 10, 0, 5]


def test_a_late_word_changes_all_hours_up_to_the_next_one(connection: db.Session) -> None:
    alarm = placed(connection, ALARM)
    append(connection, alarm, after(0, "worn", 1), *(after(60 * hour, "health") for hour in range(1, 9)))
    append(connection, alarm, after(540, "worn", 1))
    assert armed(connection) == [60] * 10
    append(connection, alarm, after(150, "worn", 0))
    assert armed(connection) == [60, 60, 30, 0, 0, 0, 0, 0, 0, 60]


def test_a_technology_without_a_rule_for_it_has_no_armed_minutes(connection: db.Session) -> None:
    plug = placed(connection, PLUG)
    append(connection, plug, after(0, "power", 10), after(1, "worn"))
    assert armed(connection) == [None]


# Alarms


def found_alarms(connection: db.Session, number: int) -> list[Alarm]:
    frame = alarms.read(connection, [f"d{number}"], NOON - timedelta(days=9), NOON + timedelta(days=90))
    return [
        Alarm(
            raised_at.to_pydatetime(),
            raised_by,
            None if pd.isna(handled_at) else handled_at.to_pydatetime(),
            handled_by,
        )
        for _, raised_at, raised_by, handled_at, handled_by in frame.itertuples(index=False)
    ]


def raised(connection: db.Session) -> list[tuple[float, str, float | None, str | None]]:
    """The alarms, in minutes after noon."""
    minute = timedelta(minutes=1)
    return [
        (
            (one.raised_at - NOON) / minute,
            one.raised_by,
            None if one.handled_at is None else (one.handled_at - NOON) / minute,
            one.handled_by,
        )
        for one in found_alarms(connection, 1)
    ]


def test_an_alarm_pressed_again_and_again_is_one_until_somebody_comes(connection: db.Session) -> None:
    alarm = placed(connection, ALARM)
    append(connection, alarm, *(after(minute, "alarm") for minute in (0, 2, 6)))
    assert raised(connection) == [(0, "citizen", None, None)]
    append(connection, alarm, after(17, "alarm_handled", 15, "staff"))
    assert raised(connection) == [(0, "citizen", 17, "staff")]


def test_a_late_press_is_the_beginning_of_an_alarm_that_was_known(connection: db.Session) -> None:
    alarm = placed(connection, ALARM)
    append(connection, alarm, after(62, "alarm"), after(70, "alarm_handled", None, "staff"))
    append(connection, alarm, after(58, "alarm"))
    assert raised(connection) == [(58, "citizen", 70, "staff")]


def test_a_test_is_no_alarm_that_a_citizen_raised_and_a_day_later_is_no_handling(
    connection: db.Session,
) -> None:
    alarm = placed(connection, ALARM)
    append(
        connection, alarm, after(0, "alarm"), after(1, "alarm", None, "test"), after(1500, "alarm_handled")
    )
    assert raised(connection) == [(0, "citizen", None, None), (1, "test", None, None)]


def test_verify_names_an_alarm_that_somebody_changed(connection: db.Session) -> None:
    alarm = placed(connection, ALARM)
    append(connection, alarm, after(0, "alarm"), after(7, "alarm_handled", None, "staff"))
    assert alarms.differences(connection) == []
    connection.execute("UPDATE alarms SET handled_by = 'auto'")
    ((device, at, stored, recomputed),) = alarms.differences(connection)
    assert (device, at) == ("d1", NOON)
    assert stored is not None
    assert recomputed is not None
    assert stored.endswith("auto")
    assert recomputed.endswith("staff")


# Any rules, any readings, any order


@pytest.mark.parametrize("seed", range(2))
def test_in_any_order_and_any_batches_uses_armed_minutes_and_alarms_are_those_counted_by_hand(
    connection: db.Session, seed: int
) -> None:
    chance = random.Random(f"20260901/{seed}")
    devices = {}
    for number in range(1, 9):
        technology = some_technology(chance, f"kind_{number}")
        heartbeat = chance.choice([4.0, 20.0, 60.0])
        devices[number] = (
            placed(connection, technology, number=number, heartbeat_minutes=heartbeat),
            technology,
            heartbeat,
            some_readings(chance, NOON),
        )
    waiting = [row(device_id, each) for device_id, _, _, said in devices.values() for each in said]
    if chance.random() < 0.7:
        chance.shuffle(waiting)
    while waiting:
        # The last ones come one by one: nothing that comes after them sets right what they left wrong.
        size = chance.randrange(1, 120) if len(waiting) > 60 else 1
        events.append(connection, waiting[:size])
        connection.commit()
        while rollups.refresh(connection, limit=chance.choice([1, 5, 20_000])):
            pass
        waiting = waiting[size:]
    assert rollups.differences(connection) == []
    assert alarms.differences(connection) == []
    for number, (_, technology, heartbeat, said) in devices.items():
        frame = rollups.read(connection, [f"d{number}"], NOON, NOON + timedelta(days=90))
        hours = [hour.to_pydatetime() for hour in frame["hour"]]
        counted = Counter(
            (at.replace(minute=0, second=0, microsecond=0), citizen)
            for at, citizen in uses(technology, heartbeat, said)
        )
        assert frame["uses"].tolist() == [counted[hour, True] for hour in hours], technology
        assert frame["other_uses"].tolist() == [counted[hour, False] for hour in hours], technology
        assert masks(connection, number) == [armed_minutes(technology, said, hour) for hour in hours], (
            technology
        )
        assert found_alarms(connection, number) == alarms_by_hand(technology, said), technology
