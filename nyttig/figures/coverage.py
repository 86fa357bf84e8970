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

from nyttig.figures.minutes import (
    Integers,
    minutes_of,
    moment_of,
    ranges,
    shared_minutes,
)
from nyttig.figures.proof import masks_of, proof_of_life, streams, uses_within
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
    stream_of_exposure, row, stream, reach = streams(hours, exposures, parameters)
    owner = stream_of_exposure[exposure]
    hour = minutes_of(hours["hour"])[row] // 60 * 60
    alive = masks_of(hours["alive_minutes"])[row]
    observed = shared_minutes(*proof_of_life(stream, hour, alive, reach, outages), owner, start, end)
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
