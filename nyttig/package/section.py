"""One table of a TOML file, read key by key; whatever is wrong is collected, never raised."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

from nyttig.errors import Problem
from nyttig.package.cells import OUTSIDE_YEARS, YEARS, CellError, not_one_of, plain
from nyttig.package.columns import closest
from nyttig.saying import Saying

Unsaid = TypeVar("Unsaid", bool, None)


class Section:
    """The keys of one TOML table. Each reader gives the value, or None where it is missing or wrong.

    Problems carry the key's path in `column`; the second of a list of tables is `gain[2]`.
    """

    def __init__(self, file: str, path: str, data: object, problems: list[Problem]) -> None:
        self.file, self.path, self.problems = file, path, problems
        self.data: dict[str, Any] = data if isinstance(data, dict) else {}
        self._is_table = isinstance(data, dict)
        self._read: list[str] = []
        if not self._is_table:
            header = f"[[{path.partition('[')[0]}]]" if "[" in path else f"[{path}]"
            problems.append(Problem(file, None, path, str(data), f"is no table; write it under {header}"))

    def key(self, name: str) -> str:
        """The key's full path."""
        return f"{self.path}.{name}" if self.path else name

    def wrong(self, name: str, value: object, remedy: str) -> None:
        """The key's value is added to the problems."""
        seen = None if value is None else str(value)
        self.problems.append(Problem(self.file, None, self.key(name), seen, remedy))

    def take(self, name: str, *, required: bool = False) -> Any:
        """The raw value under `name`, which now counts as known."""
        self._read.append(name)
        if required and self._is_table and name not in self.data:
            self.wrong(name, None, "is missing; add it")
        return self.data.get(name)

    def text(
        self, name: str, *, required: bool = False, pattern: str | None = None, of: str = ""
    ) -> str | None:
        """A text without leading or trailing blanks; `of` says in words what `pattern` allows."""
        value = self.take(name, required=required)
        if value is None:
            return None
        if not isinstance(value, str):
            self.wrong(name, value, "is no text; put it in quotes")
            return None
        value = value.strip()
        try:
            plain(value)
        except CellError as error:
            self.wrong(name, value, error.said)
            return None
        if not value:
            if required:
                self.wrong(name, value, Saying("is empty; fill it in"))
            return None
        if pattern and not re.fullmatch(pattern, value):
            self.wrong(name, value, Saying("is not made of {characters}; change it", characters=of))
            return None
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A required list of different texts; () where it is missing or wrong."""
        value = self.take(name, required=True)
        if value is None:
            return ()
        if (
            not isinstance(value, list)
            or not value
            or not all(isinstance(each, str) and each.strip() for each in value)
        ):
            example = '["Bydel Alna", "Bydel Gamle Oslo"]'
            self.wrong(name, value, Saying("is no list of names; write it as {example}", example=example))
            return ()
        names = tuple(each.strip() for each in value)
        for each in sorted({each for each in names if names.count(each) > 1}):
            self.wrong(name, each, Saying("stands there twice; keep one"))
        return tuple(dict.fromkeys(names))

    def choice(self, name: str, choices: tuple[str, ...], *, required: bool = True) -> Any:
        """One of `choices`."""
        value = self.text(name, required=required)
        if value is None or value in choices:
            return value
        self.wrong(name, value, not_one_of(value, choices))
        return None

    def day(self, name: str, *, required: bool = False) -> date | None:
        """A local day."""
        value = self.take(name, required=required)
        if value is None:
            return None
        if not isinstance(value, date) or isinstance(value, datetime):
            self.wrong(name, value, "is no day; write it without quotes, as 2026-09-01")
            return None
        if value.year not in YEARS:
            self.wrong(name, value, OUTSIDE_YEARS)
            return None
        return value

    def number(
        self,
        name: str,
        *,
        required: bool = False,
        low: float = -math.inf,
        high: float = math.inf,
        above: bool = False,
    ) -> float | None:
        """A number from `low` (itself excluded where `above`) to `high`."""
        value = self.take(name, required=required)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.wrong(name, value, "is no number; write it without quotes and with a point, as 12.5")
            return None
        if value < low or value > high or (above and value == low):
            allowed = f"{'more than' if above else 'at least'} {low:g}"
            allowed += "" if math.isinf(high) else f" and at most {high:g}"
            self.wrong(name, value, f"must be {allowed}")
            return None
        return float(value)

    def whole(self, name: str, *, low: int, high: int = 10_000) -> int | None:
        """A whole number from `low` to `high`."""
        value = self.number(name, low=low, high=high)
        if value is not None and not value.is_integer():
            self.wrong(name, value, "is no whole number; round it")
            return None
        return None if value is None else int(value)

    def flag(self, name: str, *, default: Unsaid) -> bool | Unsaid:
        """true or false; `default` where nothing is said."""
        value = self.take(name)
        if value is not None and not isinstance(value, bool):
            self.wrong(name, value, "is neither true nor false; write one of the two, without quotes")
            return default
        return default if value is None else value

    def finish(self) -> None:
        """Keys that nobody asked for are added to the problems."""
        for name, value in self.data.items():
            if name not in self._read:
                missing = [each for each in self._read if each not in self.data]
                hint = closest(name, missing) or f" The keys are: {', '.join(self._read)}."
                self.wrong(name, _short(value), "no such key; rename it or take it out." + hint)


def read_toml(path: Path, problems: list[Problem]) -> dict[str, Any] | None:
    """The file's contents, or None and a problem."""
    try:
        return parse_toml(path.read_bytes().decode("utf-8-sig"), path.name, problems)
    except FileNotFoundError:
        problems.append(
            Problem(path.name, None, None, None, "the file is missing; a trial package starts with it")
        )
    except UnicodeDecodeError:
        problems.append(Problem(path.name, None, None, None, "is not UTF-8; save it as UTF-8 in the editor"))
    return None


def parse_toml(text: str, file: str, problems: list[Problem]) -> dict[str, Any] | None:
    """The text's contents, or None and a problem with its line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        remedy = f"is not TOML ({error}); mend that place"
        problems.append(Problem(file, int(line[1]) if line else None, None, None, remedy))
    except RecursionError:
        problems.append(Problem(file, None, None, None, "is nested too deeply; a trial has no such lists"))
    return None


def sections(file: str, path: str, data: object, problems: list[Problem]) -> Iterable[Section]:
    """The tables of a list such as [[gain]], numbered from 1."""
    if not isinstance(data, list):
        problems.append(
            Problem(file, None, path, _short(data), f"is no list of tables; write each under [[{path}]]")
        )
        return
    for number, each in enumerate(data, start=1):
        yield Section(file, f"{path}[{number}]", each, problems)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else text[:79] + "…"
