"""What goes into figures, and their thresholds, in the reader's words. A code not known keeps its own."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.client import Json
from dashboard.language import _, day, ngettext, number, parse_day, percent
from dashboard.wording import end_reason, funnel_step, share_value


def counted(code: str) -> str:
    """One count that went into a figure, or stayed out of it."""
    return {
        "used_observed_days": _("days used and observed (U)"),
        "used_unobserved_days": _("days used, hardly observed (u)"),
        "unused_days": _("days unused and observed (N)"),
        "unknown_days": _("days unknown (K)"),
        "lossy_unused_days": _("of the unused days, those that lost messages"),
        "paused_days": _("days paused"),
        "out_days": _("days outside the trial"),
        "online_minutes": _("minutes in contact"),
        "exposed_minutes": _("minutes that count"),
        "armed_minutes": _("of these, minutes worn or armed"),
        "unarmed_minutes": _("minutes neither worn nor armed"),
        "armed_unknown_minutes": _("minutes of which the device had not said whether it is worn or armed"),
        "raised": _("alarms raised"),
        "handled_in_time": _("handled in time, of those known"),
        "handled_late": _("handled late"),
        "tests": _("tests, and alarms by staff"),
        "steps": _("homes, step by step"),
        "ended": _("homes that ended, by reason"),
        "homes": _("homes"),
        "started": _("homes that have begun"),
        "homes_used": _("homes in which it was used (last complete week)"),
        "homes_unused": _("homes in which it was not used"),
        "homes_unknown": _("homes unknown"),
        "homes_paused": _("homes paused"),
        "uses_total": _("uses"),
        "used_days": _("days with use"),
        "recovered_uses": _("uses known from counters alone"),
        "done": _("done in time, of what was due"),
        "late": _("done late"),
        "missed": _("missed"),
        "unknown": _("unknown"),
        "excused": _("due in a pause"),
        "to_come": _("still open"),
        "share": _("homes in which it became a habit"),
        "too_early": _("homes too new to say"),
        "abandoned": _("homes that stopped"),
        "competing": _("homes that ended for another reason"),
        "units": _("units taking part, of those invited"),
        "trained": _("employees trained as ambassadors"),
        "active": _("ambassadors active, of those trained"),
        "units_silent": _("units that say nothing of ambassadors"),
        "visit_minutes_before": _("visit minutes before"),
        "visit_minutes_after": _("visit minutes after"),
        "new_work_minutes": _("minutes of new work"),
        "pairs": _("homes with a value before and after"),
        "homes_missing": _("homes without one of them"),
        "homes_followed": _("homes that are followed"),
        "homes_ended": _("homes that have ended"),
        "homes_compared": _("homes compared with themselves"),
        "homes_in_one_period": _("homes without observed days in both periods"),
        "homes_by_unit": _("homes by unit"),
        "devices_by_technology": _("devices by technology"),
    }.get(code, code.replace("_", " "))


def threshold(code: str) -> str:
    """One threshold of a trial, with its unit."""
    return {
        "observed_share_required": _("share of a day that must be observed"),
        "heartbeat_tolerance": _("usual intervals that a message counts for"),
        "minimum_uses_per_day": _("uses that make a day used"),
        "ramp_in_days": _("first days of each home left out"),
        "point_observability_required": _("share of days that must be known to give one number"),
        "week_observability_required": _("share of a home’s week that must be known"),
        "regular_use_days_per_week": _("days of use a week that are regular"),
        "stopped_observed_days": _("observed days without use, at least, before a call"),
        "stopped_missed_use_days": _("days of use that would usually have been in them"),
        "recent_observed_days": _("newest observed days that are looked at"),
        "usual_observed_days": _("observed days that say what is usual"),
        "usual_days_required": _("of these, at least"),
        "fell_to_ratio": _("share of what is usual, at most, before a call"),
        "chance_at_most": _("how often chance may bring that"),
        "unknown_days_allowed": _("unknown days at the end, at most, before a call"),
        "abandonment_days": _("observed days without use after which a home has stopped"),
        "sustained_within_days": _("days in which it must become a habit"),
        "sustained_window_days": _("days of the window that is looked at"),
        "sustained_observed_days": _("of these, days that must be observed"),
        "sustained_use_day_ratio": _("share of these that must be used"),
        "participation_window_minutes": _("minutes after the due time that are in time"),
        "participation_early_minutes": _("minutes before the due time that are in time"),
        "alarm_handled_within_minutes": _("minutes within which an alarm is to be handled"),
        "registration_days": _("days of registration before and after"),
        "registration_ratio_required": _("share of visits that must be registered"),
        "hourly_rate": _("price of an hour"),
    }.get(code, code.replace("_", " "))


RATIOS = (
    "observed_share_required",
    "point_observability_required",
    "week_observability_required",
    "sustained_use_day_ratio",
    "registration_ratio_required",
    "fell_to_ratio",
    "chance_at_most",
)


def threshold_value(code: str, value: float | None) -> str:
    """A threshold as one reads it."""
    return percent(value) if code in RATIOS else number(value, 1)


def count_value(value: object, titles: Mapping[str, str]) -> str:
    """A count, a share, or several of them by name; `titles` are those of the technologies, by their keys."""
    if value is None:
        return "–"
    if isinstance(value, (int, float)):
        return number(value, 1)
    if isinstance(value, list):
        return ", ".join(f"{funnel_step(step['step'])} {number(step['homes'])}" for step in value)
    if isinstance(value, dict) and {"count", "of"} <= value.keys():
        return share_value(value)
    if isinstance(value, dict):
        named = (f"{titles.get(code) or end_reason(code)} {number(count)}" for code, count in value.items())
        return ", ".join(named) or number(0)
    return str(value)


def concern(found: Json) -> str:
    """What is the matter with a home's use, in a word or two."""
    kinds = {
        "stopped": _("Stopped"),
        "fell": _("Uses it less"),
        "not_started": _("Has not begun"),
    }
    return kinds.get(found["kind"], str(found["kind"]))


def concern_evidence(found: Json) -> str:
    """Why: what was usual until when, and what the days since say."""
    observed = ngettext("{n} observed day", "{n} observed days", found["recent_observed_days"])
    usual = found["usual_days_per_week"]
    last = day(parse_day(found["last_use_on"]))
    if found["kind"] == "not_started":
        told = _("Not used once in its {days}.").format(days=observed)
    elif found["kind"] == "stopped":
        before = (
            _("Used until {last}").format(last=last)
            if usual is None
            else _("Used {usual} days a week until {last}").format(usual=number(usual, 1), last=last)
        )
        told = _("{before}, not once in the {days} since.").format(before=before, days=observed)
    else:
        told = _("Used {usual} days a week before, {used} of the last {days} now; last on {last}.").format(
            usual=number(usual, 1), used=number(found["recent_used_days"]), days=observed, last=last
        )
    if found["unknown_days"]:
        told += " " + ngettext(
            "{n} unknown day among them is not counted.",
            "{n} unknown days among them are not counted.",
            found["unknown_days"],
        )
    return told


def outcome(code: str) -> str:
    """How it went on in a home."""
    return {
        "using": _("uses it"),
        "abandoned": _("stopped: no use since"),
        "stopped": _("stopped: somebody recorded it"),
        "competing": _("ended for another reason"),
        "ended": _("ended"),
        "too_early": _("too early to say"),
        "never_started": _("has not begun"),
    }.get(code, code)


def cause(code: str) -> str:
    """Why homes no longer use it, as a line under the curve names it."""
    return _("stopped using it") if code == "abandoned" else end_reason(code)
