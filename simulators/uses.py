"""What docs/uses.md says of uses, in plain Python over all that one device ever said."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from nyttig.model import Technology, UseRule


class Said(NamedTuple):
    """One reading of a device."""

    at: datetime
    type: str
    value: float | None = None
    origin: str = "citizen"


class Stretch(NamedTuple):
    """Something in use without a break; `seen`: so is its beginning."""

    begins: datetime
    ends: datetime
    seen: bool
    citizen: bool


def uses(
    technology: Technology, heartbeat_minutes: float, said: Iterable[Said]
) -> list[tuple[datetime, bool]]:
    """When each use began, in order, and whether the citizen's; with an infinite heartbeat no silence hides anything."""
    return [(each.begins, each.citizen) for each in periods(technology, heartbeat_minutes, said) if each.seen]


def periods(technology: Technology, heartbeat_minutes: float, said: Iterable[Said]) -> list[Stretch]:
    """From when to when the device was in use, also where nobody saw the beginning."""
    told = in_order(said)
    silence = timedelta.max if math.isinf(heartbeat_minutes) else timedelta(minutes=3 * heartbeat_minutes)
    said_types = {one.type for one in told}
    by_rule = [
        (rule, list(stretches(rule, told, silence)))
        for rule in technology.use_rules
        if rule.type in said_types
    ]
    found = []
    for citizen in (True, False):
        some: list[Stretch] = []
        for rule, all_stretches in by_rule:
            own_gap = rule.joining_gap_minutes
            gap = technology.joining_gap_minutes if own_gap is None else own_gap
            minimum = timedelta(minutes=rule.minimum_minutes or 0)
            mine = [each for each in all_stretches if each.citizen == citizen]
            some += [each for each in joined(mine, gap) if each.ends - each.begins >= minimum]
        found += joined(some, technology.joining_gap_minutes)
    return sorted(found)


def in_order(said: Iterable[Said]) -> list[Said]:
    """As the store orders readings that arrive when they are made."""
    return sorted(
        said, key=lambda one: (one.at, one.value is None, one.value or 0.0, one.type, one.origin == "citizen")
    )


def stretches(rule: UseRule, told: Sequence[Said], silence: timedelta) -> Iterator[Stretch]:
    """What each reading says of the rule, by itself."""
    living = [
        one for one in told if one.type != "availability" and not (one.type == "state" and not one.value)
    ]
    is_on: bool | None = None
    citizen = True
    for number, one in enumerate(living):
        follows = living[number + 1].at if number + 1 < len(living) else None
        if is_moment(rule, one.type, one.value):
            yield Stretch(one.at, one.at, True, one.origin == "citizen")
            continue
        was, turned = is_on, says(rule, one.type, one.value)
        if turned is not None:
            is_on, citizen = turned, one.origin == "citizen"
        begins = turned is True and was is False
        if rule.lasts and is_on:
            is_event = one.value is None or (rule.above is None and rule.below is None)
            begins = begins or (turned is True and was is None and is_event)
            goes_on = follows is not None and follows - one.at <= silence
            yield Stretch(one.at, follows if goes_on and follows else one.at, begins, citizen)
        elif begins and not rule.lasts:
            yield Stretch(one.at, one.at, True, citizen)


def says(rule: UseRule, type_: str, value: float | None) -> bool | None:
    """What a reading says of the rule's state: on, off, or nothing new."""
    if type_ == rule.until:
        return False
    if type_ != rule.type or (rule.above is None and rule.below is None and rule.until is None):
        return None
    if rule.above is None and rule.below is None:
        return True
    if value is None:
        return True if rule.bare and rule.until else None
    if rule.above is not None:
        if value > rule.above:
            return True
        return False if value <= (rule.above if rule.release is None else rule.release) else None
    assert rule.below is not None
    if value < rule.below:
        return True
    return False if value >= (rule.below if rule.release is None else rule.release) else None


def is_moment(rule: UseRule, type_: str, value: float | None) -> bool:
    """Whether a reading is a use by itself, whatever was said before."""
    if type_ != rule.type or not rule.counts_each_reading:
        return False
    return value is None or (rule.above is None and rule.below is None)


def joined(some: Iterable[Stretch], gap_minutes: float) -> list[Stretch]:
    """Those no further apart than the gap made one; its beginning is seen where the first one's is."""
    made: list[Stretch] = []
    for each in sorted(some, key=lambda one: (one.begins, not one.seen)):
        if made and each.begins - made[-1].ends <= timedelta(minutes=gap_minutes):
            made[-1] = made[-1]._replace(ends=max(made[-1].ends, each.ends))
        else:
            made.append(each)
    return made
