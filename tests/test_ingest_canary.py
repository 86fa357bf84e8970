"""The canary goes the way that a device's message goes, and is nothing but a canary when it arrives."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from conftest import Database, Mosquitto, free_port
from hypothesis import given
from hypothesis import strategies as st
from ingesting import (
    PATIENCE_SECONDS,
    Ingest,
    InProcess,
    dose,
    publish,
    quarantined,
    register,
    rows,
    stored,
    until,
)
from packages import one_home
from serving import serving

from ingest import canary
from nyttig.embedded.broker import EmbeddedBroker
from nyttig.model import Message
from nyttig.settings import Settings
from nyttig.store import canaries, db
from nyttig.store.canaries import Canary

NOW = datetime(2026, 11, 22, 7, 58, 3, tzinfo=UTC)


def came_through(database: Database) -> int:
    return int(rows(database, "SELECT count(*) FROM canaries")[0][0])


@contextmanager
def sending(url: str, client_id: str = "nyttig-ingest", every_seconds: float = 0.2) -> Iterator[None]:
    """Canaries are sent more often than in earnest."""
    stop = threading.Event()
    thread = threading.Thread(
        target=canary.send_forever,
        args=(Settings(mqtt_url=url).broker(), client_id, stop),
        kwargs={"every_seconds": every_seconds},
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


@pytest.fixture
def ingest(tmp_path: Path) -> Iterator[list[Ingest]]:
    """Ingest processes that the test started, killed in the end."""
    started: list[Ingest] = []
    yield started
    for process in started:
        process.kill()


def test_a_started_ingest_sends_itself_a_canary_through_either_broker(
    embedded_database: Database, broker: Mosquitto | EmbeddedBroker, tmp_path: Path, ingest: list[Ingest]
) -> None:
    process = Ingest(embedded_database.environment, broker.url, tmp_path)
    ingest.append(process)
    process.start()
    until(lambda: came_through(embedded_database) > 0)  # the first may be sent before there is a subscription
    found = rows(
        embedded_database,
        "SELECT client_id, sent_at <= received_at AND received_at <= committed_at FROM canaries",
    )
    assert set(found) == {("nyttig-ingest", True)}
    with serving(embedded_database.conninfo) as client:
        content = client.get("/v1/health/ready").json()
    assert content["status"] == "ready"
    assert content["last_canary_age_seconds"] >= 0
    assert content["canary_latency_seconds"] > 0
    assert process.stop() == 0


def test_a_canary_is_neither_an_event_nor_a_stranger(
    embedded_database: Database, mosquitto: Mosquitto
) -> None:
    register(embedded_database, one_home("medicine_dispenser"))
    with InProcess(embedded_database, mosquitto.url) as running:
        running.ingestor.step()
        with sending(mosquitto.url):
            publish(mosquitto.url, [dose(1)])
            running.work_until(
                lambda: came_through(embedded_database) >= 3 and stored(embedded_database) == 1
            )
    assert quarantined(embedded_database) == {}
    assert rows(embedded_database, "SELECT DISTINCT device_id FROM touched") == [(1,)]
    assert rows(embedded_database, "SELECT code FROM devices") == [("d1",)]
    ((events, duplicates, refused),) = rows(
        embedded_database, "SELECT events_total, duplicates_total, quarantined_total FROM ingestors"
    )
    assert (events, duplicates, refused) == (1, 0, 0)


def test_a_canary_stands_with_the_events_of_its_batch_or_not_at_all(
    embedded_database: Database, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its mark is rolled back with the batch, comes again with it, and then stands once."""
    register(embedded_database, one_home("medicine_dispenser"))
    with InProcess(embedded_database, mosquitto.url) as running:
        running.ingestor.step()
        record = canaries.record

        def die(connection: db.Session, arrived: list[Canary], committed_at: datetime) -> None:
            record(connection, arrived, committed_at)
            if arrived:
                raise KeyboardInterrupt

        sent = (canary.TOPIC, canary.written("nyttig-ingest", datetime.now(UTC)))
        publish(mosquitto.url, [dose(1), sent])
        monkeypatch.setattr(canaries, "record", die)
        with pytest.raises(KeyboardInterrupt):
            running.work_until(lambda: False)
        monkeypatch.undo()
    assert (stored(embedded_database), came_through(embedded_database)) == (0, 0)
    with InProcess(embedded_database, mosquitto.url) as running:
        running.work_until(lambda: stored(embedded_database) == 1)
        publish(mosquitto.url, [sent, dose(2)])  # as after a lost acknowledgement
        running.work_until(lambda: stored(embedded_database) == 2)
    assert came_through(embedded_database) == 1


def test_canaries_come_through_again_when_the_broker_is_back(
    embedded_database: Database, mosquitto: Mosquitto
) -> None:
    with InProcess(embedded_database, mosquitto.url) as running, sending(mosquitto.url):
        running.work_until(lambda: came_through(embedded_database) > 0)
        mosquitto.stop()
        running.ingestor.step()
        before = came_through(embedded_database)
        mosquitto.start()
        running.work_until(lambda: came_through(embedded_database) > before)


def test_without_a_broker_the_sender_ends_when_it_is_told_to() -> None:
    with sending(f"mqtt://127.0.0.1:{free_port()}"):
        time.sleep(0.5)


def test_between_two_canaries_the_sender_ends_when_it_is_told_to(
    embedded_database: Database, mosquitto: Mosquitto
) -> None:
    with (
        InProcess(embedded_database, mosquitto.url) as running,
        sending(mosquitto.url, every_seconds=3_600),
    ):
        running.ingestor.step()
        publish(mosquitto.url, [(canary.TOPIC, b"tweet")])
        running.work_until(lambda: quarantined(embedded_database) == {"malformed": 1})


def test_the_last_hour_is_kept_and_the_newest_canary_however_old(embedded_database: Database) -> None:
    with db.connect(embedded_database.conninfo) as connection:
        for minutes in (0, 59, 60, 61, 119):
            sent_at = NOW + timedelta(minutes=minutes)
            canaries.record(connection, [Canary("one", sent_at, sent_at)], sent_at + timedelta(seconds=0.5))
        assert connection.execute("SELECT count(*) FROM canaries").fetchall() == [(4,)]
        canaries.record(connection, [], NOW + timedelta(days=7))
        newest = canaries.newest(connection)
    assert newest == canaries.Passage(NOW + timedelta(minutes=119), 0.5)


def test_who_writes_something_else_on_the_canarys_topic_is_told_why_it_was_refused(
    embedded_database: Database, mosquitto: Mosquitto
) -> None:
    with InProcess(embedded_database, mosquitto.url) as running:
        running.ingestor.step()
        publish(mosquitto.url, [(canary.TOPIC, b"tweet"), (canary.TOPIC, b'{"battery_pct": 50}')])
        running.work_until(lambda: len(quarantined(embedded_database)) == 2)
    assert quarantined(embedded_database) == {"malformed": 1, "unknown_device": 1}
    assert came_through(embedded_database) == 0


def arrived(payload: bytes, *, topic: str = canary.TOPIC, retained: bool = False) -> Message:
    return Message(topic, payload, retained, False, NOW)


@given(st.text(), st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001  # a zone is set below
def test_a_canary_is_read_as_it_was_written_and_never_from_the_future(
    client_id: str, sent_at: datetime
) -> None:
    sent_at = sent_at.replace(tzinfo=UTC)
    if "\0" in client_id:  # which MQTT forbids
        return
    read = canary.read(arrived(canary.written(client_id, sent_at)))
    assert read == Canary(client_id[: canary.CLIENT_ID_CHARACTERS_MAX], min(sent_at, NOW), NOW)


JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inside: st.lists(inside))


@given(st.binary() | st.dictionaries(st.sampled_from(["client_id", "sent_at", "x"]), JSON).map(orjson.dumps))
def test_nothing_else_is_taken_for_a_canary(payload: bytes) -> None:
    read = canary.read(arrived(payload))
    assert read is None or orjson.loads(payload).keys() == {"client_id", "sent_at"}
    good = canary.written("one", NOW)
    assert canary.read(arrived(good, retained=True)) is None
    assert canary.read(arrived(good, topic="wt/v1/nyttig/canary/ingest/event")) is None
