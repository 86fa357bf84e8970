"""One trial: is it used, by whom, does it help, and what is not known."""

from __future__ import annotations

import streamlit as st

from dashboard import live
from dashboard.address import choose
from dashboard.facts import plain
from dashboard.language import _, day, moment, number, parse_day, parse_moment, titled
from dashboard.sections import adoption, benefit, contact, homes
from dashboard.wording import usage_class


def show() -> None:
    """The trial in the address stands on the page."""
    _trial()


@live.refreshed(live.REPORT_EVERY_SECONDS)
def _trial() -> None:
    titles = {trial["id"]: trial["title"] for trial in live.trials()}
    if not titles:
        st.title(_("One trial"), anchor=False)
        st.info(
            _("There are no trials yet. Load one with “nyttig load FOLDER”, or start “nyttig demo”."),
            icon=":material/inventory_2:",
        )
        return
    asked = st.query_params.get("trial")
    if asked and asked not in titles:
        st.warning(_("There is no trial called {trial}. Here is another one.").format(trial=plain(asked)))
    chosen = choose(
        "trial",
        _("Trial"),
        list(titles),
        lambda trial: titles[trial],
        st.selectbox,
        default=next(iter(titles)),
        hide_default=False,
    )
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
    adoption.headline(report)
    adoption.weeks(report)
    homes.strips(report)
    benefit.gains(report)
    benefit.net_minutes(report)
    adoption.funnel(report)
    contact.silences(report)
    adoption.units(report)
    st.divider()
    st.caption(
        _(
            "Figures as of {moment}, days local to {timezone}, from {events} events. "
            "Definitions version {version}. Unknown means that the devices of the home were not heard that day."
        ).format(
            moment=moment(parse_moment(report["as_of"]), trial["timezone"]),
            timezone=trial["timezone"],
            events=number(report["data"]["events_total"]),
            version=report["definitions_version"],
        )
    )


if __name__ == "__main__":  # Streamlit runs a page as a script
    show()
