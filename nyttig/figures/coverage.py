"""Would we have noticed? Device-days and their states from the hours in which devices were heard.

Definitions: docs/figures.md, section 2. All times are reckoned in whole minutes: a time inside a minute
belongs to that minute, so that what ends and what begins there meet without gap or overlap. Days are local
civil days.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from nyttig.figures.armed import armed_minutes, turns_of
from nyttig.figures.heard import Heard
from nyttig.figures.local_days import local_days
from nyttig.figures.minutes import (
    Integers,
    minutes_of,
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

ARMED_COLUMNS = ["armed_minutes", "unarmed_minutes", "armed_unknown_minutes"]
"""Of the observed minutes of devices that can tell; there where an exposure's technology can (`tells_armed`)."""


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
    exposures: home, unit, device, from_at, to_at, heartbeat_minutes: when the device's home was in the trial; and,
    where it matters, tells_armed: whether its technology has a rule for being armed or worn (then hours: armed_minutes).
    pauses: home, paused_from, paused_to.
    outages: began_at, ended_at of platform outages that may have lost data.
    gaps: device, from_at, to_at: the events on either side of messages that the device sent and we never got.

    A message in minute m is proof of life for [m, m + k·H), H the device's heartbeat and k
    `parameters.heartbeat_tolerance`, less the minutes of outages that began after it: what was sent meanwhile
    and did arrive is proof of life like any other, what was sent before is none for them.
    `observed_minutes` are the minutes of the day inside the exposure under such proof, wherever the device
    stood when it was sent. `state` is one letter of `STATES`; `observed_ratio` = observed ÷ exposed minutes.
    `lossy` is a mark beside the state: a gap of the device touches the exposed part of the day, so that a use
    of that day may be among what was lost. With `tells_armed` there are the `ARMED_COLUMNS` besides: which of the
    observed minutes the device was armed in by what it last said, was not, or had not said yet; 0 where it cannot tell.
    """
    days = local_days(exposures, timezone)
    exposure = days.exposure
    exposed = days.end - days.start
    if isinstance(hours, Heard):
        owner = hours.owners(exposures, parameters)
        proof = hours.proof(apart(outages))
        uses = hours.uses_within(owner, days)
        turns = hours.fold.turns
    else:
        # A stream is a device with a heartbeat: nearly always simply the device.
        owner, row, stream, reach = streams(hours, exposures, parameters)
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
            owner[exposure],
            days.start.astype(np.int64),
            days.end.astype(np.int64),
        )
        turns = _turns(hours, row, stream, hour)
    observed = days.covered(owner, *proof)

    home, homes = numbered(exposures["home"])
    paused_from, paused_to = minutes_of(pauses["paused_from"]), minutes_of(pauses["paused_to"], round_up=True)
    paused = days.covered(home, homes.get_indexer(pd.Index(pauses["home"])), paused_from, paused_to)
    device, devices = numbered(exposures["device"])
    lossy = np.zeros(len(exposure), dtype=bool)
    if gaps is not None:  # a gap holds the minutes of both its events
        from_minute, to_minute = minutes_of(gaps["from_at"]), minutes_of(gaps["to_at"]) + 1
        gap_owner = devices.get_indexer(pd.Index(gaps["device"]))
        lossy = days.covered(device, gap_owner, from_minute, to_minute) > 0

    ratio = observed / exposed
    enough = ratio >= parameters.observed_share_required
    used = uses >= parameters.minimum_uses_per_day
    rank = np.where(paused == exposed, np.int8(1), np.where(enough, np.int8(2), np.int8(3)))
    rank = np.where(used, np.where(enough, np.int8(5), np.int8(4)), rank)
    edge = np.append(exposure[1:] != exposure[:-1], True)[: len(exposure)]  # the last day of an exposure
    edge[1:] |= edge[:-1].copy()  # or the first
    edge[:1] = True
    rank[edge & (exposed < SHORT_DAY_MINUTES)] = 0
    more = {}
    if "tells_armed" in exposures and exposures["tells_armed"].any():
        tells = np.flatnonzero(exposures["tells_armed"].to_numpy(dtype=bool)[exposure])
        pieces = (each[tells].astype(np.int64) for each in (owner[exposure], days.start, days.end, observed))
        known = armed_minutes(turns, proof, *pieces)
        for name, minutes in zip(ARMED_COLUMNS, known, strict=True):
            more[name] = np.zeros(len(exposure), dtype=np.int16)
            more[name][tells] = minutes
    unit, units = numbered(exposures["unit"])
    return pd.DataFrame(
        {
            "home": pd.Categorical.from_codes(home[exposure], homes),
            "unit": pd.Categorical.from_codes(unit[exposure], units),
            "device": pd.Categorical.from_codes(device[exposure], devices),
            "day": days.day,
            "exposed_minutes": exposed,
            "observed_minutes": observed,
            "paused_minutes": paused,
            "uses": uses.astype(np.int32),
            "observed_ratio": ratio,
            "state": pd.Categorical.from_codes(rank, pd.Index(list(STATES))),
            "lossy": lossy,
            **more,
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
    if isinstance(states.dtype, pd.CategoricalDtype) and "".join(states.cat.categories) == STATES:
        return np.asarray(states.cat.codes, dtype=np.int8)
    number, letters = numbered(states)
    places: npt.NDArray[np.int8] = pd.Index(list(STATES)).get_indexer(letters).astype(np.int8)
    return places[number]


def days_in(states: str, letters: str) -> npt.NDArray[np.intp]:
    """Return the places of these letters among the days of a strip."""
    return np.flatnonzero(_any_of(letters)[np.frombuffer(states.encode(), dtype=np.uint8)])


@cache
def _any_of(letters: str) -> npt.NDArray[np.bool_]:
    """Return of each byte whether it is one of the letters."""
    wanted = np.zeros(256, dtype=bool)
    wanted[list(letters.encode())] = True
    return wanted


def day_numbers(days: pd.Series) -> Integers:
    """Return days as numbers since 1970."""
    if not isinstance(days.dtype, np.dtype) or days.dtype.kind != "M":
        days = pd.to_datetime(days)
    return days.to_numpy(dtype="datetime64[D]").astype(np.int64)


def _turns(hours: pd.DataFrame, row: Integers, stream: Integers, hour: Integers) -> Integers:
    if "armed_minutes" not in hours:
        return np.zeros(0, dtype=np.int64)
    return turns_of(stream, hour, hours["armed_minutes"].fillna(-1).to_numpy(dtype=np.int64)[row])
