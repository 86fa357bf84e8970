"""One device's past, a day at a time: enough to mend it, too coarse to tell how anybody lives.

What an installer may see of it, and why no finer, stands in docs/decisions/0018-what-installers-see.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from psycopg import Connection

from nyttig.health.battery import Level
from nyttig.health.facts import SignalReading


@dataclass(frozen=True, slots=True)
class BatteryDay:
    """The medians of what a device said of its battery on a day. No hour: a sensor says it with what happens."""

    day: date
    pct: float | None
    volts: float | None


@dataclass(frozen=True, slots=True)
class SignalDay:
    """The medians of what a device said of its radio on a day."""

    day: date
    rssi_dbm: float | None
    snr_db: float | None
    link_quality: float | None
    signal_pct: float | None


@dataclass(frozen=True, slots=True)
class QuarantinedOf:
    """Messages of a device's address that could not be stored: why, where they came, how many, when."""

    reason: str
    detail: str
    topic: str
    messages_total: int
    first_received_at: datetime
    last_received_at: datetime


class Answer(NamedTuple):
    """What came of a device since a moment: messages by when they came, and the newest of what they said of it."""

    dialect: str
    messages: int
    newest_received_at: datetime | None
    battery_pct: float | None
    battery_v: float | None
    battery_low: bool | None
    signals: tuple[SignalReading, ...]


def battery_days(
    connection: Connection[Any], device: str, zone: str, from_at: datetime, to_at: datetime
) -> list[BatteryDay]:
    """What the device said of its battery, by local day, oldest first."""
    rows = connection.execute(
        """
        SELECT (at AT TIME ZONE %(zone)s)::date AS day,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY (health->>'battery_pct')::float8),
               percentile_cont(0.5) WITHIN GROUP (ORDER BY (health->>'battery_v')::float8)
        FROM events
        WHERE device_id = (SELECT id FROM devices WHERE code = %(device)s) AND at >= %(from)s AND at < %(to)s
          AND health IS NOT NULL AND (health->'battery_pct' IS NOT NULL OR health->'battery_v' IS NOT NULL)
        GROUP BY 1 ORDER BY 1
        """,
        {"device": device, "zone": zone, "from": from_at, "to": to_at},
    ).fetchall()
    return [BatteryDay(*row) for row in rows]


def battery_levels(
    connection: Connection[Any], codes: Sequence[str], from_at: datetime, to_at: datetime
) -> dict[str, tuple[list[Level], list[Level]]]:
    """For each of these devices one level a day, oldest first: percent, and volts. The last reading of each UTC day: one
    look-up a day, however often it reports."""
    rows = connection.execute(
        """
        SELECT d.code, e.at, e.pct, e.volts
        FROM devices d
        CROSS JOIN generate_series(%(from)s::timestamptz, %(to)s::timestamptz, interval '1 day') day
        CROSS JOIN LATERAL (
            SELECT at, (health->>'battery_pct')::float8 AS pct, (health->>'battery_v')::float8 AS volts FROM events
            WHERE device_id = d.id AND at >= day AND at < day + interval '1 day' AND health IS NOT NULL
              AND (health->'battery_pct' IS NOT NULL OR health->'battery_v' IS NOT NULL)
            ORDER BY at DESC LIMIT 1
        ) e
        WHERE d.code = ANY (%(codes)s) ORDER BY d.code, e.at
        """,
        {"codes": list(codes), "from": from_at, "to": to_at},
    ).fetchall()
    found: dict[str, tuple[list[Level], list[Level]]] = {}
    for code, at, pct, volts in rows:
        percents, voltages = found.setdefault(code, ([], []))
        if pct is not None:
            percents.append(Level(at, pct))
        if volts is not None:
            voltages.append(Level(at, volts))
    return found


def signal_days(
    connection: Connection[Any], device: str, zone: str, from_at: datetime, to_at: datetime
) -> list[SignalDay]:
    """What the device said of its radio, by local day, oldest first."""
    rows = connection.execute(
        """
        SELECT (at AT TIME ZONE %(zone)s)::date AS day,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY (health->>'rssi_dbm')::float8),
               percentile_cont(0.5) WITHIN GROUP (ORDER BY (health->>'snr_db')::float8),
               percentile_cont(0.5) WITHIN GROUP (ORDER BY (health->>'link_quality')::float8),
               percentile_cont(0.5) WITHIN GROUP (ORDER BY (health->>'signal_pct')::float8)
        FROM events
        WHERE device_id = (SELECT id FROM devices WHERE code = %(device)s) AND at >= %(from)s AND at < %(to)s
          AND health IS NOT NULL AND health ?| '{rssi_dbm,snr_db,link_quality,signal_pct}'
        GROUP BY 1 ORDER BY 1
        """,
        {"device": device, "zone": zone, "from": from_at, "to": to_at},
    ).fetchall()
    return [SignalDay(*row) for row in rows]


def own_reports(
    connection: Connection[Any], device: str, zone: str, from_at: datetime, to_at: datetime
) -> dict[date, int]:
    """How often the device reported on itself, by local day. Nothing that a resident does makes it do so."""
    return dict(
        connection.execute(
            """
            SELECT (at AT TIME ZONE %(zone)s)::date, count(*) FROM events
            WHERE device_id = (SELECT id FROM devices WHERE code = %(device)s) AND at >= %(from)s AND at < %(to)s
              AND type = 'health'
            GROUP BY 1
            """,
            {"device": device, "zone": zone, "from": from_at, "to": to_at},
        ).fetchall()
    )


def quarantined(connection: Connection[Any], address: str, *, limit: int = 20) -> list[QuarantinedOf]:
    """The kinds of messages that wait in quarantine and came on a topic with this address in it, newest first."""
    rows = connection.execute(
        """
        SELECT reason, detail, topic, messages_total, first_received_at, last_received_at FROM quarantine
        WHERE replayed_at IS NULL AND position('/' || %(address)s || '/' IN '/' || topic || '/') > 0
        ORDER BY last_received_at DESC, id DESC LIMIT %(limit)s
        """,
        {"address": address, "limit": limit},
    ).fetchall()
    return [QuarantinedOf(*row) for row in rows]


def answer(connection: Connection[Any], device: str, since: datetime) -> Answer:
    """What came of the device since that moment, whatever time it bears: a clock that is wrong does not hide it."""
    row = connection.execute(
        """
        WITH one AS (SELECT id FROM devices WHERE code = %(device)s), newest AS MATERIALIZED (
            SELECT at, received_at, health FROM events
            WHERE device_id = (SELECT id FROM one) AND at > %(since)s - interval '1 day' AND received_at >= %(since)s
            ORDER BY at DESC LIMIT 500
        ), arrived AS (
            SELECT max(last_received_at) AS at FROM ledger
            WHERE device_id = (SELECT id FROM one) AND last_received_at >= %(since)s
        )
        SELECT (SELECT dialect FROM devices WHERE code = %(device)s),
               greatest((SELECT count(DISTINCT received_at) FROM newest), (arrived.at IS NOT NULL)::int),
               arrived.at,
               (SELECT (health->>'battery_pct')::float8 FROM newest WHERE health->'battery_pct' IS NOT NULL
                ORDER BY received_at DESC LIMIT 1),
               (SELECT (health->>'battery_v')::float8 FROM newest WHERE health->'battery_v' IS NOT NULL
                ORDER BY received_at DESC LIMIT 1),
               (SELECT (health->>'battery_low')::boolean FROM newest WHERE health->'battery_low' IS NOT NULL
                ORDER BY received_at DESC LIMIT 1)
        FROM arrived
        """,
        {"device": device, "since": since},
    ).fetchone()
    assert row is not None
    signals = connection.execute(
        """
        SELECT at, (health->>'rssi_dbm')::float8, (health->>'snr_db')::float8, (health->>'link_quality')::float8,
               (health->>'signal_pct')::float8
        FROM events WHERE device_id = (SELECT id FROM devices WHERE code = %(device)s)
          AND at > %(since)s - interval '1 day' AND received_at >= %(since)s AND health IS NOT NULL
          AND health ?| '{rssi_dbm,snr_db,link_quality,signal_pct}'
        ORDER BY at DESC LIMIT 3
        """,
        {"device": device, "since": since},
    ).fetchall()
    return Answer(*(*row, tuple(SignalReading(*reading) for reading in signals)))
