"""How busy an ingestor is stands in its row: what waits, how much may, and the pace of the last minute."""

from __future__ import annotations

from conftest import Database, Mosquitto
from hypothesis import given
from hypothesis import strategies as st
from ingesting import InProcess, dose, publish, register, rows, stored, two_dialects, until

import ingest.mqtt
from ingest.mqtt import Subscriber
from ingest.pace import LastMinute
from ingest.run import BATCH_MESSAGES, RECEIVE_MAXIMUM
from nyttig.embedded.broker import EmbeddedBroker
from nyttig.settings import Settings
from nyttig.store import db, platform


def ours(database: Database) -> platform.Ingestor:
    with db.connect(database.conninfo) as connection:
        (ingestor,) = platform.ingestors(connection)
    return ingestor


def test_a_backlog_shows_as_a_queue_up_to_the_receive_window_and_then_as_none(
    embedded_database: Database, mosquitto: Mosquitto
) -> None:
    register(embedded_database, two_dialects())
    with InProcess(embedded_database, mosquitto.url) as running:
        running.ingestor.step()
    messages = RECEIVE_MAXIMUM + 1_000
    publish(mosquitto.url, [dose(n) for n in range(messages)])
    queues = []
    with InProcess(embedded_database, mosquitto.url) as running:
        while stored(embedded_database) < messages:
            running.ingestor.step()
            busy = ours(embedded_database)
            queues.append(busy.queue_messages)
            assert busy.last_batch_messages <= BATCH_MESSAGES
        assert 0 < max(queues) <= RECEIVE_MAXIMUM
        assert busy.receive_window == RECEIVE_MAXIMUM
        assert busy.queue_messages == 0
        assert 0 < busy.events_last_minute <= messages


def test_an_old_protocol_has_no_window_to_tell(
    embedded_database: Database, embedded_broker: EmbeddedBroker
) -> None:
    with InProcess(embedded_database, embedded_broker.url) as running:
        running.work_until(lambda: ours(embedded_database).connected)
    assert ours(embedded_database).receive_window is None


def test_an_orderly_end_is_told_and_an_interrupted_batch_is_not_committed_with_it(
    embedded_database: Database, mosquitto: Mosquitto
) -> None:
    register(embedded_database, two_dialects())
    with InProcess(embedded_database, mosquitto.url) as running:
        running.work_until(lambda: ours(embedded_database).connected)
        running.ingestor._connection.execute(
            "INSERT INTO ledger (device_id, boot_id, first_received_at, last_received_at) SELECT id, 'half', now(), now()"
            " FROM devices WHERE code = 'd1'"
        )
    assert not ours(embedded_database).connected
    assert rows(embedded_database, "SELECT * FROM ledger") == []


def test_what_waits_is_counted_without_taking_more_than_a_bound_of_bytes(mosquitto: Mosquitto) -> None:
    broker = Settings(mqtt_url=mosquitto.url).broker()
    big = 200_000
    subscriber = Subscriber(broker, "one", ["a/#"], RECEIVE_MAXIMUM)
    subscriber.connect()
    publish(mosquitto.url, [("a/b", bytes(big))] * 100)
    first = subscriber.collect(1, 10.0)
    assert len(first) == 1
    for _ in range(50):
        waiting = subscriber.waiting()
    held = waiting * big + len(subscriber._unread)
    assert 0 < held <= 2 * ingest.mqtt.BYTES_HELD_MAX + 2 * ingest.mqtt.BYTES_AT_ONCE
    taken = list(first)

    def all_taken() -> bool:
        more = subscriber.collect(1_000, 1.0)
        subscriber.acknowledge(more)
        taken.extend(more)
        return len(taken) == 100

    until(all_taken)
    assert subscriber.waiting() == 0
    subscriber.leave()


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0, 40)), max_size=60))
def test_the_last_minute_forgets_what_is_older_to_the_second(brought: list[tuple[int, float]]) -> None:
    minute, now, all_of_it = LastMinute(), 0.0, []
    for events, later in brought:
        now += later
        minute.add(events, now)
        all_of_it.append((now, events))
        surely = sum(one for at, one in all_of_it if at > now - 59)
        at_most = sum(one for at, one in all_of_it if at > now - 60)
        assert surely <= minute.total(now) <= at_most
    assert minute.total(now + 61) == 0
