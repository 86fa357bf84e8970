"""No bytes whatever stop ingest: each message becomes events, quarantine, or nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.batch import read
from ingest.decode import routes
from nyttig.model import Message
from nyttig.settings import Source

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ROUTES = routes([Source("nyttig", "wt/v1/#"), Source("zigbee2mqtt", "zigbee2mqtt/#")])
PAYLOADS = Path(__file__).parents[2] / "shared" / "payloads"
REASONS = {
    "unknown_topic", "unknown_device", "malformed", "not_utf8", "bad_time", "impossible_value", "oversized",
}  # fmt: skip


class EveryDevice(dict[tuple[str, str], int]):
    """A registry that knows every device, so that everything readable becomes an event."""

    def get(self, key: object, default: object = None) -> int:
        return 1


TOPICS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["wt/v1/a/h/d/event", "wt/v1/a/h/d/health", "wt/v1/a/h/d/state", "zigbee2mqtt/d", "zigbee2mqtt/d/availability",
         "zigbee2mqtt/bridge/state", "zigbee2mqtt/", "zigbee2mqtt", "wt/v1"]
    ),
)  # fmt: skip
NAMES = st.one_of(
    st.sampled_from(
        ["event_time", "boot_id", "seq", "type", "value", "unit", "origin", "state", "battery_pct", "battery_v", "fw",
         "counter", "contact", "action", "click", "battery", "voltage", "power", "last_seen", "state_l1", "linkquality"]
    ),
    st.text(max_size=5),
)  # fmt: skip
JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(), st.text(max_size=20),
        st.sampled_from(["ON", "online", "dose_taken", "citizen", "2026-11-22T06:58:03Z", "9999-12-31T23:59:59-14:00"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=8)),
    max_leaves=20,
)  # fmt: skip


def survives(topic: str, payload: bytes, *, retained: bool, redelivered: bool = False) -> None:
    message = Message(topic, payload, retained, redelivered, NOON)
    events, quarantined = read(message, ROUTES, EveryDevice())
    assert {one.reason for one in quarantined} <= REASONS
    for event in events:
        assert 0 < len(event.type) <= 128
        assert "\0" not in repr(event)
        assert event.at.tzinfo is UTC
        json.loads(event.health or "{}")
        json.loads(event.extra or "{}")


@given(TOPICS, st.binary(max_size=200), st.booleans())
@example("wt/v1/a/h/d/event", b"[" * 1024 + b"]" * 1024, False)
@example("zigbee2mqtt/d", b'{"a":' * 1023 + b"1" + b"}" * 1023, False)
def test_no_bytes_on_any_topic_stop_ingest(topic: str, payload: bytes, retained: bool) -> None:
    survives(topic, payload, retained=retained)


@given(TOPICS, JSON, st.booleans())
def test_no_json_on_any_topic_stops_ingest(topic: str, content: object, retained: bool) -> None:
    survives(topic, orjson.dumps(content), retained=retained)


@cache
def real_messages() -> list[tuple[str, bytes]]:
    lines = [line for file in sorted(PAYLOADS.glob("*.jsonl")) for line in file.read_text().splitlines()]
    rows = [json.loads(line) for line in lines]
    return [
        (row["topic"] or row.get("topic_by_grammar") or "zigbee2mqtt/d",
         bytes.fromhex(row["payload_hex"]) if "payload_hex" in row else row["payload"].encode())
        for row in rows
    ]  # fmt: skip


def test_real_messages_of_every_make_pass_on_our_topics(shared: Path) -> None:
    for topic, payload in real_messages():
        for heard_on in (topic, "zigbee2mqtt/d", "wt/v1/a/h/d/event", "wt/v1/a/h/d/state"):
            survives(heard_on, payload, retained=False)


@pytest.mark.skipif(not PAYLOADS.is_dir(), reason="the recordings are not beside this project")
@given(st.data())
def test_real_messages_damaged_on_the_way_do_not_stop_ingest(data: st.DataObject) -> None:
    _, payload = data.draw(st.sampled_from(real_messages()))
    damaged = bytearray(payload[:2000])
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(damaged)))
        match data.draw(st.sampled_from(["cut", "change", "insert", "repeat"])):
            case "cut":
                del damaged[place : place + data.draw(st.integers(1, 10))]
            case "change":
                damaged[place : place + 1] = data.draw(st.binary(min_size=1, max_size=1))
            case "insert":
                damaged[place:place] = data.draw(
                    st.sampled_from([b"[", b"{", b'"', b"null", b"1e400", b"\0", b"\xff"])
                )
            case "repeat":
                damaged += damaged[:place]
    topic = data.draw(st.sampled_from(["zigbee2mqtt/d", "wt/v1/a/h/d/event", "wt/v1/a/h/d/health"]))
    survives(topic, bytes(damaged), retained=False)
