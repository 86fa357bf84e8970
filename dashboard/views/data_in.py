"""Data in: what is registered about a trial, what is missing, and the ways in which it comes in."""

from __future__ import annotations

import streamlit as st

from dashboard import live
from dashboard.address import choose, href
from dashboard.client import Json
from dashboard.entry_choices import choice
from dashboard.entry_words import label, many
from dashboard.facts import plain
from dashboard.language import _, ngettext, number
from dashboard.questionnaire_words import title
from dashboard.sections import (
    entry_form,
    entry_list,
    feedback,
    links,
    missing,
    shift_forms,
    visit_list,
    which,
)

PLACE = "data"
EVERY_SECONDS = 60
PERIODS = ("before", "after")


def show() -> None:
    """The chosen way in of the trial in the address stands on the page; first of all what is missing."""
    st.title(_("Data in"), anchor=False)
    _data()


@live.refreshed(EVERY_SECONDS)
def _data() -> None:
    trial = which.trial()
    if trial is None:
        return
    tasks = {
        "missing": _("What is missing"),
        "visits": _("Visit list"),
        "shifts": _("Forms of the shifts"),
        "questionnaires": _("Questionnaires"),
        "measures": many("measure"),
        "series": many("series_point"),
        "costs": many("cost"),
        "feedback": many("feedback"),
    }
    task = choose("do", _("What to do"), list(tasks), tasks.__getitem__, st.pills, default="missing")
    st.header(tasks[task], anchor=False)
    if task == "missing":
        missing.show(trial, live.registrations(trial))
    elif task == "visits":
        visit_list.show(trial)
    elif task == "shifts":
        _shifts(trial, live.registrations(trial))
    elif task == "questionnaires":
        _questionnaires(trial)
    elif task == "feedback":
        feedback.show(trial)
    else:
        kind = {"measures": "measure", "series": "series_point", "costs": "cost"}[task]
        entry_form.offer(kind, trial, place=PLACE)
        entry_list.show(kind, trial, live.entries(trial, kind), place=PLACE)


def _shifts(trial: str, told: Json) -> None:
    """The times of registering: how far each has come, and the link that staff open on their phones."""
    st.markdown(
        _(
            "Staff register {days} days before and {days} after, every shift, with the same form. A shift that had nothing to "
            "register says so: that is a form, too."
        ).format(days=number(told["registration_days"]))
    )
    form = _("Open the form of the shift under way")
    st.markdown(f":material/edit_note: [{form}]({href('shift', trial=trial)})")
    entry_form.offer("registration_plan", trial, place=PLACE, title=_("Plan a time of registering"))
    plans = {each["entry"]: each for each in told["plans"]}

    def beneath(entry: Json) -> None:
        plan = plans.get(entry["entry"])
        if plan is not None:
            shift_forms.show(plan, told["ratio_required"], place=PLACE)
            links.offer(
                "shift", _("Link and code for staff"), trial=trial, unit=plan["unit"], period=plan["period"]
            )

    entry_list.show(
        "registration_plan", trial, live.entries(trial, "registration_plan"), place=PLACE, beneath=beneath
    )


def _questionnaires(trial: str) -> None:
    """Which homes have answered, the links to send, and the way to type in what came back on paper."""
    told = live.questionnaires(trial)
    offered = {each["key"]: each for each in told["questionnaires"]}
    key = choose(
        "instrument", label("answer", "instrument"), list(offered), lambda code: title(offered[code]), st.selectbox,
        default=next(iter(offered)),
    )  # fmt: skip
    asked = offered[key]
    taking_part = live.registrations(trial)["homes"]
    homes = [each["home"] for each in taking_part]
    ended = {each["home"] for each in taking_part if each["ended_on"]}
    for period in PERIODS:
        given = [each for each in told["answers"] if each["instrument"] == key and each["period"] == period]
        name = choice("answer", "period", period).capitalize()
        if asked["answered_by"] == "staff":
            said = ngettext("{n} answer", "{n} answers", len(given))
        else:
            answered = {each["home"] for each in given}
            said = _("{n} of {homes} homes have a filled-in form").format(
                n=number(len(answered.intersection(homes))), homes=number(len(homes))
            )
            left = [home for home in homes if home not in answered | ended]
            if left and answered:
                said += " · " + _("Missing: {homes}").format(homes=", ".join(left))
        paper = _("type in from paper")
        go = href("questionnaire", trial=trial, instrument=key, period=period, way="paper")
        st.markdown(f"**{name}**: {plain(said)} · [{paper}]({go})")
    _link(trial, asked, [home for home in homes if home not in ended])
    st.subheader(many("instrument"), anchor=False)
    entry_form.offer("instrument", trial, place=PLACE)
    entry_list.show("instrument", trial, live.entries(trial, "instrument"), place=PLACE)


def _link(trial: str, asked: Json, homes: list[str]) -> None:
    """The address of this form for one home (of staff: one unit) and period, to send or to scan."""
    staff = asked["answered_by"] == "staff"
    codes = live.registrations(trial)["units"] if staff else homes
    if not codes:
        return
    left, right = st.columns(2)
    with left:
        where = st.selectbox(
            _("Link for"), codes, key=f"{PLACE}:{trial}:{asked['key']}:where", persist_state="page"
        )
    with right:
        period = st.segmented_control(
            label("answer", "period"), PERIODS, default="before", required=True,
            key=f"{PLACE}:{trial}:{asked['key']}:period", format_func=lambda code: choice("answer", "period", code),
        )  # fmt: skip
    assert where is not None
    chosen = {"trial": trial, "instrument": asked["key"], "period": period or "before"}
    links.offer(
        "questionnaire",
        _("Link and code for {where}").format(where=plain(where)),
        **chosen,
        **{"unit" if staff else "home": where},
    )


if __name__ == "__main__":  # Streamlit runs a page as a script
    show()
