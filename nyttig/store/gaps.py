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
    Its other neighbour is found from there, walking along the device's events (OFFSET 0 keeps the planner from
    reading all of them first): one step as a rule, so that the work is bounded by what is new, not by history.
    """
    # The planner takes what is lost for a handful of rows; after an outage every device has lost something.
    connection.execute("SET LOCAL enable_nestloop = off")
    connection.execute(
        """
        WITH lossy AS MATERIALIZED (
            SELECT device_id FROM (SELECT DISTINCT device_id FROM spans) s
            WHERE EXISTS (SELECT FROM gaps g WHERE g.device_id = s.device_id)
               OR EXISTS (SELECT FROM ledger l WHERE l.device_id = s.device_id
                          AND int8multirange(range_merge(l.seqs)) <> l.seqs)
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
            DELETE FROM gaps g USING boots b
            WHERE b.device_id = g.device_id AND b.boot_id = g.boot_id
              AND b.seqs && int8range(g.first_seq, g.last_seq, '[]')
            RETURNING g.*
        ), opened AS MATERIALIZED (
            SELECT l.device_id, l.boot_id, lower(gap) - 1 AS before, upper(gap) AS after
            FROM boots b
            CROSS JOIN LATERAL (
                SELECT * FROM ledger WHERE device_id = b.device_id AND boot_id = b.boot_id OFFSET 0
            ) l
            CROSS JOIN LATERAL unnest(int8multirange(range_merge(l.seqs)) - l.seqs) gap
            WHERE (b.seqs @> lower(gap) - 1 OR b.seqs @> upper(gap))
              AND NOT EXISTS (SELECT FROM gaps g WHERE g.device_id = l.device_id AND g.boot_id = l.boot_id
                              AND g.first_seq = lower(gap) AND g.last_seq = upper(gap) - 1)
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
    connection.execute("SET LOCAL enable_nestloop = on")


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
    """Gaps that are not as the events have them; empty when all is well.

    Left out are devices whose marks still wait, and gaps that begin before what retention has kept.
    """
    rows = connection.execute(
        """
        WITH numbers AS (
            SELECT device_id, boot_id, seq, array_agg(at) AS times FROM events WHERE seq IS NOT NULL GROUP BY 1, 2, 3
        ), pairs AS (
            SELECT device_id, boot_id, seq, times, lead(seq) OVER boot AS next_seq, lead(times) OVER boot AS next_times
            FROM numbers WINDOW boot AS (PARTITION BY device_id, boot_id ORDER BY seq)
        ), there AS (
            SELECT device_id, boot_id, seq + 1 AS first_seq, next_seq - 1 AS last_seq, times, next_times
            FROM pairs WHERE next_seq > seq + 1
        )
        SELECT d.code, boot_id, first_seq, last_seq, g.from_at IS NOT NULL
        FROM gaps g FULL JOIN there t USING (device_id, boot_id, first_seq, last_seq)
        JOIN devices d ON d.id = device_id
        WHERE (g.from_at = ANY (t.times) AND g.to_at = ANY (t.next_times)) IS NOT TRUE
          AND device_id NOT IN (SELECT device_id FROM touched)
          AND coalesce(least(g.from_at, g.to_at), t.times[1]) >= coalesce((SELECT kept_from FROM retention), '-infinity')
          AND (%(trial)s::text IS NULL
               OR device_id IN (SELECT device_id FROM trial_devices WHERE trial_id = %(trial)s))
        ORDER BY 1, 2, 3
        """,
        {"trial": trial_id},
    ).fetchall()
    return [Misplaced(*row) for row in rows]
