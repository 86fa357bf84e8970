"""What had arrived by a moment gives the report of that moment, digit for digit, whatever came late afterwards."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from arriving import DAY, HOUR, MINUTE, STARTS, arrive, event, figures, later, save, trial
from conftest import Database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from uses_by_hand import some_readings, some_technology

from nyttig import folding
from nyttig.evidence import Evidence, end_of_day, evidence
from nyttig.report import Known, report
from nyttig.store import db, platform, retention, rollups
from nyttig.store.events import EventRow
from nyttig.store.platform import Outage
from nyttig.text import as_json


@pytest.fixture
def connection(database: Database) -> Iterator[db.Session]:
    with db.connect(database.conninfo) as connection:
        yield connection


@pytest.fixture
def store(embedded_database: Database) -> Iterator[db.Session]:
    with db.connect(embedded_database.conninfo) as connection:
        yield connection


def frames(found: Evidence) -> list[dict[str, list[object]]]:
    """All that was read, an hour a row."""
    table = found.hours.astype("object")
    read = [table.where(table.notna(), None), found.gaps, found.recovered_uses, found.alarms, found.exposures]
    return [frame.astype("object").where(frame.notna(), None).to_dict("list") for frame in read]


def a_week(device: int, chance: random.Random, days: int = 8) -> list[EventRow]:
    """Signs of life with numbers, doses and a counter of them; a third of it comes hours or days late, some never."""
    rows, seq, doses = [], 0, 0
    at = STARTS + 2 * HOUR
    while at < STARTS + days * DAY:
        dose = chance.random() < 0.1
        doses += dose
        seq += 1
        if chance.random() < 0.95:
            delay = chance.choice([0, 0, 0, 0.5, 4, 40, 300, 3000]) * MINUTE
            counter = doses if chance.random() < 0.2 else None
            kind = "dose_taken" if dose else "health"
            rows.append(event(device, at, kind, delay=delay, seq=seq, counter=counter))
        at += chance.choice([20, 50, 55, 60, 200]) * MINUTE
    return rows


def test_a_report_of_what_had_arrived_is_the_one_that_was_made_then(connection: db.Session) -> None:
    package = trial(homes=2)
    ids = save(connection, package)
    chance = random.Random(5)
    rows = [row for code in ("trial-d1", "trial-d2") for row in a_week(ids[code], chance)]
    then = end_of_day(date(2036, 10, 25), "Europe/Oslo")
    before, after = later(rows, then)
    assert any(row.at < then - HOUR for row in after)
    arrive(connection, before)
    made = report(connection, "trial", then)
    arrive(connection, after)
    folding.fold_all(connection, STARTS + 30 * DAY)

    again = report(connection, "trial", then, Known("then", then))
    assert figures(again) == figures(made)
    assert (again.known, again.known_at, again.not_recoverable) == ("then", then, ())
    placed = {ids[f"trial-d{n}"]: STARTS + n * HOUR for n in (1, 2)}
    assert again.arrived_later_total == sum(placed[row.device_id] <= row.at < then for row in after)
    now = report(connection, "trial", then)
    assert figures(now) != figures(made)
    assert (now.known, now.arrived_later_total) == ("now", 0)
    assert now.data.events_total > again.data.events_total
    # Asked for once more, it is the same once more; and nothing is left behind.
    assert as_json(report(connection, "trial", then, Known("then", then))) == as_json(again)
    assert as_json(report(connection, "trial", then)) == as_json(now)
    assert rollups.differences(connection) == []


def test_what_was_known_some_days_later_of_a_day_can_be_had_again(connection: db.Session) -> None:
    ids = save(connection, trial())
    rows = a_week(ids["trial-d1"], random.Random(8))
    about, then = end_of_day(date(2036, 10, 23), "Europe/Oslo"), STARTS + 5 * DAY + 11 * HOUR + 7 * MINUTE
    before, after = later(rows, then)
    arrive(connection, before)
    made = report(connection, "trial", about)
    arrive(connection, after)
    assert figures(report(connection, "trial", about, Known("then", then))) == figures(made)
    assert figures(report(connection, "trial", about, Known("then", about))) != figures(made)


def test_of_a_trial_that_had_not_heard_anything_yet_nothing_is_told(connection: db.Session) -> None:
    ids = save(connection, trial())
    first = STARTS + 2 * DAY
    arrive(connection, [event(ids["trial-d1"], STARTS + 3 * HOUR, "dose_taken", delay=4 * DAY)])
    made = report(connection, "trial", first, Known("then", first))
    assert (made.data.events_total, made.data.first_event_at, made.arrived_later_total) == (0, None, 1)
    assert report(connection, "trial", first).data.events_total == 1


def test_a_connection_that_read_many_reports_before_reads_what_had_arrived(connection: db.Session) -> None:
    """Statements that the driver keeps prepared would read past what is shadowed."""
    ids = save(connection, trial())
    sent = STARTS + 30 * HOUR
    arrive(connection, [event(ids["trial-d1"], sent, "dose_taken", delay=3 * DAY)])
    then = STARTS + 3 * DAY
    for _ in range(12):
        assert evidence(connection, "trial", then).hours["uses"].sum() == 1
        assert report(connection, "trial", then).data.events_total == 1
        connection.commit()
    assert len(evidence(connection, "trial", then, known_at=then).hours) == 0
    assert report(connection, "trial", then, Known("then", then)).data.events_total == 0
    assert evidence(connection, "trial", then).hours["uses"].sum() == 1


def test_how_long_somebody_lay_in_bed_was_not_known_while_they_did(connection: db.Session) -> None:
    """An event of the time after a moment says that a use had begun before it."""
    ids = save(connection, trial("bed_sensor"))
    then = STARTS + 2 * DAY
    rows = [
        event(ids["trial-d1"], then - 5 * HOUR, "occupancy", value=0),
        event(ids["trial-d1"], then - 4 * MINUTE, "occupancy", value=1),
        event(ids["trial-d1"], then + 40 * MINUTE, "occupancy", value=0),
    ]
    arrive(connection, rows[:2])
    made = report(connection, "trial", then)
    arrive(connection, rows[2:])
    assert report(connection, "trial", then).use_day_rate_all_days != made.use_day_rate_all_days
    assert figures(report(connection, "trial", then, Known("then", then))) == figures(made)


def test_hours_whose_raw_events_are_gone_stay_as_they_are_and_the_report_says_so(
    connection: db.Session,
) -> None:
    ids = save(connection, trial())
    then, dropped_at = STARTS + 4 * DAY, STARTS + 3 * DAY
    arrive(connection, [event(ids["trial-d1"], STARTS + 30 * HOUR, "dose_taken", delay=6 * DAY)])
    retention.drop_before(connection, dropped_at)
    made = report(connection, "trial", then, Known("then", then))
    assert made.data.events_total == 1  # nobody can tell any more that it had not come
    assert [(each.reason, each.at) for each in made.not_recoverable] == [("raw_events", dropped_at)]


def test_an_outage_counts_from_when_it_began_though_it_was_recorded_at_its_end(
    connection: db.Session,
) -> None:
    ids = save(connection, trial())
    then = STARTS + 2 * DAY
    rows = [event(ids["trial-d1"], STARTS + n * HOUR) for n in range(2, 44)]
    rows += [event(ids["trial-d1"], STARTS + n * HOUR, delay=9 * HOUR) for n in range(44, 50)]
    before, after = later(rows, then)
    arrive(connection, before)
    without = report(connection, "trial", then)
    platform.record(connection, Outage("ingest", then - 4 * HOUR, then + 5 * HOUR, lossy=True))
    arrive(connection, after)
    made = report(connection, "trial", then, Known("then", then))
    # Its last word, five hours before, would have been believed for three; the outage began after one.
    assert made.coverage.online_minutes == without.coverage.online_minutes - 120
    now = report(connection, "trial", then)
    assert now.coverage.online_minutes > made.coverage.online_minutes  # what was sent meanwhile did come


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_in_whatever_order_messages_come_what_had_arrived_is_what_was_stored(
    store: db.Session, seed: int
) -> None:
    chance = random.Random(seed)
    name = f"t{seed}x{random.getrandbits(40)}"
    technology = some_technology(chance, name)
    package = trial(name=name)
    (device,) = package.devices
    device = replace(device, technology=name, heartbeat_minutes=chance.choice([7.0, 60.0, 200.0]))
    package = replace(
        package, trial=replace(package.trial, technology=name), technologies=(technology,), devices=(device,)
    )
    device_id = save(store, package, {name: technology})[f"{name}-d1"]
    rows = []
    numbered, restarted = chance.random() < 0.7, chance.choice([0, 10, 30])
    for seq, said in enumerate(some_readings(chance, STARTS + 2 * HOUR)):
        if chance.random() < 0.9:
            delay = chance.choice([0, 0, 0, 1, 5, 30, 90, 2000]) * MINUTE
            counter = chance.choice([None, None, seq // 3])
            rows.append(
                event(
                    device_id,
                    said.at,
                    said.type,
                    delay=delay,
                    value=said.value,
                    origin=said.origin,
                    boot="b1" if seq < restarted else "b2",
                    seq=seq if numbered else None,
                    counter=counter,
                )
            )
    some = chance.choice(rows)
    then = chance.choice([some.at, some.received_at, some.at + chance.randrange(600) * MINUTE]) + MINUTE
    about = then if chance.random() < 0.7 else then - chance.randrange(600) * MINUTE
    before, after = later(rows, then)
    arrive(store, before)
    if chance.random() < 0.5:
        folding.fold_all(store, then)
    made, read = report(store, name, about), frames(evidence(store, name, about))
    while after:
        part = chance.randint(1, len(after))
        arrive(store, sorted(after, key=lambda row: row.received_at)[:part])
        after = sorted(after, key=lambda row: row.received_at)[part:]
    if chance.random() < 0.5:
        folding.fold_all(store, STARTS + 90 * DAY)
    again = evidence(store, name, about, known_at=then)
    assert frames(again) == read
    assert figures(report(store, name, about, Known("then", then))) == figures(made)
    assert pd.Timestamp(about) == again.as_of
