"""What the registry said at an earlier moment is had again by undoing, one by one, what was changed since."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from conftest import Database
from packages import PLACED_AT, one_home

from nyttig.model import (
    Device,
    Gain,
    Home,
    Parameters,
    Pause,
    Placement,
    Schedule,
    Technology,
    TrialPackage,
    UnitPart,
    Visit,
)
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, devices, entries, history, homes, past, placements, registry, visits
from nyttig.store.db import Session
from nyttig.store.history import Subject

KNOWN = builtin_technologies()
NOON = datetime(2026, 9, 20, 12, tzinfo=UTC)
VISIT = Visit("h1", NOON, NOON + timedelta(minutes=12), "physical", "medicine", None, 8.0, "after")


@pytest.fixture
def connection(database: Database) -> Iterator[Session]:
    with db.connect(database.conninfo) as session:
        yield session


def three_homes() -> TrialPackage:
    package = one_home("medicine_dispenser", homes=3)
    return replace(
        package,
        pauses=(Pause("h2", PLACED_AT, PLACED_AT + timedelta(days=3), "holiday"),),
        schedules=(Schedule("h1", time(8)), Schedule("h2", time(20, 30), "12345", date(2026, 9, 3))),
        units=(UnitPart("Bydel Alna", date(2026, 6, 1), None, 40, 12),),
    )


def save(connection: Session, package: TrialPackage, **technologies: Technology) -> None:
    registry.save(connection, package, KNOWN | technologies)
    connection.commit()


def clock(connection: Session) -> datetime:
    """Now, by the clock of the history."""
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    return row[0]  # type: ignore[no-any-return]  # a time


def moment(connection: Session) -> datetime:
    """Now, between two changes."""
    now = clock(connection)
    connection.rollback()
    return now


def at(connection: Session, known_at: datetime) -> past.Past:
    return past.read(connection, "trial", known_at)


def reload(connection: Session, change: Callable[[TrialPackage], TrialPackage]) -> None:
    """The trial is loaded again with something changed."""
    save(connection, change(registry.read(connection, "trial")))


def without(home: str) -> Callable[[TrialPackage], TrialPackage]:
    def change(package: TrialPackage) -> TrialPackage:
        return replace(
            package,
            homes=tuple(each for each in package.homes if each.home != home),
            placements=tuple(each for each in package.placements if each.home != home),
            pauses=tuple(each for each in package.pauses if each.home != home),
            schedules=tuple(each for each in package.schedules if each.home != home),
            devices=package.devices[:-1],
        )

    return change


def changes_of_a_trial(connection: Session) -> list[tuple[str, Callable[[], object]]]:
    """All that people do to a trial and its devices, in an order in which it can be done."""
    spare = Device("spare", "medicine_dispenser", "nyttig", "spare", 60.0, "mains", "primary")
    gain = Gain("calm", "Calmer mornings", "quality", "citizen", "who5", "higher")
    brought: list[int] = []

    def enter() -> None:
        entries.write(connection, "trial", "gain", gain, by="ida", at=clock(connection))

    def enter_otherwise() -> None:
        (entry,) = entries.current(connection, "trial", ["gain"])
        other = replace(gain, target=10.0)
        entries.change(connection, entry.entry, other, version=entry.version, by="ida", at=clock(connection))

    def take_back() -> None:
        (entry,) = entries.current(connection, "trial", ["gain"])
        entries.change(connection, entry.entry, None, version=entry.version, by="ida", at=clock(connection))

    def bring_in() -> None:
        list_of_them = [replace(VISIT, travel_minutes=float(n)) for n in range(3)]
        counts = visits.Counts(0, 0, 0)
        brought.append(
            visits.bring_in(
                connection, "trial", list_of_them, counts, file="a.csv", system=None, by="ida", at=NOON
            )
        )

    def on(days: int) -> datetime:
        return NOON + timedelta(days=days)

    return [
        ("paused", lambda: homes.pause(connection, "trial", "h1", date(2026, 9, 5), date(2026, 9, 6), None, by="ida")),
        ("pause taken back", lambda: homes.withdraw_pause(connection, "trial", "h2", PLACED_AT, by="ida")),
        ("ended", lambda: homes.end(connection, "trial", "h3", date(2026, 9, 9), "moved", today=date(2026, 10, 1), by="i")),
        ("end taken back", lambda: homes.withdraw_end(connection, "trial", "h3", by="ida")),
        ("registered", lambda: devices.register(connection, spare, KNOWN, by="ida", trial_id="trial")),
        ("swapped", lambda: placements.swap(connection, "d1", "spare", on(0), by="ida", retire_because="broken")),
        ("unretired", lambda: devices.unretire(connection, "d1", by="ida")),
        ("moved", lambda: placements.move(connection, "spare", "h2", on(1), by="ida")),
        ("removed", lambda: placements.remove(connection, "spare", on(2), by="ida")),
        ("placed", lambda: placements.place(connection, "spare", "h1", on(3), by="ida")),
        ("corrected", lambda: placements.correct(connection, "spare", on(3), Placement("spare", "h1", on(4)), by="ida")),
        ("taken out", lambda: placements.correct(connection, "spare", on(4), None, by="ida")),
        ("retired", lambda: devices.retire(connection, "d2", "lost", on(5), by="ida")),
        ("thresholds", lambda: reload(connection, lambda p: replace(p, trial=replace(p.trial, parameters=Parameters())))),
        ("title and end", lambda: reload(connection, lambda p: replace(
            p, trial=replace(p.trial, title="Another", ends=date(2027, 1, 1), units=("Bydel Alna", "Bydel Grorud"))))),
        ("dates of homes", lambda: reload(connection, lambda p: replace(
            p, homes=tuple(replace(each, installed_on=date(2026, 9, 2)) for each in p.homes)))),
        ("heartbeats", lambda: reload(connection, lambda p: replace(
            p, devices=tuple(replace(each, heartbeat_minutes=30.0, role="secondary") for each in p.devices)))),
        ("units", lambda: reload(connection, lambda p: replace(p, units=(replace(p.units[0], staff=41),)))),
        ("a home that went", lambda: reload(connection, without("h3"))),
        ("gain entered", enter),
        ("gain changed", enter_otherwise),
        ("gain taken back", take_back),
        ("visits brought in", bring_in),
        ("visits taken back", lambda: visits.withdraw(connection, "trial", brought[0], by="ida", at=NOON)),
        ("visits there again", lambda: visits.restore(connection, "trial", brought[0], by="ida")),
        ("nothing", lambda: None),
    ]  # fmt: skip


def test_whatever_was_changed_since_each_earlier_state_is_had_again(connection: Session) -> None:
    save(connection, three_homes())
    states = []
    for name, change in changes_of_a_trial(connection):
        states.append((name, moment(connection), registry.read(connection, "trial")))
        change()
        connection.commit()
    assert all(before != after for (_, _, before), (_, _, after) in pairwise(states)), (
        "each changes something"
    )
    for name, known_at, package in states:
        found, lost = at(connection, known_at)
        assert _sorted(asdict(found)) == _sorted(asdict(package)), f"before {name}"
        assert lost == (), f"before {name}"


def _sorted(package: dict[str, object]) -> dict[str, object]:
    """Schedules have no order of their own."""
    return package | {"schedules": sorted(map(repr, package["schedules"]))}  # type: ignore[call-overload]  # rows


def test_before_its_record_begins_a_trial_is_as_it_was_told_first_and_that_is_said(
    connection: Session,
) -> None:
    save(connection, three_homes())
    first = registry.read(connection, "trial")
    reload(
        connection,
        lambda package: replace(package, homes=package.homes[1:], placements=package.placements[1:]),
    )
    found, lost = at(connection, NOON - timedelta(days=400))
    assert found == first
    (loaded,) = [each for each in history.entries(connection, trial_id="trial") if each.action == "loaded"
                 and each.subject_kind == "trial" and each.before is None]  # fmt: skip
    assert [(each.reason, each.at) for each in lost] == [("registry", loaded.changed_at)]


def test_what_counted_as_a_use_before_it_was_changed_is_not_known_any_more(connection: Session) -> None:
    rule = replace(KNOWN["medicine_dispenser"], id="own_dispenser")
    package = one_home("own_dispenser")
    save(connection, replace(package, technologies=(rule,)), own_dispenser=rule)
    known_at = moment(connection)
    other = replace(rule, joining_gap_minutes=rule.joining_gap_minutes + 5)
    save(connection, replace(package, technologies=(other,)), own_dispenser=other)
    found, lost = at(connection, known_at)
    assert found.technologies == (rule,)
    assert [each.reason for each in lost] == ["use_rules"]
    assert at(connection, moment(connection)).not_recoverable == ()


def test_visits_that_a_load_changed_are_as_now_and_that_is_said(connection: Session) -> None:
    package = one_home("medicine_dispenser")
    save(connection, package)
    known_at = moment(connection)
    save(connection, replace(package, visits=(VISIT,)))
    found, lost = at(connection, known_at)
    assert found.visits == (VISIT,)
    assert [each.reason for each in lost] == ["registrations"]


def test_a_change_of_a_kind_that_nobody_knows_how_to_undo_is_said(connection: Session) -> None:
    save(connection, one_home("medicine_dispenser"))
    known_at = moment(connection)
    history.record(
        connection,
        by="ida",
        action="turned_round",
        subject=Subject("device", "d1"),
        before={"home": "h1"},
        after=None,
    )
    connection.commit()
    assert [each.reason for each in at(connection, known_at).not_recoverable] == ["registry"]


def test_homes_of_any_order_stand_in_the_order_of_the_registry(connection: Session) -> None:
    package = one_home("medicine_dispenser", homes=12)
    chance = random.Random(3)
    save(connection, package)
    known_at = moment(connection)
    shuffled = [replace(each, legal_basis="consent") for each in package.homes]
    chance.shuffle(shuffled)
    save(connection, replace(package, homes=tuple(shuffled)))
    before = at(connection, known_at).package
    assert [each.home for each in before.homes] == [
        each.home for each in registry.read(connection, "trial").homes
    ]
    assert {each.legal_basis for each in before.homes} == {None}


def test_a_home_of_the_history_of_another_version_is_still_read(connection: Session) -> None:
    told = asdict(Home("h9", "home", "Bydel Alna")) | {"installed_on": "2026-09-04", "of_tomorrow": 1}
    save(connection, one_home("medicine_dispenser"))
    known_at = moment(connection)
    history.record(
        connection, by="ida", action="loaded", subject=Subject("trial", "trial"),
        before={"rows": {"homes": [told]}}, after={"rows": {"homes": []}, "rows_removed": {"homes": 1}},
    )  # fmt: skip
    connection.commit()
    assert [(home.home, home.installed_on) for home in at(connection, known_at).package.homes][1] == (
        "h9",
        date(2026, 9, 4),
    )
