"""Whose use fell or stopped, so that somebody should call? The rule and its thresholds are a proposal of ours."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from nyttig.figures.adoption import HomeStrip
from nyttig.figures.coverage import days_in
from nyttig.model import Parameters

Kind = Literal["stopped", "fell", "not_started"]
ORDER: tuple[Kind, ...] = ("stopped", "fell", "not_started")
"""In which order homes are to be called."""


@dataclass(frozen=True, slots=True)
class ConcernLimits:
    """When a home's use counts as fallen or stopped. All days are observed days: unknown and paused ones are passed over.

    Stopped: no use on as many observed days as would usually have held `stopped_missed_use_days` days of use, at
    least `stopped_observed_days` and at most the trial's `abandonment_days`. Usual is the use of the
    `usual_observed_days` before (`usual_days_required` of them at least; with fewer, `abandonment_days` must go by).
    Fell: in the last `recent_observed_days` at most `fell_to_ratio` of the usual days of use, and so few that
    chance alone would bring them in at most `chance_at_most` of such periods. It stays fallen, measured by what was
    usual before, until the use is back above that. More than `unknown_days_allowed` unknown days at the end: nobody
    can tell, and the device comes first.
    """

    stopped_observed_days: int = 7
    stopped_missed_use_days: float = 4.0
    recent_observed_days: int = 14
    usual_observed_days: int = 28
    usual_days_required: int = 14
    fell_to_ratio: float = 0.5
    chance_at_most: float = 0.01
    unknown_days_allowed: int = 2


LIMITS = ConcernLimits()


class Judgement(NamedTuple):
    """What the days of one home say. `since` and `last_use` count days from the first letter.

    `usual_use_ratio` is the share of observed days that were used before (None: too few to say); `recent_used` of
    `recent_observed` days were used lately: since the last use, or in the last days that `fell` looks at.
    `unknown_days` lie among these.
    """

    kind: Kind
    since: int
    last_use: int | None
    usual_use_ratio: float | None
    recent_used: int
    recent_observed: int
    unknown_days: int


@dataclass(frozen=True, slots=True)
class Concern:
    """A home whose use fell or stopped, or that never began, with the evidence.

    `since` is its first observed day without use (stopped, not_started), or the first of the days in which its use
    was first seen to be low (fell). `recent_used_days` of the last `recent_observed_days` were used; `unknown_days`
    lie among them and are not counted. `usual_days_per_week` is what was usual before; None: too few days to say.
    """

    home: str
    unit: str
    kind: Kind
    since: date
    last_use_on: date | None
    usual_days_per_week: float | None
    recent_used_days: int
    recent_observed_days: int
    unknown_days: int


@dataclass(frozen=True, slots=True)
class DeviceFirst:
    """A home of which nobody can tell before somebody has looked at the device: one for the installer, never a call.

    `statuses` are what is wrong with its devices; empty where they were just not observed for `unknown_days`.
    `concern` is what the days before say, if anything.
    """

    home: str
    unit: str
    statuses: tuple[str, ...]
    unknown_days: int
    concern: Concern | None


class Followed(NamedTuple):
    """How many homes are judged whether to call; those that have ended, are paused now or begin later are not."""

    homes_followed: int
    homes_ended: int
    homes_paused: int


@dataclass(frozen=True, slots=True)
class Concerns:
    """Homes to call, the most urgent first, and homes whose device comes first."""

    calls: tuple[Concern, ...]
    device_first: tuple[DeviceFirst, ...]


def concerns(
    strips: Sequence[HomeStrip],
    faults: Mapping[str, Sequence[str]],
    until: date,
    parameters: Parameters,
    limits: ConcernLimits = LIMITS,
) -> Concerns:
    """Return whom to call by the days up to `until`, the last complete one.

    `faults` are the statuses of each home's faulty devices. Homes that have ended, or are paused now, are neither
    called nor visited for it.
    """
    calls, device_first = [], []
    for strip in strips:
        states = _states(strip, until)
        if _standing(strip, states) != "followed":
            continue
        concern = _concern(strip, states, parameters.abandonment_days, limits)
        wrong = tuple(sorted(set(faults.get(strip.home, ()))))
        unknown = len(states) - len(states.rstrip("K"))
        if wrong or unknown > limits.unknown_days_allowed:
            device_first.append(DeviceFirst(strip.home, strip.unit, wrong, unknown, concern))
        elif concern is not None:
            calls.append(concern)
    calls.sort(key=lambda one: (ORDER.index(one.kind), -one.since.toordinal(), one.home))
    device_first.sort(key=lambda one: (not one.statuses, one.concern is None, -one.unknown_days, one.home))
    return Concerns(tuple(calls), tuple(device_first))


def followed(strips: Sequence[HomeStrip], until: date) -> Followed:
    """Return how many homes are judged by the days up to `until`, and how many are not."""
    standing = Counter(_standing(strip, _states(strip, until)) for strip in strips)
    return Followed(standing["followed"], standing["ended"], standing["paused"])


def _states(strip: HomeStrip, until: date) -> str:
    return strip.states[: max((until - strip.first_day).days + 1, 0)]


def _standing(strip: HomeStrip, states: str) -> Literal["followed", "ended", "paused"]:
    if strip.ended_on is not None:
        return "ended"
    return "paused" if states[-1:] in ("E", "") else "followed"


def judge(states: str, abandonment_days: int, limits: ConcernLimits = LIMITS) -> Judgement | None:
    """Return what a home's days say (letters of `HomeStrip.states`), None where nothing is the matter.

    More unused observed days never make it less, and unknown days (K, like E and -) never make it more: they change
    nothing. A day on which it was used while hardly observed (u) is a use, but says nothing of what is usual.
    """
    days, used = days_in(states, "UuN"), days_in(states, "Uu")
    if not len(used):
        if len(days) < max(abandonment_days, limits.stopped_observed_days):
            return None
        first = int(days[0])
        return Judgement("not_started", first, None, None, 0, len(days), states.count("K", first))
    last = int(used[-1])
    unused = days[days > last]
    usual = _usual(states[: last + 1], limits.stopped_observed_days, limits)
    needed = abandonment_days
    if usual:
        missed = math.ceil(limits.stopped_missed_use_days / usual)
        needed = min(abandonment_days, max(limits.stopped_observed_days, missed))
    if len(unused) and len(unused) >= needed:
        return Judgement("stopped", int(unused[0]), last, usual, 0, len(unused), states.count("K", last))
    return _fall(states, days, last, limits)


def _fall(states: str, days: npt.NDArray[np.intp], last: int, limits: ConcernLimits) -> Judgement | None:
    """Follow the days: use falls against what was usual then, and stays fallen until it is back above the same mark."""
    length = limits.recent_observed_days
    if len(days) < length:
        return None
    is_used = np.frombuffer(states.encode(), dtype=np.uint8)[days] != ord("N")
    counts = np.convolve(is_used, np.ones(length, dtype=np.int64), "valid")
    firsts = days[: len(counts)]  # the first day of each period
    usual_then = _usual_before(states, firsts, limits)
    low = counts <= limits.fell_to_ratio * usual_then * length
    if not low.any():
        return None
    usual: float | None = None
    since = 0
    for count, first, before, is_low in zip(
        counts.tolist(), firsts.tolist(), usual_then.tolist(), low.tolist(), strict=True
    ):
        if usual is not None and count > limits.fell_to_ratio * usual * length:
            usual = None
        if usual is None and is_low and _at_most(count, length, before) <= limits.chance_at_most:
            usual, since = before, first
    if usual is None:
        return None
    recent = int(days[-length])
    return Judgement("fell", since, last, usual, int(counts[-1]), length, states.count("K", recent))


def _usual_before(states: str, days: npt.NDArray[np.intp], limits: ConcernLimits) -> npt.NDArray[np.float64]:
    """Return `_usual` of the days before each of `days`; NaN for None."""
    sure = days_in(states, "UN")
    used = np.zeros(len(sure) + 1, dtype=np.int64)
    used[1:] = np.cumsum(np.frombuffer(states.encode(), dtype=np.uint8)[sure] == ord("U"))
    behind = np.searchsorted(sure, days)
    begin = np.maximum(behind - limits.usual_observed_days, 0)
    count = used[behind] - used[begin]
    known = (behind - begin >= limits.usual_days_required) & (count > 0)
    return np.where(known, count / np.maximum(behind - begin, 1), np.nan)


def _usual(states: str, required: int, limits: ConcernLimits) -> float | None:
    """Return the share of the last observed days that were used; None where there are too few, or none was."""
    sure = [state for state in states if state in "UN"][-limits.usual_observed_days :]
    if len(sure) < required or "U" not in sure:
        return None
    return sure.count("U") / len(sure)


def _at_most(count: int, length: int, chance: float) -> float:
    """Return how often so few of `length` days would be used if each were with this chance (binomial)."""
    return sum(math.comb(length, k) * chance**k * (1 - chance) ** (length - k) for k in range(count + 1))


def _concern(strip: HomeStrip, states: str, abandonment_days: int, limits: ConcernLimits) -> Concern | None:
    found = judge(states, abandonment_days, limits)
    if found is None:
        return None
    return Concern(
        home=strip.home,
        unit=strip.unit,
        kind=found.kind,
        since=strip.first_day + timedelta(days=found.since),
        last_use_on=None if found.last_use is None else strip.first_day + timedelta(days=found.last_use),
        usual_days_per_week=None if found.usual_use_ratio is None else 7 * found.usual_use_ratio,
        recent_used_days=found.recent_used,
        recent_observed_days=found.recent_observed,
        unknown_days=found.unknown_days,
    )
