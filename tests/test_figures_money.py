"""Money: the published vectors, an independent way of discounting, and what must hold for any plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from nyttig.entries.benefit import AssessedGain
from nyttig.errors import EntryError
from nyttig.figures.money import (
    MoneyGain,
    MoneyPlan,
    Price,
    bars,
    cost_per_active_home_month,
    money_figures,
    net_present_value,
    paid_costs,
    payback_months,
    return_of,
)
from nyttig.model import Cost

PAID = Price(490, "paid_hour", 2026, "Bydel Alna, budget")
ONE_HOME = MoneyPlan(
    gains=(MoneyGain("visit-minutes", "Bydel Alna", 65, PAID, cashed_ratio=1),),
    costs=(Cost("Dispenser", "capital", 9000, "device"), Cost("Subscription", "running", 250, "month")),
    devices=1,
    homes=1,
    discount_ratio_per_year=0.04,
    years=5,
)


def test_nine_thousand_is_paid_back_in_under_four_months_and_in_over_eight_at_half() -> None:
    whole = return_of(ONE_HOME, "cashed")
    assert whole.payback_months == pytest.approx(3.74, abs=0.005)
    assert whole.net_present_value == pytest.approx(119_435, abs=0.5)
    assert (whole.upfront, whole.running_per_year, whole.surplus_per_year) == (9000, 3000, 28_850)
    half = replace(ONE_HOME, gains=(replace(ONE_HOME.gains[0], cashed_ratio=0.5),))
    assert return_of(half, "cashed").payback_months == pytest.approx(8.36, abs=0.005)


def test_time_that_only_goes_to_other_work_pays_nothing_back() -> None:
    busy = replace(ONE_HOME, gains=(replace(ONE_HOME.gains[0], cashed_ratio=0.0, reallocated_ratio=0.75),))
    cashed, put_to_use = return_of(busy, "cashed"), return_of(busy, "put_to_use")
    assert cashed.payback_months is None
    assert cashed.income_per_year == 0
    assert put_to_use.income_per_year == pytest.approx(0.75 * 31_850)
    three = bars(busy.gains)
    assert (three.freed_per_year, three.cashed_per_year) == (31_850, 0)


def test_payback_is_never_when_running_it_costs_what_it_gives() -> None:
    assert payback_months(9000, 250, 250) is None
    assert payback_months(9000, 249, 250) is None
    assert payback_months(0, 251, 250) == 0


def test_payback_stands_against_the_shortest_life_of_what_was_bought() -> None:
    costs = (Cost("Floor", "capital", 9000, "once", 120), Cost("Sensor", "capital", 500, "device", 60))
    plan = replace(ONE_HOME, costs=costs, gains=(MoneyGain("calm", None, 10, PAID, cashed_ratio=0.2),))
    found = return_of(plan, "cashed")
    assert found.life_months == 60
    assert found.payback_months == pytest.approx(9500 / (980 / 12))
    assert found.payback_life_ratio == pytest.approx(9500 / (980 / 12) / 60)


def test_what_wears_out_within_the_years_is_bought_again() -> None:
    assert net_present_value(100, 0, 0.0, 5, [(100, 60)]) == -100
    assert net_present_value(100, 0, 0.0, 5, [(100, 59)]) == -200
    assert net_present_value(100, 0, 0.0, 5, [(100, 24)]) == -300
    assert net_present_value(100, 0, 0.04, 5, [(100, 24)]) == pytest.approx(-100 * (1 + 1.04**-2 + 1.04**-4))


def discounted_by_hand(upfront: float, surplus: float, rate: float, years: int) -> float:
    """From the last year backwards: what is there is worth less by one year at each step."""
    value = 0.0
    for _ in range(years):
        value = (value + surplus) / (1 + rate)
    return value - upfront


@given(st.floats(0, 1e6), st.floats(-1e5, 1e6), st.floats(-0.02, 0.2), st.integers(1, 40), st.floats(0, 1e5))
def test_net_present_value_is_that_of_discounting_backwards(
    upfront: float, surplus: float, rate: float, years: int, more: float
) -> None:
    found = net_present_value(upfront, surplus, rate, years)
    assert found == pytest.approx(discounted_by_hand(upfront, surplus, rate, years), rel=1e-9, abs=1e-6)
    assert net_present_value(upfront, surplus + more, rate, years) >= found - 1e-6
    assert net_present_value(upfront + more, surplus, rate, years) <= found + 1e-6


@given(st.floats(100, 1e5), st.floats(1.05, 20), st.integers(2, 15))
def test_at_the_rate_at_which_it_is_worth_nothing_it_is_worth_nothing(
    upfront: float, times: float, years: int
) -> None:
    surplus = upfront * times / years
    rate = brentq(lambda r: discounted_by_hand(upfront, surplus, r, years), 1e-6, 50, xtol=1e-14)
    assert net_present_value(upfront, surplus, rate, years) == pytest.approx(0, abs=1e-6 * upfront)
    assert net_present_value(upfront, surplus, rate * 0.9, years) > 0


def test_each_cost_line_is_paid_at_the_start_or_every_month() -> None:
    costs = (
        Cost("Dispenser", "capital", 9000, "device", 60),
        Cost("Lease", "capital", 80, "month"),
        Cost("Visit of the installer", "installation", 1450, "home"),
        Cost("Subscription", "running", 250, "device"),
        Cost("Response centre", "support", 4200, "month"),
        Cost("Training", "support", 18_000, "once"),
    )
    found = paid_costs(costs, devices=6, homes=5)
    assert found.upfront == 6 * 9000 + 5 * 1450 + 18_000
    assert found.per_month == 80 + 6 * 250 + 4200


def test_a_month_in_use_costs_more_when_fewer_homes_use_it() -> None:
    costs = (Cost("Guard", "capital", 6000, "device", 60), Cost("Line", "running", 100, "home"))
    all_used = cost_per_active_home_month(costs, devices=4, homes=4, active_homes_by_month=[4, 4, 4])
    assert all_used == pytest.approx(6000 / 60 + 100)
    half_used = cost_per_active_home_month(costs, devices=4, homes=4, active_homes_by_month=[2, 2, 2])
    assert half_used == pytest.approx(2 * (6000 / 60 + 100))
    assert cost_per_active_home_month(costs, 4, 4, [0, 0]) is None
    assert cost_per_active_home_month(costs, 4, 4, []) is None


def test_a_device_is_never_charged_beyond_its_price() -> None:
    worn_out = (Cost("Guard", "capital", 600, "device", 6),)
    assert cost_per_active_home_month(worn_out, 1, 1, [1] * 12) == pytest.approx(600 / 12)
    lifeless = (Cost("Fitting", "installation", 240, "home"),)
    assert cost_per_active_home_month(lifeless, 1, 1, [1] * 12) == pytest.approx(240 / 12)


def test_a_loss_is_carried_whole_whatever_shares_were_hoped_for() -> None:
    loss = MoneyGain("more-work", "Bydel Alna", -10, PAID, reallocated_ratio=0.5, cashed_ratio=0.1)
    assert bars([loss]) == bars([replace(loss, reallocated_ratio=0.0, cashed_ratio=1.0)])
    assert bars([loss]).cashed_per_year == -4900
    assert bars([loss]).reallocated_per_year == 0


def test_assessed_nights_stand_beside_the_sums_and_in_none_of_them() -> None:
    nights = AssessedGain(
        title="Nursing-home nights put off",
        low=0,
        likely=30,
        high=90,
        unit_of_measure="nights a year",
        assessed_by="Head of home care",
        assessed_on=date(2026, 11, 2),
        basis="Case by case",
    )
    without, beside = money_figures(ONE_HOME), money_figures(ONE_HOME, [nights])
    assert beside.assessed == (nights,)
    assert replace(beside, assessed=()) == without
    with pytest.raises(EntryError, match="not in order"):
        money_figures(ONE_HOME, [replace(nights, low=40)])


def test_prices_of_different_years_are_told() -> None:
    older = MoneyGain("km", None, 100, Price(4.9, "task", 2024), cashed_ratio=1)
    plan = replace(ONE_HOME, gains=(*ONE_HOME.gains, older))
    assert money_figures(plan).price_years == (2024, 2026)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: MoneyGain("m", None, 1, PAID, 0.7, 0.4), "more than the whole; lower one"),
        (lambda: MoneyGain("m", None, 1, PAID, -0.1, 0.4), "-0.1 reallocated is no share"),
        (lambda: MoneyGain("m", None, 1, PAID, 0, float("nan")), "nan cashed is no share"),
        (lambda: MoneyGain("m", None, float("inf"), PAID), "inf a year is no amount"),
        (lambda: Price(-1, "paid_hour", 2026), "the price cannot be -1"),
        (lambda: replace(ONE_HOME, years=0), "the number of years cannot be 0"),
        (lambda: replace(ONE_HOME, discount_ratio_per_year=-1.0), "enter 0.04 for 4 %"),
        (lambda: replace(ONE_HOME, homes=-2), "the number of homes cannot be -2"),
        (lambda: replace(ONE_HOME, gains=ONE_HOME.gains * 2), "visit-minutes are listed twice"),
    ],
)
def test_what_cannot_be_is_refused_with_a_remedy(wrong: Callable[[], object], said: str) -> None:
    with pytest.raises(EntryError, match=said):
        wrong()


def test_shares_that_miss_one_by_a_rounding_are_whole() -> None:
    assert MoneyGain("m", None, 1, PAID, 0.7, 0.3 + 1e-12).cashed_ratio > 0.3


PAYERS = st.sampled_from([None, "Bydel Alna", "Velferdsetaten", "NAV"])


@st.composite
def plans(draw: st.DrawFn) -> MoneyPlan:
    """Any plan of up to four gains and five cost lines."""
    gains = []
    for number in range(draw(st.integers(0, 4))):
        reallocated = draw(st.floats(0, 1))
        gains.append(
            MoneyGain(
                f"g{number}",
                draw(PAYERS),
                draw(st.floats(-500, 5000)),
                Price(draw(st.floats(0, 900)), "paid_hour", 2026),
                reallocated,
                draw(st.floats(0, 1)) * (1 - reallocated),
            )
        )
    costs = [
        Cost(
            f"c{number}",
            draw(st.sampled_from(["capital", "running", "installation", "support"])),
            draw(st.floats(0, 20_000)),
            draw(st.sampled_from(["device", "home", "month", "once"])),
            draw(st.none() | st.integers(6, 120)),
            draw(PAYERS),
        )
        for number in range(draw(st.integers(0, 5)))
    ]
    return MoneyPlan(
        tuple(gains),
        tuple(costs),
        devices=draw(st.integers(0, 40)),
        homes=draw(st.integers(0, 40)),
        discount_ratio_per_year=draw(st.floats(0, 0.1)),
        years=draw(st.integers(1, 10)),
    )


@given(plans())
def test_what_the_payers_have_adds_up_to_the_whole(plan: MoneyPlan) -> None:
    found = money_figures(plan)
    size = 1 + sum(abs(bar.freed_per_year) for bar in found.bars_by_payer) + found.cashed.upfront
    for field in ("freed_per_year", "reallocated_per_year", "cashed_per_year"):
        parts = sum(getattr(bar, field) for bar in found.bars_by_payer)
        assert parts == pytest.approx(getattr(found.bars, field), abs=1e-9 * size)
    for whole, shares in (
        (found.cashed, found.cashed_by_payer),
        (found.put_to_use, found.put_to_use_by_payer),
    ):
        for field in (
            "income_per_year",
            "upfront",
            "running_per_year",
            "surplus_per_year",
            "net_present_value",
        ):
            parts = sum(getattr(share, field) for share in shares)
            assert parts == pytest.approx(getattr(whole, field), rel=1e-9, abs=1e-6 * size)


@given(plans())
def test_what_is_reallocated_and_cashed_lies_inside_what_was_freed(plan: MoneyPlan) -> None:
    three = bars(plan.gains)
    inside = three.reallocated_per_year + three.cashed_per_year
    assert inside <= three.freed_per_year + 1e-6 * (1 + abs(three.freed_per_year))
    assert return_of(plan, "put_to_use").income_per_year >= return_of(plan, "cashed").income_per_year


@given(plans(), st.floats(1, 3))
def test_higher_costs_never_help(plan: MoneyPlan, factor: float) -> None:
    dearer = replace(plan, costs=tuple(replace(cost, amount=cost.amount * factor) for cost in plan.costs))
    cheap, dear = return_of(plan, "cashed"), return_of(dearer, "cashed")
    assert dear.net_present_value <= cheap.net_present_value + 1e-6 * (1 + abs(cheap.net_present_value))
    if dear.payback_months is not None:
        assert cheap.payback_months is not None
        assert cheap.payback_months <= dear.payback_months + 1e-6 * (1 + dear.payback_months)
