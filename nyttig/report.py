"""The one report of a trial, which API, dashboard, command line and export all read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from nyttig import gains
from nyttig.errors import NyttigError
from nyttig.evidence import Evidence, device_days, end_of_day, evidence, last_day, totals
from nyttig.figures import adoption, coverage, silences
from nyttig.figures.adoption import Coverage, Funnel, HomeStrip, Intensity, UseDayRate, Week
from nyttig.figures.benefit import NetMinutes
from nyttig.figures.retention import FirstUse, Retention, retention, time_to_first_use
from nyttig.figures.setting import SettingAdoption, setting_adoption
from nyttig.figures.sustained import Sustained, sustained
from nyttig.gains import GainFigures
from nyttig.model import Parameters, TrialPackage
from nyttig.schedules import ScheduleFigures, schedule_figures
from nyttig.store.db import Session

DEFINITIONS_VERSION = "2"
"""Raised whenever a figure's definition changes, so that two reports can be told apart."""


@dataclass(frozen=True, slots=True)
class TrialFacts:
    """What the trial is, in its own words."""

    id: str
    title: str
    programme: str | None
    units: tuple[str, ...]
    technology: str
    technology_titles: dict[str, str]
    usage_class: str
    timezone: str
    currency: str
    starts: date
    ends: date | None


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What the figures rest on; the first and the last event to the minute."""

    events_total: int
    first_event_at: datetime | None
    last_event_at: datetime | None
    primary_devices: int
    secondary_devices: int
    homes: int


@dataclass(frozen=True, slots=True)
class UnitFigures:
    """One unit's part of the trial."""

    unit: str
    homes: int
    use_day_rate: UseDayRate
    coverage: Coverage


@dataclass(frozen=True, slots=True)
class Silence:
    """A time in which no device of a home was heard: one finding (its gateway or its power), not one a device."""

    home: str
    from_at: datetime
    to_at: datetime | None
    hours: float
    devices: int


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one trial as of one moment. Ratios are 0..1, days local to the trial's time zone.

    `use_day_rate` leaves out each home's first `parameters.ramp_in_days`; `use_day_rate_all_days` does not.
    """

    trial: TrialFacts
    as_of: datetime
    first_day: date
    last_day: date
    definitions_version: str
    parameters: Parameters
    data: DataFacts
    funnel: Funnel
    use_day_rate: UseDayRate
    use_day_rate_all_days: UseDayRate
    intensity: Intensity
    coverage: Coverage
    participation: ScheduleFigures | None
    first_use: FirstUse
    sustained: Sustained
    retention: Retention
    setting: SettingAdoption
    units: tuple[UnitFigures, ...]
    weeks: tuple[Week, ...]
    homes: tuple[HomeStrip, ...]
    gains: tuple[GainFigures, ...]
    net_minutes: NetMinutes
    silences: tuple[Silence, ...]

    @property
    def last_complete_week(self) -> Week | None:
        """The newest week whose seven days are over; None while there is none."""
        return next((week for week in reversed(self.weeks) if week.complete), None)


def report(connection: Session, trial_id: str, as_of: datetime) -> Report:
    """The report of a trial with everything that is known now of the time before `as_of`.

    The same events and registry give the same digits. Raises NotFoundError, StoreUnavailableError.
    """
    return report_on(evidence(connection, trial_id, as_of, folded=True))


def as_of_moment(text: str, timezone: str, now: datetime) -> datetime:
    """The moment that `text` names: the end of a local day (today: now), or a time with offset, not after `now`."""
    try:
        if len(text) == len("2026-11-01"):
            day = date.fromisoformat(text)
            moment = end_of_day(day, timezone)
            if day == now.astimezone(ZoneInfo(timezone)).date():
                return now
        else:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is not None:
                moment = moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise NyttigError(
            f"as of {text!r} is neither a day such as 2026-11-01 nor a time with offset"
        ) from error
    if moment.tzinfo is None:
        raise NyttigError(f"as of {text!r} has no offset; write for example 2026-11-01T12:00:00+01:00")
    if moment > now:
        raise NyttigError(f"as of {text!r} lies ahead; it is {now.isoformat(timespec='minutes')}")
    return moment


def report_on(found: Evidence) -> Report:
    """The figures that this evidence gives."""
    package, heard, primary, zone, as_of = found.package, found.heard, found.primary, found.zone, found.as_of
    trial, parameters = package.trial, package.trial.parameters
    days = device_days(found)
    recovered = _recovered(found.recovered_uses, primary, zone)
    by_home = coverage.home_days(days)
    homes = _homes(package)
    until = max(trial.starts, min(last_day(as_of, zone), trial.ends or date.max))
    steady = adoption.without_ramp_in(days, {}, parameters)
    strips = adoption.home_strips(
        days,
        by_home,
        homes[homes["installed_on"].notna()],
        first_day=trial.starts,
        last_day=until,
        parameters=parameters,
    )
    return Report(
        trial=_trial_facts(package),
        as_of=as_of,
        first_day=trial.starts,
        last_day=until,
        definitions_version=DEFINITIONS_VERSION,
        parameters=parameters,
        data=_data_facts(package, found),
        funnel=adoption.funnel(homes, set(days.loc[days["uses"] > 0, "home"].unique())),
        use_day_rate=adoption.use_day_rate(steady, parameters),
        use_day_rate_all_days=adoption.use_day_rate(days, parameters),
        intensity=adoption.intensity(steady, recovered),
        coverage=adoption.coverage(steady),
        participation=schedule_figures(package, heard, primary, found.outages, as_of),
        first_use=time_to_first_use(strips, until),
        sustained=sustained(strips, until, parameters),
        retention=retention(strips, parameters),
        setting=setting_adoption(package.units, trial.units),
        units=tuple(
            UnitFigures(
                unit,
                sum(home.unit == unit and home.installed_on is not None for home in package.homes),
                *figures,
            )
            for unit, figures in zip(
                trial.units, adoption.by_unit(steady, trial.units, parameters), strict=True
            )
        ),
        weeks=adoption.weeks(
            by_home,
            days,
            parameters,
            recovered,
            last_complete_day=(as_of.astimezone(zone) - timedelta(days=1)).date(),
        ),
        homes=strips,
        gains=tuple(gains.gain_figures(package, gain) for gain in trial.gains),
        net_minutes=gains.net_minutes(package),
        silences=tuple(
            Silence(home, from_at, to_at, ((to_at or as_of) - from_at) / timedelta(hours=1), devices)
            for home, from_at, to_at, devices in silences.silences(
                heard, found.exposures, as_of=as_of, parameters=parameters
            )
        ),
    )


def _recovered(recovered: pd.DataFrame, exposures: pd.DataFrame, zone: ZoneInfo) -> pd.DataFrame:
    """Per exposure the uses recovered between two counter readings that both lie in it: home, day, uses.

    A reading from before, in another home or on an installer's bench, says nothing about this home.
    """
    both = exposures[["home", "device", "from_at", "to_at"]].merge(
        recovered, on="device", suffixes=("_exposed", "")
    )
    inside = (both["from_at"] >= both["from_at_exposed"]) & (both["to_at"] < both["to_at_exposed"])
    found = both[inside]
    day = found["to_at"].dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
    return found[["home", "uses"]].assign(day=day)


def _homes(package: TrialPackage) -> pd.DataFrame:
    columns = ["home", "unit", "asked_on", "consented_on", "installed_on", "ended_on", "end_reason"]
    rows = [[getattr(home, column) for column in columns] for home in package.homes]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _trial_facts(package: TrialPackage) -> TrialFacts:
    trial = package.trial
    technology = next(known for known in package.technologies if known.id == trial.technology)
    return TrialFacts(
        id=trial.id,
        title=trial.title,
        programme=trial.programme,
        units=trial.units,
        technology=trial.technology,
        technology_titles=dict(technology.titles),
        usage_class=technology.usage_class,
        timezone=trial.timezone,
        currency=trial.currency,
        starts=trial.starts,
        ends=trial.ends,
    )


def _data_facts(package: TrialPackage, found: Evidence) -> DataFacts:
    roles = found.exposures.groupby("role")["device"].nunique()
    told = totals(found)
    return DataFacts(
        events_total=told.events,
        first_event_at=told.first_at,
        last_event_at=told.last_at,
        primary_devices=int(roles.get("primary", 0)),
        secondary_devices=int(roles.get("secondary", 0)),
        homes=sum(home.installed_on is not None for home in package.homes),
    )
