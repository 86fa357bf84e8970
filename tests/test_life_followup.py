"""Six months on the same indicators are counted again in one window of days, home by home."""

from __future__ import annotations

from datetime import date, timedelta

from nyttig.figures.adoption import HomeStrip, rate_of
from nyttig.figures.followup import window_use
from nyttig.model import Parameters

FIRST = date(2026, 9, 1)
PARAMETERS = Parameters()


def strip(home: str, states: str, lossy: tuple[int, ...] = ()) -> HomeStrip:
    return HomeStrip(
        home=home, unit="Alna", installed_on=FIRST, ended_on=None, end_reason=None, first_day=FIRST, states=states,
        uses=tuple(int(state in "Uu") for state in states), observed_ratio=tuple(1.0 for _ in states),
        first_use_on=None, last_use_on=None, use_day_rate=rate_of({}, {}, 0, PARAMETERS),
        lossy_on=tuple(FIRST + timedelta(days=day) for day in lossy),
    )  # fmt: skip


def test_a_window_counts_its_own_days_and_no_others() -> None:
    """Of days 10 to 39: 14 used, 2 used and little observed, 6 unused, 4 unknown: the vector of the use-day rate."""
    found = window_use(
        [strip("h1", "U" * 10 + "U" * 14 + "u" * 2 + "N" * 6 + "K" * 4 + "E" * 4 + "N" * 20, lossy=(26, 45))],
        FIRST + timedelta(days=10),
        FIRST + timedelta(days=39),
        PARAMETERS,
    )
    rate = found.use_day_rate
    assert (rate.used_observed_days, rate.unused_days, rate.unknown_days, rate.paused_days) == (14, 6, 4, 4)
    assert rate.point is not None
    assert round(rate.point, 4) == 0.7
    assert rate.lossy_unused_days == 1, "the day that lost messages outside the window is none of its own"
    assert found.homes == 1


def test_steady_homes_are_those_of_which_enough_was_observed_and_the_others_are_named_unknown() -> None:
    days = {
        "steady": "U" * 21 + "N" * 9,
        "not": "U" * 20 + "N" * 10,
        "unknown": "U" * 20 + "K" * 10,
        "gone": "-" * 30,
    }
    found = window_use(
        [strip(home, states) for home, states in days.items()], FIRST, FIRST + timedelta(days=29), PARAMETERS
    )
    assert (found.steady.count, found.steady.of, found.unknown, found.homes) == (1, 2, 1, 3)
    assert (found.active.count, found.active.of) == (3, 3)


def test_a_home_seen_too_seldom_is_in_no_denominator_of_active_homes() -> None:
    found = window_use([strip("h1", "U" + "K" * 29)], FIRST, FIRST + timedelta(days=29), PARAMETERS)
    assert (found.active.of, found.unknown) == (0, 1)


def test_a_window_before_or_after_all_that_is_known_holds_no_home() -> None:
    known = [strip("h1", "U" * 30)]
    for begins in (FIRST - timedelta(days=60), FIRST + timedelta(days=200)):
        found = window_use(known, begins, begins + timedelta(days=29), PARAMETERS)
        assert (found.homes, found.use_day_rate.show) == (0, "nothing")
