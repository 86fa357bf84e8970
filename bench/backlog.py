"""How fast a backlog drains, and in how much memory: python bench/backlog.py [--messages N] [--full]

Messages wait in Mosquitto under the session of an ingestor that is not running; then it starts. `most memory` is the
most that its process ever held (VmHWM), of which about half stands there before the first message. In the last round
the database is stopped a second after the start and stays away for a while, with the backlog pressing.
"""

from __future__ import annotations

import argparse
import sys
import time

from services import (
    Ingest,
    Server,
    kinds,
    load,
    mosquitto,
    peak_mb,
    require_exact,
    served,
    wait_until_committed,
)
from traffic import Traffic, registered, sender

from nyttig.store import db

DEVICES = 200
SECONDS_MAX = 1_200.0
MEMORY_MB_MAX = 300.0
ROUNDS = {
    "small": (130, 1.0, 0.0),
    "large": (1024, 1.0, 0.0),
    "away": (1024, 1.0, 20.0),
    "huge": (65_536, 0.02, 0.0),
}
"""Bytes of each payload, share of the messages, and seconds for which the database is away."""


def main() -> int:
    """The table has been printed; 1 when the process held more memory than it may."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int)
    parser.add_argument("--full", action="store_true", help="2,000,000 messages")
    parser.add_argument("--server", choices=kinds(), nargs="+", default=kinds())
    parser.add_argument("--round", choices=list(ROUNDS), nargs="+", default=list(ROUNDS))
    arguments = parser.parse_args()
    messages = arguments.messages or (2_000_000 if arguments.full else 200_000)
    print(f"{messages} messages of {DEVICES} devices waiting; {load()} before\n")
    print(f"{'':58} {'events/s':>9} {'most memory':>12}")
    most = 0.0
    for kind in arguments.server:
        for name in arguments.round:
            payload_bytes, share, away_seconds = ROUNDS[name]
            if away_seconds and kind != "embedded":
                continue  # only the embedded one can be stopped from here
            with served(kind) as server:
                traffic = Traffic(round(messages * share), DEVICES, payload_bytes=payload_bytes)
                rate, peak = measure(server, traffic, away_seconds)
            away = f", database away for {away_seconds:.0f} s" if away_seconds else ""
            line = f"{server.name}, {traffic.events} of {payload_bytes} bytes{away}"
            print(f"{line:58} {rate:9.0f} {peak:9.0f} MB   ({load()})", flush=True)
            most = max(most, peak)
    return int(most >= MEMORY_MB_MAX)


def measure(server: Server, traffic: Traffic, away_seconds: float) -> tuple[float, float]:
    """Events per second from the connection to the last commit (less the time away), and the most memory in MB."""
    registered(traffic.devices)
    with mosquitto() as (port, _):
        ingest = Ingest(port)
        try:
            ingest.start()
            ingest.stop()  # the broker keeps its session
            with sender(port, traffic) as (go, done):
                go.set()
                if not done.wait(SECONDS_MAX):
                    raise SystemExit("the broker did not take the messages")
            ingest.start()
            began = time.monotonic()
            if away_seconds and server.embedded is not None:
                time.sleep(1)
                server.embedded.stop()
                time.sleep(away_seconds)
                server.embedded.start()
                ingest_waits = time.monotonic()
                while "the database is back" not in ingest.log():
                    time.sleep(0.05)
                away_seconds += time.monotonic() - ingest_waits
            with db.connect(autocommit=True) as connection:
                wait_until_committed(connection, traffic.events, SECONDS_MAX)
            rate = traffic.events / (time.monotonic() - began - away_seconds)
            peak = peak_mb(ingest.pid)
        finally:
            ingest.stop()
    require_exact(traffic.events)
    return rate, peak


if __name__ == "__main__":
    sys.exit(main())
