"""The stream of packets from a broker, read many at once."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.packets import MalformedPacketError, Publish, acknowledgements, take, unsubscribe


def varied(number: int) -> bytes:
    found = bytearray()
    while True:
        number, seven = divmod(number, 128)
        found.append(seven | (0x80 if number else 0))
        if not number:
            return bytes(found)


def packet(message: Publish, *, v5: bool, properties: bytes = b"\0") -> bytes:
    """The message as a broker sends it (OASIS MQTT v5, 3.3)."""
    qos = 0 if message.packet_id is None else 1
    body = struct.pack("!H", len(message.topic)) + message.topic
    if message.packet_id is not None:
        body += struct.pack("!H", message.packet_id)
    body += (properties if v5 else b"") + message.payload
    return bytes([0x30 | message.redelivered << 3 | qos << 1 | message.retained]) + varied(len(body)) + body


messages = st.builds(
    Publish,
    topic=st.binary(max_size=300),
    payload=st.binary(max_size=400),
    retained=st.booleans(),
    redelivered=st.booleans(),
    packet_id=st.none() | st.integers(1, 65535),
)


def expiring() -> bytes:
    """Properties as a v5 broker may add them, long enough for a length of two bytes."""
    properties = Properties(PacketTypes.PUBLISH)
    properties.MessageExpiryInterval = 3600
    properties.UserProperty = [("home", "alna-017" * 20)]
    return bytes(properties.pack())


@given(st.lists(messages, max_size=8), st.booleans(), st.data())
def test_wherever_the_network_cuts_the_stream_every_message_comes_out_once_and_in_order(
    sent: list[Publish], v5: bool, data: st.DataObject
) -> None:
    stream = b"".join(
        packet(one, v5=v5, properties=data.draw(st.sampled_from([b"\0", expiring()]))) for one in sent
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    unread, found = b"", []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        unread += stream[begin:end]
        taken = take(unread, v5=v5, limit=1000)
        found += taken.messages
        unread = unread[taken.used :]
    assert found == sent
    assert unread == b""


@given(st.lists(messages, min_size=2, max_size=8), st.integers(1, 7))
def test_no_more_than_the_limit_is_taken_and_the_rest_is_left(sent: list[Publish], limit: int) -> None:
    stream = b"".join(packet(one, v5=True) for one in sent)
    first = take(stream, v5=True, limit=limit)
    assert first.messages == sent[:limit]
    assert take(stream[first.used :], v5=True, limit=1000).messages == sent[limit:]


@given(
    st.lists(st.text(min_size=1, max_size=300), min_size=1, max_size=8), st.integers(1, 65535), st.booleans()
)
def test_an_unsubscription_names_each_filter_and_its_answer_is_known_by_its_number(
    filters: list[str], number: int, v5: bool
) -> None:
    named = b"".join(struct.pack("!H", len(one)) + one for one in (name.encode() for name in filters))
    body = struct.pack("!H", number) + (b"\0" if v5 else b"") + named
    assert unsubscribe(filters, number, v5=v5) == b"\xa2" + varied(len(body)) + body  # OASIS MQTT v5, 3.10
    codes = b"\0" + bytes(len(filters)) if v5 else b""
    answer = b"\xb0" + varied(2 + len(codes)) + struct.pack("!H", number) + codes
    one = Publish(b"wt/v1/x", b"{}", False, False, 7)
    taken = take(packet(one, v5=v5) + answer, v5=v5, limit=10)
    assert (taken.messages, taken.unsubscribed) == ([one], number)
    assert take(packet(one, v5=v5) + answer, v5=v5, limit=1).unsubscribed == 0  # not read yet


@given(st.binary(max_size=600), st.booleans())
def test_bytes_that_are_no_mqtt_are_left_refused_or_read_but_never_break_the_reader(
    noise: bytes, v5: bool
) -> None:
    try:
        taken = take(noise, v5=v5, limit=100)
    except MalformedPacketError:
        return
    assert 0 <= taken.used <= len(noise)


def test_answers_to_pings_and_late_answers_to_subscriptions_are_passed_over() -> None:
    one = Publish(b"wt/v1/x", b"{}", False, False, 7)
    stream = b"\xd0\x00" + packet(one, v5=True) + b"\x90\x04\x00\x01\x00\x01" + b"\xd0\x00"
    taken = take(stream, v5=True, limit=10)
    assert (taken.messages, taken.disconnected, taken.used) == ([one], None, len(stream))


@pytest.mark.parametrize(
    ("goodbye", "code"), [(b"\xe0\x00", 0), (b"\xe0\x01\x8e", 142), (b"\xe0\x02\x8e\x00", 142)]
)
def test_the_reason_why_the_broker_hangs_up_is_heard(goodbye: bytes, code: int) -> None:
    one = Publish(b"wt/v1/x", b"{}", False, False, 7)
    taken = take(packet(one, v5=True) + goodbye + b"after", v5=True, limit=10)
    assert (taken.messages, taken.disconnected) == ([one], code)


@pytest.mark.parametrize(
    "broken",
    [b"\x32\x02\x00\x09", b"\x32\x05\x00\x01a\x00\x01", b"\x30\xff\xff\xff\xff\x01", b"\x32\x06\x00\x01a\x00\x01\x09"],
)  # fmt: skip
def test_a_message_that_runs_past_its_own_end_is_refused(broken: bytes) -> None:
    with pytest.raises(MalformedPacketError):
        take(broken, v5=True, limit=10)


def test_acknowledgements_go_out_in_one_piece() -> None:
    assert acknowledgements([1, 258]) == b"\x40\x02\x00\x01\x40\x02\x01\x02"
    assert acknowledgements([]) == b""
