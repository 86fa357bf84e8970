"""A load of a trial's package replaces what an earlier load brought; what people entered about homes stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import psycopg
import pytest
from conftest import Database, DatabaseServer
from packages import one_home
from upgrading import older

from nyttig.model import Home, Pause, TrialPackage
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, history, homes, migrate, registry
from nyttig.store.db import Session

OSLO = ZoneInfo("Europe/Oslo")
FROM, TO, TODAY = date(2026, 10, 5), date(2026, 10, 9), date(2026, 11, 22)


def days(home: str, first: int, last: int, reason: str | None = "hospital") -> Pause:
    """A pause on days of October, both included."""
    return Pause(
        home, datetime(2026, 10, first, tzinfo=OSLO), datetime(2026, 10, last + 1, tzinfo=OSLO), reason
    )


@pytest.fixture
def connection(database: Database) -> Iterator[Session]:
    with db.connect(database.conninfo) as session:
        load(session, one_home("medicine_dispenser", homes=2))
        yield session


def load(connection: Session, package: TrialPackage) -> TrialPackage:
    registry.save(connection, package, builtin_technologies())
    connection.commit()
    return registry.read(connection, "trial")


def of(found: TrialPackage, home: str) -> Home:
    return next(each for each in found.homes if each.home == home)


def pause_h1(connection: Session) -> None:
    homes.pause(connection, "trial", "h1", FROM, TO, "hospital", by="ida")


def end_h1(connection: Session, on: date = date(2026, 11, 1)) -> None:
    homes.end(connection, "trial", "h1", on, "moved", today=TODAY, by="ida")


def test_a_pause_and_an_end_entered_on_the_page_outlive_a_load(connection: Session) -> None:
    pause_h1(connection)
    end_h1(connection)
    before = registry.read(connection, "trial")
    entries = len(history.entries(connection))
    found = load(connection, one_home("medicine_dispenser", homes=2))
    assert (found.pauses, of(found, "h1").ended_on, of(found, "h1").end_reason) == (
        (days("h1", 5, 9),),
        date(2026, 11, 1),
        "moved",
    )
    assert found == before
    assert len(history.entries(connection)) == entries, "the load changed nothing"


def test_what_the_package_said_before_goes_with_it(connection: Session) -> None:
    package = one_home("medicine_dispenser", homes=2)
    first, second = package.homes
    ended = replace(first, ended_on=date(2026, 10, 1), end_reason="completed")
    load(connection, replace(package, homes=(ended, second), pauses=(days("h2", 1, 3),)))
    found = load(connection, package)
    assert (found.pauses, of(found, "h1").ended_on) == ((), None)


def test_a_package_that_says_otherwise_counts(connection: Session) -> None:
    pause_h1(connection)
    end_h1(connection)
    package = one_home("medicine_dispenser", homes=2)
    first, second = package.homes
    ended = replace(first, ended_on=date(2026, 10, 20), end_reason="unsuitable")
    loaded = replace(package, homes=(ended, second), pauses=(days("h1", 5, 12, None), days("h2", 1, 3)))
    found = load(connection, loaded)
    assert (of(found, "h1").ended_on, of(found, "h1").end_reason) == (date(2026, 10, 20), "unsuitable")
    assert found.pauses == (days("h1", 5, 12, None), days("h2", 1, 3))
    found = load(connection, package)
    assert (found.pauses, of(found, "h1").ended_on) == ((), None), "it was the package's word by then"


def test_a_package_that_says_the_same_leaves_it_entered(connection: Session) -> None:
    pause_h1(connection)
    end_h1(connection)
    exported = registry.read(connection, "trial")
    assert load(connection, exported) == exported
    assert load(connection, one_home("medicine_dispenser", homes=2)) == exported


def test_what_cannot_be_any_more_goes(connection: Session) -> None:
    pause_h1(connection)
    end_h1(connection, on=date(2026, 9, 10))
    package = one_home("medicine_dispenser", homes=2)
    first, second = package.homes
    again = replace(first, installed_on=date(2026, 11, 1))
    assert of(load(connection, replace(package, homes=(again, second))), "h1").ended_on is None
    without = replace(
        package, homes=(second,), devices=package.devices[1:], placements=package.placements[1:]
    )
    assert load(connection, without).pauses == ()


def test_what_was_taken_back_on_the_page_does_not_come_back(connection: Session) -> None:
    pause_h1(connection)
    end_h1(connection)
    homes.withdraw_pause(connection, "trial", "h1", days("h1", 5, 9).paused_from, by="ida")
    homes.withdraw_end(connection, "trial", "h1", by="ida")
    found = load(connection, one_home("medicine_dispenser", homes=2))
    assert (found.pauses, of(found, "h1").ended_on) == ((), None)


def test_what_was_entered_before_the_upgrade_is_known_from_the_history(
    embedded_server: DatabaseServer,
) -> None:
    conninfo = older(embedded_server, "before_upgrade", "0017", BEFORE_UPGRADE)
    migrate.migrate(conninfo)
    with psycopg.connect(conninfo) as connection:
        pauses = connection.execute("SELECT reason, entered_by FROM pauses ORDER BY paused_from").fetchall()
        ends = connection.execute(
            "SELECT site_id, end_entered_by FROM enrolments ORDER BY site_id"
        ).fetchall()
    assert pauses == [("loaded", None), ("entered", "ida")]
    assert ends == [(1, "ida"), (2, None)]


BEFORE_UPGRADE = b"""
INSERT INTO technologies (id, titles, usage_class, joining_gap_minutes, heartbeat_minutes)
VALUES ('t', '{}', 'standby', 0, 60);
INSERT INTO units (name) VALUES ('u');
INSERT INTO trials (id, title, technology_id, timezone, currency, starts, parameters)
VALUES ('trial', 't', 't', 'Europe/Oslo', 'NOK', '2026-09-01', '{}');
INSERT INTO sites (code, site_type, unit_id) VALUES ('h1', 'home', 1), ('h2', 'home', 1);
INSERT INTO enrolments (trial_id, site_id, ended_on, end_reason)
VALUES ('trial', 1, '2026-11-01', 'moved'), ('trial', 2, '2026-11-01', 'moved');
INSERT INTO pauses VALUES ('trial', 1, '2026-10-01Z', '2026-10-02Z', 'loaded'),
                          ('trial', 1, '2026-10-05Z', '2026-10-09Z', 'entered');
INSERT INTO registry_changes (changed_by, action, subject_kind, subject, trials, before, after) VALUES
    ('ida', 'home_paused', 'trial', 'trial', '{trial}', NULL,
     '{"home": "h1", "paused_from": "2026-10-05T00:00:00+00:00", "paused_to": "2026-10-09T00:00:00+00:00"}'),
    ('ida', 'home_ended', 'trial', 'trial', '{trial}', NULL,
     '{"home": "h1", "ended_on": "2026-11-01", "end_reason": "moved"}');
"""
