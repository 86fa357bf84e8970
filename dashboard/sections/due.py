"""Was what was due done? Doses, calls or checks, week by week, where the trial has a schedule."""

from __future__ import annotations

import streamlit as st

from dashboard import table
from dashboard.charts import weeks as charts
from dashboard.charts.frame import legend, place
from dashboard.client import Json
from dashboard.language import _, day, ngettext, number, parse_day, percent
from dashboard.sections import explaining
from dashboard.table import Column
from dashboard.wording import due_note, share_value

HEIGHT_PX = 240


def weeks(report: Json) -> None:
    """Each week's due things as a stacked column: in time, late, missed, paused, unknown."""
    told = report["participation"]
    if told is None:
        return
    st.subheader(_("Done in time"), anchor=False)
    steady, count = told["steady"], len(told["homes"])
    sentence = f"**{percent(steady['done']['ratio'])}** · {due_note(told, count)}. "
    sentence += _("{late} late, {missed} missed. The first {days} days in each home are left out.").format(
        late=number(steady["late"]),
        missed=number(steady["missed"]),
        days=number(report["parameters"]["ramp_in_days"]),
    )
    if told["homes_without_schedule"]:
        sentence += " " + ngettext(
            "{n} home has no schedule and is not in it.",
            "{n} homes have no schedule and are not in it.",
            told["homes_without_schedule"],
        )
    st.markdown(sentence)
    rows = charts.due_rows(told["weeks"])
    if rows:
        legend(charts.due_swatches())
        last = rows[-1]
        words = _("Stacked columns, one a week. In the last week, from {day}: ").format(
            day=day(parse_day(last["starts_on"]))
        ) + ", ".join(f"{name} {number(last[field])}" for field, name, _colour in charts.due_bands())
        place("due", charts.due(told["weeks"]), HEIGHT_PX, words)
        table.beside(
            "done-in-time",
            rows,
            [
                Column("iso_week", _("Week")),
                Column("starts_on", _("Monday"), "day"),
                *(Column(field, name, "number") for field, name, _colour in charts.due_bands()),
                Column("done_ratio", _("Share in time"), "ratio"),
            ],
        )
        _homes(told["homes"])
    explaining.beside("participation", report)


def _homes(found: list[Json]) -> None:
    """The homes that missed most stand in a sentence: a mean hides them."""
    judged = [each for each in found if each["participation"]["done"]["of"]]
    judged.sort(key=lambda each: each["participation"]["done"]["ratio"])
    if len(judged) < 2:
        return
    st.caption(
        _("Least in time: {homes}.").format(
            homes=", ".join(
                f"{each['home']} {percent(each['participation']['done']['ratio'])} "
                f"({share_value(each['participation']['done'])})"
                for each in judged[:3]
            )
        )
    )
