"""Technologies from TOML: Nyttig's own, and those that a trial package defines."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import get_args

from nyttig.errors import PackageError, Problem
from nyttig.model import Technology, UsageClass, UseRule
from nyttig.package.section import Section, parse_toml

LANGUAGES = ("en", "nb", "da")


def builtin_technologies() -> dict[str, Technology]:
    """The technologies that Nyttig knows from the start, by key (nyttig/technologies.toml)."""
    return dict(_builtin()[0])


def parse_technologies(file: str, path: str, data: object, problems: list[Problem]) -> dict[str, Technology]:
    """Those tables under `path` that are technologies, by key; whatever is wrong is added to `problems`.

    `joining_gap_minutes` is 0, `heartbeat_minutes` 60 and `minimum_uses_per_day` 1 unless said. A title that
    is not given in one of Nyttig's languages is the first one that is given.
    """
    section = Section(file, path, data, problems)
    found: dict[str, Technology] = {}
    for key, table in section.data.items():
        technology = _technology(key, Section(file, section.key(key), table, problems))
        if technology is not None:
            found[key] = technology
    return found


def suggest(says: Collection[str]) -> str | None:
    """The technology that a device which gives these types of reading most likely is; None where none comes to mind."""
    technologies, suggestions = _builtin()
    for key, technology in technologies.items():
        if any(rule.type in says for rule in technology.use_rules if rule.counts_each_reading):
            return key
    return next((key for key, types in suggestions.items() if not types.isdisjoint(says)), None)


@cache
def _builtin() -> tuple[MappingProxyType[str, Technology], MappingProxyType[str, frozenset[str]]]:
    """The technologies, and the types of reading that suggest each."""
    text = files("nyttig").joinpath("technologies.toml").read_text(encoding="utf-8")
    problems: list[Problem] = []
    data = parse_toml(text, "technologies.toml", problems) or {}
    suggestions = {key: frozenset(types) for key, types in data.pop("suggest", {}).items()}
    found = parse_technologies("technologies.toml", "", data, problems)
    for key in suggestions.keys() - found.keys():
        problems.append(
            Problem("technologies.toml", None, "suggest", key, "is none of the technologies; name one")
        )
    if problems:
        raise PackageError(problems)
    return MappingProxyType(found), MappingProxyType(suggestions)


def _technology(key: str, section: Section) -> Technology | None:
    known_problems = len(section.problems)
    if not _matches_id(key):
        section.problems.append(
            Problem(section.file, None, section.path, key, "is no key; use a-z, 0-9 and underscore only")
        )
    titles = _titles(section)
    usage_class = section.choice("usage_class", get_args(UsageClass))
    rules = _rules(section, "use", section.take("use", required=True))
    armed = _rules(section, "armed", section.take("armed"))
    alarm, handled = (_types(section, name) for name in ("alarm", "alarm_handled"))
    gap = section.number("joining_gap_minutes", low=0)
    heartbeat = section.number("heartbeat_minutes", low=0, above=True)
    minimum = section.whole("minimum_uses_per_day", low=1)
    section.finish()
    if len(section.problems) > known_problems:
        return None
    return Technology(
        id=key,
        titles=titles,
        usage_class=usage_class,
        use_rules=rules,
        joining_gap_minutes=0.0 if gap is None else gap,
        heartbeat_minutes=60.0 if heartbeat is None else heartbeat,
        minimum_uses_per_day=1 if minimum is None else minimum,
        armed_rules=armed,
        alarm=alarm,
        alarm_handled=handled,
    )


def _titles(section: Section) -> dict[str, str]:
    value = section.take("titles", required=True)
    if value is None:
        return {}
    titles = Section(section.file, section.key("titles"), value, section.problems)
    given = {language: titles.text(language) for language in LANGUAGES}
    titles.finish()
    first = next((title for title in given.values() if title), None)
    if first is None:
        section.wrong(
            "titles", value, 'holds no title; write one, as { en = "Bed sensor", nb = "Sengesensor" }'
        )
        return {}
    return {language: title or first for language, title in given.items()}


def _rules(section: Section, name: str, value: object) -> tuple[UseRule, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        section.wrong(name, value, 'is no list; write it as ["dose_taken"]')
        return ()
    rules = [_rule(section, f"{name}[{number}]", each) for number, each in enumerate(value, start=1)]
    types = [rule.type for rule in rules if rule is not None]
    for kind in sorted({each for each in types if types.count(each) > 1}):
        section.wrong(name, kind, "is counted by two rules; keep one")
    return tuple(rule for rule in rules if rule is not None)


def _rule(section: Section, name: str, value: object) -> UseRule | None:
    """The rule that `value` describes, a name or a table; whatever is wrong is added to the section's problems."""
    is_use = name.startswith("use")
    rule = Section(
        section.file,
        section.key(name),
        {"type": value} if isinstance(value, str) else value,
        section.problems,
    )
    kind, until = rule.text("type", required=True), rule.text("until")
    above, below, release = (rule.number(each) for each in ("above", "below", "release"))
    bare = rule.flag("bare", default=False)
    minimum, gap = (
        rule.number(each, low=0) if is_use else None for each in ("minimum_minutes", "joining_gap_minutes")
    )
    rule.finish()
    if kind is None:
        return None
    found = UseRule(kind, above, below, release, until, bare, minimum, gap)
    threshold = above if below is None else below
    if above is not None and below is not None:
        rule.wrong("below", below, "stands beside 'above'; keep one of the two")
    elif release is not None and threshold is None:
        rule.wrong("release", release, "stands without 'above' or 'below'; add the threshold that it eases")
    elif (
        release is not None
        and threshold is not None
        and (release - threshold) * (-1 if below is None else 1) < 0
    ):
        rule.wrong(
            "release",
            release,
            f"lies beyond the threshold {threshold:g}; it is where the use ends, so take it back behind",
        )
    if bare and threshold is None:
        rule.wrong("bare", "true", "stands without 'above' or 'below'; leave it out: every reading counts")
    elif bare and found.lasts and until is None:
        rule.wrong("bare", "true", "needs 'until': nothing else says when a reading without a value is over")
    if minimum is not None and threshold is None and until is None:
        rule.wrong("minimum_minutes", minimum, "needs 'until' or a threshold: a moment has no length")
    if until == kind:
        rule.wrong("until", until, "is the type itself; name what is said when it is over")
    if not is_use and threshold is None and until is None:
        rule.wrong("type", kind, "is a moment; say with 'until' or a threshold how long the device is armed")
    return found


def _types(section: Section, name: str) -> tuple[str, ...]:
    return () if section.take(name) in (None, []) else section.texts(name)


def _matches_id(key: str) -> bool:
    return bool(key) and all(
        each.isascii() and (each.islower() or each.isdigit() or each == "_") for each in key
    )
