"""The gain register: what the benefit rests on, to enter, change and take back, with who said what when."""

from __future__ import annotations

import streamlit as st

from dashboard import live
from dashboard.client import Json
from dashboard.entry_words import many
from dashboard.facts import plain
from dashboard.language import _, number
from dashboard.sections import entry_form, entry_list
from dashboard.sections.fold import fold
from dashboard.wording import quoted

PLACE = "benefit-register"
KINDS = (
    "gain", "criterion", "design", "comparison", "measure", "series_point", "cost", "rate", "realisation",
    "assumption", "assessed_gain", "feedback",
)  # fmt: skip
BASELINE = ("baseline_value", "baseline_on", "baseline_by", "waiver_reason", "waived_by")


def waits(benefit: Json, *, started: bool, may_change: bool) -> None:
    """While planned gains lack a baseline it is said that the trial may not start, with a form for each."""
    missing = benefit["start_waits_for"]
    if not missing:
        return
    titles = {each["figures"]["id"]: each["figures"]["title"] for each in benefit["gains"]}
    named = ", ".join(quoted(titles.get(each, each)) for each in missing)
    words = (
        _(
            "The trial has started without a baseline for {gains}. Enter what was known before, or say why there is none."
        )
        if started
        else _(
            "The trial may not start yet: there is no baseline for {gains}. Enter one, or waive it with a reason."
        )
    )
    st.warning(plain(words.format(gains=named)), icon=":material/front_hand:")
    if not may_change:
        return
    entered = {each["data"]["id"]: each for each in live.entries(benefit["trial"]["id"], "gain")}
    for each in missing:
        if each in entered:
            entry_form.offer(
                "gain",
                benefit["trial"]["id"],
                place=f"{PLACE}-baseline",
                entry=entered[each],
                only=BASELINE,
                title=_("Baseline of “{gain}”, or why there is none").format(
                    gain=plain(titles.get(each, each))
                ),
            )


def show(trial: str) -> None:
    """Every kind of entry that the benefit rests on unfolds; nothing is asked of the API before."""
    st.header(_("The gain register"), anchor=False)
    st.caption(
        _(
            "Everything on this page comes from what is entered here. Each change is kept with who made it, and can be undone."
        )
    )
    for kind in KINDS:
        _kind(trial, kind)


def _kind(trial: str, kind: str) -> None:
    @live.apart
    def unfold() -> None:
        entries = live.entries(trial, kind)
        title = _("{what} ({n})").format(what=many(kind), n=number(len(entries)))
        box = fold(title, f"{PLACE}:{kind}")
        if box.open:
            with box:
                entry_form.offer(kind, trial, place=PLACE)
                entry_list.show(kind, trial, entries, place=PLACE)

    unfold()
