"""What the API says, kept for a few seconds, and the parts of a page that fetch it again by themselves."""

from __future__ import annotations

import os
from collections.abc import Callable

import streamlit as st

from dashboard.client import ApiClient, ApiRefusedError, ApiUnreachableError, Json
from dashboard.language import _
from nyttig.settings import Settings

DEVICES_EVERY_SECONDS = 5
TRIALS_EVERY_SECONDS = 10
REPORT_EVERY_SECONDS = 30
HEALTH_EVERY_SECONDS = 10


@st.cache_resource(show_spinner=False)
def _client(url: str) -> ApiClient:
    return ApiClient(url)


def client() -> ApiClient:
    """The one client of this process. The dashboard is a process of its own, so it reads its own environment."""
    return _client(Settings.from_environment(os.environ).api_url)


# An answer that failed is not kept: Streamlit's cache holds return values only. The address is part of the key.


@st.cache_data(ttl=2, show_spinner=False)
def _health(url: str) -> Json:
    return _client(url).health()


@st.cache_data(ttl=5, show_spinner=False)
def _trials(url: str) -> list[Json]:
    return _client(url).trials()


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _report(url: str, trial: str) -> Json:
    return _client(url).report(trial)


@st.cache_data(ttl=3, show_spinner=False)
def _devices(url: str, trial: str | None) -> Json:
    return _client(url).devices(trial=trial)


@st.cache_data(ttl=10, show_spinner=False)
def _demo_sites(url: str) -> list[Json]:
    return _client(url).demo_sites()


@st.cache_data(ttl=10, show_spinner=False)
def _quarantine(url: str) -> list[Json]:
    return _client(url).quarantine()


def health() -> Json:
    """Whether data comes in, at most 2 seconds old."""
    return _health(client().url)


def trials() -> list[Json]:
    """Every trial, at most 5 seconds old."""
    return _trials(client().url)


def report(trial: str) -> Json:
    """One trial's report, at most 10 seconds old."""
    return _report(client().url, trial)


def devices(trial: str | None = None) -> Json:
    """Device health, at most 3 seconds old."""
    return _devices(client().url, trial)


def demo_sites() -> list[Json]:
    """Demo apartments, at most 10 seconds old."""
    return _demo_sites(client().url)


def quarantine() -> list[Json]:
    """Messages that could not be used, at most 10 seconds old."""
    return _quarantine(client().url)


def refreshed(every_seconds: int) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """A part of a page that is drawn again every so many seconds, and says in words when there is no data."""

    def decorate(draw: Callable[[], None]) -> Callable[[], None]:
        def draw_or_say_why_not() -> None:
            try:
                draw()
            except ApiUnreachableError:
                # The line on top of every page says what to do; here it is enough not to look broken.
                st.info(
                    _(
                        "There is nothing to show without the data service. This page fills itself when it is back."
                    )
                )
            except ApiRefusedError as refused:
                if refused.status == 404:
                    st.info(_("This does not exist (any more). Choose another trial in the list of trials."))
                else:
                    st.error(_("The data service cannot answer now: {reason}").format(reason=refused.detail))

        # Fragments are told apart by name: every page has one of each.
        draw_or_say_why_not.__name__ = draw.__name__
        draw_or_say_why_not.__qualname__ = f"{draw.__module__}.{draw.__qualname__}"
        return st.fragment(draw_or_say_why_not, run_every=every_seconds)

    return decorate
