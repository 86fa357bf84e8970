"""Rollups: one row per device and UTC hour, always equal to what the raw events say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import pandas as pd
from psycopg import Connection

from nyttig.store import alarms, counters, folds, gaps, states

_LOCK = 5_017_002  # one refresh at a time, so that an older reading of an hour never overwrites a newer one

# From the hours in `spans`: one row per device and hour as the raw events have it. Neighbouring hours are read
# as one island. A last will (`state` 0) and what a bridge says of a device (`availability`) are no proof of life.
#
# What counts as a use is told in docs/uses.md. Each rule gives stretches: a moment for each reading that is a use by
# itself or turns a state on; and, where a state lasts, one from each sign of life to the next. Stretches of a rule
# closer than its gap are a period; a period that is long enough is in use, and a use begins where one does that is
# further from the one before, of whichever rule, than the joining gap. What is read before and after an island is
# just what that takes.
RECOMPUTED = """
    WITH islands AS (
        SELECT device_id, min(hour) AS from_at, max(hour) + interval '1 hour' AS to_at
        FROM (SELECT device_id, hour,
                     hour - row_number() OVER (PARTITION BY device_id ORDER BY hour) * interval '1 hour' AS island
              FROM spans) numbered
        GROUP BY device_id, island
    ), rules AS MATERIALIZED (
        SELECT i.from_at, i.to_at, r.*,
               CASE WHEN r.lasting THEN date_trunc('hour', i.from_at - r.minimum - 2 * r.rule_gap - r.joining_gap, 'UTC')
                    WHEN r.stateful THEN date_trunc('hour', i.from_at - greatest(r.rule_gap, r.joining_gap), 'UTC')
                    ELSE i.from_at - greatest(r.rule_gap, r.joining_gap) END AS read_from,
               CASE WHEN r.lasting THEN i.to_at + r.minimum + r.rule_gap ELSE i.to_at END AS read_to
        FROM islands i JOIN device_rules r USING (device_id)
    ), stated AS (
        SELECT r.device_id, r.from_at, r.to_at, r.type, e.at, e.received_at, e.seq, e.value, e.said, e.by_citizen, e.is_on,
               r.above IS NULL AND r.below IS NULL OR e.value IS NULL AS is_event,
               r.bare AND e.is_on IS NULL AND e.said = r.type AND e.value IS NULL AS is_moment,
               r.lasting, r.silence, r.minimum, r.rule_gap, r.joining_gap
        FROM rules r CROSS JOIN LATERAL (
            (SELECT '-infinity'::timestamptz AS at, NULL::timestamptz AS received_at, NULL::bigint AS seq,
                    NULL::double precision AS value, '' AS said, by_citizen, is_on
             FROM last_states
             WHERE device_id = r.device_id AND purpose = r.purpose AND type = r.type AND hour < r.read_from
             ORDER BY hour DESC LIMIT 1)
            UNION ALL
            (SELECT at, received_at, seq, value, '', false, NULL FROM events
             WHERE r.lasting AND device_id = r.device_id AND at >= r.read_from - r.silence AND at < r.read_from
               AND type <> 'availability' AND NOT (type = 'state' AND value = 0)
             ORDER BY at DESC LIMIT 1)
            UNION ALL
            (SELECT at, received_at, seq, value, type, origin = 'citizen',
                    CASE WHEN type = r.type OR type = r.until
                         THEN rule_state(type, value, r.until, r.above, r.below, r.release, r.bare) END
             FROM events
             WHERE device_id = r.device_id AND at >= r.read_from AND at < r.read_to
               AND (type = r.type OR type = r.until
                    OR r.lasting AND type <> 'availability' AND NOT (type = 'state' AND value = 0))
             OFFSET 0)
            UNION ALL
            (SELECT at, received_at, seq, value, '', false, NULL FROM events
             WHERE r.lasting AND device_id = r.device_id AND at >= r.read_to AND at <= r.read_to + r.silence
               AND type <> 'availability' AND NOT (type = 'state' AND value = 0)
             ORDER BY at LIMIT 1)
        ) e
        WHERE r.purpose = 'use' AND r.stateful
    ), turns AS (
        SELECT *, row_number() OVER told AS place, lead(at) OVER told AS next_at,
               count(is_on) OVER (told ROWS UNBOUNDED PRECEDING) AS turn
        FROM stated
        WINDOW told AS (PARTITION BY device_id, from_at, type ORDER BY at, received_at, seq, value, said, by_citizen)
    ), standing AS (
        SELECT *, bool_or(is_on) OVER turned AS stands, bool_or(by_citizen) FILTER (WHERE is_on) OVER turned AS is_citizens
        FROM turns
        WINDOW turned AS (PARTITION BY device_id, from_at, type, turn)
    ), compared AS (
        SELECT *, lag(stands) OVER (PARTITION BY device_id, from_at, type ORDER BY place) AS stood FROM standing
    ), stretches AS (
        SELECT r.device_id, r.from_at, r.to_at, r.type, e.at AS begins_at, e.at AS ends_at, true AS is_seen,
               e.by_citizen, r.minimum, r.rule_gap, r.joining_gap
        FROM rules r CROSS JOIN LATERAL (
            SELECT at, origin = 'citizen' AS by_citizen FROM events
            WHERE device_id = r.device_id AND type = r.type AND at >= r.read_from AND at < r.read_to
            OFFSET 0
        ) e
        WHERE NOT r.stateful
        UNION ALL
        SELECT device_id, from_at, to_at, type, at, at, true, CASE WHEN is_moment THEN by_citizen ELSE is_citizens END,
               minimum, rule_gap, joining_gap
        FROM compared
        WHERE NOT lasting AND (is_on AND NOT stood OR is_moment)
        UNION ALL
        SELECT device_id, from_at, to_at, type, at, CASE WHEN next_at - at <= silence THEN next_at ELSE at END,
               coalesce(is_on AND coalesce(NOT stood, is_event), false), is_citizens, minimum, rule_gap, joining_gap
        FROM compared
        WHERE lasting AND stands AND at > '-infinity'
    ), apart AS (
        SELECT *, coalesce(begins_at - max(ends_at) OVER (
                      PARTITION BY device_id, from_at, type, by_citizen ORDER BY begins_at, is_seen DESC
                      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) > rule_gap, true) AS is_first
        FROM stretches
    ), numbered AS (
        SELECT *, count(*) FILTER (WHERE is_first) OVER (
                      PARTITION BY device_id, from_at, type, by_citizen ORDER BY begins_at, is_seen DESC
                      ROWS UNBOUNDED PRECEDING) AS number
        FROM apart
    ), periods AS (
        SELECT device_id, from_at, to_at, by_citizen, joining_gap, min(begins_at) AS begins_at, max(ends_at) AS ends_at,
               bool_or(is_first AND is_seen) AS is_seen
        FROM numbered
        GROUP BY device_id, from_at, to_at, type, by_citizen, number, minimum, joining_gap
        HAVING max(ends_at) - min(begins_at) >= minimum
    ), starts AS (
        SELECT *, begins_at - max(ends_at) OVER (PARTITION BY device_id, from_at, by_citizen ORDER BY begins_at, is_seen DESC
                                                 ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS since_previous
        FROM periods
    ), used AS (
        SELECT device_id, date_trunc('hour', begins_at, 'UTC') AS hour,
               count(*) FILTER (WHERE by_citizen) AS uses,
               coalesce(bit_or(1::bigint << extract(minute FROM begins_at)::integer) FILTER (WHERE by_citizen), 0)
                   AS use_minutes,
               count(*) FILTER (WHERE NOT by_citizen) AS other_uses
        FROM starts
        WHERE begins_at >= from_at AND begins_at < to_at AND is_seen
          AND (since_previous IS NULL OR since_previous > joining_gap)
        GROUP BY 1, 2
    ), armed_turns AS (
        SELECT r.device_id, r.to_at, e.at, e.is_on,
               lead(e.at, 1, r.to_at) OVER (PARTITION BY r.device_id, r.from_at, r.type
                                            ORDER BY e.at, e.received_at, e.seq, e.value, e.said) AS next_at
        FROM rules r CROSS JOIN LATERAL (
            (SELECT r.from_at AS at, '-infinity'::timestamptz AS received_at, NULL::bigint AS seq,
                    NULL::double precision AS value, '' AS said, is_on
             FROM last_states
             WHERE device_id = r.device_id AND purpose = r.purpose AND type = r.type AND hour < r.from_at
             ORDER BY hour DESC LIMIT 1)
            UNION ALL
            (SELECT * FROM (
                SELECT at, received_at, seq, value, type,
                       rule_state(type, value, r.until, r.above, r.below, r.release, r.bare) AS is_on
                FROM events
                WHERE device_id = r.device_id AND at >= r.from_at AND at < r.to_at AND (type = r.type OR type = r.until)
                OFFSET 0) said
             WHERE is_on IS NOT NULL)
        ) e
        WHERE r.purpose = 'armed'
    ), armed AS (
        SELECT device_id, hour,
               bit_or(CASE WHEN is_on THEN ((1::bigint << until_minute - from_minute) - 1) << from_minute ELSE 0 END)
                   AS armed_minutes
        FROM armed_turns
        CROSS JOIN LATERAL generate_series(date_trunc('hour', at, 'UTC'), next_at, interval '1 hour') hour
        CROSS JOIN LATERAL (
            SELECT greatest(extract(epoch FROM date_trunc('minute', at) - hour)::integer / 60, 0) AS from_minute,
                   least(extract(epoch FROM date_trunc('minute', next_at) - hour)::integer / 60, 60) AS until_minute
        ) minutes
        WHERE hour < to_at
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
        SELECT device_id, hour, max(events_total) AS events_total, max(alive_minutes) AS alive_minutes,
               coalesce(max(uses), 0) AS uses, coalesce(max(use_minutes), 0) AS use_minutes,
               coalesce(max(other_uses), 0) AS other_uses, max(armed_minutes) AS armed_minutes
        FROM (SELECT device_id, hour, events_total, alive_minutes, NULL::bigint AS uses, NULL::bigint AS use_minutes,
                     NULL::bigint AS other_uses, NULL::bigint AS armed_minutes FROM heard
              UNION ALL SELECT device_id, hour, NULL, NULL, uses, use_minutes, other_uses, NULL FROM used
              UNION ALL SELECT device_id, hour, NULL, NULL, NULL, NULL, NULL, armed_minutes FROM armed) found
        GROUP BY device_id, hour
        HAVING max(events_total) IS NOT NULL -- a join would be one of each with each: nobody can tell how many they are
    )
"""


class Difference(NamedTuple):
    """An hour whose rollup is not what the raw events say; each side (events, alive, uses, use, other,
    armed) or None."""

    device: str
    hour: datetime
    stored: tuple[int | None, ...] | None
    recomputed: tuple[int | None, ...] | None


def refresh(connection: Connection[Any], *, limit: int = 20_000) -> int:
    """The rollups of up to `limit` marks are right again, and committed; returns how many marks were taken.

    So are the gaps, the alarms and the uses recovered from counters that those marks bear on.
    """
    hold(connection)
    # Compiling took seconds, each time, for queries of milliseconds.
    connection.execute("SET LOCAL jit = off")
    prepare_spans(connection)
    taken = connection.execute(
        """
        WITH taken AS (
            DELETE FROM touched WHERE ctid = ANY (ARRAY (SELECT ctid FROM touched LIMIT %s)) RETURNING device_id, hour
        ), spans_added AS (
            INSERT INTO spans SELECT DISTINCT device_id, hour FROM taken
        )
        SELECT count(*) FROM taken
        """,
        (limit,),
    ).fetchone()
    assert taken is not None
    if taken[0]:
        connection.execute("ANALYZE spans")
        gaps.refresh(connection)
        # A number that comes very late has come, and is missing no more; the figures of its hour are final.
        connection.execute("DELETE FROM spans WHERE hour < (SELECT kept_from FROM retention)")
        states.refresh(connection)
        states.widen(connection)
        connection.execute("ANALYZE spans")
        connection.execute(
            RECOMPUTED
            + """
            INSERT INTO rollups (device_id, hour, events_total, alive_minutes, uses, use_minutes, other_uses, armed_minutes)
            SELECT device_id, hour, events_total, alive_minutes, uses, use_minutes, other_uses, armed_minutes
            FROM recomputed
            ON CONFLICT (device_id, hour) DO UPDATE SET
                events_total = excluded.events_total, alive_minutes = excluded.alive_minutes,
                uses = excluded.uses, use_minutes = excluded.use_minutes, other_uses = excluded.other_uses,
                armed_minutes = excluded.armed_minutes
            """
        )
        alarms.refresh(connection)
        folds.touch(connection)
        counters.refresh(connection)
    connection.commit()
    return int(taken[0])


def hold(connection: Connection[Any]) -> None:
    """No refresh runs until the current transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))


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
    prepare_spans(connection)
    # A temporary table of this name stands before the real one: the states, too, are worked out anew.
    connection.execute("CREATE TEMPORARY TABLE last_states (LIKE last_states INCLUDING ALL) ON COMMIT DROP")
    connection.execute(
        "INSERT INTO last_states SELECT * FROM public.last_states WHERE hour < (SELECT kept_from FROM retention)"
    )
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
    states.refresh(connection)
    connection.execute("ANALYZE last_states")
    rows = connection.execute(
        RECOMPUTED
        + """
        SELECT d.code, hour, s.device_id IS NOT NULL, s.events_total, s.alive_minutes, s.uses, s.use_minutes, s.other_uses,
               s.armed_minutes, r.device_id IS NOT NULL, r.events_total, r.alive_minutes, r.uses, r.use_minutes, r.other_uses,
               r.armed_minutes
        FROM (SELECT rollups.* FROM rollups JOIN spans USING (device_id, hour)) s
        FULL JOIN recomputed r USING (device_id, hour)
        JOIN devices d ON d.id = device_id
        WHERE (s.events_total, s.alive_minutes, s.uses, s.use_minutes, s.other_uses, s.armed_minutes)
              IS DISTINCT FROM (r.events_total, r.alive_minutes, r.uses, r.use_minutes, r.other_uses, r.armed_minutes)
          AND (device_id, hour) NOT IN (SELECT device_id, hour FROM touched)
        ORDER BY d.code, hour
        """
    ).fetchall()
    connection.rollback()
    return [
        Difference(row[0], row[1], tuple(row[3:9]) if row[2] else None, tuple(row[10:16]) if row[9] else None)
        for row in rows
    ]


def read(
    connection: Connection[Any], devices: Sequence[str], from_at: datetime, to_at: datetime
) -> pd.DataFrame:
    """The rollups of `devices` (codes) in [from_at, to_at): device, hour (UTC), events_total, alive_minutes,
    uses, use_minutes, other_uses, armed_minutes; ordered by device and hour.

    armed_minutes (Int64) are the minutes in which the device was armed, or worn, by what it last said: NA where its
    technology has no rule for that, or it had said nothing yet. In an hour without a row, in which nothing was heard, it
    is as in the last minute (bit 59) of the row before. How far a silence is believed is for the reader to say.
    """
    rows = connection.execute(
        """
        SELECT d.code, extract(epoch FROM r.hour)::bigint, r.events_total, r.alive_minutes, r.uses, r.use_minutes,
               r.other_uses, r.armed_minutes
        FROM rollups r JOIN devices d ON d.id = r.device_id
        WHERE d.code = ANY (%s) AND r.hour >= date_trunc('hour', %s::timestamptz, 'UTC') AND r.hour < %s
        ORDER BY d.code, r.hour
        """,
        (list(devices), from_at, to_at),
    ).fetchall()
    counts = ["events_total", "alive_minutes", "uses", "use_minutes", "other_uses"]
    frame = pd.DataFrame(rows, columns=["device", "hour", *counts, "armed_minutes"], dtype="object")
    frame["hour"] = pd.to_datetime(frame["hour"].astype("int64"), unit="s", utc=True)
    return frame.astype({"device": "str", **dict.fromkeys(counts, "int64"), "armed_minutes": "Int64"})


def prepare_spans(connection: Connection[Any]) -> None:
    """The temporary table `spans` is there, and empty when a transaction begins."""
    connection.execute(
        "CREATE TEMPORARY TABLE IF NOT EXISTS spans (device_id integer, hour timestamptz, PRIMARY KEY (device_id, hour))"
        " ON COMMIT DELETE ROWS"
    )
