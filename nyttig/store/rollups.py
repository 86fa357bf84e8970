"""Rollups: one row per device and UTC hour, always equal to what the raw events say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import pandas as pd
from psycopg import Connection

from nyttig.store import counters, gaps

_LOCK = 5_017_002  # one refresh at a time, so that an older reading of an hour never overwrites a newer one

# From the hours in `spans`: one row per device and hour as the raw events have it. Neighbouring hours are read
# as one island. A use is a reading that matches a rule of the device's technology; it starts a new use when the
# one before it is further away than the joining gap. A last will (`state` 0) and what a bridge says of a device
# (`availability`) are no proof of life.
_RECOMPUTED = """
    WITH islands AS (
        SELECT device_id, min(hour) AS from_at, max(hour) + interval '1 hour' AS to_at
        FROM (SELECT device_id, hour,
                     hour - row_number() OVER (PARTITION BY device_id ORDER BY hour) * interval '1 hour' AS island
              FROM spans) numbered
        GROUP BY device_id, island
    ), rules AS (
        SELECT i.device_id, i.from_at, i.to_at, r.type, r.above, r.below,
               make_interval(secs => t.joining_gap_minutes * 60) AS joining_gap
        FROM islands i
        JOIN devices d ON d.id = i.device_id
        JOIN technologies t ON t.id = d.technology_id
        JOIN use_rules r ON r.technology_id = t.id
    ), readings AS (
        SELECT r.device_id, r.from_at, r.joining_gap, r.above, r.below, e.at, e.value, e.origin,
               lag(e.value) OVER (PARTITION BY r.device_id, r.from_at, r.type ORDER BY e.at, e.received_at, e.seq)
                   AS previous
        FROM rules r CROSS JOIN LATERAL (
            (SELECT at, received_at, seq, value, origin FROM events
             WHERE device_id = r.device_id AND type = r.type AND at >= r.from_at - r.joining_gap AND at < r.to_at)
            UNION ALL
            (SELECT at, received_at, seq, value, origin FROM events
             WHERE device_id = r.device_id AND type = r.type AND at < r.from_at - r.joining_gap
               AND (r.above IS NOT NULL OR r.below IS NOT NULL)
             ORDER BY at DESC, received_at DESC, seq DESC LIMIT 1)
        ) e
    ), use_events AS (
        SELECT device_id, from_at, joining_gap, at, origin = 'citizen' AS by_citizen
        FROM readings
        WHERE (above IS NULL AND below IS NULL)
           OR (value > above AND previous <= above)
           OR (value < below AND previous >= below)
    ), starts AS (
        SELECT device_id, from_at, at, by_citizen, joining_gap,
               at - lag(at) OVER (PARTITION BY device_id, from_at, by_citizen ORDER BY at) AS since_previous
        FROM use_events
    ), used AS (
        SELECT device_id, date_trunc('hour', at, 'UTC') AS hour,
               count(*) FILTER (WHERE by_citizen) AS uses,
               coalesce(bit_or(1::bigint << extract(minute FROM at)::integer) FILTER (WHERE by_citizen), 0) AS use_minutes,
               count(*) FILTER (WHERE NOT by_citizen) AS other_uses
        FROM starts
        WHERE at >= from_at AND (since_previous IS NULL OR since_previous > joining_gap)
        GROUP BY 1, 2
    ), heard AS (
        SELECT e.device_id, date_trunc('hour', e.at, 'UTC') AS hour, count(*) AS events_total,
               coalesce(bit_or(1::bigint << extract(minute FROM e.at)::integer)
                        FILTER (WHERE e.type <> 'availability' AND NOT (e.type = 'state' AND e.value = 0)), 0)
                   AS alive_minutes
        FROM islands i CROSS JOIN LATERAL (
            SELECT device_id, at, type, value FROM events
            WHERE device_id = i.device_id AND at >= i.from_at AND at < i.to_at
            OFFSET 0 -- by the index: the planner would rather read all events once there are a hundred million
        ) e
        GROUP BY 1, 2
    ), recomputed AS (
        SELECT device_id, hour, events_total, alive_minutes, coalesce(uses, 0) AS uses,
               coalesce(use_minutes, 0) AS use_minutes, coalesce(other_uses, 0) AS other_uses
        FROM heard LEFT JOIN used USING (device_id, hour)
    )
"""


class Difference(NamedTuple):
    """An hour whose rollup is not what the raw events say; each side (events, alive, uses, use, other) or None."""

    device: str
    hour: datetime
    stored: tuple[int, ...] | None
    recomputed: tuple[int, ...] | None


def refresh(connection: Connection[Any], *, limit: int = 20_000) -> int:
    """The rollups of up to `limit` marks are right again, and committed; returns how many marks were taken.

    So are the gaps and the uses recovered from counters that those marks bear on.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    _prepare_spans(connection)
    taken = connection.execute(
        """
        WITH taken AS (
            DELETE FROM touched WHERE ctid = ANY (ARRAY (SELECT ctid FROM touched LIMIT %s)) RETURNING device_id, hour
        ), spans_added AS (
            INSERT INTO spans SELECT DISTINCT device_id, hour FROM taken
            WHERE hour >= coalesce((SELECT kept_from FROM retention), '-infinity')
        )
        SELECT count(*) FROM taken
        """,
        (limit,),
    ).fetchone()
    assert taken is not None
    if taken[0]:
        _widen(connection)
        connection.execute("ANALYZE spans")
        connection.execute(
            _RECOMPUTED
            + """
            INSERT INTO rollups (device_id, hour, events_total, alive_minutes, uses, use_minutes, other_uses)
            SELECT device_id, hour, events_total, alive_minutes, uses, use_minutes, other_uses FROM recomputed
            ON CONFLICT (device_id, hour) DO UPDATE SET
                events_total = excluded.events_total, alive_minutes = excluded.alive_minutes,
                uses = excluded.uses, use_minutes = excluded.use_minutes, other_uses = excluded.other_uses
            """
        )
        gaps.refresh(connection)
        counters.refresh(connection)
    connection.commit()
    return int(taken[0])


def refresh_all(connection: Connection[Any]) -> int:
    """No marks are left; returns how many there were."""
    total = 0
    while taken := refresh(connection):
        total += taken
    return total


def waiting(connection: Connection[Any]) -> int:
    """How many marks wait for a refresh."""
    row = connection.execute("SELECT count(*) FROM touched").fetchone()
    assert row is not None
    return int(row[0])


def differences(connection: Connection[Any], *, trial_id: str | None = None) -> list[Difference]:
    """Hours whose rollup differs from the raw events; empty when all is well.

    Left out are hours whose marks still wait, and those that retention has made final.
    """
    _prepare_spans(connection)
    connection.execute(
        """
        INSERT INTO spans
        SELECT device_id, hour FROM (
            SELECT DISTINCT device_id, date_trunc('hour', at, 'UTC') AS hour FROM events
            UNION SELECT device_id, hour FROM rollups) known
        WHERE (%(trial)s::text IS NULL
               OR device_id IN (SELECT device_id FROM trial_devices WHERE trial_id = %(trial)s))
          AND hour >= coalesce((SELECT kept_from FROM retention), '-infinity')
        """,
        {"trial": trial_id},
    )
    connection.execute("ANALYZE spans")
    rows = connection.execute(
        _RECOMPUTED
        + """
        SELECT d.code, hour, s.device_id IS NOT NULL, s.events_total, s.alive_minutes, s.uses, s.use_minutes, s.other_uses,
               r.device_id IS NOT NULL, r.events_total, r.alive_minutes, r.uses, r.use_minutes, r.other_uses
        FROM (SELECT rollups.* FROM rollups JOIN spans USING (device_id, hour)) s
        FULL JOIN recomputed r USING (device_id, hour)
        JOIN devices d ON d.id = device_id
        WHERE (s.events_total, s.alive_minutes, s.uses, s.use_minutes, s.other_uses)
              IS DISTINCT FROM (r.events_total, r.alive_minutes, r.uses, r.use_minutes, r.other_uses)
          AND (device_id, hour) NOT IN (SELECT device_id, hour FROM touched)
        ORDER BY d.code, hour
        """
    ).fetchall()
    connection.rollback()
    return [
        Difference(row[0], row[1], tuple(row[3:8]) if row[2] else None, tuple(row[9:14]) if row[8] else None)
        for row in rows
    ]


def read(
    connection: Connection[Any], devices: Sequence[str], from_at: datetime, to_at: datetime
) -> pd.DataFrame:
    """The rollups of `devices` (codes) in [from_at, to_at): device, hour (UTC), events_total, alive_minutes,
    uses, use_minutes, other_uses; ordered by device and hour."""
    rows = connection.execute(
        """
        SELECT d.code, extract(epoch FROM r.hour)::bigint, r.events_total, r.alive_minutes, r.uses, r.use_minutes,
               r.other_uses
        FROM rollups r JOIN devices d ON d.id = r.device_id
        WHERE d.code = ANY (%s) AND r.hour >= date_trunc('hour', %s::timestamptz, 'UTC') AND r.hour < %s
        ORDER BY d.code, r.hour
        """,
        (list(devices), from_at, to_at),
    ).fetchall()
    columns = ["device", "hour", "events_total", "alive_minutes", "uses", "use_minutes", "other_uses"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["hour"] = pd.to_datetime(frame["hour"].astype("int64"), unit="s", utc=True)
    return frame.astype(dict.fromkeys(columns[2:], "int64"))


def _prepare_spans(connection: Connection[Any]) -> None:
    connection.execute(
        "CREATE TEMPORARY TABLE IF NOT EXISTS spans (device_id integer, hour timestamptz, PRIMARY KEY (device_id, hour))"
        " ON COMMIT DELETE ROWS"
    )


def _widen(connection: Connection[Any]) -> None:
    """An event may change what the next ones of its device mean: their hours are spans too."""
    connection.execute(
        """
        INSERT INTO spans
        SELECT s.device_id, generate_series(date_trunc('hour', following.at, 'UTC'),
                                            following.at + make_interval(secs => t.joining_gap_minutes * 60),
                                            interval '1 hour')
        FROM spans s
        JOIN devices d ON d.id = s.device_id
        JOIN technologies t ON t.id = d.technology_id
        JOIN use_rules r ON r.technology_id = t.id
        CROSS JOIN LATERAL (
            SELECT e.at FROM events e
            WHERE e.device_id = s.device_id AND e.type = r.type AND e.at >= s.hour + interval '1 hour'
            ORDER BY e.at LIMIT 1
        ) following
        WHERE NOT EXISTS (SELECT FROM spans n WHERE n.device_id = s.device_id AND n.hour = s.hour + interval '1 hour')
        ON CONFLICT DO NOTHING
        """
    )
