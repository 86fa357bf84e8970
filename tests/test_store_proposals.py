"""Devices that speak before anybody registered them are proposed, within bounds, and accepted with one press."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conftest import Database, DatabaseServer
from packages import one_home

from nyttig import text
from nyttig.errors import NotFoundError
from nyttig.model import Description
from nyttig.package.technologies import builtin_technologies
from nyttig.proposed import accept, proposed
from nyttig.store import (
    db,
    devices,
    heard,
    history,
    proposals,
    quarantine,
    registry,
    renames,
    replays,
)
from nyttig.store.db import Session
from nyttig.store.heard import Heard, Key

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PLACED = NOON - timedelta(days=30)
Z2M = "zigbee2mqtt"
LIST = "zigbee2mqtt/bridge/devices"
DOOR, WINDOW = "zigbee2mqtt/door", "zigbee2mqtt/window"


@pytest.fixture
def store(database: Database) -> Iterator[Session]:
    with db.connect(database.conninfo) as connection:
        registry.save(connection, one_home("medicine_dispenser"), builtin_technologies(), by="test")
        connection.commit()
        yield connection


@pytest.fixture
def one_store(embedded_server: DatabaseServer) -> Iterator[Session]:
    """For what the kind of server makes no difference to."""
    with embedded_server.fresh_database() as database, db.connect(database.conninfo) as connection:
        registry.save(connection, one_home("medicine_dispenser"), builtin_technologies(), by="test")
        connection.commit()
        yield connection


def speak(
    store: Session,
    address: str = DOOR,
    *at: datetime,
    says: str = "contact",
    dialect: str = Z2M,
    **health: Any,
) -> None:
    """One batch in which the address speaks at these times."""
    times = at or (NOON,)
    one = Heard(times[0], times[-1])
    for moment in times:
        one.spoke(moment)
        one.said(says, health or None)
    heard.hear(store, {(dialect, address): one})
    store.commit()


def describe(
    store: Session,
    *described: tuple[str, str | None],
    topic: str = LIST,
    at: datetime = NOON,
    gone: bool = False,
) -> None:
    """A lasting message tells that these addresses are pieces of hardware."""
    told: dict[Key, Heard] = {}
    for address, hardware_id in described:
        one = told[Z2M, address] = Heard(at, at)
        one.described(
            Description(
                Z2M, address, hardware_id, "Aqara", "MCCGQ11LM", power="battery", says=("contact",), gone=gone
            ),
            topic,
            at,
        )
    heard.hear(store, told)
    store.commit()


def addresses(store: Session, **options: Any) -> list[str]:
    return [one.address for one in proposals.listed(store, **options)]


def only(store: Session) -> proposals.Proposal:
    (one,) = proposals.listed(store)
    return one


def address_of(store: Session, device: str) -> str:
    return devices.one(store, device).address


def test_what_speaks_and_is_not_registered_is_proposed_with_what_it_says(store: Session) -> None:
    speak(store, DOOR, NOON, NOON + timedelta(minutes=5), battery_pct=97.0, link_quality=80)
    speak(store, DOOR, NOON + timedelta(minutes=9), says="temperature", battery_pct=96.0)
    one = only(store)
    assert (one.address, one.says, one.messages_total) == (DOOR, ("contact", "temperature"), 3)
    assert (one.first_seen_at, one.last_heard_at) == (NOON, NOON + timedelta(minutes=9))
    assert (one.battery_pct, one.link_quality, one.rssi_dbm) == (96.0, 80.0, None), "each as last said"


def test_a_registered_device_is_no_proposal_however_it_came_into_the_registry(one_store: Session) -> None:
    speak(one_store, "d1", dialect="nyttig")
    assert addresses(one_store) == []
    with pytest.raises(NotFoundError, match="registered already"):
        proposals.dismiss(one_store, "nyttig", "d1", by="test")


def test_how_often_it_speaks_is_known_after_some_messages_whatever_batches_they_came_in(
    store: Session,
) -> None:
    times = [NOON + timedelta(minutes=10 * n) for n in range(8)]
    for n in range(0, 8, 2):
        speak(store, DOOR, *times[n : n + 2])
    assert only(store).interval_minutes is None, "seven gaps say too little"
    speak(store, DOOR, times[-1] + timedelta(minutes=10))
    assert only(store).interval_minutes == pytest.approx(10)
    # Hours of use do not hide how long it is silent between its signs of life.
    busy = times[-1] + timedelta(minutes=10)
    speak(store, DOOR, *(busy + timedelta(seconds=20 * n) for n in range(1, 28)))
    one = only(store)
    assert one.interval_minutes == pytest.approx(1 / 3)
    assert one.heartbeat_minutes == 10


def test_values_told_one_by_one_are_one_utterance(one_store: Session) -> None:
    for n in range(12):
        at = NOON + timedelta(minutes=5 * n)
        speak(one_store, DOOR, *(at + timedelta(milliseconds=20 * value) for value in range(6)))
    assert only(one_store).interval_minutes == pytest.approx(5, abs=0.01)


def test_a_description_alone_proposes_and_tells_make_and_model(one_store: Session) -> None:
    describe(one_store, (DOOR, "0x00158d0004b5c2f1"))
    one = only(one_store)
    assert (one.make, one.model, one.power, one.says) == ("Aqara", "MCCGQ11LM", "battery", ("contact",))
    assert (one.messages_total, one.last_heard_at) == (0, None)
    assert addresses(one_store, heard_since=NOON - timedelta(days=1)) == [], "it was never heard"
    speak(one_store, DOOR)
    assert addresses(one_store, heard_since=NOON) == [DOOR]
    assert only(one_store).make == "Aqara", "what speaks later takes nothing away"


def test_what_is_gone_is_proposed_no_more_unless_somebody_touched_it(store: Session) -> None:
    describe(store, (DOOR, "0x01"), (WINDOW, "0x02"))
    proposals.dismiss(store, Z2M, WINDOW, by="test")
    describe(store, (DOOR, None), (WINDOW, None), ("zigbee2mqtt/never", None), gone=True)
    assert addresses(store, status=None) == [WINDOW]


def test_a_dismissed_proposal_stays_away_until_it_is_restored(one_store: Session) -> None:
    speak(one_store)
    proposals.dismiss(one_store, Z2M, DOOR, by="kari")
    speak(one_store)
    assert addresses(one_store) == []
    assert addresses(one_store, status="dismissed") == [DOOR]
    proposals.restore(one_store, Z2M, DOOR, by="kari")
    proposals.restore(one_store, Z2M, DOOR, by="kari")
    assert only(one_store).messages_total == 2
    told = [
        (one.action, one.changed_by) for one in history.entries(one_store) if one.subject_kind == "proposal"
    ]
    assert told == [("restored", "kari"), ("dismissed", "kari")]


def test_neighbours_cannot_fill_the_disk_and_the_least_heard_make_room(
    one_store: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heard, "ADDRESSES_MAX", 20)
    for _ in range(3):
        speak(one_store, "wanted")
    speak(one_store, "unwanted")
    proposals.dismiss(one_store, Z2M, "unwanted", by="test")
    speak(one_store, "of another dialect", dialect="shelly")
    for n in range(100):
        speak(one_store, f"neighbour {n}", NOON + timedelta(minutes=n))
        assert len(addresses(one_store, dialect=Z2M, status=None)) <= 20
    kept = addresses(one_store, status=None)
    assert {"wanted", "unwanted", "neighbour 99", "of another dialect"} <= set(kept)
    assert proposals.dropped(one_store) == {Z2M: 103 - len(kept)}


@pytest.mark.parametrize("address", ["", "a\0b", "\udcff", "x" * 401])
def test_what_cannot_stand_in_the_registry_is_not_proposed_and_breaks_nothing(
    one_store: Session, address: str
) -> None:
    speak(one_store, address, battery_pct=float("nan"), rssi_dbm=1e300, battery_v=3.0)
    speak(one_store, DOOR, battery_pct=float("nan"), rssi_dbm=1e300, battery_v=3.0, fw="\0")
    one = only(one_store)
    assert (one.address, one.battery_pct, one.battery_v, one.rssi_dbm) == (DOOR, None, 3.0, None)


def test_texts_of_strangers_are_cut_and_cleaned(one_store: Session) -> None:
    one = Heard(NOON, NOON)
    one.described(
        Description(Z2M, DOOR, "\0", "a\0b", "\udcff" * 200, says=("x" * 500,) * 100), "t\udcff", NOON
    )
    heard.hear(one_store, {(Z2M, DOOR): one})
    kept = only(one_store)
    assert (kept.hardware_id, kept.make, kept.model, len(kept.says)) == (None, "ab", "?" * 128, 1)


# Accepting


def test_accepting_needs_nothing_but_the_press(store: Session) -> None:
    describe(store, (DOOR, "0x00158d0004b5c2f1"))
    speak(store, DOOR, *(NOON + timedelta(minutes=50 * n) for n in range(10)))
    made = accept(store, Z2M, DOOR, by="kari")
    store.commit()
    assert (made.device, made.technology) == ("aqara-mccgq11lm-b5c2f1", "door_sensor")
    assert (made.heartbeat_minutes, made.power, made.site) == (50, "battery", None)
    assert addresses(store) == []
    known = devices.one(store, made.device)
    assert (known.dialect, known.address, known.hardware_id) == (Z2M, DOOR, "0x00158d0004b5c2f1")
    assert [(one.action, one.changed_by) for one in history.entries(store, device=made.device)] == [
        ("registered", "kari")
    ]


def test_an_accepted_device_stands_where_and_in_which_trial_it_was_said(one_store: Session) -> None:
    speak(one_store)
    made = accept(
        one_store, Z2M, DOOR, by="kari", device="door-1", technology="motion_sensor", heartbeat_minutes=20,
        site="h1", placed_at=PLACED, trial="trial",
    )  # fmt: skip
    one_store.commit()
    known = devices.one(one_store, "door-1")
    assert (known.technology, known.heartbeat_minutes, known.home, known.placed_at, known.roles) == (
        "motion_sensor", 20, "h1", PLACED, {"trial": "secondary"},
    )  # fmt: skip
    assert made.placed_at == PLACED


def test_two_of_a_kind_get_two_codes(one_store: Session) -> None:
    codes = []
    for gateway in ("a", "b"):
        speak(one_store, f"{gateway}/0x00158d0004b5c2f1")
        codes.append(accept(one_store, Z2M, f"{gateway}/0x00158d0004b5c2f1", by="test").device)
    assert codes == ["door-sensor-b5c2f1", "door-sensor-b5c2f1-2"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"address": "zigbee2mqtt/nobody"}, "nyttig devices --proposed"),
        ({"technology": "sundial"}, "'sundial'"),
        ({"site": "h9"}, "'h9'"),
        ({"trial": "none"}, "'none'"),
    ],
)
def test_what_cannot_be_accepted_is_refused_with_the_value_and_nothing_has_changed(
    one_store: Session, wrong: dict[str, Any], said: str
) -> None:
    speak(one_store)
    with pytest.raises(NotFoundError, match=said):
        accept(one_store, Z2M, **{"address": DOOR, "by": "test", **wrong})
    one_store.rollback()
    assert addresses(one_store) == [DOOR]


def test_what_says_nothing_we_know_needs_a_technology_to_be_named(one_store: Session) -> None:
    speak(one_store, says="moon_phase")
    with pytest.raises(NotFoundError, match="door_sensor"):
        accept(one_store, Z2M, DOOR, by="test")


def test_an_address_that_is_accepted_twice_belongs_to_the_first(one_store: Session) -> None:
    speak(one_store)
    accept(one_store, Z2M, DOOR, by="test")
    with pytest.raises(NotFoundError, match="registered already"):
        accept(one_store, Z2M, DOOR, by="test")


def test_accepting_asks_for_what_waits_in_quarantine_and_for_nothing_else(store: Session) -> None:
    def set_aside(topic: str, *whose: str) -> quarantine.Quarantined:
        return quarantine.Quarantined("unknown_device", "unknown", Z2M, topic, b"{}", NOON, whose)

    quarantine.add(
        store, [set_aside(DOOR, DOOR), set_aside("both", WINDOW, DOOR), set_aside(WINDOW, WINDOW)] * 2
    )
    speak(store)
    assert accept(store, Z2M, DOOR, by="test").messages_waiting == 4
    taken = replays.take(store, {Z2M}, without=(), limit=10)
    assert [one.topic for one in taken] == [DOOR, "both"]
    assert replays.take(store, {"shelly"}, without=(), limit=10) == []
    assert replays.take(store, {Z2M}, without=[taken[0].id], limit=10) == taken[1:]


def test_a_gateway_is_known_by_those_who_speak_through_it(one_store: Session) -> None:
    one = Heard(NOON, NOON)
    one.described(Description(Z2M, DOOR, gateway="zigbee2mqtt/bridge"), LIST, NOON)
    heard.hear(one_store, {(Z2M, DOOR): one})
    speak(one_store, "zigbee2mqtt/bridge", says="health")
    shown = proposed(one_store, NOON).proposals
    assert {one.address: one.suggested_technology for one in shown} == {
        "zigbee2mqtt/bridge": "gateway", DOOR: None,
    }  # fmt: skip
    assert accept(one_store, Z2M, "zigbee2mqtt/bridge", by="test").technology == "gateway"


def test_the_list_is_told_in_words(one_store: Session) -> None:
    assert "everything that speaks is registered" in text.proposals(proposed(one_store, NOON), NOON)
    describe(one_store, (DOOR, "0x01"))
    speak(one_store, DOOR, NOON - timedelta(minutes=5), battery_pct=88.0)
    (line,) = text.proposals(proposed(one_store, NOON), NOON).splitlines()
    for said in ("door_sensor", DOOR, "Aqara MCCGQ11LM", "1 message,", "5 min ago", "battery 88 %"):
        assert said in line


# Renames


def registered(store: Session, device: str, address: str, hardware_id: str | None = None) -> None:
    speak(store, address)
    accept(store, Z2M, address, by="test", device=device, technology="door_sensor")
    store.execute("UPDATE devices SET hardware_id = %s WHERE code = %s", (hardware_id, device))
    store.commit()


def test_a_device_that_its_gateway_renames_keeps_its_series_under_the_new_address(store: Session) -> None:
    registered(store, "door-1", DOOR)
    describe(store, (DOOR, "0x01"))
    assert renames.follow(store) == []
    describe(store, ("zigbee2mqtt/front door", "0x01"), at=NOON + timedelta(hours=1))
    assert renames.follow(store) == [("door-1", Z2M, DOOR, "zigbee2mqtt/front door")]
    store.commit()
    assert renames.follow(store) == []
    assert address_of(store, "door-1") == "zigbee2mqtt/front door"
    assert addresses(store, status=None) == []
    renamed, described, *_ = history.entries(store, device="door-1")
    assert (renamed.action, renamed.changed_by) == ("renamed", "gateway")
    assert (renamed.before, renamed.after) == ({"address": DOOR}, {"address": "zigbee2mqtt/front door"})
    assert (described.action, described.after) == ("described", {"hardware_id": "0x01"})
    assert replays.asked(store, {Z2M})


def test_two_devices_that_change_names_change_addresses(store: Session) -> None:
    registered(store, "a", DOOR)
    registered(store, "b", WINDOW)
    describe(store, (DOOR, "0x01"), (WINDOW, "0x02"))
    renames.follow(store)
    describe(store, (DOOR, "0x02"), (WINDOW, "0x01"), at=NOON + timedelta(hours=1))
    assert {one.device for one in renames.follow(store)} == {"a", "b"}
    assert (address_of(store, "a"), address_of(store, "b")) == (WINDOW, DOOR)


def test_one_piece_of_hardware_told_under_two_addresses_by_two_topics_is_no_rename(
    one_store: Session,
) -> None:
    registered(one_store, "door-1", DOOR)
    for hour in range(3):
        describe(one_store, (DOOR, "0x01"), topic="one gateway", at=NOON + timedelta(hours=hour))
        describe(one_store, (WINDOW, "0x01"), topic="another", at=NOON + timedelta(hours=hour, minutes=1))
        assert renames.follow(one_store) == []
    describe(one_store, (DOOR, "0x01"), (WINDOW, "0x01"), at=NOON + timedelta(days=1))
    assert renames.follow(one_store) == [], "both at once are both there"


def test_a_name_that_another_device_keeps_is_not_taken(one_store: Session) -> None:
    registered(one_store, "door-1", DOOR, "0x01")
    registered(one_store, "window-1", WINDOW, "0x02")
    describe(one_store, (DOOR, "0x01"))
    describe(one_store, (WINDOW, "0x01"), at=NOON + timedelta(hours=1))
    assert renames.follow(one_store) == []


def test_a_proposal_that_is_renamed_remains_one_proposal(one_store: Session) -> None:
    describe(one_store, (DOOR, "0x01"))
    speak(one_store)
    proposals.dismiss(one_store, Z2M, DOOR, by="test")
    describe(one_store, (WINDOW, "0x01"), at=NOON + timedelta(hours=1))
    assert renames.follow(one_store) == []
    (one,) = proposals.listed(one_store, status=None)
    assert (one.address, one.messages_total, one.status) == (WINDOW, 1, "dismissed")
