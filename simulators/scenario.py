"""A trial package come to life: all its homes and devices, what they send, and the truth about it."""

from __future__ import annotations

import heapq
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from nyttig.model import Device, Home, Placement, Technology, TrialPackage
from nyttig.package.technologies import builtin_technologies
from simulators import demo_apartment, zigbee
from simulators.days import MINUTE, LocalDay, draw, milliseconds, moment
from simulators.device import SimulatedDevice
from simulators.resident import Resident
from simulators.technologies import QUIET_AT_MIDNIGHT, Happening, episodes_of, settle

AFTER_INSTALLATION = 30 * MINUTE
"""The installer is in the house for this long; uses by others begin afterwards."""

OBJECTS_PER_ARRAY = 500


class Publication(NamedTuple):
    """One MQTT message to publish at `at`, an aware time in UTC."""

    at: datetime
    topic: str
    payload: bytes
    retain: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A device where it stands, come to life."""

    home: Home
    technology: Technology
    device: Device
    simulated: SimulatedDevice

    def topic(self, municipality: str | None, channel: str) -> str:
        """Where the device publishes what belongs to `channel`; `municipality` None: its home's unit."""
        if self.device.dialect == zigbee.TOPIC:
            topic = f"{zigbee.TOPIC}/{self.device.address}"
            return f"{topic}/availability" if channel == "state" else topic
        level = slug(self.home.unit) if municipality is None else municipality
        return f"wt/v1/{level}/{self.home.home}/{self.device.address}/{channel}"


def simulate(
    package: TrialPackage,
    *,
    seed: int,
    municipality: str | None,
    begins: datetime,
    ends: datetime,
    sent_from: datetime | None = None,
) -> Iterator[Publication]:
    """Everything the devices of `package` say in [begins, ends) that reaches the broker in it, ordered by time.

    A message holds one object. `municipality` stands in the topics; None: each home's unit. With `sent_from`
    the same messages, except those sent before it: a run that was interrupted goes on without a gap.
    Needs memory for one day of each device, however long the time is.
    """
    first = milliseconds(begins)
    start = first if sent_from is None else max(first, milliseconds(sent_from))
    return heapq.merge(
        *(_sent(place, municipality, first, start, milliseconds(ends)) for place in places(package, seed)),
        key=lambda publication: publication.at,
    )


def pack_history(publications: Iterable[Publication]) -> Iterator[Publication]:
    """The same objects in few messages: arrays of what one topic was sent in a UTC day, in order.

    Meant for what is sent in bulk. `at` of an array is that of its last object. Retained messages and
    other dialects than Nyttig's own, which know no arrays, stay alone.
    """
    waiting: dict[str, list[Publication]] = {}
    today: date | None = None
    for publication in publications:
        if publication.at.date() != today:
            yield from _packed(waiting)
            waiting, today = {}, publication.at.date()
        waiting.setdefault(publication.topic, []).append(publication)
    yield from _packed(waiting)


def places(package: TrialPackage, seed: int) -> list[Place]:
    """Every placement of a device that can be simulated, come to life."""
    zone = ZoneInfo(package.trial.timezone)
    technologies = {**builtin_technologies(), **{each.id: each for each in package.technologies}}
    devices = {each.device: each for each in package.devices}
    residents = {
        each.home: Resident(seed, each, zone, package.pauses, package.schedules) for each in package.homes
    }
    shown: dict[str, int] = defaultdict(int)
    found = []
    for placement in sorted(package.placements, key=lambda each: (each.home, each.device, each.placed_at)):
        device = devices[placement.device]
        if not _can_be_simulated(device):
            continue
        resident, technology = residents[placement.home], technologies[device.technology]
        life = _Life(seed, resident, device, placement, technology, shown[placement.home])
        shown[placement.home] += 1
        found.append(
            Place(resident.home, technology, device, SimulatedDevice(seed, device, placement, zone, life.on))
        )
    return found


def _can_be_simulated(device: Device) -> bool:
    return device.dialect == "nyttig" or (
        device.dialect == zigbee.TOPIC and device.technology in zigbee.SENSORS
    )


def slug(unit: str) -> str:
    """A unit's name as a level of a topic: "Bydel Gamle Oslo" is bydel-gamle-oslo."""
    letters = unit.lower().translate({ord("æ"): "ae", ord("ø"): "o", ord("å"): "a"})
    plain = unicodedata.normalize("NFKD", letters).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "demo"


class _Life:
    """What one device notices, day by day, in the place where it stands."""

    def __init__(
        self,
        seed: int,
        resident: Resident,
        device: Device,
        placement: Placement,
        technology: Technology,
        place: int,
    ) -> None:
        self._seed = seed
        self._resident = resident
        self._device = device.device
        self._placed = milliseconds(placement.placed_at)
        self._removed = None if placement.removed_at is None else milliseconds(placement.removed_at)
        self._technology = technology
        self._place = place

    def on(self, local: LocalDay) -> Iterator[Happening]:
        """What happens on a day, in order."""
        tested = self._placed + 3 * MINUTE
        if local.begins <= tested < local.ends:
            yield Happening(tested, "installation_test", None, None, "installer")
        day = self._resident.day(local.day)
        rng = draw(self._seed, self._device, local.day)
        gap = round(self._technology.joining_gap_minutes * MINUTE)
        begins = max(local.begins + QUIET_AT_MIDNIGHT, self._placed + AFTER_INSTALLATION)
        ends = local.ends - QUIET_AT_MIDNIGHT - gap
        if self._removed is not None:
            ends = min(ends, self._removed - MINUTE)
        home = self._resident.home
        if home.site_type == "demo":
            visits = demo_apartment.shown(
                self._seed, home.home, local, self._device, self._technology, self._place
            )
            episodes = settle(visits, self._technology, begins, ends, day.away)
        else:
            engaged = rng.random() < day.inclination
            habit = draw(self._seed, self._device, "habit")
            noticed = episodes_of(self._technology, day, engaged, habit, rng)
            episodes = settle(noticed, self._technology, begins, ends, day.away)
            if day.inclination == 0:
                episodes = [each for each in episodes if all(one.origin != "citizen" for one in each)]
        for episode in episodes:
            yield from episode


def _sent(place: Place, municipality: str | None, first: int, start: int, ends: int) -> Iterator[Publication]:
    device = place.simulated
    topics = {channel: place.topic(municipality, channel) for channel in ("event", "health", "state", "")}
    if start == first and device.placed < first and device.reachable(first):
        yield Publication(moment(first), topics["state"], device.state("online", first).encode(), True)
    for told in device.tell(start, ends):
        if told.at is not None and told.created >= first:
            yield Publication(
                moment(told.at), topics[told.channel], told.text.encode(), told.channel == "state"
            )


def _packed(waiting: dict[str, list[Publication]]) -> Iterator[Publication]:
    batches = []
    for topic, publications in waiting.items():
        if publications[0].retain or topic.startswith(f"{zigbee.TOPIC}/"):
            batches += publications
            continue
        for start in range(0, len(publications), OBJECTS_PER_ARRAY):
            batch = publications[start : start + OBJECTS_PER_ARRAY]
            payload = batch[0].payload
            if len(batch) > 1:
                payload = b"[" + b",".join(each.payload for each in batch) + b"]"
            batches.append(Publication(batch[-1].at, topic, payload, False))
    yield from sorted(batches, key=lambda batch: batch.at)
