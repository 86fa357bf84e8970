"""How was this computed? Each figure with its definition, its thresholds, and what went in and stayed out."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from nyttig.errors import NotFoundError, NyttigError
from nyttig.evidence import Evidence, beginning_of_day, device_days, end_of_day, judged_alarms, last_day
from nyttig.figures.alarms import OUTCOMES
from nyttig.figures.concern import LIMITS, followed
from nyttig.figures.coverage import ARMED_COLUMNS, day_numbers, numbered
from nyttig.figures.minutes import minutes_of, united
from nyttig.report import Report
from nyttig.store import db, folds
from nyttig.store.db import Session

LANGUAGES = ("en", "nb", "da")

DAYS_MAX = 200_000
"""Device-days in one answer: some 60 MB of JSON, and six weeks of a thousand homes with five devices."""

EPOCH = date(1970, 1, 1).toordinal()

DeviceOnDay = tuple[str, date]


class Definition(NamedTuple):
    """What a figure means, from nyttig/figures/definitions.toml; texts by language."""

    figure: str
    version: int
    path: str
    parameters: tuple[str, ...]
    counts: tuple[str, ...]
    left_out: tuple[str, ...]
    formulas: dict[str, str]
    sources: dict[str, str]
    titles: dict[str, str]
    meanings: dict[str, str]
    is_not: dict[str, str]


@dataclass(frozen=True, slots=True)
class Explanation:
    """One figure of one report, explained. `counts` went in, `left_out` did not, both under their names in the
    report; `value` is the figure as it stands there (of the weeks: the last complete one), None where the trial has none.
    Of what the report holds in many parts (gains, periods, units, calls) `value` is the counts.
    """

    figure: str
    definition_version: int
    titles: dict[str, str]
    meanings: dict[str, str]
    is_not: dict[str, str]
    formulas: dict[str, str]
    sources: dict[str, str]
    parameters: dict[str, Any]
    counts: dict[str, Any]
    left_out: dict[str, Any]
    value: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class GapSeen:
    """Messages that the device numbered and that never came, between two that did."""

    from_at: datetime
    to_at: datetime


@dataclass(frozen=True, slots=True)
class DeviceDay:
    """One primary device on one local day: what every rate is counted from.

    `state`: U used, u used while little observed, N unused, K unknown, E paused, - out. `hours_heard` are the UTC
    hours of the day in which it said anything, `events_total` what it said in them (an hour that the day's edge
    cuts counts whole). `in_steady_figures` is False in the home's first days, which are shown and left out.
    Of the observed minutes, `armed_minutes`, `unarmed_minutes` and those in which neither is known; None where the
    device's technology cannot tell.
    """

    home: str
    unit: str
    device: str
    day: date
    state: str
    uses: int
    exposed_minutes: int
    observed_minutes: int
    paused_minutes: int
    observed_ratio: float
    events_total: int
    hours_heard: int
    in_steady_figures: bool
    lossy: bool
    gaps: tuple[GapSeen, ...]
    armed_minutes: int | None = None
    unarmed_minutes: int | None = None
    armed_unknown_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm and what became of it: `outcome` is in_time, late, missed, unknown, to_come or test.

    `raised_by` and `handled_by` are origins; `minutes` are those to the handling. None: nobody handled it within a day.
    """

    home: str
    unit: str
    device: str
    raised_at: datetime
    raised_by: str
    outcome: str
    handled_at: datetime | None
    handled_by: str | None
    minutes: float | None


@cache
def definitions() -> MappingProxyType[str, Definition]:
    """Every figure's definition, in the order in which they are to be read."""
    text = files("nyttig").joinpath("figures/definitions.toml").read_text(encoding="utf-8")
    return MappingProxyType(
        {
            figure: Definition(
                figure,
                told["version"],
                told["path"],
                tuple(told["parameters"]),
                tuple(told["counts"]),
                tuple(told["left_out"]),
                told["formula"],
                told["source"],
                told["title"],
                told["meaning"],
                told["not"],
            )
            for figure, told in tomllib.loads(text).items()
        }
    )


def explain(report: Report, figure: str) -> Explanation:
    """The figure of this report, explained. Raises NotFoundError naming the figures there are."""
    definition = definitions().get(figure)
    if definition is None:
        raise NotFoundError(f"there is no figure {figure!r}; figures: {', '.join(definitions())}")
    counted = _COUNTED_HERE.get(figure)
    value = _value(report, definition.path) if counted is None else counted(report)
    thresholds = asdict(report.parameters) | asdict(LIMITS)
    return Explanation(
        figure=figure,
        definition_version=definition.version,
        titles=definition.titles,
        meanings=definition.meanings,
        is_not=definition.is_not,
        formulas=definition.formulas,
        sources=definition.sources,
        parameters={name: thresholds[name] for name in definition.parameters},
        counts={} if value is None else {name: value[name] for name in definition.counts},
        left_out={} if value is None else {name: value[name] for name in definition.left_out},
        value=value,
    )


def explained_days(
    found: Evidence,
    *,
    home: str | None = None,
    state: str | None = None,
    from_day: date | None = None,
    to_day: date | None = None,
    connection: Session | None = None,
) -> list[DeviceDay]:
    """The device-days that the figures count, by home and day; only those asked for.

    Where `found` is folded, `connection` is asked for the hours of these days, and of no others. Raises NotFoundError for
    a home that is not in the trial, and NyttigError where the days are more than `DAYS_MAX`.
    """
    exposures = found.primary
    if home is not None:
        exposures = exposures[exposures["home"] == home].reset_index(drop=True)
        if home not in {each.home for each in found.package.homes}:
            raise NotFoundError(
                "there is no home {home!r} in the trial {trial!r}", home=home, trial=found.package.trial.id
            )
    days = device_days(found, _between(exposures, from_day, to_day, found))
    if state is not None:
        days = days[days["state"].isin(list(state))]
    if len(days) > DAYS_MAX:
        raise NyttigError(
            "{days} device-days are more than the {limit} of one answer; ask for some of them by home, state, from_day and"
            " to_day, or take out what they are worked out from with `nyttig export {trial}`",
            days=len(days),
            limit=DAYS_MAX,
            trial=found.package.trial.id,
        )
    chosen = days.sort_values(["home", "day", "device"])
    heard = _heard_by_day(found, chosen) if connection is None else _heard_on(connection, found, chosen)
    gaps = _gaps_by_day(found, chosen)
    steady_from = _steady_from(exposures, found)
    tells = set(exposures.loc[exposures["tells_armed"], "device"])
    told = []
    rows: Iterator[Any] = chosen.assign(day=chosen["day"].dt.date).itertuples(index=False)
    for row in rows:
        device_and_day = row.device, row.day
        events, hours = heard.get(device_and_day, (0, 0))
        told.append(
            DeviceDay(
                home=row.home,
                unit=row.unit,
                device=row.device,
                day=row.day,
                state=row.state,
                uses=row.uses,
                exposed_minutes=row.exposed_minutes,
                observed_minutes=row.observed_minutes,
                paused_minutes=row.paused_minutes,
                observed_ratio=row.observed_ratio,
                events_total=events,
                hours_heard=hours,
                in_steady_figures=row.day >= steady_from[row.home],
                lossy=row.lossy,
                gaps=tuple(gaps.get(device_and_day, ())),
                **({name: getattr(row, name) for name in ARMED_COLUMNS} if row.device in tells else {}),
            )
        )
    return told


def explained_alarms(found: Evidence, *, home: str | None = None, outcome: str | None = None) -> list[Alarm]:
    """The alarms that the figures count, the newest first; only those asked for.

    Raises NotFoundError for a home that is not in the trial.
    """
    if home is not None and home not in {each.home for each in found.package.homes}:
        raise NotFoundError(
            "there is no home {home!r} in the trial {trial!r}", home=home, trial=found.package.trial.id
        )
    told = [
        Alarm(
            home=str(row["home"]),
            unit=str(row["unit"]),
            device=str(row["device"]),
            raised_at=row["raised_at"].to_pydatetime(),
            raised_by=str(row["raised_by"]),
            outcome=OUTCOMES[row["outcome"]],
            handled_at=None if pd.isna(row["handled_at"]) else row["handled_at"].to_pydatetime(),
            handled_by=None if pd.isna(row["handled_by"]) else str(row["handled_by"]),
            minutes=None if pd.isna(row["minutes"]) else float(row["minutes"]),
        )
        for row in judged_alarms(found).to_dict("records")
    ]
    return [one for one in told[::-1] if home in (None, one.home) and outcome in (None, one.outcome)]


def _gains(report: Report) -> dict[str, Any] | None:
    if not report.gains:
        return None
    return {
        "pairs": {gain.title: gain.difference.n for gain in report.gains},
        "homes_missing": {gain.title: gain.homes_missing for gain in report.gains},
    }


def _calls(report: Report) -> dict[str, Any] | None:
    """What `nyttig.calls` judges by: a technology that stands by has no calls."""
    if report.trial.usage_class == "standby":
        return None
    until = report.as_of.astimezone(ZoneInfo(report.trial.timezone)).date() - timedelta(days=1)
    return followed(report.homes, until)._asdict()


def _periods(report: Report) -> dict[str, Any] | None:
    comparison = report.periods.comparison
    if comparison is None:
        return None
    compared = comparison.difference.n
    return {"homes_compared": compared, "homes_in_one_period": len(report.homes) - compared}


def _parts(report: Report) -> dict[str, Any]:
    return {
        "homes_by_unit": {unit.unit: unit.homes for unit in report.units},
        "devices_by_technology": {each.technology: each.devices for each in report.technologies},
    }


_COUNTED_HERE: dict[str, Callable[[Report], dict[str, Any] | None]] = {
    "gains": _gains,
    "calls": _calls,
    "periods": _periods,
    "parts": _parts,
    "intervals": lambda _report: {},
}
"""Figures that stand in many places of a report, or in none, and what is counted of them here."""


def _value(report: Report, path: str) -> dict[str, Any] | None:
    found: Any = report
    for name in path.split("."):
        found = None if found is None else getattr(found, name)
    if isinstance(found, tuple):
        complete = [each for each in found if each.complete]
        found = (complete or list(found) or [None])[-1]
    return None if found is None else asdict(found)


def _between(
    exposures: pd.DataFrame, from_day: date | None, to_day: date | None, found: Evidence
) -> pd.DataFrame:
    """Of the exposures what lies in these days, both included."""
    trial = found.package.trial
    begins, ends = exposures["from_at"], exposures["to_at"]
    if from_day is not None and from_day > trial.starts:
        earliest = pd.Timestamp(beginning_of_day(from_day, trial.timezone))
        begins = begins.where(begins > earliest, earliest)
    if to_day is not None and to_day < last_day(found.as_of, found.zone):
        latest = pd.Timestamp(end_of_day(to_day, trial.timezone))
        ends = ends.where(ends < latest, latest)
    return exposures.assign(from_at=begins, to_at=ends)[ends > begins].reset_index(drop=True)


def _steady_from(exposures: pd.DataFrame, found: Evidence) -> dict[str, date]:
    """The first day of each home that counts in its steady figures."""
    some = minutes_of(exposures["to_at"]) > minutes_of(exposures["from_at"])
    begins = exposures[some].groupby("home")["from_at"].min().dt.tz_convert(found.zone).dt.date
    ramp_in = timedelta(days=found.package.trial.parameters.ramp_in_days)
    return {home: day + ramp_in for home, day in begins.items()}


def _heard_by_day(found: Evidence, chosen: pd.DataFrame) -> dict[DeviceOnDay, tuple[int, int]]:
    """How many events a device sent on a day, and in how many hours; not there where none."""
    hours = found.hours[found.hours["device"].isin(set(chosen["device"]))]
    counts = hours.groupby([hours["device"], hours["hour"].dt.tz_convert(found.zone).dt.date])["events_total"]
    return {of: (int(total), int(many)) for of, total, many in counts.agg(["sum", "size"]).itertuples()}


def _heard_on(
    connection: Session, found: Evidence, chosen: pd.DataFrame
) -> dict[DeviceOnDay, tuple[int, int]]:
    """The same of these device-days, from the store."""
    device, devices = numbered(chosen["device"])
    day = day_numbers(chosen["day"])
    if not len(day):
        return {}
    owner, first, behind = united(device, day, day + 1)
    begins = int(day.min())
    days = [date.fromordinal(EPOCH + number) for number in range(begins, int(day.max()) + 2)]
    zone = found.package.trial.timezone
    midnights = np.array([int(beginning_of_day(each, zone).timestamp()) // 60 for each in days])
    until = minutes_of(pd.Series([found.as_of]))
    with db.translated():
        ids = folds.ids(connection, devices.tolist())
        known = np.array([ids.get(code, 0) for code in devices])
        ranges = np.column_stack(
            [known[owner], midnights[first - begins], np.minimum(midnights[behind - begins], until)]
        )
        counts = folds.counts(connection, ranges, midnights)
    of = zip(devices[owner[counts.range]], (days[edge] for edge in counts.edge), strict=True)
    return dict(zip(of, zip(counts.events_total.tolist(), counts.hours.tolist(), strict=True), strict=True))


def _gaps_by_day(found: Evidence, chosen: pd.DataFrame) -> dict[DeviceOnDay, list[GapSeen]]:
    """The gaps that touch a device's day, in their order."""
    gaps: dict[DeviceOnDay, list[GapSeen]] = defaultdict(list)
    if not len(chosen):
        return gaps
    earliest, latest = (day.date() for day in (chosen["day"].min(), chosen["day"].max()))
    for device, from_at, to_at in found.gaps[["device", "from_at", "to_at"]].itertuples(index=False):
        first, last = (at.tz_convert(found.zone).date() for at in (from_at, to_at))
        first, last = max(first, earliest), min(last, latest)
        seen = GapSeen(from_at.to_pydatetime(), to_at.to_pydatetime())
        for n in range((last - first).days + 1):
            gaps[device, first + timedelta(days=n)].append(seen)
    return gaps
