"""Do trained employees show and help? Ambassadors by unit and by month. Definitions: docs/figures.md, section 3."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from nyttig.entries.people import Ambassador, AmbassadorActivity, DemoVisit

ACTIVE_WITHIN_DAYS = 28
"""An ambassador is active who did something on one of so many days, the last one with them."""

MONTHS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class UnitAmbassadors:
    """One unit's ambassadors as they were entered one by one: how many are `trained`, and `active` of those.

    Who has left is neither. `waiting` are named and not trained yet. `guided`, `handled_event` and `helped_home` count
    what was done on the same days as `active`; a tour with a guide counts once, also where it was entered twice.
    """

    unit: str
    trained: int
    active: int
    waiting: int
    guided: int
    handled_event: int
    helped_home: int


@dataclass(frozen=True, slots=True)
class AmbassadorMonth:
    """A calendar month: the `trained` on its last day (of the newest: so far), and those of them `active` in it."""

    month: str
    trained: int
    active: int
    done: int


def done_by_ambassadors(
    activities: Iterable[AmbassadorActivity], visits: Iterable[DemoVisit]
) -> tuple[AmbassadorActivity, ...]:
    """Return what ambassadors did by day, with the tours held that name their guide; no tour twice."""
    told = list(activities)
    # Two tours of one guide on one day are two; the same tour as a deed and as a visit is one.
    guided = {(each.ambassador, each.done_on) for each in told if each.what == "guided"}
    for visit in visits:
        guide, day = visit.guided_by, visit.visited_on
        if visit.status == "held" and guide is not None and (guide, day) not in guided:
            told.append(AmbassadorActivity(ambassador=guide, done_on=day, what="guided", home=visit.home))
    return tuple(sorted(told, key=lambda each: (each.done_on, each.ambassador, each.what)))


def unit_ambassadors(
    ambassadors: Sequence[Ambassador], done: Sequence[AmbassadorActivity], on: date
) -> tuple[UnitAmbassadors, ...]:
    """Return the ambassadors of each unit that named one, as of the day `on`, by unit."""
    first = on - timedelta(days=ACTIVE_WITHIN_DAYS - 1)
    recent = [each for each in done if first <= each.done_on <= on]
    acted = {each.ambassador for each in recent}
    found = []
    for unit in sorted({each.unit for each in ambassadors}):
        here = [each for each in ambassadors if each.unit == unit]
        trained = {each.code for each in here if _trained(each, on)}
        did = [each.what for each in recent if each.ambassador in {one.code for one in here}]
        found.append(
            UnitAmbassadors(
                unit=unit,
                trained=len(trained),
                active=len(trained & acted),
                waiting=sum(not _left(each, on) and each.code not in trained for each in here),
                guided=did.count("guided"),
                handled_event=did.count("handled_event"),
                helped_home=did.count("helped_home"),
            )
        )
    return tuple(found)


def ambassador_months(
    ambassadors: Sequence[Ambassador], done: Sequence[AmbassadorActivity], on: date
) -> tuple[AmbassadorMonth, ...]:
    """Return the months from the first training or deed to the day `on`, the newest last, at most `MONTHS_SHOWN`."""
    days = [each.trained_on for each in ambassadors if each.trained_on is not None and each.trained_on <= on]
    days += [each.done_on for each in done if each.done_on <= on]
    if not days:
        return ()
    found = []
    first = min(days).replace(day=1)
    while first <= on:
        following = (first + timedelta(days=31)).replace(day=1)
        last = min(following - timedelta(days=1), on)
        within = [each for each in done if first <= each.done_on <= last]
        trained = {each.code for each in ambassadors if _trained(each, last)}
        active = trained & {each.ambassador for each in within}
        found.append(AmbassadorMonth(f"{first:%Y-%m}", len(trained), len(active), len(within)))
        first = following
    return tuple(found[-MONTHS_SHOWN:])


def _trained(ambassador: Ambassador, on: date) -> bool:
    return ambassador.trained_on is not None and ambassador.trained_on <= on and not _left(ambassador, on)


def _left(ambassador: Ambassador, on: date) -> bool:
    return ambassador.left_on is not None and ambassador.left_on <= on
