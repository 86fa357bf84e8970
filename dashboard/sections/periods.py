"""Is it getting better? The last four complete weeks against the four before."""

from __future__ import annotations

import streamlit as st

from dashboard.client import Json
from dashboard.facts import fact
from dashboard.language import _, day, number, parse_day, signed
from dashboard.sections import explaining
from dashboard.wording import (
    coverage_note,
    coverage_title,
    coverage_value,
    homes,
    rate_note,
    rate_value,
    share_interval,
    share_value,
)


def show(report: Json) -> None:
    """Both periods stand side by side with n and bounds, and in plain words whether chance alone could do the difference."""
    st.header(_("Is it getting better?"), anchor=False)
    found = report["periods"]["comparison"]
    if found is None:
        st.markdown(_("There are not eight complete weeks yet to compare."))
        return
    st.markdown(sentence(found))
    for period, column in zip((found["before"], found["after"]), st.columns(2), strict=True):
        with column:
            _period(period, found["measure"])
    if found["unknown_could_explain"] and found["difference"]["n"]:
        st.caption(
            _(
                "The bounds overlap: the time of which nobody knows whether it was worn or armed could alone make the whole "
                "difference."
            )
            if found["measure"] == "coverage"
            else _(
                "The bounds overlap: the unknown days alone could make the whole difference between the two rates."
            )
        )
    _due(report["periods"]["participation"])
    explaining.beside(
        "periods",
        report,
        lines=[
            *_of_coverage(found),
            _(
                "The last four complete weeks, Monday to Sunday, against the four before. Each home counts once in the "
                "difference, with its own days in both periods; homes with observed days in only one, and each home’s "
                "first {days} days, are left out."
            ).format(days=number(report["parameters"]["ramp_in_days"])),
            _(
                "The interval is Student’s t over homes; under five homes there is none. Where it leaves out zero, "
                "chance between homes alone would seldom make such a difference. It does not say what made it."
            ),
        ],
    )


def _of_coverage(found: Json) -> list[str]:
    """What a technology that stands by is compared by."""
    if found["measure"] != "coverage":
        return []
    if not found["after"]["coverage"]["armed_known"]:
        return [_("Compared is the time in contact: no device has said whether it is worn or armed.")]
    return [
        _(
            "Compared is the time in which a device was worn or armed, and in contact. A home whose device has not said so for "
            "too much of a period is in no difference; a device that cannot say it counts by its time in contact."
        )
    ]


def _due(found: Json | None) -> None:
    """What was done in time, in both periods and as a difference: a measure of its own where something is due."""
    if found is None:
        return
    before, after = found["before"]["done"], found["after"]["done"]
    st.markdown(
        _("Done in time: {before} before, {after} in the last four weeks.").format(
            before=share_interval(before), after=share_interval(after)
        )
        + " "
        + sentence(found)
    )


def _period(period: Json, measure: str) -> None:
    label = _("{first} to {last}").format(
        first=day(parse_day(period["first_day"])), last=day(parse_day(period["last_day"]))
    )
    rate, active = period["use_day_rate"], period["active"]
    if measure == "coverage":
        told = period["coverage"]
        fact(
            f"{label} · {coverage_title(told)}",
            coverage_value(told),
            coverage_note(told, rate["homes"]),
        )
        return
    fact(
        label,
        rate_value(rate),
        _("of days in use · {note}").format(note=rate_note(rate))
        + " · "
        + _("used in {share} observed homes: {interval}").format(
            share=share_value(active), interval=share_interval(active)
        ),
    )


def sentence(found: Json) -> str:
    """Whether the difference is more than chance between homes could do."""
    difference = found["difference"]
    n = homes(difference["n"])
    if not difference["n"]:
        return _("No home has observed days in both periods, so nothing can be compared.")
    change = signed(100 * difference["mean"], 0)
    if found["verdict"] == "too_few_homes":
        return _(
            "Changed by {change} percentage points in {homes}: too few homes to tell it from chance."
        ).format(change=change, homes=n)
    told = {
        "more": _("**More than before.**"),
        "less": _("**Less than before.**"),
        "no_clear_change": _("**No clear change.**"),
    }[found["verdict"]]
    interval = _("{low} to {high}").format(
        low=signed(100 * difference["low"], 0), high=signed(100 * difference["high"], 0)
    )
    why = (
        _("chance between homes alone could do that")
        if found["verdict"] == "no_clear_change"
        else _("more than chance between homes alone would do")
    )
    return f"{told} " + _("{change} percentage points in {homes} (95% interval {interval}): {why}.").format(
        change=change, homes=n, interval=interval, why=why
    )
