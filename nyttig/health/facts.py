"""What the store knows of a device, as far as it tells how the device is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class Heard(NamedTuple):
    """One message that was a sign of life. `at` is the time it counts for; `device_time` the device's own, as sent."""

    at: datetime
    received_at: datetime
    device_time: datetime | None
    clock_fault: str | None


class SignalReading(NamedTuple):
    """What one message said of the radio; None where it did not say."""

    at: datetime
    rssi_dbm: float | None
    snr_db: float | None
    link_quality: float | None
    signal_pct: float | None


class Link(NamedTuple):
    """What the last will, or a bridge on the device's behalf, said of its connection."""

    at: datetime
    online: bool


class AliveHour(NamedTuple):
    """A UTC hour in which the device was heard: bit m of `minutes` is minute m."""

    hour: datetime
    minutes: int


class Lost(NamedTuple):
    """Numbered messages that never came, between two that did."""

    messages: int
    from_at: datetime
    to_at: datetime


@dataclass(frozen=True, slots=True)
class BatteryReading:
    """The last that a battery device said of its supply; None where it never said. `at` is when."""

    at: datetime
    pct: float | None
    volts: float | None
    low: bool | None
    external_power: bool | None


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """One placed device and the newest of what it said. Sequences are newest first and short.

    `gateway` is the address of what it speaks through, None where nobody said. `heartbeat_minutes` is what the registry
    declares. `arrived_at` is when anything last came from it, whatever time that bore. Late data never hides a newer
    state.
    """

    device: str
    technology: str
    titles: dict[str, str]
    dialect: str
    address: str
    model: str | None
    gateway: str | None
    power: str
    heartbeat_minutes: float
    site: str
    site_type: str
    unit: str
    placed_at: datetime
    trials: tuple[str, ...]
    role: str
    heard: tuple[Heard, ...] = ()
    arrived_at: datetime | None = None
    battery: BatteryReading | None = None
    signals: tuple[SignalReading, ...] = ()
    links: tuple[Link, ...] = ()
    lost_messages: int = 0
    lost_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Closer:
    """What is read of a few devices only, because the facts gave reason to look closer.

    `alive` is its last weeks, oldest first. `arrivals` are its messages in the order in which they came, newest first.
    `lost`, `received_messages` and `stuck` are of the last days; `battery_was_low` is what the last reading said that
    was clearly low or clearly not; `busy_hours` are the hours of the last day in which it sent far too much.
    """

    alive: tuple[AliveHour, ...] = ()
    arrivals: tuple[Heard, ...] = ()
    lost: tuple[Lost, ...] = ()
    received_messages: int = 0
    stuck: Stuck | None = None
    battery_was_low: bool = False
    busy_hours: tuple[datetime, ...] = ()


class Stuck(NamedTuple):
    """A measurement that has not changed by one step since `since`, through so many readings."""

    type: str
    value: float
    since: datetime
    newest_at: datetime
    readings: int
