"""Home A of the Ordóñez data set: doors, motion, bed, chair, plugs and a toilet flush over two weeks in 2011.

Ordóñez, de Toledo, Sanchis: Activity Recognition Using Hybrid Generative/Discriminative Models on Home
Environments Using Binary Sensors. Sensors 2013, 13, 5460-5477. The data set is not part of Nyttig.

A row of the recording is one activation: local start, local end, what, kind of sensor, room. Each becomes two
messages, on and off. Three things are added, because a Zigbee network has them and the recording has not:

- each sensor's idle state shortly before the first activation, from which its first change can be told;
- a check-in of each sensor at a fixed interval that repeats its current state, as such sensors do, from the
  beginning to the end of the recording; without it a quiet sensor cannot be told from a dead one;
- battery and signal quality, which never change.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from nyttig.model import Device, Technology, UseRule
from simulators.recordings import Conversion, RecordingError
from simulators.recordings.zigbee2mqtt import Said, address, trial_package, write

SENSORS_FILE = "OrdonezA_Sensors.txt"
TITLE = "Daily living in home A of the Ordóñez data set"
ZONE = "Europe/Madrid"
HEADER_LINES = 2

SHORTEST = timedelta(milliseconds=500)
"""The recording knows whole seconds: half of one tells on from off and never reaches the next activation."""

LEAD = timedelta(minutes=1)
"""How long before the first activation the sensors say that they are idle."""

BATTERY = {"battery": 100, "voltage": 3005}  # percent, mV
MAINS_VOLTAGE = 230
APPLIANCE_WATTS = {"Toaster": 850, "Microwave": 1150}
STANDBY_WATTS = 0


TECHNOLOGY = Technology(
    id="daily_living_sensor",
    titles={"en": "Daily living sensor", "nb": "Hverdagssensor", "da": "Hverdagssensor"},
    usage_class="standby",
    use_rules=(
        UseRule("contact", below=0.5),  # a door opens
        UseRule("occupancy", above=0.5),  # motion begins, or somebody sits or lies down
        UseRule("vibration", above=0.5),  # the toilet is flushed
        UseRule("power", above=5),  # W: an appliance is switched on
    ),
)
"""One technology of its own for all kinds of sensor, so that one trial counts each of them."""


class Activation(NamedTuple):
    """A sensor is active from `on` to `off`, both with the zone's offset."""

    on: datetime
    off: datetime


class Sensor(NamedTuple):
    """One sensor: its name and kind in the recording, and all its activations in order of time."""

    name: str
    kind: str
    activations: list[Activation]

    @property
    def device(self) -> str:
        """Its friendly name in Zigbee2MQTT."""
        return self.name.lower()


def _plug(name: str, active: bool) -> dict[str, Any]:
    watts = APPLIANCE_WATTS.get(name, 1000) if active else STANDBY_WATTS
    current = round(watts / MAINS_VOLTAGE, 2)
    return {"state": "ON", "power": watts, "current": current, "voltage": MAINS_VOLTAGE}


KINDS: dict[str, Callable[[str, bool], dict[str, Any]]] = {
    "Magnetic": lambda _name, active: {"contact": not active, **BATTERY},
    "PIR": lambda _name, active: {"occupancy": active, **BATTERY},
    "Pressure": lambda _name, active: {"occupancy": active, **BATTERY},
    "Flush": lambda _name, active: {"vibration": active, **BATTERY},
    "Electric": _plug,
}
"""What a sensor of each kind says, given its name and whether it is active. Contact is true when closed."""


def convert(folder: Path, to: Path, *, check_in_minutes: float = 60) -> Conversion:
    """`to` holds the recording in `folder` as messages.jsonl and as a trial package with its sensors.

    Raises RecordingError naming file, line, value and remedy.
    """
    if check_in_minutes <= 0:
        raise RecordingError(
            f"check_in_minutes={check_in_minutes:g}: sensors check in at an interval above 0"
        )
    sensors = read(folder / SENSORS_FILE)
    interval = timedelta(minutes=check_in_minutes)
    said = [
        saying
        for number, sensor in enumerate(sensors)
        for saying in _sayings(sensor, number, sensors, interval)
    ]
    said.sort(key=lambda saying: (saying.at, saying.device))
    devices = [
        Device(
            device=sensor.device,
            technology=TECHNOLOGY.id,
            dialect="zigbee2mqtt",
            address=address(sensor.device),
            heartbeat_minutes=check_in_minutes,
            power="mains" if sensor.kind == "Electric" else "battery",
            role="primary",
        )
        for sensor in sensors
    ]
    days = (said[0].at.date(), said[-1].at.date())
    return write(to, trial_package("ordonez-a", TITLE, devices, zone=ZONE, days=days, own=TECHNOLOGY), said)


def read(file: Path) -> list[Sensor]:
    """The sensors of the recording, by name; every row is one activation with off after on.

    An activation of no length lasts half a second, and one that reaches the next of the same sensor ends half
    a second before it, so that each can be told from the one before.
    """
    try:
        lines = file.read_text(encoding="latin-1").splitlines()
    except OSError as error:
        raise RecordingError(
            f"{file}: {error.strerror}. Point to the folder of the data set that holds {SENSORS_FILE}."
        ) from error
    rows: dict[tuple[str, str], list[tuple[datetime, datetime, int]]] = {}
    for number, line in enumerate(lines[HEADER_LINES:], start=HEADER_LINES + 1):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in re.split(r"\t+", line.strip())]
        place = f"{file}, line {number}"
        if len(cells) != 5:
            raise RecordingError(
                f"{place}: {line!r} has {len(cells)} columns instead of start, end, location, type, place. "
                f"Take the unchanged file of the data set."
            )
        start, end, name, kind, _room = cells
        if kind not in KINDS:
            raise RecordingError(f"{place}: {kind!r} is no kind of sensor; known are {', '.join(KINDS)}.")
        on, off = _local(start, place), _local(end, place)
        if off < on:
            raise RecordingError(f"{place}: ends at {end!r}, before its start {start!r}. Correct the row.")
        rows.setdefault((name, kind), []).append((on, off, number))
    names = [name for name, _ in rows]
    for name in names:
        if names.count(name) > 1:
            raise RecordingError(f"{file}: {name!r} is used for two kinds of sensor. Give each its own name.")
    if not rows:
        raise RecordingError(
            f"{file}: there is no activation in it. Take the unchanged file of the data set."
        )
    return [Sensor(name, kind, _told_apart(rows[name, kind], file)) for name, kind in sorted(rows)]


def _local(text: str, place: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZoneInfo(ZONE))
    except ValueError as error:
        raise RecordingError(
            f"{place}: {text!r} is not a time like 2011-11-28 02:27:59. Correct the row."
        ) from error


def _told_apart(rows: list[tuple[datetime, datetime, int]], file: Path) -> list[Activation]:
    rows.sort()
    activations = []
    for position, (on, off, _) in enumerate(rows):
        end = max(off, on + SHORTEST)
        if position + 1 < len(rows):
            next_on, _, number = rows[position + 1]
            if next_on == on:
                raise RecordingError(
                    f"{file}, line {number}: the sensor begins twice at {on:%Y-%m-%d %H:%M:%S}. Remove a row."
                )
            end = min(end, next_on - SHORTEST)
        activations.append(Activation(on, end))
    return activations


def _sayings(sensor: Sensor, number: int, sensors: Sequence[Sensor], interval: timedelta) -> Iterator[Said]:
    """All that a sensor says: idle, on and off for each activation, and check-ins at a phase of its own."""
    begins = min(activation.on for each in sensors for activation in each.activations) - LEAD
    ends = max(activation.off for each in sensors for activation in each.activations)
    states = [(begins + number * LEAD / (2 * len(sensors)), False)]
    for activation in sensor.activations:
        states += [(activation.on, True), (activation.off, False)]
    times = [at for at, _ in states]
    said = dict(states)
    check_in = begins + LEAD + number * interval / len(sensors)
    while check_in <= ends:
        said.setdefault(check_in, states[bisect_right(times, check_in) - 1][1])
        check_in += interval
    for at, active in sorted(said.items()):
        fields = KINDS[sensor.kind](sensor.name, active) | {"linkquality": 90 + 5 * number}
        yield Said(
            at, at.isoformat(timespec="milliseconds" if at.microsecond else "seconds"), sensor.device, fields
        )
