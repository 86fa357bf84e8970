"""The embedded broker keeps what ingest relies on, and Mosquitto keeps the same."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import amqtt.broker
import paho.mqtt.client as mqtt
import pytest
from conftest import Mosquitto, free_port
from paho.mqtt.enums import CallbackAPIVersion

from nyttig.embedded import sessions
from nyttig.embedded.broker import EmbeddedBroker
from nyttig.errors import BrokerUnavailableError

Broker = Mosquitto | EmbeddedBroker


class Client:
    """A connected MQTT 3.1.1 client that acknowledges only when told to."""

    def __init__(self, broker: Broker, client_id: str, *, clean: bool = False) -> None:
        self.received: list[mqtt.MQTTMessage] = []
        self.acknowledges_at_once = False
        self.session_present: bool | None = None
        self._connected = threading.Event()
        self._subscribed = threading.Event()
        self.paho = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=clean,
            protocol=mqtt.MQTTv311,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        self.paho.max_inflight_messages_set(20_000)
        self.paho.on_connect = self._on_connect
        self.paho.on_subscribe = lambda *_: self._subscribed.set()
        self.paho.on_message = self._on_message
        self.paho.connect("127.0.0.1", broker.port)
        self.paho.loop_start()
        assert self._connected.wait(5)

    def _on_connect(self, _client: object, _data: object, flags: mqtt.ConnectFlags, *_: object) -> None:
        self.session_present = flags.session_present
        self._connected.set()

    def _on_message(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        self.received.append(message)
        if self.acknowledges_at_once:
            self.paho.ack(message.mid, message.qos)

    def subscribe(self, topic_filter: str) -> None:
        self._subscribed.clear()
        self.paho.subscribe(topic_filter, qos=1)
        assert self._subscribed.wait(5)

    def publish(self, topic: str, *payloads: str | bytes, retain: bool = False) -> None:
        sent = [self.paho.publish(topic, payload, qos=1, retain=retain) for payload in payloads]
        sent[-1].wait_for_publish(20)
        assert sent[-1].is_published()

    def acknowledge(self) -> None:
        for message in self.received:
            self.paho.ack(message.mid, message.qos)

    def payloads(self, count: int) -> list[str]:
        """The payloads received once there are `count` of them."""
        until(lambda: len(self.received) >= count)
        return [message.payload.decode() for message in self.received]

    def leave(self) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()

    def vanish(self) -> None:
        """The connection breaks, as when the process is killed."""
        self.paho.loop_stop()
        sock = self.paho.socket()
        assert sock is not None
        sock.close()


@contextmanager
def in_this_process(port: int) -> Iterator[EmbeddedBroker]:
    """The embedded broker on a thread, where a test may interrupt it."""
    loop = asyncio.new_event_loop()

    async def begin() -> sessions.Broker:
        broker = sessions.Broker(port)
        await broker.start()
        return broker

    running = threading.Thread(target=loop.run_forever)
    running.start()
    broker = asyncio.run_coroutine_threadsafe(begin(), loop).result(20)
    try:
        yield EmbeddedBroker(port)
    finally:
        asyncio.run_coroutine_threadsafe(broker.shutdown(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        running.join()
        loop.close()


def until(happened: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)


@contextmanager
def client(broker: Broker, client_id: str, *, clean: bool = False) -> Iterator[Client]:
    connected = Client(broker, client_id, clean=clean)
    try:
        yield connected
    finally:
        connected.leave()


def test_what_was_not_acknowledged_comes_again_marked_as_a_duplicate(broker: Broker) -> None:
    with client(broker, "sensor", clean=True) as sensor:
        ingest = Client(broker, "ingest")
        assert ingest.session_present is False
        ingest.subscribe("wt/#")
        sensor.publish("wt/a", "1", "2", "3")
        assert ingest.payloads(3) == ["1", "2", "3"]
        ingest.paho.ack(ingest.received[0].mid, 1)
        time.sleep(0.2)
        ingest.vanish()
        time.sleep(0.2)
        sensor.publish("wt/a", "4", "5")

        with client(broker, "ingest") as ingest:
            assert ingest.session_present is True
            assert ingest.payloads(4) == ["2", "3", "4", "5"]
            assert [message.dup for message in ingest.received] == [True, True, False, False]
            assert not any(message.retain for message in ingest.received)
            ingest.acknowledge()
            time.sleep(0.2)
        with client(broker, "ingest") as ingest:
            time.sleep(0.3)
            assert ingest.received == []


def test_a_message_waits_for_an_acknowledgement_as_long_as_it_takes(embedded_broker: EmbeddedBroker) -> None:
    with client(embedded_broker, "sensor", clean=True) as sensor:
        ingest = Client(embedded_broker, "ingest")
        ingest.subscribe("wt/#")
        sensor.publish("wt/a", "while the database is away")
        ingest.payloads(1)
        time.sleep(5.5)  # amqtt by itself gives up after 5 s
        ingest.vanish()
        with client(embedded_broker, "ingest") as ingest:
            assert ingest.payloads(1) == ["while the database is away"]


def test_more_messages_than_may_be_in_flight_all_arrive_once_and_in_order(broker: Broker) -> None:
    sent = [str(number) for number in range(8_000)]
    with client(broker, "ingest") as ingest, client(broker, "sensor", clean=True) as sensor:
        ingest.subscribe("wt/#")
        sensor.publish("wt/a", *sent)
        until(lambda: len(ingest.received) >= 5_000)
        ingest.acknowledges_at_once = True
        ingest.acknowledge()
        assert ingest.payloads(len(sent)) == sent


def test_what_a_sender_got_acknowledged_before_it_left_is_delivered(broker: Broker) -> None:
    sent = [str(number) for number in range(500)]
    with client(broker, "ingest") as ingest:
        ingest.subscribe("wt/#")
        with client(broker, "sensor", clean=True) as sensor:
            sensor.publish("wt/a", *sent)
        assert ingest.payloads(500) == sent


def test_a_retained_state_reaches_who_subscribes_and_nobody_else(broker: Broker) -> None:
    with (
        client(broker, "sensor", clean=True) as sensor,
        client(broker, "ingest") as ingest,
        client(broker, "bystander", clean=True) as bystander,
    ):
        ingest.subscribe("wt/#")
        sensor.publish("wt/a/state", "online", retain=True)
        assert ingest.payloads(1) == ["online"]
        assert ingest.received[0].retain is False  # it was there when it was said
        time.sleep(0.2)
        assert bystander.received == []
        bystander.subscribe("wt/+/state")
        assert bystander.payloads(1) == ["online"]
        assert bystander.received[0].retain is True


def test_the_last_will_is_published_when_a_connection_is_lost(broker: Broker) -> None:
    with client(broker, "ingest") as ingest:
        ingest.subscribe("wt/#")
        device = mqtt.Client(CallbackAPIVersion.VERSION2, "device", protocol=mqtt.MQTTv311)
        device.will_set("wt/a/state", "offline", qos=1, retain=True)
        device.connect("127.0.0.1", broker.port)
        device.loop_start()
        until(device.is_connected)
        device.loop_stop()
        sock = device.socket()
        assert sock is not None
        sock.close()
        assert ingest.payloads(1) == ["offline"]


def test_a_client_that_comes_back_before_its_old_connection_ended_goes_on_receiving(broker: Broker) -> None:
    first = Client(broker, "ingest")
    first.subscribe("wt/#")
    with client(broker, "ingest") as second, client(broker, "sensor", clean=True) as sensor:
        until(lambda: not first.paho.is_connected())
        sensor.publish("wt/a", "1")
        assert second.session_present is True
        assert second.payloads(1) == ["1"]
    first.leave()


def test_what_a_device_sends_just_as_a_session_is_taken_up_again_arrives_once_and_in_its_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Interrupted(sessions.Handler):
        """A connection at whose beginning, each time, a device has something to say."""

        async def mqtt_connack_authorize(self, authorize: bool) -> None:
            await super().mqtt_connack_authorize(authorize)
            if self.session.client_id == "ingest":
                await self.plugins_manager.context.broadcast_message("wt/a", b"meanwhile")
                await asyncio.sleep(0.05)

    monkeypatch.setattr(amqtt.broker, "BrokerProtocolHandler", Interrupted)
    with in_this_process(free_port()) as broker, client(broker, "sensor", clean=True) as sensor:
        with client(broker, "ingest") as ingest:
            ingest.subscribe("wt/#")
        sensor.publish("wt/a", "1", "2")
        with client(broker, "ingest") as ingest:
            ingest.payloads(3)
            time.sleep(0.3)
            assert ingest.payloads(3) == ["1", "2", "meanwhile"]


def test_a_payload_of_ten_megabytes_arrives_whole(broker: Broker) -> None:
    with client(broker, "ingest") as ingest, client(broker, "sensor", clean=True) as sensor:
        ingest.subscribe("wt/#")
        sensor.publish("wt/a", b"x" * 10_000_000)
        assert len(ingest.payloads(1)[0]) == 10_000_000


def test_the_embedded_broker_refuses_mqtt_5_with_a_reason_that_clients_understand(
    embedded_broker: EmbeddedBroker,
) -> None:
    refusals: list[str] = []
    modern = mqtt.Client(
        CallbackAPIVersion.VERSION2, "modern", protocol=mqtt.MQTTv5, reconnect_on_failure=False
    )
    modern.on_connect = lambda _client, _data, _flags, reason, _properties: refusals.append(str(reason))
    modern.connect("127.0.0.1", embedded_broker.port)
    modern.loop_start()
    until(lambda: bool(refusals))
    modern.loop_stop()
    assert refusals == ["Unsupported protocol version"]


def test_a_taken_port_is_named_with_the_remedy(embedded_broker: EmbeddedBroker) -> None:
    other = EmbeddedBroker(embedded_broker.port)
    with pytest.raises(BrokerUnavailableError, match=rf"port {embedded_broker.port} .* taken .*--mqtt-port"):
        other.start()


def test_the_broker_never_outlives_an_owner_that_was_killed() -> None:
    script = (
        "import sys, time; from nyttig.embedded.broker import EmbeddedBroker\n"
        "broker = EmbeddedBroker(int(sys.argv[1])); broker.start(); print('up', flush=True); time.sleep(60)"
    )
    port = free_port()
    with subprocess.Popen([sys.executable, "-c", script, str(port)], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"up\n"
        os.kill(owner.pid, signal.SIGKILL)

    def is_free() -> bool:
        try:
            with EmbeddedBroker(port):
                return True
        except BrokerUnavailableError:
            return False

    until(is_free)
