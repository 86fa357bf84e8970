"""The registry: trials, sites, devices and how they belong together, saved and read as trial packages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from psycopg import Connection

from nyttig.errors import NotFoundError
from nyttig.model import (
    Device,
    Home,
    Parameters,
    Pause,
    Placement,
    Technology,
    Trial,
    TrialPackage,
)
from nyttig.store import (
    changes,
    contradictions,
    devices,
    enrolments,
    entries,
    history,
    placements,
    plans,
    technologies,
    visits,
)


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """What ingest needs to know of a device."""

    id: int
    device: str
    dialect: str
    address: str


@dataclass(frozen=True, slots=True)
class KnownTrial:
    """What the rest of the registry needs to know of a trial."""

    id: str
    technology: str
    timezone: str
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TriedIn:
    """A trial of a technology in one of its units."""

    trial: str
    unit: str
    starts: date


def save(
    connection: Connection[Any],
    package: TrialPackage,
    known: Mapping[str, Technology],
    *,
    by: str = history.COMMAND_LINE,
) -> None:
    """The registry says what `package` says, in the current transaction; saving it again changes nothing.

    `known` are the technologies that a package may use without describing them. What changed is in the history, for
    the trial and for each device. Raises PackageError where the package contradicts another trial that is already
    there.
    """
    history.lock(connection)
    contradictions.refuse(connection, package)
    trial_id = package.trial.id
    before = read(connection, trial_id) if trial_id in trial_ids(connection) else None
    touched = changes.devices_of(connection, package)
    devices_before = changes.states(connection, touched)
    described = {**known, **{technology.id: technology for technology in package.technologies}}
    for name in sorted({package.trial.technology, *(device.technology for device in package.devices)}):
        technologies.save(connection, described[name])
    _save_trial(connection, package.trial)
    _save_sites(connection, package)
    _save_devices(connection, package)
    visits.load(connection, package)
    entries.save(connection, package, by=by)
    plans.save(connection, package)
    found = [
        *changes.of_trial(before, read(connection, trial_id)),
        *changes.of_devices(devices_before, changes.states(connection, touched), action="loaded"),
    ]
    history.record_all(connection, found, by=by, trials=[trial_id])


def trial_ids(connection: Connection[Any]) -> list[str]:
    """The trials there are, in the order in which they start."""
    return [row[0] for row in connection.execute("SELECT id FROM trials ORDER BY starts, id").fetchall()]


def trials(connection: Connection[Any]) -> list[KnownTrial]:
    """All trials, in the order in which they start."""
    rows = connection.execute(
        """
        SELECT t.id, t.technology_id, t.timezone, array_agg(u.name ORDER BY n.place)
        FROM trials t JOIN trial_units n ON n.trial_id = t.id JOIN units u ON u.id = n.unit_id
        GROUP BY t.id ORDER BY t.starts, t.id
        """
    ).fetchall()
    return [KnownTrial(*(*row[:3], tuple(row[3]))) for row in rows]


def tried(connection: Connection[Any], technology: str) -> list[TriedIn]:
    """Where the technology was tried, by whichever trial with a home in it, in the order in which they started."""
    rows = connection.execute(
        """
        SELECT t.id, u.name, t.starts FROM trials t
        JOIN trial_units n ON n.trial_id = t.id JOIN units u ON u.id = n.unit_id
        WHERE t.technology_id = %s AND EXISTS (SELECT FROM enrolments e WHERE e.trial_id = t.id)
        ORDER BY t.starts, t.id, n.place
        """,
        (technology,),
    ).fetchall()
    return [TriedIn(*row) for row in rows]


def require(connection: Connection[Any], trial_id: str) -> None:
    """The trial exists; raises NotFoundError naming the trials there are."""
    known = trial_ids(connection)
    if trial_id not in known:
        there = ", ".join(known) or "none yet; load one with `nyttig load FOLDER`"
        raise NotFoundError("there is no trial {trial!r}; trials: {known}", trial=trial_id, known=there)


def require_device(connection: Connection[Any], device: str) -> None:
    """The device exists; raises NotFoundError."""
    if connection.execute("SELECT FROM devices WHERE code = %s", (device,)).fetchone() is None:
        raise NotFoundError(
            "there is no device {device!r}; `nyttig devices` lists those that are placed", device=device
        )


def timezone(connection: Connection[Any], trial_id: str) -> str:
    """The zone in which the trial's days are counted. Raises NotFoundError."""
    require(connection, trial_id)
    row = connection.execute("SELECT timezone FROM trials WHERE id = %s", (trial_id,)).fetchone()
    assert row is not None
    return str(row[0])


def read(connection: Connection[Any], trial_id: str, *, home: str | None = None) -> TrialPackage:
    """The trial as a package, in a fixed order. Raises NotFoundError naming the trials there are.

    `home`: of homes, devices, placements and pauses only its own, and nothing that is due, was entered or visited.
    """
    require(connection, trial_id)
    row = connection.execute(
        """
        SELECT t.id, t.title, p.name, t.technology_id, t.timezone, t.currency, t.starts, t.ends, t.parameters
        FROM trials t LEFT JOIN programmes p ON p.id = t.programme_id WHERE t.id = %s
        """,
        (trial_id,),
    ).fetchone()
    assert row is not None

    def rows(query: Any) -> list[Any]:
        return connection.execute(query, {"trial": trial_id, "home": home}).fetchall()

    entered = entries.current(connection, trial_id) if home is None else []
    trial = Trial(
        id=row[0],
        title=row[1],
        programme=row[2],
        units=tuple(
            name
            for (name,) in rows(
                "SELECT u.name FROM trial_units t JOIN units u ON u.id = t.unit_id WHERE t.trial_id = %(trial)s"
                " ORDER BY t.place"
            )
        ),
        technology=row[3],
        timezone=row[4],
        currency=row[5],
        starts=row[6],
        ends=row[7],
        gains=tuple(each.data for each in entered if each.kind == "gain"),
        parameters=Parameters(**row[8]),
    )
    devices = tuple(
        Device(*device)
        for device in rows(
            "SELECT d.code, d.technology_id, d.dialect, d.address, d.heartbeat_minutes, d.power, t.role,"
            " d.hardware_id, d.retired_at, d.retired_because"
            " FROM trial_devices t JOIN devices d ON d.id = t.device_id WHERE t.trial_id = %(trial)s"
            " AND (%(home)s::text IS NULL OR d.id IN (SELECT p.device_id FROM placements p"
            " JOIN sites s ON s.id = p.site_id WHERE s.code = %(home)s)) ORDER BY d.code"
        )
    )
    return TrialPackage(
        trial=trial,
        technologies=technologies.read(
            connection, {trial.technology, *(device.technology for device in devices)}
        ),
        homes=tuple(
            Home(*home)
            for home in rows(
                "SELECT s.code, s.site_type, u.name, e.asked_on, e.consented_on, e.installed_on, e.ended_on, e.end_reason,"
                " e.legal_basis FROM enrolments e JOIN sites s ON s.id = e.site_id JOIN units u ON u.id = s.unit_id"
                " WHERE e.trial_id = %(trial)s AND (%(home)s::text IS NULL OR s.code = %(home)s) ORDER BY s.code"
            )
        ),
        devices=devices,
        placements=tuple(
            Placement(*placement)
            for placement in rows(
                "SELECT d.code, s.code, p.placed_at, p.removed_at FROM placements p"
                " JOIN devices d ON d.id = p.device_id JOIN sites s ON s.id = p.site_id"
                " JOIN trial_devices t ON t.device_id = d.id"
                " JOIN enrolments e ON e.site_id = p.site_id AND e.trial_id = t.trial_id"
                " WHERE t.trial_id = %(trial)s AND (%(home)s::text IS NULL OR s.code = %(home)s)"
                " ORDER BY d.code, p.placed_at"
            )
        ),
        pauses=tuple(
            Pause(*pause)
            for pause in rows(
                "SELECT s.code, p.paused_from, p.paused_to, p.reason FROM pauses p JOIN sites s ON s.id = p.site_id"
                " WHERE p.trial_id = %(trial)s AND (%(home)s::text IS NULL OR s.code = %(home)s)"
                " ORDER BY s.code, p.paused_from"
            )
        ),
        schedules=plans.schedules(connection, trial_id) if home is None else (),
        units=plans.unit_parts(connection, trial_id),
        visits=visits.read(connection, trial_id) if home is None else (),
        measures=tuple(each.data for each in entered if each.kind == "measure"),
        costs=tuple(each.data for each in entered if each.kind == "cost"),
        entries=(
            *(each for each in entered if each.kind not in ("gain", "measure", "cost")),
            *(entries.around(connection, trial) if home is None else ()),
        ),
    )


def known_devices(connection: Connection[Any]) -> list[KnownDevice]:
    """All devices, as ingest needs them."""
    rows = connection.execute("SELECT id, code, dialect, address FROM devices").fetchall()
    return [KnownDevice(*row) for row in rows]


def version(connection: Connection[Any]) -> datetime | None:
    """When the registry last changed, by whatever way; ingest looks here to learn of it."""
    return history.newest_at(connection)


def _save_trial(connection: Connection[Any], trial: Trial) -> None:
    if trial.programme is not None:
        connection.execute(
            "INSERT INTO programmes (name) VALUES (%s) ON CONFLICT DO NOTHING", (trial.programme,)
        )
    connection.execute(
        """
        INSERT INTO trials (id, title, programme_id, technology_id, timezone, currency, starts, ends, parameters)
        VALUES (%s, %s, (SELECT id FROM programmes WHERE name = %s), %s, %s, %s, %s, %s, %s)
        ON CONFLICT (id) DO UPDATE SET
            title = excluded.title, programme_id = excluded.programme_id, technology_id = excluded.technology_id,
            timezone = excluded.timezone, currency = excluded.currency, starts = excluded.starts, ends = excluded.ends,
            parameters = excluded.parameters, loaded_at = now()
        """,
        (
            trial.id,
            trial.title,
            trial.programme,
            trial.technology,
            trial.timezone,
            trial.currency,
            trial.starts,
            trial.ends,
            json.dumps(asdict(trial.parameters)),
        ),
    )
    connection.execute("DELETE FROM trial_units WHERE trial_id = %s", (trial.id,))
    for place, unit in enumerate(trial.units):
        connection.execute("INSERT INTO units (name) VALUES (%s) ON CONFLICT DO NOTHING", (unit,))
        connection.execute(
            "INSERT INTO trial_units (trial_id, unit_id, place) SELECT %s, id, %s FROM units WHERE name = %s",
            (trial.id, place, unit),
        )


def _save_sites(connection: Connection[Any], package: TrialPackage) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO sites (code, site_type, unit_id) SELECT %s, %s, id FROM units WHERE name = %s"
            " ON CONFLICT (code) DO UPDATE SET site_type = excluded.site_type, unit_id = excluded.unit_id",
            [(home.home, home.site_type, home.unit) for home in package.homes],
        )
    enrolments.load(connection, package)


def _save_devices(connection: Connection[Any], package: TrialPackage) -> None:
    trial_id = package.trial.id
    codes = [device.device for device in package.devices]
    connection.execute(
        """
        DELETE FROM placements p WHERE device_id IN (
            SELECT device_id FROM trial_devices WHERE trial_id = %(trial)s
            UNION SELECT id FROM devices WHERE code = ANY (%(codes)s))
          AND (EXISTS (SELECT FROM enrolments e WHERE e.site_id = p.site_id AND e.trial_id = %(trial)s)
               OR NOT EXISTS (SELECT FROM enrolments e WHERE e.site_id = p.site_id))
        """,
        {"trial": trial_id, "codes": codes},
    )
    connection.execute("DELETE FROM trial_devices WHERE trial_id = %s", (trial_id,))
    # A device that only this package knows may have got another's address: free the addresses first.
    connection.execute(
        "UPDATE devices SET address = address || ' (before ' || now() || ')' WHERE (dialect, address) IN"
        " (SELECT * FROM unnest(%s::text[], %s::text[])) AND NOT code = ANY (%s)",
        ([d.dialect for d in package.devices], [d.address for d in package.devices], codes),
    )
    devices.write(
        connection, package.devices, [(trial_id, device.device, device.role) for device in package.devices]
    )
    placements.write(connection, (), package.placements)
