"""A device is in one place at a time: placed, moved, removed, swapped and retired, each with its moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from conftest import Database, DatabaseServer
from packages import PLACED_AT, one_home

from nyttig.device_health import device_health
from nyttig.errors import ClashError, NotFoundError
from nyttig.model import Device, Placement
from nyttig.package.technologies import builtin_technologies
from nyttig.report import report
from nyttig.store import db, devices, events, history, placements, registry, rollups
from nyttig.store.db import Session
from nyttig.store.events import EventRow

TECHNOLOGY = "medicine_dispenser"
KNOWN = builtin_technologies()


def day(number: int, hour: int = 10) -> datetime:
    """A moment in September 2026."""
    return datetime(2026, 9, number, hour, tzinfo=UTC)


def spare(code: str = "spare", technology: str = TECHNOLOGY, **other: Any) -> Device:
    return Device(code, technology, "nyttig", code, 60.0, "mains", "primary", **other)


def saved(database: Database) -> Session:
    """Two homes with a dispenser each, and a spare one that stands nowhere."""
    connection = db.connect(database.conninfo)
    registry.save(connection, one_home(TECHNOLOGY, homes=2), KNOWN)
    devices.register(connection, spare(), KNOWN, by="ida")
    connection.commit()
    return connection


@pytest.fixture
def connection(database: Database) -> Iterator[Session]:
    with saved(database) as session:
        yield session


@pytest.fixture(scope="module")
def crowd(embedded_server: DatabaseServer) -> Iterator[Session]:
    """More devices: one never placed, one of another technology, one retired, one removed; and the spare one placed."""
    with embedded_server.fresh_database() as fresh, saved(fresh) as session:
        for code in ("never", "stove", "broken", "gone"):
            technology = "stove_guard" if code == "stove" else TECHNOLOGY
            devices.register(session, spare(code, technology), KNOWN, by="ida")
        devices.retire(session, "broken", "broken", day(5), by="ida")
        placements.place(session, "spare", "h1", day(6), removed_at=day(10), by="ida")
        placements.place(session, "spare", "h2", day(20), by="ida")
        placements.place(session, "gone", "h1", day(1), removed_at=day(2), by="ida")
        session.commit()
        yield session


@pytest.fixture
def crowded(crowd: Session) -> Iterator[Session]:
    yield crowd
    crowd.rollback()


def health_list(connection: Session) -> list[str]:
    return sorted(each.device for each in device_health(connection, datetime.now(UTC)).devices)


def spans(connection: Session, device: str) -> list[tuple[str, datetime, datetime | None]]:
    return [(each.home, each.placed_at, each.removed_at) for each in placements.of_device(connection, device)]


def test_a_device_that_is_placed_moved_and_removed_has_stood_where_it_stood(connection: Session) -> None:
    placements.place(connection, "spare", "h1", day(3), by="ida")
    assert placements.move(connection, "spare", "h2", day(5), by="ida") == "h1"
    assert placements.remove(connection, "spare", day(9), by="ida") == "h2"
    placements.place(connection, "spare", "h2", day(12), by="ida")
    placements.place(connection, "spare", "h1", day(1), removed_at=day(2), by="ida")
    assert spans(connection, "spare") == [
        ("h1", day(1), day(2)),
        ("h1", day(3), day(5)),
        ("h2", day(5), day(9)),
        ("h2", day(12), None),
    ]


@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        (lambda c: placements.place(c, "d1", "h2", day(4), by="ida"), "stands at h1 since 2026-08-31 22:00 UTC; move it"),
        (lambda c: placements.place(c, "spare", "h2", day(12), by="ida"), "stands at h2 since 2026-09-20 10:00 UTC; say until"),
        (
            lambda c: placements.place(c, "spare", "h2", day(7), removed_at=day(8), by="ida"),
            "stands at h1 from 2026-09-06 10:00 UTC to 2026-09-10 10:00 UTC; correct the time",
        ),
        (lambda c: placements.place(c, "spare", "h2", day(3), removed_at=day(3), by="ida"), "is not after"),
        (lambda c: placements.move(c, "spare", "h2", day(21), by="ida"), "stands at h2 already, since"),
        (lambda c: placements.move(c, "spare", "h1", day(20), by="ida"), "is not after that"),
        (lambda c: placements.remove(c, "d1", day(1) - timedelta(days=9), by="ida"), "is not after that"),
        (lambda c: placements.remove(c, "never", day(3), by="ida"), "was never placed"),
        (lambda c: placements.move(c, "gone", "h1", day(3), by="ida"), "stands nowhere: it stood at h1 from"),
        (lambda c: placements.swap(c, "d1", "spare", day(10), by="ida"), "'spare' stands at h2 since"),
        (lambda c: placements.swap(c, "d1", "d1", day(10), by="ida"), "for itself"),
        (lambda c: placements.swap(c, "d1", "stove", day(10), by="ida"), "is a stove_guard and 'd1' a medicine_dispenser"),
        (lambda c: placements.swap(c, "never", "d1", day(10), by="ida"), "was never placed"),
        (lambda c: placements.place(c, "broken", "h1", day(3), by="ida"), "is retired since 2026-09-05 10:00 UTC (broken)"),
        (lambda c: placements.swap(c, "d1", "broken", day(10), by="ida"), "is retired since"),
        (lambda c: devices.retire(c, "broken", "lost", day(6), by="ida"), "is retired since"),
        (lambda c: devices.retire(c, "d1", "lost", datetime.now(UTC) + timedelta(days=1), by="ida"), "lies ahead"),
        (lambda c: devices.retire(c, "spare", "lost", day(8), by="ida"), "was placed at h2 at 2026-09-20 10:00 UTC"),
        (lambda c: devices.unretire(c, "d1", by="ida"), "is not retired"),
        (lambda c: placements.correct(c, "gone", day(3), None, by="ida"), "there are: 2026-09-01T10:00:00+00:00 at h1"),
        (lambda c: placements.correct(c, "never", day(3), None, by="ida"), "there are: none"),
        (
            lambda c: placements.correct(c, "spare", day(20), Placement("spare", "h1", day(9)), by="ida"),
            "stands at h1 from 2026-09-06 10:00 UTC to 2026-09-10 10:00 UTC",
        ),
        (lambda c: devices.register(c, spare("d1"), KNOWN, by="ida"), "there is a device 'd1' already (nyttig address 'd1')"),
        (lambda c: devices.register(c, spare("d 1"), KNOWN, by="ida"), "'d 1' is no code"),
        (
            lambda c: devices.register(c, Device("x", TECHNOLOGY, "nyttig", "broken", 60, "mains", "primary"), KNOWN, by="ida"),
            "address 'broken' is that of 'broken', retired since",
        ),
        (
            lambda c: devices.register(c, spare("s2", "stove_guard"), KNOWN, by="ida", trial_id="trial"),
            "make its role secondary",
        ),
    ],
)  # fmt: skip
def test_what_clashes_is_refused_and_the_clash_is_named(
    crowded: Session, attempt: Callable[[Session], object], said: str
) -> None:
    there = len(history.entries(crowded))
    with pytest.raises(ClashError) as raised:
        attempt(crowded)
    assert said in str(raised.value)
    assert len(history.entries(crowded)) == there


@pytest.mark.parametrize(
    "attempt",
    [
        lambda c: placements.place(c, "none", "h1", day(3), by="ida"),
        lambda c: placements.place(c, "spare", "none", day(3), by="ida"),
        lambda c: placements.remove(c, "none", day(3), by="ida"),
        lambda c: placements.swap(c, "d1", "none", day(3), by="ida"),
        lambda c: devices.retire(c, "none", "lost", day(3), by="ida"),
        lambda c: devices.register(c, spare("x", "none"), KNOWN, by="ida"),
        lambda c: devices.register(c, spare("x"), KNOWN, by="ida", trial_id="none"),
    ],
)
def test_a_device_home_technology_or_trial_that_is_not_there_is_named(
    crowded: Session, attempt: Callable[[Session], object]
) -> None:
    with pytest.raises(NotFoundError, match="'none'"):
        attempt(crowded)


def test_a_placement_that_was_put_down_wrongly_is_corrected_and_the_history_keeps_it(
    connection: Session,
) -> None:
    placements.place(connection, "spare", "h1", day(3), by="ida")
    placements.correct(connection, "spare", day(3), Placement("spare", "h2", day(2), day(4)), by="ida")
    assert spans(connection, "spare") == [("h2", day(2), day(4))]
    entry = history.entries(connection, device="spare")[0]
    assert entry.before == {"home": "h1", "placed_at": day(3).isoformat(), "removed_at": None}
    devices.retire(connection, "spare", "lost", day(6), by="ida")
    with pytest.raises(ClashError, match="stands nowhere after that"):
        placements.correct(connection, "spare", day(2), Placement("spare", "h2", day(2), day(7)), by="ida")
    placements.correct(connection, "spare", day(2), None, by="ida")
    assert spans(connection, "spare") == []


def test_the_database_itself_refuses_a_device_in_two_places(connection: Session) -> None:
    with pytest.raises(psycopg.errors.ExclusionViolation):
        connection.execute(
            "INSERT INTO placements SELECT device_id, site_id, placed_at + interval '1 day' FROM placements"
        )


def test_a_retired_device_is_on_no_health_list_and_its_messages_are_still_kept(connection: Session) -> None:
    now = datetime.now(UTC)
    devices.retire(connection, "d1", "broken", day(20), by="ida")
    connection.commit()
    assert health_list(connection) == ["d2"]
    assert spans(connection, "d1") == [("h1", PLACED_AT, day(20))]
    (device,) = [each for each in registry.known_devices(connection) if each.device == "d1"]
    events.prepare(connection)
    assert events.append(connection, [event(device.id, now, 1)]).stored == 1
    assert health_list(connection) == ["d2"]

    devices.unretire(connection, "d1", by="ida")
    assert devices.one(connection, "d1").retired_at is None
    assert health_list(connection) == ["d2"]
    placements.place(connection, "d1", "h1", day(21), by="ida")
    assert health_list(connection) == ["d1", "d2"]


@pytest.mark.parametrize("hour", [4, 18])
def test_a_homes_series_of_use_days_goes_on_across_a_swap(connection: Session, hour: int) -> None:
    swapped_at = day(10, hour)
    use(connection, "d1", day(2, 0), swapped_at)
    use(connection, "spare", swapped_at, day(19, 0))
    use(connection, "d2", day(2, 0), day(19, 0))
    assert placements.swap(connection, "d1", "spare", swapped_at, by="ida", retire_because="broken") == "h1"
    connection.commit()
    rollups.refresh_all(connection)
    made = report(connection, "trial", day(19, 0))
    strips = {strip.home: strip.states for strip in made.homes}
    assert strips["h1"][1:18] == strips["h2"][1:18] == "U" * 17
    assert spans(connection, "d1") == [("h1", PLACED_AT, swapped_at)]
    assert spans(connection, "spare") == [("h1", swapped_at, None)]
    assert (
        devices.one(connection, "spare").roles == devices.one(connection, "d1").roles == {"trial": "primary"}
    )
    assert devices.one(connection, "d1").retired_because == "broken"


def test_a_swapped_in_device_takes_part_in_each_trial_as_the_old_one_did(connection: Session) -> None:
    other = one_home("stove_guard", trial="other", homes=2)
    secondary = Device("d1", TECHNOLOGY, "nyttig", "d1", 60.0, "mains", "secondary")
    registry.save(
        connection,
        type(other)(other.trial, homes=other.homes, devices=(secondary,), placements=other.placements[:1]),
        KNOWN,
    )
    placements.swap(connection, "d1", "spare", day(10), by="ida")
    assert devices.one(connection, "spare").roles == {"trial": "primary", "other": "secondary"}
    for trial in ("trial", "other"):
        assert Placement("spare", "h1", day(10)) in registry.read(connection, trial).placements


def event(device_id: int, at: datetime, seq: int, kind: str = "dose_taken") -> EventRow:
    return EventRow(
        device_id, at, at, at, kind, 1.0, "dose", "citizen", "b1", seq, None, False, None, None, None, False
    )


def use(connection: Session, device: str, from_at: datetime, to_at: datetime) -> None:
    """The device is heard each hour, and used at six in the morning (UTC)."""
    (device_id,) = [each.id for each in registry.known_devices(connection) if each.device == device]
    hours = int((to_at - from_at) / timedelta(hours=1))
    moments = [from_at + timedelta(hours=hour) for hour in range(hours)]
    events.prepare(connection)
    rows = [
        event(device_id, at, seq, "dose_taken" if at.hour == 6 else "health")
        for seq, at in enumerate(moments)
    ]
    events.append(connection, rows)
    connection.commit()
