"""From arrived messages to the batch that one transaction commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from ingest import canary
from ingest.decode import Route, decode, route_of
from ingest.mqtt import Arrived
from ingest.redelivery import RedeliveryWindow, digest_of
from nyttig.errors import DecodeError
from nyttig.model import LATE_AFTER, Message, Reading, believed_time
from nyttig.store.canaries import Canary
from nyttig.store.events import Batch, EventRow
from nyttig.store.quarantine import Quarantined

Devices = Mapping[tuple[str, str], int]
"""(dialect, address) → the store's device id."""


class Prepared(NamedTuple):
    """A batch, how many messages were the broker's retained memory, whether a device was unknown, and our canaries."""

    batch: Batch
    retained: int
    strangers: bool
    canaries: list[Canary]


def prepare(
    arrived: Sequence[Arrived], routes: Sequence[Route], devices: Devices, window: RedeliveryWindow
) -> Prepared:
    """The batch that `arrived` makes: what can be read as events, everything else quarantined with its reason."""
    batch = Batch()
    retained, strangers = 0, False
    canaries: list[Canary] = []
    for item in arrived:
        message = item.message
        if message.topic == canary.TOPIC and (came_through := canary.read(message)) is not None:
            canaries.append(came_through)
            continue
        retained += message.retained
        events, quarantined = read(message, routes, devices)
        strangers = strangers or any(one.reason == "unknown_device" for one in quarantined)
        if quarantined or not all(event.seq is not None for event in events):
            digest = digest_of(item)
            if message.redelivered and digest in window:
                events = [event._replace(redelivered=event.seq is None) for event in events]
                quarantined = []
            elif item.packet_id is not None:
                batch.digests.append(digest)
        batch.events += events
        batch.quarantined += quarantined
    return Prepared(batch, retained, strangers, canaries)


def read(
    message: Message, routes: Sequence[Route], devices: Devices
) -> tuple[list[EventRow], list[Quarantined]]:
    """The events of one message, and what of it must go to quarantine; never raises for what a message holds."""
    dialect = None
    try:
        route, base = route_of(message.topic, routes)
        dialect = route.dialect
        decoded = decode(message, route, base)
    except DecodeError as error:
        return [], [_quarantined(message, error.reason, str(error), dialect)]
    events = []
    quarantined = [
        _quarantined(message, flaw.reason, flaw.detail, dialect, flaw.payload) for flaw in decoded.flaws
    ]
    stranger = None
    for reading in decoded.readings:
        device_id = devices.get((reading.dialect, reading.address))
        if device_id is None:
            if not message.retained:  # the broker's memory comes again with each subscription
                stranger = reading
        else:
            events.append(event_of(reading, device_id, message))
    if stranger is not None:
        detail = f"no {stranger.dialect} device has the address {stranger.address!r}; register it and replay"
        quarantined.append(_quarantined(message, "unknown_device", detail, dialect))
    return events, quarantined


def event_of(reading: Reading, device_id: int, message: Message) -> EventRow:
    """The reading as an event of a known device, with both times and what is to be thought of its clock."""
    received_at = message.received_at
    at, clock_fault = believed_time(reading.device_time, received_at)
    return EventRow(
        device_id,
        at,
        received_at,
        reading.device_time,
        reading.type,
        reading.value,
        reading.unit,
        reading.origin,
        reading.boot_id,
        reading.seq,
        reading.message_id,
        received_at - at > LATE_AFTER,
        clock_fault,
        _json(reading.health),
        _json(reading.extra),
    )


def _json(facts: Mapping[str, Any] | None) -> str | None:
    return None if facts is None else orjson.dumps(facts).decode()


def _quarantined(
    message: Message, reason: str, detail: str, dialect: str | None, payload: bytes | None = None
) -> Quarantined:
    return Quarantined(
        reason,
        detail,
        dialect,
        message.topic,
        message.payload if payload is None else payload,
        message.received_at,
    )
