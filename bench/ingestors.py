"""What several ingestors on one shared subscription add: python bench/ingestors.py [--events N] [--full]

Each has its own client id and `$share/nyttig/wt/v1/#`; the broker deals the messages out among them. In the last round
one of two is killed halfway and started again. After each round everything is stored once, or the measurement is void.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time

from services import (
    Server,
    committed,
    cpu_seconds,
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

SECONDS_MAX = 300.0
SHARED = "nyttig=$share/nyttig/wt/v1/#"
ALONE = "nyttig=wt/v1/#"


def main() -> int:
    """The table has been printed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int)
    parser.add_argument("--devices", type=int, nargs="+")
    parser.add_argument("--server", choices=kinds(), nargs="+", default=kinds())
    parser.add_argument("--full", action="store_true", help="400,000 events of 200 and of 10,000 devices")
    arguments = parser.parse_args()
    events = arguments.events or (400_000 if arguments.full else 100_000)
    print(f"{events} events; {load()} before\n")
    print(f"{'':62} {'events/s':>9}   {'readers':>7} {'database':>9} {'broker':>7}  µs of CPU per event")
    for kind in arguments.server:
        for devices in arguments.devices or ([200, 10_000] if arguments.full else [200]):
            for sources in ([ALONE], [SHARED], [SHARED] * 2, [SHARED] * 4):
                show(kind_name(sources), *measure_on(kind, events, devices, sources, kill=False), devices)
            show(
                "2, one killed halfway", *measure_on(kind, events, devices, [SHARED] * 2, kill=True), devices
            )
    return 0


def kind_name(sources: list[str]) -> str:
    """How many, and whether they share."""
    return "1, not sharing" if sources == [ALONE] else f"{len(sources)}, sharing"


def show(what: str, server: str, rate: float, cpu: list[float], devices: int) -> None:
    """One line of the table."""
    name = f"{server}, {devices} devices: {what}"
    print(f"{name:62} {rate:9.0f}   {cpu[0]:7.1f} {cpu[1]:9.1f} {cpu[2]:7.1f}   ({load()})", flush=True)


def measure_on(
    kind: str, events: int, devices: int, sources: list[str], *, kill: bool
) -> tuple[str, float, list[float]]:
    """The server's name, events per second, and µs of CPU per event of ingestors, database and broker."""
    with served(kind) as server:  # type: ignore[arg-type]  # kinds() made it
        rate, cpu = measure(server, events, devices, sources, kill=kill)
    return server.name, rate, cpu


def measure(
    server: Server, events: int, devices: int, sources: list[str], *, kill: bool
) -> tuple[float, list[float]]:
    """Events per second and µs of CPU per event, with as many ingestors as there are sources."""
    registered(devices)
    with contextlib.ExitStack() as running:
        port, broker = running.enter_context(mosquitto())
        ingestors = [
            running.enter_context(ingesting(port, f"ingest-{n}", source))
            for n, source in enumerate(sources, 1)
        ]
        go, _ = running.enter_context(sender(port, Traffic(events, devices)))
        connection = running.enter_context(db.connect(autocommit=True))
        pids = [*(one.pid for one in ingestors), server.pid, broker]
        before = {pid: cpu_seconds(pid) for pid in pids}
        began = time.monotonic()
        go.set()
        if kill:
            while committed(connection) < events / 2:
                time.sleep(0.01)
            before.pop(ingestors[0].pid)
            ingestors[0].kill()
            ingestors[0].start()
        wait_until_committed(connection, events, SECONDS_MAX)
        seconds = time.monotonic() - began
        used = {pid: (cpu_seconds(pid) - was) / events * 1e6 for pid, was in before.items()}
    require_exact(events)
    readers = sum(cpu for pid, cpu in used.items() if pid not in (server.pid, broker))
    return events / seconds, [readers, used[server.pid], used[broker]]


if __name__ == "__main__":
    sys.exit(main())
