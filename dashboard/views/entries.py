"""All entries: everything that people entered about a trial, kind by kind, to see, add to, change and take back."""

from __future__ import annotations

import streamlit as st

from dashboard import live
from dashboard.address import choose
from dashboard.entry_words import many
from dashboard.language import _
from dashboard.sections import entry_form, entry_list

PLACE = "all"
NO_TRIAL = "none"
EVERY_SECONDS = 60


def show() -> None:
    """The kind in the address stands on the page, with its entries."""
    st.title(_("All entries"), anchor=False)
    st.caption(
        _("What people entered. Nothing is lost: every change is kept with who made it, and can be undone.")
    )
    _entries()


@live.refreshed(EVERY_SECONDS)
def _entries() -> None:
    titles = live.titles() | {NO_TRIAL: _("No trial (ideas, programmes)")}
    chosen = choose(
        "trial", _("Trial"), list(titles), titles.__getitem__, st.selectbox, default=next(iter(titles)),
        hide_default=False,
    )  # fmt: skip
    trial = None if chosen == NO_TRIAL else chosen
    kinds = {
        name: many(name)
        for name, kind in live.entry_kinds().items()
        if kind["of_trial"] is (trial is not None)
    }
    kind = choose(
        "kind",
        _("Kind"),
        list(kinds),
        kinds.__getitem__,
        st.selectbox,
        default=next(iter(kinds)),
        hide_default=False,
    )
    entry_form.offer(kind, trial, place=PLACE)
    entry_list.show(kind, trial, live.entries(trial, kind), place=PLACE)


if __name__ == "__main__":  # Streamlit runs a page as a script
    show()
