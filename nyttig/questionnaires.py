"""The questionnaires that a trial can use, and what was answered to them, each with its score."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import date

from nyttig.entries.answers import Answer
from nyttig.entries.answers import Instrument as OwnInstrument
from nyttig.errors import EntryError
from nyttig.figures.instruments import Threshold, value_sets
from nyttig.indicators import STANDARD_INSTRUMENTS, instrument_called, item_lines, of_kind, score
from nyttig.model import TrialPackage


@dataclass(frozen=True, slots=True)
class ScoringVersion:
    """One way of scoring a questionnaire: the value set of a country."""

    key: str
    country: str
    source: str


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """How a questionnaire is filled in and scored.

    `title` and `texts` are those of the trial's own; of a known one they are None and empty: its wording is its owner's.
    Answers are whole numbers from `lowest` to `highest`. Without a `score_lowest` it has no score: a single item's
    answers are ranks. A score at or under a threshold is said with care, by its key.
    """

    key: str
    title: str | None
    items: int
    texts: tuple[str, ...]
    lowest: int
    highest: int
    lowest_means: str | None
    highest_means: str | None
    answered_by: str
    score_lowest: float | None
    score_highest: float | None
    better: str
    notable_change: float | None
    thresholds: tuple[Threshold, ...]
    versions: tuple[ScoringVersion, ...]
    source: str


@dataclass(frozen=True, slots=True)
class ScoredAnswer:
    """One filled-in questionnaire with its score; None: it has none, or an item was left out (`left_out` of them).

    `at_most` are the keys of the thresholds that the score is at or under. `problem`: why it cannot be counted at all.
    """

    entry: str
    instrument: str
    answered_on: date
    period: str
    respondent: str
    home: str | None
    unit: str | None
    way: str | None
    left_out: int
    score: float | None
    at_most: tuple[str, ...]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Questionnaires:
    """What can be asked, the trial's own last, and what was answered, the oldest first."""

    trial_id: str
    questionnaires: tuple[Questionnaire, ...]
    answers: tuple[ScoredAnswer, ...]


def questionnaires(package: TrialPackage, units: Container[str] | None = None) -> Questionnaires:
    """What a trial can ask and what was answered; answers of these units alone, where they are named."""
    own: dict[str, OwnInstrument] = {each.key: each for each in of_kind(package, OwnInstrument)}
    asked = []
    for key in (*STANDARD_INSTRUMENTS, *own):
        try:
            asked.append(_questionnaire(package, key, own.get(key)))
        except EntryError:
            continue  # loaded as it stands in a folder: what cannot be asked is not offered
    where = {home.home: home.unit for home in package.homes}
    answers = tuple(
        _answered(package, each.entry, each.data)
        for each in package.entries
        if isinstance(each.data, Answer)
        and (units is None or (where.get(each.data.home or "") or each.data.unit or "") in units)
    )
    return Questionnaires(package.trial.id, tuple(asked), answers)


def _questionnaire(package: TrialPackage, key: str, own: OwnInstrument | None) -> Questionnaire:
    known = instrument_called(package, key)
    return Questionnaire(
        key=key,
        title=None if own is None else own.title,
        items=known.items,
        texts=() if own is None else tuple(item_lines(own)),
        lowest=known.lowest,
        highest=known.highest,
        lowest_means=None if own is None else own.lowest_means,
        highest_means=None if own is None else own.highest_means,
        answered_by="resident" if own is None else own.answered_by,
        score_lowest=None if known.scored is None else known.score_lowest,
        score_highest=None if known.scored is None else known.score_highest,
        better=known.better,
        notable_change=known.notable_change,
        thresholds=known.thresholds,
        versions=tuple(ScoringVersion(each.key, each.country, each.source) for each in value_sets().values())
        if key == "eq5d5l"
        else (),
        source=known.source,
    )


def _answered(package: TrialPackage, entry: str, answer: Answer) -> ScoredAnswer:
    told: float | None = None
    below: tuple[str, ...] = ()
    problem = None
    try:
        told = score(package, answer)
        if told is not None:
            below = instrument_called(package, answer.instrument, answer.value_set).below(told)
    except EntryError as error:
        problem = str(error)
    left_out = sum(each in ("-", "–") for each in answer.items.split())
    return ScoredAnswer(
        entry,
        answer.instrument,
        answer.answered_on,
        answer.period,
        answer.respondent,
        answer.home,
        answer.unit,
        answer.way,
        left_out,
        told,
        below,
        problem,
    )
