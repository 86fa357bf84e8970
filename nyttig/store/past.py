"""The past of the registry: what it said of a trial at an earlier moment, by undoing what was changed since."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, time
from typing import Any, Literal, NamedTuple

from psycopg import Connection

from nyttig.model import (
    Device,
    Home,
    Parameters,
    Pause,
    Placement,
    Schedule,
    Technology,
    TrialPackage,
    UnitPart,
    UseRule,
)
from nyttig.store import changes, entries, history, registry, visits
from nyttig.store.changes import State
from nyttig.store.history import HistoryEntry

Reason = Literal["registry", "registrations", "use_rules", "raw_events"]


@dataclass(frozen=True, slots=True)
class NotRecoverable:
    """What of the past is not known any more, and stands as it did at `at`, or as it does now.

    `registry`: what it said before `at`, when its record begins; taken as it was then. `registrations`: what a load at
    `at` changed in tables whose rows are not kept in the history; as now. `use_rules`: what counted as a use before it
    was changed at `at`; as now. `raw_events`: events before `at` are gone, and with them when they came; as now.
    """

    reason: Reason
    at: datetime


class Past(NamedTuple):
    """A trial as it was on record, and what of that is not known any more."""

    package: TrialPackage
    not_recoverable: tuple[NotRecoverable, ...]


@dataclass(slots=True)
class _Record:
    """What is on record of a trial while it is taken back, change by change. Devices are told as in the history."""

    trial: dict[str, Any]
    technologies: dict[str, Technology]
    tables: dict[str, list[Any]]
    devices: dict[str, State]
    imports: set[int]
    lost: list[NotRecoverable] = field(default_factory=list)


def read(connection: Connection[Any], trial_id: str, known_at: datetime) -> Past:
    """The trial as the registry told it at `known_at`; where its record begins later, as it told it first.

    Raises NotFoundError naming the trials there are.
    """
    now = registry.read(connection, trial_id)
    began_at, whole = _began(connection, trial_id)
    lost = [NotRecoverable("registry", began_at)] if known_at <= began_at else []
    told_first = whole and known_at <= began_at
    since = began_at if told_first else known_at
    codes = _devices_ever(connection, trial_id)
    record = _Record(
        trial={each.name: getattr(now.trial, each.name) for each in fields(now.trial)},
        technologies={each.id: each for each in now.technologies},
        tables={name: list(getattr(now, name)) for name in changes.TOLD_WHOLE},
        devices=changes.states(connection, codes),
        imports={each.id for each in visits.imports(connection, trial_id) if each.withdrawn_at is None},
        lost=lost,
    )
    for entry in history.since(connection, since, trial_id=trial_id, devices=codes):
        if not (told_first and entry.changed_at == began_at):
            _undo(record, entry)
    package = replace(
        _package(now, record, trial_id), visits=visits.read(connection, trial_id, imports=record.imports)
    )
    return Past(
        _in_order(connection, _with_entries(connection, package, since)), tuple(dict.fromkeys(record.lost))
    )


def _began(connection: Connection[Any], trial_id: str) -> tuple[datetime, bool]:
    """Since when all changes of the trial are on record, and whether that is its own beginning."""
    row = connection.execute(
        """
        SELECT min(h.changed_at) FILTER (WHERE subject_kind = 'trial' AND subject = %(trial)s AND action = 'loaded'
                                           AND before IS NULL),
               coalesce(min(h.changed_at), (SELECT loaded_at FROM trials WHERE id = %(trial)s))
        FROM registry_changes h
        """,
        {"trial": trial_id},
    ).fetchone()
    assert row is not None
    return (row[0] or row[1], row[0] is not None)


def _devices_ever(connection: Connection[Any], trial_id: str) -> list[str]:
    """Devices that are in the trial, or that a change on record concerned while they were."""
    rows = connection.execute(
        """
        SELECT d.code FROM trial_devices t JOIN devices d ON d.id = t.device_id WHERE t.trial_id = %(trial)s
        UNION SELECT subject FROM registry_changes WHERE subject_kind = 'device' AND trials @> ARRAY[%(trial)s::text]
        """,
        {"trial": trial_id},
    ).fetchall()
    return [code for (code,) in rows]


# --- Undoing ---------------------------------------------------------------------------------------


def _undo(record: _Record, entry: HistoryEntry) -> None:
    """The record is as it was before the change."""
    before, after = entry.before or {}, entry.after or {}
    if entry.subject_kind == "trial":
        undo_trial = _TRIAL.get(entry.action)
        if undo_trial is None:
            record.lost.append(NotRecoverable("registry", entry.changed_at))
        else:
            undo_trial(record, before, after, entry.changed_at)
        return
    undo_device = _DEVICE.get(entry.action)
    if undo_device is None:
        record.lost.append(NotRecoverable("registry", entry.changed_at))
    elif entry.before is None and entry.action in ("registered", "loaded", "changed"):
        record.devices.pop(entry.subject, None)
    elif entry.subject in record.devices:
        undo_device(record.devices[entry.subject], before, after)


def _load(record: _Record, before: State, after: State, changed_at: datetime) -> None:
    for name in before.keys() & record.trial.keys():
        record.trial[name] = _read_field(name, before[name])
    for name, told in (before.get("technologies") or {}).items():
        was = _technology(told)
        known = record.technologies.get(name)
        if known is not None and _meaning(was) != _meaning(known):
            record.lost.append(NotRecoverable("use_rules", changed_at))
        record.technologies[name] = was
    gone, new = before.get("rows", {}), after.get("rows", {})
    for table in changes.TOLD_WHOLE:
        came = [_READ_ROW[table](row) for row in new.get(table, ())]
        for row in came:
            if row in record.tables[table]:
                record.tables[table].remove(row)
        record.tables[table] += [_READ_ROW[table](row) for row in gone.get(table, ())]
    # Placements and devices stand in the entries of the devices, what people entered in versions of its own.
    elsewhere = {"devices", "placements", "measures", "costs", "entries", *gone, *new}
    counted = {*after.get("rows_added", {}), *after.get("rows_removed", {})}
    if counted - elsewhere:
        record.lost.append(NotRecoverable("registrations", changed_at))


def _paused(record: _Record, _before: State, after: State, _changed_at: datetime) -> None:
    gone = (after["home"], _moment(after["paused_from"]))
    pauses = record.tables["pauses"]
    pauses[:] = [each for each in pauses if (each.home, each.paused_from) != gone]


def _unpaused(record: _Record, before: State, _after: State, _changed_at: datetime) -> None:
    record.tables["pauses"].append(_pause(before))


def _ended(record: _Record, before: State, _after: State, _changed_at: datetime) -> None:
    homes = record.tables["homes"]
    homes[:] = [
        replace(each, ended_on=_day(before["ended_on"]), end_reason=before["end_reason"])
        if each.home == before["home"]
        else each
        for each in homes
    ]


def _not_imported(record: _Record, _before: State, after: State, _changed_at: datetime) -> None:
    record.imports.discard(after["import"])


def _imported(record: _Record, before: State, _after: State, _changed_at: datetime) -> None:
    record.imports.add(before["import"])


def _of_its_own(_record: _Record, _before: State, _after: State, _changed_at: datetime) -> None:
    """What people enter has versions of its own."""


_TRIAL: Mapping[str, Callable[[_Record, State, State, datetime], None]] = {
    "loaded": _load,
    "home_paused": _paused,
    "home_pause_withdrawn": _unpaused,
    "home_ended": _ended,
    "home_end_withdrawn": _ended,
    "visits_imported": _not_imported,
    "visits_restored": _not_imported,
    "visits_withdrawn": _imported,
    "entered": _of_its_own,
    "changed": _of_its_own,
    "took back": _of_its_own,
}


def _as_before(device: State, before: State, _after: State) -> None:
    device.update(before)


def _replaced(device: State, before: State, after: State) -> None:
    """A placement that began, or was changed, is as it was, or was not."""
    if "roles" in before:
        device["roles"] = before["roles"]
    for told in (after, before):
        if told.get("placed_at") is not None:
            begins = _moment(told["placed_at"])
            device["placements"] = [
                each for each in device["placements"] if _moment(each["placed_at"]) != begins
            ]
    if before.get("placed_at") is not None:
        device["placements"].append({name: before[name] for name in ("home", "placed_at", "removed_at")})


def _retired(device: State, before: State, after: State) -> None:
    device.update(retired_at=None, retired_because=None)
    if before["home"] is None:
        return
    at = _moment(after["retired_at"])
    device["placements"] = [
        each | {"removed_at": None} if each["removed_at"] and _moment(each["removed_at"]) == at else each
        for each in device["placements"]
    ]


_DEVICE: Mapping[str, Callable[[State, State, State], None]] = {
    "registered": _as_before,
    "loaded": _as_before,
    "changed": _as_before,
    "renamed": _as_before,
    "described": _as_before,
    "unretired": _as_before,
    "placed": _replaced,
    "removed": _replaced,
    "moved": _replaced,
    "corrected": _replaced,
    "swapped_in": _replaced,
    "swapped_out": _replaced,
    "retired": _retired,
}


# --- Put together ----------------------------------------------------------------------------------


def _package(now: TrialPackage, record: _Record, trial_id: str) -> TrialPackage:
    mine = {code: state for code, state in record.devices.items() if trial_id in state["roles"]}
    homes = {home.home for home in record.tables["homes"]}
    devices = tuple(
        Device(
            device=code,
            role=state["roles"][trial_id],
            retired_at=state["retired_at"] if isinstance(state["retired_at"], datetime) else _moment(state["retired_at"]),
            **{
                name: state[name]
                for name in (
                    "technology", "dialect", "address", "heartbeat_minutes", "power", "hardware_id", "retired_because",
                )
            },
        )
        for code, state in mine.items()
    )  # fmt: skip
    placements = tuple(
        Placement(code, each["home"], _moment(each["placed_at"]), _moment(each["removed_at"]))
        for code, state in mine.items()
        for each in state["placements"]
        if each["home"] in homes
    )
    named = {record.trial["technology"], *(device.technology for device in devices)}
    return replace(
        now,
        trial=replace(now.trial, **record.trial),
        technologies=tuple(record.technologies[name] for name in sorted(named & record.technologies.keys())),
        devices=devices,
        placements=placements,
        **{name: tuple(rows) for name, rows in record.tables.items()},
    )


def _with_entries(connection: Connection[Any], package: TrialPackage, since: datetime) -> TrialPackage:
    """With what people had entered by then."""
    entered = entries.current(connection, package.trial.id, before=since)
    return replace(
        package,
        trial=replace(package.trial, gains=tuple(each.data for each in entered if each.kind == "gain")),
        measures=tuple(each.data for each in entered if each.kind == "measure"),
        costs=tuple(each.data for each in entered if each.kind == "cost"),
        entries=(
            *(each for each in entered if each.kind not in ("gain", "measure", "cost")),
            *(each for each in package.entries if each.trial_id is None),
        ),
    )


def _in_order(connection: Connection[Any], package: TrialPackage) -> TrialPackage:
    """With its rows in the order in which the registry tells them; the database knows how codes are sorted."""
    codes = [each.home for each in package.homes] + [each.device for each in package.devices]
    place = dict(
        connection.execute(
            "SELECT code, row_number() OVER (ORDER BY code) FROM (SELECT DISTINCT unnest(%s::text[]) AS code) codes",
            (codes,),
        ).fetchall()
    )
    return replace(
        package,
        homes=tuple(sorted(package.homes, key=lambda each: place[each.home])),
        devices=tuple(sorted(package.devices, key=lambda each: place[each.device])),
        placements=tuple(sorted(package.placements, key=lambda each: (place[each.device], each.placed_at))),
        pauses=tuple(sorted(package.pauses, key=lambda each: (place.get(each.home, 0), each.paused_from))),
    )


# --- As the history tells them -----------------------------------------------------------------------


def _moment(told: str | None) -> Any:
    return None if told is None else datetime.fromisoformat(told)


def _day(told: str | None) -> Any:
    return None if told is None else date.fromisoformat(told)


def _known(noun: type[Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """Fields that there are today: another version may have told others."""
    names = {each.name for each in fields(noun)}
    return {name: value for name, value in told.items() if name in names}


def _read_field(name: str, told: Any) -> Any:
    readers: dict[str, Callable[[Any], Any]] = {
        "units": tuple,
        "starts": _day,
        "ends": _day,
        "parameters": lambda each: Parameters(**_known(Parameters, each)),
        "gains": lambda _: (),  # versions of their own say how they were
    }
    return readers.get(name, lambda each: each)(told)


def _technology(told: State) -> Technology:
    def rules(name: str) -> tuple[UseRule, ...]:
        return tuple(UseRule(**_known(UseRule, rule)) for rule in told.get(name, ()))

    return Technology(
        **_known(Technology, told)
        | {
            "use_rules": rules("use_rules"),
            "armed_rules": rules("armed_rules"),
            "alarm": tuple(told.get("alarm", ())),
            "alarm_handled": tuple(told.get("alarm_handled", ())),
        }
    )


def _meaning(technology: Technology) -> tuple[Any, ...]:
    """What its readings mean: rollups were worked out by that."""
    return (
        technology.use_rules,
        technology.armed_rules,
        technology.joining_gap_minutes,
        technology.alarm,
        technology.alarm_handled,
    )


def _home(told: State) -> Home:
    days = ("asked_on", "consented_on", "installed_on", "ended_on")
    return Home(**_known(Home, told) | {name: _day(told.get(name)) for name in days})


def _pause(told: State) -> Pause:
    return Pause(told["home"], _moment(told["paused_from"]), _moment(told["paused_to"]), told.get("reason"))


def _schedule(told: State) -> Schedule:
    days = {name: _day(told.get(name)) for name in ("from_day", "to_day")}
    return Schedule(**_known(Schedule, told) | days | {"due_time": time.fromisoformat(told["due_time"])})


def _unit_part(told: State) -> UnitPart:
    return UnitPart(
        **_known(UnitPart, told) | {name: _day(told.get(name)) for name in ("invited_on", "joined_on")}
    )


_READ_ROW: Mapping[str, Callable[[State], Any]] = {
    "homes": _home,
    "pauses": _pause,
    "schedules": _schedule,
    "units": _unit_part,
}
