"""ChirpStack v4 with JSON, and v3: …/application/<id>/device/<DevEUI>/event/up, status, join and log.

A frame is known by its device address, which is new with each join, and its frame counter: a late copy under another
deduplicationId is the same frame. Fields that are zero may be left out. Grammar: docs/devices/chirpstack.md.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from datetime import datetime
from typing import Any

import orjson

from ingest.decoders.lorawan import (
    content_of,
    counter_of,
    eui_of,
    readings_of,
    signal_of,
    time_in,
)
from ingest.decoders.payload import number_of, parse_json, shown
from ingest.decoders.plain import short_text
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Description, Flaw, Message, Reading

DIALECT = "chirpstack"

_TOPIC = re.compile(r"(?:.*/)?application/[^/]+/device/([^/]+)/(?:(event|command|state)/)?([a-z]+)")
_EVENTS = {
    "up": "up", "rx": "up", "status": "status", "join": "join", "log": "log", "error": "log",
    "ack": "", "txack": "", "location": "", "integration": "",
}  # fmt: skip
_GATEWAY = re.compile(r"(?:.*/)?gateway/[^/]+/.*")
_HEARD = frozenset(
    ("UPLINK_F_CNT_RESET", "UPLINK_FCNT_RESET", "UPLINK_F_CNT_RETRANSMISSION", "UPLINK_FCNT_RETRANSMISSION")
)
"""Faults of a frame that the device did send; ChirpStack checked its signature and gives no `up` for it."""
_REFUSED = frozenset(("UPLINK_MIC", "OTAA", "UPLINK_CODEC"))
_FRAME_MAX = 512


def decode(message: Message, base: str) -> Decoded:
    """The readings of one message: nothing for downlinks, locations and what gateways say to the server."""
    form = _TOPIC.fullmatch(message.topic)
    kind = _EVENTS.get(form[3]) if form is not None else None
    if form is None or (kind is None and form[2] == "event"):
        if form is None and _GATEWAY.fullmatch(message.topic):
            return Decoded([], [])
        raise DecodeError(
            "unknown_topic",
            f"{message.topic!r} is not application/id/device/DevEUI/event/up or another event",
        )
    if not kind or form[2] in ("command", "state") or not message.payload:
        return Decoded([], [])
    content = _parsed(message.payload)
    described = _described(content, form[1])
    if kind == "up":
        return _up(message, content, described)
    time = time_in(content.get("time"), content.get("publishedAt"))
    first = Reading(
        DIALECT,
        described.address,
        "health",
        device_time=time,
        message_id=_message_id(message, content, time),
    )
    if kind == "log":
        return _logged(message, content, first)
    first = _status(first, content) if kind == "status" else _joined(first, content)
    return Decoded([] if message.retained else [first], [], (described,))


def _parsed(payload: bytes) -> dict[str, Any]:
    try:
        content = parse_json(payload)
    except DecodeError as error:
        remedy = "if this is protobuf, set json = true under [integration.mqtt] in ChirpStack"
        raise DecodeError(error.reason, f"{error}; {remedy}") from error
    if not isinstance(content, dict):
        raise DecodeError("malformed", f"an object is expected, not {shown(content)}")
    return content


def _described(content: dict[str, Any], topic_eui: str) -> Description:
    info = content.get("deviceInfo")
    info = info if isinstance(info, dict) else content  # v3 says it on the outermost level
    said = info.get("devEui", info.get("devEUI"))
    eui = eui_of(topic_eui) or eui_of(said) or _unpacked(said, 8)
    if eui is None:
        raise DecodeError("malformed", f"devEui: {shown(said)} is no EUI of 16 hexadecimal digits")
    address = eui.lower()
    return Description(
        DIALECT,
        address,
        hardware_id=address,
        model=short_text(info.get("deviceProfileName")),
        name=short_text(info.get("deviceName")),
    )


def _unpacked(value: Any, length: int) -> str | None:
    """The hexadecimal form of an id of `length` bytes that v3 writes in base64 in one of its modes."""
    if not isinstance(value, str) or len(value) > 4 * length:
        return None
    try:
        octets = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    return octets.hex() if len(octets) == length else None


def _up(message: Message, content: dict[str, Any], described: Description) -> Decoded:
    gateways = content.get("rxInfo")
    times = [one.get(key) for one in _objects(gateways) for key in ("time", "gwTime", "nsTime")]
    time = time_in(content.get("time"), *times)
    counter = counter_of(content.get("fCnt"))
    if counter is None:
        raise DecodeError("malformed", f"fCnt: {shown(content['fCnt'])} is no frame counter of 32 bits")
    session = _device_address(content.get("devAddr"))
    port, frame, decoded = content.get("fPort", 0), content.get("data"), _decoded(content)
    extra: dict[str, Any] = {"f_port": port} if isinstance(port, int) else {}
    if not decoded and port and isinstance(frame, str):
        extra["data"] = frame[:_FRAME_MAX]  # no codec is set: kept for who knows the device
    said = content_of(decoded)
    first = Reading(
        DIALECT,
        described.address,
        "health",
        device_time=time,
        boot_id=session,
        seq=counter if session is not None else None,
        message_id=_message_id(message, content, time) if session is None else None,
        health={**signal_of(gateways, "loRaSNR"), **signal_of(gateways)} or None,
        extra=extra or None,
    )
    readings = readings_of(first, said)
    described = described._replace(says=tuple(dict.fromkeys(one.type for one in readings)))
    return Decoded([] if message.retained else readings, said.flaws, (described,))


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _device_address(value: Any) -> str | None:
    if isinstance(value, str) and re.fullmatch(r"[0-9A-Fa-f]{8}", value):
        return value.lower()
    return _unpacked(value, 4)


def _decoded(content: dict[str, Any]) -> dict[str, Any]:
    """What a codec made of the frame; v3 writes it as text in `objectJSON`."""
    decoded = content.get("object")
    text = content.get("objectJSON")
    if not isinstance(decoded, dict) and isinstance(text, str):
        try:
            decoded = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise DecodeError("malformed", f"objectJSON: {shown(text)} is not JSON: {error}") from error
    return decoded if isinstance(decoded, dict) else {}


def _message_id(message: Message, content: dict[str, Any], time: datetime | None) -> str | None:
    """ChirpStack's own id; else the content, where its time tells it from another of the same content."""
    if time is None:
        return None
    own = short_text(content.get("deduplicationId"))
    return own or hashlib.blake2b(message.payload, digest_size=12).hexdigest()


def _status(first: Reading, content: dict[str, Any]) -> Reading:
    """The device's answer to DevStatusReq. That it cannot tell its battery, or has none, is said in words of its own."""
    health: dict[str, Any] = {}
    percent = number_of(content.get("batteryLevel"))
    if content.get("externalPowerSource") is True:
        health["external_power"] = True
    elif content.get("batteryLevelUnavailable") is not True and percent is not None and 0 <= percent <= 100:
        health["battery_pct"] = percent
    margin = number_of(content.get("margin"))
    extra = {"margin_db": margin} if margin is not None else None
    return first._replace(health=health or None, extra=extra)


def _joined(first: Reading, content: dict[str, Any]) -> Reading:
    """ChirpStack sends this with the first frame after a join: the device restarted or lost its session."""
    session = _device_address(content.get("devAddr"))
    return first._replace(type="state", value=1.0, extra={"joined": session} if session else None)


def _logged(message: Message, content: dict[str, Any], first: Reading) -> Decoded:
    """A fault that the device itself caused. What may be somebody else's frame proves no life: it is a flaw."""
    code = short_text(content.get("code")) or short_text(content.get("type")) or "?"
    said = content.get("description") or content.get("error")
    text = said[:_FRAME_MAX] if isinstance(said, str) else ""
    if message.retained:
        return Decoded([], [])
    if code in _HEARD:
        return Decoded([first._replace(type="fault", extra={"code": code, "description": text})], [])
    if code in _REFUSED:
        detail = f"ChirpStack could not read a frame of {first.address}: {code}: {text}"
        return Decoded([], [Flaw("malformed", detail, message.payload)])
    return Decoded([], [])
