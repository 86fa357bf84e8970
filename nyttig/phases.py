"""The phases of a trial: their order, when each began, and what keeps one from beginning."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple, get_args

from nyttig.entries.life import Cycle, Decision, Handover, Phase, PhaseName
from nyttig.errors import EntryError
from nyttig.gains import baseline
from nyttig.indicators import of_kind
from nyttig.model import TrialPackage

ORDER: tuple[PhaseName, ...] = get_args(PhaseName)
"""From the idea to the line's operation, and last of all stopped."""


class Beginning(NamedTuple):
    """The day on which a phase became the trial's."""

    day: date
    phase: PhaseName


def beginnings(phases: Sequence[Phase], decisions: Sequence[Decision], today: date) -> list[Beginning]:
    """Which phase began when, up to `today`, the first first; the trial is in the last one.

    A phase begins on its first day, or where a decision sends the trial into it: then not before that first day, unless
    the trial goes back. Planned days alone lead forward only, and never out of `stopped`.
    """
    planned = {phase.phase: phase.starts_on for phase in phases}
    told = [(Beginning(day, phase), False) for phase, day in planned.items()]
    for decision in decisions:
        phase = leads_to(decision)
        if phase is not None:
            told.append((Beginning(max(decision.decided_on, planned.get(phase, date.min)), phase), True))
    told.sort(key=lambda each: (each[0].day, each[1], 0 if each[1] else ORDER.index(each[0].phase)))
    found: list[Beginning] = []
    for each, decided in told:
        place = ORDER.index(found[-1].phase) if found else -1
        if each.day <= today and (
            ORDER.index(each.phase) > place or (decided and each.phase != found[-1].phase)
        ):
            found.append(each)
    return found


def phase_on(began: Sequence[Beginning], day: date) -> PhaseName | None:
    """The phase that the trial was in on a day; None before the first one."""
    return next((each.phase for each in reversed(began) if each.day <= day), None)


def leads_to(decision: Decision) -> PhaseName | None:
    """The phase into which a decision sends the trial; None where it stays in its own."""
    if decision.decision == "stop":
        return "stopped"
    if decision.decision == "put_to_use":
        return "operation"
    return decision.next_phase


def refuse(package: TrialPackage, data: Phase | Decision | Cycle, before: object, today: date) -> None:
    """A phase or a decision keeps to the order and to what must be there first; nothing ends before it starts.

    `package` is the trial as it stands, `before` what the entry said until now (None: it is new). What had begun before
    is not refused again. Raises EntryError naming field, value and remedy.
    """
    if isinstance(data, Phase | Cycle) and data.starts_on and data.ends_on and data.ends_on < data.starts_on:
        raise EntryError(
            "'{day}' is before it starts ('{start_day}'); correct one of the two",
            field="ends_on",
            day=data.ends_on,
            start_day=data.starts_on,
        )
    if isinstance(data, Decision):
        _refuse_order(data)
    begins = _begins(data, today)
    if begins == _begins(before, today):
        return
    field = _field(data)
    if begins == "main_project":
        _refuse_without_baseline(package, field)
    if begins == "operation" and not of_kind(package, Handover):
        raise EntryError(
            "{phase!r} needs somebody in the line who takes it on; enter the hand-over with its line owner (line_owner) first",
            field=field,
            phase=begins,
        )


def _begins(data: object, today: date) -> PhaseName | None:
    """The phase that begins by this; None where none does, or not yet."""
    if isinstance(data, Decision):
        return leads_to(data)
    return data.phase if isinstance(data, Phase) and data.starts_on <= today else None


def _field(data: object) -> str:
    """The field that says which phase begins."""
    if isinstance(data, Decision):
        return "decision" if data.next_phase is None else "next_phase"
    return "phase"


def _refuse_order(decision: Decision) -> None:
    wanted = leads_to(decision)
    if decision.next_phase is not None and decision.next_phase != wanted:
        raise EntryError(
            "{phase!r} does not go with the decision {decision!r}, which leads to {other_phase!r}; leave it empty, or decide "
            "otherwise",
            field="next_phase",
            phase=decision.next_phase,
            decision=decision.decision,
            other_phase=wanted,
        )
    if wanted is None or wanted == "stopped" or ORDER.index(wanted) <= ORDER.index(decision.phase) + 1:
        return
    following = ORDER[ORDER.index(decision.phase) + 1]
    raise EntryError(
        "{phase!r} does not follow on {earlier_phase!r}, but {next_phase!r} does; a decision leads one phase on, back to an "
        "earlier one, or to {last_phase!r}",
        field=_field(decision),
        phase=wanted,
        earlier_phase=decision.phase,
        next_phase=following,
        last_phase=ORDER[-1],
    )


def _refuse_without_baseline(package: TrialPackage, field: str) -> None:
    missing = [
        gain for gain in package.trial.gains if gain.planned and baseline(package, gain).kind == "missing"
    ]
    if missing:
        named = ", ".join(f"{gain.title!r} ({gain.id})" for gain in missing)
        raise EntryError(
            "{phase!r} cannot begin before each planned gain has a baseline, and these have none: {gains}; measure it before "
            "the start, or enter it at the gain (baseline_value, baseline_on, baseline_by), or waive it there with a reason "
            "and a name (waiver_reason, waived_by)",
            field=field,
            phase="main_project",
            gains=named,
        )
