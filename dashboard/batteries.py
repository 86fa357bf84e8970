"""Batteries in the reader's words: how full one is said to be and when, and when it has to be replaced."""

from __future__ import annotations

from datetime import datetime

from dashboard.client import Json
from dashboard.language import _, ago, day, number, parse_day, parse_moment, percent


def level(pct: float | None, volts: float | None) -> str:
    """What a battery was said to hold."""
    if pct is not None:
        return percent(pct / 100)
    if volts is not None:
        return _("{volts} V").format(volts=number(volts, 2))
    return _("level not said")


def reading(device: Json, now: datetime) -> str:
    """The last that the device said of its supply, with the age of that; a plain word where it has no battery."""
    if device["power"] != "battery":
        return _("Runs on mains.")
    if device["external_power"]:
        return _("Runs on external power now.")
    if device["battery_pct"] is None and device["battery_v"] is None:
        return _("Battery level never said.")
    return _("Battery {level}, measured {ago}.").format(
        level=level(device["battery_pct"], device["battery_v"]), ago=_ago(device["battery_at"], now)
    )


def low(evidence: Json, now: datetime) -> str:
    """Why a battery counts as low, or soon will."""
    sentences = [
        _("Battery {level}, measured {ago}.").format(
            level=level(evidence.get("battery_pct"), evidence.get("battery_v")),
            ago=_ago(evidence.get("measured_at"), now),
        )
        if evidence.get("measured_at")
        else _("Battery level never said.")
    ]
    if evidence.get("says_low"):
        sentences.append(_("It says itself that it is low."))
    if "replace_at" in evidence:
        sentences.append(due({**evidence, "basis": evidence["forecast_basis"], "reason": None}) + ".")
    return " ".join(sentences)


def probably_flat(evidence: Json) -> str:
    """Why a device that is silent probably has a flat battery."""
    if months := evidence.get("battery_months"):
        return _(
            "Its battery is probably flat: {months} months in use, of {least} to {most} that such batteries last."
        ).format(
            months=number(months),
            least=number(evidence["lifetime_months_min"]),
            most=number(evidence["lifetime_months_max"]),
        )
    if evidence["battery_pct"] is None:
        return _("Its battery is probably flat: it had said that it was low.")
    return _("Its battery is probably flat: {level} when it was last heard.").format(
        level=percent(evidence["battery_pct"] / 100)
    )


def due(forecast: Json) -> str:
    """When the battery has to be replaced, with the interval, or why nobody can say."""
    earliest, latest = parse_day(forecast["earliest_at"]), parse_day(forecast["latest_at"])
    if forecast["basis"] is None:
        return _("Cannot say when to replace it: {reason}").format(reason=unsayable(forecast["reason"]))
    if forecast["replace_at"] is None:
        return (
            _("No end in sight")
            if earliest is None
            else _("Replace after {earliest}; no end in sight yet").format(earliest=day(earliest))
        )
    words = (
        _("Replace about {day} (between {earliest} and {latest}), by how long such batteries last")
        if forecast["basis"] == "lifetime"
        else _("Replace about {day} (between {earliest} and {latest}), by its own trend")
    )
    return words.format(
        day=day(parse_day(forecast["replace_at"])),
        earliest=_("now") if earliest is None else day(earliest),
        latest=_("no end in sight") if latest is None else day(latest),
    )


def unsayable(code: str | None) -> str:
    """Why nobody can say when the battery has to be replaced."""
    return {
        "never_said": _(
            "it never said how full its battery is, and nobody knows how long such batteries last"
        ),
        "external_power": _("it runs on external power"),
        "too_few_readings": _("it has said too little so far"),
        "does_not_fall": _("what it says does not fall, as with devices that say 100 % until they die"),
        "unknown_cell": _("it tells volts, and which battery it has is not known"),
        None: _("nothing is known"),
    }.get(code, str(code).replace("_", " "))


def _ago(text: str | None, now: datetime) -> str:
    then = parse_moment(text)
    return _("at an unknown time") if then is None else ago((now - then).total_seconds())
