"""What people enter is kept with every version, and a package that is loaded again takes nothing of it away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from conftest import Database, DatabaseServer
from packages import one_home
from upgrading import older

from nyttig import entering
from nyttig.entries.benefit import Harm
from nyttig.entries.kinds import KINDS, from_json, to_json
from nyttig.entries.life import Idea, Programme, Vote
from nyttig.errors import ClashError, EntryError
from nyttig.model import Cost, Entry, Gain, Measure, TrialPackage
from nyttig.package.read import read
from nyttig.package.technologies import builtin_technologies
from nyttig.package.write import write
from nyttig.store import db, entries, migrate, registry
from nyttig.store.db import Session

KNOWN = builtin_technologies()
NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
FALL = Harm(title="Fell over the cable", perspective="citizen", severity="minor", seen_on=date(2026, 9, 20))
TIME = Gain("time", "Fewer visits", "time", "organisation", "visit_minutes_per_week", "lower", -30.0)
VALUE = Measure("h1", "who5", date(2026, 9, 2), "before", 52.0)
CHAIR = Cost("Dispenser", "capital", 9000.0, "device")


def trial(**changed: object) -> TrialPackage:
    package = one_home("medicine_dispenser", homes=2)
    return replace(
        package,
        trial=replace(package.trial, gains=(TIME,)),
        **{"measures": (VALUE,), "costs": (CHAIR,), **changed},  # type: ignore[arg-type]  # each of its own type
    )


@pytest.fixture
def connection(database: Database) -> Iterator[Session]:
    with db.connect(database.conninfo) as session:
        registry.save(session, trial(), KNOWN)
        session.commit()
        yield session


def known(connection: Session, kind: str) -> list[Entry]:
    return entries.current(connection, trial().trial.id, [kind])


def test_a_harm_that_a_coordinator_enters_stands_with_who_and_when(connection: Session) -> None:
    entries.write(connection, trial().trial.id, "harm", FALL, by="ida", at=NOON)
    (found,) = known(connection, "harm")
    assert (found.data, found.entered_by, found.entered_at, found.version) == (FALL, "ida", NOON, 1)
    assert not found.loaded


def test_a_change_keeps_what_stood_there_and_undo_brings_it_back(connection: Session) -> None:
    first = entries.write(connection, trial().trial.id, "harm", FALL, by="ida", at=NOON)
    worse = replace(FALL, severity="serious")
    changed = entries.change(connection, first.entry, worse, version=1, by="per", at=NOON)
    assert entries.undo(connection, first.entry, version=changed.version, by="ida", at=NOON).data == FALL
    told = [each.data for each in entries.versions(connection, first.entry)]
    assert told == [FALL, worse, FALL]
    assert entries.undo(connection, first.entry, version=3, by="ida", at=NOON).data == worse


def test_what_is_taken_back_is_gone_from_the_list_and_undo_brings_it_back(connection: Session) -> None:
    first = entries.write(connection, trial().trial.id, "harm", FALL, by="ida", at=NOON)
    gone = entries.change(connection, first.entry, None, version=1, by="ida", at=NOON)
    assert known(connection, "harm") == []
    entries.undo(connection, first.entry, version=gone.version, by="ida", at=NOON)
    assert [each.data for each in known(connection, "harm")] == [FALL]


def test_two_people_who_change_the_same_entry_do_not_overwrite_each_other(connection: Session) -> None:
    first = entries.write(connection, trial().trial.id, "harm", FALL, by="ida", at=NOON)
    entries.change(connection, first.entry, replace(FALL, severity="serious"), version=1, by="per", at=NOON)
    with pytest.raises(ClashError, match="version 2, by per"):
        entries.change(connection, first.entry, FALL, version=1, by="ida", at=NOON)


def test_a_second_gain_under_the_same_code_is_refused(connection: Session) -> None:
    with pytest.raises(ClashError, match="'time' is there already"):
        entries.write(connection, trial().trial.id, "gain", TIME, by="ida", at=NOON)


def test_the_list_as_of_a_past_moment_is_what_was_entered_by_then(connection: Session) -> None:
    entries.write(connection, trial().trial.id, "harm", FALL, by="ida", at=NOON)
    assert entries.current(connection, trial().trial.id, ["harm"], before=NOON) == []


def test_nobody_can_rewrite_a_version(connection: Session) -> None:
    with pytest.raises(Exception, match="is kept"):
        connection.execute("UPDATE entries SET data = NULL")


# Loading again


def test_loading_the_same_package_again_changes_nothing(connection: Session) -> None:
    before = connection.execute("SELECT count(*) FROM entries").fetchone()
    registry.save(connection, trial(), KNOWN)
    registry.save(connection, registry.read(connection, trial().trial.id), KNOWN)
    assert connection.execute("SELECT count(*) FROM entries").fetchone() == before
    assert registry.read(connection, trial().trial.id).costs == (CHAIR,)


def test_a_gain_that_was_changed_on_the_page_stays_when_the_unchanged_package_is_loaded(
    connection: Session,
) -> None:
    (gain,) = known(connection, "gain")
    braver = replace(TIME, target=-60.0)
    entries.change(connection, gain.entry, braver, version=1, by="ida", at=NOON)
    registry.save(connection, trial(), KNOWN)
    assert registry.read(connection, trial().trial.id).trial.gains == (braver,)


def test_a_gain_that_the_package_changed_says_what_the_package_says(connection: Session) -> None:
    other = replace(TIME, title="Fewer and shorter visits")
    registry.save(connection, replace(trial(), trial=replace(trial().trial, gains=(other,))), KNOWN)
    assert registry.read(connection, trial().trial.id).trial.gains == (other,)
    assert len(entries.versions(connection, known(connection, "gain")[0].entry)) == 2


def test_a_cost_that_the_package_lacks_now_is_taken_back_and_one_entered_by_hand_stays(
    connection: Session,
) -> None:
    own = Cost("Batteries", "running", 20.0, "month")
    entries.write(connection, trial().trial.id, "cost", own, by="ida", at=NOON)
    registry.save(connection, trial(costs=()), KNOWN)
    assert registry.read(connection, trial().trial.id).costs == (own,)
    registry.save(connection, trial(), KNOWN)
    assert set(registry.read(connection, trial().trial.id).costs) == {own, CHAIR}


def test_two_equal_measures_of_a_package_are_two(connection: Session) -> None:
    registry.save(connection, trial(measures=(VALUE, VALUE)), KNOWN)
    registry.save(connection, trial(measures=(VALUE, VALUE)), KNOWN)
    assert registry.read(connection, trial().trial.id).measures == (VALUE, VALUE)


def test_a_package_carries_what_was_entered_into_another_system(
    connection: Session, embedded_database: Database, tmp_path: Path
) -> None:
    trial_id = trial().trial.id
    entries.write(connection, trial_id, "harm", FALL, by="ida", at=NOON)
    idea = Idea(
        title="Reminders", need="Forgets", raised_by="home care", raised_on=date(2026, 1, 5), trial=trial_id
    )
    raised = entries.write(connection, None, "idea", idea, by="ida", at=NOON)
    other = replace(idea, title="Another", trial=None)
    entries.write(connection, None, "idea", other, by="ida", at=NOON)
    entries.write(connection, None, "vote", Vote(idea=raised.entry, voter="nurse"), by="per", at=NOON)
    entries.write(connection, None, "programme", Programme(name="Elsewhere"), by="ida", at=NOON)
    given = registry.read(connection, trial_id)
    assert {each.kind for each in given.entries} == {"harm", "idea", "vote"}
    for suffix in ("csv", "parquet"):
        write(given, tmp_path / suffix, formats=(suffix,))
        read_back = read(tmp_path / suffix, KNOWN)
        with db.connect(embedded_database.conninfo) as elsewhere:
            registry.save(elsewhere, read_back, KNOWN)
            registry.save(elsewhere, read_back, KNOWN)
            carried = registry.read(elsewhere, trial_id).entries
            elsewhere.rollback()
        assert [replace(each, loaded=False) for each in carried] == list(given.entries)


# What is entered is looked at


def test_everything_that_is_wrong_is_said_at_once_with_field_value_and_remedy(connection: Session) -> None:
    values = {
        "title": "",
        "perspective": "patient",
        "severity": "minor",
        "seen_on": "20.09.2026",
        "hoem": "h1",
    }
    with pytest.raises(EntryError) as error:
        entering.enter(connection, "harm", values, trial_id=trial().trial.id, by="ida", at=NOON)
    text = str(error.value)
    assert "title: is empty; fill it in" in text
    assert "perspective: 'patient' is not one of: citizen" in text
    assert "seen_on: '20.09.2026' is no date; write year-month-day: 2026-09-20" in text
    assert "hoem: 'h1' is no field of harm. Did you mean 'home'?" in text


def test_a_home_that_is_in_no_list_is_refused_with_one_that_is_like_it(connection: Session) -> None:
    values = {**to_json(FALL), "home": "h11"}
    with pytest.raises(EntryError, match=r"home: 'h11' is not known here. Did you mean 'h1'"):
        entering.enter(connection, "harm", values, trial_id=trial().trial.id, by="ida", at=NOON)


def test_a_share_above_one_is_refused(connection: Session) -> None:
    values = {"gain": "time", "reallocated_ratio": 1.2, "cashed_ratio": 0.1}
    with pytest.raises(EntryError, match=r"reallocated_ratio: 1.2 must be 1 or less"):
        entering.enter(connection, "realisation", values, trial_id=trial().trial.id, by="ida", at=NOON)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_entry_has_a_described_column_for_each_field(kind: str) -> None:
    assert KINDS[kind].noun.__doc__
    for column in KINDS[kind].columns:
        assert column.description[0].isupper() or column.name == "instrument", column
    if KINDS[kind].key is not None:
        assert KINDS[kind].key in {column.name for column in KINDS[kind].columns}


def test_what_is_kept_as_json_comes_back_as_it_was() -> None:
    for noun in (FALL, TIME, VALUE, CHAIR):
        kind = next(name for name, each in KINDS.items() if each.noun is type(noun))
        assert from_json(kind, to_json(noun)) == noun
        assert from_json(kind, {**to_json(noun), "no_longer": 1}) == noun


# From before there were entries


def test_gains_measures_and_costs_of_an_older_database_are_entries_and_load_again_as_the_same(
    embedded_server: DatabaseServer,
) -> None:
    conninfo = older(embedded_server, "before_entries", "0015", BEFORE_ENTRIES)
    migrate.migrate(conninfo)
    with db.connect(conninfo) as newer:
        package = registry.read(newer, "trial")
        assert (package.trial.gains, package.measures, package.costs) == ((TIME,), (VALUE,), (CHAIR,))
        entries.save(newer, package, by="ida")
        assert newer.execute("SELECT count(*), max(version) FROM entries").fetchone() == (3, 1)


BEFORE_ENTRIES = b"""
INSERT INTO technologies (id, titles, usage_class, joining_gap_minutes, heartbeat_minutes)
VALUES ('t', '{}', 'standby', 0, 60);
INSERT INTO units (name) VALUES ('u');
INSERT INTO trials (id, title, technology_id, timezone, currency, starts, parameters)
VALUES ('trial', 't', 't', 'Europe/Oslo', 'NOK', '2026-09-01', '{}');
INSERT INTO trial_units VALUES ('trial', 1, 0);
INSERT INTO sites (code, site_type, unit_id) VALUES ('h1', 'home', 1);
INSERT INTO enrolments (trial_id, site_id) VALUES ('trial', 1);
INSERT INTO gains (trial_id, id, place, title, type, perspective, indicator, better, target, planned) VALUES
    ('trial', 'time', 0, 'Fewer visits', 'time', 'organisation', 'visit_minutes_per_week', 'lower', -30, true);
INSERT INTO measures VALUES ('trial', 1, 0, 'who5', '2026-09-02', 'before', 52, false);
INSERT INTO costs (trial_id, place, item, kind, amount, per) VALUES ('trial', 0, 'Dispenser', 'capital', 9000, 'device');
"""
