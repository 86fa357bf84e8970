"""A table file of a package as rows of values, with everything that is wrong in it."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from nyttig.column import Column
from nyttig.errors import Problem
from nyttig.package.cells import CellError, cell_text, parse
from nyttig.package.columns import closest


@dataclass(slots=True)
class Row:
    """One row: its number as a spreadsheet shows it (header: row 1), its values, which cells are bad.

    `stood`: the package's history says the same, so it stood in a Nyttig and need not be judged anew.
    """

    number: int
    values: dict[str, Any] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)
    stood: bool = False

    def has(self, *names: str) -> bool:
        """Whether all these cells are filled and could be read."""
        return all(name not in self.bad and self.values.get(name) is not None for name in names)


@dataclass(slots=True)
class Rows:
    """A table that was read: its file's name (for problems) and its rows."""

    file: str
    rows: list[Row] = field(default_factory=list)


def table_file(folder: Path, name: str) -> Path | None:
    """The file of a table: `name.csv`, else `name.parquet`, else None."""
    for suffix in (".csv", ".parquet"):
        path = folder / (name + suffix)
        if path.is_file():
            return path
    return None


def read_rows(path: Path, columns: tuple[Column, ...], zone: ZoneInfo, problems: list[Problem]) -> Rows:
    """The rows of a CSV or Parquet file, each cell parsed; whatever is wrong is added to `problems`."""
    lines = _csv_lines(path, problems) if path.suffix == ".csv" else _parquet_lines(path, problems)
    result = Rows(path.name)
    if not lines:
        return result
    header = [cell.strip() for cell in lines[0][1]]
    check_header(path.name, header, columns, problems)
    by_name = {column.name: column for column in columns}
    for number, cells in lines[1:]:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            remedy = (
                f"the row has {len(cells)} cells and the header {len(header)}; put quotes around a value "
                "that holds the separator, and see that the row is whole"
            )
            problems.append(Problem(path.name, number, None, None, remedy))
            continue
        row = Row(number)
        for name, cell in zip(header, cells, strict=True):
            if name == "" and cell.strip():
                remedy = "stands in a column without a name; name the column or empty it"
                problems.append(Problem(path.name, number, None, cell, remedy))
            if name in by_name and name not in row.values:
                _read_cell(path.name, row, by_name[name], cell.strip(), zone, problems)
        result.rows.append(row)
    return result


def check_header(file: str, header: list[str], columns: tuple[Column, ...], problems: list[Problem]) -> None:
    """Unknown, doubled and missing columns are added to `problems`."""
    known = [column.name for column in columns]
    for name in dict.fromkeys(header):
        if name and name not in known:
            missing = [each for each in known if each not in header]
            hint = closest(name, missing) or f" The columns are: {', '.join(known)}."
            problems.append(Problem(file, 1, name, None, "no such column; rename it or take it out." + hint))
        if name and header.count(name) > 1:
            problems.append(Problem(file, 1, name, None, "the column stands there twice; keep one"))
    for column in columns:
        if column.required and column.name not in header:
            remedy = f"the column is missing; add it ({column.description})"
            problems.append(Problem(file, 1, column.name, None, remedy))


def separator(header_line: str) -> str:
    """The separator by the header: a semicolon as Nordic spreadsheets write it, else a comma."""
    return ";" if header_line.count(";") > header_line.count(",") else ","


def _read_cell(
    file: str, row: Row, column: Column, text: str, zone: ZoneInfo, problems: list[Problem]
) -> None:
    row.values[column.name] = None
    if not text:
        if column.required:
            row.bad.add(column.name)
            remedy = f"is empty; fill it in ({column.description})"
            problems.append(Problem(file, row.number, column.name, "", remedy))
        return
    try:
        row.values[column.name] = parse(text, column, zone)
    except CellError as error:
        row.bad.add(column.name)
        problems.append(Problem(file, row.number, column.name, text, str(error)))


def _csv_lines(path: Path, problems: list[Problem]) -> list[tuple[int, list[str]]]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        remedy = "is not UTF-8; save the file as 'CSV UTF-8' in the spreadsheet"
        line = raw[: error.start].count(b"\n") + 1
        problems.append(Problem(path.name, line, None, f"byte {raw[error.start]:#04x}", remedy))
        return []
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator(text.partition("\n")[0]), strict=True
    )
    lines: list[tuple[int, list[str]]] = []
    try:
        for cells in reader:
            lines.append((len(lines) + 1, cells))
    except csv.Error as error:
        remedy = f"the row cannot be read ({error}); check its quotes, and that the file is whole"
        problems.append(Problem(path.name, len(lines) + 1, None, None, remedy))
        return lines
    if not lines:
        problems.append(
            Problem(path.name, 1, None, None, "the file is empty; give it a header, or delete it")
        )
    return lines


def _parquet_lines(path: Path, problems: list[Problem]) -> list[tuple[int, list[str]]]:
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        remedy = f"cannot be read as Parquet ({str(error).splitlines()[0]}); write the file anew"
        problems.append(Problem(path.name, None, None, None, remedy))
        return []
    columns = [[cell_text(value) for value in column.to_pylist()] for column in table.columns]
    rows = [list(cells) for cells in zip(*columns, strict=True)]
    return [(1, list(table.column_names)), *enumerate(rows, start=2)]
