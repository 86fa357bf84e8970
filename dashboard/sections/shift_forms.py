"""How far the forms of a registration have come: by day and shift, and as a share of those that are due."""

from __future__ import annotations

import streamlit as st

from dashboard import table
from dashboard.charts import forms, frame
from dashboard.client import Json
from dashboard.entry_choices import choice
from dashboard.facts import plain
from dashboard.language import _, day, ngettext, number, parse_day, percent
from dashboard.palette import CAREFUL
from dashboard.table import Column

HOMES_NAMED = 12


def named(plan: Json) -> str:
    """The registration in a line: its unit, its period, its days."""
    return " · ".join(
        [
            plan["unit"],
            choice("registration_plan", "period", plan["period"]),
            _("{first} to {last}").format(
                first=day(parse_day(plan["from_day"])), last=day(parse_day(plan["to_day"]))
            ),
        ]
    )


def show(plan: Json, required: float, *, place: str) -> None:
    """The forms of one registration stand on the page, each shift of each day, with n and the share required."""
    due, name = plan["due"]["total"], f"forms:{place}:{plan['entry']}"
    if not due["expected"]:
        st.caption(_("No form is due yet: it begins on {day}.").format(day=day(parse_day(plan["from_day"]))))
    else:
        said = _("**{made} of {n} forms that are due** are filled in ({share}).").format(
            made=number(due["made"]), n=number(due["expected"]), share=percent(due["ratio"])
        )
        if due["uncertain"]:
            said += " " + _("Under {required} every gain that rests on them is marked uncertain.").format(
                required=percent(required)
            )
        st.markdown(said)
    frame.place(
        name,
        forms.cells(plan),
        forms.ROW_HEIGHT_PX * len(plan["shifts"]) + 30,
        _("{plan}: {made} of {n} forms due are filled in.").format(
            plan=named(plan), made=number(due["made"]), n=number(due["expected"])
        ),
    )
    frame.legend([(forms.COLOURS[code], forms.state(code)) for code in forms.COLOURS])
    if due["expected"]:
        frame.place(
            f"{name}:shares",
            forms.shares(plan, required),
            34 * (1 + len(plan["due"]["by_shift"])) + 30,
            _("Share of forms filled in by shift; {required} are required.").format(
                required=percent(required)
            ),
        )
        frame.legend([(CAREFUL, _("{required} required").format(required=percent(required)))])
    _homes(plan)
    _table(name, plan)


def _homes(plan: Json) -> None:
    missing = [home for home in plan["homes_expected"] if home not in plan["homes_registered"]]
    if not missing:
        return
    codes = ", ".join(missing[:HOMES_NAMED]) + (" …" if len(missing) > HOMES_NAMED else "")
    st.caption(
        plain(
            ngettext(
                "{n} home of the unit has no line yet",
                "{n} homes of the unit have no line yet",
                len(missing),
            )
            + f": {codes}. "
            + _("Where there was nothing to do, say so in the form: no line is not counted as no work.")
        )
    )


def _table(name: str, plan: Json) -> None:
    table.beside(
        name,
        [
            {
                **form,
                "shift": choice("registration", "shift", form["shift"]),
                "said": forms.state(form["state"]),
            }
            for form in plan["forms"]
        ],
        [
            Column("day", _("Day"), "day"),
            Column("shift", _("Shift")),
            Column("said", _("Form")),
            Column("lines", _("Lines"), "number"),
            Column("homes", _("Homes"), "number"),
        ],
        every_row=lambda: plan["forms"],
    )
