"""A list of devices as a coordinator keeps it: a sheet in CSV or Excel with a row per device, read or refused cell by cell."""

from __future__ import annotations

import csv
import io
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.comments import Comment
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from nyttig.errors import NyttigError, Problem
from nyttig.package.cells import cell_text
from nyttig.package.columns import TABLES, Column, closest

ROWS_MAX = 100_000
BYTES_MAX = 20 * 2**20
UNPACKED_BYTES_MAX = 300 * 2**20
"""A workbook is a zip file: what it says it unpacks to, before any of it is."""

CSV_TYPE = "text/csv"
EXCEL_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

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
# 24.08.2026 and 24-08-2026, as Norwegian and Danish spreadsheets write days; 8/24/2026 may be either way round.
_NORDIC_DAY = re.compile(r"(\d{1,2})([.\-])(\d{1,2})\2(\d{4})(?:[ T]+(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


class ListError(NyttigError):
    """The file is no list of devices; the message says what is wrong and what to do."""


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
    if len(content) > BYTES_MAX:
        raise ListError(
            f"{file} has {len(content) // 2**20} MB; a list may have {BYTES_MAX // 2**20} MB: split it"
        )
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise ListError(
            f"{file} is a workbook of the old kind (.xls) or locked by a password; save it as .xlsx without one"
        )
    rows = _excel(content, file) if content.startswith(b"PK\x03\x04") else _csv(content, file)
    numbered = ((number, cells) for number, cells in rows if any(cells))
    header_row, header = next(numbered, (1, []))
    if not header:
        raise ListError(f"{file} is empty; `nyttig register --template FILE` writes a sheet to start from")
    columns = [_BY_HEADER.get(_plain(name)) for name in header]
    _check_header(file, header_row, header, columns)
    lines: list[Line] = []
    for number, cells in numbered:
        if len(lines) == ROWS_MAX:
            raise ListError(f"{file} has more than {ROWS_MAX} rows; split it")
        lines.append(_line(file, number, cells, columns))
    ignored = tuple(name for name, column in zip(header, columns, strict=True) if name and column is None)
    return DeviceList(file, tuple(lines), ignored)


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


def _excel(content: bytes, file: str) -> Iterator[tuple[int, list[str]]]:
    unreadable = f"{file} cannot be read as an Excel workbook; save it anew as .xlsx, or as CSV"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            unpacked = sum(each.file_size for each in packed.infolist())
        if unpacked > UNPACKED_BYTES_MAX:
            raise ListError(
                f"{file} unpacks to {unpacked // 2**20} MB; keep the list alone in a workbook of its own"
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that openpyxl does not know
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # some writers state them wrong
            rows = [[_excel_text(value) for value in cells] for cells in sheet.iter_rows(values_only=True)]
            book.close()
    except ListError:
        raise
    except Exception as error:  # openpyxl raises whatever its parsers do at a damaged file
        raise ListError(unreadable) from error
    return iter(enumerate(rows, start=1))


def _excel_text(value: Any) -> str:
    """The text of an Excel cell: whole numbers without decimals, times to the second (Excel's own are not exact)."""
    if isinstance(value, datetime):
        rounded = (value + timedelta(milliseconds=500)).replace(microsecond=0)
        return rounded.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return cell_text(value)


def _csv(content: bytes, file: str) -> Iterator[tuple[int, list[str]]]:
    text = _decoded(content)
    stated = re.match(r"sep=(.)\r?\n", text)  # what Excel writes for itself
    if stated:
        text = text[stated.end() :]
    header = next((line for line in text.splitlines() if line.strip(" ;,\t")), "")
    separator = stated[1] if stated else max(";,\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):  # told where reading fails
            yield number, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise ListError(
            f"{file}, row {number + 1}: cannot be read ({error}); check its quotes, and that the file is whole"
        ) from error


def _decoded(content: bytes) -> str:
    """UTF-8 with or without its mark, UTF-16 with one, else what Nordic Excel calls plain CSV (Windows-1252)."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _plain(header: str) -> str:
    """A header without what people and programs vary: capitals, underscores, hyphens, stars and double spaces."""
    return " ".join(re.sub(r"[_\-*:()]", " ", header.casefold()).split())


def _check_header(file: str, row: int, header: list[str], columns: list[str | None]) -> None:
    doubled = {name for name in columns if name is not None and columns.count(name) > 1}
    if doubled:
        both = [title for title, name in zip(header, columns, strict=True) if name in doubled]
        raise ListError(f"{file}, row {row}: the columns {', '.join(both)} mean the same; keep one of them")
    if "device" not in columns:
        hint = next((found for name in header if (found := closest(_plain(name), _HEADERS["device"]))), "")
        raise ListError(
            f"{file}, row {row}: no column says which device it is; name one of them 'device' (also: enhet, enhed)."
            f" The columns are: {', '.join(name for name in header if name) or 'none'}.{hint}"
        )


def _line(file: str, number: int, cells: list[str], columns: list[str | None]) -> Line:
    cells = cells + [""] * (len(columns) - len(cells))
    problems: tuple[Problem, ...] = ()
    if any(cells[len(columns) :]):
        remedy = (
            f"the row has {len(cells)} cells and the header {len(columns)}; put quotes around a value that holds the "
            "separator"
        )
        problems = (Problem(file, number, None, None, remedy),)
    named = zip(columns, cells, strict=False)
    return Line(number, {name: _usual(name, cell) for name, cell in named if name and cell}, problems)


def _usual(name: str, cell: str) -> str:
    """The cell as a trial package would say it, where only the way of writing differs."""
    if name in _WORDS:
        return _WORDS[name].get(cell.casefold(), cell.casefold())
    if name == "heartbeat_minutes" and _DECIMAL_COMMA.fullmatch(cell):
        return cell.replace(",", ".")
    if name == "placed_at" and (found := _NORDIC_DAY.fullmatch(cell)):
        day, _, month, year, hour, minute, second = found.groups()
        clock = "" if hour is None else f"T{int(hour):02}:{minute}:{second or '00'}"
        return f"{year}-{int(month):02}-{int(day):02}{clock}"
    return cell
