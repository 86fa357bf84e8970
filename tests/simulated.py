"""What tests of simulated homes share: packages with many technologies, and the wire read by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from nyttig.model import Device, Home, Placement, Trial, TrialPackage
from simulators.scenario import Publication

INSTALLED = date(2026, 8, 24)
BEGINS = datetime(2026, 8, 23, 22, 0, tzinfo=UTC)  # local midnight of the 24th in Oslo
ENDS = datetime(2026, 11, 22, 12, 34, tzinfo=UTC)  # past the end of summer time


class Said(NamedTuple):
    """One object as it stood on the wire."""

    sent: datetime
    device: str
    channel: str
    time: datetime
    body: dict[str, Any]


def trial_of(*technologies: str, homes: int = 3, power: Any = "mains", **home: Any) -> TrialPackage:
    """A trial in which each home has one device of each technology, from 24 August 2026 at noon in Oslo."""
    codes = [f"h{number}" for number in range(homes)]
    facts = {"site_type": "home", "unit": "Bydel Gamle Oslo", "installed_on": INSTALLED, **home}
    devices = [
        Device(f"{each}-{code}", each, "nyttig", f"{each}-{code}", 60.0, power, "primary")
        for each in technologies
        for code in codes
    ]
    return TrialPackage(
        trial=Trial("t", "T", None, ("Bydel Gamle Oslo",), technologies[0], "Europe/Oslo", "NOK", INSTALLED),
        homes=tuple(Home(code, **facts) for code in codes),
        devices=tuple(devices),
        placements=tuple(
            Placement(each.device, each.device.rpartition("-")[2], datetime(2026, 8, 24, 10, tzinfo=UTC))
            for each in devices
        ),
    )


def read(publications: Iterable[Publication]) -> list[Said]:
    """Every object of Nyttig's own messages, arrays taken apart, in order."""
    said = []
    for publication in publications:
        *_, device, channel = publication.topic.split("/")
        content = json.loads(publication.payload)
        for body in content if isinstance(content, list) else [content]:
            sent = body["event_time"]
            time = (
                datetime.fromtimestamp(sent / 1000, UTC)
                if isinstance(sent, int)
                else datetime.fromisoformat(sent)
            )
            said.append(Said(publication.at, device, channel, time.astimezone(UTC), body))
    return said


def identity(said: Said) -> tuple[str, str, int]:
    """What makes an object the same one, however often it is sent."""
    return said.device, said.body["boot_id"], said.body["seq"]
