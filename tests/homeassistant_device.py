"""A device that describes itself to Home Assistant."""

from __future__ import annotations

from typing import Any

from hearing import Listener

from nyttig.model import Decoded, Reading
from nyttig.settings import Source

SOURCES = [
    Source("homeassistant", topic_filter)
    for topic_filter in (
        "homeassistant/#", "esp/#", "zigbee2mqtt/#", "underhouse/#", "livingroom/#", "mailbox_camera/#", "app/#",
        "shellies/#", "multi/#", "test-topic", "foobar/#", "relay/#", "room/#", "home/#", "climate/#", "tele/#",
    )
]  # fmt: skip


DEVICE = {"device": {"identifiers": ["node1"], "manufacturer": "Maker", "model": "One", "name": "Hall"}}


def listening() -> Listener:
    return Listener(SOURCES)


def describe(listener: Listener, component: str, config: dict[str, Any], object_id: str = "x") -> Decoded:
    return listener.said(f"homeassistant/{component}/{object_id}/config", DEVICE | config, retained=True)


def read_after(
    component: str, config: dict[str, Any], content: Any, *, retained: bool = False
) -> list[Reading]:
    """What a message on esp/t says after the configuration."""
    listener = listening()
    describe(listener, component, {"state_topic": "esp/t"} | config)
    return listener.said("esp/t", content, retained=retained).readings


def the_value(component: str, config: dict[str, Any], content: Any) -> tuple[str, float | None, str | None]:
    (only,) = read_after(component, config, content)
    return only.type, only.value, only.unit
