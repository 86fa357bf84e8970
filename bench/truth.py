"""How near the figures come to what really happened: python bench/truth.py [--seeds N] [--others N] [--full]

Prints the tables of docs/truth.md, in Markdown: made-up populations of 200 homes over 180 days whose every use is
known, by class; errors of the figures and of naive ones, intervals that held, homes that stopped and were found.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from itertools import groupby
from math import sqrt
from pathlib import Path
from statistics import fmean, median, stdev
from typing import get_args

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from lives import Usage
from population import population
from population_judged import Error, Held, Stops, bounds, errors, figures_of, intervals, stops
from population_silences import Mechanism

POINTS = ("use-day rate", "uses per home-week", "active homes", "sustained use", "participation", "coverage")
IN_UNITS = ("uses per home-week", "median minutes to handling")
INTERVAL_OF = {
    "participation": "participation (by homes)",
    "active homes": "active homes (Wilson)",
    "sustained use": "sustained use (Wilson)",
    "still using on day 60": "still using on day 60 (log-log)",
    "still using on day 120": "still using on day 120 (log-log)",
    "begun by day 14": "not begun by day 14 (log-log)",
}
"""The figures of the short table that have an interval, and which it is."""
SHORT = ("use-day rate", "uses per home-week", "coverage", *INTERVAL_OF)


def main() -> int:
    """The tables have been printed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, help="populations a class with silences at random")
    parser.add_argument(
        "--others", type=int, default=1, help="populations a class with each other kind of silence"
    )
    parser.add_argument("--full", action="store_true", help="29 and 2: 200 trials for each interval")
    arguments = parser.parse_args()
    seeds, others = (29, 2) if arguments.full else (arguments.seeds, arguments.others)

    silences: list[str] = []
    short: list[str] = []
    for usage in get_args(Usage):
        told: dict[str, list[Error]] = defaultdict(list)
        held: list[Held] = []
        for mechanism in get_args(Mechanism):
            judged = []
            for seed in range(seeds if mechanism == "at_random" else others):
                one = population(usage, mechanism, seed)
                made = figures_of(one)
                said = errors(one, made)
                judged.append((said[0], bounds(one, made), stops(one, made.strips, one.parameters)))
                if mechanism == "at_random":
                    held += intervals(one, made)
                    for error in said:
                        told[error.figure].append(error)
            silences.append(silence_row(usage, mechanism, judged))
        print(f"\n### {usage}: errors, silences at random\n")
        print(
            "| figure | truth | mean error | of one trial (sd) | largest | naive: mean error |\n|---|---|---|---|---|---|"
        )
        for figure, each in told.items():
            print(error_row(figure, each), flush=True)
        short += [short_row(usage, figure, told[figure], held) for figure in SHORT if figure in told]
        print(f"\n### {usage}: intervals, silences at random\n")
        print("| interval | trials | held the truth | stated | chance alone |\n|---|---|---|---|---|")
        for figure, group in groupby(sorted(held, key=lambda one: one.figure), key=lambda one: one.figure):
            print(interval_row(figure, list(group)), flush=True)
    print(
        "\n### silences of each kind\n\n| class | silence | populations | use-day rate: mean error | naive: mean errors"
        " | held without lossy days | bounds held | stopped | found | false | days until said: least, median |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|"
    )
    print("\n".join(silences))
    print(
        "\n### bias and coverage, class by class\n\n| class | figure | truth | ours: mean error | naive: mean error"
        " | its interval held (stated 95 %) |\n|---|---|---|---|---|---|"
    )
    print("\n".join(short))
    return 0


def error_row(figure: str, told: list[Error]) -> str:
    """One figure over all populations: shares in percentage points."""
    off = [error.told - error.truth for error in told]
    naive = ", ".join(
        f"{name}: {shown(figure, fmean(error.naive[name] - error.truth for error in told))}"
        for name in told[0].naive
    )
    truth = fmean(error.truth for error in told)
    spread = stdev(off) if len(off) > 1 else 0.0
    return (f"| {figure} | {truth:.2f} | " if figure in IN_UNITS else f"| {figure} | {truth:.1%} | ") + (
        f"{shown(figure, fmean(off))} ± {shown(figure, spread / sqrt(len(off))).lstrip('+')}"
        f" | {shown(figure, spread).lstrip('+')} | {shown(figure, max(map(abs, off))).lstrip('+')} | {naive} |"
    )


def short_row(usage: str, figure: str, told: list[Error], held: list[Held]) -> str:
    """One figure's row without spread and largest error, and how often its interval held the truth."""
    _, _, truth, error, _, _, naive, _ = error_row(figure, told).split("|")
    mine = [one for one in held if one.figure == INTERVAL_OF.get(figure)]
    hits = f"{share_held(mine):.1%}" if mine else "–"
    return f"| {usage} | {figure} |{truth}|{error}| {naive.strip() or '–'} | {hits} |"


def share_held(held: list[Held]) -> float:
    """The share of the intervals that held their truth: that of all homes, or the mean of the trials' own."""
    own = fmean(one.own for one in held)
    return fmean(
        one.low - 1e-12 <= (own if one.truth is None else one.truth) <= one.high + 1e-12 for one in held
    )


def shown(figure: str, difference: float) -> str:
    """A difference of two shares in percentage points; of uses a week as it is."""
    return f"{difference:+.2f}" if figure in IN_UNITS else f"{100 * difference:+.1f}"


def interval_row(figure: str, held: list[Held]) -> str:
    """How many of the intervals held, and what 95 of 100 would be held by chance alone in so many."""
    hits = share_held(held)
    spread = 1.96 * sqrt(0.95 * 0.05 / len(held))
    return (
        f"| {figure} | {len(held)} | {hits:.1%} | 95% | {0.95 - spread:.1%} to {min(1, 0.95 + spread):.1%} |"
    )


def silence_row(
    usage: str, mechanism: str, judged: list[tuple[Error, tuple[float, float, float, float], Stops]]
) -> str:
    """One kind of silence in one class over its populations."""
    rates = [rate for rate, _, _ in judged]
    bounded = [bound for _, bound, _ in judged]
    found = [stopped for _, _, stopped in judged]
    naive = ", ".join(
        f"{name}: {100 * fmean(one.naive[name] - one.truth for one in rates):+.1f}" for name in rates[0].naive
    )
    delays = [delay for one in found for delay in one.delays]
    return (
        f"| {usage} | {mechanism} | {len(judged)} | {100 * fmean(one.told - one.truth for one in rates):+.2f} | {naive}"
        f" | {sum(low <= truth <= high for low, truth, high, _ in bounded)}"
        f" | {sum(low <= truth <= high for low, truth, _, high in bounded)}"
        f" | {sum(one.there for one in found)} | {sum(one.found for one in found)} | {sum(one.false for one in found)}"
        f" | {min(delays)}, {median(delays):.0f} |"
    )


if __name__ == "__main__":
    sys.exit(main())
