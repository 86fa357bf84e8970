"""A trial of safety alarms from what devices said to its report: worn or in a drawer, and who came when they called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from conftest import Database
from figures_hours import oslo
from packages import PLACED_AT, one_home
from told import Told, beats, report_on, save, tell

from nyttig import folding, text, verification
from nyttig.evidence import evidence
from nyttig.explain import explain, explained_alarms, explained_days
from nyttig.model import Device, Home, Placement, TrialPackage
from nyttig.report import Report, report
from nyttig.store import db

BEGINS, ENDS = oslo("2026-09-01"), oslo("2026-09-11")
HOURS = 240


@pytest.fixture
def store(database: Database) -> Iterator[db.Session]:
    with db.connect(database.conninfo) as connection:
        yield connection


def trial() -> TrialPackage:
    """Three homes with a safety alarm each, and a demo apartment with a fourth."""
    package = one_home("safety_alarm", homes=3)
    return replace(
        package,
        homes=(*package.homes, Home("demo", "demo", "Bydel Alna", None, None, BEGINS.date())),
        devices=(*package.devices, Device("d4", "safety_alarm", "nyttig", "d4", 60.0, "mains", "primary")),
        placements=(*package.placements, Placement("d4", "demo", PLACED_AT)),
    )


def said(device: str, kind: str, *times: str, origin: str = "citizen") -> Iterator[Told]:
    for at in times:
        yield device, oslo(f"2026-09-{at}"), kind, origin


def lived(store: db.Session) -> None:
    """d1 is worn from 12:00 on the first day, d2 for a day and then lies in a drawer, d3 never says and falls silent."""
    save(store, trial())
    tell(
        store,
        *(beats(device, BEGINS, ENDS) for device in ("d1", "d2", "d4")),
        beats("d3", BEGINS, oslo("2026-09-06")),
        said("d1", "worn", "01T12:00"),
        said("d2", "worn", "01T12:00"),
        said("d2", "taken_off", "02T12:00"),
        said("d1", "alarm", "03T10:00", "03T10:03", "05T22:10", "08T04:00"),
        said("d1", "alarm_handled", "03T10:09", "05T23:00", origin="staff"),
        said("d3", "alarm", "05T23:30"),
        said("d2", "alarm", "04T09:00", origin="test"),
        said("d4", "alarm", "04T09:00"),
    )


def made(store: db.Session) -> Report:
    return report_on(store, "2026-09-10")


def test_coverage_counts_what_was_worn_and_heard(store: db.Session) -> None:
    lived(store)
    told = made(store).coverage
    d1, d2, d3 = HOURS - 12, 24, 0
    silent = (
        HOURS - 120 - 3 + 0.5
    )  # d3 is believed for three hours after each message, the last its alarm at 23:30
    assert told.exposed_minutes == 3 * HOURS * 60
    assert told.online_minutes == (3 * HOURS - silent) * 60
    assert told.ratio == pytest.approx((d1 + d2 + d3) / (3 * HOURS))
    assert told.unarmed_minutes == (HOURS - 36) * 60
    assert told.armed_unknown_minutes == (12 + 12 + HOURS - silent) * 60
    assert told.armed_known
    by_home = {each.home: each for each in made(store).contacts}
    assert by_home["h2"].coverage.ratio == pytest.approx(24 / HOURS)
    assert by_home["h3"].coverage.armed_known is False
    assert by_home["h3"].last_heard_at == oslo("2026-09-05T23:30")
    assert by_home["h3"].last_heard_hours == pytest.approx(5 * 24 + 0.5)
    assert set(by_home) == {"h1", "h2", "h3"}, "a demo apartment is no home of a trial"


def test_the_weeks_compared_hold_the_very_minutes_of_the_coverage_figure(store: db.Session) -> None:
    """Eight weeks from Monday 7 September on. d2 goes into a drawer as the later four begin, d3 never says anything."""
    package = one_home("safety_alarm", homes=3)
    begins, later, ends = oslo("2026-09-07"), oslo("2026-10-05"), oslo("2026-11-02")
    save(store, replace(package, trial=replace(package.trial, starts=date(2026, 9, 7))))
    tell(
        store,
        *(beats(device, begins, ends) for device in ("d1", "d2", "d3")),
        said("d1", "worn", "07T00:00"),
        said("d2", "worn", "07T00:00"),
        [("d2", later, "taken_off", "citizen")],
    )
    made = report_on(store, "2026-11-01")
    found = made.periods.comparison
    assert found is not None
    before, after = found.before.coverage, found.after.coverage
    for minutes in (
        "online_minutes",
        "exposed_minutes",
        "armed_minutes",
        "unarmed_minutes",
        "armed_unknown_minutes",
    ):
        assert getattr(before, minutes) + getattr(after, minutes) == getattr(made.coverage, minutes), minutes
    four_weeks, with_a_25th_hour = 28 * 24 * 60, (28 * 24 + 1) * 60
    assert (before.exposed_minutes, after.exposed_minutes) == (3 * four_weeks, 3 * with_a_25th_hour)
    assert (before.armed_minutes, after.armed_minutes) == (2 * four_weeks, with_a_25th_hour)
    assert before.ratio == pytest.approx(2 / 3)
    assert after.ratio == pytest.approx(1 / 3)
    assert (found.difference.n, found.difference.mean) == (2, -0.5), "of the third nobody knows"
    (unit,) = made.units
    assert unit.periods.comparison == found
    assert "change       coverage: -50.0 points in 2 homes" in text.report(made)


def test_alarms_are_told_with_what_became_of_them(store: db.Session) -> None:
    lived(store)
    told = made(store).alarms
    assert told is not None
    assert (told.all.raised, told.all.homes, told.homes_watched, told.all.tests) == (4, 2, 3, 1)
    assert (told.all.handled_in_time.count, told.all.handled_late) == (1, 1)
    assert (told.all.missed.count, told.all.missed.of) == (1, 3)
    assert told.all.unknown == 1, "d3 fell silent after its alarm"
    assert told.all.median_minutes == 50.0
    assert [each.home for each in told.homes] == ["h1", "h3", "h2"]
    assert [each.alarms.raised for each in told.weeks] == [3, 1]


def test_folded_and_hour_by_hour_the_report_is_the_same(store: db.Session) -> None:
    lived(store)
    plain = text.as_json(report_on(store, "2026-09-10"))
    assert folding.fold_all(store, ENDS + timedelta(days=2)) > 0
    assert text.as_json(report_on(store, "2026-09-10")) == plain
    stored = store.execute("SELECT sum(octet_length(turns)) FROM folds").fetchone()
    assert stored is not None
    assert stored[0] == 5 * 4, "d1 put on, d2 put on and off; and how each stands as the next period begins"


def test_the_report_as_of_a_moment_before_knows_neither_later_words_nor_later_help(store: db.Session) -> None:
    lived(store)
    folding.fold_all(store, ENDS + timedelta(days=2))
    then = report(store, "trial", oslo("2026-09-05T22:20"))
    assert then.alarms is not None
    assert (then.alarms.all.raised, then.alarms.all.to_come, then.alarms.all.handled_late) == (2, 1, 0)
    by_home = {each.home: each.last_heard_at for each in then.contacts}
    assert by_home == {
        "h1": oslo("2026-09-05T22:10"),
        "h2": oslo("2026-09-05T22:00"),
        "h3": oslo("2026-09-05T22:00"),
    }


def test_days_and_alarms_behind_the_figures_can_be_read_one_by_one(store: db.Session) -> None:
    lived(store)
    found = evidence(store, "trial", ENDS)
    told = made(store)
    days = explained_days(found)
    assert sum(day.armed_minutes or 0 for day in days) == told.coverage.armed_minutes
    assert sum(day.unarmed_minutes or 0 for day in days) == told.coverage.unarmed_minutes
    assert sum(day.armed_unknown_minutes or 0 for day in days) == told.coverage.armed_unknown_minutes
    alarms = explained_alarms(found)
    assert [(one.home, one.outcome, one.minutes) for one in alarms] == [
        ("h1", "missed", None), ("h3", "unknown", None), ("h1", "late", 50.0), ("h2", "test", None),
        ("h1", "in_time", 9.0),
    ]  # fmt: skip
    assert [one.outcome for one in explained_alarms(found, home="h3")] == ["unknown"]
    assert [one.home for one in explained_alarms(found, outcome="missed")] == ["h1"]
    counts = explain(told, "alarms").counts | explain(told, "alarms").left_out
    assert counts["raised"] == 4
    assert counts["missed"] == {"count": 1, "of": 3} | {
        name: counts["missed"][name] for name in ("ratio", "low", "high")
    }
    assert explain(told, "coverage").counts["unarmed_minutes"] == told.coverage.unarmed_minutes


def test_a_trial_without_anything_that_can_call_has_no_alarms(store: db.Session) -> None:
    save(store, one_home("door_sensor"))
    tell(store, beats("d1", BEGINS, ENDS))
    told = made(store)
    assert told.alarms is None
    assert explain(told, "alarms").value is None
    assert (told.coverage.ratio, told.coverage.armed_known) == (1.0, False)


def test_verify_holds_alarms_and_armed_minutes_against_the_events(store: db.Session) -> None:
    lived(store)
    assert verification.verify(store).faultless
    store.execute("UPDATE rollups SET armed_minutes = 0 WHERE armed_minutes > 0")
    store.execute("DELETE FROM alarms WHERE raised_by = 'test'")
    store.commit()
    wrong = verification.verify(store, "trial")
    assert {one.device for one in wrong.rollups} == {"d1", "d2"}
    assert [(one.device, one.stored) for one in wrong.alarms] == [("d2", None)]
    assert not wrong.faultless
    assert "alarm d2 2026-09-04T" in verification.in_words(wrong)


def test_the_report_in_words_names_coverage_and_alarms(store: db.Session) -> None:
    lived(store)
    words = text.report(made(store))
    assert "exposed minutes armed and online" in words
    assert "alarms       4 raised in 2 of 3 homes: handled in time 1/3" in words
    assert "missed 1/3" in words
