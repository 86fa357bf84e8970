"""The OpenSmartHomeData flat: 25 room climate sensors over 89 days in 2017, twice silent as a whole.

(c) 2018 Fraunhofer Institute for Building Physics, CC BY-SA 4.0. Schneider, Rasmussen, Bonsma, Oraskari,
Pauwels: Linked building data for modular building information modelling of a smart home. ECPPM 2018, 407-414.
The data set is not part of Nyttig.

Each row of a sensor's file becomes one message of a device of its own. Set points and the weather service are
left out: no sensor measured them. Added are battery and signal quality, which never change.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

from nyttig.model import Device
from simulators.recordings import Conversion, RecordingError
from simulators.recordings.zigbee2mqtt import Said, address, trial_package, write

TITLE = "Room climate in the OpenSmartHomeData flat"
ZONE = "Europe/Berlin"
TECHNOLOGY = "climate_sensor"
FIRST_DAY = date(2017, 3, 9)
LAST_DAY = date(2017, 6, 5)
"""The first and last complete local day of the recording."""

HEARTBEAT_MINUTES = 60
"""How often a sensor is expected to be heard.

Half of all gaps are 10 minutes, but until 24 March many sensors spoke only on change, with hours between,
and a sensor counts as observed for three heartbeats after a message. Of 2,225 device-days, a heartbeat of 10
minutes leaves 419 less than 80 % observed, 30 minutes 246 and 60 minutes 164. With 60 the days on which that
happens to all 25 sensors are exactly the two with a silence of the whole home; with less there is a third.
"""

QUANTITIES = {
    "Brightness": ("illuminance", "illuminance"),  # lx
    "Humidity": ("humidity", "humidity"),  # %
    "Temperature": ("temperature", "temperature"),  # °C
    "ThermostatTemperature": ("thermostat", "local_temperature"),  # °C at the radiator, not of the room
}
"""Quantity in a file's name → end of the device's name, and the field that Zigbee2MQTT gives it."""


class Sensor(NamedTuple):
    """One file of the recording: the device it becomes and the field that holds its values."""

    file: Path
    device: str
    field: str


def convert(folder: Path, to: Path) -> Conversion:
    """`to` holds the recording in `folder` as messages.jsonl and as a trial package with its sensors.

    folder: the data set's folder, or its folder Measurements.
    Raises RecordingError naming file, line, value and remedy.
    """
    sensors = find(folder)
    devices = [
        Device(
            device=sensor.device,
            technology=TECHNOLOGY,
            dialect="zigbee2mqtt",
            address=address(sensor.device),
            heartbeat_minutes=HEARTBEAT_MINUTES,
            power="battery",
            role="primary",
        )
        for sensor in sensors
    ]
    package = trial_package("opensmarthome", TITLE, devices, zone=ZONE, days=(FIRST_DAY, LAST_DAY))
    streams = [_sayings(sensor, number) for number, sensor in enumerate(sensors)]
    return write(to, package, heapq.merge(*streams, key=lambda said: (said.at, said.device)))


def find(folder: Path) -> list[Sensor]:
    """The sensors' files in `folder`, by name: measurements of a room, no set points, no weather."""
    measurements = folder / "Measurements" if (folder / "Measurements").is_dir() else folder
    sensors = []
    for file in sorted(measurements.glob("*.csv")):
        room, _, quantity = file.stem.rpartition("_")
        if quantity in QUANTITIES:
            suffix, field = QUANTITIES[quantity]
            sensors.append(Sensor(file, f"{room.lower().replace('_', '-')}-{suffix}", field))
    if not sensors:
        raise RecordingError(
            f"{folder}: no file like Kitchen_Temperature.csv. Point to the data set's folder."
        )
    return sensors


def _sayings(sensor: Sensor, number: int) -> Iterator[Said]:
    before: datetime | None = None
    with sensor.file.open(encoding="utf-8") as lines:
        for row, line in enumerate(lines, start=1):
            try:
                seconds, value = line.split("\t")
                at, measured = datetime.fromtimestamp(int(seconds), UTC), float(value)
            except (ValueError, OverflowError, OSError) as error:
                raise RecordingError(
                    f"{sensor.file}, line {row}: {line.rstrip()!r} is not Unix seconds, a tab and a number. "
                    "Take the unchanged file of the data set."
                ) from error
            if before is not None and at <= before:
                raise RecordingError(
                    f"{sensor.file}, line {row}: {seconds!r} is not after the row above. Sort the file."
                )
            before = at
            fields = {sensor.field: measured, "battery": 100, "voltage": 3005, "linkquality": 60 + 5 * number}
            yield Said(at, f"{at:%Y-%m-%dT%H:%M:%S}.000Z", sensor.device, fields)
