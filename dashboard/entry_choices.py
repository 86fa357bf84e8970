"""What may be chosen in the fields of what people enter, in the reader's words; `kind.field` before `field`."""

from __future__ import annotations

from functools import lru_cache

from dashboard.language import _, current
from dashboard.wording import gain_type, perspective


def choice(kind: str, field: str, code: str) -> str:
    """What a code means in a field. One not known keeps its own."""
    words = _choices(current().code)
    found = words.get(f"{kind}.{field}", {}).get(code) or words.get(field, {}).get(code)
    return found or code.replace("_", " ")


def yes_or_no(value: bool) -> str:
    """A mark in words."""
    return _("yes") if value else _("no")


@lru_cache
def _choices(_language: str) -> dict[str, dict[str, str]]:
    phases = {
        "idea": _("idea"),
        "pre_study": _("pre-study"),
        "pre_project": _("pre-project"),
        "main_project": _("main project"),
        "operation": _("operation in the line"),
        "stopped": _("stopped"),
    }
    people = {
        "resident": _("resident"),
        "residents": _("residents"),
        "relative": _("next of kin"),
        "relatives": _("next of kin"),
        "staff": _("staff"),
        "municipality": _("another municipality or district"),
        "company": _("company"),
        "students": _("pupils or students"),
        "other": _("others"),
    }
    period = {"before": _("before"), "after": _("after")}
    severity = {
        "near_miss": _("near miss"),
        "minor": _("minor"),
        "moderate": _("moderate"),
        "serious": _("serious"),
    }
    return {
        "answered_by": people,
        "asked_by": people,
        "given_to": people,
        "group": people,
        "said_by": people,
        "phase": phases,
        "next_phase": phases,
        "period": period,
        "severity": severity,
        "shift": _shifts(),
        "shifts": _shifts(),
        "perspective": {
            code: perspective(code) for code in ("citizen", "organisation", "technology", "economy")
        },
        "type": {code: gain_type(code) for code in ("quality", "time", "cost")},
        "better": {"lower": _("lower is better"), "higher": _("higher is better")},
        "respondent": people | {"proxy": _("somebody else for the resident")},
        "way": {"phone": _("on a phone"), "paper": _("on paper"), "interview": _("in an interview")},
        "tone": {"good": _("good"), "mixed": _("mixed"), "bad": _("bad")},
        "visible_to": {
            "coordinators": _("coordinators alone"),
            "staff": _("staff, too"),
            "everyone": _("everyone"),
        },
        "table": {"visits": _("visits")},
        "chosen": {
            "matched": _("alike in what counts"),
            "randomised": _("drawn by lot"),
            "waiting": _("waiting for the technology"),
            "other": _("in another way"),
        },
        "design": {
            "before_after": _("the same homes before"),
            "comparison": _("homes without the technology"),
            "staggered": _("homes that start later"),
            "interrupted": _("a series before the start"),
            "randomised": _("homes drawn by lot"),
        },
        "gate": {
            "new": _("new (nytt)"),
            "useful": _("useful (nyttig)"),
            "put_to_use": _("put to use (nyttiggjort)"),
        },
        "decision": {
            "go_on": _("go on"),
            "adjust": _("go on with changes"),
            "wait": _("wait"),
            "stop": _("stop"),
            "put_to_use": _("put to use in the line"),
        },
        "became": {
            "open": _("still open"),
            "trial": _("a trial"),
            "granted": _("granted"),
            "nothing": _("nothing"),
        },
        "outcome": {
            "suitable": _("suitable"),
            "suitable_with_help": _("suitable with help"),
            "unsuitable": _("not suitable"),
        },
        "purpose": _purposes(),
        "gain.status": {
            "proposed": _("proposed"),
            "agreed": _("agreed on"),
            "measured": _("measured"),
            "realised": _("realised"),
            "dropped": _("dropped"),
        },
        "cost.kind": {
            "capital": _("bought once"),
            "running": _("running"),
            "installation": _("installation"),
            "support": _("support"),
        },
        "cost.per": {
            "device": _("device"),
            "home": _("home"),
            "month": _("month"),
            "once": _("once for all"),
        },
        "rate.basis": {"paid_hour": _("a paid hour"), "full_cost": _("a delivered hour at full cost")},
        "assumption.name": {
            "discount_rate": _("discount rate"),
            "horizon_years": _("years looked ahead"),
            "homes_in_operation": _("homes in operation"),
            "use_day_ratio": _("share of days in use"),
            "visits_avoided_ratio": _("share of visits avoided"),
            "hourly_rate": _("hourly rate"),
        },
        "idea.status": {
            "new": _("new"),
            "looked_at": _("being looked at"),
            "trial": _("became a trial"),
            "declined": _("declined"),
        },
        "transfer.status": {
            "considered": _("considered"),
            "agreed": _("agreed on"),
            "in_use": _("in use"),
            "declined": _("declined"),
        },
        "demo_visit.status": {
            "booked": _("booked"),
            "held": _("held"),
            "cancelled": _("cancelled"),
        },
        "ambassador_activity.what": {
            "guided": _("guided visitors"),
            "handled_event": _("handled an event"),
            "helped_home": _("helped a home"),
        },
    }


def _shifts() -> dict[str, str]:
    return {"day": _("day"), "evening": _("evening"), "night": _("night")}


def _purposes() -> dict[str, str]:
    return {
        "medicine": _("medicine"),
        "supervision": _("supervision"),
        "toilet": _("help in the toilet"),
        "care": _("personal care"),
        "alarm_handling": _("handling of alarms"),
        "refill": _("refilling"),
        "remote_check": _("check from afar"),
        "support": _("help with the technology"),
        "none": _("nothing to register"),
    }
