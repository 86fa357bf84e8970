"""What a trial has registered so far, and what is missing: per gain the homes without a value, per shift its form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from nyttig.entries.answers import Answer, Feedback, Registration, RegistrationPlan, Shift
from nyttig.entries.answers import Instrument as OwnInstrument
from nyttig.entries.benefit import Comparison, SeriesPoint
from nyttig.figures.completeness import Completeness, Form, completeness, expected_forms
from nyttig.figures.interrupted import POINTS_REQUIRED
from nyttig.indicators import (
    PERIODS,
    STANDARD_INSTRUMENTS,
    VISIT_MINUTES,
    of_kind,
    series,
    single_answers,
    values,
)
from nyttig.model import Entry, Gain, Home, Period, TrialPackage

Way = Literal["visits", "questionnaire", "staff_questionnaire", "measure", "series"]
"""How an indicator comes in."""


@dataclass(frozen=True, slots=True)
class HomeFacts:
    """A home that takes part, and the days that say which of its values are due."""

    home: str
    unit: str
    installed_on: date | None
    ended_on: date | None


@dataclass(frozen=True, slots=True)
class PeriodValues:
    """The homes of a gain in one period: with a value, `missing` now, not due yet, or gone before they had one."""

    period: Period
    with_value: int
    missing: tuple[str, ...]
    not_due: tuple[str, ...]
    gone: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GainInput:
    """What a gain needs and has. Of a series `points` before and after stand for homes, `points_required` on each side.

    `answers` are those of staff before and after, which belong to no home. `without_score` answers lack an item.
    """

    gain: str
    title: str
    indicator: str
    planned: bool
    owner: str | None
    way: Way
    homes: tuple[PeriodValues, ...]
    points: tuple[int, int]
    points_required: int
    answers: tuple[int, int]
    without_score: int


@dataclass(frozen=True, slots=True)
class ShiftForm:
    """The form of one shift: filled in (`lines` of it, about so many `homes`), due, or still to come."""

    day: date
    shift: Shift
    state: Literal["made", "missing", "to_come"]
    lines: int
    homes: int


@dataclass(frozen=True, slots=True)
class PlanForms:
    """A time of registering in one unit. `due`: forms of the days that are over, and those made already, by day and shift.

    `homes_expected` are homes of the unit that take part; those without a line count as not registered, never as 0.
    """

    entry: str
    unit: str
    period: Period
    from_day: date
    to_day: date
    shifts: tuple[str, ...]
    due: Completeness
    forms: tuple[ShiftForm, ...]
    homes_expected: tuple[str, ...]
    homes_registered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KindCount:
    """How many of a kind are there: `before`, `after`, and in all; the newest is of `last_on`."""

    kind: Literal["visit", "registration", "answer", "measure", "series_point", "cost", "feedback"]
    before: int | None
    after: int | None
    total: int
    last_on: date | None


@dataclass(frozen=True, slots=True)
class Registrations:
    """Everything that people registered about a trial, and what is missing on `today`, the trial's local day."""

    trial_id: str
    today: date
    starts: date
    units: tuple[str, ...]
    registration_days: int
    ratio_required: float
    homes: tuple[HomeFacts, ...]
    registered: tuple[KindCount, ...]
    gains: tuple[GainInput, ...]
    plans: tuple[PlanForms, ...]


def registrations(package: TrialPackage, today: date, units: Container[str] | None = None) -> Registrations:
    """What is there and what is missing on that day; of these units alone, where they are named."""
    package = _within(package, units)
    trial = package.trial
    taking_part = [home for home in package.homes if _takes_part(package, home)]
    return Registrations(
        trial_id=trial.id,
        today=today,
        starts=trial.starts,
        units=tuple(unit for unit in trial.units if units is None or unit in units),
        registration_days=trial.parameters.registration_days,
        ratio_required=trial.parameters.registration_ratio_required,
        homes=tuple(
            HomeFacts(each.home, each.unit, each.installed_on, each.ended_on) for each in taking_part
        ),
        registered=_registered(package),
        gains=tuple(
            gain_input(package, gain, taking_part, today) for gain in trial.gains if gain.status != "dropped"
        ),
        plans=tuple(
            plan_forms(package, each, taking_part, today)
            for each in package.entries
            if isinstance(each.data, RegistrationPlan)
        ),
    )


def gain_input(package: TrialPackage, gain: Gain, homes: list[Home], today: date) -> GainInput:
    """What one gain needs and has."""
    way = way_of(package, gain.indicator)
    points = [point for point in series(package, gain.indicator) if point.value is not None]
    after_points = sum(point.after for point in points)
    given = [each for each in of_kind(package, Answer) if each.instrument == gain.indicator and not each.home]
    found = values(package, gain.indicator)
    single = single_answers(package, gain.indicator)
    measured = (
        {"before": found.before.keys(), "after": found.after.keys()}
        if single is None
        else {period: single[1][period].keys() for period in PERIODS}
    )
    of_homes = way in ("visits", "questionnaire", "measure")
    return GainInput(
        gain=gain.id,
        title=gain.title,
        indicator=gain.indicator,
        planned=gain.planned,
        owner=gain.owner,
        way=way,
        homes=tuple(_period_values(package, period, homes, measured[period], today) for period in PERIODS)
        if of_homes
        else (),
        points=(len(points) - after_points, after_points),
        points_required=POINTS_REQUIRED,
        answers=(
            sum(each.period == "before" for each in given),
            sum(each.period == "after" for each in given),
        ),
        without_score=0 if single else found.missing,
    )


def way_of(package: TrialPackage, indicator: str) -> Way:
    """How an indicator comes in: as it has come in, else by what it is."""
    if indicator == VISIT_MINUTES:
        return "visits"
    own = {each.key: each for each in of_kind(package, OwnInstrument)}
    if indicator in own and own[indicator].answered_by == "staff":
        return "staff_questionnaire"
    if indicator in STANDARD_INSTRUMENTS or indicator in own:
        return "questionnaire"
    measured = any(each.indicator == indicator for each in package.measures)
    counted = any(each.indicator == indicator for each in of_kind(package, SeriesPoint))
    return "series" if counted and not measured else "measure"


def plan_forms(package: TrialPackage, planned: Entry, homes: list[Home], today: date) -> PlanForms:
    """How far the shifts of a plan have come on that day: a form is due when its day is over."""
    plan: RegistrationPlan = planned.data
    written = [
        each
        for each in of_kind(package, Registration)
        if each.unit == plan.unit and each.period == plan.period and plan.from_day <= each.day <= plan.to_day
    ]
    lines = Counter(Form(each.day, each.shift, each.unit) for each in written)
    days = [
        plan.from_day + timedelta(days=number) for number in range((plan.to_day - plan.from_day).days + 1)
    ]
    expected = expected_forms(days, plan.shifts.split(), [plan.unit])
    due = [form for form in expected if form.day < today or form in lines]
    forms = tuple(
        ShiftForm(
            form.day,
            form.shift,  # type: ignore[arg-type]  # a plan's shifts are checked when it is entered
            "made" if form in lines else "missing" if form.day < today else "to_come",
            lines[form],
            len({each.home for each in written if (each.day, each.shift) == form[:2] and each.home}),
        )
        for form in expected
    )
    return PlanForms(
        entry=planned.entry,
        unit=plan.unit,
        period=plan.period,
        from_day=plan.from_day,
        to_day=plan.to_day,
        shifts=tuple(plan.shifts.split()),
        due=completeness(due, sorted(lines), package.trial.parameters.registration_ratio_required),
        forms=forms,
        homes_expected=tuple(
            home.home
            for home in homes
            if home.unit == plan.unit and (home.ended_on is None or home.ended_on >= plan.from_day)
        ),
        homes_registered=tuple(sorted({each.home for each in written if each.home})),
    )


def _period_values(
    package: TrialPackage, period: Period, homes: list[Home], measured: Container[str], today: date
) -> PeriodValues:
    """A home is due before as soon as it takes part, and after when the days of getting used to it are over."""
    compared = {each.home for each in of_kind(package, Comparison)}
    settled = timedelta(days=package.trial.parameters.ramp_in_days)
    found: dict[str, list[str]] = {"with": [], "missing": [], "not_due": [], "gone": []}
    for home in homes:
        begun = home.installed_on or (package.trial.starts if home.home in compared else None)
        if home.home in measured:
            state = "with"
        elif home.ended_on is not None and home.ended_on <= today:
            state = "gone"
        elif period == "after" and (begun is None or today < begun + settled):
            state = "not_due"
        else:
            state = "missing"
        found[state].append(home.home)
    return PeriodValues(
        period, len(found["with"]), tuple(found["missing"]), tuple(found["not_due"]), tuple(found["gone"])
    )


def _takes_part(package: TrialPackage, home: Home) -> bool:
    """A home that agreed, has the technology, or is there to compare with; no demo apartment."""
    compared = any(each.home == home.home for each in of_kind(package, Comparison))
    return home.site_type == "home" and bool(home.consented_on or home.installed_on or compared)


def _within(package: TrialPackage, units: Container[str] | None) -> TrialPackage:
    """The package without what belongs to homes and units that are not among these."""
    if units is None:
        return package
    homes = tuple(home for home in package.homes if home.unit in units)
    codes = {home.home for home in homes}

    def own(entry: Entry) -> bool:
        home, unit = getattr(entry.data, "home", None), getattr(entry.data, "unit", None)
        return home in codes if home is not None else unit is None or unit in units

    return replace(
        package,
        homes=homes,
        visits=tuple(each for each in package.visits if each.home in codes),
        measures=tuple(each for each in package.measures if each.home in codes),
        entries=tuple(each for each in package.entries if own(each)),
    )


def _registered(package: TrialPackage) -> tuple[KindCount, ...]:
    def dated(kind: str, of: list[tuple[Period | None, date]]) -> KindCount:
        periods = Counter(period for period, _day in of)
        split = kind in ("visit", "registration", "answer", "measure", "series_point")
        return KindCount(
            kind,  # type: ignore[arg-type]  # the kinds below
            periods["before"] if split else None,
            periods["after"] if split else None,
            len(of),
            max((day for _period, day in of), default=None),
        )

    starts = package.trial.starts
    points: list[SeriesPoint] = of_kind(package, SeriesPoint)
    return (
        dated("visit", [(each.period, each.started_at.date()) for each in package.visits]),
        dated("registration", [(each.period, each.day) for each in of_kind(package, Registration)]),
        dated("answer", [(each.period, each.answered_on) for each in of_kind(package, Answer)]),
        dated("measure", [(each.period, each.measured_on) for each in package.measures]),
        dated(
            "series_point",
            [("before" if each.starts_on < starts else "after", each.starts_on) for each in points],
        ),
        KindCount("cost", None, None, len(package.costs), None),
        dated("feedback", [(None, each.said_on) for each in of_kind(package, Feedback)]),
    )
