"""What really happened in a simulation, so that Nyttig's figures can be held against it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from nyttig.model import Technology, TrialPackage, UseRule
from simulators.days import HOUR, MINUTE, day_of, local_day, milliseconds, moment, zulu
from simulators.device import Told
from simulators.scenario import Place, places
from simulators.technologies import Happening, is_use


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happened with one device at one place on one local day. Times are aware, in UTC.

    uses: when the citizen's uses began. heard_uses: those of them that Nyttig can know of (one that began in a
    silence counts from the first of it that was heard). other_uses: the same things done by staff, installers or
    as a test. silent: from–to, what was said in it is lost, or has not been sent yet at the end of the simulation
    (a broker's last will may still say `offline` in it). late: from–to, what was said in it came later. The
    device writes its times `clock_ahead_seconds` ahead.
    """

    trial: str
    home: str
    device: str
    technology: str
    day: date
    uses: tuple[datetime, ...]
    heard_uses: tuple[datetime, ...]
    other_uses: tuple[datetime, ...]
    silent: tuple[tuple[datetime, datetime], ...]
    late: tuple[tuple[datetime, datetime], ...]
    clock_ahead_seconds: int

    def as_json(self) -> str:
        """The record as one line of JSON, times as RFC 3339 in UTC."""
        return json.dumps(
            {
                "trial": self.trial,
                "home": self.home,
                "device": self.device,
                "technology": self.technology,
                "day": self.day.isoformat(),
                "uses": [zulu(at) for at in self.uses],
                "heard_uses": [zulu(at) for at in self.heard_uses],
                "other_uses": [zulu(at) for at in self.other_uses],
                "silent": [[zulu(a), zulu(b)] for a, b in self.silent],
                "late": [[zulu(a), zulu(b)] for a, b in self.late],
                "clock_ahead_seconds": self.clock_ahead_seconds,
            }
        )


def truths(package: TrialPackage, *, seed: int, begins: datetime, ends: datetime) -> Iterator[Truth]:
    """The truth about `simulate` with the same arguments: device by device, day by day."""
    for place in places(package, seed):
        yield from _truths(package.trial.id, place, milliseconds(begins), milliseconds(ends))


def _truths(trial: str, place: Place, begins: int, ends: int) -> Iterator[Truth]:
    device, technology = place.simulated, place.technology
    begins, ends = max(begins, device.placed), min(ends, device.removed)
    if begins >= ends:
        return
    said: dict[date, list[Told]] = defaultdict(list)
    for told in device.tell(begins, ends):
        if told.reading is not None and told.created >= begins:
            said[day_of(told.created, device.zone)].append(told)
    silent = device.silences(begins, ends)
    late = [(each.begins, each.ends) for each in device.outages(begins, ends) if not each.lost]
    rest = {} if device.sensor is None else {device.sensor.attribute: float(device.sensor.at_rest)}
    last_values: dict[str, float] = dict(rest)
    last_heard_values: dict[str, float] = {}
    day = day_of(begins, device.zone)
    while (local := local_day(day, device.zone)).begins < ends:
        today = sorted(said[day], key=lambda told: told.created)
        uses = _uses(technology, today, last_values)
        heard = _uses(technology, [told for told in today if told.at is not None], last_heard_values)
        start, stop = max(local.begins, begins), min(local.ends, ends)
        yield Truth(
            trial,
            place.home.home,
            place.device.device,
            technology.id,
            day,
            uses=tuple(moment(at) for at, citizen in uses if citizen),
            heard_uses=tuple(moment(at) for at, citizen in heard if citizen),
            other_uses=tuple(moment(at) for at, citizen in uses if not citizen),
            silent=_clipped(silent, start, stop),
            late=_clipped(late, start, stop),
            clock_ahead_seconds=device.clock_ahead_seconds(day),
        )
        day += timedelta(days=1)


def _uses(
    technology: Technology, said: Iterable[Told], last_values: dict[str, float]
) -> list[tuple[int, bool]]:
    """When uses began, and whether the citizen made them; readings closer than the joining gap are one."""
    gap = round(technology.joining_gap_minutes * MINUTE)
    uses: list[tuple[int, bool]] = []
    last = {True: -HOUR * 1000, False: -HOUR * 1000}
    for told in said:
        assert told.reading is not None
        kind, value = told.reading
        before = last_values.get(kind)
        if value is not None:
            last_values[kind] = value
        citizen = told.origin == "citizen"
        if not is_use(technology, Happening(told.created, kind, value)) or not _crosses(
            technology, kind, before
        ):
            continue
        if told.created - last[citizen] > gap:
            uses.append((told.created, citizen))
        last[citizen] = told.created
    return uses


def _crosses(technology: Technology, kind: str, before: float | None) -> bool:
    return any(_at_rest(rule, before) for rule in technology.use_rules if rule.type == kind)


def _at_rest(rule: UseRule, before: float | None) -> bool:
    if rule.above is not None:
        return before is not None and before <= rule.above
    if rule.below is not None:
        return before is not None and before >= rule.below
    return True


def _clipped(
    spans: Iterable[tuple[int, int]], begins: int, ends: int
) -> tuple[tuple[datetime, datetime], ...]:
    return tuple((moment(max(a, begins)), moment(min(b, ends))) for a, b in spans if a < ends and b > begins)
