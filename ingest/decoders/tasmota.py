"""Tasmota: %prefix%/%topic%/ in any order, with STATE, SENSOR, RESULT, STATUSn, LWT and INFOn below it.

What a device is called and how it writes on, off and online is in its discovery message, which is remembered.
Grammar: docs/devices/tasmota.md.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from ingest.decoders import tasmota_fields as fields
from ingest.decoders.bthome import Said, mac_of
from ingest.decoders.found import Found
from ingest.decoders.payload import parse_json, shown
from ingest.decoders.plain import TEXT_MAX, number_in, short_text, text_of
from ingest.decoders.repeats import Remembered, Repeats
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Description, Message, Reading

DIALECT = "tasmota"

PARTS_MAX = 100
"""Top-level fields that are looked at in one message; no device has that many."""

_PREFIXES = ("tele", "stat", "cmnd")
_SAME_FACT_WITHIN = timedelta(seconds=2)
_SAME_CODE_WITHIN = timedelta(seconds=1)
_NUMBERED = re.compile(r"(power|switch|button)([0-9]{0,2})", re.IGNORECASE)
_OURS = re.compile(
    r"LWT|STATE|SENSOR|RESULT|STATUS[0-9]{0,2}|INFO[1-3]|POWER[0-9]{0,2}|BUTTON[0-9]+|SWITCH[0-9]+"
)
_ZIGBEE_KEY = re.compile(r"0x[0-9A-Fa-f]{4}")
_ON, _OFF = ("on", "1", "true"), ("off", "0", "false")
_ANSWERS = ("RESULT", "STATUS")
"""Here a field is an answer to some command unless we know it as a state."""
_STATED = ("Shutter", "RfReceived", "IrReceived")
_WITHOUT_SENSORS = ("STATE", "INFO", "TELEMETRY", "UPTIME")
_SENSED = {"StatusSNS": "SENSOR", "StatusSTS": "STATE"}


class _Place(NamedTuple):
    """Where in the topic tree a message was published: by whom, and what it is."""

    kind: str
    address: str
    channel: tuple[str, ...]


class Decoder:
    """Reads Tasmota's messages, and remembers what the discovery messages say of its devices."""

    def __init__(self) -> None:
        self._places = Remembered()  # a device's own topic for one prefix → "kind address"
        self._texts = Remembered()  # "address what text" → "1" or "0", in the words of the device
        self._switches = Remembered()  # "address name" → the number of the switch that is called so
        self._macs = Remembered()  # hardware address → address
        self._seconds = Remembered()  # "address type chip" of chips that were not the first to measure it
        self._repeats = Repeats()

    def __call__(self, message: Message, base: str) -> Decoded:
        """What the message says; raises DecodeError."""
        levels = message.topic.split("/")
        if len(message.topic) > 4 * TEXT_MAX:
            raise DecodeError("unknown_topic", f"the topic has {len(message.topic)} characters")
        if len(levels) == 4 and levels[:2] == ["tasmota", "discovery"]:
            return self._discovered(message, levels[2], levels[3])
        place = self._place(message.topic, levels)
        channel = place.channel[-1]
        if place.kind == "cmnd" or not message.payload:
            return Decoded([], [])
        if channel == "LWT":
            return self._will(message, place)
        if message.retained:
            return Decoded([], [])
        numbered = _NUMBERED.fullmatch(channel)
        if numbered and not message.payload.lstrip().startswith(b"{"):
            return self._plain(message, place, numbered)
        if _OURS.fullmatch(channel) or message.payload.lstrip().startswith(b"{"):
            return self._structured(message, place)
        return self._plain(message, place, None)

    # Topics

    def _place(self, topic: str, levels: list[str]) -> _Place:
        for cut in range(len(levels) - 1, 0, -1):
            known = self._places.get("/".join(levels[:cut]))
            if known is not None:
                kind, _, address = known.partition(" ")
                return _Place(kind, address, tuple(levels[cut:]))
        places = [place for place, level in enumerate(levels[:-1]) if level in _PREFIXES]
        if not places:
            if _OURS.fullmatch(levels[-1]):
                raise DecodeError(
                    "not_described",
                    f"{topic!r} has none of the levels tele, stat, cmnd; a device whose prefixes are called otherwise"
                    " is known by its discovery message: SetOption19 0, and a source tasmota=tasmota/discovery/#",
                )
            raise DecodeError(
                "unknown_topic", f"{topic!r} has none of the levels tele, stat, cmnd of Tasmota's FullTopic"
            )
        place = 0 if places[0] == 0 else places[-1]
        address = "/".join(levels[:place] + levels[place + 1 : -1])
        if not address or len(address) > TEXT_MAX:
            raise DecodeError("unknown_topic", f"{topic!r} names no device")
        return _Place(levels[place], address, (levels[-1],))

    def _discovered(self, message: Message, mac: str, what: str) -> Decoded:
        """tasmota/discovery/<mac>/config says what a device is, …/sensors what its chips are called."""
        if what not in ("config", "sensors"):
            raise DecodeError("unknown_topic", f"{message.topic!r} is neither config nor sensors")
        known = self._macs.get(mac.upper())
        if not message.payload:
            gone = known is not None and what == "config"
            return Decoded(
                [], [], (Description(DIALECT, known or "", gone=True),) if gone else (), lasting=True
            )
        content = _object(parse_json(message.payload))
        if what == "sensors":
            sensors = content.get("sn")
            if known is not None and isinstance(sensors, dict):
                for _ in fields.chips(sensors, partial(self._named, known)):
                    pass
            return Decoded([], [], lasting=True)
        topic, full = short_text(content.get("t")), short_text(content.get("ft"))
        prefixes = content.get("tp")
        if topic is None or full is None or not isinstance(prefixes, list) or len(prefixes) != 3:
            raise DecodeError("malformed", f"a discovery message has t, ft and tp, not {shown(content)}")
        levels = full.replace("%topic%", topic).replace("%id%", mac).split("/")
        levels = [short_text(content.get("hn")) or "" if one == "%hostname%" else one for one in levels]
        address = "/".join(level for level in levels if level not in ("%prefix%", ""))
        if not address or len(address) > TEXT_MAX:
            raise DecodeError("malformed", f"ft: {shown(full)} with t: {shown(topic)} names no device")
        for kind, prefix in zip(("cmnd", "stat", "tele"), prefixes, strict=True):
            if isinstance(prefix, str) and len(prefix) <= TEXT_MAX and "%prefix%" in levels:
                own = "/".join(prefix if level == "%prefix%" else level for level in levels)
                self._places.learn(own.strip("/"), f"{kind} {address}")
        self._macs.learn(mac.upper(), address)
        self._learn_words(address, content)
        return Decoded([], [], (_described(address, mac, content),), lasting=True)

    def _learn_words(self, address: str, content: dict[str, Any]) -> None:
        states = content.get("state")
        words: list[tuple[str, Any, str]] = [
            ("online", content.get("onln"), "1"),
            ("online", content.get("ofln"), "0"),
        ]
        if isinstance(states, list):
            words += [("state", text, str(place)) for place, text in enumerate(states[:2])]
        for what, text, value in words:
            if short_text(text):
                self._texts.learn(f"{address} {what} {text}", value)
        names = content.get("swn")
        for place, name in enumerate(names[:PARTS_MAX] if isinstance(names, list) else []):
            if short_text(name):
                self._switches.learn(f"{address} {name}", str(place + 1))

    # Plain values

    def _will(self, message: Message, place: _Place) -> Decoded:
        text = text_of(message.payload)
        own = self._texts.get(f"{place.address} online {text}")
        value = float(own) if own else {"online": 1.0, "offline": 0.0}.get(text.lower())
        if value is None:
            raise DecodeError(
                "not_described",
                f"LWT is Online or Offline, not {shown(text)}, unless the device's discovery message says so: SetOption19 0",
            )
        kind = "availability" if message.retained else "state"
        return Decoded([Reading(DIALECT, place.address, kind, value)], [])

    def _plain(self, message: Message, place: _Place, numbered: re.Match[str] | None) -> Decoded:
        """stat/…/POWER1 and what a rule publishes: a state under its own name."""
        found = Found(DIALECT)
        text = text_of(message.payload)
        name = place.channel[-1]
        if name in ("UPTIME", "TELEMETRY"):
            found.alive(place.address)
            return Decoded(found.readings(message), [])
        value = self._truth(place.address, text)
        if value is None:
            value = number_in(text)
        kind = _type_of(numbered) if numbered else fields.snake(name)
        if value is None or not kind:
            return Decoded([], [])  # a text of somebody's own
        if not self._said_before(message, place.address, kind, value):
            found.add(place.address, Said(kind, value))
        return Decoded(found.readings(message), [])

    # JSON

    def _structured(self, message: Message, place: _Place) -> Decoded:
        content = parse_json(message.payload)
        channel = place.channel[-1]
        if not isinstance(content, dict):
            raise DecodeError("malformed", f"{channel}: a JSON object is expected, not {shown(content)}")
        found = Found(DIALECT)
        for wrapped, inner in _SENSED.items():
            if isinstance(content.get(wrapped), dict):
                content, channel = content[wrapped], inner
        network = content.get("StatusNET")
        if isinstance(network, dict) and (mac := mac_of(network.get("Mac"))):
            found.descriptions.append(Description(DIALECT, place.address, mac, "Tasmota"))
        for wrapped in ("Info1", "Info2", "Info3"):
            if isinstance(content.get(wrapped), dict):
                content = content[wrapped]
        answer = channel.startswith(_ANSWERS)
        time, local = fields.moment(content)
        bridge = self._zigbee(place, content, time, found)
        if bridge is None:
            for said in self._states(place.address, channel, content, answer=answer):
                switched = said.type.startswith("switch")
                if not (switched and self._said_before(message, place.address, said.type, said.value)):
                    found.add(place.address, said, time)
            content = fields.without_bluetooth(content, time, found)
            if channel == "ENERGY":
                content = {"ENERGY": content}
            if answer:
                content = {name: one for name, one in content.items() if name.startswith(_STATED)}
            if not channel.startswith(_WITHOUT_SENSORS):
                for said in fields.chips(content, partial(self._named, place.address)):
                    found.add(place.address, said, time)
        self._codes(message, place, content, time, found)
        if bridge is not None:
            if not found.speakers():  # its STATE is its sign of life, and need not come with each sensor's
                found.alive(bridge, time)
        elif not answer or found.types_of(place.address):
            found.alive(place.address, time, fields.health_in(content))
        self._describe_from_info(place.address, content, found)
        readings = found.readings(message)
        if local and readings:
            first = readings[0]
            readings[0] = first._replace(extra={**(first.extra or {}), "time": local})
        return Decoded(readings, [], tuple(found.descriptions))

    def _states(self, address: str, channel: str, content: dict[str, Any], *, answer: bool) -> list[Said]:
        """Relays, switches and buttons, under their own names and those that the installer gave them."""
        said: list[Said] = []
        if (numbered := _NUMBERED.fullmatch(channel)) is not None:
            action = self._pressed(address, numbered, content)
            return [action] if action else []
        if content.keys() & {"Action", "ACTION"}:
            action = self._pressed(address, None, content)
            return [action] if action else []
        margins = content.get("MARGINS")
        if isinstance(margins, dict):
            content = {**content, **margins}
        for name, value in list(content.items())[:PARTS_MAX]:
            numbered = _NUMBERED.fullmatch(name)
            if numbered is None and (number := self._switches.get(f"{address} {name}")):
                numbered = _NUMBERED.fullmatch(f"switch{number}")
            if isinstance(value, dict):
                action = self._pressed(address, numbered, value) if numbered else None
                if action:
                    said.append(action)
                continue
            truth = self._truth(address, value)
            if numbered and numbered[1].lower() != "button" and truth is not None:
                said.append(Said(_type_of(numbered), truth))
            elif name == "Vcc" and (volts := number_in(value)) is not None:
                said.append(Said("supply_voltage", volts, "V"))
            elif name == "Dimmer" and (percent := number_in(value)) is not None:
                said.append(Said("brightness", percent, "%"))
            elif (
                channel in ("SENSOR", "MARGINS")
                and not answer
                and isinstance(value, str)
                and truth is not None
            ):
                kind = fields.snake(name)
                if kind and name not in ("Time", "TempUnit"):
                    said.append(Said(kind, truth))
        return said

    def _pressed(self, address: str, numbered: re.Match[str] | None, content: dict[str, Any]) -> Said | None:
        name = short_text(content.get("Action", content.get("ACTION")))
        if name is None:
            return None
        truth = self._truth(address, name)
        if numbered and numbered[1].lower() == "switch" and truth is not None:
            return Said(_type_of(numbered), truth)
        extra: dict[str, Any] = {"action": name.lower()}
        if numbered and numbered[2]:
            extra[numbered[1].lower()] = int(numbered[2])
        return Said("action", None, None, extra)

    def _zigbee(
        self, place: _Place, content: dict[str, Any], time: datetime | None, found: Found
    ) -> str | None:
        """Readings and descriptions of the devices behind a Zigbee bridge; its address, where this is one."""
        channel = place.channel[-1]
        received = content if channel == "ZbReceived" else content.get("ZbReceived")
        if received is None and channel == "RESULT":
            received = {key: one for key, one in content.items() if _ZIGBEE_KEY.fullmatch(key)} or None
        info = content.get("ZbInfo")
        listed = content.get("ZbStatus2", content.get("ZbStatus3"))
        bridge = place.address
        if isinstance(received, dict):
            for key, values in _by_device(received):
                bridge, address = _behind(place, key, values)
                said, health = fields.zigbee(values)
                found.alive(address, time, health)
                for one in said:
                    found.add(address, one, time)
        cached = [*info.values()] if isinstance(info, dict) else [*listed] if isinstance(listed, list) else []
        for values in cached[:PARTS_MAX]:
            if isinstance(values, dict) and isinstance(values.get("Device"), str):
                bridge = self._cached(place, values, found)
        known = (received, info, listed, content.get("ZbState"))
        return bridge if any(isinstance(one, dict | list) for one in known) else None

    def _cached(self, place: _Place, values: dict[str, Any], found: Found) -> str:
        """What the bridge remembers of a device: what it is, and whether it can be reached; nothing happened.

        Returns the bridge's address.
        """
        bridge, address = _behind(place, values["Device"], values)
        said, health = fields.zigbee(values)
        hardware, model = short_text(values.get("IEEEAddr")), short_text(values.get("ModelId"))
        name, make = short_text(values.get("Name")), short_text(values.get("Manufacturer"))
        if hardware or model:
            types = tuple(dict.fromkeys(one.type for one in said))
            power: Any = "battery" if health.keys() & {"battery_pct", "battery_v"} else None
            found.descriptions.append(
                Description(DIALECT, address, hardware, make, model, name, power, bridge, types)
            )
        if isinstance(values.get("Reachable"), bool):
            seen = number_in(values.get("LastSeenEpoch"))
            extra = {"last_seen_epoch": seen} if seen is not None else None
            found.add(address, Said("availability", float(values["Reachable"]), None, extra))
            found.alive(address, None, health)
        return bridge

    def _codes(
        self, message: Message, place: _Place, content: dict[str, Any], time: datetime | None, found: Found
    ) -> None:
        """Codes by radio and infrared: each radio code is the address of whatever sends it."""
        radio = content.get("RfReceived")
        code = short_text(str(radio.get("Data", ""))) if isinstance(radio, dict) else None
        if code is not None:
            address = f"{place.address}/rf:{code[:40]}"
            if not self._repeats.heard_before((address,), message, None, _SAME_CODE_WITHIN):
                found.add(address, Said("action", None, None, {"action": "received", "code": code}), time)
        infrared = content.get("IrReceived")
        if isinstance(infrared, dict):
            pressed = short_text(str(infrared.get("Data", infrared.get("Hash", ""))))
            if pressed is not None:
                found.add(place.address, Said("action", None, None, {"action": "ir", "code": pressed}), time)
        if isinstance(infrared, dict):
            found.alive(place.address, time)

    def _describe_from_info(self, address: str, content: dict[str, Any], found: Found) -> None:
        module, version = short_text(content.get("Module")), short_text(content.get("Version"))
        if module and version:
            found.descriptions.append(Description(DIALECT, address, None, "Tasmota", module))

    # What is remembered

    def _said_before(self, message: Message, address: str, kind: str, value: float | None) -> bool:
        """RESULT and POWER say the same thing at the same moment."""
        return self._repeats.heard_before((address, kind), message, value, _SAME_FACT_WITHIN, elsewhere=True)

    def _truth(self, address: str, value: Any) -> float | None:
        if not isinstance(value, str):
            return None
        own = self._texts.get(f"{address} state {value}")
        if own is not None:
            return float(own)
        text = value.strip().lower()
        return 1.0 if text in _ON else 0.0 if text in _OFF else None

    def _named(self, address: str, kind: str, chip: str, first: bool) -> str:
        """The type itself for a message's first chip, with the chip's name for the others, also when the first fails."""
        key = f"{address} {kind} {chip}"
        if first and key not in self._seconds:
            return kind
        self._seconds.learn(key, "second")
        return f"{kind}_{chip}"


def _by_device(received: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """SetOption119 leaves the devices' names out, where the topic has them."""
    if isinstance(received.get("Device"), str):
        return [(received["Device"], received)]
    return [(key, one) for key, one in received.items() if isinstance(one, dict)][:PARTS_MAX]


def _behind(place: _Place, key: str, values: dict[str, Any]) -> tuple[str, str]:
    """The addresses of the bridge, and of the device by its name; with SetOption89 the topic names it too."""
    name = short_text(values.get("Name")) or key
    address = place.address
    head, _, last = address.rpartition("/")
    short = str(values.get("Device", key)).removeprefix("0x")
    if head and last in (name, key, short, f"0x{short}"):
        address = head
    return address, f"{address}/{name[:TEXT_MAX]}"


def _type_of(numbered: re.Match[str]) -> str:
    kind = {"power": "switch", "switch": "input", "button": "button"}[numbered[1].lower()]
    return f"{kind}_{int(numbered[2])}" if numbered[2] else kind


def _object(content: Any) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise DecodeError("malformed", f"a JSON object is expected, not {shown(content)}")
    return content


def _described(address: str, mac: str, content: dict[str, Any]) -> Description:
    """What a discovery message says a device is, and can say."""
    relays, switches, buttons = (
        [one for one in value[:PARTS_MAX] if isinstance(one, int)] if isinstance(value, list) else []
        for value in (content.get("rl"), content.get("swc"), content.get("btn"))
    )
    says = [f"switch_{place + 1}" for place, one in enumerate(relays) if one > 0]
    if says == ["switch_1"]:
        says = ["switch"]
    says += [f"input_{place + 1}" for place, one in enumerate(switches) if one >= 0]
    if any(buttons):
        says.append("action")
    names = content.get("fn")
    named = short_text(names[0]) if isinstance(names, list) and names else None
    asleep = content.get("bat") in (1, True) or content.get("dslp") not in (None, 0, False)
    power: Any = "battery" if asleep else "mains" if any(one > 0 for one in relays) else None
    return Description(
        DIALECT,
        address,
        mac_of(mac) or mac[:TEXT_MAX],
        "Tasmota",
        short_text(content.get("md")),
        short_text(content.get("dn")) or named,
        power,
        says=tuple(says),
    )
