"""Registering a list of devices: each row checked against the registry and the rows before it, then written at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from nyttig.device_list import COLUMNS, DeviceList, Line
from nyttig.errors import NotFoundError
from nyttig.model import Device, Placement, Technology
from nyttig.package.cells import CellError, parse
from nyttig.package.columns import closest
from nyttig.saying import Saying
from nyttig.sheet import RowProblem
from nyttig.store import (
    changes,
    db,
    devices,
    history,
    placements,
    registry,
    replays,
    sites,
    technologies,
)
from nyttig.store.db import Session
from nyttig.store.devices import moment

Result = Literal["added", "changed", "unchanged", "refused"]

_FIELDS = ("technology", "dialect", "address", "heartbeat_minutes", "power", "hardware_id")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One thing that a row changes: from what to what. Times with offset; null where nothing was."""

    field: str
    before: str | float | None
    after: str | float | None


@dataclass(frozen=True, slots=True)
class RowResult:
    """What becomes of one row of the list. `changes` of an added device tell where it is placed."""

    row: int
    device: str | None
    result: Result
    changes: tuple[FieldChange, ...] = ()
    problems: tuple[RowProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of a list. `written`: the registry says now what the rows say that were not refused."""

    file: str
    dry_run: bool
    written: bool
    added: int
    changed: int
    unchanged: int
    refused: int
    ignored_columns: tuple[str, ...]
    rows: tuple[RowResult, ...]


def register_list(
    connection: Session,
    listed: DeviceList,
    known_technologies: Mapping[str, Technology],
    *,
    by: str,
    trial_id: str | None = None,
    dry_run: bool = False,
    skip_bad: bool = False,
    units: Collection[str] | None = None,
) -> Registered:
    """The registry says what the list says, committed, and each row has its result.

    All rows or none: one that is refused keeps the others out too, unless `skip_bad`. With `dry_run` nothing is
    written in any case. `trial_id` is the trial of the rows that name none. Only homes and trials in `units` are
    known to whoever asks (None: all). Raises NotFoundError where there is no such trial.
    """
    with db.translated():
        if trial_id is not None:
            registry.require(connection, trial_id)
        history.lock(connection)
        plan = _Plan(connection, listed, known_technologies, trial_id, units)
        rows = tuple(plan.take(line) for line in listed.lines)
        counted = {
            result: sum(row.result == result for row in rows) for result in ("added", "changed", "refused")
        }
        write = not dry_run and (skip_bad or not counted["refused"])
        if write and (counted["added"] or counted["changed"]):
            plan.write(connection, by)
            connection.commit()
        else:
            connection.rollback()
    return Registered(
        file=listed.file,
        dry_run=dry_run,
        written=write,
        unchanged=len(rows) - sum(counted.values()),
        ignored_columns=listed.ignored_columns,
        rows=rows,
        **counted,
    )


def in_words(done: Registered) -> str:
    """What became of each row, a line each, and of the whole."""
    lines = [f"row {row.row:>5}  {row.device or '-':24} {_outcome(row)}" for row in done.rows]
    if done.ignored_columns:
        lines.append(f"left alone: the columns {', '.join(done.ignored_columns)}")
    counts = f"{done.added} added, {done.changed} changed, {done.unchanged} unchanged, {done.refused} refused"
    if done.written:
        lines.append(f"{done.file}: {counts}")
    elif done.dry_run:
        lines.append(f"{done.file}, a dry run: {counts}; nothing was written")
    else:
        lines.append(
            f"{done.file}: {counts}; nothing was written. Correct the rows, or leave them out with --skip-bad"
        )
    return "\n".join(lines)


def _outcome(row: RowResult) -> str:
    if row.problems:
        return "refused: " + "; ".join(
            f"{'' if each.column is None else each.column + ' '}{'' if not each.value else repr(each.value) + ' '}"
            f"{each.remedy}"
            for each in row.problems
        )
    told = [
        f"{each.field} {each.after}" if each.before is None else f"{each.field} {each.before} → {each.after}"
        for each in row.changes
    ]
    return row.result + (f": {', '.join(told)}" if told else "")


class _RefusedError(Exception):
    """The row cannot be taken."""

    def __init__(self, *problems: RowProblem) -> None:
        super().__init__()
        self.problems = problems


def _refused(column: str | None, value: str | None, remedy: str) -> _RefusedError:
    return _RefusedError(RowProblem(column, value, remedy))


class _Plan:
    """The registry as it will be, row after row, and what is to be written to make it so."""

    def __init__(
        self,
        connection: Session,
        listed: DeviceList,
        known_technologies: Mapping[str, Technology],
        trial_id: str | None,
        units: Collection[str] | None,
    ) -> None:
        stored = {technology.id: technology for technology in technologies.read(connection)}
        self._technologies = {**known_technologies, **stored}
        self._not_stored = self._technologies.keys() - stored.keys()
        self._by_title = {
            title.casefold(): name
            for name, technology in self._technologies.items()
            for title in technology.titles.values()
        }
        self._trials = {
            trial.id: trial
            for trial in registry.trials(connection)
            if units is None or not set(units).isdisjoint(trial.units)
        }
        if trial_id is not None and trial_id not in self._trials:
            raise NotFoundError("there is no trial {trial!r} in your units", trial=trial_id)
        self._default_trial = trial_id
        self._sites = {
            site.home: site for site in sites.read(connection) if units is None or site.unit in units
        }
        self._owners = {
            (known.dialect, known.address): known.device for known in registry.known_devices(connection)
        }
        self._codes = sorted({line.cells["device"] for line in listed.lines if "device" in line.cells})
        self._before = changes.states(connection, self._codes)
        self._row_of: dict[str, int] = {}
        self._devices: list[Device] = []
        self._roles: list[tuple[str, str, str]] = []
        self._ended: list[tuple[str, datetime]] = []
        self._begun: list[Placement] = []

    def take(self, line: Line) -> RowResult:
        """The row is part of the plan, or refused and leaves the plan as it was."""
        try:
            return self._take(line)
        except _RefusedError as refused:
            return RowResult(line.row, line.cells.get("device"), "refused", problems=refused.problems)

    def write(self, connection: Session, by: str) -> None:
        """The registry is as planned, and its history says what changed; in the current transaction."""
        for name in sorted(self._not_stored & {device.technology for device in self._devices}):
            technologies.save(connection, self._technologies[name])
        devices.write(connection, self._devices, self._roles)
        placements.write(connection, self._ended, self._begun)
        replays.ask_all(connection, [(device.dialect, device.address) for device in self._devices])
        after = changes.states(connection, self._codes)
        history.record_all(connection, changes.of_devices(self._before, after, action="changed"), by=by)

    def _take(self, line: Line) -> RowResult:
        values = self._values(line)
        code = values["device"]
        if code in self._row_of:
            remedy = Saying("stands in row {row} already; keep one row a device", row=self._row_of[code])
            raise _refused("device", code, remedy)
        was = self._before.get(code)
        trial_id = values.get("trial", self._default_trial)
        device = self._device(code, values, was, trial_id)
        ended, begun = self._placing(code, values, was, trial_id)

        # Nothing is refused from here on.
        self._row_of[code] = line.row
        if was is not None:
            self._owners.pop((was["dialect"], was["address"]), None)
        self._owners[device.dialect, device.address] = code
        found = [] if was is None else _differences(was, device)
        if was is None or found:
            self._devices.append(device)
        if trial_id is not None:
            had = None if was is None else was["roles"].get(trial_id)
            if had != device.role:
                self._roles.append((trial_id, code, device.role))
                if was is not None:
                    found += [FieldChange("trial", None, trial_id)] if had is None else []
                    found.append(FieldChange("role", had, device.role))
        if begun is not None:
            self._begun.append(begun)
            found.append(FieldChange("home", None if ended is None else ended.home, begun.home))
            found.append(FieldChange("placed_at", None, begun.placed_at.isoformat()))
            if ended is not None:
                self._ended.append((code, begun.placed_at))
        result: Result = "added" if was is None else "changed" if found else "unchanged"
        return RowResult(line.row, code, result, tuple(found))

    def _values(self, line: Line) -> dict[str, Any]:
        """The row's cells as values, empty ones left out; the technology by its key, whichever title it went by."""
        values: dict[str, Any] = {}
        problems = [RowProblem(each.column, each.value, each.remedy) for each in line.problems]
        if "device" not in line.cells:
            problems.append(RowProblem("device", "", Saying("is empty; fill in the code of the device")))
        for name, column in COLUMNS.items():
            cell = line.cells.get(name)
            if cell is None:
                continue
            try:
                if name == "technology":
                    values[name] = self._technology(cell)
                elif name == "trial" and cell not in self._trials:
                    near = closest(cell, self._trials)
                    raise CellError("is no trial; load it first, or correct it.{near}", near=near)
                else:
                    values[name] = parse(cell, column, self._zone(line))
            except CellError as error:
                problems.append(RowProblem(name, cell, error.said))
        if problems:
            raise _RefusedError(*problems)
        return values

    def _zone(self, line: Line) -> ZoneInfo | None:
        """In which the row's times are local: its trial's, else that of a trial its home is in."""
        trial = self._trials.get(line.cells.get("trial", self._default_trial or ""))
        if trial is not None:
            return ZoneInfo(trial.timezone)
        site = self._sites.get(line.cells.get("home", ""))
        return ZoneInfo(min(site.timezones.values())) if site is not None and site.timezones else None

    def _technology(self, cell: str) -> str:
        name = cell if cell in self._technologies else self._by_title.get(cell.casefold())
        if name is None:
            known = (*self._technologies, *self._by_title)
            near = closest(cell, known)
            raise CellError("is no technology that Nyttig knows; correct it.{near}", near=near)
        return name

    def _device(
        self, code: str, values: dict[str, Any], was: changes.State | None, trial_id: str | None
    ) -> Device:
        if was is None:
            device = self._new_device(code, values)
        else:
            kept: dict[str, Any] = {name: values.get(name, was[name]) for name in _FIELDS}
            kept |= {name: was[name] for name in ("retired_at", "retired_because")}
            device = Device(device=code, role="primary", **kept)
        if device.dialect == "nyttig" and set(device.address) & set("/+#"):
            remedy = Saying("stands in an MQTT topic and may hold none of / + #; change it")
            raise _refused("address", device.address, remedy)
        owner = self._owners.get((device.dialect, device.address), code)
        if owner != code:
            remedy = Saying(
                "is the {dialect} address of {device} already; an address belongs to one device",
                dialect=device.dialect,
                device=owner,
            )
            raise _refused("address", device.address, remedy)
        roles = {} if was is None else dict(was["roles"])
        if trial_id is not None:
            roles[trial_id] = values.get("role", roles.get(trial_id, "primary"))
        elif "role" in values:
            remedy = Saying("is a role in a trial, and none is named; fill in trial, or empty the role")
            raise _refused("role", values["role"], remedy)
        for trial, role in roles.items():
            tried = self._trials[trial].technology if trial in self._trials else device.technology
            if role == "primary" and tried != device.technology:
                remedy = Saying(
                    "is not what {trial} tries ({technology}), and the device is primary; make its role secondary",
                    trial=trial,
                    technology=tried,
                )
                raise _refused("technology", device.technology, remedy)
        return replace(device, role=roles.get(trial_id or "", "primary"))

    def _new_device(self, code: str, values: dict[str, Any]) -> Device:
        if "technology" not in values:
            raise _refused("technology", "", Saying("is empty, and the device is new; say what it is"))
        dialect = values.get("dialect", "nyttig")
        if "address" not in values and dialect != "nyttig":
            remedy = Saying(
                "is empty, and the device is new; fill in the name by which the dialect {dialect!r} knows it",
                dialect=dialect,
            )
            raise _refused("address", "", remedy)
        technology = self._technologies[values["technology"]]
        return Device(
            device=code,
            technology=technology.id,
            dialect=dialect,
            address=values.get("address", code),
            heartbeat_minutes=values.get("heartbeat_minutes", technology.heartbeat_minutes),
            power=values.get("power", "mains"),
            role="primary",
            hardware_id=values.get("hardware_id"),
        )

    def _placing(
        self, code: str, values: dict[str, Any], was: changes.State | None, trial_id: str | None
    ) -> tuple[Placement | None, Placement | None]:
        """The placement that the row ends, and the one that it begins."""
        home, at = values.get("home"), values.get("placed_at")
        if home is None:
            if at is not None:
                remedy = Saying("is empty, and placed_at is not; fill in both, or neither")
                raise _refused("home", "", remedy)
            return None, None
        site = self._sites.get(home)
        if site is None:
            remedy = Saying(
                "is no home; homes come with a trial's package (homes.csv).{near}",
                near=closest(home, self._sites),
            )
            raise _refused("home", home, remedy)
        if trial_id is not None and trial_id not in site.timezones:
            there = [each.home for each in self._sites.values() if trial_id in each.timezones]
            remedy = Saying(
                "is no home of {trial}; correct it.{near}", trial=trial_id, near=closest(home, there)
            )
            raise _refused("home", home, remedy)
        stood = [] if was is None else [_placement(code, placed) for placed in was["placements"]]
        last = stood[-1] if stood and stood[-1].removed_at is None else None
        if at is None:
            if last is not None and last.home == home:
                return None, None
            remedy = Saying("is empty; say from when {device} stands at {home}", device=code, home=home)
            raise _refused("placed_at", "", remedy)
        if any((each.home, each.placed_at) == (home, at) for each in stood):
            return None, None
        if was is not None and was["retired_at"] is not None:
            remedy = Saying(
                "{device} is retired ({retired_because}) and cannot be placed; take it into service again first",
                device=code,
                retired_because=was["retired_because"],
            )
            raise _refused("home", home, remedy)
        for each in stood:
            if each is last and each.placed_at < at and each.home != home:
                continue  # it moves
            if each.removed_at is None or each.removed_at > at:
                until = (
                    "" if each.removed_at is None else Saying(" until {time}", time=moment(each.removed_at))
                )
                remedy = Saying(
                    "{device} stands at {home} from {time}{until}; correct the time",
                    device=code,
                    home=each.home,
                    time=moment(each.placed_at),
                    until=until,
                )
                raise _refused("placed_at", at.isoformat(), remedy)
        return last, Placement(code, home, at)


def _differences(was: changes.State, device: Device) -> list[FieldChange]:
    return [
        FieldChange(name, was[name], getattr(device, name))
        for name in _FIELDS
        if was[name] != getattr(device, name)
    ]


def _placement(device: str, placed: Mapping[str, Any]) -> Placement:
    """A placement as the state of a device tells it: times are texts."""
    removed_at = placed["removed_at"]
    return Placement(
        device,
        placed["home"],
        datetime.fromisoformat(placed["placed_at"]),
        None if removed_at is None else datetime.fromisoformat(removed_at),
    )
