"""The lists of visits that were brought in: what became of them, who brought them in, and the press to take one back."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from dashboard import live, registry
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.language import _, moment, ngettext, number, parse_moment
from dashboard.registry_words import who


def show(trial_id: str) -> None:
    """Each list stands on the page, the newest first, and can be taken back whole or count again."""
    imports = live.visit_imports(trial_id)
    if not imports:
        st.caption(_("No list of visits has been brought in yet."))
        return
    st.subheader(_("Lists that were brought in"), anchor=False)
    for each in imports:
        with st.container(border=True):
            _one(trial_id, each)


def at(text: str) -> datetime:
    """The moment that an ISO time of the API names."""
    found = parse_moment(text)
    assert found is not None
    return found


def when(text: str, zone: str | None) -> str:
    """A time of the API in the reader's language."""
    return moment(at(text), zone)


def _one(trial_id: str, told: Json) -> None:
    name = f"visits:{trial_id}:{told['id']}"
    zone = live.trial(trial_id)["timezone"]
    counts = [ngettext("{n} visit counted", "{n} visits counted", told["rows_counted"])]
    for code, text in (
        ("rows_double", _("{n} counted already")),
        ("rows_outside", _("{n} outside the registration")),
        ("rows_refused", _("{n} refused and left out")),
    ):
        if told[code]:
            counts.append(text.format(n=number(told[code])))
    came_from = "" if told["system"] is None else f" · {plain(told['system'])}"
    st.markdown(f"**{plain(told['file'])}**{came_from}  \n" + " · ".join(counts))
    st.caption(
        _("{who}, {when}").format(who=plain(who(told["imported_by"])), when=when(told["imported_at"], zone))
    )
    withdrawn = told["withdrawn_at"] is not None
    if withdrawn:
        st.markdown(
            _("Taken back by {who}, {when}: none of its visits counts.").format(
                who=plain(who(told["withdrawn_by"])), when=when(told["withdrawn_at"], zone)
            )
        )
    registry.say_refusal(name)
    pressed = st.button(
        _("Undo: let it count again") if withdrawn else _("Take the whole list back"),
        icon=":material/undo:",
        key=f"{name}:{registry.turn(name)}",
    )
    if pressed:
        registry.press(name, lambda: _stepped(trial_id, told["id"], "undo" if withdrawn else "withdraw"))


def _stepped(trial_id: str, import_id: int, step: str) -> Json:
    answer = live.client().step_visits(trial_id, import_id, step)
    live.forget_trials()
    return answer
