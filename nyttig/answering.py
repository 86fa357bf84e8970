"""What residents and staff fill in can be counted: an answer fits its questionnaire, a registration its shift and plan."""

from __future__ import annotations

from datetime import date
from typing import Any, get_args

from nyttig.entries.anonymous import pointer
from nyttig.entries.answers import Answer, Feedback, Instrument, Registration, RegistrationPlan, Shift
from nyttig.errors import EntryError, Fault
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
from nyttig.saying import Saying

FilledIn = Answer | Feedback | Instrument | Registration | RegistrationPlan

SHIFTS: tuple[Shift, ...] = get_args(Shift)
MINUTES_A_DAY = 1440

POINTS_AT_SOMEBODY = {
    "email": Saying("is an address for e-mail"),
    "identity_number": Saying("looks like a national identity number"),
    "phone": Saying("looks like a phone number"),
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
            "{found!r} {what}; leave it out, and names too: who it was is not asked",
            field="words",
            found=found[1],
            what=POINTS_AT_SOMEBODY[found[0]],
        )


def _refuse_answer(package: TrialPackage, answer: Answer, today: date) -> None:
    _refuse_to_come("answered_on", answer.answered_on, today)
    try:
        asked = instrument_called(package, answer.instrument, answer.value_set)
    except EntryError as error:
        field = "instrument" if answer.value_set is None else "value_set"
        raise EntryError(Fault(field, error.said)) from error
    told = item_answers(answer.items)
    try:
        asked.score(told)
    except EntryError as error:
        raise EntryError("{given!r}: {fault}", field="items", given=answer.items, fault=error.said) from error
    if all(each is None for each in told):
        raise EntryError(
            "{given!r} answers nothing; a form that was not filled in is not entered",
            field="items",
            given=answer.items,
        )
    if answer.home is None and answer.respondent != "staff":
        raise EntryError("is empty; enter the code of the home that it was filled in for", field="home")
    if answer.home is None and answer.unit is None:
        raise EntryError("is empty; enter the unit of the member of staff, or a home", field="unit")


def _refuse_instrument(package: TrialPackage, asked: Instrument, before: Any) -> None:
    if asked.key in STANDARD_INSTRUMENTS:
        raise EntryError(
            "{code!r} is known already; take another code, or use the one that is there",
            field="key",
            code=asked.key,
        )
    items = item_lines(asked)
    try:
        turned = [number for number in item_answers(asked.reversed_items or "") if number is not None]
    except EntryError as error:
        raise EntryError(Fault("reversed_items", error.said)) from error
    instruments.own(asked.key, len(items), asked.lowest, asked.highest, turned)
    if not isinstance(before, Instrument):
        return
    given = sum(each.instrument == before.key for each in of_kind(package, Answer))
    was = (before.key, len(item_lines(before)), before.lowest, before.highest)
    if given and (asked.key, len(items), asked.lowest, asked.highest) != was:
        raise EntryError(
            "{answers} answers were given to {items} items from {lowest} to {highest} of {code!r}; keep to that, and enter the "
            "new form as a questionnaire of another code",
            field="items",
            answers=given,
            items=was[1],
            lowest=was[2],
            highest=was[3],
            code=was[0],
        )


def _refuse_registration(package: TrialPackage, form: Registration, before: Any, today: date) -> None:
    _refuse_to_come("day", form.day, today)
    unit = next((home.unit for home in package.homes if home.home == form.home), form.unit)
    if unit != form.unit:
        raise EntryError(
            "{home!r} lies in {unit!r}; choose that unit, or a home of {chosen!r}",
            field="home",
            home=form.home,
            unit=unit,
            chosen=form.unit,
        )
    for field, minutes in (("minutes", form.minutes), ("travel_minutes", form.travel_minutes)):
        if minutes > MINUTES_A_DAY:
            raise EntryError(
                "{minutes:g} is more than a day has; enter the minutes of this shift",
                field=field,
                minutes=minutes,
            )
    if form.purpose == NOTHING and (form.minutes or form.travel_minutes):
        raise EntryError(
            "{purpose!r} says that there was nothing, and there are minutes; choose what they were for, or enter 0",
            field="purpose",
            purpose=NOTHING,
        )
    for other in of_kind(package, Registration):
        same_shift = (other.unit, other.day, other.shift) == (form.unit, form.day, form.shift)
        none, work = (form, other) if form.purpose == NOTHING else (other, form)
        at_odds = none.purpose == NOTHING != work.purpose and none.home in (None, work.home)
        if same_shift and at_odds and other != before:
            raise EntryError(
                "{purpose!r} cannot be, for {other_purpose!r} is registered in this shift; take that back first",
                field="purpose",
                purpose=form.purpose,
                other_purpose=other.purpose,
            )


def _refuse_plan(package: TrialPackage, plan: RegistrationPlan, before: Any) -> None:
    if plan.to_day < plan.from_day:
        raise EntryError(
            "'{day}' is before the first day ('{first_day}'); correct one of the two",
            field="to_day",
            day=plan.to_day,
            first_day=plan.from_day,
        )
    shifts = plan.shifts.split()
    if not shifts or len(set(shifts)) < len(shifts) or not set(shifts) <= set(SHIFTS):
        raise EntryError(
            "{shifts!r} cannot be; name each that registers once: {known}",
            field="shifts",
            shifts=plan.shifts,
            known=" ".join(SHIFTS),
        )
    for other in of_kind(package, RegistrationPlan):
        met = other.unit == plan.unit and other.from_day <= plan.to_day and plan.from_day <= other.to_day
        if met and other != before:
            raise EntryError(
                "'{from_day}' to '{to_day}' meets the registration of {unit!r} from '{other_from_day}' to '{other_to_day}'; "
                "choose other days, or change that one",
                field="from_day",
                from_day=plan.from_day,
                to_day=plan.to_day,
                unit=plan.unit,
                other_from_day=other.from_day,
                other_to_day=other.to_day,
            )


def _refuse_to_come(field: str, day: date, today: date) -> None:
    if day > today:
        raise EntryError("'{day}' is still to come; enter the day on which it was", field=field, day=day)
