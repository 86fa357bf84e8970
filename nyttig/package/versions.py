"""entry_versions: how all that was entered came to stand as it does, so that its history moves with a package."""

from __future__ import annotations

import json
from typing import Any

from nyttig.entries.kinds import KINDS, to_json
from nyttig.errors import Problem
from nyttig.model import Entry
from nyttig.package.cells import parse_fields
from nyttig.package.tables import Row, Rows
from nyttig.package.trial import TrialFile

_NEEDED = ("entry", "version", "kind", "entered_at", "entered_by")


def version_row(entry: Entry) -> list[Any]:
    """The cells of one version, in the order of VERSION_COLUMNS."""
    data = None if entry.data is None else json.dumps(to_json(entry.data), ensure_ascii=False)
    return [
        entry.entry,
        entry.version,
        entry.kind,
        entry.entered_at,
        entry.entered_by,
        entry.loaded,
        data,
    ]


def versions_of(rows: Rows, trial: TrialFile, problems: list[Problem]) -> tuple[Entry, ...]:
    """The table's versions in its order; whatever is wrong is added to `problems`.

    The versions of an entry stand one after another from 1 on, all of one kind. Fields that a kind no longer has are
    passed over.
    """
    found: list[Entry] = []
    newest: dict[str, Entry] = {}
    for row in rows.rows:
        if not row.has(*_NEEDED):
            continue
        entry = _version(rows, row, trial, problems)
        before = newest.get(entry.entry)
        expected = 1 if before is None else before.version + 1
        if entry.version != expected:
            remedy = f"does not follow: version {expected} of {entry.entry} comes here; take the export anew"
            problems.append(Problem(rows.file, row.number, "version", str(entry.version), remedy))
        if before is not None and before.kind != entry.kind:
            remedy = f"{entry.entry} is a {before.kind} in an earlier row; give each entry a code of its own"
            problems.append(Problem(rows.file, row.number, "kind", entry.kind, remedy))
        newest[entry.entry] = entry
        found.append(entry)
    return tuple(found)


def _version(rows: Rows, row: Row, trial: TrialFile, problems: list[Problem]) -> Entry:
    values, kind = row.values, KINDS[row.values["kind"]]
    data = None
    if values.get("data") is not None:
        fields = json.loads(values["data"])
        told, wrong = parse_fields(fields, kind.columns, trial.zone)
        for name, remedy in wrong:
            said = fields.get(name)
            shown = None if said is None else str(said)
            problems.append(Problem(rows.file, row.number, f"data.{name}", shown, remedy))
        data = None if wrong else kind.noun(**told)
    return Entry(
        values["entry"],
        values["version"],
        kind.name,
        trial.trial.id if kind.of_trial and trial.trial is not None else None,
        data,
        values["entered_at"],
        values["entered_by"],
        bool(values.get("loaded")),
    )
