"""Shelly's first generation: shellies/<id>/<what> with one plain value each.

`relay/0` on/off, `relay/0/energy` in watt-minutes, `emeter/0/total` in watt-hours, `sensor/…` of battery devices.
"""

from __future__ import annotations

import re
from typing import Any

from ingest.decoders.bthome import Said
from ingest.decoders.payload import number_of, parse_json, shown
from ingest.decoders.plain import number_required, short_text, text_of
from nyttig.errors import DecodeError

_SWITCHES = {"relay": "switch", "light": "light", "color": "light", "white": "light", "dimmer": "light"}
_METERED = {
    "power": ("power", "W", 1.0),
    "voltage": ("voltage", "V", 1.0),
    "current": ("current", "A", 1.0),
    "pf": ("power_factor", None, 1.0),
    "reactive_power": ("reactive_power", "var", 1.0),
    "total": ("energy", "kWh", 0.001),
    "total_returned": ("energy_returned", "kWh", 0.001),
}
_WATT_MINUTE = 1 / 60_000
_SENSED = {
    "temperature": ("temperature", "°C"),
    "humidity": ("humidity", "%"),
    "lux": ("illuminance", "lx"),
    "concentration": ("gas_concentration", "ppm"),
    "tilt": ("tilt", "°"),
}
_SENSED_SWITCHES = {
    "flood": "water_leak", "motion": "motion", "vibration": "vibration", "smoke": "smoke", "tamper": "tamper",
}  # fmt: skip
_TRUTHS = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "on": 1.0, "off": 0.0}
_GAS = {"none": 0.0, "mild": 1.0, "heavy": 1.0}
_PRESSES = {
    "S": "single", "SS": "double", "SSS": "triple", "L": "long", "SL": "single_long", "LS": "long_single",
}  # fmt: skip
_CHANNEL = re.compile(r"[0-9]{1,2}")


def said_by(what: str, payload: bytes) -> tuple[list[Said], dict[str, Any]]:
    """The readings and the facts of health in what a device said below its own topic; raises DecodeError."""
    group, *rest = what.split("/")
    if what in ("status", "info", "settings"):
        return _status(parse_json(payload))
    text = text_of(payload)
    if group == "sensor" and len(rest) == 1:
        return _sensor(rest[0], text)
    channel = rest[0] if rest and _CHANNEL.fullmatch(rest[0]) else None
    suffix = f"_{int(channel)}" if channel and int(channel) else ""
    field = "/".join(rest[1:] if channel else rest)
    if group in _SWITCHES or group in ("emeter", "meter", "roller"):
        return _channel(group, suffix, field, text, what), {}
    if group == "input" and channel and not field:
        return _truth("input" + suffix, text), {}
    if group in ("ext_temperature", "ext_humidity", "ext_temperatures", "ext_humidities") and channel:
        kind = "temperature" if "temperature" in group else "humidity"
        return [Said(kind + suffix, number_required(text, what), _SENSED[kind][1])], {}
    if group in ("voltage", "adc") and not field:
        return [Said("voltage" + suffix, number_required(text, what), "V")], {}
    return [], {}


def press(payload: bytes) -> tuple[str | None, int | None]:
    """Which press an `input_event` tells of (None: none, as after a boot), and its count."""
    content = parse_json(payload)
    if not isinstance(content, dict):
        raise DecodeError(
            "malformed", f"an object with event and event_cnt is expected, not {shown(content)}"
        )
    count, event = number_of(content.get("event_cnt")), content.get("event")
    name = _PRESSES.get(event, short_text(event)) if isinstance(event, str) and event else None
    return name, None if count is None else int(count)


def _channel(group: str, suffix: str, field: str, text: str, what: str) -> list[Said]:
    if field in _METERED:
        kind, unit, factor = _METERED[field]
        number = number_required(text, what)
        return [Said(kind + suffix, number if factor == 1 else number * factor, unit)]
    if field == "energy" and group != "emeter":  # an emeter has its total besides
        return [Said("energy" + suffix, number_required(text, what) * _WATT_MINUTE, "kWh")]
    if group == "roller" and field == "pos":
        position = number_required(text, what)
        return [Said("position" + suffix, position, "%")] if 0 <= position <= 100 else []
    if group in _SWITCHES and not field:
        return _truth(_SWITCHES[group] + suffix, text)
    if group in _SWITCHES and field == "status":
        content = parse_json(text.encode())
        said: list[Said] = []
        if not isinstance(content, dict):
            return said
        if isinstance(content.get("ison"), bool):
            said.append(Said(_SWITCHES[group] + suffix, float(content["ison"]), None))
        brightness = number_of(content.get("brightness"))
        if brightness is not None:
            said.append(Said("brightness" + suffix, brightness, "%"))
        return said
    return []


def _sensor(name: str, text: str) -> tuple[list[Said], dict[str, Any]]:
    if name == "battery":
        percent = number_required(text, "sensor/battery")
        return [], {"battery_pct": percent} if 0 <= percent <= 100 else {}
    if name in ("charger", "ext_power"):
        return [], {"external_power": _TRUTHS[text]} if text in ("true", "false") else {}
    if name == "state":
        contact = {"open": 0.0, "close": 1.0, "closed": 1.0}.get(text)
        return [] if contact is None else [Said("contact", contact)], {}
    if name == "gas":
        return [] if text not in _GAS else [Said("gas", _GAS[text], None, {"level": text})], {}
    if name in _SENSED_SWITCHES:
        return _truth(_SENSED_SWITCHES[name], text), {}
    if name in _SENSED:
        kind, unit = _SENSED[name]
        number = number_required(text, f"sensor/{name}")
        return [] if number in (-1, 999) and kind != "temperature" else [Said(kind, number, unit)], {}
    return [], {}


def _truth(kind: str, text: str) -> list[Said]:
    value = _TRUTHS.get(text.lower())
    return [] if value is None else [Said(kind, value)]


def _status(content: Any) -> tuple[list[Said], dict[str, Any]]:
    """`status` of a motion sensor, `info` of any: what they say in plain fields."""
    if not isinstance(content, dict):
        raise DecodeError("malformed", f"a JSON object is expected, not {shown(content)}")
    said: list[Said] = []
    for name in ("motion", "vibration", "flood", "smoke"):
        if isinstance(content.get(name), bool):
            said.append(Said(_SENSED_SWITCHES[name], float(content[name]), None))
    lux = number_of(content.get("lux"))
    if lux is not None and lux >= 0:
        said.append(Said("illuminance", lux, "lx"))
    health: dict[str, Any] = {}
    battery: Any = content.get("bat")
    whole = battery if isinstance(battery, dict) else {"value": battery}
    percent, volts = number_of(whole.get("value")), number_of(whole.get("voltage"))
    if isinstance(content.get("charger"), bool):
        health["external_power"] = content["charger"]
    if percent is not None and 0 <= percent <= 100 and not health.get("external_power"):
        health["battery_pct"] = percent
    if volts is not None and volts > 0:
        health["battery_v"] = volts
    wifi = content.get("wifi_sta")
    rssi = number_of(wifi.get("rssi")) if isinstance(wifi, dict) else None
    if rssi is not None and rssi < 0:
        health["rssi_dbm"] = rssi
    uptime = number_of(content.get("uptime"))
    if uptime is not None and uptime >= 0:
        health["uptime_s"] = uptime
    return said, health
