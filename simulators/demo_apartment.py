"""A simulated demo apartment: guided tours and visitors who try things. Nobody lives here."""

from __future__ import annotations

from collections.abc import Iterator

from nyttig.model import Technology
from simulators.days import MINUTE, LocalDay, draw
from simulators.technologies import Episode, Happening, one_use

OPENS_MINUTE, CLOSES_MINUTE = 9 * 60, 15 * 60 + 30
TOUR_MINUTES = 50
MINUTES_PER_DEVICE = 6


def shown(
    seed: int, home: str, local: LocalDay, device: str, technology: Technology, place: int
) -> Iterator[Episode]:
    """What visitors see of one device on one day.

    On a tour (origin `staff`) the devices are shown one after the other, `place` says as which; all devices
    of one apartment share its tours. In between a visitor tries it, whom the device takes for a resident (origin
    `citizen`). Free days are quiet.
    """
    rng = draw(seed, home, local.day, device, "visitors")
    for begins in tours(seed, home, local):
        if rng.random() < 0.85:
            minute = (
                begins + place % (TOUR_MINUTES // MINUTES_PER_DEVICE) * MINUTES_PER_DEVICE + rng.uniform(1, 3)
            )
            yield demonstration(technology, local.at(minute))
    if not local.free:
        for _ in range(rng.choice((0, 0, 1, 1, 2))):
            yield one_use(technology, local.at(rng.uniform(OPENS_MINUTE, CLOSES_MINUTE)), "citizen")


def tours(seed: int, home: str, local: LocalDay) -> list[float]:
    """The minutes after midnight at which guided tours begin; on a free day rarely one (open house)."""
    rng = draw(seed, home, local.day, "tours")
    if local.free:
        return [12 * 60.0] if rng.random() < 0.06 else []
    slots = (9.25, 11.0, 12.75, 14.25)
    return [60 * slot + rng.uniform(0, 10) for slot in slots if rng.random() < 0.55]


def demonstration(technology: Technology, at: int) -> Episode:
    """How a guide shows one device: a use, and what the device answers."""
    if technology.id == "feeding_robot":
        return [Happening(at + 25_000 * each, "spoon_cycle", 1, "spoon", "staff") for each in range(5)]
    if technology.id == "stove_guard":
        return [
            Happening(at, "stove_on", None, None, "staff"),
            Happening(at + 2 * MINUTE, "warning", None, None, "auto"),
            Happening(at + 3 * MINUTE, "cut_off", None, None, "auto"),
            Happening(at + 3 * MINUTE, "stove_off", 3, "min", "auto"),
        ]
    if technology.id == "safety_alarm":
        return [
            Happening(at, "worn", None, None, "staff"),
            Happening(at + MINUTE, "alarm", None, None, "staff"),
            Happening(at + 2 * MINUTE, "alarm_handled", 1, "min", "staff"),
            Happening(at + 3 * MINUTE, "taken_off", None, None, "staff"),
        ]
    return one_use(technology, at, "staff")
