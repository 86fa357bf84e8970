"""Proposed devices: addresses that spoke, or were described, before anybody registered them.

Only so many are kept of each dialect: a gateway for Bluetooth hears all its neighbours. Why and how:
docs/decisions/0016-proposed-devices.md.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from psycopg import Connection

from nyttig.errors import NotFoundError
from nyttig.model import Device, Role, Technology
from nyttig.store import devices, history, placements, replays
from nyttig.store.heard import keepable
from nyttig.store.history import Subject

Status = Literal["proposed", "dismissed"]

GAPS_NEEDED = 8
"""So many gaps tell how often a device is heard."""

HEARTBEAT_MINUTES = (1.0, 1440.0)


@dataclass(frozen=True, slots=True)
class Proposal:
    """One address that no device has, and what is known of it.

    `gateway_of` so many addresses speak through it. `says` are the types of reading it said or is described to say.
    `interval_minutes` is the median time between its messages, `heartbeat_minutes` that within which nine of ten come
    (None: too few yet). `last_heard_at` is None where it was only described.
    """

    dialect: str
    address: str
    hardware_id: str | None
    make: str | None
    model: str | None
    name: str | None
    power: Literal["battery", "mains"] | None
    gateway: str | None
    gateway_of: int
    says: tuple[str, ...]
    status: Status
    first_seen_at: datetime
    last_seen_at: datetime
    last_heard_at: datetime | None
    messages_total: int
    interval_minutes: float | None
    heartbeat_minutes: float | None
    battery_pct: float | None
    battery_v: float | None
    rssi_dbm: float | None
    link_quality: float | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A proposal that became a device. `messages_waiting` of it lie in quarantine and are read again by the
    ingestor at its next beat, within seconds where one is at work."""

    device: str
    dialect: str
    address: str
    technology: str
    heartbeat_minutes: float
    power: Literal["battery", "mains"]
    site: str | None
    placed_at: datetime | None
    trial: str | None
    messages_waiting: int


def listed(
    connection: Connection[Any],
    *,
    dialect: str | None = None,
    address: str | None = None,
    heard_since: datetime | None = None,
    status: Status | None = "proposed",
) -> list[Proposal]:
    """The proposals, the last heard first; of one dialect, one address, heard since then, with this status (None: any)."""
    rows = connection.execute(
        """
        SELECT p.dialect, p.address, p.hardware_id, p.make, p.model, p.name, p.power, p.gateway,
               (SELECT count(*) FROM proposals o WHERE o.dialect = p.dialect AND o.gateway = p.address), p.says, p.status,
               p.first_seen_at, p.last_seen_at, p.heard_at, p.messages_total, cardinality(p.gaps_seconds),
               (SELECT percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY gap) FROM unnest(p.gaps_seconds) gap),
               (p.health->>'battery_pct')::float8, (p.health->>'battery_v')::float8,
               (p.health->>'rssi_dbm')::float8, (p.health->>'link_quality')::float8
        FROM proposals p
        WHERE NOT EXISTS (SELECT FROM devices d WHERE d.dialect = p.dialect AND d.address = p.address)
          AND (%(dialect)s::text IS NULL OR p.dialect = %(dialect)s)
          AND (%(address)s::text IS NULL OR p.address = %(address)s)
          AND (%(since)s::timestamptz IS NULL OR p.heard_at >= %(since)s)
          AND (%(status)s::text IS NULL OR p.status = %(status)s)
        ORDER BY p.heard_at DESC NULLS LAST, p.last_seen_at DESC, p.dialect, p.address
        """,
        {"dialect": dialect, "address": address, "since": heard_since, "status": status},
    ).fetchall()
    return [_proposal(row) for row in rows]


def dropped(connection: Connection[Any]) -> dict[str, int]:
    """How many addresses of each dialect had to make room."""
    return dict(connection.execute("SELECT dialect, dropped_total FROM proposal_drops").fetchall())


def dismiss(connection: Connection[Any], dialect: str, address: str, *, by: str) -> None:
    """The address is proposed no more, in the current transaction. Raises NotFoundError."""
    _set_status(connection, dialect, address, "dismissed", by)


def restore(connection: Connection[Any], dialect: str, address: str, *, by: str) -> None:
    """The address is proposed again, in the current transaction. Raises NotFoundError."""
    _set_status(connection, dialect, address, "proposed", by)


def accept(
    connection: Connection[Any],
    dialect: str,
    address: str,
    *,
    technology: str,
    known_technologies: Mapping[str, Technology],
    by: str,
    device: str | None = None,
    heartbeat_minutes: float | None = None,
    site: str | None = None,
    placed_at: datetime | None = None,
    trial: str | None = None,
) -> Accepted:
    """The proposal is a registered device, in the current transaction, and what it said before is to be read again.

    Without `device` its code is made from make, model and hardware id; without `heartbeat_minutes` it is expected as
    often as nine of ten of its messages came, or as its technology says where it said too little. It stands at `site`
    from `placed_at` on, or from now. In `trial` it is primary where it is of the technology tried, else secondary.
    Raises NotFoundError and the registry's ClashError.
    """
    history.lock(connection)
    proposal = one(connection, dialect, address)
    heartbeat = heartbeat_minutes or proposal.heartbeat_minutes
    if heartbeat is None:
        heartbeat = (
            known_technologies[technology].heartbeat_minutes if technology in known_technologies else 60.0
        )
    row = connection.execute("SELECT technology_id FROM trials WHERE id = %s", (trial,)).fetchone()
    role: Role = "primary" if row is not None and row[0] == technology else "secondary"
    if trial is not None and row is None:
        raise NotFoundError(
            "there is no trial {trial!r}; leave it out, or name one that is there", trial=trial
        )
    made = Device(
        device=device or _code(connection, proposal, technology),
        technology=technology,
        dialect=dialect,
        address=address,
        heartbeat_minutes=heartbeat,
        power=_power(proposal),
        role=role,
        hardware_id=proposal.hardware_id,
    )
    devices.register(connection, made, known_technologies, by=by, trial_id=trial)
    if site is None:
        placed_at = None
    else:
        placed_at = placed_at or datetime.now(UTC)
        placements.place(connection, made.device, site, placed_at, by=by)
    connection.execute(
        "UPDATE proposals SET status = 'proposed' WHERE dialect = %s AND address = %s", (dialect, address)
    )
    waiting = replays.ask(connection, dialect, address)
    return Accepted(
        made.device, dialect, address, technology, heartbeat, made.power, site, placed_at, trial, waiting
    )


def _proposal(row: Any) -> Proposal:
    says, told, gaps, quantiles = row[9], row[10:15], row[15], row[16]
    median, most = quantiles if gaps >= GAPS_NEEDED else (None, None)
    low, high = HEARTBEAT_MINUTES
    interval = None if median is None else median / 60
    heartbeat = None if most is None else min(max(float(math.ceil(most / 60)), low), high)
    return Proposal(*(*row[:9], tuple(says), *told, interval, heartbeat, *row[17:]))


def one(connection: Connection[Any], dialect: str, address: str) -> Proposal:
    """The proposal of this address, dismissed or not. Raises NotFoundError."""
    found = listed(connection, dialect=dialect, address=address, status=None) if keepable(address) else []
    if not found:
        raise NotFoundError(
            "no {dialect} device with the address {address!r} is proposed; `nyttig devices --proposed` lists those that are, and "
            "one that is registered already is no proposal",
            dialect=dialect,
            address=address,
        )
    return found[0]


def _set_status(connection: Connection[Any], dialect: str, address: str, status: Status, by: str) -> None:
    history.lock(connection)
    before = one(connection, dialect, address)
    if before.status == status:
        return
    connection.execute(
        "UPDATE proposals SET status = %s WHERE dialect = %s AND address = %s", (status, dialect, address)
    )
    history.record(
        connection,
        by=by,
        action="dismissed" if status == "dismissed" else "restored",
        subject=Subject("proposal", f"{dialect} {address}"),
        before={"status": before.status},
        after={"status": status},
    )


def _code(connection: Connection[Any], proposal: Proposal, technology: str) -> str:
    """A code that no device has: make and model, else the technology, and the end of a hexadecimal number that tells it
    from others of its kind. Never a word of its name or address, which may be a person's."""
    hexadecimal = re.search(
        r"[0-9a-f]{4,}$", re.sub(r"[:-]", "", (proposal.hardware_id or proposal.address).lower())
    )
    kind = re.sub(r"[^a-z0-9]+", "-", " ".join(filter(None, (proposal.make, proposal.model))).lower())
    kind = kind[:40].strip("-") or technology.replace("_", "-")
    code = "-".join(filter(None, (kind, hexadecimal and hexadecimal[0][-6:])))
    taken = {
        one
        for (one,) in connection.execute(
            "SELECT code FROM devices WHERE starts_with(code, %s)", (code,)
        ).fetchall()
    }
    return next(one for n in itertools.count(1) if (one := code if n == 1 else f"{code}-{n}") not in taken)


def _power(proposal: Proposal) -> Literal["battery", "mains"]:
    if proposal.power is not None:
        return proposal.power
    return "mains" if proposal.battery_pct is None and proposal.battery_v is None else "battery"
