"""A list of devices as a coordinator keeps it: a sheet in CSV or Excel with a row per device, read or refused cell by cell."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import openpyxl
from openpyxl.comments import Comment
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from nyttig.column import Column
from nyttig.errors import Problem
from nyttig.package.columns import TABLES, closest
from nyttig.saying import Saying
from nyttig.sheet import ListError, iso_time, plain_header, read_sheet, too_wide, with_point

_PACKAGE_COLUMNS = {column.name: column for column in (*TABLES["placements"], *TABLES["devices"])}

COLUMNS: dict[str, Column] = {
    name: _PACKAGE_COLUMNS[name]
    for name in ("device", "technology", "dialect", "address", "heartbeat_minutes", "power", "role")
} | {
    "trial": Column("trial", "text", "Id of the trial that the device belongs to"),
    "home": Column("home", "code", "Code of the home or demo apartment where it stands; empty: not placed"),
    "placed_at": Column("placed_at", "time", "From when it stands there, such as 2026-09-01 09:30"),
    "hardware_id": _PACKAGE_COLUMNS["hardware_id"],
}
"""What a list may say of a device. Only `device` must be there; what is empty stays as it is."""

_HEADERS: dict[str, tuple[str, ...]] = {
    "device": (
        "device", "device code", "device id", "enhet", "enhetskode", "enhets id", "utstyr", "enhed", "enhedskode",
        "enheds id", "udstyr",
    ),
    "technology": ("technology", "teknologi"),
    "dialect": ("dialect", "protocol", "dialekt", "protokoll", "protokol"),
    "address": ("address", "adresse"),
    "heartbeat_minutes": (
        "heartbeat minutes", "heartbeat", "livstegn minutter", "livstegn", "minutter mellom meldinger",
        "minutter mellem beskeder", "minutter mellem meldinger",
    ),
    "power": ("power", "power supply", "strøm", "strømkilde", "strømforsyning"),
    "role": ("role", "rolle"),
    "trial": ("trial", "trial id", "utprøving", "forsøk", "afprøvning", "forsøg"),
    "home": ("home", "home code", "site", "hjem", "hjemkode", "bolig", "boligkode"),
    "placed_at": (
        "placed at", "placed", "plassert", "plassert fra", "plassert tid", "montert", "placeret", "placeret fra",
        "monteret",
    ),
    "hardware_id": (
        "hardware id", "serial number", "maskinvare id", "maskinvareid", "serienummer", "ieee address", "deveui",
    ),
}  # fmt: skip
_BY_HEADER = {header: name for name, headers in _HEADERS.items() for header in headers}

_WORDS: dict[str, dict[str, str]] = {
    "power": {"batteri": "battery", "nett": "mains", "strømnett": "mains", "net": "mains", "lysnet": "mains"},
    "role": {"primær": "primary", "sekundær": "secondary"},
}


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list: its number as a spreadsheet shows it, and the text of its cells by column."""

    row: int
    cells: Mapping[str, str]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class DeviceList:
    """A list that could be read: its file's name (for problems), its rows, and the columns that mean nothing to us."""

    file: str
    lines: tuple[Line, ...]
    ignored_columns: tuple[str, ...] = field(default=())


def read(content: bytes, file: str) -> DeviceList:
    """The list that a CSV or Excel file holds; `file` is its name.

    Columns go by their names, in English, Norwegian or Danish and in any order; others are left alone and named in
    `ignored_columns`. Raises ListError where the file cannot be read or has no column of device codes.
    """
    sheet = read_sheet(
        content,
        file,
        _BY_HEADER.__contains__,
        if_empty=Saying("`nyttig register --template FILE` writes a sheet to start from"),
    )
    columns = [_BY_HEADER.get(plain_header(name)) for name in sheet.header]
    _check_header(file, sheet.header_row, sheet.header, columns)
    lines = tuple(_line(file, number, cells, columns) for number, cells in sheet.rows)
    ignored = tuple(
        name for name, column in zip(sheet.header, columns, strict=True) if name and column is None
    )
    return DeviceList(file, lines, ignored)


def write_template(path: Path) -> None:
    """An empty list stands at `path`, as Excel (.xlsx, with a second sheet that explains the columns) or CSV.

    Raises ListError where something is there already, the ending is another, or the disk refuses.
    """
    if path.suffix not in (".xlsx", ".csv"):
        raise ListError(f"{str(path)!r} is neither .xlsx nor .csv; choose one of the two")
    content = _template() if path.suffix == ".xlsx" else _csv_template()
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError as error:
        raise ListError(f"{str(path)!r} is there already; name a new file") from error
    except OSError as error:
        raise ListError(f"{str(path)!r} cannot be written ({error.strerror}); name another place") from error


def _csv_template() -> bytes:
    return ("\ufeff" + ";".join(COLUMNS) + "\r\n").encode()


def _template() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "devices"
    explained = book.create_sheet("columns")
    explained.append(["column", "what to write", "may be", "also called"])
    for number, (name, column) in enumerate(COLUMNS.items(), start=1):
        cell = sheet.cell(1, number, name)
        cell.comment = Comment(column.description, "Nyttig")
        letter = get_column_letter(number)
        sheet.column_dimensions[letter].width = 20
        if column.choices:
            allowed = DataValidation("list", formula1=f'"{",".join(column.choices)}"', allow_blank=True)
            allowed.add(f"{letter}2:{letter}10001")
            sheet.add_data_validation(allowed)
        explained.append([name, column.description, ", ".join(column.choices), ", ".join(_HEADERS[name][1:])])
    sheet.freeze_panes = "A2"
    for letter, width in (("A", 20), ("B", 80), ("C", 24), ("D", 60)):
        explained.column_dimensions[letter].width = width
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _check_header(file: str, row: int, header: Sequence[str], columns: list[str | None]) -> None:
    doubled = {name for name in columns if name is not None and columns.count(name) > 1}
    if doubled:
        both = [title for title, name in zip(header, columns, strict=True) if name in doubled]
        raise ListError(
            "{file}, row {row}: the columns {columns} mean the same; keep one of them",
            file=file,
            row=row,
            columns=", ".join(both),
        )
    if "device" not in columns:
        hint = next(
            (found for name in header if (found := closest(plain_header(name), _HEADERS["device"]))), ""
        )
        raise ListError(
            "{file}, row {row}: no column says which device it is; name one of them 'device' (also: enhet, enhed). The columns "
            "are: {columns}.{hint}",
            file=file,
            row=row,
            columns=", ".join(name for name in header if name) or "none",
            hint=hint,
        )


def _line(file: str, number: int, cells: list[str], columns: list[str | None]) -> Line:
    cells = cells + [""] * (len(columns) - len(cells))
    problems: tuple[Problem, ...] = ()
    if any(cells[len(columns) :]):
        remedy = too_wide(len(cells), len(columns))
        problems = (Problem(file, number, None, None, remedy),)
    named = zip(columns, cells, strict=False)
    return Line(number, {name: _usual(name, cell) for name, cell in named if name and cell}, problems)


def _usual(name: str, cell: str) -> str:
    """The cell as a trial package would say it, where only the way of writing differs."""
    if name in _WORDS:
        return _WORDS[name].get(cell.casefold(), cell.casefold())
    if name == "heartbeat_minutes":
        return with_point(cell)
    return iso_time(cell) if name == "placed_at" else cell
