"""Single moments: when uses began, and whether somebody would have noticed at a given one."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from nyttig.figures.coverage import numbered
from nyttig.figures.heard import Heard
from nyttig.figures.minutes import SPAN, bits_set, minutes_of, ranges, shared_minutes
from nyttig.figures.proof import apart, masks_of, proof_of_life, streams
from nyttig.model import Parameters


def use_moments(hours: pd.DataFrame | Heard, exposures: pd.DataFrame) -> pd.DataFrame:
    """Return every minute in which a use began while its device was exposed: home, minute; sorted by both.

    hours: device, hour, use_minutes; exposures: home, device, from_at, to_at. Uses of one minute are one row.
    """
    if isinstance(hours, Heard):
        devices, begun = hours.devices, hours.fold.uses
    else:
        masks = masks_of(hours["use_minutes"])
        some = np.flatnonzero(masks)
        row, bit = bits_set(masks[some])
        device, devices = numbered(hours["device"])
        begun = np.sort(device[some][row] * SPAN + minutes_of(hours["hour"])[some][row] // 60 * 60 + bit)
    home, homes = numbered(exposures["home"])
    owner = devices.get_indexer(pd.Index(exposures["device"]))
    low = np.searchsorted(begun, owner * SPAN + minutes_of(exposures["from_at"]))
    high = np.searchsorted(begun, owner * SPAN + minutes_of(exposures["to_at"]))
    exposure, place = ranges(low, np.where(owner < 0, low, high))
    used = np.sort(home[exposure] * SPAN + begun[place] % SPAN)
    return pd.DataFrame({"home": pd.Categorical.from_codes(used // SPAN, homes), "minute": used % SPAN})


def noticed(
    hours: pd.DataFrame | Heard,
    exposures: pd.DataFrame,
    outages: pd.DataFrame,
    moments: pd.DataFrame,
    *,
    parameters: Parameters,
) -> pd.DataFrame:
    """Return `moments` (home, minute) that lie in an exposure of the home, with `observed`: under proof of life then.

    Where two devices of a home are exposed, one of them under proof of life is enough. The other tables are those
    of `coverage.device_days`.
    """
    if isinstance(hours, Heard):
        stream_of_exposure, proof = hours.owners(exposures, parameters), hours.proof(apart(outages))
    else:
        stream_of_exposure, row, stream, reach = streams(hours, exposures, parameters)
        hour = minutes_of(hours["hour"])[row] // 60 * 60
        proof = proof_of_life(stream, hour, masks_of(hours["alive_minutes"])[row], reach, outages)
    home, homes = numbered(exposures["home"])
    from_minute, to_minute = minutes_of(exposures["from_at"]), minutes_of(exposures["to_at"])
    number, known = numbered(moments["home"])
    asked = homes.get_indexer(known).astype(np.int64)[number]
    minute = moments["minute"].to_numpy(dtype=np.int64)
    inside = np.zeros(len(minute), dtype=bool)
    mine = asked >= 0
    inside[mine] = (
        shared_minutes(home, from_minute, to_minute, asked[mine], minute[mine], minute[mine] + 1) > 0
    )
    # What covers each exposure is what covers the home.
    order = np.argsort(stream_of_exposure, kind="stable")
    low, high = (np.searchsorted(stream_of_exposure[order], proof[0], side=side) for side in _SIDES)
    row, place = ranges(low, high)
    exposure = order[place]
    start = np.maximum(proof[1][row], from_minute[exposure])
    end = np.minimum(proof[2][row], to_minute[exposure])
    some = end > start
    of_home = home[exposure[some]]
    asked, minute = asked[inside], minute[inside]
    under = shared_minutes(of_home, start[some], end[some], asked, minute, minute + 1) > 0
    told = moments.loc[inside, ["home", "minute"]].reset_index(drop=True).assign(observed=under)
    return told.astype({"minute": "int64", "observed": "bool"})  # also where there is none


_SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")
