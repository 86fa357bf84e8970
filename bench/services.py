"""What the measurements run on: brokers, databases, `nyttig` processes; each gone when its `with` ends."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nyttig.embedded.postgres import EmbeddedPostgres
from nyttig.errors import StoreUnavailableError
from nyttig.store import db, ledger, rollups

PROJECT = Path(__file__).parents[1]
TRIXIE = PROJECT / ".trixie"
TICKS = os.sysconf("SC_CLK_TCK")

Kind = Literal["embedded", "timescale"]


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL: its process id, and the embedded one itself, which can be stopped and started."""

    name: str
    pid: int
    folder: Path
    embedded: EmbeddedPostgres | None


def kinds() -> list[Kind]:
    """The servers that can be had here."""
    libraries = list((TRIXIE / "usr/lib/postgresql").glob("*/lib/timescaledb.so"))
    has_timescale = os.geteuid() == 0 and (TRIXIE / "complete").exists() and libraries
    return ["embedded", "timescale"] if has_timescale else ["embedded"]


@contextlib.contextmanager
def served(kind: Kind) -> Iterator[Server]:
    """A server of that kind on an empty folder, which libpq finds through this process's environment."""
    below = None if kind == "embedded" else TRIXIE / "tmp"
    start = _embedded if kind == "embedded" else _timescale
    with (
        tempfile.TemporaryDirectory(prefix="nyttig-bench-", dir=below) as folder,
        start(Path(folder)) as server,
    ):
        yield server


@contextlib.contextmanager
def _embedded(folder: Path) -> Iterator[Server]:
    with EmbeddedPostgres(folder) as server:
        os.environ.pop("PGPORT", None)
        os.environ.update(server.environment())
        pid = int((server.data / "postmaster.pid").read_text().split()[0])
        yield Server("embedded PostgreSQL", pid, folder, server)


@contextlib.contextmanager
def _timescale(folder: Path) -> Iterator[Server]:
    """TimescaleDB from the folder that .ci/timescaledb made, run within it."""
    libraries = sorted((TRIXIE / "usr/lib/postgresql").glob("*/lib/timescaledb.so"))
    binaries = Path("/") / libraries[-1].parents[1].relative_to(TRIXIE) / "bin"
    seen = f"/tmp/{folder.name}"
    environment = {"PATH": os.defpath + ":/usr/sbin:/sbin", "LC_ALL": "C"}
    within = ["chroot", str(TRIXIE)]
    as_postgres = [
        *within,
        "setpriv",
        "--reuid=postgres",
        "--regid=postgres",
        "--init-groups",
        "--pdeathsig=INT",
    ]
    subprocess.run([*within, "chown", "postgres:", seen], check=True, env=environment)
    subprocess.run(
        [*as_postgres, str(binaries / "initdb"), "-D", f"{seen}/data", "-U", "postgres", "--auth=trust", "--no-sync",
         "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"],
        check=True, env=environment, stdout=subprocess.DEVNULL, cwd="/",
    )  # fmt: skip
    port = free_port()
    options = {
        "listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": "",
        "shared_preload_libraries": "timescaledb", "timescaledb.telemetry_level": "off",
        "dynamic_shared_memory_type": "mmap",
    }  # fmt: skip
    process = subprocess.Popen(
        [*as_postgres, str(binaries / "postgres"), "-D", f"{seen}/data", *(f"--{k}={v}" for k, v in options.items())],
        env=environment, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for_port(port)
        os.environ.update(PGHOST="127.0.0.1", PGPORT=str(port), PGUSER="postgres", PGDATABASE="postgres")
        _wait_until_ready()
        yield Server("TimescaleDB", process.pid, folder, None)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def _wait_until_ready() -> None:
    """The server has left its own start behind."""
    deadline = time.monotonic() + 30
    while True:
        try:
            db.connect().close()
        except StoreUnavailableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


@contextlib.contextmanager
def mosquitto() -> Iterator[tuple[int, int]]:
    """A Mosquitto that keeps everything until it is acknowledged; its port and process id."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="nyttig-bench-") as folder:
        configuration = Path(folder) / "mosquitto.conf"
        configuration.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {folder}/\n"
            "max_inflight_messages 0\nmax_queued_messages 0\nset_tcp_nodelay true\nuser root\n"
        )
        process = subprocess.Popen(
            ["mosquitto", "-c", str(configuration)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"},
        )  # fmt: skip
        try:
            wait_for_port(port)
            yield port, process.pid
        finally:
            process.kill()
            process.wait()


class Ingest:
    """`nyttig ingest` as a process of its own, from `start` to `stop` or `kill`."""

    def __init__(self, port: int, client_id: str = "nyttig-ingest", sources: str = "") -> None:
        self._environment = {
            "NYTTIG_MQTT_URL": f"mqtt://127.0.0.1:{port}", "NYTTIG_MQTT_CLIENT_ID": client_id,
            "NYTTIG_MQTT_SOURCES": sources,
        }  # fmt: skip
        self._log = tempfile.NamedTemporaryFile(prefix="nyttig-bench-", suffix=".log")  # noqa: SIM115  ends with us
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The number of the running process."""
        assert self._process is not None
        return self._process.pid

    def start(self, until_it_says: str = "connected to the broker") -> None:
        """It runs and has said so."""
        said = self.log().count(until_it_says)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "nyttig.cli", "ingest"],
            env={**os.environ, **self._environment}, stderr=self._log, cwd=PROJECT,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while self.log().count(until_it_says) == said:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"ingest did not start: {self.log()}")
            time.sleep(0.01)

    def log(self) -> str:
        """What it has said."""
        return Path(self._log.name).read_text()

    def stop(self) -> None:
        """It has ended in order."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)

    def kill(self) -> None:
        """It has ended without a chance to do anything."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)


@contextlib.contextmanager
def ingesting(port: int, client_id: str = "nyttig-ingest", sources: str = "") -> Iterator[Ingest]:
    """A running `nyttig ingest` that is connected to the broker on that port."""
    ingest = Ingest(port, client_id, sources)
    try:
        ingest.start()
        yield ingest
    finally:
        ingest.stop()


@contextlib.contextmanager
def api() -> Iterator[int]:
    """A running `nyttig api`; its port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "nyttig.cli", "api", "--port", str(port)], cwd=PROJECT)
    try:
        wait_for_port(port)
        yield port
    finally:
        process.terminate()
        process.wait(30)


# What is seen from outside


def committed(connection: db.Session) -> int:
    """Events committed so far, by all ingestors."""
    row = connection.execute("SELECT coalesce(sum(events_total), 0) FROM ingestors").fetchone()
    assert row is not None
    return int(row[0])


def wait_until_committed(connection: db.Session, events: int, seconds_max: float) -> None:
    """So many events are committed."""
    deadline = time.monotonic() + seconds_max
    while (found := committed(connection)) < events:
        if time.monotonic() > deadline:
            raise SystemExit(f"only {found} of {events} after {seconds_max} s")
        time.sleep(0.05)


def require_exact(events: int) -> None:
    """Each of `events` is stored once, the ledger agrees, and so do the rollups; else the measurement is void."""
    with db.connect() as connection:
        rollups.refresh_all(connection)
        row = connection.execute("SELECT count(*) FROM events").fetchone()
        wrong = rollups.differences(connection) or ledger.differences(connection) or ledger.gaps(connection)
    if row != (events,) or wrong:
        raise SystemExit(f"what was stored is not exact: {row} of {events} events, {str(wrong)[:500]}")


def cpu_seconds(pid: int) -> float:
    """Processor time of the process, its descendants, and those of them that have ended."""
    fields = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            head, _, tail = stat.read_text().rpartition(")")
            # From the parent's id on.
            fields[int(head.split()[0])] = [int(field) for field in tail.split()[1:15]]
    family = {pid}
    while more := {one for one, its in fields.items() if its[0] in family} - family:
        family |= more
    return sum(sum(fields[one][10:14]) for one in family if one in fields) / TICKS


def cpu_seconds_of_ended_children() -> float:
    """Processor time of our own children that have been waited for."""
    times = os.times()
    return times.children_user + times.children_system


def peak_mb(pid: int) -> float:
    """The most memory that the process has held so far (VmHWM), in MB of 10⁶ bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise SystemExit("this system does not say how much memory a process has held (no VmHWM in /proc)")


def load() -> str:
    """How busy the machine is, to stand beside a number."""
    return f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"


def free_port() -> int:
    """A TCP port on loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int) -> None:
    """Something listens there."""
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
