"""What was measured: an indicator's values by home and time, from visits, forms, questionnaires, measures and series."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from statistics import fmean
from typing import Any, Literal
from zoneinfo import ZoneInfo

from nyttig.entries.answers import Answer, Registration, RegistrationPlan
from nyttig.entries.answers import Instrument as OwnInstrument
from nyttig.entries.benefit import SeriesPoint
from nyttig.errors import EntryError
from nyttig.figures import instruments
from nyttig.figures.completeness import Completeness, Form, completeness, expected_forms
from nyttig.figures.instruments import Instrument
from nyttig.figures.staggered import HomePeriod
from nyttig.model import Period, TrialPackage, Visit

VISIT_MINUTES = "visit_minutes_per_week"
"""The indicator that is worked out from registered visits, or from the forms that staff fill in."""

NEW_WORK_PURPOSES = frozenset(("alarm_handling", "refill", "remote_check", "support"))
"""Visits with these purposes are work that the technology brought, never part of the visit minutes."""

NOTHING = "none"
"""The purpose of a form that says that the shift had nothing to register."""

PERIODS: tuple[Period, Period] = ("before", "after")

STANDARD_INSTRUMENTS = ("who5", "eq5d5l", "sus")


@dataclass(frozen=True, slots=True)
class Values:
    """An indicator by home, before and after; `by_proxy` are homes in which somebody answered for the resident.

    `source` is where they come from. `missing` are answers that gave no score, because an item was left out.
    """

    before: Mapping[str, float]
    after: Mapping[str, float]
    by_proxy: frozenset[str] = frozenset()
    source: Literal["visits", "registrations", "measures"] = "measures"
    missing: int = 0

    @property
    def pairs(self) -> dict[str, tuple[float, float]]:
        """The homes with both, in order."""
        return {
            home: (self.before[home], self.after[home])
            for home in sorted(self.before.keys() & self.after.keys())
        }


def values(package: TrialPackage, indicator: str) -> Values:
    """The indicator's values of the homes of a trial. A home with several in one period has their mean."""
    if indicator == VISIT_MINUTES:
        return _visit_minutes(package)
    found: dict[Period, dict[str, list[float]]] = {"before": defaultdict(list), "after": defaultdict(list)}
    proxies, missing = set(), 0
    for measure in package.measures:
        if measure.indicator == indicator:
            found[measure.period][measure.home].append(measure.value)
            if measure.by_proxy:
                proxies.add(measure.home)
    for home, answer, told in _scored(package, indicator):
        if told is None:
            missing += 1
            continue
        found[answer.period][home].append(told)
        if answer.respondent != "resident":
            proxies.add(home)
    return Values(_means(found["before"]), _means(found["after"]), frozenset(proxies), missing=missing)


def last_measured(package: TrialPackage, indicator: str) -> date | None:
    """The newest day on which the indicator was measured anywhere; of registered visits that on which they began."""
    days = [day for _home, day, _value in _dated(package, indicator)]
    days += [point.starts_on for point in of_kind(package, SeriesPoint) if point.indicator == indicator]
    return max(days, default=None)


def panel(package: TrialPackage, indicator: str) -> list[HomePeriod]:
    """The indicator by home and calendar month (months since year 0), as far as it was measured on a day."""
    of: dict[tuple[str, int], list[float]] = defaultdict(list)
    for home, day, value in _dated(package, indicator):
        of[home, _month(day)].append(value)
    return [HomePeriod(home, month, fmean(found)) for (home, month), found in sorted(of.items())]


def starts(package: TrialPackage) -> dict[str, int | None]:
    """By home the first whole month with the technology (months since year 0); None: never."""
    return {
        home.home: None
        if home.installed_on is None
        else _month(home.installed_on) + (home.installed_on.day > 1)
        for home in package.homes
    }


@dataclass(frozen=True, slots=True)
class Point:
    """One period of a series, by its first day; `after`: it begins on the trial's first day or later."""

    starts_on: date
    value: float | None
    after: bool


def series(package: TrialPackage, indicator: str) -> tuple[Point, ...]:
    """What was counted for whole units, before the trial's first day and from then on, evenly in time.

    Units are summed where each was counted; a period that misses one is None. Where somebody counted all of them
    together, those counts stand for themselves, and no unit is added to them.
    """
    points = [point for point in of_kind(package, SeriesPoint) if point.indicator == indicator]
    points = [point for point in points if point.unit is None] or points
    units = {point.unit for point in points}
    of: dict[date, dict[str | None, float]] = defaultdict(dict)
    for point in points:
        of[point.starts_on][point.unit] = point.value
    days = sorted(of)
    if len(days) < 2:
        return ()
    step = min(later - earlier for earlier, later in pairwise(days))
    found: list[Point] = []
    day = days[0]
    while day <= days[-1]:
        # Months are not all equally long: the next point that lies within half a step is this period's.
        near = next((each for each in days if abs(each - day) * 2 < step), None)
        whole = near is not None and of[near].keys() == units
        value = sum(of[near].values()) if near is not None and whole else None
        found.append(Point(near or day, value, after=(near or day) >= package.trial.starts))
        day = (near or day) + step
    return tuple(found)


def instrument_called(package: TrialPackage, key: str, version: str | None = None) -> Instrument:
    """A known questionnaire, or one of the trial's own. Raises EntryError naming what there is."""
    for own in of_kind(package, OwnInstrument):
        if own.key == key:
            turned = [number for number in item_answers(own.reversed_items or "") if number is not None]
            return instruments.own(own.key, len(item_lines(own)), own.lowest, own.highest, turned)
    if key == "eq5d5l" and version is None:
        version = next(iter(instruments.value_sets()))
    return instruments.instrument(key, version)


def item_lines(asked: OwnInstrument) -> list[str]:
    """The items of one of the trial's own, in order."""
    return [line.strip() for line in asked.items.splitlines() if line.strip()]


def item_answers(text: str) -> list[int | None]:
    """The answers of `3 2 4 - 5`; a hyphen where one was left out. Raises EntryError."""
    found: list[int | None] = []
    for each in text.replace(",", " ").replace(";", " ").split():
        if each in ("-", "–"):
            found.append(None)
        elif re.fullmatch(r"-?[0-9]+", each):
            found.append(int(each))
        else:
            raise EntryError(
                "{answer!r} is no answer; write whole numbers, and a hyphen where one was left out",
                field="items",
                answer=each,
            )
    return found


def score(package: TrialPackage, answer: Answer) -> float | None:
    """What a filled-in questionnaire scores; None where it has no score. Raises EntryError."""
    return instrument_called(package, answer.instrument, answer.value_set).score(item_answers(answer.items))


def single_answers(
    package: TrialPackage, indicator: str
) -> tuple[Instrument, dict[Period, dict[str, int]]] | None:
    """The answers of each home to a questionnaire of one item, which have no mean; None for everything else.

    A home that answered more than once in a period counts with its last answer.
    """
    given = [each for each in of_kind(package, Answer) if each.instrument == indicator and each.home]
    try:
        asked = instrument_called(package, indicator) if given else None
    except EntryError:
        return None
    if asked is None or asked.items != 1:
        return None
    both: dict[Period, dict[str, int]] = {"before": {}, "after": {}}
    for answer in sorted(given, key=lambda each: each.answered_on):
        try:
            told = item_answers(answer.items)
            asked.score(told)
        except EntryError:
            continue
        if told[0] is not None:
            both[answer.period][answer.home] = asked.turned(1, told[0])
    return asked, both


def of_kind(package: TrialPackage, noun: type[Any]) -> list[Any]:
    """What was entered of one kind, given by its dataclass."""
    return [each.data for each in package.entries if isinstance(each.data, noun)]


def form_completeness(package: TrialPackage, period: Period) -> Completeness | None:
    """How many of the forms that staff were to fill in were; None where none was planned."""
    plans = [plan for plan in of_kind(package, RegistrationPlan) if plan.period == period]
    if not plans:
        return None
    expected: list[Form] = []
    for plan in plans:
        days = [
            plan.from_day + timedelta(days=number) for number in range((plan.to_day - plan.from_day).days + 1)
        ]
        expected += expected_forms(days, plan.shifts.split(), [plan.unit])
    # However many lines a shift wrote, it filled in one form.
    made = {
        Form(form.day, form.shift, form.unit)
        for form in of_kind(package, Registration)
        if form.period == period
    }
    return completeness(expected, sorted(made), package.trial.parameters.registration_ratio_required)


def work_minutes(package: TrialPackage, period: Period, *, new: bool) -> dict[str, tuple[float, float]]:
    """By home the minutes a week in the home and on the way, of visits or of the new work that the technology brought.

    From registered visits; where there is none, from the forms that staff filled in for a home.
    """
    if _from_forms(package, period):
        return _registered(package, period, new=new)
    return _visited(package, period, new=new)


def _from_forms(package: TrialPackage, period: Period) -> bool:
    return bool(_forms(package, period)) and not any(visit.period == period for visit in package.visits)


def _visit_minutes(package: TrialPackage) -> Values:
    both: dict[Period, dict[str, float]] = {}
    for period in PERIODS:
        found = work_minutes(package, period, new=False)
        both[period] = {home: direct + travel for home, (direct, travel) in found.items()}
    from_forms = any(_from_forms(package, period) for period in PERIODS)
    return Values(both["before"], both["after"], source="registrations" if from_forms else "visits")


def _visited(package: TrialPackage, period: Period, *, new: bool) -> dict[str, tuple[float, float]]:
    weeks = package.trial.parameters.registration_days / 7
    found: dict[str, tuple[float, float]] = {}
    for visit in package.visits:
        if visit.period != period:
            continue
        if not new:
            # A home where only the technology was looked after was registered, and needed no other visit.
            found.setdefault(visit.home, (0.0, 0.0))
        if (visit.purpose in NEW_WORK_PURPOSES) is new:
            direct, travel = found.get(visit.home, (0.0, 0.0))
            found[visit.home] = direct + _direct_minutes(visit) / weeks, travel + visit.travel_minutes / weeks
    return found


def _registered(package: TrialPackage, period: Period, *, new: bool) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    planned = _planned_weeks(package, period)
    for form in _forms(package, period):
        if form.home is None:
            continue
        weeks = planned.get(form.unit) or package.trial.parameters.registration_days / 7
        if not new:
            found.setdefault(form.home, (0.0, 0.0))
        if (form.purpose in NEW_WORK_PURPOSES) is new:
            direct, travel = found.get(form.home, (0.0, 0.0))
            found[form.home] = direct + form.minutes / weeks, travel + form.travel_minutes / weeks
    return found


def _forms(package: TrialPackage, period: Period) -> list[Registration]:
    return [
        form for form in of_kind(package, Registration) if form.period == period and form.home is not None
    ]


def _planned_weeks(package: TrialPackage, period: Period) -> dict[str, float]:
    """By unit the weeks in which staff were to register."""
    weeks: dict[str, float] = defaultdict(float)
    for plan in of_kind(package, RegistrationPlan):
        if plan.period == period:
            weeks[plan.unit] += ((plan.to_day - plan.from_day).days + 1) / 7
    return weeks


def _direct_minutes(visit: Visit) -> float:
    return (visit.ended_at - visit.started_at) / timedelta(minutes=1)


def _scored(package: TrialPackage, indicator: str) -> Iterator[tuple[str, Answer, float | None]]:
    """Each home's answers to a questionnaire with their score; None where there is none.

    An answer that its questionnaire cannot count has none either, so that it keeps no other from counting.
    """
    asked: dict[str | None, Instrument | None] = {}
    for answer in of_kind(package, Answer):
        if answer.instrument != indicator or answer.home is None:
            continue
        # Looked up once a value set and not for each answer: it goes through all entries.
        if answer.value_set not in asked:
            try:
                asked[answer.value_set] = instrument_called(package, indicator, answer.value_set)
            except EntryError:
                asked[answer.value_set] = None
        known = asked[answer.value_set]
        told = None
        if known is not None:
            with suppress(EntryError):
                told = known.score(item_answers(answer.items))
        yield answer.home, answer, told


def _dated(package: TrialPackage, indicator: str) -> Iterator[tuple[str, date, float]]:
    for measure in package.measures:
        if measure.indicator == indicator:
            yield measure.home, measure.measured_on, measure.value
    for home, answer, told in _scored(package, indicator):
        if told is not None:
            yield home, answer.answered_on, told
    if indicator == VISIT_MINUTES:
        yield from _weekly_minutes(package)


def _weekly_minutes(package: TrialPackage) -> Iterator[tuple[str, date, float]]:
    """Each registration of a home, of its visits or by forms, as one value on the day on which it began."""
    zone = ZoneInfo(package.trial.timezone)
    for period in PERIODS:
        began: dict[str, date] = {}
        if _from_forms(package, period):
            days = [(str(form.home), form.day) for form in _forms(package, period)]
        else:
            days = [
                (visit.home, visit.started_at.astimezone(zone).date())
                for visit in package.visits
                if visit.period == period
            ]
        for home, day in days:
            began[home] = min(day, began.get(home, day))
        for home, (direct, travel) in work_minutes(package, period, new=False).items():
            yield home, began[home], direct + travel


def _means(lists: Mapping[str, list[float]]) -> dict[str, float]:
    return {home: fmean(found) for home, found in lists.items()}


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1
