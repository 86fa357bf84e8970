"""What the JSON dialects share: reading a payload, and numbers and times in it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import orjson

from nyttig.errors import DecodeError

DEPTH_MAX = 64
NUMBER_MAX = 1e300
"""No device measures more; and a number up to it stays one when its unit is converted."""
"""Nested deeper, JSON can be read but neither shown nor written again."""

_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-5][0-9])?"
)


def parse_json(payload: bytes) -> Any:
    """The payload as JSON; raises DecodeError `not_utf8` or `malformed`."""
    if b"\0" in payload or (b"\\u0000" in payload and _ESCAPED_NUL.search(payload)):
        raise DecodeError("malformed", "the payload holds a NUL character, which no text may hold")
    try:
        content = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        try:
            payload.decode()
        except UnicodeDecodeError:
            raise DecodeError("not_utf8", f"the payload is not UTF-8: {error}") from error
        raise DecodeError("malformed", f"the payload is not JSON: {error}") from error
    if payload.count(b"[") + payload.count(b"{") > DEPTH_MAX and _deeper(content, DEPTH_MAX):
        raise DecodeError("malformed", f"the payload is nested more than {DEPTH_MAX} deep")
    return content


def _deeper(content: Any, depth: int) -> bool:
    level = [content] if isinstance(content, list | dict) else []
    for _ in range(depth):  # level by level: a megabyte of brackets has half a million of them
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, list | dict)
        ]
        if not level:
            return False
    return True


def time_of(value: str | float) -> datetime | None:
    """RFC 3339 with an offset, or epoch milliseconds, in UTC; None for a local time. Raises ValueError for no time."""
    try:
        if isinstance(value, str):
            form = _RFC_3339.fullmatch(
                value
            )  # what Python reads besides, week dates and the like, is no time here
            if form is None:
                raise ValueError("it is not written as 2026-11-22T07:58:03+01:00")
            return datetime.fromisoformat(value.upper()).astimezone(UTC) if form[1] else None
        return datetime.fromtimestamp(value / 1000, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(str(error)) from error


def number_of(value: Any, most: float = NUMBER_MAX) -> float | None:
    """A finite number of that size at most; None for anything else, booleans too."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= most:
        return None
    return float(value)


def shown(value: Any) -> str:
    """The value as an error text shows it, cut at 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
