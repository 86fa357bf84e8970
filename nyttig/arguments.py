"""The command line's words: every command with its help and an example."""

from __future__ import annotations

import argparse
import contextlib
import math
from pathlib import Path
from typing import Any

from nyttig.health.findings import WORST_FIRST


def parser() -> argparse.ArgumentParser:
    """The command line: every command with its help and an example."""
    top = argparse.ArgumentParser(
        prog="nyttig",
        description="Tells whether a welfare technology on trial is used, and whether it helps.",
    )
    top.add_argument("--while-stdin-open", action="store_true", help=argparse.SUPPRESS)
    commands = top.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)

    def command(name: str, does: str, example: str) -> Any:
        return commands.add_parser(
            name,
            help=does,
            description=does[0].upper() + does[1:] + ".",
            epilog=f"example:\n  nyttig {name} {example}".rstrip(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    def as_json(of: Any) -> None:
        of.add_argument("--json", action="store_true", help="answer in JSON, for machines")

    demo = command("demo", "the whole system on this machine, with simulated trials", "--homes 8 --days 60")
    demo.add_argument(
        "--homes", type=_count, metavar="N", help="homes per trial (default: as in the examples)"
    )
    demo.add_argument("--days", type=_count, default=90, metavar="D", help="days of history (default: 90)")
    demo.add_argument(
        "--dir", type=Path, default=Path(".nyttig-demo"), help="where its data lives (default: %(default)s)"
    )
    demo.add_argument("--api-port", type=_port, metavar="P", help="default: 8000, or the next free one")
    demo.add_argument("--dashboard-port", type=_port, metavar="P", help="default: 8501, or the next free one")
    demo.add_argument("--mqtt-port", type=_port, metavar="P", help="default: 1883, or the next free one")

    command("migrate", "bring the database's schema to this version", "")

    ingest = command("ingest", "take messages from the broker into the database, until stopped", "")
    ingest.add_argument(
        "--check", action="store_true", help="only say whether an ingestor is at work (exit code 0 or 1)"
    )
    ingest.add_argument(
        "--leave", action="store_true",
        help="retire a stopped ingestor: store what the broker keeps for it, end its session there, no longer miss it",
    )  # fmt: skip

    api = command("api", "serve what is known over HTTP", "--port 8000")
    api.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: %(default)s, this machine only)"
    )
    api.add_argument("--port", type=_port, default=8000)

    dashboard = command("dashboard", "serve the pages", "--port 8501")
    dashboard.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    dashboard.add_argument("--port", type=_port, default=8501)

    simulate = command("simulate", "simulated homes of trial packages, over MQTT",
                       "examples/alna-medisindispenser --days 30 --live")  # fmt: skip
    simulate.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="trial packages")
    simulate.add_argument(
        "--days", type=_count, metavar="D", help="days of history (default: from each trial's start)"
    )
    simulate.add_argument(
        "--seed", type=int, default=1, help="the same seed gives the same homes (default: %(default)s)"
    )
    simulate.add_argument("--live", action="store_true", help="go on in real time, until stopped")
    simulate.add_argument("--speed", type=_positive, metavar="X", help="play history X times as fast")
    simulate.add_argument(
        "--truth", type=Path, metavar="FILE", help="write down what really happened (JSON lines)"
    )
    simulate.add_argument(
        "--resume", type=Path, metavar="FILE", help="go on from where the last run with this file ended"
    )
    simulate.add_argument(
        "--liveliness", type=_positive, metavar="S", help="demo apartments give signs of life every S seconds"
    )

    recording = command("recording", "turn a recording of a real home into messages and a trial package",
                        "ordonez-a ../shared/data/ordonez-a --to recorded/ordonez-a")  # fmt: skip
    recording.add_argument("name", choices=["ordonez-a", "opensmarthome"])
    recording.add_argument("folder", type=Path, help="the folder with the recording's files")
    recording.add_argument(
        "--to", type=Path, required=True, metavar="FOLDER", help="new folder for package and messages"
    )
    recording.add_argument("--check-in-minutes", type=_positive, default=60, metavar="M",
                           help="ordonez-a: how often a sensor says that it is there (default: %(default)s)")  # fmt: skip

    replay = command(
        "replay", "publish recorded messages to the broker", "recorded/messages.jsonl --speed 3600"
    )
    replay.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="JSON lines: topic, payload, at?, retained?"
    )
    replay.add_argument(
        "--speed",
        type=_positive,
        metavar="X",
        help="X times as fast as recorded (default: as fast as it goes)",
    )
    replay.add_argument("--dialect", metavar="D", help="send only lines below this dialect's topics")

    load = command(
        "load", "check a trial package and load it, all or nothing", "examples/alna-medisindispenser"
    )
    load.add_argument("folder", type=Path)
    as_json(load)

    report = command("report", "a trial's figures", "alna-medisindispenser --as-of 2026-11-01")
    report.add_argument("trial")
    report.add_argument(
        "--as-of", metavar="DATE", help="as of the end of a local day, or a time with offset (default: now)"
    )
    report.add_argument(
        "--known", metavar="K",
        help="then: from what had arrived and was registered by that time (the default); now: from all that is known of it"
        " now; or a day or time after it",
    )  # fmt: skip
    as_json(report)

    one_page = command("one-page", "a trial on one side of A4, to put before those who decide: PDF or HTML",
                       "alna-medisindispenser --to one-page.pdf --lang nb")  # fmt: skip
    one_page.add_argument("trial")
    one_page.add_argument(
        "--to", type=Path, required=True, metavar="FILE", help="where it goes; its name ends in .pdf or .html"
    )
    one_page.add_argument(
        "--lang", choices=["en", "nb", "da"], default="en", help="the language it is told in (default: en)"
    )
    one_page.add_argument(
        "--as-of", metavar="DATE", help="as of the end of a local day, or a time with offset (default: now)"
    )

    export = command("export", "write a trial as a package with all its events",
                     "alna-medisindispenser --to exported --format csv,parquet")  # fmt: skip
    export.add_argument("trial")
    export.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="a new or empty folder")
    export.add_argument(
        "--format", default="csv", help="csv, parquet, or both with a comma (default: %(default)s)"
    )

    devices = command("devices", "device health, worst first", "--status silent")
    devices.add_argument("--trial", metavar="T")
    devices.add_argument("--device", metavar="D", help="what came of one device's messages, boot by boot")
    devices.add_argument("--status", choices=WORST_FIRST, metavar="S", help=", ".join(WORST_FIRST))
    devices.add_argument(
        "--work", action="store_true", help="instead: which homes to visit, why, and what to bring"
    )
    devices.add_argument(
        "--proposed", action="store_true", help="instead: devices that speak and that nobody registered yet"
    )
    as_json(devices)

    notify = command(
        "notify",
        "tell by webhook and e-mail which homes need a visit: what is urgent at once, the rest once a day",
        "--once",
    )
    notify.add_argument("--once", action="store_true", help="tell what is due now, and end (for cron)")

    register = command("register", "register the devices of a list (CSV or Excel), all rows or none",
                       "devices.xlsx --trial alna-medisindispenser --dry-run")  # fmt: skip
    either = register.add_mutually_exclusive_group(required=True)
    either.add_argument(
        "file", type=Path, nargs="?", metavar="FILE", help="a row per device; columns by name"
    )
    register.add_argument(
        "--dry-run", action="store_true", help="say what would become of each row, write nothing"
    )
    register.add_argument(
        "--skip-bad", action="store_true", help="leave refused rows out instead of writing nothing"
    )
    register.add_argument("--trial", metavar="T", help="the trial of the rows that name none")
    either.add_argument(
        "--template",
        type=Path,
        metavar="FILE",
        help="instead: write an empty list to start from, .xlsx or .csv",
    )
    as_json(register)

    labels = command("labels", "a sheet of QR labels that open the devices' pages, as PDF",
                     "--trial alna-medisindispenser --to labels.pdf")  # fmt: skip
    labels.add_argument(
        "--to", type=Path, required=True, metavar="FILE", help="where the PDF goes; A4, 3 × 8 labels"
    )
    labels.add_argument("--trial", metavar="T", help="only devices of this trial")
    labels.add_argument(
        "--device", action="append", default=[], metavar="D", help="only this one; may be given often"
    )
    labels.add_argument(
        "--language", choices=["en", "nb", "da"], default="en", help="of the technology's title"
    )

    quarantine = command("quarantine", "messages that could not be stored: list them, show one, or try them again",
                         "--replay --reason unknown_device")  # fmt: skip
    either = quarantine.add_mutually_exclusive_group()
    either.add_argument("--show", type=_count, metavar="ID", help="one kind whole, by its number in the list")
    quarantine.add_argument("--reason", metavar="R", help="only those with this reason")
    either.add_argument("--replay", action="store_true", help="read them again with today's registry")
    quarantine.add_argument(
        "--limit", type=_count, default=20, metavar="N", help="show at most N kinds (default: %(default)s)"
    )
    as_json(quarantine)

    verify = command(
        "verify",
        "recompute the rollups from raw events and check the ledger",
        "--trial alna-medisindispenser",
    )
    verify.add_argument("--trial", metavar="T")
    as_json(verify)

    command("settings", "every setting with its value, secrets masked", "")
    return top


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def _port(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 1 to 65535")
    return int(text)


def _positive(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < float(text) < math.inf:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
