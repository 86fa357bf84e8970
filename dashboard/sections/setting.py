"""Do districts and employees take it up? Units and ambassadors, shown apart from residents."""

from __future__ import annotations

import streamlit as st

from dashboard.address import href
from dashboard.client import Json
from dashboard.facts import fact
from dashboard.language import _, ngettext
from dashboard.sections import ambassadors, explaining
from dashboard.wording import share_interval, share_value


def show(report: Json) -> None:
    """Units taking part, ambassadors trained and active, each with its interval; nothing where nobody said."""
    told = report["setting"]
    st.subheader(_("Units and ambassadors"), anchor=False)
    shown = [(_("Units taking part, of those invited"), told["units"])]
    shown += [(_("Employees trained as ambassadors"), told["trained"])] if told["trained"]["of"] else []
    shown += [(_("Ambassadors active, of those trained"), told["active"])] if told["active"]["of"] else []
    for (label, share), column in zip(shown, st.columns(3), strict=False):
        with column:
            fact(label, share_value(share), share_interval(share))
    if told["units_silent"]:
        st.caption(
            ngettext(
                "{n} unit says nothing of ambassadors (units.csv).",
                "{n} units say nothing of ambassadors (units.csv).",
                told["units_silent"],
            )
        )
    ambassadors.units(told)
    words = _("Enter trainings and what ambassadors did")
    st.markdown(f"[{words}]({href('ambassadors', trial=report['trial']['id'])})")
    explaining.beside("setting", report)
