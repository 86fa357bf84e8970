"""What is registered about a trial and what is missing: per gain the homes without a value before or after."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboard import table
from dashboard.address import href
from dashboard.client import Json
from dashboard.entry_choices import choice
from dashboard.facts import plain
from dashboard.language import _, day, ngettext, number, parse_day, percent
from dashboard.palette import CAREFUL, FAINT, GRID, INK, USED
from dashboard.sections import shift_forms
from dashboard.table import Column
from dashboard.wording import known_indicator

HOMES_NAMED = 12
PERIODS = ("before", "after")


def show(trial: str, told: Json) -> None:
    """Each gain says what it has and which homes lack a value, each registration which forms, and what else is there."""
    if not told["gains"]:
        st.info(
            _(
                "No gain is named yet, so nobody can say what is missing. Agree on what is to become better first."
            )
            + f" [{many_gains()}]({href('entries', trial=trial, kind='gain')})",
            icon=":material/flag:",
        )
    for gain in told["gains"]:
        with st.container(border=True):
            _gain(trial, gain)
    if told["gains"]:
        _table(trial, told["gains"])
    if told["plans"]:
        st.subheader(_("Forms of the shifts"), anchor=False)
        for plan in told["plans"]:
            total = plan["due"]["total"]
            _bar(
                shift_forms.named(plan),
                total["made"],
                total["expected"],
                _("{made} of {n} forms due").format(made=number(total["made"]), n=number(total["expected"])),
                required=told["ratio_required"],
            )
    st.subheader(_("Registered so far"), anchor=False)
    st.markdown("\n".join(f"- {_counted(each)}" for each in told["registered"]))


def many_gains() -> str:
    """What leads to the gains."""
    return _("Enter gains")


def way(gain: Json) -> str:
    """How the gain's values come in, in words."""
    return {
        "visits": _("from the visit list or from the forms of the shifts"),
        "questionnaire": _("from questionnaires"),
        "staff_questionnaire": _("from questionnaires of staff"),
        "measure": _("from single measurements"),
        "series": _("from counts for whole units"),
    }[gain["way"]]


def enter_at(trial: str, gain: Json, period: str) -> str:
    """The address at which the gain's values are entered."""
    if gain["way"] in ("questionnaire", "staff_questionnaire"):
        return href("questionnaire", trial=trial, instrument=gain["indicator"], period=period, way="paper")
    task = {"visits": "visits", "measure": "measures", "series": "series"}[gain["way"]]
    return href("data", trial=trial, do=task)


def _gain(trial: str, gain: Json) -> None:
    st.markdown(f"**{plain(gain['title'])}**")
    st.caption(plain(", ".join([*known_indicator(gain["indicator"]), way(gain)])))
    if gain["way"] == "series":
        for period, points in zip(PERIODS, gain["points"], strict=True):
            _bar(
                _period(period),
                min(points, gain["points_required"]),
                gain["points_required"],
                _("{n} periods counted, {required} needed").format(
                    n=number(points), required=number(gain["points_required"])
                ),
            )
    elif gain["way"] == "staff_questionnaire":
        for period, answers in zip(PERIODS, gain["answers"], strict=True):
            said = ngettext("{n} answer of staff", "{n} answers of staff", answers)
            st.markdown(plain(f"{_period(period)}: {said}"))
    for values in gain["homes"]:
        _homes(trial, gain, values)
    if gain["without_score"]:
        st.caption(
            ngettext(
                "{n} questionnaire has no score, because an item was left out.",
                "{n} questionnaires have no score, because an item was left out.",
                gain["without_score"],
            )
        )
    if gain["way"] not in ("questionnaire", "measure", "visits"):
        enter = _("Enter")
        st.markdown(f"[{enter}]({enter_at(trial, gain, 'after')})")


def _homes(trial: str, gain: Json, values: Json) -> None:
    due = values["with_value"] + len(values["missing"])
    _bar(
        _period(values["period"]),
        values["with_value"],
        due,
        _("{n} of {homes} homes due").format(n=number(values["with_value"]), homes=number(due)),
    )
    notes = []
    if values["missing"]:
        codes = ", ".join(values["missing"][:HOMES_NAMED])
        left = len(values["missing"]) - HOMES_NAMED
        if left > 0:
            codes += " " + _("and {n} more").format(n=number(left))
        notes.append(plain(_("Missing: {homes}").format(homes=codes)))
    if values["not_due"]:
        notes.append(ngettext("{n} home is not due yet", "{n} homes are not due yet", len(values["not_due"])))
    if values["gone"]:
        notes.append(
            ngettext(
                "{n} home left before it was measured, and is not among them",
                "{n} homes left before they were measured, and are not among them",
                len(values["gone"]),
            )
        )  # fmt: skip
    if values["missing"]:
        enter = _("Enter")
        notes.append(f"[{enter}]({enter_at(trial, gain, values['period'])})")
    if notes:
        st.caption(" · ".join(notes))


def _period(code: str) -> str:
    return choice("answer", "period", code).capitalize()


def _bar(name: str, made: int, of: int, text: str, *, required: float | None = None) -> None:
    """A share as a bar with its n; where a share is required, with a line at it."""
    share = made / of if of else 0.0
    mark = (
        f'<span style="position:absolute;left:{required:.1%};top:-2px;bottom:-2px;border-left:2px dashed {CAREFUL}" '
        f'title="{escape(_required(required))}"></span>'
        if required is not None
        else ""
    )
    st.html(
        f'<div style="color:{INK};font-size:.92rem;padding:.1rem 0"><div style="display:flex;flex-wrap:wrap;'
        f'justify-content:space-between"><span>{escape(name)}</span><span style="color:{FAINT}">{escape(text)}'
        f'{" · " + percent(share) if of else ""}</span></div><div style="position:relative;height:.5rem;'
        f'background:{GRID};border-radius:.25rem"><div style="width:{share:.1%};height:100%;background:{USED};'
        f'border-radius:.25rem"></div>{mark}</div></div>'
    )


def _required(ratio: float) -> str:
    return _("{required} required").format(required=percent(ratio))


def _counted(each: Json) -> str:
    names = {
        "visit": _("Visits"),
        "registration": _("Lines of shifts’ forms"),
        "answer": _("Filled-in questionnaires"),
        "measure": _("Measurements"),
        "series_point": _("Counts for a unit"),
        "cost": _("Costs"),
        "feedback": _("Feedback in free words"),
    }
    said = f"{names[each['kind']]}: **{number(each['total'])}**"
    if each["before"] is not None and each["total"]:
        said += " " + _("({before} before, {after} after)").format(
            before=number(each["before"]), after=number(each["after"])
        )
    if each["last_on"]:
        said += " · " + _("newest {day}").format(day=day(parse_day(each["last_on"])))
    return said


def _table(trial: str, gains: list[Json]) -> None:
    rows = [
        {
            "gain": gain["title"],
            "indicator": ", ".join(known_indicator(gain["indicator"])) or None,
            "period": choice("answer", "period", values["period"]),
            "with_value": values["with_value"],
            "missing": len(values["missing"]),
            "not_due": len(values["not_due"]),
            "gone": len(values["gone"]),
            "homes": ", ".join(values["missing"]),
        }
        for gain in gains
        for values in gain["homes"]
    ]
    if not rows:
        return
    table.beside(
        f"missing-{trial}",
        rows,
        [
            Column("gain", _("Gain")),
            Column("indicator", _("Indicator")),
            Column("period", _("Period")),
            Column("with_value", _("Homes with a value"), "number"),
            Column("missing", _("Homes without"), "number"),
            Column("not_due", _("Not due yet"), "number"),
            Column("gone", _("Left before"), "number"),
            Column("homes", _("Which homes are missing")),
        ],
    )
