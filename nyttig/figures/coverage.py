"""Would we have noticed? Device-days and their states from the hours in which devices were heard.

Definitions: docs/figures.md, section 2. All times are reckoned in whole minutes: a time inside a minute
belongs to that minute, so that what ends and what begins there meet without gap or overlap. Days are local
civil days.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from nyttig.figures.heard import Heard
from nyttig.figures.minutes import (
    Integers,
    minutes_of,
    moment_of,
    ranges,
    shared_minutes,
)
from nyttig.figures.proof import apart, masks_of, proof_of_life, streams, uses_within
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


def device_days(
    hours: pd.DataFrame | Heard,
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
    hour), use_minutes (the minutes in which they start); at most one row per device and hour. Or what they say, folded.
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
    exposure, day, start, end = _days_of(exposures, timezone)
    exposed = end - start
    if isinstance(hours, Heard):
        owner = hours.owners(exposures, parameters)[exposure]
        proof = hours.proof(apart(outages))
        uses = hours.uses_within(owner, start, end)
    else:
        # A stream is a device with a heartbeat: nearly always simply the device.
        stream_of_exposure, row, stream, reach = streams(hours, exposures, parameters)
        owner = stream_of_exposure[exposure]
        hour = minutes_of(hours["hour"])[row] // 60 * 60
        alive = masks_of(hours["alive_minutes"])[row]
        proof = proof_of_life(stream, hour, alive, reach, outages)
        uses_of_hour = hours["uses"].to_numpy(dtype=np.int64)[row]
        some = np.flatnonzero(uses_of_hour)
        uses = uses_within(
            stream[some],
            hour[some],
            uses_of_hour[some],
            masks_of(hours["use_minutes"])[row[some]],
            owner,
            start,
            end,
        )
    observed = shared_minutes(*proof, owner, start, end)

    home, homes = numbered(exposures["home"])
    paused = _shared_by(
        homes.get_indexer(pd.Index(pauses["home"])),
        minutes_of(pauses["paused_from"]),
        minutes_of(pauses["paused_to"], round_up=True),
        home[exposure],
        start,
        end,
    )
    device, devices = numbered(exposures["device"])
    lossy = np.zeros(len(start), dtype=bool)
    if gaps is not None:  # a gap holds the minutes of both its events
        from_minute, to_minute = minutes_of(gaps["from_at"]), minutes_of(gaps["to_at"]) + 1
        gap_owner = devices.get_indexer(pd.Index(gaps["device"]))
        lossy = _shared_by(gap_owner, from_minute, to_minute, device[exposure], start, end) > 0

    ratio = observed / exposed
    enough = ratio >= parameters.observed_share_required
    changes = exposure[1:] != exposure[:-1]
    edge = (np.append(True, changes) | np.append(changes, True))[: len(exposure)]  # first or last day
    used = uses >= parameters.minimum_uses_per_day
    rank = np.where(used, np.where(enough, 5, 4), np.where(paused == exposed, 1, np.where(enough, 2, 3)))
    rank[edge & (exposed < SHORT_DAY_MINUTES)] = 0
    unit, units = numbered(exposures["unit"])
    return pd.DataFrame(
        {
            "home": pd.Categorical.from_codes(home[exposure], homes),
            "unit": pd.Categorical.from_codes(unit[exposure], units),
            "device": pd.Categorical.from_codes(device[exposure], devices),
            "day": day,
            "exposed_minutes": exposed.astype(np.int32),
            "observed_minutes": observed.astype(np.int32),
            "paused_minutes": paused.astype(np.int32),
            "uses": uses.astype(np.int32),
            "observed_ratio": ratio,
            "state": pd.Categorical.from_codes(rank.astype(np.int8), pd.Index(list(STATES))),
            "lossy": lossy,
        },
        copy=False,
    )


def home_days(days: pd.DataFrame) -> pd.DataFrame:
    """Return one row per home and day, sorted so, of the home's devices together.

    Columns: `DAY_COLUMNS` without device. A home is used when a device of it is, unknown when none is and one
    is unknown, unused when all that count are. Minutes, uses and `observed_ratio` are those of the devices
    that are not out (0, 0 and NaN where all are); `lossy` when one of those is.
    On the day of a swap the uses of the device that went, or
    came, late in the day count too: the home was used, whichever of them it used.
    """
    if not len(days):
        return days[[name for name in DAY_COLUMNS if name != "device"]]
    home, homes = numbered(days["home"])
    day = day_numbers(days["day"])
    first_day, span = day.min(), int(day.max() - day.min()) + 1
    cell = home * span + (day - first_day)
    cells = len(homes) * span
    state = state_numbers(days["state"])
    out = state == 0
    within = np.zeros(cells, dtype=bool)
    within[cell[~out]] = True
    uses = days["uses"].to_numpy(dtype=np.int64)
    swapped = out & (uses > 0) & within[cell]

    row = np.full(cells, -1)
    row[cell[::-1]] = np.arange(len(days))[::-1]  # each home's first of the day
    there = np.flatnonzero(row >= 0)
    highest = np.zeros(cells, dtype=np.int8)
    np.maximum.at(highest, cell, np.where(swapped, np.int8(STATES.index("u")), state))

    def total(numbers: npt.NDArray[np.generic], of: npt.NDArray[np.bool_]) -> Integers:
        sums: Integers = np.bincount(cell[of], numbers[of], minlength=cells)[there].astype(np.int64)
        return sums

    exposed, observed, paused = (
        total(days[name].to_numpy(), ~out)
        for name in ("exposed_minutes", "observed_minutes", "paused_minutes")
    )
    lossy = total(days["lossy"].to_numpy(dtype=np.int8), ~out) > 0
    with np.errstate(invalid="ignore"):
        ratio = observed / exposed
    return pd.DataFrame(
        {
            "home": pd.Categorical.from_codes(there // span, homes),
            "unit": days["unit"].iloc[row[there]].reset_index(drop=True),
            "day": days["day"].iloc[row[there]].reset_index(drop=True),
            "exposed_minutes": exposed,
            "observed_minutes": observed,
            "paused_minutes": paused,
            "uses": total(uses, ~out | swapped),
            "observed_ratio": ratio,
            "state": pd.Categorical.from_codes(highest[there], pd.Index(list(STATES))),
            "lossy": lossy,
        },
        copy=False,
    )


def numbered(codes: pd.Series) -> tuple[Integers, pd.Index[str]]:
    """Return each code's number, and the codes in their order: for a column of few codes in many rows."""
    if isinstance(codes.dtype, pd.CategoricalDtype):
        return codes.cat.codes.to_numpy().astype(np.int64), pd.Index(codes.cat.categories)
    numbers, known = pd.factorize(codes, sort=True)
    return numbers, pd.Index(known)


def state_numbers(states: pd.Series) -> npt.NDArray[np.int8]:
    """Return each state's place in `STATES`."""
    number, letters = numbered(states)
    places: npt.NDArray[np.int8] = pd.Index(list(STATES)).get_indexer(letters).astype(np.int8)
    return places[number]


def day_numbers(days: pd.Series) -> Integers:
    """Return days as numbers since 1970."""
    if not isinstance(days.dtype, np.dtype) or days.dtype.kind != "M":
        days = pd.to_datetime(days)
    return days.to_numpy(dtype="datetime64[D]").astype(np.int64)


def _days_of(
    exposures: pd.DataFrame, timezone: str
) -> tuple[Integers, npt.NDArray[np.datetime64], Integers, Integers]:
    """Return exposure, day and minutes [start, end) of every local day that an exposure touches."""
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
    start = np.maximum(from_minute[exposure], midnights[day])
    end = np.minimum(to_minute[exposure], midnights[day + 1])
    return exposure, days[day], start, end


def _shared_by(
    owner: Integers,
    start: Integers,
    end: Integers,
    piece_owner: Integers,
    piece_start: Integers,
    piece_end: Integers,
) -> Integers:
    """Return `shared_minutes` where few owners have stretches; -1 is nobody."""
    shared = np.zeros(len(piece_owner), dtype=np.int64)
    mine = owner >= 0
    if mine.any():
        has_some = np.zeros(int(max(owner.max(), piece_owner.max(initial=0))) + 1, dtype=bool)
        has_some[owner[mine]] = True
        some = np.flatnonzero(has_some[piece_owner])
        shared[some] = shared_minutes(
            owner[mine],
            start[mine],
            end[mine],
            piece_owner[some].astype(np.int64),
            piece_start[some],
            piece_end[some],
        )
    return shared
