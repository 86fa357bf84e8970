"""Days of a device: heard as expected, in part, or not at all. No finer: docs/decisions/0018-what-installers-see.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

import numpy as np

from nyttig.health.facts import AliveHour
from nyttig.health.findings import THRESHOLDS, Thresholds
from nyttig.health.silence import Away, minutes_of

AS_EXPECTED_RATIO: Final = 0.8
"""The share of a day that must be covered, as for a day's use to count as observed (theta)."""


@dataclass(frozen=True, slots=True)
class Day:
    """One local day. heard: `as_expected`, `some`, `none`, or `platform_away` where we were away for most of it.

    own_reports: how often the device reported on itself.
    """

    day: date
    heard: Literal["as_expected", "some", "none", "platform_away"]
    own_reports: int


@dataclass(frozen=True, slots=True)
class Silence:
    """A time in which nothing was heard for longer than expected; `away_minutes` of it the platform was away."""

    from_at: datetime
    to_at: datetime
    minutes: float
    away_minutes: float


def days(
    alive: Sequence[AliveHour],
    interval: timedelta | None,
    own_reports: dict[date, int],
    zone: ZoneInfo,
    begins: datetime,
    now: datetime,
    away: Away,
    thresholds: Thresholds = THRESHOLDS,
) -> tuple[Day, ...]:
    """The local days from `begins` to `now`, oldest first; `alive` oldest first.

    A message covers three expected intervals from its minute on. Where there is no interval, a day is `some` or `none`.
    """
    heard = minutes_of(alive)
    reach = (
        0 if interval is None else int(thresholds.silent_after_intervals * interval / timedelta(minutes=1))
    )
    found = []
    day = begins.astimezone(zone).date()
    while (start := datetime.combine(day, time(), zone).astimezone(UTC)) < now:
        end = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
        start, end = max(start, begins), min(end, now)
        first, last = int(start.timestamp()) // 60, int(end.timestamp()) // 60
        there = heard[np.searchsorted(heard, first - reach) : np.searchsorted(heard, last)]
        own = there[there >= first]
        listened = away.listened(start, end)
        if not len(own) and 2 * listened < end - start:
            state: Literal["as_expected", "some", "none", "platform_away"] = "platform_away"
        elif not len(own):
            state = "none"
        elif interval is not None and _covered(there, first, last, reach) >= AS_EXPECTED_RATIO * max(
            listened / timedelta(minutes=1), 1.0
        ):
            state = "as_expected"
        else:
            state = "some"
        found.append(Day(day, state, own_reports.get(day, 0)))
        day += timedelta(days=1)
    return tuple(found)


def silences(
    alive: Sequence[AliveHour],
    interval: timedelta | None,
    away: Away,
    *,
    limit: int = 50,
    thresholds: Thresholds = THRESHOLDS,
) -> tuple[Silence, ...]:
    """The newest gaps that were too long while we listened, newest first. None where there is no interval: the gaps of a
    device that speaks when something happens are the hours in which nothing happened."""
    if interval is None:
        return ()
    heard = minutes_of(alive)
    if len(heard) < 2:
        return ()
    too_long = thresholds.late_after_intervals * interval + timedelta(minutes=1)
    found = []
    for place in np.flatnonzero(np.diff(heard) > too_long / timedelta(minutes=1))[::-1]:
        from_at, to_at = (datetime.fromtimestamp(int(heard[place + n]) * 60, UTC) for n in (0, 1))
        listened = away.listened(from_at, to_at)
        if listened > too_long:
            gap = to_at - from_at
            found.append(
                Silence(from_at, to_at, gap / timedelta(minutes=1), (gap - listened) / timedelta(minutes=1))
            )
        if len(found) == limit:
            break
    return tuple(found)


def _covered(heard: np.ndarray[tuple[int], np.dtype[np.int64]], first: int, last: int, reach: int) -> float:
    begins = np.maximum(heard, first)
    ends = np.minimum(np.append(heard[1:], last), np.minimum(heard + reach, last))
    return float(np.maximum(ends - begins, 0).sum())
