"""The Things Stack v3: …/<application>@<tenant>/devices/<device>/up and join; everything else is the network's own.

Fields that are zero, false or empty are left out of its JSON. A frame is known by its session and its frame counter,
so a lost frame is a gap in the ledger. Grammar: docs/devices/things_stack.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

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
from nyttig.model import Decoded, Description, Message, Reading

DIALECT = "things_stack"

_TOPIC = re.compile(r"(?:.*/)?([^/]+)/devices/([^/]+)/([a-z/]+)")
_NOT_OURS = frozenset(("up/normalized", "service/data", "location/solved"))
_FRAME_MAX = 512
_ADDRESS_MAX = 128
_NORMALIZED_MAX = 50
_NORMALIZED_DEPTH = 4
_WARNINGS_MAX = 10
_NORMALIZED = {
    "air.temperature": "temperature",
    "air.relativeHumidity": "humidity",
    "air.pressure": "pressure",
    "air.co2": "co2",
    "air.lightIntensity": "illuminance",
    "action.motion.detected": "occupancy",
    "action.motion.count": "motion_event_count",
    "action.contactState": "contact_state",
    "water.leak": "water_leak",
    "battery": "battery_voltage",
}
"""Fields that a formatter's normalizeUplink gives, under names that `lorawan` knows; others go by their path."""


def decode(message: Message, base: str) -> Decoded:
    """The readings of one message: nothing for downlinks, solved locations and simulated frames."""
    form = _TOPIC.fullmatch(message.topic)
    if form is None:
        raise DecodeError(
            "unknown_topic",
            f"{message.topic!r} is not v3/application@tenant/devices/device/up or another event",
        )
    application, device, kind = form.groups()
    if kind in _NOT_OURS or kind.startswith("down/") or not message.payload:
        return Decoded([], [])
    if kind not in ("up", "join"):
        raise DecodeError("unknown_topic", f"{message.topic!r}: {kind!r} is no event of The Things Stack v3")
    content = parse_json(message.payload)
    ids = content.get("end_device_ids") if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(ids, dict):
        raise DecodeError(
            "malformed",
            f"an object with end_device_ids is expected, not {shown(content)}; this is the JSON of The Things Stack v3",
        )
    if content.get("simulated") is True:
        return Decoded([], [])  # somebody tried a formatter in the console; no device spoke
    eui = eui_of(ids.get("dev_eui"))
    address = eui.upper() if eui else f"{application.partition('@')[0]}/{device}"
    if len(address) > _ADDRESS_MAX:
        raise DecodeError(
            "unknown_topic", f"{shown(message.topic)}: an id of The Things Stack has 36 letters at most"
        )
    name = short_text(ids.get("device_id")) or short_text(device)
    described = Description(DIALECT, address, hardware_id=eui.upper() if eui else None, name=name)
    if kind == "join":
        return _joined(message, content, described)
    uplink = content.get("uplink_message")
    if not isinstance(uplink, dict):
        raise DecodeError("malformed", f"uplink_message: an object is expected, not {shown(uplink)}")
    return _up(message, content, uplink, described)


def _up(message: Message, content: dict[str, Any], uplink: dict[str, Any], described: Description) -> Decoded:
    time = time_in(uplink.get("received_at"), content.get("received_at"))
    boot_id, seq, message_id = _identity(uplink, time)
    port, frame = uplink.get("f_port", 0), uplink.get("frm_payload")
    decoded = uplink.get("decoded_payload")
    extra: dict[str, Any] = {"f_port": port} if isinstance(port, int) else {}
    if not decoded and port and isinstance(frame, str):
        extra["frm_payload"] = frame[:_FRAME_MAX]  # no formatter is set: kept for who knows the device
    warnings = uplink.get("decoded_payload_warnings")
    if isinstance(warnings, list) and warnings:
        extra["warnings"] = [str(one)[:_FRAME_MAX] for one in warnings[:_WARNINGS_MAX]]
    said = content_of(decoded if isinstance(decoded, dict) else {})
    for at, fields in _normalized(uplink.get("normalized_payload")):
        more = content_of(fields)
        known = {one.type for one in said.said}
        if at is None:
            said.said.extend(one for one in more.said if one.type not in known)
        elif more.said:
            said.history.append((at, more.said))
        for key, value in more.health.items():
            said.health.setdefault(key, value)
    health = signal_of(uplink.get("rx_metadata"))
    first = Reading(
        DIALECT,
        described.address,
        "health",
        device_time=time,
        boot_id=boot_id,
        seq=seq,
        message_id=message_id,
        health=health or None,
        extra=extra or None,
    )
    readings = readings_of(first, said)
    readings += _cached_battery(uplink.get("last_battery_percentage"), described.address)
    versions = uplink.get("version_ids")
    versions = versions if isinstance(versions, dict) else {}
    described = described._replace(
        make=short_text(versions.get("brand_id")),
        model=short_text(versions.get("model_id")),
        says=tuple(dict.fromkeys(one.type for one in readings)),
    )
    return Decoded([] if message.retained else readings, said.flaws, (described,))


def _identity(uplink: dict[str, Any], time: datetime | None) -> tuple[str | None, int | None, str | None]:
    """Session and counter; without a session (some ABP devices) the counter may start again: then also the time."""
    counter = counter_of(uplink.get("f_cnt"))
    if counter is None:
        raise DecodeError("malformed", f"f_cnt: {shown(uplink['f_cnt'])} is no frame counter of 32 bits")
    session = short_text(uplink.get("session_key_id"))
    if session is not None:
        return session, counter, None
    return None, None, f"f_cnt {counter}" if time is not None else None


def _normalized(entries: Any) -> Iterator[tuple[datetime | None, dict[str, Any]]]:
    for entry in entries[:_NORMALIZED_MAX] if isinstance(entries, list) else []:
        if isinstance(entry, dict):
            leaves = dict(_leaves(entry, "", _NORMALIZED_DEPTH))
            time = time_in(leaves.pop("time", None))
            yield time, {_NORMALIZED.get(path, path): value for path, value in leaves.items()}


def _leaves(entry: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    for key, value in entry.items():
        if isinstance(value, dict) and depth:
            yield from _leaves(value, f"{prefix}{key}.", depth - 1)
        elif not isinstance(value, dict | list):
            yield prefix + key, value


def _cached_battery(cached: Any, address: str) -> list[Reading]:
    """What the device last answered to the network's DevStatus request, hours before this frame, at its own time.

    Each uplink repeats it; the frame that carried it makes it one event.
    """
    if not isinstance(cached, dict):
        return []
    percent, time = number_of(cached.get("value")), time_in(cached.get("received_at"))
    counter = counter_of(cached.get("f_cnt"))
    if percent is None or time is None or counter is None or not 0 < percent <= 100:
        return []
    return [
        Reading(
            DIALECT,
            address,
            "health",
            device_time=time,
            message_id=f"battery {counter}",
            health={"battery_pct": percent},
        )
    ]


def _joined(message: Message, content: dict[str, Any], described: Description) -> Decoded:
    """A join is the device itself that speaks: it restarted or lost its session."""
    accepted = content.get("join_accept")
    accepted = accepted if isinstance(accepted, dict) else {}
    session = short_text(accepted.get("session_key_id"))
    time = time_in(accepted.get("received_at"), content.get("received_at"))
    reading = Reading(
        DIALECT,
        described.address,
        "state",
        1.0,
        device_time=time,
        message_id=session if time is not None else None,
        extra={"joined": session} if session else None,
    )
    return Decoded([] if message.retained else [reading], [], (described,))
