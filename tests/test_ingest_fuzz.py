"""Damaged messages go the whole way and come out as they must; `make fuzz` does the same a million times."""

from __future__ import annotations

import itertools
import json
import random
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from conftest import Database
from damage import damaged, seeds
from dialects import NOON
from fuzz import EveryDevice, FindingError, Tally, assert_sound, check, run, run_odd, told
from hostile import TOPICS, kept_bytes
from ingesting import register, two_dialects
from real_messages import SOURCES

import ingest.decoders.nyttig as dialect
from examples import EXAMPLES
from ingest.batch import understand
from ingest.decode import DIALECTS, MESSAGE_BYTES_MAX, routes
from ingest.decoders import homeassistant, homie, repeats, sparkplug, zigbee2mqtt, zigbee2mqtt_bridge
from nyttig.model import Decoded, Message, Reading

ROUTES = routes(SOURCES)


def test_damaged_messages_become_what_they_must_and_pass_the_database(
    embedded_database: Database, shared: Path
) -> None:
    register(embedded_database, two_dialects())
    tally = run(embedded_database.conninfo, 8_000, seed=7)
    assert tally.findings == {}
    assert tally.messages == 8_000
    assert tally.in_database > 400
    for spoken, outcomes in tally.dialects.items():  # damage that leaves nothing readable would test little
        assert outcomes["stored"] > 40, spoken


def test_the_same_seed_gives_the_same_messages() -> None:
    first, again = (list(islice(damaged(random.Random(3), seeds()), 50)) for _ in range(2))
    assert first == again


def test_every_dialect_is_damaged_and_told_what_it_must_know() -> None:
    assert (
        {one.dialect for one in islice(damaged(random.Random(3), seeds()), 300)}
        == set(EXAMPLES)
        == set(DIALECTS)
    )
    learned = told(random.Random(2), seeds())
    for topic in ("esp/door", "stat/kitchen/POWER", "homie/5/hall/main/open", "upstairs/room/z1/contact"):
        said = understand(message(topic, dict(seeds_of(topic))[topic]), learned)
        assert said.decoded is not None, topic
        assert said.decoded.readings, topic


def seeds_of(topic: str) -> list[tuple[str, bytes]]:
    return [(one.topic, one.payload) for one in seeds() if one.topic == topic]


@pytest.mark.parametrize(
    ("reading", "retained", "found"),
    [
        (Reading("x", "a", "contact", 1.0), True, "the broker's memory"),
        (Reading("x", "a", "contact", float("inf")), False, "a number that is none"),
        (Reading("x", "a", "health", health={"battery_v": float("nan")}), False, "a number that is none"),
        (Reading("x", "a", "health", health={"mood": 1}), False, "health that is none"),
        (Reading("x", "a", "health", health={"battery_low": 1}), False, "health that is none"),
        (Reading("x", "a" * 513, "contact"), False, "an impossible event"),
        (Reading("x", "a", "contact", device_time=NOON.replace(tzinfo=None)), False, "a time without a zone"),
    ],
    ids=range(7),
)
def test_what_no_dialect_may_say_is_found(reading: Reading, retained: bool, found: str) -> None:
    with pytest.raises(FindingError, match=found):
        assert_sound(Message("x", b"", retained, False, NOON), Decoded([reading], []))


def test_a_decoder_that_says_something_else_the_second_time_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = message("home/hall/BTtoMQTT/C47C8D661011", b'{"tempc": 20.5}')
    check(heard, ROUTES, EveryDevice(1))
    numbers = itertools.count()
    monkeypatch.setitem(
        DIALECTS, "theengs", lambda: lambda *_: Decoded([Reading("theengs", "a", "n", next(numbers))], [])
    )
    with pytest.raises(FindingError, match="not the same again"):
        check(heard, ROUTES, EveryDevice(1))


def message(topic: str, payload: bytes) -> Message:
    return Message(topic, payload, False, False, NOON)


def test_what_the_contract_refuses_and_ingest_stores_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialect, "_ORIGINS", dialect._ORIGINS | {"cat"})
    with pytest.raises(FindingError, match="wrong accept"):
        check(event(b'{"type": "dose_taken", "origin": "cat"}'), ROUTES, EveryDevice(1))


def test_what_the_contract_accepts_and_ingest_refuses_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialect, "_TEXT_MAX", 4)
    with pytest.raises(FindingError, match="wrong refusal"):
        check(event(b'{"type": "dose_taken"}'), ROUTES, EveryDevice(1))


@pytest.mark.parametrize(
    "payload",
    [
        b'{"type": "a", "note": "C:\\\\u0000"}',  # a backslash and digits, no NUL
        b'{"type": "a", "note": "\\\\\\u0000"}',  # a backslash and a NUL
        b'{"type": "a", "event_time": "2026-11-22t06:58:03z"}',
        b'{"type": "a", "event_time": "2026-11-22 06:58:03Z"}',
        b'{"type": "a", "event_time": "2026-W47-7T06:58:03Z"}',
        b'{"type": "a", "event_time": "20261122T065803Z"}',
        b'{"type": "a", "event_time": "2026-11-22T06:58Z"}',
        b'{"type": "a", "event_time": "2026-11-22T06:58:03+22:99"}',
        b"[" + b",".join([b'{"type": "a"}'] * 10_000) + b"]",
        b"[" + b",".join([b'{"type": "a"}'] * 10_001) + b"]",
        b"[" + b"{}," * ((MESSAGE_BYTES_MAX - 4) // 3) + b"{}]",
    ],
    ids=range(11),
)
def test_what_was_found_once_stays_mended(payload: bytes) -> None:
    check(event(payload), ROUTES, EveryDevice(1))


def test_a_message_of_half_a_million_objects_is_one_message_in_quarantine() -> None:
    payload = b"[" + b"1," * (MESSAGE_BYTES_MAX // 2 - 2) + b"1]"
    rows, refused = check(event(payload), ROUTES, EveryDevice(1))
    assert rows == []
    assert [one.reason for one in refused] == ["oversized"]


def test_a_zigbee_message_of_ten_thousand_switches_is_no_device() -> None:
    states = ",".join(f'"state_{number}": "ON"' for number in range(10_000))
    message = Message("zigbee2mqtt/z1", f"{{{states}}}".encode(), False, False, NOON)
    rows, refused = check(message, ROUTES, EveryDevice(1))
    assert rows == []
    assert [one.reason for one in refused] == ["malformed"]


def event(payload: bytes) -> Message:
    return Message("wt/v1/alna/h1/d1/event", payload, False, False, NOON)


# What was found in the decoders of the makers' dialects


@pytest.mark.parametrize(
    ("topic", "content"),
    [
        ("home/hall/BTtoMQTT/C47C8D661011", {"model": "SE", "type": [], "open": True}),
        ("home/hall/BTtoMQTT/C47C8D661011", {"model": "SE", "type": {"a": 1}, "open": True}),
        ("home/hall/BTtoMQTT/C47C8D661011", {"model": "M", "tempc1" + "0" * 200: 20.5}),
        (f"shellies/shelly1-A1B2C3/input_event/{'1' * 5000}", {"event": "S", "event_cnt": 1}),
        ("senml/" + "x" * 60_000, [{"n": "temp", "u": "Cel", "v": 20.5}]),
        ("tele/pow1/TELEMETRY", {"Uptime": 1.7e308}),
        ("tele/pow1/SENSOR", {"A": {"Temperature": 1.7e308}, "TempUnit": "F", "B": {"Pressure": 1.7e308}}),
        ("v3/a/devices/b/up", {"end_device_ids": {"dev_eui": "24E124FFFFFF0001"}, "uplink_message": {
            "decoded_payload": {"temperature_f": 1.7e308, "power": 1.7e308}}}),
        ("home/hall/BTtoMQTT/C47C8D661011", {"model": "M", "avg": 1.7e308, "type": "ENRG"}),
    ],
    ids=range(9),
)  # fmt: skip
def test_what_was_found_in_a_makers_dialect_stays_mended(topic: str, content: Any) -> None:
    check(message(topic, json.dumps(content).encode()), ROUTES, EveryDevice(1))


def test_a_component_whose_object_is_no_number_of_bthome_is_read_all_the_same() -> None:
    known = routes(SOURCES)
    config = {"addr": "0c:ef:f6:a1:b2:c3", "id": 201, "obj_id": True}
    answer = {
        "src": "shellyplus1-a8032ab13004",
        "result": {"components": [{"key": "bthomesensor:201", "config": config}]},
    }
    status = {
        "src": "shellyplus1-a8032ab13004",
        "method": "NotifyStatus",
        "params": {"ts": 1, "bthomesensor:201": {"value": True}},
    }
    for suffix, content in (("response/rpc", answer), ("events/rpc", status)):
        check(
            message(f"shellyplus1-a8032ab13004/{suffix}", json.dumps(content).encode()), known, EveryDevice(1)
        )


def test_fields_that_are_odd_one_at_a_time_become_what_they_must(shared: Path) -> None:
    tally = Tally()
    run_odd(tally, one_in=500)
    assert tally.findings == {}
    assert tally.messages > 400


def hear(decode: Any, topic: str, content: Any) -> None:
    known = [one._replace(decode=decode) for one in ROUTES if one.levels[0] == topic.split("/")[0]]
    understand(message(topic, json.dumps(content).encode()), known)


def test_long_templates_are_refused_before_they_fill_the_memory() -> None:
    decoder = homeassistant.Decoder()
    long = "{{" + "+".join(["1"] * 2000) + "}}"
    hear(decoder, "homeassistant/device/x/config", {
        "dev": {"ids": "x"}, "val_tpl": long, "cmps": {str(n): {"p": "sensor", "stat_t": f"esp/{n}"} for n in range(100)},
    })  # fmt: skip
    for number in range(300):
        hear(
            decoder,
            f"homeassistant/sensor/n{number}/config",
            {"stat_t": f"esp/{number}", "val_tpl": long[:100] + "}}"},
        )
    assert 0 < kept_bytes(decoder) < 20e6
    assert decoder._characters < 300 * 110


def test_what_a_configuration_says_beside_a_devices_names_is_not_kept() -> None:
    decoder = homeassistant.Decoder()
    hear(
        decoder,
        "homeassistant/sensor/x/config",
        {"stat_t": "esp/x", "dev": {"ids": "x", "more": ["n" * 1000] * 1000}},
    )
    assert kept_bytes(decoder) < 100_000


def test_a_starting_bridge_remembers_no_more_devices_than_there_can_be() -> None:
    decoder = zigbee2mqtt.Decoder()
    hear(decoder, "zigbee2mqtt/bridge/state", {"state": "online"})
    hear(decoder, "zigbee2mqtt/bridge/devices", [])
    for number in range(zigbee2mqtt_bridge.DEVICES_MAX + 50):
        hear(decoder, f"zigbee2mqtt/{number}", {"contact": True})
    assert len(decoder._bridges["zigbee2mqtt"].remembered) == zigbee2mqtt_bridge.DEVICES_MAX
    before = kept_bytes(decoder)
    hear(decoder, "zigbee2mqtt/" + "x" * 60_000, {"contact": True})
    assert kept_bytes(decoder) == before


def test_a_node_of_many_devices_is_weighed_by_the_device() -> None:
    decoder = sparkplug.Decoder()
    known = [one._replace(decode=decoder) for one in ROUTES]
    for number in range(200):
        for one in TOPICS["sparkplug"](number):
            understand(one, known)
    node_bytes = [node.weight() for node in decoder._nodes.values()]
    assert decoder._bytes == sum(node_bytes)


@pytest.mark.parametrize("dialect", TOPICS)
def test_strangers_without_end_make_room_for_each_other(
    dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the bounds made small; `make fuzz` tells 200,000 strangers with the bounds as they are."""
    monkeypatch.setattr(repeats, "REMEMBERED_MAX", 50)
    monkeypatch.setattr(repeats.Repeats.__init__, "__defaults__", (50,))
    monkeypatch.setattr(homeassistant, "ENTITIES_MAX", 100)
    monkeypatch.setattr(homie, "DEVICES_MAX", 50)
    monkeypatch.setattr(homie, "PROPERTIES_OF_ALL_MAX", 500)
    monkeypatch.setattr(sparkplug, "NODES_MAX", 50)
    monkeypatch.setattr(sparkplug, "REMEMBERED_BYTES_MAX", 200_000)
    monkeypatch.setattr(zigbee2mqtt, "DEVICES_MAX", 50)
    decoder = DIALECTS[dialect]()
    known = [one._replace(decode=decoder) for one in routes(SOURCES) if one.dialect == dialect]
    kept = []
    for number in range(600):
        for one in TOPICS[dialect](number):
            understand(one, known)
        if number in (299, 599):
            kept.append(kept_bytes(decoder))
    assert kept[0] > 5_000
    assert kept[1] < 1.3 * kept[0]


def test_a_device_with_very_many_properties_makes_others_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(homie, "PROPERTIES_OF_ALL_MAX", 100)
    decoder = homie.Decoder()
    for number in range(10):
        nodes = {"main": {"properties": {f"p{n}": {"datatype": "float"} for n in range(30)}}}
        hear(decoder, f"homie/d{number}/$description", {"homie": "5.0", "nodes": nodes})
    assert list(decoder._devices) == ["d7", "d8", "d9"]
    assert decoder._properties == 90
    hear(decoder, "homie/d8/$description", {"homie": "5.0", "nodes": {}})
    assert decoder._properties == 60
