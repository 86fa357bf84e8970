"""The dashboard's pages drawn without a browser, and all that they say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import streamlit as st
from sample_api import SampleApi, full, serving
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard import live

APP = Path(dashboard.__file__).with_name("app.py")
FRONT = "views/overview.py"


@contextmanager
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[SampleApi]:
    """A full API, whose address the dashboard finds in its environment."""
    st.cache_data.clear()
    with serving(full()) as running:
        monkeypatch.setenv("NYTTIG_API_URL", running.url)
        yield running
        live.client().close()
    st.cache_data.clear()
    st.cache_resource.clear()


def opened(page: str = FRONT, **address: str) -> AppTest:
    """The page with these choices in its address; nothing went wrong."""
    app = AppTest.from_file(APP, default_timeout=30)
    app.query_params["lang"] = address.pop("lang", "en")
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    if page != FRONT:
        app.switch_page(page).run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    """All that the page says in text."""
    parts = [
        app.title, app.header, app.subheader, app.markdown, app.caption,
        app.info, app.error, app.warning, app.success,
    ]  # fmt: skip
    return "\n".join(element.value for kind in parts for element in kind)
