"""What docs/uses.md says of armed minutes and alarms, in plain Python over all that one device ever said."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from nyttig.model import Technology
from simulators.uses import Said, in_order, says

__all__ = ["Alarm", "Said", "alarms_by_hand", "armed_minutes"]


def armed_minutes(technology: Technology, said: Iterable[Said], hour: datetime) -> int | None:
    """The minutes of an hour in which one of the rules was on, as bits; None where none had said anything."""
    masks = []
    for rule in technology.armed_rules:
        turns = [(one.at, says(rule, one.type, one.value)) for one in in_order(said)]
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
