"""The platform's own life: which ingestors beat, and when the platform was away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg import Connection

Cause = Literal["ingest", "broker", "database", "session"]


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which the platform was away; `lossy` when messages sent meanwhile may be gone for good."""

    cause: Cause
    began_at: datetime
    ended_at: datetime
    lossy: bool


@dataclass(frozen=True, slots=True)
class Ingestor:
    """One ingestor as it last described itself; totals since it first started."""

    client_id: str
    started_at: datetime
    alive_at: datetime
    connected: bool
    last_commit_at: datetime | None
    events_total: int
    duplicates_total: int
    quarantined_total: int
    retained_total: int
    last_batch_messages: int


def started(connection: Connection[Any], client_id: str, at: datetime) -> datetime | None:
    """The ingestor is known to run from `at`; returns when it last gave a sign of life before, if ever."""
    row = connection.execute(
        """
        WITH before AS (SELECT alive_at FROM ingestors WHERE client_id = %(client)s), now_there AS (
            INSERT INTO ingestors (client_id, started_at, alive_at, connected) VALUES (%(client)s, %(at)s, %(at)s, false)
            ON CONFLICT (client_id) DO UPDATE SET started_at = excluded.started_at, alive_at = excluded.alive_at,
                connected = false
        )
        SELECT alive_at FROM before
        """,
        {"client": client_id, "at": at},
    ).fetchone()
    return None if row is None else row[0]


def beat(
    connection: Connection[Any],
    client_id: str,
    at: datetime,
    *,
    connected: bool,
    started_at: datetime | None = None,
) -> bool:
    """The ingestor gave a sign of life at `at`; False, and nothing changed, when another one has started under its
    name since `started_at`."""
    updated = connection.execute(
        """
        UPDATE ingestors SET alive_at = %(at)s, connected = %(connected)s
        WHERE client_id = %(client)s AND started_at = coalesce(%(started_at)s, started_at)
        """,
        {"at": at, "connected": connected, "client": client_id, "started_at": started_at},
    )
    return updated.rowcount == 1


def count(
    connection: Connection[Any],
    client_id: str,
    at: datetime,
    *,
    events: int,
    duplicates: int,
    quarantined: int,
    retained: int,
    messages: int,
    started_at: datetime | None = None,
) -> bool:
    """A committed batch is part of the ingestor's totals; in the batch's own transaction.

    False, and nothing changed, when another one has started under its name since `started_at`.
    """
    updated = connection.execute(
        """
        UPDATE ingestors SET alive_at = %(at)s, connected = true,
            last_commit_at = CASE WHEN %(events)s > 0 THEN %(at)s ELSE last_commit_at END,
            events_total = events_total + %(events)s, duplicates_total = duplicates_total + %(duplicates)s,
            quarantined_total = quarantined_total + %(quarantined)s, retained_total = retained_total + %(retained)s,
            last_batch_messages = %(messages)s
        WHERE client_id = %(client)s AND started_at = coalesce(%(started_at)s, started_at)
        """,
        {
            "client": client_id,
            "started_at": started_at,
            "at": at,
            "events": events,
            "duplicates": duplicates,
            "quarantined": quarantined,
            "retained": retained,
            "messages": messages,
        },
    )
    return updated.rowcount == 1


def ingestors(connection: Connection[Any]) -> list[Ingestor]:
    """All ingestors there ever were, the liveliest first."""
    rows = connection.execute(
        "SELECT client_id, started_at, alive_at, connected, last_commit_at, events_total, duplicates_total,"
        " quarantined_total, retained_total, last_batch_messages FROM ingestors ORDER BY alive_at DESC, client_id"
    ).fetchall()
    return [Ingestor(*row) for row in rows]


def record(connection: Connection[Any], outage: Outage, *, trial_id: str | None = None) -> None:
    """The outage is on record: ours, or one that came with a trial's package and counts for that trial alone."""
    connection.execute(
        "INSERT INTO outages (trial_id, cause, began_at, ended_at, lossy) VALUES (%s, %s, %s, %s, %s)",
        (trial_id, outage.cause, outage.began_at, outage.ended_at, outage.lossy),
    )


def forget_loaded(connection: Connection[Any], trial_id: str) -> None:
    """No outage that came with this trial's package is on record."""
    connection.execute("DELETE FROM outages WHERE trial_id = %s", (trial_id,))


def outages(
    connection: Connection[Any], *, trial_id: str | None = None, lossy_only: bool = False
) -> list[Outage]:
    """Our own outages, and those loaded with the trial, oldest first."""
    rows = connection.execute(
        "SELECT DISTINCT cause, began_at, ended_at, lossy FROM outages"
        " WHERE (lossy OR NOT %s) AND (trial_id IS NULL OR trial_id = %s) ORDER BY began_at, ended_at, cause",
        (lossy_only, trial_id),
    ).fetchall()
    return [Outage(*row) for row in rows]


def redelivery_window(connection: Connection[Any], client_id: str) -> list[tuple[int, list[int]]]:
    """Per batch (oldest first) the digests of its messages without identity, as far as they may come again."""
    return connection.execute(
        "SELECT batch, digests FROM redelivery_window WHERE client_id = %s ORDER BY batch", (client_id,)
    ).fetchall()


def remember(
    connection: Connection[Any], client_id: str, batch: int, digests: list[int], forget_before: int
) -> bool:
    """The batch's digests stand in the window, and batches before `forget_before` no longer do; False when this
    batch stood there already, so that it was committed before."""
    inserted = connection.execute(
        "INSERT INTO redelivery_window (client_id, batch, digests) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (client_id, batch, digests),
    )
    connection.execute(
        "DELETE FROM redelivery_window WHERE client_id = %s AND batch < %s", (client_id, forget_before)
    )
    return inserted.rowcount == 1
