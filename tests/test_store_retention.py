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
from nyttig.store import counters, db, events, gaps, ledger, registry, retention, rollups
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


def lost(connection: db.Session) -> list[tuple[int, int, datetime | None, datetime | None]]:
    """The numbers that never came and the times of the events beside them; what days are marked by says the same."""
    verify(connection)
    (entry,) = ledger.entries(connection, device="d1")
    marks = gaps.read(connection, ["d1"], NOON - timedelta(days=1), LATER + timedelta(days=1))
    assert len(marks) == entry.gaps_total
    return [(gap.first_seq, gap.last_seq, gap.from_at, gap.to_at) for gap in reversed(entry.gaps)]


def verify(connection: db.Session) -> None:
    for differences in (rollups, ledger, gaps, counters):
        assert differences.differences(connection) == []
    assert ledger.miscounts(connection) == []


def test_a_message_older_than_what_is_kept_fills_its_gap_though_its_hour_stays_as_it_was(
    connection: db.Session,
) -> None:
    take_dose(connection, 1, NOON)
    take_dose(connection, 3, NOON + timedelta(days=2))
    take_dose(connection, 4, LATER)
    retention.drop_before(connection, LATER - timedelta(days=30))
    assert lost(connection) == [(2, 2, NOON, NOON + timedelta(days=2))]
    take_dose(connection, 2, NOON + timedelta(days=1))
    assert lost(connection) == []
    assert doses(connection) == [1, 1, 1]
    retention.drop_before(connection, LATER - timedelta(days=29))
    assert lost(connection) == []
    assert kept(connection) == 1


def test_of_a_long_gap_older_than_what_is_kept_a_late_message_leaves_both_sides(
    connection: db.Session,
) -> None:
    take_dose(connection, 1, NOON)
    take_dose(connection, 9, NOON + timedelta(days=8))
    take_dose(connection, 10, LATER)
    retention.drop_before(connection, LATER - timedelta(days=30))
    came_at = NOON + timedelta(days=4)
    take_dose(connection, 4, came_at)
    sides = [(2, 3, NOON, came_at), (5, 8, came_at, NOON + timedelta(days=8))]
    assert lost(connection) == sides
    retention.drop_before(connection, LATER - timedelta(days=29))
    assert lost(connection) == sides
    take_dose(connection, 6, NOON + timedelta(days=6))
    assert [gap[:2] for gap in lost(connection)] == [(2, 3), (5, 5), (7, 8)]


def test_a_number_with_a_clock_of_long_ago_fills_its_gap_among_what_is_kept(connection: db.Session) -> None:
    retention.drop_before(connection, LATER - timedelta(days=30))
    take_dose(connection, 5, LATER)
    take_dose(connection, 9, LATER + timedelta(hours=2))
    take_dose(connection, 7, NOON)
    sides = [(6, 6, LATER, NOON), (8, 8, NOON, LATER + timedelta(hours=2))]
    assert lost(connection) == sides
    retention.drop_before(connection, LATER - timedelta(days=29))
    assert kept(connection) == 2
    assert lost(connection) == sides


def test_a_gap_behind_which_all_is_gone_begins_where_what_is_kept_begins(connection: db.Session) -> None:
    take_dose(connection, 1, NOON)
    before = LATER - timedelta(days=30)
    retention.drop_before(connection, before)
    assert kept(connection) == 0
    take_dose(connection, 4, LATER)
    assert lost(connection) == [(2, 3, before, LATER)]
    take_dose(connection, 3, LATER - timedelta(days=1))
    assert lost(connection) == [(2, 2, before, LATER - timedelta(days=1))]


def test_a_number_that_came_and_is_gone_again_was_not_lost(connection: db.Session) -> None:
    take_dose(connection, 5, LATER)
    take_dose(connection, 6, NOON)  # a clock of long ago
    take_dose(connection, 7, LATER + timedelta(hours=1))
    assert lost(connection) == []
    retention.drop_before(connection, LATER - timedelta(days=30))
    assert kept(connection) == 2
    assert lost(connection) == []


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
