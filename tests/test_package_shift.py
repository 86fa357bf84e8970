"""A package moved in time keeps its local clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from nyttig.model import Pause, Placement, TrialPackage
from nyttig.package.read import read, shift
from nyttig.package.technologies import builtin_technologies

EXAMPLES = Path(__file__).parents[1] / "examples"


def alna() -> TrialPackage:
    return read(EXAMPLES / "alna-medisindispenser", builtin_technologies())


def test_a_package_moved_there_and_back_is_the_same() -> None:
    package = alna()
    for days in (0, 7, 84, 364, -182):
        assert shift(shift(package, days), -days) == package


def test_days_and_local_clock_times_move_by_whole_days_across_the_change_of_clocks() -> None:
    package = alna()
    later = shift(package, 84)
    assert later.trial.starts == date(2026, 11, 16)
    assert package.placements[0].placed_at == datetime(2026, 8, 24, 8, 15, tzinfo=UTC)
    assert later.placements[0].placed_at == datetime(2026, 11, 16, 9, 15, tzinfo=UTC)
    assert later.homes[0].installed_on == date(2026, 11, 16)
    assert later.measures[0].measured_on == date(2026, 11, 9)
    assert later.devices == package.devices


def test_a_pause_of_whole_days_stays_one() -> None:
    pause = Pause("alna-003", datetime(2026, 10, 4, 22, tzinfo=UTC), datetime(2026, 10, 5, 22, tzinfo=UTC))
    moved = shift(replace(alna(), pauses=(pause,)), 20).pauses[0]
    assert moved.paused_from == datetime(2026, 10, 24, 22, tzinfo=UTC)
    assert moved.paused_to == datetime(2026, 10, 25, 23, tzinfo=UTC)


def test_a_placement_that_would_come_to_nothing_in_the_spring_gap_keeps_its_length() -> None:
    times = datetime(2027, 3, 27, 1, 30, tzinfo=UTC), datetime(2027, 3, 27, 2, 30, tzinfo=UTC)
    moved = shift(replace(alna(), placements=(Placement("md-101", "alna-003", *times),)), 1).placements[0]
    assert moved.removed_at is not None
    assert moved.removed_at > moved.placed_at
