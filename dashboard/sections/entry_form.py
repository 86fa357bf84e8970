"""Entering something about a trial: a form drawn from the fields of its kind, its answer, and the press that undoes it."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import entry_offers, entry_text, live, refusals, registry
from dashboard.client import ApiRefusedError, Json
from dashboard.entry_choices import choice
from dashboard.entry_offers import OPEN, SEVERAL, offered
from dashboard.entry_words import hint, label, one
from dashboard.facts import plain
from dashboard.language import _, current, number, parse_day
from nyttig.entries.anonymous import Pointer, pointer

LAST = "entries:last"
SHOWN_AT_ONCE = 8
"""A form of no more fields shows all of them; of more, those that are required, and the rest behind “More”."""

FIRST: dict[str, tuple[str, ...]] = {
    "gain": ("title", "type", "perspective", "indicator", "better", "target", "owner", "baseline_value", "baseline_on"),
    "cycle": ("number", "need", "solution", "test", "learned", "next_step", "starts_on"),
    "handover": (
        "line_owner", "handed_over_on", "routines_written", "staff_trained", "budget_in_line", "supplier_agreed",
        "alarms_answered", "privacy_settled", "note",
    ),
    "idea": ("title", "need", "raised_by", "raised_on", "unit", "solution"),
    "registration": ("unit", "day", "shift", "period", "home", "purpose", "count", "minutes", "travel_minutes"),
    "answer": ("instrument", "home", "answered_on", "period", "items", "respondent"),
    "instrument": ("title", "items", "lowest", "lowest_means", "highest", "highest_means", "answered_by"),
}  # fmt: skip

LONG = frozenset(
    {
        "adapted", "aim", "basis", "columns", "done", "effect_goals", "evidence", "expected", "instrument.items",
        "learned", "need", "next_step", "note", "reason", "result_goals", "solution", "test", "transferability", "waiver_reason",
        "adverse_event.what", "words",
    }
)  # fmt: skip
"""Written in more than one line."""

MADE_FROM_TITLE = frozenset({"gain.id", "instrument.key"})
ANONYMOUS = frozenset({"feedback.words"})
"""Nothing in these may point at a person."""

YEAR_FIRST, YEAR_LAST = 2000, 2060
RADIO_MAX = 5


def offer(
    kind: str,
    trial: str | None,
    *,
    place: str,
    entry: Json | None = None,
    given: Json | None = None,
    only: tuple[str, ...] | None = None,
    folded: bool = True,
    title: str | None = None,
) -> None:
    """An entry of a kind can be entered right here, or changed where `entry` is one as the API tells it.

    `trial` is None for kinds of no trial. `place` tells two such forms on a page apart. `given`: values fixed by the
    page (`{"home": "h1"}`), sent and not asked for. `only`: the fields that are shown, in that order; the others stand
    behind “More”. `folded`: the form unfolds at a press on `title` (else “Enter a gain”). What was entered is said
    below it with the press that undoes it; a refusal says which field, and what was typed stays.
    """
    name = pressed(place, trial, kind, "new" if entry is None else entry["entry"])

    @live.apart
    def unfold() -> None:
        key = f"{name}:{registry.turn(name)}:{st.session_state.get(f'{name}:openings', 0)}"
        if not folded:
            _form(name, key, kind, trial, entry, given or {}, only)
        else:
            words = title or _("Enter {what}").format(what=one(kind))
            box = st.expander(words, icon=":material/add:", key=f"{key}:open", on_change="rerun")
            if box.open:
                with box:
                    _form(name, key, kind, trial, entry, given or {}, only)
        say(name)

    unfold()


def pressed(place: str, trial: str | None, kind: str, entry: str) -> str:
    """The name under which a form of this place remembers what became of it."""
    return f"entries:{place}:{trial}:{kind}:{entry}"


def begin_anew(name: str) -> None:
    """The form begins again from what stands now, and what was typed into it before is gone."""
    st.session_state[f"{name}:openings"] = st.session_state.get(f"{name}:openings", 0) + 1


def said_last(name: str) -> Json | None:
    """What the reader's last press of all came to, if it was this one: `said` and `entry`.

    Of one taken back also what it `was`, and its `position` in the list.
    """
    return registry.answer_of(name) if st.session_state.get(LAST) == name else None


def say(name: str) -> None:
    """What became of the last press stands on the page, with the press that undoes it."""
    registry.say_refusal(name)
    answer = said_last(name)
    if answer is None:
        return
    st.success(answer["said"], icon=":material/check_circle:")
    if st.button(_("Undo"), icon=":material/undo:", key=f"undo:{name}:{registry.turn(name)}"):
        press(name, partial(_undo, answer))


def enter(name: str, trial: str | None, kind: str, values: Json) -> None:
    """A new entry stands, from a form of the page's own; `say` says what became of it."""
    press(name, partial(_enter, trial, kind, values))


def take_back(name: str, entry: Json, position: int) -> None:
    """The entry is taken back at once; `position` is where it stood in its list."""
    press(name, partial(_take_back, entry, position))


def press(name: str, change: Any) -> None:
    """The change is made; it is this reader's last."""
    st.session_state[LAST] = name
    registry.press(name, change)


def _form(
    name: str,
    key: str,
    kind: str,
    trial: str | None,
    entry: Json | None,
    given: Json,
    only: tuple[str, ...] | None,
) -> None:
    # What was there when the form was opened: somebody else's change is not to move what is being typed.
    base: Json | None = st.session_state.setdefault(f"{key}:base", entry)
    told = base["data"] if base is not None else {}
    columns = {
        column["name"]: column
        for column in live.entry_kinds()[kind]["columns"]
        if column["name"] not in given
    }
    first = _first(kind, columns, told, only)
    with st.form(key, border=False, enter_to_submit=False):
        typed = {field: _field(kind, columns[field], trial, told, key) for field in first}
        rest = [field for field in columns if field not in typed]
        if rest:
            with st.expander(_("More"), key=f"{key}:more"):
                typed |= {field: _field(kind, columns[field], trial, told, key) for field in rest}
        if any(column["required"] for column in columns.values()):
            st.caption(_("\\* must be filled in"))
        words = _("Enter it") if base is None else _("Change it")
        if not st.form_submit_button(words, type="primary", icon=":material/check:", key=f"{key}:go"):
            return
    values = {field: value for field, value in {**typed, **given}.items() if value is not None}
    for field in columns:
        if f"{kind}.{field}" in MADE_FROM_TITLE and field not in values and values.get("title"):
            values[field] = code_of(
                values["title"], [each["data"][field] for each in live.entries(trial, kind)]
            )
    faults = _faults(kind, columns, values)
    if faults:
        st.session_state[LAST] = name
        registry.refuse(name, " ".join(faults))
    elif base is None:
        press(name, partial(_enter, trial, kind, values))
    else:
        press(name, partial(_change, f"{key}:base", base, values))


def _first(kind: str, columns: Json, told: Json, only: tuple[str, ...] | None) -> list[str]:
    wanted = only or FIRST.get(kind)
    if wanted is None:
        short = len(columns) <= SHOWN_AT_ONCE
        wanted = tuple(field for field, column in columns.items() if short or column["required"])
    shown = [field for field in wanted if field in columns]
    made = {field for field in columns if f"{kind}.{field}" in MADE_FROM_TITLE}
    needed = [field for field, column in columns.items() if column["required"] and field not in made]
    return list(dict.fromkeys((*shown, *needed, *(field for field in columns if field in told))))


def _field(kind: str, column: Json, trial: str | None, told: Json, key: str) -> Any:
    """One field with what it holds; None where it is empty."""
    field = column["name"]
    words = label(kind, field) + (" *" if column["required"] and column["kind"] != "boolean" else "")
    look: Json = {"label": words, "help": hint(kind, field), "key": f"{key}:{field}", "persist_state": "page"}
    value = told.get(field, column["default"])
    if column["kind"] == "boolean":
        return st.checkbox(value=bool(value), **look)
    if column["kind"] == "date":
        return _day(column, value, trial, bool(told), look)
    if column["kind"] in ("number", "integer"):
        return _number(column["kind"] == "integer", value, look)
    if column["kind"] == "choice":
        return _choice(kind, column, value, look)
    titles = offered(kind, field, trial)
    if not titles:
        if field in LONG or f"{kind}.{field}" in LONG:
            return st.text_area(value=value or "", **look).strip() or None
        return st.text_input(value=value or "", **look).strip() or None
    if field in SEVERAL:
        chosen = (value or "").split()
        options = [*titles, *(code for code in chosen if code not in titles)]
        picked: list[str] = st.multiselect(
            options=options, default=chosen, format_func=lambda code: titles.get(code, code), placeholder=_("Choose"),
            **look,
        )  # fmt: skip
        return " ".join(picked) or None
    if column["required"] and len(titles) == 1 and field not in OPEN:
        value = value or next(iter(titles))
    return _one_of(titles, value, field in OPEN, look)


def _day(column: Json, value: str | None, trial: str | None, known: bool, look: Json) -> str | None:
    zone = live.trial(trial)["timezone"] if trial else st.context.timezone
    today = datetime.now(ZoneInfo(zone or "UTC")).date()
    found = st.date_input(
        value=parse_day(value) or (today if column["required"] and not known else None),
        min_value=date(YEAR_FIRST, 1, 1),
        max_value=date(YEAR_LAST, 12, 31),
        format="DD/MM/YYYY" if current().code == "en" else "DD.MM.YYYY",
        **look,
    )
    return found.isoformat() if isinstance(found, date) else None


def _number(whole: bool, value: float | None, look: Json) -> float | None:
    # Its bounds are told by `_faults`: a field with bounds would keep an older number in silence.
    if whole:
        return st.number_input(value=None if value is None else int(value), step=1, **look)
    return st.number_input(value=None if value is None else float(value), step=1.0, format="%g", **look)


def _choice(kind: str, column: Json, value: str | None, look: Json) -> str | None:
    codes = column["choices"]
    titles = {code: choice(kind, column["name"], code) for code in codes}
    if len(codes) > RADIO_MAX or not (column["required"] or column["default"]):
        return _one_of(titles, value, False, look)
    index = codes.index(value) if value in codes else None
    return st.radio(options=codes, index=index, format_func=titles.__getitem__, horizontal=True, **look)


def _one_of(titles: dict[str, str], value: str | None, other_too: bool, look: Json) -> str | None:
    options = [*titles, *([value] if value and value not in titles else [])]
    found = st.selectbox(
        options=options,
        index=options.index(value) if value else None,
        format_func=lambda code: titles.get(code, code),
        placeholder=_("Choose or write") if other_too else _("Choose"),
        accept_new_options=other_too,
        **look,
    )
    return None if found is None else str(found)


def _faults(kind: str, columns: Json, values: Json) -> list[str]:
    """What keeps the values from being entered, field by field, each with its remedy."""
    faults = []
    for field, column in columns.items():
        words, value = label(kind, field), values.get(field)
        if value is None or value == "":
            # A code that is made from the title is no fault of its own where the title is empty.
            if column["required"] and f"{kind}.{field}" not in MADE_FROM_TITLE:
                faults.append(_("“{field}” is empty: fill it in.").format(field=words))
        elif f"{kind}.{field}" in ANONYMOUS and (found := pointer(value)):
            faults.append(_points_at_somebody(*found))
        elif column["at_least"] is not None and value < column["at_least"]:
            faults.append(
                _("“{field}” is {value}: enter {limit} or more.").format(
                    field=words, value=entry_text.written(value), limit=number(column["at_least"], 2)
                )
            )
        elif column["above"] is not None and value <= column["above"]:
            faults.append(
                _("“{field}” is {value}: enter more than {limit}.").format(
                    field=words, value=entry_text.written(value), limit=number(column["above"], 2)
                )
            )
        elif column["at_most"] is not None and value > column["at_most"]:
            faults.append(
                _("“{field}” is {value}: enter {limit} or less.").format(
                    field=words, value=entry_text.written(value), limit=number(column["at_most"], 2)
                )
            )
    return faults


def _points_at_somebody(kind: Pointer, found: str) -> str:
    words = {
        "email": _("“{found}” is an address for e-mail: leave it out, and names too."),
        "identity_number": _("“{found}” looks like a national identity number: leave it out, and names too."),
        "phone": _("“{found}” looks like a phone number: leave it out, and names too."),
    }
    return words[kind].format(found=plain(found))


def code_of(title: str, taken: list[str]) -> str:
    """A code made from a title, which no other has: “Færre fall” becomes faerre-fall."""
    letters = title.casefold().replace("æ", "ae").translate(str.maketrans("øå", "oa"))
    ascii_only = unicodedata.normalize("NFKD", letters).encode("ascii", "ignore").decode()
    stem = re.sub(r"[^a-z0-9]+", "-", ascii_only)[:40].strip("-") or "x"
    code, n = stem, 1
    while code in taken:
        n += 1
        code = f"{stem}-{n}"
    return code


def _asked(kind: str, ask: Any) -> Json:
    """The API's answer; a refusal names the fields as the form does."""
    try:
        answer: Json = ask()
    except ApiRefusedError as refused:
        detail = refusals.reason(refused, kind)
        raise ApiRefusedError(refused.status, refused.title, detail) from refused
    live.forget_trials()
    entry_offers.forget()
    return answer


def _enter(trial: str | None, kind: str, values: Json) -> Json:
    entry = _asked(kind, lambda: live.client().enter(trial, kind, values))
    return {"said": _("Entered: {what}").format(what=plain(entry_text.headline(entry))), "entry": entry}


def _change(base_key: str, base: Json, values: Json) -> Json:
    """It is changed; where somebody else was faster, the next press puts this in place of theirs."""
    try:
        entry = _asked(
            base["kind"], lambda: live.client().change_entry(base["entry"], base["version"], values)
        )
    except ApiRefusedError as refused:
        live.forget_trials()
        newest = live.entry_versions(base["entry"])[-1] if refused.status == 409 else base
        if newest["version"] == base["version"]:
            raise
        st.session_state[base_key] = {**base, "version": newest["version"]}
        reason = _(
            "somebody else changed it meanwhile ({what}). What you wrote still stands here; "
            "press again to put it in place of theirs."
        ).format(what="; ".join(entry_text.differences(base, newest)) or "…")
        raise ApiRefusedError(409, refused.title, reason) from refused
    return {"said": _("Changed: {what}").format(what=plain(entry_text.headline(entry))), "entry": entry}


def _take_back(entry: Json, position: int) -> Json:
    gone = _asked(
        entry["kind"], lambda: live.client().step_back(entry["entry"], entry["version"], "withdraw")
    )
    said = _("Taken back: {what}").format(what=plain(entry_text.headline(entry)))
    return {"said": said, "entry": gone, "was": entry, "position": position}


def _undo(answer: Json) -> Json:
    before = answer["entry"]
    now = _asked(before["kind"], lambda: live.client().step_back(before["entry"], before["version"], "undo"))
    if now["data"] is None:
        said = _("Taken back: {what}").format(what=plain(entry_text.headline(before)))
        return {**answer, "said": said, "entry": now}
    said = _("As it was before: {what}").format(what=plain(entry_text.headline(now)))
    return {**answer, "said": said, "entry": now}
