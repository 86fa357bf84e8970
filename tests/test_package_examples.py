"""The example packages load as they are, and hold what their README says."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from nyttig.model import TrialPackage
from nyttig.package.read import read
from nyttig.package.technologies import builtin_technologies

EXAMPLES = Path(__file__).parents[1] / "examples"
NAMES = ("alna-medisindispenser", "gamle-oslo-komfyrvakt", "odense-vaske-toerre-toilet")


def example(name: str) -> TrialPackage:
    return read(EXAMPLES / name, builtin_technologies())


@pytest.mark.parametrize("name", NAMES)
def test_an_example_loads_without_a_problem_and_is_complete(name: str) -> None:
    package = example(name)
    assert package.trial.id == name
    assert all((package.homes, package.devices, package.placements, package.pauses))
    assert all((package.visits, package.measures, package.costs))
    assert {gain.type for gain in package.trial.gains} == {"quality", "time", "cost"}
    indicators = {measure.indicator for measure in package.measures} | {"visit_minutes_per_week"}
    assert {gain.indicator for gain in package.trial.gains} <= indicators
    assert {home.unit for home in package.homes} == set(package.trial.units)


@pytest.mark.parametrize("name", NAMES)
def test_homes_are_installed_over_the_first_four_weeks_from_a_monday(name: str) -> None:
    package = example(name)
    assert package.trial.starts == date(2026, 8, 24)
    assert package.trial.starts.weekday() == 0
    installed = [home.installed_on for home in package.homes if home.installed_on]
    assert min(installed) == package.trial.starts
    assert max(installed) < package.trial.starts + timedelta(days=28)


@pytest.mark.parametrize("name", NAMES)
def test_every_installed_home_has_a_primary_device_from_its_first_day(name: str) -> None:
    package = example(name)
    primary = {device.device for device in package.devices if device.role == "primary"}
    for home in package.homes:
        placed = [each for each in package.placements if each.home == home.home and each.device in primary]
        assert bool(placed) == (home.installed_on is not None and home.site_type == "home")
        if placed:
            assert min(each.placed_at.date() for each in placed) == home.installed_on


def test_the_examples_cover_all_classes_and_share_no_home_and_no_device() -> None:
    packages = [example(name) for name in NAMES]
    known = builtin_technologies()
    assert {known[each.trial.technology].usage_class for each in packages} == {
        "scheduled",
        "on_demand",
        "standby",
    }
    codes = Counter(home.home for each in packages for home in each.homes)
    codes += Counter(device.device for each in packages for device in each.devices)
    assert max(codes.values()) == 1


def test_the_demo_apartment_holds_many_technologies_and_no_primary_device() -> None:
    package = example("odense-vaske-toerre-toilet")
    (demo,) = [home for home in package.homes if home.site_type == "demo"]
    inside = {each.device for each in package.placements if each.home == demo.home}
    devices = [device for device in package.devices if device.device in inside]
    assert len({device.technology for device in devices}) == 7
    assert {device.role for device in devices} == {"secondary"}


def test_alna_asked_sixteen_homes_and_installed_in_twelve() -> None:
    package = example("alna-medisindispenser")
    steps = [sum(getattr(home, step) is not None for home in package.homes) for step in
             ("asked_on", "consented_on", "installed_on")]  # fmt: skip
    assert steps == [16, 13, 12]
    assert {home.end_reason for home in package.homes} == {None, "stopped_using", "nursing_home"}
