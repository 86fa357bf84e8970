"""How much of its time each home was covered, and how long ago it was last heard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from nyttig.figures.adoption import Coverage, coverages
from nyttig.figures.coverage import numbered
from nyttig.figures.heard import Heard, stretches_before
from nyttig.figures.minutes import minutes_of, moment_of
from nyttig.model import Parameters


@dataclass(frozen=True, slots=True)
class HomeContact:
    """One home: its coverage, the last proof of life from there (to the minute), and its age in hours.

    Both are None for a home without a device at the report's moment, and for one whose device has not been heard there.
    """

    home: str
    unit: str
    coverage: Coverage
    last_heard_at: datetime | None
    last_heard_hours: float | None


def home_contacts(
    days: pd.DataFrame,
    hours: pd.DataFrame | Heard,
    exposures: pd.DataFrame,
    *,
    as_of: datetime,
    parameters: Parameters,
) -> tuple[HomeContact, ...]:
    """Return every home of `exposures`, sorted; coverage over `days`, the rest as for `coverage.device_days`.

    The last proof of life is that of any of the home's devices, while it stood there.
    """
    home, homes = numbered(exposures["home"])
    units = dict(zip(exposures["home"], exposures["unit"], strict=True))
    number, known = numbered(days["home"])
    place = homes.get_indexer(known).astype(np.int64)[number]
    covers = coverages(days, place, len(homes), parameters)
    now = int(minutes_of(pd.Series([as_of]))[0])
    owner, (of, _, last) = stretches_before(hours, exposures, now, parameters)
    newest = np.zeros(int(max(owner.max(initial=0), of.max(initial=0))) + 1, dtype=np.int64)
    np.maximum.at(newest, of, last)
    here = (minutes_of(exposures["to_at"]) >= now) & (newest[owner] >= minutes_of(exposures["from_at"]))
    heard = np.zeros(len(homes), dtype=np.int64)
    np.maximum.at(heard, home[here], newest[owner[here]])
    found = []
    for code, cover, minute in zip(homes, covers, heard.tolist(), strict=True):
        at = moment_of(minute) if minute else None
        hours_ago = None if at is None else (as_of - at) / timedelta(hours=1)
        found.append(HomeContact(str(code), str(units[code]), cover, at, hours_ago))
    return tuple(found)
