"""All dialects at once, through a real broker and a real ingest: what comes of every real message, and of devices accepted
from it; and what docs/devices/README.md says was counted."""

# ruff: noqa: E501  # the table of devices is read across

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import PROJECT, Database, Mosquitto
from dialects import NOON, recorded
from hearing import Listener
from ingesting import Ingest, register, rows, until
from packages import one_home
from real_messages import DIALECT_OF, SOURCES, Real, real_messages, with_own_ids
from whole_way import LAST_WORD

from examples import EXAMPLES, Example
from ingest.decode import DIALECTS, decode, route_of, routes
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Message
from nyttig.proposed import accept
from nyttig.settings import Settings, Source
from nyttig.store import db, proposals
from simulators.publish import Publisher

ALL_SOURCES = ",".join(f"{one.dialect}={one.topic_filter}" for one in SOURCES)
README = PROJECT / "docs" / "devices" / "README.md"


class Expected(NamedTuple):
    """A device of `examples`: what it is proposed as, and what stands in its series once it was accepted."""

    dialect: str
    address: str
    make: str | None
    model: str | None
    technology: str
    said: dict[str, Any]
    health: dict[str, Any]


DEVICES = (
    Expected("zigbee2mqtt", "upstairs/z1", "Aqara", "MCCGQ11LM", "door_sensor", {"contact": 1.0, "availability": 1.0},
             {"battery_pct": 81.0, "battery_v": 2.9, "link_quality": 90.0}),
    Expected("zigbee2mqtt", "upstairs/room/z1", "Aqara", "MCCGQ11LM", "door_sensor", {"contact": 0.0}, {}),
    Expected("homeassistant", "node1", "Maker", "One", "door_sensor",
             {"contact": 1.0, "temperature": pytest.approx(21.944, abs=0.001), "position": 55.0, "switch": 1.0, "action": None},
             {"battery_pct": 80.0}),
    Expected("shelly", "shellyplus1pm-a8032ab13004", "Shelly", "shellyplus1pm", "power_plug", {"state": 1.0}, {}),
    Expected("shelly", "0C:EF:F6:A1:B2:C3", None, None, "door_sensor", {"contact": 0.0}, {"battery_pct": 77.0, "rssi_dbm": -70.0}),
    Expected("tasmota", "kitchen", "Tasmota", "Sonoff S31", "power_plug", {"state": 1.0, "switch": 1.0, "input_1": 1.0}, {}),
    Expected("tasmota", "zb1/Door", None, None, "door_sensor", {"contact": 0.0}, {"battery_pct": 80.0, "link_quality": 9.0}),
    Expected("homie", "hall", None, None, "door_sensor",
             {"state": 1.0, "temperature": pytest.approx(21.111), "contact": 0.0, "action": None},
             {"battery_pct": 80.0, "signal_pct": 77.0}),
    Expected("theengs", "C0:FF:EE:00:00:01", None, "MCCGQ02HL", "door_sensor", {"contact": 0.0},
             {"battery_pct": 80.0, "battery_v": 3.0, "rssi_dbm": -60.0}),
    Expected("things_stack", "24E124FFFFFF0001", "milesight-iot", "ws301", "door_sensor", {"contact": 0.0, "state": 1.0},
             {"battery_pct": 80.0, "rssi_dbm": -36.0, "snr_db": 10.5}),
    Expected("chirpstack", "24e124ffffff0002", None, "Milesight WS301", "door_sensor", {"contact": 0.0, "temperature": 20.0},
             {"battery_pct": 80.0, "rssi_dbm": -36.0, "snr_db": 10.5}),
    Expected("senml", "urn:dev:ow:0123456789abcdef", None, None, "door_sensor", {"temperature": 23.1, "door": 1.0}, {"battery_pct": 80.0}),
    Expected("sparkplug", "home/hall", "Maker", "Node", "gateway", {"state": 0.0, "temperature": 20.5}, {}),
    Expected("sparkplug", "home/hall/door", None, None, "door_sensor", {"inputs_door": 1.0, "availability": 0.0}, {"battery_pct": 80.0}),
)  # fmt: skip

DESCRIBING = ("info", "groups", "devices", "config", "sensors", "rpc", "$description", "BIRTH")
"""How topics on which devices say what they are end, or what stands in them."""


def is_description(one: Example) -> bool:
    last = one[0].rpartition("/")[2]
    return last in DESCRIBING or "BIRTH" in one[0]


def publish_all(url: str, messages: Sequence[Real | Example]) -> None:
    with Publisher(Settings(mqtt_url=url).broker(), "devices") as publisher:
        for one in messages:
            if isinstance(one, Real):
                publisher.publish(one.topic, one.payload, retain=one.retained)
            else:
                publisher.publish(*one)


def settle(database: Database, url: str, word: bytes) -> None:
    """All that was published before stands where it belongs."""
    publish_all(url, [(LAST_WORD, word)])
    until(lambda: (word,) in rows(database, f"SELECT payload FROM quarantine WHERE topic = '{LAST_WORD}'"))


def understood(listener: Listener, place: int, topic: str, payload: bytes) -> Decoded | DecodeError:
    try:
        return listener.hear(Message(topic, payload, False, False, NOON + timedelta(milliseconds=place)))
    except DecodeError as error:
        return error


@pytest.fixture
def everything(database: Database, mosquitto: Mosquitto, tmp_path: Path, shared: Path) -> Iterator[Ingest]:
    """An ingestor's process that listens to all dialects, and a home."""
    register(database, one_home("medicine_dispenser"))
    ingest = Ingest(database.environment | {"NYTTIG_MQTT_SOURCES": ALL_SOURCES}, mosquitto.url, tmp_path)
    try:
        ingest.start()
        yield ingest
    finally:
        ingest.kill()


def test_every_real_message_is_accounted_for_and_devices_accepted_from_them_are_heard_over_a_restart(
    everything: Ingest, database: Database, mosquitto: Mosquitto
) -> None:
    real = [with_own_ids(one) for one in real_messages()]
    told = [one for examples in EXAMPLES.values() for one in examples if is_description(one)]
    data = [one for examples in EXAMPLES.values() for one in examples if not is_description(one)]
    learned = [
        one
        for one in data
        if one[0].startswith(("home/", "v3/", "application/", "senml/", "tele/zb1", "wt/"))
    ]
    first: list[Real | Example] = [*real, *told, *learned]
    publish_all(mosquitto.url, first)
    settle(database, mosquitto.url, b"first")
    assert_accounted_for(database, first)

    proposed = listed(database)
    for one in DEVICES:
        found = proposed[one.dialect, one.address]
        assert (found.make, found.model) == (one.make, one.model), one.address
    chosen = [(one.dialect, one.address, one.technology) for one in DEVICES]
    chosen += others(proposed)
    codes = {}
    with db.connect(database.conninfo) as connection:
        for dialect, address, technology in chosen:
            made = accept(connection, dialect, address, by="test", technology=technology, site="h1")
            codes[dialect, address] = made.device
        connection.commit()

    assert everything.stop() == 0
    everything.start()  # what was described is known from the store: nobody says it again
    publish_all(mosquitto.url, [one for one in real if "BIRTH" not in one.topic])
    publish_all(mosquitto.url, data)
    settle(database, mosquitto.url, b"second")
    for one in DEVICES:
        assert_series(database, codes[one.dialect, one.address], one)
    for dialect, address, _ in others(proposed):
        assert series(database, codes[dialect, address]), f"nothing was stored of {dialect} {address}"
    until(lambda: waiting_for(database, set(codes)) == set())
    assert everything.stop() == 0, everything.log()


def listed(database: Database) -> dict[tuple[str, str], proposals.Proposal]:
    with db.connect(database.conninfo) as connection:
        return {(one.dialect, one.address): one for one in proposals.listed(connection)}


def others(proposed: dict[tuple[str, str], proposals.Proposal]) -> list[tuple[str, str, str]]:
    """The two of each dialect that were heard most of the real ones, as whatever they are."""
    ours = {(one.dialect, one.address) for one in DEVICES}
    heard = sorted(
        (one for key, one in proposed.items() if key not in ours and one.messages_total),
        key=lambda one: (one.dialect, -one.messages_total, one.address),
    )
    return [
        (one.dialect, one.address, "climate_sensor")
        for place, one in enumerate(heard)
        if [other.dialect for other in heard[:place]].count(one.dialect) < 2
    ]


def assert_accounted_for(database: Database, messages: Sequence[Real | Example]) -> None:
    """Each message is stored, proposes its device, waits with a reason, is remembered, or is none of ours."""
    listener = Listener(SOURCES)
    known = set(listed(database)) | {("nyttig", "d1")}
    waiting = set(rows(database, "SELECT reason, topic FROM quarantine"))
    lasting = {topic for (topic,) in rows(database, "SELECT topic FROM lasting")}
    sent = [(one.topic, one.payload) if isinstance(one, Real) else one for one in messages]
    taken_back = {topic for topic, payload in sent if not payload}
    fates: Counter[str] = Counter()
    for place, (topic, payload) in enumerate(sent):
        said = understood(listener, place, topic, payload)
        if isinstance(said, DecodeError):
            assert (said.reason, topic) in waiting
            fates["refused"] += 1
            continue
        for flaw in said.flaws:
            assert (flaw.reason, topic) in waiting
        known |= {(described.dialect, described.address) for described in said.descriptions if described.gone}
        for reading in said.readings:
            assert (reading.dialect, reading.address) in known, (topic, reading)
        if said.lasting:
            assert topic in lasting | taken_back
        fates["read" if said.readings else "remembered" if said.lasting else "nothing to store"] += 1
    assert fates.total() == len(sent)
    assert fates["read"] > 650, fates
    assert fates["refused"] < 30, fates


def series(database: Database, device: str) -> list[tuple[str, float | None, Any]]:
    found = rows(
        database,
        "SELECT d.code, e.type, e.value, e.health FROM events e JOIN devices d ON d.id = e.device_id ORDER BY e.received_at",
    )
    return [(kind, value, health) for code, kind, value, health in found if code == device]


def assert_series(database: Database, device: str, one: Expected) -> None:
    until(lambda: {kind for kind, _, _ in series(database, device)} >= set(one.said))
    stored = series(database, device)
    last = {kind: value for kind, value, _ in stored}
    assert {kind: last[kind] for kind in one.said} == one.said, one.address
    healths = [health for _, _, health in stored if health]
    for name, value in one.health.items():
        assert value in [health.get(name) for health in healths], (one.address, name)


def waiting_for(database: Database, accepted: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The accepted devices of which something still waits to be read again."""
    found = rows(
        database,
        "SELECT dialect, unnest(addresses) FROM quarantine WHERE reason = 'unknown_device' AND replayed_at IS NULL",
    )
    return {(dialect, address) for dialect, address in found} & accepted


# Which source wins


def test_the_first_source_whose_filter_matches_reads_the_message() -> None:
    topic = "zigbee2mqtt/hall"
    bridge, discovery = Source("zigbee2mqtt", "zigbee2mqtt/#"), Source("homeassistant", "zigbee2mqtt/#")
    for sources in ([bridge, discovery], [discovery, bridge]):
        route, base = route_of(topic, routes(sources))
        assert (route.dialect, base) == (sources[0].dialect, "zigbee2mqtt")


def test_every_real_message_lies_below_the_source_of_its_own_dialect(shared: Path) -> None:
    known = routes(SOURCES)
    assert {one.dialect for one in SOURCES} == set(DIALECTS) == set(EXAMPLES)
    strays = [
        (one.topic, one.dialect)
        for one in real_messages()
        if route_of(one.topic, known)[0].dialect != one.dialect
    ]
    assert strays == []


# What the documentation says was counted

FATES = ("understood", "nothing to store", "waits", "refused")


def counted(file: str) -> list[int]:
    """How many rows a file has, and how many of them have each of FATES; two minutes apart, so that none is a copy."""
    known = routes(SOURCES)
    fates: Counter[str] = Counter()
    for place, one in enumerate(map(with_own_ids, (one for one in real_messages() if one.file == file))):
        message = Message(one.topic, one.payload, False, False, NOON + timedelta(minutes=2 * place))
        route, base = route_of(one.topic, known)
        try:
            said = decode(message, route, base)
        except DecodeError as error:
            fates["waits" if error.reason == "not_described" else "refused"] += 1
        else:
            told = said.readings or said.descriptions or said.lasting
            fates["understood" if told else "refused" if said.flaws else "nothing to store"] += 1
    total = len(recorded(file))
    fates["refused"] += total - fates.total()  # a fragment, which is no message
    return [total, *(fates[one] for one in FATES)]


@pytest.mark.parametrize("file", DIALECT_OF)
def test_the_documentation_says_what_is_counted(file: str, shared: Path) -> None:
    line = f"| `{file}` | `{DIALECT_OF[file]}` | {' | '.join(map(str, counted(file)))} |"
    assert re.findall(rf"^\| `{file}` \| `\w+` \| \d.*$", README.read_text(), re.MULTILINE) == [line]


def test_every_dialect_has_a_page_and_a_line_in_the_table() -> None:
    text = README.read_text()
    for dialect in DIALECTS:
        assert re.search(rf"^\| `{dialect}`(?: \[.*\]\(.*\.md\))? \|", text, re.MULTILINE), dialect
        if dialect != "nyttig":
            assert (README.parent / f"{dialect}.md").exists()
