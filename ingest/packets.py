"""MQTT packets in a stream of bytes, as far as a subscriber at QoS 1 needs them once it is connected.

paho reads a packet in four or more system calls and makes objects of its parts; that was more than half of what an
event cost. Handshake, login and TLS stay paho's. MQTT v5 and 3.1.1 (OASIS), sections 2 and 3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

PING = b"\xc0\x00"
GOODBYE = b"\xe0\x00"
GOODBYE_FOR_GOOD = b"\xe0\x07\x00\x05\x11" + bytes(4)
"""MQTT v5: with a session expiry interval of 0 (3.14.2.2.2)."""

_PUBLISH, _SUBACK, _UNSUBACK, _DISCONNECT = 0x30, 0x90, 0xB0, 0xE0


class Publish(NamedTuple):
    """A message as the broker sent it; `packet_id` is None at QoS 0."""

    topic: bytes
    payload: bytes
    retained: bool
    redelivered: bool
    packet_id: int | None


class Taken(NamedTuple):
    """What stood in the bytes: messages, the reason code of a DISCONNECT, how many bytes were used, whether a SUBACK
    among them refuses a subscription, and the packet id of the last UNSUBACK (0: there is none)."""

    messages: list[Publish]
    disconnected: int | None
    used: int
    refused: bool = False
    unsubscribed: int = 0


class MalformedPacketError(ValueError):
    """The bytes are no MQTT: the connection is of no more use."""


def take(data: bytes, *, v5: bool, limit: int) -> Taken:
    """The packets that stand whole at the beginning of `data`, at most `limit` messages.

    Packets that a subscriber needs not act on (a PINGRESP) are passed over.
    """
    messages: list[Publish] = []
    refused, unsubscribed = False, 0
    at, end = 0, len(data)
    while len(messages) < limit and end - at >= 2:
        first, length, body = data[at], data[at + 1], at + 2
        if length & 0x80:
            number = _variable(data, at + 1, end)
            if number is None:
                break
            length, body = number
        stop = body + length
        if stop > end:
            break
        kind = first & 0xF0
        if kind == _PUBLISH:
            try:
                topic_ends = body + 2 + (data[body] << 8 | data[body + 1])
                packet_id = None
                begins = topic_ends
                if first & 0x06:
                    packet_id = data[begins] << 8 | data[begins + 1]
                    begins += 2
                if v5:
                    properties = data[begins]
                    begins += 1
                    if properties & 0x80:
                        number = _variable(data, begins - 1, stop)
                        if number is None:
                            raise MalformedPacketError(
                                "the length of a message's properties runs past its end"
                            )
                        properties, begins = number
                    begins += properties
            except IndexError:
                begins = stop + 1
            if begins > stop:
                raise MalformedPacketError("a message's topic or properties run past its end")
            messages.append(
                Publish(
                    data[body + 2 : topic_ends], data[begins:stop], first & 1 == 1, first & 8 == 8, packet_id
                )
            )
        elif kind == _SUBACK:
            codes = body + 2
            number = _variable(data, codes, stop) if v5 else (0, codes)
            if number is None:
                raise MalformedPacketError("the length of a SUBACK's properties runs past its end")
            codes = number[0] + number[1]
            refused = refused or any(code >= 0x80 for code in data[codes:stop])
        elif kind == _UNSUBACK:
            unsubscribed = int.from_bytes(data[body : min(body + 2, stop)], "big")
        elif kind == _DISCONNECT:
            return Taken(messages, data[body] if length else 0, stop, refused, unsubscribed)
        at = stop
    return Taken(messages, None, at, refused, unsubscribed)


def acknowledgements(packet_ids: Iterable[int]) -> bytes:
    """A PUBACK for each packet id, in one piece."""
    return b"".join([struct.pack("!HH", 0x4002, packet_id) for packet_id in packet_ids])


def unsubscribe(topic_filters: Iterable[str], packet_id: int, *, v5: bool) -> bytes:
    """An UNSUBSCRIBE from these filters."""
    named = b"".join(struct.pack("!H", len(name)) + name for name in (one.encode() for one in topic_filters))
    body = struct.pack("!H", packet_id) + (b"\0" if v5 else b"") + named
    return b"\xa2" + _length(len(body)) + body


def _length(number: int) -> bytes:
    """The number as a variable byte integer."""
    written = bytearray()
    while number >= 0x80:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])


def _variable(data: bytes, at: int, end: int) -> tuple[int, int] | None:
    """A variable byte integer (v5, 1.5.5) and where it ends; None when it is not whole yet."""
    value = 0
    for place in range(4):
        if at + place >= end:
            return None
        value |= (data[at + place] & 0x7F) << 7 * place
        if not data[at + place] & 0x80:
            return value, at + place + 1
    raise MalformedPacketError("a packet's length has more than four bytes")


def topic_text(topic: bytes) -> str:
    """The topic as text; one that is no UTF-8 as its bytes are written. Short ones come again and are remembered."""
    return _short_text(topic) if len(topic) <= 256 else _decoded(topic)


def _decoded(topic: bytes) -> str:
    try:
        return topic.decode()
    except UnicodeDecodeError:
        return repr(topic)


_short_text = lru_cache(maxsize=65_536)(_decoded)
