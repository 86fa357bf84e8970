"""What the JSON dialects share: reading a payload, and numbers and times in it."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import orjson

from nyttig.errors import DecodeError

DEPTH_MAX = 64
"""Nested deeper, JSON can be read but neither shown nor written again."""


def parse_json(payload: bytes) -> Any:
    """The payload as JSON; raises DecodeError `not_utf8` or `malformed`."""
    if b"\\u0000" in payload or b"\0" in payload:
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
    if not isinstance(content, list | dict):
        return False
    inside = content.values() if isinstance(content, dict) else content
    return depth == 0 or any(_deeper(value, depth - 1) for value in inside)


def time_of(value: str | float) -> datetime | None:
    """RFC 3339 with an offset, or epoch milliseconds, in UTC; None for a local time. Raises ValueError for no time."""
    try:
        if isinstance(value, str):
            time = datetime.fromisoformat(value)
            return None if time.tzinfo is None else time.astimezone(UTC)
        return datetime.fromtimestamp(value / 1000, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(str(error)) from error


def number_of(value: Any) -> float | None:
    """A finite number; None for anything else, booleans too."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def shown(value: Any) -> str:
    """The value as an error text shows it, cut at 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
