"""What a Zigbee2MQTT says below <base>/bridge/: that it runs, which devices and groups it has, who came and left.

Who has read this knows units, power supply and what is no device. Grammar: docs/devices/zigbee2mqtt.md.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from ingest.decoders.payload import number_of, parse_json, shown, time_of
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Description, Message, Reading

DIALECT = "zigbee2mqtt"

SWITCHED = (
    "contact", "occupancy", "presence", "motion", "moving", "vibration", "tamper", "water_leak", "smoke", "gas",
    "carbon_monoxide", "sos",
)  # fmt: skip
MEASURED = {
    "temperature": "°C",
    "local_temperature": "°C",
    "humidity": "%",
    "soil_moisture": "%",
    "pressure": "hPa",
    "illuminance": "lx",
    "co2": "ppm",
    "pm25": "µg/m³",
    "voc": "ppb",
    "noise": "dB",
    "position": "%",
    "power": "W",
    "current": "A",
    "energy": "kWh",
    "produced_energy": "kWh",
}
_HOUSEKEEPING = frozenset((
    "battery", "battery_low", "battery_voltage", "linkquality", "voltage", "last_seen", "state", "health",
    "availability", "action", "click", "angle", "consumption", "device_temperature", "duration", "elapsed",
    "illuminance_lux", "illuminance_raw", "power_outage_count", "switch", "lock", "target_distance", "trigger_count",
))  # fmt: skip
"""Not measured at the home: read otherwise, facts about the device, doubles of old versions, or a radar's noise."""
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
_MAINS = ("Mains", "DC", "Emergency mains")
TEXT_MAX = 128
_NAME_MAX = 120
READINGS_MAX = 100
DEVICES_MAX = 2000

STARTING = timedelta(seconds=30)
"""After its start a bridge sends what it remembers of each device, once, unless it said before that it is done."""


class Field(NamedTuple):
    """What the bridge says of one value that a device can give: its unit, or which two it has; `on` is the first."""

    unit: str | None
    texts: tuple[str | bool, ...] = ()

    @property
    def on(self) -> str | bool | None:
        return self.texts[0] if self.texts else None


class Known(NamedTuple):
    """What the bridge says of one device."""

    description: Description
    fields: Mapping[str, Field]
    voltage_unit: str | None


@dataclass(slots=True)
class Bridge:
    """One Zigbee2MQTT, as far as it has spoken. `output` is its advanced.output, None until it says so."""

    base: str
    listed: bool = False
    devices: dict[str, Known] = field(default_factory=dict)
    groups: frozenset[str] = frozenset()
    output: str | None = None
    model: str | None = None
    in_json: set[str] = field(default_factory=set)
    online_at: datetime | None = None
    starting_until: datetime | None = None
    remembered: set[str] = field(default_factory=set)

    def address_of(self, name: str) -> str:
        return f"{self.base}/{name}" if self.base else name


def of_bridge(message: Message, bridge: Bridge, topic: str) -> Decoded:
    if topic == "state":
        return _bridge_state(message, bridge)
    if topic == "logging" and b"Zigbee2MQTT started" in message.payload:
        bridge.starting_until = None
    elif topic == "health" and not message.retained:
        return Decoded(_bridge_health(message, bridge), [])
    elif topic == "event" and not message.retained:
        return Decoded([], [], tuple(_joined_or_left(parse_json(message.payload), bridge)))
    elif topic == "devices":
        _note_start(message, bridge)
        return Decoded([], [], tuple(_listed(_list_in(message), bridge)), lasting=True)
    elif topic == "groups":
        return Decoded([], [], tuple(_groups(_list_in(message), bridge)), lasting=True)
    elif topic == "info":
        return Decoded([], [], tuple(_info(_object_in(message), bridge)), lasting=True)
    return Decoded([], [])


def _list_in(message: Message) -> list[Any]:
    content = parse_json(message.payload) if message.payload else []
    if not isinstance(content, list):
        raise DecodeError("malformed", f"{message.topic!r} is a list, not {shown(content)}")
    return content


def _object_in(message: Message) -> dict[str, Any]:
    content = parse_json(message.payload) if message.payload else {}
    if not isinstance(content, dict):
        raise DecodeError("malformed", f"{message.topic!r} is a JSON object, not {shown(content)}")
    return content


def _note_start(message: Message, bridge: Bridge) -> None:
    """A list that follows the bridge's `online` is that of a bridge which just started; what it remembers comes next."""
    if message.retained or bridge.online_at is None:
        return
    starts = message.received_at - bridge.online_at < STARTING
    bridge.starting_until = message.received_at + STARTING if starts else None
    bridge.online_at = None
    bridge.remembered.clear()


def _bridge_state(message: Message, bridge: Bridge) -> Decoded:
    """The bridge speaks for itself, or its last will does; what the broker remembers of it proves no life now."""
    online = is_online(message.payload)
    if online is None:
        return Decoded([], [])
    if not message.retained:
        bridge.online_at = message.received_at if online else None
    kind = "availability" if message.retained else "state"
    reading = Reading(DIALECT, bridge.address_of("bridge"), kind, float(online))
    return Decoded([reading], [], (_gateway(bridge, None),))


def _bridge_health(message: Message, bridge: Bridge) -> list[Reading]:
    content = _object_in(message)
    process = content.get("process")
    uptime = number_of(process.get("uptime_sec")) if isinstance(process, dict) else None
    time = moment_of(content.get("response_time"))
    return [
        Reading(
            DIALECT,
            bridge.address_of("bridge"),
            "health",
            device_time=time,
            message_id=hashlib.blake2b(message.payload, digest_size=12).hexdigest() if time else None,
            health=None if uptime is None else {"uptime_s": uptime},
        )
    ]


def _gateway(bridge: Bridge, ieee: str | None) -> Description:
    address = bridge.address_of("bridge")
    says = ("state", "health")
    return Description(DIALECT, address, ieee, "Zigbee2MQTT", bridge.model, address, "mains", None, says)


def _info(content: dict[str, Any], bridge: Bridge) -> Iterator[Description]:
    config = content.get("config")
    for section in ("experimental", "advanced"):  # where the setting stood before 1.22, and since
        settings = config.get(section) if isinstance(config, dict) else None
        if isinstance(settings, dict) and isinstance(settings.get("output"), str):
            bridge.output = settings["output"]
    if not content:
        bridge.output = None
        return
    coordinator = content.get("coordinator")
    if isinstance(coordinator, dict):
        bridge.model = text_of(coordinator.get("type"))
        yield _gateway(bridge, text_of(coordinator.get("ieee_address")))


def _groups(content: list[Any], bridge: Bridge) -> Iterator[Description]:
    """Groups are known from now on; each is described as no device, should one have been proposed before."""
    names = [name for one in _objects(content) if (name := _name(one)) is not None]
    bridge.groups = frozenset(names)
    for name in names:
        yield Description(DIALECT, bridge.address_of(name), model="Group", name=name, gone=True)


def _listed(content: list[Any], bridge: Bridge) -> Iterator[Description]:
    """The bridge's devices are those of the list; one that it knew before and lists no more is gone."""
    before = {one.description.hardware_id: one.description for one in bridge.devices.values()}
    bridge.devices = {}
    bridge.listed = bool(content)
    for one in _objects(content):
        name, ieee = _name(one), text_of(one.get("ieee_address"))
        if one.get("type") == "Coordinator":
            yield _gateway(bridge, ieee)
        elif name is not None:
            known = bridge.devices[name] = _known(one, name, bridge)
            before.pop(ieee, None)
            if one.get("disabled") is not True:
                yield known.description
    for lost in before.values():
        yield lost._replace(gone=True)


def _joined_or_left(content: Any, bridge: Bridge) -> Iterator[Description]:
    data = content.get("data") if isinstance(content, dict) else None
    name = _name(data) if isinstance(data, dict) else None
    if name is None or not isinstance(data, dict):
        return
    if content.get("type") == "device_leave":
        yield Description(DIALECT, bridge.address_of(name), text_of(data.get("ieee_address")), gone=True)
    elif name not in bridge.devices:  # else the list has said more
        yield _known(data, name, bridge).description


def _known(one: dict[str, Any], name: str, bridge: Bridge) -> Known:
    definition = one.get("definition")
    definition = definition if isinstance(definition, dict) else {}
    exposed = list(_features(definition.get("exposes"), 0))
    fields: dict[str, Field] = {}
    for feature in exposed:
        named, kind, access = feature.get("property"), feature.get("type"), feature.get("access")
        if (
            isinstance(named, str)
            and _FIELD.fullmatch(named)
            and _only_read(access)
            and feature.get("category") is None
            and not (named in _HOUSEKEEPING or named.startswith(("action_", "state_")))
            and len(fields) < READINGS_MAX
        ):
            two = (feature.get("value_on"), feature.get("value_off"))
            if kind == "numeric":
                fields[named] = Field(text_of(feature.get("unit")) or MEASURED.get(named))
            elif kind == "binary" and isinstance(two[0], str | bool) and isinstance(two[1], str | bool):
                fields[named] = Field(None, (two[0], two[1]))
    description = Description(
        DIALECT,
        bridge.address_of(name),
        text_of(one.get("ieee_address")),
        text_of(definition.get("vendor")) or text_of(one.get("manufacturer")),
        text_of(definition.get("model")) or text_of(one.get("model_id")),
        name,
        power_of(one.get("power_source")),
        bridge.address_of("bridge"),
        tuple(_says(exposed, fields)),
    )
    units = [feature.get("unit") for feature in exposed if feature.get("property") == "voltage"]
    return Known(description, fields, text_of(units[0]) if units else None)


def _only_read(access: Any) -> bool:
    """Whether a value is sent and cannot be set: bits, or the letters of versions before 1.17."""
    if isinstance(access, str):
        return "r" in access and "w" not in access
    return isinstance(access, int) and access & 3 == 1


def _says(exposed: list[dict[str, Any]], fields: Mapping[str, Field]) -> Iterator[str]:
    """The types of reading that what is exposed can become, each once."""
    seen = set(fields)
    yield from fields
    for feature in exposed:
        named = feature.get("property")
        if not isinstance(named, str) or len(named) > _NAME_MAX:
            continue
        kind = None
        if named in ("action", "click"):
            kind = "action"
        elif named in MEASURED or named in SWITCHED:
            kind = named
        elif named == "voltage" and feature.get("unit") == "V":
            kind = "voltage"
        elif is_state(named):
            kind = ("lock" if feature.get("value_on") == "LOCK" else "switch") + named[5:]
        if kind is not None and kind not in seen and len(seen) < READINGS_MAX:
            seen.add(kind)
            yield kind


def is_state(name: str) -> bool:
    return (name == "state" or name.startswith("state_")) and len(name) <= _NAME_MAX and "\0" not in name


def _features(exposes: Any, depth: int) -> Iterator[dict[str, Any]]:
    for one in _objects(exposes if isinstance(exposes, list) else []):
        if isinstance(one.get("features"), list):
            if depth < 3:
                yield from _features(one["features"], depth + 1)
        else:
            yield one


def _objects(content: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for place, one in enumerate(content):
        if place >= DEVICES_MAX:
            return
        if isinstance(one, dict):
            yield one


def _name(one: dict[str, Any]) -> str | None:
    name = one.get("friendly_name")
    return name if isinstance(name, str) and 0 < len(name) <= TEXT_MAX else None


def power_of(source: Any) -> Literal["battery", "mains"] | None:
    if not isinstance(source, str):
        return None
    return "battery" if source == "Battery" else "mains" if source.startswith(_MAINS) else None


def is_online(payload: bytes) -> bool | None:
    """Whether it says online, in plain text or as JSON; None where it is empty."""
    text = payload.strip()
    if not text:
        return None
    content = {"state": text.decode()} if text in (b"online", b"offline") else parse_json(payload)
    state = content.get("state") if isinstance(content, dict) else None
    if state not in ("online", "offline"):
        raise DecodeError("malformed", f"availability is online or offline, not {shown(content)}")
    return bool(state == "online")


def text_of(value: Any) -> str | None:
    return value[:TEXT_MAX] if isinstance(value, str) and value else None


def moment_of(value: Any) -> datetime | None:
    """`last_seen` in its three forms: epoch milliseconds, ISO with Z, ISO with an offset; anything else is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return time_of(value)
    except ValueError:
        return None
