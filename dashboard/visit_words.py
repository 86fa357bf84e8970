"""Words of visit lists: what a column may be, what the list's own words are taken for, and what became of a row."""

from __future__ import annotations

from dashboard.language import _


def column(code: str) -> str:
    """What a column of the list may hold."""
    return {
        "home": _("Code of the home"),
        "day": _("Day, where it stands in a column of its own"),
        "started_at": _("Beginning: day and time, or the time alone"),
        "ended_at": _("End: day and time, or the time alone"),
        "minutes": _("How long it took, in minutes"),
        "kind": _("At the door or from afar"),
        "purpose": _("What the visit was for"),
        "staff_group": _("Group of staff, never a name"),
        "travel_minutes": _("Minutes under way"),
        "period": _("Before or after the technology came"),
    }[code]


def result(code: str) -> str:
    """What becomes of a row of a list of visits."""
    return {
        "counted": _("Counts"),
        "double": _("Counts already"),
        "outside": _("Outside the registration"),
        "refused": _("Refused"),
    }[code]


def meaning(code: str) -> str:
    """What one of the list's own words is taken for."""
    return {
        "physical": _("at the door"),
        "remote": _("from afar"),
        "before": _("before"),
        "after": _("after"),
        "alarm_handling": _("new work: alarm"),
        "refill": _("new work: refill"),
        "remote_check": _("new work: check from afar"),
        "support": _("new work: support"),
    }.get(code, code)
