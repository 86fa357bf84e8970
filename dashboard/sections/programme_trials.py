"""A programme's trials side by side: how each stands at the gates, whether it is used unit by unit, and what it gives."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboard import gate_words, table
from dashboard.client import Json
from dashboard.facts import fact, plain
from dashboard.gain_sentences import decimals, verdict
from dashboard.language import _, between, ngettext, number, percent, signed, titled
from dashboard.palette import FAINT, GRID, INK
from dashboard.sections import phases
from dashboard.sections.gates import LOOK
from dashboard.sections.parts import bar_between
from dashboard.table import Column
from dashboard.wording import (
    coverage_note,
    coverage_title,
    coverage_value,
    evidence,
    homes,
    rate_note,
    rate_value,
    share_interval,
    share_value,
    usage_class,
)

GAINS_SHOWN = 3


def cards(programme: Json) -> None:
    """One card a trial."""
    st.header(_("Trials"), anchor=False)
    if not programme["trials"]:
        st.info(
            _(
                "No trial that you may see belongs to this programme. A trial names its programme in its folder "
                "(trial.toml: programme), or when an idea is turned into it."
            ),
            icon=":material/inventory_2:",
        )
    for trial in programme["trials"]:
        with st.container(border=True, key=f"programme:{trial['trial']['id']}"):
            _card(trial, programme["programme"]["name"])


def by_gate(programme: Json) -> None:
    """How many of the programme's technologies stand how at each gate, and each technology by itself."""
    found = programme["technologies"]
    if not found:
        return
    st.header(_("Technologies by gate"), anchor=False)
    st.html("".join(_gate_bar(count) for count in programme["gates"]))
    st.caption(
        _(
            "All technologies of the programme’s trials are counted, so these are no samples. A technology counts at a gate "
            "as the best of its trials does."
        )
    )
    table.beside(
        f"gates-{programme['programme']['name']}",
        [
            {
                "technology": titled(each["titles"], each["technology"]),
                "trials": len(each["trials"]),
                **{gate["gate"]: gate_words.outcome(each[gate["gate"]]) for gate in programme["gates"]},
            }
            for each in found
        ],
        [
            Column("technology", _("Technology")),
            Column("trials", _("Trials"), "number"),
            *(Column(gate["gate"], _gate(gate["gate"])) for gate in programme["gates"]),
        ],
        every_row=lambda: [{**each, "titles": None, "trials": " ".join(each["trials"])} for each in found],
    )


def _card(told: Json, programme: str) -> None:
    trial = told["trial"]
    title, link = st.columns([4, 1], vertical_alignment="center")
    with title:
        st.subheader(plain(trial["title"]), anchor=False)
        about = [titled(trial["technology_titles"], trial["technology"]), usage_class(trial["usage_class"])]
        about += [", ".join(trial["units"]), homes(told["homes"])]
        if told["phase"]:
            about.append(_("phase: {phase}").format(phase=phases.name(told["phase"])))
        if trial["programme"] != programme:
            about.append(trial["programme"])
        st.caption(plain(" · ".join(about)))
    with link:
        st.page_link(
            "views/trial.py",
            label=_("Open the trial"),
            icon=":material/arrow_forward:",
            query_params={"trial": trial["id"]},
        )
    st.html(_gates(told["gates"]))
    used, gives = st.columns(2, gap="medium")
    with used:
        fact(*_adoption(told, trial["usage_class"]))
        if len(told["units"]) > 1:
            st.html("".join(_unit(unit, trial["usage_class"]) for unit in told["units"]))
            st.caption(_("Units differ in who lives there; this is no ranking."))
    with gives:
        _gains(told["gains"])


def _adoption(part: Json, kind: str) -> tuple[str, str, str]:
    """The main figure of use for this kind of technology: its name, its value and what that rests on."""
    due = part["participation"]
    if kind == "standby":
        return (
            coverage_title(part["coverage"]),
            coverage_value(part["coverage"]),
            coverage_note(part["coverage"], part["homes"]),
        )
    if due is not None and due["done"]["of"]:
        return _("Done in time"), share_value(due["done"]), share_interval(due["done"])
    return _("Share of days in use"), rate_value(part["use_day_rate"]), rate_note(part["use_day_rate"])


def _unit(unit: Json, kind: str) -> str:
    _title, value, note = _adoption(unit, kind)
    rate, coverage, due = unit["use_day_rate"], unit["coverage"], unit["participation"]
    if kind == "standby":
        point = coverage["ratio"] if coverage["show"] == "point" else None
        bar = bar_between(coverage["ratio"], coverage["upper"], point)
    elif due is not None and due["done"]["of"]:
        bar = bar_between(due["done"]["low"], due["done"]["high"], due["done"]["ratio"])
    else:
        bar = bar_between(rate["lower"], rate["upper"], rate["point"] if rate["show"] == "point" else None)
    small = f"font-size:.85rem;color:{FAINT};line-height:1.35"
    return (
        f'<div style="padding:.1rem 0 .6rem;line-height:1.35;overflow-wrap:anywhere;color:{INK}">'
        f'<b>{escape(unit["unit"])}</b> <span style="{small}">{escape(homes(unit["homes"]))}</span>{bar}'
        f'<div>{escape(value)} <span style="{small}">{escape(note)}</span></div></div>'
    )


def _gains(gains: list[Json]) -> None:
    if not gains:
        st.info(_("No gain is named yet."), icon=":material/flag:")
        return
    st.markdown("**" + _("Best evidenced gains") + "**")
    for gain in gains[:GAINS_SHOWN]:
        small = [evidence(gain["change"]["level"]), homes(gain["change"]["n"])]
        if gain["change"]["method"] == "interrupted":
            small[1] = ngettext("{n} point in time", "{n} points in time", gain["change"]["n"])
        if gain["uncertain"]:
            small.append(_("uncertain: too little registered"))
        if not gain["planned"]:
            small.append(_("not planned, but seen"))
        st.markdown(f"{plain(gain['title'])}: **{plain(verdict(gain))}** {plain(_change(gain))}")
        st.caption(plain(" · ".join(small)))
    words = _("Those that rest on most come first, whatever they show.")
    if len(gains) > GAINS_SHOWN:
        left = len(gains) - GAINS_SHOWN
        words += " " + ngettext(
            "{n} more stands on the trial’s page.", "{n} more stand on the trial’s page.", left
        )
    st.caption(words)


def _change(gain: Json) -> str:
    """The change with its interval; empty where nothing is measured, or a single item was asked, which has no mean."""
    change, fine = gain["change"], decimals(gain)
    if change["estimate"] is None or change["low"] is None:
        return "" if change["estimate"] is None else signed(change["estimate"], fine)
    return _("{change} (95% interval {interval})").format(
        change=signed(change["estimate"], fine), interval=between(change["low"], change["high"], fine)
    )


def _gates(gates: list[Json]) -> str:
    """The three gates in a line; the first counts units."""
    new = [gate for gate in gates if gate["gate"] == "new"]
    passed = sum(gate["holds"] == "passed" for gate in new)
    chips = []
    if new:
        worst = "passed" if passed == len(new) else new[0]["holds"] if len(new) == 1 else "cannot_tell"
        words = gate_words.outcome(new[0]["holds"])
        if len(new) > 1:
            words = _("in {passed} of {all} units").format(passed=number(passed), all=number(len(new)))
            worst = "passed" if passed else new[0]["holds"]
        chips.append(_chip("new", worst, words, any(gate["overridden"] for gate in new)))
    chips += [
        _chip(gate["gate"], gate["holds"], gate_words.outcome(gate["holds"]), gate["overridden"])
        for gate in gates
        if gate["gate"] != "new"
    ]
    return f'<div style="display:flex;flex-wrap:wrap;gap:.3rem .6rem">{"".join(chips)}</div>'


def _chip(gate: str, holds: str, words: str, overridden: bool) -> str:
    colour, mark = LOOK[holds]
    said = " · ".join([words, _("said by a person")] if overridden else [words])
    return (
        f'<span style="border:1px solid {GRID};border-radius:.4rem;padding:.15rem .55rem;font-size:.9rem;color:{INK}">'
        f'<b>{escape(_gate(gate))}</b> <span style="color:{colour};font-weight:600">{mark} {escape(said)}</span></span>'
    )


def _gate(code: str) -> str:
    return {
        "new": _("New (nytt)"),
        "useful": _("Useful (nyttig)"),
        "put_to_use": _("Put to use (nyttiggjort)"),
    }[code]


def _gate_bar(count: Json) -> str:
    parts = [(state, count[state]) for state in ("passed", "cannot_tell", "not_passed")]
    drawn = "".join(
        f'<div style="width:{100 * n / count["of"]:.1f}%;background:{LOOK[state][0]};'
        f'{"opacity:.35;" if state != "passed" else ""}"></div>'
        for state, n in parts
        if n
    )
    words = " · ".join(
        f"{LOOK[state][1]} {gate_words.outcome(state)}: {number(n)}" for state, n in parts if n
    )
    share = _("{passed} of {of} technologies ({share})").format(
        passed=number(count["passed"]), of=number(count["of"]), share=percent(count["passed"] / count["of"])
    )
    return (
        f'<div style="padding:.2rem 0 .7rem;color:{INK};line-height:1.4"><b>{escape(_gate(count["gate"]))}</b> {escape(share)}'
        f'<div aria-hidden="true" style="display:flex;height:10px;margin:.25rem 0;overflow:hidden">{drawn}</div>'
        f'<div style="font-size:.85rem;color:{FAINT}">{escape(words)}</div></div>'
    )
