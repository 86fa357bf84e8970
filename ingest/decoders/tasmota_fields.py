"""What stands in Tasmota's JSON: measurements under a chip's name, energy by phase, Zigbee attributes, times."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from ingest.decoders.bthome import Said, mac_of
from ingest.decoders.found import Found
from ingest.decoders.payload import number_of, time_of
from ingest.decoders.plain import number_in, short_text

LEAVES_MAX = 300

# field in lower case → type, unit, factor
_QUANTITIES: dict[str, tuple[str, str | None, float]] = {
    "temperature": ("temperature", "°C", 1),
    "dewpoint": ("dew_point", "°C", 1),
    "humidity": ("humidity", "%", 1),
    "pressure": ("pressure", "hPa", 1),
    "seapressure": ("sea_pressure", "hPa", 1),
    "illuminance": ("illuminance", "lx", 1),
    "ambient": ("illuminance", "lx", 1),
    "carbondioxide": ("co2", "ppm", 1),
    "co2": ("co2", "ppm", 1),
    "eco2": ("eco2", "ppm", 1),
    "tvoc": ("tvoc", "ppb", 1),
    "gas": ("gas_resistance", "kΩ", 1),
    "distance": ("distance", "m", 0.01),
    "weight": ("weight", "kg", 1),
    "moisture": ("moisture", "%", 1),
    "power": ("power", "W", 1),
    "activepower": ("power", "W", 1),
    "apparentpower": ("apparent_power", "VA", 1),
    "reactivepower": ("reactive_power", "var", 1),
    "factor": ("power_factor", None, 1),
    "frequency": ("frequency", "Hz", 1),
    "freq": ("frequency", "Hz", 1),
    "voltage": ("voltage", "V", 1),
    "rmsvoltage": ("voltage", "V", 1),
    "current": ("current", "A", 1),
    "rmscurrent": ("current", "A", 1),
    "energy": ("energy", "kWh", 1),
    "total": ("energy", "kWh", 1),
    "today": ("energy_today", "kWh", 1),
    "yesterday": ("energy_yesterday", "kWh", 1),
    "totaltariff": ("energy_tariff", "kWh", 1),
    "exportactive": ("energy_returned", "kWh", 1),
    "importactive": ("energy", "kWh", 1),
    "pm1": ("pm1", "µg/m³", 1),
    "pm2.5": ("pm25", "µg/m³", 1),
    "pm10": ("pm10", "µg/m³", 1),
    "position": ("position", "%", 1),
    "dimmer": ("brightness", "%", 1),
    "linkquality": ("link_quality", None, 1),
}
_NO_MEASUREMENT = frozenset(
    ("time", "id", "address", "uid", "data", "sn", "totalstarttime", "tempunit", "pressureunit", "speedunit",
     "device", "name", "endpoint", "pressurescale", "pressurescaledvalue", "illuminancelevel", "zonestatuschange",
     "zonestatuschangezone", "zonestatus", "zonetype", "group", "epoch")
)  # fmt: skip
_NO_CHIP = frozenset(("esp32", "global", "wifi"))
"""The processor's own temperature, and what repeats the chips' readings."""
_PRESSURE = {"hPa": 1.0, "mbar": 1.0, "mmHg": 1.333224, "inHg": 33.86389, "Pa": 0.01, "kPa": 10.0}
_ZIGBEE_SWITCHED = {
    "occupancy": "occupancy", "motion": "motion", "movement": "motion", "presence": "presence", "water": "water_leak",
    "fire": "smoke", "smoke": "smoke", "co": "gas", "gas": "gas", "vibration": "vibration", "tamper": "tamper",
    "panic": "sos",
}  # fmt: skip
_UPTIME = re.compile(r"([0-9]{1,6})T([0-9]{2}):([0-9]{2}):([0-9]{2})")
_PHASE = re.compile(r"_L[0-9]$")
_ZONED = re.compile(r".*(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})")

Named = Callable[[str, str, bool], str]
"""The name of a chip's quantity beside that of others: takes the type, the chip, and whether it is the message's first."""


def snake(text: str) -> str:
    """`BedSensor` and `bed-sensor` as `bed_sensor`, cut to 40 characters."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", text[:60])
    return re.sub(r"[^a-z0-9]+", "_", apart.lower()).strip("_")[:40]


def chips(content: dict[str, Any], named: Named) -> Iterator[Said]:
    """What the chips of a SENSOR message measured; `content` also holds the units."""
    found = 0
    celsius = _celsius(content.get("TempUnit"))
    hectopascals = _PRESSURE.get(str(content.get("PressureUnit")), 1.0)
    taken: dict[str, str] = {}  # what several chips measure, the first has to itself
    # Old firmware, and some drivers, name no chip. The dimmer and the supply stand in STATE too and are read as states.
    flat = {name: value for name, value in content.items() if number_of(value) is not None}
    flat = {name: value for name, value in flat.items() if name.lower() not in ("dimmer", "vcc")}
    for chip, values in [*content.items(), ("", flat)]:
        if not isinstance(values, dict) or chip.lower() in _NO_CHIP:
            continue
        for path, value in _leaves(values, 0):
            found += 1
            if found > LEAVES_MAX:
                return
            said = _measured(path, value, celsius, hectopascals)
            if said is not None:
                kind, own = said.type, snake(chip)
                if not (chip in ("ENERGY", "ANALOG") or chip.startswith("Shutter")):
                    kind = named(kind, own, taken.setdefault(kind, own) == own)
                number = chip.removeprefix("Shutter")
                if chip.startswith("Shutter") and number.isdecimal():
                    kind = f"{kind}_{number}"
                yield Said(kind, said.value, said.unit)


def zigbee(values: dict[str, Any]) -> tuple[list[Said], dict[str, Any]]:
    """What a Zigbee device behind a bridge said: attributes and commands, and facts of its health."""
    said: list[Said] = []
    health: dict[str, Any] = {}
    for name, value in list(values.items())[:LEAVES_MAX]:
        key, number = name.lower(), number_in(value)
        endpoint = values.get("Endpoint")
        if key in _ZIGBEE_SWITCHED and number in (0, 1):
            said.append(Said(_ZIGBEE_SWITCHED[key], number))
        elif key == "contact" and number in (0, 1):
            said.append(Said("contact", 1 - (number or 0)))  # the zone's alarm: 1 is open
        elif key == "power" and any(one.startswith("0006!") for one in values):
            command = {"0": "off", "1": "on", "2": "toggle"}.get(str(value), str(value).lower()[:40])
            said.append(Said("action", None, None, {"action": command}))  # a remote's, which has no state
        elif (
            key == "power" and isinstance(value, str | int) and str(value).lower() in ("0", "1", "on", "off")
        ):
            said.append(Said("switch", float(str(value).lower() in ("1", "on"))))
        elif key in ("click", "action") and isinstance(value, str) and short_text(value):
            extra: dict[str, Any] = {"action": value[:40].lower()}
            if isinstance(endpoint, int):
                extra["button"] = endpoint
            said.append(Said("action", None, None, extra))
        elif key in ("batterypercentage", "battery"):
            if number is not None and 0 <= number <= 100:
                health["battery_pct"] = number
        elif key == "batteryvoltage" or (key == "voltage" and not _metering(values)):
            if number is not None and 0 < number < 100:
                health["battery_v"] = number
        elif key == "linkquality":
            if number is not None and 0 <= number <= 255:
                health["link_quality"] = number
        elif key in _QUANTITIES and key not in ("power", "linkquality"):
            measured = _measured((name,), value, _as_it_is, 1.0)
            if measured is not None:
                said.append(measured)
    return said, health


def _bluetooth(values: dict[str, Any]) -> tuple[list[Said], dict[str, Any]]:
    """What a Bluetooth sensor that an ESP32 hears (MI32, BLE) said, and facts of its health."""
    said = list(chips({"sensor": values}, lambda kind, chip, first: kind))
    percent, signal = number_in(values.get("Battery")), number_in(values.get("RSSI"))
    health: dict[str, Any] = {}
    if percent is not None and 0 <= percent <= 100:
        health["battery_pct"] = percent
    if signal is not None and -130 <= signal < 0:
        health["rssi_dbm"] = signal
    return [one for one in said if one.type not in ("battery", "rssi", "btn")], health


def without_bluetooth(content: dict[str, Any], time: datetime | None, found: Found) -> dict[str, Any]:
    """The rest of the message; what an ESP32 heard by Bluetooth are devices of their own."""
    rest = {}
    for name, one in content.items():
        address = mac_of(one.get("mac")) if isinstance(one, dict) else None
        if address is None:
            rest[name] = one
            continue
        said, health = _bluetooth(one)
        found.alive(address, time, health)
        for value in said:
            found.add(address, value, time)
    return rest


def health_in(content: dict[str, Any]) -> dict[str, Any]:
    """The facts of health in a STATE message: signal, uptime. Old firmware writes spaces into its keys."""
    health: dict[str, Any] = {}
    wifi = content.get("Wifi")
    if isinstance(wifi, dict):
        plain = {str(key).strip(): value for key, value in wifi.items()}
        signal, quality = number_in(plain.get("Signal")), number_in(plain.get("RSSI"))
        if signal is not None and -130 <= signal < 0:
            health["rssi_dbm"] = signal
        if quality is not None and 0 <= quality <= 100:
            health["signal_pct"] = quality
    seconds = number_in(content.get("UptimeSec"))
    uptime = content.get("Uptime")
    form = _UPTIME.fullmatch(uptime) if isinstance(uptime, str) else None
    if seconds is None and form is not None:
        days, hours, minutes, rest = (int(part) for part in form.groups())
        seconds = ((days * 24 + hours) * 60 + minutes) * 60 + rest
    elif seconds is None and number_of(uptime) is not None:
        seconds = (number_of(uptime) or 0) * 3600  # before version 6 whole hours
    if seconds is not None and seconds >= 0:
        health["uptime_s"] = seconds
    version = short_text(content.get("Version"))
    if version is not None:
        health["fw"] = version
    return health


def moment(content: dict[str, Any]) -> tuple[datetime | None, str | None]:
    """The message's own time where it has a zone or is an epoch; else none, and the local text as it was sent."""
    written = content.get("Time")
    epoch = number_of(content.get("Epoch"))
    if epoch is None:
        epoch = number_of(written)
    if epoch is not None and epoch > 0:
        try:
            return datetime.fromtimestamp(epoch / 1000 if epoch > 1e11 else epoch, UTC), None
        except (OverflowError, OSError, ValueError):
            return None, None
    text = short_text(written)
    if text is None:
        return None, None
    if _ZONED.fullmatch(text):
        try:
            return time_of(text), None
        except ValueError:
            return None, text
    return None, text


def _leaves(values: dict[str, Any], depth: int) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The values at the ends, with the names that lead to them; a list's by number, from 1."""
    for name, value in values.items():
        if name.lower() in _NO_MEASUREMENT:
            continue
        if isinstance(value, dict) and depth < 3:
            for path, leaf in _leaves(value, depth + 1):
                yield (name, *path), leaf
        elif isinstance(value, list):
            for place, one in enumerate(value[:32]):
                yield (name, str(place + 1)), one
        else:
            yield (name,), value


def _measured(
    path: tuple[str, ...], value: Any, celsius: Callable[[float], float], hectopascals: float
) -> Said | None:
    number = number_in(value)
    if number is None:
        return None
    first, *rest = path
    kind, unit, factor, suffix = None, None, 1.0, ""
    # A quantity may be numbered (Temperature1), be split by phase (Power, L1), or stand within a named part.
    for place, name in enumerate(path):
        bare = _PHASE.sub("", name).rstrip("0123456789")
        quantity = _QUANTITIES.get(name.lower()) or _QUANTITIES.get(bare.lower())
        if quantity is not None and name.lower() != "linkquality":
            kind, unit, factor = quantity
            others = [*path[:place], *path[place + 1 :]]
            digits = "" if name.lower() in _QUANTITIES else name[len(bare) :].strip("_").lower()
            suffix = "_".join(part for part in (digits, *(snake(other) for other in others)) if part)
            break
    if kind is None:
        name = "_".join(snake(part) for part in (first, *rest))
        return Said(name[:100], number) if name else None
    if unit == "°C":
        number = celsius(number)
    elif unit == "hPa":
        number *= hectopascals
    elif factor != 1:
        number *= factor
    return Said(f"{kind}_{suffix}"[:100] if suffix else kind, number, unit)


def _metering(values: dict[str, Any]) -> bool:
    return not values.keys().isdisjoint(("ActivePower", "RMSVoltage", "RMSCurrent", "Current"))


def _celsius(unit: Any) -> Callable[[float], float]:
    return {"F": _from_fahrenheit, "K": _from_kelvin}.get(str(unit), _as_it_is)


def _as_it_is(number: float) -> float:
    return number


def _from_fahrenheit(number: float) -> float:
    return round((number - 32) * 5 / 9, 3)


def _from_kelvin(number: float) -> float:
    return round(number - 273.15, 3)
