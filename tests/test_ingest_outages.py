"""Broker or database away: ingest waits, says so once, loses nothing, and writes down when it was."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from conftest import Database, DatabaseServer, Mosquitto
from disk import small_disk, small_tablespace
from ingesting import (
    Ingest,
    InProcess,
    assert_exact,
    dose,
    outages,
    power,
    publish,
    quarantined,
    register,
    rows,
    stored,
    two_dialects,
    until,
)
from line import Line
from packages import one_home

from ingest.backoff import Backoff
from nyttig.embedded.postgres import EmbeddedPostgres
from nyttig.errors import StoreUnavailableError
from nyttig.store import db, migrate, platform, registry

Sent = tuple[str, bytes]


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of the test's own, to be stopped and started."""
    with (
        tempfile.TemporaryDirectory(prefix="nyttig-test-") as folder,
        EmbeddedPostgres(Path(folder)) as running,
    ):
        yield running


@pytest.fixture
def own_database(server: EmbeddedPostgres) -> Database:
    """A migrated database on it that knows two devices."""
    database = Database("embedded", server.environment())
    migrate.migrate(database.conninfo)
    register(database, two_dialects())
    return database


@pytest.fixture
def ingest(tmp_path: Path) -> Iterator[Callable[[Database, str], Ingest]]:
    """Makes ingest processes, and kills them in the end."""
    made: list[Ingest] = []

    def make(database: Database, url: str) -> Ingest:
        made.append(Ingest(database.environment, url, tmp_path))
        return made[-1]

    yield make
    for process in made:
        process.kill()


def some(start: int) -> list[Sent]:
    """A hundred messages, with numbers and without."""
    return [dose(n) if n % 2 else power(n) for n in range(start, start + 100)]


def test_a_broker_that_goes_and_comes_back_finds_ingest_again(
    embedded_database: Database, mosquitto: Mosquitto, ingest: Callable[[Database, str], Ingest]
) -> None:
    register(embedded_database, two_dialects())
    running = ingest(embedded_database, mosquitto.url)
    running.start()
    publish(mosquitto.url, some(0))
    until(lambda: stored(embedded_database) == 100)
    mosquitto.stop()
    time.sleep(1.5)
    mosquitto.start()
    running.wait_until_it_says("connected to the broker", 2)
    publish(mosquitto.url, some(100))
    until(lambda: stored(embedded_database) == 200)
    until(lambda: outages(embedded_database) == [("broker", True)])
    assert running.log().count("cannot be used") == 1
    assert "with a new session" not in running.log().partition("cannot be used")[2]
    assert_exact(embedded_database)


def test_a_broker_that_forgot_us_is_subscribed_to_anew(
    embedded_database: Database, mosquitto: Mosquitto, ingest: Callable[[Database, str], Ingest]
) -> None:
    register(embedded_database, two_dialects())
    running = ingest(embedded_database, mosquitto.url)
    running.start()
    mosquitto.kill()
    time.sleep(1.5)
    mosquitto.start()
    running.wait_until_it_says("connected to the broker, with a new session", 2)
    publish(mosquitto.url, some(0))
    until(lambda: stored(embedded_database) == 100)
    until(lambda: outages(embedded_database) == [("broker", True)])


def test_a_short_absence_of_the_broker_is_on_record_because_messages_may_be_gone(
    embedded_database: Database, mosquitto: Mosquitto
) -> None:
    with (
        Line(("127.0.0.1", mosquitto.port)) as line,
        InProcess(embedded_database, f"mqtt://127.0.0.1:{line.port}") as running,
    ):
        running.ingestor._broker_backoff = Backoff(shortest=0.01, longest=0.02)
        running.ingestor.step()
        line.cut()
        running.work_until(lambda: outages(embedded_database) == [("broker", True)])


def test_who_ends_before_it_found_the_broker_leaves_what_is_missed_on_record(
    embedded_database: Database, mosquitto: Mosquitto
) -> None:
    """Three starts; the broker is away at the second, which is ended without a chance to do anything."""
    with InProcess(embedded_database, mosquitto.url) as running:
        running.ingestor.step()
    ended_at = datetime.now(UTC)
    mosquitto.stop()
    never_there = InProcess(embedded_database, mosquitto.url)
    never_there.ingestor.start()
    never_there.ingestor.step()
    assert never_there.ingestor._store is not None
    never_there.ingestor._store.close()
    mosquitto.start()
    with InProcess(embedded_database, mosquitto.url) as again:
        again.work_until(lambda: outages(embedded_database) == [("broker", True)])
        with db.connect(embedded_database.conninfo) as connection:
            (outage,) = platform.outages(connection)
    assert outage.began_at <= ended_at
    with InProcess(embedded_database, mosquitto.url) as later:
        later.ingestor.step()
    assert outages(embedded_database) == [("broker", True)]  # known, and not missed a second time


def test_a_start_that_the_database_interrupts_waits_and_forgets_nothing(
    embedded_database: Database, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    with InProcess(embedded_database, mosquitto.url) as running:
        running.ingestor.step()
    before = datetime.now(UTC)
    known_devices, failures = registry.known_devices, [1, 2, 3]

    def interrupted(connection: db.Session) -> list[registry.KnownDevice]:
        if failures:
            failures.pop()
            raise StoreUnavailableError("no space left")
        return known_devices(connection)

    monkeypatch.setattr(registry, "known_devices", interrupted)
    again = InProcess(embedded_database, mosquitto.url)
    waits: list[float | None] = []
    monkeypatch.setattr(again.stop, "wait", waits.append)
    with again:
        assert (failures, len(waits)) == ([], 3)
        assert again.ingestor._missed is not None
        assert again.ingestor._missed.since <= before


def test_our_own_absence_loses_nothing_that_the_broker_keeps(
    embedded_database: Database, mosquitto: Mosquitto, ingest: Callable[[Database, str], Ingest]
) -> None:
    register(embedded_database, two_dialects())
    running = ingest(embedded_database, mosquitto.url)
    running.start()
    running.kill()
    publish(mosquitto.url, some(0))
    time.sleep(1.5)
    running.start()
    until(lambda: outages(embedded_database) == [("ingest", False)])
    assert stored(embedded_database) == 100


def test_a_database_that_goes_and_comes_back_gets_everything(
    server: EmbeddedPostgres, own_database: Database, mosquitto: Mosquitto,
    ingest: Callable[[Database, str], Ingest],
) -> None:  # fmt: skip
    running = ingest(own_database, mosquitto.url)
    running.start()
    publish(mosquitto.url, some(0))
    until(lambda: stored(own_database) == 100)
    server.stop()
    publish(mosquitto.url, some(100))
    running.wait_until_it_says("until it is back")
    publish(mosquitto.url, some(200))
    time.sleep(1.2)
    server.start()
    until(lambda: stored(own_database) == 300)
    until(lambda: outages(own_database) == [("database", False)])
    assert running.log().count("the database cannot be reached") == 1
    assert running.log().count("the database is back") == 1
    publish(mosquitto.url, some(300))
    until(lambda: stored(own_database) == 400)
    assert quarantined(own_database) == {}
    assert_exact(own_database)


def test_broker_and_database_gone_together_are_both_waited_for(
    server: EmbeddedPostgres, own_database: Database, mosquitto: Mosquitto,
    ingest: Callable[[Database, str], Ingest],
) -> None:  # fmt: skip
    running = ingest(own_database, mosquitto.url)
    running.start()
    server.stop()
    publish(mosquitto.url, some(0))
    running.wait_until_it_says("until it is back")
    mosquitto.stop()
    time.sleep(1.2)
    mosquitto.start()
    publish(mosquitto.url, some(100))
    time.sleep(0.5)
    server.start()
    until(lambda: stored(own_database) == 200)
    until(lambda: sorted(outages(own_database)) == [("broker", True), ("database", False)])
    assert_exact(own_database)


def test_ingest_waits_for_a_database_that_is_not_there_yet_and_can_be_ended_meanwhile(
    server: EmbeddedPostgres, own_database: Database, mosquitto: Mosquitto,
    ingest: Callable[[Database, str], Ingest],
) -> None:  # fmt: skip
    running = ingest(own_database, mosquitto.url)
    running.start()
    assert running.stop() == 0  # the broker keeps a session for us now
    server.stop()
    publish(mosquitto.url, some(0))

    running.start(until_it_says="trying again until it is back")
    assert running.stop() == 0

    running.start(until_it_says="trying again until it is back")
    server.start()
    until(lambda: stored(own_database) == 100)

    server.stop()
    publish(mosquitto.url, some(100))
    running.wait_until_it_says("holding")
    assert running.stop() == 0
    server.start()
    running.start()
    until(lambda: stored(own_database) == 200)
    assert_exact(own_database)


def test_a_long_wait_for_the_database_ends_when_ingest_is_asked_to_end(
    embedded_database: Database, mosquitto: Mosquitto
) -> None:
    with InProcess(embedded_database, mosquitto.url) as one:
        one.ingestor.step()
        asking = threading.Timer(0.3, one.stop.set)
        asking.start()
        began_at = time.monotonic()
        assert one.ingestor._hold_broker(600)
        assert time.monotonic() - began_at < 300
        asking.join()


def test_a_database_whose_disk_is_full_is_told_as_that_and_gets_everything_later(
    embedded_server: DatabaseServer, mosquitto: Mosquitto, ingest: Callable[[Database, str], Ingest]
) -> None:
    with small_tablespace(embedded_server) as disk, embedded_server.fresh_database() as database:
        if disk is None:
            pytest.skip("neither may a file system be mounted here, nor is /dev/shm a small one")
        disk.take(database)
        register(database, two_dialects())
        running = ingest(database, mosquitto.url)
        running.start()
        disk.fill()
        sent = [dose(n, note="x" * 1_000) for n in range(1_000)]
        publish(mosquitto.url, sent)
        running.wait_until_it_says("the database has no room left: ")
        assert "No space left on device; make some on its disk; holding" in running.log()
        disk.empty()
        until(lambda: stored(database) == 1_000)
        running.wait_until_it_says("the database is back")
        assert_exact(database)
        assert running.stop() == 0


def test_a_server_that_its_full_disk_ended_gets_everything_when_it_has_room(
    mosquitto: Mosquitto, ingest: Callable[[Database, str], Ingest]
) -> None:
    """All of it is on that disk: the write-ahead log finds no room, and PostgreSQL can neither go on nor recover."""
    with small_disk(Path(tempfile.gettempdir())) as disk:
        if disk is None:
            pytest.skip("no file system may be mounted here")
        with EmbeddedPostgres(disk.folder / "postgres") as server:
            database = Database("embedded", server.environment())
            migrate.migrate(database.conninfo)
            register(database, two_dialects())
            running = ingest(database, mosquitto.url)
            running.start()
            publish(mosquitto.url, some(0))
            until(lambda: stored(database) == 100)
            disk.fill()
            with contextlib.suppress(psycopg.OperationalError, StoreUnavailableError):
                while True:  # one after the other is used up, until there is no room for another
                    rows(database, "SELECT pg_logical_emit_message(false, 'test', 'full')")
                    rows(database, "SELECT pg_switch_wal()")
            publish(mosquitto.url, some(100))
            running.wait_until_it_says("holding")
            disk.empty()
            server.stop()
            server.start()
            until(lambda: stored(database) == 200)
            assert_exact(database)
            running.kill()


def test_a_connection_cut_by_the_databases_administrator_is_opened_again(
    database: Database, mosquitto: Mosquitto, ingest: Callable[[Database, str], Ingest]
) -> None:
    register(database, two_dialects())
    running = ingest(database, mosquitto.url)
    running.start()
    publish(mosquitto.url, some(0))
    until(lambda: stored(database) == 100)
    rows(database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                   " WHERE datname = current_database() AND pid <> pg_backend_pid()")  # fmt: skip
    publish(mosquitto.url, some(100))
    until(lambda: stored(database) == 200)
    until(lambda: rows(database, "SELECT count(*) FROM touched") == [(0,)])  # the rollups' connection too
    assert_exact(database)


def test_a_trial_loaded_meanwhile_is_known_within_seconds(
    embedded_database: Database, mosquitto: Mosquitto, ingest: Callable[[Database, str], Ingest]
) -> None:
    running = ingest(embedded_database, mosquitto.url)
    running.start()
    register(embedded_database, one_home("medicine_dispenser"))
    time.sleep(1.1)  # within a second of reading the registry ingest does not read it again
    publish(mosquitto.url, [dose(1)])
    until(lambda: stored(embedded_database) == 1)
    assert quarantined(embedded_database) == {}


def test_an_ingestor_that_another_one_replaced_commits_nothing_more(embedded_database: Database) -> None:
    register(embedded_database, one_home("medicine_dispenser"))
    with db.connect(embedded_database.conninfo) as connection:
        (then, now), = rows(embedded_database, "SELECT now() - interval '1 minute', now()")  # fmt: skip

        def count_as_of(started_at: datetime) -> bool:
            return platform.count(
                connection, "one", now, events=1, duplicates=0, quarantined=0, retained=0, messages=1,
                started_at=started_at,
            )  # fmt: skip

        assert platform.started(connection, "one", then) is None
        assert count_as_of(then)
        assert platform.started(connection, "one", now) == (now, "ingest")
        assert not count_as_of(then)
        assert not platform.beat(connection, "one", now, connected=True, started_at=then)
        assert platform.beat(connection, "one", now, connected=True, started_at=now)
        (ingestor,) = platform.ingestors(connection)
    assert (ingestor.events_total, ingestor.started_at, ingestor.connected) == (1, now, True)
