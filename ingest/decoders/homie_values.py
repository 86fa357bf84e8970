"""What a Homie property's text says: its id, datatype and unit made a type, a value and a common unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ingest.decoders.bthome import Said
from ingest.decoders.payload import shown
from ingest.decoders.plain import number_in, short_text
from nyttig.errors import DecodeError

_NUMERIC = frozenset(("integer", "float", "percent"))
_UNSAID = frozenset(("color", "datetime", "duration", "json"))

# unit as sent → factor, common unit
_UNITS: dict[str, tuple[float, str]] = {
    "kW": (1000, "W"),
    "mW": (0.001, "W"),
    "Wh": (0.001, "kWh"),
    "mV": (0.001, "V"),
    "mA": (0.001, "A"),
    "Pa": (0.01, "hPa"),
    "kPa": (10, "hPa"),
    "mbar": (1, "hPa"),
    "bar": (1000, "hPa"),
    "lux": (1, "lx"),
    "g": (0.001, "kg"),
    "cm": (0.01, "m"),
    "mm": (0.001, "m"),
    "C": (1, "°C"),
    "°": (1, "°"),
}
_WORDS = {
    "open": "contact", "opened": "contact", "closed": "contact", "door": "contact", "window": "contact",
    "locked": "lock", "unlocked": "lock", "leak": "water_leak", "flood": "water_leak", "water": "water_leak",
    "on": "switch", "onoff": "switch", "on_off": "switch", "relay": "switch", "state": "switch", "power": "switch",
    "alarm": "alarm", "panic": "sos", "lux": "illuminance", "light": "illuminance", "luminance": "illuminance",
    "carbon_dioxide": "co2", "temp": "temperature", "degrees": "temperature",
}  # fmt: skip
_BOOLEAN_WORDS = frozenset(
    ("open", "opened", "closed", "door", "window", "locked", "unlocked", "leak", "flood", "water", "on", "onoff",
     "on_off", "relay", "state", "power", "panic")
)  # fmt: skip
_OPPOSITE = frozenset(("open", "opened", "door", "window", "unlocked"))
_RESERVED = frozenset(("state", "health", "availability", "action"))
_STATES = {
    "contact": {"open": 0.0, "opened": 0.0, "closed": 1.0, "close": 1.0},
    "lock": {"locked": 1.0, "unlocked": 0.0},
}
_ON = {"on": 1.0, "off": 0.0}
_WORDLESS = frozenset(("switch", "contact", "lock", "water_leak", "sos"))


@dataclass(slots=True)
class Property:
    """What a device said of one of its properties, as far as it is known."""

    datatype: str | None = None
    unit: str | None = None
    momentary: bool = False
    said: bool = False
    """That there is such a property, or what it is, has been said."""


def word_of(name: str) -> str:
    """`Water-Leak` as `water_leak`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:60] or "value"


def type_of(name: str, known: Property) -> str:
    """The type of the property's readings: the common word where its id has one, else the id itself."""
    word = word_of(name)
    if known.momentary:
        return "action"
    if _health_name(word, known.unit) is not None:
        return "health"
    if word in _BOOLEAN_WORDS:
        numeric = known.datatype in _NUMERIC or (known.datatype is None and known.unit is not None)
        common = word if numeric and word not in ("state", "on") else _WORDS[word]
        return "open_ratio" if numeric and word in ("open", "opened") else common
    if word == "light" and known.datatype == "boolean":
        return word
    word = _WORDS.get(word, word)
    return f"{word}_value" if word in _RESERVED else word


def value_of(name: str, known: Property, text: str) -> tuple[Said | None, dict[str, Any]]:
    """The reading in a property's text (None where it has none), and the facts of health in it.

    Raises DecodeError `malformed` where the text is not of the datatype that the device described.
    """
    word, kind = word_of(name), type_of(name, known)
    number, truth = number_in(text), {"true": 1.0, "false": 0.0}.get(text)
    if known.datatype in _NUMERIC and number is None:
        raise DecodeError("malformed", f"{name}: {shown(text)} is no {known.datatype}, as it is described")
    if known.datatype == "boolean" and truth is None:
        raise DecodeError("malformed", f"{name}: {shown(text)} is neither true nor false")
    if known.momentary:
        if text == "false" or not text:
            return None, {}
        action = word if text == "true" else text[:60].lower()
        return Said("action", None, None, {"action": action, "property": word}), {}
    if kind == "health":
        return None, _health(word, known.unit, number, truth)
    if known.datatype in _UNSAID:
        return None, {}
    if number is not None and known.datatype not in ("string", "enum", "boolean"):
        return Said(kind, *_common(number, known.unit)), {}
    if truth is not None:
        return Said(kind, 1 - truth if word in _OPPOSITE else truth), {}
    state = _STATES.get(kind, _ON).get(text.lower())
    if state is not None:
        return Said(kind, state), {}
    shorter = short_text(text)
    if kind in _WORDLESS:
        kind = f"{word}_value"  # a text of its own under a word that means yes or no elsewhere
    return (None, {}) if shorter is None else (Said(kind, None, None, {"value": shorter}), {})


def stats(name: str, text: str) -> dict[str, Any]:
    """The facts of health in a legacy `$stats/<name>`."""
    number = number_in(text)
    if number is None:
        return {}
    if name in ("battery", "signal") and 0 <= number <= 100:
        return {"battery_pct" if name == "battery" else "signal_pct": number}
    return {"uptime_s": number} if name == "uptime" and number >= 0 else {}


def _common(number: float, unit: str | None) -> tuple[float, str | None]:
    if unit == "°F":
        return round((number - 32) / 1.8, 3), "°C"
    factor, common = _UNITS.get(unit or "", (1, unit))
    return (number if factor == 1 else number * factor), common


def _health_name(word: str, unit: str | None) -> str | None:
    if "batter" in word:
        if unit in ("V", "mV"):
            return "battery_v"
        return "battery_low" if "low" in word or (unit is None and word != "battery") else "battery_pct"
    if word in ("rssi", "wifi_rssi") or (word in ("signal", "wifi_signal") and unit == "dBm"):
        return "rssi_dbm"
    if word in ("signal", "signal_strength", "wifi_signal", "wifi_quality") and unit == "%":
        return "signal_pct"
    if word in ("linkquality", "link_quality", "lqi"):
        return "link_quality"
    return "uptime_s" if word == "uptime" and unit in (None, "s") else None


def _health(word: str, unit: str | None, number: float | None, truth: float | None) -> dict[str, Any]:
    name = _health_name(word, unit)
    if name == "battery_low" and truth is not None:
        return {name: bool(truth)}
    if number is None or name is None:
        return {}
    if name == "battery_low":
        name = "battery_pct"
    if name == "battery_v" and unit == "mV":
        number /= 1000
    lowest, highest = {
        "battery_pct": (0, 100), "signal_pct": (0, 100), "battery_v": (0.01, 100), "rssi_dbm": (-130, -1),
        "link_quality": (0, 255), "uptime_s": (0, 1e10),
    }[name]  # fmt: skip
    return {name: number} if lowest <= number <= highest else {}
