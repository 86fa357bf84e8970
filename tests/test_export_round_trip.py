"""What is exported loads again into an empty database and gives the same report, digit for digit."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from conftest import PROJECT, Database, DatabaseServer
from whole_way import digits, ingesting, running_mosquitto

from nyttig.errors import NotFoundError, PackageError
from nyttig.export import export
from nyttig.load import load
from nyttig.package.read import read
from nyttig.package.technologies import builtin_technologies
from nyttig.package.write import write
from nyttig.report import Report, report
from nyttig.settings import Settings
from nyttig.store import db, ledger, platform, rollups
from nyttig.store.platform import Outage
from simulators.recordings import ordonez
from simulators.replay import replay
from simulators.run import run

AS_OF = {
    "ordonez-a": datetime(2011, 12, 13, 23, tzinfo=UTC),
    "gamle-oslo-komfyrvakt": datetime(2026, 9, 21, 10, 17, 3, tzinfo=UTC),
}
FORMATS = [("csv",), ("parquet",), ("csv", "parquet")]


@pytest.fixture(scope="module")
def source(
    embedded_server: DatabaseServer, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """A store with a real home and a simulated trial, both through a broker, and outages of the platform."""
    folders = tmp_path_factory.mktemp("packages")
    ordonez.convert(shared / "data" / "ordonez-a", folders / "ordonez-a")
    stoves = read(PROJECT / "examples" / "gamle-oslo-komfyrvakt", builtin_technologies())
    write(stoves, folders / "stoves")
    until = AS_OF["gamle-oslo-komfyrvakt"]
    with embedded_server.fresh_database() as database, running_mosquitto() as broker:
        with db.connect(database.conninfo) as connection:
            load(connection, folders / "ordonez-a", builtin_technologies())
            load(connection, folders / "stoves", builtin_technologies())
            began_at = until - timedelta(days=5, minutes=7)
            ended_at = began_at + timedelta(hours=30)
            platform.record(connection, Outage("broker", began_at, ended_at, lossy=True))
            platform.record(connection, Outage("database", began_at, ended_at, lossy=False))
        settings = Settings(mqtt_url=broker.url)
        with ingesting(database, broker.url) as settle:
            replay([folders / "ordonez-a" / "messages.jsonl"], settings)
            run([stoves], settings, seed=11, history_from=until - timedelta(days=28), until=until)
            settle()
        yield database


def report_of(database: Database, trial: str) -> Report:
    with db.connect(database.conninfo) as connection:
        return report(connection, trial, AS_OF[trial])


def exported(database: Database, trial: str, folder: Path, formats: tuple[str, ...] = ("csv",)) -> Path:
    with db.connect(database.conninfo) as connection:
        export(connection, trial, folder, formats=formats, now=AS_OF[trial])
    return folder


def rows(database: Database) -> dict[str, int]:
    """How many rows each table holds."""
    with db.connect(database.conninfo) as connection:
        tables = [
            name
            for (name,) in connection.execute(
                "SELECT table_name FROM information_schema.tables"
                " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1"
            ).fetchall()
        ]
        counts = {}
        for name in tables:
            found = connection.execute(f'SELECT count(*) FROM "{name}"'.encode()).fetchone()
            assert found is not None
            counts[name] = int(found[0])
        return counts


@pytest.mark.parametrize("formats", FORMATS, ids="+".join)
@pytest.mark.parametrize("trial", AS_OF)
def test_an_export_loads_into_an_empty_database_with_the_same_report_digit_for_digit(
    source: Database, database: Database, tmp_path: Path, trial: str, formats: tuple[str, ...]
) -> None:
    before = report_of(source, trial)
    assert before.data.events_total > 5_000
    folder = exported(source, trial, tmp_path / "export", formats)
    with db.connect(database.conninfo) as connection:
        loaded = load(connection, folder, builtin_technologies())
        assert (loaded.events_added, loaded.events_already_there) == (before.data.events_total, 0)
        assert rollups.differences(connection) == []
        assert ledger.differences(connection) == []
    assert digits(report_of(database, trial)) == digits(before)

    there = rows(database)
    with db.connect(database.conninfo) as connection:
        again = load(connection, folder, builtin_technologies())
    assert (again.events_added, again.events_already_there) == (0, before.data.events_total)
    assert rows(database) == there
    assert digits(report_of(database, trial)) == digits(before)


@pytest.mark.parametrize("trial", AS_OF)
def test_an_export_of_what_was_loaded_is_the_same_export(
    source: Database, embedded_database: Database, tmp_path: Path, trial: str
) -> None:
    first = exported(source, trial, tmp_path / "first", ("csv", "parquet"))
    with db.connect(embedded_database.conninfo) as connection:
        load(connection, first, builtin_technologies())
    second = exported(embedded_database, trial, tmp_path / "second", ("csv", "parquet"))
    names = sorted(file.name for file in first.iterdir())
    assert names == sorted(file.name for file in second.iterdir())
    for name in names:
        if name != "datapackage.json":
            assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_the_manifest_says_how_many_events_there_are_and_what_is_missing(
    source: Database, tmp_path: Path
) -> None:
    trial = "gamle-oslo-komfyrvakt"
    made = report_of(source, trial)
    folder = exported(source, trial, tmp_path / "export", ("csv", "parquet"))
    manifest = json.loads((folder / "datapackage.json").read_text())
    facts = manifest["nyttig"]
    assert facts["as_of"] == AS_OF[trial].isoformat()
    assert facts["unknown_device_days"] == made.use_day_rate_all_days.unknown_days > 0
    assert facts["observability"] == made.use_day_rate_all_days.observability
    assert [gap["home"] for gap in facts["gaps"]] == [silence.home for silence in made.silences]
    assert made.silences
    assert pacsv.read_csv(folder / "events.csv").num_rows == made.data.events_total
    assert pq.ParquetFile(folder / "events.parquet").metadata.num_rows == made.data.events_total


def test_a_trial_s_loss_of_messages_travels_with_its_export(
    source: Database, embedded_database: Database, tmp_path: Path
) -> None:
    trial = "gamle-oslo-komfyrvakt"
    folder = exported(source, trial, tmp_path / "export")
    with db.connect(embedded_database.conninfo) as connection:
        load(connection, folder, builtin_technologies())
        assert [(each.cause, each.lossy) for each in platform.outages(connection, trial_id=trial)] == [
            ("broker", True),
            ("database", False),
        ]
        assert platform.outages(connection, trial_id="another") == []


def test_an_export_that_was_cut_short_is_refused_and_nothing_of_it_loaded(
    source: Database, embedded_database: Database, tmp_path: Path
) -> None:
    folder = exported(source, "ordonez-a", tmp_path / "export")
    events = folder / "events.csv"
    lines = events.read_text().splitlines(keepends=True)
    events.write_text("".join(lines[:-100]))
    before = rows(embedded_database)
    with (
        db.connect(embedded_database.conninfo) as connection,
        pytest.raises(PackageError, match=r"events\.csv") as refused,
    ):
        load(connection, folder, builtin_technologies())
    assert str(len(lines) - 1) in str(refused.value)
    assert rows(embedded_database) == before


def test_of_a_broken_package_every_problem_is_told_and_nothing_is_in_the_store(
    source: Database, database: Database, tmp_path: Path
) -> None:
    """A misspelt unit, a placement of an unknown device, a value that is no number."""
    folder = exported(source, "gamle-oslo-komfyrvakt", tmp_path / "export")
    (folder / "datapackage.json").unlink()  # edited by hand: no checksums to go by
    edit(folder / "homes.csv", 2, "unit", "Bydel Gamle Olso")
    edit(folder / "placements.csv", 3, "device", "sg-000")
    edit(folder / "measures.csv", 4, "value", "four")
    edit(folder / "events.csv", 7, "at", "yesterday")
    before = rows(database)
    with db.connect(database.conninfo) as connection:
        with pytest.raises(PackageError) as refused:
            load(connection, folder, builtin_technologies())
        found = {(each.file, each.row, each.column, each.value) for each in refused.value.problems}
        assert {
            ("homes.csv", 3, "unit", "Bydel Gamle Olso"),
            ("placements.csv", 4, "device", "sg-000"),
            ("measures.csv", 5, "value", "four"),
            ("events.csv", 8, "at", "yesterday"),
        } <= found
        assert all(each.remedy for each in refused.value.problems)
    assert rows(database) == before


def test_of_broken_events_nothing_is_in_the_store_either(
    source: Database, database: Database, tmp_path: Path
) -> None:
    folder = exported(source, "gamle-oslo-komfyrvakt", tmp_path / "export")
    (folder / "datapackage.json").unlink()
    edit(folder / "events.csv", 1, "device", "nobody")
    edit(folder / "events.csv", 7, "at", "yesterday")
    before = rows(database)
    with db.connect(database.conninfo) as connection, pytest.raises(PackageError) as refused:
        load(connection, folder, builtin_technologies())
    assert {(each.file, each.row, each.column, each.value) for each in refused.value.problems} == {
        ("events.csv", 2, "device", "nobody"),
        ("events.csv", 8, "at", "yesterday"),
    }
    assert rows(database) == before


def edit(file: Path, row: int, column: str, value: str) -> None:
    """The cell of the row (the header is row 0) holds `value`."""
    with file.open(newline="", encoding="utf-8") as text:
        table = list(csv.reader(text))
    table[row][table[0].index(column)] = value
    with file.open("w", newline="", encoding="utf-8") as text:
        csv.writer(text, lineterminator="\n").writerows(table)


def test_a_trial_that_there_is_not_is_named_and_no_folder_is_left(source: Database, tmp_path: Path) -> None:
    with db.connect(source.conninfo) as connection, pytest.raises(NotFoundError, match="ordonez-a"):
        export(connection, "ordonez-b", tmp_path / "export", formats=("csv",), now=datetime.now(UTC))
    assert not (tmp_path / "export").exists()
