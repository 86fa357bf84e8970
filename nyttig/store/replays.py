"""Replays: addresses that were registered after they spoke, whose messages in quarantine are to be read again.

Whoever registers asks; a running ingestor, which alone knows the dialects, does it at its next beat.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from psycopg import Connection

from nyttig.store.quarantine import Kept

ASKED_FOR = timedelta(minutes=2)
"""A replay stands so long: messages that were under way while the device was registered may still come to quarantine."""

_WAITING = """
    FROM quarantine q JOIN replays r ON r.dialect = q.dialect AND q.addresses @> ARRAY[r.address]
    WHERE q.reason = 'unknown_device' AND q.replayed_at IS NULL AND q.payload_bytes <= length(q.payload)
"""


def ask(connection: Connection[Any], dialect: str, address: str) -> int:
    """What waits of this address in quarantine is to be read again; returns how many messages that is."""
    connection.execute(
        "INSERT INTO replays (dialect, address, asked_at) VALUES (%s, %s, now())"
        " ON CONFLICT (dialect, address) DO UPDATE SET asked_at = excluded.asked_at",
        (dialect, address),
    )
    row = connection.execute(
        "SELECT coalesce(sum(q.messages_total)::bigint, 0)"
        + _WAITING
        + " AND (r.dialect, r.address) = (%s, %s)",
        (dialect, address),
    ).fetchone()
    assert row is not None
    return int(row[0])


def ask_all(connection: Connection[Any], addresses: Collection[tuple[str, str]]) -> None:
    """Of these (dialect, address), what waits in quarantine is to be read again."""
    connection.execute(
        """
        INSERT INTO replays (dialect, address, asked_at)
        SELECT DISTINCT dialect, address, now() FROM unnest(%s::text[], %s::text[]) registered (dialect, address)
        WHERE (dialect, address) IN (SELECT q.dialect, unnest(q.addresses) FROM quarantine q
                                     WHERE q.reason = 'unknown_device' AND q.replayed_at IS NULL)
        ON CONFLICT (dialect, address) DO UPDATE SET asked_at = excluded.asked_at
        """,
        ([dialect for dialect, _ in addresses], [address for _, address in addresses]),
    )


def asked(connection: Connection[Any], dialects: Collection[str]) -> bool:
    """Whether a replay of one of these dialects is asked for."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM replays WHERE dialect = ANY (%s))", (sorted(dialects),)
    ).fetchone()
    assert row is not None
    return bool(row[0])


def take(
    connection: Connection[Any], dialects: Collection[str], *, without: Collection[int], limit: int
) -> list[Kept]:
    """The oldest kinds of messages to be read again, those `without` left out, locked for this transaction; what
    another ingestor has taken is left to it."""
    rows = connection.execute(
        """
        SELECT q.id, q.reason, q.detail, q.dialect, q.topic, q.payload, q.payload_bytes, q.messages_total,
               q.first_received_at, q.last_received_at, q.replayed_at, q.addresses, q.received_at
        """
        + _WAITING
        + " AND r.dialect = ANY (%s) AND NOT q.id = ANY (%s)"
        " ORDER BY q.first_received_at, q.id LIMIT %s FOR UPDATE OF q SKIP LOCKED",
        (sorted(dialects), list(without), limit),
    ).fetchall()
    return [Kept(*row) for row in rows]


def forget(connection: Connection[Any], dialects: Collection[str]) -> None:
    """Replays of these dialects that were asked for long enough ago are done."""
    connection.execute(
        "DELETE FROM replays WHERE dialect = ANY (%s) AND asked_at < now() - %s",
        (sorted(dialects), ASKED_FOR),
    )
