"""A coordinator's sheet of devices: every row has its result, and one that is wrong says what to do."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from conftest import Database, DatabaseServer
from hypothesis import given
from hypothesis import strategies as st
from packages import PLACED_AT, one_home

from nyttig.device_list import COLUMNS, DeviceList, read, write_template
from nyttig.errors import NotFoundError
from nyttig.package.technologies import builtin_technologies
from nyttig.registration import Registered, register_list
from nyttig.sheet import ListError
from nyttig.store import changes, db, devices, history, placements, quarantine, registry, replays
from nyttig.store.db import Session
from nyttig.store.quarantine import Quarantined

KNOWN = builtin_technologies()
TECHNOLOGY = "medicine_dispenser"


@pytest.fixture
def connection(database: Database) -> Iterator[Session]:
    """A trial in Oslo with two homes and a dispenser (d1, d2) in each, from 1 September 2026."""
    with db.connect(database.conninfo) as session:
        registry.save(session, one_home(TECHNOLOGY, homes=2), KNOWN)
        session.commit()
        yield session


@pytest.fixture(scope="module")
def one_store(embedded_server: DatabaseServer) -> Iterator[Session]:
    with embedded_server.fresh_database() as fresh, db.connect(fresh.conninfo) as session:
        registry.save(session, one_home(TECHNOLOGY, homes=2), KNOWN)
        session.commit()
        yield session


def sheet(*rows: str, file: str = "devices.csv") -> DeviceList:
    return read("\n".join(rows).encode(), file)


def workbook(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def register(connection: Session, listed: DeviceList, **options: Any) -> Registered:
    return register_list(connection, listed, KNOWN, by="ida", **options)


def told(done: Registered) -> list[tuple[int, str | None, str]]:
    return [(row.row, row.device, row.result) for row in done.rows]


def refusals(done: Registered) -> list[tuple[int, str | None, str | None, str]]:
    return [
        (row.row, problem.column, problem.value, problem.remedy)
        for row in done.rows
        for problem in row.problems
    ]


# What a sheet may look like


@pytest.mark.parametrize(
    "content",
    [
        b"device,home,placed_at\nd9,h1,2026-09-03 09:30\n",
        b"device;home;placed_at\r\nd9;h1;2026-09-03 09:30\r\n",
        b"\xef\xbb\xbf\"device\";\"home\";\"placed_at\"\r\n\"d9\";\"h1\";\"2026-09-03 09:30\"\r\n",
        b"sep=;\r\ndevice;home;placed_at\r\nd9;h1;03.09.2026 09:30\r\n",
        b"Enhet\tHjem\tPlassert\nd9\th1\t3.9.2026 09:30\n",
        "Enhed;Bolig;Placeret fra\r\nd9;h1;03-09-2026 09.30\r\n".encode("cp1252"),
        "Device code*;Home;Placed at\nd9;h1;2026-09-03 09:30\n".encode("utf-16"),
        b"\n,,\nplaced_at,device,home\n\n2026-09-03 09:30,d9,h1\n",
        workbook(["Enhet", "Hjem", "Plassert"], ["d9", "h1", datetime(2026, 9, 3, 9, 30)]),  # noqa: DTZ001  # as Excel has it
    ],
    ids=["comma", "semicolon", "quoted with BOM", "sep", "tab", "danish", "utf-16", "blank rows", "excel"],
)  # fmt: skip
def test_a_sheet_is_read_however_a_nordic_spreadsheet_wrote_it(content: bytes) -> None:
    (line,) = read(content, "sheet").lines
    assert line.problems == ()
    assert {**line.cells, "placed_at": line.cells["placed_at"].replace("T", " ")[:16]} == {
        "device": "d9",
        "home": "h1",
        "placed_at": "2026-09-03 09:30",
    }


@pytest.mark.parametrize(
    "headers",
    [
        "device,technology,dialect,address,heartbeat_minutes,power,role,trial,home,placed_at,hardware_id",
        "Enhet,Teknologi,Dialekt,Adresse,Livstegn minutter,Strøm,Rolle,Utprøving,Hjem,Plassert,Serienummer",
        "Enhed,Teknologi,Dialekt,Adresse,Minutter mellem beskeder,Strømforsyning,Rolle,Afprøvning,Bolig,Placeret,Serienummer",
        "DEVICE_CODE,technology,protocol,address,heartbeat,power supply,role,trial-id,site,placed,serial number",
    ],
)
def test_columns_go_by_their_english_norwegian_and_danish_names(headers: str) -> None:
    (line,) = sheet(headers, ",".join("abcdefghijk")).lines
    assert list(line.cells) == list(COLUMNS)


def test_columns_that_mean_nothing_to_us_are_left_alone_and_named(one_store: Session) -> None:
    listed = sheet("device,floor,comment", "d1,3,by the window")
    assert listed.ignored_columns == ("floor", "comment")
    done = register(one_store, listed)
    assert done.ignored_columns == ("floor", "comment")
    assert told(done) == [(2, "d1", "unchanged")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n;;\n", "is empty"),
        (b"devise,home\nd1,h1\n", "no column says which device it is"),
        (b"device,enhet\nd1,d1\n", "the columns device, enhet mean the same"),
        (b'device\n"d1\n', "cannot be read"),
        (b"\xd0\xcf\x11\xe0 and so on", "save it as .xlsx"),
        (b"PK\x03\x04 and nothing", "cannot be read as an Excel workbook"),
        (workbook(["device"])[:-200], "cannot be read as an Excel workbook"),
        (workbook(), "is empty"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_list_says_what_to_do(content: bytes, said: str) -> None:
    with pytest.raises(ListError, match=r"^sheet\.csv") as raised:
        read(content, "sheet.csv")
    assert said in str(raised.value)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: ("device\n" + text).encode()))
def test_any_bytes_are_a_list_or_are_refused(content: bytes) -> None:
    try:
        listed = read(content, "sheet.csv")
    except ListError:
        return
    assert all(line.row >= 2 for line in listed.lines)


CODES = st.text("abcxyz0123456789._-", min_size=1, max_size=8)


@given(
    st.lists(st.tuples(CODES, st.text("abcæøå ,;\"'\n", max_size=12)), min_size=1, max_size=8),
    st.sampled_from(",;\t"),
)
def test_what_a_spreadsheet_writes_is_read_back_cell_by_cell(
    rows: list[tuple[str, str]], separator: str
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    writer.writerow(["device", "address"])
    writer.writerows(rows)
    read_back = [
        (line.cells["device"], line.cells.get("address", ""))
        for line in read(text.getvalue().encode(), "x").lines
    ]
    assert read_back == [(device, address.strip()) for device, address in rows]


def test_whole_numbers_and_times_of_excel_are_not_spoiled() -> None:
    moment = datetime(2026, 9, 3, 9, 29, 59, 999_700)  # noqa: DTZ001  # as Excel has it, a little off
    (line,) = read(workbook(["device", "heartbeat", "placed at"], [17, 7.5, moment]), "x.xlsx").lines
    assert line.cells == {"device": "17", "heartbeat_minutes": "7.5", "placed_at": "2026-09-03 09:30:00"}


@pytest.mark.parametrize("name", ["list.csv", "list.xlsx"])
def test_the_template_is_an_empty_list_with_every_column(tmp_path: Path, name: str) -> None:
    write_template(tmp_path / name)
    content = (tmp_path / name).read_bytes()
    assert read(content, name).lines == ()
    if name.endswith(".xlsx"):
        book = openpyxl.load_workbook(io.BytesIO(content))
        assert [cell.value for cell in book["devices"][1]] == list(COLUMNS)
        assert [row[0].value for row in book["columns"]][1:] == list(COLUMNS)
    else:
        assert content.decode("utf-8-sig").strip().split(";") == list(COLUMNS)
    with pytest.raises(ListError, match="is there already"):
        write_template(tmp_path / name)


def test_a_template_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    with pytest.raises(ListError, match=r"neither \.xlsx nor \.csv"):
        write_template(tmp_path / "list.ods")
    with pytest.raises(ListError, match="name another place"):
        write_template(tmp_path / "nowhere" / "list.csv")


# What becomes of its rows


LIST = (
    "device,technology,dialect,address,heartbeat_minutes,power,role,home,placed_at",
    "d1,,,,,,,h1,",
    "d2,,,,30,batteri,,h1,2026-09-10 09:30",
    "d3,Medisindispenser,,,,,,h2,2026-09-10T07:30:00Z",
    'd4,door_sensor,zigbee2mqtt,"Dør, stua","7,5",nett,sekundær,,',
)


def test_a_list_adds_changes_and_leaves_alone_and_says_so_row_by_row(connection: Session) -> None:
    done = register(connection, sheet(*LIST), trial_id="trial")
    assert told(done) == [
        (2, "d1", "unchanged"),
        (3, "d2", "changed"),
        (4, "d3", "added"),
        (5, "d4", "added"),
    ]
    assert (done.added, done.changed, done.unchanged, done.refused, done.written) == (2, 1, 1, 0, True)
    at = "2026-09-10T07:30:00+00:00"
    assert [(each.field, each.before, each.after) for each in done.rows[1].changes] == [
        ("heartbeat_minutes", 60.0, 30.0),
        ("power", "mains", "battery"),
        ("home", "h2", "h1"),
        ("placed_at", None, at),
    ]
    assert [(each.field, each.after) for each in done.rows[2].changes] == [("home", "h2"), ("placed_at", at)]
    assert [each.home for each in placements.of_device(connection, "d2")] == ["h2", "h1"]
    door = devices.one(connection, "d4")
    assert (door.address, door.heartbeat_minutes, door.power, door.roles) == (
        "Dør, stua",
        7.5,
        "mains",
        {"trial": "secondary"},
    )
    assert devices.one(connection, "d3").roles == {"trial": "primary"}
    assert registry.read(connection, "trial").devices[3].device == "d4"

    entries = history.entries(connection, trial_id="trial", limit=3)
    assert {(entry.changed_by, entry.action, entry.subject) for entry in entries} == {
        ("ida", "changed", "d2"),
        ("ida", "registered", "d3"),
        ("ida", "registered", "d4"),
    }
    version = registry.version(connection)
    again = register(connection, sheet(*LIST), trial_id="trial")
    assert {row.result for row in again.rows} == {"unchanged"}
    assert (again.written, registry.version(connection)) == (True, version)


def test_a_dry_run_says_the_same_and_writes_nothing(connection: Session) -> None:
    before = registry.read(connection, "trial"), len(history.entries(connection))
    dry = register(connection, sheet(*LIST), trial_id="trial", dry_run=True)
    assert (registry.read(connection, "trial"), len(history.entries(connection))) == before
    assert not dry.written
    done = register(connection, sheet(*LIST), trial_id="trial")
    assert dry.rows == done.rows


def test_one_bad_row_keeps_all_out_unless_it_is_to_be_skipped(connection: Session) -> None:
    listed = sheet("device,technology", "d8,stove_guard", "d9,stove_gard")
    done = register(connection, listed)
    assert (done.written, done.added, done.refused) == (False, 1, 1)
    assert set(changes.states(connection, ["d8", "d9"])) == set()
    skipped = register(connection, listed, skip_bad=True)
    assert (skipped.written, skipped.rows) == (True, done.rows)
    assert set(changes.states(connection, ["d8", "d9"])) == {"d8"}


@pytest.mark.parametrize(
    ("header", "row", "column", "value", "said"),
    [
        ("device", "d 9", "device", "d 9", "use letters a-z"),
        ("home,device", "h1,", "device", "", "is empty"),
        ("device,home", "d9,h1", "technology", "", "is empty, and the device is new"),
        ("device,technology", "d9,medisin", "technology", "medisin", "is no technology that Nyttig knows"),
        ("device,technology,dialect", "d9,stove_guard,zigbee2mqtt", "address", "", "by which the dialect 'zigbee2mqtt'"),
        ("device,technology,address", "d9,stove_guard,a/b", "address", "a/b", "may hold none of / + #"),
        ("device,technology,address", "d9,stove_guard,d1", "address", "d1", "is the nyttig address of d1 already"),
        ("device,heartbeat_minutes", "d1,0", "heartbeat_minutes", "0", "must be more than 0"),
        ("device,heartbeat_minutes", "d1,an hour", "heartbeat_minutes", "an hour", "is no number"),
        ("device,power", "d1,solar", "power", "solar", "is not one of: battery, mains"),
        ("device,role", "d1,primary", "role", "primary", "none is named"),
        ("device,trial", "d1,trail", "trial", "trail", "Did you mean 'trial'?"),
        ("device,technology,trial", "d9,stove_guard,trial", "technology", "stove_guard", "make its role secondary"),
        ("device,technology", "d1,stove_guard", "technology", "stove_guard", "make its role secondary"),
        ("device,home,placed_at", "d1,h3,2026-09-04 10:00Z", "home", "h3", "is no home; homes come with"),
        ("device,home", "d1,h2", "placed_at", "", "say from when d1 stands at h2"),
        ("device,placed_at", "d1,2026-09-04 10:00Z", "home", "", "is empty, and placed_at is not"),
        ("device,home,placed_at", "d1,h1,4/9/2026 10:00", "placed_at", "4/9/2026 10:00", "is no time"),
        ("device,home,placed_at", "d1,h1,04.09.2026", "placed_at", "2026-09-04", "is a day without a time of day"),
        ("device,home,placed_at", "d1,h1,2026-03-29 02:30", "placed_at", "2026-03-29 02:30", "does not exist in Europe/Oslo"),
        ("device,home,placed_at", "d1,h2,2026-08-01 10:00", "placed_at", "2026-08-01T08:00:00+00:00", "d1 stands at h1 from"),
        ("device,home,placed_at", "d1,h1,2026-09-04 10:00", "placed_at", "2026-09-04T08:00:00+00:00", "d1 stands at h1 from"),
        ("device,home", "d1,h1,stray", None, None, "put quotes around a value"),
    ],
)  # fmt: skip
def test_a_row_that_is_wrong_names_the_cell_its_value_and_the_remedy(
    one_store: Session, header: str, row: str, column: str | None, value: str | None, said: str
) -> None:
    done = register(one_store, sheet(header, row), dry_run=True)
    ((number, at, seen, remedy),) = refusals(done)
    assert (number, at, seen) == (2, column, value)
    assert said in remedy


def test_rows_are_checked_against_those_before_them(one_store: Session) -> None:
    done = register(
        one_store,
        sheet(
            "device,technology,address",
            "d8,stove_guard,a8",
            "d8,stove_guard,a9",
            "d9,stove_guard,a8",
            "d1,,a1",  # frees its address
            "d7,stove_guard,d1",
        ),
        dry_run=True,
    )
    assert [row.result for row in done.rows] == ["added", "refused", "refused", "changed", "added"]
    assert [(row, remedy) for row, _, _, remedy in refusals(done)] == [
        (3, "stands in row 2 already; keep one row a device"),
        (4, "is the nyttig address of d8 already; an address belongs to one device"),
    ]


def test_addresses_that_go_round_are_written_in_their_order(connection: Session) -> None:
    done = register(connection, sheet("device,technology,address", "d1,,a1", "d9,medicine_dispenser,d1"))
    assert done.written
    assert [(each.device, each.address) for each in registry.known_devices(connection)] == [
        ("d2", "d2"),
        ("d1", "a1"),
        ("d9", "d1"),
    ]


def test_what_a_listed_device_said_before_is_to_be_read_again(connection: Session) -> None:
    waiting = [
        Quarantined(
            "unknown_device", "told", "nyttig", f"wt/v1/a/b/{code}/event", b"{}", PLACED_AT, addresses=(code,)
        )
        for code in ("d8", "d9")
    ]
    quarantine.add(connection, waiting)
    connection.commit()
    register(connection, sheet("device,technology", "d7,door_sensor", "d9,door_sensor"))
    again = replays.take(connection, ["nyttig"], without=(), limit=10)
    assert [kept.topic for kept in again] == ["wt/v1/a/b/d9/event"]


def test_a_retired_device_is_not_placed_by_a_list(connection: Session) -> None:
    devices.retire(connection, "d1", "lost", datetime(2026, 9, 20, tzinfo=UTC), by="ida")
    connection.commit()
    done = register(connection, sheet("device,home,placed_at,hardware_id", "d1,h1,2026-10-01 10:00,x1"))
    assert "d1 is retired (lost)" in refusals(done)[0][3]
    done = register(connection, sheet("device,hardware_id", "d1,x1"))
    assert told(done) == [(2, "d1", "changed")]
    assert (devices.one(connection, "d1").hardware_id, devices.one(connection, "d1").retired_because) == (
        "x1",
        "lost",
    )


def test_homes_and_trials_of_other_units_are_unknown_to_who_asks(one_store: Session) -> None:
    listed = sheet("device,home,placed_at", "d1,h2,2026-10-01T10:00Z")
    assert register(one_store, listed, dry_run=True, units={"Bydel Alna"}).changed == 1
    assert register(one_store, listed, dry_run=True, units={"Odense"}).refused == 1
    with pytest.raises(NotFoundError, match="in your units"):
        register(one_store, listed, trial_id="trial", units={"Odense"})
    with pytest.raises(NotFoundError, match="there is no trial 'trail'"):
        register(one_store, listed, trial_id="trail")


def test_ten_thousand_rows_are_registered_in_one_go(connection: Session) -> None:
    rows = [
        f"m{n};Medisindispenser;zigbee2mqtt;0x{n:016x};trial;h{1 + n % 2};10.09.2026 09:30"
        for n in range(10_000)
    ]
    done = register(connection, sheet("device;technology;dialect;address;trial;home;placed_at", *rows))
    assert (done.added, done.refused, done.written) == (10_000, 0, True)
    assert len(registry.read(connection, "trial").placements) == 10_002
