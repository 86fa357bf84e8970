"""From a message to readings: which dialect is spoken below which topic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ingest.decoders import nyttig, zigbee2mqtt
from nyttig.errors import DecodeError, SettingsError
from nyttig.model import Decoded, Message
from nyttig.settings import Source

Decoder = Callable[[Message, str], Decoded]
"""Takes a message and the base of its topic (what stands before the source's wildcard).

Raises DecodeError with the quarantine reason when nothing of the message can be read.
"""

DIALECTS: dict[str, Decoder] = {
    "nyttig": nyttig.decode,
    "zigbee2mqtt": zigbee2mqtt.decode,
}

MESSAGE_BYTES_MAX = 1_048_576


class Route(NamedTuple):
    """A topic filter, taken apart."""

    dialect: str
    levels: tuple[str, ...]
    decode: Decoder


def routes(sources: Sequence[Source]) -> list[Route]:
    """The routes that `sources` describe; raises SettingsError for a dialect that nobody speaks."""
    found = []
    for source in sources:
        if source.dialect not in DIALECTS:
            raise SettingsError(
                f"NYTTIG_MQTT_SOURCES names the dialect {source.dialect!r}; known: {', '.join(sorted(DIALECTS))}"
            )
        found.append(Route(source.dialect, tuple(source.topic_filter.split("/")), DIALECTS[source.dialect]))
    return found


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
