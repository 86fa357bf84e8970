"""How fast `nyttig ingest` commits, and what each event costs: python bench/ingest.py [--events N] [--profile]

On this machine, beside each other: a publisher that sends prebuilt QoS 1 packets, Mosquitto, `nyttig ingest`, and
PostgreSQL (the embedded one; TimescaleDB too where .ci/timescaledb has installed it). In the same run the floor: the
same columns, sent ready for COPY, through `mosquitto_sub -q 1 | psql`, which checks nothing, keeps no ledger, makes no
rollups, and acknowledges before anything is stored. CPU is that of all processes of each kind, from /proc.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from services import (
    Server,
    cpu_seconds,
    cpu_seconds_of_ended_children,
    ingesting,
    kinds,
    load,
    mosquitto,
    require_exact,
    served,
    wait_until_committed,
)
from traffic import Traffic, registered, sender

from nyttig.store import db

SECONDS_MAX = 180
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
    parser.add_argument("--events", type=int)
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument("--server", choices=kinds(), nargs="+", default=kinds())
    parser.add_argument("--full", action="store_true", help="three rounds of 400,000 events")
    parser.add_argument("--profile", action="store_true", help="where ingest's time goes, by py-spy (slower)")
    arguments = parser.parse_args()
    events = arguments.events or (400_000 if arguments.full else 100_000)
    print(f"{events} events of {arguments.devices} devices, one per message; {load()} before\n")
    print(f"{'':47} {'events/s':>9}   {'reader':>7} {'database':>9} {'broker':>7}  µs of CPU per event")
    for kind in arguments.server * (3 if arguments.full else 1):
        with served(kind) as server:
            ours = measure_nyttig(server, events, arguments.devices, profile=arguments.profile)
            floor = measure_floor(server, events, arguments.devices)
        for one in (ours, floor):
            cpu = [
                seconds / one.events * 1e6 for seconds in (one.reader_cpu, one.database_cpu, one.broker_cpu)
            ]
            print(f"{one.name:47} {one.rate:9.0f}   {cpu[0]:7.1f} {cpu[1]:9.1f} {cpu[2]:7.1f}")
        print(f"{'  ratio':47} {ours.rate / floor.rate:9.2f}     ({load()})", flush=True)
    return 0


def measure_nyttig(server: Server, events: int, devices: int, *, profile: bool) -> Measured:
    """What `nyttig ingest` does with `events` messages, checked to be exact."""
    registered(devices)
    with (
        mosquitto() as (port, broker),
        sender(port, Traffic(events, devices)) as (go, _),
        ingesting(port) as ingest,
        tempfile.TemporaryDirectory(prefix="nyttig-bench-") as folder,
    ):
        stacks = Path(folder) / "stacks"
        spy = spying(ingest.pid, stacks) if profile else None
        pids = (ingest.pid, server.pid, broker)
        before = [cpu_seconds(pid) for pid in pids]
        began = time.monotonic()
        go.set()
        with db.connect(autocommit=True) as connection:
            wait_until_committed(connection, events, SECONDS_MAX)
        seconds = time.monotonic() - began
        used = [cpu_seconds(pid) - was for pid, was in zip(pids, before, strict=True)]
        if spy is not None:
            ingest.stop()
            spy.wait(60)
            print_profile(stacks)
    require_exact(events)
    return Measured(f"nyttig ingest, {server.name}", events, seconds, *used)


def measure_floor(server: Server, events: int, devices: int) -> Measured:
    """What mosquitto_sub and psql do with as many messages that need no decoding."""
    with db.connect() as connection:
        connection.execute("CREATE TABLE floor AS SELECT " + COLUMNS + " FROM events LIMIT 0")
        connection.commit()
    traffic = Traffic(events, devices, ready_for_copy=True)
    with mosquitto() as (port, broker), sender(port, traffic) as (go, _):
        subscriber = subprocess.Popen(
            ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-q", "1", "-i", "floor", "-c", "-V", "mqttv5",
             "-D", "connect", "receive-maximum", "12000", "-t", "wt/#", "-C", str(events)],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        copier = subprocess.Popen(
            ["psql", "-q", "-X", "-c", f"COPY floor ({COLUMNS}) FROM STDIN"], stdin=subscriber.stdout
        )
        assert subscriber.stdout is not None
        subscriber.stdout.close()
        time.sleep(1)
        before = [cpu_seconds(pid) for pid in (server.pid, broker)]
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
        used = [cpu_seconds(pid) - was for pid, was in zip((server.pid, broker), before, strict=True)]
        reader = cpu_seconds_of_ended_children() - readers
    with db.connect() as connection:
        row = connection.execute("SELECT count(*) FROM floor").fetchone()
        assert row == (events,), f"the floor lost events: {row}"
    return Measured(f"mosquitto_sub | psql COPY, {server.name}", events, seconds, reader, *used)


def spying(pid: int, stacks: Path) -> subprocess.Popen[bytes]:
    """py-spy samples the process's stacks, where it is not waiting, until it ends."""
    found = shutil.which("py-spy")
    if found is None:
        raise SystemExit("--profile needs py-spy on PATH: pip install py-spy, in an environment of its own")
    spy = subprocess.Popen(
        [found, "record", "--pid", str(pid), "--nonblocking", "--function", "--rate", "250", "--format", "raw",
         "--output", str(stacks), "--duration", "600"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(2)
    return spy


def print_profile(stacks: Path) -> None:
    """The functions in which the main loop's samples lie, below themselves (cumulative) and in themselves alone."""
    alone: Counter[str] = Counter()
    within: Counter[str] = Counter()
    total = 0
    for line in stacks.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        if not any(frame.startswith("Ingestor.step") for frame in frames):
            continue
        total += int(count)
        alone[frames[-1]] += int(count)
        within.update(dict.fromkeys(frames, int(count)))
    for title, counted in (("with what it calls", within), ("alone", alone)):
        print(f"\n{title:>20}  of {total} samples")
        for frame, samples in counted.most_common(22):
            print(f"{samples / total:19.1%}  {frame[:100]}")


if __name__ == "__main__":
    sys.exit(main())
