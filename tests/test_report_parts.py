"""A trial unit by unit and technology by technology, on homes made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from conftest import Database, DatabaseServer
from figures_hours import oslo
from packages import PLACED_AT, one_home
from told import beats, report_on, save, tell, uses

from nyttig import text
from nyttig.figures.intervals import clustered
from nyttig.figures.participation import Participation, pooled
from nyttig.model import Device, Placement, Schedule, TrialPackage
from nyttig.report import Report
from nyttig.store import db

ALNA, GAMLE_OSLO = "Bydel Alna", "Bydel Gamle Oslo"
BEGIN, END = oslo("2026-09-01"), oslo("2026-11-03")
LAST = "2026-11-02"
"""63 days: Tuesday 1 September to Monday 2 November. The periods compared begin on 7 September and on 5 October."""


def noons(*days: int) -> list[datetime]:
    return [oslo(f"{date(2026, 9, 1) + timedelta(days=day)}T12:00") for day in days]


def two_units() -> TrialPackage:
    """h1 and h2 in Alna, h3 in Gamle Oslo, a dispenser each; h1 and h3 have a safety alarm beside it, h3's from its
    sixth day on."""
    package = one_home("medicine_dispenser", homes=3)
    first, second, third = package.homes
    later = oslo("2026-09-06T10:00")
    return replace(
        package,
        trial=replace(package.trial, units=(ALNA, GAMLE_OSLO)),
        homes=(first, second, replace(third, unit=GAMLE_OSLO)),
        devices=(
            *package.devices,
            *(Device(code, "safety_alarm", "nyttig", code, 60.0, "battery", "secondary") for code in ("a1", "a3")),
        ),
        placements=(
            *package.placements, Placement("a1", "h1", PLACED_AT), Placement("a3", "h3", later),
        ),
        schedules=tuple(Schedule(home, time(12)) for home in ("h1", "h2", "h3")),
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(embedded_server: DatabaseServer) -> Iterator[Report]:
    """h1 is used daily, h2 every second day, h3 until its 30th day; the alarms are heard, and one put on once."""
    with embedded_server.fresh_database() as filled, db.connect(filled.conninfo) as connection:
        save(connection, two_units())
        tell(
            connection,
            *(beats(code, BEGIN, END) for code in ("d1", "d2", "d3", "a1", "a3")),
            uses("d1", *noons(*range(63))),
            uses("d2", *noons(*range(0, 63, 2))),
            uses("d3", *noons(*range(30))),
            uses("a1", *noons(3), kind="worn"),
        )
        yield report_on(connection, LAST)


def test_each_unit_has_its_own_rate_intensity_habit_and_stops(made: Report) -> None:
    alna, gamle_oslo = made.units
    assert [unit.homes for unit in made.units] == [2, 1]
    rate = alna.use_day_rate
    assert (rate.homes, rate.used_observed_days, rate.unused_days) == (2, 63 + 32, 31)
    assert alna.intensity.uses_per_home_week == pytest.approx(7 * 95 / 126)
    assert gamle_oslo.intensity.uses_total == 30
    assert (alna.sustained.share.count, alna.sustained.too_early) == (1, 1)
    assert (gamle_oslo.sustained.share.count, gamle_oslo.sustained.share.of) == (1, 1)
    assert (alna.staying.homes, alna.staying.abandoned) == (2, 0)
    assert (gamle_oslo.staying.homes, gamle_oslo.staying.abandoned) == (1, 1)
    assert gamle_oslo.staying.still_using is None, "one home is no curve"
    assert (
        alna.coverage.exposed_minutes + gamle_oslo.coverage.exposed_minutes == made.coverage.exposed_minutes
    )


def test_the_parts_of_all_units_add_up_to_the_trial(made: Report) -> None:
    for count in ("used_observed_days", "unused_days", "unknown_days", "homes"):
        assert sum(getattr(unit.use_day_rate, count) for unit in made.units) == getattr(
            made.use_day_rate, count
        )
    assert sum(unit.intensity.uses_total for unit in made.units) == made.intensity.uses_total
    assert sum(unit.staying.abandoned for unit in made.units) == made.retention.abandoned
    assert sum(unit.sustained.share.of for unit in made.units) == made.sustained.share.of
    assert made.participation is not None
    due = [unit.participation for unit in made.units]
    assert all(each is not None for each in due)
    assert sum(each.done.of for each in due if each) == made.participation.steady.done.of


def test_what_was_due_in_a_unit_is_pooled_with_its_interval_by_homes(made: Report) -> None:
    assert made.participation is not None
    alna = [each.participation for each in made.participation.homes if each.unit == ALNA]
    assert made.units[0].participation == pooled(alna)
    assert pooled(alna).done == clustered([63, 32], [63, 63])
    assert isinstance(made.units[1].participation, Participation)
    assert made.units[1].participation.missed == 33


def test_the_technology_that_is_tried_comes_first_and_is_the_trial(made: Report) -> None:
    tried, beside = made.technologies
    assert (tried.technology, tried.role, tried.devices, tried.homes) == (
        "medicine_dispenser",
        "primary",
        3,
        3,
    )
    assert tried.use_day_rate == made.use_day_rate
    assert tried.coverage == made.coverage
    assert tried.periods == made.periods
    assert (beside.technology, beside.role, beside.usage_class) == ("safety_alarm", "secondary", "standby")


def test_a_technology_beside_it_counts_its_own_devices_from_their_first_day(made: Report) -> None:
    _, alarms = made.technologies
    assert (alarms.devices, alarms.homes) == (2, 2)
    assert alarms.use_day_rate.used_observed_days == 1
    # h3's first day began at ten: 14 of its 24 hours are exposed, enough for it to count.
    assert alarms.use_day_rate.used_observed_days + alarms.use_day_rate.unused_days == 63 + 58
    assert alarms.coverage.online_minutes == alarms.coverage.exposed_minutes > 0
    assert (alarms.staying.homes, alarms.staying.abandoned) == (1, 1)
    assert alarms.periods.comparison is not None
    assert alarms.periods.comparison.measure == "coverage"
    assert alarms.periods.participation is None


def test_devices_beside_it_are_in_no_figure_of_the_trial(made: Report, embedded_database: Database) -> None:
    package = two_units()
    alone = replace(package, devices=package.devices[:3], placements=package.placements[:3])
    with db.connect(embedded_database.conninfo) as connection:
        save(connection, alone)
        tell(
            connection,
            *(beats(code, BEGIN, END) for code in ("d1", "d2", "d3")),
            uses("d1", *noons(*range(63))),
            uses("d2", *noons(*range(0, 63, 2))),
            uses("d3", *noons(*range(30))),
        )
        without = report_on(connection, LAST)
    assert (without.use_day_rate, without.units, without.weeks) == (made.use_day_rate, made.units, made.weeks)
    assert [each.technology for each in without.technologies] == ["medicine_dispenser"]


def test_periods_are_compared_for_the_trial_for_each_unit_and_for_what_was_due(made: Report) -> None:
    whole, (alna, gamle_oslo) = made.periods, made.units
    assert whole.comparison is not None
    assert whole.participation is not None
    assert (whole.comparison.before.first_day, whole.comparison.after.last_day) == (
        date(2026, 9, 7),
        date(2026, 11, 1),
    )
    assert (whole.comparison.difference.n, whole.comparison.verdict) == (3, "too_few_homes")
    assert alna.periods.comparison is not None
    assert alna.periods.comparison.difference.mean == 0.0
    assert gamle_oslo.periods.participation is not None
    before, after = gamle_oslo.periods.participation.before.done, gamle_oslo.periods.participation.after.done
    assert before is not None
    assert after is not None
    assert (before.count, before.of, after.count, after.of) == (24, 28, 0, 28)
    assert gamle_oslo.periods.participation.difference.mean == pytest.approx(-24 / 28)
    assert whole.participation.before.done == clustered([28, 14, 24], [28] * 3)


def test_a_report_is_read_aloud_with_its_parts_and_its_change(made: Report) -> None:
    said = text.report(made)
    assert "ambassadors: no unit says how many are trained" in said
    assert f"{ALNA} (2 homes): use-day rate 75" in said
    assert "stopped 1 of 1" in said
    assert "safety_alarm (2 devices, standby)" in said
    assert "4 weeks against the 4 before: too few homes" in said


def test_a_home_whose_alarm_came_late_is_followed_from_the_day_on_which_it_came(
    embedded_database: Database,
) -> None:
    """Forty days after the dispenser. Else it would count as a home that had it long before anybody looked."""
    package = two_units()
    parameters = replace(
        package.trial.parameters, sustained_within_days=5, sustained_window_days=5, sustained_observed_days=3
    )
    (alarm,) = noons(40)
    late = replace(
        package,
        trial=replace(package.trial, parameters=parameters),
        placements=(*package.placements[:3], Placement("a1", "h1", alarm)),
    )
    with db.connect(embedded_database.conninfo) as connection:
        save(connection, late)
        tell(connection, beats("a1", BEGIN, END), uses("a1", *noons(*range(41, 63)), kind="worn"))
        _, alarms = report_on(connection, LAST).technologies
    staying = alarms.staying
    assert (staying.homes, staying.on_day, staying.at_risk) == (1, 5, 1)
