"""How long until a message can be seen: python bench/latency.py [--seconds N] [--per-second N ...]

A publisher stamps each message as it sends it. From then until it stands committed in the events, in its rollup, and
in what the API answers about its device and about its trial. Each is looked for by a reader that asks again a few
milliseconds after each answer, over a connection of its own; what a reader's own question takes is in the figure.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import threading
import time
from bisect import bisect_left
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from services import api, ingesting, kinds, load, mosquitto, require_exact, served
from traffic import PROBE, Traffic, registered, sender

from nyttig.store import db

DEVICES = 50
HALF_A_MICROSECOND = 5e-7  # seconds since 1970 as a float are exact to half of that
Seen = list[tuple[datetime, float]]
"""When an answer came (UTC), and what it said."""


def main() -> int:
    """The table has been printed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--per-second", type=int, nargs="+")
    parser.add_argument("--server", choices=kinds(), nargs="+", default=kinds())
    parser.add_argument(
        "--full", action="store_true", help="60 s each at 1, 1,000, 5,000 and 10,000 per second"
    )
    arguments = parser.parse_args()
    seconds = arguments.seconds or (60 if arguments.full else 12)
    rates = arguments.per_second or ([1, 1_000, 5_000, 10_000] if arguments.full else [1_000])
    print(f"{seconds} s each, {DEVICES} devices; {load()} before\n")
    print(
        f"{'events/s, until the message is':50} {'messages':>8}  {'p50':>6} {'p95':>6} {'p99':>6} {'most':>6}  ms"
    )
    for kind in arguments.server:
        for rate in rates:
            with served(kind) as server:
                measured = measure(seconds, rate)
            print(f"{rate}, {server.name} ({load()})")
            for name, waits in measured.items():
                waits.sort()
                shown = " ".join(f"{_quantile(waits, share) * 1000:6.0f}" for share in (0.5, 0.95, 0.99, 1.0))
                print(f"{'':4}{name:46} {len(waits):8}  {shown}", flush=True)
    return 0


def measure(seconds: int, per_second: int) -> dict[str, list[float]]:
    """Seconds that each of the probe's messages took to be seen, by where it was looked for."""
    registered(DEVICES)
    events = seconds * per_second
    traffic = Traffic(events, DEVICES, per_second=per_second)
    over = threading.Event()
    with mosquitto() as (port, _), ingesting(port), api() as api_port, sender(port, traffic) as (go, done):
        readers = {
            "committed": Reader(committed_reader(), 0.005, over),
            "in its rollup": Reader(rollup_reader(), 0.02, over),
            "in the API's answer about its device": Reader(device_reader(api_port), 0.02, over),
            "in the API's report of its trial": Reader(report_reader(api_port), 0.1, over),
        }
        go.set()
        done.wait(seconds + 60)
        time.sleep(6)
        over.set()
        for reader in readers.values():
            reader.join()
    require_exact(events)
    with db.connect() as connection:
        query = "SELECT device_time, at FROM events JOIN devices ON id = device_id AND code = %s ORDER BY seq"
        stamps = [row[0] for row in connection.execute(query, (PROBE,)).fetchall()]
        every = [row[0] for row in connection.execute("SELECT device_time FROM events ORDER BY 1").fetchall()]
    warm = stamps[0].timestamp() + min(2.0, seconds / 4)
    newest = {
        name: waits_until(stamps, readers[name].seen, warm)
        for name in ("committed", "in the API's answer about its device")
    }
    counted = {
        name: waits_until(
            sent, [(at, sent[int(n) - 1].timestamp()) for at, n in readers[name].seen if n], warm
        )
        for name, sent in (("in its rollup", stamps), ("in the API's report of its trial", every))
    }
    return newest | counted


class Reader(threading.Thread):
    """Asks `question` again `pause` seconds after each answer, until it is over; keeps each new answer with its time."""

    def __init__(self, question: Callable[[], float | None], pause: float, over: threading.Event) -> None:
        super().__init__(daemon=True)
        self._question, self._pause, self._over = question, pause, over
        self.seen: Seen = []
        self.start()

    def run(self) -> None:
        """Until it is over."""
        while not self._over.wait(self._pause):
            answer = self._question()
            if answer is not None and (not self.seen or answer != self.seen[-1][1]):
                self.seen.append((datetime.now(UTC), answer))


def waits_until(stamps: list[datetime], seen: Seen, warm: float) -> list[float]:
    """Seconds from each stamp to the first answer that covers it; answers are the newest moment that they cover."""
    covered = [answer for _, answer in seen]
    waits = []
    for stamp in stamps:
        sent = stamp.timestamp()
        place = bisect_left(covered, sent - HALF_A_MICROSECOND)
        if sent < warm:
            continue
        if place == len(seen):
            raise SystemExit(f"the message of {stamp} was never seen")
        waits.append(seen[place][0].timestamp() - sent)
    return waits


def committed_reader() -> Callable[[], float | None]:
    """The newest moment of the probe's that stands in the events."""
    connection = db.connect(autocommit=True)

    def ask() -> float | None:
        row = connection.execute(
            "SELECT extract(epoch FROM max(at)) FROM events WHERE device_id = (SELECT id FROM devices WHERE code = %s)",
            (PROBE,),
        ).fetchone()
        return None if row is None or row[0] is None else float(row[0])

    return ask


def rollup_reader() -> Callable[[], float | None]:
    """How many of the probe's messages its rollups count."""
    connection = db.connect(autocommit=True)

    def ask() -> float | None:
        row = connection.execute(
            "SELECT sum(events_total) FROM rollups WHERE device_id = (SELECT id FROM devices WHERE code = %s)",
            (PROBE,),
        ).fetchone()
        return None if row is None or row[0] is None else float(row[0])

    return ask


def device_reader(port: int) -> Callable[[], float | None]:
    """When the API says that the probe was last seen."""
    http_get = _getter(port, f"/v1/devices/{PROBE}")

    def ask() -> float | None:
        last_seen_at = http_get().get("last_seen_at")
        return None if last_seen_at is None else datetime.fromisoformat(last_seen_at).timestamp()

    return ask


def report_reader(port: int) -> Callable[[], float | None]:
    """How many messages the API's report of the trial counts."""
    http_get = _getter(port, "/v1/trials/bench/report")
    return lambda: float(http_get()["data"]["events_total"])


def _getter(port: int, path: str) -> Callable[[], dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def get() -> dict[str, Any]:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        assert response.status == 200, body
        content: dict[str, Any] = json.loads(body)
        return content

    return get


def _quantile(ordered: list[float], share: float) -> float:
    """The smallest that `share` of them do not exceed."""
    return ordered[max(0, -(-round(len(ordered) * share * 1000) // 1000) - 1)]


if __name__ == "__main__":
    sys.exit(main())
