"""Proof of life: what the hours in which devices were heard cover, and the uses within."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nyttig.figures.minutes import (
    Integers,
    Masks,
    bits,
    covered,
    minutes_of,
    ranges,
    window,
)
from nyttig.model import Parameters


def reach_minutes(heartbeat_minutes: pd.Series, parameters: Parameters) -> Integers:
    """Return for how many minutes a message is proof of life: k·H, at least the minute it stands in."""
    reach = heartbeat_minutes.to_numpy(dtype=float) * parameters.heartbeat_tolerance
    return np.maximum(np.ceil(np.round(reach, 6)), 1).astype(np.int64)


def masks_of(column: pd.Series) -> Masks:
    """Return a column of bit masks as such, however its integers are kept."""
    return column.to_numpy(dtype=np.int64).astype(np.uint64)


def streams(
    hours: pd.DataFrame, exposures: pd.DataFrame, parameters: Parameters
) -> tuple[Integers, Integers, Integers, Integers]:
    """Return each exposure's stream; and row, stream and reach of every hour that a stream was heard in."""
    device, devices = pd.factorize(exposures["device"])
    pairs = np.column_stack([device, reach_minutes(exposures["heartbeat_minutes"], parameters)])
    streams, stream_of_exposure = np.unique(pairs, axis=0, return_inverse=True)
    known = pd.Index(devices).get_indexer(hours["device"])
    low = np.searchsorted(streams[:, 0], known, side="left")
    high = np.where(known < 0, low, np.searchsorted(streams[:, 0], known, side="right"))
    row, stream = ranges(low, high)
    return stream_of_exposure.reshape(-1), row, stream, streams[stream, 1]


def proof_of_life(
    stream: Integers, hour: Integers, alive: Masks, reach: Integers, outages: pd.DataFrame
) -> tuple[Integers, Integers, Integers]:
    """Return (stream, start, end) of what the messages cover, the outages after each left out."""
    began, ended = apart(outages)
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


def apart(outages: pd.DataFrame) -> tuple[Integers, Integers]:
    """Return the outages' minutes [from, to) in order, those that touch or overlap as one, none without a minute."""
    began = minutes_of(outages["began_at"], round_up=True)
    ended = minutes_of(outages["ended_at"], round_up=True)
    some = ended > began
    order = np.argsort(began[some], kind="stable")
    began, ended = began[some][order], np.maximum.accumulate(ended[some][order])
    first = np.append(True, began[1:] > ended[:-1])[: len(began)]
    last = np.append(first[1:], True)[: len(began)]
    return began[first], ended[last]


def uses_within(
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
