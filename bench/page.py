"""What the pages of a trial cost: python bench/page.py [--homes N ...] [--days N] [--rounds N] [--trial ID]

Asks the API for everything that a trial's page shows, request by request as the page does and round after round, as when
it is left open; a page asks again every half minute, here every few seconds. The trials are those of bench/report.py, up
to now, with raw events of the last days, which the health of devices is judged by. Prints for each request how long the
first one takes after the API was started, and median and 95th percentile of the others, in ms and as multiples of the
floor: a request that is answered without looking at anything. `--trial` asks about one in the database that PG* name.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
from report import fill, registered
from services import api, load, served

from nyttig.folding import fold_all
from nyttig.store import db, platform

MESSAGES = timedelta(days=9)
"""Raw events so far back: the health of a device is judged by its last eight days."""


def main() -> int:
    """The tables have been printed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--homes", type=int, nargs="+", default=[10, 100])
    parser.add_argument("--days", type=int, default=180)
    parser.add_argument(
        "--rounds", type=int, default=20, help="how often the page is looked at (default: %(default)s)"
    )
    parser.add_argument("--pause", type=float, default=5.0, help="seconds between (default: %(default)s)")
    parser.add_argument("--trial", help="of the database that PG* name, instead of one made here")
    arguments = parser.parse_args()
    if arguments.trial:
        print_table(arguments.trial, arguments.rounds, arguments.pause)
        return 0
    for homes in arguments.homes:
        with served("embedded"):
            filled(homes, arguments.days)
            print(f"\n{homes:,} homes with five devices, {arguments.days} days\n")
            print_table("bench", arguments.rounds, arguments.pause)
    return 0


def filled(homes: int, days: int) -> None:
    """The database has a trial up to now, folded, every device heard within the hour, and an ingestor at work."""
    now = datetime.now(UTC)
    until = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    starts = now.date() - timedelta(days=days - 1)
    registered(homes, days, False, starts=starts)
    fill(until, 1, starts=starts)
    with db.connect() as connection:
        connection.execute(
            """
            INSERT INTO events (device_id, at, received_at, device_time, type, origin, boot_id, seq, late, health)
            SELECT id, at, at, at, 'health', 'citizen', 'b0', row_number() OVER (PARTITION BY id ORDER BY at), false,
                   '{"rssi_dbm": -64}'
            FROM (SELECT id, %s - n * interval '1 hour' - id %% 50 * interval '1 minute' AS at
                  FROM devices CROSS JOIN generate_series(0, %s) n) heard ORDER BY at
            """,
            (now, MESSAGES // timedelta(hours=1)),
        )
        connection.execute(
            "INSERT INTO ledger (device_id, boot_id, seqs, received_total, first_received_at, last_received_at)"
            " SELECT device_id, 'b0', int8multirange(int8range(1, count(*) + 1)), count(*), min(at), max(at)"
            " FROM events GROUP BY 1"
        )
        platform.started(connection, "nyttig-ingest", now)
        platform.beat(connection, "nyttig-ingest", now + timedelta(hours=1), connected=True)
        connection.commit()
        fold_all(connection, now)
    with db.connect(autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")


def print_table(trial: str, rounds: int, pause: float) -> None:
    """One table: each request, and all that the page asks for when it is opened."""
    with api() as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
        wait_until_ready(client)
        home = None
        first: dict[str, float] = {}
        later: dict[str, list[float]] = {}
        floors = [asked(client, "/v1/health/live") for _ in range(50)][10:]
        floor = statistics.median(floors)
        for _ in range(rounds + 1):
            for name, path in requests(trial, home):
                seconds = asked(client, path)
                if name not in first:
                    first[name] = seconds
                else:
                    later.setdefault(name, []).append(seconds)
            if home is None:
                home = client.get(f"/v1/trials/{trial}/report").json()["homes"][0]["home"]
            time.sleep(pause)
        print(f"{load()}; floor {floor * 1000:.1f} ms, 95th percentile {percentile(floors) * 1000:.1f} ms\n")
        print(
            "| request | first, ms | median, ms | 95th percentile, ms | × floor |\n|---|---:|---:|---:|---:|"
        )
        for name, seconds in later.items():
            middle, most = statistics.median(seconds), percentile(seconds)
            print(
                f"| {name} | {first[name] * 1000:.0f} | {middle * 1000:.0f} | {most * 1000:.0f} | {most / floor:.0f} |",
                flush=True,
            )
        opened = [sum(parts) for parts in zip(*(later[name] for name in OPENED), strict=False)]
        print(
            f"| **all when the page is opened** | {sum(first[name] for name in OPENED) * 1000:.0f}"
            f" | {statistics.median(opened) * 1000:.0f} | {percentile(opened) * 1000:.0f} | {percentile(opened) / floor:.0f} |"
        )


OPENED = ("report", "periods", "calls")
"""What the page needs when it is opened; the others are asked for by who opens a section of it."""


def requests(trial: str, home: str | None) -> Iterator[tuple[str, str]]:
    """Name and address of everything that the trial's page may ask, in its order."""
    of = f"/v1/trials/{trial}"
    yield "report", f"{of}/report"
    yield "periods", f"{of}/periods"
    yield "calls", f"{of}/calls"
    yield "explain", f"{of}/explain"
    yield "explain one figure", f"{of}/explain/use_day_rate"
    yield "benefit", f"{of}/benefit"
    yield "threshold changes", f"{of}/threshold-changes"
    yield "overview of trials", "/v1/trials"
    if home is not None:
        last_week = (datetime.now(UTC).date() - timedelta(days=7)).isoformat()
        yield "days of one home", f"{of}/days?home={home}"
        yield "unknown days, last week", f"{of}/days?state=K&from_day={last_week}"
        yield "one home", f"{of}/homes/{home}"


def asked(client: httpx.Client, path: str) -> float:
    """Seconds until the whole answer has come."""
    began = time.perf_counter()
    response = client.get(path)
    seconds = time.perf_counter() - began
    if response.status_code != 200:
        raise SystemExit(f"{path}: {response.status_code} {response.text[:300]}")
    return seconds


def wait_until_ready(client: httpx.Client) -> None:
    """The API answers from the database."""
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(httpx.TransportError):
            if client.get("/v1/quarantine").status_code == 200:
                return
        if time.monotonic() > deadline:
            raise SystemExit("the API did not come up")
        time.sleep(0.1)


def percentile(seconds: list[float], share: float = 0.95) -> float:
    """The smallest value that so large a share does not exceed."""
    return sorted(seconds)[max(-(-len(seconds) * share // 1), 1).__int__() - 1]


if __name__ == "__main__":
    sys.exit(main())
