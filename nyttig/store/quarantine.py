"""Messages that could not be stored: kept with their reason, counted, and ready to be tried again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection

PAYLOAD_BYTES_KEPT = 65_536


class Quarantined(NamedTuple):
    """One message on its way into quarantine."""

    reason: str
    detail: str
    dialect: str | None
    topic: str
    payload: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class QuarantineGroup:
    """Quarantined messages of one reason and dialect."""

    reason: str
    dialect: str | None
    messages_total: int
    last_received_at: datetime
    example_topic: str
    example_detail: str


class Kept(NamedTuple):
    """One kind of quarantined message, as it stands in the store."""

    id: int
    reason: str
    detail: str
    dialect: str | None
    topic: str
    payload: bytes
    payload_bytes: int
    messages_total: int
    first_received_at: datetime
    last_received_at: datetime


def add(connection: Connection[Any], messages: Iterable[Quarantined]) -> int:
    """The messages stand in quarantine, like ones counted together; returns how many there were."""
    total = 0
    with connection.cursor() as cursor:
        for message in messages:
            total += 1
            digest = hashlib.blake2b(
                b"\0".join(
                    (message.reason.encode(), message.topic.encode(errors="surrogateescape"), message.payload)
                ),
                digest_size=16,
            ).digest()
            cursor.execute(
                """
                INSERT INTO quarantine (digest, reason, detail, dialect, topic, payload, payload_bytes, messages_total,
                                        first_received_at, last_received_at)
                VALUES (%s, %s, %s, %s, %s, %s, %s, 1, %s, %s)
                ON CONFLICT (digest) DO UPDATE SET
                    messages_total = quarantine.messages_total + 1,
                    last_received_at = greatest(quarantine.last_received_at, excluded.last_received_at),
                    replayed_at = NULL
                """,
                (
                    digest,
                    message.reason,
                    _storable(message.detail),
                    message.dialect,
                    _storable(message.topic),
                    message.payload[:PAYLOAD_BYTES_KEPT],
                    len(message.payload),
                    message.received_at,
                    message.received_at,
                ),
            )
    return total


def groups(connection: Connection[Any]) -> list[QuarantineGroup]:
    """What waits in quarantine, by reason and dialect, most messages first."""
    rows = connection.execute(
        """
        SELECT reason, dialect, sum(messages_total)::bigint, max(last_received_at),
               (array_agg(topic ORDER BY last_received_at DESC, id DESC))[1],
               (array_agg(detail ORDER BY last_received_at DESC, id DESC))[1]
        FROM quarantine WHERE replayed_at IS NULL
        GROUP BY reason, dialect ORDER BY 3 DESC, reason
        """
    ).fetchall()
    return [QuarantineGroup(*row) for row in rows]


def waiting(
    connection: Connection[Any], *, reason: str | None = None, limit: int | None = None
) -> list[Kept]:
    """The kinds of messages that wait, newest first."""
    rows = connection.execute(
        """
        SELECT id, reason, detail, dialect, topic, payload, payload_bytes, messages_total,
               first_received_at, last_received_at
        FROM quarantine
        WHERE replayed_at IS NULL AND (%(reason)s::text IS NULL OR reason = %(reason)s)
        ORDER BY last_received_at DESC, id DESC LIMIT %(limit)s
        """,
        {"reason": reason, "limit": limit},
    ).fetchall()
    return [Kept(*row) for row in rows]


def mark_replayed(connection: Connection[Any], kind: int) -> None:
    """This kind of message no longer waits."""
    connection.execute("UPDATE quarantine SET replayed_at = now() WHERE id = %s", (kind,))


def _storable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
