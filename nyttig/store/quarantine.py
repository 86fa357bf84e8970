"""Messages that could not be stored: kept with their reason, counted, and ready to be tried again.

Like messages (same reason, topic and payload) are one kind. Kinds are kept within bounds, counts for ever:
docs/decisions/0013-quarantine-bounds.md.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection

from nyttig.errors import NotFoundError

PAYLOAD_BYTES_KEPT = 65_536
DETAIL_CHARACTERS_KEPT = 1_000
TIMES_KEPT = 100
"""Of a kind that waits for its device: each of these times is an event to be."""

TOPICS_SHOWN = 20
STATEMENT_BYTES = 4 * 2**20
STATEMENT_KINDS = 1_000


class Bound(NamedTuple):
    """How much is kept of one reason and dialect: kinds of messages, and bytes of payload, topic and detail."""

    kinds: int
    bytes: int


BOUND = Bound(5_000, 32 * 2**20)
"""For what only a newer Nyttig or a mended device could make readable: enough to see what is wrong."""

BOUNDS = {"unknown_device": Bound(200_000, 128 * 2**20)}
"""A device that somebody has yet to register: its messages are whole and will be wanted."""

ROOM_LEFT = 0.9
"""What has outgrown its bound is cut to this share of it, so that not every batch has to cut."""


class Quarantined(NamedTuple):
    """One message on its way into quarantine. `addresses`: whose readings found no device (unknown_device)."""

    reason: str
    detail: str
    dialect: str | None
    topic: str
    payload: bytes
    received_at: datetime
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QuarantineTopic:
    """What waits of one reason and dialect on one topic, which names the device."""

    topic: str
    messages_total: int
    kinds_total: int
    last_received_at: datetime


@dataclass(frozen=True, slots=True)
class QuarantineGroup:
    """Quarantined messages of one reason and dialect.

    `messages_total` wait; `dropped_total` more had to make room unread and cannot be replayed. `topics` are the
    busiest of `topics_total`.
    """

    reason: str
    dialect: str | None
    messages_total: int
    kinds_total: int
    dropped_total: int
    last_received_at: datetime
    example_topic: str | None
    example_detail: str | None
    topics_total: int
    topics: tuple[QuarantineTopic, ...]


class Kept(NamedTuple):
    """One kind of quarantined message, as it stands in the store. `addresses`: whose readings found no device and
    are not stored yet; `received_at`: the first times at which it came. None where that is not known."""

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
    replayed_at: datetime | None
    addresses: list[str] | None
    received_at: list[datetime] | None


class Total(NamedTuple):
    """All that was ever quarantined of one reason and dialect: what waits, what was replayed, what was dropped."""

    reason: str
    dialect: str | None
    messages_total: int
    waiting_total: int
    replayed_total: int
    dropped_total: int


def add(connection: Connection[Any], messages: Iterable[Quarantined]) -> int:
    """The messages stand in quarantine, like ones counted together, within its bounds; returns how many there were.

    In the current transaction. Counts are exact whatever had to make room.
    """
    alike: defaultdict[tuple[str, str], dict[bytes, list[Quarantined]]] = defaultdict(dict)
    total = 0
    for message in messages:
        total += 1
        group = alike[message.reason, message.dialect or ""]
        group.setdefault(_digest(message), []).append(message)
    for (reason, dialect), kinds in sorted(
        alike.items()
    ):  # always in one order, so that nobody waits in a ring
        for some in _portions(kinds):
            _add_kinds(connection, reason, dialect, some)
    return total


def _portions(kinds: dict[bytes, list[Quarantined]]) -> Iterator[dict[bytes, list[Quarantined]]]:
    """The kinds in portions that one statement can carry."""
    some: dict[bytes, list[Quarantined]] = {}
    size = 0
    for digest, alike in kinds.items():
        some[digest] = alike
        size += min(len(alike[0].payload), PAYLOAD_BYTES_KEPT) + len(alike[0].topic)
        if size > STATEMENT_BYTES or len(some) == STATEMENT_KINDS:
            yield some
            some, size = {}, 0
    if some:
        yield some


def _add_kinds(
    connection: Connection[Any], reason: str, dialect: str, kinds: dict[bytes, list[Quarantined]]
) -> None:
    times = [message.received_at for alike in kinds.values() for message in alike]
    connection.execute(
        """
        INSERT INTO quarantine_totals AS t (reason, dialect, messages_total, first_received_at, last_received_at)
        VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (reason, dialect) DO UPDATE SET
            messages_total = t.messages_total + excluded.messages_total,
            first_received_at = least(t.first_received_at, excluded.first_received_at),
            last_received_at = greatest(t.last_received_at, excluded.last_received_at)
        """,
        (reason, dialect, len(times), min(times), max(times)),
    )
    digests, messages = list(kinds), list(kinds.values())
    row = connection.execute(
        # One that was replayed before and comes again is new: what it counted and when it first came is history.
        # xmax is 0 in a row that was inserted, not in one that was updated.
        """
        WITH kept AS (
            INSERT INTO quarantine AS q (reason, dialect, digest, detail, topic, payload, payload_bytes, messages_total,
                                         first_received_at, last_received_at, addresses, received_at)
            SELECT %(reason)s, nullif(%(dialect)s, ''), a.digest, a.detail, a.topic, a.payload, a.bytes, a.messages,
                   a.first, a.last, nullif(string_to_array(a.addresses, E'\n'), '{}'),
                   nullif(string_to_array(a.times, ' '), '{}')::timestamptz[]
            FROM unnest(%(digests)b::bytea[], %(details)s::text[], %(topics)s::text[], %(payloads)b::bytea[],
                        %(lengths)s::integer[], %(counts)s::bigint[], %(firsts)s::timestamptz[],
                        %(lasts)s::timestamptz[], %(addresses)s::text[], %(times)s::text[])
                AS a(digest, detail, topic, payload, bytes, messages, first, last, addresses, times)
            ON CONFLICT (digest) DO UPDATE SET
                messages_total = excluded.messages_total
                    + CASE WHEN q.replayed_at IS NULL THEN q.messages_total ELSE 0 END,
                first_received_at = CASE WHEN q.replayed_at IS NULL THEN q.first_received_at
                                         ELSE excluded.first_received_at END,
                last_received_at = greatest(q.last_received_at, excluded.last_received_at),
                addresses = CASE WHEN q.replayed_at IS NULL THEN q.addresses ELSE excluded.addresses END,
                received_at = CASE WHEN q.replayed_at IS NULL AND excluded.received_at IS NOT NULL
                                   THEN (coalesce(q.received_at, ARRAY[q.first_received_at]) || excluded.received_at)
                                        [:%(times_kept)s]
                                   ELSE excluded.received_at END,
                replayed_at = NULL
            RETURNING bytes_kept, xmax = 0 AS new
        ), added AS (
            SELECT count(*) AS kinds, coalesce(sum(bytes_kept), 0) AS bytes FROM kept WHERE new
        )
        UPDATE quarantine_totals t
        SET kinds_kept = kinds_kept + added.kinds, bytes_kept = bytes_kept + added.bytes
        FROM added WHERE t.reason = %(reason)s AND t.dialect = %(dialect)s
        RETURNING kinds_kept, bytes_kept
        """,
        {
            "reason": reason,
            "dialect": dialect,
            "digests": digests,
            "details": [_storable(alike[0].detail)[:DETAIL_CHARACTERS_KEPT] for alike in messages],
            "topics": [_storable(alike[0].topic) for alike in messages],
            "payloads": [alike[0].payload[:PAYLOAD_BYTES_KEPT] for alike in messages],
            "lengths": [len(alike[0].payload) for alike in messages],
            "counts": [len(alike) for alike in messages],
            "firsts": [min(message.received_at for message in alike) for alike in messages],
            "lasts": [max(message.received_at for message in alike) for alike in messages],
            "times": [_times(alike) if alike[0].addresses else "" for alike in messages],
            "times_kept": TIMES_KEPT,
            "addresses": ["\n".join(_of_one_line(alike[0].addresses)) for alike in messages],
        },
    ).fetchone()
    assert row is not None
    bound = BOUNDS.get(reason, BOUND)
    if row[0] > bound.kinds or row[1] > bound.bytes:
        _make_room(connection, reason, dialect, bound)


def _make_room(connection: Connection[Any], reason: str, dialect: str, bound: Bound) -> None:
    """ROOM_LEFT of the bound is kept: what waits before what was replayed, the latest before the oldest."""
    connection.execute(
        """
        WITH ranked AS (
            SELECT id, row_number() OVER latest_first AS place, sum(bytes_kept) OVER latest_first AS bytes
            FROM quarantine WHERE reason = %(reason)s AND coalesce(dialect, '') = %(dialect)s
            WINDOW latest_first AS (ORDER BY replayed_at IS NOT NULL, last_received_at DESC, id DESC)
        ), gone AS (
            DELETE FROM quarantine q USING ranked r
            WHERE q.id = r.id AND (r.place > %(kinds)s OR r.bytes > %(bytes)s)
            RETURNING q.bytes_kept, q.messages_total, q.replayed_at IS NULL AS waited
        ), sums AS (
            SELECT count(*) AS kinds, coalesce(sum(bytes_kept), 0) AS bytes,
                   coalesce(sum(messages_total) FILTER (WHERE waited), 0) AS messages
            FROM gone
        )
        UPDATE quarantine_totals t
        SET kinds_kept = kinds_kept - sums.kinds, bytes_kept = bytes_kept - sums.bytes,
            dropped_total = dropped_total + sums.messages
        FROM sums WHERE t.reason = %(reason)s AND t.dialect = %(dialect)s
        """,
        {
            "reason": reason,
            "dialect": dialect,
            "kinds": int(bound.kinds * ROOM_LEFT),
            "bytes": int(bound.bytes * ROOM_LEFT),
        },
    )


def groups(connection: Connection[Any]) -> list[QuarantineGroup]:
    """What waits in quarantine, by reason and dialect, most messages first; also what only left its count behind."""
    topics: defaultdict[tuple[str, str], list[QuarantineTopic]] = defaultdict(list)
    for reason, dialect, *topic in connection.execute(
        """
        WITH per_topic AS (
            SELECT reason, coalesce(dialect, '') AS dialect, topic, sum(messages_total)::bigint AS messages,
                   count(*) AS kinds, max(last_received_at) AS last
            FROM quarantine WHERE replayed_at IS NULL GROUP BY 1, 2, 3
        ), ranked AS (
            SELECT *, row_number() OVER (PARTITION BY reason, dialect ORDER BY messages DESC, last DESC, topic) AS place
            FROM per_topic
        )
        SELECT reason, dialect, topic, messages, kinds, last FROM ranked WHERE place <= %s ORDER BY place
        """,
        (TOPICS_SHOWN,),
    ):
        topics[reason, dialect].append(QuarantineTopic(*topic))
    rows = connection.execute(
        """
        WITH waiting AS (
            SELECT reason, coalesce(dialect, '') AS dialect, sum(messages_total)::bigint AS messages,
                   count(*) AS kinds, max(last_received_at) AS last, count(DISTINCT topic) AS topics,
                   (array_agg(topic ORDER BY last_received_at DESC, id DESC))[1] AS topic,
                   (array_agg(detail ORDER BY last_received_at DESC, id DESC))[1] AS detail
            FROM quarantine WHERE replayed_at IS NULL GROUP BY 1, 2
        )
        SELECT t.reason, t.dialect, coalesce(w.messages, 0), coalesce(w.kinds, 0), t.dropped_total,
               coalesce(w.last, t.last_received_at), w.topic, w.detail, coalesce(w.topics, 0)
        FROM quarantine_totals t LEFT JOIN waiting w USING (reason, dialect)
        WHERE w.messages > 0 OR t.dropped_total > 0
        ORDER BY 3 DESC, 5 DESC, t.reason, t.dialect
        """
    ).fetchall()
    return [
        QuarantineGroup(
            reason,
            dialect or None,
            messages,
            kinds,
            dropped,
            last,
            topic,
            detail,
            topics_total,
            tuple(topics[reason, dialect]),
        )
        for reason, dialect, messages, kinds, dropped, last, topic, detail, topics_total in rows
    ]


def totals(connection: Connection[Any]) -> list[Total]:
    """What was ever quarantined, by reason and dialect; of each, waiting + replayed + dropped = all messages."""
    rows = connection.execute(
        """
        WITH waiting AS (
            SELECT reason, coalesce(dialect, '') AS dialect, sum(messages_total)::bigint AS messages
            FROM quarantine WHERE replayed_at IS NULL GROUP BY 1, 2
        )
        SELECT t.reason, nullif(t.dialect, ''), t.messages_total, coalesce(w.messages, 0),
               t.messages_total - coalesce(w.messages, 0) - t.dropped_total, t.dropped_total
        FROM quarantine_totals t LEFT JOIN waiting w USING (reason, dialect) ORDER BY t.reason, t.dialect
        """
    ).fetchall()
    return [Total(*row) for row in rows]


def waiting(
    connection: Connection[Any], *, reason: str | None = None, limit: int | None = None
) -> list[Kept]:
    """The kinds of messages that wait, newest first."""
    rows = connection.execute(
        """
        SELECT id, reason, detail, dialect, topic, payload, payload_bytes, messages_total,
               first_received_at, last_received_at, replayed_at, addresses, received_at
        FROM quarantine
        WHERE replayed_at IS NULL AND (%(reason)s::text IS NULL OR reason = %(reason)s)
        ORDER BY last_received_at DESC, id DESC LIMIT %(limit)s
        """,
        {"reason": reason, "limit": limit},
    ).fetchall()
    return [Kept(*row) for row in rows]


def read(connection: Connection[Any], kind: int) -> Kept:
    """One kind of message whole, waiting or replayed; raises NotFoundError."""
    row = connection.execute(
        """
        SELECT id, reason, detail, dialect, topic, payload, payload_bytes, messages_total,
               first_received_at, last_received_at, replayed_at, addresses, received_at
        FROM quarantine WHERE id = %s
        """,
        (kind,),
    ).fetchone()
    if row is None:
        raise NotFoundError(
            "nothing in quarantine has the number {number}; `nyttig quarantine` lists what waits, and the oldest make room when "
            "there is too much",
            number=kind,
        )
    return Kept(*row)


def mark_replayed(connection: Connection[Any], kind: int) -> None:
    """This kind of message no longer waits."""
    connection.execute("UPDATE quarantine SET replayed_at = now() WHERE id = %s", (kind,))


def mark_waiting(connection: Connection[Any], kind: int, addresses: Collection[str]) -> None:
    """This kind of message waits for devices at these addresses alone."""
    connection.execute("UPDATE quarantine SET addresses = %s WHERE id = %s", (_of_one_line(addresses), kind))


def _times(alike: Iterable[Quarantined]) -> str:
    """When the first of them came, as words of one text."""
    return " ".join(sorted(message.received_at.isoformat() for message in alike)[:TIMES_KEPT])


def _of_one_line(addresses: Iterable[str]) -> list[str]:
    """Those that a registry can hold, and a line of text."""
    return [one for one in addresses if one == _storable(one) and "\n" not in one]


def _digest(message: Quarantined) -> bytes:
    named = (
        message.reason.encode(),
        (message.dialect or "").encode(),
        _storable(message.topic).encode(),
        message.payload,
    )
    return hashlib.blake2b(b"\0".join(named), digest_size=16).digest()


def _storable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
