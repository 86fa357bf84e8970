"""Local days and public holidays, and chance that is the same whenever it is asked again."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

MINUTE = 60_000
HOUR = 60 * MINUTE
"""Simulated time is counted in whole milliseconds since 1970, UTC."""


class LocalDay(NamedTuple):
    """One civil day in a time zone, from local midnight to the next: 23, 24 or 25 hours.

    `free` says that it is a Saturday, a Sunday or a public holiday. Times in milliseconds since 1970.
    """

    day: date
    zone: ZoneInfo
    begins: int
    ends: int
    free: bool

    def at(self, minute: float) -> int:
        """The moment at which a clock on the wall shows `minute` minutes after midnight."""
        if self.ends - self.begins == 24 * HOUR:
            return self.begins + round(minute * MINUTE)
        wall = datetime.combine(self.day, time()) + timedelta(minutes=minute)
        return milliseconds(wall.replace(tzinfo=self.zone))


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware `moment`."""
    return round(moment.timestamp() * 1000)


def moment(at: int) -> datetime:
    """The aware time in UTC of `at` milliseconds since 1970."""
    return datetime.fromtimestamp(at / 1000, UTC)


def zulu(at: datetime) -> str:
    """An aware time as RFC 3339 in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@lru_cache(maxsize=4096)
def local_day(day: date, zone: ZoneInfo) -> LocalDay:
    """`day` as it is in `zone`."""
    begins = milliseconds(datetime.combine(day, time(), zone))
    ends = milliseconds(datetime.combine(day + timedelta(days=1), time(), zone))
    return LocalDay(day, zone, begins, ends, day.weekday() >= 5 or day in public_holidays(day.year, zone.key))


def day_of(at: int, zone: ZoneInfo) -> date:
    """The local day in `zone` that `at` falls on."""
    return datetime.fromtimestamp(at / 1000, zone).date()


@lru_cache(maxsize=256)
def public_holidays(year: int, zone: str) -> frozenset[date]:
    """The public holidays of `year`: Denmark's for Europe/Copenhagen, Norway's elsewhere."""
    easter = easter_sunday(year)
    moving = [-3, -2, 0, 1, 39, 49, 50]  # Maundy Thursday to Whit Monday, in days from Easter Sunday
    fixed = [(1, 1), (12, 25), (12, 26)]
    if zone == "Europe/Copenhagen":
        if year <= 2023:
            moving.append(26)  # Great Prayer Day, abolished from 2024
    else:
        fixed += [(5, 1), (5, 17)]
    return frozenset(
        [easter + timedelta(days=days) for days in moving] + [date(year, month, day) for month, day in fixed]
    )


def easter_sunday(year: int) -> date:
    """Easter Sunday of a Gregorian `year` (the anonymous algorithm of Nature, 1876)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (b - (b + 8) // 25 + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    l = (32 + 2 * e + 2 * i - h - k) % 7  # noqa: E741 - the algorithm's own letters
    m = (a + 11 * h + 22 * l) // 451
    month, day = divmod(h + l - 7 * m + 114, 31)
    return date(year, month, day + 1)


def draw(seed: int, *about: object) -> Random:
    """Random numbers that depend on `seed` and on what they are about, and on nothing else."""
    return Random("/".join(map(str, (seed, *about))))
