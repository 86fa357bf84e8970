"""A trial package as a folder of files that says itself whether it is whole."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from nyttig import __version__
from nyttig.column import Column
from nyttig.errors import PackageError, Problem
from nyttig.model import Technology, Trial, TrialPackage, UseRule
from nyttig.package.cells import cell_text
from nyttig.package.columns import (
    ALL_TABLES,
    ENTRY_TABLES,
    EVENT_COLUMNS,
    OUTAGE_COLUMNS,
    TABLES,
    VERSION_COLUMNS,
    VERSIONS,
    arrow_schema,
    closest,
)
from nyttig.package.manifest import FILE as MANIFEST
from nyttig.package.manifest import check_manifest, describe_file, describe_package
from nyttig.package.versions import version_row

__all__ = ["check_manifest", "write"]

FORMATS = ("csv", "parquet")


def write(
    package: TrialPackage,
    folder: Path,
    *,
    formats: Collection[str] = ("csv",),
    events: pa.Table | Iterable[pa.RecordBatch] | None = None,
    outages: pa.Table | Iterable[pa.RecordBatch] | None = None,
    extra_manifest: Mapping[str, Any] | None = None,
) -> None:
    """`folder` holds the package, and `read` gives the same one back.

    `events` (EVENT_SCHEMA) and `outages` (OUTAGE_SCHEMA) are written batch by batch, never held whole.
    `extra_manifest` adds keys to datapackage.json (period, versions, gaps …), which is written last, into a
    folder beside the target that then takes its name: what stands there is whole or not there at all. Raises
    PackageError where the target is not empty, a format is unknown or the disk refuses.
    """
    for name in sorted(set(formats) - set(FORMATS)):
        remedy = f"is no format; write {' or '.join(FORMATS)}.{closest(name, FORMATS)}"
        raise PackageError([Problem(str(folder), None, None, name, remedy)])
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        remedy = "there is something there already; name a folder that is new or empty"
        raise PackageError([Problem(str(folder), None, None, None, remedy)])
    folder = folder.absolute()
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    try:
        partial.mkdir(parents=True)
        _write_all(
            package,
            partial,
            [each for each in FORMATS if each in formats],
            events,
            outages,
            extra_manifest or {},
        )
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    except OSError as error:
        remedy = f"cannot be written ({error.strerror or error}); make room, or name another folder"
        raise PackageError([Problem(str(folder), None, None, None, remedy)]) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_all(
    package: TrialPackage,
    folder: Path,
    formats: list[str],
    events: pa.Table | Iterable[pa.RecordBatch] | None,
    outages: pa.Table | Iterable[pa.RecordBatch] | None,
    extra: Mapping[str, Any],
) -> None:
    trial_file = folder / "trial.toml"
    trial_file.write_text(trial_toml(package.trial, package.technologies), encoding="utf-8", newline="\n")
    resources = [describe_file(trial_file, None, None)]
    zone = ZoneInfo(package.trial.timezone)
    for name, columns, rows in _tables(package):
        for suffix in formats:
            path = folder / f"{name}.{suffix}"
            if suffix == "csv":
                _write_csv(path, columns, rows, zone)
            else:
                _write_parquet(path, columns, rows)
            resources.append(describe_file(path, columns, len(rows)))
    for name, columns, batches in (("events", EVENT_COLUMNS, events), ("outages", OUTAGE_COLUMNS, outages)):
        if batches is not None:
            paths = [folder / f"{name}.{suffix}" for suffix in formats]
            count = _stream(paths, columns, batches)
            resources += [describe_file(path, columns, count) for path in paths]
    text = describe_package(package, resources, extra, __version__)
    (folder / MANIFEST).write_text(text, encoding="utf-8", newline="\n")


def _tables(package: TrialPackage) -> Iterator[tuple[str, tuple[Column, ...], list[list[Any]]]]:
    """Each table that is written: its name, its columns and its rows."""
    for name, columns in TABLES.items():
        yield (
            name,
            columns,
            [[getattr(each, column.name) for column in columns] for each in getattr(package, name)],
        )
    for name, kind in ENTRY_TABLES.items():
        rows = [
            [each.entry, each.version, each.entered_at, each.entered_by]
            + [getattr(each.data, column.name) for column in kind.columns]
            for each in package.entries
            if each.kind == kind.name
        ]
        if rows:
            yield name, ALL_TABLES[name], rows
    if package.versions:
        yield VERSIONS, VERSION_COLUMNS, [version_row(each) for each in package.versions]


def _write_csv(path: Path, columns: tuple[Column, ...], rows: list[list[Any]], zone: ZoneInfo) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        plain = csv.writer(file, lineterminator="\n")
        quoting = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        plain.writerow([column.name for column in columns])
        for row in rows:
            cells = [cell_text(_local(value, zone)) for value in row]
            # Before Python 3.13 csv leaves a carriage return without quotes, and a reader ends the row there.
            (quoting if any("\r" in cell for cell in cells) else plain).writerow(cells)


def _local(value: Any, zone: ZoneInfo) -> Any:
    return value.astimezone(zone) if isinstance(value, datetime) else value


def _write_parquet(path: Path, columns: tuple[Column, ...], rows: list[list[Any]]) -> None:
    schema = arrow_schema(columns)
    arrays = [pa.array([row[index] for row in rows], field.type) for index, field in enumerate(schema)]
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path)


def _stream(
    paths: list[Path], columns: tuple[Column, ...], source: pa.Table | Iterable[pa.RecordBatch]
) -> int:
    """Every batch goes to every file; the number of rows."""
    schema = arrow_schema(columns)
    as_text = pa.schema(
        [
            pa.field(each.name, pa.string() if pa.types.is_timestamp(each.type) else each.type)
            for each in schema
        ]
    )
    rows = 0
    with contextlib.ExitStack() as stack:
        writers = [
            stack.enter_context(
                pacsv.CSVWriter(path, as_text) if path.suffix == ".csv" else pq.ParquetWriter(path, schema)
            )
            for path in paths
        ]
        for batch in _batches(source):
            typed = batch.select(schema.names).cast(schema)
            rows += len(typed)
            for path, writer in zip(paths, writers, strict=True):
                writer.write_batch(_time_texts(typed, as_text) if path.suffix == ".csv" else typed)
    return rows


def _batches(source: pa.Table | Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from source.to_batches() if isinstance(source, pa.Table) else source


def _time_texts(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([_time_text(column) for column in batch.columns], schema=schema)


def _time_text(column: pa.Array) -> pa.Array:
    if not pa.types.is_timestamp(column.type):
        return column
    return pc.utf8_replace_slice(column.cast(pa.string()), start=10, stop=11, replacement="T")


def trial_toml(trial: Trial, technologies: Iterable[Technology]) -> str:
    """The text of trial.toml, with every threshold spelled out."""
    lines = _pairs(
        {
            "id": trial.id,
            "title": trial.title,
            "programme": trial.programme,
            "units": list(trial.units),
            "technology": trial.technology,
            "timezone": trial.timezone,
            "currency": trial.currency,
            "starts": trial.starts,
            "ends": trial.ends,
        }
    )
    lines += [
        "",
        "[parameters]",
        *_pairs({each.name: getattr(trial.parameters, each.name) for each in fields(trial.parameters)}),
    ]
    for gain in trial.gains:
        lines += ["", "[[gain]]", *_pairs({each.name: getattr(gain, each.name) for each in fields(gain)})]
    for technology in technologies:
        lines += [
            "",
            f"[technologies.{technology.id}]",
            *_pairs(
                {
                    "titles": dict(technology.titles),
                    "usage_class": technology.usage_class,
                    "use": [_rule(rule) for rule in technology.use_rules],
                    "joining_gap_minutes": technology.joining_gap_minutes,
                    "heartbeat_minutes": technology.heartbeat_minutes,
                    "minimum_uses_per_day": technology.minimum_uses_per_day,
                    "armed": [_rule(rule) for rule in technology.armed_rules] or None,
                    "alarm": list(technology.alarm) or None,
                    "alarm_handled": list(technology.alarm_handled) or None,
                }
            ),
        ]
    return "\n".join(lines) + "\n"


def _rule(rule: UseRule) -> dict[str, Any]:
    """The rule's fields; None, which is not written, where `bare` is false."""
    return {each.name: getattr(rule, each.name) for each in fields(rule)} | {"bare": rule.bare or None}


def _pairs(values: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_toml(value)}" for key, value in values.items() if value is not None]


def _toml(value: Any) -> str:
    if isinstance(value, str):
        # A JSON string is a TOML basic string (but for DEL, which no package holds).
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(_pairs(value)) + " }"
    return cell_text(value)
