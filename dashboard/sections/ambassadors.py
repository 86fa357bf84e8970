"""Ambassadors: how many are trained and active, by unit and by month; never who."""

from __future__ import annotations

import streamlit as st

from dashboard import table
from dashboard.charts import counts
from dashboard.charts.counts import Count
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.language import _, month, ngettext, number
from dashboard.table import Column

ENTERED, COUNTED = "entries", "units_table"


def units(setting: Json, *, place: str = "") -> None:
    """Each unit's ambassadors stand on the page: trained of its staff, active of those, and where that is from."""
    told = [each for each in setting["by_unit"] if each["told_by"] is not None]
    if not told:
        return
    counts.show([Count(each["unit"], each["active"] or 0, each["trained"], _note(each)) for each in told])
    st.caption(
        _("Dark: active in the last 28 days. Pale: trained, and nothing entered for them in that time.")
    )
    too_many = [
        each["unit"] for each in told if each["staff"] is not None and each["trained"] > each["staff"]
    ]
    if too_many:
        st.warning(
            _(
                "More ambassadors than employees in {units}: correct “staff” in units.csv. Until then they are in no share."
            ).format(units=plain(", ".join(too_many))),
            icon=":material/rule:",
        )
    table.beside(
        f"ambassadors{place}",
        [{**each, "source": source(each["told_by"])} for each in setting["by_unit"]],
        [
            Column("unit", _("Unit")),
            Column("staff", _("Employees"), "number"),
            Column("trained", _("Trained"), "number"),
            Column("active", _("Active in 28 days"), "number"),
            Column("source", _("From")),
        ],
        every_row=lambda: [
            {name: each[name] for name in ("unit", "staff", "trained", "active", "told_by")}
            for each in setting["by_unit"]
        ],
    )


def months(setting: Json) -> None:
    """Month by month how many were trained, and how many of them did something."""
    if not setting["months"]:
        return
    counts.show(
        [
            Count(
                month(each["month"]),
                each["active"],
                each["trained"],
                ngettext("{n} thing done", "{n} things done", each["done"]),
            )
            for each in reversed(setting["months"])
        ]
    )
    st.caption(_("Active of those trained by the end of each month; the newest month so far."))


def source(told_by: str | None) -> str:
    """Where a unit's numbers of ambassadors are from."""
    return {ENTERED: _("what was entered one by one"), COUNTED: _("numbers in units.csv")}.get(
        told_by or "", _("nobody said")
    )


def _note(told: Json) -> str:
    of_staff = (
        _("{n} trained").format(n=number(told["trained"]))
        if told["staff"] is None
        else _("{n} trained of {staff} employees").format(
            n=number(told["trained"]), staff=number(told["staff"])
        )
    )
    parts = [
        of_staff if told["active"] is not None else of_staff + ", " + _("nobody said how many are active")
    ]
    entered = told["entered"]
    if entered is None:
        return " · ".join([*parts, source(told["told_by"])])
    did = [
        (entered["guided"], _("guided visitors")),
        (entered["handled_event"], _("handled an event")),
        (entered["helped_home"], _("helped a home")),
    ]
    parts += [f"{number(count)} × {words}" for count, words in did if count]
    if entered["waiting"]:
        parts.append(ngettext("{n} waits for training", "{n} wait for training", entered["waiting"]))
    return " · ".join(parts)
