"""`nyttig ingest` as a process of its own, and what its tests send and look at."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from conftest import Database
from packages import one_home

from ingest.run import Ingestor
from nyttig.device_health import device_health
from nyttig.health.assess import DeviceHealth
from nyttig.model import Device, TrialPackage
from nyttig.package.technologies import builtin_technologies
from nyttig.settings import Settings
from nyttig.store import db, ledger, platform, registry, rollups
from simulators.publish import Publisher

Sent = tuple[str, bytes]
"""Topic and payload."""

PATIENCE_SECONDS = 120.0
"""What is a matter of a moment may take so long on a machine that is busy with something else."""


class Ingest:
    """The process, from `start` to `stop` or `kill`, on that database and broker."""

    def __init__(
        self, environment: Mapping[str, str], url: str, folder: Path, client_id: str = "nyttig-ingest"
    ) -> None:
        self._environment = {
            "PATH": os.defpath, "NYTTIG_MQTT_URL": url, "NYTTIG_MQTT_CLIENT_ID": client_id, **environment,
        }  # fmt: skip
        self._log = folder / f"ingest-{id(self)}.log"
        self._log.touch()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, until_it_says: str = "connected to the broker") -> None:
        """It runs and has said so."""
        said_before = self.log().count(until_it_says)
        with self._log.open("a") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "nyttig.cli", "ingest"],
                env=self._environment, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.wait_until_it_says(until_it_says, said_before + 1)

    def wait_until_it_says(self, text: str, times: int = 1) -> None:
        """The log holds `text` that often."""
        assert self._process is not None
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.log().count(text) < times:
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.02)

    def log(self) -> str:
        """What it has said."""
        return self._log.read_text()

    def wait(self) -> int:
        """Its exit code, once it has ended by itself."""
        assert self._process is not None
        return self._process.wait(PATIENCE_SECONDS)

    def stop(self) -> int:
        """It was asked to end; its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self.wait()

    def kill(self) -> None:
        """It was ended without a chance to do anything."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(PATIENCE_SECONDS)


def two_dialects(homes: int = 1) -> TrialPackage:
    """Homes h1, h2, ... with a device of Nyttig's own (d1, ...) and one behind Zigbee2MQTT (z1, ...) each."""
    package = one_home("medicine_dispenser", homes=homes)
    behind = [
        Device(
            f"z{n}", "medicine_dispenser", "zigbee2mqtt", f"zigbee2mqtt/z{n}", 60.0, "battery", "secondary"
        )
        for n in range(1, homes + 1)
    ]
    placed = [
        replace(place, device=device.device) for place, device in zip(package.placements, behind, strict=True)
    ]
    own = [replace(device, power="battery") for device in package.devices]
    return replace(package, devices=(*own, *behind), placements=(*package.placements, *placed))


def register(database: Database, package: TrialPackage) -> None:
    """The registry knows the package."""
    with db.connect(database.conninfo) as connection:
        registry.save(connection, package, builtin_technologies())
        connection.commit()


def dose(seq: int, device: str = "d1", boot_id: str = "b1", **fields: Any) -> Sent:
    """One event of Nyttig's own, now."""
    content = {
        "event_time": datetime.now(UTC).isoformat(),
        "boot_id": boot_id,
        "seq": seq,
        "type": "dose_taken",
    }
    return f"wt/v1/alna/h1/{device}/event", orjson.dumps(content | fields)


def power(watts: float, device: str = "z1") -> Sent:
    """A message of Zigbee2MQTT without `last_seen`: nothing in it tells it from another."""
    return f"zigbee2mqtt/{device}", orjson.dumps({"power": watts})


def publish(url: str, messages: Iterable[Sent], *, client_id: str = "devices", retain: bool = False) -> None:
    """The broker has acknowledged all of them."""
    with Publisher(Settings(mqtt_url=url).broker(), client_id) as publisher:
        for topic, payload in messages:
            publisher.publish(topic, payload, retain=retain)


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    """What the query answers."""
    with db.connect(database.conninfo) as connection:
        return connection.execute(query).fetchall()


def stored(database: Database) -> int:
    """How many events there are."""
    return int(rows(database, "SELECT count(*) FROM events")[0][0])


def quarantined(database: Database) -> dict[str, int]:
    """How many messages wait in quarantine, by reason."""
    return dict(
        rows(
            database,
            "SELECT reason, sum(messages_total)::int FROM quarantine WHERE replayed_at IS NULL GROUP BY 1",
        )
    )


def device_of(database: Database, code: str) -> DeviceHealth:
    """The device as it is now."""
    with db.connect(database.conninfo) as connection:
        (device,) = (
            one for one in device_health(connection, datetime.now(UTC)).devices if one.device == code
        )
    return device


def outages(database: Database) -> list[tuple[str, bool]]:
    """Cause of each outage on record, and whether messages may be gone."""
    with db.connect(database.conninfo) as connection:
        return [(outage.cause, outage.lossy) for outage in platform.outages(connection)]


def until(happened: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """It has happened."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def assert_exact(database: Database) -> None:
    """Rollups and ledger say what the events say."""
    with db.connect(database.conninfo) as connection:
        rollups.refresh_all(connection)
        assert rollups.differences(connection) == []
        assert ledger.differences(connection) == []


class InProcess:
    """An ingestor in the test's own process, to be interrupted at a chosen point."""

    def __init__(self, database: Database, url: str, client_id: str = "nyttig-ingest") -> None:
        self.stop = threading.Event()
        self.ingestor = Ingestor(
            Settings(mqtt_url=url, mqtt_client_id=client_id), self.stop, database.conninfo
        )

    def __enter__(self) -> InProcess:
        self.ingestor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ingestor.close()

    def work_until(self, happened: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """It has taken messages until that has happened."""
        deadline = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < deadline, "did not happen in time"
            self.ingestor.step()
