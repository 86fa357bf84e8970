"""The life of a trial: its phases from the idea to the line or to a stop, its rounds, its gates, and what is left to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

import pandas as pd

from nyttig.benefit import Benefit
from nyttig.entries.life import Cycle, Decision, Handover, Idea, Phase, PhaseName, Spend, Vote
from nyttig.evidence import known_at, last_day
from nyttig.figures.followup import WindowUse, window_use
from nyttig.gating import Gates, gates
from nyttig.indicators import of_kind
from nyttig.model import Entry, TrialPackage
from nyttig.phases import ORDER, Beginning, beginnings, phase_on
from nyttig.report import Report, TrialFacts
from nyttig.store import db, registry
from nyttig.store.db import Session

MAINTENANCE_MONTHS = 6
"""So long after the last support it is measured again: maintenance in RE-AIM (Glasgow et al. 1999)."""

WINDOW_DAYS = 30

TO_SETTLE = tuple(field.name for field in fields(Handover) if field.type in ("bool", bool))
"""The hand-over's checklist."""

IN_A_ROUND = ("solution", "test", "learned", "next_step")


@dataclass(frozen=True, slots=True)
class DecisionTaken:
    """A decision, as it was entered."""

    entry: str
    version: int
    decision: Decision


@dataclass(frozen=True, slots=True)
class PhaseLife:
    """One phase. `state`: `past`, `current`, `ahead`, or `left_out` where a later one began without it.

    `entry` is None where nobody said anything of it. `began_on` and `left_on` are the days on which the trial came into
    it (last) and left it. Goals are one a line. `spent` is the sum of what was paid in it, `spent_ratio` its share of
    the budget, `payments` their number. `days_over` counts the days since its last day while it is still current.
    """

    phase: PhaseName
    state: Literal["past", "current", "ahead", "left_out"]
    entry: str | None
    version: int | None
    starts_on: date | None
    ends_on: date | None
    began_on: date | None
    left_on: date | None
    owner: str | None
    effect_goals: tuple[str, ...]
    result_goals: tuple[str, ...]
    budget: float | None
    spent: float
    payments: int
    spent_ratio: float | None
    over_budget: bool
    days_over: int
    decisions: tuple[DecisionTaken, ...]


@dataclass(frozen=True, slots=True)
class CycleLife:
    """One round of need, solution and test. `phase` is the one that its first (else last) day lies in.

    `missing` are those of solution, test, learned and next_step that nobody wrote down yet.
    """

    entry: str
    version: int
    cycle: Cycle
    phase: PhaseName | None
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HandoverLife:
    """The hand-over: what of its checklist is done, and what is left."""

    entry: str
    version: int
    handover: Handover
    done: tuple[str, ...]
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Is it still used, six months after the project helped for the last time? `due_on` is the window's first day.

    `state`: `no_day` while nobody said when the project helped last, `ahead` before the window, `under_way` in it,
    `measured` after it, or `trial_over`: the trial's last day comes before the window's, so that nothing counts there.
    `before` are the same indicators in as many days up to the last support.
    """

    state: Literal["no_day", "ahead", "under_way", "measured", "trial_over"]
    last_support_on: date | None
    due_on: date | None
    before: WindowUse | None
    now: WindowUse | None


@dataclass(frozen=True, slots=True)
class IdeaLife:
    """An idea that became this trial, with the number of its voices."""

    entry: str
    version: int
    idea: Idea
    votes: int


@dataclass(frozen=True, slots=True)
class Life:
    """The life of a trial as of one moment; days are local to it, money is in its currency.

    `phases` are in their order, `stopped` only where the trial was; `current` is None before the first has begun.
    `start_waits_for` are planned gains without which the main project cannot begin: no baseline, no waiver.
    """

    trial: TrialFacts
    as_of: datetime
    current: PhaseName | None
    phases: tuple[PhaseLife, ...]
    budget: float | None
    spent: float
    start_waits_for: tuple[str, ...]
    cycles: tuple[CycleLife, ...]
    next_cycle: int
    decisions: tuple[DecisionTaken, ...]
    gates: Gates
    handover: HandoverLife | None
    maintenance: Maintenance
    ideas: tuple[IdeaLife, ...]


def life(connection: Session, report: Report, benefit: Benefit) -> Life:
    """The life of the report's trial by the report's moment. Raises NotFoundError, StoreUnavailableError."""
    with db.translated():
        package = stood(registry.read(connection, report.trial.id), report.as_of)
    return life_of(package, report, benefit, gates(connection, report, benefit))


def stood(package: TrialPackage, as_of: datetime) -> TrialPackage:
    """The trial as it stood, and with the phases that were to come: what they are to reach and may cost is known."""
    known = known_at(package, as_of)
    to_come = [each for each in _entries(package, Phase) if each not in known.entries]
    return replace(known, entries=(*known.entries, *to_come))


def life_of(package: TrialPackage, report: Report, benefit: Benefit, found: Gates) -> Life:
    """The same of what is given: the trial as it stood, its figures, and its gates."""
    today = local_day(report)
    began = beginnings(of_kind(package, Phase), of_kind(package, Decision), today)
    current = began[-1].phase if began else None
    decisions = _decisions(package)
    told = tuple(_phase(name, package, began, decisions, today) for name in ORDER)
    budgets = [phase.budget for phase in told if phase.budget is not None]
    cycles = _cycles(package, began)
    return Life(
        trial=report.trial,
        as_of=report.as_of,
        current=current,
        phases=tuple(each for each in told if each.phase != "stopped" or each.began_on is not None),
        budget=sum(budgets) if budgets else None,
        spent=sum(phase.spent for phase in told),
        start_waits_for=benefit.start_waits_for,
        cycles=cycles,
        next_cycle=max((each.cycle.number for each in cycles), default=0) + 1,
        decisions=decisions,
        gates=found,
        handover=_handover(package),
        maintenance=_maintenance(package, report),
        ideas=_ideas(package),
    )


def local_day(report: Report) -> date:
    """The day of the report's moment: its last day is at most the trial's, whose life goes on."""
    return last_day(report.as_of, ZoneInfo(report.trial.timezone))


def _phase(
    name: PhaseName,
    package: TrialPackage,
    began: Sequence[Beginning],
    decisions: Sequence[DecisionTaken],
    today: date,
) -> PhaseLife:
    entry = next(
        (each for each in package.entries if isinstance(each.data, Phase) and each.data.phase == name), None
    )
    said: Phase | None = None if entry is None else entry.data
    spans = [(here, after) for here, after in pairwise([*began, None]) if here and here.phase == name]
    current = bool(began) and began[-1].phase == name
    spends = [each.amount for each in of_kind(package, Spend) if each.phase == name]
    spent, budget = sum(spends), None if said is None else said.budget
    ends_on = None if said is None else said.ends_on
    left = spans[-1][1] if spans else None
    reached = max((ORDER.index(each.phase) for each in began if each.phase != "stopped"), default=-1)
    state: Literal["past", "current", "ahead", "left_out"] = "ahead"
    if current:
        state = "current"
    elif spans:
        state = "past"
    elif ORDER.index(name) < reached or (began and began[-1].phase == "stopped"):
        state = "left_out"
    return PhaseLife(
        phase=name,
        state=state,
        entry=None if entry is None else entry.entry,
        version=None if entry is None else entry.version,
        starts_on=None if said is None else said.starts_on,
        ends_on=ends_on,
        began_on=spans[-1][0].day if spans else None,
        left_on=None if left is None else left.day,
        owner=None if said is None else said.owner,
        effect_goals=_lines(said.effect_goals if said else None),
        result_goals=_lines(said.result_goals if said else None),
        budget=budget,
        spent=spent,
        payments=len(spends),
        spent_ratio=spent / budget if budget else None,
        over_budget=budget is not None and spent > budget,
        days_over=max((today - ends_on).days, 0) if current and ends_on is not None else 0,
        decisions=tuple(each for each in decisions if each.decision.phase == name),
    )


def _lines(text: str | None) -> tuple[str, ...]:
    return tuple(line.strip(" \t-–•*") for line in (text or "").splitlines() if line.strip(" \t-–•*"))


def _entries(package: TrialPackage, noun: type) -> list[Entry]:
    return [each for each in package.entries if isinstance(each.data, noun)]


def _decisions(package: TrialPackage) -> tuple[DecisionTaken, ...]:
    found = [DecisionTaken(each.entry, each.version, each.data) for each in _entries(package, Decision)]
    return tuple(sorted(found, key=lambda each: each.decision.decided_on))


def _cycles(package: TrialPackage, began: Sequence[Beginning]) -> tuple[CycleLife, ...]:
    found = []
    for each in sorted(_entries(package, Cycle), key=lambda entry: entry.data.number):
        cycle: Cycle = each.data
        day = cycle.starts_on or cycle.ends_on
        found.append(
            CycleLife(
                each.entry,
                each.version,
                cycle,
                None if day is None else phase_on(began, day),
                tuple(part for part in IN_A_ROUND if getattr(cycle, part) is None),
            )
        )
    return tuple(found)


def _handover(package: TrialPackage) -> HandoverLife | None:
    found = _entries(package, Handover)
    if not found:
        return None
    newest = found[-1]
    done = tuple(name for name in TO_SETTLE if getattr(newest.data, name))
    return HandoverLife(
        newest.entry, newest.version, newest.data, done, tuple(name for name in TO_SETTLE if name not in done)
    )


def _maintenance(package: TrialPackage, report: Report) -> Maintenance:
    handovers: list[Handover] = of_kind(package, Handover)
    last = handovers[-1].last_support_on if handovers else None
    if last is None:
        return Maintenance("no_day", None, None, None, None)
    due: date = (pd.Timestamp(last) + pd.DateOffset(months=MAINTENANCE_MONTHS)).date()
    closes, today = due + timedelta(days=WINDOW_DAYS - 1), local_day(report)
    state: Literal["ahead", "under_way", "measured", "trial_over"] = "measured"
    if report.trial.ends is not None and report.trial.ends < closes:
        state = "trial_over"
    elif today < due:
        state = "ahead"
    elif today < closes:
        state = "under_way"
    before = now = None
    if last <= today:
        before = window_use(report.homes, last - timedelta(days=WINDOW_DAYS - 1), last, report.parameters)
    if state in ("under_way", "measured"):
        now = window_use(report.homes, due, min(closes, today), report.parameters)
    return Maintenance(state, last, due, before, now)


def _ideas(package: TrialPackage) -> tuple[IdeaLife, ...]:
    votes: list[Vote] = of_kind(package, Vote)
    return tuple(
        IdeaLife(each.entry, each.version, each.data, sum(vote.idea == each.entry for vote in votes))
        for each in _entries(package, Idea)
    )
