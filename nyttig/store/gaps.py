"""Gaps in time: when the messages were sent that a device numbered and we never got."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import pandas as pd
from psycopg import Connection


class Misplaced(NamedTuple):
    """A gap that only the store (`stored`) or only the events (not `stored`) know, or know at another time."""

    device: str
    boot_id: str
    first_seq: int
    last_seq: int
    stored: bool


def refresh(connection: Connection[Any]) -> None:
    """The gaps beside the events of the hours in `spans` are right, in the current transaction.

    A gap opens or closes only where an event beside it, or in it, is new, and that event's hour is in `spans`.
    Its other neighbour is found from there, walking along the device's events: one step as a rule, so that the work
    is bounded by what is new, not by history.
    """
    _walk(connection, True)
    connection.execute(
        """
        WITH lossy AS MATERIALIZED (
            SELECT s.device_id FROM (SELECT DISTINCT device_id FROM spans) s
            CROSS JOIN LATERAL (
                SELECT 1 FROM gaps WHERE device_id = s.device_id
                UNION ALL
                SELECT 1 FROM ledger WHERE device_id = s.device_id AND int8multirange(range_merge(seqs)) <> seqs
                LIMIT 1
            ) something
        ), known AS MATERIALIZED (
            SELECT g.* FROM lossy
            CROSS JOIN LATERAL (SELECT ctid AS place, * FROM gaps WHERE device_id = lossy.device_id OFFSET 0) g
        ), seen AS MATERIALIZED (
            SELECT e.device_id, e.boot_id, e.seq, min(e.at) AS at
            FROM lossy JOIN spans s USING (device_id)
            CROSS JOIN LATERAL (
                SELECT * FROM events WHERE device_id = s.device_id AND at >= s.hour AND at < s.hour + interval '1 hour'
                OFFSET 0
            ) e
            WHERE e.seq IS NOT NULL
            GROUP BY 1, 2, 3
        ), boots AS MATERIALIZED (
            SELECT device_id, boot_id, range_agg(int8range(seq, seq + 1)) AS seqs FROM seen GROUP BY 1, 2
        ), closed AS (
            DELETE FROM gaps WHERE ctid = ANY (ARRAY (
                SELECT k.place FROM known k JOIN boots b USING (device_id, boot_id)
                WHERE b.seqs && int8range(k.first_seq, k.last_seq, '[]')))
            RETURNING *
        ), beside AS MATERIALIZED (
            SELECT l.device_id, l.boot_id, lower(gap) - 1 AS before, upper(gap) AS after
            FROM boots b
            CROSS JOIN LATERAL (
                SELECT * FROM ledger WHERE device_id = b.device_id AND boot_id = b.boot_id OFFSET 0
            ) l
            CROSS JOIN LATERAL unnest(int8multirange(range_merge(l.seqs)) - l.seqs) gap
            WHERE b.seqs @> lower(gap) - 1 OR b.seqs @> upper(gap)
        ), opened AS MATERIALIZED (
            SELECT b.* FROM beside b
            WHERE NOT EXISTS (SELECT FROM known k WHERE k.device_id = b.device_id AND k.boot_id = b.boot_id
                              AND k.first_seq = b.before + 1 AND k.last_seq = b.after - 1)
        ), edges AS (
            SELECT o.device_id, o.boot_id, o.before, o.after,
                   coalesce(b.at, was_before.from_at) AS before_at, coalesce(a.at, was_after.to_at) AS after_at
            FROM opened o
            LEFT JOIN seen b ON b.device_id = o.device_id AND b.boot_id = o.boot_id AND b.seq = o.before
            LEFT JOIN seen a ON a.device_id = o.device_id AND a.boot_id = o.boot_id AND a.seq = o.after
            LEFT JOIN closed was_before ON was_before.device_id = o.device_id AND was_before.boot_id = o.boot_id
                AND was_before.first_seq - 1 = o.before
            LEFT JOIN closed was_after ON was_after.device_id = o.device_id AND was_after.boot_id = o.boot_id
                AND was_after.last_seq + 1 = o.after
        )
        INSERT INTO gaps (device_id, boot_id, first_seq, last_seq, from_at, to_at)
        SELECT device_id, boot_id, before + 1, after - 1,
               coalesce(
                   before_at,
                   (SELECT at FROM (SELECT at, boot_id, seq FROM events WHERE device_id = edges.device_id AND at <= after_at
                                    ORDER BY at DESC OFFSET 0) walk
                    WHERE walk.boot_id = edges.boot_id AND walk.seq = before LIMIT 1),
                   (SELECT at FROM (SELECT at, boot_id, seq FROM events WHERE device_id = edges.device_id AND at > after_at
                                    ORDER BY at OFFSET 0) walk
                    WHERE walk.boot_id = edges.boot_id AND walk.seq = before LIMIT 1),
                   (SELECT kept_from FROM retention), after_at),
               coalesce(
                   after_at,
                   (SELECT at FROM (SELECT at, boot_id, seq FROM events WHERE device_id = edges.device_id AND at >= before_at
                                    ORDER BY at OFFSET 0) walk
                    WHERE walk.boot_id = edges.boot_id AND walk.seq = after LIMIT 1),
                   (SELECT at FROM (SELECT at, boot_id, seq FROM events WHERE device_id = edges.device_id AND at < before_at
                                    ORDER BY at DESC OFFSET 0) walk
                    WHERE walk.boot_id = edges.boot_id AND walk.seq = after LIMIT 1),
                   (SELECT kept_from FROM retention), before_at)
        FROM edges
        """
    )
    _walk(connection, False)


def read(
    connection: Connection[Any], devices: Sequence[str], from_at: datetime, to_at: datetime
) -> pd.DataFrame:
    """The times of the gaps of `devices` (codes) that touch [from_at, to_at): device, from_at, to_at (UTC)."""
    rows = connection.execute(
        """
        SELECT d.code, least(g.from_at, g.to_at), greatest(g.from_at, g.to_at)
        FROM gaps g JOIN devices d ON d.id = g.device_id
        WHERE d.code = ANY (%s) AND greatest(g.from_at, g.to_at) >= %s AND least(g.from_at, g.to_at) < %s
        ORDER BY 1, 2, 3
        """,
        (list(devices), from_at, to_at),
    ).fetchall()
    frame = pd.DataFrame(rows, columns=["device", "from_at", "to_at"])
    return frame.assign(**{name: pd.to_datetime(frame[name], utc=True) for name in ("from_at", "to_at")})


def differences(connection: Connection[Any], *, trial_id: str | None = None) -> list[Misplaced]:
    """Gaps that are not as ledger and events have them; empty when all is well.

    Left out are devices whose marks still wait, and the time of a neighbour that retention has taken.
    """
    rows = connection.execute(
        """
        WITH missing AS (
            SELECT device_id, boot_id, lower(gap) AS first_seq, upper(gap) - 1 AS last_seq, true AS is_missing
            FROM ledger CROSS JOIN LATERAL unnest(int8multirange(range_merge(seqs)) - seqs) gap
        ), known AS MATERIALIZED (
            SELECT device_id, boot_id, first_seq, last_seq, from_at, to_at, is_missing
            FROM gaps FULL JOIN missing USING (device_id, boot_id, first_seq, last_seq)
            WHERE device_id NOT IN (SELECT device_id FROM touched)
              AND (%(trial)s::text IS NULL
                   OR device_id IN (SELECT device_id FROM trial_devices WHERE trial_id = %(trial)s))
        ), beside AS MATERIALIZED (
            SELECT device_id, boot_id, seq, array_agg(at) AS times
            FROM (SELECT device_id, boot_id, first_seq - 1 AS seq FROM known
                  UNION SELECT device_id, boot_id, last_seq + 1 FROM known) neighbours
            JOIN events USING (device_id, boot_id, seq)
            GROUP BY 1, 2, 3
        )
        SELECT d.code, k.boot_id, first_seq, last_seq, from_at IS NOT NULL
        FROM known k
        JOIN devices d ON d.id = k.device_id
        LEFT JOIN beside b ON b.device_id = k.device_id AND b.boot_id = k.boot_id AND b.seq = first_seq - 1
        LEFT JOIN beside a ON a.device_id = k.device_id AND a.boot_id = k.boot_id AND a.seq = last_seq + 1
        WHERE is_missing IS NULL
           OR (from_at IS NULL AND (b.times IS NOT NULL OR a.times IS NOT NULL))
           OR from_at <> ALL (b.times) OR to_at <> ALL (a.times)
        ORDER BY 1, 2, 3
        """,
        {"trial": trial_id},
    ).fetchall()
    return [Misplaced(*row) for row in rows]


def recast(connection: Connection[Any], devices: Sequence[int], known_at: datetime) -> None:
    """The temporary table `gaps` holds those of these devices (ids) as they stood at `known_at`.

    What came later stands in `later_events`, and `events` holds the rest. Of a boot that went on, numbers up to the
    highest that had come by then can be missing; what is missing now is, and so is what came later.
    """
    _walk(connection, True)
    connection.execute("CREATE TEMPORARY TABLE gaps (LIKE public.gaps) ON COMMIT DROP")
    connection.execute(
        """
        WITH boots AS MATERIALIZED (
            SELECT device_id, boot_id, seqs, last_received_at >= %(known_at)s AS went_on
            FROM ledger
            WHERE device_id = ANY (%(devices)s) AND first_received_at < %(known_at)s AND NOT isempty(seqs)
        ), highest AS MATERIALIZED (
            SELECT b.device_id, b.boot_id, b.seqs, coalesce(
                (SELECT max(seq) FROM (SELECT boot_id, seq FROM events WHERE device_id = b.device_id
                     AND at >= %(known_at)s - interval '1 day' AND at < %(known_at)s + interval '10 minutes' OFFSET 0) near
                 WHERE near.boot_id = b.boot_id),
                (SELECT seq FROM (SELECT boot_id, seq FROM events WHERE device_id = b.device_id ORDER BY at DESC OFFSET 0) walk
                 WHERE walk.boot_id = b.boot_id AND seq IS NOT NULL LIMIT 1)) AS seq
            FROM boots b WHERE went_on
        ), came AS MATERIALIZED (
            SELECT device_id, boot_id, seq, min(at) AS at FROM later_events WHERE seq IS NOT NULL GROUP BY 1, 2, 3
        ), known AS MATERIALIZED (
            SELECT h.device_id, h.boot_id,
                   h.seqs * int8multirange(int8range(NULL, h.seq, '[]')) - coalesce(c.seqs, '{}') AS seqs
            FROM highest h
            LEFT JOIN (SELECT device_id, boot_id, range_agg(int8range(seq, seq, '[]')) AS seqs FROM came GROUP BY 1, 2) c
                USING (device_id, boot_id)
        ), missing AS MATERIALIZED (
            SELECT device_id, boot_id, lower(gap) AS first_seq, upper(gap) - 1 AS last_seq
            FROM known CROSS JOIN LATERAL unnest(int8multirange(range_merge(seqs)) - seqs) gap
        ), edges AS MATERIALIZED (
            SELECT m.*, f.from_at, t.to_at, first.at AS first_at, last.at AS last_at
            FROM missing m
            LEFT JOIN public.gaps f ON f.device_id = m.device_id AND f.boot_id = m.boot_id AND f.first_seq = m.first_seq
            LEFT JOIN public.gaps t ON t.device_id = m.device_id AND t.boot_id = m.boot_id AND t.last_seq = m.last_seq
            LEFT JOIN came first ON first.device_id = m.device_id AND first.boot_id = m.boot_id AND first.seq = m.first_seq
            LEFT JOIN came last ON last.device_id = m.device_id AND last.boot_id = m.boot_id AND last.seq = m.last_seq
        )
        INSERT INTO gaps (device_id, boot_id, first_seq, last_seq, from_at, to_at)
        SELECT g.* FROM boots b JOIN public.gaps g USING (device_id, boot_id) WHERE NOT b.went_on
        UNION ALL
        SELECT device_id, boot_id, first_seq, last_seq,
               coalesce(
                   from_at,
                   (SELECT at FROM (SELECT at, boot_id, seq FROM events WHERE device_id = edges.device_id AND at <= first_at
                                    ORDER BY at DESC OFFSET 0) walk
                    WHERE walk.boot_id = edges.boot_id AND walk.seq = first_seq - 1 LIMIT 1),
                   (SELECT at FROM (SELECT at, boot_id, seq FROM events WHERE device_id = edges.device_id AND at > first_at
                                    ORDER BY at OFFSET 0) walk
                    WHERE walk.boot_id = edges.boot_id AND walk.seq = first_seq - 1 LIMIT 1),
                   (SELECT kept_from FROM retention), first_at),
               coalesce(
                   to_at,
                   (SELECT at FROM (SELECT at, boot_id, seq FROM events WHERE device_id = edges.device_id AND at >= last_at
                                    ORDER BY at OFFSET 0) walk
                    WHERE walk.boot_id = edges.boot_id AND walk.seq = last_seq + 1 LIMIT 1),
                   (SELECT at FROM (SELECT at, boot_id, seq FROM events WHERE device_id = edges.device_id AND at < last_at
                                    ORDER BY at DESC OFFSET 0) walk
                    WHERE walk.boot_id = edges.boot_id AND walk.seq = last_seq + 1 LIMIT 1),
                   (SELECT kept_from FROM retention), last_at)
        FROM edges
        """,
        {"devices": list(devices), "known_at": known_at},
    )
    _walk(connection, False)


def _walk(connection: Connection[Any], walking: bool) -> None:
    """Tables are read by their indexes and in their order, a row at a time, or again as the planner likes.

    The planner takes what is lost for a handful of rows, but after an outage every device has lost something; and it
    would rather read and sort all that a device ever said than look for the event before.
    """
    connection.execute(
        "SELECT set_config(habit, %s, true)"
        " FROM unnest(ARRAY['enable_nestloop', 'enable_sort', 'enable_bitmapscan']) habit",
        ("off" if walking else "on",),
    )
