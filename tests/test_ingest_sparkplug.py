"""Sparkplug B's messages, read as its specification reads them."""

from __future__ import annotations

import gzip
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest
from dialects import any_messages, assert_storable, recorded, said, sent
from edge_node import (
    BOOLEAN,
    BORN_AT,
    DATASET,
    DATETIME,
    DOOR,
    FLOAT,
    INT8,
    INT32,
    INT64,
    STRING,
    TEMPERATURE,
    TEMPLATE,
    Broker,
    bd_seq,
    wire,
)
from hypothesis import given, settings

from ingest.decode import decode as decode_routed
from ingest.decode import route_of, routes
from ingest.decoders import sparkplug
from ingest.decoders.sparkplug import Decoder
from ingest.decoders.sparkplug_payload import METRICS_MAX, UNPACKED_BYTES_MAX
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Description, Message
from nyttig.settings import Source

ROWS = recorded("sparkplug_b")
with_rows = pytest.mark.skipif(not ROWS, reason="the folder with the real messages is not there")


@pytest.fixture
def broker() -> Broker:
    """A node with session 3 and a door sensor behind it, both born."""
    broker = Broker()
    broker.give("NBIRTH", wire(bd_seq(3), TEMPERATURE))
    broker.give("DBIRTH", wire(DOOR, seq=1), "door")
    return broker


# Real messages


@with_rows
def test_all_recorded_messages_are_there_and_say_what_their_readers_understood() -> None:
    assert len(ROWS) == 12
    decoder = Decoder()
    found: list[object] = []
    for seconds, row in enumerate(ROWS):
        topic = (row["topic"] or row["topic_by_grammar"]).replace("<", "").replace(">", "")
        payload = row["payload"] if "payload" in row else bytes.fromhex(row["payload_hex"])
        try:
            decoded = decoder(sent(topic, payload, seconds=seconds), "spBv1.0")
        except DecodeError as error:
            found.append(error.reason)
            continue
        assert not decoded.flaws
        found.append(said(decoded))
    pibrella = {f"inputs_{one}": 0.0 for one in ("a", "b", "c", "d", "button")} | {
        f"outputs_{one}": 0.0 for one in ("e", "f", "g", "h", "leds_green", "leds_red", "leds_yellow", "buzzer")
    }  # fmt: skip
    assert found == [
        {"state": 1.0, "temperature": 21.5},
        {"temperature": 22.5},
        {},  # a will of session 0, while session 88 is on
        {"temperature": 27.0},
        {"temperature": 25.0},
        {"temperature": 30.0},
        {"availability": 1.0, **pibrella},
        {"supply_voltage": 12.3},
        {"inputs_a": 1.0, "inputs_c": 1.0},
        {},  # commands
        {},
        "not_described",  # a will of a node of which only a device was born
    ]


@with_rows
def test_a_real_message_has_its_time_and_number() -> None:
    decoder = Decoder()
    decoder(sent("spBv1.0/g/NBIRTH/e", bytes.fromhex(ROWS[0]["payload_hex"])), "spBv1.0")
    (one,) = decoder(sent("spBv1.0/g/NDATA/e", bytes.fromhex(ROWS[1]["payload_hex"])), "spBv1.0").readings
    (late,) = decoder(
        sent("spBv1.0/g/NDATA/e", bytes.fromhex(ROWS[3]["payload_hex"]), seconds=9), "spBv1.0"
    ).readings
    assert one.device_time == datetime(2025, 6, 25, 12, 47, 23, 474000, tzinfo=UTC)
    assert one.extra == {"seq": 1}
    assert late.extra == {"seq": 5, "missed_before": 3}
    assert one.message_id != late.message_id


# Births


def test_a_birth_is_state_and_lasting(broker: Broker) -> None:
    decoded = broker.give("DBIRTH", wire(DOOR, seq=2), "door")
    assert decoded.lasting
    assert said(decoded) == {"availability": 1.0, "inputs_door": 0.0}
    assert decoded.readings[1].extra == {"birth": True}
    assert {one.address for one in decoded.readings} == {"home/hall/door"}
    assert not broker.give("DDATA", wire({"alias": 7, "boolean_value": True}, seq=3), "door").lasting


def test_a_birth_describes_its_node_or_device() -> None:
    properties = [
        {"name": b"Properties/Hardware Make", "datatype": STRING, "string_value": b"Pibrella"},
        {"name": b"Properties/Hardware Model", "datatype": STRING, "string_value": b"Mk 1"},
        {"name": b"Properties/Serial Number", "datatype": STRING, "string_value": b"0042"},
    ]
    decoded = Broker().give("DBIRTH", wire(DOOR, *properties), "door")
    assert decoded.descriptions == (
        Description("sparkplug", "home/hall/door", "0042", "Pibrella", "Mk 1", "door", None, "home/hall", ("inputs_door",)),
    )  # fmt: skip


def test_a_birth_out_of_memory_teaches_and_says_nothing() -> None:
    broker = Broker()
    assert broker.give("NBIRTH", wire(bd_seq(3), TEMPERATURE), retained=True).readings == []
    assert said(broker.give("NDATA", wire({"alias": 100, "double_value": 22.5}, seq=1))) == {
        "temperature": 22.5
    }


def test_a_birth_holds_for_its_own_time_however_old_its_values() -> None:
    old = {**TEMPERATURE, "timestamp": BORN_AT - 86_400_000}
    times = {one.device_time for one in Broker().give("NBIRTH", wire(bd_seq(3), old)).readings}
    assert times == {datetime.fromtimestamp(BORN_AT / 1000, UTC)}


def test_a_new_birth_ends_the_old_aliases(broker: Broker) -> None:
    broker.give("NBIRTH", wire(bd_seq(4), {**TEMPERATURE, "name": b"Humidity"}))
    assert said(broker.give("NDATA", wire({"alias": 100, "double_value": 40.0}, seq=1))) == {"humidity": 40.0}
    with pytest.raises(DecodeError) as caught:
        broker.give("DDATA", wire({"alias": 7, "boolean_value": True}, seq=2), "door")
    assert caught.value.reason == "not_described"


def test_a_birth_that_is_remembered_late_does_not_end_a_newer_one(broker: Broker) -> None:
    old = sent("spBv1.0/home/NBIRTH/hall", wire(bd_seq(2), {**TEMPERATURE, "name": b"Old"}), retained=True)
    broker.decoder(old, "spBv1.0")
    assert said(broker.give("NDATA", wire({"alias": 100, "double_value": 20.0}, seq=2))) == {
        "temperature": 20.0
    }
    assert said(broker.give("NDEATH", wire(bd_seq(3), seq=None)))["state"] == 0.0


def test_data_before_its_birth_waits_for_it() -> None:
    broker = Broker()
    with pytest.raises(DecodeError, match="rebirth") as caught:
        broker.give("NDATA", wire({"alias": 100, "double_value": 22.5}))
    assert caught.value.reason == "not_described"
    assert said(broker.give("NDATA", wire(TEMPERATURE))) == {"temperature": 21.5}  # its name needs no birth


def test_what_is_no_number_is_kept_out_and_said_once_a_session(broker: Broker) -> None:
    structures = [
        {"name": b"Table", "alias": 50, "datatype": DATASET, "dataset_value": b"\x08\x02"},
        {"name": b"Machine", "alias": 51, "datatype": TEMPLATE, "template_value": b"\x0a\x01v"},
    ]
    born = broker.give("NBIRTH", wire(bd_seq(4), TEMPERATURE, *structures))
    assert [(one.reason, one.payload) for one in born.flaws] == [
        ("malformed", b"Table"),
        ("malformed", b"Machine"),
    ]
    assert "DataSet" in born.flaws[0].detail
    data = broker.give(
        "NDATA", wire({"alias": 50, "dataset_value": b"\x08\x02"}, {"alias": 100, "double_value": 1.0})
    )
    assert (said(data), data.flaws) == ({"temperature": 1.0}, [])


# Deaths


def test_a_last_will_takes_the_node_and_its_devices_offline(broker: Broker) -> None:
    decoded = broker.give("NDEATH", wire(bd_seq(3), seq=None))
    assert [(one.address, one.type, one.value, one.device_time) for one in decoded.readings] == [
        ("home/hall", "state", 0.0, None),
        ("home/hall/door", "availability", 0.0, None),
    ]


def test_the_will_of_an_old_session_is_stale(broker: Broker) -> None:
    broker.give("NBIRTH", wire(bd_seq(4), TEMPERATURE))
    assert broker.give("NDEATH", wire(bd_seq(3), seq=None)) == Decoded([], [])
    assert said(broker.give("NDEATH", wire(bd_seq(4), seq=None))) == {"state": 0.0}


def test_the_will_of_a_session_whose_birth_another_saw_waits_for_it(broker: Broker) -> None:
    with pytest.raises(DecodeError) as caught:
        broker.give("NDEATH", wire(bd_seq(4), seq=None))
    assert caught.value.reason == "not_described"


def test_sessions_count_round_after_255() -> None:
    broker = Broker()
    broker.give("NBIRTH", wire(bd_seq(0), TEMPERATURE))
    assert broker.give("NDEATH", wire(bd_seq(255), seq=None)) == Decoded([], [])


def test_a_device_that_died_does_not_die_again_with_its_node(broker: Broker) -> None:
    (gone,) = broker.give("DDEATH", wire(seq=2, at=BORN_AT + 1000), "door").readings
    assert (gone.type, gone.value, gone.address) == ("availability", 0.0, "home/hall/door")
    assert said(broker.give("NDEATH", wire(bd_seq(3), seq=None))) == {"state": 0.0}


# Data


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ({"datatype": INT8, "int_value": 0xFF}, -1.0),
        ({"datatype": INT32, "int_value": 0xFFFFFFFE}, -2.0),
        ({"datatype": INT64, "long_value": 2**64 - 3}, -3.0),
        ({"datatype": 7, "int_value": 0xFFFFFFFF}, 4294967295.0),
        ({"datatype": 8, "long_value": 2**63}, 2.0**63),
        ({"datatype": FLOAT, "float_value": 12.3}, 12.3),
        ({"datatype": BOOLEAN, "boolean_value": True}, 1.0),
    ],
)
def test_a_value_is_read_by_its_type(metric: dict[str, Any], value: float) -> None:
    decoded = Broker().give("NDATA", wire({"name": b"Level", **metric}))
    assert said(decoded) == {"level": value}


def test_a_type_that_only_the_birth_named_is_known_by_alias() -> None:
    broker = Broker()
    broker.give("NBIRTH", wire(bd_seq(1), {"name": b"Level", "alias": 5, "datatype": INT32, "int_value": 0}))
    assert said(broker.give("NDATA", wire({"alias": 5, "int_value": 2**32 - 7}, seq=1))) == {"level": -7.0}
    named = wire({"name": b"Level", "int_value": 2**32 - 7}, seq=2)
    assert said(broker.give("NDATA", named)) == {"level": -7.0}


def test_a_unit_is_known_only_where_a_property_names_it(broker: Broker) -> None:
    (celsius,) = broker.give("NDATA", wire({"alias": 100, "double_value": 22.5}, seq=2)).readings
    fahrenheit = {"name": b"Outside", "double_value": 70.7, "unit": b"degF"}
    (outside,) = broker.give("NDATA", wire(fahrenheit, seq=3)).readings
    (bare,) = broker.give("NDATA", wire({"name": b"Supply Voltage", "float_value": 12.0}, seq=4)).readings
    assert (celsius.value, celsius.unit) == (22.5, "°C")
    assert (outside.value, outside.unit) == (21.5, "°C")
    assert bare.unit is None


def test_null_and_no_number_are_no_values(broker: Broker) -> None:
    nothing: list[dict[str, Any]] = [
        {"alias": 100, "is_null": True},
        {"alias": 100, "double_value": float("nan")},
        {"name": b"Note", "datatype": STRING, "string_value": b""},
    ]
    assert said(broker.give("NDATA", wire(*nothing, seq=2))) == {"health": None}


def test_a_text_is_news_in_data_and_none_in_a_birth() -> None:
    press = {"name": b"Button", "datatype": STRING, "string_value": b"single"}
    assert said(Broker().give("NBIRTH", wire(bd_seq(1), press))) == {"state": 1.0}
    (only,) = Broker().give("NDATA", wire(press)).readings
    assert (only.type, only.value, only.extra) == ("button", None, {"text": "single", "seq": 0})


def test_a_battery_and_a_signal_by_their_usual_names_are_health() -> None:
    metrics = [
        {"name": b"Status/Battery Level", "datatype": INT32, "int_value": 87},
        {"name": b"Status/Battery Voltage", "datatype": FLOAT, "float_value": 2.9},
        {"name": b"Radio/RSSI", "datatype": INT32, "int_value": 2**32 - 71},
    ]
    decoded = Broker().give("DDATA", wire(*metrics), "door")
    assert [one.health for one in decoded.readings] == [
        {"battery_pct": 87.0},
        {"battery_v": 2.9},
        {"rssi_dbm": -71.0},
    ]


def test_what_is_historical_stands_at_its_own_time(broker: Broker) -> None:
    old = {"alias": 100, "double_value": 19.0, "is_historical": True, "timestamp": BORN_AT - 3_600_000}
    timeless = {"alias": 100, "double_value": 18.0, "is_historical": True}
    decoded = broker.give("NDATA", wire(old, timeless, seq=2))
    (only,) = decoded.readings
    assert only.device_time == datetime.fromtimestamp(BORN_AT / 1000 - 3600, UTC)
    assert (only.extra or {})["historical"] is True
    assert [one.reason for one in decoded.flaws] == ["bad_time"]


def test_a_time_that_is_none_is_a_flaw_beside_the_rest(broker: Broker) -> None:
    metrics: list[dict[str, Any]] = [
        {"alias": 100, "double_value": 19.0, "timestamp": 2**63},
        {**TEMPERATURE, "name": b"Other"},
    ]
    decoded = broker.give("NDATA", wire(*metrics, seq=2))
    assert said(decoded) == {"other": 21.5}
    assert [one.reason for one in decoded.flaws] == ["bad_time"]


def test_a_birth_without_a_possible_time_still_teaches() -> None:
    broker = Broker()
    born = broker.give("NBIRTH", wire(bd_seq(1), TEMPERATURE, at=2**63))
    assert born.lasting
    assert said(born) == {"state": 1.0}
    assert said(broker.give("NDATA", wire({"alias": 100, "double_value": 1.0}, seq=1))) == {
        "temperature": 1.0
    }


def test_every_reading_of_a_message_has_an_identity_of_its_own(broker: Broker) -> None:
    payload = wire({"alias": 100, "double_value": 1.0}, {"alias": 100, "double_value": 2.0}, seq=2)
    first, again = (broker.give("NDATA", payload).readings for _ in range(2))
    assert len({one.message_id for one in first}) == 2
    assert [one.message_id for one in first] == [one.message_id for one in again]


def test_missing_messages_are_counted_over_the_node_and_its_devices(broker: Broker) -> None:
    def missed(kind: str, seq: int, device: str = "") -> int:
        first = broker.give(kind, wire({**DOOR, "alias": 9}, seq=seq), device).readings[0]
        return int((first.extra or {}).get("missed_before", 0))

    assert [missed("NDATA", 2), missed("DDATA", 3, "door"), missed("DDATA", 6, "door")] == [0, 0, 2]
    assert [missed("NDATA", 255), missed("NDATA", 0), missed("NDATA", 0), missed("NDATA", 250)] == [
        0,
        0,
        0,
        0,
    ]


def test_a_message_that_is_decoded_again_misses_as_many(broker: Broker) -> None:
    message = sent("spBv1.0/home/NDATA/hall", wire({"alias": 100, "double_value": 1.0}, seq=5), seconds=99)
    assert broker.decoder(message, "spBv1.0") == broker.decoder(message, "spBv1.0")


def test_a_compressed_payload_is_read() -> None:
    plain = wire(TEMPERATURE)
    for body in (gzip.compress(plain), zlib.compress(plain)):
        packed = wire(uuid=b"SPBV1.0_COMPRESSED", body=body, at=None, seq=None)
        assert said(Broker().give("NDATA", packed)) == {"temperature": 21.5}


def test_a_bomb_is_refused() -> None:
    bomb = zlib.compress(bytes(UNPACKED_BYTES_MAX + 10))
    with pytest.raises(DecodeError, match="compressed from more"):
        Broker().give("NDATA", wire(uuid=b"SPBV1.0_COMPRESSED", body=bomb))


# What is not ours, and what cannot be read


@pytest.mark.parametrize(
    "topic", ["spBv1.0/home/NCMD/hall", "spBv1.0/home/DCMD/hall/door", "spBv1.0/STATE/host", "STATE/host"]
)
def test_commands_and_hosts_are_not_ours(topic: str) -> None:
    assert Decoder()(sent(topic, b'{"online": true}'), "") == Decoded([], [])


@pytest.mark.parametrize(
    "topic",
    [
        "spBv1.0/home/NDATA",
        "spBv1.0/home/NDATA/hall/door",
        "spBv1.0/home/DDATA/hall",
        "spAv1.0/a/NDATA/b",
        "",
    ],
)
def test_a_topic_that_is_none_is_unknown(topic: str) -> None:
    with pytest.raises(DecodeError) as caught:
        Decoder()(sent(topic, wire(TEMPERATURE)), "")
    assert caught.value.reason == "unknown_topic"


@pytest.mark.parametrize(
    "payload", [b"\xff", b"{", b'{"metrics": 5}', b'{"metrics": [5]}', b'{"seq": -1}', b"\x12\x05ab"]
)
def test_what_is_no_payload_is_malformed(payload: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        Broker().give("NDATA", payload)
    assert caught.value.reason in ("malformed", "not_utf8")


@pytest.mark.parametrize(("name", "reason"), [(b"\xff\xfe", "not_utf8"), (b"a\0b", "malformed")])
def test_a_name_that_no_text_may_hold_is_refused(name: bytes, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        Broker().give("NDATA", wire({"name": name, "double_value": 1.0}))
    assert caught.value.reason == reason


def test_more_metrics_than_any_node_has_are_refused() -> None:
    with pytest.raises(DecodeError, match="metrics in one message"):
        Broker().give("NDATA", b"\x12\x00" * (METRICS_MAX + 1))


def test_the_longest_born_node_makes_room_and_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparkplug, "REMEMBERED_BYTES_MAX", 10_000)
    broker = Broker()
    for number in range(20):
        broker.give("NBIRTH", wire(bd_seq(1), TEMPERATURE), node=f"n{number}")
    assert said(broker.give("NDATA", wire({"alias": 100, "double_value": 1.0}), node="n19")) == {
        "temperature": 1.0
    }
    with pytest.raises(DecodeError) as caught:
        broker.give("NDATA", wire({"alias": 100, "double_value": 1.0}), node="n0")
    assert caught.value.reason == "not_described"


def test_several_filters_share_one_memory() -> None:
    known = routes([Source("sparkplug", "spBv1.0/+/NBIRTH/#"), Source("sparkplug", "spBv1.0/+/NDATA/#")])
    for kind, payload in (
        ("NBIRTH", wire(bd_seq(1), TEMPERATURE)),
        ("NDATA", wire({"alias": 100, "double_value": 1.0})),
    ):
        message = sent(f"spBv1.0/home/{kind}/hall", payload)
        route, base = route_of(message.topic, known)
        decoded = decode_routed(message, route, base)
    assert said(decoded) == {"temperature": 1.0}


SEEDS = [
    wire(bd_seq(3), TEMPERATURE, DOOR, {"name": b"Table", "dataset_value": b"\x08\x02"}),
    wire({"alias": 100, "double_value": float("inf")}, seq=1),
    wire(
        {"name": b"When", "datatype": DATETIME, "long_value": BORN_AT},
        {"name": b"Note", "string_value": b"x"},
    ),
    b'{"timestamp": 1486144502122, "metrics": [{"name": "A", "dataType": "Boolean", "value": true}], "seq": 1}',
]


@settings(max_examples=200)
@given(
    any_messages(
        [f"spBv1.0/g/{kind}/e" for kind in ("NBIRTH", "NDATA", "NDEATH")]
        + ["spBv1.0/g/DBIRTH/e/d", "spBv1.0/g/DDATA/e/d"],
        SEEDS,
    )
)
def test_any_message_is_refused_with_a_reason_or_can_be_stored(message: Message) -> None:
    decoder = Decoder()
    decoder(sent("spBv1.0/g/NBIRTH/e", SEEDS[0]), "spBv1.0")
    assert_storable(decoder, message, "spBv1.0")
