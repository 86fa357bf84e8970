"""Device health, from data alone: when each device was last heard, and what it said of itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection

from nyttig.health.facts import (
    AliveHour,
    BatteryReading,
    DeviceFacts,
    Heard,
    Link,
    Lost,
    SignalReading,
    Stuck,
)
from nyttig.health.findings import THRESHOLDS

LATELY = timedelta(days=8)
BATTERY_LOOKBACK = timedelta(days=90)
EVER = datetime(1970, 1, 1, tzinfo=UTC)

STEADY_TYPES = ("temperature", "humidity", "pressure", "co2")
"""What is measured of the air of a room is never the same for two days; switches and meters at rest may be."""


def devices(
    connection: Connection[Any], now: datetime, *, trial_id: str | None = None, device: str | None = None
) -> list[DeviceFacts]:
    """Every device that is placed somewhere at `now`, or the one of this code, ordered by code, with the newest of what it
    said by event time. `role` is that in `trial_id`, where one is given.

    Of a device that was heard lately its last eight days are read, so that a year of chunks costs nothing: what its
    connection did before that it has outlived. A battery's level is looked for in the last ninety. Of one that was not
    heard lately, all is read.
    """
    codes = None if device is None else [device]
    found = _facts(connection, now, now - LATELY, trial_id, codes)
    gone = [one.device for one in found if not one.heard and one.arrived_at is not None]
    if gone:
        whole = {one.device: one for one in _facts(connection, now, EVER, trial_id, gone)}
        found = [whole.get(one.device, one) for one in found]
    mute = [one.device for one in found if one.heard and one.battery is None and one.power == "battery"]
    if mute:
        said = _batteries(connection, mute, now - BATTERY_LOOKBACK)
        found = [replace(one, battery=said[one.device]) if one.device in said else one for one in found]
    return found


def _facts(
    connection: Connection[Any],
    now: datetime,
    since: datetime,
    trial_id: str | None,
    codes: Sequence[str] | None,
) -> list[DeviceFacts]:
    # The planner takes this for a far heavier query than it is, and would compile it for longer than it runs; and it takes
    # a test for a key of a JSON object for a rare thing, where one for a value that is not null lets it walk the index.
    connection.execute("SET LOCAL jit = off")
    rows = connection.execute(
        """
        SELECT d.code, d.technology_id, t.titles, d.dialect, d.address, said.model, said.gateway, d.power,
               d.heartbeat_minutes, s.code, s.site_type, u.name, p.placed_at,
               (SELECT array_agg(td.trial_id ORDER BY td.trial_id) FROM trial_devices td WHERE td.device_id = d.id),
               (SELECT min(td.role) FROM trial_devices td WHERE td.device_id = d.id
                AND (%(trial)s::text IS NULL OR td.trial_id = %(trial)s)),
               heard.times, heard.received, heard.device_times, heard.faults,
               (SELECT max(last_received_at) FROM ledger l WHERE l.device_id = d.id),
               battery.at, battery.pct, battery.v, battery.low, battery.external,
               signal.times, signal.dbm, signal.snr, signal.quality, signal.pct,
               link.times, link.online, lost.messages, lost.since
        FROM placements p
        JOIN devices d ON d.id = p.device_id
        JOIN technologies t ON t.id = d.technology_id
        JOIN sites s ON s.id = p.site_id
        JOIN units u ON u.id = s.unit_id
        LEFT JOIN proposals said ON said.dialect = d.dialect AND said.address = d.address
        LEFT JOIN LATERAL (
            SELECT array_agg(at) AS times, array_agg(received_at) AS received, array_agg(device_time) AS device_times,
                   array_agg(clock_fault) AS faults
            FROM (SELECT at, received_at, device_time, clock_fault FROM events e
                  WHERE e.device_id = d.id AND e.at > %(since)s AND e.type <> 'availability'
                     AND NOT (e.type = 'state' AND e.value = 0)
                  ORDER BY at DESC LIMIT 9) newest
        ) heard ON true
        LEFT JOIN LATERAL (
            SELECT at, (health->>'battery_pct')::float8 AS pct, (health->>'battery_v')::float8 AS v,
                   (health->>'battery_low')::boolean AS low, (health->>'external_power')::boolean AS external
            FROM events e WHERE e.device_id = d.id AND e.at > %(since)s AND health IS NOT NULL
               AND (health->'battery_pct' IS NOT NULL OR health->'battery_v' IS NOT NULL
                    OR health->'battery_low' IS NOT NULL OR health->'external_power' IS NOT NULL)
            ORDER BY at DESC LIMIT 1
        ) battery ON d.power = 'battery'
        LEFT JOIN LATERAL (
            SELECT array_agg(at) AS times, array_agg(dbm) AS dbm, array_agg(snr) AS snr, array_agg(quality) AS quality,
                   array_agg(pct) AS pct
            FROM (SELECT at, (health->>'rssi_dbm')::float8 AS dbm, (health->>'snr_db')::float8 AS snr,
                         (health->>'link_quality')::float8 AS quality, (health->>'signal_pct')::float8 AS pct
                  FROM events e WHERE e.device_id = d.id AND e.at > %(since)s AND health IS NOT NULL
                     AND (health->'rssi_dbm' IS NOT NULL OR health->'snr_db' IS NOT NULL
                          OR health->'link_quality' IS NOT NULL OR health->'signal_pct' IS NOT NULL)
                  ORDER BY at DESC LIMIT 6) newest
        ) signal ON true
        LEFT JOIN LATERAL (
            SELECT array_agg(at) AS times, array_agg(value = 1) AS online
            FROM (SELECT at, value FROM events e WHERE e.device_id = d.id AND e.at > %(since)s
                     AND e.type IN ('state', 'availability') AND e.value IN (0, 1)
                  ORDER BY at DESC, received_at DESC LIMIT 8) newest
        ) link ON true
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(last_seq - first_seq + 1)::bigint, 0) AS messages, min(least(from_at, to_at)) AS since
            FROM gaps g WHERE g.device_id = d.id AND greatest(from_at, to_at) >= p.placed_at
        ) lost
        WHERE p.placed_at <= %(now)s AND (p.removed_at IS NULL OR p.removed_at > %(now)s)
          AND (%(codes)s::text[] IS NULL OR d.code = ANY (%(codes)s))
        ORDER BY d.code
        """,
        {"now": now, "since": since, "trial": trial_id, "codes": None if codes is None else list(codes)},
        binary=True,  # times and arrays in half the time
    ).fetchall()
    return [
        DeviceFacts(
            *(
                *row[:13],
                tuple(row[13] or ()),
                row[14] or "secondary",
                _zipped(Heard, row[15:19]),
                row[19],
                None if row[20] is None else BatteryReading(*row[20:25]),
                _zipped(SignalReading, row[25:30]),
                _zipped(Link, row[30:32]),
                *row[32:],
            )
        )
        for row in rows
    ]


def _batteries(
    connection: Connection[Any], codes: Sequence[str], since: datetime
) -> dict[str, BatteryReading]:
    rows = connection.execute(
        """
        SELECT d.code, e.* FROM devices d CROSS JOIN LATERAL (
            SELECT at, (health->>'battery_pct')::float8, (health->>'battery_v')::float8,
                   (health->>'battery_low')::boolean, (health->>'external_power')::boolean
            FROM events WHERE device_id = d.id AND at > %s AND health IS NOT NULL
               AND (health->'battery_pct' IS NOT NULL OR health->'battery_v' IS NOT NULL
                    OR health->'battery_low' IS NOT NULL OR health->'external_power' IS NOT NULL)
            ORDER BY at DESC LIMIT 1
        ) e WHERE d.code = ANY (%s)
        """,
        (since, list(codes)),
    ).fetchall()
    return {code: BatteryReading(*reading) for code, *reading in rows}


def hours_heard(connection: Connection[Any], codes: Sequence[str], to_at: datetime) -> dict[str, int]:
    """In how many hours of its last week before it fell silent each of these devices was heard. From the index alone."""
    rows = connection.execute(
        """
        SELECT d.code, count(*)
        FROM devices d
        CROSS JOIN LATERAL (SELECT hour FROM rollups WHERE device_id = d.id AND hour <= %s ORDER BY hour DESC LIMIT 1) last
        JOIN rollups r ON r.device_id = d.id AND r.hour > last.hour - interval '7 days' AND r.hour <= last.hour
        WHERE d.code = ANY (%s) GROUP BY 1
        """,
        (to_at, list(codes)),
    ).fetchall()
    return dict(rows)


def alive_hours(
    connection: Connection[Any], codes: Sequence[str], from_at: datetime
) -> dict[str, tuple[AliveHour, ...]]:
    """The hours since `from_at` in which these devices were heard, oldest first."""
    found: defaultdict[str, list[AliveHour]] = defaultdict(list)
    for code, hour, minutes in connection.execute(
        """
        SELECT d.code, r.hour, r.alive_minutes
        FROM devices d JOIN rollups r ON r.device_id = d.id
        WHERE d.code = ANY (%s) AND r.hour >= %s AND r.alive_minutes <> 0
        ORDER BY r.device_id, r.hour
        """,
        (list(codes), from_at),
    ):
        found[code].append(AliveHour(hour, minutes))
    return {code: tuple(hours) for code, hours in found.items()}


def arrivals(
    connection: Connection[Any], codes: Sequence[str], from_at: datetime
) -> dict[str, tuple[Heard, ...]]:
    """The last messages of these devices in the order in which they came, newest first, whatever time since `from_at`
    they bear."""
    rows = connection.execute(
        """
        SELECT d.code, e.at, e.received_at, e.device_time, e.clock_fault
        FROM devices d CROSS JOIN LATERAL (
            SELECT at, received_at, device_time, clock_fault FROM events
            WHERE device_id = d.id AND at >= %s AND type <> 'availability' AND NOT (type = 'state' AND value = 0)
            ORDER BY received_at DESC, at DESC LIMIT 8
        ) e
        WHERE d.code = ANY (%s) ORDER BY d.code, e.received_at DESC, e.at DESC
        """,
        (from_at, list(codes)),
    ).fetchall()
    found: defaultdict[str, list[Heard]] = defaultdict(list)
    for code, *message in rows:
        found[code].append(Heard(*message))
    return {code: tuple(messages) for code, messages in found.items()}


def lost(
    connection: Connection[Any], from_at: datetime, to_at: datetime
) -> dict[str, tuple[tuple[Lost, ...], int]]:
    """Of the devices that lost messages in that time: which, and how many messages came."""
    rows = connection.execute(
        """
        WITH lost AS (
            SELECT device_id, array_agg(last_seq - first_seq + 1) AS messages, array_agg(least(from_at, to_at)) AS from_times,
                   array_agg(greatest(from_at, to_at)) AS to_times
            FROM gaps WHERE greatest(from_at, to_at) >= %(from)s AND least(from_at, to_at) < %(to)s GROUP BY 1
        )
        SELECT d.code, messages, from_times, to_times,
               (SELECT coalesce(sum(events_total), 0) FROM rollups r
                WHERE r.device_id = d.id AND r.hour >= %(from)s AND r.hour < %(to)s)
        FROM lost JOIN devices d ON d.id = device_id
        """,
        {"from": from_at, "to": to_at},
    ).fetchall()
    return {
        code: (tuple(Lost(*gap) for gap in zip(*columns, strict=True)), int(received))
        for code, *columns, received in rows
    }


def busy_hours(connection: Connection[Any], now: datetime) -> dict[str, tuple[datetime, ...]]:
    """Of the devices that sent far too much within the last day: the hours in which they did, oldest first."""
    assert (THRESHOLDS.busy_messages_per_hour, THRESHOLDS.busy_uses_per_hour) == (
        1200,
        120,
    )  # as in the index
    rows = connection.execute(
        """
        SELECT d.code, array_agg(r.hour ORDER BY r.hour)
        FROM rollups r JOIN devices d ON d.id = r.device_id
        WHERE (r.events_total > 1200 OR r.uses + r.other_uses > 120) AND r.hour > %s AND r.hour <= %s
        GROUP BY 1
        """,
        (now - timedelta(hours=24), now),
    ).fetchall()
    return {code: tuple(hours) for code, hours in rows}


def stuck(connection: Connection[Any], now: datetime) -> dict[str, Stuck]:
    """Of the placed devices that measure the air: those whose last two days hold one value only.

    First those whose newest value is also that of one and of two days ago, which takes few readings to see.
    """
    window, begin = (
        timedelta(hours=6),
        now - THRESHOLDS.stuck_after,
    )  # reckoned here, so that no other chunk is opened
    rows = connection.execute(
        """
        WITH same AS MATERIALIZED (
            SELECT d.id, d.code, newest.type, newest.value
            FROM placements p
            JOIN devices d ON d.id = p.device_id
            CROSS JOIN LATERAL (
                SELECT type, value FROM events WHERE device_id = d.id AND type = ANY (%(types)s) AND value IS NOT NULL
                   AND at > %(today)s AND at <= %(now)s ORDER BY at DESC LIMIT 1
            ) newest
            CROSS JOIN LATERAL (
                SELECT value FROM events WHERE device_id = d.id AND type = newest.type AND value IS NOT NULL
                   AND at > %(yesterday)s AND at <= %(yesterday_end)s ORDER BY at DESC LIMIT 1
            ) yesterday
            CROSS JOIN LATERAL (
                SELECT value FROM events WHERE device_id = d.id AND type = newest.type AND value IS NOT NULL
                   AND at > %(begin)s AND at <= %(begin_end)s ORDER BY at LIMIT 1
            ) before
            WHERE p.placed_at <= %(now)s AND (p.removed_at IS NULL OR p.removed_at > %(now)s)
              AND newest.value = yesterday.value AND newest.value = before.value
        )
        SELECT code, type, value, since, newest_at, readings
        FROM same CROSS JOIN LATERAL (
            SELECT min(at) AS since, max(at) AS newest_at, count(*) AS readings, bool_and(e.value = same.value) AS alike
            FROM events e WHERE device_id = same.id AND e.type = same.type AND e.value IS NOT NULL
               AND at > %(begin)s AND at <= %(now)s
        ) all_of_them
        WHERE alike
        """,
        {
            "now": now,
            "today": now - window,
            "yesterday_end": now - timedelta(hours=24),
            "yesterday": now - timedelta(hours=24) - window,
            "begin": begin,
            "begin_end": begin + window,
            "types": list(STEADY_TYPES),
        },
    ).fetchall()
    return {code: Stuck(*found) for code, *found in rows}


def battery_was_low(connection: Connection[Any], codes: Sequence[str]) -> set[str]:
    """Those of these devices whose newest level outside the band between low and fine was low."""
    rows = connection.execute(
        """
        SELECT d.code FROM devices d CROSS JOIN LATERAL (
            SELECT (health->>'battery_pct')::float8 AS pct FROM events e
            WHERE e.device_id = d.id AND health IS NOT NULL
              AND ((health->>'battery_pct')::float8 <= %(low)s OR (health->>'battery_pct')::float8 >= %(fine)s)
            ORDER BY at DESC LIMIT 1
        ) clear
        WHERE d.code = ANY (%(codes)s) AND clear.pct <= %(low)s
        """,
        {
            "codes": list(codes),
            "low": THRESHOLDS.battery_low_pct,
            "fine": THRESHOLDS.battery_fine_pct,
        },
    ).fetchall()
    return {code for (code,) in rows}


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


def _zipped(kind: Any, columns: Sequence[Any]) -> tuple[Any, ...]:
    return () if columns[0] is None else tuple(map(kind, *columns))
