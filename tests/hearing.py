"""Hears messages one after the other, as an ingestor does, and says what each was read as."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.decode import decode, route_of, routes
from nyttig.model import Decoded, Message
from nyttig.settings import Source

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Listener:
    """One decoder of each source's dialect, which remembers what it heard."""

    def __init__(self, sources: Sequence[Source], under: str = "") -> None:
        self.routes = routes(sources)
        self.under = under

    def hear(self, message: Message) -> Decoded:
        route, base = route_of(message.topic, self.routes)
        return decode(message, route, base)

    def said(self, topic: str, content: Any, *, retained: bool = False, after_seconds: float = 0) -> Decoded:
        """What `content`, bytes or else JSON, says on the topic so long after noon."""
        payload = content if isinstance(content, bytes) else json.dumps(content).encode()
        at = NOON + timedelta(seconds=after_seconds)
        return self.hear(Message(f"{self.under}{topic}", payload, retained, False, at))

    def values(self, topic: str, content: Any) -> dict[str, float | None]:
        """The types of the message's readings and their values."""
        return {one.type: one.value for one in self.said(topic, content).readings}
