"""Simulated years with known failures: each is found between 1.5 and 3 intervals after it began, and nothing else is."""

from __future__ import annotations

import pytest
from simulated_years import CURVES, KINDS, Curve, Kind, foretold, judged, summed_up

WITH_A_RHYTHM = [kind for kind in KINDS if kind.beat_minutes is not None and kind.beat_minutes >= 60]
ON_EVENTS_ONLY = [kind for kind in KINDS if kind.beat_minutes is None]


@pytest.mark.parametrize("kind", WITH_A_RHYTHM, ids=[kind.name for kind in WITH_A_RHYTHM])
def test_a_failed_device_is_silent_within_three_intervals_and_a_working_one_never(kind: Kind) -> None:
    contradicted = kind.beat_minutes != kind.declared_minutes  # judged at every gap, which takes its time
    found = judged(kind, range(1 if contradicted else 4), years=0.4)
    assert len(found.delays) == found.failures
    assert all(1.5 <= delay <= 3.05 for delay in found.delays), found.delays
    assert found.false_alarms == 0
    assert found.false_after_restart == 0
    assert found.restarts > 10


@pytest.mark.parametrize("kind", ON_EVENTS_ONLY, ids=[kind.name for kind in ON_EVENTS_ONLY])
def test_a_device_that_speaks_only_when_something_happens_is_never_called_silent_for_a_quiet_weekend(
    kind: Kind,
) -> None:
    found = judged(kind, range(2), years=0.3)
    assert found.false_alarms == 0


@pytest.mark.parametrize("curve", CURVES, ids=[curve.name for curve in CURVES])
def test_the_interval_of_a_battery_holds_the_day_on_which_it_had_to_be_replaced(curve: Curve) -> None:
    (told,) = summed_up(foretold(curve, range(8), days_before=(30,)))
    assert told.said_ratio == 1.0
    assert told.held_ratio >= 0.75


def test_a_battery_that_falls_along_a_line_is_foretold_to_within_days() -> None:
    (told,) = summed_up(foretold(CURVES[0], range(8), days_before=(30,)))
    assert told.error_days_median <= 5
    assert told.held_ratio == 1.0
