"""How a Zigbee sensor speaks through Zigbee2MQTT: its whole state in every message, no count of its own."""

from __future__ import annotations

from typing import NamedTuple

TOPIC = "zigbee2mqtt"


class Sensor(NamedTuple):
    """The attribute that a kind of sensor reports, its value at rest, and what changes it."""

    attribute: str
    at_rest: bool
    changes: dict[str, bool]


SENSORS = {
    "door_sensor": Sensor("contact", True, {"opened": False, "closed": True}),
    "motion_sensor": Sensor("occupancy", False, {"motion": True, "motion_over": False}),
    "bed_sensor": Sensor("occupancy", False, {"in_bed": True, "out_of_bed": False}),
}
"""By technology. `contact` true is closed."""
