"""What the dialects with plain payloads share: the text of a payload, and numbers in it."""

from __future__ import annotations

import re
from typing import Any

from ingest.decoders.payload import number_of, shown
from nyttig.errors import DecodeError

TEXT_MAX = 128
"""Longer, a text is no state, no name and no address."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{0,30})?(?:[eE][+-]?[0-9]{1,3})?|[+-]?\.[0-9]{1,30}")


def text_of(payload: bytes) -> str:
    """The payload as text without white space around it; raises DecodeError `not_utf8` or `malformed`."""
    try:
        text = payload.decode().strip()
    except UnicodeDecodeError as error:
        raise DecodeError("not_utf8", f"the payload is not UTF-8: {error}") from error
    if "\0" in text:
        raise DecodeError("malformed", "the payload holds a NUL character, which no text may hold")
    return text


def number_in(value: Any) -> float | None:
    """A finite number, or a text that writes one; None for anything else."""
    if isinstance(value, str):
        text = value.strip()
        return number_of(float(text)) if _NUMBER.fullmatch(text) else None
    return number_of(value)


def short_text(value: Any) -> str | None:
    """A text that may be stored as a name; None where it is empty, too long or none."""
    if not isinstance(value, str) or "\0" in value:
        return None
    text = value.strip()
    return text if 0 < len(text) <= TEXT_MAX and text.isprintable() else None


def number_required(text: str, place: str) -> float:
    """The number that `text` writes; raises DecodeError `malformed` with its place where it writes none."""
    number = number_in(text)
    if number is None:
        raise DecodeError("malformed", f"{place}: {shown(text)} is not a number")
    return number
