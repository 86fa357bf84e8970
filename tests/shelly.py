"""Messages as Shelly's devices and their Bluetooth gateways send them, made by hand."""

from __future__ import annotations

from typing import Any

from dialects import sent

from ingest.decoders.shelly import Decoder
from nyttig.model import Decoded

PLUG = "shellyplus1pm-a8032ab13004"
DOOR = "0C:EF:F6:A1:B2:C3"


def read(topic: str, content: Any, decoder: Decoder | None = None, **how: Any) -> Decoded:
    """What this message says to a decoder, a new one unless given."""
    return (decoder or Decoder())(sent(topic, content, **how), "")


def notified(params: dict[str, Any], method: str = "NotifyStatus", source: str = PLUG) -> dict[str, Any]:
    """A notification of the device's components."""
    return {
        "src": source,
        "dst": f"{source}/events",
        "method": method,
        "params": {"ts": 1795330683.12, **params},
    }


def pressed(**event: Any) -> dict[str, Any]:
    """A notification of one event."""
    return notified({"events": [{"ts": 1795330683.12, **event}]}, "NotifyEvent")


def advertised(packet: int, **values: Any) -> dict[str, Any]:
    """What a gateway's script says that it heard of the door sensor."""
    data = {"encryption": False, "BTHome_version": 2, "pid": packet, "battery": 90, "rssi": -60,
            "address": DOOR.lower(), "model": "SBDW-002C", **values}  # fmt: skip
    return pressed(component="script:1", id=1, event="shelly-blu", data=data)
