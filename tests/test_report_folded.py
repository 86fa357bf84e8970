"""A report from folds is the report from hours, digit for digit: whatever was said, came late, moved, or was lost."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pandas as pd
import pytest
from conftest import Database
from figures_hours import (
    BEGIN,
    LENGTH,
    at,
    called,
    exposed,
    heartbeat,
    hours,
    minute,
    near,
    stretch,
    with_armed,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from told import Told, tell

from nyttig import folding
from nyttig.evidence import evidence
from nyttig.figures import coverage, moments, silences
from nyttig.figures.alarms import judged
from nyttig.figures.contact import home_contacts
from nyttig.figures.heard import Heard, Hours, fold_hours
from nyttig.figures.minutes import minutes_of
from nyttig.figures.proof import masks_of, reach_minutes
from nyttig.model import Device, Home, Parameters, Pause, Placement, Schedule, Trial, TrialPackage
from nyttig.package.technologies import builtin_technologies
from nyttig.report import report_on
from nyttig.store import db, folds, platform, registry
from nyttig.store.platform import Outage
from nyttig.text import as_json

STARTS = datetime(2026, 10, 14, tzinfo=UTC)
"""A period of folds ends on 18 October, and summer time on the 25th."""

DAYS = 14
AWAY = ["began_at", "ended_at"]
UNITS = ("Bydel Alna", "Bydel Gamle Oslo")
NO_GAPS = pd.DataFrame(columns=["device", "from_at", "to_at"])


@pytest.fixture
def store(embedded_database: Database) -> Iterator[db.Session]:
    with db.connect(embedded_database.conninfo) as connection:
        yield connection


def moment(chance: random.Random, days: float = DAYS) -> datetime:
    """Some minute of the trial, often near a full hour or a midnight in UTC."""
    shown = STARTS + timedelta(seconds=chance.randrange(int(days * 86_400)))
    edge = chance.choice(["any", "any", "hour", "day"])
    if edge == "hour":
        shown = shown.replace(minute=chance.choice([0, 1, 59]), second=chance.choice([0, 1]))
    if edge == "day":
        shown = shown.replace(hour=0, minute=chance.choice([0, 1]), second=chance.choice([0, 30]))
    return shown


def trial(chance: random.Random, name: str) -> TrialPackage:
    """Three homes with seven devices: some moved, some removed, one home ended, some paused, some can be worn."""
    homes = [
        Home(f"{name}-h{n}", "home", UNITS[n % 2], None, None, (STARTS + timedelta(days=n)).date())
        for n in range(3)
    ]
    if chance.random() < 0.5:
        ended = (STARTS + timedelta(days=chance.randrange(5, DAYS))).date()
        homes[2] = replace(homes[2], ended_on=ended, end_reason="stopped_using")
    devices, placements = [], []
    for n in range(7):
        code, beat = f"{name}-d{n}", chance.choice([0.5, 7.0, 60.0, 60.0, 200.0, 1500.0])
        devices.append(
            Device(
                code,
                chance.choice(["door_sensor", "safety_alarm"]),
                "nyttig",
                code,
                beat,
                "mains",
                "primary" if n % 3 else "secondary",
            )
        )
        placed = STARTS + timedelta(hours=chance.randrange(48))
        moved = chance.random() < 0.4
        until = placed + timedelta(minutes=chance.randrange(60, DAYS * 1440)) if moved else None
        placements.append(Placement(code, homes[n % 3].home, placed, until))
        if until is not None and chance.random() < 0.7:
            again = until + timedelta(minutes=chance.choice([0, 0, 1, 600]))
            placements.append(Placement(code, homes[(n + 1) % 3].home, again))
    pauses = []
    for home in homes[:2]:
        paused = moment(chance)
        pauses.append(Pause(home.home, paused, paused + timedelta(hours=chance.randrange(1, 90))))
    ends = (STARTS + timedelta(days=chance.choice([8, 20]))).date() if chance.random() < 0.3 else None
    return TrialPackage(
        Trial(
            name, name, None, UNITS, "door_sensor", "Europe/Oslo", "NOK", date(2026, 10, 15), ends,
            parameters=Parameters(heartbeat_tolerance=chance.choice([3.0, 3.0, 1.5]), ramp_in_days=2),
        ),
        homes=tuple(homes),
        devices=tuple(devices),
        placements=tuple(placements),
        pauses=tuple(pauses),
        schedules=(Schedule(homes[0].home, time(8)), Schedule(homes[1].home, time(2, 30))),
    )  # fmt: skip


def said(chance: random.Random, package: TrialPackage, days: float) -> Iterator[Told]:
    """What some of the devices said in those days, in runs and single messages, and uses, some in one minute."""
    for device in package.devices:
        for _ in range(chance.randrange(3)):
            sent, every = (
                moment(chance, days),
                max(device.heartbeat_minutes, 20.0) * chance.choice([0.5, 1, 2.9]),
            )
            for _ in range(chance.randrange(60)):
                yield device.device, sent, "health", "citizen"
                sent += timedelta(minutes=every)
        for _ in range(chance.randrange(6)):
            used = moment(chance, days)
            for again in range(chance.choice([1, 1, 2])):
                yield (
                    device.device,
                    used + timedelta(seconds=20 * again),
                    "opened",
                    chance.choice(["citizen", "citizen", "staff"]),
                )
        if device.technology == "safety_alarm":
            for _ in range(chance.randrange(12)):
                kind = chance.choice(["worn", "worn", "taken_off", "alarm", "alarm", "alarm_handled"])
                yield device.device, moment(chance, days), kind, chance.choice(["citizen", "staff", "auto"])


def assert_same(connection: db.Session, trial_id: str, as_of: datetime) -> None:
    from_hours = as_json(report_on(evidence(connection, trial_id, as_of)))
    from_folds = as_json(report_on(evidence(connection, trial_id, as_of, folded=True)))
    assert from_folds == from_hours


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_a_report_from_folds_is_the_one_from_hours_to_the_last_digit(store: db.Session, seed: int) -> None:
    chance = random.Random(seed)
    name = f"t{seed}-{random.getrandbits(40)}"
    package = trial(chance, name)
    registry.save(store, package, builtin_technologies())
    for _ in range(chance.randrange(3)):
        began = moment(chance)
        outage = Outage(
            "session", began, began + timedelta(minutes=chance.randrange(1, 900)), chance.random() < 0.8
        )
        platform.record(store, outage, trial_id=name)
    store.commit()
    last = STARTS + timedelta(days=DAYS + 2)
    for part in range(3):  # what comes in the later parts is often late
        tell(store, said(chance, package, DAYS * (part + 1) / 3))
        if chance.random() < 0.6:
            for _ in range(chance.randrange(1, 4)):
                folding.fold_due(
                    store, STARTS + timedelta(days=DAYS * (part + 1) / 3), chance.choice([2, 5, 100])
                )
        for as_of in (moment(chance, DAYS + 1), last):
            assert_same(store, name, as_of)
    assert folding.differences(store, trial_id=name) == []
    folding.fold_all(store, last)
    held = folds.all_kept(store, trial_id=name)
    assert sum(kept.folded_days for _, kept in held) > 0 or not evidence(store, name, last).hours["uses"].size
    assert_same(store, name, last)
    assert_same(store, name, moment(chance))
    store.rollback()


# --- Figures, minute by minute --------------------------------------------------------------------


def folded(table: pd.DataFrame, exposures: pd.DataFrame, parameters: Parameters) -> Heard:
    """The same hours, folded, with each hour beside them."""
    per_device = exposures.drop_duplicates("device")
    devices = pd.Index(per_device["device"])
    owner = devices.get_indexer(pd.Index(table["device"]))
    mine = table[owner >= 0]
    rows = Hours(
        owner[owner >= 0],
        minutes_of(mine["hour"]),
        mine["uses"].to_numpy(dtype="int64"),
        masks_of(mine["alive_minutes"]),
        mine["uses"].to_numpy(dtype="int64"),
        masks_of(mine["use_minutes"]),
        mine["armed_minutes"].fillna(-1).to_numpy(dtype="int64"),
    )
    reach = reach_minutes(per_device["heartbeat_minutes"], parameters)
    return Heard(devices, reach, fold_hours(rows, reach), rows, 0, None, None)


spans = st.lists(st.tuples(st.sampled_from("abc"), stretch), min_size=1, max_size=5)
beats = st.fixed_dictionaries(dict.fromkeys("abc", heartbeat))
messages = st.fixed_dictionaries({d: st.lists(minute | near, max_size=12) for d in "abc"})


@settings(max_examples=150, deadline=None)
@given(
    heard=messages,
    used=messages,
    spans=spans,
    beats=beats,
    outages=st.lists(stretch | st.tuples(near, near), max_size=4),
    armed=messages,
    as_of=minute,
)
def test_every_figure_that_looks_at_hours_says_the_same_of_folds(
    heard: dict[str, list[int]],
    used: dict[str, list[int]],
    spans: list[tuple[str, tuple[int, int]]],
    beats: dict[str, float],
    outages: list[tuple[int, int]],
    armed: dict[str, list[int]],
    as_of: int,
) -> None:
    parameters = Parameters()
    table = hours({d: map(at, m) for d, m in heard.items()}, {d: map(at, m) for d, m in used.items()})
    table = with_armed(table, armed)
    exposures = exposed(*((f"h{n % 2}", d, at(s), at(e), beats[d]) for n, (d, (s, e)) in enumerate(spans)))
    exposures = exposures.assign(tells_armed=exposures["device"] != "c")
    raised = called({d: times[: len(times) // 2] for d, times in used.items()}, used)
    away = pd.DataFrame(
        {
            "began_at": pd.to_datetime([at(b) for b, _ in outages], utc=True),
            "ended_at": pd.to_datetime([at(e) for _, e in outages], utc=True),
        }
    )
    pauses = pd.DataFrame(columns=["home", "paused_from", "paused_to"])
    asked = pd.DataFrame(
        {"home": ["h0", "h1"] * 40, "minute": range(BEGIN, BEGIN + LENGTH, LENGTH // 79 - 1)[:80]}
    )
    fold = folded(table, exposures, parameters)

    def figures(said: pd.DataFrame | Heard) -> list[object]:
        days = coverage.device_days(
            said, exposures, pauses, away, timezone="Europe/Oslo", parameters=parameters
        )
        return [
            days.astype("object").to_dict("list"),
            silences.silences(said, exposures, as_of=at(as_of), parameters=parameters),
            moments.use_moments(said, exposures).to_dict("list"),
            moments.noticed(said, exposures, away, asked, parameters=parameters).to_dict("list"),
            home_contacts(days, said, exposures, as_of=at(as_of), parameters=parameters),
            judged(raised, said, exposures, away, NO_GAPS, as_of=at(as_of), parameters=parameters)
            .astype("object")
            .fillna(-1)
            .to_dict("list"),
        ]

    assert figures(fold) == figures(table)


def test_folds_made_for_another_tolerance_are_not_believed() -> None:
    exposures = exposed(("h", "a", at(BEGIN), at(BEGIN + 1440), 60))
    fold = folded(with_armed(hours({"a": [at(BEGIN)]}), {}), exposures, Parameters())
    pauses, outages = pd.DataFrame(columns=["home", "paused_from", "paused_to"]), pd.DataFrame(columns=AWAY)
    other = Parameters(heartbeat_tolerance=2)
    with pytest.raises(ValueError, match="folded for other devices, heartbeats or tolerances"):
        coverage.device_days(fold, exposures, pauses, outages, timezone="UTC", parameters=other)
