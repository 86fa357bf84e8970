"""Was what was due done? A trial's schedules against the uses of its primary devices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from nyttig.figures import moments
from nyttig.figures import participation as figures
from nyttig.figures.coverage import numbered
from nyttig.figures.heard import Heard
from nyttig.figures.minutes import Integers, minutes_of, shared_minutes
from nyttig.figures.participation import DONE, MISSED, Participation, Plan
from nyttig.figures.periods import DoneOfDue, windows
from nyttig.model import TrialPackage

LATELY_DAYS: Final = 28
"""What somebody has to do about is told of so many local days, the last of them today."""


@dataclass(frozen=True, slots=True)
class HomeParticipation:
    """One home's part. `before` and `after`: how much was done in time, and of how much due while observed, in the
    last complete weeks and in as many before (`periods.windows`), without the home's first days.

    `lately` is what became of everything due in the last `LATELY_DAYS`, the home's first days too; `missed_on` the local day
    of each that was missed in them, in order.
    """

    home: str
    unit: str
    participation: Participation
    lately: Participation
    missed_on: tuple[date, ...] = ()
    before: DoneOfDue = (0, 0)
    after: DoneOfDue = (0, 0)


@dataclass(frozen=True, slots=True)
class WeekParticipation:
    """One local ISO week: everything due in it, the homes' first weeks too."""

    iso_week: str
    starts_on: date
    participation: Participation


@dataclass(frozen=True, slots=True)
class ScheduleFigures:
    """What became of everything due. `steady` leaves out each home's first `parameters.ramp_in_days`, `all_days` not.

    `homes_without_schedule` have the technology and nothing due: they are in no figure here.
    """

    steady: Participation
    all_days: Participation
    weeks: tuple[WeekParticipation, ...]
    homes: tuple[HomeParticipation, ...]
    homes_without_schedule: int


def schedule_figures(
    package: TrialPackage,
    hours: pd.DataFrame | Heard,
    exposures: pd.DataFrame,
    outages: pd.DataFrame,
    as_of: datetime,
) -> ScheduleFigures | None:
    """What became of everything due in the trial before `as_of`; None where it has no schedule.

    hours, exposures (of the primary devices) and outages as for `coverage.device_days`.
    """
    if not package.schedules:
        return None
    trial, parameters = package.trial, package.trial.parameters
    zone = ZoneInfo(trial.timezone)
    last_day = min(as_of.astimezone(zone).date(), trial.ends or date.max)
    plans = [
        Plan(
            each.home,
            each.due_time,
            frozenset(int(number) - 1 for number in each.weekdays),
            each.from_day or trial.starts,
            each.to_day,
        )
        for each in package.schedules
    ]
    due = figures.due_times(plans, trial.timezone, trial.starts, last_day)
    due = due.assign(minute=minutes_of(due["due_at"]))
    as_of_minute = int(minutes_of(pd.Series([as_of]))[0])
    known = moments.noticed(
        hours, exposures, outages, due[due["minute"] < as_of_minute], parameters=parameters
    )
    known["excused"] = _paused(package, known)
    became = figures.outcomes(
        known, moments.use_moments(hours, exposures), as_of_minute=as_of_minute, parameters=parameters
    )
    # Homes share what they are due by: few minutes, many times.
    of_minute, minutes = pd.factorize(known["minute"].to_numpy())
    at = pd.Series(pd.to_datetime(minutes * 60, unit="s", utc=True)).dt.tz_convert(zone)
    day_of = at.dt.tz_localize(None).dt.normalize()
    day = day_of.to_numpy()[of_minute]
    week_of, mondays = pd.factorize(day_of - pd.to_timedelta(day_of.dt.day_of_week, unit="D"), sort=True)
    week = week_of[of_minute]
    number, homes = numbered(known["home"])
    firsts = _first_days(exposures, zone)
    started = pd.to_datetime(
        pd.Series([firsts.get(home) for home in homes], dtype="datetime64[us]")
    ).to_numpy()
    steady = day >= started[number] + np.timedelta64(parameters.ramp_in_days, "D")
    scheduled = {each.home for each in package.schedules}
    units = {home.home: home.unit for home in package.homes if home.installed_on is not None}
    shown = pd.Index(sorted(units.keys() & scheduled))
    place = shown.get_indexer(homes)[number]
    counted = steady & (place >= 0)
    today = np.datetime64(as_of.astimezone(zone).date())
    recent = (place >= 0) & (day > today - np.timedelta64(LATELY_DAYS, "D"))
    missed = np.flatnonzero(recent & (became == MISSED))
    missed_on: dict[int, list[date]] = {}
    for home, on in zip(place[missed].tolist(), pd.DatetimeIndex(day[missed]).date, strict=True):
        missed_on.setdefault(home, []).append(on)
    last_complete = min(as_of.astimezone(zone).date() - timedelta(days=1), last_day)
    first, later, last = (np.datetime64(each) for each in windows(last_complete))
    before, after = (
        _done_of_due(place[within], became[within], len(shown))
        for within in (
            counted & (day >= first) & (day < later),
            counted & (day >= later) & (day <= last),
        )
    )

    def of_each(which: npt.NDArray[np.bool_]) -> list[Participation]:
        alone = np.zeros(int(which.sum()), dtype=np.int64)  # the only home of its group
        return figures.participations(place[which], became[which], alone, len(shown), 1)

    def all_of(which: npt.NDArray[np.bool_]) -> Participation:
        whole = np.zeros(int(which.sum()), dtype=np.int64)
        return figures.participations(whole, became[which], number[which], 1, len(homes))[0]

    return ScheduleFigures(
        steady=all_of(steady),
        all_days=all_of(np.ones_like(steady)),
        weeks=tuple(
            WeekParticipation(_iso_week(starts_on), starts_on, figure)
            for starts_on, figure in zip(
                pd.DatetimeIndex(mondays).date,
                figures.participations(week, became, number, len(mondays), len(homes)),
                strict=True,
            )
        ),
        homes=tuple(
            HomeParticipation(home, units[home], figure, lately, tuple(missed_on.get(n, ())), earlier, later_)
            for n, (home, figure, lately, earlier, later_) in enumerate(
                zip(shown, of_each(counted), of_each(recent), before, after, strict=True)
            )
        ),
        homes_without_schedule=len(units.keys() - scheduled),
    )


def _done_of_due(home: Integers, became: Integers, homes: int) -> list[DoneOfDue]:
    """Per home what was done in time, and of how much that was due while somebody would have noticed."""
    done, of = (
        np.bincount(home[which], minlength=homes).tolist() for which in (became == DONE, became <= MISSED)
    )
    return list(zip(done, of, strict=True))


def _paused(package: TrialPackage, moments_: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Which moments lie in a pause of their home."""
    number, homes = numbered(moments_["home"])
    owner = homes.get_indexer(pd.Index([pause.home for pause in package.pauses], dtype=homes.dtype))
    from_minute, to_minute = (
        minutes_of(pd.Series([getattr(pause, edge) for pause in package.pauses], dtype="datetime64[us, UTC]"))
        for edge in ("paused_from", "paused_to")
    )
    mine = owner >= 0
    paused = np.zeros(len(number), dtype=bool)
    some = np.flatnonzero(np.isin(number, owner[mine]))
    minute = moments_["minute"].to_numpy(dtype=np.int64)[some]
    pauses = owner[mine].astype(np.int64), from_minute[mine], to_minute[mine]
    paused[some] = shared_minutes(*pauses, number[some], minute, minute + 1) > 0
    return paused


def _iso_week(monday: date) -> str:
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02d}"


def _first_days(exposures: pd.DataFrame, zone: ZoneInfo) -> dict[str, pd.Timestamp]:
    """Each home's first local day of exposure."""
    local = exposures["from_at"].dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
    return {str(home): first for home, first in local.groupby(exposures["home"], observed=True).min().items()}
