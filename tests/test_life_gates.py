"""What a trial shows decides its gates: homes in which it became a habit, homes that gave up, and what stands by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from conftest import Database
from packages import one_home
from told import Told, beats, report_on, save, tell, uses

from nyttig.benefit import benefit
from nyttig.entries.benefit import Criterion
from nyttig.entries.life import GateOverride, Handover
from nyttig.gating import gates, started_homes
from nyttig.model import EndReason, Entry, TrialPackage
from nyttig.store import db

FIRST = datetime(2026, 9, 1, 6, tzinfo=UTC)
LAST_DAY = "2026-12-15"
DAYS = 105


@pytest.fixture
def store(embedded_database: Database) -> Iterator[db.Session]:
    with db.connect(embedded_database.conninfo) as connection:
        yield connection


def entered(package: TrialPackage, *data: tuple[str, object]) -> TrialPackage:
    return replace(package, entries=tuple(Entry("", 1, kind, "trial", each) for kind, each in data))


def ended(package: TrialPackage, home: str, on: date, why: EndReason) -> TrialPackage:
    homes = (
        replace(each, ended_on=on, end_reason=why) if each.home == home else each for each in package.homes
    )
    return replace(package, homes=tuple(homes))


def daily(days: int) -> list[datetime]:
    return [FIRST + timedelta(days=n, hours=2) for n in range(days)]


def heard(device: str, days: int = DAYS) -> Iterable[Told]:
    return beats(device, FIRST - timedelta(hours=8), FIRST + timedelta(days=days))


def test_a_home_that_gave_up_has_made_no_habit_and_one_that_moved_cannot_be_told(store: db.Session) -> None:
    """h1 uses it daily, h2 stopped after ten days, h3 moved after ten, h4 never began."""
    package = one_home("medicine_dispenser", homes=4)
    package = ended(package, "h2", date(2026, 9, 11), "stopped_using")
    package = ended(package, "h3", date(2026, 9, 11), "moved")
    save(store, package)
    said = [heard(f"d{n}") for n in range(1, 5)]
    said += [uses("d1", *daily(DAYS)), uses("d2", *daily(10)), uses("d3", *daily(10))]
    tell(store, *said)
    homes = started_homes(report_on(store, LAST_DAY))
    assert (homes.sustained, homes.not_sustained, homes.unknown, homes.too_early) == (1, 1, 1, 0)


def test_what_stands_by_is_a_habit_by_its_contact_and_never_by_its_presses(store: db.Session) -> None:
    """h1 was in contact on every day and never pressed; h2 was heard on ten days and then no more."""
    save(store, one_home("safety_alarm", homes=2))
    tell(store, heard("d1"), heard("d2", 10))
    made = report_on(store, LAST_DAY)
    homes = started_homes(made)
    assert (homes.sustained, homes.not_sustained, homes.unknown) == (1, 0, 1)
    assert gates(store, made, benefit(store, made)).rests_on == "contact"


def test_with_a_criterion_met_a_habit_and_a_hand_over_it_is_put_to_use(store: db.Session) -> None:
    met = Criterion(title="No night call", met=True, judged_by="Nurse", judged_on=date(2026, 12, 1))
    given = Handover(line_owner="Home care", handed_over_on=date(2026, 12, 10))
    save(store, entered(one_home("medicine_dispenser"), ("criterion", met), ("handover", given)))
    tell(store, heard("d1"), uses("d1", *daily(DAYS)))

    made = report_on(store, LAST_DAY)
    found = gates(store, made, benefit(store, made))
    assert [gate.reason for gate in (*found.new, found.useful, found.put_to_use)] == [
        "first_in_unit",
        "quality_met",
        "in_daily_use",
    ]
    before = report_on(store, "2026-12-09")
    assert gates(store, before, benefit(store, before)).put_to_use.reason == "not_handed_over"


def test_a_criterion_judged_after_the_day_that_is_asked_about_is_still_open_on_it(store: db.Session) -> None:
    judged = Criterion(title="No night call", met=True, judged_on=date(2026, 12, 1))
    save(store, entered(one_home("medicine_dispenser"), ("criterion", judged)))
    outcomes = []
    for day in ("2026-11-30", "2026-12-01"):
        made = report_on(store, day)
        outcomes.append(gates(store, made, benefit(store, made)).useful.outcome)
    assert outcomes == ["cannot_tell", "passed"]


def test_who_holds_that_it_is_useful_opens_the_way_to_the_last_gate(store: db.Session) -> None:
    held = GateOverride(gate="useful", passed=True, by_name="Head of home care", reason="Residents say so")
    save(store, entered(one_home("medicine_dispenser"), ("gate_override", held)))
    made = report_on(store, LAST_DAY)
    found = gates(store, made, benefit(store, made))
    assert (found.useful.outcome, found.useful.holds) == ("cannot_tell", "passed")
    assert found.put_to_use.shown["parts"] == {
        "useful": "passed",
        "sustained": "cannot_tell",
        "handed_over": "not_passed",
    }
    assert [(each.passed, each.by_name) for each in found.overrides] == [(True, "Head of home care")]
