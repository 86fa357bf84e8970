"""Batteries: how full one is, and when it has to be replaced, with an interval or the reason why nobody can say."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nyttig.health.facts import BatteryReading
from nyttig.health.findings import THRESHOLDS, Finding, Thresholds

Unsayable = Literal["never_said", "external_power", "too_few_readings", "does_not_fall", "unknown_cell"]

DAYS_PER_MONTH: Final = 30.4375
REPLACE_AT_PCT: Final = 5.0
"""At this level a battery is to be replaced: readings are coarse, and the last percents of a small cell go in a frost."""

JUMP_PCT, JUMP_VOLTS = 15.0, 0.15
"""A rise that lasts by so much is a new battery; warmth brings back a few percent, and for a day."""
FALL_PCT, FALL_VOLTS = 3.0, 0.03
"""A fall of less than this is within what readings are rounded to."""
DAYS_MIN, READINGS_MIN = 21.0, 10
CURVES: Final = (
    *((bend, 1.0) for bend in (0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 8.0)),
    *((1.0, height) for height in (0.7, 1.5, 2.0, 3.0)),
)
"""Bends of time and of level: a level may fall fast at first, evenly, or ever faster."""
FITS_ABOUT: Final = 1.25
EARLIER, LATER = 0.8, 1.25
"""By so much the interval is widened, so that it holds the true day as often as docs/device-health.md says."""
POINTS_MAX: Final = 120
LONGEST_DAYS: Final = 3650.0
FLAT_VOLTS_BELOW: Final = 0.1
"""A cell is flat so far below the volts at which it is to be replaced."""

CELLS: Final = ((1.0, 1.75, 1.1), (2.0, 3.4, 2.4), (3.5, 4.4, 3.4), (4.5, 6.9, 4.4))
"""By the volts of a new battery (from, to): the volts at which it is to be replaced. One alkaline cell, two of them or one of
lithium, one that is recharged, four alkaline cells."""


class Kind(NamedTuple):
    """What is known of the batteries of a kind of device: months of life, and what to bring."""

    months: tuple[float, float]
    cell: str | None
    cells: int | None
    source: str


class Level(NamedTuple):
    """The median of a day's readings."""

    at: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """When a battery has to be replaced: on `replace_at`, between `earliest_at` and `latest_at` (None: no end in sight).

    basis: trend (of its own readings, since `since`, which is its last replacement where one shows), lifetime (of its
    kind, since it was placed or replaced) or None, and then `reason` says why nobody can say.
    """

    basis: Literal["trend", "lifetime"] | None
    reason: Unsayable | None = None
    replace_at: datetime | None = None
    earliest_at: datetime | None = None
    latest_at: datetime | None = None
    measure: Literal["battery_pct", "battery_v"] | None = None
    per_month: float | None = None
    since: datetime | None = None
    replaced_at: datetime | None = None
    readings: int = 0


@cache
def kinds() -> tuple[dict[str, Kind], dict[str, Kind]]:
    """What is known of batteries by technology and by model, from batteries.toml."""
    told = tomllib.loads(files("nyttig.health").joinpath("batteries.toml").read_text("utf-8"))

    def read(table: str) -> dict[str, Kind]:
        return {
            name: Kind((row["months"][0], row["months"][1]), row.get("cell"), row.get("cells"), row["source"])
            for name, row in told[table].items()
        }

    return read("technologies"), read("models")


def kind_of(technology: str, model: str | None) -> Kind | None:
    """What is known of the battery of such a device."""
    technologies, models = kinds()
    return models.get(model or "") or technologies.get(technology)


def battery_low(
    reading: BatteryReading | None, was_low: bool, thresholds: Thresholds = THRESHOLDS
) -> Finding | None:
    """The finding that its battery is low, if so.

    Low at 15 % or when the device says so. Between that and 20 % it is what it was before (`was_low`), so that a level at
    the border does not come and go. A device on external power has no low battery.
    """
    if reading is None or reading.external_power:
        return None
    low = bool(reading.low)
    if reading.pct is not None and not low:
        low = reading.pct <= thresholds.battery_low_pct or (
            was_low and reading.pct < thresholds.battery_fine_pct
        )
    if not low:
        return None
    return Finding.of(
        "battery_low",
        reading.at,
        reading.at,
        {
            "battery_pct": reading.pct,
            "battery_v": reading.volts,
            "says_low": reading.low,
            "measured_at": reading.at,
        },
    )


def is_in_between(reading: BatteryReading | None, thresholds: Thresholds = THRESHOLDS) -> bool:
    """Whether the last reading alone does not tell low from fine."""
    return (
        reading is not None
        and reading.pct is not None
        and not reading.low
        and thresholds.battery_low_pct < reading.pct < thresholds.battery_fine_pct
    )


def probably_flat(
    reading: BatteryReading | None,
    kind: Kind | None,
    since: datetime,
    silent_since: datetime,
    thresholds: Thresholds = THRESHOLDS,
) -> dict[str, float | None] | None:
    """Why a device that fell silent probably has a flat battery, or None: its last level was low, or it had lived most of
    the shortest life of its kind, whatever percentage it said."""
    if reading is not None and reading.external_power:
        return None
    if reading is not None and (
        reading.low or (reading.pct is not None and reading.pct <= thresholds.battery_fine_pct)
    ):
        return {"battery_pct": reading.pct}
    months = (silent_since - since) / timedelta(days=DAYS_PER_MONTH)
    if kind is not None and months >= thresholds.battery_lifetime_ratio * kind.months[0]:
        return {
            "battery_pct": None if reading is None else reading.pct,
            "battery_months": round(months, 1),
            "lifetime_months_min": kind.months[0],
            "lifetime_months_max": kind.months[1],
        }
    return None


def forecast(
    percents: Sequence[Level],
    volts: Sequence[Level],
    *,
    kind: Kind | None,
    placed_at: datetime,
    external_power: bool = False,
) -> Forecast:
    """When the battery with these daily levels (oldest first) has to be replaced.

    From its own trend where that falls, else from the lifetime of its kind, else it says why it cannot.
    """
    if external_power:
        return Forecast(None, "external_power")
    tried = [
        one
        for one in (
            _trend(percents, "battery_pct") if percents else None,
            _trend(volts, "battery_v") if volts else None,
        )
        if one is not None
    ]
    for told in tried:
        if told.basis is not None:
            return told
    told = tried[0] if tried else Forecast(None, "never_said")
    if kind is None:
        return told
    began = max((one.replaced_at for one in tried if one.replaced_at), default=placed_at)
    shortest, longest = (timedelta(days=DAYS_PER_MONTH * months) for months in kind.months)
    return Forecast(
        "lifetime",
        told.reason,
        began + (shortest + longest) / 2,
        began + shortest,
        began + longest,
        told.measure,
        since=began,
        replaced_at=told.replaced_at,
        readings=told.readings,
    )


def replaced_at(levels: Sequence[Level], jump: float) -> int:
    """The place of the first level of the battery that is in now: after the last rise that lasted."""
    values = np.array([level.value for level in levels])
    began = 0
    for place in range(1, len(values)):
        before, after = values[max(began, place - 3) : place], values[place : place + 3]
        if not len(before):
            continue
        rise = np.median(after) - np.median(before)
        if rise >= jump and values[place] - values[place - 1] >= jump / 2 and len(after) >= 2:
            began = place
    return began


def _trend(levels: Sequence[Level], measure: Literal["battery_pct", "battery_v"]) -> Forecast:
    in_volts = measure == "battery_v"
    began = replaced_at(levels, JUMP_VOLTS if in_volts else JUMP_PCT)
    current = levels[began:]
    changed_at = current[0].at if began else None
    unsayable = Forecast(
        None, "too_few_readings", measure=measure, replaced_at=changed_at, readings=len(current)
    )
    days = np.array([(level.at - current[0].at) / timedelta(days=1) for level in current])
    values = np.array([level.value for level in current])
    if len(current) < READINGS_MIN or days[-1] < DAYS_MIN:
        return unsayable
    end = _end_volts(float(np.median(values[:3]))) if in_volts else REPLACE_AT_PCT
    if end is None:
        return _because(unsayable, "unknown_cell")
    fall = FALL_VOLTS if in_volts else FALL_PCT
    flat = end - FLAT_VOLTS_BELOW if in_volts else 0.0
    if np.median(values[:3]) - np.median(values[-3:]) < fall:
        return _because(unsayable, "does_not_fall")
    spans = [
        span
        for from_day in (0.0, days[-1] / 2)
        if (span := _time_left(days[days >= from_day], values[days >= from_day], end, flat, fall)) is not None
    ]
    if not spans:
        return _because(unsayable, "does_not_fall")

    def after(more_days: float) -> datetime | None:
        return current[-1].at + timedelta(days=more_days) if more_days < LONGEST_DAYS else None

    return Forecast(
        "trend",
        None,
        after(spans[-1].likely),
        after(EARLIER * min(span.earliest for span in spans)),
        after(LATER * max(span.latest for span in spans)),
        measure,
        round(float((values[-1] - values[0]) / days[-1]) * DAYS_PER_MONTH, 3),
        current[0].at,
        changed_at,
        len(current),
    )


class _Left(NamedTuple):
    """Days until the battery has to be replaced."""

    likely: float
    earliest: float
    latest: float


def _time_left(
    days: NDArray[np.float64], values: NDArray[np.float64], end: float, flat: float, fall: float
) -> _Left | None:
    """How long until the level reaches `end`, if it goes on along any of the curves that fit what it did.

    A curve is a straight line in bent time (t to the power of a bend) or in a bent level (its height above zero, or above a
    flat cell, to the power of a bend): Theil and Sen's slope and its 95 % interval give each one's range, and the range of
    all that fit about as well as the best is what is known. The level now is known to within its steps and its noise.
    """
    from scipy import stats  # it takes longer to import than most commands take to run

    step = min(np.diff(np.unique(values)), default=0.0)
    now = float(np.median(values[-3:]))
    days, values = _thinned(days - days[0], values)
    if len(days) < READINGS_MIN // 2 or np.median(values[:2]) - np.median(values[-2:]) < fall:
        return None
    fitted: list[tuple[float, tuple[float, float, float], float, float]] = []
    for bend, height in CURVES:
        time, level = days**bend, np.maximum(values - flat, 0.0) ** height
        slope, intercept, low, high = stats.theilslopes(level, time, 0.95)
        if slope < 0:
            drawn = flat + np.maximum(intercept + slope * time, 0.0) ** (1 / height)
            misfit = float(np.mean(np.abs(values - drawn)))
            fitted.append((misfit, (float(slope), float(low), float(high)), bend, height))
    if not fitted:
        return None
    best = min(fitted)
    good = [one for one in fitted if one[0] <= FITS_ABOUT * best[0] + fall / 20]
    # The straight line, unless another curve fits clearly better.
    likely = next((one for one in good if one[2:] == (1.0, 1.0)), best)
    slack = max(step / 2, best[0])

    def days_left(rate: float, bend: float, height: float, more: float) -> float:
        room = max(now + more - flat, 0.0) ** height - (end - flat) ** height
        if room <= 0:
            return 0.0
        if rate >= 0:
            return float("inf")
        return float((days[-1] ** bend + room / -rate) ** (1 / bend) - days[-1])

    return _Left(
        days_left(likely[1][0], likely[2], likely[3], 0.0),
        min(days_left(low, bend, height, -slack) for _, (_, low, _), bend, height in good),
        max(days_left(high, bend, height, slack) for _, (_, _, high), bend, height in good),
    )


def _thinned(
    days: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The medians of so many neighbours that at most POINTS_MAX points are left."""
    width = -(-len(days) // POINTS_MAX)
    places = range(0, len(days), width)
    return (
        np.array([np.median(days[place : place + width]) for place in places]),
        np.array([np.median(values[place : place + width]) for place in places]),
    )


def _end_volts(new: float) -> float | None:
    for from_volts, to_volts, end in CELLS:
        if from_volts <= new <= to_volts:
            return end
    return None


def _because(told: Forecast, reason: Unsayable) -> Forecast:
    return Forecast(None, reason, measure=told.measure, replaced_at=told.replaced_at, readings=told.readings)
