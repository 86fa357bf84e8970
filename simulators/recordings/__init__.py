"""Recordings of real homes, turned into the messages that a Zigbee2MQTT gateway would have sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from nyttig.errors import NyttigError


class RecordingError(NyttigError):
    """A recording cannot be read; the message names file, line, value and remedy."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a converter wrote: how many messages of how many devices, and when the first and the last were."""

    messages: int
    devices: int
    first_at: datetime
    last_at: datetime
