"""Device health, from data alone: when each device was last heard, and what it said of itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg import Connection

Status = Literal["online", "late", "silent", "never_seen", "unknown"]


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """One placed device and the last it said; battery, signal and connection each with the latest that named it."""

    device: str
    technology: str
    titles: dict[str, str]
    dialect: str
    address: str
    power: str
    heartbeat_minutes: float
    site: str
    site_type: str
    unit: str
    placed_at: datetime
    trials: tuple[str, ...]
    role: str
    last_seen_at: datetime | None
    battery_pct: float | None
    battery_v: float | None
    battery_at: datetime | None
    signal_dbm: float | None
    link_quality: float | None
    connection: str | None
    lost_messages: int
    lost_since: datetime | None


def devices(
    connection: Connection[Any], *, trial_id: str | None = None, device: str | None = None
) -> list[DeviceFacts]:
    """Every device that is placed somewhere now, ordered by code. Late data never hides a newer state: each fact is
    the one with the newest event time."""
    rows = connection.execute(
        """
        SELECT d.code, d.technology_id, t.titles, d.dialect, d.address, d.power, d.heartbeat_minutes,
               s.code, s.site_type, u.name, p.placed_at,
               (SELECT array_agg(td.trial_id ORDER BY td.trial_id) FROM trial_devices td WHERE td.device_id = d.id),
               (SELECT min(td.role) FROM trial_devices td WHERE td.device_id = d.id
                AND (%(trial)s::text IS NULL OR td.trial_id = %(trial)s)),
               seen.at, battery.pct, battery.v, battery.at, signal.dbm, signal.quality, link.state,
               lost.messages, lost.since
        FROM placements p
        JOIN devices d ON d.id = p.device_id
        JOIN technologies t ON t.id = d.technology_id
        JOIN sites s ON s.id = p.site_id
        JOIN units u ON u.id = s.unit_id
        LEFT JOIN LATERAL (
            SELECT at FROM events e WHERE e.device_id = d.id
               AND e.type <> 'availability' AND NOT (e.type = 'state' AND e.value = 0)
            ORDER BY at DESC LIMIT 1
        ) seen ON true
        LEFT JOIN LATERAL (
            SELECT at, (health->>'battery_pct')::float8 AS pct, (health->>'battery_v')::float8 AS v
            FROM events e WHERE e.device_id = d.id AND health IS NOT NULL
               AND (health->'battery_pct' IS NOT NULL OR health->'battery_v' IS NOT NULL)
            ORDER BY at DESC LIMIT 1
        ) battery ON d.power = 'battery'
        LEFT JOIN LATERAL (
            SELECT (health->>'rssi_dbm')::float8 AS dbm, (health->>'link_quality')::float8 AS quality
            FROM events e WHERE e.device_id = d.id AND health IS NOT NULL
               AND (health->'rssi_dbm' IS NOT NULL OR health->'link_quality' IS NOT NULL)
            ORDER BY at DESC LIMIT 1
        ) signal ON true
        LEFT JOIN LATERAL (
            SELECT CASE value WHEN 1 THEN 'online' WHEN 0 THEN 'offline' END AS state
            FROM events e WHERE e.device_id = d.id AND e.type IN ('state', 'availability')
            ORDER BY at DESC, received_at DESC LIMIT 1
        ) link ON true
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(last_seq - first_seq + 1)::bigint, 0) AS messages, min(least(from_at, to_at)) AS since
            FROM gaps g WHERE g.device_id = d.id AND greatest(from_at, to_at) >= p.placed_at
        ) lost
        WHERE p.placed_at <= now() AND (p.removed_at IS NULL OR p.removed_at > now())
          AND (%(trial)s::text IS NULL
               OR EXISTS (SELECT FROM trial_devices td WHERE td.device_id = d.id AND td.trial_id = %(trial)s))
          AND (%(device)s::text IS NULL OR d.code = %(device)s)
        ORDER BY d.code
        """,
        {"trial": trial_id, "device": device},
    ).fetchall()
    return [
        DeviceFacts(*(*row[:11], tuple(row[11] or ()), row[12] or "secondary", *row[13:])) for row in rows
    ]


def last_event_at(connection: Connection[Any], trial_id: str | None = None) -> datetime | None:
    """The event time of the newest event, of all devices or of a trial's."""
    if trial_id is None:
        row = connection.execute("SELECT max(at) FROM events").fetchone()
    else:
        row = connection.execute(
            """
            SELECT max(newest.at) FROM trial_devices t
            CROSS JOIN LATERAL (SELECT at FROM events e WHERE e.device_id = t.device_id ORDER BY at DESC LIMIT 1) newest
            WHERE t.trial_id = %s
            """,
            (trial_id,),
        ).fetchone()
    assert row is not None
    return row[0]  # type: ignore[no-any-return]  # the driver types rows as Any
