"""Who names devices without end, in each dialect whose decoder remembers what it was told."""

# ruff: noqa: E501  # messages are read across

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import FunctionType, MethodType, ModuleType
from typing import Any

from dialects import NOON
from edge_node import DOOR, TEMPERATURE, bd_seq, wire

from nyttig.model import Message

KEPT_BYTES_MAX = 128 * 2**20
"""What one decoder may keep, whatever it is told."""

_LONG = "n" * 60
_TEMPLATE = "{{ value_json.a if value_json.b == 'c' else value_json.d | float | round(2) }}"
_MAC = "{:012X}".format


def _of_homeassistant(number: int) -> Iterator[tuple[str, Any]]:
    yield f"homeassistant/sensor/n{number}/x/config", {
        "state_topic": f"esp/{number}/{_LONG}", "unique_id": f"u{number}", "name": _LONG, "value_template": _TEMPLATE * 2,
        "availability_topic": f"esp/a{number}/{_LONG}", "device": {"identifiers": [f"i{number}"], "name": _LONG, _LONG: [_LONG] * 20},
    }  # fmt: skip
    yield f"esp/a{number}/{_LONG}", "online"


def _of_homie(number: int) -> Iterator[tuple[str, Any]]:
    properties = {
        f"{_LONG}{number}-{n}": {"datatype": "float", "unit": f"{_LONG}{number}"} for n in range(40)
    }
    yield (
        f"homie/d{number}/$description",
        {"homie": "5.0", "name": _LONG, "nodes": {"main": {"properties": properties}}},
    )
    yield f"homie/e{number}/$state", "ready"
    yield f"homie/f{number}/node/$properties", ",".join(f"{_LONG}{n}" for n in range(20))


def _of_zigbee2mqtt(number: int) -> Iterator[tuple[str, Any]]:
    if number == 0:  # the bridge starts: what comes next is its memory
        yield "zigbee2mqtt/bridge/state", "online"
        yield "zigbee2mqtt/bridge/devices", []
    yield f"zigbee2mqtt/{_LONG * (1 + number % 200)}{number}", {"contact": True}


def _of_shelly(number: int) -> Iterator[tuple[str, Any]]:
    mac = _MAC(number)
    full = {
        "ts": 1795330683.1,
        "sys": {"mac": mac},
        "devicepower:0": {"external": {"present": True}},
        "switch:0": {"output": True},
    }
    yield (
        f"{_LONG}{number}/events/rpc",
        {"src": f"shellyplus1-{mac}", "method": "NotifyFullStatus", "params": full},
    )
    components = [
        {"key": "bthomedevice:200", "config": {"addr": mac, "id": 200}},
        {"key": "bthomesensor:201", "config": {"addr": mac, "id": 201, "obj_id": 45}},
    ]
    yield f"{_LONG}{number}/response/rpc", {"src": f"shellyplus1-{mac}", "result": {"components": components}}
    yield f"shellies/s{number}/input_event/0", {"event": "S", "event_cnt": number}
    yield f"shellies/s{number}/events/ble", {"address": mac, "pid": 5, "window": 1}


def _of_tasmota(number: int) -> Iterator[tuple[str, Any]]:
    yield f"tasmota/discovery/{_MAC(number)}/config", {
        "t": f"t{number}", "ft": "%prefix%/%topic%/", "tp": ["cmnd", "stat", "tele"], "mac": _MAC(number), "dn": _LONG, "md": _LONG,
        "ofln": _LONG, "onln": f"{_LONG}{number}", "state": ["OFF", "ON", "T", "H"], "swn": [_LONG] * 8, "fn": [_LONG],
    }  # fmt: skip
    yield f"tele/t{number}/SENSOR", {f"C{n}": {"Temperature": n} for n in range(20)}
    yield f"tele/t{number}/RESULT", {"RfReceived": {"Data": f"{_LONG}{number}"}}


def _of_theengs(number: int) -> Iterator[tuple[str, Any]]:
    fields = {f"field_{n}": n for n in range(40)}
    yield (
        f"home/g{number}/BTtoMQTT/x",
        {"id": _MAC(number), "model": _LONG, "rssi": -50, "name": _LONG} | fields,
    )
    yield "home/g/433toMQTT", {"value": f"{_LONG}{number}"}


def _of_sparkplug(number: int) -> Iterator[tuple[str, Any]]:
    metrics = [TEMPERATURE | {"name": f"{_LONG}{n}".encode(), "alias": n} for n in range(3)]
    yield f"spBv1.0/g/NBIRTH/n{number}", wire(bd_seq(3), *metrics)
    yield f"spBv1.0/g/DBIRTH/one/d{number}", wire(DOOR)
    yield f"spBv1.0/g/DDEATH/one/d{number}", wire()


_TOLD: dict[str, Callable[[int], Iterator[tuple[str, Any]]]] = {
    "zigbee2mqtt": _of_zigbee2mqtt, "homeassistant": _of_homeassistant, "shelly": _of_shelly, "tasmota": _of_tasmota,
    "homie": _of_homie, "theengs": _of_theengs, "sparkplug": _of_sparkplug,
}  # fmt: skip


def _messages(dialect: str, number: int) -> Iterator[Message]:
    at = NOON + timedelta(microseconds=number)
    for topic, content in _TOLD[dialect](number):
        sent = content.encode() if isinstance(content, str) else content
        yield Message(topic, sent if isinstance(sent, bytes) else json.dumps(sent).encode(), False, False, at)


TOPICS: dict[str, Callable[[int], Iterator[Message]]] = {
    dialect: (lambda number, dialect=dialect: _messages(dialect, number))  # type: ignore[misc]  # a default, no argument
    for dialect in _TOLD
}
"""By dialect: the messages of the stranger of that number."""


def kept_bytes(kept: object) -> int:
    """How much memory an object takes, with all that only it leads to."""
    seen: set[int] = set()
    size = 0
    waiting: list[object] = [kept]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type | ModuleType):
            continue
        seen.add(id(one))
        size += sys.getsizeof(one)
        if isinstance(one, FunctionType):  # a closure: not the module around it
            waiting += [cell.cell_contents for cell in one.__closure__ or ()] + list(one.__defaults__ or ())
        elif isinstance(one, MethodType):
            waiting.append(one.__self__)
        else:
            waiting += gc.get_referents(one)
    return size
