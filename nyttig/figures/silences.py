"""When whole homes were silent: one finding a home and time, not one a device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from nyttig.figures.coverage import numbered
from nyttig.figures.heard import Heard
from nyttig.figures.minutes import SPAN, Integers, covered, minutes_of, moment_of, ranges, window
from nyttig.figures.proof import masks_of, reach_minutes
from nyttig.model import Parameters

Silence = tuple[str, datetime, datetime | None, int]
"""home, from, to (None: still silent), devices."""


def silences(
    hours: pd.DataFrame | Heard, exposures: pd.DataFrame, *, as_of: datetime, parameters: Parameters
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
    reach = reach_minutes(exposures["heartbeat_minutes"], parameters)
    exposure, start, end, last = (
        _folded_within(hours, hours.owners(exposures, parameters), starts, ends)
        if isinstance(hours, Heard)
        else _proof_within(hours, exposures["device"], starts, ends, reach)
    )

    found: dict[tuple[str, datetime], Silence] = {}
    devices = exposures["device"].to_numpy()
    gapless = _gapless(exposures["home"], starts, ends, reach, exposure, start, end)
    for home, members in exposures.groupby("home", observed=True).indices.items():
        if gapless[members[0]]:
            continue
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


def _gapless(
    home_of: pd.Series,
    starts: Integers,
    ends: Integers,
    reach: Integers,
    exposure: Integers,
    start: Integers,
    end: Integers,
) -> npt.NDArray[np.bool_]:
    """Return which exposures are of homes heard within a reach and then without a gap: most, and cheap to tell."""
    home, homes = numbered(home_of)
    owner = home[exposure]
    order = np.argsort(owner * SPAN + start, kind="stable")
    owner, start, up_to = owner[order], start[order], np.maximum.accumulate((owner * SPAN + end)[order])
    first = np.append(True, owner[1:] != owner[:-1])[: len(owner)]
    broken = np.append(False, (owner * SPAN + start)[1:] > up_to[:-1])[: len(owner)] & ~first
    fine = np.zeros(len(homes), dtype=bool)
    begins = pd.Series(starts).groupby(home).min().to_numpy()
    by_then = begins + pd.Series(reach).groupby(home).min().to_numpy()
    until = pd.Series(ends).groupby(home).max().to_numpy()
    at = np.flatnonzero(first)
    last = np.append(at[1:], len(owner))[: len(at)] - 1
    fine[owner[at]] = (start[at] <= by_then[owner[at]]) & (up_to[last] - owner[at] * SPAN >= until[owner[at]])
    fine[owner[broken]] = False
    return fine[home]


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
    whose, hour, alive = whose[order], hour[order], masks_of(heard["alive_minutes"])[order]

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


def _folded_within(
    heard: Heard, owner: Integers, starts: Integers, ends: Integers
) -> tuple[Integers, Integers, Integers, Integers]:
    """Return the same as `_proof_within`, from folds.

    Where a device went on speaking elsewhere, its last message here is looked up in `heard.hours`; where nobody
    watches the home any more (and that is not there), no silence can begin after it.
    """
    of, first, to = (
        heard.fold.stretch_of,
        heard.fold.first,
        heard.fold.last + heard.reach[heard.fold.stretch_of],
    )
    low = np.searchsorted(of * SPAN + to, owner * SPAN + starts, side="right")
    high = np.searchsorted(of * SPAN + first, owner * SPAN + ends, side="left")
    exposure, row = ranges(low, high)
    start, end = np.maximum(first[row], starts[exposure]), np.minimum(to[row], ends[exposure])
    last = np.where(heard.fold.last[row] >= starts[exposure], heard.fold.last[row], 0)
    cut = np.flatnonzero(last >= ends[exposure])
    before = heard.last_before(owner[exposure[cut]], ends[exposure[cut]])
    last[cut] = np.where(before >= starts[exposure[cut]], before, 0)
    some = np.flatnonzero(end > start)
    return exposure[some], start[some], end[some], last[some]


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
