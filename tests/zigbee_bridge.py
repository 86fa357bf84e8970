"""What a Zigbee2MQTT says of itself and of its devices."""

from __future__ import annotations

from typing import Any


def info(output: str) -> dict[str, Any]:
    return {
        "coordinator": {"type": "ZStack3x0", "ieee_address": "0xc0"},
        "config": {"advanced": {"output": output}},
    }


def device(
    name: str, ieee: str, *exposes: dict[str, Any], power: str = "Battery", **more: Any
) -> dict[str, Any]:
    definition = {"vendor": "Aqara", "model": "MCCGQ11LM", "exposes": list(exposes)}
    return {
        "friendly_name": name, "ieee_address": ieee, "type": "EndDevice", "power_source": power, "definition": definition,
    } | more  # fmt: skip


def exposed(name: str, kind: str, access: int = 1, **more: Any) -> dict[str, Any]:
    return {"name": name, "property": name, "type": kind, "access": access} | more


CONTACT = exposed("contact", "binary", value_on=False, value_off=True)
BATTERY = exposed("battery", "numeric", category="diagnostic", unit="%")
VOLTAGE = exposed("voltage", "numeric", category="diagnostic", unit="mV")
