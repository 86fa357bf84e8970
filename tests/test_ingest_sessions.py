"""What the broker keeps for us and of us: sessions, last wills, retained messages, one client under one name."""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import paho.mqtt.client as paho
import pytest
from conftest import Database, Mosquitto, free_port
from ingesting import (
    Ingest,
    InProcess,
    assert_exact,
    device_of,
    dose,
    outages,
    publish,
    quarantined,
    register,
    rows,
    stored,
    two_dialects,
    until,
)
from line import Line

import ingest.mqtt
from ingest.mqtt import Subscriber, TakenOverError
from nyttig.settings import Broker

DEVICE = """
import sys
import paho.mqtt.client as paho
client = paho.Client(paho.CallbackAPIVersion.VERSION2, "d1")
client.will_set("wt/v1/alna/h1/d1/state", b'{"state":"offline"}', qos=1, retain=True)
client.connect("127.0.0.1", int(sys.argv[1]))
client.publish("wt/v1/alna/h1/d1/state", b'{"state":"online"}', qos=1, retain=True)
client.publish("wt/v1/alna/h1/d1/event", b'{"boot_id":"b1","seq":1,"type":"dose_taken"}', qos=1)
client.loop_forever()
"""


def test_an_event_that_was_retained_against_the_contract_is_never_an_event(
    embedded_database: Database, mosquitto: Mosquitto
) -> None:
    register(embedded_database, two_dialects())
    one = {"boot_id": "b1", "seq": 1, "type": "dose_taken"}
    publish(
        mosquitto.url,
        [
            ("wt/v1/alna/h1/d1/event", orjson.dumps([one, one | {"seq": 2}])),
            ("wt/v1/alna/h1/d1/health", b'{"boot_id": "b1", "seq": 3, "battery_pct": 50}'),
            ("zigbee2mqtt/z1", b'{"action": "on", "power": 5}'),
        ],
        retain=True,
    )
    for _ in range(2):  # the second subscription brings them again
        with InProcess(embedded_database, mosquitto.url) as running:
            running.ingestor.step()
            publish(mosquitto.url, [dose(int(time.time() * 1000))])
            before = stored(embedded_database)
            running.work_until(lambda before=before: stored(embedded_database) > before)  # type: ignore[misc]  # a default binds it
    kinds = rows(embedded_database, "SELECT type, boot_id, count(*) FROM events GROUP BY 1, 2")
    assert kinds == [("dose_taken", "b1", 2)]
    assert quarantined(embedded_database) == {}
    assert rows(embedded_database, "SELECT retained_total FROM ingestors") == [(6,)]
    assert_exact(embedded_database)


def test_the_will_of_a_device_that_died_says_so_and_is_no_sign_of_life(
    embedded_database: Database, mosquitto: Mosquitto
) -> None:
    register(embedded_database, two_dialects())
    spoken = datetime.now(UTC)
    with InProcess(embedded_database, mosquitto.url) as running:
        running.ingestor.step()
        device = subprocess.Popen([sys.executable, "-c", DEVICE, str(mosquitto.port)])
        try:
            running.work_until(lambda: stored(embedded_database) == 2)
            heard_at, connection = last_seen(embedded_database)
            assert heard_at is not None
            assert heard_at >= spoken
            assert connection == "online"
        finally:
            device.kill()
            device.wait(10)
        running.work_until(lambda: stored(embedded_database) == 3)
        assert last_seen(embedded_database) == (heard_at, "offline")
    with InProcess(embedded_database, mosquitto.url, client_id="newcomer") as newcomer:
        newcomer.work_until(lambda: stored(embedded_database) == 4)  # the will, from the broker's memory
    assert last_seen(embedded_database) == (heard_at, "offline")


def last_seen(database: Database) -> tuple[datetime | None, str | None]:
    """When device d1 was last heard, and how its connection is."""
    device = device_of(database, "d1")
    return device.last_seen_at, device.connection


def test_a_session_that_expired_is_noticed_said_and_recorded_as_a_loss(
    embedded_database: Database, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.INFO, "nyttig.ingest")
    register(embedded_database, two_dialects())
    monkeypatch.setattr(ingest.mqtt, "SESSION_EXPIRY_SECONDS", 1)
    with InProcess(embedded_database, mosquitto.url) as first:
        first.ingestor.step()
    assert "no longer knows us" not in caplog.text  # it never did
    publish(mosquitto.url, [dose(1)])  # kept, for a second
    time.sleep(3.5)
    publish(mosquitto.url, [dose(2)])
    with InProcess(embedded_database, mosquitto.url) as again:
        again.ingestor.step()
        assert not again.ingestor._subscriber.session_present
        assert "the broker no longer knows us as 'nyttig-ingest'" in caplog.text
        assert outages(embedded_database) == [("session", True)]
        publish(mosquitto.url, [dose(3)])
        again.work_until(lambda: stored(embedded_database) == 1)
    assert rows(embedded_database, "SELECT seq FROM events") == [(3,)]


def test_a_session_that_the_broker_kept_is_no_loss(
    embedded_database: Database, mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    register(embedded_database, two_dialects())
    with InProcess(embedded_database, mosquitto.url) as first:
        first.ingestor.step()
    publish(mosquitto.url, [dose(1)])
    time.sleep(1.2)
    with InProcess(embedded_database, mosquitto.url) as again:
        again.work_until(lambda: stored(embedded_database) == 1)
        assert again.ingestor._subscriber.session_present
        assert outages(embedded_database) == [("ingest", False)]
    assert "no longer knows us" not in caplog.text


def test_a_broker_that_was_killed_is_subscribed_to_at_each_return(
    embedded_database: Database, mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    register(embedded_database, two_dialects())
    with InProcess(embedded_database, mosquitto.url) as running:
        running.ingestor.step()
        for seq in (1, 2):
            mosquitto.kill()
            running.work_until(lambda: not running.ingestor._subscriber.connected)
            time.sleep(1.1)
            mosquitto.start()
            running.work_until(lambda: running.ingestor._subscriber.connected)
            publish(mosquitto.url, [dose(seq)])
            running.work_until(lambda seq=seq: stored(embedded_database) == seq)  # type: ignore[misc]  # a default binds it
        running.work_until(lambda: len(outages(embedded_database)) == 2)
    assert caplog.text.count("the broker no longer knows us") == 2
    assert outages(embedded_database) == [("broker", True)] * 2


def test_a_broker_found_away_when_we_return_makes_our_absence_a_possible_loss(
    embedded_database: Database, mosquitto: Mosquitto
) -> None:
    """A machine that restarts as a whole: the broker was away for a part of the time, nobody knows which."""
    register(embedded_database, two_dialects())
    with InProcess(embedded_database, mosquitto.url) as first:
        first.ingestor.step()
    mosquitto.stop()
    with InProcess(embedded_database, mosquitto.url) as again:
        again.ingestor.step()
        time.sleep(1.1)
        mosquitto.start()
        again.work_until(lambda: outages(embedded_database) == [("broker", True)])


# One client under one name


class FakeBroker:
    """Speaks as much MQTT v5 as a handshake needs; what comes after that the test says."""

    CONNACK = b"\x20\x03\x00\x00\x00"

    def __init__(
        self,
        connack: bytes = CONNACK,
        instead_of_suback: bytes | None = None,
        with_suback: bytes = b"",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connack, self._instead_of_suback, self._with_suback = connack, instead_of_suback, with_suback
        self._tls = tls
        self.connection = self._listener  # until there is one
        self._thread = threading.Thread(target=self._greet)
        self.broker = Broker("127.0.0.1", self._listener.getsockname()[1], tls is not None, None, None)

    def __enter__(self) -> FakeBroker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(10)
        self.connection.close()
        self._listener.close()

    def _greet(self) -> None:
        self.connection, _ = self._listener.accept()
        if self._tls is not None:
            self.connection = self._tls.wrap_socket(self.connection, server_side=True)
        self._packet()
        self.connection.sendall(self._connack)
        subscribe = self._packet()
        suback = b"\x90\x04" + subscribe[:2] + b"\x00\x01" + self._with_suback
        self.connection.sendall(suback if self._instead_of_suback is None else self._instead_of_suback)

    def _packet(self) -> bytes:
        """The body of a packet of less than 128 bytes."""
        _, length = self._exactly(2)
        return self._exactly(length)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self.connection.recv(size - len(data))
            assert part, "the client hung up"
            data += part
        return data


TAKEN_OVER = b"\xe0\x02\x8e\x00"
HELLO = b"\x32\x0d\x00\x03a/b\x00\x07\x00hello"  # at QoS 1, packet id 7


def test_a_broker_that_says_that_the_session_was_taken_over_ends_us_after_what_came_before() -> None:
    with FakeBroker() as fake:
        subscriber = Subscriber(fake.broker, "one", ["a/#"], 10)
        subscriber.connect()
        fake.connection.sendall(HELLO + TAKEN_OVER)
        (arrived,) = subscriber.collect(10, 5.0)
        assert (arrived.message.topic, arrived.message.payload, arrived.packet_id) == ("a/b", b"hello", 7)
        with pytest.raises(TakenOverError, match="give each ingestor its own NYTTIG_MQTT_CLIENT_ID"):
            subscriber.collect(10, 5.0)
        assert not subscriber.connected


def test_a_session_taken_over_while_we_connect_is_not_fought_for() -> None:
    with FakeBroker(instead_of_suback=TAKEN_OVER) as fake, pytest.raises(TakenOverError):
        Subscriber(fake.broker, "one", ["a/#"], 10).connect()


def test_a_broker_that_wants_to_hear_from_us_more_often_does() -> None:
    every_second = b"\x20\x06\x00\x00\x03\x13\x00\x01"
    with FakeBroker(connack=every_second) as fake:
        subscriber = Subscriber(fake.broker, "one", ["a/#"], 10)
        subscriber.connect()
        began = time.monotonic()
        while not select.select([fake.connection], [], [], 0)[0]:
            assert time.monotonic() - began < ingest.mqtt.KEEPALIVE_SECONDS / 2, "no sooner than otherwise"
            subscriber.collect(10, 0.1)
        assert fake.connection.recv(10) == b"\xc0\x00"
        subscriber.close()


def test_where_the_broker_does_not_say_who_took_over_the_database_does(
    embedded_database: Database, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(embedded_database, two_dialects())
    connect = Subscriber.connect

    def connect_as_of_old(subscriber: Subscriber) -> None:
        subscriber._protocol = paho.MQTTv311
        connect(subscriber)

    monkeypatch.setattr(Subscriber, "connect", connect_as_of_old)
    with (
        InProcess(embedded_database, mosquitto.url) as first,
        contextlib.ExitStack() as later,
    ):
        first.ingestor.step()
        second = later.enter_context(InProcess(embedded_database, mosquitto.url))
        second.ingestor.step()
        publish(mosquitto.url, [dose(1)])
        with pytest.raises(TakenOverError):
            first.work_until(lambda: False)
        assert stored(embedded_database) == 0
        first.ingestor.close()
        second.work_until(lambda: stored(embedded_database) == 1)
    assert_exact(embedded_database)


# The line itself


def test_an_idle_line_stays_up_and_a_dead_one_is_noticed_within_two_keepalives(
    embedded_database: Database, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    register(embedded_database, two_dialects())
    monkeypatch.setattr(ingest.mqtt, "KEEPALIVE_SECONDS", 4)
    with (
        Line(("127.0.0.1", mosquitto.port)) as line,
        InProcess(embedded_database, f"mqtt://127.0.0.1:{line.port}") as running,
    ):
        idle_until = time.monotonic() + 9
        running.work_until(lambda: time.monotonic() > idle_until)
        assert "cannot be used" not in caplog.text
        line.silence("up", "down")
        publish(mosquitto.url, [dose(1)])
        running.work_until(lambda: not running.ingestor._subscriber.connected)
        assert "nothing was heard for 6 s" in caplog.text
        line.resume()
        running.work_until(lambda: stored(embedded_database) == 1)
    assert_exact(embedded_database)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A file with the certificate of localhost, which vouches for itself, and its key."""
    file = tmp_path / "certificate.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(tmp_path / "key.pem"),
            "-out", str(file), "-subj", "/CN=localhost", "-days", "2",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    with file.open("a") as both:
        both.write((tmp_path / "key.pem").read_text())
    return file


@pytest.fixture
def tls_broker(tmp_path: Path, certificate: Path) -> Iterator[tuple[Mosquitto, int]]:
    """A Mosquitto that shows the certificate, and its TLS port beside the plain one."""
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    plain, secure = free_port(), free_port()
    configuration = f"""
listener {plain} 127.0.0.1
listener {secure} 127.0.0.1
certfile {certificate}
keyfile {certificate}
allow_anonymous true
max_queued_messages 0
max_inflight_messages 0
user root
"""
    broker = Mosquitto(folder, plain, configuration)
    broker.start()
    yield broker, secure
    broker.kill()


def test_a_line_under_tls_carries_everything(
    embedded_database: Database, tls_broker: tuple[Mosquitto, int], certificate: Path, tmp_path: Path
) -> None:
    register(embedded_database, two_dialects())
    mosquitto, port = tls_broker
    environment = embedded_database.environment | {"SSL_CERT_FILE": str(certificate)}
    running = Ingest(environment, f"mqtts://localhost:{port}", tmp_path)
    try:
        running.start()
        long = "x" * 40_000  # more than a record of TLS holds
        publish(mosquitto.url, [dose(n, note=long if n % 50 == 0 else "") for n in range(1_000)])
        until(lambda: stored(embedded_database) == 1_000)
        assert running.stop() == 0
        publish(mosquitto.url, [dose(n, note=long if n % 50 == 0 else "") for n in range(1_000, 2_000)])
        running.start()  # with a backlog behind the very handshake
        until(lambda: stored(embedded_database) == 2_000)
        assert running.log().count("cannot be used") == 0
    finally:
        running.kill()
    assert_exact(embedded_database)


def test_a_message_in_one_record_with_the_end_of_the_handshake_is_not_left_there(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with FakeBroker(with_suback=HELLO, tls=context) as fake:
        subscriber = Subscriber(fake.broker, "one", ["a/#"], 10)
        subscriber.connect()
        (arrived,) = subscriber.collect(10, 1.0)
        assert arrived.message.payload == b"hello"
        subscriber.close()


def test_a_broker_whose_certificate_nobody_vouches_for_is_not_spoken_to(
    embedded_database: Database, tls_broker: tuple[Mosquitto, int], tmp_path: Path
) -> None:
    _, port = tls_broker
    running = Ingest(embedded_database.environment, f"mqtts://localhost:{port}", tmp_path)
    try:
        running.start(until_it_says="CERTIFICATE_VERIFY_FAILED")
    finally:
        running.kill()
    assert "connected to the broker" not in running.log()
