"""How soon device health finds a failure, and how often it cries wolf: python bench/device_health.py [--devices N] [--full]

Prints the tables of docs/device-health.md, in Markdown: delays and false alarms of simulated device-years with known
failures behind a platform that restarts, and forecasts of batteries against the day on which each had to be replaced.
With --pages also how long the list of 5,000 devices takes, on both servers.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from services import kinds, load, served
from simulated_years import CURVES, KINDS, Judged, foretold, judged, summed_up
from traffic import registered

from nyttig.device_health import device_health
from nyttig.store import db, platform

LISTED_DEVICES = 5_000


def main() -> int:
    """The tables have been printed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--devices", type=int, default=4, help="of each kind, a year each (default: %(default)s)"
    )
    parser.add_argument("--batteries", type=int, default=20, help="of each curve (default: %(default)s)")
    parser.add_argument("--pages", action="store_true", help="measure the list of 5,000 devices instead")
    parser.add_argument("--full", action="store_true", help="60 devices and 100 batteries")
    arguments = parser.parse_args()
    if arguments.pages:
        pages()
        return 0
    devices, batteries = (60, 100) if arguments.full else (arguments.devices, arguments.batteries)
    print(
        "| device | device-years | failures | found | delay in intervals: least, median, most | false alarms | per device-year"
        " | restarts of ours | false alarms after them |\n|---|---|---|---|---|---|---|---|---|"
    )
    for kind in KINDS:
        print(silence_row(kind.name, judged(kind, range(devices))), flush=True)
    print(
        "\n| what the device says of its battery | days before | forecasts | said | median error, days | median interval, days"
        " | interval held the day |\n|---|---|---|---|---|---|---|"
    )
    for curve in CURVES:
        for one in summed_up(foretold(curve, range(batteries))):
            print(
                f"| {curve.name} | {one.days_before} | {one.forecasts} | {one.said_ratio:.0%} | {one.error_days_median:.0f}"
                f" | {one.width_days_median:.0f} | {one.held_ratio:.0%} |",
                flush=True,
            )
    return 0


def silence_row(name: str, found: Judged) -> str:
    """One line of the table."""
    delays = sorted(found.delays)
    told = f"{delays[0]:.2f}, {median(delays):.2f}, {delays[-1]:.2f}" if delays else "–"
    return (
        f"| {name} | {found.device_years:.0f} | {found.failures} | {len(delays)} | {told} | {found.false_alarms}"
        f" | {found.false_per_device_year:.3f} | {found.restarts} | {found.false_after_restart} |"
    )


def pages() -> None:
    """How long the list of 5,000 devices takes has been printed: when all are heard, and when none is."""
    for kind in kinds():
        with served(kind) as server:
            registered(LISTED_DEVICES)
            with db.connect() as connection:
                now = datetime.now(UTC)
                fill(connection, now)
                hours = timedelta(hours=2)
                for name, at in (("all heard", now), ("none heard for two hours", now + hours)):
                    platform.started(connection, "nyttig-ingest", at)
                    platform.beat(connection, "nyttig-ingest", at, connected=True)
                    times, worked = [], []
                    for _ in range(5):
                        began, busy = time.monotonic(), processor_seconds(connection)
                        found = device_health(connection, at)
                        times.append(time.monotonic() - began)
                        worked.append(processor_seconds(connection) - busy)
                    states = ", ".join(sorted({one.status for one in found.devices}))
                    print(
                        f"{server.name}: {len(found.devices)} devices, {name} ({states}): {median(times):.2f} s, of which"
                        f" {median(worked):.2f} s of a processor, ours and the server's ({load()})",
                        flush=True,
                    )


def processor_seconds(connection: db.Session) -> float:
    """What this process and its server process have worked so far: what the list costs on a machine with nothing else to do."""
    fields = Path(f"/proc/{connection.info.backend_pid}/stat").read_text().rpartition(")")[2].split()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def fill(connection: db.Session, now: datetime) -> None:
    """Each device was heard every day of the last year and every hour of the last four weeks, with battery and signal."""
    connection.execute("UPDATE devices SET power = 'battery'")
    times = """
        SELECT %(now)s - n * interval '1 day' AS at FROM generate_series(29, 365) n
        UNION ALL SELECT %(now)s - n * interval '1 hour' - interval '1 minute' FROM generate_series(0, 28 * 24) n
    """
    connection.execute(
        "INSERT INTO events (device_id, at, received_at, device_time, type, origin, boot_id, seq, late, health)"
        " SELECT d.id, t.at, t.at, t.at, 'health', 'citizen', 'b0', row_number() OVER (PARTITION BY d.id ORDER BY t.at), false,"
        """ '{"battery_pct": 71, "rssi_dbm": -64}' FROM ("""
        + times
        + ") t CROSS JOIN devices d ORDER BY t.at",
        {"now": now},
    )
    connection.execute(
        "INSERT INTO rollups SELECT d.id, date_trunc('hour', t.at, 'UTC'), 1, 1::bigint << extract(minute FROM t.at)::integer,"
        " 0, 0, 0 FROM (" + times + ") t CROSS JOIN devices d ON CONFLICT DO NOTHING",
        {"now": now},
    )
    connection.execute(
        "INSERT INTO ledger (device_id, boot_id, seqs, received_total, first_received_at, last_received_at)"
        " SELECT device_id, 'b0', int8multirange(int8range(1, count(*) + 1)), count(*), min(at), max(at) FROM events GROUP BY 1"
    )
    connection.commit()
    connection.execute("ANALYZE")
    connection.commit()


if __name__ == "__main__":
    sys.exit(main())
