"""Spread: which unit takes on what another one tried, how far that has come, and what was adapted."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboard import live, table
from dashboard.client import Json
from dashboard.entry_choices import choice
from dashboard.entry_words import label
from dashboard.facts import plain
from dashboard.language import _, day, number, parse_day, titled
from dashboard.palette import CAREFUL, FAINT, GOOD, GRID, INK, UNUSED, USED
from dashboard.sections import entry_form, entry_list
from dashboard.table import Column

PLACE = "programmes"
LOOK = {
    "in_use": (GOOD, "solid"),
    "agreed": (USED, "solid"),
    "considered": (CAREFUL, "dashed"),
    "declined": (FAINT, "dotted"),
}
STATES = tuple(LOOK)


def show(programme: Json) -> None:
    """Each spread stands as an arrow from the unit that tried it to the one that takes it on; more can be entered."""
    st.header(_("Spread"), anchor=False)
    found = programme["transfers"]
    if found:
        counts = {state: sum(each["transfer"]["status"] == state for each in found) for state in STATES}
        words = [
            f"{choice('transfer', 'status', state)}: {number(count)}"
            for state, count in counts.items()
            if count
        ]
        st.caption(plain(" · ".join(words)))
        ordered = sorted(
            found, key=lambda each: (each["technology"], STATES.index(each["transfer"]["status"]))
        )
        st.html("".join(_arrow(each) for each in ordered))
        _table(programme["programme"]["name"], ordered)
    else:
        st.info(
            _(
                "No unit has taken on anything from another one yet. Enter units that consider it, too, and what differs "
                "there."
            ),
            icon=":material/share:",
        )
    for trial in programme["trials"]:
        _entered(trial["trial"])


def _entered(trial: Json) -> None:
    """The trial's spread can be entered and changed; what was entered is asked for when somebody unfolds it."""

    @live.apart
    def unfold() -> None:
        words = _("Enter or change the spread of “{title}”").format(title=trial["title"])
        box = st.expander(
            plain(words), icon=":material/edit:", key=f"{PLACE}:{trial['id']}:spread", on_change="rerun"
        )
        if not box.open:
            return
        with box:
            offer = _("Enter a unit that considers it or takes it on")
            entry_form.offer("transfer", trial["id"], place=PLACE, title=offer)
            found = live.entries(trial["id"], "transfer")
            entry_list.show("transfer", trial["id"], found, place=f"{PLACE}:list")

    unfold()


def _arrow(each: Json) -> str:
    told = each["transfer"]
    colour, line = LOOK[told["status"]]
    state = choice("transfer", "status", told["status"])
    if told["from_day"]:
        state += f" · {day(parse_day(told['from_day']))}"
    notes = "".join(
        f'<div><span style="color:{FAINT}">{escape(label("transfer", field))}:</span> {escape(told[field])}</div>'
        for field in ("adapted", "transferability")
        if told[field]
    )
    box = f"border:1px solid {GRID};border-radius:.4rem;padding:.25rem .6rem;font-weight:600;max-width:100%"
    mark = ' style="text-decoration:line-through"' if told["status"] == "declined" else ""
    return (
        f'<div style="padding:.5rem 0;overflow-wrap:anywhere;line-height:1.4;color:{INK}">'
        f'<div style="color:{FAINT};font-size:.85rem">{escape(titled(each["technology_titles"], each["technology"]))}</div>'
        f'<div style="display:flex;flex-wrap:wrap;align-items:center;gap:.2rem .5rem">'
        f'<span style="{box};background:{GRID}55">{escape(told["origin_unit"])}</span>'
        f'<span aria-hidden="true" style="border-top:3px {line} {colour};width:2.2rem"></span>'
        f'<span style="color:{colour};font-size:.9rem;font-weight:600">{escape(state)}</span>'
        f'<span aria-hidden="true" style="color:{colour};font-weight:700">→</span>'
        f'<span style="{box};border-color:{UNUSED if told["status"] == "considered" else colour}">'
        f"<span{mark}>{escape(told['receiving_unit'])}</span></span></div>"
        f'<div style="font-size:.9rem;margin-top:.2rem">{notes}</div></div>'
    )


def _table(name: str, found: list[Json]) -> None:
    fields = ("origin_unit", "receiving_unit", "status", "from_day", "adapted", "transferability")
    table.beside(
        f"spread-{name}",
        [
            {
                "technology": titled(each["technology_titles"], each["technology"]),
                **each["transfer"],
                "status": choice("transfer", "status", each["transfer"]["status"]),
            }
            for each in found
        ],
        [
            Column("technology", _("Technology")),
            *(
                Column(field, label("transfer", field), "day" if field == "from_day" else "text")
                for field in fields
            ),
        ],
        every_row=lambda: [
            {"trial": each["trial"], "technology": each["technology"], **each["transfer"]} for each in found
        ],
    )
