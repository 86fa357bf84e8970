"""A real browser on a phone accepts a new device and tries out a list, at the real API."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from browsing import on_a_phone
from conftest import DatabaseServer
from playwright.sync_api import Page, expect
from registering import new_devices, registered
from serving import serving

PATIENCE_MS = 60_000
LIST = """\
device;technology;dialect;address
md-3;Medisindispenser;zigbee2mqtt;0x3
md-4;Medisindispenser;zigbee2mqtt;
"""


@pytest.fixture(scope="module")
def api(embedded_server: DatabaseServer) -> Iterator[httpx.Client]:
    with new_devices(embedded_server) as database, serving(database.conninfo) as client:
        yield client


@pytest.fixture(scope="module")
def phone(api: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Chromium as wide as a phone, at the dashboard. Where it is missing the tests are skipped, except in CI."""
    with on_a_phone(str(api.base_url), tmp_path_factory.mktemp("dashboard"), PATIENCE_MS) as page:
        yield page


def fits(page: Page) -> bool:
    """Nothing is wider than the screen."""
    wide: bool = page.get_by_test_id("stMain").evaluate("box => box.scrollWidth > box.clientWidth")
    return not wide


def test_an_installer_on_a_phone_accepts_a_new_device_with_one_press_and_twice_does_no_harm(
    phone: Page, api: httpx.Client
) -> None:
    phone.goto("/new?lang=en&site=h1&search=aqara")
    accept = phone.get_by_role("button", name="Accept at h1")
    expect(accept).to_have_count(1, timeout=PATIENCE_MS)
    assert fits(phone)
    accept.dblclick()
    said = phone.get_by_text("is registered and stands at h1.")
    expect(said).to_be_visible(timeout=PATIENCE_MS)
    expect(phone.get_by_text("messages that were heard before are being brought in")).to_be_visible()
    expect(phone.get_by_text("Not entered")).to_have_count(0)
    assert [code for code in registered(api) if code.startswith("aqara")] == ["aqara-mccgq11lm-b5c2f1"]
    assert len(api.get("/v1/devices/aqara-mccgq11lm-b5c2f1/history").json()["entries"]) == 2


def test_a_new_device_is_accepted_with_the_keyboard_alone(phone: Page, api: httpx.Client) -> None:
    phone.goto("/new?lang=en&site=h2&search=power")
    accept = phone.get_by_role("button", name="Accept at h2")
    expect(accept).to_have_count(1, timeout=PATIENCE_MS)
    accept.focus()
    phone.keyboard.press("Enter")
    expect(phone.get_by_text("is registered and stands at h2.")).to_be_visible(timeout=PATIENCE_MS)
    assert "power_plug" in {each["technology"] for each in registered(api).values()}


def test_a_list_handed_over_on_a_phone_is_tried_out_and_changes_nothing(
    phone: Page, api: httpx.Client
) -> None:
    phone.goto("/registry?lang=en&do=list")
    phone.locator("input[type=file]").set_input_files(
        {"name": "list.csv", "mimeType": "text/csv", "buffer": LIST.encode()}
    )
    expect(phone.get_by_text("Tried out, nothing entered yet")).to_be_visible(timeout=PATIENCE_MS)
    expect(phone.get_by_text("address is empty, and the device is new").first).to_be_visible()
    expect(phone.get_by_role("button", name="Enter 1 device, leave the refused ones out")).to_be_visible()
    assert fits(phone)
    assert "md-3" not in registered(api)
