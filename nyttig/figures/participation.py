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

from nyttig.figures.intervals import Share, clustered
from nyttig.figures.minutes import Integers
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
    zone = ZoneInfo(timezone)
    found: set[tuple[str, datetime]] = set()
    for plan in plans:
        day = max(plan.from_day, first_day)
        end = min(plan.to_day or last_day, last_day)
        while day <= end:
            if day.weekday() in plan.weekdays:
                moment = datetime.combine(day, plan.due_time, zone)
                found.add((plan.home, datetime.fromtimestamp(moment.timestamp(), tz=ZoneInfo("UTC"))))
            day += timedelta(days=1)
    frame = pd.DataFrame(sorted(found), columns=["home", "due_at"])
    return frame.assign(due_at=pd.to_datetime(frame["due_at"], utc=True))


def outcomes(due: pd.DataFrame, uses: pd.DataFrame, *, as_of_minute: int, parameters: Parameters) -> Integers:
    """Return for each row of `due` what became of it, as a place in `OUTCOMES`.

    due: home, minute (since 1970), observed and excused (bool at that minute); uses: home, minute. A use is
    taken for one due time at most, the earliest whose window holds it; what is left over may be late for one
    that got none.
    """
    found = np.full(len(due), UNKNOWN, dtype=np.int64)
    minutes = due["minute"].to_numpy(dtype=np.int64)
    used_minutes = uses["minute"].to_numpy(dtype=np.int64)
    used_by = uses.groupby("home", observed=True).indices
    early = round(parameters.participation_early_minutes)
    window = round(parameters.participation_window_minutes)
    for home, rows in due.groupby("home", observed=True).indices.items():
        order = rows[np.argsort(minutes[rows], kind="stable")]
        times = np.sort(used_minutes[used_by.get(home, np.empty(0, dtype=np.int64))])
        found[order] = _matched(minutes[order], times, early, window)
    nothing = found == UNKNOWN
    found[nothing & due["observed"].to_numpy(dtype=bool)] = MISSED
    found[nothing & due["excused"].to_numpy(dtype=bool)] = EXCUSED
    found[nothing & (minutes + window >= as_of_minute)] = TO_COME
    return found


def participation(what_became: Integers, homes: npt.NDArray[Any]) -> Participation:
    """Return the counts of `outcomes` and the share that was done in its window; `homes` has each outcome's home.

    The interval is one of clusters: doses of one home resemble each other.
    """
    counts = np.bincount(what_became, minlength=len(OUTCOMES)).tolist()
    _, home = np.unique(homes.astype(str), return_inverse=True)
    done = np.bincount(home, weights=what_became == DONE)
    judged = np.bincount(home, weights=what_became <= MISSED)
    return Participation(
        done=clustered(done.astype(int).tolist(), judged.astype(int).tolist()),
        late=counts[LATE],
        missed=counts[MISSED],
        unknown=counts[UNKNOWN],
        excused=counts[EXCUSED],
        to_come=counts[TO_COME],
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
