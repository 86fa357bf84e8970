"""What devices said, folded: stretches of messages instead of a row an hour. Exact to the minute all the same."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from nyttig.figures.minutes import (
    SPAN,
    Integers,
    Masks,
    bits,
    bits_set,
    counted_up_to,
    covered,
    differences,
    ranges,
    window,
)
from nyttig.figures.proof import reach_minutes
from nyttig.model import Parameters


class Hours(NamedTuple):
    """Rollups as columns: whose they are (a number from 0), the hour's first minute, and what it holds."""

    owner: Integers
    hour: Integers
    events_total: Integers
    alive: Masks
    uses: Integers
    use_minutes: Masks


class Fold(NamedTuple):
    """Hours, folded. Minutes are whole ones since 1970, everything in order of owner and time.

    `stretch_of`, `first`, `last`: an owner's messages in minutes first and last, with none between that is further
    than its reach from the one before; so [first, last + reach) is under proof of life, and the stretches of one
    owner neither touch nor overlap. `uses`: the minutes in which uses began, as owner * SPAN + minute. `more_hours`,
    `more_uses`: hours (written so, too) that have more uses than such minutes, and how many more.
    """

    stretch_of: Integers
    first: Integers
    last: Integers
    uses: Integers
    more_hours: Integers
    more_uses: Integers


class Heard(NamedTuple):
    """What `devices` (codes) said, folded under their reach, with the hours in which the very minute matters.

    Owners are places in `devices`. `hours` holds the hours of platform outages and of those before a device was
    moved; what it holds is in the fold too. The totals are of the time that the figures look at: events, and the
    first and the last minute with a message (None: there was none).
    """

    devices: pd.Index[str]
    reach: Integers
    fold: Fold
    hours: Hours
    events_total: int
    first_minute: int | None
    last_minute: int | None

    def owners(self, exposures: pd.DataFrame, parameters: Parameters) -> Integers:
        """Return each exposure's device as a number; its reach must be the one that was folded with."""
        found: Integers = self.devices.get_indexer(pd.Index(exposures["device"]))
        asked = reach_minutes(exposures["heartbeat_minutes"], parameters)
        if (found < 0).any() or (self.reach[found] != asked).any():
            raise ValueError("these hours were folded for other devices, heartbeats or tolerances")
        return found

    def proof(self, outages: tuple[Integers, Integers]) -> tuple[Integers, Integers, Integers]:
        """Return (owner, start, end) of what the messages cover; `outages` (from, to) lie apart and in order.

        An outage takes away what was sent before it; what was sent meanwhile and did arrive covers the rest of it.
        """
        began, ended = outages
        owner, start, end = (
            self.fold.stretch_of,
            self.fold.first,
            self.fold.last + self.reach[self.fold.stretch_of],
        )
        if not len(began):
            return owner, start, end
        stretch, up_to = ranges(
            np.searchsorted(ended, start, side="right"), np.searchsorted(began, end, side="left") + 1
        )
        begins = np.append(True, stretch[1:] != stretch[:-1])[: len(stretch)]
        starts = np.where(begins, start[stretch], np.append(0, ended)[up_to])
        ends = np.minimum(end[stretch], np.append(began, np.iinfo(np.int64).max)[up_to])
        some = ends > starts
        sent = self._sent_in(began, ended)
        return (
            np.concatenate([owner[stretch[some]], sent[0]]),
            np.concatenate([starts[some], sent[1]]),
            np.concatenate([ends[some], sent[2]]),
        )

    def _sent_in(self, began: Integers, ended: Integers) -> tuple[Integers, Integers, Integers]:
        """Return (owner, start, end) of what messages from within outages cover until these end."""
        row, outage = ranges(
            np.searchsorted(ended, self.hours.hour, side="right"),
            np.searchsorted(began, self.hours.hour + 60, side="left"),
        )
        owner, hour = self.hours.owner[row], self.hours.hour[row]
        inside = self.hours.alive[row] & window(began[outage] - hour, ended[outage] - hour)
        place, start, end = covered(hour, inside, self.reach[owner])
        return owner[place], start, np.minimum(end, ended[outage[place]])

    def last_before(self, owner: Integers, end: Integers) -> Integers:
        """Return the owner's last minute with a message before `end`, as far as `hours` knows; 0 where it does not."""
        found = np.zeros(len(owner), dtype=np.int64)
        order = np.lexsort((self.hours.hour, self.hours.owner))
        length = max(int(self.hours.hour.max(initial=0)), int(end.max(initial=0))) + 61
        places = (self.hours.owner * length + self.hours.hour)[order]
        low = np.searchsorted(places, owner * length)
        case, row = ranges(low, np.searchsorted(places, owner * length + end))
        hour = self.hours.hour[order][row]
        mask = self.hours.alive[order][row] & window(np.zeros_like(hour), end[case] - hour)
        some = np.flatnonzero(mask)
        filled, bit = bits_set(mask[some])
        np.maximum.at(found, case[some][filled], hour[some][filled] + bit)
        return found

    def uses_within(self, owner: Integers, start: Integers, end: Integers) -> Integers:
        """Return how many uses of its owner start in each piece: in an hour that its edge cuts, their minutes."""
        if not len(start):
            return np.zeros(0, dtype=np.int64)
        fold = self.fold
        found = _count_within(fold.uses, None, owner, start, end)
        if len(fold.more_hours):  # of hours wholly inside
            found = found + _count_within(fold.more_hours, fold.more_uses, owner, start, end // 60 * 60)
        return found


def fold_hours(hours: Hours, reach: Integers) -> Fold:
    """Return these hours folded; `reach` is that of each owner. Each owner has an hour once at most."""
    order = np.argsort(hours.owner * SPAN + hours.hour, kind="stable")
    owner, hour = hours.owner[order], hours.hour[order]
    row, start, end = covered(hour, hours.alive[order], reach[owner])
    stretch_of, first, last = join(owner[row], start, end - reach[owner[row]], reach)
    masks, uses = hours.use_minutes[order], hours.uses[order]
    some = np.flatnonzero(masks)
    place, bit = bits_set(masks[some])
    more = uses - bits(masks)
    further = np.flatnonzero(more)
    at = owner * SPAN + hour
    return Fold(stretch_of, first, last, at[some][place] + bit, at[further], more[further])


def one_table(tables: list[Hours]) -> Hours:
    """Return the rows of all."""
    none: Integers = np.zeros(0, dtype=np.int64)
    nothing = Hours(none, none, none, none.astype(np.uint64), none, none.astype(np.uint64))
    return Hours._make(np.concatenate(column) for column in zip(nothing, *tables, strict=True))


def join(
    owner: Integers, first: Integers, last: Integers, reach: Integers
) -> tuple[Integers, Integers, Integers]:
    """Return the stretches (owner, first, last) in order, those whose cover touches or overlaps as one."""
    order = np.argsort(owner * SPAN + first, kind="stable")
    owner, first, last = owner[order], first[order], last[order]
    up_to = np.maximum.accumulate(owner * SPAN + last)
    new = np.append(True, (owner * SPAN + first)[1:] > up_to[:-1] + reach[owner[1:]])[: len(owner)]
    new[1:] |= owner[1:] != owner[:-1]
    at = np.flatnonzero(new)
    if not len(at):
        return owner, first, last
    return owner[at], first[at], up_to[np.append(at[1:], len(owner)) - 1] - owner[at] * SPAN


def joined(folds: list[Fold], reach: Integers) -> Fold:
    """Return folds of different hours as one."""
    stretch_of, first, last, uses, more_hours, more_uses = (
        np.concatenate(part) for part in zip(*folds, strict=True)
    )
    order = np.argsort(more_hours, kind="stable")
    return Fold(
        *join(stretch_of, first, last, reach),
        np.sort(uses, kind="stable"),
        more_hours[order],
        more_uses[order],
    )


def _count_within(
    moments: Integers, weight: Integers | None, owner: Integers, start: Integers, end: Integers
) -> Integers:
    """Return for each piece how many of its owner's moments lie in it, or their weights' sum."""
    sums = None if weight is None else np.concatenate([[0], np.cumsum(weight)])

    def until(place: Integers) -> Integers:
        count = counted_up_to(moments, place - 1)
        found: Integers = count if sums is None else sums[count]
        return found

    begins = owner * SPAN
    return differences(until, begins + start, begins + np.maximum(end, start))
