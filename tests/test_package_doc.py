"""docs/package.md says of every file and column of a trial package what the program knows of it, and its examples load."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from conftest import PROJECT

from nyttig.column import Column, columns_of
from nyttig.entries.kinds import KINDS
from nyttig.errors import Problem
from nyttig.model import Gain, Parameters, Trial
from nyttig.package.columns import ALL_TABLES, ENTRY_TABLES
from nyttig.package.tables import read_rows

DOC = PROJECT / "docs" / "package.md"
BESIDE = ("entry", "version", "entered_at", "entered_by")
"""Columns that every file of entries may have; described once."""


def section(title: str) -> str:
    """The text below a heading, up to the next one."""
    found = re.search(
        rf"^#+ {re.escape(title)}$\n(.*?)(?=^#|\Z)", DOC.read_text(encoding="utf-8"), re.S | re.M
    )
    assert found, f"docs/package.md has no section {title!r}"
    return found[1]


def line_of(column: Column) -> str:
    """The column's line in the document."""
    what = {
        "choice": ", ".join(f"`{each}`" for each in column.choices),
        "time": "a time",
        "date": "a day",
        "day_or_time": "a day or a time",
        "time_of_day": "a time of day",
        "weekdays": "weekdays",
        "boolean": "true or false",
        "integer": "a whole number",
        "number": "a number",
        "code": "a code",
        "json": "a JSON object",
        "text": "text",
    }[column.kind]
    limits = [
        f"{word} {bound:g}"
        for word, bound in (("from", column.at_least), ("above", column.above), ("up to", column.at_most))
        if bound is not None
    ]
    return f"| `{column.name}`{' *' if column.required else ''} | {' '.join([what, *limits])} | {column.description} |"


def columns_below(title: str, columns: tuple[Column, ...]) -> None:
    wanted = [line_of(column) for column in columns]
    found = [line for line in section(title).splitlines() if line.startswith("| `")]
    assert found == wanted, f"below {title!r} these lines should stand:\n" + "\n".join(wanted)


@pytest.mark.parametrize("table", ALL_TABLES)
def test_every_column_of_a_file_stands_in_the_document(table: str) -> None:
    columns = ALL_TABLES[table]
    if table in ENTRY_TABLES:
        assert tuple(column.name for column in columns[: len(BESIDE)]) == BESIDE
        columns = columns[len(BESIDE) :]
    columns_below(f"`{table}.csv`", columns)


def test_every_key_of_trial_toml_stands_in_the_document() -> None:
    text = section("`trial.toml`")
    keys = {each.name for each in fields(Trial)} - {"gains", "parameters"}
    missing = sorted(key for key in keys if f"`{key}`" not in text)
    thresholds = section("`[parameters]`")
    missing += sorted(each.name for each in fields(Parameters) if f"`{each.name}`" not in thresholds)
    assert not missing, "trial.toml"
    columns_below("`[[gain]]`", columns_of(Gain))


def test_what_every_file_of_entries_may_have_stands_in_the_document_once() -> None:
    (first, *_others) = ENTRY_TABLES
    columns_below("What people enter", ALL_TABLES[first][: len(BESIDE)])


@pytest.mark.parametrize("table", [*ENTRY_TABLES, "entry_versions", "measures", "costs"])
def test_the_example_of_a_file_is_read_without_a_problem(table: str, tmp_path: Path) -> None:
    block = re.search(r"^```csv\n(.*?)^```", section(f"`{table}.csv`"), re.S | re.M)
    assert block, f"below `{table}.csv` there should be an example"
    path = tmp_path / f"{table}.csv"
    path.write_text(block[1], encoding="utf-8")
    problems: list[Problem] = []
    rows = read_rows(path, ALL_TABLES[table], ZoneInfo("Europe/Oslo"), problems)
    assert not problems, problems
    assert rows.rows
    if table in ENTRY_TABLES:
        told = {column.name: rows.rows[0].values.get(column.name) for column in ENTRY_TABLES[table].columns}
        ENTRY_TABLES[table].noun(**{name: value for name, value in told.items() if value is not None})


def test_every_kind_of_entry_names_its_file_in_the_document() -> None:
    text = DOC.read_text(encoding="utf-8")
    assert all(f"`{kind.table}.csv`" in text for kind in KINDS.values() if kind.name != "gain")
