"""What a Shelly component's status says, whole or only what changed of it: readings and facts of health."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ingest.decoders.bthome import Said
from ingest.decoders.payload import number_of
from ingest.decoders.plain import short_text

_SWITCHED = {
    ("switch", "output"): "switch",
    ("light", "output"): "light",
    ("rgb", "output"): "light",
    ("rgbw", "output"): "light",
    ("cct", "output"): "light",
    ("input", "state"): "input",
    ("flood", "alarm"): "water_leak",
    ("smoke", "alarm"): "smoke",
    ("presencezone", "value"): "presence",
}
_METERED = {
    "apower": ("power", "W", 1.0),
    "act_power": ("power", "W", 1.0),
    "total_act_power": ("power", "W", 1.0),
    "voltage": ("voltage", "V", 1.0),
    "current": ("current", "A", 1.0),
    "total_current": ("current", "A", 1.0),
    "freq": ("frequency", "Hz", 1.0),
    "aprt_power": ("apparent_power", "VA", 1.0),
    "pf": ("power_factor", None, 1.0),
    "total_act_energy": ("energy", "kWh", 0.001),
    "total_act_ret_energy": ("energy_returned", "kWh", 0.001),
    "total_act": ("energy", "kWh", 0.001),
    "total_act_ret": ("energy_returned", "kWh", 0.001),
}
_METERS = frozenset(
    ("switch", "light", "rgb", "rgbw", "cct", "cover", "pm1", "em", "em1", "emdata", "em1data", "voltmeter")
)
_MEASURED = {
    ("temperature", "tC"): ("temperature", "°C"),
    ("humidity", "rh"): ("humidity", "%"),
    ("illuminance", "lux"): ("illuminance", "lx"),
    ("cover", "current_pos"): ("position", "%"),
    ("input", "percent"): ("input_percent", "%"),
    ("light", "brightness"): ("brightness", "%"),
    ("thermostat", "current_C"): ("temperature", "°C"),
    ("blutrv", "current_C"): ("temperature", "°C"),
    ("blutrv", "pos"): ("position", "%"),
}


def said_by(component: str, suffix: str, status: dict[str, Any]) -> Iterator[Said]:
    """The readings in a component's status, whole or only what changed of it."""
    for field, value in status.items():
        switched = _SWITCHED.get((component, field))
        if switched and isinstance(value, bool):
            by = short_text(status.get("source"))
            yield Said(switched + suffix, float(value), None, {"source": by} if by else None)
            continue
        if component == "input" and field == "counts" and isinstance(value, dict):
            pulses = number_of(value.get("total"))
            if pulses is not None:
                yield Said("input_count" + suffix, pulses)
            continue
        measured = _MEASURED.get((component, field))
        number = number_of(value)
        if measured and number is not None:
            yield Said(measured[0] + suffix, number, measured[1])
        elif component in _METERS:
            yield from _metered(field, value, suffix)


def _metered(field: str, value: Any, suffix: str) -> Iterator[Said]:
    if field in ("aenergy", "ret_aenergy") and isinstance(value, dict):
        total = number_of(value.get("total"))
        if total is not None:
            yield Said(("energy" if field == "aenergy" else "energy_returned") + suffix, total / 1000, "kWh")
        return
    phase = ""
    if len(field) > 2 and field[0] in "abcn" and field[1] == "_":
        phase, field = f"_{field[0]}", field[2:]
    number = number_of(value)
    if field in _METERED and number is not None:
        kind, unit, factor = _METERED[field]
        yield Said(kind + phase + suffix, number if factor == 1 else number * factor, unit)


def health_in(component: str, status: dict[str, Any], external_power: bool | None) -> dict[str, Any]:
    """The facts of health in the component's status. What stands for the battery on external power means nothing."""
    health: dict[str, Any] = {}
    if component == "devicepower":
        battery, external = status.get("battery"), status.get("external")
        if isinstance(external, dict) and isinstance(external.get("present"), bool):
            external_power = health["external_power"] = external["present"]
        if isinstance(battery, dict) and not external_power:
            put(health, "battery_pct", battery.get("percent"), 0, 100)
            put(health, "battery_v", battery.get("V"), 0.01, 100)
    elif component == "wifi":
        put(health, "rssi_dbm", status.get("rssi"), -130, -1)
    elif component == "sys":
        put(health, "uptime_s", status.get("uptime"), 0, 1e10)
    return health


def put(health: dict[str, Any], name: str, value: Any, lowest: float, highest: float) -> None:
    """The fact stands in `health` where it is a number from lowest to highest."""
    number = number_of(value)
    if number is not None and lowest <= number <= highest:
        health[name] = number


def time_of(value: Any) -> datetime | None:
    """Seconds since 1970, UTC; None before the device knew its time."""
    seconds = number_of(value)
    if seconds is None or seconds <= 0:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return None
