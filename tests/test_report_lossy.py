"""A report on devices that lost messages: their days are marked, and what their counters still know is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from conftest import Database
from figures_hours import oslo
from packages import one_home
from serving import serving
from told import report_on, save, states
from whole_way import digits

from nyttig import text
from nyttig.device_health import device_health
from nyttig.export import export
from nyttig.load import load
from nyttig.model import Placement, TrialPackage
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, events, gaps, ledger, platform, rollups
from nyttig.store.events import EventRow
from nyttig.store.platform import Outage

BEGIN = oslo("2026-09-01")
HOUR = timedelta(hours=1)
LAST = "2026-09-14"
NOW = datetime(2026, 9, 15, tzinfo=UTC)


@pytest.fixture
def store(database: Database) -> Iterator[db.Session]:
    with db.connect(database.conninfo) as connection:
        yield connection


def dispenser() -> TrialPackage:
    return one_home("medicine_dispenser")


def hourly(*lost: datetime, doses: tuple[datetime, ...] = (), counter: bool = False) -> list[EventRow]:
    """The dispenser is heard every hour of a fortnight and numbers what it sends. What it sent at the times
    `lost` never came; its health says how many doses it gave."""
    rows, given = [], 0
    for n in range(14 * 24):
        at = BEGIN + n * HOUR
        dose = at in doses
        given += dose
        if at not in lost:
            health = json.dumps({"counter": given}) if counter and not dose else None
            rows.append(
                EventRow(1, at, at, at, "dose_taken" if dose else "health", None, None, "citizen", "b1", n, None,
                         False, None, health, None)
            )  # fmt: skip
    return rows


def tell(connection: db.Session, rows: list[EventRow]) -> None:
    events.prepare(connection)
    events.append(connection, rows)
    connection.commit()
    rollups.refresh_all(connection)


def test_a_day_without_use_that_lost_messages_stays_unused_and_is_marked(store: db.Session) -> None:
    save(store, dispenser())
    tell(store, hourly(oslo("2026-09-03T12:00"), doses=(oslo("2026-09-02T08:00"),)))
    made = report_on(store, LAST)
    (home,) = made.homes
    assert states(made) == {"h1": "NU" + "N" * 12}
    assert home.lossy_on == (date(2026, 9, 3),)
    for rate in (made.use_day_rate, home.use_day_rate, made.weeks[0].use_day_rate):
        assert (rate.lossy_days, rate.lossy_unused_days) == (1, 1)
        total = rate.used_observed_days + rate.unused_days
        assert rate.unknown_days == 0
        assert (rate.lower, rate.upper) == (1 / total, 2 / total), "the lost messages may hold a use"
    assert made.weeks[1].use_day_rate.lossy_days == 0
    said = text.report(made)
    assert "1 of the unused days lost messages" in said
    assert f"h1            {home.states}\n                !\n" in said


def test_a_gap_over_midnight_marks_both_days_and_one_of_days_all_of_them(store: db.Session) -> None:
    save(store, dispenser())
    lost = [oslo("2026-09-03T23:00"), *(oslo("2026-09-06T20:00") + n * HOUR for n in range(50))]
    tell(store, hourly(*lost))
    assert [day.day for day in report_on(store, LAST).homes[0].lossy_on] == [3, 4, 6, 7, 8]


def test_a_late_message_that_fills_the_gap_unmarks_the_day(store: db.Session) -> None:
    save(store, dispenser())
    lost = oslo("2026-09-03T12:00")
    tell(store, hourly(lost))
    assert report_on(store, LAST).homes[0].lossy_on
    tell(store, [row for row in hourly() if row.at == lost])
    assert report_on(store, LAST).homes[0].lossy_on == ()


def test_what_was_lost_while_the_platform_was_away_is_marked_too(store: db.Session) -> None:
    save(store, dispenser())
    lost = [oslo("2026-09-05T10:00") + n * HOUR for n in range(3)]
    tell(store, hourly(*lost))
    platform.record(store, Outage("broker", lost[0], lost[-1] + HOUR, lossy=True))
    store.commit()
    assert report_on(store, LAST).homes[0].lossy_on == (date(2026, 9, 5),)


def test_what_a_device_lost_in_another_home_is_no_mark_on_this_one(store: db.Session) -> None:
    package = one_home("medicine_dispenser", homes=2)
    moved = oslo("2026-09-08T12:00")
    placements = (Placement("d1", "h1", BEGIN, moved), Placement("d1", "h2", moved))
    save(store, replace(package, placements=placements))
    tell(store, hourly(oslo("2026-09-03T12:00")))
    first, second = report_on(store, LAST).homes
    assert (first.lossy_on, second.lossy_on) == ((date(2026, 9, 3),), ())
    (health,) = [one for one in device_health(store, NOW).devices if one.device == "d1"]
    assert (health.site, health.lost_messages) == ("h2", 0)


def test_uses_that_only_a_counter_knows_are_told_in_their_week_and_make_no_day_used(
    store: db.Session,
) -> None:
    save(store, dispenser())
    doses = tuple(oslo(f"2026-09-{day:02d}T08:00") for day in (2, 6, 8, 9))
    # The first reading after the dose of Sunday the 6th is one of Monday: it counts in the later week.
    lost = [*doses[1:3], *(oslo("2026-09-06T09:00") + n * HOUR for n in range(16))]
    tell(store, hourly(*lost, doses=doses, counter=True))
    made = report_on(store, LAST)
    assert states(made) == {"h1": "NUNNNKNNUNNNNN"}
    assert [(week.iso_week, week.recovered_uses) for week in made.weeks] == [
        ("2026-W36", 0),
        ("2026-W37", 2),
        ("2026-W38", 0),
    ]
    assert (made.intensity.uses_total, made.intensity.recovered_uses) == (2, 2)
    assert "2 in all (and 2 known from the devices' counters alone)" in text.report(made)


def test_what_a_counter_counted_before_the_device_came_to_the_home_is_not_the_homes(
    store: db.Session,
) -> None:
    package = dispenser()
    placed = oslo("2026-09-05T10:30")
    save(store, replace(package, placements=(Placement("d1", "h1", placed),)))
    doses = tuple(oslo(f"2026-09-05T{hour:02d}:00") for hour in (3, 10))
    tell(store, hourly(*doses, doses=doses, counter=True))
    assert [week.recovered_uses for week in report_on(store, LAST).weeks] == [0, 0, 0]


def test_gaps_and_recovered_uses_come_out_the_same_after_an_export_and_a_load(
    store: db.Session, embedded_database: Database, tmp_path: Path
) -> None:
    save(store, dispenser())
    doses = tuple(oslo(f"2026-09-{day:02d}T08:00") for day in (2, 5, 8, 9))
    tell(store, hourly(*doses[1:3], oslo("2026-09-10T00:00"), doses=doses, counter=True))
    made = report_on(store, LAST)
    assert (made.intensity.recovered_uses, len(made.homes[0].lossy_on)) == (2, 4)
    export(store, "trial", tmp_path / "export", formats=["csv"], now=NOW)
    with db.connect(embedded_database.conninfo) as connection:
        load(connection, tmp_path / "export", builtin_technologies())
        assert digits(report_on(connection, LAST)) == digits(made)
        assert gaps.differences(connection) == []
        mine, theirs = (ledger.entries(each, device="d1") for each in (connection, store))
    assert mine == theirs


def test_a_device_is_asked_for_its_ledger_and_the_list_says_only_how_much_was_lost(
    embedded_database: Database,
) -> None:
    lost = [oslo("2026-09-03T12:00"), oslo("2026-09-03T13:00"), oslo("2026-09-04T13:00")]
    with db.connect(embedded_database.conninfo) as connection:
        save(connection, replace(dispenser(), placements=(Placement("d1", "h1", BEGIN - HOUR),)))
        connection.execute("UPDATE placements SET placed_at = placed_at - interval '1 year'")
        tell(connection, hourly(*lost))
        entries = ledger.entries(connection, device="d1")
        said = text.devices(device_health(connection, NOW), NOW)
    with serving(embedded_database.conninfo) as api:
        assert_ledger(api)
    assert "3 messages never came since 2026-09-03" in said
    told = text.ledger(entries)
    assert told.startswith("boot b1: numbers 0 to 335, 333 stored, 0 came again, 0 late, 3 lost; ")
    assert "60 to 61 never came, between 2026-09-03T09:00+00:00 and 2026-09-03T12:00+00:00" in told


def assert_ledger(api: httpx.Client) -> None:
    (listed,) = api.get("/v1/devices").json()["devices"]
    assert (listed["lost_messages"], listed["lost_since"]) == (3, "2026-09-03T09:00:00+00:00")
    assert "ledger" not in listed
    one = api.get("/v1/devices/d1").json()
    (entry,) = one.pop("ledger")
    moving = {"findings"}  # they say for how long we were away, and we still are
    assert {name: one[name] for name in listed if name not in moving} == {
        name: value for name, value in listed.items() if name not in moving
    }
    assert (entry["boot_id"], entry["first_seq"], entry["last_seq"]) == ("b1", 0, 335)
    assert (entry["received_total"], entry["lost_messages"], entry["gaps_total"]) == (333, 3, 2)
    assert [(gap["first_seq"], gap["last_seq"]) for gap in entry["gaps"]] == [(85, 85), (60, 61)]
