"""Every change of the registry is on record, with who made it: nothing that was so is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest
from conftest import Database
from packages import PLACED_AT, one_home

from nyttig.errors import PackageError
from nyttig.model import Device, Home, Placement, Trial, TrialPackage
from nyttig.package.read import read
from nyttig.package.shift import shift
from nyttig.package.technologies import builtin_technologies
from nyttig.package.write import write
from nyttig.store import db, devices, history, placements, registry
from nyttig.store.db import Session
from nyttig.store.history import Subject

KNOWN = builtin_technologies()
AT = datetime(2026, 9, 20, 10, tzinfo=UTC)


@pytest.fixture
def connection(database: Database) -> Iterator[Session]:
    with db.connect(database.conninfo) as session:
        yield session


def two_homes() -> TrialPackage:
    return one_home("medicine_dispenser", homes=2)


def save(connection: Session, package: TrialPackage) -> list[tuple[str, str]]:
    """The package is saved; what its load added to the history, the oldest first."""
    before = len(history.entries(connection, limit=1000))
    registry.save(connection, package, KNOWN)
    connection.commit()
    entries = history.entries(connection, limit=1000)
    return [(entry.subject, entry.action) for entry in reversed(entries[: len(entries) - before])]


def test_a_load_says_what_came_into_the_trial_and_to_each_device(connection: Session) -> None:
    assert save(connection, two_homes()) == [("trial", "loaded"), ("d1", "registered"), ("d2", "registered")]
    (loaded,) = history.entries(connection, trial_id="trial")[2:]
    assert (loaded.changed_by, loaded.before) == ("command line", None)
    assert loaded.after is not None
    assert loaded.after["rows_added"] == {"homes": 2, "devices": 2, "placements": 2}
    assert loaded.after["starts"] == "2026-09-01"
    (first,) = history.entries(connection, device="d1")
    assert first.trials == ("trial",)
    assert first.after is not None
    assert first.after["placements"] == [
        {"home": "h1", "placed_at": PLACED_AT.isoformat(), "removed_at": None}
    ]


def test_a_load_that_changes_nothing_leaves_no_trace_and_no_work_for_ingest(connection: Session) -> None:
    save(connection, two_homes())
    version = registry.version(connection)
    assert save(connection, two_homes()) == []
    assert registry.version(connection) == version


def test_a_load_that_changes_something_tells_what_was_and_what_is(connection: Session) -> None:
    package = two_homes()
    save(connection, package)
    first, second = package.devices
    changed = replace(
        package,
        trial=replace(package.trial, title="Another title", ends=date(2027, 1, 1)),
        devices=(replace(first, heartbeat_minutes=30.0), second),
        homes=package.homes[:1],
        placements=(package.placements[0],),
    )
    assert save(connection, changed) == [("trial", "loaded"), ("d1", "loaded"), ("d2", "loaded")]
    (trial,) = [
        each for each in history.entries(connection, trial_id="trial", limit=3) if each.subject == "trial"
    ]
    assert trial.before is not None
    (gone,) = trial.before.pop("rows")["homes"]
    assert (gone["home"], gone["installed_on"]) == ("h2", "2026-09-01")
    assert trial.before == {"title": "A trial", "ends": None}
    assert trial.after == {
        "title": "Another title",
        "ends": "2027-01-01",
        "rows": {"homes": []},
        "rows_added": {"devices": 1},
        "rows_removed": {"homes": 1, "devices": 1, "placements": 1},
    }
    assert history.entries(connection, device="d1")[0].before == {"heartbeat_minutes": 60.0}
    assert history.entries(connection, device="d2")[0].after == {"placements": []}


def test_ingest_learns_of_every_change_by_the_version(connection: Session) -> None:
    assert registry.version(connection) is None
    save(connection, two_homes())
    spare = Device("spare", "medicine_dispenser", "nyttig", "spare", 60.0, "mains", "primary")
    versions = [registry.version(connection)]
    for change in (
        lambda: devices.register(connection, spare, KNOWN, by="ida"),
        lambda: placements.swap(connection, "d1", "spare", AT, by="ida"),
        lambda: placements.move(connection, "spare", "h2", AT.replace(day=21), by="ida"),
        lambda: placements.remove(connection, "spare", AT.replace(day=22), by="ida"),
        lambda: devices.retire(connection, "spare", "lost", AT.replace(day=23), by="ida"),
        lambda: devices.unretire(connection, "spare", by="ida"),
        lambda: placements.place(connection, "spare", "h1", AT.replace(day=24), by="ida"),
    ):
        change()
        connection.commit()
        versions.append(registry.version(connection))
    assert len(set(versions)) == 8
    assert None not in versions
    assert {entry.changed_by for entry in history.entries(connection, device="spare")} == {"ida"}


@pytest.mark.parametrize(
    "forgetting",
    [
        "DELETE FROM registry_changes",
        "UPDATE registry_changes SET changed_by = 'nobody'",
        "TRUNCATE registry_changes",
        "DELETE FROM registry_changes WHERE false",
    ],
)
def test_the_history_cannot_be_changed_or_deleted(connection: Session, forgetting: str) -> None:
    history.record(
        connection, by="ida", action="loaded", subject=Subject("trial", "t"), before=None, after={"at": AT}
    )
    connection.commit()
    with pytest.raises(psycopg.errors.RaiseException, match="is kept"):
        connection.execute(forgetting.encode())
    connection.rollback()
    (entry,) = history.entries(connection)
    assert (entry.changed_by, entry.after, entry.trials) == ("ida", {"at": AT.isoformat()}, ("t",))


def test_changes_stand_in_the_order_of_their_commits(database: Database) -> None:
    """Else ingest could see the newer one, and never the older that committed after it."""
    with db.connect(database.conninfo) as one, db.connect(database.conninfo) as other:
        history.record(
            one, by="ida", action="placed", subject=Subject("device", "d1"), before=None, after=None
        )
        other.execute("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            history.record(
                other, by="ola", action="placed", subject=Subject("device", "d2"), before=None, after=None
            )
        other.rollback()
        one.commit()
        history.record(
            other, by="ola", action="placed", subject=Subject("device", "d2"), before=None, after=None
        )
        other.commit()
        assert [entry.subject for entry in history.entries(one)] == ["d2", "d1"]


# Packages


def test_what_was_retired_and_the_makers_own_mark_go_through_a_package(
    connection: Session, tmp_path: Path
) -> None:
    save(connection, two_homes())
    spare = Device(
        "spare", "medicine_dispenser", "nyttig", "spare", 60.0, "mains", "primary", "0x00158d0001a2b3c4"
    )
    devices.register(connection, spare, KNOWN, by="ida")
    placements.swap(connection, "d1", "spare", AT, by="ida", retire_because="broken")
    there = registry.read(connection, "trial")
    write(there, tmp_path / "exported")
    assert read(tmp_path / "exported", KNOWN) == there
    assert save(connection, read(tmp_path / "exported", KNOWN)) == []
    moved = shift(there, 7).devices[0]
    assert (moved.device, moved.retired_at) == ("d1", AT.replace(day=27))


def test_a_package_without_the_makers_mark_does_not_take_it_away(connection: Session) -> None:
    package = two_homes()
    marked = replace(
        package, devices=tuple(replace(each, hardware_id=each.device * 2) for each in package.devices)
    )
    save(connection, marked)
    assert save(connection, package) == []
    assert registry.read(connection, "trial").devices[0].hardware_id == "d1d1"


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ("2026-09-20T10:00:00Z,", "retired_because is empty; fill in both"),
        (",broken", "retired_at is empty; fill in both"),
        ("2026-09-20T10:00:00Z,ugly", "is not one of: broken, lost"),
        ("2026-09-20T10:00:00Z,broken", "is retired from 2026-09-20T10:00:00+00:00 on"),
    ],
)
def test_a_package_that_retires_a_device_by_halves_is_refused(tmp_path: Path, cells: str, said: str) -> None:
    write(two_homes(), tmp_path / "package")
    (tmp_path / "package" / "datapackage.json").unlink()
    (tmp_path / "package" / "devices.csv").write_text(
        f"device,technology,retired_at,retired_because\nd1,medicine_dispenser,{cells}\nd2,medicine_dispenser,,\n"
    )
    with pytest.raises(PackageError, match=r"devices\.csv|placements\.csv") as raised:
        read(tmp_path / "package", KNOWN)
    assert said in str(raised.value)


def elsewhere(placement: Placement) -> TrialPackage:
    """Another trial, to which d1 belongs too, with a home of its own."""
    package = two_homes()
    trial: Trial = replace(package.trial, id="other", technology="medicine_dispenser")
    home = Home("x1", "home", "Bydel Alna", date(2026, 8, 1), date(2026, 8, 10), date(2026, 9, 1))
    return replace(package, trial=trial, homes=(home,), devices=package.devices[:1], placements=(placement,))


def test_a_package_does_not_take_a_device_out_of_a_home_of_another_trial(connection: Session) -> None:
    save(connection, two_homes())
    with pytest.raises(PackageError, match="stands at h1 of another trial"):
        save(connection, elsewhere(Placement("d1", "x1", AT)))
    connection.rollback()
    assert [each.home for each in placements.of_device(connection, "d1")] == ["h1"]


def test_a_device_that_went_from_one_trials_home_to_anothers_stands_in_each_trials_package(
    connection: Session,
) -> None:
    save(connection, two_homes())
    placements.remove(connection, "d1", AT, by="ida")
    connection.commit()
    first = registry.read(connection, "trial")
    other = elsewhere(Placement("d1", "x1", AT))
    save(connection, other)
    assert registry.read(connection, "trial").placements == first.placements
    assert registry.read(connection, "other").placements == other.placements
    assert save(connection, first) == []
    assert [each.home for each in placements.of_device(connection, "d1")] == ["h1", "x1"]
