"""What was entered about a trial: one card an entry, who entered it and when, and presses to change it or take it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import streamlit as st

from dashboard import entry_text, live, registry, table
from dashboard.client import Json
from dashboard.entry_words import empty, label
from dashboard.language import _, moment, ngettext, number, parse_moment
from dashboard.palette import FAINT, INK
from dashboard.registry_words import who
from dashboard.sections import entry_form
from dashboard.sections.fold import fold
from dashboard.table import Column

AT_ONCE = 20
CHANGE, HISTORY = "change", "history"


def show(
    kind: str,
    trial: str | None,
    entries: Sequence[Json],
    *,
    place: str,
    given: Json | None = None,
    only: tuple[str, ...] | None = None,
    beneath: Callable[[Json], None] | None = None,
) -> None:
    """The entries (`live.entries(trial, kind)`, or some of them) stand on the page, the newest first.

    Each says who entered it and when, can be changed, taken back, undone, and tells its history. `place` tells two
    lists of a kind on a page apart; it is a name of the list's own, also among the forms. `given` and `only` are
    those of `entry_form.offer` when an entry is changed. `beneath` draws what the page adds to each card.
    """
    cards = [(entry, entry) for entry in entries]
    for gone in _taken_back(kind, trial, place):
        cards.insert(min(gone["position"], len(cards)), (gone["was"], gone["entry"]))
    if not cards:
        st.caption(empty(kind))
        return
    newest_first = list(enumerate(cards))[::-1]
    key = f"entries:{place}:{trial}:{kind}:shown"
    shown = st.session_state.get(key, AT_ONCE)
    for position, (entry, newest) in newest_first[:shown]:
        _card(entry, newest, position, place, given, only, beneath)
    if len(newest_first) > shown and st.button(
        _("Show older ones ({n} more)").format(n=number(len(newest_first) - shown)), key=f"{key}:more"
    ):
        st.session_state[key] = shown + AT_ONCE
        st.rerun()
    if entries:
        _beside(kind, trial, entries, place)


def folded(
    title: str,
    icon: str,
    kind: str,
    trial: str | None,
    entries: Sequence[Json],
    *,
    place: str,
    given: Json | None = None,
    only: tuple[str, ...] | None = None,
    beneath: Callable[[Json], None] | None = None,
    expanded: bool = False,
) -> None:
    """The entries stand in a fold of this title, as `show` shows them; where there is none, there is no fold.

    It stays for an entry that was just taken back, which is said within it, with the press that undoes it.
    """
    if entries or _taken_back(kind, trial, place):
        with fold(title, f"fold:{place}:{trial}:{kind}", icon, expanded=expanded):
            show(kind, trial, entries, place=place, given=given, only=only, beneath=beneath)


def _taken_back(kind: str, trial: str | None, place: str) -> list[Json]:
    """What the reader's last press came to, if it took back an entry of this list."""
    answers = registry.answers(entry_form.pressed(place, trial, kind, ""))
    return [
        answer
        for name, answer in answers.items()
        if entry_form.said_last(name) and answer["entry"]["data"] is None and "position" in answer
    ]


def _card(
    entry: Json,
    newest: Json,
    position: int,
    place: str,
    given: Json | None,
    only: tuple[str, ...] | None,
    beneath: Callable[[Json], None] | None,
) -> None:
    kind, trial = entry["kind"], entry["trial_id"]
    name = entry_form.pressed(place, trial, kind, entry["entry"])

    @live.apart
    def card() -> None:
        key = f"{name}:{registry.turn(name)}"
        with st.container(border=True, key=f"card:{key}"):
            if newest["data"] is None:
                entry_form.say(name)
                return
            st.html(_told(entry))
            opened = st.session_state.get(f"{key}:opened")
            with st.container(horizontal=True, gap="small"):
                for what, words, icon in (
                    (CHANGE, _("Change it"), ":material/edit:"),
                    (HISTORY, _("History"), ":material/history:"),
                ):
                    st.button(
                        words,
                        icon=icon,
                        type="tertiary",
                        key=f"{key}:{what}",
                        on_click=_open,
                        args=(name, key, what),
                    )
                if st.button(_("Take it back"), icon=":material/delete:", type="tertiary", key=f"{key}:back"):
                    entry_form.take_back(name, entry, position)
            if opened == CHANGE:
                entry_form.offer(kind, trial, place=place, entry=entry, given=given, only=only, folded=False)
            else:
                entry_form.say(name)
            if opened == HISTORY:
                _history(entry)
            if beneath is not None:
                beneath(entry)

    card()


def _open(name: str, key: str, what: str) -> None:
    """This is opened on the card; where it was open, it is closed."""
    opened = f"{key}:opened"
    st.session_state[opened] = None if st.session_state.get(opened) == what else what
    entry_form.begin_anew(name)


def _told(entry: Json) -> str:
    rows = "".join(
        f'<div style="white-space:pre-line"><span style="color:{FAINT}">{escape(name)}:</span> '
        f"{escape(value)}</div>"
        for name, value in entry_text.details(entry)
    )
    late = entry_text.after_start(entry)
    marked = (
        f' <span style="border:1px solid currentColor;border-radius:.3rem;padding:0 .35rem">{escape(late)}</span>'
        if late
        else ""
    )
    return (
        f'<div style="overflow-wrap:anywhere;color:{INK}"><div style="font-weight:600">'
        f"{escape(entry_text.headline(entry))}</div>"
        f'<div style="display:flex;flex-wrap:wrap;column-gap:1.4rem;font-size:.92rem">{rows}</div>'
        f'<div style="color:{FAINT};font-size:.85rem">{escape(_by_whom(entry))}{marked}</div></div>'
    )


def _by_whom(entry: Json) -> str:
    """Who entered this version, and when."""
    parts = [who(entry["entered_by"] or ""), _when(entry)]
    if entry["loaded"]:
        parts.append(_("came with the trial’s folder"))
    elif entry["version"] > 1:
        parts.append(ngettext("changed {n} time", "changed {n} times", entry["version"] - 1))
    return " · ".join(part for part in parts if part)


def _when(entry: Json) -> str:
    zone = live.trial(entry["trial_id"])["timezone"] if entry["trial_id"] else st.context.timezone
    return moment(parse_moment(entry["entered_at"]), zone)


def _history(entry: Json) -> None:
    """Who changed what and when, the newest first: what differs from the version before."""
    versions = live.entry_versions(entry["entry"])
    lines = []
    for before, after in zip([None, *versions], versions, strict=False):
        lines.append(
            f'<div style="padding:.3rem 0;overflow-wrap:anywhere"><div style="color:{FAINT};font-size:.85rem">'
            f"{escape(who(after['entered_by'] or ''))} · {escape(_when(after))}</div>"
            f'<div style="color:{INK};white-space:pre-line">{escape(_happened(before, after))}</div></div>'
        )
    st.html("".join(reversed(lines)))


def _happened(before: Json | None, after: Json) -> str:
    if before is None or before["data"] is None:
        words = _("Entered: {what}") if before is None else _("Entered again: {what}")
        return words.format(what=entry_text.headline(after))
    if after["data"] is None:
        return _("Taken back")
    return "\n".join(entry_text.differences(before, after))


def _beside(kind: str, trial: str | None, entries: Sequence[Json], place: str) -> None:
    """The entries as a table, and as a file with their codes."""
    fields = [
        column["name"]
        for column in live.entry_kinds()[kind]["columns"]
        if any(column["name"] in entry["data"] for entry in entries)
    ]
    table.beside(
        f"{kind}-{trial or 'all'}-{place}",
        [
            {
                **{field: entry_text.value(entry, field) for field in fields},
                "entered_by": who(entry["entered_by"] or ""),
                "entered_at": _when(entry),
            }
            for entry in reversed(entries)
        ],
        [
            *(Column(field, label(kind, field)) for field in fields),
            Column("entered_by", _("Who")),
            Column("entered_at", _("When")),
        ],
        every_row=lambda: [
            {**entry["data"], "entered_by": entry["entered_by"], "entered_at": entry["entered_at"]}
            for entry in entries
        ],
    )
