"""The whole system on one machine: embedded database and broker, the four doors, and simulated homes."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from nyttig.embedded.broker import EmbeddedBroker
from nyttig.embedded.postgres import EmbeddedPostgres
from nyttig.errors import NyttigError, SettingsError
from nyttig.model import TrialPackage
from nyttig.package.read import read
from nyttig.package.resize import resize
from nyttig.package.shift import shift
from nyttig.package.technologies import builtin_technologies
from nyttig.package.write import write
from nyttig.settings import Settings
from nyttig.store import db, migrate, registry

EXAMPLES = Path(__file__).parents[1] / "examples"
SEED = 1930
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 10
LIVELINESS_SECONDS = 10
INGEST_DRAINS_SECONDS = 1.0
_CONNINFO_OF = {
    "PGHOST": "host",
    "PGPORT": "port",
    "PGUSER": "user",
    "PGPASSWORD": "password",
    "PGDATABASE": "dbname",
}


@dataclass(frozen=True, slots=True)
class Demo:
    """What was asked for; a port that was not named is the usual one or the next that is free."""

    folder: Path
    days: int
    homes: int | None
    api_port: int | None
    dashboard_port: int | None
    mqtt_port: int | None


def run(demo: Demo, settings: Settings, environment: Mapping[str, str]) -> int:
    """The system runs until Ctrl-C or SIGTERM and leaves nothing running; the next start in the folder resumes.

    With PGHOST or NYTTIG_MQTT_URL set, that database or broker is used instead of an embedded one. Raises
    NyttigError naming the port, folder or part that stands in the way.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    began = time.monotonic()
    api_port = _port("--api-port", demo.api_port, 8000)
    dashboard_port = _port("--dashboard-port", demo.dashboard_port, 8501)
    folder = demo.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as running:
        ours = dict(environment)
        if not settings.postgres.get("PGHOST") and not settings.postgres.get("PGSERVICE"):
            ours |= running.enter_context(EmbeddedPostgres(folder / "postgres")).environment()
        if not environment.get("NYTTIG_MQTT_URL"):
            broker = EmbeddedBroker(_port("--mqtt-port", demo.mqtt_port, 1883))
            ours["NYTTIG_MQTT_URL"] = running.enter_context(broker).url
        ours["NYTTIG_API_URL"] = f"http://127.0.0.1:{api_port}"
        ours.setdefault("NYTTIG_DASHBOARD_URL", f"http://127.0.0.1:{dashboard_port}")
        if stop.is_set():  # nobody waits for the parts of what is to end
            return 0
        packages = _prepare(folder, demo, _conninfo(ours))
        parts = Parts(ours)
        running.enter_context(_orderly_end(folder))
        if stop.is_set():
            return 0
        running.callback(parts.stop)
        parts.start("api", "--port", str(api_port))
        parts.start("ingest")
        parts.start("dashboard", "--port", str(dashboard_port))
        # A broker keeps nothing for an ingestor that it does not know yet, so the homes wait for it.
        _wait_for(f"{ours['NYTTIG_API_URL']}/v1/health/ready", parts, stop)
        history = str(demo.days)
        parts.start(
            "simulate", *map(str, packages), "--days", history, "--seed", str(SEED), "--live",
            "--resume", str(folder / "simulated.json"), "--liveliness", str(LIVELINESS_SECONDS),
        )  # fmt: skip
        address = f"http://127.0.0.1:{dashboard_port}"
        for url in (f"{ours['NYTTIG_API_URL']}/v1/health/live", f"{address}/_stcore/health"):
            _wait_for(url, parts, stop)
        if not stop.is_set():
            _say(f"dashboard  {address}   (after {time.monotonic() - began:.0f} s)")
            _say(f"API        {ours['NYTTIG_API_URL']}/docs")
            _say(f"broker     {ours['NYTTIG_MQTT_URL']}")
            _say(f"data       {folder}")
            _say(
                f"{len(packages)} trials with {demo.days} days of history, then live. Ctrl-C stops everything."
            )
        while not stop.wait(0.5):
            parts.require_alive()
        _say("stopping …")
    return 0


@contextlib.contextmanager
def _orderly_end(folder: Path) -> Iterator[None]:
    """Notes whether the last run ended in order. If not, what the broker still held is gone, and the homes tell
    everything once more: what is stored already is recognised and counted once, but for bare connection states,
    which bear no identity and tell of no use."""
    running = folder / "running"
    if running.exists():
        (folder / "simulated.json").unlink(missing_ok=True)
    running.touch()
    yield
    running.unlink()


class Parts:
    """The processes of the system: each ends when we end, however we end."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, command: str, *arguments: str) -> None:
        """`nyttig COMMAND` runs, out of reach of the terminal's Ctrl-C."""
        self._processes[command] = subprocess.Popen(  # noqa: S603  our own program, no shell
            [sys.executable, "-m", "nyttig.cli", "--while-stdin-open", command, *arguments],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def require_alive(self) -> None:
        """All parts run; raises NyttigError naming one that ended."""
        for command, process in self._processes.items():
            if process.poll() is not None:
                raise NyttigError(
                    f"`nyttig {command}` ended with exit code {process.returncode}; see its words above"
                )

    def stop(self) -> None:
        """No part is left; the simulators first, so that what they sent is still taken in."""
        self._end("simulate")
        time.sleep(INGEST_DRAINS_SECONDS)
        self._end(*self._processes)

    def _end(self, *commands: str) -> None:
        processes = [process for command in commands if (process := self._processes.pop(command, None))]
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS_MAX
        for process in processes:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            assert process.stdin is not None
            process.stdin.close()


def _prepare(folder: Path, demo: Demo, conninfo: str) -> list[Path]:
    """The schema stands and the trials are loaded, moved so that their history ends today; their folders."""
    migrate.migrate(conninfo)
    started = _first_start(folder / "demo.json", demo)
    known = builtin_technologies()
    folders = []
    with db.connect(conninfo) as connection:
        for package in _moved(started, demo.homes):
            target = folder / "packages" / package.trial.id
            if not target.exists():
                write(package, target)
            with db.translated():
                if package.trial.id not in registry.trial_ids(connection):
                    registry.save(connection, package, known)
                    connection.commit()
            folders.append(target)
    return folders


def _first_start(file: Path, demo: Demo) -> date:
    """The day from which history counts; a later start in the same folder keeps it, and refuses other homes."""
    asked = {"homes": demo.homes}
    if file.exists():
        kept = json.loads(file.read_text())
        if kept["homes"] != demo.homes:
            raise SettingsError(
                f"{file.parent} holds a demo with --homes {kept['homes'] or '(default)'}; "
                "start it so again, or name another --dir"
            )
        return date.fromisoformat(kept["starts"])
    starts = datetime.now(UTC).date() - timedelta(days=demo.days)
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(json.dumps({"starts": starts.isoformat(), **asked}))
    unfinished.rename(file)
    return starts


def _moved(starts: date, homes: int | None) -> Iterator[TrialPackage]:
    """The example trials, moved by whole weeks so that they start about `starts`."""
    if not EXAMPLES.is_dir():
        raise NyttigError(
            f"the example trials are missing: {EXAMPLES} is not there; run the demo from a full checkout"
        )
    for folder in sorted(path for path in EXAMPLES.iterdir() if path.is_dir()):
        package = read(folder, builtin_technologies())
        weeks = round((starts - package.trial.starts).days / 7)
        moved = shift(package, 7 * weeks)
        yield moved if homes is None else resize(moved, homes)


def _port(option: str, asked: int | None, usual: int) -> int:
    """A port that is free: the one asked for, or the usual one or the next after it."""
    for port in [asked] if asked is not None else range(usual, usual + 50):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    taken = f"port {asked}" if asked is not None else f"ports {usual} to {usual + 49}"
    raise SettingsError(
        f"{taken} on this machine is taken; stop what listens there, or name another with {option}"
    )


def _wait_for(url: str, parts: Parts, stop: threading.Event) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while not stop.is_set():
        parts.require_alive()
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310  our own http address
                return
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                raise NyttigError(f"{url} does not answer after {START_SECONDS_MAX} s: {error}") from error
            stop.wait(0.1)


def _conninfo(environment: Mapping[str, str]) -> str:
    """What libpq would read from `environment`, for this process whose own environment lacks it."""
    if "PGSERVICE" in environment:
        return f"service={environment['PGSERVICE']}"
    parts = {
        name: environment[variable] for variable, name in _CONNINFO_OF.items() if environment.get(variable)
    }
    quoted = {name: value.replace("\\", "\\\\").replace("'", "\\'") for name, value in parts.items()}
    return " ".join(f"{name}='{value}'" for name, value in quoted.items())


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
