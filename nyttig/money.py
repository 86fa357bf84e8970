"""What a trial's measured gains are worth a year, to whom, and what that hangs on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from nyttig.entries.benefit import AssessedGain, Assumption, Rate, Realisation
from nyttig.figures.money import (
    WEEKS_PER_YEAR,
    MoneyFigures,
    MoneyGain,
    MoneyPlan,
    Price,
    cost_per_active_home_month,
    money_figures,
)
from nyttig.figures.sensitivity import (
    BreakEven,
    Range,
    Scenarios,
    Swing,
    break_even,
    scenarios,
    tornado,
)
from nyttig.gains import GainFigures
from nyttig.indicators import PERIODS, VISIT_MINUTES, of_kind, work_minutes
from nyttig.model import TrialPackage

DISCOUNT_RATE = 0.04
"""As in the examples of docs/money.md; a trial that has one of its own enters it as an assumption."""

HORIZON_YEARS = 5

TIMES_A_YEAR = {"_per_week": 52.0, "_per_month": 12.0, "_per_year": 1.0}

Why = Literal[
    "too_few_homes",
    "new_work_not_registered",
    "no_rate",
    "no_time_unit",
    "no_money_unit",
    "not_measured",
    "counted_already",
    "dropped",
]
"""`counted_already`: another gain on the same indicator is in the sums. `no_time_unit`: the indicator's code does not say
minutes or hours a week, month or year; `no_money_unit`: it does not say which amount in the trial's currency."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A gain of time or cost that is in no sum, and why."""

    gain: str
    why: Why


@dataclass(frozen=True, slots=True)
class Assumed:
    """A number that was not measured: as entered with its source, or ours where nobody entered one."""

    name: str
    value: float
    low: float | None
    high: float | None
    source: str | None
    entered: bool


@dataclass(frozen=True, slots=True)
class TimeGain:
    """The staff time of one home and week that stands behind the money: delivered, and apart from it granted.

    Of the delivered minutes so many were `on_the_way`; under full cost they are in the price and not counted again.
    """

    delivered_minutes_per_week: float
    low: float | None
    high: float | None
    on_the_way_minutes_per_week: float
    new_work_minutes_per_week: float
    granted_minutes_per_week: float | None
    price: Price


@dataclass(frozen=True, slots=True)
class Money:
    """Money of a trial in its currency. `figures` is None where no gain can be priced yet; `left_out` says why not.

    `cost_lines` is how many costs were entered: with none, nothing is known of payback and what a month costs.

    `swings` are one-way sensitivities of the net present value, the widest first; they and `even` count what is
    put to use (reallocated and cashed). `assessed` gains are in none of it. `uncertain_gains` are in the sums,
    and too little of them was registered.
    """

    currency: str
    homes: float
    devices: float
    cost_lines: int
    assumed: tuple[Assumed, ...]
    time: TimeGain | None
    figures: MoneyFigures | None
    cashed_scenarios: Scenarios | None
    put_to_use_scenarios: Scenarios | None
    swings: tuple[Swing, ...]
    even: BreakEven | None
    cost_per_active_home_month: float | None
    active_homes_by_month: tuple[int, ...]
    assessed: tuple[AssessedGain, ...]
    left_out: tuple[LeftOut, ...]
    uncertain_gains: tuple[str, ...]
    undecided_gains: tuple[str, ...]


def money(
    package: TrialPackage,
    gains: Sequence[GainFigures],
    active_homes_by_month: Sequence[int],
    use_day_ratio: float | None,
) -> Money:
    """What the gains are worth and what they cost, for as many homes as have it, or as are assumed in operation."""
    assumed = _assumed(package)
    installed = sum(home.installed_on is not None for home in package.homes)
    primary = {device.device for device in package.devices if device.role == "primary"}
    homes = assumed["homes_in_operation"].value if "homes_in_operation" in assumed else float(installed)
    # As many devices a home as the trial has.
    devices = len(primary) / installed * homes if installed else float(len(primary))
    price = _price(package, assumed)
    time = _time(package, gains, price)
    realised = {each.gain: each for each in of_kind(package, Realisation)}
    priced, ranges, left_out = [], [], []
    counted: set[str] = set()
    for gain in gains:
        if gain.type == "quality":
            continue
        told = (
            _yearly(package, gain, time, price, homes) if gain.indicator not in counted else "counted_already"
        )
        if isinstance(told, str):
            left_out.append(LeftOut(gain.id, told))
            continue
        counted.add(gain.indicator)
        decided = realised.get(gain.id)
        priced.append(
            MoneyGain(
                gain.id,
                (decided.payer if decided else None) or gain.payer,
                told.quantity,
                told.price,
                decided.reallocated_ratio if decided else 0.0,
                decided.cashed_ratio if decided else 0.0,
            )
        )
        if told.low is not None and told.high is not None:
            ranges.append(Range(f"quantity:{gain.id}", told.low, told.high, "95 % interval"))
    # What the trial itself has cost: its own homes and devices, however many are assumed in operation.
    costed = cost_per_active_home_month(
        package.costs, float(len(primary)), float(installed), active_homes_by_month
    )
    plan = MoneyPlan(
        tuple(priced),
        package.costs,
        devices,
        homes,
        assumed["discount_rate"].value,
        round(assumed["horizon_years"].value),
    )
    ranges += _assumed_ranges(plan, assumed, use_day_ratio)
    worked_out = bool(priced)
    return Money(
        currency=package.trial.currency,
        homes=homes,
        devices=devices,
        cost_lines=len(package.costs),
        assumed=tuple(assumed.values()),
        time=time,
        figures=money_figures(plan, of_kind(package, AssessedGain)) if worked_out else None,
        cashed_scenarios=scenarios(plan, ranges, "cashed") if worked_out else None,
        put_to_use_scenarios=scenarios(plan, ranges, "put_to_use") if worked_out else None,
        swings=tornado(plan, ranges, "put_to_use") if worked_out else (),
        even=break_even(
            plan,
            "put_to_use",
            use_day_ratio,
            active_homes_by_month[-1] / installed * homes if active_homes_by_month and installed else None,
        )
        if worked_out
        else None,
        cost_per_active_home_month=costed if package.costs else None,
        active_homes_by_month=tuple(active_homes_by_month),
        assessed=tuple(of_kind(package, AssessedGain)),
        left_out=tuple(left_out),
        uncertain_gains=tuple(
            gain.id for gain in gains if gain.uncertain and any(gain.id == each.id for each in priced)
        ),
        # A loss is carried whole: there is nothing to decide about it.
        undecided_gains=tuple(
            each.id for each in priced if each.id not in realised and each.quantity_per_year > 0
        ),
    )


@dataclass(frozen=True, slots=True)
class _Yearly:
    """How much of a gain there is in a year, in the unit of its price, with the ends of its interval."""

    quantity: float
    low: float | None
    high: float | None
    price: Price


def _yearly(
    package: TrialPackage, gain: GainFigures, time: TimeGain | None, hour: Price | None, homes: float
) -> _Yearly | Why:
    change = gain.change
    if gain.status == "dropped":
        return "dropped"
    if change.estimate is None:
        return "not_measured"
    if change.level == 0:
        return "too_few_homes"
    if gain.indicator == VISIT_MINUTES:
        if time is None:
            return "no_rate" if hour is None else "new_work_not_registered"
        hours = WEEKS_PER_YEAR / 60 * homes
        contained = time.on_the_way_minutes_per_week if time.price.basis == "full_cost" else 0.0
        low, high = (None if end is None else (end - contained) * hours for end in (time.low, time.high))
        return _Yearly((time.delivered_minutes_per_week - contained) * hours, low, high, time.price)
    times = next((number for suffix, number in TIMES_A_YEAR.items() if gain.indicator.endswith(suffix)), None)
    if times is None:
        return "no_time_unit"
    parts = gain.indicator.split("_")
    sign = -1.0 if gain.better == "lower" else 1.0
    price: Price | None = Price(1.0, "task", package.trial.starts.year)
    if gain.type == "time":
        if not {"minutes", "hours"} & set(parts):
            return "no_time_unit"
        price = hour
        times /= 60 if "minutes" in parts else 1
    elif package.trial.currency.lower() not in parts:
        return "no_money_unit"
    if price is None:
        return "no_rate"
    ends = sorted(sign * end * times * homes for end in (change.low, change.high) if end is not None)
    low, high = ends if len(ends) == 2 else (None, None)
    return _Yearly(sign * change.estimate * times * homes, low, high, price)


def _time(package: TrialPackage, gains: Sequence[GainFigures], price: Price | None) -> TimeGain | None:
    """The staff time of a home and week; None without a price, a measured change or registered new work."""
    gain = next((each for each in gains if each.indicator == VISIT_MINUTES), None)
    new_work = {home: sum(both) for home, both in work_minutes(package, "after", new=True).items()}
    if gain is None or price is None or gain.change.estimate is None or not new_work:
        return None
    homes = [pair.home for pair in gain.homes]
    extra = fmean(new_work.get(home, 0.0) for home in homes) if homes else 0.0
    decided = next((each for each in of_kind(package, Realisation) if each.gain == gain.id), None)
    low, high = (None if end is None else -end - extra for end in (gain.change.high, gain.change.low))
    return TimeGain(
        -gain.change.estimate - extra,
        low,
        high,
        _on_the_way(package, homes),
        extra,
        decided.granted_minutes_per_week if decided else None,
        price,
    )


def _on_the_way(package: TrialPackage, homes: Sequence[str]) -> float:
    """The minutes a week on the way that a home takes less, the new work's own taken off: the mean of these homes."""
    before, after = (work_minutes(package, period, new=False) for period in PERIODS)
    new = work_minutes(package, "after", new=True)
    saved = [before[home][1] - after[home][1] - new.get(home, (0.0, 0.0))[1] for home in homes]
    return fmean(saved) if saved else 0.0


def _price(package: TrialPackage, assumed: dict[str, Assumed]) -> Price | None:
    rates: list[Rate] = of_kind(package, Rate)
    # The newest one of all staff, else the newest of any group.
    chosen = next(
        (rate for rate in reversed(rates) if rate.staff_group is None), rates[-1] if rates else None
    )
    if chosen is not None:
        return Price(chosen.amount, chosen.basis, chosen.year, chosen.source)
    hourly = (
        assumed["hourly_rate"].value if "hourly_rate" in assumed else package.trial.parameters.hourly_rate
    )
    return None if hourly is None else Price(hourly, "paid_hour", package.trial.starts.year)


def _assumed(package: TrialPackage) -> dict[str, Assumed]:
    found = {
        "discount_rate": Assumed("discount_rate", DISCOUNT_RATE, None, None, None, False),
        "horizon_years": Assumed("horizon_years", HORIZON_YEARS, None, None, None, False),
    }
    for each in of_kind(package, Assumption):
        found[each.name] = Assumed(each.name, each.likely, each.low, each.high, each.source, True)
    return found


def _assumed_ranges(
    plan: MoneyPlan, assumed: dict[str, Assumed], use_day_ratio: float | None
) -> Iterator[Range]:
    """The ranges that somebody entered, as parameters of the plan."""
    named = {
        "discount_rate": ("discount_ratio_per_year", 1.0),
        "horizon_years": ("years", 1.0),
        "homes_in_operation": ("homes", 1.0),
    }
    if use_day_ratio:
        named["use_day_ratio"] = ("use", 1 / use_day_ratio)
    for name, (parameter, scale) in named.items():
        each = assumed.get(name)
        if each is not None and each.low is not None and each.high is not None:
            low, high = each.low * scale, each.high * scale
            if name == "use_day_ratio":
                low, high = min(low, 1.0), max(high, 1.0)
            yield Range(parameter, low, high, each.source or "assumed")
    hourly = assumed.get("hourly_rate")
    if hourly is not None and hourly.low is not None and hourly.high is not None:
        low, high = hourly.low / hourly.value, hourly.high / hourly.value
        if any(gain.price.basis != "task" for gain in plan.gains):
            yield Range("hour_price", min(low, 1.0), max(high, 1.0), hourly.source or "assumed")
