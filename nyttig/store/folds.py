"""Folds: a row for every device and 45 days that says what 1,080 rollups say, for readers of whole years."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from psycopg import Connection

Integers = npt.NDArray[np.int64]
Masks = npt.NDArray[np.uint64]

PERIOD_DAYS = 45
"""So that a minute of a period fits in 16 bits."""

SHARED_BY, SHARED_RATIO, SHARED_HOURS = 100, 10, 1_000_000
"""Hours are read by time where so many devices ask for the same ones, one in so many of all, and there are so few."""


class Range(NamedTuple):
    """Hours of a device: minutes since 1970, at full hours."""

    device_id: int
    from_minute: int
    to_minute: int


class HourColumns(NamedTuple):
    """Rollups in the order of the ranges asked for, and in each by hour: `range` is the place of the range.

    `armed_minutes` is -1 where nothing is known of that.
    """

    range: Integers
    hour_minute: Integers
    events_total: Integers
    alive_minutes: Masks
    uses: Integers
    use_minutes: Masks
    armed_minutes: Integers


class HourCounts(NamedTuple):
    """How many rollups a range has from one edge (its place) to the next, and with how many events; no row where none."""

    range: Integers
    edge: Integers
    hours: Integers
    events_total: Integers


class Kept(NamedTuple):
    """One fold as it is kept: see the schema for what the bytes are."""

    device_id: int
    period: int
    folded_days: int
    reach_minutes: int
    stretches: bytes
    uses: bytes
    more_uses: bytes
    events: bytes
    turns: bytes


class KeptMany(NamedTuple):
    """Many folds, by `device` (its place among those asked for) and period.

    All bytes of a kind stand behind one another; `…_bytes` says how many of them are whose.
    """

    device: Integers
    period: Integers
    folded_days: Integers
    stretches_bytes: Integers
    uses_bytes: Integers
    more_uses_bytes: Integers
    turns_bytes: Integers
    stretches: bytes
    uses: bytes
    more_uses: bytes
    events: bytes
    turns: bytes


class Due(NamedTuple):
    """A fold that is behind: how many days it should hold, and what its reach follows from."""

    device_id: int
    period: int
    days: int
    heartbeat_minutes: float
    parameters: dict[str, Any] | None


def read(
    connection: Connection[Any],
    devices: Sequence[int],
    reach_minutes: Sequence[int],
    from_period: int,
    to_period: int,
) -> KeptMany:
    """What is folded of these devices under these reaches in [from_period, to_period)."""
    row = connection.execute(
        """
        SELECT array_send(array_agg(place)), array_send(array_agg(period::bigint)),
               array_send(array_agg(folded_days::bigint)), array_send(array_agg(octet_length(stretches)::bigint)),
               array_send(array_agg(octet_length(uses)::bigint)), array_send(array_agg(octet_length(more_uses)::bigint)),
               array_send(array_agg(octet_length(turns)::bigint)),
               string_agg(stretches, ''::bytea), string_agg(uses, ''::bytea), string_agg(more_uses, ''::bytea),
               string_agg(events, ''::bytea), string_agg(turns, ''::bytea)
        FROM (SELECT asked.place, kept.*
              FROM unnest(%s::integer[], %s::integer[]) WITH ORDINALITY asked (device_id, reach_minutes, place)
              CROSS JOIN LATERAL (
                  SELECT period, folded_days, stretches, uses, more_uses, events, turns FROM folds f
                  WHERE f.device_id = asked.device_id AND f.reach_minutes = asked.reach_minutes AND f.folded_days > 0
                    AND period >= %s AND period < %s
                  ORDER BY period OFFSET 0) kept
             ) found
        """,
        (list(devices), list(reach_minutes), from_period, to_period),
        binary=True,
    ).fetchone()
    assert row is not None
    place, period, days, stretches, uses, more_uses, turns = (_column(part) for part in row[:7])
    sent = [part or b"" for part in row[7:]]
    return KeptMany(place - 1, period, days, stretches, uses, more_uses, turns, *sent)


def hours(connection: Connection[Any], ranges: Sequence[Range] | npt.NDArray[np.int64]) -> HourColumns:
    """The rollups of these ranges."""
    asked = np.asarray(ranges, dtype=np.int64).reshape(-1, 3)
    by_time, apart = _shared(connection, asked)
    found = [_hours_of_devices(connection, asked[apart], apart)]
    for places in by_time:
        found.append(_hours_of_time(connection, asked[places], places))
    columns = HourColumns._make(np.concatenate(column) for column in zip(*found, strict=True))
    if not by_time:
        return columns
    order = np.lexsort((columns.hour_minute, columns.range))
    return HourColumns._make(column[order] for column in columns)


def counts(
    connection: Connection[Any], ranges: npt.NDArray[np.int64], edges: npt.NDArray[np.int64]
) -> HourCounts:
    """What these ranges hold between neighbouring `edges`, which are minutes since 1970 in order around them all."""
    row = connection.execute(
        """
        SELECT array_send(array_agg(place)), array_send(array_agg(edge)), array_send(array_agg(hours)),
               array_send(array_agg(events_total))
        FROM (SELECT asked.place, count(*) AS hours, sum(r.events_total)::bigint AS events_total,
                     width_bucket(r.hour, (SELECT array_agg(to_timestamp(edge * 60) ORDER BY edge)
                                           FROM unnest(%s::bigint[]) edge))::bigint AS edge
              FROM unnest(%s::integer[], %s::bigint[], %s::bigint[]) WITH ORDINALITY
                   asked (device_id, from_minute, to_minute, place)
              CROSS JOIN LATERAL (
                  SELECT hour, events_total FROM rollups
                  WHERE device_id = asked.device_id AND hour >= to_timestamp(asked.from_minute * 60)
                    AND hour < to_timestamp(asked.to_minute * 60) OFFSET 0) r
              GROUP BY asked.place, edge) found
        """,
        (edges.tolist(), ranges[:, 0].tolist(), ranges[:, 1].tolist(), ranges[:, 2].tolist()),
        binary=True,
    ).fetchone()
    assert row is not None
    place, edge, hours, events = (_column(part) for part in row)
    return HourCounts(place - 1, edge - 1, hours, events)


def _shared(
    connection: Connection[Any], asked: npt.NDArray[np.int64]
) -> tuple[list[npt.NDArray[np.intp]], npt.NDArray[np.intp]]:
    """Which ranges (places) are the same time of so many devices that reading it of all costs less; and the others."""
    times = asked[:, 1] << 32 | asked[:, 2]
    _, first, span, many = np.unique(times, return_index=True, return_inverse=True, return_counts=True)
    if many.max(initial=0) < SHARED_BY:
        return [], np.arange(len(asked))
    row = connection.execute("SELECT count(*) FROM devices").fetchone()
    assert row is not None
    read = (asked[first, 2] - asked[first, 1]) // 60 * row[0]
    shared = (many >= SHARED_BY) & (many * SHARED_RATIO >= row[0]) & (read <= SHARED_HOURS)
    return [np.flatnonzero(span == each) for each in np.flatnonzero(shared)], np.flatnonzero(~shared[span])


def _hours_of_devices(
    connection: Connection[Any], asked: npt.NDArray[np.int64], places: npt.NDArray[np.intp]
) -> HourColumns:
    row = connection.execute(
        """
        SELECT array_send(array_agg(place)), array_send(array_agg(hour)),
               array_send(array_agg(events_total::bigint)), array_send(array_agg(alive_minutes)),
               array_send(array_agg(uses::bigint)), array_send(array_agg(use_minutes)),
               array_send(array_agg(coalesce(armed_minutes, -1)))
        FROM (SELECT asked.place, r.*
              FROM unnest(%s::integer[], %s::bigint[], %s::bigint[]) WITH ORDINALITY
                   asked (device_id, from_minute, to_minute, place)
              CROSS JOIN LATERAL (
                  SELECT hour, events_total, alive_minutes, uses, use_minutes, armed_minutes FROM rollups
                  WHERE device_id = asked.device_id AND hour >= to_timestamp(asked.from_minute * 60)
                    AND hour < to_timestamp(asked.to_minute * 60)
                  ORDER BY hour OFFSET 0) r
              ) found
        """,
        (asked[:, 0].tolist(), asked[:, 1].tolist(), asked[:, 2].tolist()),
        binary=True,
    ).fetchone()
    assert row is not None
    place, *columns = (_column(part) for part in row)
    return _hour_columns(places[place - 1], *columns)


def _hours_of_time(
    connection: Connection[Any], asked: npt.NDArray[np.int64], places: npt.NDArray[np.intp]
) -> HourColumns:
    """The same of ranges that are one and the same time, by the index on the hour: `device_id + 0` is in no index."""
    row = connection.execute(
        """
        SELECT array_send(array_agg(device_id::bigint)), array_send(array_agg(hour)),
               array_send(array_agg(events_total::bigint)), array_send(array_agg(alive_minutes)),
               array_send(array_agg(uses::bigint)), array_send(array_agg(use_minutes)),
               array_send(array_agg(coalesce(armed_minutes, -1)))
        FROM rollups
        WHERE hour >= to_timestamp(%s) AND hour < to_timestamp(%s) AND device_id + 0 = ANY (%s::integer[])
        """,
        (int(asked[0, 1]) * 60, int(asked[0, 2]) * 60, asked[:, 0].tolist()),
        binary=True,
    ).fetchone()
    assert row is not None
    device, *columns = (_column(part) for part in row)
    order = np.argsort(asked[:, 0])
    return _hour_columns(places[order[np.searchsorted(asked[order, 0], device)]], *columns)


def _hour_columns(
    places: npt.NDArray[np.intp],
    hour: Integers,
    events: Integers,
    alive: Integers,
    uses: Integers,
    use_minutes: Integers,
    armed: Integers,
) -> HourColumns:
    """The columns as they are told of; times are sent as microseconds since 2000."""
    minute = hour // 60_000_000 + 15_778_080
    return HourColumns(
        places.astype(np.int64),
        minute,
        events,
        alive.astype(np.uint64),
        uses,
        use_minutes.astype(np.uint64),
        armed,
    )


def touch(connection: Connection[Any]) -> None:
    """Folds of the hours in `spans` are known to be wanted, and hold nothing where one of those hours was in them."""
    connection.execute(
        """
        INSERT INTO folds (device_id, period)
        SELECT DISTINCT device_id, period
        FROM (SELECT device_id, (extract(epoch FROM hour)::bigint / 3888000)::integer AS period FROM spans) s
        WHERE NOT EXISTS (SELECT FROM folds f WHERE f.device_id = s.device_id AND f.period = s.period)
        ON CONFLICT DO NOTHING
        """
    )
    connection.execute(
        """
        UPDATE folds f SET folded_days = 0
        FROM (SELECT device_id, min(extract(epoch FROM hour)::bigint) AS second FROM spans
              GROUP BY device_id, extract(epoch FROM hour)::bigint / 3888000) s
        WHERE f.device_id = s.device_id AND f.period = s.second / 3888000 AND f.folded_days > s.second / 86400 - f.period * 45
        """
    )


def due(connection: Connection[Any], before_day: int, limit: int) -> list[Due]:
    """Up to so many folds that should hold more of the days before `before_day`, the newest first."""
    rows = connection.execute(
        """
        SELECT f.device_id, f.period, least(45, %(day)s - f.period * 45), d.heartbeat_minutes,
               (SELECT t.parameters FROM trial_devices td JOIN trials t ON t.id = td.trial_id
                WHERE td.device_id = f.device_id ORDER BY t.starts DESC, t.id LIMIT 1)
        FROM (SELECT device_id, period FROM folds
              WHERE folded_days < 45 AND folded_days < %(day)s - period * 45
              ORDER BY period DESC, folded_days LIMIT %(limit)s) f
        JOIN devices d ON d.id = f.device_id
        """,
        {"day": before_day, "limit": limit},
    ).fetchall()
    return [Due(*row) for row in rows]


def write(connection: Connection[Any], folds: Sequence[Kept]) -> None:
    """These folds stand in the place of what was there."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE folds SET folded_days = %s, reach_minutes = %s, stretches = %s, uses = %s, more_uses = %s, events = %s,"
            " turns = %s WHERE device_id = %s AND period = %s",
            [
                (
                    f.folded_days,
                    f.reach_minutes,
                    f.stretches,
                    f.uses,
                    f.more_uses,
                    f.events,
                    f.turns,
                    f.device_id,
                    f.period,
                )
                for f in folds
            ],
        )


def reaches(connection: Connection[Any]) -> list[tuple[int, int, float, dict[str, Any] | None]]:
    """Of every device with folds that hold something: its id, a reach of theirs, and what its reach follows from."""
    return connection.execute(
        """
        SELECT f.device_id, f.reach_minutes, d.heartbeat_minutes,
               (SELECT t.parameters FROM trial_devices td JOIN trials t ON t.id = td.trial_id
                WHERE td.device_id = f.device_id ORDER BY t.starts DESC, t.id LIMIT 1)
        FROM (SELECT DISTINCT device_id, reach_minutes FROM folds WHERE folded_days > 0) f
        JOIN devices d ON d.id = f.device_id
        """
    ).fetchall()


def forget(connection: Connection[Any], device_id: int, reach_minutes: int) -> None:
    """The device's folds of this reach hold nothing."""
    connection.execute(
        "UPDATE folds SET folded_days = 0 WHERE device_id = %s AND reach_minutes = %s AND folded_days > 0",
        (device_id, reach_minutes),
    )


def ids(connection: Connection[Any], devices: Sequence[str]) -> dict[str, int]:
    """The devices' own numbers, by code."""
    return dict(
        connection.execute("SELECT code, id FROM devices WHERE code = ANY (%s)", (list(devices),)).fetchall()
    )


def all_kept(connection: Connection[Any], *, trial_id: str | None = None) -> list[tuple[str, Kept]]:
    """Every fold that holds something, with the device's code."""
    rows = connection.execute(
        """
        SELECT d.code, f.device_id, f.period, f.folded_days, f.reach_minutes, f.stretches, f.uses, f.more_uses, f.events,
               f.turns
        FROM folds f JOIN devices d ON d.id = f.device_id
        WHERE folded_days > 0
          AND (%(trial)s::text IS NULL
               OR device_id IN (SELECT device_id FROM trial_devices WHERE trial_id = %(trial)s))
        ORDER BY d.code, f.period
        """,
        {"trial": trial_id},
        binary=True,
    ).fetchall()
    return [(row[0], Kept(*row[1:])) for row in rows]


def _column(sent: bytes | None) -> Integers:
    """The 64-bit integers of an array as PostgreSQL sends it; no array is none."""
    if sent is None:
        return np.zeros(0, dtype=np.int64)
    cells = np.frombuffer(sent, dtype=[("length", ">i4"), ("value", ">i8")], offset=20)
    return cells["value"].astype(np.int64)
