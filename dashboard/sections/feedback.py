"""What residents and staff say in words of their own: a short form, and lists by who may read them."""

from __future__ import annotations

import streamlit as st

from dashboard import live
from dashboard.entry_choices import choice
from dashboard.entry_words import empty
from dashboard.language import _, number, sentence
from dashboard.sections import entry_form, entry_list, links

PLACE = "feedback"
READERS = ("everyone", "staff", "coordinators")
FORM = ("words", "said_by", "visible_to", "said_on", "tone", "home", "unit")


def show(trial: str) -> None:
    """Somebody's words can be written down; those there are stand under who may read them."""
    st.markdown(
        _(
            "One thing that was good and one that was not is enough. Write no names, no phone numbers and nothing else that "
            "says who somebody is, and choose who may read it: what everyone may read can be quoted in the report."
        )
    )
    entry_form.offer(
        "feedback", trial, place=PLACE, only=FORM, folded=False, title=_("Write down what was said")
    )
    links.offer("data", _("Link to this form"), trial=trial, do="feedback")
    found = live.entries(trial, "feedback")
    if not found:
        st.caption(empty("feedback"))
    for reader in READERS:
        of = [each for each in found if each["data"]["visible_to"] == reader]
        words = sentence(choice("feedback", "visible_to", reader))
        entry_list.folded(
            f"{words} ({number(len(of))})",
            ":material/visibility:",
            "feedback",
            trial,
            of,
            place=f"{PLACE}:{reader}",
            only=FORM,
            expanded=reader == "everyone",
        )
