"""Is it used? Adoption figures from device-days. Definitions: docs/figures.md, section 3."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from nyttig.figures.intervals import Share, wilson
from nyttig.model import Parameters

USED = ("U", "u")
COUNTED = ("U", "u", "N", "K")
"""The states that a use-day rate rests on; excused and out stand outside."""


@dataclass(frozen=True, slots=True)
class UseDayRate:
    """The share of device-days with use, and how sure that is.

    Days by state: `used_observed` U, `used_unobserved` Ul, `unused` N, `unknown` K; `paused` and `out` stand
    outside. point = U/(U+N); lower = (U+Ul)/(U+Ul+N+K); upper = (U+Ul+K)/(U+Ul+N+K); observability =
    (U+Ul+N)/(U+Ul+N+K); each None where its denominator is 0. `show` says what may be shown: the point with
    its bounds, only the bounds (observability under the trial's limit, or no point), or nothing (no days).
    With unknown days alone the bounds are 0 and 1. `homes` are those with at least one of the four.
    `lossy_days` of the four kinds lost messages on the way; `lossy_unused_days` of those are counted as unused,
    although a use may be among what was lost.
    """

    homes: int
    used_observed_days: int
    used_unobserved_days: int
    unused_days: int
    unknown_days: int
    paused_days: int
    out_days: int
    point: float | None
    lower: float | None
    upper: float | None
    observability: float | None
    show: Literal["point", "bounds", "nothing"]
    lossy_days: int = 0
    lossy_unused_days: int = 0


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """How many homes reached a step, and their share of the step before (None for the first)."""

    step: Literal["asked", "consented", "installed", "started"]
    homes: int
    share: Share | None


@dataclass(frozen=True, slots=True)
class Funnel:
    """asked → consented → installed → started (first valid use); and why homes ended, by reason."""

    steps: tuple[FunnelStep, ...]
    ended: dict[str, int]


@dataclass(frozen=True, slots=True)
class Intensity:
    """How much it is used where it is used. Ratios are None where their denominator is 0.

    `uses_total` of all days that are not out; per used day = uses_total / used_days; per home-week = 7 · uses
    on observed days (U and N) / their number, so that days nobody saw neither add nor take away.
    `recovered_uses` stand beside them, in no ratio: uses that the devices' own counters counted and whose
    messages were lost, before joining and whoever caused them.
    """

    uses_total: int
    used_days: int
    uses_per_used_day: float | None
    uses_per_home_week: float | None
    recovered_uses: int = 0


@dataclass(frozen=True, slots=True)
class Coverage:
    """Online ÷ exposed minutes: what counts for standby technology, where presses are not adoption."""

    online_minutes: int
    exposed_minutes: int
    ratio: float | None


@dataclass(frozen=True, slots=True)
class Week:
    """One local ISO week. The four bands sum to the homes exposed that week (with a day that is not out).

    used: at least one used day; else paused: all days excused; else unknown: observability under the trial's
    limit; else unused. `active` (a used day) and `regular` (as many as the trial asks) count homes among
    `observed_homes` (observability at or above that limit). `complete`: all seven days are over.
    `recovered_uses` are those of `Intensity`, in the week of the counter's later reading; they make no day used.
    """

    iso_week: str
    starts_on: date
    complete: bool
    homes_used: int
    homes_unused: int
    homes_unknown: int
    homes_paused: int
    observed_homes: int
    active: Share
    regular: Share
    use_day_rate: UseDayRate
    recovered_uses: int = 0


@dataclass(frozen=True, slots=True)
class HomeStrip:
    """One home, day by day from `first_day`.

    `states` holds a letter a day: U used, u used while little observed, N unused, K unknown, E paused, - out.
    `uses` and `observed_ratio` run beside it (ratio of the exposed minutes, None on out days). `lossy_on` are
    the days on which messages were lost, whatever their state. First and last use are of used days (U, u).
    """

    home: str
    unit: str
    installed_on: date | None
    ended_on: date | None
    end_reason: str | None
    first_day: date
    states: str
    uses: tuple[int, ...]
    observed_ratio: tuple[float | None, ...]
    first_use_on: date | None
    last_use_on: date | None
    use_day_rate: UseDayRate
    lossy_on: tuple[date, ...] = ()


def use_day_rate(days: pd.DataFrame, parameters: Parameters) -> UseDayRate:
    """Return the share of device-days with use; `days` has the columns home, state and lossy."""
    state = days["state"]
    counts = state.value_counts().to_dict()
    lossy = state[days["lossy"].astype(bool)].value_counts().to_dict()
    return _rate(counts, lossy, days["home"][state.isin(COUNTED)].nunique(), parameters)


def without_ramp_in(
    days: pd.DataFrame, homes_started: Mapping[str, date], parameters: Parameters
) -> pd.DataFrame:
    """Return `days` without each home's first `parameters.ramp_in_days` days.

    They are counted from its first exposed day. `homes_started` gives that day; for a home that it lacks it
    is the home's first of `days`.
    """
    day = pd.to_datetime(days["day"])
    given = pd.to_datetime(days["home"].map(dict(homes_started)))
    first = given.fillna(day.groupby(days["home"]).transform("min"))
    return days[day >= first + pd.Timedelta(days=parameters.ramp_in_days)]


def funnel(homes: pd.DataFrame, started: Set[str]) -> Funnel:
    """Return how many homes came how far.

    A home that reached a step has reached those before it, dated or not. homes: home, asked_on, consented_on,
    installed_on, ended_on, end_reason; `started` are the homes with a first valid use. A home that ended
    without a reason counts as `other`.
    """
    reached = {"started": homes["home"].isin(started)}
    reached["installed"] = reached["started"] | homes["installed_on"].notna()
    reached["consented"] = reached["installed"] | homes["consented_on"].notna()
    reached["asked"] = reached["consented"] | homes["asked_on"].notna()
    counts = {step: int(here.sum()) for step, here in reached.items()}
    asked, consented, installed = counts["asked"], counts["consented"], counts["installed"]
    reasons = homes["end_reason"].where(homes["end_reason"].notna(), None).astype(object)
    ended = Counter(reasons[homes["ended_on"].notna()].fillna("other").astype(str))
    return Funnel(
        steps=(
            FunnelStep("asked", asked, None),
            FunnelStep("consented", consented, wilson(consented, asked)),
            FunnelStep("installed", installed, wilson(installed, consented)),
            FunnelStep("started", counts["started"], wilson(counts["started"], installed)),
        ),
        ended=dict(sorted(ended.items())),
    )


def intensity(days: pd.DataFrame, recovered: pd.DataFrame | None = None) -> Intensity:
    """Return how much the technology is used; `days` has the columns home, day, uses and state.

    recovered: home, day (of the counter's later reading), uses; those of days that are not out count.
    """
    state, uses = days["state"], days["uses"]
    uses_total = int(uses[state != "-"].sum())
    used_days = int(state.isin(USED).sum())
    observed = state.isin(("U", "N"))
    observed_days = int(observed.sum())
    return Intensity(
        uses_total=uses_total,
        used_days=used_days,
        uses_per_used_day=_ratio(uses_total, used_days),
        uses_per_home_week=_ratio(7 * int(uses[observed].sum()), observed_days),
        recovered_uses=_recovered_on(days[state != "-"], recovered),
    )


def coverage(days: pd.DataFrame) -> Coverage:
    """Return online ÷ exposed minutes over the days that are neither out nor excused."""
    counted = days[days["state"].isin(COUNTED)]
    online, exposed = int(counted["observed_minutes"].sum()), int(counted["exposed_minutes"].sum())
    return Coverage(online, exposed, _ratio(online, exposed))


def weeks(
    home_days: pd.DataFrame,
    device_days: pd.DataFrame,
    parameters: Parameters,
    recovered: pd.DataFrame | None = None,
    *,
    last_complete_day: date,
) -> tuple[Week, ...]:
    """Return every ISO week from the first to the last with an exposed home.

    Weeks between without one are zeros. Bands and shares count homes (from `home_days`); the use-day rate is
    that of the week's `device_days`. recovered: home, day (of the counter's later reading), uses.
    """
    exposed = home_days[home_days["state"] != "-"]
    if exposed.empty:
        return ()
    tables = {monday: _state_counts(part) for monday, part in exposed.groupby(_mondays(exposed))}
    days = dict(list(device_days.groupby(_mondays(device_days))))
    first, last = min(tables), max(tables)
    recovered_uses: dict[Any, int] = {}
    if recovered is not None and len(recovered):
        recovered_uses = recovered["uses"].groupby(_mondays(recovered)).sum().to_dict()
    found = []
    for monday in pd.date_range(first, last, freq="7D"):
        table = tables.get(monday, _state_counts(exposed.iloc[:0]))
        used_days = table["U"] + table["u"]
        counted = used_days + table["N"] + table["K"]
        observability = (used_days + table["N"]) / counted.where(counted > 0)
        observed = observability >= parameters.week_observability_required  # False where nothing is counted
        used = used_days > 0
        paused = ~used & (counted == 0)
        unused = ~used & observed
        starts_on = monday.date()
        year, week, _ = starts_on.isocalendar()
        observed_homes = int(observed.sum())
        regular = used_days >= parameters.regular_use_days_per_week
        found.append(
            Week(
                iso_week=f"{year}-W{week:02d}",
                starts_on=starts_on,
                complete=starts_on + timedelta(days=6) <= last_complete_day,
                homes_used=int(used.sum()),
                homes_unused=int(unused.sum()),
                homes_unknown=len(table) - int((used | paused | unused).sum()),
                homes_paused=int(paused.sum()),
                observed_homes=observed_homes,
                active=wilson(int((used & observed).sum()), observed_homes),
                regular=wilson(int((regular & observed).sum()), observed_homes),
                use_day_rate=use_day_rate(days.get(monday, device_days.iloc[:0]), parameters),
                recovered_uses=int(recovered_uses.get(monday, 0)),
            )
        )
    return tuple(found)


def home_strips(
    device_days: pd.DataFrame,
    home_days: pd.DataFrame,
    homes: pd.DataFrame,
    *,
    first_day: date,
    last_day: date,
    parameters: Parameters,
) -> tuple[HomeStrip, ...]:
    """Return a strip from `first_day` to `last_day` for every home of `homes`, sorted by home.

    It is out where the home has no day. homes: home, unit, installed_on, ended_on, end_reason. The use-day
    rate is that of the home's device-days within the strip.
    """
    length = max((last_day - first_day).days + 1, 0)
    homes = homes.sort_values("home", key=lambda codes: codes.astype(str))
    codes = pd.Index(homes["home"])
    row, column, inside = _cells(home_days, codes, first_day, length)
    states = np.full((len(codes), length), "-")
    uses = np.zeros((len(codes), length), dtype=np.int64)
    observed = np.full((len(codes), length), np.nan)
    states[row, column] = home_days["state"].to_numpy(dtype="U1")[inside]
    uses[row, column] = home_days["uses"].to_numpy(dtype=np.int64)[inside]
    observed[row, column] = home_days["observed_ratio"].to_numpy(dtype=float)[inside]
    lossy = np.zeros((len(codes), length), dtype=bool)
    lossy[row, column] = home_days["lossy"].to_numpy(dtype=bool)[inside]
    within = device_days[_cells(device_days, codes, first_day, length)[2]]
    by_home = _state_counts(within).reindex(codes, fill_value=0).to_dict("records")
    lost = _state_counts(within[within["lossy"].astype(bool)])
    lost_by_home = lost.reindex(codes, fill_value=0).to_dict("records")

    found = []
    for n, home in enumerate(homes.to_dict("records")):
        used = np.flatnonzero(np.isin(states[n], USED)).tolist()
        rate = {str(state): int(days) for state, days in by_home[n].items()}
        lossy_rate = {str(state): int(days) for state, days in lost_by_home[n].items()}
        found.append(
            HomeStrip(
                home=str(home["home"]),
                unit=str(home["unit"]),
                installed_on=_date_or_none(home["installed_on"]),
                ended_on=_date_or_none(home["ended_on"]),
                end_reason=None if pd.isna(home["end_reason"]) else str(home["end_reason"]),
                first_day=first_day,
                states="".join(states[n]),
                uses=tuple(uses[n].tolist()),
                observed_ratio=tuple(
                    None if state == "-" or ratio != ratio else ratio
                    for state, ratio in zip(states[n], observed[n].tolist(), strict=True)
                ),
                first_use_on=first_day + timedelta(days=used[0]) if used else None,
                last_use_on=first_day + timedelta(days=used[-1]) if used else None,
                use_day_rate=_rate(rate, lossy_rate, int(any(rate[state] for state in COUNTED)), parameters),
                lossy_on=tuple(first_day + timedelta(days=day) for day in np.flatnonzero(lossy[n]).tolist()),
            )
        )
    return tuple(found)


def _rate(
    counts: Mapping[Any, int], lossy: Mapping[Any, int], homes: int, parameters: Parameters
) -> UseDayRate:
    """Return the use-day rate of so many days by state, and of so many lossy ones among them."""
    used, used_unobserved, unused, unknown, paused, out = (int(counts.get(state, 0)) for state in "UuNKE-")
    total = used + used_unobserved + unused + unknown
    point = _ratio(used, used + unused)
    observability = _ratio(used + used_unobserved + unused, total)
    show: Literal["point", "bounds", "nothing"] = "point"
    if observability is None:
        show = "nothing"
    elif point is None or observability < parameters.point_observability_required:
        show = "bounds"
    return UseDayRate(
        homes=int(homes),
        used_observed_days=used,
        used_unobserved_days=used_unobserved,
        unused_days=unused,
        unknown_days=unknown,
        paused_days=paused,
        out_days=out,
        point=point,
        lower=_ratio(used + used_unobserved, total),
        upper=_ratio(used + used_unobserved + unknown, total),
        observability=observability,
        show=show,
        lossy_days=sum(int(lossy.get(state, 0)) for state in COUNTED),
        lossy_unused_days=int(lossy.get("N", 0)),
    )


def _recovered_on(days: pd.DataFrame, recovered: pd.DataFrame | None) -> int:
    """Return the recovered uses whose home and day are among `days`."""
    if recovered is None or not len(recovered):
        return 0
    keys = ["home", "day"]
    known = pd.MultiIndex.from_arrays([days["home"], pd.to_datetime(days["day"])], names=keys)
    told = pd.MultiIndex.from_arrays([recovered["home"], pd.to_datetime(recovered["day"])], names=keys)
    return int(recovered["uses"][told.isin(known)].sum())


def _ratio(part: int, whole: int) -> float | None:
    """Return part / whole; None where there is no whole."""
    return part / whole if whole else None


def _mondays(days: pd.DataFrame) -> pd.Series:
    """Return the first day of each day's ISO week."""
    day = pd.to_datetime(days["day"])
    return day - pd.to_timedelta(day.dt.day_of_week, unit="D")


def _state_counts(days: pd.DataFrame) -> pd.DataFrame:
    """Return how many days each home (row) has in each state (column); all six states are there."""
    counts = pd.crosstab(days["home"], days["state"])
    return counts.reindex(columns=list("UuNKE-"), fill_value=0)


def _cells(
    days: pd.DataFrame, codes: pd.Index[Any], first_day: date, length: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return row (home) and column (day) in the strips of those days that lie in them, and which they are."""
    row = codes.get_indexer(pd.Index(days["home"]))
    day = pd.to_datetime(days["day"]).to_numpy(dtype="datetime64[D]")
    column = (day - np.datetime64(first_day, "D")).astype(np.int64)
    inside = (row >= 0) & (column >= 0) & (column < length)
    return row[inside], column[inside], inside


def _date_or_none(value: Any) -> date | None:
    """Return a day as a plain date, whatever a data frame made of it."""
    if pd.isna(value):
        return None
    return pd.Timestamp(value).date()
