"""What is due for the safety of a home is told with since when, until somebody enters what settles it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from conftest import DatabaseServer
from figures_hours import oslo
from packages import one_home
from serving import serving, take_everything_back
from told import beats, save, tell

from api.deps import now
from nyttig.model import Home
from nyttig.store import db

NOW = oslo("2026-09-21T08:00")
TODAY = date(2026, 9, 21)


def day(ago: int) -> str:
    return (TODAY - timedelta(days=ago)).isoformat()


@pytest.fixture(scope="module")
def server(embedded_server: DatabaseServer) -> Iterator[httpx.Client]:
    """Four homes with a safety alarm since 1 September, of which the first called in vain on the 12th; one that has
    agreed and has none yet, one that is over, and a demo apartment."""
    package = one_home("safety_alarm", homes=4)
    alna = package.homes[0].unit
    package = replace(
        package,
        homes=(
            *package.homes,
            Home("waits", "home", alna, date(2026, 8, 1), date(2026, 8, 20)),
            Home(
                "over",
                "home",
                alna,
                date(2026, 8, 1),
                date(2026, 8, 2),
                date(2026, 9, 1),
                date(2026, 9, 10),
                "moved",
            ),
            Home("show", "demo", alna, installed_on=date(2026, 9, 1)),
        ),
    )
    with embedded_server.fresh_database() as filled:
        with db.connect(filled.conninfo) as connection:
            save(connection, package)
            tell(
                connection,
                beats("d1", oslo("2026-09-01"), NOW),
                [
                    ("d1", oslo("2026-09-12T03:00"), "alarm", "citizen"),
                    ("d1", oslo("2026-09-13T12:00"), "alarm", "citizen"),
                    ("d1", oslo("2026-09-13T12:05"), "alarm_handled", "staff"),
                    ("d1", oslo("2026-09-14T12:00"), "alarm", "test"),
                ],
            )
        with serving(filled.conninfo, {now: lambda: NOW}) as client:
            yield client


@pytest.fixture
def api(server: httpx.Client) -> Iterator[httpx.Client]:
    """What a test enters is taken back after it."""
    yield server
    take_everything_back(server)


def enter(api: httpx.Client, kind: str, **values: Any) -> dict[str, Any]:
    answer = api.post(f"/v1/trials/trial/entries/{kind}", json=values)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def assess(api: httpx.Client, home: str, ago: int, outcome: str = "suitable", **more: Any) -> dict[str, Any]:
    return enter(
        api, "suitability", home=home, assessed_on=day(ago), outcome=outcome, assessed_by="Nurse", **more
    )


def safety(api: httpx.Client) -> dict[str, Any]:
    answer = api.get("/v1/trials/trial/safety")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def due(api: httpx.Client, home: str) -> list[tuple[str, str]]:
    (found,) = [each for each in safety(api)["homes"] if each["home"] == home]
    return [(point["kind"], point["since"]) for point in found["due"]]


def test_a_home_is_assessed_and_its_people_are_trained_or_both_are_due(api: httpx.Client) -> None:
    assert due(api, "h2") == [("not_assessed", "2026-09-01"), ("not_trained", "2026-09-08")]
    assess(api, "h2", 20)
    assert due(api, "h2") == [("not_trained", "2026-09-08")]
    enter(api, "training", home="h2", given_on=day(1), given_to="resident")
    assert due(api, "h2") == []
    told = safety(api)
    assert (told["in_use"], told["assessed"], told["trained"], told["due_homes"]) == (4, 1, 1, 3)


def test_an_assessment_falls_due_again_on_the_day_that_it_set(api: httpx.Client) -> None:
    enter(api, "training", home="h2", given_on=day(15), given_to="relative")
    assess(api, "h2", 20, again_on=day(2))
    assert due(api, "h2") == [("assess_again", day(2))]
    assess(api, "h2", 0, again_on=day(-5))
    assert due(api, "h2") == []
    (home,) = [each for each in safety(api)["homes"] if each["home"] == "h2"]
    assert [(point["kind"], point["since"]) for point in home["to_come"]] == [("assess_again", day(-5))]


def test_a_home_that_was_found_not_suitable_and_still_has_it_comes_before_other_assessments(
    api: httpx.Client,
) -> None:
    assess(api, "h3", 40, "unsuitable")
    assess(api, "h4", 30)
    kinds = [point["kind"] for home in safety(api)["homes"] for point in home["due"]]
    assert due(api, "h3")[0] == ("found_unsuitable", "2026-09-01"), "it was put in after that"
    assert kinds.index("found_unsuitable") < kinds.index("not_assessed")
    assess(api, "h3", 1, "suitable_with_help")
    assert "found_unsuitable" not in [kind for kind, _since in due(api, "h3")]


def test_an_alarm_nobody_handled_is_due_until_somebody_says_what_came_of_it(api: httpx.Client) -> None:
    assert ("alarm_missed", "2026-09-12") in due(api, "h1")
    told = safety(api)
    assert (told["alarms"]["missed"]["count"], told["alarm_handled_within_minutes"]) == (1, 15.0)
    enter(
        api, "adverse_event", home="h1", happened_on="2026-09-12", what="She lay on the floor", severity="minor",
        alarm_missed=True, handled_on="2026-09-14",
    )  # fmt: skip
    assert "alarm_missed" not in [kind for kind, _since in due(api, "h1")]
    assert safety(api)["adverse_closed"] == 1


def test_an_adverse_event_is_the_most_urgent_until_it_was_dealt_with(api: httpx.Client) -> None:
    event = enter(
        api, "adverse_event", home="h4", happened_on=day(3), what="A pill too many", severity="serious"
    )
    assert safety(api)["homes"][0]["home"] == "h4"
    assert due(api, "h4")[0] == ("adverse_open", day(3))
    point = safety(api)["homes"][0]["due"][0]
    assert (point["entry"], point["severity"], point["days"]) == (event["entry"], "serious", 3)
    api.put(
        f"/v1/entries/{event['entry']}", params={"version": 1}, json={**event["data"], "handled_on": day(0)}
    ).raise_for_status()
    assert "adverse_open" not in [kind for kind, _since in due(api, "h4")]


def test_what_is_open_of_a_home_that_is_over_stays_due_and_nothing_else_of_it(api: httpx.Client) -> None:
    assert "over" not in [each["home"] for each in safety(api)["homes"]]
    enter(api, "adverse_event", home="over", happened_on="2026-09-05", what="She fell", severity="moderate")
    assert due(api, "over") == [("adverse_open", "2026-09-05")]


def test_a_home_is_to_be_assessed_before_the_technology_is_put_in(api: httpx.Client) -> None:
    (home,) = [each for each in safety(api)["homes"] if each["home"] == "waits"]
    assert (home["before_installation"], home["due"]) == (True, [])
    assess(api, "waits", 3)
    assert "waits" not in [each["home"] for each in safety(api)["homes"]]


def test_a_demo_apartment_and_a_silent_device_are_never_due(api: httpx.Client) -> None:
    told = safety(api)
    assert "show" not in [each["home"] for each in told["homes"]]
    kinds = {point["kind"] for home in told["homes"] for point in home["due"]}
    assert kinds <= {rule["kind"] for rule in told["rules"]}, (
        "three devices were never heard: that is no safety matter"
    )
    assert {rule["source"] for rule in told["rules"]} == {"helsetilsynet_2024", "nyttig"}
