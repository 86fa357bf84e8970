"""Bluetooth sensors that Shelly's gateways hear: each advertisement counts once, whoever heard it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from dialects import one_of, said, sent
from shelly import DOOR, PLUG, advertised, notified, pressed, read

from ingest.decoders.shelly import Decoder
from nyttig.model import Decoded


def of_the_door(decoded: Decoded) -> dict[str, float | None]:
    return {one.type: one.value for one in decoded.readings if one.address == DOOR}


def test_an_advertisement_is_heard_once_however_many_gateways_hear_it() -> None:
    decoder = Decoder()
    first = read("gw1/events/rpc", advertised(7, window=1), decoder)
    assert of_the_door(first) == {"contact": 0.0}
    assert first.descriptions[0].model == "SBDW-002C"
    again = read("gw2/events/rpc", advertised(7, window=1), decoder, seconds=0.4)
    assert of_the_door(again) == {}
    assert of_the_door(read("gw2/events/rpc", advertised(8, window=0), decoder, seconds=2)) == {
        "contact": 1.0
    }
    wrapped = read("gw1/events/rpc", advertised(7, window=1), decoder, seconds=90)
    assert of_the_door(wrapped) == {"contact": 0.0}


def test_a_batch_that_must_be_read_again_loses_no_advertisement() -> None:
    decoder = Decoder()
    message = sent("gw1/events/rpc", advertised(7, window=1))
    assert decoder(message, "") .readings == decoder(message, "").readings  # fmt: skip
    redelivered = sent("gw1/events/rpc", advertised(7, window=1), redelivered=True, seconds=9)
    assert of_the_door(decoder(redelivered, "")) == {"contact": 0.0}


@pytest.mark.parametrize(("code", "action"), [(1, "single"), (2, "double"), (4, "long"), (254, "hold")])
def test_a_pressed_button_tells_how(code: int, action: str) -> None:
    decoded = read("gw1/events/rpc", advertised(1, button=code))
    assert one_of(decoded, "action").extra == {"action": action}


def test_a_beacon_is_no_press() -> None:
    assert of_the_door(read("gw1/events/rpc", advertised(1, button=0))) == {"health": None}


def test_the_second_of_four_buttons() -> None:
    action = one_of(read("gw1/events/rpc", advertised(1, button=[0, 1, 0, 0])), "action")
    assert action.extra == {"action": "single", "button": 2}


def test_a_raw_advertisement_is_unpacked() -> None:
    content = {
        "scriptVersion": "1.2", "src": "gw1", "payload": "440001015a05d204002d013ff6ff",
        "srcBle": {"type": "SBDW-002C", "mac": DOOR.lower(), "rssi": -57},
    }  # fmt: skip
    decoded = read("gw1/events/ble", content)
    assert of_the_door(decoded) == {"illuminance": 12.34, "contact": 0.0, "rotation": -1.0}
    assert decoded.readings[0].health == {"battery_pct": 90.0, "rssi_dbm": -57.0}


def test_an_advertisement_of_a_megabyte_is_none() -> None:
    content = {"payload": "40" + "2d01" * 200_000, "srcBle": {"mac": DOOR}}
    assert said(read("gw1/events/ble", content)) == {"health": None}


def test_an_encrypted_advertisement_says_nothing() -> None:
    content = {"payload": "41a1b2c3", "srcBle": {"type": "SBDW-002C", "mac": DOOR, "rssi": -57}}
    assert read("gw1/events/ble", content).readings == []


def test_a_gateways_own_component_is_the_sensor_that_getcomponents_names() -> None:
    decoder = Decoder()
    status = {"bthomesensor:200": {"id": 200, "value": True, "last_updated_ts": 1795330680}}
    before = one_of(read(f"{PLUG}/events/rpc", notified(status), decoder), "value")
    assert before.address == f"{PLUG}/bthomesensor:200"
    components = [
        {"key": "bthomedevice:200", "config": {"id": 200, "addr": DOOR.lower(), "name": "Hall"}},
        {"key": "bthomesensor:200", "config": {"id": 200, "addr": DOOR.lower(), "obj_id": 45, "idx": 0}},
    ]
    answer = read("nyttig/rpc", {"id": 1, "src": PLUG, "result": {"components": components}}, decoder)
    assert answer.lasting
    assert (answer.descriptions[0].address, answer.descriptions[0].name) == (DOOR, "Hall")
    after = one_of(read(f"{PLUG}/events/rpc", notified(status), decoder), "contact")
    assert (after.address, after.value) == (DOOR, 0.0)
    assert after.device_time == datetime.fromtimestamp(1795330680, UTC)
    button = pressed(component="bthomedevice:200", event="double_push", idx=0)
    action = one_of(read(f"{PLUG}/events/rpc", button, decoder), "action")
    assert (action.address, action.extra) == (DOOR, {"action": "double", "button": 0})


def test_what_a_gateway_heard_long_ago_is_the_same_message_when_it_repeats_it() -> None:
    status = {"bthomedevice:200": {"battery": 80, "rssi": -70, "packet_id": 3, "last_updated_ts": 1795330680}}
    one, again = (
        [r for r in read(f"{PLUG}/events/rpc", notified(status, method)).readings if "bthome" in r.address]
        for method in ("NotifyStatus", "NotifyFullStatus")
    )
    assert one == again
    never = {"bthomedevice:200": {"battery": None, "rssi": None, "last_updated_ts": 0}}
    assert {r.address for r in read(f"{PLUG}/events/rpc", notified(never)).readings} == {PLUG}


def test_the_gateway_scripts_state_is_read_and_its_press_counted_once() -> None:
    decoder = Decoder()
    name = "shellyblubutton1-0ceff6a1b2c3"
    state = notified({"blu": {name: {"addr": DOOR.lower(), "battery": 99, "button": 1}}}, source="gw1")
    assert of_the_door(read("gw1/events/rpc", state, decoder)) == {"health": None}
    press = {"component": "blu", "event": "button", "data": {"device": name, "value": 1}}
    event = notified({"events": [press]}, "NotifyEvent", "gw1")
    assert of_the_door(read("gw1/events/rpc", event, decoder)) == {"action": None}
    assert of_the_door(read("gw2/events/rpc", event, decoder, seconds=0.5)) == {}
    assert of_the_door(read("gw1/events/rpc", event, decoder, seconds=1.5)) == {"action": None}
