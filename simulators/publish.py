"""The way out to a broker: messages go at least once, and no faster than the broker acknowledges."""

from __future__ import annotations

import ssl
import threading
import time
from functools import partial
from types import TracebackType
from typing import Any, Literal, Self

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from nyttig.errors import BrokerUnavailableError
from nyttig.settings import Broker

KEEPALIVE_SECONDS = 20
FIRST_RETRY_SECONDS = 0.2
LAST_RETRY_SECONDS = 5
UNSUPPORTED_PROTOCOL = "Unsupported protocol version"


class Publisher:
    """A connection to `broker` that sends and counts acknowledgements; use it as a context manager.

    Speaks MQTT v5, or 3.1.1 to a broker that knows only that. While the broker is away it reconnects by
    itself and sends again what was not acknowledged (so a message may arrive twice, marked as a duplicate).

    window: how many messages may be unacknowledged; lowered to the Receive Maximum that the broker states.
    will: topic and payload of the last will, which the broker retains and sends when the connection is lost.
    retry_seconds: how long entering, and a `publish` without any acknowledgement, wait before they give up.
    """

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        *,
        window: int = 200,
        will: tuple[str, bytes] | None = None,
        retry_seconds: float = 10.0,
    ) -> None:
        self._broker = broker
        self._client_id = client_id
        self._window = window
        self._will = will
        self._retry_seconds = retry_seconds
        self._changed = threading.Condition()
        # All below is guarded by _changed; the callbacks run in paho's thread.
        self._connected = False
        self._refusal: str | None = None
        self._rejection: str | None = None
        self._unacknowledged = 0
        self._acknowledged_total = 0
        self._client = self._make_client(MQTTProtocolVersion.MQTTv5)

    @property
    def acknowledged_total(self) -> int:
        """How many messages the broker has acknowledged."""
        with self._changed:
            return self._acknowledged_total

    def __enter__(self) -> Self:
        """Connected, and the broker has said yes.

        Raises BrokerUnavailableError naming host, port and remedy.
        """
        deadline = time.monotonic() + self._retry_seconds
        try:
            self._connect(deadline)
            if self._refusal == UNSUPPORTED_PROTOCOL:
                self._hang_up()
                self._refusal = None
                self._client = self._make_client(MQTTProtocolVersion.MQTTv311)
                self._connect(deadline)
            if self._refusal is not None:
                raise BrokerUnavailableError(
                    f"the MQTT broker at {self._address} refused the connection: {self._refusal}. "
                    "Check user and password in NYTTIG_MQTT_URL (mqtt://user:password@host:port) "
                    "and the broker's access rules."
                )
        except BaseException:
            self._hang_up()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnected; without an error everything published was acknowledged first."""
        try:
            if kind is None:
                self.drain()
        finally:
            self._hang_up()

    def publish(self, topic: str, payload: bytes, *, qos: Literal[1, 2] = 1, retain: bool = False) -> None:
        """The message is handed to the network, after waiting while `window` messages are unacknowledged.

        Raises BrokerUnavailableError when the broker acknowledged nothing for `retry_seconds` or rejected a
        message, and ValueError for a topic that cannot be published to (empty, wildcard, too long).
        """
        with self._changed:
            while self._unacknowledged >= self._window:
                before = self._acknowledged_total
                if not self._changed.wait_for(partial(self._moved_on, before), self._retry_seconds):
                    raise self._silence(self._retry_seconds)
            self._raise_rejection()
            self._unacknowledged += 1
        # Not under our lock: paho holds its own while it calls back to say that one was acknowledged.
        try:
            info = self._client.publish(topic, payload, qos, retain)
        except ValueError:
            self._forget_one()
            raise
        if info.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            self._forget_one()
            raise BrokerUnavailableError(
                f"no free message identifier towards {self._address}; use a smaller window"
            )

    def _moved_on(self, acknowledged_before: int) -> bool:
        """Whether something was acknowledged since, or there is room; to be asked under the lock."""
        return self._acknowledged_total > acknowledged_before or self._unacknowledged < self._window

    def drain(self, timeout_seconds: float = 30) -> None:
        """Everything published so far is acknowledged.

        Raises BrokerUnavailableError after `timeout_seconds`.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._unacknowledged == 0, timeout_seconds):
                raise self._silence(timeout_seconds)
            self._raise_rejection()

    @property
    def _address(self) -> str:
        return f"{self._broker.host}:{self._broker.port}"

    def _make_client(self, protocol: MQTTProtocolVersion) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, client_id=self._client_id, protocol=protocol)
        client.max_inflight_messages_set(self._window)
        client.reconnect_delay_set(1, LAST_RETRY_SECONDS)
        if self._broker.username is not None:
            client.username_pw_set(self._broker.username, self._broker.password)
        if self._broker.tls:
            client.tls_set()
        if self._will is not None:
            topic, payload = self._will
            client.will_set(topic, payload, qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        return client

    def _connect(self, deadline: float) -> None:
        """Connected or refused (see `_refusal`); raises BrokerUnavailableError when neither came in time."""
        pause_seconds = FIRST_RETRY_SECONDS
        while True:
            try:
                self._client.connect(self._broker.host, self._broker.port, keepalive=KEEPALIVE_SECONDS)
                break
            except OSError as error:
                if isinstance(error, ssl.SSLError) or time.monotonic() + pause_seconds >= deadline:
                    raise BrokerUnavailableError(f"{self._unreachable()} ({error})") from error
                time.sleep(pause_seconds)
                pause_seconds = min(2 * pause_seconds, LAST_RETRY_SECONDS)
        self._client.loop_start()
        with self._changed:
            self._changed.wait_for(
                lambda: self._connected or self._refusal is not None, max(1.0, deadline - time.monotonic())
            )
            if not self._connected and self._refusal is None:
                raise BrokerUnavailableError(
                    f"{self._address} takes connections but does not answer as an MQTT broker does. Check "
                    "the port in NYTTIG_MQTT_URL, and write mqtts:// where the broker expects TLS."
                )

    def _unreachable(self) -> str:
        if self._broker.tls:
            return (
                f"no TLS with an MQTT broker at {self._address}: NYTTIG_MQTT_URL must name its TLS port, its certificate "
                "one that this computer trusts; write mqtt:// where the broker speaks without TLS"
            )
        return (
            f"no MQTT broker answers at {self._address}: start the broker, or set NYTTIG_MQTT_URL to the "
            "address of one that runs, for example mqtt://127.0.0.1:1883"
        )

    def _hang_up(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _forget_one(self) -> None:
        with self._changed:
            self._unacknowledged -= 1
            self._changed.notify_all()

    def _silence(self, seconds: float) -> BrokerUnavailableError:
        state = "is connected" if self._connected else "is not connected"
        last = f" (last answer: {self._refusal})" if self._refusal is not None else ""
        return BrokerUnavailableError(
            f"the MQTT broker at {self._address} left {self._unacknowledged} messages unacknowledged for "
            f"{seconds:g} s; it {state}{last}. See whether the broker runs and has room on its disk, "
            "then start again."
        )

    def _raise_rejection(self) -> None:
        if self._rejection is not None:
            raise BrokerUnavailableError(
                f"the MQTT broker at {self._address} rejected a message: {self._rejection}. "
                "Give this user the right to publish to the topic, or raise the broker's limits."
            )

    def _on_connect(
        self,
        client: Client,
        _userdata: Any,
        _flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        with self._changed:
            if reason.is_failure:
                self._refusal = str(reason)
                if not self._acknowledged_total and not self._unacknowledged:
                    client.disconnect()  # refused at the door: say so instead of knocking on
            else:
                self._connected = True
                self._refusal = None
                maximum = getattr(properties, "ReceiveMaximum", None)
                if maximum is not None:
                    self._window = min(self._window, maximum)
            self._changed.notify_all()

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: Any,
        _flags: DisconnectFlags,
        _reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        with self._changed:
            self._connected = False

    def _on_publish(
        self, _client: Client, _userdata: Any, _mid: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        with self._changed:
            self._unacknowledged -= 1
            if reason.is_failure:
                self._rejection = str(reason)
            else:
                self._acknowledged_total += 1
            self._changed.notify_all()
