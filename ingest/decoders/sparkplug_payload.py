"""A Sparkplug B payload off the wire: protobuf as Eclipse Sparkplug 3.0 (6.4) numbers its fields, or its JSON form.

Only what is read is declared. Data sets, templates and extensions are declared as octets: known to be there, not
looked into, so that no payload can nest.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError as WireError

from ingest.decoders.payload import number_of, parse_json, shown
from ingest.decoders.plain import short_text
from nyttig.errors import DecodeError

METRICS_MAX = 5_000
UNPACKED_BYTES_MAX = 4 * 2**20

_COMPRESSED = "SPBV1.0_COMPRESSED"
_ANY_DEFLATE = zlib.MAX_WBITS | 32  # zlib's or gzip's header
_FIELD = descriptor_pb2.FieldDescriptorProto
_DATATYPES = [
    "Unknown", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float", "Double",
    "Boolean", "String", "DateTime", "Text", "UUID", "DataSet", "Bytes", "File", "Template", "PropertySet",
    "PropertySetList", "Int8Array", "Int16Array", "Int32Array", "Int64Array", "UInt8Array", "UInt16Array",
    "UInt32Array", "UInt64Array", "FloatArray", "DoubleArray", "BooleanArray", "StringArray", "DateTimeArray",
]  # fmt: skip
_SIGNED_BITS = {"Int8": 8, "Int16": 16, "Int32": 32, "Int64": 64}
_STRUCTURED = frozenset(("bytes_value", "dataset_value", "template_value", "extension_value"))
_UNIT_PROPERTIES = ("engUnit", "engineeringUnits", "unit", "units")


class Metric(NamedTuple):
    """One metric; `name` or `alias` may be missing. `structured`: it holds what is not read here."""

    name: str | None
    alias: int | None
    timestamp: int | None
    datatype: str | None
    historical: bool
    value: float | bool | str | None
    structured: bool
    unit: str | None


class Payload(NamedTuple):
    """A payload; times in milliseconds since 1970."""

    timestamp: int | None
    seq: int | None
    metrics: list[Metric]


def parse(payload: bytes) -> Payload:
    """The payload. Raises DecodeError where it is neither protobuf nor JSON of Sparkplug B."""
    if payload[:1] == b"{":  # in protobuf the start of a group, which Sparkplug has not
        return _from_json(parse_json(payload))
    wire = _wire(payload)
    if wire.uuid == _COMPRESSED.encode():
        wire = _wire(_unpacked(wire.body))
    if len(wire.metrics) > METRICS_MAX:
        raise DecodeError("oversized", f"{len(wire.metrics)} metrics in one message; at most {METRICS_MAX}")
    return Payload(
        wire.timestamp if wire.HasField("timestamp") else None,
        wire.seq if wire.HasField("seq") else None,
        [_metric(one) for one in wire.metrics],
    )


def as_sent(value: float, datatype: str | None) -> float:
    """The number that a value on the wire stands for: signed ones are sent unsigned, floats with 7 digits.

    A DATA message need not name the type that its BIRTH named.
    """
    bits = _SIGNED_BITS.get(datatype or "")
    if bits is not None and float(value).is_integer():
        whole = int(value) & (2**bits - 1)
        return float(whole - 2**bits if whole >= 2 ** (bits - 1) else whole)
    return float(f"{value:.7g}") if datatype == "Float" else value


# Protobuf


def _message(name: str, fields: Iterable[tuple[str, int, Any]]) -> descriptor_pb2.DescriptorProto:
    message = descriptor_pb2.DescriptorProto(name=name)
    for field, number, kind in fields:
        repeated = isinstance(kind, tuple)
        kind = kind[0] if isinstance(kind, tuple) else kind
        label = _FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
        if isinstance(kind, str):
            message.field.add(
                name=field, number=number, label=label, type=_FIELD.TYPE_MESSAGE, type_name=f".nyttig.{kind}"
            )
        else:
            message.field.add(name=field, number=number, label=label, type=kind)
    return message


def _payload_class() -> Any:
    u32, u64, flag, octets = _FIELD.TYPE_UINT32, _FIELD.TYPE_UINT64, _FIELD.TYPE_BOOL, _FIELD.TYPE_BYTES
    single, double = _FIELD.TYPE_FLOAT, _FIELD.TYPE_DOUBLE
    # Texts as octets: whether they are UTF-8 is then ours to say.
    property_value = [
        ("int_value", 3, u32), ("long_value", 4, u64), ("float_value", 5, single), ("double_value", 6, double),
        ("boolean_value", 7, flag), ("string_value", 8, octets),
    ]  # fmt: skip
    metric = [
        ("name", 1, octets), ("alias", 2, u64), ("timestamp", 3, u64), ("datatype", 4, u32),
        ("is_historical", 5, flag), ("is_transient", 6, flag), ("is_null", 7, flag), ("properties", 9, "PropertySet"),
        ("int_value", 10, u32), ("long_value", 11, u64), ("float_value", 12, single), ("double_value", 13, double),
        ("boolean_value", 14, flag), ("string_value", 15, octets), ("bytes_value", 16, octets),
        ("dataset_value", 17, octets), ("template_value", 18, octets), ("extension_value", 19, octets),
    ]  # fmt: skip
    file = descriptor_pb2.FileDescriptorProto(
        name="nyttig/sparkplug_b.proto", package="nyttig", syntax="proto2"
    )
    file.message_type.extend(
        (
            _message("PropertyValue", property_value),
            _message("PropertySet", [("keys", 1, (octets,)), ("values", 2, ("PropertyValue",))]),
            _message("Metric", metric),
            _message(
                "Payload",
                [
                    ("timestamp", 1, u64),
                    ("metrics", 2, ("Metric",)),
                    ("seq", 3, u64),
                    ("uuid", 4, octets),
                    ("body", 5, octets),
                ],
            ),
        )
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("nyttig.Payload"))


PAYLOAD: Any = _payload_class()
"""The message class of a payload."""


def _wire(payload: bytes) -> Any:
    wire = PAYLOAD()
    try:
        wire.ParseFromString(payload)
    except WireError as error:
        raise DecodeError("malformed", f"the payload is no Sparkplug B protobuf: {error}") from error
    return wire


def _unpacked(body: bytes) -> bytes:
    try:
        inflate = zlib.decompressobj(_ANY_DEFLATE)
        unpacked = inflate.decompress(body, UNPACKED_BYTES_MAX)
    except zlib.error as error:
        raise DecodeError("malformed", f"the compressed body is neither deflate nor gzip: {error}") from error
    if inflate.unconsumed_tail:
        raise DecodeError("oversized", f"the body is compressed from more than {UNPACKED_BYTES_MAX} bytes")
    return unpacked


def _metric(wire: Any) -> Metric:
    which = next((name for name in _VALUE_FIELDS if wire.HasField(name)), None)
    datatype = _datatype(wire.datatype) if wire.HasField("datatype") else None
    value = None if which is None or wire.is_null or which in _STRUCTURED else getattr(wire, which)
    return Metric(
        _text(wire.name, "name") if wire.HasField("name") else None,
        wire.alias if wire.HasField("alias") else None,
        wire.timestamp if wire.HasField("timestamp") else None,
        datatype,
        wire.is_historical,
        _text(value, "string_value") if isinstance(value, bytes) else value,
        which in _STRUCTURED and not wire.is_null,
        _unit(wire.properties) if wire.HasField("properties") else None,
    )


_VALUE_FIELDS = (
    "int_value", "long_value", "float_value", "double_value", "boolean_value", "string_value", "bytes_value",
    "dataset_value", "template_value", "extension_value",
)  # fmt: skip


def _datatype(number: int) -> str | None:
    return _DATATYPES[number] if 0 < number < len(_DATATYPES) else None


def _unit(properties: Any) -> str | None:
    for key, value in zip(properties.keys, properties.values, strict=False):
        if key.decode(errors="replace") in _UNIT_PROPERTIES and value.HasField("string_value"):
            return short_text(_text(value.string_value, "engUnit"))
    return None


def _text(octets: bytes, place: str) -> str:
    try:
        text = octets.decode()
    except UnicodeDecodeError as error:
        raise DecodeError("not_utf8", f"{place}: {shown(octets)} is not UTF-8: {error}") from error
    if "\0" in text:
        raise DecodeError(
            "malformed", f"{place}: {shown(text)} holds a NUL character, which no text may hold"
        )
    return text


# JSON


def _from_json(content: Any) -> Payload:
    metrics = content.get("metrics", []) if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(metrics, list):
        raise DecodeError("malformed", f"an object with metrics is expected, not {shown(content)}")
    if len(metrics) > METRICS_MAX:
        raise DecodeError("oversized", f"{len(metrics)} metrics in one message; at most {METRICS_MAX}")
    return Payload(
        _whole(content, "timestamp"), _whole(content, "seq"), [_json_metric(one) for one in metrics]
    )


def _json_metric(content: Any) -> Metric:
    if not isinstance(content, dict):
        raise DecodeError("malformed", f"a metric is an object, not {shown(content)}")
    name, datatype, value = (
        content.get("name"),
        content.get("dataType", content.get("datatype")),
        content.get("value"),
    )
    if isinstance(datatype, int):
        datatype = _datatype(datatype)
    structured = isinstance(value, dict | list)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = number_of(value)
    return Metric(
        name if isinstance(name, str) else None,
        _whole(content, "alias"),
        _whole(content, "timestamp"),
        datatype if isinstance(datatype, str) else None,
        content.get("isHistorical", content.get("is_historical")) is True,
        None if structured else value,
        structured,
        None,
    )


def _whole(content: dict[str, Any], name: str) -> int | None:
    value = content.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**64:
        raise DecodeError("malformed", f"{name}: {shown(value)} is no whole number from 0")
    return value
