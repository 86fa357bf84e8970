"""Our estimators against statsmodels' and SciPy's on random data: the largest difference, and that it is none.

Run with `-s` to see the table. Where both compute the same formula the difference is rounding.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from nyttig.figures.intervals import clustered, t_interval, wilson
from nyttig.figures.survival import at, at_risk_on, cumulative_incidence, kaplan_meier

ROUNDING = 1e-12
DRAWS = 60
Floats = npt.NDArray[np.float64]


def trials(seed: int) -> Iterator[tuple[np.random.Generator, int]]:
    """Random trials of 5 to 400 homes."""
    random = np.random.default_rng(seed)
    for _ in range(DRAWS):
        yield random, int(random.integers(5, 400))


def followed(random: np.random.Generator, homes: int) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Entry, end and cause (0: none yet, 1, 2) of homes, in whole days with many ties; some join late."""
    entry = np.where(random.random(homes) < 0.4, random.integers(0, 60, homes), 0).astype(float)
    end: Floats = entry + random.integers(1, 120, homes)
    return entry, end, random.integers(0, 3, homes)


def km(late: bool) -> float:
    """S(t) at every step."""
    worst = 0.0
    for random, homes in trials(1):
        entry, end, cause = followed(random, homes)
        theirs = SurvfuncRight(end, (cause > 0).astype(int), entry=entry if late else None)
        ours = kaplan_meier(end.tolist(), (cause > 0).tolist(), entry.tolist() if late else None)
        steps = theirs.n_events > 0
        assert np.array_equal(theirs.surv_times[steps], ours.days)
        assert np.array_equal(theirs.n_events[steps], ours.events)
        worst = max(worst, np.abs(theirs.surv_prob[steps] - ours.survival).max(initial=0.0))
    return float(worst)


def km_at_risk() -> float:
    """Homes under observation at every step, and on days between."""
    worst = 0.0
    for random, homes in trials(2):
        entry, end, cause = followed(random, homes)
        theirs = SurvfuncRight(end, (cause > 0).astype(int))
        ours = kaplan_meier(end.tolist(), (cause > 0).tolist())
        worst = max(worst, np.abs(theirs.n_risk[theirs.n_events > 0] - ours.at_risk).max(initial=0))
        days = list(range(1, int(end.max()), 7))
        by_hand = [int(((entry < day) & (end >= day)).sum()) for day in days]
        worst = max(worst, np.abs(np.subtract(by_hand, at_risk_on(end.tolist(), days, entry.tolist()))).max())
    return float(worst)


def km_log_log() -> float:
    """The log-log interval, from statsmodels' survival and Greenwood standard error by the delta method."""
    worst = 0.0
    z = stats.norm.ppf(0.975)
    for random, homes in trials(3):
        _, end, cause = followed(random, homes)
        theirs = SurvfuncRight(end, (cause > 0).astype(int))
        ours = kaplan_meier(end.tolist(), (cause > 0).tolist())
        with np.errstate(divide="ignore", invalid="ignore"):
            survival = theirs.surv_prob
            spread = z * theirs.surv_prob_se / (survival * np.abs(np.log(survival)))
            low, high = survival ** np.exp(spread), survival ** np.exp(-spread)
        for place in np.flatnonzero((theirs.n_events > 0) & (survival > 0)).tolist():
            step = ours.days.index(theirs.surv_times[place])
            assert ours.low[step] is not None
            worst = max(worst, abs(low[place] - ours.low[step]), abs(high[place] - (ours.high[step] or 0.0)))
    return float(worst)


def km_log_log_quantile_band() -> float:
    """The days on which the interval of the median ends, from the same transformation in `quantile_ci`."""
    worst = 0.0
    for random, homes in trials(4):
        _, end, cause = followed(random, homes)
        theirs = SurvfuncRight(end, (cause > 0).astype(int))
        ours = kaplan_meier(end.tolist(), (cause > 0).tolist())
        with np.errstate(divide="ignore", invalid="ignore"):  # where all have stopped
            low, _ = theirs.quantile_ci(0.5, alpha=0.05, method="cloglog")
        inside = [
            day
            for day, least, most in zip(ours.days, ours.low, ours.high, strict=True)
            if least is not None and most is not None and least <= 0.5 <= most
        ]
        if inside and np.isfinite(low):
            worst = max(worst, abs(inside[0] - low))
    return float(worst)


def km_median() -> float:
    """The median, where the curve comes down to one half without stopping there."""
    worst = 0.0
    for random, homes in trials(5):
        _, end, cause = followed(random, homes)
        theirs = SurvfuncRight(end, (cause > 0).astype(int))
        ours = kaplan_meier(end.tolist(), (cause > 0).tolist())
        if ours.median_days is not None and 0.5 not in np.round(ours.survival, 12):
            worst = max(worst, abs(theirs.quantile(0.5) - ours.median_days))
    return float(worst)


def incidence() -> float:
    """The cumulative incidence of both causes at every one of their days."""
    worst = 0.0
    for random, homes in trials(6):
        _, end, cause = followed(random, homes)
        cause[:2] = 1, 2
        with np.errstate(
            divide="ignore", invalid="ignore"
        ):  # its standard error, where all at risk have ended
            theirs = CumIncidenceRight(end, cause)
        for found in cumulative_incidence(end.tolist(), [str(code) if code else None for code in cause]):
            for day in found.days:
                place = int(np.searchsorted(theirs.times, day, side="right")) - 1
                worst = max(worst, abs(theirs.cinc[int(found.cause) - 1][place] - at(found, day)))
    return float(worst)


def wilson_shares() -> float:
    """Wilson's interval, of statsmodels and of SciPy."""
    worst = 0.0
    random = np.random.default_rng(7)
    for _ in range(400):
        of = int(random.integers(1, 3000))
        count = int(random.integers(0, of + 1))
        share = wilson(count, of)
        theirs = proportion_confint(count, of, 0.05, method="wilson")
        scipys = stats.binomtest(count, of).proportion_ci(method="wilson")
        ours = np.array([share.low, share.high], dtype=float)
        worst = max(worst, *np.abs(ours - theirs), *np.abs(ours - (scipys.low, scipys.high)))
    return float(worst)


def clustered_variance() -> float:
    """The variance behind the interval by homes: that of a ratio estimator, as a regression through the origin
    weighted by 1/due gives it with errors clustered by home."""
    worst = 0.0
    for random, homes in trials(8):
        due = random.integers(1, 40, homes)
        done = random.binomial(due, random.beta(4, 2, homes))
        share = clustered(done.tolist(), due.tolist())
        row = np.repeat(np.arange(homes), due)
        answers = np.concatenate(
            [[1.0] * yes + [0.0] * (of - yes) for yes, of in zip(done, due, strict=True)]
        )
        fitted = OLS(answers, np.ones(len(answers))).fit(
            cov_type="cluster", cov_kwds={"groups": row, "use_correction": False}
        )
        variance = float(fitted.cov_params()[0, 0]) * homes / (homes - 1)
        ratio = done.sum() / due.sum()
        effective = min(ratio * (1 - ratio) / variance, float(due.sum()))
        t = stats.t.ppf(0.975, homes - 1)
        centre = (ratio + t * t / (2 * effective)) / (1 + t * t / effective)
        half = (
            t
            * np.sqrt(ratio * (1 - ratio) / effective + t * t / (4 * effective**2))
            / (1 + t * t / effective)
        )
        worst = max(worst, abs(centre - half - (share.low or 0.0)), abs(centre + half - (share.high or 0.0)))
    return float(worst)


def t_means() -> float:
    """Student's interval of a mean."""
    worst = 0.0
    for random, homes in trials(9):
        values = random.normal(0, 1, homes) + random.exponential(1, homes)
        theirs = DescrStatsW(values).tconfint_mean(0.05)
        worst = max(worst, *np.abs(np.subtract(theirs, t_interval(values.tolist()) or (np.nan, np.nan))))
    return float(worst)


EQUAL: dict[str, Callable[[], float]] = {
    "Kaplan–Meier / SurvfuncRight": lambda: km(late=False),
    "Kaplan–Meier with late entry / SurvfuncRight(entry=)": lambda: km(late=True),
    "homes at risk / SurvfuncRight": km_at_risk,
    "log-log interval / SurvfuncRight's Greenwood error": km_log_log,
    "where it ends at one half / quantile_ci(cloglog)": km_log_log_quantile_band,
    "median / SurvfuncRight.quantile": km_median,
    "cumulative incidence / CumIncidenceRight": incidence,
    "Wilson / proportion_confint, binomtest": wilson_shares,
    "interval by homes / OLS with clustered errors": clustered_variance,
    "t interval / DescrStatsW": t_means,
}


@pytest.mark.parametrize("estimator", list(EQUAL))
def test_an_estimator_says_what_the_library_says(estimator: str) -> None:
    largest = EQUAL[estimator]()
    sys.stdout.write(f"{estimator:58} {largest:.1e}\n")
    assert largest < ROUNDING
