"""The line to the broker: the only file of ingest that knows paho.

A message stays unacknowledged until `acknowledge` is called, so the broker keeps it while we do not have it safely.
Everything happens in the caller's thread; there is no loop of paho's own.
"""

from __future__ import annotations

import select
import ssl
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from nyttig.errors import BrokerUnavailableError, NyttigError
from nyttig.model import Message
from nyttig.settings import Broker

KEEPALIVE_SECONDS = 30
SESSION_EXPIRY_SECONDS = 14 * 24 * 3600
_CONNACK_SECONDS = 10.0
_TAKEN_OVER = 142  # MQTT v5 reason code "Session taken over"


class TakenOverError(NyttigError):
    """Another ingestor works under our client id; two must not share one."""

    def __init__(self, client_id: str) -> None:
        super().__init__(
            f"another ingestor works as {client_id!r}; give each ingestor its own NYTTIG_MQTT_CLIENT_ID"
        )


class Arrived(NamedTuple):
    """A message with the packet id under which it is to be acknowledged (None at QoS 0).

    Packet ids belong to a connection: `connection` counts them, so that none is acknowledged over another.
    """

    message: Message
    packet_id: int | None
    connection: int


class Subscriber:
    """A persistent QoS 1 subscription. `receive_maximum` bounds what the broker sends before acknowledgement."""

    def __init__(
        self, broker: Broker, client_id: str, topic_filters: Sequence[str], receive_maximum: int
    ) -> None:
        self._broker = broker
        self._client_id = client_id
        self._topic_filters = list(topic_filters)
        self._receive_maximum = receive_maximum
        self._client: paho.Client | None = None
        self._inbox: list[Arrived] = []
        self._connected: bool | None = None
        self._subscribed: bool | None = None
        self._lost: str | None = None
        self._protocol = paho.MQTTv5
        self._connection = 0
        self.session_present = False

    @property
    def connected(self) -> bool:
        """Whether messages can come in."""
        return self._client is not None and bool(self._connected) and bool(self._subscribed)

    def connect(self) -> None:
        """We are connected and subscribed; `session_present` says whether the broker remembered us.

        Speaks MQTT v5, and 3.1.1 to a broker that knows no v5. Raises BrokerUnavailableError.
        """
        try:
            self._connect()
        except BrokerUnavailableError:
            if self._protocol != paho.MQTTv5 or self._connected is not False:
                raise
            self._protocol = paho.MQTTv311
            try:
                self._connect()
            except BrokerUnavailableError:
                self._protocol = paho.MQTTv5
                raise

    def collect(self, limit: int, wait_seconds: float) -> list[Arrived]:
        """Messages that have arrived, waiting up to `wait_seconds` for the first, at most `limit` at once.

        Raises BrokerUnavailableError when the connection is lost; unacknowledged messages will come again.
        """
        client, inbox = self._alive(), self._inbox
        if not inbox:
            self._pump(wait_seconds)
        read = client.loop_read
        while len(inbox) < limit:
            before = len(inbox)
            read()
            if len(inbox) == before:
                break
        client.loop_misc()
        self._alive()
        taken, self._inbox = inbox[:limit], inbox[limit:]
        return taken

    def acknowledge(self, arrived: Sequence[Arrived]) -> None:
        """The broker is told that these are safe. A connection lost meanwhile shows at the next `collect`."""
        client = self._client
        if client is None:
            return
        for _, packet_id, connection in arrived:
            if packet_id is not None and connection == self._connection:
                client.ack(packet_id, 1)
        self._flush()

    def keep_alive(self, seconds: float) -> None:
        """The connection is held for a while without taking much; for waiting on the database.

        Raises BrokerUnavailableError when it is lost.
        """
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if len(self._inbox) < self._receive_maximum:
                self._pump(min(left, 1.0))
            else:
                time.sleep(min(left, 1.0))
            self._alive().loop_misc()
            self._alive()

    def close(self) -> None:
        """We are disconnected in order; the broker keeps the session and what comes meanwhile."""
        if self._client is not None:
            if self._connected:
                self._client.disconnect()
                self._flush()
            self._drop()

    def _connect(self) -> None:
        self._drop()
        self._connected = self._subscribed = self._lost = None
        self._connection += 1
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=self._protocol,
            clean_session=None if self._protocol == paho.MQTTv5 else False,
            manual_ack=True,
        )
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        client.connect_timeout = _CONNACK_SECONDS
        if self._broker.tls:
            client.tls_set_context(ssl.create_default_context())
        if self._broker.username:
            client.username_pw_set(self._broker.username, self._broker.password)
        self._client = client
        try:
            if self._protocol == paho.MQTTv5:
                properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
                properties.SessionExpiryInterval = SESSION_EXPIRY_SECONDS
                properties.ReceiveMaximum = self._receive_maximum
                client.connect(
                    self._broker.host,
                    self._broker.port,
                    KEEPALIVE_SECONDS,
                    clean_start=False,
                    properties=properties,
                )
            else:
                client.connect(self._broker.host, self._broker.port, KEEPALIVE_SECONDS)
        except (OSError, ValueError) as error:
            self._drop()
            raise self._unavailable(str(error)) from error
        deadline = time.monotonic() + _CONNACK_SECONDS
        while not (self._connected and self._subscribed):
            if self._lost is None and time.monotonic() > deadline:
                self._lost = "it accepted the connection and then said nothing"
            if self._lost is not None:
                self._connected = bool(self._connected)
                reason = self._lost
                self._drop()
                raise self._unavailable(reason)
            self._pump(0.2)
            client.loop_misc()

    def _pump(self, wait_seconds: float) -> None:
        """Reads and writes what the socket has ready, waiting up to `wait_seconds` for something."""
        assert self._client is not None
        socket = self._client.socket()
        if socket is None:
            self._lost = self._lost or "the connection was closed"
            return
        wants_write = [socket] if self._client.want_write() else []
        pending = isinstance(socket, ssl.SSLSocket) and socket.pending() > 0
        readable, writable, _ = select.select([socket], wants_write, [], 0 if pending else wait_seconds)
        if readable or pending:
            self._client.loop_read()
        if writable:
            self._client.loop_write()

    def _flush(self) -> None:
        assert self._client is not None
        deadline = time.monotonic() + 5
        while self._client.want_write() and (socket := self._client.socket()) and time.monotonic() < deadline:
            select.select([], [socket], [], 0.1)
            self._client.loop_write()

    def _alive(self) -> paho.Client:
        if self._client is None or self._lost is not None or self._client.socket() is None:
            reason = self._lost or "the connection was closed"
            self._drop()
            if reason.startswith("taken over"):
                raise TakenOverError(self._client_id)
            raise self._unavailable(reason)
        return self._client

    def _drop(self) -> None:
        """Forgets the connection and what came over it unacknowledged: the broker will send that again."""
        client, self._client, self._inbox = self._client, None, []
        if client is not None:
            client.on_disconnect = None
            socket = client.socket()
            if socket is not None:
                socket.close()

    def _unavailable(self, reason: str) -> BrokerUnavailableError:
        return BrokerUnavailableError(
            f"the broker at {self._broker.host}:{self._broker.port} cannot be used: {reason}; check NYTTIG_MQTT_URL"
        )

    def _on_connect(
        self, client: paho.Client, _data: Any, flags: paho.ConnectFlags, code: ReasonCode, _properties: Any
    ) -> None:
        self._connected = not code.is_failure
        if code.is_failure:
            self._lost = f"it refused the connection: {code}"
            return
        self.session_present = flags.session_present
        client.subscribe([(topic_filter, 1) for topic_filter in self._topic_filters])

    def _on_subscribe(
        self, _client: paho.Client, _data: Any, _mid: int, codes: list[ReasonCode], _properties: Any
    ) -> None:
        refused = [f for f, code in zip(self._topic_filters, codes, strict=True) if code.is_failure]
        self._subscribed = not refused
        if refused:
            self._lost = f"it refused the subscription to {', '.join(refused)}"

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = repr(message._topic)
        arrived = Message(topic, bytes(message.payload), message.retain, message.dup, datetime.now(UTC))
        self._inbox.append(Arrived(arrived, message.mid if message.qos == 1 else None, self._connection))

    def _on_disconnect(
        self, _client: paho.Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        if self._connected is None:
            self._connected = False
        if code.value == _TAKEN_OVER:
            self._lost = "taken over"
        else:
            self._lost = self._lost or (
                "the connection was lost"
                if code == MQTTErrorCode.MQTT_ERR_SUCCESS
                else f"the connection was lost: {code}"
            )
