"""The adoption half of a report, from the store to the strip of days, on homes made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from conftest import Database
from figures_hours import oslo
from packages import PLACED_AT, one_home
from told import beats, report_on, save, states, tell, uses
from whole_way import digits

from nyttig.model import Device, Home, Pause, Placement, TrialPackage
from nyttig.report import report
from nyttig.store import db, platform
from nyttig.store.platform import Outage

SEPTEMBER_1, SEPTEMBER_11 = oslo("2026-09-01"), oslo("2026-09-11")


@pytest.fixture
def store(database: Database) -> Iterator[db.Session]:
    with db.connect(database.conninfo) as connection:
        yield connection


def noon(day: int) -> datetime:
    return oslo(f"2026-09-{day:02d}T12:00")


def dispensers(homes: int = 1) -> TrialPackage:
    return one_home("medicine_dispenser", homes=homes)


def test_a_dead_sensor_is_unknown_and_never_unused(store: db.Session) -> None:
    save(store, dispensers())
    died = oslo("2026-09-05")
    tell(store, beats("d1", SEPTEMBER_1, died), uses("d1", *(noon(day) for day in range(1, 5))))
    made = report_on(store, "2026-09-10")
    assert states(made) == {"h1": "UUUU" + "KKKKKK"}
    rate = made.use_day_rate
    assert (rate.unused_days, rate.unknown_days) == (0, 6)
    assert (rate.point, rate.lower, rate.upper, rate.observability) == (1.0, 0.4, 1.0, 0.4)
    assert rate.show == "bounds"
    assert [(week.homes_used, week.homes_unused, week.homes_unknown) for week in made.weeks] == [
        (1, 0, 0),
        (0, 0, 1),
    ]


def test_a_device_that_was_never_heard_leaves_its_home_unknown_and_not_started(store: db.Session) -> None:
    save(store, dispensers(2))
    tell(store, beats("d1", SEPTEMBER_1, SEPTEMBER_11), uses("d1", noon(3)))
    made = report_on(store, "2026-09-10")
    assert states(made) == {"h1": "NNUNNNNNNN", "h2": "KKKKKKKKKK"}
    assert [step.homes for step in made.funnel.steps] == [2, 2, 2, 1]


def test_a_demo_apartment_is_in_no_figure_at_all(store: db.Session) -> None:
    plain = dispensers(2)
    save(store, plain)
    for device in ("d1", "d2"):
        tell(store, beats(device, SEPTEMBER_1, SEPTEMBER_11), uses(device, noon(2)))
    without = report_on(store, "2026-09-10")
    apartment = Home("apartment", "demo", "Bydel Alna", installed_on=date(2026, 9, 1))
    shown = Device("shown", "medicine_dispenser", "nyttig", "shown", 60.0, "mains", "primary")
    save(
        store,
        replace(
            plain,
            homes=(*plain.homes, apartment),
            devices=(*plain.devices, shown),
            placements=(*plain.placements, Placement("shown", "apartment", PLACED_AT)),
        ),
    )
    tell(store, beats("shown", SEPTEMBER_1, noon(4)), uses("shown", *(noon(day) for day in range(1, 10))))
    assert digits(report_on(store, "2026-09-10")) == digits(without)


@pytest.mark.parametrize("origin", ["staff", "installer", "auto", "test"])
def test_only_the_citizen_s_own_uses_count(store: db.Session, origin: str) -> None:
    save(store, dispensers())
    tell(
        store,
        beats("d1", SEPTEMBER_1, SEPTEMBER_11),
        uses("d1", *(noon(day) for day in range(1, 11)), origin=origin),
        uses("d1", noon(7) + timedelta(hours=2)),
    )
    made = report_on(store, "2026-09-10")
    assert states(made) == {"h1": "NNNNNN" + "U" + "NNN"}
    assert made.intensity.uses_total == 1
    assert made.homes[0].first_use_on == date(2026, 9, 7)


def test_a_home_that_ended_counts_up_to_its_last_day_and_not_beyond(store: db.Session) -> None:
    package = dispensers()
    ended = replace(package.homes[0], ended_on=date(2026, 9, 5), end_reason="moved")
    save(store, replace(package, homes=(ended,)))
    tell(store, beats("d1", SEPTEMBER_1, SEPTEMBER_11), uses("d1", noon(5), noon(6), noon(7)))
    made = report_on(store, "2026-09-10")
    assert states(made) == {"h1": "NNNNU" + "-----"}
    assert made.coverage.exposed_minutes == 5 * 24 * 60
    assert made.funnel.ended == {"moved": 1}
    assert made.homes[0].last_use_on == date(2026, 9, 5)


def test_a_home_is_not_in_the_trial_before_it_was_installed(store: db.Session) -> None:
    package = dispensers()
    later = replace(package.homes[0], installed_on=date(2026, 9, 4))
    save(store, replace(package, homes=(later,)))
    tell(store, beats("d1", SEPTEMBER_1, SEPTEMBER_11), uses("d1", noon(2), noon(4)))
    assert states(report_on(store, "2026-09-06")) == {"h1": "---" + "UNN"}


def test_a_paused_day_is_excused_but_a_use_in_it_counts(store: db.Session) -> None:
    package = dispensers()
    away = Pause("h1", oslo("2026-09-03"), oslo("2026-09-07T09:00"), "hospital")
    save(store, replace(package, pauses=(away,)))
    tell(
        store,
        beats("d1", SEPTEMBER_1, oslo("2026-09-04")),
        beats("d1", oslo("2026-09-07"), SEPTEMBER_11),
        uses("d1", noon(5)),
    )
    made = report_on(store, "2026-09-08")
    assert states(made) == {"h1": "NN" + "EE" + "u" + "E" + "NN"}
    assert made.use_day_rate.paused_days == 3


def test_a_swapped_device_s_home_goes_on_and_the_old_one_speaks_for_no_home(store: db.Session) -> None:
    package = dispensers()
    swapped_at = oslo("2026-09-04T14:00")
    new = replace(package.devices[0], device="d2", address="d2")
    save(
        store,
        replace(
            package,
            devices=(*package.devices, new),
            placements=(
                replace(package.placements[0], removed_at=swapped_at),
                Placement("d2", "h1", swapped_at),
            ),
        ),
    )
    tell(
        store,
        beats("d1", SEPTEMBER_1, SEPTEMBER_11),  # it is tested in the workshop after it was taken down
        beats("d2", swapped_at, SEPTEMBER_11),
        uses("d1", noon(4), noon(5), noon(6)),
        uses("d2", noon(7)),
    )
    made = report_on(store, "2026-09-08")
    assert states(made) == {"h1": "NNN" + "U" + "NN" + "U" + "N"}
    assert made.data.primary_devices == 2
    assert made.data.homes == 1
    assert made.use_day_rate.homes == 1


def test_a_moved_device_counts_for_each_home_while_it_stood_there(store: db.Session) -> None:
    package = dispensers(2)
    moved_at = oslo("2026-09-04")
    save(
        store,
        replace(
            package,
            devices=package.devices[:1],
            placements=(
                Placement("d1", "h1", PLACED_AT, moved_at),
                Placement("d1", "h2", moved_at),
            ),
        ),
    )
    tell(store, beats("d1", SEPTEMBER_1, SEPTEMBER_11), uses("d1", noon(3), noon(5)))
    assert states(report_on(store, "2026-09-06")) == {"h1": "NNU---", "h2": "---NUN"}


@pytest.mark.parametrize(
    ("first", "hours"), [("2026-03-28", 24 + 23 + 24), ("2026-10-24", 24 + 25 + 24)], ids=["spring", "autumn"]
)
def test_the_days_on_which_the_clock_changes_have_their_own_length(
    store: db.Session, first: str, hours: int
) -> None:
    """Three days with the change in the middle; the last use of each is just before local midnight."""
    package = dispensers()
    begins, days = oslo(first), [date.fromisoformat(first) + timedelta(days=n) for n in range(4)]
    save(
        store,
        replace(
            package,
            trial=replace(package.trial, starts=days[0]),
            homes=(replace(package.homes[0], installed_on=days[0]),),
            placements=(replace(package.placements[0], placed_at=begins),),
        ),
    )
    late = [oslo(f"{day}T23:50") for day in days[:2]]
    early = [oslo(f"{day}T00:03") for day in days[:2]]
    tell(store, beats("d1", begins, oslo(str(days[3]))), uses("d1", *late, *early))
    made = report_on(store, str(days[2]))
    assert states(made) == {"h1": "UUN"}
    assert made.homes[0].uses == (2, 2, 0)
    assert made.coverage.exposed_minutes == made.coverage.online_minutes == hours * 60


@pytest.mark.parametrize("lossy", [True, False])
def test_while_the_platform_lost_messages_a_quiet_device_is_unknown(store: db.Session, lossy: bool) -> None:
    """A device that speaks once a day would still be believed alive for three."""
    package = dispensers()
    daily = replace(package.devices[0], heartbeat_minutes=24 * 60.0)
    save(store, replace(package, devices=(daily,)))
    tell(
        store,
        beats("d1", noon(1), oslo("2026-09-03"), timedelta(days=1)),
        beats("d1", noon(5), oslo("2026-09-08"), timedelta(days=1)),
    )
    platform.record(store, Outage("broker", oslo("2026-09-03"), oslo("2026-09-05T08:00"), lossy))
    made = report_on(store, "2026-09-07")
    # Of the first day and, after a loss, of the fifth only the afternoon is observed.
    assert states(made) == {"h1": "KNKKKNN" if lossy else "KNNNNNN"}


def test_nothing_counts_after_the_trial_s_last_day(store: db.Session) -> None:
    package = dispensers()
    save(store, replace(package, trial=replace(package.trial, ends=date(2026, 9, 5))))
    tell(store, beats("d1", SEPTEMBER_1, SEPTEMBER_11), uses("d1", noon(5), noon(6)))
    made = report_on(store, "2026-09-10")
    assert made.last_day == date(2026, 9, 5)
    assert states(made) == {"h1": "NNNNU"}
    assert made.intensity.uses_total == 1


def test_a_report_as_of_an_earlier_day_is_the_one_that_was_made_that_day(store: db.Session) -> None:
    package = dispensers(3)
    save(store, package)
    for device in ("d1", "d2"):
        tell(store, beats(device, SEPTEMBER_1, oslo("2026-09-05")), uses(device, noon(2), noon(4)))
    that_day = report_on(store, "2026-09-04")
    for device in ("d1", "d2", "d3"):
        tell(store, beats(device, oslo("2026-09-05"), SEPTEMBER_11), uses(device, noon(5), noon(8)))
    assert digits(report_on(store, "2026-09-04")) == digits(that_day)
    assert report_on(store, "2026-09-10").intensity.uses_total == 10


def test_what_happened_to_a_home_later_is_not_in_an_earlier_day_s_report(store: db.Session) -> None:
    """One gives up on the 6th, another is asked on the 7th and gets its device on the 8th."""
    package = dispensers(2)
    save(store, replace(package, homes=package.homes[:1], placements=package.placements[:1]))
    tell(store, beats("d1", SEPTEMBER_1, SEPTEMBER_11))
    that_day = report_on(store, "2026-09-05")
    first, second = package.homes
    save(
        store,
        replace(
            package,
            homes=(
                replace(first, ended_on=date(2026, 9, 6), end_reason="stopped_using"),
                replace(
                    second,
                    asked_on=date(2026, 9, 7),
                    consented_on=date(2026, 9, 7),
                    installed_on=date(2026, 9, 8),
                ),
            ),
            placements=(package.placements[0], Placement("d2", "h2", oslo("2026-09-08"))),
        ),
    )
    assert digits(report_on(store, "2026-09-05")) == digits(that_day)
    made = report_on(store, "2026-09-07")
    assert made.funnel.ended == {"stopped_using": 1}
    assert [step.homes for step in made.funnel.steps] == [2, 2, 1, 0]


def test_a_day_that_is_not_over_is_half_a_day(store: db.Session) -> None:
    save(store, dispensers())
    tell(store, beats("d1", SEPTEMBER_1, SEPTEMBER_11), uses("d1", oslo("2026-09-03T08:00")))
    assert states(report(store, "trial", oslo("2026-09-03T10:00"))) == {"h1": "NN-"}
    assert states(report(store, "trial", oslo("2026-09-03T13:00"))) == {"h1": "NNU"}


def with_motion_sensor() -> TrialPackage:
    package = dispensers()
    sensor = Device("pir", "motion_sensor", "nyttig", "pir", 60.0, "battery", "secondary")
    return replace(
        package,
        devices=(*package.devices, sensor),
        placements=(*package.placements, Placement("pir", "h1", PLACED_AT)),
    )


def test_a_secondary_device_carries_no_adoption(store: db.Session) -> None:
    save(store, with_motion_sensor())
    tell(
        store,
        beats("d1", SEPTEMBER_1, SEPTEMBER_11),
        beats("pir", SEPTEMBER_1, SEPTEMBER_11),
        uses("pir", *(noon(day) for day in range(1, 11)), kind="motion"),
    )
    made = report_on(store, "2026-09-10")
    assert states(made) == {"h1": "N" * 10}
    assert made.intensity.uses_total == 0
    assert (made.data.primary_devices, made.data.secondary_devices) == (1, 1)
    assert made.coverage.exposed_minutes == 10 * 24 * 60


def test_a_home_is_silent_only_when_its_secondary_devices_are_silent_too(store: db.Session) -> None:
    save(store, with_motion_sensor())
    gone, back = oslo("2026-09-03T12:00"), oslo("2026-09-04T12:00")
    tell(store, beats("d1", SEPTEMBER_1, gone), beats("d1", back, SEPTEMBER_11))
    tell(store, beats("pir", SEPTEMBER_1, SEPTEMBER_11))
    assert report_on(store, "2026-09-10").silences == ()


def test_a_home_of_which_nothing_is_heard_is_one_finding(store: db.Session) -> None:
    save(store, with_motion_sensor())
    gone, back = oslo("2026-09-03T12:00"), oslo("2026-09-04T12:00")
    for device in ("d1", "pir"):
        tell(store, beats(device, SEPTEMBER_1, gone), beats(device, back, oslo("2026-09-09")))
    first, last = report_on(store, "2026-09-10").silences
    assert (first.home, first.devices, first.hours) == ("h1", 2, 25.0)
    assert (first.from_at, first.to_at) == (gone - timedelta(hours=1), back)
    assert (last.from_at, last.to_at) == (oslo("2026-09-08T23:00"), None)
