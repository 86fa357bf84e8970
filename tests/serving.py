"""The API as it really runs, on a free port of loopback, and trials for it to tell about."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from conftest import PROJECT, Database

from api.app import create_app
from nyttig.model import TrialPackage
from nyttig.package.read import read
from nyttig.package.resize import resize
from nyttig.package.shift import shift
from nyttig.package.technologies import builtin_technologies
from nyttig.package.write import write
from nyttig.store import canaries, db, events, platform, quarantine, registry, rollups
from nyttig.store.canaries import Canary
from nyttig.store.events import EventRow

ALNA, GAMLE_OSLO, ODENSE = "alna-medisindispenser", "gamle-oslo-komfyrvakt", "odense-vaske-toerre-toilet"
TRIALS = (ALNA, GAMLE_OSLO, ODENSE)
HISTORY_DAYS = 14
SILENT_DAYS = 3
USE_OF = {"medicine_dispenser": "dose_taken", "stove_guard": "stove_on", "wash_dry_toilet": "wash_cycle"}


@contextmanager
def serving(
    conninfo: str, overrides: dict[Callable[..., Any], Callable[..., Any]] | None = None
) -> Iterator[httpx.Client]:
    """A client of an API that serves this database."""
    app = create_app(conninfo)
    app.dependency_overrides = overrides or {}
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run, name="api")
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the API did not start"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


def example(name: str, *, homes: int = 2, today: date | None = None) -> TrialPackage:
    """An example trial with a few homes, moved so that it began a good five weeks ago."""
    package = resize(read(PROJECT / "examples" / name, builtin_technologies()), homes)
    wanted = (today or datetime.now(UTC).date()) - timedelta(days=38)
    return shift(package, 7 * ((wanted - package.trial.starts).days // 7))


def fill(database: Database) -> None:
    """Three trials with two homes each and two weeks of events up to now; Alna's second home has been silent for
    three days, and of the stove guard's homes nothing was ever heard. An ingestor is at work."""
    with db.connect(database.conninfo) as connection:
        for name in TRIALS:
            registry.save(connection, example(name), builtin_technologies())
        connection.commit()
        ids = {known.device: known.id for known in registry.known_devices(connection)}
        events.prepare(connection)
        now = datetime.now(UTC)
        events.append(connection, list(_events(ids, now)))
        platform.started(connection, "nyttig-ingest", now - timedelta(days=30))
        platform.count(
            connection, "nyttig-ingest", now, events=1, duplicates=0, quarantined=0, retained=0, messages=1
        )
        connection.commit()
        rollups.refresh_all(connection)


def beat(database: Database, *, seconds_ago: float = 0.0, connected: bool = True) -> None:
    """The ingestor last gave a sign of life so long ago."""
    at = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    with db.connect(database.conninfo) as connection:
        platform.beat(connection, "nyttig-ingest", at, connected=connected)


def canary(database: Database, *, seconds_ago: float, latency_seconds: float = 0.25) -> None:
    """One more canary has come through that was sent so long ago."""
    sent_at = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    committed_at = sent_at + timedelta(seconds=latency_seconds)
    with db.connect(database.conninfo) as connection:
        canaries.record(connection, [Canary("nyttig-ingest", sent_at, sent_at)], committed_at)


def quarantined(database: Database, *reasons: str) -> None:
    """One message a reason waits in quarantine."""
    now = datetime.now(UTC)
    with db.connect(database.conninfo) as connection:
        quarantine.add(
            connection,
            [
                quarantine.Quarantined(
                    reason, f"told by {reason}", "nyttig", f"wt/v1/a/b/{n}/event", b"\xff{", now
                )
                for n, reason in enumerate(reasons)
            ],
        )


def _events(ids: dict[str, int], now: datetime) -> Iterator[EventRow]:
    chance = random.Random(1905)
    for name in (ALNA, ODENSE):
        package = example(name)
        homes = [home.home for home in package.homes]
        where = {placement.device: placement.home for placement in package.placements}
        for device in package.devices:
            silent = name == ALNA and where[device.device] == homes[1]
            until = now - timedelta(days=SILENT_DAYS if silent else 0)
            at, seq = now - timedelta(days=HISTORY_DAYS), 0
            while (at := at + timedelta(minutes=40 + 20 * chance.random())) < until:
                use = USE_OF.get(device.technology) if chance.random() < 0.08 else None
                origin = "citizen" if chance.random() < 0.7 else "staff"
                health = None if use else json.dumps({"battery_pct": 71.0, "rssi_dbm": -60})
                seq += 1
                yield EventRow(
                    ids[device.device], at, at, at, use or "health", 1.0 if use else None, None, origin,
                    "b1", seq, None, False, None, health, None,
                )  # fmt: skip


def broken_package(folder: Path) -> Path:
    """A trial package with three faults in three files."""
    write(example(ALNA, homes=1, today=date(2026, 11, 22)), folder)
    (folder / "datapackage.json").unlink()  # else it would be the first to object
    for file, right, wrong in (
        ("homes", ",home,", ",hotel,"),
        ("devices", "mains", "steam"),
        ("visits", "alna-003", "alna-999"),
    ):
        table = (folder / f"{file}.csv").read_text()
        assert right in table
        (folder / f"{file}.csv").write_text(table.replace(right, wrong, 1))
    return folder


def take_everything_back(api: httpx.Client) -> None:
    """Nothing is left of what was entered in the trial `trial`."""
    for entry in api.get("/v1/trials/trial/entries").json()["entries"]:
        api.post(
            f"/v1/entries/{entry['entry']}/withdraw", params={"version": entry["version"]}
        ).raise_for_status()
