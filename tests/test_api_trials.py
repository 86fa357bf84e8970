"""The HTTP door tells what is known of the trials, digit for digit what the report says, or what is wrong and why."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import orjson
import pytest
from conftest import Database, DatabaseServer
from serving import ALNA, GAMLE_OSLO, ODENSE, TRIALS, fill, serving

from api.deps import principal
from nyttig.evidence import end_of_day
from nyttig.load import load
from nyttig.model import Principal
from nyttig.package.read import read
from nyttig.package.technologies import builtin_technologies
from nyttig.report import Known, report
from nyttig.store import db


@pytest.fixture(scope="module")
def filled(embedded_server: DatabaseServer) -> Iterator[Database]:
    with embedded_server.fresh_database() as database:
        fill(database)
        yield database


@pytest.fixture(scope="module")
def api(filled: Database) -> Iterator[httpx.Client]:
    with serving(filled.conninfo) as client:
        yield client


def told(response: httpx.Response, status: int = 200) -> Any:
    assert response.status_code == status, response.text
    expected = "application/json" if status == 200 else "application/problem+json"
    assert response.headers["content-type"] == expected
    content = response.json()
    if status != 200:
        assert content["status"] == status
        assert content.keys() - {"faults"} == {"type", "title", "status", "detail"}
    return content


def test_the_overview_has_every_trial_with_the_figures_of_its_report(api: httpx.Client) -> None:
    trials = {trial["id"]: trial for trial in told(api.get("/v1/trials"))["trials"]}
    assert sorted(trials) == sorted(TRIALS)
    assert {trial["usage_class"] for trial in trials.values()} == {"scheduled", "on_demand", "standby"}
    for trial_id, trial in trials.items():
        made = told(api.get(f"/v1/trials/{trial_id}/report"))
        assert trial["homes"] == made["data"]["homes"] == 2
        for figure in ("use_day_rate", "coverage"):
            assert trial[figure] == made[figure]
        assert trial["last_event_at"] == made["data"]["last_event_at"]
        weeks = [week["active"] for week in made["weeks"] if week["complete"]]
        assert trial["active_last_week"] == weeks[-1]
    assert trials[ALNA]["use_day_rate"]["used_observed_days"] > 0


def test_one_trial_is_told_as_in_the_overview(api: httpx.Client) -> None:
    (expected,) = (trial for trial in told(api.get("/v1/trials"))["trials"] if trial["id"] == ALNA)
    assert told(api.get(f"/v1/trials/{ALNA}")) == expected


@pytest.mark.parametrize("trial_id", TRIALS)
def test_the_report_is_the_reports_own_digits(api: httpx.Client, filled: Database, trial_id: str) -> None:
    response = api.get(f"/v1/trials/{trial_id}/report")
    as_of = datetime.fromisoformat(told(response)["as_of"])
    with db.connect(filled.conninfo) as connection:
        assert response.content == orjson.dumps(report(connection, trial_id, as_of, Known("now", as_of)))


def test_the_report_has_the_same_digits_on_every_kind_of_database(database: Database) -> None:
    fill(database)
    as_of = datetime.now(UTC) - timedelta(hours=1)
    with serving(database.conninfo) as client, db.connect(database.conninfo) as connection:
        response = client.get(f"/v1/trials/{ALNA}/report", params={"as_of": as_of.isoformat()})
        assert response.content == orjson.dumps(report(connection, ALNA, as_of, Known("then", as_of)))
        assert len(told(client.get("/v1/trials"))["trials"]) == 3
        assert len(told(client.get("/v1/devices"))["devices"]) > 3
        assert told(client.get("/v1/health/ready"))["status"] == "ready"


def test_as_of_a_day_is_as_of_its_end_local_to_the_trial(api: httpx.Client, filled: Database) -> None:
    day = (datetime.now(UTC) - timedelta(days=7)).date()
    response = api.get(f"/v1/trials/{ALNA}/report", params={"as_of": day.isoformat()})
    midnight = end_of_day(day, "Europe/Oslo")
    assert datetime.fromisoformat(told(response)["as_of"]) == midnight
    assert response.json()["last_day"] == day.isoformat()
    with db.connect(filled.conninfo) as connection:
        assert response.content == orjson.dumps(report(connection, ALNA, midnight, Known("then", midnight)))


def test_as_of_a_time_with_offset_is_as_of_that_moment(api: httpx.Client) -> None:
    moment = (datetime.now(UTC) - timedelta(days=2)).astimezone(ZoneInfo("Asia/Tokyo"))
    made = told(api.get(f"/v1/trials/{ALNA}/report", params={"as_of": moment.isoformat()}))
    assert datetime.fromisoformat(made["as_of"]) == moment


def test_as_of_today_is_as_of_now(api: httpx.Client) -> None:
    today = datetime.now(ZoneInfo("Europe/Oslo")).date()
    made = told(api.get(f"/v1/trials/{ALNA}/report", params={"as_of": today.isoformat()}))
    assert abs(datetime.now(UTC) - datetime.fromisoformat(made["as_of"])) < timedelta(seconds=30)


def test_as_of_a_day_before_the_trial_nothing_is_known_and_nothing_fails(api: httpx.Client) -> None:
    made = told(api.get(f"/v1/trials/{ALNA}/report", params={"as_of": "2020-02-29"}))
    assert made["data"]["events_total"] == 0
    assert made["use_day_rate"]["show"] == "nothing"


@pytest.mark.parametrize(
    "as_of",
    ["yesterday", "", "2026-02-30", "2026-13-01", "20261101", "2026-11-01T12:00:00", "2199-01-01", "9999-12-31", "0001-01-01",
     "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2199-01-01T00:00:00+01:00", "\u0662\u0660\u0662\u0666-11-01"],
)  # fmt: skip
def test_an_impossible_as_of_is_a_problem_that_holds_the_value(api: httpx.Client, as_of: str) -> None:
    response = api.get(f"/v1/trials/{ALNA}/report", params={"as_of": as_of})
    if response.status_code == 200:
        assert as_of.startswith("0001")  # long ago, but a day
    else:
        assert repr(as_of) in told(response, 400)["detail"]


@pytest.mark.parametrize("path", ["", "/report", "/export"])
@pytest.mark.parametrize("trial_id", ["alna", "ALNA-MEDISINDISPENSER", "%00", "%F0%9F%92%8A", "a'b"])
def test_an_unknown_trial_is_a_problem_that_names_those_there_are(
    api: httpx.Client, trial_id: str, path: str
) -> None:
    detail = told(api.get(f"/v1/trials/{trial_id}{path}"), 404)["detail"]
    assert all(known in detail for known in TRIALS)


def test_an_unknown_path_and_an_unknown_method_are_problems_too(api: httpx.Client) -> None:
    assert told(api.get("/v1/homes"), 404)["detail"] == "Not Found"
    response = api.delete(f"/v1/trials/{ALNA}")
    told(response, 405)
    assert response.headers["allow"] == "GET"


@pytest.mark.parametrize("formats", [["csv"], ["parquet"], ["csv", "parquet"]])
def test_the_export_is_a_zipped_package_that_loads_again_to_the_same_report(
    api: httpx.Client, filled: Database, embedded_database: Database, tmp_path: Path, formats: list[str]
) -> None:
    response = api.get(f"/v1/trials/{ODENSE}/export", params={"format": formats})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/zip"
    assert f'filename="{ODENSE}.zip"' in response.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path)
    folder = tmp_path / ODENSE
    assert read(folder, builtin_technologies()).trial.id == ODENSE
    assert sorted(path.suffix[1:] for path in folder.glob("events.*")) == formats
    as_of = datetime.now(UTC) - timedelta(hours=1)
    with db.connect(filled.conninfo) as original, db.connect(embedded_database.conninfo) as copy:
        load(copy, folder, builtin_technologies())
        assert orjson.dumps(report(copy, ODENSE, as_of)) == orjson.dumps(report(original, ODENSE, as_of))


def test_an_export_leaves_nothing_behind(
    api: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert api.get(f"/v1/trials/{ALNA}/export").status_code == 200
    assert api.get("/v1/trials/none/export").status_code == 404
    deadline = time.monotonic() + 60  # the folder goes just after the last byte
    while any(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_export_format_is_a_problem_that_holds_the_value(api: httpx.Client) -> None:
    detail = told(api.get(f"/v1/trials/{ALNA}/export", params={"format": "xlsx"}), 422)["detail"]
    assert "'xlsx'" in detail
    assert "csv" in detail


def test_many_readers_at_once_all_get_an_answer(filled: Database) -> None:
    paths = ["/v1/trials"] * 6 + [f"/v1/trials/{ALNA}/export"] * 2 + ["/v1/devices"] * 2
    with serving(filled.conninfo) as fresh, ThreadPoolExecutor(len(paths)) as readers:
        answers = list(readers.map(lambda path: fresh.get(path).status_code, paths))
    assert answers == [200] * len(paths)


def of(*units: str) -> Any:
    return lambda: Principal("somebody", frozenset(), frozenset(units))


def test_somebody_of_one_unit_sees_its_trials_devices_and_demo_apartments_only(filled: Database) -> None:
    with serving(filled.conninfo, {principal: of("Odense Syd")}) as client:
        assert [trial["id"] for trial in told(client.get("/v1/trials"))["trials"]] == [ODENSE]
        assert told(client.get(f"/v1/trials/{ODENSE}/report"))["trial"]["id"] == ODENSE
        for path in ("", "/report", "/export"):
            detail = told(client.get(f"/v1/trials/{ALNA}{path}"), 404)["detail"]
            assert detail == f"there is no trial {ALNA!r} in your units"
        health = told(client.get("/v1/devices"))
        assert {device["unit"] for device in health["devices"]} == {"Odense Syd"}
        assert told(client.get("/v1/devices", params={"trial": ALNA}))["devices"] == []
        told(client.get(f"/v1/devices/{health['devices'][0]['device']}"))
        told(client.get("/v1/devices/md-101"), 404)
        assert {site["unit"] for site in told(client.get("/v1/demo-sites"))["sites"]} <= {"Odense Syd"}


def test_a_trial_in_several_units_is_seen_from_each_of_them(filled: Database) -> None:
    with serving(filled.conninfo, {principal: of("Bydel Gamle Oslo")}) as client:
        assert [trial["id"] for trial in told(client.get("/v1/trials"))["trials"]] == [ALNA, GAMLE_OSLO]
    with serving(filled.conninfo, {principal: of()}) as client:
        assert told(client.get("/v1/trials"))["trials"] == []
