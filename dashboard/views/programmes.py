"""Programmes: what each is for, its trials side by side, what several units show together, and what spread."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboard import live
from dashboard.address import chosen, href, keep
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.language import _, day, ngettext, parse_day
from dashboard.palette import FAINT, INK, USED
from dashboard.sections import entry_form, entry_list, programme_trials, spread, together

PLACE = "programmes"


def show() -> None:
    """The programme in the address stands on the page, beneath the tree of all."""
    st.title(_("Programmes"), anchor=False)
    _programmes()


@live.refreshed(live.REPORT_EVERY_SECONDS)
def _programmes() -> None:
    found = live.programmes()
    tree = found["programmes"]
    if not tree:
        st.info(
            _(
                "There is no programme yet. A programme gathers trials of several units that belong together; enter one "
                "here, and name it in the trials."
            ),
            icon=":material/account_tree:",
        )
        _enter(tree)
        _of_none(found)
        return
    names = [node["name"] for node in tree]
    name = chosen("programme", names, names[0])
    keep("programme", name)
    if len(tree) > 1:
        st.html(_tree(tree, name))
    told = live.programme(name)
    _head(told)
    programme_trials.cards(told)
    together.show(told)
    spread.show(told)
    programme_trials.by_gate(told)
    _enter(tree)
    _of_none(found)


def _tree(tree: list[Json], current: str) -> str:
    """All programmes, their parts set in; the current one is marked, the others are links."""
    lines = []
    for node in tree:
        count = ngettext("{n} trial", "{n} trials", node["trials_total"])
        if node["name"] == current:
            words = f'<b aria-current="page">{escape(node["name"])}</b>'
        else:
            go = escape(href("programmes", programme=node["name"]))
            words = f'<a href="{go}" target="_self" style="color:{USED}">{escape(node["name"])}</a>'
        corner = "" if not node["depth"] else f'<span aria-hidden="true" style="color:{FAINT}">└ </span>'
        lines.append(
            f'<li style="margin:0;padding:.3rem 0 .3rem {1.4 * node["depth"]:.1f}rem">{corner}{words} '
            f'<span style="color:{FAINT};font-size:.85rem">{escape(count)}</span></li>'
        )
    title = escape(_("Programmes"))
    return (
        f'<nav aria-label="{title}"><ul style="list-style:none;margin:0 0 .6rem;padding:0;color:{INK};'
        f'overflow-wrap:anywhere">{"".join(lines)}</ul></nav>'
    )


def _head(told: Json) -> None:
    node = told["programme"]
    st.header(plain(node["name"]), anchor=False)
    about = []
    if told["path"]:
        about.append(_("part of {programmes}").format(programmes=" › ".join(told["path"])))
    if node["owner"]:
        about.append(_("owner: {owner}").format(owner=node["owner"]))
    about.append(ngettext("{n} trial", "{n} trials", node["trials_total"]))
    if told["parts"]:
        about.append(ngettext("{n} part", "{n} parts", len(told["parts"])))
    if told["as_of"]:
        about.append(_("figures as of {day}").format(day=day(parse_day(told["as_of"]))))
    st.caption(plain(" · ".join(about)))
    if node["aim"]:
        st.markdown(plain(node["aim"]))
    elif node["entry"] is None:
        st.info(
            _("Nobody has written down yet what this programme is to reach. Enter it below."),
            icon=":material/flag:",
        )
    if node["loop"]:
        st.warning(
            _(
                "This programme is said to be part of one that is part of itself. That is left out here; change it below."
            ),
            icon=":material/sync_problem:",
        )


def _enter(tree: list[Json]) -> None:
    """Aims and owners can be entered and changed."""
    st.header(_("Aims and parts of programmes"), anchor=False)
    entered = live.entries(None, "programme")
    known = {each["data"]["name"] for each in entered}
    for node in tree:
        place = f"{PLACE}:{node['name']}"
        just_entered = entry_form.said_last(entry_form.pressed(place, None, "programme", "new"))
        if node["name"] not in known or just_entered:
            entry_form.offer(
                "programme",
                None,
                place=place,
                given={"name": node["name"]},
                title=_("Say what “{name}” is to reach").format(name=node["name"]),
            )
    entry_form.offer("programme", None, place=PLACE, title=_("Enter a programme, or a part of one"))
    entry_list.show("programme", None, entered, place=f"{PLACE}:all")


def _of_none(found: Json) -> None:
    """Trials that belong to no programme are named."""
    trials = found["trials_of_none"]
    if trials:
        titles = ", ".join(trial["title"] for trial in trials)
        st.caption(plain(_("Trials of no programme: {titles}").format(titles=titles)))


if __name__ == "__main__":  # Streamlit runs a page as a script
    show()
