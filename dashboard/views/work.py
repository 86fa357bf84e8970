"""The work list: which homes to visit, most urgent first, why, what to bring, and what was done or put off."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from itertools import groupby

import streamlit as st

from dashboard import findings, live, registry
from dashboard.address import choose
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.language import _, ago, moment, ngettext, number, parse_moment
from dashboard.sections import visit
from dashboard.sections.places import mark_words
from dashboard.wording import homes

EVERY_SECONDS = 10
HOMES_SHOWN = 25
ALL = "all"
# On paper: the homes alone, none of them torn in two.
ON_PAPER = """<style>@media print {
[data-testid="stSidebar"], [data-testid="stHeader"], [data-testid="stExpander"], [data-testid="stSelectbox"],
[data-testid="stButton"], [data-testid="stPageLink"], [data-testid="stToast"] {display: none !important}
[class*="st-key-visit-"] {break-inside: avoid}
}</style>"""


def show() -> None:
    """Homes with something to do stand on the page; or the one home that the address names."""
    st.title(_("Work list"), anchor=False)
    st.html(ON_PAPER)
    _work()


@live.refreshed(EVERY_SECONDS)
def _work() -> None:
    site = st.query_params.get("site")
    trial = ALL
    if site:
        st.page_link("views/work.py", label=_("All homes"), icon=":material/arrow_back:")
    else:
        titles = {ALL: _("All trials")} | {each["id"]: each["title"] for each in live.trials()}
        trial = choose("of", _("Trial"), list(titles), titles.__getitem__, st.selectbox, default=ALL)
    work = live.work(None if trial == ALL else trial)
    now = live.now()
    gateways = [one for one in work["gateways"] if not site or site in one["sites"]]
    visits = [one for one in work["visits"] if site in (None, "", one["site"])]
    hidden = [one for one in work["hidden"] if site in (None, "", one["site"])]
    visit.say_last(hidden)
    if not gateways and not visits:
        _say_nothing_to_do(site)
    elif not site:
        _say_how_much(gateways, visits)
    for gateway in gateways:
        visit.gateway(gateway, now)
    shown = visits[:HOMES_SHOWN]
    for severity, group in groupby(shown, key=lambda one: one["severity"]):
        there = list(group)
        if not site:
            st.header(f"{findings.severity(severity)} · {homes(_count(visits, severity))}", anchor=False)
        for one in there:
            visit.card(one, now, alone=bool(site))
    if len(visits) > len(shown):
        st.caption(
            _(
                "The first {shown} of {all} homes, most urgent first. Choose a trial to see the others."
            ).format(shown=number(len(shown)), all=number(len(visits)))
        )
    _hidden(hidden, now)


def _count(visits: list[Json], severity: str) -> int:
    return sum(one["severity"] == severity for one in visits)


def _say_nothing_to_do(site: str | None) -> None:
    if live.health().get("status") != "ready":
        st.warning(
            _("Nothing is on the list, but Nyttig is not recording now, so nobody can tell what is."),
            icon=":material/question_mark:",
        )
    elif site:
        st.success(_("Nothing is to be done in {home}.").format(home=plain(site)), icon=":material/check:")
    else:
        st.success(_("Nobody needs to go out."), icon=":material/check:")


def _say_how_much(gateways: list[Json], visits: list[Json]) -> None:
    count = _count(visits, "urgent") + _count(visits, "visit")
    if not count and not gateways:
        st.success(
            _("Nobody needs to go out now. What stands here is for when somebody is there anyway."),
            icon=":material/check:",
        )
        return
    named = [ngettext("**{n} home**", "**{n} homes**", count)] if count else []
    if gateways:
        named.insert(0, ngettext("**{n} gateway**", "**{n} gateways**", len(gateways)))
    st.markdown(
        _("{what} to visit").format(what=_(" and ").join(named))
        + (
            ngettext(", {n} of them now.", ", {n} of them now.", _count(visits, "urgent"))
            if _count(visits, "urgent")
            else "."
        )
    )


def _hidden(hidden: list[Json], now: datetime) -> None:
    if not hidden:
        return
    with st.expander(_("Done or put off ({n})").format(n=number(len(hidden))), icon=":material/task_alt:"):
        st.caption(_("What is done comes back by itself if later messages say that it still holds."))
        for one in hidden:
            task, mark = one["task"], one["mark"]
            key = f"{task['subject_kind']}:{task['subject']}:{task['finding']}"
            marked = findings.since(mark["marked_at"], now)
            with st.container(horizontal=True, vertical_alignment="center", key=f"hidden-{key}"):
                st.markdown(
                    plain(
                        " · ".join(
                            part
                            for part in (
                                one["site"] if one["site"] != task["subject"] else None,
                                task["subject"],
                                mark_words(mark, registry.zone_of(one["site"])),
                                mark["marked_by"],
                                moment(parse_moment(mark["marked_at"]), registry.zone_of(one["site"]))
                                if marked is None
                                else ago(marked),
                            )
                            if part
                        )
                    ),
                    width="stretch",
                )
                if st.button(_("Put it back"), key=f"put-back:{key}", icon=":material/undo:"):
                    visit.press(f"work:back:{key}", partial(visit.put_back, [one]))


if __name__ == "__main__":  # Streamlit runs a page as a script
    show()
