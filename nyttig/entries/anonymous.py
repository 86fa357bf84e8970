"""What in somebody's words points at a person: an address for e-mail, a phone number, a national identity number."""

from __future__ import annotations

import re
from typing import Literal

Pointer = Literal["email", "identity_number", "phone"]

_PATTERNS: tuple[tuple[Pointer, re.Pattern[str]], ...] = (
    ("email", re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]*\w")),
    # Norway: eleven digits, six of them the day of birth; Denmark: ten, six and four.
    ("identity_number", re.compile(r"(?<![\d+])(?:\d{6}[ -]?\d{5}|\d{6}[ -]?\d{4})(?!\d)")),
    (
        "phone",
        re.compile(
            r"(?<!\d)(?:(?:\+|00)\d{1,3}[ -]?\d(?:[ -]?\d){6,10}|\d{8}|\d{2}(?:[ -]\d{2}){3}|\d{3}[ -]\d{2}[ -]\d{3})(?!\d)"
        ),
    ),
)


def pointer(text: str) -> tuple[Pointer, str] | None:
    """The first thing in the text that points at a person, as it stands there; None where nothing is found.

    Names cannot be found like this: nobody may take the text for anonymous because nothing was found.
    """
    for kind, pattern in _PATTERNS:
        if found := pattern.search(text):
            return kind, found[0]
    return None
