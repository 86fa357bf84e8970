"""A simulated device's way to the broker: nothing lost, nothing flooded, and a clear word when it cannot."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Mosquitto
from paho.mqtt import subscribe
from paho.mqtt.client import MQTTMessage

from nyttig.embedded.broker import EmbeddedBroker
from nyttig.errors import BrokerUnavailableError
from nyttig.settings import Broker
from simulators.publish import Publisher


def retained(url: str, topic_filter: str, count: int) -> dict[str, bytes]:
    """The `count` messages that the broker keeps under the filter, by topic."""
    broker = Broker.from_url(url)
    got = subscribe.simple(  # type: ignore[no-untyped-call]  # paho leaves this function untyped
        topic_filter, qos=1, msg_count=count, hostname=broker.host, port=broker.port
    )
    return {
        message.topic: bytes(message.payload) for message in ([got] if isinstance(got, MQTTMessage) else got)
    }


def test_what_is_published_reaches_a_broker_of_either_protocol(broker: Mosquitto | EmbeddedBroker) -> None:
    with Publisher(Broker.from_url(broker.url), "dispenser", window=7) as publisher:
        for number in range(60):
            publisher.publish(f"trial/home-{number}", f"dose {number}".encode(), retain=True)
        publisher.drain()
        assert publisher.acknowledged_total == 60
    kept = retained(broker.url, "trial/#", 60)
    assert kept == {f"trial/home-{number}": f"dose {number}".encode() for number in range(60)}


def test_messages_of_a_broker_s_outage_arrive_when_it_is_back(mosquitto: Mosquitto) -> None:
    with Publisher(Broker.from_url(mosquitto.url), "gateway", window=100, retry_seconds=20) as publisher:
        for number in range(50):
            publisher.publish(f"trial/home-{number}", b"before", retain=True)
        mosquitto.stop()
        for number in range(50, 90):
            publisher.publish(f"trial/home-{number}", b"during", retain=True)
        mosquitto.start()
        publisher.drain()
        assert publisher.acknowledged_total == 90
    assert len(retained(mosquitto.url, "trial/#", 90)) == 90


def flood_while_frozen(address: Broker, window: int, broker_pid: int) -> None:
    """One message more than the window has gone to a broker that no longer moves."""
    with Publisher(address, "sensor", window=window, retry_seconds=0.3) as publisher:
        os.kill(broker_pid, signal.SIGSTOP)
        for number in range(window + 1):
            publisher.publish("trial/home", str(number).encode())


@pytest.mark.parametrize(("window", "broker_takes", "fits"), [(5, 0, 5), (50, 8, 8)])
def test_no_more_goes_out_than_window_and_broker_allow_and_silence_is_an_error(
    tmp_path: Path, unused_port: int, window: int, broker_takes: int, fits: int
) -> None:
    configuration = (
        f"listener {unused_port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages {broker_takes}\n"
    )
    frozen = Mosquitto(tmp_path, unused_port, configuration)
    frozen.start()
    try:
        address = Broker.from_url(frozen.url)
        with pytest.raises(BrokerUnavailableError, match="unacknowledged for") as caught:
            flood_while_frozen(address, window, frozen.pid)
        assert f"127.0.0.1:{unused_port} left {fits} messages unacknowledged for 0.3 s" in str(caught.value)
    finally:
        os.kill(frozen.pid, signal.SIGCONT)
        frozen.kill()


def test_a_broker_that_is_not_there_is_named_with_the_remedy(unused_port: int) -> None:
    started = time.monotonic()
    address = Broker.from_url(f"mqtt://127.0.0.1:{unused_port}")
    with pytest.raises(BrokerUnavailableError) as caught, Publisher(address, "sensor", retry_seconds=0.5):
        pass
    assert f"127.0.0.1:{unused_port}" in str(caught.value)
    assert "start the broker, or set NYTTIG_MQTT_URL" in str(caught.value)
    assert time.monotonic() - started < 5


def test_a_broker_that_starts_a_little_later_is_waited_for(mosquitto: Mosquitto) -> None:
    mosquitto.stop()
    late = subprocess.Popen(
        [sys.executable, "-c", ONE_MESSAGE, mosquitto.url], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    time.sleep(1)
    mosquitto.start()
    output, _ = late.communicate(timeout=20)
    assert late.returncode == 0, output.decode()
    assert retained(mosquitto.url, "trial/#", 1) == {"trial/home": b"here"}


ONE_MESSAGE = """
import sys
from nyttig.settings import Broker
from simulators.publish import Publisher
with Publisher(Broker.from_url(sys.argv[1]), "sensor", retry_seconds=4) as publisher:
    publisher.publish("trial/home", b"here", retain=True)
"""


def test_a_broker_that_refuses_the_login_is_not_asked_again(tmp_path: Path, unused_port: int) -> None:
    strict = Mosquitto(tmp_path, unused_port, f"listener {unused_port} 127.0.0.1\nallow_anonymous false\n")
    strict.start()
    try:
        started = time.monotonic()
        with (
            pytest.raises(BrokerUnavailableError, match="Not authorized") as caught,
            Publisher(Broker.from_url(strict.url), "sensor"),
        ):
            pass
        assert "Check user and password in NYTTIG_MQTT_URL" in str(caught.value)
        assert time.monotonic() - started < 5
    finally:
        strict.kill()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of 127.0.0.1, its key beside it."""
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    names = ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    subprocess.run(
        [*request, *names, "-out", str(file), "-keyout", str(file.with_suffix(".key"))],
        check=True,
        capture_output=True,
    )
    return file


@pytest.fixture
def tls_broker(certificate: Path, tmp_path: Path, unused_port: int) -> Iterator[Mosquitto]:
    """A Mosquitto that speaks TLS only."""
    key = certificate.with_suffix(".key")
    tls = f"certfile {certificate}\nkeyfile {key}\nuser root\n"
    broker = Mosquitto(
        tmp_path, unused_port, f"listener {unused_port} 127.0.0.1\nallow_anonymous true\n{tls}"
    )
    broker.start()
    yield broker
    broker.kill()


def send_one(url: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Another process has tried to send one message to the broker."""
    return subprocess.run(
        [sys.executable, "-c", ONE_MESSAGE, url],
        capture_output=True,
        text=True,
        timeout=20,
        env=os.environ | environment,
    )


def test_tls_is_spoken_with_a_broker_whose_certificate_is_trusted(
    tls_broker: Mosquitto, certificate: Path
) -> None:
    url = f"mqtts://127.0.0.1:{tls_broker.port}"
    assert send_one(url, {"SSL_CERT_FILE": str(certificate)}).stderr == ""


def test_tls_with_a_broker_whose_certificate_nobody_vouches_for_is_refused(tls_broker: Mosquitto) -> None:
    failed = send_one(f"mqtts://127.0.0.1:{tls_broker.port}", {})
    assert (
        f"BrokerUnavailableError: no TLS with an MQTT broker at 127.0.0.1:{tls_broker.port}" in failed.stderr
    )
    assert "CERTIFICATE_VERIFY_FAILED" in failed.stderr


def test_tls_with_a_broker_that_speaks_none_says_so(mosquitto: Mosquitto) -> None:
    failed = send_one(f"mqtts://127.0.0.1:{mosquitto.port}", {})
    assert "write mqtt:// where the broker speaks without TLS" in failed.stderr


def test_a_topic_that_cannot_be_published_to_does_not_stop_the_next(mosquitto: Mosquitto) -> None:
    with Publisher(Broker.from_url(mosquitto.url), "sensor", window=1) as publisher:
        with pytest.raises(ValueError, match="wildcard"):
            publisher.publish("trial/+/event", b"")
        publisher.publish("trial/home", b"here")
        publisher.drain()
        assert publisher.acknowledged_total == 1


@pytest.mark.parametrize(("ending", "kept"), [("os._exit(1)", b"offline"), ("pass", b"online")])
def test_the_last_will_is_sent_when_a_device_vanishes_and_only_then(
    mosquitto: Mosquitto, ending: str, kept: bytes
) -> None:
    device = f"""
import os, sys
from nyttig.settings import Broker
from simulators.publish import Publisher
with Publisher(Broker.from_url(sys.argv[1]), "alarm", will=("trial/alarm/state", b"offline")) as publisher:
    publisher.publish("trial/alarm/state", b"online", retain=True)
    publisher.drain()
    {ending}
"""
    subprocess.run([sys.executable, "-c", device, mosquitto.url], timeout=20, check=ending == "pass")
    deadline = time.monotonic() + 60
    while (state := retained(mosquitto.url, "trial/#", 1)["trial/alarm/state"]) != kept:
        assert time.monotonic() < deadline, state
