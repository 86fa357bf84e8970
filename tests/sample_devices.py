"""Devices with every kind of ill, a device's record and a work list, made up but coherent, from the API's own dataclasses.

A renamed field then fails a test of the dashboard and not a reader.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sample_report import NOW, TITLES, UNITS

from nyttig.device_record import Answered, DeviceRecord
from nyttig.health.assess import DeviceHealth, Health, overview
from nyttig.health.battery import Forecast
from nyttig.health.days import Day, Silence
from nyttig.health.findings import WORST_FIRST, Finding, Remedy, Severity, Status
from nyttig.health.visits import Mark, work_list
from nyttig.model import Placement
from nyttig.store.device_history import BatteryDay, QuarantinedOf, SignalDay
from nyttig.store.devices import RegisteredDevice
from nyttig.store.history import HistoryEntry
from nyttig.store.ledger import Entry

PLACED_AT = datetime(2026, 8, 24, 8, 0, tzinfo=UTC)
SENSORS = {
    "climate_sensor": {"en": "Climate sensor", "nb": "Klimasensor", "da": "Klimasensor"},
    "door_sensor": {"en": "Door sensor", "nb": "Dørsensor", "da": "Dørsensor"},
}
GATEWAY = "0x00124b0018e2a1b7"
RECORD_DAYS = 60


def ago(hours: float) -> datetime:
    """So many hours before now."""
    return NOW - timedelta(hours=hours)


def finding(
    kind: Status,
    age: float,
    *,
    severity: Severity | None = None,
    remedy: Remedy | None = None,
    **evidence: Any,
) -> Finding:
    """A finding that holds since so many hours ago."""
    return Finding.of(kind, ago(age), ago(age / 2), evidence, severity=severity, remedy=remedy)


def unheard(kind: Status, hours: float, **more: Any) -> Finding:
    """A finding of a device that is late or silent."""
    told: dict[str, Any] = {
        "last_seen_at": ago(hours),
        "away_minutes": 0.0,
        "interval_basis": "declared",
        "expected_interval_minutes": 60.0,
    }
    return finding(kind, hours, **(told | more))


def device(
    number: int, technology: str, *found: Finding, heard: float | None = 0.2, **more: Any
) -> DeviceHealth:
    """A placed device of that number, last heard so many hours ago, with these findings."""
    worst: Status = min((one.kind for one in found), key=WORST_FIRST.index, default="ok")
    told = DeviceHealth(
        device=f"{technology.replace('_', '-')}-{number:02d}",
        technology=technology,
        technology_titles=(TITLES | SENSORS)[technology],
        model=None,
        site=f"{'AG'[number % 2]}{number:02d}",
        site_type="home",
        unit=UNITS[number % 2],
        placed_at=PLACED_AT,
        trials=("alna-medisindispenser",),
        role="primary",
        status=worst,
        findings=tuple(sorted(found, key=lambda one: WORST_FIRST.index(one.kind))),
        behind=None,
        last_seen_at=None if heard is None else ago(heard),
        expected_interval_minutes=60.0,
        interval_basis="declared",
        battery_pct=78.0,
        battery_v=None,
        battery_at=None if heard is None else ago(heard + 3),
        external_power=None,
        power="battery",
        signal="good",
        signal_dbm=-67.0,
        link_quality=None,
        connection=None,
        gateway=None,
        dialect="nyttig",
        address=f"alna/{number:02d}",
    )
    return replace(told, **more)


def battery_low(pct: float | None, hours: float, **more: Any) -> Finding:
    """A finding of a low battery, read so many hours ago."""
    told: dict[str, Any] = {
        "battery_pct": pct,
        "battery_v": None,
        "says_low": False,
        "measured_at": ago(hours),
    }
    return finding("battery_low", hours, **(told | more))


def all_devices() -> list[DeviceHealth]:
    """One device with each ill, a home and a gateway that are silent as a whole, and some that are well."""
    behind: dict[str, Any] = {"dialect": "zigbee2mqtt", "gateway": GATEWAY}
    flat = unheard(
        "silent", 70, remedy="replace_battery", battery_pct=100.0, battery_months=11.5,
        lifetime_months_min=12.0, lifetime_months_max=24.0,
    )  # fmt: skip
    return [
        device(3, "medicine_dispenser", unheard("silent", 70), battery_low(6.0, 73), heard=70, battery_pct=6.0),
        device(5, "wash_dry_toilet", unheard("silent", 70), heard=70, connection="offline", power="mains",
               battery_pct=None, battery_at=None),
        *(device(8, name, unheard("silent", 70), heard=70, site="G08", unit=UNITS[1])
          for name in ("light_path", "safety_alarm", "feeding_robot")),
        device(7, "door_sensor", flat, heard=70, battery_pct=100.0),
        *(device(number, "climate_sensor", unheard("silent", 5), heard=5, **behind) for number in (20, 22, 24)),
        device(11, "safety_alarm", finding("never_seen", 400, placed_at=ago(400), away_minutes=0.0), heard=None,
               battery_pct=None, battery_at=None, signal="unknown", signal_dbm=None),
        device(13, "safety_alarm", finding("connection_lost", 0.4, lost_at=ago(0.4), times_lost=1), heard=0.5,
               connection="offline"),
        device(9, "medicine_dispenser", battery_low(14.0, 3), battery_pct=14.0),
        device(15, "climate_sensor", finding("stuck", 60, type="humidity", value=41.5, readings=58, hours=57.5)),
        device(16, "door_sensor", finding("clock_wrong", 9, offset_seconds=-3600.0, impossible_times=0, messages=12)),
        device(2, "medicine_dispenser", unheard("late", 2.5), heard=2.5, lost_messages=12,
               lost_since=datetime(2026, 11, 3, tzinfo=UTC)),
        device(17, "door_sensor", finding("chattering", 5, busy_hours=3, messages_per_hour_max=1200)),
        device(18, "climate_sensor", finding("lossy", 90, lost_messages=31, received_messages=210, lost_ratio=0.129),
               lost_messages=31, lost_since=ago(90)),
        device(19, "climate_sensor", finding("weak_signal", 30, level=-93.0, poor_below=-87.0, measure="rssi_dbm",
                                             readings=8), signal="poor", signal_dbm=-93.0),
        device(21, "door_sensor", unheard("unknown", 5, reason="platform_was_away"), heard=5),
        device(23, "door_sensor", unheard("unknown", 60, reason="speaks_when_something_happens", interval_basis="irregular",
                                          expected_interval_minutes=None, longest_gap_minutes=1100.0,
                                          severity="watch", remedy="trigger_at_next_visit"),
               heard=60, expected_interval_minutes=None, interval_basis="irregular"),
        *(device(number, "medicine_dispenser") for number in (1, 4, 6, 10, 12)),
    ]  # fmt: skip


def make_health(devices: list[DeviceHealth] | None = None) -> Health:
    """These devices or all, worst first, as `/v1/devices` answers."""
    return overview(all_devices() if devices is None else devices)


def make_devices(devices: list[DeviceHealth] | None = None) -> dict[str, Any]:
    """The answer to `/v1/devices`."""
    found: dict[str, Any] = to_json(make_health(devices))
    return found


def make_work(
    health: Health | None = None,
    marks: tuple[Mark, ...] = (),
    forecasts: Mapping[str, Forecast] | None = None,
) -> dict[str, Any]:
    """The answer to `/v1/work`."""
    found: dict[str, Any] = to_json(work_list(health or make_health(), marks, NOW, forecasts))
    return found


def mark(subject: str, kind: Status, **more: Any) -> Mark:
    """Somebody did that task an hour ago."""
    told = Mark("device", subject, kind, "done", None, "two new cells", "installer", ago(1))
    return replace(told, **more)


def make_record(found: DeviceHealth, **more: Any) -> dict[str, Any]:
    """The answer to `/v1/devices/{device}`: two months in which its battery fell and Nyttig was away for two days."""
    today = NOW.date()
    days = [today - timedelta(days=back) for back in reversed(range(RECORD_DAYS))]
    told: dict[str, Any] = {field.name: getattr(found, field.name) for field in fields(found)} | {
        "timezone": "Europe/Oslo",
        "days": tuple(Day(day, _heard(place), 0 if _heard(place) in ("none", "platform_away") else 24)
                      for place, day in enumerate(days)),
        "silences": (Silence(ago(30 * 24), ago(29 * 24), 1440.0, 0.0), Silence(ago(40 * 24), ago(39.5 * 24), 720.0, 60.0)),
        "battery_days": tuple(BatteryDay(day, 90.0 - 1.2 * place, None) for place, day in enumerate(days)
                              if place % 2 == 0),
        "battery_forecast": Forecast("trend", None, NOW + timedelta(days=12), NOW + timedelta(days=6), NOW + timedelta(days=25),
                                     "battery_pct", -36.0, PLACED_AT, None, 30),
        "signal_days": tuple(SignalDay(day, -67.0 + 3 * math.sin(place), None, None, None)
                             for place, day in enumerate(days)),
        "clock_offset_seconds": 2.4,
        "received_total": 1432,
        "duplicates_total": 3,
        "late_total": 14,
        "late_ratio": 14 / 1432,
        "placements": (Placement(found.device, "A01", PLACED_AT, ago(700)), Placement(found.device, found.site, ago(700))),
        "quarantined": (QuarantinedOf("bad_time", "event_time 2031-01-01 is in the future", "wt/v1/alna/x/event", 2,
                                      ago(80), ago(70)),),
        "marks": (mark(found.device, "battery_low"),),
        "ledger": (Entry(found.device, "b2", 1, 1440, 12, 1, 1432, 3, 14, PLACED_AT, ago(0.2), ()),),
    }  # fmt: skip
    made: dict[str, Any] = to_json(DeviceRecord(**(told | more)))
    return made


def make_answer(device: str, *, answered: bool = True, **more: Any) -> dict[str, Any]:
    """The answer to `/v1/devices/{device}/answers`."""
    told = Answered(device, NOW, False, 0, None, "unknown", None, None, None)
    if answered:
        told = Answered(device, NOW, True, 2, NOW, "good", 96.0, None, False)
    made: dict[str, Any] = to_json(replace(told, **more))
    return made


def make_registered() -> list[dict[str, Any]]:
    """The devices of the registry: those that stand somewhere, and one that stands nowhere yet."""
    placed = [
        RegisteredDevice(one.device, one.technology, one.dialect, one.address, 60.0, one.power, None, None, None,
                         {one.trials[0]: one.role}, one.site, one.unit, one.placed_at)
        for one in all_devices()
    ]  # fmt: skip
    spare = RegisteredDevice("door-sensor-99", "door_sensor", "zigbee2mqtt", "zigbee2mqtt/door-99", 60.0, "battery", None,
                             None, None, {}, None, None, None)  # fmt: skip
    made: list[dict[str, Any]] = to_json([*placed, spare])
    return made


def make_choices() -> dict[str, Any]:
    """The homes and technologies of a form."""
    homes = {one.site: one.unit for one in all_devices()}
    return {
        "homes": [
            {"home": home, "unit": unit, "timezones": {"alna-medisindispenser": "Europe/Oslo"}}
            for home, unit in sorted(homes.items())
        ],
        "technologies": [{"id": name, "titles": titles} for name, titles in (TITLES | SENSORS).items()],
        "labels_lead_to": "https://nyttig.example.no",
    }


def make_history(device: str) -> dict[str, Any]:
    """The answer to `/v1/devices/{device}/history`: it was placed an hour ago."""
    entry = HistoryEntry(
        7, ago(1), "installer", "placed", "device", device, (), None, {"home": "A04", "placed_at": ago(1).isoformat()}
    )  # fmt: skip
    return {"entries": [to_json(entry)]}


def to_json(value: Any) -> Any:
    """`value` as JSON has it, as the API writes it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {name: to_json(one) for name, one in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return to_json(value._asdict())
    if isinstance(value, (tuple, list)):
        return [to_json(one) for one in value]
    return value.isoformat() if isinstance(value, (date, datetime)) else value


def _heard(place: int) -> Any:
    if place in (20, 21):
        return "platform_away"
    return "none" if place in (30, 31, 32) else "some" if place % 13 == 5 else "as_expected"
