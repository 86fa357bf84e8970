"""A sheet in CSV or Excel as people and programs of the Nordic countries write it, read as rows of text."""

from __future__ import annotations

import csv
import io
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

import openpyxl

from nyttig.errors import NyttigError
from nyttig.package.cells import cell_text
from nyttig.saying import Saying, parts

ROWS_MAX = 100_000
BYTES_MAX = 20 * 2**20
UNPACKED_BYTES_MAX = 300 * 2**20
"""A workbook is a zip file: what it says it unpacks to, before any of it is."""

CSV_TYPE = "text/csv"
EXCEL_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

HEADER_WITHIN = 30
"""Among so many filled rows the header is looked for: programs write a title and a date above it."""

# 24.08.2026, 24.08.26 and 24-08-2026, as Nordic spreadsheets write days; 8/24/2026 may be either way round.
_CLOCK = r"(?:(?:[ T]+|,? +kl\.? *)(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?)?"
_NORDIC_DAY = re.compile(r"(\d{1,2})([.\-])(\d{1,2})\2(\d{4}|(?<=\.)\d{2})" + _CLOCK)
_ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})" + _CLOCK)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")

Row = tuple[int, list[str]]
"""A row's number as a spreadsheet shows it, and its cells."""


class ListError(NyttigError):
    """The file is no list that can be used; the message says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why a row is refused: the column and its value where it is one cell's fault, and what to do.

    `said` holds what the remedy is made of: `template` and `values`.
    """

    column: str | None
    value: str | None
    remedy: str
    said: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "said", parts(self.remedy))


@dataclass(frozen=True, slots=True)
class Sheet:
    """A list that could be read: its file's name, its header, and the filled rows below it, each as wide as written."""

    file: str
    header_row: int
    header: tuple[str, ...]
    rows: tuple[Row, ...]


def read_sheet(content: bytes, file: str, is_known: Callable[[str], bool], *, if_empty: str) -> Sheet:
    """The sheet that a CSV file or the first sheet of a workbook holds; `file` is its name.

    The header is the row, among the first, with the most names that `is_known` knows; without any it is the first
    that is filled. `if_empty` is the remedy where nothing stands in the file. Raises ListError.
    """
    if len(content) > BYTES_MAX:
        raise ListError(
            "{file} has {size} MB; a list may have {most} MB: split it",
            file=file,
            size=len(content) // 2**20,
            most=BYTES_MAX // 2**20,
        )
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise ListError(
            "{file} is a workbook of the old kind (.xls) or locked by a password; save it as .xlsx without one",
            file=file,
        )

    def known(cells: list[str]) -> int:
        return sum(is_known(plain_header(cell)) for cell in cells if cell)

    rows = _excel(content, file) if content.startswith(b"PK\x03\x04") else _csv(content, file, known)
    filled = ((number, cells) for number, cells in rows if any(cells))
    first = list(islice(filled, HEADER_WITHIN))
    if not first:
        raise ListError("{file} is empty; {remedy}", file=file, remedy=if_empty)
    place = max(range(len(first)), key=lambda place: known(first[place][1]))
    header_row, header = first[place]
    kept = first[place + 1 :]
    for row in filled:
        if len(kept) == ROWS_MAX:
            raise ListError("{file} has more than {rows} rows; split it", file=file, rows=ROWS_MAX)
        kept.append(row)
    return Sheet(file, header_row, tuple(header), tuple(kept))


def plain_header(header: str) -> str:
    """A header without what people and programs vary: capitals, underscores, hyphens, stars and double spaces."""
    return " ".join(re.sub(r"[_\-*:()]", " ", header.casefold()).split())


def too_wide(cells: int, header: int) -> Saying:
    """The remedy for a row with more cells than the header has."""
    return Saying(
        "the row has {cells} cells and the header {header}; put quotes around a value that holds the separator",
        cells=cells,
        header=header,
    )


def iso_time(cell: str) -> str:
    """A day or time as Nordic spreadsheets write it, as ISO 8601 has it; anything else as it is."""
    if _ISO.fullmatch(cell):
        return cell
    if found := _NORDIC_DAY.fullmatch(cell):
        day, _, month, year, hour, minute, second = found.groups()
    elif found := _ISO_DAY.fullmatch(cell):
        year, month, day, hour, minute, second = found.groups()
    else:
        return cell
    clock = "" if hour is None else f"T{int(hour):02}:{minute}:{second or '00'}"
    century = "20" if len(year) == 2 else ""
    return f"{century}{year}-{int(month):02}-{int(day):02}{clock}"


def with_point(cell: str) -> str:
    """A number with a decimal comma with a point instead; anything else as it is."""
    return cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell


def _excel(content: bytes, file: str) -> Iterator[Row]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            unpacked = sum(each.file_size for each in packed.infolist())
        if unpacked > UNPACKED_BYTES_MAX:
            raise ListError(
                "{file} unpacks to {size} MB; keep the list alone in a workbook of its own",
                file=file,
                size=unpacked // 2**20,
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
        raise ListError(
            "{file} cannot be read as an Excel workbook; save it anew as .xlsx, or as CSV", file=file
        ) from error
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


def _csv(content: bytes, file: str, known: Callable[[list[str]], int]) -> Iterator[Row]:
    text = _decoded(content)
    stated = re.match(r"sep=(.)\r?\n", text)  # what Excel writes for itself
    if stated:
        text = text[stated.end() :]
    separator = stated[1] if stated else _separator(text, known)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):  # told where reading fails
            yield number, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise ListError(
            "{file}, row {row}: cannot be read ({error}); check its quotes, and that the file is whole",
            file=file,
            row=number + 1,
            error=str(error),
        ) from error


def _separator(text: str, known: Callable[[list[str]], int]) -> str:
    """The separator under which a line among the first has most known names, else the one its first line has most of."""
    filled = (line for line in io.StringIO(text, newline=None) if line.strip(" ;,\t\r\n"))
    lines = list(islice(filled, HEADER_WITHIN))

    def names(separator: str) -> int:
        return max(
            (known([cell.strip(' "\r\n') for cell in line.split(separator)]) for line in lines), default=0
        )

    first = lines[0] if lines else ""
    return max(";,\t", key=lambda separator: (names(separator), first.count(separator)))


def _decoded(content: bytes) -> str:
    """UTF-8 with or without its mark, UTF-16 with one, else what Nordic Excel calls plain CSV (Windows-1252)."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")
