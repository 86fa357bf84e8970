"""Ingest at work: each message is stored once, whatever it is and whoever dies meanwhile."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from conftest import Database, Mosquitto
from ingesting import (
    PATIENCE_SECONDS,
    Ingest,
    InProcess,
    Sent,
    assert_exact,
    device_of,
    dose,
    outages,
    power,
    publish,
    quarantined,
    register,
    rows,
    stored,
    two_dialects,
    until,
)
from packages import one_home

from ingest.decode import MESSAGE_BYTES_MAX
from ingest.mqtt import Arrived, Subscriber
from ingest.replay import replay_quarantine
from nyttig.embedded.broker import EmbeddedBroker
from nyttig.errors import UnstorableError
from nyttig.settings import Settings
from nyttig.store import db, events, platform
from nyttig.store.events import EventRow

Starts = Callable[..., Ingest]


@pytest.fixture
def ingest(tmp_path: Path) -> Iterator[Starts]:
    """Starts ingest processes, and kills them in the end."""
    started: list[Ingest] = []

    def start(database: Database, url: str, **options: Any) -> Ingest:
        process = Ingest(database.environment, url, tmp_path, **options)
        started.append(process)
        process.start()
        return process

    yield start
    for process in started:
        process.kill()


def test_every_message_lands_once_with_both_times(
    database: Database, mosquitto: Mosquitto, ingest: Starts
) -> None:
    register(database, two_dialects())
    ingest(database, mosquitto.url)
    before = datetime.now(UTC)
    sent = [dose(seq, event_time=(before - timedelta(seconds=seq)).isoformat()) for seq in range(100)]
    publish(mosquitto.url, [*sent, *sent, *(power(watts) for watts in range(50))])
    until(lambda: stored(database) == 150)
    assert_exact(database)
    times = rows(database, "SELECT seq, at, device_time, received_at, late FROM events WHERE seq IS NOT NULL")
    assert {(seq, at) for seq, at, *_ in times} == {
        (seq, before - timedelta(seconds=seq)) for seq in range(100)
    }
    assert all(at == device_time and before < received_at for _, at, device_time, received_at, _ in times)
    assert not any(late for *_, late in times)
    timeless = rows(database, "SELECT at = received_at, device_time FROM events WHERE seq IS NULL")
    assert set(timeless) == {(True, None)}
    ((duplicates,),) = rows(database, "SELECT duplicates_total FROM ingestors")
    assert duplicates == 100


def test_ingest_speaks_with_either_broker(
    embedded_database: Database, broker: Mosquitto | EmbeddedBroker, ingest: Starts
) -> None:
    register(embedded_database, two_dialects())
    running = ingest(embedded_database, broker.url)
    publish(broker.url, [dose(seq) for seq in range(50)])
    publish(broker.url, [power(watts) for watts in range(50)])
    until(lambda: stored(embedded_database) == 100)
    assert running.stop() == 0
    publish(broker.url, [dose(50), power(50)])  # kept by the broker meanwhile
    running.start()
    until(lambda: stored(embedded_database) == 102)
    time.sleep(0.2)
    assert stored(embedded_database) == 102
    assert_exact(embedded_database)


def test_ingest_speaks_mqtt_3_with_a_broker_that_knows_both(
    embedded_database: Database, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(embedded_database, two_dialects())
    connect = Subscriber.connect

    def connect_as_of_old(subscriber: Subscriber) -> None:
        subscriber._protocol = paho.MQTTv311
        connect(subscriber)

    monkeypatch.setattr(Subscriber, "connect", connect_as_of_old)
    with InProcess(embedded_database, mosquitto.url) as one:
        one.ingestor.step()
        publish(
            mosquitto.url, [*(dose(seq) for seq in range(3000)), *(power(watts) for watts in range(3000))]
        )
        one.work_until(lambda: stored(embedded_database) == 6000)
    with InProcess(embedded_database, mosquitto.url) as again:
        again.ingestor.step()
        again.ingestor.step()
    assert stored(embedded_database) == 6000
    assert_exact(embedded_database)


def test_a_message_is_acknowledged_only_when_it_is_committed_and_told_again_when_it_was(
    embedded_database: Database, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed for certain between COMMIT and PUBACK."""
    register(embedded_database, two_dialects())
    delivered_again: list[bool] = []
    collect = Subscriber.collect

    def watched(subscriber: Subscriber, limit: int, wait_seconds: float) -> list[Arrived]:
        arrived = collect(subscriber, limit, wait_seconds)
        delivered_again.extend(item.message.redelivered for item in arrived)
        return arrived

    monkeypatch.setattr(Subscriber, "collect", watched)
    with InProcess(embedded_database, mosquitto.url) as first:
        first.ingestor.step()
        sent = [*(dose(seq) for seq in range(300)), *(power(watts % 7) for watts in range(300)),
                ("zigbee2mqtt/z1", b"not json")]  # fmt: skip
        publish(mosquitto.url, sent)
        first.ingestor._subscriber.acknowledge = lambda arrived: None  # type: ignore[method-assign]  # dies here
        first.work_until(lambda: stored(embedded_database) == 600)
        first.ingestor._subscriber._drop()
    assert delivered_again == [False] * 601
    delivered_again.clear()
    with InProcess(embedded_database, mosquitto.url) as second:
        second.work_until(lambda: len(delivered_again) == 601)
        publish(mosquitto.url, [power(watts % 7) for watts in range(300)])  # real repetitions
        second.work_until(lambda: stored(embedded_database) == 900)
    assert delivered_again == [True] * 601 + [False] * 300
    assert quarantined(embedded_database) == {"malformed": 1}
    assert_exact(embedded_database)


def test_a_commit_whose_answer_was_lost_is_not_repeated(
    embedded_database: Database, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(embedded_database, two_dialects())
    remember = platform.remember
    tried: list[bool] = []

    def remember_then_lose_the_answer(connection: db.Session, *args: Any, **options: Any) -> bool:
        tried.append(remember(connection, *args, **options))
        if len(tried) == 1:
            connection.commit()
            connection.close()  # the commit that follows finds nobody to answer it
        return tried[-1]

    monkeypatch.setattr(platform, "remember", remember_then_lose_the_answer)
    with InProcess(embedded_database, mosquitto.url) as one:
        one.ingestor.step()
        publish(mosquitto.url, [power(5), power(5), power(6)])
        one.work_until(lambda: len(tried) >= 2)
        publish(mosquitto.url, [power(5), dose(1)])
        one.work_until(lambda: stored(embedded_database) >= 5)
    assert tried == [True, False, True]
    assert stored(embedded_database) == 5
    assert_exact(embedded_database)


def test_ingest_killed_again_and_again_in_a_stream_loses_nothing_and_doubles_nothing(
    database: Database, mosquitto: Mosquitto, ingest: Starts
) -> None:
    register(database, two_dialects(homes=5))
    running = ingest(database, mosquitto.url)
    sent = [dose(n, f"d{n % 5 + 1}") if n % 2 else power(n / 2 % 50, f"z{n % 5 + 1}") for n in range(5_000)]
    killed = threading.Event()

    def stream() -> Iterator[Sent]:
        yield from sent[:4_000]
        assert killed.wait(PATIENCE_SECONDS)  # so that the stream does not end before
        yield from sent[4_000:]

    sender = threading.Thread(target=publish, args=(mosquitto.url, stream()))
    sender.start()
    for share in (500, 1_500, 3_000):
        until(lambda share=share: stored(database) >= share)  # type: ignore[misc]  # a default binds the loop's value
        running.kill()
        running.start()
    killed.set()
    sender.join()
    until(lambda: stored(database) >= 5_000)
    time.sleep(0.3)
    assert stored(database) == 5_000
    in_store = rows(
        database,
        "SELECT d.code, e.type, coalesce(e.seq, e.value) FROM events e JOIN devices d ON d.id = e.device_id",
    )
    assert Counter(in_store) == Counter(
        (f"d{n % 5 + 1}", "dose_taken", n) if n % 2 else (f"z{n % 5 + 1}", "power", n / 2 % 50)
        for n in range(5_000)
    )
    assert_exact(database)


def test_impossible_messages_go_to_quarantine_and_ingest_goes_on(
    embedded_database: Database, mosquitto: Mosquitto, ingest: Starts
) -> None:
    register(embedded_database, two_dialects())
    ingest(embedded_database, mosquitto.url)
    topic = "wt/v1/alna/h1/d1"
    publish(
        mosquitto.url,
        [
            (f"{topic}/event", b"{"),
            (f"{topic}/event", b"\xff\xfe"),
            (f"{topic}/event", b"[" * 1000 + b"]" * 1000),
            (f"{topic}/event", b'{"type": "dose_taken", "origin": []}'),
            (f"{topic}/event", b'{"type": "dose_taken", "note": "a\\u0000b"}'),
            (f"{topic}/event", b'"' + b"x" * MESSAGE_BYTES_MAX + b'"'),
            (f"{topic}/health", b'{"battery_pct": 250}'),
            dose(1, event_time="2026-11-22T07:58:03"),
            (f"{topic}/event/more", b"{}"),
            dose(2, "stranger"),
            dose(3, event_time="2099-01-01T00:00:00Z"),
            dose(4),
        ],
    )
    until(lambda: stored(embedded_database) == 2)
    assert quarantined(embedded_database) == {
        "malformed": 4, "not_utf8": 1, "oversized": 1, "impossible_value": 1, "bad_time": 1, "unknown_topic": 1,
        "unknown_device": 1,
    }  # fmt: skip
    ((seq, at_arrival, year, fault),) = rows(
        embedded_database,
        "SELECT seq, at = received_at, extract(year FROM device_time)::int, clock_fault FROM events"
        " WHERE clock_fault IS NOT NULL",
    )
    assert (seq, at_arrival, year, fault) == (3, True, 2099, "future")
    ((payload_bytes, kept),) = rows(
        embedded_database, "SELECT payload_bytes, length(payload) FROM quarantine WHERE reason = 'oversized'"
    )
    assert (payload_bytes, kept) == (MESSAGE_BYTES_MAX + 2, 65_536)
    ((counted,),) = rows(embedded_database, "SELECT quarantined_total FROM ingestors")
    assert counted == 10


def test_what_the_database_refuses_does_not_hold_up_what_came_with_it(
    database: Database, mosquitto: Mosquitto
) -> None:
    register(database, two_dialects())
    with db.connect(database.conninfo) as connection:
        connection.execute("ALTER TABLE events ADD CHECK (value <> 13)")
        connection.commit()
    with InProcess(database, mosquitto.url) as one:
        one.ingestor.step()
        publish(mosquitto.url, [dose(1), power(12), power(13), dose(2, value=13), power(14), dose(3)])
        one.work_until(lambda: stored(database) == 4)
        publish(mosquitto.url, [dose(4)])
        one.work_until(lambda: stored(database) == 5)
    assert quarantined(database) == {"unstorable": 2}
    assert replay_quarantine(Settings(), conninfo=database.conninfo) == (0, 2)
    with db.connect(database.conninfo) as connection:
        connection.execute("ALTER TABLE events DROP CONSTRAINT events_value_check")
        connection.commit()
    assert replay_quarantine(Settings(), conninfo=database.conninfo) == (2, 0)
    assert stored(database) == 7
    assert_exact(database)


def test_an_unknown_devices_messages_are_kept_until_it_is_registered(
    embedded_database: Database, mosquitto: Mosquitto, ingest: Starts
) -> None:
    register(embedded_database, one_home("medicine_dispenser"))
    ingest(embedded_database, mosquitto.url)
    publish(mosquitto.url, [dose(1, "d2", note="first")])
    until(lambda: quarantined(embedded_database) == {"unknown_device": 1})
    ((first_received_at,),) = rows(embedded_database, "SELECT first_received_at FROM quarantine")

    register(embedded_database, one_home("medicine_dispenser", homes=2))
    # Within a second of reading the registry ingest does not read it again.
    time.sleep(1.1)
    publish(mosquitto.url, [dose(2, "d2")])
    until(lambda: stored(embedded_database) == 1)

    settings = Settings(mqtt_url=mosquitto.url)
    assert replay_quarantine(settings, conninfo=embedded_database.conninfo) == (1, 0)
    assert replay_quarantine(settings, conninfo=embedded_database.conninfo) == (0, 0)
    assert quarantined(embedded_database) == {}
    ((received_at, extra),) = rows(embedded_database, "SELECT received_at, extra FROM events WHERE seq = 1")
    assert (received_at, extra) == (first_received_at, {"note": "first"})
    publish(mosquitto.url, [dose(1, "d2", note="first"), dose(3, "d2")])
    until(lambda: stored(embedded_database) == 3)
    assert_exact(embedded_database)


def test_late_data_enters_history_and_never_hides_a_newer_state(
    database: Database, mosquitto: Mosquitto, ingest: Starts
) -> None:
    register(database, two_dialects())
    ingest(database, mosquitto.url)
    now = datetime.now(UTC)
    earlier = (now - timedelta(hours=2)).isoformat()
    topic = "wt/v1/alna/h1/d1"
    publish(
        mosquitto.url,
        [
            (f"{topic}/health", b'{"boot_id":"b","seq":9,"battery_pct":80,"event_time":"%s"}' % now.isoformat().encode()),
            (f"{topic}/state", b'{"state":"online","event_time":"%s"}' % now.isoformat().encode()),
            (f"{topic}/health", b'{"boot_id":"b","seq":8,"battery_pct":20,"event_time":"%s"}' % earlier.encode()),
            (f"{topic}/state", b'{"state":"offline","event_time":"%s"}' % earlier.encode()),
            dose(7, event_time=earlier),
        ],
    )  # fmt: skip
    until(lambda: stored(database) == 5)
    device = device_of(database, "d1")
    assert (device.battery_pct, device.connection) == (80.0, "online")
    assert device.last_seen_at == now
    assert dict(rows(database, "SELECT late, count(*) FROM events GROUP BY late")) == {False: 2, True: 3}
    assert rows(database, "SELECT sum(late_total) FROM ledger")[0][0] == 3
    assert_exact(database)


def test_what_the_broker_remembers_of_a_device_is_known_and_proves_no_life(
    embedded_database: Database, mosquitto: Mosquitto, ingest: Starts
) -> None:
    register(embedded_database, two_dialects())
    publish(
        mosquitto.url,
        [("wt/v1/alna/h1/d1/state", b'{"state":"online"}'), ("zigbee2mqtt/z1/availability", b"offline"),
         ("zigbee2mqtt/z1", b'{"contact":true}'), ("zigbee2mqtt/stranger/availability", b"online")],
        retain=True,
    )  # fmt: skip
    ingest(embedded_database, mosquitto.url)
    publish(mosquitto.url, [dose(1)])
    until(lambda: stored(embedded_database) == 3)
    kinds = dict(rows(embedded_database, "SELECT type, count(*) FROM events GROUP BY type"))
    assert kinds == {"availability": 2, "dose_taken": 1}
    ((retained,),) = rows(embedded_database, "SELECT retained_total FROM ingestors")
    assert retained == 4
    assert quarantined(embedded_database) == {}
    device = device_of(embedded_database, "z1")
    assert (device.last_seen_at, device.connection) == (None, "offline")


def test_of_two_ingestors_with_one_name_the_first_ends_and_says_what_to_do(
    embedded_database: Database, mosquitto: Mosquitto, ingest: Starts
) -> None:
    first = ingest(embedded_database, mosquitto.url)
    ingest(embedded_database, mosquitto.url)
    assert first.wait() == 1
    assert "give each ingestor its own NYTTIG_MQTT_CLIENT_ID" in first.log()


def test_two_ingestors_with_names_of_their_own_store_each_numbered_message_once(
    database: Database, mosquitto: Mosquitto, ingest: Starts
) -> None:
    register(database, two_dialects(homes=3))
    ingest(database, mosquitto.url, client_id="one")
    ingest(database, mosquitto.url, client_id="two")
    publish(mosquitto.url, [dose(n, f"d{n % 3 + 1}") for n in range(1_000)])
    until(lambda: rows(database, "SELECT sum(events_total + duplicates_total) FROM ingestors")[0][0] == 2_000)
    assert stored(database) == 1_000
    assert_exact(database)


def test_ingest_asked_to_end_ends_in_order(
    embedded_database: Database, mosquitto: Mosquitto, ingest: Starts
) -> None:
    running = ingest(embedded_database, mosquitto.url)
    assert running.stop() == 0


def test_ingest_refuses_a_schema_that_is_not_its_own(
    embedded_database: Database, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    with db.connect(embedded_database.conninfo) as connection:
        connection.execute("DELETE FROM schema_steps WHERE number > 1")
        connection.commit()
    refused = Ingest(embedded_database.environment, mosquitto.url, tmp_path)
    refused.start(until_it_says="run `nyttig migrate`")
    assert refused.wait() == 1


def test_the_first_start_is_no_outage(
    embedded_database: Database, mosquitto: Mosquitto, ingest: Starts
) -> None:
    ingest(embedded_database, mosquitto.url)
    until(lambda: rows(embedded_database, "SELECT connected FROM ingestors") == [(True,)])
    assert outages(embedded_database) == []


def test_a_text_too_long_for_an_index_is_refused_and_not_waited_for(database: Database) -> None:
    register(database, one_home("medicine_dispenser"))
    digits = "".join(str(random.Random(seed).random()) for seed in range(2_000))  # does not compress
    now = datetime.now(UTC)
    with db.connect(database.conninfo) as connection:
        events.prepare(connection)
        event = EventRow(
            1, now, now, now, "contact", 1.0, None, "citizen", None, None, digits, False, None, None, None
        )
        with pytest.raises(UnstorableError, match="refuses a value"), db.translated():
            events.append(connection, [event])
