"""Does it help? The trial page's short part: each gain as the benefit page tells it, and the staff's minutes."""

from __future__ import annotations

from math import isclose

import streamlit as st

from dashboard import table
from dashboard.address import href
from dashboard.charts import bars
from dashboard.charts.frame import place
from dashboard.client import Json
from dashboard.language import _, between, money, number
from dashboard.sections import explaining, gain
from dashboard.table import Column
from dashboard.wording import homes, registered


def gains(report: Json) -> None:
    """Each gain stands with its picture and its sentence; all else about it is a press away."""
    st.header(_("Does it help?"), anchor=False)
    where = href("benefit", trial=report["trial"]["id"])
    if not report["gains"]:
        st.info(
            _(
                "No gain has been written down for this trial. Agree on what should become better, for whom and by how "
                "much, and [enter it on the benefit page]({where})."
            ).format(where=where)
        )
        return
    for each in report["gains"]:
        gain.short(each)
    st.markdown(
        _("[Harms, money, and what each gain takes for granted]({where}) stand on the benefit page.").format(
            where=where
        )
    )
    explaining.beside("gains", report, _("gains"))


def net_minutes(report: Json) -> None:
    """What visits took before and after, what new work came, and what is left."""
    net = report["net_minutes"]
    if net["net_minutes"] is None:
        return
    st.subheader(_("Staff minutes per home and week"), anchor=False)
    freed = net["net_minutes"] >= 0
    verdict = (
        _("{minutes} minutes freed per home and week, after new work is taken off.")
        if freed
        else _("{minutes} minutes more per home and week: the new work takes more than the visits saved.")
    ).format(minutes=number(abs(net["net_minutes"]), 1))
    st.markdown(f"**{verdict}** " + _basis(report))
    words = _(
        "Bars: visits before {before}, visits after {after}, new work {new}, net {net} minutes."
    ).format(
        before=number(net["visit_minutes_before"], 1),
        after=number(net["visit_minutes_after"], 1),
        new=number(net["new_work_minutes"], 1),
        net=number(net["net_minutes"], 1),
    )
    place("net-minutes", bars.minutes(net), bars.STEP_HEIGHT_PX * 4, words)
    table.beside(
        "net-minutes",
        [
            {"part": _("Visits before"), "minutes": net["visit_minutes_before"]},
            {"part": _("Visits after"), "minutes": net["visit_minutes_after"]},
            {"part": _("New work"), "minutes": net["new_work_minutes"]},
            {"part": _("Net freed"), "minutes": net["net_minutes"]},
        ],
        [Column("part", _("What")), Column("minutes", _("Minutes per home and week"), "number", 1)],
    )
    explaining.beside("net_minutes", report)


def _interval(report: Json) -> str:
    """How sure the minutes are, as their worth in money has it; a report without the money says where that stands."""
    if "time" not in report:
        return _("How sure that is stands on the benefit page.")
    time, net = report["time"], report["net_minutes"]["net_minutes"]
    if time is None or time["low"] is None or not isclose(time["delivered_minutes_per_week"], net):
        return _("No interval is worked out.")
    return _("95% interval {interval}; the new work counts in it as known.").format(
        interval=between(time["low"], time["high"])
    )


def visit_gain(report: Json) -> Json | None:
    """The gain that rests on the same registered visits as the net minutes, if the trial has one."""
    return next((each for each in report["gains"] if each["indicator"] == "visit_minutes_per_week"), None)


def _basis(report: Json) -> str:
    net, currency, found = report["net_minutes"], report["trial"]["currency"], visit_gain(report)
    parts = [_("Means of {homes}, with travel.").format(homes=homes(net["homes"])), _interval(report)]
    if found is not None and (share := registered(found)):
        parts.append(_("Uncertain: {share}.").format(share=share) if found["uncertain"] else f"{share}.")
    if net["hours_per_year"] is not None:
        year = _("{hours} hours a year for one home").format(hours=number(net["hours_per_year"], 1))
        if net["amount_per_year"] is not None:
            year += " (" + money(net["amount_per_year"], currency) + ")"
        parts.append(year + ".")
        parts.append(_("Time freed is not money saved until somebody decides what to do with it."))
    return " ".join(parts)
