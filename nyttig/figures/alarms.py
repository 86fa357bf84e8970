"""Did somebody come? Alarms, and what became of them while we would have noticed. Definitions: docs/figures.md."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from nyttig.figures.coverage import numbered
from nyttig.figures.heard import Heard, stretches_before
from nyttig.figures.intervals import Share, clustered
from nyttig.figures.minutes import SPAN, Integers, minutes_of
from nyttig.figures.proof import apart, reach_minutes
from nyttig.model import Parameters

IN_TIME, LATE, MISSED, UNKNOWN, TO_COME, TEST = range(6)  # the first three make the shares
OUTCOMES = ("in_time", "late", "missed", "unknown", "to_come", "test")

OF_CITIZENS = ("citizen", "auto")
"""Who raises an alarm that somebody may need: the person, or the device itself, as in a fall."""


@dataclass(frozen=True, slots=True)
class Alarms:
    """What became of the alarms that citizens, or their devices on their own, `raised`, in so many `homes`.

    `handled_in_time`: within the trial's minutes; `missed`: not handled when those were over, though the device was
    heard before and after them; both as shares of the alarms of which it is known (in time, late, missed).
    `handled_late`: later, within a day. `unknown`: no handling came, and it might have been lost; `to_come`: the time is not over
    yet; neither is in the shares. `tests`: raised by staff, installers or as a test: not among the raised.
    `median_minutes` to the handling, of the known ones; a missed one takes for ever, so it is None where half are
    missed. Its 95 % interval is that of order statistics (Conover 1999, 3.2), each end None where there is none.
    """

    raised: int
    homes: int
    handled_in_time: Share
    handled_late: int
    missed: Share
    unknown: int
    to_come: int
    tests: int
    median_minutes: float | None
    median_low_minutes: float | None
    median_high_minutes: float | None


@dataclass(frozen=True, slots=True)
class UnitAlarms:
    """One unit's part."""

    unit: str
    alarms: Alarms


@dataclass(frozen=True, slots=True)
class HomeAlarms:
    """One home's part."""

    home: str
    unit: str
    alarms: Alarms


@dataclass(frozen=True, slots=True)
class WeekAlarms:
    """One local ISO week's part."""

    iso_week: str
    starts_on: date
    complete: bool
    alarms: Alarms


@dataclass(frozen=True, slots=True)
class AlarmFigures:
    """Alarms of all devices in a trial's homes, each home's first days too: what may have gone wrong is never left out.

    `homes_watched` have a device that can raise one; `homes` lists those in which one was raised, or tested, those
    with most missed first.
    """

    all: Alarms
    homes_watched: int
    units: tuple[UnitAlarms, ...]
    homes: tuple[HomeAlarms, ...]
    weeks: tuple[WeekAlarms, ...]


def judged(
    alarms: pd.DataFrame,
    hours: pd.DataFrame | Heard,
    exposures: pd.DataFrame,
    outages: pd.DataFrame,
    gaps: pd.DataFrame,
    *,
    as_of: datetime,
    parameters: Parameters,
) -> pd.DataFrame:
    """Return the alarms raised in an exposure before `as_of`, by time: home, unit, and what became of them.

    alarms: device, raised_at, raised_by, handled_at, handled_by; the other tables are those of `coverage.device_days`,
    of all devices. Columns besides: outcome (a place in `OUTCOMES`) and minutes to the handling (NaN without one).
    An alarm that nobody handled in time is missed only where the device was heard again after that time, with no
    longer silence before it than is tolerated, and neither an outage of ours nor a gap in the numbers of its messages
    touches that time: else the handling may have been lost.
    """
    columns = ["home", "unit", "device", "from_at", "to_at", "heartbeat_minutes"]
    raised = alarms[alarms["raised_at"] < as_of].merge(exposures[columns], on="device")
    at = minutes_of(raised["raised_at"])
    inside = (minutes_of(raised["from_at"]) <= at) & (at < minutes_of(raised["to_at"]))
    found = raised[inside].sort_values(["raised_at", "device"], ignore_index=True)
    handled = (found["handled_at"] < as_of).to_numpy(dtype=bool)
    minutes = (found["handled_at"] - found["raised_at"]).dt.total_seconds().to_numpy(dtype=float) / 60
    minutes[~handled] = np.nan
    outcome = np.where(minutes <= parameters.alarm_handled_within_minutes, IN_TIME, LATE)
    waits = np.flatnonzero(~handled)
    if len(waits):
        outcome[waits] = _unhandled(
            found.iloc[waits].reset_index(drop=True), hours, outages, gaps, as_of=as_of, parameters=parameters
        )
    outcome[~found["raised_by"].isin(OF_CITIZENS).to_numpy(dtype=bool)] = TEST
    told = ["home", "unit", "device", "raised_at", "raised_by", "handled_at", "handled_by"]
    return found[told].assign(
        handled_at=found["handled_at"].where(handled),
        handled_by=found["handled_by"].where(handled, None),
        minutes=minutes,
        outcome=outcome,
    )


def alarm_figures(
    found: pd.DataFrame,
    *,
    homes: Sequence[tuple[str, str]],
    units: Sequence[str],
    as_of: datetime,
    timezone: str,
) -> AlarmFigures:
    """Return the figures of `judged` alarms; `homes` (home, unit) have a device that can raise one."""
    became = found["outcome"].to_numpy(dtype=np.int64)
    minutes = found["minutes"].to_numpy(dtype=float)
    home, codes = numbered(found["home"])
    unit_of = dict(homes)

    def of(groups: npt.NDArray[np.int64], length: int) -> list[Alarms]:
        return _alarms(groups, became, minutes, home, length, len(codes))

    by_home = [
        HomeAlarms(str(code), unit_of.get(str(code), ""), made)
        for code, made in zip(codes, of(home, len(codes)), strict=True)
    ]
    mondays, week = _weeks(found["raised_at"], ZoneInfo(timezone))
    today = as_of.astimezone(ZoneInfo(timezone)).date()
    return AlarmFigures(
        all=of(np.zeros(len(found), dtype=np.int64), 1)[0],
        homes_watched=len(homes),
        units=tuple(
            UnitAlarms(unit, made)
            for unit, made in zip(
                units, of(pd.Index(units).get_indexer(pd.Index(found["unit"])), len(units)), strict=True
            )
        ),
        homes=tuple(
            sorted(by_home, key=lambda each: (-each.alarms.missed.count, -each.alarms.raised, each.home))
        ),
        weeks=tuple(
            WeekAlarms(_iso_week(monday), monday, monday + timedelta(days=7) <= today, made)
            for monday, made in zip(mondays, of(week, len(mondays)), strict=True)
        ),
    )


def _unhandled(
    found: pd.DataFrame,
    hours: pd.DataFrame | Heard,
    outages: pd.DataFrame,
    gaps: pd.DataFrame,
    *,
    as_of: datetime,
    parameters: Parameters,
) -> Integers:
    """Return what became of alarms that nobody handled before `as_of`, as places in `OUTCOMES`."""
    now = int(minutes_of(pd.Series([as_of]))[0])
    at = minutes_of(found["raised_at"])
    over = at + math.ceil(parameters.alarm_handled_within_minutes) + 1
    owner, (of, first, last) = stretches_before(hours, found, now, parameters)
    place = np.searchsorted(of * SPAN + first, owner * SPAN + at, side="right") - 1
    there = np.maximum(place, 0)
    known = np.zeros(len(found), dtype=np.int64)
    if len(of):
        known = np.where((place >= 0) & (of[there] == owner), last[there], 0)
    lost = _in_gaps(found["device"], at, over, gaps)
    began, ended = apart(outages)
    lost |= np.searchsorted(ended, at, side="right") < np.searchsorted(began, over, side="left")
    seen = known >= over
    still = ~seen & (known + reach_minutes(found["heartbeat_minutes"], parameters) > now)
    outcome = np.where(seen & ~lost, MISSED, UNKNOWN)
    outcome[(over > now) | (still & ~lost)] = TO_COME
    return outcome


def _in_gaps(devices: pd.Series, at: Integers, over: Integers, gaps: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return which times [at, over] of devices a gap in the numbers of their messages touches."""
    mine = gaps[gaps["device"].isin(set(devices))]
    touched = np.zeros(len(devices), dtype=bool)
    if len(mine):
        ends = np.sort(np.stack([minutes_of(mine["from_at"]), minutes_of(mine["to_at"])]), axis=0)
        theirs = pd.DataFrame(
            {"device": mine["device"].astype(str).to_numpy(), "low": ends[0], "high": ends[1]}
        )
        ours = pd.DataFrame({"device": devices.astype(str).to_numpy(), "row": np.arange(len(devices))})
        both = ours.merge(theirs, on="device")
        row = both["row"].to_numpy()
        hit = (both["low"].to_numpy() <= over[row]) & (both["high"].to_numpy() >= at[row])
        touched[row[hit]] = True
    return touched


def _alarms(
    groups: npt.NDArray[np.int64],
    became: Integers,
    minutes: npt.NDArray[np.float64],
    home: Integers,
    length: int,
    homes: int,
) -> list[Alarms]:
    """Return the figures of each of so many groups of alarms; -1 is an alarm of none."""
    made = []
    for group in range(length):
        mine = np.flatnonzero(groups == group)
        counts = np.bincount(became[mine], minlength=len(OUTCOMES)).tolist()
        asked = mine[became[mine] != TEST]
        judged_ = mine[became[mine] <= MISSED]
        by_home, in_time, missed = (
            np.bincount(home[of], minlength=homes)
            for of in (judged_, mine[became[mine] == IN_TIME], mine[became[mine] == MISSED])
        )
        some = by_home > 0
        taken = np.where(became[judged_] == MISSED, np.inf, minutes[judged_])
        made.append(
            Alarms(
                raised=len(asked),
                homes=len(np.unique(home[asked])),
                handled_in_time=clustered(in_time[some].tolist(), by_home[some].tolist()),
                handled_late=counts[LATE],
                missed=clustered(missed[some].tolist(), by_home[some].tolist()),
                unknown=counts[UNKNOWN],
                to_come=counts[TO_COME],
                tests=counts[TEST],
                **median_interval(np.sort(taken).tolist()),
            )
        )
    return made


def median_interval(minutes: Sequence[float]) -> dict[str, float | None]:
    """Return median_minutes, median_low_minutes and median_high_minutes of sorted times; infinite ones are None.

    The ends are the r-th smallest and the r-th largest, r the greatest with P(Bin(n, 1/2) < r) at most 2.5 % (Conover
    1999, 3.2); with fewer than six there are none.
    """
    n = len(minutes)
    middle = (minutes[(n - 1) // 2] + minutes[n // 2]) / 2 if n else math.inf
    rank = _rank(n)
    ends = (minutes[rank - 1], minutes[n - rank]) if rank else (math.inf, math.inf)
    names = ("median_minutes", "median_low_minutes", "median_high_minutes")
    return {
        name: value if math.isfinite(value) else None
        for name, value in zip(names, (middle, *ends), strict=True)
    }


def _rank(n: int) -> int:
    """Return the greatest r with P(Bin(n, 1/2) < r) <= 0.025."""
    below, rank = 0.0, 0
    while True:
        below += math.exp(
            math.lgamma(n + 1) - math.lgamma(rank + 1) - math.lgamma(n - rank + 1) - n * math.log(2)
        )
        if below > 0.025 or rank >= n:
            return rank
        rank += 1


def _weeks(raised_at: pd.Series, zone: ZoneInfo) -> tuple[list[date], Integers]:
    """Return the Mondays of the local weeks from the first alarm's to the last one's, and each alarm's place."""
    if not len(raised_at):
        return [], np.zeros(0, dtype=np.int64)
    day = raised_at.dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
    monday = day - pd.to_timedelta(day.dt.day_of_week, unit="D")
    first = monday.min()
    place = ((monday - first).dt.days // 7).to_numpy(dtype=np.int64)
    return [first.date() + timedelta(days=7 * n) for n in range(int(place.max()) + 1)], place


def _iso_week(monday: date) -> str:
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02d}"
