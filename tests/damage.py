"""Messages as they never should arrive: real ones and our own examples, damaged in every way we could think of."""

# ruff: noqa: E501  # lists of odd values are read across

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import cbor2
from dialects import NOON
from google.protobuf.message import DecodeError as ProtobufError
from real_messages import real_messages

from examples import EXAMPLES
from ingest.decoders.sparkplug_payload import PAYLOAD
from nyttig.model import Message

NUMBERS = (
    0, -0.0, 1, -1, 0.1, 5e-324, 1.7976931348623157e308, -1.7976931348623157e308, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 2,
    2**63 - 1, 2**63, -(2**63), 2**64 - 1, 2**64, 10**30, 1e15, 253402300799999, 253402300800000, -62135596800000,
    -62135596800001, 100, 100.0001,
)  # fmt: skip
RAW_NUMBERS = (b"1e400", b"-1e400", b"1e-400", b"NaN", b"Infinity", b"-Infinity", b"01", b"1.", b".5", b"+1", b"0x10",
               b"9" * 400, b"1" + b"0" * 5000, b"1e5", b"5.0", b"1_000", b"-")  # fmt: skip
TEXTS = (
    "", " ", "\x01", "\x7f", "\x1b[2J", "\u2028", "\ufeff", "\U0001f48a", "\U0010ffff", "\ufffe", "e\u0301" * 64, "\u202e", "x" * 128,
    "x" * 129, "\\u0000", "\\\\u0000", "'; DROP TABLE events; --", "%s", "\\N", "\\.", "\t\r\n", "ON", "online", "ſ", "İ", "NaN",
    "null", "citizen", "Citizen", "health", "state", "availability", "dose_taken", "lock", "LOCK", "close", "single",
)  # fmt: skip
TIMES = (
    "2026-11-22T07:58:03+01:00", "2026-11-22t06:58:03z", "2026-11-22 06:58:03Z", "2026-11-22x06:58:03Z", "2026-11-22T06:58:03",
    "2026-11-22T06:58:03,5Z", "2026-11-22T06:58Z", "2026-11-22T06Z", "20261122T065803Z", "2026-W47-7T06:58:03Z", "2026-11-22T24:00:00Z",
    "2026-11-22T06:58:60Z", "2026-11-22T06:58:03.1234567891Z", "2026-11-22T06:58:03.1Z", "2026-11-22T06:58:03+0100",
    "2026-11-22T06:58:03+01", "2026-11-22T06:58:03+22:99", "2026-11-22T06:58:03+23:59", "2026-11-22T06:58:03+24:00",
    "2026-11-22T06:58:03+01:00:30", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z", "2026-02-30T06:58:03Z", "٢٠٢٦-11-22T06:58:03Z", "2026-11-22T06:58:03 Z", "1970-01-01T00:00:00Z",
    "2026-11-22T06:58:03−01:00", "2026-11-22T06:58:03.Z", "2026-11-22T06:58:03-00:00", "10000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z",
)  # fmt: skip
NAMES = ("event_time", "boot_id", "seq", "type", "value", "unit", "origin", "state", "battery_pct", "battery_v", "rssi_dbm", "uptime_s",
         "fw", "counter", "contact", "occupancy", "action", "click", "battery", "voltage", "power", "energy", "last_seen", "state_l1",
         "temperature", "linkquality", "battery_low", "state_" + "x" * 122, "state_" + "x" * 123, "constructor", "")  # fmt: skip


class Seed(NamedTuple):
    """A message before it is damaged."""

    dialect: str
    topic: str
    payload: bytes


class Damaged(NamedTuple):
    """A message on a topic of that dialect, more or less."""

    dialect: str
    message: Message


def seeds() -> list[Seed]:
    """What is damaged: our own examples, and the real messages where they are at hand, in an order of sending."""
    found = [Seed(dialect, *one) for dialect, examples in EXAMPLES.items() for one in examples]
    return found + [Seed(one.dialect, one.topic, one.payload) for one in real_messages()]


def damaged(chance: random.Random, known: list[Seed]) -> Iterator[Damaged]:
    """Damaged messages without end, half a second apart, the same for the same seed."""
    trees = [tree for tree in map(_tree, known) if tree is not None]
    by_dialect = {dialect: [one for one in known if one.dialect == dialect] for dialect in EXAMPLES}
    dialects = [*EXAMPLES, "nyttig"]  # whose contract is exact, so it is worth more
    at = NOON
    while True:
        at += timedelta(seconds=0.5)
        dialect = chance.choice(dialects)
        own = by_dialect[dialect]
        seed = chance.choice(own)
        topic, sent = seed.topic, seed.payload
        if chance.random() < 0.1:
            sent = chance.choice(known).payload
        yield Damaged(dialect, spoilt(chance, topic, sent, at, own, known, trees))


def spoilt(
    chance: random.Random,
    topic: str,
    sent: bytes,
    at: datetime,
    own: list[Seed],
    known: list[Seed],
    trees: list[Any],
) -> Message:
    """The message with something wrong in payload, topic or both; now and then with nothing wrong."""
    if chance.random() < 0.6:
        sent = _content_changed(chance, topic, sent, trees)
    if chance.random() < 0.35:
        sent = _bytes_changed(chance, sent, known)
    where = chance.random()
    if where < 0.1:
        topic = chance.choice(own).topic
    elif where < 0.2:
        topic = _bent(chance, topic)
    elif where < 0.25:
        topic = chance.choice(known).topic
    return Message(topic, sent, chance.random() < 0.1, chance.random() < 0.05, at)


def _content_changed(chance: random.Random, topic: str, sent: bytes, trees: list[Any]) -> bytes:
    """The payload with something in what it says otherwise, in the encoding of its dialect."""
    if topic.startswith("spBv1.0/") and (changed := _wire_changed(chance, sent)) is not None:
        return changed
    tree = _tree(Seed("", topic, sent))
    if tree is None:
        tree = chance.choice(trees)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        tree = _changed(chance, tree, trees)
    if topic.startswith("senml/") and chance.random() < 0.4:
        try:
            return cbor2.dumps(tree)
        except UnicodeEncodeError:  # half a surrogate pair
            pass
    ascii_only = chance.random() < 0.3
    return json.dumps(tree, ensure_ascii=ascii_only, allow_nan=True, default=str).encode(
        errors="surrogatepass"
    )


_WIRE_FIELDS = {
    "name": TEXTS, "string_value": TEXTS, "alias": NUMBERS, "timestamp": NUMBERS, "datatype": range(-1, 40),
    "int_value": NUMBERS, "long_value": NUMBERS, "float_value": NUMBERS, "double_value": NUMBERS,
    "boolean_value": (True, False), "is_null": (True, False), "is_historical": (True, False), "is_transient": (True, False),
}  # fmt: skip


def _wire_changed(chance: random.Random, sent: bytes) -> bytes | None:
    """A payload of Sparkplug B with fields set that should not be so; None for one in JSON."""
    try:
        payload = PAYLOAD.FromString(sent)
    except ProtobufError:
        return None
    for _ in range(chance.choice((1, 1, 2, 4))):
        metrics = payload.metrics
        metric = chance.choice(metrics) if metrics and chance.random() < 0.9 else metrics.add()
        match chance.randrange(8):
            case 0:
                payload.seq = chance.randrange(300)
            case 1:
                payload.timestamp = chance.choice((0, 1, 2**63, 2**64 - 1, 253402300800000, 1795330000000))
            case 2:
                metrics.remove(metric)
            case 3:
                metrics.add().CopyFrom(metric)
            case 4:
                metric.properties.keys.append(chance.choice((b"engUnit", b"x", b"")))
                metric.properties.values.add(string_value=chance.choice(TEXTS).encode(errors="replace"))
            case _:
                name = chance.choice(list(_WIRE_FIELDS))
                value: Any = chance.choice(_WIRE_FIELDS[name])
                if isinstance(value, str):
                    value = value.encode()
                elif not isinstance(value, bool) and name not in ("float_value", "double_value"):
                    value = int(value) % (2**32 if name in ("datatype", "int_value") else 2**64)
                try:
                    setattr(metric, name, value)
                except (AttributeError, ValueError, TypeError):
                    metric.ClearField("value")
    return bytes(payload.SerializeToString())


def _tree(sent: Seed) -> Any:
    try:
        return json.loads(sent.payload)
    except (ValueError, RecursionError):
        pass
    try:
        return cbor2.loads(sent.payload) if sent.topic.startswith("senml/") else None
    except (cbor2.CBORDecodeError, ValueError):
        return None


def _changed(chance: random.Random, tree: Any, trees: list[Any]) -> Any:
    """The same tree with one thing in it otherwise; the original stays as it was."""
    if isinstance(tree, dict) and tree and chance.random() < 0.85:
        new = dict(tree)
        name = chance.choice(list(new))
        match chance.randrange(8):
            case 0:
                del new[name]
            case 1:
                new[chance.choice(NAMES)] = new[name]
            case 2:
                new[chance.choice(NAMES)] = _value(chance, trees)
            case 3:
                new[chance.choice(TEXTS)] = new.pop(name)
            case 4:
                new["event_time" if "event_time" in new else "last_seen"] = chance.choice((*TIMES, *NUMBERS))
            case _:
                new[name] = _changed(chance, new[name], trees)
        return new
    if isinstance(tree, list) and tree and chance.random() < 0.85:
        copy = list(tree)
        place = chance.randrange(len(copy))
        match chance.randrange(5):
            case 0:
                del copy[place]
            case 1:
                copy.insert(place, _value(chance, trees))
            case 2:
                copy = copy * chance.choice((2, 3, 50))
                del copy[500:]
            case _:
                copy[place] = _changed(chance, copy[place], trees)
        return copy
    return _value(chance, trees)


def _value(chance: random.Random, trees: list[Any]) -> Any:
    match chance.randrange(11):
        case 0 | 1:
            return chance.choice(NUMBERS)
        case 2 | 3:
            return chance.choice(TEXTS)
        case 4:
            return chance.choice(TIMES)
        case 5:
            return chance.choice((None, True, False, [], {}, [[]], {"": None}))
        case 6:
            deep: Any = 1
            for _ in range(chance.choice((3, 62, 63, 64, 65, 66, 200))):
                deep = [deep] if chance.random() < 0.5 else {"a": deep}
            return deep
        case 7:
            return chance.uniform(-1e6, 1e6)
        case 8:
            return "".join(
                chr(chance.choice((chance.randrange(1, 0xD800), chance.randrange(0xE000, 0x110000))))
                for _ in range(5)
            )
        case 9:
            return chance.choice(("\ud800", "\udc00x", "a\0b", float("nan"), math.inf))
        case _:
            return chance.choice(trees)


def _bytes_changed(chance: random.Random, sent: bytes, known: list[Seed]) -> bytes:
    new = bytearray(sent)
    for _ in range(chance.choice((1, 1, 2, 5))):
        place = chance.randrange(len(new) + 1)
        match chance.randrange(9):
            case 0 if place < len(new):
                new[place] ^= 1 << chance.randrange(8)
            case 1 if place < len(new):
                new[place] = chance.randrange(256)
            case 2:
                del new[place:]
            case 3:
                del new[place : place + chance.randrange(1, 12)]
            case 4:
                other = chance.choice(known).payload
                new[place:] = other[chance.randrange(len(other) + 1) :]
            case 5:
                new[place:place] = chance.choice(RAW_NUMBERS)
            case 6:
                new[place:place] = chance.choice(
                    (b"[", b"{", b'"', b"}", b"]", b",", b":", b"\\", b"\\u0000", b"\\\\u0000", b"\\ud800", b"\0", b"\xff",
                     b"\xc0\x80", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\x80", b" ", b"\n", b"//", b"null", b"[" * 80, b"{}" * 3)
                )  # fmt: skip
            case 7:
                new[place:place] = bytes(new[:place])[-200:]
            case _:
                new = bytearray(b"[" + bytes(new) + b"]") if chance.random() < 0.5 else new
    return bytes(new)


def _bent(chance: random.Random, topic: str) -> str:
    levels = topic.split("/")
    place = chance.randrange(len(levels))
    match chance.randrange(7):
        case 0:
            levels[place] = chance.choice(
                (*TEXTS, "bridge", "set", "get", "event", "wt", "v1", "#", "+", "$SYS", "..", "x" * 60_000)
            )
        case 1:
            del levels[place]
        case 2:
            levels.insert(
                place, chance.choice(("", "set", "get", "availability", "bridge", "event", "\udcff"))
            )
        case 3:
            levels = levels * 2
        case 4:
            levels = ["wt", "v1", *levels]
        case 5:
            levels = ["zigbee2mqtt", *levels]
        case _:
            levels[-1] = levels[-1].upper()
    return "/".join(levels)


def odd_fields(known: list[Seed], one_in: int = 1) -> Iterator[Damaged]:
    """Each message with each of its fields in turn called oddly, and holding each of ODD; or one in so many of them."""
    number = 0
    for seed in known:
        tree = _tree(seed)
        for odd in () if tree is None else _odd(tree):
            number += 1
            if number % one_in == 0:
                sent = json.dumps(odd, default=str).encode()
                yield Damaged(seed.dialect, Message(seed.topic, sent, False, False, NOON))


ODD: tuple[Any, ...] = (
    None, True, "", "x" * 200, "\0", "1e400", "9" * 5000, [], {}, [1], {"a": 1}, -1, 1.7e308, -1.7e308, 10**18, float("nan"),
)  # fmt: skip


def _odd(tree: Any) -> Iterator[Any]:
    if isinstance(tree, dict):
        for name, value in tree.items():
            others = {key: one for key, one in tree.items() if key != name}
            for called in (
                f"{name}{'0' * 200}",
                f"{name}_{'x' * 200}",
                f"{'x' * 200}{name}",
                f"{name}:{'1' * 5000}",
                f"{name}\0",
            ):
                yield {**others, called: value}
            for odd in ODD:
                yield {**tree, name: odd}
            for changed in _odd(value):
                yield {**tree, name: changed}
    elif isinstance(tree, list):
        for place, value in enumerate(tree[:3]):
            for changed in _odd(value):
                yield [*tree[:place], changed, *tree[place + 1 :]]
