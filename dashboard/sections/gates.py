"""Nytt, nyttig, nyttiggjort: how a trial stands at each gate, why, and what a named person holds against it."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboard import gate_words, live
from dashboard.client import Json
from dashboard.language import _, ngettext
from dashboard.palette import BAD, CAREFUL, FAINT, GOOD, INK
from dashboard.sections import entry_form, entry_list

PLACE = "life"
LOOK = {"passed": (GOOD, "✓"), "not_passed": (BAD, "✕"), "cannot_tell": (CAREFUL, "?")}
FIELDS = ("passed", "by_name", "reason")


def show(life: Json) -> None:
    """Each gate stands with its answer, its reason and its numbers, and can be seen differently by name and text."""
    found, trial = life["gates"], life["trial"]["id"]
    gains = {gain["data"]["id"]: gain["data"]["title"] for gain in live.entries(trial, "gain")}
    held = live.entries(trial, "gate_override")
    overridden = {entry["data"]["gate"] for entry in held}
    asked: set[str] = set()
    for gate in (*found["new"], found["useful"], found["put_to_use"]):
        code = gate["name"]
        with st.container(border=True, key=f"gate:{code}:{gate['shown'].get('unit', '')}"):
            st.html(told(gate, gate_words.evidence(gate, gains, live.titles(), found["rests_on"])))
            if code in asked:
                continue  # one view counts in all units
            asked.add(code)
            form = f"{PLACE}:{code}"
            if code in overridden:
                entry_form.say(entry_form.pressed(form, trial, "gate_override", "new"))
                continue
            entry_form.offer(
                "gate_override",
                trial,
                place=form,
                given={"gate": code},
                only=FIELDS,
                title=_("See it differently"),
            )
    st.caption(
        _(
            "What was computed stays beside what somebody says against it. One view a gate; for nytt it counts in every unit."
        )
    )
    taken_back = any(change["passed"] is None for change in found["overrides"])
    if held or taken_back:
        words = ngettext("{n} different view of a gate", "{n} different views of the gates", len(held))
        with st.expander(words, icon=":material/person_raised_hand:", expanded=bool(held)):
            entry_list.show("gate_override", trial, held, place=PLACE, only=FIELDS)


def told(gate: Json, evidence: list[str]) -> str:
    """One gate as HTML: its name, how it stands, why, and what that rests on."""
    counts = gate_words.holds(gate)
    colour, mark = LOOK[counts]
    head = (
        f'<div style="display:flex;flex-wrap:wrap;gap:.2rem .7rem;align-items:baseline;color:{INK}">'
        f'<h3 style="margin:0;padding:0">{escape(gate_words.title(gate))}</h3>'
        f'<span style="color:{colour};font-weight:700">{mark} {escape(gate_words.outcome(counts))}</span></div>'
    )
    parts = [head]
    if gate["override"]:
        computed = _("Computed: {outcome}.").format(outcome=gate_words.outcome(gate["outcome"]))
        parts.append(f"<div><b>{escape(gate_words.held(gate['override']))}</b></div>")
        parts.append(f"<div>{escape(computed)} {escape(gate_words.reason(gate))}</div>")
    else:
        parts.append(f"<div>{escape(gate_words.reason(gate))}</div>")
    parts.append(f'<div style="color:{FAINT};font-size:.9rem">{escape(" ".join(evidence))}</div>')
    return f'<div style="overflow-wrap:anywhere;line-height:1.45">{"".join(parts)}</div>'
