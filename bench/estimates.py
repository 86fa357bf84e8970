"""How often the intervals of benefit hold the truth: python bench/estimates.py [--runs N] [--full] [--only TABLE]

Prints the tables of docs/estimates.md, in Markdown. Trials are made up with a known effect; an interval of 95 % should hold it
in 95 of 100, a p under 0.05 should come in at most 5 of 100 trials without an effect. "By chance" is how far off so
many runs may be by themselves. Bounds of rare events and the sign test need no runs: all outcomes are summed up.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from functools import partial
from math import sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from nyttig.figures.comparison import difference_in_differences
from nyttig.figures.dose import dose_response
from nyttig.figures.interrupted import interrupted
from nyttig.figures.intervals import wilson
from nyttig.figures.ordinal import sign_p
from nyttig.figures.paired import beta_bootstrap_t, paired, sign_flip_p
from nyttig.figures.rare import rare_rate, rare_share
from nyttig.figures.staggered import HomePeriod, staggered

Floats = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]

Ends = list[tuple[float | None, float | None]]
"""An interval for each outcome."""

NOMINAL = 0.95
EFFECT = -3.0


class Told(NamedTuple):
    """What one made-up trial told: by name, whether an interval held the truth, or a p stayed above 0.05."""

    held: dict[str, bool]
    lengths: dict[str, float]


class Row(NamedTuple):
    """One row of a table: by name the share that held, of so many runs (0: all outcomes summed up), and the median length."""

    size: str
    made: str
    held: dict[str, float]
    lengths: dict[str, float]
    runs: int


CHANGES: dict[str, Draw] = {
    "normal": lambda random, n: random.normal(0, 4, n),
    "heavy tails (t, 3 df)": lambda random, n: 4 * random.standard_t(3, n),
    "skewed (exponential)": lambda random, n: 4 * (1 - random.exponential(size=n)),
    "very skewed (lognormal)": lambda random, n: 4 * (np.exp(0.5) - random.lognormal(size=n)),
    "whole visits, many zeros": lambda random, n: (
        1.2 - random.poisson(4, n) * (random.uniform(size=n) < 0.3).astype(float)
    ),
}
"""Changes of a home, of mean 0; savings are the long tail."""


def holds(low: float | None, high: float | None, truth: float) -> bool:
    """Whether the interval holds the truth; one without ends holds everything."""
    return (low is None or low <= truth + 1e-9) and (high is None or truth - 1e-9 <= high)


def judged(trial: Callable[[np.random.Generator], Told], size: str, made: str, runs: int) -> Row:
    """Return how often each of what the trial tells held, over so many runs of it."""
    random = np.random.default_rng(20261122)
    told = [trial(random) for _ in range(runs)]
    lengths = {name: [one.lengths[name] for one in told if name in one.lengths] for name in told[0].held}
    return Row(
        size,
        made,
        {name: float(np.mean([one.held[name] for one in told])) for name in told[0].held},
        {name: float(np.median(some)) for name, some in lengths.items() if some},
        runs,
    )


def paired_trial(random: np.random.Generator, n: int, draw: Draw) -> Told:
    """One trial of n homes, judged by both intervals, by the one that is quoted, and by the sign-flip p."""
    changes = (EFFECT + draw(random, n)).tolist()
    found = paired(changes)
    drawn = found.bootstrap_low, found.bootstrap_high
    # Where all homes changed alike every method says that number, and so does this one.
    beta = (beta_bootstrap_t(changes) or (found.mean, found.mean)) if drawn[0] is None else drawn
    ends = {"t": (found.t_low, found.t_high), "beta": beta, "quoted": (found.low, found.high)}
    held = {name: holds(*pair, EFFECT) for name, pair in ends.items()}
    if n <= 20:  # more take long to count
        held["sign-flip p"] = sign_flip_p([change - EFFECT for change in changes]) > 0.05
    return Told(
        held, {name: high - low for name, (low, high) in ends.items() if low is not None and high is not None}
    )


def comparison_trial(random: np.random.Generator, sizes: tuple[int, int], draw: Draw, spread: float) -> Told:
    """One trial with comparison homes whose changes spread `spread` times as far."""
    changes = draw(random, sizes[0]), spread * draw(random, sizes[1])
    with_effect, without, comparison = (
        [(0.0, float(change)) for change in group] for group in (changes[0] + EFFECT, *changes)
    )
    found = difference_in_differences(with_effect, comparison)
    none = difference_in_differences(without, comparison)
    assert found.low is not None
    assert found.high is not None
    return Told(
        {"interval": holds(found.low, found.high, EFFECT), "p": (none.p or 1) > 0.05},
        {"interval": found.high - found.low},
    )


def staggered_trial(
    random: np.random.Generator, homes: int, periods: int, memory: float, missing: float, unlike: float
) -> Told:
    """One trial in which homes start one after the other, with noise that lasts and effects that differ by home."""
    starts: dict[str, int | None] = {}
    rows = []
    for number, start in enumerate(random.permutation([1 + place % (periods - 2) for place in range(homes)])):
        home, effect = f"H{number:02}", random.normal(EFFECT, unlike)
        starts[home] = int(start)
        noise = remembered(random, periods, memory)
        rows += [
            HomePeriod(home, period, float(noise[period] - 0.5 * period + effect * (period >= start)))
            for period in range(periods)
            if random.uniform() >= missing
        ]
    found = staggered(rows, starts)
    held = {"interval": holds(found.low, found.high, EFFECT)}
    if found.low is None or found.high is None:
        return Told(held, {})
    return Told(held, {"interval": found.high - found.low})


def remembered(random: np.random.Generator, periods: int, memory: float) -> Floats:
    """Return noise of spread 1 of which each period keeps the share `memory` of the one before."""
    noise = random.normal(size=periods)
    for place in range(1, periods):
        noise[place] = memory * noise[place - 1] + sqrt(1 - memory**2) * noise[place]
    return noise


def series_trial(random: np.random.Generator, points: int, memory: float) -> Told:
    """One series with as many points before as after, a trend, and a step at the start."""
    noise = remembered(random, 2 * points, memory) + 0.1 * np.arange(2 * points)
    noise[points:] += EFFECT
    found = interrupted(noise[:points].tolist(), noise[points:].tolist())
    assert found.at_end is not None
    assert found.on_average is not None
    ends = {"at the end": found.at_end, "on average": found.on_average}
    held = {name: holds(one.low, one.high, EFFECT) for name, one in ends.items()}
    student = float(stats.t.ppf(0.975, 2 * points - 4))
    for name, one in ends.items():
        held[f"{name}, by Student's t"] = abs(one.estimate - EFFECT) <= student * one.standard_error
    return Told(held, {name: one.high - one.low for name, one in ends.items()})


def dose_trial(random: np.random.Generator, n: int, draw: Draw) -> Told:
    """One trial in which each ten points of use go with the effect."""
    use = random.uniform(0.2, 1, n)
    found = dose_response(use.tolist(), (10 * EFFECT * use + draw(random, n)).tolist())
    assert found.low is not None
    assert found.high is not None
    return Told({"slope": holds(found.low, found.high, EFFECT)}, {"slope": found.high - found.low})


def paired_rows(runs: int) -> Iterator[Row]:
    """Yield the rows of before and after in the same homes."""
    for made, draw in CHANGES.items():
        for n in (5, 6, 8, 12, 20, 40):
            yield judged(partial(paired_trial, n=n, draw=draw), str(n), made, runs)


def comparison_rows(runs: int) -> Iterator[Row]:
    """Yield the rows of homes with and without."""
    for made, draw in list(CHANGES.items())[:3]:
        for sizes in ((5, 5), (6, 12), (12, 12)):
            for spread in (1.0, 0.25):
                yield judged(
                    partial(comparison_trial, sizes=sizes, draw=draw, spread=spread),
                    f"{sizes[0]} + {sizes[1]}",
                    made if spread == 1 else f"{made}, comparison spread a quarter",
                    runs,
                )


def staggered_rows(runs: int) -> Iterator[Row]:
    """Yield the rows of homes that start at different times."""
    for homes, periods in ((6, 8), (8, 8), (12, 10)):
        for memory, missing, unlike in ((0.0, 0.0, 0.0), (0.6, 0.0, 0.0), (0.6, 0.15, 0.0), (0.6, 0.15, 1.0)):
            made = (
                f"memory {memory}"
                + (", 15 % missing" if missing else "")
                + (", effects differ" if unlike else "")
            )
            trial = partial(
                staggered_trial, homes=homes, periods=periods, memory=memory, missing=missing, unlike=unlike
            )
            yield judged(trial, f"{homes} × {periods}", made, runs)


def interrupted_rows(runs: int) -> Iterator[Row]:
    """Yield the rows of series."""
    for memory in (0.0, 0.3, 0.6):
        for points in (8, 12, 24, 52):
            trial = partial(series_trial, points=points, memory=memory)
            yield judged(trial, f"{points} + {points}", f"memory {memory}", runs)


def dose_rows(runs: int) -> Iterator[Row]:
    """Yield the rows of change against use."""
    for made in ("normal", "skewed (exponential)"):
        for n in (5, 8, 12, 24):
            yield judged(partial(dose_trial, n=n, draw=CHANGES[made]), str(n), made, runs)


def share_rows(_runs: int) -> Iterator[Row]:
    """Yield the rows of shares of homes: of all true shares the one held worst, and the mean of all."""
    for n in (6, 12, 24, 60):
        exact = [rare_share(count, n) for count in range(n + 1)]
        scores = [wilson(count, n) for count in range(n + 1)]
        ends: dict[str, Ends] = {
            "low to high": [(one.low, one.high) for one in exact],
            "at most": [(0.0, one.at_most) for one in exact],
            "Wilson": [(one.low, one.high) for one in scores],
        }
        shares = np.linspace(0.005, 0.995, 199).tolist()
        kept = {
            name: [
                summed(np.array(stats.binom.pmf(range(n + 1), n, share)), pairs, share) for share in shares
            ]
            for name, pairs in ends.items()
        }
        yield Row(str(n), "worst share", {name: min(held) for name, held in kept.items()}, {}, 0)
        mean = {name: float(np.mean(held)) for name, held in kept.items()}
        yield Row(str(n), "mean of all shares", mean, {}, 0)


def rate_rows(_runs: int) -> Iterator[Row]:
    """Yield the rows of events per home-month."""
    bounds = [rare_rate(count, 1.0) for count in range(80)]
    for expected in (0.5, 1.0, 3.0, 10.0):
        weights = np.array(stats.poisson.pmf(range(80), expected))
        both = summed(weights, [(one.low, one.high) for one in bounds], expected)
        upper = summed(weights, [(0.0, one.at_most) for one in bounds], expected)
        yield Row(f"{expected:g} expected", "Poisson", {"low to high": both, "at most": upper}, {}, 0)


def sign_rows(_runs: int) -> Iterator[Row]:
    """Yield the rows of the sign test in homes of which half move either way."""
    for n in (6, 12, 24, 60):
        weights = np.array(stats.binom.pmf(range(n + 1), n, 0.5))
        kept = weights[[sign_p(k, n - k) > 0.05 for k in range(n + 1)]].sum()
        yield Row(str(n), "nothing changed", {"sign test p": float(kept)}, {}, 0)


def summed(weights: Floats, ends: Ends, truth: float) -> float:
    """Return the weight of all outcomes whose interval holds the truth."""
    return float(sum(weight for weight, pair in zip(weights, ends, strict=True) if holds(*pair, truth)))


TABLES: dict[str, Callable[[int], Iterator[Row]]] = {
    "paired": paired_rows,
    "comparison": comparison_rows,
    "staggered": staggered_rows,
    "interrupted": interrupted_rows,
    "dose": dose_rows,
    "shares": share_rows,
    "rates": rate_rows,
    "sign": sign_rows,
}


def main() -> int:
    """The tables have been printed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=40, help="made-up trials a row")
    parser.add_argument("--full", action="store_true", help="1000: the tables of docs/estimates.md")
    parser.add_argument("--only", choices=TABLES, help="this table alone")
    arguments = parser.parse_args()
    runs = 1000 if arguments.full else arguments.runs
    for name, rows in TABLES.items():
        if arguments.only in (None, name):
            print(f"\n### {name}\n")
            names: list[str] = []
            for row in rows(runs):
                if not names:
                    names = list(row.held)
                    print(head(row))
                print(line(row, names), flush=True)
    return 0


def head(row: Row) -> str:
    """The head of a table of such rows."""
    by_chance = (
        f", ± {100 * 1.96 * sqrt(NOMINAL * (1 - NOMINAL) / row.runs):.1f} by chance" if row.runs else ""
    )
    runs = f"{row.runs} runs each{by_chance}" if row.runs else "all outcomes summed up"
    columns = ["n", "made up as", *row.held, *(["median length"] if row.lengths else [])]
    return f"Held, of 100 ({runs}):\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}"


def line(row: Row, names: list[str]) -> str:
    """One row of a table with a column for each name."""
    cells = [
        row.size,
        row.made,
        *(f"{100 * row.held[name]:.1f}" if name in row.held else "" for name in names),
    ]
    if row.lengths:
        cells.append(" / ".join(f"{length:.2f}" for length in row.lengths.values()))
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
