"""Is each home safe with its technology? What is due of suitability, training, alarms, doses and harm; never a device."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

import pandas as pd

from nyttig.calls import faults
from nyttig.entries.people import AdverseEvent, Suitability, Training
from nyttig.evidence import evidence, judged_alarms, known_at
from nyttig.figures.alarms import MISSED, Alarms
from nyttig.figures.participation import Participation, pooled
from nyttig.model import Entry, Home, TrialPackage
from nyttig.report import Report
from nyttig.schedules import LATELY_DAYS, HomeParticipation
from nyttig.store import db, registry
from nyttig.store.db import Session

DueKind = Literal[
    "adverse_open", "found_unsuitable", "alarm_missed", "doses_missed", "not_assessed", "assess_again", "not_trained"
]  # fmt: skip
SourceOfRule = Literal["helsetilsynet_2024", "nyttig"]


@dataclass(frozen=True, slots=True)
class Rule:
    """When something is due. `days`: of an alarm so long, of a training only after so long; 0: at once. Of doses, when
    `least` of them were missed within so many days.

    `source`: who asks for it. Helsetilsynet's supervision of 2024 on medicine dispensers looked at whether suitability
    was assessed, users were trained and the measure was followed up, and found breaches in nearly three of five
    municipalities. The days are always Nyttig's own proposal.
    """

    kind: DueKind
    days: int
    source: SourceOfRule
    least: int = 1


RULES: Final = (
    Rule("adverse_open", 0, "nyttig"),
    Rule("found_unsuitable", 0, "helsetilsynet_2024"),
    Rule("alarm_missed", 28, "helsetilsynet_2024"),
    Rule("doses_missed", 7, "nyttig", least=3),
    Rule("not_assessed", 0, "helsetilsynet_2024"),
    Rule("assess_again", 0, "helsetilsynet_2024"),
    Rule("not_trained", 7, "helsetilsynet_2024"),
)
"""The most urgent first."""

AHEAD_DAYS: Final = 14
"""What falls due within so many days is told, and is not due."""

DOSE: Final = "dose_taken"
"""A technology that counts it as a use hands out medicine: what its schedules hold are doses."""

SAYS_DOSES: Final = frozenset({"battery_low", "unknown"})
"""What a device may be and still be believed when it says that nobody took a dose. Unknown: Nyttig itself is away."""

_RULE: Final[dict[DueKind, Rule]] = {rule.kind: rule for rule in RULES}
_URGENCY: Final[dict[DueKind, int]] = {rule.kind: place for place, rule in enumerate(RULES)}


@dataclass(frozen=True, slots=True)
class Due:
    """Something to do about a home, and the local day `since` which, or in what is to come on which, it is due.

    `entry` is what it rests on, where that was entered. `what` and `severity` are those of an adverse event. `count` is
    the number of alarms missed on the day `since`, or of doses missed in the last `of_days` days, else 1.
    """

    kind: DueKind
    since: date
    days: int
    entry: str | None = None
    what: str | None = None
    severity: str | None = None
    count: int = 1
    of_days: int = 1


@dataclass(frozen=True, slots=True)
class HomeSafety:
    """One home. `suitability` is its newest assessment, `trained_on` the day of its newest training.

    `alarms` is None where nothing in it was heard to raise one, `doses` (of the last `Safety.dose_days`) where none are
    planned; `device_first` is what is wrong with its device, where doses would be due but for that.
    `before_installation`: its consent is there, the technology is not, and it is not assessed: due once the technology is
    put in. `due` has the most urgent first.
    """

    home: str
    unit: str
    installed_on: date | None
    ended_on: date | None
    suitability: Suitability | None
    trained_on: date | None
    trainings: int
    alarms: Alarms | None
    doses: Participation | None
    device_first: tuple[str, ...]
    adverse_open: int
    adverse_closed: int
    before_installation: bool
    due: tuple[Due, ...]
    to_come: tuple[Due, ...]


@dataclass(frozen=True, slots=True)
class Safety:
    """What is due in a trial's homes on the local day `today`, homes with the most urgent first.

    `homes` have the technology, or are to have it, or something in them is still open though their part has ended.
    The counts `assessed` and `trained` are of the homes `in_use`: those that have the technology today, and so are `doses`.
    """

    trial_id: str
    today: date
    alarm_handled_within_minutes: float
    rules: tuple[Rule, ...]
    ahead_days: int
    in_use: int
    assessed: int
    trained: int
    alarms: Alarms | None
    doses: Participation | None
    dose_days: int
    adverse_open: int
    adverse_closed: int
    due_homes: int
    homes: tuple[HomeSafety, ...]


def safety(connection: Session, report: Report, now: datetime) -> Safety:
    """What is due at `now` in the homes of the trial, by a report of that moment. Raises StoreUnavailableError."""
    with db.translated():
        package = known_at(registry.read(connection, report.trial.id), now)
    missed = pd.DataFrame({"home": [], "raised_at": []})
    if report.alarms is not None and report.alarms.all.missed.count:
        found = judged_alarms(evidence(connection, report.trial.id, now, folded=True))
        missed = found.loc[found["outcome"] == MISSED, ["home", "raised_at"]]
    doses = _doses(package, report)
    some_missed = any(len(each.missed_on) >= _RULE["doses_missed"].least for each in doses.values())
    faulty = faults(connection, report.trial.id, now) if some_missed else {}
    return safety_of(package, report, _by_day(missed, package.trial.timezone), now, faulty)


def safety_of(
    package: TrialPackage,
    report: Report,
    missed: dict[str, dict[date, int]],
    now: datetime,
    faulty: Mapping[str, Sequence[str]] | None = None,
) -> Safety:
    """The same of what is given: the trial as it stood, each home's missed alarms by local day, and what is wrong with its
    devices."""
    today = now.astimezone(ZoneInfo(package.trial.timezone)).date()
    assessments, trainings, events = (
        _by_home(package.entries, noun) for noun in (Suitability, Training, AdverseEvent)
    )
    alarms = {each.home: each.alarms for each in report.alarms.homes} if report.alarms is not None else {}
    doses = _doses(package, report)
    homes = []
    for home in package.homes:
        told = _home(
            home,
            assessments[home.home],
            trainings[home.home],
            events[home.home],
            missed.get(home.home, {}),
            alarms.get(home.home),
            doses.get(home.home),
            sorted(set((faulty or {}).get(home.home, ())) - SAYS_DOSES),
            today,
        )
        if told.due or told.before_installation or _in_use(home, today):
            homes.append(told)
    ours = [each for each in homes if each.installed_on is not None and not _over(each.ended_on, today)]
    of_doses = [each.doses for each in ours if each.doses is not None]
    return Safety(
        trial_id=package.trial.id,
        today=today,
        alarm_handled_within_minutes=package.trial.parameters.alarm_handled_within_minutes,
        rules=RULES,
        ahead_days=AHEAD_DAYS,
        in_use=len(ours),
        assessed=sum(each.suitability is not None for each in ours),
        trained=sum(each.trainings > 0 for each in ours),
        alarms=None if report.alarms is None else report.alarms.all,
        doses=pooled(of_doses) if of_doses else None,
        dose_days=LATELY_DAYS,
        adverse_open=sum(_is_open(each.data, today) for found in events.values() for each in found),
        adverse_closed=sum(not _is_open(each.data, today) for found in events.values() for each in found),
        due_homes=sum(bool(each.due) for each in homes),
        homes=tuple(sorted(homes, key=_urgency)),
    )


def _home(
    home: Home,
    assessments: Sequence[Entry],
    trainings: Sequence[Entry],
    events: Sequence[Entry],
    missed: dict[date, int],
    alarms: Alarms | None,
    doses: HomeParticipation | None,
    faulty: Sequence[str],
    today: date,
) -> HomeSafety:
    # Of several on one day the one entered last counts: the list is in the order in which they were entered.
    newest = max(
        enumerate(assessments), key=lambda each: (each[1].data.assessed_on, each[0]), default=(0, None)
    )[1]
    judged: Suitability | None = None if newest is None else newest.data
    opened = [each for each in events if _is_open(each.data, today)]
    found = [
        Due(
            "adverse_open",
            each.data.happened_on,
            (today - each.data.happened_on).days,
            each.entry,
            each.data.what,
            each.data.severity,
        )
        for each in opened
    ]
    of_doses: list[Due] = []
    if _in_use(home, today) and home.installed_on is not None:
        found += _of_assessment(home.installed_on, newest, today)
        found += _of_alarms(missed, [each.data for each in events], today)
        if not trainings:
            found.append(
                _due("not_trained", home.installed_on + timedelta(days=_RULE["not_trained"].days), today)
            )
        if doses is not None:
            of_doses = _of_doses(doses.missed_on, None if judged is None else judged.assessed_on, today)
            found += [] if faulty else of_doses
    soon = today + timedelta(days=AHEAD_DAYS)
    return HomeSafety(
        home=home.home,
        unit=home.unit,
        installed_on=home.installed_on,
        ended_on=home.ended_on,
        suitability=judged,
        trained_on=max((each.data.given_on for each in trainings), default=None),
        trainings=len(trainings),
        alarms=alarms,
        doses=None if doses is None else doses.lately,
        device_first=tuple(faulty) if of_doses else (),
        adverse_open=len(opened),
        adverse_closed=len(events) - len(opened),
        before_installation=judged is None
        and home.consented_on is not None
        and home.installed_on is None
        and not _over(home.ended_on, today),
        due=tuple(
            sorted(
                (each for each in found if each.since <= today),
                key=lambda each: (_URGENCY[each.kind], each.since),
            )
        ),
        to_come=tuple(
            sorted((each for each in found if today < each.since <= soon), key=lambda each: each.since)
        ),
    )


def _of_assessment(installed_on: date, newest: Entry | None, today: date) -> list[Due]:
    if newest is None:
        return [_due("not_assessed", installed_on, today)]
    judged: Suitability = newest.data
    if judged.outcome == "unsuitable":
        since = max(judged.assessed_on, installed_on)
        return [Due("found_unsuitable", since, (today - since).days, newest.entry)]
    if judged.again_on is not None:
        return [Due("assess_again", judged.again_on, (today - judged.again_on).days, newest.entry)]
    return []


def _of_alarms(missed: dict[date, int], events: Sequence[AdverseEvent], today: date) -> list[Due]:
    """Days on which alarms were missed of which nobody has said what came of them.

    Said it is by an adverse event with a missed alarm on that day or the next: who is found in the morning called at night.
    """
    told = {each.happened_on for each in events if each.alarm_missed}
    first = today - timedelta(days=_RULE["alarm_missed"].days - 1)
    return [
        Due("alarm_missed", day, (today - day).days, count=count)
        for day, count in sorted(missed.items())
        if day >= first and told.isdisjoint({day, day + timedelta(days=1)})
    ]


def _of_doses(missed_on: Sequence[date], assessed_on: date | None, today: date) -> list[Due]:
    """Whether too many doses were missed in the last days, and since when that is so without a break.

    Those up to the newest assessment of suitability are settled by it: whoever assessed asked why.
    """
    rule = _RULE["doses_missed"]
    open_on = [day for day in missed_on if assessed_on is None or day > assessed_on]

    def missed(until: date) -> int:
        return sum(until - timedelta(days=rule.days) < day <= until for day in open_on)

    if missed(today) < rule.least:
        return []
    since = today
    while missed(since - timedelta(days=1)) >= rule.least:
        since -= timedelta(days=1)
    return [Due("doses_missed", since, (today - since).days, count=missed(today), of_days=rule.days)]


def _doses(package: TrialPackage, report: Report) -> dict[str, HomeParticipation]:
    """What became of each home's doses, where the technology that is tried hands out any."""
    tried = next((each for each in package.technologies if each.id == report.trial.technology), None)
    if report.participation is None or tried is None or DOSE not in {rule.type for rule in tried.use_rules}:
        return {}
    return {each.home: each for each in report.participation.homes}


def _due(kind: DueKind, since: date, today: date) -> Due:
    return Due(kind, since, (today - since).days)


def _by_day(missed: pd.DataFrame, timezone: str) -> dict[str, dict[date, int]]:
    zone = ZoneInfo(timezone)
    found: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for home, raised_at in zip(missed["home"], missed["raised_at"], strict=True):
        found[str(home)][raised_at.astimezone(zone).date()] += 1
    return found


def _by_home(entries: Iterable[Entry], noun: type) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = defaultdict(list)
    for each in entries:
        if isinstance(each.data, noun):
            found[each.data.home].append(each)  # type: ignore[attr-defined]  # each of the nouns has a home
    return found


def _is_open(event: AdverseEvent, today: date) -> bool:
    return event.handled_on is None or event.handled_on > today


def _in_use(home: Home, today: date) -> bool:
    return home.installed_on is not None and home.installed_on <= today and not _over(home.ended_on, today)


def _over(ended_on: date | None, today: date) -> bool:
    return ended_on is not None and ended_on <= today


def _urgency(told: HomeSafety) -> tuple[int, date, str]:
    if not told.due:
        return len(RULES), date.max, told.home
    first = told.due[0]
    return _URGENCY[first.kind], first.since, told.home
