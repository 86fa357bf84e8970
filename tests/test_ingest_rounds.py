"""Whatever breaks while messages flow, each is stored once: seeded rounds of faults, see docs/ingest-faults.md.

`make soak ROUNDS=500 SEED=7` plays as many as asked; a failing round names its plan and how to play it alone.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from conftest import Database, DatabaseServer, Mosquitto
from disk import small_tablespace
from ingesting import InProcess, assert_exact, dose, power, publish, register, rows, stored, two_dialects
from line import Line
from psycopg import sql
from rounds import Plan, Result, Stage, draw, play, table

from nyttig.embedded.postgres import EmbeddedPostgres

ROUNDS = int(os.environ.get("ROUNDS", "24"))
SEED = int(os.environ.get("SEED", "20261122"))
ROUND = os.environ.get("ROUND")
"""The number of one round to be played alone."""
ROUNDS_PER_STAGE = 32

Servers = tuple[DatabaseServer, EmbeddedPostgres | None]


@pytest.fixture
def own_server() -> Iterator[Servers]:
    """A PostgreSQL that the rounds may stop and kill."""
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > 4 * 2**30
    temporary = tempfile.TemporaryDirectory(prefix="nyttig-test-", dir=memory if has_room else None)
    with temporary as folder, EmbeddedPostgres(Path(folder)) as running:
        server = DatabaseServer("embedded", running.environment())
        # What is killed are processes, not the machine: what they wrote, the disk gets.
        server.run(sql.SQL("ALTER SYSTEM SET fsync = off"))
        server.run(sql.SQL("SELECT pg_reload_conf()"))
        yield server, running


@pytest.fixture
def theirs(timescale_server: DatabaseServer) -> Servers:
    """TimescaleDB, which other tests use too."""
    return timescale_server, None


@pytest.mark.parametrize(
    ("kind", "share"), [("own_server", 2 / 3), ("theirs", 1 / 3)], ids=["embedded", "timescale"]
)
def test_every_message_is_stored_once_whatever_breaks(
    kind: str, share: float, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server, postgres = request.getfixturevalue(kind)
    numbers = [int(ROUND)] if ROUND else list(range(round(ROUNDS * share)))
    results: list[Result] = []
    try:
        for first in range(0, len(numbers), ROUNDS_PER_STAGE):
            folder = tmp_path / f"stage-{first}"
            folder.mkdir()
            with small_tablespace(server) as disk, server.fresh_database() as database:
                if disk is not None:
                    disk.take(database)
                elif first == 0:
                    print("no small disk on this machine: a full one is a trigger's word for it")  # noqa: T201  as below
                with Stage(database, folder, postgres, disk) as stage:
                    for number in numbers[first : first + ROUNDS_PER_STAGE]:
                        plan = draw(SEED, number, own_server=postgres is not None)
                        results.append(_played(stage, plan))
                        print(results[-1], flush=True)  # noqa: T201  shown with -s, and when it fails
    finally:
        print("\n".join(["", *table(results)]), flush=True)  # noqa: T201  as above


def _played(stage: Stage, plan: Plan) -> Result:
    try:
        return play(stage, plan)
    except BaseException as error:
        alone = f'make soak SEED={SEED} ROUND={plan.number} ARGS="-k {stage.database.kind}"'
        error.add_note(f"{plan!r}\nAlone: {alone}\n{stage.ingest.log()[-3000:]}")
        raise


def test_a_batch_whose_commit_nobody_heard_of_comes_again_among_others_and_counts_once(
    embedded_database: Database, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database commits and is lost before it says so; the broker is lost at the same moment."""
    register(embedded_database, two_dialects())
    with (
        Line(("127.0.0.1", mosquitto.port)) as line,
        InProcess(embedded_database, f"mqtt://127.0.0.1:{line.port}") as one,
    ):
        one.ingestor.step()
        session = one.ingestor._connection
        commit = session.commit

        def commit_unheard() -> None:
            commit()
            if stored(embedded_database) and not session.closed:
                line.cut()
                publish(mosquitto.url, [power(1), power(1), power(4), dose(1)])
                session.close()
                raise psycopg.OperationalError("the connection was lost")

        monkeypatch.setattr(session, "commit", commit_unheard)
        publish(mosquitto.url, [power(n % 3) for n in range(30)])
        one.work_until(lambda: stored(embedded_database) >= 34)
        one.ingestor.step()
        one.ingestor.step()
    values = rows(
        embedded_database, "SELECT value, count(*) FROM events WHERE seq IS NULL GROUP BY 1 ORDER BY 1"
    )
    assert values == [(0.0, 10), (1.0, 12), (2.0, 10), (4.0, 1)]
    assert stored(embedded_database) == 34
    assert_exact(embedded_database)
