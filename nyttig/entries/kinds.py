"""The kinds of what people enter, by their names: what each is made of, and in which table of a package it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from nyttig.column import Column, columns_of
from nyttig.entries import answers, benefit, life, people
from nyttig.model import Cost, Gain, Measure


@dataclass(frozen=True, slots=True)
class EntryKind:
    """A kind of entry. `table`: its file in a trial package. `of_trial`: it belongs to one trial.

    `key` is the field by which a trial has at most one of it.
    """

    name: str
    noun: type
    table: str
    of_trial: bool = True
    key: str | None = None

    @property
    def columns(self) -> tuple[Column, ...]:
        """What is asked for and stored."""
        return columns_of(self.noun)


KINDS: dict[str, EntryKind] = {
    each.name: each
    for each in (
        EntryKind("gain", Gain, "trial", key="id"),
        EntryKind("measure", Measure, "measures"),
        EntryKind("cost", Cost, "costs"),
        EntryKind("harm", benefit.Harm, "harms"),
        EntryKind("assessed_gain", benefit.AssessedGain, "assessed_gains"),
        EntryKind("rate", benefit.Rate, "rates"),
        EntryKind("realisation", benefit.Realisation, "realisations", key="gain"),
        EntryKind("assumption", benefit.Assumption, "assumptions", key="name"),
        EntryKind("design", benefit.Design, "designs"),
        EntryKind("criterion", benefit.Criterion, "criteria", key="title"),
        EntryKind("comparison", benefit.Comparison, "comparisons", key="home"),
        EntryKind("series_point", benefit.SeriesPoint, "series"),
        EntryKind("instrument", answers.Instrument, "instruments", key="key"),
        EntryKind("answer", answers.Answer, "answers"),
        EntryKind("registration_plan", answers.RegistrationPlan, "registration_plans"),
        EntryKind("registration", answers.Registration, "registrations"),
        EntryKind("feedback", answers.Feedback, "feedback"),
        EntryKind("mapping", answers.Mapping, "mappings", of_trial=False, key="system"),
        EntryKind("idea", life.Idea, "ideas", of_trial=False),
        EntryKind("vote", life.Vote, "votes", of_trial=False),
        EntryKind("programme", life.Programme, "programmes", of_trial=False, key="name"),
        EntryKind("phase", life.Phase, "phases", key="phase"),
        EntryKind("spend", life.Spend, "spend"),
        EntryKind("decision", life.Decision, "decisions"),
        EntryKind("cycle", life.Cycle, "cycles", key="number"),
        EntryKind("gate_override", life.GateOverride, "gate_overrides", key="gate"),
        EntryKind("handover", life.Handover, "handovers"),
        EntryKind("transfer", life.Transfer, "transfers"),
        EntryKind("demo_visit", people.DemoVisit, "demo_visits"),
        EntryKind("enquiry", people.Enquiry, "enquiries"),
        EntryKind("ambassador", people.Ambassador, "ambassadors", key="code"),
        EntryKind("ambassador_activity", people.AmbassadorActivity, "ambassador_activities"),
        EntryKind("suitability", people.Suitability, "suitability"),
        EntryKind("training", people.Training, "training"),
        EntryKind("adverse_event", people.AdverseEvent, "adverse_events"),
    )
}

_NAMES: dict[type, str] = {kind.noun: kind.name for kind in KINDS.values()}


def kind_of(data: object) -> EntryKind:
    """The kind of what was entered. Raises KeyError for anything else."""
    return KINDS[_NAMES[type(data)]]


def to_json(data: object) -> dict[str, Any]:
    """The fields that say something, as JSON holds them: days in ISO 8601."""
    values = {each.name: getattr(data, each.name) for each in fields(data)}  # type: ignore[arg-type]  # a dataclass
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
        if value is not None
    }


def from_json(kind: str, values: Mapping[str, Any]) -> Any:
    """What `to_json` wrote. A field that the kind no longer has is passed over."""
    noun = KINDS[kind].noun
    kinds = {column.name: column.kind for column in KINDS[kind].columns}
    return noun(
        **{
            name: date.fromisoformat(value) if kinds[name] == "date" else value
            for name, value in values.items()
            if name in kinds
        }
    )


def day_of(data: object) -> date | None:
    """The day on which it was, or is to be: its first date that must be filled in. None where it has none."""
    for column in kind_of(data).columns:
        if column.kind == "date" and column.required:
            day: date = getattr(data, column.name)
            return day
    return None
