"""How was this computed? Each figure with its definition, its thresholds, and what went in and stayed out."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, NamedTuple

import pandas as pd

from nyttig.errors import NotFoundError
from nyttig.evidence import Evidence, device_days
from nyttig.figures.minutes import minutes_of
from nyttig.model import Parameters
from nyttig.report import Report

LANGUAGES = ("en", "nb", "da")


class Definition(NamedTuple):
    """What a figure means, from nyttig/figures/definitions.toml; texts by language."""

    figure: str
    version: int
    path: str
    parameters: tuple[str, ...]
    counts: tuple[str, ...]
    left_out: tuple[str, ...]
    formula: str
    source: str
    titles: dict[str, str]
    meanings: dict[str, str]
    is_not: dict[str, str]


@dataclass(frozen=True, slots=True)
class Explanation:
    """One figure of one report, explained. `counts` went in, `left_out` did not, both under their names in the
    report; `value` is the figure as it stands there (of the weeks: the last complete one), None where the trial has none.
    """

    figure: str
    definition_version: int
    titles: dict[str, str]
    meanings: dict[str, str]
    is_not: dict[str, str]
    formula: str
    source: str
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
    value = _value(report, definition.path)
    thresholds = asdict(report.parameters)
    return Explanation(
        figure=figure,
        definition_version=definition.version,
        titles=definition.titles,
        meanings=definition.meanings,
        is_not=definition.is_not,
        formula=definition.formula,
        source=definition.source,
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
) -> list[DeviceDay]:
    """The device-days that the figures count, by home and day; only those asked for.

    Raises NotFoundError for a home that is not in the trial.
    """
    exposures = found.primary
    if home is not None:
        exposures = exposures[exposures["home"] == home].reset_index(drop=True)
        if home not in {each.home for each in found.package.homes}:
            raise NotFoundError(f"there is no home {home!r} in the trial {found.package.trial.id!r}")
    days = device_days(found, exposures)
    steady = _steady(days, found.package.trial.parameters)
    wanted = pd.Series(True, index=days.index)
    day = pd.to_datetime(days["day"])
    if state is not None:
        wanted &= days["state"].isin(list(state))
    if from_day is not None:
        wanted &= day >= pd.Timestamp(from_day)
    if to_day is not None:
        wanted &= day <= pd.Timestamp(to_day)
    chosen = days[wanted].assign(steady=steady[wanted]).sort_values(["home", "day", "device"])
    heard = _heard_by_day(found, set(chosen["device"]))
    gaps = _gaps_by_device(found)
    zone = found.package.trial.timezone
    told = []
    for row in chosen.to_dict("records"):
        begins = pd.Timestamp(row["day"]).tz_localize(zone, nonexistent="shift_forward", ambiguous=True)
        ends = (pd.Timestamp(row["day"]) + pd.Timedelta(days=1)).tz_localize(
            zone, nonexistent="shift_forward", ambiguous=True
        )
        events, hours = heard.get((row["device"], row["day"]), (0, 0))
        told.append(
            DeviceDay(
                home=str(row["home"]),
                unit=str(row["unit"]),
                device=str(row["device"]),
                day=pd.Timestamp(row["day"]).date(),
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
            )
        )
    return told


def _value(report: Report, path: str) -> dict[str, Any] | None:
    found: Any = report
    for name in path.split("."):
        found = None if found is None else getattr(found, name)
    if isinstance(found, tuple):
        complete = [each for each in found if each.complete]
        found = (complete or list(found) or [None])[-1]
    return None if found is None else asdict(found)


def _steady(days: pd.DataFrame, parameters: Parameters) -> pd.Series:
    day = pd.to_datetime(days["day"])
    first = day.groupby(days["home"]).transform("min")
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
