"""Each simulated technology does what such a thing does, at the hours at which people use it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import BEGINS, ENDS, Said, identity, read, trial_of

from nyttig.model import Pause, Technology, TrialPackage, UseRule
from nyttig.package.technologies import builtin_technologies
from simulators.days import MINUTE, local_day, public_holidays
from simulators.demo_apartment import tours
from simulators.scenario import simulate
from simulators.technologies import Happening, settle
from simulators.truth import Truth, truths

OSLO = ZoneInfo("Europe/Oslo")
SEEDS = st.integers(0, 2**32)


def events(package: TrialPackage, seed: int = 1) -> list[Said]:
    said = read(simulate(package, seed=seed, municipality=None, begins=BEGINS, ends=ENDS))
    unique = {identity(each): each for each in said if each.channel == "event"}
    return sorted(unique.values(), key=lambda each: each.time)


def truth(package: TrialPackage, seed: int = 1) -> list[Truth]:
    return list(truths(package, seed=seed, begins=BEGINS, ends=ENDS))


@pytest.mark.parametrize(
    ("technology", "kinds"),
    [
        ("medicine_dispenser", {"dose_due", "dose_taken", "dose_missed", "refill"}),
        ("video_visit", {"call_planned", "call_connected", "call_ended", "call_missed"}),
        ("stove_guard", {"stove_on", "stove_off", "warning", "cut_off", "armed"}),
        ("safety_alarm", {"worn", "taken_off", "alarm", "alarm_handled"}),
        ("fall_detector", {"worn", "taken_off", "fall", "alarm_handled"}),
        ("door_sensor", {"opened", "closed"}),
        ("motion_sensor", {"motion", "motion_over"}),
        ("bed_sensor", {"in_bed", "out_of_bed"}),
        ("wash_dry_toilet", {"wash_cycle", "dry_cycle"}),
        ("feeding_robot", {"setup", "spoon_cycle"}),
        ("robot_vacuum", {"run_started", "run_finished", "stuck"}),
        ("light_path", {"light_on", "light_off"}),
        ("climate_sensor", set()),
        ("e_lock", {"unlocked"}),
        ("power_plug", {"power"}),
    ],
)
def test_each_technology_says_what_it_can_say(technology: str, kinds: set[str]) -> None:
    homes = 24 if technology == "stove_guard" else 8
    said = {each.body["type"] for each in events(trial_of(technology, homes=homes))}
    assert said == kinds | {"installation_test"}


@pytest.mark.parametrize("technology", sorted(set(builtin_technologies()) - {"climate_sensor", "gateway"}))
def test_every_technology_is_used_on_most_days_and_not_on_all(technology: str) -> None:
    days = truth(trial_of(technology, homes=10))
    used = sum(bool(day.uses) for day in days) / len(days)
    assert 0.3 < used < 0.97


def test_a_technology_of_a_package_s_own_is_used_by_its_rules() -> None:
    known = Technology("talking_clock", {"en": "Talking clock"}, "on_demand", (UseRule("asked"),), 5.0)
    package = replace(trial_of("talking_clock"), technologies=(known,))
    assert {each.body["type"] for each in events(package)} == {"asked", "installation_test"}
    assert sum(len(day.uses) for day in truth(package)) > 100


def test_each_dose_that_is_due_is_taken_or_missed() -> None:
    by_device_and_day: dict[object, Counter[str]] = defaultdict(Counter)
    for each in events(trial_of("medicine_dispenser", homes=6)):
        by_device_and_day[each.device, each.time.astimezone(OSLO).date()][each.body["type"]] += 1
    whole = [count for count in by_device_and_day.values() if count["dose_due"]]
    agree = [count["dose_due"] == count["dose_taken"] + count["dose_missed"] for count in whole]
    assert sum(agree) / len(agree) > 0.97  # the others lost a message
    assert sum(count["dose_taken"] for count in whole) > 2 * sum(count["dose_missed"] for count in whole)


def test_a_meal_of_many_spoons_is_one_use() -> None:
    package = trial_of("feeding_robot", homes=2)
    spoons = sum(each.body["type"] == "spoon_cycle" for each in events(package))
    meals = sum(len(day.heard_uses) for day in truth(package))
    assert 15 * meals * 0.95 <= spoons <= 40 * meals


@pytest.mark.parametrize(
    ("technology", "hours"),
    [
        ("stove_guard", range(5, 20)),
        ("feeding_robot", range(6, 20)),
        ("motion_sensor", range(4, 24)),
        ("wash_dry_toilet", range(4, 24)),
        ("video_visit", range(9, 19)),
        ("light_path", range(9)),
    ],
)
def test_use_comes_at_the_hours_of_the_day_that_it_belongs_to(technology: str, hours: range) -> None:
    uses = [at.astimezone(OSLO).hour for day in truth(trial_of(technology, homes=5)) for at in day.uses]
    assert uses
    assert set(uses) <= set(hours)


def test_some_homes_have_no_video_visits_on_free_days() -> None:
    planned = [
        each for each in events(trial_of("video_visit", homes=10)) if each.body["type"] == "call_planned"
    ]
    free = sum(local_day(each.time.astimezone(OSLO).date(), OSLO).free for each in planned)
    assert 0 < free < 0.25 * len(planned)


def test_use_rises_while_people_learn() -> None:
    days = truth(trial_of("wash_dry_toilet", homes=40))
    first, later = date(2026, 8, 25), date(2026, 9, 14)

    def used(begins: date) -> int:
        return sum(bool(day.uses) for day in days if begins <= day.day < begins + timedelta(days=3))

    assert used(first) < 0.8 * used(later)


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.sampled_from(sorted(builtin_technologies())))
def test_nobody_uses_anything_while_paused(seed: int, technology: str) -> None:
    begins, ends = datetime(2026, 9, 10, 7, tzinfo=UTC), datetime(2026, 9, 20, 13, tzinfo=UTC)
    package = replace(trial_of(technology, homes=1), pauses=(Pause("h0", begins, ends, "hospital"),))
    uses = [at for day in truth(package, seed) for at in day.uses]
    assert not [at for at in uses if begins <= at < ends]
    assert not [each for each in events(package, seed) if begins + timedelta(minutes=2) <= each.time < ends]


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.sampled_from(sorted(builtin_technologies())))
def test_nobody_uses_anything_after_giving_up(seed: int, technology: str) -> None:
    ended = date(2026, 10, 30)
    package = trial_of(technology, homes=1, ended_on=ended, end_reason="stopped_using")
    days = truth(package, seed)
    assert not [day for day in days if day.uses and day.day > ended - timedelta(days=4)]
    assert days[-1].day > ended, "the device itself goes on until it is removed"


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.sampled_from(sorted(set(builtin_technologies()) - {"feeding_robot"})))
def test_two_uses_are_never_so_close_that_they_might_be_one(seed: int, technology: str) -> None:
    known = builtin_technologies()[technology]
    uses = [
        at for day in truth(trial_of(technology, homes=1), seed) for at in sorted(day.uses + day.other_uses)
    ]
    gap = timedelta(minutes=known.joining_gap_minutes)
    assert all(after - before > gap for before, after in pairwise(uses))


def test_settling_keeps_the_first_of_two_uses_that_come_too_close() -> None:
    toilet = builtin_technologies()["wash_dry_toilet"]
    cycles = [[Happening(minute * MINUTE, "wash_cycle")] for minute in (12, 10, 13, 14, 20)]
    kept = settle(cycles, toilet, 0, 100 * MINUTE, away=[(19 * MINUTE, 21 * MINUTE)])
    assert [episode[0].at // MINUTE for episode in kept] == [10, 14]


def test_in_a_demo_apartment_guides_and_visitors_try_things_and_nobody_lives() -> None:
    package = trial_of(
        "feeding_robot", "stove_guard", "safety_alarm", "light_path", homes=1, site_type="demo"
    )
    said = events(package)
    days = truth(package)
    assert sum(len(day.uses) for day in days) > 50
    shown = Counter(local_day(day.day, OSLO).free for day in days for _ in (*day.uses, *day.other_uses))
    assert shown[False] > 200
    assert shown[True] < 0.1 * shown[False]
    hours = {each.time.astimezone(OSLO).hour for each in said if each.body["type"] != "installation_test"}
    assert hours <= set(range(9, 16))


def test_a_tour_shows_one_device_after_the_other() -> None:
    package = trial_of("e_lock", "stove_guard", "light_path", homes=1, site_type="demo")
    weekday = next(
        day
        for day in (date(2026, 9, 1) + timedelta(days=n) for n in range(9))
        if tours(1, "h0", local_day(day, OSLO))
    )
    begins = local_day(weekday, OSLO).at(tours(1, "h0", local_day(weekday, OSLO))[0]) / 1000
    guided = [
        each.device
        for each in events(package)
        if 0 <= each.time.timestamp() - begins < 50 * 60 and each.body.get("origin") == "staff"
    ]
    assert len(guided) >= 2
    assert guided == sorted(guided)


def test_holidays_count_as_free_days() -> None:
    assert all(local_day(day, OSLO).free for day in public_holidays(2027, "Europe/Oslo"))
