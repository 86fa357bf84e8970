"""The ledger: what each device numbered, what of it came, and whether the events themselves agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection

GAPS_LISTED = 100
"""A boot's entry lists at most so many of its gaps, the newest; its count of lost messages is of all."""


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


class Miscount(NamedTuple):
    """A count of the ledger (`received_total` or `late_total`) of a device and boot that is not that of the events."""

    device: str
    boot_id: str
    figure: str
    booked: int
    stored: int


@dataclass(frozen=True, slots=True)
class LocatedGap:
    """Numbers that never came, and the times of the events before and after; None until the rollups are refreshed."""

    first_seq: int
    last_seq: int
    from_at: datetime | None
    to_at: datetime | None


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of the messages of one device and boot ('' those without a boot).

    `received_total` are events stored, once each; `duplicates_total` what came again and was not stored;
    `late_total` those stored that were history when they came; `lost_messages` the numbers missing between the
    first and the last; `gaps` where, the newest first, at most GAPS_LISTED of `gaps_total`. Without sequence
    numbers there is no first and last, and nothing is known to be lost.
    """

    device: str
    boot_id: str
    first_seq: int | None
    last_seq: int | None
    lost_messages: int
    gaps_total: int
    received_total: int
    duplicates_total: int
    late_total: int
    first_received_at: datetime
    last_received_at: datetime
    gaps: tuple[LocatedGap, ...]


def entries(
    connection: Connection[Any], *, device: str | None = None, trial_id: str | None = None
) -> list[Entry]:
    """The ledger of one device, of a trial's devices or of all; by device, the newest boot first."""
    rows = connection.execute(
        """
        WITH kept AS (
            SELECT d.code, l.*, int8multirange(range_merge(l.seqs)) - l.seqs AS missing
            FROM ledger l JOIN devices d ON d.id = l.device_id
            WHERE (%(device)s::text IS NULL OR d.code = %(device)s)
              AND (%(trial)s::text IS NULL
                   OR d.id IN (SELECT device_id FROM trial_devices WHERE trial_id = %(trial)s))
        )
        SELECT code, boot_id, lower(seqs), upper(seqs) - 1,
               coalesce((SELECT sum(upper(gap) - lower(gap))::bigint FROM unnest(missing) gap), 0),
               (SELECT count(*) FROM unnest(missing) gap),
               received_total, duplicates_total, late_total, first_received_at, last_received_at,
               first_seqs, last_seqs, from_times, to_times
        FROM kept CROSS JOIN LATERAL (
            SELECT array_agg(first_seq) AS first_seqs, array_agg(last_seq) AS last_seqs,
                   array_agg(from_at) AS from_times, array_agg(to_at) AS to_times
            FROM (SELECT lower(gap) AS first_seq, upper(gap) - 1 AS last_seq, g.from_at, g.to_at
                  FROM unnest(missing) gap
                  LEFT JOIN gaps g ON g.device_id = kept.device_id AND g.boot_id = kept.boot_id
                      AND g.first_seq = lower(gap) AND g.last_seq = upper(gap) - 1
                  ORDER BY lower(gap) DESC LIMIT %(listed)s) newest
        ) located
        ORDER BY code, last_received_at DESC, boot_id
        """,
        {"device": device, "trial": trial_id, "listed": GAPS_LISTED},
    ).fetchall()
    found = []
    for row in rows:
        located = zip(*(column or () for column in row[11:]), strict=True)
        found.append(Entry(*(*row[:11], tuple(LocatedGap(*gap) for gap in located))))
    return found


def miscounts(connection: Connection[Any], *, trial_id: str | None = None) -> list[Miscount]:
    """Totals of the ledger that the events contradict; empty when all is well.

    Where retention took events away, the ledger may count more than there are. Duplicates are not stored and
    cannot be counted again.
    """
    rows = connection.execute(
        """
        WITH there AS (
            SELECT device_id, coalesce(boot_id, '') AS boot_id, count(*) AS received, count(*) FILTER (WHERE late) AS late
            FROM events GROUP BY 1, 2
        ), figures AS (
            SELECT device_id, boot_id, figure, booked, stored
            FROM ledger l FULL JOIN there t USING (device_id, boot_id)
            CROSS JOIN LATERAL (VALUES
                ('received_total', coalesce(l.received_total, 0), coalesce(t.received, 0)),
                ('late_total', coalesce(l.late_total, 0), coalesce(t.late, 0))) both_sides (figure, booked, stored)
        )
        SELECT d.code, boot_id, figure, booked, stored
        FROM figures JOIN devices d ON d.id = device_id
        WHERE (stored > booked OR (stored < booked AND NOT EXISTS (SELECT FROM retention)))
          AND (%(trial)s::text IS NULL
               OR device_id IN (SELECT device_id FROM trial_devices WHERE trial_id = %(trial)s))
        ORDER BY d.code, boot_id, figure DESC
        """,
        {"trial": trial_id},
    ).fetchall()
    return [Miscount(*row) for row in rows]


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
