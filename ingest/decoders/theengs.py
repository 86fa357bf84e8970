"""OpenMQTTGateway and Theengs Gateway: what a gateway hears by Bluetooth and at 433 MHz, and how it is itself.

<base>/<gateway>/BTtoMQTT/<address> with the fields of the Theengs decoder. Every gateway tells of every device that it
hears, neighbours' and visitors' too: what cannot be told from another device is not read, and only what may be a
sensor in this home describes itself. Grammar: docs/devices/theengs.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from ingest.decoders.bthome import Said, mac_of
from ingest.decoders.found import Found
from ingest.decoders.payload import parse_json, shown
from ingest.decoders.plain import TEXT_MAX, number_in, short_text, text_of
from ingest.decoders.repeats import Remembered, Repeats
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Description, Message, Reading

DIALECT = "theengs"

FIELDS_MAX = 200
_NAME_MAX = 64
_TYPES_MAX = 40  # as many as a proposed device is known to say
NEAR_RSSI_DBM = -75
"""Only what is heard this well is proposed: a room or two away, seldom a neighbour's."""

_SAME_PACKET_WITHIN = timedelta(seconds=60)
_SAME_ADVERTISEMENT_WITHIN = timedelta(seconds=2)
_UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")

_MEASURED: dict[str, tuple[str, str | None, float]] = {
    "tempc": ("temperature", "°C", 1),
    "hum": ("humidity", "%", 1),
    "lux": ("illuminance", "lx", 1),
    "pres": ("pressure", "hPa", 1),
    "co2": ("co2", "ppm", 1),
    "for": ("formaldehyde", "mg/m³", 1),
    "moi": ("moisture", "%", 1),
    "fer": ("conductivity", "µS/cm", 1),
    "pm25": ("pm25", "µg/m³", 1),
    "pm10": ("pm10", "µg/m³", 1),
    "tvoc": ("tvoc", "ppb", 1),
    "distance": ("distance", "m", 1),
    "position": ("position", "%", 1),
    "steps": ("steps", None, 1),
    "bpm": ("heart_rate", "1/min", 1),
    "act_bpm": ("heart_rate", "1/min", 1),
    "rot": ("rotation", "°", 1),
    "lvl_cm": ("level", "m", 0.01),
    "pressure": ("brush_pressure", None, 1),
    "impedance": ("impedance", "Ω", 1),
    "lightlevel": ("light_level", None, 1),
    "duration": ("duration", "s", 1),
    "temperature_C": ("temperature", "°C", 1),
    "humidity": ("humidity", "%", 1),
    "light_lux": ("illuminance", "lx", 1),
    "power_W": ("power", "W", 1),
    "energy_kWh": ("energy", "kWh", 1),
}
_TRUTHS = {
    "motion": "motion", "moving": "moving", "presence": "presence", "hcsr501": "motion", "tamper": "tamper",
    "alarm": "alarm", "wake": "moved", "water_leak": "water_leak", "smoke": "smoke", "vibration": "vibration",
}  # fmt: skip
_PRESSES = {1: "single", 2: "double", 3: "triple", 4: "long", 9: "long", 11: "hold", 128: "hold", 254: "hold"}
_NO_DATA = frozenset(
    ("acts", "cont", "track", "cidc", "ctrl", "prmac", "encr", "sync", "calibrated", "scopetested", "extprobe", "led",
     "mac_type", "rssi", "packet", "seq", "txpower", "tx", "major", "minor", "serial", "modeltype", "time_max",
     "time_min", "batt", "volt", "lowbatt", "open", "contact", "unlocked", "weight", "avg", "sum", "lvl_in", "channel",
     "adv_type", "id", "mac", "uuid", "mfid", "battery_ok", "mic", "protocol", "length", "delay", "mode", "device",
     "name", "model", "model_id", "brand", "type", "state", "status")
)  # fmt: skip
_STRANGERS = frozenset(("RMAC", "BCON", "TRACK"))
"""Phones, beacons and tags: people who pass by carry them."""


class Decoder:
    """Reads what gateways tell, and remembers what it heard, so that several gateways are heard once."""

    def __init__(self) -> None:
        self._described = Remembered()
        self._repeats = Repeats()

    def __call__(self, message: Message, base: str) -> Decoded:
        """What the message says; raises DecodeError."""
        levels = message.topic.split("/")
        last = levels[-1]
        place = next((at for at, level in enumerate(levels) if level.endswith("toMQTT")), None)
        if not message.payload or any(level.startswith("MQTTto") for level in levels):
            return Decoded([], [])  # commands to the gateway
        if place is None:
            return self._of_gateway(message, levels)
        what = levels[place]
        gateway = "/".join(levels[:place])
        if len(gateway) > TEXT_MAX or len(last) > TEXT_MAX:
            raise DecodeError("unknown_topic", f"the topic has {len(message.topic)} characters")
        if what == "BTtoMQTT":
            return self._advertisement(message, gateway, last if place + 1 < len(levels) else "")
        if what in ("433toMQTT", "SRFBtoMQTT", "PilighttoMQTT"):
            return self._code(message, gateway)
        if what == "RTL_433toMQTT":
            return self._radio(message, gateway, levels[place + 1 :])
        if what == "SYStoMQTT":
            return self._system(message, gateway)
        return self._own_sensor(message, gateway)

    def _of_gateway(self, message: Message, levels: list[str]) -> Decoded:
        if levels[-1] == "LWT" and len(levels) > 1:
            text = text_of(message.payload).lower()
            if text not in ("online", "offline"):
                raise DecodeError("malformed", f"LWT is online or offline, not {shown(text)}")
            gateway = _gateway(message, "/".join(levels[:-1]))
            kind = "availability" if message.retained else "state"
            return Decoded([Reading(DIALECT, gateway, kind, float(text == "online"))], [])
        if levels[-1] in ("version", "commands", "undecoded") or "commands" in levels:
            return Decoded([], [])
        if len(levels) > 1 and levels[-2].endswith("presence"):
            gateway = "/".join([*levels[:-2], levels[-1]])
            return self._advertisement(message, gateway[:TEXT_MAX], "")
        if message.payload.lstrip().startswith(b"{"):  # the presence topic may have any name
            content = _object(message)
            if mac_of(content.get("id")) or mac_of(content.get("mac")):
                return self._advertisement(message, "", "")
        raise DecodeError(
            "unknown_topic",
            f"{message.topic!r} is none of a gateway's: …/BTtoMQTT/…, …/433toMQTT, …/SYStoMQTT, …/LWT",
        )

    # Bluetooth

    def _advertisement(self, message: Message, gateway: str, topic_id: str) -> Decoded:
        content = _object(message)
        address = _address_of(content, topic_id)
        if address is None:
            return Decoded([], [])  # an address made up for a few minutes: a phone, most likely
        if message.retained:
            return Decoded([], [])
        said, health = list(_said(content)), _health(content)
        if "mac_type" not in content and _may_change(address) and _is_unknown(content, said):
            return Decoded([], [])
        packet = content.get("packet")
        if isinstance(packet, int):
            again = self._repeats.heard_before((address, packet), message, None, _SAME_PACKET_WITHIN)
        else:
            values = tuple((one.type, one.value) for one in said if one.type != "distance")
            pressed = any(one.type == "action" for one in said)
            again = self._repeats.heard_before(
                (address,),
                message,
                (values, str(content.get("button"))),
                _SAME_ADVERTISEMENT_WITHIN,
                elsewhere=not pressed,
            )
        if again:
            return Decoded([], [])
        found = Found(DIALECT)
        found.alive(address, None, health)
        for one in said:
            found.add(address, one)
        self._describe(message, address, content, gateway, said, found)
        return Decoded(found.readings(message), [], tuple(found.descriptions))

    def _describe(
        self,
        message: Message,
        address: str,
        content: dict[str, Any],
        gateway: str,
        said: list[Said],
        found: Found,
    ) -> None:
        """A sensor that is decoded and near is described once; what people carry past, never."""
        model = short_text(content.get("model")) or short_text(content.get("model_id"))
        kind = short_text(content.get("type"))
        types = tuple(dict.fromkeys(one.type for one in said if one.type not in ("distance", "health")))
        rssi = number_in(content.get("rssi"))
        stranger = kind in _STRANGERS or content.get("prmac") or content.get("track") or "uuid" in content
        if model is None or stranger or not types or (rssi is not None and rssi < NEAR_RSSI_DBM):
            return
        known = self._described.get(address, "").split()
        types = tuple(dict.fromkeys([*known, *types]))[:_TYPES_MAX]  # a message says only some of them
        if self._described.learn(address, " ".join(types), message):
            found.descriptions.append(
                Description(
                    DIALECT,
                    address,
                    mac_of(address),
                    short_text(content.get("brand")),
                    model,
                    short_text(content.get("name")),
                    "battery",
                    gateway or None,
                    types,
                )
            )

    # 433 MHz

    def _code(self, message: Message, gateway: str) -> Decoded:
        """A radio code is the address of whatever sends it; it is repeated within a moment, by every gateway."""
        text = text_of(message.payload)
        content = parse_json(message.payload) if text.startswith("{") else {"value": text}
        code = short_text(str(content.get("value") or content.get("raw") or ""))
        if message.retained or code is None:
            return Decoded([], [])
        address = f"433:{code[:60]}"
        if self._repeats.heard_before((address,), message, None, _SAME_ADVERTISEMENT_WITHIN):
            return Decoded([], [])
        extra = {"action": "received", "code": code, "gateway": gateway}
        return Decoded([Reading(DIALECT, address, "action", extra=extra)], [])

    def _radio(self, message: Message, gateway: str, levels: list[str]) -> Decoded:
        """A 433 MHz sensor that rtl_433 decoded: it is its model, its channel where it has one, and its number."""
        content = _object(message)
        model, number = short_text(content.get("model")), short_text(str(content.get("id", "")))
        if model is None or message.retained:
            return Decoded([], [])
        channel = short_text(str(content.get("channel", "")))
        address = "-".join(part for part in (model, channel, number) if part)[:TEXT_MAX]
        said, health = list(_said(content)), _health(content)
        values = tuple((one.type, one.value) for one in said)
        if self._repeats.heard_before((address,), message, values, _SAME_ADVERTISEMENT_WITHIN):
            return Decoded([], [])
        found = Found(DIALECT)
        found.alive(address, None, health)
        for one in said:
            found.add(address, one)
        return Decoded(found.readings(message), [])

    # The gateway itself

    def _own_sensor(self, message: Message, gateway: str) -> Decoded:
        """A sensor that is wired to the gateway speaks as the gateway."""
        address = _gateway(message, gateway)
        if message.retained:
            return Decoded([], [])
        if not message.payload.lstrip().startswith(b"{"):
            return Decoded([], [])
        content = _object(message)
        found = Found(DIALECT)
        for one in _said(content):
            found.add(address, one)
        if not found.types_of(address):
            return Decoded([], [])
        return Decoded(found.readings(message), [])

    def _system(self, message: Message, gateway: str) -> Decoded:
        address = _gateway(message, gateway)
        content = _object(message)
        health: dict[str, Any] = {}
        uptime, rssi = number_in(content.get("uptime")), number_in(content.get("rssi"))
        if uptime is not None and uptime >= 0:
            health["uptime_s"] = uptime
        if rssi is not None and -130 <= rssi < 0:
            health["rssi_dbm"] = rssi
        version = short_text(content.get("version"))
        if version is not None:
            health["fw"] = version
        described = Description(
            DIALECT,
            address,
            mac_of(content.get("mac")),
            "OpenMQTTGateway",
            short_text(content.get("env")),
            power="mains",
            says=("health",),
        )
        readings = [] if message.retained else [Reading(DIALECT, address, "health", health=health or None)]
        news = self._described.learn(address, f"{described.hardware_id} {described.model}", message)
        return Decoded(readings, [], (described,) if news else ())


def _gateway(message: Message, address: str) -> str:
    plain = address.strip("/")
    if not plain or len(plain) > TEXT_MAX:
        raise DecodeError("unknown_topic", f"{message.topic!r} names no gateway")
    return plain


def _object(message: Message) -> dict[str, Any]:
    """The payload as a JSON object; bytes that are no UTF-8, as devices send them in their names, are replaced."""
    try:
        content = parse_json(message.payload)
    except DecodeError as error:
        if error.reason != "not_utf8":
            raise
        content = parse_json(message.payload.decode(errors="replace").encode())
    if not isinstance(content, dict):
        raise DecodeError("malformed", f"a JSON object is expected, not {shown(content)}")
    return content


def _address_of(content: dict[str, Any], topic_id: str) -> str | None:
    """The device's lasting address: its own, a beacon's identity; None where it changes it every few minutes.

    A random address whose two highest bits are set is chosen once (Bluetooth Core 5.4, Vol 6, Part B, 1.3.2).
    """
    mac = mac_of(content.get("id")) or mac_of(content.get("mac")) or mac_of(topic_id)
    random = content.get("mac_type") == 1 or bool(content.get("prmac")) or content.get("type") == "RMAC"
    changing = random and (mac is None or not _is_static(mac) or bool(content.get("prmac")))
    uuid = content.get("uuid")
    if (mac is None or changing) and isinstance(uuid, str) and _UUID.fullmatch(uuid):
        parts = (uuid, content.get("major"), content.get("minor"))
        return "-".join(str(part)[:40] for part in parts if isinstance(part, str | int))
    if changing:
        return None
    if mac is not None:
        return mac
    own = short_text(content.get("id")) or short_text(topic_id)
    if own is None:
        raise DecodeError("unknown_topic", "neither the topic nor the payload's id or mac names the device")
    return own


def _is_static(mac: str) -> bool:
    return mac[0] in "CDEF"


def _may_change(mac: str) -> bool:
    """A changing address starts with the bits 00 or 01, as half of the makers' own do; 10 is only ever a maker's."""
    return mac[0] in "01234567"


def _is_unknown(content: dict[str, Any], said: list[Said]) -> bool:
    """The gateway could not decode it: all it says is that somebody's device is near."""
    named = content.keys() & {"name", "model", "model_id", "brand", "cipher", "uuid"}
    return not named and all(one.type == "distance" for one in said)


def _health(content: dict[str, Any]) -> dict[str, Any]:
    health: dict[str, Any] = {}
    percent, volts, rssi = (number_in(content.get(name)) for name in ("batt", "volt", "rssi"))
    if percent is not None and 0 <= percent <= 100:
        health["battery_pct"] = percent
    if volts is not None and 0 < volts < 20 and content.get("type") not in ("ENRG", "BATT"):
        health["battery_v"] = volts
    if isinstance(content.get("lowbatt"), bool):
        health["battery_low"] = content["lowbatt"]
    elif content.get("battery_ok") in (0, 1):
        health["battery_low"] = content["battery_ok"] == 0
    if rssi is not None and -130 <= rssi < 0:
        health["rssi_dbm"] = rssi
    return health


def _said(content: dict[str, Any]) -> Iterator[Said]:
    yield from _states(content)
    for name, value in list(content.items())[:FIELDS_MAX]:
        if len(name) > _NAME_MAX:
            continue
        if name in ("temperature_F", "tempf") or (name.startswith("tempf") and name != "tempf"):
            celsius = name.replace("tempf", "tempc").replace("_F", "_C")
            number = number_in(value)
            if celsius not in content and number is not None:
                suffix = name.removeprefix("temperature_F").removeprefix("tempf").strip("_")
                yield Said(
                    "_".join(filter(None, ("temperature", suffix))), round((number - 32) / 1.8, 3), "°C"
                )
            continue
        if name in _NO_DATA:
            continue
        if name.startswith("button"):
            yield from _press(name.removeprefix("button"), value)
            continue
        truth = _truth(value)
        if name in _TRUTHS and truth is not None:
            yield Said(_TRUTHS[name], truth)
            continue
        number = number_in(value)
        if number is None:
            continue
        bare = "tempc" if name.startswith("tempc") else name
        if bare == "pres" and content.get("type") == "TIRE":
            yield Said("tyre_pressure", number, "bar")
        elif bare in _MEASURED:
            kind, unit, factor = _MEASURED[bare]
            suffix = name.removeprefix(bare).strip("_")
            yield Said(
                f"{kind}_{suffix}" if suffix else kind, number if factor == 1 else number * factor, unit
            )
        elif re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
            yield Said(name, number)


def _states(content: dict[str, Any]) -> Iterator[Said]:
    """What needs more than one field, or is said the other way round."""
    opened, contact, unlocked = content.get("open"), content.get("contact"), content.get("unlocked")
    if isinstance(opened, bool):
        yield Said("contact", float(not opened))
    elif (number := number_in(opened)) is not None and 0 <= number <= 100:
        yield Said("position", number, "%")  # a cover's
    elif isinstance(contact, str) and contact in ("open", "closed", "timeout not closed"):
        yield Said("contact", float(contact == "closed"))
    elif content.get("state") in ("open", "closed"):
        yield Said("contact", float(content["state"] == "closed"))
    if isinstance(unlocked, bool) and content.get("type") not in ("BODY", "TRACK"):
        yield Said("lock", float(not unlocked))
    if content.get("type") == "ACTR" and content.get("state") in ("on", "off"):
        yield Said("switch", float(content["state"] == "on"))
    if content.get("type") == "BODY" and short_text(content.get("state")):
        yield Said("running", float(content["state"] == "running"))
    weight = number_in(content.get("weight"))
    if weight is not None:
        pounds = content.get("unit") == "lb"
        yield Said("weight", round(weight * 0.45359237, 3) if pounds else weight, "kg")
    if content.get("type") in ("ENRG", "BATT") and (volts := number_in(content.get("volt"))) is not None:
        yield Said("voltage", volts, "V")
    total, rate = number_in(content.get("sum")), number_in(content.get("avg"))
    if total is not None:
        water = content.get("sumu") == "m³"
        yield Said("volume", total, "m³") if water else Said("energy", total, "kWh")
    if rate is not None:
        water = content.get("avgu") == "m³"
        yield Said("flow", rate, "m³") if water else Said("power", rate * 1000, "W")


def _press(number: str, value: Any) -> Iterator[Said]:
    code = number_in(value)
    if code is None or not code or code != int(code):
        return  # 0: a beacon, nobody pressed
    extra: dict[str, Any] = {"action": _PRESSES.get(int(code), f"code_{int(code)}"[:20])}
    if number.isdecimal() and len(number) <= 2:
        extra["button"] = int(number)
    yield Said("action", None, None, extra)


def _truth(value: Any) -> float | None:
    if isinstance(value, bool):
        return float(value)
    if value in (0, 1):
        return float(value)
    return {"true": 1.0, "false": 0.0}.get(value.lower()) if isinstance(value, str) else None
