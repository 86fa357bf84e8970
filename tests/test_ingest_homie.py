"""Homie's messages, read as a reader of the convention reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from dialects import any_messages, assert_storable, recorded, said, sent
from hypothesis import given, settings

from ingest.decoders import homie
from ingest.decoders.homie import Decoder
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Description, Message

ROWS = recorded("homie")
WITHOUT_A_TOPIC = 38
ALONE = {12: "nothing in the folder says what this light's property is"}


def read(decoder: Decoder, topic: str, content: Any, base: str = "", **how: Any) -> Decoded:
    return decoder(sent(topic, content, **how), base)


def described(**nodes: Any) -> dict[str, Any]:
    return {"homie": "5.0", "version": 7, "name": "Hall", "nodes": nodes}


def knowing(**properties: dict[str, Any]) -> Decoder:
    """A decoder that has seen the description of a device with one node."""
    decoder = Decoder()
    nodes = {
        "main": {
            "name": "Main",
            "properties": {name.replace("_", "-"): one for name, one in properties.items()},
        }
    }
    read(decoder, "homie/5/hall/$description", described(**nodes), retained=True)
    return decoder


# Real messages


def of_row(decoder: Decoder, number: int) -> Decoded:
    row = ROWS[number - 1]
    topic = (row["topic"] or row["topic_by_grammar"]).replace("<device.id>", "car")
    return read(decoder, topic, row["payload"], retained=row["retained"] is True)


def test_the_convention_s_own_examples_in_their_order() -> None:
    if not ROWS:
        pytest.skip("the folder with the real messages is not there")
    assert len(ROWS) == 39
    decoder = Decoder()
    descriptions: list[Description] = []
    for number in range(1, len(ROWS) + 1):
        if number == WITHOUT_A_TOPIC:
            continue
        expect, decoded = ROWS[number - 1]["expect"], of_row(decoder, number)
        descriptions += decoded.descriptions
        if expect.get("kind") == "availability":
            (only,) = decoded.readings  # all of them are the broker's memory
            assert (only.address, only.type, only.value) == (expect["device"], "availability", 1.0)
            assert only.extra == {"state": expect["state"]}
        else:
            assert decoded.readings == []
    assert descriptions[-1] == Description(
        "homie", "device123", says=("temperature",)
    )  # fmt: skip
    assert descriptions[-2] == Description(
        "homie", "super-car", "DE:AD:BE:EF:FE:ED", None, "esp8266", "Super car",
        says=("speed", "direction", "temperature", "intensity"),
    )  # fmt: skip


@pytest.mark.parametrize("number", [22, 23])
def test_the_convention_s_own_values_once_they_are_described(number: int) -> None:
    if not ROWS:
        pytest.skip("the folder with the real messages is not there")
    decoder = Decoder()
    for earlier in range(1, 22):
        of_row(decoder, earlier)
    expect = ROWS[number - 1]["expect"]
    (only,) = read(decoder, ROWS[number - 1]["topic"], ROWS[number - 1]["payload"]).readings
    assert (only.address, only.type) == (expect["device"], f"intensity_{expect['node']}")
    assert (only.value, only.unit) == (float(expect["value_as_string"]), "%")


@pytest.mark.parametrize("number", sorted(ALONE))
def test_a_value_that_nobody_described_waits_for_its_description(number: int) -> None:
    if not ROWS:
        pytest.skip("the folder with the real messages is not there")
    with pytest.raises(DecodeError) as caught:
        read(Decoder(), ROWS[number - 1]["topic"], ROWS[number - 1]["payload"])
    assert caught.value.reason == "not_described"


# Descriptions


def test_a_description_says_what_the_device_can_say() -> None:
    nodes = {
        "climate": {"properties": {"temperature": {"datatype": "float", "unit": "°C"}}},
        "door": {
            "properties": {"open": {"datatype": "boolean"}, "battery": {"datatype": "integer", "unit": "%"}}
        },
    }
    decoded = read(Decoder(), "homie/5/hall/$description", described(**nodes), retained=True)
    assert decoded.descriptions == (
        Description("homie", "hall", name="Hall", says=("temperature", "contact")),
    )
    assert decoded.lasting


def test_the_attributes_of_homie_4_are_remembered_one_by_one() -> None:
    decoder = Decoder()
    attributes = {
        "$name": "Door", "$mac": "DE:AD:BE:EF:FE:ED", "lock/$properties": "locked,voltage",
        "lock/locked/$datatype": "boolean", "lock/voltage/$datatype": "float", "lock/voltage/$unit": "mV",
    }  # fmt: skip
    for attribute, text in attributes.items():
        assert read(decoder, f"homie/door/{attribute}", text, retained=True).lasting
    assert not read(decoder, "homie/door/lock/locked/$settable", "true", retained=True).lasting
    assert said(read(decoder, "homie/door/lock/locked", "true")) == {"lock": 1.0}
    assert said(read(decoder, "homie/door/lock/voltage", "3100")) == {"voltage": 3.1}


def test_a_batch_that_must_be_read_again_describes_again() -> None:
    decoder, message = Decoder(), sent("homie/5/hall/$description", described(), retained=True)
    assert decoder(message, "").descriptions == decoder(message, "").descriptions != ()
    again = message._replace(received_at=message.received_at.replace(hour=13))
    assert decoder(again, "").descriptions == ()


def test_a_device_that_is_removed_is_gone() -> None:
    decoder = knowing(contact={"datatype": "boolean"})
    (only,) = read(decoder, "homie/5/hall/$state", b"").descriptions
    assert (only.address, only.gone) == ("hall", True)
    with pytest.raises(DecodeError, match="description"):
        read(decoder, "homie/5/hall/main/contact", "true")


def test_two_nodes_with_the_same_property_are_told_apart() -> None:
    decoder = Decoder()
    nodes = {one: {"properties": {"temperature": {"datatype": "float"}}} for one in ("inside", "outside")}
    read(decoder, "homie/5/hall/$description", described(**nodes), retained=True)
    assert said(read(decoder, "homie/5/hall/outside/temperature", "-3.5")) == {"temperature_outside": -3.5}


@pytest.mark.parametrize(
    ("base", "topic", "address"),
    [
        ("", "homie/5/hall", "hall"),
        ("homie", "homie/5/hall", "hall"),
        ("homie/5", "homie/5/hall", "hall"),
        ("", "homie/hall", "hall"),
        ("home/devices", "home/devices/hall", "home/devices/hall"),
    ],
)
def test_the_root_may_be_called_anything(base: str, topic: str, address: str) -> None:
    decoder = Decoder()
    nodes = {"main": {"properties": {"contact": {"datatype": "boolean"}}}}
    read(decoder, f"{topic}/$description", described(**nodes), base, retained=True)
    (only,) = read(decoder, f"{topic}/main/contact", "true", base).readings
    assert (only.address, only.type, only.value) == (address, "contact", 1.0)


def test_a_hostile_broker_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(homie, "DEVICES_MAX", 3)
    decoder = Decoder()
    for number in range(9):
        read(decoder, f"homie/d{number}/a/b/$datatype", "float", retained=True)
    assert len(decoder._devices) == 3
    many = {f"p{number}": {"datatype": "float"} for number in range(2_000)}
    read(decoder, "homie/5/big/$description", described(main={"properties": many}), retained=True)
    assert sum(1 for _ in decoder._devices["big"].types()) == homie.PROPERTIES_MAX
    for node in range(3):
        names = ",".join(f"p{number}" for number in range(400))
        read(decoder, f"homie/wide/n{node}/$properties", names, retained=True)
    assert sum(1 for _ in decoder._devices["wide"].types()) == homie.PROPERTIES_MAX


# Values


@pytest.mark.parametrize(
    ("name", "attributes", "text", "expected", "unit"),
    [
        ("temperature", {"datatype": "float", "unit": "°C"}, "21.5", {"temperature": 21.5}, "°C"),
        ("temperature", {"datatype": "float", "unit": "°F"}, "68", {"temperature": 20.0}, "°C"),
        ("power", {"datatype": "float", "unit": "kW"}, "1.5", {"power": 1500.0}, "W"),
        ("power", {"datatype": "boolean"}, "true", {"switch": 1.0}, None),
        ("energy", {"datatype": "integer", "unit": "Wh"}, "1500", {"energy": 1.5}, "kWh"),
        ("open", {"datatype": "boolean"}, "true", {"contact": 0.0}, None),
        ("contact", {"datatype": "enum", "format": "open,closed"}, "closed", {"contact": 1.0}, None),
        ("motion", {"datatype": "boolean"}, "false", {"motion": 0.0}, None),
        ("light", {"datatype": "boolean"}, "true", {"light": 1.0}, None),
        ("light", {"datatype": "float", "unit": "lx"}, "120", {"illuminance": 120.0}, "lx"),
        ("mode", {"datatype": "enum", "format": "eco,away"}, "eco", {"mode": None}, None),
        ("state", {"datatype": "enum", "format": "idle,busy"}, "busy", {"state_value": None}, None),
        ("color", {"datatype": "color"}, "rgb,1,2,3", {"health": None}, None),
        ("angle", {"datatype": "float", "unit": "°"}, "12", {"angle": 12.0}, "°"),
    ],
)
def test_a_property_is_read_as_it_is_described(
    name: str, attributes: dict[str, Any], text: str, expected: dict[str, float | None], unit: str | None
) -> None:
    decoded = read(knowing(**{name: attributes}), f"homie/5/hall/main/{name}", text)
    assert said(decoded) == expected
    assert decoded.readings[0].unit == unit
    if expected in ({"mode": None}, {"state_value": None}):
        assert decoded.readings[0].extra == {"value": text}


@pytest.mark.parametrize(
    ("name", "attributes", "text", "health"),
    [
        ("battery", {"datatype": "integer", "unit": "%"}, "81", {"battery_pct": 81.0}),
        ("battery_level", {"datatype": "integer", "unit": "%"}, "0", {"battery_pct": 0.0}),
        ("battery", {"datatype": "float", "unit": "V"}, "2.9", {"battery_v": 2.9}),
        ("battery_low", {"datatype": "boolean"}, "true", {"battery_low": True}),
        ("rssi", {"datatype": "integer", "unit": "dBm"}, "-71", {"rssi_dbm": -71.0}),
        ("battery", {"datatype": "integer", "unit": "%"}, "255", None),
    ],
)
def test_battery_and_signal_are_health(
    name: str, attributes: dict[str, Any], text: str, health: dict[str, Any] | None
) -> None:
    decoder = knowing(**{name: attributes})
    (only,) = read(decoder, f"homie/5/hall/main/{name.replace('_', '-')}", text).readings
    assert (only.type, only.value, only.health) == ("health", None, health)


def test_a_property_that_is_not_retained_is_a_momentary_event() -> None:
    decoder = knowing(
        bell={"datatype": "boolean", "retained": False},
        press={"datatype": "enum", "format": "single,double", "retained": False},
    )
    assert [
        one.type_of("main", name, known)
        for one in decoder._devices.values()
        for name, known in one.nodes["main"].items()
    ] == ["action", "action"]
    (bell,) = read(decoder, "homie/5/hall/main/bell", "true").readings
    assert (bell.type, bell.extra) == ("action", {"action": "bell", "property": "bell"})
    (press,) = read(decoder, "homie/5/hall/main/press", "double").readings
    assert (press.type, press.extra) == ("action", {"action": "double", "property": "press"})
    assert said(read(decoder, "homie/5/hall/main/bell", "false")) == {"health": None}


@pytest.mark.parametrize(("datatype", "text"), [("float", "warm"), ("integer", "nan"), ("boolean", "TRUE")])
def test_a_value_that_is_not_of_its_datatype_is_refused(datatype: str, text: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read(knowing(motion={"datatype": datatype}), "homie/5/hall/main/motion", text)
    assert caught.value.reason == "malformed"


def test_an_empty_text_is_no_value() -> None:
    decoder = knowing(note={"datatype": "string"})
    assert said(read(decoder, "homie/5/hall/main/note", b"\0")) == {"health": None}


def test_the_brokers_memory_of_a_value_is_no_event() -> None:
    decoder = knowing(motion={"datatype": "boolean"})
    assert read(decoder, "homie/5/hall/main/motion", "true", retained=True) == Decoded([], [])


# State


@pytest.mark.parametrize(
    ("state", "value"),
    [("ready", 1.0), ("alert", 1.0), ("sleeping", 1.0), ("init", 1.0), ("disconnected", 0.0), ("lost", 0.0)],
)
def test_a_sleeping_device_is_no_fault_and_a_lost_one_is(state: str, value: float) -> None:
    (live,) = read(Decoder(), "homie/hall/$state", state).readings
    assert (live.type, live.value, live.extra) == ("state", value, {"state": state})
    (kept,) = read(Decoder(), "homie/hall/$state", state, retained=True).readings
    assert (kept.type, kept.value) == ("availability", value)


def test_a_state_that_homie_does_not_know_is_refused() -> None:
    with pytest.raises(DecodeError, match="ready"):
        read(Decoder(), "homie/hall/$state", "online")


def test_with_the_root_all_its_children_are_lost() -> None:
    decoder = Decoder()
    read(decoder, "homie/5/bridge/$description", {**described(), "children": ["a", "b"]}, retained=True)
    read(
        decoder, "homie/5/a/$description", {**described(), "root": "bridge", "children": ["c"]}, retained=True
    )
    read(decoder, "homie/5/a/$state", "ready", retained=True)
    lost = read(decoder, "homie/5/bridge/$state", "lost").readings
    assert {(one.address, one.type, one.value) for one in lost} == {
        ("bridge", "state", 0.0), ("a", "availability", 0.0), ("b", "availability", 0.0), ("c", "availability", 0.0),
    }  # fmt: skip
    back = read(decoder, "homie/5/bridge/$state", "ready").readings
    assert {(one.address, one.type, one.value) for one in back} == {
        ("bridge", "state", 1.0),
        ("a", "availability", 1.0),
    }


def test_the_statistics_are_a_heartbeat() -> None:
    (signal,) = read(Decoder(), "homie/hall/$stats/signal", "64").readings
    assert (signal.type, signal.health) == ("health", {"signal_pct": 64.0})
    (uptime,) = read(Decoder(), "homie/hall/$stats/uptime", "120").readings
    assert uptime.health == {"uptime_s": 120.0}


# Not ours, and damaged


@pytest.mark.parametrize(
    "topic",
    ["homie/hall/main/power/set", "homie/5/hall/main/power/$target", "homie/$broadcast/alert", "homie/5/$broadcast/a/b",
     "homie/hall/$fw/version", "homie/5/hall/$log/warn", "homie/5/hall/$alert/battery"],
)  # fmt: skip
def test_commands_and_logs_are_not_ours(topic: str) -> None:
    assert read(Decoder(), topic, "true") == Decoded([], [])


@pytest.mark.parametrize("topic", ["homie/hall/a/b/c", "homie/$x/a/b", "homie/hall/a b/c/$datatype"])
def test_another_shape_of_topic_is_unknown(topic: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read(Decoder(), topic, "1")
    assert caught.value.reason == "unknown_topic"


SEEDS = [
    json.dumps(
        {
            **described(main={"properties": {"p": {"datatype": "float", "unit": "°C", "retained": False}}}),
            "children": ["a"], "root": "b", "type": "t",
        }
    ).encode(),
    b"ready", b"lost", b"float", b"p,q[],r", b"21.5", b"true", b"\0",
]  # fmt: skip
TOPICS = [
    "homie/5/hall/$description", "homie/5/hall/$state", "homie/5/hall/main/p", "homie/hall/$name", "homie/hall/$mac",
    "homie/hall/main/$properties", "homie/hall/main/p/$datatype", "homie/hall/main/p/$unit", "homie/hall/main/p",
    "homie/hall/$stats/battery", "homie/hall/main/q", "homie", "homie/5", "/",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(message=any_messages(TOPICS, SEEDS))
def test_no_message_whatever_does_more_than_be_refused(message: Message) -> None:
    decoder = knowing(p={"datatype": "float"}, battery={"datatype": "integer", "unit": "%"})
    for one in (
        message,
        message._replace(topic="homie/5/hall/main/p"),
        message._replace(topic="homie/hall/main/q"),
    ):
        assert_storable(decoder, one)
