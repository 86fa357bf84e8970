"""The days of the made-up trial, which device stood where in it, and when nothing was heard of it, for which reason."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from lives import Bools, Floats, Integers

Mechanism = Literal["none", "at_random", "low_use", "unused_days", "at_uses"]

OSLO = ZoneInfo("Europe/Oslo")
FIRST_DAY = date(2025, 10, 13)
DAYS = 180  # to 10 April 2026: both changes of the clocks
MIDNIGHTS: Integers = np.array(
    [
        int(datetime.combine(FIRST_DAY + timedelta(days=day), time(), OSLO).timestamp()) // 60
        for day in range(DAYS + 1)
    ]
)
BEGIN, END = int(MIDNIGHTS[0]), int(MIDNIGHTS[-1])


class Stays(NamedTuple):
    """A device in a home, from one minute to another (since 1970, UTC)."""

    home: Integers
    device: Integers
    start: Integers
    end: Integers


def rates(mechanism: Mechanism, keenness: Floats) -> Floats:
    """Silences a day: the same everywhere, or up to ten times as many where little is used."""
    if mechanism == "low_use":
        return np.interp(keenness, [0.35, 0.98], [1 / 6, 1 / 60])
    return np.full(len(keenness), {"none": 0.0, "at_random": 1 / 15}.get(mechanism, 1 / 60))


def outages(stays: Stays, rate: Floats, rng: np.random.Generator) -> tuple[Integers, Integers, Integers]:
    """Stay, from and to of silences of random length: 20 hours by the median, 12 days at most."""
    count = rng.poisson(rate * (stays.end - stays.start) / 1440)
    stay = np.repeat(np.arange(len(count)), count)
    start = stays.start[stay] + (rng.random(len(stay)) * (stays.end - stays.start)[stay]).astype(np.int64)
    length = np.minimum(rng.lognormal(np.log(20 * 60), 1.2, len(stay)), 12 * 1440).astype(np.int64)
    return stay, start, np.minimum(start + length, stays.end[stay])


def silent_when_unused(
    stays: Stays, use_stay: Integers, use_minute: Integers, rng: np.random.Generator
) -> tuple[Integers, Integers, Integers]:
    """Devices are unplugged on four of ten days without use: the worst that silence can do to a rate."""
    used = np.zeros((len(stays.home), DAYS), dtype=bool)
    used[use_stay, np.searchsorted(MIDNIGHTS, use_minute, side="right") - 1] = True
    stay, day = np.nonzero(~used & (rng.random(used.shape) < 0.4))
    start, end = MIDNIGHTS[day] - 60, MIDNIGHTS[day + 1]
    return stay, np.maximum(start, BEGIN), end


def silent_at_uses(
    use_stay: Integers, use_minute: Integers, rng: np.random.Generator
) -> tuple[Integers, Integers, Integers]:
    """Two of ten uses take their device off the air for four hours: shorter than a silence that makes a day unknown."""
    hidden = rng.random(len(use_stay)) < 0.2
    return use_stay[hidden], use_minute[hidden] - 5, np.minimum(use_minute[hidden] + 235, END)


def platform_outages(mechanism: Mechanism, rng: np.random.Generator) -> Integers:
    """From and to of our own outages that lost data; those that lost nothing leave no trace in the hours."""
    if mechanism == "none":
        return np.zeros((0, 2), dtype=np.int64)
    start = BEGIN + (np.arange(6) * 30 + rng.integers(2, 26, 6)) * 1440 + rng.integers(0, 1440, 6)
    return np.stack([start, start + rng.integers(60, 30 * 60, 6)], axis=1)


def on_their_way(mechanism: Mechanism, stays: Stays, rng: np.random.Generator) -> Integers:
    """From when on each stay's messages have not come yet: one gateway in twenty sends its last hours too late."""
    keeps = (rng.random(len(stays.home)) < 0.05) & (stays.end == END) & (mechanism != "none")
    return np.where(keeps, END - rng.integers(6 * 60, 72 * 60, len(keeps)), END)


class Silences(NamedTuple):
    """Silences of rows (stays) that lie apart, in order; `place` is row and start in one, `before` the minutes of all
    silences before."""

    place: Integers
    length: Integers
    before: Integers


def silences(row: Integers, start: Integers, end: Integers) -> Silences:
    """These silences; those that touch or overlap become one."""
    start, end = (
        (row << 20) + np.clip(start, BEGIN, END) - BEGIN,
        (row << 20) + np.clip(end, BEGIN, END) - BEGIN,
    )
    order = np.argsort(start, kind="stable")
    start, end = start[order], np.maximum.accumulate(np.maximum(start, end)[order])
    first = np.append(True, start[1:] > end[:-1])[: len(start)]
    last = np.append(first[1:], True)[: len(start)]
    length = end[last] - start[first]
    return Silences(start[first], length, np.cumsum(length) - length)


def silent_at(silences: Silences, row: Integers, minute: Integers) -> Bools:
    """Whether the minute lies in a silence."""
    return silent_until(silences, row, minute + 1) > silent_until(silences, row, minute)


def silent_until(silences: Silences, row: Integers, minute: Integers) -> Integers:
    """Minutes of silence before the minute, of this row and all above it."""
    if not len(silences.place):
        return np.zeros(np.broadcast_shapes(row.shape, minute.shape), dtype=np.int64)
    at = (row << 20) + np.clip(minute, BEGIN, END) - BEGIN
    last = np.searchsorted(silences.place, at, side="right") - 1
    begun = np.maximum(last, 0)
    told = silences.before[begun] + np.minimum(at - silences.place[begun], silences.length[begun])
    return np.where(last < 0, 0, told)
