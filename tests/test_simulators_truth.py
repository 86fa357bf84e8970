"""The truth that the simulators write down is what the messages on the wire say, read by hand."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import BEGINS, ENDS, Said, identity, read, trial_of

from nyttig.model import TrialPackage
from nyttig.package.technologies import builtin_technologies
from simulators.scenario import Publication, pack_history, simulate, slug
from simulators.truth import Truth, truths

OSLO = ZoneInfo("Europe/Oslo")
SEEDS = st.integers(0, 2**32)
PLAIN = sorted(
    each.id
    for each in builtin_technologies().values()
    if any(rule.above is None and rule.below is None for rule in each.use_rules)
)


def publications(package: TrialPackage, seed: int) -> Iterable[Publication]:
    return simulate(package, seed=seed, municipality=None, begins=BEGINS, ends=ENDS)


def uses_on_the_wire(
    package: TrialPackage, said: Iterable[Said], days: Iterable[Truth]
) -> dict[object, list[datetime]]:
    """Uses per device and local day, counted from the messages alone, by the true time."""
    technology = {each.device: builtin_technologies()[each.technology] for each in package.devices}
    ahead = {(day.device, day.day): timedelta(seconds=day.clock_ahead_seconds) for day in days}
    times: dict[str, set[datetime]] = defaultdict(set)
    for each in {identity(each): each for each in said if each.channel == "event"}.values():
        types = {
            rule.type
            for rule in technology[each.device].use_rules
            if rule.above is None and rule.below is None
        }
        if each.body["type"] in types and each.body.get("origin", "citizen") == "citizen":
            times[each.device].add(each.time - ahead[each.device, each.time.astimezone(OSLO).date()])
    found: dict[object, list[datetime]] = defaultdict(list)
    for device, seen in times.items():
        before = None
        for time in sorted(seen):
            if before is None or time - before > timedelta(minutes=technology[device].joining_gap_minutes):
                found[device, time.astimezone(OSLO).date()].append(time)
            before = time
    return found


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.sampled_from(PLAIN), st.integers(0, 60 * 24))
def test_the_uses_that_the_truth_says_were_heard_are_those_on_the_wire(
    seed: int, technology: str, hours: int
) -> None:
    """Also where history begins long after the devices were placed."""
    begins = BEGINS + timedelta(hours=hours)
    package = trial_of(technology, homes=2, power="battery")
    days = list(truths(package, seed=seed, begins=begins, ends=ENDS))
    said = read(simulate(package, seed=seed, municipality=None, begins=begins, ends=ENDS))
    found = uses_on_the_wire(package, said, days)
    assert {(day.device, day.day): list(day.heard_uses) for day in days if day.heard_uses} == found


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.sampled_from(PLAIN))
def test_what_was_used_and_not_heard_lies_in_a_silence(seed: int, technology: str) -> None:
    package = trial_of(technology, homes=2, power="battery")
    for day in truths(package, seed=seed, begins=BEGINS, ends=ENDS):
        for at in day.uses:
            in_silence = any(a <= at < b for a, b in day.silent)
            assert in_silence == (at not in day.heard_uses)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_nothing_that_a_device_said_in_a_silence_reaches_the_wire(seed: int) -> None:
    package = trial_of("medicine_dispenser", "motion_sensor", homes=2, power="battery")
    ends = BEGINS + timedelta(days=45)
    days = list(truths(package, seed=seed, begins=BEGINS, ends=ends))
    silent: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    ahead = {(day.device, day.day): timedelta(seconds=day.clock_ahead_seconds) for day in days}
    for day in days:
        silent[day.device] += day.silent
    for each in read(simulate(package, seed=seed, municipality=None, begins=BEGINS, ends=ends)):
        if each.body.get("state") != "offline":
            true_time = each.time - ahead.get((each.device, each.time.astimezone(OSLO).date()), timedelta())
            assert not any(a <= true_time < b for a, b in silent[each.device])


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_there_is_one_truth_for_each_device_and_local_day(seed: int) -> None:
    package = trial_of("stove_guard", "door_sensor", homes=2)
    days = list(truths(package, seed=seed, begins=BEGINS, ends=ENDS))
    expected = [date(2026, 8, 24) + timedelta(days=number) for number in range(91)]
    for device in package.devices:
        assert [day.day for day in days if day.device == device.device] == expected


def test_a_line_of_the_truth_says_when_as_time_with_offset() -> None:
    package = trial_of("medicine_dispenser", homes=1)
    day = next(day for day in truths(package, seed=1, begins=BEGINS, ends=ENDS) if day.uses and day.silent)
    line = json.loads(day.as_json())
    assert (line["home"], line["device"], line["day"]) == ("h0", "medicine_dispenser-h0", day.day.isoformat())
    assert [datetime.fromisoformat(at) for at in line["uses"]] == list(day.uses)
    assert [[datetime.fromisoformat(at) for at in span] for span in line["silent"]] == [
        list(s) for s in day.silent
    ]


@settings(max_examples=5, deadline=None)
@given(SEEDS)
def test_packed_history_holds_the_same_objects_in_far_fewer_messages(seed: int) -> None:
    package = trial_of("feeding_robot", "motion_sensor", homes=2)
    single = list(publications(package, seed))
    packed = list(pack_history(single))
    assert len(packed) < len(single) / 10
    by_topic: dict[str, list[object]] = defaultdict(list)
    packed_by_topic: dict[str, list[object]] = defaultdict(list)
    for publication in single:
        by_topic[publication.topic].append(json.loads(publication.payload))
    for publication in packed:
        content = json.loads(publication.payload)
        packed_by_topic[publication.topic] += content if isinstance(content, list) else [content]
    assert packed_by_topic == by_topic
    assert [each.at.date() for each in packed] == sorted(each.at.date() for each in packed)
    assert max(len(each.payload) for each in packed) < 100_000


def test_topics_name_municipality_home_and_device_and_only_state_is_retained() -> None:
    package = trial_of("stove_guard", homes=1)
    sent = list(publications(package, 1))
    base = "wt/v1/bydel-gamle-oslo/h0/stove_guard-h0"
    assert {each.topic for each in sent} == {f"{base}/{channel}" for channel in ("event", "health", "state")}
    assert {each.topic for each in sent if each.retain} == {f"{base}/state"}
    other = next(iter(simulate(package, seed=1, municipality="demo", begins=BEGINS, ends=ENDS)))
    assert other.topic.startswith("wt/v1/demo/")


@pytest.mark.parametrize(
    ("unit", "level"),
    [
        ("Bydel Gamle Oslo", "bydel-gamle-oslo"),
        ("Aurskog-Høland", "aurskog-holand"),
        ("Ærø / Vest", "aero-vest"),
        ("+", "demo"),
    ],
)
def test_a_unit_s_name_becomes_a_level_of_a_topic(unit: str, level: str) -> None:
    assert slug(unit) == level


@pytest.mark.parametrize("technology", ["door_sensor", "motion_sensor"])
@pytest.mark.parametrize("seed", range(4))
def test_a_zigbee_sensor_s_truth_is_its_changes_of_state_on_the_wire(technology: str, seed: int) -> None:
    plain = trial_of(technology, homes=1, power="battery")
    package = replace(
        plain, devices=tuple(replace(each, dialect="zigbee2mqtt", address="hall/0") for each in plain.devices)
    )
    attribute, used = ("contact", False) if technology == "door_sensor" else ("occupancy", True)
    found, before = [], None
    for publication in publications(package, seed):
        if publication.topic == "zigbee2mqtt/hall/0":
            body = json.loads(publication.payload)
            if body[attribute] is used and before is (not used):
                found.append(datetime.fromisoformat(body["last_seen"]))
            before = body[attribute]
        else:
            assert publication.topic == "zigbee2mqtt/hall/0/availability"
    heard = [at for day in truths(package, seed=seed, begins=BEGINS, ends=ENDS) for at in day.heard_uses]
    assert found == heard
    assert len(found) > 40


@pytest.mark.parametrize("seed", range(3))
def test_a_zigbee_bed_is_in_use_from_lying_down_until_getting_up_for_good(seed: int) -> None:
    """Whoever is back within a quarter of an hour had not got up, and what was shorter than ten minutes was no use."""
    plain = trial_of("bed_sensor", homes=1, power="battery")
    package = replace(
        plain, devices=tuple(replace(each, dialect="zigbee2mqtt", address="bed/0") for each in plain.devices)
    )
    said = sorted(
        (datetime.fromisoformat(body["last_seen"]), body["occupancy"])
        for publication in publications(package, seed)
        if publication.topic == "zigbee2mqtt/bed/0"
        for body in [json.loads(publication.payload)]
    )
    times, in_bed = [at for at, _ in said], [state for _, state in said]
    expected, last_in_bed = [], None
    for number, at in enumerate(times):
        if in_bed[number]:
            begins = number and not in_bed[number - 1]
            apart = last_in_bed is None or at - last_in_bed > timedelta(minutes=15)
            if begins and apart and _lies_for_ten_minutes(times[number:], in_bed[number:]):
                expected.append(at)
        if in_bed[number] or (number and in_bed[number - 1] and at - times[number - 1] <= timedelta(hours=3)):
            last_in_bed = at
    heard = [at for day in truths(package, seed=seed, begins=BEGINS, ends=ENDS) for at in day.heard_uses]
    assert heard == expected
    assert len(heard) > 40


def _lies_for_ten_minutes(times: list[datetime], in_bed: list[bool]) -> bool:
    """Whether it is known of somebody who lies down at the first of `times`, who may be up in between."""
    until = times[0]
    for at, follows, state in zip(times, times[1:], in_bed, strict=False):
        if state and at - until <= timedelta(minutes=15):
            until = max(until, follows if follows - at <= timedelta(hours=3) else at)
    return until - times[0] >= timedelta(minutes=10)


def test_devices_of_dialects_that_are_not_simulated_say_nothing() -> None:
    plain = trial_of("door_sensor", homes=2)
    package = replace(plain, devices=(plain.devices[0], replace(plain.devices[1], dialect="shelly")))
    assert {each.device for each in truths(package, seed=1, begins=BEGINS, ends=ENDS)} == {"door_sensor-h0"}
