"""What a long history costs: python bench/history.py [--millions N ...] [--server KIND] [--full]

The events table is filled by SQL with one event of each of 1,000 devices every five minutes, as far back as it takes,
with the ledger and the rollups that belong to it. Then, for each size: one refresh of the current hour of all 1,000
devices; one of 1,000 hours anywhere in the history, as late data touches them; what `nyttig ingest` appends at full
speed; and how long after its commit an event stands in its rollup meanwhile. 100 million events need about 20 GB of
disk below the temporary folder and some minutes.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import threading
import time
from bisect import bisect_left
from datetime import UTC, datetime

from services import (
    Kind,
    committed,
    ingesting,
    kinds,
    load,
    mosquitto,
    served,
    wait_until_committed,
)
from traffic import Traffic, registered, sender

from nyttig.store import db, rollups

DEVICES = 1_000
APPENDED = 100_000
GB_PER_MILLION = 0.2
GB_TO_LEAVE = 10
SECONDS_MAX = 300.0


def main() -> int:
    """The table has been printed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--millions", type=int, nargs="+")
    parser.add_argument("--server", choices=kinds(), nargs="+", default=kinds())
    parser.add_argument("--full", action="store_true", help="1, 10 and 100 million events")
    arguments = parser.parse_args()
    sizes = arguments.millions or ([1, 10, 100] if arguments.full else [1])
    print(f"{DEVICES} devices; {load()} before\n")
    print(
        f"{'':32} {'filled':>8} {'on disk':>8}   {'refresh of 1,000 hours':^22}  {'appends':>9}   {'until in the rollup':^19}"
    )
    print(
        f"{'':32} {'s':>8} {'GB':>8}   {'now, ms':>10} {'anywhere':>11}  {'events/s':>9}   {'p50, s':>9} {'most':>9}"
    )
    for kind in arguments.server:
        for millions in sizes:
            free = shutil.disk_usage("/tmp").free / 1e9
            if millions * GB_PER_MILLION > free - GB_TO_LEAVE:
                print(f"{millions} million events: left out, only {free:.0f} GB of disk are free")
                continue
            measure(kind, millions)
    return 0


def measure(kind: Kind, millions: int) -> None:
    """One line of the table has been printed."""
    with served(kind) as server:
        registered(DEVICES)
        began = time.monotonic()
        fill(millions * 1_000_000 // DEVICES)
        filled = time.monotonic() - began
        with db.connect() as connection:
            now = [refresh_seconds(connection, anywhere=False) for _ in range(6)][1:]
            anywhere = [refresh_seconds(connection, anywhere=True) for _ in range(6)][1:]
            row = connection.execute("SELECT pg_database_size(current_database()) / 1e9").fetchone()
            assert row is not None
        rate, waits = append()
        waits.sort()
        print(
            f"{f'{server.name}, {millions} M events':32} {filled:8.0f} {row[0]:8.1f}   "
            f"{statistics.median(now) * 1000:10.0f} {statistics.median(anywhere) * 1000:11.0f}  {rate:9.0f}   "
            f"{waits[len(waits) // 2]:9.1f} {waits[-1]:9.1f}   ({load()})",
            flush=True,
        )


def fill(events_per_device: int) -> None:
    """So many events of each device stand in the store, the last of them five minutes ago, with ledger and rollups."""
    with db.connect() as connection:
        connection.execute("SET maintenance_work_mem = '1GB'")
        indexes = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'events' AND schemaname = 'public'"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(b'DROP INDEX "%s"' % name.encode())
        # A table emptied in the same transaction needs no write-ahead log for what then comes in.
        connection.execute("TRUNCATE events")
        connection.execute(
            """
            INSERT INTO events (device_id, at, received_at, device_time, type, value, unit, origin, boot_id, seq, late)
            SELECT d.id, t.at, t.at, t.at, 'dose_taken', 1, 'dose', 'citizen', 'b0', t.seq, false
            FROM (SELECT n - 1 AS seq, date_trunc('minute', now()) - (%(count)s + 1 - n) * interval '5 minutes' AS at
                  FROM generate_series(1, %(count)s) n) t
            CROSS JOIN devices d
            """,
            {"count": events_per_device},
        )
        for _, definition in indexes:
            connection.execute(definition.encode())
        connection.execute(
            """
            INSERT INTO ledger (device_id, boot_id, seqs, received_total, first_received_at, last_received_at)
            SELECT id, 'b0', int8multirange(int8range(0, %(count)s)), %(count)s,
                   now() - %(count)s * interval '5 minutes', now()
            FROM devices
            """,
            {"count": events_per_device},
        )
        connection.execute(
            """
            INSERT INTO rollups (device_id, hour, events_total, alive_minutes, uses, use_minutes, other_uses)
            SELECT d.id, h.hour, h.events, h.minutes, h.events, h.minutes, 0
            FROM (SELECT date_trunc('hour', at, 'UTC') AS hour, count(*) AS events,
                         bit_or(1::bigint << extract(minute FROM at)::integer) AS minutes
                  FROM events WHERE device_id = (SELECT min(id) FROM devices) GROUP BY 1) h
            CROSS JOIN devices d
            """
        )
        connection.commit()
    with db.connect(autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) events")
        connection.execute("VACUUM (ANALYZE) rollups")
        connection.execute("CHECKPOINT")


def refresh_seconds(connection: db.Session, *, anywhere: bool) -> float:
    """How long one refresh took for 1,000 marks: of all devices' current hour, or of any hour of each."""
    connection.execute(
        """
        INSERT INTO touched
        SELECT d.id, date_trunc('hour', now() - CASE WHEN %s THEN random() ELSE 0 END * (now() - since.at), 'UTC')
        FROM devices d CROSS JOIN (SELECT min(hour) AS at FROM rollups WHERE device_id = (SELECT min(id) FROM devices)) since
        """,
        (anywhere,),
    )
    connection.commit()
    began = time.monotonic()
    assert rollups.refresh(connection) == DEVICES
    return time.monotonic() - began


def append() -> tuple[float, list[float]]:
    """Events per second at full speed, and seconds from commit to rollup, sampled meanwhile."""
    over = threading.Event()
    samples: list[tuple[float, int, int]] = []

    def watch() -> None:
        with db.connect(autocommit=True) as connection:
            while not over.is_set():
                stored = committed(connection)
                row = connection.execute(
                    "SELECT sum(events_total) FROM rollups WHERE device_id = ANY (SELECT id FROM devices) AND hour >= %s",
                    (since,),
                ).fetchone()
                assert row is not None
                samples.append((time.monotonic(), stored, int(row[0] or 0)))
                over.wait(0.1)

    since = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with mosquitto() as (port, _), sender(port, Traffic(APPENDED, DEVICES)) as (go, _), ingesting(port):
        watcher = threading.Thread(target=watch)
        watcher.start()
        began = time.monotonic()
        go.set()
        with db.connect(autocommit=True) as connection:
            wait_until_committed(connection, APPENDED, SECONDS_MAX)
            seconds = time.monotonic() - began
            while rollups.waiting(connection):
                time.sleep(0.1)
        time.sleep(0.5)
        over.set()
        watcher.join()
    before = samples[0][2] - samples[0][1]
    rolled = [total - before for _, _, total in samples]
    waits = []
    for at, stored, _ in samples:
        place = bisect_left(rolled, stored)
        if stored > 0 and place < len(samples):
            waits.append(max(0.0, samples[place][0] - at))
    return APPENDED / seconds, waits


if __name__ == "__main__":
    sys.exit(main())
