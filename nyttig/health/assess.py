"""The judgement: from facts to findings, one device at a time, and then of those that share a gateway or a home."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from nyttig.health import battery, faults
from nyttig.health.facts import Closer, DeviceFacts
from nyttig.health.findings import SEVERITIES, WORST_FIRST, Finding, Severity, Status
from nyttig.health.signal import Quality, quality, weak_signal
from nyttig.health.silence import Away, Basis, Rhythm, is_worth_a_closer_look, overdue_lately, rhythm, silence

NOT_HEARD: tuple[Status, ...] = ("silent", "connection_lost")


@dataclass(frozen=True, slots=True)
class DeviceHealth:
    """One placed device: how it is, since when, on what evidence, and what to do.

    status: the worst of its findings, `ok` without any. `findings`: all of them, worst first. `expected_interval_minutes`
    is None where the device speaks only when something happens, or nobody can tell yet; `interval_basis` says how it is
    known. `behind`: the gateway or home that is silent as a whole, of which this device's own silence is a part.
    Battery is None where the device runs on mains or never said, which is not zero; `battery_at` is the age of what it said.
    `signal` is its radio link in a word. `connection` is what its last will or its bridge says, which is not the same as being
    heard. `lost_messages` of those it numbered never came since it was placed, the first of them after `lost_since`.
    """

    device: str
    technology: str
    technology_titles: dict[str, str]
    model: str | None
    site: str
    site_type: str
    unit: str
    placed_at: datetime
    trials: tuple[str, ...]
    role: str
    status: Status
    findings: tuple[Finding, ...]
    behind: str | None
    last_seen_at: datetime | None
    expected_interval_minutes: float | None
    interval_basis: Basis
    battery_pct: float | None
    battery_v: float | None
    battery_at: datetime | None
    external_power: bool | None
    power: str
    signal: Quality
    signal_dbm: float | None
    link_quality: float | None
    connection: str | None
    gateway: str | None
    dialect: str
    address: str
    lost_messages: int = 0
    lost_since: datetime | None = None

    @property
    def severity(self) -> Severity:
        """The worst of its findings' severities."""
        return min((one.severity for one in self.findings), key=SEVERITIES.index, default="none")


@dataclass(frozen=True, slots=True)
class SilentSite:
    """A home of which no device is heard any more: one finding (power, network, gateway), not one a device.

    `devices` counts those that were heard before; one that never was is a finding of its own.
    """

    site: str
    unit: str
    since: datetime
    devices: int
    proof_at: datetime


@dataclass(frozen=True, slots=True)
class SilentGateway:
    """A gateway through which no device is heard any more: one finding, however many homes and devices it serves."""

    gateway: str
    dialect: str
    sites: tuple[str, ...]
    units: tuple[str, ...]
    since: datetime
    devices: int
    proof_at: datetime


@dataclass(frozen=True, slots=True)
class Health:
    """All devices, worst first, and what is silent as a whole. A home whose devices all stand behind a silent gateway is
    not told again."""

    devices: tuple[DeviceHealth, ...]
    silent_sites: tuple[SilentSite, ...]
    silent_gateways: tuple[SilentGateway, ...] = ()


def needs_history(facts: DeviceFacts, now: datetime, away: Away) -> bool:
    """Whether the device's last weeks could change the judgement."""
    return is_worth_a_closer_look(_seen_at(facts), facts.heartbeat_minutes, _times(facts), now, away)


def needs_arrivals(facts: DeviceFacts, now: datetime) -> bool:
    """Whether something came from it long after the newest of the times it bore: kept messages, or a wrong clock."""
    seen_at = _seen_at(facts)
    if seen_at is None or facts.arrived_at is None:
        return False
    interval = timedelta(minutes=facts.heartbeat_minutes)
    return now - seen_at > interval and facts.arrived_at - seen_at > timedelta(minutes=10)


def assess(facts: DeviceFacts, closer: Closer, now: datetime, away: Away) -> DeviceHealth:
    """How the device is at `now`. The same facts give the same judgement, whoever asked before."""
    heard = closer.arrivals or facts.heard
    clock = faults.clock_wrong(heard)
    seen_at = _seen_at(facts)
    if seen_at is not None and clock is not None:
        seen_at = max(seen_at, clock.proof_at)  # its own times are not believed; that it spoke is
    expected = rhythm(facts.heartbeat_minutes, closer.alive, away)
    overdue = 0 if expected.interval is None else overdue_lately(_times(facts), expected.interval, away)
    supply = facts.battery if facts.power == "battery" else None
    quiet = silence(seen_at, facts.placed_at, expected, overdue, now, away)
    if quiet is not None and quiet.kind == "silent" and facts.power == "battery":
        quiet = _with_battery(quiet, facts)
    findings = [
        one
        for one in (
            quiet,
            faults.connection_lost(
                facts.links, seen_at, timedelta(minutes=facts.heartbeat_minutes), now, away
            ),
            battery.battery_low(supply, closer.battery_was_low),
            faults.stuck(closer.stuck),
            clock,
            faults.chattering(closer.busy_hours),
            faults.lossy(closer.lost, closer.received_messages, away),
            weak_signal(facts.signals, facts.dialect),
        )
        if one is not None
    ]
    findings.sort(key=lambda one: WORST_FIRST.index(one.kind))
    return _health(facts, tuple(findings), seen_at, expected)


def overview(devices: Iterable[DeviceHealth]) -> Health:
    """The devices worst first, and the gateways and homes that are silent as a whole."""
    found = sorted(
        devices,
        key=lambda one: (
            WORST_FIRST.index(one.status),
            one.last_seen_at or datetime.min.replace(tzinfo=UTC),
            one.device,
        ),
    )
    by_gateway: dict[tuple[str, str], list[DeviceHealth]] = {}
    by_site: dict[str, list[DeviceHealth]] = {}
    for device in found:
        if device.last_seen_at is None:
            continue
        by_site.setdefault(device.site, []).append(device)
        if device.gateway is not None:
            by_gateway.setdefault((device.dialect, device.gateway), []).append(device)
    behind: dict[str, str] = {}
    gateways = []
    for (dialect, gateway), there in sorted(by_gateway.items()):
        if _is_silent(there):
            behind |= {device.device: f"gateway {gateway}" for device in there}
            gateways.append(
                SilentGateway(
                    gateway,
                    dialect,
                    tuple(sorted({device.site for device in there})),
                    tuple(sorted({device.unit for device in there})),
                    _last_heard(there),
                    len(there),
                    _proof_at(there),
                )
            )
    sites = []
    for site, there in sorted(by_site.items()):
        if _is_silent(there) and not all(device.device in behind for device in there):
            sites.append(SilentSite(site, there[0].unit, _last_heard(there), len(there), _proof_at(there)))
            behind = {device.device: f"home {site}" for device in there} | behind
    return Health(
        tuple(
            replace(device, behind=behind[device.device]) if device.device in behind else device
            for device in found
        ),
        tuple(sites),
        tuple(gateways),
    )


def _is_silent(there: list[DeviceHealth]) -> bool:
    """At least two of them are not heard, and none was heard after the last of those fell silent.

    So one that reports once a day does not hide for a day that the others' gateway is down.
    """
    quiet = [device for device in there if any(one.kind in NOT_HEARD for one in device.findings)]
    return len(quiet) >= 2 and _last_heard(quiet) == _last_heard(there)


def _last_heard(there: list[DeviceHealth]) -> datetime:
    return max(device.last_seen_at for device in there if device.last_seen_at is not None)


def _proof_at(there: list[DeviceHealth]) -> datetime:
    return max(one.proof_at for device in there for one in device.findings if one.kind in NOT_HEARD)


def _seen_at(facts: DeviceFacts) -> datetime | None:
    """A clock that runs ahead by a little does not make it heard later than it was."""
    return min(facts.heard[0].at, facts.heard[0].received_at) if facts.heard else None


def _times(facts: DeviceFacts) -> list[datetime]:
    return [one.at for one in facts.heard]


def _with_battery(quiet: Finding, facts: DeviceFacts) -> Finding:
    why = battery.probably_flat(
        facts.battery, battery.kind_of(facts.technology, facts.model), facts.placed_at, quiet.since
    )
    if why is None:
        return quiet
    return replace(quiet, remedy="replace_battery", evidence={**quiet.evidence, **why})


def _health(
    facts: DeviceFacts, findings: tuple[Finding, ...], seen_at: datetime | None, expected: Rhythm
) -> DeviceHealth:
    supply, newest = facts.battery, facts.signals[0] if facts.signals else None
    return DeviceHealth(
        device=facts.device,
        technology=facts.technology,
        technology_titles=facts.titles,
        model=facts.model,
        site=facts.site,
        site_type=facts.site_type,
        unit=facts.unit,
        placed_at=facts.placed_at,
        trials=facts.trials,
        role=facts.role,
        status=findings[0].kind if findings else "ok",
        findings=findings,
        behind=None,
        last_seen_at=seen_at,
        expected_interval_minutes=(
            None if expected.interval is None else round(expected.interval / timedelta(minutes=1), 1)
        ),
        interval_basis=expected.basis,
        battery_pct=None if supply is None else supply.pct,
        battery_v=None if supply is None else supply.volts,
        battery_at=None if supply is None else supply.at,
        external_power=None if supply is None else supply.external_power,
        power=facts.power,
        signal=quality(facts.signals, facts.dialect),
        signal_dbm=None if newest is None else newest.rssi_dbm,
        link_quality=None if newest is None else newest.link_quality,
        connection=None if not facts.links else "online" if facts.links[0].online else "offline",
        gateway=facts.gateway,
        dialect=facts.dialect,
        address=facts.address,
        lost_messages=facts.lost_messages,
        lost_since=facts.lost_since,
    )
