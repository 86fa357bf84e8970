"""What the money hangs on: each range alone, all of them together, and how much use it takes."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nyttig.errors import EntryError
from nyttig.figures.money import MoneyGain, MoneyPlan, Price, return_of
from nyttig.figures.sensitivity import (
    Range,
    break_even,
    changed,
    parameters_of,
    scenarios,
    tornado,
)
from nyttig.model import Cost

PLAN = MoneyPlan(
    gains=(
        MoneyGain("visits", "Bydel Alna", 390, Price(490, "paid_hour", 2026), 0.4, 0.5),
        MoneyGain("km", "Bydel Alna", 2000, Price(4.9, "task", 2026), 0.0, 1.0),
    ),
    costs=(
        Cost("Dispenser", "capital", 9000, "device", 60, "Velferdsetaten"),
        Cost("Subscription", "running", 250, "device", None, "Bydel Alna"),
        Cost("Installation", "installation", 1450, "home"),
        Cost("Response centre", "support", 1200, "month"),
    ),
    devices=6,
    homes=6,
    discount_ratio_per_year=0.04,
    years=8,
)
RANGES = (
    Range("quantity:visits", 100, 700, "interval"),
    Range("discount_ratio_per_year", 0.0, 0.08, "Ministry of Finance and twice it"),
    Range("cashed_ratio:visits", 0.1, 0.6, "what the district cashed before"),
    Range("running", 0.9, 1.3, "offers"),
)


def npv(plan: MoneyPlan) -> float:
    return return_of(plan, "cashed").net_present_value


def test_a_plan_changed_to_its_own_values_is_the_plan() -> None:
    assert changed(PLAN, parameters_of(PLAN)) == PLAN
    assert changed(PLAN, {}) == PLAN


@pytest.mark.parametrize(
    ("parameter", "value", "same"),
    [
        ("quantity:km", 1000, replace(PLAN, gains=(PLAN.gains[0], replace(PLAN.gains[1], quantity_per_year=1000)))),
        ("hour_price", 2, replace(PLAN, gains=(replace(PLAN.gains[0], price=Price(980, "paid_hour", 2026)), PLAN.gains[1]))),
        ("capital", 0.5, replace(PLAN, costs=(replace(PLAN.costs[0], amount=4500), *PLAN.costs[1:]))),
        ("life", 2, replace(PLAN, costs=(replace(PLAN.costs[0], life_months=120), *PLAN.costs[1:]))),
        ("years", 3, replace(PLAN, years=3)),
    ],
)  # fmt: skip
def test_a_parameter_changes_what_it_names_and_nothing_else(
    parameter: str, value: float, same: MoneyPlan
) -> None:
    assert changed(PLAN, {parameter: value}) == same


def test_twice_the_homes_have_twice_the_gains_and_devices_and_one_response_centre() -> None:
    doubled = changed(PLAN, {"homes": 12})
    assert (doubled.homes, doubled.devices, doubled.gains[0].quantity_per_year) == (12, 12, 780)
    once, twice = return_of(PLAN, "cashed"), return_of(doubled, "cashed")
    assert twice.income_per_year == pytest.approx(2 * once.income_per_year)
    assert twice.running_per_year == pytest.approx(2 * once.running_per_year - 12 * 1200)


def test_the_tornado_has_the_widest_on_top_and_each_end_as_if_planned_so() -> None:
    swings = tornado(PLAN, RANGES, "cashed")
    assert [swing.span for swing in swings] == sorted((swing.span for swing in swings), reverse=True)
    assert {swing.range for swing in swings} == set(RANGES)
    visits = next(swing for swing in swings if swing.range.parameter == "quantity:visits")
    assert visits.at_low == npv(changed(PLAN, {"quantity:visits": 100}))
    assert visits.at_high == npv(changed(PLAN, {"quantity:visits": 700}))
    yearly = tornado(PLAN, RANGES, "cashed", "surplus_per_year")
    rate = next(swing for swing in yearly if swing.range.parameter == "discount_ratio_per_year")
    assert rate.span == 0


def test_worst_and_best_are_those_of_trying_every_corner() -> None:
    found = scenarios(PLAN, RANGES, "cashed")
    corners = [
        npv(changed(PLAN, dict(zip((r.parameter for r in RANGES), ends, strict=True))))
        for ends in product(*((r.low, r.high) for r in RANGES))
    ]
    assert found.worst.result.net_present_value == pytest.approx(min(corners))
    assert found.best.result.net_present_value == pytest.approx(max(corners))
    assert found.base.result == return_of(PLAN, "cashed")
    assert found.worst.values["quantity:visits"] == 100
    assert found.best.values["running"] == 0.9


def test_more_years_are_worse_only_once_the_running_costs_eat_it_up() -> None:
    ranges = (Range("years", 2, 10, "assumed"), Range("running", 1, 12, "offers"))
    worst = scenarios(PLAN, ranges, "cashed").worst
    assert worst.values == {"years": 10, "running": 12}


@given(st.floats(0, 390), st.floats(390, 2000), st.floats(0, 0.04), st.floats(0.04, 0.2), st.floats(1, 4))
def test_the_plan_lies_between_its_worst_and_its_best(
    fewest: float, most: float, cheap: float, dear: float, running: float
) -> None:
    ranges = (
        Range("quantity:visits", fewest, most, "interval"),
        Range("discount_ratio_per_year", cheap, dear, "assumed"),
        Range("running", 1, running, "assumed"),
        Range("years", 4, 10, "assumed"),
    )
    found = scenarios(PLAN, ranges, "put_to_use")
    values = [each.result.net_present_value for each in (found.worst, found.base, found.best)]
    assert values == sorted(values)


def test_shares_that_together_leave_the_whole_are_refused_and_those_that_swap_are_not() -> None:
    both = (
        Range("cashed_ratio:visits", 0.4, 0.7, "a"),
        Range("reallocated_ratio:visits", 0.2, 0.6, "b"),
    )
    with pytest.raises(EntryError, match="more than the whole"):
        scenarios(PLAN, both, "cashed")
    swapped = changed(PLAN, {"cashed_ratio:visits": 0.1, "reallocated_ratio:visits": 0.9})
    assert (swapped.gains[0].cashed_ratio, swapped.gains[0].reallocated_ratio) == (0.1, 0.9)


def test_a_range_beside_the_plan_or_of_nothing_is_refused() -> None:
    with pytest.raises(EntryError, match="does not hold the plan's own 390"):
        tornado(PLAN, [Range("quantity:visits", 400, 500, "interval")], "cashed")
    with pytest.raises(EntryError, match="no parameter 'quantity:toilets'; take one of quantity:visits"):
        scenarios(PLAN, [Range("quantity:toilets", 0, 1, "interval")], "cashed")
    with pytest.raises(EntryError, match="life cannot be 0 times"):
        changed(PLAN, {"life": 0})
    with pytest.raises(EntryError, match=r"2\.5 years are not whole"):
        changed(PLAN, {"years": 2.5})
    with pytest.raises(EntryError, match="no parameter 'luck'"):
        changed(PLAN, {"luck": 1})


def test_at_the_use_that_breaks_even_it_is_worth_nothing() -> None:
    found = break_even(PLAN, "cashed", use_day_ratio=0.8, active_homes=5)
    assert found is not None
    assert npv(changed(PLAN, {"use": found.gain_ratio})) == pytest.approx(0, abs=1e-6)
    assert found.use_day_ratio == pytest.approx(0.8 * found.gain_ratio)
    assert found.active_homes == -(-5 * found.gain_ratio // 1)
    assert found.within_reach


def test_more_than_every_day_is_out_of_reach_and_nothing_to_earn_never_breaks_even() -> None:
    dear = changed(PLAN, {"capital": 40})
    found = break_even(dear, "cashed", use_day_ratio=0.9)
    assert found is not None
    assert found.use_day_ratio is not None
    assert found.use_day_ratio > 1
    assert found.within_reach is False
    uncashed = changed(PLAN, {"cashed_ratio:visits": 0, "cashed_ratio:km": 0})
    assert break_even(uncashed, "cashed") is None
    free = replace(PLAN, costs=())
    nothing_needed = break_even(free, "cashed")
    assert nothing_needed is not None
    assert nothing_needed.gain_ratio == 0
    assert nothing_needed.within_reach is None
    granted = break_even(replace(PLAN, costs=(Cost("Grant", "capital", -5000, "once"),)), "cashed")
    assert granted is not None
    assert granted.gain_ratio == 0
