"""What residents and staff fill in can be counted: an answer fits its questionnaire, a registration its shift and plan."""

from __future__ import annotations

from datetime import date
from typing import Any, get_args

from nyttig.entries.anonymous import pointer
from nyttig.entries.answers import Answer, Feedback, Instrument, Registration, RegistrationPlan, Shift
from nyttig.errors import EntryError
from nyttig.figures import instruments
from nyttig.indicators import (
    NOTHING,
    STANDARD_INSTRUMENTS,
    instrument_called,
    item_answers,
    item_lines,
    of_kind,
)
from nyttig.model import TrialPackage

FilledIn = Answer | Feedback | Instrument | Registration | RegistrationPlan

SHIFTS: tuple[Shift, ...] = get_args(Shift)
MINUTES_A_DAY = 1440

POINTS_AT_SOMEBODY = {
    "email": "is an address for e-mail",
    "identity_number": "looks like a national identity number",
    "phone": "looks like a phone number",
}


def refuse(package: TrialPackage, data: FilledIn, before: Any, today: date) -> None:
    """What was filled in can be counted, and says of nobody who it is.

    `package` is the trial as it stands, `before` what the entry said until now (None: it is new), `today` the local day.
    Raises EntryError naming field, value and remedy.
    """
    if isinstance(data, Answer):
        _refuse_answer(package, data, today)
    elif isinstance(data, Instrument):
        _refuse_instrument(package, data, before)
    elif isinstance(data, Registration):
        _refuse_registration(package, data, before, today)
    elif isinstance(data, RegistrationPlan):
        _refuse_plan(package, data, before)
    elif found := pointer(data.words):
        raise EntryError(
            f"words: {found[1]!r} {POINTS_AT_SOMEBODY[found[0]]}; leave it out, and names too: who it was is not asked"
        )


def _refuse_answer(package: TrialPackage, answer: Answer, today: date) -> None:
    _refuse_to_come("answered_on", answer.answered_on, today)
    try:
        asked = instrument_called(package, answer.instrument, answer.value_set)
    except EntryError as error:
        field = "instrument" if answer.value_set is None else "value_set"
        raise EntryError(f"{field}: {error}") from error
    told = item_answers(answer.items)
    try:
        asked.score(told)
    except EntryError as error:
        raise EntryError(f"items: {answer.items!r}: {error}") from error
    if all(each is None for each in told):
        raise EntryError(
            f"items: {answer.items!r} answers nothing; a form that was not filled in is not entered"
        )
    if answer.home is None and answer.respondent != "staff":
        raise EntryError("home: is empty; enter the code of the home that it was filled in for")
    if answer.home is None and answer.unit is None:
        raise EntryError("unit: is empty; enter the unit of the member of staff, or a home")


def _refuse_instrument(package: TrialPackage, asked: Instrument, before: Any) -> None:
    if asked.key in STANDARD_INSTRUMENTS:
        raise EntryError(
            f"key: {asked.key!r} is known already; take another code, or use the one that is there"
        )
    items = item_lines(asked)
    try:
        turned = [number for number in item_answers(asked.reversed_items or "") if number is not None]
    except EntryError as error:
        raise EntryError(f"reversed_{error}") from error
    instruments.own(asked.key, len(items), asked.lowest, asked.highest, turned)
    if not isinstance(before, Instrument):
        return
    given = sum(each.instrument == before.key for each in of_kind(package, Answer))
    was = (before.key, len(item_lines(before)), before.lowest, before.highest)
    if given and (asked.key, len(items), asked.lowest, asked.highest) != was:
        raise EntryError(
            f"items: {given} answers were given to {was[1]} items from {was[2]} to {was[3]} of {was[0]!r}; keep to that, and "
            "enter the new form as a questionnaire of another code"
        )


def _refuse_registration(package: TrialPackage, form: Registration, before: Any, today: date) -> None:
    _refuse_to_come("day", form.day, today)
    unit = next((home.unit for home in package.homes if home.home == form.home), form.unit)
    if unit != form.unit:
        raise EntryError(
            f"home: {form.home!r} lies in {unit!r}; choose that unit, or a home of {form.unit!r}"
        )
    for field, minutes in (("minutes", form.minutes), ("travel_minutes", form.travel_minutes)):
        if minutes > MINUTES_A_DAY:
            raise EntryError(f"{field}: {minutes:g} is more than a day has; enter the minutes of this shift")
    if form.purpose == NOTHING and (form.minutes or form.travel_minutes):
        raise EntryError(
            f"purpose: {NOTHING!r} says that there was nothing, and there are minutes; choose what they were for, or enter 0"
        )
    for other in of_kind(package, Registration):
        same_shift = (other.unit, other.day, other.shift) == (form.unit, form.day, form.shift)
        none, work = (form, other) if form.purpose == NOTHING else (other, form)
        at_odds = none.purpose == NOTHING != work.purpose and none.home in (None, work.home)
        if same_shift and at_odds and other != before:
            raise EntryError(
                f"purpose: {form.purpose!r} cannot be, for {other.purpose!r} is registered in this shift; take that back first"
            )


def _refuse_plan(package: TrialPackage, plan: RegistrationPlan, before: Any) -> None:
    if plan.to_day < plan.from_day:
        raise EntryError(
            f"to_day: '{plan.to_day}' is before the first day ('{plan.from_day}'); correct one of the two"
        )
    shifts = plan.shifts.split()
    if not shifts or len(set(shifts)) < len(shifts) or not set(shifts) <= set(SHIFTS):
        raise EntryError(
            f"shifts: {plan.shifts!r} cannot be; name each that registers once: {' '.join(SHIFTS)}"
        )
    for other in of_kind(package, RegistrationPlan):
        met = other.unit == plan.unit and other.from_day <= plan.to_day and plan.from_day <= other.to_day
        if met and other != before:
            raise EntryError(
                f"from_day: '{plan.from_day}' to '{plan.to_day}' meets the registration of {plan.unit!r} from "
                f"'{other.from_day}' to '{other.to_day}'; choose other days, or change that one"
            )


def _refuse_to_come(field: str, day: date, today: date) -> None:
    if day > today:
        raise EntryError(f"{field}: '{day}' is still to come; enter the day on which it was")
