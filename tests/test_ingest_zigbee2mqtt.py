"""Zigbee2MQTT's messages, read as a reader of its documentation reads them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dialects import recorded
from hearing import NOON, Listener
from zigbee_bridge import BATTERY, CONTACT, VOLTAGE, device, info

from ingest.batch import read
from ingest.decode import routes
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Message, Reading
from nyttig.settings import Source

SOURCES = [Source("zigbee2mqtt", "zigbee2mqtt/#"), Source("zigbee2mqtt", "zigbee2mqtt-beneden/#")]

UNITS = {
    "temperature": "°C",
    "humidity": "%",
    "illuminance": "lx",
    "power": "W",
    "current": "A",
    "energy": "kWh",
}
SWITCHED = {"contact", "occupancy", "presence", "tamper"}
LEFT_OUT = {
    "lock_state": "says the same as `state`, which is read",
    "illuminance_lux": "the same light as `illuminance`, in devices before Zigbee2MQTT 2.0",
    "device_temperature": "the temperature of the chip, which says nothing about a home",
    "consumption": "an old name of `energy`, which comes beside it",
    "angle": "how a cube was turned: no figure needs it",
    "target_distance": "a radar's noise",
}
"""What `expect` names and we do not read, and why."""


def listening() -> Listener:
    return Listener(SOURCES, "zigbee2mqtt/")


def said(name: str, content: Any, *, retained: bool = False) -> Decoded:
    """The message as one reads it who has heard no other."""
    return listening().said(name, content, retained=retained)


def types(name: str, content: Any) -> dict[str, float | None]:
    return listening().values(name, content)


# Real messages


def rows() -> list[dict[str, Any]]:
    return recorded("zigbee2mqtt")


def real(number: int, *, retained: bool) -> Message:
    row = rows()[number]
    return Message(row["topic"] or row["topic_by_grammar"], row["payload"].encode(), retained, False, NOON)


def of_kind(wanted: Callable[[dict[str, Any]], bool]) -> list[int]:
    return [number for number, row in enumerate(rows()) if wanted(row["expect"])]


def read_real(number: int, *, retained: bool = False) -> Decoded:
    return listening().hear(real(number, retained=retained))


def test_all_recorded_messages_are_there(shared: Path) -> None:
    assert len(rows()) == 140
    assert len(of_kind(lambda expect: "kind" not in expect)) == 94


@pytest.mark.parametrize("number", of_kind(lambda expect: "kind" not in expect))
def test_a_real_devices_message_says_what_its_reader_understood(number: int) -> None:
    expect = rows()[number]["expect"]
    decoded = read_real(number)
    assert not decoded.flaws
    first = decoded.readings[0]
    topic = rows()[number]["topic"] or rows()[number]["topic_by_grammar"]
    said = {one.type: one for one in decoded.readings}
    health = first.health or {}

    assert {one.address for one in decoded.readings} == {topic}
    expected_time = time_expected(expect["timestamp"])
    assert {one.device_time for one in decoded.readings} == {expected_time}
    assert all((one.message_id is None) == (expected_time is None) for one in decoded.readings)
    assert health.get("battery_pct") == expect.get("battery_pct")
    assert health.get("battery_low") == expect.get("battery_low")
    assert health.get("link_quality") == expect.get("lqi_0_255")
    actions = [one.extra for one in decoded.readings if one.type == "action"]
    assert actions == [{"action": event["action"]} for event in expect.get("events", [])]
    for name, state in expect.get("state", {}).items():
        if name not in LEFT_OUT:
            assert_state(name, state["value"], said)
    for name, measured in expect.get("measurements", {}).items():
        if name == "voltage":
            assert_voltage(measured["value"], said, health)
        elif name not in LEFT_OUT:
            assert (said[name].value, said[name].unit) == (measured["value"], UNITS[name])


def time_expected(timestamp: str | int | None) -> datetime | None:
    if isinstance(timestamp, int):
        return datetime.fromtimestamp(timestamp / 1000, UTC)
    return None if timestamp is None else datetime.fromisoformat(timestamp)


def assert_state(name: str, value: Any, said: dict[str, Reading]) -> None:
    if name in SWITCHED:
        assert said[name].value == float(value)
    elif value in ("LOCK", "UNLOCK"):
        assert said[name.replace("state", "lock")].value == float(value == "LOCK")
    else:
        assert said[name.replace("state", "switch")].value == float(value in ("ON", "OPEN"))


def assert_voltage(value: float, said: dict[str, Reading], health: dict[str, Any] | Any) -> None:
    if {"power", "current", "energy"} & said.keys():
        assert (said["voltage"].value, said["voltage"].unit) == (value, "V")
    else:
        assert health["battery_v"] == value / 1000


@pytest.mark.parametrize("number", of_kind(lambda expect: expect.get("kind") == "availability"))
@pytest.mark.parametrize("retained", [False, True])
def test_what_the_bridge_believes_of_a_real_device_is_availability(number: int, retained: bool) -> None:
    expect = rows()[number]["expect"]
    (only,) = read_real(number, retained=retained).readings
    assert (only.type, only.value) == ("availability", float(expect["state"] == "online"))
    assert only.address == f"zigbee2mqtt/{expect['device']}"


@pytest.mark.parametrize(
    "number",
    of_kind(
        lambda expect: (
            "not_a_sensor_reading" in expect
            or expect.get("kind") in ("availability_cleared", "retained_cleared")
        )
    ),
)
def test_the_bridges_own_affairs_are_no_readings(number: int) -> None:
    decoded = read_real(number)
    assert (decoded.readings, decoded.flaws) == ([], [])


@pytest.mark.parametrize("number", of_kind(lambda expect: expect.get("kind") == "bridge_availability"))
@pytest.mark.parametrize("retained", [False, True])
def test_a_bridge_speaks_for_itself_in_both_forms(number: int, retained: bool) -> None:
    (only,) = read_real(number, retained=retained).readings
    state = rows()[number]["expect"].get("state") or rows()[number]["payload"]
    assert only.address == "zigbee2mqtt/bridge"
    assert (only.type, only.value) == ("availability" if retained else "state", float(state == "online"))


SINGLE = of_kind(lambda expect: "attribute" in expect)


@pytest.mark.parametrize("number", SINGLE)
def test_a_real_single_value_waits_for_who_says_whether_it_comes_beside_the_whole(number: int) -> None:
    events, quarantined = read(real(number, retained=False), routes(SOURCES), {})
    assert not events
    deep = real(number, retained=False).topic.count("/") > 1
    assert [one.reason for one in quarantined] == ["not_described" if deep else "malformed"]


@pytest.mark.parametrize("number", SINGLE)
def test_a_real_single_value_beside_the_whole_is_not_read_twice(number: int) -> None:
    listener = listening()
    listener.said("bridge/info", info("attribute_and_json"))
    message = real(number, retained=False)
    if message.topic.count("/") > 1:
        assert listener.hear(message) == Decoded([], [])


@pytest.mark.parametrize("number", range(len(rows())))
def test_the_brokers_memory_of_a_real_message_is_no_event(number: int) -> None:
    decoded = read_real(number, retained=True)
    assert {one.type for one in decoded.readings} <= {"availability"}


# What the recordings lack


@pytest.mark.parametrize(
    "last_seen",
    [1795330683000, "2026-11-22T06:58:03Z", "2026-11-22T06:58:03.000Z", "2026-11-22T07:58:03+01:00"],
)
def test_last_seen_has_three_forms(last_seen: Any) -> None:
    (only,) = said("door", {"contact": True, "last_seen": last_seen}).readings
    assert only.device_time == datetime(2026, 11, 22, 6, 58, 3, tzinfo=UTC)
    assert only.message_id is not None


@pytest.mark.parametrize("last_seen", [None, "N/A", "2026-11-22T07:58:03", True, {}, 2**63, 1e300])
def test_a_last_seen_that_is_no_time_leaves_the_time_of_arrival(last_seen: Any) -> None:
    (only,) = said("door", {"contact": True, "last_seen": last_seen}).readings
    assert (only.device_time, only.message_id) == (None, None)


def test_a_door_that_is_closed_has_contact() -> None:
    assert types("door", {"contact": True}) == {"contact": 1.0}
    assert types("door", {"contact": False}) == {"contact": 0.0}
    assert types("door", {"contact": None}) == {"health": None}
    assert types("door", {"contact": "true"}) == {"health": None}


def test_a_message_without_anything_we_read_is_still_proof_of_life() -> None:
    assert types("lamp", {}) == {"health": None}


def test_an_impossible_battery_is_left_out_and_the_rest_is_read() -> None:
    (only,) = said("door", {"contact": True, "battery": 255, "voltage": -1}).readings
    assert (only.type, only.health) == ("contact", None)


@pytest.mark.parametrize(
    "name", ["lamp/set", "lamp/get", "lamp/set/state", "lamp/left/set", "ground/lamp/set"]
)
def test_a_command_is_not_ours(name: str) -> None:
    assert said(name, b"ON") == Decoded([], [])


def test_a_device_may_live_on_a_path_and_be_called_like_a_command() -> None:
    assert said("ground floor/wc/dør", {"contact": True}).readings[0].address == (
        "zigbee2mqtt/ground floor/wc/dør"
    )
    assert said("set", {"contact": True}).readings[0].address == "zigbee2mqtt/set"


def test_a_plugs_child_lock_is_no_door() -> None:
    assert types("plug", {"child_lock": "UNLOCK", "state": "ON", "power": 3.5, "voltage": 231}) == {
        "switch": 1.0, "power": 3.5, "voltage": 231.0,
    }  # fmt: skip


def test_a_name_that_no_index_holds_is_not_read() -> None:
    assert types("lamp", {"state_" + "x" * 4000: "ON"}) == {"health": None}


def test_a_topic_without_a_device_is_unknown() -> None:
    with pytest.raises(DecodeError, match="names no device"):
        said("", {})


@pytest.mark.parametrize("payload", [b"[]", b"5", b'"x"', b"{", b"[" * 1020 + b"]" * 1020])
def test_what_is_no_object_is_malformed(payload: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        said("door", payload)
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize("payload", [b"away", b"{}", b"[1]", b'{"state": ["online"]}'])
def test_an_availability_is_online_or_offline(payload: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        said("door/availability", payload)
    assert caught.value.reason == "malformed"


# Single values


def single_values() -> Listener:
    listener = listening()
    listener.said("bridge/info", info("attribute"), retained=True)
    listener.said("bridge/devices", [device("wc/door", "0x01", CONTACT, BATTERY, VOLTAGE)], retained=True)
    return listener


def test_single_values_are_read_where_they_come_instead_of_the_whole() -> None:
    listener = single_values()
    assert listener.values("wc/door/contact", b"false") == {"contact": 0.0}
    assert listener.values("wc/door/action", b"single") == {"action": None}
    assert listener.values("wc/door/temperature", b"21.5") == {"temperature": 21.5}
    (battery,) = listener.said("wc/door/voltage", b"3005").readings
    assert (battery.address, battery.type, battery.health) == (
        "zigbee2mqtt/wc/door", "health", {"battery_v": 3.005},
    )  # fmt: skip
    (seen,) = listener.said("wc/door/last_seen", b"2026-11-22T06:58:03Z").readings
    assert seen.device_time == datetime(2026, 11, 22, 6, 58, 3, tzinfo=UTC)


@pytest.mark.parametrize("payload", [b"", b"null", b"nan", b"1e999", b"a,b", b"1_0", b"\xc3\xa6"])
def test_a_single_value_that_says_nothing_is_nothing(payload: bytes) -> None:
    assert single_values().said("wc/door/temperature", payload) == Decoded([], [])


def test_a_single_value_of_an_unlisted_device_waits_for_the_list() -> None:
    with pytest.raises(DecodeError, match="bridge/devices") as caught:
        single_values().said("bed/contact", b"true")
    assert caught.value.reason == "not_described"


@pytest.mark.parametrize("last", ["action", "click"])
def test_an_old_press_topic_beside_the_whole_is_not_counted_twice(last: str) -> None:
    listener = listening()
    assert listener.values("button", {last: "single"}) == {"action": None}
    assert listener.said(f"button/{last}", b"single") == Decoded([], [])
