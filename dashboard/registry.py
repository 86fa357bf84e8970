"""The registry as the API tells it, kept for a few seconds, and presses that change it: each happens once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import streamlit as st

from dashboard import live, refusals
from dashboard.client import ApiRefusedError, ApiUnreachableError, Json
from dashboard.facts import plain
from dashboard.language import _, current, number, reading, titled

EVERY_SECONDS = 30
"""Forms are drawn again so often, so that what they offer is not of yesterday."""


@st.cache_data(ttl=2, show_spinner=False)
def _proposals(url: str, status: str) -> Json:
    return live.client().proposals(status)


@st.cache_data(ttl=10, show_spinner=False)
def _choices(url: str) -> Json:
    return live.client().choices()


@st.cache_data(ttl=5, show_spinner=False)
def _devices(url: str) -> list[Json]:
    return live.client().registered()


@st.cache_data(ttl=5, max_entries=64, show_spinner=False)
def _history(url: str, kind: str, code: str, limit: int) -> list[Json]:
    return live.client().history(kind, code, limit)


@st.cache_data(ttl=3600, show_spinner=False)
def _template(url: str, kind: str) -> bytes:
    return live.client().template(kind)


def proposals(status: str = "proposed") -> Json:
    """Devices that speak and are not registered, or that were dismissed; at most 2 seconds old."""
    return _proposals(live.client().url, status)


def choices() -> Json:
    """Homes, technologies, and where labels lead; at most 10 seconds old."""
    return _choices(live.client().url)


def devices() -> list[Json]:
    """Every registered device, placed or not, in service or retired; at most 5 seconds old."""
    return _devices(live.client().url)


def history(kind: str, code: str, limit: int) -> list[Json]:
    """The newest changes of a device or a trial (`kind`), at most 5 seconds old."""
    return _history(live.client().url, kind, code, limit)


def template(kind: str) -> bytes:
    """An empty list of devices, as xlsx or csv."""
    return _template(live.client().url, kind)


def technology_titles() -> dict[str, str]:
    """The title of each technology in the reader's language, in alphabetical order of the titles."""
    titles = {each["id"]: titled(each["titles"], each["id"]) for each in choices()["technologies"]}
    return dict(sorted(titles.items(), key=lambda item: item[1].casefold()))


def home_titles() -> dict[str, str]:
    """Each home by its code, with the unit that it lies in."""
    return {home["home"]: f"{home['home']} · {home['unit']}" for home in choices()["homes"]}


def zone_of(home: str | None) -> str | None:
    """The time zone of a home's trials, else the reader's own; None where neither is known."""
    for each in choices()["homes"]:
        if each["home"] == home and each["timezones"]:
            return str(min(each["timezones"].values()))
    return st.context.timezone


def device_title(device: Json, technologies: Mapping[str, str]) -> str:
    """A device in one line: its code, what it is, and where it stands."""
    where = device["home"] or (_("retired") if device["retired_at"] else _("not placed anywhere"))
    return " · ".join((device["device"], technologies.get(device["technology"], device["technology"]), where))


@dataclass
class _Memory:
    """What became of this reader's presses, by the name of what was pressed."""

    turns: dict[str, int] = field(default_factory=dict)
    answers: dict[str, Json] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)


def _memory() -> _Memory:
    memory: _Memory = st.session_state.setdefault("registry", _Memory())
    return memory


def turn(name: str) -> int:
    """How often this was pressed with success: part of the keys of a form, which is empty again after a success."""
    return _memory().turns.get(name, 0)


def press(name: str, change: Callable[[], Json], *, draw_again: bool = True) -> None:
    """The change is made, and its answer or its refusal stays until the next press; the page is drawn anew.

    A second click that comes while the first is at work finds another turn, and with it another button: it is
    nobody's click. Streamlit may end this run at any of its own calls, so what is remembered is a plain object.
    """
    memory = _memory()
    forget(name)
    with reading(
        current().code
    ):  # to ask the page for its language is such a call, and the change is made by then
        try:
            answer = change()
        except ApiRefusedError as refused:
            memory.refusals[name] = refusals.reason(refused)
        except ApiUnreachableError:
            memory.refusals[name] = _(
                "The data service did not answer, so nobody knows whether this was entered. Look before you press again."
            )
        else:
            memory.turns[name] = memory.turns.get(name, 0) + 1
            memory.answers[name] = answer
    for kept in (_proposals, _devices, _history):
        kept.clear()
    if draw_again:
        st.rerun()


def answer_of(name: str) -> Json | None:
    """What the API said when this was last pressed with success; None before that, or after a refusal."""
    return _memory().answers.get(name)


def answers(prefix: str) -> dict[str, Json]:
    """The answers to the presses whose names begin so."""
    return {name: answer for name, answer in _memory().answers.items() if name.startswith(prefix)}


def forget(name: str) -> None:
    """What the last press came to is shown no more: the reader is about to do something else."""
    _memory().answers.pop(name, None)
    _memory().refusals.pop(name, None)


def say_refusal(name: str) -> None:
    """Why the last press was refused stands on the page."""
    if refusal := _memory().refusals.get(name):
        st.error(_("Not entered: {reason}").format(reason=plain(refusal)), icon=":material/block:")


def refuse(name: str, reason: str) -> None:
    """The press is refused before the API is asked."""
    _memory().answers.pop(name, None)
    _memory().refusals[name] = reason
    st.rerun()


def counted(shown: int, total: int) -> str:
    """How many of a long list are shown."""
    return _("The first {shown} of {all}. Write something to find the others.").format(
        shown=number(shown), all=number(total)
    )
