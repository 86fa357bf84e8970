"""Home Assistant's MQTT discovery: devices say in a configuration which values they send, on which topics and how.

<prefix>/<component>/[<node>/]<object>/config describes; the values themselves may lie anywhere that a source covers.
The address is the device's first identifier, without one its MAC. Grammar: docs/devices/homeassistant.md.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ingest.decoders.homeassistant_config import (
    TEXT_MAX,
    Availability,
    Entity,
    Place,
    Told,
    place_of,
    text_of,
    told,
)
from ingest.decoders.homeassistant_values import UNDEFINED
from ingest.decoders.payload import number_of, parse_json
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Description, Message, Reading

DIALECT = "homeassistant"

ENTITIES_MAX = 20_000
"""Values that are known at a time: what is described beyond them is refused, so that nobody fills the memory."""
CHARACTERS_MAX = 1_000_000
"""Of all templates together; what they are compiled to is some hundred times as large."""
ENTITIES_OF_TOPIC_MAX = 200
"""Values that one message can hold."""
_NOTHING_KNOWN = frozenset(("", "none", "null", "unknown", "unavailable", "nan"))
_NOT_OURS = frozenset(("set", "get", "cmd", "command", "debug"))


@dataclass(slots=True)
class _Device:
    """What one device said: its values by (configuration, id), and by which configuration how it is reached."""

    entities: dict[tuple[str, str], Entity] = field(default_factory=dict)
    reached: dict[str, tuple[tuple[Availability, ...], str]] = field(default_factory=dict)
    types: Counter[str] = field(default_factory=Counter)
    presses: Counter[str] = field(default_factory=Counter)

    def put(self, key: tuple[str, str], entity: Entity) -> None:
        self.take(key)
        self.entities[key] = entity
        self._count(entity, 1)

    def take(self, key: tuple[str, str]) -> None:
        entity = self.entities.pop(key, None)
        if entity is not None:
            self._count(entity, -1)

    def _count(self, entity: Entity, one: int) -> None:
        if entity.health is None:
            self.types[entity.type] += one
        if entity.understood and (entity.event_json or entity.kind == "press"):
            self.presses[entity.kind] += one

    def type_of(self, entity: Entity) -> str:
        """The entity's type; with its own name behind where the device has several of that type."""
        if self.types[entity.type] < 2 or entity.type == "action":
            return entity.type
        own = (
            entity.own.removeprefix("state_").removeprefix(f"{entity.type}_").removesuffix(f"_{entity.type}")
        )
        return entity.type if own == entity.type else f"{entity.type}_{own}"


class Decoder:
    """Reads what devices send, by what they said of themselves before."""

    def __init__(self) -> None:
        self._told: dict[str, Told] = {}
        self._digests: dict[str, bytes] = {}
        self._devices: dict[str, _Device] = defaultdict(_Device)
        self._values: dict[str, dict[tuple[str, str], Entity]] = defaultdict(dict)
        self._reached: dict[str, dict[str, str]] = defaultdict(dict)
        self._silent: dict[str, set[str]] = defaultdict(set)
        self._known_total = 0
        self._characters = 0
        self._heard: dict[tuple[str, str], bool] = {}
        self._on_since: dict[tuple[str, str], datetime] = {}

    def __call__(self, message: Message, base: str) -> Decoded:
        """The readings and descriptions of one message; raises DecodeError `not_described` before its configuration."""
        topic = message.topic
        place = place_of(topic)
        if place is not None:
            return Decoded([], [], tuple(self._configured(message, place)), lasting=True)
        values, reached = self._values.get(topic, {}), self._reached.get(topic, {})
        if not values and not reached:
            if message.retained or topic in self._silent or _is_not_ours(topic, base):
                return Decoded([], [])
            raise DecodeError(
                "not_described",
                f"no configuration names {topic!r}; waiting for one below the discovery prefix (homeassistant/…/config):"
                " let the device send it again, retained, or narrow the filter in NYTTIG_MQTT_SOURCES",
            )
        if not message.payload:
            return Decoded([], [])  # what was retained is taken away: no value
        text = _text(message.payload)
        value_json = _json(message.payload)
        readings = [] if message.retained else self._read(message, text, value_json)
        reachable = self._reachable(topic, text, value_json)
        for one in values.values():
            if one.kind == "availability" and (value := _switched(one, text, value_json)) is not None:
                reachable[one.address] = value == 1
        readings += [_reading(address, "availability", float(one)) for address, one in reachable.items()]
        return Decoded(readings, [])

    # --- Configurations ---

    def _configured(self, message: Message, place: Place) -> Iterator[Description]:
        before = self._told.get(message.topic)
        if not message.payload:
            if before is not None:
                self._forget(message.topic, before)
                yield self._described(before)
            return
        digest = hashlib.blake2b(message.payload, digest_size=16).digest()
        if before is not None and self._digests[message.topic] == digest:
            yield self._described(before)  # said again, as all do whenever Home Assistant starts
            return
        now = told(message.payload, place)
        size = len(now.entities) + len(now.silent) + len(now.availability) + 1
        held, written = (0, 0) if before is None else (_size(before), before.characters)
        self._refuse_crowds(now)
        crowded = self._known_total - held + size > ENTITIES_MAX
        if crowded or self._characters - written + now.characters > CHARACTERS_MAX:
            raise DecodeError(
                "oversized",
                f"more than {ENTITIES_MAX} values, or {CHARACTERS_MAX} characters of templates, are described; take away"
                " configurations that nobody needs (publish an empty retained payload on their topic), or narrow the filter"
                " in NYTTIG_MQTT_SOURCES",
            )
        if before is not None:
            self._forget(message.topic, before)
            if before.address != now.address:
                yield self._described(before)
        self._told[message.topic] = now
        self._digests[message.topic] = digest
        self._known_total += size
        self._characters += now.characters
        device = self._devices[now.address]
        device.reached[message.topic] = (now.availability, now.availability_mode)
        for entity in now.entities:
            device.put((message.topic, entity.id), entity)
            self._values[entity.topic][message.topic, entity.id] = entity
        for one in now.availability:
            self._reached[one.topic][message.topic] = now.address
        for topic in now.silent:
            self._silent[topic].add(message.topic)
        yield self._described(now)

    def _refuse_crowds(self, now: Told) -> None:
        for topic, one in Counter(entity.topic for entity in now.entities).items():
            if one + len(self._values.get(topic, ())) > ENTITIES_OF_TOPIC_MAX:
                raise DecodeError(
                    "oversized",
                    f"more than {ENTITIES_OF_TOPIC_MAX} values on {topic!r}; send them on topics of their own",
                )

    def _forget(self, config_topic: str, before: Told) -> None:
        del self._told[config_topic], self._digests[config_topic]
        self._known_total -= _size(before)
        self._characters -= before.characters
        device = self._devices[before.address]
        device.reached.pop(config_topic, None)
        for entity in before.entities:
            key = (config_topic, entity.id)
            device.take(key)
            self._on_since.pop(key, None)
            _drop(self._values, entity.topic, key)
        for one in before.availability:
            self._heard.pop((config_topic, one.topic), None)
            _drop(self._reached, one.topic, config_topic)
        for topic in before.silent:
            self._silent[topic].discard(config_topic)
            if not self._silent[topic]:
                del self._silent[topic]
        if not device.reached:
            del self._devices[before.address]

    def _described(self, now: Told) -> Description:
        device = self._devices.get(now.address)
        if device is None:
            return Description(DIALECT, now.address, now.hardware_id, gone=True)
        says: dict[str, None] = {}
        battery = False
        for one in device.entities.values():
            battery = battery or one.health in ("battery_pct", "battery_v", "battery_low")
            type_ = one.health or ("availability" if one.kind == "availability" else device.type_of(one))
            if not one.understood:
                says[f"{type_} (its template is not understood)"] = None
            elif one.health is None and one.kind not in ("alive", "availability"):
                says[type_] = None
        model = text_of(now.device.get("model"))
        model_id = text_of(now.device.get("model_id"))
        return Description(
            DIALECT,
            now.address,
            now.hardware_id,
            text_of(now.device.get("manufacturer")),
            f"{model} ({model_id})"[:TEXT_MAX]
            if model and model_id and model_id != model
            else model or model_id,
            text_of(now.device.get("name")),
            "battery" if battery else None,
            text_of(now.device.get("via_device")),
            tuple(says)[:100],
        )

    # --- Values ---

    def _read(self, message: Message, text: str, value_json: Any) -> list[Reading]:
        """What the values on the topic say, by device; a message that says nothing else is still a sign of life."""
        said: dict[str, list[Reading]] = {}
        health: dict[str, dict[str, Any]] = defaultdict(dict)
        not_read: dict[str, list[str]] = defaultdict(list)
        for (config_topic, _), one in self._values.get(message.topic, {}).items():
            if one.kind == "availability":
                continue
            readings = said.setdefault(one.address, [])
            if not one.understood:
                not_read[one.address].append(one.own)
            elif one.health is not None:
                fact = _fact(one, text, value_json)
                if fact is not None:
                    health[one.address][one.health] = fact
            else:
                readings += self._values_of(message, one, config_topic, text, value_json)
        found: list[Reading] = []
        for address, readings in said.items():
            extra: dict[str, Any] | None = None
            if address in not_read:
                extra = {"not_understood": sorted(not_read[address])[:20]}
                if len(text) <= TEXT_MAX:
                    extra["raw"] = text
            if not readings or extra is not None:
                readings.insert(0, _reading(address, "health", None)._replace(extra=extra))
            readings[0] = readings[0]._replace(health=health.get(address))
            found += readings
        return found

    def _values_of(
        self, message: Message, one: Entity, config_topic: str, text: str, value_json: Any
    ) -> Iterator[Reading]:
        device = self._devices[one.address]
        if one.kind in ("event", "press", "tag"):
            yield from _momentary(one, device, text, value_json)
            return
        if one.kind == "alive":
            return
        type_ = device.type_of(one)
        if one.kind == "switched":
            value = _switched(one, text, value_json)
            if value is None:
                return
            if one.off_delay_seconds is not None:
                yield from self._off_before(message, one, config_topic, type_, value)
            yield _reading(one.address, type_, value)
            return
        rendered = _rendered(one, text, value_json)
        number = _number(rendered) if one.kind == "number" else None
        if number is not None:
            factor, summand = one.scale
            value = number_of(number * factor + summand)
            if value is not None:
                yield _reading(one.address, type_, value)._replace(unit=one.unit)
        elif rendered is not None and one.unit is None and rendered.lower() not in _NOTHING_KNOWN:
            yield _reading(one.address, type_, None)._replace(extra={"text": rendered[:TEXT_MAX]})

    def _off_before(
        self, message: Message, one: Entity, config_topic: str, type_: str, value: float
    ) -> Iterator[Reading]:
        """The end of the time before, where a device only ever says "on", and when that is over by itself."""
        key = (config_topic, one.id)
        since = self._on_since.pop(key, None)
        on = list(one.words.values())[-1]
        if value != on:
            return
        self._on_since[key] = message.received_at
        try:
            over = None if since is None else since + timedelta(seconds=one.off_delay_seconds or 0)
        except OverflowError:
            return
        if over is not None and over < message.received_at:
            yield _reading(one.address, type_, 1 - on)._replace(device_time=over, extra={"off_delay": True})

    def _reachable(self, topic: str, text: str, value_json: Any) -> dict[str, bool]:
        """Whether devices are reached, as all, any or the latest of their topics have it."""
        found: dict[str, bool] = {}
        for config_topic, address in self._reached.get(topic, {}).items():
            listed, mode = self._devices[address].reached[config_topic]
            latest = None
            for one in listed:
                if one.topic == topic:
                    rendered = text if one.template is None else one.template.render(text, value_json)
                    if rendered is not None and rendered in one.words:
                        latest = self._heard[config_topic, topic] = one.words[rendered] == 1
            if latest is None:
                continue
            known = [self._heard.get((config_topic, one.topic)) for one in listed]
            if mode == "latest":
                found[address] = latest
            elif mode == "any" and (True in known or None not in known):
                found[address] = True in known
            elif mode == "all" and (False in known or None not in known):
                found[address] = False not in known
        return found


def _size(one: Told) -> int:
    return len(one.entities) + len(one.silent) + len(one.availability) + 1


def _drop(table: dict[str, dict[Any, Any]], topic: str, key: Any) -> None:
    if topic in table:
        table[topic].pop(key, None)
        if not table[topic]:
            del table[topic]


def _is_not_ours(topic: str, base: str) -> bool:
    """Commands, logs, and Home Assistant's own birth and last will."""
    return topic.rpartition("/")[2] in _NOT_OURS or topic == f"{base}/status"


def _text(payload: bytes) -> str:
    try:
        text = payload.decode()
    except UnicodeDecodeError as error:
        raise DecodeError("not_utf8", f"the payload is not UTF-8: {error}") from error
    if "\0" in text:
        raise DecodeError("malformed", "the payload holds a NUL character, which no text may hold")
    return text


def _json(payload: bytes) -> Any:
    """The payload as JSON; what is none is not there for templates, as with Home Assistant."""
    try:
        return parse_json(payload)
    except DecodeError:
        return UNDEFINED


def _reading(address: str, type_: str, value: float | None) -> Reading:
    return Reading(DIALECT, address, type_, value)


def _rendered(one: Entity, text: str, value_json: Any) -> str | None:
    return text.strip() if one.template is None else one.template.render(text, value_json)


def _switched(one: Entity, text: str, value_json: Any) -> float | None:
    """1 or 0, by the words that mean it; None for any other, and for what is not known."""
    rendered = _rendered(one, text, value_json)
    if not rendered:
        return None
    if rendered in one.words:
        return one.words[rendered]
    folded = {word.casefold(): value for word, value in one.words.items()}
    return folded.get(rendered.casefold()) if len(folded) == len(one.words) else None


def _number(rendered: str | None) -> float | None:
    try:
        number = float(rendered) if rendered is not None and "_" not in rendered else math.nan
    except ValueError:
        return None
    return number_of(number)


def _fact(one: Entity, text: str, value_json: Any) -> Any:
    """A fact about the device; None where it is not known or cannot be."""
    if one.kind == "switched":
        value = _switched(one, text, value_json)
        return None if value is None else value == 1
    number = _number(_rendered(one, text, value_json))
    number = None if number is None else number_of(number * one.scale[0])
    if number is None:
        return None
    if one.health in ("battery_pct", "signal_pct") and not 0 <= number <= 100:
        return None
    return None if one.health in ("battery_v", "uptime_s") and number <= 0 else number


def _momentary(one: Entity, device: _Device, text: str, value_json: Any) -> Iterator[Reading]:
    """A press, or a tag that was held to a reader; of the forms in which one press comes, only one is read."""
    rendered = _rendered(one, text, value_json)
    if rendered is None or rendered.lower() in _NOTHING_KNOWN:
        return
    action: dict[str, str] | None = None
    if one.kind == "tag":
        action = {"action": "tag_scanned", "tag": rendered[:TEXT_MAX]}
    elif one.kind == "press":
        told_already = device.presses["event"] > 0
        action = dict(one.action) if not told_already and one.payload in (None, rendered) else None
    elif one.event_json:
        content = _json(rendered.encode())
        kind = text_of(content.get("event_type")) if isinstance(content, dict) else None
        action = None if kind is None else {"action": kind, "button": one.own}
    elif not any(device.presses.values()):
        action = {"action": rendered[:TEXT_MAX]}
    if action is not None:
        yield _reading(one.address, "action", None)._replace(extra=action)
