"""Trials of a programme side by side, and what several units show of the same gain, together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import fmean

from nyttig.benefit import Benefit, GainBenefit
from nyttig.entries.life import PhaseName, Transfer
from nyttig.figures.adoption import Coverage, UseDayRate
from nyttig.figures.gates import Gate, GateName, Outcome
from nyttig.figures.intervals import t_interval
from nyttig.figures.ordinal import Ordinal
from nyttig.figures.paired import HOMES_FOR_INFERENCE
from nyttig.figures.participation import Participation
from nyttig.figures.pooled import Pooled, UnitEstimate, pool, unit_estimate
from nyttig.gains import Change
from nyttig.life import Life
from nyttig.model import Entry
from nyttig.report import Report, TrialFacts

Units = Collection[str] | None
"""The units that whoever asks may see; None: all."""


@dataclass(frozen=True, slots=True)
class GateStanding:
    """How a trial stands at a gate: what was computed and why, and what counts. `unit` is named by the gate `new` only."""

    gate: GateName
    unit: str | None
    outcome: Outcome
    reason: str
    holds: Outcome
    overridden: bool


@dataclass(frozen=True, slots=True)
class UnitAdoption:
    """How one unit's homes use it, as in the trial's report. `participation` is None where nothing is due."""

    unit: str
    homes: int
    use_day_rate: UseDayRate
    coverage: Coverage
    participation: Participation | None


@dataclass(frozen=True, slots=True)
class GainInTrial:
    """What is quoted of one gain of a trial: its change with interval, n and level; `answers` of an item without mean."""

    id: str
    title: str
    type: str
    perspective: str
    indicator: str
    better: str
    target: float | None
    planned: bool
    uncertain: bool
    change: Change
    answers: Ordinal | None


@dataclass(frozen=True, slots=True)
class TrialInProgramme:
    """One trial, of all its homes, as in its own report; of its units only those that the asker may see are named.

    `homes` are those in which it was installed. `gains` stand by how well they are evidenced, not by what they show:
    the higher level first, then those that are not uncertain, then those with more homes.
    """

    trial: TrialFacts
    as_of: datetime
    homes: int
    phase: PhaseName | None
    gates: tuple[GateStanding, ...]
    use_day_rate: UseDayRate
    coverage: Coverage
    participation: Participation | None
    units: tuple[UnitAdoption, ...]
    gains: tuple[GainInTrial, ...]


@dataclass(frozen=True, slots=True)
class UnitGain:
    """One unit's mean change (after − before) in the homes with the technology, in the indicator's unit.

    `low` to `high` is Student's 95 % interval, None under five homes; `level` is 1 with it, else 0. `pooled`: it is part
    of the pooled mean. `uncertain`: too little was registered in its trial. `estimate` is None without a home.
    """

    trial: str
    unit: str
    homes: int
    estimate: float | None
    low: float | None
    high: float | None
    level: int
    pooled: bool
    uncertain: bool


@dataclass(frozen=True, slots=True)
class GainTogether:
    """One gain in several units: of one trial, or of all the programme's trials of a technology (`trials` names them).

    `pooled.units` bear the names of units, and, across trials, of unit and trial. `units_twice` stand in more than one of
    the trials: their homes may be the same, so that the pooled interval may be too narrow.
    `currency` is that of a gain in money. All of it rests on before and after in the same homes, whatever a trial's own
    design.
    """

    technology: str
    technology_titles: dict[str, str]
    indicator: str
    better: str
    type: str
    currency: str | None
    titles: tuple[str, ...]
    trials: tuple[str, ...]
    units: tuple[UnitGain, ...]
    pooled: Pooled
    units_twice: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TransferSeen:
    """A unit that takes on what another tried, as it was entered about a trial."""

    trial: str
    technology: str
    technology_titles: dict[str, str]
    entry: str
    version: int
    transfer: Transfer


@dataclass(frozen=True, slots=True)
class TrialPart:
    """What a programme takes from one trial, of all its units. `changes` holds each home's change by gain and unit."""

    told: TrialInProgramme
    changes: Mapping[str, Mapping[str, tuple[float, ...]]]
    transfers: tuple[TransferSeen, ...]


def trial_part(report: Report, benefit: Benefit, life: Life, transfers: Sequence[Entry]) -> TrialPart:
    """What a programme takes from this trial. transfers: the trial's current entries of kind `transfer`."""
    trial = report.trial
    counted = [gain for gain in benefit.gains if gain.figures.status != "dropped"]
    found = life.gates
    told = TrialInProgramme(
        trial=trial,
        as_of=report.as_of,
        homes=report.data.homes,
        phase=life.current,
        gates=tuple(_standing(gate) for gate in (*found.new, found.useful, found.put_to_use)),
        use_day_rate=report.use_day_rate,
        coverage=report.coverage,
        participation=None if report.participation is None else report.participation.steady,
        units=tuple(
            UnitAdoption(each.unit, each.homes, each.use_day_rate, each.coverage, each.participation)
            for each in report.units
        ),
        gains=tuple(sorted(map(_gain, counted), key=_evidenced)),
    )
    return TrialPart(
        told,
        {gain.figures.id: _changes(gain) for gain in counted},
        tuple(
            TransferSeen(
                trial.id, trial.technology, trial.technology_titles, each.entry, each.version, each.data
            )
            for each in transfers
        ),
    )


def seen_by(part: TrialPart, units: Units) -> TrialPart:
    """The same with those units alone, and the spread between two of them."""
    if units is None:
        return part
    told = part.told
    return TrialPart(
        replace(
            told,
            trial=replace(told.trial, units=tuple(unit for unit in told.trial.units if unit in units)),
            gates=tuple(gate for gate in told.gates if gate.unit is None or gate.unit in units),
            units=tuple(each for each in told.units if each.unit in units),
        ),
        {
            gain: {unit: changes for unit, changes in by_unit.items() if unit in units}
            for gain, by_unit in part.changes.items()
        },
        tuple(
            each
            for each in part.transfers
            if each.transfer.origin_unit in units and each.transfer.receiving_unit in units
        ),
    )


def together(parts: Sequence[TrialPart]) -> Iterator[GainTogether]:
    """Each gain across trials of the same technology, then each in the units of one trial, technology by technology."""
    alike: dict[tuple[str, ...], list[tuple[TrialPart, GainInTrial]]] = defaultdict(list)
    for part in parts:
        for gain in part.told.gains:
            if gain.answers is None:
                what = part.told.trial.technology, gain.indicator, gain.better, _currency(part, gain) or ""
                alike[what].append((part, gain))
    for _, same in sorted(alike.items()):
        if len({part.told.trial.id for part, _ in same}) > 1:
            yield _gathered(same)
        for trial in dict.fromkeys(part.told.trial.id for part, _ in same):
            of_one = [each for each in same if each[0].told.trial.id == trial]
            if len(of_one[0][0].told.trial.units) > 1:
                yield _gathered(of_one)


def _standing(gate: Gate) -> GateStanding:
    unit = gate.shown.get("unit")
    return GateStanding(
        gate.name,
        None if unit is None else str(unit),
        gate.outcome,
        gate.reason,
        gate.holds,
        gate.override is not None,
    )


def _gain(gain: GainBenefit) -> GainInTrial:
    told = gain.figures
    return GainInTrial(
        id=told.id,
        title=told.title,
        type=told.type,
        perspective=told.perspective,
        indicator=told.indicator,
        better=told.better,
        target=told.target,
        planned=told.planned,
        uncertain=told.uncertain,
        change=told.change,
        answers=told.answers,
    )


def _evidenced(gain: GainInTrial) -> tuple[int, bool, bool, int]:
    """By this gains are sorted: nothing in it says which way one went, or how far."""
    measured = gain.change.low is not None or gain.answers is not None
    return -gain.change.level, not measured, gain.uncertain, -gain.change.n


def _changes(gain: GainBenefit) -> dict[str, tuple[float, ...]]:
    """Each home's change by unit; nothing of a single item, whose steps have no mean."""
    found: dict[str, list[float]] = defaultdict(list)
    if gain.figures.answers is None:
        for pair in gain.figures.homes:
            found[pair.unit].append(pair.after - pair.before)
    return {unit: tuple(changes) for unit, changes in found.items()}


def _currency(part: TrialPart, gain: GainInTrial) -> str | None:
    """The currency of what is counted in money: such gains can be put together in one only."""
    return part.told.trial.currency if gain.type == "cost" else None


def _gathered(same: Sequence[tuple[TrialPart, GainInTrial]]) -> GainTogether:
    first, gain = same[0]
    trials = tuple(dict.fromkeys(part.told.trial.id for part, _ in same))
    names: list[str] = []
    rows: list[UnitGain] = []
    measured: list[UnitEstimate] = []
    taken: set[tuple[str, str]] = set()
    for part, told in same:
        trial, by_unit = part.told.trial, part.changes[told.id]
        for unit in dict.fromkeys((*trial.units, *by_unit)):
            if (trial.id, unit) in taken:  # a trial may name one indicator in two of its gains
                continue
            taken.add((trial.id, unit))
            names.append(unit if len(trials) == 1 else f"{unit} ({trial.id})")
            changes = by_unit.get(unit, ())
            rows.append(_row(trial.id, unit, changes, uncertain=told.uncertain))
            if changes:
                measured.append(unit_estimate(names[-1], changes))
    pooled = pool(measured)
    left_out = set(pooled.not_pooled)
    rows = [
        replace(row, pooled=pooled.random is not None and row.homes > 0 and name not in left_out)
        for name, row in zip(names, rows, strict=True)
    ]
    units = [row.unit for row in rows]
    return GainTogether(
        technology=first.told.trial.technology,
        technology_titles=first.told.trial.technology_titles,
        indicator=gain.indicator,
        better=gain.better,
        type=gain.type,
        currency=_currency(first, gain),
        titles=tuple(dict.fromkeys(told.title for _, told in same)),
        trials=trials,
        units=tuple(rows),
        pooled=pooled,
        units_twice=tuple(unit for unit in dict.fromkeys(units) if units.count(unit) > 1),
    )


def _row(trial: str, unit: str, changes: Sequence[float], *, uncertain: bool) -> UnitGain:
    interval = t_interval(changes) if len(changes) >= HOMES_FOR_INFERENCE else None
    low, high = interval or (None, None)
    return UnitGain(
        trial,
        unit,
        len(changes),
        fmean(changes) if changes else None,
        low,
        high,
        level=0 if interval is None else 1,
        pooled=False,
        uncertain=uncertain,
    )
