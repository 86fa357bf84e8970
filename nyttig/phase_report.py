"""A phase of a trial told from what is there: goals, rounds, money, results, gates, decisions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from nyttig.benefit import AdverseFigures, Benefit, HarmSeen
from nyttig.entries.life import PhaseName, Spend
from nyttig.errors import NotFoundError
from nyttig.figures.adoption import Coverage, UseDayRate
from nyttig.figures.funnel import Funnel
from nyttig.figures.sustained import Sustained
from nyttig.gains import Change
from nyttig.gating import Gates, gates
from nyttig.indicators import of_kind
from nyttig.life import CycleLife, Life, PhaseLife, local_day, stood
from nyttig.model import TrialPackage
from nyttig.report import Report, TrialFacts
from nyttig.store import db, registry
from nyttig.store.db import Session


@dataclass(frozen=True, slots=True)
class GainResult:
    """A gain in a phase's report: what is quoted of it, with n, interval and level of evidence."""

    id: str
    title: str
    indicator: str
    better: str
    planned: bool
    target: float | None
    change: Change
    uncertain: bool


@dataclass(frozen=True, slots=True)
class Payments:
    """Money spent in a phase, by who paid (empty: nobody said who)."""

    payer: str
    amount: float
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """What the trial showed by the end of a phase, each figure as in the report of that day."""

    homes: int
    funnel: Funnel
    use_day_rate: UseDayRate
    coverage: Coverage
    sustained: Sustained
    gains: tuple[GainResult, ...]
    adverse: AdverseFigures
    harms: tuple[HarmSeen, ...]


@dataclass(frozen=True, slots=True)
class PhaseReport:
    """A phase told from what is there. `results` are None where the trial had not started by the phase's end.

    `to_day` is the phase's last day, or today while it lasts. Rounds without a day stand in the current phase's report.
    """

    trial: TrialFacts
    as_of: datetime
    phase: PhaseLife
    from_day: date | None
    to_day: date | None
    cycles: tuple[CycleLife, ...]
    payments: tuple[Payments, ...]
    results: Results | None
    gates: Gates


def reported_until(life: Life, phase: str) -> date | None:
    """The last day of a phase that is over: its report is as of that. None while it lasts, or where it never began.

    Raises NotFoundError for a phase that there is not.
    """
    told = _called(life, phase)
    return None if told.left_on is None else told.left_on - timedelta(days=1)


def phase_report(
    connection: Session, life: Life, phase: str, report: Report, benefit: Benefit
) -> PhaseReport:
    """The report of one phase of this life; `report` and `benefit` are as of its last day, or of now while it lasts.

    What was entered later, such as the decision at its end, is in it. Raises NotFoundError for a phase that there is not.
    """
    told = _called(life, phase)
    until = reported_until(life, phase)
    with db.translated():
        package = stood(registry.read(connection, report.trial.id), life.as_of)
    return PhaseReport(
        trial=report.trial,
        as_of=report.as_of,
        phase=told,
        from_day=told.began_on,
        to_day=None if told.began_on is None else until or local_day(report),
        cycles=tuple(
            each
            for each in life.cycles
            if each.phase == told.phase or (each.phase is None and told.state == "current")
        ),
        payments=_payments(package, told.phase),
        # Nothing was measured before the trial's first day, nor in a phase that has not begun.
        results=_results(report, benefit)
        if told.began_on is not None and report.trial.starts <= local_day(report)
        else None,
        gates=gates(connection, report, benefit),
    )


def _called(life: Life, phase: str) -> PhaseLife:
    for told in life.phases:
        if told.phase == phase:
            return told
    named = ", ".join(told.phase for told in life.phases)
    raise NotFoundError(
        "there is no phase {phase!r} in {trial!r}; phases: {known}",
        phase=phase,
        trial=life.trial.id,
        known=named,
    )


def _payments(package: TrialPackage, phase: PhaseName) -> tuple[Payments, ...]:
    by_payer: defaultdict[str, list[Spend]] = defaultdict(list)
    for spend in of_kind(package, Spend):
        if spend.phase == phase:
            by_payer[spend.payer or ""].append(spend)
    return tuple(
        Payments(payer, sum(each.amount for each in paid), tuple(each.item for each in paid))
        for payer, paid in sorted(by_payer.items())
    )


def _results(report: Report, benefit: Benefit) -> Results:
    return Results(
        homes=report.data.homes,
        funnel=report.funnel,
        use_day_rate=report.use_day_rate,
        coverage=report.coverage,
        sustained=report.sustained,
        gains=tuple(
            GainResult(
                gain.figures.id,
                gain.figures.title,
                gain.figures.indicator,
                gain.figures.better,
                gain.figures.planned,
                gain.figures.target,
                gain.figures.change,
                gain.figures.uncertain,
            )
            for gain in benefit.gains
        ),
        adverse=benefit.adverse,
        harms=benefit.harms,
    )
