"""Nyttig's own messages, read: what they say, and what is wrong with those that cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from ingest.batch import read
from ingest.decode import MESSAGE_BYTES_MAX, decode, route_of, routes
from nyttig.errors import DecodeError, SettingsError
from nyttig.model import Decoded, Message, Reading
from nyttig.settings import Source

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ROUTES = routes([Source("nyttig", "wt/v1/#"), Source("zigbee2mqtt", "zigbee2mqtt/#")])


def message(content: Any, channel: str = "event", *, retained: bool = False) -> Message:
    payload = content if isinstance(content, bytes) else orjson.dumps(content)
    return Message(f"wt/v1/alna/h1/d1/{channel}", payload, retained, False, NOON)


def said(content: Any, channel: str = "event", *, retained: bool = False) -> Decoded:
    sent = message(content, channel, retained=retained)
    route, base = route_of(sent.topic, ROUTES)
    return decode(sent, route, base)


def reading(content: Any, channel: str = "event", *, retained: bool = False) -> Reading:
    """The one reading that the message makes."""
    decoded = said(content, channel, retained=retained)
    assert not decoded.flaws
    (only,) = decoded.readings
    return only


def refusal(content: Any, channel: str = "event") -> tuple[str, str]:
    """The reason for which the message goes to quarantine, and its detail."""
    events, quarantined = read(message(content, channel), ROUTES, {("nyttig", "d1"): 1})
    assert not events
    (only,) = quarantined
    return only.reason, only.detail


DOSE = {
    "event_time": "2026-11-22T07:58:03.120+01:00", "boot_id": "b7", "seq": 4182, "type": "dose_taken",
    "value": 1, "unit": "dose", "origin": "citizen",
}  # fmt: skip


def test_the_contracts_example_is_read_word_by_word() -> None:
    assert reading(DOSE) == Reading(
        "nyttig", "d1", "dose_taken", 1.0, "dose", datetime(2026, 11, 22, 6, 58, 3, 120_000, UTC),
        "b7", 4182, None, "citizen", None, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("event_time", "means"),
    [
        ("2026-11-22T07:58:03+01:00", datetime(2026, 11, 22, 6, 58, 3, tzinfo=UTC)),
        ("2026-11-22T06:58:03Z", datetime(2026, 11, 22, 6, 58, 3, tzinfo=UTC)),
        ("2026-11-22T06:58:03.5-03:30", datetime(2026, 11, 22, 10, 28, 3, 500_000, UTC)),
        (1795330683120, datetime(2026, 11, 22, 6, 58, 3, 120_000, UTC)),
        (None, None),
    ],
)
def test_a_time_has_an_offset_or_counts_milliseconds(event_time: Any, means: datetime | None) -> None:
    assert reading(DOSE | {"event_time": event_time}).device_time == means


@pytest.mark.parametrize(
    "event_time",
    ["2026-11-22T07:58:03", "2026-11-22", "yesterday", "", True, [1], {}, 1e300, 2**63, -(2**63),
     "2026-02-30T12:00:00Z", "0001-01-01T00:00:00+14:00", "1795330683120"],
)  # fmt: skip
def test_a_time_without_offset_or_beyond_the_calendar_is_refused_by_name(event_time: Any) -> None:
    reason, detail = refusal(DOSE | {"event_time": event_time})
    assert reason == "bad_time"
    assert detail.startswith("event_time: ")


def test_the_remedy_for_a_local_time_is_shown() -> None:
    assert (
        "has no offset; write 2026-11-22T07:58:03+01:00"
        in refusal(DOSE | {"event_time": "2026-11-22T07:58:03"})[1]
    )


@pytest.mark.parametrize(("sent", "value"), [(True, 1.0), (False, 0.0), (2, 2.0), (0.5, 0.5), (None, None)])
def test_a_value_is_a_number_and_a_boolean_is_one_too(sent: Any, value: float | None) -> None:
    assert reading(DOSE | {"value": sent}).value == value


def test_a_boot_may_be_a_number_and_both_may_be_missing() -> None:
    assert reading(DOSE | {"boot_id": 7}).boot_id == "7"
    unnumbered = reading({"type": "dose_taken"})
    assert (unnumbered.boot_id, unnumbered.seq, unnumbered.device_time) == (None, None, None)


def test_unknown_fields_are_kept() -> None:
    assert reading(DOSE | {"drawer": 3, "nested": {"a": [1]}}).extra == {"drawer": 3, "nested": {"a": [1]}}
    assert reading({"battery_pct": 80, "drawer": 3}, "health").extra == {"drawer": 3}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"type": None}, "type: None is not a short text"),
        ({"type": ""}, "type: '' is not a short text"),
        ({"type": 7}, "type: 7 is not a short text"),
        ({"type": "x" * 129}, "is not a short text"),
        ({"type": "health"}, "type: 'health' is a channel's name"),
        ({"type": "state"}, "type: 'state' is a channel's name"),
        ({"value": "1"}, "value: '1' is not a number"),
        ({"value": [1]}, "value: [1] is not a number"),
        ({"unit": 5}, "unit: 5 is not a short text"),
        ({"unit": "x" * 129}, "is not a short text"),
        ({"origin": "visitor"}, "origin: 'visitor' is none of auto, citizen"),
        ({"origin": None}, "origin: None is none of"),
        ({"origin": ["citizen"]}, "origin: ['citizen'] is none of"),
        ({"origin": {}}, "origin: {} is none of"),
        ({"boot_id": None}, "boot_id: None is not a short text; seq counts within a boot_id"),
        ({"boot_id": ""}, "boot_id: '' is not a short text"),
        ({"boot_id": True}, "boot_id: True is not a short text"),
        ({"boot_id": "x" * 129}, "is not a short text"),
        ({"seq": None}, "seq: None is not a whole number"),
        ({"seq": -1}, "seq: -1 is not a whole number"),
        ({"seq": 1.5}, "seq: 1.5 is not a whole number"),
        ({"seq": True}, "seq: True is not a whole number"),
        ({"seq": 2**63 - 1}, "is not a whole number"),
        ({"seq": 2**64 - 1}, "is not a whole number"),
    ],
)
def test_an_event_with_an_impossible_field_is_malformed_and_the_field_is_named(
    change: dict[str, Any], says: str
) -> None:
    reason, detail = refusal(DOSE | change)
    assert reason == "malformed"
    assert says in detail


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"{", b"hello", b"12", b'"text"', b"null", b"NaN", b'{"type": "dose_taken", "value": 1e400}',
        b'{"type": "dose_taken", "value": ' + b"9" * 400 + b"}", b"[" * 300 + b"]" * 300,
        b'{"type": "dose_taken", "deep": ' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"type": ' + b"[" * 1020 + b"]" * 1020 + b"}",
    ],
    ids=lambda payload: payload[:20].decode(),
)  # fmt: skip
def test_what_is_no_json_object_is_malformed(payload: bytes) -> None:
    assert refusal(payload)[0] == "malformed"


@pytest.mark.parametrize("payload", [b'{"type": "dose\\u0000taken"}', b'{"type": "dose\0"}', b"\0"])
def test_a_nul_character_which_no_database_holds_is_malformed(payload: bytes) -> None:
    reason, detail = refusal(payload)
    assert reason == "malformed"
    assert "NUL" in detail


def test_another_encoding_is_told_from_bad_json() -> None:
    assert refusal('{"type": "dør"}'.encode("latin-1"))[0] == "not_utf8"


def test_a_message_above_the_limit_is_oversized() -> None:
    padded = orjson.dumps(DOSE) + b" " * MESSAGE_BYTES_MAX
    reason, detail = refusal(padded)
    assert reason == "oversized"
    assert str(len(padded)) in detail


def test_an_array_is_as_many_events() -> None:
    decoded = said([DOSE, DOSE | {"seq": 4183}])
    assert [one.seq for one in decoded.readings] == [4182, 4183]


def test_one_bad_element_of_an_array_does_not_take_the_good_ones_along() -> None:
    bad = DOSE | {"seq": "x"}
    events, quarantined = read(message([DOSE, bad, 5, DOSE | {"seq": 4183}]), ROUTES, {("nyttig", "d1"): 1})
    assert [event.seq for event in events] == [4182, 4183]
    assert [(one.reason, one.payload) for one in quarantined] == [
        ("malformed", orjson.dumps(bad)),
        ("malformed", b"5"),
    ]


def test_an_empty_array_says_nothing() -> None:
    assert said([]) == Decoded([], [])


def test_a_retained_event_is_the_brokers_memory_and_says_nothing() -> None:
    assert said(DOSE, retained=True) == Decoded([], [])


def test_health_facts_are_read() -> None:
    sent = {"boot_id": "b7", "seq": 1, "battery_pct": 81, "battery_v": 2.9, "rssi_dbm": -70, "uptime_s": 5,
            "fw": "1.2", "counter": 9}  # fmt: skip
    one = reading(sent, "health")
    assert one.type == "health"
    assert one.health == {"battery_pct": 81, "battery_v": 2.9, "rssi_dbm": -70, "uptime_s": 5, "fw": "1.2",
                          "counter": 9}  # fmt: skip
    assert (one.boot_id, one.seq) == ("b7", 1)


def test_a_health_message_without_facts_is_still_proof_of_life() -> None:
    assert reading({}, "health") == Reading("nyttig", "d1", "health")


@pytest.mark.parametrize("fact", [{"battery_pct": 101}, {"battery_pct": -1}, {"battery_v": -0.1}])
def test_a_battery_fuller_than_full_is_impossible(fact: dict[str, Any]) -> None:
    assert refusal(fact, "health")[0] == "impossible_value"


def test_a_battery_that_is_no_number_is_malformed() -> None:
    assert refusal({"battery_pct": "full"}, "health")[0] == "malformed"


@pytest.mark.parametrize("content", [{"state": "offline"}, b"offline", b" offline\n"])
def test_the_last_will_says_that_the_connection_is_lost(content: Any) -> None:
    one = reading(content, "state")
    assert (one.type, one.value) == ("state", 0.0)


def test_a_device_that_connects_says_so() -> None:
    one = reading({"state": "online", "event_time": "2026-11-22T06:58:03Z"}, "state")
    assert (one.type, one.value, one.device_time) == (
        "state", 1.0, datetime(2026, 11, 22, 6, 58, 3, tzinfo=UTC),
    )  # fmt: skip
    assert one.message_id == "online"  # said again with the same time, it is the same message


def test_a_retained_state_is_kept_as_availability_which_proves_no_life() -> None:
    untimed = reading({"state": "online"}, "state", retained=True)
    assert (untimed.type, untimed.value, untimed.message_id) == ("availability", 1.0, None)
    timed = reading({"state": "offline", "event_time": 1795330683120}, "state", retained=True)
    assert timed.message_id == "offline"  # the same memory at each new connection


@pytest.mark.parametrize("content", [b"", b"gone", {"state": "asleep"}, {"state": ["online"]}, [], 5])
def test_any_other_state_is_malformed(content: Any) -> None:
    assert refusal(content, "state")[0] == "malformed"


@pytest.mark.parametrize(
    "topic",
    ["wt/v1/alna/h1/d1", "wt/v1/alna/h1/d1/event/x", "wt/v1/alna//d1/event", "wt/v1/alna/h1/d1/light",
     "wt/v1", "wt/v2/alna/h1/d1/event", "other", ""],
)  # fmt: skip
def test_a_topic_outside_the_grammar_is_unknown(topic: str) -> None:
    events, quarantined = read(Message(topic, b"{}", False, False, NOON), ROUTES, {})
    assert not events
    assert [one.reason for one in quarantined] == ["unknown_topic"]


def test_an_event_of_an_unknown_device_is_kept_with_the_remedy() -> None:
    events, quarantined = read(message(DOSE), ROUTES, {})
    assert not events
    (only,) = quarantined
    assert (only.reason, only.dialect, only.received_at) == ("unknown_device", "nyttig", NOON)
    assert only.payload == orjson.dumps(DOSE)
    assert "no nyttig device has the address 'd1'; register it and replay" in only.detail


def test_the_brokers_memory_of_an_unknown_device_is_left_to_come_again() -> None:
    assert read(message({"state": "online"}, "state", retained=True), ROUTES, {}) == ([], [])


def test_a_source_with_an_unknown_dialect_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(SettingsError, match=r"'morse'; known: chirpstack, .*nyttig, .*zigbee2mqtt"):
        routes([Source("morse", "m/#")])


def test_a_filter_may_end_with_a_level_of_any_name() -> None:
    one = routes([Source("zigbee2mqtt", "homes/+/zigbee2mqtt/#"), Source("nyttig", "exact/topic")])
    assert route_of("homes/h1/zigbee2mqtt/door", one)[1] == "homes/h1/zigbee2mqtt"
    assert route_of("exact/topic", one)[0].dialect == "nyttig"
    with pytest.raises(DecodeError, match="NYTTIG_MQTT_SOURCES"):
        route_of("exact/topic/below", one)


# Both times


def event_at(device_time: Any) -> Any:
    events, _ = read(message(DOSE | {"event_time": device_time}), ROUTES, {("nyttig", "d1"): 1})
    return events[0]


def test_an_event_counts_for_the_devices_time_and_keeps_ours() -> None:
    event = event_at("2026-11-22T11:59:00Z")
    assert (event.at, event.received_at, event.late, event.clock_fault) == (
        NOON - timedelta(minutes=1), NOON, False, None,
    )  # fmt: skip


def test_an_event_older_than_ten_minutes_is_late() -> None:
    assert not event_at("2026-11-22T11:50:00Z").late
    assert event_at("2026-11-22T11:49:59Z").late


@pytest.mark.parametrize(
    ("device_time", "fault"), [("2026-11-22T12:05:01Z", "future"), ("1970-01-01T00:00:10Z", "past")]
)
def test_an_impossible_clock_is_flagged_and_kept_as_sent(device_time: str, fault: str) -> None:
    event = event_at(device_time)
    assert (event.at, event.clock_fault, event.late) == (NOON, fault, False)
    assert event.device_time == datetime.fromisoformat(device_time)


def test_a_clock_five_minutes_ahead_is_believed() -> None:
    event = event_at("2026-11-22T12:05:00Z")
    assert (event.at, event.clock_fault) == (NOON + timedelta(minutes=5), None)
