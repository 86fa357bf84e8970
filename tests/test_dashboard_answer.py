"""From unboxed to live: a device that is mounted is seen to answer, through broker, ingest, database, API and page."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from browsing import chromium, dashboard_of
from conftest import Database, Mosquitto
from ingesting import Ingest, publish, register
from packages import one_home
from playwright.sync_api import Locator, Page, expect
from serving import serving

PATIENCE_MS = 60_000
NEW = "d2"
LOG = logging.getLogger(__name__)


@pytest.fixture
def api(embedded_database: Database) -> Iterator[httpx.Client]:
    """The API of a registry with home h1, in which d1 stands; d2 is registered and stands nowhere."""
    package = one_home("door_sensor", homes=2)
    package = replace(
        package,
        devices=tuple(replace(device, power="battery") for device in package.devices),
        placements=package.placements[:1],
    )
    register(embedded_database, package)
    with serving(embedded_database.conninfo) as client:
        yield client


@pytest.fixture
def phone(api: httpx.Client, tmp_path: Path) -> Iterator[tuple[Page, str]]:
    """A phone's window, and the dashboard that it reads."""
    with chromium() as browser, dashboard_of(str(api.base_url), tmp_path) as url:
        page = browser.new_page(viewport={"width": 390, "height": 844}, locale="en-GB")
        page.set_default_timeout(PATIENCE_MS)
        yield page, url


@pytest.fixture
def ingest(embedded_database: Database, mosquitto: Mosquitto, tmp_path: Path) -> Iterator[Ingest]:
    process = Ingest(embedded_database.environment, mosquitto.url, tmp_path)
    try:
        process.start()
        yield process
    finally:
        process.kill()


def health_of(device: str) -> tuple[str, bytes]:
    """What the device says of itself when somebody presses its button."""
    content = {
        "event_time": datetime.now(UTC).isoformat(),
        "boot_id": "b1",
        "seq": 1,
        "battery_pct": 96,
        "rssi_dbm": -58,
    }
    return f"wt/v1/alna/h1/{device}/health", orjson.dumps(content)


def test_a_device_is_mounted_and_seen_live(
    api: httpx.Client,
    ingest: Ingest,
    mosquitto: Mosquitto,
    phone: tuple[Page, str],
) -> None:
    page, url = phone
    page.goto(f"{url}/?lang=en")  # what a dashboard does once, when the first reader comes
    _see(page.get_by_text("Recording"))
    began = time.monotonic()
    page.goto(f"{url}/devices?device={NEW}&lang=en")  # as its label's code opens it
    _see(page.get_by_text("It is registered and stands nowhere yet."))
    page.get_by_role("link", name="Mount it and see it answer").click()
    page.get_by_role("combobox", name="1. Home").click()
    page.get_by_role("option", name="h1 · Bydel Alna").click()
    page.get_by_role("button", name="Listen now").click()
    _see(page.get_by_text("Listening to"))
    assert page.get_by_role("button", name="Finish", exact=True).count() == 0

    since = datetime.now(UTC).isoformat()
    publish(mosquitto.url, [health_of(NEW)])
    received = time.monotonic()
    in_api: list[float] = []
    asking = threading.Thread(target=_ask, args=(api, since, in_api))
    asking.start()
    _see(page.get_by_text("It answers."))
    on_page = time.monotonic()
    asking.join()
    _see(page.get_by_text("good", exact=True))
    _see(page.get_by_text("96%"))

    page.get_by_role("button", name="Finish", exact=True).click()
    _see(page.get_by_text("stands at h1"))
    _see(page.get_by_text("Left to check"))
    ended = time.monotonic()
    LOG.info(
        "from the broker to the API %.2f s, to the page %.2f s; from the label to finished %.1f s",
        in_api[0] - received,
        on_page - received,
        ended - began,
    )
    record: dict[str, Any] = api.get(f"/v1/devices/{NEW}").json()
    assert (record["site"], record["status"], record["battery_pct"]) == ("h1", "ok", 96.0)
    page.get_by_role("link", name="Its page").click()
    _see(page.get_by_text("Heard as expected; nothing is to be done."))


def _ask(api: httpx.Client, since: str, answered_at: list[float]) -> None:
    """The moment of the first answer that says so is noted."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < deadline:
        if api.get(f"/v1/devices/{NEW}/answers", params={"since": since}).json()["answered"]:
            break
        time.sleep(0.02)
    answered_at.append(time.monotonic())


def _see(what: Locator) -> None:
    """It stands on the page."""
    expect(what).to_be_visible(timeout=PATIENCE_MS)
