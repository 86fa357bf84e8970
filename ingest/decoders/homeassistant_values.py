"""What can be done with the values of a template: calculations, comparisons, filters, tests and functions.

Each is bounded, in what it makes and in how long it takes, whatever it is given. What does not fit raises one of
Python's own errors, which the template that called it catches.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

TEXT_MAX = 10_000
"""Characters of a text that a template may make."""
_INTEGER_MAX = 2**63


class Undefined:
    """What is not there: false, empty, and anything below it is not there either."""

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return ""


UNDEFINED = Undefined()


def text_of(value: Any) -> str:
    if isinstance(value, list | dict):
        raise TypeError("no single value")
    text = value if isinstance(value, str) else str(value)
    if len(text) > TEXT_MAX:
        raise ValueError("too long a text")
    return text


def plain(value: Any) -> Any:
    """The value, which is neither list nor mapping: so nobody can build one in another without end."""
    if isinstance(value, list | dict):
        raise TypeError("no single value")
    return value


def number(value: Any) -> int | float:
    if isinstance(value, bool):
        return int(value)
    if not isinstance(value, int | float):
        raise TypeError("no number")
    if isinstance(value, int) and abs(value) > _INTEGER_MAX:
        return float(value)
    return value


def is_in(one: Any, whole: Any) -> bool:
    return False if whole is UNDEFINED else one in whole


def _added(one: Any, other: Any) -> Any:
    if isinstance(one, str) and isinstance(other, str):
        return text_of(one + other)
    return number(one) + number(other)


def _calculated(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda one, other: number(function(number(one), number(other)))


COMPARED: dict[str | None, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
CALCULATED: dict[str | None, Callable[[Any, Any], Any]] = {
    "+": _added, "-": _calculated(operator.sub), "*": _calculated(operator.mul),
    "/": _calculated(operator.truediv), "//": _calculated(operator.floordiv), "%": _calculated(operator.mod),
    "~": lambda one, other: text_of(text_of(one) + text_of(other)),
}  # fmt: skip
CONSTANTS = {"true": True, "false": False, "none": None}
_MISSING = object()


def _as_float(value: Any, default: Any = _MISSING) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        if default is _MISSING:
            raise
        return default


def _as_int(value: Any, default: Any = _MISSING) -> Any:
    try:
        return number(int(float(value)))
    except (TypeError, ValueError, OverflowError):
        if default is _MISSING:
            raise
        return default


def _rounded(value: Any, precision: Any = 0, method: Any = "common", default: Any = _MISSING) -> Any:
    given = _as_float(value, default)
    places = int(precision)
    if not -15 <= places <= 15 or method not in ("common", "ceil", "floor", "half"):
        raise ValueError("no such rounding")
    if method == "half":
        return round(given * 2) / 2
    if method == "common":
        return round(given) if places == 0 else round(given, places)
    scaled = given * 10**places
    return (math.ceil(scaled) if method == "ceil" else math.floor(scaled)) / 10**places


def _defaulted(value: Any, default: Any = "", also_false: Any = False) -> Any:
    return default if value is UNDEFINED or (also_false and not value) else value


def _replaced(value: Any, old: Any, new: Any) -> str:
    text, old, new = text_of(value), text_of(old), text_of(new)
    if (text.count(old) if old else len(text) + 1) * len(new) + len(text) > TEXT_MAX:
        raise ValueError("too long a text")
    return text.replace(old, new)


def _as_bool(value: Any, default: Any = _MISSING) -> Any:
    if isinstance(value, bool | int | float):
        return bool(value)
    word = str(value).lower()
    if word in ("true", "yes", "on", "enable", "1", "false", "no", "off", "disable", "0"):
        return word in ("true", "yes", "on", "enable", "1")
    if default is _MISSING:
        raise ValueError("neither true nor false")
    return default


def _is_number(value: Any) -> bool:
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError):
        return False


def _chosen(value: Any, if_true: Any = True, if_false: Any = False, if_none: Any = _MISSING) -> Any:
    if value is None and if_none is not _MISSING:
        return if_none
    return if_true if value else if_false


def _defined(value: Any) -> Any:
    if value is UNDEFINED:
        raise ValueError("it is not defined")
    return value


FILTERS: Mapping[str, Callable[..., Any]] = {
    "int": _as_int, "float": _as_float, "round": _rounded, "default": _defaulted, "d": _defaulted, "bool": _as_bool,
    "lower": lambda value: text_of(value).lower(), "upper": lambda value: text_of(value).upper(),
    "trim": lambda value: text_of(value).strip(), "string": text_of, "capitalize": lambda value: text_of(value).capitalize(),
    "title": lambda value: text_of(value).title(), "length": len, "count": len, "abs": lambda value: abs(number(value)),
    "replace": _replaced, "iif": _chosen, "is_defined": _defined, "is_number": _is_number,
    "multiply": lambda value, by: number(_as_float(value) * _as_float(by)),
    "add": lambda value, by: number(_as_float(value) + _as_float(by)),
    "first": lambda value: value[0], "last": lambda value: value[-1],
}  # fmt: skip
TESTS: Mapping[str, Callable[..., Any]] = {
    "defined": lambda value: value is not UNDEFINED, "undefined": lambda value: value is UNDEFINED,
    "none": lambda value: value is None, "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool), "mapping": lambda value: isinstance(value, dict),
    "true": lambda value: value is True, "false": lambda value: value is False, "in": is_in,
    "eq": operator.eq, "equalto": operator.eq, "ne": operator.ne, "odd": lambda value: number(value) % 2 == 1,
    "even": lambda value: number(value) % 2 == 0, "is_number": _is_number,
}  # fmt: skip
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "float": _as_float, "int": _as_int, "bool": _as_bool, "iif": _chosen, "is_number": _is_number, "round": _rounded,
}  # fmt: skip
METHODS: Mapping[str, Callable[..., Any]] = {
    "lower": FILTERS["lower"], "upper": FILTERS["upper"], "strip": FILTERS["trim"], "replace": _replaced,
    "split": lambda value, by=None: text_of(value).split(by),
    "startswith": lambda value, by: text_of(value).startswith(by),
    "endswith": lambda value, by: text_of(value).endswith(by),
}  # fmt: skip
