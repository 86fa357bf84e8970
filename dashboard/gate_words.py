"""The gates nytt, nyttig, nyttiggjort in the reader's words: what each asks, how it stands, why, and what that rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dashboard.client import Json
from dashboard.language import _, day, ngettext, number, parse_day, percent
from dashboard.wording import homes, quoted

Titles = Mapping[str, str]


def title(gate: Json) -> str:
    """The gate's name, in the word of the districts, too."""
    if gate["name"] == "new":
        return _("New in {unit} (nytt)").format(unit=gate["shown"]["unit"])
    return _("Useful (nyttig)") if gate["name"] == "useful" else _("Put to use (nyttiggjort)")


def outcome(code: str) -> str:
    """How a gate stands."""
    return {
        "passed": _("Yes"),
        "not_passed": _("No"),
        "cannot_tell": _("Cannot be told yet"),
    }.get(code, code)


def holds(gate: Json) -> str:
    """What counts: what a named person says where one does, else what was computed."""
    found: str = (gate["override"] or gate)["outcome"]
    return found


def reason(gate: Json) -> str:
    """Why the gate was computed as it was, in one sentence."""
    code: str = gate["reason"]
    return {
        "first_in_unit": _("The unit has had no trial of this technology before."),
        "tried_here_before": _("The unit has tried this technology before."),
        "history_unknown": _("Nobody knows what the unit has tried before."),
        "gain_shown": _("At least one planned gain is shown in the wanted direction."),
        "quality_met": _("A criterion of quality that was agreed upon is met."),
        "nothing_planned": _(
            "No gain is planned and no criterion of quality is agreed upon, so nothing can show it."
        ),
        "nothing_measured": _("Nothing of what was planned is measured yet."),
        "not_all_measured": _(
            "What is measured shows no gain, and not all that was planned is measured yet."
        ),
        "gain_against": _("A planned gain has clearly gone the wrong way, and none the wanted one."),
        "nothing_shown": _(
            "All planned gains are measured and none is shown. That is no proof that there is none."
        ),
        "not_useful": _("It is not useful, so it cannot count as put to use."),
        "usefulness_unknown": _("It cannot be told yet whether it is useful."),
        "too_few_sustained": _("It became a habit in too few of the homes that started."),
        "no_home_started": _("No home has started yet."),
        "too_early": _(
            "It is too early: homes are still within their first days, in which a habit is formed."
        ),
        "too_little_observed": _("Too few days were observed to tell in how many homes it became a habit."),
        "not_handed_over": _("It is not handed over to the line yet."),
        "in_daily_use": _("It is useful, a habit in enough homes, and the line has taken it on."),
    }.get(code, code)


def evidence(gate: Json, gains: Titles, trials: Titles, rests_on: str) -> list[str]:
    """What the answer rests on, with its numbers, sentence by sentence."""
    shown = gate["shown"]
    if gate["name"] == "new":
        return _of_new(shown, trials)
    return _of_useful(shown, gains) if gate["name"] == "useful" else _of_use(shown, rests_on)


def held(override: Json) -> str:
    """What a named person holds against what was computed."""
    words = (
        _("{name} holds that it is passed: {reason}")
        if override["outcome"] == "passed"
        else _("{name} holds that it is not passed: {reason}")
    )
    return words.format(name=override["by_name"], reason=override["reason"])


def _of_new(shown: Json, trials: Titles) -> list[str]:
    told = []
    if shown.get("trials"):
        told.append(_("Earlier here: {trials}.").format(trials=_listed(shown["trials"], trials)))
    if shown.get("units_elsewhere"):
        told.append(_("Tried before in: {units}.").format(units=", ".join(shown["units_elsewhere"])))
    told.append(_("Only trials that Nyttig knows of, with at least one home in them, are counted."))
    return told


def _of_useful(shown: Json, gains: Titles) -> list[str]:
    told = []
    if shown["gains_planned"]:
        told.append(
            ngettext("{n} gain is planned.", "{n} gains are planned.", shown["gains_planned"])
            + " "
            + _("Measured with an interval: {n}.").format(n=number(shown["gains_measured"]))
        )
    for key, words in (
        ("gains_shown", _("Shown in the wanted direction: {gains}.")),
        ("gains_worse", _("Clearly gone the wrong way: {gains}.")),
        ("gains_waiting", _("Not measured yet, or in fewer than five homes: {gains}.")),
        ("gains_uncertain", _("Uncertain, because too little was registered: {gains}.")),
        ("unplanned_shown", _("Shown and not planned, so it does not count here: {gains}.")),
    ):
        # Of what is not measured at all it need not be said that it is uncertain, too.
        named = [
            code for code in shown[key] if key != "gains_uncertain" or code not in shown["gains_waiting"]
        ]
        if named:
            told.append(words.format(gains=_listed(named, gains)))
    if shown["criteria"]:
        told.append(
            _("Criteria of quality met: {met} of {all}.").format(
                met=number(len(shown["criteria_met"])), all=number(shown["criteria"])
            )
        )
    if shown["criteria_open"]:
        told.append(_("Not judged yet: {criteria}.").format(criteria=_listed(shown["criteria_open"], {})))
    return [*told, *by_luck(shown)]


def by_luck(shown: Json) -> list[str]:
    """That one of several gains may be shown by luck alone, where one is shown."""
    if shown["gains_measured"] < 2 or not shown["gains_shown"]:
        return []
    words = _("With {n} gains measured, one may be shown by luck alone.")
    return [words.format(n=number(shown["gains_measured"]))]


def habit(shown: Json, rests_on: str) -> str:
    """In how many homes that started it became a habit, and in how many it has to."""
    if not shown["homes_started"]:
        return _("No home has started yet.")
    words = (
        _("A habit in {sustained} of {started} that started ({share}); {required} are asked for.")
        if rests_on == "use"
        else _(
            "Steadily in contact in {sustained} of {started} that started ({share}); {required} are asked for."
        )
    )
    return words.format(
        sustained=number(shown["homes_sustained"]),
        started=homes(shown["homes_started"]),
        share=percent(shown["sustained_ratio"]),
        required=percent(shown["ratio_required"]),
    )


def _of_use(shown: Json, rests_on: str) -> list[str]:
    parts = shown["parts"]
    useful = {
        "passed": _("Useful: yes."),
        "not_passed": _("Useful: no."),
        "cannot_tell": _("Useful: cannot be told yet."),
    }[parts["useful"]]
    told = [useful, habit(shown, rests_on)]
    if shown["homes_too_early"]:
        told.append(
            ngettext(
                "{n} home is still within its first days.",
                "{n} homes are still within their first days.",
                shown["homes_too_early"],
            )
        )
    if shown["homes_unknown"]:
        told.append(
            ngettext(
                "Of {n} home too little was observed.",
                "Of {n} homes too little was observed.",
                shown["homes_unknown"],
            )
        )
    told.append(
        _("Handed over to the line on {day}.").format(day=day(parse_day(shown["handed_over_on"])))
        if parts["handed_over"] == "passed"
        else _("Not handed over to the line.")
    )
    return told


def _listed(codes: Sequence[str], titles: Titles) -> str:
    return ", ".join(quoted(titles.get(code, code)) for code in codes)
