"""Recordings of two real homes, sent through real brokers into the store: what comes out is what was recorded.

The figures are held against the recordings' own files, counted here with a few lines of pandas that share no
code with the way through the broker.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from conftest import Database, DatabaseServer, free_port
from whole_way import digits, ingesting, running_mosquitto

from nyttig.embedded.broker import EmbeddedBroker
from nyttig.evidence import end_of_day
from nyttig.load import load
from nyttig.package.technologies import builtin_technologies
from nyttig.report import Report, report
from nyttig.settings import Settings
from nyttig.store import db, ledger, rollups
from simulators.recordings import opensmarthome, ordonez
from simulators.recordings.opensmarthome import QUANTITIES
from simulators.replay import ReplayResult, replay

MADRID, BERLIN = "Europe/Madrid", "Europe/Berlin"
SILENT_DAYS = {date(2017, 3, 18), date(2017, 4, 26)}


@dataclass(frozen=True)
class Replayed:
    """A recording in the store, the folder it was sent from and the report of its trial."""

    folder: Path
    database: Database
    sent: ReplayResult | str
    report: Report
    sent_again: ReplayResult | None = None
    report_again: Report | None = None


def loaded(database: Database, folder: Path) -> None:
    with db.connect(database.conninfo) as connection:
        load(connection, folder, builtin_technologies())


def replayed_by_command(messages: Path, url: str) -> str:
    """What `nyttig replay` said; as a process of its own it leaves the other core to the ingest."""
    command = [sys.executable, "-m", "nyttig.cli", "replay", str(messages)]
    environment = {"PATH": os.defpath, "NYTTIG_MQTT_URL": url}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def reported(database: Database, trial: str, last_day: date, zone: str) -> Report:
    with db.connect(database.conninfo) as connection:
        return report(connection, trial, end_of_day(last_day, zone))


def counted(database: Database, query: bytes) -> dict[str, int]:
    with db.connect(database.conninfo) as connection:
        return dict(connection.execute(query).fetchall())


EVENTS = b"SELECT d.code, count(*) FROM events e JOIN devices d ON d.id = e.device_id GROUP BY 1"
USES = b"SELECT d.code, sum(r.uses)::integer FROM rollups r JOIN devices d ON d.id = r.device_id GROUP BY 1"


# Two weeks of doors, motion, bed, chair, plugs and a toilet flush


@pytest.fixture(scope="module")
def activations(shared: Path) -> pd.DataFrame:
    """The recording's own file: sensor and local start of each activation."""
    file = shared / "data" / "ordonez-a" / "OrdonezA_Sensors.txt"
    rows = pd.read_csv(file, sep=r"\t+", engine="python", skiprows=2, header=None, usecols=[0, 2])
    return pd.DataFrame(
        {"start": pd.to_datetime(rows[0].str.strip()), "sensor": rows[2].str.strip().str.lower()}
    )


@pytest.fixture(scope="module", params=["mosquitto", "embedded"])
def home(
    request: pytest.FixtureRequest,
    embedded_server: DatabaseServer,
    shared: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Replayed]:
    """The home as it came through a broker of each kind, and once more."""
    folder = tmp_path_factory.mktemp("recorded") / "ordonez-a"
    ordonez.convert(shared / "data" / "ordonez-a", folder)
    running = running_mosquitto() if request.param == "mosquitto" else EmbeddedBroker(free_port())
    with embedded_server.fresh_database() as database, running as broker:
        loaded(database, folder)
        settings, messages = Settings(mqtt_url=broker.url), [folder / "messages.jsonl"]
        reports, sent = [], []
        with ingesting(database, broker.url) as settle:
            for _ in range(2):
                sent.append(replay(messages, settings))
                settle()
                reports.append(reported(database, "ordonez-a", date(2011, 12, 13), MADRID))
        yield Replayed(folder, database, sent[0], reports[0], sent[1], reports[1])


def test_every_activation_of_the_real_home_is_one_use_of_its_sensor(
    home: Replayed, activations: pd.DataFrame
) -> None:
    expected = activations["sensor"].value_counts().to_dict()
    assert sum(expected.values()) == 409
    assert counted(home.database, USES) == expected
    assert home.report.intensity.uses_total == 409


def test_every_activation_stands_in_the_store_at_its_own_second(
    home: Replayed, activations: pd.DataFrame
) -> None:
    with db.connect(home.database.conninfo) as connection:
        rows = connection.execute(
            "SELECT d.code, e.at, e.type, e.value FROM events e JOIN devices d ON d.id = e.device_id"
            " WHERE e.type IN ('contact', 'occupancy', 'vibration', 'power') ORDER BY e.at"
        ).fetchall()
    in_use: dict[str, bool] = {}
    began: list[tuple[str, datetime]] = []
    for device, at, kind, value in rows:
        now = value == 0 if kind == "contact" else value > (5 if kind == "power" else 0.5)
        if now and not in_use.get(device, True):
            began.append((device, at))
        in_use[device] = now
    starts = activations["start"].dt.tz_localize(MADRID).dt.tz_convert("UTC")
    assert sorted(began) == sorted(zip(activations["sensor"], starts.dt.to_pydatetime(), strict=True))


def test_the_use_days_of_each_sensor_are_those_of_the_file(home: Replayed, activations: pd.DataFrame) -> None:
    days = activations.groupby("sensor")["start"].agg(lambda start: start.dt.date.nunique())
    expected = {str(sensor): count for sensor, count in days.items()}
    with db.connect(home.database.conninfo) as connection:
        hours = rollups.read(
            connection, sorted(expected), datetime(2011, 1, 1, tzinfo=UTC), home.report.as_of
        )
    used = hours[hours["uses"] > 0]
    local_days = used["hour"].dt.tz_convert(MADRID).dt.date
    assert local_days.groupby(used["device"]).nunique().to_dict() == expected
    rate = home.report.use_day_rate
    assert rate.used_observed_days + rate.used_unobserved_days == sum(expected.values()) == 163


def test_the_uses_of_the_home_s_days_are_those_of_the_file(home: Replayed, activations: pd.DataFrame) -> None:
    expected = activations["start"].dt.date.value_counts().to_dict()
    (strip,) = home.report.homes
    uses = {strip.first_day + timedelta(days=n): count for n, count in enumerate(strip.uses)}
    assert {day: count for day, count in uses.items() if count} == expected


def test_the_evening_after_the_recording_s_end_is_unknown(home: Replayed) -> None:
    """It ends on 12 December at 07:22 with one more activation of some of the sensors, not of all."""
    (strip,) = home.report.homes
    assert strip.states.strip("-") == "U" * 14 + "u"
    assert home.report.use_day_rate.unknown_days > 0


def test_sending_the_recording_again_changes_nothing(home: Replayed) -> None:
    assert home.report_again is not None
    assert home.sent == home.sent_again
    assert digits(home.report) == digits(home.report_again)
    assert sum(counted(home.database, EVENTS).values()) == home.report.data.events_total
    with db.connect(home.database.conninfo) as connection:
        row = connection.execute("SELECT sum(duplicates_total), sum(received_total) FROM ledger").fetchone()
        assert row is not None
        assert row[0] == row[1] == home.report.data.events_total
        assert rollups.differences(connection) == []
        assert ledger.differences(connection) == []
        assert connection.execute("SELECT count(*) FROM quarantine").fetchone() == (0,)


# Three months of room climate, and silences of the whole flat


@pytest.fixture(scope="module")
def readings(shared: Path) -> dict[str, pd.DatetimeIndex]:
    """The flat's own files: when each of the 25 sensors spoke, local."""
    found = {}
    for file in sorted((shared / "data" / "opensmarthome" / "Measurements").glob("*.csv")):
        if file.stem.rpartition("_")[2] in QUANTITIES:
            seconds = pd.read_csv(file, sep="\t", header=None, usecols=[0])[0]
            found[file.stem] = pd.DatetimeIndex(pd.to_datetime(seconds, unit="s", utc=True)).tz_convert(
                BERLIN
            )
    return found


@pytest.fixture(scope="module")
def unobserved(readings: dict[str, pd.DatetimeIndex]) -> pd.DataFrame:
    """Per local day (row) and sensor: the share of the day's minutes not within three hours after a message."""
    minutes = pd.date_range("2017-03-09", "2017-06-06", freq="min", tz=BERLIN, inclusive="left")
    table = {}
    for sensor, spoken in readings.items():
        said = pd.Series(minutes.isin(spoken.floor("min")), minutes)
        silent = said.rolling(180, min_periods=1).max() == 0
        table[sensor] = silent.groupby(minutes.date).mean()
    return pd.DataFrame(table)


@pytest.fixture(scope="module")
def flat(
    embedded_server: DatabaseServer, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replayed]:
    """All 261,610 messages of the flat, through Mosquitto."""
    folder = tmp_path_factory.mktemp("recorded") / "opensmarthome"
    opensmarthome.convert(shared / "data" / "opensmarthome", folder)
    with embedded_server.fresh_database() as database, running_mosquitto() as broker:
        loaded(database, folder)
        with ingesting(database, broker.url) as settle:
            sent = replayed_by_command(folder / "messages.jsonl", broker.url)
            settle()
        made = reported(database, "opensmarthome", date(2017, 6, 6), BERLIN)
        yield Replayed(folder, database, sent, made)


def test_every_reading_of_the_flat_arrives_once(
    flat: Replayed, readings: dict[str, pd.DatetimeIndex]
) -> None:
    assert flat.sent == "261610 messages published, 0 lines without a topic to send to skipped\n"
    events = counted(flat.database, EVENTS)
    assert sorted(events.values()) == sorted(len(spoken) for spoken in readings.values())
    assert sum(events.values()) == 261_610


def test_a_silence_of_the_whole_flat_is_one_finding_of_its_gateway_not_twenty_five(
    flat: Replayed, readings: dict[str, pd.DatetimeIndex]
) -> None:
    """All that lasted longer than the three hours that a silence is given, and the two long ones by name."""
    spoken = pd.Series(sorted({moment for times in readings.values() for moment in times.floor("min")}))
    gaps = spoken.diff().shift(-1)
    expected = [
        (start.to_pydatetime(), (start + gap).to_pydatetime(), 25)
        for start, gap in zip(spoken, gaps, strict=True)
        if gap > pd.Timedelta(hours=3)
    ]
    assert [(found.from_at, found.to_at, found.devices) for found in flat.report.silences] == expected
    long = [(f.from_at.date(), round(f.hours, 1), f.devices) for f in flat.report.silences if f.hours > 4]
    assert long == [(date(2017, 3, 18), 14.0, 25), (date(2017, 4, 26), 21.9, 25)]


def test_on_the_two_silent_days_every_sensor_is_unknown_and_none_unused(
    flat: Replayed, unobserved: pd.DataFrame
) -> None:
    unknown = unobserved > 0.2
    assert {day for day in unknown.index if unknown.loc[day].all()} == SILENT_DAYS
    rate = flat.report.use_day_rate
    assert (rate.unknown_days, rate.unused_days) == (unknown.sum().sum(), (~unknown).sum().sum())
    (strip,) = flat.report.homes
    states = {strip.first_day + timedelta(days=n): state for n, state in enumerate(strip.states)}
    assert {states[day] for day in SILENT_DAYS} == {"K"}
    assert {day for day, state in states.items() if state == "K"} == set(unknown.index[unknown.any(axis=1)])


def test_the_observed_share_of_every_day_is_that_of_the_files(
    flat: Replayed, unobserved: pd.DataFrame
) -> None:
    (strip,) = flat.report.homes
    assert list(strip.observed_ratio) == pytest.approx(list(1 - unobserved.mean(axis=1)), abs=1e-9)


def test_the_day_on_which_summer_time_begins_has_twenty_three_hours(
    flat: Replayed, unobserved: pd.DataFrame
) -> None:
    """89 days, one of them an hour short; and the days after it begin an hour earlier in UTC."""
    exposed = 25 * (89 * 24 - 1) * 60
    assert flat.report.coverage.exposed_minutes == exposed
    missing = round(flat.report.coverage.exposed_minutes - flat.report.coverage.online_minutes)
    minutes = [(23 if day == date(2017, 3, 26) else 24) * 60 for day in unobserved.index]
    assert missing == round(unobserved.mul(minutes, axis=0).to_numpy().sum())
