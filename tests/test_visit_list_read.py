"""A visit log as a care system exports it is read: whichever way it is written, and whatever its columns are called."""

from __future__ import annotations

import contextlib
import csv
import io
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nyttig.errors import EntryError
from nyttig.indicators import NEW_WORK_PURPOSES
from nyttig.sheet import ListError, Sheet
from nyttig.visit_list import (
    FIELDS,
    Line,
    VisitColumns,
    columns_of,
    from_json,
    guess,
    lines,
    read,
    seen_values,
    to_json,
)
from nyttig.visit_words import MEANINGS

OSLO = ZoneInfo("Europe/Oslo")
NORWEGIAN = "Hjemkode;Dato;Fra kl.;Til kl.;Besøkstype;Tiltak;Faggruppe;Reisetid (min)"
ROW = "h1;03.08.2026;08:50;09:02;Hjemmebesøk;Påfylling;Hjemmetjenesten;7,5"


def sheet(*rows: str, encoding: str = "utf-8") -> Sheet:
    return read("\r\n".join(rows).encode(encoding), "log.csv")


def told(found: Sheet, **changed: Any) -> list[Line]:
    """The lines as they are read by the words, with these changes to the guess."""
    _, how = guess(found.header, {})
    columns = VisitColumns(
        {**how.columns, **changed.get("columns", {})},
        changed.get("values", how.values),
        {**how.always, **changed.get("always", {})},
    )
    return lines(found, columns, OSLO)


def workbook(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


EXPECTED = (
    "h1",
    datetime(2026, 8, 3, 6, 50, tzinfo=UTC),
    datetime(2026, 8, 3, 7, 2, tzinfo=UTC),
    "physical",
    "refill",
    "Hjemmetjenesten",
    7.5,
    None,
)


def visit_of(line: Line) -> tuple[Any, ...]:
    return (
        line.home, line.started_at, line.ended_at, line.kind, line.purpose, line.staff_group, line.travel_minutes,
        line.period,
    )  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        f"{NORWEGIAN}\r\n{ROW}\r\n".encode(),
        f"{NORWEGIAN}\r\n{ROW}\r\n".encode("utf-8-sig"),
        f"{NORWEGIAN}\n{ROW}\n".encode("cp1252"),
        f"{NORWEGIAN}\n{ROW}\n".encode("utf-16"),
        "Besøg, uge 32\n\nHjemkode\tDato\tStart\tSlut\tBesøgstype\tYdelse\tPersonalegruppe\tKøretid\n"
        "h1\t3-8-2026\t8.50\t9.02\tHjemmebesøg\tPåfyldning\tHjemmetjenesten\t7,5\n".encode(),
        "Kod,Starttid,Sluttid,Typ av besök,Insats,Yrkesgrupp,Restid\n"
        'h1,2026-08-03 08:50,2026-08-03 09:02,Hembesök,Påfyllning,Hjemmetjenesten,"7,5"\n'.encode(),
        (
            b"home,started_at,minutes,kind,purpose,staff_group,travel_minutes\n"
            b"h1,2026-08-03T06:50:00Z,12 min,physical,refill,Hjemmetjenesten,7.5\n"
        ),
        workbook(
            ["Utskrift 21.08.2026"],
            ["Hjemkode", "Dato", "Fra kl", "Varighet", "Besøkstype", "Tiltak", "Faggruppe", "Reisetid"],
            ["h1", datetime(2026, 8, 3), time(8, 50), timedelta(minutes=12), "Hjemmebesøk", "Påfylling",  # noqa: DTZ001  # as Excel has it
             "Hjemmetjenesten", 7.5],
        ),
    ],
    ids=["norwegian", "with BOM", "windows-1252", "utf-16", "danish", "swedish", "english", "excel"],
)  # fmt: skip
def test_a_log_is_read_however_a_nordic_care_system_wrote_it(content: bytes) -> None:
    found = read(content, "log")
    (line,) = told(found)
    assert line.problems == ()
    assert visit_of(line) == EXPECTED


def test_columns_that_nobody_knows_are_chosen_by_who_brings_the_list_in() -> None:
    found = sheet("A;B;C;D", "h1;03.08.2026 08:50;12;x")
    _, how = guess(found.header, {})
    assert how.missing == ("home", "started_at", "ended_at")
    text = to_json(
        VisitColumns(
            {"home": "A", "started_at": "B", "minutes": "C"},
            {},
            {"kind": "physical", "purpose": "visit", "travel_minutes": "7,5"},
        )
    )
    chosen = columns_of(text, found.header)
    assert chosen.missing == ()
    (line,) = lines(found, chosen, OSLO)
    assert visit_of(line)[:4] == EXPECTED[:4]
    assert (line.purpose, line.travel_minutes) == ("visit", 7.5)


def test_a_remembered_way_of_reading_is_found_by_the_columns_names() -> None:
    known = VisitColumns({"home": "A", "started_at": "B", "minutes": "C"}, {"kind": {"x": "remote"}}, {})
    smaller = VisitColumns({"home": "A", "started_at": "B"})
    found = read(b"Some title\n\nd;C;b;a\nx;1;2;3\n", "log.csv", [known])
    assert found.header == ("d", "C", "b", "a")
    assert guess(found.header, {"old": smaller, "Gerica": known}) == (
        "Gerica",
        VisitColumns({"home": "a", "started_at": "b", "minutes": "C"}, {"kind": {"x": "remote"}}, {}),
    )
    assert guess(("A", "C"), {"Gerica": known})[0] is None


def test_columns_without_a_name_or_with_the_same_one_can_be_told_apart() -> None:
    found = sheet("Tid;Tid;;Hjem", "1;2;3;4")
    assert found.header == ("Tid", "Tid (2)", "(3)", "Hjem")


def test_the_lists_own_words_are_taken_for_ours_as_somebody_said() -> None:
    found = sheet(
        "Hjem;Start;Min;Type;Tiltak;Fase", "h1;03.08.2026 08:50;12;S;Rørlegger;Nullpunkt", "h1;;;V;Stell;F1"
    )
    _, how = guess(found.header, {})
    said = VisitColumns(
        how.columns, {"kind": {"S": "remote"}, "purpose": {"Rørlegger": "support"}}, how.always
    )
    assert [(each.field, each.value, each.means) for each in seen_values(found, said)] == [
        ("kind", "S", "remote"),
        ("kind", "V", None),
        ("purpose", "Rørlegger", "support"),
        ("purpose", "Stell", None),
        ("period", "F1", None),
        ("period", "Nullpunkt", "before"),
    ]
    first, second = lines(found, said, OSLO)
    assert (first.kind, first.purpose, first.period, first.travel_minutes) == (
        "remote",
        "support",
        "before",
        0.0,
    )
    assert second.purpose == "Stell"
    assert {problem.column for problem in second.problems} >= {"Start", "Type", "Fase"}


@pytest.mark.parametrize(
    ("changed", "column", "said"),
    [
        ({"Hjemkode": ""}, "Hjemkode", "fill in the code of the home"),
        ({"Dato": ""}, "Fra kl.", "a time of day without a day"),
        ({"Fra kl.": ""}, "Fra kl.", "fill in when the visit began"),
        ({"Fra kl.": "25:00"}, "Fra kl.", "is no time of day"),
        ({"Dato": "31.02.2026"}, "Fra kl.", "is no time of the calendar"),
        ({"Dato": "29.03.2026", "Fra kl.": "02:30"}, "Fra kl.", "does not exist in Europe/Oslo"),
        ({"Til kl.": ""}, "minutes", "fill in when the visit ended"),
        ({"Til kl.": "01.08.2026 09:00"}, "Til kl.", "is before the visit began"),
        ({"Til kl.": "07.08.2026 09:00"}, "Til kl.", "makes a visit of 96 hours"),
        ({"Besøkstype": "Annet"}, "Besøkstype", "say whether it is at the door"),
        ({"Tiltak": "x" * 200}, "Tiltak", "never one of notes"),
        ({"Reisetid (min)": ""}, "Reisetid (min)", "how many to reckon with"),
        ({"Reisetid (min)": "litt"}, "Reisetid (min)", "is no number of minutes"),
        ({"Reisetid (min)": "9000"}, "Reisetid (min)", "is more than 24 hours"),
    ],
)
def test_a_cell_that_is_wrong_is_named_with_its_value_and_the_remedy(
    changed: dict[str, str], column: str, said: str
) -> None:
    cells = dict(zip(NORWEGIAN.split(";"), ROW.split(";"), strict=True)) | changed
    (line,) = told(sheet(NORWEGIAN, ";".join(cells.values())))
    (problem,) = line.problems
    assert problem.column == column
    assert said in problem.remedy
    assert line.cells == tuple(cells.values())


def test_a_night_visit_ends_the_next_day_and_a_summer_night_has_its_hours() -> None:
    head = "Hjem;Start;Slutt"
    (night,) = told(sheet(head, "h1;03.08.2026 23:50;00:10"), always={"travel_minutes": "0"})
    assert night.started_at is not None
    assert night.ended_at is not None
    assert night.ended_at - night.started_at == timedelta(minutes=20)
    (longer,) = told(sheet(head, "h1;24.10.2026 23:00;06:00"), always={"travel_minutes": "0"})
    assert longer.started_at is not None
    assert longer.ended_at is not None
    assert longer.ended_at - longer.started_at == timedelta(hours=8)


@pytest.mark.parametrize("day", ["3.8.26", "3/8-2026", "2026-08-03 kl. 00.00", "03-08-2026"])
def test_a_day_is_read_however_it_is_written(day: str) -> None:
    (line,) = told(sheet(NORWEGIAN, ROW.replace("03.08.2026", day)))
    assert visit_of(line) == EXPECTED


def test_days_with_slashes_are_read_where_the_list_itself_says_which_way_round() -> None:
    rows = [ROW.replace("03.08.2026", day) for day in ("03/08/2026", "24/08/2026", "08/24/2026")]
    danish = told(sheet(NORWEGIAN, *rows[:2]))
    assert [line.problems for line in danish] == [(), ()]
    assert visit_of(danish[0]) == EXPECTED
    for mixed in (rows[:1], rows):
        first, *_ = told(sheet(NORWEGIAN, *mixed))
        assert "write it as 2026-09-01T09:30" in first.problems[0].remedy


def test_a_row_that_is_wider_than_the_header_is_said_to_be() -> None:
    (line,) = told(sheet(NORWEGIAN, ROW + ";;stray"))
    assert "put quotes around a value" in line.problems[0].remedy


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing", "is no JSON"),
        ("[1]", "holds something else"),
        ('{"columns": {"home": 1}}', "no object of texts"),
        ('{"columns": {"house": "A"}}', "'house' is no field"),
        ('{"columns": {"home": "Hjm"}}', "Did you mean 'Hjem'?"),
        ('{"values": {"home": {}}}', "is none of kind, purpose, period"),
        ('{"values": {"kind": {"x": "by car"}}}', "'by car' is not one of: physical, remote"),
        ('{"always": {"period": "now"}}', "'now' is not one of: before, after"),
        ('{"always": {"travel_minutes": "some"}}', "is no number of minutes"),
        ("[" * 100_000, "is no JSON"),
    ],
)
def test_a_way_of_reading_that_cannot_be_says_what_may_stand_there(text: str, said: str) -> None:
    with pytest.raises(EntryError) as raised:
        columns_of(text, ("Hjem", "Start"))
    assert said in str(raised.value)


def test_the_words_for_new_work_are_those_that_the_figures_leave_out_of_visits() -> None:
    assert set(MEANINGS["purpose"].values()) == NEW_WORK_PURPOSES


TEXT = st.text(max_size=30)
WAYS = st.builds(
    VisitColumns,
    st.dictionaries(st.sampled_from(FIELDS), st.just("A"), max_size=10),
    st.just({}),
    st.dictionaries(st.sampled_from(["purpose", "staff_group"]), TEXT, max_size=2),
)


@given(st.binary(max_size=200) | TEXT.map(lambda text: f"{NORWEGIAN}\n{text}\n{ROW}".encode()))
def test_any_bytes_are_a_list_or_are_refused(content: bytes) -> None:
    try:
        found = read(content, "log.csv")
    except ListError:
        return
    assert len(set(found.header)) == len(found.header)
    for line in lines(found, guess(found.header, {})[1], OSLO):
        assert line.problems or (line.started_at is not None and line.ended_at is not None)


CELLS = st.one_of(
    TEXT,
    st.datetimes().map(lambda moment: f"{moment:%d.%m.%Y %H:%M}"),
    st.integers(-5, 10**7).map(str),
    st.from_regex(r"[0-9]{1,4}[.:\-/ ][0-9]{1,2}[.:\-/ ][0-9]{1,4}( (kl\. ?)?[0-9]{1,2}[:.][0-9]{2})?", fullmatch=True),
)  # fmt: skip


@given(st.lists(CELLS, min_size=8, max_size=8))
def test_whatever_stands_in_a_row_is_a_visit_or_has_its_remedy(cells: list[str]) -> None:
    header = tuple(NORWEGIAN.split(";"))
    (line,) = lines(Sheet("log", 1, header, ((2, cells),)), guess(header, {})[1], OSLO)
    if not line.problems:
        assert line.started_at is not None
        assert line.ended_at is not None
        assert timedelta(0) <= line.ended_at - line.started_at <= timedelta(days=1)
        assert line.travel_minutes is not None
        assert line.travel_minutes >= 0


@given(WAYS)
def test_a_way_of_reading_is_remembered_as_it_was(way: VisitColumns) -> None:
    assert from_json(to_json(way)) == way


@given(st.text(max_size=60))
def test_any_text_is_a_way_of_reading_or_is_refused(text: str) -> None:
    with contextlib.suppress(EntryError):  # the one error that there may be
        from_json(text)


@given(
    st.lists(
        st.tuples(st.text("abc123", min_size=1, max_size=6), st.text("abcæøå ,;\"'", max_size=12)),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from(",;\t"),
)
def test_what_a_program_writes_is_read_back_cell_by_cell(rows: list[tuple[str, str]], separator: str) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    writer.writerow(["Hjemkode", "Tiltak", "Fra kl."])
    writer.writerows([(*row, "08:00") for row in rows])
    found = read(text.getvalue().encode(), "x")
    assert [(line.home, line.cells[1]) for line in told(found)] == [
        (home, purpose.strip()) for home, purpose in rows
    ]
