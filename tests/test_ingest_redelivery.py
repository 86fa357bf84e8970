"""A message without identity that the broker delivers again is told from one that a device sent again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from conftest import Database

from ingest.batch import Prepared, prepare, read
from ingest.decode import Route, routes
from ingest.mqtt import Arrived
from ingest.redelivery import RedeliveryWindow, digest_of
from nyttig.model import Decoded, Message
from nyttig.settings import Source
from nyttig.store import db, platform

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ROUTES = routes([Source("nyttig", "wt/v1/#"), Source("zigbee2mqtt", "zigbee2mqtt/#")])
DEVICES = {("zigbee2mqtt", "zigbee2mqtt/door"): 1, ("nyttig", "d1"): 2}
OPENED = b'{"contact":false}'


def arrived(packet_id: int | None, payload: bytes = OPENED, *, again: bool = False, topic: str = "zigbee2mqtt/door",
            connection: int = 1) -> Arrived:  # fmt: skip
    return Arrived(
        Message(topic, payload, False, again, NOON + timedelta(seconds=connection)), packet_id, connection
    )


def committed(*messages: Arrived) -> RedeliveryWindow:
    """The window of an ingestor that has committed `messages`."""
    window = RedeliveryWindow(4)
    window.add(1, prepared(messages, window).batch.digests)
    return window


def prepared(messages: Sequence[Arrived], window: RedeliveryWindow) -> Prepared:
    return prepare(messages, ROUTES, DEVICES, window)


def news(window: RedeliveryWindow, message: Arrived) -> bool:
    """Whether its event is still to be stored."""
    (event,) = prepared([message], window).batch.events
    return not event.redelivered


def test_a_message_delivered_again_after_a_lost_acknowledgement_is_no_news() -> None:
    assert not news(committed(arrived(7)), arrived(7, again=True, connection=2))


def test_the_same_message_under_another_packet_id_is_a_repetition() -> None:
    assert news(committed(arrived(7)), arrived(8, again=True))


def test_the_same_message_not_marked_as_delivered_again_is_a_repetition() -> None:
    assert news(committed(arrived(7)), arrived(7))


def test_another_payload_or_topic_under_the_same_packet_id_is_news() -> None:
    window = committed(arrived(7))
    assert news(window, arrived(7, b'{"contact":true}', again=True))
    batch = prepared([arrived(7, again=True, topic="zigbee2mqtt/window")], window).batch
    assert [one.reason for one in batch.quarantined] == ["unknown_device"]


def test_a_message_delivered_again_before_it_was_ever_committed_is_news() -> None:
    assert news(RedeliveryWindow(4), arrived(7, again=True))


def test_a_message_delivered_twice_before_the_first_was_committed_is_stored_once() -> None:
    """MQTT 3.1.1 lets a broker send again what it has not seen acknowledged yet."""
    once, twice, other = prepared(
        [arrived(7), arrived(7, again=True), arrived(8, again=True)], RedeliveryWindow(4)
    ).batch.events
    assert [once.redelivered, twice.redelivered, other.redelivered] == [False, True, False]


def test_a_message_at_qos_0_is_never_delivered_again() -> None:
    batch = prepared([arrived(None)], RedeliveryWindow(4)).batch
    assert len(batch.events) == 1
    assert batch.digests == []


def test_messages_that_carry_their_identity_need_no_window() -> None:
    dose = arrived(7, b'{"type":"dose_taken","boot_id":"b","seq":1}', topic="wt/v1/a/h/d1/event")
    batch = prepared([dose], RedeliveryWindow(4)).batch
    assert batch.digests == []
    again = prepared(
        [dose._replace(message=dose.message._replace(redelivered=True))], RedeliveryWindow(4)
    ).batch
    assert not again.events[0].redelivered  # the ledger knows


def test_a_quarantined_message_delivered_again_is_counted_once() -> None:
    broken = b'{"contact":'
    first = prepared([arrived(7, broken)], RedeliveryWindow(4))
    assert len(first.batch.quarantined) == 1
    assert prepared([arrived(7, broken, again=True)], committed(arrived(7, broken))).batch.quarantined == []


def test_the_brokers_memory_is_counted_apart() -> None:
    memory = arrived(7)
    memory = memory._replace(message=memory.message._replace(retained=True))
    assert prepared([memory, arrived(8)], RedeliveryWindow(4)).retained == 1


def test_the_window_holds_as_many_as_can_be_unacknowledged_and_no_more() -> None:
    window = RedeliveryWindow(4)
    for batch in range(1, 101):
        window.add(batch, [batch * 10, batch * 10 + 1])
    assert all(digest in window for digest in (990, 991, 1000, 1001))
    assert not any(digest in window for digest in (970, 971, 980, 981))
    assert (window.oldest_batch, window.next_batch) == (99, 101)


def test_the_window_forgets_no_digest_that_a_later_batch_holds_too() -> None:
    window = RedeliveryWindow(2)
    window.add(1, [5])
    window.add(2, [5, 6])
    window.add(3, [7])
    assert 5 in window


def test_two_packets_are_never_named_alike() -> None:
    names = {
        digest_of(arrived(packet, payload, topic=topic))
        for packet in (1, 11, None)
        for payload in (b"", b"1", b"{}")
        for topic in ("zigbee2mqtt/door", "zigbee2mqtt/door1")
    }
    assert len(names) == 18


def test_the_window_survives_a_restart(embedded_database: Database) -> None:
    with db.connect(embedded_database.conninfo) as connection:
        before = RedeliveryWindow(4)
        for packet_id in range(1, 9):
            batch = prepared([arrived(packet_id)], before).batch
            number = before.next_batch
            platform.remember(connection, "c", number, batch.digests, forget_before=before.oldest_batch)
            before.add(number, batch.digests)
        connection.commit()
        after = RedeliveryWindow(4, platform.redelivery_window(connection, "c"))
        others = platform.redelivery_window(connection, "another")
    assert [packet for packet in range(1, 9) if not news(after, arrived(packet, again=True))] == [5, 6, 7, 8]
    assert after.next_batch == before.next_batch == 9
    assert others == []


def test_a_batch_whose_number_is_taken_is_not_remembered_twice(embedded_database: Database) -> None:
    with db.connect(embedded_database.conninfo) as connection:
        assert platform.remember(connection, "c", 1, [5, 6], forget_before=0)
        assert not platform.remember(connection, "c", 1, [5, 6], forget_before=0)
        assert platform.redelivery_window(connection, "c") == [(1, [5, 6])]


def test_a_fault_in_a_decoder_stops_nobody_elses_messages(caplog: pytest.LogCaptureFixture) -> None:
    def faulty(_message: Message, _base: str) -> Decoded:
        raise KeyError("a fault of ours")

    known = [*routes([Source("nyttig", "wt/v1/#")]), Route("faulty", ("odd", "#"), faulty)]
    message = Message("odd/topic", b"{}", False, False, datetime.now(UTC))
    events, (kept,) = read(message, known, {})
    assert (events, kept.reason, kept.dialect, kept.payload) == ([], "decoder_failed", "faulty", b"{}")
    assert "a fault of ours" in kept.detail
    assert "the decoder of faulty failed" in caplog.text
