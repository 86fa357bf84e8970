"""An installer sees what speaks and is not registered, and makes a device of it with one press."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import streamlit as st
from conftest import Database, DatabaseServer
from registering import (
    DOOR,
    MOON,
    SHELLY,
    answering,
    found,
    new_devices,
    open_page,
    pick,
    press,
    registered,
    words,
)
from sample_api import full
from sample_api import serving as serving_sample
from serving import serving

from dashboard.registry_words import said, says

PAGE = "proposals"
CODE = "aqara-mccgq11lm-b5c2f1"


@pytest.fixture
def database(embedded_server: DatabaseServer) -> Iterator[Database]:
    with new_devices(embedded_server) as filled:
        yield filled


@pytest.fixture(scope="module")
def served(embedded_server: DatabaseServer) -> Iterator[str]:
    """The address of an API whose registry no test changes."""
    with new_devices(embedded_server) as filled, serving(filled.conninfo) as client:
        yield str(client.base_url).rstrip("/")


@pytest.fixture
def unchanged(served: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """That API, as the pages find it."""
    with found(served, monkeypatch) as url:
        yield url


@pytest.fixture
def api(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    with answering(database, monkeypatch) as client:
        yield client


def test_a_new_device_is_told_with_make_model_what_it_can_say_and_how_often(unchanged: str) -> None:
    page = words(open_page(PAGE))
    assert "**3 devices** to accept" in page
    assert "Aqara MCCGQ11LM" in page
    assert "Says: door contact, temperature, battery" in page
    assert "10 messages since" in page
    assert ", about every 5 minutes" in page
    assert "Link quality 132 · Battery 90%" in page
    assert "Says: energy, power" in page, "two channels of one thing are one thing"


@pytest.mark.parametrize(
    ("lang", "title", "says_what"),
    [
        ("nb", "Nye enheter", "dørkontakt, temperatur, batteri"),
        ("da", "Nye enheder", "dørkontakt, temperatur, batteri"),
    ],
)
def test_new_devices_are_told_in_the_readers_language(
    unchanged: str, lang: str, title: str, says_what: str
) -> None:
    page = words(open_page(PAGE, lang=lang))
    assert title in page
    assert says_what in page


def test_one_press_makes_a_device_of_it_in_the_home_and_its_trial(api: httpx.Client) -> None:
    app = press(open_page(PAGE, site="h1"), "Accept at h1", number=_place_of("Aqara", api))
    assert f"**{CODE}** is registered and stands at h1." in words(app)
    assert "3 messages that were heard before are being brought in." in words(app)
    assert "**2 devices** to accept" in words(app)
    made = registered(api)[CODE]
    assert (made["technology"], made["home"], made["address"]) == ("door_sensor", "h1", DOOR)
    assert made["roles"] == {"trial": "secondary"}
    assert made["heartbeat_minutes"] == 5.0


def _place_of(words_of_it: str, api: httpx.Client) -> int:
    """How far down on the page the device stands: what was heard first stands last."""
    listed = sorted(
        api.get("/v1/proposals").json()["proposals"],
        key=lambda each: (each["first_seen_at"], each["dialect"], each["address"]),
        reverse=True,
    )
    return next(n for n, each in enumerate(listed) if words_of_it in f"{each['make']} {each['address']}")


def test_a_device_accepted_without_a_home_can_be_placed_next(api: httpx.Client) -> None:
    app = press(open_page(PAGE), "Accept without a home", number=_place_of("Aqara", api))
    assert f"**{CODE}** is registered and stands nowhere yet." in words(app)
    assert registered(api)[CODE]["home"] is None
    assert f"Place {CODE} in a home" in [link.label.replace("\\", "") for link in app.get("page_link")]


def test_what_nobody_can_guess_is_accepted_once_somebody_says_what_it_is(api: httpx.Client) -> None:
    place = _place_of("moon", api)
    app = press(open_page(PAGE, site="h2"), "Accept at h2", number=place)
    assert "Not entered: choose what it is first." in words(app)
    assert len(registered(api)) == 2
    boxes = [box for box in app.selectbox if box.label == "What it is"]
    app = press(boxes[place].set_value("bed_sensor").run(), "Accept at h2", number=place)
    assert {each["technology"] for each in registered(api).values() if each["address"] == MOON} == {
        "bed_sensor"
    }


def test_a_refusal_is_shown_and_nothing_typed_is_lost(api: httpx.Client) -> None:
    place = _place_of("Aqara", api)
    app = open_page(PAGE, site="h1")
    codes = [field for field in app.text_input if field.label == "Code"]
    app = press(codes[place].set_value("d1").run(), "Accept at h1", number=place)
    assert "Not entered: there is a device “d1” already" in words(app)
    codes = [field for field in app.text_input if field.label == "Code"]
    assert codes[place].value == "d1"
    app = press(codes[place].set_value("hall door").run(), "Accept at h1", number=place)
    assert "a code has letters" in words(app)
    codes = [field for field in app.text_input if field.label == "Code"]
    press(codes[place].set_value("door-1").run(), "Accept at h1", number=place)
    assert registered(api)["door-1"]["home"] == "h1"


def test_what_is_dismissed_is_folded_away_and_can_be_brought_back(api: httpx.Client) -> None:
    app = press(open_page(PAGE), "Dismiss", number=_place_of("Aqara", api))
    assert f"Dismissed: Aqara MCCGQ11LM · {DOOR}" in words(app)
    press(app, "Undo")
    assert "**3 devices** to accept" in words(app)
    api.post("/v1/proposals/dismiss", json={"dialect": SHELLY, "address": MOON}).raise_for_status()
    st.cache_data.clear()
    later = open_page(PAGE)
    assert [box.label for box in later.expander] == ["Dismissed (1)"]
    press(later, "Propose again")
    assert "**3 devices** to accept" in words(later)


def test_new_devices_are_found_by_what_they_can_say(unchanged: str) -> None:
    app = open_page(PAGE)
    field = next(field for field in app.text_input if field.label.startswith("Find"))
    field.set_value("aqara door contact").run()
    assert "**1 device** to accept" in words(app)
    assert (
        app.query_params["search"] == ["aqara door contact"]
        or app.query_params["search"] == "aqara door contact"
    )
    next(field for field in app.text_input if field.label.startswith("Find")).set_value("submarine").run()
    assert "No new device matches submarine." in words(app)


def test_new_devices_are_told_apart_by_how_they_speak(unchanged: str) -> None:
    app = pick(open_page(PAGE), "Dialect", SHELLY)
    assert "**1 device** to accept" in words(app)
    assert "Shelly · shellymoon-1" in words(app)
    assert "Aqara" not in words(app)


def test_where_nothing_new_is_heard_the_page_says_what_to_do(
    embedded_server: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with embedded_server.fresh_database() as empty, answering(empty, monkeypatch):
        page = words(open_page(PAGE))
    assert "Nothing new is heard. Put the gateway into pairing mode" in page
    assert "NYTTIG_MQTT_SOURCES" in page


def test_an_api_that_cannot_answer_is_said_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = full()
    sample.problem = (503, "the database at 127.0.0.1:5432 does not answer")
    with serving_sample(sample), found(sample.url, monkeypatch):
        assert "cannot answer now: the database at 127.0.0.1:5432 does not answer" in words(open_page(PAGE))


def test_the_home_brings_its_trial_along_and_another_may_be_chosen(api: httpx.Client) -> None:
    app = open_page(PAGE)
    assert [box.value for box in app.selectbox if box.label == "Trial"] == ["none"]
    pick(app, "Home where they stand", "h2")
    assert [box.value for box in app.selectbox if box.label == "Trial"] == ["trial"]
    pick(app, "Trial", "none")
    press(app, "Accept at h2", number=_place_of("Aqara", api))
    assert registered(api)[CODE]["roles"] == {}


def test_a_type_of_reading_that_is_not_known_keeps_its_own_word() -> None:
    assert said("moon_phase") == "moon phase"
    assert said("power_2") == "power"
    assert says(("health", "contact", "contact_2"), battery=True) == ["door contact", "battery"]
