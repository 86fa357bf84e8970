"""Single moments: when uses began, and whether somebody would have noticed at a given one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nyttig.figures.heard import Heard
from nyttig.figures.minutes import SPAN, bits_set, minutes_of, shared_minutes
from nyttig.figures.proof import apart, masks_of, proof_of_life, streams
from nyttig.model import Parameters


def use_moments(hours: pd.DataFrame | Heard, exposures: pd.DataFrame) -> pd.DataFrame:
    """Return every minute in which a use began while its device was exposed: home, minute; sorted by both.

    hours: device, hour, use_minutes; exposures: home, device, from_at, to_at. Uses of one minute are one row.
    """
    if isinstance(hours, Heard):
        device = hours.devices.to_numpy()[hours.fold.uses // SPAN]
        minute = hours.fold.uses % SPAN
    else:
        masks = masks_of(hours["use_minutes"])
        some = np.flatnonzero(masks)
        row, bit = bits_set(masks[some])
        device = hours["device"].to_numpy()[some][row]
        minute = minutes_of(hours["hour"])[some][row] // 60 * 60 + bit
    begun = pd.DataFrame({"device": device, "minute": minute})
    spans = exposures[["home", "device"]].assign(
        from_minute=minutes_of(exposures["from_at"]), to_minute=minutes_of(exposures["to_at"])
    )
    both = begun.merge(spans, on="device")
    inside = (both["minute"] >= both["from_minute"]) & (both["minute"] < both["to_minute"])
    return both.loc[inside, ["home", "minute"]].sort_values(["home", "minute"], ignore_index=True)


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
    spans = exposures[["home"]].assign(
        stream=stream_of_exposure,
        from_minute=minutes_of(exposures["from_at"]),
        to_minute=minutes_of(exposures["to_at"]),
    )
    numbered = moments[["home", "minute"]].reset_index(drop=True).rename_axis("number").reset_index()
    both = numbered.merge(spans, on="home")
    both = both[(both["minute"] >= both["from_minute"]) & (both["minute"] < both["to_minute"])]
    minute = both["minute"].to_numpy(dtype=np.int64)
    under = shared_minutes(*proof, both["stream"].to_numpy(dtype=np.int64), minute, minute + 1) > 0
    observed = both.assign(observed=under).groupby("number")["observed"].any()
    found = numbered.set_index("number").loc[observed.index, ["home", "minute"]]
    told = found.assign(observed=observed).reset_index(drop=True)
    return told.astype({"minute": "int64", "observed": "bool"})  # also where there is none
