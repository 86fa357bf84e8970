"""Counters: uses that a device counted itself, where the messages that told of them are lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import pandas as pd
from psycopg import Connection

# From the counter readings (device_id, at) in `affected`: what each says beyond the events since the reading before
# it. The device counts what it sends, so it is compared with readings of use before any are joined, whoever caused
# them. A drop is a reset and says nothing. Nor does a rise of more than one a second: that is no count of uses.
_COUNTED = """
    , counters AS (
        SELECT a.device_id, a.at, earlier.at AS since, said.counter - earlier.counter AS rise
        FROM affected a
        CROSS JOIN LATERAL (
            SELECT max((health->>'counter')::numeric) AS counter FROM events e
            WHERE e.device_id = a.device_id AND e.at = a.at AND jsonb_typeof(health->'counter') = 'number'
        ) said
        LEFT JOIN LATERAL (
            SELECT e.at, (health->>'counter')::numeric AS counter FROM events e
            WHERE e.device_id = a.device_id AND e.at < a.at AND jsonb_typeof(health->'counter') = 'number'
            ORDER BY e.at DESC, (health->>'counter')::numeric DESC LIMIT 1
        ) earlier ON true
    ), counted AS (
        SELECT c.device_id, c.since AS from_at, c.at AS to_at,
               CASE WHEN c.rise BETWEEN 0 AND extract(epoch FROM c.at - c.since) THEN floor(c.rise)::bigint ELSE 0 END
               - (SELECT count(*) FROM use_rules r
                  JOIN events e ON e.device_id = c.device_id AND e.type = r.type AND e.at > c.since AND e.at <= c.at
                  WHERE r.technology_id = d.technology_id) AS uses
        FROM counters c JOIN devices d ON d.id = c.device_id
        WHERE c.since IS NOT NULL
    ), plain AS (
        SELECT c.device_id, c.from_at, c.to_at,
               CASE WHEN EXISTS (SELECT FROM use_rules r JOIN devices d ON d.technology_id = r.technology_id
                                 WHERE d.id = c.device_id)
                     AND NOT EXISTS (SELECT FROM use_rules r JOIN devices d ON d.technology_id = r.technology_id
                                     WHERE d.id = c.device_id AND (r.above IS NOT NULL OR r.below IS NOT NULL))
                    THEN greatest(c.uses, 0) ELSE 0 END AS uses
        FROM counted c
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
        WITH affected AS MATERIALIZED (
            SELECT e.device_id, e.at
            FROM spans s JOIN events e ON e.device_id = s.device_id AND e.at >= s.hour AND e.at < s.hour + interval '1 hour'
            WHERE jsonb_typeof(e.health->'counter') = 'number'
            UNION
            SELECT s.device_id, following.at
            FROM spans s
            CROSS JOIN LATERAL (
                SELECT e.at FROM events e
                WHERE e.device_id = s.device_id AND e.at >= s.hour + interval '1 hour'
                  AND jsonb_typeof(e.health->'counter') = 'number'
                ORDER BY e.at LIMIT 1
            ) following
            WHERE NOT EXISTS (SELECT FROM spans n
                              WHERE n.device_id = s.device_id AND n.hour = s.hour + interval '1 hour')
        )
        """
        + _COUNTED
        + """
        , withdrawn AS (
            DELETE FROM recovered_uses r USING plain p
            WHERE p.uses = 0 AND r.device_id = p.device_id AND r.to_at = p.to_at
        )
        INSERT INTO recovered_uses (device_id, from_at, to_at, uses)
        SELECT device_id, from_at, to_at, uses FROM plain WHERE uses > 0
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
        WITH affected AS MATERIALIZED (
            SELECT DISTINCT device_id, at FROM events WHERE jsonb_typeof(health->'counter') = 'number'
        )
        """
        + _COUNTED
        + """
        SELECT d.code, to_at, coalesce(r.uses, 0), coalesce(p.uses, 0)
        FROM recovered_uses r FULL JOIN plain p USING (device_id, to_at)
        JOIN devices d ON d.id = device_id
        WHERE coalesce(r.uses, 0) <> coalesce(p.uses, 0)
          AND device_id NOT IN (SELECT device_id FROM touched)
          AND coalesce(p.from_at, r.from_at) >= coalesce((SELECT kept_from FROM retention), '-infinity')
          AND (%(trial)s::text IS NULL
               OR device_id IN (SELECT device_id FROM trial_devices WHERE trial_id = %(trial)s))
        ORDER BY 1, 2
        """,
        {"trial": trial_id},
    ).fetchall()
    return [Miscounted(*row) for row in rows]
