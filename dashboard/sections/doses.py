"""Doses in the safety of homes: what was missed lately, and what a coordinator does about it."""

from __future__ import annotations

import streamlit as st

from dashboard import live
from dashboard.address import href
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.figure_words import concern
from dashboard.language import _, number, within
from dashboard.wording import device_status, share_interval, share_value


def facts(told: Json) -> None:
    """What became of the doses of all homes in the last days."""
    doses = told["doses"]
    if doses is None:
        return
    days, unknown = number(told["dose_days"]), number(doses["unknown"])
    if not doses["done"]["of"]:
        st.caption(
            _(
                "Of no dose of the last {days} days is it known what became of it. Unknown: {unknown}; that is never missed."
            ).format(days=days, unknown=unknown)
        )
        return
    st.markdown(
        _(
            "Doses of the last {days} days, taken in time: **{share}**, {interval}. Late: {late}. Missed: {missed}. "
            "Unknown: {unknown}; that is never missed."
        ).format(
            days=days,
            share=share_value(doses["done"]),
            interval=share_interval(doses["done"]),
            late=number(doses["late"]),
            missed=number(doses["missed"]),
            unknown=unknown,
        )
    )


def device_first(told: Json) -> None:
    """Homes in which doses seem to be missed while their device has a fault: for the installer, and not due here."""
    homes = [
        f"{home['home']} ({', '.join(device_status(each) for each in home['device_first'])})"
        for home in told["homes"]
        if home["device_first"]
    ]
    if homes:
        work = _("Work list")
        st.caption(
            _("Doses seem to be missed, but the device has a fault and comes first: {homes}.").format(
                homes=plain(", ".join(homes))
            )
            + f" [{work}]({href('work')})"
        )


def ask(trial: str, home: str) -> str:
    """What to do about doses that were missed; with the way to the call that the home needs anyhow, if it does."""
    told = _(
        "Ask the home, or its home care, why, and whether the medicine was taken in some other way. Then enter what you found "
        "as an assessment: does the dispenser still suit?"
    )
    call = next((each for each in live.calls(trial)["calls"] if each["concern"]["home"] == home), None)
    if call is None:
        return told
    page = f"[{_('Needs a call')}]({href('trial', trial=trial)})"
    return (
        told
        + " "
        + _("The home also stands under {page} ({why}); one call does for both.").format(
            page=page, why=within(concern(call["concern"]))
        )
    )


def words(doses: Json) -> str:
    """What became of a home's doses, with how many that is known of."""
    return _("{missed} of {of} missed, {unknown} unknown").format(
        missed=number(doses["missed"]), of=number(doses["done"]["of"]), unknown=number(doses["unknown"])
    )
