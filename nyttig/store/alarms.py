"""Alarms: when devices called for help, and when somebody took care of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import pandas as pd
from psycopg import Connection

# In each of `ranges` (device_id, from_at, to_at): the readings that raise an alarm. Those of one origin no further
# apart than the technology's joining gap are one alarm. A reading with the value 0 says that there is none.
_RAISED = """
    , readings AS (
        SELECT a.device_id, a.from_at, e.at, e.origin, gaps.joining_gap,
               e.at - lag(e.at) OVER (PARTITION BY a.device_id, a.from_at, e.origin ORDER BY e.at) AS since_previous
        FROM ranges a
        JOIN devices d ON d.id = a.device_id
        JOIN technologies t ON t.id = d.technology_id AND t.alarm <> '{}'
        CROSS JOIN LATERAL (SELECT make_interval(secs => t.joining_gap_minutes * 60) AS joining_gap) gaps
        CROSS JOIN LATERAL (
            SELECT at, origin FROM events
            WHERE device_id = a.device_id AND at >= a.from_at - gaps.joining_gap AND at < a.to_at + gaps.joining_gap
              AND type = ANY (t.alarm) AND value IS DISTINCT FROM 0
            OFFSET 0 -- by the index, as in the rollups
        ) e
    ), raised AS (
        SELECT DISTINCT device_id, at AS raised_at, origin AS raised_by
        FROM readings WHERE at >= from_at AND (since_previous IS NULL OR since_previous > joining_gap)
    )
"""

# And of each alarm in `raised` its first handling within a day. Who takes longer has not handled it.
_HANDLED = """
    , answered AS (
        SELECT a.device_id, a.raised_at, a.raised_by, e.at AS handled_at, e.origin AS handled_by
        FROM raised a
        JOIN devices d ON d.id = a.device_id
        JOIN technologies t ON t.id = d.technology_id
        LEFT JOIN LATERAL (
            SELECT at, origin FROM events
            WHERE device_id = a.device_id AND at >= a.raised_at AND at <= a.raised_at + interval '1 day'
              AND type = ANY (t.alarm_handled) AND value IS DISTINCT FROM 0
            ORDER BY at, origin LIMIT 1
        ) e ON true
    )
"""


class Misheard(NamedTuple):
    """An alarm that the store and the events see differently; what became of it in each, None where it is not there."""

    device: str
    raised_at: datetime
    stored: str | None
    recomputed: str | None


def refresh(connection: Connection[Any]) -> None:
    """The alarms of the hours in `spans` are those of their events, in the current transaction, as is what became of
    those up to a day before.

    A reading there may also take the beginning of an alarm from one up to a joining gap later.
    """
    connection.execute(
        """
        WITH ranges AS MATERIALIZED (
            SELECT device_id, min(hour) AS from_at, max(hour) + interval '1 hour' AS to_at
            FROM (SELECT device_id, hour,
                         hour - row_number() OVER (PARTITION BY device_id ORDER BY hour) * interval '1 hour' AS island
                  FROM spans) numbered
            GROUP BY device_id, island
        )
        """
        + _RAISED
        + """
        , withdrawn AS (
            DELETE FROM alarms a USING ranges r
            JOIN devices d ON d.id = r.device_id
            JOIN technologies t ON t.id = d.technology_id
            WHERE a.device_id = r.device_id AND a.raised_at >= r.from_at
              AND a.raised_at < r.to_at + make_interval(secs => t.joining_gap_minutes * 60)
              AND NOT EXISTS (SELECT FROM raised n WHERE (n.device_id, n.raised_at, n.raised_by)
                                                       = (a.device_id, a.raised_at, a.raised_by))
        )
        INSERT INTO alarms (device_id, raised_at, raised_by)
        SELECT device_id, raised_at, raised_by FROM raised
        ON CONFLICT DO NOTHING
        """
    )
    connection.execute(
        """
        WITH raised AS MATERIALIZED (
            SELECT DISTINCT a.device_id, a.raised_at, a.raised_by
            FROM spans s JOIN alarms a USING (device_id)
            WHERE a.raised_at > s.hour - interval '1 day 1 hour' AND a.raised_at < s.hour + interval '2 hours'
              AND a.raised_at >= coalesce((SELECT kept_from FROM retention), '-infinity')
        )
        """
        + _HANDLED
        + """
        UPDATE alarms a SET handled_at = n.handled_at, handled_by = n.handled_by
        FROM answered n
        WHERE (a.device_id, a.raised_at, a.raised_by) = (n.device_id, n.raised_at, n.raised_by)
          AND (a.handled_at, a.handled_by) IS DISTINCT FROM (n.handled_at, n.handled_by)
        """
    )


def read(
    connection: Connection[Any], devices: Sequence[str], from_at: datetime, to_at: datetime
) -> pd.DataFrame:
    """The alarms of `devices` (codes) raised in [from_at, to_at): device, raised_at, raised_by, handled_at, handled_by.

    Ordered by device and time. raised_by and handled_by are origins: an alarm by `test`, `installer` or `staff` is
    none that a citizen needed. handled_at is NaT, and handled_by None, where nobody handled it within a day.
    """
    rows = connection.execute(
        """
        SELECT d.code, a.raised_at, a.raised_by, a.handled_at, a.handled_by
        FROM alarms a JOIN devices d ON d.id = a.device_id
        WHERE d.code = ANY (%s) AND a.raised_at >= %s AND a.raised_at < %s
        ORDER BY d.code, a.raised_at, a.raised_by
        """,
        (list(devices), from_at, to_at),
    ).fetchall()
    frame = pd.DataFrame(
        rows, columns=["device", "raised_at", "raised_by", "handled_at", "handled_by"], dtype="object"
    )
    return frame.assign(
        **{name: pd.to_datetime(frame[name], utc=True) for name in ("raised_at", "handled_at")}
    )


def differences(connection: Connection[Any], *, trial_id: str | None = None) -> list[Misheard]:
    """Alarms that are not what the events say; empty when all is well.

    Left out are devices whose marks still wait, and alarms before what retention has kept.
    """
    rows = connection.execute(
        """
        WITH ranges AS MATERIALIZED (
            SELECT d.id AS device_id, '-infinity'::timestamptz AS from_at, 'infinity'::timestamptz AS to_at
            FROM devices d
            WHERE d.id NOT IN (SELECT device_id FROM touched)
              AND (%(trial)s::text IS NULL
                   OR d.id IN (SELECT device_id FROM trial_devices WHERE trial_id = %(trial)s))
        )
        """
        + _RAISED
        + _HANDLED
        + """
        SELECT d.code, raised_at,
               CASE WHEN a.device_id IS NOT NULL THEN concat_ws(' ', raised_by, a.handled_at, a.handled_by) END,
               CASE WHEN n.device_id IS NOT NULL THEN concat_ws(' ', raised_by, n.handled_at, n.handled_by) END
        FROM (SELECT alarms.* FROM alarms JOIN ranges USING (device_id)) a
        FULL JOIN answered n USING (device_id, raised_at, raised_by)
        JOIN devices d ON d.id = device_id
        WHERE (a.device_id, a.handled_at, a.handled_by) IS DISTINCT FROM (n.device_id, n.handled_at, n.handled_by)
          AND raised_at >= coalesce((SELECT kept_from FROM retention), '-infinity')
        ORDER BY 1, 2
        """,
        {"trial": trial_id},
    ).fetchall()
    return [Misheard(*row) for row in rows]
