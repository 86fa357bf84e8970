"""Lists of visits brought in one after another: each visit counts once, and never more days than a registration has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from conftest import DatabaseServer
from hypothesis import given, settings
from hypothesis import strategies as st
from packages import one_home

from nyttig.model import Visit
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, registry, visits
from nyttig.store.db import Session
from nyttig.visiting import BroughtIn, bring_in

OSLO = ZoneInfo("Europe/Oslo")
HEADER = "home;started_at;minutes;kind;travel_minutes;staff_group"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
INSTALLED = date(2026, 9, 1)

ROWS = st.lists(
    st.tuples(
        st.sampled_from(("h1", "h2", "h9")),
        st.integers(-40, 40),
        st.sampled_from(("08:00", "20:30")),
        st.sampled_from(("10", "15", "")),
        st.sampled_from(("physical", "remote")),
        st.sampled_from(("", "nurse", "helper")),
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def connection(embedded_server: DatabaseServer) -> Iterator[Session]:
    with embedded_server.fresh_database() as database, db.connect(database.conninfo) as session:
        registry.save(session, one_home("medicine_dispenser", homes=2), builtin_technologies())
        session.commit()
        yield session


def bring(connection: Session, rows: list[tuple[str, int, str, str, str, str]]) -> BroughtIn:
    text = "\n".join(
        [
            HEADER,
            *(
                f"{home};{INSTALLED + timedelta(days=day)} {at};{minutes};{kind};5;{group}"
                for home, day, at, minutes, kind, group in rows
            ),
        ]
    )
    return bring_in(connection, text.encode(), "list.csv", "trial", by="ida", at=NOW, skip_bad=True)


def counted(connection: Session) -> tuple[Visit, ...]:
    return visits.read(connection, "trial")


def take_all_back(connection: Session) -> None:
    for each in visits.imports(connection, "trial"):
        if each.withdrawn_at is None:
            visits.withdraw(connection, "trial", each.id, by="ida", at=NOW)
    connection.commit()


@settings(max_examples=40)
@given(ROWS, ROWS)
def test_whatever_lists_come_each_visit_counts_once_and_no_registration_is_too_long(
    connection: Session,
    first: list[tuple[str, int, str, str, str, str]],
    second: list[tuple[str, int, str, str, str, str]],
) -> None:
    take_all_back(connection)
    for rows in (first, second):
        before = counted(connection)
        done = bring(connection, rows)
        assert [row.row for row in done.rows] == list(range(2, len(rows) + 2))
        assert done.counted + done.double + done.outside + done.refused == len(rows)
        assert len(counted(connection)) == len(before) + done.counted
        assert all(row.reasons or row.result == "counted" for row in done.rows)
        assert all(bool(row.cells) == (row.result != "counted") for row in done.rows)
        again = bring(connection, rows)
        assert (again.counted, again.import_id) == (0, None)

    days = defaultdict(set)
    beginnings = defaultdict(set)
    for visit in counted(connection):
        day = visit.started_at.astimezone(OSLO).date()
        days[visit.home, visit.period].add(day)
        assert visit.period == ("after" if day >= INSTALLED else "before")
        others = beginnings[visit.home, visit.started_at, visit.kind]
        assert visit.staff_group not in others, "it began there then already"
        assert not others or (visit.staff_group is not None and None not in others)
        others.add(visit.staff_group)
    assert all((max(found) - min(found)).days < 14 for found in days.values())


def test_taking_back_the_first_of_two_lists_leaves_what_the_second_added(connection: Session) -> None:
    take_all_back(connection)
    first = bring(connection, [("h1", 1, "08:00", "10", "physical", "")])
    bring(connection, [("h1", day, "08:00", "10", "physical", "") for day in (1, 2)])
    assert first.import_id is not None
    visits.withdraw(connection, "trial", first.import_id, by="ida", at=NOW)
    connection.commit()
    (left,) = counted(connection)
    assert left.started_at.astimezone(OSLO).date() == INSTALLED + timedelta(days=2)
    again = bring(connection, [("h1", 1, "08:00", "10", "physical", "")])
    assert again.counted == 1
