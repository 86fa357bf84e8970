"""What a made-up trial gives: gains of every kind, harms, money and words, worked out by Nyttig's own functions."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sample_report import FIRST_DAY, NOW, UNITS, as_json

from nyttig.benefit import Benefit, benefit_of
from nyttig.entries.answers import Answer, Feedback, Instrument
from nyttig.entries.benefit import (
    AssessedGain,
    Assumption,
    Comparison,
    Design,
    Harm,
    Rate,
    Realisation,
    SeriesPoint,
)
from nyttig.entries.kinds import kind_of
from nyttig.entries.people import AdverseEvent
from nyttig.gains import gain_figures, net_minutes
from nyttig.model import Cost, Device, Entry, Gain, Home, Measure, Period, Trial, TrialPackage, Visit
from nyttig.report import Report

TRIAL = "alna-medisindispenser"
ON = {"before": FIRST_DAY - timedelta(days=30), "after": FIRST_DAY + timedelta(days=60)}

TIME = Gain(
    "visit-minutes", "Spart tid på hjemmebesøk", "time", "organisation", "visit_minutes_per_week", "lower", -30.0,
    owner="Avdelingsleder hjemmetjenesten", payer="Bydel Alna", stakeholder="Hjemmetjenesten", status="measured",
    baseline_by="Fagsykepleier", measure_on="2026-10-23 2027-02-01",
)  # fmt: skip
WELLBEING = Gain(
    "wellbeing", "Bedre trivsel", "quality", "citizen", "who5", "higher", 10.0, owner="Koordinator",
    stakeholder="Residents", status="agreed",
)  # fmt: skip
SAFE = Gain("feels-safe", "Tryggere hjemme", "quality", "citizen", "safe", "higher", waiver_reason="New question",
            waived_by="Coordinator")  # fmt: skip
FALLS = Gain("falls", "Færre fall", "quality", "citizen", "falls_per_week", "lower", -1.0)
DRIVING = Gain(
    "driving", "Mindre bilkjøring", "cost", "economy", "driving_cost_nok_per_week", "lower", -20.0, planned=False,
    found_on=date(2026, 10, 3), payer="Bydel Gamle Oslo",
)  # fmt: skip
UNMEASURED = Gain("calm", "Roligere kvelder", "quality", "citizen", "evening_calls", "lower")
GAINS = (TIME, WELLBEING, SAFE, FALLS, DRIVING, UNMEASURED)

SAID = (
    Rate(amount=490, basis="paid_hour", year=2026, source="Bydel Alna, budget"),
    Realisation(
        gain="visit-minutes", reallocated_ratio=0.5, cashed_ratio=0.2, payer="Bydel Alna", granted_minutes_per_week=30
    ),
    Assumption(name="homes_in_operation", likely=40, low=20, high=60, source="Plan of the district"),
    Assumption(name="discount_rate", likely=0.04, low=0.02, high=0.06),
    AssessedGain(
        title="Nursing-home nights postponed", low=0, likely=40, high=120, unit_of_measure="nights a year",
        assessed_by="Head of department", assessed_on=date(2026, 10, 1), basis="Two residents on the waiting list",
    ),
    Harm(title="The lid pinches fingers", perspective="citizen", severity="minor", seen_on=date(2026, 10, 2)),
    Feedback(
        words="I no longer wait for the door.", said_by="resident", said_on=date(2026, 10, 9), visible_to="everyone",
        tone="good",
    ),
    Feedback(words="He shouts at it.", said_by="staff", said_on=date(2026, 10, 9), visible_to="staff"),
    Instrument(key="safe", title="Safety", items="How safe do you feel at home?"),
)  # fmt: skip


def entry(data: Any, *, at: datetime | None = None, version: int = 1) -> Entry:
    """Somebody entered it, two weeks before the start unless another time is given."""
    kind = kind_of(data).name
    when = at or datetime.combine(FIRST_DAY - timedelta(days=14), time(9), UTC)
    return Entry(f"{kind}-{getattr(data, 'id', id(data))}", version, kind, TRIAL, data, when, "local")


def make_package(report: Report, said: Iterable[Any] = SAID) -> TrialPackage:
    """The trial behind a report, in whose homes everything was measured before and after."""
    chance = random.Random(7)
    homes = [(strip.home, strip.unit) for strip in report.homes]
    entries = [entry(each) for each in said]
    measures: list[Measure] = []
    visits: list[Visit] = []
    for place, (home, _unit) in enumerate(homes):
        shift = chance.uniform(-70, -5)
        for period in ("before", "after"):
            later = period == "after"
            visits += visit(home, period, 150 + 4 * place + shift * later, travel=20)
            if place < 4:
                measures.append(measured(home, "who5", period, 44 + 4 * place + 12 * later))
            measures.append(measured(home, "driving_cost_nok_per_week", period, 90 + chance.uniform(-20, 20)))
            if place < 8:
                step = 2 + place % 2 + (later and place != 3)
                entries.append(entry(answered(home, "safe", period, str(step))))
        visits += visit(home, "after", 9, purpose="refill")
    entries += [entry(point) for point in falls()]
    return TrialPackage(
        trial=Trial(
            report.trial.id,
            report.trial.title,
            None,
            UNITS,
            report.trial.technology,
            "Europe/Oslo",
            "NOK",
            report.trial.starts,
            gains=GAINS,
        ),
        homes=tuple(Home(home, "home", unit, installed_on=FIRST_DAY) for home, unit in homes),
        devices=tuple(
            Device(f"d-{home}", report.trial.technology, "nyttig", f"d-{home}", 60.0, "mains", "primary")
            for home, _ in homes
        ),
        visits=tuple(visits),
        measures=tuple(measures),
        costs=(
            Cost("Dispenser", "capital", 9000, "device", 60, "Velferdsetaten"),
            Cost("Subscription", "running", 250, "device", None, "Bydel Alna"),
        ),
        entries=tuple(entries),
    )


def measured(home: str, indicator: str, period: Period, value: float) -> Measure:
    """One value of a home."""
    return Measure(home, indicator, ON[period], period, value)


def answered(home: str, instrument: str, period: Period, items: str) -> Answer:
    """One filled-in questionnaire of a resident."""
    return Answer(
        instrument=instrument,
        answered_on=ON[period],
        period=period,
        items=items,
        respondent="resident",
        home=home,
    )


def visit(
    home: str, period: Period, minutes_per_week: float, *, travel: float = 0.0, purpose: str = "medicine"
) -> list[Visit]:
    """One visit that takes what two weeks of visits did, of which so many minutes a week on the way."""
    at = datetime.combine(ON[period], time(8), UTC)
    ends = at + timedelta(minutes=2 * (minutes_per_week - travel))
    return [Visit(home, at, ends, "physical", purpose, "home care", 2 * travel, period)]


def falls(
    before: Iterable[float] = (10, 11, 10, 12, 11, 12, 11, 13),
    after: Iterable[float] = (8, 7, 8, 7, 6, 7, 6, 6),
) -> list[SeriesPoint]:
    """A count a week around the start: the vector of figures.md."""
    counts = [*before, *after]
    first = FIRST_DAY - timedelta(weeks=len(list(before)))
    return [
        SeriesPoint(indicator="falls_per_week", starts_on=first + timedelta(weeks=number), value=value)
        for number, value in enumerate(counts)
    ]


def compared(package: TrialPackage, chosen: Any = "matched", homes: int = 6) -> TrialPackage:
    """The package with homes to compare with, in which hardly anything changed."""
    names = [f"C{number}" for number in range(homes)]
    visits = [
        each
        for number, home in enumerate(names)
        for period in ("before", "after")
        for each in visit(home, period, 160 + 5 * number - (number % 3) * (period == "after"), travel=20)
    ]
    return replace(
        package,
        homes=(*package.homes, *(Home(home, "home", UNITS[0]) for home in names)),
        visits=(*package.visits, *visits),
        entries=(*package.entries, *(entry(Comparison(home=home, chosen=chosen)) for home in names)),
    )


def staggered(package: TrialPackage, homes: int = 8) -> TrialPackage:
    """The package with its first homes starting one after the other, two a month, well-being measured monthly."""
    chance = random.Random(3)
    starts = {home.home: date(2026, 3 + number // 2, 1) for number, home in enumerate(package.homes[:homes])}
    rows = [
        Measure(
            home,
            "who5",
            date(2026, month, 15),
            "after" if month >= start.month else "before",
            45 + chance.uniform(-4, 4) + 14 * (month >= start.month),
        )
        for home, start in starts.items()
        for month in range(1, 9)
    ]
    return replace(
        package,
        homes=tuple(
            replace(home, installed_on=starts[home.home]) for home in package.homes if home.home in starts
        ),
        measures=tuple(rows),
        visits=(),
        entries=(*package.entries, entry(Design(design="staggered"))),
    )


def make_report(report: Report, package: TrialPackage) -> Report:
    """The report with the package's gains."""
    return replace(
        report,
        gains=tuple(gain_figures(package, gain) for gain in package.trial.gains),
        net_minutes=net_minutes(package),
    )


def make_benefit(report: Report, package: TrialPackage | None = None) -> Benefit:
    """What the trial gives; well-being was given another target after the start."""
    package = package or make_package(report)
    entered = [entry(gain) for gain in package.trial.gains]
    entered += [each for each in package.entries if each.kind == "harm"]
    versions = {each.entry: [each] for each in entered if each.kind == "gain"}
    for name, (first,) in list(versions.items()):
        if first.data.id == "wellbeing":
            earlier = replace(first, data=replace(first.data, target=5.0))
            later = replace(first, version=2, entered_at=NOW - timedelta(days=20))
            versions[name] = [earlier, later]
    return benefit_of(package, make_report(report, package), entered, versions)


def happened(home: str, *, alarm_missed: bool = False, handled_on: date | None = None) -> AdverseEvent:
    """An adverse event in a home."""
    return AdverseEvent(
        home=home,
        happened_on=date(2026, 10, 1),
        what="Took two doses",
        severity="moderate",
        alarm_missed=alarm_missed,
        handled_on=handled_on,
    )


def answer(report: Report) -> Any:
    """What the API says of it."""
    return as_json(make_benefit(report))
