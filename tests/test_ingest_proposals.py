"""Ingest remembers what devices said they are, proposes those that nobody registered, and brings back what they said."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conftest import Database, Mosquitto
from ingesting import InProcess, assert_exact, publish, quarantined, register, rows, two_dialects
from packages import one_home

from ingest.batch import Prepared, Said, prepare
from ingest.decode import DIALECTS, routes
from ingest.mqtt import Arrived
from ingest.redelivery import RedeliveryWindow
from ingest.replay import replay_quarantine
from ingest.run import Ingestor
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Description, Message, Reading
from nyttig.proposed import accept, proposed
from nyttig.settings import Settings, Source
from nyttig.store import db, descriptions, devices, proposals, quarantine
from nyttig.store.descriptions import Lasting

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
IEEE = "0x00158d0004b5c2f1"
DOOR = "zigbee2mqtt/front door"
TALK = "talk=talk/#"
WINDOW = RedeliveryWindow(4)


class Talk:
    """A small dialect in which `talk/<name>/is` says what a device measures, as `<kind> <gateway>`, and `talk/<names>`
    brings values of one or more devices, in the kind and under the names that were said."""

    reads: int = 0

    def __init__(self) -> None:
        self._kinds: dict[str, str] = {}

    def __call__(self, message: Message, base: str) -> Decoded:
        Talk.reads += 1
        name, _, about = message.topic.removeprefix(f"{base}/").partition("/")
        payload = message.payload.decode()
        if about == "is":
            self._kinds.pop(name, None)
            if not payload:
                return Decoded([], [], (Description("talk", name, gone=True),), lasting=True)
            kind, _, gateway = payload.partition(" ")
            self._kinds[name] = kind
            described = Description("talk", name, f"hw-{name}", gateway=gateway or None, says=(kind,))
            return Decoded([], [], (described,), lasting=True)
        if message.retained:
            return Decoded([], [])
        readings = []
        for one in name.split("&"):
            if one not in self._kinds:
                raise DecodeError("not_described", f"{one!r} has not said what it is; replay when it has")
            kind = self._kinds[one]
            if not payload.isdigit():
                raise DecodeError("malformed", f"{payload!r} is no number")
            unit = "\0" if payload == "666" else None  # which no database takes
            readings.append(Reading("talk", one, kind, float(payload), unit, health={"battery_pct": 50}))
        return Decoded(readings, [])


@pytest.fixture(autouse=True)
def talk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DIALECTS, "talk", Talk)
    Talk.reads = 0


class Talking(InProcess):
    """An ingestor to whom devices talk."""

    def __init__(self, database: Database, url: str, client_id: str = "nyttig-ingest") -> None:
        super().__init__(database, url, client_id)
        settings = Settings(mqtt_url=url, mqtt_client_id=client_id, mqtt_sources=TALK)
        self.ingestor = Ingestor(settings, self.stop, database.conninfo)

    def beat_until(self, happened: Any) -> None:
        """It has beaten until that has happened."""
        self.ingestor._next_beat = 0.0
        self.work_until(happened)


def said(database: Database, device: str) -> list[tuple[str, float | None]]:
    """What stands in a device's series."""
    found = rows(
        database,
        "SELECT d.code, e.type, e.value FROM events e JOIN devices d ON d.id = e.device_id ORDER BY e.received_at",
    )
    return [(kind, value) for code, kind, value in found if code == device]


def listed(database: Database) -> dict[str, proposals.Proposal]:
    with db.connect(database.conninfo) as connection:
        return {one.address: one for one in proposals.listed(connection)}


def accepted(database: Database, dialect: str, address: str, **options: Any) -> proposals.Accepted:
    with db.connect(database.conninfo) as connection:
        made = accept(connection, dialect, address, by="test", **options)
        connection.commit()
        return made


# The whole way


def bridge_devices(name: str) -> tuple[str, bytes]:
    """What Zigbee2MQTT tells of its devices."""
    contact = {
        "type": "binary",
        "name": "contact",
        "property": "contact",
        "value_on": False,
        "value_off": True,
    }
    door = {
        "ieee_address": IEEE,
        "type": "EndDevice",
        "friendly_name": name,
        "power_source": "Battery",
        "interview_completed": True,
        "definition": {"vendor": "Aqara", "model": "MCCGQ11LM", "exposes": [contact]},
    }
    coordinator = {"ieee_address": "0x00124b0001", "type": "Coordinator", "friendly_name": "Coordinator"}
    return "zigbee2mqtt/bridge/devices", json.dumps([coordinator, door]).encode()


def opened(name: str, contact: bool, quality: int) -> tuple[str, bytes]:
    return f"zigbee2mqtt/{name}", json.dumps({"contact": contact, "linkquality": quality}).encode()


def test_an_unknown_contact_sensor_is_heard_proposed_accepted_and_what_it_said_before_is_in_its_series(
    database: Database, mosquitto: Mosquitto
) -> None:
    register(database, two_dialects())
    publish(mosquitto.url, [bridge_devices("front door")], retain=True)
    with InProcess(database, mosquitto.url) as one:
        one.ingestor.step()
        publish(mosquitto.url, [opened("front door", n % 2 == 0, 103) for n in range(4)])
        one.work_until(lambda: quarantined(database) == {"unknown_device": 4})

        proposal = listed(database)[DOOR]
        assert (proposal.make, proposal.model, proposal.hardware_id) == ("Aqara", "MCCGQ11LM", IEEE)
        assert (proposal.messages_total, proposal.link_quality, proposal.power) == (4, 103.0, "battery")
        with db.connect(database.conninfo) as connection:
            suggested = {
                one.address: one.suggested_technology
                for one in proposed(connection, datetime.now(UTC)).proposals
            }
        assert suggested == {DOOR: "door_sensor", "zigbee2mqtt/bridge": "gateway"}

        made = accepted(database, "zigbee2mqtt", DOOR, site="h1")
        assert made.messages_waiting == 4
        one.ingestor._next_beat = 0.0
        one.work_until(lambda: quarantined(database) == {})
        publish(mosquitto.url, [opened("front door", True, 103)])
        one.work_until(lambda: len(said(database, made.device)) == 5)
    assert said(database, made.device) == [("contact", float(n % 2 == 0)) for n in range(5)]
    assert_exact(database)


def test_a_device_that_the_bridge_renames_goes_on_in_its_series(
    embedded_database: Database, mosquitto: Mosquitto
) -> None:
    database = embedded_database
    register(database, two_dialects())
    publish(mosquitto.url, [bridge_devices("front door")], retain=True)
    with InProcess(database, mosquitto.url) as one:
        one.work_until(lambda: DOOR in listed(database))
        made = accepted(database, "zigbee2mqtt", DOOR)
        publish(mosquitto.url, [opened("front door", True, 1)])
        one.work_until(lambda: len(said(database, made.device)) == 1)
        publish(mosquitto.url, [bridge_devices("hall door"), opened("hall door", False, 2)])
        one.ingestor._next_beat = 0.0
        one.work_until(lambda: len(said(database, made.device)) == 2)
    with db.connect(database.conninfo) as connection:
        assert devices.one(connection, made.device).address == "zigbee2mqtt/hall door"
    assert quarantined(database) == {}
    assert said(database, made.device) == [("contact", 1.0), ("contact", 0.0)]


# What was said lastingly


@pytest.fixture
def talker(embedded_database: Database) -> Database:
    """A database with a device d1 of the small dialect."""
    register(embedded_database, one_home("climate_sensor", dialect="talk", homes=2))
    return embedded_database


def test_a_description_is_remembered_over_a_restart(talker: Database, mosquitto: Mosquitto) -> None:
    with Talking(talker, mosquitto.url) as one:
        one.ingestor.step()
        publish(mosquitto.url, [("talk/d1/is", b"temperature"), ("talk/d1", b"20")])
        one.work_until(lambda: len(said(talker, "d1")) == 1)
    with Talking(talker, mosquitto.url) as again:
        publish(mosquitto.url, [("talk/d1", b"21")])
        again.work_until(lambda: len(said(talker, "d1")) == 2)
        publish(mosquitto.url, [("talk/d1/is", b"")])
        again.work_until(lambda: rows(talker, "SELECT payload FROM lasting") == [(b"",)])
    with Talking(talker, mosquitto.url) as once_more:
        publish(mosquitto.url, [("talk/d1", b"22")])
        once_more.work_until(lambda: quarantined(talker) == {"not_described": 1})
    assert said(talker, "d1") == [("temperature", 20.0), ("temperature", 21.0)]


def told_to_another_ingestor(database: Database, name: str, payload: bytes) -> None:
    with db.connect(database.conninfo) as connection:
        descriptions.remember(connection, [Lasting("talk", f"talk/{name}/is", payload, datetime.now(UTC))])


def test_a_message_whose_description_another_ingestor_got_is_read(
    talker: Database, mosquitto: Mosquitto
) -> None:
    with Talking(talker, mosquitto.url) as one:
        one.ingestor.step()
        told_to_another_ingestor(talker, "d1", b"humidity")
        one.ingestor._next_beat = float("inf")  # it does not learn of it by itself
        one.ingestor._descriptions.read_at = float("-inf")
        publish(mosquitto.url, [("talk/d1", b"40")])
        one.work_until(lambda: len(said(talker, "d1")) == 1)
    assert said(talker, "d1") == [("humidity", 40.0)]
    assert quarantined(talker) == {}


def test_what_another_ingestor_learned_is_known_with_the_next_beat(
    talker: Database, mosquitto: Mosquitto
) -> None:
    with Talking(talker, mosquitto.url) as one:
        one.ingestor.step()
        publish(mosquitto.url, [("talk/d1/is", b"temperature"), ("talk/d1", b"20")])
        one.work_until(lambda: len(said(talker, "d1")) == 1)
        told_to_another_ingestor(talker, "d1", b"humidity")
        reads = Talk.reads
        one.beat_until(lambda: Talk.reads == reads + 1)
        one.ingestor._next_beat = 0.0
        publish(mosquitto.url, [("talk/d1", b"40")])
        one.work_until(lambda: len(said(talker, "d1")) == 2)
    assert said(talker, "d1")[-1] == ("humidity", 40.0)
    assert Talk.reads == reads + 2, "what it learned itself and what it knows is not told to it again"


def test_what_waits_for_a_description_can_be_replayed_when_it_has_come(
    talker: Database, mosquitto: Mosquitto
) -> None:
    with Talking(talker, mosquitto.url) as one:
        one.ingestor.step()
        publish(mosquitto.url, [("talk/d1", b"20")])
        one.work_until(lambda: quarantined(talker) == {"not_described": 1})
        publish(mosquitto.url, [("talk/d1/is", b"temperature")])
        one.work_until(lambda: rows(talker, "SELECT topic FROM lasting") != [])
    settings = Settings(mqtt_url=mosquitto.url, mqtt_sources=TALK)
    assert replay_quarantine(settings, conninfo=talker.conninfo) == (1, 0)
    assert said(talker, "d1") == [("temperature", 20.0)]


def test_each_message_is_read_once_however_often_its_batch_is_prepared() -> None:
    known = routes([Source("talk", "talk/#")])
    arrived = [item("d1/is", b"temperature"), item("d1", b"20"), item("d2", b"20")]
    memory: list[Said | None] = [None] * 3
    first = prepare(arrived, known, {}, WINDOW, memory)
    again = prepare(arrived, known, {("talk", "d1"): 1}, WINDOW, memory)
    assert Talk.reads == 3
    assert first.undescribed
    assert [one.reason for one in first.batch.quarantined] == ["unknown_device", "not_described"]
    assert [(one.type, one.value) for one in again.batch.events] == [("temperature", 20.0)]


# What is proposed, and what waits


def item(
    topic: str, payload: bytes, *, retained: bool = False, again: bool = False, at: datetime = NOON
) -> Arrived:
    return Arrived(Message(f"talk/{topic}", payload, retained, again, at), 7, 1)


def prepared(*arrived: Arrived, window: RedeliveryWindow = WINDOW, **options: Any) -> Prepared:
    return prepare(arrived, routes([Source("talk", "talk/#")]), options.pop("known", {}), window, **options)


def test_what_the_broker_remembers_proposes_but_is_not_heard_and_does_not_wait() -> None:
    batch = prepared(item("d1/is", b"temperature", retained=True), item("d1", b"20", retained=True))
    (one,) = batch.heard.values()
    assert one.description is not None
    assert (one.messages, one.own_last_at, batch.batch.quarantined) == (0, None, [])
    assert [(message.topic, message.payload) for message in batch.lasting] == [("talk/d1/is", b"temperature")]


def test_the_brokers_memory_that_awaits_a_description_does_not_wait_in_quarantine() -> None:
    def awaits(_message: Message, _base: str) -> Decoded:
        raise DecodeError("not_described", "what is it?")

    (route,) = routes([Source("talk", "talk/#")])
    for retained in (True, False):
        batch = prepare([item("d1", b"20", retained=retained)], [route._replace(decode=awaits)], {}, WINDOW)
        assert batch.undescribed
        assert len(batch.batch.quarantined) == (not retained)


def test_a_message_that_comes_again_is_heard_once() -> None:
    window = RedeliveryWindow(4)
    first = prepared(item("d1/is", b"temperature"), item("d1", b"20"), window=window)
    window.add(1, first.batch.digests)
    second = prepared(item("d1/is", b"temperature", again=True), item("d1", b"20", again=True), window=window)
    assert [batch.heard["talk", "d1"].messages for batch in (first, second)] == [1, 0]


def test_a_gateway_that_nobody_registered_is_proposed_and_does_not_fill_the_quarantine() -> None:
    gateways: set[tuple[str, str]] = set()
    prepared(item("lamp/is", b"power hub"), gateways=gateways)
    assert gateways == {("talk", "hub")}
    for kind in (b"state", b"health", b"availability"):
        batch = prepared(item("hub/is", kind), item("hub", b"1"), gateways=gateways)
        assert batch.batch.quarantined == []
        assert batch.heard["talk", "hub"].messages == (kind != b"availability")
    batch = prepared(item("hub/is", b"temperature"), item("hub", b"20"), gateways=gateways)
    assert [one.reason for one in batch.batch.quarantined] == ["unknown_device"], (
        "a measurement is worth keeping"
    )


def test_what_a_gateway_believes_of_a_stranger_proposes_it_and_does_not_wait() -> None:
    batch = prepared(item("lamp/is", b"availability"), item("lamp", b"0"))
    assert batch.batch.quarantined == []
    assert batch.heard["talk", "lamp"].messages == 0


def test_a_registered_devices_descriptions_cost_nothing_unless_they_last() -> None:
    def uplink(message: Message, _base: str) -> Decoded:
        lasting = message.topic.endswith("/is")
        return Decoded(
            [Reading("talk", "d1", "contact", 1.0)], [], (Description("talk", "d1", "hw"),), lasting
        )

    (route,) = routes([Source("talk", "talk/#")])
    for topic, told in (("d1", 0), ("d1/is", 1)):
        batch = prepare([item(topic, b"1")], [route._replace(decode=uplink)], {("talk", "d1"): 1}, WINDOW)
        assert (len(batch.heard), len(batch.batch.events)) == (told, 1)


def test_a_message_of_several_strangers_is_stored_as_each_is_accepted(
    embedded_database: Database, mosquitto: Mosquitto
) -> None:
    database = embedded_database
    register(database, one_home("climate_sensor", dialect="talk"))
    kinds = [(f"talk/{name}/is", b"temperature") for name in ("d1", "x", "y")]
    with Talking(database, mosquitto.url) as one:
        one.ingestor.step()
        publish(mosquitto.url, [*kinds, ("talk/d1&x&y", b"20")])
        one.work_until(lambda: quarantined(database) == {"unknown_device": 1})
        accepted(database, "talk", "x", device="x")
        one.beat_until(lambda: len(said(database, "x")) == 1)
        assert quarantined(database) == {"unknown_device": 1}
        accepted(database, "talk", "y", device="y")
        one.beat_until(lambda: quarantined(database) == {})
    assert [said(database, device) for device in ("d1", "x", "y")] == [[("temperature", 20.0)]] * 3
    assert_exact(database)


def test_a_message_that_cannot_be_replayed_waits_and_holds_up_nobody(
    embedded_database: Database, mosquitto: Mosquitto
) -> None:
    database = embedded_database
    register(database, one_home("climate_sensor", dialect="talk"))
    unreadable = quarantine.Quarantined("unknown_device", "unknown", "talk", "talk/x", b"?", NOON, ("x",))
    unstorable = unreadable._replace(payload=b"666")
    with db.connect(database.conninfo) as connection:
        quarantine.add(
            connection, [unreadable, unstorable, *(unreadable._replace(payload=b"%d" % n) for n in range(3))]
        )
    with Talking(database, mosquitto.url) as one:
        one.ingestor.step()
        publish(mosquitto.url, [("talk/x/is", b"temperature")])
        one.work_until(lambda: "x" in listed(database))
        accepted(database, "talk", "x", device="x")
        one.beat_until(lambda: len(said(database, "x")) == 3)
    assert quarantined(database) == {"unknown_device": 2}


def test_what_was_under_way_while_a_device_was_accepted_is_stored_too(
    embedded_database: Database, mosquitto: Mosquitto
) -> None:
    """The ingestor looks for new devices once a second: until then messages go to quarantine as before."""
    database = embedded_database
    register(database, one_home("climate_sensor", dialect="talk"))
    with Talking(database, mosquitto.url) as one:
        one.ingestor.step()
        publish(mosquitto.url, [("talk/x/is", b"temperature")])
        one.work_until(lambda: "x" in listed(database))
        accepted(database, "talk", "x", device="x")
        one.ingestor._next_beat = one.ingestor._registry_read = float("inf")
        publish(mosquitto.url, [("talk/x", b"20")])
        one.work_until(lambda: quarantined(database) == {"unknown_device": 1})
        one.beat_until(lambda: said(database, "x") == [("temperature", 20.0)])
    assert quarantined(database) == {}
    assert rows(database, "SELECT asked_at <= now() FROM replays") == [(True,)]
    with db.connect(database.conninfo) as connection:
        connection.execute("UPDATE replays SET asked_at = now() - %s", (timedelta(minutes=3),))
    with Talking(database, mosquitto.url) as one:
        one.beat_until(lambda: rows(database, "SELECT address FROM replays") == [])
