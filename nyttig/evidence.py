"""What a trial's figures rest on: who had which device when, when devices were heard, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from nyttig.entries.kinds import day_of
from nyttig.figures import coverage
from nyttig.figures.alarms import judged
from nyttig.figures.heard import Fold, Heard, Hours, fold_hours, heard_in, join, joined, one_table
from nyttig.figures.minutes import SPAN, Integers, bits_set, minutes_of, moment_of
from nyttig.figures.proof import apart, reach_minutes
from nyttig.folding import DAY_MINUTES, PERIOD_MINUTES, events_by_day, total_events, unfolded
from nyttig.model import Home, TrialPackage
from nyttig.store import (
    alarms,
    arrivals,
    counters,
    db,
    folds,
    gaps,
    past,
    platform,
    registry,
    retention,
    rollups,
)
from nyttig.store.db import Session
from nyttig.store.past import NotRecoverable

WHEREVER_IT_WAS = frozenset({"ambassador_activity", "demo_visit"})
"""What staff did counts as theirs, also in a demo apartment, which is no home of the trial."""

HOURS_AT_ONCE = 400_000
"""So many unfolded hours are held in memory at a time: some 100 MB."""


class Evidence(NamedTuple):
    """All that one trial's figures are worked out from, as of one moment; times in UTC.

    `package` is the trial as it stood then, without demo apartments. `exposures`: home, unit, device, role, from_at,
    to_at, heartbeat_minutes, tells_armed. `heard`: the rollups that may bear on them, an hour a row or folded.
    `pauses`: home, paused_from, paused_to.
    `outages`: began_at, ended_at of platform outages that may have lost data. `gaps`: device, from_at, to_at around
    messages that were sent and never came. `recovered_uses`: device, from_at, to_at, uses that counters give back.
    `alarms`: device, raised_at, raised_by, handled_at, handled_by. `known_at`: nothing that came later is in it (None:
    everything known is); `arrived_later_total` events about the time before `as_of` came later.
    """

    package: TrialPackage
    as_of: datetime
    exposures: pd.DataFrame
    heard: pd.DataFrame | Heard
    pauses: pd.DataFrame
    outages: pd.DataFrame
    gaps: pd.DataFrame
    recovered_uses: pd.DataFrame
    alarms: pd.DataFrame
    known_at: datetime | None = None
    arrived_later_total: int = 0
    not_recoverable: tuple[NotRecoverable, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which the trial's days are counted."""
        return ZoneInfo(self.package.trial.timezone)

    @property
    def hours(self) -> pd.DataFrame:
        """The rollups, an hour a row. Raises TypeError where they are folded."""
        if isinstance(self.heard, Heard):
            raise TypeError("this evidence is folded: ask for it hour by hour")
        return self.heard

    @property
    def primary(self) -> pd.DataFrame:
        """The exposures of the devices that carry the figures."""
        return self.exposures[self.exposures["role"] == "primary"].reset_index(drop=True)


class Totals(NamedTuple):
    """How many events the figures rest on, and the minutes of the first and the last message."""

    events: int
    first_at: datetime | None
    last_at: datetime | None


def evidence(
    connection: Session,
    trial_id: str,
    as_of: datetime,
    *,
    folded: bool = False,
    known_at: datetime | None = None,
    home: str | None = None,
    from_day: date | None = None,
) -> Evidence:
    """Everything that is known of the trial before `as_of`: now, or, with `known_at`, as it was known then.

    `folded`: under the trial's own tolerance, and without a row for every hour; the figures are the same. With
    `known_at` what the connection has not committed is lost. `home`: what was exposed and heard in one home only, and of
    the trial what bears on its days. `from_day`: what was heard and lost only as far as it bears on the days from that on.
    Raises NotFoundError, StoreUnavailableError.
    """
    with db.translated():
        if known_at is None:
            package = registry.read(connection, trial_id, home=home)
            return _evidence(connection, package, as_of, folded, home, from_day)
        with arrivals.apart(connection):
            then = past.read(connection, trial_id, known_at)
            placed = then.package.placements
            devices = sorted({each.device for each in placed if home in (None, each.home)})
            arrivals.forget_later(connection, devices, known_at)
            found = _evidence(connection, then.package, as_of, folded, home, from_day)
            begins = min(found.exposures["from_at"], default=as_of)
            lost, kept_from = then.not_recoverable, retention.kept_from(connection)
            if kept_from is not None and begins < kept_from:
                lost = (*lost, NotRecoverable("raw_events", kept_from))
            return found._replace(
                known_at=known_at,
                arrived_later_total=arrivals.count_later(connection, begins, as_of),
                not_recoverable=lost,
            )


def _evidence(
    connection: Session,
    package: TrialPackage,
    as_of: datetime,
    folded: bool,
    home: str | None,
    from_day: date | None,
) -> Evidence:
    package = known_at(package, as_of)
    exposures = _exposures(package, as_of)
    if home is not None:
        exposures = exposures[exposures["home"] == home].reset_index(drop=True)
    devices = sorted(set(exposures["device"]))
    begins = min(exposures["from_at"], default=as_of)
    if from_day is not None and from_day > package.trial.starts:
        begins = min(max(begins, beginning_of_day(from_day, package.trial.timezone)), as_of)
    outages = [
        (outage.began_at, outage.ended_at)
        for outage in platform.outages(connection, trial_id=package.trial.id, lossy_only=True)
    ]
    away = _in_utc(pd.DataFrame(outages, columns=["began_at", "ended_at"]))
    pauses = [(pause.home, pause.paused_from, pause.paused_to) for pause in package.pauses]
    span = begins - _longest_reach(package), as_of
    return Evidence(
        package=package,
        as_of=as_of,
        exposures=exposures,
        heard=_heard(connection, package, exposures, away, span)
        if folded
        else rollups.read(connection, devices, *span),
        pauses=_in_utc(pd.DataFrame(pauses, columns=["home", "paused_from", "paused_to"])),
        outages=away,
        gaps=gaps.read(connection, devices, begins, as_of),
        recovered_uses=counters.read(connection, devices, begins, as_of),
        alarms=alarms.read(connection, devices, begins, as_of),
    )


def device_days(found: Evidence, exposures: pd.DataFrame | None = None) -> pd.DataFrame:
    """The device-days of the trial's primary devices, or of `exposures`: `coverage.DAY_COLUMNS`."""
    trial = found.package.trial
    return coverage.device_days(
        found.heard,
        found.primary if exposures is None else exposures,
        found.pauses,
        found.outages,
        found.gaps,
        timezone=trial.timezone,
        parameters=trial.parameters,
    )


def judged_alarms(found: Evidence) -> pd.DataFrame:
    """The alarms of all devices in the trial's homes, and what became of each: see `figures.alarms.judged`."""
    return judged(
        found.alarms,
        found.heard,
        found.exposures,
        found.outages,
        found.gaps,
        as_of=found.as_of,
        parameters=found.package.trial.parameters,
    )


@lru_cache(maxsize=4096)
def end_of_day(day: date, timezone: str) -> datetime:
    """The moment at which a local day ends: what `as of` that day means."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(timezone)).astimezone(UTC)


def beginning_of_day(day: date, timezone: str) -> datetime:
    """The moment at which a local day begins."""
    return end_of_day(day - timedelta(days=1), timezone)


def last_day(as_of: datetime, zone: ZoneInfo) -> date:
    """The last local day of which anything lies before `as_of`."""
    return (as_of.astimezone(zone) - timedelta(microseconds=1)).date()


def known_at(package: TrialPackage, as_of: datetime) -> TrialPackage:
    """The trial as it stood at `as_of`, without demo apartments: they are no homes of it, in no figure."""
    today = last_day(as_of, ZoneInfo(package.trial.timezone))

    def known(home: Home) -> Home:
        steps = ("asked_on", "consented_on", "installed_on", "ended_on")
        to_come: dict[str, Any] = {step: None for step in steps if (getattr(home, step) or today) > today}
        if "ended_on" in to_come:
            to_come["end_reason"] = None
        return replace(home, **to_come) if to_come else home

    homes = tuple(known(home) for home in package.homes if home.site_type == "home")
    codes = {home.home for home in homes}
    return replace(
        package,
        homes=homes,
        visits=tuple(each for each in package.visits if each.home in codes and each.started_at < as_of),
        measures=tuple(each for each in package.measures if each.home in codes and each.measured_on <= today),
        entries=tuple(
            each
            for each in package.entries
            if (each.kind in WHEREVER_IT_WAS or getattr(each.data, "home", None) in codes | {None})
            and (day_of(each.data) or today) <= today
        ),
    )


def _exposures(package: TrialPackage, as_of: datetime) -> pd.DataFrame:
    """When each device of the trial stood in a home that was in the trial."""
    trial = package.trial
    devices = {device.device: device for device in package.devices}
    can_tell = {technology.id for technology in package.technologies if technology.armed_rules}
    homes = {}
    for home in package.homes:
        if home.installed_on is not None:
            begins = max(home.installed_on, trial.starts)
            last_days = [day for day in (home.ended_on, trial.ends) if day is not None]
            ends = [end_of_day(min(last_days), trial.timezone)] if last_days else []
            homes[home.home] = (
                home.unit,
                beginning_of_day(begins, trial.timezone),
                min([as_of, *ends]),
            )
    rows = []
    for placement in package.placements:
        if placement.home not in homes:
            continue
        device = devices[placement.device]
        unit, begins_at, ends_at = homes[placement.home]
        from_at = max(placement.placed_at, begins_at)
        to_at = ends_at if placement.removed_at is None else min(placement.removed_at, ends_at)
        if to_at > from_at:
            heartbeat, tells = device.heartbeat_minutes, device.technology in can_tell
            rows.append((placement.home, device.device, from_at, unit, device.role, to_at, heartbeat, tells))
    rows.sort(key=lambda row: row[:3])
    columns = ["home", "device", "from_at", "unit", "role", "to_at", "heartbeat_minutes", "tells_armed"]
    shown = ["home", "unit", "device", "role", "from_at", "to_at", "heartbeat_minutes", "tells_armed"]
    frame = _in_utc(pd.DataFrame(rows, columns=columns)[shown])
    return frame.astype({"heartbeat_minutes": "float64", "tells_armed": "bool"})


def totals(found: Evidence) -> Totals:
    """What the figures rest on, from all devices of the trial."""
    if isinstance(found.heard, Heard):
        ends = (found.heard.first_minute, found.heard.last_minute)
        first, last = (None if minute is None else moment_of(minute) for minute in ends)
        return Totals(found.heard.events_total, first, last)
    hours = found.heard[found.heard["alive_minutes"] != 0]
    first, last = (_minute_heard(hours, first=first) if len(hours) else None for first in (True, False))
    return Totals(int(found.heard["events_total"].sum()), first, last)


def _minute_heard(hours: pd.DataFrame, *, first: bool) -> datetime:
    hour = hours["hour"].min() if first else hours["hour"].max()
    masks = [int(mask) for mask in hours.loc[hours["hour"] == hour, "alive_minutes"]]
    minutes = [(mask & -mask).bit_length() - 1 if first else mask.bit_length() - 1 for mask in masks]
    moment: datetime = hour.to_pydatetime()
    return moment + timedelta(minutes=min(minutes) if first else max(minutes))


def _longest_reach(package: TrialPackage) -> timedelta:
    """For how long after a message one of the devices may count as observed."""
    heartbeat = max((device.heartbeat_minutes for device in package.devices), default=0.0)
    return timedelta(minutes=heartbeat * package.trial.parameters.heartbeat_tolerance)


# Folded


class _Spans(NamedTuple):
    """Times of devices, by their place: minutes [start, end) at full hours."""

    owner: Integers
    start: Integers
    end: Integers


def _heard(
    connection: Session,
    package: TrialPackage,
    exposures: pd.DataFrame,
    outages: pd.DataFrame,
    span: tuple[datetime, datetime],
) -> Heard:
    """What the devices said in `span`, from folds, and where there is none from hours that are folded here.

    Folds also hold what was said before and after: nothing of that bears on a minute in `span`.
    """
    per_device = exposures.drop_duplicates("device").sort_values("device", ignore_index=True)
    devices = pd.Index(per_device["device"])
    reach = reach_minutes(per_device["heartbeat_minutes"], package.trial.parameters)
    numbers = folds.ids(connection, devices.tolist())
    ids = np.array([numbers[code] for code in devices], dtype=np.int64)
    (begins,), (ends,) = (_full_hours(minutes_of(pd.Series([at]))) for at in span)
    ends = ends if span[1] == moment_of(int(ends)) else ends + 60
    first, behind = int(begins // PERIOD_MINUTES), int(-(-ends // PERIOD_MINUTES))

    kept = folds.read(connection, ids.tolist(), reach.tolist(), first, behind)
    # Of most folds every event counts; the days of those at either end are looked at one by one.
    at_end = np.isin(kept.period, [first, behind - 1])
    device, day, events = events_by_day(kept, np.flatnonzero(at_end))
    day_begins, day_ends = np.maximum(day * DAY_MINUTES, begins), np.minimum((day + 1) * DAY_MINUTES, ends)
    fold = unfolded(kept)
    cut_off = heard_in(fold, device, day * DAY_MINUTES, day_begins)
    cut_off |= heard_in(fold, device, day_ends, (day + 1) * DAY_MINUTES)
    inside = day_ends > day_begins
    part = np.flatnonzero(inside & cut_off)
    events_total = total_events(kept) - int(events.sum()) + int(events[inside & ~cut_off].sum())

    parts = [fold]
    for hours in _read(
        connection, ids, _unfolded(kept, len(ids), np.arange(first, behind), int(begins), int(ends))
    ):
        parts.append(fold_hours(hours, reach))
        events_total += int(hours.events_total.sum())

    # Where the very minute matters, the hours as well: in outages, before a move, and at both ends of the span.
    whole, until = joined(parts, reach), int(minutes_of(pd.Series([span[1]]))[0])
    cut = _Spans(device[part], day_begins[part], day_ends[part])
    wanted = [
        *_in_outages(parts, outages), _before_moves(exposures, devices, reach),
        cut, *_at_ends(whole, reach, int(begins), until, int(ends)),
    ]  # fmt: skip
    owner, start, end = (np.concatenate(column) for column in zip(*wanted, strict=True))
    start, end = np.maximum(_full_hours(start), begins), np.minimum(-_full_hours(-end), ends)
    some = end > start
    near = _Spans(*join(owner[some], start[some], end[some], np.zeros_like(ids)))
    hours = one_table([*_read(connection, ids, near)])
    in_cut = np.isin(hours.owner * SPAN + hours.hour // DAY_MINUTES, device[part] * SPAN + day[part])
    row, bit = bits_set(hours.alive)
    minutes = np.concatenate(
        [
            hours.hour[row] + bit,
            *(of[(of >= begins) & (of < ends)] for each in parts for of in (each.first, each.last)),
        ]
    )
    return Heard(
        devices=devices,
        reach=reach,
        fold=whole,
        hours=hours,
        events_total=events_total + int(hours.events_total[in_cut].sum()),
        first_minute=int(minutes.min()) if len(minutes) else None,
        last_minute=int(minutes.max()) if len(minutes) else None,
    )


def _unfolded(kept: folds.KeptMany, devices: int, periods: Integers, begins: int, ends: int) -> _Spans:
    """The times in [begins, ends) that no fold holds."""
    known_to = np.tile(periods * PERIOD_MINUTES, (devices, 1))
    known_to[kept.device, kept.period - periods[:1]] += kept.folded_days * DAY_MINUTES
    start = np.maximum(known_to, begins)
    end = np.broadcast_to(np.minimum((periods + 1) * PERIOD_MINUTES, ends), start.shape)
    owner, period = np.nonzero(end > start)
    return _Spans(*join(owner, start[owner, period], end[owner, period], np.zeros(devices, dtype=np.int64)))


def _in_outages(parts: list[Fold], outages: pd.DataFrame) -> list[_Spans]:
    """The platform outages, of the devices that may have been heard in them."""
    found = []
    for began, ended in zip(*apart(outages), strict=True):
        heard = [part.stretch_of[(part.first < ended) & (part.last >= began)] for part in parts]
        owner = np.unique(np.concatenate(heard))
        found.append(_Spans(owner, np.full(len(owner), began), np.full(len(owner), ended)))
    return found


def _before_moves(exposures: pd.DataFrame, devices: pd.Index[str], reach: Integers) -> _Spans:
    """The time in which a device last spoke from a home that others went on watching."""
    owner, end = devices.get_indexer(pd.Index(exposures["device"])), minutes_of(exposures["to_at"])
    left = end < pd.Series(end).groupby(exposures["home"]).transform("max").to_numpy()
    return _Spans(owner[left], (end - reach[owner])[left], end[left])


def _at_ends(fold: Fold, reach: Integers, begins: int, until: int, ends: int) -> list[_Spans]:
    """Where the first and the last message of a span are that begins, or ends, amid a stretch.

    `ends` is the full hour that the report's moment `until` lies in the last hour before.
    """
    first = np.unique(fold.stretch_of[(fold.first < begins) & (begins <= fold.last)])
    last = np.unique(fold.stretch_of[(fold.first < ends) & (until <= fold.last)])
    return [
        _Spans(first, np.full(len(first), begins), begins + reach[first]),
        _Spans(last, until - reach[last], np.full(len(last), ends)),
    ]


def _read(connection: Session, ids: Integers, spans: _Spans) -> Iterator[Hours]:
    """The rollups of these times, not too many at once."""
    lengths = (spans.end - spans.start) // 60
    part = (np.cumsum(lengths) - lengths) // HOURS_AT_ONCE
    edges = np.searchsorted(part, np.arange(int(part.max(initial=-1)) + 2))
    for begin, end in pairwise(edges.tolist()):
        asked = slice(begin, end)
        ranges = np.column_stack([ids[spans.owner[asked]], spans.start[asked], spans.end[asked]])
        found = folds.hours(connection, ranges)
        yield Hours._make([spans.owner[asked][found.range], *found[1:]])


def _full_hours(minutes: Integers) -> Integers:
    """The full hours at or before these minutes."""
    return minutes // 60 * 60


def _in_utc(frame: pd.DataFrame) -> pd.DataFrame:
    times = [name for name in frame.columns if name.endswith(("_at", "_from", "_to"))]
    return frame.assign(**{name: pd.to_datetime(frame[name], utc=True) for name in times})
