"""What batches of messages tell of the addresses that speak, kept beside what was known.

Only so many are kept of each dialect: a gateway for Bluetooth hears all its neighbours. Why and how:
docs/decisions/0016-proposed-devices.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import Connection

from nyttig.model import Description

ADDRESSES_MAX = 2_000
"""Of one dialect. The least heard make room; what is registered or was dismissed stays."""

ROOM_LEFT = 0.9
BATCH_MAX = 5_000
"""No more addresses than this are taken from one batch."""

GAPS_KEPT = 32
GAP_SECONDS_MIN = 1.0
"""Messages closer together are one utterance: many devices tell each of their values by itself."""

TEXT_MAX = 128
ADDRESS_BYTES_MAX = 400
SAYS_MAX = 40
HEALTH = frozenset(
    [
        "battery_pct",
        "battery_v",
        "battery_low",
        "external_power",
        "rssi_dbm",
        "snr_db",
        "link_quality",
        "signal_pct",
    ]
)
"""What is kept of what a device says of itself."""


@dataclass(slots=True)
class Heard:
    """What a batch of messages tells of one address. Times are those of arrival."""

    first_at: datetime
    last_at: datetime
    own_first_at: datetime | None = None
    own_last_at: datetime | None = None
    messages: int = 0
    gaps_seconds: list[float] = field(default_factory=list)
    says: set[str] = field(default_factory=set)
    health: dict[str, Any] = field(default_factory=dict)
    description: Description | None = None
    described_on: str | None = None
    described_at: datetime | None = None
    gone: bool = False

    def spoke(self, at: datetime) -> None:
        """It sent a message at `at`."""
        if self.own_last_at is not None:
            gap = (at - self.own_last_at).total_seconds()
            if gap >= GAP_SECONDS_MIN:
                self.gaps_seconds.append(gap)
                del self.gaps_seconds[:-GAPS_KEPT]
        self.own_first_at = self.own_first_at or at
        self.own_last_at = at
        self.messages += 1
        self.gone = False

    def said(self, kind: str, health: Mapping[str, Any] | None) -> None:
        """A message of its said this type of reading, and this of itself."""
        if len(self.says) < SAYS_MAX:
            self.says.add(kind)
        if health:
            self.health |= {name: value for name, value in health.items() if name in HEALTH}

    def described(self, description: Description, topic: str, at: datetime) -> None:
        """It was described on `topic`; what this leaves open stays as it was told before."""
        self.gone = description.gone
        if description.gone:
            return
        if (before := self.description) is not None:
            told = description._asdict()
            description = before._replace(**{name: value for name, value in told.items() if value})
        self.description, self.described_on, self.described_at = description, topic, at


Key = tuple[str, str]
"""Dialect and address."""


def hear(connection: Connection[Any], heard: Mapping[Key, Heard]) -> None:
    """What a batch tells of addresses stands beside what was known, in the current transaction, within the bounds."""
    told = [_row(*key, one) for key, one in sorted(heard.items()) if not one.gone and keepable(key[1])]
    gone = [key for key, one in sorted(heard.items()) if one.gone and keepable(key[1])]
    if told:
        new = [
            dialect
            for dialect, is_new in connection.execute(
                """
                WITH arriving AS (
                    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS a(
                        dialect text, address text, hardware_id text, make text, model text, name text, power text,
                        gateway text, says text[], described_on text, described_at timestamptz,
                        first_at timestamptz, last_at timestamptz, own_first_at timestamptz, own_last_at timestamptz,
                        messages bigint, gaps_seconds real[], health jsonb)
                )
                INSERT INTO proposals AS p (dialect, address, hardware_id, make, model, name, power, gateway, says,
                    described_on, described_at, first_seen_at, last_seen_at, heard_at, messages_total, gaps_seconds, health)
                SELECT a.dialect, a.address, a.hardware_id, a.make, a.model, a.name, a.power, a.gateway, a.says,
                       a.described_on, a.described_at, a.first_at, a.last_at, a.own_last_at, a.messages,
                       CASE WHEN a.own_first_at - k.heard_at >= make_interval(secs => %(gap)s)
                            THEN ARRAY[extract(epoch FROM a.own_first_at - k.heard_at)::real] ELSE '{}' END
                       || a.gaps_seconds,
                       a.health
                FROM arriving a LEFT JOIN proposals k USING (dialect, address)
                ORDER BY a.dialect, a.address
                ON CONFLICT (dialect, address) DO UPDATE SET
                    hardware_id = coalesce(excluded.hardware_id, p.hardware_id),
                    make = coalesce(excluded.make, p.make), model = coalesce(excluded.model, p.model),
                    name = coalesce(excluded.name, p.name), power = coalesce(excluded.power, p.power),
                    gateway = coalesce(excluded.gateway, p.gateway),
                    says = CASE WHEN p.says @> excluded.says THEN p.says ELSE ARRAY(
                        SELECT DISTINCT said FROM unnest(p.says || excluded.says) said ORDER BY said LIMIT %(says)s) END,
                    described_on = coalesce(excluded.described_on, p.described_on),
                    described_at = coalesce(excluded.described_at, p.described_at),
                    first_seen_at = least(p.first_seen_at, excluded.first_seen_at),
                    last_seen_at = greatest(p.last_seen_at, excluded.last_seen_at),
                    heard_at = greatest(p.heard_at, excluded.heard_at),
                    messages_total = p.messages_total + excluded.messages_total,
                    gaps_seconds = (p.gaps_seconds || excluded.gaps_seconds)
                        [greatest(1, cardinality(p.gaps_seconds || excluded.gaps_seconds) - %(gaps)s + 1):],
                    health = p.health || excluded.health
                RETURNING dialect, xmax = 0
                """,
                {"rows": json.dumps(told), "gap": GAP_SECONDS_MIN, "gaps": GAPS_KEPT, "says": SAYS_MAX},
            ).fetchall()
            if is_new
        ]
        for dialect in sorted(set(new)):
            _make_room(connection, dialect)
    if gone:
        connection.execute(
            """
            DELETE FROM proposals p USING unnest(%s::text[], %s::text[]) AS g(dialect, address)
            WHERE p.dialect = g.dialect AND p.address = g.address AND p.status = 'proposed'
              AND NOT EXISTS (SELECT FROM devices d WHERE d.dialect = p.dialect AND d.address = p.address)
            """,
            ([dialect for dialect, _ in gone], [address for _, address in gone]),
        )


def _row(dialect: str, address: str, heard: Heard) -> dict[str, Any]:
    """What a batch told of an address, as the statement takes it."""
    it = heard.description or Description(dialect, address)
    topic = heard.described_on
    return {
        "dialect": dialect,
        "address": address,
        "hardware_id": _text(it.hardware_id),
        "make": _text(it.make),
        "model": _text(it.model),
        "name": _text(it.name),
        "power": it.power if it.power in ("battery", "mains") else None,
        "gateway": it.gateway if it.gateway and keepable(it.gateway) else None,
        "says": sorted({_text(said) or "" for said in (*it.says[:SAYS_MAX], *heard.says)} - {""})[:SAYS_MAX],
        "described_on": None
        if topic is None
        else hashlib.blake2b(topic.encode(errors="replace"), digest_size=12).hexdigest(),
        "described_at": _moment(heard.described_at),
        "first_at": _moment(heard.first_at),
        "last_at": _moment(heard.last_at),
        "own_first_at": _moment(heard.own_first_at),
        "own_last_at": _moment(heard.own_last_at),
        "messages": heard.messages,
        "gaps_seconds": heard.gaps_seconds,
        "health": {name: value for name, value in heard.health.items() if _is_plain(value)},
    }


def _make_room(connection: Connection[Any], dialect: str) -> None:
    """The dialect's addresses are within their bound: the least heard have gone, and are counted."""
    row = connection.execute("SELECT count(*) FROM proposals WHERE dialect = %s", (dialect,)).fetchone()
    assert row is not None
    if row[0] <= ADDRESSES_MAX:
        return
    gone = connection.execute(
        """
        DELETE FROM proposals WHERE (dialect, address) IN (
            SELECT dialect, address FROM proposals p WHERE dialect = %(dialect)s AND status = 'proposed'
               AND NOT EXISTS (SELECT FROM devices d WHERE d.dialect = p.dialect AND d.address = p.address)
            ORDER BY messages_total, last_seen_at LIMIT %(surplus)s FOR UPDATE OF p SKIP LOCKED)
        """,
        {"dialect": dialect, "surplus": row[0] - int(ADDRESSES_MAX * ROOM_LEFT)},
    ).rowcount
    connection.execute(
        "INSERT INTO proposal_drops AS t (dialect, dropped_total) VALUES (%s, %s)"
        " ON CONFLICT (dialect) DO UPDATE SET dropped_total = t.dropped_total + excluded.dropped_total",
        (dialect, gone),
    )


def keepable(address: str) -> bool:
    """Whether the address can stand in the registry: UTF-8, not too long for an index."""
    try:
        return 0 < len(address.encode()) <= ADDRESS_BYTES_MAX and "\0" not in address
    except UnicodeEncodeError:
        return False


def _text(text: str | None) -> str | None:
    if text is None:
        return None
    return text.encode(errors="replace").decode().replace("\0", "")[:TEXT_MAX].strip() or None


def _is_plain(value: object) -> bool:
    return isinstance(value, bool) or (isinstance(value, int | float) and abs(value) < 1e15)


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
