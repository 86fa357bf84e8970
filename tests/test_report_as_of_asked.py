"""A report of an earlier day is asked for as it was known then or as it is known now, by command and over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from arriving import DAY, HOUR, STARTS, arrive, event, save, trial
from conftest import Database
from serving import serving

from api import deps
from nyttig.cli import main
from nyttig.errors import NyttigError
from nyttig.report import Known, known_as_asked
from nyttig.store import db

NOW = STARTS + 9 * DAY
THEN = STARTS + 3 * DAY
ASKED = THEN.isoformat()
ZONE = "Europe/Oslo"


@pytest.fixture
def filled(embedded_database: Database) -> Database:
    """A dose of the second day came on the fifth, one of the first at once."""
    with db.connect(embedded_database.conninfo) as connection:
        device = save(connection, trial())["trial-d1"]
        arrive(
            connection,
            [
                event(device, STARTS + 12 * HOUR, "dose_taken"),
                event(device, STARTS + 36 * HOUR, "dose_taken", delay=3 * DAY),
            ],
        )
    return embedded_database


@pytest.fixture
def api(filled: Database) -> Iterator[httpx.Client]:
    with serving(filled.conninfo, {deps.now: lambda: NOW}) as client:
        client.base_url = client.base_url.join("/v1/trials/trial")
        yield client


def told(api: httpx.Client, path: str, **asked: str) -> Any:
    response = api.get(path, params=asked)
    assert response.status_code == 200, response.text
    return response.json()


def test_an_earlier_day_is_told_as_it_was_known_then_unless_now_is_asked_for(api: httpx.Client) -> None:
    then, now = told(api, "/report", as_of=ASKED), told(api, "/report", as_of=ASKED, known="now")
    assert (then["known"], then["known_at"], then["arrived_later_total"]) == ("then", ASKED, 1)
    assert (now["known"], now["known_at"], now["arrived_later_total"]) == ("now", NOW.isoformat(), 0)
    assert (then["as_of"], then["definitions_version"]) == (now["as_of"], now["definitions_version"])
    assert (then["data"]["events_total"], now["data"]["events_total"]) == (1, 2)
    assert told(api, "/report", as_of=ASKED, known="then") == then
    # What was known when the late dose had come is what is known now.
    later = told(api, "/report", as_of=ASKED, known=(NOW - DAY).isoformat())
    assert later | {"known": "now", "known_at": now["known_at"]} == now


def test_todays_report_is_the_same_either_way(api: httpx.Client) -> None:
    made = told(api, "/report")
    assert (made["known"], made["known_at"], made["not_recoverable"]) == ("now", NOW.isoformat(), [])
    for known in ("then", "now", NOW.isoformat()):
        assert told(api, "/report", known=known) == made
    assert told(api, "/report", as_of=NOW.isoformat()) == made


def test_explanations_and_days_are_those_of_the_report_that_was_asked_for(api: httpx.Client) -> None:
    for known, uses in (("then", 1), ("now", 2)):
        made = told(api, "/report", as_of=ASKED, known=known)
        explained = told(api, "/explain/intensity", as_of=ASKED, known=known)
        assert explained["value"] == made["intensity"]
        assert (
            explained
            == told(api, "/explain", as_of=ASKED, known=known)["figures"][
                [each["figure"] for each in told(api, "/explain", as_of=ASKED)["figures"]].index("intensity")
            ]
        )
        days = told(api, "/days", as_of=ASKED, known=known)["days"]
        assert sum(day["uses"] for day in days) == uses
        assert told(api, "/periods", as_of=ASKED, known=known)["comparison"] is None


@pytest.mark.parametrize(
    ("known", "remedy"),
    [
        ("later", "neither a day such as"),
        ((THEN - HOUR).isoformat(), "lies before the time that is asked about"),
        ((NOW + DAY).isoformat(), "lies ahead"),
    ],
)
def test_what_cannot_have_been_known_is_refused_with_the_value(
    api: httpx.Client, known: str, remedy: str
) -> None:
    response = api.get("/report", params={"as_of": ASKED, "known": known})
    assert response.status_code == 400
    assert remedy in response.json()["detail"]
    assert repr(known) in response.json()["detail"]


def test_the_end_of_a_day_is_meant_where_a_day_is_asked_for() -> None:
    assert known_as_asked("2036-10-26", THEN, ZONE, NOW) == Known(
        "then", STARTS + 6 * DAY + timedelta(hours=1)
    )
    assert known_as_asked("2036-10-29", THEN, ZONE, NOW) == Known("now", NOW)
    assert known_as_asked(None, THEN, ZONE, NOW) == Known("then", THEN)
    assert known_as_asked(None, NOW, ZONE, NOW) == Known("now", NOW)
    with pytest.raises(NyttigError, match="known '2036-10-21' lies before"):
        known_as_asked("2036-10-21", THEN, ZONE, NOW)


def test_the_command_says_what_a_report_of_an_earlier_day_rests_on(
    embedded_database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the clock of this machine, so of a trial of the past: what is told of it is on record since just now."""
    from packages import PLACED_AT, one_home

    for name, value in embedded_database.environment.items():
        monkeypatch.setenv(name, value)
    with db.connect(embedded_database.conninfo) as connection:
        device = save(connection, one_home("medicine_dispenser"))["d1"]
        rows = [event(device, PLACED_AT + n * DAY, "dose_taken", delay=n // 3 * 5 * DAY) for n in (1, 2, 3)]
        arrive(connection, rows)

    def said(*arguments: str) -> str:
        assert main(["report", "trial", "--as-of", "2026-09-04", *arguments]) == 0
        return capsys.readouterr().out

    words = said()
    assert (
        "as it was known 2026-09-04T22:00:00+00:00; not counted: 1 event of that time that came later"
        in words
    )
    assert "not known any more: what the registry said before 20" in words
    assert "as it was known" not in said("--known", "now")
    assert "with all that is known of that time now" in said("--known", "now")
    then, now = json.loads(said("--json")), json.loads(said("--json", "--known", "now"))
    assert (then["data"]["events_total"], now["data"]["events_total"]) == (2, 3)
    assert [each["reason"] for each in then["not_recoverable"]] == ["registry"]
    assert now["not_recoverable"] == []
