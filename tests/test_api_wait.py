"""The HTTP door while something behind it is away: it says so at once, in words, and is back when that is back."""

from __future__ import annotations

import contextlib
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from conftest import START_SECONDS_MAX, Database, free_port
from serving import TRIALS, beat, canary, fill, serving

from nyttig.embedded.postgres import EmbeddedPostgres
from nyttig.errors import StaleSchemaError
from nyttig.store import db, migrate, platform

ANSWERS_WITHIN_SECONDS = 4.5
DATA = ("/v1/trials", f"/v1/trials/{TRIALS[0]}/report", "/v1/devices", "/v1/demo-sites", "/v1/quarantine")


@pytest.fixture(autouse=True)
def _quiet_pool() -> Iterator[None]:
    """As the command line has it: the API says itself that the database is away."""
    logger = logging.getLogger("psycopg.pool")
    level = logger.level
    logger.setLevel(logging.ERROR)
    yield
    logger.setLevel(level)


def ready(client: httpx.Client) -> tuple[int, str | None]:
    response = client.get("/v1/health/ready")
    reason: str | None = response.json()["reason"]
    assert response.json()["status"] == ("ready" if response.status_code == 200 else "not_ready")
    return response.status_code, reason


def test_the_api_starts_before_its_database_and_outlives_it(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres")
    server.start()
    try:
        environment = server.environment()
        conninfo = f"host={environment['PGHOST']} user=postgres dbname=postgres"
        migrate.migrate(conninfo)
        server.stop()
        with serving(conninfo) as client:
            assert client.get("/v1/health/live").json() == {"status": "ok"}
            unavailable(client)
            server.start()
            comes_back(client)
            server.stop()
            unavailable(client)
            code, reason = ready(client)
            assert code == 503
            assert reason is not None
            assert "database" in reason
            server.start()
            comes_back(client)
    finally:
        server.stop()


def unavailable(client: httpx.Client) -> None:
    began = time.monotonic()
    with ThreadPoolExecutor(len(DATA)) as readers:
        responses = list(readers.map(client.get, DATA))
    assert time.monotonic() - began < ANSWERS_WITHIN_SECONDS
    for response in responses:
        assert response.status_code == 503
        assert response.headers["content-type"] == "application/problem+json"
        assert int(response.headers["retry-after"]) > 0
        assert "the database" in response.json()["detail"]


def comes_back(client: httpx.Client) -> None:
    deadline = time.monotonic() + 20
    while (response := client.get("/v1/trials")).status_code == 503:
        assert time.monotonic() < deadline, response.text
    assert response.json() == {"trials": []}


def test_after_a_long_outage_the_database_is_found_within_seconds(unused_port: int) -> None:
    """A pool that pauses longer after each failure would still be pausing when the database is back."""
    pool = db.open_pool(f"host=127.0.0.1 port={unused_port} user=postgres dbname=postgres")
    with contextlib.closing(pool):
        assert pool.reconnect_timeout <= 1


def test_an_older_schema_is_answered_with_what_to_run(embedded_database: Database) -> None:
    with db.connect(embedded_database.conninfo) as connection:
        connection.execute("DELETE FROM schema_steps WHERE number > 0")
    with serving(embedded_database.conninfo) as client:
        for path in DATA:
            response = client.get(path)
            assert response.status_code == 503
            assert "run `nyttig migrate`" in response.json()["detail"]
        code, reason = ready(client)
        assert code == 503
        assert reason is not None
        assert "run `nyttig migrate`" in reason


def test_the_api_refuses_to_start_on_a_schema_that_is_not_its_own(embedded_database: Database) -> None:
    from api.app import serve

    with db.connect(embedded_database.conninfo) as connection:
        connection.execute("UPDATE schema_steps SET number = number + 100")
    with pytest.raises(StaleSchemaError, match="start that version"):
        serve("127.0.0.1", free_port(), embedded_database.conninfo)


def test_ready_says_which_part_is_missing_and_nothing_when_all_is_well(embedded_database: Database) -> None:
    with serving(embedded_database.conninfo) as client:
        assert ready(client) == (503, "there is no ingestor; start one with `nyttig ingest`")
        fill(embedded_database)
        assert ready(client) == (200, None)
        beat(embedded_database, seconds_ago=21)
        code, reason = ready(client)
        assert code == 503
        assert reason is not None
        assert reason.startswith("no ingestor is running; nyttig-ingest was last alive at 20")
        beat(embedded_database, connected=False)
        code, reason = ready(client)
        assert code == 503
        assert reason is not None
        assert "broker" in reason
        beat(embedded_database)
        content = client.get("/v1/health/ready").json()
        assert content["status"] == "ready"
        (ingestor,) = content["ingest"]
        assert ingestor["client_id"] == "nyttig-ingest"
        assert ingestor["running"] is True
        assert 0 <= content["last_commit_age_seconds"] < 20
        assert content["last_event_at"] is not None
        assert content["rollup_marks_waiting"] == 0


def test_ready_gives_the_age_and_the_latency_of_the_newest_canary(embedded_database: Database) -> None:
    fill(embedded_database)
    with serving(embedded_database.conninfo) as client:
        content = client.get("/v1/health/ready").json()
        assert content["last_canary_age_seconds"] is None
        assert content["canary_latency_seconds"] is None
        canary(embedded_database, seconds_ago=20, latency_seconds=0.75)
        canary(embedded_database, seconds_ago=30)
        content = client.get("/v1/health/ready").json()
        assert content["status"] == "ready"
        assert 20 <= content["last_canary_age_seconds"] < 30
        assert content["canary_latency_seconds"] == 0.75


def test_an_ingestor_whose_canaries_stay_away_is_not_ready_until_they_come_again(
    embedded_database: Database,
) -> None:
    fill(embedded_database)
    canary(embedded_database, seconds_ago=70)
    with serving(embedded_database.conninfo) as client:
        code, reason = ready(client)
        assert code == 503
        assert reason is not None
        assert "no canary sent after" in reason
        beat(embedded_database, connected=False)
        assert "not connected to the broker" in str(ready(client)[1])  # the nearer reason
        beat(embedded_database)
        canary(embedded_database, seconds_ago=1)
        assert ready(client) == (200, None)


def test_an_ingestor_that_has_just_started_is_given_time_for_its_first_canary(
    embedded_database: Database,
) -> None:
    fill(embedded_database)
    canary(embedded_database, seconds_ago=8 * 3600)
    with serving(embedded_database.conninfo) as client, db.connect(embedded_database.conninfo) as connection:
        assert ready(client)[0] == 503
        platform.started(connection, "nyttig-ingest", datetime.now(UTC) - timedelta(seconds=50))
        connection.commit()
        beat(embedded_database)
        assert ready(client) == (200, None)
        platform.started(connection, "nyttig-ingest", datetime.now(UTC) - timedelta(seconds=61))
        connection.commit()
        beat(embedded_database)
        assert ready(client)[0] == 503


def test_the_api_listens_on_this_machine_only_unless_told_otherwise(embedded_database: Database) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "nyttig.cli", "--while-stdin-open", "api", "--port", str(port)],
        env=embedded_database.environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.2", port), 1):
            pass
    finally:
        _, said = process.communicate(timeout=10)  # closes its stdin: whoever started it is gone
    assert process.returncode in (0, -15)
    assert said == ""
