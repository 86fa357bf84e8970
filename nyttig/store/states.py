"""States: how what a device says of itself stood at the end of each hour, found in one step from any later moment."""

from __future__ import annotations

from typing import Any

from psycopg import Connection


def refresh(connection: Connection[Any]) -> None:
    """The last states of the hours in `spans` are those of their events, in the current transaction.

    An hour in which no reading turned or confirmed a state has none. Readings of one moment follow each other by
    arrival, by number, by value and so on: any order will do, as long as it is the same everywhere.
    """
    connection.execute(
        """
        INSERT INTO last_states AS l (device_id, purpose, type, hour, is_on, by_citizen)
        SELECT DISTINCT ON (s.device_id, r.purpose, r.type, s.hour)
               s.device_id, r.purpose, r.type, s.hour, e.is_on, e.by_citizen
        FROM spans s
        JOIN device_rules r ON r.device_id = s.device_id AND r.stateful
        CROSS JOIN LATERAL (
            SELECT at, received_at, seq, value, type, origin = 'citizen' AS by_citizen,
                   rule_state(type, value, r.until, r.above, r.below, r.release, r.bare) AS is_on
            FROM events
            WHERE device_id = s.device_id AND at >= s.hour AND at < s.hour + interval '1 hour'
              AND (type = r.type OR type = r.until)
            OFFSET 0 -- by the index, as in the rollups
        ) e
        WHERE e.is_on IS NOT NULL
        ORDER BY s.device_id, r.purpose, r.type, s.hour,
                 e.at DESC, e.received_at DESC, e.seq DESC, e.value DESC, e.type DESC, e.by_citizen DESC
        ON CONFLICT (device_id, purpose, type, hour) DO UPDATE
            SET is_on = excluded.is_on, by_citizen = excluded.by_citizen
            WHERE (l.is_on, l.by_citizen) <> (excluded.is_on, excluded.by_citizen)
        """
    )


def widen(connection: Connection[Any]) -> None:
    """What the events of the hours in `spans` may change in other hours of their devices is in `spans`, too.

    A moment may join the next ones to it. Where a state turned, so does what it means for the next reading of it; if
    it lasts, all hours up to there are other than they were. And a sign of life lets a state last from the sign before
    to the one after it. Only hours that have a rollup are added: in others nothing was heard.
    """
    connection.execute(
        """
        WITH edges AS (
            SELECT s.device_id, s.hour AS from_at, s.hour + interval '1 hour' AS to_at,
                   NOT EXISTS (SELECT FROM spans b WHERE b.device_id = s.device_id AND b.hour = s.hour - interval '1 hour')
                       AS is_first,
                   NOT EXISTS (SELECT FROM spans b WHERE b.device_id = s.device_id AND b.hour = s.hour + interval '1 hour')
                       AS is_last
            FROM spans s
        ), reached AS (
            SELECT e.device_id, e.to_at AS from_at, e.to_at + greatest(r.rule_gap, r.joining_gap) AS to_at
            FROM edges e JOIN device_rules r USING (device_id)
            WHERE e.is_last AND r.purpose = 'use' AND NOT r.lasting
          UNION ALL
            SELECT r.device_id, CASE WHEN r.lasting OR r.purpose = 'armed' THEN l.hour ELSE following.hour END,
                   coalesce(following.hour + interval '1 hour' + r.minimum + r.rule_gap + r.joining_gap,
                            CASE WHEN r.lasting OR r.purpose = 'armed' THEN 'infinity'::timestamptz END)
            FROM spans s
            JOIN last_states l USING (device_id, hour)
            JOIN device_rules r USING (device_id, purpose, type)
            LEFT JOIN LATERAL (
                SELECT hour FROM last_states
                WHERE device_id = l.device_id AND purpose = l.purpose AND type = l.type AND hour > l.hour
                ORDER BY hour LIMIT 1
            ) following ON true
          UNION ALL
            SELECT e.device_id, CASE WHEN e.is_first THEN coalesce(before.at, e.from_at) - r.minimum ELSE e.to_at END,
                   CASE WHEN e.is_last THEN coalesce(after.at, e.to_at) + r.minimum + r.rule_gap + r.joining_gap
                        ELSE e.from_at END
            FROM edges e JOIN device_rules r USING (device_id)
            LEFT JOIN LATERAL (
                SELECT at FROM events
                WHERE e.is_first AND device_id = e.device_id AND at >= e.from_at - r.silence AND at < e.from_at
                  AND type <> 'availability' AND NOT (type = 'state' AND value = 0)
                ORDER BY at DESC LIMIT 1
            ) before ON true
            LEFT JOIN LATERAL (
                SELECT at FROM events
                WHERE e.is_last AND device_id = e.device_id AND at >= e.to_at AND at <= e.to_at + r.silence
                  AND type <> 'availability' AND NOT (type = 'state' AND value = 0)
                ORDER BY at LIMIT 1
            ) after ON true
            WHERE (e.is_first OR e.is_last) AND r.lasting
        )
        INSERT INTO spans (device_id, hour)
        SELECT DISTINCT r.device_id, o.hour
        FROM reached r
        CROSS JOIN LATERAL (
            SELECT hour FROM rollups
            WHERE device_id = r.device_id AND hour >= date_trunc('hour', r.from_at, 'UTC') AND hour <= r.to_at
            OFFSET 0
        ) o
        WHERE o.hour >= coalesce((SELECT kept_from FROM retention), '-infinity')
        ON CONFLICT DO NOTHING
        """
    )
