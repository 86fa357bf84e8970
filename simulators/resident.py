"""A simulated resident: a day's rhythm, and how inclined this person is to use what is on trial."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from math import exp
from typing import NamedTuple
from zoneinfo import ZoneInfo

from nyttig.model import Home, Pause, Schedule
from simulators.days import LocalDay, draw, local_day, milliseconds

DRAWN_GIVING_UP_RATIO = 0.1
"""This share of the homes whose package names no end stops using after some weeks."""

ILLNESS_PER_DAY = 1 / 90
LONGEST_ILLNESS_DAYS = 6
FADING_DAYS = 14
"""Over so many days does use fade before somebody gives up."""


class ResidentDay(NamedTuple):
    """What one day is like for one resident. Times in milliseconds since 1970.

    `inclination` (0..1) is the chance that a given technology is used at all on this day; 0 once the
    resident has given up, before the installation and while away all day. `due_minutes` are the minutes after
    midnight at which the trial's schedule has something due in this home; None where it has no schedule.
    """

    local: LocalDay
    wake: int
    breakfast: int
    lunch: int
    dinner: int
    bed: int
    ill: bool
    inclination: float
    away: tuple[tuple[int, int], ...]
    due_minutes: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Character:
    """What stays the same about a resident. Minutes are after local midnight."""

    wake_minute: float
    bed_minute: float
    keenness: float
    learning_days: float
    gives_up_on: date | None


class Resident:
    """The person in `home`: the same for the same seed and home, on whichever day one begins to ask."""

    def __init__(
        self,
        seed: int,
        home: Home,
        zone: ZoneInfo,
        pauses: Iterable[Pause] = (),
        schedules: Iterable[Schedule] = (),
    ) -> None:
        self.home = home
        self._schedules = tuple(each for each in schedules if each.home == home.home)
        self.zone = zone
        self.character = _character(seed, home)
        self._seed = seed
        self._away = tuple(
            (milliseconds(pause.paused_from), milliseconds(pause.paused_to))
            for pause in sorted(pauses, key=lambda pause: pause.paused_from)
            if pause.home == home.home
        )
        self._days: dict[date, ResidentDay] = {}

    def day(self, day: date) -> ResidentDay:
        """How `day` goes for this resident."""
        known = self._days.get(day)
        if known is None:
            if len(self._days) > 1000:
                self._days.clear()
            known = self._days[day] = self._live(day)
        return known

    def _live(self, day: date) -> ResidentDay:
        local = local_day(day, self.zone)
        rng = draw(self._seed, self.home.home, day, "resident")
        ill = self._is_ill(day)
        wake = self.character.wake_minute + (45 if local.free else 0) + (60 if ill else 0) + rng.gauss(0, 12)
        bed = min(self.character.bed_minute + (20 if local.free else 0) + rng.gauss(0, 15), 23 * 60 + 25)
        away = tuple((a, b) for a, b in self._away if a < local.ends and b > local.begins)
        return ResidentDay(
            local,
            wake=local.at(wake),
            breakfast=local.at(wake + rng.uniform(25, 50)),
            lunch=local.at(rng.gauss(12 * 60 + 15, 15)),
            dinner=local.at(rng.gauss(16 * 60 + 30 + (45 if local.free else 0), 15)),
            bed=local.at(bed),
            ill=ill,
            inclination=self._inclination(day, ill, away, local),
            away=away,
            due_minutes=self._due(day) if self._schedules else None,
        )

    def _due(self, day: date) -> tuple[float, ...]:
        return tuple(
            sorted(
                {
                    each.due_time.hour * 60 + each.due_time.minute + each.due_time.second / 60
                    for each in self._schedules
                    if str(day.isoweekday()) in each.weekdays
                    and (each.from_day is None or each.from_day <= day)
                    and (each.to_day is None or day <= each.to_day)
                }
            )
        )

    def _inclination(self, day: date, ill: bool, away: tuple[tuple[int, int], ...], local: LocalDay) -> float:
        installed, ended = self.home.installed_on, self.home.ended_on
        gives_up = self.character.gives_up_on
        if installed is None or day < installed or (ended is not None and day > ended):
            return 0.0
        if any(a <= local.begins and local.ends <= b for a, b in away):
            return 0.0
        learned = 1 - 0.65 * exp(-(day - installed).days / self.character.learning_days)
        inclination = self.character.keenness * learned
        if gives_up is not None:
            inclination *= min(1.0, max(0.0, (gives_up - day).days / FADING_DAYS))
        if ill:
            inclination *= 0.3
        return inclination * (0.93 if local.free else 1.0)

    def _is_ill(self, day: date) -> bool:
        for ago in range(LONGEST_ILLNESS_DAYS):
            rng = draw(self._seed, self.home.home, day - timedelta(days=ago), "illness")
            if rng.random() < ILLNESS_PER_DAY and rng.randint(2, LONGEST_ILLNESS_DAYS) > ago:
                return True
        return False


def _character(seed: int, home: Home) -> Character:
    rng = draw(seed, home.home, "character")
    gives_up_on = None
    drawn = rng.random() < DRAWN_GIVING_UP_RATIO
    weeks_of_use, days_before_end = rng.randint(25, 75), rng.randint(4, 18)
    if home.installed_on is not None:
        if home.end_reason in ("stopped_using", "unsuitable") and home.ended_on is not None:
            gives_up_on = max(
                home.installed_on + timedelta(days=3), home.ended_on - timedelta(days=days_before_end)
            )
        elif home.end_reason is None and drawn:
            gives_up_on = home.installed_on + timedelta(days=weeks_of_use)
    return Character(
        wake_minute=rng.uniform(6.2, 8.2) * 60,
        bed_minute=rng.uniform(21.7, 23.2) * 60,
        keenness=1 - 0.55 * rng.random() ** 2.2,
        learning_days=rng.uniform(2, 8),
        gives_up_on=gives_up_on,
    )
