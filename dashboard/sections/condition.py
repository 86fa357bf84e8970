"""How one device is now: its findings with what is behind them, and the figures that an installer asks for."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from dashboard import batteries, findings
from dashboard.client import Json
from dashboard.facts import fact, plain
from dashboard.language import (
    _,
    ago,
    day,
    moment,
    ngettext,
    number,
    parse_day,
    parse_moment,
    percent,
)
from dashboard.wording import device_status

SHOWN_AS = {"urgent": st.error, "visit": st.warning, "watch": st.warning, "none": st.info}


def headline(device: Json, now: datetime) -> None:
    """Each thing that is wrong stands on the page: what, since when, why, what to do, how soon; the worst first."""
    if not device["findings"]:
        st.success(_("**Online.** Heard as expected; nothing is to be done."), icon=":material/check:")
        return
    if device["behind"]:
        st.info(
            _("It is not alone: {whole} is silent as a whole. Look there first.").format(
                whole=plain(_whole(device["behind"]))
            ),
            icon=":material/router:",
        )
    for finding in device["findings"]:
        sign = findings.look(finding["kind"])[0]
        since = moment(parse_moment(finding["since"]), device["timezone"])
        words = " ".join(plain(sentence) for sentence in findings.sentences(finding["kind"], finding, now))
        SHOWN_AS[finding["severity"]](
            _("{sign} **{status}** since {moment}. {words} _{severity}._").format(
                sign=sign,
                status=device_status(finding["kind"]),
                moment=since,
                words=words,
                severity=findings.severity(finding["severity"]),
            )
        )


def facts(device: Json, now: datetime) -> None:
    """Last heard, rhythm, battery, radio, clock and losses stand on the page, each with what it rests on."""
    heard = findings.since(device["last_seen_at"], now)
    first, second, third = st.columns(3)
    with first:
        fact(
            _("Last heard"),
            _("never") if heard is None else ago(heard),
            moment(parse_moment(device["last_seen_at"]), device["timezone"])
            if device["last_seen_at"]
            else _("placed {day}").format(day=day(parse_day(device["placed_at"]))),
        )
        _connection(device)
    with second:
        _battery(device, now)
        _signal(device)
    with third:
        _clock(device)
        _losses(device)


def _whole(behind: str) -> str:
    kind, _space, code = behind.partition(" ")
    return {"gateway": _("gateway {code}"), "home": _("home {code}")}.get(kind, "{code}").format(code=code)


def _connection(device: Json) -> None:
    minutes = device["expected_interval_minutes"]
    words = {"online": _("reported as connected"), "offline": _("reported as lost")}
    fact(
        _("Expected"),
        findings.interval(device) if minutes is None else findings.every(minutes),
        " · ".join(
            part
            for part in (
                {"declared": _("as the registry says"), "learned": _("learned from its own messages")}.get(
                    device["interval_basis"], ""
                ),
                _("connection {state}").format(state=words[device["connection"]])
                if device["connection"] in words
                else "",
            )
            if part
        ),
    )


def _battery(device: Json, now: datetime) -> None:
    if device["power"] != "battery":
        fact(_("Battery"), _("none"), _("Runs on mains."))
        return
    aged = findings.since(device["battery_at"], now)
    forecast = device["battery_forecast"]
    notes = [] if aged is None else [_("measured {ago}").format(ago=ago(aged))]
    notes += [] if forecast is None else [batteries.due(forecast)]
    fact(_("Battery"), batteries.level(device["battery_pct"], device["battery_v"]), ". ".join(notes))


def _signal(device: Json) -> None:
    said = (
        findings.measured("rssi_dbm", device["signal_dbm"])
        if device["signal_dbm"] is not None
        else findings.measured("link_quality", device["link_quality"])
        if device["link_quality"] is not None
        else _("It says nothing of its radio.")
    )
    fact(_("Signal"), findings.signal(device["signal"]), said)


def _clock(device: Json) -> None:
    seconds = device["clock_offset_seconds"]
    fact(
        _("Its clock"),
        _("cannot say") if seconds is None else findings.offset(seconds),
        _("its messages bear no time, or do not agree")
        if seconds is None
        else _("against ours, by its last messages"),
    )


def _losses(device: Json) -> None:
    received = device["received_total"]
    late = _("no messages yet")
    if device["late_ratio"] is not None:
        late = _("{share} came late · {duplicates}").format(
            share=percent(device["late_ratio"]),
            duplicates=ngettext("{n} came twice", "{n} came twice", device["duplicates_total"]),
        )
    fact(
        _("Messages"),
        number(received),
        late
        + " · "
        + (
            ngettext("{n} never arrived", "{n} never arrived", device["lost_messages"])
            if device["lost_messages"]
            else _("none known to be lost")
        ),
    )
