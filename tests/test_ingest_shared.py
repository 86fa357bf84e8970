"""Several ingestors on one shared subscription: the broker deals the messages out, and each is stored once."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import Database, Mosquitto
from hypothesis import given
from hypothesis import strategies as st
from ingesting import (
    PATIENCE_SECONDS,
    Ingest,
    Sent,
    assert_exact,
    device_of,
    dose,
    outages,
    power,
    publish,
    quarantined,
    register,
    rows,
    stored,
    two_dialects,
    until,
)

from ingest.decode import own_filter, route_of, routes
from nyttig.errors import SettingsError
from nyttig.settings import Settings, Source
from nyttig.store import db, events
from nyttig.store.events import EventRow

PLAIN = "nyttig=wt/v1/#,zigbee2mqtt=zigbee2mqtt/#"
SHARED = "nyttig=$share/nyttig/wt/v1/#,zigbee2mqtt=$share/nyttig/zigbee2mqtt/#"

Makes = Callable[..., Ingest]


@pytest.fixture
def ingest(tmp_path: Path) -> Iterator[Makes]:
    """Makes ingest processes that share their subscription, and kills them in the end."""
    made: list[Ingest] = []

    def make(database: Database, url: str, client_id: str, sources: str = SHARED) -> Ingest:
        environment = database.environment | {"NYTTIG_MQTT_SOURCES": sources}
        made.append(Ingest(environment, url, tmp_path, client_id))
        return made[-1]

    yield make
    for process in made:
        process.kill()


@pytest.mark.parametrize("ingestors", [2, 4])
def test_ingestors_that_share_a_stream_lose_and_double_nothing_while_one_is_killed(
    database: Database, mosquitto: Mosquitto, ingest: Makes, ingestors: int
) -> None:
    """50 devices, half of them without numbers; of the numbered messages one in nine is sent twice."""
    register(database, two_dialects(homes=25))
    running = [ingest(database, mosquitto.url, f"ingest-{n}") for n in range(ingestors)]
    for one in running:
        one.start()
    chance = random.Random(ingestors)
    numbered = [(f"d{n % 25 + 1}", n) for n in range(9_000)]
    nameless = [(f"z{n % 25 + 1}", n) for n in range(10_000)]
    sent = [dose(n, device) for device, n in [*numbered, *chance.sample(numbered, 1_000)]]
    sent += [power(n, device) for device, n in nameless]
    chance.shuffle(sent)
    assert len(sent) == 20_000
    killed = threading.Event()

    def stream() -> Iterator[Sent]:
        yield from sent[:12_000]
        assert killed.wait(PATIENCE_SECONDS)  # so that the stream does not end before
        yield from sent[12_000:]

    sender = threading.Thread(target=publish, args=(mosquitto.url, stream()))
    sender.start()
    until(lambda: stored(database) >= 3_000)
    running[0].kill()
    killed.set()
    time.sleep(0.5)
    running[0].start()
    sender.join()
    until(lambda: stored(database) >= 19_000)
    time.sleep(0.5)
    in_store = rows(
        database,
        "SELECT d.code, coalesce(e.seq, e.value) FROM events e JOIN devices d ON d.id = e.device_id",
    )
    assert Counter(in_store) == Counter([*numbered, *nameless])
    assert quarantined(database) == {}
    shares = rows(database, "SELECT events_total FROM ingestors")
    assert len(shares) == ingestors
    assert min(share for (share,) in shares) > 19_000 / ingestors / 4, shares
    assert not any(text in one.log() for one in running for text in ("the database", "Traceback"))
    assert_exact(database)


def test_what_was_dealt_to_an_ingestor_that_died_waits_for_it(
    embedded_database: Database, mosquitto: Mosquitto, ingest: Makes
) -> None:
    """Mosquitto deals in turn to all sessions, also to those whose client is away."""
    register(embedded_database, two_dialects())
    one, two = (ingest(embedded_database, mosquitto.url, name) for name in ("one", "two"))
    one.start()
    two.start()
    two.kill()
    publish(mosquitto.url, [dose(n) for n in range(100)])
    until(lambda: stored(embedded_database) == 50)
    time.sleep(1.2)
    assert stored(embedded_database) == 50
    two.start()
    until(lambda: stored(embedded_database) == 100)
    until(lambda: outages(embedded_database) == [("ingest", False)])
    assert_exact(embedded_database)


def test_a_shared_subscription_knows_of_wills_and_takes_none_for_a_sign_of_life(
    embedded_database: Database, mosquitto: Mosquitto, ingest: Makes
) -> None:
    """Retained ones too come with Mosquitto 2.0; MQTT v5 (4.8.2) would have it that they do not."""
    register(embedded_database, two_dialects())
    state = ("wt/v1/alna/h1/d1/state", b'{"state":"offline"}')
    publish(mosquitto.url, [state], retain=True)
    ingest(embedded_database, mosquitto.url, "one").start()
    publish(mosquitto.url, [state], retain=True)
    until(lambda: rows(embedded_database, "SELECT count(*) FROM events WHERE type = 'state'") == [(1,)])
    device = device_of(embedded_database, "d1")
    assert (device.last_seen_at, device.connection) == (None, "offline")


def test_ingestors_that_begin_to_share_get_nothing_twice_from_before(
    embedded_database: Database, mosquitto: Mosquitto, ingest: Makes
) -> None:
    """A session keeps its subscriptions, so the one from before must be given up."""
    register(embedded_database, two_dialects())
    alone = ingest(embedded_database, mosquitto.url, "one", PLAIN)
    alone.start()
    assert alone.stop() == 0
    publish(mosquitto.url, [power(1), power(2)])  # kept under the old subscription
    for name in ("one", "two"):
        ingest(embedded_database, mosquitto.url, name).start()
    publish(mosquitto.url, [power(watts) for watts in range(3, 101)])
    until(lambda: stored(embedded_database) >= 100)
    time.sleep(0.5)
    values = rows(embedded_database, "SELECT value FROM events ORDER BY value")
    assert values == [(float(watts),) for watts in range(1, 101)]


def test_ingestors_that_wait_for_each_other_try_again_instead_of_giving_the_database_up(
    embedded_database: Database,
) -> None:
    register(embedded_database, two_dialects())
    now = datetime.now(UTC)
    ours, theirs = (
        EventRow(device, now, now, now, "contact", 1.0, None, "citizen", None, None, "m", False, None, None, None)
        for device in (1, 2)
    )  # fmt: skip
    with db.connect(embedded_database.conninfo) as we, db.connect(embedded_database.conninfo) as they:
        for connection, first in ((we, ours), (they, theirs)):
            events.prepare(connection)
            events.append(connection, [first])
        raced: list[Exception] = []

        def append(connection: db.Session, second: EventRow) -> None:
            try:
                with db.translated():
                    events.append(connection, [second])
            except events.RacedError as error:
                raced.append(error)
                connection.rollback()
            else:
                connection.commit()

        crosswise = threading.Thread(target=append, args=(they, ours))
        crosswise.start()
        append(we, theirs)
        crosswise.join()
    assert len(raced) == 1
    assert stored(embedded_database) == 2
    assert_exact(embedded_database)


def test_a_shared_subscription_routes_as_the_filter_that_it_shares() -> None:
    known = routes(Settings(mqtt_sources=SHARED).sources())
    route, base = route_of("wt/v1/alna/h1/d1/event", known)
    assert (route.dialect, base) == ("nyttig", "wt/v1")
    route, base = route_of("zigbee2mqtt/z1", known)
    assert (route.dialect, base) == ("zigbee2mqtt", "zigbee2mqtt")


@pytest.mark.parametrize("wrong", ["$share", "$share/", "$share/g", "$share/g/", "$share//a/#", "$share/+/a"])
def test_a_shared_subscription_without_group_or_filter_is_refused_with_an_example(wrong: str) -> None:
    with pytest.raises(SettingsError, match=r"for example nyttig=\$share/nyttig/wt/v1/#"):
        routes([Source("nyttig", wrong)])


@given(st.text().filter(lambda text: text.split("/")[0] != "$share"), st.text("abc-", min_size=1))
def test_sharing_changes_nothing_but_the_prefix(plain: str, group: str) -> None:
    assert own_filter(plain) == plain
    if plain:
        assert own_filter(f"$share/{group}/{plain}") == plain
