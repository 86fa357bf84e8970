"""What may be said of a gain: one sentence to read aloud, which says neither more nor less than the data."""

from __future__ import annotations

from datetime import date
from typing import Literal

from dashboard.client import Json
from dashboard.entry_choices import choice
from dashboard.language import _, between, number, percent, sentence, within
from dashboard.wording import evidence, homes, indicator, quoted

Told = Literal["nothing", "few", "unclear", "better", "worse"]

P_CLEAR = 0.05
"""Where an estimate has no interval (answers to a single item), its p takes the place of one that leaves out zero."""

BOOKKEEPING = frozenset({"status", "measure_on", "owner", "payer", "found_on"})
"""What may change after the start without changing what the gain is judged by."""


def told(gain: Json) -> Told:
    """How the gain stands: not measured, too little to judge by, no clear change, or a clear one to either side."""
    change, answers = gain["change"], gain["answers"]
    if answers is not None:
        return _told_of_answers(answers)
    if change["estimate"] is None:
        return "nothing"
    if change["low"] is None or change["high"] is None:
        return "few"
    if change["low"] <= 0 <= change["high"]:
        return "unclear"
    return "better" if (change["estimate"] < 0) == (gain["better"] == "lower") else "worse"


def verdict(gain: Json) -> str:
    """The same in a word or two."""
    uncertain = gain["uncertain"]
    return {
        "nothing": _("Not measured yet."),
        "few": _("Cannot be told yet."),
        "unclear": _("No clear change."),
        "better": _("Looks better, but is uncertain.") if uncertain else _("Better."),
        "worse": _("Looks worse, but is uncertain.") if uncertain else _("Worse."),
    }[told(gain)]


def aloud(gain: Json) -> str:
    """The sentence to read aloud: what changed by how much, in how many homes, how sure that is, and on what level."""
    finding = _of_answers(gain) if gain["answers"] is not None else _of_change(gain)
    return f"{sentence(finding)}; {within(evidence(gain['change']['level']))}."


def against_target(gain: Json) -> str | None:
    """Whether the change that was wanted is reached; None where none was named or nothing can be told."""
    change, target = gain["change"], gain["target"]
    if target is None or told(gain) in ("nothing", "few") or gain["answers"] is not None:
        return None
    if gain["better"] == "lower":
        reached, missed = change["high"] <= target, change["low"] > target
    else:
        reached, missed = change["low"] >= target, change["high"] < target
    if reached:
        return _("the whole interval reaches it")
    return (
        _("the interval falls short of it") if missed else _("the interval leaves open whether it is reached")
    )


def other_design(gain: Json) -> str | None:
    """That the trial was to be judged in another way than this gain could be; None where it was not."""
    change = gain["change"]
    # A series tells more than the same homes before: where there is one and no home's values, it is no makeshift.
    if change["asked_for"] in (change["method"], "before_after") or told(gain) == "nothing":
        return None
    return _("Planned was a comparison with {design}; what was measured does not bear that yet.").format(
        design=choice("design", "design", change["asked_for"])
    )


def planned_days(gain: Json) -> list[date]:
    """The days on which the gain is to be measured, as planned."""
    days = []
    for text in (gain["measure_on"] or "").replace(",", " ").replace(";", " ").split():
        try:
            days.append(date.fromisoformat(text))
        except ValueError:
            continue
    return sorted(days)


def skew_warning(gain: Json) -> str | None:
    """That the interval may be too narrow, because a few homes make most of the change; None where they do not."""
    difference = gain["difference"]
    if gain["change"]["method"] != "before_after" or not difference["skewed"]:
        return None
    if difference["interval"] == "t":
        return _(
            "A few homes make most of the change, and no interval for that could be worked out: "
            "the one told may be too narrow. Read the lines of the homes."
        )
    return _(
        "A few homes make most of the change; the interval allows for that. Read the lines of the homes."
    )


def amount(gain: Json, value: float | None) -> str:
    """A value of the gain's indicator, as finely as its change is told."""
    return number(value, decimals(gain))


def decimals(gain: Json) -> int:
    """With how many decimals the gain's numbers are told: a quality of life from 0 to 1 needs more of them."""
    change = gain["change"]
    known = [abs(change[name]) for name in ("estimate", "low", "high") if change[name] is not None]
    largest = max(known, default=1.0)
    return 1 if largest >= 1 or largest == 0 else 2 if largest >= 0.1 else 3


def measured(gain: Json) -> str:
    """What is measured, as it begins a sentence: of an indicator of the trial's own only the gain's title has words."""
    code = gain["indicator"]
    words = indicator(code)
    return quoted(gain["title"]) if words == code else words


def _told_of_answers(answers: Json) -> Told:
    if not answers["homes"]:
        return "nothing"
    if answers["p"] is None:
        return "few"
    if answers["p"] >= P_CLEAR:
        return "unclear"
    return "better" if answers["improved"] > answers["worsened"] else "worse"


def _of_change(gain: Json) -> str:
    stands, change, what = told(gain), gain["change"], within(measured(gain))
    if stands == "nothing":
        return _not_measured(gain, what)
    if stands == "few" and change["method"] == "before_after":
        return _too_few(gain, what)
    if stands == "few":
        return _("{finding}, and too little is known to tell that from chance").format(
            finding=_finding(gain, what)
        )
    interval = between(change["low"], change["high"], decimals(gain))
    return _("{finding} (95% interval {interval}), {judged}").format(
        finding=_finding(gain, what), interval=interval, judged=_judged(gain)
    )


def _not_measured(gain: Json, what: str) -> str:
    if gain["points"]:
        before = sum(point["value"] is not None and not point["after"] for point in gain["points"])
        after = sum(point["value"] is not None and point["after"] for point in gain["points"])
        return _(
            "{what} was counted over {before} + {after} periods, before the start and after it, too few to judge by: "
            "it takes eight on each side"
        ).format(what=what, before=number(before), after=number(after))
    return _("nothing can be said yet of {what}: {homes} have a value both before and after").format(
        what=what, homes=homes(0)
    )


def _too_few(gain: Json, what: str) -> str:
    moves = [pair["after"] - pair["before"] for pair in gain["homes"]]
    return _(
        "{what} was measured before and after in only {homes}, too few to judge by: it went down in {down} and up in {up}"
    ).format(
        what=what,
        homes=homes(gain["change"]["n"]),
        down=number(sum(move < 0 for move in moves)),
        up=number(sum(move > 0 for move in moves)),
    )


def _finding(gain: Json, what: str) -> str:
    change, method = gain["change"], gain["change"]["method"]
    shown = round(change["estimate"], decimals(gain))
    way = "same" if not shown else "down" if shown < 0 else "up"
    size = number(abs(change["estimate"]), decimals(gain))
    if method == "before_after":
        words = {
            "down": _("{what} went down by {size} on average in {homes}"),
            "up": _("{what} went up by {size} on average in {homes}"),
            "same": _("{what} did not move on average in {homes}"),
        }[way]
        return words.format(what=what, size=size, homes=homes(change["n"]))
    if method in ("comparison", "randomised"):
        words = {
            "down": _(
                "measured against the change in {others} without it, {what} came out {size} lower on average in "
                "{homes} with it"
            ),
            "up": _(
                "measured against the change in {others} without it, {what} came out {size} higher on average in "
                "{homes} with it"
            ),
            "same": _(
                "measured against the change in {others} without it, {what} moved alike on average in {homes} with it"
            ),
        }[way]
        compared = gain["comparison"]
        return words.format(
            what=what,
            size=size,
            homes=homes(compared["treated_homes"]),
            others=homes(compared["comparison_homes"]),
        )
    if method == "staggered":
        words = {
            "down": _(
                "in {homes} that start one after the other, {what} came out {size} lower on average once they had started"
            ),
            "up": _(
                "in {homes} that start one after the other, {what} came out {size} higher on average once they had started"
            ),
            "same": _(
                "in {homes} that start one after the other, {what} was on average the same once they had started"
            ),
        }[way]
        return words.format(what=what, size=size, homes=homes(change["n"]))
    words = {
        "down": _(
            "counted {n} times, {what} came out {size} lower on average after the start than if it had gone on as before"
        ),
        "up": _(
            "counted {n} times, {what} came out {size} higher on average after the start than if it had gone on as before"
        ),
        "same": _("counted {n} times, {what} went on after the start on average as it had before"),
    }[way]
    return words.format(what=what, size=size, n=number(change["n"]))


def _judged(gain: Json) -> str:
    stands = told(gain)
    if stands == "unclear":
        words = _("which is no clear change: chance alone could do that")
        return words + (_(", and {reason}").format(reason=_doubt(gain)) if gain["uncertain"] else "")
    if gain["uncertain"]:
        words = _("which looks better but is uncertain: {reason}")
        if stands == "worse":
            words = _("which looks worse but is uncertain: {reason}")
        words = words.format(reason=_doubt(gain))
    else:
        words = _("which is better") if stands == "better" else _("which is worse")
    notable = gain["notable_change"]
    if notable is None or gain["answers"] is not None:
        return words
    if abs(gain["change"]["estimate"]) >= notable:
        return words + _(
            "; the change is at least the {points} points that are notable in one person"
        ).format(points=number(notable))
    return words + _("; the change is less than the {points} points that are notable in one person").format(
        points=number(notable)
    )


def _doubt(gain: Json) -> str:
    if gain["registration_ratio"] is None:
        return _("nobody knows how much was registered")
    return _("only {share} of what was due was registered").format(share=percent(gain["registration_ratio"]))


def _of_answers(gain: Json) -> str:
    answers, what = gain["answers"], within(measured(gain))
    if not answers["homes"]:
        return _("nothing can be said yet of {what}: {homes} have answered both before and after").format(
            what=what, homes=homes(0)
        )
    moved = _(
        "asked about {what} before and after, {improved} of {homes} moved the wanted way, {worsened} the other way, "
        "and {unchanged} stayed"
    ).format(
        what=what,
        homes=homes(answers["homes"]),
        improved=number(answers["improved"]),
        worsened=number(answers["worsened"]),
        unchanged=number(answers["unchanged"]),
    )
    if told(gain) == "few":
        return _("{finding}, which is too few to judge by").format(finding=moved)
    return f"{moved}, {_judged(gain)}"
