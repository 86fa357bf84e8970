"""A coordinator enters what is known of a trial on a phone, in a real browser at the real API; nothing typed is lost."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import streamlit as st
from browsing import on_a_phone, settled, written
from conftest import DatabaseServer
from playwright.sync_api import Locator, Page, expect
from registering import new_devices
from serving import serving

from dashboard.entry_choices import choice
from dashboard.entry_words import empty, label, many, one
from nyttig.entries.kinds import KINDS

PATIENCE_MS = 90_000
TRIAL = "trial"
SAME_IN_DANISH = frozenset({"installation", "support"})
HARM = {
    "title": "The alarm wakes the neighbour",
    "perspective": "citizen",
    "severity": "minor",
    "seen_on": "2026-10-01",
}


@pytest.fixture(scope="module")
def api(embedded_server: DatabaseServer) -> Iterator[httpx.Client]:
    with new_devices(embedded_server) as database, serving(database.conninfo) as client:
        yield client


@pytest.fixture(scope="module")
def phone(api: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Chromium as wide as a phone, at the dashboard. Where it is missing the tests are skipped, except in CI."""
    with on_a_phone(str(api.base_url), tmp_path_factory.mktemp("dashboard"), PATIENCE_MS) as page:
        yield page


@pytest.fixture
def reader(request: pytest.FixtureRequest) -> Iterator[str]:
    """A reader with the language that the test names."""
    st.session_state["language"] = request.param
    yield request.param
    del st.session_state["language"]


def opened(phone: Page, kind: str) -> None:
    """The page of all entries shows the kind."""
    phone.goto(f"/entries?lang=en&trial={TRIAL}&kind={kind}")
    expect(phone.get_by_text(f"Enter {one(kind)}")).to_be_visible(timeout=PATIENCE_MS)


def seen(place: Page | Locator, text: str) -> None:
    expect(place.get_by_text(text).first).to_be_visible(timeout=PATIENCE_MS)


def not_seen(place: Page | Locator, text: str) -> None:
    expect(place.get_by_text(text)).to_have_count(0, timeout=PATIENCE_MS)


def card(phone: Page, text: str) -> Locator:
    """The card on which this stands."""
    return phone.locator('[class*="st-key-card"]').filter(has_text=text)


def press(place: Page | Locator, name: str) -> None:
    settled(place).get_by_role("button", name=name, exact=True).click()


def current(api: httpx.Client, kind: str) -> list[dict[str, object]]:
    """What stands of the kind, the oldest first."""
    answer = api.get(f"/v1/trials/{TRIAL}/entries", params={"kind": kind})
    return [entry["data"] for entry in answer.json()["entries"]]


def test_a_harm_is_entered_on_a_phone_and_a_field_left_empty_costs_nothing_of_what_was_typed(
    phone: Page, api: httpx.Client
) -> None:
    opened(phone, "harm")
    seen(phone, "No harm is known.")
    phone.get_by_text("Enter a harm").click()
    title = phone.get_by_role("textbox", name="What went wrong or became worse")
    title.fill("She hears the alarm at night")
    press(phone, "Enter it")
    seen(
        phone,
        "Not entered: “From whose perspective” is empty: fill it in. “How bad it is” is empty: fill it in.",
    )
    expect(title).to_have_value("She hears the alarm at night")
    assert current(api, "harm") == []
    phone.get_by_text("for the resident", exact=True).click()
    phone.get_by_text("serious", exact=True).click()
    wide = phone.get_by_test_id("stMain").evaluate("box => box.scrollWidth > box.clientWidth")
    assert not wide, "nothing is wider than the screen"
    press(phone, "Enter it")
    seen(phone, "Entered: She hears the alarm at night")
    seen(card(phone, "She hears the alarm at night"), "somebody on this machine")
    assert [(each["perspective"], each["severity"]) for each in current(api, "harm")] == [
        ("citizen", "serious")
    ]
    press(phone, "Undo")
    seen(phone, "Taken back: She hears the alarm at night")
    seen(phone, "No harm is known.")
    assert current(api, "harm") == []


def test_an_entry_is_changed_and_changed_back_and_its_history_says_who_when_and_what(
    phone: Page, api: httpx.Client
) -> None:
    entered = api.post(f"/v1/trials/{TRIAL}/entries/harm", json=HARM).json()
    opened(phone, "harm")
    here = card(phone, HARM["title"])
    press(here, "Change it")
    here.get_by_text("serious", exact=True).click()
    settled(here).get_by_test_id("stFormSubmitButton").get_by_role("button").click()
    seen(here, f"Changed: {HARM['title']}")
    seen(here, "How bad it is: serious")
    assert current(api, "harm")[0]["severity"] == "serious"
    press(here, "Undo")
    seen(here, f"As it was before: {HARM['title']}")
    seen(here, "changed 2 times")
    assert current(api, "harm") == [HARM]
    press(here, "History")
    seen(here, "How bad it is: minor → serious")
    seen(here, "How bad it is: serious → minor")
    seen(here, f"Entered: {HARM['title']}")
    assert here.get_by_text("somebody on this machine · ").count() >= 3, "each version says who and when"
    newest = api.get(f"/v1/entries/{entered['entry']}/versions").json()["versions"][-1]
    api.post(f"/v1/entries/{entered['entry']}/withdraw", params={"version": newest["version"]})


def test_what_is_taken_back_leaves_its_place_with_the_press_that_brings_it_again(
    phone: Page, api: httpx.Client
) -> None:
    for number in (1, 2):
        api.post(f"/v1/trials/{TRIAL}/entries/cycle", json={"number": number, "need": f"Need {number}"})
    opened(phone, "cycle")
    press(card(phone, "1 · Need 1"), "Take it back")
    gone = card(phone, "Taken back: 1 · Need 1")
    seen(gone, "Taken back: 1 · Need 1")
    assert [each["number"] for each in current(api, "cycle")] == [2]
    press(gone, "Undo")
    seen(phone, "As it was before: 1 · Need 1")
    assert [each["number"] for each in current(api, "cycle")] == [1, 2]


def test_a_refusal_of_the_api_stands_by_the_form_and_what_was_typed_stays(
    phone: Page, api: httpx.Client
) -> None:
    api.post(f"/v1/trials/{TRIAL}/entries/ambassador", json={"code": "amb-7", "unit": "Bydel Alna"})
    opened(phone, "ambassador")
    phone.get_by_text("Enter an ambassador").click()
    code = phone.get_by_role("textbox", name="Code of the ambassador")
    code.fill("amb-7")
    unit = phone.get_by_role("combobox", name="Unit *", exact=True)
    expect(unit).to_have_value("Bydel Alna")  # the trial's only one
    press(phone, "Enter it")
    seen(phone, "Not entered:")
    expect(code).to_have_value("amb-7")
    code.fill("amb-8")
    press(phone, "Enter it")
    seen(phone, "Entered: Amb-8")
    assert [each["code"] for each in current(api, "ambassador")] == ["amb-7", "amb-8"]


def test_a_change_somebody_made_meanwhile_is_told_before_it_is_written_over(
    phone: Page, api: httpx.Client
) -> None:
    cost = {"item": "Dispenser", "kind": "capital", "amount": 9000.0, "per": "device"}
    entered = api.post(f"/v1/trials/{TRIAL}/entries/cost", json=cost).json()
    opened(phone, "cost")
    here = card(phone, "Dispenser")
    press(here, "Change it")
    amount = here.get_by_role("spinbutton", name="Amount")
    amount.fill("9500")
    api.put(
        f"/v1/entries/{entered['entry']}", params={"version": 1}, json=cost | {"payer": "Bydel Alna"}
    ).raise_for_status()
    change = here.get_by_test_id("stFormSubmitButton").get_by_role("button")
    settled(change).click()
    seen(here, "somebody else changed it meanwhile (Paid by: – → Bydel Alna)")
    expect(amount).to_have_value("9500")
    assert current(api, "cost") == [cost | {"payer": "Bydel Alna"}]
    settled(change).click()
    seen(here, "Changed: Dispenser · 9,500")
    assert current(api, "cost") == [cost | {"amount": 9500.0}]


def test_a_gain_named_after_the_start_is_marked_and_its_code_is_made_from_its_title(
    phone: Page, api: httpx.Client
) -> None:
    opened(phone, "gain")
    phone.get_by_text("Enter a gain").click()
    phone.get_by_role("textbox", name="What becomes better").fill("Færre nattevåk")
    phone.get_by_text("Quality", exact=True).click()
    phone.get_by_text("for the resident", exact=True).click()
    phone.get_by_text("lower is better", exact=True).click()
    written(phone, "Indicator", "nights_awake")
    press(phone, "Enter it")
    here = card(phone, "Færre nattevåk")
    seen(here, "Entered after the start")
    assert [(each["id"], each["indicator"]) for each in current(api, "gain")][-1] == (
        "faerre-nattevak",
        "nights_awake",
    )


def test_what_was_just_entered_is_said_in_its_fold_although_the_number_in_its_title_changes(
    phone: Page, api: httpx.Client
) -> None:
    phone.goto(f"/benefit?lang=en&trial={TRIAL}")
    phone.get_by_text("Feedback in free words (0)").click()
    phone.get_by_text("Enter feedback").click()
    phone.get_by_role("textbox", name="What was said").fill("It talks too loudly")
    phone.get_by_text("resident", exact=True).click()
    phone.get_by_text("everyone", exact=True).click()
    press(phone, "Enter it")
    seen(phone, "Feedback in free words (1)")
    seen(phone, "Entered: It talks too loudly")
    press(phone, "Undo")
    seen(phone, "Feedback in free words (0)")
    seen(phone, "Taken back: It talks too loudly")
    assert current(api, "feedback") == []


def test_an_empty_gain_is_refused_without_asking_for_the_code_that_is_made_from_its_title(
    phone: Page,
) -> None:
    opened(phone, "gain")
    phone.get_by_text("Enter a gain").click()
    press(phone, "Enter it")
    seen(phone, "Not entered: “What becomes better” is empty: fill it in.")


@pytest.mark.parametrize("reader", ["en", "nb", "da"], indirect=True)
def test_every_kind_field_and_choice_has_words_in_the_readers_language(reader: str) -> None:
    for name, kind in KINDS.items():
        assert one(name) != name.replace("_", " ") or reader == "en"
        assert many(name) != name.replace("_", " ")
        assert len(empty(name)) > len("No work is")
        for column in kind.columns:
            assert label(name, column.name)[0].isupper(), f"{name}.{column.name} has no label"
            for code in column.choices:
                words = choice(name, column.name, code)
                assert words
                assert "_" not in words
                assert reader == "en" or words != code.replace("_", " ") or code in SAME_IN_DANISH, (
                    f"{name}.{column.name}: {code} is not put into words"
                )
