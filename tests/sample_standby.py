"""Coverage, alarms and last signs of life for the made-up report, by the report's own functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from nyttig.explain import Alarm
from nyttig.figures.adoption import Coverage, CoveredMinutes, HomeStrip
from nyttig.figures.alarms import OUTCOMES, AlarmFigures, alarm_figures
from nyttig.figures.contact import HomeContact
from nyttig.figures.periods import DoneOfDue, Periods, compare, windows
from nyttig.model import Parameters

CAME_TO = (0, 0, 1, 0, 2, 0, 0, 3, 0, 0, 5, 0, 1, 0, 0, 4)
"""What became of one alarm after another."""


def make_coverage(online: int, exposed: int, *, standby: bool) -> Coverage:
    """So many minutes; a device that stands by was worn in three of four of them."""
    ratio = online / exposed if exposed else None
    if not (standby and online):
        return Coverage(online, exposed, ratio, online_ratio=ratio, upper=ratio, show="point")
    worn = 3 * online // 4
    covered = worn / exposed
    return Coverage(
        online, exposed, covered, worn, online - worn, 0, True, ratio, worn / online, covered, "point"
    )


def make_periods(
    some: Sequence[HomeStrip],
    until: date,
    due: Mapping[str, tuple[DoneOfDue, DoneOfDue]] | None,
    *,
    standby: bool,
) -> Periods:
    """These homes' periods; a device that stands by was worn in three of four minutes in which it was heard."""
    first, later, last = windows(until)

    def minutes(home: HomeStrip, begin: date, end: date) -> CoveredMinutes:
        ratios = home.observed_ratio[max((begin - home.first_day).days, 0) : (end - home.first_day).days + 1]
        told = [round(1440 * ratio) for ratio in ratios if ratio is not None]
        online, worn = sum(told), 3 * sum(told) // 4 if standby else 0
        return CoveredMinutes(online, 1440 * len(told), worn, online - worn if standby else 0)

    return compare(
        some,
        until,
        Parameters(),
        standby=standby,
        minutes={
            home.home: (minutes(home, first, later - timedelta(days=1)), minutes(home, later, last))
            for home in some
        },
        armed_known=standby,
        due=due,
    )


def raised(homes: Sequence[HomeStrip], as_of: datetime) -> pd.DataFrame:
    """Judged alarms: one every five days, from home to home."""
    some = homes[:5]
    rows = []
    for n, outcome in enumerate(CAME_TO if some else ()):
        home, at = some[n % len(some)], as_of - timedelta(days=5 * (len(CAME_TO) - n), minutes=7 * n)
        minutes = (2.0 + n % 9 if outcome == 0 else 45.0) if outcome < 2 else np.nan
        handled = None if np.isnan(minutes) else at + timedelta(minutes=minutes)
        rows.append(
            (home.home, home.unit, f"alarm-{n % 5:02d}", at, "test" if outcome == 5 else "citizen", handled,
             None if handled is None else "staff", minutes, outcome)
        )  # fmt: skip
    columns = [
        "home", "unit", "device", "raised_at", "raised_by", "handled_at", "handled_by", "minutes", "outcome",
    ]  # fmt: skip
    found = pd.DataFrame(rows, columns=columns)
    return found.assign(
        raised_at=pd.to_datetime(found["raised_at"], utc=True),
        handled_at=pd.to_datetime(found["handled_at"], utc=True),
    )


def make_alarms(homes: Sequence[HomeStrip], units: Sequence[str], as_of: datetime) -> AlarmFigures:
    """The figures of those alarms."""
    return alarm_figures(
        raised(homes, as_of),
        homes=[(home.home, home.unit) for home in homes],
        units=units,
        as_of=as_of,
        timezone="Europe/Oslo",
    )


def each_alarm(homes: Sequence[HomeStrip], as_of: datetime) -> list[Alarm]:
    """Those alarms one by one, the newest first."""
    rows: list[dict[str, Any]] = raised(homes, as_of).to_dict("records")  # type: ignore[assignment]  # of texts
    return [
        Alarm(
            row["home"], row["unit"], row["device"], row["raised_at"], row["raised_by"], OUTCOMES[row["outcome"]],
            None if pd.isna(row["handled_at"]) else row["handled_at"], row["handled_by"],
            None if pd.isna(row["minutes"]) else row["minutes"],
        )
        for row in reversed(rows)
    ]  # fmt: skip


def make_contacts(
    homes: Sequence[HomeStrip], as_of: datetime, coverage: Callable[[list[HomeStrip]], Coverage]
) -> tuple[HomeContact, ...]:
    """Each home was last heard some hours ago, one of them for days; those that have ended, never."""
    found = []
    for n, home in enumerate(homes):
        hours = None if home.ended_on else 100.0 if n == 7 else 0.2 + n / 10
        at = None if hours is None else as_of - timedelta(hours=hours)
        found.append(HomeContact(home.home, home.unit, coverage([home]), at, hours))
    return tuple(found)
