"""Ideas: needs that people saw, who else finds them worth a try, and the step that turns one into a trial."""

from __future__ import annotations

import streamlit as st

from dashboard import live
from dashboard.client import Json
from dashboard.entry_choices import choice
from dashboard.facts import plain
from dashboard.language import _, ngettext, number
from dashboard.sections import entry_form, entry_list, idea

PLACE = "ideas"
EVERY_SECONDS = 60
STATES = ("new", "looked_at", "trial", "declined")


def show() -> None:
    """All ideas stand on the page, those with the most voices first."""
    st.title(_("Ideas"), anchor=False)
    st.caption(
        _(
            "Anyone may write down a need; the solution can come later. A test may be one question or a drawing."
        )
    )
    _ideas()


@live.refreshed(EVERY_SECONDS)
def _ideas() -> None:
    ideas, votes = live.entries(None, "idea"), live.entries(None, "vote")
    entry_form.offer("idea", None, place=PLACE, title=_("Write down an idea"))
    if not ideas:
        entry_list.show("idea", None, ideas, place=f"{PLACE}:all")
        return
    counts = {state: sum(each["data"]["status"] == state for each in ideas) for state in STATES}
    words = [
        f"{choice('idea', 'status', state)}: {number(count)}" for state, count in counts.items() if count
    ]
    st.caption(plain(ngettext("{n} idea", "{n} ideas", len(ideas)) + " · " + " · ".join(words)))
    voices: dict[str, list[Json]] = {each["entry"]: [] for each in ideas}
    for vote in votes:
        voices.setdefault(vote["data"]["idea"], []).append(vote)

    # A list shows its newest first, and here those with the most voices are to stand first.
    ordered = sorted(ideas, key=lambda each: len(voices[each["entry"]]))
    entry_list.show(
        "idea",
        None,
        ordered,
        place=f"{PLACE}:all",
        only=("title", "need", "raised_by", "raised_on", "unit", "solution", "status", "reason"),
        beneath=lambda entry: idea.beneath(entry, voices.get(entry["entry"], [])),
    )


if __name__ == "__main__":  # Streamlit runs a page as a script
    show()
