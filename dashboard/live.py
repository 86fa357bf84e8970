"""What the API says, kept for a few seconds, and the parts of a page that fetch it again by themselves."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime

import streamlit as st

from dashboard import refusals
from dashboard.address import Earlier, earlier
from dashboard.client import ApiClient, ApiRefusedError, ApiUnreachableError, Json
from dashboard.language import _, parse_moment
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


@st.cache_data(ttl=60, show_spinner=False)
def _titles(url: str) -> dict[str, str]:
    return {trial["id"]: trial["title"] for trial in _trials(url)}


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _report(url: str, trial: str, about: Earlier) -> Json:
    return _client(url).report(trial, *about)


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _benefit(url: str, trial: str, about: Earlier) -> Json:
    return _client(url).benefit(trial, *about)


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _explanations(url: str, trial: str, about: Earlier) -> list[Json]:
    return _client(url).explanations(trial, *about)


@st.cache_data(ttl=30, max_entries=64, show_spinner=False)
def _days(
    url: str, trial: str, home: str | None, state: str | None, from_day: str | None, about: Earlier
) -> list[Json]:
    return _client(url).days(trial, home, state, from_day, *about)


@st.cache_data(ttl=30, max_entries=16, show_spinner=False)
def _alarms(url: str, trial: str, about: Earlier) -> list[Json]:
    return _client(url).alarms(trial, *about)


@st.cache_data(ttl=300, max_entries=64, show_spinner=False)
def _threshold_changes(url: str, trial: str) -> list[Json]:
    return _client(url).threshold_changes(trial)


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _calls(url: str, trial: str) -> Json:
    return _client(url).calls(trial)


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _home(url: str, trial: str, home: str) -> Json:
    return _client(url).home(trial, home)


@st.cache_data(ttl=3, show_spinner=False)
def _devices(url: str, trial: str | None) -> Json:
    return _client(url).devices(trial=trial)


@st.cache_data(ttl=5, max_entries=64, show_spinner=False)
def _device(url: str, device: str) -> Json:
    return _client(url).device(device)


@st.cache_data(ttl=3, show_spinner=False)
def _work(url: str, trial: str | None) -> Json:
    return _client(url).work(trial)


@st.cache_data(ttl=10, show_spinner=False)
def _demo_sites(url: str) -> list[Json]:
    return _client(url).demo_sites()


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _demo_board(url: str, site: str) -> Json:
    return _client(url).demo_board(site)


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _safety(url: str, trial: str) -> Json:
    return _client(url).safety(trial)


@st.cache_data(ttl=10, show_spinner=False)
def _quarantine(url: str) -> list[Json]:
    return _client(url).quarantine()


@st.cache_data(ttl=30, max_entries=64, show_spinner=False)
def _trial(url: str, trial: str) -> Json:
    return _client(url).trial(trial)


# Looked up for every field of every entry, and never changed: it is not copied.
@st.cache_resource(ttl=3600, show_spinner=False)
def _entry_kinds(url: str) -> dict[str, Json]:
    return {kind["name"]: kind for kind in _client(url).entry_kinds()}


@st.cache_data(ttl=10, max_entries=256, show_spinner=False)
def _entries(url: str, trial: str | None, kind: str) -> list[Json]:
    return _client(url).entries(trial, kind)


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _entry_versions(url: str, entry: str) -> list[Json]:
    return _client(url).entry_versions(entry)


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _visit_imports(url: str, trial: str) -> list[Json]:
    return _client(url).visit_imports(trial)


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _registrations(url: str, trial: str) -> Json:
    return _client(url).registrations(trial)


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _questionnaires(url: str, trial: str) -> Json:
    return _client(url).questionnaires(trial)


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _life(url: str, trial: str, about: Earlier) -> Json:
    return _client(url).life(trial, *about)


@st.cache_data(ttl=30, max_entries=64, show_spinner=False)
def _phase_report(url: str, trial: str, phase: str) -> Json:
    return _client(url).phase_report(trial, phase)


@st.cache_data(ttl=10, show_spinner=False)
def _programmes(url: str) -> Json:
    return _client(url).programmes()


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _programme(url: str, name: str) -> Json:
    return _client(url).programme(name)


def health() -> Json:
    """Whether data comes in, at most 2 seconds old."""
    return _health(client().url)


def trials() -> list[Json]:
    """Every trial, at most 5 seconds old."""
    return _trials(client().url)


def titles() -> dict[str, str]:
    """The title of each trial by its id, at most a minute old: the list itself holds figures of all trials."""
    found = _titles(client().url)
    if not found:
        _titles.clear()
    return found


def report(trial: str) -> Json:
    """One trial's report, at most 10 seconds old, or that of the earlier day in the address."""
    return _report(client().url, trial, earlier())


def benefit(trial: str) -> Json:
    """What one trial gives, at most 10 seconds old, or what it gave by the earlier day in the address."""
    return _benefit(client().url, trial, earlier())


def explanations(trial: str) -> list[Json]:
    """Every figure of that report, explained, at most 10 seconds old."""
    return _explanations(client().url, trial, earlier())


def days(trial: str, home: str | None, state: str | None, from_day: str | None) -> list[Json]:
    """The device-days that that report counts, at most 30 seconds old."""
    return _days(client().url, trial, home, state, from_day, earlier())


def alarms(trial: str) -> list[Json]:
    """The alarms that that report counts, the newest first, at most 30 seconds old."""
    return _alarms(client().url, trial, earlier())


def threshold_changes(trial: str) -> list[Json]:
    """The changes of a trial's thresholds, at most 5 minutes old: each costs two reports."""
    return _threshold_changes(client().url, trial)


def calls(trial: str) -> Json:
    """Whom to call, at most 10 seconds old."""
    return _calls(client().url, trial)


def home(trial: str, code: str) -> Json:
    """One home's part in a trial, at most 10 seconds old."""
    return _home(client().url, trial, code)


def trial(code: str) -> Json:
    """One trial by its id: its dates, units, time zone and headline figures, at most half a minute old."""
    return _trial(client().url, code)


def entry_kinds() -> dict[str, Json]:
    """What people can enter, by its name: `of_trial` and `columns`; at most an hour old."""
    return _entry_kinds(client().url)


def entries(trial: str | None, kind: str) -> list[Json]:
    """What was entered of a kind about a trial (None: about none), the oldest first, at most 10 seconds old."""
    return _entries(client().url, trial, kind)


def entry_versions(entry: str) -> list[Json]:
    """Every version of an entry, the oldest first, at most 10 seconds old."""
    return _entry_versions(client().url, entry)


def visit_imports(trial: str) -> list[Json]:
    """The lists of visits that were brought into a trial, the newest first, at most 10 seconds old."""
    return _visit_imports(client().url, trial)


def registrations(trial: str) -> Json:
    """What people registered about a trial, and what is missing, at most 10 seconds old."""
    return _registrations(client().url, trial)


def questionnaires(trial: str) -> Json:
    """What a trial can ask, and what was answered with its scores, at most 10 seconds old."""
    return _questionnaires(client().url, trial)


def life(trial: str) -> Json:
    """The life of a trial, at most 10 seconds old."""
    return _life(client().url, trial, Earlier(None, "then"))


def life_then(trial: str) -> Json:
    """The same, or as it stood on the earlier day in the address."""
    return _life(client().url, trial, earlier())


def phase_report(trial: str, phase: str) -> Json:
    """One phase of a trial, told from what is there, at most half a minute old: it may cost a report."""
    return _phase_report(client().url, trial, phase)


def programmes() -> Json:
    """All programmes and the trials of none, at most 10 seconds old."""
    return _programmes(client().url)


def programme(name: str) -> Json:
    """A programme with its trials, at most 10 seconds old."""
    return _programme(client().url, name)


def forget_trials() -> None:
    """Everything about trials is asked anew: somebody has just changed one."""
    for kept in (
        _trial,
        _report,
        _benefit,
        _explanations,
        _days,
        _calls,
        _home,
        _entries,
        _entry_versions,
        _visit_imports,
        _registrations,
        _questionnaires,
        _life,
        _safety,
        _demo_board,
        _phase_report,
        _programmes,
        _programme,
    ):
        kept.clear()


def forget_titles() -> None:
    """Which trials there are is asked anew: somebody has just made one."""
    _trials.clear()
    _titles.clear()


def devices(trial: str | None = None) -> Json:
    """Device health, at most 3 seconds old."""
    return _devices(client().url, trial)


def device(code: str) -> Json:
    """One placed device with its past, at most 5 seconds old."""
    return _device(client().url, code)


def work(trial: str | None = None) -> Json:
    """What there is to do, at most 3 seconds old."""
    return _work(client().url, trial)


def forget_work() -> None:
    """What there is to do is asked anew: somebody has just done some of it."""
    _work.clear()
    _device.clear()


def now() -> datetime:
    """The present moment by the clock of the data service, at most 2 seconds old; by this one's where it says none."""
    return parse_moment(health().get("now")) or datetime.now(UTC)


def demo_sites() -> list[Json]:
    """Demo apartments, at most 10 seconds old."""
    return _demo_sites(client().url)


def demo_board(site: str) -> Json:
    """Who came to a demo apartment and what came of it, at most 10 seconds old."""
    return _demo_board(client().url, site)


def safety(trial: str) -> Json:
    """What is due in the homes of a trial, at most 10 seconds old."""
    return _safety(client().url, trial)


def quarantine() -> list[Json]:
    """Messages that could not be used, at most 10 seconds old."""
    return _quarantine(client().url)


def refreshed(every_seconds: int) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """A part of a page that is drawn again every so many seconds, and says in words when there is no data."""

    def decorate(draw: Callable[[], None]) -> Callable[[], None]:
        def draw_or_say_why_not() -> None:
            _draw_or_say_why_not(draw)

        # Fragments are told apart by name: every page has one of each.
        draw_or_say_why_not.__name__ = draw.__name__
        draw_or_say_why_not.__qualname__ = f"{draw.__module__}.{draw.__qualname__}"
        return st.fragment(draw_or_say_why_not, run_every=every_seconds)

    return decorate


def apart(draw: Callable[[], None]) -> Callable[[], None]:
    """A part of a page that is drawn by itself when somebody uses what stands in it, and the rest is left alone."""

    def draw_or_say_why_not() -> None:
        _draw_or_say_why_not(draw)

    return st.fragment(draw_or_say_why_not)


def _draw_or_say_why_not(draw: Callable[[], None]) -> None:
    try:
        draw()
    except ApiUnreachableError:
        # The line on top of every page says what to do; here it is enough not to look broken.
        st.info(
            _("There is nothing to show without the data service. This page fills itself when it is back.")
        )
    except ApiRefusedError as refused:
        if refused.status == 404:
            st.info(_("This does not exist (any more). Choose another trial in the list of trials."))
        else:
            st.error(
                _("The data service cannot answer now: {reason}").format(reason=refusals.reason(refused))
            )
