"""A fold whose title counts what is in it: it stays open while somebody adds to it or takes away from it."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st
from streamlit.elements.lib.mutable_expander_container import ExpanderContainer


class _Drawn(NamedTuple):
    title: str
    expanded: bool
    """As it was when a fold of this title was first drawn."""
    open: bool


def fold(title: str, key: str, icon: str | None = None, *, expanded: bool = False) -> ExpanderContainer:
    """A fold of this title stands on the page, open if it was open under another title; at first as `expanded` says.

    To Streamlit a fold with another title is another fold, and closed: what was just said within it would be gone, and
    with it the press that undoes it. `.open` tells whether it is open.
    """
    state = f"{key}:drawn"
    before: _Drawn = st.session_state.get(state, _Drawn(title, expanded, expanded))
    expanded = before.expanded if before.title == title else before.open
    box = st.expander(title, expanded=expanded, key=key, icon=icon, on_change="rerun")
    st.session_state[state] = _Drawn(title, expanded, bool(box.open))
    return box
