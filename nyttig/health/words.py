"""Findings in plain English, for the command line and for notices. They name devices and homes by code, and nobody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from nyttig.health.findings import Evidence, Remedy, Status
from nyttig.health.visits import Item, Task

STATUS: dict[Status, str] = {
    "silent": "silent",
    "never_seen": "never heard",
    "connection_lost": "connection lost",
    "battery_low": "battery low",
    "stuck": "stuck",
    "clock_wrong": "clock wrong",
    "late": "late",
    "chattering": "chattering",
    "lossy": "losing messages",
    "weak_signal": "weak signal",
    "unknown": "cannot tell",
    "ok": "ok",
}

REMEDY: dict[Remedy, str] = {
    "check_power_and_place": "check its power and whether it stands in its place",
    "check_pairing": "check that it has power and is paired with its gateway",
    "check_gateway": "look at the gateway, its power and its network first",
    "replace_battery": "replace the battery",
    "replace_device": "replace the device",
    "set_clock": "set its clock, or let it reach a time server",
    "move_or_add_repeater": "move it or its gateway nearer, or add a repeater",
    "trigger_at_next_visit": "trigger it at the next visit and see whether it answers",
    "wait": "wait a little before going",
}


def because(finding: Status, evidence: Evidence, now: datetime) -> str:
    """The evidence in one clause."""
    match finding:
        case "silent" | "late" | "unknown":
            return _unheard(evidence, now)
        case "never_seen":
            return f"placed {ago(evidence['placed_at'], now)} and not heard since"
        case "connection_lost":
            return f"its last will came {ago(evidence['lost_at'], now)} and nothing since"
        case "battery_low":
            return _battery(evidence, now)
        case "stuck":
            return f"{evidence['type']} has been {evidence['value']} in all of its last {evidence['readings']} readings"
        case "clock_wrong":
            offset = evidence.get("offset_seconds")
            if isinstance(offset, int | float):
                return f"it is {lasting(abs(offset) / 60)} {'fast' if offset > 0 else 'slow'}"
            return f"{evidence['impossible_times']} of its last {evidence['messages']} messages bear impossible times"
        case "chattering":
            return f"over {evidence['messages_per_hour_max']} messages, or uses without end, in {evidence['busy_hours']} hours"
        case "lossy":
            return f"{evidence['lost_messages']} messages of the last week never came, {evidence['received_messages']} did"
        case "weak_signal":
            return f"{evidence['measure']} {evidence['level']:g}, poor below {evidence['poor_below']:g}"
        case "ok":
            return ""


def task(one: Task, now: datetime) -> str:
    """A task in a line: what, why, since when, what to do."""
    if one.subject_kind != "device":
        return (
            f"{one.subject_kind} {one.subject}: all {one.devices} devices silent since {ago(one.since, now)};"
            f" {REMEDY[one.remedy]}"
        )
    return (
        f"{one.subject} ({one.technology}) {STATUS[one.finding]}: {because(one.finding, one.evidence, now)};"
        f" {REMEDY[one.remedy]}"
    )


def bring(items: Sequence[Item]) -> str:
    """What to bring, like things counted together; empty where nothing is."""
    counts: dict[str, int] = {}
    for one in items:
        name = {
            "battery": f"battery {one.what}" if one.what else f"battery for {one.device}",
            "device": f"spare {one.what}",
            "repeater": "repeater",
        }[one.item]
        counts[name] = (
            max(counts.get(name, 0), 1) if one.item == "repeater" else counts.get(name, 0) + one.count
        )
    return ", ".join(name if count == 1 else f"{count} × {name}" for name, count in counts.items())


def ago(then: object, now: datetime) -> str:
    """How long ago that was."""
    return f"{lasting((now - then) / timedelta(minutes=1))} ago" if isinstance(then, datetime) else "never"


def lasting(minutes: object) -> str:
    """A length of time, as roughly as one would say it."""
    if not isinstance(minutes, int | float):
        return "an unknown time"
    if minutes < 120:
        return f"{int(minutes)} min"
    return f"{int(minutes // 60)} h" if minutes < 48 * 60 else f"{int(minutes // 1440)} days"


def _unheard(evidence: Evidence, now: datetime) -> str:
    heard = f"last heard {ago(evidence['last_seen_at'], now)}"
    expected = evidence.get("expected_interval_minutes")
    if expected is not None:
        learned = ", as learned from its own gaps" if evidence["interval_basis"] == "learned" else ""
        heard += f", expected every {lasting(expected)}{learned}"
    elif longest := evidence.get("longest_gap_minutes"):
        heard += f", longest gap before {lasting(longest)}"
    if evidence.get("reason") == "platform_was_away":
        heard += "; Nyttig was not listening meanwhile"
    if gaps := evidence.get("overdue_gaps"):
        heard += f", but too late {gaps} times lately"
    if "battery_pct" in evidence:
        heard += "; " + _battery(evidence, now)
        if months := evidence.get("battery_months"):
            heard += (
                f" after {months:.0f} months, of {evidence['lifetime_months_min']:g} to"
                f" {evidence['lifetime_months_max']:g} that such batteries last"
            )
    return heard


def _battery(evidence: Evidence, now: datetime) -> str:
    percent, volts = evidence.get("battery_pct"), evidence.get("battery_v")
    level = "no level known" if percent is None else f"{percent:.0f} %"
    if percent is None and volts is not None:
        level = f"{volts:.2f} V"
    told = f"battery {level}"
    if measured := evidence.get("measured_at"):
        told += f", measured {ago(measured, now)}"
    if evidence.get("says_low"):
        told += ", says itself that it is low"
    if isinstance(replace_at := evidence.get("replace_at"), datetime):
        told += f", probably flat about {replace_at:%Y-%m-%d}"
    return told
