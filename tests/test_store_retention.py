"""Retention: raw events may go, what was worked out of them stays."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from conftest import Database
from packages import one_home

from ingest.refresh import refresh_forever
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, events, ledger, registry, retention, rollups
from nyttig.store.events import EventRow

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(days=60)


@pytest.fixture
def connection(database: Database) -> Iterator[db.Session]:
    with db.connect(database.conninfo) as connection:
        registry.save(connection, one_home("medicine_dispenser"), builtin_technologies())
        connection.commit()
        events.prepare(connection)
        yield connection


def take_dose(connection: db.Session, seq: int, at: datetime) -> None:
    device = registry.known_devices(connection)[0].id
    row = EventRow(
        device, at, at, at, "dose_taken", 1.0, "dose", "citizen", "b1", seq, None, False, None, None, None
    )
    events.append(connection, [row])
    connection.commit()
    rollups.refresh_all(connection)


def doses(connection: db.Session) -> list[int]:
    return rollups.read(connection, ["d1"], NOON - timedelta(days=1), LATER + timedelta(days=1)).uses.tolist()


def kept(connection: db.Session) -> int:
    row = connection.execute("SELECT count(*) FROM events").fetchone()
    assert row is not None
    return int(row[0])


def test_doses_are_still_counted_when_their_raw_events_are_gone(connection: db.Session) -> None:
    take_dose(connection, 1, NOON)
    take_dose(connection, 2, LATER)
    retention.drop_before(connection, LATER - timedelta(days=30))
    assert kept(connection) == 1
    assert doses(connection) == [1, 1]
    assert retention.kept_from(connection) == LATER - timedelta(days=30)


def test_a_message_that_comes_again_after_its_event_is_gone_is_still_a_duplicate(
    connection: db.Session,
) -> None:
    take_dose(connection, 1, NOON)
    retention.drop_before(connection, LATER)
    take_dose(connection, 1, NOON)
    assert kept(connection) == 0


def test_very_late_data_never_overwrites_an_hour_whose_events_are_gone(connection: db.Session) -> None:
    take_dose(connection, 1, NOON)
    take_dose(connection, 2, NOON + timedelta(minutes=20))
    assert doses(connection) == [2]
    retention.drop_before(connection, LATER)
    take_dose(connection, 3, NOON + timedelta(minutes=50))
    assert doses(connection) == [2]


def test_verify_finds_nothing_wrong_with_what_retention_took_away(connection: db.Session) -> None:
    take_dose(connection, 1, NOON)
    take_dose(connection, 2, LATER)
    retention.drop_before(connection, LATER - timedelta(days=30))
    assert rollups.differences(connection) == []
    assert ledger.differences(connection) == []


def test_events_that_are_still_unread_are_worked_off_before_they_go(connection: db.Session) -> None:
    device = registry.known_devices(connection)[0].id
    events.append(connection, [EventRow(device, NOON, NOON, NOON, "dose_taken", 1.0, "dose", "citizen", "b1", 1,
                                        None, False, None, None, None)])  # fmt: skip
    connection.commit()
    retention.drop_before(connection, LATER)
    assert doses(connection) == [1]


def test_a_running_ingestor_lets_old_events_go(connection: db.Session, database: Database) -> None:
    take_dose(connection, 1, datetime.now(UTC) - timedelta(days=90))
    take_dose(connection, 2, datetime.now(UTC) - timedelta(days=2))
    stop = threading.Event()
    refresher = threading.Thread(target=refresh_forever, args=(stop, database.conninfo, timedelta(days=30)))
    refresher.start()
    try:
        deadline = time.monotonic() + 90
        while kept(connection) > 1 and time.monotonic() < deadline:
            connection.rollback()
            time.sleep(0.05)
    finally:
        stop.set()
        refresher.join()
    assert kept(connection) == 1
