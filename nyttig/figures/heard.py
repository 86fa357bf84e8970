"""What devices said, folded: stretches of messages instead of a row an hour. Exact to the minute all the same."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from nyttig.figures.armed import turning, turns_of
from nyttig.figures.local_days import LocalDays
from nyttig.figures.minutes import (
    SPAN,
    Integers,
    Masks,
    bits,
    bits_set,
    covered,
    minutes_of,
    ranges,
    window,
)
from nyttig.figures.proof import masks_of, reach_minutes, streams
from nyttig.model import Parameters


class Hours(NamedTuple):
    """Rollups as columns: whose they are (a number from 0), the hour's first minute, and what it holds.

    `armed` holds the minutes armed, as the masks do; -1 where nothing is known of that.
    """

    owner: Integers
    hour: Integers
    events_total: Integers
    alive: Masks
    uses: Integers
    use_minutes: Masks
    armed: Integers


class Fold(NamedTuple):
    """Hours, folded. Minutes are whole ones since 1970, everything in order of owner and time.

    `stretch_of`, `first`, `last`: an owner's messages in minutes first and last, with none between that is further
    than its reach from the one before; so [first, last + reach) is under proof of life, and the stretches of one
    owner neither touch nor overlap. `uses`: the minutes in which uses began, as owner * SPAN + minute. `more_hours`,
    `more_uses`: hours (written so, too) that have more uses than such minutes, and how many more. `turns`: when a
    device began or ceased to be armed, or was first known to be either: see nyttig/figures/armed.py.
    """

    stretch_of: Integers
    first: Integers
    last: Integers
    uses: Integers
    more_hours: Integers
    more_uses: Integers
    turns: Integers


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

    def uses_within(self, owner: Integers, days: LocalDays) -> Integers:
        """Return how many uses start in each cell: in an hour that its edge cuts, their minutes.

        `owner` is that of each exposure of `days`.
        """
        fold = self.fold
        exposure, place = _within(fold.uses, owner, days)
        found = days.counted(exposure, fold.uses[place] & (SPAN - 1))
        if len(fold.more_hours):  # of hours wholly inside
            exposure, place = _within(fold.more_hours, owner, days)
            hour = fold.more_hours[place] & (SPAN - 1)
            cell = days.cells(exposure, hour)
            whole = hour + 60 <= days.end[cell]
            np.add.at(found, cell[whole], fold.more_uses[place][whole])
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
    turns = turns_of(owner, hour, hours.armed[order])
    return Fold(stretch_of, first, last, at[some][place] + bit, at[further], more[further], turns)


def stretches_before(
    hours: pd.DataFrame | Heard, exposures: pd.DataFrame, minute: int, parameters: Parameters
) -> tuple[Integers, tuple[Integers, Integers, Integers]]:
    """Return each exposure's owner; and (owner, first, last) of the stretches of messages before `minute`, in order.

    exposures: device, heartbeat_minutes. Folded hours know this of the moment for which they were folded.
    """
    if isinstance(hours, Heard):
        owner = hours.owners(exposures, parameters)
        begun = hours.fold.first < minute
        whose, first, last = (
            column[begun] for column in (hours.fold.stretch_of, hours.fold.first, hours.fold.last)
        )
        over = np.flatnonzero(last >= minute)
        last[over] = hours.last_before(whose[over], np.full(len(over), minute))
        return owner, (whose, first, last)
    owner, row, stream, reach = streams(hours, exposures, parameters)
    at = minutes_of(hours["hour"])[row] // 60 * 60
    alive = masks_of(hours["alive_minutes"])[row] & window(np.zeros_like(at), minute - at)
    place, start, end = covered(at, alive, reach)
    reach_of = np.zeros(int(max(owner.max(initial=0), stream.max(initial=0))) + 1, dtype=np.int64)
    reach_of[stream] = reach
    return owner, join(stream[place], start, end - reach[place], reach_of)


def one_table(tables: list[Hours]) -> Hours:
    """Return the rows of all."""
    none: Integers = np.zeros(0, dtype=np.int64)
    nothing = Hours(none, none, none, none.astype(np.uint64), none, none.astype(np.uint64), none)
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


def heard_in(fold: Fold, owner: Integers, start: Integers, end: Integers) -> npt.NDArray[np.bool_]:
    """Return whether its owner may have been heard in each piece [start, end); where not, it surely was not."""
    places = owner * SPAN
    behind = np.searchsorted(fold.stretch_of * SPAN + fold.first, places + end)
    before = np.searchsorted(fold.stretch_of * SPAN + fold.last, places + start)
    return (start < end) & (behind > before)


def joined(folds: list[Fold], reach: Integers) -> Fold:
    """Return folds of different hours as one."""
    stretch_of, first, last, uses, more_hours, more_uses, turns = (
        np.concatenate(part) for part in zip(*folds, strict=True)
    )
    order = np.argsort(more_hours, kind="stable")
    return Fold(
        *join(stretch_of, first, last, reach),
        np.sort(uses, kind="stable"),
        more_hours[order],
        more_uses[order],
        turning(turns),
    )


def _within(moments: Integers, owner: Integers, days: LocalDays) -> tuple[Integers, Integers]:
    """Return (exposure, place) of its owner's moments in each exposure."""
    low = np.searchsorted(moments, owner * SPAN + days.from_minute)
    return ranges(low, np.searchsorted(moments, owner * SPAN + days.to_minute))
