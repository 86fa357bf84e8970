"""Doses against their schedule, from the store to the report, on homes made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pandas as pd
import pytest
from conftest import Database
from figures_hours import BEGIN, LENGTH, at, exposed, heartbeat, hours, minute, oslo, stretch, under_proof
from hypothesis import given, settings
from hypothesis import strategies as st
from packages import one_home
from told import beats, report_on, save, tell, uses

from nyttig.figures.moments import noticed, use_moments
from nyttig.figures.setting import setting_adoption
from nyttig.model import Parameters, Pause, Schedule, TrialPackage, UnitPart
from nyttig.report import report
from nyttig.schedules import ScheduleFigures
from nyttig.store import db, registry

SEPTEMBER_1, SEPTEMBER_11 = oslo("2026-09-01"), oslo("2026-09-11")


@pytest.fixture
def store(database: Database) -> Iterator[db.Session]:
    with db.connect(database.conninfo) as connection:
        yield connection


def morning(day: int, minutes_late: int = 5) -> datetime:
    return oslo(f"2026-09-{day:02d}T08:00") + timedelta(minutes=minutes_late)


def scheduled(homes: int = 1, **more: object) -> TrialPackage:
    package = one_home("medicine_dispenser", homes=homes)
    return replace(package, schedules=(Schedule("h1", time(8)),), **more)  # type: ignore[arg-type]  # what a test says


def found(store: db.Session, day: str = "2026-09-10") -> ScheduleFigures:
    figures = report_on(store, day).participation
    assert figures is not None
    return figures


def test_each_morning_s_dose_is_done_late_or_missed(store: db.Session) -> None:
    save(store, scheduled())
    taken = [morning(1), morning(2, 119), morning(3, 121), morning(5)]
    tell(store, beats("d1", SEPTEMBER_1, SEPTEMBER_11), uses("d1", *taken))
    figures = found(store)
    told = figures.all_days
    assert (told.done.count, told.done.of, told.late, told.missed) == (3, 10, 1, 6)
    assert figures.steady == told  # this trial leaves out no first days
    assert [week.participation.done.count for week in figures.weeks] == [3, 0]
    assert [week.iso_week for week in figures.weeks] == ["2026-W36", "2026-W37"]


def test_a_dead_dispenser_misses_no_dose(store: db.Session) -> None:
    save(store, scheduled())
    tell(store, beats("d1", SEPTEMBER_1, oslo("2026-09-05")), uses("d1", morning(1)))
    told = found(store).all_days
    assert (told.done.of, told.missed, told.unknown) == (4, 3, 6)


def test_a_dose_due_in_hospital_is_excused_and_one_of_this_morning_still_to_come(store: db.Session) -> None:
    pause = Pause("h1", oslo("2026-09-02"), oslo("2026-09-04"), "hospital")
    save(store, scheduled(pauses=(pause,)))
    tell(store, beats("d1", SEPTEMBER_1, SEPTEMBER_11))
    figures = report(store, "trial", oslo("2026-09-10T09:00")).participation
    assert figures is not None
    assert (figures.all_days.excused, figures.all_days.to_come, figures.all_days.missed) == (2, 1, 7)


def test_homes_without_a_schedule_stand_beside_and_a_trial_without_any_has_no_such_figure(
    store: db.Session,
) -> None:
    save(store, scheduled(homes=3))
    tell(store, beats("d2", SEPTEMBER_1, SEPTEMBER_11), uses("d2", morning(1)))
    figures = found(store)
    assert figures.homes_without_schedule == 2
    assert [home.home for home in figures.homes] == ["h1"]
    save(store, one_home("medicine_dispenser"))
    assert report_on(store, "2026-09-10").participation is None


def test_schedules_and_units_come_back_from_the_store_as_they_were_loaded(store: db.Session) -> None:
    package = replace(
        scheduled(),
        schedules=(
            Schedule("h1", time(20, 30), "135", date(2026, 9, 3), date(2026, 9, 20)),
            Schedule("h1", time(8)),
        ),
        units=(UnitPart("Bydel Grünerløkka", date(2026, 5, 4)), UnitPart("Bydel Alna", None, None, 60, 9, 7)),
    )
    save(store, package)
    kept = registry.read(store, "trial")
    assert (kept.schedules, kept.units) == (package.schedules, package.units)
    setting = report_on(store, "2026-09-10").setting
    assert (setting.units.count, setting.units.of, setting.trained.count, setting.active.of) == (1, 2, 9, 9)
    assert setting.units_silent == 1


def test_a_unit_that_says_nothing_of_its_ambassadors_is_not_counted_as_having_none() -> None:
    found = setting_adoption(
        [UnitPart("a", None, None, 50, 5, None), UnitPart("b", None, None, 40)], ["a", "b"]
    )
    assert (found.trained.count, found.trained.of, found.active.of, found.units_silent) == (5, 50, 0, 1)


@given(
    st.lists(minute, max_size=12),
    st.lists(minute, max_size=8),
    heartbeat,
    stretch.filter(lambda pair: pair[1] > pair[0]),
    st.lists(st.integers(BEGIN, BEGIN + LENGTH), min_size=1, max_size=10),
)
@settings(max_examples=150, deadline=None)
def test_a_moment_is_noticed_when_a_message_before_it_still_covers_it(
    heard: list[int], used: list[int], minutes: float, span: tuple[int, int], asked: list[int]
) -> None:
    table = hours({"d": [at(m) for m in heard]}, {"d": [at(m) for m in used]})
    exposures = exposed(("h", "d", at(span[0]), at(span[1]), minutes))
    no_outages = pd.DataFrame(
        {"began_at": pd.to_datetime([], utc=True), "ended_at": pd.to_datetime([], utc=True)}
    )
    told = noticed(
        table, exposures, no_outages, pd.DataFrame({"home": "h", "minute": asked}), parameters=Parameters()
    )
    reach = max(1, -(-round(minutes * 3 * 1000) // 1000))
    assert told["minute"].tolist() == [m for m in asked if span[0] <= m < span[1]]
    assert told["observed"].tolist() == [under_proof(m, [*heard, *used], reach) for m in told["minute"]]
    begun = use_moments(table, exposures)
    assert begun["minute"].tolist() == sorted({m for m in used if span[0] <= m < span[1]})


def test_before_anybody_had_the_technology_nothing_was_due(store: db.Session) -> None:
    save(store, scheduled())
    figures = found(store, "2026-08-20")
    assert (figures.all_days.done.of, figures.all_days.unknown, figures.weeks) == (0, 0, ())
