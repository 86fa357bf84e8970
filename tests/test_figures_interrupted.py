"""Interrupted series against the published vector and statsmodels, in both ways of writing the model."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.stats.stattools import durbin_watson

from nyttig.figures.assumptions import ASSUMPTIONS
from nyttig.figures.interrupted import interrupted, newey_west_lags

BEFORE = [10, 11, 10, 12, 11, 12, 11, 13]
AFTER = [8, 7, 8, 7, 6, 7, 6, 6]


def design_of(before: int, after: int, *, since_start: bool) -> np.ndarray:
    """Level and slope changes with the slope counted since the start, or as a product with time."""
    time = np.arange(1, before + after + 1, dtype=float)
    started = (time > before).astype(float)
    bent = (time - before - 1) * started if since_start else time * started
    return np.column_stack([np.ones_like(time), time, started, bent])


def effects_of(design: np.ndarray, before: int) -> list[np.ndarray]:
    effect = design[before:].copy()
    effect[:, :2] = 0
    return [effect[-1], effect.mean(axis=0)]


def test_the_series_of_the_definitions_ends_nine_below_where_it_was_going() -> None:
    found = interrupted(BEFORE, AFTER)
    assert found.at_end is not None
    assert found.on_average is not None
    assert found.at_end.estimate == pytest.approx(-8.8929, abs=5e-5)
    assert found.on_average.estimate == pytest.approx(-6.8512, abs=5e-5)
    assert (found.points_before, found.points_after, found.few_points, found.level) == (8, 8, True, 4)
    assert found.counterfactual[-1] - found.fitted[-1] == pytest.approx(8.8929, abs=5e-5)
    assert (len(found.fitted), len(found.counterfactual)) == (16, 8)
    assert set(found.assumptions) <= ASSUMPTIONS.keys()


def test_contrasts_and_errors_are_those_of_both_ways_of_writing_the_model_in_statsmodels() -> None:
    largest = 0.0
    for seed in range(30):
        random = np.random.default_rng(seed)
        before, after = 8 + seed % 9, 8 + seed % 13
        noise = np.zeros(before + after)
        for place in range(1, len(noise)):
            noise[place] = 0.5 * noise[place - 1] + random.normal()
        values = 30 + 0.3 * np.arange(len(noise)) + noise - 6 * (np.arange(len(noise)) >= before)
        found = interrupted(values[:before].tolist(), values[before:].tolist())
        coefficients = []
        for since_start in (True, False):
            design = design_of(before, after, since_start=since_start)
            fit = sm.OLS(values, design).fit(
                cov_type="HAC",
                cov_kwds={"maxlags": newey_west_lags(len(values)), "use_correction": True},
                use_t=True,
            )
            coefficients.append(fit.params[2])
            for contrast, weights in zip(
                (found.at_end, found.on_average), effects_of(design, before), strict=True
            ):
                peer = fit.t_test(weights)
                assert contrast is not None
                largest = max(
                    largest,
                    abs(contrast.estimate - peer.effect[0]),
                    abs(contrast.standard_error - float(peer.sd.item())),
                )
            largest = max(largest, abs((found.durbin_watson or 0) - durbin_watson(fit.resid)))
        assert abs(coefficients[0] - coefficients[1]) > 1e-3  # the bare coefficient is not the same number
    print(f"largest difference from statsmodels: {largest:.1e}")  # noqa: T201  shown with pytest -s
    assert largest < 1e-9


def test_a_period_that_nobody_registered_keeps_its_place_in_time() -> None:
    holes: list[float | None] = [10.0, None, *(float(10 + place) for place in range(2, 10)), None]
    found = interrupted(holes, [None, *(float(8 + place) for place in range(12, 21))])
    assert (found.points_before, found.points_after) == (9, 9)
    assert found.at_end is not None
    assert found.at_end.estimate == pytest.approx(-2.0)  # a line of slope one, two lower since the start
    assert found.on_average is not None
    assert found.on_average.estimate == pytest.approx(-2.0)


def test_errors_with_holes_are_those_of_scores_that_are_zero_there() -> None:
    random = np.random.default_rng(8)
    values = random.normal(10, 2, 30)
    seen = np.ones(30, dtype=bool)
    seen[[3, 4, 17, 25]] = False
    told = [float(value) if there else None for value, there in zip(values, seen, strict=True)]
    found = interrupted(told[:14], told[14:])
    design = design_of(14, 16, since_start=True)
    inverse = np.linalg.inv(design[seen].T @ design[seen])
    residuals = np.where(seen, values - design @ (inverse @ design[seen].T @ values[seen]), 0.0)
    scores, lags = design * residuals[:, None], newey_west_lags(26)
    spread = sum(
        (1 - abs(i - j) / (lags + 1)) * np.outer(scores[i], scores[j])
        for i in range(30)
        for j in range(30)
        if abs(i - j) <= lags
    )
    weights = effects_of(design, 14)[0]
    error = np.sqrt(weights @ inverse @ spread @ inverse @ weights * 26 / 22)
    assert found.at_end is not None
    assert found.at_end.standard_error == pytest.approx(error, abs=1e-9)
    # Neighbours of which one was not seen are no pair.
    assert found.lag_1 == pytest.approx(
        (residuals[1:] * residuals[:-1]).sum() / (residuals**2).sum(), abs=1e-9
    )


def test_seven_points_on_a_side_are_a_picture_and_no_estimate() -> None:
    for before, after in (([1.0] * 7, [2.0] * 20), ([1.0] * 20, [*([2.0] * 7), None])):
        found = interrupted(before, after)
        assert (found.at_end, found.on_average, found.level, found.few_points) == (None, None, 0, True)
    assert not interrupted(
        [float(place % 3) for place in range(12)], [float(place % 2) for place in range(12)]
    ).few_points


def test_periods_that_resemble_each_other_are_said_to() -> None:
    random = np.random.default_rng(2)
    noise = np.cumsum(random.normal(size=60))
    alike = interrupted(noise[:30].tolist(), noise[30:].tolist())
    assert alike.autocorrelated
    assert (alike.durbin_watson or 9) < 1
    plain = random.normal(size=60)
    unlike = interrupted(plain[:30].tolist(), plain[30:].tolist())
    assert not unlike.autocorrelated
    assert unlike.durbin_watson == pytest.approx(2, abs=0.6)


def test_a_series_all_on_its_lines_has_nothing_left_to_be_alike() -> None:
    found = interrupted([float(place) for place in range(10)], [3.0] * 10)
    assert (found.durbin_watson, found.lag_1, found.autocorrelated) == (None, None, None)
    assert found.at_end is not None
    assert found.at_end.estimate == pytest.approx(3.0 - 19.0)


def test_lags_follow_the_published_rule() -> None:
    assert [newey_west_lags(points) for points in (16, 24, 52, 100, 104)] == [2, 2, 3, 4, 4]


def test_intervals_of_short_series_hold_without_and_with_memory() -> None:
    for memory, least in ((0.0, 0.92), (0.6, 0.85)):
        random = np.random.default_rng(6)
        held = by_t = 0
        for _ in range(400):
            noise = random.normal(size=20)
            for place in range(1, 20):
                noise[place] = memory * noise[place - 1] + noise[place]
            found = interrupted(noise[:10].tolist(), (noise[10:] - 3).tolist())
            assert found.on_average is not None
            held += found.on_average.low <= -3 <= found.on_average.high
            by_t += abs(found.on_average.estimate + 3) <= 2.12 * found.on_average.standard_error
        assert least <= held / 400 <= 0.985
        assert by_t / 400 < 0.85  # why the interval does not take Student's t


def test_a_series_with_memory_gets_a_wider_interval_for_the_same_standard_error() -> None:
    random = np.random.default_rng(4)
    widths = {}
    for memory in (0.0, 0.8):
        noise = random.normal(size=60)
        for place in range(1, 60):
            noise[place] = memory * noise[place - 1] + noise[place]
        found = interrupted(noise[:30].tolist(), noise[30:].tolist())
        assert found.at_end is not None
        assert found == interrupted(noise[:30].tolist(), noise[30:].tolist())
        widths[memory] = (found.at_end.high - found.at_end.estimate) / found.at_end.standard_error
        assert found.memory == pytest.approx(memory, abs=0.25)
    assert 2.2 < widths[0.0] < widths[0.8]
