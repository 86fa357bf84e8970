"""The whole system with one command: it shows trials within a minute, goes on from where it was, and leaves nothing behind.

A demo is started as a user does, in a process group of its own, and Ctrl-C reaches the whole group as from a terminal.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from conftest import free_port
from serving import TRIALS

from nyttig.embedded.postgres import EmbeddedPostgres
from nyttig.store import db

FILLED_WITHIN_SECONDS = 60
ENDS_WITHIN_SECONDS = 15
ORPHANS_END_WITHIN_SECONDS = 15
HISTORY_DAYS = 14


class Demo:
    """`nyttig demo` in a folder."""

    def __init__(self, folder: Path, *more: str, ports: tuple[int, int, int] | None = None) -> None:
        self.folder = folder
        self.ports = ports or (free_port(), free_port(), free_port())
        self.mark = f"demo-{uuid4()}"
        self.api = httpx.Client(base_url=f"http://127.0.0.1:{self.ports[0]}", timeout=10)
        self.log = folder.with_name(f"{folder.name}-{self.mark}.log")
        options = ("--api-port", "--dashboard-port", "--mqtt-port")
        named = [
            word for option, port in zip(options, self.ports, strict=True) for word in (option, str(port))
        ]
        self.began = time.monotonic()
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "nyttig.cli", "demo", "--homes", "2", "--days", str(HISTORY_DAYS),
                 "--dir", str(folder), *named, *more],
                env={"PATH": os.defpath, "HOME": str(folder.parent), "MARK": self.mark},
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip

    def words(self) -> str:
        """What it said, on either stream."""
        return self.log.read_text()

    def seconds(self) -> float:
        """Since its start."""
        return time.monotonic() - self.began

    def wait_for(self, what: str, true: Callable[[], bool], seconds: float = FILLED_WITHIN_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if true():
                    return
            assert self.process.poll() is None, f"the demo ended: {self.words()}"
            assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}; {self.words()}"
            time.sleep(0.1)

    def get(self, path: str) -> dict[str, Any]:
        """What the API answers."""
        content: dict[str, Any] = self.api.get(path).raise_for_status().json()
        return content

    def dashboard_answers(self) -> bool:
        return httpx.get(f"http://127.0.0.1:{self.ports[1]}/_stcore/health").status_code == 200

    def is_filled(self) -> bool:
        """Every trial has figures up to the last hours. Two weeks are all ramp-in: those of all days, then."""
        trials = [trial["id"] for trial in self.get("/v1/trials")["trials"]]
        reports = [self.get(f"/v1/trials/{trial}/report") for trial in trials]
        recent = datetime.now(UTC) - timedelta(hours=3)
        return (
            sorted(trials) == sorted(TRIALS)
            and all(report["use_day_rate_all_days"]["used_observed_days"] > 0 for report in reports)
            and all(report["data"]["last_event_at"] > recent.isoformat() for report in reports)
            and self.get("/v1/health/ready")["rollup_marks_waiting"] == 0
        )

    def interrupt(self) -> float:
        """Ctrl-C; returns after how many seconds it ended."""
        began = time.monotonic()
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(60)
        return time.monotonic() - began

    def left(self) -> list[str]:
        """The processes of this demo and its database that there are, this one's own included."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                ours = f"MARK={self.mark}".encode() in (process / "environ").read_bytes().split(b"\0")
                inside = self.folder in (process / "cwd").readlink().parents
                if command and (ours or inside):
                    found.append(f"{process.name} {command}")
        return found

    def end(self) -> None:
        """Nothing of it is left, however a test ended."""
        self.api.close()
        if self.process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.interrupt()
        for line in self.left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(line.split()[0]), signal.SIGKILL)
        self.process.wait()


@contextlib.contextmanager
def running(folder: Path, *more: str, ports: tuple[int, int, int] | None = None) -> Iterator[Demo]:
    demo = Demo(folder, *more, ports=ports)
    try:
        yield demo
    finally:
        demo.end()


def stored(folder: Path, until: datetime) -> tuple[int, int]:
    """Of a running demo: how many events with an identity there are up to then, and how many of them are doubles."""
    environment = EmbeddedPostgres(folder / "postgres").environment()
    with db.connect(f"host={environment['PGHOST']} user=postgres dbname=postgres") as connection:
        row = connection.execute(
            "SELECT count(*), count(*) - count(DISTINCT (device_id, boot_id, seq)) FROM events"
            " WHERE seq IS NOT NULL AND at < %s",
            (until,),
        ).fetchone()
    assert row is not None
    return row[0], row[1]


def nothing_is_lost_or_doubled(first: First) -> None:
    total, doubled = stored(first.folder, first.until)
    assert total >= first.events_total  # late data of a device that was away may have come meanwhile
    assert doubled == 0


def verified(folder: Path) -> subprocess.CompletedProcess[str]:
    """What `nyttig verify` says of a running demo."""
    environment = EmbeddedPostgres(folder / "postgres").environment()
    return subprocess.run(
        [sys.executable, "-m", "nyttig.cli", "verify"],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@dataclass(frozen=True)
class First:
    """What a first start in an empty folder was like."""

    folder: Path
    dashboard_seconds: float
    filled_seconds: float
    words: str
    stopped_seconds: float
    exit_code: int
    left: list[str]
    until: datetime
    events_total: int


@pytest.fixture(scope="module")
def first() -> Iterator[First]:
    # A short path that the database's own account may enter.
    with tempfile.TemporaryDirectory(prefix="nyttig-demo-") as place, running(Path(place) / "demo") as demo:
        demo.wait_for("the dashboard", demo.dashboard_answers)
        dashboard_seconds = demo.seconds()
        demo.wait_for("three trials with figures", demo.is_filled)
        filled_seconds = demo.seconds()
        until = datetime.now(UTC)
        committed = demo.get("/v1/health/ready")["last_commit_at"]
        demo.wait_for(
            "live events", lambda: bool(demo.get("/v1/health/ready")["last_commit_at"] > committed), 30
        )
        events_total, doubled = stored(demo.folder, until)
        assert doubled == 0
        stopped_seconds = demo.interrupt()
        yield First(
            demo.folder, dashboard_seconds, filled_seconds, demo.words(), stopped_seconds,
            demo.process.returncode, demo.left(), until, events_total,
        )  # fmt: skip


def test_a_first_start_shows_three_trials_within_a_minute(first: First) -> None:
    assert first.dashboard_seconds < FILLED_WITHIN_SECONDS
    assert first.filled_seconds < FILLED_WITHIN_SECONDS
    assert "dashboard  http://127.0.0.1:" in first.words
    assert f"3 trials with {HISTORY_DAYS} days of history" in first.words
    assert "Traceback" not in first.words


def test_ctrl_c_stops_everything(first: First) -> None:
    assert first.exit_code == 0
    assert first.stopped_seconds < ENDS_WITHIN_SECONDS
    assert first.left == []


def test_the_next_start_goes_on_where_the_last_one_ended(first: First) -> None:
    with running(first.folder) as demo:
        demo.wait_for("the dashboard", demo.dashboard_answers)
        demo.wait_for("the same trials", demo.is_filled)
        assert demo.seconds() < FILLED_WITHIN_SECONDS
        nothing_is_lost_or_doubled(first)
        said = verified(first.folder)
        assert said.returncode == 0, said.stdout + said.stderr
        assert demo.interrupt() < ENDS_WITHIN_SECONDS
        assert (demo.process.returncode, demo.left()) == (0, [])


def test_after_a_kill_no_part_lives_on_but_the_database_and_the_next_start_takes_that_over(
    first: First,
) -> None:
    with running(first.folder) as demo:
        demo.wait_for("the dashboard", demo.dashboard_answers)
        demo.wait_for("the trials", demo.is_filled)
        demo.process.kill()
        demo.process.wait()
        deadline = time.monotonic() + ORPHANS_END_WITHIN_SECONDS
        while left := [line for line in demo.left() if "postgres" not in line]:
            assert time.monotonic() < deadline, left
            time.sleep(0.1)
        with running(first.folder, ports=demo.ports) as again:
            again.wait_for("the dashboard", again.dashboard_answers)
            again.wait_for("the same trials", again.is_filled)
            again.wait_for("history told once more", lambda: (first.folder / "simulated.json").exists())
            nothing_is_lost_or_doubled(first)
            said = verified(first.folder)
            assert said.returncode == 0, said.stdout + said.stderr
            again.interrupt()
            assert (again.process.returncode, again.left()) == (0, [])


def test_two_demos_in_two_folders_run_side_by_side_and_one_folder_holds_only_one(first: First) -> None:
    with running(first.folder) as one, running(first.folder.with_name("other")) as other:
        for demo in (one, other):
            demo.wait_for("the dashboard", demo.dashboard_answers)
            demo.wait_for("the trials", demo.is_filled)
        with running(first.folder) as third:
            assert third.process.wait(30) == 1
            assert f"is in use by process {one.process.pid}" in third.words()
        one.interrupt()
        assert len(other.get("/v1/trials")["trials"]) == 3
        assert one.left() == []


def test_an_interrupted_start_leaves_nothing_running_either(first: First) -> None:
    with running(first.folder) as demo:
        time.sleep(1.5)
        assert demo.interrupt() < ENDS_WITHIN_SECONDS
        assert (demo.process.returncode, demo.left()) == (0, [])


@pytest.mark.parametrize("option", ["--api-port", "--dashboard-port", "--mqtt-port"])
def test_a_port_that_is_taken_is_named(first: First, option: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with running(first.folder, option, str(port)) as demo:
            assert demo.process.wait(30) == 1
            assert f"port {port} on this machine is taken" in demo.words()
            assert option in demo.words()
            assert demo.left() == []


def test_a_folder_with_other_homes_is_refused_with_how_it_was_started(first: First) -> None:
    with running(first.folder, "--homes", "3") as demo:
        assert demo.process.wait(30) == 1
        assert "holds a demo with --homes 2" in demo.words()
        assert demo.left() == []
