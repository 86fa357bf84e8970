"""What one message says, gathered device by device: a gateway's message speaks of many."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, NamedTuple

from ingest.decoders.bthome import Said
from nyttig.errors import DecodeError
from nyttig.model import Description, Message, Reading

READINGS_MAX = 400


class _Told(NamedTuple):
    address: str
    said: Said
    time: datetime | None
    message_id: str | None


class Found:
    """Readings and facts of health by address, until the message is read to its end."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._told: list[_Told] = []
        self._health: dict[str, dict[str, Any]] = {}
        self._spoke: dict[str, tuple[datetime | None, str | None]] = {}
        self.descriptions: list[Description] = []

    def add(
        self, address: str, said: Said, time: datetime | None = None, message_id: str | None = None
    ) -> None:
        """The device said this; `message_id` where that is not the whole message's."""
        self._told.append(_Told(address, said, time, message_id))

    def alive(
        self,
        address: str,
        time: datetime | None = None,
        health: dict[str, Any] | None = None,
        message_id: str | None = None,
    ) -> None:
        """The device spoke, whether or not it measured anything."""
        self._health.setdefault(address, {}).update(health or {})
        self._spoke.setdefault(address, (time, message_id))

    def speakers(self) -> set[str]:
        """The addresses that spoke so far."""
        return {one.address for one in self._told} | self._spoke.keys()

    def types_of(self, address: str) -> tuple[str, ...]:
        """The types of what the device said so far, each once."""
        return tuple(dict.fromkeys(one.said.type for one in self._told if one.address == address))

    def readings(self, message: Message) -> list[Reading]:
        """One reading for each thing said, and a sign of life for a device that said nothing else.

        What has a time of its own is known by it and by the whole message. Raises DecodeError `malformed` where
        there are more readings than any device has.
        """
        heard = {one.address for one in self._told}
        told = self._told + [
            _Told(address, Said("health", None), time, message_id)
            for address, (time, message_id) in self._spoke.items()
            if address not in heard
        ]
        if len(told) > READINGS_MAX:
            raise DecodeError("malformed", f"{len(told)} readings in one message; no device has that many")
        timed = any(one.time is not None for one in told)
        digest = hashlib.blake2b(message.payload, digest_size=12).hexdigest() if timed else None
        health = dict(self._health)
        readings, actions = [], 0
        for address, said, time, own_id in told:
            message_id = None if time is None else own_id or digest
            if said.type == "action" and message_id:  # two presses in one message are two
                message_id, actions = f"{message_id}-{actions}", actions + 1
            readings.append(
                Reading(
                    self._dialect,
                    address,
                    said.type,
                    said.value,
                    said.unit,
                    time,
                    message_id=message_id,
                    health=health.pop(address, None) or None,
                    extra=said.extra,
                )
            )
        return readings
