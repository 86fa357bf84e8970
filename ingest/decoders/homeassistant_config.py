"""What a device says of itself to Home Assistant: one configuration becomes the values that it can send, and where.

A value is an `Entity`: a topic, how to read what comes there, and which type of reading it becomes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from ingest.decoders.homeassistant_template import NotUnderstoodError, Template, compiled
from ingest.decoders.homeassistant_words import (
    ABBREVIATIONS,
    COMPONENTS,
    DEVICE_ABBREVIATIONS,
    DEVICE_WORDS,
    MEASURED,
    SWITCHED,
    UNITS,
    length_of_templates,
)
from ingest.decoders.payload import number_of, parse_json, shown
from nyttig.errors import DecodeError

COMPONENTS_MAX = 500
"""Components of one device in one message."""
TOPIC_MAX = 1024
AVAILABILITY_TEMPLATE_MAX = 256
"""Characters: one message may say it of a whole house's devices, and each has its own template."""
TEXT_MAX = 128

_TOPIC = re.compile(
    rf"(?:.*?/)?(?P<component>{'|'.join(sorted(COMPONENTS))})/"
    r"(?:(?P<node>[A-Za-z0-9_-]{1,128})/)?(?P<object>[A-Za-z0-9_-]{1,128})/config"
)
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")

Kind = Literal["number", "switched", "text", "event", "press", "tag", "alive", "availability"]


class Place(NamedTuple):
    """Where a configuration was published: `device` or the component that it is of, the object, and with its node."""

    topic: str
    component: str
    object: str
    id: str


class Availability(NamedTuple):
    """One topic that says whether a device is reached, and in which words."""

    topic: str
    template: Template | None
    words: Mapping[str, float]


class Entity(NamedTuple):
    """One value that a device can send.

    `words` are the payloads that mean 1 or 0, `health` is the fact about the device that a number is, `own` its name
    among others of the same type, `scale` the factor and the summand that make its unit the common one. `understood`
    is false where its template is not evaluated here.
    """

    id: str
    address: str
    kind: Kind
    type: str
    own: str
    topic: str
    template: Template | None = None
    understood: bool = True
    unit: str | None = None
    scale: tuple[float, float] = (1.0, 0.0)
    words: Mapping[str, float] = {}
    health: str | None = None
    off_delay_seconds: float | None = None
    event_json: bool = False
    action: Mapping[str, str] = {}
    payload: str | None = None


class Told(NamedTuple):
    """What one configuration says: a device, its values, how it is reached, what we may not, its templates' length."""

    address: str
    hardware_id: str | None
    device: Mapping[str, Any]
    entities: tuple[Entity, ...]
    availability: tuple[Availability, ...]
    availability_mode: str
    silent: frozenset[str]
    characters: int


def place_of(topic: str) -> Place | None:
    """The place of a configuration; None where the topic is not one of Home Assistant's discovery."""
    found = _TOPIC.fullmatch(topic)
    if found is None:
        return None
    whole = "_".join(filter(None, (found["node"], found["object"])))
    return Place(topic, found["component"], found["object"], whole)


def told(payload: bytes, place: Place) -> Told:
    """What the configuration says; raises DecodeError where it is none."""
    content = parse_json(payload)
    if not isinstance(content, dict):
        raise DecodeError("malformed", f"a configuration is a JSON object, not {shown(content)}")
    config = _expanded(content)
    if place.component == "device":
        components = config.get("components")
        if not isinstance(components, dict) or not components:
            raise DecodeError("malformed", f"components: {shown(components)} holds no component of a device")
        if len(components) > COMPONENTS_MAX:
            raise DecodeError("oversized", f"{len(components)} components; at most {COMPONENTS_MAX} are read")
        shared = {name: value for name, value in config.items() if name != "components"}
        configs = {
            str(name)[:TEXT_MAX]: {**shared, **_expanded(one, shared.get("~"))}
            for name, one in components.items()
            if isinstance(one, dict) and len(one) > 1  # with nothing but its platform it is taken away
        }
    else:
        configs = {place.object: config | {"platform": place.component}}
    reached = next(iter(configs.values()), config)
    characters = length_of_templates(configs.values(), reached.get("availability"))
    address, hardware_id = _identity(config, place)
    entities: list[Entity] = []
    silent: set[str] = set()
    for name, one in configs.items():
        entities += _entities(one, name, address)
        silent |= {
            topic
            for key in one
            if (key.endswith("command_topic") or key == "json_attributes_topic")
            and (topic := _topic(one, key)) is not None
        }
    device = _device(config) or {"name": config.get("name")}
    mode = reached.get("availability_mode")
    return Told(
        address,
        hardware_id,
        {key: text_of(value) for key, value in device.items() if key in DEVICE_WORDS},
        tuple(entities),
        tuple(_availability(reached)),
        mode if mode in ("all", "any") else "latest",
        frozenset(silent),
        characters,
    )


# --- Names ---------------------------------------------------------------------------------------


def _expanded(content: dict[str, Any], base: Any = None) -> dict[str, Any]:
    """The configuration with whole words, and topics with their base."""
    config = {ABBREVIATIONS.get(key, key): value for key, value in content.items()}
    base = config.get("~", base)
    if isinstance(config.get("availability"), list):
        config["availability"] = [
            _based({ABBREVIATIONS.get(key, key): value for key, value in one.items()}, base)
            for one in config["availability"][:COMPONENTS_MAX]
            if isinstance(one, dict)
        ]
    return _based(config, base)


def _based(config: dict[str, Any], base: Any) -> dict[str, Any]:
    if not isinstance(base, str):
        return config
    for key, value in config.items():
        if key.endswith("topic") and isinstance(value, str) and value:
            if value[0] == "~":
                config[key] = base + value[1:]
            elif value[-1] == "~":
                config[key] = value[:-1] + base
    return config


def _device(config: Mapping[str, Any]) -> Mapping[str, Any]:
    device = config.get("device")
    if not isinstance(device, dict):
        return {}
    return {DEVICE_ABBREVIATIONS.get(key, key): value for key, value in device.items()}


def _identity(config: Mapping[str, Any], place: Place) -> tuple[str, str | None]:
    """The device's address, and what it is known by whatever it is called: its first identifier, or its MAC."""
    device = _device(config)
    identifiers = device.get("identifiers")
    if isinstance(identifiers, str):
        identifiers = [identifiers]
    named = [one for one in identifiers or [] if one] if isinstance(identifiers, list) else []
    first = text_of(named[0] if named else None)
    connections = device.get("connections")
    macs = [
        one[1].lower()
        for one in (connections if isinstance(connections, list) else [])
        if isinstance(one, list) and len(one) == 2 and one[0] == "mac" and isinstance(one[1], str)
    ]
    mac = text_of(macs[0] if macs else None)
    address = first or mac or text_of(config.get("unique_id")) or place.id
    return address, mac or first


def text_of(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 2**63 else None
    return value[:TEXT_MAX] if isinstance(value, str) and value else None


def _slug(text: str) -> str:
    return _NOT_A_WORD.sub("_", text.lower()).strip("_")[:60].strip("_")


def _topic(config: Mapping[str, Any], key: str) -> str | None:
    topic = config.get(key)
    return topic if isinstance(topic, str) and 0 < len(topic) <= TOPIC_MAX else None


def _template(config: Mapping[str, Any], *keys: str) -> tuple[Template | None, bool]:
    """The template under one of the keys, if there is one, and whether it is understood."""
    text = next((config[key] for key in keys if config.get(key) is not None), None)
    if text is None or text == "":
        return None, True
    try:
        return compiled(text if isinstance(text, str) else shown(text)), True
    except NotUnderstoodError:
        return None, False


def _word(config: Mapping[str, Any], key: str, default: str) -> str:
    """A payload as Home Assistant compares it: true is "True"."""
    value = config.get(key)
    return default if value is None or isinstance(value, list | dict) else str(value)[:TOPIC_MAX]


def _availability(config: Mapping[str, Any]) -> Iterator[Availability]:
    listed = config.get("availability")
    entries = list(listed) if isinstance(listed, list) else []
    if config.get("availability_topic") is not None:
        entries.append({
            "topic": config["availability_topic"],
            "value_template": config.get("availability_template"),
            "payload_available": config.get("payload_available"),
            "payload_not_available": config.get("payload_not_available"),
        })  # fmt: skip
    for entry in entries:
        topic = _topic(entry, "topic")
        template, understood = _template(entry, "value_template")
        understood = understood and len(str(entry.get("value_template") or "")) <= AVAILABILITY_TEMPLATE_MAX
        if topic is not None and understood:
            words = {
                _word(entry, "payload_not_available", "offline"): 0.0,
                _word(entry, "payload_available", "online"): 1.0,
            }
            yield Availability(topic, template, words)


# --- Components ----------------------------------------------------------------------------------


def _entities(config: Mapping[str, Any], name: str, address: str) -> Iterator[Entity]:
    """The values of one component, most often one."""
    platform = config.get("platform")
    if not isinstance(platform, str) or platform not in COMPONENTS:
        return
    unique = text_of(config.get("unique_id")) or name
    if platform == "device_automation":
        yield from _press(config, unique, address)
    elif platform == "tag":
        yield from _plain(config, unique, address, name, "tag", "action", "topic")
    elif platform == "event":
        for one in _plain(config, unique, address, name, "event", "action", "state_topic"):
            yield one._replace(event_json=True)
    elif platform == "sensor":
        yield from _sensor(config, unique, address, name)
    elif platform == "binary_sensor":
        yield from _binary_sensor(config, unique, address, name)
    elif platform == "climate" or platform == "humidifier" or platform == "water_heater":
        for measured, unit in (("temperature", "°C"), ("humidity", "%")):
            keys = (f"current_{measured}_topic", f"current_{measured}_template")
            for one in _plain(config, unique, address, name, "number", measured, *keys):
                given = config.get("temperature_unit")
                if measured == "temperature" and given in ("F", "K"):
                    one = one._replace(scale=UNITS["°F" if given == "F" else "K"][1:])
                yield one._replace(id=f"{unique} {measured}", unit=unit)
        if platform == "humidifier":
            yield from _switch(config, unique, address, name, platform)
    elif platform in _STATES:
        yield from _switch(config, unique, address, name, platform)
    else:
        for one in _plain(config, unique, address, name, "alive", "health", "state_topic"):
            yield one._replace(template=None, understood=True)


def _plain(
    config: Mapping[str, Any], unique: str, address: str, name: str, kind: Kind, type_: str, *keys: str
) -> Iterator[Entity]:
    """The value on the topic under the first key, by the template under the others, or the usual one."""
    topic = _topic(config, keys[0])
    if topic is not None:
        template, understood = _template(config, *(keys[1:] or ("value_template",)))
        path = template.keys if template is not None else ()
        own = _slug(path[0] if len(path) == 1 else name) or "value"
        yield Entity(unique, address, kind, type_, own, topic, template, understood)


def _press(config: Mapping[str, Any], unique: str, address: str) -> Iterator[Entity]:
    kind, subtype = text_of(config.get("type")), text_of(config.get("subtype"))
    if config.get("automation_type") != "trigger" or kind is None:
        return
    # Zigbee2MQTT says type "action" and names the press in the subtype; others name the button there.
    named = {"action": subtype or kind} if kind == "action" else {"action": kind}
    if kind != "action" and subtype is not None:
        named["button"] = subtype
    for one in _plain(config, unique, address, unique, "press", "action", "topic"):
        payload = None if config.get("payload") is None else _word(config, "payload", "")
        yield one._replace(action=named, payload=payload)


def _binary_sensor(config: Mapping[str, Any], unique: str, address: str, name: str) -> Iterator[Entity]:
    class_ = config.get("device_class")
    for one in _plain(config, unique, address, name, "switched", "health", "state_topic"):
        on, off = _word(config, "payload_on", "ON"), _word(config, "payload_off", "OFF")
        words = {off: 0.0, on: 1.0}
        delay = number_of(config.get("off_delay"))
        entity = one._replace(
            words=words, off_delay_seconds=delay if delay is not None and delay > 0 else None
        )
        if class_ == "connectivity":
            yield entity._replace(kind="availability", type="availability", off_delay_seconds=None)
        elif class_ == "battery":
            yield entity._replace(health="battery_low", off_delay_seconds=None)
        elif class_ in ("battery_charging", "plug") and config.get("entity_category") == "diagnostic":
            yield entity._replace(health="external_power", off_delay_seconds=None)
        elif isinstance(class_, str) and class_ in SWITCHED:
            type_, while_on = SWITCHED[class_]
            yield entity._replace(type=type_, words={off: 1 - while_on, on: while_on})
        elif config.get("entity_category") in ("diagnostic", "config"):
            yield entity._replace(kind="alive", template=None, understood=True)
        else:
            yield entity._replace(type=_type(class_ if isinstance(class_, str) else one.own))


_STATES: Mapping[str, tuple[str, tuple[str, ...], tuple[tuple[str, str, float], ...]]] = {
    "switch": ("switch", ("value_template",), (("payload_off", "OFF", 0), ("payload_on", "ON", 1))),
    "light": ("switch", ("state_value_template",), (("payload_off", "OFF", 0), ("payload_on", "ON", 1))),
    "fan": ("switch", ("state_value_template",), (("payload_off", "OFF", 0), ("payload_on", "ON", 1))),
    "humidifier": ("switch", ("state_value_template",), (("payload_off", "OFF", 0), ("payload_on", "ON", 1))),
    "siren": ("switch", ("state_value_template",), (("payload_off", "OFF", 0), ("payload_on", "ON", 1))),
    "lock": ("lock", ("value_template",), (("state_unlocked", "UNLOCKED", 0), ("state_locked", "LOCKED", 1))),
    "cover": ("cover", ("value_template",), (("state_closed", "closed", 0), ("state_open", "open", 1))),
    "valve": ("valve", ("value_template",), (("state_closed", "closed", 0), ("state_open", "open", 1))),
    "device_tracker": ("presence", ("value_template",), (("payload_not_home", "not_home", 0), ("payload_home", "home", 1))),
    "lawn_mower": ("mowing", ("activity_value_template",), (("", "docked", 0), ("", "paused", 0), ("", "mowing", 1))),
    "vacuum": (
        "cleaning", (),
        (("", "docked", 0), ("", "idle", 0), ("", "paused", 0), ("", "returning", 0), ("", "error", 0), ("", "cleaning", 1)),
    ),
}  # fmt: skip
"""Component → our type, where its template stands, and which of its words (under which key, else which) are what."""


def _switch(
    config: Mapping[str, Any], unique: str, address: str, name: str, platform: str
) -> Iterator[Entity]:
    type_, keys, states = _STATES[platform]
    words = {_word(config, key, default): float(value) for key, default, value in states}
    if platform in ("switch", "siren"):
        words = {
            _word(config, "state_off", _word(config, "payload_off", "OFF")): 0.0,
            _word(config, "state_on", _word(config, "payload_on", "ON")): 1.0,
        }
    if platform == "light" and config.get("schema") == "template":
        keys, words = ("state_template",), {"off": 0.0, "on": 1.0}
    topic = "activity_state_topic" if platform == "lawn_mower" else "state_topic"
    in_json = platform == "vacuum" or (platform == "light" and config.get("schema") == "json")
    in_json = in_json or (platform == "siren" and not config.get("state_value_template"))
    config = {**config, "_": "{{ value_json.state | default(value) }}"} if in_json else config
    for one in _plain(
        config, unique, address, name, "switched", type_, topic, *(("_",) if in_json else keys)
    ):
        yield one._replace(words=words, own=_slug(name) if one.own == "state" else one.own)
        if platform == "vacuum":
            level = {**config, "_": "{{ value_json.battery_level }}"}
            for battery in _plain(level, f"{unique} battery", address, name, "number", "health", topic, "_"):
                yield battery._replace(health="battery_pct", unit="%")
    if platform in ("cover", "valve"):
        keys = ("position_topic", "position_template")
        for one in _plain(config, f"{unique} position", address, name, "number", "position", *keys):
            opened, closed = (
                number_of(config.get("position_open", 100)),
                number_of(config.get("position_closed", 0)),
            )
            if opened is not None and closed is not None and opened != closed:
                factor = 100 / (opened - closed)
                yield one._replace(unit="%", scale=(factor, -closed * factor), own=_slug(name))


def _sensor(config: Mapping[str, Any], unique: str, address: str, name: str) -> Iterator[Entity]:
    class_, unit = config.get("device_class"), text_of(config.get("unit_of_measurement"))
    aside = config.get("entity_category") in ("diagnostic", "config")
    for one in _plain(config, unique, address, name, "number", "health", "state_topic"):
        unit = {"C": "°C", "F": "°F"}.get(unit or "", unit)
        said = class_ if isinstance(class_, str) else one.own
        health = _health(said, unit, one.own, aside)
        if health is not None:
            fact, factor = health
            yield one._replace(health=fact, unit=unit, scale=(factor, 0.0))
        elif said in ("action", "click") and class_ is None:
            yield one._replace(kind="event", type="action")
        elif aside:
            yield one._replace(kind="alive", template=None, understood=True)
        elif said in ("enum", "timestamp", "date"):
            yield one._replace(kind="text", type=_type(one.own))
        else:
            type_, common = MEASURED.get(said, (_type(said), None))
            converted = UNITS.get(unit or "", ("", 1.0, 0.0))
            if common is not None and converted[0] == common:
                yield one._replace(type=type_, unit=common, scale=converted[1:])
            else:
                yield one._replace(type=type_, unit=unit or common)


def _health(said: str, unit: str | None, own: str, aside: bool) -> tuple[str, float] | None:
    """The fact about the device that a sensor is, and the factor that makes it ours."""
    volts = {"V": 1.0, "mV": 0.001}.get(unit or "")
    if said in ("battery", "battery_level") and unit in ("%", None):
        return "battery_pct", 1.0
    if said in ("voltage", "battery_voltage") and volts and ("batt" in own or (aside and unit == "mV")):
        return "battery_v", volts
    if unit == "lqi" or (own == "linkquality" and unit is None):
        return "link_quality", 1.0
    if unit == "dB" and "snr" in own:
        return "snr_db", 1.0
    if unit in ("dBm", "dB") and (said == "signal_strength" or "rssi" in own or "signal" in own):
        return "rssi_dbm", 1.0
    if unit == "%" and ("signal" in own or "wifi" in own) and "batt" not in own:
        return "signal_pct", 1.0
    seconds = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "ms": 0.001}.get(unit or "")
    return ("uptime_s", seconds) if "uptime" in own and seconds else None


def _type(text: str) -> str:
    """A type of its own, which is none of those that mean something else."""
    slug = _slug(text) or "value"
    return f"{slug}_value" if slug in ("state", "health", "availability", "action") else slug
