"""Shelly's messages, read as a reader of the maker's documentation reads them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from dialects import any_messages, assert_storable, one_of, recorded, said, sent
from hypothesis import given, settings
from shelly import DOOR, PLUG, advertised, notified, pressed, read

from ingest.decode import decode, route_of, routes
from ingest.decoders.shelly import Decoder
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Description, Message
from nyttig.settings import Source

ROWS = recorded("shelly")
WITHOUT_A_TOPIC = {20: "what a script saw inside its device: nothing in it says which"}
"""Rows whose source shows no topic and whose payload names no device."""

TYPES = {
    "apower": "power", "act_power": "power", "freq": "frequency", "aenergy.total": "energy", "pf": "power_factor",
}  # fmt: skip


# Real messages


def of_row(number: int, *, retained: bool = False) -> Decoded:
    row = ROWS[number - 1]
    return read(
        row["topic"] or row.get("topic_by_grammar") or "somewhere/else", row["payload"], retained=retained
    )


def readable() -> list[int]:
    return [number for number in range(1, len(ROWS) + 1) if number not in WITHOUT_A_TOPIC]


def test_all_recorded_messages_are_there_and_most_say_something() -> None:
    if not ROWS:
        pytest.skip("the folder with the real messages is not there")
    assert len(ROWS) == 41
    assert sum(bool(of_row(number).readings) for number in readable()) == 34
    assert sum(bool(of_row(number).descriptions) for number in readable()) == 10


@pytest.mark.parametrize("number", readable())
def test_a_real_message_says_what_its_reader_understood(number: int) -> None:
    expect, decoded = ROWS[number - 1]["expect"], of_row(number)
    assert not decoded.flaws
    if "RPC" in expect.get("kind", "") or expect.get("kind") == "announce":
        assert decoded.readings == []
        return
    values = said(decoded)
    health = decoded.readings[0].health or {}
    assert {one.address.lower() for one in decoded.readings} == {expect["device"].lower()}
    assert health.get("battery_pct") == expect.get("battery_pct")
    assert health.get("rssi_dbm") == expect.get("rssi_dbm")
    time = expect.get("timestamp")
    expected_time = datetime.fromtimestamp(time["unix_s_utc"], UTC) if time else None
    assert {one.device_time for one in decoded.readings} == {expected_time}
    for name, state in expect.get("state", {}).items():
        if name == "window_open":
            assert values["contact"] == float(not state)
        elif isinstance(state, dict):
            for what, value in state.items():
                if what in ("relay_on", "input"):
                    assert values["switch" if what == "relay_on" else "input"] == float(value)
        else:
            assert values[{"relay": "switch"}.get(name, name)] == float(state == "on")
    for name, measured in expect.get("measurements", {}).items():
        component, _, field = name.rpartition(":")[2].partition(".") if ":" in name else ("", "", name)
        topic = ROWS[number - 1]["topic"] or ""
        channel = int(component or topic.split("/")[3])
        kind = TYPES.get(field, field) + (f"_{channel}" if channel else "")
        assert values[kind] == pytest.approx(
            measured["value"] / (1000 if measured["unit"].startswith("Wh") else 1)
        )
    actions = [one.extra for one in decoded.readings if one.type == "action"]
    usage = [event for event in expect.get("events", []) if event["usage_event"]]
    assert [(one or {})["action"] + "_push" for one in actions] == [event["event"] for event in usage]


@pytest.mark.parametrize("number", sorted(WITHOUT_A_TOPIC))
def test_what_names_no_device_is_refused(number: int) -> None:
    if ROWS:
        with pytest.raises(DecodeError) as caught:
            of_row(number)
        assert caught.value.reason == "unknown_topic"


@pytest.mark.parametrize("number", readable())
def test_the_brokers_memory_of_a_real_message_is_no_event(number: int) -> None:
    assert of_row(number, retained=True).readings == []


# Who says it


def test_a_device_is_known_by_its_id_whatever_its_topic_is_called() -> None:
    decoder = Decoder()
    learned = read("hall/plug/events/rpc", notified({"switch:0": {"output": True}}), decoder)
    assert {one.address for one in learned.readings} == {PLUG}
    assert learned.lasting
    assert read("hall/plug/online", "true", decoder).readings[0].address == PLUG
    assert not read("hall/plug/events/rpc", notified({"sys": {}}), decoder, seconds=1).lasting


def test_a_restart_learns_again_from_what_was_kept() -> None:
    decoder = Decoder()
    taught = read("hall/plug/events/rpc", notified({"switch:0": {"output": True}}), decoder, retained=True)
    assert taught.readings == []
    assert read("hall/plug/status/switch:0", {"output": False}, decoder).readings[0].address == PLUG


def test_a_topic_that_nothing_told_us_about_is_its_own_address() -> None:
    assert read("hall/plug/status/switch:0", {"output": True}).readings[0].address == "hall/plug"
    assert read(f"home/{PLUG}/status/switch:0", {"output": True}).readings[0].address == PLUG
    assert read(f"shellies/{PLUG}/online", "true").readings[0].address == PLUG


def test_a_full_status_describes_the_device() -> None:
    (only,) = read(
        f"{PLUG}/events/rpc",
        notified(
            {"sys": {"mac": "A8032AB13004"}, "switch:0": {"output": True, "apower": 3.5}}, "NotifyFullStatus"
        ),
    ).descriptions
    assert only == Description(
        "shelly",
        PLUG,
        "A8:03:2A:B1:30:04",
        "Shelly",
        "shellyplus1pm",
        power="mains",
        says=("switch", "power"),
    )


# Twice the same


def test_both_kinds_of_notification_at_once_count_once() -> None:
    decoder = Decoder()
    change = {"id": 0, "output": True, "apower": 12.0}
    first = read(f"{PLUG}/events/rpc", notified({"switch:0": change}), decoder)
    second = read(f"{PLUG}/status/switch:0", change, decoder)
    assert said(first) == {"switch": 1.0, "power": 12.0}
    assert second == Decoded([], [])


def test_who_was_told_to_notify_no_more_is_still_heard() -> None:
    decoder = Decoder()
    read(f"{PLUG}/events/rpc", notified({"switch:0": {"output": True}}), decoder)
    assert said(read(f"{PLUG}/online", "true", decoder)) == {"state": 1.0}
    assert said(read(f"{PLUG}/status/switch:0", {"output": False}, decoder)) == {"switch": 0.0}


def test_a_notification_delivered_twice_is_the_same_message() -> None:
    one, again = (
        read(f"{PLUG}/events/rpc", notified({"switch:0": {"output": True}}), seconds=wait).readings[0]
        for wait in (0, 5)
    )
    assert one.message_id is not None
    assert one == again


def test_two_presses_in_one_message_are_two() -> None:
    event = {"component": "input:0", "event": "single_push", "ts": 1795330683.12}
    decoded = read(f"{PLUG}/events/rpc", notified({"events": [event, event]}, "NotifyEvent"))
    assert [one.type for one in decoded.readings] == ["action", "action"]
    assert len({one.message_id for one in decoded.readings}) == 2


# What happened


@pytest.mark.parametrize(
    "event", ["btn_down", "btn_up", "config_changed", "scheduled_restart", "ota_success"]
)
def test_the_raw_parts_of_a_press_and_the_devices_own_affairs_are_no_use(event: str) -> None:
    assert said(read(f"{PLUG}/events/rpc", pressed(component="input:0", event=event))) == {"health": None}


def test_a_long_press_of_the_third_button() -> None:
    action = one_of(read(f"{PLUG}/events/rpc", pressed(component="input:2", event="long_push")), "action")
    assert action.extra == {"action": "long", "input": 2}
    assert action.device_time == datetime.fromtimestamp(1795330683.12, UTC)


def test_an_input_in_button_mode_has_no_state() -> None:
    assert said(read(f"{PLUG}/events/rpc", notified({"input:0": {"id": 0, "state": None}}))) == {
        "health": None
    }


def test_the_second_channel_is_told_from_the_first() -> None:
    decoded = read(
        f"{PLUG}/events/rpc", notified({"switch:0": {"output": True}, "switch:1": {"output": False}})
    )
    assert said(decoded) == {"switch": 1.0, "switch_1": 0.0}


def test_alarms_climate_and_three_phases() -> None:
    decoded = read(
        "shellyflood-a8032ab13004/events/rpc",
        notified(
            {
                "flood:0": {"alarm": True},
                "smoke:0": {"alarm": False},
                "temperature:0": {"tC": 19.8, "tF": 67.6},
                "humidity:0": {"rh": 42.2},
                "illuminance:0": {"lux": 120, "illumination": "dark"},
                "em:0": {"a_act_power": 10.5, "b_voltage": 231.0, "total_act_power": 40.0, "a_pf": None},
                "emdata:0": {"total_act": 12500.0},
                "cover:0": {"current_pos": 40, "state": "stopped"},
            }
        ),
    )
    assert said(decoded) == {
        "water_leak": 1.0, "smoke": 0.0, "temperature": 19.8, "humidity": 42.2, "illuminance": 120.0,
        "power_a": 10.5, "voltage_b": 231.0, "power": 40.0, "energy": 12.5, "position": 40.0,
    }  # fmt: skip


def test_a_sleeping_sensor_that_does_not_know_the_time_counts_for_its_arrival() -> None:
    content = notified({"temperature:0": {"tC": 19.8}}, "NotifyFullStatus")
    content["params"]["ts"] = None
    (only,) = read(f"{PLUG}/events/rpc", content).readings
    assert (only.device_time, only.message_id) == (None, None)


# Health


def test_a_battery_means_nothing_on_external_power() -> None:
    decoder = Decoder()
    supply = {"battery": {"V": 0.43, "percent": 0}, "external": {"present": True}}
    (plugged,) = read(f"{PLUG}/events/rpc", notified({"devicepower:0": supply}), decoder).readings
    assert plugged.health == {"external_power": True}
    (later,) = read(
        f"{PLUG}/events/rpc", notified({"devicepower:0": {"battery": {"percent": 1}}}), decoder
    ).readings
    assert later.health is None


def test_a_battery_that_is_empty_is_not_unknown() -> None:
    supply = {"battery": {"V": 2.1, "percent": 0}, "external": {"present": False}}
    (only,) = read(f"{PLUG}/events/rpc", notified({"devicepower:0": supply, "wifi": {"rssi": -71}})).readings
    assert only.health == {"external_power": False, "battery_pct": 0.0, "battery_v": 2.1, "rssi_dbm": -71.0}
    unknown = {"battery": {"V": None, "percent": None}, "external": {"present": False}}
    (only,) = read(f"{PLUG}/events/rpc", notified({"devicepower:0": unknown})).readings
    assert only.health == {"external_power": False}


def test_online_is_the_devices_own_word_and_offline_its_will() -> None:
    assert said(read(f"{PLUG}/online", "true")) == {"state": 1.0}
    assert said(read(f"{PLUG}/online", "false")) == {"state": 0.0}
    assert said(read(f"{PLUG}/online", "false", retained=True)) == {"availability": 0.0}
    with pytest.raises(DecodeError, match="true or false"):
        read(f"{PLUG}/online", "maybe")


# Gen1


@pytest.mark.parametrize(
    ("what", "payload", "expected"),
    [
        ("relay/1", "on", {"switch_1": 1.0}),
        ("relay/0/energy", "60000", {"energy": 1.0}),
        ("emeter/0/total", "12345.6", {"energy": 12.3456}),
        ("sensor/state", "open", {"contact": 0.0}),
        ("sensor/flood", "true", {"water_leak": 1.0}),
        ("sensor/temperature", "21.5", {"temperature": 21.5}),
        ("sensor/battery", "81", {"health": None}),
        ("roller/0/pos", "-1", {"health": None}),
        ("temperature", "55.1", {"health": None}),
        ("status", '{"motion": true, "lux": 24, "bat": 81}', {"motion": 1.0, "illuminance": 24.0}),
    ],
)
def test_the_first_generation_sends_plain_values(
    what: str, payload: str, expected: dict[str, float | None]
) -> None:
    assert said(read(f"shellies/shellydw2-A1B2C3/{what}", payload)) == pytest.approx(expected)


def test_a_plain_battery_is_health() -> None:
    (only,) = read("shellies/shellydw2-A1B2C3/sensor/battery", "81").readings
    assert only.health == {"battery_pct": 81.0}


def test_a_press_is_counted_once_although_it_is_repeated() -> None:
    decoder, topic = Decoder(), "shellies/shellyix3-A1B2C3/input_event/1"
    press = read(topic, {"event": "SS", "event_cnt": 4}, decoder)
    assert one_of(press, "action").extra == {"action": "double", "input": 1}
    assert press.lasting
    assert said(read(topic, {"event": "SS", "event_cnt": 4}, decoder, seconds=30)) == {"health": None}
    assert said(read(topic, {"event": "S", "event_cnt": 5}, decoder, seconds=60)) == {"action": None}


def test_a_press_that_was_kept_is_not_counted_after_a_restart() -> None:
    decoder, topic = Decoder(), "shellies/shellyix3-A1B2C3/input_event/1"
    assert read(topic, {"event": "SS", "event_cnt": 4}, decoder, retained=True).readings == []
    assert said(read(topic, {"event": "SS", "event_cnt": 4}, decoder, seconds=30)) == {"health": None}


def test_the_sources_of_one_dialect_share_what_was_learned() -> None:
    known = routes([Source("shelly", one) for one in ("+/events/rpc", "+/online", "shellies/#")])

    def told(topic: str, content: Any) -> Decoded:
        route, base = route_of(topic, known)
        return decode(sent(topic, content), route, base)

    told("plug/events/rpc", notified({"switch:0": {"output": True}}))
    assert told("plug/online", "false").readings[0].address == PLUG
    assert told("shellies/shelly1-A1B2C3/relay/0", "on").readings[0].address == "shelly1-A1B2C3"


# Not ours, and damaged


@pytest.mark.parametrize(
    "topic", [f"{PLUG}/command", f"{PLUG}/command/switch:0", "shellies/command", "shellies/x/relay/0/command",
              f"{PLUG}/debug/log"],
)  # fmt: skip
def test_a_command_is_not_ours(topic: str) -> None:
    assert read(topic, "on") == Decoded([], [])


def test_a_request_is_not_ours() -> None:
    request = {"id": 1, "src": "somebody", "method": "Switch.Set", "params": {"id": 0, "on": True}}
    assert read(f"{PLUG}/rpc", request) == Decoded([], [])


def test_broken_json_says_what_is_wrong() -> None:
    with pytest.raises(DecodeError) as caught:
        read(f"{PLUG}/status/mqtt", '{"connected"}')
    assert caught.value.reason == "malformed"


SEEDS = [
    json.dumps(one).encode()
    for one in (
        notified(
            {
                "switch:0": {"id": 0, "output": True, "aenergy": {"total": 1.5}},
                "devicepower:0": {"battery": {"percent": 3}, "external": {"present": False}},
                "bthomesensor:200": {"value": 1, "last_updated_ts": 5},
                "blu": {"shellybludw-0ceff6a1b2c3": {"window": 1}},
            }
        ),
        advertised(1, window=[1, 0]),
        {
            "id": 1, "src": PLUG,
            "result": {"components": [{"key": "bthomesensor:200", "config": {"addr": DOOR, "obj_id": 45}}]},
        },
        {"payload": "440001015a05d204002d013ff6ff", "srcBle": {"mac": DOOR, "rssi": -3}},
        {"event": "S", "event_cnt": 3},
        {"motion": True, "lux": 3, "bat": {"value": 3, "voltage": 4}, "wifi_sta": {"rssi": -3}},
        True,
        12.5,
    )
]  # fmt: skip
TOPICS = [
    "a/events/rpc", "a/online", "a/status/switch:0", "a/status/sys", "a/rpc", "a/events/ble", "shellies/announce",
    "shellies/x/relay/0", "shellies/x/relay/0/energy", "shellies/x/sensor/gas", "shellies/x/input_event/0",
    "shellies/x/status", "shellies/x/light/0/status", "shellies/x/emeter/0/total", "shellies/x/ext_temperature/0", "x/y",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(message=any_messages(TOPICS, SEEDS))
def test_no_message_whatever_does_more_than_be_refused(message: Any) -> None:
    assert_storable(Decoder(), message)


@pytest.mark.parametrize("topic", ["/status/switch:0", "//status/switch:0"])
def test_a_topic_that_names_no_device_is_nobodys(topic: str) -> None:
    with pytest.raises(DecodeError, match="names no device") as refused:
        Decoder()(
            Message(topic, b'{"id":0,"output":false}', False, False, datetime(2026, 11, 22, tzinfo=UTC)), ""
        )
    assert refused.value.reason == "unknown_topic"
