"""A simulated device counts what it says, loses its connection, repeats itself and starts anew, always the same."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import BEGINS, ENDS, identity, read, trial_of

from nyttig.model import TrialPackage
from simulators.days import HOUR, MINUTE, local_day, milliseconds
from simulators.device import SimulatedDevice, Told
from simulators.scenario import places, simulate

FIRST, LAST = milliseconds(BEGINS), milliseconds(ENDS)
SEEDS = st.integers(0, 2**32)
QUICK = settings(max_examples=8, deadline=None)


def devices(package: TrialPackage, seed: int) -> list[SimulatedDevice]:
    return [place.simulated for place in places(package, seed)]


def told(device: SimulatedDevice) -> list[Told]:
    return list(device.tell(FIRST, LAST))


@QUICK
@given(SEEDS)
def test_a_device_says_the_same_again_with_the_same_seed_and_something_else_with_another(seed: int) -> None:
    package = trial_of("medicine_dispenser", homes=1)

    def everything(seed: int) -> list[object]:
        return list(simulate(package, seed=seed, municipality="oslo", begins=BEGINS, ends=ENDS))

    assert everything(seed) == everything(seed)
    assert everything(seed) != everything(seed + 1)


@QUICK
@given(SEEDS, st.integers(0, 90 * 24 * 60))
def test_a_run_that_goes_on_says_exactly_what_was_still_unsaid(seed: int, minutes: int) -> None:
    package = trial_of("feeding_robot", "door_sensor", homes=1, power="battery")
    whole = list(simulate(package, seed=seed, municipality=None, begins=BEGINS, ends=ENDS))
    sent_from = BEGINS + timedelta(minutes=minutes)
    rest = simulate(package, seed=seed, municipality=None, begins=BEGINS, ends=ENDS, sent_from=sent_from)
    assert list(rest) == [each for each in whole if each.at >= sent_from]


def test_what_waits_in_a_device_that_started_anew_is_not_forgotten_by_a_run_that_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("simulators.device.REBOOT_PER_DAY", 1)
    checked = 0
    for device in devices(trial_of("light_path", homes=12), 6):
        whole = [each for each in told(device) if each.at is not None]
        for outage in device.outages(FIRST, LAST - HOUR):
            checked += not outage.lost and outage.ends - outage.begins > 24 * HOUR
            rest = device.tell(outage.ends, LAST)
            assert [each for each in rest if each.at is not None] == [
                each for each in whole if each.at is not None and each.at >= outage.ends
            ]
    assert checked >= 2


@QUICK
@given(SEEDS)
def test_stopping_early_changes_nothing_of_what_was_sent_until_then(seed: int) -> None:
    package = trial_of("stove_guard", homes=2)
    until = BEGINS + timedelta(days=40)
    whole = simulate(package, seed=seed, municipality=None, begins=BEGINS, ends=ENDS)
    early = simulate(package, seed=seed, municipality=None, begins=BEGINS, ends=until)
    assert list(early) == [each for each in whole if each.at < until]


@QUICK
@given(SEEDS)
def test_everything_is_sent_in_order_of_time_and_inside_the_time_asked_for(seed: int) -> None:
    package = trial_of("medicine_dispenser", "motion_sensor", power="battery")
    sent = [each.at for each in simulate(package, seed=seed, municipality=None, begins=BEGINS, ends=ENDS)]
    assert sent == sorted(sent)
    assert BEGINS <= sent[0] <= sent[-1] < ENDS


@QUICK
@given(SEEDS)
def test_seq_counts_up_by_one_in_each_run_and_what_is_lost_leaves_the_gap(seed: int) -> None:
    package = trial_of("medicine_dispenser", "bed_sensor", homes=2, power="battery")
    for device in devices(package, seed):
        created: dict[str, dict[int, None]] = defaultdict(dict)
        for each in told(device):
            if each.channel != "state":
                body = read_body(each)
                created[body["boot_id"]][body["seq"]] = None
        for run in created.values():
            assert list(run) == list(range(1, len(run) + 1))


def read_body(each: Told) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(each.text)
    return body


def test_each_start_is_a_new_boot_and_says_so() -> None:
    said = read(
        simulate(trial_of("stove_guard", homes=12), seed=5, municipality=None, begins=BEGINS, ends=ENDS)
    )
    boots = {(each.device, each.body["boot_id"]) for each in said if each.channel != "state"}
    assert len(boots) > 12
    firsts = [each for each in said if each.channel == "health" and each.body["seq"] == 1]
    assert len({identity(each) for each in firsts}) > 12
    assert all(each.body["uptime_s"] == 2 for each in firsts)


def test_some_messages_come_twice_and_the_second_is_the_same_to_the_letter() -> None:
    said = read(
        simulate(
            trial_of("medicine_dispenser", homes=20), seed=3, municipality=None, begins=BEGINS, ends=ENDS
        )
    )
    by_identity = defaultdict(list)
    for each in said:
        if each.channel != "state":
            by_identity[identity(each)].append(each.body)
    twice = [bodies for bodies in by_identity.values() if len(bodies) > 1]
    assert 0.0005 < len(twice) / len(by_identity) < 0.02
    assert all(bodies == [bodies[0]] * 2 for bodies in twice)


def test_heartbeats_come_at_their_interval_wherever_there_is_no_silence() -> None:
    for device in devices(trial_of("climate_sensor", homes=8), 11):
        heard = sorted(
            each.created for each in told(device) if each.at is not None and each.channel == "health"
        )
        silent = device.silences(FIRST, LAST)
        for before, after in pairwise(heard):
            excused = sum(max(0, min(after, b) - max(before, a)) for a, b in silent)
            assert after - before - excused <= 2 * HOUR if excused else after - before <= 63 * MINUTE
        assert not any(a <= at < b for at in heard for a, b in silent)


def test_batteries_decline_and_go_flat_and_mains_have_none() -> None:
    ends = BEGINS + timedelta(days=400)
    package = trial_of("door_sensor", homes=12, power="battery")
    said = [
        each
        for each in read(simulate(package, seed=8, municipality=None, begins=BEGINS, ends=ends))
        if each.channel == "health"
    ]
    flat = 0
    for device in {each.device for each in said}:
        levels = [
            each.body["battery_pct"] for each in sorted(said, key=lambda s: s.time) if each.device == device
        ]
        rises = [(a, b) for a, b in pairwise(levels) if b > a]
        flat += len(rises)
        assert all(b == 100 for _, b in rises), "only a new battery is fuller than before"
    assert flat >= 1
    mains = read(
        simulate(trial_of("door_sensor", homes=1), seed=8, municipality=None, begins=BEGINS, ends=ENDS)
    )
    assert not any("battery_pct" in each.body for each in mains)


def outages_of_kind(lost: bool) -> list[tuple[SimulatedDevice, int, int]]:
    """Outages of many devices that overlap no other."""
    found = []
    for device in devices(trial_of("motion_sensor", homes=25), 21):
        outages = device.outages(FIRST, LAST)
        found += [
            (device, each.begins, each.ends)
            for each in outages
            if each.lost is lost
            and device.placed < each.begins < each.ends < LAST - HOUR
            and not any(o is not each and o.begins <= each.ends and o.ends >= each.begins for o in outages)
        ]
    return found


def test_after_some_outages_all_comes_in_one_burst_with_its_own_times() -> None:
    bursts = outages_of_kind(lost=False)
    assert len(bursts) >= 3
    for device, begins, ends in bursts:
        during = [each for each in told(device) if begins <= each.created < ends and each.channel != "state"]
        assert during
        assert all(each.at is not None and ends <= each.at < ends + 5 * MINUTE for each in during)


def test_other_outages_lose_what_was_said_for_good_and_the_broker_says_offline() -> None:
    losses = outages_of_kind(lost=True)
    assert len(losses) >= 3
    for device, begins, ends in losses:
        during = [each for each in told(device) if begins <= each.created < ends]
        assert [each.created for each in during if each.at is not None] == [begins + 90_000]
        assert [read_body(each)["state"] for each in during if each.channel == "state"] == ["offline"]
        back = next(each for each in told(device) if each.created >= ends)
        assert (back.channel, read_body(back)["state"]) == ("state", "online")


def test_a_gateway_takes_all_devices_of_a_home_with_it() -> None:
    package = trial_of("stove_guard", "door_sensor", homes=20)
    by_home = defaultdict(set)
    for place in places(package, 4):
        gateway = [each for each in place.simulated.outages(FIRST, LAST) if each.cause == "gateway"]
        by_home[place.home.home].add(tuple(gateway))
    assert all(len(seen) == 1 for seen in by_home.values())
    assert any(seen != {()} for seen in by_home.values())


def test_a_few_clocks_drift_within_bounds() -> None:
    drifting = 0
    for device in devices(trial_of("light_path", homes=60), 13):
        ahead = [device.clock_ahead_seconds(BEGINS.date() + timedelta(days=number)) for number in range(60)]
        drifting += any(ahead)
        assert max(map(abs, ahead)) <= 90
    assert 1 <= drifting <= 15


def test_a_device_speaks_only_while_it_stands_there() -> None:
    package = trial_of("medicine_dispenser", homes=1)
    removed = datetime(2026, 9, 30, 9, 0, tzinfo=UTC)
    placement = package.placements[0]
    moved = type(placement)(placement.device, placement.home, placement.placed_at, removed)
    (device,) = devices(type(package)(package.trial, (), package.homes, package.devices, (moved,)), 2)
    everything = told(device)
    assert everything[0].created == milliseconds(placement.placed_at)
    assert read_body(everything[-1])["state"] == "offline"
    assert all(each.created < milliseconds(removed) for each in everything)


@pytest.mark.parametrize("seed", range(5))
def test_a_message_keeps_its_local_day_whatever_the_clock_says(seed: int) -> None:
    """Uses stay minutes away from midnight, so that a drifting clock never moves one to another day."""
    for place in places(trial_of("motion_sensor", "bed_sensor", "light_path", homes=2), seed):
        for each in told(place.simulated):
            if each.channel == "event" and each.origin == "citizen":
                day = local_day(
                    datetime.fromtimestamp(each.created / 1000, place.simulated.zone).date(),
                    place.simulated.zone,
                )
                assert day.begins + 5 * MINUTE <= each.created < day.ends - 5 * MINUTE


def test_history_that_begins_amid_an_outage_holds_nothing_from_before() -> None:
    package = trial_of("motion_sensor", homes=25)
    device, begins, ends = outages_of_kind(lost=False)[0]
    middle = BEGINS + timedelta(milliseconds=(begins + ends) // 2 - FIRST)
    drift = timedelta(seconds=90)
    said = read(simulate(package, seed=21, municipality=None, begins=middle, ends=ENDS))
    assert min(each.time for each in said) >= middle - drift
    first = min(each.sent for each in said if each.device == device.device.device)
    back = BEGINS + timedelta(milliseconds=ends - FIRST)
    assert back <= first < back + timedelta(seconds=30)
