"""What residents and staff say: questionnaires, registrations of work, and words of their own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from nyttig.column import said
from nyttig.model import Period

Shift = Literal["day", "evening", "night"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A questionnaire of the trial's own: items on one scale."""

    key: str = said("Short code, such as staff-survey", kind="code")
    title: str = said("What the questionnaire is called")
    items: str = said("Its items, one a line")
    lowest: int = said("Lowest answer on the scale", default=1)
    highest: int = said("Highest answer on the scale", default=5)
    lowest_means: str | None = said("What the lowest answer means", default=None)
    highest_means: str | None = said("What the highest answer means", default=None)
    reversed_items: str | None = said("Numbers of items on which low is good, such as 2 4", default=None)
    answered_by: Literal["resident", "staff", "relative"] = said("Who answers", default="resident")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One filled-in questionnaire. An item that was left out is a hyphen; what that does to the score, its rule says."""

    instrument: str = said("who5, eq5d5l, sus, or the code of one of the trial's own", kind="code")
    answered_on: date = said("Day on which it was filled in")
    period: Period = said("Before or after the technology came")
    items: str = said("The answers in order, such as 3 2 4 - 5; a hyphen where one was left out")
    respondent: Literal["resident", "proxy", "staff", "relative"] = said(
        "Who answered; proxy: for the resident, by somebody else"
    )
    home: str | None = said("Code of the home; empty for staff", kind="code", default=None)
    unit: str | None = said("Unit, where no home is given", default=None)
    value_set: str | None = said("Value set of eq5d5l, or version of the form", default=None)
    way: Literal["phone", "paper", "interview"] | None = said("How it was filled in", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationPlan:
    """A time in which staff register their work in a unit, and the shifts that are to do it."""

    unit: str = said("Unit that registers")
    period: Period = said("Before or after the technology came")
    from_day: date = said("First day")
    to_day: date = said("Last day")
    shifts: str = said(
        "Shifts that register: day, evening, night, with spaces between", default="day evening night"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a shift did for a home, or that it had nothing to do there: minutes and journeys, as filled in by staff."""

    unit: str = said("Unit")
    day: date = said("Day on which the shift began")
    shift: Shift = said("Shift")
    period: Period = said("Before or after the technology came")
    purpose: str = said(
        "What for; alarm_handling, refill, remote_check and support are work that the technology brought; "
        "none: the shift had nothing to register",
        kind="code",
    )
    count: int = said("How many times", default=1, at_least=0)
    minutes: float = said("Minutes in all, without journeys", default=0.0, at_least=0)
    travel_minutes: float = said("Minutes under way in all", default=0.0, at_least=0)
    home: str | None = said("Code of the home; empty: the unit as a whole", kind="code", default=None)
    staff_group: str | None = said("Group of staff", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What somebody said of the technology in words of their own, without names, and who may read it."""

    words: str = said("What was said; no names")
    said_by: Literal["resident", "relative", "staff", "other"] = said("Who said it")
    said_on: date = said("Day on which it was said")
    visible_to: Literal["coordinators", "staff", "everyone"] = said(
        "Who may read it: coordinators alone, staff too, or everyone who reads the report"
    )
    tone: Literal["good", "mixed", "bad"] | None = said("How it sounds", default=None)
    home: str | None = said("Code of the home", kind="code", default=None)
    unit: str | None = said("Unit, where no home is given", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """Which columns of a care system's list are which of ours, remembered for the next list."""

    system: str = said("What the list comes from")
    table: Literal["visits"] = said("What the list holds")
    columns: str = said("How the list is read: a JSON object of columns, values and always", kind="json")
