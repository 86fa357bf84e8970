"""Demo apartments, ambassadors and the safety of homes on the dashboard: what is due is settled right where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import pytest
from browsing import on_a_phone, settled
from conftest import DatabaseServer
from packages import one_home
from playwright.sync_api import Page, expect
from registering import found, open_page, said
from serving import serving
from told import save

from nyttig.model import Home
from nyttig.store import db

TODAY = datetime.now(UTC).date()
PATIENCE_MS = 90_000
FLAT = "show-flat"
PAGES = ("safety", "ambassadors", "demo_apartment", "trial")


def day(ago: int) -> str:
    return (TODAY - timedelta(days=ago)).isoformat()


@pytest.fixture(scope="module")
def api(embedded_server: DatabaseServer) -> Iterator[httpx.Client]:
    """A trial with two homes and a demo apartment, of which nothing is entered, and one without a home."""
    package = one_home("medicine_dispenser", homes=2)
    unit = package.homes[0].unit
    package = replace(
        package, homes=(*package.homes, Home(FLAT, "demo", unit, installed_on=date(2026, 9, 1)))
    )
    empty = replace(package, homes=(), devices=(), placements=())
    empty = replace(empty, trial=replace(empty.trial, id="empty", title="Empty one"))
    with embedded_server.fresh_database() as database:
        with db.connect(database.conninfo) as connection:
            save(connection, package)
            save(connection, empty)
        with serving(database.conninfo) as client:
            yield client


@pytest.fixture
def page(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """The pages find the API; what a test enters is taken back after it."""
    with found(str(api.base_url), monkeypatch):
        yield api
    take_back_all(api)


@pytest.fixture(scope="module")
def browser_page(api: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Chromium as wide as a phone, at the dashboard."""
    with on_a_phone(str(api.base_url), tmp_path_factory.mktemp("dashboard"), PATIENCE_MS) as page:
        yield page


@pytest.fixture
def phone(browser_page: Page, api: httpx.Client) -> Iterator[Page]:
    yield browser_page
    take_back_all(api)


def take_back_all(api: httpx.Client) -> None:
    for entry in api.get("/v1/trials/trial/entries").json()["entries"]:
        api.post(f"/v1/entries/{entry['entry']}/withdraw", params={"version": entry["version"]})


def enter(api: httpx.Client, kind: str, **values: Any) -> None:
    api.post(f"/v1/trials/trial/entries/{kind}", json=values).raise_for_status()


def current(api: httpx.Client, kind: str) -> list[dict[str, Any]]:
    answer = api.get("/v1/trials/trial/entries", params={"kind": kind})
    return [entry["data"] for entry in answer.json()["entries"]]


def press(phone: Page, name: str) -> None:
    settled(phone).get_by_role("button", name=name, exact=True).click()


def seen(phone: Page, text: str) -> None:
    expect(phone.get_by_text(text).first).to_be_visible(timeout=PATIENCE_MS)


@pytest.mark.parametrize("language", ["en", "nb", "da"])
@pytest.mark.parametrize("view", PAGES)
@pytest.mark.parametrize("trial", ["trial", "empty"])
def test_of_what_nothing_is_entered_the_pages_say_so_in_every_language(
    page: httpx.Client, view: str, trial: str, language: str
) -> None:
    app = open_page(view, trial=trial, lang=language)
    (recording,) = app.error  # no ingestor is at work here, and every page says so
    assert "Nyttig" in recording.value


def test_safety_tells_what_is_due_of_which_home_and_since_when_and_who_asks_for_it(
    page: httpx.Client,
) -> None:
    enter(
        page,
        "suitability",
        home="h1",
        assessed_on=day(60),
        outcome="suitable",
        assessed_by="Nurse",
        again_on=day(3),
    )
    enter(page, "training", home="h1", given_on=day(50), given_to="resident")
    enter(page, "adverse_event", home="h2", happened_on=day(4), what="A pill too many", severity="serious")
    app = open_page("safety", trial="trial")
    text, cards = said(app), unescape("\n".join(each.value for each in app.html))
    first = cards.index("adverse event not dealt with (serious): A pill too many")
    assert first < cards.index("to be assessed again"), "the most urgent home stands first"
    for told in (
        "suitable on", "nobody trained", "1 of 2", "Asked for by Helsetilsynet, 2024.", "4 days", "3 days",
        "from 7 days after the installation.", "No device here can raise an alarm",
    ):  # fmt: skip
        assert told in text, told


def test_the_trials_page_tells_in_a_few_lines_what_is_due(page: httpx.Client) -> None:
    enter(page, "adverse_event", home="h2", happened_on=day(4), what="A pill too many", severity="serious")
    text = said(open_page("trial", trial="trial"))
    assert "Something is due in 2 homes".replace("2 homes", "**2 homes**") in text
    assert "1 × adverse event not dealt with · 2 × suitability not assessed · 2 × nobody trained." in text
    assert "[Safety of each home](safety?trial=trial&lang=en)" in text


def test_the_board_tells_bookings_visits_guides_and_what_came_of_the_interest(page: httpx.Client) -> None:
    unit = page.get("/v1/trials/trial").json()["units"][0]
    enter(page, "ambassador", code="amb-1", unit=unit, trained_on=day(60))
    enter(page, "demo_visit", home=FLAT, visited_on=day(2), visitors=12, group="staff", guided_by="amb-1",
          interest="robot_vacuum")  # fmt: skip
    enter(page, "demo_visit", home=FLAT, visited_on=day(-8), visitors=5, group="relatives", status="booked")
    enter(page, "demo_visit", home=FLAT, visited_on=day(1), visitors=4, group="students", status="booked")
    enter(
        page,
        "enquiry",
        technology="robot_vacuum",
        asked_on=day(1),
        asked_by="staff",
        home=FLAT,
        became="trial",
    )
    text = said(open_page("demo_apartment"))
    for told in (
        "1 booking is over, and nobody said whether they came.",
        "next of kin · 5 people · nobody guides them yet",
        "Staff: <b>12</b>",
        f"amb-1 · {unit}: <b>1</b>",
        "Asked about in **1 visit** (12 people) → **1 enquiry** → **1** led to a trial",
        "No technology stands here yet.",
    ):
        assert told in text, told


def test_ambassadors_are_told_by_unit_and_month_with_where_it_is_from(page: httpx.Client) -> None:
    unit = page.get("/v1/trials/trial").json()["units"][0]
    for code, trained in (("amb-1", day(60)), ("amb-2", day(60)), ("amb-3", None)):
        enter(page, "ambassador", code=code, unit=unit, **({"trained_on": trained} if trained else {}))
    enter(page, "ambassador_activity", ambassador="amb-1", done_on=day(3), what="helped_home", home="h1")
    text = said(open_page("ambassadors", trial="trial"))
    for told in (
        f"{unit}: <b>1/2</b>",
        "1 × helped a home",
        "1 waits for training",
        "Not trained yet: amb-3.",
        "no unit says how many employees it has (units.csv)",
        "1 thing done",
    ):
        assert told in text, told
    assert "[Enter trainings and what ambassadors did](ambassadors?trial=trial&lang=en)" in said(
        open_page("trial", trial="trial")
    )


def test_a_training_is_entered_for_all_who_were_there_all_of_them_or_none(
    phone: Page, api: httpx.Client
) -> None:
    phone.goto("/ambassadors?lang=en&trial=trial")
    phone.get_by_text("Enter all who were at a training").click()
    codes = phone.get_by_role("textbox", name="Codes, one a line")
    codes.fill("amb-1\namb-2\nKari Nordmann")
    press(phone, "Enter them")
    seen(phone, "“Kari Nordmann” is no code")
    assert current(api, "ambassador") == []
    expect(codes).to_have_value("amb-1\namb-2\nKari Nordmann")
    codes.fill("amb-1\namb-2")
    press(phone, "Enter them")
    seen(phone, "2 ambassadors are entered as trained.")
    assert [(each["code"], each["trained_on"]) for each in current(api, "ambassador")] == [
        ("amb-1", day(0)),
        ("amb-2", day(0)),
    ]
    press(phone, "Undo")
    seen(phone, "2 are as they were before.")
    assert current(api, "ambassador") == []


def test_what_is_due_is_settled_on_its_card_and_can_be_undone_there(phone: Page, api: httpx.Client) -> None:
    enter(api, "suitability", home="h1", assessed_on=day(60), outcome="suitable", assessed_by="Nurse")
    phone.goto("/safety?lang=en&trial=trial")
    card = phone.locator('[class*="st-key-safety-h1"]')
    expect(card).to_contain_text("nobody trained", timeout=PATIENCE_MS)
    card.get_by_text("Enter a training").click()
    card.get_by_text("resident", exact=True).click()
    card.get_by_test_id("stFormSubmitButton").get_by_role("button").click()
    expect(card).to_contain_text("Entered: h1", timeout=PATIENCE_MS)
    expect(card).not_to_contain_text("nobody trained", timeout=PATIENCE_MS)
    assert [each["home"] for each in current(api, "training")] == ["h1"]
    wide = phone.get_by_test_id("stMain").evaluate("box => box.scrollWidth > box.clientWidth")
    assert not wide, "nothing is wider than the screen"
    card.get_by_role("button", name="Undo", exact=True).click()
    expect(card).to_contain_text("nobody trained", timeout=PATIENCE_MS)
    assert current(api, "training") == []


def test_a_booking_is_settled_on_the_board(phone: Page, api: httpx.Client) -> None:
    enter(api, "demo_visit", home=FLAT, visited_on=day(1), visitors=4, group="students", status="booked")
    phone.goto("/demo?lang=en")
    phone.get_by_text("Say whether they came").click()
    phone.get_by_text("held", exact=True).click()
    press(phone, "Change it")
    seen(phone, "Visits held")
    expect(phone.get_by_text("Say whether they came")).to_have_count(0, timeout=PATIENCE_MS)
    assert [each["status"] for each in current(api, "demo_visit")] == ["held"]
    seen(phone, "Changed: ")
    press(phone, "Undo")
    seen(phone, "Say whether they came")
    assert [each["status"] for each in current(api, "demo_visit")] == ["booked"]


CODE = {"code": "amb-1", "unit": "Bydel Alna"}
BOOKED = {"home": FLAT, "visited_on": day(1), "visitors": 4, "group": "students", "status": "held"}


@pytest.mark.parametrize(
    ("page_at", "kind", "values", "title"),
    [
        ("safety", "training", {"home": "h1", "given_on": day(3), "given_to": "resident"}, "Training given"),
        ("ambassadors", "ambassador", CODE, "Ambassadors"),
        ("demo", "demo_visit", BOOKED, "All visits and bookings"),
    ],
)
def test_the_last_of_a_list_is_said_to_be_taken_back_where_it_stood_and_can_be_undone(
    phone: Page, api: httpx.Client, page_at: str, kind: str, values: dict[str, Any], title: str
) -> None:
    enter(api, kind, **values)
    phone.goto(f"/{page_at}?lang=en&trial=trial")
    phone.get_by_text(f"{title} (1)").click()
    press(phone, "Take it back")
    seen(phone, f"{title} (0)")
    seen(phone, "Taken back: ")
    assert current(api, kind) == []
    press(phone, "Undo")
    seen(phone, f"{title} (1)")
    seen(phone, "As it was before: ")
    assert len(current(api, kind)) == 1
