"""What the fields of a form offer to choose from: the trial's own homes, units, gains and people, by their codes."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard import live, registry
from dashboard.entry_choices import choice
from dashboard.language import current
from dashboard.wording import known_indicator

Offer = Callable[[str, str | None], dict[str, str]]

INDICATORS = ("visit_minutes_per_week", "visits_per_week", "who5", "eq5d5l", "sus")
PURPOSES = (
    "medicine", "supervision", "toilet", "care", "alarm_handling", "refill", "remote_check", "support", "none",
)  # fmt: skip
SHIFTS = ("day", "evening", "night")

OPEN = frozenset({"indicator", "purpose", "origin_unit", "receiving_unit"})
"""Something else than what is offered may be written into these."""

SEVERAL = frozenset({"interest", "shifts"})
"""Codes with spaces between."""

DEMO = frozenset({"demo_visit", "enquiry"})


def offered(kind: str, field: str, trial: str | None) -> dict[str, str]:
    """What can be chosen in a field, each code with its title. Empty: the field is written, not chosen."""
    offer = f"{kind}.{field}" if f"{kind}.{field}" in _OFFERS else field
    return _offered(live.client().url, current().code, offer, kind, trial) if offer in _OFFERS else {}


def forget() -> None:
    """What is offered is asked anew: somebody has just entered something."""
    _offered.clear()


# A list of many entries asks for each of their titles.
@st.cache_data(ttl=10, max_entries=256, show_spinner=False)
def _offered(url: str, language: str, offer: str, kind: str, trial: str | None) -> dict[str, str]:
    return _OFFERS[offer](kind, trial)


def title(kind: str, field: str, code: str, trial: str | None) -> str:
    """The title of a code that was chosen; a code that is offered no more keeps its own."""
    if field == "home":
        return code
    if field in SEVERAL:
        titles = offered(kind, field, trial)
        return ", ".join(titles.get(each, each) for each in code.split())
    return offered(kind, field, trial).get(code, code)


def _homes(kind: str, trial: str | None) -> dict[str, str]:
    homes = [home for home in registry.choices()["homes"] if trial is None or trial in home["timezones"]]
    demo = {site["home"] for site in live.demo_sites()} if kind in DEMO else set()
    return {
        home["home"]: f"{home['home']} · {home['unit']}" for home in homes if not demo or home["home"] in demo
    }


def _units(_kind: str, trial: str | None) -> dict[str, str]:
    return {} if trial is None else {unit: unit for unit in live.trial(trial)["units"]}


def _gains(_kind: str, trial: str | None) -> dict[str, str]:
    return {each["data"]["id"]: each["data"]["title"] for each in live.entries(trial, "gain")}


def _indicators(kind: str, trial: str | None) -> dict[str, str]:
    """Those of the trial's own gains first; one that has no words of its own bears its gain's title."""
    own = {} if kind == "gain" else {
        each["data"]["indicator"]: each["data"]["title"] for each in live.entries(trial, "gain")
    }  # fmt: skip
    return {code: next(iter(known_indicator(code)), own.get(code, code)) for code in (*own, *INDICATORS)}


def _instruments(_kind: str, trial: str | None) -> dict[str, str]:
    known = {"who5": "WHO-5", "eq5d5l": "EQ-5D-5L", "sus": "SUS"}
    return known | {each["data"]["key"]: each["data"]["title"] for each in live.entries(trial, "instrument")}


def _ambassadors(_kind: str, trial: str | None) -> dict[str, str]:
    found = [each["data"] for each in live.entries(trial, "ambassador")]
    return {each["code"]: f"{each['code']} · {each['unit']}" for each in found}


def _ideas(_kind: str, _trial: str | None) -> dict[str, str]:
    return {each["entry"]: each["data"]["title"] for each in live.entries(None, "idea")}


def _programmes(_kind: str, _trial: str | None) -> dict[str, str]:
    names = [each["data"]["name"] for each in live.entries(None, "programme")]
    return {name: name for name in names}


def _trials(_kind: str, _trial: str | None) -> dict[str, str]:
    return live.titles()


def _technologies(_kind: str, _trial: str | None) -> dict[str, str]:
    return registry.technology_titles()


def _purposes(kind: str, _trial: str | None) -> dict[str, str]:
    return {code: choice(kind, "purpose", code) for code in PURPOSES}


def _shifts(kind: str, _trial: str | None) -> dict[str, str]:
    return {code: choice(kind, "shifts", code) for code in SHIFTS}


_OFFERS: dict[str, Offer] = {
    "home": _homes,
    "unit": _units,
    "origin_unit": _units,
    "receiving_unit": _units,
    "gain": _gains,
    "indicator": _indicators,
    "instrument": _instruments,
    "ambassador": _ambassadors,
    "guided_by": _ambassadors,
    "vote.idea": _ideas,
    "part_of": _programmes,
    "trial": _trials,
    "technology": _technologies,
    "interest": _technologies,
    "purpose": _purposes,
    "shifts": _shifts,
}
