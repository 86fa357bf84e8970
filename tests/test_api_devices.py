"""The HTTP door tells how each device is, what happens in the demo apartments, and what could not be stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from conftest import Database, DatabaseServer
from serving import ALNA, GAMLE_OSLO, HISTORY_DAYS, ODENSE, TRIALS, example, fill, quarantined, serving

from nyttig.health.findings import WORST_FIRST


@pytest.fixture(scope="module")
def filled(embedded_server: DatabaseServer) -> Iterator[Database]:
    with embedded_server.fresh_database() as database:
        fill(database)
        yield database


@pytest.fixture(scope="module")
def api(filled: Database) -> Iterator[httpx.Client]:
    with serving(filled.conninfo) as client:
        yield client


def devices(api: httpx.Client, **parameters: str) -> list[dict[str, Any]]:
    response = api.get("/v1/devices", params=parameters)
    assert response.status_code == 200
    found: list[dict[str, Any]] = response.json()["devices"]
    return [timeless(device) for device in found]


def timeless(device: dict[str, Any]) -> dict[str, Any]:
    """The device as it is told a moment earlier or later, when nothing has come from it."""
    for finding in device["findings"]:
        assert finding.pop("proof_at") <= datetime.now(UTC).isoformat()
    return device


def test_all_devices_come_worst_first(api: httpx.Client) -> None:
    statuses = [WORST_FIRST.index(device["status"]) for device in devices(api)]
    assert statuses == sorted(statuses)
    assert {WORST_FIRST[status] for status in statuses} == {"silent", "never_seen", "ok"}


def test_a_home_that_is_silent_as_a_whole_is_one_finding(api: httpx.Client) -> None:
    (site,) = api.get("/v1/devices").json()["silent_sites"]
    there = [device for device in devices(api, status="silent") if device["site"] == site["site"]]
    assert site["devices"] == len(there) == 2
    assert site["since"] == max(device["last_seen_at"] for device in there)


@pytest.mark.parametrize("trial", TRIALS)
def test_devices_of_one_trial_are_those_that_belong_to_it(api: httpx.Client, trial: str) -> None:
    found = devices(api, trial=trial)
    assert [device["device"] for device in found] == [
        device["device"] for device in devices(api) if trial in device["trials"]
    ]
    assert found


@pytest.mark.parametrize("status", WORST_FIRST)
def test_devices_with_one_status_are_all_that_have_it(api: httpx.Client, status: str) -> None:
    there = Counter(device["status"] for device in devices(api))
    assert [device["status"] for device in devices(api, status=status)] == [status] * there[status]
    assert devices(api, status=status, trial=GAMLE_OSLO) == [
        device for device in devices(api, status=status) if GAMLE_OSLO in device["trials"]
    ]


def test_an_unknown_status_is_a_problem_that_holds_the_value_and_what_there_is(api: httpx.Client) -> None:
    response = api.get("/v1/devices", params={"status": "broken"})
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert "'broken'" in response.json()["detail"]
    assert "never_seen" in response.json()["detail"]


def test_devices_of_an_unknown_trial_are_a_problem_that_names_the_trials(api: httpx.Client) -> None:
    response = api.get("/v1/devices", params={"trial": "none"})
    assert response.status_code == 404
    assert ALNA in response.json()["detail"]


def test_one_device_is_told_as_in_the_list(api: httpx.Client) -> None:
    for device in devices(api)[:3]:
        response = api.get(f"/v1/devices/{device['device']}")
        assert response.status_code == 200
        record = timeless(response.json())
        assert {name: record[name] for name in device} == device


@pytest.mark.parametrize("device", ["md-999", "%00", "MD-101"])
def test_an_unknown_device_is_a_problem_that_says_how_to_find_those_there_are(
    api: httpx.Client, device: str
) -> None:
    response = api.get(f"/v1/devices/{device}")
    assert response.status_code == 404
    assert "nyttig devices" in response.json()["detail"]


def test_a_device_says_how_old_its_battery_reading_is_and_mains_has_none(api: httpx.Client) -> None:
    for device in devices(api, status="ok"):
        assert (device["battery_pct"] == 71.0) == (device["power"] == "battery")
        assert (device["battery_at"] is None) == (device["power"] == "mains")
        assert device["signal_dbm"] == -60.0


def test_the_demo_apartment_is_told_day_by_day_and_apart_from_the_trials(api: httpx.Client) -> None:
    (site,) = api.get("/v1/demo-sites").json()["sites"]
    days = [date.fromisoformat(day) for day in site["days"]]
    furnished = min(each.placed_at for each in example(ODENSE).placements if each.home == site["site"]).date()
    assert days == [furnished + timedelta(days=n) for n in range(len(days))]
    assert days[-1] == datetime.now(ZoneInfo(site["timezone"])).date()
    assert len({device["technology"] for device in site["devices"]}) == 7
    for device in site["devices"]:
        assert len(device["demonstrations"]) == len(device["visitor_uses"]) == len(days)
        assert sum(device["demonstrations"][: -HISTORY_DAYS - 1]) == 0
    shown = [device for device in site["devices"] if sum(device["demonstrations"])]
    assert {device["technology"] for device in shown} == {"medicine_dispenser", "wash_dry_toilet"}
    for trial in api.get("/v1/trials").json()["trials"]:
        strips = api.get(f"/v1/trials/{trial['id']}/report").json()["homes"]
        assert site["site"] not in [strip["home"] for strip in strips]


def test_quarantine_is_empty_until_something_waits_there_and_then_told_by_reason(
    api: httpx.Client, filled: Database
) -> None:
    assert api.get("/v1/quarantine").json() == {"groups": []}
    quarantined(filled, "unknown_device", "malformed", "unknown_device")
    groups = api.get("/v1/quarantine").json()["groups"]
    assert [(group["reason"], group["messages_total"]) for group in groups] == [
        ("unknown_device", 2),
        ("malformed", 1),
    ]
    assert groups[1]["example_detail"] == "told by malformed"
    assert groups[1]["example_topic"].startswith("wt/v1/")
