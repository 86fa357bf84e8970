"""The ledger checked against the events themselves."""

from __future__ import annotations

from typing import Any, NamedTuple

from psycopg import Connection


class Unbooked(NamedTuple):
    """A device and boot whose ledger does not say what the events say: sequence numbers on either side only."""

    device: str
    boot_id: str
    only_in_ledger: str
    only_in_events: str


class Gap(NamedTuple):
    """Sequence numbers of a device and boot that never came, first and last of them."""

    device: str
    boot_id: str
    first_seq: int
    last_seq: int


def differences(connection: Connection[Any], *, trial_id: str | None = None) -> list[Unbooked]:
    """Where ledger and events disagree; empty when all is well. What retention took away is no disagreement."""
    rows = connection.execute(
        """
        WITH there AS (
            SELECT device_id, boot_id, range_agg(int8range(seq, seq + 1)) AS seqs
            FROM events WHERE seq IS NOT NULL GROUP BY device_id, boot_id
        ), both_sides AS (
            SELECT device_id, boot_id, coalesce(l.seqs, '{}') AS booked, coalesce(t.seqs, '{}') AS stored
            FROM ledger l FULL JOIN there t USING (device_id, boot_id)
        )
        SELECT d.code, boot_id, (booked - stored)::text, (stored - booked)::text
        FROM both_sides JOIN devices d ON d.id = device_id
        WHERE (stored - booked <> '{}' OR (booked <> stored AND NOT EXISTS (SELECT FROM retention)))
          AND (%(trial)s::text IS NULL
               OR device_id IN (SELECT device_id FROM trial_devices WHERE trial_id = %(trial)s))
        ORDER BY d.code, boot_id
        """,
        {"trial": trial_id},
    ).fetchall()
    return [Unbooked(*row) for row in rows]


def gaps(connection: Connection[Any], *, trial_id: str | None = None) -> list[Gap]:
    """Sequence numbers that are missing between the first and the last of a boot."""
    rows = connection.execute(
        """
        SELECT d.code, l.boot_id, lower(gap), upper(gap) - 1
        FROM ledger l JOIN devices d ON d.id = l.device_id
        CROSS JOIN LATERAL unnest(int8multirange(range_merge(l.seqs)) - l.seqs) gap
        WHERE NOT isempty(l.seqs)
          AND (%(trial)s::text IS NULL
               OR l.device_id IN (SELECT device_id FROM trial_devices WHERE trial_id = %(trial)s))
        ORDER BY d.code, l.boot_id, lower(gap)
        """,
        {"trial": trial_id},
    ).fetchall()
    return [Gap(*row) for row in rows]
