"""What devices say, how they speak, and what was done to them, in the reader's words. A code not known keeps its own."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dashboard.language import _

_CHANNEL = re.compile(r"_(l?\d+|left|right|center|top|bottom|[a-c])$")

_DIALECTS = {
    "nyttig": "Nyttig",
    "zigbee2mqtt": "Zigbee2MQTT",
    "homeassistant": "Home Assistant",
    "shelly": "Shelly",
    "tasmota": "Tasmota",
    "things_stack": "The Things Stack",
    "chirpstack": "ChirpStack",
    "homie": "Homie",
    "senml": "SenML",
    "sparkplug": "Sparkplug B",
    "theengs": "OpenMQTTGateway (Theengs)",
}


def dialect(code: str) -> str:
    """The name of a dialect."""
    return _DIALECTS.get(code, code)


def said(code: str) -> str:
    """What one type of reading tells, without its channel."""
    words = {
        "acceleration": _("movement of itself"),
        "action": _("button"),
        "angle": _("angle"),
        "brightness": _("brightness"),
        "button": _("button"),
        "carbon_monoxide": _("carbon monoxide"),
        "co2": _("carbon dioxide"),
        "contact": _("door contact"),
        "cover": _("cover"),
        "current": _("current"),
        "device_temperature": _("its own temperature"),
        "dew_point": _("dew point"),
        "distance": _("distance"),
        "dose_taken": _("dose taken"),
        "energy": _("energy"),
        "energy_returned": _("energy"),
        "event": _("button"),
        "fall": _("fall"),
        "gas": _("gas"),
        "humidity": _("humidity"),
        "illuminance": _("light level"),
        "input": _("input"),
        "light": _("lamp"),
        "lock": _("lock"),
        "moisture": _("moisture"),
        "motion": _("motion"),
        "noise": _("noise"),
        "occupancy": _("presence"),
        "pm10": _("particles in the air"),
        "pm2_5": _("particles in the air"),
        "pm25": _("particles in the air"),
        "position": _("position"),
        "power": _("power"),
        "presence": _("presence"),
        "pressure": _("air pressure"),
        "smoke": _("smoke"),
        "sos": _("alarm button"),
        "state": _("on or off"),
        "switch": _("on or off"),
        "tamper": _("tampering"),
        "temperature": _("temperature"),
        "tvoc": _("air quality"),
        "vibration": _("vibration"),
        "voc": _("air quality"),
        "voltage": _("voltage"),
        "water_leak": _("water leak"),
        "weight": _("weight"),
        "window": _("door contact"),
    }
    found = words.get(code) or words.get(_CHANNEL.sub("", code))
    return found or code.replace("_", " ")


def says(codes: Iterable[str], *, battery: bool) -> list[str]:
    """What a device can say, each thing once; its battery last."""
    words = dict.fromkeys(said(code) for code in codes if code not in ("health", "availability", "battery"))
    return [*words, *([_("battery")] if battery else [])]


def retire_reason(code: str) -> str:
    """Why a device is out of service."""
    return {
        "broken": _("broken"),
        "lost": _("lost"),
        "returned": _("given back"),
        "replaced": _("replaced by another"),
        "other": _("another reason"),
    }.get(code, code)


def result(code: str) -> str:
    """What becomes of a row of a list."""
    return {
        "added": _("New"),
        "changed": _("Changed"),
        "unchanged": _("Unchanged"),
        "refused": _("Refused"),
    }.get(code, code)


def field(code: str) -> str:
    """One thing that the registry says of a device, a placement or a trial."""
    return {
        "device": _("device"),
        "technology": _("technology"),
        "dialect": _("dialect"),
        "address": _("address"),
        "heartbeat_minutes": _("minutes between messages"),
        "power": _("power supply"),
        "role": _("role"),
        "roles": _("trials and roles"),
        "trial": _("trial"),
        "home": _("home"),
        "placed_at": _("stands there from"),
        "removed_at": _("until"),
        "placements": _("where it stands"),
        "hardware_id": _("hardware id"),
        "retired_at": _("retired from"),
        "retired_because": _("reason"),
        "title": _("title"),
        "starts": _("starts"),
        "ends": _("ends"),
        "units": _("units"),
        "programme": _("programme"),
        "timezone": _("time zone"),
        "currency": _("currency"),
        "parameters": _("settings of the figures"),
        "technologies": _("technologies"),
        "gains": _("gains"),
        "costs": _("costs"),
        "rows_added": _("rows added"),
        "rows_removed": _("rows removed"),
    }.get(code, code.replace("_", " "))


def table(code: str) -> str:
    """A table of a trial's package."""
    return {
        "units": _("units"),
        "homes": _("homes"),
        "devices": _("devices"),
        "placements": _("placements"),
        "pauses": _("pauses"),
        "visits": _("visits"),
        "measures": _("measures"),
        "schedules": _("schedules"),
        "costs": _("costs"),
    }.get(code, code.replace("_", " "))


def value(code: str) -> str:
    """A value that is a word of the registry's own."""
    return {
        "battery": _("battery"),
        "mains": _("mains"),
        "primary": _("primary"),
        "secondary": _("secondary"),
    }.get(code, code)


def who(name: str) -> str:
    """Who made a change: a person's own name, or the way it came in."""
    return {
        "local": _("somebody on this machine"),
        "command line": _("the command line"),
        "gateway": _("the gateway"),
    }.get(name, name)
