"""How was this computed? Each figure with its definition, its thresholds, and what went in and stayed out."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from nyttig.errors import NotFoundError
from nyttig.evidence import Evidence, device_days, judged_alarms
from nyttig.figures.alarms import OUTCOMES
from nyttig.figures.concern import LIMITS, followed
from nyttig.figures.coverage import ARMED_COLUMNS
from nyttig.figures.minutes import minutes_of
from nyttig.model import Parameters
from nyttig.report import Report
from nyttig.store import db, folds
from nyttig.store.db import Session

LANGUAGES = ("en", "nb", "da")


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
    a home that is not in the trial.
    """
    exposures = found.primary
    if home is not None:
        exposures = exposures[exposures["home"] == home].reset_index(drop=True)
        if home not in {each.home for each in found.package.homes}:
            raise NotFoundError(f"there is no home {home!r} in the trial {found.package.trial.id!r}")
    days = device_days(found, exposures)
    steady = _steady(days, found.package.trial.parameters)
    wanted = pd.Series(True, index=days.index)
    day = days["day"]
    if state is not None:
        wanted &= days["state"].isin(list(state))
    if from_day is not None:
        wanted &= day >= pd.Timestamp(from_day)
    if to_day is not None:
        wanted &= day <= pd.Timestamp(to_day)
    chosen = days[wanted].assign(steady=steady[wanted]).sort_values(["home", "day", "device"])
    if connection is None:
        heard = _heard_by_day(found, set(chosen["device"]))
    else:
        heard = _heard_on(connection, chosen["device"], chosen["day"], found)
    gaps = _gaps_by_device(found)
    tells = set(exposures.loc[exposures["tells_armed"], "device"])
    edges = _edges(chosen["day"], found.zone)
    told = []
    for row in chosen.to_dict("records"):
        begins, ends = edges[row["day"]]
        events, hours = heard.get((row["device"], row["day"]), (0, 0))
        told.append(
            DeviceDay(
                home=str(row["home"]),
                unit=str(row["unit"]),
                device=str(row["device"]),
                day=row["day"].date(),
                state=str(row["state"]),
                uses=int(row["uses"]),
                exposed_minutes=int(row["exposed_minutes"]),
                observed_minutes=int(row["observed_minutes"]),
                paused_minutes=int(row["paused_minutes"]),
                observed_ratio=float(row["observed_ratio"]),
                events_total=events,
                hours_heard=hours,
                in_steady_figures=bool(row["steady"]),
                lossy=bool(row["lossy"]),
                gaps=tuple(
                    GapSeen(from_at, to_at)
                    for from_at, to_at in gaps.get(row["device"], ())
                    if from_at < ends and to_at >= begins
                ),
                **({name: int(row[name]) for name in ARMED_COLUMNS} if row["device"] in tells else {}),
            )
        )
    return told


def explained_alarms(found: Evidence, *, home: str | None = None, outcome: str | None = None) -> list[Alarm]:
    """The alarms that the figures count, the newest first; only those asked for.

    Raises NotFoundError for a home that is not in the trial.
    """
    if home is not None and home not in {each.home for each in found.package.homes}:
        raise NotFoundError(f"there is no home {home!r} in the trial {found.package.trial.id!r}")
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


def _edges(days: pd.Series, zone: ZoneInfo) -> dict[Any, tuple[datetime, datetime]]:
    """The moments at which each of these local days begins and ends."""
    known = pd.DatetimeIndex(days.unique())
    begins, ends = (
        each.tz_localize(zone, nonexistent="shift_forward", ambiguous=np.ones(len(known), dtype=bool))
        for each in (known, known + pd.Timedelta(days=1))
    )
    return dict(zip(known, zip(begins.to_pydatetime(), ends.to_pydatetime(), strict=True), strict=True))


def _steady(days: pd.DataFrame, parameters: Parameters) -> pd.Series:
    day = days["day"]
    first = day.groupby(days["home"], observed=True).transform("min")
    steady: pd.Series = day >= first + pd.Timedelta(days=parameters.ramp_in_days)
    return steady


def _heard_by_day(found: Evidence, devices: set[str]) -> dict[tuple[str, Any], tuple[int, int]]:
    hours = found.hours[found.hours["device"].isin(devices)]
    local = hours["hour"].dt.tz_convert(found.zone).dt.tz_localize(None).dt.normalize()
    counts = hours.groupby([hours["device"], local])["events_total"].agg(["sum", "size"])
    return {
        (str(device), day): (int(total), int(size))
        for (device, day), total, size in zip(counts.index, counts["sum"], counts["size"], strict=True)
    }


def _heard_on(
    connection: Session, device: pd.Series, day: pd.Series, found: Evidence
) -> dict[tuple[str, Any], tuple[int, int]]:
    """The same for these devices, each on its day."""
    edges = {
        each: [int(moment.timestamp()) // 60 for moment in moments]
        for each, moments in _edges(day, found.zone).items()
    }
    asked = sorted(set(zip(device.astype(str), day, strict=True)))
    with db.translated():
        ids = folds.ids(connection, sorted({code for code, _ in asked}))
        ranges = [(ids[code], *edges[each]) for code, each in asked]
        hours = folds.hours(connection, np.array(ranges, dtype=np.int64).reshape(-1, 3))
    before = hours.hour_minute < minutes_of(pd.Series([found.as_of]))[0]
    row = hours.range[before]
    total = np.bincount(row, hours.events_total[before], minlength=len(asked)).astype(np.int64).tolist()
    count = np.bincount(row, minlength=len(asked)).tolist()
    return dict(zip(asked, zip(total, count, strict=True), strict=True))


def _gaps_by_device(found: Evidence) -> dict[str, list[tuple[datetime, datetime]]]:
    """Gaps by device, each from the earlier to the later of its two events."""
    gaps: dict[str, list[tuple[datetime, datetime]]] = {}
    if not len(found.gaps):
        return gaps
    order = minutes_of(found.gaps["from_at"]).argsort(kind="stable")
    for row in found.gaps.iloc[order].to_dict("records"):
        one, other = pd.Timestamp(row["from_at"]), pd.Timestamp(row["to_at"])
        gaps.setdefault(str(row["device"]), []).append(
            (min(one, other).to_pydatetime(), max(one, other).to_pydatetime())
        )
    return gaps
