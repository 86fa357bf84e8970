"""Ideas that become trials: the step from a need that somebody saw to a trial with its first phase."""

from __future__ import annotations

import re
import tempfile
import unicodedata
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from nyttig import entering
from nyttig.entries.life import Idea
from nyttig.errors import ClashError, EntryError, Fault, NotFoundError, Problem
from nyttig.model import Entry, Technology, Trial, TrialPackage, UsageClass
from nyttig.package.technologies import LANGUAGES, builtin_technologies
from nyttig.package.trial import FILE, read_trial
from nyttig.package.write import trial_toml
from nyttig.saying import Saying
from nyttig.store import entries, registry, technologies
from nyttig.store.db import Session


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """What an idea becomes: a trial without homes yet.

    `technology` is the key of one that is known, or the title of a new one, which then is of the class `usage_class` and
    counts nothing until a trial's folder says what a use of it is. `phase` is the one that begins today.
    """

    id: str
    title: str
    units: tuple[str, ...]
    technology: str
    timezone: str
    currency: str
    starts: date
    programme: str | None = None
    usage_class: UsageClass = "on_demand"
    phase: Literal["idea", "pre_study"] = "pre_study"


def become_trial(
    connection: Session, entry: str, version: int, plan: TrialPlan, *, by: str, at: datetime
) -> Entry:
    """The idea is a trial, in the current transaction: an empty one, in its first phase. Returns the idea as it is now.

    `version` is that of the idea as it was seen. Raises EntryError naming what is wrong in the plan, ClashError where the
    idea is a trial already or the trial's id is taken or somebody changed the idea meanwhile, NotFoundError.
    """
    idea = _idea(connection, entry)
    if plan.id in registry.trial_ids(connection):
        raise ClashError(
            "there is a trial {trial!r} already; give this one another id", field="id", trial=plan.id
        )
    package = _package(connection, plan)
    changed = entries.change(
        connection, entry, replace(idea, status="trial", trial=plan.id), version=version, by=by, at=at
    )
    registry.save(connection, package, builtin_technologies(), by=by)
    today = at.astimezone(ZoneInfo(plan.timezone)).date()
    goals = {"effect_goals": idea.need}
    raised = {"phase": "idea", "starts_on": min(idea.raised_on, today).isoformat(), "owner": idea.raised_by}
    begun = [raised | (goals if plan.phase == "idea" else {})]
    if plan.phase == "pre_study":
        begun.append({"phase": "pre_study", "starts_on": today.isoformat(), **goals})
    for values in begun:
        entering.enter(connection, "phase", values, trial_id=plan.id, by=by, at=at)
    return changed


def _idea(connection: Session, entry: str) -> Idea:
    known = entries.versions(connection, entry)[-1]
    if known.kind != "idea":
        raise NotFoundError(
            "there is no idea {entry!r}, but {kind} of that name; the list of ideas names them",
            entry=entry,
            kind=known.kind,
        )
    if known.data is None:
        raise ClashError("the idea was taken back; undo that first")
    idea: Idea = known.data
    if idea.status == "trial":
        raise ClashError(
            "the idea is the trial {trial!r} already; undo that first, or enter another idea",
            trial=idea.trial,
        )
    return idea


def _package(connection: Session, plan: TrialPlan) -> TrialPackage:
    """The trial, checked as one that comes in a folder. Raises EntryError."""
    known = {**builtin_technologies(), **{each.id: each for each in technologies.read(connection)}}
    technology = known.get(plan.technology) or _plain(plan, known)
    trial = Trial(
        id=plan.id,
        title=plan.title,
        programme=plan.programme,
        units=plan.units,
        technology=technology.id,
        timezone=plan.timezone,
        currency=plan.currency,
        starts=plan.starts,
    )
    problems: list[Problem] = []
    with tempfile.TemporaryDirectory(prefix="nyttig-trial-") as folder:
        (Path(folder) / FILE).write_text(trial_toml(trial, (technology,)), encoding="utf-8")
        read = read_trial(Path(folder), known | {technology.id: technology}, problems)
    if problems or read.trial is None:
        raise EntryError(
            *(
                Fault(each.column, Saying("{value!r} {remedy}", value=each.value, remedy=each.remedy))
                for each in problems
            )
        )
    return TrialPackage(trial=read.trial, technologies=(technology,))


def _plain(plan: TrialPlan, known: dict[str, Technology]) -> Technology:
    """A technology of which only the title is known. Its key is made from that."""
    letters = plan.technology.casefold().replace("æ", "ae").translate(str.maketrans("øå", "oa"))
    ascii_only = unicodedata.normalize("NFKD", letters).encode("ascii", "ignore").decode()
    key = re.sub(r"[^a-z0-9]+", "_", ascii_only).strip("_")
    if not key:
        raise EntryError(
            "{technology!r} has no letter; give a title, or the key of a known one",
            field="technology",
            technology=plan.technology,
        )
    return known.get(key) or Technology(
        id=key,
        titles=dict.fromkeys(LANGUAGES, plan.technology.strip()),
        usage_class=plan.usage_class,
        use_rules=(),
    )
