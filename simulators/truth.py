"""What really happened in a simulation, so that Nyttig's figures can be held against it."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from nyttig.model import TrialPackage
from simulators.days import day_of, local_day, milliseconds, moment, zulu
from simulators.device import Told
from simulators.scenario import Place, places
from simulators.uses import Said, uses


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
    told = [each for each in device.tell(begins, ends) if each.created >= begins]
    rest = (
        []
        if device.sensor is None
        else [Said(moment(begins), device.sensor.attribute, float(device.sensor.at_rest))]
    )
    used = _by_day(place, [*rest, *map(_said, told)], watched=True)
    heard = _by_day(place, [_said(each) for each in told if each.at is not None], watched=False)
    silent = device.silences(begins, ends)
    late = [(each.begins, each.ends) for each in device.outages(begins, ends) if not each.lost]
    day = day_of(begins, device.zone)
    while (local := local_day(day, device.zone)).begins < ends:
        start, stop = max(local.begins, begins), min(local.ends, ends)
        yield Truth(
            trial,
            place.home.home,
            place.device.device,
            technology.id,
            day,
            uses=tuple(at for at, citizen in used[day] if citizen),
            heard_uses=tuple(at for at, citizen in heard[day] if citizen),
            other_uses=tuple(at for at, citizen in used[day] if not citizen),
            silent=_clipped(silent, start, stop),
            late=_clipped(late, start, stop),
            clock_ahead_seconds=device.clock_ahead_seconds(day),
        )
        day += timedelta(days=1)


def _by_day(place: Place, said: list[Said], *, watched: bool) -> dict[date, list[tuple[datetime, bool]]]:
    """When uses began, by local day, and whether the citizen made them.

    `watched`: by who sees all of it. Else as can be told from what is said, where a silence may hide anything.
    """
    found: dict[date, list[tuple[datetime, bool]]] = defaultdict(list)
    heartbeat = math.inf if watched else place.device.heartbeat_minutes
    for at, citizen in uses(place.technology, heartbeat, said):
        found[at.astimezone(place.simulated.zone).date()].append((at, citizen))
    return found


def _said(told: Told) -> Said:
    kind, value = (told.channel, None) if told.reading is None else told.reading
    return Said(moment(told.created), kind, value, told.origin or "auto")


def _clipped(
    spans: Iterable[tuple[int, int]], begins: int, ends: int
) -> tuple[tuple[datetime, datetime], ...]:
    return tuple((moment(max(a, begins)), moment(min(b, ends))) for a, b in spans if a < ends and b > begins)
