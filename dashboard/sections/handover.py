"""The hand-over to the line: its checklist, and whether it is still used half a year after the last support."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboard import live
from dashboard.client import Json
from dashboard.entry_words import empty, label
from dashboard.facts import fact, plain
from dashboard.language import _, day, number, parse_day
from dashboard.palette import FAINT, GOOD, INK
from dashboard.sections import entry_form, entry_list
from dashboard.wording import rate_note, rate_value, share_interval, share_value

PLACE = "life"


def checklist(life: Json) -> None:
    """Who takes it on, what is settled and what is left, with ticks to set."""
    trial, told = life["trial"]["id"], life["handover"]
    if told is None:
        st.caption(empty("handover"))
        entry_form.offer("handover", trial, place=PLACE, title=_("Name who takes it on"))
        return
    said = told["handover"]
    ticks = "".join(
        _tick(label("handover", name), name in told["done"]) for name in (*told["done"], *told["left"])
    )
    handed = parse_day(said["handed_over_on"])
    when = (
        _("Handed over on {day}.").format(day=day(handed))
        if handed
        else _("The day of the hand-over is not set yet.")
    )
    done = _("{done} of {all} points are settled.").format(
        done=number(len(told["done"])), all=number(len(told["done"]) + len(told["left"]))
    )
    owner = _("Line owner: {role}.").format(role=said["line_owner"])
    st.html(
        f'<div style="color:{INK};overflow-wrap:anywhere"><b>{escape(owner)}</b> {escape(when)} {escape(done)}'
        f'<ul style="list-style:none;padding:0;margin:.4rem 0;line-height:1.6">{ticks}</ul></div>'
    )
    if said["note"]:
        st.markdown(plain(_("Left to do: {note}").format(note=said["note"])))
    entry = next((each for each in live.entries(trial, "handover") if each["entry"] == told["entry"]), None)
    if entry is not None:
        entry_form.offer(
            "handover", trial, place=PLACE, entry=entry, title=_("Tick what is settled, or change it")
        )


def _tick(point: str, settled: bool) -> str:
    colour, mark = (GOOD, "✓") if settled else (FAINT, "○")
    words = _("settled") if settled else _("left to do")
    return (
        f'<li><span style="color:{colour};font-weight:700" aria-hidden="true">{mark}</span> {escape(point)}'
        f'<span style="color:{FAINT}"> · {escape(words)}</span></li>'
    )


def maintenance(life: Json) -> None:
    """Whether it is still used six months after the project last helped, or when that is due."""
    told, trial = life["maintenance"], life["trial"]
    st.subheader(_("Half a year later"), anchor=False)
    due, last = day(parse_day(told["due_on"])), day(parse_day(told["last_support_on"]))
    st.markdown(
        plain(
            {
                "no_day": _(
                    "Enter at the hand-over on which day the project helped for the last time. Six months after it the same "
                    "figures are counted again."
                ),
                "ahead": _(
                    "Measured again in the 30 days from {due}: six months after the last support on {last}."
                ),
                "under_way": _(
                    "Being measured in the 30 days from {due}, six months after the last support on {last}."
                ),
                "measured": _(
                    "Measured in the 30 days from {due}, six months after the last support on {last}."
                ),
                "trial_over": _(
                    "It was due in the 30 days from {due}, but the trial ends before they are over and counts nothing after "
                    "its last day. Move the last day in the trial’s folder to measure it."
                ),
            }[told["state"]].format(due=due, last=last)
        )
    )
    for title, window in (
        (_("The last 30 days with support"), told["before"]),
        (_("The 30 days half a year later"), told["now"]),
    ):
        if window is not None:
            _window(title, window)
    if told["now"] is not None and trial["usage_class"] == "standby":
        st.caption(
            _("What stands by is seldom pressed: days of use say little of it. Look at its contact, too.")
        )


def entered(life: Json) -> None:
    """Everything that was entered about the hand-over, to take back or look into its past."""
    trial = life["trial"]["id"]
    title = _("All that was entered about the hand-over")
    found = live.entries(trial, "handover")
    entry_list.folded(title, ":material/history:", "handover", trial, found, place=f"{PLACE}:all")


def _window(title: str, window: Json) -> None:
    span = _("{first} to {last}").format(
        first=day(parse_day(window["first_day"])), last=day(parse_day(window["last_day"]))
    )
    st.markdown(f"**{plain(title)}** · {plain(span)}")
    rate, active, steady = st.columns(3)
    with rate:
        fact(_("Days in use"), rate_value(window["use_day_rate"]), rate_note(window["use_day_rate"]))
    with active:
        fact(
            _("Homes in use, of those observed"),
            share_value(window["active"]),
            share_interval(window["active"]),
        )
    with steady:
        fact(_("Homes that use it steadily"), share_value(window["steady"]), share_interval(window["steady"]))
