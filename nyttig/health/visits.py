"""The work list: which homes to visit, most urgent first, why, and what to bring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from nyttig.health.assess import NOT_HEARD, DeviceHealth, Health
from nyttig.health.battery import Forecast, kind_of
from nyttig.health.findings import SEVERITIES, WORST_FIRST, Evidence, Finding, Remedy, Severity, Status

SubjectKind = Literal["device", "home", "gateway"]
Action = Literal["done", "postponed"]

DUE_SOON: Final = timedelta(days=60)
"""A battery that may be flat by then is replaced while somebody is there: sooner than most homes are visited again."""

SAYS_NOTHING_PCT: Final = 95.0
"""A device that still says so much, or nothing, is judged by its kind's lifetime; one that says less knows better."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What somebody did about a finding: done at that time, or put off until another. A device or a home is named by its
    code, a gateway by `gateway_code`."""

    subject_kind: SubjectKind
    subject: str
    finding: str
    action: Action
    postponed_until: datetime | None
    note: str | None
    marked_by: str
    marked_at: datetime


@dataclass(frozen=True, slots=True)
class Item:
    """What to bring: a battery (`what` is the cell where it is known), a spare device (`what` is its technology) or a
    repeater, for which device."""

    item: Literal["battery", "device", "repeater"]
    what: str | None
    count: int
    device: str


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do: about what, why, since when, how, and what to bring. `devices`: how many it concerns."""

    subject_kind: SubjectKind
    subject: str
    technology: str | None
    technology_titles: dict[str, str] | None
    finding: Status
    severity: Severity
    since: datetime
    proof_at: datetime
    evidence: Evidence
    remedy: Remedy
    bring: tuple[Item, ...] = ()
    devices: int = 1


@dataclass(frozen=True, slots=True)
class Visit:
    """A home to go to. severity: the worst of its tasks'; `watch` means that nobody need go for this alone. since: the
    oldest of the worst."""

    site: str
    unit: str
    severity: Severity
    since: datetime
    tasks: tuple[Task, ...]
    bring: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class GatewayTask:
    """A gateway that serves several homes and is silent: one thing to do, wherever it stands."""

    task: Task
    sites: tuple[str, ...]
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hidden:
    """A task that is not in the list, and the mark because of which."""

    site: str | None
    unit: str | None
    task: Task
    mark: Mark


@dataclass(frozen=True, slots=True)
class WorkList:
    """Silent gateways of several homes, then the visits by home, most urgent first; and what was done or put off."""

    gateways: tuple[GatewayTask, ...]
    visits: tuple[Visit, ...]
    hidden: tuple[Hidden, ...]


def work_list(
    health: Health, marks: Iterable[Mark], now: datetime, forecasts: Mapping[str, Forecast] | None = None
) -> WorkList:
    """What there is to do at `now`. `marks` are the newest of each subject and finding; `forecasts` those of the devices
    whose batteries are to be replaced if somebody is there anyway."""
    newest = {(mark.subject_kind, mark.subject, mark.finding): mark for mark in marks}
    by_site: dict[str, list[Task]] = {}
    hidden: list[Hidden] = []
    gateways = []
    units = {device.site: device.unit for device in health.devices}

    def is_open(task: Task, site: str | None, unit: str | None) -> bool:
        mark = newest.get((task.subject_kind, task.subject, task.finding))
        if mark is None or not _hides(mark, task, now):
            return True
        hidden.append(Hidden(site, unit, task, mark))
        return False

    for gateway in health.silent_gateways:
        code = gateway_code(gateway.dialect, gateway.gateway)
        task = _whole("gateway", code, gateway.since, gateway.proof_at, gateway.devices)
        alone = gateway.sites[0] if len(gateway.sites) == 1 else None
        if not is_open(task, alone, gateway.units[0]):
            continue
        if alone is None:
            gateways.append(GatewayTask(task, gateway.sites, gateway.units))
        else:
            by_site.setdefault(alone, []).append(task)
    for home in health.silent_sites:
        task = _whole("home", home.site, home.since, home.proof_at, home.devices)
        if is_open(task, home.site, home.unit):
            by_site.setdefault(home.site, []).append(task)
    for device in health.devices:
        for task in _tasks(device):
            if is_open(task, device.site, device.unit):
                by_site.setdefault(device.site, []).append(task)
    for device in health.devices:
        if device.site in by_site and (due := _due_soon(device, (forecasts or {}).get(device.device), now)):
            named = {task.subject for task in by_site[device.site] if task.remedy == "replace_battery"}
            named |= {one.task.subject for one in hidden if one.task.remedy == "replace_battery"}
            if device.device not in named and is_open(due, device.site, device.unit):
                by_site[device.site].append(due)
    visits = sorted(
        (_visit(site, units[site], tasks) for site, tasks in by_site.items()),
        key=lambda visit: (SEVERITIES.index(visit.severity), visit.since, visit.site),
    )
    return WorkList(tuple(gateways), tuple(visits), tuple(hidden))


def gateway_code(dialect: str, gateway: str) -> str:
    """How a task names a gateway."""
    return f"{dialect} {gateway}"


def only_of(work: WorkList, units: frozenset[str] | None) -> WorkList:
    """What somebody may see who sees these units (None: all)."""
    if units is None:
        return work
    return replace(
        work,
        gateways=tuple(one for one in work.gateways if not units.isdisjoint(one.units)),
        visits=tuple(one for one in work.visits if one.unit in units),
        hidden=tuple(one for one in work.hidden if one.unit in units),
    )


def _tasks(device: DeviceHealth) -> list[Task]:
    """What is to be done about a device itself: what is waited for, or lies with its gateway, is no task."""
    return [
        _task(device, finding)
        for finding in device.findings
        if finding.remedy != "wait" and not (device.behind and finding.kind in NOT_HEARD)
    ]


def _task(device: DeviceHealth, finding: Finding) -> Task:
    return Task(
        "device",
        device.device,
        device.technology,
        device.technology_titles,
        finding.kind,
        finding.severity,
        finding.since,
        finding.proof_at,
        finding.evidence,
        finding.remedy,
        _bring(device, finding.remedy, finding.kind),
    )


def _bring(device: DeviceHealth, remedy: Remedy, kind: Status) -> tuple[Item, ...]:
    found = []
    if remedy == "replace_battery" or (kind in NOT_HEARD and device.power == "battery"):
        battery = kind_of(device.technology, device.model)
        cell, cells = (battery.cell, battery.cells) if battery else (None, None)
        found.append(Item("battery", cell, cells or 1, device.device))
    if remedy == "replace_device" or kind in NOT_HEARD:
        found.append(Item("device", device.technology, 1, device.device))
    if remedy == "move_or_add_repeater":
        found.append(Item("repeater", None, 1, device.device))
    return tuple(found)


def _due_soon(device: DeviceHealth, told: Forecast | None, now: datetime) -> Task | None:
    if told is None or told.earliest_at is None or told.earliest_at > now + DUE_SOON:
        return None
    if told.basis == "lifetime" and device.battery_pct is not None and device.battery_pct < SAYS_NOTHING_PCT:
        return None
    evidence = {
        "battery_pct": device.battery_pct,
        "battery_v": device.battery_v,
        "measured_at": device.battery_at,
        "replace_at": told.replace_at,
        "earliest_at": told.earliest_at,
        "latest_at": told.latest_at,
        "forecast_basis": told.basis,
    }
    finding = Finding.of(
        "battery_low", device.battery_at or now, device.battery_at or now, evidence, severity="watch"
    )
    return _task(device, finding)


def _whole(kind: SubjectKind, code: str, since: datetime, proof_at: datetime, devices: int) -> Task:
    return Task(
        kind, code, None, None, "silent", "urgent", since, proof_at, {"devices": devices}, "check_gateway", (), devices
    )  # fmt: skip


def _hides(mark: Mark, task: Task, now: datetime) -> bool:
    if mark.action == "postponed":
        return mark.postponed_until is not None and now < mark.postponed_until
    return task.proof_at <= mark.marked_at


def _visit(site: str, unit: str, tasks: list[Task]) -> Visit:
    tasks.sort(
        key=lambda task: (
            SEVERITIES.index(task.severity),
            task.subject_kind == "device",
            WORST_FIRST.index(task.finding),
            task.since,
            task.subject,
        )
    )
    worst = tasks[0].severity
    since = min(task.since for task in tasks if task.severity == worst)
    bring = tuple(dict.fromkeys(item for task in tasks for item in task.bring))
    return Visit(site, unit, worst, since, tuple(tasks), bring)
