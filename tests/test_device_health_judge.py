"""What a device's facts mean: findings that hold on evidence, do not come and go, and never blame it for our absence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nyttig.health import faults
from nyttig.health.assess import DeviceHealth, assess, overview
from nyttig.health.facts import (
    AliveHour,
    BatteryReading,
    Closer,
    DeviceFacts,
    Heard,
    Link,
    Lost,
    SignalReading,
    Stuck,
)
from nyttig.health.findings import REMEDY, SEVERITY, WORST_FIRST
from nyttig.health.signal import quality, weak_signal
from nyttig.health.silence import Away, heard_as_declared, rhythm

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PLACED_AT = datetime(2026, 1, 1, tzinfo=UTC)
NEVER_AWAY = Away()
NOTHING_CLOSER = Closer()
HOUR = timedelta(hours=1)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def heard(*minutes_ago: float, behind_minutes: float = 0.0) -> tuple[Heard, ...]:
    """Messages, newest first, from a clock that is so far behind."""
    late = timedelta(minutes=behind_minutes)
    return tuple(Heard(ago(m) - late, ago(m), ago(m) - late, None) for m in minutes_ago)


def alive(*minutes_ago: float) -> tuple[AliveHour, ...]:
    """The hours in which it was heard so many minutes ago, oldest first."""
    hours: dict[datetime, int] = {}
    for minutes in sorted(minutes_ago, reverse=True):
        at = ago(minutes)
        hour = at.replace(minute=0, second=0, microsecond=0)
        hours[hour] = hours.get(hour, 0) | 1 << at.minute
    return tuple(AliveHour(*item) for item in sorted(hours.items()))


def device(
    code: str = "d", *, closer: Closer = NOTHING_CLOSER, away: Away = NEVER_AWAY, **facts: Any
) -> DeviceHealth:
    given = {
        "device": code, "technology": "door_sensor", "titles": {}, "dialect": "nyttig", "address": code, "model": None,
        "gateway": None, "power": "battery", "heartbeat_minutes": 60.0, "site": "h1", "site_type": "home", "unit": "Alna",
        "placed_at": PLACED_AT, "trials": (), "role": "primary", "heard": heard(5, 65, 125, 185),
    }  # fmt: skip
    return assess(DeviceFacts(**{**given, **facts}), closer, NOW, away)


def kinds(health: DeviceHealth) -> list[str]:
    return [finding.kind for finding in health.findings]


def test_every_status_has_a_severity_and_a_remedy() -> None:
    assert set(SEVERITY) == set(REMEDY) == set(WORST_FIRST)


def test_a_device_that_is_heard_and_says_nothing_bad_is_ok() -> None:
    health = device()
    assert (health.status, health.findings, health.severity) == ("ok", (), "none")
    assert (health.expected_interval_minutes, health.interval_basis) == (60.0, "declared")


def test_the_headline_is_the_worst_finding_and_all_of_them_are_told() -> None:
    battery = BatteryReading(ago(5), 9.0, None, None, None)
    health = device(battery=battery, signals=signals(-95, -96, -97, -98))
    assert health.status == "battery_low"
    assert kinds(health) == ["battery_low", "weak_signal"]
    assert health.severity == "visit"


# Silence and rhythm


def test_silence_is_counted_from_the_placement_at_the_earliest() -> None:
    assert device(heard=heard(9000), placed_at=ago(30)).status == "ok"
    assert device(heard=heard(9000), placed_at=ago(200)).status == "silent"


def test_a_device_just_placed_is_waited_for_and_later_missed() -> None:
    (waited,) = device(heard=(), placed_at=ago(100)).findings
    (missed,) = device(heard=(), placed_at=ago(190)).findings
    assert (waited.kind, waited.severity, waited.remedy) == ("never_seen", "watch", "wait")
    assert (missed.kind, missed.severity, missed.remedy) == ("never_seen", "urgent", "check_pairing")


FLAPPING = (1, 61, 171, 231, 341, 401)  # two gaps of 110 minutes


def test_a_device_that_was_overdue_twice_lately_stays_late_though_it_was_just_heard() -> None:
    health = device(heard=heard(*FLAPPING))
    assert health.status == "late"
    assert health.findings[0].evidence["overdue_gaps"] == 2
    assert device(heard=heard(1, 61, 171, 231, 291, 351)).status == "ok"


def test_gaps_in_which_we_were_away_do_not_make_a_device_flap() -> None:
    away = Away([(ago(165), ago(65)), (ago(335), ago(240))])
    assert device(heard=heard(*FLAPPING), away=away).status == "ok"


@pytest.mark.parametrize(
    ("hours", "declared", "steady"), [(168, 60, True), (150, 60, False), (168, 5, False), (42, 240, False)]
)
def test_a_device_heard_in_all_hours_of_its_last_week_keeps_to_its_hour(
    hours: int, declared: float, steady: bool
) -> None:
    assert heard_as_declared(hours, declared) is steady


def test_a_device_that_reports_every_four_hours_is_learned_to_whatever_the_registry_says() -> None:
    told = rhythm(60, alive(*range(10, 28 * 1440, 240)), NEVER_AWAY)
    assert (told.basis, told.interval) == ("learned", timedelta(minutes=240))
    health = device(heard=heard(400), closer=Closer(alive=alive(*range(400, 28 * 1440, 240))))
    assert (health.status, health.expected_interval_minutes, health.interval_basis) == (
        "late",
        240.0,
        "learned",
    )


def test_a_few_outages_do_not_excuse_a_device() -> None:
    minutes = [m for m in range(10, 28 * 1440, 60) if not any(at <= m < at + 3000 for at in (4000, 12000))]
    assert rhythm(60, alive(*minutes), NEVER_AWAY).basis == "declared"


def test_our_own_absences_teach_nothing() -> None:
    every_hour = range(10, 28 * 1440, 60)
    spans = [(day * 1440 + 700, day * 1440 + 100) for day in range(28)]  # ten hours of each day
    minutes = [m for m in every_hour if not any(ended <= m < began for began, ended in spans)]
    assert rhythm(60, alive(*minutes), NEVER_AWAY).basis != "declared"
    assert rhythm(60, alive(*minutes), Away((ago(b), ago(e)) for b, e in spans)).basis == "declared"


def test_a_door_sensor_that_speaks_only_when_opened_has_no_interval() -> None:
    openings = [day * 1440 + minute for day in range(28) for minute in range(100, 900, 40)]
    told = rhythm(60, alive(*openings), NEVER_AWAY)
    assert (told.basis, told.interval) == ("irregular", None)
    closer = Closer(alive=alive(*(minute + 3000 for minute in openings)))
    health = device(heard=heard(3100), closer=closer)
    (finding,) = health.findings
    assert (finding.kind, finding.remedy, finding.severity) == ("unknown", "trigger_at_next_visit", "watch")
    assert finding.evidence["reason"] == "speaks_when_something_happens"
    assert health.expected_interval_minutes is None
    for_weeks = Closer(alive=alive(*(minute + 21000 for minute in openings)))
    assert device(heard=heard(21100), closer=for_weeks).status == "silent"


def test_after_three_days_of_openings_nobody_can_tell_its_rhythm_yet() -> None:
    openings = [day * 1440 + minute for day in range(3) for minute in (100, 500, 900)]
    assert rhythm(60, alive(*openings), NEVER_AWAY).basis == "cannot_tell_yet"


@given(st.lists(st.integers(0, 20000), max_size=60), st.sampled_from([5.0, 60.0, 240.0]))
def test_a_rhythm_is_found_for_any_history(minutes: list[int], declared: float) -> None:
    told = rhythm(declared, alive(*minutes), NEVER_AWAY)
    assert (told.interval is None) == (told.basis in ("irregular", "cannot_tell_yet"))
    assert told.interval is None or told.interval > timedelta()


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000)), max_size=5), st.integers(1, 2000))
def test_the_moment_so_much_listening_ago_lies_that_much_listening_ago(
    spans: list[tuple[int, int]], minutes: int
) -> None:
    away = Away((ago(max(span)), ago(min(span))) for span in spans)
    listened = timedelta(minutes=minutes)
    assert away.listened(away.back(NOW, listened), NOW) == listened


# Battery


def low(pct: float | None, *, was_low: bool = False, **more: Any) -> bool:
    told = {"volts": None, "low": None, "external_power": None, **more}
    health = device(battery=BatteryReading(ago(5), pct, **told), closer=Closer(battery_was_low=was_low))
    return "battery_low" in kinds(health)


def test_a_battery_is_low_from_15_percent_until_20_so_that_it_does_not_come_and_go() -> None:
    assert low(15)
    assert not low(16)
    assert low(16, was_low=True)
    assert low(19.5, was_low=True)
    assert not low(20, was_low=True)


def test_zero_percent_is_low_and_unknown_is_not_zero() -> None:
    assert low(0)
    assert not low(None)
    assert device(battery=None).battery_pct is None


def test_a_device_that_says_so_itself_is_low_and_one_on_external_power_is_not() -> None:
    assert low(80, low=True)
    assert low(None, low=True)
    assert not low(3, external_power=True)


def test_a_device_that_said_100_percent_until_it_fell_silent_at_the_end_of_its_kinds_life_needs_a_battery() -> (
    None
):
    full = BatteryReading(ago(500), 100.0, None, None, None)
    (old,) = device(heard=heard(500), battery=full, placed_at=NOW - timedelta(days=500)).findings
    assert (old.kind, old.remedy) == ("silent", "replace_battery")
    assert (old.evidence["battery_pct"], old.evidence["lifetime_months_min"]) == (100.0, 12)
    (young,) = device(heard=heard(500), battery=full, placed_at=NOW - timedelta(days=60)).findings
    assert young.remedy == "check_power_and_place"
    (mains,) = device(heard=heard(500), power="mains", placed_at=NOW - timedelta(days=500)).findings
    assert mains.remedy == "check_power_and_place"


# Signal


def signals(*dbm: float, field: str = "rssi_dbm") -> tuple[SignalReading, ...]:
    """Readings, newest first, ten minutes apart."""
    empty = dict.fromkeys(("rssi_dbm", "snr_db", "link_quality", "signal_pct"))
    return tuple(SignalReading(ago(10 * n + 5), **{**empty, field: value}) for n, value in enumerate(dbm))


@pytest.mark.parametrize(
    ("readings", "dialect", "word"),
    [
        (signals(-60, -61, -90), "nyttig", "good"),  # one bad one is no bad signal
        (signals(-80), "nyttig", "fair"),
        (signals(-95, -94, -60), "nyttig", "poor"),
        (signals(-95, -94, -93), "tts", "good"),  # LoRaWAN hears what a house does not
        (signals(7, 6, 5, field="snr_db"), "chirpstack", "good"),
        (signals(120, field="link_quality"), "zigbee2mqtt", "good"),
        (signals(20, 25, 30, field="link_quality"), "zigbee2mqtt", "poor"),
        (signals(0, 0, 0, field="link_quality"), "zigbee2mqtt", "unknown"),
        (signals(255, field="link_quality"), "zigbee2mqtt", "unknown"),
        (signals(10, 10, 10, field="signal_pct"), "homie", "poor"),
        ((), "nyttig", "unknown"),
    ],
)
def test_the_signal_is_told_in_words(readings: tuple[SignalReading, ...], dialect: str, word: str) -> None:
    assert quality(readings, dialect) == word


def test_a_weak_signal_does_not_come_and_go_at_the_border() -> None:
    assert weak_signal(signals(-86, -86, -86, -90, -90, -90), "nyttig") is not None  # was poor, is not mended
    assert weak_signal(signals(-86, -86, -86, -80, -80, -80), "nyttig") is None  # was fine, is not poor
    assert weak_signal(signals(-83, -83, -83, -90, -90, -90), "nyttig") is None  # mended
    assert weak_signal(signals(-99, -60, -60, -60), "nyttig") is None  # one reading
    assert weak_signal(signals(-99, -99), "nyttig") is None  # too few to say


# Clock, connection, loss, chatter, stuck


def test_a_device_whose_clock_is_a_day_behind_is_alive_and_its_clock_is_wrong() -> None:
    behind = heard(5, 65, 125, 185, behind_minutes=1440)
    health = device(heard=behind, arrived_at=ago(5))
    assert health.status == "clock_wrong"
    assert health.last_seen_at == ago(5)
    assert health.findings[0].evidence["offset_seconds"] == -86400.0


def test_messages_that_a_gateway_kept_are_no_wrong_clock_and_no_sign_of_life_today() -> None:
    kept = tuple(Heard(ago(m), ago(5), ago(m), None) for m in (600, 660, 720, 780))
    health = device(heard=kept, arrived_at=ago(5))
    assert health.status == "silent"
    two = tuple(Heard(ago(m), ago(5), ago(m), None) for m in (600, 600.1))
    assert faults.clock(two).wrong is False


def test_a_clock_that_drifts_by_seconds_or_erred_once_is_not_wrong() -> None:
    assert device(heard=heard(5, 65, 125, 185, behind_minutes=2)).status == "ok"
    odd = (Heard(ago(5), ago(5), NOW + timedelta(days=3650), "future"), *heard(65, 125, 185, 245))
    assert device(heard=odd).status == "ok"


def test_a_clock_that_woke_in_1970_is_wrong() -> None:
    reset = tuple(Heard(ago(m), ago(m), datetime(1970, 1, 1, tzinfo=UTC), "past") for m in (5, 65, 125))
    health = device(heard=reset)
    assert (health.status, health.findings[0].evidence["impossible_times"]) == ("clock_wrong", 3)


def test_a_lost_connection_is_told_after_ten_minutes_unless_the_device_spoke_since() -> None:
    assert device(links=(Link(ago(4), False), Link(ago(500), True))).status == "ok"
    assert (
        device(heard=heard(20), links=(Link(ago(12), False), Link(ago(500), True))).status
        == "connection_lost"
    )
    assert device(heard=heard(5), links=(Link(ago(12), False),)).status == "ok"
    assert device(heard=heard(20), links=(Link(ago(5), True), Link(ago(12), False))).status == "ok"


def test_a_device_that_sleeps_between_its_reports_has_not_lost_its_connection() -> None:
    naps = tuple(Link(ago(m), m % 60 == 0) for m in range(25, 300, 5) if m % 60 in (0, 25))
    assert [link.online for link in naps[:3]] == [False, True, False]
    assert device(heard=heard(60), links=naps).status == "ok"
    assert device(heard=heard(60), links=naps[:2]).status == "connection_lost"  # no habit yet


def test_after_our_absence_a_lost_connection_is_waited_out() -> None:
    links = (Link(ago(70), False), Link(ago(500), True))
    assert device(heard=heard(75), links=links).status == "connection_lost"
    assert device(heard=heard(75), links=links, away=Away([(ago(69), ago(12))])).status == "ok"


def test_messages_lost_in_the_last_week_are_told_when_they_are_many_and_not_ours() -> None:
    lost = (Lost(6, ago(3000), ago(2900)), Lost(6, ago(900), ago(800)))
    health = device(closer=Closer(lost=lost, received_messages=168))
    assert (health.status, health.findings[0].evidence["lost_messages"]) == ("lossy", 12)
    assert device(closer=Closer(lost=lost, received_messages=5000)).status == "ok"
    away = Away([(ago(2950), ago(2940)), (ago(850), ago(840))])
    assert device(closer=Closer(lost=lost, received_messages=168), away=away).status == "ok"


def test_two_hours_of_far_too_many_messages_are_chatter() -> None:
    assert device(closer=Closer(busy_hours=(ago(300),))).status == "ok"
    assert device(closer=Closer(busy_hours=(ago(300), ago(60)))).status == "chattering"


def test_a_thermometer_that_has_not_moved_for_two_days_is_stuck() -> None:
    frozen = Stuck("temperature", 21.34, ago(2870), ago(5), 48)
    assert device(closer=Closer(stuck=frozen)).status == "stuck"
    assert device(closer=Closer(stuck=frozen._replace(readings=12))).status == "ok"


# What is silent as a whole


def behind(code: str, minutes_ago: float, interval: float = 60.0, **more: Any) -> DeviceHealth:
    return device(code, heard=heard(minutes_ago), heartbeat_minutes=interval, **more)


def test_forty_devices_behind_a_dead_gateway_are_one_finding() -> None:
    forty = [behind(f"d{n:02}", 300 + n, gateway="gw1", site=f"h{n // 4}") for n in range(40)]
    alive_elsewhere = behind("other", 5, gateway="gw2")
    health = overview([*forty, alive_elsewhere])
    (gateway,) = health.silent_gateways
    assert (gateway.gateway, gateway.devices, len(gateway.sites)) == ("gw1", 40, 10)
    assert gateway.since == ago(300)
    assert health.silent_sites == ()  # they are all behind it
    assert {one.behind for one in health.devices if one.device != "other"} == {"gateway gw1"}
    assert next(one for one in health.devices if one.device == "other").behind is None


def test_a_device_that_reports_daily_does_not_hide_that_the_gateway_is_down() -> None:
    health = overview(
        [behind("a", 300, gateway="g"), behind("b", 310, gateway="g"), behind("c", 600, 1440, gateway="g")]
    )
    assert [one.devices for one in health.silent_gateways] == [3]
    assert next(one for one in health.devices if one.device == "c").behind == "gateway g"


def test_a_gateway_through_which_one_device_speaks_is_up() -> None:
    health = overview(
        [behind("a", 300, gateway="g"), behind("b", 310, gateway="g"), behind("c", 5, gateway="g")]
    )
    assert health.silent_gateways == ()


def test_a_home_is_told_beside_a_gateway_when_not_all_its_devices_are_behind_that() -> None:
    health = overview([
        behind("a", 300, gateway="g", site="h1"), behind("b", 310, gateway="g", site="h2"), behind("c", 320, site="h1"),
    ])  # fmt: skip
    assert [one.gateway for one in health.silent_gateways] == ["g"]
    assert [one.site for one in health.silent_sites] == ["h1"]
    assert {one.device: one.behind for one in health.devices} == {
        "a": "gateway g", "b": "gateway g", "c": "home h1",
    }  # fmt: skip
