"""The Things Stack's messages, read as a reader of its documentation reads them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dialects import any_messages, assert_storable, one_of, recorded, said, sent
from hypothesis import given, settings

from ingest.decode import decode as decode_routed
from ingest.decode import route_of, routes
from ingest.decoders.things_stack import decode
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Description
from nyttig.settings import Source

ROWS = recorded("tts_v3")
EUI = "24E124707D378803"
GATEWAY_TIME = {2: "the expectation names the gateway's clock; ours is the network server's, 55 ms later"}


def uplink(**fields: Any) -> dict[str, Any]:
    return {
        "end_device_ids": {
            "device_id": "door-1", "dev_eui": EUI, "application_ids": {"application_id": "trial"},
        },
        "received_at": "2026-11-22T11:59:58.200000000Z",
        "uplink_message": {
            "session_key_id": "AZrtIhr44TiNGAgGyNKXbw==",
            "f_port": 85,
            "f_cnt": 41,
            "decoded_payload": {"magnet_status": "open"},
            "received_at": "2026-11-22T11:59:58.123456789Z",
            **fields,
        },
    }  # fmt: skip


def read(content: Any, kind: str = "up", **how: Any) -> Decoded:
    return decode(sent(f"v3/trial@oslo/devices/door-1/{kind}", content, **how), "v3")


# Real messages


def of_row(number: int, *, retained: bool = False) -> Decoded:
    row = ROWS[number]
    topic = row["topic"] or row["topic_by_grammar"] or "v3/app/devices/device/up"
    return decode(sent(topic, row["payload"], retained=retained), "v3")


def uplinks() -> list[int]:
    return [number for number, row in enumerate(ROWS) if "uplink_message" in row["payload"]]


def test_all_recorded_messages_are_there_and_every_uplink_says_something() -> None:
    if not ROWS:
        pytest.skip("the folder with the real messages is not there")
    assert (len(ROWS), len(uplinks())) == (65, 63)
    assert sum(bool(of_row(number).readings) for number in range(len(ROWS))) == 63
    described = [of_row(number).readings[0].extra or {} for number in uplinks()]
    assert sum("frm_payload" in extra for extra in described) == 62  # no formatter was set


@pytest.mark.parametrize("number", uplinks())
def test_a_real_uplink_says_what_its_reader_understood(number: int) -> None:
    expect, decoded = ROWS[number]["expect"], of_row(number)
    first = decoded.readings[0]
    health, extra = first.health or {}, first.extra or {}
    assert not decoded.flaws
    assert {one.address for one in decoded.readings} == {expect["device"]}
    session = expect["sequence"].get("session_key_id", first.boot_id)
    assert (first.boot_id, first.seq) == (session, expect["sequence"]["f_cnt"])
    assert extra["f_port"] == expect["f_port"]
    time = datetime.fromisoformat(expect["timestamp"])
    assert first.device_time is not None
    assert abs(first.device_time - time) <= timedelta(seconds=1 if number in GATEWAY_TIME else 0)
    assert (health["rssi_dbm"], health["snr_db"]) == (expect["rssi_dbm"], expect["snr_db"])
    assert health.get("battery_pct") == expect.get("battery_pct")
    (described,) = decoded.descriptions
    assert (described.hardware_id, described.name) == (expect["device"], expect["device_id"])


@pytest.mark.parametrize("number", [0, 1])
def test_a_real_downlink_is_not_ours(number: int) -> None:
    assert of_row(number) == Decoded([], [])


@pytest.mark.parametrize("number", range(len(ROWS)))
def test_the_brokers_memory_of_a_real_message_is_no_event(number: int) -> None:
    assert of_row(number, retained=True).readings == []


def test_a_real_air_sensor_says_all_it_measures() -> None:
    if not ROWS:
        pytest.skip("the folder with the real messages is not there")
    decoded = of_row(2)
    assert said(decoded) == {
        "co2": 4665.0, "humidity": 75.5, "light_level": 1.0, "occupancy": 0.0, "pm10": 107.0, "pm2_5": 101.0,
        "pressure": 1017.5, "temperature": 23.1, "tvoc": 1.0, "health": None,
    }  # fmt: skip
    (described,) = decoded.descriptions
    assert (described.make, described.model) == ("milesight-iot", "am308l")
    cached = one_of(decoded, "health")
    assert cached.health == {"battery_pct": 52.569168}
    assert cached.device_time == datetime(2025, 12, 25, 7, 9, 14, 353301, tzinfo=UTC)


# Identity and time


def test_all_readings_of_a_frame_bear_its_session_and_counter() -> None:
    decoded = read(uplink(decoded_payload={"magnet_status": "open", "temperature": 20.1}))
    assert {(one.boot_id, one.seq, one.message_id) for one in decoded.readings} == {
        ("AZrtIhr44TiNGAgGyNKXbw==", 41, None)
    }


def test_a_counter_that_is_left_out_is_zero_and_so_is_a_port() -> None:
    content = uplink()
    del content["uplink_message"]["f_cnt"], content["uplink_message"]["f_port"]
    del content["uplink_message"]["decoded_payload"]
    (only,) = read(content).readings
    assert (only.type, only.seq, only.extra) == ("health", 0, {"f_port": 0})


def test_a_frame_for_the_network_alone_is_proof_of_life_and_no_gap() -> None:
    content = uplink(f_port=0, f_cnt=42, frm_payload="Aw==", decoded_payload=None)
    (only,) = read(content).readings
    assert (only.type, only.seq) == ("health", 42)
    assert "frm_payload" not in (only.extra or {})


def test_without_a_session_a_frame_is_known_by_its_counter_and_time() -> None:
    (only,) = read(uplink(session_key_id="")).readings
    assert (only.boot_id, only.seq, only.message_id) == (None, None, "f_cnt 41")


def test_the_time_is_the_network_servers_and_else_the_application_servers() -> None:
    assert read(uplink()).readings[0].device_time == datetime(2026, 11, 22, 11, 59, 58, 123456, tzinfo=UTC)
    assert read(uplink(received_at=None)).readings[0].device_time == datetime(
        2026, 11, 22, 11, 59, 58, 200000, tzinfo=UTC
    )
    content = uplink(received_at="yesterday")
    content["received_at"] = "2026-11-22T11:59:58"  # without an offset it is no moment
    assert read(content).readings[0].device_time is None


@pytest.mark.parametrize("counter", [-1, 2**32, "7", True, 1.5])
def test_a_counter_that_is_none_is_refused(counter: Any) -> None:
    with pytest.raises(DecodeError, match="f_cnt") as caught:
        read(uplink(f_cnt=counter))
    assert caught.value.reason == "malformed"


# What it says


def test_a_door_says_so_with_its_signal() -> None:
    gateways = [{"rssi": -110, "snr": -3.5}, {"rssi": -72, "snr": -7}, {"rssi": None}, 5]
    (only,) = read(uplink(rx_metadata=gateways)).readings
    assert (only.type, only.value) == ("contact", 0.0)
    assert only.health == {"rssi_dbm": -72.0, "snr_db": -3.5}


def test_a_battery_remembered_by_the_network_stands_at_its_own_time() -> None:
    cached = {"f_cnt": 12, "value": 39.1, "received_at": "2026-11-21T06:00:00Z"}
    now, before = read(uplink(last_battery_percentage=cached, decoded_payload={"battery": 100})).readings
    assert now.health == {"battery_pct": 100.0}
    assert (before.type, before.health, before.message_id) == ("health", {"battery_pct": 39.1}, "battery 12")
    assert before.device_time == datetime(2026, 11, 21, 6, tzinfo=UTC)
    assert (before.boot_id, before.seq) == (None, None)


@pytest.mark.parametrize(
    "cached",
    [
        {"value": 0, "received_at": "2026-11-21T06:00:00Z"},
        {"received_at": "2026-11-21T06:00:00Z"},
        {"value": 5},
        7,
    ],
)
def test_a_remembered_battery_that_is_not_known_is_left_out(cached: Any) -> None:
    assert len(read(uplink(last_battery_percentage=cached)).readings) == 1


def test_without_a_formatter_the_frame_is_kept_for_later() -> None:
    (only,) = read(uplink(decoded_payload=None, frm_payload="AXVkAwABBAAB")).readings
    assert (only.type, only.extra) == ("health", {"f_port": 85, "frm_payload": "AXVkAwABBAAB"})


def test_what_a_formatter_normalized_fills_in_what_it_did_not_decode() -> None:
    normalized = [
        {"air": {"temperature": 21.5, "relativeHumidity": 40}, "soil": {"moisture": 12}, "battery": 3.1},
        {"time": "2026-11-22T10:00:00Z", "air": {"temperature": 20.5}},
    ]
    decoded = read(uplink(decoded_payload={"temperature": 22.0}, normalized_payload=normalized))
    assert [(one.type, one.value) for one in decoded.readings] == [
        ("temperature", 22.0), ("humidity", 40.0), ("soil_moisture", 12.0), ("temperature", 20.5),
    ]  # fmt: skip
    assert decoded.readings[0].health == {"battery_v": 3.1}
    assert decoded.readings[3].device_time == datetime(2026, 11, 22, 10, tzinfo=UTC)


def test_a_simulated_uplink_is_nobodys() -> None:
    assert read({**uplink(), "simulated": True}) == Decoded([], [])


def test_a_join_is_the_device_that_speaks() -> None:
    ids = uplink()["end_device_ids"]
    accept = {"session_key_id": "AXBSp8v2brG0jqkri+sIkw==", "received_at": "2026-11-22T11:00:00Z"}
    (only,) = read({"end_device_ids": ids, "join_accept": accept}, "join").readings
    assert (only.type, only.value, only.address) == ("state", 1.0, EUI)
    assert only.message_id == "AXBSp8v2brG0jqkri+sIkw=="


@pytest.mark.parametrize(
    "kind",
    ["down/queued", "down/sent", "down/ack", "down/nack", "down/failed", "down/push", "service/data",
     "location/solved", "up/normalized"],
)  # fmt: skip
def test_what_the_network_says_of_itself_is_not_ours(kind: str) -> None:
    assert read(uplink(), kind) == Decoded([], [])


def test_a_device_without_an_eui_is_known_by_its_application_and_id() -> None:
    content = uplink()
    del content["end_device_ids"]["dev_eui"]
    (only,) = read(content).readings
    assert only.address == "trial/door-1"


def test_a_self_hosted_server_has_no_tenant_and_perhaps_a_prefix() -> None:
    known = routes([Source("things_stack", "#")])
    message = sent("ttn/v3/trial/devices/door-1/up", uplink())
    route, base = route_of(message.topic, known)
    assert decode_routed(message, route, base).readings[0].address == EUI


def test_a_device_is_described_by_what_it_says() -> None:
    decoded = read(uplink(version_ids={"brand_id": "milesight-iot", "model_id": "ws301"}))
    assert decoded.descriptions == (
        Description("things_stack", EUI, EUI, "milesight-iot", "ws301", "door-1", says=("contact",)),
    )


# What cannot be read


@pytest.mark.parametrize("topic", ["v3/trial@oslo", "v3/a@b/devices/d", "v3/a@b/devices/d/sideways", "x", ""])
def test_a_topic_that_is_none_is_unknown(topic: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(sent(topic, uplink()), "v3")
    assert caught.value.reason == "unknown_topic"


@pytest.mark.parametrize("content", [b"{", b"[]", {}, {"end_device_ids": {}}, {"end_device_ids": 5}, b"\xff"])
def test_what_is_no_uplink_is_refused(content: Any) -> None:
    with pytest.raises(DecodeError) as caught:
        read(content)
    assert caught.value.reason in ("malformed", "not_utf8")


@settings(max_examples=150)
@given(
    any_messages(
        ["v3/trial@oslo/devices/door-1/up", "v3/trial@oslo/devices/door-1/join"],
        [json.dumps(uplink(normalized_payload=[{"air": {"co2": 1}}], rx_metadata=[{"rssi": -5}])).encode()],
    )
)
def test_any_message_is_refused_with_a_reason_or_can_be_stored(message: Any) -> None:
    assert_storable(decode, message, "v3")
