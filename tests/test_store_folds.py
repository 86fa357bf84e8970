"""Folds follow the rollups: never believed where an hour has changed, made again by themselves, and checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from conftest import Database
from figures_hours import oslo
from packages import one_home
from told import beats, save, tell, uses

from nyttig import folding
from nyttig.evidence import evidence
from nyttig.model import Parameters, TrialPackage
from nyttig.report import report, report_on
from nyttig.store import db, folds, retention
from nyttig.text import as_json

SEPTEMBER_1, NOW = oslo("2026-09-01"), oslo("2026-10-30T12:00")


@pytest.fixture
def store(database: Database) -> Iterator[db.Session]:
    with db.connect(database.conninfo) as connection:
        yield connection


def dispenser() -> TrialPackage:
    return one_home("medicine_dispenser", homes=2)


def two_months(store: db.Session) -> None:
    save(store, dispenser())
    tell(
        store,
        beats("d1", SEPTEMBER_1, NOW, timedelta(hours=4)),
        beats("d2", SEPTEMBER_1, oslo("2026-09-20")),
        uses("d1", *(SEPTEMBER_1 + timedelta(days=n, hours=8) for n in range(0, 58, 3))),
    )


def held(store: db.Session) -> list[tuple[Any, ...]]:
    return store.execute(
        "SELECT d.code, period, folded_days, reach_minutes FROM folds JOIN devices d ON d.id = device_id ORDER BY 1, 2"
    ).fetchall()


def contents(store: db.Session) -> list[tuple[Any, ...]]:
    return store.execute("SELECT * FROM folds ORDER BY 1, 2").fetchall()


def assert_same_from_hours(store: db.Session, as_of: datetime = NOW) -> None:
    assert as_json(report(store, "trial", as_of)) == as_json(report_on(evidence(store, "trial", as_of)))


def test_folds_hold_every_settled_day_and_today_is_read_hour_by_hour(store: db.Session) -> None:
    two_months(store)
    assert {days for _, _, days, _ in held(store)} == {0}
    assert folding.fold_all(store, NOW) == 5
    # Periods of 45 days: one ends on 3 September, one on 18 October; 11 days of the next are over.
    assert [row[:3] for row in held(store)] == [
        ("d1", 459, 45), ("d1", 460, 45), ("d1", 461, 11), ("d2", 459, 45), ("d2", 460, 45),
    ]  # fmt: skip
    assert_same_from_hours(store)
    assert folding.differences(store) == []


def test_folding_again_changes_nothing(store: db.Session) -> None:
    two_months(store)
    folding.fold_all(store, NOW)
    before = contents(store)
    assert folding.fold_all(store, NOW) == 0
    store.execute("UPDATE folds SET folded_days = 0")
    assert folding.fold_all(store, NOW) == len(before)
    assert contents(store) == before


def test_a_message_that_comes_late_empties_the_fold_of_its_day_and_no_other(store: db.Session) -> None:
    two_months(store)
    folding.fold_all(store, NOW)
    before = held(store)
    tell(store, uses("d1", oslo("2026-09-02T15:00")), uses("d1", NOW))
    late = oslo("2026-09-02T15:00").timestamp() // 86_400 // 45
    assert held(store) == [(d, p, 0 if (d, p) == ("d1", late) else n, r) for d, p, n, r in before]
    assert report(store, "trial", NOW).homes[0].uses[1] == 1
    assert_same_from_hours(store)
    assert folding.fold_all(store, NOW) == 1
    assert held(store) == before
    assert_same_from_hours(store)


def test_a_fold_under_another_tolerance_is_not_read_and_made_anew(store: db.Session) -> None:
    two_months(store)
    folder = folding.Folder()
    while folding.fold_due(store, NOW, 1):  # one at a time
        pass
    assert {reach for _, _, _, reach in held(store)} == {180}
    package = dispenser()
    save(
        store, replace(package, trial=replace(package.trial, parameters=Parameters(heartbeat_tolerance=5.0)))
    )
    assert_same_from_hours(store)
    folder.fold(store, NOW, seconds=60)
    assert {reach for _, _, _, reach in held(store)} == {300}
    assert_same_from_hours(store)


def test_a_fold_that_says_something_else_than_its_hours_is_found(store: db.Session) -> None:
    two_months(store)
    folding.fold_all(store, NOW)
    store.execute("UPDATE folds SET uses = ''::bytea WHERE octet_length(uses) > 20")
    store.commit()
    wrong = folding.differences(store, trial_id="trial")
    assert {one.device for one in wrong} == {"d1"}
    folds_of_first = [days for device, _, days, _ in held(store) if device == "d1"]
    assert {one.days for one in wrong} <= set(folds_of_first)


def test_what_is_folded_outlives_the_raw_events(store: db.Session) -> None:
    two_months(store)
    folding.fold_all(store, NOW)
    before = as_json(report(store, "trial", NOW))
    retention.drop_before(store, oslo("2026-10-20"))
    tell(store, uses("d1", oslo("2026-09-02T15:00")))  # too late: the hour is final
    assert as_json(report(store, "trial", NOW)) == before
    assert folding.differences(store) == []
    assert_same_from_hours(store)


def test_a_folding_that_is_cut_short_leaves_what_was_there(store: db.Session, database: Database) -> None:
    two_months(store)
    folding.fold_all(store, oslo("2026-10-01"))
    before = held(store)
    with db.connect(database.conninfo) as other:
        wanted = [(each.device_id, each.period, each.days, 180) for each in folds.due(other, 20_750, 9)]
        folds.write(other, folding.folded(other, wanted))
        other.rollback()
    assert held(store) == before
    assert_same_from_hours(store)
