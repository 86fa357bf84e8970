"""The one report of a trial, which API, dashboard, command line and export all read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd

from nyttig import gains
from nyttig.entries.people import Ambassador, AmbassadorActivity, DemoVisit
from nyttig.errors import NyttigError
from nyttig.evidence import Evidence, device_days, end_of_day, evidence, judged_alarms, last_day, totals
from nyttig.figures import adoption, coverage, silences
from nyttig.figures.adoption import Coverage, HomeStrip, Intensity, UseDayRate
from nyttig.figures.alarms import AlarmFigures, alarm_figures
from nyttig.figures.ambassadors import done_by_ambassadors
from nyttig.figures.benefit import NetMinutes
from nyttig.figures.contact import HomeContact, home_contacts
from nyttig.figures.funnel import Funnel, funnel
from nyttig.figures.parts import Part, staying_part, sustained_part
from nyttig.figures.periods import Periods
from nyttig.figures.retention import FirstUse, Retention, retention, time_to_first_use
from nyttig.figures.setting import Entered, SettingAdoption, setting_adoption
from nyttig.figures.sustained import Sustained, sustained
from nyttig.figures.weeks import Week, weeks
from nyttig.gains import GainFigures
from nyttig.indicators import of_kind
from nyttig.model import EARLIEST_PLAUSIBLE_TIME, Parameters, TrialPackage
from nyttig.parts import (
    TechnologyFigures,
    UnitFigures,
    Whole,
    period_figures,
    period_minutes,
    recovered_uses,
    technology_figures,
    unit_figures,
)
from nyttig.schedules import ScheduleFigures, schedule_figures
from nyttig.store.db import Session
from nyttig.store.past import NotRecoverable

DEFINITIONS_VERSION = "4"
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

    `use_day_rate` leaves out each home's first `parameters.ramp_in_days`; `use_day_rate_all_days` does not. `alarms` is
    None where no device of the trial can raise one. `known`: `then`, from what had arrived and stood in the registry at
    `known_at`, or `now`, from all that was known when it was asked for. `arrived_later_total` events about the days of
    the report came after `known_at`, and are not in it; `not_recoverable` is what is not known any more of how things were.
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
    alarms: AlarmFigures | None
    contacts: tuple[HomeContact, ...]
    participation: ScheduleFigures | None
    first_use: FirstUse
    sustained: Sustained
    retention: Retention
    setting: SettingAdoption
    units: tuple[UnitFigures, ...]
    technologies: tuple[TechnologyFigures, ...]
    periods: Periods
    weeks: tuple[Week, ...]
    homes: tuple[HomeStrip, ...]
    gains: tuple[GainFigures, ...]
    net_minutes: NetMinutes
    silences: tuple[Silence, ...]
    known: Literal["then", "now"] = "now"
    known_at: datetime | None = None
    arrived_later_total: int = 0
    not_recoverable: tuple[NotRecoverable, ...] = ()

    @property
    def last_complete_week(self) -> Week | None:
        """The newest week whose seven days are over; None while there is none."""
        return next((week for week in reversed(self.weeks) if week.complete), None)


class Known(NamedTuple):
    """What a report may rest on: `then`, what was known `at` that moment; `now`, everything known, asked for `at` it."""

    mode: Literal["then", "now"] = "now"
    at: datetime | None = None

    @property
    def cut_at(self) -> datetime | None:
        """The moment after which nothing counts that came; None: everything counts."""
        return self.at if self.mode == "then" else None


EVERYTHING = Known()


def report(connection: Session, trial_id: str, as_of: datetime, known: Known = EVERYTHING) -> Report:
    """The report of a trial about the time before `as_of`, from all that is known of it now, or was then.

    The same events and registry give the same digits. Raises NotFoundError, StoreUnavailableError.
    """
    found = evidence(connection, trial_id, as_of, folded=True, known_at=known.cut_at)
    return replace(report_on(found), known=known.mode, known_at=known.at)


def known_as_asked(text: str | None, as_of: datetime, timezone: str, now: datetime) -> Known:
    """What `text` asks for: `then` (also where nothing is asked) what was known at `as_of`, `now` what is known now, and a
    day or time what was known at it: so that what was reported then about a time before can be had again.

    A report of today is the same either way. Raises NyttigError.
    """
    if text == "now" or (text in (None, "then") and as_of >= now):
        return Known("now", now)
    if text in (None, "then"):
        return Known("then", as_of)
    known_at = as_of_moment(text, timezone, now, asked="known")
    if known_at < as_of:
        raise NyttigError(
            f"known {text!r} lies before the time that is asked about, which ends {as_of.isoformat(timespec='minutes')};"
            " ask about an earlier time (as of), or about what was known later"
        )
    return Known("now", now) if known_at >= now else Known("then", known_at)


def as_of_moment(text: str, timezone: str, now: datetime, *, asked: str = "as of") -> datetime:
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
            f"{asked} {text!r} is neither a day such as 2026-11-01 nor a time with offset"
        ) from error
    if moment.tzinfo is None:
        raise NyttigError(f"{asked} {text!r} has no offset; write for example 2026-11-01T12:00:00+01:00")
    if moment < EARLIEST_PLAUSIBLE_TIME:
        raise NyttigError(f"{asked} {text!r} lies before anything was measured; name a day of the trial")
    if moment > now:
        raise NyttigError(f"{asked} {text!r} lies ahead; it is {now.isoformat(timespec='minutes')}")
    return moment


def report_on(found: Evidence) -> Report:
    """The figures that this evidence gives."""
    package, heard, primary, zone, as_of = found.package, found.heard, found.primary, found.zone, found.as_of
    trial, parameters = package.trial, package.trial.parameters
    due = schedule_figures(package, heard, primary, found.outages, as_of)  # before the days: each takes room
    days = device_days(found)
    recovered = recovered_uses(found, primary)
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
    whole = Whole(
        found,
        steady,
        strips,
        sustained(strips, until, parameters),
        retention(strips, parameters),
        due,
        recovered,
        until,
    )
    own = Part(
        adoption.use_day_rate(steady, parameters),
        adoption.coverage(steady, parameters),
        adoption.intensity(steady, recovered),
        sustained_part(whole.sustained),
        staying_part(whole.retention, parameters),
    )
    minutes = period_minutes(whole)
    periods = period_figures(whole, minutes, own.coverage)
    return Report(
        trial=_trial_facts(package),
        as_of=as_of,
        first_day=trial.starts,
        last_day=until,
        definitions_version=DEFINITIONS_VERSION,
        parameters=parameters,
        data=_data_facts(package, found),
        funnel=funnel(homes, set(days.loc[days["uses"] > 0, "home"].unique())),
        use_day_rate=own.use_day_rate,
        use_day_rate_all_days=adoption.use_day_rate(days, parameters),
        intensity=own.intensity,
        coverage=own.coverage,
        alarms=alarms_of(found),
        contacts=home_contacts(steady, heard, primary, as_of=as_of, parameters=parameters),
        participation=whole.due,
        first_use=time_to_first_use(strips, until),
        sustained=whole.sustained,
        retention=whole.retention,
        setting=setting_adoption(package.units, trial.units, _ambassadors(package, last_day(as_of, zone))),
        units=unit_figures(whole, minutes),
        technologies=technology_figures(whole, own, periods),
        periods=periods,
        weeks=weeks(
            by_home,
            days,
            parameters,
            recovered,
            last_complete_day=(as_of.astimezone(zone) - timedelta(days=1)).date(),
        ),
        homes=strips,
        gains=tuple(gains.gain_figures(package, gain) for gain in trial.gains),
        net_minutes=gains.net_minutes(package),
        arrived_later_total=found.arrived_later_total,
        not_recoverable=found.not_recoverable,
        silences=tuple(
            Silence(home, from_at, to_at, ((to_at or as_of) - from_at) / timedelta(hours=1), devices)
            for home, from_at, to_at, devices in silences.silences(
                heard, found.exposures, as_of=as_of, parameters=parameters
            )
        ),
    )


def alarms_of(found: Evidence) -> AlarmFigures | None:
    """What became of the alarms in the trial's homes; None where no device in them can raise one."""
    package, exposures = found.package, found.exposures
    can_raise = {technology.id for technology in package.technologies if technology.alarm}
    devices = {device.device for device in package.devices if device.technology in can_raise}
    watched = exposures[exposures["device"].isin(devices)].drop_duplicates("home")
    if not len(watched):
        return None
    return alarm_figures(
        judged_alarms(found),
        homes=list(zip(watched["home"].astype(str), watched["unit"].astype(str), strict=True)),
        units=package.trial.units,
        as_of=found.as_of,
        timezone=package.trial.timezone,
    )


def _ambassadors(package: TrialPackage, on: date) -> Entered:
    done = done_by_ambassadors(of_kind(package, AmbassadorActivity), of_kind(package, DemoVisit))
    return Entered(of_kind(package, Ambassador), done, on)


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
