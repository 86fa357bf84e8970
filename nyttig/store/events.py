"""Events: appended in batches, once each, with everything that must be true at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
import pyarrow as pa
from psycopg import Connection
from psycopg.rows import TupleRow

from nyttig.errors import NyttigError
from nyttig.store import quarantine


class EventRow(NamedTuple):
    """One event on its way into the store; `redelivered` marks one already known to be stored."""

    device_id: int
    at: datetime
    received_at: datetime
    device_time: datetime | None
    type: str
    value: float | None
    unit: str | None
    origin: str
    boot_id: str | None
    seq: int | None
    message_id: str | None
    late: bool
    clock_fault: str | None
    health: str | None
    extra: str | None
    redelivered: bool = False


@dataclass(slots=True)
class Batch:
    """What one transaction commits: events, quarantined messages, and the digests of messages without identity."""

    events: list[EventRow] = field(default_factory=list)
    quarantined: list[quarantine.Quarantined] = field(default_factory=list)
    digests: list[int] = field(default_factory=list)


class Appended(NamedTuple):
    """How many events were new and how many were already there."""

    stored: int
    duplicates: int


# Of an EventRow's fields, as binary COPY wants them said: a ninth of what writing them as text costs. JSON comes as
# text, which is what it is until it is stored.
_STAGED_TYPES = (
    "int4", "timestamptz", "timestamptz", "timestamptz", "text", "float8", "text", "text", "text", "int8", "text",
    "bool", "text", "text", "text", "bool",
)  # fmt: skip


class RacedError(NyttigError):
    """Another ingestor was at the same events or devices meanwhile; append the batch again."""


def prepare(connection: Connection[Any]) -> None:
    """The connection can take batches: its staging table stands."""
    connection.execute(
        "CREATE TEMPORARY TABLE IF NOT EXISTS staged ("
        " place integer GENERATED ALWAYS AS IDENTITY, device_id integer, at timestamptz, received_at timestamptz,"
        " device_time timestamptz, type text, value double precision, unit text, origin text, boot_id text,"
        " seq bigint, message_id text, late boolean, clock_fault text, health text, extra text,"
        " redelivered boolean) ON COMMIT DELETE ROWS"
    )
    connection.commit()


def append(connection: Connection[Any], events: Sequence[EventRow]) -> Appended:
    """New events, their ledger and the marks of their hours stand in the current transaction.

    An event with (boot_id, seq) is new when the ledger does not hold its number yet, whatever its time says;
    one with a message_id when no event of its device, time and type has it; others always, unless `redelivered`.
    Raises RacedError when a parallel ingestor was faster; the caller rolls back and tries again.
    """
    if not events:
        return Appended(0, 0)
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY staged (device_id, at, received_at, device_time, type, value, unit, origin, boot_id, seq,"
            " message_id, late, clock_fault, health, extra, redelivered) FROM STDIN (FORMAT binary)"
        ) as copy,
    ):
        copy.set_types(_STAGED_TYPES)
        for event in events:
            copy.write_row(event)
    try:
        row = _book(connection)
    except psycopg.errors.DeadlockDetected as error:
        raise RacedError(
            "another ingestor waited for some of these events while we waited for its own"
        ) from error
    assert row is not None
    stored, staged, expected, booked = row
    if booked != expected:
        raise RacedError("another ingestor stored some of these events at the same moment")
    return Appended(stored, staged - stored)


def _book(connection: Connection[Any]) -> TupleRow | None:
    """What is staged is stored and in the ledger; how many were stored and staged, ledger rows due and written."""
    return connection.execute(
        """
        WITH boots AS MATERIALIZED (
            SELECT DISTINCT device_id, boot_id FROM staged WHERE seq IS NOT NULL
        ), known AS MATERIALIZED (
            SELECT l.device_id, l.boot_id, l.seqs
            FROM ledger l JOIN boots USING (device_id, boot_id)
            ORDER BY l.device_id, l.boot_id
            FOR UPDATE OF l
        ), fresh AS MATERIALIZED (
            (SELECT DISTINCT ON (s.device_id, s.boot_id, s.seq, s.type) s.*
             FROM staged s LEFT JOIN known k ON k.device_id = s.device_id AND k.boot_id = s.boot_id
             WHERE s.seq IS NOT NULL AND NOT s.redelivered AND (k.seqs IS NULL OR NOT k.seqs @> s.seq)
             ORDER BY s.device_id, s.boot_id, s.seq, s.type, s.place)
            UNION ALL
            SELECT s.* FROM staged s WHERE s.seq IS NULL AND NOT s.redelivered
        ), stored AS (
            INSERT INTO events (device_id, at, received_at, device_time, type, value, unit, origin, boot_id, seq,
                                message_id, late, clock_fault, health, extra)
            SELECT device_id, at, received_at, device_time, type, value, unit, origin, boot_id, seq,
                   message_id, late, clock_fault, health::jsonb, extra::jsonb
            FROM fresh
            ON CONFLICT DO NOTHING
            RETURNING device_id, at, boot_id, seq, late
        ), marked AS (
            INSERT INTO touched (device_id, hour)
            SELECT DISTINCT device_id, date_trunc('hour', at, 'UTC') FROM stored
        ), arrived AS (
            SELECT device_id, coalesce(boot_id, '') AS boot_id, count(*) AS arrived,
                   min(received_at) AS first_received_at, max(received_at) AS last_received_at
            FROM staged GROUP BY 1, 2
        ), added AS (
            SELECT device_id, coalesce(boot_id, '') AS boot_id, count(*) AS stored, count(*) FILTER (WHERE late) AS late,
                   coalesce(range_agg(int8range(seq, seq + 1)) FILTER (WHERE seq IS NOT NULL), '{}') AS seqs
            FROM stored GROUP BY 1, 2
        ), booked AS (
            INSERT INTO ledger (device_id, boot_id, seqs, received_total, duplicates_total, late_total,
                                first_received_at, last_received_at)
            SELECT device_id, boot_id, coalesce(seqs, '{}'), coalesce(stored, 0), arrived - coalesce(stored, 0),
                   coalesce(late, 0), first_received_at, last_received_at
            FROM arrived LEFT JOIN added USING (device_id, boot_id)
            ORDER BY device_id, boot_id
            ON CONFLICT (device_id, boot_id) DO UPDATE SET
                seqs = ledger.seqs + excluded.seqs,
                received_total = ledger.received_total + excluded.received_total,
                duplicates_total = ledger.duplicates_total + excluded.duplicates_total,
                late_total = ledger.late_total + excluded.late_total,
                first_received_at = least(ledger.first_received_at, excluded.first_received_at),
                last_received_at = greatest(ledger.last_received_at, excluded.last_received_at)
            WHERE NOT ledger.seqs && excluded.seqs
            RETURNING 1
        )
        SELECT (SELECT count(*) FROM stored), (SELECT count(*) FROM staged),
               (SELECT count(*) FROM arrived), (SELECT count(*) FROM booked)
        """
    ).fetchone()


def load(connection: Connection[Any], batches: Iterable[pa.RecordBatch]) -> Appended:
    """Events of a package (the columns of `stream`, devices registered) stand in the store, once each, however often loaded.

    Those with an identity are told by it; of those without, as many are added as the package has more than the
    store. In the current transaction.
    """
    ids = dict(connection.execute("SELECT code, id FROM devices").fetchall())
    connection.execute("CREATE TEMPORARY TABLE IF NOT EXISTS nameless (LIKE events) ON COMMIT DELETE ROWS")
    stored = duplicates = 0
    for batch in batches:
        rows = [
            EventRow(ids[device], at, received_at or at, *rest)
            for device, at, received_at, *rest in zip(
                *(column.to_pylist() for column in batch.columns), strict=True
            )
        ]
        named = append(connection, [row for row in rows if row.seq is not None or row.message_id is not None])
        connection.execute("TRUNCATE staged")
        stored, duplicates = stored + named.stored, duplicates + named.duplicates
        with connection.cursor() as cursor, cursor.copy("COPY nameless FROM STDIN") as copy:
            for row in rows:
                if row.seq is None and row.message_id is None:
                    copy.write_row(row[:-1])
    counted = connection.execute(
        """
        WITH added AS (
            INSERT INTO events
            (SELECT * FROM nameless EXCEPT ALL
             SELECT * FROM events WHERE seq IS NULL AND message_id IS NULL
                AND device_id IN (SELECT DISTINCT device_id FROM nameless))
            RETURNING device_id, at, received_at, boot_id, late
        ), marked AS (
            INSERT INTO touched (device_id, hour) SELECT DISTINCT device_id, date_trunc('hour', at, 'UTC') FROM added
        ), booked AS (
            INSERT INTO ledger (device_id, boot_id, received_total, late_total, first_received_at, last_received_at)
            SELECT device_id, coalesce(boot_id, ''), count(*), count(*) FILTER (WHERE late), min(received_at),
                   max(received_at)
            FROM added GROUP BY 1, 2
            ON CONFLICT (device_id, boot_id) DO UPDATE SET
                received_total = ledger.received_total + excluded.received_total,
                late_total = ledger.late_total + excluded.late_total,
                first_received_at = least(ledger.first_received_at, excluded.first_received_at),
                last_received_at = greatest(ledger.last_received_at, excluded.last_received_at)
        )
        SELECT (SELECT count(*) FROM added), (SELECT count(*) FROM nameless)
        """
    ).fetchone()
    assert counted is not None
    return Appended(stored + counted[0], duplicates + counted[1] - counted[0])


def stream(
    connection: Connection[Any], trial_id: str, schema: pa.Schema, *, rows: int = 50_000
) -> Iterator[pa.RecordBatch]:
    """All events of a trial's devices as `schema` (device, at … extra) in a fixed order, `rows` at a time."""
    with connection.cursor(name="events_of_a_trial") as cursor:
        cursor.itersize = rows
        cursor.execute(
            """
            SELECT d.code, e.at, e.received_at, e.device_time, e.type, e.value, e.unit, e.origin, e.boot_id, e.seq,
                   e.message_id, e.late, e.clock_fault, e.health::text, e.extra::text
            FROM events e JOIN devices d ON d.id = e.device_id
            JOIN trial_devices t ON t.device_id = d.id AND t.trial_id = %s
            ORDER BY e.at, d.code, e.received_at, e.boot_id, e.seq, e.type, e.value, e.message_id
            """,
            (trial_id,),
        )
        while chunk := cursor.fetchmany(rows):
            columns = zip(*chunk, strict=True)
            arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)
