"""An entry in words: its headline, what else it says, and how two of its versions differ."""

from __future__ import annotations

from typing import Any

from dashboard import live
from dashboard.client import Json
from dashboard.entry_choices import choice, yes_or_no
from dashboard.entry_offers import title
from dashboard.entry_words import label, one
from dashboard.language import _, day, number, parse_day, sentence

HEADLINES: dict[str, tuple[str, ...]] = {
    "gain": ("title",),
    "measure": ("home", "indicator", "value"),
    "cost": ("item", "amount"),
    "harm": ("title",),
    "assessed_gain": ("title",),
    "rate": ("staff_group", "amount"),
    "realisation": ("gain",),
    "assumption": ("name", "likely"),
    "criterion": ("title",),
    "design": ("design",),
    "comparison": ("home",),
    "series_point": ("indicator", "starts_on", "value"),
    "instrument": ("title",),
    "answer": ("instrument", "home", "answered_on"),
    "registration_plan": ("unit", "from_day", "to_day"),
    "registration": ("unit", "day", "shift", "purpose"),
    "feedback": ("words",),
    "mapping": ("system",),
    "idea": ("title",),
    "vote": ("idea", "voter"),
    "programme": ("name",),
    "phase": ("phase",),
    "spend": ("item", "amount"),
    "decision": ("decision", "phase"),
    "cycle": ("number", "need"),
    "gate_override": ("gate",),
    "handover": ("line_owner",),
    "transfer": ("receiving_unit", "status"),
    "demo_visit": ("home", "visited_on"),
    "enquiry": ("technology", "asked_on"),
    "ambassador": ("code",),
    "ambassador_activity": ("ambassador", "what"),
    "suitability": ("home", "outcome"),
    "training": ("home", "given_to"),
    "adverse_event": ("home", "happened_on", "what"),
}
CODES = frozenset({"home", "ambassador", "code"})
"""Written as they are, also where they begin a line."""

HEADLINE_CHARACTERS_MAX = 120
DECIMALS = 6


def headline(entry: Json) -> str:
    """The entry in a line: what tells it from others of its kind."""
    data, kind = entry["data"] or {}, entry["kind"]
    parts = [value(entry, field) for field in HEADLINES.get(kind, ()) if field in data]
    told = " · ".join(parts) or one(kind)
    begins_with_code = next(iter(HEADLINES.get(kind, ())), None) in CODES
    text = told if begins_with_code else sentence(told)
    return text if len(text) <= HEADLINE_CHARACTERS_MAX else text[: HEADLINE_CHARACTERS_MAX - 1] + "…"


def details(entry: Json) -> list[tuple[str, str]]:
    """What the entry says beside its headline: each field's name and value. A mark that is not set says nothing."""
    data, kind = entry["data"] or {}, entry["kind"]
    shown = HEADLINES.get(kind, ())
    long = len(str(data.get(shown[-1], ""))) > HEADLINE_CHARACTERS_MAX if shown else False
    said = shown[:-1] if long else shown
    return [
        (label(kind, field), value(entry, field))
        for field in data
        if field not in said and data[field] is not False
    ]


def differences(before: Json, after: Json) -> list[str]:
    """What changed from one version to another, field by field: Owner (role): A → B."""
    was, now = before["data"] or {}, after["data"] or {}
    return [
        f"{label(after['kind'], field)}: {value(before, field)} → {value(after, field)}"
        for field in dict.fromkeys((*was, *now))
        if was.get(field) != now.get(field)
    ]


def value(entry: Json, field: str) -> str:
    """What a field of the entry holds, as one reads it; a dash where it is empty."""
    found = (entry["data"] or {}).get(field)
    if found is None:
        return "–"
    kind = entry["kind"]
    column = next(
        (each for each in live.entry_kinds()[kind]["columns"] if each["name"] == field), {"kind": "text"}
    )
    if column["kind"] == "boolean":
        return yes_or_no(found)
    if column["kind"] == "date":
        return day(parse_day(found))
    if column["kind"] in ("number", "integer"):
        return str(found) if field == "year" else written(found)
    if column["kind"] == "choice":
        return choice(kind, field, found)
    return title(kind, field, str(found), entry["trial_id"])


def written(number_or_text: Any) -> str:
    """A number as its reader writes it."""
    return (
        number(number_or_text, DECIMALS) if isinstance(number_or_text, (int, float)) else str(number_or_text)
    )


def after_start(entry: Json) -> str | None:
    """That it was entered or changed after the trial's start, in words; None where that is not so or does not matter."""
    fixed = entry["kind"] in ("gain", "design") and (entry["data"] or {}).get("planned") is not False
    if not fixed or entry["loaded"] or entry["trial_id"] is None or entry["entered_at"] is None:
        return None
    if entry["entered_at"][:10] <= live.trial(entry["trial_id"])["starts"]:
        return None
    return _("Entered after the start") if entry["version"] == 1 else _("Changed after the start")
