"""A real browser, and the dashboard as a process of its own, on a free port of loopback."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
from conftest import free_port
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect, sync_playwright

from dashboard.run import options

CHROMIUM = Path("/usr/bin/chromium")
WRITING_SECONDS_MAX = 90
SETTLED_MS_MAX = 90_000
Place = TypeVar("Place", bound=Page | Locator)
PHONE = ViewportSize(width=390, height=844)
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium. Where it is missing the tests are skipped, except in CI, where they fail."""
    if not CHROMIUM.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{CHROMIUM} is missing: CI must not skip the browser")
        pytest.skip(f"{CHROMIUM} is missing: install Debian's chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS.split())
        yield browser
        browser.close()


@contextmanager
def dashboard_of(api_url: str, folder: Path, script: Path | None = None) -> Iterator[str]:
    """The address of a dashboard on that API, started from an empty folder as a process of its own.

    `script` is a page to serve in the place of the dashboard's.
    """
    port = free_port()
    page = ["nyttig.cli", "dashboard", "--port", str(port)]
    if script is not None:
        page = ["streamlit", "run", str(script), *options("127.0.0.1", port)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *page],
            env={**os.environ, "NYTTIG_API_URL": api_url},
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
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()  # Streamlit waits for its pages' scripts; that it ends is tested with the demo
                process.wait()


def _wait_until_served(url: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/_stcore/health", trust_env=False).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.3)
    pytest.fail(f"the dashboard did not answer at {url} within two minutes")


def settled(place: Place) -> Place:
    """The page when all of it is drawn: what is pressed before belongs to the page as it was."""
    app = (place if isinstance(place, Page) else place.page).get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=SETTLED_MS_MAX)
    return place


def written(page: Page, name: str, text: str) -> None:
    """The text stands in the box of this name, which offers choices and takes others.

    A page that is made anew just then drops what was typed; then it is typed again, as a person would.
    """
    box = page.get_by_role("combobox", name=name)
    deadline = time.monotonic() + WRITING_SECONDS_MAX
    while True:
        box.fill(text)
        box.press("Enter")
        box.press("Tab")
        try:
            expect(box).to_have_value(text, timeout=5_000)
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        else:
            return


@contextmanager
def on_a_phone(api_url: str, folder: Path, patience_ms: float) -> Iterator[Page]:
    """A window as wide as a phone, at a dashboard of its own that asks this API; `folder` is where that runs."""
    with chromium() as browser, dashboard_of(api_url.rstrip("/"), folder) as url:
        context = browser.new_context(viewport=PHONE, locale="en-GB", base_url=url)
        context.set_default_timeout(patience_ms)
        yield context.new_page()
