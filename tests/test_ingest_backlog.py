"""A backlog drains in bounded memory: what waits stays with the broker until there is somewhere to put it."""

from __future__ import annotations

import time
from pathlib import Path

from conftest import Database, DatabaseServer, Mosquitto
from ingesting import Ingest, dose, publish, register, stored, until
from packages import one_home
from psycopg import sql

from ingest.mqtt import BATCH_BYTES_MAX, Subscriber
from nyttig.settings import Broker

GROWTH_MB_MAX = 60.0
"""Several times what ingest takes from the broker at once, and a fraction of the backlogs here."""


class WeighedIngest(Ingest):
    """`nyttig ingest`, and how much memory it took."""

    def peak_mb(self) -> float:
        """The most it has held since it started (VmHWM)."""
        assert self._process is not None
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise AssertionError("no VmHWM")


def backlog_waits(
    database: Database, broker: Mosquitto, ingest: WeighedIngest, messages: int, payload_bytes: int
) -> float:
    """It waits for an ingestor that is not running; returns what that one held with nothing to do, in MB."""
    register(database, one_home("medicine_dispenser"))
    ingest.start()
    idle_mb = ingest.peak_mb()
    ingest.stop()
    note = "n" * payload_bytes
    publish(broker.url, (dose(seq, note=note) for seq in range(messages)))
    assert messages * payload_bytes / 1e6 / 2 > GROWTH_MB_MAX, "no backlog to speak of"
    return idle_mb


def test_the_broker_keeps_a_backlog_while_the_database_is_away_and_it_drains_within_bounds(
    embedded_server: DatabaseServer, embedded_database: Database, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    messages = 30_000
    name = embedded_database.environment["PGDATABASE"]
    ingest = WeighedIngest(embedded_database.environment, mosquitto.url, tmp_path)
    try:
        idle_mb = backlog_waits(embedded_database, mosquitto, ingest, messages, 4096)
        ingest.start()
        embedded_server.run(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        embedded_server.run(
            sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}").format(
                sql.Literal(name)
            )
        )
        until(lambda: "the database cannot be reached" in ingest.log())
        time.sleep(3)
        away_mb = ingest.peak_mb()
        embedded_server.run(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(name)))
        until(lambda: stored(embedded_database) == messages, seconds=180)
        assert away_mb - idle_mb < GROWTH_MB_MAX
        assert ingest.peak_mb() - idle_mb < GROWTH_MB_MAX
    finally:
        ingest.kill()


def test_a_backlog_of_large_messages_drains_within_bounds(
    embedded_database: Database, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    messages = 3_000
    ingest = WeighedIngest(embedded_database.environment, mosquitto.url, tmp_path)
    try:
        idle_mb = backlog_waits(embedded_database, mosquitto, ingest, messages, 64 * 1024)
        ingest.start()
        until(lambda: stored(embedded_database) == messages, seconds=180)
        assert ingest.peak_mb() - idle_mb < GROWTH_MB_MAX
    finally:
        ingest.kill()


def test_a_batch_of_large_messages_holds_few_of_them_and_none_is_left_behind(mosquitto: Mosquitto) -> None:
    limit = 6_000
    subscriber = Subscriber(Broker.from_url(mosquitto.url), "heavy", ["wt/v1/#"], 2 * limit)
    sizes = [1_000_000] * 12 + [3 * BATCH_BYTES_MAX] + [400_000] * 12 + [10] * 3_000
    subscriber.connect()
    subscriber.close()  # the broker keeps what comes now
    publish(mosquitto.url, ((f"wt/v1/alna/h1/d1/{n}", b"n" * size) for n, size in enumerate(sizes)))
    subscriber.connect()
    try:
        came: list[str] = []
        deadline = time.monotonic() + 60
        while len(came) < len(sizes) and time.monotonic() < deadline:
            batch = subscriber.collect(limit, 0.5)
            assert len(batch) <= 1 or sum(len(item.message.payload) for item in batch) <= BATCH_BYTES_MAX
            subscriber.waiting()  # reads ahead while a batch is committed
            subscriber.acknowledge(batch)
            came += [item.message.topic for item in batch]
        assert came == [f"wt/v1/alna/h1/d1/{n}" for n in range(len(sizes))]
    finally:
        subscriber.close()
