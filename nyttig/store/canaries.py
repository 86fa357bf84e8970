"""Canaries: messages of our own that came through, and how long they took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from psycopg import Connection

KEPT_FOR = timedelta(hours=1)


class Canary(NamedTuple):
    """A canary that has arrived; `client_id` is the ingestor that sent it."""

    client_id: str
    sent_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Passage:
    """The newest canary that came through: when it was sent, and how long it took until it was committed."""

    sent_at: datetime
    latency_seconds: float


def record(connection: Connection[Any], arrived: Sequence[Canary], committed_at: datetime) -> None:
    """The canaries stand in the store once each, however often they arrive; those an hour older are gone."""
    if not arrived:
        return
    with connection.cursor() as cursor:
        for canary in arrived:
            cursor.execute(
                "INSERT INTO canaries (client_id, sent_at, received_at, committed_at) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                (*canary, committed_at),
            )
    newest = max(canary.sent_at for canary in arrived)
    connection.execute("DELETE FROM canaries WHERE sent_at < %s", (newest - KEPT_FOR,))


def newest(connection: Connection[Any]) -> Passage | None:
    """The canary sent last of those that came through; None where none ever did."""
    row = connection.execute(
        "SELECT sent_at, extract(epoch FROM committed_at - sent_at)::float8 FROM canaries"
        " ORDER BY sent_at DESC LIMIT 1"
    ).fetchone()
    return None if row is None else Passage(*row)
