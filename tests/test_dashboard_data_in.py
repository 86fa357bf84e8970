"""Staff register a shift on a phone, residents answer a questionnaire, and a coordinator sees what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from browsing import on_a_phone, settled
from conftest import DatabaseServer
from packages import one_home
from playwright.sync_api import Locator, Page, expect
from registering import found, open_page, said
from serving import serving

from dashboard.views.shift_form import under_way
from nyttig.model import Gain
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, registry

PATIENCE_MS = 90_000
TODAY = datetime.now(UTC).date()
UNIT = "Bydel Alna"
TRIAL, EMPTY = "trial", "empty"
GAINS = (
    Gain("time", "Fewer visits", "time", "organisation", "visit_minutes_per_week", "lower"),
    Gain("well", "Better days", "quality", "citizen", "who5", "higher"),
)


def day(ago: int) -> str:
    return (TODAY - timedelta(days=ago)).isoformat()


@pytest.fixture(scope="module")
def api(embedded_server: DatabaseServer) -> Iterator[httpx.Client]:
    """A trial with three homes, two gains and a registration under way; and one of which nothing is entered."""
    package = one_home("medicine_dispenser", trial=TRIAL, homes=3)
    homes = tuple(replace(home, installed_on=TODAY - timedelta(days=40)) for home in package.homes)
    package = replace(package, homes=homes, trial=replace(package.trial, gains=GAINS))
    bare = replace(package, homes=(), devices=(), placements=())
    bare = replace(bare, trial=replace(package.trial, id=EMPTY, title="Empty one", gains=()))
    with embedded_server.fresh_database() as database:
        with db.connect(database.conninfo) as session:
            for each in (package, bare):
                registry.save(session, each, builtin_technologies())
            session.commit()
        with serving(database.conninfo) as client:
            plan = {"unit": UNIT, "period": "after", "from_day": day(3), "to_day": day(-10)}
            client.post(f"/v1/trials/{TRIAL}/entries/registration_plan", json=plan).raise_for_status()
            yield client


@pytest.fixture(scope="module")
def phone(api: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Chromium as wide as a phone, at the dashboard. Where it is missing the tests are skipped, except in CI."""
    with on_a_phone(str(api.base_url), tmp_path_factory.mktemp("dashboard"), PATIENCE_MS) as page:
        yield page


@pytest.fixture
def page(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    with found(str(api.base_url), monkeypatch):
        yield api


def seen(place: Page | Locator, text: str) -> None:
    expect(place.get_by_text(text).first).to_be_visible(timeout=PATIENCE_MS)


def press(phone: Page, name: str) -> None:
    settled(phone).get_by_role("button", name=name).first.click()


def fits(page: Page) -> bool:
    wide: bool = page.get_by_test_id("stMain").evaluate("box => box.scrollWidth > box.clientWidth")
    return not wide


def tap(phone: Page, group: str, choice: str) -> None:
    """The choice of the group of buttons under this heading."""
    buttons = settled(phone).get_by_test_id("stButtonGroup").filter(has_text=group)
    buttons.get_by_text(choice, exact=True).click()


def current(api: httpx.Client, kind: str, trial: str = TRIAL) -> list[dict[str, Any]]:
    answer = api.get(f"/v1/trials/{trial}/entries", params={"kind": kind})
    return [entry["data"] for entry in answer.json()["entries"]]


def test_a_nurse_registers_a_shift_home_by_home_in_few_taps(phone: Page, api: httpx.Client) -> None:
    phone.goto(f"/shift?lang=en&trial={TRIAL}&unit=Bydel+Alna&shift=evening&day={day(1)}")
    seen(phone, "0 of 3 homes")
    seen(phone, f"{UNIT} · evening")
    assert fits(phone)
    press(phone, "Save, next home")
    seen(phone, "choose what it was for")
    assert current(api, "registration") == []
    tap(phone, "What for", "medicine")
    tap(phone, "How many times", "2")
    tap(phone, "Minutes each time", "10")
    tap(phone, "Minutes under way", "5")
    press(phone, "Save, next home")
    seen(phone, "1 of 3 homes")
    seen(phone, "Entered: ")
    assert current(api, "registration") == [
        {
            "unit": UNIT, "day": day(1), "shift": "evening", "period": "after", "purpose": "medicine", "count": 2,
            "minutes": 20.0, "travel_minutes": 10.0, "home": "h1",
        }
    ]  # fmt: skip
    press(phone, "Nothing to register for this home")
    seen(phone, "2 of 3 homes")
    nothing = current(api, "registration")[1]
    assert (nothing["home"], nothing["purpose"], nothing["minutes"]) == ("h2", "none", 0.0)
    press(phone, "Undo")
    seen(phone, "1 of 3 homes")
    assert len(current(api, "registration")) == 1
    press(phone, "Nothing to register for this home")
    seen(phone, "2 of 3 homes")
    press(phone, "Nothing to register for this home")
    seen(phone, "Every home of this shift is registered.")
    phone.get_by_text("How complete the registration is").click()
    seen(phone, "forms that are due")
    assert fits(phone)


def test_a_shift_without_work_is_one_press_and_the_keyboard_is_enough(phone: Page, api: httpx.Client) -> None:
    phone.goto(f"/shift?lang=en&trial={TRIAL}&unit=Bydel+Alna&shift=night&day={day(1)}")
    nothing = phone.get_by_role("button", name="Nothing to register in this whole shift")
    expect(nothing).to_be_visible(timeout=PATIENCE_MS)
    nothing.focus()
    phone.keyboard.press("Enter")
    seen(phone, "This shift had nothing to register.")
    (plan,) = api.get(f"/v1/trials/{TRIAL}/registrations").json()["plans"]
    states = {(each["day"], each["shift"]): each["state"] for each in plan["forms"]}
    assert states[day(1), "night"] == "made"


def test_a_link_to_one_home_shows_its_questionnaire_item_by_item_and_its_score(
    phone: Page, api: httpx.Client
) -> None:
    phone.goto(f"/questionnaire?lang=en&trial={TRIAL}&instrument=who5&home=h2&period=before")
    seen(phone, "Ask with the form of WHO-5 that you have permission to use")
    assert fits(phone)
    for place in range(5):
        phone.get_by_test_id("stButtonGroup").filter(has_text="leave out").nth(place).get_by_text(
            "2", exact=True
        ).click()
        if place == 3:
            press(phone, "Save")
            seen(phone, "no answer to item 5 yet")
    press(phone, "Save")
    seen(phone, "Thank you.")
    phone.get_by_text("What it scores").click()
    seen(phone, "WHO-5: 40, on a scale from 0 to 100")
    seen(phone, "50 or less counts as low well-being. This is a reason to ask how it goes, no diagnosis.")
    (answer,) = current(api, "answer")
    assert (answer["items"], answer["respondent"], answer["way"]) == ("2 2 2 2 2", "resident", "phone")
    assert (answer["home"], answer["period"], answer["answered_on"]) == ("h2", "before", day(0))


def test_forms_on_paper_are_typed_in_one_after_the_other(phone: Page, api: httpx.Client) -> None:
    phone.goto(f"/questionnaire?lang=en&trial={TRIAL}&instrument=who5&period=after&way=paper")
    row = phone.get_by_role("textbox", name="Answers in order, with the number keys")
    expect(row).to_be_visible(timeout=PATIENCE_MS)
    phone.get_by_text("somebody else for the resident", exact=True).click()
    settled(phone)
    row.fill("3249")
    phone.keyboard.press("Enter")
    seen(phone, "4 answers, and the questionnaire has 5 items")
    settled(phone)
    row.fill("32415")
    phone.keyboard.press("Enter")
    seen(phone, "WHO-5: 60, on a scale from 0 to 100")
    seen(phone, "Answered by somebody else for the resident.")
    seen(phone, "1 of 3 homes have a filled-in form in this period.")
    expect(row).to_have_value("")
    settled(phone)
    row.fill("3-415")
    phone.keyboard.press("Enter")
    seen(phone, "No score, because an item was left out.")
    after = [each for each in current(api, "answer") if each["period"] == "after"]
    assert [(each["home"], each["items"], each["respondent"]) for each in after] == [
        ("h1", "3 2 4 1 5", "proxy"),
        ("h2", "3 - 4 1 5", "resident"),
    ]


def test_feedback_that_points_at_somebody_is_not_entered_and_what_was_typed_stays(
    phone: Page, api: httpx.Client
) -> None:
    phone.goto(f"/data?lang=en&trial={TRIAL}&do=feedback")
    typed = phone.get_by_role("textbox", name="What was said")
    expect(typed).to_be_visible(timeout=PATIENCE_MS)
    assert fits(phone)
    typed.fill("It beeps, ring 22 33 44 55")
    phone.get_by_text("resident", exact=True).click()
    phone.get_by_text("everyone", exact=True).click()
    press(phone, "Enter it")
    seen(phone, "“22 33 44 55” looks like a phone number: leave it out, and names too.")
    expect(typed).to_have_value("It beeps, ring 22 33 44 55")
    assert current(api, "feedback") == []
    typed.fill("It beeps at night")
    press(phone, "Enter it")
    seen(phone, "Entered: It beeps at night")
    seen(phone, "Everyone (1)")


def test_the_page_says_per_gain_which_homes_lack_a_value(page: httpx.Client) -> None:
    page.post(
        f"/v1/trials/{TRIAL}/entries/measure",
        json={"home": "h1", "indicator": "who5", "measured_on": day(60), "period": "before", "value": 52.0},
    ).raise_for_status()
    text = said(open_page("data_in", trial=TRIAL))
    assert "Fewer visits" in text
    assert "Missing: h1, h2, h3" in text
    assert "of 3 homes due" in text
    assert "forms due" in text
    shifts = said(open_page("data_in", trial=TRIAL, do="shifts"))
    assert "Under 80% every gain that rests on them is marked uncertain." in shifts


def test_a_code_of_the_trials_own_is_not_shown_where_its_gain_has_a_title(page: httpx.Client) -> None:
    own = {
        "id": "doses", "title": "Medicine in time", "type": "quality", "perspective": "citizen",
        "indicator": "doses_right_time_pct", "better": "higher",
    }  # fmt: skip
    gain = page.post(f"/v1/trials/{TRIAL}/entries/gain", json=own).raise_for_status().json()
    measure = {
        "home": "h1", "indicator": "doses_right_time_pct", "measured_on": day(60), "period": "before", "value": 80.0,
    }  # fmt: skip
    value = page.post(f"/v1/trials/{TRIAL}/entries/measure", json=measure).raise_for_status().json()
    for do in ("missing", "measures"):
        text = said(open_page("data_in", trial=TRIAL, do=do))
        assert "Medicine in time" in text
        assert "doses_right_time_pct" not in text
    for each in (value, gain):
        page.post(
            f"/v1/entries/{each['entry']}/withdraw", params={"version": each["version"]}
        ).raise_for_status()


@pytest.mark.parametrize(("trial", "language"), [(TRIAL, "en"), (EMPTY, "nb"), (EMPTY, "da")])
def test_every_way_in_opens_in_every_language_also_where_nothing_is_entered(
    page: httpx.Client, trial: str, language: str
) -> None:
    for task in ("visits", "shifts", "questionnaires", "measures", "series", "costs", "feedback"):
        open_page("data_in", trial=trial, do=task, lang=language)
    open_page("shift_form", trial=trial, lang=language)
    for instrument, way in (("who5", "phone"), ("eq5d5l", "paper"), ("sus", "phone")):
        open_page("questionnaire", trial=trial, lang=language, instrument=instrument, way=way)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "No gain is named yet"),
        ("nb", "Ingen gevinst er navngitt ennå"),
        ("da", "Ingen gevinst er navngivet endnu"),
    ],
)
def test_an_empty_trial_says_what_to_do_first(page: httpx.Client, language: str, words: str) -> None:
    assert words in said(open_page("data_in", trial=EMPTY, lang=language))


@pytest.mark.parametrize(
    ("at", "began", "shift"),
    [
        ("2026-11-22T06:59", "2026-11-21", "night"),
        ("2026-11-22T07:00", "2026-11-22", "day"),
        ("2026-11-22T15:00", "2026-11-22", "evening"),
        ("2026-11-22T22:00", "2026-11-22", "night"),
        ("2026-11-23T00:30", "2026-11-22", "night"),
    ],
)
def test_the_clock_chooses_the_shift_and_the_day_on_which_it_began(at: str, began: str, shift: str) -> None:
    day_began, running = under_way(datetime.fromisoformat(at))
    assert (day_began.isoformat(), running) == (began, shift)
