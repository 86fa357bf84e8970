"""Needs a call, and what a coordinator does about it: a note, a pause, an end; kept with who and when, and undone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest
from conftest import Database
from homes import NOW, Street, ago, homes, street
from serving import serving

from api import deps
from nyttig.model import Principal

COORDINATOR = Principal("coordinator", frozenset({"coordinator"}))
asker = {"is": COORDINATOR}
now = {"is": NOW}
DAY, DAYS = 24 * 60, 70
TODAY = date(2026, 11, 22)  # NOW in Oslo
UNITS = ("Bydel Alna", "Bydel Alna", "Bydel Gamle Oslo")


def _lives(there: Street, device: str, *, uses_until: int, heard_until: float) -> None:
    """Heard four times a day until `heard_until` minutes ago; used once a day until so many days ago."""
    heard = [minute for minute in range(DAYS * DAY, 0, -6 * 60) if minute >= heard_until]
    there.says(device, *heard, battery_pct=80)
    used = [day * DAY for day in range(DAYS, uses_until - 1, -1)]
    there.says(device, *used, type_="dose_taken", value=1.0)


@pytest.fixture
def here(embedded_database: Database) -> Iterator[Street]:
    """h1 used it until 12 days ago and is heard; h2 uses it; h3, in another unit, is silent since it stopped."""
    asker["is"], now["is"] = COORDINATOR, NOW
    package = homes("h1-a", "h2-a", "h3-a", technology="medicine_dispenser", units=UNITS)
    trial = replace(package.trial, starts=ago(DAYS * DAY).date())
    devices = tuple(replace(device, heartbeat_minutes=360.0) for device in package.devices)
    begun = tuple(replace(home, installed_on=trial.starts) for home in package.homes)
    with street(embedded_database, replace(package, trial=trial, homes=begun, devices=devices)) as found:
        _lives(found, "h1-a", uses_until=12, heard_until=0)
        _lives(found, "h2-a", uses_until=1, heard_until=0)
        _lives(found, "h3-a", uses_until=12, heard_until=4 * DAY)
        yield found


@pytest.fixture
def api(here: Street) -> Iterator[httpx.Client]:
    with serving(
        here.database.conninfo, {deps.now: lambda: now["is"], deps.principal: lambda: asker["is"]}
    ) as client:
        client.base_url = client.base_url.join("/v1/trials/trial")
        yield client


def calls(api: httpx.Client) -> dict[str, Any]:
    response = api.get("/calls")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def named(found: dict[str, Any], which: str) -> list[str]:
    return [one["concern"]["home"] if "home" not in one else one["home"] for one in found[which]]


def send(api: httpx.Client, path: str, **body: Any) -> dict[str, Any]:
    response = api.post(f"/homes/{path}", json=body)
    assert response.status_code == 200, response.text
    told: dict[str, Any] = response.json()
    return told


def history(api: httpx.Client) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = api.get("/history").json()["entries"]
    return [entry for entry in entries if entry["action"].startswith("home_")]


def test_only_a_home_whose_device_was_heard_needs_a_call(api: httpx.Client) -> None:
    found = calls(api)
    assert named(found, "calls") == ["h1"]
    concern = found["calls"][0]["concern"]
    assert (concern["kind"], concern["last_use_on"]) == ("stopped", (TODAY - timedelta(days=12)).isoformat())
    assert concern["recent_observed_days"] == 11
    assert concern["usual_days_per_week"] == 7.0
    (silent,) = found["device_first"]
    assert (silent["home"], silent["statuses"]) == ("h3", ["silent"])
    assert silent["concern"]["kind"] == "stopped", "what the days before say is kept beside it"


def test_a_note_puts_the_call_off_until_its_day_and_can_be_taken_back(api: httpx.Client) -> None:
    until = TODAY + timedelta(days=5)
    told = send(api, "h1/notes", text=" Tries again after the holiday ", snoozed_until=until.isoformat())
    (note,) = told["notes"]
    assert (note["text"], note["noted_by"]) == ("Tries again after the holiday", "coordinator")
    assert datetime.fromisoformat(note["noted_at"]) == NOW
    found = calls(api)
    assert (named(found, "calls"), named(found, "snoozed")) == ([], ["h1"])
    assert found["snoozed"][0]["snoozed_until"] == until.isoformat()
    told = send(api, f"h1/notes/{note['id']}/withdraw")
    assert told["notes"] == []
    assert named(calls(api), "calls") == ["h1"]
    again = api.post(f"/homes/h1/notes/{note['id']}/withdraw", json={})
    assert (again.status_code, "taken back already" in again.json()["detail"]) == (404, True)


def test_a_call_that_was_put_off_comes_back_on_its_day(api: httpx.Client, here: Street) -> None:
    send(api, "h1/notes", text="Ask again tomorrow", snoozed_until=(TODAY + timedelta(days=1)).isoformat())
    assert named(calls(api), "calls") == []
    now["is"] = NOW + timedelta(days=1)
    here.beat(now["is"])
    here.says("h1-a", *(-minute for minute in range(0, DAY, 360)), battery_pct=80)
    send(api, "h2/notes", text="the report is worked out anew")
    found = calls(api)
    assert named(found, "calls") == ["h1"]
    assert found["calls"][0]["note"]["text"] == "Ask again tomorrow"


def test_a_note_without_a_day_puts_nothing_off(api: httpx.Client) -> None:
    send(api, "h1/notes", text="Nobody answered")
    found = calls(api)
    assert named(found, "calls") == ["h1"]
    assert found["calls"][0]["note"]["text"] == "Nobody answered"


def test_a_pause_excuses_its_days_and_is_in_the_history_with_who(api: httpx.Client) -> None:
    first, last = TODAY - timedelta(days=11), TODAY + timedelta(days=3)
    told = send(api, "h1/pauses", from_day=first.isoformat(), to_day=last.isoformat(), reason="hospital")
    (pause,) = told["pauses"]
    assert datetime.fromisoformat(pause["paused_to"]) - datetime.fromisoformat(
        pause["paused_from"]
    ) == timedelta(days=15)
    assert named(calls(api), "calls") == []
    strip = next(home for home in api.get("/report").json()["homes"] if home["home"] == "h1")
    assert set(strip["states"][-8:-1]) == {"E"}
    (entry,) = history(api)
    assert (entry["action"], entry["changed_by"]) == ("home_paused", "coordinator")
    assert (entry["before"], entry["after"]["home"], entry["after"]["reason"]) == (None, "h1", "hospital")
    told = send(api, "h1/pauses/withdraw", paused_from=pause["paused_from"])
    assert told["pauses"] == []
    assert named(calls(api), "calls") == ["h1"]
    assert [entry["action"] for entry in history(api)] == ["home_pause_withdrawn", "home_paused"]


def test_an_end_is_in_figures_and_history_and_can_be_taken_back(api: httpx.Client) -> None:
    ended = TODAY - timedelta(days=2)
    told = send(api, "h1/end", ended_on=ended.isoformat(), reason="stopped_using")
    assert (told["ended_on"], told["end_reason"]) == (ended.isoformat(), "stopped_using")
    assert named(calls(api), "calls") == []
    assert api.get("/report").json()["funnel"]["ended"] == {"stopped_using": 1}
    told = send(api, "h1/end/withdraw")
    assert (told["ended_on"], told["end_reason"]) == (None, None)
    assert named(calls(api), "calls") == ["h1"]
    assert [entry["action"] for entry in history(api)] == ["home_end_withdrawn", "home_ended"]


REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    ("h1/notes", {"text": "   "}, 422, "text"),
    ("h1/notes", {"text": "x", "resident": "y"}, 422, "resident"),
    ("h9/notes", {"text": "x"}, 404, "no home 'h9'"),
    ("h1/pauses", {"from_day": "2026-11-20", "to_day": "2026-11-19"}, 409, "turn the days round"),
    ("h1/pauses", {"from_day": "2026-11-20", "to_day": "2036-11-19"}, 409, "check the year"),
    ("h1/pauses/withdraw", {"paused_from": "2026-11-20T00:00:00+01:00"}, 404, "no pause of 'h1'"),
    ("h1/end", {"ended_on": "2026-12-24", "reason": "moved"}, 409, "still to come"),
    ("h1/end", {"ended_on": "2020-01-01", "reason": "moved"}, 409, "was installed on"),
    ("h1/end", {"ended_on": "2026-11-20", "reason": "bored"}, 422, "reason"),
    ("h1/end/withdraw", {}, 409, "has not ended"),
]


def test_what_cannot_be_is_refused_with_the_remedy_and_changes_nothing(api: httpx.Client) -> None:
    for path, body, status, word in REFUSED:
        response = api.post(f"/homes/{path}", json=body)
        assert response.status_code == status, response.text
        assert word in response.json()["detail"]
    assert history(api) == []
    assert calls(api)["calls"][0]["note"] is None


def test_a_second_pause_on_the_same_days_and_a_second_end_clash(api: httpx.Client) -> None:
    days = {"from_day": "2026-11-10", "to_day": "2026-11-12"}
    send(api, "h1/pauses", **days)
    clash = api.post("/homes/h1/pauses", json={"from_day": "2026-11-12", "to_day": "2026-11-14"})
    assert (clash.status_code, "paused already" in clash.json()["detail"]) == (409, True)
    send(api, "h1/pauses", from_day="2026-11-13", to_day="2026-11-14")
    send(api, "h1/end", ended_on="2026-11-20", reason="moved")
    clash = api.post("/homes/h1/end", json={"ended_on": "2026-11-21", "reason": "moved"})
    assert (clash.status_code, "ended already" in clash.json()["detail"]) == (409, True)


def test_only_a_coordinator_changes_a_home_and_only_in_their_units(api: httpx.Client) -> None:
    asker["is"] = Principal("installer", frozenset({"installer"}))
    assert api.post("/homes/h1/notes", json={"text": "x"}).status_code == 403
    asker["is"] = replace(COORDINATOR, units=frozenset({"Bydel Alna"}))
    assert api.post("/homes/h1/notes", json={"text": "x"}).status_code == 200
    assert api.post("/homes/h3/notes", json={"text": "x"}).status_code == 404
    assert api.get("/homes/h3").status_code == 404


def test_four_weeks_are_compared_with_the_four_before(api: httpx.Client) -> None:
    found = api.get("/periods").json()["comparison"]
    assert (found["before"]["first_day"], found["after"]["last_day"]) == ("2026-09-21", "2026-11-15")
    assert found["verdict"] == "too_few_homes"
    assert found["difference"]["n"] == 3
    assert found["difference"]["mean"] < 0
    assert found["after"]["active"] == {**found["after"]["active"], "count": 3, "of": 3}


def test_a_changed_threshold_is_told_with_both_values(api: httpx.Client) -> None:
    assert api.get("/threshold-changes").json() == {"changes": []}
    assert api.get("/threshold-changes", params={"limit": 0}).status_code == 422
