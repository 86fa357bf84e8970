"""The life of a trial: from an idea over its phases and cycles to daily operation or an honest stop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from nyttig.column import said

PhaseName = Literal["idea", "pre_study", "pre_project", "main_project", "operation", "stopped"]
GateName = Literal["new", "useful", "put_to_use"]
"""nytt, nyttig, nyttiggjort."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Idea:
    """A need that somebody saw, and perhaps a thought of how to meet it. It belongs to no trial until it becomes one."""

    title: str = said("The idea in a few words")
    need: str = said("Whose need, and when it shows")
    raised_by: str = said("Role or service it came from; no names")
    raised_on: date = said("Day on which it was raised")
    unit: str | None = said("Unit it came from", default=None)
    solution: str | None = said("What might help", default=None)
    status: Literal["new", "looked_at", "trial", "declined"] = said("What became of it", default="new")
    reason: str | None = said("Why, where it was declined or put off", default=None)
    trial: str | None = said("The trial that it became", kind="code", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One voice for an idea."""

    idea: str = said("Code of the idea's entry", kind="code")
    voter: str = said("Who votes: a role, or a code of one's own; one voice each")


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A phase of the trial: what it is to reach, with what money, and who answers for it."""

    phase: PhaseName = said("Which phase")
    starts_on: date = said("First day")
    ends_on: date | None = said("Last day, planned or real", default=None)
    effect_goals: str | None = said(
        "Effect goals (effektmål): what is to be different for whom, one a line", default=None
    )
    result_goals: str | None = said(
        "Result goals (resultatmål): what the phase is to deliver, one a line", default=None
    )
    budget: float | None = said("Budget in the trial's currency", default=None, at_least=0)
    owner: str | None = said("Role that answers for the phase", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """Money spent in a phase."""

    phase: PhaseName = said("Which phase")
    spent_on: date = said("Day of the payment")
    item: str = said("What was paid for")
    amount: float = said("Amount in the trial's currency")
    payer: str | None = said("Who paid", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided at the end of a phase or within it, why, and by which roles."""

    decided_on: date = said("Day of the decision")
    phase: PhaseName = said("Phase in which it was decided")
    decision: Literal["go_on", "adjust", "wait", "stop", "put_to_use"] = said("What was decided")
    reason: str = said("Why, in a sentence or two")
    decided_by: str = said("Names of the roles that decided")
    next_phase: PhaseName | None = said("Phase that comes now", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """One round of need, solution and test (BLT). A test may be one question or a drawing, with one person."""

    number: int = said("Number of the round, 1 for the first", at_least=1)
    need: str = said("The need that the round starts from")
    solution: str | None = said("The solution that is tried", default=None)
    test: str | None = said("How it is tried, and with whom", default=None)
    learned: str | None = said("What was learned", default=None)
    next_step: str | None = said("What comes next", default=None)
    starts_on: date | None = said("First day", default=None)
    ends_on: date | None = said("Last day", default=None)
    people: int | None = said("How many people took part", default=None, at_least=0)
    devices: int | None = said("How many devices; 0: none was needed", default=None, at_least=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOverride:
    """What a named person holds of a gate against what was computed, and why."""

    gate: GateName = said("Which gate: nytt, nyttig or nyttiggjort")
    passed: bool = said("Whether it is held to be passed")
    by_name: str = said("Name and role of who says so")
    reason: str = said("Why")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """The hand-over to the line: who takes it on, and what is settled."""

    line_owner: str = said("Role in the line organisation that takes it on")
    handed_over_on: date | None = said("Day of the hand-over; empty: not yet", default=None)
    last_support_on: date | None = said("Last day on which the project helped", default=None)
    routines_written: bool = said("Routines are written and known", default=False)
    staff_trained: bool = said("Those who will do it are trained", default=False)
    budget_in_line: bool = said("The money stands in the line's budget", default=False)
    supplier_agreed: bool = said(
        "Agreement, support and spare parts are settled with the supplier", default=False
    )
    alarms_answered: bool = said("Who answers alarms at which hour is settled", default=False)
    privacy_settled: bool = said("Legal basis and data protection are settled for operation", default=False)
    note: str | None = said("What is left to do", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """A programme over units, or a part of one: what it is for and who answers for it."""

    name: str = said("Name of the programme")
    part_of: str | None = said("Name of the programme that it is a part of", default=None)
    aim: str | None = said("What it is to reach", default=None)
    owner: str | None = said("Role that answers for it", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A unit that takes on what another one tried, what it changes, and what decides whether it will work there."""

    origin_unit: str = said("Unit that tried it")
    receiving_unit: str = said("Unit that takes it on")
    status: Literal["considered", "agreed", "in_use", "declined"] = said("How far it has come")
    from_day: date | None = said("Day from which it is in use there, or was decided", default=None)
    adapted: str | None = said("What was adapted", default=None)
    transferability: str | None = said(
        "What differs there and may change the result: people, services, homes", default=None
    )
