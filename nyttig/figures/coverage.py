"""Would we have noticed? Device-days and their states from the hours in which devices were heard.

Definitions: docs/figures.md, section 2. All times are reckoned in whole minutes: a time inside a minute
belongs to that minute, so that what ends and what begins there meet without gap or overlap. Days are local
civil days.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from nyttig.figures.minutes import (
    Integers,
    Masks,
    bits,
    covered,
    minutes_of,
    moment_of,
    ranges,
    shared_minutes,
    window,
)
from nyttig.model import Parameters

STATES = "-ENKuU"
"""out, excused, unused, unknown, used while little observed, used and observed.

A home's day takes the rightmost of its devices' states."""

SHORT_DAY_MINUTES = 12 * 60
"""The first or last day of an exposure counts from this many exposed minutes on."""

DAY_COLUMNS = [
    "home",
    "unit",
    "device",
    "day",
    "exposed_minutes",
    "observed_minutes",
    "paused_minutes",
    "uses",
    "observed_ratio",
    "state",
    "lossy",
]

Bools = npt.NDArray[np.bool_]

Silence = tuple[str, datetime, datetime | None, int]
"""home, from, to (None: still silent), devices."""


def device_days(
    hours: pd.DataFrame,
    exposures: pd.DataFrame,
    pauses: pd.DataFrame,
    outages: pd.DataFrame,
    gaps: pd.DataFrame | None = None,
    *,
    timezone: str,
    parameters: Parameters,
) -> pd.DataFrame:
    """Return one row per exposure and local day of it: `DAY_COLUMNS`, in the order of the exposures.

    hours: device, hour (UTC), alive_minutes (bit m: a message in minute m of the hour), uses (starting in the
    hour), use_minutes (the minutes in which they start); at most one row per device and hour.
    exposures: home, unit, device, from_at, to_at, heartbeat_minutes: when the device's home was in the trial.
    pauses: home, paused_from, paused_to.
    outages: began_at, ended_at of platform outages that may have lost data.
    gaps: device, from_at, to_at: the events on either side of messages that the device sent and we never got.

    A message in minute m is proof of life for [m, m + k·H), H the device's heartbeat and k
    `parameters.heartbeat_tolerance`, less the minutes of outages that began after it: what was sent meanwhile
    and did arrive is proof of life like any other, what was sent before is none for them.
    `observed_minutes` are the minutes of the day inside the exposure under such proof, wherever the device
    stood when it was sent. `state` is one letter of `STATES`; `observed_ratio` = observed ÷ exposed minutes.
    `lossy` is a mark beside the state: a gap of the device touches the exposed part of the day, so that a use
    of that day may be among what was lost.
    """
    piece = _days_of(exposures, timezone)
    exposure = piece.pop("exposure").to_numpy()
    start, end = piece.pop("start").to_numpy(), piece.pop("end").to_numpy()
    exposed = end - start

    # A stream is a device with a heartbeat: nearly always simply the device.
    stream_of_exposure, row, stream, reach = _streams(hours, exposures, parameters)
    owner = stream_of_exposure[exposure]
    hour = minutes_of(hours["hour"])[row] // 60 * 60
    alive = _masks(hours["alive_minutes"])[row]
    observed = shared_minutes(*_proof_of_life(stream, hour, alive, reach, outages), owner, start, end)
    uses_of_hour = hours["uses"].to_numpy(dtype=np.int64)[row]
    some = np.flatnonzero(uses_of_hour)
    uses = _uses_within(
        stream[some],
        hour[some],
        uses_of_hour[some],
        _masks(hours["use_minutes"])[row[some]],
        owner,
        start,
        end,
    )

    homes = pd.Index(exposures["home"].unique())
    paused = shared_minutes(
        homes.get_indexer(pauses["home"]),
        minutes_of(pauses["paused_from"]),
        minutes_of(pauses["paused_to"], round_up=True),
        homes.get_indexer(piece["home"]),
        start,
        end,
    )

    ratio = observed / exposed
    enough = ratio >= parameters.observed_share_required
    changes = exposure[1:] != exposure[:-1]
    edge = (np.append(True, changes) | np.append(changes, True))[: len(exposure)]  # first or last day
    used = uses >= parameters.minimum_uses_per_day
    state = np.select(
        [
            edge & (exposed < SHORT_DAY_MINUTES),
            used & enough,
            used,
            paused == exposed,
            enough,
        ],
        ["-", "U", "u", "E", "N"],
        default="K",
    )
    return piece.assign(
        exposed_minutes=exposed,
        observed_minutes=observed,
        paused_minutes=paused,
        uses=uses,
        observed_ratio=ratio,
        state=pd.Series(state, index=piece.index, dtype="str"),
        lossy=_touched_by(gaps, piece["device"], start, end),
    )[DAY_COLUMNS]


def home_days(days: pd.DataFrame) -> pd.DataFrame:
    """Return one row per home and day, sorted so, of the home's devices together.

    Columns: `DAY_COLUMNS` without device. A home is used when a device of it is, unknown when none is and one
    is unknown, unused when all that count are. Minutes, uses and `observed_ratio` are those of the devices
    that are not out (0, 0 and NaN where all are); `lossy` when one of those is.
    On the day of a swap the uses of the device that went, or
    came, late in the day count too: the home was used, whichever of them it used.
    """
    out = days["state"] == "-"
    swapped = out & (days["uses"] > 0) & (~out).groupby([days["home"], days["day"]]).transform("any")
    minutes = ["exposed_minutes", "observed_minutes", "paused_minutes"]
    sums = [*minutes, "uses"]
    table = days[["home", "unit", "day"]].assign(
        **{name: days[name].where(~out, 0) for name in minutes},
        uses=days["uses"].where(~out | swapped, 0),
        lossy=days["lossy"] & ~out,
        state=days["state"]
        .where(~swapped, "u")
        .map({letter: rank for rank, letter in enumerate(STATES)})
        .astype("int64"),
    )
    groups = table.groupby(["home", "day"], sort=True, observed=True)
    found = groups.agg(
        {"unit": "first", **dict.fromkeys(sums, "sum"), "state": "max", "lossy": "any"}
    ).reset_index()
    exposed = found["exposed_minutes"]
    found["observed_ratio"] = found["observed_minutes"] / exposed.where(exposed > 0)
    found["state"] = found["state"].map(dict(enumerate(STATES))).astype("str")
    return found[[name for name in DAY_COLUMNS if name != "device"]]


def silences(
    hours: pd.DataFrame, exposures: pd.DataFrame, *, as_of: datetime, parameters: Parameters
) -> list[Silence]:
    """Return when homes with two or more devices were wholly silent: (home, from, to, devices), sorted.

    `hours` and `exposures` as for `device_days`, of all devices of the homes. A home is silent while two or
    more of its devices are exposed and none is under proof of life. The finding runs from the last message of
    any of them to the next one, at most while two are exposed; `to` is None while it lasts at `as_of`. When
    two begin to be exposed, the home is given the longest k·H of them before it must have been heard. One
    finding a home and time, not one a device, because what fell silent is what they share: gateway, power or
    network.
    """
    end_of_knowledge = int(minutes_of(pd.Series([as_of]))[0])
    several = exposures.groupby("home", observed=True)["device"].transform("nunique") >= 2
    exposures = exposures[several].reset_index(drop=True)
    starts = minutes_of(exposures["from_at"])
    ends = np.minimum(minutes_of(exposures["to_at"]), end_of_knowledge)
    reach = _reach(exposures["heartbeat_minutes"], parameters)
    exposure, start, end, last = _proof_within(hours, exposures["device"], starts, ends, reach)

    found: dict[tuple[str, datetime], Silence] = {}
    devices = exposures["device"].to_numpy()
    for home, members in exposures.groupby("home", observed=True).indices.items():
        _, mine = ranges(np.searchsorted(exposure, members), np.searchsorted(exposure, members, side="right"))
        mine = mine[np.argsort(start[mine], kind="stable")]
        heard_from, heard_to = start[mine], np.maximum.accumulate(end[mine])
        last_heard = np.maximum.accumulate(last[mine])
        whose, whose_start, whose_end = devices[members], starts[members], ends[members]
        for watched_from, watched_to in _watched(whose.tolist(), whose_start.tolist(), whose_end.tolist()):
            there = (whose_start <= watched_from) & (watched_from < whose_end)
            due = min(watched_from + int(reach[members][there].max()), watched_to)
            gap_from = np.clip(np.append(watched_from, heard_to), due, watched_to)
            gap_to = np.clip(np.append(heard_from, watched_to), due, watched_to)
            since = np.maximum(np.append(watched_from, last_heard), watched_from)
            for gap in np.flatnonzero(gap_to > gap_from):
                silent = (whose_start < gap_to[gap]) & (whose_end > gap_from[gap])
                from_at = moment_of(int(since[gap]))
                to_at = None if gap_to[gap] >= end_of_knowledge else moment_of(int(gap_to[gap]))
                found[str(home), from_at] = (str(home), from_at, to_at, len(set(whose[silent])))
    return [found[key] for key in sorted(found)]


# --- Days and streams ----------------------------------------------------------------------------


def _days_of(exposures: pd.DataFrame, timezone: str) -> pd.DataFrame:
    """Return home, unit, device, day and minutes [start, end) of every local day that an exposure touches."""
    from_minute, to_minute = minutes_of(exposures["from_at"]), minutes_of(exposures["to_at"])
    some = np.flatnonzero(to_minute > from_minute)
    zone = ZoneInfo(timezone)
    days, midnights = np.empty(0, dtype="datetime64[s]"), np.zeros(1, dtype=np.int64)
    if len(some):
        first = moment_of(int(from_minute[some].min())).astimezone(zone).date()
        last = moment_of(int(to_minute[some].max())).astimezone(zone).date()
        dates = [first + timedelta(days=n) for n in range((last - first).days + 2)]
        days = np.array(dates, dtype="datetime64[s]")
        # Where midnight does not exist, Python gives the moment of the change: the day's first.
        civil = (datetime(date.year, date.month, date.day, tzinfo=zone) for date in dates)
        midnights = np.array([int(midnight.timestamp()) // 60 for midnight in civil], dtype=np.int64)
    owner, day = ranges(
        np.searchsorted(midnights, from_minute[some], side="right") - 1,
        np.searchsorted(midnights, to_minute[some] - 1, side="right"),
    )
    exposure = some[owner]
    piece = exposures[["home", "unit", "device"]].iloc[exposure].reset_index(drop=True)
    return piece.assign(
        day=days[day],
        exposure=exposure,
        start=np.maximum(from_minute[exposure], midnights[day]),
        end=np.minimum(to_minute[exposure], midnights[day + 1]),
    )


def _touched_by(gaps: pd.DataFrame | None, device: pd.Series, start: Integers, end: Integers) -> Bools:
    """Return which of the devices' pieces [start, end) a gap touches; it holds the minutes of both its events."""
    if gaps is None:
        return np.zeros(len(start), dtype=bool)
    owner, devices = pd.factorize(device)
    gap_owner = pd.Index(devices).get_indexer(gaps["device"])
    mine = gap_owner >= 0
    from_minute, to_minute = minutes_of(gaps["from_at"])[mine], minutes_of(gaps["to_at"])[mine] + 1
    return shared_minutes(gap_owner[mine], from_minute, to_minute, owner, start, end) > 0


def _reach(heartbeat_minutes: pd.Series, parameters: Parameters) -> Integers:
    """Return for how many minutes a message is proof of life: k·H, at least the minute it stands in."""
    reach = heartbeat_minutes.to_numpy(dtype=float) * parameters.heartbeat_tolerance
    return np.maximum(np.ceil(np.round(reach, 6)), 1).astype(np.int64)


def _masks(column: pd.Series) -> Masks:
    """Return a column of bit masks as such, however its integers are kept."""
    return column.to_numpy(dtype=np.int64).astype(np.uint64)


def _streams(
    hours: pd.DataFrame, exposures: pd.DataFrame, parameters: Parameters
) -> tuple[Integers, Integers, Integers, Integers]:
    """Return each exposure's stream; and row, stream and reach of every hour that a stream was heard in."""
    device, devices = pd.factorize(exposures["device"])
    pairs = np.column_stack([device, _reach(exposures["heartbeat_minutes"], parameters)])
    streams, stream_of_exposure = np.unique(pairs, axis=0, return_inverse=True)
    known = pd.Index(devices).get_indexer(hours["device"])
    low = np.searchsorted(streams[:, 0], known, side="left")
    high = np.where(known < 0, low, np.searchsorted(streams[:, 0], known, side="right"))
    row, stream = ranges(low, high)
    return stream_of_exposure.reshape(-1), row, stream, streams[stream, 1]


# --- Proof of life and uses ----------------------------------------------------------------------


def _proof_of_life(
    stream: Integers, hour: Integers, alive: Masks, reach: Integers, outages: pd.DataFrame
) -> tuple[Integers, Integers, Integers]:
    """Return (stream, start, end) of what the messages cover, the outages after each left out."""
    began, ended = _apart(
        minutes_of(outages["began_at"], round_up=True), minutes_of(outages["ended_at"], round_up=True)
    )
    if not len(began):
        row, start, end = covered(hour, alive, reach)
        return stream[row], start, end
    # Messages of one hour on either side of an outage's beginning do not reach equally far: part them.
    hour_row, part = ranges(
        np.searchsorted(began, hour, side="right"), np.searchsorted(began, hour + 60, side="left") + 1
    )
    stream, hour, alive, reach = stream[hour_row], hour[hour_row], alive[hour_row], reach[hour_row]
    edges = np.concatenate([[np.iinfo(np.int64).min // 2], began, [np.iinfo(np.int64).max // 2]])
    alive = alive & window(edges[part] - hour, edges[part + 1] - hour)
    row, start, end = covered(hour, alive, reach)
    # From its start to the next outage, and on between the outages after that.
    stretch, up_to = ranges(part[row], np.searchsorted(began, end, side="left") + 1)
    resumed = np.concatenate([[0], ended])[up_to]
    starts = np.where(up_to == part[row][stretch], start[stretch], resumed)
    return stream[row][stretch], starts, np.maximum(starts, np.minimum(end[stretch], edges[up_to + 1]))


def _apart(began: Integers, ended: Integers) -> tuple[Integers, Integers]:
    """Return the outages in order, those that touch or overlap as one, those within a minute left out."""
    some = ended > began
    order = np.argsort(began[some], kind="stable")
    began, ended = began[some][order], np.maximum.accumulate(ended[some][order])
    first = np.append(True, began[1:] > ended[:-1])[: len(began)]
    last = np.append(first[1:], True)[: len(began)]
    return began[first], ended[last]


def _uses_within(
    stream: Integers,
    hour: Integers,
    uses: Integers,
    use_minutes: Masks,
    owner: Integers,
    start: Integers,
    end: Integers,
) -> Integers:
    """Return how many uses of its owner start in each piece [start, end).

    An hour wholly inside counts all its uses, an hour that the piece's edge cuts its use minutes inside.
    """
    if not len(hour) or not len(start):
        return np.zeros(len(start), dtype=np.int64)
    origin = min(hour.min(), start.min() // 60 * 60)
    length = max(hour.max(), end.max()) - origin + 120
    places = stream * length + (hour - origin)
    order = np.argsort(places, kind="stable")
    places, use_minutes = places[order], use_minutes[order]
    before = np.concatenate([[0], np.cumsum(uses[order])])

    first = np.searchsorted(places, owner * length + start - origin, side="left")
    behind = np.searchsorted(places, owner * length + end - 60 - origin, side="right")
    found: Integers = before[np.maximum(behind, first)] - before[first]

    def count_cut(cut: Integers, at: Integers) -> None:
        place = owner[cut] * length + at - origin
        row = np.minimum(np.searchsorted(places, place), len(places) - 1)
        inside = use_minutes[row] & window(start[cut] - at, end[cut] - at)
        found[cut] += np.where(places[row] == place, bits(inside), 0)

    start_hour, end_hour = start // 60 * 60, end // 60 * 60
    cut_start = np.flatnonzero(start > start_hour)
    count_cut(cut_start, start_hour[cut_start])
    cut_end = np.flatnonzero((end > end_hour) & ((end_hour > start_hour) | (start == start_hour)))
    count_cut(cut_end, end_hour[cut_end])
    return found


# --- Silences ------------------------------------------------------------------------------------


def _proof_within(
    hours: pd.DataFrame, device_of: pd.Series, starts: Integers, ends: Integers, reach: Integers
) -> tuple[Integers, Integers, Integers, Integers]:
    """Return (exposure, start, end, last message) of what covers each exposure, in the exposures' order.

    Stretches are cut to it. A message from before the exposure may cover its beginning, but is none of the
    home's: its last message is never.
    """
    device, devices = pd.factorize(device_of)
    known = pd.Index(devices).get_indexer(hours["device"])
    heard = hours[known >= 0]
    whose, hour = known[known >= 0], minutes_of(heard["hour"]) // 60 * 60
    order = np.lexsort((hour, whose))
    whose, hour, alive = whose[order], hour[order], _masks(heard["alive_minutes"])[order]

    exposure, row = ranges(np.searchsorted(whose, device), np.searchsorted(whose, device, side="right"))
    near = (hour[row] < ends[exposure]) & (hour[row] + 60 + reach[exposure] > starts[exposure])
    exposure, row = exposure[near], row[near]
    at, from_bit, to_bit = hour[row], starts[exposure] - hour[row], ends[exposure] - hour[row]
    inside, earlier = alive[row] & window(from_bit, to_bit), alive[row] & window(from_bit * 0, from_bit)
    parts = np.concatenate([inside, earlier])
    exposure, at = np.tile(exposure, 2), np.tile(at, 2)
    part, start, end = covered(at, parts, reach[exposure])
    exposure, last = exposure[part], np.where(part < len(inside), end - reach[exposure[part]], 0)
    start, end = np.maximum(start, starts[exposure]), np.minimum(end, ends[exposure])
    order = np.flatnonzero(end > start)
    order = order[np.argsort(exposure[order], kind="stable")]
    return exposure[order], start[order], end[order], last[order]


def _watched(
    devices: Sequence[object], starts: Sequence[int], ends: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """Yield the stretches in which two or more of the devices are exposed."""
    since: int | None = None
    edges = sorted({*starts, *ends})
    for edge, following in pairwise([*edges, *edges[-1:]]):
        present = {d for d, s, e in zip(devices, starts, ends, strict=True) if s <= edge and following <= e}
        watched = len(present) >= 2 and following > edge
        if watched and since is None:
            since = edge
        if not watched and since is not None:
            yield since, edge
            since = None
