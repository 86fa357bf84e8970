"""How fast `nyttig ingest` commits, and what each event costs: python bench/ingest.py [--events N] [--devices N]

On this machine, beside each other: a publisher that sends prebuilt QoS 1 packets, Mosquitto, `nyttig ingest`, and
PostgreSQL (the embedded one; TimescaleDB too where .ci/timescaledb has installed it). In the same run the floor: the
same columns, sent ready for COPY, through `mosquitto_sub -q 1 | psql`, which checks nothing, keeps no ledger, makes no
rollups, and acknowledges before anything is stored. CPU is that of all processes of each kind, from /proc.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from multiprocessing.synchronize import Event
from pathlib import Path

from nyttig.embedded.postgres import EmbeddedPostgres
from nyttig.model import Device, Home, Placement, Trial, TrialPackage
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, ledger, migrate, registry, rollups

PROJECT = Path(__file__).parents[1]
TRIXIE = PROJECT / ".trixie"
SECONDS_MAX = 90
TICKS = os.sysconf("SC_CLK_TCK")
COLUMNS = "device_id, at, received_at, device_time, type, value, unit, origin, boot_id, seq, late"


@dataclass(frozen=True)
class Measured:
    """One way of getting events into a database."""

    name: str
    events: int
    seconds: float
    reader_cpu: float
    database_cpu: float
    broker_cpu: float

    @property
    def rate(self) -> float:
        """Committed events per second."""
        return self.events / self.seconds


def main() -> int:
    """The table has been printed; 1 when events were lost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--devices", type=int, default=200)
    arguments = parser.parse_args()
    print(f"{arguments.events} events of {arguments.devices} devices, one per message; {os.cpu_count()} processors; "
          f"load {os.getloadavg()[0]:.1f} before\n")  # fmt: skip
    head = f"{'':47} {'events/s':>9}   {'reader':>7} {'database':>9} {'broker':>7}  µs of CPU per event"
    print(head)
    for server, below in ((embedded, None), (timescale, TRIXIE / "tmp")):
        if below is not None and not below.is_dir():
            continue
        with (
            tempfile.TemporaryDirectory(prefix="nyttig-bench-", dir=below) as folder,
            server(Path(folder)) as found,
        ):
            if found is None:
                continue
            name, environment, pid = found
            ours = measure_nyttig(name, environment, pid, arguments.events, arguments.devices)
            floor = measure_floor(name, environment, pid, arguments.events, arguments.devices)
        for one in (ours, floor):
            cpu = [
                seconds / one.events * 1e6 for seconds in (one.reader_cpu, one.database_cpu, one.broker_cpu)
            ]
            print(f"{one.name:47} {one.rate:9.0f}   {cpu[0]:7.1f} {cpu[1]:9.1f} {cpu[2]:7.1f}")
        print(f"{'  ratio':47} {ours.rate / floor.rate:9.2f}", flush=True)
    return 0


def measure_nyttig(
    name: str, environment: Mapping[str, str], server: int, events: int, devices: int
) -> Measured:
    """What `nyttig ingest` does with `events` messages, checked to be exact."""
    os.environ.update(environment)
    migrate.migrate()
    with db.connect() as connection:
        registry.save(connection, package(devices), builtin_technologies())
        connection.commit()
    with mosquitto() as (port, broker), sender(port, "ours", events, devices) as go:
        url = f"mqtt://127.0.0.1:{port}"
        ingest = subprocess.Popen(
            [sys.executable, "-m", "nyttig.cli", "ingest"],
            env={**os.environ, "NYTTIG_MQTT_URL": url}, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert ingest.stderr is not None
            while "connected" not in (line := ingest.stderr.readline()):
                assert line, "ingest did not start"
            before = [cpu_seconds(pid) for pid in (ingest.pid, server, broker)]
            began = time.monotonic()
            go.set()
            with db.connect(autocommit=True) as connection:
                while committed(connection) < events:
                    if time.monotonic() - began > SECONDS_MAX:
                        raise SystemExit(f"only {committed(connection)} of {events} after {SECONDS_MAX} s")
                    time.sleep(0.05)
                seconds = time.monotonic() - began
                used = [
                    cpu_seconds(pid) - was
                    for pid, was in zip((ingest.pid, server, broker), before, strict=True)
                ]
        finally:
            ingest.terminate()
            ingest.wait(30)
    with db.connect() as connection:
        rollups.refresh_all(connection)
        if rollups.differences(connection) or ledger.differences(connection) or ledger.gaps(connection):
            raise SystemExit("what was stored is not exact")
    return Measured(f"nyttig ingest, {name}", events, seconds, *used)


def committed(connection: db.Session) -> int:
    """Events committed so far."""
    row = connection.execute("SELECT coalesce(sum(events_total), 0) FROM ingestors").fetchone()
    assert row is not None
    return int(row[0])


def measure_floor(
    name: str, environment: Mapping[str, str], server: int, events: int, devices: int
) -> Measured:
    """What mosquitto_sub and psql do with as many messages that need no decoding."""
    with db.connect() as connection:
        connection.execute("CREATE TABLE floor AS SELECT " + COLUMNS + " FROM events LIMIT 0")
        connection.commit()
    with mosquitto() as (port, broker), sender(port, "floor", events, devices) as go:
        subscriber = subprocess.Popen(
            ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-q", "1", "-i", "floor", "-c", "-V", "mqttv5",
             "-D", "connect", "receive-maximum", "4000", "-t", "wt/#", "-C", str(events)],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        copier = subprocess.Popen(
            ["psql", "-q", "-X", "-c", f"COPY floor ({COLUMNS}) FROM STDIN"],
            stdin=subscriber.stdout, env={**os.environ, **environment},
        )  # fmt: skip
        assert subscriber.stdout is not None
        subscriber.stdout.close()
        time.sleep(1)
        before = [cpu_seconds(pid) for pid in (server, broker)]
        readers = cpu_seconds_of_ended_children()
        began = time.monotonic()
        go.set()
        try:
            subscriber.wait(SECONDS_MAX)
            copier.wait(SECONDS_MAX)
            seconds = time.monotonic() - began
        finally:
            subscriber.kill()
            copier.kill()
        used = [cpu_seconds(pid) - was for pid, was in zip((server, broker), before, strict=True)]
        reader = cpu_seconds_of_ended_children() - readers
    with db.connect() as connection:
        row = connection.execute("SELECT count(*) FROM floor").fetchone()
        assert row == (events,), f"the floor lost events: {row}"
    return Measured(f"mosquitto_sub | psql COPY, {name}", events, seconds, reader, *used)


# What is sent


def package(devices: int) -> TrialPackage:
    """A trial with as many homes, each with one device d0, d1, ..."""
    numbers = range(devices)
    trial = Trial(
        "bench", "Bench", None, ("Unit",), "medicine_dispenser", "Europe/Oslo", "NOK", date(2026, 1, 1)
    )
    then = datetime(2026, 1, 1, tzinfo=UTC)
    return TrialPackage(
        trial,
        homes=tuple(Home(f"h{n}", "home", "Unit", trial.starts, trial.starts, trial.starts) for n in numbers),
        devices=tuple(
            Device(f"d{n}", trial.technology, "nyttig", f"d{n}", 60.0, "mains", "primary") for n in numbers
        ),
        placements=tuple(Placement(f"d{n}", f"h{n}", then) for n in numbers),
    )


def packets(kind: str, events: int, devices: int) -> list[bytes]:
    """PUBLISH packets in the order of sending, a packet identifier each."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    made = []
    for n in range(events):
        device, seq = n % devices, n // devices
        if kind == "ours":
            content = {"event_time": now, "boot_id": "b1", "seq": seq, "type": "dose_taken", "value": 1, "unit": "dose",
                       "origin": "citizen"}  # fmt: skip
            payload = json.dumps(content).encode()
        else:
            payload = f"{device}\t{now}\t{now}\t{now}\tdose_taken\t1\tdose\tcitizen\tb1\t{seq}\tf".encode()
        topic = f"wt/v1/unit/h{device}/d{device}/event".encode()
        body = struct.pack(">H", len(topic)) + topic + struct.pack(">H", n % 65_535 + 1) + payload
        made.append(b"\x32" + remaining_length(len(body)) + body)
    return made


def remaining_length(number: int) -> bytes:
    """As MQTT writes it: seven bits a byte, the lowest first."""
    low, high = number % 128, number // 128
    return bytes([low | 128]) + remaining_length(high) if high else bytes([low])


def send(port: int, kind: str, events: int, devices: int, ready: Event, go: Event) -> None:
    """The broker has acknowledged all packets; nothing is sent before `go`."""
    prepared = packets(kind, events, devices)
    with socket.create_connection(("127.0.0.1", port)) as broker:
        broker.sendall(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x00\x00\x04send")
        assert broker.recv(4) == b"\x20\x02\x00\x00", "the broker refused the publisher"
        ready.set()
        go.wait()
        acknowledged = 0
        for start in range(0, events, 500):
            broker.sendall(b"".join(prepared[start : start + 500]))
            while acknowledged < 4 * (start - 2_000):  # at most a few thousand on the way
                acknowledged += len(broker.recv(65_536))
        while acknowledged < 4 * events:
            acknowledged += len(broker.recv(65_536))


@contextlib.contextmanager
def sender(port: int, kind: str, events: int, devices: int) -> Iterator[Event]:
    """A publisher process with its packets ready; setting the event sends them."""
    processes = multiprocessing.get_context("spawn")
    ready, go = processes.Event(), processes.Event()
    process = processes.Process(target=send, args=(port, kind, events, devices, ready, go), daemon=True)
    process.start()
    try:
        if not ready.wait(60):
            raise SystemExit("the publisher did not get ready")
        yield go
    finally:
        process.terminate()
        process.join(10)


# What it is sent to


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


Server = tuple[str, dict[str, str], int]


@contextlib.contextmanager
def embedded(folder: Path) -> Iterator[Server | None]:
    """The embedded PostgreSQL: its name, how libpq reaches it, its process id."""
    with EmbeddedPostgres(folder) as server:
        pid = int((server.data / "postmaster.pid").read_text().split()[0])
        yield "embedded PostgreSQL", server.environment(), pid


@contextlib.contextmanager
def timescale(folder: Path) -> Iterator[Server | None]:
    """TimescaleDB from the folder that .ci/timescaledb made; None where it is missing."""
    libraries = sorted((TRIXIE / "usr/lib/postgresql").glob("*/lib/timescaledb.so"))
    if os.geteuid() != 0 or not (TRIXIE / "complete").exists() or not libraries:
        yield None
        return
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
        yield (
            "TimescaleDB",
            {"PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "postgres", "PGDATABASE": "postgres"},
            process.pid,
        )
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


# Small things


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


def cpu_seconds(pid: int) -> float:
    """Processor time of the process, its descendants, and those of them that have ended."""
    fields = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            head, _, tail = stat.read_text().rpartition(")")
            fields[int(head.split()[0])] = [
                int(field) for field in tail.split()[1:15]
            ]  # from the parent's id on
    family = {pid}
    while more := {one for one, its in fields.items() if its[0] in family} - family:
        family |= more
    return sum(sum(fields[one][10:14]) for one in family if one in fields) / TICKS


def cpu_seconds_of_ended_children() -> float:
    """Processor time of our own children that have been waited for."""
    times = os.times()
    return times.children_user + times.children_system


if __name__ == "__main__":
    sys.exit(main())
