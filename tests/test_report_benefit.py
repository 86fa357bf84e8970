"""The benefit half of a report: from registered visits and measures to gains and net minutes, with their doubts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from conftest import Database
from packages import one_home
from told import report_on, save

from nyttig.gains import GainFigures
from nyttig.model import Gain, Home, Measure, Parameters, Period, TrialPackage, Visit
from nyttig.report import Report
from nyttig.store import db

BEFORE, AFTER = datetime(2026, 8, 3, 7, tzinfo=UTC), datetime(2026, 10, 5, 7, tzinfo=UTC)
LAST_DAY = "2026-10-31"

TIME = Gain(
    "time", "Time", "time", "organisation", "visit_minutes_per_week", "lower", -30.0, payer="Bydel Alna"
)
WELLBEING = Gain("wellbeing", "Well-being", "quality", "citizen", "who5", "higher", 10.0, owner="Head nurse")


@pytest.fixture
def store(database: Database) -> Iterator[db.Session]:
    with db.connect(database.conninfo) as connection:
        yield connection


def visits(
    home: str, number: int, period: Period, purpose: str = "medicine", minutes: int = 12
) -> list[Visit]:
    """That many visits of so many minutes and 8 minutes' travel in the 14 days of registration."""
    begins = BEFORE if period == "before" else AFTER
    return [
        Visit(home, at, at + timedelta(minutes=minutes), "physical", purpose, "home care", 8.0, period)
        for at in (begins + number * timedelta(hours=5) for number in range(number))
    ]


def measured(home: str, period: Period, value: float, by_proxy: bool = False) -> Measure:
    day = BEFORE if period == "before" else AFTER
    return Measure(home, "who5", day.date(), period, value, by_proxy)


def trial(homes: int, **content: Any) -> TrialPackage:
    package = one_home("medicine_dispenser", homes=homes)
    parameters = Parameters(ramp_in_days=0, hourly_rate=490)
    return replace(
        package, trial=replace(package.trial, gains=(TIME, WELLBEING), parameters=parameters), **content
    )


def report_of(store: db.Session, package: TrialPackage, last_day: str = LAST_DAY) -> Report:
    save(store, package)
    return report_on(store, last_day)


def gain(made: Report, name: str) -> GainFigures:
    return next(each for each in made.gains if each.id == name)


def test_fewer_visits_and_their_new_work_become_hours_and_crowns(store: db.Session) -> None:
    """14 → 9 visits a week of 12 + 8 minutes, 25 minutes of new work: 75 minutes a week, 65 hours a year."""
    registered = [
        *visits("h1", 28, "before"),
        *visits("h1", 18, "after"),
        *visits("h1", 1, "after", "alarm_handling", 17),
        *visits("h1", 1, "after", "refill", 17),
    ]
    made = report_of(store, trial(1, visits=tuple(registered)))
    net = made.net_minutes
    assert (net.visit_minutes_before, net.visit_minutes_after, net.new_work_minutes) == (280, 180, 25)
    assert (net.homes, net.net_minutes, net.hours_per_year, net.amount_per_year) == (1, 75, 65, 31_850)
    (pair,) = gain(made, "time").homes
    assert (pair.before, pair.after) == (280, 180)


def test_new_work_that_nobody_registered_is_not_taken_for_none(store: db.Session) -> None:
    registered = (*visits("h1", 28, "before"), *visits("h1", 18, "after"))
    net = report_of(store, trial(1, visits=registered)).net_minutes
    assert (net.visit_minutes_before, net.visit_minutes_after) == (280, 180)
    assert net.new_work_minutes is None
    assert net.net_minutes is None
    assert net.amount_per_year is None


def test_another_length_of_registration_is_reckoned_with(store: db.Session) -> None:
    package = trial(1, visits=(*visits("h1", 28, "before"), *visits("h1", 18, "after")))
    longer = replace(package.trial.parameters, registration_days=28)
    made = report_of(store, replace(package, trial=replace(package.trial, parameters=longer)))
    assert (made.net_minutes.visit_minutes_before, made.net_minutes.visit_minutes_after) == (140, 90)


@pytest.mark.parametrize(("homes", "level"), [(4, 0), (5, 1)])
def test_under_five_homes_there_is_a_case_and_no_inference(store: db.Session, homes: int, level: int) -> None:
    values = [
        each
        for n in range(1, homes + 1)
        for each in (measured(f"h{n}", "before", 40 + n), measured(f"h{n}", "after", 50 + 3 * n))
    ]
    found = gain(report_of(store, trial(homes, measures=tuple(values))), "wellbeing")
    assert found.evidence_level == level
    assert found.difference.n == len(found.homes) == homes
    assert found.difference.mean is not None
    inference = (found.difference.low, found.difference.high, found.difference.p)
    assert (inference == (None, None, None)) == (level == 0)
    assert not found.uncertain


@pytest.mark.parametrize(("registered", "uncertain"), [(4, False), (3, True)])
def test_a_gain_of_which_too_little_was_registered_is_uncertain(
    store: db.Session, registered: int, uncertain: bool
) -> None:
    """Of five homes; before and after need not be the same ones, the smaller share counts."""
    values = [measured(f"h{n}", "before", 50) for n in range(1, 6)]
    values += [measured(f"h{n}", "after", 60) for n in range(1, registered + 1)]
    found = gain(report_of(store, trial(5, measures=tuple(values))), "wellbeing")
    assert found.registration_ratio == registered / 5
    assert found.uncertain == uncertain
    assert found.homes_missing == 5 - registered


def test_a_gain_of_which_nothing_was_registered_is_uncertain_and_has_no_value(store: db.Session) -> None:
    found = gain(report_of(store, trial(3)), "wellbeing")
    assert (found.before_mean, found.after_mean, found.difference.mean) == (None, None, None)
    assert (found.registration_ratio, found.uncertain, found.evidence_level) == (0, True, 0)
    assert found.homes_missing == 3


def test_an_answer_by_proxy_marks_the_home_s_pair(store: db.Session) -> None:
    values = (
        measured("h1", "before", 40),
        measured("h1", "after", 52, by_proxy=True),
        measured("h2", "before", 44),
        measured("h2", "after", 60),
    )
    found = gain(report_of(store, trial(2, measures=values)), "wellbeing")
    assert [(pair.home, pair.by_proxy) for pair in found.homes] == [("h1", True), ("h2", False)]


def test_a_value_measured_twice_counts_by_its_mean(store: db.Session) -> None:
    values = (measured("h1", "before", 40), measured("h1", "before", 44), measured("h1", "after", 60))
    (pair,) = gain(report_of(store, trial(1, measures=values)), "wellbeing").homes
    assert (pair.before, pair.after) == (42, 60)


def test_who_owns_and_who_pays_stands_beside_each_gain(store: db.Session) -> None:
    made = report_of(store, trial(1))
    assert [(each.id, each.target, each.owner, each.payer) for each in made.gains] == [
        ("time", -30.0, None, "Bydel Alna"),
        ("wellbeing", 10.0, "Head nurse", None),
    ]


def test_a_demo_apartment_s_visits_and_measures_are_in_no_gain(store: db.Session) -> None:
    apartment = Home("apartment", "demo", "Bydel Alna", installed_on=date(2026, 9, 1))
    package = trial(1, visits=(*visits("h1", 28, "before"), *visits("h1", 18, "after")))
    without = report_of(store, package)
    made = report_of(
        store,
        replace(
            package,
            homes=(*package.homes, apartment),
            visits=(*package.visits, *visits("apartment", 2, "before"), *visits("apartment", 2, "after")),
            measures=(measured("apartment", "before", 1), measured("apartment", "after", 2)),
        ),
    )
    assert made.gains == without.gains
    assert made.net_minutes == without.net_minutes


def test_what_was_registered_later_is_not_in_an_earlier_day_s_report(store: db.Session) -> None:
    package = trial(
        1,
        visits=(*visits("h1", 28, "before"), *visits("h1", 18, "after")),
        measures=(measured("h1", "before", 40), measured("h1", "after", 60)),
    )
    made = report_of(store, package, "2026-10-04")
    assert [each.homes for each in made.gains] == [(), ()]
    assert [each.homes_missing for each in made.gains] == [1, 1]
    assert made.net_minutes.homes == 0
    assert [len(each.homes) for each in report_on(store, LAST_DAY).gains] == [1, 1]
