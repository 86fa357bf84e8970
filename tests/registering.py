"""An installer at work: two homes with a dispenser each, new devices that speak, and the pages opened on the real API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
import streamlit as st
from conftest import Database, DatabaseServer
from ingesting import register
from packages import one_home
from serving import serving
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard import live
from nyttig.model import Description
from nyttig.store import db, heard, quarantine
from nyttig.store.heard import Heard

APP = Path(dashboard.__file__).with_name("app.py")
Z2M, SHELLY = "zigbee2mqtt", "shelly"
DOOR, PLUG, MOON = "zigbee2mqtt/hall door", "zigbee2mqtt/plug", "shellymoon-1"
MESSAGES_WAITING = 3


@contextmanager
def new_devices(server: DatabaseServer) -> Iterator[Database]:
    """A trial with the homes h1 and h2. A door sensor of a known make was heard ten times at five minutes' distance, a
    plug once, and something that says what no technology is known by."""
    now = datetime.now(UTC)
    with server.fresh_database() as database:
        register(database, one_home("medicine_dispenser", homes=2))
        with db.connect(database.conninfo) as connection:
            told = {}
            for dialect, address, kinds, times in (
                (Z2M, DOOR, ("contact", "temperature"), 10),
                (Z2M, PLUG, ("power", "energy_1", "energy_2"), 1),
                (SHELLY, MOON, ("moon_phase",), 1),
            ):
                first = now - timedelta(minutes=5 * (times - 1))
                one = told[dialect, address] = Heard(first, now)
                for n in range(times):
                    one.spoke(first + timedelta(minutes=5 * n))
                for kind in kinds:
                    one.said(kind, {"battery_pct": 90.0, "link_quality": 132.0} if address == DOOR else None)
            door = Description(Z2M, DOOR, "0x00158d0004b5c2f1", "Aqara", "MCCGQ11LM")
            told[Z2M, DOOR].described(door, "list", now)
            heard.hear(connection, told)
            message = quarantine.Quarantined("unknown_device", "unknown", Z2M, DOOR, b"{}", now, (DOOR,))
            quarantine.add(connection, [message] * MESSAGES_WAITING)
            connection.commit()
        yield database


@contextmanager
def found(api_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The pages opened in this process find this API, and remember nothing of it afterwards."""
    st.cache_data.clear()
    monkeypatch.setenv("NYTTIG_API_URL", api_url.rstrip("/"))
    yield api_url.rstrip("/")
    live.client().close()
    st.cache_data.clear()
    st.cache_resource.clear()


@contextmanager
def answering(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """The API serves the database, and the pages opened in this process find it."""
    with serving(database.conninfo) as client, found(str(client.base_url), monkeypatch):
        yield client


def open_page(page: str, **address: str) -> AppTest:
    """The page (`proposals`, `registry`), in English unless said."""
    app = AppTest.from_file(APP, default_timeout=30)
    for name, value in ({"lang": "en"} | address).items():
        app.query_params[name] = value
    app.run()
    app.switch_page(f"views/{page}.py").run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    """All that the page says, as plain text."""
    kinds = (app.title, app.markdown, app.caption, app.info, app.error, app.warning, app.success)
    return unescape("\n".join(element.value for kind in kinds for element in kind)).replace("\\", "")


def said(app: AppTest) -> str:
    """All that the page says, also what stands in HTML of its own."""
    return words(app) + unescape("\n".join(each.value for each in app.html))


def press(app: AppTest, label: str, number: int = 0) -> AppTest:
    """The page after a press on the button of this label; the one that stands there so many further down."""
    [button for button in app.button if button.label.replace("\\", "") == label][number].click().run()
    assert not app.exception
    return app


def pick(app: AppTest, label: str, value: Any) -> AppTest:
    """The page after `value` was chosen in the first box of this label."""
    kinds = (app.selectbox, app.multiselect, app.segmented_control, app.pills, app.datetime_input)
    next(box for kind in kinds for box in kind if box.label == label).set_value(value).run()
    assert not app.exception
    return app


def registered(api: httpx.Client) -> dict[str, dict[str, Any]]:
    """What the registry says of each device."""
    return {each["device"]: each for each in api.get("/v1/registry/devices").json()["devices"]}
