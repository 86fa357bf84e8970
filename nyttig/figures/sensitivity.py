"""What does the money hang on? Ranges one at a time, all at once, and where it breaks even. Told in docs/money.md."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from nyttig.entries.benefit import ROUNDING
from nyttig.errors import EntryError
from nyttig.figures.money import Counted, MoneyPlan, Return, return_of

Outcome = Literal["net_present_value", "surplus_per_year"]

FACTORS = ("capital", "installation", "running", "support", "life", "hour_price", "use")
"""Parameters that multiply what was entered, 1 as it stands: cost lines by kind, lives, all prices of an hour, and all
quantities together."""


@dataclass(frozen=True, slots=True)
class Range:
    """From what to what a parameter may be, and how one knows: the ends of a measured interval, or an assumption.

    `parameter` is one of those that `parameters_of` the plan lists, such as "quantity:visit-minutes".
    """

    parameter: str
    low: float
    high: float
    source: str


@dataclass(frozen=True, slots=True)
class Swing:
    """What the outcome is with one parameter at either end of its range, and everything else as planned."""

    range: Range
    at_low: float
    at_high: float
    span: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """The plan with each of these parameters at this value."""

    values: dict[str, float]
    result: Return


@dataclass(frozen=True, slots=True)
class Scenarios:
    """The plan as it stands, and pushed to the worst and the best that the ranges allow together.

    The ends are far apart because all ranges are pushed at once; they are no interval and carry no probability.
    """

    worst: Scenario
    base: Scenario
    best: Scenario


@dataclass(frozen=True, slots=True)
class BreakEven:
    """How much use it takes for a net present value of 0, if gains grow in proportion with use and costs stay.

    `gain_ratio` of the plan's gains is needed (0.5: half would do); `use_day_ratio` and `active_homes` are what that
    means for the measured ones (None where none was given). Not `within_reach`: more than every day, or every home;
    None where neither was given.
    """

    gain_ratio: float
    use_day_ratio: float | None
    active_homes: int | None
    within_reach: bool | None


def parameters_of(plan: MoneyPlan) -> dict[str, float]:
    """Return everything that can be given a range, with the plan's own value.

    For each gain: `quantity:ID`, `price:ID`, `reallocated_ratio:ID`, `cashed_ratio:ID`; then `FACTORS`, the number
    of homes (devices and gains grow with it, what is paid once or per month does not), the rate and the years.
    """
    own: dict[str, float] = {}
    for gain in plan.gains:
        own[f"quantity:{gain.id}"] = gain.quantity_per_year
        own[f"price:{gain.id}"] = gain.price.amount
        own[f"reallocated_ratio:{gain.id}"] = gain.reallocated_ratio
        own[f"cashed_ratio:{gain.id}"] = gain.cashed_ratio
    own.update(dict.fromkeys(FACTORS, 1.0))
    own["homes"] = plan.homes
    return {**own, "discount_ratio_per_year": plan.discount_ratio_per_year, "years": float(plan.years)}


def changed(plan: MoneyPlan, values: Mapping[str, float]) -> MoneyPlan:
    """Return the plan with these parameters at these values. Raises EntryError for what it does not have."""
    own = parameters_of(plan)
    for parameter, value in values.items():
        if parameter not in own:
            raise EntryError(f"the plan has no parameter {parameter!r}; take one of {', '.join(own)}")
        if parameter in FACTORS and not (value > 0 or (value == 0 and parameter != "life")):
            raise EntryError(f"{parameter} cannot be {value} times what it is; enter a factor above 0")
    now = {**own, **values}
    if now["years"] != int(now["years"]):
        raise EntryError(f"{now['years']} years are not whole; enter whole years")
    grown = now["homes"] / plan.homes if plan.homes else 1.0
    gains = (
        replace(
            gain,
            quantity_per_year=now[f"quantity:{gain.id}"] * now["use"] * grown,
            price=replace(
                gain.price,
                amount=now[f"price:{gain.id}"] * (1.0 if gain.price.basis == "task" else now["hour_price"]),
            ),
            reallocated_ratio=now[f"reallocated_ratio:{gain.id}"],
            cashed_ratio=now[f"cashed_ratio:{gain.id}"],
        )
        for gain in plan.gains
    )
    costs = (
        replace(
            cost,
            amount=cost.amount * now[cost.kind],
            life_months=None if cost.life_months is None else cost.life_months * now["life"],
        )
        for cost in plan.costs
    )
    return replace(
        plan,
        gains=tuple(gains),
        costs=tuple(costs),
        devices=plan.devices * grown,
        homes=now["homes"],
        discount_ratio_per_year=now["discount_ratio_per_year"],
        years=int(now["years"]),
    )


def tornado(
    plan: MoneyPlan, ranges: Sequence[Range], counted: Counted, outcome: Outcome = "net_present_value"
) -> tuple[Swing, ...]:
    """Return what each range alone does to the outcome, the widest first.

    Raises EntryError for a range that does not hold the plan's own value.
    """
    _own_values(plan, ranges)
    swings = []
    for given in ranges:
        at_low, at_high = (
            float(getattr(return_of(changed(plan, {given.parameter: value}), counted), outcome))
            for value in (given.low, given.high)
        )
        swings.append(Swing(given, at_low, at_high, abs(at_high - at_low)))
    return tuple(sorted(swings, key=lambda swing: -swing.span))


def scenarios(plan: MoneyPlan, ranges: Sequence[Range], counted: Counted) -> Scenarios:
    """Return worst, base and best by net present value.

    From the plan on, one parameter after the other goes to the end of its range that hurts (or helps) beside the
    others as they then are, until no single one makes it any worse (or better). So worst <= base <= best. Raises
    EntryError for a range that does not hold the plan's own value, and where shares together leave the whole.
    """
    return Scenarios(
        worst=_pushed(plan, ranges, counted, -1),
        base=Scenario(_own_values(plan, ranges), return_of(plan, counted)),
        best=_pushed(plan, ranges, counted, 1),
    )


def break_even(
    plan: MoneyPlan, counted: Counted, use_day_ratio: float | None = None, active_homes: float | None = None
) -> BreakEven | None:
    """Return how much use the plan needs; None where no use would do, since more of it brings no income."""
    value = return_of(plan, counted).net_present_value
    without_gains = return_of(changed(plan, {"use": 0.0}), counted).net_present_value
    gains = value - without_gains
    if gains <= 0:
        return None
    ratio = max(-without_gains / gains, 0.0)
    use = None if use_day_ratio is None else ratio * use_day_ratio
    homes = None if active_homes is None else math.ceil(ratio * active_homes - ROUNDING)
    within = None
    if use is not None or homes is not None:
        within = (use is None or use <= 1) and (homes is None or homes <= plan.homes)
    return BreakEven(ratio, use, homes, within)


def _pushed(plan: MoneyPlan, ranges: Sequence[Range], counted: Counted, way: int) -> Scenario:
    """Return the plan pushed down (−1) or up (1) as far as single steps to the ends of ranges lead."""
    values = _own_values(plan, ranges)
    result = return_of(plan, counted)
    moved = True
    while moved:
        moved = False
        for given in ranges:
            for end in (given.low, given.high):
                tried = {**values, given.parameter: end}
                found = return_of(changed(plan, tried), counted)
                gained = way * (found.net_present_value - result.net_present_value)
                if gained > ROUNDING * max(1.0, abs(result.net_present_value)):
                    values, result, moved = tried, found, True
    return Scenario(values, result)


def _own_values(plan: MoneyPlan, ranges: Sequence[Range]) -> dict[str, float]:
    """Return the plan's own value of each parameter with a range. Raises EntryError where the range is beside it."""
    own = parameters_of(plan)
    for given in ranges:
        value = own.get(given.parameter)
        if value is None:
            raise EntryError(f"the plan has no parameter {given.parameter!r}; take one of {', '.join(own)}")
        if not given.low <= value <= given.high:
            raise EntryError(
                "the range of {parameter} from {low} to {high} does not hold the plan's own {own}; widen the range or correct "
                "the plan",
                parameter=given.parameter,
                low=given.low,
                high=given.high,
                own=value,
            )
    return {given.parameter: own[given.parameter] for given in ranges}
