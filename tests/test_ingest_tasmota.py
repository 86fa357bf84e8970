"""Tasmota's messages, read as a reader of its documentation reads them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from dialects import any_messages, assert_storable, one_of, recorded, said, sent
from hypothesis import given, settings

from ingest.decode import decode, route_of, routes
from ingest.decoders.tasmota import Decoder
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Description, Reading
from nyttig.settings import Source

ROWS = recorded("tasmota")
BROKEN = {50: "a typographic quote in the source: no JSON"}
SAYS_NOTHING = {
    6: "an answer: the broker's settings",
    26: "an answer: TelePeriod",
    27: "an answer: the device's settings",
    47: "somebody's own field",
    53: "an answer: ZbInfo",
    57: "an answer: RfProtocol",
    58: "an answer: the device's parameters",
    59: "an answer: the firmware",
}
TYPES = {
    "Temperature": "temperature", "Humidity": "humidity", "Pressure": "pressure", "Illuminance": "illuminance",
    "DewPoint": "dew_point", "CarbonDioxide": "co2", "eCO2": "eco2", "Total": "energy",
}  # fmt: skip
PROCESSOR = "Global"
"""Repeats what the chips say."""


def read(topic: str, content: Any, decoder: Decoder | None = None, **how: Any) -> Decoded:
    return (decoder or Decoder())(sent(topic, content, **how), "")


def discovery(**fields: Any) -> dict[str, Any]:
    return {
        "ip": "192.168.1.7", "dn": "Kitchen plug", "fn": ["Kitchen", None], "hn": "plug-1234", "mac": "DC4F22A1B2C3",
        "md": "Sonoff S31", "ofln": "Offline", "onln": "Online", "state": ["OFF", "ON", "TOGGLE", "HOLD"],
        "sw": "13.1.0", "t": "kitchen", "ft": "%prefix%/%topic%/", "tp": ["cmnd", "stat", "tele"],
        "rl": [1, 0, 0], "swc": [-1, -1], "swn": [None, None], "btn": [0, 0], "ver": 1, **fields,
    }  # fmt: skip


CONFIG = "tasmota/discovery/DC4F22A1B2C3/config"


# Real messages


def of_row(number: int, *, retained: bool = False) -> Decoded:
    row = ROWS[number - 1]
    return read(row["topic"] or row["topic_by_grammar"], row["payload"], retained=retained)


def readable() -> list[int]:
    return [number for number in range(1, len(ROWS) + 1) if number not in BROKEN]


def test_all_recorded_messages_are_there_and_most_say_something() -> None:
    if not ROWS:
        pytest.skip("the folder with the real messages is not there")
    assert len(ROWS) == 62
    assert {number for number in readable() if not of_row(number).readings} == set(SAYS_NOTHING)


@pytest.mark.parametrize("number", [number for number in readable() if number not in SAYS_NOTHING])
def test_a_real_message_says_what_its_reader_understood(number: int) -> None:
    expect, decoded = ROWS[number - 1]["expect"], of_row(number)
    assert not decoded.flaws
    values = said(decoded)
    first = decoded.readings[0]
    health = first.health or {}
    assert all(one.device_time is None for one in decoded.readings)  # none of them has a zone
    local = (expect.get("timestamp") or {}).get("local_without_zone")
    assert (first.extra or {}).get("time") == local
    if "device" in expect:
        assert expect["device"] in first.address
    assert health.get("battery_pct") == expect.get("battery_pct")
    assert health.get("link_quality") == expect.get("lqi")
    assert health.get("signal_pct") == expect.get("wifi_quality_pct")
    assert values.get("supply_voltage") == expect.get("supply_V")
    if "online" in expect:
        assert values == {"state": float(expect["online"])}
    for name, state in expect.get("state", {}).items():
        value = state["value"] if isinstance(state, dict) else state
        kind = {"POWER": "switch", "Power": "switch"}.get(name) or (
            name.lower().replace("switch", "input_")
            if name.startswith("Switch")
            else name.lower().replace("power", "switch_")
            if name.startswith("POWER") and name[5:].isdecimal()
            else name.lower()
        )
        assert values[kind] == float(value in ("ON", "1", 1))
    for name, measured in expect.get("measurements", {}).items():
        chip, _, field = name.rpartition(".")
        value = measured["value"]
        if chip != PROCESSOR and not isinstance(value, list):
            assert values[TYPES[field]] == value
    for event in expect.get("events", []):
        action = one_of(decoded, "action").extra or {}
        if "action" in event:
            assert action["action"] == event["action"].lower()
        else:
            assert action["code"] == event["data"]


@pytest.mark.parametrize("number", sorted(BROKEN))
def test_a_broken_real_message_is_refused(number: int) -> None:
    if ROWS:
        with pytest.raises(DecodeError) as caught:
            of_row(number)
        assert caught.value.reason == "malformed"


@pytest.mark.parametrize("number", range(1, len(ROWS) + 1))
def test_the_brokers_memory_of_a_real_message_is_no_event(number: int) -> None:
    assert {one.type for one in of_row(number, retained=True).readings} <= {"availability"}


# Who says it


@pytest.mark.parametrize(
    ("topic", "address"),
    [
        ("tele/bath/SENSOR", "bath"),
        ("tasmota/bath/tele/SENSOR", "tasmota/bath"),
        ("bath/tele/SENSOR", "bath"),
        ("home/tele/first floor/bath/SENSOR", "home/first floor/bath"),
    ],
)
def test_the_prefix_may_stand_anywhere(topic: str, address: str) -> None:
    assert read(topic, {"Switch1": "ON"}).readings[0].address == address


def test_a_topic_without_a_device_is_unknown() -> None:
    with pytest.raises(DecodeError, match="names no device"):
        read("tele/SENSOR", {})
    with pytest.raises(DecodeError) as caught:
        read("somewhere/else", "on")
    assert caught.value.reason == "unknown_topic"


def test_a_device_with_renamed_prefixes_is_known_once_it_described_itself() -> None:
    decoder = Decoder()
    with pytest.raises(DecodeError) as caught:
        read("messung/kitchen/SENSOR", {"Switch1": "ON"}, decoder)
    assert caught.value.reason == "not_described"
    described = read(CONFIG, discovery(tp=["befehl", "stand", "messung"]), decoder, retained=True)
    assert described.lasting
    assert read("messung/kitchen/SENSOR", {"Switch1": "ON"}, decoder).readings[0].address == "kitchen"
    assert read("befehl/kitchen/POWER", "ON", decoder) == Decoded([], [])


def test_a_discovery_message_describes_the_device() -> None:
    decoded = read(CONFIG, discovery(swc=[1, -1], so={"73": 1}, btn=[1, 0]), retained=True)
    assert decoded.descriptions == (
        Description(
            "tasmota", "kitchen", "DC:4F:22:A1:B2:C3", "Tasmota", "Sonoff S31", "Kitchen plug", "mains",
            says=("switch", "input_1", "action"),
        ),
    )  # fmt: skip


def test_a_device_that_is_taken_out_of_discovery_is_gone() -> None:
    decoder = Decoder()
    read(CONFIG, discovery(), decoder, retained=True)
    (only,) = read(CONFIG, b"", decoder).descriptions
    assert (only.address, only.gone) == ("kitchen", True)


def test_a_device_says_on_and_online_in_its_own_words() -> None:
    decoder = Decoder()
    with pytest.raises(DecodeError, match="discovery"):
        read("tele/kitchen/LWT", "Koblet", decoder)
    own = discovery(onln="Koblet", ofln="Frakoblet", state=["AV", "PÅ"], swn=["Door", None])
    read(CONFIG, own, decoder, retained=True)
    assert said(read("tele/kitchen/LWT", "Koblet", decoder)) == {"state": 1.0}
    assert said(read("tele/kitchen/LWT", "Frakoblet", decoder, retained=True)) == {"availability": 0.0}
    assert said(read("stat/kitchen/RESULT", {"POWER": "PÅ"}, decoder)) == {"switch": 1.0}
    assert said(read("tele/kitchen/SENSOR", {"Door": "AV"}, decoder)) == {"input_1": 0.0}


# Twice the same


def test_result_and_power_are_one_fact() -> None:
    decoder = Decoder()
    assert said(read("stat/plug/RESULT", {"POWER1": "ON"}, decoder)) == {"switch_1": 1.0}
    assert read("stat/plug/POWER1", "ON", decoder, seconds=0.01).readings == []
    assert said(read("stat/plug/RESULT", {"POWER1": "OFF"}, decoder, seconds=1)) == {"switch_1": 0.0}
    assert read("stat/plug/POWER1", "OFF", decoder, seconds=1.01).readings == []
    assert said(read("stat/plug/POWER1", "OFF", decoder, seconds=60)) == {"switch_1": 0.0}


def test_a_batch_that_must_be_read_again_says_the_same() -> None:
    decoder = Decoder()
    batch = [sent("stat/plug/RESULT", {"POWER": "ON"}), sent("stat/plug/POWER", "ON", seconds=0.01)]
    once = [decoder(message, "").readings for message in batch]
    assert [decoder(message, "").readings for message in batch] == once


def test_two_presses_that_look_alike_are_two() -> None:
    decoder, press = Decoder(), {"Button1": {"Action": "SINGLE"}}
    for seconds in (0, 1):
        action = one_of(read("stat/plug/RESULT", press, decoder, seconds=seconds), "action")
        assert action.extra == {"action": "single", "button": 1}


def test_a_radio_code_that_is_repeated_within_a_second_is_one() -> None:
    decoder, code = Decoder(), {"RfReceived": {"Sync": 10250, "Data": "4AF10A", "RfKey": "None"}}
    heard = [
        [one for one in read("tele/rf/RESULT", code, decoder, seconds=wait).readings if one.type == "action"]
        for wait in (0, 0.4, 3)
    ]
    assert [len(one) for one in heard] == [1, 0, 1]
    assert heard[0][0].address == "rf/rf:4AF10A"


# What it says


def test_the_old_and_the_new_form_of_a_press() -> None:
    assert one_of(read("stat/a/BUTTON2", {"ACTION": "HOLD"}), "action").extra == {
        "action": "hold",
        "button": 2,
    }
    switch = one_of(read("stat/a/RESULT", {"Switch1": {"Action": "HOLD"}}), "action")
    assert switch.extra == {"action": "hold", "switch": 1}
    assert said(read("stat/a/RESULT", {"Switch1": {"Action": "ON"}})) == {"input_1": 1.0}
    assert said(read("stat/a/SWITCH1", "OFF")) == {"input_1": 0.0}


def test_energy_as_a_number_a_list_and_a_map() -> None:
    one = {
        "Time": "2026-11-22T12:00:00",
        "ENERGY": {"Total": 1.5, "Today": 0.2, "Power": "3.5", "Factor": 0.5},
    }
    assert said(read("tele/plug/SENSOR", one)) == {
        "energy": 1.5, "energy_today": 0.2, "power": 3.5, "power_factor": 0.5,
    }  # fmt: skip
    three = {"ENERGY": {"Power": [1, 2, 3], "Voltage": {"L1": 230, "L2": 231}}}
    assert said(read("tele/plug/SENSOR", three)) == {
        "power_1": 1.0, "power_2": 2.0, "power_3": 3.0, "voltage_l1": 230.0, "voltage_l2": 231.0,
    }  # fmt: skip


def test_a_meter_names_its_phases_and_old_firmware_no_chip() -> None:
    meter = {"SML": {"Voltage_L1": 231, "Freq": 50.0, "phase_angle_L1": 284.0}}
    assert said(read("tele/meter/SENSOR", meter)) == {
        "voltage_l1": 231.0, "frequency": 50.0, "phase_angle_l1": 284.0,
    }  # fmt: skip
    flat = {"Time": "2017-09-20T11:53:09", "Temperature": 24.0, "Light": 30, "TempUnit": "C"}
    assert said(read("tele/sc/SENSOR", flat)) == {"temperature": 24.0, "light": 30.0}


def test_units_are_made_common() -> None:
    content = {
        "BME280": {"Temperature": 68.0, "Pressure": 29.92}, "SR04": {"Distance": 250},
        "TempUnit": "F", "PressureUnit": "inHg",
    }  # fmt: skip
    decoded = read("tele/a/SENSOR", content)
    assert said(decoded) == pytest.approx(
        {"temperature": 20.0, "pressure": 1013.208, "distance": 2.5}, abs=0.001
    )
    assert [one.unit for one in decoded.readings] == ["°C", "hPa", "m"]


def test_two_chips_that_measure_the_same_are_told_apart_also_when_one_fails() -> None:
    decoder = Decoder()
    both = {"DS18B20-1": {"Id": "01", "Temperature": 20.0}, "DS18B20-2": {"Id": "02", "Temperature": 4.0}}
    assert said(read("tele/a/SENSOR", both, decoder)) == {"temperature": 20.0, "temperature_ds18b20_2": 4.0}
    alone = {"DS18B20-2": {"Temperature": 5.0}}
    assert said(read("tele/a/SENSOR", alone, decoder)) == {"temperature_ds18b20_2": 5.0}


def test_the_processors_own_temperature_is_no_measurement() -> None:
    assert said(read("tele/a/SENSOR", {"ESP32": {"Temperature": 48.9}})) == {"health": None}


def test_what_is_unknown_is_left_out() -> None:
    assert said(read("tele/a/SENSOR", {"DHT11": {"Temperature": None, "Humidity": ""}})) == {"health": None}


def test_signal_and_uptime_are_health() -> None:
    content = {"Uptime": "1T02:00:00", "UptimeSec": 93600, "Wifi": {"RSSI": 64, "Signal": -68}, "POWER": "ON"}
    (only,) = read("tele/a/STATE", content).readings
    assert only.health == {"rssi_dbm": -68.0, "signal_pct": 64.0, "uptime_s": 93600.0}
    (boot,) = read("tele/a/INFO1", {"Info1": {"Module": "Sonoff S31", "Version": "13.1.0(tasmota)"}}).readings
    assert boot.health == {"fw": "13.1.0(tasmota)"}


@pytest.mark.parametrize(
    "time", [{"Time": "2026-11-22T07:58:03+01:00"}, {"Time": 1795330683}, {"Time": "x", "Epoch": 1795330683}]
)
def test_a_time_with_a_zone_or_an_epoch_is_believed(time: dict[str, Any]) -> None:
    (only,) = read("tele/a/SENSOR", {**time, "Switch1": "ON"}).readings
    assert only.device_time == datetime(2026, 11, 22, 6, 58, 3, tzinfo=UTC)
    assert only.message_id is not None


def test_a_local_time_is_kept_as_it_was_sent() -> None:
    (only,) = read("tele/a/SENSOR", {"Time": "2026-10-25T02:30:00", "Switch1": "ON"}).readings
    assert (only.device_time, only.message_id, only.extra) == (None, None, {"time": "2026-10-25T02:30:00"})


# Zigbee behind a bridge


def behind(key: str, **values: Any) -> dict[str, Any]:
    return {"ZbReceived": {key: {"Device": "0x662E", **values, "Endpoint": 1, "LinkQuality": 157}}}


def of(decoded: Decoded, address: str) -> list[Reading]:
    return [one for one in decoded.readings if one.address == address]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"ZoneStatusChange": 33, "Contact": 1}, {"contact": 0.0}),
        ({"ZoneStatusChange": 32, "Contact": 0}, {"contact": 1.0}),
        ({"Occupancy": 1}, {"occupancy": 1.0}),
        ({"Water": 1}, {"water_leak": 1.0}),
        ({"Power": "on"}, {"switch": 1.0}),
        ({"0006!02": "", "Power": 2}, {"action": None}),
        ({"Click": "double"}, {"action": None}),
        ({"BatteryPercentage": 68}, {"health": None}),
    ],
)
def test_a_device_behind_a_bridge_speaks_for_itself(
    values: dict[str, Any], expected: dict[str, float | None]
) -> None:
    readings = of(read("tele/bridge/SENSOR", behind("0x662E", Name="door", **values)), "bridge/door")
    assert {one.type: one.value for one in readings} == expected
    assert (readings[0].health or {})["link_quality"] == 157.0


@pytest.mark.parametrize(
    ("topic", "content"),
    [
        ("tele/bridge/SENSOR", behind("0x662E", Name="door", Contact=1)),
        ("tele/bridge/SENSOR", behind("door", Name="door", Contact=1)),
        ("tele/bridge/662E/SENSOR", behind("0x662E", Name="door", Contact=1)),
        ("tele/bridge/door/SENSOR", behind("door", Contact=1)),
        ("tele/bridge/door/SENSOR", {"ZbReceived": {"Device": "0x662E", "Name": "door", "Contact": 1}}),
        ("tele/bridge/ZbReceived", behind("door", Contact=1)["ZbReceived"]),
    ],
)
def test_a_device_has_one_address_however_the_bridge_is_set(topic: str, content: dict[str, Any]) -> None:
    spoken = {one.address: one.type for one in read(topic, content).readings}
    assert spoken == {"bridge/door": "contact"}


def test_a_bridge_that_says_nothing_of_its_devices_is_alive() -> None:
    state = {"ZbState": {"Status": 20, "Message": "Disable Pairing mode"}}
    assert said(read("tele/bridge/RESULT", state)) == {"health": None}


def test_what_a_bridge_remembers_describes_and_is_no_event() -> None:
    content = {
        "ZbInfo": {
            "door": {
                "Device": "0x662E", "Name": "door", "IEEEAddr": "0x00158D00036B50AE", "ModelId": "lumi.magnet",
                "Manufacturer": "LUMI", "Contact": 1, "Reachable": False, "LastSeenEpoch": 1795330683,
                "BatteryPercentage": 40,
            }
        }
    }  # fmt: skip
    decoded = read("tele/bridge/SENSOR", content)
    (only,) = of(decoded, "bridge/door")
    assert (only.type, only.value, only.health) == ("availability", 0.0, {"battery_pct": 40.0})
    assert decoded.descriptions == (
        Description(
            "tasmota", "bridge/door", "0x00158D00036B50AE", "LUMI", "lumi.magnet", "door", "battery", "bridge",
            ("contact",),
        ),
    )  # fmt: skip


def test_a_bluetooth_sensor_that_an_esp32_hears_is_a_device_of_its_own() -> None:
    heard = {"mac": "a4c1381234ab", "Temperature": 21.5, "Humidity": 40, "Battery": 78, "RSSI": -71}
    decoded = read("tele/esp/SENSOR", {"Time": "2026-11-22T12:00:00", "ATC1234ab": heard, "TempUnit": "C"})
    readings = of(decoded, "A4:C1:38:12:34:AB")
    assert [(one.type, one.value) for one in readings] == [("temperature", 21.5), ("humidity", 40.0)]
    assert readings[0].health == {"battery_pct": 78.0, "rssi_dbm": -71.0}
    assert [one.type for one in of(decoded, "esp")] == ["health"]


def test_the_sources_of_one_dialect_share_what_was_learned() -> None:
    known = routes(
        [Source("tasmota", one) for one in ("tele/#", "stat/#", "tasmota/discovery/#", "messung/#")]
    )

    def told(topic: str, content: Any, **how: Any) -> Decoded:
        route, base = route_of(topic, known)
        return decode(sent(topic, content, **how), route, base)

    told(CONFIG, discovery(tp=["befehl", "stand", "messung"]), retained=True)
    assert told("messung/kitchen/SENSOR", {"Switch1": "ON"}).readings[0].address == "kitchen"
    assert said(told("stat/plug/RESULT", {"POWER": "ON"})) == {"switch": 1.0}
    assert told("stat/plug/POWER", "ON").readings == []


# Not ours, and damaged


@pytest.mark.parametrize("topic", ["cmnd/plug/POWER", "tasmota/plug/cmnd/POWER"])
def test_a_command_is_not_ours(topic: str) -> None:
    assert read(topic, "ON") == Decoded([], [])


SEEDS = [
    json.dumps(one).encode()
    for one in (
        discovery(),
        {"sn": {"BME280": {"Temperature": 1}, "DHT11": {"Temperature": 1}}, "ver": 1},
        behind("0x662E", Name="door", Contact=1, Voltage=3.0),
        {"ZbInfo": {"door": {"Device": "0x662E", "IEEEAddr": "0x1", "Reachable": True, "LastSeenEpoch": 5}}},
        {"ZbStatus2": [{"Device": "0x4773", "ModelId": "Plug"}]},
        {"Time": "2026-11-22T12:00:00", "ENERGY": {"Total": [1, 2], "Power": {"L1": 3}}, "TempUnit": "F"},
        {"StatusSNS": {"Switch1": "ON", "BME680": {"Temperature": "28.0"}}},
        {"Uptime": "0T04:35:18", "Vcc": 3.2, "POWER1": "OFF", "Wifi": {"RSSI": 64, "Signal": -60}},
        {"Button1": {"Action": "SINGLE"}, "RfReceived": {"Data": "4AF10A"}, "IrReceived": {"Data": "0x1"}},
    )
] + [b"ON", b"Online", b"126"]  # fmt: skip
TOPICS = [
    CONFIG, CONFIG.replace("config", "sensors"), "tele/a/SENSOR", "tele/a/STATE", "tele/a/LWT", "stat/a/RESULT",
    "tele/a/RESULT", "stat/a/STATUS10", "stat/a/POWER1", "stat/a/BUTTON1", "tele/a/b/SENSOR", "tele/a/INFO1", "tele/a/ENERGY",
    "tele/a/ZbReceived", "stat/a/PIR1", "tele/a/UPTIME",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(message=any_messages(TOPICS, SEEDS))
def test_no_message_whatever_does_more_than_be_refused(message: Any) -> None:
    assert_storable(Decoder(), message)
