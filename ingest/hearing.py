"""What messages tell of devices that nobody registered: who speaks, how often, and what it is said to be."""

from __future__ import annotations

from collections.abc import Mapping

from nyttig.model import Decoded, Message, Reading
from nyttig.store.heard import BATCH_MAX, Heard, Key

Devices = Mapping[Key, int]


def describe(heard: dict[Key, Heard], message: Message, decoded: Decoded, devices: Devices) -> None:
    """`heard` says what the message describes; of a registered device only what lasting messages say, which are few."""
    for description in decoded.descriptions:
        key = (description.dialect, description.address)
        if (decoded.lasting or key not in devices) and (one := _of(heard, key, message)) is not None:
            one.described(description, message.topic, message.received_at)


def listen(heard: dict[Key, Heard], message: Message, decoded: Decoded, devices: Devices) -> None:
    """`heard` says who of the unknown spoke in the message, and of what."""
    spoke = set()
    for reading in decoded.readings:
        key = (reading.dialect, reading.address)
        if devices.get(key) is not None or (one := _of(heard, key, message)) is None:
            continue
        if not _is_hearsay(reading):
            if key not in spoke:
                spoke.add(key)
                one.spoke(message.received_at)
            one.said(reading.type, reading.health)


def _of(heard: dict[Key, Heard], key: Key, message: Message) -> Heard | None:
    """What is heard of the address up to this message; None where there are too many to hold."""
    one = heard.get(key)
    if one is None:
        if len(heard) >= BATCH_MAX:
            return None
        one = heard[key] = Heard(message.received_at, message.received_at)
    one.last_at = message.received_at
    return one


def _is_hearsay(reading: Reading) -> bool:
    """Whether somebody else says it: a gateway, or the broker for one who left a will."""
    return reading.type == "availability" or (reading.type == "state" and reading.value == 0)
