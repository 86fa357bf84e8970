"""The line to the broker: the only file of ingest that knows paho.

A message stays unacknowledged until `acknowledge` is called, so the broker keeps it while we do not have it safely.
Everything happens in the caller's thread; there is no loop of paho's own. paho connects, logs in and subscribes; the
stream of messages after that is read here, many at once.
"""

from __future__ import annotations

import select
import ssl
import time
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from socket import socket as Socket  # noqa: N812  # a type, beside variables of that name
from typing import Any, NamedTuple, NoReturn, cast

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ingest.decode import own_filter
from ingest.packets import (
    GOODBYE,
    GOODBYE_FOR_GOOD,
    PING,
    MalformedPacketError,
    acknowledgements,
    take,
    topic_text,
    unsubscribe,
)
from nyttig.errors import BrokerUnavailableError, NyttigError
from nyttig.model import Message
from nyttig.settings import Broker

KEEPALIVE_SECONDS = 30
BYTES_AT_ONCE = 1 << 20
BYTES_HELD_MAX = 4 << 20
"""No more than about this is taken from the broker before its turn comes, as while the database is away; it keeps
the rest."""
BATCH_BYTES_MAX = 2 << 20
"""Of payload that `collect` gives out at once, unless one message alone is larger."""
SESSION_EXPIRY_SECONDS = 14 * 24 * 3600
_CONNACK_SECONDS = 10.0
_TAKEN_OVER = 142  # MQTT v5 reason code "Session taken over"
_TAKEN_OVER_TEXT = "another client has taken the session over"


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
        self._unread = b""
        self._inbox_bytes = 0  # of what came during the handshake
        self._heard_at = self._said_at = 0.0
        self._keepalive_seconds = float(KEEPALIVE_SECONDS)
        self._unsubscribed = 0  # the number of the UNSUBSCRIBE that the broker answered last
        self._forgetting = False
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
        """Messages that have arrived, waiting up to `wait_seconds` for the first, at most `limit` at once, and no more
        than fit into BATCH_BYTES_MAX.

        Raises BrokerUnavailableError when the connection is lost; unacknowledged messages will come again.
        """
        self._require_alive()
        if len(self._inbox) < limit:
            self._parse(limit)
        if not self._inbox or (len(self._inbox) < limit and self._bytes_held() < BYTES_HELD_MAX):
            self._read(0.0 if self._inbox else wait_seconds, BYTES_AT_ONCE)
            self._parse(limit)
        self._ping_when_due()
        if not self._inbox:
            self._require_alive()  # what was read before the connection was lost is still worth committing
        sizes = list(accumulate(len(item.message.payload) for item in self._inbox[:limit]))
        fitting = max(1, bisect_right(sizes, BATCH_BYTES_MAX))
        taken, self._inbox = self._inbox[:fitting], self._inbox[fitting:]
        return taken

    def waiting(self) -> int:
        """How many messages have come that `collect` has not given out yet; at least, where they are large ones."""
        if self._bytes_held() < BYTES_HELD_MAX:
            self._read(0.0, BYTES_AT_ONCE)
        if self._bytes_held() - len(self._unread) < BYTES_HELD_MAX:
            self._parse(self._receive_maximum - len(self._inbox))
        return len(self._inbox)

    @property
    def window(self) -> int | None:
        """How many messages the broker may send before they are acknowledged; None: MQTT 3.1.1 knows no bound."""
        return self._receive_maximum if self._protocol == paho.MQTTv5 else None

    def acknowledge(self, arrived: Sequence[Arrived]) -> None:
        """The broker is told that these are safe. A connection lost meanwhile shows at the next `collect`."""
        self._send(
            acknowledgements(
                packet_id
                for _, packet_id, connection in arrived
                if packet_id is not None and connection == self._connection
            )
        )

    def keep_alive(self, seconds: float) -> None:
        """The connection is held for a while without taking much; for waiting on the database.

        Raises BrokerUnavailableError when it is lost.
        """
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if len(self._unread) < BYTES_HELD_MAX:
                self._read(min(left, 1.0), BYTES_AT_ONCE)
            else:
                self._heard_at = time.monotonic()  # we do not listen, so silence means nothing
                time.sleep(min(left, 1.0))
            self._ping_when_due()
            self._require_alive()

    def remainder(self, limit: int, number: int) -> list[Arrived]:
        """More of what a session that we leave still holds, at most `limit`; nothing, once all has been acknowledged.

        `number` is another one at each call. Raises BrokerUnavailableError.
        """
        filters = {*self._topic_filters, *map(own_filter, self._topic_filters)}
        self._send(unsubscribe(sorted(filters), number, v5=self._protocol == paho.MQTTv5))
        # Answered in turn: whatever our acknowledgements set free comes before the answer to this.
        arrived: list[Arrived] = []
        while not arrived and self._unsubscribed != number:
            arrived = self.collect(limit, 1.0)
        return arrived

    def leave(self) -> None:
        """We are disconnected, and the broker keeps nothing of us. Raises BrokerUnavailableError."""
        if self._protocol == paho.MQTTv5:
            self._send(GOODBYE_FOR_GOOD)
            self._require_alive()
            deadline = time.monotonic() + _CONNACK_SECONDS
            while self._lost is None:  # until it hangs up, which it does when it has done so
                if time.monotonic() > deadline:
                    self._give_up("it did not take our leave")
                self._read(0.2, BYTES_AT_ONCE)
                self._unread = b""
            self._drop()
            return
        self._forgetting = True  # MQTT 3.1.1 ends a session by beginning another that is not kept
        try:
            self._connect()
            self.close()
        finally:
            self._forgetting = False

    def close(self) -> None:
        """We are disconnected in order; the broker keeps the session and what comes meanwhile."""
        if self.connected:
            self._send(GOODBYE)
        self._drop()

    def _connect(self) -> None:
        self._drop()
        self._connected = self._subscribed = self._lost = None
        self._inbox_bytes = 0
        self._connection += 1
        self._keepalive_seconds = KEEPALIVE_SECONDS
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=self._protocol,
            clean_session=None if self._protocol == paho.MQTTv5 else self._forgetting,
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
                self._give_up(self._lost)
            self._pump(0.2)
            client.loop_misc()
            if self.session_present and self._inbox_bytes > BYTES_HELD_MAX:
                self._subscribed = (
                    True  # the session brings its backlog first; the answer to us comes behind it
                )
        # From here on the stream is ours: what paho read was whole packets, and it has nothing left to send.
        self._unread = b""
        self._heard_at = self._said_at = time.monotonic()

    def _bytes_held(self) -> int:
        """Of what has been read and not been given out."""
        return len(self._unread) + sum(len(item.message.payload) for item in self._inbox)

    def _pump(self, wait_seconds: float) -> None:
        """The handshake goes on: paho reads and writes what the socket has ready, waiting up to `wait_seconds`."""
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

    def _read(self, wait_seconds: float, bytes_max: int) -> None:
        """What the socket has ready, up to about `bytes_max`, stands in `_unread`."""
        socket = self._socket()
        if socket is None:
            return
        if not (isinstance(socket, ssl.SSLSocket) and socket.pending()):
            readable, _, _ = select.select([socket], [], [], wait_seconds)
            if not readable:
                return
        parts, size = [self._unread], 0
        try:
            while size < bytes_max:
                part = socket.recv(bytes_max)
                if not part:
                    self._lost = self._lost or "the broker closed it"
                    break
                parts.append(part)
                size += len(part)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass  # that was all for now
        except OSError as error:
            self._lost = self._lost or str(error)
        if size:
            self._heard_at = time.monotonic()
        self._unread = b"".join(parts)

    def _parse(self, limit: int) -> None:
        """Up to `limit` messages have moved from `_unread` to the inbox, each a microsecond after the one before it."""
        try:
            taken = take(self._unread, v5=self._protocol == paho.MQTTv5, limit=limit)
        except MalformedPacketError as error:
            self._lost = self._lost or str(error)
            return
        self._unread = self._unread[taken.used :]
        now, connection = datetime.now(UTC), self._connection
        for place, (topic, payload, retained, redelivered, packet_id) in enumerate(taken.messages):
            message = Message(
                topic_text(topic), payload, retained, redelivered, now + timedelta(microseconds=place)
            )
            self._inbox.append(Arrived(message, packet_id, connection))
        if taken.refused:
            self._lost = f"it refused a subscription to {', '.join(self._topic_filters)}"
        self._unsubscribed = taken.unsubscribed or self._unsubscribed
        if taken.disconnected is not None:
            self._lost = (
                _TAKEN_OVER_TEXT
                if taken.disconnected == _TAKEN_OVER
                else f"it hung up ({taken.disconnected})"
            )

    def _send(self, data: bytes) -> None:
        """The broker has been sent `data`, or the connection is lost."""
        socket, left = self._socket(), memoryview(data)
        while socket is not None and left:
            try:
                left = left[socket.send(left) :]
                self._said_at = time.monotonic()
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                if not select.select([], [socket], [], self._keepalive_seconds)[1]:
                    self._lost = self._lost or "it takes nothing any more"
                    return
            except OSError as error:
                self._lost = self._lost or str(error)
                return

    def _ping_when_due(self) -> None:
        """The broker hears from us at least every half keepalive; who does not answer that is lost."""
        now = time.monotonic()
        if now - self._heard_at > 1.5 * self._keepalive_seconds:
            self._lost = self._lost or f"nothing was heard for {1.5 * self._keepalive_seconds:.0f} s"
        elif now - self._said_at > self._keepalive_seconds / 2:
            self._send(PING)

    def _socket(self) -> Socket | None:
        return None if self._client is None else cast("Socket | None", self._client.socket())

    def _require_alive(self) -> None:
        if self._client is None or self._lost is not None or self._client.socket() is None:
            self._give_up(self._lost or "the connection was closed")

    def _give_up(self, reason: str) -> NoReturn:
        self._drop()
        if reason == _TAKEN_OVER_TEXT:
            raise TakenOverError(self._client_id)
        raise self._unavailable(reason)

    def _drop(self) -> None:
        """Forgets the connection and what came over it unacknowledged: the broker will send that again."""
        client, self._client, self._inbox, self._unread = self._client, None, [], b""
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
        self, client: paho.Client, _data: Any, flags: paho.ConnectFlags, code: ReasonCode, properties: Any
    ) -> None:
        self._connected = not code.is_failure
        if code.is_failure:
            self._lost = f"it refused the connection: {code}"
            return
        if self._forgetting:
            self._subscribed = True  # for as long as it lasts
            return
        self.session_present = flags.session_present
        # A broker may want to hear from us more often than we meant to be heard (v5, 3.2.2.3.14); 0: never mind.
        self._keepalive_seconds = getattr(properties, "ServerKeepAlive", 0) or KEEPALIVE_SECONDS
        if unshared := [shared for f in self._topic_filters if (shared := own_filter(f)) != f]:
            # A session keeps its subscriptions: one from before the filter was shared would bring all of it again.
            client.unsubscribe(unshared)
        client.subscribe([(topic_filter, 1) for topic_filter in self._topic_filters])

    def _on_subscribe(
        self, _client: paho.Client, _data: Any, _mid: int, codes: list[ReasonCode], _properties: Any
    ) -> None:
        refused = [f for f, code in zip(self._topic_filters, codes, strict=True) if code.is_failure]
        self._subscribed = not refused
        if refused:
            self._lost = f"it refused the subscription to {', '.join(refused)}"

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        """What came before the handshake was over."""
        self._inbox_bytes += len(message.payload)
        arrived = Message(
            topic_text(message._topic), bytes(message.payload), message.retain, message.dup, datetime.now(UTC)
        )
        self._inbox.append(Arrived(arrived, message.mid if message.qos == 1 else None, self._connection))

    def _on_disconnect(
        self, _client: paho.Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        if self._connected is None:
            self._connected = False
        if code.value == _TAKEN_OVER:
            self._lost = _TAKEN_OVER_TEXT
        else:
            self._lost = self._lost or (
                "the connection was lost"
                if code == MQTTErrorCode.MQTT_ERR_SUCCESS
                else f"the connection was lost: {code}"
            )
