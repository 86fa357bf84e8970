"""The same figures of a part of a trial: of one unit's homes, or of one technology's devices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from nyttig.figures.adoption import (
    Coverage,
    Intensity,
    UseDayRate,
    coverages,
    intensities,
    use_day_rates,
)
from nyttig.figures.intervals import Share
from nyttig.figures.retention import Retention, retention_of
from nyttig.figures.survival import at
from nyttig.figures.sustained import Sustained, sustained_of
from nyttig.model import Parameters


@dataclass(frozen=True, slots=True)
class SustainedPart:
    """In how many homes of the part it became a habit, of those of which it can be said; the others stand beside."""

    share: Share
    too_early: int
    unknown: int


@dataclass(frozen=True, slots=True)
class StayingPart:
    """Who stays with it in this part. `homes` began; of them `abandoned` stopped, `competing` ended for a reason that is
    no giving up, `too_early` are too new to say.

    `still_using` is the Kaplan–Meier share that still use it `on_day` days after their first use, with its 95 %
    log-log interval, and `at_risk` how many homes were followed so far. None under ten homes, and where nobody
    was followed so long: then only the counts say something.
    """

    homes: int
    abandoned: int
    competing: int
    too_early: int
    on_day: int
    still_using: float | None
    low: float | None
    high: float | None
    at_risk: int


class Part(NamedTuple):
    """The figures of one part."""

    use_day_rate: UseDayRate
    coverage: Coverage
    intensity: Intensity
    sustained: SustainedPart
    staying: StayingPart


def parts(
    days: pd.DataFrame,
    groups: npt.NDArray[np.int64],
    part_of: Mapping[str, int],
    length: int,
    habit: Sustained,
    stayed: Retention,
    recovered: pd.DataFrame | None,
    parameters: Parameters,
) -> list[Part]:
    """Return the figures of each of so many parts.

    days: device-days without the homes' first ones, `groups` the part of each (-1: none); `part_of` the part of each
    home. `habit` and `stayed` are those of all homes.
    """
    sustained = [
        sustained_of([each for each in habit.homes if part_of.get(each.home) == n]) for n in range(length)
    ]
    retained = [
        retention_of(
            [each for each in stayed.courses if part_of.get(each.home) == n], stayed.abandonment_days
        )
        for n in range(length)
    ]
    return [
        Part(rate, covered, used, sustained_part(told), staying_part(kept, parameters))
        for rate, covered, used, told, kept in zip(
            use_day_rates(days, groups, length, parameters),
            coverages(days, groups, length, parameters),
            intensities(days, groups, length, recovered),
            sustained,
            retained,
            strict=True,
        )
    ]


def sustained_part(told: Sustained) -> SustainedPart:
    """Return the counts of it, without the homes."""
    return SustainedPart(told.share, told.too_early, told.unknown)


def staying_part(kept: Retention, parameters: Parameters) -> StayingPart:
    """Return the counts of it, and the curve on one day, so that parts can be held against each other."""
    day = parameters.sustained_within_days
    curve = kept.curve if kept.curve is not None and kept.curve.followed_days >= day else None
    low = high = None
    if curve is not None:
        step = int(np.searchsorted(curve.days, day, side="right")) - 1
        low, high = (curve.low[step], curve.high[step]) if step >= 0 else (None, None)
    return StayingPart(
        homes=kept.homes,
        abandoned=kept.abandoned,
        competing=sum(kept.competing.values()),
        too_early=kept.too_early,
        on_day=day,
        still_using=None if curve is None else at(curve, day),
        low=low,
        high=high,
        at_risk=sum(course.entered_day < day <= course.followed_days for course in kept.courses),
    )
