"""Events in the store: once each, with their ledger, whatever comes twice, late or at the same millisecond."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conftest import Database
from packages import one_home

from nyttig.errors import UnstorableError
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, events, registry
from nyttig.store.events import Appended, EventRow

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def connection(database: Database) -> Iterator[db.Session]:
    with db.connect(database.conninfo) as connection:
        registry.save(connection, one_home("medicine_dispenser"), builtin_technologies())
        connection.commit()
        events.prepare(connection)
        yield connection


@pytest.fixture
def device_id(connection: db.Session) -> int:
    return registry.known_devices(connection)[0].id


def event(device_id: int, seq: int | None, **changes: Any) -> EventRow:
    row = EventRow(
        device_id, NOON, NOON + timedelta(seconds=1), NOON, "dose_taken", 1.0, "dose", "citizen",
        None if seq is None else "b1", seq, None, False, None, None, None,
    )  # fmt: skip
    return row._replace(**changes)


def append(connection: db.Session, *rows: EventRow) -> Appended:
    with db.translated():
        appended = events.append(connection, rows)
    connection.commit()
    return appended


def stored(connection: db.Session) -> int:
    row = connection.execute("SELECT count(*) FROM events").fetchone()
    assert row is not None
    return int(row[0])


def test_a_redelivered_event_is_stored_once(connection: db.Session, device_id: int) -> None:
    assert append(connection, event(device_id, 1)) == (1, 0)
    assert append(connection, event(device_id, 1)) == (0, 1)
    assert stored(connection) == 1


def test_an_event_sent_twice_in_one_batch_is_stored_once(connection: db.Session, device_id: int) -> None:
    assert append(connection, event(device_id, 1), event(device_id, 1), event(device_id, 2)) == (2, 1)


def test_a_redelivery_that_counts_at_its_arrival_is_still_the_same_event(
    connection: db.Session, device_id: int
) -> None:
    append(connection, event(device_id, 1, device_time=None))
    later = NOON + timedelta(hours=3)
    assert append(connection, event(device_id, 1, device_time=None, at=later, received_at=later)) == (0, 1)


def test_two_events_in_the_same_millisecond_both_count(connection: db.Session, device_id: int) -> None:
    assert append(connection, event(device_id, 1), event(device_id, 2)) == (2, 0)


def test_a_counter_that_starts_anew_after_a_reboot_is_news(connection: db.Session, device_id: int) -> None:
    append(connection, event(device_id, 1))
    assert append(connection, event(device_id, 1, boot_id="b2")) == (1, 0)


def test_a_late_event_below_numbers_already_seen_is_stored(connection: db.Session, device_id: int) -> None:
    append(connection, event(device_id, 1), event(device_id, 5))
    assert append(connection, event(device_id, 3)) == (1, 0)
    row = connection.execute("SELECT seqs::text, received_total, duplicates_total FROM ledger").fetchone()
    assert row == ("{[1,2),[3,4),[5,6)}", 3, 0)


def test_messages_with_an_id_of_their_own_are_told_by_it(connection: db.Session, device_id: int) -> None:
    first = event(device_id, None, message_id="abc", type="contact")
    assert append(connection, first) == (1, 0)
    assert append(connection, first) == (0, 1)
    assert append(connection, first._replace(message_id="def")) == (1, 0)


def test_repetitions_without_any_identity_are_all_kept(connection: db.Session, device_id: int) -> None:
    assert append(connection, event(device_id, None), event(device_id, None)) == (2, 0)


def test_a_known_redelivery_without_identity_is_counted_and_not_stored(
    connection: db.Session, device_id: int
) -> None:
    append(connection, event(device_id, None))
    assert append(connection, event(device_id, None, redelivered=True)) == (0, 1)
    row = connection.execute("SELECT received_total, duplicates_total FROM ledger").fetchone()
    assert row == (1, 1)


def test_of_two_ingestors_with_the_same_new_event_only_one_stores_it(
    connection: db.Session, device_id: int, database: Database
) -> None:
    with db.connect(database.conninfo) as other:
        events.prepare(other)
        append(connection, event(device_id, 1))
        append(other, event(device_id, 1), event(device_id, 2))
    assert stored(connection) == 2


def test_a_value_that_no_database_holds_is_refused_by_name(connection: db.Session, device_id: int) -> None:
    with pytest.raises(UnstorableError, match="refuses a value"):
        append(connection, event(device_id, 1, health="{not json"))
