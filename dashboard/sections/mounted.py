"""The end of commissioning: the registry knows where the device stands, and what is left to check is said."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboard import findings, live, registry
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.language import _, lasting, moment, ngettext, parse_moment, within
from dashboard.sections import answering
from dashboard.sections.answering import Listening
from dashboard.wording import device_status

PRESSED = "commissioning"
NOTE_CHARACTERS_MAX = 500


@live.refreshed(registry.EVERY_SECONDS)
def finish() -> None:
    """Finishing can be pressed: plainly once the device has answered, and all the same before."""
    listening = answering.current()
    if listening is None:
        return
    code = listening.device["device"]
    tasks = _tasks(listening)
    key = f"{PRESSED}:{code}:{registry.turn(PRESSED)}"
    note = ""
    if tasks:
        st.markdown(
            _("Finishing also marks as done: {tasks}.").format(
                tasks=", ".join(within(device_status(task["finding"])) for task in tasks)
            )
        )
        note = st.text_input(
            _("Note (what was done; never a person’s name)"), max_chars=NOTE_CHARACTERS_MAX, key=f"{key}:note"
        ).strip()
    registry.say_refusal(PRESSED)
    pressed = (
        st.button(_("Finish"), type="primary", icon=":material/check:", width="stretch", key=f"{key}:finish")
        if listening.answered
        else st.button(_("Finish without an answer"), width="stretch", key=f"{key}:unheard")
    )
    if pressed:
        registry.press(PRESSED, partial(_enter, listening, tasks, note))
    if st.button(_("Stop listening"), width="stretch", key=f"{key}:stop"):
        answering.stop()
        st.rerun()


def is_finished(code: str) -> bool:
    """Whether this device is the one that this reader finished last."""
    done = registry.answer_of(PRESSED)
    return done is not None and done["device"] == code


@live.refreshed(registry.EVERY_SECONDS)
def say_what_is_left() -> None:
    """What was entered, by whom and when, and what is left to check, stand on the page after finishing."""
    done = registry.answer_of(PRESSED)
    if done is None or answering.is_listening() or done["device"] != st.query_params.get("device"):
        return
    code = done["device"]
    st.success(_entered(done), icon=":material/task_alt:")
    st.subheader(_("Left to check"), anchor=False)
    st.markdown("\n".join(f"- {line}" for line in _left(done)))
    with st.container(horizontal=True):
        st.page_link(
            "views/devices.py", label=_("Its page"), icon=":material/sensors:", query_params={"device": code}
        )
        st.page_link(
            "views/work.py",
            label=_("Work in this home"),
            icon=":material/checklist:",
            query_params={"site": done["site"]},
        )
    if st.button(_("Listen again"), icon=":material/sensors:"):
        registry.forget(PRESSED)
        st.rerun()


def _tasks(listening: Listening) -> list[Json]:
    """What the work list holds against the device itself, and its answer may settle."""
    if listening.device["home"] != listening.site:
        return []
    return [
        task
        for visit in live.work()["visits"]
        for task in visit["tasks"]
        if (task["subject_kind"], task["subject"]) == ("device", listening.device["device"])
        and task["finding"] in ("silent", "never_seen", "connection_lost", "late", "unknown")
    ]


def _enter(listening: Listening, tasks: list[Json], note: str) -> Json:
    """The device stands at the home from when it was listened to, and what was held against it is done."""
    device, site = listening.device, listening.site
    client = live.client()
    if device["home"] is None:
        client.change_device(device["device"], "placements", {"home": site, "placed_at": listening.since})
    elif device["home"] != site:
        client.change_device(device["device"], "move", {"home": site, "at": listening.since})
    if tasks:
        client.mark_work(tasks, "done", None, note or None)
    live.forget_work()
    answering.stop()
    return {
        "device": device["device"],
        "site": site,
        "placed": device["home"] != site,
        "marked": len(tasks),
        "minutes": device["heartbeat_minutes"],
        "roles": device["roles"],
        "power": device["power"],
        "answer": listening.answer,
    }


def _entered(done: Json) -> str:
    """Who entered what, and when, as the registry's history has it."""
    device, home = plain(done["device"]), plain(done["site"])
    if done["placed"]:
        newest = registry.history("devices", done["device"], 1)
        text = _("**{device}** stands at {home}.").format(device=device, home=home)
        if newest:
            text += " " + _("Entered by {by}, {moment}.").format(
                by=plain(newest[0]["changed_by"]),
                moment=moment(parse_moment(newest[0]["changed_at"]), registry.zone_of(done["site"])),
            )
        return text
    text = _("**{device}** stood at {home} already.").format(device=device, home=home)
    if done["marked"]:
        text += " " + ngettext(
            "{n} task of the work list is done.", "{n} tasks of the work list are done.", done["marked"]
        )
    return text


def _left(done: Json) -> list[str]:
    """What cannot be known yet, or is not as it should be."""
    answer, lines = done["answer"] or {}, []
    if not answer.get("answered"):
        lines.append(_("It has not answered. It comes onto the work list by itself if it stays silent."))
    else:
        signal = answer["signal"]
        if signal != "good":
            lines.append(
                _("Signal {word}: {advice}.").format(
                    word=findings.signal(signal), advice=answering.signal_advice(signal)
                )
            )
        if answer["battery_low"]:
            lines.append(_("Its battery is low: replace it now."))
        elif done["power"] == "battery" and answer["battery_pct"] is None and answer["battery_v"] is None:
            lines.append(_("Its battery level was not said yet; look at its page tomorrow."))
    if not done["roles"]:
        lines.append(_("It belongs to no trial, so nothing it says counts anywhere yet."))
    lines.append(
        _(
            "It should be heard again within {interval}. If it is not, it comes onto the list by itself."
        ).format(interval=lasting(60 * done["minutes"]))
    )
    others = [
        task
        for visit in live.work()["visits"]
        if visit["site"] == done["site"]
        for task in visit["tasks"]
        if task["subject"] != done["device"]
    ]
    if others:
        lines.append(
            ngettext(
                "While you are here: {n} other thing is on the work list for this home.",
                "While you are here: {n} other things are on the work list for this home.",
                len(others),
            )
        )
    return lines
