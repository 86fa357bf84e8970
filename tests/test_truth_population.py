"""The figures of made-up trials against what really happened in them; the long run is bench/truth.py, docs/truth.md.

Each class once with silences that strike at random, once with every day seen, and with silences that choose their
moment: where little is used, on unused days, at the very uses.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from math import sqrt
from typing import NamedTuple, get_args

import numpy as np
import pytest
from lives import HOME_DAYS, NEVER, Usage, drawn
from population import Population, population
from population_judged import Error, Figures, all_homes, bounds, errors, figures_of, still_using, stops
from population_silences import Mechanism

from nyttig.figures.intervals import wilson
from nyttig.figures.survival import kaplan_meier
from nyttig.report import report_on

CLASSES: tuple[Usage, ...] = get_args(Usage)
SEED, HOMES = 1, 200
POINT_ERROR_MAX = {
    "use-day rate": 0.006,
    "uses per home-week": 0.15,
    "participation": 0.006,
    "active homes": 0.05,
    "sustained use": 0.07,
    "still using on day 60": 0.09,
    "still using on day 120": 0.09,
    "stopped by day 60": 0.09,
    "stopped by day 120": 0.09,
    "begun by day 14": 0.07,
    "begun by day 60": 0.07,
    "coverage": 0.025,
    "alarms handled in time": 0.04,
    "alarms missed": 0.04,
    "median minutes to handling": 1.0,
}
"""The first three know their error to the day; the others are those of some 170 homes against all homes of their kind,
or lose a home with a day that nobody saw: three standard errors."""


class Judged(NamedTuple):
    """A population and its figures."""

    held: Population
    made: Figures

    @property
    def errors(self) -> dict[str, Error]:
        """The error of each figure."""
        return {error.figure: error for error in errors(self.held, self.made)}


@functools.cache
def judged(usage: Usage, mechanism: Mechanism, homes: int = HOMES) -> Judged:
    held = population(usage, mechanism, SEED, homes)
    return Judged(held, figures_of(held))


@pytest.mark.parametrize("usage", CLASSES)
def test_where_every_day_was_seen_the_figures_are_the_truth_to_the_last_digit(usage: Usage) -> None:
    exact = (
        "use-day rate",
        "uses per home-week",
        "coverage",
        "active homes",
        "sustained use",
        "participation",
        "alarms handled in time",
        "alarms missed",
        "median minutes to handling",
    )
    told = judged(usage, "none").errors
    for figure in exact:
        if figure in told:
            assert told[figure].told == pytest.approx(told[figure].truth, abs=1e-12), figure


@pytest.mark.parametrize("usage", CLASSES)
def test_silences_at_random_leave_the_figures_where_the_truth_is(usage: Usage) -> None:
    told = judged(usage, "at_random").errors
    off = {figure: round(error.told - error.truth, 4) for figure, error in told.items()}
    assert {f for f in off if f in POINT_ERROR_MAX and abs(off[f]) > POINT_ERROR_MAX[f]} == set(), off


@pytest.mark.parametrize("usage", CLASSES)
def test_the_naive_rates_are_off_where_ours_is_not(usage: Usage) -> None:
    """Counting silent days as unused pulls the rate down, counting uses that could hardly be missed pushes it up."""
    rate = judged(usage, "at_random").errors["use-day rate"]
    assert rate.naive["used / all days"] - rate.truth < -0.04
    assert rate.naive["used / days heard"] - rate.truth > 0.008
    assert abs(rate.told - rate.truth) < 0.004


def test_time_in_contact_is_no_measure_of_what_is_to_be_worn() -> None:
    """Most of the time in contact nobody wears it. What was said of it is believed through silences: a word that it was
    taken off may be lost, so that a point more is said to be covered than was."""
    coverage = judged("standby", "at_random").errors["coverage"]
    assert coverage.naive["online / exposed"] - coverage.truth > 0.5
    assert 0 < coverage.told - coverage.truth < 0.02


def test_alarms_that_nobody_could_have_seen_handled_are_unknown_and_not_missed() -> None:
    for mechanism in get_args(Mechanism):
        held, made = judged("standby", mechanism, HOMES if mechanism in ("none", "at_random") else 60)
        assert made.alarms is not None
        told = made.alarms.all
        judged_alarms = told.handled_in_time.count + told.handled_late + told.missed.count
        assert judged_alarms == told.missed.of == told.raised - told.unknown - told.to_come
        assert told.tests == 0
        assert sum(each.alarms.raised for each in made.alarms.homes) == told.raised
        assert sum(each.alarms.raised for each in made.alarms.weeks) == told.raised
        assert held.watch is not None
        assert told.raised <= len(held.watch.alarm)


@pytest.mark.parametrize("usage", CLASSES)
@pytest.mark.parametrize("mechanism", ["none", "at_random", "low_use", "unused_days"])
def test_the_true_use_day_rate_lies_within_the_bounds_whichever_days_went_silent(
    usage: Usage, mechanism: Mechanism
) -> None:
    low, truth, _, high = bounds(
        *judged(usage, mechanism, HOMES if mechanism in ("none", "at_random") else 60)
    )
    assert low <= truth <= high


@pytest.mark.parametrize("usage", CLASSES)
def test_the_upper_bound_holds_uses_lost_in_short_silences_because_messages_are_numbered(
    usage: Usage,
) -> None:
    """A device that goes off the air for four hours at its uses has days that count as unused: only the numbers of its
    messages tell. Such days count as used in the upper bound; without them the truth would lie above it."""
    low, truth, without_lossy, high = bounds(*judged(usage, "at_uses", 60))
    assert low <= truth
    assert without_lossy < truth <= high


def test_silences_where_little_is_used_push_the_point_up_and_the_bounds_say_so() -> None:
    held, made = judged("on_demand", "unused_days", 60)
    rate = errors(held, made)[0]
    assert rate.told - rate.truth > 0.08
    assert made.rate.observability is not None
    assert made.rate.upper is not None
    assert made.rate.upper - bounds(held, made)[0] > 0.15


@pytest.mark.parametrize("usage", CLASSES)
def test_homes_that_stopped_are_found_and_no_silence_makes_one(usage: Usage) -> None:
    seen = judged(usage, "none")
    found = stops(seen.held, seen.made.strips, seen.held.parameters)
    assert found.there == found.found > 5
    assert found.false == 0
    assert set(found.delays) <= set(range(14, 30)), "only a pause may put it off"
    assert min(found.delays) == 14
    hidden = judged(usage, "at_random")
    found = stops(hidden.held, hidden.made.strips, hidden.held.parameters)
    assert found.false <= 1
    assert found.found >= 0.85 * found.there
    assert min(found.delays) >= 14


@pytest.mark.parametrize("usage", CLASSES)
def test_what_comes_late_turns_unknown_days_into_known_ones_and_nothing_else(usage: Usage) -> None:
    held, made = judged(usage, "at_random")
    later = figures_of(replace(held, found=held.late)).strips
    turned = {
        (before, after)
        for one, other in zip(made.strips, later, strict=True)
        for before, after in zip(one.states, other.states, strict=True)
        if before != after
    }
    assert turned
    assert turned <= {("K", "N"), ("K", "U"), ("K", "u"), ("u", "U"), ("N", "U")}


def test_one_minus_kaplan_meier_overstates_who_stopped_where_others_died() -> None:
    told = judged("on_demand", "none").errors["stopped by day 120"]
    assert told.naive["1 - Kaplan-Meier"] > told.told + 0.01


def test_homes_that_had_it_before_do_not_count_as_slow_to_begin() -> None:
    """Taken as if they had been seen from the day of their installation, they pull the first days down."""
    for usage in CLASSES:
        told = judged(usage, "none").errors["begun by day 14"]
        assert told.naive["all from day 0"] < told.truth - 0.08
        assert abs(told.told - told.truth) < 0.07


def test_homes_that_were_there_before_the_trial_do_not_flatter_who_stays() -> None:
    """They come from among those that had not stopped yet: without late entry their early days count as survived."""
    offs = []
    for usage in CLASSES:
        told = judged(usage, "none").errors["still using on day 60"]
        offs.append(told.naive["all from day 0"] - told.told)
    assert min(offs) > 0.003


def test_a_report_gives_the_same_figures_as_are_judged_here() -> None:
    held, made = judged("scheduled", "none", 60)
    told = report_on(held.found)
    assert told.use_day_rate == made.rate
    assert told.intensity == made.intensity
    assert told.coverage == made.coverage
    assert told.alarms == made.alarms
    assert told.sustained == made.sustained
    assert told.retention == made.retention
    assert told.first_use == made.first_use
    assert told.funnel == made.funnel
    assert told.homes == made.strips
    assert told.participation == made.participation
    assert made.week.active in [week.active for week in told.weeks]


# Intervals

TRIALS = 400


def chance_alone(share: float = 0.95, deviations: float = 3.3) -> tuple[float, float]:
    """Between what shares a thing of that probability happens in so many trials, but once in a thousand times."""
    spread = deviations * sqrt(share * (1 - share) / TRIALS)
    return share - spread, share + spread


@pytest.mark.parametrize("homes", [12, 24, 60])
def test_the_interval_of_who_stays_holds_at_its_stated_rate(homes: int) -> None:
    """Homes are seen for 30 to 200 days. Where none has stopped yet there is no interval."""
    rng = np.random.default_rng(5)
    lives = drawn("on_demand", rng, TRIALS * homes)
    seen = rng.integers(30, 200, (TRIALS, homes))
    started = (lives.first < NEVER).reshape(TRIALS, homes)
    followed = np.minimum(lives.followed, HOME_DAYS).reshape(TRIALS, homes)
    for day in (60, 120):
        truth, hits, tried = still_using(all_homes("on_demand"), day), 0, 0
        for begun, stopped, until in zip(started, followed, seen, strict=True):
            curve = kaplan_meier(
                np.minimum(stopped, until)[begun].tolist(), (stopped <= until)[begun].tolist()
            )
            place = int(np.searchsorted(curve.days, day, side="right")) - 1
            if place >= 0 and curve.low[place] is not None:
                tried += 1
                hits += curve.low[place] <= truth <= curve.high[place]  # type: ignore[operator]  # both or neither
        low, _ = chance_alone()
        assert tried > 0.7 * TRIALS
        assert hits / tried > low - 0.01, (day, hits / tried)


@pytest.mark.parametrize("homes", [12, 24, 60])
@pytest.mark.parametrize("truth", [0.2, 0.7])
def test_the_wilson_interval_holds_at_its_stated_rate(homes: int, truth: float) -> None:
    counts = np.random.default_rng(6).binomial(homes, truth, TRIALS)
    shares = [wilson(int(count), homes) for count in counts]
    hits = sum(
        share.low <= truth <= share.high
        for share in shares
        if share.low is not None and share.high is not None
    )
    low, high = chance_alone()
    assert low - 0.02 <= hits / TRIALS <= high + 0.02  # of small numbers not every level can be had
