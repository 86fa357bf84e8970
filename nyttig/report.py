"""The one report of a trial, which API, dashboard, command line and export all read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from statistics import fmean
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from nyttig.errors import NyttigError
from nyttig.figures import adoption, benefit, coverage
from nyttig.figures.adoption import Coverage, Funnel, HomeStrip, Intensity, UseDayRate, Week
from nyttig.figures.benefit import NetMinutes, Paired
from nyttig.model import Gain, Home, Parameters, TrialPackage, Visit
from nyttig.store import db, platform, registry, rollups
from nyttig.store.db import Session

DEFINITIONS_VERSION = "1"
"""Raised whenever a figure's definition changes, so that two reports can be told apart."""

VISIT_MINUTES = "visit_minutes_per_week"
"""The indicator that is worked out from registered visits."""

NEW_WORK_PURPOSES = frozenset(("alarm_handling", "refill", "remote_check", "support"))
"""Visits with these purposes are work that the technology brought, never part of the visit minutes."""


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
class HomePair:
    """One home's indicator before and after."""

    home: str
    unit: str
    before: float
    after: float
    by_proxy: bool


@dataclass(frozen=True, slots=True)
class GainFigures:
    """One gain with what was measured of it.

    `evidence_level` is 0 (case: under five pairs) or 1 (before/after). `homes_missing` lack one of the periods.
    `registration_ratio` is the smaller share of homes registered in either period; under the trial's limit the
    gain is `uncertain`.
    """

    id: str
    title: str
    type: str
    perspective: str
    indicator: str
    better: str
    target: float | None
    owner: str | None
    payer: str | None
    planned: bool
    evidence_level: int
    homes: tuple[HomePair, ...]
    homes_missing: int
    before_mean: float | None
    after_mean: float | None
    difference: Paired
    registration_ratio: float | None
    uncertain: bool


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
    units: tuple[UnitFigures, ...]
    weeks: tuple[Week, ...]
    homes: tuple[HomeStrip, ...]
    gains: tuple[GainFigures, ...]
    net_minutes: NetMinutes
    silences: tuple[Silence, ...]


def report(connection: Session, trial_id: str, as_of: datetime) -> Report:
    """The report of a trial with everything that is known now of the time before `as_of`.

    The same events and registry give the same digits. Raises NotFoundError, StoreUnavailableError.
    """
    with db.translated():
        package = _known_at(registry.read(connection, trial_id), as_of)
        exposures = _exposures(package, as_of)
        hours = _hours(connection, package, exposures, as_of)
        lossy = [
            (outage.began_at, outage.ended_at)
            for outage in platform.outages(connection, trial_id=trial_id, lossy_only=True)
        ]
    return _figures(package, exposures, hours, lossy, as_of)


def end_of_day(day: date, timezone: str) -> datetime:
    """The moment at which a local day ends: what `as of` that day means."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(timezone)).astimezone(UTC)


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


def _figures(
    package: TrialPackage,
    exposures: pd.DataFrame,
    hours: pd.DataFrame,
    lossy_outages: Sequence[tuple[datetime, datetime]],
    as_of: datetime,
) -> Report:
    trial, parameters = package.trial, package.trial.parameters
    zone = ZoneInfo(trial.timezone)
    primary = exposures[exposures["role"] == "primary"].reset_index(drop=True)
    pauses = pd.DataFrame(
        [(pause.home, pause.paused_from, pause.paused_to) for pause in package.pauses],
        columns=["home", "paused_from", "paused_to"],
    )
    outages = pd.DataFrame(lossy_outages, columns=["began_at", "ended_at"])
    days = coverage.device_days(
        hours, primary, _in_utc(pauses), _in_utc(outages), timezone=trial.timezone, parameters=parameters
    )
    by_home = coverage.home_days(days)
    homes = _homes(package)
    last_day = max(trial.starts, min(_last_day(as_of, zone), trial.ends or date.max))
    steady = adoption.without_ramp_in(days, {}, parameters)
    return Report(
        trial=_trial_facts(package),
        as_of=as_of,
        first_day=trial.starts,
        last_day=last_day,
        definitions_version=DEFINITIONS_VERSION,
        parameters=parameters,
        data=_data_facts(package, exposures, hours),
        funnel=adoption.funnel(homes, set(days.loc[days["uses"] > 0, "home"])),
        use_day_rate=adoption.use_day_rate(steady, parameters),
        use_day_rate_all_days=adoption.use_day_rate(days, parameters),
        intensity=adoption.intensity(steady),
        coverage=adoption.coverage(steady),
        units=tuple(
            UnitFigures(
                unit,
                sum(home.unit == unit and home.installed_on is not None for home in package.homes),
                adoption.use_day_rate(steady[steady["unit"] == unit], parameters),
                adoption.coverage(steady[steady["unit"] == unit]),
            )
            for unit in trial.units
        ),
        weeks=adoption.weeks(
            by_home, days, parameters, last_complete_day=(as_of.astimezone(zone) - timedelta(days=1)).date()
        ),
        homes=adoption.home_strips(
            days,
            by_home,
            homes[homes["installed_on"].notna()],
            first_day=trial.starts,
            last_day=last_day,
            parameters=parameters,
        ),
        gains=tuple(_gain_figures(package, gain) for gain in trial.gains),
        net_minutes=_net_minutes(package),
        silences=tuple(
            Silence(home, from_at, to_at, ((to_at or as_of) - from_at) / timedelta(hours=1), devices)
            for home, from_at, to_at, devices in coverage.silences(
                hours, exposures, as_of=as_of, parameters=parameters
            )
        ),
    )


def _known_at(package: TrialPackage, as_of: datetime) -> TrialPackage:
    """The trial as it stood at `as_of`, without demo apartments: they are no homes of it, in no figure."""
    today = _last_day(as_of, ZoneInfo(package.trial.timezone))

    def known(home: Home) -> Home:
        steps = ("asked_on", "consented_on", "installed_on", "ended_on")
        to_come: dict[str, Any] = {step: None for step in steps if (getattr(home, step) or today) > today}
        if "ended_on" in to_come:
            to_come["end_reason"] = None
        return replace(home, **to_come)

    homes = tuple(known(home) for home in package.homes if home.site_type == "home")
    codes = {home.home for home in homes}
    return replace(
        package,
        homes=homes,
        visits=tuple(each for each in package.visits if each.home in codes and each.started_at < as_of),
        measures=tuple(each for each in package.measures if each.home in codes and each.measured_on <= today),
    )


def _last_day(as_of: datetime, zone: ZoneInfo) -> date:
    return (as_of.astimezone(zone) - timedelta(microseconds=1)).date()


def _exposures(package: TrialPackage, as_of: datetime) -> pd.DataFrame:
    """When each device of the trial stood in a home that was in the trial."""
    trial = package.trial
    homes = {home.home: home for home in package.homes if home.installed_on}
    devices = {device.device: device for device in package.devices}
    rows = []
    for placement in package.placements:
        home, device = homes.get(placement.home), devices[placement.device]
        if home is None or home.installed_on is None:
            continue
        begins = max(home.installed_on, trial.starts)
        last_days = [day for day in (home.ended_on, trial.ends) if day is not None]
        ends = [end_of_day(min(last_days), trial.timezone)] if last_days else []
        from_at = max(placement.placed_at, end_of_day(begins - timedelta(days=1), trial.timezone))
        to_at = min([as_of, *ends, *([placement.removed_at] if placement.removed_at else [])])
        if to_at > from_at:
            rows.append(
                (home.home, home.unit, device.device, device.role, from_at, to_at, device.heartbeat_minutes)
            )
    columns = ["home", "unit", "device", "role", "from_at", "to_at", "heartbeat_minutes"]
    frame = pd.DataFrame(rows, columns=columns).sort_values(["home", "device", "from_at"], ignore_index=True)
    return _in_utc(frame).astype({"heartbeat_minutes": "float64"})


def _hours(
    connection: Session, package: TrialPackage, exposures: pd.DataFrame, as_of: datetime
) -> pd.DataFrame:
    """The rollups that may bear on the exposures: from one tolerated silence before the first of them."""
    reach = (
        max((device.heartbeat_minutes for device in package.devices), default=0.0)
        * package.trial.parameters.heartbeat_tolerance
    )
    begins = min(exposures["from_at"], default=as_of) - timedelta(minutes=reach)
    return rollups.read(connection, sorted(set(exposures["device"])), begins, as_of)


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


def _data_facts(package: TrialPackage, exposures: pd.DataFrame, hours: pd.DataFrame) -> DataFacts:
    roles = exposures.groupby("role")["device"].nunique()
    return DataFacts(
        events_total=int(hours["events_total"].sum()),
        first_event_at=_minute_heard(hours, first=True),
        last_event_at=_minute_heard(hours, first=False),
        primary_devices=int(roles.get("primary", 0)),
        secondary_devices=int(roles.get("secondary", 0)),
        homes=sum(home.installed_on is not None for home in package.homes),
    )


def _minute_heard(hours: pd.DataFrame, *, first: bool) -> datetime | None:
    heard = hours[hours["alive_minutes"] != 0]
    if heard.empty:
        return None
    hour = heard["hour"].min() if first else heard["hour"].max()
    masks = [int(mask) for mask in heard.loc[heard["hour"] == hour, "alive_minutes"]]
    minutes = [(mask & -mask).bit_length() - 1 if first else mask.bit_length() - 1 for mask in masks]
    moment: datetime = hour.to_pydatetime()
    return moment + timedelta(minutes=min(minutes) if first else max(minutes))


def _gain_figures(package: TrialPackage, gain: Gain) -> GainFigures:
    parameters = package.trial.parameters
    units = {home.home: home.unit for home in package.homes}
    installed = [home.home for home in package.homes if home.installed_on]
    values, proxies = _indicator(package, gain.indicator)
    before, after = values["before"], values["after"]
    pairs = tuple(
        HomePair(home, units[home], before[home], after[home], home in proxies)
        for home in sorted(before.keys() & after.keys())
    )
    difference = benefit.paired([pair.after - pair.before for pair in pairs])
    registered = min(len(before), len(after))
    registration_ratio = min(registered / len(installed), 1.0) if installed else None
    return GainFigures(
        id=gain.id,
        title=gain.title,
        type=gain.type,
        perspective=gain.perspective,
        indicator=gain.indicator,
        better=gain.better,
        target=gain.target,
        owner=gain.owner,
        payer=gain.payer,
        planned=gain.planned,
        evidence_level=1 if difference.p is not None else 0,
        homes=pairs,
        homes_missing=len(set(installed) - {pair.home for pair in pairs}),
        before_mean=fmean(pair.before for pair in pairs) if pairs else None,
        after_mean=fmean(pair.after for pair in pairs) if pairs else None,
        difference=difference,
        registration_ratio=registration_ratio,
        uncertain=registration_ratio is None or registration_ratio < parameters.registration_ratio_required,
    )


def _indicator(package: TrialPackage, indicator: str) -> tuple[dict[str, dict[str, float]], set[str]]:
    """Per period and home the value of an indicator, and the homes in which somebody answered by proxy."""
    if indicator == VISIT_MINUTES:
        weeks = package.trial.parameters.registration_days / 7
        minutes: dict[str, dict[str, float]] = {"before": {}, "after": {}}
        for visit in package.visits:
            if visit.purpose not in NEW_WORK_PURPOSES:
                homes = minutes[visit.period]
                homes[visit.home] = homes.get(visit.home, 0.0) + _minutes(visit) / weeks
        return minutes, set()
    lists: dict[str, dict[str, list[float]]] = {"before": {}, "after": {}}
    proxies = set()
    for measure in package.measures:
        if measure.indicator == indicator:
            lists[measure.period].setdefault(measure.home, []).append(measure.value)
            if measure.by_proxy:
                proxies.add(measure.home)
    means = {
        period: {home: fmean(values) for home, values in homes.items()} for period, homes in lists.items()
    }
    return means, proxies


def _net_minutes(package: TrialPackage) -> NetMinutes:
    parameters = package.trial.parameters
    visits, _ = _indicator(package, VISIT_MINUTES)
    homes = sorted(visits["before"].keys() & visits["after"].keys())
    new_work = dict.fromkeys(homes, 0.0)
    registered = False
    for visit in package.visits:
        if visit.period == "after" and visit.purpose in NEW_WORK_PURPOSES and visit.home in new_work:
            new_work[visit.home] += _minutes(visit) / (parameters.registration_days / 7)
            registered = True
    return benefit.net_minutes(
        [visits["before"][home] for home in homes],
        [visits["after"][home] for home in homes],
        [new_work[home] for home in homes] if registered else [],
        len(homes),
        parameters.hourly_rate,
    )


def _minutes(visit: Visit) -> float:
    return (visit.ended_at - visit.started_at) / timedelta(minutes=1) + visit.travel_minutes


def _in_utc(frame: pd.DataFrame) -> pd.DataFrame:
    times = [name for name in frame.columns if name.endswith(("_at", "_from", "_to"))]
    return frame.assign(**{name: pd.to_datetime(frame[name], utc=True) for name in times})
