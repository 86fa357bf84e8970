"""What is wrong with a device and what to do about it, in the reader's words. They name devices and homes by code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from dashboard import batteries
from dashboard.client import Json
from dashboard.language import _, ago, lasting, ngettext, number, parse_moment, titled
from dashboard.palette import BAD, CAREFUL, FAINT, GOOD
from dashboard.registry_words import said

LOOKS = {
    "silent": ("✕", BAD),
    "never_seen": ("○", BAD),
    "connection_lost": ("⊘", BAD),
    "battery_low": ("▁", CAREFUL),
    "stuck": ("=", CAREFUL),
    "clock_wrong": ("◷", CAREFUL),
    "late": ("◔", CAREFUL),
    "chattering": ("≋", CAREFUL),
    "lossy": ("∴", CAREFUL),
    "weak_signal": ("◌", CAREFUL),
    "unknown": ("?", FAINT),
    "ok": ("●", GOOD),
}
"""A sign and a colour for each status, worst first as the API lists them; the sign alone is enough."""

NOT_HEARD = ("silent", "connection_lost")


def look(status: str) -> tuple[str, str]:
    """The sign and the colour of a status."""
    return LOOKS.get(status, LOOKS["unknown"])


def severity(code: str) -> str:
    """How soon somebody has to go."""
    return {
        "urgent": _("Go now"),
        "visit": _("Go soon"),
        "watch": _("Nobody need go for this alone"),
        "none": _("Nothing to do"),
    }.get(code, code)


def remedy(code: str) -> str:
    """What to do, as a sentence."""
    return {
        "check_power_and_place": _("Check its power, and that it stands in its place."),
        "check_pairing": _("Check that it has power and is paired with its gateway."),
        "check_gateway": _("Look at the gateway first: its power, then its network."),
        "replace_battery": _("Replace its battery: bring one."),
        "replace_device": _("Replace it: bring a spare."),
        "set_clock": _("Set its clock, or let it reach a time server."),
        "move_or_add_repeater": _("Move it or its gateway nearer, or bring a repeater."),
        "trigger_at_next_visit": _("Trigger it at the next visit and see whether it answers."),
        "wait": _("Wait a little before you go."),
    }.get(code, code.replace("_", " "))


def because(kind: str, evidence: Json, now: datetime) -> str:
    """The evidence of a finding, in one or two sentences; empty where there is none."""
    if kind in ("silent", "late", "unknown"):
        return _unheard(kind, evidence, now)
    if kind == "never_seen":
        return _("Placed {ago} and never heard since.").format(ago=_ago(evidence["placed_at"], now))
    if kind == "connection_lost":
        return _("Its connection was lost {ago}, and nothing has come since.").format(
            ago=_ago(evidence["lost_at"], now)
        )
    if kind == "battery_low":
        return batteries.low(evidence, now)
    if kind == "stuck":
        return _("It has said {value} ({what}) in all of its last {n} readings.").format(
            value=number(evidence["value"], 2), what=said(evidence["type"]), n=number(evidence["readings"])
        )
    if kind == "clock_wrong":
        return _clock(evidence)
    if kind == "chattering":
        return ngettext(
            "It sends without end, in {n} hour of the last day.",
            "It sends without end, in {n} hours of the last day.",
            evidence["busy_hours"],
        )
    if kind == "lossy":
        return _("{lost} of its messages of the last week never came; {received} did.").format(
            lost=number(evidence["lost_messages"]), received=number(evidence["received_messages"])
        )
    if kind == "weak_signal":
        return _("Signal {level}; below {poor} is poor.").format(
            level=measured(evidence["measure"], evidence["level"]),
            poor=measured(evidence["measure"], evidence["poor_below"]),
        )
    return ""


def sentences(kind: str, found: Json, now: datetime) -> list[str]:
    """Why a finding or a task of that kind is one, and what to do."""
    return [because(kind, found["evidence"], now), remedy(found["remedy"])]


def offset(seconds: float) -> str:
    """How far a clock is ahead or behind."""
    if abs(seconds) < 1:
        return _("right to the second")
    words = _("{time} fast") if seconds > 0 else _("{time} slow")
    return words.format(time=lasting(abs(seconds)))


def measured(measure: str, level: float) -> str:
    """A level of the radio link with its unit."""
    return {
        "rssi_dbm": _("{level} dBm"),
        "snr_db": _("{level} dB above the noise"),
        "link_quality": _("link quality {level} of 255"),
        "signal_pct": _("{level} %"),
    }.get(measure, "{level}").format(level=number(level))


def signal(code: str) -> str:
    """The radio link in a word."""
    return {
        "good": _("good"),
        "fair": _("fair"),
        "poor": _("poor"),
        "unknown": _("not said"),
    }.get(code, code)


def interval(device: Json) -> str:
    """How often the device is expected to be heard, and how that is known."""
    basis, minutes = device["interval_basis"], device["expected_interval_minutes"]
    if basis == "irregular":
        return _("only when something happens")
    if minutes is None:
        return _("cannot tell yet")
    words = (
        _("{interval}, as learned from its own messages")
        if basis == "learned"
        else _("{interval}, as the registry says")
    )
    return words.format(interval=every(minutes))


def bring(items: Iterable[Json], titles: Json | None = None) -> str:
    """What to bring, like things counted together; one repeater is enough. Empty where nothing is.

    `titles` has the titles of technologies by their keys, as the API gives them with each task.
    """
    counts: dict[str, int] = {}
    for item in items:
        name = _item(item, titles or {})
        many = 1 if item["item"] == "repeater" else counts.get(name, 0) + item["count"]
        counts[name] = many
    return ", ".join(name if count == 1 else f"{number(count)} × {name}" for name, count in counts.items())


def technology_titles(tasks: Sequence[Json]) -> Json:
    """The titles of the technologies that these tasks are about, by their keys."""
    return {task["technology"]: task["technology_titles"] for task in tasks if task["technology"]}


def since(text: str | None, now: datetime) -> float | None:
    """Seconds since a moment of the API's; None where there is none."""
    then = parse_moment(text)
    return None if then is None else (now - then).total_seconds()


def every(minutes: float) -> str:
    """An interval, as one says it."""
    if round(minutes) == 60:
        return _("every hour")
    if round(minutes) == 1440:
        return _("every day")
    return _("every {interval}").format(interval=lasting(60 * minutes))


def _item(item: Json, titles: Json) -> str:
    if item["item"] == "battery":
        cell = item["what"]
        return (
            _("battery {cell}").format(cell=cell)
            if cell
            else _("battery for {device}").format(device=item["device"])
        )
    if item["item"] == "device":
        return _("{technology} (spare)").format(
            technology=titled(titles.get(item["what"]), str(item["what"]).replace("_", " "))
        )
    return _("repeater")


def _ago(text: str | None, now: datetime) -> str:
    seconds = since(text, now)
    return _("never") if seconds is None else ago(seconds)


def _unheard(kind: str, evidence: Json, now: datetime) -> str:
    heard = _ago(evidence["last_seen_at"], now)
    minutes = evidence.get("expected_interval_minutes")
    longest = evidence.get("longest_gap_minutes")
    if evidence.get("reason") == "platform_was_away":
        return _("Nyttig was not recording, so nobody can tell. Last heard {ago}.").format(ago=heard)
    if gaps := evidence.get("overdue_gaps"):
        return _("Heard {ago}, but {messages} came too late.").format(
            ago=heard,
            messages=ngettext("{n} of its last messages", "{n} of its last messages", gaps),
        )
    if minutes is not None:
        words = (
            _("Last heard {ago}; by its own rhythm it should be heard {interval}.")
            if evidence.get("interval_basis") == "learned"
            else _("Last heard {ago}; expected {interval}.")
        )
        sentences = [words.format(ago=heard, interval=every(minutes))]
    elif longest:
        words = (
            _(
                "It speaks only when something happens, and was last heard {ago}; its longest silence was {time}."
            )
            if evidence.get("interval_basis") == "irregular"
            else _("Last heard {ago}; its longest silence before was {time}.")
        )
        sentences = [words.format(ago=heard, time=lasting(60 * longest))]
    else:
        sentences = [_("Last heard {ago}.").format(ago=heard)]
    if "battery_pct" in evidence and kind == "silent":
        sentences.append(batteries.probably_flat(evidence))
    return " ".join(sentences)


def _clock(evidence: Json) -> str:
    seconds = evidence.get("offset_seconds")
    if seconds is not None:
        return _("Its clock is {offset}.").format(offset=offset(seconds))
    return _("{faulty} of its last {n} messages bear a time that cannot be.").format(
        faulty=number(evidence["impossible_times"]), n=number(evidence["messages"])
    )
