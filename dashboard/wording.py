"""The codes of the API in the reader's words, and figures as phrases that say how sure they are."""

from __future__ import annotations

from dashboard.client import Json
from dashboard.language import _, ngettext, number, percent, percent_range, rounded


def usage_class(code: str) -> str:
    """What the usage class means for the reader."""
    return {
        "scheduled": _("used at set times"),
        "on_demand": _("used when wanted"),
        "standby": _("stands by for when it is needed"),
    }.get(code, code)


def device_status(code: str) -> str:
    """A device's status."""
    return {
        "ok": _("Online"),
        "late": _("Late"),
        "silent": _("Silent"),
        "never_seen": _("Never heard"),
        "connection_lost": _("Connection lost"),
        "battery_low": _("Battery low"),
        "stuck": _("Stuck"),
        "clock_wrong": _("Clock wrong"),
        "chattering": _("Chattering"),
        "lossy": _("Losing messages"),
        "weak_signal": _("Weak signal"),
        "unknown": _("Not known"),
    }.get(code, code)


def heard_state(code: str) -> str:
    """One day of one device."""
    return {
        "as_expected": _("Heard as expected"),
        "some": _("Heard in part"),
        "none": _("Not heard"),
        "platform_away": _("Not known: Nyttig was away"),
    }.get(code, code)


def end_reason(code: str) -> str:
    """Why a home's part in the trial ended."""
    return {
        "completed": _("completed the trial"),
        "stopped_using": _("stopped using it"),
        "unsuitable": _("it did not suit the resident"),
        "moved": _("moved"),
        "nursing_home": _("moved to a nursing home"),
        "deceased": _("died"),
        "withdrew_consent": _("withdrew consent"),
        "other": _("other reason"),
    }.get(code, code)


def funnel_step(code: str) -> str:
    """A step on the way from being asked to using it."""
    return {
        "asked": _("Asked"),
        "consented": _("Said yes"),
        "installed": _("Installed"),
        "started": _("Started using it"),
    }.get(code, code)


def gain_type(code: str) -> str:
    """The kind of gain."""
    return {"quality": _("Quality"), "time": _("Time"), "cost": _("Cost")}.get(code, code)


def perspective(code: str) -> str:
    """Whose gain it is."""
    return {
        "citizen": _("for the resident"),
        "organisation": _("for the organisation"),
        "technology": _("for the technology"),
        "economy": _("for the economy"),
    }.get(code, code)


def quoted(title: str) -> str:
    """A title in quotation marks, as the reader's language has them."""
    return _("“{title}”").format(title=title)


def indicator(code: str) -> str:
    """What is measured, with its unit; an indicator of the trial's own keeps its code."""
    return {
        "visit_minutes_per_week": _("Visit minutes per week"),
        "visits_per_week": _("Visits per week"),
        "who5": _("Well-being (WHO-5, 0–100)"),
        "sus": _("Ease of use (SUS, 0–100)"),
        "eq5d": _("Health (EQ-5D)"),
        "eq5d5l": _("Health (EQ-5D)"),
    }.get(code, code)


def known_indicator(code: str) -> list[str]:
    """What is measured, where it has words: a code of the trial's own says nothing that the gain's title does not."""
    words = indicator(code)
    return [] if words == code else [words]


def registered(gain: Json) -> str:
    """Which share of the homes a gain rests on; empty where nothing says so."""
    if gain["registration_ratio"] is None:
        return ""
    return _("{share} of the homes registered, counting those that have left").format(
        share=percent(gain["registration_ratio"])
    )


def evidence(level: int) -> str:
    """How strong the evidence is, in words and as its level."""
    words = {
        0: _("single cases: fewer than five homes with both values"),
        1: _("before and after in the same homes, no homes to compare with"),
        2: _("with homes to compare with"),
        3: _("staggered start"),
        4: _("interrupted time series"),
        5: _("drawn by lot"),
    }.get(level, "")
    return _("Evidence level {level} of 5: {words}").format(level=level, words=words)


def day_state(letter: str, *, standby: bool = False) -> str:
    """One day of one home."""
    if standby:
        return {
            "U": _("In contact, alarm or use"),
            "u": _("Alarm or use, little contact"),
            "N": _("In contact"),
            "K": _("Unknown"),
            "E": _("Paused"),
            "-": _("Outside the trial"),
        }[letter]
    return {
        "U": _("Used"),
        "u": _("Used, little observed"),
        "N": _("Unused"),
        "K": _("Unknown"),
        "E": _("Paused"),
        "-": _("Outside the trial"),
    }[letter]


def quarantine_reason(code: str) -> str:
    """Why a message could not be used; a reason not known here keeps its code."""
    return {
        "unknown_device": _("from a device that no trial has registered"),
        "malformed": _("not readable"),
        "not_utf8": _("not readable as text"),
        "oversized": _("too large"),
        "bad_time": _("with a time that cannot be"),
        "impossible_value": _("with a value that cannot be"),
        "unknown_topic": _("under a topic that is not known"),
    }.get(code, code.replace("_", " "))


def homes(count: int) -> str:
    """So many homes."""
    return ngettext("{n} home", "{n} homes", count)


def share_value(share: Json) -> str:
    """A share as a count of its whole: 9 of 12."""
    return _("{count} of {of}").format(count=number(share["count"]), of=number(share["of"]))


def share_interval(share: Json) -> str:
    """A share's ratio and interval: 75 % (95% interval 47–91 %)."""
    if share.get("ratio") is None:
        return _("no homes to count yet")
    return _("{ratio} (95% interval {range})").format(
        ratio=percent(share["ratio"]), range=percent_range(share["low"], share["high"])
    )


def rate_value(rate: Json) -> str:
    """The use-day rate as it may be shown: a point, only its bounds, or nothing yet."""
    if rate["show"] == "point":
        return percent(rate["point"])
    if rate["show"] == "bounds":
        return _("between {low} and {high}").format(low=percent(rate["lower"]), high=percent(rate["upper"]))
    return _("no days yet")


def rate_note(rate: Json) -> str:
    """What the use-day rate rests on: bounds, share observed, homes."""
    count = homes(rate["homes"])
    if rate["show"] == "nothing":
        return _("Counting starts when a home’s first weeks are over · {homes}").format(homes=count)
    observed = percent(rate["observability"])
    if rate["show"] == "bounds":
        return _("only {observed} of days observed: too few for one number · {homes}").format(
            observed=observed, homes=count
        )
    return _("{range} whatever the unknown days were · {observed} of days observed · {homes}").format(
        range=percent_range(rate["lower"], rate["upper"]), observed=observed, homes=count
    )


def lossy_note(rate: Json) -> str:
    """How many of the unused days may hide a use, in a sentence; nothing where there are none."""
    lossy: int = rate["lossy_unused_days"]
    if not lossy:
        return ""
    return ngettext(
        "On {n} of the days without use messages were lost on the way: a use may be among them.",
        "On {n} of the days without use messages were lost on the way: uses may be among them.",
        lossy,
    )


def below_note(rate: Json) -> str:
    """Why the share stands below its own bounds, in a sentence; nothing where it does not."""
    point, lower = rate["point"], rate["lower"]
    if rate["show"] != "point" or point is None or lower is None or rounded(point, 2) >= rounded(lower, 2):
        return ""
    return ngettext(
        "The share is below its bounds: they count {n} more day of use on which the devices were hardly heard.",
        "The share is below its bounds: they count {n} more days of use on which the devices were hardly heard.",
        rate["used_unobserved_days"],
    )


def coverage_title(coverage: Json) -> str:
    """What coverage counts: time in which it was worn or armed as well, where devices say so, or time in contact."""
    return _("Time covered") if coverage["armed_known"] else _("Time in contact")


def coverage_value(coverage: Json) -> str:
    """Coverage as it may be shown: one number, or from what is known to what it could be."""
    if coverage["show"] == "bounds":
        return _("between {low} and {high}").format(
            low=percent(coverage["ratio"]), high=percent(coverage["upper"])
        )
    return percent(coverage["ratio"])


def coverage_note(coverage: Json, count: int) -> str:
    """What coverage rests on: hours in contact of the hours that count, how much of them worn or armed, and homes."""
    note = _("{online} of {exposed} hours in contact · {homes}").format(
        online=number(coverage["online_minutes"] / 60),
        exposed=number(coverage["exposed_minutes"] / 60),
        homes=homes(count),
    )
    if coverage["armed_known"]:
        return _("in contact {online}, worn or armed in {armed} of the time in contact · {note}").format(
            online=percent(coverage["online_ratio"]), armed=percent(coverage["armed_ratio"]), note=note
        )
    if coverage["armed_unknown_minutes"]:
        return _("{note} · no device has said whether it is worn or armed").format(note=note)
    return note


def due_note(told: Json, count: int) -> str:
    """What the share done in time rests on: the number, what is not known, and homes."""
    steady = told["steady"]
    parts = [
        _("{share} that were due while somebody would have noticed").format(share=share_value(steady["done"]))
    ]
    if steady["unknown"]:
        parts.append(_("{n} unknown").format(n=number(steady["unknown"])))
    parts.append(homes(count))
    return " · ".join(parts)


def alarm_outcome(code: str) -> str:
    """What became of an alarm."""
    return {
        "in_time": _("handled in time"),
        "late": _("handled late"),
        "missed": _("not handled"),
        "unknown": _("unknown"),
        "to_come": _("still open"),
        "test": _("test, or by staff"),
    }.get(code, code)
