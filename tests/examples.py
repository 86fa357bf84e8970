"""Our own examples of each dialect, where the real messages show too little of it: descriptions, and what needs them."""

# ruff: noqa: E501  # messages are read across

from __future__ import annotations

import json
from typing import Any

import cbor2
from edge_node import BOOLEAN, DOOR, STRING, TEMPERATURE, bd_seq, wire
from zigbee_bridge import BATTERY, CONTACT, VOLTAGE, device, info

Example = tuple[str, bytes]
"""Topic and payload."""

NYTTIG: tuple[Any, ...] = (
    {"event_time": "2026-11-22T07:58:03.120+01:00", "boot_id": "b7", "seq": 4182, "type": "dose_taken",
     "value": 1, "unit": "dose", "origin": "citizen"},
    [{"event_time": 1795330683120, "boot_id": "b7", "seq": 1, "type": "opened"},
     {"event_time": 1795330684120, "boot_id": "b7", "seq": 2, "type": "closed", "value": False, "room": {"floor": 2}}],
    {"event_time": "2026-11-22T06:58:03Z", "boot_id": 7, "seq": 9, "battery_pct": 81, "battery_v": 2.9, "rssi_dbm": -71,
     "uptime_s": 86400, "fw": "1.4.2", "counter": 118},
    {"state": "online", "event_time": "2026-11-22T06:58:03Z"},
    {"state": "offline"},
)  # fmt: skip

_MAKER = {"identifiers": ["node1"], "manufacturer": "Maker", "model": "One", "name": "Hall"}
_SHELLY = "shellyplus1pm-a8032ab13004"
_TASMOTA = {
    "ip": "192.168.1.7", "dn": "Kitchen plug", "fn": ["Kitchen", None], "hn": "plug-1234", "mac": "DC4F22A1B2C3",
    "md": "Sonoff S31", "ofln": "Weg", "onln": "Da", "state": ["AUS", "EIN", "TOGGLE", "HOLD"], "sw": "13.1.0",
    "t": "kitchen", "ft": "%prefix%/%topic%/", "tp": ["cmnd", "stat", "tele"], "rl": [1, 0], "swc": [0, -1],
    "swn": ["Door", None], "btn": [0, 0], "so": {"4": 0, "114": 1},
}  # fmt: skip
_HOMIE = {
    "homie": "5.0", "version": 7, "name": "Hall", "children": ["below"],
    "nodes": {"main": {"properties": {
        "temperature": {"datatype": "float", "unit": "°F"}, "open": {"datatype": "boolean"},
        "battery-level": {"datatype": "percent", "unit": "%"}, "press": {"datatype": "enum", "retained": False},
    }}},
}  # fmt: skip

_PROPERTIES = (
    {"name": b"Properties/Hardware Make", "datatype": STRING, "string_value": b"Maker"},
    {"name": b"Properties/Hardware Model", "datatype": STRING, "string_value": b"Node"},
)

_CONTENTS: dict[str, tuple[tuple[str, Any], ...]] = {
    "nyttig": tuple(
        (f"wt/v1/alna/h1/d1/{channel}", content)
        for content in (*NYTTIG, b"offline")
        for channel in ("event", "health", "state")
    ),
    "zigbee2mqtt": (
        ("upstairs/bridge/info", info("attribute")),
        ("upstairs/bridge/groups", [{"friendly_name": "group_1", "members": []}]),
        ("upstairs/bridge/devices", [device("z1", "0x01", CONTACT, BATTERY, VOLTAGE), device("room/z1", "0x02", CONTACT)]),
        ("upstairs/z1", {"contact": True, "battery": 81, "voltage": 2900, "linkquality": 90, "last_seen": 1795330683120}),
        ("upstairs/z1/availability", b"online"),
        ("upstairs/room/z1/contact", b"false"),
        ("upstairs/bridge/health", {"response_time": 1795330683120, "process": {"uptime_sec": 7}}),
    ),
    "homeassistant": (
        ("homeassistant/binary_sensor/door/config",
         {"device": _MAKER, "device_class": "door", "state_topic": "esp/door", "availability_topic": "esp/status", "off_delay": 5}),
        ("homeassistant/sensor/heat/config",
         {"dev": _MAKER, "~": "esp", "stat_t": "~/sensor", "val_tpl": "{{ value_json.t | float | round(1) }}",
          "dev_cla": "temperature", "unit_of_meas": "°F"}),
        ("homeassistant/device/hall/config",
         {"dev": _MAKER, "o": {"name": "x"}, "stat_t": "esp/all", "availability_mode": "any", "availability": [{"topic": "esp/a"},
          {"topic": "esp/b", "value_template": "{{ 'online' if value_json.up else 'offline' }}"}],
          "cmps": {"b": {"p": "sensor", "device_class": "battery", "unit_of_measurement": "%", "unique_id": "b",
                         "value_template": "{% if value_json.b is defined %}{{ value_json['b'] }}{% endif %}"},
                   "s": {"p": "sensor", "device_class": "signal_strength", "unique_id": "s", "value_template": "{{ value_json.s }}"},
                   "e": {"p": "event", "event_types": ["press"], "state_topic": "esp/event", "unique_id": "e"},
                   "c": {"p": "cover", "position_topic": "esp/cover", "state_topic": "esp/cover", "unique_id": "c"},
                   "l": {"p": "light", "schema": "json", "state_topic": "esp/all", "unique_id": "l"}}}),
        ("esp/door", b"ON"), ("esp/door", b"OFF"), ("esp/status", b"offline"), ("esp/a", b"online"), ("esp/b", {"up": True}),
        ("esp/sensor", {"t": 71.5}), ("esp/all", {"b": 80, "s": -70, "state": "ON"}), ("esp/event", {"event_type": "press"}),
        ("esp/cover", b"55"),
    ),
    "shelly": (
        (f"{_SHELLY}/events/rpc", {"src": _SHELLY, "method": "NotifyFullStatus", "params": {
            "ts": 1795330683.12, "sys": {"mac": "A8032AB13004", "uptime": 7}, "wifi": {"rssi": -60}, "switch:0": {"output": True, "apower": 3.5},
            "devicepower:0": {"battery": {"V": 5.9, "percent": 80}, "external": {"present": False}}}}),
        (f"{_SHELLY}/response/rpc", {"src": _SHELLY, "id": 1, "result": {"components": [
            {"key": "bthomedevice:200", "config": {"addr": "0c:ef:f6:a1:b2:c3", "id": 200}},
            {"key": "bthomesensor:201", "config": {"addr": "0c:ef:f6:a1:b2:c3", "id": 201, "obj_id": 45}}]}}),
        (f"{_SHELLY}/events/rpc", {"src": _SHELLY, "method": "NotifyStatus", "params": {
            "ts": 1795330684.12, "bthomesensor:201": {"value": True}, "bthomedevice:200": {"battery": 77, "rssi": -70, "packet_id": 5}}}),
        (f"{_SHELLY}/status/switch:0", {"id": 0, "output": True}),
        (f"{_SHELLY}/online", b"true"),
    ),
    "tasmota": (
        ("tasmota/discovery/DC4F22A1B2C3/config", _TASMOTA),
        ("tasmota/discovery/DC4F22A1B2C3/sensors", {"sn": {"AM2301": {"Temperature": 20.0}, "TempUnit": "C"}, "ver": 1}),
        ("tele/kitchen/LWT", b"Da"), ("stat/kitchen/POWER", b"EIN"), ("stat/kitchen/RESULT", {"Door": {"Action": "EIN"}}),
        ("tele/zb1/SENSOR", {"ZbReceived": {"0x1": {"Name": "Door", "Contact": 1, "BatteryPercentage": 80, "LinkQuality": 9}}}),
    ),
    "homie": (
        ("homie/5/hall/$description", _HOMIE), ("homie/5/hall/$state", b"ready"),
        ("homie/5/hall/main/temperature", b"70"), ("homie/5/hall/main/open", b"true"), ("homie/5/hall/main/battery-level", b"80"),
        ("homie/5/hall/main/press", b"single"), ("homie/5/below/$state", b"lost"), ("homie/hall/$stats/signal", b"77"),
    ),
    "theengs": (
        ("home/hall/SYStoMQTT", {"uptime": 7, "rssi": -60, "version": "1", "mac": "AABBCCDDEEFF", "env": "esp32"}),
        ("home/hall/433toMQTT", {"value": 5393, "protocol": 1}),
        ("home/hall/RTL_433toMQTT/x", {"model": "Acurite", "id": 8623, "channel": "A", "temperature_F": 70.0, "battery_ok": 1}),
        ("home/hall/BTtoMQTT/C0FFEE000001", {"id": "C0:FF:EE:00:00:01", "mac_type": 0, "rssi": -60, "model": "MCCGQ02HL",
                                             "packet": 7, "open": True, "batt": 80, "volt": 3.0}),
    ),
    "things_stack": (
        ("v3/trial@oslo/devices/door/join", {"end_device_ids": {"device_id": "door", "dev_eui": "24E124FFFFFF0001"},
                                             "received_at": "2026-11-22T11:59:58Z", "join_accept": {}}),
        ("v3/trial@oslo/devices/door/up", {
            "end_device_ids": {"device_id": "door", "dev_eui": "24E124FFFFFF0001"}, "uplink_message": {
                "version_ids": {"brand_id": "milesight-iot", "model_id": "ws301"}, "session_key_id": "s", "f_port": 85, "f_cnt": 41, "decoded_payload": {"magnet_status": "open", "battery": 80},
                "received_at": "2026-11-22T11:59:58.123456789Z", "rx_metadata": [{"rssi": -36, "snr": 10.5}],
                "last_battery_percentage": {"value": 81.5, "received_at": "2026-11-22T09:59:58Z"}}}),
    ),
    "chirpstack": (
        ("application/7/device/24e124ffffff0002/event/up", {
            "deduplicationId": "d", "time": "2026-11-22T11:59:58.123456789+00:00", "devAddr": "00189440", "fCnt": 41, "fPort": 85,
            "deviceInfo": {"deviceProfileName": "Milesight WS301", "deviceName": "Door 1", "devEui": "24e124ffffff0002"},
            "object": {"magnet_status": "open", "battery": 80, "history": [{"timestamp": 1795330000, "temperature": 20}]},
            "rxInfo": [{"gatewayId": "0016c001f153a14c", "rssi": -36, "snr": 10.5}]}),
    ),
    "senml": (
        ("senml/hall", [{"bn": "urn:dev:ow:0123456789abcdef:", "bt": 1.795330683e9, "n": "temp", "u": "Cel", "v": 23.1},
                        {"n": "door", "vb": True, "t": -5}, {"n": "battery", "u": "%EL", "v": 80}]),
        ("senml/hall", cbor2.dumps([{-2: "urn:dev:ow:0123456789abcdef:", -3: 1795330683, 0: "temp", 1: "Cel", 2: 23.1}, {0: "x", 8: b"\1"}])),
    ),
    "sparkplug": (
        ("spBv1.0/home/NBIRTH/hall", wire(bd_seq(3), TEMPERATURE, *_PROPERTIES, {"name": b"Text", "alias": 9, "datatype": STRING, "string_value": b"a"})),
        ("spBv1.0/home/DBIRTH/hall/door", wire(DOOR, {"name": b"Battery", "alias": 8, "datatype": 4, "long_value": 80}, seq=1)),
        ("spBv1.0/home/DDATA/hall/door", wire({"alias": 7, "datatype": BOOLEAN, "boolean_value": True}, seq=2)),
        ("spBv1.0/home/NDATA/hall", wire({"alias": 100, "datatype": 10, "double_value": 20.5, "timestamp": 1795330000500}, seq=3)),
        ("spBv1.0/home/DDEATH/hall/door", wire(seq=4)),
        ("spBv1.0/home/NDEATH/hall", wire(bd_seq(3), seq=None)),
    ),
}  # fmt: skip

EXAMPLES: dict[str, tuple[Example, ...]] = {
    dialect: tuple(
        (topic, content if isinstance(content, bytes) else json.dumps(content).encode())
        for topic, content in contents
    )
    for dialect, contents in _CONTENTS.items()
}
"""By dialect, in an order in which a device would send them."""
