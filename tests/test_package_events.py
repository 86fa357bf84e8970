"""Events and outages in a package: read in columns, checked like every table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nyttig.errors import PackageError, Problem
from nyttig.model import TrialPackage
from nyttig.package.columns import EVENT_SCHEMA, OUTAGE_SCHEMA
from nyttig.package.read import read, read_events, read_outages
from nyttig.package.technologies import builtin_technologies
from nyttig.package.write import write

ALNA = Path(__file__).parents[1] / "examples" / "alna-medisindispenser"
PACKAGE: TrialPackage = read(ALNA, builtin_technologies())

moments = st.datetimes(datetime(2001, 1, 1), datetime(2098, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- hypothesis takes naive bounds
words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)
events = st.fixed_dictionaries(
    {
        "device": st.sampled_from([device.device for device in PACKAGE.devices]),
        "at": moments,
        "received_at": moments,
        "device_time": st.none() | st.just(datetime(1970, 1, 1, 0, 3, tzinfo=UTC)) | moments,
        "type": words,
        "value": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "unit": st.none() | words,
        "origin": st.sampled_from(["citizen", "staff", "installer", "auto", "test"]),
        "boot_id": st.none() | words,
        "seq": st.none() | st.integers(0, 2**62),
        "message_id": st.none() | words,
        "late": st.booleans(),
        "clock_fault": st.sampled_from([None, "future", "past"]),
        "health": st.sampled_from([None, "{}", '{"battery_pct": 81.5, "fw": "1,2;\\"x\\""}']),
        "extra": st.sampled_from([None, '{"note": "linje\\nskift, æøå"}']),
    }
)


def wrong(folder: Path, text: str) -> list[Problem]:
    (folder / "events.csv").write_text(text, encoding="utf-8")
    with pytest.raises(PackageError) as caught:
        read_events(folder, PACKAGE)
    return list(caught.value.problems)


def rows(folder: Path, text: str) -> list[dict[str, Any]]:
    (folder / "events.csv").write_text(text, encoding="utf-8")
    table = read_events(folder, PACKAGE)
    assert table is not None
    assert table.schema == EVENT_SCHEMA
    found: list[dict[str, Any]] = table.to_pylist()
    return found


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(events, max_size=6), st.sampled_from(["csv", "parquet"]))
def test_events_that_are_written_are_the_same_when_read(
    tmp_path_factory: pytest.TempPathFactory, listed: list[dict[str, Any]], suffix: str
) -> None:
    folder = tmp_path_factory.mktemp("export") / "alna"
    table = pa.Table.from_pylist(listed, EVENT_SCHEMA)
    write(PACKAGE, folder, formats={suffix}, events=table)
    assert read(folder, builtin_technologies()) == PACKAGE
    read_back = read_events(folder, PACKAGE)
    assert read_back is not None
    assert read_back.to_pylist() == table.to_pylist()


def test_a_package_without_events_has_none(tmp_path: Path) -> None:
    assert read_events(tmp_path, PACKAGE) is None
    assert read_outages(tmp_path) is None


def test_events_written_by_hand_need_a_device_a_time_and_a_type(tmp_path: Path) -> None:
    (event,) = rows(tmp_path, "\ufeffdevice;at;type\nmd-101;2026-09-01T08:00;dose_taken\n")
    at = datetime(2026, 9, 1, 6, tzinfo=UTC)
    assert (event["at"], event["received_at"]) == (at, at)
    assert (event["origin"], event["late"], event["value"]) == ("citizen", False, None)


def test_a_header_alone_is_no_events(tmp_path: Path) -> None:
    assert rows(tmp_path, "device,at,type\n") == []
    assert rows(tmp_path, "device,at,type\n\n") == []


def test_every_problem_of_the_events_is_told_with_its_row(tmp_path: Path) -> None:
    found = wrong(
        tmp_path,
        "device,at,type,value,origin,seq,late,health,clock_fault\n"
        "md-101,2026-09-01T08:00Z,dose_taken,1,citizen,1,false,,\n"
        'md-999,2026-10-25T02:30,dose_taken,"1,5",cat,x,perhaps,[1],late\n'
        ",2199-09-01T08:00Z,,nan,,1.5,,{,\n",
    )
    assert {(each.row, each.column) for each in found} == {
        (3, "device"), (3, "at"), (3, "value"), (3, "origin"), (3, "seq"), (3, "late"), (3, "health"),
        (3, "clock_fault"), (4, "device"), (4, "at"), (4, "type"), (4, "value"), (4, "seq"), (4, "health"),
    }  # fmt: skip
    assert any("happened twice" in each.remedy for each in found)


def test_a_year_that_cannot_be_is_a_problem_but_not_in_the_devices_own_time(tmp_path: Path) -> None:
    (problem,) = wrong(tmp_path, "device,at,type\nmd-101,1970-01-01T00:00:00Z,dose_taken\n")
    assert problem.column == "at"
    text = "device,at,type,device_time\nmd-101,2026-09-01T08:00:00Z,dose_taken,1970-01-01T00:00:00Z\n"
    assert rows(tmp_path, text)[0]["device_time"].year == 1970


def test_a_fault_in_every_row_is_told_twenty_times_and_counted(tmp_path: Path) -> None:
    found = wrong(tmp_path, "device,at,type\n" + "md-999,2026-09-01T08:00:00Z,dose_taken\n" * 500)
    assert len(found) == 21
    assert "in 480 more rows" in found[-1].remedy


def test_rows_of_the_wrong_width_are_a_problem(tmp_path: Path) -> None:
    (problem,) = wrong(tmp_path, "device,at,type\nmd-101,2026-09-01T08:00:00Z\n")
    assert (problem.row, "2 cells and the header 3" in problem.remedy) == (2, True)


def test_misnamed_and_missing_columns_are_problems(tmp_path: Path) -> None:
    found = wrong(tmp_path, "device,att,type\nmd-101,2026-09-01T08:00:00Z,dose_taken\n")
    assert [(each.row, each.column) for each in found] == [(1, "att"), (1, "at")]


def test_a_file_in_another_encoding_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_bytes(
        "device,at,type\nmd-101,2026-09-01T08:00:00Z,dør\n".encode("latin-1")
    )
    with pytest.raises(PackageError, match="UTF-8"):
        read_events(tmp_path, PACKAGE)


def test_a_parquet_file_that_is_none_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "events.parquet").write_bytes(b"PAR1, or not")
    with pytest.raises(PackageError, match=r"events\.parquet"):
        read_events(tmp_path, PACKAGE)


def test_parquet_from_another_tool_with_local_times_is_read(tmp_path: Path) -> None:
    table = pa.table(
        {
            "device": pa.array(["md-101", "md-101"]).dictionary_encode(),
            "at": pa.array([datetime(2026, 9, 1, 8), datetime(2026, 12, 1, 8)], pa.timestamp("ns")),  # noqa: DTZ001 -- local times are the point
            "type": pa.array(["dose_taken", "dose_taken"], pa.large_string()),
            "value": pa.array([1, None], pa.int32()),
        }
    )
    pq.write_table(table, tmp_path / "events.parquet")
    read_back = read_events(tmp_path, PACKAGE)
    assert read_back is not None
    at = [each["at"] for each in read_back.to_pylist()]
    assert at == [datetime(2026, 9, 1, 6, tzinfo=UTC), datetime(2026, 12, 1, 7, tzinfo=UTC)]


def test_outages_go_out_and_come_back(tmp_path: Path) -> None:
    began = datetime(2026, 9, 1, 8, 0, 0, 5, tzinfo=UTC)
    listed = [{"cause": "broker", "began_at": began, "ended_at": began + timedelta(hours=2), "lossy": True}]
    write(PACKAGE, tmp_path / "alna", outages=pa.Table.from_pylist(listed, OUTAGE_SCHEMA))
    table = read_outages(tmp_path / "alna")
    assert table is not None
    assert table.to_pylist() == listed


def test_outages_with_faults_are_told(tmp_path: Path) -> None:
    text = (
        "cause,began_at,ended_at,lossy\n"
        "flood,2026-09-01T08:00Z,2026-09-01T07:00Z,true\n"
        "broker,2026-09-01T08:00,2026-09-01T09:00Z,false\n"
    )
    (tmp_path / "outages.csv").write_text(text)
    with pytest.raises(PackageError) as caught:
        read_outages(tmp_path)
    found = {(each.row, each.column) for each in caught.value.problems}
    assert found == {(2, "cause"), (2, "ended_at"), (3, "began_at")}
