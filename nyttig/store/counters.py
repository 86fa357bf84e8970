"""Counters: uses that a device counted itself, where the messages that told of them are lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import pandas as pd
from psycopg import Connection

# In each of `ranges` (device_id, from_at, to_at): what each counter reading says beyond the events since the reading
# before it. The device counts what it sends, so it is compared with readings of use before any are joined, whoever
# caused them. A drop is a reset and says nothing. Nor does a rise of more than one a second: that is no count of uses.
# Nor does the counter of a device whose uses are told by thresholds.
_RECOVERED = """
    , plain AS (
        SELECT technology_id FROM use_rules GROUP BY 1 HAVING bool_and(above IS NULL AND below IS NULL)
    ), moments AS (
        SELECT a.device_id, a.from_at, a.to_at, e.at, count(r.type) AS told,
               max((e.health->>'counter')::numeric) FILTER (WHERE jsonb_typeof(e.health->'counter') = 'number') AS counter
        FROM ranges a
        JOIN devices d ON d.id = a.device_id
        CROSS JOIN LATERAL (
            SELECT at, type, health FROM events WHERE device_id = a.device_id AND at >= a.from_at AND at <= a.to_at
            OFFSET 0 -- by the index, as in the rollups
        ) e
        LEFT JOIN use_rules r ON r.technology_id = d.technology_id AND r.type = e.type
        GROUP BY 1, 2, 3, 4
    ), summed AS (
        SELECT device_id, from_at, to_at, at, counter,
               (sum(told) OVER (PARTITION BY device_id, from_at, to_at ORDER BY at))::bigint AS told
        FROM moments
    ), compared AS (
        SELECT device_id, at, lag(at) OVER readings AS since, counter - lag(counter) OVER readings AS rise,
               told - lag(told) OVER readings AS told
        FROM summed WHERE counter IS NOT NULL
        WINDOW readings AS (PARTITION BY device_id, from_at, to_at ORDER BY at)
    ), recovered AS (
        SELECT DISTINCT c.device_id, c.since AS from_at, c.at AS to_at,
               CASE WHEN p.technology_id IS NOT NULL AND c.rise BETWEEN 0 AND extract(epoch FROM c.at - c.since)
                    THEN greatest(floor(c.rise)::bigint - c.told, 0) ELSE 0 END AS uses
        FROM compared c JOIN devices d ON d.id = c.device_id LEFT JOIN plain p USING (technology_id)
        WHERE c.since IS NOT NULL
    )
"""


class Miscounted(NamedTuple):
    """Uses recovered up to a counter reading that the store and the events see differently."""

    device: str
    to_at: datetime
    stored: int
    recomputed: int


def refresh(connection: Connection[Any]) -> None:
    """What counters recover is right for the hours in `spans`, in the current transaction.

    An event there bears on the counter readings there and on the next one after. What no longer has an earlier
    reading to compare with, because retention took it, stays as it was.
    """
    connection.execute(
        """
        WITH islands AS (
            SELECT device_id, min(hour) AS from_at, max(hour) + interval '1 hour' AS to_at
            FROM (SELECT device_id, hour,
                         hour - row_number() OVER (PARTITION BY device_id ORDER BY hour) * interval '1 hour' AS island
                  FROM spans) numbered
            GROUP BY device_id, island
        ), ranges AS MATERIALIZED (
            SELECT DISTINCT i.device_id, coalesce(earlier.at, i.from_at) AS from_at, later.at AS to_at
            FROM islands i
            CROSS JOIN LATERAL (
                SELECT coalesce(
                    (SELECT at FROM events WHERE device_id = i.device_id AND at >= i.to_at
                        AND jsonb_typeof(health->'counter') = 'number' ORDER BY at LIMIT 1),
                    (SELECT at FROM events WHERE device_id = i.device_id AND at >= i.from_at AND at < i.to_at
                        AND jsonb_typeof(health->'counter') = 'number' ORDER BY at DESC LIMIT 1)) AS at
            ) later
            LEFT JOIN LATERAL (
                SELECT at FROM events WHERE device_id = i.device_id AND at < i.from_at
                    AND jsonb_typeof(health->'counter') = 'number' ORDER BY at DESC LIMIT 1
            ) earlier ON true
            WHERE later.at IS NOT NULL
        )
        """
        + _RECOVERED
        + """
        , withdrawn AS (
            DELETE FROM recovered_uses u USING recovered r
            WHERE r.uses = 0 AND u.device_id = r.device_id AND u.to_at = r.to_at
        )
        INSERT INTO recovered_uses (device_id, from_at, to_at, uses)
        SELECT device_id, from_at, to_at, uses FROM recovered WHERE uses > 0
        ON CONFLICT (device_id, to_at) DO UPDATE SET from_at = excluded.from_at, uses = excluded.uses
        """
    )


def read(
    connection: Connection[Any], devices: Sequence[str], from_at: datetime, to_at: datetime
) -> pd.DataFrame:
    """The recovered uses of `devices` (codes) between readings in [from_at, to_at): device, from_at, to_at, uses."""
    rows = connection.execute(
        """
        SELECT d.code, r.from_at, r.to_at, r.uses
        FROM recovered_uses r JOIN devices d ON d.id = r.device_id
        WHERE d.code = ANY (%s) AND r.from_at >= %s AND r.to_at < %s
        ORDER BY d.code, r.to_at
        """,
        (list(devices), from_at, to_at),
    ).fetchall()
    frame = pd.DataFrame(rows, columns=["device", "from_at", "to_at", "uses"])
    times = {name: pd.to_datetime(frame[name], utc=True) for name in ("from_at", "to_at")}
    return frame.assign(**times).astype({"uses": "int64"})


def differences(connection: Connection[Any], *, trial_id: str | None = None) -> list[Miscounted]:
    """Recovered uses that are not what counters and events say; empty when all is well.

    Left out are devices whose marks still wait, and readings before what retention has kept.
    """
    rows = connection.execute(
        """
        WITH ranges AS MATERIALIZED (
            SELECT DISTINCT device_id, '-infinity'::timestamptz AS from_at, 'infinity'::timestamptz AS to_at
            FROM events
            WHERE jsonb_typeof(health->'counter') = 'number'
              AND (%(trial)s::text IS NULL
                   OR device_id IN (SELECT device_id FROM trial_devices WHERE trial_id = %(trial)s))
        )
        """
        + _RECOVERED
        + """
        SELECT d.code, to_at, coalesce(u.uses, 0), coalesce(r.uses, 0)
        FROM recovered_uses u FULL JOIN recovered r USING (device_id, to_at)
        JOIN devices d ON d.id = device_id
        WHERE coalesce(u.uses, 0) <> coalesce(r.uses, 0)
          AND device_id NOT IN (SELECT device_id FROM touched)
          AND coalesce(r.from_at, u.from_at) >= coalesce((SELECT kept_from FROM retention), '-infinity')
          AND (%(trial)s::text IS NULL
               OR device_id IN (SELECT device_id FROM trial_devices WHERE trial_id = %(trial)s))
        ORDER BY 1, 2
        """,
        {"trial": trial_id},
    ).fetchall()
    return [Miscounted(*row) for row in rows]
