"""Quarantine keeps what could not be stored, within bounds, and counts all of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest
from conftest import Database
from ingesting import assert_exact, dose, register, stored, two_dialects
from packages import one_home

from ingest.batch import prepare
from ingest.decode import routes
from ingest.mqtt import Arrived
from ingest.redelivery import RedeliveryWindow
from ingest.replay import replay_quarantine
from nyttig import text
from nyttig.cli import main
from nyttig.errors import NotFoundError
from nyttig.model import Message
from nyttig.settings import Settings
from nyttig.store import db, events, quarantine, registry
from nyttig.store.quarantine import Bound, Quarantined

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def poison(
    number: int,
    reason: str = "malformed",
    *,
    device: str = "d1",
    payload: bytes | None = None,
    dialect: str | None = "nyttig",
) -> Quarantined:
    """A message like no other, a second after the one before it."""
    return Quarantined(
        reason,
        f"nobody can read {number}",
        dialect,
        f"wt/v1/alna/h1/{device}/event",
        b"{%d" % number if payload is None else payload,
        NOON + timedelta(seconds=number),
    )


@pytest.fixture
def connection(database: Database) -> Iterator[db.Session]:
    with db.connect(database.conninfo) as opened:
        yield opened


def in_order(connection: db.Session) -> None:
    """What the counts say is what is there, and everything adds up."""
    counted = connection.execute(
        "SELECT reason, nullif(dialect, ''), kinds_kept, bytes_kept FROM quarantine_totals ORDER BY 1, 2"
    ).fetchall()
    there = connection.execute(
        "SELECT reason, dialect, count(*), sum(length(payload) + octet_length(topic) + octet_length(detail))::bigint"
        " FROM quarantine GROUP BY 1, 2 ORDER BY 1, 2"
    ).fetchall()
    assert [row for row in counted if row[2]] == there
    for total in quarantine.totals(connection):
        assert total.replayed_total >= 0
        assert total.messages_total == total.waiting_total + total.replayed_total + total.dropped_total
    for reason, _, kinds, size in counted:
        bound = quarantine.BOUNDS.get(reason, quarantine.BOUND)
        assert kinds <= bound.kinds
        assert size <= bound.bytes


def test_ten_thousand_different_poisons_stay_within_the_bound_and_are_all_counted(
    connection: db.Session,
) -> None:
    for batch in range(20):
        messages = [poison(number) for number in range(500 * batch, 500 * (batch + 1))]
        assert quarantine.add(connection, messages) == 500
        connection.commit()
        in_order(connection)
    (total,) = quarantine.totals(connection)
    assert total.messages_total == 10_000
    assert total.waiting_total + total.dropped_total == 10_000
    assert 4_500 <= total.waiting_total <= 5_000
    newest = quarantine.waiting(connection, limit=1)[0]
    assert newest.payload == b"{9999"  # the oldest made room
    (group,) = quarantine.groups(connection)
    assert (group.messages_total, group.dropped_total) == (total.waiting_total, total.dropped_total)


def test_large_poison_is_bounded_by_its_bytes(
    connection: db.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "BOUND", Bound(5_000, 1_000_000))
    messages = [
        poison(number, "oversized", payload=b"%4d" % number + b"x" * 200_000) for number in range(120)
    ]
    quarantine.add(connection, messages)
    in_order(connection)
    (total,) = quarantine.totals(connection)
    assert (total.messages_total, total.waiting_total) == (
        120,
        13,
    )  # 64 KiB of each are kept, and 0.9 MB of all


def test_what_repeats_is_one_kind_and_stays_while_others_make_room(
    connection: db.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "BOUND", Bound(10, 1_000_000))
    repeated = poison(0)
    for number in range(1, 40):
        later = repeated._replace(received_at=NOON + timedelta(seconds=number))
        quarantine.add(connection, [poison(number), later, later])
    in_order(connection)
    (same,) = [one for one in quarantine.waiting(connection) if one.payload == b"{0"]
    assert same.messages_total == 78
    assert same.last_received_at - same.first_received_at == timedelta(seconds=38)


def test_poison_of_one_reason_takes_no_room_from_another(
    connection: db.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "BOUND", Bound(10, 1_000_000))
    quarantine.add(
        connection, [poison(number, "unknown_device", device=f"d{number}") for number in range(50)]
    )
    quarantine.add(connection, [poison(1, dialect="zigbee2mqtt"), poison(2, "unknown_topic", dialect=None)])
    quarantine.add(connection, [poison(number) for number in range(100, 200)])
    in_order(connection)
    kept = {(one.reason, one.dialect): one.kinds_total for one in quarantine.groups(connection)}
    assert kept == {
        ("unknown_device", "nyttig"): 50,
        ("malformed", "nyttig"): 9,
        ("malformed", "zigbee2mqtt"): 1,
        ("unknown_topic", None): 1,
    }


def test_what_was_replayed_makes_room_first_and_is_not_called_dropped(
    connection: db.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "BOUND", Bound(10, 1_000_000))
    quarantine.add(connection, [poison(number) for number in range(10)])
    for kind in quarantine.waiting(connection)[:5]:  # the latest five
        quarantine.mark_replayed(connection, kind.id)
    quarantine.add(connection, [poison(10), poison(11)])
    in_order(connection)
    (total,) = quarantine.totals(connection)
    assert (total.waiting_total, total.replayed_total, total.dropped_total) == (7, 5, 0)


def test_a_replayed_message_that_comes_again_waits_anew_with_its_new_time(connection: db.Session) -> None:
    quarantine.add(connection, [poison(1)] * 3)
    quarantine.mark_replayed(connection, quarantine.waiting(connection)[0].id)
    again = poison(1)._replace(received_at=NOON + timedelta(days=1))
    quarantine.add(connection, [again])
    (kept,) = quarantine.waiting(connection)
    assert (kept.messages_total, kept.first_received_at) == (1, NOON + timedelta(days=1))
    (total,) = quarantine.totals(connection)
    assert (total.messages_total, total.waiting_total, total.replayed_total) == (4, 1, 3)
    in_order(connection)


def test_a_batch_rolled_back_leaves_no_count(connection: db.Session) -> None:
    quarantine.add(connection, [poison(1)])
    connection.commit()
    quarantine.add(connection, [poison(2)])
    connection.rollback()
    in_order(connection)
    assert quarantine.totals(connection)[0].messages_total == 1


def test_two_ingestors_flooded_at_once_keep_one_bound_and_wait_for_each_other(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "BOUND", Bound(50, 1_000_000))
    failed = []

    def flood(reasons: list[str]) -> None:
        try:
            with db.connect(database.conninfo) as connection:
                for start in range(0, 300, 10):
                    messages = [
                        poison(number, reason) for number in range(start, start + 10) for reason in reasons
                    ]
                    quarantine.add(connection, messages)
                    connection.commit()
        except Exception as error:  # noqa: BLE001  # told below, in the test's own thread
            failed.append(error)

    ways = [["malformed", "bad_time"], ["bad_time", "malformed"]]
    threads = [threading.Thread(target=flood, args=(way,)) for way in ways]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []
    with db.connect(database.conninfo) as connection:
        in_order(connection)
        assert [total.messages_total for total in quarantine.totals(connection)] == [600, 600]


def test_ingest_goes_on_through_poison_and_replay_still_stores_what_the_registry_then_knows(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "BOUND", Bound(100, 1_000_000))
    register(database, one_home("medicine_dispenser"))
    settings = Settings()
    sources = routes(settings.sources())
    with db.connect(database.conninfo) as connection:
        events.prepare(connection)
        known = {(one.dialect, one.address): one.id for one in registry.known_devices(connection)}
        for batch in range(10):
            sent = [
                *((f"wt/v1/alna/h1/d1/{n}", b"{%d" % n) for n in range(batch * 50, batch * 50 + 50)),
                *(("wt/v1/alna/h1/d1/event", b"{%d" % n) for n in range(batch * 50, batch * 50 + 50)),
                dose(batch, "d1"),
                dose(batch, "d2"),
            ]
            arrived = [
                Arrived(Message(topic, payload, False, False, datetime.now(UTC)), place + 1, 1)
                for place, (topic, payload) in enumerate(sent)
            ]
            made = prepare(arrived, sources, known, RedeliveryWindow(1_000)).batch
            events.append(connection, made.events)
            assert quarantine.add(connection, made.quarantined) == 101
            connection.commit()
        in_order(connection)
    assert stored(database) == 10
    register(database, two_dialects(homes=2))
    assert replay_quarantine(settings, reason="unknown_device", conninfo=database.conninfo) == (10, 0)
    assert replay_quarantine(settings, reason="unknown_device", conninfo=database.conninfo) == (0, 0)
    assert stored(database) == 20
    assert_exact(database)
    with db.connect(database.conninfo) as connection:
        in_order(connection)
        totals = {total.reason: total for total in quarantine.totals(connection)}
    assert totals["unknown_device"].replayed_total == 10
    assert (
        sum(total.messages_total for total in totals.values()) + 10 == 10 * 102
    )  # sent = stored + quarantined


def test_quarantine_is_grouped_by_reason_and_topic_the_busiest_first(connection: db.Session) -> None:
    quarantine.add(connection, [poison(number, "unknown_device", device="d1") for number in range(3)])
    quarantine.add(connection, [poison(1, "unknown_device", device="d2")] * 7)
    quarantine.add(connection, [poison(1, "unknown_device", device=f"e{number}") for number in range(30)])
    (group,) = quarantine.groups(connection)
    assert (group.messages_total, group.kinds_total, group.topics_total) == (40, 34, 32)
    assert len(group.topics) == quarantine.TOPICS_SHOWN
    assert [(one.topic.split("/")[4], one.messages_total, one.kinds_total) for one in group.topics[:2]] == [
        ("d2", 7, 1),
        ("d1", 3, 3),
    ]
    assert "and 12 more topics" in text.quarantine([group], [])


def test_one_kind_is_shown_whole_as_text_or_in_hex_and_cannot_touch_the_terminal(
    connection: db.Session,
) -> None:
    quarantine.add(connection, [poison(1, payload='{"note": "bløt \x1b[2J"'.encode())])
    quarantine.add(connection, [poison(2, payload=b"\xff\x00" + b"x" * 40)])
    binary, readable = quarantine.waiting(connection)
    assert '{"note": "bløt \\x1b[2J"' in text.quarantined(readable)
    assert "\x1b" not in text.quarantined(readable) + text.quarantine([], [readable])
    assert "ff 00 78 78" in text.quarantined(binary)
    assert "42 bytes\n" in text.quarantined(binary)
    assert quarantine.read(connection, readable.id) == readable
    with pytest.raises(NotFoundError, match="has the number 999"):
        quarantine.read(connection, 999)


def test_the_command_lists_by_topic_and_shows_one_by_its_number(
    embedded_database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in embedded_database.environment.items():
        monkeypatch.setenv(name, value)
    with db.connect(embedded_database.conninfo) as connection:
        quarantine.add(connection, [poison(1), poison(2, payload=b"\xff")])
        connection.commit()
        binary, readable = quarantine.waiting(connection)
    assert main(["quarantine"]) == 0
    listed = capsys.readouterr().out
    assert "2 malformed (nyttig)\n           2 wt/v1/alna/h1/d1/event" in listed
    assert f"#{readable.id} 1 × malformed" in listed
    assert main(["quarantine", "--show", str(readable.id)]) == 0
    assert capsys.readouterr().out.endswith("payload  2 bytes\n{1\n")
    assert main(["quarantine", "--show", str(binary.id), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["payload_hex"] == "ff"
    assert main(["quarantine", "--show", "999"]) == 1
    assert "has the number 999" in capsys.readouterr().err


def test_odd_topics_and_endless_details_can_be_kept(connection: db.Session) -> None:
    odd = poison(1)._replace(topic="wt/\udcff/\0/" + "x" * 60_000, detail="\ud800\0" + "y" * 100_000)
    quarantine.add(connection, [odd, odd])
    (kept,) = quarantine.waiting(connection)
    assert kept.messages_total == 2
    assert len(kept.detail) == quarantine.DETAIL_CHARACTERS_KEPT
    in_order(connection)


def test_what_stood_in_quarantine_before_the_bounds_came_is_counted(embedded_database: Database) -> None:
    with db.connect(embedded_database.conninfo) as connection:
        quarantine.add(connection, [poison(1), poison(1), poison(2, "unknown_topic", dialect=None)])
        connection.execute("DROP TABLE quarantine_totals")
        connection.execute("ALTER TABLE quarantine DROP COLUMN bytes_kept")
        connection.execute(files("nyttig.store").joinpath("schema", "0005_quarantine.sql").read_bytes())
        in_order(connection)
        assert [total.messages_total for total in quarantine.totals(connection)] == [2, 1]
