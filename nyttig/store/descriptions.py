"""Lasting messages: those without which later ones cannot be read, the newest of each topic.

Kept within bounds, dropped ones counted. Only changes are written: gateways repeat what they are at every start.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from psycopg import Connection

TOPICS_MAX = 20_000
BYTES_MAX = 32 * 2**20
"""Of one dialect. What was last heard longest ago makes room; whoever still speaks says it again."""

ROOM_LEFT = 0.9
TOPIC_BYTES_MAX = 1_000
HEARD_AGAIN_AFTER = timedelta(hours=1)
"""An unchanged message moves its time forward only this often."""


class Lasting(NamedTuple):
    """One lasting message; an empty payload takes back what its topic said."""

    dialect: str
    topic: str
    payload: bytes
    received_at: datetime


def remember(connection: Connection[Any], messages: Iterable[Lasting]) -> dict[str, int]:
    """Of each topic the newest stands in the store, in the current transaction; the new version of each dialect that
    this changed."""
    newest: dict[str, dict[str, Lasting]] = {}
    too_long: dict[str, int] = {}
    for message in messages:
        if _keepable(message.topic):
            newest.setdefault(message.dialect, {})[message.topic] = message
        else:
            too_long[message.dialect] = too_long.get(message.dialect, 0) + 1
    versions = {}
    for dialect in sorted(newest.keys() | too_long.keys()):
        changed = _changed(connection, dialect, newest.get(dialect, {}))
        if changed or dialect in too_long:
            versions[dialect] = _write(connection, dialect, changed, too_long.get(dialect, 0))
    return versions


def changes(
    connection: Connection[Any], dialects: Collection[str], known: Mapping[str, int]
) -> tuple[list[Lasting], dict[str, int]]:
    """What changed in these dialects since the version of each that is `known`, oldest first, and the versions of now.

    A dialect that is not in `known` comes whole, without what was taken back.
    """
    versions = dict(
        connection.execute(
            "SELECT dialect, version FROM lasting_totals WHERE dialect = ANY (%s)", (sorted(dialects),)
        ).fetchall()
    )
    found: list[Lasting] = []
    for dialect, version in versions.items():
        since = known.get(dialect, 0)
        if version > since:
            rows = connection.execute(
                "SELECT dialect, topic, payload, received_at FROM lasting WHERE dialect = %s AND version > %s"
                " AND (payload <> '' OR %s > 0) ORDER BY received_at, topic",
                (dialect, since, since),
            ).fetchall()
            found += [Lasting(*row) for row in rows]
    return found, versions


def _changed(connection: Connection[Any], dialect: str, messages: Mapping[str, Lasting]) -> list[Lasting]:
    """Those that say something new; what is said again is only marked as heard."""
    if not messages:
        return []
    there = {
        topic: (same, received_at)
        for topic, same, received_at in connection.execute(
            """
            SELECT l.topic, l.payload = a.payload, l.received_at
            FROM unnest(%(topics)s::text[], %(payloads)b::bytea[]) AS a(topic, payload)
            JOIN lasting l ON l.dialect = %(dialect)s AND l.topic = a.topic
            """,
            {
                "dialect": dialect,
                "topics": list(messages),
                "payloads": [message.payload for message in messages.values()],
            },
        ).fetchall()
    }
    changed, again = [], []
    for topic, message in sorted(messages.items()):
        same, received_at = there.get(topic, (not message.payload, None))
        if not same and (received_at is None or message.received_at >= received_at):
            changed.append(message)
        elif received_at is not None and same and message.received_at - received_at >= HEARD_AGAIN_AFTER:
            again.append(topic)
    if again and not changed:  # with changes the totals' lock is still to come, and nobody may wait in a ring
        latest = max(messages[topic].received_at for topic in again)
        connection.execute(
            "UPDATE lasting SET received_at = %s WHERE (dialect, topic) IN (SELECT dialect, topic FROM lasting"
            " WHERE dialect = %s AND topic = ANY (%s) FOR UPDATE SKIP LOCKED)",
            (latest, dialect, again),
        )
    return changed


def _write(connection: Connection[Any], dialect: str, changed: list[Lasting], too_long: int) -> int:
    row = connection.execute(
        """
        INSERT INTO lasting_totals AS t (dialect, version, dropped_total) VALUES (%s, 1, %s)
        ON CONFLICT (dialect) DO UPDATE SET version = t.version + 1,
            dropped_total = t.dropped_total + excluded.dropped_total
        RETURNING version
        """,
        (dialect, too_long),
    ).fetchone()
    assert row is not None
    version = int(row[0])
    connection.execute(
        """
        INSERT INTO lasting (dialect, topic, payload, received_at, version)
        SELECT %(dialect)s, a.*, %(version)s
        FROM unnest(%(topics)s::text[], %(payloads)b::bytea[], %(times)s::timestamptz[]) AS a
        ON CONFLICT (dialect, topic) DO UPDATE SET payload = excluded.payload, received_at = excluded.received_at,
            version = excluded.version
        WHERE excluded.received_at >= lasting.received_at
        """,
        {
            "dialect": dialect,
            "version": version,
            "topics": [message.topic for message in changed],
            "payloads": [message.payload for message in changed],
            "times": [message.received_at for message in changed],
        },
    )
    connection.execute(
        "DELETE FROM lasting WHERE dialect = %s AND payload = '' AND received_at < now() - interval '1 hour'",
        (dialect,),
    )
    _make_room(connection, dialect)
    return version


def _make_room(connection: Connection[Any], dialect: str) -> None:
    """The dialect's topics are counted, and where they outgrew their bound cut to ROOM_LEFT of it."""
    connection.execute(
        """
        WITH ranked AS (
            SELECT topic, row_number() OVER latest_first AS place, sum(length(payload)) OVER latest_first AS bytes,
                   count(*) OVER () > %(topics)s OR sum(length(payload)) OVER () > %(bytes)s AS outgrown
            FROM lasting WHERE dialect = %(dialect)s WINDOW latest_first AS (ORDER BY received_at DESC, topic)
        ), gone AS (
            DELETE FROM lasting l USING ranked r WHERE l.dialect = %(dialect)s AND l.topic = r.topic AND r.outgrown
                AND (r.place > %(topics_left)s OR r.bytes > %(bytes_left)s)
            RETURNING l.topic, length(l.payload) AS bytes
        )
        UPDATE lasting_totals SET
            topics_kept = (SELECT count(*) FROM ranked) - (SELECT count(*) FROM gone),
            bytes_kept = coalesce((SELECT max(bytes) FROM ranked), 0) - coalesce((SELECT sum(bytes) FROM gone), 0),
            dropped_total = dropped_total + (SELECT count(*) FROM gone)
        WHERE dialect = %(dialect)s
        """,
        {
            "dialect": dialect,
            "topics": TOPICS_MAX,
            "bytes": BYTES_MAX,
            "topics_left": int(TOPICS_MAX * ROOM_LEFT),
            "bytes_left": int(BYTES_MAX * ROOM_LEFT),
        },
    )


def _keepable(topic: str) -> bool:
    """Whether the topic can be a key: UTF-8, not too long for an index."""
    try:
        return len(topic.encode()) <= TOPIC_BYTES_MAX and "\0" not in topic
    except UnicodeEncodeError:
        return False
