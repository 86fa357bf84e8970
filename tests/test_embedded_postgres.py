"""The embedded PostgreSQL survives what a demo on a laptop goes through."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from nyttig.embedded.postgres import EmbeddedPostgres
from nyttig.errors import StoreUnavailableError

OWNER = """
import signal, subprocess, sys, time
from pathlib import Path
from nyttig.embedded.postgres import EmbeddedPostgres
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job begins by ignoring it
with EmbeddedPostgres(Path(sys.argv[1])) as server:
    pid = (server.data / "postmaster.pid").read_text().split()[0]
    try:
        print(pid, flush=True)  # from here on Ctrl-C may come
        time.sleep(60)
    except KeyboardInterrupt:
        time.sleep(0.5)
        print("answers" if server._answers() else "gone", flush=True)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="nyttig-test-", ignore_cleanup_errors=True) as place:
        yield Path(place) / "postgres"


def run(server: EmbeddedPostgres, statement: str) -> list[tuple[object, ...]]:
    environment = server.environment()
    with psycopg.connect(
        host=environment["PGHOST"], user=environment["PGUSER"], dbname=environment["PGDATABASE"]
    ) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def server_pid(server: EmbeddedPostgres) -> int:
    return int((server.data / "postmaster.pid").read_text().split()[0])


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # What nobody has waited for yet is dead all the same.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def start_owner(folder: Path) -> tuple[subprocess.Popen[str], int]:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert owner.stdout is not None
    return owner, int(owner.stdout.readline())


def test_what_was_committed_is_there_at_the_next_start_which_is_quick(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        run(server, "CREATE TABLE visits AS SELECT 7 AS minutes")
        pid = server_pid(server)
    assert not is_alive(pid)

    start_seconds = []
    for _ in range(3):  # the machine may have something else to do once or twice
        started = time.monotonic()
        with EmbeddedPostgres(folder) as server:
            start_seconds.append(time.monotonic() - started)
            assert run(server, "SELECT minutes FROM visits") == [(7,)]
            assert run(server, "SHOW synchronous_commit") == [("on",)]
    assert min(start_seconds) < 1.5


def test_a_server_whose_owner_was_killed_is_taken_over_and_stopped_by_the_next(folder: Path) -> None:
    owner, pid = start_owner(folder)
    with owner:
        owner.kill()
    assert is_alive(pid)

    with EmbeddedPostgres(folder) as server:
        assert run(server, "SELECT 1") == [(1,)]
        assert server_pid(server) == pid
    assert not is_alive(pid)


def test_a_killed_server_recovers_what_was_committed(folder: Path) -> None:
    owner, pid = start_owner(folder)
    server = EmbeddedPostgres(folder)
    run(server, "CREATE TABLE visits AS SELECT 7 AS minutes")
    with owner:
        os.kill(pid, signal.SIGKILL)
        owner.kill()

    with EmbeddedPostgres(folder) as server:
        assert run(server, "SELECT minutes FROM visits") == [(7,)]


def test_a_dead_servers_process_number_that_now_belongs_to_another_process_is_no_obstacle(
    folder: Path,
) -> None:
    with EmbeddedPostgres(folder) as server:
        account = server.data.stat().st_uid
    stranger = subprocess.Popen(["sleep", "60"], user=account if os.geteuid() == 0 else None)
    try:
        stale = f"{stranger.pid}\n{server.data}\n1\n5432\n{server.data}\n\n"
        (server.data / "postmaster.pid").write_text(stale)
        with EmbeddedPostgres(folder) as server:
            assert run(server, "SELECT 1") == [(1,)]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_ctrl_c_in_the_terminal_leaves_the_server_to_its_owner(folder: Path) -> None:
    owner, pid = start_owner(folder)
    with owner:
        assert owner.stdout is not None
        os.killpg(owner.pid, signal.SIGINT)
        assert owner.stdout.readline() == "answers\n"
        assert owner.wait(20) == 0
    assert not is_alive(pid)


def test_two_servers_run_side_by_side_in_two_folders(folder: Path) -> None:
    with EmbeddedPostgres(folder / "a") as one, EmbeddedPostgres(folder / "b") as other:
        run(one, "CREATE TABLE only_here ()")
        assert run(other, "SELECT to_regclass('only_here')") == [(None,)]


def test_a_second_owner_of_a_folder_is_told_who_has_it(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        with pytest.raises(StoreUnavailableError, match=rf"in use by process {os.getpid()}; .*own"):
            EmbeddedPostgres(folder).start()
        assert run(server, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("name", ["x" * 200, 'Åse\'s "flat"; $HOME'], ids=["long", "quotes"])
def test_a_folder_may_have_any_name(folder: Path, name: str) -> None:
    with EmbeddedPostgres(folder / name) as server:
        assert run(server, "SELECT 1") == [(1,)]
        sockets = Path(server.environment()["PGHOST"])
    assert sockets.stat().st_mode & 0o777 == 0o700
    if sockets != server.data:
        sockets.rmdir()


def test_a_start_that_was_cut_off_while_making_the_data_folder_is_made_again(folder: Path) -> None:
    (folder / "data.unfinished" / "base").mkdir(parents=True)
    with EmbeddedPostgres(folder) as server:
        assert run(server, "SELECT 1") == [(1,)]


def test_a_start_that_fails_says_why_and_leaves_nothing(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        pass
    (server.data / "global" / "pg_control").unlink()
    with pytest.raises(StoreUnavailableError, match=r"could not find the database system.*PGHOST"):
        server.start()
    (server.data / "global" / "pg_control").write_bytes(b"")  # the folder is free again for the next owner
    with pytest.raises(StoreUnavailableError, match="pg_ctl failed"):
        server.start()
