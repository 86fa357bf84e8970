"""trial.toml: the trial, its gains, its thresholds and its own technologies."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

from nyttig.column import Column, columns_of
from nyttig.errors import Problem
from nyttig.model import Gain, GainType, Parameters, Perspective, Technology, Trial
from nyttig.package.columns import CODE_PATTERN, closest
from nyttig.package.section import Section, read_toml, sections
from nyttig.package.technologies import parse_technologies
from nyttig.saying import Saying

FILE = "trial.toml"
OPEN_END_DAYS = 3 * 366
"""How far ahead a trial without a last day is checked for odd time zones."""

_PARAMETERS: dict[str, dict[str, Any]] = {
    "observed_share_required": {"low": 0, "high": 1},
    "heartbeat_tolerance": {"low": 1},
    "minimum_uses_per_day": {"low": 1},
    "ramp_in_days": {"low": 0},
    "point_observability_required": {"low": 0, "high": 1},
    "week_observability_required": {"low": 0, "high": 1},
    "regular_use_days_per_week": {"low": 1, "high": 7},
    "abandonment_days": {"low": 1},
    "sustained_within_days": {"low": 1},
    "sustained_window_days": {"low": 1},
    "sustained_observed_days": {"low": 1},
    "sustained_use_day_ratio": {"low": 0, "high": 1},
    "participation_window_minutes": {"low": 0, "above": True},
    "participation_early_minutes": {"low": 0},
    "alarm_handled_within_minutes": {"low": 0, "above": True},
    "registration_days": {"low": 1},
    "registration_ratio_required": {"low": 0, "high": 1},
    "hourly_rate": {"low": 0, "above": True},
}


@dataclass(frozen=True, slots=True)
class TrialFile:
    """What trial.toml says. `trial` is None where it has problems; the tables are held against the rest.

    `zone` is UTC where the time zone is unknown; `units` and `technology` are empty where they are.
    """

    trial: Trial | None
    zone: ZoneInfo
    units: tuple[str, ...]
    technology: str | None
    technologies: dict[str, Technology]
    own: tuple[Technology, ...]
    registration_days: int


def read_trial(folder: Path, known: Mapping[str, Technology], problems: list[Problem]) -> TrialFile:
    """The trial of the folder's trial.toml; whatever is wrong in it is added to `problems`."""
    before = len(problems)
    data = read_toml(folder / FILE, problems)
    if data is None:
        return TrialFile(None, ZoneInfo("UTC"), (), None, dict(known), (), 10_000)
    section = Section(FILE, "", data, problems)
    own = _own_technologies(section, known)
    technologies = {**known, **own}
    trial_id = section.text("id", required=True, pattern=r"[a-z0-9-]+", of=Saying("a-z, 0-9 and hyphen"))
    title = section.text("title", required=True)
    programme = section.text("programme")
    units = section.texts("units")
    technology = section.text("technology", required=True)
    if technology is not None and technology not in technologies:
        named = data.get("technologies")
        if not (isinstance(named, dict) and technology in named):
            near = closest(technology, technologies)
            remedy = Saying(
                "is no technology that Nyttig knows; define it under [technologies.…].{near}", near=near
            )
            section.wrong("technology", technology, remedy)
        technology = None
    currency = section.text(
        "currency", required=True, pattern="[A-Z]{3}", of=Saying("three capital letters, such as NOK")
    )
    starts, ends = section.day("starts", required=True), section.day("ends")
    if starts is not None and ends is not None and ends < starts:
        section.wrong("ends", ends, f"is before the trial starts ({starts}); check both")
    zone = _zone(section, starts, ends)
    gains = _gains(section)
    parameters = _parameters(section)
    section.finish()
    trial = None
    if len(problems) == before:
        # Whatever is required and missing has become a problem.
        assert trial_id is not None
        assert title is not None
        assert technology is not None
        assert zone is not None
        assert currency is not None
        assert starts is not None
        trial = Trial(
            trial_id, title, programme, units, technology, zone.key, currency, starts, ends, gains, parameters
        )
    return TrialFile(
        trial,
        zone or ZoneInfo("UTC"),
        units,
        technology,
        technologies,
        tuple(own.values()),
        parameters.registration_days,
    )


def _own_technologies(section: Section, known: Mapping[str, Technology]) -> dict[str, Technology]:
    data = section.take("technologies")
    if data is None:
        return {}
    own = parse_technologies(FILE, "technologies", data, section.problems)
    for key, technology in own.items():
        if key in known and _in_order(known[key]) != _in_order(technology):
            remedy = "is known to Nyttig with another definition; give yours a key of its own"
            section.wrong(f"technologies.{key}", key, remedy)
    return own


def _in_order(technology: Technology) -> Technology:
    """The technology with its rules by type: in which order they are written says nothing."""
    use, armed = (
        tuple(sorted(rules, key=lambda rule: rule.type))
        for rules in (technology.use_rules, technology.armed_rules)
    )
    return replace(technology, use_rules=use, armed_rules=armed)


def _zone(section: Section, starts: date | None, ends: date | None) -> ZoneInfo | None:
    key = section.text("timezone", required=True)
    if key is None:
        return None
    if key not in zoneinfo.available_timezones():
        hint = closest(key, zoneinfo.available_timezones())
        remedy = Saying("is no IANA time zone; write one such as Europe/Oslo.{near}", near=hint)
        section.wrong("timezone", key, remedy)
        return None
    zone = ZoneInfo(key)
    first = starts or date(2026, 1, 1)
    last = ends or first + timedelta(days=OPEN_END_DAYS)
    for number in range((last - first).days + 2):
        moment = datetime.combine(first + timedelta(days=number), time(), UTC)
        offset = moment.astimezone(zone).utcoffset()
        if offset is None or offset % timedelta(hours=1):
            remedy = Saying(
                "is not whole hours from UTC on {day}; Nyttig counts days in whole UTC hours. Use a zone with whole hours, such "
                "as Europe/Oslo",
                day=moment.date(),
            )
            section.wrong("timezone", key, remedy)
            return None
    return zone


def _gains(section: Section) -> tuple[Gain, ...]:
    data = section.take("gain")
    if data is None:
        return ()
    gains: list[Gain] = []
    seen: set[str] = set()
    for each in sections(FILE, "gain", data, section.problems):
        gain_id = each.text(
            "id", required=True, pattern=CODE_PATTERN, of="letters a-z, digits, dot, hyphen, underscore"
        )
        values: dict[str, Any] = {
            "title": each.text("title", required=True),
            "type": each.choice("type", get_args(GainType)),
            "perspective": each.choice("perspective", get_args(Perspective)),
            "indicator": each.text("indicator", required=True),
            "better": each.choice("better", ("lower", "higher")),
        }
        optional = {
            column.name: _optional(each, column)
            for column in columns_of(Gain)
            if column.name not in ("id", *values)
        }
        each.finish()
        if gain_id is not None and gain_id in seen:
            each.wrong("id", gain_id, "stands there twice; give each gain an id of its own")
        if gain_id is not None and None not in values.values():
            seen.add(gain_id)
            told = {name: value for name, value in optional.items() if value is not None}
            gains.append(Gain(gain_id, **values, **told))
    return tuple(gains)


def _optional(section: Section, column: Column) -> Any:
    """What the section says under a column's name; None where it says nothing."""
    if column.kind == "date":
        return section.day(column.name)
    if column.kind == "number":
        return section.number(column.name)
    if column.kind == "boolean":
        return section.flag(column.name, default=None)
    if column.kind == "choice":
        return section.choice(column.name, column.choices, required=False)
    return section.text(column.name)


def _parameters(section: Section) -> Parameters:
    data, registration = section.take("parameters"), section.take("registration")
    values: dict[str, Any] = {}
    if data is not None:
        table = Section(FILE, "parameters", data, section.problems)
        whole = {each.name for each in fields(Parameters) if each.type == "int"}
        for name, limits in _PARAMETERS.items():
            values[name] = table.whole(name, **limits) if name in whole else table.number(name, **limits)
        table.finish()
    if registration is not None:
        table = Section(FILE, "registration", registration, section.problems)
        days = table.whole("days", **_PARAMETERS["registration_days"])
        table.finish()
        if days is not None and values.get("registration_days") not in (None, days):
            table.wrong(
                "days",
                days,
                f"differs from parameters.registration_days ({values['registration_days']}); keep one",
            )
        values["registration_days"] = days
    return Parameters(**{name: value for name, value in values.items() if value is not None})
