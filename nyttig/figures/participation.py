"""Was what was planned done? Doses, calls and checks against their schedule. Definitions: docs/figures.md, section 3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from nyttig.figures.coverage import numbered
from nyttig.figures.intervals import Share, clustered
from nyttig.figures.minutes import SPAN, Integers
from nyttig.model import Parameters

DONE, LATE, MISSED, UNKNOWN, EXCUSED, TO_COME = range(6)  # the first three make the share
OUTCOMES = ("done", "late", "missed", "unknown", "excused", "to_come")


@dataclass(frozen=True, slots=True)
class Participation:
    """What became of everything that was due. `done` is the share of what was due while somebody would have noticed.

    `of` of the share = done + late + missed. `unknown`: nothing came, and the device was not observed at the
    due time; `excused`: due in a pause; `to_come`: its window is still open. None of the three is in the share.
    `late` came after its window and before the next was due.
    """

    done: Share
    late: int
    missed: int
    unknown: int
    excused: int
    to_come: int


class Plan(NamedTuple):
    """Something due at a local time of day, on some weekdays (0 = Monday), from one day to another (None: on)."""

    home: str
    due_time: time
    weekdays: frozenset[int]
    from_day: date
    to_day: date | None


def due_times(plans: Sequence[Plan], timezone: str, first_day: date, last_day: date) -> pd.DataFrame:
    """Return everything due from `first_day` to `last_day`: home, due_at (UTC), each moment of a home once, sorted.

    At the change to summer time a due time that does not exist is due when the clocks have moved on; at the
    change back one that happens twice is due the first time.
    """
    zone, utc = ZoneInfo(timezone), ZoneInfo("UTC")
    homes = pd.Index(sorted({plan.home for plan in plans}))
    days = [first_day + timedelta(days=n) for n in range((last_day - first_day).days + 1)]
    weekday = np.array([day.weekday() for day in days], dtype=np.int64)
    moments: dict[time, npt.NDArray[np.datetime64]] = {}
    planned_by: dict[Plan, npt.NDArray[np.datetime64]] = {}  # most homes share a few
    parts = []
    for plan in plans:
        alike = plan._replace(home="")
        if alike in planned_by:
            parts.append(planned_by[alike])
            continue
        if plan.due_time not in moments:
            civil = (datetime.combine(day, plan.due_time, zone).timestamp() for day in days)
            told = [datetime.fromtimestamp(moment, tz=utc).replace(tzinfo=None) for moment in civil]
            moments[plan.due_time] = np.array(told, dtype="datetime64[us]")
        planned = np.isin(weekday, list(plan.weekdays))
        planned[: max((plan.from_day - first_day).days, 0)] = False
        if plan.to_day is not None:
            planned[max((plan.to_day - first_day).days + 1, 0) :] = False
        planned_by[alike] = moments[plan.due_time][planned]
        parts.append(planned_by[alike])
    home = np.repeat(
        homes.get_indexer(pd.Index([plan.home for plan in plans])), [len(part) for part in parts]
    )
    due_at = np.concatenate([np.empty(0, dtype="datetime64[us]"), *parts])
    order = np.lexsort((due_at, home))
    home, due_at = home[order], due_at[order]
    new = np.append(True, (home[1:] != home[:-1]) | (due_at[1:] != due_at[:-1]))[: len(home)]
    return pd.DataFrame(
        {
            "home": pd.Categorical.from_codes(home[new], homes),
            "due_at": pd.to_datetime(due_at[new], utc=True),
        }
    )


def outcomes(due: pd.DataFrame, uses: pd.DataFrame, *, as_of_minute: int, parameters: Parameters) -> Integers:
    """Return for each row of `due` what became of it, as a place in `OUTCOMES`.

    due: home, minute (since 1970), observed and excused (bool at that minute); uses: home, minute. A use is
    taken for one due time at most, the earliest whose window holds it; what is left over may be late for one
    that got none.
    """
    found = np.full(len(due), UNKNOWN, dtype=np.int64)
    minutes = due["minute"].to_numpy(dtype=np.int64)
    early = round(parameters.participation_early_minutes)
    window = round(parameters.participation_window_minutes)
    home, homes = numbered(due["home"])
    number, known = numbered(uses["home"])
    used_by = homes.get_indexer(known).astype(np.int64)[number]
    used = np.sort((used_by * SPAN + uses["minute"].to_numpy(dtype=np.int64))[used_by >= 0])
    order = np.argsort(home * SPAN + minutes, kind="stable")
    at = (home * SPAN + minutes)[order]
    follows = home[order][1:] == home[order][:-1]
    following = np.where(np.append(follows, False), np.append(at[1:], 0) - early, (home[order] + 1) * SPAN)

    def any_in(low: Integers, high: Integers) -> npt.NDArray[np.bool_]:
        some: npt.NDArray[np.bool_] = np.searchsorted(used, high) > np.searchsorted(used, low)
        return some

    # Where no two windows of a home meet, each use can serve one due time only.
    late = np.where(any_in(at + window + 1, following), LATE, UNKNOWN)
    found[order] = np.where(any_in(at - early, at + window + 1), DONE, late)
    for crowded in np.unique(home[order][following <= at + window]).tolist():
        rows = order[slice(*np.searchsorted(at, [crowded * SPAN, (crowded + 1) * SPAN]))]
        times = used[slice(*np.searchsorted(used, [crowded * SPAN, (crowded + 1) * SPAN]))] - crowded * SPAN
        found[rows] = _matched(minutes[rows], times, early, window)
    nothing = found == UNKNOWN
    found[nothing & due["observed"].to_numpy(dtype=bool)] = MISSED
    found[nothing & due["excused"].to_numpy(dtype=bool)] = EXCUSED
    found[nothing & (minutes + window >= as_of_minute)] = TO_COME
    return found


def participation(what_became: Integers, homes: npt.NDArray[Any]) -> Participation:
    """Return the counts of `outcomes` and the share that was done in its window; `homes` has each outcome's home.

    The interval is one of clusters: doses of one home resemble each other.
    """
    known, home = np.unique(homes.astype(str), return_inverse=True)
    whole = np.zeros(len(what_became), dtype=np.int64)
    return participations(whole, what_became, home.astype(np.int64), 1, len(known))[0]


def participations(
    groups: Integers, what_became: Integers, home: Integers, length: int, homes: int
) -> list[Participation]:
    """Return the same for each of so many groups of what was due; homes as numbers, in their order."""
    cells = np.bincount(groups * len(OUTCOMES) + what_became, minlength=length * len(OUTCOMES))
    counts = cells.reshape(length, len(OUTCOMES)).tolist()
    cell = groups * homes + home
    there, done, judged = (
        np.bincount(cell[of], minlength=length * homes).reshape(length, homes)
        for of in (what_became >= 0, what_became == DONE, what_became <= MISSED)
    )
    return [
        Participation(
            done=clustered(done[n][there[n] > 0].tolist(), judged[n][there[n] > 0].tolist()),
            late=counts[n][LATE],
            missed=counts[n][MISSED],
            unknown=counts[n][UNKNOWN],
            excused=counts[n][EXCUSED],
            to_come=counts[n][TO_COME],
        )
        for n in range(length)
    ]


def pooled(parts: Sequence[Participation]) -> Participation:
    """Return what became of everything due in several homes, of one participation a home."""
    done = [part.done for part in parts]
    return Participation(
        done=clustered([share.count for share in done], [share.of for share in done]),
        late=sum(part.late for part in parts),
        missed=sum(part.missed for part in parts),
        unknown=sum(part.unknown for part in parts),
        excused=sum(part.excused for part in parts),
        to_come=sum(part.to_come for part in parts),
    )


def _matched(due: Integers, uses: Integers, early: int, window: int) -> Integers:
    """Return DONE, LATE or UNKNOWN for each of one home's due minutes, sorted; a use serves one of them."""
    found = np.full(len(due), UNKNOWN, dtype=np.int64)
    free = np.ones(len(uses), dtype=bool)
    place = 0
    for n, minute in enumerate(due.tolist()):  # windows end in the order in which they begin
        while place < len(uses) and uses[place] < minute - early:
            place += 1
        if place < len(uses) and uses[place] <= minute + window:
            found[n], free[place] = DONE, False
            place += 1
    left = uses[free]
    place = 0
    following = np.append(due[1:] - early, np.iinfo(np.int64).max)
    for n in np.flatnonzero(found == UNKNOWN).tolist():
        while place < len(left) and left[place] <= due[n] + window:
            place += 1
        if place < len(left) and left[place] < following[n]:
            found[n] = LATE
            place += 1
    return found
