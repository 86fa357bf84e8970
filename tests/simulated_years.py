"""Years of simulated devices with known failures, judged as device health judges them: delays, false alarms, forecasts.

The devices are the simulators' own: heartbeats with jitter, reboots, drifting clocks, lost signal, a gateway that fails,
batteries that run flat. What the platform receives is worked out from what they send and from when the platform was
away; then every gap is judged by `nyttig.health` alone, from the facts that the store would give at that moment.
bench/device_health.py prints the tables of docs/device-health.md from this.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

from nyttig.health.assess import assess, needs_history
from nyttig.health.battery import Forecast, Level, forecast
from nyttig.health.facts import AliveHour, Closer, DeviceFacts, Heard
from nyttig.health.findings import THRESHOLDS, Status
from nyttig.health.silence import Away, heard_as_declared
from nyttig.model import Device, Placement
from simulators.days import HOUR, MINUTE, LocalDay, day_of, draw, milliseconds, moment
from simulators.device import SimulatedDevice
from simulators.technologies import Happening

OSLO = ZoneInfo("Europe/Oslo")
BEGINS = datetime(2025, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
SETTLING = timedelta(days=30)
"""Longer than the history that a rhythm is learned from; what happens before is not counted."""
NEVER_MINUTES = 60.0 * 24 * 3650


class Kind(NamedTuple):
    """A kind of device: how often it says that it is there (None: never), what the registry says it does, and on how
    many occasions a day it speaks because something happens."""

    name: str
    beat_minutes: float | None
    declared_minutes: float
    events_per_day: int
    technology: str = "medicine_dispenser"


KINDS = (
    Kind("every 5 minutes", 5, 5, 0),
    Kind("every hour", 60, 60, 4),
    Kind("every hour, Zigbee", 60, 60, 30, "door_sensor"),
    Kind("once a day", 1440, 1440, 1),
    Kind("every 4 hours, declared 1 h", 240, 60, 0),
    Kind("every 4 hours and when something happens, declared 1 h", 240, 60, 25),
    Kind("only when something happens, declared 1 h", None, 60, 25),
)


class Absence(NamedTuple):
    """A time in which the platform was away; `lossy`: what was sent meanwhile never came."""

    began_at: datetime
    ended_at: datetime
    lossy: bool


class Message(NamedTuple):
    """A message as the platform has it: when it came, and the time it counts for (milliseconds)."""

    received: int
    at: int


@dataclass
class Judged:
    """What came of the devices of a kind. Delays in expected intervals, from the failure to the finding."""

    device_years: float = 0.0
    failures: int = 0
    delays: list[float] = field(default_factory=list)
    false_alarms: int = 0
    false_after_restart: int = 0
    restarts: int = 0
    late: int = 0
    unknown: int = 0

    @property
    def false_per_device_year(self) -> float:
        """False alarms per device-year."""
        return self.false_alarms / self.device_years


def judged(kind: Kind, seeds: Iterable[int], *, years: float = 1.0) -> Judged:
    """Devices of this kind, one a seed, over so many years each, all of them behind a platform that is away at times."""
    total = Judged()
    for seed in seeds:
        _judge(kind, seed, BEGINS + years * YEAR, total)
        total.device_years += years - SETTLING / YEAR
    return total


def absences(seed: int, ends: datetime) -> list[Absence]:
    """When the platform was away: a restart of a minute each week, and now and then hours, lossy or not."""
    chance = draw(seed, "platform")
    found, at = [], BEGINS + timedelta(days=1)
    while at < ends - timedelta(days=1):
        minutes = 1.0 if chance.random() < 0.7 else 5 * 100 ** chance.random()
        found.append(Absence(at, at + timedelta(minutes=minutes), chance.random() < 0.5))
        at += timedelta(days=chance.uniform(3, 11))
    return found


def simulated(kind: Kind, seed: int) -> SimulatedDevice:
    """The simulators' device of this kind."""
    dialect = "zigbee2mqtt" if kind.technology == "door_sensor" else "nyttig"
    device = Device(
        f"d{seed}",
        kind.technology,
        dialect,
        f"d{seed}",
        kind.beat_minutes or NEVER_MINUTES,
        "battery",
        "primary",
    )
    return SimulatedDevice(
        seed, device, Placement(device.device, f"h{seed}", BEGINS), OSLO, _life(kind, seed)
    )


def received(device: SimulatedDevice, ends: datetime, away: Sequence[Absence]) -> list[Message]:
    """What the platform has of what the device said, in the order in which it came."""
    spans = [(milliseconds(one.began_at), milliseconds(one.ended_at), one.lossy) for one in away]
    begins = [began for began, _, _ in spans]
    found = []
    for told in device.tell(milliseconds(BEGINS), milliseconds(ends)):
        if told.at is None or (told.channel == "state" and "offline" in told.text):
            continue
        at, received_at = (
            told.created + 1000 * device.clock_ahead_seconds(day_of(told.created, OSLO)),
            told.at,
        )
        place = bisect_right(begins, received_at) - 1
        if place >= 0 and received_at < spans[place][1]:
            if spans[place][2]:
                continue
            received_at = spans[place][1] + 1000
        found.append(Message(received_at, at))
    return sorted(found)


class Past:
    """All messages of a device, and what the store would say of them at any moment."""

    def __init__(self, kind: Kind, messages: Sequence[Message]) -> None:
        self.kind = kind
        self.messages = messages
        self._hours = self._rolled_up()

    def facts(self, now: datetime, known: int) -> DeviceFacts:
        """The facts at `now`, when so many messages had come."""
        newest = sorted(self.messages[max(0, known - 40) : known], key=lambda one: one.at, reverse=True)[:9]
        heard = tuple(Heard(moment(at), moment(came), moment(at), None) for came, at in newest)
        return DeviceFacts(
            "d", self.kind.technology, {}, "nyttig", "d", None, None, "battery", self.kind.declared_minutes, "h", "home", "u",
            BEGINS, (), "primary", heard, heard[0].received_at if heard else None,
        )  # fmt: skip

    def closer(self, facts: DeviceFacts, now: datetime, known: int, away: Away) -> Closer:
        """What is read besides, where the facts give reason to."""
        if not needs_history(facts, now, away):
            return Closer()
        keys, _ = self._hours
        last = bisect_right(keys, max(self.messages[known - 1].at, 0) // HOUR)
        hours = last - bisect_right(keys, keys[last - 1] - 7 * 24)
        return (
            Closer()
            if heard_as_declared(hours, self.kind.declared_minutes)
            else Closer(self.alive(now, known))
        )

    def alive(self, now: datetime, known: int) -> tuple[AliveHour, ...]:
        """The hours of the rhythm's window in which it was heard, oldest first."""
        hour = milliseconds(now) // HOUR
        first = hour - THRESHOLDS.rhythm_window // timedelta(hours=1)
        keys, values = self._hours
        low, high = bisect_left(keys, first), bisect_right(keys, self.messages[known - 1].at // HOUR)
        return tuple(AliveHour(moment(keys[n] * HOUR), values[n]) for n in range(low, high))

    def _rolled_up(self) -> tuple[list[int], list[int]]:
        bits: dict[int, int] = {}
        for _, at in self.messages:
            bits[at // HOUR] = bits.get(at // HOUR, 0) | 1 << at % HOUR // MINUTE
        keys = sorted(bits)
        return keys, [bits[key] for key in keys]


def _judge(kind: Kind, seed: int, ends: datetime, total: Judged) -> None:
    away = absences(seed, ends)
    device = simulated(kind, seed)
    messages = received(device, ends, away)
    past, platform = Past(kind, messages), Away((one.began_at, one.ended_at) for one in away)
    counts_from = milliseconds(BEGINS + SETTLING)
    outages = device.outages(milliseconds(BEGINS), milliseconds(ends))
    failures = _merged(outages, sorted(one.at for one in messages))
    expected = kind.beat_minutes or kind.declared_minutes
    found: dict[tuple[int, int], float] = {}
    total.restarts += sum(milliseconds(one.ended_at) >= counts_from for one in away)

    def status(at: int, known: int) -> Status:
        now = moment(at)
        facts = past.facts(now, known)
        health = assess(facts, past.closer(facts, now, known, platform), now, platform)
        return next((one.kind for one in health.findings if one.kind in ("silent", "late", "unknown")), "ok")

    newest = 0
    for known, (came, at) in enumerate(messages, 1):
        newest = max(newest, at)
        until = messages[known].received if known < len(messages) else milliseconds(ends)
        if (
            until - newest <= THRESHOLDS.late_after_intervals * kind.declared_minutes * MINUTE
            or until < counts_from
        ):
            continue
        at_last = status(until - 1, known)
        total.late += at_last == "late"
        total.unknown += at_last == "unknown"
        if at_last != "silent":
            continue
        low, high = came, until - 1  # when it began, to the second
        while high - low > 1000:
            middle = (low + high) // 2
            low, high = (low, middle) if status(middle, known) == "silent" else (middle, high)
        cause = next((one for one in failures if one[0] < high and one[1] > newest), None)
        if cause is None:
            total.false_alarms += 1
            total.false_after_restart += any(
                0 <= high - milliseconds(one.ended_at) <= 3 * expected * MINUTE for one in away
            )
        elif cause not in found:
            found[cause] = platform.listened(moment(max(cause[0], 0)), moment(high)) / timedelta(
                minutes=expected
            )
    for began, ended in failures:
        listened = platform.listened(moment(began), moment(ended)) / timedelta(minutes=expected)
        if began >= counts_from and ended <= milliseconds(ends) and listened >= 4:
            total.failures += 1
            if (began, ended) in found:
                total.delays.append(found[began, ended])


def _merged(outages: Iterable[tuple[int, int, bool, str]], spoke_at: Sequence[int]) -> list[tuple[int, int]]:
    """The outages as failures: those between which the device said nothing are one."""
    merged: list[tuple[int, int]] = []
    for began, ended, *_ in sorted(outages):
        if merged and bisect_left(spoke_at, merged[-1][1]) == bisect_left(
            spoke_at, max(began, merged[-1][1])
        ):
            merged[-1] = (merged[-1][0], max(merged[-1][1], ended))
        else:
            merged.append((began, ended))
    return merged


def _life(kind: Kind, seed: int) -> Callable[[LocalDay], Iterable[Happening]]:
    """Somebody who is up from about seven to about eleven, and away for a weekend now and then."""

    def life(local: LocalDay) -> Iterable[Happening]:
        chance = draw(seed, "life", local.day)
        weekend = local.day.isocalendar()
        if local.day.weekday() >= 5 and draw(seed, "weekend", *weekend[:2]).random() < 0.1:
            return
        for _ in range(round(chance.gauss(kind.events_per_day, kind.events_per_day / 5))):
            yield Happening(local.at(chance.triangular(6.5 * 60, 23 * 60, 14 * 60)), "opened", None)

    return life


# --- Batteries -----------------------------------------------------------------------------------


class Curve(NamedTuple):
    """How the reading of a battery falls over its life: from the share used (0..1) to what the device says."""

    name: str
    measure: str
    at: Callable[[float], float]


def _knee(used: float) -> float:
    """A small lithium cell: a long plain, then a knee."""
    return 100 - 35 * used / 0.8 if used < 0.8 else 65 * (1 - used) / 0.2


CURVES = (
    Curve("percent, along a line (as the simulators have it)", "battery_pct", lambda used: 100 * (1 - used)),
    Curve("percent, in steps of 5, colder in winter", "battery_pct", lambda used: 100 * (1 - used)),
    Curve("percent, alkaline: fast, slow, fast", "battery_pct",
          lambda used: 100 * (1 - used + 0.12 * math.sin(2 * math.pi * used) * -1)),
    Curve("percent, lithium: a plain and then a knee", "battery_pct", _knee),
    Curve("volts (as the simulators have it)", "battery_v", lambda used: 2.3 + 0.7 * (1 - used) ** 0.5),
)  # fmt: skip


class Foretold(NamedTuple):
    """A forecast so many days before the battery had to be replaced: how far off, and whether the interval held it."""

    days_before: int
    error_days: float | None
    held: bool | None
    width_days: float | None


def levels(curve: Curve, life_days: float, seed: int, days: int) -> list[Level]:
    """What the device said on its first `days` days: noise of a reading, steps, and the winter where the curve has them."""
    chance = random.Random(f"{curve.name}/{seed}")
    found = []
    for day in range(days):
        value = curve.at(min(day / life_days, 1.0))
        if "steps" in curve.name:
            value = 5 * round((value + 2 * math.cos(2 * math.pi * (day + seed) / 365)) / 5)
        elif curve.measure == "battery_v":
            value = round(value + chance.gauss(0, 0.01), 2)
        else:
            value = round(value + chance.gauss(0, 0.7))
        found.append(Level(BEGINS + timedelta(days=day), max(value, 0.0)))
    return found


def foretold(
    curve: Curve, seeds: Iterable[int], days_before: Sequence[int] = (90, 60, 30, 14)
) -> list[Foretold]:
    """Forecasts for batteries that live 120 to 900 days, so many days before each had to be replaced."""
    found = []
    for seed in seeds:
        life_days = random.Random(seed).uniform(120, 900)
        due = life_days * _used_at_end(curve)
        for before in days_before:
            if due - before < 30:
                continue
            told = _forecast(curve, levels(curve, life_days, seed, int(due - before)))
            truth = BEGINS + timedelta(days=due)
            if told.basis != "trend" or told.replace_at is None or told.earliest_at is None:
                found.append(Foretold(before, None, None, None))
            else:
                held = told.earliest_at <= truth and (told.latest_at is None or truth <= told.latest_at)
                width = (
                    None
                    if told.latest_at is None
                    else (told.latest_at - told.earliest_at) / timedelta(days=1)
                )
                found.append(Foretold(before, (told.replace_at - truth) / timedelta(days=1), held, width))
    return found


class Summary(NamedTuple):
    """Forecasts so many days before: how many, of how many something could be said, how far off, how often held."""

    days_before: int
    forecasts: int
    said_ratio: float
    error_days_median: float
    width_days_median: float
    held_ratio: float


def summed_up(foretold: Sequence[Foretold]) -> list[Summary]:
    """The forecasts by how many days before they were made, the earliest first."""
    found = []
    for before in sorted({one.days_before for one in foretold}, reverse=True):
        those = [one for one in foretold if one.days_before == before]
        errors = [abs(one.error_days) for one in those if one.error_days is not None]
        widths = [
            math.inf if one.width_days is None else one.width_days for one in those if one.held is not None
        ]
        held = [one.held for one in those if one.held is not None]
        found.append(
            Summary(
                before,
                len(those),
                len(errors) / len(those),
                median(errors) if errors else math.nan,
                median(widths) if widths else math.nan,
                sum(held) / len(held) if held else math.nan,
            )
        )
    return found


def _forecast(curve: Curve, told: list[Level]) -> Forecast:
    percents, volts = (told, []) if curve.measure == "battery_pct" else ([], told)
    return forecast(percents, volts, kind=None, placed_at=BEGINS)


def _used_at_end(curve: Curve) -> float:
    """The share of its life after which a battery with this curve has to be replaced."""
    end = 5.0 if curve.measure == "battery_pct" else 2.4
    low, high = 0.5, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if curve.at(middle) > end else (low, middle)
    return low
