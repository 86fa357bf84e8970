"""What docs/uses.md says of uses, armed minutes and alarms, in plain Python over all that one device ever said."""

from __future__ import annotations

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
    """When each use began, in order, and whether the citizen's."""
    told = in_order(said)
    silence = timedelta(minutes=3 * heartbeat_minutes)
    found = []
    for citizen in (True, False):
        periods: list[Stretch] = []
        for rule in technology.use_rules:
            gap = (
                technology.joining_gap_minutes
                if rule.joining_gap_minutes is None
                else rule.joining_gap_minutes
            )
            minimum = timedelta(minutes=rule.minimum_minutes or 0)
            mine = [each for each in stretches(rule, told, silence) if each.citizen == citizen]
            periods += [each for each in joined(mine, gap) if each.ends - each.begins >= minimum]
        found += [
            (each.begins, citizen) for each in joined(periods, technology.joining_gap_minutes) if each.seen
        ]
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
    is_on, citizen = None, True
    for number, one in enumerate(living):
        follows = living[number + 1].at if number + 1 < len(living) else None
        if rule.above is None and rule.below is None and rule.until is None:
            if one.type == rule.type:
                yield Stretch(one.at, one.at, True, one.origin == "citizen")
            continue
        if rule.bare and not rule.lasts and one.type == rule.type and one.value is None:
            yield Stretch(one.at, one.at, True, one.origin == "citizen")
            continue
        was, turned = is_on, says(rule, one)
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


def says(rule: UseRule, one: Said) -> bool | None:
    """On, off, or nothing new."""
    if one.type == rule.until:
        return False
    if one.type != rule.type:
        return None
    if rule.above is None and rule.below is None:
        return True
    if one.value is None:
        return True if rule.bare and rule.until else None
    if rule.above is not None:
        if one.value > rule.above:
            return True
        return False if one.value <= (rule.above if rule.release is None else rule.release) else None
    assert rule.below is not None
    if one.value < rule.below:
        return True
    return False if one.value >= (rule.below if rule.release is None else rule.release) else None


def joined(some: Iterable[Stretch], gap_minutes: float) -> list[Stretch]:
    """Those no further apart than the gap made one; its beginning is seen where the first one's is."""
    made: list[Stretch] = []
    for each in sorted(some, key=lambda one: (one.begins, not one.seen)):
        if made and each.begins - made[-1].ends <= timedelta(minutes=gap_minutes):
            made[-1] = made[-1]._replace(ends=max(made[-1].ends, each.ends))
        else:
            made.append(each)
    return made


def armed_minutes(technology: Technology, said: Iterable[Said], hour: datetime) -> int | None:
    """The minutes of an hour in which one of the rules was on, as bits; None where none had said anything."""
    masks = []
    for rule in technology.armed_rules:
        turns = [(one.at, says(rule, one)) for one in in_order(said)]
        turns = [(at.replace(second=0, microsecond=0), is_on) for at, is_on in turns if is_on is not None]
        if not turns or turns[0][0] >= hour + timedelta(hours=1):
            continue
        bits = 0
        for minute in range(60):
            so_far = [is_on for at, is_on in turns if at <= hour + timedelta(minutes=minute)]
            if so_far and so_far[-1]:
                bits |= 1 << minute
        masks.append(bits)
    if not masks:
        return None
    together = 0
    for mask in masks:
        together |= mask
    return together


class Alarm(NamedTuple):
    """An alarm, and what became of it."""

    raised_at: datetime
    raised_by: str
    handled_at: datetime | None
    handled_by: str | None


def alarms_by_hand(technology: Technology, said: Iterable[Said]) -> list[Alarm]:
    """All alarms, in order."""
    told = in_order(said)
    raised = [one for one in told if one.type in technology.alarm and one.value != 0]
    handled = [one for one in told if one.type in technology.alarm_handled and one.value != 0]
    found = []
    last: dict[str, datetime] = {}
    for one in raised:
        before = last.get(one.origin)
        last[one.origin] = one.at
        if before is not None and one.at - before <= timedelta(minutes=technology.joining_gap_minutes):
            continue
        answers = [each for each in handled if one.at <= each.at <= one.at + timedelta(days=1)]
        first = min(answers, key=lambda each: (each.at, each.origin), default=None)
        found.append(Alarm(one.at, one.origin, first and first.at, first and first.origin))
    return sorted(found)
