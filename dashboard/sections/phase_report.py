"""A phase told from what is there, on the page and as a file to print: goals, what was done, money, results, decision."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from dashboard import gate_words, live
from dashboard.client import Json
from dashboard.entry_words import label
from dashboard.language import (
    _,
    between,
    current,
    day,
    money,
    number,
    parse_day,
    percent,
    signed,
)
from dashboard.palette import FAINT, INK
from dashboard.sections import phases
from dashboard.wording import (
    coverage_note,
    evidence,
    homes,
    known_indicator,
    rate_note,
    rate_value,
    share_interval,
    share_value,
)

ASKED = "report"

STYLE = f"""<style>
.told {{color: {INK}; max-width: 46rem; line-height: 1.45; overflow-wrap: anywhere}}
.told h2 {{font-size: 1.15rem; margin: 1.1rem 0 .2rem; padding: 0}} .told h1 {{font-size: 1.5rem; margin: 0; padding: 0}}
.told ul {{margin: .2rem 0}} .told .small {{color: {FAINT}; font-size: .9rem}}
.told section {{break-inside: avoid}}
@page {{size: A4; margin: 18mm}}
</style>"""


def offer(life: Json) -> None:
    """Each phase that has begun can be opened as a report."""
    begun = [phase for phase in life["phases"] if phase["began_on"] is not None]
    if not begun:
        return
    st.caption(_("A report of a phase, made from what is there:"))
    with st.container(horizontal=True, gap="small"):
        for phase in begun:
            name = phase["phase"]
            st.button(
                phases.name(name),
                icon=":material/description:",
                key=f"phase-report:{name}",
                on_click=_open,
                args=(name,),
            )


def asked(life: Json) -> bool:
    """The report in the address stands on the page, with the way back; False where none is asked for."""
    phase = st.query_params.get(ASKED)
    if phase not in [each["phase"] for each in life["phases"] if each["began_on"]] or phase is None:
        return False
    report = live.phase_report(life["trial"]["id"], phase)
    gains = {gain["data"]["id"]: gain["data"]["title"] for gain in live.entries(life["trial"]["id"], "gain")}
    body = told(report, gains, live.titles())
    with st.container(horizontal=True, gap="small"):
        st.button(_("Back to the whole trial"), icon=":material/arrow_back:", on_click=_open, args=(None,))
        st.download_button(
            _("Download to print"),
            _page(report, body),
            file_name=f"{life['trial']['id']}-{phase}.html",
            mime="text/html",
            icon=":material/print:",
            on_click="ignore",
            key=f"print:{phase}",
        )
    st.html(STYLE + body)
    return True


def told(report: Json, gains: gate_words.Titles, trials: gate_words.Titles) -> str:
    """The report as HTML. Whatever nobody entered is said to be missing."""
    phase, trial = report["phase"], report["trial"]
    span = _("{first} to {last}").format(
        first=day(parse_day(report["from_day"])), last=day(parse_day(report["to_day"]))
    )
    head = [trial["title"], ", ".join(trial["units"]), span]
    if phase["owner"]:
        head.append(_("answers for it: {role}").format(role=phase["owner"]))
    title = _("Report of a phase: {phase}").format(phase=phases.name(phase["phase"]))
    parts = [
        _section(_("What it was to reach"), phases.goals(phase) or _small(_("No goals were entered."))),
        _section(_("What was done"), _cycles(report["cycles"])),
        _section(_("What it cost"), _money(report)),
        _section(_("What it showed"), _results(report)),
        _section(_("How it stands at the gates"), _gates(report["gates"], gains, trials)),
        _section(
            _("What was decided"),
            _list([phases.decision(each) for each in phase["decisions"]])
            or _small(_("Nothing is decided yet.")),
        ),
    ]
    foot = _("Figures as of {day}, from what was entered and recorded about the time until then.").format(
        day=day(parse_day(report["to_day"]))
    )
    return f'<div class="told"><h1>{escape(title)}</h1>{_small(" · ".join(head))}{"".join(parts)}{_small(foot)}</div>'


def _open(phase: str | None) -> None:
    if phase is None:
        st.query_params.pop(ASKED, None)
    else:
        st.query_params[ASKED] = phase


def _page(report: Json, body: str) -> str:
    """The report as a page of its own: nothing is fetched from anywhere, and it prints on A4."""
    title = f"{report['trial']['title']} · {phases.name(report['phase']['phase'])}"
    return (
        f'<!doctype html><html lang="{current().code}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>{STYLE}</head>'
        f'<body style="font-family: system-ui, sans-serif">{body}</body></html>'
    )


def _cycles(cycles: Sequence[Json]) -> str:
    if not cycles:
        return _small(_("No round of need, solution and test was entered in this phase."))
    found = []
    for each in cycles:
        said = each["cycle"]
        parts = [
            f"{label('cycle', part)}: {said[part]}"
            for part in ("need", "solution", "test", "learned", "next_step")
            if said[part]
        ]
        if said["people"] is not None:
            parts.append(_("People: {n}").format(n=number(said["people"])))
        if each["missing"]:
            named = ", ".join(label("cycle", part) for part in each["missing"])
            parts.append(_("Still to be written down: {parts}.").format(parts=named))
        title = _("Round {n}").format(n=number(said["number"]))
        found.append(f"<section><b>{escape(title)}</b>{_list(parts)}</section>")
    return "".join(found)


def _money(report: Json) -> str:
    phase, currency = report["phase"], report["trial"]["currency"]
    lines = []
    if phase["budget"] is not None:
        lines.append(_("Budget: {amount}").format(amount=money(phase["budget"], currency)))
    spent = _("Spent: {amount}").format(amount=money(phase["spent"], currency))
    if phase["over_budget"]:
        spent += " (" + _("{amount} over the budget").format(
            amount=money(phase["spent"] - phase["budget"], currency)
        ) + ")"  # fmt: skip
    lines.append(spent)
    for paid in report["payments"]:
        payer = paid["payer"] or _("Nobody said who paid")
        lines.append(f"{payer}: {money(paid['amount'], currency)} ({', '.join(paid['items'])})")
    return _list(lines)


def _results(report: Json) -> str:
    found = report["results"]
    if found is None:
        return _small(_("Nothing was measured: the trial’s first day in homes comes after this phase."))
    started = next((step for step in found["funnel"]["steps"] if step["step"] == "started"), None)
    lines = [_("In {homes}.").format(homes=homes(found["homes"]))]
    if started is not None and started["share"] is not None:
        lines.append(
            _("Started using it: {value}, {interval}").format(
                value=share_value(started["share"]), interval=share_interval(started["share"])
            )
        )
    if report["trial"]["usage_class"] == "standby":
        ratio = found["coverage"]["ratio"]
        lines.append(
            _("In contact: {value} · {note}").format(
                value="–" if ratio is None else number(ratio * 100, 1) + " %",
                note=coverage_note(found["coverage"], found["homes"]),
            )
        )
    else:
        lines.append(
            _("Days in use: {value} · {note}").format(
                value=rate_value(found["use_day_rate"]), note=rate_note(found["use_day_rate"])
            )
        )
        share = found["sustained"]["share"]
        lines.append(
            _("Became a habit: {value}, {interval}").format(
                value=share_value(share), interval=share_interval(share)
            )
        )
    lines += [_gain(gain) for gain in found["gains"]]
    return _list([*lines, *_harms(found)])


def _gain(gain: Json) -> str:
    """A gain with its change, interval, n and level, or that there is none yet."""
    change = gain["change"]
    what = "".join(f" ({words})" for words in known_indicator(gain["indicator"]))
    words = f"{gain['title']}{what}: "
    if change["estimate"] is None:
        return words + _("not measured yet")
    if change["low"] is None or change["high"] is None:
        return words + _("change {change}, n = {n}; too few for an interval").format(
            change=signed(change["estimate"]), n=number(change["n"])
        )
    words += _("change {change} (95% interval {range}), n = {n}").format(
        change=signed(change["estimate"]), range=between(change["low"], change["high"]), n=number(change["n"])
    )
    words += f". {evidence(change['level'])}"
    return words + (". " + _("Uncertain: too little was registered") if gain["uncertain"] else "")


def _harms(found: Json) -> list[str]:
    """Harms, and adverse events with how many homes may still have one where none had."""
    named = "; ".join(each["harm"]["title"] for each in found["harms"])
    harms = _("Harms entered: {n}").format(n=number(len(found["harms"])))
    share = found["adverse"]["homes"]
    events = _("Adverse events: {events}, in {count} of {of}").format(
        events=number(found["adverse"]["events"]),
        count=number(share["homes_with_event"]),
        of=homes(share["homes"]),
    )
    if not share["homes_with_event"] and share["at_most"] is not None:
        events += " " + _("(so it may be up to {share} of homes like these)").format(
            share=percent(share["at_most"])
        )
    return [harms + (f": {named}" if named else ""), events]


def _gates(found: Json, gains: gate_words.Titles, trials: gate_words.Titles) -> str:
    lines = []
    for gate in (*found["new"], found["useful"], found["put_to_use"]):
        parts = [f"{gate_words.title(gate)}: {gate_words.outcome(gate_words.holds(gate))}."]
        if gate["override"]:
            parts.append(gate_words.held(gate["override"]))
            parts.append(_("Computed: {outcome}.").format(outcome=gate_words.outcome(gate["outcome"])))
        parts.append(gate_words.reason(gate))
        parts += gate_words.evidence(gate, gains, trials, found["rests_on"])
        lines.append(" ".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in parts))
    return _list(lines)


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _list(lines: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>" if lines else ""


def _small(text: str) -> str:
    return f'<p class="small">{escape(text)}</p>'
