"""What a trial's figures rest on: who had which device when, when devices were heard, and what is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd

from nyttig.figures import coverage
from nyttig.model import Home, TrialPackage
from nyttig.store import counters, db, gaps, platform, registry, rollups
from nyttig.store.db import Session


class Evidence(NamedTuple):
    """All that one trial's figures are worked out from, as of one moment; times in UTC.

    `package` is the trial as it stood then, without demo apartments. `exposures`: home, unit, device, role, from_at,
    to_at, heartbeat_minutes. `hours`: the rollups that may bear on them. `pauses`: home, paused_from, paused_to.
    `outages`: began_at, ended_at of platform outages that may have lost data. `gaps`: device, from_at, to_at around
    messages that were sent and never came. `recovered_uses`: device, from_at, to_at, uses that counters give back.
    """

    package: TrialPackage
    as_of: datetime
    exposures: pd.DataFrame
    hours: pd.DataFrame
    pauses: pd.DataFrame
    outages: pd.DataFrame
    gaps: pd.DataFrame
    recovered_uses: pd.DataFrame

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which the trial's days are counted."""
        return ZoneInfo(self.package.trial.timezone)

    @property
    def primary(self) -> pd.DataFrame:
        """The exposures of the devices that carry the figures."""
        return self.exposures[self.exposures["role"] == "primary"].reset_index(drop=True)


def evidence(connection: Session, trial_id: str, as_of: datetime) -> Evidence:
    """Everything that is known now of the trial before `as_of`. Raises NotFoundError, StoreUnavailableError."""
    with db.translated():
        package = _known_at(registry.read(connection, trial_id), as_of)
        exposures = _exposures(package, as_of)
        devices = sorted(set(exposures["device"]))
        begins = min(exposures["from_at"], default=as_of)
        outages = [
            (outage.began_at, outage.ended_at)
            for outage in platform.outages(connection, trial_id=trial_id, lossy_only=True)
        ]
        pauses = [(pause.home, pause.paused_from, pause.paused_to) for pause in package.pauses]
        return Evidence(
            package=package,
            as_of=as_of,
            exposures=exposures,
            hours=_hours(connection, package, exposures, as_of),
            pauses=_in_utc(pd.DataFrame(pauses, columns=["home", "paused_from", "paused_to"])),
            outages=_in_utc(pd.DataFrame(outages, columns=["began_at", "ended_at"])),
            gaps=gaps.read(connection, devices, begins, as_of),
            recovered_uses=counters.read(connection, devices, begins, as_of),
        )


def device_days(found: Evidence, exposures: pd.DataFrame | None = None) -> pd.DataFrame:
    """The device-days of the trial's primary devices, or of `exposures`: `coverage.DAY_COLUMNS`."""
    trial = found.package.trial
    return coverage.device_days(
        found.hours,
        found.primary if exposures is None else exposures,
        found.pauses,
        found.outages,
        found.gaps,
        timezone=trial.timezone,
        parameters=trial.parameters,
    )


def end_of_day(day: date, timezone: str) -> datetime:
    """The moment at which a local day ends: what `as of` that day means."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(timezone)).astimezone(UTC)


def last_day(as_of: datetime, zone: ZoneInfo) -> date:
    """The last local day of which anything lies before `as_of`."""
    return (as_of.astimezone(zone) - timedelta(microseconds=1)).date()


def _known_at(package: TrialPackage, as_of: datetime) -> TrialPackage:
    """The trial as it stood at `as_of`, without demo apartments: they are no homes of it, in no figure."""
    today = last_day(as_of, ZoneInfo(package.trial.timezone))

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


def _in_utc(frame: pd.DataFrame) -> pd.DataFrame:
    times = [name for name in frame.columns if name.endswith(("_at", "_from", "_to"))]
    return frame.assign(**{name: pd.to_datetime(frame[name], utc=True) for name in times})
