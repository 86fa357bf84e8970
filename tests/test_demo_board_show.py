"""The board of a demo apartment counts who came and what came of it, and nothing of it is in a trial's figures."""

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
from sample_people import TODAY, ago, entry
from serving import serving
from told import save

from api.deps import now
from nyttig.demo_board import DemoBoard, board_of
from nyttig.entries.people import DemoVisit, Enquiry
from nyttig.model import Home, UnitPart
from nyttig.store import db
from nyttig.store.sites import DemoHome

NOW = oslo("2026-09-21T08:00")
SHOW = "show-flat"


def day(ago: int) -> str:
    return (date(2026, 9, 21) - timedelta(days=ago)).isoformat()


@pytest.fixture(scope="module")
def api(embedded_server: DatabaseServer) -> Iterator[httpx.Client]:
    """A trial with one home and a demo apartment in which nothing stands."""
    package = one_home("medicine_dispenser")
    unit = package.homes[0].unit
    package = replace(
        package,
        homes=(*package.homes, Home(SHOW, "demo", unit, installed_on=date(2026, 9, 1))),
        units=(UnitPart(unit, date(2026, 8, 1), date(2026, 8, 2), 40, 30, 30),),
    )
    with embedded_server.fresh_database() as filled:
        with db.connect(filled.conninfo) as connection:
            save(connection, package)
        with serving(filled.conninfo, {now: lambda: NOW}) as client:
            yield client


def enter(api: httpx.Client, kind: str, **values: Any) -> dict[str, Any]:
    answer = api.post(f"/v1/trials/trial/entries/{kind}", json=values)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def board(*told: tuple[str, object]) -> DemoBoard:
    home = DemoHome(SHOW, "Bydel Alna", "Europe/Oslo", ("trial",))
    entries = [entry(f"e{number}", kind, data) for number, (kind, data) in enumerate(told)]
    return board_of(home, entries, (), {}, TODAY)


def visit(days_ago: int, visitors: int, **more: Any) -> tuple[str, DemoVisit]:
    told: dict[str, Any] = {
        "home": SHOW,
        "visited_on": ago(days_ago),
        "visitors": visitors,
        "group": "staff",
    } | more
    return "demo_visit", DemoVisit(**told)


def enquiry(technology: str, became: Any, **more: Any) -> tuple[str, Enquiry]:
    return "enquiry", Enquiry(
        technology=technology, asked_on=ago(1), asked_by="resident", home=SHOW, became=became, **more
    )


def test_only_visits_that_were_held_count_and_a_booking_that_is_over_asks_whether_they_came() -> None:
    told = board(
        visit(3, 10), visit(1, 4, group="residents"), visit(2, 7, status="booked"), visit(-4, 9, status="booked"),
        visit(5, 20, status="cancelled"), visit(0, 2, status="booked"), visit(-1, 50),
    )  # fmt: skip
    assert (told.visits, told.visitors, told.cancelled) == (2, 14, 1)
    assert [each.visit.visitors for each in told.to_come] == [2, 9], "today’s is still to come"
    assert [each.visit.visitors for each in told.to_settle] == [7]
    assert [(each.group, each.visitors) for each in told.groups] == [("staff", 10), ("residents", 4)]


def test_months_without_a_visit_stand_between_those_with_one() -> None:
    months = board(visit(3, 10), visit(70, 4)).months
    assert [(each.month, each.visits, each.visitors) for each in months] == [
        ("2026-09", 1, 4),
        ("2026-10", 0, 0),
        ("2026-11", 1, 10),
    ]


def test_interest_enquiries_and_trials_are_counted_each_with_its_n() -> None:
    told = board(
        visit(9, 10, interest="robot_vacuum feeding_robot"), visit(8, 5, interest="feeding_robot"), visit(7, 1),
        enquiry("feeding_robot", "trial", trial="robots"), enquiry("feeding_robot", "open"),
        enquiry("feeding_robot", "granted"), enquiry("robot_vacuum", "nothing"),
    )  # fmt: skip
    robot, vacuum = told.technologies
    assert (robot.asked_visits, robot.asked_visitors, robot.enquiries) == (2, 15, 3)
    assert (robot.became_trial, robot.granted, robot.open, robot.trials) == (1, 1, 1, ("robots",))
    assert (robot.led_on.count, robot.led_on.of) == (2, 2), "the open one is not settled"
    assert (vacuum.asked_visits, vacuum.nothing) == (1, 1)
    assert (told.asked.asked_visits, told.asked.enquiries, told.asked.led_on.of) == (2, 4, 3)


def test_who_guided_is_told_with_how_many_and_tours_without_a_guide_are_counted() -> None:
    told = board(visit(3, 10, guided_by="amb-1"), visit(9, 5, guided_by="amb-1"), visit(4, 2))
    (guide,) = told.guides
    assert (guide.ambassador, guide.visits, guide.visitors, guide.last_on) == ("amb-1", 2, 15, ago(3))
    assert (guide.unit, told.unguided) == (None, 1)


def test_the_board_tells_what_was_entered_and_a_flat_in_which_nothing_stands_is_listed(
    api: httpx.Client,
) -> None:
    (site,) = api.get("/v1/demo-sites").json()["sites"]
    assert (site["site"], site["devices"]) == (SHOW, [])
    enter(api, "demo_visit", home=SHOW, visited_on=day(2), visitors=3, group="relatives")
    told = api.get(f"/v1/demo-sites/{SHOW}").json()
    assert (told["visits"], told["visitors"], told["trials"]) == (1, 3, ["trial"])
    missing = api.get("/v1/demo-sites/h1")
    assert (missing.status_code, SHOW in missing.json()["detail"]) == (404, True)


def test_nothing_of_a_demo_apartment_is_in_a_figure_of_the_trial_but_its_guide_is_active(
    api: httpx.Client,
) -> None:
    def report() -> dict[str, Any]:
        found: dict[str, Any] = api.get("/v1/trials/trial/report").json()
        return found

    before = report()
    assert (before["setting"]["by_unit"][0]["told_by"], before["setting"]["active"]["count"]) == (
        "units_table",
        30,
    )
    unit = before["trial"]["units"][0]
    enter(api, "ambassador", code="amb-1", unit=unit, trained_on=day(60))
    enter(api, "ambassador", code="amb-2", unit=unit, trained_on=day(60))
    enter(api, "demo_visit", home=SHOW, visited_on=day(1), visitors=30, group="staff", guided_by="amb-1")
    after = report()
    (told,) = after["setting"]["by_unit"]
    assert (told["told_by"], told["trained"], told["active"], told["staff"]) == ("entries", 2, 1, 40)
    assert (after["setting"]["active"]["count"], after["setting"]["active"]["of"]) == (1, 2)
    for name in ("funnel", "homes", "use_day_rate", "data", "units", "coverage"):
        assert after[name] == before[name], name


@pytest.mark.parametrize("name", ["Kari Nordmann", "Kåre", "amb 7"])
def test_a_name_is_refused_where_a_code_is_asked_for(api: httpx.Client, name: str) -> None:
    unit = api.get("/v1/trials/trial").json()["units"][0]
    answer = api.post("/v1/trials/trial/entries/ambassador", json={"code": name, "unit": unit})
    assert answer.status_code == 422
    assert f"code: '{name}' is no code" in answer.json()["detail"]
