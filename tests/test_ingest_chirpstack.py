"""ChirpStack's messages, read as a reader of its documentation reads them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from dialects import any_messages, assert_storable, one_of, recorded, said, sent
from hypothesis import given, settings

from ingest.decode import decode as decode_routed
from ingest.decode import route_of, routes
from ingest.decoders.chirpstack import decode
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Description, Message
from nyttig.settings import Source

ROWS = recorded("chirpstack")
EUI = "24e124329e090021"
UNREADABLE = {
    6: "elided by its reporter, so no JSON",
    8: "anonymised: its DevEUI is no EUI, so nothing says whose it is",
    9: "the same",
}
NOT_OURS = {3: "a gateway's receipt", 4: "a refused frame, which is a flaw", 5: "a position"}


def up(**fields: Any) -> dict[str, Any]:
    return {
        "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        "time": "2026-11-22T11:59:58.123456789+00:00",
        "deviceInfo": {"deviceProfileName": "Milesight WS301", "deviceName": "Door 1", "devEui": EUI, "tags": {}},
        "devAddr": "00189440",
        "fCnt": 41,
        "fPort": 85,
        "data": "AXVkAwABBAAB",
        "object": {"magnet_status": "open"},
        "rxInfo": [{"gatewayId": "0016c001f153a14c", "rssi": -36, "snr": 10.5}],
        **fields,
    }  # fmt: skip


def read(content: Any, kind: str = "event/up", **how: Any) -> Decoded:
    return decode(sent(f"application/7/device/{EUI}/{kind}", content, **how), "application")


# Real messages


def real(number: int, *, retained: bool = False) -> Message:
    row = ROWS[number]
    topic = (row["topic"] or row.get("topic_by_grammar") or "application/1/device/x/event/up").split(" ")[0]
    return sent(topic, row["payload"], retained=retained)


def uplinks() -> list[int]:
    return [
        number for number in range(len(ROWS)) if number not in {1, 2} | UNREADABLE.keys() | NOT_OURS.keys()
    ]


def test_all_recorded_messages_are_there_and_every_uplink_says_something() -> None:
    if not ROWS:
        pytest.skip("the folder with the real messages is not there")
    assert (len(ROWS), len(uplinks())) == (61, 53)
    assert all(decode(real(number), "").readings for number in uplinks())


@pytest.mark.parametrize("number", uplinks())
def test_a_real_uplink_says_what_its_reader_understood(number: int) -> None:
    expect, decoded = ROWS[number]["expect"], decode(real(number), "")
    first = decoded.readings[0]
    health = first.health or {}
    assert not decoded.flaws
    assert {one.address for one in decoded.readings} == {expect["device"]}
    if first.boot_id is not None:
        assert first.seq == expect["sequence"]["fCnt"]
    if expect.get("timestamp"):
        assert first.device_time == datetime.fromisoformat(expect["timestamp"].split(" ")[0])
    assert (health["rssi_dbm"], health["snr_db"]) == (expect["rssi_dbm"], expect["snr_db"])
    if "fPort" in expect:
        assert (first.extra or {})["f_port"] == expect["fPort"]
    if "battery" in expect.get("decoded", {}):
        assert health["battery_pct"] == expect["decoded"]["battery"]


def test_a_real_answer_to_a_status_request_says_the_battery() -> None:
    if not ROWS:
        pytest.skip("the folder with the real messages is not there")
    (only,) = decode(real(1), "").readings
    assert (only.type, only.health, only.extra) == ("health", {"battery_pct": 88.3}, {"margin_db": 10.0})
    assert only.device_time == datetime(2022, 7, 18, 9, 35, 6, 927172, tzinfo=UTC)


def test_a_real_join_is_the_device_that_speaks() -> None:
    if not ROWS:
        pytest.skip("the folder with the real messages is not there")
    (only,) = decode(real(2), "").readings
    assert (only.type, only.value, only.extra) == ("state", 1.0, {"joined": "00189440"})


@pytest.mark.parametrize("number", NOT_OURS if ROWS else ())
def test_what_the_network_says_of_itself_is_no_reading(number: int) -> None:
    decoded = decode(real(number), "")
    assert decoded.readings == []
    assert [one.reason for one in decoded.flaws] == (["malformed"] if number == 4 else [])


@pytest.mark.parametrize("number", UNREADABLE if ROWS else ())
def test_what_names_no_device_is_refused(number: int) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(real(number), "")
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize("number", sorted({*range(len(ROWS))} - UNREADABLE.keys()))
def test_the_brokers_memory_of_a_real_message_is_no_event(number: int) -> None:
    assert decode(real(number, retained=True), "").readings == []


# Identity and time


def test_a_late_copy_under_another_id_is_the_same_frame() -> None:
    first = read(up()).readings[0]
    late = read(up(deduplicationId="another", time="2026-11-22T12:00:31+00:00"), seconds=40).readings[0]
    assert (first.boot_id, first.seq) == (late.boot_id, late.seq) == ("00189440", 41)
    assert first.message_id is None


def test_a_rejoin_starts_another_count() -> None:
    assert read(up(devAddr="01AB0042", fCnt=0)).readings[0].boot_id == "01ab0042"


def test_a_counter_that_is_left_out_is_zero() -> None:
    content = up()
    del content["fCnt"]
    assert read(content).readings[0].seq == 0


def test_a_frame_for_the_network_alone_is_proof_of_life_and_no_gap() -> None:
    (only,) = read(up(fCnt=42, fPort=0, data=None, object=None)).readings
    assert (only.type, only.seq, only.extra) == ("health", 42, {"f_port": 0})


def test_fields_of_other_events_in_an_uplink_say_nothing() -> None:
    (only,) = read(up(batteryLevel=0.0, margin=0, level=None, location=None)).readings
    assert only.health == {"rssi_dbm": -36.0, "snr_db": 10.5}


@pytest.mark.parametrize("counter", [-1, 2**32, "7", True])
def test_a_counter_that_is_none_is_refused(counter: Any) -> None:
    with pytest.raises(DecodeError, match="fCnt"):
        read(up(fCnt=counter))


# What it says


def test_a_door_says_so() -> None:
    decoded = read(up())
    assert said(decoded) == {"contact": 0.0}
    assert decoded.descriptions == (
        Description("chirpstack", EUI, EUI, model="Milesight WS301", name="Door 1", says=("contact",)),
    )


@pytest.mark.parametrize(
    ("fields", "health"),
    [
        ({"batteryLevel": 88.3}, {"battery_pct": 88.3}),
        ({"externalPowerSource": True, "batteryLevel": 0}, {"external_power": True}),
        ({"batteryLevelUnavailable": True, "batteryLevel": 0}, None),
        ({}, None),
        ({"batteryLevel": None}, None),
    ],
)
def test_a_battery_that_is_not_known_is_not_empty(
    fields: dict[str, Any], health: dict[str, Any] | None
) -> None:
    content = {key: value for key, value in up().items() if key not in ("object", "data", "rxInfo")}
    (only,) = read({**content, "margin": 7, **fields}, "event/status").readings
    assert (only.type, only.health, only.extra) == ("health", health, {"margin_db": 7.0})
    assert only.message_id == content["deduplicationId"]


def test_a_counter_reset_is_the_devices_fault_and_proof_of_life() -> None:
    content = {**up(), "level": "WARNING", "code": "UPLINK_F_CNT_RESET", "description": "reset detected"}
    fault = one_of(read(content, "event/log"), "fault")
    assert fault.extra == {"code": "UPLINK_F_CNT_RESET", "description": "reset detected"}


@pytest.mark.parametrize("code", ["DOWNLINK_GATEWAY", "EXPIRED", "F_CNT_DOWN", None])
def test_the_servers_own_trouble_is_no_fault_of_a_device(code: str | None) -> None:
    assert read({**up(), "code": code}, "event/log") == Decoded([], [])


@pytest.mark.parametrize(
    "kind", ["event/ack", "event/txack", "event/location", "event/integration", "command/down"]
)
def test_downlinks_and_positions_are_not_ours(kind: str) -> None:
    assert read(up(), kind) == Decoded([], [])


def test_a_gateway_below_the_same_filter_is_not_ours() -> None:
    message = sent("eu868/gateway/0016c001f153a14c/state/conn", b"\x0a\x10")
    assert decode(message, "") == Decoded([], [])


# Version 3


def test_version_3_says_it_on_the_outermost_level_and_its_codec_as_text() -> None:
    content = {
        "applicationID": "102",
        "deviceName": "TLD-01",
        "devEUI": EUI.upper(),
        "rxInfo": [{"rssi": -104, "loRaSNR": 1.2, "time": "2026-11-22T11:44:01.912259Z"}],
        "fCnt": 45797,
        "fPort": 85,
        "objectJSON": '{"temperature": 5.6}',
    }
    (only,) = read(content, "event/up").readings
    assert (only.address, only.type, only.value) == (EUI, "temperature", 5.6)
    assert only.health == {"rssi_dbm": -104.0, "snr_db": 1.2}
    assert (only.boot_id, only.seq) == (None, None)  # nothing tells one session's count from the next one's
    assert only.message_id is not None
    assert read(content, "rx").readings == [only]


def test_version_3_may_write_ids_in_base64() -> None:
    content = {"devEUI": "JOEkMp4JACE=", "devAddr": "ABiUQA==", "fCnt": 3, "object": {"temperature": 5.6}}
    (only,) = decode(sent("application/7/device/x/event/up", content), "application").readings
    assert (only.address, only.boot_id, only.seq) == (EUI, "00189440", 3)


# What cannot be read


def test_protobuf_is_refused_with_the_setting_to_change() -> None:
    with pytest.raises(DecodeError, match="json = true"):
        read(b"\x0a\x24\xff\x00ac7e3c4")


@pytest.mark.parametrize("topic", ["application/7", "application/7/device/x/event/sideways", "x", ""])
def test_a_topic_that_is_none_is_unknown(topic: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(sent(topic, up()), "application")
    assert caught.value.reason == "unknown_topic"


def test_a_prefix_and_any_filter_will_do() -> None:
    known = routes([Source("chirpstack", "eu868/application/+/device/+/event/+")])
    message = sent(f"eu868/application/7/device/{EUI}/event/up", up())
    route, base = route_of(message.topic, known)
    assert decode_routed(message, route, base).readings[0].address == EUI


@settings(max_examples=150)
@given(
    any_messages(
        [f"application/7/device/{EUI}/event/{kind}" for kind in ("up", "status", "join", "log")],
        [
            json.dumps(up()).encode(),
            json.dumps(up(margin=7, batteryLevel=3, objectJSON='{"pir": 3}', object=None)).encode(),
        ],
    )
)
def test_any_message_is_refused_with_a_reason_or_can_be_stored(message: Message) -> None:
    assert_storable(decode, message, "application")
