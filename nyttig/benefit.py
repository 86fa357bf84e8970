"""The benefit of one trial: each gain with its evidence, harms beside them, money, and what staff and residents say."""

from __future__ import annotations

import itertools
from calendar import monthrange
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from nyttig.entries.answers import Feedback
from nyttig.entries.benefit import Harm
from nyttig.entries.people import AdverseEvent
from nyttig.evidence import known_at
from nyttig.figures.assumptions import ASSUMPTIONS
from nyttig.figures.benefit import NetMinutes
from nyttig.figures.completeness import Completeness
from nyttig.figures.dose import DoseResponse, dose_response
from nyttig.figures.pooled import Pooled, pool, unit_estimate
from nyttig.figures.rare import RareRate, RareShare, rare_rate, rare_share
from nyttig.gains import GainFigures
from nyttig.indicators import form_completeness, of_kind
from nyttig.model import Entry, TrialPackage
from nyttig.money import Money, money
from nyttig.report import Report, TrialFacts
from nyttig.store import db, entries, past, registry
from nyttig.store.db import Session

DAYS_PER_MONTH = 365.25 / 12


@dataclass(frozen=True, slots=True)
class LateChange:
    """A change of a gain after the trial had started: when, by whom, and which fields."""

    changed_at: datetime
    changed_by: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dosed:
    """One home's share of days in use (0..1) and its change (after − before)."""

    home: str
    use_day_ratio: float
    change: float


@dataclass(frozen=True, slots=True)
class GainBenefit:
    """One gain: its figures, when it was fixed and what was changed since the start, by unit, and against use.

    `entry` and `version` are what a page changes it by. `loaded`: it came with a package, so that `fixed_at` is when
    that was loaded. `dose` holds the change of the `dosed` homes against their use-day rate: exploratory, never a cause.
    """

    figures: GainFigures
    entry: str
    version: int
    fixed_at: datetime | None
    loaded: bool
    late_changes: tuple[LateChange, ...]
    pooled: Pooled | None
    dose: DoseResponse | None
    dosed: tuple[Dosed, ...]


@dataclass(frozen=True, slots=True)
class HarmSeen:
    """A harm that was entered."""

    entry: str
    version: int
    harm: Harm


@dataclass(frozen=True, slots=True)
class AdverseFigures:
    """Adverse events and missed alarms in the homes that had the technology, with exact bounds. Always shown."""

    events: int
    by_severity: dict[str, int]
    alarms_missed: int
    open: int
    homes: RareShare
    rate: RareRate


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody said who let everyone read it."""

    words: str
    said_by: str
    said_on: date
    tone: str | None


@dataclass(frozen=True, slots=True)
class Benefit:
    """What a trial gives, as of one moment. `start_waits_for` are planned gains without a baseline or a waiver.

    `assumptions` says of each key that stands beside one of these figures what would break it, by language.
    """

    trial: TrialFacts
    as_of: datetime
    gains: tuple[GainBenefit, ...]
    start_waits_for: tuple[str, ...]
    harms: tuple[HarmSeen, ...]
    adverse: AdverseFigures
    net_minutes: NetMinutes
    money: Money
    forms_before: Completeness | None
    forms_after: Completeness | None
    feedback: tuple[Said, ...]
    feedback_kept_back: int
    assumptions: Mapping[str, Mapping[str, str]]


def benefit(connection: Session, report: Report) -> Benefit:
    """The benefit of the report's trial by the report's moment, from what the report rests on: as known then, or now.

    Raises NotFoundError, StoreUnavailableError.
    """
    cut_at = report.known_at if report.known == "then" else None
    trial_id = report.trial.id
    with db.translated():
        told = (
            registry.read(connection, trial_id)
            if cut_at is None
            else past.read(connection, trial_id, cut_at).package
        )
        package = known_at(told, report.as_of)
        entered = entries.current(connection, trial_id, ["gain", "harm"], before=cut_at)
        versions = {
            each.entry: [
                version
                for version in entries.versions(connection, each.entry)
                if cut_at is None or (version.entered_at or cut_at) < cut_at
            ]
            for each in entered
            if each.kind == "gain"
        }
    return benefit_of(package, report, entered, versions)


def benefit_of(
    package: TrialPackage, report: Report, entered: list[Entry], versions: dict[str, list[Entry]]
) -> Benefit:
    """The same of what is given: the trial as it stood, its report, its gains and harms, and each gain's versions."""
    starts = datetime.combine(report.trial.starts, time(), ZoneInfo(report.trial.timezone))
    figures = {gain.id: gain for gain in report.gains}
    standby = report.trial.usage_class == "standby"
    # Most who own a technology that stands by never press it: days of use say nothing of what it gives.
    rates = {} if standby else {strip.home: strip.use_day_rate.point for strip in report.homes}
    feedback = list(of_kind(package, Feedback))
    gains = tuple(
        _gain(
            figures[each.data.id],
            each,
            versions[each.entry],
            (starts, report.as_of),
            report.trial.units,
            rates,
        )
        for each in entered
        if each.kind == "gain" and each.data.id in figures
    )
    adverse = _adverse(package, report)
    return Benefit(
        trial=report.trial,
        as_of=report.as_of,
        gains=gains,
        start_waits_for=tuple(
            gain.id
            for gain in report.gains
            if gain.planned and gain.status != "dropped" and gain.baseline.kind == "missing"
        ),
        harms=tuple(
            HarmSeen(each.entry, each.version, each.data)
            for each in entered
            if each.kind == "harm" and each.data.seen_on <= report.last_day
        ),
        adverse=adverse,
        net_minutes=report.net_minutes,
        money=money(
            package,
            report.gains,
            _active_by_month(report, "UuN" if standby else "Uu"),
            None if standby else report.use_day_rate.point,
        ),
        forms_before=form_completeness(package, "before"),
        forms_after=form_completeness(package, "after"),
        feedback=tuple(
            Said(each.words, each.said_by, each.said_on, each.tone)
            for each in feedback
            if each.visible_to == "everyone"
        ),
        feedback_kept_back=sum(each.visible_to != "everyone" for each in feedback),
        assumptions={key: ASSUMPTIONS[key] for key in _taken_for_granted(gains, adverse)},
    )


def _taken_for_granted(gains: Iterable[GainBenefit], adverse: AdverseFigures) -> list[str]:
    """The keys of all assumptions that stand beside these figures."""
    named = [gain.figures.change.assumptions for gain in gains]
    named += [gain.dose.assumptions for gain in gains if gain.dose is not None]
    named += [adverse.homes.assumptions, adverse.rate.assumptions]
    return sorted({key for keys in named for key in keys})


def _gain(
    figures: GainFigures,
    entry: Entry,
    versions: list[Entry],
    running: tuple[datetime, datetime],
    units: tuple[str, ...],
    rates: dict[str, float | None],
) -> GainBenefit:
    by_unit: dict[str, list[float]] = {unit: [] for unit in units}
    for pair in figures.homes:
        by_unit.setdefault(pair.unit, []).append(pair.after - pair.before)
    measured = [unit_estimate(unit, changes) for unit, changes in by_unit.items() if changes]
    dosed = tuple(
        Dosed(pair.home, rate, pair.after - pair.before)
        for pair in figures.homes
        if (rate := rates.get(pair.home)) is not None
    )
    return GainBenefit(
        figures=figures,
        entry=entry.entry,
        version=entry.version,
        fixed_at=versions[0].entered_at,
        loaded=versions[0].loaded,
        late_changes=tuple(
            LateChange(later.entered_at, later.entered_by or "", _differing(earlier, later))
            for earlier, later in itertools.pairwise(versions)
            if later.entered_at is not None and running[0] <= later.entered_at < running[1]
        ),
        pooled=pool(measured) if len(measured) > 1 else None,
        dose=dose_response([each.use_day_ratio for each in dosed], [each.change for each in dosed])
        if dosed
        else None,
        dosed=dosed,
    )


def _differing(earlier: Entry, later: Entry) -> tuple[str, ...]:
    if earlier.data is None or later.data is None:
        return ()
    return tuple(
        name
        for name in type(later.data).__dataclass_fields__
        if getattr(earlier.data, name) != getattr(later.data, name)
    )


def _adverse(package: TrialPackage, report: Report) -> AdverseFigures:
    events: list[AdverseEvent] = of_kind(package, AdverseEvent)
    installed = {home.home: home for home in package.homes if home.installed_on}
    days = sum(
        max(0, (min(home.ended_on or report.last_day, report.last_day) - home.installed_on).days + 1)
        for home in installed.values()
        if home.installed_on is not None
    )
    counted = [event for event in events if event.home in installed]
    return AdverseFigures(
        events=len(events),
        by_severity=dict(Counter(event.severity for event in events)),
        alarms_missed=sum(event.alarm_missed for event in events),
        open=sum(event.handled_on is None or event.handled_on > report.last_day for event in events),
        homes=rare_share(len({event.home for event in counted}), len(installed)),
        rate=rare_rate(len(counted) if days else 0, days / DAYS_PER_MONTH),
    )


def _active_by_month(report: Report, active_states: str) -> list[int]:
    """Homes with at least one day in one of these states, in each whole calendar month of the trial.

    A month that was cut off is left out, since costs count by whole ones; where there is no other, it stands.
    """
    active: dict[tuple[int, int], set[str]] = {}
    days: Counter[tuple[int, int]] = Counter()
    day = report.first_day
    while day <= report.last_day:
        active.setdefault((day.year, day.month), set())
        days[day.year, day.month] += 1
        day += timedelta(days=1)
    for strip in report.homes:
        for number, state in enumerate(strip.states):
            day = strip.first_day + timedelta(days=number)
            if state in active_states and (day.year, day.month) in active:
                active[day.year, day.month].add(strip.home)
    whole = [month for month in active if days[month] == monthrange(*month)[1]]
    return [len(active[month]) for month in whole or active]
