"""amqtt's broker, made to keep what a subscriber has not acknowledged.

amqtt 0.12 gives a QoS 1 message up when its acknowledgement takes more than 5 s or the connection ends first,
marks what it queued for an absent subscriber as retained, sends retained messages to clients that never
subscribed, stops delivering to a client that took its own session over, and forgets messages that it
acknowledged to a sender who then left. Ingest acknowledges after COMMIT and needs the opposite of all of them;
tests/test_embedded_broker.py holds this file to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import amqtt.broker
from amqtt.mqtt.connect import ConnectPacket, ConnectPayload
from amqtt.mqtt.constants import QOS_0, QOS_1
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.mqtt.puback import PubackPacket
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import OutgoingApplicationMessage

# Sent and not yet acknowledged, per subscriber; the rest waits in the session, in order.
IN_FLIGHT_MAX = 5_000

PROTOCOL_LEVEL = 4  # MQTT 3.1.1


class Handler(BrokerProtocolHandler):  # type: ignore[misc]  # amqtt ships no complete types
    """One connection. The session's queue and its messages in flight outlive it."""

    _taken_up = False  # whether what earlier connections left in flight has been sent again

    async def handle_publish(self, packet: Any) -> None:
        """The message is on its way to every subscriber before its sender hears that it arrived."""
        if packet.qos > QOS_1:
            await super().handle_publish(packet)
            return
        topic = packet.topic_name
        if not topic or topic.startswith("$") or "#" in topic or "+" in topic:
            await self.handle_connection_closed()
            return
        everyone = self.plugins_manager.context
        await everyone.broadcast_message(topic, packet.data)
        if packet.retain_flag:
            await everyone.retain_message(topic, packet.data, packet.qos)
        if packet.qos == QOS_1:
            await self._send_packet(PubackPacket.build(packet.packet_id))

    async def mqtt_publish(
        self, topic: str, data: bytes, qos: int, retain: bool, ack_timeout: int | None = None
    ) -> None:
        """The message is sent, or waits in the session for its turn."""
        if qos == QOS_0:
            await super().mqtt_publish(topic, data, qos, retain, ack_timeout)
            return
        message = OutgoingApplicationMessage(None, topic, QOS_1, data, retain)
        self.session.retained_messages.put_nowait(message)
        await self.send_waiting()

    async def send_waiting(self) -> None:
        """As many messages are in flight as may be, oldest first, behind those that are sent again."""
        session = self.session
        while (
            self._taken_up
            and len(session.inflight_out) < IN_FLIGHT_MAX
            and not session.retained_messages.empty()
        ):
            message = session.retained_messages.get_nowait()
            message.packet_id = session.next_packet_id
            session.inflight_out[message.packet_id] = message
            await self._send_packet(message.build_publish_packet())

    async def handle_puback(self, puback: Any) -> None:
        """The message has left the session, and the next one may go."""
        self.session.inflight_out.pop(puback.variable_header.packet_id, None)
        await self.send_waiting()

    async def _retry_deliveries(self) -> None:
        if not self.session.transitions.is_connected():
            self.session.transitions.connect()  # the connection that was taken over has just said goodbye
        for message in list(self.session.inflight_out.values()):
            await self._send_packet(message.build_publish_packet(dup=True))
        self._taken_up = True


amqtt.broker.BrokerProtocolHandler = Handler  # the broker cannot be told in another way


class Payload(ConnectPayload):  # type: ignore[misc]  # amqtt ships no complete types
    """What follows in a CONNECT. Of another protocol nothing is read: amqtt would take its properties for a length
    and wait for bytes that never come, instead of refusing it."""

    @classmethod
    async def from_stream(cls, reader: Any, header: Any, variable_header: Any) -> Any:
        """The payload of MQTT 3.1.1, or a stand-in for another protocol's."""
        if variable_header.proto_level == PROTOCOL_LEVEL:
            return await super().from_stream(reader, header, variable_header)
        variable_header.flags = 0
        other = cls()
        other.client_id = "of another protocol"
        return other


ConnectPacket.PAYLOAD = Payload


class Broker(amqtt.broker.Broker):  # type: ignore[misc]  # amqtt ships no complete types
    """The broker. Persistent sessions and retained messages live as long as its process."""

    def __init__(self, port: int) -> None:
        self._subscribed_now: set[tuple[str, str]] = set()
        super().__init__(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
                "plugins": {f"{Admission.__module__}.{Admission.__name__}": {}},
            }
        )

    async def add_subscription(self, subscription: tuple[str, int], session: Any) -> int:
        """The session has the subscription; returns the QoS granted, 1 at most, or 0x80 for a refusal."""
        topic_filter, qos = subscription
        granted: int = await super().add_subscription((topic_filter, min(qos, QOS_1)), session)
        if granted <= QOS_1:
            self._subscribed_now.add((session.client_id, topic_filter))
        return granted

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Any
    ) -> None:
        # amqtt also calls this for every filter anybody has, whenever a client connects.
        asked = (session.client_id, subscription[0])
        if asked in self._subscribed_now:
            self._subscribed_now.remove(asked)
            await super()._publish_retained_messages_for_subscription(subscription, session)

    async def _publish_session_retained_messages(self, session: Any) -> None:
        await self._get_handler(session).send_waiting()

    async def _retain_broadcast_message(self, broadcast: Mapping[str, Any], qos: int, session: Any) -> None:
        message = OutgoingApplicationMessage(None, broadcast["topic"], QOS_1, broadcast["data"], False)
        session.retained_messages.put_nowait(message)

    async def _handle_disconnect(self, session: Any, handler: Handler, waiter: asyncio.Future[Any]) -> None:
        if self._get_handler(session) is handler:  # else the session has moved on to a newer connection
            await super()._handle_disconnect(session, handler, waiter)


class Admission(BaseAuthPlugin):  # type: ignore[misc]  # amqtt ships no complete types
    """Everybody on loopback is let in, and may keep a session, which amqtt denies to the anonymous."""

    async def authenticate(self, *, session: Any) -> bool:
        """Always true."""
        return True
