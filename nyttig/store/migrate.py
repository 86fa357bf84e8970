"""The schema's numbered steps, forward only."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from psycopg import Connection

from nyttig.errors import StaleSchemaError
from nyttig.saying import Saying
from nyttig.store import db

_LOCK = 5_017_001  # any number, the same in every process that migrates


def migrate(conninfo: str = "") -> list[str]:
    """The database has the schema of this version; returns the names of the steps that were applied now.

    Steps run in one transaction, one process at a time. Raises StaleSchemaError when the database is ahead.
    """
    with db.connect(conninfo) as connection, db.translated():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_steps ("
            " number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        present = _number(connection)
        if present > _newest():
            raise _ahead(present)
        applied = []
        for number, name, sql in _steps():
            if number > present:
                connection.execute(sql)
                connection.execute("INSERT INTO schema_steps (number, name) VALUES (%s, %s)", (number, name))
                applied.append(name)
        return applied


def require_current(connection: Connection[Any]) -> None:
    """The schema is the one this version was written for; raises StaleSchemaError otherwise."""
    with db.translated():
        row = connection.execute("SELECT to_regclass('schema_steps') IS NOT NULL").fetchone()
        present = _number(connection) if row and row[0] else 0
    if present > _newest():
        raise _ahead(present)
    if present < _newest():
        raise StaleSchemaError(
            Saying(
                "the database has schema step {present}, this Nyttig needs {newest}: run `nyttig migrate`",
                present=present,
                newest=_newest(),
            )
        )


def _number(connection: Connection[Any]) -> int:
    row = connection.execute("SELECT coalesce(max(number), 0) FROM schema_steps").fetchone()
    assert row is not None
    return int(row[0])


def _steps() -> list[tuple[int, str, bytes]]:
    folder = files("nyttig.store").joinpath("schema")
    paths = sorted(
        (path for path in folder.iterdir() if path.name.endswith(".sql")), key=lambda path: path.name
    )
    return [(int(path.name[:4]), path.name, path.read_bytes()) for path in paths]


@cache
def _newest() -> int:
    return _steps()[-1][0]


def _ahead(present: int) -> StaleSchemaError:
    return StaleSchemaError(
        f"the database has schema step {present}, this Nyttig knows only {_newest()}: "
        "it was migrated by a newer version; start that version"
    )
