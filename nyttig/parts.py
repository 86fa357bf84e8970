"""A trial's figures unit by unit, and technology by technology: its own, and those whose devices stand beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import pandas as pd

from nyttig.evidence import Evidence, device_days
from nyttig.figures import adoption, coverage, participation
from nyttig.figures.adoption import Coverage, HomeStrip, Intensity, UseDayRate
from nyttig.figures.coverage import numbered
from nyttig.figures.participation import Participation
from nyttig.figures.parts import Part, StayingPart, SustainedPart, parts
from nyttig.figures.periods import Covered, Periods, compare, covered
from nyttig.figures.retention import Retention, retention
from nyttig.figures.sustained import Sustained, sustained
from nyttig.model import Parameters, Role, Technology
from nyttig.schedules import ScheduleFigures


@dataclass(frozen=True, slots=True)
class UnitFigures:
    """One unit's part of the trial, of the trial's primary devices. `participation` is None where nothing is due."""

    unit: str
    homes: int
    use_day_rate: UseDayRate
    coverage: Coverage
    intensity: Intensity
    sustained: SustainedPart
    staying: StayingPart
    participation: Participation | None
    periods: Periods


@dataclass(frozen=True, slots=True)
class TechnologyFigures:
    """One technology's part of the trial: the one that is tried (`primary`), or one whose devices stand beside it.

    `homes` are those that had a device of it. Those of a secondary technology are judged under the trial's thresholds,
    but for its own least uses a day; its homes begin on the day on which its first device was placed.
    """

    technology: str
    titles: dict[str, str]
    usage_class: str
    role: Role
    devices: int
    homes: int
    use_day_rate: UseDayRate
    coverage: Coverage
    intensity: Intensity
    sustained: SustainedPart
    staying: StayingPart
    periods: Periods


class Whole(NamedTuple):
    """What was found of all homes of a trial together, of its primary devices.

    `days` are device-days without the homes' first ones; `due` is None where nothing is due; `recovered` are uses that
    only counters know of: home, day, uses.
    """

    found: Evidence
    days: pd.DataFrame
    strips: tuple[HomeStrip, ...]
    sustained: Sustained
    retention: Retention
    due: ScheduleFigures | None
    recovered: pd.DataFrame
    last_day: date

    @property
    def last_complete_day(self) -> date:
        """The last local day that is over and in the trial."""
        return min(self.last_day, self.found.as_of.astimezone(self.found.zone).date() - timedelta(days=1))

    @property
    def technology(self) -> Technology:
        """The technology that is tried."""
        package = self.found.package
        return next(known for known in package.technologies if known.id == package.trial.technology)


def period_minutes(whole: Whole) -> dict[str, Covered]:
    """The minutes of each home in the last complete weeks and in as many before."""
    return covered(whole.days, whole.last_complete_day)


def period_figures(
    whole: Whole,
    minutes: Mapping[str, Covered],
    own: Coverage,
    strips: Sequence[HomeStrip] | None = None,
) -> Periods:
    """The last complete weeks against as many before, of these homes or of all, whose own coverage is `own`."""
    due = None
    if whole.due is not None:
        due = {each.home: (each.before, each.after) for each in whole.due.homes}
    return compare(
        whole.strips if strips is None else strips,
        whole.last_complete_day,
        whole.found.package.trial.parameters,
        standby=whole.technology.usage_class == "standby",
        minutes=minutes,
        armed_known=own.armed_known,
        due=due,
    )


def unit_figures(whole: Whole, minutes: Mapping[str, Covered]) -> tuple[UnitFigures, ...]:
    """The figures of each unit of the trial, in the trial's order."""
    package = whole.found.package
    units = package.trial.units
    unit, known = numbered(whole.days["unit"])
    told = parts(
        whole.days,
        pd.Index(units).get_indexer(known).astype(np.int64)[unit],
        {home.home: units.index(home.unit) for home in package.homes},
        len(units),
        whole.sustained,
        whole.retention,
        whole.recovered,
        package.trial.parameters,
    )
    installed = [home.unit for home in package.homes if home.installed_on is not None]
    figures = []
    for name, part in zip(units, told, strict=True):
        due = [each.participation for each in whole.due.homes if each.unit == name] if whole.due else []
        strips = [strip for strip in whole.strips if strip.unit == name]
        figures.append(
            UnitFigures(
                name,
                installed.count(name),
                *part,
                participation=participation.pooled(due) if due else None,
                periods=period_figures(whole, minutes, part.coverage, strips),
            )
        )
    return tuple(figures)


def technology_figures(whole: Whole, own: Part, periods: Periods) -> tuple[TechnologyFigures, ...]:
    """The technology that is tried, of which `own` and `periods` are known, then those beside it, by name."""
    found = whole.found
    known = {technology.id: technology for technology in found.package.technologies}
    beside = found.exposures[found.exposures["role"] == "secondary"]
    technology = beside["device"].map({device.device: device.technology for device in found.package.devices})
    return (
        _technology(whole.technology, "primary", found.primary, own, periods),
        *(
            _beside(whole, known[name], beside[technology == name].reset_index(drop=True))
            for name in sorted(technology.unique())
        ),
    )


def recovered_uses(found: Evidence, exposures: pd.DataFrame) -> pd.DataFrame:
    """Per exposure the uses recovered between two counter readings that both lie in it: home, day, uses.

    A reading from before, in another home or on an installer's bench, says nothing about this home.
    """
    both = exposures[["home", "device", "from_at", "to_at"]].merge(
        found.recovered_uses, on="device", suffixes=("_exposed", "")
    )
    inside = (both["from_at"] >= both["from_at_exposed"]) & (both["to_at"] < both["to_at_exposed"])
    within = both[inside]
    day = within["to_at"].dt.tz_convert(found.zone).dt.tz_localize(None).dt.normalize()
    return within[["home", "uses"]].assign(day=day)


def _beside(whole: Whole, technology: Technology, exposures: pd.DataFrame) -> TechnologyFigures:
    """A technology that stands beside the one that is tried, by its own devices."""
    found, trial = whole.found, whole.found.package.trial
    parameters = replace(trial.parameters, minimum_uses_per_day=technology.minimum_uses_per_day)
    days = device_days(_under(found, parameters), exposures)
    strips = adoption.home_strips(
        days,
        coverage.home_days(days),
        _homes_with(found, exposures),
        first_day=trial.starts,
        last_day=whole.last_day,
        parameters=parameters,
    )
    steady = adoption.without_ramp_in(days, {}, parameters)
    (part,) = parts(
        steady,
        np.zeros(len(steady), dtype=np.int64),
        dict.fromkeys(exposures["home"], 0),
        1,
        sustained(strips, whole.last_day, parameters),
        retention(strips, parameters),
        recovered_uses(found, exposures),
        parameters,
    )
    periods = compare(
        strips,
        whole.last_complete_day,
        parameters,
        standby=technology.usage_class == "standby",
        minutes=covered(steady, whole.last_complete_day),
        armed_known=part.coverage.armed_known,
    )
    return _technology(technology, "secondary", exposures, part, periods)


def _technology(
    technology: Technology, role: Role, exposures: pd.DataFrame, part: Part, periods: Periods
) -> TechnologyFigures:
    return TechnologyFigures(
        technology.id,
        dict(technology.titles),
        technology.usage_class,
        role,
        exposures["device"].nunique(),
        exposures["home"].nunique(),
        *part,
        periods=periods,
    )


def _under(found: Evidence, parameters: Parameters) -> Evidence:
    """The same evidence under other thresholds."""
    package = found.package
    return found._replace(package=replace(package, trial=replace(package.trial, parameters=parameters)))


def _homes_with(found: Evidence, exposures: pd.DataFrame) -> pd.DataFrame:
    """The homes that had one of these devices, as for `adoption.home_strips`: installed when the first was placed."""
    placed: dict[str, date] = {}
    devices = set(exposures["device"])
    for placement in found.package.placements:
        if placement.device in devices:
            day = placement.placed_at.astimezone(found.zone).date()
            placed[placement.home] = min(day, placed.get(placement.home, day))
    homes = set(exposures["home"])
    rows = [
        (
            home.home,
            home.unit,
            max(home.installed_on, placed[home.home]),
            home.ended_on,
            home.end_reason,
        )
        for home in found.package.homes
        if home.home in homes and home.installed_on is not None
    ]
    return pd.DataFrame(
        rows, columns=["home", "unit", "installed_on", "ended_on", "end_reason"], dtype=object
    )
