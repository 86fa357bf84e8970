"""One idea: the voices for it, an answer to who raised it, and the form that turns it into a trial."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import Any

import streamlit as st

from dashboard import live, registry
from dashboard.address import href
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.language import _, current, ngettext
from dashboard.sections import entry_form

PLACE = "ideas"
MONTHS_AHEAD_DAYS = 90
CURRENCIES = ("NOK", "DKK", "SEK", "EUR")
ZONES = {
    "NOK": "Europe/Oslo",
    "DKK": "Europe/Copenhagen",
    "SEK": "Europe/Stockholm",
    "EUR": "Europe/Helsinki",
}


def beneath(entry: Json, votes: list[Json]) -> None:
    """What can be done with the idea stands beneath its card."""
    data = entry["data"]
    voters = ", ".join(vote["data"]["voter"] for vote in votes)
    words = ngettext("{n} voice", "{n} voices", len(votes))
    st.markdown(plain(f"{words}: {voters}" if votes else _("No voice for it yet.")))
    if data["status"] == "trial" and data.get("trial"):
        title = live.titles().get(data["trial"], data["trial"])
        name = _("It became the trial “{title}”").format(title=title)
        st.markdown(f"[{plain(name)}]({href('life', trial=data['trial'])})")
        return
    code = entry["entry"]
    entry_form.offer("vote", None, place=f"{PLACE}:{code}", given={"idea": code}, title=_("Give it a voice"))
    entry_form.offer(
        "idea",
        None,
        place=f"{PLACE}:answer",
        entry=entry,
        only=("status", "reason"),
        title=_("Comment on it, put it off or decline it"),
    )
    _turn(entry)


def _turn(entry: Json) -> None:
    name = f"idea:trial:{entry['entry']}"

    @live.apart
    def unfold() -> None:
        key = f"{name}:{registry.turn(name)}"
        box = st.expander(
            _("Turn it into a trial"), icon=":material/rocket_launch:", key=f"{key}:open", on_change="rerun"
        )
        if box.open:
            with box:
                _form(name, key, entry)
        registry.say_refusal(name)

    unfold()


def _form(name: str, key: str, entry: Json) -> None:
    data = entry["data"]
    st.caption(
        _(
            "The trial starts empty: no homes, no devices. The pre-study begins today with the need as its effect goal. "
            "Undo takes the idea back; the empty trial stays."
        )
    )
    technologies = registry.technology_titles()
    units = sorted(
        {unit for trial in live.trials() for unit in trial["units"]} | {data.get("unit") or ""} - {""}
    )
    with st.form(key, border=False, enter_to_submit=False):
        title = st.text_input(_("Title of the trial"), value=data["title"], key=f"{key}:title").strip()
        chosen: list[str] = st.multiselect(
            _("Units that take part"),
            units,
            default=[data["unit"]] if data.get("unit") else [],
            accept_new_options=True,
            placeholder=_("Choose or write"),
            key=f"{key}:units",
        )
        technology = st.selectbox(
            _("Technology"),
            list(technologies),
            index=None,
            format_func=lambda code: technologies.get(code, code),
            accept_new_options=True,
            placeholder=_("Choose or write"),
            help=_("One that is known, or the name of a new one. A trial may have no device at all."),
            key=f"{key}:technology",
        )
        starts = st.date_input(
            _("First day in homes, as planned"),
            value=date.today() + timedelta(days=MONTHS_AHEAD_DAYS),  # noqa: DTZ011  # a proposal that the reader changes
            format="DD/MM/YYYY" if current().code == "en" else "DD.MM.YYYY",
            key=f"{key}:starts",
        )
        currency = st.selectbox(
            _("Currency"), CURRENCIES, index=1 if current().code == "da" else 0, key=f"{key}:currency"
        )
        if not st.form_submit_button(
            _("Make it a trial"), type="primary", icon=":material/check:", key=f"{key}:go"
        ):
            return
    faults = [
        words
        for given, words in (
            (title, _("Give the trial a title.")),
            (chosen, _("Name at least one unit.")),
            (technology, _("Name the technology, or what is tried in its place.")),
        )
        if not given
    ]
    if faults:
        registry.refuse(name, " ".join(faults))
    zone = next(
        (trial["timezone"] for trial in live.trials() if trial["currency"] == currency), ZONES[currency]
    )
    plan = {
        "version": entry["version"],
        "id": entry_form.code_of(title, list(live.titles())),
        "title": title,
        "units": chosen,
        "technology": technology,
        "timezone": zone,
        "currency": currency,
        "starts": starts.isoformat() if isinstance(starts, date) else None,
    }
    entry_form.press(_card(entry), partial(_make, entry, plan))


def _card(entry: Json) -> str:
    """The name of the idea's card, which says what became of the press and offers to undo it."""
    return entry_form.pressed(f"{PLACE}:all", None, "idea", entry["entry"])


def _make(entry: Json, plan: Json) -> Any:
    idea = live.client().make_trial(entry["entry"], plan)
    live.forget_trials()
    live.forget_titles()
    said = _("It is a trial now: {title}. Undo takes the idea back; the empty trial stays.").format(
        title=plan["title"]
    )
    return {"said": plain(said), "entry": idea}
