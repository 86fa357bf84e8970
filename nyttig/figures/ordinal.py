"""Answers on a scale of a few steps: how they are spread, and whether they moved. Such steps have no mean."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from nyttig.figures.intervals import Share, wilson
from nyttig.figures.paired import HOMES_FOR_INFERENCE


@dataclass(frozen=True, slots=True)
class Distribution:
    """How many gave each answer, in the scale's order, and the share of positive ones with its Wilson interval."""

    answers: tuple[int, ...]
    counts: tuple[int, ...]
    positive: Share


@dataclass(frozen=True, slots=True)
class Ordinal:
    """One item before and after in the homes that answered twice.

    `improved`, `worsened` and `unchanged` are homes; `p` is the exact two-sided sign test of the first two, None under
    five homes: then the evidence `level` is 0, else 1. `homes_missing` answered in one period only and are left out.
    `assumptions` are keys of `nyttig.figures.assumptions`.
    """

    homes: int
    homes_missing: int
    before: Distribution
    after: Distribution
    improved: int
    worsened: int
    unchanged: int
    p: float | None
    level: int
    assumptions: tuple[str, ...] = (
        "regression_to_the_mean",
        "no_other_change_at_start",
        "same_person_answers",
        "answers_are_honest",
        "missing_homes_alike",
    )


def distribution(given: Sequence[int], scale: Sequence[int], positive: Collection[int]) -> Distribution:
    """Return how `given` answers are spread over `scale`; ValueError for an answer that is none of its steps."""
    counts = Counter(given)
    if strange := sorted(counts.keys() - set(scale)):
        raise ValueError(f"{strange[0]} is no answer of the scale {', '.join(map(str, scale))}")
    return Distribution(
        tuple(scale),
        tuple(counts[step] for step in scale),
        wilson(sum(counts[step] for step in positive), len(given)),
    )


def ordinal(
    before: Mapping[str, int],
    after: Mapping[str, int],
    scale: Sequence[int],
    positive: Collection[int],
    better: Literal["higher", "lower"] = "higher",
) -> Ordinal:
    """Return how the answers of each home (by its code) moved on `scale`.

    `positive` are the steps that count as positive. The sign test asks only which way a home moved, not how far, and
    leaves those out that stayed (Dixon & Mood 1946).
    """
    homes = sorted(before.keys() & after.keys())
    moves = [(after[home] - before[home]) * (1 if better == "higher" else -1) for home in homes]
    improved, worsened = sum(move > 0 for move in moves), sum(move < 0 for move in moves)
    enough = len(homes) >= HOMES_FOR_INFERENCE
    return Ordinal(
        homes=len(homes),
        homes_missing=len(before.keys() ^ after.keys()),
        before=distribution([before[home] for home in homes], scale, positive),
        after=distribution([after[home] for home in homes], scale, positive),
        improved=improved,
        worsened=worsened,
        unchanged=len(homes) - improved - worsened,
        p=sign_p(improved, worsened) if enough else None,
        level=1 if enough else 0,
    )


def sign_p(improved: int, worsened: int) -> float:
    """Return the exact two-sided p of so many signs of each kind when both are as likely; 1 without any."""
    moved = improved + worsened
    tail = sum(math.comb(moved, fewer) for fewer in range(min(improved, worsened) + 1))
    return min(1.0, 2 * tail / (1 << moved))
