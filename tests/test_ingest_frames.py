"""Radio frames on their way into the store: each is one, whoever copies it, and each that is missing is missed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from conftest import Database
from dialects import NOON, sent
from packages import one_home

from ingest.batch import read
from ingest.decode import routes
from nyttig.model import Message
from nyttig.package.technologies import builtin_technologies
from nyttig.settings import Source
from nyttig.store import db, events, ledger, registry
from nyttig.store.ledger import Gap

EUI = "24e124329e090021"
ROUTES = routes([Source("chirpstack", "application/#"), Source("things_stack", "v3/#")])


@pytest.fixture
def connection(embedded_database: Database) -> Iterator[db.Session]:
    """A store that knows the door of home 1 by ChirpStack and the door of home 2 by The Things Stack."""
    package = one_home("door_sensor", homes=2)
    first, second = package.devices
    devices = (
        replace(first, dialect="chirpstack", address=EUI),
        replace(second, dialect="things_stack", address=EUI.upper()),
    )
    with db.connect(embedded_database.conninfo) as connection:
        registry.save(connection, replace(package, devices=devices), builtin_technologies())
        connection.commit()
        events.prepare(connection)
        yield connection


def tell(connection: db.Session, *messages: Message) -> None:
    known = {("chirpstack", EUI): 1, ("things_stack", EUI.upper()): 2}
    for message in messages:
        rows, refused = read(message, ROUTES, known)
        assert not refused
        events.append(connection, rows)
    connection.commit()


def stored(connection: db.Session) -> list[tuple[Any, ...]]:
    return connection.execute("SELECT type, value, seq, at FROM events ORDER BY at, seq, type").fetchall()


def up(counter: int, minutes: int, **fields: Any) -> Message:
    at = NOON + timedelta(minutes=minutes)
    content = {
        "deduplicationId": f"{counter}-{minutes}", "time": at.isoformat(), "devAddr": "00189440", "fCnt": counter,
        "fPort": 85, "object": {"magnet_status": "open", "temperature": 20.0 + counter}, **fields,
    }  # fmt: skip
    return sent(f"application/7/device/{EUI}/event/up", content, seconds=60 * minutes)


def uplink(counter: int, minutes: int, session: str = "one", **fields: Any) -> Message:
    at = NOON + timedelta(minutes=minutes)
    content = {
        "end_device_ids": {"dev_eui": EUI.upper(), "device_id": "door"},
        "uplink_message": {
            "session_key_id": session, "f_cnt": counter, "f_port": 85, "received_at": at.isoformat(),
            "decoded_payload": {"magnet_status": "open"}, **fields,
        },
    }  # fmt: skip
    return sent("v3/a@t/devices/door/up", content, seconds=60 * minutes)


def test_a_late_copy_is_stored_once_with_all_its_readings(connection: db.Session) -> None:
    tell(connection, up(4, 0), up(4, 1), up(4, 30))
    assert [row[:3] for row in stored(connection)] == [("contact", 0.0, 4), ("temperature", 24.0, 4)]


def test_a_lost_frame_is_a_gap_and_one_for_the_network_is_none(connection: db.Session) -> None:
    tell(connection, up(4, 0), up(5, 10, fPort=0, object=None), up(6, 20), up(8, 40))
    assert ledger.gaps(connection) == [Gap("d1", "00189440", 7, 7)]


def test_a_rejoin_is_no_gap_and_no_copy(connection: db.Session) -> None:
    tell(connection, uplink(70, 0), uplink(0, 10, "two"), uplink(1, 20, "two"))
    assert [row[2] for row in stored(connection)] == [70, 0, 1]
    assert ledger.gaps(connection) == []


def test_a_counter_that_starts_again_without_a_session_loses_nothing(connection: db.Session) -> None:
    tell(connection, uplink(0, 0, ""), uplink(1, 10, ""), uplink(0, 20, ""), uplink(0, 20, ""))
    assert [row[0] for row in stored(connection)] == ["contact"] * 3


def test_a_row_of_history_that_is_sent_twice_is_one_event_at_its_own_time(connection: db.Session) -> None:
    earlier = NOON - timedelta(hours=3)
    history = [{"timestamp": int(earlier.timestamp()), "magnet_status": "close"}]
    tell(connection, up(4, 0, object={"history": history}), up(5, 10, object={"history": history}))
    assert stored(connection) == [
        ("contact", 1.0, None, earlier),
        ("health", None, 4, NOON),
        ("health", None, 5, NOON + timedelta(minutes=10)),
    ]


def test_a_battery_that_the_network_remembers_is_one_event_however_often_it_says_so(
    connection: db.Session,
) -> None:
    cached = {"value": 39.1, "f_cnt": 3, "received_at": (NOON - timedelta(hours=9)).isoformat()}
    tell(connection, *(uplink(counter, counter, last_battery_percentage=cached) for counter in (7, 8, 9)))
    assert [row[0] for row in stored(connection)] == ["health", "contact", "contact", "contact"]
