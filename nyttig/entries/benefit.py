"""What a trial is to give and to cost, beside its gains: harms, ranges, rates and how it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from nyttig.column import said
from nyttig.model import Perspective
from nyttig.saying import Saying

ROUNDING = 1e-9
"""Shares that were entered as decimals may miss their sum by this much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """A harm or another negative effect that was seen, and what was done about it."""

    title: str = said("What went wrong or became worse")
    perspective: Perspective = said("From whose perspective")
    severity: Literal["minor", "moderate", "serious"] = said("How bad it is for those concerned")
    seen_on: date = said("Day on which it was seen")
    stakeholder: str | None = said("Who bears it: residents, next of kin, staff, a service", default=None)
    home: str | None = said("Home in which it was seen", kind="code", default=None)
    done: str | None = said("What was done about it", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessedGain:
    """A gain that somebody judged and nobody measured: a named range, never added to what was measured."""

    title: str = said("What would be gained, such as nursing-home nights postponed")
    low: float = said("Least, in the unit")
    likely: float = said("Likely, in the unit")
    high: float = said("Most, in the unit")
    unit_of_measure: str = said("Unit of the three, such as nights a year or NOK a year")
    assessed_by: str = said("Role that judged")
    assessed_on: date = said("Day of the judgement")
    basis: str = said("What the judgement rests on")
    payer: str | None = said("Whose money or time it would be", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What an hour of a group of staff costs."""

    amount: float = said("Amount an hour, in the trial's currency", above=0)
    basis: Literal["paid_hour", "full_cost"] = said(
        "A paid hour; or a delivered hour at full cost, in which travel is contained"
    )
    year: int = said("Year of the prices", at_least=2000)
    staff_group: str | None = said("Group of staff; empty: all", default=None)
    source: str | None = said("Where the rate comes from", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Realisation:
    """What becomes of the time that a gain frees: shares that are reallocated and cashed; the rest is free."""

    gain: str = said("Code of the gain", kind="code")
    reallocated_ratio: float = said("Share used for other care, 0 to 1", at_least=0, at_most=1)
    cashed_ratio: float = said("Share taken out of a budget, 0 to 1", at_least=0, at_most=1)
    payer: str | None = said("Whose budget or time it is", default=None)
    granted_minutes_per_week: float | None = said(
        "Minutes a home and week by which granted help was cut", default=None, at_least=0
    )
    decided_by: str | None = said("Role that decided it", default=None)
    decided_on: date | None = said("Day of the decision", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """A number that the money rests on and that was not measured, with the range in which it may lie."""

    name: Literal[
        "discount_rate",
        "horizon_years",
        "homes_in_operation",
        "use_day_ratio",
        "hourly_rate",
    ] = said("Which number")
    likely: float = said("The number that is used")
    low: float | None = said("Least it may be", default=None)
    high: float | None = said("Most it may be", default=None)
    source: str | None = said("What it rests on", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """How the trial is to be judged, fixed before it starts: what it is compared with, and what is expected."""

    design: Literal["before_after", "comparison", "staggered", "interrupted", "randomised"] = said(
        "What the time after is compared with"
    )
    expected: str | None = said("What is expected to change, when, and how: level or slope", default=None)
    fixed_by: str | None = said("Role that fixed it", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """A criterion of quality that was agreed upon: what must hold for it to count as useful, and whether it does."""

    title: str = said("What must hold, in words that can be judged")
    met: bool = said("It holds", default=False)
    judged_by: str | None = said("Role that judged", default=None)
    judged_on: date | None = said("Day of the judgement; empty: not judged yet", default=None)
    evidence: str | None = said("What the judgement rests on", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A home that is measured like the others and gets the technology later or not at all."""

    home: str = said("Code of the home", kind="code")
    chosen: Literal["matched", "randomised", "waiting", "other"] = said("How it came to be compared with")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPoint:
    """One point of a series that is counted for a whole unit, such as falls a week."""

    indicator: str = said("What is counted: a code", kind="code")
    starts_on: date = said("First day of the period that the point stands for")
    value: float = said("The value, in the indicator's unit")
    unit: str | None = said("Unit; empty: all of them together", default=None)


def contradiction(data: object) -> tuple[str, str] | None:
    """The field of an entry that speaks against the others, and what to do about it; None where nothing does."""
    if isinstance(data, Realisation) and data.reallocated_ratio + data.cashed_ratio > 1 + ROUNDING:
        return (
            "cashed_ratio",
            Saying(
                "is, with the {reallocated:g} that is reallocated, more than the whole; lower one of them",
                reallocated=data.reallocated_ratio,
            ),
        )
    if isinstance(data, AssessedGain) and not data.low <= data.likely <= data.high:
        return "likely", Saying(
            "does not lie between {low:g} and {high:g}; enter least, likely and most",
            low=data.low,
            high=data.high,
        )
    return _of_assumption(data) if isinstance(data, Assumption) else None


def _of_assumption(data: Assumption) -> tuple[str, str] | None:
    lowest, highest, remedy = {
        "discount_rate": (-0.5, 1.0, Saying("cannot be; enter a share a year: write 0.04 for 4 %")),
        "horizon_years": (1.0, 50.0, Saying("cannot be; enter whole years, from 1 to 50")),
        "homes_in_operation": (1.0, 1e7, Saying("cannot be; enter a number of homes, 1 or more")),
        "use_day_ratio": (0.001, 1.0, Saying("cannot be; enter a share of days: write 0.8 for 80 %")),
        "hourly_rate": (0.01, 1e6, Saying("cannot be; enter an amount an hour, more than 0")),
    }[data.name]
    for field, value in (("likely", data.likely), ("low", data.low), ("high", data.high)):
        if value is None:
            continue
        if not lowest <= value <= highest or (data.name == "horizon_years" and value != int(value)):
            return field, remedy
    if (data.low is None) is not (data.high is None):
        empty = "low" if data.low is None else "high"
        return empty, Saying("is empty; enter both ends of the range, or neither")
    if data.low is not None and data.high is not None and not data.low <= data.likely <= data.high:
        return "likely", Saying(
            "does not lie between {low:g} and {high:g}; correct one of the three",
            low=data.low,
            high=data.high,
        )
    return None
