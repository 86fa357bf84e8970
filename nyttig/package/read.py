"""A trial package's folder, checked and read: all of it, or every problem in one go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from nyttig.column import Column
from nyttig.entries.kinds import EntryKind
from nyttig.errors import Fault, PackageError, Problem
from nyttig.model import (
    Cost,
    Device,
    Entry,
    Home,
    Measure,
    Pause,
    Placement,
    Schedule,
    Technology,
    TrialPackage,
    UnitPart,
    Visit,
)
from nyttig.package.check import check, check_entries
from nyttig.package.columns import ALL_TABLES, ENTRY_TABLES, TABLES, VERSIONS, closest
from nyttig.package.events import read_events, read_outages
from nyttig.package.manifest import check_manifest, listed_files
from nyttig.package.shift import shift
from nyttig.package.tables import Row, Rows, read_rows, table_file
from nyttig.package.trial import TrialFile, read_trial
from nyttig.package.versions import versions_of

__all__ = ["read", "read_events", "read_outages", "shift"]

T = TypeVar("T")

Judge = Callable[[TrialPackage, Sequence[Entry]], Iterable[tuple[Entry, Fault]]]
"""What would be refused if the entries were entered one after another in a trial that is as the package says."""


class _Said(NamedTuple):
    """A row of a table of entries, and the entry that it is."""

    rows: Rows
    row: Row
    entry: Entry


def read(
    folder: Path, known_technologies: Mapping[str, Technology], judge: Judge | None = None
) -> TrialPackage:
    """The trial package in `folder`, whole and checked; times are in UTC, rows in the files' order.

    trial.toml and homes.csv must be there; a table that is not there is empty; `name.parquet` is read where
    there is no `name.csv`. Where there is a datapackage.json, the files must be what it says. `judge` is asked of the
    entries that the package's history does not vouch for. Raises PackageError with every problem.
    """
    if not folder.is_dir():
        remedy = "there is no such folder; name the folder that holds trial.toml"
        raise PackageError([Problem(str(folder), None, None, None, remedy)])
    problems = check_manifest(folder)
    trial = read_trial(folder, known_technologies, problems)
    tables = {name: _table(folder, name, trial, problems) for name in TABLES}
    entered = {name: _table(folder, name, trial, problems) for name in ENTRY_TABLES}
    for row in tables["devices"].rows:
        _fill_in_device(row, trial)
    check(tables, trial, problems)
    versions = versions_of(_table(folder, VERSIONS, trial, problems), trial, problems)
    said = _said(entered, trial, versions)
    check_entries(entered, tables, trial, problems)
    if judge is not None:
        problems += _refused(judge, said, entered, tables, trial)
    _check_names(folder, problems)
    if problems:
        raise PackageError(problems)
    assert trial.trial is not None
    return TrialPackage(
        trial=trial.trial,
        technologies=trial.own,
        homes=_each(tables["homes"], Home),
        devices=_each(tables["devices"], Device),
        placements=_each(tables["placements"], Placement),
        pauses=_each(tables["pauses"], Pause),
        schedules=_each(tables["schedules"], _schedule),
        units=_each(tables["units"], UnitPart),
        visits=_each(tables["visits"], _visit),
        measures=_each(tables["measures"], _measure),
        costs=_each(tables["costs"], Cost),
        entries=tuple(each.entry for each in said),
        versions=versions,
    )


def _table(folder: Path, name: str, trial: TrialFile, problems: list[Problem]) -> Rows:
    path = table_file(folder, name)
    if path is None:
        if name == "homes":
            remedy = "the file is missing; a trial package lists its homes"
            problems.append(Problem("homes.csv", None, None, None, remedy))
        return Rows(f"{name}.csv")
    return read_rows(path, ALL_TABLES[name], trial.zone, problems)


def _fill_in_device(row: Row, trial: TrialFile) -> None:
    values = row.values
    defaults: dict[str, Any] = {"dialect": "nyttig", "power": "mains", "role": "primary"}
    technology = trial.technologies.get(values.get("technology") or "")
    if technology is not None:
        defaults["heartbeat_minutes"] = technology.heartbeat_minutes
    if (values.get("dialect") or "nyttig") == "nyttig" and not row.bad & {"dialect", "device"}:
        defaults["address"] = values.get("device")
    for name, default in defaults.items():
        if values.get(name) is None and name not in row.bad:
            values[name] = default


def _each(rows: Rows, make: Callable[..., T]) -> tuple[T, ...]:
    return tuple(make(**row.values) for row in rows.rows)


def _schedule(**values: Any) -> Schedule:
    return Schedule(**{**values, "weekdays": values.get("weekdays") or "1234567"})


def _visit(**values: Any) -> Visit:
    optional = {
        "staff_group": values.get("staff_group"),
        "travel_minutes": values.get("travel_minutes") or 0.0,
    }
    return Visit(**{**values, **optional})


def _measure(**values: Any) -> Measure:
    return Measure(**{**values, "by_proxy": bool(values.get("by_proxy"))})


def _said(entered: Mapping[str, Rows], trial: TrialFile, versions: Sequence[Entry]) -> list[_Said]:
    """The rows that are whole as entries; those of which the history says the same are marked so."""
    newest = {each.entry: each for each in versions}
    trial_id = "" if trial.trial is None else trial.trial.id
    found: list[_Said] = []
    for name, kind in ENTRY_TABLES.items():
        for row in entered[name].rows:
            if _whole(row, kind.columns):
                entry = _entry(row, kind, trial_id)
                before = newest.get(entry.entry)
                row.stood = before is not None and (before.kind, before.data) == (kind.name, entry.data)
                found.append(_Said(entered[name], row, entry))
    return found


def _whole(row: Row, columns: Iterable[Column]) -> bool:
    return not row.bad and row.has(*(column.name for column in columns if column.required))


def _refused(
    judge: Judge,
    said: Sequence[_Said],
    entered: Mapping[str, Rows],
    tables: Mapping[str, Rows],
    trial: TrialFile,
) -> list[Problem]:
    """What `judge` says of the rows that did not stand before, as problems; nothing where trial.toml has some.

    Where a questionnaire could not be read its answers are not judged, so that one slip is one problem.
    """
    if trial.trial is None:
        return []
    own = ENTRY_TABLES["instruments"]
    asked = all(_whole(row, own.columns) for row in entered[own.table].rows)
    homes = [row for row in tables["homes"].rows if _whole(row, TABLES["homes"])]
    package = TrialPackage(
        trial=trial.trial,
        homes=_each(Rows("", homes), Home),
        entries=tuple(each.entry for each in said if each.row.stood),
    )
    place = {id(each.entry): each for each in said if not each.row.stood}
    new = [each.entry for each in place.values() if asked or each.entry.kind != "answer"]
    found: list[Problem] = []
    for entry, fault in judge(package, new):
        rows, row, _ = place[id(entry)]
        value = None if fault.field is None else row.values.get(fault.field)
        shown = None if value is None else str(value)
        remedy = fault.said.removeprefix(repr(shown)).lstrip(": ")
        found.append(Problem(rows.file, row.number, fault.field, shown, remedy))
    return found


def _entry(row: Row, kind: EntryKind, trial_id: str) -> Entry:
    """The row as an entry; a cell that is empty is what the kind says of empty ones."""
    told = {column.name: row.values.get(column.name) for column in kind.columns}
    data = kind.noun(**{name: value for name, value in told.items() if value is not None})
    entry, version, at, by = (
        row.values.get(name) for name in ("entry", "version", "entered_at", "entered_by")
    )
    return Entry(
        entry or "", version or 1, kind.name, trial_id if kind.of_trial else None, data, at, by, loaded=True
    )


def _check_names(folder: Path, problems: list[Problem]) -> None:
    """A table under a misspelt name would be an empty table; that is a problem too."""
    listed = listed_files(folder)
    present = {path.stem for path in folder.iterdir()}
    for path in sorted(folder.iterdir()):
        if path.suffix in (".csv", ".parquet") and path.stem not in ALL_TABLES and path.name not in listed:
            hint = closest(path.stem, [name for name in ALL_TABLES if name not in present])
            if hint:
                remedy = "is no file of a trial package; rename it or take it out." + hint
                problems.append(Problem(path.name, None, None, None, remedy))
