"""Rollups: whatever order events come in, each hour says what the raw events say."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from conftest import Database
from packages import one_home

from nyttig.model import Technology, UseRule
from nyttig.store import db, events, registry, rollups
from nyttig.store.events import EventRow

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)

DOOR = Technology(
    "door", {"en": "Door"}, "on_demand", (UseRule("contact", below=0.5),), joining_gap_minutes=10
)
SPOON = Technology("spoon", {"en": "Spoon"}, "on_demand", (UseRule("spoon_cycle"),), joining_gap_minutes=20)


@pytest.fixture
def connection(database: Database) -> Iterator[db.Session]:
    with db.connect(database.conninfo) as connection:
        for number, technology in enumerate((DOOR, SPOON), 1):
            package = one_home(technology.id, trial=technology.id)
            package = _as_number(package, number)
            registry.save(connection, package, {technology.id: technology})
        connection.commit()
        events.prepare(connection)
        yield connection


def _as_number(package, number):  # type: ignore[no-untyped-def]  # a local shorthand
    from dataclasses import replace

    home = replace(package.homes[0], home=f"h{number}")
    device = replace(package.devices[0], device=f"d{number}", address=f"d{number}")
    placement = replace(package.placements[0], device=f"d{number}", home=f"h{number}")
    return replace(package, homes=(home,), devices=(device,), placements=(placement,))


def device(connection: db.Session, code: str) -> int:
    return next(known.id for known in registry.known_devices(connection) if known.device == code)


def say(
    device_id: int, at: datetime, type_: str, value: float | None = None, origin: str = "citizen"
) -> EventRow:
    return EventRow(
        device_id, at, at, at, type_, value, None, origin, None, None, None, False, None, None, None
    )


def append(connection: db.Session, *rows: EventRow) -> None:
    events.append(connection, rows)
    connection.commit()
    rollups.refresh_all(connection)


def uses(connection: db.Session, code: str) -> list[tuple[datetime, int]]:
    frame = rollups.read(connection, [code], NOON - timedelta(days=400), NOON + timedelta(days=400))
    return [(row.hour.to_pydatetime(), row.uses) for row in frame.itertuples() if row.uses]


def test_spoonfuls_of_one_meal_are_one_use_across_the_hour(connection: db.Session) -> None:
    robot = device(connection, "d2")
    append(
        connection, *(say(robot, NOON + timedelta(minutes=m), "spoon_cycle") for m in (50, 59, 65, 80, 101))
    )
    assert uses(connection, "d2") == [(NOON, 1), (NOON + timedelta(hours=1), 1)]


def test_a_late_spoonful_joins_two_meals_into_one(connection: db.Session) -> None:
    robot = device(connection, "d2")
    append(connection, say(robot, NOON + timedelta(minutes=50), "spoon_cycle"))
    append(connection, say(robot, NOON + timedelta(minutes=80), "spoon_cycle"))
    assert len(uses(connection, "d2")) == 2
    append(connection, say(robot, NOON + timedelta(minutes=65), "spoon_cycle"))
    assert uses(connection, "d2") == [(NOON, 1)]


def test_the_first_state_of_a_door_is_no_opening(connection: db.Session) -> None:
    door = device(connection, "d1")
    append(connection, say(door, NOON, "contact", 0.0))
    assert uses(connection, "d1") == []


def test_a_repeated_state_is_no_second_opening(connection: db.Session) -> None:
    door = device(connection, "d1")
    moments = [(0, 1.0), (5, 0.0), (30, 0.0), (60, 0.0), (61, 1.0), (90, 0.0)]
    append(connection, *(say(door, NOON + timedelta(minutes=m), "contact", v) for m, v in moments))
    assert uses(connection, "d1") == [(NOON, 1), (NOON + timedelta(hours=1), 1)]


def test_a_late_closing_turns_a_repeated_state_days_later_into_an_opening(connection: db.Session) -> None:
    door = device(connection, "d1")
    later = NOON + timedelta(days=3)
    append(
        connection, say(door, NOON, "contact", 1.0), say(door, NOON + timedelta(minutes=1), "contact", 0.0)
    )
    append(connection, say(door, later, "contact", 0.0))
    assert uses(connection, "d1") == [(NOON, 1)]
    append(connection, say(door, NOON + timedelta(days=1), "contact", 1.0))
    assert uses(connection, "d1") == [(NOON, 1), (later, 1)]


def test_staff_and_testers_never_count_as_use(connection: db.Session) -> None:
    robot = device(connection, "d2")
    append(
        connection,
        say(robot, NOON, "spoon_cycle", origin="staff"),
        say(robot, NOON, "spoon_cycle", origin="test"),
    )
    frame = rollups.read(connection, ["d2"], NOON, NOON + timedelta(hours=1))
    assert frame[["uses", "other_uses"]].to_numpy().tolist() == [[0, 1]]


def test_a_last_will_and_what_a_bridge_believes_prove_no_life(connection: db.Session) -> None:
    robot = device(connection, "d2")
    append(
        connection,
        say(robot, NOON, "state", 0.0),
        say(robot, NOON + timedelta(minutes=1), "availability", 1.0),
        say(robot, NOON + timedelta(minutes=2), "state", 1.0),
    )
    frame = rollups.read(connection, ["d2"], NOON, NOON + timedelta(hours=1))
    assert frame.alive_minutes.tolist() == [1 << 2]


def test_changed_rules_of_a_technology_are_applied_to_history(connection: db.Session) -> None:
    robot = device(connection, "d2")
    append(connection, *(say(robot, NOON + timedelta(minutes=m), "spoon_cycle") for m in (0, 15, 30)))
    assert [count for _, count in uses(connection, "d2")] == [1]
    stricter = Technology(
        "spoon", {"en": "Spoon"}, "on_demand", (UseRule("spoon_cycle"),), joining_gap_minutes=5
    )
    registry.save(connection, _as_number(one_home("spoon", trial="spoon"), 2), {"spoon": stricter})
    connection.commit()
    rollups.refresh_all(connection)
    assert [count for _, count in uses(connection, "d2")] == [3]


def test_in_any_order_and_any_batches_the_rollups_equal_a_recount_by_hand(connection: db.Session) -> None:
    chance = random.Random(20260901)
    door, robot = device(connection, "d1"), device(connection, "d2")
    rows = []
    for _ in range(300):
        at = NOON + timedelta(minutes=chance.randrange(6 * 24 * 60), microseconds=chance.randrange(10**6))
        if chance.random() < 0.5:
            rows.append(say(door, at, "contact", float(chance.random() < 0.5)))
        else:
            rows.append(say(robot, at, "spoon_cycle", origin=chance.choice(["citizen", "staff"])))
    while rows:
        size = chance.randrange(1, 60)
        append(connection, *rows[:size])
        rows = rows[size:]
        assert rollups.differences(connection) == []
    expected = {"d1": _openings(connection, door), "d2": _meals(connection, robot)}
    for code, starts in expected.items():
        counted: dict[datetime, int] = {}
        for start in starts:
            hour = start.replace(minute=0, second=0, microsecond=0)
            counted[hour] = counted.get(hour, 0) + 1
        assert uses(connection, code) == sorted(counted.items())


def _openings(connection: db.Session, device_id: int) -> list[datetime]:
    states = connection.execute(
        "SELECT at, value FROM events WHERE device_id = %s ORDER BY at", (device_id,)
    ).fetchall()
    openings = [at for (_, before), (at, now) in itertools.pairwise(states) if before == 1 and now == 0]
    return _starts(openings, timedelta(minutes=10))


def _meals(connection: db.Session, device_id: int) -> list[datetime]:
    spoonfuls = connection.execute(
        "SELECT at FROM events WHERE device_id = %s AND origin = 'citizen' ORDER BY at", (device_id,)
    ).fetchall()
    return _starts([at for (at,) in spoonfuls], timedelta(minutes=20))


def _starts(moments: list[datetime], gap: timedelta) -> list[datetime]:
    return [at for n, at in enumerate(moments) if n == 0 or at - moments[n - 1] > gap]


def test_verify_names_an_hour_that_somebody_changed(connection: db.Session) -> None:
    robot = device(connection, "d2")
    append(connection, say(robot, NOON, "spoon_cycle"))
    connection.execute("UPDATE rollups SET uses = 7")
    connection.commit()
    (difference,) = rollups.differences(connection)
    assert (difference.device, difference.hour) == ("d2", NOON)
    assert difference.stored is not None
    assert difference.recomputed is not None
    assert (difference.stored[2], difference.recomputed[2]) == (7, 1)
