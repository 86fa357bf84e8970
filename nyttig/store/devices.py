"""Devices: which there are, registering one, and retiring one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg import Connection

from nyttig.errors import ClashError, NotFoundError
from nyttig.model import Device, RetireReason, Technology
from nyttig.saying import Saying
from nyttig.store import changes, history, replays, technologies
from nyttig.store.history import Subject


@dataclass(frozen=True, slots=True)
class RegisteredDevice:
    """A device as the registry knows it, placed or not. `roles`: its role by trial; `home`: where it stands now."""

    device: str
    technology: str
    dialect: str
    address: str
    heartbeat_minutes: float
    power: str
    hardware_id: str | None
    retired_at: datetime | None
    retired_because: RetireReason | None
    roles: dict[str, str]
    home: str | None
    unit: str | None
    placed_at: datetime | None


def registered(
    connection: Connection[Any], *, trial_id: str | None = None, device: str | None = None
) -> list[RegisteredDevice]:
    """Every device of the registry, or of a trial, or the one of this code; ordered by code."""
    rows = connection.execute(
        """
        SELECT d.code, d.technology_id, d.dialect, d.address, d.heartbeat_minutes, d.power, d.hardware_id,
               d.retired_at, d.retired_because,
               (SELECT coalesce(jsonb_object_agg(t.trial_id, t.role), '{}') FROM trial_devices t
                WHERE t.device_id = d.id),
               s.code, u.name, p.placed_at
        FROM devices d
        LEFT JOIN placements p ON p.device_id = d.id AND p.placed_at <= now()
                              AND (p.removed_at IS NULL OR p.removed_at > now())
        LEFT JOIN sites s ON s.id = p.site_id
        LEFT JOIN units u ON u.id = s.unit_id
        WHERE (%(device)s::text IS NULL OR d.code = %(device)s)
          AND (%(trial)s::text IS NULL
               OR EXISTS (SELECT FROM trial_devices t WHERE t.device_id = d.id AND t.trial_id = %(trial)s))
        ORDER BY d.code
        """,
        {"trial": trial_id, "device": device},
    ).fetchall()
    return [RegisteredDevice(*row) for row in rows]


def one(connection: Connection[Any], device: str) -> RegisteredDevice:
    """The device of this code; raises NotFoundError."""
    found = registered(connection, device=device)
    if not found:
        raise NotFoundError(
            "there is no device {device!r}; `nyttig devices` lists those that are placed, and `nyttig register` adds new ones",
            device=device,
        )
    return found[0]


def register(
    connection: Connection[Any],
    device: Device,
    known_technologies: Mapping[str, Technology],
    *,
    by: str,
    trial_id: str | None = None,
) -> None:
    """The new device is in the registry, in the current transaction, and in the trial with its role where one is given.
    What it said before is read again by a running ingestor.

    `known_technologies` are those that need not stand in the store yet. Raises ClashError where its code or
    address is another device's, or it cannot be primary in this trial, NotFoundError where there is no such
    technology or trial.
    """
    history.lock(connection)
    _require_sound(connection, device)
    _require_technology(connection, device.technology, known_technologies)
    connection.execute(
        "INSERT INTO devices (code, technology_id, dialect, address, heartbeat_minutes, power, hardware_id)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (
            device.device,
            device.technology,
            device.dialect,
            device.address,
            device.heartbeat_minutes,
            device.power,
            device.hardware_id,
        ),
    )
    if trial_id is not None:
        join(connection, device.device, {trial_id: device.role})
    replays.ask_all(connection, [(device.dialect, device.address)])
    history.record(
        connection,
        by=by,
        action="registered",
        subject=Subject("device", device.device),
        before=None,
        after=changes.described(device) | {"roles": {} if trial_id is None else {trial_id: device.role}},
    )


def join(connection: Connection[Any], device: str, roles: Mapping[str, str]) -> None:
    """The device is in these trials with these roles. Raises NotFoundError, and ClashError where a primary device is
    not of the technology that a trial tries."""
    for trial_id, role in roles.items():
        row = connection.execute(
            "SELECT t.technology_id, d.technology_id FROM trials t, devices d WHERE t.id = %s AND d.code = %s",
            (trial_id, device),
        ).fetchone()
        if row is None:
            raise NotFoundError(
                "there is no trial {trial!r}, or no device {device!r}; name ones that are there",
                trial=trial_id,
                device=device,
            )
        if role == "primary" and row[0] != row[1]:
            raise ClashError(
                "{trial} tries a {tried} and {device!r} is a {technology}: it cannot be primary; make its role secondary",
                trial=trial_id,
                tried=row[0],
                device=device,
                technology=row[1],
            )
        connection.execute(
            "INSERT INTO trial_devices (trial_id, device_id, role) SELECT %s, id, %s FROM devices WHERE code = %s"
            " ON CONFLICT (trial_id, device_id) DO UPDATE SET role = excluded.role",
            (trial_id, role, device),
        )


def write(
    connection: Connection[Any], listed: Sequence[Device], roles: Iterable[tuple[str, str, str]]
) -> None:
    """The devices stand as listed, one after the other, and have these roles (trial, device, role); in the current
    transaction. A hardware id that is known is not forgotten.

    What may be written was checked before, under the lock; nothing is recorded.
    """
    # Of another technology, other readings are uses.
    connection.execute(
        "INSERT INTO touched SELECT r.device_id, r.hour FROM rollups r JOIN devices d ON d.id = r.device_id"
        " JOIN unnest(%s::text[], %s::text[]) listed (code, technology) ON listed.code = d.code"
        " WHERE d.technology_id <> listed.technology",
        ([device.device for device in listed], [device.technology for device in listed]),
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO devices (code, technology_id, dialect, address, heartbeat_minutes, power, hardware_id, retired_at,
                                 retired_because) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (code) DO UPDATE SET
                technology_id = excluded.technology_id, dialect = excluded.dialect, address = excluded.address,
                heartbeat_minutes = excluded.heartbeat_minutes, power = excluded.power,
                hardware_id = coalesce(excluded.hardware_id, devices.hardware_id),
                retired_at = excluded.retired_at, retired_because = excluded.retired_because
            """,
            [
                (d.device, d.technology, d.dialect, d.address, d.heartbeat_minutes, d.power, d.hardware_id, d.retired_at,
                 d.retired_because)
                for d in listed
            ],
        )  # fmt: skip
        cursor.executemany(
            "INSERT INTO trial_devices (trial_id, device_id, role) SELECT %s, id, %s FROM devices WHERE code = %s"
            " ON CONFLICT (trial_id, device_id) DO UPDATE SET role = excluded.role",
            [(trial_id, role, device) for trial_id, device, role in roles],
        )


def retire(connection: Connection[Any], device: str, because: RetireReason, at: datetime, *, by: str) -> None:
    """The device is out of service from `at` on, in the current transaction; where it stood, it stood until then.

    What it still sends is kept. Raises NotFoundError, and ClashError where it is retired already, `at` lies ahead
    or the device was placed somewhere after it.
    """
    history.lock(connection)
    found = one(connection, device)
    if found.retired_at is not None:
        raise ClashError(
            "{device!r} is retired since {time} ({retired_because}); nothing is left to do",
            device=device,
            time=moment(found.retired_at),
            retired_because=found.retired_because,
        )
    if at > datetime.now(UTC):
        raise ClashError(
            "{time} lies ahead; retire {device!r} when it is out of service", time=moment(at), device=device
        )
    later = connection.execute(
        "SELECT s.code, p.placed_at FROM placements p JOIN devices d ON d.id = p.device_id"
        " JOIN sites s ON s.id = p.site_id WHERE d.code = %s AND p.placed_at >= %s ORDER BY p.placed_at LIMIT 1",
        (device, at),
    ).fetchone()
    if later is not None:
        raise ClashError(
            "{device!r} was placed at {home} at {time}, and is to be retired at {end_time}, before that; name a later time, or "
            "correct the placement first",
            device=device,
            home=later[0],
            time=moment(later[1]),
            end_time=moment(at),
        )
    ended = connection.execute(
        """
        UPDATE placements p SET removed_at = %(at)s FROM devices d, sites s
        WHERE d.id = p.device_id AND s.id = p.site_id AND d.code = %(device)s
          AND (p.removed_at IS NULL OR p.removed_at > %(at)s)
        RETURNING s.code
        """,
        {"at": at, "device": device},
    ).fetchone()
    connection.execute(
        "UPDATE devices SET retired_at = %s, retired_because = %s WHERE code = %s", (at, because, device)
    )
    home = None if ended is None else ended[0]
    history.record(
        connection,
        by=by,
        action="retired",
        subject=Subject("device", device),
        before={"retired_at": None, "retired_because": None, "home": home},
        after={"retired_at": at, "retired_because": because, "home": None},
    )


def unretire(connection: Connection[Any], device: str, *, by: str) -> None:
    """The device is in service again, in the current transaction, and stands nowhere until it is placed.

    Raises NotFoundError, and ClashError where it is not retired.
    """
    history.lock(connection)
    found = one(connection, device)
    if found.retired_at is None:
        raise ClashError("{device!r} is not retired; nothing is left to do", device=device)
    connection.execute(
        "UPDATE devices SET retired_at = NULL, retired_because = NULL WHERE code = %s", (device,)
    )
    history.record(
        connection,
        by=by,
        action="unretired",
        subject=Subject("device", device),
        before={"retired_at": found.retired_at, "retired_because": found.retired_because},
        after={"retired_at": None, "retired_because": None},
    )


def moment(at: datetime) -> str:
    """The time as messages of the registry write it: to the minute, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _require_sound(connection: Connection[Any], device: Device) -> None:
    if not re.fullmatch(r"[A-Za-z0-9._-]+", device.device):
        raise ClashError(
            "{device!r} is no code; use letters a-z, digits, dot, hyphen and underscore only",
            device=device.device,
        )
    if not device.address:
        raise ClashError(
            "{device!r} has no address; give the name by which {dialect} knows it",
            device=device.device,
            dialect=device.dialect,
        )
    if device.dialect == "nyttig" and set(device.address) & set("/+#"):
        raise ClashError(
            "the address {address!r} stands in an MQTT topic and may hold none of / + #",
            address=device.address,
        )
    for code, dialect, address, retired_at in connection.execute(
        "SELECT code, dialect, address, retired_at FROM devices WHERE code = %s OR (dialect, address) = (%s, %s)",
        (device.device, device.dialect, device.address),
    ).fetchall():
        retired = "" if retired_at is None else Saying(", retired since {time}", time=moment(retired_at))
        if code == device.device:
            raise ClashError(
                "there is a device {device!r} already ({dialect} address {address!r}{retired}); choose another code",
                device=code,
                dialect=dialect,
                address=address,
                retired=retired,
            )
        raise ClashError(
            "the {dialect} address {address!r} is that of {device!r}{retired}; an address belongs to one device",
            dialect=dialect,
            address=address,
            device=code,
            retired=retired,
        )


def _require_technology(connection: Connection[Any], name: str, described: Mapping[str, Technology]) -> None:
    if technologies.read(connection, {name}):
        return
    if name not in described:
        raise NotFoundError(
            "there is no technology {technology!r}; there are {known}",
            technology=name,
            known=", ".join(sorted(described)),
        )
    technologies.save(connection, described[name])
