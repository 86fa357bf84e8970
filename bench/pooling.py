"""How often pooled intervals hold the truth: python bench/pooling.py [--runs N]

Prints the table of docs/money.md, in Markdown. Units of 5 to 15 homes are made up whose changes scatter by 6 around the
unit's own effect; the units' effects scatter by tau around a common −4. Each unit's standard error is estimated from its
homes, as in a trial. Seeded: the same runs give the same table.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy import stats

from nyttig.figures.pooled import Pooled, pool, unit_estimate

EFFECT = -4.0
HOME_SPREAD = 6.0


def trial(random: np.random.Generator, units: int, tau: float) -> Pooled:
    """One made-up trial in so many units, pooled."""
    effects = random.normal(EFFECT, tau, units)
    return pool(
        [
            unit_estimate(f"unit {n}", random.normal(effect, HOME_SPREAD, random.integers(5, 16)).tolist())
            for n, effect in enumerate(effects)
        ]
    )


def row(units: int, tau: float, runs: int) -> tuple[float, float, float, float | None]:
    """The shares held by the fixed, the plain Hartung–Knapp, our random and the prediction interval."""
    random = np.random.default_rng([units, int(tau * 10), 2015])
    held = np.zeros(4)
    for _ in range(runs):
        found = trial(random, units, tau)
        fixed, mean, scale = found.fixed, found.random, found.hartung_knapp_scale
        assert fixed is not None
        assert mean is not None
        assert scale is not None
        plain_error = mean.standard_error * np.sqrt(scale / max(scale, 1.0))
        plain = stats.t.ppf(0.975, units - 1) * plain_error
        next_unit = random.normal(EFFECT, tau)
        held += (
            fixed.low <= EFFECT <= fixed.high,
            abs(mean.estimate - EFFECT) <= plain,
            mean.low <= EFFECT <= mean.high,
            found.prediction_low is not None
            and found.prediction_high is not None
            and found.prediction_low <= next_unit <= found.prediction_high,
        )
    fixed_held, plain_held, held_ours, predicted = (float(share) for share in held / runs)
    return fixed_held, plain_held, held_ours, predicted if units > 2 else None


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=2000, help="made-up trials a row")
    runs = parser.parse_args().runs
    print("| units | tau | fixed | plain Hartung–Knapp | **quoted** | prediction |")
    print("|---|---|---|---|---|---|")
    for units in (2, 3, 4, 6, 10):
        for tau in (0.0, 1.0, 3.0):
            fixed, plain, quoted, predicted = row(units, tau, runs)
            told = "–" if predicted is None else f"{100 * predicted:.1f}"
            print(
                f"| {units} | {tau:g} | {100 * fixed:.1f} | {100 * plain:.1f} | **{100 * quoted:.1f}** | {told} |"
            )
    print(f"\n{runs} runs a row; chance alone: ±{196 * np.sqrt(0.95 * 0.05 / runs):.1f} around 95.")


if __name__ == "__main__":
    main()
