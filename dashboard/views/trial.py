"""One trial, by its questions: who needs a call, is it used, by whom, who stopped, why, is it getting better?"""

from __future__ import annotations

import streamlit as st

from dashboard import live
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.language import _, day, moment, ngettext, parse_day, parse_moment, titled
from dashboard.sections import (
    adoption,
    asof,
    benefit,
    calls,
    cause,
    due,
    explaining,
    homes,
    parts,
    periods,
    safety,
    setting,
    standby,
    staying,
    which,
)
from dashboard.wording import usage_class

# Under every figure two things can be unfolded: they are to be there, not to be looked at.
QUIET = """<style>
[data-testid="stMain"] [data-testid="stExpander"] details:not([open]) {border-color: transparent; background: none}
[data-testid="stMain"] [data-testid="stExpander"] details:not([open]) summary {padding: 0 .2rem; font-size: .9rem}
</style>"""


def show() -> None:
    """The trial in the address stands on the page."""
    st.html(QUIET)
    _trial()


@live.refreshed(live.REPORT_EVERY_SECONDS)
def _trial() -> None:
    chosen = which.trial(_("One trial"))
    if chosen is None:
        return
    report = live.report(chosen)
    trial = report["trial"]
    st.title(plain(trial["title"]), anchor=False)
    period = (
        _("from {first}").format(first=day(parse_day(trial["starts"])))
        if not trial["ends"]
        else _("{first} to {last}").format(
            first=day(parse_day(trial["starts"])), last=day(parse_day(trial["ends"]))
        )
    )
    about = [titled(trial["technology_titles"], trial["technology"]), usage_class(trial["usage_class"])]
    about += [trial["programme"]] if trial["programme"] else []
    st.caption(plain(" · ".join([*about, ", ".join(trial["units"]), period])))
    shown_earlier = asof.show(report)
    if not report["homes"]:
        st.info(
            _(
                "No home has the technology installed yet. "
                "When homes are installed, they are listed in homes.csv of the trial’s folder; load the folder again then."
            ),
            icon=":material/home:",
        )
        adoption.funnel(report)
        return
    below = _below(standby=trial["usage_class"] == "standby", earlier=shown_earlier)
    st.markdown(" · ".join(f"[{question}](#{place})" for place, question in below.items()))
    if not shown_earlier:
        calls.show(report)
        safety.block(report)
    _place("used")
    _is_it_used(report)
    _place("whom")
    _by_whom(report)
    if "stopped" in below:
        _place("stopped")
        staying.show(report)
    if "cause" in below:
        _place("cause")
        cause.show(report)
    _place("better")
    periods.show(report)
    _place("help")
    benefit.gains(report)
    benefit.net_minutes(report)
    st.divider()
    explaining.beside("intervals", report, _("intervals and bounds"))
    st.caption(
        _(
            "Figures as of {moment}, days local to {timezone}, from {events}. "
            "Definitions version {version}. Unknown means that the devices of the home were not heard that day."
        ).format(
            moment=moment(parse_moment(report["as_of"]), trial["timezone"]),
            timezone=trial["timezone"],
            events=ngettext("{n} event", "{n} events", report["data"]["events_total"]),
            version=report["definitions_version"],
        )
    )


def _below(*, standby: bool, earlier: bool) -> dict[str, str]:
    """The questions further down the page, by their places: it is some ten screens long, more on a phone."""
    questions = {
        "used": _("Is it used?"),
        "whom": _("By whom?"),
        "stopped": _("Who stopped?"),
        "cause": _("Since when, and is it the device or the person?"),
        "better": _("Is it getting better?"),
        "help": _("Does it help?"),
    }
    left_out = {"stopped"} if standby else set()
    left_out |= {"cause"} if earlier else set()
    return {place: question for place, question in questions.items() if place not in left_out}


def _place(name: str) -> None:
    """A link to `name` leads here. Streamlit's own anchors add an English link to every heading."""
    st.html(f'<div id="{name}" style="scroll-margin-top: 4rem"></div>')


def _is_it_used(report: Json) -> None:
    """The measure of the technology's class comes first: what was due, or how much of the time somebody was covered."""
    st.header(_("Is it used?"), anchor=False)
    adoption.headline(report)
    if report["trial"]["usage_class"] == "standby":
        standby.coverage(report)
        standby.alarms(report)
        adoption.weeks(report)
        return
    due.weeks(report)
    adoption.weeks(report)
    adoption.rates(report)
    adoption.intensity(report)
    if report["alarms"] is not None and report["alarms"]["all"]["raised"]:
        standby.alarms(report)


def _by_whom(report: Json) -> None:
    st.header(_("By whom?"), anchor=False)
    homes.strips(report)
    adoption.funnel(report)
    parts.show(report)
    setting.show(report)


if __name__ == "__main__":  # Streamlit runs a page as a script
    show()
