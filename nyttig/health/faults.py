"""Faults that show in what a device says: its clock, its connection, too much, always the same, or with holes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from nyttig.health.facts import Heard, Link, Lost, Stuck
from nyttig.health.findings import THRESHOLDS, Finding, Thresholds
from nyttig.health.silence import Away


class Clock(NamedTuple):
    """How far a device's clock is ahead of ours (negative: behind), as its messages agree on it; None: they do not say.

    `wrong` when that is too far.
    """

    offset_seconds: float | None
    wrong: bool


def clock(heard: Sequence[Heard], thresholds: Thresholds = THRESHOLDS) -> Clock:
    """The clock behind these messages (newest first).

    A wrong clock is off by the same in message after message. A gateway that hands over what it kept looks different:
    its messages come together and are of different ages.
    """
    timed = {one.received_at: one for one in heard if one.device_time is not None}
    newest = sorted(timed.values(), key=lambda one: one.received_at, reverse=True)
    if len(newest) < thresholds.clock_messages_min:
        return Clock(None, False)
    offsets = [(one.device_time - one.received_at).total_seconds() for one in newest if one.device_time]
    middle = median(offsets)
    spread = median(abs(offset - middle) for offset in offsets)
    if spread > max(60.0, 0.1 * abs(middle)):
        return Clock(None, False)
    wrong = (
        abs(middle) > thresholds.clock_wrong_seconds
        and newest[0].received_at - newest[-1].received_at >= thresholds.clock_span
    )
    return Clock(middle, wrong)


def clock_wrong(heard: Sequence[Heard], thresholds: Thresholds = THRESHOLDS) -> Finding | None:
    """The finding that its clock is wrong, if so; by the median of its last messages, so that one alone says nothing."""
    limit = timedelta(seconds=thresholds.clock_wrong_seconds)
    if all(one.clock_fault is None and abs(one.at - one.received_at) < limit for one in heard):
        return None  # as nearly all are, and asked of every device each time
    found = clock(heard, thresholds)
    faulty = [one for one in heard if one.clock_fault is not None]
    if not found.wrong and (len(faulty) < thresholds.clock_messages_min or 2 * len(faulty) <= len(heard)):
        return None
    return Finding.of(
        "clock_wrong",
        min(one.received_at for one in heard),
        max(one.received_at for one in heard),
        {
            "offset_seconds": found.offset_seconds,
            "impossible_times": len(faulty),
            "messages": len(heard),
        },
    )


def connection_lost(
    links: Sequence[Link],
    seen_at: datetime | None,
    expected: timedelta,
    now: datetime,
    away: Away,
    thresholds: Thresholds = THRESHOLDS,
) -> Finding | None:
    """The finding that its connection is lost and nothing came since, if so; `links` newest first.

    A device that sleeps between its reports loses its connection each time: what it came back from by itself three
    times is its habit, and only three times as long is a loss. Where the platform was away since, the device may be back
    unseen: then its own messages are waited for, for which `expected` is the time.
    """
    if not links or links[0].online:
        return None
    offline = [link for link in links if not link.online]
    lost_at = links[0].at
    for link in links:
        if link.online:
            break
        lost_at = link.at
    if seen_at is not None and seen_at > links[0].at:
        return None
    spells = [
        later.at - earlier.at for later, earlier in pairwise(links) if later.online and not earlier.online
    ]
    limit = thresholds.connection_lost_after
    if len(spells) >= thresholds.sleeper_spells_min:
        limit = max(limit, thresholds.sleeper_tolerance * max(spells))
    listened = away.listened(lost_at, now)
    if listened < now - lost_at:
        limit = max(limit, thresholds.late_after_intervals * expected)
    if listened <= limit:
        return None
    return Finding.of(
        "connection_lost",
        lost_at,
        away.back(now, limit),
        {"lost_at": lost_at, "times_lost": len(offline)},
    )


def chattering(busy_hours: Sequence[datetime], thresholds: Thresholds = THRESHOLDS) -> Finding | None:
    """The finding that it sends far too much, if it did so in two hours of the last day."""
    if len(busy_hours) < thresholds.busy_hours_min:
        return None
    return Finding.of(
        "chattering",
        min(busy_hours),
        max(busy_hours) + timedelta(hours=1),
        {
            "busy_hours": len(busy_hours),
            "messages_per_hour_max": thresholds.busy_messages_per_hour,
        },
    )


def stuck(found: Stuck | None, thresholds: Thresholds = THRESHOLDS) -> Finding | None:
    """The finding that what it measures no longer changes, if so."""
    if found is None or found.readings < thresholds.stuck_readings_min:
        return None
    if found.newest_at - found.since < 0.9 * thresholds.stuck_after:
        return None
    return Finding.of(
        "stuck",
        found.since,
        found.newest_at,
        {
            "type": found.type,
            "value": found.value,
            "readings": found.readings,
            "hours": round((found.newest_at - found.since) / timedelta(hours=1), 1),
        },
    )


def lossy(
    lost: Sequence[Lost], received: int, away: Away, thresholds: Thresholds = THRESHOLDS
) -> Finding | None:
    """The finding that messages of the last week never came, if they are many. What may have been lost while the
    platform was away is not the device's."""
    own = [
        one
        for one in lost
        if away.listened(one.from_at, one.to_at) == max(one.to_at - one.from_at, timedelta())
    ]
    messages = sum(one.messages for one in own)
    ratio = messages / (messages + received) if messages else 0.0
    if messages < thresholds.lossy_messages_min or ratio <= thresholds.lossy_ratio:
        return None
    return Finding.of(
        "lossy",
        min(one.from_at for one in own),
        max(one.to_at for one in own),
        {
            "lost_messages": messages,
            "received_messages": received,
            "lost_ratio": round(ratio, 3),
        },
    )
