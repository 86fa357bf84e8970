"""The life of a trial: where it is between idea and daily operation, its gates, rounds, money, decisions and hand-over."""

from __future__ import annotations

import streamlit as st

from dashboard import live
from dashboard.client import Json
from dashboard.entry_words import label
from dashboard.facts import plain
from dashboard.language import _, day, ngettext, parse_day
from dashboard.sections import entry_form, entry_list, gates, handover, phase_report, phases, which

PLACE = "life"
CYCLE = ("need", "solution", "test", "people", "devices", "starts_on", "learned", "next_step")


def show() -> None:
    """The life of the trial in the address stands on the page."""
    _life()


@live.refreshed(live.REPORT_EVERY_SECONDS)
def _life() -> None:
    trial = which.trial(_("Life of the trial"))
    if trial is None:
        return
    life = live.life(trial)
    st.title(plain(life["trial"]["title"]), anchor=False)
    st.caption(plain(" · ".join([_("Life of the trial"), *life["trial"]["units"]])))
    phases.path(life)
    if phase_report.asked(life):
        return
    phases.what_is_next(life)
    st.header(_("Nytt, nyttig, nyttiggjort"), anchor=False)
    gates.show(life)
    st.header(_("Phases"), anchor=False)
    phases.cards(life)
    phase_report.offer(life)
    _rounds(life)
    _decisions(life)
    _money(life)
    st.header(_("Hand-over to the line"), anchor=False)
    handover.checklist(life)
    handover.maintenance(life)
    handover.entered(life)
    _ideas(life)


def _rounds(life: Json) -> None:
    st.header(_("Rounds of need, solution, test (BLT)"), anchor=False)
    trial = life["trial"]["id"]
    missing = {each["entry"]: each["missing"] for each in life["cycles"]}

    def beneath(entry: Json) -> None:
        left = missing.get(entry["entry"], [])
        if left:
            named = ", ".join(label("cycle", part) for part in left)
            st.caption(plain(_("Still to be written down: {parts}.").format(parts=named)))

    entry_form.offer(
        "cycle",
        trial,
        place=PLACE,
        given={"number": life["next_cycle"]},
        only=CYCLE,
        title=_("Begin round {n}").format(n=life["next_cycle"]),
    )
    entry_list.show("cycle", trial, live.entries(trial, "cycle"), place=f"{PLACE}:rounds", beneath=beneath)


def _decisions(life: Json) -> None:
    st.header(_("Decisions"), anchor=False)
    trial = life["trial"]["id"]
    entry_form.offer("decision", trial, place=PLACE, title=_("Enter what was decided"))
    entry_list.show("decision", trial, live.entries(trial, "decision"), place=f"{PLACE}:log")


def _money(life: Json) -> None:
    st.header(_("Money"), anchor=False)
    trial = life["trial"]["id"]
    phases.budget(life)
    entry_form.offer("spend", trial, place=PLACE, title=_("Enter a payment"))
    found = live.entries(trial, "spend")
    title = ngettext("{n} payment", "{n} payments", len(found))
    entry_list.folded(title, ":material/payments:", "spend", trial, found, place=f"{PLACE}:paid")


def _ideas(life: Json) -> None:
    if not life["ideas"]:
        return
    st.header(_("Where it came from"), anchor=False)
    for told in life["ideas"]:
        idea = told["idea"]
        st.markdown(
            plain(
                _("“{title}”, raised by {role} on {day}: {need}").format(
                    title=idea["title"],
                    role=idea["raised_by"],
                    day=day(parse_day(idea["raised_on"])),
                    need=idea["need"],
                )
            )
            + " · "
            + ngettext("{n} voice", "{n} voices", told["votes"])
        )


if __name__ == "__main__":  # Streamlit runs a page as a script
    show()
