"""Who changed what in the registry and when, the newest first, in words."""

from __future__ import annotations

import re
from html import escape
from typing import Any

import streamlit as st

from dashboard import live, registry, table
from dashboard.address import choose
from dashboard.client import Json
from dashboard.language import _, day, moment, number, parse_day, parse_moment
from dashboard.palette import FAINT, GRID, INK
from dashboard.registry_words import dialect, field, retire_reason, value, who
from dashboard.registry_words import table as table_name
from dashboard.table import Column
from dashboard.wording import end_reason

ENTRIES_AT_ONCE = 50
ENTRIES_MAX = 1000
VALUES_SHOWN = 10
GAP = '<div style="height:.7rem"></div>'
TELLING = ("technology", "dialect", "address", "roles", "placements", "rows_added")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def show() -> None:
    """The changes of a device or of a trial stand on the page."""
    trials = {each["id"]: each["title"] for each in live.trials()}
    devices = [each["device"] for each in registry.devices()]
    titles = {f"trials/{code}": _("Trial: {title}").format(title=title) for code, title in trials.items()}
    titles |= {f"devices/{code}": _("Device: {device}").format(device=code) for code in devices}
    if not titles:
        st.info(_("Nothing has been registered yet, so nothing has been changed."))
        return
    subject = choose(
        "of-what", _("Of what"), list(titles), titles.__getitem__, st.selectbox, default=next(iter(titles))
    )
    kind, code = subject.split("/", 1)
    shown = st.session_state.get(f"history:{subject}", ENTRIES_AT_ONCE)
    entries = registry.history(kind, code, min(shown, ENTRIES_MAX))
    if not entries:
        st.info(_("Nothing has been changed since this was first loaded."))
        return
    st.markdown("".join(_entry(entry, code) for entry in entries) + GAP, unsafe_allow_html=True)
    if len(entries) == shown < ENTRIES_MAX and st.button(_("Show older changes"), icon=":material/history:"):
        st.session_state[f"history:{subject}"] = shown + ENTRIES_AT_ONCE
        st.rerun()
    table.beside(
        f"history-{code}",
        [
            {
                "changed_at": entry["changed_at"],
                "when": _moment(entry["changed_at"]),
                "by": who(entry["changed_by"]),
                "subject": entry["subject"],
                "what": " · ".join([what(entry), *details(entry)]),
            }
            for entry in entries
        ],
        [
            Column("when", _("When")),
            Column("by", _("Who")),
            Column("subject", _("What was changed")),
            Column("what", _("How")),
        ],
    )


def what(entry: Json) -> str:
    """What happened, in a sentence."""
    before, after = entry["before"] or {}, entry["after"] or {}
    home, was_home = after.get("home") or "", before.get("home") or ""
    at = _moment(after.get("placed_at"))
    sentences = {
        "registered": _("registered"),
        "changed": _("changed by a list"),
        "loaded": _("loaded with its trial’s folder"),
        "placed": _("placed at {home} from {moment}").format(home=home, moment=at),
        "moved": _("moved from {before} to {home} on {moment}").format(before=was_home, home=home, moment=at),
        "removed": _("removed from {home} on {moment}").format(
            home=was_home, moment=_moment(after.get("removed_at"))
        ),
        "swapped_out": _("replaced by {device} at {home} on {moment}").format(
            device=after.get("replaced_by"), home=was_home, moment=_moment(after.get("removed_at"))
        ),
        "swapped_in": _("took the place of {device} at {home} on {moment}").format(
            device=after.get("replaces"), home=home, moment=at
        ),
        "corrected": _("its place was corrected"),
        "retired": _("retired on {moment}: {reason}").format(
            moment=_moment(after.get("retired_at")), reason=retire_reason(after.get("retired_because") or "")
        ),
        "unretired": _("taken into service again"),
        "renamed": _("renamed in its gateway"),
        "described": _("its hardware id became known"),
        "dismissed": _("dismissed"),
        "restored": _("proposed again"),
        "home_paused": _("{home} paused from {first} to {last}").format(
            home=home, first=_moment(after.get("paused_from")), last=_moment(after.get("paused_to"))
        ),
        "home_pause_withdrawn": _("the pause of {home} from {first} taken back").format(
            home=home, first=_moment(before.get("paused_from"))
        ),
        "home_ended": _("{home} ended on {day}: {reason}").format(
            home=home,
            day=day(parse_day(after.get("ended_on"))),
            reason=end_reason(after.get("end_reason") or "other"),
        ),
        "home_end_withdrawn": _("{home} takes part again: its end was taken back").format(home=home),
        "visits_imported": _("visits of the list {file} brought in").format(file=after.get("file")),
        "visits_withdrawn": _("visits of the list {file} taken back").format(file=before.get("file")),
        "visits_restored": _("visits of the list {file} count again").format(file=after.get("file")),
    }
    return str(sentences.get(entry["action"], entry["action"].replace("_", " ")))


def details(entry: Json) -> list[str]:
    """What was before and is after, as far as the sentence does not say it; of what is new, what tells it apart."""
    if entry["action"].startswith(("home_", "visits_")) or entry["action"] in (
        "placed",
        "moved",
        "removed",
        "swapped_out",
        "swapped_in",
        "retired",
        "unretired",
    ):
        return []
    before, after = entry["before"] or {}, entry["after"] or {}
    names = [name for name in dict.fromkeys((*before, *after)) if before or name in TELLING]
    lines = []
    for name in names:
        was, now = _told(name, before.get(name)), _told(name, after.get(name))
        if was == now:
            continue
        lines.append(f"{field(name)}: {now or '–'}" if not was else f"{field(name)}: {was} → {now or '–'}")
    return lines


def _entry(entry: Json, code: str) -> str:
    lines = "".join(f'<span style="padding-right:.8rem">{escape(line)}</span> ' for line in details(entry))
    subject = "" if entry["subject"] == code else f"<b>{escape(entry['subject'])}</b> "
    return (
        f'<div style="padding:.45rem 0;border-bottom:1px solid {GRID};overflow-wrap:anywhere">'
        f'<div style="color:{FAINT};font-size:.85rem">{escape(_moment(entry["changed_at"]))} · '
        f'{escape(who(entry["changed_by"]))}</div><div style="color:{INK}">{subject}{escape(what(entry))}</div>'
        f'<div style="color:{FAINT};font-size:.9rem">{lines}</div></div>'
    )


def _told(name: str, told: Any) -> str:
    """A value of the registry as one reads it; nothing where there is none."""
    if told is None or told in ("", {}, []):
        return ""
    if name == "placements":
        return _some([_placement(each) for each in told])
    if name in ("rows_added", "rows_removed"):
        return _some([f"{table_name(each)} {number(count)}" for each, count in told.items()])
    if isinstance(told, dict):
        return _some(
            [f"{key} ({value(each)})" if isinstance(each, str) else str(key) for key, each in told.items()]
        )
    if isinstance(told, list):
        return _some([_one(each) for each in told])
    if name.endswith("_at"):
        return _moment(told)
    if isinstance(told, (int, float)) and not isinstance(told, bool):
        return number(told, 2)
    if isinstance(told, str) and DAY.fullmatch(told):
        return day(parse_day(told))
    if name == "technology":
        return registry.technology_titles().get(told, str(told))
    return {"dialect": dialect, "retired_because": retire_reason}.get(name, value)(str(told))


def _placement(told: Json) -> str:
    since = _("{home} from {moment}").format(home=told["home"], moment=_moment(told["placed_at"]))
    return (
        since
        if told["removed_at"] is None
        else _("{placed} to {moment}").format(placed=since, moment=_moment(told["removed_at"]))
    )


def _one(told: Any) -> str:
    return (
        str(told.get("title") or told.get("id") or told.get("item") or "…")
        if isinstance(told, dict)
        else str(told)
    )


def _some(told: list[str]) -> str:
    return ", ".join(told[:VALUES_SHOWN]) + (" …" if len(told) > VALUES_SHOWN else "")


def _moment(text: str | None) -> str:
    return moment(parse_moment(text), st.context.timezone)
