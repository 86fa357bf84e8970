"""Silence: how long a device was unheard while we listened, and how long is too long for it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nyttig.health.facts import AliveHour
from nyttig.health.findings import THRESHOLDS, Evidence, Finding, Thresholds

Basis = Literal["declared", "learned", "irregular", "cannot_tell_yet"]


class Away:
    """The times in which the platform was away; no silence of a device lies in them. Overlapping ones count once."""

    def __init__(self, spans: Iterable[tuple[datetime, datetime]] = ()) -> None:
        self._began: list[datetime] = []
        self._ended: list[datetime] = []
        for began_at, ended_at in sorted(spans):
            if ended_at <= began_at:
                continue
            if self._ended and began_at <= self._ended[-1]:
                self._ended[-1] = max(self._ended[-1], ended_at)
            else:
                self._began.append(began_at)
                self._ended.append(ended_at)

    def listened(self, from_at: datetime, to_at: datetime) -> timedelta:
        """How much of [from_at, to_at) we listened."""
        total = to_at - from_at
        for place in range(bisect_right(self._ended, from_at), len(self._began)):
            if self._began[place] >= to_at:
                break
            total -= min(self._ended[place], to_at) - max(self._began[place], from_at)
        return max(total, timedelta())

    def back(self, to_at: datetime, listened: timedelta) -> datetime:
        """The latest moment since which we listened for so long."""
        left = listened
        for began_at, ended_at in zip(reversed(self._began), reversed(self._ended), strict=True):
            if began_at >= to_at:
                continue
            heard = max(to_at - ended_at, timedelta())
            if heard >= left:
                break
            left -= heard
            to_at = began_at
        return to_at - left


class Rhythm(NamedTuple):
    """How often a device is expected to be heard, and how we know.

    declared: as the registry says. learned: from its own gaps, which contradict the registry. irregular: it speaks only
    when something happens. cannot_tell_yet: it contradicts the registry, and its history is too short to learn from.
    `interval` is None for the last two. `longest` is the longest gap of the history that was looked at, net of outages.
    """

    basis: Basis
    interval: timedelta | None
    gaps: int = 0
    longest: timedelta = timedelta()


def rhythm(
    declared_minutes: float,
    alive: Sequence[AliveHour],
    away: Away,
    thresholds: Thresholds = THRESHOLDS,
) -> Rhythm:
    """The rhythm of a device with this history (oldest first).

    The declared interval holds unless at least three gaps, and a quarter of the time even without the two longest of
    them, are too long for it, or it came back by itself from more than eight silences: a few outages change nothing.
    What is learned is the interval in gaps of at most which the device spent 80 % of its time: by time, not by count,
    or the bursts of a busy hour would hide the nights. It is an interval only where such gaps follow one another, as
    heartbeats do and nights do not, and where three of them seldom pass unheard.
    """
    declared = Rhythm("declared", timedelta(minutes=declared_minutes))
    minutes = minutes_of(alive)
    if len(minutes) < 2:
        return declared
    gaps = np.diff(minutes).astype(float)
    # A minute's bit says nothing of the second: the true gap may be a minute shorter.
    limit = thresholds.late_after_intervals * declared_minutes + 1
    for place in np.flatnonzero(gaps > limit):
        net = away.listened(_moment(minutes[place]), _moment(minutes[place + 1]))
        gaps[place] = net / timedelta(minutes=1)
    overdue = np.sort(gaps[gaps > limit])
    often = len(overdue) >= thresholds.contradicted_gaps_min
    forgiven = overdue[-thresholds.forgiven_gaps :].sum()
    mostly = overdue.sum() - forgiven > thresholds.contradicted_time_ratio * (gaps.sum() - forgiven)
    silences = _silences(gaps, declared_minutes, thresholds)
    if not (often and mostly) and silences <= thresholds.contradicted_silences_max:
        return declared
    longest = timedelta(minutes=float(gaps.max()))
    enough = timedelta(minutes=float(gaps.sum())) >= thresholds.rhythm_least
    if len(gaps) < thresholds.rhythm_gaps_min or not enough:
        return Rhythm("cannot_tell_yet", None, len(gaps), longest)
    interval = _by_time(gaps, thresholds.rhythm_quantile)
    silences = _silences(gaps, interval, thresholds)
    if not _beats(gaps, interval, thresholds) or silences > thresholds.irregular_silences_max:
        return Rhythm("irregular", None, len(gaps), longest)
    return Rhythm("learned", timedelta(minutes=interval), len(gaps), longest)


def heard_as_declared(hours_of_last_week: int, declared_minutes: float) -> bool:
    """Whether the number of hours in which it was heard in its last week says already that it keeps to its interval.

    It does for a device that speaks about once an hour, which most do; others need their history looked at.
    """
    return 60 <= declared_minutes <= 90 and hours_of_last_week >= 0.9 * 168 * 60 / declared_minutes


def overdue_lately(
    times: Sequence[datetime], interval: timedelta, away: Away, thresholds: Thresholds = THRESHOLDS
) -> int:
    """How many of the gaps between its last messages (newest first) were too long for that interval."""
    limit = thresholds.late_after_intervals * interval
    return sum(
        later - earlier > limit and away.listened(earlier, later) > limit
        for later, earlier in pairwise(times)
    )


def is_worth_a_closer_look(
    seen_at: datetime | None,
    declared_minutes: float,
    times: Sequence[datetime],
    now: datetime,
    away: Away,
    thresholds: Thresholds = THRESHOLDS,
) -> bool:
    """Whether the device's own history could change what its silence means. `times` of its last messages, newest first."""
    interval = timedelta(minutes=declared_minutes)
    if seen_at is None:
        return False
    if away.listened(seen_at, now) > thresholds.late_after_intervals * interval:
        return True
    return overdue_lately(times, interval, away, thresholds) >= thresholds.late_held_by_gaps


def silence(
    seen_at: datetime | None,
    placed_at: datetime,
    expected: Rhythm,
    overdue: int,
    now: datetime,
    away: Away,
    thresholds: Thresholds = THRESHOLDS,
) -> Finding | None:
    """What is to be said of the device's silence, if anything. It is counted from its placement at the earliest.

    A device is silent by the time we listened in vain; when only the time on the clock is too long, nobody can tell.
    `overdue` of its last gaps were too long.
    """
    if seen_at is None:
        return _never_seen(placed_at, expected, now, away, thresholds)
    begins = max(seen_at, placed_at)
    listened = away.listened(begins, now)
    told: dict[str, float | str | datetime | None] = {
        "last_seen_at": seen_at,
        "away_minutes": _minutes(now - begins - listened),
        "interval_basis": expected.basis,
    }
    if expected.interval is None:
        told["longest_gap_minutes"] = _minutes(expected.longest)
        return _irregular(seen_at, expected, listened, told, now, away, thresholds)
    told["expected_interval_minutes"] = _minutes(expected.interval)
    silent = thresholds.silent_after_intervals * expected.interval
    late = thresholds.late_after_intervals * expected.interval
    if listened > silent:
        return Finding.of("silent", seen_at, away.back(now, silent), told)
    if listened > late:
        return Finding.of("late", seen_at, away.back(now, late), told)
    if now - begins > late:
        return Finding.of("unknown", seen_at, now, told | {"reason": "platform_was_away"})
    if overdue >= thresholds.late_held_by_gaps:
        return Finding.of("late", seen_at, seen_at, told | {"overdue_gaps": overdue})
    return None


def minutes_of(alive: Sequence[AliveHour]) -> NDArray[np.int64]:
    """The minutes since 1970 in which the device was heard, oldest first; `alive` oldest first."""
    hours = np.array([int(one.hour.timestamp()) // 60 for one in alive], np.int64)
    bits = np.array([one.minutes for one in alive], np.int64)
    places = (bits[:, None] >> np.arange(60)) & 1 if len(alive) else np.zeros((0, 60), np.int64)
    rows, minutes = np.nonzero(places)
    found: NDArray[np.int64] = hours[rows] + minutes
    return found


def _irregular(
    seen_at: datetime,
    expected: Rhythm,
    listened: timedelta,
    told: Evidence,
    now: datetime,
    away: Away,
    thresholds: Thresholds,
) -> Finding | None:
    patience = thresholds.silent_after_intervals * expected.longest
    limit = max(patience, thresholds.irregular_silent_after)
    if listened > limit:
        return Finding.of("silent", seen_at, away.back(now, limit), told)
    limit = max(patience, thresholds.irregular_unknown_after)
    if listened <= limit:
        return None
    reason = "speaks_when_something_happens" if expected.basis == "irregular" else "no_rhythm_known_yet"
    return Finding.of(
        "unknown",
        seen_at,
        away.back(now, limit),
        {**told, "reason": reason},
        severity="watch",
        remedy="trigger_at_next_visit",
    )


def _never_seen(
    placed_at: datetime, expected: Rhythm, now: datetime, away: Away, thresholds: Thresholds
) -> Finding:
    listened = away.listened(placed_at, now)
    limit = thresholds.silent_after_intervals * (expected.interval or thresholds.irregular_unknown_after)
    overdue = listened > limit
    return Finding.of(
        "never_seen",
        placed_at,
        away.back(now, limit) if overdue else placed_at,
        {
            "placed_at": placed_at,
            "away_minutes": _minutes(now - placed_at - listened),
        },
        severity="urgent" if overdue else "watch",
        remedy="check_pairing" if overdue else "wait",
    )


def _silences(gaps: NDArray[np.float64], interval_minutes: float, thresholds: Thresholds) -> int:
    return int((gaps > thresholds.silent_after_intervals * interval_minutes + 1).sum())


def _beats(gaps: NDArray[np.float64], interval_minutes: float, thresholds: Thresholds) -> bool:
    """Whether gaps of about that length follow one another."""
    low, high = thresholds.beat_ratios
    alike = (gaps >= low * interval_minutes) & (gaps <= high * interval_minutes + 1)
    follow = int((alike[1:] & alike[:-1]).sum())
    return follow >= thresholds.beats_following_ratio * int(alike.sum())


def _by_time(gaps: NDArray[np.float64], quantile: float) -> float:
    """The gap in gaps of at most which lies that share of the time."""
    ordered = np.sort(gaps)
    place = int(np.searchsorted(np.cumsum(ordered), quantile * ordered.sum()))
    return float(ordered[min(place, len(ordered) - 1)])


def _moment(minutes: np.int64) -> datetime:
    return datetime.fromtimestamp(int(minutes) * 60, UTC)


def _minutes(time: timedelta) -> float:
    return round(time / timedelta(minutes=1), 1)
