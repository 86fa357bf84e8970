"""From a message to readings: which dialect is spoken below which topic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ingest.decoders import (
    chirpstack,
    homeassistant,
    homie,
    nyttig,
    senml,
    shelly,
    sparkplug,
    tasmota,
    theengs,
    things_stack,
    zigbee2mqtt,
)
from nyttig.errors import DecodeError, SettingsError
from nyttig.model import Decoded, Message
from nyttig.settings import Source

Decoder = Callable[[Message, str], Decoded]
"""Takes a message and the base of its topic (what stands before the source's wildcard).

Raises DecodeError with the quarantine reason when nothing of the message can be read; `not_described` when it
could be read by who has seen a description (`Decoded.lasting`) that has not come yet.
"""

DIALECTS: dict[str, Callable[[], Decoder]] = {
    "nyttig": lambda: nyttig.decode,
    "homie": homie.Decoder,
    "theengs": theengs.Decoder,
    "shelly": shelly.Decoder,
    "tasmota": tasmota.Decoder,
    "zigbee2mqtt": zigbee2mqtt.Decoder,
    "homeassistant": homeassistant.Decoder,
    "things_stack": lambda: things_stack.decode,
    "chirpstack": lambda: chirpstack.decode,
    "senml": lambda: senml.decode,
    "sparkplug": sparkplug.Decoder,
}
"""Makes a dialect's decoder: a function of the message alone, or one that remembers what devices said they are."""

MESSAGE_BYTES_MAX = 1_048_576


class Route(NamedTuple):
    """A topic filter, taken apart, without the `$share/group/` of a shared subscription."""

    dialect: str
    levels: tuple[str, ...]
    decode: Decoder


def routes(sources: Sequence[Source]) -> list[Route]:
    """The routes that `sources` describe, one decoder for all of a dialect's.

    Raises SettingsError for a dialect that nobody speaks.
    """
    found = []
    decoders: dict[str, Decoder] = {}
    for source in sources:
        if source.dialect not in DIALECTS:
            raise SettingsError(
                f"NYTTIG_MQTT_SOURCES names the dialect {source.dialect!r}; known: {', '.join(sorted(DIALECTS))}"
            )
        levels = tuple(own_filter(source.topic_filter).split("/"))
        decoder = decoders.setdefault(source.dialect, DIALECTS[source.dialect]())
        found.append(Route(source.dialect, levels, decoder))
    return found


def own_filter(topic_filter: str) -> str:
    """The filter that topics are to match: without the `$share/group/` by which several ingestors share it.

    Raises SettingsError for a shared subscription that names no group or no filter (MQTT v5, 4.8.2).
    """
    if topic_filter.split("/", 1)[0] != "$share":
        return topic_filter
    group, _, shared = topic_filter.removeprefix("$share/").partition("/")
    if not group or not shared or "+" in group or "#" in group:
        raise SettingsError(
            f"NYTTIG_MQTT_SOURCES names the filter {topic_filter!r}; a subscription that several ingestors share"
            " is $share/group/topic/filter, for example nyttig=$share/nyttig/wt/v1/#"
        )
    return shared


def route_of(topic: str, known: Sequence[Route]) -> tuple[Route, str]:
    """The route whose filter matches `topic`, and the topic's base; raises DecodeError where none does."""
    levels = topic.split("/")
    for route in known:
        base = _base(route.levels, levels)
        if base is not None:
            return route, base
    raise DecodeError("unknown_topic", f"no source covers the topic {topic!r}; see NYTTIG_MQTT_SOURCES")


def decode(message: Message, route: Route, base: str) -> Decoded:
    """What the message says in its route's dialect; raises DecodeError where nothing of it can be read."""
    if len(message.payload) > MESSAGE_BYTES_MAX:
        raise DecodeError(
            "oversized",
            f"{len(message.payload)} bytes; at most {MESSAGE_BYTES_MAX} are read: send smaller arrays",
        )
    return route.decode(message, base)


def _base(pattern: tuple[str, ...], levels: list[str]) -> str | None:
    for place, level in enumerate(pattern):
        if level == "#":
            return "/".join(levels[:place])
        if place >= len(levels) or level not in ("+", levels[place]):
            return None
    return "/".join(levels) if len(pattern) == len(levels) else None
