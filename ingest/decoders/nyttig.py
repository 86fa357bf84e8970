"""Nyttig's own messages: wt/v1/{municipality}/{site}/{device}/{event|health|state}."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any, cast, get_args

import orjson

from ingest.decoders.payload import number_of, parse_json, shown, time_of
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Flaw, Message, Origin, Reading

DIALECT = "nyttig"

_ORIGINS = frozenset(get_args(Origin))
_EVENT_FIELDS = frozenset(("event_time", "boot_id", "seq", "type", "value", "unit", "origin"))
_HEALTH_FIELDS = frozenset(("battery_pct", "battery_v", "rssi_dbm", "uptime_s", "fw", "counter"))
_TEXT_MAX = 128
_SEQ_MAX = 2**63 - 2

ELEMENTS_MAX = 10_000
"""Message objects in one array: a message of a megabyte of `{}` would otherwise be half a million of them."""


def decode(message: Message, base: str) -> Decoded:
    """The readings of one message; array elements that cannot be read become flaws beside those that can."""
    levels = message.topic[len(base) + 1 :].split("/")
    if len(levels) != 4 or not all(levels):
        raise DecodeError("unknown_topic", f"{message.topic!r} is not wt/v1/municipality/site/device/channel")
    _municipality, _site, device, channel = levels
    if channel == "state":
        return Decoded([_state(message, device)], [])
    if channel not in ("event", "health"):
        raise DecodeError("unknown_topic", f"channel {channel!r} is none of event, health, state")
    if message.retained:
        return Decoded([], [])  # a replay by the broker; the contract says that events are never retained
    content = parse_json(message.payload)
    read = _event if channel == "event" else _health
    if isinstance(content, dict):
        return Decoded([read(content, device)], [])
    if not isinstance(content, list):
        raise DecodeError("malformed", f"an object or an array of objects is expected, not {shown(content)}")
    if len(content) > ELEMENTS_MAX:
        raise DecodeError(
            "oversized", f"{len(content)} objects in one array; at most {ELEMENTS_MAX}: send smaller arrays"
        )
    readings, flaws = [], []
    for element in content:
        try:
            if not isinstance(element, dict):
                raise DecodeError("malformed", f"an object is expected, not {shown(element)}")
            readings.append(read(element, device))
        except DecodeError as error:
            flaws.append(Flaw(error.reason, str(error), orjson.dumps(element)))
    return Decoded(readings, flaws)


def _event(content: dict[str, Any], device: str) -> Reading:
    kind = content.get("type")
    if not isinstance(kind, str) or not 0 < len(kind) <= _TEXT_MAX:
        raise DecodeError("malformed", f'type: {shown(kind)} is not a short text such as "dose_taken"')
    if kind in ("state", "availability", "health"):
        raise DecodeError("malformed", f"type: {kind!r} is a channel's name; send it on its own channel")
    origin = content.get("origin", "citizen")
    if not isinstance(origin, str) or origin not in _ORIGINS:
        raise DecodeError("malformed", f"origin: {shown(origin)} is none of {', '.join(sorted(_ORIGINS))}")
    unit = content.get("unit")
    if unit is not None and (not isinstance(unit, str) or len(unit) > _TEXT_MAX):
        raise DecodeError("malformed", f"unit: {shown(unit)} is not a short text")
    boot_id, seq = _identity(content)
    extra = {key: value for key, value in content.items() if key not in _EVENT_FIELDS}
    return Reading(
        DIALECT,
        device,
        kind,
        _number(content, "value"),
        unit,
        _time(content.get("event_time")),
        boot_id,
        seq,
        None,
        cast("Origin", origin),
        None,
        extra or None,
    )


def _health(content: dict[str, Any], device: str) -> Reading:
    health: dict[str, Any] = {}
    for name in ("battery_pct", "battery_v", "rssi_dbm", "uptime_s", "counter"):
        value = _number(content, name)
        if value is not None:
            health[name] = value
    percent = health.get("battery_pct")
    if percent is not None and not 0 <= percent <= 100:
        raise DecodeError("impossible_value", f"battery_pct: {percent:g} is not within 0..100")
    if health.get("battery_v", 0) < 0:
        raise DecodeError("impossible_value", f"battery_v: {health['battery_v']:g} is negative")
    if isinstance(content.get("fw"), str):
        health["fw"] = content["fw"]
    boot_id, seq = _identity(content)
    known = _EVENT_FIELDS | _HEALTH_FIELDS
    extra = {key: value for key, value in content.items() if key not in known}
    return Reading(
        DIALECT,
        device,
        "health",
        None,
        None,
        _time(content.get("event_time")),
        boot_id,
        seq,
        health=health or None,
        extra=extra or None,
    )


def _state(message: Message, device: str) -> Reading:
    """The connection's state. A retained one is the broker's memory: it says what was, and proves no life now."""
    text = message.payload.strip()
    content = {"state": text.decode()} if text in (b"online", b"offline") else parse_json(message.payload)
    if not isinstance(content, dict) or content.get("state") not in ("online", "offline"):
        raise DecodeError(
            "malformed", f'{{"state": "online"}} or "offline" is expected, not {shown(content)}'
        )
    online = content["state"] == "online"
    device_time = _time(content.get("event_time"))
    boot_id, seq = _identity(content)
    # The same state of the same moment, sent again, is the same message.
    named = content["state"] if device_time is not None and seq is None else None
    if message.retained:
        return Reading(
            DIALECT, device, "availability", float(online), device_time=device_time, message_id=named
        )
    return Reading(
        DIALECT,
        device,
        "state",
        float(online),
        device_time=device_time,
        boot_id=boot_id,
        seq=seq,
        message_id=named,
    )


def _identity(content: dict[str, Any]) -> tuple[str | None, int | None]:
    boot_id, seq = content.get("boot_id"), content.get("seq")
    if seq is None and boot_id is None:
        return None, None
    if isinstance(boot_id, int) and not isinstance(boot_id, bool):
        boot_id = str(boot_id)
    if not isinstance(boot_id, str) or not 0 < len(boot_id) <= _TEXT_MAX:
        raise DecodeError(
            "malformed", f"boot_id: {shown(boot_id)} is not a short text; seq counts within a boot_id"
        )
    if not isinstance(seq, int) or isinstance(seq, bool) or not 0 <= seq <= _SEQ_MAX:
        raise DecodeError("malformed", f"seq: {shown(seq)} is not a whole number counting up from 0")
    return boot_id, seq


def _time(value: Any) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise DecodeError(
            "bad_time", f"event_time: {shown(value)} is neither RFC 3339 nor epoch milliseconds"
        )
    try:
        time = time_of(value)
    except ValueError as error:
        raise DecodeError("bad_time", f"event_time: {shown(value)} is no time: {error}") from error
    if time is None:
        raise DecodeError("bad_time", f"event_time: {value!r} has no offset; write 2026-11-22T07:58:03+01:00")
    return time


def _number(content: dict[str, Any], name: str) -> float | None:
    value = content.get(name)
    if value is None:
        return None
    number = float(value) if isinstance(value, bool) else number_of(value, sys.float_info.max)
    if number is None:
        raise DecodeError("malformed", f"{name}: {shown(value)} is not a number")
    return number
