"""The broker's production configuration, run for real: closed to strangers, and it does not lose."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
import yaml
from conftest import Mosquitto, free_port, missing
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest import canary

PROJECT = Path(__file__).parents[1]
PASSWORDS = {"devices": "devices-password", "ingest": "ingest-password"}


class Production(Mosquitto):
    """The files of deploy/ on a free port, with the container's places below one folder."""

    def __init__(self, folder: Path) -> None:
        self.places = {
            "/mosquitto/config/": f"{folder}/",
            "/mosquitto/data/": f"{folder}/data/",
            "/run/mosquitto": f"{folder}/run",
        }
        for name in ("data", "run"):
            (folder / name).mkdir()
        port = free_port()
        (folder / "acl").write_text((PROJECT / "deploy/mosquitto.acl").read_text())
        configuration = self._moved((PROJECT / "deploy/mosquitto.conf").read_text())
        assert "listener 1883\n" in configuration
        configuration = configuration.replace("listener 1883\n", f"listener {port} 127.0.0.1\n")
        super().__init__(folder, port, configuration + "user root\n")
        start = self._moved((PROJECT / "deploy/start-mosquitto").read_text())
        (folder / "start").write_text(start)

    def _moved(self, text: str) -> str:
        for container, here in self.places.items():
            text = text.replace(container, here)
        return text

    def command(self) -> list[str]:
        return ["/bin/sh", str(self.folder / "start")]

    def environment(self) -> dict[str, str]:
        return {
            "PATH": "/usr/bin:/bin:/usr/sbin",
            "NYTTIG_MQTT_DEVICES_PASSWORD": PASSWORDS["devices"],
            "NYTTIG_MQTT_INGEST_PASSWORD": PASSWORDS["ingest"],
        }

    def health_check(self) -> subprocess.CompletedProcess[str]:
        services = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]
        shell = self._moved(services["mosquitto"]["healthcheck"]["test"]).replace("$$", "$")
        return subprocess.run(
            ["/bin/sh", "-c", f"{shell} -p {self.port}"],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )


@pytest.fixture
def production(tmp_path: Path) -> Iterator[Production]:
    if shutil.which("mosquitto_passwd") is None or shutil.which("mosquitto_sub") is None:
        missing("Mosquitto", "apt-get install mosquitto mosquitto-clients")
    broker = Production(tmp_path)
    broker.start()
    yield broker
    broker.kill()


class Client:
    """An MQTT 5 client that has tried to connect."""

    def __init__(self, broker: Production, user: str | None, password: str | None = None) -> None:
        self.answer = ""
        self.received: list[str] = []
        self.session_present = False
        self.paho = mqtt.Client(
            CallbackAPIVersion.VERSION2, user or "stranger", protocol=mqtt.MQTTv5, reconnect_on_failure=False
        )
        if user:
            self.paho.username_pw_set(user, password or PASSWORDS[user])
        self.paho.on_connect = self._on_connect
        self.paho.on_message = lambda _client, _data, message: self.received.append(message.payload.decode())
        kept = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
        kept.SessionExpiryInterval = 3600
        self.paho.connect("127.0.0.1", broker.port, clean_start=False, properties=kept)
        self.paho.loop_start()
        until(lambda: self.answer)

    def _on_connect(
        self, _client: object, _data: object, flags: mqtt.ConnectFlags, reason: object, _properties: object
    ) -> None:
        self.session_present = flags.session_present
        self.answer = str(reason)

    def subscribe(self, topic_filter: str) -> None:
        self.paho.subscribe(topic_filter, qos=1)
        time.sleep(0.3)

    def publish(self, topic: str, payload: str) -> None:
        self.paho.publish(topic, payload, qos=1).wait_for_publish(5)

    def leave(self) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()


def until(happened: object, seconds: float = 10) -> None:
    assert callable(happened)
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)


@pytest.mark.parametrize(("user", "password"), [(None, None), ("ingest", "wrong"), ("health", "health")])
def test_nobody_gets_in_without_a_password(
    production: Production, user: str | None, password: str | None
) -> None:
    stranger = Client(production, user, password)
    assert stranger.answer == "Not authorized"
    stranger.leave()


def test_what_arrives_while_ingest_is_away_waits_through_a_restart_of_the_broker(
    production: Production,
) -> None:
    ingest = Client(production, "ingest")
    ingest.subscribe("wt/v1/#")
    ingest.subscribe("zigbee2mqtt/#")
    ingest.leave()
    devices = Client(production, "devices")
    sent = [str(number) for number in range(1_500)]  # more than Mosquitto's own limit of 1,000
    for payload in sent:
        devices.publish("wt/v1/oslo/home-1/dispenser/event", payload)
    devices.publish("zigbee2mqtt/door", "open")
    devices.leave()

    production.stop()
    production.start()

    ingest = Client(production, "ingest")
    assert ingest.session_present
    until(lambda: len(ingest.received) == len(sent) + 1)
    assert ingest.received == [*sent, "open"]
    ingest.leave()


def test_a_home_can_neither_listen_to_another_nor_speak_outside_its_topics(production: Production) -> None:
    ingest = Client(production, "ingest")
    ingest.subscribe("wt/v1/#")
    ingest.subscribe("zigbee2mqtt/#")
    home = Client(production, "devices")
    home.subscribe("#")
    home.subscribe("$SYS/#")
    home.publish("wt/v1/oslo/home-2/door/event", "open")
    home.publish("elsewhere/door", "open")
    ingest.publish("wt/v1/oslo/home-2/door/event", "forged")
    until(lambda: ingest.received)
    time.sleep(0.5)
    assert ingest.received == ["open"]
    assert home.received == []
    home.leave()
    ingest.leave()


def test_ingest_writes_its_canary_and_nobody_else_does(production: Production) -> None:
    ingest = Client(production, "ingest")
    ingest.subscribe("wt/v1/#")
    home = Client(production, "devices")
    home.publish(canary.TOPIC, "forged")
    home.publish("wt/v1/nyttig/canary/ingest/event", "a device's")
    ingest.publish(canary.TOPIC, "canary")
    until(lambda: len(ingest.received) == 2)
    assert sorted(ingest.received) == ["a device's", "canary"]
    home.leave()
    ingest.leave()


def test_the_health_check_tells_a_living_broker_from_a_dead_one(production: Production) -> None:
    alive = production.health_check()
    assert alive.returncode == 0, alive.stderr
    production.stop()
    assert production.health_check().returncode != 0


def test_the_broker_forgets_the_passwords_once_it_has_made_its_accounts(production: Production) -> None:
    assert b"PASSWORD" not in Path(f"/proc/{production.pid}/environ").read_bytes()
    assert "ingest-password" not in (production.folder / "run/accounts").read_text()
    assert (production.folder / "run/accounts").stat().st_mode & 0o077 == 0
