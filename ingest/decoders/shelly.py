"""Shelly: notifications and component statuses of Gen2 and later, plain values of Gen1, BLU sensors through gateways.

A device's address is its id (`shellyplus1-a8032abc7158`); its topic prefix, which the installer may change, is learned
from what it notifies. A BLU sensor's address is its Bluetooth address. Grammar: docs/devices/shelly.md.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from ingest.decoders import bthome, shelly_gen1
from ingest.decoders.found import Found
from ingest.decoders.payload import number_of, parse_json, shown
from ingest.decoders.plain import TEXT_MAX, short_text, text_of
from ingest.decoders.repeats import Remembered, Repeats
from ingest.decoders.shelly_components import health_in, put, said_by, time_of
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Description, Message, Reading

DIALECT = "shelly"

PARTS_MAX = 400
"""Components, events or sensors in one message; no device has that many."""

_SAME_PACKET_WITHIN = timedelta(seconds=60)
_SAME_PRESS_WITHIN = timedelta(seconds=2)
_ID = re.compile(r"shelly[a-z0-9]*-[0-9a-f]{6,12}", re.IGNORECASE)
_COMPONENT = re.compile(r"([a-z][a-z0-9_]{0,31})(?::([0-9]{1,4}))?")
_PUSH = "_push"

_BY_BLUETOOTH = ("bthomedevice", "bthomesensor", "blutrv")


class Decoder:
    """Reads Shelly's messages, and remembers which prefix is whose, and what gateways call their sensors."""

    def __init__(self) -> None:
        self._ids = Remembered()  # topic prefix → device id
        self._notifying = Remembered()  # prefixes whose statuses repeat what they notify
        self._components = Remembered()  # gateway/component → Bluetooth address, and BTHome object id
        self._external = Remembered()  # device → whether it has external power
        self._repeats = Repeats()

    def __call__(self, message: Message, base: str) -> Decoded:
        """What the message says; raises DecodeError."""
        if len(message.topic) > 4 * TEXT_MAX:
            raise DecodeError("unknown_topic", f"the topic has {len(message.topic)} characters")
        levels = message.topic.split("/")
        prefix, channel = "/".join(levels[:-1]), levels[-1]
        above = levels[-2] if len(levels) > 1 else ""
        if not message.payload or _is_command(levels):
            return Decoded([], [])
        if channel == "announce":
            return _announced(parse_json(message.payload))
        if channel == "online" and prefix:
            return self._online(message, prefix)
        if channel == "rpc":
            content = _object(parse_json(message.payload))
            if above == "events":
                return self._notified(message, "/".join(levels[:-2]), content)
            return self._answered(content)
        if above == "status" and len(levels) > 2 and _COMPONENT.fullmatch(channel):
            return self._status(message, "/".join(levels[:-2]), channel)
        if "shellies" in levels[:-2]:
            return self._plain(message, levels)
        return self._advertised(message, levels)

    # Gen2 and later

    def _online(self, message: Message, prefix: str) -> Decoded:
        text = text_of(message.payload)
        if text not in ("true", "false"):
            raise DecodeError("malformed", f"online is true or false, not {shown(text)}")
        address = self._address(prefix)
        if message.retained:
            return Decoded([Reading(DIALECT, address, "availability", float(text == "true"))], [])
        self._notifying.pop(prefix, None)  # what it is set to send may be another thing in each connection
        return Decoded([Reading(DIALECT, address, "state", float(text == "true"))], [])

    def _notified(self, message: Message, prefix: str, content: dict[str, Any]) -> Decoded:
        method, params = content.get("method"), content.get("params")
        if not isinstance(method, str) or not method.startswith("Notify"):
            return Decoded([], [])
        if not isinstance(params, dict):
            raise DecodeError("malformed", f"{shown(method)}: params are an object, not {shown(params)}")
        source = content.get("src")
        news = False
        if isinstance(source, str) and _ID.fullmatch(source):
            address = source
            if prefix:
                news = self._ids.learn(prefix, source, message)
        else:
            address = self._address(prefix)
        if not address:
            raise DecodeError(
                "unknown_topic", f"{message.topic!r}: neither the topic nor src names the device"
            )
        if prefix and not message.retained:
            self._notifying.learn(prefix, method)
        found = Found(DIALECT)
        time = time_of(params.get("ts"))
        found.alive(address, time, {})
        events = params.get("events")
        if isinstance(events, list):
            for event in events[:PARTS_MAX]:
                if isinstance(event, dict):
                    self._event(message, address, event, time, found)
        for component, status in params.items():
            if isinstance(status, dict):
                self._component(message, address, component, status, time, found)
        if method == "NotifyFullStatus" or news:
            whole = method == "NotifyFullStatus"
            found.descriptions.append(_described(address, params, found.types_of(address), whole))
        readings = [] if message.retained else found.readings(message)
        teaches = news and prefix.rsplit("/", 1)[-1] != address
        return Decoded(readings, [], tuple(found.descriptions), lasting=teaches)

    def _status(self, message: Message, prefix: str, component: str) -> Decoded:
        """A component's whole status: without a time, and for who notifies too, the same thing a second time."""
        status = _object(parse_json(message.payload))
        if message.retained or prefix in self._notifying:
            return Decoded([], [])
        address = self._address(prefix)
        found = Found(DIALECT)
        found.alive(address, None, {})
        self._component(message, address, component, status, None, found)
        return Decoded(found.readings(message), [], tuple(found.descriptions))

    def _answered(self, content: dict[str, Any]) -> Decoded:
        """An answer to somebody else: only what Shelly.GetComponents says of a gateway's Bluetooth sensors."""
        source, result = content.get("src"), content.get("result")
        components = result.get("components") if isinstance(result, dict) else None
        if not (isinstance(source, str) and _ID.fullmatch(source) and isinstance(components, list)):
            return Decoded([], [])
        descriptions = []
        for one in components[:PARTS_MAX]:
            key, config = (one.get("key"), one.get("config")) if isinstance(one, dict) else (None, None)
            if not (isinstance(config, dict) and isinstance(key, str) and _COMPONENT.fullmatch(key)):
                continue
            address, object_id = bthome.mac_of(config.get("addr")), config.get("obj_id")
            if address is None:
                continue
            self._components.learn(f"{source}/{key}", address)
            if type(object_id) is int and 0 <= object_id <= 255:
                self._components.learn(f"{source}/{key}/object", str(object_id))
            elif key.startswith("bthomedevice"):
                descriptions.append(
                    Description(
                        DIALECT,
                        address,
                        address,
                        name=short_text(config.get("name")),
                        gateway=source,
                        power="battery",
                    )
                )
        return Decoded([], [], tuple(descriptions), lasting=True)

    def _component(
        self,
        message: Message,
        address: str,
        key: str,
        status: dict[str, Any],
        time: datetime | None,
        found: Found,
    ) -> None:
        form = _COMPONENT.fullmatch(key)
        if form is None:
            return
        component, number = form[1], int(form[2] or 0)
        if component == "blu":
            for device, state in list(status.items())[:PARTS_MAX]:
                if isinstance(state, dict):
                    plain = {name: value for name, value in state.items() if name != "button"}
                    self._blu(message, {"addr": _mac_in(device), **plain}, address, time, found)
        elif component in _BY_BLUETOOTH:
            self._sensor(address, key, component, status, time, found)
        else:
            health = health_in(component, status, self._external.get(address) == "True")
            if "external_power" in health:
                self._external.learn(address, str(health["external_power"]))
            found.alive(address, time, health)
            suffix = f"_{number}" if number else ""
            for said in said_by(component, suffix, status):
                found.add(address, said, time)

    # Bluetooth through a gateway

    def _sensor(
        self,
        gateway: str,
        key: str,
        component: str,
        status: dict[str, Any],
        time: datetime | None,
        found: Found,
    ) -> None:
        """A gateway's own component for a Bluetooth sensor; which sensor, only Shelly.GetComponents says.

        A gateway repeats what it heard long ago: what was heard at the same time is the same message.
        """
        address = self._components.get(f"{gateway}/{key}", f"{gateway}/{key}")
        at = time_of(status.get("last_updated_ts")) if "last_updated_ts" in status else time
        if at is None:
            return  # not heard yet
        heard = f"{key}@{at.timestamp()}"
        health: dict[str, Any] = {}
        if component == "bthomesensor":
            value = status.get("value")
            object_id = self._components.get(f"{gateway}/{key}/object")
            name = bthome.name_of(int(object_id)) if object_id else None
            if name == "battery":
                put(health, "battery_pct", value, 0, 100)
                found.alive(address, at, health, heard)
            elif name and name != "button":  # its presses come as events
                for said in bthome.said_by(name, value):
                    found.add(address, said, at, heard)
            elif not name:
                number = float(value) if isinstance(value, bool) else number_of(value)
                if number is not None:
                    found.add(address, bthome.Said("value", number), at, heard)
            return
        put(health, "battery_pct", status.get("battery"), 0, 100)
        put(health, "rssi_dbm", status.get("rssi"), -130, -1)
        found.alive(address, at, health, heard)
        for said in said_by(component, "", status):
            found.add(address, said, at, heard)

    def _event(
        self, message: Message, address: str, event: dict[str, Any], time: datetime | None, found: Found
    ) -> None:
        component, name = event.get("component"), event.get("event")
        if not isinstance(component, str) or not isinstance(name, str):
            return
        at = time_of(event.get("ts")) or time
        data = event.get("data")
        form = _COMPONENT.fullmatch(component)
        if isinstance(data, dict) and name == "button" and isinstance(data.get("device"), str):
            sensor = bthome.mac_of(_mac_in(data["device"]))
            for said in bthome.said_by("button", data.get("value")):
                again = sensor and self._repeats.heard_before(
                    (sensor, "press"), message, str(said.extra), _SAME_PRESS_WITHIN, elsewhere=True
                )
                if sensor and not again:
                    found.add(sensor, said, at)
        elif isinstance(data, dict):
            inner = data.get("service_data")
            self._blu(message, {**data, **inner} if isinstance(inner, dict) else data, address, at, found)
        elif form and name.endswith(_PUSH) and len(name) <= 32:
            extra: dict[str, Any] = {"action": name.removesuffix(_PUSH)}
            if form[1] in _BY_BLUETOOTH:
                sender = self._components.get(f"{address}/{component}", f"{address}/{component}")
                if isinstance(event.get("idx"), int):
                    extra["button"] = event["idx"]
            else:
                sender = address
                extra["input"] = int(form[2] or 0)
            found.add(sender, bthome.Said("action", None, None, extra), at)

    def _blu(
        self,
        message: Message,
        data: dict[str, Any],
        gateway: str | None,
        time: datetime | None,
        found: Found,
    ) -> None:
        """An advertisement as a gateway's script unpacked it: once, however many gateways heard it how often."""
        address = bthome.mac_of(data.get("address") or data.get("addr"))
        if address is None or data.get("encryption"):
            return
        packet = data.get("pid")
        if isinstance(packet, int) and self._repeats.heard_before(
            (address, packet), message, None, _SAME_PACKET_WITHIN
        ):
            return
        health: dict[str, Any] = {}
        put(health, "battery_pct", data.get("battery"), 0, 100)
        put(health, "rssi_dbm", data.get("rssi"), -130, -1)
        if data.get("battery_low") in (0, 1):
            health["battery_low"] = bool(data["battery_low"])
        found.alive(address, time, health)
        said = [one for name, value in data.items() for one in bthome.said_by(name, value)]
        for one in said:
            found.add(address, one, time)
        model = short_text(data.get("model") or data.get("local_name"))
        if model and model.startswith("SB"):  # what is not Shelly's own may be a neighbour's
            types = tuple(dict.fromkeys(one.type for one in said))
            found.descriptions.append(
                Description(
                    DIALECT, address, address, "Shelly", model, power="battery", gateway=gateway, says=types
                )
            )

    def _advertised(self, message: Message, levels: list[str]) -> Decoded:
        """What scripts on a gateway publish of its Bluetooth sensors, on topics of their own."""
        if "blu" in levels[:-2] and levels[-1] != "state":
            return Decoded([], [])  # each value a second time, alone
        try:
            content = _object(parse_json(message.payload))
        except DecodeError:
            content = {}
        source = content.get("src")
        if isinstance(source, str) and _ID.fullmatch(source) and "payload" not in content:
            return self._notified(message, "", content)  # passed on by somebody, or an answer
        heard, inner, raw = content.get("srcBle"), content.get("service_data"), content.get("payload")
        if isinstance(heard, dict) and isinstance(raw, str):
            unpacked = _unpacked(raw)
            content = {
                **(unpacked or {}),
                "addr": heard.get("mac"),
                "rssi": heard.get("rssi"),
                "model": heard.get("type"),
            }
        elif isinstance(inner, dict):
            content = {**content, **inner}
        if bthome.mac_of(content.get("address") or content.get("addr")) is None:
            raise DecodeError(
                "unknown_topic",
                f"{message.topic!r} is none of Shelly's: <prefix>/events/rpc, <prefix>/status/…, <prefix>/online,"
                " shellies/<id>/…, or a script's advertisement of a BLU sensor",
            )
        found = Found(DIALECT)
        gateway = self._address("/".join(levels[:-2])) if levels[-2:] == ["events", "ble"] else None
        self._blu(message, content, gateway, None, found)
        return Decoded([] if message.retained else found.readings(message), [], tuple(found.descriptions))

    # Gen1

    def _plain(self, message: Message, levels: list[str]) -> Decoded:
        place = levels.index("shellies")
        address, what = levels[place + 1], "/".join(levels[place + 2 :])
        if not address or len(address) > TEXT_MAX:
            raise DecodeError("unknown_topic", f"{message.topic!r} names no device")
        if levels[place + 2] == "input_event":
            return self._pressed(message, address, levels[-1])
        if message.retained:
            return Decoded([], [])
        said, health = shelly_gen1.said_by(what, message.payload)
        found = Found(DIALECT)
        found.alive(address, None, health)
        for plain in said:
            found.add(address, plain, None)
        return Decoded(found.readings(message), [])

    def _pressed(self, message: Message, address: str, number: str) -> Decoded:
        """A press, told once: it is sent again, with the same count, whenever the device repeats its state."""
        name, count = shelly_gen1.press(message.payload)
        again = self._repeats.heard_before((address, "input_event", number), message, count)
        if message.retained:
            return Decoded([], [], lasting=True)
        found = Found(DIALECT)
        found.alive(address, None, {})
        if name and not again:
            extra: dict[str, Any] = {
                "action": name,
                "input": int(number) if number.isdecimal() and len(number) < 3 else 0,
            }
            found.add(address, bthome.Said("action", None, None, extra), None)
        return Decoded(found.readings(message), [], lasting=not again)

    def _address(self, prefix: str) -> str:
        """The id of the device that publishes below `prefix`; the prefix itself where nothing told it yet."""
        known = self._ids.get(prefix)
        if known is not None:
            return known
        if not prefix.strip("/"):
            raise DecodeError("unknown_topic", "the topic names no device before /status, /events or /online")
        last = prefix.rsplit("/", 1)[-1]
        if _ID.fullmatch(last) or f"/{prefix}".endswith(f"/shellies/{last}"):
            return last
        if len(prefix) > TEXT_MAX:
            raise DecodeError("unknown_topic", f"the topic prefix has {len(prefix)} characters")
        return prefix


def _is_command(levels: list[str]) -> bool:
    """Requests and commands to devices, and their debug log."""
    return levels[-1] in ("command", "set") or (len(levels) > 1 and levels[-2] in ("command", "debug"))


def _object(content: Any) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise DecodeError("malformed", f"a JSON object is expected, not {shown(content)}")
    return content


def _described(address: str, params: dict[str, Any], said: tuple[str, ...], whole: bool) -> Description:
    system = params.get("sys")
    mac = bthome.mac_of(system.get("mac")) if isinstance(system, dict) else None
    model, _, tail = address.rpartition("-")
    battery = any(key.startswith("devicepower") for key in params)
    return Description(
        DIALECT,
        address,
        mac or bthome.mac_of(tail),
        "Shelly",
        model or None,
        power="battery" if battery else "mains" if whole else None,
        says=tuple(kind for kind in said if kind != "health"),
    )


def _announced(content: Any) -> Decoded:
    """Gen1's announcement, which a script can let later ones make too."""
    content = _object(content)
    address = short_text(content.get("id"))
    if address is None:
        raise DecodeError("malformed", f"announce: an object with an id is expected, not {shown(content)}")
    model = short_text(content.get("model")) or address.partition("-")[0]
    mac = bthome.mac_of(content.get("mac"))
    name = short_text(content.get("name"))
    return Decoded([], [], (Description(DIALECT, address, mac, "Shelly", model, name),))


def _mac_in(device: str) -> str:
    """The address at the end of `shellybludw-0ceff6a1b2c3`."""
    return device.rsplit("-", 1)[-1]


def _unpacked(raw: str) -> dict[str, Any] | None:
    try:
        return bthome.unpack(bytes.fromhex(raw))
    except ValueError:
        return None
