"""What the makers' decoders of LoRaWAN devices say, in the words of Nyttig, whichever network carries it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from dialects import NOON, recorded, sent
from hypothesis import given
from hypothesis import strategies as st

from ingest.decoders import chirpstack, things_stack
from ingest.decoders.lorawan import FIELDS_MAX, HISTORY_MAX, Content, Said, content_of, readings_of, snake
from nyttig.errors import DecodeError
from nyttig.model import Reading

ROWS = recorded("lorawan_decoded")
NO_JSON = {66: "a trailing comma, as printed in the maker's README"}
STATES = {
    "open": 0.0, "opened": 0.0, "closed": 1.0, "trigger": 1.0, "normal": 0.0, "tilt": 1.0, "leak": 1.0, "moving": 1.0,
    "occupied": 1.0, "vacant": 0.0, "on": 1.0, "off": 0.0,
}  # fmt: skip
TYPES = {
    "magnet_status": "contact", "magnet_chn2": "contact_2", "pir": "occupancy", "position": "tilt", "illumination": "illuminance",
    "motion_status": "moving", "leakage_status": "water_leak", "socket_status": "switch", "active_power": "power",
    "power_consumption": "energy", "total_current": "current",
}  # fmt: skip
FACTORS = {"distance": 0.001, "power_consumption": 0.001}
LEFT_OUT = {
    "current_alarm": "an object of alarms; those that are numbered among them keep their names",
    "press": "a press: an action without a value",
    "button_lock_config": "an answer to a setting",
    "button_status_control": "an answer to a setting",
    "button_reset_config": "an answer to a setting",
    "overcurrent_alarm_config": "an answer to a setting",
    "switch_1_change": "whether a change was the reason to send; the switch itself is read",
    "switch_2_change": "the same",
    "switch_3_change": "the same",
}
"""What `expect` names and has no value here, and why. Alarms in words are kept as text."""


def payload_of(number: int) -> dict[str, Any]:
    content = json.loads(ROWS[number]["payload"])
    if isinstance(content, list):  # what a converter makes of one frame, in two objects
        content = {key: value for part in content for key, value in part.items()}
    return dict(content)


def understood(number: int) -> Content:
    return content_of(payload_of(number))


def values(content: Content) -> dict[str, float | None]:
    return {one.type: one.value for one in content.said}


def numbers() -> list[int]:
    return [number for number in range(len(ROWS)) if number not in NO_JSON]


# Real payloads


def test_all_recorded_payloads_are_there_and_most_say_something() -> None:
    if not ROWS:
        pytest.skip("the folder with the real messages is not there")
    assert len(ROWS) == 155
    contents = [understood(number) for number in numbers()]
    assert sum(bool(one.said) for one in contents) == 96
    assert sum(bool(one.history) for one in contents) == 14
    assert not [one.flaws for one in contents if one.flaws]


@pytest.mark.parametrize("number", numbers())
def test_a_real_payload_says_what_its_reader_understood(number: int) -> None:
    expect, content = ROWS[number]["expect"], understood(number)
    found = values(content)
    if number != 82:  # a counter of two halves: of its `battery_main` the expectation says nothing
        assert content.health.get("battery_pct") == expect.get("battery_pct")
    for name, value in expect.get("measurements", {}).items():
        factor = FACTORS.get(name, 0.001 if "current" in name and "power" in found else 1.0)
        assert found[TYPES.get(name, name)] == pytest.approx(value * factor)
    for name, value in expect.get("usage_or_state", {}).items():
        if name in LEFT_OUT:
            assert name not in found
        elif name.endswith("_alarm"):
            assert content.unknown[name] == value
        else:
            assert found[TYPES.get(name, name)] == (STATES[value] if isinstance(value, str) else value)
    assert bool(content.history) == ("history" in expect)


@pytest.mark.parametrize("number", numbers())
def test_a_real_payload_means_the_same_on_both_network_servers(number: int) -> None:
    payload = payload_of(number)
    uplink = {
        "f_port": 85,
        "f_cnt": 7,
        "session_key_id": "s",
        "received_at": NOON.isoformat(),
        "decoded_payload": payload,
    }
    stack = things_stack.decode(
        sent(
            "v3/a@t/devices/d/up",
            {"end_device_ids": {"dev_eui": "24E124707D378803"}, "uplink_message": uplink},
        ),
        "v3",
    )
    up = {"devAddr": "01020304", "fCnt": 7, "fPort": 85, "time": NOON.isoformat(), "object": payload}
    chirp = chirpstack.decode(sent("application/1/device/24e124707d378803/event/up", up), "application")
    assert [one[2:6] for one in stack.readings] == [one[2:6] for one in chirp.readings]
    assert [one.health for one in stack.readings] == [one.health for one in chirp.readings]


@pytest.mark.parametrize("number", numbers())
def test_no_type_is_said_twice_of_one_moment(number: int) -> None:
    """The ledger knows an event by its frame and its type."""
    content = understood(number)
    for said in (content.said, *(said for _, said in content.history)):
        assert len({one.type for one in said}) == len(said)


# Batteries


@pytest.mark.parametrize(
    ("payload", "health"),
    [
        ({"battery": 92}, {"battery_pct": 92.0}),
        ({"battery": 0}, {}),
        ({"battery": 255}, {}),
        ({"battery": 3.6}, {"battery_v": 3.6}),
        ({"battery": 3}, {}),
        ({"battery": 3412}, {"battery_v": 3.412}),
        ({"Bat": "3.384 V"}, {"battery_v": 3.384}),
        ({"battery": "87%"}, {"battery_pct": 87.0}),
        ({"vdd": 3642}, {"battery_v": 3.642}),
        ({"battery_voltage": 0.0}, {}),
        ({"battery_voltage": None}, {}),
        ({"Volt": "2.4(low battery)"}, {"battery_v": 2.4, "battery_low": True}),
        ({"lowBatteryAlarm": "Normal"}, {"battery_low": False}),
        ({"batteryLevelInPercentage": 100, "powerEvent": "AC Power On"}, {"external_power": True}),
        ({"powerEvent": "AC Power Off", "batteryLevelInPercentage": 100}, {"external_power": False, "battery_pct": 100.0}),
        ({"firmware_version": "v1.1"}, {"fw": "v1.1"}),
    ],
)  # fmt: skip
def test_a_battery_is_read_in_its_makers_unit_and_left_out_where_it_is_not_known(
    payload: dict[str, Any], health: dict[str, Any]
) -> None:
    assert content_of(payload).health == health


# Movement, doors, presses


def test_elsys_counts_movements_and_nobody_is_no_movement() -> None:
    assert values(content_of({"pir": 6, "vdd": 3426})) == {"occupancy": 1.0, "motion_count": 6.0}
    assert values(content_of({"motion": 0, "vdd": 3426})) == {"occupancy": 0.0, "motion_count": 0.0}
    assert values(content_of({"accMotion": 3})) == {"vibration": 1.0, "vibration_count": 3.0}


@pytest.mark.parametrize(("occupancy", "value"), [(0, {"occupancy": 0.0}), (1, {}), (2, {"occupancy": 1.0})])
def test_elsys_on_a_desk_is_sure_of_nobody_and_somebody_only(occupancy: int, value: dict[str, float]) -> None:
    said = values(content_of({"occupancy": occupancy, "motion": 4, "vdd": 3600}))
    assert said == {**value, "motion_count": 4.0}


@pytest.mark.parametrize(
    ("payload", "contact"),
    [
        ({"magnet_status": "open"}, 0.0),
        ({"magnet_status": "closed"}, 1.0),
        ({"magnet_status": 1}, 0.0),
        ({"DOOR_OPEN_STATUS": 0}, 1.0),
        ({"door": "open"}, 0.0),
        ({"reed_state": 255}, 0.0),
        ({"contact": True}, 1.0),
    ],
)
def test_a_closed_door_has_contact_whatever_its_maker_calls_it(
    payload: dict[str, Any], contact: float
) -> None:
    assert values(content_of(payload)) == {"contact": contact}


@pytest.mark.parametrize(
    ("payload", "action"),
    [
        ({"press": "short"}, "short"),
        ({"press": 2}, "long"),
        ({"button_event": {"status": "double press"}}, "double"),
        ({"Doorbell": 1}, "doorbell"),
    ],
)
def test_a_press_is_an_action(payload: dict[str, Any], action: str) -> None:
    assert content_of(payload).said == [Said("action", None, None, {"action": action})]


@pytest.mark.parametrize("payload", [{"press": "none"}, {"Doorbell": 0}, {"button_pressed": False}])
def test_a_button_that_rests_is_no_press(payload: dict[str, Any]) -> None:
    assert content_of(payload).said == []


# Measurements


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"pressure": 1008.8}, ("pressure", 1008.8, "hPa")),
        ({"barometric_pressure": 96412}, ("pressure", 964.12, "hPa")),
        ({"pressure": 10}, ("pressure", 10.0, None)),
        ({"distance": 2116}, ("distance", 2.116, "m")),
        ({"TempC_SHT": "21.30"}, ("temperature", 21.3, "°C")),
        ({"temp_f": 70.7}, ("temperature", 21.5, "°C")),
        ({"temperature_3": 27.2}, ("temperature_3", 27.2, "°C")),
        ({"temperatureSensor": {"3": 27.2}}, ("temperature_3", 27.2, "°C")),
        ({"presence_6": 1}, ("occupancy_6", 1.0, None)),
        ({"LAeq": 47.4}, ("laeq", 47.4, "dB")),
        ({"illumination": 28}, ("illuminance", 28.0, "lx")),
        ({"energyTotal": 12}, ("energy_total", 12.0, None)),
        ({"state": 1}, ("state_value", 1.0, None)),
        ({"messages": [[{"measurementId": "4097", "measurementValue": 24.5}]]}, ("temperature", 24.5, "°C")),
    ],
)  # fmt: skip
def test_a_measurement_has_the_common_word_and_unit_or_its_makers_name(
    payload: dict[str, Any], said: tuple[str, float, str | None]
) -> None:
    assert [one[:3] for one in content_of(payload).said] == [said]


def test_a_plugs_current_is_in_milliamperes_and_a_clamps_in_amperes() -> None:
    assert values(content_of({"current": 168, "active_power": 35})) == {"current": 0.168, "power": 35.0}
    assert values(content_of({"current": 30})) == {"current": 30.0}


def test_where_somebody_is_is_not_kept() -> None:
    content = content_of(
        {"latitude": 59.9, "longitude": 10.7, "wifi": [{"mac": "1c:c3"}], "geofence_status": "inside", "gps_1": {"x": 1}}
    )  # fmt: skip
    assert content == Content([], {}, {}, [], [])


def test_an_answer_to_a_setting_is_no_measurement() -> None:
    assert values(content_of({"cmd": "readConfigReportRsp", "minTime": 60, "tempChange": 1.0})) == {}
    assert values(content_of({"report_interval": 20, "temperature_control": {"target": 20}})) == {}


def test_words_that_nobody_knows_are_kept_as_text() -> None:
    assert content_of({"liquid": "full", "motion_status": "unknown"}).unknown == {
        "liquid": "full", "motion_status": "unknown",
    }  # fmt: skip


def test_two_names_of_one_thing_keep_apart() -> None:
    said = values(content_of({"temperature": 21.0, "ambient_temperature": 22.0}))
    assert said == {"temperature": 21.0, "ambient_temperature": 22.0}


def test_unknown_is_neither_zero_nor_false() -> None:
    assert content_of({"temperature": None, "magnet_status": "", "humidity": "unknown"}).said == []


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("batteryLevel", "battery_level"),
        ("Battery Level", "battery_level"),
        ("PM2.5", "pm2_5"),
        ("CO2", "co2"),
    ],
)
def test_a_name_is_written_in_one_way(name: str, plain: str) -> None:
    assert snake(name) == plain


# What was measured earlier


def test_a_row_of_history_stands_at_its_own_time_and_is_known_by_it() -> None:
    content = content_of(
        {
            "battery": 90,
            "history": [
                {"timestamp": 1688624046, "occupancy": "vacant", "temperature": 29.2},
                {"timestamp": 1688624220, "occupancy": "occupied"},
            ],
        }
    )
    first = Reading("senml", "a", "health", device_time=NOON, boot_id="s", seq=7)
    now, *earlier = readings_of(first, content)
    assert (now.type, now.seq, now.health) == ("health", 7, {"battery_pct": 90.0})
    assert [(one.type, one.value, one.boot_id, one.seq) for one in earlier] == [
        ("occupancy", 0.0, None, None),
        ("temperature", 29.2, None, None),
        ("occupancy", 1.0, None, None),
    ]
    assert earlier[0].device_time == datetime(2023, 7, 6, 6, 14, 6, tzinfo=UTC)
    assert {one.message_id for one in earlier} == {"history"}
    assert all(one.health is None for one in earlier)


@pytest.mark.parametrize("row", [{"temperature": 2}, {"timestamp": "soon"}, {"timestamp": 1e300}, 5, None])
def test_a_row_of_history_without_its_time_is_a_flaw_beside_the_rest(row: Any) -> None:
    content = content_of({"temperature": 20.0, "history": [row]})
    assert values(content) == {"temperature": 20.0}
    assert content.history == []
    assert [one.reason for one in content.flaws] == ["bad_time" if isinstance(row, dict) else "malformed"]


def test_more_than_a_frame_can_hold_is_refused() -> None:
    with pytest.raises(DecodeError) as caught:
        content_of({f"field_{number}": number for number in range(FIELDS_MAX + 1)})
    assert caught.value.reason == "oversized"
    rows = (
        [{"timestamp": 1688624046}] * (HISTORY_MAX + 1),
        [{"timestamp": 1, **dict.fromkeys("abcdefgh", 5)}] * 150,
    )
    for history in rows:
        with pytest.raises(DecodeError) as caught:
            content_of({"history": history})
        assert caught.value.reason == "oversized"


def test_what_a_formatter_wrapped_once_too_often_is_read() -> None:
    assert values(content_of({"data": {"temperature": 20.5}})) == {"temperature": 20.5}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    [
        "battery",
        "vdd",
        "pir",
        "occupancy",
        "magnet_status",
        "press",
        "position",
        "messages",
        "history",
        "pressure",
    ]
)


@given(st.dictionaries(NAMES | st.text(max_size=12), JSON, max_size=8))
def test_any_object_becomes_finite_readings_with_names(payload: dict[str, Any]) -> None:
    content = content_of(payload)
    for one in [*content.said, *(said for _, row in content.history for said in row)]:
        assert 0 < len(one.type) <= 128
        assert one.value is None or abs(one.value) < float("inf")
