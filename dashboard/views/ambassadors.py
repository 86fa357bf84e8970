"""Ambassadors: what they did is entered in a few presses, and who is trained; by code, never by name."""

from __future__ import annotations

from collections import defaultdict

import streamlit as st

from dashboard import live
from dashboard.client import Json
from dashboard.entry_words import empty, many
from dashboard.facts import fact, plain
from dashboard.language import _, day, ngettext, number, parse_day
from dashboard.sections import ambassadors, entry_form, entry_list, which
from dashboard.wording import share_interval, share_value

PLACE = "ambassadors"
DEED = ("ambassador", "what", "done_on", "home")


def show() -> None:
    """The ambassadors of the trial in the address stand on the page."""
    st.title(_("Ambassadors"), anchor=False)
    st.caption(
        _(
            "Employees trained to show and help with the technology. A code for each, never a name: who has which code stays "
            "in the unit. This is about how the service takes it up, and is no measure of single employees."
        )
    )
    _ambassadors()


@live.refreshed(live.REPORT_EVERY_SECONDS)
def _ambassadors() -> None:
    trial = which.trial()
    if trial is None:
        return
    people, done = live.entries(trial, "ambassador"), live.entries(trial, "ambassador_activity")
    if people:
        entry_form.offer(
            "ambassador_activity", trial, place=PLACE, only=DEED, title=_("Enter what an ambassador did")
        )
    ambassadors.several(trial)
    entry_form.offer("ambassador", trial, place=PLACE, title=_("Enter an ambassador and the training"))
    setting = live.report(trial)["setting"]
    _figures(setting)
    if setting["months"]:
        st.header(_("Month by month"), anchor=False)
        ambassadors.months(setting)
    st.header(_("Each ambassador"), anchor=False)
    _waiting(people)
    newest = _newest(trial, done)

    def beneath(entry: Json) -> None:
        last = newest.get(entry["data"]["code"])
        st.caption(
            _("Last active on {day}.").format(day=day(parse_day(last)))
            if last
            else _("Nothing is entered yet that they did.")
        )

    title = f"{many('ambassador')} ({number(len(people))})"
    entry_list.folded(
        title, ":material/badge:", "ambassador", trial, people, place=f"{PLACE}:all", beneath=beneath
    )
    title = ngettext("{n} thing they did", "{n} things they did", len(done))
    entry_list.folded(
        title, ":material/history:", "ambassador_activity", trial, done, place=f"{PLACE}:done", only=DEED
    )


def _figures(setting: Json) -> None:
    st.header(_("Trained and active"), anchor=False)
    if all(each["told_by"] is None for each in setting["by_unit"]):
        st.markdown(empty("ambassador"))
        return
    first, second = st.columns(2)
    with first:
        if setting["trained"]["of"]:
            fact(
                _("Employees trained as ambassadors"),
                share_value(setting["trained"]),
                share_interval(setting["trained"]),
            )
        else:
            trained = sum(each["trained"] or 0 for each in setting["by_unit"])
            fact(_("Trained"), str(trained), _("no unit says how many employees it has (units.csv)"))
    with second:
        if setting["active"]["of"]:
            fact(
                _("Ambassadors active, of those trained"),
                share_value(setting["active"]),
                share_interval(setting["active"]),
            )
    ambassadors.units(setting, place="-page")


def _waiting(people: list[Json]) -> None:
    waiting = [
        each["data"]["code"]
        for each in people
        if not each["data"].get("trained_on") and not each["data"].get("left_on")
    ]
    if waiting:
        st.markdown(
            _("Not trained yet: {codes}. Enter the day of the training under “Change it”.").format(
                codes=plain(", ".join(waiting))
            )
        )


def _newest(trial: str, done: list[Json]) -> dict[str, str]:
    """The newest day on which each did something, tours in a demo apartment with them."""
    deeds = [(each["data"]["ambassador"], each["data"]["done_on"]) for each in done]
    deeds += [
        (each["data"]["guided_by"], each["data"]["visited_on"])
        for each in live.entries(trial, "demo_visit")
        if each["data"].get("guided_by") and each["data"]["status"] == "held"
    ]
    today = live.now().date().isoformat()
    found: dict[str, str] = defaultdict(str)
    for code, on in deeds:
        if on <= today:
            found[code] = max(found[code], on)
    return found


if __name__ == "__main__":  # Streamlit runs a page as a script
    show()
