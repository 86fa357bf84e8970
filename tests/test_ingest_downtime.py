"""The platform's own absence is written down as what it was, and laid on no device and no home."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Database, Mosquitto
from figures_hours import oslo
from ingesting import Ingest, dose, publish, register, rows, stored, until
from packages import one_home
from told import beats, report_on, save, states, tell, uses

from ingest.run import BEAT_SECONDS
from nyttig.device_health import device_health
from nyttig.embedded.postgres import EmbeddedPostgres
from nyttig.store import db, migrate, platform
from nyttig.store.platform import Cause, Outage

HEARTBEAT_MINUTES = 0.03  # 1.8 s: silent after 5.4 s


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of the test's own, to be stopped and started."""
    with (
        tempfile.TemporaryDirectory(prefix="nyttig-test-") as folder,
        EmbeddedPostgres(Path(folder)) as running,
    ):
        yield running


def outages_of(database: Database) -> list[Outage]:
    with db.connect(database.conninfo) as connection:
        return platform.outages(connection)


def status(database: Database, at: datetime | None = None) -> str:
    """How device d1 is, now or as seen at that moment."""
    with db.connect(database.conninfo) as connection:
        (device,) = device_health(connection, at or datetime.now(UTC)).devices
    return device.status


def test_each_part_that_goes_away_is_named_and_no_device_is_silent_for_it(
    server: EmbeddedPostgres, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """Ingest, broker and database are away in turn, each for longer than the device may be silent."""
    database = Database("embedded", server.environment())
    migrate.migrate(database.conninfo)
    package = one_home("medicine_dispenser")
    hasty = replace(package.devices[0], heartbeat_minutes=HEARTBEAT_MINUTES)
    register(database, replace(package, devices=(hasty,)))
    away_seconds = 6.0
    gone_at, back_at = [], []
    ingest = Ingest(database.environment, mosquitto.url, tmp_path)
    try:
        ingest.start()

        def heard(seq: int) -> None:
            publish(mosquitto.url, [dose(seq)])
            until(lambda: stored(database) == seq)
            ((at,),) = rows(database, "SELECT max(received_at) FROM events")
            assert status(database, at) == "ok"
            gone_at.append(at)

        def back(number: int) -> None:
            until(lambda: len(outages_of(database)) == number)
            back_at.append(datetime.now(UTC))
            # Though it has said nothing for longer than it may.
            assert status(database, outages_of(database)[-1].ended_at) != "silent"

        heard(1)
        ingest.kill()
        time.sleep(away_seconds)
        ingest.start()
        back(1)
        heard(2)
        mosquitto.stop()
        time.sleep(away_seconds)
        mosquitto.start()
        back(2)
        heard(3)
        server.stop()
        publish(mosquitto.url, [dose(1, "stranger")])  # without a message it shows at the next beat only
        time.sleep(away_seconds)
        server.start()
        back(3)
        heard(4)
        until(lambda: status(database) == "silent")  # that one is its own
    finally:
        ingest.kill()
    found = outages_of(database)
    assert [(outage.cause, outage.lossy) for outage in found] == [
        ("ingest", False), ("broker", True), ("database", False),
    ]  # fmt: skip
    for outage, gone, back_again in zip(found, gone_at, back_at, strict=False):
        assert gone - timedelta(seconds=BEAT_SECONDS) <= outage.began_at
        assert outage.ended_at <= back_again
        assert (outage.ended_at - outage.began_at).total_seconds() > away_seconds / 2


# A month of nights

SEPTEMBER_1, OCTOBER_1 = oslo("2026-09-01"), oslo("2026-10-01")
NIGHTS = [oslo(f"2026-09-{day:02d}T01:30") for day in range(1, 31)]
AWAY = timedelta(hours=4)
CAUSES: list[tuple[Cause, bool]] = [
    ("ingest", False), ("broker", True), ("database", False), ("session", True),
]  # fmt: skip


@pytest.fixture
def store(embedded_database: Database) -> Iterator[db.Session]:
    """A home whose dispenser beats hourly and is used at noon, on a platform that restarts every night."""
    with db.connect(embedded_database.conninfo) as connection:
        save(connection, one_home("medicine_dispenser"))
        yield connection


def restart_nightly(store: db.Session, cause: Cause, *, lossy: bool) -> None:
    """The platform was away each night, and what was sent meanwhile is gone when that loses messages."""
    beating = [
        beat for beat in beats("d1", SEPTEMBER_1, OCTOBER_1)
        if not (lossy and any(night <= beat[1] < night + AWAY for night in NIGHTS))
    ]  # fmt: skip
    tell(store, beating)
    for night in NIGHTS:
        platform.record(store, Outage(cause, night, night + AWAY, lossy))


@pytest.mark.parametrize(("cause", "lossy"), CAUSES)
def test_a_nightly_restart_makes_no_day_unused_and_no_used_day_another(
    store: db.Session, cause: Cause, lossy: bool
) -> None:
    restart_nightly(store, cause, lossy=lossy)
    noons = [oslo(f"2026-09-{day:02d}T12:00") for day in range(1, 31)]
    tell(store, uses("d1", *noons))
    made = report_on(store, "2026-09-30")
    assert states(made) == {"h1": "U" * 30}
    assert made.silences == ()
    assert (made.use_day_rate.point, made.use_day_rate.unused_days) == (1.0, 0)


@pytest.mark.parametrize(("cause", "lossy"), CAUSES)
def test_a_day_of_which_we_missed_much_is_unknown_and_never_unused(
    store: db.Session, cause: Cause, lossy: bool
) -> None:
    """Three restarts of four hours leave half of the day unobserved, unless the broker kept what was sent."""
    restart_nightly(store, cause, lossy=lossy)
    for hour in (8, 16):
        began_at = oslo(f"2026-09-10T{hour:02d}:30")
        platform.record(store, Outage(cause, began_at, began_at + AWAY, lossy))
    assert states(report_on(store, "2026-09-12"))["h1"][8:] == ("NKNN" if lossy else "NNNN")


@pytest.mark.parametrize(("cause", "lossy"), CAUSES)
def test_a_nightly_restart_makes_no_device_silent(store: db.Session, cause: Cause, lossy: bool) -> None:
    night = NIGHTS[9]
    tell(store, beats("d1", SEPTEMBER_1, night))
    back_at = night + AWAY
    platform.started(store, "nyttig-ingest", SEPTEMBER_1)

    def status_at(now: datetime) -> str:
        platform.beat(store, "nyttig-ingest", now, connected=True)
        (device,) = device_health(store, now).devices
        return device.status

    assert status_at(back_at) == "silent"  # what we would say if we did not know of our own absence
    platform.record(store, Outage(cause, night, back_at, lossy))
    assert status_at(back_at) == "unknown"
    assert status_at(back_at + timedelta(hours=3)) == "silent"  # two and a half hours of our listening more
    tell(store, beats("d1", back_at, back_at + timedelta(hours=1)))
    assert status_at(back_at + timedelta(hours=1)) == "ok"
