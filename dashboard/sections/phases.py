"""The way of a trial from the idea to the line: where it is, what each phase was to reach, and what it cost."""

from __future__ import annotations

from datetime import date, timedelta
from html import escape

import streamlit as st

from dashboard import live
from dashboard.address import href
from dashboard.client import Json
from dashboard.entry_choices import choice
from dashboard.facts import plain
from dashboard.language import _, day, money, ngettext, parse_day, percent, sentence
from dashboard.palette import BAD, FAINT, GRID, INK, USED
from dashboard.sections import entry_form

PLACE = "life"
FIELDS = ("starts_on", "ends_on", "owner", "effect_goals", "result_goals", "budget")
MARKS = {"past": "✓", "current": "●", "ahead": "", "left_out": "–"}

STYLE = f"""<style>
ol.way {{list-style: none; display: flex; margin: .4rem 0 .6rem !important; padding: 0 !important; color: {INK}}}
ol.way li {{flex: 1; position: relative; padding: 0 .4rem; text-align: center; font-size: .92rem; margin: 0 !important}}
.way li::before {{content: ""; position: absolute; top: 1rem; left: calc(-50% + 1rem); width: calc(100% - 2rem);
 border-top: 2px solid {GRID}}}
.way li:first-child::before {{display: none}}
.way .mark {{display: inline-flex; align-items: center; justify-content: center; width: 2rem; height: 2rem;
 border-radius: 50%; border: 2px solid {FAINT}; background: #fff; color: {INK}; font-weight: 700}}
.way .past .mark {{border-color: {USED}; color: {USED}}}
.way .current .mark {{border-color: {USED}; background: {USED}; color: #fff}}
.way .left_out, .way .ahead {{color: {FAINT}}}
.way .name {{display: block; font-weight: 600; margin-top: .25rem}}
.way small {{display: block; color: {FAINT}; line-height: 1.3}}
@media (max-width: 640px) {{
 ol.way {{flex-direction: column; gap: .7rem}}
 ol.way li {{display: grid; grid-template-columns: 2.7rem 1fr; text-align: left; padding: 0; min-height: 2.5rem}}
 .way li::before {{top: -1.2rem; left: 1rem; width: 0; height: 1.2rem; border-top: 0; border-left: 2px solid {GRID}}}
 .way .mark {{grid-row: span 2}} .way .name {{margin-top: 0}}
}}
</style>"""


def name(code: str) -> str:
    """The phase in the reader's words, as a title."""
    return sentence(choice("phase", "phase", code))


def state(code: str) -> str:
    """Where a phase stands on the way."""
    return {
        "past": _("over"),
        "current": _("now"),
        "ahead": _("ahead"),
        "left_out": _("left out"),
    }.get(code, code)


def path(life: Json) -> None:
    """The phases stand in their order, with a mark for where the trial is."""
    steps = "".join(
        f'<li class="{escape(phase["state"])}"{" aria-current=step" if phase["state"] == "current" else ""}>'
        f'<span class="mark" aria-hidden="true">{MARKS[phase["state"]]}</span>'
        f'<span class="name">{escape(name(phase["phase"]))}</span>'
        f"<small>{escape(_when(phase))}</small></li>"
        for phase in life["phases"]
    )
    words = _("The way of the trial")
    st.html(f'{STYLE}<ol class="way" aria-label="{escape(words)}">{steps}</ol>')


def what_is_next(life: Json) -> None:
    """What keeps the trial from going on, or what to enter first, stands on the page."""
    trial, current = life["trial"]["id"], life["current"]
    if life["start_waits_for"] and current in (None, "idea", "pre_study", "pre_project"):
        words = ngettext(
            "The main project cannot begin: {n} planned gain has no baseline. Measure it, or waive it with a reason.",
            "The main project cannot begin: {n} planned gains have no baseline. Measure them, or waive them with a reason.",
            len(life["start_waits_for"]),
        )
        gains = _("The gains")
        st.warning(f"{words} [{gains}]({href('entries', trial=trial, kind='gain')})", icon=":material/flag:")
    if current is None:
        st.info(
            _(
                "No phase has begun. Enter the first one below: what it is to reach, who answers for it, and from when."
            ),
            icon=":material/route:",
        )
        return
    told = next(phase for phase in life["phases"] if phase["phase"] == current)
    if told["days_over"]:
        words = ngettext(
            "Its last day was yesterday. Decide what comes now, or give it more time.",
            "Its last day was {n} days ago. Decide what comes now, or give it more time.",
            told["days_over"],
        )
        st.warning(f"{plain(name(current))}: {words}", icon=":material/schedule:")


def cards(life: Json) -> None:
    """Each phase with its goals, money and decisions, and the form to enter or change it."""
    currency, trial = life["trial"]["currency"], life["trial"]["id"]
    for phase in life["phases"]:
        with st.container(border=True, key=f"phase:{phase['phase']}"):
            st.html(_card(phase, currency))
            if phase["phase"] != "stopped":
                _form(phase, trial)


def budget(life: Json) -> None:
    """What was spent stands against what may be spent, for all phases and for each."""
    currency = life["trial"]["currency"]
    if not life["budget"] and not life["spent"]:
        st.caption(_("Neither a budget nor a payment is entered yet. A budget belongs to a phase."))
        return
    rows = [(_("All phases"), life["spent"], life["budget"])]
    rows += [
        (name(phase["phase"]), phase["spent"], phase["budget"])
        for phase in life["phases"]
        if phase["spent"] or phase["budget"]
    ]
    st.html("".join(_bar(title, spent, whole, currency) for title, spent, whole in rows))


def goals(phase: Json) -> str:
    """The phase's goals as HTML; empty where it has none."""
    parts = []
    for title, lines in (
        (_("Effect goals"), phase["effect_goals"]),
        (_("Result goals"), phase["result_goals"]),
    ):
        if lines:
            items = "".join(f"<li>{escape(line)}</li>" for line in lines)
            parts.append(
                f'<div style="margin-top:.3rem"><b>{escape(title)}</b><ul style="margin:.1rem 0 0">{items}</ul></div>'
            )
    return "".join(parts)


def decision(taken: Json) -> str:
    """A decision in one sentence: when, what, who, why."""
    said = taken["decision"]
    words = choice("decision", "decision", said["decision"])
    if said["next_phase"]:
        words += f" → {choice('decision', 'next_phase', said['next_phase'])}"
    return _("{day}: {decision} ({roles}). {reason}").format(
        day=day(parse_day(said["decided_on"])),
        decision=words,
        roles=said["decided_by"],
        reason=said["reason"],
    )


def _card(phase: Json, currency: str) -> str:
    about = [state(phase["state"]), _when(phase)]
    if phase["owner"]:
        about.append(_("answers for it: {role}").format(role=phase["owner"]))
    if phase["entry"] is None and phase["phase"] != "stopped":
        about.append(_("nothing is entered about it yet"))
    decisions = "".join(f"<li>{escape(decision(each))}</li>" for each in phase["decisions"])
    title = _("Decisions")
    told = f'<div style="margin-top:.3rem"><b>{escape(title)}</b><ul style="margin:.1rem 0 0">{decisions}</ul></div>'
    spent = phase["spent"] or phase["budget"]
    return (
        f'<div style="color:{INK};overflow-wrap:anywhere"><h3 style="margin:0;padding:0">{escape(name(phase["phase"]))}</h3>'
        f'<div style="color:{FAINT};font-size:.88rem">{escape(" · ".join(each for each in about if each))}</div>'
        f"{goals(phase)}{told if decisions else ''}"
        f"{_bar('', phase['spent'], phase['budget'], currency) if spent else ''}</div>"
    )


def _form(phase: Json, trial: str) -> None:
    given = {"phase": phase["phase"]}
    if phase["entry"] is None:
        title = _("Enter this phase: goals, dates, budget, owner")
        entry_form.offer(
            "phase", trial, place=f"{PLACE}:{phase['phase']}", given=given, only=FIELDS, title=title
        )
        return
    entry = next((each for each in live.entries(trial, "phase") if each["entry"] == phase["entry"]), None)
    if entry is not None:
        entry_form.offer(
            "phase", trial, place=PLACE, entry=entry, given=given, only=FIELDS, title=_("Change this phase")
        )  # fmt: skip


def _when(phase: Json) -> str:
    """The days of a phase: from when to when, really or as planned."""
    first = parse_day(phase["began_on"] or phase["starts_on"])
    if first is None:
        return ""
    left = parse_day(phase["left_on"])
    last: date | None = left - timedelta(days=1) if left else parse_day(phase["ends_on"])
    if phase["state"] == "ahead":
        return _("planned from {day}").format(day=day(first))
    if last is None or last < first:
        return _("from {first}").format(first=day(first))
    return _("{first} to {last}").format(first=day(first), last=day(last))


def _bar(title: str, spent: float, whole: float | None, currency: str) -> str:
    """Spent of budget as a bar and in words."""
    if whole is None:
        words = _("{spent} spent; no budget is entered").format(spent=money(spent, currency))
    else:
        words = _("{spent} of {budget} spent ({share})").format(
            spent=money(spent, currency),
            budget=money(whole, currency),
            share=percent(spent / whole if whole else None),
        )
    over = whole is not None and spent > whole
    if over and whole is not None:
        words += " · " + _("{amount} over the budget").format(amount=money(spent - whole, currency))
    width = 0.0 if not whole else min(spent / whole, 1.0) * 100
    bar = (
        f'<div aria-hidden="true" style="height:.7rem;border:1px solid {FAINT};border-radius:4px;overflow:hidden;'
        f'max-width:30rem;background:#fff"><div style="height:100%;width:{width:.1f}%;background:{BAD if over else USED}">'
        "</div></div>"
    )
    return (
        f'<div style="margin:.45rem 0;color:{INK}">{f"<b>{escape(title)}</b> " if title else ""}'
        f'<span style="font-size:.9rem">{escape(words)}</span>{bar if whole else ""}</div>'
    )
