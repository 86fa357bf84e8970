"""How long something lasts, when not all of it has ended yet. Times are in days from each home's own start."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Curve:
    """A Kaplan–Meier curve with its steps at `days`, the times at which an event happened.

    `survival` is S(t) from that day on, 1 before the first; `low` and `high` its pointwise 95 % interval (None
    where S is 0: no interval is defined there). `at_risk` are under observation just before the day, `events`
    of them have theirs on it. `subjects` are all, `censored` those without an event; `followed_days` is the
    longest follow-up: beyond it the curve says nothing. `median_days` is the first day with S ≤ 0.5, None
    while the curve stays above.
    """

    subjects: int
    censored: int
    followed_days: float
    days: tuple[float, ...]
    survival: tuple[float, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    at_risk: tuple[int, ...]
    events: tuple[int, ...]
    median_days: float | None


@dataclass(frozen=True, slots=True)
class Incidence:
    """The share that has ended for one cause by each of `days` (Aalen–Johansen), others ending for other causes."""

    cause: str
    days: tuple[float, ...]
    incidence: tuple[float, ...]
    events: int


def kaplan_meier(
    days: Sequence[float],
    happened: Sequence[bool],
    entries: Sequence[float] | None = None,
    level: float = 0.95,
) -> Curve:
    """Return the product-limit curve of `days` to the event or, where it has not `happened`, to the last sight.

    `entries` are the days from which each subject is under observation (left truncation: a home that joins when
    its technology is 40 days old was never at risk before), 0 unless given. The interval is that of
    log(−log S) with Greenwood's variance (Kalbfleisch & Prentice 2002, 1.4), which never leaves 0..1.
    Raises ValueError where a subject ends before it enters, or for times that are no numbers.
    """
    table = _table(days, np.asarray(happened, dtype=np.int64), entries)
    at_risk, events = table.at_risk.astype(float), table.events[:, 0].astype(float)
    survival = np.cumprod(1 - events / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(events / (at_risk * (at_risk - events)))
        log_survival = np.log(survival)
        spread = NormalDist().inv_cdf((1 + level) / 2) * np.sqrt(greenwood) / np.abs(log_survival)
        low = survival ** np.exp(spread)
        high = survival ** np.exp(-spread)
    defined = survival > 0
    half = np.flatnonzero(survival <= 0.5 + 1e-12)
    return Curve(
        subjects=len(days),
        censored=len(days) - int(events.sum()),
        followed_days=max((float(each) for each in days), default=0.0),
        days=tuple(table.times.tolist()),
        survival=tuple(survival.tolist()),
        low=tuple(float(value) if ok else None for value, ok in zip(low, defined, strict=True)),
        high=tuple(float(value) if ok else None for value, ok in zip(high, defined, strict=True)),
        at_risk=tuple(table.at_risk.tolist()),
        events=tuple(table.events[:, 0].tolist()),
        median_days=float(table.times[half[0]]) if len(half) else None,
    )


def cumulative_incidence(
    days: Sequence[float], causes: Sequence[str | None], entries: Sequence[float] | None = None
) -> tuple[Incidence, ...]:
    """Return the cumulative incidence of each cause, in alphabetical order; None is no event yet.

    F_k(t) = Σ S(t−) · d_k / n over the days up to t, S that of all causes together (Aalen & Johansen 1978): what
    one minus a Kaplan–Meier curve would overstate when deceased or moved homes count as still at risk.
    """
    named = sorted({cause for cause in causes if cause is not None})
    number = {cause: place for place, cause in enumerate(named, start=1)}
    codes = np.array([0 if cause is None else number[cause] for cause in causes], dtype=np.int64)
    table = _table(days, codes, entries, kinds=len(named))
    at_risk = table.at_risk.astype(float)
    before = np.concatenate([[1.0], np.cumprod(1 - table.events.sum(axis=1) / at_risk)])[:-1]
    shares = np.cumsum(before[:, None] * table.events / at_risk[:, None], axis=0)
    found = []
    for place, cause in enumerate(named):
        here = np.flatnonzero(table.events[:, place])
        found.append(
            Incidence(
                cause,
                tuple(table.times[here].tolist()),
                tuple(shares[here, place].tolist()),
                int(table.events[:, place].sum()),
            )
        )
    return tuple(found)


def at(curve: Curve | Incidence, day: float) -> float:
    """Return the curve's value on `day`: that of the last step up to it (before the first: 1, or 0 of an incidence)."""
    values = curve.survival if isinstance(curve, Curve) else curve.incidence
    place = int(np.searchsorted(np.asarray(curve.days), day, side="right"))
    return values[place - 1] if place else float(isinstance(curve, Curve))


def at_risk_on(
    days: Sequence[float], on: Sequence[float], entries: Sequence[float] | None = None
) -> tuple[int, ...]:
    """Return how many are under observation on each day of `on`: what stands below a curve."""
    ends = np.asarray(days, dtype=float)
    starts = np.zeros(len(ends)) if entries is None else np.asarray(entries, dtype=float)
    return tuple(int(((starts < max(day, 1e-9)) & (ends >= day)).sum()) for day in on)


class _Table(NamedTuple):
    """Per event time: its day, how many were at risk, and how many events of each kind."""

    times: Floats
    at_risk: Integers
    events: Integers


def _table(days: Sequence[float], codes: Integers, entries: Sequence[float] | None, kinds: int = 1) -> _Table:
    """Return the table of risk; `codes` are 0 for no event, else the kind from 1. At risk on t: entry < t <= end."""
    ends = np.asarray(days, dtype=float)
    starts = np.full(len(ends), -math.inf) if entries is None else np.asarray(entries, dtype=float)
    if not np.isfinite(ends).all() or np.isnan(starts).any() or (ends < 0).any():
        raise ValueError("times to an event are days from 0 up")
    late = np.flatnonzero(starts >= ends)
    if entries is not None and len(late):
        raise ValueError(
            f"subject {int(late[0])} enters on day {starts[late[0]]:g} and ends on day {ends[late[0]]:g}:"
            " it was never at risk"
        )
    times = np.unique(ends[codes > 0])
    at_risk = np.searchsorted(np.sort(starts), times, side="left") - np.searchsorted(
        np.sort(ends), times, side="left"
    )
    events = np.zeros((len(times), max(kinds, 1)), dtype=np.int64)
    happened = codes > 0
    np.add.at(events, (np.searchsorted(times, ends[happened]), codes[happened] - 1), 1)
    return _Table(times, at_risk.astype(np.int64), events)
