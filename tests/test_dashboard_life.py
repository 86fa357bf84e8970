"""The pages of a trial's life and of ideas say where a trial is, what it waits for, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from browsing import on_a_phone, settled, written
from conftest import DatabaseServer
from packages import one_home
from playwright.sync_api import Page, expect
from registering import found, open_page, said
from serving import serving

from dashboard import live
from nyttig.model import Gain
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, registry

PATIENCE_MS = 60_000
TODAY = datetime.now(UTC).date()
GAIN = Gain("time", "Fewer visits", "time", "organisation", "visit_minutes_per_week", "lower", -30.0)


def day(ago: int) -> str:
    return (TODAY - timedelta(days=ago)).isoformat()


@pytest.fixture(scope="module")
def api(embedded_server: DatabaseServer) -> Iterator[httpx.Client]:
    """A trial of which much is entered (`full`), and one without a home of which nothing is (`empty`)."""
    package = one_home("medicine_dispenser", trial="full")
    package = replace(package, trial=replace(package.trial, gains=(GAIN,), starts=TODAY - timedelta(days=20)))
    bare = replace(package, homes=(), devices=(), placements=())
    bare = replace(bare, trial=replace(package.trial, id="empty", title="Empty one", gains=()))
    with embedded_server.fresh_database() as database:
        with db.connect(database.conninfo) as session:
            for each in (package, bare):
                registry.save(session, each, builtin_technologies())
            session.commit()
        with serving(database.conninfo) as client:
            for kind, values in FULL:
                client.post(f"/v1/trials/full/entries/{kind}", json=values).raise_for_status()
            yield client


FULL: list[tuple[str, dict[str, Any]]] = [
    ("phase", {"phase": "idea", "starts_on": day(90)}),
    (
        "phase",
        {
            "phase": "pre_study",
            "starts_on": day(60),
            "ends_on": day(31),
            "effect_goals": "Calmer evenings",
            "budget": 1000.0,
        },
    ),
    ("phase", {"phase": "pre_project", "starts_on": day(30), "ends_on": day(3), "owner": "Project lead"}),
    ("spend", {"phase": "pre_study", "spent_on": day(40), "item": "Travel", "amount": 1250.0}),
    (
        "decision",
        {
            "decided_on": day(30),
            "phase": "pre_study",
            "decision": "go_on",
            "reason": "Residents want it",
            "decided_by": "Steering group",
            "next_phase": "pre_project",
        },
    ),
    ("cycle", {"number": 1, "need": "Forgets", "solution": "A drawing", "starts_on": day(50)}),
    ("gate_override", {"gate": "new", "passed": False, "by_name": "Head", "reason": "Tried in 2019"}),
    ("handover", {"line_owner": "Home care", "routines_written": True, "last_support_on": day(1)}),
]


@pytest.fixture
def page(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    with found(str(api.base_url), monkeypatch):
        yield api


def test_the_page_says_where_the_trial_is_what_it_waits_for_and_how_it_stands(page: httpx.Client) -> None:
    text = said(open_page("life", trial="full"))
    for told in (
        'class="current" aria-current=step',
        "The main project cannot begin: 1 planned gain has no baseline.",
        "Its last day was 3 days ago.",
        "Head holds that it is not passed: Tried in 2019",
        "The unit has had no trial of this technology before.",
        "Nothing of what was planned is measured yet.",
        "It is not handed over to the line yet.",
        "Calmer evenings",
        "NOK 1,250 of NOK 1,000 spent (125%) · NOK 250 over the budget",
        "go on → pre-project (Steering group). Residents want it",
        "Still to be written down: How it is tried, and with whom, What was learned, What comes next.",
        "1 of 6 points are settled.",
        "Measured again in the 30 days from",
    ):
        assert told in text, told


@pytest.mark.parametrize("language", ["en", "nb", "da"])
def test_a_trial_of_which_nothing_is_entered_has_pages_that_say_what_to_do(
    page: httpx.Client, language: str
) -> None:
    text = said(open_page("life", trial="empty", lang=language))
    assert ("No phase has begun." in text) == (language == "en")
    open_page("trial", trial="empty", lang=language)
    open_page("overview", lang=language)


def test_a_phase_is_told_from_what_is_there_and_can_be_printed(page: httpx.Client) -> None:
    app = open_page("life", trial="full", report="pre_study")
    text = said(app)
    for told in (
        "Report of a phase: Pre-study",
        "Calmer evenings",
        "Round 1",
        "Nobody said who paid: NOK 1,250 (Travel)",
        "Nothing was measured: the trial’s first day in homes comes after this phase.",
        "Residents want it",
    ):
        assert told in text, told
    text = said(open_page("life", trial="full", report="pre_project"))
    assert "Fewer visits (Visit minutes per week): not measured yet" in text
    assert "Adverse events: 0, in 0 of 1 home" in text


def test_ideas_stand_by_their_voices_and_one_becomes_a_trial(page: httpx.Client) -> None:
    assert "No idea yet." in said(open_page("ideas"))
    for title, voices in (("Light path", 0), ("Reminders", 2)):
        given = {"title": title, "need": "Falls", "raised_by": "Night shift", "raised_on": day(9)}
        idea = page.post("/v1/entries/idea", json=given).json()["entry"]
        for voter in range(voices):
            page.post("/v1/entries/vote", json={"idea": idea, "voter": f"nurse {voter}"}).raise_for_status()
    live.forget_trials()
    text = said(open_page("ideas"))
    assert text.index("Reminders") < text.index("Light path"), "the one with the most voices first"
    assert "2 voices: nurse 0, nurse 1" in text
    assert "No voice for it yet." in text


@pytest.fixture(scope="module")
def phone(api: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Chromium as wide as a phone, at the dashboard. Where it is missing the tests are skipped, except in CI."""
    with on_a_phone(str(api.base_url), tmp_path_factory.mktemp("dashboard"), PATIENCE_MS) as page:
        yield page


def seen(phone: Page, text: str) -> None:
    expect(phone.get_by_text(text).first).to_be_visible(timeout=PATIENCE_MS)


def press(phone: Page, name: str) -> None:
    settled(phone).get_by_role("button", name=name, exact=True).click()


def test_an_idea_gets_a_voice_becomes_a_trial_and_is_taken_back_on_a_phone(
    phone: Page, api: httpx.Client
) -> None:
    for each in api.get("/v1/entries", params={"kind": "idea"}).json()["entries"]:
        api.post(f"/v1/entries/{each['entry']}/withdraw", params={"version": each["version"]})
    given = {"title": "Talking clock", "need": "Takes night for day", "raised_by": "Kin", "raised_on": day(3)}
    idea = api.post("/v1/entries/idea", json={**given, "unit": "Bydel Alna"}).json()["entry"]
    phone.goto("/ideas?lang=en")
    phone.get_by_text("Give it a voice").click()
    phone.get_by_role("textbox", name="Who votes").fill("Night nurse")
    press(phone, "Enter it")
    seen(phone, "1 voice: Night nurse")
    phone.goto("/ideas?lang=en")
    phone.get_by_text("Give it a voice").click()
    phone.get_by_role("textbox", name="Who votes").fill("night nurse")
    press(phone, "Enter it")
    seen(phone, "one voice each")
    phone.get_by_text("Turn it into a trial").click()
    press(phone, "Make it a trial")
    seen(phone, "Name the technology, or what is tried in its place.")
    written(phone, "Technology", "Talking clock")
    wide = phone.get_by_test_id("stMain").evaluate("box => box.scrollWidth > box.clientWidth")
    assert not wide, "nothing is wider than the screen"
    press(phone, "Make it a trial")
    seen(phone, "It is a trial now: Talking clock.")
    told = api.get("/v1/trials/talking-clock/life").json()
    assert (told["current"], told["trial"]["units"]) == ("pre_study", ["Bydel Alna"])
    press(phone, "Undo")
    seen(phone, "As it was before: Talking clock")
    assert api.get(f"/v1/entries/{idea}/versions").json()["versions"][-1]["data"]["status"] == "new"
    assert api.get("/v1/trials/talking-clock").status_code == 200, "the empty trial stays"


def test_a_main_project_that_may_not_begin_is_refused_by_the_form_and_a_tick_is_kept(
    phone: Page, api: httpx.Client
) -> None:
    phone.goto("/life?lang=en&trial=full")
    card = phone.locator('[class*="st-key-phase-main_project"]')
    card.get_by_text("Enter this phase").click()
    press(phone, "Enter it")
    seen(phone, "cannot begin before each planned gain has a baseline")
    phone.get_by_text("Tick what is settled, or change it").click()
    phone.get_by_test_id("stCheckbox").filter(has_text="Those who will do it are trained").click()
    phone.get_by_test_id("stFormSubmitButton").get_by_role("button", name="Change it").click()
    seen(phone, "2 of 6 points are settled.")
    assert api.get("/v1/trials/full/life").json()["handover"]["done"] == ["routines_written", "staff_trained"]


def test_the_last_payment_is_said_to_be_taken_back_where_it_stood_and_can_be_undone(
    phone: Page, api: httpx.Client
) -> None:
    phone.goto("/life?lang=en&trial=full")
    phone.get_by_text("1 payment", exact=True).click()
    paid = phone.get_by_test_id("stExpander").filter(has_text="payment").filter(has_text="Travel")
    settled(phone)
    paid.get_by_role("button", name="Take it back").click()
    seen(phone, "0 payments")
    seen(phone, "Taken back: ")
    press(phone, "Undo")
    seen(phone, "1 payment")
    seen(phone, "As it was before: ")
    spent = api.get("/v1/trials/full/entries", params={"kind": "spend"}).json()["entries"]
    assert [each["data"]["item"] for each in spent] == ["Travel"]


def test_a_different_view_of_a_gate_is_said_to_be_entered_where_it_was_and_can_be_undone(
    phone: Page, api: httpx.Client
) -> None:
    phone.goto("/life?lang=en&trial=empty")
    gate = phone.locator('[class*="st-key-gate-new"]')
    gate.get_by_text("See it differently").click()
    gate.get_by_role("textbox", name="Who says so").fill("Head of department")
    gate.get_by_role("textbox", name="Why").fill("Tried elsewhere")
    gate.get_by_role("button", name="Enter it", exact=True).click()
    expect(gate.get_by_text("Entered: New (nytt)")).to_be_visible(timeout=PATIENCE_MS)
    gate.get_by_role("button", name="Undo", exact=True).click()
    expect(gate.get_by_text("Taken back: New (nytt)")).to_be_visible(timeout=PATIENCE_MS)
    assert api.get("/v1/trials/empty/entries", params={"kind": "gate_override"}).json()["entries"] == []
