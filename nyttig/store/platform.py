"""The platform's own life: which ingestors beat, and when the platform was away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from psycopg import Connection

Cause = Literal["ingest", "broker", "database", "session"]

PRESENT_FOR = timedelta(seconds=20)
"""Who gave a sign of life within this time is at work; it gives one every 5 seconds."""


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which the platform was away; `lossy` when messages sent meanwhile may be gone for good."""

    cause: Cause
    began_at: datetime
    ended_at: datetime
    lossy: bool


@dataclass(frozen=True, slots=True)
class Load:
    """How busy an ingestor is: messages received and not yet committed, how many the broker may send before they are
    acknowledged (None: no bound), and events stored in the last minute."""

    queue_messages: int
    receive_window: int | None
    events_last_minute: int


IDLE = Load(0, None, 0)


class Missed(NamedTuple):
    """Since when an ingestor has had nothing from the broker, and what was away first."""

    since: datetime
    because: Cause


@dataclass(frozen=True, slots=True)
class Ingestor:
    """One ingestor as it last described itself; totals since it first started. One that left for good has `retired_at`."""

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
    retired_at: datetime | None
    queue_messages: int
    receive_window: int | None
    events_last_minute: int


def started(connection: Connection[Any], client_id: str, at: datetime) -> Missed | None:
    """The ingestor is known to run from `at`; returns since when it was missed, if it ever ran before.

    That is its last sign of life, or since when it was away from the broker then; one that had left is missed since
    nobody else was there either.
    """
    row = connection.execute(
        """
        WITH before AS (
            SELECT coalesce(missed_since, alive_at) AS since, coalesce(missed_because, 'ingest') AS because, retired_at
            FROM ingestors WHERE client_id = %(client)s
        ), now_there AS (
            INSERT INTO ingestors (client_id, started_at, alive_at, connected) VALUES (%(client)s, %(at)s, %(at)s, false)
            ON CONFLICT (client_id) DO UPDATE SET started_at = excluded.started_at, alive_at = excluded.alive_at,
                connected = false, retired_at = NULL,
                missed_since = coalesce(ingestors.missed_since, ingestors.alive_at),
                missed_because = coalesce(ingestors.missed_because, 'ingest')
        ), last AS (SELECT max(alive_at) AS alive_at FROM ingestors)
        SELECT CASE WHEN before.retired_at IS NULL THEN before.since ELSE last.alive_at END, before.because
        FROM before, last
        WHERE before.retired_at IS NULL OR last.alive_at < %(at)s - %(beats)s
        """,
        {"client": client_id, "at": at, "beats": PRESENT_FOR},
    ).fetchone()
    return None if row is None else Missed(*row)


def retire(connection: Connection[Any], client_id: str, at: datetime) -> None:
    """The ingestor has left for good: it is not missed, and nothing can come to it again."""
    connection.execute(
        "UPDATE ingestors SET retired_at = %(at)s, alive_at = %(at)s, connected = false, queue_messages = 0,"
        " events_last_minute = 0, missed_since = NULL, missed_because = NULL WHERE client_id = %(client)s",
        {"at": at, "client": client_id},
    )
    connection.execute("DELETE FROM redelivery_window WHERE client_id = %s", (client_id,))


def beat(
    connection: Connection[Any],
    client_id: str,
    at: datetime,
    *,
    connected: bool,
    load: Load = IDLE,
    missed: Missed | None = None,
    started_at: datetime | None = None,
) -> bool:
    """The ingestor gave a sign of life at `at`, and what it has `missed` up to now, if anything, is known.

    False, and nothing changed, when another one has started under its name since `started_at`.
    """
    updated = connection.execute(
        """
        UPDATE ingestors SET alive_at = %(at)s, connected = %(connected)s, queue_messages = %(queue)s,
            receive_window = %(window)s, events_last_minute = %(minute)s, missed_since = %(since)s, missed_because = %(because)s
        WHERE client_id = %(client)s AND started_at = coalesce(%(started_at)s, started_at)
        """,
        {
            "at": at,
            "since": missed and missed.since,
            "because": missed and missed.because,
            "connected": connected,
            "queue": load.queue_messages,
            "window": load.receive_window,
            "minute": load.events_last_minute,
            "client": client_id,
            "started_at": started_at,
        },
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
    load: Load = IDLE,
    started_at: datetime | None = None,
) -> bool:
    """A committed batch is part of the ingestor's totals; in the batch's own transaction. `load` is what waits behind it.

    False, and nothing changed, when another one has started under its name since `started_at`.
    """
    updated = connection.execute(
        """
        UPDATE ingestors SET alive_at = %(at)s, connected = true,
            last_commit_at = CASE WHEN %(events)s > 0 THEN %(at)s ELSE last_commit_at END,
            events_total = events_total + %(events)s, duplicates_total = duplicates_total + %(duplicates)s,
            quarantined_total = quarantined_total + %(quarantined)s, retained_total = retained_total + %(retained)s,
            last_batch_messages = %(messages)s, queue_messages = %(queue)s, receive_window = %(window)s,
            events_last_minute = %(minute)s
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
            "queue": load.queue_messages,
            "window": load.receive_window,
            "minute": load.events_last_minute,
        },
    )
    return updated.rowcount == 1


def ingestors(connection: Connection[Any]) -> list[Ingestor]:
    """All ingestors there ever were, also those that left, the liveliest first."""
    rows = connection.execute(
        "SELECT client_id, started_at, alive_at, connected, last_commit_at, events_total, duplicates_total,"
        " quarantined_total, retained_total, last_batch_messages, retired_at,"
        " queue_messages, receive_window, events_last_minute FROM ingestors ORDER BY alive_at DESC, client_id"
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
