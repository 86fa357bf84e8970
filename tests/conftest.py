"""Real servers for the tests: PostgreSQL, embedded and with TimescaleDB, and brokers, Mosquitto and embedded.

They start when the first test asks. A service that this machine lacks skips the test and says what to
install; with CI=true it fails the test instead.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import hypothesis
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from nyttig.embedded.broker import EmbeddedBroker
from nyttig.embedded.postgres import EmbeddedPostgres
from nyttig.store import migrate

PROJECT = Path(__file__).parents[1]
TRIXIE = PROJECT / ".trixie"
START_SECONDS_MAX = 30


def missing(service: str, remedy: str) -> NoReturn:
    """The test is skipped for want of `service`; in CI it fails."""
    text = f"no {service} on this machine; {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(text, pytrace=False)
    pytest.skip(text)


# No example has a time limit: a machine may be busy with something else. Examples are the same in each run.
hypothesis.settings.register_profile("nyttig", deadline=None, derandomize=True)
hypothesis.settings.load_profile("nyttig")

PORTS = itertools.cycle(random.Random(os.getpid()).sample(range(10_000, 30_000), 20_000))
"""Below those that the kernel hands to clients, so that a service that is started again finds its port free still."""


def free_port() -> int:
    """A TCP port on loopback that nothing listens on."""
    for port in PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def wait_for_port(port: int, process: subprocess.Popen[Any], log: Path) -> None:
    """The process accepts connections on the port."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"{process.args!r} does not listen on port {port}:\n{log.read_text()}")
        time.sleep(0.02)


@pytest.fixture
def unused_port() -> int:
    """A TCP port on loopback that nothing listens on."""
    return free_port()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder beside the project with the real recordings."""
    folder = PROJECT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"no recordings: {folder} is missing")
    return folder


# Databases


@dataclass(frozen=True)
class Database:
    """A fresh, migrated database of one test."""

    kind: str
    environment: dict[str, str]

    @property
    def conninfo(self) -> str:
        """How libpq reaches it."""
        names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGDATABASE": "dbname"}
        return make_conninfo("", **{names[name]: value for name, value in self.environment.items()})


class DatabaseServer:
    """A running PostgreSQL server and, made when first needed, its migrated template database."""

    def __init__(self, kind: str, environment: dict[str, str]) -> None:
        self.kind = kind
        self.environment = environment
        self._numbers = itertools.count(1)
        self._template = cache(self._make_template)

    def database(self, name: str) -> Database:
        """The database of that name on this server."""
        return Database(self.kind, self.environment | {"PGDATABASE": name})

    def wait_until_ready(self) -> None:
        """It has left its own start behind and answers queries."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                psycopg.connect(self.database("postgres").conninfo).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return

    @contextlib.contextmanager
    def fresh_database(self) -> Iterator[Database]:
        """A copy of the template, gone afterwards."""
        name = f"test_{next(self._numbers)}"
        self.run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(self._template())
            )
        )
        try:
            yield self.database(name)
        finally:
            self.run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _make_template(self) -> str:
        name = "template_nyttig"
        self.run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        template = self.database(name)
        if self.kind == "timescale":
            with psycopg.connect(template.conninfo) as connection:
                connection.execute("CREATE EXTENSION timescaledb")
        migrate.migrate(template.conninfo)
        return name

    def run(self, statement: sql.SQL | sql.Composed) -> None:
        """The statement has run outside of any transaction."""
        with psycopg.connect(self.database("postgres").conninfo, autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture(scope="session")
def embedded_server() -> Iterator[DatabaseServer]:
    """The embedded PostgreSQL."""
    # Not below pytest's own folder, which every new session closes to the server's account again.
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > 4 * 2**30
    temporary = tempfile.TemporaryDirectory(prefix="nyttig-test-", dir=memory if has_room else None)
    with temporary as folder, EmbeddedPostgres(Path(folder)) as running:
        server = DatabaseServer("embedded", running.environment())
        # Waiting for the disk is most of what a fresh database per test costs, and nothing here need survive.
        server.run(sql.SQL("ALTER SYSTEM SET fsync = off"))
        server.run(sql.SQL("SELECT pg_reload_conf()"))
        yield server


@pytest.fixture(scope="session")
def timescale_server() -> Iterator[DatabaseServer]:
    """A PostgreSQL with the real TimescaleDB: this machine's, or the one .ci/timescaledb put in .trixie."""
    root, binaries = _timescaledb()
    as_root = os.geteuid() == 0
    within = ["chroot", str(root)] if root != Path("/") else []
    # The server ends with us, however we end.
    account = ["--reuid=postgres", "--regid=postgres", "--init-groups"] if as_root else []
    prefix = [*within, "setpriv", *account, "--pdeathsig=INT"]
    environment = {"PATH": os.defpath + ":/usr/sbin:/sbin", "LC_ALL": "C"}
    with tempfile.TemporaryDirectory(prefix="nyttig-test-", dir=root / "tmp") as place:
        folder = Path(place)
        seen = f"/tmp/{folder.name}"  # from within
        data = f"{seen}/data"
        if as_root:
            subprocess.run([*within, "chown", "postgres:", seen], check=True, env=environment)
        subprocess.run(
            [
                *prefix, str(binaries / "initdb"), "-D", data, "-U", "postgres", "--auth=trust",
                "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--no-sync",
            ],
            check=True, env=environment, stdout=subprocess.DEVNULL, cwd="/",
        )  # fmt: skip
        port = free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "shared_preload_libraries": "timescaledb",
            "timescaledb.max_background_workers": "0",  # its scheduler would sit in every template database
            "timescaledb.telemetry_level": "off",
            "dynamic_shared_memory_type": "mmap",  # .trixie has no /dev/shm
            "fsync": "off",
            "timezone": "UTC",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        log = folder / "log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [*prefix, str(binaries / "postgres"), "-D", data, *options],
                env=environment, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        try:
            wait_for_port(port, process, log)
            server = DatabaseServer(
                "timescale", {"PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "postgres"}
            )
            server.wait_until_ready()
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(START_SECONDS_MAX)


def _timescaledb() -> tuple[Path, Path]:
    """The root that PostgreSQL runs in, and the folder of its binaries as seen from there."""
    roots = [Path("/")]
    if os.geteuid() == 0 and (TRIXIE / "complete").exists():
        roots.append(TRIXIE)
    for root in roots:
        for library in sorted((root / "usr/lib/postgresql").glob("*/lib/timescaledb.so"), reverse=True):
            return root, Path("/") / library.parents[1].relative_to(root) / "bin"
    missing("TimescaleDB", "run .ci/timescaledb as root")


@pytest.fixture(params=["embedded", "timescale"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A fresh, migrated database, once on each kind of server."""
    server: DatabaseServer = request.getfixturevalue(f"{request.param}_server")
    with server.fresh_database() as fresh:
        yield fresh


@pytest.fixture
def embedded_database(embedded_server: DatabaseServer) -> Iterator[Database]:
    """A fresh, migrated database, for tests to which the kind of server makes no difference."""
    with embedded_server.fresh_database() as fresh:
        yield fresh


# Brokers


class Mosquitto:
    """A real Mosquitto on loopback. It saves its sessions when stopped, and forgets them when killed."""

    def __init__(self, folder: Path, port: int, configuration: str | None = None) -> None:
        self.folder = folder
        self.port = port
        self.url = f"mqtt://127.0.0.1:{port}"
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "mosquitto.conf").write_text(
            configuration
            or f"""
            listener {port} 127.0.0.1
            allow_anonymous true
            persistence true
            persistence_location {folder}/
            max_inflight_messages 0
            max_queued_messages 0
            set_tcp_nodelay true
            user root
            """.replace(" " * 12, "")
        )

    @property
    def pid(self) -> int:
        """The running broker's process id."""
        assert self._process is not None
        return self._process.pid

    def command(self) -> list[str]:
        """How it is started."""
        return [_mosquitto(), "-c", str(self.folder / "mosquitto.conf")]

    def environment(self) -> dict[str, str]:
        """What it is started with."""
        return {}

    def start(self) -> None:
        """It accepts connections."""
        log = self.folder / "mosquitto.log"
        with log.open("a") as output:
            self._process = subprocess.Popen(
                self.command(), env=self.environment(),
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        wait_for_port(self.port, self._process, log)

    def stop(self) -> None:
        """It has saved its state and ended."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """It has ended without a chance to save anything."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.wait(START_SECONDS_MAX)


def _mosquitto() -> str:
    program = shutil.which("mosquitto", path=os.defpath + ":/usr/sbin:/usr/local/sbin")
    if program is None:
        missing("Mosquitto", "apt-get install mosquitto")
    return program


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A running Mosquitto of the test's own."""
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    broker = Mosquitto(folder, free_port())
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
def embedded_broker() -> Iterator[EmbeddedBroker]:
    """A running embedded broker of the test's own."""
    with EmbeddedBroker(free_port()) as broker:
        yield broker


@pytest.fixture(params=["mosquitto", "embedded_broker"], ids=["mosquitto", "embedded"])
def broker(request: pytest.FixtureRequest) -> Mosquitto | EmbeddedBroker:
    """A running broker, once of each kind. Mosquitto speaks MQTT 5 and 3.1.1, the embedded one 3.1.1 only."""
    running: Mosquitto | EmbeddedBroker = request.getfixturevalue(request.param)
    return running
