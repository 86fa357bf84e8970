"""From arrived messages to the batch that one transaction commits."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from ingest import canary, hearing
from ingest.decode import Route, decode, route_of
from ingest.mqtt import Arrived
from ingest.redelivery import RedeliveryWindow, digest_of
from nyttig.errors import DecodeError
from nyttig.model import LATE_AFTER, Decoded, Message, Reading, believed_time
from nyttig.store.canaries import Canary
from nyttig.store.descriptions import Lasting
from nyttig.store.events import Batch, EventRow
from nyttig.store.heard import Heard, Key
from nyttig.store.quarantine import Quarantined

Devices = Mapping[tuple[str, str], int]
"""(dialect, address) → the store's device id."""

GATEWAYS_MAX = 10_000
ADDRESSES_MAX = 100
"""A message of more unknown devices than this is replayed for the first of them only."""


log = logging.getLogger("nyttig.ingest")


class Said(NamedTuple):
    """What a message says in its dialect, or why it cannot be read, whoever's it is. Decoders learn as they read, so
    each message is read once, however often its batch is prepared."""

    dialect: str | None
    decoded: Decoded | None
    error: DecodeError | None = None


class Prepared(NamedTuple):
    """A batch, how many messages were the broker's retained memory, whether a device was unknown, and our canaries;
    what is told of unknown devices, what is to be remembered, and whether a message awaits a description."""

    batch: Batch
    retained: int
    strangers: bool
    canaries: list[Canary]
    heard: dict[Key, Heard]
    lasting: list[Lasting]
    undescribed: bool


def prepare(
    arrived: Sequence[Arrived],
    routes: Sequence[Route],
    devices: Devices,
    window: RedeliveryWindow,
    said: list[Said | None] | None = None,
    gateways: set[Key] | None = None,
) -> Prepared:
    """The batch that `arrived` makes: what can be read as events, everything else quarantined with its reason.

    `said` is what is known already of each message, and is filled up; `gateways` those known, and grows likewise.
    """
    batch = Batch()
    retained, strangers, undescribed = 0, False, False
    canaries: list[Canary] = []
    heard: dict[Key, Heard] = {}
    lasting: list[Lasting] = []
    said = [None] * len(arrived) if said is None else said
    gateways = set() if gateways is None else gateways
    digests: set[int] = set()  # of this batch: a broker may send again what it has not seen acknowledged yet
    for place, item in enumerate(arrived):
        message = item.message
        if message.topic == canary.TOPIC and (came_through := canary.read(message)) is not None:
            canaries.append(came_through)
            continue
        retained += message.retained
        it = said[place] = said[place] or understand(message, routes)
        decoded = it.decoded
        undescribed = undescribed or (it.error is not None and it.error.reason == "not_described")
        if decoded is not None and (decoded.descriptions or decoded.lasting):
            learn(it, gateways)
            hearing.describe(heard, message, decoded, devices)
            if decoded.lasting and it.dialect is not None:
                lasting.append(Lasting(it.dialect, message.topic, message.payload, message.received_at))
        events, quarantined = attribute(message, it, devices, gateways)
        strangers = strangers or any(one.reason == "unknown_device" for one in quarantined)
        again = False
        if quarantined or not all(event.seq is not None for event in events):
            digest = digest_of(item)
            if message.redelivered and (digest in window or digest in digests):
                events = [event._replace(redelivered=event.seq is None) for event in events]
                quarantined = []
                again = True
            elif item.packet_id is not None:
                batch.digests.append(digest)
                digests.add(digest)
        if decoded is not None and len(events) < len(decoded.readings) and not (again or message.retained):
            hearing.listen(heard, message, decoded, devices)
        batch.events += events
        batch.quarantined += quarantined
    return Prepared(batch, retained, strangers, canaries, heard, lasting, undescribed)


def read(
    message: Message, routes: Sequence[Route], devices: Devices
) -> tuple[list[EventRow], list[Quarantined]]:
    """The events of one message, and what of it must go to quarantine; never raises for what a message holds."""
    return attribute(message, understand(message, routes), devices)


def understand(message: Message, routes: Sequence[Route]) -> Said:
    """What the message says; its decoder has learned from it."""
    dialect = None
    try:
        route, base = route_of(message.topic, routes)
        dialect = route.dialect
        return Said(dialect, decode(message, route, base))
    except DecodeError as error:
        return Said(dialect, None, error)
    except Exception as error:
        log.exception("the decoder of %s failed on a message of %s", dialect, message.topic[:200])
        return Said(dialect, None, DecodeError("decoder_failed", f"{type(error).__name__}: {error}"[:500]))


def learn(said: Said, gateways: set[Key]) -> None:
    """`gateways` holds those that the message names."""
    if said.decoded is not None and len(gateways) < GATEWAYS_MAX:
        gateways.update(
            (one.dialect, one.gateway) for one in said.decoded.descriptions if one.gateway is not None
        )


def attribute(
    message: Message, said: Said, devices: Devices, gateways: Collection[Key] = ()
) -> tuple[list[EventRow], list[Quarantined]]:
    """The events that a message makes of what it says, and what of it must go to quarantine.

    What a gateway believes of an unknown device, and what an unknown gateway says of itself, is neither: it is worth
    nothing later, and comes for ever. The broker's memory comes again with each subscription, so nothing of it waits.
    """
    dialect, decoded, error = said
    if decoded is None:
        assert error is not None
        if message.retained and error.reason == "not_described":
            return [], []
        return [], [_quarantined(message, error.reason, str(error), dialect)]
    events = []
    quarantined = [
        _quarantined(message, flaw.reason, flaw.detail, dialect, flaw.payload) for flaw in decoded.flaws
    ]
    strangers: dict[str, None] = {}
    for reading in decoded.readings:
        device_id = devices.get((reading.dialect, reading.address))
        if device_id is not None:
            events.append(event_of(reading, device_id, message))
        elif not (
            message.retained
            or reading.type == "availability"
            or (reading.type in ("state", "health") and (reading.dialect, reading.address) in gateways)
        ):
            strangers[reading.address] = None
    if strangers:
        last = next(reversed(strangers))
        detail = f"no {dialect} device has the address {last!r}; register it and replay"
        addresses = tuple(strangers)[:ADDRESSES_MAX]
        quarantined.append(
            _quarantined(message, "unknown_device", detail, dialect)._replace(addresses=addresses)
        )
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
