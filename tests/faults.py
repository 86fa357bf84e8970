"""What goes wrong in a round: each fault is there while its context lasts, and mended when it ends."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from conftest import START_SECONDS_MAX
from ingesting import until

from nyttig.store import db

if TYPE_CHECKING:
    from rounds import Stage
    from traffic import Traffic

NO_ROOM = "No space left on device"
DISK_FULL_SECONDS_MAX = 60
"""How long ingest may take to use up what is left."""

Fault = Callable[["Stage", "Traffic", random.Random], AbstractContextManager[None]]


def _pause(rng: random.Random, longest: float) -> None:
    time.sleep(rng.uniform(0, longest))


@contextlib.contextmanager
def ingest_killed(stage: Stage, traffic: Traffic, rng: random.Random) -> Iterator[None]:
    """kill -9 at any moment."""
    stage.ingest.kill()
    yield
    stage.start_ingest()


@contextlib.contextmanager
def ingest_restarted(stage: Stage, traffic: Traffic, rng: random.Random) -> Iterator[None]:
    """SIGTERM, and started again."""
    code = stage.ingest.stop()
    assert code == 0, f"ingest ended with {code}:\n{stage.ingest.log()}"
    yield
    stage.start_ingest()


@contextlib.contextmanager
def ingest_killed_after_commit(stage: Stage, traffic: Traffic, rng: random.Random) -> Iterator[None]:
    """kill -9 between COMMIT and PUBACK, for certain: no acknowledgement gets out while commits go on."""
    stage.to_broker.silence("up")
    before = stage.committed()
    until(lambda: stage.committed() > before)
    _pause(rng, 0.1)
    stage.ingest.kill()
    stage.to_broker.cut()
    stage.to_broker.resume()
    yield
    stage.start_ingest()


@contextlib.contextmanager
def ingest_twice(stage: Stage, traffic: Traffic, rng: random.Random) -> Iterator[None]:
    """A second ingestor under the same client id; the first one is to end by itself."""
    stage.replaced.append(stage.ingest)
    stage.ingest = stage.new_ingest()
    stage.start_ingest()
    yield


@contextlib.contextmanager
def broker_restarted(stage: Stage, traffic: Traffic, rng: random.Random) -> Iterator[None]:
    """Stopped in order and started again."""
    with traffic.nameless_at_rest():
        stage.broker.stop()
        yield
        stage.broker.start()


@contextlib.contextmanager
def broker_killed(stage: Stage, traffic: Traffic, rng: random.Random) -> Iterator[None]:
    """kill -9, and started again with what it saved last."""
    with traffic.nameless_at_rest():
        stage.broker.kill()
        yield
        stage.broker.start()


@contextlib.contextmanager
def broker_cut(stage: Stage, traffic: Traffic, rng: random.Random) -> Iterator[None]:
    """The connection to the broker is cut, and cut again."""
    stage.to_broker.cut()
    yield
    stage.to_broker.cut()


@contextlib.contextmanager
def broker_black_hole(stage: Stage, traffic: Traffic, rng: random.Random) -> Iterator[None]:
    """Nothing gets through, or only one way; then it goes on, or the connection is gone."""
    stage.to_broker.silence(*rng.choice((("up",), ("down",), ("up", "down"))))
    yield
    if rng.random() < 0.7:
        stage.to_broker.cut()
    stage.to_broker.resume()


@contextlib.contextmanager
def database_cut(stage: Stage, traffic: Traffic, rng: random.Random) -> Iterator[None]:
    """The connections to the database are cut, and cut again."""
    stage.to_database.cut()
    yield
    stage.to_database.cut()


@contextlib.contextmanager
def database_black_hole(stage: Stage, traffic: Traffic, rng: random.Random) -> Iterator[None]:
    """As with the broker."""
    stage.to_database.silence(*rng.choice((("up",), ("down",), ("up", "down"))))
    yield
    if rng.random() < 0.7:
        stage.to_database.cut()
    stage.to_database.resume()


@contextlib.contextmanager
def commit_in_doubt(stage: Stage, traffic: Traffic, rng: random.Random) -> Iterator[None]:
    """The database committed, for certain, and its answer is lost; most often the broker's connection with it."""
    stage.to_database.lose_answer(b"COPY staged", b"COMMIT")
    assert stage.to_database.answer_lost.wait(60), "nobody committed"
    time.sleep(0.05)  # now the commit stands
    if rng.random() < 0.7:
        stage.to_broker.cut()
    stage.to_database.cut()
    stage.to_database.resume()
    yield


@contextlib.contextmanager
def backend_terminated(stage: Stage, traffic: Traffic, rng: random.Random) -> Iterator[None]:
    """pg_terminate_backend in the middle of a batch."""
    with _in_mid_batch(stage) as (connection, backend):
        connection.execute("SELECT pg_terminate_backend(%s)", (backend,))
    yield


@contextlib.contextmanager
def database_crashed(stage: Stage, traffic: Traffic, rng: random.Random) -> Iterator[None]:
    """kill -9 of a backend in the middle of a batch: PostgreSQL throws all out and recovers from its log."""
    with contextlib.suppress(psycopg.OperationalError), _in_mid_batch(stage) as (_, backend):
        os.kill(backend, signal.SIGKILL)
    yield


@contextlib.contextmanager
def database_restarted(stage: Stage, traffic: Traffic, rng: random.Random) -> Iterator[None]:
    """Stopped in order and started again."""
    assert stage.postgres is not None
    stage.postgres.stop()
    yield
    stage.postgres.start()


@contextlib.contextmanager
def database_killed(stage: Stage, traffic: Traffic, rng: random.Random) -> Iterator[None]:
    """kill -9 of PostgreSQL's first process and of all its children."""
    postgres = stage.postgres
    assert postgres is not None
    first = int((postgres.data / "postmaster.pid").read_text().split()[0])
    children = [int(pid) for pid in Path(f"/proc/{first}/task/{first}/children").read_text().split()]
    for pid in (first, *children):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    until(lambda: not any(_lives(pid) for pid in (first, *children)), START_SECONDS_MAX)
    postgres.stop()  # which notes that there is nothing to stop
    yield
    postgres.start()


@contextlib.contextmanager
def disk_full(stage: Stage, traffic: Traffic, rng: random.Random) -> Iterator[None]:
    """The disk that the database lives on is full, to the last byte; a batch has met it."""
    if stage.disk is None:
        with _disk_said_to_be_full(stage):
            yield
        return
    met_before = stage.ingest.log().count(NO_ROOM)
    stage.disk.fill(spare_bytes=rng.randrange(256 * 1024))  # so that it is met now here, now there
    try:
        until(lambda: stage.ingest.log().count(NO_ROOM) > met_before, DISK_FULL_SECONDS_MAX)
        stage.disk.fill()
        yield
    finally:
        stage.disk.empty()


@contextlib.contextmanager
def _disk_said_to_be_full(stage: Stage) -> Iterator[None]:
    """PostgreSQL answers each batch as it does on a full disk (SQLSTATE 53100), from a trigger."""
    with db.connect(stage.database.conninfo) as connection:
        connection.execute(
            """
            CREATE OR REPLACE FUNCTION no_space_left() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$
            """
        )
        connection.execute(
            "CREATE TRIGGER no_space_left BEFORE INSERT ON ledger EXECUTE FUNCTION no_space_left()"
        )
    yield
    with db.connect(stage.database.conninfo) as connection:
        connection.execute("DROP TRIGGER no_space_left ON ledger")


@contextlib.contextmanager
def _in_mid_batch(stage: Stage) -> Iterator[tuple[db.Session, int]]:
    """Inside it, the backend with that process id has taken a batch and not stored it yet."""
    with db.connect(stage.database.conninfo) as connection:
        connection.execute("LOCK TABLE ledger IN EXCLUSIVE MODE")
        held: list[Any] = []

        def holds() -> bool:
            held[:] = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ).fetchall()
            return bool(held)

        until(holds)
        yield connection, held[0][0]


def _lives(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


ON_ANY_SERVER: dict[str, Fault] = {
    "ingest kill -9": ingest_killed,
    "ingest restart": ingest_restarted,
    "ingest kill -9 after COMMIT": ingest_killed_after_commit,
    "ingest twice": ingest_twice,
    "broker restart": broker_restarted,
    "broker cut": broker_cut,
    "broker black hole": broker_black_hole,
    "database cut": database_cut,
    "database black hole": database_black_hole,
    "COMMIT in doubt": commit_in_doubt,
    "backend terminated": backend_terminated,
    "database crash": database_crashed,
    "disk full": disk_full,
}
ON_OUR_SERVER: dict[str, Fault] = {
    "database restart": database_restarted,
    "database kill -9": database_killed,
}
"""Those that stop the whole server, which must then be one of the test's own."""
LOSSY: dict[str, Fault] = {"broker kill -9": broker_killed}
"""Those in which the broker forgets what it took."""
IN_GOOD_ORDER = {
    "ingest kill -9 after COMMIT", "COMMIT in doubt", "backend terminated", "database crash", "disk full",
}  # fmt: skip
"""Those that need a working platform to strike; in a pair they come first."""
EVERY = ON_ANY_SERVER | ON_OUR_SERVER | LOSSY
