"""How a list of visits is to be read: which column is which, and what the list's own words mean."""

from __future__ import annotations

import json
from collections.abc import Sequence

import streamlit as st

from dashboard.client import Json
from dashboard.facts import plain
from dashboard.language import _, ngettext
from dashboard.visit_words import column, meaning

FIELDS = (
    "home",
    "day",
    "started_at",
    "ended_at",
    "minutes",
    "kind",
    "purpose",
    "staff_group",
    "travel_minutes",
    "period",
)
MEANINGS = {
    "kind": ("physical", "remote"),
    "purpose": ("alarm_handling", "refill", "remote_check", "support"),
    "period": ("before", "after"),
}
VALUES_SHOWN = 30
TRAVEL_MINUTES_MAX = 240.0
NOTHING = ""


def asked(key: str) -> dict[str, str]:
    """What the reader has chosen so far, as the API is asked; nothing as long as the form was not drawn."""
    guess: Json | None = st.session_state.get(f"{key}:guess")
    found: dict[str, str] = {}
    if guess is not None and (chosen := _chosen(key, guess)) != guess:
        found["columns"] = json.dumps(chosen, ensure_ascii=False)
    for name in ("before_from", "after_from"):
        if first := st.session_state.get(f"{key}:{name}"):
            found[name] = first.isoformat()
    return found


def system(key: str) -> str:
    """What the reader says that the list comes from."""
    return str(st.session_state.get(f"{key}:system") or "").strip()


def form(key: str, told: Json) -> None:
    """The columns can be chosen, and what the list's own words mean; the API's guess stands there at first."""
    st.session_state.setdefault(f"{key}:guess", told["columns"])
    guess: Json = st.session_state[f"{key}:guess"]
    unknown = any(each["means"] is None and each["field"] != "purpose" for each in told["values"])
    if told["system"] is not None:
        st.caption(_("Read as the last list from {system}.").format(system=told["system"]))
    opened: bool = st.session_state.setdefault(f"{key}:opened", bool(told["missing"]) or unknown)
    with st.expander(_("Which column is which"), icon=":material/table_chart:", expanded=opened):
        _columns(key, guess, told["header"])
        _always(key, guess)
        _values(key, told["values"])
    with st.expander(_("Which days count"), icon=":material/date_range:"):
        st.markdown(
            ngettext(
                "A registration has {n} day before and {n} after. Of a longer list the last days before the installation "
                "count and the first after it, once people have got used to it. Or choose the first day yourself:",
                "A registration has {n} days before and {n} after. Of a longer list the last days before the installation "
                "count and the first after it, once people have got used to it. Or choose the first day yourself:",
                told["registration_days"],
            )
        )
        left, right = st.columns(2)
        left.date_input(_("First day before"), value=None, key=f"{key}:before_from", format="DD.MM.YYYY")
        right.date_input(_("First day after"), value=None, key=f"{key}:after_from", format="DD.MM.YYYY")
    st.text_input(
        _("What the list comes from; its columns are remembered under this name"),
        key=_given(f"{key}:system", told["system"] or ""),
        max_chars=100,
    )


def _given(key: str, value: object) -> str:
    """The widget of that key starts with the value."""
    if key not in st.session_state:
        st.session_state[key] = value
    return key


def _columns(key: str, guess: Json, header: Sequence[str]) -> None:
    left, right = st.columns(2)
    for number, name in enumerate(FIELDS):
        at = _given(f"{key}:column:{name}", guess["columns"].get(name, NOTHING))
        (right if number % 2 else left).selectbox(
            column(name),
            [NOTHING, *header],
            format_func=lambda title: title or _("not in the list"),
            key=at,
        )


def _always(key: str, guess: Json) -> None:
    st.markdown(_("Where the list does not say:"))
    left, right = st.columns(2)
    left.selectbox(
        column("kind"),
        [NOTHING, *MEANINGS["kind"]],
        format_func=_or_unknown,
        key=_given(f"{key}:always:kind", guess["always"].get("kind", NOTHING)),
    )
    known = guess["always"].get("travel_minutes")
    right.number_input(
        column("travel_minutes"),
        min_value=0.0,
        max_value=TRAVEL_MINUTES_MAX,
        step=1.0,
        key=_given(f"{key}:always:travel_minutes", None if known is None else float(known.replace(",", "."))),
    )


def _values(key: str, values: Sequence[Json]) -> None:
    shown = [each for each in values if each["field"] in MEANINGS]
    if not shown:
        return
    st.markdown(_("What the words of the list mean:"))
    left, right = st.columns(2)
    taken: dict[tuple[str, str], str] = st.session_state.setdefault(f"{key}:taken", {})
    for number, each in enumerate(shown[:VALUES_SHOWN]):
        name, value = each["field"], each["value"]
        taken.setdefault((name, value), each["means"] or NOTHING)
        at = _given(f"{key}:value:{name}:{value}", each["means"] or NOTHING)
        codes: list[str] = [NOTHING, *MEANINGS[name]]
        rows = ngettext("{n} row", "{n} rows", each["rows"])
        (right if number % 2 else left).selectbox(
            f"{plain(value)} ({rows})",
            codes,
            format_func=_as_it_is if name == "purpose" else _or_unknown,
            key=at,
        )


def _or_unknown(code: str) -> str:
    return meaning(code) if code else _("unknown")


def _as_it_is(code: str) -> str:
    return meaning(code) if code else _("as it is")


def _chosen(key: str, guess: Json) -> Json:
    """The way of reading that the form says; what it does not show is as it was guessed."""
    state = st.session_state
    columns = {name: state.get(f"{key}:column:{name}", guess["columns"].get(name)) for name in FIELDS}
    always = dict(guess["always"])
    if (kind := state.get(f"{key}:always:kind")) is not None:
        always["kind"] = kind
    if f"{key}:always:travel_minutes" in state:
        minutes = state[f"{key}:always:travel_minutes"]
        always["travel_minutes"] = NOTHING if minutes is None else f"{minutes:g}"
    values = {name: dict(each) for name, each in guess["values"].items()}
    for name in MEANINGS:
        begin = f"{key}:value:{name}:"
        for at in [at for at in state if isinstance(at, str) and at.startswith(begin)]:
            value = at.removeprefix(begin)
            if state[at] != state[f"{key}:taken"].get((name, value)):
                values.setdefault(name, {})[value] = state[at]
    return {
        "columns": {name: title for name, title in columns.items() if title},
        "values": values,
        "always": {name: value for name, value in always.items() if value},
    }
