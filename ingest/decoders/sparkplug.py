"""Sparkplug B: spBv1.0/<group>/<N|D BIRTH|DATA|DEATH>/<edge node>[/<device>], protobuf.

A BIRTH names the metrics of a session, and the DATA after it may give their aliases only, so births are lasting. What
they say is state; what DATA says is news. Grammar, and why `seq` is no identity: docs/devices/sparkplug.md.
"""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ingest.decoders import lorawan_fields
from ingest.decoders.lorawan import snake
from ingest.decoders.payload import number_of, shown
from ingest.decoders.plain import short_text
from ingest.decoders.sparkplug_payload import Metric, Payload, as_sent, parse
from nyttig.errors import DecodeError
from nyttig.model import Decoded, Description, Flaw, Message, Reading

DIALECT = "sparkplug"

NODES_MAX = 5_000
REMEMBERED_BYTES_MAX = 64 * 2**20
"""Of all nodes together; the node that was born longest ago makes room, and is asked for again when it speaks."""

_TOPIC = re.compile(r"(?:.*/)?spBv1\.0/([^/]+)/([ND])(BIRTH|DATA|DEATH|CMD)/([^/]+)(?:/([^/]+))?")
_STATE = re.compile(r"(?:.*/)?(?:spBv1\.0/)?STATE/[^/]+")
_SEQ_ROUND = 256
_TEXT_MAX = 512
_ID_MAX = 128
_BIRTH_BYTES = 1_000
_METRIC_BYTES = 500
_NOT_MEASURED = re.compile(r"bdSeq|(?:Node|Device) (?:Control|Info)/.*|Properties/.*")
_MAKE = re.compile(r"(?:.*/)?(?:hardware make|manufacturer|make|vendor)", re.IGNORECASE)
_MODEL = re.compile(r"(?:.*/)?(?:hardware model|model)", re.IGNORECASE)
_SERIAL = re.compile(r"(?:.*/)?serial(?: |_)?(?:number|no)?", re.IGNORECASE)
_CELSIUS = frozenset(("°c", "c", "degc", "deg c", "celsius", "cel"))
_FAHRENHEIT = frozenset(("°f", "f", "degf", "deg f", "fahrenheit"))
_OURS = frozenset(("state", "availability", "health"))


class _Place(NamedTuple):
    """An edge node, `group/node`, and the device behind it: "" for the node itself."""

    node: str
    device: str

    @property
    def address(self) -> str:
        return f"{self.node}/{self.device}" if self.device else self.node

    def reading(
        self,
        kind: str,
        value: float | None,
        time: datetime | None,
        unit: str | None = None,
        health: dict[str, Any] | None = None,
        extra: dict[str, Any] | None = None,
    ) -> Reading:
        return Reading(DIALECT, self.address, kind, value, unit, time, health=health, extra=extra)


class _Known(NamedTuple):
    """What a birth said of a metric."""

    name: str
    datatype: str | None
    unit: str | None


@dataclass
class _Born:
    """What one BIRTH named, by name and by alias, and about how many bytes of memory that takes."""

    at: datetime
    weight: int = _BIRTH_BYTES
    names: dict[str, _Known] = field(default_factory=dict)
    aliases: dict[int, _Known] = field(default_factory=dict)


@dataclass
class _Node:
    """An edge node: its births by device ("" its own), the session's bdSeq, and the last message's number."""

    births: dict[str, _Born] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    session: int | None = None
    seq: int | None = None
    counted: tuple[str, datetime] | None = None
    missed: int = 0

    def weight(self) -> int:
        """About how many bytes of memory its births take."""
        return sum(born.weight for born in self.births.values())

    def known(self, device: str, metric: Metric) -> _Known | None:
        """What the births say of a metric; a name that stands in the message needs none. None for a stray alias."""
        own = self.births.get(device)
        if metric.name:
            said = own.names.get(metric.name) if own is not None else None
            datatype, unit = metric.datatype or (said and said.datatype), metric.unit or (said and said.unit)
            return _Known(metric.name, datatype, unit)
        if metric.alias is None:
            return _Known("value", metric.datatype, metric.unit)
        found = own.aliases.get(metric.alias) if own is not None else None
        return found and found._replace(datatype=found.datatype or metric.datatype)

    def missed_before(self, message: Message, payload: Payload, first: bool = False) -> int:
        """How many of the node's messages are missing before this one, as far as this decoder gets to see them.

        `seq` counts all messages of an edge node from 0 to 255 and round again, starting with each NBIRTH.
        """
        key = (message.topic, message.received_at)
        if key != self.counted:  # the same message may be decoded more than once
            seq = (payload.seq or 0) % _SEQ_ROUND
            step = 1 if first or self.seq is None else (seq - self.seq) % _SEQ_ROUND
            self.missed = step - 1 if 0 < step < _SEQ_ROUND // 2 else 0  # else it comes again, or late
            self.seq, self.counted = seq, key
        return self.missed


class Decoder:
    """Reads messages and remembers the births of edge nodes and their devices."""

    def __init__(self) -> None:
        self._nodes: OrderedDict[str, _Node] = OrderedDict()
        self._bytes = 0

    def __call__(self, message: Message, base: str) -> Decoded:
        """The readings of one message: nothing for commands and for the state of host applications."""
        form = _TOPIC.fullmatch(message.topic)
        if form is None:
            if _STATE.fullmatch(message.topic):
                return Decoded([], [])
            raise DecodeError(
                "unknown_topic",
                f"{message.topic!r} is not spBv1.0/group/NDATA/node or another of Sparkplug B",
            )
        group, level, kind, node_id, device = form.groups()
        if (level == "D") != (device is not None) or max(map(len, (group, node_id, device or ""))) > _ID_MAX:
            raise DecodeError(
                "unknown_topic", f"{shown(message.topic)}: N… has a node's id, D… a device's behind it"
            )
        if kind == "CMD":
            return Decoded([], [])
        payload = parse(message.payload)
        place = _Place(f"{group}/{node_id}", device or "")
        if kind == "BIRTH":
            return self._born(message, payload, place)
        if kind == "DEATH":
            return self._died(message, payload, place)
        return self._said(message, payload, place)

    # Births

    def _born(self, message: Message, payload: Payload, place: _Place) -> Decoded:
        node = self._node(place)
        born = _Born(message.received_at)
        for metric in payload.metrics:
            if metric.name:
                known = _Known(metric.name, metric.datatype, metric.unit)
                born.names[metric.name] = known
                born.weight += _METRIC_BYTES + 4 * len(metric.name)
                if metric.alias is not None:
                    born.aliases[metric.alias] = known
        self._keep(node, place, born, payload)
        # A node speaks for itself; of a device it says that it is there.
        online = place.reading("availability" if place.device else "state", 1.0, _sent_at(payload))
        said, flaws = _measured(place, payload, node, birth=True)
        readings: list[Reading] = []
        if not message.retained:
            readings = _identified(
                [online, *said], payload, node.missed_before(message, payload, place.device == "")
            )
        return Decoded(readings, flaws, (_described(place, payload),), lasting=True)

    def _keep(self, node: _Node, place: _Place, born: _Born, payload: Payload) -> None:
        """The birth stands in memory, unless a newer one does: lasting messages may come after live ones."""
        before = node.births.get(place.device)
        if before is not None and before.at > born.at:
            return
        self._bytes += born.weight - (0 if before is None else before.weight)
        node.births[place.device] = born
        if not place.device:
            self._bytes -= node.weight()
            node.session = _session(payload)
            node.births = {
                device: one for device, one in node.births.items() if one is born or one.at > born.at
            }
            node.gone.clear()
            self._bytes += node.weight()
        node.gone.discard(place.device)
        while len(self._nodes) > NODES_MAX or self._bytes > REMEMBERED_BYTES_MAX:
            _, forgotten = self._nodes.popitem(last=False)
            self._bytes -= forgotten.weight()

    def _node(self, place: _Place) -> _Node:
        node = self._nodes.setdefault(place.node, _Node())
        self._nodes.move_to_end(place.node)
        return node

    # Deaths

    def _died(self, message: Message, payload: Payload, place: _Place) -> Decoded:
        """An edge node's last will, or what it says of a device. An old session's will says nothing of this one."""
        if message.retained:
            return Decoded([], [])
        node = self._nodes.get(place.node)
        if place.device:
            gone = place.reading("availability", 0.0, _sent_at(payload))
            missed = 0
            if node is not None:
                missed = node.missed_before(message, payload)
                if place.device in node.births:
                    node.gone.add(place.device)
            return Decoded(_identified([gone], payload, missed), [])
        session = _session(payload)
        if node is None or "" not in node.births:
            raise _not_described(place, "nobody has seen its NBIRTH")
        if session is not None and node.session is not None and session != node.session:
            if _ahead(session, node.session):
                raise _not_described(
                    place, f"its will is of session bdSeq {session}, and the NBIRTH of {node.session}"
                )
            return Decoded([], [])
        # The will was written when the node connected: the time in it is not that of its death.
        devices = [device for device in node.births if device and device not in node.gone]
        return Decoded(
            [
                place.reading("state", 0.0, None),
                *(place._replace(device=device).reading("availability", 0.0, None) for device in devices),
            ],
            [],
        )

    # Data

    def _said(self, message: Message, payload: Payload, place: _Place) -> Decoded:
        if message.retained:
            return Decoded([], [])  # Sparkplug B retains nothing but a host's state
        node = self._nodes.get(place.node, _Node())
        readings, flaws = _measured(place, payload, node, birth=False)
        if not readings and not flaws:
            readings = [place.reading("health", None, _sent_at(payload))]
        missed = node.missed_before(message, payload)
        return Decoded(_identified(readings, payload, missed), flaws)


def _measured(place: _Place, payload: Payload, node: _Node, birth: bool) -> tuple[list[Reading], list[Flaw]]:
    """The readings of a message's metrics, and those that cannot be read. Raises DecodeError `not_described`."""
    readings: list[Reading] = []
    flaws: list[Flaw] = []
    for metric in payload.metrics:
        known = node.known(place.device, metric)
        if known is None:
            raise _not_described(
                place, f"its births seen so far name no metric with the alias {metric.alias}"
            )
        if _NOT_MEASURED.fullmatch(known.name) or (metric.value is None and not metric.structured):
            continue
        try:
            if metric.structured:
                if not birth:
                    continue  # said once a session, when it was born
                raise DecodeError(
                    "malformed",
                    f"{shown(known.name)}: a {known.datatype or 'structure'} is not read; let the edge node publish"
                    " its members as metrics of their own",
                )
            reading = _reading(place, payload, metric, known, birth)
        except DecodeError as error:
            flaws.append(Flaw(error.reason, str(error), known.name[:_TEXT_MAX].encode()))
            continue
        if reading is not None:
            readings.append(reading)
    return readings, flaws


def _reading(place: _Place, payload: Payload, metric: Metric, known: _Known, birth: bool) -> Reading | None:
    if metric.historical and metric.timestamp is None:
        raise DecodeError("bad_time", f"{shown(known.name)}: is_historical, and no timestamp says of when")
    # A birth says what is, so it holds for the birth's own time, however long ago it became so.
    now = birth and not metric.historical and payload.timestamp is not None
    time = _time(payload.timestamp if now or metric.timestamp is None else metric.timestamp)
    extra: dict[str, Any] = {"birth": True} if birth else {}
    if metric.historical:
        extra["historical"] = True
    value, kind, unit = metric.value, _kind(known.name), known.unit
    if isinstance(value, bool):
        return place.reading(kind, float(value), time, unit, extra=extra or None)
    if isinstance(value, int | float):
        number = as_sent(value, known.datatype)
        if not math.isfinite(number):
            return None  # NaN is what many drivers send for "no value"
        if known.datatype == "DateTime":
            moment = _time(int(number))
            extra["time"] = None if moment is None else moment.isoformat()
            return place.reading(kind, None, time, extra=extra)
        health = _health(known.name, number)
        if health:
            return place.reading("health", None, time, health=health, extra=extra or None)
        number, unit = _in_celsius(number, unit)
        return place.reading(kind, number, time, unit, extra=extra or None)
    if birth or not value:
        return None  # a text may be a press; a birth only repeats it
    return place.reading(kind, None, time, extra={**extra, "text": str(value)[:_TEXT_MAX]})


def _in_celsius(number: float, unit: str | None) -> tuple[float, str | None]:
    if unit is not None and unit.lower() in _FAHRENHEIT:
        return round((number - 32) / 1.8, 3), "°C"
    return number, "°C" if unit is not None and unit.lower() in _CELSIUS else unit


def _kind(name: str) -> str:
    kind = snake(name) or "value"
    return f"{kind}_value" if kind in _OURS else kind


def _health(name: str, number: float) -> dict[str, Any] | None:
    """What a metric says of the device itself; Sparkplug has names for none of it, so the usual ones are taken."""
    last = snake(name.rpartition("/")[2])
    if last in lorawan_fields.BATTERY_PERCENT and 0 < number <= 100:
        return {"battery_pct": number}
    if last in lorawan_fields.BATTERY_VOLTS and 0 < number < 60:
        return {"battery_v": number}
    if last in ("rssi", "rssi_dbm") and -150 <= number < 0:
        return {"rssi_dbm": number}
    return None


def _identified(readings: list[Reading], payload: Payload, missed: int = 0) -> list[Reading]:
    """The readings, known by their message and their place in it, the first with the message's number."""
    counted: dict[str, Any] = {} if payload.seq is None else {"seq": payload.seq}
    if missed:
        counted["missed_before"] = missed
    return [
        one._replace(
            message_id=None if one.device_time is None else f"{payload.timestamp}-{payload.seq}-{place}",
            extra=({**(one.extra or {}), **counted} or None) if place == 0 else one.extra,
        )
        for place, one in enumerate(readings)
    ]


def _described(place: _Place, payload: Payload) -> Description:
    texts = {one.name: one.value for one in payload.metrics if one.name and isinstance(one.value, str)}
    says = [
        _kind(one.name)
        for one in payload.metrics
        if one.name and not one.structured and not _NOT_MEASURED.fullmatch(one.name)
    ]
    return Description(
        DIALECT,
        place.address,
        hardware_id=_first(texts, _SERIAL),
        make=_first(texts, _MAKE),
        model=_first(texts, _MODEL),
        name=short_text(place.device or place.node.rpartition("/")[2]),
        gateway=place.node if place.device else None,
        says=tuple(dict.fromkeys(says)),
    )


def _first(texts: dict[str, Any], name: re.Pattern[str]) -> str | None:
    return next((short_text(value) for key, value in texts.items() if name.fullmatch(key)), None)


def _session(payload: Payload) -> int | None:
    for metric in payload.metrics:
        number = number_of(metric.value) if metric.name == "bdSeq" else None
        if number is not None:
            return int(number)
    return None


def _ahead(session: int, held: int) -> bool:
    """Whether a session is a later one; bdSeq counts connections, in most edge nodes from 0 to 255 and round again."""
    if max(session, held) < _SEQ_ROUND:
        return 0 < (session - held) % _SEQ_ROUND < _SEQ_ROUND // 2
    return session > held


def _time(milliseconds: int | None) -> datetime | None:
    if not milliseconds:
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise DecodeError(
            "bad_time", f"timestamp: {milliseconds} milliseconds are no time: {error}"
        ) from error


def _sent_at(payload: Payload) -> datetime | None:
    """When the payload was sent; None where it says no possible time, for the rest of it may be true."""
    try:
        return _time(payload.timestamp)
    except DecodeError:
        return None


def _not_described(place: _Place, what: str) -> DecodeError:
    return DecodeError(
        "not_described",
        f"edge node {place.node!r}: {what}; it is said in its NBIRTH and DBIRTH, which it sends when it connects:"
        " restart it, or let its host application request a rebirth",
    )
