"""Benefit: what a trial gives by each perspective, what became worse, what it is worth and to whom, how sure that is."""

from __future__ import annotations

from datetime import date
from html import escape

import streamlit as st

from dashboard import live
from dashboard.address import href
from dashboard.client import Json
from dashboard.entry_choices import choice
from dashboard.facts import plain
from dashboard.language import _, day, moment, ngettext, parse_day, parse_moment, percent, sentence
from dashboard.palette import FAINT, HOME_LINE, INK
from dashboard.sections import asof, benefit, explaining, gain, gain_register, harms, money, which
from dashboard.views.trial import QUIET
from dashboard.wording import perspective

PERSPECTIVES = ("citizen", "organisation", "technology", "economy")


def show() -> None:
    """The benefit of the trial in the address stands on the page."""
    st.html(QUIET)
    _benefit()


@live.refreshed(live.REPORT_EVERY_SECONDS)
def _benefit() -> None:
    chosen = which.trial(_("Benefit"))
    if chosen is None:
        return
    found, report = live.benefit(chosen), live.report(chosen)
    st.title(plain(_("Benefit of {trial}").format(trial=found["trial"]["title"])), anchor=False)
    st.caption(
        _("[Who uses it, and who stopped]({where}) stands on the trial’s page.").format(
            where=href("trial", trial=chosen)
        )
    )
    may_change = not asof.show(report)
    today = parse_day(found["as_of"])
    starts = parse_day(found["trial"]["starts"])
    assert today is not None
    assert starts is not None
    gain_register.waits(found, started=starts <= today, may_change=may_change)
    _due(found, today)
    _gains(found, today)
    benefit.net_minutes(_as_report(found))
    harms.show(found, may_change=may_change)
    money.show(found, may_change=may_change)
    _said(found)
    if may_change:
        gain_register.show(chosen)
    st.divider()
    explaining.beside("gains", report, _("gains"))
    st.caption(
        _("Figures as of {moment}. Definitions version {version}.").format(
            moment=moment(parse_moment(found["as_of"]), found["trial"]["timezone"]),
            version=report["definitions_version"],
        )
    )


def _as_report(found: Json) -> Json:
    """What the trial page's parts read of a report, as the benefit tells it."""
    return {
        "trial": found["trial"],
        "as_of": found["as_of"],
        "net_minutes": found["net_minutes"],
        "time": found["money"]["time"],
        "gains": [each["figures"] for each in found["gains"]],
    }


def _due(found: Json, today: date) -> None:
    """What was to be measured by now and was not."""
    waiting = [(each["figures"]["title"], gain.due(each["figures"], today)) for each in found["gains"]]
    lines = [
        f"- {plain(title)}: {', '.join(map(day, days))}"
        for title, days in sorted(waiting, key=lambda each: each[1])
        if days
    ]
    if lines:
        st.warning(_("To be measured now:") + "\n" + "\n".join(lines), icon=":material/event_busy:")


def _gains(found: Json, today: date) -> None:
    st.header(_("Does it help?"), anchor=False)
    if not found["gains"]:
        st.info(
            _(
                "No gain is named yet. Agree on what is to become better, for whom and by how much, and enter it in the gain "
                "register below: before the start, with its baseline."
            )
        )
        return
    _forms(found)
    nobody = []
    for code in PERSPECTIVES:
        of_it = [each for each in found["gains"] if each["figures"]["perspective"] == code]
        if not of_it:
            nobody.append(perspective(code))
            continue
        st.subheader(sentence(perspective(code)), anchor=False)
        for each in of_it:
            gain.whole(each, found, today)
    if nobody:
        st.caption(_("No gain is named {perspectives}.").format(perspectives=", ".join(nobody)))


def _forms(found: Json) -> None:
    lines = [
        _("Registration forms {period}: {made} of {expected} filled in ({share})").format(
            period=choice("registration", "period", period),
            made=forms["total"]["made"],
            expected=forms["total"]["expected"],
            share=percent(forms["total"]["ratio"]),
        )
        for period, forms in (("before", found["forms_before"]), ("after", found["forms_after"]))
        if forms is not None
    ]
    if lines:
        st.caption("  \n".join(lines))


def _said(found: Json) -> None:
    """What residents and staff say who let everyone read it; how much is kept back is said, not what."""
    st.header(_("What do people say?"), anchor=False)
    if not found["feedback"]:
        st.caption(_("No words that everyone may read. Ask a resident and a member of staff how it goes."))
    for each in found["feedback"]:
        by = [choice("feedback", "said_by", each["said_by"]), day(parse_day(each["said_on"]))]
        by += [choice("feedback", "tone", each["tone"])] if each["tone"] else []
        st.markdown(
            f'<blockquote style="margin:.2rem 0 .8rem;border-left:3px solid {HOME_LINE};padding-left:.8rem;color:{INK};'
            f'overflow-wrap:anywhere;white-space:pre-line">{escape(each["words"])}'
            f'<div style="color:{FAINT};font-size:.85rem">{escape(" · ".join(by))}</div></blockquote>',
            unsafe_allow_html=True,
        )
    if found["feedback_kept_back"]:
        st.caption(
            ngettext(
                "{n} more is for coordinators or staff alone.",
                "{n} more are for coordinators or staff alone.",
                found["feedback_kept_back"],
            )
        )


if __name__ == "__main__":  # Streamlit runs a page as a script
    show()
