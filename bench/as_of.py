"""What a report of an earlier day costs: python bench/as_of.py [--homes N] [--days N]

A trial with five devices a home is put straight into the store: a message every ten minutes of each device, numbered, one in
two hundred lost and one in a hundred up to three days late; then rollups and folds as the refresher makes them. For some
days back: the report as it is known now and as it was known then, each the faster of two, in this process.
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime, timedelta

from report import STARTS, registered
from services import load, served

from nyttig.folding import fold_all
from nyttig.report import Known, report
from nyttig.store import db, rollups

BACK_DAYS = (1, 7, 30)


def main() -> int:
    """The table has been printed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--homes", type=int, default=10)
    parser.add_argument("--days", type=int, default=60)
    arguments = parser.parse_args()
    with served("embedded"):
        now = registered(arguments.homes, arguments.days, scheduled=False)
        events = fill(now)
        print(
            f"{arguments.homes} homes, {arguments.days} days, {events / 1e6:.1f} million events; {load()}\n"
        )
        print("| days back | came later | known now, s | known then, s |\n|---:|---:|---:|---:|")
        with db.connect() as connection:
            for back in BACK_DAYS:
                then = now - timedelta(days=back)
                known_now, _ = took(connection, then, Known())
                known_then, later = took(connection, then, Known("then", then))
                print(f"| {back} | {later:,} | {known_now:.2f} | {known_then:.2f} |")
    return 0


def fill(now: datetime) -> int:
    """Events up to `now` are there, with their rollups and folds; returns how many."""
    with db.connect() as connection:
        stored = connection.execute(
            """
            INSERT INTO events (device_id, at, received_at, device_time, type, origin, boot_id, seq, late)
            SELECT id, at, at + delay, at, CASE WHEN n %% 100 = 0 THEN 'spoon_cycle' ELSE 'health' END, 'citizen', 'b1', n,
                   delay > interval '10 minutes'
            FROM (SELECT d.id, n, %(starts)s + n * interval '10 minutes' AS at,
                         CASE WHEN random() < 0.01 THEN random() * interval '3 days'
                              ELSE random() * interval '20 seconds' END AS delay
                  FROM devices d CROSS JOIN generate_series(1, %(messages)s) n WHERE random() < 0.995) sent
            """,
            {
                "starts": datetime(STARTS.year, STARTS.month, STARTS.day, tzinfo=UTC),
                "messages": (now.date() - STARTS).days * 144,
            },
        ).rowcount
        connection.execute(
            """
            INSERT INTO ledger (device_id, boot_id, seqs, received_total, first_received_at, last_received_at)
            SELECT device_id, boot_id, range_agg(int8range(seq, seq + 1)), count(*), min(received_at), max(received_at)
            FROM events GROUP BY 1, 2
            """
        )
        connection.execute(
            "INSERT INTO touched SELECT DISTINCT device_id, date_trunc('hour', at, 'UTC') FROM events"
        )
        connection.execute("ANALYZE events")
        connection.commit()
        rollups.refresh_all(connection)
        fold_all(connection, now)
        connection.execute("ANALYZE")
        connection.commit()
    return stored


def took(connection: db.Session, then: datetime, known: Known) -> tuple[float, int]:
    """Seconds of the faster of two reports, and how many events came later."""
    seconds = []
    for _ in range(2):
        began = time.monotonic()
        made = report(connection, "bench", then, known)
        connection.commit()
        seconds.append(time.monotonic() - began)
    return min(seconds), made.arrived_later_total


if __name__ == "__main__":
    raise SystemExit(main())
