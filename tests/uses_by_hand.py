"""What docs/uses.md says of armed minutes and alarms, in plain Python over all that one device ever said."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from nyttig.model import Technology, UseRule
from simulators.uses import Said, in_order, says

__all__ = ["Alarm", "Said", "alarms_by_hand", "armed_minutes", "some_readings", "some_technology"]


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


# Any rules, any readings


def some_rule(chance: random.Random, type_: str) -> UseRule:
    threshold = chance.choice([None, 2.0, 5.0])
    until = chance.choice([None, None, "over", "a"])
    rule = UseRule(type_, until=until if until != type_ else None)
    if threshold is not None:
        falling = chance.random() < 0.3
        release = threshold + chance.choice([0, 2]) * (1 if falling else -1)
        rule = replace(
            rule,
            above=None if falling else threshold,
            below=threshold if falling else None,
            release=chance.choice([None, release]),
        )
    if threshold is not None or rule.until is not None:
        rule = replace(rule, minimum_minutes=chance.choice([None, None, 0, 1, 12, 70]))
    if threshold is not None and (rule.until is not None or not rule.lasts):
        rule = replace(rule, bare=chance.random() < 0.5)
    return replace(rule, joining_gap_minutes=chance.choice([None, None, 0, 3, 40]))


def some_technology(chance: random.Random, name: str) -> Technology:
    use = tuple(some_rule(chance, type_) for type_ in chance.sample("abc", chance.randint(1, 3)))
    armed = [some_rule(chance, type_) for type_ in chance.sample("abc", chance.randint(0, 2))]
    return Technology(
        name,
        {"en": name},
        "standby",
        use,
        chance.choice([0, 1, 10, 90]),
        armed_rules=tuple(
            replace(
                rule,
                minimum_minutes=None,
                joining_gap_minutes=None,
                bare=rule.bare and rule.until is not None,
            )
            for rule in armed
            if rule.above is not None or rule.below is not None or rule.until is not None
        ),
        alarm=("c",),
        alarm_handled=("over",),
    )


def some_readings(chance: random.Random, begins: datetime) -> list[Said]:
    at, said = begins, []
    for _ in range(chance.randint(20, 90)):
        at += timedelta(minutes=chance.choice([0, 0.5, 1, 3, 11, 12, 35, 61, 200, 800]))
        type_ = chance.choice(["a", "a", "b", "b", "c", "over", "health", "health", "state", "availability"])
        value = chance.choice([None, 0, 1, 2, 3, 4, 5, 6, 7, 9])
        if type_ in ("state", "availability"):
            value = chance.choice([0, 1])
        said.append(Said(at, type_, value, chance.choice(["citizen", "citizen", "citizen", "staff", "auto"])))
    return list(dict.fromkeys(said))
