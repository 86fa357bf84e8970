"""OpenMQTTGateway's and Theengs Gateway's messages, read as a reader of their documentation reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from dialects import any_messages, assert_storable, one_of, recorded, said, sent
from hypothesis import given, settings

from ingest.decoders.bthome import mac_of
from ingest.decoders.theengs import Decoder
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Description

GATEWAY_ROWS = recorded("openmqttgateway")
BLE_ROWS = recorded("theengs_ble")
SOMEBODY = "AABBCCDDEEFF"
PHONES = {
    26: "a Windows machine",
    61: "an Apple device", 62: "an Apple device",
    80: "a watch", 81: "a watch",
    84: "a telephone", 85: "a telephone",
    191: "an exposure notification",
}  # fmt: skip
"""Advertisements under addresses that change every few minutes: somebody is near, nobody knows who."""

SOMEBODY_NEAR = {1, 14, 15, 19}
"""Not followed on purpose: `expect` has a distance, but neither decoder nor name nor kind of address says whose."""

TYPES = {
    "tempc": "temperature", "hum": "humidity", "lux": "illuminance", "pres": "pressure", "for": "formaldehyde",
    "moi": "moisture", "fer": "conductivity", "tempc1": "temperature_1", "tempc2": "temperature_2",
}  # fmt: skip
NO_STATE = {
    "button": "an action, below", "contact": "below", "device": "the model in other words", "state": "what an actuator or"
    " a toothbrush does: below", "wake": "`moved`",
}  # fmt: skip


def read(topic: str, content: Any, decoder: Decoder | None = None, **how: Any) -> Decoded:
    return (decoder or Decoder())(sent(topic, content, **how), "")


def heard(
    content: dict[str, Any], decoder: Decoder | None = None, gateway: str = "hall", **how: Any
) -> Decoded:
    content = {"id": "C4:7C:8D:66:10:11", **content}
    return read(f"home/{gateway}/BTtoMQTT/C47C8D661011", content, decoder, **how)


# Real messages


def of_gateway_row(number: int, **how: Any) -> Decoded:
    row = GATEWAY_ROWS[number - 1]
    return read(row["topic"] or row["topic_by_grammar"], row["payload"], **how)


def of_ble_row(number: int, **how: Any) -> Decoded:
    row = BLE_ROWS[number - 1]
    topic = row["topic"] or row.get("topic_by_grammar") or "home/TheengsGateway/BTtoMQTT/<MAC>"
    return read(topic.partition(" (")[0].replace("<MAC>", SOMEBODY), row["payload"], **how)


def test_all_recorded_messages_are_there_and_most_say_something() -> None:
    if not GATEWAY_ROWS:
        pytest.skip("the folder with the real messages is not there")
    assert (len(GATEWAY_ROWS), len(BLE_ROWS)) == (20, 273)
    assert {n for n in range(1, 21) if not of_gateway_row(n).readings} == SOMEBODY_NEAR | {
        13
    }  # the gateway's version
    assert [n for n in range(1, 274) if not of_ble_row(n).readings] == sorted(PHONES)


@pytest.mark.parametrize("number", sorted({*range(1, len(GATEWAY_ROWS) + 1)} - SOMEBODY_NEAR - {13}))
def test_a_real_gateways_message_says_what_its_reader_understood(number: int) -> None:
    expect, decoded = GATEWAY_ROWS[number - 1]["expect"], of_gateway_row(number)
    (address,) = {one.address for one in decoded.readings}
    if "gateway" in expect.get("kind", ""):
        assert address.startswith("home/")
        assert "online" not in expect or said(decoded) == {"state": float(expect["online"])}
    elif (
        "uuid" in GATEWAY_ROWS[number - 1]["payload"]
        and '"mac_type":1' in GATEWAY_ROWS[number - 1]["payload"]
    ):
        # expect names the address of the moment; what stays is the beacon's identity
        assert address == "1de4b189115e45f6b44e509352269977-0-0"
    else:
        assert address == mac_of(expect["device"])
    assert_measured(expect, decoded)


@pytest.mark.parametrize("number", range(1, len(BLE_ROWS) + 1))
def test_a_real_advertisement_says_what_its_reader_understood(number: int) -> None:
    expect, decoded = BLE_ROWS[number - 1]["expect"], of_ble_row(number)
    content = json.loads(BLE_ROWS[number - 1]["payload"])
    if number in PHONES:
        assert content.get("type") == "RMAC" or content.get("prmac")
        return
    assert decoded.readings[0].address == (mac_of(expect["device"]) or mac_of(SOMEBODY))
    assert_measured(expect, decoded)
    values, health = said(decoded), decoded.readings[0].health or {}
    assert health.get("battery_low") == expect.get("battery_low")
    for name, state in expect.get("state", {}).items():
        if name == "open":
            assert (
                values["contact"] == float(not state)
                if isinstance(state, bool)
                else values["position"] == state
            )
        elif name not in NO_STATE:
            assert values[name] == float(state)
    if expect.get("state", {}).get("button"):
        assert one_of(decoded, "action")


def assert_measured(expect: dict[str, Any], decoded: Decoded) -> None:
    values, health = said(decoded), decoded.readings[0].health or {}
    assert health.get("battery_pct") == expect.get("battery_pct")
    assert health.get("rssi_dbm") == expect.get("rssi_dbm")
    for name, measured in expect.get("measurements", {}).items():
        value = measured["value"]
        if name == "volt":
            assert health.get("battery_v") == (value if value < 20 else None)  # 65.535 V is "unknown"
        elif name == "weight":
            assert values["weight"] in (value, round(value * 0.45359237, 3))
        else:
            kind = TYPES.get(name, name)
            assert values.get(kind, values.get("tyre_pressure")) == value


@pytest.mark.parametrize("number", range(1, len(GATEWAY_ROWS) + 1))
def test_the_brokers_memory_of_a_real_message_is_no_event(number: int) -> None:
    assert {one.type for one in of_gateway_row(number, retained=True).readings} <= {"availability"}


# Several gateways


def test_an_advertisement_is_heard_once_however_many_gateways_hear_it() -> None:
    decoder, press = Decoder(), {"type": "BTN", "packet": 31, "button": 1, "batt": 100}
    assert one_of(heard(press, decoder), "action").extra == {"action": "single"}
    assert heard(press, decoder, gateway="bedroom", seconds=0.3).readings == []
    assert heard(press, decoder, seconds=20).readings == []
    assert said(heard({**press, "packet": 32}, decoder, seconds=21)) == {"action": None}
    assert said(heard(press, decoder, seconds=200)) == {"action": None}  # the counter came round


def test_a_reading_without_a_number_is_one_when_two_gateways_tell_it_at_once() -> None:
    decoder, climate = Decoder(), {"tempc": 21.5, "rssi": -60}
    assert said(heard(climate, decoder)) == {"temperature": 21.5}
    assert heard({**climate, "rssi": -90}, decoder, gateway="bedroom", seconds=0.5).readings == []
    assert said(heard(climate, decoder, seconds=48)) == {"temperature": 21.5}  # still alive
    assert said(heard({"tempc": 21.6}, decoder, gateway="bedroom", seconds=48.5)) == {"temperature": 21.6}


def test_a_press_that_its_gateway_repeats_is_one() -> None:
    decoder, press = Decoder(), {"type": "BTN", "button": 2}
    assert said(heard(press, decoder)) == {"action": None}
    assert heard(press, decoder, seconds=0.2).readings == []


def test_a_batch_that_must_be_read_again_loses_nothing() -> None:
    decoder = Decoder()
    batch = [sent("home/a/BTtoMQTT/C47C8D661011", {"packet": one, "open": one == 1}) for one in (1, 2)]
    once = [decoder(message, "").readings for message in batch]
    assert all(once)
    assert [decoder(message, "").readings for message in batch] == once


# Who it is


@pytest.mark.parametrize(
    ("content", "address"),
    [
        ({"id": "c6:c7:52:66:3c:bf", "mac_type": 1, "tempc": 17.6}, "C6:C7:52:66:3C:BF"),  # random, but for good
        ({"id": "58:78:20:76:BC:24", "mac_type": 1, "tempc": 17.6}, None),
        ({"id": "58:78:20:76:BC:24", "mac_type": 1, "uuid": "1de4b189115e45f6b44e509352269977", "major": 3, "minor": 4},
         "1de4b189115e45f6b44e509352269977-3-4"),
        ({"id": "D5:FE:15:49:AC:7D", "mac_type": 1, "uuid": "1de4b189115e45f6b44e509352269977", "major": 3},
         "D5:FE:15:49:AC:7D"),
        ({"id": "AA:BB:CC:DD:EE:FF", "type": "BODY", "prmac": True, "unlocked": True}, None),
    ],
)  # fmt: skip
def test_what_changes_its_address_every_few_minutes_is_nobody(
    content: dict[str, Any], address: str | None
) -> None:
    assert {one.address for one in read("home/hall/BTtoMQTT/x", content).readings} == ({address} - {None})


def test_neighbours_do_not_flood_the_proposals() -> None:
    climate = {"model": "Mi Jia round", "brand": "Xiaomi", "type": "THB", "tempc": 21.5}
    assert heard({**climate, "rssi": -88}).descriptions == ()
    assert heard({**climate, "type": "TRACK", "rssi": -40}).descriptions == ()
    assert heard({"rssi": -40, "distance": 1.2}).descriptions == ()  # the gateway does not know what it is
    passing = {"id": "4f:26:2f:cb:0c:3b", "rssi": -40, "distance": 1.2}
    assert heard(passing) == Decoded([], [])
    assert said(heard({**passing, "mac_type": 0})) == {"distance": 1.2}
    assert said(heard({**passing, "name": "Flower care"})) == {"distance": 1.2}
    decoder = Decoder()
    assert heard({**climate, "rssi": -60}, decoder).descriptions == (
        Description(
            "theengs", "C4:7C:8D:66:10:11", "C4:7C:8D:66:10:11", "Xiaomi", "Mi Jia round", power="battery",
            gateway="home/hall", says=("temperature",),
        ),
    )  # fmt: skip
    assert heard({**climate, "rssi": -61}, decoder, seconds=50).descriptions == ()
    (more,) = heard({**climate, "hum": 40, "rssi": -61}, decoder, seconds=99).descriptions
    assert more.says == ("temperature", "humidity")


# What it says


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"open": True}, {"contact": 0.0}),
        ({"contact": "closed"}, {"contact": 1.0}),
        ({"contact": "timeout not closed", "motion": True}, {"contact": 0.0, "motion": 1.0}),
        ({"type": "WCVR", "open": 46}, {"position": 46.0}),
        ({"type": "ACTR", "state": "on"}, {"switch": 1.0}),
        ({"type": "BODY", "state": "running", "duration": 63}, {"running": 1.0, "duration": 63.0}),
        ({"weight": 100, "unit": "lb"}, {"weight": 45.359}),
        ({"weight": 61.75, "unit": "kg"}, {"weight": 61.75}),
        (
            {"type": "ENRG", "avg": 2.376, "avgu": "kW", "sum": 21.2, "sumu": "kWh"},
            {"power": 2376.0, "energy": 21.2},
        ),
        ({"tempf": 68}, {"temperature": 20.0}),
        ({"tempc": "19.2", "tempf": "66.56"}, {"temperature": 19.2}),
        ({"button": 0, "batt": 100}, {"health": None}),
        ({"cont": True, "acts": True, "track": False}, {"health": None}),
        ({"encr": 2, "cipher": "38ef", "ctr": "ed16", "mic": "4dc4"}, {"health": None}),
        ({"batt": None, "tempc": None, "hum": ""}, {"health": None}),
    ],
)
def test_the_fields_of_the_theengs_decoder(
    content: dict[str, Any], expected: dict[str, float | None]
) -> None:
    assert said(heard(content)) == expected


def test_the_third_of_four_buttons() -> None:
    action = one_of(heard({"button1": 0, "button2": 0, "button3": 2, "button4": 0, "packet": 4}), "action")
    assert action.extra == {"action": "double", "button": 3}


def test_a_name_that_is_no_text_does_not_hide_the_reading() -> None:
    assert said(heard({}, None)) == {"health": None}
    payload = b'{"id":"C4:7C:8D:66:10:11","name":"\xc3\x28","tempc":20}'
    assert said(read("home/hall/BTtoMQTT/C47C8D661011", payload)) == {"temperature": 20.0}


def test_a_radio_code_is_its_own_sender_and_heard_once() -> None:
    decoder, code = Decoder(), {"value": "5393", "protocol": 1, "length": 24, "delay": 350}
    first = read("home/hall/433toMQTT", code, decoder)
    assert (first.readings[0].address, first.readings[0].type) == ("433:5393", "action")
    assert read("home/bedroom/433toMQTT", code, decoder, seconds=0.5).readings == []
    assert read("home/hall/433toMQTT", "5393", decoder, seconds=9).readings[0].address == "433:5393"


def test_a_decoded_radio_sensor() -> None:
    content = {
        "model": "Acurite-Tower", "id": 8623, "channel": "A", "battery_ok": 0, "temperature_C": 21.3, "humidity": 44,
        "rssi": -81,
    }  # fmt: skip
    decoded = read("home/hall/RTL_433toMQTT/Acurite-Tower/A/8623", content)
    assert said(decoded) == {"temperature": 21.3, "humidity": 44.0}
    assert decoded.readings[0].address == "Acurite-Tower-A-8623"
    assert decoded.readings[0].health == {"battery_low": True, "rssi_dbm": -81.0}


# The gateway


def test_a_gateways_connection() -> None:
    assert said(read("home/hall/LWT", "offline")) == {"state": 0.0}
    assert said(read("home/hall/LWT", "online", retained=True)) == {"availability": 1.0}
    with pytest.raises(DecodeError, match="online or offline"):
        read("home/hall/LWT", "away")


def test_a_sensor_wired_to_a_gateway_speaks_as_the_gateway() -> None:
    (only,) = read("home/hall/HCSR501toMQTT", {"presence": "true"}).readings
    assert (only.address, only.type, only.value) == ("home/hall", "presence", 1.0)


@pytest.mark.parametrize("topic", ["home/hall/commands/MQTTtoBT/config", "home/hall/commands/MQTTto433"])
def test_a_command_is_not_ours(topic: str) -> None:
    assert read(topic, {"interval": 30000}) == Decoded([], [])


def test_another_topic_is_unknown() -> None:
    with pytest.raises(DecodeError) as caught:
        read("home/hall/something", "1")
    assert caught.value.reason == "unknown_topic"


SEEDS = [
    json.dumps(one).encode()
    for one in (
        {"id": "C4:7C:8D:66:10:11", "mac_type": 1, "rssi": -60, "model": "x", "brand": "y", "tempc": 1, "packet": 3},
        {"id": "58:78:20:76:BC:24", "mac_type": 1, "uuid": "1de4b189115e45f6b44e509352269977", "major": 0, "minor": 0},
        {"open": True, "contact": "open", "button1": 1, "weight": 3, "unit": "lb", "state": "on", "type": "ACTR"},
        {"value": "5393"}, {"model": "Acurite", "id": 3, "channel": "A", "battery_ok": 1, "temperature_F": 60},
        {"uptime": 120, "version": "v1", "rssi": -24, "mac": "30:AE:A4:11:22:33"},
    )
] + [b"online", b"5393"]  # fmt: skip
TOPICS = [
    "home/hall/BTtoMQTT/C47C8D661011", "home/hall/LWT", "home/hall/SYStoMQTT", "home/hall/433toMQTT", "x/presence/hall",
    "home/hall/RTL_433toMQTT/a/b", "home/hall/CLIMAtoMQTT/bme", "home/hall/version", "BTtoMQTT", "LWT", "SYStoMQTT",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(message=any_messages(TOPICS, SEEDS))
def test_no_message_whatever_does_more_than_be_refused(message: Any) -> None:
    assert_storable(Decoder(), message)
