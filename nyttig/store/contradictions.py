"""What a trial package may not say because another trial that is already there says otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from psycopg import Connection

from nyttig.errors import PackageError, Problem
from nyttig.model import TrialPackage


def refuse(connection: Connection[Any], package: TrialPackage) -> None:
    """Nothing in the package contradicts another trial; raises PackageError with every contradiction."""
    problems = []
    homes = {home.home: home for home in package.homes}
    for code, site_type, unit in connection.execute(
        "SELECT s.code, s.site_type, u.name FROM sites s JOIN units u ON u.id = s.unit_id"
        " WHERE s.code = ANY (%s) AND EXISTS (SELECT FROM enrolments e WHERE e.site_id = s.id AND e.trial_id <> %s)",
        (list(homes), package.trial.id),
    ).fetchall():
        if (homes[code].site_type, homes[code].unit) != (site_type, unit):
            problems.append(
                Problem("homes.csv", None, "home", code, f"another trial has this code as a {site_type} in {unit!r}; "
                        "give the home another code, or make the two agree")
            )  # fmt: skip
    devices = {device.device: device for device in package.devices}
    addresses = {(device.dialect, device.address): device.device for device in package.devices}
    for code, technology, dialect, address in connection.execute(
        """
        SELECT d.code, d.technology_id, d.dialect, d.address FROM devices d
        WHERE (d.code = ANY (%(codes)s)
               OR (d.dialect, d.address) IN (SELECT * FROM unnest(%(dialects)s::text[], %(addresses)s::text[])))
          AND EXISTS (SELECT FROM trial_devices t WHERE t.device_id = d.id AND t.trial_id <> %(trial)s)
        """,
        {
            "codes": list(devices),
            "dialects": [dialect for dialect, _ in addresses],
            "addresses": [address for _, address in addresses],
            "trial": package.trial.id,
        },
    ).fetchall():
        mine = devices.get(code)
        if mine is None:
            problems.append(
                Problem("devices.csv", None, "address", address, f"device {code!r} of another trial has this address; "
                        "an address belongs to one device")
            )  # fmt: skip
        elif (mine.technology, mine.dialect, mine.address) != (technology, dialect, address):
            problems.append(
                Problem("devices.csv", None, "device", code, f"another trial has this device as a {technology} at "
                        f"{dialect} address {address!r}; make the two agree, or give the device another code")
            )  # fmt: skip
    problems += _elsewhere(connection, package)
    if problems:
        raise PackageError(problems)


def _elsewhere(connection: Connection[Any], package: TrialPackage) -> Iterator[Problem]:
    """Placements of a device that stands in a home of another trial alone at that time."""
    homes = [home.home for home in package.homes]
    others: dict[str, list[tuple[str, datetime, datetime | None]]] = {}
    for device, *placed in connection.execute(
        """
        SELECT d.code, s.code, p.placed_at, p.removed_at FROM placements p
        JOIN devices d ON d.id = p.device_id JOIN sites s ON s.id = p.site_id
        WHERE d.code = ANY (%(devices)s) AND NOT s.code = ANY (%(homes)s)
          AND EXISTS (SELECT FROM enrolments e WHERE e.site_id = s.id AND e.trial_id <> %(trial)s)
          AND NOT EXISTS (SELECT FROM enrolments e WHERE e.site_id = s.id AND e.trial_id = %(trial)s)
        """,
        {"devices": [each.device for each in package.devices], "homes": homes, "trial": package.trial.id},
    ).fetchall():
        others.setdefault(device, []).append((placed[0], placed[1], placed[2]))
    for placement in package.placements:
        for home, placed_at, removed_at in others.get(placement.device, ()):
            if (removed_at is None or removed_at > placement.placed_at) and (
                placement.removed_at is None or placement.removed_at > placed_at
            ):
                until = "now" if removed_at is None else removed_at.isoformat()
                remedy = (
                    f"{placement.device} stands at {home} of another trial from {placed_at.isoformat()} to {until}; "
                    "a device is in one place at a time: end the one placement before the other begins"
                )
                yield Problem("placements.csv", None, "placed_at", placement.placed_at.isoformat(), remedy)
