"""An edge node of Sparkplug B for tests: payloads on the wire, and a decoder that is given them."""

from __future__ import annotations

from typing import Any

from dialects import sent

from ingest.decoders.sparkplug import Decoder
from ingest.decoders.sparkplug_payload import PAYLOAD
from nyttig.model import Decoded

BORN_AT = 1795330000000
INT32, INT64, FLOAT, DOUBLE, BOOLEAN, STRING, DATETIME, DATASET, TEMPLATE, INT8 = (
    3, 4, 9, 10, 11, 12, 13, 16, 19, 1,
)  # fmt: skip


def wire(*metrics: dict[str, Any], seq: int | None = 0, at: int | None = BORN_AT, **fields: Any) -> bytes:
    """A payload on the wire. A metric's `unit` becomes its property engUnit."""
    payload = PAYLOAD(**fields)
    if at is not None:
        payload.timestamp = at
    if seq is not None:
        payload.seq = seq
    for metric in metrics:
        unit = metric.get("unit")
        one = payload.metrics.add(**{key: value for key, value in metric.items() if key != "unit"})
        if unit is not None:
            one.properties.keys.append(b"engUnit")
            one.properties.values.add(string_value=unit)
    octets: bytes = payload.SerializeToString()
    return octets


def bd_seq(number: int) -> dict[str, Any]:
    return {"name": b"bdSeq", "datatype": INT64, "long_value": number}


TEMPERATURE = {
    "name": b"Temperature",
    "alias": 100,
    "datatype": DOUBLE,
    "double_value": 21.5,
    "unit": b"\xc2\xb0C",
}
DOOR = {"name": b"Inputs/Door", "alias": 7, "datatype": BOOLEAN, "boolean_value": False}


class Broker:
    """One decoder and the messages it is given, a second apart."""

    def __init__(self) -> None:
        self.decoder, self.seconds = Decoder(), 0

    def give(
        self, kind: str, payload: bytes | str, device: str = "", node: str = "hall", **how: Any
    ) -> Decoded:
        self.seconds += 1
        topic = f"spBv1.0/home/{kind}/{node}" + (f"/{device}" if device else "")
        return self.decoder(sent(topic, payload, seconds=self.seconds, **how), "spBv1.0")
