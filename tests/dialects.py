"""For the tests of a dialect's decoder: recorded messages, and any others that a hostile broker may send."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from hypothesis import strategies as st

from nyttig.errors import DecodeError
from nyttig.model import Decoded, Message, Reading

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PAYLOADS = Path(__file__).parents[2] / "shared" / "payloads"
REASONS = {
    "malformed", "not_utf8", "unknown_topic", "bad_time", "impossible_value", "oversized", "not_described",
}  # fmt: skip

Decode = Callable[[Message, str], Decoded]


@cache
def recorded(name: str) -> list[dict[str, Any]]:
    """The rows of a file of real messages; none where the folder is not at hand."""
    file = PAYLOADS / f"{name}.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def sent(
    topic: str, content: Any, *, retained: bool = False, redelivered: bool = False, seconds: float = 0
) -> Message:
    """A message that arrived so many seconds after noon; what is neither bytes nor text is sent as JSON."""
    payload = (
        content
        if isinstance(content, bytes)
        else content.encode()
        if isinstance(content, str)
        else json.dumps(content).encode()
    )
    return Message(topic, payload, retained, redelivered, NOON + timedelta(seconds=seconds))


def said(decoded: Decoded) -> dict[str, float | None]:
    """The types of a message's readings and their values."""
    return {one.type: one.value for one in decoded.readings}


def one_of(decoded: Decoded, kind: str) -> Reading:
    """The only reading of that type."""
    (only,) = [one for one in decoded.readings if one.type == kind]
    return only


def assert_storable(decode: Decode, message: Message, base: str = "") -> None:
    """Whatever the message holds, it is refused with a reason or becomes readings that a database takes."""
    decoded, reason = None, None
    try:
        decoded = decode(message, base)
    except DecodeError as error:
        reason = error.reason
    if decoded is None:
        assert reason in REASONS
        return
    assert len(decoded.readings) <= 500
    for one in decoded.readings:
        assert 0 < len(one.type) <= 128
        assert 0 < len(one.address) <= 512
        assert one.value is None or math.isfinite(one.value)
        assert one.device_time is None or one.device_time.tzinfo is not None
        orjson.dumps([one.health, one.extra])
        assert "\0" not in repr((one.address, one.type, one.unit))
        if message.retained:
            assert one.type == "availability"
    for described in decoded.descriptions:
        assert 0 < len(described.address) <= 512
        assert all(len(text or "") <= 512 for text in described[1:6])


def any_messages(topics: Sequence[str], payloads: Sequence[bytes]) -> st.SearchStrategy[Message]:
    """Arbitrary bytes, arbitrary JSON, and real-shaped payloads with something in them changed, on real topics."""
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
        max_leaves=12,
    )
    damaged = st.builds(_damaged, st.sampled_from(payloads), st.randoms(use_true_random=False), values)
    as_json = values.map(lambda value: json.dumps(value).encode())
    return st.builds(
        Message,
        st.sampled_from(topics) | st.text(max_size=40),
        st.binary(max_size=60) | as_json | damaged,
        st.booleans(),
        st.booleans(),
        st.just(NOON) | st.integers(0, 200).map(lambda seconds: NOON + timedelta(seconds=seconds)),
    )


def _damaged(payload: bytes, random: Any, value: Any) -> bytes:
    """The payload with a value somewhere in it replaced, or with some bytes cut out."""
    try:
        content = json.loads(payload)
    except ValueError:
        content = None
    if not isinstance(content, dict | list) or not content or random.random() < 0.2:
        start = random.randrange(len(payload) + 1)
        return payload[:start] + payload[start + random.randrange(4) :]
    place: Any = content
    while True:
        key = random.choice(sorted(place) if isinstance(place, dict) else range(len(place)))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or random.random() < 0.3:
            place[key] = value
            return json.dumps(content).encode()
        place = inner
