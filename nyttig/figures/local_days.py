"""The local days of exposures as cells in one row, so that a million of them are worked out from few numbers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from nyttig.figures.minutes import SPAN, Integers, minutes_of, moment_of, ranges, united

Small = npt.NDArray[np.int32]
"""Minutes since 1970 fit in 32 bits until the year 6053; of a million cells half the bytes are half the time."""


class LocalDays(NamedTuple):
    """Every local day that an exposure touches is a cell, in the order of the exposures.

    Of each cell: `exposure`, its place among them, and minutes [start, end), the day's part inside the exposure.
    Of each exposure: its minutes [from_minute, to_minute), and `origin`: its cell of the day number d is origin + d.
    `midnights` are the days' first minutes, from the first day of all to the one behind the last; `days` are their dates.
    """

    exposure: Small
    start: Small
    end: Small
    from_minute: Integers
    to_minute: Integers
    origin: Small
    midnights: Integers
    days: npt.NDArray[np.datetime64]

    @property
    def day(self) -> npt.NDArray[np.datetime64]:
        """The date of each cell."""
        found: npt.NDArray[np.datetime64] = self.days[
            np.arange(len(self.exposure), dtype=np.int32) - self.origin[self.exposure]
        ]
        return found

    def covered(self, owner_of_exposure: Integers, owner: Integers, start: Integers, end: Integers) -> Small:
        """Return for each cell how many of its minutes lie in stretches [start, end) of its exposure's owner.

        Stretches may overlap, and be in any order; an exposure whose owner is -1 has none.
        """
        found = np.zeros(len(self.exposure), dtype=np.int32)
        if not len(owner) or not len(found):
            return found
        known = self.midnights[0], self.midnights[-1]
        owner, start, end = united(owner, np.clip(start, *known), np.clip(end, *known))
        low = np.searchsorted(owner * SPAN + end, owner_of_exposure * SPAN + self.from_minute, side="right")
        high = np.searchsorted(owner * SPAN + start, owner_of_exposure * SPAN + self.to_minute, side="left")
        exposure, row = ranges(low, np.where(owner_of_exposure < 0, low, high))
        start = np.maximum(start[row], self.from_minute[exposure])
        end = np.minimum(end[row], self.to_minute[exposure])
        some = np.flatnonzero(end > start)
        exposure, start, end = exposure[some], start[some], end[some]
        first, last = self.cells(exposure, start), self.cells(exposure, end - 1)
        short = first == last
        np.add.at(found, first, np.where(short, end, self.end[first]) - start)
        long = ~short
        np.add.at(found, last[long], end[long] - self.start[last[long]])
        # Stretches lie apart: a cell between the first and the last of one is covered once, and whole.
        step = np.zeros(len(found), dtype=np.int8)
        np.add.at(step, first[long] + 1, np.int8(1))
        np.subtract.at(step, last[long], np.int8(1))
        found += np.cumsum(step, dtype=np.int8) * (self.end - self.start)
        return found

    def counted(self, exposure: Integers, minute: Integers) -> Integers:
        """Return for each cell how many of these moments within exposures lie in it."""
        return np.bincount(self.cells(exposure, minute), minlength=len(self.exposure))

    def cells(self, exposure: Integers, minute: Integers) -> Small:
        """Return the cell of each moment, which lies in its exposure."""
        day_of = np.repeat(np.arange(len(self.days), dtype=np.int32), np.diff(self.midnights))
        found: Small = day_of[minute - self.midnights[0]]
        found += self.origin[exposure]
        return found


def local_days(exposures: pd.DataFrame, timezone: str) -> LocalDays:
    """Return the local days of exposures: from_at, to_at."""
    from_minute, to_minute = minutes_of(exposures["from_at"]), minutes_of(exposures["to_at"])
    some = np.flatnonzero(to_minute > from_minute)
    zone = ZoneInfo(timezone)
    days, midnights = np.empty(0, dtype="datetime64[s]"), np.zeros(1, dtype=np.int64)
    if len(some):
        first = moment_of(int(from_minute[some].min())).astimezone(zone).date()
        last = moment_of(int(to_minute[some].max())).astimezone(zone).date()
        dates = [first + timedelta(days=n) for n in range((last - first).days + 2)]
        # Where midnight does not exist, Python gives the moment of the change: the day's first.
        civil = (datetime(date.year, date.month, date.day, tzinfo=zone) for date in dates)
        midnights = np.array([int(midnight.timestamp()) // 60 for midnight in civil], dtype=np.int64)
        days = np.array(dates[:-1], dtype="datetime64[s]")
    low = np.searchsorted(midnights, from_minute, side="right") - 1
    counts = np.where(
        to_minute > from_minute, np.searchsorted(midnights, to_minute - 1, side="right") - low, 0
    )
    behind = np.cumsum(counts)
    origin = (behind - counts - low).astype(np.int32)
    exposure = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    day = np.arange(len(exposure), dtype=np.int32) - np.repeat(origin, counts)
    start, end = midnights.astype(np.int32)[day], midnights[1:].astype(np.int32)[day]
    start[(behind - counts)[some]] = np.maximum(from_minute, midnights[low])[some]
    end[behind[some] - 1] = np.minimum(to_minute[some], end[behind[some] - 1])
    return LocalDays(exposure, start, end, from_minute, to_minute, origin, midnights, days)
