"""What the commands say and how they end: 0 when they did it, 1 with the value and the remedy when they could not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from conftest import PROJECT, Database, DatabaseServer
from serving import (
    ALNA,
    GAMLE_OSLO,
    ODENSE,
    TRIALS,
    beat,
    broken_package,
    example,
    fill,
    quarantined,
    serving,
)

from nyttig.cli import main
from nyttig.package.read import read
from nyttig.package.technologies import builtin_technologies
from nyttig.package.write import write
from nyttig.store import db


class Said(NamedTuple):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


Nyttig = Callable[..., Said]


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "PGHOST",
        "PGPORT",
        "PGUSER",
        "PGPASSWORD",
        "PGDATABASE",
        "PGSERVICE",
        "NYTTIG_MQTT_URL",
        "NYTTIG_API_URL",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def nyttig(capsys: pytest.CaptureFixture[str]) -> Nyttig:
    """Runs a command in this process."""

    def run(*arguments: str | Path) -> Said:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Said(code, *capsys.readouterr())

    return run


def use(monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    for name, value in database.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def fresh(embedded_database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """The commands work on a fresh, migrated database."""
    use(monkeypatch, embedded_database)
    return embedded_database


@pytest.fixture(scope="module")
def three_trials(embedded_server: DatabaseServer) -> Iterator[Database]:
    with embedded_server.fresh_database() as database:
        fill(database)
        yield database


@pytest.fixture
def filled(three_trials: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """The commands work on a database with three trials; they may not change it."""
    use(monkeypatch, three_trials)
    beat(three_trials)
    return three_trials


@pytest.fixture(scope="module")
def api(three_trials: Database) -> Iterator[httpx.Client]:
    with serving(three_trials.conninfo) as client:
        yield client


# Figures


def test_a_report_reads_aloud_what_a_coordinator_asks(filled: Database, nyttig: Nyttig) -> None:
    said = nyttig("report", ALNA)
    assert (said.code, said.err) == (0, "")
    assert f"({ALNA})" in said.out
    assert re.search(r"^use-day rate [\d.]+ %", said.out, re.MULTILINE)
    assert re.search(
        r"^silence      alna-007: none of 2 devices heard for \d\d\.\d h, .* to now$", said.out, re.MULTILINE
    )
    assert "evidence level" in said.out
    assert re.search(r"^alna-003 +[-ENKuU]+$", said.out, re.MULTILINE)


def test_of_a_trial_that_nobody_heard_of_yet_a_report_says_so(filled: Database, nyttig: Nyttig) -> None:
    assert "use-day rate 0.0 % to 100.0 % (2 homes, 0.0 % observed" in nyttig("report", GAMLE_OSLO).out


@pytest.mark.parametrize("trial", TRIALS)
def test_a_report_in_json_is_what_the_api_answers(
    filled: Database, nyttig: Nyttig, api: httpx.Client, trial: str
) -> None:
    as_of = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    said = nyttig("report", trial, "--as-of", as_of, "--json")
    answered = api.get(f"/v1/trials/{trial}/report", params={"as_of": as_of})
    assert json.loads(said.out) == answered.json()


@pytest.mark.parametrize("as_of", ["yesterday", "2199-01-01", "2026-11-01T12:00"])
def test_a_report_as_of_an_impossible_time_is_refused_with_the_value(
    filled: Database, nyttig: Nyttig, as_of: str
) -> None:
    said = nyttig("report", ALNA, "--as-of", as_of)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("nyttig: as of ")
    assert repr(as_of) in said.err


@pytest.mark.parametrize(
    "words",
    [
        ("report", "none"),
        ("export", "none", "--to", "x"),
        ("devices", "--trial", "none"),
        ("verify", "--trial", "none"),
    ],
)
def test_an_unknown_trial_is_refused_with_the_trials_there_are(
    filled: Database, nyttig: Nyttig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    said = nyttig(*words)
    assert (said.code, said.out) == (1, "")
    assert said.err == f"nyttig: there is no trial 'none'; trials: {', '.join(TRIALS)}\n"
    assert list(tmp_path.iterdir()) == []


# Devices


def test_devices_in_json_are_what_the_api_answers(
    filled: Database, nyttig: Nyttig, api: httpx.Client
) -> None:
    for parameters in ({}, {"trial": ODENSE}, {"status": "silent"}, {"trial": ALNA, "status": "silent"}):
        words = [word for name, value in parameters.items() for word in (f"--{name}", value)]
        said = json.loads(nyttig("devices", "--json", *words).out)
        assert timeless(said) == timeless(api.get("/v1/devices", params=parameters).json())


def timeless(content: Any) -> Any:
    """The content without what moves on from one question to the next: how long something has been silent by now."""
    if isinstance(content, dict):
        return {
            name: timeless(value) for name, value in content.items() if name not in ("evidence", "proof_at")
        }
    return [timeless(value) for value in content] if isinstance(content, list) else content


def test_devices_are_told_a_line_each_worst_first_after_the_silent_homes(
    filled: Database, nyttig: Nyttig
) -> None:
    lines = nyttig("devices", "--trial", ALNA).out.splitlines()
    assert lines[0].startswith("site alna-007 (Bydel Alna): all 2 devices silent since 3 days ago")
    assert [line.split()[0] for line in lines[1:]] == sorted(
        (line.split()[0] for line in lines[1:]), reverse=True
    )
    assert "md-102" in lines[1] + lines[2]


def test_a_device_is_told_boot_by_boot(filled: Database, api: httpx.Client, nyttig: Nyttig) -> None:
    device = api.get("/v1/devices", params={"trial": ALNA}).json()["devices"][0]["device"]
    assert re.match(
        r"boot b1: numbers \d+ to \d+, \d+ stored, 0 came again, ", nyttig("devices", "--device", device).out
    )
    there = api.get(f"/v1/devices/{device}").json()["ledger"]
    assert json.loads(nyttig("devices", "--device", device, "--json").out) == there
    said = nyttig("devices", "--device", "none")
    assert (said.code, said.err) == (
        1, "nyttig: there is no device 'none'; `nyttig devices` lists those that are placed\n"
    )  # fmt: skip


def test_without_any_trial_devices_says_how_to_get_one(fresh: Database, nyttig: Nyttig) -> None:
    assert nyttig("devices") == (
        0,
        "no devices are placed anywhere; load a trial with `nyttig load FOLDER`\n",
        "",
    )


# Packages


def test_a_package_is_loaded_once_however_often_it_is_loaded(fresh: Database, nyttig: Nyttig) -> None:
    first = nyttig("load", PROJECT / "examples" / ALNA)
    assert (first.code, first.err) == (0, "")
    assert re.match(
        rf"{ALNA} loaded: 16 homes, \d+ devices, \d+ visits, \d+ measures, 0 events added", first.out
    )
    assert nyttig("load", PROJECT / "examples" / ALNA) == first
    counts = json.loads(nyttig("load", PROJECT / "examples" / ALNA, "--json").out)
    assert (counts["trial"], counts["homes"], counts["events_added"]) == (ALNA, 16, 0)


def test_one_home_is_told_as_one(fresh: Database, nyttig: Nyttig, tmp_path: Path) -> None:
    write(example(ALNA, homes=1), tmp_path / "one")
    assert nyttig("load", tmp_path / "one").out.startswith(f"{ALNA} loaded: 1 home, ")


def test_of_a_broken_package_every_problem_is_a_line_and_nothing_is_loaded(
    fresh: Database, nyttig: Nyttig, tmp_path: Path
) -> None:
    said = nyttig("load", broken_package(tmp_path / "package"))
    assert (said.code, said.out) == (1, "")
    lines = said.err.removeprefix("nyttig: ").splitlines()
    assert [": ".join(line.split(": ")[:2]) for line in lines] == [
        "homes.csv, row 2, column site_type: 'hotel'",
        "devices.csv, row 2, column power: 'steam'",
        "visits.csv, row 2, column home: 'alna-999'",
    ]
    assert all(len(line.split(": ")) > 2 for line in lines)  # what to do about it
    assert nyttig("report", ALNA).err == (
        f"nyttig: there is no trial '{ALNA}'; trials: none yet; load one with `nyttig load FOLDER`\n"
    )


def test_a_folder_that_is_none_is_refused_by_name(fresh: Database, nyttig: Nyttig, tmp_path: Path) -> None:
    said = nyttig("load", tmp_path / "nowhere")
    assert said.code == 1
    assert "nowhere" in said.err


def test_what_is_exported_loads_elsewhere_to_the_same_report(
    filled: Database,
    nyttig: Nyttig,
    tmp_path: Path,
    embedded_server: DatabaseServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    as_of = (datetime.now(UTC) - timedelta(hours=1)).isoformat()

    def made() -> Any:
        said = nyttig("report", ODENSE, "--as-of", as_of, "--known", "now", "--json")
        return json.loads(said.out) | {"known_at": None}  # the moment at which it was asked for

    before = made()
    said = nyttig("export", ODENSE, "--to", tmp_path / "out", "--format", "csv, parquet")
    assert (said.code, said.out) == (
        0,
        f"{ODENSE} exported to {tmp_path / 'out'}; datapackage.json says what is in it\n",
    )
    assert read(tmp_path / "out", builtin_technologies()).trial.id == ODENSE
    with embedded_server.fresh_database() as other:
        use(monkeypatch, other)
        assert nyttig("load", tmp_path / "out").code == 0
        assert made() == before


def test_an_export_overwrites_nothing_and_knows_its_formats(
    filled: Database, nyttig: Nyttig, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    said = nyttig("export", ODENSE, "--to", tmp_path)
    assert said.code == 1
    assert "new or empty" in said.err
    said = nyttig("export", ODENSE, "--to", tmp_path / "new", "--format", "csv,xlsx")
    assert said.code == 1
    assert "'xlsx'" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


# Quarantine and verification


def test_an_empty_quarantine_says_so(fresh: Database, nyttig: Nyttig) -> None:
    assert nyttig("quarantine") == (0, "quarantine is empty\n", "")
    assert json.loads(nyttig("quarantine", "--json").out) == []


def test_quarantine_tells_what_waits_why_and_what_to_do(fresh: Database, nyttig: Nyttig) -> None:
    quarantined(fresh, "unknown_device", "malformed")
    said = nyttig("quarantine")
    assert said.code == 0
    assert "1 unknown_device (nyttig)" in said.out
    assert "told by malformed" in said.out
    assert "\\xff{" in said.out  # no text, and shown all the same
    assert "nyttig quarantine --replay" in said.out
    (kept,) = json.loads(nyttig("quarantine", "--json", "--reason", "malformed").out)
    assert (kept["reason"], kept["payload"], kept["messages_total"]) == ("malformed", "\\xff{", 1)
    assert len(json.loads(nyttig("quarantine", "--json", "--limit", "1").out)) == 1


def test_what_still_cannot_be_read_stays_in_quarantine(fresh: Database, nyttig: Nyttig) -> None:
    quarantined(fresh, "malformed")
    said = nyttig("quarantine", "--replay")
    assert (said.code, said.out) == (0, "0 kinds of messages stored, 1 still in quarantine\n")


def test_verify_finds_nothing_where_rollups_say_what_the_events_say(filled: Database, nyttig: Nyttig) -> None:
    assert nyttig("verify") == (0, "rollups and ledger say what the events say\n", "")
    assert nyttig("verify", "--trial", ALNA).code == 0
    found = json.loads(nyttig("verify", "--json").out)
    kinds = [
        "rollups",
        "ledger",
        "ledger_totals",
        "gaps",
        "recovered_uses",
        "alarms",
        "folds",
        "marks_waiting",
    ]
    assert list(found) == kinds
    assert not any(found.values())


def test_verify_names_what_differs_and_ends_with_1(fresh: Database, nyttig: Nyttig) -> None:
    fill(fresh)
    with db.connect(fresh.conninfo) as connection:
        connection.execute(
            "UPDATE rollups SET uses = uses + 1 WHERE (device_id, hour) IN (SELECT device_id, hour FROM rollups"
            " ORDER BY hour LIMIT 1)"
        )
        connection.execute(
            "UPDATE ledger SET seqs = seqs - '{[3,5)}' WHERE device_id = (SELECT min(device_id) FROM ledger)"
        )
        connection.execute(
            "INSERT INTO alarms (device_id, raised_at, raised_by) SELECT min(id), '2026-01-01Z', 'citizen' FROM devices"
        )
    said = nyttig("verify")
    assert said.code == 1
    lines = {line.split()[0]: line for line in said.out.splitlines()}
    assert re.match(r"rollup \S+ \S+: stored \(.*\), events say \(.*\)", lines["rollup"])
    assert re.match(r"ledger \S+ boot 'b1': only in ledger \{\}, only in events \{\[3,5\)\}", lines["ledger"])
    assert re.match(r"alarm \S+ \S+: stored citizen, events say none", lines["alarm"])
    found = json.loads(nyttig("verify", "--json").out)
    assert (len(found["rollups"]), len(found["ledger"]), len(found["alarms"])) == (1, 1, 1)


# Schema and database


def test_migrating_twice_changes_nothing(
    embedded_server: DatabaseServer, nyttig: Nyttig, monkeypatch: pytest.MonkeyPatch
) -> None:
    with embedded_server.fresh_database() as database:
        with db.connect(database.conninfo) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        use(monkeypatch, database)
        first = nyttig("migrate")
        assert first.code == 0
        assert first.out.startswith("applied 0001_")
        assert nyttig("migrate") == (0, "the schema is up to date\n", "")


READERS = [("report", ALNA), ("devices",), ("quarantine",), ("quarantine", "--replay"), ("verify",), ("ingest", "--check"),
           ("export", ALNA, "--to", "x"), ("load", str(PROJECT / "examples" / ALNA))]  # fmt: skip


@pytest.mark.parametrize("words", READERS, ids=" ".join)
def test_a_stale_schema_is_refused_with_what_to_run(
    fresh: Database, nyttig: Nyttig, words: tuple[str, ...]
) -> None:
    with db.connect(fresh.conninfo) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    said = nyttig(*words)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("nyttig: the database has schema step 0, ")
    assert said.err.endswith("run `nyttig migrate`\n")


@pytest.mark.parametrize("words", [*READERS, ("migrate",)], ids=" ".join)
def test_a_database_that_is_away_is_told_with_where_it_was_looked_for(
    nyttig: Nyttig, monkeypatch: pytest.MonkeyPatch, unused_port: int, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", str(unused_port))
    said = nyttig(*words)
    assert (said.code, said.out) == (1, "")
    assert str(unused_port) in said.err
    assert "check PGHOST" in said.err
    assert said.err.count("\n") == 1


def test_whether_an_ingestor_is_at_work_is_an_exit_code(fresh: Database, nyttig: Nyttig) -> None:
    assert nyttig("ingest", "--check") == (1, "", "nyttig-ingest is not at work\n")
    fill(fresh)
    assert nyttig("ingest", "--check") == (0, "", "")
    beat(fresh, connected=False)
    assert nyttig("ingest", "--check").code == 1
    beat(fresh, seconds_ago=21)
    assert nyttig("ingest", "--check").code == 1


# Settings


def test_settings_shows_everything_but_the_passwords(nyttig: Nyttig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NYTTIG_MQTT_URL", "mqtts://ingest:hunter2@broker:8883")
    monkeypatch.setenv("PGPASSWORD", "hunter3")
    monkeypatch.setenv("PGHOST", "db.example")
    said = nyttig("settings")
    assert (said.code, said.err) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in said.out.splitlines() if len(line.split()) > 1)
    assert lines["NYTTIG_MQTT_URL"] == "mqtts://ingest:****@broker:8883"
    assert lines["PGPASSWORD"] == "****"
    assert lines["PGHOST"] == "db.example"
    assert "hunter" not in said.out


def test_a_wrong_setting_stops_every_command_and_keeps_the_password_to_itself(
    nyttig: Nyttig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NYTTIG_MQTT_URL", "mqtt://ingest:hun/ter2@broker")
    said = nyttig("settings")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith(
        "nyttig: NYTTIG_MQTT_URL='mqtt://ingest:****@broker' is not a broker's address"
    )
