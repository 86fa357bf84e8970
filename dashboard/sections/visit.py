"""One home of the work list: what to do there, what to bring, and the press that says it is done or put off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import partial
from html import escape
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import findings, live, registry
from dashboard.address import href
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.language import _, current, day, lasting, ngettext, sentence, titled
from dashboard.palette import FAINT, INK
from dashboard.registry_words import dialect
from dashboard.wording import device_status

NOTE_CHARACTERS_MAX = 500
PUT_OFF_DAYS = 7
PUT_OFF_HOUR = 6
"""What is put off until a day is on the list again when that day's work begins."""
LAST = "work:last"


def card(visit: Json, now: datetime, *, alone: bool) -> None:
    """The home stands on the page with its tasks, the worst first, ready to be marked; `alone` with how soon."""
    tasks: list[Json] = visit["tasks"]
    with st.container(border=True, key=f"visit-{visit['site']}"):
        carried = findings.bring(visit["bring"], findings.technology_titles(tasks))
        link = (
            f'<a href="{escape(href("work", site=visit["site"]))}" target="_self" style="font-weight:600">'
            f"{escape(visit['site'])}</a>"
        )
        bring = _("Bring")
        seconds = findings.since(visit["since"], now)
        lasted = "" if seconds is None else lasting(seconds)
        soon = f"{findings.severity(visit['severity'])} · {lasted}" if alone else lasted
        st.markdown(
            f'<div style="overflow-wrap:anywhere;padding-bottom:.6rem;color:{INK}"><div>{link} · {escape(visit["unit"])} '
            f'<span style="color:{FAINT}">· {escape(soon)}</span></div>'
            + "".join(_task(task, now) for task in tasks)
            + (
                f'<div style="padding-top:.35rem"><b>{escape(bring)}:</b> {escape(carried)}</div>'
                if carried
                else ""
            )
            + "</div>",
            unsafe_allow_html=True,
        )
        _marking(visit["site"], visit["site"], tasks)


def gateway(found: Json, now: datetime) -> None:
    """A gateway that serves several homes and is silent: one thing to do, wherever it stands."""
    task = found["task"]
    spoken, _space, address = task["subject"].partition(" ")
    with st.container(border=True, key=f"visit-gateway-{task['subject']}"):
        st.markdown(
            _("✕ **Gateway {gateway}** ({dialect}), silent{since}. {severity}.").format(
                gateway=plain(address),
                dialect=dialect(spoken),
                severity=findings.severity(task["severity"]),
                since=_for(task["since"], now),
            )
        )
        st.markdown(
            _("{devices} in {homes}. {remedy}").format(
                devices=sentence(ngettext("{n} device silent", "all {n} devices silent", task["devices"])),
                homes=plain(", ".join(found["sites"])),
                remedy=findings.remedy(task["remedy"]),
            )
        )
        _marking(task["subject"], None, [task])


def say_last(hidden: list[Json]) -> None:
    """What this reader last entered stands on the page, with the press that takes it back."""
    name = st.session_state.get(LAST)
    if name is None:
        return
    registry.say_refusal(name)
    entered = registry.answer_of(name)
    if entered is None:
        return
    st.success(entered["said"], icon=":material/check_circle:")
    mine = [one for one in hidden if _key(one["task"]) in entered["tasks"]]
    if mine and st.button(_("Undo"), icon=":material/undo:", key=f"undo:{name}:{registry.turn(name)}"):
        press(name, partial(put_back, mine))


def press(name: str, change: Callable[[], Json]) -> None:
    """The change is made, and what became of it stands on top of the page when it is drawn anew."""
    st.session_state[LAST] = name
    registry.press(name, change)


def put_back(hidden: list[Json]) -> Json:
    """These tasks are on the list again: put off until a moment that is past."""
    for one in hidden:
        live.client().mark_work([one["task"]], "postponed", one["mark"]["marked_at"], None)
    live.forget_work()
    return {"said": _("It is on the list again."), "tasks": []}


def mark(tasks: list[Json], action: str, until: datetime | None, note: str, said: str) -> Json:
    """The tasks are done, or postponed until then; what to say about it."""
    live.client().mark_work(tasks, action, None if until is None else until.isoformat(), note or None)
    live.forget_work()
    return {"said": said, "tasks": [_key(task) for task in tasks]}


def _key(task: Json) -> tuple[str, str, str]:
    return task["subject_kind"], task["subject"], task["finding"]


def _for(since: str, now: datetime) -> str:
    seconds = findings.since(since, now)
    return "" if seconds is None else _(" for {time}").format(time=lasting(seconds))


def _task(task: Json, now: datetime) -> str:
    sign, colour = findings.look(task["finding"])
    if task["subject_kind"] == "device":
        title = escape(titled(task["technology_titles"], task["technology"] or ""))
        address = escape(href("devices", device=task["subject"]))
        name = f'{title} <a href="{address}" target="_self" style="font-size:.85rem">{escape(task["subject"])}</a>'
        words = " ".join(findings.sentences(task["finding"], task, now))
        status = device_status(task["finding"])
        if task["finding"] == "battery_low" and task["severity"] == "watch":
            status = _("Battery soon low")
    else:
        name = escape(
            _("The whole home")
            if task["subject_kind"] == "home"
            else _("Gateway {gateway}").format(gateway=task["subject"].partition(" ")[2])
        )
        silent = ngettext("{n} device silent", "all {n} devices silent", task["devices"])
        words = f"{sentence(silent)}. {findings.remedy(task['remedy'])}"
        status = device_status("silent")
    return (
        f'<div style="display:flex;gap:.6rem;padding-top:.4rem"><div aria-hidden="true" style="color:{colour};width:1.1rem;'
        f'flex:none;text-align:center">{sign}</div><div style="min-width:0"><div>{name} <span style="color:{colour};'
        f'font-weight:600">{escape(status + _for(task["since"], now))}</span></div>'
        f'<div style="font-size:.9rem">{escape(words)}</div></div></div>'
    )


def _title(task: Json) -> str:
    status = device_status(task["finding"])
    return status if task["subject_kind"] == "home" else f"{task['subject']} · {status}"


def _marking(name: str, site: str | None, tasks: list[Json]) -> None:
    pressed = f"work:{name}"
    key = f"{pressed}:{registry.turn(pressed)}"
    with (
        st.expander(_("Done, or not now?"), icon=":material/task_alt:", key=f"{key}:open"),
        st.form(f"{key}:form", border=False, enter_to_submit=False),
    ):
        chosen = tasks
        if len(tasks) > 1:
            chosen = [
                task
                for task in tasks
                if st.checkbox(plain(_title(task)), value=True, key=f"{key}:{':'.join(_key(task))}")
            ]
        note = st.text_area(
            _("Note (what was done, or what stood in the way; never a person’s name)"),
            max_chars=NOTE_CHARACTERS_MAX,
            height=80,
            key=f"{key}:note",
        ).strip()
        done = st.form_submit_button(_("Done"), type="primary", icon=":material/check:", key=f"{key}:done")
        zone = ZoneInfo(registry.zone_of(site) or "UTC")
        today = datetime.now(zone).date()
        until = st.date_input(
            _("Not before"),
            value=today + timedelta(days=PUT_OFF_DAYS),
            min_value=today + timedelta(days=1),
            format="DD/MM/YYYY" if current().code == "en" else "DD.MM.YYYY",
            key=f"{key}:until",
        )
        put_off = st.form_submit_button(_("Put it off"), icon=":material/event:", key=f"{key}:put-off")
    if not (done or put_off):
        return
    if not chosen:
        st.session_state[LAST] = pressed
        registry.refuse(pressed, _("tick what it is about first."))
    _press(pressed, chosen, note, name, until if put_off else None, zone)


def _press(pressed: str, tasks: list[Json], note: str, name: str, until: date | None, zone: ZoneInfo) -> None:
    if until is None:
        said = _("{name}: entered as done.").format(name=plain(name))
        press(pressed, partial(mark, tasks, "done", None, note, said))
        return
    said = _("{name}: put off until {day}.").format(name=plain(name), day=day(until))
    at = datetime.combine(until, time(PUT_OFF_HOUR), zone)
    press(pressed, partial(mark, tasks, "postponed", at, note, said))
