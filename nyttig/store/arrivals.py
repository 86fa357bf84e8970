"""Arrivals: what the store would hold if nothing had come after a moment; docs/decisions/0022-as-of.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from psycopg import Connection, sql

from nyttig.store import alarms, counters, gaps, rollups, states


@contextmanager
def apart(connection: Connection[Any]) -> Iterator[None]:
    """Inside it everything is read as it stood at the first reading, and tables may be shadowed; nothing of it remains.

    Statements that were prepared before would go on reading the tables that they were prepared for: none is used.
    """
    threshold = connection.prepare_threshold
    connection.rollback()
    connection.prepare_threshold = None
    try:
        # As in the refresh, compiling would take longer than the queries.
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SET LOCAL jit = off")
        yield
    finally:
        if not connection.closed:
            connection.rollback()
        connection.prepare_threshold = threshold


def forget_later(connection: Connection[Any], devices: Sequence[str], known_at: datetime) -> None:
    """Until the end of `apart`, all that is worked out of events reads as a refresh at `known_at` would have left it.

    That is so for these devices (codes) and hours up to `known_at`: temporary tables and views stand before `events`,
    `rollups`, `folds`, `last_states`, `gaps`, `recovered_uses` and `alarms`. Only what came later makes work. Hours whose
    raw events are gone stay as they are.
    """
    ids = [
        device_id
        for (device_id,) in connection.execute(
            "SELECT id FROM devices WHERE code = ANY (%s)", (list(devices),)
        ).fetchall()
    ]
    _find_later(connection, ids, known_at)
    _find_hours(connection, known_at)
    connection.execute(
        sql.SQL("CREATE TEMPORARY VIEW events AS SELECT * FROM public.events WHERE received_at < {}").format(
            known_at
        )
    )
    _recast_alarms(connection, ids)
    connection.execute("DELETE FROM spans WHERE hour >= %s", (known_at,))
    connection.execute("ANALYZE spans")
    _recast_states(connection, known_at)
    _recast_counters(connection, ids)
    _recast_rollups(connection)
    gaps.recast(connection, ids, known_at)


def count_later(connection: Connection[Any], from_at: datetime, to_at: datetime) -> int:
    """How many of the events that `forget_later` leaves out tell about [from_at, to_at)."""
    row = connection.execute(
        "SELECT count(*) FROM later_events WHERE at >= %s AND at < %s", (from_at, to_at)
    ).fetchone()
    assert row is not None
    return int(row[0])


def _find_later(connection: Connection[Any], ids: list[int], known_at: datetime) -> None:
    """`later_events` are those that came at `known_at` or after it and bear on the time before.

    They lie before it; or so soon after it that they say how long a state lasted, whether an alarm was handled, or
    which numbers came out of turn.
    """
    connection.execute(
        """
        CREATE TEMPORARY TABLE later_events (device_id integer, at timestamptz, boot_id text, seq bigint) ON COMMIT DROP
        """
    )
    connection.execute(
        """
        INSERT INTO later_events
        SELECT device_id, at, boot_id, seq FROM events
        WHERE received_at >= %(known_at)s AND at < %(known_at)s - interval '10 minutes'
          AND received_at - at > interval '10 minutes' AND device_id = ANY (%(ids)s)
        UNION ALL
        SELECT e.* FROM (
            SELECT asked.device_id, greatest(max(r.silence + r.minimum), interval '1 day') + interval '1 hour' AS reach
            FROM unnest(%(ids)s::integer[]) asked (device_id)
            LEFT JOIN device_rules r ON r.device_id = asked.device_id AND r.lasting
            GROUP BY 1
        ) d CROSS JOIN LATERAL (
            SELECT device_id, at, boot_id, seq FROM events
            WHERE device_id = d.device_id AND at >= %(known_at)s - interval '10 minutes' AND at < %(known_at)s + d.reach
              AND received_at >= %(known_at)s
            OFFSET 0 -- by the index, as in the rollups
        ) e
        """,
        {"ids": ids, "known_at": known_at},
    )
    connection.execute("ANALYZE later_events")


def _find_hours(connection: Connection[Any], known_at: datetime) -> None:
    """`spans` are the hours that those events may have changed, as a refresh finds them."""
    rollups.prepare_spans(connection)
    connection.execute(
        "INSERT INTO spans SELECT DISTINCT device_id, date_trunc('hour', at, 'UTC') FROM later_events"
    )
    connection.execute("DELETE FROM spans WHERE hour < (SELECT kept_from FROM retention)")
    connection.execute("ANALYZE spans")
    # A state that stands changes all hours up to now; those after the moment are none of ours.
    connection.execute(
        sql.SQL("CREATE TEMPORARY VIEW rollups AS SELECT * FROM public.rollups WHERE hour < {}").format(
            known_at
        )
    )
    states.widen(connection)
    connection.execute("DROP VIEW pg_temp.rollups")


def _recast_alarms(connection: Connection[Any], ids: list[int]) -> None:
    connection.execute("CREATE TEMPORARY TABLE alarms (LIKE public.alarms INCLUDING INDEXES) ON COMMIT DROP")
    connection.execute("INSERT INTO alarms SELECT * FROM public.alarms WHERE device_id = ANY (%s)", (ids,))
    alarms.refresh(connection)


def _recast_states(connection: Connection[Any], known_at: datetime) -> None:
    """Of the devices whose hours change, from a little before the first of those hours on."""
    connection.execute(
        "CREATE TEMPORARY TABLE last_states (LIKE public.last_states INCLUDING INDEXES) ON COMMIT DROP"
    )
    connection.execute(
        """
        INSERT INTO last_states
        SELECT stood.*
        FROM (SELECT device_id, min(hour) AS hour FROM spans GROUP BY 1) changed
        JOIN device_rules r USING (device_id)
        CROSS JOIN LATERAL (
            SELECT date_trunc('hour', changed.hour - r.minimum - 2 * r.rule_gap - r.joining_gap, 'UTC') AS from_at
        ) read
        CROSS JOIN LATERAL (
            (SELECT * FROM public.last_states
             WHERE device_id = r.device_id AND purpose = r.purpose AND type = r.type AND hour < read.from_at
             ORDER BY hour DESC LIMIT 1)
            UNION ALL
            (SELECT * FROM public.last_states
             WHERE device_id = r.device_id AND purpose = r.purpose AND type = r.type
               AND hour >= read.from_at AND hour < %s)
        ) stood
        WHERE r.stateful AND NOT EXISTS (SELECT FROM spans s WHERE (s.device_id, s.hour) = (stood.device_id, stood.hour))
        """,
        (known_at,),
    )
    states.refresh(connection)
    connection.execute("ANALYZE last_states")


def _recast_counters(connection: Connection[Any], ids: list[int]) -> None:
    """A reading that had not come recovers nothing; what the one after it recovers is counted from the one before it."""
    connection.execute(
        "CREATE TEMPORARY TABLE recovered_uses (LIKE public.recovered_uses INCLUDING INDEXES) ON COMMIT DROP"
    )
    connection.execute(
        """
        INSERT INTO recovered_uses
        SELECT * FROM public.recovered_uses u
        WHERE device_id = ANY (%s)
          AND NOT EXISTS (SELECT FROM later_events l WHERE (l.device_id, l.at) = (u.device_id, u.to_at))
        """,
        (ids,),
    )
    counters.refresh(connection)


def _recast_rollups(connection: Connection[Any]) -> None:
    """`rollups` and `folds` are the stored ones wherever they are the same."""
    connection.execute(
        "CREATE TEMPORARY TABLE recast_hours (LIKE public.rollups, PRIMARY KEY (device_id, hour)) ON COMMIT DROP"
    )
    connection.execute(
        rollups.RECOMPUTED
        + """
        INSERT INTO recast_hours (device_id, hour, events_total, alive_minutes, uses, use_minutes, other_uses, armed_minutes)
        SELECT device_id, hour, events_total, alive_minutes, uses, use_minutes, other_uses, armed_minutes FROM recomputed
        """
    )
    connection.execute(
        """
        WITH same AS (
            DELETE FROM recast_hours h USING public.rollups r
            WHERE (r.device_id, r.hour, r.events_total, r.alive_minutes, r.uses, r.use_minutes, r.other_uses)
                  = (h.device_id, h.hour, h.events_total, h.alive_minutes, h.uses, h.use_minutes, h.other_uses)
              AND r.armed_minutes IS NOT DISTINCT FROM h.armed_minutes
            RETURNING h.device_id, h.hour
        )
        DELETE FROM spans s USING same WHERE (s.device_id, s.hour) = (same.device_id, same.hour)
        """
    )
    connection.execute("ANALYZE spans")
    connection.execute("ANALYZE recast_hours")
    connection.execute(
        """
        CREATE TEMPORARY VIEW rollups AS
        SELECT r.* FROM public.rollups r
        WHERE NOT EXISTS (SELECT FROM spans s WHERE (s.device_id, s.hour) = (r.device_id, r.hour))
        UNION ALL
        SELECT * FROM recast_hours
        """
    )
    connection.execute(
        """
        CREATE TEMPORARY VIEW folds AS
        SELECT f.* FROM public.folds f
        WHERE NOT EXISTS (
            SELECT FROM spans s
            WHERE s.device_id = f.device_id AND s.hour >= to_timestamp(f.period * 3888000::bigint)
              AND s.hour < to_timestamp((f.period + 1) * 3888000::bigint))
        """
    )
