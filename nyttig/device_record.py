"""All that an installer may know of one device, and the work that its findings and others' make."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from nyttig.device_health import device_health, platform_away
from nyttig.errors import NotFoundError
from nyttig.health import faults
from nyttig.health.assess import DeviceHealth, Health
from nyttig.health.battery import Forecast, Level, forecast, kind_of
from nyttig.health.days import Day, Silence, days, silences
from nyttig.health.signal import Quality, quality
from nyttig.health.visits import Mark, WorkList, work_list
from nyttig.model import Placement
from nyttig.store import db, device_history, health, ledger, placements, registry, work
from nyttig.store.db import Session
from nyttig.store.device_history import BatteryDay, QuarantinedOf, SignalDay
from nyttig.store.ledger import Entry

DAYS_SHOWN = timedelta(days=90)
BATTERY_LOOKBACK = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class DeviceRecord(DeviceHealth):
    """A device's health with its past, by local days of `timezone`.

    `ledger` is what came of its messages, the newest boot first, and the totals are their sums; `late_ratio` of those
    stored were history when they came. `clock_offset_seconds`: how far its clock is ahead of ours by its last messages,
    None where they do not agree or bear no time. `quarantined` came on a topic with its address and could not be stored.
    `marks` is what was done about its findings, the newest first.
    """

    timezone: str = "UTC"
    days: tuple[Day, ...] = ()
    silences: tuple[Silence, ...] = ()
    battery_days: tuple[BatteryDay, ...] = ()
    battery_forecast: Forecast | None = None
    signal_days: tuple[SignalDay, ...] = ()
    clock_offset_seconds: float | None = None
    received_total: int = 0
    duplicates_total: int = 0
    late_total: int = 0
    late_ratio: float | None = None
    placements: tuple[Placement, ...] = ()
    quarantined: tuple[QuarantinedOf, ...] = ()
    marks: tuple[Mark, ...] = ()
    ledger: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """Whether a device has answered since a moment, for whoever stands before it."""

    device: str
    since: datetime
    answered: bool
    messages: int
    newest_received_at: datetime | None
    signal: Quality
    battery_pct: float | None
    battery_v: float | None
    battery_low: bool | None


def device_record(connection: Session, device: str, now: datetime) -> DeviceRecord:
    """The record of a placed device. Its health is that of the list. Raises NotFoundError."""
    found = next((one for one in device_health(connection, now).devices if one.device == device), None)
    if found is None:
        raise NotFoundError(
            "no device {device!r} is placed anywhere now; `nyttig devices` lists those that are",
            device=device,
        )
    with db.translated():
        zone = registry.timezone(connection, found.trials[0]) if found.trials else "UTC"
        begins = max(now - DAYS_SHOWN, found.placed_at)
        alive = health.alive_hours(connection, [device], begins).get(device, ())
        batteries = device_history.battery_days(
            connection, device, zone, max(now - BATTERY_LOOKBACK, found.placed_at), now
        )
        entries = tuple(ledger.entries(connection, device=device))
        facts = health.devices(connection, now, device=device)
        away = platform_away(connection, now)
        interval = (
            None
            if found.expected_interval_minutes is None
            else timedelta(minutes=found.expected_interval_minutes)
        )
        received = sum(entry.received_total for entry in entries)
        late = sum(entry.late_total for entry in entries)
        reports = device_history.own_reports(connection, device, zone, begins, now)
        return DeviceRecord(
            **{field.name: getattr(found, field.name) for field in fields(found)},
            timezone=zone,
            days=days(alive, interval, reports, ZoneInfo(zone), begins, now, away),
            silences=silences(alive, interval, away),
            battery_days=tuple(batteries),
            battery_forecast=_forecast(found, batteries) if found.power == "battery" else None,
            signal_days=tuple(device_history.signal_days(connection, device, zone, begins, now)),
            clock_offset_seconds=faults.clock(facts[0].heard).offset_seconds if facts else None,
            received_total=received,
            duplicates_total=sum(entry.duplicates_total for entry in entries),
            late_total=late,
            late_ratio=late / received if received else None,
            placements=tuple(placements.of_device(connection, device)),
            quarantined=tuple(device_history.quarantined(connection, found.address)),
            marks=tuple(work.marks_of_device(connection, device)),
            ledger=entries,
        )


def answered(connection: Session, device: str, since: datetime) -> Answered:
    """Whether the device has answered since that moment. Cheap enough to ask each second. Raises NotFoundError."""
    with db.translated():
        registry.require_device(connection, device)
        told = device_history.answer(connection, device, since)
    return Answered(
        device,
        since,
        told.messages > 0,
        told.messages,
        told.newest_received_at,
        quality(told.signals, told.dialect),
        told.battery_pct,
        told.battery_v,
        told.battery_low,
    )


def open_work(
    connection: Session, now: datetime, *, health_now: Health | None = None, trial_id: str | None = None
) -> WorkList:
    """What there is to do at `now`, by home. Batteries that will be flat soon are named in homes that need a visit."""
    found = health_now or device_health(connection, now, trial_id=trial_id)
    with db.translated():
        marks = work.newest_marks(connection)
        visited = {visit.site for visit in work_list(found, marks, now).visits}
        there = {
            one.device: one
            for one in found.devices
            if one.site in visited and one.power == "battery" and not one.external_power
        }
        levels = (
            device_history.battery_levels(connection, list(there), now - BATTERY_LOOKBACK, now)
            if there
            else {}
        )
    forecasts = {}
    for code, one in there.items():
        percents, volts = levels.get(code, ([], []))
        forecasts[code] = forecast(
            percents, volts, kind=kind_of(one.technology, one.model), placed_at=one.placed_at
        )
    return work_list(found, marks, now, forecasts)


def _forecast(found: DeviceHealth, told: list[BatteryDay]) -> Forecast:
    return forecast(
        [Level(_noon(one.day), one.pct) for one in told if one.pct is not None],
        [Level(_noon(one.day), one.volts) for one in told if one.volts is not None],
        kind=kind_of(found.technology, found.model),
        placed_at=found.placed_at,
        external_power=bool(found.external_power),
    )


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)
