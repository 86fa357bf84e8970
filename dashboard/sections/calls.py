"""Needs a call: homes whose use fell or stopped, with the evidence, and what a coordinator does about it right there."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboard import live
from dashboard.address import href
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.figure_words import concern, concern_evidence
from dashboard.language import _, ago, day, ngettext, number, parse_day, parse_moment, percent
from dashboard.palette import BAD, CAREFUL, FAINT, INK
from dashboard.registry_words import who
from dashboard.sections import doing, explaining
from dashboard.wording import device_status

SIGNS = {"stopped": "■", "fell": "▼", "not_started": "□"}
"""The sign alone is enough, without its colour."""
DEVICE_SIGN = "?"
CALLS_AT_ONCE = 6
DEVICES_AT_ONCE = 6


def show(report: Json) -> None:
    """Homes to call stand on top of the page; so do those of which nobody can tell before a device was looked at."""
    st.header(_("Needs a call"), anchor=False)
    found = live.calls(report["trial"]["id"])
    doing.say_last()
    calls: list[Json] = found["calls"]
    if report["trial"]["usage_class"] == "standby":
        st.markdown(
            _(
                "Nobody by its use: this stands by, and not pressing it is no sign of anything. "
                "A home out of contact is the installer’s."
            )
        )
    elif not calls:
        st.markdown(
            _("No home’s use fell or stopped, as far as the days up to {day} tell.").format(
                day=day(parse_day(found["until"]))
            )
        )
    else:
        st.markdown(
            ngettext(
                "**{n} home**: its use fell or stopped, and its device was heard all the while.",
                "**{n} homes**: their use fell or stopped, and their devices were heard all the while.",
                len(calls),
            )
            + " "
            + _("Counted are whole days up to {day}.").format(day=day(parse_day(found["until"])))
        )
    for call in calls[:CALLS_AT_ONCE]:
        _card(report, call)
    if len(calls) > CALLS_AT_ONCE:
        with st.expander(_("{n} more").format(n=number(len(calls) - CALLS_AT_ONCE)), key="calls:more"):
            st.markdown("\n".join(f"- {_line(call['concern'])}" for call in calls[CALLS_AT_ONCE:]))
            st.caption(_("Choose a home below, under “By whom?”, to enter what was done."))
    _snoozed(report, found["snoozed"])
    _device_first(found["device_first"])
    if report["trial"]["usage_class"] != "standby":
        _how(report, found["limits"])


def _how(report: Json, limits: Json) -> None:
    explaining.beside(
        "calls",
        report,
        lines=[
            _(
                "Stopped: no use on as many observed days as would usually have held {missed} days of use, at least "
                "{least} and at most {most}. Usual is the use on the {usual} observed days before."
            ).format(
                missed=number(limits["stopped_missed_use_days"]),
                least=number(limits["stopped_observed_days"]),
                most=number(report["parameters"]["abandonment_days"]),
                usual=number(limits["usual_observed_days"]),
            ),
            _(
                "Uses it less: used on at most {share} of the usual days in the last {recent} observed ones, and so few that "
                "chance alone would bring them in less than {chance} of such periods."
            ).format(
                share=percent(limits["fell_to_ratio"]),
                recent=number(limits["recent_observed_days"]),
                chance=percent(limits["chance_at_most"]),
            ),
            _(
                "Unknown and paused days are passed over: they never make a call. A home whose device is at fault, or was not "
                "observed for more than {days} days, is never a call. These limits are Nyttig’s own proposal."
            ).format(days=number(limits["unknown_days_allowed"])),
        ],
    )


def _card(report: Json, call: Json) -> None:
    told = call["concern"]
    with st.container(border=True, key=f"call-{told['home']}"):
        colour = BAD if told["kind"] == "stopped" else CAREFUL
        st.markdown(
            f'<div style="overflow-wrap:anywhere;color:{INK};padding-bottom:.4rem">'
            f'<span aria-hidden="true" style="color:{colour}">'
            f"{SIGNS[told['kind']]}</span> <b>{escape(told['home'])}</b> · {escape(told['unit'])} "
            f'<span style="color:{colour};font-weight:600">{escape(concern(told))}</span>'
            f"<div>{escape(concern_evidence(told))}</div>{_note(call['note'])}</div>",
            unsafe_allow_html=True,
        )
        doing.offer(report, told["home"], place="call")


def _note(note: Json | None) -> str:
    if note is None:
        return ""
    at = parse_moment(note["noted_at"])
    name = escape(_("Note"))
    age = "" if at is None else ago((live.now() - at).total_seconds())
    return (
        f'<div style="color:{FAINT};font-size:.9rem">{name}: {escape(note["text"])} '
        f"({escape(who(note['noted_by']))}, {escape(age)})</div>"
    )


def _line(told: Json) -> str:
    return f"**{plain(told['home'])}** · {plain(concern(told))}: {plain(concern_evidence(told))}"


def _snoozed(report: Json, snoozed: list[Json]) -> None:
    if not snoozed:
        return
    with st.expander(
        _("Put off by a note ({n})").format(n=number(len(snoozed))),
        icon=":material/snooze:",
        key="calls:snoozed",
    ):
        for call in snoozed:
            told = call["concern"]
            st.markdown(
                f"{_line(told)}  \n"
                + plain(
                    _("Until {day}: {note}").format(
                        day=day(parse_day(call["snoozed_until"])), note=(call["note"] or {}).get("text", "")
                    )
                )
            )
            doing.take_back_notes(report, told["home"], place="snoozed")


def _device_first(found: list[Json]) -> None:
    """Homes for the installer: they are no calls, and that is said here."""
    if not found:
        return
    lines = [_device_line(one) for one in found]
    with st.container(border=True, key="device-first"):
        st.markdown(
            f'<div style="color:{INK};padding-bottom:.6rem"><b>'
            + escape(
                ngettext(
                    "{n} home is the installer’s, not a call",
                    "{n} homes are the installer’s, not a call",
                    len(found),
                )
            )
            + "</b>: "
            + escape(_("nobody can tell of their use before somebody has looked at the device."))
            + "".join(lines[:DEVICES_AT_ONCE])
            + "</div>",
            unsafe_allow_html=True,
        )
        if lines[DEVICES_AT_ONCE:]:
            with st.expander(
                _("{n} more").format(n=number(len(lines) - DEVICES_AT_ONCE)), key="devices:more"
            ):
                st.markdown("".join(lines[DEVICES_AT_ONCE:]), unsafe_allow_html=True)


def device_words(one: Json) -> str:
    """What is wrong with a home's device, in words."""
    if one["statuses"]:
        return ", ".join(device_status(status) for status in one["statuses"])
    return ngettext("not observed for {n} day", "not observed for {n} days", one["unknown_days"])


def _device_line(one: Json) -> str:
    page = href("work", site=one["home"]) if one["statuses"] else href("devices", find=one["home"])
    link = _("work list") if one["statuses"] else _("devices")
    told = one["concern"]
    more = (
        ""
        if told is None
        else " "
        + _("Before that: {what}. {evidence}").format(
            what=concern(told).lower(), evidence=concern_evidence(told)
        )
    )
    return (
        f'<div style="padding-top:.3rem;overflow-wrap:anywhere"><span aria-hidden="true">{DEVICE_SIGN}</span> '
        f"<b>{escape(one['home'])}</b> · {escape(one['unit'])}: {escape(device_words(one))} – "
        f'<a href="{escape(page)}" target="_self">{escape(link)}</a>'
        f'<span style="color:{FAINT};font-size:.9rem">{escape(more)}</span></div>'
    )
