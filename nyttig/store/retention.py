"""Retention: raw events go after a while, what was worked out of them stays."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg import Connection

from nyttig.store import rollups


def drop_before(connection: Connection[Any], before: datetime) -> None:
    """Raw events before `before` are gone, whole chunks of them where there are chunks; rollups and ledger stay.

    Hours before it are brought up to date first and are final from then on. Commits.
    """
    rollups.refresh_all(connection)
    connection.execute(
        "INSERT INTO retention (kept_from) VALUES (%s)"
        " ON CONFLICT (only_row) DO UPDATE SET kept_from = greatest(retention.kept_from, excluded.kept_from)",
        (before,),
    )
    row = connection.execute("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'").fetchone()
    assert row is not None
    if row[0]:
        connection.execute("SELECT drop_chunks('events', %s::timestamptz)", (before,))
    else:
        connection.execute("DELETE FROM events WHERE at < %s", (before,))
    connection.commit()


def kept_from(connection: Connection[Any]) -> datetime | None:
    """The moment before which raw events may be gone; None where all are kept."""
    row = connection.execute("SELECT kept_from FROM retention").fetchone()
    return None if row is None else row[0]
