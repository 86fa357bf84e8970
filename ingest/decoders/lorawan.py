"""The decoded payload of a LoRaWAN device, whichever network server carries it.

It is what a payload formatter or codec made of the frame: a flat object in the maker's own words. What has a common
word gets it, other numbers keep their own name in snake_case, texts that nobody knows are kept in `extra`.
`history[]` is what a device measured while it was not heard. Fields: docs/devices/lorawan.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from ingest.decoders import lorawan_fields as fields
from ingest.decoders.payload import number_of, shown, time_of
from nyttig.errors import DecodeError
from nyttig.model import Flaw, Reading

FIELDS_MAX = 200
HISTORY_MAX = 200
HISTORY_READINGS_MAX = 1_000
UNKNOWN_MAX = 50
_TEXT_MAX = 128
_NAME_MAX = 112  # what is put behind it must fit into a type, too
_DEPTH_MAX = 3
_EUI = re.compile(r"[0-9A-Fa-f]{16}")
_HISTORY_ID = "history"
_VOLTS_OF_A_CELL = (1.5, 4.3)
_AIR_HPA = (300.0, 1200.0)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHER = re.compile(r"[^a-z0-9]+")
_QUANTITY = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)\s*([A-Za-z%°µ/³²]{0,8})(\(low battery\))?")
_OURS = frozenset(("state", "availability", "health"))
_PLUGGED = frozenset(
    ("active_power", "power", "power_factor", "power_consumption", "power_sum", "socket_status")
)


class Said(NamedTuple):
    """One thing that a payload says: type, value, unit; `extra` for a press."""

    type: str
    value: float | None
    unit: str | None
    extra: dict[str, Any] | None = None


class Content(NamedTuple):
    """What a payload says now, of the device itself, in unknown words, and what it says of earlier times."""

    said: list[Said]
    health: dict[str, Any]
    unknown: dict[str, Any]
    history: list[tuple[datetime, list[Said]]]
    flaws: list[Flaw]


def content_of(payload: Mapping[str, Any]) -> Content:
    """What a decoded payload says. Raises DecodeError `oversized` where no radio frame can hold as much."""
    inner = payload.get("data")
    if isinstance(inner, dict) and len(payload) == 1:
        payload = inner  # what a formatter returned, wrapped once too often
    said, health, unknown = _object(_flat(payload))
    rows = payload.get("history")
    rows = rows if isinstance(rows, list) else []
    if len(rows) > HISTORY_MAX:
        raise DecodeError(
            "oversized", f"history: {len(rows)} rows in one payload; at most {HISTORY_MAX} are read"
        )
    history, flaws = [], []
    for row in rows:
        try:
            history.append(_earlier(row))
        except DecodeError as error:
            flaws.append(Flaw(error.reason, str(error), orjson.dumps(row)))
    if sum(len(earlier) for _, earlier in history) > HISTORY_READINGS_MAX:
        raise DecodeError("oversized", f"history: more than {HISTORY_READINGS_MAX} values in one payload")
    return Content(said, health, unknown, history, flaws)


def readings_of(first: Reading, content: Content) -> list[Reading]:
    """The readings of a frame: each like `first`, which bears its address, time, identity, health and extra.

    Where the payload says nothing now, `first` stays as it is: proof of life. Its own battery comes before the network
    server's memory of one. Rows of `history` stand at their own time, known by it and their type, for a device may
    send a row twice.
    """
    health = {**(first.health or {}), **content.health}
    extra = {**content.unknown, **(first.extra or {})}
    now = content.said or [Said(first.type, first.value, first.unit)]
    readings = [
        first._replace(
            type=one.type,
            value=one.value,
            unit=one.unit,
            health=(health or None) if place == 0 else None,
            extra={**(extra if place == 0 else {}), **(one.extra or {})} or None,
        )
        for place, one in enumerate(now)
    ]
    for at, said in content.history:
        readings += [
            Reading(
                first.dialect,
                first.address,
                one.type,
                one.value,
                one.unit,
                at,
                message_id=_HISTORY_ID,
                extra=one.extra,
            )
            for one in said
        ]
    return readings


def snake(name: str) -> str:
    """The name in snake_case: `batteryLevel` and `Battery Level` are `battery_level`, `TempC_SHT` is `temp_c_sht`."""
    return _OTHER.sub("_", _CAMEL.sub("_", name[:_TEXT_MAX]).lower()).strip("_")[:_NAME_MAX]


# One object


def _flat(payload: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in _leaves(payload, "", _DEPTH_MAX):
        if len(found) >= FIELDS_MAX:
            raise DecodeError(
                "oversized", f"a decoded payload has more than {FIELDS_MAX} fields; no frame holds as many"
            )
        found.setdefault(name, value)
    return found


def _leaves(payload: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    for key, value in payload.items():
        name = snake(f"{prefix}_{key}" if prefix else key)
        if not name or value is None or value == "":
            continue
        if isinstance(value, dict):
            if depth > 1 and not fields.SETTINGS.fullmatch(name) and not fields.PLACES.fullmatch(name):
                yield from _leaves(value, name, depth - 1)
        elif isinstance(value, list):
            if name == "messages":
                yield from _sensecap(value)
        else:
            yield name, value


def _sensecap(messages: list[Any]) -> Iterator[tuple[str, Any]]:
    """SenseCAP says measurements as a list of ids and values, sometimes in a list of its own."""
    for entry in messages:
        for message in entry if isinstance(entry, list) else [entry]:
            if not isinstance(message, dict):
                continue
            try:
                name = fields.SENSECAP.get(int(message.get("measurementId") or 0))
            except (TypeError, ValueError, OverflowError):
                name = None
            if name is not None:
                yield name, message.get("measurementValue")
            if "battery" in message:
                yield "battery", message["battery"]


def _object(flat: dict[str, Any]) -> tuple[list[Said], dict[str, Any], dict[str, Any]]:
    said: dict[str, Said] = {}
    health: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    answer = "cmd" in flat  # Netvox answers a downlink on another port: settings, under any name
    plugged = not _PLUGGED.isdisjoint(flat)
    for name, value in flat.items():
        if fields.PLACES.fullmatch(name) or _is_health(name, value, health):
            continue
        if answer or fields.SETTINGS.fullmatch(name):
            continue
        found = _pressed(name, value)
        if found is None:
            found = _switched(name, value, flat)
        if found is None:
            found = _measured(name, value, plugged)
        if found is None and isinstance(value, str) and len(unknown) < UNKNOWN_MAX:
            unknown[name] = value[:_TEXT_MAX]
        for one in found or ():
            kind = name if one.type in said else one.type  # two names of one thing: the second keeps its own
            kind = f"{kind}_value" if kind in _OURS else kind
            said.setdefault(kind, one._replace(type=kind))
    return list(said.values()), health, unknown


def _is_health(name: str, value: Any, health: dict[str, Any]) -> bool:
    """The field says how the device is, and `health` now holds what can be believed of it."""
    if name in fields.FIRMWARE:
        health["fw"] = str(value)[:_TEXT_MAX]
    elif name in fields.BATTERY_LOW:
        low = _truth(value, fields.BOTH)
        if low is not None:
            health["battery_low"] = low > 0
    elif name == "power_event" and isinstance(value, str):
        power = {"ac power on": True, "ac power off": False}.get(value.lower())
        if power is not None:
            health["external_power"] = power
    elif name in fields.BATTERY_PERCENT or name in fields.BATTERY_VOLTS:
        _battery(name, value, health)
    else:
        return False
    if health.get("external_power"):
        health.pop("battery_pct", None)
    return True


def _battery(name: str, value: Any, health: dict[str, Any]) -> None:
    number, unit, low = _quantity(value)
    if low:
        health["battery_low"] = True
    if number is None or number <= 0:
        return  # a device that speaks has a battery that is not empty: 0 is "not known", or "none"
    volts = number / 1000 if unit == "mV" or (unit != "%" and number > 1000) else number
    lowest, highest = _VOLTS_OF_A_CELL
    if name in fields.BATTERY_VOLTS or unit in ("V", "mV"):
        health["battery_v"] = volts
    elif volts != number or (unit != "%" and lowest <= number <= highest):
        if volts != number or not float(number).is_integer():
            health["battery_v"] = (
                volts  # `battery` is volts to some makers; 2, 3 and 4 may be either, and are left out
            )
    elif number <= 100:
        health["battery_pct"] = number


# What a field says; None: it is not of that kind, and [] that it says nothing certain.


def _switched(name: str, value: Any, flat: Mapping[str, Any]) -> list[Said] | None:
    if name in ("pir", "motion", "acc_motion") and number_of(value) is not None:
        return _counted(name, float(value), flat)
    if name in ("activity_counter", "motion_event_count") and (number := number_of(value)) is not None:
        return [Said("motion_count", number, "count")]
    if name == "occupancy" and "vdd" in flat and value == 1:
        return []  # Elsys: somebody comes or goes, and which of them is said by the next message
    if name in ("state", "on_off") and isinstance(value, str) and not _PLUGGED.isdisjoint(flat):
        name = "socket_status"
    kind, words, opposite = fields.SWITCHED.get(name, ("", fields.BOTH, False))
    if not kind:
        for form, replacement in fields.SWITCHED_BY_FORM:
            match = form.fullmatch(name)
            if match:
                kind = match.expand(replacement)
                break
        else:
            bare, channel = _channel(name)
            if not channel or bare not in fields.SWITCHED:
                return _flag(name, value)
            kind, words, opposite = fields.SWITCHED[bare]
            kind += channel
    elif name.startswith("magnet_") and name != "magnet_status":
        kind += "_" + name[-1]
    if name == "position" and not isinstance(value, str):
        return None
    truth = _truth(value, words)
    if truth is None:
        return None if isinstance(value, str) else []
    return [Said(kind, 1.0 - truth if opposite and not _named(value, words) else truth, None)]


def _counted(name: str, number: float, flat: Mapping[str, Any]) -> list[Said]:
    """Elsys: how often something moved since the message before. 0 is "nobody", and more is "somebody"."""
    if name == "acc_motion":
        return [Said("vibration", float(number > 0), None), Said("vibration_count", number, "count")]
    counted = Said("motion_count", number, "count")
    return [counted] if "occupancy" in flat else [Said("occupancy", float(number > 0), None), counted]


def _flag(name: str, value: Any) -> list[Said] | None:
    return [Said(name, float(value), None)] if isinstance(value, bool) else None


def _pressed(name: str, value: Any) -> list[Said] | None:
    if name not in fields.PRESSED:
        return None
    if isinstance(value, str) and value.lower() not in ("none", "no", "idle", "normal"):
        action = value.lower().removesuffix(" press")[:_TEXT_MAX]
    elif value is True or (value == 1 and name in ("doorbell", "button_pressed")):
        action = "doorbell" if name == "doorbell" else "press"
    elif isinstance(value, int) and not isinstance(value, bool) and value in fields.PRESS_NUMBERS:
        action = fields.PRESS_NUMBERS[value]
    else:
        return []
    return [Said("action", None, None, {"action": action})]


def _measured(name: str, value: Any, plugged: bool) -> list[Said] | None:
    number, unit_sent, _low = _quantity(value)
    if number is None:
        return None
    bare, channel = (name, "") if name in fields.MEASURED else _channel(name)
    known = fields.MEASURED.get(bare)
    if known is not None:
        kind, unit, factor = (known[0] or bare) + channel, known[1], known[2]
        if plugged and kind in ("current", "total_current"):  # a plug's are milliamperes
            kind, unit, factor = "current", "A", 0.001
        elif kind.startswith("pressure"):
            unit, factor = _pressure(number)
        elif unit == "°F":
            return [Said(kind, round((number - 32) / 1.8, 3), "°C")]
        elif kind == "distance" and unit_sent in ("m", "cm"):
            factor = 1.0 if unit_sent == "m" else 0.01
        return [Said(kind, _scaled(number, factor), unit)]
    for form, unit, factor in fields.MEASURED_BY_FORM:
        if form.fullmatch(name):
            return [Said(name, _scaled(number, factor), unit)]
    return [Said(name, number, unit_sent)]


def _pressure(number: float) -> tuple[str | None, float]:
    """The unit and factor of a pressure: of the air in hPa or Pa; what no air has is a pipe's, in a unit not said."""
    lowest, highest = _AIR_HPA
    if lowest <= number <= highest:
        return "hPa", 1.0
    if lowest <= number / 100 <= highest:
        return "hPa", 0.01
    return None, 1.0


def _scaled(number: float, factor: float) -> float:
    return number if factor == 1.0 else round(number * factor, 6)


def _channel(name: str) -> tuple[str, str]:
    """`temperature_3` is channel 3's temperature: the name without its channel, and the channel as a suffix."""
    bare, _, number = name.rpartition("_")
    return (bare, f"_{number}") if bare and number.isdigit() else (name, "")


def _truth(value: Any, words: Mapping[str, float]) -> float | None:
    if isinstance(value, str):
        return words.get(value.strip().lower())
    if isinstance(value, bool):
        return float(value)
    number = number_of(value)
    return None if number is None or number < 0 else float(number > 0)


def _named(value: Any, words: Mapping[str, float]) -> bool:
    return isinstance(value, str) and value.strip().lower() in words


def _quantity(value: Any) -> tuple[float | None, str | None, bool]:
    """A number, also as text and with its unit behind it, its unit, and whether it says that a battery is low."""
    number = number_of(value)
    if number is not None or not isinstance(value, str):
        return number, None, False
    form = _QUANTITY.fullmatch(value.strip()[:_TEXT_MAX])
    if form is None:
        return None, None, False
    return number_of(float(form[1])), form[2] or None, form[3] is not None


# Earlier rows


def _earlier(row: Any) -> tuple[datetime, list[Said]]:
    if not isinstance(row, dict):
        raise DecodeError("malformed", f"history: an object is expected, not {shown(row)}")
    seconds = number_of(row.get("timestamp"))
    if seconds is None:
        raise DecodeError(
            "bad_time", f"history: {shown(row.get('timestamp'))} is no timestamp in seconds since 1970"
        )
    try:
        at = datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise DecodeError("bad_time", f"history: {shown(seconds)} is no time: {error}") from error
    said, _health, _unknown = _object(_flat(row))
    return at, said


# What network servers say around it


def signal_of(gateways: Any, snr: str = "snr") -> dict[str, Any]:
    """The best strength and the best ratio at which any gateway heard the frame, as health."""
    heard = [one for one in gateways if isinstance(one, dict)] if isinstance(gateways, list) else []
    strengths = [number for one in heard if (number := number_of(one.get("rssi"))) is not None]
    ratios = [number for one in heard if (number := number_of(one.get(snr))) is not None]
    found = {}
    if strengths:
        found["rssi_dbm"] = max(strengths)
    if ratios:
        found["snr_db"] = max(ratios)
    return found


def time_in(*values: Any) -> datetime | None:
    """The first of the values that is a time with an offset; network servers write RFC 3339 with nanoseconds."""
    for value in values:
        if isinstance(value, str):
            try:
                time = time_of(value)
            except ValueError:
                continue
            if time is not None:
                return time
    return None


def eui_of(value: Any) -> str | None:
    """The value where it is an EUI of 16 hexadecimal digits, as it is written."""
    return value if isinstance(value, str) and _EUI.fullmatch(value) else None


def counter_of(value: Any) -> int | None:
    """A frame counter of 32 bits; it is left out of a message where it is 0. None for anything else."""
    if value is None:
        return 0
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**32 else None
