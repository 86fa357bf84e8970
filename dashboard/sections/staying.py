"""Who stopped? Who stays, as a curve where there are homes enough; which stopped, and since when; has it become a habit?"""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboard import table
from dashboard.charts import staying as chart
from dashboard.charts.frame import place
from dashboard.client import Json
from dashboard.facts import fact
from dashboard.figure_words import cause, outcome
from dashboard.language import _, day, ngettext, number, parse_day, percent, percent_range
from dashboard.palette import FAINT, INK
from dashboard.sections import explaining
from dashboard.table import Column
from dashboard.wording import end_reason, homes, share_interval, share_value

STOPPED = ("abandoned", "stopped")
LISTED = 12


def show(report: Json) -> None:
    """Who stays stands on the page with n, interval and numbers at risk; each home that stopped with its last use."""
    st.header(_("Who stopped?"), anchor=False)
    told = report["retention"]
    if not told["homes"]:
        st.markdown(_("No home has begun yet, so none can have stopped."))
        explaining.beside("retention", report)
        return
    _summary(told)
    if told["curve"] is None:
        st.caption(
            _(
                "Under ten homes a curve would show single people as percentages: read the strips above, "
                "a home each ({homes} have begun)."
            ).format(homes=homes(told["homes"]))
        )
    else:
        _curve(told)
    _stopped(told["courses"])
    table.beside(
        "who-stays",
        [
            {**course, "outcome_words": outcome(course["outcome"]), "reason": _reason(course)}
            for course in told["courses"]
        ],
        [
            Column("home", _("Home")),
            Column("outcome_words", _("How it went on")),
            Column("first_use_on", _("First use"), "day"),
            Column("last_use_on", _("Last use"), "day"),
            Column("unused_days_since", _("Observed days without use since"), "number"),
            Column("lapses", _("Breaks"), "number"),
            Column("reason", _("Reason")),
        ],
        every_row=lambda: told["courses"],
    )
    explaining.beside("retention", report)
    sustained(report)


def _reason(course: Json) -> str | None:
    return end_reason(course["end_reason"]) if course["end_reason"] else None


def _summary(told: Json) -> None:
    stopped = share_value({"count": told["abandoned"], "of": told["homes"]})
    sentence = _("Stopped: **{share}** homes that have begun").format(share=stopped)
    extra = [f"{end_reason(reason)} {number(count)}" for reason, count in told["competing"].items()]
    if extra:
        sentence += "; " + _("ended for a reason that is no giving up: {reasons}").format(
            reasons=", ".join(extra)
        )
    sentence += ". " + _(
        "A home has stopped when {days} observed days went by without use; unknown days do not count."
    ).format(days=number(told["abandonment_days"]))
    if told["lapsed"]:
        sentence += " " + ngettext(
            "{n} home came back after such a break.",
            "{n} homes came back after such a break.",
            told["lapsed"],
        )
    if told["too_early"]:
        sentence += " " + ngettext(
            "{n} home is too new to say.", "{n} homes are too new to say.", told["too_early"]
        )
    st.markdown(sentence)


def _curve(told: Json) -> None:
    curve = told["curve"]
    last = chart.rows(curve)[-1]
    half = curve["median_days"]
    words = _(
        "A falling curve of {homes}: {share} still use it after {days} days (95% interval {range}). Below it, homes "
        "under observation: {at_risk}."
    ).format(
        homes=homes(curve["subjects"]),
        share=percent(last["share"]),
        days=number(curve["followed_days"]),
        range=percent_range(last["low"], last["high"]),
        at_risk=", ".join(f"{number(on)}: {number(count)}" for on, count in told["at_risk"]),
    )
    place("who-stays", chart.curve(told), chart.HEIGHT_PX, words)
    st.caption(
        _(
            "Across: days since a home’s first use. Band: 95% interval, day by day. The row of numbers: homes still "
            "under observation on that day, of {n}."
        ).format(n=number(curve["subjects"]))
        + " "
        + (
            _("Half had stopped after {days} days.").format(days=number(half))
            if half is not None
            else _("Fewer than half have stopped.")
        )
    )
    if any(course["entered_day"] for course in told["courses"]):
        st.caption(_("Homes that had it before the trial began to look join the curve later."))
    if told["incidence"]:
        parts = [
            f"{cause(each['cause'])} {percent(each['incidence'][-1])} ({number(each['events'])})"
            for each in told["incidence"]
            if each["incidence"]
        ]
        st.caption(
            _("By the end of the curve, each reason beside the others: {parts}.").format(
                parts=", ".join(parts)
            )
        )


def _stopped(courses: list[Json]) -> None:
    """Each home that stopped or ended, newest first, with its last use and its reason where one is known."""
    found = [course for course in courses if course["outcome"] in (*STOPPED, "competing")]
    found.sort(key=lambda course: course["last_use_on"] or "", reverse=True)
    if not found:
        return
    lines = []
    for course in found[:LISTED]:
        told = _("last used {day}").format(day=day(parse_day(course["last_use_on"])))
        if course["unused_days_since"]:
            told += ", " + ngettext(
                "{n} observed day without use since",
                "{n} observed days without use since",
                course["unused_days_since"],
            )
        reason = _reason(course)
        told += " – " + (reason if reason else _("no reason is known"))
        lines.append(
            f'<div style="padding-top:.25rem"><b>{escape(course["home"])}</b> '
            f'<span style="color:{FAINT}">{escape(told)}</span></div>'
        )
    st.markdown(
        f'<div style="color:{INK};padding-bottom:.6rem">{"".join(lines)}</div>', unsafe_allow_html=True
    )
    if len(found) > LISTED:
        st.caption(
            _("The newest {shown} of {all}; the table holds all.").format(shown=LISTED, all=len(found))
        )


def sustained(report: Json) -> None:
    """In how many homes it became a habit."""
    told = report["sustained"]
    share = told["share"]
    note = (
        [_("95% interval {range}").format(range=percent_range(share["low"], share["high"]))]
        if share["of"]
        else []
    )
    if told["too_early"]:
        note.append(ngettext("{n} home too new to say", "{n} homes too new to say", told["too_early"]))
    if told["unknown"]:
        note.append(ngettext("{n} home unknown", "{n} homes unknown", told["unknown"]))
    if told["median_days_to_it"] is not None:
        note.append(_("half of them within {days} days").format(days=number(told["median_days_to_it"])))
    fact(
        _("Has it become a habit? (sustained use)"),
        share_value(share) if share["of"] else _("too early to say"),
        " · ".join(note) or share_interval(share),
    )
    explaining.beside("sustained", report, _("sustained use"))
