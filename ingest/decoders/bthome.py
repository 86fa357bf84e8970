"""BTHome v2, in which Shelly BLU and many other Bluetooth sensors speak: its objects, and their values as readings.

Format and object ids: https://bthome.io/format. A gateway sends them as raw bytes, or under the names of the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ingest.decoders.payload import number_of

BYTES_MAX = 255
"""No advertisement is longer."""

VALUES_MAX = 8
"""Instances of one object in one advertisement; there is no room for more."""

# id → name, bytes, signed, factor
_OBJECTS: dict[int, tuple[str, int, bool, float]] = {
    0x00: ("pid", 1, False, 1),
    0x01: ("battery", 1, False, 1),
    0x02: ("temperature", 2, True, 0.01),
    0x03: ("humidity", 2, False, 0.01),
    0x04: ("pressure", 3, False, 0.01),
    0x05: ("illuminance", 3, False, 0.01),
    0x06: ("weight", 2, False, 0.01),
    0x07: ("weight_lb", 2, False, 0.01),
    0x08: ("dew_point", 2, True, 0.01),
    0x09: ("count", 1, False, 1),
    0x0A: ("energy", 3, False, 0.001),
    0x0B: ("power", 3, False, 0.01),
    0x0C: ("voltage", 2, False, 0.001),
    0x0D: ("pm25", 2, False, 1),
    0x0E: ("pm10", 2, False, 1),
    0x0F: ("generic", 1, False, 1),
    0x10: ("power_on", 1, False, 1),
    0x11: ("opening", 1, False, 1),
    0x12: ("co2", 2, False, 1),
    0x13: ("tvoc", 2, False, 1),
    0x14: ("moisture", 2, False, 0.01),
    0x15: ("battery_low", 1, False, 1),
    0x16: ("battery_charging", 1, False, 1),
    0x17: ("carbon_monoxide", 1, False, 1),
    0x18: ("cold", 1, False, 1),
    0x19: ("connectivity", 1, False, 1),
    0x1A: ("door", 1, False, 1),
    0x1B: ("garage_door", 1, False, 1),
    0x1C: ("gas", 1, False, 1),
    0x1D: ("heat", 1, False, 1),
    0x1E: ("light", 1, False, 1),
    0x1F: ("unlocked", 1, False, 1),
    0x20: ("wet", 1, False, 1),
    0x21: ("motion", 1, False, 1),
    0x22: ("moving", 1, False, 1),
    0x23: ("occupancy", 1, False, 1),
    0x24: ("plug", 1, False, 1),
    0x25: ("presence", 1, False, 1),
    0x26: ("problem", 1, False, 1),
    0x27: ("running", 1, False, 1),
    0x28: ("safety", 1, False, 1),
    0x29: ("smoke", 1, False, 1),
    0x2A: ("sound", 1, False, 1),
    0x2B: ("tamper", 1, False, 1),
    0x2C: ("vibration", 1, False, 1),
    0x2D: ("window", 1, False, 1),
    0x2E: ("humidity", 1, False, 1),
    0x2F: ("moisture", 1, False, 1),
    0x3A: ("button", 1, False, 1),
    0x3C: ("dimmer", 2, False, 1),
    0x3D: ("count", 2, False, 1),
    0x3E: ("count", 4, False, 1),
    0x3F: ("rotation", 2, True, 0.1),
    0x40: ("distance_mm", 2, False, 1),
    0x41: ("distance", 2, False, 0.1),
    0x42: ("duration", 3, False, 0.001),
    0x43: ("current", 2, False, 0.001),
    0x44: ("speed", 2, False, 0.01),
    0x45: ("temperature", 2, True, 0.1),
    0x46: ("uv_index", 1, False, 0.1),
    0x47: ("volume", 2, False, 0.1),
    0x48: ("volume_ml", 2, False, 1),
    0x49: ("flow", 2, False, 0.001),
    0x4A: ("voltage", 2, False, 0.1),
    0x4B: ("gas_volume", 3, False, 0.001),
    0x4C: ("gas_volume", 4, False, 0.001),
    0x4D: ("energy", 4, False, 0.001),
    0x4E: ("volume", 4, False, 0.001),
    0x4F: ("water", 4, False, 0.001),
    0x50: ("timestamp", 4, False, 1),
    0x51: ("acceleration", 2, False, 0.001),
    0x52: ("gyroscope", 2, False, 0.001),
    0x55: ("volume_storage", 4, False, 0.001),
    0x56: ("conductivity", 2, False, 1),
    0x57: ("temperature", 1, True, 1),
    0x58: ("temperature", 1, True, 0.35),
    0x59: ("count", 1, True, 1),
    0x5A: ("count", 2, True, 1),
    0x5B: ("count", 4, True, 1),
    0x5C: ("power", 4, True, 0.01),
    0x5D: ("current", 2, True, 0.001),
    0x5E: ("direction", 2, False, 0.01),
    0x5F: ("precipitation", 2, False, 0.1),
    0x60: ("channel", 1, False, 1),
    0xF0: ("device_type", 2, False, 1),
    0xF1: ("firmware", 4, False, 1),
    0xF2: ("firmware", 3, False, 1),
}

# name → type, unit, factor; those that a dialect of ours calls by the opposite stand in _OPPOSITE
_MEASURED: dict[str, tuple[str, str | None, float]] = {
    "temperature": ("temperature", "°C", 1),
    "humidity": ("humidity", "%", 1),
    "pressure": ("pressure", "hPa", 1),
    "atm. pressure": ("pressure", "hPa", 1),
    "illuminance": ("illuminance", "lx", 1),
    "weight": ("weight", "kg", 1),
    "weight_lb": ("weight", "kg", 0.45359237),
    "energy": ("energy", "kWh", 1),
    "power": ("power", "W", 1),
    "voltage": ("voltage", "V", 1),
    "current": ("current", "A", 1),
    "co2": ("co2", "ppm", 1),
    "tvoc": ("tvoc", "µg/m³", 1),
    "pm25": ("pm25", "µg/m³", 1),
    "pm10": ("pm10", "µg/m³", 1),
    "moisture": ("moisture", "%", 1),
    "dew_point": ("dew_point", "°C", 1),
    "dew point": ("dew_point", "°C", 1),
    "rotation": ("rotation", "°", 1),
    "distance_mm": ("distance", "m", 0.001),
    "distance": ("distance", "m", 1),
    "count": ("count", None, 1),
    "duration": ("duration", "s", 1),
    "uv_index": ("uv_index", None, 1),
    "UV index": ("uv_index", None, 1),
    "volume": ("volume", "l", 1),
    "water": ("water", "l", 1),
}
_SWITCHED = {
    "motion": "motion",
    "moving": "moving",
    "occupancy": "occupancy",
    "presence": "presence",
    "vibration": "vibration",
    "tamper": "tamper",
    "smoke": "smoke",
    "gas": "gas",
    "carbon_monoxide": "carbon_monoxide",
    "wet": "water_leak",
    "power_on": "switch",
    "light": "light",
    "sound": "sound",
    "heat": "heat",
    "cold": "cold",
    "raining": "raining",
}
_OPPOSITE = {
    "window": "contact",
    "door": "contact",
    "opening": "contact",
    "garage_door": "contact",
    "unlocked": "lock",
}
_PRESSES = {
    1: "single", 2: "double", 3: "triple", 4: "long", 5: "long_double", 6: "long_triple", 128: "hold", 254: "hold",
}  # fmt: skip
_HEX = re.compile(r"[0-9A-Fa-f]{12}")
_PAIRS = re.compile(
    r"[0-9A-Za-z]{2}(?::[0-9A-Za-z]{2}){5}"
)  # recordings have parts of an address crossed out


class Said(NamedTuple):
    """One value of an advertisement as a reading says it."""

    type: str
    value: float | None
    unit: str | None = None
    extra: dict[str, Any] | None = None


def unpack(data: bytes) -> dict[str, Any] | None:
    """The advertisement's objects by name (a list where one comes several times), as far as they are known.

    None where it is no BTHome v2; of an encrypted one only that it is.
    """
    if not 0 < len(data) <= BYTES_MAX or data[0] >> 5 != 2:
        return None
    if data[0] & 1:
        return {"encryption": True}
    found: dict[str, Any] = {"encryption": False}
    place = 1
    while place < len(data):
        known = _OBJECTS.get(data[place])
        if known is None:
            break  # nobody knows where an unknown object ends
        name, size, signed, factor = known
        raw = data[place + 1 : place + 1 + size]
        if len(raw) < size:
            break
        number = int.from_bytes(raw, "little", signed=signed)
        value = number if factor == 1 else round(number * factor, 3)
        earlier = found.get(name)
        found[name] = (
            value if earlier is None else [*(earlier if isinstance(earlier, list) else [earlier]), value]
        )
        place += 1 + size
    return found


def name_of(object_id: int) -> str | None:
    """What BTHome calls the object; None where there is none of that id."""
    known = _OBJECTS.get(object_id)
    return None if known is None else known[0]


def said_by(name: str, value: Any) -> Iterator[Said]:
    """The readings in the object's value, or values; the second one has `_1` after its type, and so on."""
    values = value if isinstance(value, list) else [value]
    for place, one in enumerate(values[:VALUES_MAX]):
        number = float(one) if isinstance(one, bool) else number_of(one)
        suffix = f"_{place}" if place else ""
        if number is None:
            continue
        if name == "button":
            pressed = _PRESSES.get(int(number))
            if pressed:
                extra: dict[str, Any] = {"action": pressed}
                if len(values) > 1:
                    extra["button"] = place + 1
                yield Said("action", None, None, extra)
        elif name in _OPPOSITE and number in (0, 1):
            yield Said(_OPPOSITE[name] + suffix, 1 - number)
        elif name in _SWITCHED and number in (0, 1):
            yield Said(_SWITCHED[name] + suffix, number)
        elif name in _MEASURED:
            kind, unit, factor = _MEASURED[name]
            yield Said(kind + suffix, number if factor == 1 else number * factor, unit)


def mac_of(text: Any) -> str | None:
    """A Bluetooth or network address as it is printed on devices, `AA:BB:CC:DD:EE:FF`; None where it is none."""
    if not isinstance(text, str):
        return None
    if _PAIRS.fullmatch(text):
        return text.upper()
    plain = text.replace(":", "").replace("-", "")
    if not _HEX.fullmatch(plain):
        return None
    return ":".join(plain[place : place + 2].upper() for place in range(0, 12, 2))
