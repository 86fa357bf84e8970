"""A real browser reads the dashboard on a desk and on a phone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sample_api import SampleApi, full, make_health, serving

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
SIZES = [(1280, 900), (390, 844)]
PAGES = {
    "": "Trials",
    "trial": "Medisindispenser i hjemmetjenesten",
    "devices": "Devices",
    "demo": "Demo apartment",
}
NOISE = "_stcore"
"""Streamlit's page first asks for its server below the page's own path, and is answered 404."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. Where it is missing the tests are skipped, except in CI, where they fail."""
    if not CHROMIUM.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{CHROMIUM} is missing: CI must not skip the browser")
        pytest.skip(f"{CHROMIUM} is missing: install Debian's chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS.split())
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def api() -> Iterator[SampleApi]:
    """A full API."""
    with serving(full()) as running:
        yield running


@pytest.fixture(scope="module")
def dashboard_url(
    browser: Browser, api: SampleApi, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The dashboard, started from an empty folder as a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("elsewhere")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "nyttig.cli", "dashboard", "--port", str(port)],
            env={**os.environ, "NYTTIG_API_URL": api.url},
            cwd=folder,
            stdout=log,
            stderr=log,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_served(url)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait_until_served(url: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/_stcore/health", trust_env=False).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.3)
    pytest.fail(f"the dashboard did not answer at {url} within two minutes")


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Browser, api: SampleApi) -> Iterator[Page]:
    """A window of the size that the test names, which notes every address it asks for."""
    width, height = request.param
    api.health = make_health()
    context = browser.new_context(viewport={"width": width, "height": height}, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(30_000)
    yield page
    context.close()


def _charts_are_drawn(page: Page, count: int) -> None:
    expect(
        page.locator("[data-testid=stVegaLiteChart] svg, [data-testid=stVegaLiteChart] canvas")
    ).to_have_count(count, timeout=30_000)


@pytest.mark.parametrize("page", SIZES, indirect=True)
def test_every_page_can_be_read_without_scrolling_sideways(page: Page, dashboard_url: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path, title in PAGES.items():
        page.goto(f"{dashboard_url}/{path}?lang=en")
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible(timeout=30_000)
        expect(page.get_by_text("Last event stored 12 seconds ago")).to_be_visible()
        _charts_are_drawn(page, {"trial": 7, "demo": 2}.get(path, 0))
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
    expect(page.get_by_text("Last event stored 12 seconds ago")).to_be_visible(timeout=30_000)
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
    expect(page.get_by_role("heading", name="Vaske-tørre-toilet i eget hjem")).to_be_visible(timeout=30_000)
    expect(page).to_have_url(f"{dashboard_url}/trial?trial=odense-toilet&lang=nb")
    page.get_by_role("link", name="Enheter").click()
    expect(page.get_by_role("heading", name="Enheter", exact=True)).to_be_visible(timeout=30_000)
    expect(page).to_have_url(f"{dashboard_url}/devices?lang=nb")
    page.get_by_role("link", name="Én utprøving").click()
    expect(page.get_by_role("heading", name="Vaske-tørre-toilet i eget hjem")).to_be_visible(timeout=30_000)


@pytest.mark.parametrize("page", SIZES[1:], indirect=True)
def test_an_installer_on_a_phone_filters_by_status_and_shares_the_address(
    page: Page, dashboard_url: str
) -> None:
    page.goto(f"{dashboard_url}/devices?lang=en")
    page.get_by_role("radio", name="Late").or_(page.get_by_role("button", name="Late")).first.click()
    expect(page.get_by_text("medicine-dispenser-03")).to_have_count(0, timeout=30_000)
    expect(page.get_by_text("medicine-dispenser-02").first).to_be_visible()
    assert "status=late" in page.url


@pytest.mark.parametrize("page", SIZES[:1], indirect=True)
def test_a_pictures_table_unfolds_and_downloads(page: Page, dashboard_url: str) -> None:
    page.goto(f"{dashboard_url}/trial?lang=en&trial=alna-medisindispenser")
    _charts_are_drawn(page, 7)
    page.get_by_text("Show as a table").first.click()
    with page.expect_download() as download:
        page.get_by_text("Download (CSV)").first.click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0].startswith("iso_week,starts_on,complete,homes_used,homes_unused")
    assert len(lines) == 1 + 13
