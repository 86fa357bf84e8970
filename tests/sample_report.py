"""A whole report, made up but coherent, built from the report's own dataclasses.

A renamed field then fails a test of the dashboard and not a reader.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from statistics import fmean
from typing import Any

from sample_standby import make_alarms, make_contacts, make_coverage, make_periods

from nyttig.figures.adoption import Coverage, HomeStrip, Intensity, UseDayRate
from nyttig.figures.benefit import NetMinutes
from nyttig.figures.funnel import Funnel, FunnelStep
from nyttig.figures.intervals import Share
from nyttig.figures.paired import paired
from nyttig.figures.participation import Participation, pooled
from nyttig.figures.parts import Part, staying_part, sustained_part
from nyttig.figures.periods import Periods
from nyttig.figures.retention import retention, time_to_first_use
from nyttig.figures.setting import setting_adoption
from nyttig.figures.sustained import sustained
from nyttig.figures.weeks import Week
from nyttig.gains import Baseline, Change, GainFigures, HomePair
from nyttig.model import Parameters
from nyttig.parts import TechnologyFigures, UnitFigures
from nyttig.report import DataFacts, Report, Silence, TrialFacts
from nyttig.schedules import HomeParticipation, ScheduleFigures, WeekParticipation

NOW = datetime(2026, 11, 22, 8, 15, tzinfo=UTC)
FIRST_DAY = date(2026, 8, 24)
DAYS = 91
UNITS = ("Bydel Alna", "Bydel Gamle Oslo")
TITLES = {
    "medicine_dispenser": {"en": "Medicine dispenser", "nb": "Medisindispenser", "da": "Medicindispenser"},
    "safety_alarm": {"en": "Safety alarm", "nb": "Trygghetsalarm", "da": "Nødkald"},
    "wash_dry_toilet": {
        "en": "Wash-and-dry toilet",
        "nb": "Vaske- og tørketoalett",
        "da": "Vaske-tørre-toilet",
    },
    "feeding_robot": {"en": "Feeding robot", "nb": "Spiserobot", "da": "Spiserobot"},
    "door_sensor": {"en": "Door sensor", "nb": "Dørsensor", "da": "Dørsensor"},
    "light_path": {"en": "Light path", "nb": "Lyssti", "da": "Lyssti"},
}


def share(count: int, of: int) -> Share:
    """A share with its Wilson interval."""
    if not of:
        return Share(count, of, None, None, None)
    z, p = 1.959964, count / of
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return Share(count, of, p, max(0.0, middle - half), min(1.0, middle + half))


def rate(homes: int, states: str) -> UseDayRate:
    """The use-day rate of a string of day states."""
    u, ul, n, k = (states.count(letter) for letter in "UuNK")
    whole = u + ul + n + k
    observability = (u + ul + n) / whole if whole else None
    shown = "nothing" if observability is None else "point" if observability >= 0.6 and u + n else "bounds"
    return UseDayRate(
        homes=homes,
        used_observed_days=u,
        used_unobserved_days=ul,
        unused_days=n,
        unknown_days=k,
        paused_days=states.count("E"),
        out_days=states.count("-"),
        point=u / (u + n) if u + n else None,
        lower=(u + ul) / whole if whole else None,
        upper=(u + ul + k) / whole if whole else None,
        observability=observability,
        show=shown,  # type: ignore[arg-type]
    )


def _states(chance: random.Random, home: int, days: int, *, standby: bool) -> str:
    starts = chance.choice([0, 0, 3, 8, 15])
    eagerness = 0.04 if standby else chance.choice([0.95, 0.9, 0.8, 0.6])
    gives_up = 52 if home in (4, 9) and not standby else days
    letters = []
    for day in range(days):
        if day < starts:
            letters.append("-")
        elif home == 6 and 40 <= day < 54:
            letters.append("E")
        elif (home in (2, 7) and 60 <= day < 71) or chance.random() < 0.03:
            letters.append("K")
        elif day < gives_up and chance.random() < eagerness:
            letters.append("u" if chance.random() < 0.03 else "U")
        else:
            letters.append("N")
    if home == 9:
        letters[75:] = "-" * (days - 75)
    return "".join(letters)


def strips(seed: int, homes: int, days: int = DAYS, *, standby: bool = False) -> tuple[HomeStrip, ...]:
    """Homes as a resident, a dead gateway, a pause and giving up make them."""
    chance = random.Random(seed)
    found = []
    for number in range(homes):
        states = _states(chance, number, days, standby=standby)
        used = [day for day, letter in enumerate(states) if letter in "Uu"]
        installed = len(states) - len(states.lstrip("-"))
        ended = FIRST_DAY + timedelta(days=75) if number == 9 else None
        found.append(
            HomeStrip(
                home=f"{'AG'[number % 2]}{number + 1:02d}",
                unit=UNITS[number % 2],
                installed_on=FIRST_DAY + timedelta(days=installed),
                ended_on=ended,
                end_reason="stopped_using" if ended else None,
                first_day=FIRST_DAY,
                states=states,
                uses=tuple(chance.randint(1, 4) if letter in "Uu" else 0 for letter in states),
                observed_ratio=tuple(
                    None if c == "-" else 0.4 if c == "u" else 0.1 if c == "K" else 0.98 for c in states
                ),
                first_use_on=FIRST_DAY + timedelta(days=used[0]) if used else None,
                last_use_on=FIRST_DAY + timedelta(days=used[-1]) if used else None,
                use_day_rate=rate(1, states),
                exposed_from=FIRST_DAY + timedelta(days=installed),
            )
        )
    return tuple(found)


def weeks(homes: tuple[HomeStrip, ...]) -> tuple[Week, ...]:
    """The homes' days as ISO weeks."""
    days = len(homes[0].states) if homes else 0
    found = []
    for start in range(0, days, 7):
        parts = [home.states[start : start + 7] for home in homes]
        parts = [part for part in parts if part.strip("-")]
        known = [
            part for part in parts if sum(c in "UuN" for c in part) >= sum(c in "UuNK" for c in part) / 2 > 0
        ]
        used = [part for part in parts if "U" in part or "u" in part]
        paused = [part for part in parts if part not in used and not part.strip("E-")]
        unknown = [part for part in parts if part not in used and part not in known and part not in paused]
        monday = FIRST_DAY + timedelta(days=start)
        year, week, _day = monday.isocalendar()
        active = sum("U" in part or "u" in part for part in known)
        regular = sum(sum(c in "Uu" for c in part) >= 4 for part in known)
        found.append(
            Week(
                iso_week=f"{year}-W{week:02d}",
                starts_on=monday,
                complete=start + 7 <= days - 1,
                homes_used=len(used),
                homes_unused=len(parts) - len(used) - len(paused) - len(unknown),
                homes_unknown=len(unknown),
                homes_paused=len(paused),
                observed_homes=len(known),
                active=share(active, len(known)),
                regular=share(regular, len(known)),
                use_day_rate=rate(len(parts), "".join(parts)),
            )
        )
    return tuple(found)


def participation(homes: tuple[HomeStrip, ...]) -> ScheduleFigures:
    """Two doses due a day, taken as the homes' days say: both where it was used, one of ten late."""

    def became(parts: list[str]) -> Participation:
        states = "".join(parts)
        used, unused = (2 * (states.count("U") + states.count("u")), 2 * states.count("N"))
        late = used // 10
        return Participation(
            share(used - late, used + unused), late, unused, 2 * states.count("K"), 2 * states.count("E"), 0
        )

    def missed_on(home: HomeStrip) -> tuple[date, ...]:
        unused = [n for n, state in enumerate(home.states) if state == "N" and n >= len(home.states) - 28]
        return tuple(home.first_day + timedelta(days=n) for n in unused for _dose in range(2))

    def done_of_due(states: str) -> tuple[int, int]:
        done = became([states]).done
        return done.count, done.of

    days = len(homes[0].states)
    return ScheduleFigures(
        steady=became([home.states.lstrip("-")[14:] for home in homes]),
        all_days=became([home.states for home in homes]),
        weeks=tuple(
            WeekParticipation(
                week.iso_week,
                week.starts_on,
                became([home.states[start : start + 7] for home in homes]),
            )
            for start, week in zip(range(0, days, 7), weeks(homes), strict=True)
        ),
        homes=tuple(
            HomeParticipation(
                home.home,
                home.unit,
                became([home.states.lstrip("-")[14:]]),
                became([home.states[-28:]]),
                missed_on(home),
                done_of_due(home.states[-57:-29]),
                done_of_due(home.states[-29:-1]),
            )
            for home in homes
        ),
        homes_without_schedule=0,
    )


def gain(
    seed: int,
    homes: tuple[HomeStrip, ...],
    title: str,
    kind: str,
    indicator: str,
    better: str,
    pairs: int,
    shift: float,
) -> GainFigures:
    """A gain with so many homes measured before and after."""
    chance = random.Random(seed)
    lines = []
    for home in homes[:pairs]:
        before = 40 + chance.random() * 20 if indicator == "who5" else 120 + chance.random() * 90
        after = before + shift + (chance.random() - 0.5) * abs(shift) * 2.2
        lines.append(HomePair(home.home, home.unit, round(before, 1), round(after, 1), chance.random() < 0.2))
    difference = paired([line.after - line.before for line in lines])
    before_mean = fmean(line.before for line in lines) if lines else None
    told = difference.mean, difference.low, difference.high, difference.p
    return GainFigures(
        id=indicator.replace("_", "-"),
        title=title,
        type=kind,
        perspective="citizen" if kind == "quality" else "organisation",
        stakeholder="Residents" if kind == "quality" else None,
        indicator=indicator,
        better=better,
        target=-30.0 if better == "lower" else 10.0,
        owner="Avdelingsleder hjemmetjenesten",
        payer="Bydel Alna",
        planned=True,
        status="agreed",
        measure_on="2026-11-20 2027-02-01",
        found_on=None,
        baseline=Baseline("measured", before_mean, date(2026, 8, 20), "Fagsykepleier", len(lines)),
        evidence_level=difference.level,
        change=Change(
            "before_after",
            "before_after",
            difference.level,
            difference.n,
            *told,
            difference.assumptions,
        ),
        homes=tuple(lines),
        homes_missing=len(homes) - len(lines),
        before_mean=before_mean,
        after_mean=fmean(line.after for line in lines) if lines else None,
        difference=difference,
        comparison=None,
        staggered=None,
        interrupted=None,
        answers=None,
        registration_ratio=0.72 if indicator == "who5" else 0.93,
        uncertain=indicator == "who5",
    )


def make_report(
    trial: str,
    title: str,
    technology: str,
    usage_class: str,
    seed: int = 1,
    homes: int = 12,
    days: int = DAYS,
) -> Report:
    """A whole report, made up but coherent."""
    lines = strips(seed, homes, days, standby=usage_class == "standby")
    steady = "".join(home.states.lstrip("-")[14:] for home in lines)
    everything = "".join(home.states for home in lines)

    def intensity(some: Sequence[HomeStrip]) -> Intensity:
        states = "".join(home.states for home in some)
        used = sum(letter in "Uu" for letter in states)
        uses = sum(sum(home.uses) for home in some)
        observed = sum(letter in "UN" for letter in states)
        return Intensity(uses, used, uses / used if used else None, 7 * uses / observed if observed else None)

    def coverage(some: list[HomeStrip]) -> Coverage:
        exposed = sum(1440 for home in some for letter in home.states if letter != "-")
        online = sum(round(1440 * (ratio or 0)) for home in some for ratio in home.observed_ratio)
        return make_coverage(online, exposed, standby=usage_class == "standby")

    gains = (
        (
            gain(
                seed, lines, "Spart tid på hjemmebesøk", "time", "visit_minutes_per_week", "lower", 9, -42.0
            ),
            gain(seed + 1, lines, "Større trygghet", "quality", "who5", "higher", 4, 9.0),
        )
        if homes
        else ()
    )
    silent_from = datetime(2026, 10, 23, 4, 30, tzinfo=UTC)
    last_day = FIRST_DAY + timedelta(days=max(days, 1) - 1)
    scheduled = participation(lines) if homes and usage_class == "scheduled" else None

    def part(some: Sequence[HomeStrip]) -> Part:
        return Part(
            rate(len(some), "".join(home.states.lstrip("-")[14:] for home in some)),
            coverage(list(some)),
            intensity(some),
            sustained_part(sustained(some, last_day, Parameters())),
            staying_part(retention(some, Parameters()), Parameters()),
        )

    def compared(some: Sequence[HomeStrip], told: ScheduleFigures | None) -> Periods:
        due = None if told is None else {each.home: (each.before, each.after) for each in told.homes}
        return make_periods(some, last_day - timedelta(days=1), due, standby=usage_class == "standby")

    by_unit = [
        (
            unit,
            [home for home in lines if home.unit == unit],
            [each.participation for each in scheduled.homes if each.unit == unit] if scheduled else [],
        )
        for unit in UNITS
    ]
    sensors = strips(seed + 3, homes // 2, days)
    beside = (
        TechnologyFigures(
            "door_sensor", TITLES["door_sensor"], "standby", "secondary", 2 * len(sensors), len(sensors), *part(sensors),
            compared(sensors, None),
        ),
    ) if sensors else ()  # fmt: skip
    return Report(
        trial=TrialFacts(
            id=trial,
            title=title,
            programme="Oslo+",
            units=UNITS,
            technology=technology,
            technology_titles=TITLES[technology],
            usage_class=usage_class,
            timezone="Europe/Oslo",
            currency="NOK",
            starts=FIRST_DAY,
            ends=date(2027, 2, 28),
        ),
        as_of=NOW,
        first_day=FIRST_DAY,
        last_day=FIRST_DAY + timedelta(days=max(days, 1) - 1),
        definitions_version="1",
        parameters=Parameters(),
        data=DataFacts(
            events_total=184_302 if homes else 0,
            first_event_at=datetime(2026, 8, 24, 6, tzinfo=UTC) if homes else None,
            last_event_at=NOW - timedelta(seconds=9) if homes else None,
            primary_devices=homes,
            secondary_devices=homes * 2,
            homes=homes,
        ),
        funnel=Funnel(
            (
                FunnelStep("asked", homes + 7, None),
                FunnelStep("consented", homes + 2, share(homes + 2, homes + 7)),
                FunnelStep("installed", homes, share(homes, homes + 2)),
                FunnelStep("started", max(0, homes - 1), share(max(0, homes - 1), homes)),
            )
            if homes
            else tuple(FunnelStep(step, 0, None) for step in ("asked", "consented", "installed", "started")),
            {"stopped_using": 1, "nursing_home": 1} if homes else {},
        ),
        use_day_rate=rate(homes, steady),
        use_day_rate_all_days=rate(homes, everything),
        intensity=intensity(lines),
        coverage=coverage(list(lines)),
        alarms=make_alarms(lines, UNITS, NOW) if usage_class == "standby" else None,
        contacts=make_contacts(lines, NOW, coverage),
        participation=scheduled,
        first_use=time_to_first_use(lines, FIRST_DAY + timedelta(days=max(days, 1) - 1)),
        sustained=sustained(lines, FIRST_DAY + timedelta(days=max(days, 1) - 1), Parameters()),
        retention=retention(lines, Parameters()),
        setting=setting_adoption((), UNITS),
        units=tuple(
            UnitFigures(unit, len(some), *part(some), pooled(due) if due else None, compared(some, scheduled))
            for unit, some, due in by_unit
        ),
        technologies=(
            TechnologyFigures(
                technology,
                TITLES[technology],
                usage_class,
                "primary",
                homes,
                homes,
                *part(lines),
                compared(lines, scheduled),
            ),
            *beside,
        ),
        periods=compared(lines, scheduled),
        weeks=weeks(lines),
        homes=lines,
        gains=gains,
        net_minutes=NetMinutes(9, 168.4, 121.0, 9.5, 37.9, 37.9 * 52 / 60, 37.9 * 52 / 60 * 490)
        if homes and usage_class == "scheduled"
        else NetMinutes(0, None, None, None, None, None, None),
        silences=(
            Silence(lines[2].home, silent_from, silent_from + timedelta(hours=21.9), 21.9, 5),
            Silence(lines[7].home, NOW - timedelta(hours=14), None, 14.0, 4),
        )
        if homes > 7
        else (),
    )


def as_json(value: Any) -> Any:
    """Dataclasses as the API writes them."""
    return json.loads(json.dumps(asdict(value), default=lambda moment: moment.isoformat()))


def summary(report: Report) -> dict[str, Any]:
    """A trial as the list of trials has it."""
    whole = as_json(report)
    full = [week for week in whole["weeks"] if week["complete"]]
    facts = whole["trial"]
    return {
        **{name: value for name, value in facts.items() if name != "currency"},
        "homes": report.data.homes,
        "as_of": whole["as_of"],
        "use_day_rate": whole["use_day_rate"],
        "coverage": whole["coverage"],
        "active_last_week": full[-1]["active"] if full else None,
        "last_event_at": whole["data"]["last_event_at"],
    }
