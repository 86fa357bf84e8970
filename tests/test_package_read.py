"""What can be wrong in a trial package's tables, and that all of it is said at once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from nyttig.errors import PackageError, Problem
from nyttig.model import TrialPackage
from nyttig.package.read import read
from nyttig.package.technologies import builtin_technologies

TRIAL = """
id = "alna"
title = "Medisindispenser"
units = ["Bydel Alna"]
technology = "medicine_dispenser"
timezone = "Europe/Oslo"
currency = "NOK"
starts = 2026-08-24
"""
HOMES = "home,site_type,unit\nalna-1,home,Bydel Alna\nalna-2,home,Bydel Alna\n"
DEVICES = "device,technology\nmd-1,medicine_dispenser\nmd-2,medicine_dispenser\n"
VISITS = "home,started_at,ended_at,kind,purpose,travel_minutes,period\n"


def load(folder: Path, **files: str) -> TrialPackage:
    for name, text in {"trial_toml": TRIAL, "homes_csv": HOMES, "devices_csv": DEVICES, **files}.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return read(folder, builtin_technologies())


def problems(folder: Path, **files: str) -> list[Problem]:
    with pytest.raises(PackageError) as caught:
        load(folder, **files)
    return list(caught.value.problems)


def only(folder: Path, **files: str) -> Problem:
    found = problems(folder, **files)
    assert len(found) == 1, found
    return found[0]


def test_a_small_package_is_read_with_its_defaults(tmp_path: Path) -> None:
    package = load(tmp_path)
    first = package.devices[0]
    assert (first.dialect, first.address, first.power, first.role) == ("nyttig", "md-1", "mains", "primary")
    assert first.heartbeat_minutes == 60
    assert [home.home for home in package.homes] == ["alna-1", "alna-2"]
    assert package.placements == ()


def test_a_semicolon_file_with_a_byte_order_mark_from_a_nordic_spreadsheet_is_read(tmp_path: Path) -> None:
    text = "\ufeffhome;site_type;unit;installed_on\r\nalna-1;home;Bydel Alna;2026-08-24\r\n;;;\r\n\r\nalna-2;home;Bydel Alna;\r\n"
    package = load(tmp_path, homes_csv=text)
    assert [(home.home, home.installed_on) for home in package.homes] == [
        ("alna-1", date(2026, 8, 24)),
        ("alna-2", None),
    ]


def test_a_norwegian_spreadsheets_true_and_false_are_read(tmp_path: Path) -> None:
    text = (
        "home;indicator;measured_on;period;value;by_proxy\n"
        "alna-1;who5;2026-08-20;before;52;SANN\nalna-2;who5;2026-08-20;before;48;USANN\n"
    )
    assert [each.by_proxy for each in load(tmp_path, measures_csv=text).measures] == [True, False]


def test_a_table_may_be_parquet_with_typed_columns(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "device": ["md-1", "md-2"],
            "home": ["alna-1", "alna-2"],
            "placed_at": pd.to_datetime(["2026-08-24T08:00Z", "2026-08-25T08:00Z"], utc=True),
            "removed_at": pd.to_datetime(pd.Series([None, "2026-09-25T08:00Z"]), utc=True),
        }
    )
    frame.to_parquet(tmp_path / "placements.parquet")
    package = load(tmp_path)
    assert [each.removed_at for each in package.placements] == [None, datetime(2026, 9, 25, 8, tzinfo=UTC)]


def test_a_time_without_offset_is_local_to_the_trial(tmp_path: Path) -> None:
    text = "device,home,placed_at\nmd-1,alna-1,2026-08-24T10:00\nmd-2,alna-2,2026-11-24 10:00:00+02:00\n"
    placed = [each.placed_at for each in load(tmp_path, placements_csv=text).placements]
    assert placed == [datetime(2026, 8, 24, 8, tzinfo=UTC), datetime(2026, 11, 24, 8, tzinfo=UTC)]


def test_a_local_time_that_the_spring_change_skips_is_a_problem_that_says_so(tmp_path: Path) -> None:
    problem = only(tmp_path, placements_csv="device,home,placed_at\nmd-1,alna-1,2027-03-28T02:30\n")
    assert (problem.file, problem.row, problem.column) == ("placements.csv", 2, "placed_at")
    assert "does not exist in Europe/Oslo" in problem.remedy
    assert "2027-03-28T03:30:00+02:00" in problem.remedy


def test_a_local_time_that_the_autumn_change_doubles_is_a_problem_that_says_so(tmp_path: Path) -> None:
    problem = only(tmp_path, placements_csv="device,home,placed_at\nmd-1,alna-1,2026-10-25T02:30\n")
    assert "happened twice" in problem.remedy
    assert "2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00" in problem.remedy


def test_a_pause_given_in_days_lasts_until_the_next_local_midnight(tmp_path: Path) -> None:
    text = (
        "home,paused_from,paused_to\nalna-1,2026-10-20,2026-10-25\n"
        "alna-2,2026-10-20T08:00:00+02:00,2026-10-21T08:00\n"
    )
    days, times = load(tmp_path, pauses_csv=text).pauses
    assert (days.paused_from, days.paused_to) == (
        datetime(2026, 10, 19, 22, tzinfo=UTC),
        datetime(2026, 10, 25, 23, tzinfo=UTC),
    )
    assert (times.paused_from, times.paused_to) == (
        datetime(2026, 10, 20, 6, tzinfo=UTC),
        datetime(2026, 10, 21, 6, tzinfo=UTC),
    )


def test_every_problem_of_every_file_is_told_in_one_go(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        trial_toml=TRIAL.replace("Europe/Oslo", "Europe/Olso").replace("alna", "Alna!"),
        homes_csv="home,site_type,unit,instaled_on\nalna-1,hoem,Bydel Alna,\nalna-2,home,Bydel Anla,2026-13-01\n",
        devices_csv='device,technology,heartbeat_minutes\nmd 1,medicine_dispenser,\nmd-2,medicine_dispensr,"7,5"\n',
        placements_csv="device,home,placed_at,removed_at\nmd-9,alna-9,2026-08-24,yesterday\n",
    )
    places = {(each.file, each.row, each.column) for each in found}
    assert places == {
        ("trial.toml", None, "id"),
        ("trial.toml", None, "timezone"),
        ("homes.csv", 1, "instaled_on"),
        ("homes.csv", 2, "site_type"),
        ("homes.csv", 3, "unit"),
        ("devices.csv", 2, "device"),
        ("devices.csv", 3, "technology"),
        ("devices.csv", 3, "heartbeat_minutes"),
        ("placements.csv", 2, "device"),
        ("placements.csv", 2, "home"),
        ("placements.csv", 2, "placed_at"),
        ("placements.csv", 2, "removed_at"),
    }
    assert len(found) == len(places)


def test_a_slip_in_one_cell_is_one_problem_and_not_one_per_row_that_names_the_home(tmp_path: Path) -> None:
    placed = "device,home,placed_at\nmd-1,alna-1,2026-08-24T10:00\n"
    problem = only(tmp_path, homes_csv=HOMES.replace("alna-1,home", "alna-1,hom"), placements_csv=placed)
    assert problem.value == "hom"
    assert "Did you mean 'home'?" in problem.remedy


def test_rows_are_numbered_as_a_spreadsheet_shows_them(tmp_path: Path) -> None:
    text = 'home,site_type,unit,legal_basis\nalna-1,home,Bydel Alna,"two\nlines"\n\nalna-2,home,,\n'
    assert only(tmp_path, homes_csv=text).row == 4


CELLS = {
    "an unknown column": ({"homes_csv": "home,site_type,unit,instaled_on\n"}, "instaled_on", "Did you mean 'installed_on'?"),
    "a doubled column": ({"homes_csv": "home,home,site_type,unit\n"}, "home", "twice"),
    "a missing column": ({"homes_csv": "home,site_type\nalna-1,home\n"}, "unit", "is missing"),
    "an empty required cell": ({"homes_csv": HOMES + "alna-3,,Bydel Alna\n"}, "site_type", "is empty"),
    "a code with a blank": ({"homes_csv": HOMES + "alna 3,home,Bydel Alna\n"}, "home", "is no code"),
    "a home twice": ({"homes_csv": HOMES + "alna-2,home,Bydel Alna\n"}, "home", "row 3 already"),
    "a unit outside the trial": ({"homes_csv": HOMES + "alna-3,home,Bydel Alma\n"}, "unit", "Did you mean 'Bydel Alna'?"),
    "a day that the calendar lacks": (
        {"homes_csv": "home,site_type,unit,asked_on\nalna-1,home,Bydel Alna,2026-02-30\n"}, "asked_on", "calendar"),
    "a Nordic date": (
        {"homes_csv": "home,site_type,unit,asked_on\nalna-1,home,Bydel Alna,4.8.2026\n"}, "asked_on", "2026-08-04"),
    "a year far off": (
        {"homes_csv": "home,site_type,unit,asked_on\nalna-1,home,Bydel Alna,0226-08-04\n"}, "asked_on", "check the year"),
    "an end before the installation": (
        {"homes_csv": "home,site_type,unit,installed_on,ended_on\nalna-1,home,Bydel Alna,2026-09-02,2026-09-01\n"},
        "ended_on", "before the installation"),
    "an unknown end reason": (
        {"homes_csv": "home,site_type,unit,ended_on,end_reason\nalna-1,home,Bydel Alna,2026-09-02,died\n"},
        "end_reason", "deceased"),
    "a reason without an end": (
        {"homes_csv": "home,site_type,unit,ended_on,end_reason\nalna-1,home,Bydel Alna,,moved\n"},
        "end_reason", "without a day"),
    "an unknown technology": ({"devices_csv": "device,technology\nmd-1,medicin_dispenser\n"}, "technology", "Did you mean"),
    "a primary device of another technology": (
        {"devices_csv": "device,technology\nmd-1,door_sensor\n"}, "technology", "make its role secondary"),
    "a device twice": ({"devices_csv": DEVICES + "md-1,medicine_dispenser\n"}, "address", "row 2 already"),
    "no address in a foreign dialect": (
        {"devices_csv": "device,technology,dialect\nmd-1,medicine_dispenser,zigbee2mqtt\n"}, "address", "zigbee2mqtt"),
    "an address that is no topic level": (
        {"devices_csv": "device,technology,address\nmd-1,medicine_dispenser,a/b\n"}, "address", "MQTT topic"),
    "a decimal comma": (
        {"devices_csv": 'device,technology,heartbeat_minutes\nmd-1,medicine_dispenser,"7,5"\n'},
        "heartbeat_minutes", "write it with a point: 7.5"),
    "a heartbeat of nothing": (
        {"devices_csv": "device,technology,heartbeat_minutes\nmd-1,medicine_dispenser,0\n"},
        "heartbeat_minutes", "more than 0"),
    "no number": (
        {"devices_csv": "device,technology,heartbeat_minutes\nmd-1,medicine_dispenser,nan\n"},
        "heartbeat_minutes", "is no number"),
    "a device that nobody knows": (
        {"placements_csv": "device,home,placed_at\nmd-3,alna-1,2026-08-24T10:00\n"}, "device", "no row of devices.csv"),
    "a home that nobody knows": (
        {"placements_csv": "device,home,placed_at\nmd-1,alna-3,2026-08-24T10:00\n"}, "home", "no row of homes.csv"),
    "a day where a time belongs": (
        {"placements_csv": "device,home,placed_at\nmd-1,alna-1,2026-08-24\n"}, "placed_at", "write one, such as"),
    "a time that no clock shows": (
        {"placements_csv": "device,home,placed_at\nmd-1,alna-1,2026-08-24T25:00\n"}, "placed_at", "calendar and the clock"),
    "a removal before the placement": (
        {"placements_csv": "device,home,placed_at,removed_at\nmd-1,alna-1,2026-08-24T10:00,2026-08-24T10:00\n"},
        "removed_at", "is not after placed_at"),
    "a device in two homes at once": (
        {"placements_csv": "device,home,placed_at,removed_at\nmd-1,alna-1,2026-08-24T10:00,2026-09-24T10:00\n"
                           "md-1,alna-2,2026-09-24T09:00,\n"}, "placed_at", "one place at a time"),
    "a device that was never taken away": (
        {"placements_csv": "device,home,placed_at\nmd-1,alna-1,2026-08-24T10:00\nmd-1,alna-2,2026-09-24T09:00\n"},
        "placed_at", "correct removed_at"),
    "a pause that ends first": (
        {"pauses_csv": "home,paused_from,paused_to\nalna-1,2026-10-02,2026-10-01\n"}, "paused_to", "not after"),
    "a visit that ends first": (
        {"visits_csv": VISITS + "alna-1,2026-09-01T10:00,2026-09-01T09:00,physical,medicine,5,before\n"},
        "ended_at", "not after"),
    "a visit without its travel": (
        {"visits_csv": VISITS + "alna-1,2026-09-01T10:00,2026-09-01T10:10,physical,medicine,,before\n"},
        "travel_minutes", "0 where there were none"),
    "an unknown period": (
        {"visits_csv": VISITS + "alna-1,2026-09-01T10:00,2026-09-01T10:10,remote,support,,during\n"},
        "period", "before, after"),
    "visits over more days than a registration has": (
        {"visits_csv": VISITS + "alna-1,2026-09-01T10:00,2026-09-01T10:10,physical,medicine,5,before\n"
                                "alna-1,2026-09-16T10:00,2026-09-16T10:10,physical,medicine,5,before\n"},
        "started_at", "days = 16 under [registration]"),
    "no truth value": (
        {"measures_csv": "home,indicator,measured_on,period,value,by_proxy\nalna-1,who5,2026-08-20,before,52,maybe\n"},
        "by_proxy", "true nor false"),
    "an invisible character": (
        {"measures_csv": "home,indicator,measured_on,period,value\nalna-1,who\x005,2026-08-20,before,52\n"},
        "indicator", "invisible"),
    "a kind of cost that there is not": (
        {"costs_csv": "item,kind,amount,per\nDispenser,capitol,9000,device\n"}, "kind", "Did you mean 'capital'?"),
}  # fmt: skip


@pytest.mark.parametrize(("files", "column", "remedy"), CELLS.values(), ids=CELLS)
def test_a_wrong_cell_is_told_with_its_place_and_remedy(
    tmp_path: Path, files: dict[str, str], column: str, remedy: str
) -> None:
    found = [each for each in problems(tmp_path, **files) if each.column == column]
    assert found
    assert any(remedy in each.remedy for each in found), found
    assert all(each.row for each in found)


def test_a_row_that_is_cut_short_is_a_problem(tmp_path: Path) -> None:
    problem = only(tmp_path, homes_csv=HOMES + "alna-3,home\n")
    assert (problem.row, "2 cells and the header 3" in problem.remedy) == (4, True)


def test_an_unclosed_quote_is_a_problem(tmp_path: Path) -> None:
    problem = only(tmp_path, homes_csv=HOMES + 'alna-3,home,"Bydel Alna\n')
    assert (problem.row, "check its quotes" in problem.remedy) == (4, True)


def test_a_file_in_another_encoding_is_a_problem_with_its_row(tmp_path: Path) -> None:
    load(tmp_path)
    (tmp_path / "homes.csv").write_bytes((HOMES + "alna-3,home,Bydel Grünerløkka\n").encode("latin-1"))
    with pytest.raises(PackageError) as caught:
        read(tmp_path, builtin_technologies())
    assert "CSV UTF-8" in caught.value.problems[0].remedy
    assert caught.value.problems[0].row == 4


def test_an_empty_file_is_a_problem(tmp_path: Path) -> None:
    assert "empty" in only(tmp_path, visits_csv="").remedy


def test_a_missing_table_of_homes_is_a_problem_and_any_other_is_an_empty_table(tmp_path: Path) -> None:
    load(tmp_path)
    (tmp_path / "devices.csv").unlink()
    assert read(tmp_path, builtin_technologies()).devices == ()
    (tmp_path / "homes.csv").unlink()
    with pytest.raises(PackageError, match=r"homes\.csv: the file is missing"):
        read(tmp_path, builtin_technologies())


def test_a_table_under_a_misspelt_name_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    assert "Did you mean 'placements'?" in only(tmp_path, placement_csv="device,home,placed_at\n").remedy


def test_a_folder_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="no such folder"):
        read(tmp_path / "nowhere", builtin_technologies())


def test_a_home_with_an_installation_and_no_device_is_allowed(tmp_path: Path) -> None:
    package = load(
        tmp_path, homes_csv="home,site_type,unit,installed_on\nalna-1,home,Bydel Alna,2026-08-24\n"
    )
    assert package.homes[0].installed_on == date(2026, 8, 24)
