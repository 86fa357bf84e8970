"""Which trial a page is about: the one in the address, chosen on top of it."""

from __future__ import annotations

import streamlit as st

from dashboard import live
from dashboard.address import choose, href
from dashboard.facts import plain
from dashboard.language import _


def trial(title: str | None = None) -> str | None:
    """The trial of the page; None where there is none, and then the page says what to do next, under `title`."""
    titles = live.titles()
    if not titles:
        if title is not None:
            st.title(title, anchor=False)
        ideas = f"[{_('Ideas')}]({href('ideas')})"
        st.info(
            _("There are no trials yet. Load one with “nyttig load FOLDER”, or start “nyttig demo”.")
            + "  \n"
            + _("Or write down an idea, and turn it into a trial.")
            + f" {ideas}",
            icon=":material/inventory_2:",
        )
        return None
    asked = st.query_params.get("trial")
    if asked and asked not in titles:
        st.warning(_("There is no trial called {trial}. Here is another one.").format(trial=plain(asked)))
    return choose(
        "trial", _("Trial"), list(titles), titles.__getitem__, st.selectbox, default=next(iter(titles)),
        hide_default=False,
    )  # fmt: skip
