"""The work list: homes to visit, most urgent first; what is done stays done until data says otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from conftest import Database
from homes import NOW, Street, homes, street
from serving import serving

from api import deps
from nyttig.model import Principal

clock = {"now": NOW}
asker = {"is": Principal("installer", frozenset({"installer"}))}


@pytest.fixture
def here(embedded_database: Database) -> Iterator[Street]:
    """Three homes: h1 with a silent device and a low battery, h2 with a weak signal only, h3 in another unit and silent."""
    clock["now"], asker["is"] = NOW, Principal("installer", frozenset({"installer"}))
    devices = ("h1-a", "h1-b", "h1-c", "h2-a", "h3-a", "h3-b")
    units = ("Bydel Alna", "Bydel Alna", "Odense")
    with street(embedded_database, homes(*devices, units=units)) as found:
        found.says("h1-a", 500, battery_pct=80)
        found.says("h1-b", 5, battery_pct=9)
        found.says("h1-c", 5, battery_pct=80)
        found.says("h2-a", 5, 65, 125, rssi_dbm=-95, battery_pct=80)
        for device in ("h3-a", "h3-b"):
            found.says(device, 700, battery_pct=80)
        yield found


@pytest.fixture
def api(here: Street) -> Iterator[httpx.Client]:
    with serving(
        here.database.conninfo, {deps.now: lambda: clock["now"], deps.principal: lambda: asker["is"]}
    ) as client:
        yield client


def work(api: httpx.Client) -> dict[str, Any]:
    response = api.get("/v1/work")
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def tasks(found: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    return {
        visit["site"]: [(task["subject"], task["finding"]) for task in visit["tasks"]]
        for visit in found["visits"]
    }


def mark(api: httpx.Client, subject: str, finding: str, kind: str = "device", **more: Any) -> httpx.Response:
    body = {
        "tasks": [{"subject_kind": kind, "subject": subject, "finding": finding}],
        "action": "done",
        **more,
    }
    return api.post("/v1/work", json=body)


def later(here: Street, minutes: float) -> None:
    clock["now"] = NOW + timedelta(minutes=minutes)
    here.beat(clock["now"])


def test_homes_come_most_urgent_first_with_why_and_what_to_bring(api: httpx.Client) -> None:
    found = work(api)
    assert tasks(found) == {
        "h3": [("h3", "silent")],
        "h1": [("h1-a", "silent"), ("h1-b", "battery_low")],
        "h2": [("h2-a", "weak_signal")],
    }
    assert list(tasks(found)) == ["h3", "h1", "h2"]
    assert [visit["severity"] for visit in found["visits"]] == ["urgent", "urgent", "watch"]
    (first, second, third) = found["visits"]
    assert first["tasks"][0] | {} == {
        **first["tasks"][0],
        "subject_kind": "home",
        "devices": 2,
        "remedy": "check_gateway",
    }
    assert [(item["item"], item["device"]) for item in second["bring"]] == [
        ("battery", "h1-a"), ("device", "h1-a"), ("battery", "h1-b"),
    ]  # fmt: skip
    assert [item["item"] for item in third["bring"]] == ["repeater"]


def test_what_is_done_is_gone_until_the_data_after_it_says_otherwise(api: httpx.Client, here: Street) -> None:
    answer = mark(api, "h1-b", "battery_low", note="two AA")
    assert answer.status_code == 200
    assert ("h1-b", "battery_low") not in tasks(answer.json())["h1"]
    (hidden,) = answer.json()["hidden"]
    assert (hidden["mark"]["marked_by"], hidden["mark"]["note"], hidden["task"]["subject"]) == (
        "installer",
        "two AA",
        "h1-b",
    )
    later(here, 20)
    here.says("h1-a", -10, battery_pct=80)
    here.says("h1-c", -10, battery_pct=80)
    assert "h1" not in tasks(work(api))  # the old reading proves nothing against it
    here.says("h1-b", -15, battery_pct=9)
    assert tasks(work(api))["h1"] == [("h1-b", "battery_low")]


def test_a_silent_device_that_was_mended_gets_its_time_to_speak_and_is_missed_again_after_it(
    api: httpx.Client, here: Street
) -> None:
    mark(api, "h1-a", "silent")
    assert ("h1-a", "silent") not in tasks(work(api))["h1"]
    later(here, 170)
    assert ("h1-a", "silent") not in tasks(work(api))["h1"]
    later(here, 190)
    here.says("h1-c", -185, battery_pct=80)
    assert ("h1-a", "silent") in tasks(work(api))["h1"]


def test_what_is_postponed_comes_back_when_it_was_to(api: httpx.Client, here: Street) -> None:
    until = NOW + timedelta(days=1)
    assert (
        mark(api, "h2-a", "weak_signal", action="postponed", postponed_until=until.isoformat()).status_code
        == 200
    )
    assert "h2" not in tasks(work(api))
    here.says("h2-a", -5, rssi_dbm=-97)
    assert "h2" not in tasks(work(api))
    later(here, 24 * 60 + 1)
    assert ("h2-a", "weak_signal") in tasks(work(api))["h2"]


def test_a_whole_home_can_be_done_at_once(api: httpx.Client) -> None:
    (visit,) = (one for one in work(api)["visits"] if one["site"] == "h1")
    body = {
        "tasks": [
            {key: task[key] for key in ("subject_kind", "subject", "finding")} for task in visit["tasks"]
        ],
        "action": "done",
    }
    assert "h1" not in tasks(api.post("/v1/work", json=body).json())


def test_what_is_not_in_the_list_is_a_problem_that_names_it(api: httpx.Client) -> None:
    answer = mark(api, "h1-c", "silent")
    assert answer.status_code == 404
    assert "'h1-c'" in answer.json()["detail"]


@pytest.mark.parametrize(
    "more",
    [{"action": "postponed"}, {"action": "undone"}, {"postponed_until": NOW.isoformat()}, {"note": "x" * 501}, {"tasks": []},
     {"action": "postponed", "postponed_until": "2026-12-01T08:00:00"}],
)  # fmt: skip
def test_a_mark_that_makes_no_sense_is_refused(api: httpx.Client, more: dict[str, Any]) -> None:
    assert mark(api, "h1-a", "silent", **more).status_code == 422


def test_an_installer_of_one_unit_sees_and_marks_only_its_homes(api: httpx.Client) -> None:
    asker["is"] = Principal("odense", frozenset({"installer"}), frozenset({"Odense"}))
    assert list(tasks(work(api))) == ["h3"]
    assert mark(api, "h1-a", "silent").status_code == 404
    assert api.get("/v1/devices/h1-a").status_code == 404
    assert api.get("/v1/devices/h1-a/answers", params={"since": NOW.isoformat()}).status_code == 404
    assert {one["device"] for one in api.get("/v1/devices").json()["devices"]} == {"h3-a", "h3-b"}


def test_a_gateway_of_several_homes_is_one_line_and_its_devices_are_none(
    api: httpx.Client, here: Street
) -> None:
    here.behind("gw", "h1-a", "h3-a")
    found = work(api)
    (gateway,) = found["gateways"]
    assert (gateway["sites"], gateway["task"]["subject"], gateway["task"]["devices"]) == (
        ["h1", "h3"],
        "nyttig gw",
        2,
    )
    assert ("h1-a", "silent") not in tasks(found)["h1"]
    assert mark(api, "nyttig gw", "silent", "gateway").json()["gateways"] == []


def test_a_battery_that_will_be_flat_soon_is_named_in_a_home_that_is_visited_anyway(
    api: httpx.Client, here: Street
) -> None:
    for day in range(60, 0, -1):
        here.says("h1-c", day * 1440, battery_pct=20 + day)
    (visit,) = (one for one in work(api)["visits"] if one["site"] == "h1")
    due = visit["tasks"][-1]
    assert (due["subject"], due["finding"], due["severity"]) == ("h1-c", "battery_low", "watch")
    assert datetime.fromisoformat(due["evidence"]["replace_at"]) > NOW
