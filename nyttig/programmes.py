"""Programmes: trials that belong together over units and services, side by side and, where that can be done, together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from nyttig.entries.life import Programme
from nyttig.errors import NotFoundError
from nyttig.figures.gates import GateName, Outcome
from nyttig.model import Entry
from nyttig.report import TrialFacts
from nyttig.side_by_side import (
    GainTogether,
    TransferSeen,
    TrialInProgramme,
    TrialPart,
    Units,
    seen_by,
    together,
)

GATES: tuple[GateName, ...] = ("new", "useful", "put_to_use")


@dataclass(frozen=True, slots=True)
class ProgrammeNode:
    """A programme in the tree of programmes. `depth` is 0 for one that is part of no other.

    `entry` and `version` are what a page changes it by, None where only a trial or another programme names it. `trials`
    are its own, `trials_total` counts those of its parts, too. `loop`: it was said to be part of a programme that is
    part of itself; that is left out.
    """

    name: str
    part_of: str | None
    depth: int
    entry: str | None
    version: int | None
    aim: str | None
    owner: str | None
    trials: tuple[str, ...]
    trials_total: int
    loop: bool


@dataclass(frozen=True, slots=True)
class TrialNamed:
    """A trial by its id and title."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Programmes:
    """All programmes, each followed by its parts, and the trials that the asker may see and that belong to none."""

    programmes: tuple[ProgrammeNode, ...]
    trials_of_none: tuple[TrialNamed, ...]


@dataclass(frozen=True, slots=True)
class TechnologyGates:
    """How far a technology has come in the programme's trials, `trials` of them: the best that any of them holds."""

    technology: str
    titles: dict[str, str]
    trials: tuple[str, ...]
    new: Outcome
    useful: Outcome
    put_to_use: Outcome


@dataclass(frozen=True, slots=True)
class GateCount:
    """How many of the programme's technologies stand how at a gate. All are counted: no sample, so no interval."""

    gate: GateName
    of: int
    passed: int
    not_passed: int
    cannot_tell: int


@dataclass(frozen=True, slots=True)
class ProgrammeReport:
    """A programme with its parts and all their trials. `path` are the programmes that it is part of, the outermost first.

    `as_of` is the oldest moment of its trials' figures, None without a trial. Nothing is summed over trials, and what
    several units show is pooled from those units alone that the asker may see.
    """

    programme: ProgrammeNode
    path: tuple[str, ...]
    parts: tuple[ProgrammeNode, ...]
    as_of: datetime | None
    trials: tuple[TrialInProgramme, ...]
    together: tuple[GainTogether, ...]
    technologies: tuple[TechnologyGates, ...]
    gates: tuple[GateCount, ...]
    transfers: tuple[TransferSeen, ...]


def programmes(entered: Sequence[Entry], trials: Sequence[TrialFacts]) -> Programmes:
    """All programmes that were entered or are named by a trial or another programme, each followed by its parts.

    entered: the current entries of kind `programme`. trials: those that the asker may see.
    """
    return Programmes(
        _tree(entered, trials),
        tuple(TrialNamed(each.id, each.title) for each in trials if not _named(each.programme)),
    )


def trials_within(name: str, entered: Sequence[Entry], trials: Sequence[TrialFacts]) -> tuple[str, ...]:
    """The ids of the trials of a programme and of its parts. Raises NotFoundError."""
    node, parts = _within(name, _tree(entered, trials))
    return tuple(trial for each in (node, *parts) for trial in each.trials)


def programme(
    name: str,
    entered: Sequence[Entry],
    trials: Sequence[TrialFacts],
    parts: Mapping[str, TrialPart],
    units: Units = None,
) -> ProgrammeReport:
    """The programme of that name. `parts` are its trials' (see `trials_within`) by their ids. Raises NotFoundError.

    What belongs to a unit that is not among `units` is left out: its figures, its share of what is pooled, its gate, and
    the spread from it or to it.
    """
    tree = _tree(entered, trials)
    node, below = _within(name, tree)
    seen = [
        seen_by(parts[trial], units) for each in (node, *below) for trial in each.trials if trial in parts
    ]
    technologies = tuple(_technologies(seen))
    return ProgrammeReport(
        programme=node,
        path=tuple(_path(node, tree)),
        parts=below,
        as_of=min((part.told.as_of for part in seen), default=None),
        trials=tuple(part.told for part in seen),
        together=tuple(together(seen)),
        technologies=technologies,
        gates=tuple(_count(gate, technologies) for gate in GATES),
        transfers=tuple(transfer for part in seen for transfer in part.transfers),
    )


def _named(name: str | None) -> str:
    return (name or "").strip()


def _tree(entered: Sequence[Entry], trials: Sequence[TrialFacts]) -> tuple[ProgrammeNode, ...]:
    """Every programme, those of no other in the order in which they were entered or named, each followed by its parts."""
    entries = {_named(each.data.name): each for each in entered}
    own: dict[str, list[str]] = defaultdict(list)
    for trial in trials:
        own[_named(trial.programme)].append(trial.id)
    said = {name: _named(each.data.part_of) for name, each in entries.items()}
    names = [name for name in dict.fromkeys((*entries, *said.values(), *own)) if name]
    parent: dict[str, str] = {}
    for name, outer in said.items():
        if outer and name not in _chain(outer, parent):
            parent[name] = outer

    def nodes(name: str, depth: int) -> Iterator[ProgrammeNode]:
        inner = [each for part in names if parent.get(part) == name for each in nodes(part, depth + 1)]
        entry = entries.get(name)
        data: Programme | None = None if entry is None else entry.data
        yield ProgrammeNode(
            name=name,
            part_of=parent.get(name),
            depth=depth,
            entry=None if entry is None else entry.entry,
            version=None if entry is None else entry.version,
            aim=None if data is None else data.aim,
            owner=None if data is None else data.owner,
            trials=tuple(own[name]),
            trials_total=len(own[name]) + sum(len(each.trials) for each in inner),
            loop=bool(said.get(name)) and name not in parent,
        )
        yield from inner

    return tuple(node for name in names if name not in parent for node in nodes(name, 0))


def _chain(name: str | None, parent: Mapping[str, str]) -> Iterator[str]:
    """The programme and those that it is part of, the innermost first."""
    while name is not None:
        yield name
        name = parent.get(name)


def _within(name: str, tree: Sequence[ProgrammeNode]) -> tuple[ProgrammeNode, tuple[ProgrammeNode, ...]]:
    """The programme and all its parts. Raises NotFoundError."""
    place = next((place for place, node in enumerate(tree) if node.name == _named(name)), None)
    if place is None:
        known = ", ".join(node.name for node in tree) or "none yet; enter one, or name it in a trial.toml"
        raise NotFoundError(
            "there is no programme {programme!r}; programmes: {known}", programme=name, known=known
        )
    node = tree[place]
    end = next((later for later in range(place + 1, len(tree)) if tree[later].depth <= node.depth), len(tree))
    return node, tuple(tree[place + 1 : end])


def _path(node: ProgrammeNode, tree: Sequence[ProgrammeNode]) -> list[str]:
    parent = {each.name: each.part_of for each in tree if each.part_of is not None}
    return list(_chain(node.part_of, parent))[::-1]


def _technologies(parts: Sequence[TrialPart]) -> Iterator[TechnologyGates]:
    of: dict[str, list[TrialInProgramme]] = defaultdict(list)
    for part in parts:
        of[part.told.trial.technology].append(part.told)
    for technology, told in sorted(of.items()):
        holds = {
            gate: _best([each.holds for trial in told for each in trial.gates if each.gate == gate])
            for gate in GATES
        }
        yield TechnologyGates(
            technology,
            told[0].trial.technology_titles,
            tuple(each.trial.id for each in told),
            holds["new"],
            holds["useful"],
            holds["put_to_use"],
        )


def _best(outcomes: Sequence[Outcome]) -> Outcome:
    """Passed where any is; not passed only where all are not: what cannot be told might be passed."""
    if "passed" in outcomes:
        return "passed"
    return "not_passed" if outcomes and set(outcomes) == {"not_passed"} else "cannot_tell"


def _count(gate: GateName, technologies: Sequence[TechnologyGates]) -> GateCount:
    found: list[Outcome] = [_held(each, gate) for each in technologies]
    return GateCount(
        gate, len(found), found.count("passed"), found.count("not_passed"), found.count("cannot_tell")
    )


def _held(told: TechnologyGates, gate: GateName) -> Outcome:
    return {"new": told.new, "useful": told.useful, "put_to_use": told.put_to_use}[gate]
