"""Zigbee2MQTT: <base>/<friendly name> with the device's whole state as JSON, .../availability, and the bridge's topics.

Every message repeats the last state, so an event is a change of value; the rollups see the change, each message
is kept. `last_seen`, where it is switched on, is the time of the Zigbee message behind this one. What the bridge says
of itself and of its devices is read in zigbee2mqtt_bridge.py. Grammar: docs/devices/zigbee2mqtt.md.
"""

from __future__ import annotations

import hashlib
from typing import Any

from ingest.decoders.payload import number_of, parse_json, shown
from ingest.decoders.zigbee2mqtt_bridge import (
    DEVICES_MAX,
    DIALECT,
    MEASURED,
    READINGS_MAX,
    SWITCHED,
    TEXT_MAX,
    Bridge,
    Known,
    is_online,
    is_state,
    moment_of,
    of_bridge,
    power_of,
    text_of,
)
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Description, Message, Reading

_STATES = {"ON": 1.0, "OFF": 0.0, "LOCK": 1.0, "UNLOCK": 0.0, "OPEN": 1.0, "CLOSE": 0.0}
_METERED = frozenset(("power", "current", "energy"))
_COMMANDS = frozenset(("set", "get"))
_BRIDGES_MAX = 200
_NAME_MAX = 384
"""A friendly name of three times TEXT_MAX bytes with an attribute; longer ones no bridge gives."""


class Decoder:
    """Reads the messages of any number of bridges, and remembers what each of them said about its devices."""

    def __init__(self) -> None:
        self._bridges: dict[str, Bridge] = {}

    def __call__(self, message: Message, base: str) -> Decoded:
        """The readings and descriptions of one message; nothing for commands, groups and the broker's memory."""
        name = message.topic[len(base) + 1 :] if base else message.topic
        if not 0 < len(name) <= _NAME_MAX:
            raise DecodeError("unknown_topic", f"{shown(message.topic)} names no device")
        bridge = self._bridge(base)
        if name.startswith("bridge/"):
            return of_bridge(message, bridge, name.removeprefix("bridge/"))
        if name == "bridge":
            return Decoded([], [])
        if name in bridge.devices:
            return _state(message, bridge, name)
        head, _, last = name.rpartition("/")
        if not _COMMANDS.isdisjoint(name.split("/")[1:]):
            return Decoded([], [])
        if head and last == "availability":
            return _availability(message, bridge, head)
        return _state(message, bridge, name)

    def _bridge(self, base: str) -> Bridge:
        if base not in self._bridges:
            if len(self._bridges) >= _BRIDGES_MAX:
                del self._bridges[next(iter(self._bridges))]
            self._bridges[base] = Bridge(base)
        return self._bridges[base]


# --- Devices -------------------------------------------------------------------------------------


def _state(message: Message, bridge: Bridge, name: str) -> Decoded:
    if name in bridge.groups or not message.payload:
        return Decoded([], [])  # a group's state is the bridge's sum of it: nobody spoke
    if message.retained:  # the broker's memory of an old state: no event, no proof of life
        return Decoded([], [], _embedded(message, bridge, name))
    known = bridge.devices.get(name)
    if known is None and "/" in name and message.payload[:1] not in (b"{", b"["):
        return _attribute(message, bridge, name)
    content = parse_json(message.payload)
    if not isinstance(content, dict):
        raise DecodeError(
            "malformed",
            f"a JSON object is expected, not {shown(content)}; set Zigbee2MQTT's advanced.output to json",
        )
    if len(bridge.in_json) < DEVICES_MAX:
        bridge.in_json.add(name)
    if _remembered(message, bridge, name, content):
        return Decoded([], [])
    said = _readings(message, bridge.address_of(name), content, known) or [_health_only(bridge, name)]
    return Decoded(said, [], _embedded(message, bridge, name, content))


def _remembered(message: Message, bridge: Bridge, name: str, content: dict[str, Any]) -> bool:
    """Whether this is what a bridge that just started remembers of a device, which said nothing now.

    A press is never remembered, and a message with `last_seen` bears the time of what it repeats.
    """
    if bridge.starting_until is None or name in bridge.remembered:
        return False
    if message.received_at > bridge.starting_until:
        bridge.starting_until = None
        bridge.remembered.clear()
        return False
    if content.get("action") or content.get("click") or moment_of(content.get("last_seen")):
        return False
    if len(bridge.remembered) >= DEVICES_MAX:
        return False  # no bridge has so many
    bridge.remembered.add(name)
    return True


def _attribute(message: Message, bridge: Bridge, name: str) -> Decoded:
    """One value on a topic of its own: read where it comes instead of the whole, nothing where it comes beside it."""
    device, attribute = _split(bridge, name)
    if device in bridge.groups or device in bridge.in_json or bridge.output in ("json", "attribute_and_json"):
        return Decoded([], [])
    try:
        text = message.payload.decode()
    except UnicodeDecodeError as error:
        raise DecodeError("not_utf8", f"the payload is not UTF-8: {error}") from error
    if "\0" in text:
        raise DecodeError("malformed", "the payload holds a NUL character, which no text may hold")
    if bridge.output is None:
        raise DecodeError(
            "not_described",
            f"{message.topic!r} holds a single value, which may come beside the whole state or instead of it; waiting"
            f" for {bridge.address_of('bridge/info')} to say what advanced.output is: replay when it has come",
        )
    if device not in bridge.devices:
        raise DecodeError(
            "not_described",
            f"{bridge.address_of('bridge/devices')} lists no device whose topic {message.topic!r} lies below;"
            " replay when it has come",
        )
    known = bridge.devices[device]
    readings = _readings(message, bridge.address_of(device), {attribute: _plain(text)}, known)
    return Decoded([one._replace(message_id=None) for one in readings], [])


def _split(bridge: Bridge, name: str) -> tuple[str, str]:
    """The name's device, which may itself hold slashes, and the attribute."""
    device, _, attribute = name.rpartition("/")
    head = device
    while head and head not in bridge.devices and head not in bridge.groups:
        head = head.rpartition("/")[0]
    return (head, name[len(head) + 1 :]) if head else (device, attribute)


def _plain(text: str) -> Any:
    """A single value as it would stand in the JSON; a text where it is none."""
    if text in ("true", "false"):
        return text == "true"
    try:
        return number_of(float(text)) if text.isascii() and "_" not in text else text
    except ValueError:
        return text


def _health_only(bridge: Bridge, name: str) -> Reading:
    return Reading(DIALECT, bridge.address_of(name), "health")


def _readings(message: Message, address: str, content: dict[str, Any], known: Known | None) -> list[Reading]:
    last_seen = moment_of(content.get("last_seen"))
    message_id = hashlib.blake2b(message.payload, digest_size=12).hexdigest() if last_seen else None
    fields = known.fields if known else {}
    said: list[tuple[str, float | None, str | None, dict[str, Any] | None]] = []
    for name in dict.fromkeys((*SWITCHED, *(name for name, one in fields.items() if one.on is not None))):
        value = content.get(name)
        if isinstance(
            value, bool
        ):  # true is 1, also where the bridge calls `false` the state that alarms: contact
            said.append((name, float(value), None, None))
        elif isinstance(value, str) and name in fields and value in fields[name].texts:
            said.append((name, float(value == fields[name].on), None, None))
    for name, value in content.items():
        if is_state(name) and isinstance(value, str) and value.upper() in _STATES:
            kind = "lock" if value.upper() in ("LOCK", "UNLOCK") else "switch"
            said.append((kind + name[5:], _STATES[value.upper()], None, None))
    if len(said) > READINGS_MAX:
        raise DecodeError("malformed", f"{len(said)} states in one message; no device has that many")
    action = content.get("action") or content.get("click")
    if isinstance(action, str) and action:  # an empty one only ends the press before it
        said.append(("action", None, None, {"action": action[:TEXT_MAX]}))
    units = {**MEASURED, **{name: one.unit for name, one in fields.items() if one.on is None}}
    for name, unit in units.items():
        number = number_of(content.get(name))
        if number is not None:
            said.append((name, number, unit, None))
    voltage = number_of(content.get("voltage"))
    plugged = not _METERED.isdisjoint(content)
    battery_v: float | None = None
    if known is not None and known.voltage_unit is not None:
        plugged = known.voltage_unit == "V" and known.description.power != "battery"
    elif known is not None:
        plugged = plugged or known.description.power == "mains"
    if voltage is not None and plugged:
        said.append(("voltage", voltage, "V", None))
    elif voltage is not None:
        battery_v = voltage if known is not None and known.voltage_unit == "V" else voltage / 1000
    health = _health(content, battery_v, known)
    if not said and (health is not None or last_seen is not None):
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


def _health(content: dict[str, Any], battery_v: float | None, known: Known | None) -> dict[str, Any] | None:
    health: dict[str, Any] = {}
    percent = number_of(content.get("battery"))
    if percent is not None and known is not None and known.description.power == "mains":
        health["external_power"] = True
    elif percent is not None and 0 <= percent <= 100:
        health["battery_pct"] = percent
    if battery_v is not None and battery_v > 0:
        health["battery_v"] = battery_v
    if isinstance(content.get("battery_low"), bool):
        health["battery_low"] = content["battery_low"]
    quality = number_of(content.get("linkquality"))
    if quality is not None and 0 <= quality <= 255:
        health["link_quality"] = quality
    return health or None


def _embedded(
    message: Message, bridge: Bridge, name: str, content: dict[str, Any] | None = None
) -> tuple[Description, ...]:
    """What `mqtt.include_device_information` says of the device, as long as the bridge's list has not said more."""
    if bridge.listed or b'"ieeeAddr"' not in message.payload:
        return ()
    if content is None:
        parsed = parse_json(message.payload)
        content = parsed if isinstance(parsed, dict) else {}
    device = content.get("device")
    if not isinstance(device, dict):
        return ()
    return (
        Description(
            DIALECT,
            bridge.address_of(name),
            text_of(device.get("ieeeAddr")),
            text_of(device.get("manufacturerName")),
            text_of(device.get("model")),
            name[:TEXT_MAX],
            power_of(device.get("powerSource")),
            bridge.address_of("bridge"),
        ),
    )


def _availability(message: Message, bridge: Bridge, name: str) -> Decoded:
    """What the bridge believes of a device: kept, but no proof of life. Empty: nothing more comes by this name."""
    if name in bridge.groups:
        return Decoded([], [])
    address = bridge.address_of(name)
    online = is_online(message.payload)
    if online is None:
        gone = name not in bridge.devices  # a renamed one is told by the list, which comes after this
        return Decoded([], [], (Description(DIALECT, address, gone=True),) if gone else ())
    return Decoded([Reading(DIALECT, address, "availability", float(online))], [])
