"""The registry: a list of devices, where each stands, labels, and who changed what. Nothing of how anybody lives."""

from __future__ import annotations

import streamlit as st

from dashboard import live, registry
from dashboard.address import choose
from dashboard.language import _
from dashboard.sections import device_list, history, labels, placing


def show() -> None:
    """One of the registry's tasks stands on the page."""
    st.title(_("Registry"), anchor=False)
    st.caption(_("Which devices there are and where they stand. Every change is kept with who made it."))
    _task()


@live.refreshed(registry.EVERY_SECONDS)
def _task() -> None:
    names = {"place": _("One device"), "list": _("A list"), "labels": _("Labels"), "history": _("History")}
    task = choose("do", _("Task"), list(names), names.__getitem__, st.segmented_control, default="place")
    {"place": placing.show, "list": device_list.show, "labels": labels.show, "history": history.show}[task]()


if __name__ == "__main__":  # Streamlit runs a page as a script
    show()
