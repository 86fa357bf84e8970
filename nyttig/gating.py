"""A trial at its three gates: new, useful, put to use; worked out from what it shows, with what people hold against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from nyttig.benefit import Benefit
from nyttig.entries import benefit as entered_benefit
from nyttig.entries.life import GateOverride, Handover
from nyttig.evidence import known_at, last_day
from nyttig.figures import gates as figures
from nyttig.figures.adoption import HomeStrip
from nyttig.figures.gates import (
    Criterion,
    EarlierTrial,
    GainShown,
    Gate,
    GateName,
    Override,
    StartedHomes,
)
from nyttig.figures.sustained import sustained
from nyttig.gains import GainFigures
from nyttig.indicators import of_kind
from nyttig.model import Entry, TrialPackage
from nyttig.report import Report
from nyttig.store import db, entries, registry
from nyttig.store.db import Session

GAVE_UP = frozenset({"stopped_using", "unsuitable", "withdrew_consent"})
"""A home that ended for one of these has not made it a habit, however short the time it was watched."""

IN_CONTACT = str.maketrans({"N": "U", "u": "K"})
"""What stands by is in use while it is in contact: a day observed counts as used, whatever was pressed on it."""


@dataclass(frozen=True, slots=True)
class OverrideChange:
    """One version of what somebody held against a gate; `passed` is None where it was taken back."""

    gate: GateName
    changed_at: datetime | None
    changed_by: str | None
    passed: bool | None
    by_name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Gates:
    """A trial's gates: `new` for each of its units, `useful` and `put_to_use` for all of it.

    `rests_on` is what a home's habit is told by: days of `use`, or, for what stands by, days in `contact`.
    `overrides` are all versions of what people held against the gates, the oldest first.
    """

    new: tuple[Gate, ...]
    useful: Gate
    put_to_use: Gate
    rests_on: Literal["use", "contact"]
    overrides: tuple[OverrideChange, ...]


def gates(connection: Session, report: Report, benefit: Benefit) -> Gates:
    """The trial's gates by the report's moment. Raises NotFoundError, StoreUnavailableError."""
    with db.translated():
        package = known_at(registry.read(connection, report.trial.id), report.as_of)
        tried = registry.tried(connection, report.trial.technology)
        versions = entries.every_version(connection, report.trial.id, "gate_override")
    earlier = [EarlierTrial(one.trial, report.trial.technology, one.unit, one.starts) for one in tried]
    return gates_of(package, report, benefit, earlier, versions)


def gates_of(
    package: TrialPackage,
    report: Report,
    benefit: Benefit,
    earlier: Sequence[EarlierTrial],
    versions: Sequence[Entry],
) -> Gates:
    """The same of what is given: the trial as it stood, earlier trials, and every version of what was held against them."""
    trial, today = report.trial, last_day(report.as_of, ZoneInfo(report.trial.timezone))
    held = {
        each.gate: Override("passed" if each.passed else "not_passed", each.by_name, each.reason)
        for each in of_kind(package, GateOverride)
    }

    def told(gate: Gate) -> Gate:
        return figures.overridden(gate, held[gate.name]) if gate.name in held else gate

    others = [one for one in earlier if one.trial != trial.id]
    useful = told(figures.useful([_shown(gain.figures) for gain in benefit.gains], _criteria(package, today)))
    handovers = of_kind(package, Handover)
    handed_over_on = handovers[-1].handed_over_on if handovers else None
    standby = trial.usage_class == "standby"
    return Gates(
        new=tuple(told(figures.new(trial.technology, unit, trial.starts, others)) for unit in trial.units),
        useful=useful,
        put_to_use=told(figures.put_to_use(useful, started_homes(report), handed_over_on, today)),
        rests_on="contact" if standby else "use",
        overrides=tuple(_changes(versions)),
    )


def started_homes(report: Report) -> StartedHomes:
    """The homes that started, by whether it became a habit.

    A home starts with its first use; with its first day in contact where the technology stands by: presses are no
    adoption. There a habit is as many days in contact as elsewhere days of use are asked for: a proposal of ours.
    """
    strips = list(report.homes)
    if report.trial.usage_class == "standby":
        strips = [replace(strip, states=strip.states.translate(IN_CONTACT)) for strip in strips]
    started = [strip for strip in strips if "U" in strip.states or "u" in strip.states]
    found = sustained(started, report.last_day, report.parameters)
    reasons = {strip.home: strip.end_reason for strip in started if _ended(strip, report)}
    gave_up = sum(home.answer == "unknown" and reasons.get(home.home) in GAVE_UP for home in found.homes)
    return StartedHomes(
        sustained=found.share.count,
        not_sustained=found.share.of - found.share.count + gave_up,
        too_early=found.too_early,
        unknown=found.unknown - gave_up,
    )


def _ended(strip: HomeStrip, report: Report) -> bool:
    return strip.ended_on is not None and strip.ended_on <= report.last_day


def _shown(gain: GainFigures) -> GainShown:
    change = gain.change
    return GainShown(
        gain.id,
        "lower" if gain.better == "lower" else "higher",
        gain.planned,
        change.level,
        change.low,
        change.high,
        gain.uncertain,
    )


def _criteria(package: TrialPackage, today: date) -> list[Criterion]:
    """The criteria of quality; one that is not met and has no day of judgement was not looked at yet."""
    found: list[entered_benefit.Criterion] = of_kind(package, entered_benefit.Criterion)
    return [Criterion(each.title, each.met if _judged(each, today) else None) for each in found]


def _judged(criterion: entered_benefit.Criterion, today: date) -> bool:
    if criterion.judged_on is None:
        return criterion.met
    return criterion.judged_on <= today


def _changes(versions: Sequence[Entry]) -> list[OverrideChange]:
    """What was held against the gates, version by version; one taken back names the gate that it was about."""
    found: list[OverrideChange] = []
    newest: dict[str, GateOverride] = {}
    for each in versions:
        said: GateOverride = each.data if each.data is not None else newest[each.entry]
        newest[each.entry] = said
        found.append(
            OverrideChange(
                said.gate,
                each.entered_at,
                each.entered_by,
                None if each.data is None else said.passed,
                said.by_name,
                said.reason,
            )
        )
    return found
