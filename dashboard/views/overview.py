"""All trials, one card each: is it used, how sure is that, and is data coming in."""

from __future__ import annotations

import streamlit as st

from dashboard import live
from dashboard.client import Json
from dashboard.facts import fact, plain
from dashboard.language import _, ago, day, ngettext, parse_day, parse_moment, titled
from dashboard.wording import (
    coverage_note,
    coverage_title,
    coverage_value,
    homes,
    rate_note,
    rate_value,
    share_interval,
    share_value,
    usage_class,
)


def show() -> None:
    """The overview of trials stands on the page."""
    st.title(_("Trials"), anchor=False)
    _cards()


@live.refreshed(live.TRIALS_EVERY_SECONDS)
def _cards() -> None:
    trials = live.trials()
    if not trials:
        st.info(
            _(
                "There are no trials yet. A trial comes in as a folder: "
                "ask the person who runs Nyttig to load one with “nyttig load FOLDER”, "
                "or start “nyttig demo” to look around in simulated homes."
            ),
            icon=":material/inventory_2:",
        )
        return
    in_homes = homes(sum(trial["homes"] for trial in trials))
    st.caption(ngettext("{n} trial", "{n} trials", len(trials)) + " · " + in_homes)
    for trial in trials:
        with st.container(border=True):
            _card(trial)


def _card(trial: Json) -> None:
    title, link = st.columns([4, 1], vertical_alignment="center")
    with title:
        st.subheader(plain(trial["title"]), anchor=False)
        st.caption(plain(" · ".join(_about(trial))))
    with link:
        st.page_link(
            "views/trial.py",
            label=_("Open the trial"),
            icon=":material/arrow_forward:",
            query_params={"trial": trial["id"]},
        )
    first, second, third = st.columns(3)
    share = trial.get("active_last_week")
    with first:
        if trial["usage_class"] == "standby":
            fact(
                coverage_title(trial["coverage"]),
                coverage_value(trial["coverage"]),
                coverage_note(trial["coverage"], trial["homes"]),
            )
        elif share is None:
            fact(_("Used it last week"), "–", _("no full week yet"))
        else:
            fact(
                _("Used it last week"),
                share_value(share),
                _("homes observed · {share}").format(share=share_interval(share)),
            )
    with second:
        if trial["usage_class"] == "standby":
            fact(
                _("Homes"),
                homes(trial["homes"]),
                _("It is useful by being there: pressing it is not counted as use."),
            )
        else:
            fact(
                _("Share of days in use"), rate_value(trial["use_day_rate"]), rate_note(trial["use_day_rate"])
            )
    with third:
        fact(_("Newest event"), *_newest(trial))


def _about(trial: Json) -> list[str]:
    about = [titled(trial.get("technology_titles"), trial["technology"]), usage_class(trial["usage_class"])]
    if trial.get("programme"):
        about.append(trial["programme"])
    about.append(", ".join(trial["units"]))
    starts, ends = parse_day(trial["starts"]), parse_day(trial.get("ends"))
    about.append(
        _("from {first}").format(first=day(starts))
        if ends is None
        else _("{first} to {last}").format(first=day(starts), last=day(ends))
    )
    return about


def _newest(trial: Json) -> tuple[str, str]:
    last, as_of = parse_moment(trial.get("last_event_at")), parse_moment(trial.get("as_of"))
    if last is None:
        return _("none yet"), _("No device of this trial has been heard.")
    count = homes(trial["homes"])
    if as_of is None:
        return day(last.date()), count
    return ago((as_of - last).total_seconds()), _("figures as of {day} · {homes}").format(
        day=day(as_of.date()), homes=count
    )


if __name__ == "__main__":  # Streamlit runs a page as a script
    show()
