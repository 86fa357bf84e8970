"""How a trial stood on an earlier day is chosen on its page, said in words, and kept in the address."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
import streamlit as st
from arriving import DAY, HOUR, STARTS, arrive, event, save, trial
from conftest import Database
from serving import serving
from showing import opened, words
from streamlit.testing.v1 import AppTest

from api import deps
from dashboard import live
from nyttig.store import db

PAGE = "views/trial.py"
NOW = STARTS + 9 * DAY
THIRD_DAY = date(2036, 10, 23)
CHOICE = "How did it stand on an earlier day?"


@pytest.fixture(autouse=True)
def _served(embedded_database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A trial in its second week; a dose of its second day came on the fifth."""
    with db.connect(embedded_database.conninfo) as connection:
        device = save(connection, trial())["trial-d1"]
        arrive(
            connection,
            [
                event(device, STARTS + 12 * HOUR, "dose_taken"),
                event(device, STARTS + 36 * HOUR, "dose_taken", delay=3 * DAY),
            ],
        )
    st.cache_data.clear()
    with serving(embedded_database.conninfo, {deps.now: lambda: NOW}) as client:
        monkeypatch.setenv("NYTTIG_API_URL", str(client.base_url))
        yield
        live.client().close()
    st.cache_data.clear()
    st.cache_resource.clear()


def page(**address: str) -> AppTest:
    return opened(PAGE, trial="trial", **address)


def address(app: AppTest, name: str) -> str | None:
    found = app.query_params.get(name)
    return found[0] if isinstance(found, list) else found


def test_today_offers_an_earlier_day_and_says_nothing_of_one() -> None:
    app = page()
    assert CHOICE in [box.label for box in app.expander]
    assert "as it was known then" not in words(app)
    assert "Needs a call" in [header.value for header in app.header]


def test_a_day_that_is_chosen_stands_in_the_address_and_is_told_as_it_was_known_then() -> None:
    app = page()
    next(each for each in app.date_input if "which day" in each.label).set_value(THIRD_DAY).run()
    assert not app.exception
    assert address(app, "as-of") == THIRD_DAY.isoformat()
    said = words(app)
    assert "The trial at the end of 23 Oct 2036, as it was known then." in said
    assert "1 message of that time came later and is not counted. Choose “As it is known now”" in said
    assert "from 1 event. " in said
    assert "Needs a call" not in [header.value for header in app.header]


def test_what_is_known_now_of_that_day_is_one_choice_away_and_today_one_more() -> None:
    app = page(**{"as-of": THIRD_DAY.isoformat()})
    assert "as it was known then" in words(app)
    next(each for each in app.radio if each.label == "What is to count?").set_value("now").run()
    assert address(app, "known") == "now"
    said = words(app)
    assert "with all that is known about that time now" in said
    assert "from 2 events" in said
    next(each for each in app.button if each.label == "Back to today").click().run()
    assert (address(app, "as-of"), address(app, "known")) == (None, None)
    assert "at the end of" not in words(app)


@pytest.mark.parametrize("nonsense", ["yesterday", "2036-02-31", ""])
def test_an_address_that_names_no_day_shows_today(nonsense: str) -> None:
    app = page(**{"as-of": nonsense})
    assert "Needs a call" in [header.value for header in app.header]
    assert "at the end of" not in words(app)


@pytest.mark.parametrize(
    ("lang", "said"), [("nb", "slik det var kjent da"), ("da", "som det var kendt dengang")]
)
def test_an_earlier_day_is_told_in_every_language(lang: str, said: str) -> None:
    assert said in words(page(lang=lang, **{"as-of": THIRD_DAY.isoformat()}))
