"""What a Zigbee2MQTT says of itself, and what is known of its devices from then on."""

from __future__ import annotations

import contextlib
import json
import math
from typing import Any

import pytest
from dialects import recorded
from hearing import Listener
from hypothesis import given
from hypothesis import strategies as st
from zigbee_bridge import BATTERY, CONTACT, VOLTAGE, device, exposed, info

from nyttig.errors import DecodeError
from nyttig.model import Decoded, Description
from nyttig.settings import Source

SOURCES = [Source("zigbee2mqtt", "zigbee2mqtt/#"), Source("zigbee2mqtt", "zigbee2mqtt-beneden/#")]


def listening() -> Listener:
    return Listener(SOURCES, "zigbee2mqtt/")


def said(name: str, content: Any, *, retained: bool = False) -> Decoded:
    """The message as one reads it who has heard no other."""
    return listening().said(name, content, retained=retained)


def types(name: str, content: Any) -> dict[str, float | None]:
    return listening().values(name, content)


# The bridge's lists


def test_the_bridges_list_describes_its_devices() -> None:
    listener = listening()
    listener.said("bridge/info", info("json"))
    decoded = listener.said(
        "bridge/devices",
        [
            {"type": "Coordinator", "friendly_name": "Coordinator", "ieee_address": "0xc0"},
            device("ground floor/dør", "0x01", CONTACT, BATTERY, VOLTAGE),
            device("off", "0x02", CONTACT, disabled=True),
        ],
        retained=True,
    )
    assert decoded.lasting
    assert decoded.descriptions == (
        Description(
            "zigbee2mqtt", "zigbee2mqtt/bridge", "0xc0", "Zigbee2MQTT", "ZStack3x0", "zigbee2mqtt/bridge", "mains",
            None, ("state", "health"),
        ),
        Description(
            "zigbee2mqtt", "zigbee2mqtt/ground floor/dør", "0x01", "Aqara", "MCCGQ11LM", "ground floor/dør",
            "battery", "zigbee2mqtt/bridge", ("contact",),
        ),
    )  # fmt: skip


def test_the_real_list_says_what_its_devices_can_say() -> None:
    rows = recorded("zigbee2mqtt")
    if not rows:
        pytest.skip("no recordings beside this project")
    described = {one.name: one for one in said("bridge/devices", rows[8]["payload"].encode()).descriptions}
    assert len(described) == 10
    assert described["weather_sensor"].says == ("temperature", "humidity", "pressure")
    assert described["remote"].power == "battery"
    assert (described["bulb"].power, described["bulb"].says) == ("mains", ("switch",))
    assert set(described["power_plug"].says) >= {"switch"}


def test_a_renamed_device_keeps_its_hardware() -> None:
    listener = listening()
    listener.said("bridge/devices", [device("old", "0x01", CONTACT)])
    assert listener.said("old/availability", b"").descriptions == ()
    (only,) = listener.said("bridge/devices", [device("new", "0x01", CONTACT)]).descriptions
    assert (only.hardware_id, only.address, only.gone) == ("0x01", "zigbee2mqtt/new", False)


def test_a_device_that_is_listed_no_more_is_gone() -> None:
    listener = listening()
    listener.said("bridge/devices", [device("door", "0x01", CONTACT), device("bed", "0x02", CONTACT)])
    described = listener.said("bridge/devices", [device("bed", "0x02", CONTACT)]).descriptions
    assert [(one.name, one.gone) for one in described] == [("bed", False), ("door", True)]


def test_an_availability_that_is_cleared_ends_a_name() -> None:
    (only,) = said("door/availability", b"").descriptions
    assert (only.address, only.gone) == ("zigbee2mqtt/door", True)


def test_who_joins_is_described_and_who_leaves_is_gone() -> None:
    data = {"friendly_name": "0x01", "ieee_address": "0x01"}
    (joined,) = said("bridge/event", {"type": "device_joined", "data": data}).descriptions
    assert (joined.address, joined.hardware_id, joined.gone) == ("zigbee2mqtt/0x01", "0x01", False)
    (left,) = said("bridge/event", {"type": "device_leave", "data": data}).descriptions
    assert (left.hardware_id, left.gone) == ("0x01", True)
    assert said("bridge/event", {"type": "device_leave", "data": data}, retained=True).descriptions == ()


def test_a_message_may_say_itself_which_device_it_is_of() -> None:
    content = {
        "contact": True,
        "device": {"ieeeAddr": "0x01", "model": "MCCGQ11LM", "powerSource": "Battery"},
    }
    (only,) = said("door", content, retained=True).descriptions
    assert (only.hardware_id, only.model, only.power) == ("0x01", "MCCGQ11LM", "battery")


def test_a_group_is_no_device() -> None:
    listener = listening()
    listener.said("bridge/info", info("attribute"))
    decoded = listener.said("bridge/groups", [{"id": 1, "friendly_name": "hall lamps", "members": []}])
    assert decoded.lasting
    assert [(one.address, one.gone) for one in decoded.descriptions] == [("zigbee2mqtt/hall lamps", True)]
    for name, content in (
        ("hall lamps", {"state": "ON"}),
        ("hall lamps/availability", {"state": "online"}),
        ("hall lamps/state", b"ON"),
    ):
        assert listener.said(name, content) == Decoded([], [])


def test_the_list_tells_a_plugs_volts_from_a_batterys_and_mains_from_battery() -> None:
    listener = listening()
    volts = exposed("voltage", "numeric", unit="V")
    listener.said(
        "bridge/devices",
        [
            device("door", "0x01", VOLTAGE),
            device("plug", "0x02", volts, BATTERY, power="Mains (single phase)"),
        ],
    )
    assert listener.said("door", {"voltage": 3000, "battery": 90}).readings[0].health == {
        "battery_pct": 90.0, "battery_v": 3.0,
    }  # fmt: skip
    (only,) = listener.said("plug", {"voltage": 231, "battery": 100}).readings
    assert (only.type, only.value, only.unit) == ("voltage", 231.0, "V")
    assert only.health == {"external_power": True}


def test_whatever_the_list_says_a_device_measures_is_read_and_settings_are_not() -> None:
    listener = listening()
    listener.said(
        "bridge/devices",
        [
            device(
                "radar", "0x01", exposed("fall_speed", "numeric", unit="m/s"),
                exposed("fallen", "binary", value_on="YES", value_off="NO"),
                exposed("sensitivity", "numeric", 7), exposed("uptime", "numeric", category="diagnostic"), CONTACT,
                exposed("strength", "numeric") | {"access": "r"}, exposed("delay", "numeric") | {"access": "rw"},
            )
        ],
    )  # fmt: skip
    content = {"fall_speed": 1.5, "fallen": "YES", "sensitivity": 4, "uptime": 3, "contact": False}
    content |= {"strength": 7, "delay": 5}
    decoded = listener.said("radar", content)
    assert {(one.type, one.value, one.unit) for one in decoded.readings} == {
        ("contact", 0.0, None), ("fallen", 1.0, None), ("fall_speed", 1.5, "m/s"),
        ("strength", 7.0, None),
    }  # fmt: skip
    assert "fallen" not in listener.values("radar", {"fallen": "PERHAPS"})


# What a bridge remembers when it starts


def started() -> Listener:
    listener = listening()
    listener.said("bridge/state", {"state": "online"})
    listener.said("bridge/devices", [device("door", "0x01", CONTACT), device("button", "0x02")])
    return listener


def test_what_a_starting_bridge_remembers_of_a_device_is_no_sign_of_life() -> None:
    listener = started()
    assert listener.said("door", {"contact": False}).readings == []
    assert listener.values("door", {"contact": False}) == {"contact": 0.0}


def test_a_press_or_a_time_is_never_remembered() -> None:
    listener = started()
    assert listener.values("button", {"action": "single"}) == {"action": None}
    assert listener.values("door", {"contact": True, "last_seen": "2026-11-22T06:58:03Z"}) == {"contact": 1.0}


def test_what_comes_after_the_start_is_said_by_the_device() -> None:
    listener = started()
    listener.said("bridge/logging", {"level": "info", "message": "Zigbee2MQTT started!"})
    assert listener.values("door", {"contact": False}) == {"contact": 0.0}
    later = started().said("door", {"contact": False}, after_seconds=60)
    assert [one.type for one in later.readings] == ["contact"]


def test_a_list_without_a_start_before_it_is_no_start() -> None:
    listener = listening()
    listener.said("bridge/state", {"state": "online"}, retained=True)
    listener.said("bridge/devices", [device("door", "0x01", CONTACT)])
    assert listener.values("door", {"contact": False}) == {"contact": 0.0}


def test_the_bridges_health_is_a_sign_of_its_life() -> None:
    content = {"response_time": 1795330683000, "process": {"uptime_sec": 600}}
    (only,) = said("bridge/health", content).readings
    assert (only.address, only.type, only.health) == ("zigbee2mqtt/bridge", "health", {"uptime_s": 600.0})
    assert said("bridge/health", content, retained=True).readings == []


# Whatever comes

NAMES = ["door", "a/b", "door/contact", "door/availability", "door/set", "bridge", "bridge/x"] + [
    f"bridge/{topic}" for topic in ("state", "devices", "groups", "info", "event", "health", "logging")
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "contact",
                    "state",
                    "friendly_name",
                    "definition",
                    "exposes",
                    "property",
                    "type",
                    "access",
                    "unit",
                ]
            )
            | st.text(max_size=6),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.binary(max_size=40) | JSON, st.booleans()), max_size=6))
def test_whatever_comes_is_read_or_refused(heard: list[tuple[str, Any, bool]]) -> None:
    listener = listening()
    for name, content, retained in heard:
        try:
            decoded = listener.said(name, content, retained=retained)
        except DecodeError:
            continue
        assert all(one.value is None or math.isfinite(one.value) for one in decoded.readings)


@given(st.data())
def test_damaged_real_lists_are_read_or_refused(data: st.DataObject) -> None:
    whole = json.dumps([device("door", "0x01", CONTACT, BATTERY, VOLTAGE)]).encode()
    place = data.draw(st.integers(0, len(whole) - 1))
    payload = whole[:place] + data.draw(st.binary(max_size=3)) + whole[place + data.draw(st.integers(0, 9)) :]
    listener = listening()
    with contextlib.suppress(DecodeError):
        listener.said("bridge/devices", payload)
        listener.said("door", {"contact": True})
