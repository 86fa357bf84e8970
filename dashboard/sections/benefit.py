"""Does it help? Each gain before and after, and what is left of the staff's minutes."""

from __future__ import annotations

import streamlit as st

from dashboard import table
from dashboard.charts import bars, slopes
from dashboard.charts.frame import place
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.language import _, money, ngettext, number, percent, signed
from dashboard.sections import explaining
from dashboard.table import Column
from dashboard.wording import (
    difference_sentence,
    evidence,
    gain_type,
    homes,
    indicator,
    perspective,
    registered,
)

SLOPE_HEIGHT_PX = 250


def gains(report: Json) -> None:
    """Each gain stands with its picture, what it rests on, and how strong the evidence is."""
    st.header(_("Does it help?"), anchor=False)
    if not report["gains"]:
        st.info(
            _(
                "No gain has been written down for this trial. Agree on what should become better, for whom and by how "
                "much, and add it as [[gain]] to trial.toml."
            )
        )
        return
    for gain in report["gains"]:
        with st.container(border=True):
            st.subheader(plain(gain["title"]), anchor=False)
            picture, words = st.columns([5, 4], gap="medium")
            with words:
                _words(gain)
            with picture:
                _picture(gain)
    explaining.beside("gains", report, _("gains"))


def _words(gain: Json) -> None:
    about = [gain_type(gain["type"]), perspective(gain["perspective"]), indicator(gain["indicator"])]
    about.append(_("lower is better") if gain["better"] == "lower" else _("higher is better"))
    st.caption(plain(" · ".join(about)))
    st.markdown(f"**{plain(_direction(gain))}** {plain(difference_sentence(gain['difference']))}")
    if gain["target"] is not None:
        st.markdown(_("Wanted change: {target}.").format(target=signed(gain["target"])))
    if gain["uncertain"]:
        st.warning(
            _("Uncertain: in one of the periods only {share} of the homes were registered.").format(
                share=percent(gain["registration_ratio"])
            ),
            icon=":material/help:",
        )
    small = [evidence(gain["evidence_level"])]
    if not gain["uncertain"] and (share := registered(gain)):
        small.append(share)
    if gain["homes_missing"]:
        small.append(
            ngettext(
                "{n} home lacks a value before or after",
                "{n} homes lack a value before or after",
                gain["homes_missing"],
            )
        )
    if any(pair["by_proxy"] for pair in gain["homes"]):
        small.append(_("dashed: somebody answered for the resident"))
    if gain["owner"]:
        small.append(_("owner: {owner}").format(owner=gain["owner"]))
    if gain["payer"]:
        small.append(_("paid by: {payer}").format(payer=gain["payer"]))
    if not gain["planned"]:
        small.append(_("not planned, but seen"))
    st.caption("  \n".join(plain(line) for line in small))


def _direction(gain: Json) -> str:
    difference = gain["difference"]
    if not difference["n"]:
        return _("Not measured yet.")
    if difference["low"] is None or difference["high"] is None:
        return _("Cannot be told yet.")
    if difference["low"] <= 0 <= difference["high"]:
        return _("No clear change.")
    better = (difference["mean"] < 0) == (gain["better"] == "lower")
    if gain["uncertain"]:
        return _("Looks better, but is uncertain.") if better else _("Looks worse, but is uncertain.")
    return _("Better.") if better else _("Worse.")


def _picture(gain: Json) -> None:
    if not gain["homes"]:
        st.info(
            _(
                "No home has a value both before and after. Register the same thing in the same homes in two periods: "
                "visits in visits.csv, everything else in measures.csv."
            )
        )
        return
    words = _("A line a home from before to after, and the mean: {before} to {after}. {change}").format(
        before=number(gain["before_mean"], 1),
        after=number(gain["after_mean"], 1),
        change=difference_sentence(gain["difference"]),
    )
    place(f"gain-{gain['id']}", slopes.lines(gain), SLOPE_HEIGHT_PX, words)
    table.beside(
        f"gain-{gain['id']}",
        [{**pair, "change": pair["after"] - pair["before"]} for pair in gain["homes"]],
        [
            Column("home", _("Home")),
            Column("unit", _("Unit")),
            Column("before", _("Before"), "number", 1),
            Column("after", _("After"), "number", 1),
            Column("change", _("Change"), "number", 1),
        ],
    )


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


def visit_gain(report: Json) -> Json | None:
    """The gain that rests on the same registered visits as the net minutes, if the trial has one."""
    return next((gain for gain in report["gains"] if gain["indicator"] == "visit_minutes_per_week"), None)


def _basis(report: Json) -> str:
    net, currency, gain = report["net_minutes"], report["trial"]["currency"], visit_gain(report)
    parts = [_("Means of {homes}, with travel; no interval is computed.").format(homes=homes(net["homes"]))]
    if gain is not None and (share := registered(gain)):
        parts.append(_("Uncertain: {share}.").format(share=share) if gain["uncertain"] else f"{share}.")
    if net["hours_per_year"] is not None:
        year = _("{hours} hours a year for one home").format(hours=number(net["hours_per_year"], 1))
        if net["amount_per_year"] is not None:
            year += " (" + money(net["amount_per_year"], currency) + ")"
        parts.append(year + ".")
        parts.append(_("Time freed is not money saved until somebody decides what to do with it."))
    return " ".join(parts)
