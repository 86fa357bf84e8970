"""What both converters write: messages as Zigbee2MQTT sends them, and a trial package that knows the devices.

The layout of the messages is that of Zigbee2MQTT 2 with `last_seen` switched on and its state cache, so each
message carries everything that the device last said.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from nyttig.model import Device, Home, Parameters, Placement, Technology, Trial, TrialPackage
from nyttig.package.write import write as write_package
from simulators.recordings import Conversion, RecordingError

BASE_TOPIC = "zigbee2mqtt"
MESSAGES_FILE = "messages.jsonl"
PROGRAMME = "Recordings of real homes"
UNIT = "Recorded homes"


class Said(NamedTuple):
    """What one device said at one time: `last_seen` is the device's time as its gateway writes it."""

    at: datetime
    last_seen: str
    device: str
    fields: dict[str, Any]


def address(device: str) -> str:
    """The topic under which Zigbee2MQTT publishes what `device` says."""
    return f"{BASE_TOPIC}/{device}"


def write(folder: Path, package: TrialPackage, said: Iterable[Said]) -> Conversion:
    """`folder` holds the trial package and, one a line in the order given, the messages in messages.jsonl.

    Nothing is left behind when the recording turns out to be unreadable. Raises RecordingError, and PackageError
    when something stands in `folder` already.
    """
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f".{folder.name}.{MESSAGES_FILE}")
    try:
        conversion = _write_messages(unfinished, said)
        write_package(package, folder)
        unfinished.rename(folder / MESSAGES_FILE)
    finally:
        unfinished.unlink(missing_ok=True)
    return conversion


def trial_package(
    trial_id: str,
    title: str,
    devices: Sequence[Device],
    *,
    zone: str,
    days: tuple[date, date],
    own: Technology | None = None,
) -> TrialPackage:
    """A trial of one home with all `devices`, from the first to the last of `days`.

    Nobody was asked by a trial: the home enters it as if it had agreed and been fitted out on the first day.
    There is no time of getting used to it, since nothing was new to the residents.
    """
    first, last = days
    placed_at = datetime.combine(first, time(), ZoneInfo(zone))
    return TrialPackage(
        trial=Trial(
            id=trial_id,
            title=title,
            programme=PROGRAMME,
            units=(UNIT,),
            technology=devices[0].technology,
            timezone=zone,
            currency="EUR",
            starts=first,
            ends=last,
            parameters=Parameters(ramp_in_days=0),
        ),
        technologies=() if own is None else (own,),
        homes=(Home(trial_id, "home", UNIT, first, first, first, legal_basis="published research data"),),
        devices=tuple(devices),
        placements=tuple(Placement(device.device, trial_id, placed_at) for device in devices),
    )


def _write_messages(file: Path, said: Iterable[Said]) -> Conversion:
    devices = set()
    messages, first_at, last_at = 0, None, None
    with file.open("w", encoding="utf-8") as lines:
        for at, last_seen, device, fields in said:
            payload = json.dumps({**fields, "last_seen": last_seen}, separators=(",", ":"))
            line = {"topic": address(device), "payload": payload, "at": last_seen, "retained": False}
            lines.write(json.dumps(line) + "\n")
            devices.add(device)
            messages, first_at, last_at = messages + 1, first_at or at, at
    if first_at is None or last_at is None:
        raise RecordingError("the recording holds no message; take the unchanged files of the data set")
    return Conversion(messages, len(devices), first_at, last_at)
