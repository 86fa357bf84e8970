"""Safety: per home whether the technology suits it, somebody was trained, alarms were handled, and what is still open."""

from __future__ import annotations

import streamlit as st

from dashboard import live
from dashboard.address import href
from dashboard.entry_words import many
from dashboard.language import _, number
from dashboard.sections import entry_form, entry_list, safety, which

PLACE = "safety"
KINDS = ("adverse_event", "suitability", "training")


def show() -> None:
    """The safety of the homes of the trial in the address stands on the page."""
    st.title(_("Safety"), anchor=False)
    work = _("Work list")
    st.markdown(
        _(
            "What a home needs so that the technology does no harm. What a device needs is on the installer’s list:"
        )
        + f" [{work}]({href('work')})"
    )
    _safety()


@live.refreshed(live.REPORT_EVERY_SECONDS)
def _safety() -> None:
    trial = which.trial()
    if trial is None:
        return
    told = live.safety(trial)
    if not told["homes"]:
        st.info(
            _(
                "No home has the technology yet. Assess each one before it is put in, and enter the assessment here."
            ),
            icon=":material/home:",
        )
    else:
        safety.facts(told)
    st.header(_("Due"), anchor=False)
    safety.due(told)
    safety.to_come(told)
    st.header(_("Enter something else"), anchor=False)
    for kind, title in (
        ("adverse_event", _("Enter an adverse event or a near miss")),
        ("suitability", _("Enter an assessment of suitability")),
        ("training", _("Enter a training that was given")),
    ):
        entry_form.offer(kind, trial, place=PLACE, title=title)
    if told["homes"]:
        st.header(_("All homes"), anchor=False)
        safety.every_home(told)
    for kind in KINDS:
        found = live.entries(trial, kind)
        title = f"{many(kind)} ({number(len(found))})"
        entry_list.folded(title, ":material/history:", kind, trial, found, place=f"{PLACE}:all")
    safety.rules(told)


if __name__ == "__main__":  # Streamlit runs a page as a script
    show()
