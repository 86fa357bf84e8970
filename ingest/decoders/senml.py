"""SenML (RFC 8428) in JSON and CBOR: packs of records, whose names hold the device as well as what it measures.

Resolved as section 4.6 says: base fields hold for the records after them. How a name becomes a device and a type of
reading is ours: docs/devices/senml.md.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, NoReturn

import cbor2
import orjson

from ingest.decoders.lorawan import snake
from ingest.decoders.payload import number_of, parse_json, shown
from ingest.decoders.plain import short_text
from ingest.decoders.senml_names import NAME_MAX, named
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Description, Flaw, Message, Reading

DIALECT = "senml"

RECORDS_MAX = 2_000
_TEXT_MAX = 512
_BELOW_MAX = 255  # with a name of NAME_MAX behind it an address
_DATA_MAX = 4_096
_VERSION = 10
_ABSOLUTE_FROM = 2**28
_CBOR_DEPTH_MAX = 6
_CBOR_ARRAYS = range(0x80, 0xA0)
_CBOR_SELF = b"\xd9\xd9\xf7"
_LABELS = {
    -1: "bver", -2: "bn", -3: "bt", -4: "bu", -5: "bv", -6: "bs",
    0: "n", 1: "u", 2: "v", 3: "vs", 4: "vb", 5: "s", 6: "t", 7: "ut", 8: "vd",
}  # fmt: skip
_FOREIGN_TAGS = (0, 1, 2, 3, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000)
"""Tags that mean something to the library and nothing in SenML: dates, huge integers, shared values, regular expressions."""

_PLACES = frozenset(("lat", "lon"))
"""Where somebody is: never kept."""

_UNITS: dict[str, tuple[str, float]] = {
    "Cel": ("°C", 1), "%RH": ("%", 1), "/100": ("%", 1), "Pa": ("hPa", 0.01), "mV": ("V", 0.001), "mA": ("A", 0.001),
    "kW": ("W", 1000), "Wh": ("kWh", 0.001), "g": ("kg", 0.001), "mm": ("m", 0.001), "cm": ("m", 0.01),
    "km": ("m", 1000), "ms": ("s", 0.001), "min": ("s", 60), "h": ("s", 3600), "ug/m3": ("µg/m³", 1),
}  # fmt: skip
"""SenML's units, RFC 8798's secondary ones too, that have another form here; all others stay as they are."""

_KINDS = {
    ("temp", "°C"): "temperature", ("hum", "%"): "humidity", ("rh", "%"): "humidity",
    ("light", "lx"): "illuminance", ("lux", "lx"): "illuminance", ("barometer", "hPa"): "pressure",
}  # fmt: skip
_KIND_OF_UNIT = {
    "%RH": "humidity", "Cel": "temperature", "K": "temperature", "lx": "illuminance", "Pa": "pressure",
    "hPa": "pressure", "W": "power", "V": "voltage", "A": "current", "kWh": "energy", "kg": "weight", "m": "distance",
}  # fmt: skip
"""What a record measures whose name says only the device."""

_OURS = frozenset(("state", "availability", "health"))


class _Record(NamedTuple):
    """A record with what its predecessors' base fields say; seconds below 2**28 are from now on."""

    name: str
    unit: str
    seconds: float
    value: float | None
    boolean: bool | None
    text: str | None
    data: str | None
    sum: float | None


@dataclass
class _Base:
    """The base fields that hold at a place in a pack."""

    name: str = ""
    seconds: float = 0.0
    unit: str = ""
    value: float = 0.0
    sum: float = 0.0

    def take(self, fields: dict[str, Any]) -> None:
        """Those of a record hold from it on. Raises DecodeError: with one that is none the whole rest is unreadable."""
        self.name = _text(fields, "bn", self.name, NAME_MAX)
        self.unit = _text(fields, "bu", self.unit, NAME_MAX)
        self.seconds = _number(fields, "bt", self.seconds)
        self.value = _number(fields, "bv", self.value)
        self.sum = _number(fields, "bs", self.sum)


def decode(message: Message, base: str) -> Decoded:
    """The readings of one pack; records that cannot be read become flaws beside those that can."""
    if not message.payload:
        return Decoded([], [])
    below = _below(message.topic, base)
    held = _Base()
    readings: list[Reading] = []
    flaws: list[Flaw] = []
    described: dict[str, Description] = {}
    for fields in _pack(message.payload):
        held.take(fields)
        try:
            record = _resolved(fields, held)
            if record is None or record.unit in _PLACES:
                continue
            device = named(record.name, below)
            said = list(_readings(record, device.address, device.what, message.received_at))
        except DecodeError as error:
            flaws.append(Flaw(error.reason, str(error), shown(fields).encode()))
            continue
        readings += said
        known = described.get(device.address) or Description(DIALECT, device.address, device.hardware_id)
        says = dict.fromkeys((*known.says, *(one.type for one in said)))
        described[device.address] = known._replace(says=tuple(says))
    return Decoded([] if message.retained else readings, flaws, tuple(described.values()))


def _below(topic: str, base: str) -> str:
    """What the topic says below the source's filter, without the word SenML at its end; of an exact filter all.

    Raises DecodeError `unknown_topic` where that is too long.
    """
    levels = [level for level in topic[len(base) :].split("/") if level]
    if levels and levels[-1].lower() in ("senml", "sensml"):
        levels.pop()
    below = "/".join(levels) or base
    if len(below) > _BELOW_MAX:
        raise DecodeError("unknown_topic", f"{shown(topic)} is longer than an address may be")
    return below


# The pack


def _pack(payload: bytes) -> list[dict[str, Any]]:
    text = payload.lstrip(b" \t\r\n")
    if text[:1] == b"[":
        pack = parse_json(payload)
    elif payload[0] in _CBOR_ARRAYS or payload[:3] == _CBOR_SELF:
        pack = _parse_cbor(payload)
    else:
        remedy = "let the sender use application/senml+json or senml+cbor"
        raise DecodeError("malformed", f"a SenML pack is an array of records, not {shown(payload)}; {remedy}")
    if not isinstance(pack, list):
        raise DecodeError("malformed", f"a SenML pack is an array of records, not {shown(pack)}")
    if len(pack) > RECORDS_MAX:
        raise DecodeError("oversized", f"{len(pack)} records; at most {RECORDS_MAX}: send smaller packs")
    return [_fields(entry) for entry in pack]


def _parse_cbor(payload: bytes) -> Any:
    decoder = cbor2.CBORDecoder(
        io.BytesIO(payload),
        max_depth=_CBOR_DEPTH_MAX,
        allow_duplicate_keys=False,
        semantic_decoders=dict.fromkeys(_FOREIGN_TAGS, _refuse_tag),
    )
    try:
        pack = decoder.decode()
    except (cbor2.CBORError, ArithmeticError, ValueError, TypeError) as error:
        raise DecodeError("malformed", f"the payload is not CBOR: {error}") from error
    try:
        decoder.decode()
    except cbor2.CBORDecodeEOF:
        return pack
    except (cbor2.CBORError, ArithmeticError, ValueError, TypeError):
        pass  # more bytes, whatever they are, are too many
    raise DecodeError("malformed", "the payload goes on behind the pack")


def _refuse_tag(*_: Any) -> NoReturn:
    raise ValueError("a tag that SenML does not use")


def _fields(entry: Any) -> dict[str, Any]:
    """The record with its labels by name. Raises DecodeError for what makes the whole pack unreadable."""
    if not isinstance(entry, dict):
        raise DecodeError("malformed", f"a record is an object, not {shown(entry)}")
    fields = {}
    for key, value in entry.items():
        label = _LABELS.get(key, "") if isinstance(key, int) and not isinstance(key, bool) else key
        if isinstance(label, str) and label.endswith("_"):
            raise DecodeError(
                "malformed",
                f"{shown(label)}: who does not know a field that ends in _ may not read the pack (RFC 8428, 4.4)",
            )
        if isinstance(label, str) and label:
            fields[label] = float(value) if isinstance(value, Decimal) else value
    version = fields.get("bver", _VERSION)
    if not isinstance(version, int) or isinstance(version, bool) or not 0 < version <= _VERSION:
        raise DecodeError(
            "malformed", f"bver: {shown(version)} is no version up to {_VERSION}, the one read here"
        )
    return fields


# A record


def _resolved(fields: dict[str, Any], held: _Base) -> _Record | None:
    """The record with the base fields that hold for it; None where it says nothing but such."""
    values = [label for label in ("v", "vs", "vb", "vd") if fields.get(label) is not None]
    if len(values) > 1:
        raise DecodeError("malformed", f"{' and '.join(values)}: a record has one value")
    if not values and fields.get("s") is None:
        return None
    boolean = fields.get("vb")
    if boolean is not None and not isinstance(boolean, bool):
        raise DecodeError("malformed", f"vb: {shown(boolean)} is neither true nor false")
    return _Record(
        held.name + _text(fields, "n", "", NAME_MAX),
        _text(fields, "u", held.unit, NAME_MAX),
        _sum(held.seconds, _number(fields, "t", 0.0), "bt + t"),
        _sum(held.value, _number(fields, "v", 0.0), "bv + v") if values == ["v"] else None,
        boolean,
        _text(fields, "vs", "")[:_TEXT_MAX] if values == ["vs"] else None,
        _data(fields["vd"]) if values == ["vd"] else None,
        _sum(held.sum, _number(fields, "s", 0.0), "bs + s") if fields.get("s") is not None else None,
    )


def _text(fields: dict[str, Any], label: str, missing: str, longest: int | None = None) -> str:
    value = fields.get(label)
    if value is None:
        return missing
    if not isinstance(value, str) or "\0" in value or (longest is not None and len(value) > longest):
        raise DecodeError("malformed", f"{label}: {shown(value)} is not a text, or a longer one than is read")
    return value


def _number(fields: dict[str, Any], label: str, missing: float) -> float:
    value = fields.get(label)
    if value is None:
        return missing
    number = number_of(value, sys.float_info.max)
    if number is None:
        raise DecodeError("malformed", f"{label}: {shown(value)} is not a number")
    return number


def _sum(base: float, value: float, what: str) -> float:
    """The sum, in the digits that were written: 25 + 0.1 is 25.1."""
    total = base + value
    if number_of(total) is None:
        raise DecodeError("impossible_value", f"{what}: {base:g} + {value:g} is no number of anything")
    return total if base == 0 or value == 0 else float(f"{total:.15g}")


def _data(value: Any) -> str:
    """Octets as base64url, as JSON writes them."""
    if isinstance(value, bytes):
        value = base64.urlsafe_b64encode(value).rstrip(b"=").decode()
    try:
        base64.b64decode(value + "=" * (-len(value) % 4), b"-_", validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise DecodeError("malformed", f"vd: {shown(value)} is not base64url: {error}") from error
    if len(value) > _DATA_MAX:
        raise DecodeError("oversized", f"vd: {len(value)} letters; at most {_DATA_MAX} are kept")
    return str(value)


def _time(seconds: float, received_at: datetime) -> tuple[datetime | None, bool]:
    """The moment, None for now, and whether the sender's own clock says it."""
    try:
        if seconds < _ABSOLUTE_FROM:
            return (received_at + timedelta(seconds=seconds) if seconds else None), False
        return datetime.fromtimestamp(seconds, UTC), True
    except (OverflowError, OSError, ValueError) as error:
        raise DecodeError("bad_time", f"t: {seconds:g} seconds is no time: {error}") from error


def _readings(record: _Record, address: str, what: str, received_at: datetime) -> Iterator[Reading]:
    time, absolute = _time(record.seconds, received_at)
    unit, factor = _UNITS.get(record.unit, (record.unit, 1.0))
    if unit and short_text(unit) is None:
        raise DecodeError("malformed", f"u: {shown(unit)} is no unit")
    first = Reading(
        DIALECT,
        address,
        _kind(what, record.unit, unit),
        device_time=time,
        message_id=_id(record) if absolute else None,
    )
    if record.value is not None:
        health = _health(what, record.unit, record.value)
        if health is not None:
            yield first._replace(type="health", health=health or None)
        elif record.unit == "K":
            yield first._replace(value=round(record.value - 273.15, 6), unit="°C")
        else:
            yield first._replace(value=_scaled(record.value, factor), unit=unit or None)
    elif record.boolean is not None:
        yield first._replace(value=float(record.boolean))
    elif record.text is not None:
        yield first._replace(extra={"text": record.text})
    elif record.data is not None:
        yield first._replace(extra={"data": record.data})
    if record.sum is not None:
        yield _summed(first, record.unit, record.sum)


def _summed(first: Reading, unit: str, total: float) -> Reading:
    """The integral over time, in the unit times seconds: watts make energy."""
    if unit == "W":
        return first._replace(type="energy", value=total / 3_600_000, unit="kWh")
    return first._replace(type=f"{first.type}_sum", value=total, unit=f"{unit}·s" if unit else "s")


def _scaled(value: float, factor: float) -> float:
    return value if factor == 1 else float(f"{value * factor:.12g}")


def _kind(what: str, unit_sent: str, unit: str) -> str:
    """The type of the reading: what its name says in common words, else what its unit measures."""
    if not what:
        return _KIND_OF_UNIT.get(unit_sent) or _KIND_OF_UNIT.get(unit) or "value"
    kind = snake(what) or "value"
    kind = _KINDS.get((kind, unit), kind)
    return f"{kind}_value" if kind in _OURS else kind


def _health(what: str, unit: str, value: float) -> dict[str, Any] | None:
    """What the record says of the device itself; None where it says something else, empty where nothing believable."""
    kind = snake(what)
    if unit == "%EL":
        return {"battery_pct": value} if 0 < value <= 100 else {}
    if unit == "EL":
        return {}  # seconds that its battery still lasts: an estimate that nothing here asks for
    if kind in ("battery", "battery_voltage", "vbat") and unit in ("V", "mV"):
        volts = value if unit == "V" else value / 1000
        return {"battery_v": volts} if volts > 0 else {}
    if kind == "rssi" and unit in ("dBW", "dBm"):
        return {"rssi_dbm": value + 30 if unit == "dBW" else value}
    return None


def _id(record: _Record) -> str:
    """What tells a record from another of the same time and type: its name and value."""
    content = orjson.dumps((record.name, record.value, record.boolean, record.text, record.data, record.sum))
    return hashlib.blake2b(content, digest_size=12).hexdigest()
