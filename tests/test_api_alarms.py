"""The API tells of alarms and coverage: the figures in the report, each alarm for who asks, and days with armed minutes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest
from conftest import DatabaseServer
from figures_hours import oslo
from packages import one_home
from serving import serving
from told import beats, save, tell

from api.deps import now
from nyttig.store import db

NOW = oslo("2026-09-11T08:00")


@pytest.fixture(scope="module")
def api(embedded_server: DatabaseServer) -> Iterator[httpx.Client]:
    """Two homes with a safety alarm: one is worn and has called twice, the other lies there."""
    with embedded_server.fresh_database() as filled:
        with db.connect(filled.conninfo) as connection:
            save(connection, one_home("safety_alarm", homes=2))
            tell(
                connection,
                beats("d1", oslo("2026-09-01"), NOW),
                beats("d2", oslo("2026-09-01"), NOW),
                [
                    ("d1", oslo("2026-09-01"), "worn", "citizen"),
                    ("d1", oslo("2026-09-04T12:00"), "alarm", "citizen"),
                    ("d1", oslo("2026-09-04T12:07"), "alarm_handled", "staff"),
                    ("d1", oslo("2026-09-06T03:00"), "alarm", "auto"),
                ],
            )
        with serving(filled.conninfo, {now: lambda: NOW}) as client:
            yield client


def told(client: httpx.Client, path: str, **asked: Any) -> Any:
    response = client.get(f"/v1/trials/trial{path}", params=asked)
    assert response.status_code == 200, response.text
    return response.json()


def test_each_alarm_is_told_with_what_became_of_it_the_newest_first(api: httpx.Client) -> None:
    night, noon = told(api, "/alarms")["alarms"]
    assert (night["home"], night["outcome"], night["handled_at"], night["raised_by"]) == (
        "h1",
        "missed",
        None,
        "auto",
    )
    assert (noon["outcome"], noon["minutes"], noon["handled_by"]) == ("in_time", 7.0, "staff")
    assert datetime.fromisoformat(noon["raised_at"]) == oslo("2026-09-04T12:00")
    assert told(api, "/alarms", outcome="missed")["alarms"] == [night]
    assert told(api, "/alarms", home="h2")["alarms"] == []
    assert told(api, "/alarms", as_of="2026-09-05")["alarms"] == [noon]


def test_a_bad_question_about_alarms_is_answered(api: httpx.Client) -> None:
    wrong = api.get("/v1/trials/trial/alarms", params={"outcome": "lost"})
    assert (wrong.status_code, "none of in_time, late" in wrong.json()["detail"]) == (400, True)
    assert api.get("/v1/trials/trial/alarms", params={"home": "nobody"}).status_code == 404
    assert api.get("/v1/trials/nothing/alarms").status_code == 404


def test_the_report_counts_the_alarms_that_are_told_one_by_one(api: httpx.Client) -> None:
    made, alarms = told(api, "/report")["alarms"], told(api, "/alarms")["alarms"]
    assert made["all"]["raised"] == len(alarms) == 2
    assert made["all"]["missed"]["count"] == 1
    explained = told(api, "/explain/alarms")
    assert explained["parameters"]["alarm_handled_within_minutes"] == 15
    assert explained["value"] == made["all"]


def test_the_summary_has_the_coverage_of_the_report_and_the_days_have_its_minutes(api: httpx.Client) -> None:
    made = told(api, "/report")
    assert told(api, "")["coverage"] == made["coverage"]
    days = [day for day in told(api, "/days")["days"] if day["state"] != "-"]
    assert sum(day["armed_minutes"] for day in days) == made["coverage"]["armed_minutes"] > 0
    assert sum(day["armed_unknown_minutes"] for day in days) == made["coverage"]["armed_unknown_minutes"] > 0
    assert made["coverage"]["show"] == "bounds", "of half of the time nobody knows"
    assert [each["home"] for each in made["contacts"]] == ["h1", "h2"]
    assert made["contacts"][0]["last_heard_hours"] == 1.0
