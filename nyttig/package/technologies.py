"""Technologies from TOML: Nyttig's own, and those that a trial package defines."""

from __future__ import annotations

import math
from collections.abc import Collection
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import get_args

from nyttig.errors import PackageError, Problem
from nyttig.model import Technology, UsageClass, UseRule
from nyttig.package.section import Section, parse_toml

LANGUAGES = ("en", "nb", "da")


def builtin_technologies() -> dict[str, Technology]:
    """The technologies that Nyttig knows from the start, by key (nyttig/technologies.toml)."""
    return dict(_builtin()[0])


def read_technologies(source: str | Path) -> dict[str, Technology]:
    """The technologies of a TOML text or file whose tables are keyed by technology.

    Raises PackageError with every problem.
    """
    file = source.name if isinstance(source, Path) else "technologies.toml"
    text = source.read_text(encoding="utf-8-sig") if isinstance(source, Path) else source
    problems: list[Problem] = []
    found = parse_technologies(file, "", parse_toml(text, file, problems) or {}, problems)
    if problems:
        raise PackageError(problems)
    return found


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
        if any(
            rule.type in says for rule in technology.use_rules if rule.above is None and rule.below is None
        ):
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
    rules = _use_rules(section)
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


def _use_rules(section: Section) -> tuple[UseRule, ...]:
    value = section.take("use", required=True)
    if value is None:
        return ()
    if not isinstance(value, list):
        section.wrong("use", value, 'is no list; write it as ["dose_taken"]')
        return ()
    rules = []
    for number, each in enumerate(value, start=1):
        table = {"type": each} if isinstance(each, str) else each
        rule = Section(section.file, f"{section.key('use')}[{number}]", table, section.problems)
        kind = rule.text("type", required=True)
        above, below = (rule.number(name, low=-math.inf) for name in ("above", "below"))
        rule.finish()
        if above is not None and below is not None:
            rule.wrong("below", below, "stands beside 'above'; keep one of the two")
        if kind is not None:
            rules.append(UseRule(kind, above, below))
    types = [rule.type for rule in rules]
    for kind in sorted({each for each in types if types.count(each) > 1}):
        section.wrong("use", kind, "is counted by two rules; keep one")
    return tuple(rules)


def _matches_id(key: str) -> bool:
    return bool(key) and all(
        each.isascii() and (each.islower() or each.isdigit() or each == "_") for each in key
    )
