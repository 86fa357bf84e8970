"""A database as an older version left it, to be migrated to this one."""

from __future__ import annotations

from pathlib import Path

import psycopg
from conftest import DatabaseServer
from psycopg import sql

from nyttig.store import migrate


def older(server: DatabaseServer, name: str, before: str, content: bytes) -> str:
    """The conninfo of a new database with the schema's steps before the one that begins so, and this content."""
    server.run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    conninfo = server.database(name).conninfo
    with psycopg.connect(conninfo) as connection:
        connection.execute(
            "CREATE TABLE schema_steps (number integer PRIMARY KEY, name text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT now())"
        )
        for step in sorted(Path(migrate.__file__).with_name("schema").glob("*.sql")):
            if step.name < before:
                connection.execute(step.read_bytes())
                connection.execute(
                    "INSERT INTO schema_steps (number, name) VALUES (%s, %s)", (int(step.name[:4]), step.name)
                )
        connection.execute(content)
    return conninfo
