"""The whole way for tests: messages through a real broker and the real ingest into a real database."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
from conftest import Database, Mosquitto, free_port

from ingest.run import run
from nyttig.report import Report
from nyttig.settings import Settings
from nyttig.store import db, rollups
from simulators.publish import Publisher

SETTLE_SECONDS_MAX = 180
LAST_WORD = "wt/v1/nowhere/nobody/last-word/event"


@contextlib.contextmanager
def running_mosquitto() -> Iterator[Mosquitto]:
    """A Mosquitto for a whole module's tests."""
    with tempfile.TemporaryDirectory(prefix="nyttig-test-") as folder:
        broker = Mosquitto(Path(folder), free_port())
        broker.start()
        try:
            yield broker
        finally:
            broker.kill()


@contextlib.contextmanager
def ingesting(database: Database, url: str) -> Iterator[Callable[[], None]]:
    """An ingestor is at work. What is yielded waits until all that was published before it stands in the store."""
    settings, stop = Settings(mqtt_url=url), threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            run(settings, stop, database.conninfo)
        except BaseException as error:  # noqa: BLE001  a test fails on whatever ended the ingestor
            failures.append(error)

    ingestor = threading.Thread(target=work, name="ingest")
    numbers = itertools.count()

    def settle() -> None:
        # Messages are committed in order: when the last is in quarantine, those before it are where they belong.
        word = b"%d is nobody's event" % next(numbers)
        with Publisher(settings.broker(), "nyttig-test-last-word") as publisher:
            publisher.publish(LAST_WORD, word)
        until("DELETE FROM quarantine WHERE payload = %s RETURNING 1", word)
        with db.connect(database.conninfo) as connection:
            rollups.refresh_all(connection)

    def until(query: str, *values: object) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        with db.connect(database.conninfo, autocommit=True) as connection:
            while connection.execute(query.encode(), values).fetchone() is None:
                assert not failures, failures
                assert time.monotonic() < deadline, "the ingestor is not done"
                time.sleep(0.05)

    ingestor.start()
    try:
        until("SELECT 1 FROM ingestors WHERE connected")
        yield settle
    finally:
        stop.set()
        ingestor.join()
    assert not failures, failures


def digits(made: Report) -> bytes:
    """The report to its last digit."""
    return orjson.dumps(made)
