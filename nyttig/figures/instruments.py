"""Questionnaires and what they score: WHO-5, EQ-5D-5L by value set, SUS, and a trial's own. Told in docs/money.md.

The wording of WHO-5 and EQ-5D is its owners' (WHO, EuroQol) and is not contained here: only how answers are counted.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from statistics import fmean
from types import MappingProxyType
from typing import Any, Literal

from nyttig.errors import EntryError

DIMENSIONS = ("mobility", "self_care", "usual_activities", "pain_discomfort", "anxiety_depression")
"""The items of EQ-5D, in the order in which a state such as 11123 is written."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A score at or under which `meaning` (a stable key) is said of it."""

    key: str
    at_most: float


@dataclass(frozen=True, slots=True)
class Instrument:
    """A questionnaire of `items` whole-number answers from `lowest` to `highest`, and how they are scored.

    `scored` gets the answers when all are there; None where the instrument has no score. `better` says which way a score
    is good. A change of `notable_change` or more either way is worth a word; None where none is agreed upon.
    `reversed_items` count from 1: they point the other way than the score.
    """

    key: str
    items: int
    lowest: int
    highest: int
    score_lowest: float
    score_highest: float
    better: Literal["higher", "lower"]
    source: str
    scored: Callable[[tuple[int, ...]], float] | None
    version: str | None = None
    notable_change: float | None = None
    thresholds: tuple[Threshold, ...] = ()
    reversed_items: frozenset[int] = frozenset()

    def score(self, answers: Sequence[int | None]) -> float | None:
        """Return the score; None where an item was left out, or where there is none to be had.

        Raises EntryError for a wrong number of items and for an answer beside the scale.
        """
        if len(answers) != self.items:
            raise EntryError(
                "{questionnaire}: {answers} answers; enter {items}, and leave an item empty that was not answered",
                questionnaire=self.key,
                answers=len(answers),
                items=self.items,
            )
        for item, answer in enumerate(answers, start=1):
            if answer is not None:
                self._check(item, answer)
        complete = tuple(answer for answer in answers if answer is not None)
        return None if self.scored is None or len(complete) < self.items else self.scored(complete)

    def below(self, score: float) -> tuple[str, ...]:
        """Return the keys of the thresholds that this score is at or under."""
        return tuple(threshold.key for threshold in self.thresholds if score <= threshold.at_most)

    def turned(self, item: int, answer: int) -> int:
        """Return the answer as it counts: mirrored on the scale for a reversed item (items count from 1)."""
        return self.lowest + self.highest - answer if item in self.reversed_items else answer

    def _check(self, item: int, answer: int) -> None:
        if (
            isinstance(answer, bool)
            or not isinstance(answer, int)
            or not self.lowest <= answer <= self.highest
        ):
            raise EntryError(
                "{questionnaire}, item {item}: {answer!r} is beside the scale; enter a whole number from {lowest} to {highest}, "
                "or leave it empty",
                questionnaire=self.key,
                item=item,
                answer=answer,
                lowest=self.lowest,
                highest=self.highest,
            )


@dataclass(frozen=True, slots=True)
class ValueSet:
    """What the levels 1 to 5 of each dimension of EQ-5D-5L take off full health (1), and what any problem does at all."""

    key: str
    country: str
    version: str
    source: str
    constant: float
    mobility: tuple[float, ...]
    self_care: tuple[float, ...]
    usual_activities: tuple[float, ...]
    pain_discomfort: tuple[float, ...]
    anxiety_depression: tuple[float, ...]

    def value(self, levels: tuple[int, ...]) -> float:
        """Return what this state is worth: 1 is full health, 0 as bad as death, below 0 worse."""
        taken_off: float = sum(
            getattr(self, name)[level - 1] for name, level in zip(DIMENSIONS, levels, strict=True)
        )
        return round(1 - taken_off - (self.constant if max(levels) > 1 else 0.0), 6)


WHO5 = Instrument(
    key="who5",
    items=5,
    lowest=0,
    highest=5,
    score_lowest=0,
    score_highest=100,
    better="higher",
    source="WHO-5 well-being index; Topp, Østergaard, Søndergaard & Bech 2015 (sum · 4; 10 points are notable).",
    scored=lambda answers: 4.0 * sum(answers),
    notable_change=10,
    thresholds=(Threshold("low_wellbeing", 50), Threshold("possible_depression", 28)),
)

SUS = Instrument(
    key="sus",
    items=10,
    lowest=1,
    highest=5,
    score_lowest=0,
    score_highest=100,
    better="higher",
    source="System Usability Scale; Brooke 1996: 2.5 · (Σ odd items (x − 1) + Σ even items (5 − x)).",
    scored=lambda answers: 2.5 * (sum(answers[::2]) - sum(answers[1::2]) + 20),
    reversed_items=frozenset((2, 4, 6, 8, 10)),
)


def eq5d5l(value_set: ValueSet) -> Instrument:
    """Return EQ-5D-5L valued by this set. Scores by different sets are never compared or averaged together."""
    worst, best = (value_set.value((level,) * len(DIMENSIONS)) for level in (5, 1))
    return Instrument(
        key="eq5d5l",
        items=len(DIMENSIONS),
        lowest=1,
        highest=5,
        score_lowest=worst,
        score_highest=best,
        better="higher",
        source=value_set.source,
        scored=value_set.value,
        version=value_set.key,
        reversed_items=frozenset(range(1, len(DIMENSIONS) + 1)),
    )


def own(
    key: str,
    items: int,
    lowest: int,
    highest: int,
    reversed_items: Collection[int] = (),
) -> Instrument:
    """Return a questionnaire of the trial's own on one scale: its score is the mean of the items, reversed ones turned.

    A single item has no score: its answers are ranks, so they are shown as a distribution and never averaged.
    Raises EntryError for a scale without steps and for a reversed item that there is not.
    """
    if items < 1 or highest <= lowest:
        raise EntryError(
            "{questionnaire}: {items} items from {lowest} to {highest} ask nothing; give an item and two steps",
            questionnaire=key,
            items=items,
            lowest=lowest,
            highest=highest,
        )
    if strange := sorted(set(reversed_items) - set(range(1, items + 1))):
        raise EntryError(
            "{questionnaire}: there is no item {item} to reverse; items are 1 to {items}",
            questionnaire=key,
            item=strange[0],
            items=items,
        )
    turned = frozenset(reversed_items)

    def mean(answers: tuple[int, ...]) -> float:
        return fmean(
            lowest + highest - answer if item in turned else answer
            for item, answer in enumerate(answers, start=1)
        )

    return Instrument(
        key=key,
        items=items,
        lowest=lowest,
        highest=highest,
        score_lowest=lowest,
        score_highest=highest,
        better="higher",
        source="the trial's own",
        scored=mean if items > 1 else None,
        reversed_items=turned,
    )


def instrument(key: str, version: str | None = None) -> Instrument:
    """Return a known questionnaire; `version` is the value set of eq5d5l, which has no score without one.

    Raises EntryError naming what there is.
    """
    if key in (WHO5.key, SUS.key):
        return WHO5 if key == WHO5.key else SUS
    if key != "eq5d5l":
        raise EntryError(
            "there is no questionnaire {questionnaire!r}; take {known} or {last}, or give its items",
            questionnaire=key,
            known=f"{WHO5.key}, eq5d5l",
            last=SUS.key,
        )
    sets = value_sets()
    if version is None or version not in sets:
        raise EntryError(
            "there is no value set {version!r} of eq5d5l; take one of {known}",
            version=version,
            known=", ".join(sets),
        )
    return eq5d5l(sets[version])


@cache
def value_sets() -> MappingProxyType[str, ValueSet]:
    """Every value set that Nyttig knows, by key (nyttig/figures/value_sets.toml)."""
    return MappingProxyType(
        read_value_sets(files("nyttig").joinpath("figures/value_sets.toml").read_text(encoding="utf-8"))
    )


def read_value_sets(text: str) -> dict[str, ValueSet]:
    """Return the value sets of a TOML text, one table each.

    Raises EntryError where a field is missing or unknown, or a dimension has not five levels that take off more and more.
    """
    try:
        tables: dict[str, dict[str, Any]] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise EntryError(f"the value sets are no TOML: {error}; correct that line") from error
    wanted = {field.name for field in fields(ValueSet)} - {"key"}
    found = {}
    for key, table in tables.items():
        if odd := sorted(wanted ^ table.keys()):
            raise EntryError(
                f"value set {key!r}: {odd[0]} is missing or unknown; give {', '.join(sorted(wanted))}"
            )
        for name in DIMENSIONS:
            levels = table[name]
            if len(levels) != 5 or levels[0] != 0 or levels != sorted(levels):
                raise EntryError(
                    f"value set {key!r}: {name} is {levels}; give what levels 1 to 5 take off, from 0 upwards"
                )
        table.update({name: tuple(table[name]) for name in DIMENSIONS})
        found[key] = ValueSet(key=key, **table)
    return found
