"""Who stays with a technology, who stopped, and since when. Definitions: docs/figures.md, section 3."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np

from nyttig.figures.adoption import HomeStrip
from nyttig.figures.coverage import days_in
from nyttig.figures.survival import Curve, Incidence, at_risk_on, cumulative_incidence, kaplan_meier
from nyttig.model import Parameters

CURVE_HOMES = 10
"""Under so many homes a curve would show single people as percentages: a strip per home says more."""

RISK_EVERY_DAYS = 30
STOPPED_REASONS = ("stopped_using",)
COMPETING_REASONS = ("deceased", "nursing_home", "unsuitable", "withdrew_consent")
"""Ends that are no giving up. A withdrawn consent is a decision about data: its own cause, not an abandonment."""


Outcome = Literal["using", "abandoned", "stopped", "competing", "ended", "too_early", "never_started"]


@dataclass(frozen=True, slots=True)
class Course:
    """How it went on in one home, counted in days from its first use.

    outcome: `abandoned` (its last use is followed by enough observed unused days), `stopped` (somebody recorded
    that it was stopped), `competing` (deceased, moved to a nursing home, found unsuitable, consent withdrawn: it
    could no longer stop of its own accord), `ended` (completed, moved, other), `using`, `too_early` (so few observed days that
    nothing can be said yet) or `never_started`. `followed_days` is what the curve counts: to the day of the last
    use where it was given up, to the end where it ended otherwise, else to the last day after which enough
    observed days lie to have seen it stop. `entered_day` is above 0 where it was installed before the trial
    began to look. `unused_days_since` are observed unused days after the last use, `lapses` breaks as long as
    an abandonment that a later use ended.
    """

    home: str
    outcome: Outcome
    end_reason: str | None
    first_use_on: date | None
    last_use_on: date | None
    entered_day: int
    followed_days: int
    unused_days_since: int
    lapses: int


@dataclass(frozen=True, slots=True)
class Retention:
    """How many homes stay, from the day of their first use.

    `abandonment_days` are the observed unused days after which a home counts as having given up. `homes` started;
    `abandoned` (with those that were recorded as stopped), `competing` by reason, `lapsed` homes came back.
    `curve` and `incidence` (causes `abandoned` and each competing reason) are None and empty under ten homes.
    `at_risk` holds (day, homes under observation) every 30 days, for below the curve.
    """

    abandonment_days: int
    homes: int
    abandoned: int
    competing: dict[str, int]
    lapsed: int
    too_early: int
    curve: Curve | None
    incidence: tuple[Incidence, ...]
    at_risk: tuple[tuple[int, int], ...]
    courses: tuple[Course, ...]


@dataclass(frozen=True, slots=True)
class FirstUse:
    """How long it takes from installation to the first use; homes that have not used it yet are censored.

    `curve` counts the share that has *not yet* used it; its `median_days` is None while half have not.
    """

    homes: int
    started: int
    curve: Curve


def retention(strips: Sequence[HomeStrip], parameters: Parameters) -> Retention:
    """Return who stayed and who stopped; `strips` are those of a report, from before the first home's first day."""
    needed = parameters.abandonment_days
    return retention_of([_course(strip, needed) for strip in strips], needed)


def retention_of(courses: Sequence[Course], needed: int) -> Retention:
    """Return the same of these homes' courses, found under so many abandonment days."""
    started = [course for course in courses if course.outcome != "never_started"]
    counted = [course for course in started if course.followed_days > course.entered_day]
    gave_up = ("abandoned", "stopped")
    curve: Curve | None = None
    incidence: tuple[Incidence, ...] = ()
    at_risk: tuple[tuple[int, int], ...] = ()
    if len(counted) >= CURVE_HOMES:
        days = [course.followed_days for course in counted]
        entries = [course.entered_day for course in counted]
        late = entries if any(entries) else None
        curve = kaplan_meier(days, [course.outcome in gave_up for course in counted], late)
        causes = [
            "abandoned"
            if course.outcome in gave_up
            else course.end_reason
            if course.outcome == "competing"
            else None
            for course in counted
        ]
        incidence = cumulative_incidence(days, causes, late)
        on = range(0, max(days) + 1, RISK_EVERY_DAYS)
        at_risk = tuple(zip(on, at_risk_on(days, on, late), strict=True))
    return Retention(
        abandonment_days=needed,
        homes=len(started),
        abandoned=sum(course.outcome in gave_up for course in started),
        competing=dict(
            sorted(
                Counter(
                    course.end_reason or "other" for course in started if course.outcome == "competing"
                ).items()
            )
        ),
        lapsed=sum(course.lapses > 0 for course in started),
        too_early=sum(course.outcome == "too_early" for course in started),
        curve=curve,
        incidence=incidence,
        at_risk=at_risk,
        courses=tuple(courses),
    )


def time_to_first_use(strips: Sequence[HomeStrip], last_day: date) -> FirstUse:
    """Return how long installed homes take to their first use, by `last_day` (Kaplan–Meier, right-censored).

    A home that had the technology before the trial began to look is left out: what looks like its first use may be
    its hundredth, and would make those who wait look quick. Days without observation count as waiting.
    """
    days, happened, entries = [], [], []
    for strip in strips:
        looked_from = _first_day_inside(strip)
        if strip.installed_on is None or looked_from is None or strip.installed_on < strip.first_day:
            continue
        entered = max((looked_from - strip.installed_on).days, 0)
        last = min(strip.ended_on or last_day, last_day)
        until = strip.first_use_on or last
        waited = (until - strip.installed_on).days + 1  # a use on the day of installation took one day
        if waited > entered:
            days.append(waited)
            happened.append(strip.first_use_on is not None)
            entries.append(entered)
    return FirstUse(len(days), sum(happened), kaplan_meier(days, happened, entries if any(entries) else None))


def _course(strip: HomeStrip, needed: int) -> Course:
    states = strip.states
    used = days_in(states, "Uu")
    reason = strip.end_reason if strip.ended_on is not None else None
    if not len(used):
        return Course(strip.home, "never_started", reason, None, None, 0, 0, 0, 0)
    first, last = int(used[0]), int(used[-1])
    unused_since = states.count("N", last + 1)
    looked_from = _first_day_inside(strip)
    origin, entered = first, 0
    if strip.installed_on is not None and looked_from is not None and strip.installed_on < looked_from:
        origin = (strip.installed_on - strip.first_day).days
        entered = (looked_from - strip.installed_on).days
    outcome: Outcome
    if unused_since >= needed:
        outcome, until = "abandoned", last
    elif reason in STOPPED_REASONS:
        outcome, until = "stopped", last
    elif reason in COMPETING_REASONS and strip.ended_on is not None:
        outcome, until = "competing", max((strip.ended_on - strip.first_day).days, last)
    else:
        until = _last_judged(states, needed)
        outcome = "too_early" if until < first else "ended" if reason is not None else "using"
    return Course(
        home=strip.home,
        outcome=outcome,
        end_reason=reason,
        first_use_on=strip.first_day + timedelta(days=first),
        last_use_on=strip.first_day + timedelta(days=last),
        entered_day=entered,
        followed_days=max(until - origin + 1, 0),
        unused_days_since=unused_since,
        lapses=sum(
            states.count("N", used[each] + 1, used[each + 1]) >= needed
            for each in np.flatnonzero(np.diff(used) > needed)
        ),
    )


def _last_judged(states: str, needed: int) -> int:
    """Return the last day after which at least `needed` observed days lie; -1 where there is none."""
    observed = days_in(states, "UN")
    return int(observed[-needed]) - 1 if len(observed) >= needed else -1


def _first_day_inside(strip: HomeStrip) -> date | None:
    """Return the home's first day that is not out; None where all are."""
    out = len(strip.states) - len(strip.states.lstrip("-"))
    return None if out == len(strip.states) else strip.first_day + timedelta(days=out)
