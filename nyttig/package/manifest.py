"""datapackage.json: what an export says about itself, and whether the files are still that.

A Frictionless Data Package (https://specs.frictionlessdata.io/data-package/, version 1) with the extra keys
`rows` (data rows of a table), `period`, `versions` and `gaps`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from nyttig.column import Column
from nyttig.errors import Problem
from nyttig.model import TrialPackage
from nyttig.package.columns import CODE_PATTERN
from nyttig.package.tables import separator

FILE = "datapackage.json"
MEDIA_TYPES = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "toml": "application/toml",
}
_FIELD_TYPES = {
    "code": "string",
    "text": "string",
    "choice": "string",
    "date": "date",
    "time": "datetime",
    "day_or_time": "datetime",
    "time_of_day": "time",
    "weekdays": "string",
    "number": "number",
    "integer": "integer",
    "boolean": "boolean",
    "json": "object",
}


def sha256(path: Path) -> str:
    """The file's checksum as a manifest writes it: `sha256:` and 64 hexadecimal digits."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def describe_file(path: Path, columns: tuple[Column, ...] | None, rows: int | None) -> dict[str, Any]:
    """The resource entry of a finished file; `columns` None for one that is no table."""
    suffix = path.suffix.removeprefix(".")
    resource: dict[str, Any] = {
        "name": path.stem if suffix != "parquet" else f"{path.stem}-parquet",
        "path": path.name,
        "format": suffix,
        "mediatype": MEDIA_TYPES[suffix],
        "bytes": path.stat().st_size,
        "hash": sha256(path),
    }
    if suffix != "parquet":
        resource["encoding"] = "utf-8"
    if columns is not None:
        resource["profile"] = "tabular-data-resource"
        resource["rows"] = rows
        resource["schema"] = {"fields": [_field(column) for column in columns], "missingValues": [""]}
    return resource


def describe_package(
    package: TrialPackage, resources: list[dict[str, Any]], extra: Mapping[str, Any], version: str
) -> str:
    """The manifest's text. `extra` adds keys (gaps …); a period in it replaces the trial's days."""
    trial = package.trial
    manifest: dict[str, Any] = {
        "profile": "data-package",
        "name": trial.id,
        "title": trial.title,
        "period": {"starts": trial.starts, "ends": trial.ends, "timezone": trial.timezone},
        **extra,
        "versions": {"nyttig": version, **extra.get("versions", {})},
        "resources": resources,
    }
    return json.dumps(manifest, ensure_ascii=False, indent=2, default=_plain) + "\n"


def listed_files(folder: Path) -> frozenset[str]:
    """The file names that the folder's manifest lists; empty where there is none or it cannot be read."""
    try:
        resources = json.loads((folder / FILE).read_text(encoding="utf-8-sig")).get("resources", [])
        return frozenset(str(each["path"]) for each in resources if isinstance(each, dict) and "path" in each)
    except (OSError, ValueError, AttributeError, TypeError):
        return frozenset()


def check_manifest(folder: Path) -> list[Problem]:
    """What differs between the folder's files and its datapackage.json; empty where there is no manifest.

    Sizes, checksums and row counts are held against the files where the manifest states them, so one written
    by hand without them is fine.
    """
    path = folder / FILE
    if not path.is_file():
        return []
    try:
        manifest = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        remedy = (
            f"is no JSON ({error}); take the export anew, or delete the file to load the tables unchecked"
        )
        return [Problem(FILE, getattr(error, "lineno", None), None, None, remedy)]
    resources = manifest.get("resources") if isinstance(manifest, dict) else None
    if not isinstance(resources, list):
        return [Problem(FILE, None, "resources", None, "is no list; a data package lists its files there")]
    problems: list[Problem] = []
    for number, resource in enumerate(resources, start=1):
        problems += _check_resource(folder, f"resources[{number}]", resource)
    return problems


def _field(column: Column) -> dict[str, Any]:
    field: dict[str, Any] = {
        "name": column.name,
        "type": _FIELD_TYPES[column.kind],
        "description": column.description,
    }
    constraints: dict[str, Any] = {}
    if column.required:
        constraints["required"] = True
    if column.choices:
        constraints["enum"] = list(column.choices)
    if column.kind == "code":
        constraints["pattern"] = CODE_PATTERN
    if column.at_least is not None:
        constraints["minimum"] = column.at_least
    if column.at_most is not None:
        constraints["maximum"] = column.at_most
    if constraints:
        field["constraints"] = constraints
    return field


def _plain(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} cannot stand in a manifest")


def _check_resource(folder: Path, where: str, resource: object) -> list[Problem]:
    if not isinstance(resource, dict):
        return [Problem(FILE, None, where, str(resource), "is no table of a file's facts; take it out")]
    paths = resource.get("path", [])
    if isinstance(paths, list):  # a file in parts, or data in line: nothing that Nyttig writes or reads
        return []
    if not isinstance(paths, str) or "://" in paths:
        return []
    relative = PurePosixPath(paths)
    if relative.is_absolute() or ".." in relative.parts:
        return [Problem(FILE, None, f"{where}.path", paths, "leads out of the folder; name a file inside it")]
    path = folder / relative
    if not path.is_file():
        return [
            Problem(
                paths, None, None, None, "is missing, though datapackage.json lists it; take the export anew"
            )
        ]
    return list(_differences(path, resource))


def _differences(path: Path, resource: dict[str, Any]) -> Iterator[Problem]:
    remedy = (
        "the file was changed or cut short; take the export anew, or delete datapackage.json if you mean "
        "the change"
    )
    size, digest, rows = resource.get("bytes"), resource.get("hash"), resource.get("rows")
    changed = isinstance(size, int) and size != path.stat().st_size
    if not changed and isinstance(digest, str) and digest.startswith("sha256:"):
        changed = sha256(path) != digest.lower()
    # Counting costs a pass over the file, and a checksum that fits has already answered.
    if isinstance(rows, int) and (changed or not isinstance(digest, str)):
        found = _count_rows(path)
        if found != rows:
            seen = "cannot be counted" if found is None else f"{found} rows"
            yield Problem(path.name, None, None, seen, f"datapackage.json says {rows} rows; {remedy}")
            return
    if changed:
        yield Problem(path.name, None, None, None, f"differs from what datapackage.json says; {remedy}")


def _count_rows(path: Path) -> int | None:
    try:
        if path.suffix == ".parquet":
            return int(pq.read_metadata(path).num_rows)
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            first = file.readline()
            if not any(line.strip() for line in file):
                return 0
        parse = pacsv.ParseOptions(
            delimiter=separator(first), newlines_in_values=True, invalid_row_handler=lambda _row: "skip"
        )
        convert = pacsv.ConvertOptions(include_columns=[], check_utf8=False)
        read = pacsv.ReadOptions(column_names=first.strip("\r\n").split(separator(first)), skip_rows=1)
        with pacsv.open_csv(path, read_options=read, parse_options=parse, convert_options=convert) as reader:
            return sum(len(batch) for batch in reader)
    except (pa.ArrowException, OSError):
        return None
