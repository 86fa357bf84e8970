"""An ingestor that leaves for good takes what was kept for it with it, and nobody waits for it any more."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from conftest import Database, Mosquitto
from ingesting import (
    Ingest,
    InProcess,
    assert_exact,
    dose,
    outages,
    power,
    publish,
    register,
    rows,
    stored,
    two_dialects,
    until,
)

import ingest.mqtt
from ingest.leave import AtWorkError, leave
from ingest.mqtt import Subscriber
from nyttig.embedded.broker import EmbeddedBroker
from nyttig.errors import BrokerUnavailableError, NotFoundError
from nyttig.settings import Settings
from nyttig.store import db, platform

SHARED = "nyttig=$share/nyttig/wt/v1/#,zigbee2mqtt=$share/nyttig/zigbee2mqtt/#"


def settings(url: str, client_id: str = "nyttig-ingest") -> Settings:
    return Settings(mqtt_url=url, mqtt_client_id=client_id)


def session_kept(url: str, client_id: str) -> bool:
    """Whether the broker has a session of this client; it has none afterwards that it had not before."""
    broker = settings(url).broker()
    subscriber = Subscriber(broker, client_id, ["not/ours"], 10)
    subscriber.connect()
    kept = subscriber.session_present
    subscriber.leave()
    return kept


def test_who_leaves_takes_everything_that_was_kept_and_nothing_comes_after(
    embedded_database: Database, broker: Mosquitto | EmbeddedBroker
) -> None:
    register(embedded_database, two_dialects())
    with InProcess(embedded_database, broker.url) as running:
        running.ingestor.step()
    publish(broker.url, [message for n in range(3_000) for message in (dose(n), power(n))])
    gone = leave(settings(broker.url), threading.Event(), embedded_database.conninfo)
    assert (gone.session_kept, gone.messages) == (True, 6_000)
    assert stored(embedded_database) == 6_000
    assert_exact(embedded_database)
    publish(broker.url, [dose(6_000)])
    if isinstance(broker, Mosquitto):  # the embedded one says that it knows us, and has nothing for us
        assert not session_kept(broker.url, "nyttig-ingest")
    assert str(gone) == (
        "nyttig-ingest has left: unsubscribed from wt/v1/#, zigbee2mqtt/#; 6000 messages are stored that the broker"
        " still kept for it; its session is ended; its row is retired\n"
        "no other ingestor is at work: what devices send from now on is lost until one starts"
    )
    assert rows(embedded_database, "SELECT retired_at IS NOT NULL, connected FROM ingestors") == [
        (True, False)
    ]
    assert rows(embedded_database, "SELECT count(*) FROM redelivery_window") == [(0,)]
    with InProcess(embedded_database, broker.url) as newcomer:
        newcomer.ingestor.step()
        publish(broker.url, [dose(6_001)])
        newcomer.work_until(lambda: stored(embedded_database) > 6_000)
    assert rows(embedded_database, "SELECT max(seq), count(*) FROM events") == [(6_001, 6_001)]


def test_who_leaves_a_shared_subscription_takes_its_share_and_the_others_get_the_rest(
    embedded_database: Database, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    register(embedded_database, two_dialects())
    environment = embedded_database.environment | {"NYTTIG_MQTT_SOURCES": SHARED}
    stays, goes = (Ingest(environment, mosquitto.url, tmp_path, name) for name in ("stays", "goes"))
    try:
        stays.start()
        goes.start()
        assert goes.stop() == 0
        publish(mosquitto.url, [power(watts) for watts in range(100)])
        until(lambda: stored(embedded_database) == 50)  # the other half is kept for who is away
        said = command(embedded_database, mosquitto.url, "goes", "--leave", sources=SHARED)
        assert said.returncode == 0, said.stderr
        assert "50 messages are stored" in said.stdout
        assert "$share/nyttig/wt/v1/#" in said.stdout
        assert "still at work: stays" in said.stdout
        assert stored(embedded_database) == 100
        publish(mosquitto.url, [power(watts) for watts in range(100, 200)])
        until(lambda: stored(embedded_database) == 200)
        assert not session_kept(mosquitto.url, "goes")
    finally:
        stays.kill()
        goes.kill()
    assert len(rows(embedded_database, "SELECT DISTINCT value FROM events")) == 200
    assert_exact(embedded_database)


def command(
    database: Database, url: str, client_id: str, *options: str, sources: str = ""
) -> subprocess.CompletedProcess[str]:
    """`nyttig ingest` with these options has run."""
    environment = {
        "PATH": os.defpath, "NYTTIG_MQTT_URL": url, "NYTTIG_MQTT_CLIENT_ID": client_id,
        "NYTTIG_MQTT_SOURCES": sources, **database.environment,
    }  # fmt: skip
    asked = [sys.executable, "-m", "nyttig.cli", "ingest", *options]
    return subprocess.run(
        asked, env=environment, cwd="/", capture_output=True, text=True, timeout=120, check=False
    )


def test_who_is_at_work_or_was_never_there_cannot_leave(
    embedded_database: Database, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    running = Ingest(embedded_database.environment, mosquitto.url, tmp_path)
    try:
        running.start()
        until(lambda: rows(embedded_database, "SELECT connected FROM ingestors") == [(True,)])
        with pytest.raises(AtWorkError, match="nyttig-ingest is at work; stop it first"):
            leave(settings(mosquitto.url), threading.Event(), embedded_database.conninfo)
        said = command(embedded_database, mosquitto.url, "unheard-of", "--leave")
        assert said.returncode == 1
        assert (
            "no ingestor ever ran as 'unheard-of'; set NYTTIG_MQTT_CLIENT_ID to one of: nyttig-ingest"
            in said.stderr
        )
        assert running.stop() == 0
    finally:
        running.kill()
    assert command(embedded_database, mosquitto.url, "nyttig-ingest", "--leave").returncode == 0
    with pytest.raises(NotFoundError):
        leave(settings(mosquitto.url, "unheard-of"), threading.Event(), embedded_database.conninfo)


def test_who_is_interrupted_has_not_left_and_loses_nothing(
    embedded_database: Database, mosquitto: Mosquitto
) -> None:
    register(embedded_database, two_dialects())
    with InProcess(embedded_database, mosquitto.url) as running:
        running.ingestor.step()
    publish(mosquitto.url, [dose(n) for n in range(10)])
    interrupted = threading.Event()
    remainder = Subscriber.remainder

    def interrupt(subscriber: Subscriber, limit: int, number: int) -> list[ingest.mqtt.Arrived]:
        arrived = remainder(subscriber, limit, number)
        interrupted.set()
        return arrived

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Subscriber, "remainder", interrupt)
        with pytest.raises(BrokerUnavailableError, match="the broker keeps the rest"):
            leave(settings(mosquitto.url), interrupted, embedded_database.conninfo)
    assert stored(embedded_database) == 0
    assert rows(embedded_database, "SELECT retired_at FROM ingestors") == [(None,)]
    gone = leave(settings(mosquitto.url), threading.Event(), embedded_database.conninfo)
    assert gone.messages == 10
    assert stored(embedded_database) == 10


def test_who_returns_counts_again_and_was_missed_only_when_nobody_else_was_there(
    embedded_database: Database, mosquitto: Mosquitto
) -> None:
    with InProcess(embedded_database, mosquitto.url) as running:
        running.ingestor.step()
    leave(settings(mosquitto.url), threading.Event(), embedded_database.conninfo)
    with db.connect(embedded_database.conninfo) as connection:
        now = datetime.now(UTC)
        platform.started(connection, "other", now + timedelta(hours=1))  # there for as long as this takes
    with InProcess(embedded_database, mosquitto.url) as again:
        again.ingestor.step()
    assert outages(embedded_database) == []
    assert rows(embedded_database, "SELECT count(*) FROM ingestors WHERE retired_at IS NULL") == [(2,)]

    leave(settings(mosquitto.url), threading.Event(), embedded_database.conninfo)
    with db.connect(embedded_database.conninfo) as connection:
        platform.retire(connection, "other", now)
        connection.execute(
            "UPDATE ingestors SET alive_at = alive_at - interval '1 hour', retired_at = retired_at - interval '1 hour'"
        )
    with InProcess(embedded_database, mosquitto.url) as again:
        again.ingestor.step()
        with db.connect(embedded_database.conninfo) as connection:
            (outage,) = platform.outages(connection)
    assert (outage.cause, outage.lossy) == ("session", True)
    assert outage.ended_at - outage.began_at > timedelta(minutes=59)


def test_an_old_protocols_session_is_ended_as_well(
    embedded_database: Database, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect: Callable[[Subscriber], None] = Subscriber.connect

    def connect_as_of_old(subscriber: Subscriber) -> None:
        subscriber._protocol = paho.MQTTv311
        connect(subscriber)

    register(embedded_database, two_dialects())
    monkeypatch.setattr(Subscriber, "connect", connect_as_of_old)
    with InProcess(embedded_database, mosquitto.url) as running:
        running.ingestor.step()
    publish(mosquitto.url, [dose(n) for n in range(100)])
    gone = leave(settings(mosquitto.url), threading.Event(), embedded_database.conninfo)
    assert (gone.session_kept, gone.messages, stored(embedded_database)) == (True, 100, 100)
    assert not session_kept(mosquitto.url, "nyttig-ingest")
