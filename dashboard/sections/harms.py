"""Harms and adverse events: always there beside the gains, also when there is none to tell of."""

from __future__ import annotations

import streamlit as st

from dashboard import live
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.harm_words import happened, more
from dashboard.language import _, titled
from dashboard.palette import BAD, INK
from dashboard.sections import entry_form, entry_list

PLACE = "benefit-harms"


def show(benefit: Json, *, may_change: bool) -> None:
    """What became worse, what happened, and how often more of it may still lie ahead."""
    st.header(_("What became worse, or could have?"), anchor=False)
    trial, adverse = benefit["trial"]["id"], benefit["adverse"]
    st.markdown(
        f'<div style="border-left:4px solid {BAD if adverse["events"] else INK};padding:.1rem 0 .1rem .8rem">'
        f"{happened(adverse)}</div>",
        unsafe_allow_html=True,
    )
    st.caption("  \n".join([*more(adverse), *_granted(benefit)]))
    entered = live.entries(trial, "harm")
    known = {harm["entry"] for harm in benefit["harms"]}
    if may_change:
        entry_form.offer("harm", trial, place=PLACE)
        entry_list.show("harm", trial, entered, place=PLACE)
        return
    for each in entered:
        if each["entry"] in known:
            st.markdown(f"- {plain(each['data']['title'])}")


def _granted(benefit: Json) -> list[str]:
    if not benefit["adverse"]["homes"]["homes"]:
        return []
    keys = benefit["adverse"]["homes"]["assumptions"] + benefit["adverse"]["rate"]["assumptions"]
    broken = [titled(benefit["assumptions"].get(key), key) for key in dict.fromkeys(keys)]
    return [_("These bounds do not hold if: {reasons}").format(reasons=" ".join(broken))]
