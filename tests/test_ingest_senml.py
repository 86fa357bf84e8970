"""SenML packs, read as RFC 8428 reads them."""

from __future__ import annotations

import base64
import ipaddress
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
import pytest
from dialects import NOON, any_messages, assert_storable, recorded, said, sent
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decoders.senml import RECORDS_MAX, decode
from ingest.decoders.senml_names import named
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Description, Message

ROWS = recorded("senml")
UNITS = {"Cel": "°C", "%RH": "%"}
DEVICE = "urn:dev:ow:10e2073a01080063"
LABELS = {
    "bver": -1, "bn": -2, "bt": -3, "bu": -4, "bv": -5, "bs": -6, "n": 0, "u": 1, "v": 2, "vs": 3, "vb": 4, "s": 5,
    "t": 6, "ut": 7, "vd": 8,
}  # fmt: skip


def read(pack: Any, topic: str = "senml/hall", **how: Any) -> Decoded:
    return decode(sent(topic, pack, **how), "senml")


def as_cbor(pack: list[dict[str, Any]]) -> bytes:
    return cbor2.dumps([{LABELS.get(key, key): value for key, value in record.items()} for record in pack])


# Real packs


def of_row(number: int, *, retained: bool = False) -> Decoded:
    row = ROWS[number]
    payload = row["payload"] if "payload" in row else bytes.fromhex(row["payload_hex"])
    return read(payload, retained=retained)


def test_all_recorded_packs_are_there_and_each_says_something() -> None:
    if not ROWS:
        pytest.skip("the folder with the real messages is not there")
    assert len(ROWS) == 15
    assert sum(len(of_row(number).readings) for number in range(15)) == 65


@pytest.mark.parametrize("number", range(len(ROWS)))
def test_a_real_pack_resolves_as_its_authors_resolve_it(number: int) -> None:
    decoded = of_row(number)
    assert not decoded.flaws
    expected = [one for one in ROWS[number]["expect"]["resolved"] if one.get("unit") not in ("lat", "lon")]
    assert len(decoded.readings) == len(expected)
    for reading, expect in zip(decoded.readings, expected, strict=True):
        if isinstance(expect["time"], dict):
            assert (reading.device_time, reading.message_id) == (None, None)
        else:
            assert reading.device_time == datetime.fromtimestamp(expect["time"], UTC)
            assert reading.message_id is not None
        assert expect["name"].startswith(reading.address)
        if expect.get("unit") == "%EL":
            assert (reading.type, reading.health) == ("health", {"battery_pct": expect["v"]})
        elif "v" in expect:
            assert reading.value == pytest.approx(expect["v"], abs=1e-9)
            assert reading.unit == UNITS.get(expect["unit"], expect["unit"])
        elif "vb" in expect:
            assert reading.value == float(expect["vb"])
        else:
            assert list((reading.extra or {}).values()) == [expect.get("vs", expect.get("vd"))]


@pytest.mark.parametrize("number", range(len(ROWS)))
def test_the_brokers_memory_of_a_real_pack_is_no_event(number: int) -> None:
    decoded = of_row(number, retained=True)
    assert decoded.readings == []
    assert decoded.descriptions


def test_the_same_pack_in_json_and_cbor_is_the_same_events() -> None:
    if not ROWS:
        pytest.skip("the folder with the real messages is not there")
    assert of_row(2) == of_row(12)


# Resolution


def test_base_fields_hold_until_they_are_replaced() -> None:
    pack = [
        {"bn": f"{DEVICE}:", "bt": 1795330000, "bu": "Cel", "bv": 20, "n": "temp", "v": 1.5},
        {"n": "temp", "v": 0.1, "t": 10},
        {"bn": "urn:dev:mac:0024befffe804ff1/", "bv": 0, "n": "temp", "v": 3},
    ]
    first, second, third = read(pack).readings
    assert (first.value, second.value, third.value) == (21.5, 20.1, 3.0)
    assert second.device_time == datetime.fromtimestamp(1795330010, UTC)
    assert third.device_time == datetime.fromtimestamp(1795330000, UTC)
    assert [first.address, second.address, third.address] == [DEVICE, DEVICE, "urn:dev:mac:0024befffe804ff1"]


def test_a_sum_is_an_integral_over_time_with_its_base() -> None:
    pack = [
        {"bn": f"{DEVICE}:", "n": "meter", "u": "W", "bs": 3_600_000, "s": 1_800_000},
        {"n": "flow", "u": "l/s", "v": 2, "s": 40},
    ]
    assert [(one.type, one.value, one.unit) for one in read(pack).readings] == [
        ("energy", 1.5, "kWh"), ("flow", 2.0, "l/s"), ("flow_sum", 3600040.0, "l/s·s"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "time"),
    [
        (0, None),
        (-5, NOON - timedelta(seconds=5)),
        (2**28 - 1, NOON + timedelta(seconds=2**28 - 1)),
        (2**28, datetime.fromtimestamp(2**28, UTC)),
        (1795330683.123456, datetime(2026, 11, 22, 6, 58, 3, 123456, tzinfo=UTC)),
    ],
)
def test_a_time_below_two_to_the_28_is_from_now_on(seconds: float, time: datetime | None) -> None:
    (only,) = read([{"n": DEVICE, "u": "Cel", "v": 20, "t": seconds}]).readings
    assert only.device_time == time
    assert (only.message_id is not None) == (seconds >= 2**28)


def test_base_time_and_time_make_one_moment() -> None:
    (only,) = read([{"bn": DEVICE, "bt": 1795330683, "t": -3, "u": "Cel", "v": 20}]).readings
    assert only.device_time == datetime.fromtimestamp(1795330680, UTC)


def test_a_record_of_base_fields_alone_says_nothing() -> None:
    assert read([{"bn": f"{DEVICE}:", "bu": "Cel", "bv": 3}]) == Decoded([], [])


def test_a_field_that_must_be_understood_refuses_the_whole_pack() -> None:
    with pytest.raises(DecodeError, match="8428"):
        read([{"n": DEVICE, "v": 1}, {"n": DEVICE, "v": 2, "secret_": 1}])
    assert len(read([{"n": DEVICE, "v": 1, "secret": 1}]).readings) == 1


@pytest.mark.parametrize("base", [{"bn": 5}, {"bt": "now"}, {"bv": True}, {"bu": 1}, {"bn": "a" * 300}])
def test_a_base_field_that_is_none_leaves_nothing_of_the_pack_to_read(base: dict[str, Any]) -> None:
    with pytest.raises(DecodeError) as caught:
        read(
            [{"bn": f"{DEVICE}:", "n": "temp", "v": 1}, {**base, "n": "temp", "v": 2}, {"n": "temp", "v": 3}]
        )
    assert caught.value.reason == "malformed"


def test_a_version_from_the_future_is_refused() -> None:
    assert len(read([{"bver": 10, "n": DEVICE, "v": 1}]).readings) == 1
    with pytest.raises(DecodeError, match="bver"):
        read([{"bver": 11, "n": DEVICE, "v": 1}])


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"v": 1, "vb": True}, "malformed"),
        ({"v": "1"}, "malformed"),
        ({"vb": 1}, "malformed"),
        ({"vs": 1}, "malformed"),
        ({"vd": "not base64!"}, "malformed"),
        ({"v": 1, "t": 1e300}, "bad_time"),
        ({"v": 1e308, "bv": 1e308}, "impossible_value"),
        ({"v": 1, "n": "a" * 300}, "malformed"),
        ({"v": 1, "n": "with space"}, "malformed"),
        ({"v": 1, "n": "-first"}, "malformed"),
        ({"v": 1, "u": "x" * 400}, "malformed"),
    ],
)
def test_a_record_that_cannot_be_read_is_a_flaw_beside_the_rest(record: dict[str, Any], reason: str) -> None:
    decoded = read([{"n": "hall:temp", "u": "Cel", "v": 20}, {"n": "hall:open", **record}])
    assert said(decoded) == {"temperature": 20.0}
    assert [one.reason for one in decoded.flaws] == [reason]


# Units and meanings


@pytest.mark.parametrize(
    ("record", "reading"),
    [
        ({"u": "Cel", "v": 21.5}, ("temperature", 21.5, "°C")),
        ({"u": "K", "v": 294.65}, ("temperature", 21.5, "°C")),
        ({"u": "%RH", "v": 40}, ("humidity", 40.0, "%")),
        ({"u": "Pa", "v": 101325}, ("pressure", 1013.25, "hPa")),
        ({"u": "hPa", "v": 1013.25}, ("pressure", 1013.25, "hPa")),
        ({"n": ":mains", "u": "mV", "v": 230500}, ("mains", 230.5, "V")),
        ({"n": ":load", "u": "kW", "v": 1.5}, ("load", 1500.0, "W")),
        ({"n": ":bed", "u": "g", "v": 71500}, ("bed", 71.5, "kg")),
        ({"n": ":energy", "u": "Wh", "v": 1500}, ("energy", 1.5, "kWh")),
        ({"n": ":state", "vb": True}, ("state_value", 1.0, None)),
        ({"n": ":motion", "vb": False}, ("motion", 0.0, None)),
        ({"v": 7}, ("value", 7.0, None)),
    ],
)
def test_a_unit_becomes_the_common_one(
    record: dict[str, Any], reading: tuple[str, float, str | None]
) -> None:
    (only,) = read([{"bn": DEVICE, **record}]).readings
    assert (only.type, only.value, only.unit) == reading


@pytest.mark.parametrize(
    ("record", "health"),
    [
        ({"u": "%EL", "v": 98}, {"battery_pct": 98.0}),
        ({"u": "%EL", "v": 0}, None),
        ({"u": "EL", "v": 86400}, None),
        ({"n": ":battery", "u": "V", "v": 2.9}, {"battery_v": 2.9}),
        ({"n": ":rssi", "u": "dBW", "v": -110}, {"rssi_dbm": -80.0}),
        ({"n": ":rssi", "u": "dBm", "v": -80}, {"rssi_dbm": -80.0}),
    ],
)
def test_a_battery_and_a_signal_are_the_devices_health(
    record: dict[str, Any], health: dict[str, float] | None
) -> None:
    (only,) = read([{"bn": DEVICE, **record}]).readings
    assert (only.type, only.value, only.health) == ("health", None, health)


# Names


@pytest.mark.parametrize(
    ("name", "address", "what"),
    [
        ("urn:dev:ow:10e2073a01080063:temp", DEVICE, "temp"),
        ("urn:dev:ow:10e2073a01080063_temp", DEVICE, "temp"),
        ("urn:dev:mac:0024befffe804ff1/battery", "urn:dev:mac:0024befffe804ff1", "battery"),
        ("urn:dev:org:32473-lamp-7", "urn:dev:org:32473-lamp-7", ""),
        ("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6:door", "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "door"),
        ("2001:db8::2/temperature", "2001:db8::2", "temperature"),
        ("2001:db8::3", "2001:db8::3", ""),
        ("00:24:be:80:4f:f1:temp", "00:24:be:80:4f:f1", "temp"),
        ("temperature", "gw1", "temperature"),
        ("bed/weight", "gw1/bed", "weight"),
        ("ground/wc.door", "gw1/ground", "wc.door"),
    ],
)  # fmt: skip
def test_a_name_holds_the_device_or_names_a_thing_below_its_topic(name: str, address: str, what: str) -> None:
    assert named(name, "gw1")[::2] == (address, what)


@pytest.mark.parametrize(
    ("topic", "address"),
    [("senml/hall/senml", "hall"), ("senml/ground/hall", "ground/hall"), ("senml", "senml"), ("senml/senml", "senml")],
)  # fmt: skip
def test_the_topic_names_the_device_where_the_name_does_not(topic: str, address: str) -> None:
    assert read([{"n": "temp", "u": "Cel", "v": 20}], topic).readings[0].address == address


def test_a_gateways_pack_speaks_of_several_devices() -> None:
    pack = [
        {"bn": "2001:db8::2/", "n": "temperature", "u": "Cel", "v": 25.2},
        {"bn": "2001:db8::1/", "n": "temperature", "u": "Cel", "v": 12.3},
    ]
    decoded = read(pack)
    assert [one.address for one in decoded.readings] == ["2001:db8::2", "2001:db8::1"]
    assert decoded.descriptions == tuple(
        Description("senml", address, address, says=("temperature",))
        for address in ("2001:db8::2", "2001:db8::1")
    )


@given(st.text("0123456789abcdef:./_-urndevmac", max_size=40))
def test_any_name_is_split_or_refused(name: str) -> None:
    try:
        device = named(name, "below")
    except DecodeError:
        return
    assert device.address
    assert len(device.address) + len(device.what) <= len("below/") + len(name)


def test_an_ip_address_is_never_split() -> None:
    for text in ("192.0.2.7", str(ipaddress.IPv6Address(2**100))):
        assert named(text, "gw")[::2] == (text, "")


# What cannot be read


@pytest.mark.parametrize(
    "payload",
    [b"{}", b"5", b"<sensml/>", b"[1]", b"[", b"\x81", b"\x81\x05", b"\x80\x00", b"\x81\xd8\x23\x61a", b"\xff",
     b"\x81" * 5_000, b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", b"\x81\xa2\x00\x61a\x00\x61b",
     b"\x81\xa2\x00\x61a\x02\xc2\x59\x10\x00" + b"\xff" * 4096],
)  # fmt: skip
def test_what_is_no_pack_is_malformed(payload: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        read(payload)
    assert caught.value.reason == "malformed"


def test_an_empty_payload_ends_a_retained_one_and_says_nothing() -> None:
    assert read(b"") == Decoded([], [])


def test_a_pack_beyond_all_measure_is_refused() -> None:
    with pytest.raises(DecodeError) as caught:
        read([{"n": DEVICE, "v": 1}] * (RECORDS_MAX + 1))
    assert caught.value.reason == "oversized"


def test_a_decimal_fraction_is_a_number_and_a_huge_one_a_flaw() -> None:
    assert read(b"\x81\xa2\x00\x63a:b\x02\xc4\x82\x21\x19\x6a\xb3").readings[0].value == 273.15
    decoded = read(b"\x81\xa2\x00\x63a:b\x02\xc4\x82\x1a\x7f\xff\xff\xff\x01")
    assert [one.reason for one in decoded.flaws] == ["malformed"]


RECORDS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "bn": st.sampled_from([DEVICE, f"{DEVICE}:", "2001:db8::2/", "hall:"]),
            "bt": st.integers(0, 2_000_000_000),
            "bu": st.sampled_from(["Cel", "%RH", "W"]),
            "bv": st.floats(-1e6, 1e6),
            "bs": st.floats(-1e6, 1e6),
            "n": st.sampled_from(["temp", "door", "x"]),
            "t": st.floats(-1e6, 1e6),
            "u": st.sampled_from(["Cel", "V", "%EL", "lat"]),
            "v": st.floats(-1e6, 1e6),
            "vb": st.booleans(),
            "vs": st.text("abc", max_size=5),
            "vd": st.binary(max_size=8),
            "s": st.floats(-1e6, 1e6),
        },
    ),
    max_size=6,
)


@settings(deadline=None)
@given(RECORDS)
def test_json_and_cbor_of_any_pack_say_the_same(pack: list[dict[str, Any]]) -> None:
    written = [
        {
            key: base64.urlsafe_b64encode(value).rstrip(b"=").decode() if isinstance(value, bytes) else value
            for key, value in record.items()
        }
        for record in pack
    ]
    assert read(written)[::2] == read(as_cbor(pack))[::2]


@settings(max_examples=150)
@given(
    any_messages(
        ["senml/hall", "senml/hall/senml"],
        [
            b'[{"bn": "urn:dev:ow:10e2073a01080063:", "bt": 1795330683, "n": "temp", "u": "Cel", "v": 20, "s": 4}]',
            as_cbor([{"bn": DEVICE, "bt": 1795330683.5, "n": ":temp", "u": "Cel", "v": 20.5, "vd": None}]),
        ],
    )
)
def test_any_message_is_refused_with_a_reason_or_can_be_stored(message: Message) -> None:
    assert_storable(decode, message, "senml")
