"""What a coordinator does about a home: a note, a pause, or its end; each is entered once and can be taken back."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import live, registry
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.language import _, current, day, moment, parse_day, parse_moment
from dashboard.registry_words import who
from dashboard.wording import end_reason

LAST = "doing:last"
NOTE_CHARACTERS_MAX = 500
SNOOZE_DAYS = 7
NOTE, PAUSE, END = "notes", "pauses", "end"
REASONS = (
    "stopped_using",
    "unsuitable",
    "moved",
    "nursing_home",
    "deceased",
    "withdrew_consent",
    "completed",
    "other",
)


def say_last() -> None:
    """What this reader last entered about a home stands on the page, with the press that takes it back."""
    name = st.session_state.get(LAST)
    if name is None:
        return
    registry.say_refusal(name)
    entered = registry.answer_of(name)
    if entered is None:
        return
    st.success(entered["said"], icon=":material/check_circle:")
    undo = entered["undo"]
    if undo is not None and st.button(
        _("Undo"), icon=":material/undo:", key=f"undo:{name}:{registry.turn(name)}"
    ):
        _press(name, partial(_take_back, *undo))


def offer(report: Json, home: str, *, place: str) -> None:
    """What was done about the home can be entered right here; `place` tells two of these on a page apart."""
    pressed = f"doing:{place}:{report['trial']['id']}:{home}"

    @live.apart
    def unfold() -> None:
        key = f"{pressed}:{registry.turn(pressed)}"
        box = st.expander(
            _("What was done?"), icon=":material/edit_note:", key=f"{key}:open", on_change="rerun"
        )
        if box.open:
            with box:
                _form(report, home, pressed, key)

    unfold()


def _form(report: Json, home: str, pressed: str, key: str) -> None:
    names = {NOTE: _("Note"), PAUSE: _("Pause"), END: _("Ended")}
    verb = (
        st.segmented_control(
            _("What was done in {home}?").format(home=home),
            list(names),
            format_func=names.__getitem__,
            default=NOTE,
            required=True,
            label_visibility="collapsed",
            key=f"{key}:verb",
        )
        or NOTE
    )
    today = datetime.now(ZoneInfo(report["trial"]["timezone"])).date()
    with st.form(f"{key}:{verb}", border=False, enter_to_submit=False):
        asked = {NOTE: _note, PAUSE: _pause, END: _end}[verb](f"{key}:{verb}", today)
        if not st.form_submit_button(
            _("Enter it"), type="primary", icon=":material/check:", key=f"{key}:{verb}:go"
        ):
            return
    if isinstance(asked, str):
        st.session_state[LAST] = pressed
        registry.refuse(pressed, asked)
    else:
        _press(pressed, partial(_enter, report["trial"]["id"], home, verb, asked))


def record(report: Json, home: str) -> None:
    """The home's notes and pauses stand on the page, each with the press that takes it back, and its end."""
    trial = report["trial"]["id"]
    told = live.home(trial, home)
    zone = report["trial"]["timezone"]
    for pause in told["pauses"]:
        words = _("Paused {first} to {last}").format(
            first=moment(parse_moment(pause["paused_from"]), zone),
            last=moment(parse_moment(pause["paused_to"]), zone),
        ) + (f": {pause['reason']}" if pause["reason"] else "")
        body = {"paused_from": pause["paused_from"]}
        _line(words, f"pause:{home}:{pause['paused_from']}", (trial, home, "pauses/withdraw", body))
    if told["ended_on"]:
        words = _("Ended {day}: {reason}").format(
            day=day(parse_day(told["ended_on"])), reason=end_reason(told["end_reason"] or "other")
        )
        _line(words, f"end:{home}", (trial, home, "end/withdraw", {}))
    take_back_notes(report, home, place="record")
    if not told["ended_on"]:
        offer(report, home, place="home")


def take_back_notes(report: Json, home: str, *, place: str) -> None:
    """The home's notes stand on the page, each with the press that takes it back."""
    trial, zone = report["trial"]["id"], report["trial"]["timezone"]
    for note in live.home(trial, home)["notes"]:
        words = f"{note['text']} ({who(note['noted_by'])}, {moment(parse_moment(note['noted_at']), zone)})"
        if note["snoozed_until"]:
            words += " · " + _("put off until {day}").format(day=day(parse_day(note["snoozed_until"])))
        _line(words, f"{place}:{note['id']}", (trial, home, f"notes/{note['id']}/withdraw", {}))


def _line(words: str, name: str, undo: tuple[str, str, str, Json]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"doing-{name}"):
        st.markdown(plain(words), width="stretch")
        if st.button(_("Take it back"), key=f"back:{name}", icon=":material/undo:"):
            _press(f"doing:back:{name}", partial(_take_back, *undo))


def _note(key: str, today: date) -> Json | str:
    text = _words(_("What was said or agreed (never a person’s name)"), key)
    until = _day(_("Call again from"), f"{key}:until", today + timedelta(days=SNOOZE_DAYS), least=today)
    if not text:
        return _("write what was said or agreed.")
    return {"text": text, "snoozed_until": until.isoformat() if until > today else None}


def _pause(key: str, today: date) -> Json | str:
    left, right = st.columns(2)
    with left:
        first = _day(_("Paused from"), f"{key}:from", today)
    with right:
        last = _day(_("Last day of the pause"), f"{key}:to", today + timedelta(days=SNOOZE_DAYS))
    reason = _words(_("Why (hospital, holiday … never a person’s name)"), key)
    if last < first:
        return _("the last day comes before the first.")
    return {"from_day": first.isoformat(), "to_day": last.isoformat(), "reason": reason or None}


def _end(key: str, today: date) -> Json | str:
    ended_on = _day(_("Last day in the trial"), f"{key}:ended", today, most=today)
    reason = st.selectbox(
        _("Why"), REASONS, index=None, format_func=end_reason, key=f"{key}:reason", placeholder=_("Choose")
    )
    return (
        _("choose why it ended.") if reason is None else {"ended_on": ended_on.isoformat(), "reason": reason}
    )


def _words(label: str, key: str) -> str:
    return st.text_area(label, max_chars=NOTE_CHARACTERS_MAX, height=80, key=f"{key}:words").strip()


def _day(label: str, key: str, value: date, *, least: date | None = None, most: date | None = None) -> date:
    style = "DD/MM/YYYY" if current().code == "en" else "DD.MM.YYYY"
    limits: dict[str, Any] = {
        name: limit for name, limit in (("min_value", least), ("max_value", most)) if limit
    }
    found = st.date_input(label, value=value, format=style, key=key, **limits)
    return found if isinstance(found, date) else value


def _press(name: str, change: Any) -> None:
    st.session_state[LAST] = name
    registry.press(name, change)


def _enter(trial: str, home: str, verb: str, body: Json) -> Json:
    """It is entered; what to say about it, and how to take it back."""
    told = live.client().change_home(trial, home, verb, body)
    live.forget_trials()
    undo: tuple[str, Json]
    if verb == NOTE:
        said = _("{home}: the note is kept.")
        undo = (f"notes/{told['notes'][0]['id']}/withdraw", {})
    elif verb == PAUSE:
        said = _("{home}: the pause is entered.")
        begun = next(each for each in told["pauses"] if _covers(each, body["from_day"], told["timezone"]))
        undo = ("pauses/withdraw", {"paused_from": begun["paused_from"]})
    else:
        said = _("{home}: its end is entered.")
        undo = ("end/withdraw", {})
    return {"said": said.format(home=plain(home)), "undo": (trial, home, *undo)}


def _covers(pause: Json, first: str, zone: str) -> bool:
    begins = parse_moment(pause["paused_from"])
    return begins is not None and begins.astimezone(ZoneInfo(zone)).date().isoformat() == first


def _take_back(trial: str, home: str, verb: str, body: Json) -> Json:
    live.client().change_home(trial, home, verb, body)
    live.forget_trials()
    return {"said": _("{home}: taken back.").format(home=plain(home)), "undo": None}
