"""Events and platform outages of an exported package, read in columns: millions of rows, batch by batch."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from nyttig.column import Column
from nyttig.errors import PackageError, Problem
from nyttig.model import TrialPackage
from nyttig.package.cells import YEARS, CellError, cell_text, parse
from nyttig.package.columns import ARROW_TYPES, EVENT_COLUMNS, OUTAGE_COLUMNS, arrow_schema
from nyttig.package.tables import check_header, separator, table_file

BATCH_BYTES = 8 * 2**20
BATCH_ROWS = 2**16
PROBLEMS_SHOWN = 20
"""Of one kind of problem in a long file this many are told; the rest are counted."""

_OFFSET = r"(Z|[+-]\d{2}:?\d{2})$"
_EPOCH_YEARS = (f"{YEARS[0]}-01-01T00:00:00Z", f"{YEARS[-1] + 1}-01-01T00:00:00Z")


def read_events(folder: Path, package: TrialPackage | None) -> pa.Table | None:
    """The events in `folder` by EVENT_SCHEMA, in the file's order; None where there is no such file.

    `received_at` is `at`, `origin` citizen and `late` false where not said. Raises PackageError with the
    problems (of each kind in each column the first twenty, and how many more); rows are counted without blank
    lines and rows of the wrong width. Without a `package`, because that has problems of its own, neither devices
    nor the trial's zone are known: the table is only good for finding more problems.
    """
    path = table_file(folder, "events")
    if path is None:
        return None
    reading = _Reading(path, EVENT_COLUMNS, ZoneInfo("UTC" if package is None else package.trial.timezone))
    devices = None if package is None else pa.array([each.device for each in package.devices], pa.string())
    batches = []
    for batch in reading.batches():
        if devices is not None:
            unknown = pc.and_(
                pc.is_valid(batch["device"]), pc.invert(pc.is_in(batch["device"], value_set=devices))
            )
            reading.complain(
                "device", batch["device"], unknown, "stands in no row of devices.csv; add it there"
            )
        defaults = {
            "received_at": batch["at"],
            "origin": pa.scalar("citizen"),
            "late": pa.scalar(False),
        }
        columns = [
            pc.coalesce(batch[name], defaults[name]) if name in defaults else batch[name]
            for name in reading.schema.names
        ]
        batches.append(pa.RecordBatch.from_arrays(columns, schema=reading.schema))
        reading.advance(len(batch))
    return reading.table(batches)


def read_outages(folder: Path) -> pa.Table | None:
    """The platform's outages in `folder` by OUTAGE_SCHEMA; None where there is no such file.

    Times need their offset. Raises PackageError with the problems.
    """
    path = table_file(folder, "outages")
    if path is None:
        return None
    reading = _Reading(path, OUTAGE_COLUMNS, None)
    batches = []
    for batch in reading.batches():
        backwards = pc.less(batch["ended_at"], batch["began_at"])
        reading.complain("ended_at", batch["ended_at"], backwards, "is before began_at; check both times")
        batches.append(batch)
        reading.advance(len(batch))
    return reading.table(batches)


class _Reading:
    """One file under way: how many rows are behind, and what was wrong in them."""

    def __init__(self, path: Path, columns: tuple[Column, ...], zone: ZoneInfo | None) -> None:
        self.path, self.columns, self.zone = path, columns, zone
        self.schema = arrow_schema(columns)
        self.rows = 0
        self.problems: list[Problem] = []
        self._seen: dict[tuple[str | None, str], int] = {}

    def advance(self, rows: int) -> None:
        self.rows += rows

    def table(self, batches: list[pa.RecordBatch]) -> pa.Table:
        for (column, remedy), count in self._seen.items():
            if count > PROBLEMS_SHOWN:
                more = f"and in {count - PROBLEMS_SHOWN} more rows: {remedy}"
                self.problems.append(Problem(self.path.name, None, column, None, more))
        if self.problems:
            raise PackageError(self.problems)
        return pa.Table.from_batches(batches, self.schema)

    def problem(self, index: int | None, column: str | None, value: str | None, remedy: str) -> None:
        count = self._seen.get((column, remedy), 0) + 1
        self._seen[(column, remedy)] = count
        if count <= PROBLEMS_SHOWN:
            row = None if index is None else self.rows + index + 2
            self.problems.append(Problem(self.path.name, row, column, value, remedy))

    def complain(self, column: str, values: pa.Array, wrong: pa.Array, remedy: str) -> None:
        """Each row where `wrong` is true becomes a problem."""
        for index in pc.indices_nonzero(pc.fill_null(wrong, False)).to_pylist():
            self.problem(index, column, cell_text(values[index].as_py()), remedy)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The file by batches of the schema; what cannot be read is null and a problem."""
        raw = self._csv() if self.path.suffix == ".csv" else self._parquet()
        try:
            for batch in raw:
                yield pa.RecordBatch.from_arrays(
                    [self._column(batch, column) for column in self.columns], schema=self.schema
                )
        except (pa.ArrowException, OSError) as error:
            remedy = (
                f"cannot be read from here on ({str(error).splitlines()[0]}); see that it is whole, and UTF-8"
            )
            self.problem(0, None, None, remedy)

    def _csv(self) -> Iterator[pa.RecordBatch]:
        with self.path.open(encoding="utf-8-sig", errors="replace") as file:
            first = file.readline()
        delimiter = separator(first)
        header = [name.strip().strip('"') for name in first.strip("\r\n").split(delimiter)]
        if not self._header_is_good(header):
            return
        options = {
            "read_options": pacsv.ReadOptions(
                block_size=BATCH_BYTES, use_threads=False, column_names=header, skip_rows=1
            ),
            "parse_options": pacsv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=self._ragged
            ),
            "convert_options": pacsv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=True, null_values=[""]
            ),
        }
        if first.strip() and self._holds_rows(len(first.encode())):
            with pacsv.open_csv(self.path, **options) as reader:
                yield from reader

    def _holds_rows(self, header_bytes: int) -> bool:
        with self.path.open("rb") as file:
            file.seek(header_bytes)
            return any(line.strip() for line in file)

    def _parquet(self) -> Iterator[pa.RecordBatch]:
        file = pq.ParquetFile(self.path)
        with contextlib.closing(file):
            if self._header_is_good(file.schema_arrow.names):
                yield from file.iter_batches(batch_size=BATCH_ROWS)

    def _header_is_good(self, header: list[str]) -> bool:
        before = len(self.problems)
        check_header(self.path.name, header, self.columns, self.problems)
        return len(self.problems) == before

    def _ragged(self, row: pacsv.InvalidRow) -> str:
        remedy = (
            f"the row has {row.actual_columns} cells and the header {row.expected_columns}; "
            "see that it is whole"
        )
        self.problems.append(Problem(self.path.name, row.number, None, row.text[:80], remedy))
        return "skip"

    def _column(self, batch: pa.RecordBatch, column: Column) -> pa.Array:
        """The column as its type. At once where all of it is well written, else row by row."""
        wanted = ARROW_TYPES[column.kind]
        if column.name not in batch.schema.names:
            return pa.nulls(len(batch), wanted)
        raw = batch[column.name]
        if pa.types.is_dictionary(raw.type):
            raw = raw.dictionary_decode()
        if pa.types.is_large_string(raw.type) or pa.types.is_string_view(raw.type):
            raw = raw.cast(pa.string())
        if pa.types.is_string(raw.type):
            if column.kind != "text":  # texts are kept as a device sent them, blanks and all
                raw = pc.utf8_trim_whitespace(raw)
            raw = pc.if_else(pc.equal(raw, ""), None, raw)
        if column.required:
            remedy = f"is empty; fill it in ({column.description})"
            self.complain(column.name, raw, pc.is_null(raw), remedy)
        values = _cast(raw, wanted, column)
        if values is None:
            values = pa.array(
                [self._parse(index, raw[index].as_py(), column) for index in range(len(raw))], wanted
            )
        self._check(column, values)
        return values

    def _parse(self, index: int, value: object, column: Column) -> object:
        text = cell_text(value)
        if not text:
            return None
        try:
            return parse(text, column, self.zone)
        except CellError as error:
            self.problem(index, column.name, text, str(error))
            return None

    def _check(self, column: Column, values: pa.Array) -> None:
        name = column.name
        if column.choices:
            wrong = pc.and_(
                pc.is_valid(values), pc.invert(pc.is_in(values, value_set=pa.array(column.choices)))
            )
            self.complain(name, values, wrong, f"is not one of: {', '.join(column.choices)}")
        elif column.kind == "text":
            remedy = "holds a NUL character, which cannot be stored; take it out"
            self.complain(name, values, pc.match_substring(values, "\x00"), remedy)
        elif column.kind == "number":
            remedy = "is no finite number; leave it empty where there is none"
            self.complain(name, values, pc.invert(pc.is_finite(values)), remedy)
        elif column.kind == "time" and not column.any_year:
            first, after = (pa.scalar(each).cast(ARROW_TYPES["time"]) for each in _EPOCH_YEARS)
            wrong = pc.or_(pc.less(values, first), pc.greater_equal(values, after))
            self.complain(
                name, values, wrong, f"lies outside the years {YEARS[0]}–{YEARS[-1]}; check the year"
            )
        elif column.kind == "json":
            self._check_json(column, values)

    def _check_json(self, column: Column, values: pa.Array) -> None:
        bad = {
            text for text in pc.unique(values).to_pylist() if text is not None and not _is_json(text, column)
        }
        if bad:
            wrong = pc.is_in(values, value_set=pa.array(sorted(bad)))
            self.complain(
                column.name, values, wrong, 'is no JSON object; write one such as {"battery_pct": 81}'
            )


def _cast(raw: pa.Array, wanted: pa.DataType, column: Column) -> pa.Array | None:
    """All of `raw` as the wanted type, or None where some of it has to be looked at singly."""
    if pa.types.is_null(raw.type):
        return pa.nulls(len(raw), wanted)
    text = pa.types.is_string(raw.type)
    if pa.types.is_timestamp(wanted):
        if text and pc.any(pc.invert(pc.match_substring_regex(raw, _OFFSET))).as_py():
            return None
        if pa.types.is_timestamp(raw.type) and raw.type.tz is None:
            return None
    if column.kind == "code" and not (
        text and pc.all(pc.match_substring_regex(raw, r"^[A-Za-z0-9._-]+$")).as_py()
    ):
        return None
    try:
        return pc.cast(raw, wanted, safe=text)
    except pa.ArrowInvalid:
        return None


def _is_json(text: str, column: Column) -> bool:
    try:
        parse(text, column, None)
    except CellError:
        return False
    return True
