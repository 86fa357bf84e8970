"""The rules of our own technologies against what a resident was known to do: the labels of a recorded home.

Home A of the Ordóñez data set (docs/uses.md says what it can show and what not). Its sensors speak as the technologies
that they would be in a trial, their readings go into the store, and the uses found there are held against the labels.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from conftest import PROJECT, DatabaseServer

from nyttig.model import Technology, UseRule
from nyttig.package.read import read
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, events, registry, rollups
from nyttig.store.events import EventRow
from simulators.recordings import ordonez
from simulators.uses import Said, Stretch, periods

BUILTIN = builtin_technologies()
HEARTBEAT_MINUTES = 60.0
NEAR = timedelta(minutes=2)
Span = tuple[datetime, datetime]


class Expected(NamedTuple):
    """What a sensor's uses are worth as a sign of some activities; the numbers of docs/uses.md.

    right: so many of its uses lie in such an activity, or within two minutes of one. found: so many of the activities
    hold a use. began: so many of these begin within two minutes of a use that is no other's. overlap: time in both ÷
    time in either, where a use lasts.
    """

    sensor: str
    technology: str
    activities: tuple[str, ...]
    uses: int
    labels: int
    right: int
    found: int
    began: int | None = None
    overlap: float | None = None


MEALS = ("Breakfast", "Lunch", "Snack")
EXPECTED = [
    Expected("bed", "bed_sensor", ("Sleeping",), 14, 14, 14, 14, 14, 1.0),
    Expected("seat", "chair_sensor", ("Spare_Time/TV",), 79, 77, 78, 77, 73, 0.97),
    Expected("shower", "motion_sensor", ("Showering",), 14, 14, 14, 14),
    Expected("basin", "motion_sensor", ("Grooming", "Toileting", "Showering"), 70, 109, 68, 83),
    Expected("toilet", "vibration_sensor", ("Toileting",), 45, 44, 42, 42),
    Expected("maindoor", "door_sensor", ("Leaving",), 31, 14, 28, 14),
    Expected("fridge", "door_sensor", MEALS, 56, 34, 51, 33),
    Expected("microwave", "power_plug", MEALS, 20, 34, 19, 19),
    Expected("toaster", "power_plug", ("Breakfast",), 14, 14, 13, 13),
]


@pytest.fixture(scope="module")
def recording(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labelled") / "ordonez-a"
    ordonez.convert(shared / "data" / "ordonez-a", folder)
    return folder


@pytest.fixture(scope="module")
def labels(shared: Path) -> list[tuple[str, datetime, datetime]]:
    """Activity, begin, end."""
    lines = (shared / "data" / "ordonez-a" / "OrdonezA_ADLs.txt").read_text("latin-1").splitlines()[2:]
    rows = [[cell.strip() for cell in line.split("\t") if cell.strip()] for line in lines if line.strip()]
    return [(activity, _local(begin), _local(end)) for begin, end, activity in rows]


def _local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Madrid")).astimezone(UTC)


@pytest.fixture(scope="module")
def said(recording: Path, labels: list[tuple[str, datetime, datetime]]) -> dict[str, list[Said]]:
    """All that each sensor says up to the end of the last label; what came later nobody labelled."""
    end = max(end for _, _, end in labels)
    found: dict[str, list[Said]] = {}
    for line in (recording / "messages.jsonl").read_text().splitlines():
        message = json.loads(line)
        body = json.loads(message["payload"])
        at = datetime.fromisoformat(body["last_seen"]).astimezone(UTC)
        for type_ in ("contact", "occupancy", "vibration", "power"):
            if type_ in body and at <= end:
                device = message["topic"].partition("/")[2]
                found.setdefault(device, []).append(Said(at, type_, float(body[type_])))
    return found


@pytest.fixture(scope="module")
def stored(
    embedded_server: DatabaseServer, recording: Path, said: dict[str, list[Said]]
) -> dict[str, list[datetime]]:
    """The minutes in which uses of each sensor begin, as the store has them."""
    kinds = {each.sensor: each.technology for each in EXPECTED}
    plain = read(recording, BUILTIN)
    devices = tuple(
        replace(each, technology=kinds[each.device]) for each in plain.devices if each.device in kinds
    )
    package = replace(
        plain,
        devices=devices,
        placements=tuple(each for each in plain.placements if each.device in kinds),
    )
    with embedded_server.fresh_database() as database, db.connect(database.conninfo) as connection:
        registry.save(connection, package, {**BUILTIN, **{each.id: each for each in plain.technologies}})
        ids = {known.device: known.id for known in registry.known_devices(connection)}
        events.prepare(connection)
        for device in kinds:
            events.append(connection, [_row(ids[device], one) for one in said[device]])
        connection.commit()
        rollups.refresh_all(connection)
        assert rollups.differences(connection) == []
        hours = rollups.read(
            connection, sorted(kinds), datetime(2011, 11, 1, tzinfo=UTC), datetime(2012, 1, 1, tzinfo=UTC)
        )
    found: dict[str, list[datetime]] = {device: [] for device in kinds}
    for device, hour, mask in zip(hours["device"], hours["hour"], hours["use_minutes"], strict=True):
        found[device] += [hour.to_pydatetime() + timedelta(minutes=m) for m in range(60) if mask >> m & 1]
    return found


def _row(device: int, one: Said) -> EventRow:
    return EventRow(
        device,
        one.at,
        one.at,
        one.at,
        one.type,
        one.value,
        None,
        one.origin,
        None,
        None,
        None,
        False,
        None,
        None,
        None,
    )


def in_use(technology: Technology, said: Sequence[Said]) -> list[Stretch]:
    return [each for each in periods(technology, HEARTBEAT_MINUTES, said) if each.seen]


def test_the_store_finds_the_uses_that_the_rules_say(
    stored: dict[str, list[datetime]], said: dict[str, list[Said]]
) -> None:
    for each in EXPECTED:
        begins = {
            one.begins.replace(second=0, microsecond=0)
            for one in in_use(BUILTIN[each.technology], said[each.sensor])
        }
        assert stored[each.sensor] == sorted(begins), each.sensor


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda each: each.sensor)
def test_uses_of_a_recorded_home_are_the_activities_that_were_labelled(
    expected: Expected, said: dict[str, list[Said]], labels: list[tuple[str, datetime, datetime]]
) -> None:
    technology = BUILTIN[expected.technology]
    found = measured(expected, in_use(technology, said[expected.sensor]), labels)
    assert found == expected, "docs/uses.md says otherwise: change it there, too"


def test_the_handbook_has_these_numbers() -> None:
    table = (PROJECT / "docs" / "uses.md").read_text(encoding="utf-8")
    for each in EXPECTED:
        began = "" if each.began is None else str(each.began)
        overlap = "" if each.overlap is None else f"{each.overlap:.2f}"
        numbers = (each.uses, each.labels, f"{each.right / each.uses:.2f}", f"{each.found / each.labels:.2f}")
        cells = [
            each.sensor,
            f"`{each.technology}`",
            ", ".join(each.activities),
            *map(str, numbers),
            began,
            overlap,
        ]
        assert f"| {' | '.join(cells)} |" in table


def test_a_minute_s_walk_from_the_chair_is_the_end_of_a_use(
    said: dict[str, list[Said]], labels: list[tuple[str, datetime, datetime]]
) -> None:
    """With five minutes to join over, as seems natural at first, two in five of the labelled sittings would be lost."""
    seat = next(each for each in EXPECTED if each.sensor == "seat")
    easy = Technology(
        "seat", {}, "standby", (UseRule("occupancy", above=0.5, minimum_minutes=2, joining_gap_minutes=5),)
    )
    joined = measured(seat, in_use(easy, said["seat"]), labels)
    assert seat.began is not None
    assert joined.began is not None
    assert seat.began > 0.9 * seat.labels
    assert joined.began < 0.65 * seat.labels


def measured(
    about: Expected, uses: Sequence[Stretch], labels: Iterable[tuple[str, datetime, datetime]]
) -> Expected:
    """`about` with the numbers that come out."""
    activities = sorted((begin, end) for name, begin, end in labels if name in about.activities)
    lasts = any(rule.lasts for rule in BUILTIN[about.technology].use_rules)
    spans = [(each.begins, each.ends) for each in uses]
    right = sum(any(_meet(span, activity) for activity in activities) for span in spans)
    found = sum(any(_meet(span, activity) for span in spans) for activity in activities)
    free, began = list(spans), 0
    for activity in activities:
        match = next((span for span in free if abs(span[0] - activity[0]) <= NEAR), None)
        if match is not None:
            free.remove(match)
            began += 1
    either = _minutes([*spans, *activities])
    both = _minutes(spans) + _minutes(activities) - either
    return about._replace(
        uses=len(uses),
        labels=len(activities),
        right=right,
        found=found,
        began=began if lasts and about.overlap is not None else None,
        overlap=round(both / either, 2) if lasts and about.overlap is not None else None,
    )


def _meet(span: Span, activity: Span) -> bool:
    return span[0] <= activity[1] + NEAR and span[1] >= activity[0] - NEAR


def _minutes(spans: Iterable[Span]) -> float:
    """Minutes in any of them."""
    total, until = timedelta(), datetime.min.replace(tzinfo=UTC)
    for begin, end in sorted(spans):
        if end > until:
            total += end - max(begin, until)
            until = end
    return total / timedelta(minutes=1)
