"""Devices that describe themselves to Home Assistant, read as Home Assistant reads them."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from dialects import recorded
from hearing import NOON
from homeassistant_device import DEVICE, describe, listening, read_after, the_value

from ingest.decoders import homeassistant
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Message

# Real messages


def rows(name: str = "homeassistant_discovery") -> list[dict[str, Any]]:
    return recorded(name)


def real(number: int) -> Message:
    row = rows()[number]
    return Message(row["topic"], row["payload"].encode(), True, False, NOON)


REFUSED = {
    41: "it is not JSON",
    42: "it is not JSON",
    47: "its components are a text",
}
NO_CONFIGURATION = {
    43: "Home Assistant allows no such letters in an object id",
    44: "its topic ends in another word than config",
    58: "a state", 61: "a state", 65: "a state",
}  # fmt: skip
DELETIONS = {19, 20, 21, 27, 28, 29, 32, 33, 50}
CONFIGURATIONS = [
    number for number in range(len(rows())) if number not in REFUSED.keys() | NO_CONFIGURATION.keys() | DELETIONS
]  # fmt: skip


def test_all_recorded_messages_are_there(shared: Path) -> None:
    assert len(rows()) == 80
    assert len(CONFIGURATIONS) == 63
    assert {number for number, row in enumerate(rows()) if not row["payload"]} == DELETIONS


@pytest.mark.parametrize("number", CONFIGURATIONS)
def test_a_real_configuration_describes_its_device(number: int) -> None:
    expect, listener = rows()[number]["expect"], listening()
    decoded = listener.hear(real(number))
    assert decoded.lasting
    (described,) = decoded.descriptions
    assert not described.gone
    identifiers, connections = expect.get("device_identifiers"), expect.get("device_connections")
    if isinstance(identifiers, str):
        assert described.address == identifiers
    elif identifiers:
        assert described.address == identifiers[0]
    elif connections:
        assert described.address == described.hardware_id == connections[0][1]
    topics = [expect.get("state_topic")]
    topics += [one.get("state_topic") for one in expect.get("components", {}).values()]
    for topic in filter(None, topics):
        assert not listener.said(topic, {}).flaws  # known from now on: nothing waits for a description


@pytest.mark.parametrize("number", sorted(DELETIONS))
def test_a_real_deletion_ends_what_was_described(number: int) -> None:
    listener, topic = listening(), rows()[number]["topic"]
    listener.said(topic, DEVICE | {"state_topic": "esp/t"}, retained=True)
    decoded = listener.hear(real(number))
    assert decoded.lasting
    assert [(one.address, one.gone) for one in decoded.descriptions] == [("node1", True)]


@pytest.mark.parametrize("number", sorted(REFUSED))
def test_a_real_configuration_that_is_none_is_refused(number: int) -> None:
    with pytest.raises(DecodeError) as caught:
        listening().hear(real(number))
    assert caught.value.reason == "malformed"


def test_real_states_are_read_by_real_configurations() -> None:
    if not rows():
        pytest.skip("no recordings beside this project")
    listener = listening()
    found: dict[tuple[int, str, str], Any] = {}
    for number, row in enumerate(rows()):
        with contextlib.suppress(DecodeError):
            readings = listener.said(row["topic"], row["payload"].encode()).readings
            found |= {(number, one.address, one.type): (one.value, one.unit) for one in readings}
    assert found == {
        (58, "garden", "motion"): (1.0, None),
        (61, "sensorBedroomT", "temperature"): (23.2, "°C"),
        (61, "sensorBedroomH", "humidity"): (43.7, "%"),
        (65, "kitchen_light", "switch"): (1.0, None),
    }


def test_a_real_states_meaning_is_that_of_its_configuration() -> None:
    if not rows():
        pytest.skip("no recordings beside this project")
    listener = listening()
    for number in (1, 2, 3, 4, 5, 6, 66, 70, 71, 76, 77):
        listener.hear(real(number))
    assert listener.values("zigbee2mqtt/porte", {"contact": False}) == {"contact": 0.0}
    assert listener.values("zigbee2mqtt/wall_switch_double", {"state_left": "ON", "state_right": "OFF"}) == {
        "switch_left": 1.0, "switch_right": 0.0,
    }  # fmt: skip
    weather = {"temperature": 21.5, "humidity": 40, "battery": 97, "linkquality": 80}
    first, second = listener.said("zigbee2mqtt/weather_sensor", weather).readings
    assert (first.value, second.value) == (21.5, 40.0)
    assert first.health == {"battery_pct": 97.0, "link_quality": 80.0}
    assert listener.values("shellies/shellyflood-F2AD2E/sensor/flood", b"true") == {"water_leak": 1.0}
    kitchen = listener.said("multi/state", {"temperature": 20, "humidity": 50, "battery": 70}).readings
    assert [(one.type, one.value) for one in kitchen] == [("temperature", 20.0), ("humidity", 50.0)]
    assert kitchen[0].health == {"battery_pct": 70.0}


def esphome_topic(row: dict[str, Any]) -> str:
    """The row's topic; by its grammar, of a node that the sources cover, where none was printed."""
    topic: str = row["topic"] or row["topic_by_grammar"]
    for word, meant in (
        ("<TOPIC_PREFIX>", "esp"),
        ("{app}", "app"),
        ("{id}", "1"),
        ("<node>/<object_id>", "x"),
    ):
        topic = topic.replace(word, meant)
    return topic


def test_real_esphome_topics_are_read_through_discovery() -> None:
    if not rows("esphome"):
        pytest.skip("no recordings beside this project")
    listener = listening()
    strength = {
        "stat_t": "underhouse/sensor/wifi_strength/state",
        "dev_cla": "signal_strength",
        "unit_of_meas": "dBm",
    }
    describe(listener, "sensor", strength, "wifi")
    describe(listener, "sensor", {"stat_t": "esp/sensor/t/state", "avty_t": "esp/status"}, "t")
    describe(listener, "sensor", {"stat_t": "livingroom/s/t/state", "avty_t": "livingroom/status"}, "t2")
    describe(listener, "light", {"stat_t": "app/light/1/state", "schema": "json"}, "light")
    found = []
    for row in rows("esphome"):
        payload = row["payload"].encode()
        if row["expect"]["kind" if "kind" in row["expect"] else "device"] == "discovery config":
            with pytest.raises(DecodeError):  # its reporter left something out: it is no JSON
                listener.said(esphome_topic(row), payload)
            continue
        (only,) = listener.said(esphome_topic(row), payload).readings
        found.append((only.type, only.value, only.health))
    assert found == [
        ("health", None, {"rssi_dbm": -83.0}), ("availability", 1.0, None), ("availability", 0.0, None),
        ("availability", 1.0, None), ("availability", 0.0, None), ("switch", 1.0, None),
    ]  # fmt: skip


# Configurations


def test_abbreviations_and_the_base_topic_are_expanded_everywhere() -> None:
    listener = listening()
    described = listener.said(
        "homeassistant/binary_sensor/n/o/config",
        {
            "~": "esp", "stat_t": "~/door", "dev_cla": "door", "pl_on": "open", "pl_off": "shut",
            "avty": [{"t": "~/alive", "pl_avail": "yes", "pl_not_avail": "no"}], "avty_mode": "all",
            "dev": {"ids": "d1", "mf": "Maker", "mdl": "One", "mdl_id": "M-1", "cns": [["mac", "AA:BB"]]},
        },
        retained=True,
    )  # fmt: skip
    (one,) = described.descriptions
    assert (one.address, one.hardware_id, one.make, one.model, one.says) == (
        "d1", "aa:bb", "Maker", "One (M-1)", ("contact",),
    )  # fmt: skip
    assert listener.values("esp/door", b"open") == {"contact": 0.0}
    assert listener.values("esp/alive", b"no") == {"availability": 0.0}
    listener.said(
        "homeassistant/switch/o/config", {"~": "ending", "stat_t": "esp/~", "ids": "d1"}, retained=True
    )
    assert listener.values("esp/ending", b"ON") == {"switch": 1.0}


def test_a_device_may_describe_all_its_components_at_once_and_take_one_away() -> None:
    listener = listening()
    config: dict[str, Any] = DEVICE | {
        "state_topic": "esp/state", "availability_topic": "esp/status",
        "cmps": {
            "t": {"p": "sensor", "dev_cla": "temperature", "unit_of_meas": "°F", "val_tpl": "{{ value_json.t }}"},
            "door": {"p": "binary_sensor", "dev_cla": "door", "stat_t": "esp/door"},
        },
    }  # fmt: skip
    (one,) = listener.said("homeassistant/device/x/config", config, retained=True).descriptions
    assert set(one.says) == {"temperature", "contact"}
    (warm,) = listener.said("esp/state", {"t": 68}).readings
    assert (warm.type, warm.unit) == ("temperature", "°C")
    assert warm.value == pytest.approx(20.0)
    config["cmps"]["door"] = {"p": "binary_sensor"}
    (one,) = listener.said("homeassistant/device/x/config", config, retained=True).descriptions
    assert one.says == ("temperature",)
    with pytest.raises(DecodeError, match="no configuration names"):
        listener.said("esp/door", b"ON")


def test_a_device_is_gone_with_the_last_of_its_configurations() -> None:
    listener = listening()
    describe(listener, "sensor", {"state_topic": "esp/a"}, "a")
    describe(listener, "sensor", {"state_topic": "esp/b"}, "b")
    (one,) = listener.said("homeassistant/sensor/a/config", b"").descriptions
    assert (one.gone, one.says) == (False, ("b",))
    (one,) = listener.said("homeassistant/sensor/b/config", b"").descriptions
    assert (one.address, one.gone) == ("node1", True)
    assert listener.said("homeassistant/sensor/b/config", b"").descriptions == ()


def test_a_state_before_its_configuration_waits_for_it() -> None:
    listener = listening()
    with pytest.raises(DecodeError, match="homeassistant/…/config") as caught:
        listener.said("esp/t", b"21")
    assert caught.value.reason == "not_described"
    assert listener.said("esp/t", b"21", retained=True) == Decoded([], [])


@pytest.mark.parametrize(
    "topic", ["esp/x/set", "esp/x/command", "esp/debug", "homeassistant/status", "esp/cmd2"]
)
def test_commands_logs_and_home_assistants_own_words_are_not_ours(topic: str) -> None:
    listener = listening()
    describe(listener, "switch", {"state_topic": "esp/t", "command_topic": "esp/cmd2"})
    assert listener.said(topic, b"ON") == Decoded([], [])


def test_a_configuration_said_again_changes_nothing() -> None:
    listener = listening()
    config = {"state_topic": "esp/t", "avty_mode": "all", "avty": [{"topic": "esp/a"}, {"topic": "esp/b"}]}
    describe(listener, "switch", config)
    assert listener.values("esp/a", b"online") == {}
    describe(listener, "switch", config)
    assert listener.values("esp/b", b"online") == {"availability": 1.0}


def test_nobody_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(homeassistant, "ENTITIES_MAX", 20)
    listener = listening()
    for number in range(10):
        describe(listener, "sensor", {"state_topic": f"esp/{number}"}, str(number))
    with pytest.raises(DecodeError, match="take away configurations") as caught:
        describe(listener, "sensor", {"state_topic": "esp/more"}, "more")
    assert caught.value.reason == "oversized"
    listener.said("homeassistant/sensor/1/config", b"")
    describe(listener, "sensor", {"state_topic": "esp/more"}, "more")


def test_a_topic_holds_so_many_values_and_no_more() -> None:
    many = {str(number): {"p": "sensor"} | {"val_tpl": "{{ value }}"} for number in range(201)}
    with pytest.raises(DecodeError, match="topics of their own"):
        listening().said("homeassistant/device/x/config", DEVICE | {"stat_t": "esp/t", "cmps": many})


# Presses and tags


def test_an_event_is_a_press_each_time() -> None:
    config = {"event_types": ["press", "hold"], "device_class": "button"}
    for _ in range(2):
        (only,) = read_after("event", config, {"event_type": "press"})
        assert (only.type, only.value, only.extra) == ("action", None, {"action": "press", "button": "x"})
    assert [one.type for one in read_after("event", config, b"")] == []
    assert [one.type for one in read_after("event", config, {"event_type": None})] == ["health"]


def test_a_trigger_is_one_press_where_its_payload_fits() -> None:
    listener = listening()
    for payload in ("short", "long"):
        config = {
            "atype": "trigger",
            "t": "esp/b",
            "pl": payload,
            "type": f"button_{payload}_press",
            "stype": "button_1",
        }
        describe(listener, "device_automation", config, payload)
    (only,) = listener.said("esp/b", b"short").readings
    assert only.extra == {"action": "button_short_press", "button": "button_1"}
    assert [one.type for one in listener.said("esp/b", b"other").readings] == ["health"]


def test_one_press_that_comes_in_several_forms_is_one() -> None:
    listener = listening()
    describe(listener, "sensor", {"stat_t": "esp/b", "val_tpl": "{{ value_json.action }}"}, "action")
    assert [one.type for one in listener.said("esp/b", {"action": "single"}).readings] == ["action"]
    trigger = {"atype": "trigger", "t": "esp/b/action", "pl": "single", "type": "action", "stype": "single"}
    describe(listener, "device_automation", trigger, "single")
    assert [one.type for one in listener.said("esp/b", {"action": "single"}).readings] == ["health"]
    (only,) = listener.said("esp/b/action", b"single").readings
    assert only.extra == {"action": "single"}


def test_a_tag_held_to_a_reader_is_an_action() -> None:
    listener = listening()
    describe(listener, "tag", {"topic": "esp/tag", "value_template": "{{ value_json.PN532.UID }}"})
    (only,) = listener.said("esp/tag", {"PN532": {"UID": "E9F35959"}}).readings
    assert (only.type, only.extra) == ("action", {"action": "tag_scanned", "tag": "E9F35959"})


# Availability


@pytest.mark.parametrize("retained", [False, True])
def test_availability_is_kept_also_from_the_brokers_memory(retained: bool) -> None:
    listener = listening()
    describe(listener, "switch", {"state_topic": "esp/t", "availability_topic": "esp/status"})
    (only,) = listener.said("esp/status", b"offline", retained=retained).readings
    assert (only.type, only.value) == ("availability", 0.0)
    assert listener.said("esp/status", b"perhaps", retained=retained).readings == []


@pytest.mark.parametrize(
    ("mode", "heard", "expected"),
    [
        ("latest", ["a online", "b offline"], [1.0, 0.0]),
        ("all", ["a online", "b offline", "b online"], [None, 0.0, 1.0]),
        ("any", ["a offline", "b online", "b offline"], [None, 1.0, 0.0]),
    ],
)
def test_several_topics_say_together_whether_a_device_is_reached(
    mode: str, heard: list[str], expected: list[float | None]
) -> None:
    listener = listening()
    entries = [{"topic": "esp/a"}, {"topic": "esp/b", "value_template": "{{ value_json.state }}"}]
    describe(listener, "switch", {"state_topic": "esp/t", "availability_mode": mode, "availability": entries})
    found: list[float | None] = []
    for one in heard:
        which, state = one.split()
        values = listener.values(f"esp/{which}", state.encode() if which == "a" else {"state": state})
        found.append(values.get("availability"))
    assert found == expected


def test_a_connectivity_sensor_is_no_sign_of_life() -> None:
    assert the_value("binary_sensor", {"device_class": "connectivity"}, b"OFF")[:2] == ("availability", 0.0)
