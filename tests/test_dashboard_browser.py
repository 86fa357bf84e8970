"""A real browser reads the dashboard on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import chromium, dashboard_of
from playwright.sync_api import Browser, Page, expect
from sample_api import SampleApi, full, make_health, serving

SIZES = [(1280, 900), (390, 844)]
PAGES = {
    "": "Trials",
    "trial": "Medisindispenser i hjemmetjenesten",
    "benefit": "Benefit of Medisindispenser i hjemmetjenesten",
    "devices": "Devices",
    "devices?device=medicine-dispenser-09": "medicine-dispenser-09",
    "work": "Work list",
    "commissioning?site=A04&device=door-sensor-99": "Mount a device",
    "demo": "Demo apartment",
}
CHARTS = {"trial": 9, "benefit": 8, "demo": 2, "devices?device=medicine-dispenser-09": 3}
PATIENCE_MS = 90_000
"""What takes two seconds may take so long on a machine that is busy with something else."""
NOISE = "_stcore"
"""Streamlit's page first asks for its server below the page's own path, and is answered 404."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def api() -> Iterator[SampleApi]:
    """A full API."""
    with serving(full()) as running:
        yield running


@pytest.fixture(scope="module")
def dashboard_url(api: SampleApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with dashboard_of(api.url, tmp_path_factory.mktemp("elsewhere")) as url:
        yield url


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Browser, api: SampleApi) -> Iterator[Page]:
    """A window of the size that the test names, which notes every address it asks for."""
    width, height = request.param
    api.health = make_health()
    context = browser.new_context(viewport={"width": width, "height": height}, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    yield page
    context.close()


def _charts_are_drawn(page: Page, count: int) -> None:
    """So many can be seen; those behind a closed fold are drawn when it opens, or were as the page came together."""
    drawn = "[data-testid=stVegaLiteChart] svg:visible, [data-testid=stVegaLiteChart] canvas:visible"
    expect(page.locator(drawn)).to_have_count(count, timeout=PATIENCE_MS)


@pytest.mark.parametrize("page", SIZES, indirect=True)
def test_a_picture_behind_a_fold_is_there_when_it_is_opened(page: Page, dashboard_url: str) -> None:
    page.goto(f"{dashboard_url}/benefit?trial=alna-medisindispenser&lang=en")
    _charts_are_drawn(page, CHARTS["benefit"])
    folds = page.get_by_text("Does more use go with more gain? (exploratory)").all()
    for fold in folds:
        fold.click()
    _charts_are_drawn(page, CHARTS["benefit"] + len(folds))


@pytest.mark.parametrize("page", SIZES, indirect=True)
def test_every_page_can_be_read_without_scrolling_sideways(page: Page, dashboard_url: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path, title in PAGES.items():
        page.goto(f"{dashboard_url}/{path}{'&' if '?' in path else '?'}lang=en")
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible(timeout=PATIENCE_MS)
        expect(page.get_by_text("Last event stored 12 seconds ago")).to_be_visible()
        _charts_are_drawn(page, CHARTS.get(path, 0))
        main = page.get_by_test_id("stMain")
        assert main.evaluate("box => box.scrollWidth <= box.clientWidth"), f"/{path} is wider than the window"
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.get_by_test_id("stException").count() == 0
        assert page.get_by_text("Deploy", exact=True).count() == 0
    elsewhere = [url for url in asked if not url.startswith((dashboard_url, "data:", "blob:"))]
    assert not elsewhere, "a page with health data asks nobody but its own server"


@pytest.mark.parametrize("page", SIZES, indirect=True)
def test_a_stopped_ingest_is_seen_within_thirty_seconds(
    page: Page, dashboard_url: str, api: SampleApi
) -> None:
    page.goto(f"{dashboard_url}/?lang=en")
    expect(page.get_by_text("Last event stored 12 seconds ago")).to_be_visible(timeout=PATIENCE_MS)
    api.health = make_health(running=False, age_seconds=40.0) | {"status": "not_ready", "reason": "stopped"}
    expect(page.get_by_text("Recording has stopped.")).to_be_visible(timeout=30_000)
    api.health = make_health()
    expect(page.get_by_text("Recording has stopped.")).to_be_hidden(timeout=30_000)


@pytest.mark.parametrize("page", SIZES[:1], indirect=True)
def test_the_language_and_the_trial_stay_in_the_address_from_page_to_page(
    page: Page, dashboard_url: str
) -> None:
    page.goto(f"{dashboard_url}/?lang=nb")
    page.get_by_text("Åpne utprøvingen").nth(1).click()
    expect(page.get_by_role("heading", name="Vaske-tørre-toilet i eget hjem")).to_be_visible(
        timeout=PATIENCE_MS
    )
    expect(page).to_have_url(f"{dashboard_url}/trial?trial=odense-toilet&lang=nb")
    page.get_by_role("link", name="Enheter", exact=True).click()
    expect(page.get_by_role("heading", name="Enheter", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    expect(page).to_have_url(f"{dashboard_url}/devices?lang=nb")
    page.get_by_role("link", name="Én utprøving").click()
    expect(page.get_by_role("heading", name="Vaske-tørre-toilet i eget hjem")).to_be_visible(
        timeout=PATIENCE_MS
    )


@pytest.mark.parametrize("page", SIZES[1:], indirect=True)
def test_an_installer_on_a_phone_filters_by_status_and_shares_the_address(
    page: Page, dashboard_url: str
) -> None:
    page.goto(f"{dashboard_url}/devices?lang=en")
    page.get_by_role("radio", name="Late").or_(page.get_by_role("button", name="Late")).first.click()
    expect(page.get_by_text("medicine-dispenser-03")).to_have_count(0, timeout=PATIENCE_MS)
    expect(page.get_by_text("medicine-dispenser-02").first).to_be_visible()
    assert "status=late" in page.url


@pytest.mark.parametrize("page", SIZES[1:], indirect=True)
def test_an_installer_goes_from_a_row_to_the_device_to_its_home_and_back(
    page: Page, dashboard_url: str
) -> None:
    page.goto(f"{dashboard_url}/devices?lang=nb")
    page.get_by_role("link", name="medicine-dispenser-09").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="medicine-dispenser-09")).to_be_visible(timeout=PATIENCE_MS)
    expect(page).to_have_url(f"{dashboard_url}/devices?device=medicine-dispenser-09&lang=nb")
    page.get_by_role("link", name="Arbeid i dette hjemmet").click()
    expect(page.get_by_role("heading", name="Arbeidsliste")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("medicine-dispenser-09").first).to_be_visible()
    expect(page.get_by_text("medicine-dispenser-03")).to_have_count(0)
    page.get_by_role("link", name="medicine-dispenser-09").first.click()
    page.get_by_role("link", name="Alle enheter").click()
    expect(page.get_by_role("heading", name="Enheter", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("link", name="medicine-dispenser-03").first).to_be_visible()


@pytest.mark.parametrize("page", SIZES[:1], indirect=True)
def test_a_pictures_table_unfolds_and_downloads(page: Page, dashboard_url: str) -> None:
    page.goto(f"{dashboard_url}/trial?lang=en&trial=alna-medisindispenser")
    _charts_are_drawn(page, 9)
    page.get_by_text("Show as a table").first.click()
    with page.expect_download() as download:
        page.get_by_text("Download (CSV)").first.click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0].startswith("iso_week,starts_on,complete,done,due")
    assert len(lines) == 1 + 13
