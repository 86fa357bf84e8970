"""Small homes with devices in a real database, for tests of device health: what each said, and when."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from conftest import Database
from packages import one_home

from nyttig.device_health import device_health
from nyttig.health.assess import DeviceHealth, Health
from nyttig.model import Device, Home, Placement, TrialPackage
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, events, platform, registry, rollups
from nyttig.store.events import EventRow

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PLACED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def ago(minutes: float) -> datetime:
    """That many minutes before NOW."""
    return NOW - timedelta(minutes=minutes)


def homes(
    *devices: str,
    technology: str = "climate_sensor",
    power: Literal["battery", "mains"] = "battery",
    units: Sequence[str] = ("Bydel Alna",),
) -> TrialPackage:
    """Devices named home-code (h1-a): each speaks Nyttig's own dialect every hour. Home hN is in the Nth unit, or the last."""
    package = one_home(technology)
    names = sorted({code.partition("-")[0] for code in devices})
    unit = {name: units[min(int(name[1:]), len(units)) - 1] for name in names}
    return replace(
        package,
        trial=replace(package.trial, units=tuple(dict.fromkeys(units))),
        homes=tuple(Home(name, "home", unit[name], None, None, PLACED_AT.date()) for name in names),
        devices=tuple(Device(code, technology, "nyttig", code, 60.0, power, "primary") for code in devices),
        placements=tuple(Placement(code, code.partition("-")[0], PLACED_AT) for code in devices),
    )


class Street:
    """Homes in a database, and an ingestor that has been at work at NOW."""

    def __init__(self, database: Database, connection: db.Session, package: TrialPackage) -> None:
        self.database = database
        self.connection = connection
        registry.save(connection, package, builtin_technologies())
        events.prepare(connection)
        self._ids = {known.device: known.id for known in registry.known_devices(connection)}
        self._seq = 0
        platform.started(connection, "nyttig-ingest", NOW - timedelta(days=300))
        self.beat(NOW)

    def beat(self, at: datetime, *, connected: bool = True) -> None:
        """The ingestor is at work at `at`."""
        platform.beat(self.connection, "nyttig-ingest", at, connected=connected)
        self.connection.commit()

    def says(
        self,
        device: str,
        *minutes_ago: float,
        type_: str = "health",
        value: float | None = None,
        received: float | None = None,
        behind_minutes: float = 0.0,
        seqs: Sequence[int] | None = None,
        **health: Any,
    ) -> None:
        """The device said that so many minutes before NOW; it came at once, or at `received`."""
        rows = []
        for place, minutes in enumerate(minutes_ago):
            self._seq += 1
            at = ago(minutes + behind_minutes)
            came = ago(minutes if received is None else received)
            rows.append(
                EventRow(
                    self._ids[device], at, came, at, type_, value, None, "citizen", "b1" if seqs else None,
                    seqs[place] if seqs else None, None if seqs else f"m{self._seq}", False, None,
                    json.dumps(health) if health else None, None,
                )
            )  # fmt: skip
        events.append(self.connection, rows)
        self.connection.commit()
        rollups.refresh_all(self.connection)

    def behind(self, gateway: str, *devices: str) -> None:
        """The devices have been described as speaking through that gateway."""
        for device in devices:
            self.connection.execute(
                "INSERT INTO proposals (dialect, address, gateway, first_seen_at, last_seen_at)"
                " VALUES ('nyttig', %s, %s, %s, %s)",
                (device, gateway, PLACED_AT, PLACED_AT),
            )
        self.connection.commit()

    def health(self, at: datetime = NOW, **which: Any) -> Health:
        """The health of all devices."""
        return device_health(self.connection, at, **which)

    def one(self, device: str, at: datetime = NOW) -> DeviceHealth:
        """The health of one device."""
        return next(one for one in self.health(at).devices if one.device == device)


@contextmanager
def street(database: Database, package: TrialPackage) -> Iterator[Street]:
    """Those homes in that database."""
    with db.connect(database.conninfo) as connection:
        yield Street(database, connection, package)
