"""Is it there for when it is needed? Coverage with what was worn or armed, the last proof of life, and alarms."""

from __future__ import annotations

import streamlit as st

from dashboard import live, table
from dashboard.charts import weeks as charts
from dashboard.charts.frame import legend, place
from dashboard.client import Json
from dashboard.facts import fact, plain
from dashboard.language import _, ago, day, moment, ngettext, number, parse_day, parse_moment
from dashboard.sections import explaining
from dashboard.table import Column
from dashboard.wording import (
    alarm_outcome,
    coverage_note,
    coverage_title,
    coverage_value,
    homes,
    share_interval,
    share_value,
)

ALARMS_HEIGHT_PX = 220
NAMED = 3


def covered(report: Json) -> None:
    """Coverage stands as one of the page's first figures."""
    told = report["coverage"]
    fact(coverage_title(told), coverage_value(told), coverage_note(told, report["data"]["homes"]))


def answered(report: Json) -> None:
    """What became of alarms stands as one of the page's first figures, those missed always with it."""
    told = report["alarms"]["all"]
    minutes = number(report["parameters"]["alarm_handled_within_minutes"], 1)
    if not told["handled_in_time"]["of"]:
        watched = homes(report["alarms"]["homes_watched"])
        note = _raised(told) if told["raised"] else _("no alarm was raised")
        fact(_("Alarms handled"), "–", f"{note} · {watched}")
        return
    fact(
        _("Alarms handled within {minutes} min").format(minutes=minutes),
        share_value(told["handled_in_time"]),
        _("{share} · {missed} not handled").format(
            share=share_interval(told["handled_in_time"]), missed=number(told["missed"]["count"])
        ),
    )


def coverage(report: Json) -> None:
    """How much of the time the technology was there to help, home by home, and when each was last heard."""
    told = report["coverage"]
    st.subheader(coverage_title(told), anchor=False)
    st.markdown(f"**{coverage_value(told)}** · {coverage_note(told, report['data']['homes'])}.")
    contacts = report["contacts"]
    heard = sorted(
        (each for each in contacts if each["last_heard_hours"] is not None),
        key=lambda each: -each["last_heard_hours"],
    )
    if heard:
        named = ", ".join(
            f"{plain(each['home'])} {ago(3600 * each['last_heard_hours'])}" for each in heard[:NAMED]
        )
        st.markdown(_("Longest without a sign of life: {homes}.").format(homes=named))
    zone = report["trial"]["timezone"]
    table.beside(
        "coverage",
        [
            {
                "home": each["home"],
                "unit": each["unit"],
                "covered_ratio": each["coverage"]["ratio"],
                "online_ratio": each["coverage"]["online_ratio"],
                "armed_ratio": each["coverage"]["armed_ratio"],
                "exposed_hours": each["coverage"]["exposed_minutes"] / 60,
                "last_heard_at": each["last_heard_at"],
                "last_heard": moment(parse_moment(each["last_heard_at"]), zone),
            }
            for each in contacts
        ],
        [
            Column("home", _("Home")),
            Column("unit", _("Unit")),
            Column("covered_ratio", _("Covered"), "ratio"),
            Column("online_ratio", _("In contact"), "ratio"),
            Column("armed_ratio", _("Worn or armed, where known"), "ratio"),
            Column("exposed_hours", _("Hours that count"), "number"),
            Column("last_heard", _("Last sign of life")),
        ],
    )
    explaining.beside("coverage", report)


def alarms(report: Json) -> None:
    """What became of the alarms: in words, week by week, and one by one for who asks."""
    figures = report["alarms"]
    if figures is None:
        return
    told = figures["all"]
    st.subheader(_("Alarms"), anchor=False)
    if not told["raised"]:
        st.markdown(
            _("No alarm was raised in {homes} that could have raised one.").format(
                homes=homes(figures["homes_watched"])
            )
            + _tests(told)
        )
        explaining.beside("alarms", report)
        return
    st.markdown(_sentence(report, figures))
    legend(charts.alarm_swatches())
    rows = charts.alarm_rows(figures["weeks"])
    last = rows[-1]
    words = _("Stacked columns, one a week. In the last week, from {day}: ").format(
        day=day(parse_day(last["starts_on"]))
    ) + ", ".join(f"{name} {number(last[field])}" for field, name, _colour in charts.alarm_bands())
    place("alarms", charts.alarms(figures["weeks"]), ALARMS_HEIGHT_PX, words)
    missed = [each for each in figures["homes"] if each["alarms"]["missed"]["count"]]
    if missed:
        named = ", ".join(
            f"{plain(each['home'])} ({number(each['alarms']['missed']['count'])})" for each in missed[:10]
        )
        st.caption(_("Not handled in: {homes}.").format(homes=named))
    table.beside(
        "alarms",
        rows,
        [
            Column("iso_week", _("Week")),
            Column("starts_on", _("Monday"), "day"),
            *(Column(field, name, "number") for field, name, _colour in charts.alarm_bands()),
            Column("raised", _("Alarms raised"), "number"),
        ],
    )
    explaining.beside("alarms", report)
    if st.toggle(_("See the alarms"), key="alarms:each"):
        _each(report)


def _sentence(report: Json, figures: Json) -> str:
    told = figures["all"]
    parts = [_raised(told) + " " + _("in {share} homes").format(share=share_value(_homes(figures)))]
    if told["handled_in_time"]["of"]:
        parts.append(
            _("**{share}** handled within {minutes} minutes, {interval}").format(
                share=share_value(told["handled_in_time"]),
                minutes=number(report["parameters"]["alarm_handled_within_minutes"], 1),
                interval=share_interval(told["handled_in_time"]),
            )
        )
    if told["median_minutes"] is not None:
        half = _("half of them within {minutes} minutes").format(minutes=number(told["median_minutes"], 1))
        if told["median_low_minutes"] is not None and told["median_high_minutes"] is not None:
            half += " " + _("(95% interval {low} to {high})").format(
                low=number(told["median_low_minutes"], 1), high=number(told["median_high_minutes"], 1)
            )
        parts.append(half)
    if told["handled_late"]:
        parts.append(_("{n} later").format(n=number(told["handled_late"])))
    missed = ngettext("**{n}** was not handled", "**{n}** were not handled", told["missed"]["count"])
    if told["missed"]["of"]:
        missed += ": " + share_interval(told["missed"])
    parts.append(missed)
    if told["unknown"]:
        parts.append(
            ngettext(
                "{n} unknown: its handling may have been lost",
                "{n} unknown: their handling may have been lost",
                told["unknown"],
            )
        )
    if told["to_come"]:
        parts.append(_("{n} still open").format(n=number(told["to_come"])))
    return " · ".join(parts) + "." + _tests(told)


def _raised(told: Json) -> str:
    return ngettext("{n} alarm", "{n} alarms", told["raised"])


def _homes(figures: Json) -> Json:
    return {"count": figures["all"]["homes"], "of": figures["homes_watched"]}


def _tests(told: Json) -> str:
    if not told["tests"]:
        return ""
    return " " + ngettext(
        "{n} test, or alarm by staff, is not counted.",
        "{n} tests, or alarms by staff, are not counted.",
        told["tests"],
    )


def _each(report: Json) -> None:
    """Every alarm on a line of its own, the newest first."""
    zone = report["trial"]["timezone"]
    found = live.alarms(report["trial"]["id"])
    rows = [
        {
            **each,
            "raised": moment(parse_moment(each["raised_at"]), zone),
            "handled": moment(parse_moment(each["handled_at"]), zone),
            "outcome_words": alarm_outcome(each["outcome"]),
        }
        for each in found
    ]
    table.show(
        "alarms-each",
        rows,
        [
            Column("raised", _("Raised")),
            Column("home", _("Home")),
            Column("outcome_words", _("What became of it")),
            Column("minutes", _("Minutes"), "number", 1),
            Column("handled", _("Handled")),
            Column("device", _("Device")),
        ],
    )
    table.download("alarms-each", lambda: found)
