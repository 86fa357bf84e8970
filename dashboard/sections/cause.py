"""Since when, and is it the device or the person? For each home that uses it less, what its device said meanwhile."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboard import live, table
from dashboard.client import Json
from dashboard.facts import fact
from dashboard.figure_words import concern
from dashboard.language import _, day, ngettext, number, parse_day
from dashboard.palette import FAINT, INK
from dashboard.sections import contact, explaining
from dashboard.sections.calls import device_words
from dashboard.table import Column
from dashboard.wording import share_value

LISTED = 12


def show(report: Json) -> None:
    """Each home with a concern stands in a table: since when, and whether its device was heard; then silent homes."""
    st.header(_("Since when, and is it the device or the person?"), anchor=False)
    found = live.calls(report["trial"]["id"])
    rows = [_row(call["concern"], None) for call in (*found["calls"], *found["snoozed"])]
    rows += [_row(one["concern"], one) for one in found["device_first"]]
    if rows:
        st.markdown(_sentence(found))
        st.markdown(
            f'<div style="color:{INK};padding-bottom:.6rem">{"".join(map(_line, rows[:LISTED]))}</div>',
            unsafe_allow_html=True,
        )
        table.beside("device-or-person", rows, _columns())
    elif report["trial"]["usage_class"] == "standby":
        st.markdown(_("No home is out of contact now, and no device at fault."))
    else:
        st.markdown(_("No home uses it less than it did, and no device is at fault."))
    first_use(report)
    contact.silences(report)


def _columns() -> list[Column]:

    return [
        Column("home", _("Home")),
        Column("what", _("Use")),
        Column("since", _("Since"), "day"),
        Column("cause", _("Device or person?")),
        Column("evidence", _("Because")),
    ]


def _line(row: Json) -> str:
    since = "" if row["since"] is None else " " + _("since {day}").format(day=day(parse_day(row["since"])))
    return (
        f'<div style="padding-top:.3rem;overflow-wrap:anywhere"><b>{escape(row["home"])}</b> '
        f"{escape(row['what'] + since)}: <b>{escape(row['cause'])}</b> "
        f'<span style="color:{FAINT}">({escape(row["evidence"])})</span></div>'
    )


def _row(told: Json | None, one: Json | None) -> Json:
    if one is not None:
        because = device_words(one)
        verdict = _("the device first") if one["statuses"] else _("cannot be told")
        home = one["home"]
    else:
        assert told is not None
        home, verdict = told["home"], _("the person, or how it fits them")
        because = ngettext(
            "device heard on {n} day in question",
            "device heard on all {n} days in question",
            told["recent_observed_days"],
        )
    return {
        "home": home,
        "what": concern(told) if told else "–",
        "since": told["since"] if told else None,
        "cause": verdict,
        "evidence": because,
    }


def _sentence(found: Json) -> str:
    people = len(found["calls"]) + len(found["snoozed"])
    broken = sum(bool(one["statuses"]) for one in found["device_first"])
    unknown = len(found["device_first"]) - broken
    parts = []
    if people:
        parts.append(ngettext("{n} home: the person", "{n} homes: the person", people))
    if broken:
        parts.append(ngettext("{n} home: the device", "{n} homes: the device", broken))
    if unknown:
        parts.append(ngettext("{n} home: cannot be told", "{n} homes: cannot be told", unknown))
    return (
        " · ".join(parts)
        + ". "
        + _("A device that is heard and not used speaks for the person; one not heard, for itself.")
    )


def first_use(report: Json) -> None:
    """How long homes take from installation to their first use."""
    told = report["first_use"]
    if not told["homes"]:
        return
    median = told["curve"]["median_days"]
    started = {"count": told["started"], "of": told["homes"]}
    newest = max((home["first_use_on"] for home in report["homes"] if home["first_use_on"]), default=None)
    fact(
        _("Days from installation to the first use"),
        _("not half have begun") if median is None else number(median),
        _("half of the homes had begun by then · {share} homes have · newest {day}").format(
            share=share_value(started), day=day(parse_day(newest))
        ),
    )
    explaining.beside("first_use", report, _("first use"))
