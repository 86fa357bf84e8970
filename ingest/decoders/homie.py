"""Homie 3, 4 and 5: a device describes itself in retained attributes, and then publishes one plain value per property.

What the attributes said is remembered, because a value can only be read by who knows its datatype and unit.
Grammar: docs/devices/homie.md.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ingest.decoders import homie_values as values
from ingest.decoders.bthome import mac_of
from ingest.decoders.homie_values import Property
from ingest.decoders.payload import parse_json, shown
from ingest.decoders.plain import TEXT_MAX, short_text, text_of
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Description, Message, Reading

DIALECT = "homie"

DEVICES_MAX = 2_000
PROPERTIES_MAX = 500
PROPERTIES_OF_ALL_MAX = 100_000
CHILDREN_MAX = 200
_FORMAT_MAX = 4_096
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,119}")
_ARRAY = re.compile(r"(.+)_([0-9]{1,4})")
_PRESENT = {"ready": 1.0, "alert": 1.0, "sleeping": 1.0, "init": 1.0, "disconnected": 0.0, "lost": 0.0}
_OF_DEVICE = frozenset(("$name", "$mac", "$implementation", "$description"))
_OF_NODE = frozenset(("$properties",))
_OF_PROPERTY = frozenset(("$datatype", "$unit", "$retained"))


@dataclass(slots=True)
class _Device:
    """What a device said of itself so far."""

    name: str | None = None
    hardware_id: str | None = None
    model: str | None = None
    parent: str | None = None
    children: tuple[str, ...] = ()
    nodes: dict[str, dict[str, Property]] = field(default_factory=dict)
    present: float | None = None
    described: Description | None = None
    described_by: tuple[str, datetime] | None = None

    def known(self, node: str, name: str) -> tuple[str, Property] | None:
        """The node's name in the description and the property, where something was said of it.

        `lights_1` is one of the array `lights[]` of Homie 3.
        """
        array = _ARRAY.fullmatch(node)
        for described in (node, array[1] if array else node):
            found = self.nodes.get(described, {}).get(name)
            if found is not None and found.said:
                return described, found
        return None

    def types(self) -> Iterator[tuple[str, str, str]]:
        """Node, property and type of everything that this device can say."""
        nodes_with = Counter(name for properties in self.nodes.values() for name in properties)
        for node, properties in self.nodes.items():
            for name, known in properties.items():
                if known.said:
                    yield node, name, _type_of(node, name, known, nodes_with[name] > 1)

    def type_of(self, node: str, name: str, known: Property) -> str:
        """The property's type; with its node, where several nodes have a property of that name."""
        several = sum(name in properties for properties in self.nodes.values()) > 1 or node not in self.nodes
        return _type_of(node, name, known, several)

    def size(self) -> int:
        """How many properties it said it has."""
        return sum(map(len, self.nodes.values()))


class Decoder:
    """Reads Homie's messages, and remembers what devices said they are; bounded."""

    def __init__(self) -> None:
        self._devices: OrderedDict[str, _Device] = OrderedDict()
        self._properties = 0

    def __call__(self, message: Message, base: str) -> Decoded:
        """What the message says; raises DecodeError, `not_described` for a value of an unknown property."""
        root, address, rest = _place(message.topic, base)
        if not rest or "$broadcast" in rest or rest[-1] in ("set", "$target") or address == "$broadcast":
            return Decoded([], [])
        first = rest[0]
        if first == "$state" and len(rest) == 1:
            return self._state(message, root, address)
        if first == "$stats":
            return self._stats(message, address, rest[1:])
        if any(level.startswith("$") for level in rest):
            return self._attribute(message, address, rest)
        if len(rest) != 2:
            raise DecodeError("unknown_topic", f"{message.topic!r} is not root/device/node/property")
        if message.retained:
            return Decoded([], [])  # the broker's memory of an old value: everything is retained in Homie
        return self._value(message, address, rest[0], rest[1])

    # Values

    def _value(self, message: Message, address: str, node: str, name: str) -> Decoded:
        device = self._devices.get(address)
        known = device.known(node, name) if device else None
        if device is None or known is None:
            raise DecodeError(
                "not_described",
                f"{message.topic!r}: the device has not said what this property is; its $description (or $properties and"
                " $datatype) is awaited, and retained by the broker unless somebody deleted it",
            )
        self._devices.move_to_end(address)
        _node, described = known
        text = "" if message.payload == b"\0" else text_of(message.payload)  # 5 writes an empty text so
        said, health = values.value_of(name, described, text) if text else (None, {})
        kind = "health" if said is None else said.type
        if said is not None and kind not in ("action", "health"):
            full = device.type_of(node, name, described)
            kind = kind + full.removeprefix(values.type_of(name, described))
        value, unit, extra = (None, None, None) if said is None else said[1:]
        return Decoded([Reading(DIALECT, address, kind, value, unit, health=health or None, extra=extra)], [])

    def _stats(self, message: Message, address: str, rest: list[str]) -> Decoded:
        """The heartbeat of the legacy extension: any of them is a sign of life, some are health."""
        if message.retained or len(rest) != 1 or not message.payload:
            return Decoded([], [])
        health = values.stats(rest[0], text_of(message.payload))
        return Decoded([Reading(DIALECT, address, "health", health=health or None)], [])

    def _state(self, message: Message, root: str, address: str) -> Decoded:
        if not message.payload.strip():
            forgotten = self._devices.pop(address, None)
            self._properties -= forgotten.size() if forgotten else 0
            return Decoded([], [], (Description(DIALECT, address, gone=True),))
        text = text_of(message.payload)
        present = _PRESENT.get(text)
        if present is None:
            raise DecodeError("malformed", f"$state is one of {', '.join(_PRESENT)}, not {shown(text)}")
        kind = "availability" if message.retained else "state"
        extra = {"state": text}
        readings = [Reading(DIALECT, address, kind, present, extra=extra)]
        device = self._device(address)
        device.present = present
        # A child has no connection of its own: without its root it cannot be reached, whatever it said last.
        for child, said in self._below(root, device.children):
            reached = said if present else 0.0
            if reached is not None:
                readings.append(Reading(DIALECT, child, "availability", reached, extra={"root": text}))
        return Decoded(readings, [], self._news(address, message))

    def _below(self, root: str, children: tuple[str, ...]) -> list[tuple[str, float | None]]:
        """A root's children and theirs, each once, and whether they said that they are there."""
        found: dict[str, float | None] = {}
        waiting = list(children)
        while waiting and len(found) < CHILDREN_MAX:
            address = _address(root, waiting.pop())
            if address not in found:
                device = self._devices.get(address)
                found[address] = device.present if device else None
                waiting += device.children if device else ()
        return list(found.items())

    # Descriptions

    def _attribute(self, message: Message, address: str, rest: list[str]) -> Decoded:
        last = rest[-1]
        wanted = {1: _OF_DEVICE, 2: _OF_NODE, 3: _OF_PROPERTY}.get(len(rest), frozenset())
        if last not in wanted or any(level.startswith("$") for level in rest[:-1]):
            return Decoded([], [])  # $fw, $log, $alert, $localip, extensions
        if any(not _ID.fullmatch(level) for level in rest[:-1]):
            raise DecodeError("unknown_topic", f"{message.topic!r}: ids are letters, digits and hyphens")
        device = self._device(address)
        if not message.payload:
            return Decoded([], [], lasting=True)
        if last == "$description":
            before = device.size()
            self._describe(device, parse_json(message.payload))
            self._make_room(device.size() - before)
            return Decoded([], [], self._news(address, message), lasting=True)
        text = text_of(message.payload)
        if len(text) > _FORMAT_MAX:
            raise DecodeError(
                "oversized", f"{last} has {len(text)} characters; at most {_FORMAT_MAX} are read"
            )
        before = device.size()
        if len(rest) == 1:
            _learn_device(device, last, text)
        elif last == "$properties":
            for name in text.split(",")[:PROPERTIES_MAX]:
                known = _property(device, rest[0], name.split("[")[0].split(":")[0].strip())
                if known is not None:
                    known.said = True
        elif len(rest) == 3:
            known = _property(device, rest[0], rest[1])
            if known is not None:
                _learn_property(known, last, text)
        self._make_room(device.size() - before)
        return Decoded([], [], self._news(address, message), lasting=True)

    def _describe(self, device: _Device, content: Any) -> None:
        """Homie 5: everything at once, and nothing else is true any more."""
        if not isinstance(content, dict):
            raise DecodeError("malformed", f"$description is a JSON object, not {shown(content)}")
        device.name = short_text(content.get("name"))
        device.model = short_text(content.get("type")) or device.model
        device.parent = short_text(content.get("parent")) or short_text(content.get("root"))
        children = content.get("children")
        listed = children if isinstance(children, list) else []
        device.children = tuple(
            one for one in listed[:PROPERTIES_MAX] if isinstance(one, str) and _ID.fullmatch(one)
        )[:CHILDREN_MAX]
        device.nodes = {}
        for node, described in _items(content.get("nodes")):
            if not isinstance(described, dict):
                continue
            for name, attributes in _items(described.get("properties")):
                known = _property(device, node, name)
                if known is None or not isinstance(attributes, dict):
                    continue
                known.said = True
                known.datatype = short_text(attributes.get("datatype"))
                known.unit = short_text(attributes.get("unit"))
                known.momentary = attributes.get("retained") is False

    def _news(self, address: str, message: Message) -> tuple[Description, ...]:
        """The device's description, where it is another than the last one, or is this message's."""
        device = self._devices.get(address)
        if device is None:
            return ()
        types = dict.fromkeys(kind for _, _, kind in device.types() if kind != "health")
        root = address.rpartition("/")[0]
        described = Description(
            DIALECT,
            address,
            device.hardware_id,
            model=device.model,
            name=device.name,
            gateway=None if device.parent is None else _address(root or "homie", device.parent),
            says=tuple(types)[:200],
        )
        token = (message.topic, message.received_at)
        if not (types or device.name) or (described == device.described and token != device.described_by):
            return ()
        device.described, device.described_by = described, token
        return (described,)

    def _device(self, address: str) -> _Device:
        device = self._devices.get(address)
        if device is None:
            device = self._devices[address] = _Device()
            self._make_room(0)
        self._devices.move_to_end(address)
        return device

    def _make_room(self, more: int) -> None:
        """So many properties more are known; the devices longest unheard are forgotten for them."""
        self._properties += more
        while len(self._devices) > DEVICES_MAX or self._properties > PROPERTIES_OF_ALL_MAX:
            _, forgotten = self._devices.popitem(last=False)
            self._properties -= forgotten.size()


def _type_of(node: str, name: str, known: Property, several: bool) -> str:
    kind = values.type_of(name, known)
    if kind in ("action", "health") or not several:
        return kind
    return f"{kind}_{values.word_of(node)}"[:TEXT_MAX]


def _place(topic: str, base: str) -> tuple[str, str, list[str]]:
    """The root of the topic, the device's address, and the levels below the device."""
    below = topic[len(base) + 1 :] if base else topic
    levels = below.split("/")
    root = base
    if not base:
        root, levels = levels[0], levels[1:]
    if root.endswith("/5"):
        root = root.removesuffix("/5")
    elif len(levels) > 2 and levels[0] == "5":
        levels = levels[1:]  # Homie 5 has one level more
    if not root or len(root) > TEXT_MAX or not levels:
        raise DecodeError("unknown_topic", f"{topic!r} is not root/device/…")
    if levels[0] == "$broadcast":
        return root, "$broadcast", levels[1:]
    if not _ID.fullmatch(levels[0]) or len(levels) > 5:
        raise DecodeError("unknown_topic", f"{topic!r}: {shown(levels[0])} is no device id")
    return root, _address(root, levels[0]), levels[1:]


def _address(root: str, device: str) -> str:
    return device if root == "homie" else f"{root}/{device}"


def _items(value: Any) -> list[tuple[str, Any]]:
    """The entries of a map; of an early draft's list of objects, by their id."""
    if isinstance(value, dict):
        return list(value.items())[:PROPERTIES_MAX]
    if isinstance(value, list):
        found = [(one.get("id"), one) for one in value[:PROPERTIES_MAX] if isinstance(one, dict)]
        return [(name, one) for name, one in found if isinstance(name, str)]
    return []


def _property(device: _Device, node: str, name: str) -> Property | None:
    """The property to learn of; None for an impossible one, or one too many."""
    if not (_ID.fullmatch(node) and _ID.fullmatch(name)):
        return None
    known = device.nodes.get(node, {}).get(name)
    if known is None:
        if device.size() >= PROPERTIES_MAX:
            return None
        known = device.nodes.setdefault(node, {})[name] = Property()
    return known


def _learn_device(device: _Device, attribute: str, text: str) -> None:
    if attribute == "$name":
        device.name = short_text(text)
    elif attribute == "$mac":
        device.hardware_id = mac_of(text) or short_text(text)
    elif attribute == "$implementation":
        device.model = short_text(text)


def _learn_property(known: Property, attribute: str, text: str) -> None:
    if attribute == "$datatype":
        known.datatype, known.said = short_text(text), True
    elif attribute == "$unit":
        known.unit = short_text(text)
    elif attribute == "$retained":
        known.momentary = text == "false"
