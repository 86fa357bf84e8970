"""The real messages beside this project (../shared/payloads) as they would come over a broker, each in its dialect."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from dialects import NOON, recorded

from nyttig.settings import Source

DIALECT_OF = {
    "zigbee2mqtt": "zigbee2mqtt", "homeassistant_discovery": "homeassistant", "esphome": "homeassistant",
    "shelly": "shelly", "tasmota": "tasmota", "tts_v3": "things_stack", "chirpstack": "chirpstack",
    "lorawan_decoded": "things_stack", "homie": "homie", "senml": "senml", "sparkplug_b": "sparkplug",
    "openmqttgateway": "theengs", "theengs_ble": "theengs",
}  # fmt: skip
"""Which dialect each file is in. What is inside LoRaWAN frames comes in The Things Stack's envelope."""

SOURCES = tuple(
    Source(*one.split("=", 1))
    for one in (
        "nyttig=wt/v1/#", "zigbee2mqtt=zigbee2mqtt/#", "zigbee2mqtt=zigbee2mqtt-beneden/#", "zigbee2mqtt=upstairs/#",
        "things_stack=v3/#", "chirpstack=application/#", "homie=homie/#", "sparkplug=spBv1.0/#", "theengs=home/#",
        "tasmota=tele/#", "tasmota=stat/#", "tasmota=tasmota/discovery/#", "homeassistant=homeassistant/#",
        "homeassistant=underhouse/#", "homeassistant=livingroom/#", "homeassistant=esp/#", "senml=senml/#",
        "shelly=shellies/#", "shelly=+/events/rpc", "shelly=+/response/rpc", "shelly=+/online", "shelly=+/status/+",
    )
)  # fmt: skip
"""All eleven dialects at once, below filters that do not overlap on any of the real topics."""

_FILLED = {
    "<MAC>": "AABBCCDDEEFF",
    "<x>": "1",
    "<presenceTopic>": "home/presence",
    "<TOPIC_PREFIX>": "esp",
    "{app}": "esp",
}
_PLACEHOLDER = re.compile(r"<[^<>]*>|\{[^{}]*\}")


class Real(NamedTuple):
    """A real message; `number` is its line in the file, `retained` the flag with which it is published."""

    file: str
    number: int
    dialect: str
    topic: str
    payload: bytes
    retained: bool


@cache
def real_messages() -> tuple[Real, ...]:
    """All of them but the fragments that are no message; none where the folder is not at hand."""
    return tuple(one for file in DIALECT_OF for one in _of_file(file))


def _of_file(file: str) -> Iterator[Real]:
    dialect = DIALECT_OF[file]
    for number, row in enumerate(recorded(file), 1):
        payload = bytes.fromhex(row["payload_hex"]) if "payload_hex" in row else row["payload"].encode()
        if file == "lorawan_decoded":
            payload = _enveloped(payload, number)
        topic = _topic(file, row, payload)
        if topic is not None:
            yield Real(file, number, dialect, topic, payload, row["retained"] is True)


def _topic(file: str, row: dict[str, Any], payload: bytes) -> str | None:
    """The topic, placeholders filled in; by the maker's grammar where the source shows none."""
    shown: str | None = row["topic"] or row.get("topic_by_grammar")
    if shown is not None:
        topic = re.sub(r" \(.*", "", shown.rpartition("; by ids ")[2])
        topic = _PLACEHOLDER.sub(
            lambda one: _FILLED.get(one[0], re.sub(r"\W+", "-", one[0]).strip("-")), topic
        )
        topic = f"home/gateway{topic}" if topic.startswith("/") else topic
        return topic.replace("esp-", "esp/")
    match file:
        case "senml":
            return "senml/hall"
        case "chirpstack":
            found = re.search(rb'"dev(?:Eui|EUI)" *: *"([^"]*)"', payload)
            return f"application/1/device/{found[1].decode() if found else 'unknown'}/event/up"
        case "lorawan_decoded":
            return "v3/trial@oslo/devices/device/up"
        case "theengs_ble":
            return "home/gateway/BTtoMQTT/AABBCCDDEEFF"
        case "shelly":
            found = re.search(rb'"src" *: *"([^"]*)"', payload)
            return f"{found[1].decode() if found else 'script'}/events/rpc"
    return None


def _enveloped(payload: bytes, number: int) -> bytes:
    """What a formatter made of a frame, in an uplink of a device of its own."""
    uplink = b'{"f_port": 85, "f_cnt": %d, "session_key_id": "s", "received_at": "%s", "decoded_payload": %s}'
    ids = b'{"device_id": "device-%d", "dev_eui": "24E124%010X"}' % (number, number)
    inside = uplink % (number, NOON.isoformat().encode(), payload)
    return b'{"end_device_ids": %s, "uplink_message": %s}' % (ids, inside)


def with_own_ids(one: Real) -> Real:
    """The message with a frame counter and an id of its own: several sources show the same over and over."""
    try:
        content = json.loads(one.payload)
    except ValueError:
        return one
    topic = one.topic
    if one.file == "tts_v3" and isinstance(content.get("uplink_message"), dict):
        content["uplink_message"]["f_cnt"] = one.number
    elif one.file == "chirpstack":
        content |= {"deduplicationId": f"id-{one.number}", "fCnt": one.number}
    elif one.file == "theengs_ble":
        topic = topic.replace("AABBCCDDEEFF", f"AABBCC{one.number:06X}")
    else:
        return one
    return one._replace(topic=topic, payload=json.dumps(content).encode())
