"""The ledger: what each device numbered, what of it never came and when that was, and what its counter still knows."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from conftest import Database
from packages import one_home

from nyttig.package.technologies import builtin_technologies
from nyttig.store import counters, db, events, gaps, ledger, registry, retention, rollups
from nyttig.store.events import EventRow

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FAR = timedelta(days=400)


@pytest.fixture
def connection(database: Database) -> Iterator[db.Session]:
    with db.connect(database.conninfo) as connection:
        registry.save(connection, one_home("medicine_dispenser", homes=2), builtin_technologies())
        connection.commit()
        events.prepare(connection)
        yield connection


def said(
    seq: int | None,
    at: datetime,
    *,
    device: int = 1,
    boot: str = "b1",
    counter: object = None,
    dose: bool = False,
    late: bool = False,
) -> EventRow:
    health = None if counter is None else json.dumps({"counter": counter})
    return EventRow(
        device, at, at, at, "dose_taken" if dose else "health", None, None, "citizen",
        None if seq is None else boot, seq, None, late, None, health, None,
    )  # fmt: skip


def tell(connection: db.Session, *rows: EventRow) -> None:
    events.append(connection, rows)
    connection.commit()
    rollups.refresh_all(connection)
    assert gaps.differences(connection) == []
    assert counters.differences(connection) == []
    assert ledger.miscounts(connection) == []


def lost(connection: db.Session, device: str = "d1") -> list[tuple[datetime, datetime]]:
    found = gaps.read(connection, [device], NOON - FAR, NOON + FAR)
    return [(row.from_at.to_pydatetime(), row.to_at.to_pydatetime()) for row in found.itertuples()]


def recovered(connection: db.Session) -> list[tuple[datetime, datetime, int]]:
    found = counters.read(connection, ["d1"], NOON - FAR, NOON + FAR)
    return [(row.from_at.to_pydatetime(), row.to_at.to_pydatetime(), row.uses) for row in found.itertuples()]


# --- Gaps ----------------------------------------------------------------------------------------


def test_numbers_that_never_came_lie_between_the_events_beside_them(connection: db.Session) -> None:
    tell(connection, said(1, NOON), said(2, NOON + HOUR), said(5, NOON + 3 * HOUR))
    assert lost(connection) == [(NOON + HOUR, NOON + 3 * HOUR)]
    assert lost(connection, "d2") == []


def test_the_event_before_a_gap_is_found_however_long_ago_it_was_and_behind_another_boot(
    connection: db.Session,
) -> None:
    tell(connection, said(1, NOON))
    tell(connection, said(1, NOON + 20 * DAY, boot="other"), said(2, NOON + 20 * DAY + HOUR, boot="other"))
    tell(connection, said(4, NOON + 40 * DAY))
    assert lost(connection) == [(NOON, NOON + 40 * DAY)]


def test_a_late_message_that_fills_a_gap_takes_it_away(connection: db.Session) -> None:
    tell(connection, said(1, NOON), said(3, NOON + 2 * DAY))
    assert lost(connection)
    tell(connection, said(2, NOON + DAY, late=True))
    assert lost(connection) == []
    (entry,) = ledger.entries(connection, device="d1")
    assert (entry.lost_messages, entry.late_total, entry.gaps) == (0, 1, ())


def test_a_late_message_within_a_gap_leaves_what_is_still_missing_on_both_sides(
    connection: db.Session,
) -> None:
    tell(connection, said(1, NOON), said(9, NOON + 4 * DAY))
    tell(connection, said(4, NOON + DAY))
    assert lost(connection) == [(NOON, NOON + DAY), (NOON + DAY, NOON + 4 * DAY)]


def test_a_message_older_than_all_others_opens_a_gap_up_to_the_first_of_them(connection: db.Session) -> None:
    tell(connection, said(7, NOON), said(8, NOON + HOUR))
    tell(connection, said(4, NOON - 3 * DAY))
    assert lost(connection) == [(NOON - 3 * DAY, NOON)]


def test_a_gap_beside_an_event_with_a_wrong_clock_spans_the_time_between_the_two(
    connection: db.Session,
) -> None:
    tell(connection, said(1, NOON))
    tell(connection, said(4, NOON - 2 * DAY))
    assert lost(connection) == [(NOON - 2 * DAY, NOON)]


def test_in_whatever_order_messages_come_the_same_gaps_are_left(connection: db.Session) -> None:
    chance = random.Random(17)
    numbers = [n for n in range(1, 60) if chance.random() < 0.6]
    rows = [said(n, NOON + n * 7 * HOUR) for n in numbers]
    chance.shuffle(rows)
    for start in range(0, len(rows), 5):
        tell(connection, *rows[start : start + 5])
    assert lost(connection) == [
        (NOON + before * 7 * HOUR, NOON + after * 7 * HOUR)
        for before, after in itertools.pairwise(numbers)
        if after > before + 1
    ]
    (entry,) = ledger.entries(connection, device="d1")
    assert entry.lost_messages == numbers[-1] - numbers[0] + 1 - len(numbers)
    assert (entry.first_seq, entry.last_seq, entry.received_total) == (numbers[0], numbers[-1], len(numbers))
    assert [(gap.from_at, gap.to_at) for gap in reversed(entry.gaps)] == lost(connection)


def test_gaps_outlive_the_raw_events_beside_them(connection: db.Session) -> None:
    tell(connection, said(1, NOON), said(3, NOON + 2 * DAY), said(4, NOON + 60 * DAY))
    retention.drop_before(connection, NOON + 40 * DAY)
    assert lost(connection) == [(NOON, NOON + 2 * DAY)]
    tell(connection, said(6, NOON + 61 * DAY))
    assert lost(connection) == [(NOON, NOON + 2 * DAY), (NOON + 60 * DAY, NOON + 61 * DAY)]


# --- Entries -------------------------------------------------------------------------------------


def test_each_boot_of_a_device_has_an_entry_the_newest_first(connection: db.Session) -> None:
    tell(connection, said(1, NOON), said(2, NOON + HOUR), said(4, NOON + 2 * HOUR))
    tell(connection, said(2, NOON + HOUR))  # comes again
    tell(connection, said(1, NOON + DAY, boot="b2"), said(None, NOON + 2 * DAY), said(1, NOON, device=2))
    entries = ledger.entries(connection, device="d1")
    assert [(one.boot_id, one.first_seq, one.last_seq) for one in entries] == [
        ("", None, None),
        ("b2", 1, 1),
        ("b1", 1, 4),
    ]
    b1 = entries[-1]
    assert (b1.received_total, b1.duplicates_total, b1.lost_messages, b1.gaps_total) == (3, 1, 1, 1)
    assert b1.gaps == (ledger.LocatedGap(3, 3, NOON + HOUR, NOON + 2 * HOUR),)
    assert {one.device for one in ledger.entries(connection, trial_id="trial")} == {"d1", "d2"}


def test_a_boot_with_very_many_gaps_lists_the_newest_of_them(connection: db.Session) -> None:
    tell(connection, *(said(2 * n, NOON + n * HOUR) for n in range(200)))
    (entry,) = ledger.entries(connection, device="d1")
    assert (entry.gaps_total, entry.lost_messages, len(entry.gaps)) == (199, 199, ledger.GAPS_LISTED)
    assert entry.gaps[0].first_seq == 397


# --- Verification --------------------------------------------------------------------------------


@pytest.mark.parametrize("figure", ["received_total", "late_total"])
@pytest.mark.parametrize("by", [1, -1])
def test_a_total_of_the_ledger_that_is_not_that_of_the_events_is_found(
    connection: db.Session, figure: str, by: int
) -> None:
    tell(connection, said(1, NOON, late=True), said(2, NOON, late=True), said(None, NOON))
    connection.execute("UPDATE ledger SET received_total = received_total + %s WHERE boot_id = 'b1'"
                       if figure == "received_total" else
                       "UPDATE ledger SET late_total = late_total + %s WHERE boot_id = 'b1'", (by,))  # fmt: skip
    assert ledger.miscounts(connection, trial_id="trial") == [("d1", "b1", figure, 2 + by, 2)]


def test_what_retention_took_away_is_no_miscount_but_an_unbooked_event_is(connection: db.Session) -> None:
    tell(connection, said(1, NOON), said(2, NOON + 60 * DAY))
    retention.drop_before(connection, NOON + 30 * DAY)
    assert ledger.miscounts(connection) == []
    connection.execute("UPDATE ledger SET received_total = 0")
    assert [(one.booked, one.stored) for one in ledger.miscounts(connection)] == [(0, 1)]


def test_a_gap_that_is_not_in_the_events_or_lies_elsewhere_is_found(connection: db.Session) -> None:
    tell(connection, said(1, NOON), said(4, NOON + DAY))
    connection.execute("UPDATE gaps SET to_at = to_at + interval '1 hour'")
    assert gaps.differences(connection) == [("d1", "b1", 2, 3, True)]
    connection.execute("DELETE FROM gaps")
    assert gaps.differences(connection, trial_id="trial") == [("d1", "b1", 2, 3, False)]
    connection.rollback()


# --- Counters ------------------------------------------------------------------------------------


def test_uses_that_only_the_devices_counter_knows_are_recovered(connection: db.Session) -> None:
    tell(
        connection,
        said(1, NOON, counter=10),
        said(2, NOON + HOUR, dose=True),
        said(5, NOON + DAY, counter=14),
        said(6, NOON + 2 * DAY, counter=14),
    )
    assert recovered(connection) == [(NOON, NOON + DAY, 3)]


def test_a_dose_that_comes_late_is_no_longer_recovered_but_stored(connection: db.Session) -> None:
    tell(connection, said(1, NOON, counter=10), said(4, NOON + 3 * DAY, counter=12))
    assert recovered(connection) == [(NOON, NOON + 3 * DAY, 2)]
    tell(connection, said(2, NOON + DAY, dose=True))
    assert recovered(connection) == [(NOON, NOON + 3 * DAY, 1)]
    tell(connection, said(3, NOON + 2 * DAY, dose=True))
    assert recovered(connection) == []


def test_a_counter_reading_that_comes_late_tells_more_exactly_when(connection: db.Session) -> None:
    tell(connection, said(1, NOON, counter=10), said(3, NOON + 10 * DAY, counter=15))
    tell(connection, said(2, NOON + 3 * DAY, counter=11))
    assert recovered(connection) == [(NOON, NOON + 3 * DAY, 1), (NOON + 3 * DAY, NOON + 10 * DAY, 4)]


def test_a_counter_that_drops_was_reset_and_recovers_nothing_until_it_rises_again(
    connection: db.Session,
) -> None:
    tell(
        connection,
        said(1, NOON, counter=500),
        said(2, NOON + DAY, counter=3),
        said(3, NOON + 2 * DAY, counter=5),
    )
    assert recovered(connection) == [(NOON + DAY, NOON + 2 * DAY, 2)]


def test_a_counter_that_goes_on_after_a_restart_recovers_across_it(connection: db.Session) -> None:
    tell(connection, said(90, NOON, counter=10), said(1, NOON + DAY, boot="b2", counter=12))
    assert recovered(connection) == [(NOON, NOON + DAY, 2)]


def test_more_stored_uses_than_the_counter_counted_recover_nothing(connection: db.Session) -> None:
    tell(
        connection,
        said(1, NOON, counter=10),
        *(said(n, NOON + n * HOUR, dose=True) for n in (2, 3, 4)),
        said(5, NOON + DAY, counter=11),
    )
    assert recovered(connection) == []


@pytest.mark.parametrize("nonsense", [1e300, -5, "12", True, [3], 10**18])
def test_a_counter_that_is_no_count_recovers_nothing_and_stops_nothing(
    connection: db.Session, nonsense: object
) -> None:
    tell(
        connection,
        said(1, NOON, counter=10),
        said(2, NOON + HOUR, counter=nonsense),
        said(3, NOON + 2 * HOUR),
    )
    assert recovered(connection) == []


def test_a_counter_of_a_technology_told_by_thresholds_counts_something_else(connection: db.Session) -> None:
    registry.save(connection, one_home("vibration_sensor", homes=2), builtin_technologies())
    tell(connection, said(1, NOON, counter=10), said(2, NOON + DAY, counter=40))
    assert recovered(connection) == []


def test_recovered_uses_outlive_the_raw_events_they_were_worked_out_of(connection: db.Session) -> None:
    tell(connection, said(1, NOON, counter=10), said(2, NOON + DAY, counter=12))
    tell(connection, said(3, NOON + 60 * DAY, counter=14))
    retention.drop_before(connection, NOON + 40 * DAY)
    tell(connection, said(4, NOON + 61 * DAY, counter=14))
    assert recovered(connection) == [(NOON, NOON + DAY, 2), (NOON + DAY, NOON + 60 * DAY, 2)]
    connection.execute("UPDATE recovered_uses SET uses = 1")
    connection.execute(
        "UPDATE recovered_uses SET from_at = %s WHERE to_at > %s", (NOON + 60 * DAY - HOUR, NOON + DAY)
    )
    assert [one.recomputed for one in counters.differences(connection)] == [0]
    connection.rollback()
