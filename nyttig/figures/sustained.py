"""Has it become a habit? Sustained adoption, home by home. Definitions: docs/figures.md, section 3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt

from nyttig.figures.adoption import HomeStrip
from nyttig.figures.coverage import days_in
from nyttig.figures.intervals import Share, wilson
from nyttig.model import Parameters

Answer = Literal["sustained", "not_sustained", "too_early", "unknown"]


@dataclass(frozen=True, slots=True)
class HomeSustained:
    """One home: `sustained`, `not_sustained` (its first 90 days are over), `too_early`, or `unknown` (they are
    over, but no window had enough observed days). `days_to_it` counts to the end of the first such window."""

    home: str
    answer: Answer
    days_to_it: int | None


@dataclass(frozen=True, slots=True)
class Sustained:
    """How many of the homes of which it can be said use it steadily within their first 90 days.

    A home does when some 30 days inside them hold at least 21 observed days of which at least 70 % are used
    (all four numbers are the trial's parameters). `share` is of those that are sustained or not; `too_early`
    and `unknown` homes stand beside it.
    """

    share: Share
    too_early: int
    unknown: int
    median_days_to_it: float | None
    homes: tuple[HomeSustained, ...]


def sustained(strips: Sequence[HomeStrip], last_day: date, parameters: Parameters) -> Sustained:
    """Return sustained adoption by `last_day`, of the homes that have a day inside the trial."""
    return sustained_of([_home(strip, last_day, parameters) for strip in strips if strip.states.strip("-")])


def sustained_of(homes: Sequence[HomeSustained]) -> Sustained:
    """Return the same of these homes' answers."""
    answers = [home.answer for home in homes]
    reached = sorted(home.days_to_it for home in homes if home.days_to_it is not None)
    yes = answers.count("sustained")
    return Sustained(
        share=wilson(yes, yes + answers.count("not_sustained")),
        too_early=answers.count("too_early"),
        unknown=answers.count("unknown"),
        median_days_to_it=float(np.median(reached)) if reached else None,
        homes=tuple(homes),
    )


def _home(strip: HomeStrip, last_day: date, parameters: Parameters) -> HomeSustained:
    """Return one home's answer. Used days that were hardly observed count neither as observed nor as used."""
    first = len(strip.states) - len(strip.states.lstrip("-"))
    days = strip.states[first : first + parameters.sustained_within_days]
    length = parameters.sustained_window_days
    used, observed = (_counted(len(days), days_in(days, letters)) for letters in ("U", "UN"))
    in_used, in_observed = used[length:] - used[:-length], observed[length:] - observed[:-length]
    enough = in_observed >= parameters.sustained_observed_days
    steady = enough & (in_used >= parameters.sustained_use_day_ratio * in_observed - 1e-9)
    if steady.any():
        return HomeSustained(strip.home, "sustained", int(np.flatnonzero(steady)[0]) + length)
    looked = (last_day - strip.first_day).days - first + 1
    if looked < parameters.sustained_within_days and strip.ended_on is None:
        return HomeSustained(strip.home, "too_early", None)
    return HomeSustained(strip.home, "not_sustained" if enough.any() else "unknown", None)


def _counted(length: int, places: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return how many of the places lie before each of 0 … length."""
    found = np.zeros(length + 1, dtype=np.intp)
    found[places + 1] = 1
    return np.cumsum(found)
