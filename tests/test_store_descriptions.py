"""Messages without which later ones cannot be read are remembered: the newest of each topic, within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from conftest import Database, DatabaseServer

from nyttig.store import db, descriptions
from nyttig.store.db import Session
from nyttig.store.descriptions import Lasting

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def store(database: Database) -> Iterator[Session]:
    with db.connect(database.conninfo) as connection:
        yield connection


@pytest.fixture
def one_store(embedded_server: DatabaseServer) -> Iterator[Session]:
    """For what the kind of server makes no difference to."""
    with embedded_server.fresh_database() as database, db.connect(database.conninfo) as connection:
        yield connection


def remember(
    store: Session, *messages: tuple[str, bytes], at: datetime = NOON, dialect: str = "homie"
) -> dict[str, int]:
    versions = descriptions.remember(
        store, [Lasting(dialect, topic, payload, at) for topic, payload in messages]
    )
    store.commit()
    return versions


def kept(store: Session, known: dict[str, int] | None = None) -> list[tuple[str, bytes]]:
    found, _ = descriptions.changes(store, {"homie"}, known or {})
    return [(one.topic, one.payload) for one in found]


def test_of_each_topic_the_newest_lasting_message_is_kept(store: Session) -> None:
    assert remember(store, ("a", b"1"), ("b", b"1"), ("a", b"2")) == {"homie": 1}
    assert remember(store, ("b", b"3"), at=NOON + timedelta(hours=1)) == {"homie": 2}
    assert remember(store, ("b", b"2"), at=NOON - timedelta(hours=1)) == {}, "another ingestor was faster"
    assert kept(store) == [("a", b"2"), ("b", b"3")]
    assert kept(store, {"homie": 1}) == [("b", b"3")]
    assert kept(store, {"homie": 2}) == []


def test_what_is_said_again_unchanged_is_nothing_new_to_anybody(one_store: Session) -> None:
    remember(one_store, ("a", b"1"))
    for hours in range(30):
        assert remember(one_store, ("a", b"1"), at=NOON + timedelta(hours=hours)) == {}
    ((heard_again,),) = one_store.execute("SELECT received_at FROM lasting").fetchall()
    assert heard_again == NOON + timedelta(hours=29), "so that it is not the first to make room"


def test_an_empty_payload_takes_back_what_was_said_and_others_are_told(store: Session) -> None:
    now = datetime.now(UTC)
    assert remember(store, ("never said", b"")) == {}
    remember(store, ("a", b"1"), ("b", b"1"), at=now)
    assert remember(store, ("a", b""), at=now) == {"homie": 2}
    assert kept(store) == [("b", b"1")]
    assert kept(store, {"homie": 1}) == [("a", b"")]
    store.execute("UPDATE lasting SET received_at = received_at - interval '2 hours'")
    remember(store, ("b", b"2"), at=now)
    assert store.execute("SELECT topic FROM lasting").fetchall() == [("b",)]


def test_lasting_messages_stay_within_their_bounds_and_are_counted(
    one_store: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptions, "TOPICS_MAX", 10)
    monkeypatch.setattr(descriptions, "BYTES_MAX", 1000)
    for n in range(25):
        remember(one_store, (f"topic {n}", b"x"), at=NOON + timedelta(minutes=n))
        ((topics, size),) = one_store.execute("SELECT topics_kept, bytes_kept FROM lasting_totals").fetchall()
        assert topics == size == len(kept(one_store)) <= 10
    assert kept(one_store)[-1] == ("topic 24", b"x")
    remember(one_store, *((f"long {n}", b"x" * 300) for n in range(4)), at=NOON + timedelta(days=1))
    ((size, dropped),) = one_store.execute("SELECT bytes_kept, dropped_total FROM lasting_totals").fetchall()
    assert size == sum(len(payload) for _, payload in kept(one_store)) <= 1000
    assert dropped == 29 - len(kept(one_store))


@pytest.mark.parametrize("topic", ["t" * 1001, "\udcff", "a\0b"])
def test_a_topic_that_no_index_holds_is_counted_and_not_kept(one_store: Session, topic: str) -> None:
    remember(one_store, (topic, b"1"), ("a", b"1"))
    assert kept(one_store) == [("a", b"1")]
    assert one_store.execute("SELECT dropped_total FROM lasting_totals").fetchone() == (1,)
