"""A simulated device: what it says, when it is heard, and what is wrong with it.

Everything is drawn from (seed, device, day), so a device that is simulated again says the same with the same
boot_id and seq, whichever moment the simulation starts at: a run of the device (from one boot to the next) is
always told from its boot on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from nyttig.model import Device, Placement
from simulators.days import HOUR, MINUTE, LocalDay, day_of, draw, local_day, milliseconds, moment, zulu
from simulators.technologies import Happening
from simulators.zigbee import SENSORS

Cause = Literal["signal", "gateway", "battery"]

OUTAGE_PER_DAY: dict[str, float] = {"signal": 1 / 70, "gateway": 1 / 90}
LOST_RATIO = 0.6
"""So many outages lose what the device says meanwhile; in the others it keeps it and sends it afterwards."""
LONGEST_OUTAGE_DAYS = 3
LOOKBACK = 10 * 24 * HOUR
"""Longer than any chain of outages: what was said before this has been sent or is lost."""
REBOOT_PER_DAY = 1 / 45
WILL_DELAY = 90_000
"""A broker sends the last will one and a half keepalives after the connection fell silent."""
BURST_SPACING = 50
FAR_FUTURE = 1 << 60


class Outage(NamedTuple):
    """A time in which nothing comes through; `lost`: what is said in it is lost for good."""

    begins: int
    ends: int
    lost: bool
    cause: Cause


class Told(NamedTuple):
    """One message object of a device. Times in milliseconds since 1970.

    at: when it reaches the broker, None where it does not. created: when the device says it, by a right clock.
    reading: type and value as the wire gives them.
    """

    at: int | None
    created: int
    channel: str
    text: str
    origin: str | None = None
    reading: tuple[str, float | None] | None = None


@dataclass(frozen=True, slots=True)
class Hardware:
    """What is particular to one piece of hardware."""

    phase: int
    writes_epoch_milliseconds: bool
    clock_drift_seconds_per_day: int
    duplicate_ratio: float
    rssi_dbm: int
    measures_volts: bool
    battery_life: int
    days_until_new_battery: int
    fw: str


class SimulatedDevice:
    """A device at one place, from when it was placed there until it was removed.

    `life` gives what it notices on a local day. `gateway` names what it shares its way out with (its home).
    """

    def __init__(
        self,
        seed: int,
        device: Device,
        placement: Placement,
        zone: ZoneInfo,
        life: Callable[[LocalDay], Iterable[Happening]],
    ) -> None:
        self.device = device
        self.placement = placement
        self.zone = zone
        self.placed = milliseconds(placement.placed_at)
        self.removed = FAR_FUTURE if placement.removed_at is None else milliseconds(placement.removed_at)
        self.hardware = _hardware(seed, device)
        self.sensor = SENSORS.get(device.technology) if device.dialect == "zigbee2mqtt" else None
        self._life = life
        self._seed = seed
        self._interval = max(1_000, round(device.heartbeat_minutes * MINUTE))

    def outages(self, begins: int, ends: int) -> list[Outage]:
        """The outages that touch [begins, ends), in order; they may overlap."""
        first, last = day_of(max(begins, self.placed), self.zone), day_of(min(ends, self.removed), self.zone)
        found = [] if self.device.power == "mains" else list(self._flat_batteries(begins, ends))
        for back in range((last - first).days + LONGEST_OUTAGE_DAYS + 1):
            day = last - timedelta(days=back)
            for cause, key in (("signal", self.device.device), ("gateway", self.placement.home)):
                outage = _outage(self._seed, cause, key, day, self.zone)
                if outage is not None and outage.begins < ends and outage.ends > begins:
                    found.append(outage if self.sensor is None else outage._replace(lost=True))
        return sorted(found)

    def reachable(self, at: int) -> bool:
        """Whether the device stands in its place at `at` and is heard."""
        cut_off = any(each.begins <= at < each.ends for each in self.outages(at, at + 1))
        return self.placed <= at < self.removed and not cut_off

    def state(self, state: Literal["online", "offline"], at: int) -> str:
        """The message that the connection is there or lost. The broker sends a will without a time; it has one
        here because history is sent afterwards and would otherwise count for the moment of sending.
        """
        if self.sensor is not None:
            return _json({"state": state})
        return _json({"state": state, "event_time": _rfc3339(at, self.zone)})

    def silences(self, begins: int, ends: int) -> list[tuple[int, int]]:
        """The times in [begins, ends) of which nothing can have been heard by `ends`, joined, in order."""
        begins, ends = max(begins, self.placed), min(ends, self.removed)
        joined: list[tuple[int, int]] = []
        if begins >= ends:
            return joined
        outages = self.outages(begins, ends)
        for outage in outages:
            if outage.lost or _next_free(outage.begins, self.outages(outage.begins, ends + 1)) >= ends:
                start, end = max(outage.begins, begins), min(outage.ends, ends)
                if joined and start <= joined[-1][1]:
                    joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
                else:
                    joined.append((start, end))
        return joined

    def clock_ahead_seconds(self, day: date) -> int:
        """How far the device's clock is ahead on `day`: it drifts, and is set right on Mondays."""
        if self.sensor is not None:
            return 0  # a coordinator writes the time
        return self.hardware.clock_drift_seconds_per_day * day.weekday()

    def tell(self, begins: int, ends: int) -> Iterator[Told]:
        """All that the device says that reaches the broker in [begins, ends), in the order in which it does;
        and, in between, what it says in that time that has not reached the broker by `ends`.
        """
        ends = min(ends, self.removed)
        boot = self._boot_before(max(begins - LOOKBACK, self.placed))
        run, seq, sent = self._run_id(boot), 0, 0
        state = None if self.sensor is None else self.sensor.at_rest
        day = day_of(boot, self.zone)
        while (local := local_day(day, self.zone)).begins < ends:
            outages = self._chained_outages(local)
            chance = draw(self._seed, self.device.device, day, "sending")
            ahead = self.clock_ahead_seconds(day) * 1000
            for created, _, what in sorted(self._doings(local, outages), key=lambda doing: doing[:2]):
                if self.sensor is not None and isinstance(what, Happening):
                    state = self.sensor.changes.get(what.type, state)
                if created < boot or created >= self.removed:
                    continue
                within = [each for each in outages if each.begins <= created < each.ends]
                if what == "offline":
                    told = Told(created, created, "state", self.state("offline", created))
                elif what == "online":
                    told = Told(created, created, "state", self.state("online", created + ahead))
                elif any(each.cause == "battery" for each in within):
                    continue
                elif what == "boot":
                    boot, run, seq = created, self._run_id(created), 0
                    continue
                else:
                    seq += 1
                    at: int | None = created
                    if within:
                        lost = any(each.lost for each in within)
                        at = None if lost else _next_free(created, outages)
                    noise = chance.gauss(0, 2)
                    if state is None:
                        told = self._say(what, at, created, ahead, run, seq, boot, noise)
                    else:
                        told = self._report(state, at, created, noise)
                if told.at is None:
                    if begins <= created < ends:
                        yield told
                    continue
                at = max(told.at, sent + (BURST_SPACING if told.at > created else 0))
                if at >= ends:
                    if created >= ends:
                        return
                    yield told._replace(at=None)
                    continue
                sent = at
                if at >= begins:
                    yield told._replace(at=at)
                if told.channel != "state" and chance.random() < self.hardware.duplicate_ratio:
                    sent = at + 3_000
                    if begins <= sent < ends:
                        yield told._replace(at=sent)
            day += timedelta(days=1)

    def _chained_outages(self, local: LocalDay) -> list[Outage]:
        """The outages of a day, and those that keep waiting what was said in them."""
        ends = local.ends
        while True:
            outages = self.outages(local.begins, ends)
            reach = max((outage.ends for outage in outages), default=0) + 1
            if reach <= ends:
                return outages
            ends = reach

    def _say(
        self,
        what: Happening | str,
        at: int | None,
        created: int,
        ahead: int,
        run: str,
        seq: int,
        boot: int,
        noise: float,
    ) -> Told:
        body: dict[str, Any] = {"event_time": self._clock(created + ahead), "boot_id": run, "seq": seq}
        if isinstance(what, Happening):
            body["type"] = what.type
            if what.value is not None:
                body["value"] = what.value
            if what.unit is not None:
                body["unit"] = what.unit
            if what.origin != "citizen":
                body["origin"] = what.origin
            return Told(at, created, "event", _json(body), what.origin, (what.type, what.value))
        if self.device.power == "battery":
            left = self._battery_left(created)
            body["battery_pct"] = round(100 * left)
            if self.hardware.measures_volts:
                body["battery_v"] = round(2.3 + 0.7 * left**0.5, 2)
        body["rssi_dbm"] = round(self.hardware.rssi_dbm + noise)
        body["uptime_s"] = (created - boot) // 1000
        body["fw"] = self.hardware.fw
        return Told(at, created, "health", _json(body))

    def _report(self, state: bool, at: int | None, created: int, noise: float) -> Told:
        """A Zigbee sensor's message: the coordinator adds signal and time."""
        assert self.sensor is not None
        body: dict[str, Any] = {self.sensor.attribute: state}
        if self.device.power == "battery":
            body["battery"] = round(100 * self._battery_left(created))
        body["linkquality"] = max(1, min(255, round(2 * (self.hardware.rssi_dbm + 110) + 4 * noise)))
        body["last_seen"] = zulu(moment(created))
        return Told(at, created, "", _json(body), "citizen", (self.sensor.attribute, float(state)))

    def _clock(self, at: int) -> int | str:
        return at if self.hardware.writes_epoch_milliseconds else _rfc3339(at, self.zone)

    def _doings(self, local: LocalDay, outages: list[Outage]) -> Iterator[tuple[int, int, Happening | str]]:
        """What the device does on a day: (when, rank among what happens at once, what)."""
        begins, ends = max(local.begins, self.placed), min(local.ends, self.removed)
        for each in self._life(local):
            yield each.at, 3, each
        for at in self._boots(local):
            yield at, 0, "boot"
            if not any(each.begins <= at < each.ends for each in outages):
                yield at, 1, "online"
            yield at + 2_000, 2, "beat"
        jitter = draw(self._seed, self.device.device, local.day, "heartbeat")
        spread = min(self._interval // 20, MINUTE)
        first = -(-(local.begins - self.hardware.phase) // self._interval) * self._interval
        for beat in range(first + self.hardware.phase, local.ends, self._interval):
            at = min(beat + round(jitter.random() * spread), local.ends - 1)
            if begins <= at < ends:
                yield at, 3, "beat"
        for outage in outages:
            noticed = outage.begins + WILL_DELAY
            follows = any(each.begins < outage.begins < each.ends for each in outages)
            if begins <= noticed < ends and not follows:
                yield noticed, 1, "offline"
            goes_on = any(each.begins <= outage.ends < each.ends for each in outages)
            if begins <= outage.ends < ends and not goes_on and outage.cause != "battery":
                yield outage.ends, 1, "online"
        if begins < self.removed - 1_000 < local.ends:
            yield self.removed - 1_000, 4, "offline"

    def _boots(self, local: LocalDay) -> list[int]:
        """When the device starts on that day: when placed, with a new battery, and sometimes by itself."""
        boots = [outage.ends for outage in self._flat_batteries(local.begins - 1, local.ends)]
        rng = draw(self._seed, self.device.device, local.day, "reboot")
        if rng.random() < REBOOT_PER_DAY:
            boots.append(rng.randrange(local.begins, local.ends))
        placed = [self.placed] if local.begins <= self.placed < local.ends else []
        return placed + sorted(
            at
            for at in boots
            if max(local.begins, self.placed + MINUTE) <= at < min(local.ends, self.removed)
        )

    def _boot_before(self, at: int) -> int:
        day = day_of(at, self.zone)
        while True:
            boots = [boot for boot in self._boots(local_day(day, self.zone)) if boot <= at]
            if boots:
                return boots[-1]
            day -= timedelta(days=1)

    def _run_id(self, boot: int) -> str:
        about = f"{self._seed}/{self.device.device}/{boot}".encode()
        return blake2b(about, digest_size=4).hexdigest()

    def _battery_left(self, at: int) -> float:
        """The share of the battery that is left: 1 new, 0 flat."""
        since = (at - self.placed) % (self.hardware.battery_life + self._flat_time)
        return max(0.0, 1 - since / self.hardware.battery_life)

    @property
    def _flat_time(self) -> int:
        return self.hardware.days_until_new_battery * 24 * HOUR

    def _flat_batteries(self, begins: int, ends: int) -> Iterator[Outage]:
        if self.device.power == "mains":
            return
        cycle = self.hardware.battery_life + self._flat_time
        number = max(0, (begins - self.placed) // cycle)
        while (flat := self.placed + number * cycle + self.hardware.battery_life) < ends:
            if flat + self._flat_time > begins:
                yield Outage(flat, flat + self._flat_time, True, "battery")
            number += 1


def _hardware(seed: int, device: Device) -> Hardware:
    rng = draw(seed, device.device, "hardware")
    interval = max(1_000, round(device.heartbeat_minutes * MINUTE))
    weak = rng.random() < 0.12
    life_days = rng.uniform(45, 110) if weak else rng.uniform(250, 900)
    return Hardware(
        phase=rng.randrange(interval),
        writes_epoch_milliseconds=rng.random() < 0.3,
        clock_drift_seconds_per_day=rng.choice((-15, -8, 9, 15)) if rng.random() < 0.1 else 0,
        duplicate_ratio=0.03 if rng.random() < 0.1 else 0.002,
        rssi_dbm=rng.randint(-86, -52),
        measures_volts=rng.random() < 0.4,
        battery_life=round(life_days * 24 * HOUR),
        days_until_new_battery=rng.randint(1, 6),
        fw=rng.choice(("1.4.2", "1.5.0", "2.0.1")),
    )


@lru_cache(maxsize=1 << 15)
def _outage(seed: int, cause: Cause, key: str, day: date, zone: ZoneInfo) -> Outage | None:
    """The outage that begins on `day`, if one does."""
    rng = draw(seed, cause, key, day)
    if rng.random() >= OUTAGE_PER_DAY[cause]:
        return None
    local = local_day(day, zone)
    begins = rng.randrange(local.begins, local.ends)
    hours = min(1.5 * 40 ** rng.random(), 24.0 * LONGEST_OUTAGE_DAYS)
    return Outage(begins, begins + round(hours * HOUR), rng.random() < LOST_RATIO, cause)


def _next_free(at: int, outages: list[Outage]) -> int:
    """The first moment from `at` on that lies in none of `outages`."""
    for outage in outages:
        if outage.begins <= at < outage.ends:
            return _next_free(outage.ends, outages)
    return at


def _rfc3339(at: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at / 1000, zone).isoformat(timespec="milliseconds")


def _json(body: dict[str, Any]) -> str:
    return json.dumps(body, separators=(",", ":"))
