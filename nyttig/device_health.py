"""Which device needs a visit: status from data alone, worst first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from nyttig.store import db, health, platform
from nyttig.store.db import Session
from nyttig.store.health import DeviceFacts, Status

LATE_AFTER_INTERVALS = 1.5
SILENT_AFTER_INTERVALS = 3.0
INGESTOR_GONE_AFTER = timedelta(seconds=20)
"""An ingestor beats every 5 seconds; after four missed beats it is taken for stopped."""

_WORST_FIRST: tuple[Status, ...] = ("silent", "never_seen", "late", "unknown", "online")


@dataclass(frozen=True, slots=True)
class DeviceHealth:
    """One placed device: how it is, when it was last heard, and what it last said of itself.

    status: `online`, `late` (more than 1.5 expected intervals unheard), `silent` (more than 3), `never_seen`,
    `unknown` (unheard for long, but the platform itself was away meanwhile). Battery is None where the device
    runs on mains or never said; `battery_at` is the age of what it said. `connection` is what its last will or
    its bridge says, which is not the same as being heard. `lost_messages` of those it numbered never came since
    it was placed, the first of them after `lost_since` (None: none is known to be lost).
    """

    device: str
    technology: str
    technology_titles: dict[str, str]
    site: str
    site_type: str
    unit: str
    placed_at: datetime
    trials: tuple[str, ...]
    role: str
    status: Status
    last_seen_at: datetime | None
    expected_interval_minutes: float
    battery_pct: float | None
    battery_v: float | None
    battery_at: datetime | None
    power: str
    signal_dbm: float | None
    link_quality: float | None
    connection: str | None
    dialect: str
    address: str
    lost_messages: int = 0
    lost_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class SilentSite:
    """A site of which no device is heard any more: one finding (gateway, power, network), not one a device.

    `devices` counts those that were heard before; one that never was is a finding of its own.
    """

    site: str
    unit: str
    since: datetime
    devices: int


@dataclass(frozen=True, slots=True)
class Health:
    """All devices, worst first, and the sites that are silent as a whole."""

    devices: tuple[DeviceHealth, ...]
    silent_sites: tuple[SilentSite, ...]


def device_health(connection: Session, now: datetime, *, trial_id: str | None = None) -> Health:
    """The health of all placed devices, or of a trial's, as data shows it at `now`."""
    with db.translated():
        facts = health.devices(connection, trial_id=trial_id)
        away = [(outage.began_at, outage.ended_at) for outage in platform.outages(connection)]
        ingestors = platform.ingestors(connection)
    newest = max((ingestor.alive_at for ingestor in ingestors), default=None)
    if newest is None or now - newest > INGESTOR_GONE_AFTER:
        away.append((newest or datetime.min.replace(tzinfo=UTC), now))
    found = [_health_of(one, now, away) for one in facts]
    found.sort(
        key=lambda one: (
            _WORST_FIRST.index(one.status),
            one.last_seen_at or datetime.min.replace(tzinfo=UTC),
            one.device,
        )
    )
    return Health(tuple(found), tuple(_silent_sites(found)))


def status_of(
    last_seen_at: datetime | None,
    expected_interval_minutes: float,
    now: datetime,
    away: Sequence[tuple[datetime, datetime]] = (),
) -> Status:
    """The status of a device; times in which the platform was `away` are no silence of the device's."""
    if last_seen_at is None:
        return "never_seen"
    interval = timedelta(minutes=expected_interval_minutes)
    unheard = now - last_seen_at
    listened = unheard - _overlap(last_seen_at, now, away)
    if listened > SILENT_AFTER_INTERVALS * interval:
        return "silent"
    if listened > LATE_AFTER_INTERVALS * interval:
        return "late"
    return "online" if unheard <= LATE_AFTER_INTERVALS * interval else "unknown"


def _overlap(from_at: datetime, to_at: datetime, away: Sequence[tuple[datetime, datetime]]) -> timedelta:
    """How much of [from_at, to_at) the platform was away, overlapping outages counted once."""
    total, reached = timedelta(), from_at
    for began_at, ended_at in sorted(away):
        begins, ends = max(began_at, reached), min(ended_at, to_at)
        if ends > begins:
            total += ends - begins
            reached = ends
    return total


def _health_of(facts: DeviceFacts, now: datetime, away: Sequence[tuple[datetime, datetime]]) -> DeviceHealth:
    return DeviceHealth(
        device=facts.device,
        technology=facts.technology,
        technology_titles=facts.titles,
        site=facts.site,
        site_type=facts.site_type,
        unit=facts.unit,
        placed_at=facts.placed_at,
        trials=facts.trials,
        role=facts.role,
        status=status_of(facts.last_seen_at, facts.heartbeat_minutes, now, away),
        last_seen_at=facts.last_seen_at,
        expected_interval_minutes=facts.heartbeat_minutes,
        battery_pct=facts.battery_pct,
        battery_v=facts.battery_v,
        battery_at=facts.battery_at,
        power=facts.power,
        signal_dbm=facts.signal_dbm,
        link_quality=facts.link_quality,
        connection=facts.connection,
        dialect=facts.dialect,
        address=facts.address,
        lost_messages=facts.lost_messages,
        lost_since=facts.lost_since,
    )


def _silent_sites(devices: Iterable[DeviceHealth]) -> list[SilentSite]:
    heard: dict[str, list[tuple[DeviceHealth, datetime]]] = {}
    for device in devices:
        if device.last_seen_at is not None:
            heard.setdefault(device.site, []).append((device, device.last_seen_at))
    return [
        SilentSite(site, there[0][0].unit, max(last_seen_at for _, last_seen_at in there), len(there))
        for site, there in sorted(heard.items())
        if len(there) >= 2 and all(device.status == "silent" for device, _ in there)
    ]
