"""Whole minutes since 1970 (UTC), hours as bit masks of 60 minutes, and stretches [start, end) of minutes.

Everything here works on whole arrays at once: a thousand homes over ninety days are two million hours.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

Integers = npt.NDArray[np.int64]
Masks = npt.NDArray[np.uint64]

NEVER = np.int64(2**62)
"""A minute after everything."""

SPAN = np.int64(2**40)
"""More minutes than there are: `owner * SPAN + minute` orders minutes of different owners on one line."""

_HOUR = np.uint64(2**60 - 1)
_ONE = np.uint64(1)


def minutes_of(times: pd.Series, *, round_up: bool = False) -> Integers:
    """Return each time's minute: the one it lies in, or rounded up to the next. None is `NEVER`."""
    moments = pd.to_datetime(times, utc=True).to_numpy(dtype="datetime64[us]")
    microseconds = moments.astype(np.int64)
    found = -(-microseconds // 60_000_000) if round_up else microseconds // 60_000_000
    return np.where(np.isnat(moments), NEVER, found)


def moment_of(minute: int) -> datetime:
    """Return the minute's beginning as a time in UTC."""
    return datetime.fromtimestamp(minute * 60, UTC)


def ranges(low: Integers, high: Integers) -> tuple[Integers, Integers]:
    """Return the pair's number beside each of low, low + 1 … high − 1, of one pair after another."""
    count = np.maximum(high - low, 0)
    owner = np.repeat(np.arange(len(low)), count)
    place = np.arange(len(owner))
    place += np.repeat(low - (np.cumsum(count) - count), count)
    return owner, place


def window(low: Integers, high: Integers) -> Masks:
    """Return masks with the bits of the minutes low … high − 1 set; both are cut to 0 … 60."""
    below_low = (_ONE << np.clip(low, 0, 60).astype(np.uint64)) - _ONE
    below_high = (_ONE << np.clip(high, 0, 60).astype(np.uint64)) - _ONE
    return below_high & ~below_low


def bits(masks: Masks) -> Integers:
    """Return how many bits are set in each mask."""
    return np.bitwise_count(masks).astype(np.int64)


def bits_set(masks: Masks) -> tuple[Integers, Integers]:
    """Return (row, bit) of every bit that is set, in order."""
    rows = np.unpackbits(masks.astype("<u8").view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
    row, bit = np.nonzero(rows)
    return row.astype(np.int64), bit.astype(np.int64)


def covered(hours: Integers, masks: Masks, reach: Integers) -> tuple[Integers, Integers, Integers]:
    """Return (row, start, end) of the stretches that each hour's messages cover, in any order.

    A message in minute m covers [m, m + reach), reach >= 1. A stretch starts at a message and `end - reach`
    is the last message in it. Stretches of one row lie apart, those of different rows may overlap.
    """
    rows = np.flatnonzero(masks)
    hours, masks, reach = hours[rows], masks[rows], reach[rows]
    inside, width = masks, np.ones(len(rows), dtype=np.int64)
    while (missing := np.minimum(reach, 60) - width).any():  # doubling: six rounds at most
        step = np.minimum(missing, width)
        inside = inside | (inside << step.astype(np.uint64))
        width = width + step
    inside = inside & _HOUR
    starts, lasts = inside & ~(inside << _ONE), inside & ~(inside >> _ONE)
    end_of_row = hours + _highest(masks) + reach  # beyond the hour, too

    found: list[tuple[Integers, Integers, Integers]] = []
    while len(rows):
        start, last = starts & (~starts + _ONE), lasts & (~lasts + _ONE)  # the lowest bit of each
        starts, lasts = starts ^ start, lasts ^ last
        more = starts != 0
        end = np.where(more, hours + bits(last - _ONE) + 1, end_of_row)
        found.append((rows, hours + bits(start - _ONE), end))
        rows, hours, starts, lasts, end_of_row = (a[more] for a in (rows, hours, starts, lasts, end_of_row))
    if not found:
        return rows, rows, rows
    row, from_minute, to_minute = (np.concatenate(part) for part in zip(*found, strict=True))
    return row, from_minute, to_minute


def united(owner: Integers, start: Integers, end: Integers) -> tuple[Integers, Integers, Integers]:
    """Return the union of each owner's stretches (owner, start, end): apart from each other, and in order."""
    some = np.flatnonzero(end > start)
    some = some[np.argsort(owner[some] * SPAN + start[some], kind="stable")]
    owner, begins = owner[some], owner[some] * SPAN + start[some]
    up_to = np.maximum.accumulate(owner * SPAN + end[some])
    at = np.flatnonzero(np.append(True, begins[1:] > up_to[:-1])[: len(some)])
    last = np.append(at[1:], len(some))[: len(at)] - 1
    return owner[at], start[some][at], up_to[last] - owner[at] * SPAN


def shared_minutes(
    owner: Integers,
    start: Integers,
    end: Integers,
    piece_owner: Integers,
    piece_start: Integers,
    piece_end: Integers,
) -> Integers:
    """Return for each piece how many of its minutes lie in the union of its owner's stretches.

    Owners are small numbers from 0. Stretches may overlap, pieces too; both may be in any order.
    """
    if not len(piece_owner) or not len(owner):
        return np.zeros(len(piece_owner), dtype=np.int64)
    # One line of time for all: each owner has a stretch of it as long as all pieces together need.
    origin = piece_start.min()
    length = piece_end.max() - origin + 1

    def place(whose: Integers, minute: Integers) -> Integers:
        found: Integers = whose * length + np.clip(minute - origin, 0, length - 1)
        return found

    starts, ends = place(owner, start), place(owner, np.maximum(start, end))
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], np.maximum.accumulate(ends[order])
    lengths = np.minimum(ends, np.append(starts[1:], NEVER)) - starts
    before = np.concatenate([[0], np.cumsum(lengths)])

    def until(places: Integers) -> Integers:
        last = counted_up_to(starts, places) - 1
        begun = np.maximum(last, 0)
        found: Integers = before[begun] + np.minimum(places - starts[begun], lengths[begun])
        found[last < 0] = 0
        return found

    return differences(until, place(piece_owner, piece_start), place(piece_owner, piece_end))


def differences(until: Callable[[Integers], Integers], start: Integers, end: Integers) -> Integers:
    """Return until(end) − until(start), worked out once where one piece ends as the next begins."""
    at_start = until(start)
    at_end = np.empty_like(at_start)
    at_end[:-1] = at_start[1:]
    apart = np.append(end[:-1] != start[1:], True)[: len(end)]
    at_end[apart] = until(end[apart])
    found: Integers = at_end - at_start
    return found


def counted_up_to(moments: Integers, places: Integers) -> Integers:
    """Return for each place how many moments, in order, lie at or before it."""
    if len(places) < 4 * len(moments) or (places[1:] < places[:-1]).any():
        found: Integers = np.searchsorted(moments, places, side="right")
        return found
    following = np.searchsorted(places, moments, side="left")  # of fewer, among places in order
    counts: Integers = np.cumsum(np.bincount(following, minlength=len(places) + 1)[:-1])
    return counts


def _highest(masks: Masks) -> Integers:
    """Return the number of the highest bit set; -1 for an empty mask."""
    filled = masks
    for step in (1, 2, 4, 8, 16, 32):
        filled = filled | (filled >> np.uint64(step))
    return bits(filled) - 1
