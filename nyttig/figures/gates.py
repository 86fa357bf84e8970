"""Nytt, nyttig, nyttiggjort: is it new here, is it useful, and was it put to use? Told in docs/money.md.

Each gate is computed from what the trial shows and says why; a named person may hold against it, with a text, and
the computed answer stays beside. `reason` and the keys of `shown` are stable, pages put them into words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from nyttig.errors import EntryError

GateName = Literal["new", "useful", "put_to_use"]
Outcome = Literal["passed", "not_passed", "cannot_tell"]

SUSTAINED_RATIO_REQUIRED = 0.7
"""In so large a share of the homes that started it must have become a habit. A proposal of ours; a parameter."""


_OF_USEFUL: dict[Outcome, str] = {
    "passed": "useful",
    "not_passed": "not_useful",
    "cannot_tell": "usefulness_unknown",
}


@dataclass(frozen=True, slots=True)
class EarlierTrial:
    """A trial of the same technology that began before this one, in any unit."""

    trial: str
    technology: str
    unit: str
    started_on: date


@dataclass(frozen=True, slots=True)
class GainShown:
    """What a trial shows of one gain: `low` to `high` is the 95 % interval of the change, None where there is none.

    `level` is that of the evidence, 0 (case) to 5 (randomised).
    """

    id: str
    better: Literal["lower", "higher"]
    planned: bool
    level: int
    low: float | None
    high: float | None
    uncertain: bool = False

    @property
    def is_measured(self) -> bool:
        """Whether there is an interval at level 1 or above."""
        return self.level >= 1 and self.low is not None and self.high is not None

    def shows(self, direction: Literal["lower", "higher"]) -> bool:
        """Whether all of a measured interval lies on that side of 0."""
        if not self.is_measured or self.low is None or self.high is None:
            return False
        return self.high < 0 if direction == "lower" else self.low > 0


@dataclass(frozen=True, slots=True)
class Criterion:
    """A criterion of quality that was agreed upon, and whether it is met; None: not looked at yet."""

    id: str
    met: bool | None


@dataclass(frozen=True, slots=True)
class StartedHomes:
    """Homes that started, by whether it became a habit; `too_early`: their 90 days have not passed; `unknown`: they
    have, and too few days were observed."""

    sustained: int
    not_sustained: int
    too_early: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Override:
    """What a named person holds of a gate against what was computed, and why."""

    outcome: Outcome
    by_name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate: what was computed, why, the numbers and names behind it, and what somebody holds against it."""

    name: GateName
    outcome: Outcome
    reason: str
    shown: dict[str, object]
    override: Override | None = None

    @property
    def holds(self) -> Outcome:
        """What counts: the override's outcome where there is one, else the computed."""
        return self.outcome if self.override is None else self.override.outcome


def new(technology: str, unit: str, starts: date, earlier: Sequence[EarlierTrial] | None) -> Gate:
    """Return whether this is the unit's first trial of the technology; a solution known elsewhere may be new here.

    `earlier` None: nobody knows what was tried before.
    """
    if earlier is None:
        return Gate("new", "cannot_tell", "history_unknown", {"unit": unit, "technology": technology})
    same = [one for one in earlier if one.technology == technology and one.started_on < starts]
    here = tuple(one.trial for one in same if one.unit == unit)
    elsewhere = tuple(sorted({one.unit for one in same if one.unit != unit}))
    shown: dict[str, object] = {
        "unit": unit,
        "technology": technology,
        "trials": here,
        "units_elsewhere": elsewhere,
    }
    if here:
        return Gate("new", "not_passed", "tried_here_before", shown)
    return Gate("new", "passed", "first_in_unit", shown)


def useful(gains: Sequence[GainShown], criteria: Sequence[Criterion] = ()) -> Gate:
    """Return whether a planned gain is shown in the wanted direction, or a criterion of quality is met.

    A gain is shown where the whole interval at level 1 or above lies on the wanted side of 0. Not passed only when
    everything planned was measured and nothing shown; that is no proof that there is no gain. `gains_measured` is how
    many had the chance: of twenty gains without any effect, luck shows at least one in two trials of five.
    """
    planned = [gain for gain in gains if gain.planned]
    gained = tuple(gain.id for gain in planned if gain.shows(gain.better))
    worse = tuple(gain.id for gain in gains if gain.shows("higher" if gain.better == "lower" else "lower"))
    met = tuple(criterion.id for criterion in criteria if criterion.met)
    waiting = tuple(gain.id for gain in planned if not gain.is_measured)
    open_criteria = tuple(criterion.id for criterion in criteria if criterion.met is None)
    shown: dict[str, object] = {
        "gains_shown": gained,
        "gains_worse": worse,
        "gains_planned": len(planned),
        "gains_measured": len(planned) - len(waiting),
        "gains_waiting": waiting,
        "gains_uncertain": tuple(gain.id for gain in planned if gain.uncertain),
        "unplanned_shown": tuple(gain.id for gain in gains if not gain.planned and gain.shows(gain.better)),
        "criteria_met": met,
        "criteria_open": open_criteria,
        "criteria": len(criteria),
    }
    if gained or met:
        return Gate("useful", "passed", "gain_shown" if gained else "quality_met", shown)
    if not planned and not criteria:
        return Gate("useful", "cannot_tell", "nothing_planned", shown)
    if waiting or open_criteria:
        nothing_yet = len(waiting) == len(planned) and len(open_criteria) == len(criteria)
        return Gate("useful", "cannot_tell", "nothing_measured" if nothing_yet else "not_all_measured", shown)
    against = any(gain.id in worse for gain in planned)
    return Gate("useful", "not_passed", "gain_against" if against else "nothing_shown", shown)


def put_to_use(
    was_useful: Gate,
    homes: StartedHomes,
    handed_over_on: date | None,
    as_of: date,
    ratio_required: float = SUSTAINED_RATIO_REQUIRED,
) -> Gate:
    """Return whether it is useful, became a habit in enough of the homes that started, and belongs to the line.

    The habit is decided as soon as the homes of which nothing can be said yet cannot change the answer; until then it
    cannot be told. A part that fails is the reason before one that cannot be told, in the order useful, sustained,
    handed over. Raises EntryError for counts below 0 and a share beside 0..1.
    """
    counts = (homes.sustained, homes.not_sustained, homes.too_early, homes.unknown)
    if min(counts) < 0:
        raise EntryError(f"{min(counts)} homes cannot be; enter how many there are, 0 or more")
    if not 0 < ratio_required <= 1:
        raise EntryError(f"a required share of {ratio_required} cannot be; enter one above 0, at most 1")
    started = sum(counts)
    needed = ratio_required * started - 1e-9  # 28 % of 25 homes are 7, and 0.28 · 25 is a little more
    habit: Outcome = "cannot_tell"
    if started and homes.sustained >= needed:
        habit = "passed"
    elif started and started - homes.not_sustained < needed:
        habit = "not_passed"
    handed_over = handed_over_on is not None and handed_over_on <= as_of
    parts: dict[str, tuple[Outcome, str]] = {
        "useful": (was_useful.holds, _OF_USEFUL[was_useful.holds]),
        "sustained": (habit, _of_habit(habit, homes, started)),
        "handed_over": ("passed", "handed_over") if handed_over else ("not_passed", "not_handed_over"),
    }
    shown: dict[str, object] = {
        "parts": {part: outcome for part, (outcome, _) in parts.items()},
        "homes_started": started,
        "homes_sustained": homes.sustained,
        "homes_not_sustained": homes.not_sustained,
        "homes_too_early": homes.too_early,
        "homes_unknown": homes.unknown,
        "sustained_ratio": homes.sustained / started if started else None,
        "ratio_required": ratio_required,
        "handed_over_on": handed_over_on,
    }
    for wanted in ("not_passed", "cannot_tell"):
        for outcome, reason in parts.values():
            if outcome == wanted:
                return Gate("put_to_use", outcome, reason, shown)
    return Gate("put_to_use", "passed", "in_daily_use", shown)


def overridden(gate: Gate, override: Override) -> Gate:
    """Return the gate with what a named person holds against it; the computed answer stays.

    Raises EntryError without a name or a text.
    """
    for what, text in (("name", override.by_name), ("reason", override.reason)):
        if not text.strip():
            raise EntryError(f"the override of {gate.name!r} has no {what}; enter who says so and why")
    return replace(gate, override=override)


def _of_habit(habit: Outcome, homes: StartedHomes, started: int) -> str:
    """Return why the habit is decided as it is."""
    if habit == "passed":
        return "sustained"
    if habit == "not_passed":
        return "too_few_sustained"
    if not started:
        return "no_home_started"
    return "too_early" if homes.too_early else "too_little_observed"
