"""What a report costs: python bench/report.py [--homes N ...] [--days N ...] [--events N ...] [--full]

A trial of a technology used on demand, with five primary devices a home, is put straight into the store: its rollups
are made by SQL, as many as that number of events for each device-hour would have left (raw events a report never
reads), the folds by the same code that folds behind `nyttig ingest`. Then, for each size: how long
`nyttig report TRIAL --json` takes as a process of its own and the most memory that it holds, right after the database
has been started anew (it then has nothing in its own memory) and twice more. 1,000 homes and 365 days are 43.8 million
rollups, about 7 GB of disk below the temporary folder, and several minutes to make.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock

from services import PROJECT, load, peak_mb, served

from nyttig.folding import fold_all
from nyttig.model import Device, Home, Pause, Placement, Schedule, Trial, TrialPackage
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, migrate, platform, registry
from nyttig.store.platform import Outage

STARTS = date(2025, 6, 2)
PLACED_AT_HOUR = 6
DEVICES = 5
UNITS = tuple(f"Unit {n}" for n in range(1, 11))


def main() -> int:
    """The table has been printed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--homes", type=int, nargs="+", default=[10, 100])
    parser.add_argument("--days", type=int, nargs="+", default=[30, 180])
    parser.add_argument("--events", type=int, nargs="+", default=[1, 10], help="of each device-hour")
    parser.add_argument(
        "--scheduled", action="store_true", help="a trial of medicine dispensers, three doses a day"
    )
    parser.add_argument(
        "--outages", type=int, default=1, help="of the platform, two hours each, that lost data"
    )
    parser.add_argument("--full", action="store_true", help="10, 100, 1000 homes; 30, 180, 365 days")
    arguments = parser.parse_args()
    homes, days = ([10, 100, 1000], [30, 180, 365]) if arguments.full else (arguments.homes, arguments.days)
    print(f"{load()} before\n")
    print(
        "| homes | days | events per device-hour | rollups, millions | folds, MB | folding, s | first call, s | again, s |"
        " processor, s | memory, MB | load |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    )
    for many in homes:
        for long in days:
            for events in arguments.events:
                print(measured(many, long, events, arguments.scheduled, arguments.outages), flush=True)
    return 0


def measured(homes: int, days: int, events: int, scheduled: bool, outages: int) -> str:
    """One row of the table."""
    with served("embedded") as server:
        now = registered(homes, days, scheduled, lossy_outages=outages)
        rows = fill(now, events)
        began = time.monotonic()
        with db.connect() as connection:
            fold_all(connection, now)
            folding = time.monotonic() - began
            size = connection.execute("SELECT pg_total_relation_size('folds') / 1e6").fetchone()
            assert size is not None
        with db.connect(autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE) folds")
        assert server.embedded is not None
        server.embedded.stop()
        server.embedded.start()
        os.environ.update(server.embedded.environment())
        calls = [call(now) for _ in range(3)]
    again = min(calls[1:])
    return (
        f"| {homes:,} | {days} | {events} | {rows / 1e6:.1f} | {size[0]:.0f} | {folding:.0f} | **{calls[0][0]:.2f}** |"
        f" {again[0]:.2f} | {again[1]:.2f} | {max(call[2] for call in calls):.0f} | {os.getloadavg()[0]:.1f} |"
    )


def call(now: datetime) -> tuple[float, float, float]:
    """Seconds, processor seconds and MB of `nyttig report` as a process of its own."""
    with tempfile.TemporaryFile() as output:
        command = [
            sys.executable,
            "-m",
            "nyttig.cli",
            "report",
            "bench",
            "--json",
            "--as-of",
            now.isoformat(),
            "--known",  # it was registered a moment ago
            "now",
        ]
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=output, cwd=PROJECT)
        memory = 0.0
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            with contextlib.suppress(SystemExit):  # it has just ended
                memory = max(memory, peak_mb(process.pid))  # what wait4 tells includes ours before the exec
            time.sleep(0.005)
        seconds = time.monotonic() - began
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode or output.seek(0, os.SEEK_END) < 1000:
            raise SystemExit(f"the report failed with {process.returncode}")
    return seconds, usage.ru_utime + usage.ru_stime, memory


def registered(
    homes: int, days: int, scheduled: bool, *, starts: date = STARTS, lossy_outages: int = 1
) -> datetime:
    """The database has our schema and the trial; returns the moment of the report, an afternoon of its last day.

    One home in twenty has ended, one had a pause, one had a device changed; the platform was away so many times, and what
    was sent meanwhile did not all arrive later.
    """
    migrate.migrate()
    technology = "medicine_dispenser" if scheduled else "feeding_robot"
    trial = Trial("bench", "Bench", None, UNITS, technology, "Europe/Oslo", "NOK", starts)
    placed = datetime(starts.year, starts.month, starts.day, PLACED_AT_HOUR, tzinfo=UTC)
    now = placed + timedelta(days=days - 1, hours=9)
    home_rows, devices, placements, pauses = [], [], [], []
    for n in range(homes):
        ended = starts + timedelta(days=days * 2 // 3) if n % 20 == 1 else None
        reason = "stopped_using" if ended else None
        home_rows.append(
            Home(f"h{n:04}", "home", UNITS[n % len(UNITS)], starts, starts, starts, ended, reason)  # type: ignore[arg-type]  # a literal
        )
        for k in range(DEVICES):
            code = f"d{n:04}-{k}"
            devices.append(Device(code, technology, "nyttig", code, 60.0, "mains", "primary"))
            if n % 20 == 2 and k == 0:  # moved within the trial
                moved = placed + timedelta(days=days // 2)
                placements.append(Placement(code, f"h{n:04}", placed, moved))
                placements.append(Placement(code, f"h{(n + 1) % homes:04}", moved))
            else:
                placements.append(Placement(code, f"h{n:04}", placed))
        if n % 20 == 4:
            pauses.append(
                Pause(f"h{n:04}", placed + timedelta(days=days // 3), placed + timedelta(days=days // 3 + 9))
            )
    schedules = tuple(Schedule(home.home, clock(hour)) for home in home_rows for hour in (8, 13, 20))
    package = TrialPackage(
        trial,
        homes=tuple(home_rows),
        devices=tuple(devices),
        placements=tuple(placements),
        pauses=tuple(pauses),
        schedules=schedules if scheduled else (),
    )
    with db.connect() as connection:
        registry.save(connection, package, builtin_technologies())
        for n in range(lossy_outages):
            away = placed + timedelta(days=days * (n + 1) // (lossy_outages + 1), hours=2)
            platform.record(connection, Outage("session", away, away + timedelta(hours=2), True))
        connection.commit()
    return now


def fill(until: datetime, events: int, *, starts: date = STARTS) -> int:
    """The rollups from when the devices were placed to `until` are there, as they would have come; returns how many.

    A device is not heard in one hour of fifty, and not for a whole day about four times a year. On seven of ten days a
    home uses its devices, each about twice.
    """
    with db.connect() as connection:
        connection.execute("SET maintenance_work_mem = '512MB'")
        connection.execute("ALTER TABLE rollups SET UNLOGGED")  # a benchmark's, and written once
        connection.execute("ALTER TABLE rollups DROP CONSTRAINT rollups_pkey")
        filled = connection.execute(
            """
            INSERT INTO rollups (device_id, hour, events_total, alive_minutes, uses, use_minutes, other_uses)
            SELECT id, hour, %(events)s, alive << shift, used, CASE WHEN used > 0 THEN 1::bigint << shift ELSE 0 END, 0
            FROM generate_series(%(starts)s::timestamptz, %(until)s::timestamptz - interval '1 hour', '1 hour') hour
            CROSS JOIN LATERAL (
                SELECT id, chance %% (60 / %(events)s) AS shift,
                       (chance / 64 %% 8 = 0 AND extract(hour FROM hour) BETWEEN 6 AND 21
                        AND (hashint8(id / %(devices)s * 100003 + extract(day FROM hour)::bigint * 13
                                      + extract(month FROM hour)::bigint * 577) & 1023) %% 10 < 7)::integer AS used
                FROM (SELECT id, hashint8(id * 1000003::bigint + extract(epoch FROM hour)::bigint / 3600) & 1073741823
                                 AS chance
                      FROM devices OFFSET 0) each
                WHERE chance / 1024 %% 50 > 0
                  AND (hashint8(id * 7919::bigint + extract(epoch FROM hour)::bigint / 86400) & 1048575) %% 100 > 0
            ) heard
            CROSS JOIN (SELECT sum(1::bigint << (60 / %(events)s * k))::bigint AS alive
                        FROM generate_series(0, %(events)s - 1) k) pattern
            """,
            {
                "events": events,
                "starts": datetime(starts.year, starts.month, starts.day, PLACED_AT_HOUR, tzinfo=UTC),
                "until": until,
                "devices": DEVICES,
            },
        ).rowcount
        connection.execute("ALTER TABLE rollups ADD PRIMARY KEY (device_id, hour)")
        connection.execute(
            """
            INSERT INTO folds (device_id, period)
            SELECT d.id, p FROM devices d CROSS JOIN (
                SELECT DISTINCT extract(epoch FROM hour)::bigint / 3888000 AS p FROM rollups
                WHERE device_id = (SELECT min(id) FROM devices)) periods
            """
        )
        connection.commit()
    with db.connect(autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) rollups")
        connection.execute("CHECKPOINT")
    return filled


if __name__ == "__main__":
    sys.exit(main())
