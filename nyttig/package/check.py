"""What the tables of a package must say together: who is known, what overlaps, what cannot have happened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from nyttig.entries.benefit import contradiction
from nyttig.entries.kinds import EntryKind
from nyttig.errors import Problem
from nyttig.package.columns import ENTRY_TABLES, closest
from nyttig.package.tables import Row, Rows
from nyttig.package.trial import TrialFile

_OF_OTHER_UNITS = frozenset({"ideas", "enquiries"})
"""Entries that may concern a unit that takes no part."""

_FOREVER = datetime.max.replace(tzinfo=UTC)


def check(tables: dict[str, Rows], trial: TrialFile, problems: list[Problem]) -> None:
    """Whatever the tables contradict, in themselves, each other or the trial, is added to `problems`.

    A cell that could not be read is left out, so that one slip is one problem.
    """
    homes, devices = _keys(tables["homes"], "home"), _keys(tables["devices"], "device")
    _unique(tables["homes"], ("home",), problems)
    _unique(tables["devices"], ("device",), problems)
    _unique(tables["devices"], ("dialect", "address"), problems)
    _unique(tables["pauses"], ("home", "paused_from"), problems)
    _unique(tables["units"], ("unit",), problems)
    for name in ("placements", "pauses", "schedules", "visits", "measures"):
        _known(tables[name], "home", homes, "homes.csv", problems)
    _known(tables["placements"], "device", devices, "devices.csv", problems)
    _homes(tables["homes"], trial, problems)
    _devices(tables["devices"], trial, problems)
    _ends_after(tables["placements"], "placed_at", "removed_at", problems)
    _ends_after(tables["pauses"], "paused_from", "paused_to", problems)
    _ends_after(tables["visits"], "started_at", "ended_at", problems, or_at=True)
    _ends_after(tables["schedules"], "from_day", "to_day", problems, or_at=True)
    _units(tables["units"], trial, problems)
    _placements(tables["placements"], problems)
    _retired(tables["placements"], tables["devices"], problems)
    _visits(tables["visits"], trial, problems)


def check_entries(
    entered: dict[str, Rows], tables: dict[str, Rows], trial: TrialFile, problems: list[Problem]
) -> None:
    """Whatever entries name that nobody knows, keys that stand twice and fields that contradict each other are added.

    A row that stood in a Nyttig may name what was taken back since.
    """
    homes = _keys(tables["homes"], "home")
    _named(entered["ambassador_activities"], "ambassador", entered["ambassadors"], "code", problems)
    _named(entered["votes"], "idea", entered["ideas"], "entry", problems)
    _voices(entered["votes"], problems)
    for name, rows in entered.items():
        _known(rows, "home", homes, "homes.csv", problems)
        _unique(rows, ("entry",), problems)
        key = ENTRY_TABLES[name].key
        if key is not None:
            _unique(rows, (key,), problems)
        if trial.trial is not None:
            _known(rows, "gain", frozenset(gain.id for gain in trial.trial.gains), "trial.toml", problems)
        if trial.units and name not in _OF_OTHER_UNITS:
            _known(rows, "unit", frozenset(trial.units), "units in trial.toml", problems)
        _contradictions(rows, ENTRY_TABLES[name], problems)


def _named(rows: Rows, column: str, others: Rows, key: str, problems: list[Problem]) -> None:
    """Entries name others of the package."""
    if not any(key in row.bad for row in others.rows):
        _known(rows, column, _keys(others, key), others.file, problems)


def _voices(rows: Rows, problems: list[Problem]) -> None:
    """Each voter has one voice for an idea."""
    first: dict[tuple[str, str], int] = {}
    for row in rows.rows:
        if row.has("idea", "voter"):
            voice = (row.values["idea"], row.values["voter"].casefold())
            if voice in first and not row.stood:
                remedy = (
                    f"has a voice for this idea already (row {first[voice]}); one voice each, so take one out"
                )
                problems.append(_problem(rows, row, "voter", remedy))
            first.setdefault(voice, row.number)


def _contradictions(rows: Rows, kind: EntryKind, problems: list[Problem]) -> None:
    needed = [column.name for column in kind.columns if column.required]
    names = [column.name for column in kind.columns]
    for row in rows.rows:
        if row.has(*needed) and not row.bad:
            told = {name: value for name in names if (value := row.values.get(name)) is not None}
            if fault := contradiction(kind.noun(**told)):
                problems.append(_problem(rows, row, *fault))


def _problem(rows: Rows, row: Row, column: str, remedy: str) -> Problem:
    value = row.values.get(column)
    return Problem(rows.file, row.number, column, None if value is None else str(value), remedy)


def _keys(rows: Rows, column: str) -> frozenset[str]:
    return frozenset(row.values[column] for row in rows.rows if row.has(column))


def _known(rows: Rows, column: str, known: frozenset[str], where: str, problems: list[Problem]) -> None:
    for row in rows.rows:
        if row.has(column) and not row.stood and row.values[column] not in known:
            remedy = f"stands in no row of {where}; add it there or correct it."
            problems.append(_problem(rows, row, column, remedy + closest(row.values[column], known)))


def _unique(rows: Rows, columns: tuple[str, ...], problems: list[Problem]) -> None:
    first: dict[tuple[Any, ...], int] = {}
    for row in rows.rows:
        if row.has(*columns):
            key = tuple(row.values[column] for column in columns)
            if key in first:
                remedy = f"stands in row {first[key]} already; keep one of the two, or tell them apart"
                problems.append(_problem(rows, row, columns[-1], remedy))
            first.setdefault(key, row.number)


def _homes(rows: Rows, trial: TrialFile, problems: list[Problem]) -> None:
    for row in rows.rows:
        if trial.units and row.has("unit") and row.values["unit"] not in trial.units:
            remedy = "is no unit of the trial; correct it, or add it to units in trial.toml."
            problems.append(_problem(rows, row, "unit", remedy + closest(row.values["unit"], trial.units)))
        if row.has("installed_on", "ended_on") and row.values["ended_on"] < row.values["installed_on"]:
            remedy = f"is before the installation ({row.values['installed_on']}); check both days"
            problems.append(_problem(rows, row, "ended_on", remedy))
        if row.has("end_reason") and row.values.get("ended_on") is None and "ended_on" not in row.bad:
            remedy = "is a reason for an end without a day; fill in ended_on, or empty the reason"
            problems.append(_problem(rows, row, "end_reason", remedy))


def _devices(rows: Rows, trial: TrialFile, problems: list[Problem]) -> None:
    for row in rows.rows:
        technology, dialect, address = (row.values.get(each) for each in ("technology", "dialect", "address"))
        if technology is not None and technology not in trial.technologies:
            remedy = "is no technology that Nyttig knows; define it under [technologies.…] in trial.toml."
            problems.append(
                _problem(rows, row, "technology", remedy + closest(technology, trial.technologies))
            )
        elif (
            row.has("technology", "role")
            and row.values["role"] == "primary"
            and trial.technology not in (None, technology)
        ):
            remedy = (
                f"is not what the trial tries ({trial.technology}), and the device is primary; "
                "make its role secondary"
            )
            problems.append(_problem(rows, row, "technology", remedy))
        if dialect != "nyttig" and address is None and not row.bad & {"dialect", "address", "device"}:
            remedy = f"is empty; fill in the name by which the dialect {dialect!r} knows the device"
            problems.append(_problem(rows, row, "address", remedy))
        if dialect == "nyttig" and address is not None and set(address) & set("/+#"):
            remedy = "stands in an MQTT topic and may hold none of / + #; change it"
            problems.append(_problem(rows, row, "address", remedy))
        for said, unsaid in (("retired_at", "retired_because"), ("retired_because", "retired_at")):
            if row.has(said) and row.values.get(unsaid) is None and unsaid not in row.bad:
                remedy = f"says that the device is retired, and {unsaid} is empty; fill in both, or neither"
                problems.append(_problem(rows, row, said, remedy))


def _ends_after(rows: Rows, start: str, end: str, problems: list[Problem], *, or_at: bool = False) -> None:
    for row in rows.rows:
        if not row.has(start, end):
            continue
        begins, ends = row.values[start], row.values[end]
        if ends < begins or (ends == begins and not or_at):
            remedy = f"is not after {start} ({begins.isoformat()}); check both times"
            problems.append(_problem(rows, row, end, remedy))


def _grouped(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def _placements(rows: Rows, problems: list[Problem]) -> None:
    whole = [row for row in rows.rows if row.has("device", "placed_at") and "removed_at" not in row.bad]
    for device, placed in _grouped(whole, lambda row: row.values["device"]).items():
        in_time = sorted(placed, key=lambda row: row.values["placed_at"])
        for earlier, later in pairwise(in_time):
            until = earlier.values.get("removed_at") or _FOREVER
            if later.values["placed_at"] < until or later.values["placed_at"] == earlier.values["placed_at"]:
                remedy = (
                    f"{device} still stands at {earlier.values.get('home')} then (row {earlier.number}); "
                    "a device is in one place at a time: fill in or correct removed_at of that row"
                )
                problems.append(_problem(rows, later, "placed_at", remedy))


def _retired(placements: Rows, devices: Rows, problems: list[Problem]) -> None:
    retired = {
        row.values["device"]: row.values["retired_at"]
        for row in devices.rows
        if row.has("device", "retired_at")
    }
    for row in placements.rows:
        if not row.has("device", "placed_at") or "removed_at" in row.bad:
            continue
        until, retired_at = row.values.get("removed_at") or _FOREVER, retired.get(row.values["device"])
        if retired_at is not None and until > retired_at:
            remedy = f"the device is retired from {retired_at.isoformat()} on (devices.csv); its placement ends then"
            problems.append(_problem(placements, row, "removed_at", remedy))


def _units(rows: Rows, trial: TrialFile, problems: list[Problem]) -> None:
    for row in rows.rows:
        if row.has("unit", "joined_on") and trial.units and row.values["unit"] not in trial.units:
            remedy = "joined, and is no unit of the trial; add it to units in trial.toml, or empty joined_on."
            problems.append(_problem(rows, row, "unit", remedy + closest(row.values["unit"], trial.units)))
        for part, whole in (("ambassadors_trained", "staff"), ("ambassadors_active", "ambassadors_trained")):
            if row.has(part, whole) and row.values[part] > row.values[whole]:
                remedy = f"is more than {whole} ({row.values[whole]}), of which it is a part; check both"
                problems.append(_problem(rows, row, part, remedy))


def _visits(rows: Rows, trial: TrialFile, problems: list[Problem]) -> None:
    for row in rows.rows:
        unsaid = row.values.get("travel_minutes") is None and "travel_minutes" not in row.bad
        if unsaid and row.values.get("kind") == "physical":
            remedy = (
                "is empty for a visit at the door; fill in the minutes under way, 0 where there were none"
            )
            problems.append(_problem(rows, row, "travel_minutes", remedy))
    whole = [row for row in rows.rows if row.has("home", "period", "started_at")]
    for (home, period), visits in _grouped(
        whole, lambda row: (row.values["home"], row.values["period"])
    ).items():
        first = min(visits, key=lambda row: row.values["started_at"])
        last = max(visits, key=lambda row: row.values["started_at"])
        first_day, last_day = (
            each.values["started_at"].astimezone(trial.zone).date() for each in (first, last)
        )
        days = (last_day - first_day).days + 1
        if days > trial.registration_days:
            remedy = (
                f"the visits {period!r} at {home} span {days} days, from row {first.number} on, and a "
                f"registration period has {trial.registration_days}; correct the times, or set "
                f"days = {days} under [registration] in trial.toml"
            )
            problems.append(_problem(rows, last, "started_at", remedy))
