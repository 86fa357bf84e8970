"""A recording sent once more: what was recorded arrives, byte for byte, in its order and in its time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from conftest import Mosquitto
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from nyttig.embedded.broker import EmbeddedBroker
from nyttig.settings import Broker, Settings
from simulators.recordings import RecordingError
from simulators.replay import Pace, Recorded, parse, replay


@contextmanager
def heard(url: str) -> Iterator[list[tuple[str, bytes]]]:
    """All messages that the broker passes on meanwhile, as topic and payload; complete when the block has ended."""
    broker, messages, subscribed, ended = Broker.from_url(url), [], Event(), Event()

    def hear(_client: Client, _userdata: object, message: MQTTMessage) -> None:
        if message.topic == "the/end":
            ended.set()
        else:
            messages.append((message.topic, bytes(message.payload)))

    client = Client(CallbackAPIVersion.VERSION2)
    client.on_message = hear
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect(broker.host, broker.port)
    client.loop_start()
    client.subscribe("#", qos=1)
    try:
        assert subscribed.wait(10)
        yield messages
        client.publish("the/end", b"", qos=1)
        assert ended.wait(10)
    finally:
        client.disconnect()
        client.loop_stop()


def write(file: Path, rows: Sequence[object]) -> Path:
    """The rows stand in the file, one JSON value a line."""
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def test_what_was_recorded_arrives_byte_for_byte_and_in_order(
    broker: Mosquitto | EmbeddedBroker, tmp_path: Path
) -> None:
    first = write(
        tmp_path / "first.jsonl",
        [
            {
                "topic": "zigbee2mqtt/Küche",
                "payload": '{"contact": false}',
                "at": "2026-11-22T07:58:03+01:00",
            },
            {"topic": "spBv1.0/home/NDATA", "payload_hex": "08d2e283ff00", "retained": False},
            {"topic": "homeassistant/sensor/a/config", "payload": "", "retained": None},
        ],
    )
    second = write(
        tmp_path / "second.jsonl", [{"topic": "t/later", "payload": "not { JSON", "note": "kept as sent"}]
    )
    progress: list[int] = []
    with heard(broker.url) as messages:
        result = replay([first, second], Settings(mqtt_url=broker.url), progress=progress.append)
    assert messages == [
        ("zigbee2mqtt/Küche", b'{"contact": false}'),
        ("spBv1.0/home/NDATA", bytes.fromhex("08d2e283ff00")),
        ("homeassistant/sensor/a/config", b""),
        ("t/later", b"not { JSON"),
    ]
    assert result == (4, 0)
    assert progress == [4]


def test_a_retained_message_is_kept_by_the_broker(mosquitto: Mosquitto, tmp_path: Path) -> None:
    rows = [
        {"topic": "a", "payload": "1", "retained": True},
        {"topic": "b", "payload": "2", "retained": False},
    ]
    replay([write(tmp_path / "a.jsonl", rows)], Settings(mqtt_url=mosquitto.url))
    with heard(mosquitto.url) as messages:
        pass
    assert messages == [("a", b"1")]


def test_a_message_without_topic_goes_to_that_of_the_grammar_or_is_counted(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    rows = [
        {"topic": None, "topic_by_grammar": "v3/app/devices/d/up", "payload": "1"},
        {"topic": None, "topic_by_grammar": "v3/app/devices/+/up", "payload": "2"},
        {"topic": None, "payload": "3"},
        {"payload": "4"},
    ]
    with heard(mosquitto.url) as messages:
        result = replay([write(tmp_path / "a.jsonl", rows)], Settings(mqtt_url=mosquitto.url))
    assert messages == [("v3/app/devices/d/up", b"1")]
    assert result == (1, 3)


@pytest.mark.parametrize(
    ("line", "value", "remedy"),
    [
        ("{nonsense", "{nonsense", "write one object a line"),
        ("[1, 2]", "[1, 2]", 'write {"topic": …, "payload": …}'),
        ('{"topic": "a"}', "payload and payload_hex", "write one of them"),
        (
            '{"topic": "a", "payload": "x", "payload_hex": "00"}',
            "payload and payload_hex",
            "write one of them",
        ),
        ('{"topic": "a", "payload": {"x": 1}}', "{'x': 1}", "write the text that was sent, as one string"),
        ('{"topic": "a", "payload_hex": "0g"}', "'0g'", "write two digits a byte"),
        ('{"topic": "a", "payload": "\\ud800"}', "'\\ud800'", "write it as payload_hex"),
        ('{"topic": "a/+", "payload": ""}', "'a/+'", "write the topic that the message was published to"),
        ('{"topic": 7, "payload": ""}', "topic 7", "write the topic that the message was published to"),
        (
            '{"topic": "a", "payload": "", "at": "2026-11-22T07:58:03"}',
            "'2026-11-22T07:58:03'",
            "with offset",
        ),
        ('{"topic": "a", "payload": "", "at": "yesterday"}', "'yesterday'", "with offset"),
        ('{"topic": "a", "payload": "", "retained": "yes"}', "'yes'", "write true or false"),
    ],
)
def test_a_line_that_cannot_be_sent_stops_the_replay_and_says_what_went_before(
    mosquitto: Mosquitto, tmp_path: Path, line: str, value: str, remedy: str
) -> None:
    file = write(tmp_path / "a.jsonl", [{"topic": "t", "payload": "1"}, {"topic": "t", "payload": "2"}])
    with file.open("a") as lines:
        lines.write(f'\n{line}\n{{"topic": "t", "payload": "3"}}\n')
    with heard(mosquitto.url) as messages, pytest.raises(RecordingError) as caught:
        replay([file], Settings(mqtt_url=mosquitto.url))
    assert str(caught.value).startswith(f"{file}, line 4: ")
    assert value in str(caught.value)
    assert remedy in str(caught.value)
    assert str(caught.value).endswith("Published before it: 2 messages.")
    assert messages == [("t", b"1"), ("t", b"2")]


def test_a_file_that_is_not_there_stops_before_anything_is_sent(mosquitto: Mosquitto, tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [{"topic": "t", "payload": "1"}])
    with heard(mosquitto.url) as messages, pytest.raises(RecordingError, match="no such file"):
        replay([file, tmp_path / "b.jsonl"], Settings(mqtt_url=mosquitto.url))
    assert messages == []


def test_with_a_speed_the_gaps_of_the_recording_are_kept(mosquitto: Mosquitto, tmp_path: Path) -> None:
    rows = [
        {"topic": "t", "payload": "1", "at": "2026-10-25T02:59:59+02:00"},
        {"topic": "t", "payload": "2", "at": "2026-10-25T02:00:29+01:00"},
        {"topic": "t", "payload": "3"},
    ]
    started = time.monotonic()
    replay([write(tmp_path / "a.jsonl", rows)], Settings(mqtt_url=mosquitto.url), speed=60)
    assert 0.5 <= time.monotonic() - started < 5


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_a_speed_that_is_none_is_refused(tmp_path: Path, speed: float) -> None:
    with pytest.raises(RecordingError, match="write a number above 0"):
        replay([], Settings(), speed=speed)


def test_the_pace_does_not_drift_and_starts_anew_where_time_goes_back() -> None:
    seconds, slept = 100.0, []

    def sleep(wait_seconds: float) -> None:
        nonlocal seconds
        slept.append(round(wait_seconds, 6))
        seconds += wait_seconds + 0.01  # a sleep that takes a little too long each time

    pace = Pace(10, clock=lambda: seconds, sleep=sleep)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for minute in (0, 1, 2, 2, 0, 3):
        pace.keep(start + timedelta(minutes=minute))
    assert slept == [6.0, 5.99, 18.0]


TOPICS = st.text(min_size=1).filter(lambda topic: not set("+#\0") & set(topic) and topic.isprintable())


@given(topic=TOPICS, payload=st.text() | st.binary(), retained=st.sampled_from([None, True, False]))
def test_any_message_survives_being_recorded(topic: str, payload: str | bytes, retained: bool | None) -> None:
    body = {"payload": payload} if isinstance(payload, str) else {"payload_hex": payload.hex()}
    line = json.dumps({"topic": topic, "retained": retained, **body}).encode()
    sent = payload.encode() if isinstance(payload, str) else payload
    assert parse(line) == Recorded(topic, sent, bool(retained), None)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
KEYS = st.sampled_from(["topic", "payload", "payload_hex", "retained", "at", "topic_by_grammar"])


@given(st.binary() | st.dictionaries(KEYS, ANYTHING).map(lambda fields: json.dumps(fields).encode()))
def test_a_line_is_a_message_or_names_no_topic_or_is_refused_in_words(line: bytes) -> None:
    refusal = None
    try:
        recorded = parse(line)
    except ValueError as error:
        recorded, refusal = None, str(error)
    assert recorded is None or recorded.topic
    assert refusal is None or "; write" in refusal


def test_every_line_of_the_real_messages_is_sent_or_counted(mosquitto: Mosquitto, shared: Path) -> None:
    files = sorted((shared / "payloads").glob("*.jsonl"))
    rows = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    topics = [row["topic"] or row.get("topic_by_grammar") for row in rows]
    sendable = [topic for topic in topics if topic and "+" not in topic]
    with heard(mosquitto.url) as messages:
        result = replay(files, Settings(mqtt_url=mosquitto.url))
    assert len(files) == 13
    assert result == (len(sendable), len(rows) - len(sendable))
    assert [topic for topic, _ in messages] == sendable
