"""Zigbee2MQTT: <base>/<friendly name> with the device's whole state as JSON, and .../availability.

Every message repeats the last state, so an event is a change of value; the rollups see the change, each message
is kept. `last_seen`, where it is switched on, is the time of the Zigbee message behind this one.
Grammar: docs/devices/zigbee2mqtt.md.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from ingest.decoders.payload import number_of, parse_json, shown, time_of
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Message, Reading

DIALECT = "zigbee2mqtt"

_SWITCHED = ("contact", "occupancy", "presence", "vibration", "tamper", "water_leak", "smoke", "gas", "sos")
_STATES = {"ON": 1.0, "OFF": 0.0, "LOCK": 1.0, "UNLOCK": 0.0, "OPEN": 1.0, "CLOSE": 0.0}
_MEASURED = {
    "temperature": "°C",
    "local_temperature": "°C",
    "humidity": "%",
    "pressure": "hPa",
    "illuminance": "lx",
    "co2": "ppm",
    "power": "W",
    "current": "A",
    "energy": "kWh",
}
_COMMANDS = frozenset(("set", "get"))
_NAME_MAX = 120
_STATES_MAX = 100


def decode(message: Message, base: str) -> Decoded:
    """The readings of one message: nothing for the bridge's own affairs and for commands."""
    name = message.topic[len(base) + 1 :]
    first, *others = name.split("/")
    head, _, last = name.rpartition("/")
    if first == "bridge" or not _COMMANDS.isdisjoint(others):
        return Decoded([], [])
    if head and last == "availability":
        return Decoded(_availability(message, f"{base}/{head}"), [])
    if not name:
        raise DecodeError("unknown_topic", f"{message.topic!r} names no device")
    if message.retained or not message.payload:
        return Decoded([], [])  # the broker's memory of an old state, or its end: no event, no proof of life
    content = parse_json(message.payload)
    if not isinstance(content, dict):
        raise DecodeError(
            "malformed",
            f"a JSON object is expected, not {shown(content)}; set Zigbee2MQTT's advanced.output to json",
        )
    return Decoded(_readings(message, f"{base}/{name}", content), [])


def _readings(message: Message, address: str, content: dict[str, Any]) -> list[Reading]:
    last_seen = _time(content.get("last_seen"))
    message_id = hashlib.blake2b(message.payload, digest_size=12).hexdigest() if last_seen else None
    said: list[tuple[str, float | None, str | None, dict[str, Any] | None]] = []
    for name in _SWITCHED:
        value = content.get(name)
        if isinstance(value, bool):
            said.append((name, float(value), None, None))
    for name, value in content.items():
        if (
            (name == "state" or name.startswith("state_"))
            and len(name) <= _NAME_MAX
            and isinstance(value, str)
            and value.upper() in _STATES
        ):
            kind = "lock" if value.upper() in ("LOCK", "UNLOCK") else "switch"
            said.append((kind + name[5:], _STATES[value.upper()], None, None))
    if len(said) > _STATES_MAX:
        raise DecodeError("malformed", f"{len(said)} states in one message; no device has that many")
    action = content.get("action") or content.get("click")
    if isinstance(action, str) and action:  # an empty one only ends the press before it
        said.append(("action", None, None, {"action": action}))
    for name, unit in _MEASURED.items():
        number = number_of(content.get(name))
        if number is not None:
            said.append((name, number, unit, None))
    plugged = "power" in content or "current" in content or "energy" in content
    voltage = number_of(content.get("voltage"))
    if plugged and voltage is not None:
        said.append(("voltage", voltage, "V", None))
    health = _health(content, None if plugged else voltage)
    if not said:
        said.append(("health", None, None, None))
    return [
        Reading(
            DIALECT,
            address,
            kind,
            value,
            unit,
            last_seen,
            None,
            None,
            message_id,
            "citizen",
            health if place == 0 else None,
            extra,
        )
        for place, (kind, value, unit, extra) in enumerate(said)
    ]


def _health(content: dict[str, Any], battery_millivolts: float | None) -> dict[str, Any] | None:
    health: dict[str, Any] = {}
    percent = number_of(content.get("battery"))
    if percent is not None and 0 <= percent <= 100:
        health["battery_pct"] = percent
    if battery_millivolts is not None and battery_millivolts > 0:
        health["battery_v"] = battery_millivolts / 1000
    if isinstance(content.get("battery_low"), bool):
        health["battery_low"] = content["battery_low"]
    quality = number_of(content.get("linkquality"))
    if quality is not None:
        health["link_quality"] = quality
    return health or None


def _availability(message: Message, address: str) -> list[Reading]:
    """What the bridge believes of a device: kept, but no proof of life. An empty payload removes a retained one."""
    text = message.payload.strip()
    if not text:
        return []
    content = {"state": text.decode()} if text in (b"online", b"offline") else parse_json(message.payload)
    state = content.get("state") if isinstance(content, dict) else None
    if state not in ("online", "offline"):
        raise DecodeError("malformed", f"availability is online or offline, not {shown(content)}")
    return [Reading(DIALECT, address, "availability", float(state == "online"))]


def _time(value: Any) -> datetime | None:
    """`last_seen` in its three forms: epoch milliseconds, ISO with Z, ISO with an offset; anything else is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return time_of(value)
    except ValueError:
        return None
