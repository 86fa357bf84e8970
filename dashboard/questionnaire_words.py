"""Questionnaires in the reader's words: what each is called, what its items are about, and what a score says.

The wording of WHO-5, EQ-5D-5L and SUS belongs to others and is not contained: the words here only name each item.
"""

from __future__ import annotations

from dashboard.client import Json
from dashboard.language import _, number

TITLES = {"who5": "WHO-5", "eq5d5l": "EQ-5D-5L", "sus": "SUS"}


def title(asked: Json) -> str:
    """What the questionnaire is called."""
    return str(asked["title"] or TITLES.get(asked["key"], asked["key"]))


def items(asked: Json) -> list[str]:
    """What each item asks, or is about where its wording is its owner's."""
    about = {
        "who5": [_("Mood"), _("Calm"), _("Energy"), _("Sleep and rest"), _("Interest in daily life")],
        "eq5d5l": [
            _("Mobility"), _("Self-care"), _("Usual activities"), _("Pain or discomfort"), _("Anxiety or depression"),
        ],
        "sus": [
            _("Wish to use it often"), _("Complexity"), _("Ease"), _("Need for support"), _("How parts fit together"),
            _("Inconsistency"), _("How fast others learn it"), _("Awkwardness"), _("Confidence"),
            _("Need to learn first"),
        ],
    }  # fmt: skip
    return list(asked["texts"] or about[asked["key"]])


def beside(asked: Json) -> str | None:
    """What must lie beside the page; None for the trial's own, whose items stand on it."""
    if asked["texts"]:
        return None
    return _(
        "Ask with the form of {name} that you have permission to use: its wording is not shown here. The words below only "
        "say which item is meant."
    ).format(name=title(asked))


def ends(asked: Json) -> tuple[str, str]:
    """What the lowest and the highest answer mean."""
    known = {
        "who5": (_("never"), _("all the time")),
        "eq5d5l": (_("no problems"), _("the most severe problems")),
        "sus": (_("disagree"), _("agree")),
    }
    if asked["key"] in known:
        return known[asked["key"]]
    return asked["lowest_means"] or "", asked["highest_means"] or ""


def scale(asked: Json) -> str:
    """The scale in a line: 0 never … 5 all the time."""
    low, high = ends(asked)
    return f"{asked['lowest']} {low}".strip() + " … " + f"{asked['highest']} {high}".strip()


def scored(asked: Json, answer: Json) -> str:
    """The score in a line; why there is none, where there is none."""
    if answer["score"] is not None:
        return _("{name}: {score}, on a scale from {low} to {high}").format(
            name=title(asked),
            score=number(answer["score"], 3),
            low=number(asked["score_lowest"], 3),
            high=number(asked["score_highest"], 3),
        )
    if answer["left_out"]:
        return _(
            "No score, because an item was left out. The answers are kept; a missing score is never a zero."
        )
    if asked["score_lowest"] is None:
        return _("A single question has no score: its answers are shown as they are spread over the homes.")
    return _("No score: {reason}").format(reason=answer["problem"] or "–")


def meaning(asked: Json, answer: Json) -> str:
    """What the score says and what it does not say; empty where there is none."""
    if answer["score"] is None:
        return ""
    if asked["key"] == "who5":
        return _who5(answer)
    if asked["key"] == "eq5d5l":
        return _(
            "1 is full health, 0 as bad as death, below 0 worse, as people in {country} judge it. Scores by the sets of two "
            "countries are never compared."
        ).format(country=", ".join(each["country"] for each in asked["versions"]))
    if asked["key"] == "sus":
        return _(
            "How easy the technology is to use, from 0 to 100. It is no percentage, and says nothing of well-being."
        )
    better = _("Higher is better.") if asked["better"] == "higher" else _("Lower is better.")
    return _("The mean of the items, those turned on which low is good.") + " " + better


def _who5(answer: Json) -> str:
    if "possible_depression" in answer["at_most"]:
        said = _(
            "28 or less: talk with the person about how they are, and ask whether somebody who can judge it should. This is "
            "a reason to ask, no diagnosis."
        )
    elif "low_wellbeing" in answer["at_most"]:
        said = _("50 or less counts as low well-being. This is a reason to ask how it goes, no diagnosis.")
    else:
        said = _("Above 50: not counted as low well-being.")
    return said + " " + _("In a trial the change counts: ten points or more, either way, are worth a word.")
