"""A device's record tells an installer all that it takes to mend it, and nothing of how anybody lives."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from conftest import Database
from homes import NOW, Street, ago, homes, street
from serving import serving

from api import deps
from nyttig.store import platform, quarantine
from nyttig.store.platform import Outage


@pytest.fixture
def here(database: Database) -> Iterator[Street]:
    with street(database, homes("h1-a", "h1-door", technology="door_sensor")) as found:
        yield found


@pytest.fixture
def api(here: Street) -> Iterator[httpx.Client]:
    with serving(here.database.conninfo, {deps.now: lambda: NOW}) as client:
        yield client


def record(api: httpx.Client, device: str = "h1-a") -> dict[str, Any]:
    response = api.get(f"/v1/devices/{device}")
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def answers(api: httpx.Client, minutes_ago: float, device: str = "h1-a") -> dict[str, Any]:
    response = api.get(f"/v1/devices/{device}/answers", params={"since": ago(minutes_ago).isoformat()})
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def test_the_record_tells_days_battery_signal_clock_losses_places_and_quarantine(
    here: Street, api: httpx.Client
) -> None:
    minutes = [m for m in range(5, 60 * 1440, 60) if not 10 * 1440 < m < 12 * 1440]
    for day in range(60):
        there = [m for m in minutes if day * 1440 <= m < (day + 1) * 1440]
        here.says("h1-a", *there, battery_pct=40 + day, rssi_dbm=-70)
    here.says("h1-a", 5, 65, 125, behind_minutes=0.5)
    quarantine.add(
        here.connection,
        [quarantine.Quarantined("malformed", "no JSON", "nyttig", "wt/v1/alna/h1/h1-a/event", b"{", ago(30)),
         quarantine.Quarantined("malformed", "no JSON", "nyttig", "wt/v1/alna/h1/other-h1-a/event", b"{", ago(20))],
    )  # fmt: skip
    platform.record(here.connection, Outage("broker", ago(20 * 1440), ago(19.9 * 1440), True))
    here.connection.commit()
    told = record(api)
    states = [day["heard"] for day in told["days"]][-60:]
    assert states.count("none") == 1  # of the two days without a message one was a whole local day
    assert states.count("some") >= 2
    assert states.count("as_expected") >= 55
    assert told["days"][-20]["own_reports"] == 24
    (silence,) = told["silences"]
    assert round(silence["minutes"] / 1440) == 2
    assert [day["pct"] for day in told["battery_days"]][-1] == 40
    assert told["battery_forecast"]["basis"] == "trend"
    assert told["battery_forecast"]["earliest_at"] < told["battery_forecast"]["latest_at"]
    assert {day["rssi_dbm"] for day in told["signal_days"]} == {-70.0}
    assert -60 <= told["clock_offset_seconds"] <= 0
    assert [place["home"] for place in told["placements"]] == ["h1"]
    assert [(one["reason"], one["topic"]) for one in told["quarantined"]] == [
        ("malformed", "wt/v1/alna/h1/h1-a/event")
    ]
    assert "payload" not in told["quarantined"][0]
    assert told["received_total"] == len(minutes) + 3
    assert (told["late_ratio"], told["marks"]) == (0.0, [])


def test_the_record_of_a_door_sensor_says_on_which_days_it_spoke_and_nothing_finer(
    here: Street, api: httpx.Client
) -> None:
    openings = [day * 1440 + minute for day in range(40) for minute in range(100, 900, 40)]
    here.says("h1-door", *openings, type_="opened", value=1.0)
    told = record(api, "h1-door")
    assert (told["interval_basis"], told["expected_interval_minutes"]) == ("irregular", None)
    assert {day["heard"] for day in told["days"]} == {"some", "none"}
    assert {day["own_reports"] for day in told["days"]} == {0}
    assert told["silences"] == []


def opened(chance: random.Random, per_day: float) -> list[int]:
    """When a door was opened in thirty days by somebody of these habits, in minutes ago."""
    return sorted({chance.randrange(30 * 1440) for _ in range(round(30 * per_day))})


def test_two_very_different_lives_behind_the_same_heartbeat_have_the_same_record(
    here: Street, api: httpx.Client
) -> None:
    chance = random.Random(7)
    for device, per_day in (("h1-a", 2), ("h1-door", 60)):
        here.says(device, *range(5, 30 * 1440, 60), battery_pct=80, rssi_dbm=-60)
        here.says(
            device,
            *(m for m in opened(chance, per_day) if m > 5),
            type_="opened",
            value=1.0,
            battery_pct=80,
            rssi_dbm=-60,
        )
    quiet, busy = (record(api, device) for device in ("h1-a", "h1-door"))
    lived = {
        "device",
        "address",
        "placements",
        "ledger",
        "received_total",
        "duplicates_total",
        "late_total",
        "last_seen_at",
        "battery_at",
    }
    assert {name: value for name, value in quiet.items() if name not in lived} == {
        name: value for name, value in busy.items() if name not in lived
    }


def test_a_device_answers_as_soon_as_its_message_is_stored(here: Street, api: httpx.Client) -> None:
    here.says("h1-a", 60, battery_pct=80)
    silent = answers(api, 2)
    assert (silent["answered"], silent["messages"], silent["signal"], silent["newest_received_at"]) == (
        False,
        0,
        "unknown",
        None,
    )
    here.says("h1-a", 1, battery_pct=77, rssi_dbm=-60)
    here.says("h1-a", 0.5, type_="opened")
    told = answers(api, 2)
    assert (told["answered"], told["messages"], told["signal"], told["battery_pct"]) == (
        True,
        2,
        "good",
        77.0,
    )
    assert told["newest_received_at"] == ago(0.5).isoformat()
    assert answers(api, 0.1)["answered"] is False


def test_a_device_with_a_wrong_clock_answers_too(here: Street, api: httpx.Client) -> None:
    here.says("h1-a", 1, behind_minutes=5 * 1440, rssi_dbm=-60)
    told = answers(api, 2)
    assert (told["answered"], told["messages"], told["newest_received_at"]) == (True, 1, ago(1).isoformat())


def test_asking_whether_it_answered_needs_a_device_and_a_time_with_offset(api: httpx.Client) -> None:
    assert api.get("/v1/devices/none/answers", params={"since": NOW.isoformat()}).status_code == 404
    assert api.get("/v1/devices/h1-a/answers", params={"since": "2026-11-22T12:00:00"}).status_code == 422
    assert api.get("/v1/devices/h1-a/answers").status_code == 422


def test_the_list_the_record_and_the_status_asked_for_agree(here: Street, api: httpx.Client) -> None:
    here.says("h1-a", 500, battery_pct=9)
    here.says("h1-door", 5, battery_pct=9)
    listed = {one["device"]: one["status"] for one in api.get("/v1/devices").json()["devices"]}
    assert listed == {"h1-a": "silent", "h1-door": "battery_low"}
    for device, status in listed.items():
        assert record(api, device)["status"] == status
        found = api.get("/v1/devices", params={"status": status}).json()["devices"]
        assert [one["device"] for one in found] == [device]
    kinds = [finding["kind"] for finding in record(api)["findings"]]
    assert kinds == ["silent", "battery_low"]
