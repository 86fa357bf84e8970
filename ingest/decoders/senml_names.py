"""How a SenML name becomes a device's address and the name of what it measures.

A name is to be unique in the world (RFC 8428, 4.5.1), but says nowhere where the device ends. Names that hold a
hardware id are split after it; others name things below their topic.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from ingest.decoders.payload import shown
from nyttig.errors import DecodeError

NAME_MAX = 256

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:./_-]*")
_DEVICE_URN = re.compile(r"(urn:dev:[a-z]+:[^:/_]+)[:/_.]?(.*)")
_URN = re.compile(r"(urn:[a-z0-9-]+:[^:/]+)[:/]?(.*)", re.IGNORECASE)
_MAC = re.compile(r"((?:[0-9A-Fa-f]{2}[:-]){5,7}[0-9A-Fa-f]{2})(?:[:/._-](.*))?")
_SEPARATORS = ":/._-"


class Named(NamedTuple):
    """Whose record it is, its hardware id where the name holds one, and what is measured ("": the name tells not)."""

    address: str
    hardware_id: str | None
    what: str


def named(name: str, below: str) -> Named:
    """The device and the reading that a resolved name names; `below` is what the topic says of where it came from.

    Raises DecodeError where the name is none by RFC 8428, 4.5.1.
    """
    if len(name) > NAME_MAX or _NAME.fullmatch(name) is None:
        raise DecodeError(
            "malformed", f"n: {shown(name)} is no name of letters, digits and :./_- that starts with one"
        )
    form = _DEVICE_URN.fullmatch(name) or _URN.fullmatch(name) or _MAC.fullmatch(name)
    if form is not None:
        return Named(form[1], form[1], (form[2] or "").strip(_SEPARATORS))
    head, what = _split(name)
    if _is_address(head):
        return Named(head, head, what)
    address = "/".join(part for part in (below, head) if part)
    return Named(address or what, None, what) if address else Named(what, None, "")


def _split(name: str) -> tuple[str, str]:
    if _is_address(name):
        return name, ""
    trimmed = name.rstrip(_SEPARATORS)
    for separator in "/:.":
        head, found, what = trimmed.rpartition(separator)
        if found and head.strip(_SEPARATORS):
            return head.rstrip(_SEPARATORS), what
    return "", trimmed


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
