"""The `nyttig` command: reads the environment once, builds the settings and opens one of the doors."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module

from nyttig.arguments import parser
from nyttig.errors import NyttigError
from nyttig.settings import Settings

Arguments = argparse.Namespace


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; 0 when it did what it says, 1 with a word on stderr about what is wrong, 2 for wrong usage."""
    arguments = parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    # The doors say themselves that the database is away.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # the dashboard asks every few seconds
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it names each letter that goes into a PDF
    if arguments.while_stdin_open:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        code = COMMANDS[arguments.command](arguments, Settings.from_environment(os.environ)) or 0
        sys.stdout.flush()
        return code
    except NyttigError as error:
        print(f"nyttig: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us has seen enough
        return 0


def _demo(arguments: Arguments, settings: Settings) -> int:
    from nyttig.demo import Demo, run

    ports = (arguments.api_port, arguments.dashboard_port, arguments.mqtt_port)
    return run(Demo(arguments.dir, arguments.days, arguments.homes, *ports), settings, os.environ)


def _migrate(_arguments: Arguments, _settings: Settings) -> None:
    from nyttig.store import migrate

    applied = migrate.migrate()
    print("\n".join(f"applied {name}" for name in applied) or "the schema is up to date")


def _ingest(arguments: Arguments, settings: Settings) -> int:
    if arguments.check:
        from nyttig.store import db, migrate, platform

        with db.connect() as connection, db.translated():
            migrate.require_current(connection)
            beats = {ingestor.client_id: ingestor for ingestor in platform.ingestors(connection)}
        mine = beats.get(settings.mqtt_client_id)
        if mine is None or datetime.now(UTC) - mine.alive_at > platform.PRESENT_FOR or not mine.connected:
            print(f"{settings.mqtt_client_id} is not at work", file=sys.stderr)
            return 1
        return 0
    if arguments.leave:
        from ingest.leave import leave

        print(leave(settings, _stop_on_signals()))
        return 0
    from ingest.run import run

    run(settings, _stop_on_signals())
    return 0


def _api(arguments: Arguments, settings: Settings) -> None:
    from api.app import serve

    serve(arguments.host, arguments.port, dashboard_url=settings.dashboard())


def _dashboard(arguments: Arguments, settings: Settings) -> None:
    from dashboard.run import run

    run(settings, arguments.host, arguments.port)


def _simulate(arguments: Arguments, settings: Settings) -> None:
    from nyttig.package.read import read
    from nyttig.package.technologies import builtin_technologies
    from simulators.run import run

    packages = [read(folder, builtin_technologies()) for folder in arguments.folders]
    starts = min(datetime.combine(package.trial.starts, datetime.min.time(), UTC) for package in packages)
    begins = (
        datetime.now(UTC) - timedelta(days=arguments.days) if arguments.days else starts - timedelta(days=1)
    )
    sent = run(
        packages,
        settings,
        seed=arguments.seed,
        history_from=begins,
        live=arguments.live,
        speed=arguments.speed,
        truth=arguments.truth,
        resume_file=arguments.resume,
        liveliness_seconds=arguments.liveliness,
        progress=_progress("day of history", "days of history"),
    )
    print(f"{sent} messages published")


def _recording(arguments: Arguments, _settings: Settings) -> None:
    from simulators.recordings import opensmarthome, ordonez

    if arguments.name == "ordonez-a":
        made = ordonez.convert(arguments.folder, arguments.to, check_in_minutes=arguments.check_in_minutes)
    else:
        made = opensmarthome.convert(arguments.folder, arguments.to)
    print(
        f"{made.messages} messages of {made.devices} devices, {made.first_at.isoformat()} to {made.last_at.isoformat()},"
        f" in {arguments.to / 'messages.jsonl'}; the trial package is {arguments.to}"
    )


def _replay(arguments: Arguments, settings: Settings) -> None:
    from simulators.replay import replay

    tell = _progress("message", "messages")
    result = replay(
        arguments.files,
        settings,
        speed=arguments.speed,
        dialect=arguments.dialect,
        progress=None if tell is None else lambda done: tell(done, 0),
    )
    print(f"{result.published} messages published, {result.skipped} lines without a topic to send to skipped")


def _load(arguments: Arguments, _settings: Settings) -> None:
    from nyttig.load import load
    from nyttig.package.technologies import builtin_technologies
    from nyttig.store import db

    with db.connect() as connection:
        loaded = load(connection, arguments.folder, builtin_technologies())
    package = loaded.package
    counts = {
        ("homes", "home"): len(package.homes),
        ("devices", "device"): len(package.devices),
        ("visits", "visit"): len(package.visits),
        ("measures", "measure"): len(package.measures),
        ("events_added", "event_added"): loaded.events_added,
        ("events_already_there", "event_already_there"): loaded.events_already_there,
    }
    if arguments.json:
        print(json.dumps({"trial": package.trial.id} | {many: count for (many, _), count in counts.items()}))
    else:
        told = ", ".join(
            f"{count} {(one if count == 1 else many).replace('_', ' ')}"
            for (many, one), count in counts.items()
        )
        print(f"{package.trial.id} loaded: {told}")


def _report(arguments: Arguments, _settings: Settings) -> None:
    from nyttig.memory import spend_memory

    spend_memory()
    from nyttig import text
    from nyttig.report import as_of_moment, known_as_asked, report
    from nyttig.store import db, migrate, registry

    # What intervals need takes a tenth of a second to load, and is loaded while the database answers.
    threading.Thread(target=import_module, args=("scipy.special",)).start()
    now = datetime.now(UTC)
    with db.connect() as connection:
        migrate.require_current(connection)
        zone = registry.timezone(connection, arguments.trial)
        as_of = now if arguments.as_of is None else as_of_moment(arguments.as_of, zone, now)
        known = known_as_asked(arguments.known, as_of, zone, now)
        made = report(connection, arguments.trial, as_of, known)
    print(text.as_json(made) if arguments.json else text.report(made))


def _one_page(arguments: Arguments, _settings: Settings) -> None:
    if arguments.to.suffix not in (".pdf", ".html"):
        raise NyttigError(f"{str(arguments.to)!r} ends in neither .pdf nor .html; name the file so")
    from nyttig.memory import spend_memory

    spend_memory()
    from dashboard.language import reading
    from dashboard.one_page import html, pdf
    from dashboard.one_page.content import one_page
    from nyttig import text
    from nyttig.benefit import benefit
    from nyttig.life import life
    from nyttig.report import as_of_moment, known_as_asked, report
    from nyttig.store import db, migrate, registry

    now = datetime.now(UTC)
    with db.connect() as connection:
        migrate.require_current(connection)
        zone = registry.timezone(connection, arguments.trial)
        as_of = now if arguments.as_of is None else as_of_moment(arguments.as_of, zone, now)
        found = report(connection, arguments.trial, as_of, known_as_asked(None, as_of, zone, now))
        given = benefit(connection, found)
        told = [json.loads(text.as_json(each)) for each in (found, given, life(connection, found, given))]
    with reading(arguments.lang):
        fit = pdf.fitted(one_page(*told))
    try:
        arguments.to.write_bytes((pdf if arguments.to.suffix == ".pdf" else html).written(fit))
    except OSError as error:
        raise NyttigError(
            f"{str(arguments.to)!r} cannot be written: {error.strerror}; name another place"
        ) from error
    print(f"{arguments.trial} on one page in {arguments.to}")


def _export(arguments: Arguments, _settings: Settings) -> None:
    from nyttig.export import export
    from nyttig.store import db, migrate

    formats = [name.strip() for name in arguments.format.split(",") if name.strip()]
    with db.connect() as connection:
        migrate.require_current(connection)
        export(connection, arguments.trial, arguments.to, formats=formats, now=datetime.now(UTC))
    print(f"{arguments.trial} exported to {arguments.to}; datapackage.json says what is in it")


def _devices(arguments: Arguments, _settings: Settings) -> None:
    from dataclasses import replace

    from nyttig import text
    from nyttig.device_health import device_health
    from nyttig.store import db, ledger, migrate, registry

    now = datetime.now(UTC)
    with db.connect() as connection, db.translated():
        migrate.require_current(connection)
        if arguments.proposed:
            from nyttig.proposed import proposed

            found = proposed(connection, now)
            print(text.as_json(found) if arguments.json else text.proposals(found, now))
            return
        if arguments.trial:
            registry.require(connection, arguments.trial)
        if arguments.device:
            registry.require_device(connection, arguments.device)
            entries = ledger.entries(connection, device=arguments.device)
            print(text.as_json(entries) if arguments.json else text.ledger(entries))
            return
        if arguments.work:
            from nyttig.device_record import open_work

            work = open_work(connection, now, trial_id=arguments.trial)
            print(text.as_json(work) if arguments.json else text.work(work, now))
            return
        health = device_health(connection, now, trial_id=arguments.trial)
    kept = tuple(one for one in health.devices if arguments.status in (None, one.status))
    health = replace(health, devices=kept)
    print(text.as_json(health) if arguments.json else text.devices(health, now))


def _notify(arguments: Arguments, settings: Settings) -> int:
    from nyttig.notify import run

    return 0 if run(settings, _stop_on_signals(), once=arguments.once) else 1


def _register(arguments: Arguments, _settings: Settings) -> int:
    from nyttig import text
    from nyttig.device_list import read, write_template
    from nyttig.package.technologies import builtin_technologies
    from nyttig.registration import in_words, register_list
    from nyttig.sheet import ListError
    from nyttig.store import db, history, migrate

    if arguments.template is not None:
        write_template(arguments.template)
        print(
            f"{arguments.template} is an empty list: a row per device, then `nyttig register {arguments.template}`"
        )
        return 0
    try:
        content = arguments.file.read_bytes()
    except OSError as error:
        raise ListError(f"{str(arguments.file)!r} cannot be read: {error.strerror}") from error
    listed = read(content, arguments.file.name)
    with db.connect() as connection:
        migrate.require_current(connection)
        done = register_list(
            connection,
            listed,
            builtin_technologies(),
            by=history.COMMAND_LINE,
            trial_id=arguments.trial,
            dry_run=arguments.dry_run,
            skip_bad=arguments.skip_bad,
        )
    print(text.as_json(done) if arguments.json else in_words(done))
    return 1 if done.refused and not arguments.skip_bad else 0


def _labels(arguments: Arguments, settings: Settings) -> None:
    from nyttig.labels import labels, only_here, sheet
    from nyttig.store import db, migrate

    url = settings.dashboard()
    with db.connect() as connection:
        migrate.require_current(connection)
        made = labels(
            connection, url, trial_id=arguments.trial, only=arguments.device, language=arguments.language
        )
    try:
        arguments.to.write_bytes(sheet(made))
    except OSError as error:
        raise NyttigError(
            f"{str(arguments.to)!r} cannot be written: {error.strerror}; name another place"
        ) from error
    print(f"{len(made)} {'label' if len(made) == 1 else 'labels'} in {arguments.to}")
    if only_here(url):
        print(
            f"nyttig: the labels lead to {url}, which only this machine can open; set NYTTIG_DASHBOARD_URL to the "
            "address that phones use, and make them anew",
            file=sys.stderr,
        )


def _quarantine(arguments: Arguments, settings: Settings) -> None:
    from nyttig import text
    from nyttig.store import db, migrate, quarantine

    if arguments.replay:
        from ingest.replay import replay_quarantine

        stored, left = replay_quarantine(settings, reason=arguments.reason)
        print(f"{stored} kinds of messages stored, {left} still in quarantine")
        return
    with db.connect() as connection, db.translated():
        migrate.require_current(connection)
        if arguments.show is not None:
            one = quarantine.read(connection, arguments.show)
            print(text.as_json(text.shown(one)) if arguments.json else text.quarantined(one))
            return
        groups = quarantine.groups(connection)
        kept = quarantine.waiting(connection, reason=arguments.reason, limit=arguments.limit)
    print(
        text.as_json([text.shown(one) for one in kept]) if arguments.json else text.quarantine(groups, kept)
    )


def _verify(arguments: Arguments, _settings: Settings) -> int:
    from nyttig import text, verification
    from nyttig.store import db, migrate, registry

    with db.connect() as connection, db.translated():
        migrate.require_current(connection)
        if arguments.trial:
            registry.require(connection, arguments.trial)
        found = verification.verify(connection, arguments.trial)
    print(text.as_json(found) if arguments.json else verification.in_words(found))
    return 0 if found.faultless else 1


def _settings(_arguments: Arguments, settings: Settings) -> None:
    for name, value in settings.described():
        print(f"{name:24} {value}")


def _progress(one: str, many: str) -> Callable[[int, int], None] | None:
    """A line on the terminal that counts up; nothing in a pipe."""
    if not sys.stderr.isatty():
        return None

    def tell(done: int, total: int) -> None:
        of = f" of {total}" if total else ""
        end = "\n" if total and done >= total else ""
        print(
            f"\r  {done}{of} {one if (total or done) == 1 else many} ", end=end, file=sys.stderr, flush=True
        )

    return tell


COMMANDS: dict[str, Callable[[Arguments, Settings], int | None]] = {
    "demo": _demo,
    "migrate": _migrate,
    "ingest": _ingest,
    "api": _api,
    "dashboard": _dashboard,
    "simulate": _simulate,
    "recording": _recording,
    "replay": _replay,
    "load": _load,
    "report": _report,
    "one-page": _one_page,
    "export": _export,
    "devices": _devices,
    "notify": _notify,
    "register": _register,
    "labels": _labels,
    "quarantine": _quarantine,
    "verify": _verify,
    "settings": _settings,
}


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _end_with_stdin() -> None:
    """Whoever started us has gone, however: we end too."""
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
