"""A coordinator hands over the visit log of a care system in a real browser, and takes it back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from browsing import chromium, dashboard_of
from conftest import DatabaseServer
from packages import one_home
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as LateError
from serving import serving

from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, registry

PATIENCE_MS = 60_000
PAGE = """
import streamlit as st
from dashboard.sections import visit_list
st.session_state["language"] = st.query_params.get("lang", "en")
visit_list.show("trial")
"""
LOG = """\
Hjemkode;Dato;Fra kl.;Til kl.;Besøkstype;Tiltak;Reisetid
h1;31.08.2026;08:50;09:02;Hjemmebesøk;Stell;8
h1;21.09.2026;08:50;09:02;Skjermbesøk;Stell;
h1;22.09.2026;08:50;09:02;Annet;Stell;5
h1a;22.09.2026;08:50;09:02;Hjemmebesøk;Stell;5
""".encode("cp1252")


@pytest.fixture(scope="module")
def api(embedded_server: DatabaseServer) -> Iterator[httpx.Client]:
    with embedded_server.fresh_database() as database:
        with db.connect(database.conninfo) as connection:
            registry.save(connection, one_home("medicine_dispenser", homes=2), builtin_technologies())
        with serving(database.conninfo) as client:
            yield client


@pytest.fixture(scope="module")
def page(api: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Chromium at a page with nothing but the list of visits. Where it is missing the tests are skipped, except in CI."""
    folder: Path = tmp_path_factory.mktemp("dashboard")
    script = folder / "visits.py"
    script.write_text(PAGE)
    with chromium() as browser, dashboard_of(str(api.base_url).rstrip("/"), folder, script) as url:
        context = browser.new_context(locale="en-GB", base_url=url)
        context.set_default_timeout(PATIENCE_MS)
        yield context.new_page()


def sees(what: Locator) -> None:
    expect(what).to_be_visible(timeout=PATIENCE_MS)


def hand_over(page: Page, content: bytes, name: str) -> None:
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": content}
    )


def pick(page: Page, label: str, option: str) -> None:
    """The option is chosen, however often the page is drawn anew under the open list."""
    wanted = page.get_by_role("option", name=option, exact=True)
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while True:
        page.get_by_role("combobox", name=label).click()
        try:
            wanted.click(timeout=5000)
        except LateError:
            if time.monotonic() > deadline:
                raise
        else:
            return


def imports(api: httpx.Client) -> list[dict[str, object]]:
    found: list[dict[str, object]] = api.get("/v1/trials/trial/visits/imports").json()["imports"]
    return found


def test_a_log_is_tried_corrected_counted_and_taken_back(page: Page, api: httpx.Client) -> None:
    page.goto("/?lang=en")
    hand_over(page, LOG, "week 35.csv")
    sees(page.get_by_text("These are no homes of the trial: h1a (1 row, perhaps h1)"))
    sees(page.get_by_text("say whether it is at the door").first)
    sees(page.get_by_role("button", name="Count 2 visits, leave the refused rows out"))

    pick(page, "Annet (1 row)", "from afar")
    sees(page.get_by_role("button", name="Count 3 visits, leave the refused rows out"))
    with page.expect_download() as download:
        page.get_by_role("button", name="Rows that do not count").click()
    left_out = Path(download.value.path()).read_text("utf-8-sig").splitlines()
    assert left_out[0].startswith("Hjemkode;Dato;")
    assert left_out[1].startswith(
        'h1a;22.09.2026;08:50;09:02;Hjemmebesøk;Stell;5;5;Refused;"Hjemkode “h1a” is no home'
    )
    assert len(left_out) == 2

    page.get_by_label("What the list comes from").fill("Gerica")
    page.get_by_label("What the list comes from").press("Enter")
    page.get_by_role("button", name="Count 3 visits, leave the refused rows out").click()
    sees(page.get_by_text("3 visits count now."))
    sees(page.get_by_text("3 visits counted · 1 refused and left out"))
    (listed,) = imports(api)
    assert (listed["file"], listed["system"], listed["rows_counted"]) == ("week 35.csv", "Gerica", 3)

    hand_over(page, LOG + b"h2;22.09.2026;09:30;09:45;Annet;Stell;5\n", "week 36.csv")
    sees(page.get_by_text("Read as the last list from Gerica."))
    sees(page.get_by_text("Counts already").first)
    sees(page.get_by_role("button", name="Count 1 visit, leave the refused rows out"))

    page.get_by_role("button", name="Take the whole list back").click()
    sees(page.get_by_text("none of its visits counts"))
    sees(page.get_by_role("button", name="Count 4 visits, leave the refused rows out"))
    page.get_by_role("button", name="Undo: let it count again").click()
    sees(page.get_by_role("button", name="Take the whole list back"))
    assert [each["withdrawn_at"] for each in imports(api)] == [None]


def test_the_columns_of_an_unknown_list_are_chosen_on_the_page_in_norwegian(page: Page) -> None:
    page.goto("/?lang=nb")
    hand_over(page, "Kode;Når;Lengde\nh2;01.10.2026 08:50;12\n".encode(), "liste.csv")
    sees(page.get_by_text("Velg kolonnene først"))
    pick(page, "Start: dag og klokkeslett", "Når")
    pick(page, "Hvor lenge det varte, i minutter", "Lengde")
    sees(page.get_by_text("hvor mange det skal regnes med").first)
    page.get_by_label("Minutter underveis").last.fill("7")
    page.get_by_label("Minutter underveis").last.press("Enter")
    sees(page.get_by_role("button", name="Tell 1 besøk"))
