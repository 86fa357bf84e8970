"""What devices send after they described themselves to Home Assistant: values, templates, and whatever comes."""

from __future__ import annotations

import contextlib
import json
import math
from datetime import timedelta
from typing import Any

import pytest
from hearing import NOON
from homeassistant_device import DEVICE, describe, listening, read_after, the_value
from hypothesis import given
from hypothesis import strategies as st

from ingest.decoders.homeassistant_template import NotUnderstoodError, compiled
from nyttig.errors import DecodeError

# Values


@pytest.mark.parametrize(
    ("class_", "type_", "while_on"),
    [
        ("door", "contact", 0.0), ("window", "contact", 0.0), ("garage_door", "contact", 0.0),
        ("opening", "contact", 0.0), ("lock", "lock", 0.0), ("motion", "motion", 1.0), ("occupancy", "occupancy", 1.0),
        ("presence", "presence", 1.0), ("moisture", "water_leak", 1.0), ("smoke", "smoke", 1.0),
        ("sound", "sound", 1.0),
    ],
)  # fmt: skip
def test_an_open_door_has_no_contact_and_an_unlocked_one_no_lock(
    class_: str, type_: str, while_on: float
) -> None:
    assert the_value("binary_sensor", {"device_class": class_}, b"ON") == (type_, while_on, None)
    assert the_value("binary_sensor", {"device_class": class_}, b"OFF") == (type_, 1 - while_on, None)


def test_payloads_may_be_turned_round_or_booleans() -> None:
    config = {
        "device_class": "door",
        "payload_on": False,
        "payload_off": True,
        "value_template": "{{ value_json.c }}",
    }
    assert the_value("binary_sensor", config, {"c": True}) == ("contact", 1.0, None)
    assert the_value("binary_sensor", config, {"c": False}) == ("contact", 0.0, None)
    assert the_value("switch", {"payload_on": 1, "payload_off": 0}, b"1") == ("switch", 1.0, None)
    assert the_value("switch", {"payload_on": "A", "payload_off": "B", "state_on": "up"}, b"up")[1] == 1.0


@pytest.mark.parametrize("payload", [b"", b"None", b"unknown", b"PERHAPS", b"null"])
def test_what_is_neither_on_nor_off_is_no_value(payload: bytes) -> None:
    readings = read_after(
        "binary_sensor", {"device_class": "door", "payload_on": "", "payload_off": ""}, payload
    )
    assert {one.type for one in readings} <= {"health"}


@pytest.mark.parametrize(
    ("class_", "unit", "sent", "expected"),
    [
        ("temperature", "°F", b"212", ("temperature", 100.0, "°C")),
        ("pressure", "kPa", b"101.3", ("pressure", 1013.0, "hPa")),
        ("energy", "Wh", b"1500", ("energy", 1.5, "kWh")),
        ("power", "kW", b"2.5", ("power", 2500.0, "W")),
        ("voltage", "mV", b"3000", ("voltage", 3.0, "V")),
        ("weight", "g", b"500", ("weight", 0.5, "kg")),
        ("carbon_dioxide", "ppm", b"600", ("co2", 600.0, "ppm")),
        ("speed", "m/s", b"3", ("speed", 3.0, "m/s")),
        (None, "cups", b"3", ("x", 3.0, "cups")),
    ],
)
def test_measurements_come_in_common_units(class_: str | None, unit: str, sent: bytes, expected: Any) -> None:
    type_, value, got = the_value("sensor", {"device_class": class_, "unit_of_measurement": unit}, sent)
    assert (type_, got) == (expected[0], expected[2])
    assert value == pytest.approx(expected[1])


@pytest.mark.parametrize("payload", [b"nan", b"inf", b"unknown", b"unavailable", b"None", b"1_0", b"1e999"])
def test_a_measurement_that_is_not_known_is_left_out(payload: bytes) -> None:
    config = {"device_class": "temperature", "unit_of_measurement": "°C"}
    assert the_value("sensor", config, payload) == ("health", None, None)


@pytest.mark.parametrize(
    ("component", "config", "sent", "health"),
    [
        ("sensor", {"device_class": "battery", "unit_of_measurement": "%"}, b"87", {"battery_pct": 87.0}),
        ("sensor", {"device_class": "battery", "unit_of_measurement": "%"}, b"255", None),
        (
            "sensor",
            {"device_class": "voltage", "unit_of_measurement": "mV", "entity_category": "diagnostic"},
            b"2950",
            {"battery_v": 2.95},
        ),
        (
            "sensor",
            {"device_class": "signal_strength", "unit_of_measurement": "dBm"},
            b"-83",
            {"rssi_dbm": -83.0},
        ),
        ("sensor", {"unit_of_measurement": "lqi"}, b"120", {"link_quality": 120.0}),
        ("binary_sensor", {"device_class": "battery"}, b"ON", {"battery_low": True}),
        ("sensor", {"entity_category": "diagnostic"}, b"7", None),
    ],
)
def test_facts_about_the_device_are_its_health(component: str, config: Any, sent: bytes, health: Any) -> None:
    (only,) = read_after(component, config, sent)
    assert (only.type, only.value, only.health) == ("health", None, health)


@pytest.mark.parametrize(
    ("component", "config", "sent", "expected"),
    [
        ("light", {}, b"ON", ("switch", 1.0)),
        ("light", {"schema": "json"}, {"state": "OFF", "brightness": 3}, ("switch", 0.0)),
        (
            "light",
            {"schema": "template", "state_template": "{{ value_json.s }}"},
            {"s": "on"},
            ("switch", 1.0),
        ),
        ("fan", {"state_value_template": "{{ value_json.s }}"}, {"s": "ON"}, ("switch", 1.0)),
        ("siren", {}, {"state": "ON"}, ("switch", 1.0)),
        ("lock", {}, b"LOCKED", ("lock", 1.0)),
        ("lock", {"state_unlocked": "auf"}, b"auf", ("lock", 0.0)),
        ("lock", {}, b"LOCKING", ("health", None)),
        ("cover", {}, b"open", ("cover", 1.0)),
        ("cover", {}, b"opening", ("health", None)),
        ("device_tracker", {}, b"not_home", ("presence", 0.0)),
        ("vacuum", {}, {"state": "cleaning", "fan_speed": "max"}, ("cleaning", 1.0)),
        ("vacuum", {}, {"state": "docked"}, ("cleaning", 0.0)),
        ("number", {}, b"3", ("health", None)),
        ("select", {}, b"eco", ("health", None)),
    ],
)
def test_every_component_says_its_state(component: str, config: Any, sent: Any, expected: Any) -> None:
    assert the_value(component, config, sent)[:2] == expected


def test_a_thermostat_measures_and_a_cover_has_a_position() -> None:
    listener = listening()
    describe(
        listener,
        "climate",
        {"curr_temp_t": "esp/now", "curr_temp_tpl": "{{ value_json.t }}", "temp_unit": "F"},
    )
    describe(listener, "cover", {"pos_t": "esp/pos", "pos_open": 0, "pos_clsd": 50}, "y")
    assert listener.values("esp/now", {"t": 68}) == {"temperature": pytest.approx(20.0)}
    assert listener.values("esp/pos", b"10") == {"position": 80.0}


def test_several_of_a_kind_bear_their_own_names() -> None:
    listener = listening()
    config = {"stat_t": "esp/t", "dev_cla": "temperature"}
    describe(listener, "sensor", config | {"val_tpl": "{{ value_json.temperature }}"}, "a")
    assert listener.values("esp/t", {"temperature": 20, "floor_temperature": 25}) == {"temperature": 20.0}
    describe(listener, "sensor", config | {"val_tpl": "{{ value_json.floor_temperature }}"}, "b")
    assert listener.values("esp/t", {"temperature": 20, "floor_temperature": 25}) == {
        "temperature": 20.0, "temperature_floor": 25.0,
    }  # fmt: skip


def test_what_the_broker_remembers_is_no_value() -> None:
    assert read_after("binary_sensor", {"device_class": "door"}, b"ON", retained=True) == []


def test_a_device_that_only_ever_says_on_is_off_again_after_its_delay() -> None:
    listener = listening()
    describe(listener, "binary_sensor", {"state_topic": "esp/t", "device_class": "motion", "off_delay": 30})
    assert [one.value for one in listener.said("esp/t", b"ON").readings] == [1.0]
    assert [one.value for one in listener.said("esp/t", b"ON", after_seconds=10).readings] == [1.0]
    off, on = listener.said("esp/t", b"ON", after_seconds=100).readings
    assert (off.value, off.device_time) == (0.0, NOON + timedelta(seconds=40))
    assert (on.value, on.device_time) == (1.0, None)


# Templates

CONTENT = {"a": {"b": 21.456, "l": [1, 2]}, "x": "on", "t": True, "n": None, "s": "7.5"}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ value_json.a.b }}", "21.456"),
        ("{{value_json['a']['b']|round(1)}}", "21.5"),
        ('{{ value_json["a"].l[1] }}', "2"),
        ("{{ value_json.t }}", "True"),
        ("{{ value_json.n }}", "None"),
        ("{{ value_json.gone }}", ""),
        ("{{ value_json.gone.deeper | default('d') }}", "d"),
        ("{{ value_json.get('gone', 3) }}", "3"),
        ("{{ 'ON' if value_json.x == 'on' else 'OFF' }}", "ON"),
        ("{{ 'ON' if value_json.x != 'on' or value_json.n else 'OFF' }}", "OFF"),
        ("{{ value_json.s | float * 2 + 1 }}", "16.0"),
        ("{{ value_json.s | float | int }}", "7"),
        ("{{ (value_json.a.b | float - 32) | round(2) }}", "-10.54"),
        ("{{ value_json.x | upper ~ '!' }}", "ON!"),
        ("{{ value_json.x in ['on', 'off'] and not value_json.n }}", "True"),
        ("{{ value_json.x is defined }}", "True"),
        ("{% if value_json.a.b > 20 %}warm{% elif value_json.t %}t{% else %}cold{% endif %}", "warm"),
        ("{%- set w = value_json.x -%} {{ {'on': 1, 'off': 0}[w] }} ", "1"),
        ("{{ value_json.x | float }}", None),
        ("{{ 1 / 0 }}", None),
        ("{{ value_json.s.split('.')[1] }}", "5"),
        ("{{ value | float(0) }}", "0"),
    ],
)
def test_common_templates_are_evaluated(template: str, expected: str | None) -> None:
    assert compiled(template).render("text", CONTENT) == expected


@pytest.mark.parametrize(
    "template",
    [
        "{% for k in value_json %}{{ k }}{% endfor %}", "{{ states('sensor.x') }}", "{{ value.__class__ }}" + "{{ x }}",
        "{{ value | regex_replace('a', 'b') }}", "{{ value.encode() }}", "{{ 9 ** 9 ** 9 }}", "{{ value", "{{ }}",
        "{{ now() }}", "{{ value " + "(" * 100 + " }}", "{% if value %}", "x" * 5000, "{{ '\\", "{{ a.b }}",
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated_safely_is_not(template: str) -> None:
    with pytest.raises(NotUnderstoodError):
        compiled(template)


def test_a_template_cannot_fill_the_memory() -> None:
    doubled = "{% set a = value %}" + "{% set a = a ~ a %}" * 60 + "{{ a }}"
    assert compiled(doubled).render("x" * 100, None) is None
    nested = "{% set a = [value] %}" + "{% set a = [a, a] %}" * 60 + "{{ a }}"
    assert compiled(nested).render("x", None) is None
    squared = "{% set a = 9 %}" + "{% set a = a * a %}" * 60 + "{{ a }}"
    assert compiled(squared).render("x", None) == "inf"


def test_a_template_that_is_not_understood_is_said() -> None:
    listener = listening()
    config = {"state_topic": "esp/t", "value_template": "{{ states('x') }}", "device_class": "door"}
    (described,) = describe(listener, "binary_sensor", config).descriptions
    assert described.says == ("contact (its template is not understood)",)
    (only,) = listener.said("esp/t", b"ON").readings
    assert (only.type, only.value, only.extra) == ("health", None, {"not_understood": ["x"], "raw": "ON"})


# Whatever comes

SIGNS = st.sampled_from(
    ["value", "value_json", ".", "a", "[", "]", "'a'", "(", ")", "|", "float", "int", "round", "default", "if",
     "else", "==", "not", "in", "is", "defined", "+", "*", "~", "1", "{", "}", ",", ":", " "]
)  # fmt: skip


@given(st.lists(SIGNS, max_size=25), st.text(max_size=20))
def test_any_template_is_evaluated_or_not_understood(signs: list[str], value: str) -> None:
    with contextlib.suppress(NotUnderstoodError):
        rendered = compiled("{{ " + " ".join(signs) + " }}").render(value, CONTENT)
        assert rendered is None or isinstance(rendered, str)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["stat_t", "val_tpl", "dev", "ids", "cns", "avty", "avty_t", "cmps", "p", "dev_cla", "unit_of_meas", "pl_on", "~",
     "off_dly", "type", "atype", "t", "pos_t", "uniq_id", "name"]
)  # fmt: skip
VALUES = (
    st.sampled_from(["esp/t", "~/t", "{{ value_json.a }}", "sensor", "door", "temperature", "°F", "trigger"])
    | JSON
)
CONFIGS = st.dictionaries(
    KEYS, VALUES | st.dictionaries(KEYS | st.text(max_size=3), VALUES, max_size=4), max_size=8
)


@given(
    st.sampled_from(
        ["sensor", "binary_sensor", "device", "event", "light", "cover", "device_automation", "climate"]
    ),
    CONFIGS,
    st.binary(max_size=30) | JSON,
    st.booleans(),
)
def test_whatever_comes_is_read_or_refused(component: str, config: Any, content: Any, retained: bool) -> None:
    listener = listening()
    with contextlib.suppress(DecodeError):
        listener.said(f"homeassistant/{component}/x/config", {"stat_t": "esp/t"} | config)
    with contextlib.suppress(DecodeError):
        for one in listener.said("esp/t", content, retained=retained).readings:
            assert one.value is None or math.isfinite(one.value)
            assert 0 < len(one.type) <= 128
    with contextlib.suppress(DecodeError):
        listener.said(f"homeassistant/{component}/x/config", b"")
        with pytest.raises(DecodeError):
            listener.said("esp/t", b"ON")


@given(st.data())
def test_damaged_configurations_are_read_or_refused(data: st.DataObject) -> None:
    config = DEVICE | {
        "stat_t": "esp/t",
        "dev_cla": "door",
        "val_tpl": "{{ value_json.a }}",
        "avty": [{"t": "esp/a"}],
    }
    whole = json.dumps(config).encode()
    place = data.draw(st.integers(0, len(whole) - 1))
    payload = whole[:place] + data.draw(st.binary(max_size=3)) + whole[place + data.draw(st.integers(0, 9)) :]
    listener = listening()
    with contextlib.suppress(DecodeError):
        listener.said("homeassistant/binary_sensor/x/config", payload)
        listener.said("esp/t", {"a": True})
