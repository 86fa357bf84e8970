"""The figures of a made-up population held against its truth: what each says, what is so, what a naive one would say.

Two kinds of truth. Of *these* homes: how often they used it on these days, whether anybody saw it or not; an error is
the figure less that. And of *all homes of the kind*, drawn as these were: that is what an interval has to hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from lives import NEVER, Bools, Integers, Lives, Usage, drawn
from population import Population
from population_silences import DAYS, FIRST_DAY, MIDNIGHTS
from population_watch import alarm_errors, alarm_intervals

from nyttig.evidence import device_days
from nyttig.figures import adoption, coverage, survival
from nyttig.figures.adoption import Coverage, HomeStrip, Intensity, UseDayRate
from nyttig.figures.alarms import AlarmFigures
from nyttig.figures.funnel import Funnel, funnel
from nyttig.figures.intervals import clustered, wilson
from nyttig.figures.retention import FirstUse, Retention, retention, time_to_first_use
from nyttig.figures.survival import Curve, kaplan_meier
from nyttig.figures.sustained import Sustained, sustained
from nyttig.figures.weeks import Week, weeks
from nyttig.model import Parameters
from nyttig.report import alarms_of
from nyttig.schedules import ScheduleFigures, schedule_figures

LAST_DAY = FIRST_DAY + timedelta(days=DAYS - 1)
FOLLOWED_DAYS = (60, 120)
FIRST_USE_DAYS = (3, 14, 60)
WEEK_DAY = 14 * 7
"""The first day of the week whose active homes are judged."""
TRIAL_HOMES = 24
"""Intervals are judged on trials of so many homes: the homes of a population, dealt out."""


class Figures(NamedTuple):
    """Those of a report that a truth is known of, worked out as it does, of one week instead of all."""

    rate: UseDayRate
    intensity: Intensity
    coverage: Coverage
    alarms: AlarmFigures | None
    week: Week
    participation: ScheduleFigures | None
    strips: tuple[HomeStrip, ...]
    sustained: Sustained
    retention: Retention
    first_use: FirstUse
    funnel: Funnel
    week_days: pd.DataFrame


class Error(NamedTuple):
    """One figure of one population: what it says, the truth, and what ways that know less would say."""

    figure: str
    told: float
    truth: float
    naive: dict[str, float]


class Held(NamedTuple):
    """One interval of one trial: `truth` is that of all homes of its kind, None where it is the mean of `own`, the
    truth of the trial's own homes, over all trials."""

    figure: str
    low: float
    high: float
    truth: float | None
    own: float = 0.0


class Stops(NamedTuple):
    """Homes that stopped for good. there: with enough days in the trial after their last use to be found; found: those
    said to have stopped; false: said so although they used it within that time; delays: days from the last use seen
    to the day on which it is first said."""

    there: int
    found: int
    false: int
    delays: tuple[int, ...]


def figures_of(held: Population) -> Figures:
    """The figures of this population."""
    found, parameters = held.found, held.parameters
    days = device_days(found)
    by_home = coverage.home_days(days)
    homes = pd.DataFrame(
        [
            (h.home, h.unit, h.asked_on, h.consented_on, h.installed_on, h.ended_on, h.end_reason)
            for h in found.package.homes
        ],
        columns=["home", "unit", "asked_on", "consented_on", "installed_on", "ended_on", "end_reason"],
        dtype=object,
    )
    installed = homes[homes["installed_on"].notna()]
    strips = adoption.home_strips(
        days, by_home, installed, first_day=FIRST_DAY, last_day=LAST_DAY, parameters=parameters
    )
    steady = adoption.without_ramp_in(days, {}, parameters)
    (week,) = weeks(by_home[_in_week(by_home)], days[_in_week(days)], parameters, last_complete_day=LAST_DAY)
    return Figures(
        rate=adoption.use_day_rate(steady, parameters),
        intensity=adoption.intensity(steady),
        coverage=adoption.coverage(steady, parameters),
        alarms=alarms_of(found),
        week=week,
        participation=schedule_figures(found.package, found[3], found.primary, found.outages, found.as_of),
        strips=strips,
        sustained=sustained(strips, LAST_DAY, parameters),
        retention=retention(strips, parameters),
        first_use=time_to_first_use(strips, LAST_DAY),
        funnel=funnel(homes, set(days.loc[days["uses"] > 0, "home"])),
        week_days=by_home[_in_week(by_home)],
    )


# Errors


def errors(held: Population, made: Figures) -> list[Error]:
    """What the figures say of these homes, against what they did; each home's first days left out where the figure does."""
    steady = _steady(held)
    uses = np.where(steady, held.uses, 0)
    days, rate = int(steady.sum()), made.rate
    seen = rate.used_observed_days + rate.used_unobserved_days
    heard = seen + rate.unused_days
    every = heard + rate.unknown_days
    told = [
        Error(
            "use-day rate",
            _known(rate.point),
            float((uses > 0).sum() / days),
            {"used / all days": seen / every, "used / days heard": seen / heard},
        ),
        Error(
            "uses per home-week",
            _known(made.intensity.uses_per_home_week),
            7 * float(uses.sum()) / days,
            {"uses / all days": 7 * made.intensity.uses_total / every},
        ),
        Error(
            "coverage",
            _known(made.coverage.ratio),
            float(held.covered[steady].sum() / held.exposed[steady].sum()),
            {"online / exposed": _known(made.coverage.online_ratio)} if held.watch is not None else {},
        ),
        Error(
            "active homes",
            _known(made.week.active.ratio),
            float(_active(held).mean()),
            {"used / all homes": made.week.homes_used / len(made.week_days["home"].unique())},
        ),
        Error(
            "sustained use",
            _known(made.sustained.share.ratio),
            float(np.mean(_sustained(held))),
            {},
        ),
    ]
    if made.participation is not None:
        part = made.participation.steady
        told.append(
            Error(
                "participation",
                _known(part.done.ratio),
                float(_due(held)["done"].mean()),
                {"done / all due": part.done.count / (part.done.of + part.unknown)},
            )
        )
    if held.watch is not None and made.alarms is not None:
        told += [Error(*each) for each in alarm_errors(held.watch, made.alarms)]
    told += _survival_errors(held, made)
    return told


def bounds(held: Population, made: Figures) -> tuple[float, float, float, float]:
    """Lower bound, truth, the upper bound if no use was among lost messages, and the upper bound."""
    steady, rate = _steady(held), made.rate
    total = rate.used_observed_days + rate.used_unobserved_days + rate.unused_days + rate.unknown_days
    assert total == steady.sum()
    upper = _known(rate.upper)
    truth = float((held.uses[steady] > 0).mean())
    return _known(rate.lower), truth, upper - rate.lossy_unused_days / total, upper


def _survival_errors(held: Population, made: Figures) -> list[Error]:
    kind, curve = all_homes(held.usage), made.retention.curve
    assert curve is not None
    told = []
    courses = [each for each in made.retention.courses if each.followed_days > each.entered_day]
    whole = kaplan_meier(
        [each.followed_days for each in courses],
        [each.outcome in ("abandoned", "stopped") for each in courses],
    )
    (stopped,) = (each for each in made.retention.incidence if each.cause == "abandoned")
    for day in FOLLOWED_DAYS:
        stays = survival.at(curve, day)
        naive = {
            "all from day 0": survival.at(whole, day),
            "stopped / started": 1 - made.retention.abandoned / made.retention.homes,
        }
        told.append(Error(f"still using on day {day}", stays, still_using(kind, day), naive))
        naive = {"1 - Kaplan-Meier": 1 - stays}
        told.append(Error(f"stopped by day {day}", survival.at(stopped, day), stopped_by(kind, day), naive))
    waits = [
        (((s.first_use_on or s.ended_on or LAST_DAY) - s.installed_on).days + 1, s.first_use_on is not None)
        for s in made.strips
        if s.installed_on is not None
    ]
    from_zero = kaplan_meier([days for days, _ in waits], [begun for _, begun in waits])
    quick = np.array([days for days, begun in waits if begun])
    for day in FIRST_USE_DAYS:
        naive = {
            "all from day 0": 1 - survival.at(from_zero, day),
            "of those that began": float((quick <= day).mean()),
        }
        told.append(
            Error(
                f"begun by day {day}", 1 - survival.at(made.first_use.curve, day), begun_by(kind, day), naive
            )
        )
    return told


# Intervals


def intervals(held: Population, made: Figures) -> list[Held]:
    """Every interval of the trials of `TRIAL_HOMES` homes into which this population is dealt out."""
    kind, parameters = all_homes(held.usage), held.parameters
    asked, consented = made.funnel.steps[0].homes, made.funnel.steps[1].share
    assert asked
    assert consented is not None
    told = [Held("consented (Wilson)", _known(consented.low), _known(consented.high), 0.7)]
    active, steady_homes = _active(held), _sustained(held)
    due = _due(held)
    for place in range(0, len(made.strips) - TRIAL_HOMES + 1, TRIAL_HOMES):
        strips = made.strips[place : place + TRIAL_HOMES]
        codes = [strip.home for strip in strips]
        homes = np.array([int(code[1:]) for code in codes])
        curve = retention(strips, parameters).curve
        assert curve is not None
        first = time_to_first_use(strips, LAST_DAY).curve
        for day in FOLLOWED_DAYS:
            told += _curve_at(f"still using on day {day} (log-log)", curve, day, still_using(kind, day))
        for day in FIRST_USE_DAYS:
            told += _curve_at(f"not begun by day {day} (log-log)", first, day, 1 - begun_by(kind, day))
        share = sustained(strips, LAST_DAY, parameters).share
        own = steady_homes[np.isin(_judged(held), homes)]
        told.append(
            Held("sustained use (Wilson)", _known(share.low), _known(share.high), None, float(own.mean()))
        )
        days = made.week_days[made.week_days["home"].isin(codes)]
        (week,) = weeks(days, days, parameters, last_complete_day=LAST_DAY)
        own = active[np.isin(_exposed_homes(held), homes)]
        told.append(
            Held(
                "active homes (Wilson)",
                _known(week.active.low),
                _known(week.active.high),
                None,
                float(own.mean()),
            )
        )
        if made.participation is not None:
            parts = [each.participation.done for each in made.participation.homes if each.home in codes]
            by_homes = clustered([each.count for each in parts], [each.of for each in parts])
            of_doses = wilson(by_homes.count, by_homes.of)
            mine = due["done"][np.isin(due["home"], homes)]
            told += [
                Held(figure, _known(share.low), _known(share.high), None, float(mine.mean()))
                for figure, share in (
                    ("participation (by homes)", by_homes),
                    ("participation, naive (Wilson of doses)", of_doses),
                )
            ]
        if made.alarms is not None:
            of_homes = [each.alarms for each in made.alarms.homes if each.home in codes]
            told += [Held(*each) for each in alarm_intervals(of_homes)]
    return told


def _curve_at(figure: str, curve: Curve, day: int, truth: float) -> list[Held]:
    """The interval that stands on that day; none before the first event, beyond the follow-up or where all have ended."""
    place = int(np.searchsorted(curve.days, day, side="right")) - 1
    if place < 0 or day > curve.followed_days:
        return []
    low, high = curve.low[place], curve.high[place]
    return [] if low is None or high is None else [Held(figure, low, high, truth)]


# Stops


def stops(held: Population, strips: Sequence[HomeStrip], parameters: Parameters) -> Stops:
    """Who stopped for good, against who is said to have."""
    needed = parameters.abandonment_days
    courses = {course.home: course for course in retention(strips, parameters).courses}
    there = found = false = 0
    delays = []
    for strip in strips:
        home = int(strip.home[1:])
        said = courses[strip.home].outcome == "abandoned"
        used = np.flatnonzero(held.home_used[home])
        if not len(used):
            continue
        inside = np.array([state not in "-E" for state in strip.states])
        since = int(inside[used[-1] + 1 :].sum())
        stopped = held.lives.installed[home] + held.lives.stops[home] < DAYS
        there += bool(stopped and since >= needed)
        found += bool(stopped and since >= needed and said)
        false += bool(said and since < needed)
        if said:
            delays.append(_first_said(strip, parameters))
    return Stops(there, found, false, tuple(delays))


def _first_said(strip: HomeStrip, parameters: Parameters) -> int:
    """Days from the last use seen to the first on which the home is said to have stopped."""
    last = max(place for place, state in enumerate(strip.states) if state in "Uu")
    for day in range(last + 1, len(strip.states)):
        seen = replace(strip, states=strip.states[: day + 1])
        if retention([seen], parameters).courses[0].outcome == "abandoned":
            return day - last
    raise AssertionError(f"{strip.home} is never said to have stopped")


# The truth of these homes


def _first_day(held: Population) -> Integers:
    """Each home's first day of exposure; NEVER where it has none."""
    first = np.full(len(held.lives.installed), NEVER)
    np.minimum.at(first, held.stays.home, np.searchsorted(MIDNIGHTS, held.stays.start, side="right") - 1)
    return first


def _steady(held: Population) -> Bools:
    """The counted days of each stay after its home's first days."""
    ramp_in = held.parameters.ramp_in_days
    after = np.arange(DAYS) >= _first_day(held)[held.stays.home][:, None] + ramp_in
    return held.counted & after


def _home_counted(held: Population) -> Bools:
    counted = np.zeros(held.home_used.shape, dtype=bool)
    np.logical_or.at(counted, held.stays.home, held.counted)
    return counted


def _exposed_homes(held: Population) -> Integers:
    """The homes with a counted day in the week that is judged."""
    return np.flatnonzero(_home_counted(held)[:, WEEK_DAY : WEEK_DAY + 7].any(axis=1))


def _active(held: Population) -> Bools:
    """Of those, which used it in that week."""
    used = np.asarray((held.home_used & _home_counted(held))[:, WEEK_DAY : WEEK_DAY + 7].any(axis=1))
    return np.asarray(used[_exposed_homes(held)])


def _judged(held: Population) -> Integers:
    """The homes of which it could be said whether use became steady, had every day been observed."""
    return np.array([home for home, answer in _answers(held) if answer is not None], dtype=np.int64)


def _sustained(held: Population) -> Bools:
    """Of those, which it did in: the definition, read day by day from true use."""
    return np.array([answer for _, answer in _answers(held) if answer is not None], dtype=bool)


def _answers(held: Population) -> list[tuple[int, bool | None]]:
    counted, first = _home_counted(held), _first_day(held)
    ended = {int(home.home[1:]) for home in held.found.package.homes if home.ended_on is not None}
    told: list[tuple[int, bool | None]] = []
    for home in np.flatnonzero(first < NEVER).tolist():
        days = slice(int(first[home]), int(first[home]) + 90)
        looked, used = counted[home, days], (held.home_used & counted)[home, days]
        steady = enough = False
        for begin in range(len(looked) - 29):
            observed = int(looked[begin : begin + 30].sum())
            enough |= observed >= 21
            steady |= observed >= 21 and used[begin : begin + 30].sum() >= 0.7 * observed - 1e-9
        over = len(looked) >= 90 or home in ended
        told.append((home, steady if steady or (enough and over) else None))
    return told


def _due(held: Population) -> pd.DataFrame:
    """What was due after each home's first days, and whether it was done in its window."""
    ramp_in = held.parameters.ramp_in_days
    after = held.due["day"] >= _first_day(held)[held.due["home"]] + ramp_in
    return held.due[after].assign(done=held.due["outcome"] == 0)


# The truth of all homes of a kind


@cache
def all_homes(usage: Usage) -> Lives:
    """So many homes that their shares are those of the kind, to half a percentage point."""
    return drawn(usage, np.random.default_rng(20_260_101), 10_000)


def still_using(lives: Lives, day: int) -> float:
    """The share of homes that began and do not stop within so many days, had nobody died or moved."""
    return float((lives.followed[lives.first < NEVER] > day).mean())


def stopped_by(lives: Lives, day: int) -> float:
    """The share that stops within so many days before anything else ends it."""
    began = (lives.first < NEVER) & (lives.ended > 0)
    return float(((lives.followed <= day) & (lives.followed <= lives.ended))[began].mean())


def begun_by(lives: Lives, day: int) -> float:
    """The share that begins within so many days of the installation, the first of them the day itself."""
    return float((lives.first + 1 <= day).mean())


def _in_week(days: pd.DataFrame) -> pd.Series:
    day = pd.to_datetime(days["day"])
    begin = pd.Timestamp(FIRST_DAY) + pd.Timedelta(days=WEEK_DAY)
    found: pd.Series = (day >= begin) & (day < begin + pd.Timedelta(days=7))
    return found


def _known(value: float | None) -> float:
    assert value is not None
    return value
