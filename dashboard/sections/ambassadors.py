"""Ambassadors: how many are trained and active, by unit and by month; and those of a whole training entered at once."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import partial
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import entry_offers, live, registry, table
from dashboard.charts import counts
from dashboard.charts.counts import Count
from dashboard.client import ApiRefusedError, Json
from dashboard.entry_words import label
from dashboard.facts import plain
from dashboard.language import _, current, month, ngettext, number
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


def several(trial: str) -> None:
    """All who were at a training can be entered at once, a code a line; all of them or none, with the press that undoes it."""
    name = f"ambassadors:several:{trial}"

    @live.apart
    def unfold() -> None:
        key = f"{name}:{registry.turn(name)}"
        box = st.expander(
            _("Enter all who were at a training"),
            icon=":material/group_add:",
            key=f"{key}:open",
            on_change="rerun",
        )
        if box.open:
            with box:
                _several(trial, name, key)
        registry.say_refusal(name)
        answer = registry.answer_of(name)
        if answer is not None:
            st.success(answer["said"], icon=":material/check_circle:")
            if answer["entries"] and st.button(_("Undo"), icon=":material/undo:", key=f"undo:{key}"):
                registry.press(name, partial(_undo_all, answer["entries"]))

    unfold()


def _several(trial: str, name: str, key: str) -> None:
    facts = live.trial(trial)
    with st.form(key, border=False, enter_to_submit=False):
        codes = st.text_area(
            _("Codes, one a line"),
            help=_("A code of your own, such as amb-07; never a name."),
            key=f"{key}:codes",
        )
        unit = st.selectbox(label("ambassador", "unit"), facts["units"], key=f"{key}:unit")
        trained_on = st.date_input(
            label("ambassador", "trained_on"),
            value=datetime.now(ZoneInfo(facts["timezone"])).date(),
            format="DD/MM/YYYY" if current().code == "en" else "DD.MM.YYYY",
            key=f"{key}:day",
        )
        if not st.form_submit_button(
            _("Enter them"), type="primary", icon=":material/check:", key=f"{key}:go"
        ):
            return
    named = list(dict.fromkeys(code.strip() for code in re.split(r"[\n,;]", codes) if code.strip()))
    if not named:
        registry.refuse(name, _("“{field}” is empty: fill it in.").format(field=_("Codes, one a line")))
    elif isinstance(trained_on, date) and unit is not None:
        registry.press(name, partial(_enter_all, trial, named, unit, trained_on.isoformat()))


def _enter_all(trial: str, codes: list[str], unit: str, trained_on: str) -> Json:
    """Each is trained from that day on. Whoever was named before keeps the unit; where one is refused, none is entered."""
    client = live.client()
    known = {each["data"]["code"]: each for each in client.entries(trial, "ambassador")}
    entered: list[Json] = []
    try:
        for code in codes:
            before = known.get(code)
            if before is None:
                values = {"code": code, "unit": unit, "trained_on": trained_on}
                entered.append(client.enter(trial, "ambassador", values))
            elif not before["data"].get("trained_on"):
                values = {**before["data"], "trained_on": trained_on}
                entered.append(client.change_entry(before["entry"], before["version"], values))
    except ApiRefusedError:
        _undo_all(entered)
        raise
    _forget()
    said = ngettext(
        "{n} ambassador is entered as trained.", "{n} ambassadors are entered as trained.", len(entered)
    )
    left = len(codes) - len(entered)
    if left:
        said += " " + ngettext("{n} was so before.", "{n} were so before.", left)
    return {"said": said, "entries": entered}


def _undo_all(entered: list[Json]) -> Json:
    for entry in reversed(entered):
        live.client().step_back(entry["entry"], entry["version"], "undo")
    _forget()
    return {
        "said": ngettext("{n} is as it was before.", "{n} are as they were before.", len(entered)),
        "entries": [],
    }


def _forget() -> None:
    live.forget_trials()
    entry_offers.forget()


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
