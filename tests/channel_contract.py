"""What Nyttig's own MQTT channels accept, written a second time from the documentation and from nothing else.

It shares no code with ingest, uses another JSON reader and another way to read times, so that a mistake would have
to be made twice to go unseen. `judge` says what a message on an event, health or state topic must become.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

ORIGINS = ("citizen", "staff", "installer", "auto", "test")
BYTES_MAX = 1_048_576
ELEMENTS_MAX = 10_000
DEPTH_MAX = 64
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))",
)


class Accepted(NamedTuple):
    """What must stand in the store for one message object."""

    type: str
    value: float | None
    unit: str | None
    origin: str
    boot_id: str | None
    seq: int | None
    device_time: datetime | None


class Refused(Exception):  # noqa: N818  # a verdict, no error of this program
    """The message, or this part of it, must not become an event."""


def judge(topic: str, payload: bytes, *, retained: bool) -> list[Accepted | None] | None:
    """One verdict per message object (None: refused); None altogether where nothing of the message may be stored.

    Only for topics below wt/v1.
    """
    levels = topic.split("/")
    if len(levels) != 6 or "" in levels or len(payload) > BYTES_MAX:
        return None
    channel = levels[5]
    if channel == "state":
        try:
            return [_state(payload, retained=retained)]
        except Refused:
            return None
    if channel not in ("event", "health"):
        return None
    if retained:
        return []
    try:
        content = _json(payload)
    except Refused:
        return None
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list) or len(content) > ELEMENTS_MAX:
        return None
    verdicts: list[Accepted | None] = []
    for element in content:
        try:
            verdicts.append(_event(element) if channel == "event" else _health(element))
        except Refused:
            verdicts.append(None)
    return verdicts


def _json(payload: bytes) -> Any:
    try:
        content = json.loads(
            payload.decode("utf-8"), parse_constant=_refuse, parse_float=_finite, parse_int=_whole
        )
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise Refused from error
    _walk(content, DEPTH_MAX)
    return content


def _walk(content: Any, depth: int) -> None:
    """No text in it that a database could not hold, and not nested too deep."""
    if isinstance(content, str):
        if "\0" in content or any("\ud800" <= character <= "\udfff" for character in content):
            raise Refused
    elif isinstance(content, dict | list):
        if depth == 0:
            raise Refused
        inside = [*content.keys(), *content.values()] if isinstance(content, dict) else content
        for one in inside:
            _walk(one, depth - 1)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise Refused
    return number


def _whole(text: str) -> int:
    _finite(text)  # longer than any number with a fraction can be: most JSON readers give up
    return int(text)


def _refuse(_text: str) -> Any:
    raise Refused


def _event(content: Any) -> Accepted:
    if not isinstance(content, dict):
        raise Refused
    kind, origin, unit = content.get("type"), content.get("origin", "citizen"), content.get("unit")
    if not isinstance(kind, str) or not _short(kind) or kind in ("state", "availability", "health"):
        raise Refused
    if origin not in ORIGINS or not (unit is None or unit == "" or _short(unit)):
        raise Refused
    boot_id, seq = _identity(content)
    return Accepted(
        kind, _number(content.get("value")), unit, origin, boot_id, seq, _time(content.get("event_time"))
    )


def _health(content: Any) -> Accepted:
    if not isinstance(content, dict):
        raise Refused
    percent, volts = _number(content.get("battery_pct")), _number(content.get("battery_v"))
    for name in ("rssi_dbm", "uptime_s", "counter"):
        _number(content.get(name))
    if percent is not None and not 0 <= percent <= 100:
        raise Refused
    if volts is not None and volts < 0:
        raise Refused
    boot_id, seq = _identity(content)
    return Accepted("health", None, None, "citizen", boot_id, seq, _time(content.get("event_time")))


def _state(payload: bytes, *, retained: bool) -> Accepted:
    plain = payload.strip(b" \t\n\r\x0b\x0c")
    content = {"state": plain.decode()} if plain in (b"online", b"offline") else _json(payload)
    if not isinstance(content, dict) or content.get("state") not in ("online", "offline"):
        raise Refused
    boot_id, seq = _identity(content)
    if retained:
        boot_id = seq = None
    return Accepted(
        "availability" if retained else "state", float(content["state"] == "online"), None, "citizen",
        boot_id, seq, _time(content.get("event_time")),
    )  # fmt: skip


def _short(text: Any) -> bool:
    return isinstance(text, str) and 1 <= len(text) <= 128


def _identity(content: dict[str, Any]) -> tuple[str | None, int | None]:
    boot_id, seq = content.get("boot_id"), content.get("seq")
    if boot_id is None and seq is None:
        return None, None
    if type(boot_id) is int:
        if not -(2**63) <= boot_id < 2**64:  # JSON readers disagree about longer whole numbers
            raise Refused
        boot_id = str(boot_id)
    if not _short(boot_id) or type(seq) is not int or not 0 <= seq < 2**63 - 1:
        raise Refused
    return boot_id, seq


def _number(value: Any) -> float | None:
    if value is None or isinstance(value, bool | int | float):
        try:
            number = None if value is None else float(value)
        except OverflowError as error:
            raise Refused from error
        return number
    raise Refused


def _time(value: Any) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, str):
        return _written(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused
    try:
        moment = EPOCH + timedelta(milliseconds=value)
    except (OverflowError, ValueError) as error:
        raise Refused from error
    return moment


def _written(text: str) -> datetime:
    found = TIME.fullmatch(text)
    if found is None:
        raise Refused
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    fraction, sign, off_hours, off_minutes = found.groups()[6:]
    ahead = timedelta()
    if sign:
        if int(off_hours) > 23 or int(off_minutes) > 59:
            raise Refused
        ahead = timedelta(hours=int(off_hours), minutes=int(off_minutes)) * (1 if sign == "+" else -1)
    try:
        local = datetime(year, month, day, hour, minute, second, int(((fraction or "") + "000000")[:6]), UTC)
        return local - ahead
    except (ValueError, OverflowError) as error:
        raise Refused from error
