"""What is it worth, what does it cost, and to whom? Definitions: docs/money.md.

Amounts are in the trial's currency, years are 52 weeks of measured minutes and 12 months of costs. Measured gains
only: what somebody assessed (nursing-home nights put off) stands beside them in ranges and enters no sum here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from nyttig.entries.benefit import ROUNDING, AssessedGain
from nyttig.errors import EntryError
from nyttig.model import Cost

Basis = Literal["paid_hour", "full_cost", "task"]
Counted = Literal["cashed", "put_to_use"]

WEEKS_PER_YEAR = 52


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit of a gain costs today: an hour (`paid_hour`, `full_cost`) or an avoided task (`task`).

    A paid hour is what the employer pays for an hour at work, on the way included. A full cost is what an hour *in
    the home* costs, with the way to it and everything else spread over it: the minutes on the way are not priced
    again.
    """

    amount: float
    basis: Basis
    year: int
    source: str | None = None

    def __post_init__(self) -> None:
        _at_least("the price", self.amount, 0, "enter what one unit costs, 0 or more")


@dataclass(frozen=True, slots=True)
class MoneyGain:
    """One measured gain in a year: so many hours or tasks at a price, and what was decided to do with it.

    `reallocated_ratio` of it goes to other work, `cashed_ratio` leaves the budget (each 0..1, together at most 1);
    the rest is freed and nobody has put it to use. `quantity_per_year` below 0 is a loss.
    """

    id: str
    payer: str | None
    quantity_per_year: float
    price: Price
    reallocated_ratio: float = 0.0
    cashed_ratio: float = 0.0

    def __post_init__(self) -> None:
        if not math.isfinite(self.quantity_per_year):
            raise EntryError(
                f"gain {self.id!r}: {self.quantity_per_year} a year is no amount; enter a number"
            )
        for name, ratio in (("reallocated", self.reallocated_ratio), ("cashed", self.cashed_ratio)):
            if not 0 <= ratio <= 1:
                raise EntryError(f"gain {self.id!r}: {ratio} {name} is no share; enter one from 0 to 1")
        if self.reallocated_ratio + self.cashed_ratio > 1 + ROUNDING:
            raise EntryError(
                "gain {gain!r}: {reallocated} reallocated and {cashed} cashed are more than the whole; lower one of them until "
                "both together are at most 1",
                gain=self.id,
                reallocated=self.reallocated_ratio,
                cashed=self.cashed_ratio,
            )


@dataclass(frozen=True, slots=True)
class MoneyPlan:
    """What the money figures rest on: measured gains, cost lines, and over how long money is looked at.

    `discount_ratio_per_year` is the rate at which later money counts less (0.04 = 4 %), over whole `years`.
    """

    gains: tuple[MoneyGain, ...]
    costs: tuple[Cost, ...]
    devices: float
    homes: float
    discount_ratio_per_year: float
    years: int

    def __post_init__(self) -> None:
        _at_least("the number of devices", self.devices, 0, "enter how many are paid for")
        _at_least("the number of homes", self.homes, 0, "enter how many are paid for")
        _at_least("the number of years", self.years, 1, "enter over how many whole years money is looked at")
        if not -1 < self.discount_ratio_per_year < math.inf:
            raise EntryError(f"a rate of {self.discount_ratio_per_year} cannot be; enter 0.04 for 4 % a year")
        twice = {gain.id for gain in self.gains if sum(other.id == gain.id for other in self.gains) > 1}
        if twice:
            raise EntryError(f"gains {', '.join(sorted(twice))} are listed twice; count each gain once")


@dataclass(frozen=True, slots=True)
class Bars:
    """Three amounts a year that stand side by side and are never summed silently.

    `freed` is all of it at its price; `reallocated` and `cashed` are the parts that were decided upon, so they lie
    inside `freed` and are no addition to it. `payer` is None for the total, or where no payer was named.
    """

    payer: str | None
    freed_per_year: float
    reallocated_per_year: float
    cashed_per_year: float


@dataclass(frozen=True, slots=True)
class PaidCosts:
    """What is paid at the start, and what every month."""

    upfront: float
    per_month: float


@dataclass(frozen=True, slots=True)
class Return:
    """Does it pay for itself, if only `counted` of the gains counts as income?

    `cashed` counts what leaves the budget, `put_to_use` that and what goes to other work at its price. `surplus_per_year`
    is that income less what is paid every month; `payback_months` = paid at the start / monthly surplus, None is never.
    `life_months` is the shortest life of what is bought at the start; `payback_life_ratio` above 1: it is worn out before
    it is paid back. `net_present_value` is over the plan's years at its rate, with what wears out bought again.
    """

    payer: str | None
    counted: Counted
    income_per_year: float
    upfront: float
    running_per_year: float
    surplus_per_year: float
    payback_months: float | None
    life_months: float | None
    payback_life_ratio: float | None
    net_present_value: float


@dataclass(frozen=True, slots=True)
class MoneyFigures:
    """Everything about money: `bars` and each `Return` for all payers together, and `by_payer` for each.

    The sums over payers are the totals. `assessed` gains are in none of them. `price_years` holds more than one year
    where prices of different years meet.
    """

    bars: Bars
    bars_by_payer: tuple[Bars, ...]
    cashed: Return
    put_to_use: Return
    cashed_by_payer: tuple[Return, ...]
    put_to_use_by_payer: tuple[Return, ...]
    assessed: tuple[AssessedGain, ...]
    price_years: tuple[int, ...]


def bars(gains: Iterable[MoneyGain], payer: str | None = None) -> Bars:
    """Return the three bars of these gains.

    A loss is carried whole: extra work is not reallocated, and its full price is cashed below 0, whatever shares were
    entered for a gain.
    """
    freed = reallocated = cashed = 0.0
    for gain in gains:
        amount = gain.quantity_per_year * gain.price.amount
        freed += amount
        reallocated += max(amount, 0.0) * gain.reallocated_ratio
        cashed += amount if amount < 0 else amount * gain.cashed_ratio
    return Bars(payer, freed, reallocated, cashed)


def paid_costs(costs: Iterable[Cost], devices: float, homes: float) -> PaidCosts:
    """Return what these lines cost at the start and every month, for so many devices and homes.

    An amount per month is paid every month, one once at the start. An amount per device or home is paid at the start
    for capital and installation, and every month for running and support.
    """
    upfront = per_month = 0.0
    for cost in costs:
        if _is_upfront(cost):
            upfront += _amount(cost, devices, homes)
        else:
            per_month += _amount(cost, devices, homes)
    return PaidCosts(upfront, per_month)


def payback_months(upfront: float, income_per_month: float, running_per_month: float) -> float | None:
    """Return after how many months a steady surplus has paid back what was paid at the start; None: never."""
    surplus = income_per_month - running_per_month
    return upfront / surplus if surplus > 0 else None


def net_present_value(
    upfront: float,
    surplus_per_year: float,
    discount_ratio_per_year: float,
    years: int,
    renewals: Sequence[tuple[float, float]] = (),
) -> float:
    """Return today's value of it all: −upfront + Σ surplus/(1 + r)^t at the end of each year t, less the renewals.

    `renewals` are (amount, life in months): each is bought again whenever its life is over before the years are, with
    nothing left of its value at the end.
    """
    rate = 1 + discount_ratio_per_year
    value = math.fsum(surplus_per_year / rate**year for year in range(1, years + 1)) - upfront
    for amount, life_months in renewals:
        times = math.ceil(years * 12 / life_months - ROUNDING) - 1
        value -= math.fsum(amount / rate ** (time * life_months / 12) for time in range(1, times + 1))
    return value


def return_of(plan: MoneyPlan, counted: Counted, payer: str | None = None) -> Return:
    """Return whether the plan's gains, counted so, pay for its costs; `payer` is only the label of the answer."""
    three = bars(plan.gains)
    income = three.cashed_per_year + (three.reallocated_per_year if counted == "put_to_use" else 0.0)
    paid = paid_costs(plan.costs, plan.devices, plan.homes)
    surplus = income - 12 * paid.per_month
    bought = [
        (_amount(cost, plan.devices, plan.homes), cost.life_months)
        for cost in plan.costs
        if _is_upfront(cost) and cost.life_months is not None
    ]
    months = payback_months(paid.upfront, income / 12, paid.per_month)
    life = min((life_months for _, life_months in bought), default=None)
    return Return(
        payer=payer,
        counted=counted,
        income_per_year=income,
        upfront=paid.upfront,
        running_per_year=12 * paid.per_month,
        surplus_per_year=surplus,
        payback_months=months,
        life_months=life,
        payback_life_ratio=None if months is None or life is None else months / life,
        net_present_value=net_present_value(
            paid.upfront, surplus, plan.discount_ratio_per_year, plan.years, bought
        ),
    )


def money_figures(plan: MoneyPlan, assessed: Sequence[AssessedGain] = ()) -> MoneyFigures:
    """Return the plan's bars and returns, in all and for each payer; lines without a payer stand under None."""
    named = {gain.payer for gain in plan.gains} | {cost.payer for cost in plan.costs}
    payers = sorted(named, key=lambda payer: payer or "")
    shares = [(payer, _of_payer(plan, payer)) for payer in payers]
    return MoneyFigures(
        bars=bars(plan.gains),
        bars_by_payer=tuple(bars(share.gains, payer) for payer, share in shares),
        cashed=return_of(plan, "cashed"),
        put_to_use=return_of(plan, "put_to_use"),
        cashed_by_payer=tuple(return_of(share, "cashed", payer) for payer, share in shares),
        put_to_use_by_payer=tuple(return_of(share, "put_to_use", payer) for payer, share in shares),
        assessed=tuple(in_order(gain) for gain in assessed),
        price_years=tuple(sorted({gain.price.year for gain in plan.gains})),
    )


def cost_per_active_home_month(
    costs: Iterable[Cost], devices: float, homes: float, active_homes_by_month: Sequence[float]
) -> float | None:
    """Return what a month in which a home used it has cost; None where no home did.

    (Σ paid at the start · months/life + months · paid every month) / Σ active homes over the months. What was bought
    or installed without a stated life is charged to these months in full; with one, never more than in full.
    """
    months, active = len(active_homes_by_month), math.fsum(active_homes_by_month)
    if active <= 0:
        return None
    total = 0.0
    for cost in costs:
        amount = _amount(cost, devices, homes)
        if not _is_upfront(cost):
            total += amount * months
        else:
            total += amount if cost.life_months is None else amount * min(months / cost.life_months, 1.0)
    return total / active


def in_order(gain: AssessedGain) -> AssessedGain:
    """Return the assessed gain as it is. Raises EntryError where low, likely and high are not in order."""
    if not gain.low <= gain.likely <= gain.high:
        raise EntryError(
            "assessed gain {title!r}: {low}, {likely}, {high} are not in order; enter the lowest, the likely and the highest",
            title=gain.title,
            low=gain.low,
            likely=gain.likely,
            high=gain.high,
        )
    return gain


def _is_upfront(cost: Cost) -> bool:
    """Whether this line is paid at the start rather than every month."""
    return cost.per == "once" or (cost.per != "month" and cost.kind in ("capital", "installation"))


def _amount(cost: Cost, devices: float, homes: float) -> float:
    if cost.per == "device":
        return cost.amount * devices
    return cost.amount * homes if cost.per == "home" else cost.amount


def _of_payer(plan: MoneyPlan, payer: str | None) -> MoneyPlan:
    return MoneyPlan(
        gains=tuple(gain for gain in plan.gains if gain.payer == payer),
        costs=tuple(cost for cost in plan.costs if cost.payer == payer),
        devices=plan.devices,
        homes=plan.homes,
        discount_ratio_per_year=plan.discount_ratio_per_year,
        years=plan.years,
    )


def _at_least(what: str, value: float, lowest: float, remedy: str) -> None:
    if not lowest <= value < math.inf:
        raise EntryError(f"{what} cannot be {value}; {remedy}")
