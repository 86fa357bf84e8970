"""Net minutes of staff time per home and week, against the published vector."""

from __future__ import annotations

import pytest

from nyttig.figures.benefit import NetMinutes, net_minutes


def test_net_minutes_are_visits_saved_less_new_work() -> None:
    found = net_minutes([14 * 20.0], [9 * 20.0], [25.0], 1, 490.0)
    assert found == NetMinutes(1, 280.0, 180.0, 25.0, 75.0, 65.0, 31_850.0)


def test_toilets_in_aarhus_saved_at_the_rate_that_their_report_implies() -> None:
    found = net_minutes([51.8], [0.0], [0.0], 1, 379.0)
    assert found.hours_per_year == pytest.approx(44.9, abs=0.05)
    assert found.amount_per_year == pytest.approx(17_020, rel=1e-3)


def test_net_minutes_are_means_over_homes() -> None:
    found = net_minutes([100.0, 300.0], [50.0, 250.0], [0.0, 20.0], 2, None)
    assert (found.visit_minutes_before, found.visit_minutes_after) == (200.0, 150.0)
    assert (found.new_work_minutes, found.net_minutes) == (10.0, 40.0)
    assert found.hours_per_year == pytest.approx(40 * 52 / 60)
    assert found.amount_per_year is None


def test_new_work_may_eat_the_gain() -> None:
    assert net_minutes([100.0], [90.0], [25.0], 1, 490.0).net_minutes == -15.0


def test_what_was_not_registered_is_missing_and_not_zero() -> None:
    assert net_minutes([], [], [], 0, 490.0) == NetMinutes(0, None, None, None, None, None, None)
    without_new_work = net_minutes([100.0], [90.0], [], 1, 490.0)
    assert without_new_work == NetMinutes(1, 100.0, 90.0, None, None, None, None)


def test_before_and_after_of_different_homes_are_refused() -> None:
    with pytest.raises(ValueError, match="2 homes before and 1 after"):
        net_minutes([100.0, 90.0], [90.0], [], 2, 490.0)
