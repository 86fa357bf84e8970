"""Money of a trial, from what was registered and entered to who gains what; nothing is counted twice or silently."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from packages import one_home
from sample_benefit import entry, measured, visit

from nyttig.entries.benefit import AssessedGain, Assumption, Rate, Realisation
from nyttig.gains import gain_figures
from nyttig.indicators import PERIODS, VISIT_MINUTES
from nyttig.model import Cost, Gain, TrialPackage, Visit
from nyttig.money import Money, money

TIME = Gain("time", "Time", "time", "organisation", VISIT_MINUTES, "lower", payer="Bydel Alna")
DRIVING = Gain("driving", "Driving", "cost", "economy", "driving_nok_per_month", "lower", payer="Bydel Alna")
PAID = Rate(amount=490, basis="paid_hour", year=2026, source="Budget")
ALL_CASHED = Realisation(gain="time", reallocated_ratio=0, cashed_ratio=1)
COSTS = (
    Cost("Dispenser", "capital", 9000, "device", payer="Velferdsetaten"),
    Cost("Subscription", "running", 250, "device", payer="Bydel Alna"),
)
MONTHS = (5, 5)


def vector(homes: int = 5, *, new_work: bool = True) -> tuple[Visit, ...]:
    """14 → 9 visits a week of 12 + 8 minutes and 25 minutes of new work, in so many homes."""
    found: list[Visit] = []
    for number in range(1, homes + 1):
        home = f"h{number}"
        found += visit(home, "before", 280, travel=112)
        found += visit(home, "after", 180, travel=72)
        found += visit(home, "after", 25, purpose="support") if new_work else []
    return tuple(found)


def told(
    *said: object,
    gains: Iterable[Gain] = (TIME,),
    homes: int = 5,
    visits: tuple[Visit, ...] | None = None,
    active: tuple[int, ...] = MONTHS,
    use: float | None = 0.8,
    **content: Any,
) -> Money:
    package: TrialPackage = one_home("medicine_dispenser", homes=homes)
    package = replace(
        package,
        trial=replace(package.trial, gains=tuple(gains)),
        visits=vector(homes) if visits is None else visits,
        entries=tuple(map(entry, said)),
        **content,
    )
    figures = [gain_figures(package, gain) for gain in package.trial.gains]
    return money(package, figures, active, use)


def why(found: Money) -> dict[str, str]:
    return {each.gain: each.why for each in found.left_out}


# --- The vector of figures.md --------------------------------------------------------------------


def test_five_visits_fewer_less_the_new_work_are_money_for_one_home_at_a_time() -> None:
    """75 minutes a week, 65 hours and 31,850 a year in each of five homes; paid back in 3.74 months."""
    found = told(PAID, ALL_CASHED, costs=COSTS)
    assert found.time is not None
    assert (found.time.delivered_minutes_per_week, found.time.new_work_minutes_per_week) == (75, 25)
    assert found.figures is not None
    assert found.figures.bars.freed_per_year == pytest.approx(5 * 31_850)
    assert found.figures.bars.cashed_per_year == pytest.approx(5 * 31_850)
    assert found.figures.cashed.payback_months == pytest.approx(3.74, abs=0.005)
    assert found.figures.cashed.net_present_value == pytest.approx(5 * 119_435, abs=5)


def test_half_of_it_cashed_takes_more_than_twice_as_long() -> None:
    half = replace(ALL_CASHED, cashed_ratio=0.5)
    found = told(PAID, half, costs=COSTS).figures
    assert found is not None
    assert found.cashed.payback_months == pytest.approx(8.36, abs=0.005)


def test_under_full_cost_the_way_is_not_priced_again() -> None:
    """Of the 100 minutes fewer 40 were on the way: 35 of the 75 net minutes are priced."""
    found = told(replace(PAID, basis="full_cost", amount=700), ALL_CASHED)
    assert found.time is not None
    assert found.time.on_the_way_minutes_per_week == 40
    assert found.figures is not None
    assert found.figures.bars.freed_per_year == pytest.approx(5 * 35 * 52 / 60 * 700)


def test_fewer_but_longer_visits_are_a_loss_under_full_cost_and_break_nothing() -> None:
    visits = [each for n in range(1, 6) for each in visit(f"h{n}", "before", 100 + n, travel=60)]
    visits += [each for n in range(1, 6) for each in visit(f"h{n}", "after", 80, travel=30)]
    visits += visit("h1", "after", 1, purpose="refill")
    found = told(replace(PAID, basis="full_cost"), ALL_CASHED, visits=tuple(visits), costs=COSTS)
    assert found.figures is not None
    assert found.figures.bars.freed_per_year < 0
    assert found.figures.cashed.payback_months is None
    assert found.even is None
    assert found.undecided_gains == ()


# --- Whose money, and what was decided -----------------------------------------------------------


def test_each_payer_has_bars_of_its_own_that_add_up_to_the_whole() -> None:
    found = told(
        PAID, replace(ALL_CASHED, cashed_ratio=0.25, reallocated_ratio=0.5, payer="Helse"), costs=COSTS
    ).figures
    assert found is not None
    assert [each.payer for each in found.bars_by_payer] == ["Bydel Alna", "Helse", "Velferdsetaten"]
    assert [each.freed_per_year for each in found.bars_by_payer] == [0, found.bars.freed_per_year, 0]
    assert found.bars.reallocated_per_year == 2 * found.bars.cashed_per_year


def test_what_nobody_decided_about_is_freed_and_nothing_else() -> None:
    found = told(PAID, costs=COSTS)
    assert found.undecided_gains == ("time",)
    assert found.figures is not None
    assert (found.figures.bars.reallocated_per_year, found.figures.bars.cashed_per_year) == (0, 0)
    assert found.figures.put_to_use.income_per_year == 0


def test_what_was_granted_stands_beside_what_was_delivered_and_is_not_priced() -> None:
    less = replace(ALL_CASHED, granted_minutes_per_week=200.0)
    found, without = told(PAID, less), told(PAID, ALL_CASHED)
    assert found.time is not None
    assert found.time.granted_minutes_per_week == 200
    assert found.figures == without.figures


# --- In no sum -----------------------------------------------------------------------------------


def test_every_gain_that_is_in_no_sum_says_why() -> None:
    rated = (PAID,)
    wide = replace(DRIVING, indicator="driving_per_month")
    visits = replace(TIME, id="visits", indicator="visits_per_week")
    values = tuple(
        measured(f"h{n}", name, period, value)
        for n in range(1, 6)
        for name in (DRIVING.indicator, wide.indicator, visits.indicator, "waiting_minutes")
        for period, value in zip(PERIODS, (100.0 + n, 60.0), strict=True)
    )
    waiting = replace(TIME, id="waiting", indicator="waiting_minutes")
    assert why(told(*rated, gains=(waiting,), measures=values)) == {"waiting": "no_time_unit"}
    assert why(told(*rated, gains=(visits,), measures=values)) == {"visits": "no_time_unit"}
    assert why(told(*rated, gains=(wide,), measures=values)) == {"driving": "no_money_unit"}
    assert why(told(*rated, gains=(DRIVING,))) == {"driving": "not_measured"}
    assert why(told(*rated, homes=4)) == {"time": "too_few_homes"}
    assert why(told()) == {"time": "no_rate"}
    assert why(told(*rated, visits=vector(new_work=False))) == {"time": "new_work_not_registered"}
    assert why(told(*rated, gains=(replace(TIME, status="dropped"),))) == {"time": "dropped"}
    assert why(told(*rated, gains=(replace(TIME, type="quality"),))) == {}


def test_the_same_minutes_are_not_counted_for_two_gains() -> None:
    twin = replace(TIME, id="twin", perspective="economy")
    found, once = told(PAID, ALL_CASHED, gains=(TIME, twin)), told(PAID, ALL_CASHED)
    assert why(found) == {"twin": "counted_already"}
    assert found.figures is not None
    assert once.figures is not None
    assert found.figures.bars == once.figures.bars


def test_an_amount_a_month_counts_twelve_times_a_year() -> None:
    values = tuple(
        measured(f"h{n}", DRIVING.indicator, period, value)
        for n in range(1, 6)
        for period, value in zip(PERIODS, (100.0, 60.0), strict=True)
    )
    found = told(gains=(DRIVING,), measures=values).figures
    assert found is not None
    assert found.bars.freed_per_year == pytest.approx(40 * 12 * 5)


def test_what_somebody_judged_is_told_and_enters_no_sum() -> None:
    nights = AssessedGain(
        title="Nights", low=0, likely=40, high=120, unit_of_measure="nights", assessed_by="Head",
        assessed_on=measured("h1", "x", "before", 0).measured_on, basis="Two residents",
    )  # fmt: skip
    found = told(PAID, ALL_CASHED, nights, costs=COSTS)
    assert found.assessed == (nights,)
    assert found.swings == told(PAID, ALL_CASHED, costs=COSTS).swings
    assert told(nights).assessed == (nights,), "without a sum, too"


# --- What it hangs on ----------------------------------------------------------------------------


def varied() -> tuple[Visit, ...]:
    """Five homes with savings that differ."""
    found: list[Visit] = []
    for number in range(1, 6):
        found += visit(f"h{number}", "before", 280 + 10 * number)
        found += visit(f"h{number}", "after", 180)
        found += visit(f"h{number}", "after", 25, purpose="support")
    return tuple(found)


def test_the_widest_range_stands_first_and_everything_at_once_is_wider() -> None:
    homes = Assumption(name="homes_in_operation", likely=40, low=20, high=60)
    rate = Assumption(name="discount_rate", likely=0.04, low=0.03, high=0.05)
    found = told(PAID, ALL_CASHED, homes, rate, visits=varied(), costs=COSTS)
    assert [swing.range.parameter for swing in found.swings][-1] == "discount_ratio_per_year"
    assert found.cashed_scenarios is not None
    worst, base, best = (
        each.result.net_present_value
        for each in (
            found.cashed_scenarios.worst,
            found.cashed_scenarios.base,
            found.cashed_scenarios.best,
        )
    )
    assert worst < min(min(swing.at_low, swing.at_high) for swing in found.swings)
    assert worst < base < best
    assert (found.homes, found.devices) == (40, 40)


def test_how_much_use_it_takes_is_told_for_the_homes_in_operation() -> None:
    forty = Assumption(name="homes_in_operation", likely=40)
    found = told(PAID, ALL_CASHED, forty, visits=varied(), costs=COSTS).even
    assert found is not None
    assert found.active_homes is not None
    assert found.use_day_ratio == pytest.approx(0.8 * found.gain_ratio)
    assert found.active_homes == pytest.approx(40 * found.gain_ratio, abs=1)


def test_without_a_cost_nothing_is_told_of_what_a_month_costs() -> None:
    found = told(PAID, ALL_CASHED)
    assert (found.cost_lines, found.cost_per_active_home_month) == (0, None)


def test_a_month_costs_what_the_trial_itself_paid_whatever_is_assumed_later() -> None:
    lives = (replace(COSTS[0], life_months=60.0), COSTS[1])
    now = told(PAID, costs=lives).cost_per_active_home_month
    later = told(PAID, Assumption(name="homes_in_operation", likely=400), costs=lives)
    assert now == pytest.approx(9000 / 60 + 250)
    assert later.cost_per_active_home_month == now


def test_the_newest_rate_of_all_staff_is_used() -> None:
    found = told(
        replace(PAID, amount=400), replace(PAID, amount=450), replace(PAID, amount=900, staff_group="Doctors")
    )
    assert found.time is not None
    assert found.time.price.amount == 450
