"""Harms in the reader's words: what happened, how bad it was, and how often more of it may still lie ahead."""

from __future__ import annotations

from dashboard.client import Json
from dashboard.language import _, ngettext, number, percent
from dashboard.wording import homes


def happened(adverse: Json) -> str:
    """The adverse events in one sentence; of none, too, what is still possible."""
    share, rate = adverse["homes"], adverse["rate"]
    if not share["homes"]:
        return _("No home has had the technology yet, so nothing can be said of adverse events.")
    if not adverse["events"]:
        return _(
            "No adverse event is known from {homes} in {months} home-months. That is no proof of safety: with none seen, up to "
            "{share} of such homes may still meet one in as long a time (95% bound)."
        ).format(
            homes=homes(share["homes"]), months=number(rate["home_months"]), share=percent(share["at_most"])
        )
    return _(
        "{events} in {count} of {homes} ({share}, 95% interval {low} to {high}): {rate} a home and month "
        "(95% interval {rate_low} to {rate_high})."
    ).format(
        events=ngettext("{n} adverse event", "{n} adverse events", adverse["events"]),
        count=number(share["homes_with_event"]),
        homes=homes(share["homes"]),
        share=percent(share["ratio"]),
        low=percent(share["low"]),
        high=percent(share["high"]),
        rate=number(rate["rate"], 3),
        rate_low=number(rate["low"], 3),
        rate_high=number(rate["high"], 3),
    )


def more(adverse: Json) -> list[str]:
    """How bad they were, alarms that were missed, and what is not dealt with yet."""
    lines = []
    severities = {
        "serious": _("serious: {n}"),
        "moderate": _("moderate: {n}"),
        "minor": _("minor: {n}"),
        "near_miss": _("near misses: {n}"),
    }
    told = [
        words.format(n=number(adverse["by_severity"][code]))
        for code, words in severities.items()
        if adverse["by_severity"].get(code)
    ]
    if told:
        lines.append(", ".join(told))
    lines.append(
        ngettext("{n} alarm was missed", "{n} alarms were missed", adverse["alarms_missed"])
        if adverse["alarms_missed"]
        else _("No missed alarm is known")
    )
    if adverse["open"]:
        lines.append(
            ngettext("{n} event is not dealt with yet", "{n} events are not dealt with yet", adverse["open"])
        )
    return lines
