"""Is it used? Adoption figures from device-days. Definitions: docs/figures.md, section 3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from nyttig.figures.coverage import ARMED_COLUMNS, STATES, day_numbers, numbered, state_numbers
from nyttig.model import Parameters

USED = ("U", "u")
COUNTED = ("U", "u", "N", "K")
"""The states that a use-day rate rests on; excused and out stand outside."""

_COUNTED = np.array([state in COUNTED for state in STATES])
_AT_ONCE = 2**18
"""So many days are counted in one step: what that needs in between stays in the processor's cache."""


@dataclass(frozen=True, slots=True)
class UseDayRate:
    """The share of device-days with use, and how sure that is.

    Days by state: `used_observed` U, `used_unobserved` Ul, `unused` N, `unknown` K; `paused` and `out` stand
    outside. point = U/(U+N); lower = (U+Ul)/(U+Ul+N+K); upper = (U+Ul+K+L)/(U+Ul+N+K); observability =
    (U+Ul+N)/(U+Ul+N+K); each None where its denominator is 0. `show` says what may be shown: the point with
    its bounds, only the bounds (observability under the trial's limit, or no point), or nothing (no days).
    With unknown days alone the bounds are 0 and 1. `homes` are those with at least one of the four.
    `lossy_days` of the four kinds lost messages on the way; `lossy_unused_days` L of those are counted as unused,
    although a use may be among what was lost: the upper bound takes them for used.
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
    """Armed and online ÷ exposed minutes: what counts for standby technology, where presses are not adoption.

    Of the `online_minutes`, those of devices whose technology can tell whether they are armed or worn are `armed`,
    `unarmed`, or `armed_unknown` before the device first spoke of it. Where no device has spoken of it, `armed_known`
    is False and ratio = upper = online ÷ exposed. Else ratio = (online − unarmed − unknown) ÷ exposed, `upper` with the
    unknown ones: devices that cannot tell count by being online. `show` says whether the ratio may stand alone, or only
    with its upper bound: too few of the online minutes are known (the trial's `point_observability_required`).
    online_ratio = online ÷ exposed; armed_ratio = armed ÷ (armed + unarmed). Ratios are None where they divide by 0.
    """

    online_minutes: int
    exposed_minutes: int
    ratio: float | None
    armed_minutes: int = 0
    unarmed_minutes: int = 0
    armed_unknown_minutes: int = 0
    armed_known: bool = False
    online_ratio: float | None = None
    armed_ratio: float | None = None
    upper: float | None = None
    show: Literal["point", "bounds", "nothing"] = "nothing"


class CoveredMinutes(NamedTuple):
    """The minutes that a coverage rests on: see `Coverage`."""

    online: int = 0
    exposed: int = 0
    armed: int = 0
    unarmed: int = 0
    armed_unknown: int = 0


@dataclass(frozen=True, slots=True)
class HomeStrip:
    """One home, day by day from `first_day`.

    `states` holds a letter a day: U used, u used while little observed, N unused, K unknown, E paused, - out.
    `uses` and `observed_ratio` run beside it (ratio of the exposed minutes, None on out days). `lossy_on` are
    the days on which messages were lost, whatever their state. First and last use are of used days (U, u).
    `exposed_from`: the first day on which a device was there, be it too late in the day to count; None: on none.
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
    exposed_from: date | None = None


def use_day_rate(days: pd.DataFrame, parameters: Parameters) -> UseDayRate:
    """Return the share of device-days with use; `days` has the columns home, state and lossy."""
    return use_day_rates(days, None, 1, parameters)[0]


def use_day_rates(
    days: pd.DataFrame, groups: npt.NDArray[np.int64] | None, length: int, parameters: Parameters
) -> list[UseDayRate]:
    """Return the use-day rate of each of so many groups of days; -1 is a day of none, without groups all are of one."""
    state, lossy = state_numbers(days["state"]), np.flatnonzero(days["lossy"].to_numpy(dtype=bool))
    row, homes = numbered(days["home"])
    if groups is not None:
        row += groups * len(homes)
    by_home, lost = (
        _tally(row[of], state[of], length * len(homes)).reshape(length, len(homes), len(STATES))
        for of in (slice(None), lossy)
    )
    counts, lost_counts = by_home.sum(axis=1), lost.sum(axis=1)
    seen: npt.NDArray[np.bool_] = np.asarray(by_home[:, :, _COUNTED].any(axis=2))
    return [
        rate_of(
            dict(zip(STATES, counts[n].tolist(), strict=True)),
            dict(zip(STATES, lost_counts[n].tolist(), strict=True)),
            int(seen[n].sum()),
            parameters,
        )
        for n in range(length)
    ]


def rate_of(
    counts: Mapping[Any, int], lossy: Mapping[Any, int], homes: int, parameters: Parameters
) -> UseDayRate:
    """Return the use-day rate of so many days by state, and of so many lossy ones among them."""
    used, used_unobserved, unused, unknown, paused, out = (int(counts.get(state, 0)) for state in "UuNKE-")
    lossy_unused = int(lossy.get("N", 0))
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
        upper=_ratio(used + used_unobserved + unknown + lossy_unused, total),
        observability=observability,
        show=show,
        lossy_days=sum(int(lossy.get(state, 0)) for state in COUNTED),
        lossy_unused_days=lossy_unused,
    )


def without_ramp_in(
    days: pd.DataFrame, homes_started: Mapping[str, date], parameters: Parameters
) -> pd.DataFrame:
    """Return `days` without each home's first `parameters.ramp_in_days` days.

    They are counted from its first exposed day. `homes_started` gives that day; for a home that it lacks it
    is the home's first of `days`.
    """
    home, homes = numbered(days["home"])
    day = day_numbers(days["day"])
    first = np.full(len(homes), np.iinfo(np.int64).max)
    np.minimum.at(first, home, day)
    for place, code in enumerate(homes):
        if code in homes_started:
            first[place] = day_numbers(pd.Series([homes_started[code]]))[0]
    return days[day >= first[home] + parameters.ramp_in_days]


def intensity(days: pd.DataFrame, recovered: pd.DataFrame | None = None) -> Intensity:
    """Return how much the technology is used; `days` has the columns home, day, uses and state.

    recovered: home, day (of the counter's later reading), uses; those of days that are not out count.
    """
    return intensities(days, None, 1, recovered)[0]


def intensities(
    days: pd.DataFrame,
    groups: npt.NDArray[np.int64] | None,
    length: int,
    recovered: pd.DataFrame | None = None,
) -> list[Intensity]:
    """Return the intensity of each of so many groups of days.

    -1 is a day of none, and a home's days are of one; without groups all are of one.
    """
    state = state_numbers(days["state"])
    counts = _tally(groups, state, length)
    used = _tally(groups, state, length, days["uses"].to_numpy())
    used[:, STATES.index("-")] = 0
    back = _recovered_by(days, groups, state > 0, length, recovered)
    seen = [STATES.index(each) for each in "UN"]
    found = []
    for n in range(length):
        uses_total = int(used[n].sum())
        used_days = sum(int(counts[n, STATES.index(each)]) for each in USED)
        found.append(
            Intensity(
                uses_total=uses_total,
                used_days=used_days,
                uses_per_used_day=_ratio(uses_total, used_days),
                uses_per_home_week=_ratio(7 * int(used[n, seen].sum()), int(counts[n, seen].sum())),
                recovered_uses=int(back[n]),
            )
        )
    return found


def coverage(days: pd.DataFrame, parameters: Parameters) -> Coverage:
    """Return the coverage over the days that are neither out nor excused."""
    return coverages(days, None, 1, parameters)[0]


def coverages(
    days: pd.DataFrame, groups: npt.NDArray[np.int64] | None, length: int, parameters: Parameters
) -> list[Coverage]:
    """Return the coverage of each of so many groups of days; -1 is a day of none, without groups all are of one.

    days: state, observed_minutes, exposed_minutes, and the `ARMED_COLUMNS` where some device can tell.
    """
    return [coverage_of(minutes, parameters) for minutes in covered_minutes(days, groups, length)]


def covered_minutes(
    days: pd.DataFrame, groups: npt.NDArray[np.int64] | None, length: int
) -> list[CoveredMinutes]:
    """Return the minutes of each of so many groups of days, as for `coverages`."""
    state = state_numbers(days["state"])
    columns = [
        _tally(groups, state, length, days[name].to_numpy())[:, _COUNTED].sum(axis=1)
        if name in days
        else np.zeros(length, dtype=np.int64)
        for name in ("observed_minutes", "exposed_minutes", *ARMED_COLUMNS)
    ]
    return [CoveredMinutes(*minutes) for minutes in np.column_stack(columns).tolist()]


def coverage_of(
    minutes: CoveredMinutes, parameters: Parameters, *, armed_known: bool | None = None
) -> Coverage:
    """Return the coverage of so many minutes; armed_known: whether a device spoke of it, also beside them."""
    online, exposed, armed, unarmed, unknown = minutes
    known = armed + unarmed > 0 if armed_known is None else armed_known
    covered = online - unarmed - unknown if known else online
    enough = not known or unknown <= (1 - parameters.point_observability_required) * online
    return Coverage(
        online_minutes=online,
        exposed_minutes=exposed,
        ratio=_ratio(covered, exposed),
        armed_minutes=armed,
        unarmed_minutes=unarmed,
        armed_unknown_minutes=unknown,
        armed_known=known,
        online_ratio=_ratio(online, exposed),
        armed_ratio=_ratio(armed, armed + unarmed),
        upper=_ratio(covered + unknown if known else online, exposed),
        show="nothing" if not exposed else "point" if enough else "bounds",
    )


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
    states = np.zeros((len(codes), length), dtype=np.int64)
    uses = np.zeros((len(codes), length), dtype=np.int64)
    observed = np.full((len(codes), length), np.nan)
    exposed = np.full(len(codes), length)
    np.minimum.at(exposed, row, column)
    states[row, column] = state_numbers(home_days["state"])[inside]
    uses[row, column] = home_days["uses"].to_numpy(dtype=np.int64)[inside]
    observed[row, column] = home_days["observed_ratio"].to_numpy(dtype=float)[inside]
    lossy = np.zeros((len(codes), length), dtype=bool)
    lossy[row, column] = home_days["lossy"].to_numpy(dtype=bool)[inside]
    row, inside = _within(device_days, codes, first_day, length)
    state = state_numbers(device_days["state"])[inside]
    lost = device_days["lossy"].to_numpy(dtype=bool)[inside]
    by_home = _tally(row, state, len(codes))
    lost_by_home = _tally(row[lost], state[lost], len(codes))
    letters = np.frombuffer(STATES.encode(), dtype=np.uint8)[states]
    blank = (states == 0) | np.isnan(observed)

    found = []
    for n, home in enumerate(homes.to_dict("records")):
        used = np.flatnonzero(states[n] >= STATES.index("u"))
        ratios: list[float | None] = observed[n].tolist()
        for out in np.flatnonzero(blank[n]).tolist():
            ratios[out] = None
        rate, lossy_rate = (
            dict(zip(STATES, counts[n].tolist(), strict=True)) for counts in (by_home, lost_by_home)
        )
        found.append(
            HomeStrip(
                home=str(home["home"]),
                unit=str(home["unit"]),
                installed_on=_date_or_none(home["installed_on"]),
                ended_on=_date_or_none(home["ended_on"]),
                end_reason=None if pd.isna(home["end_reason"]) else str(home["end_reason"]),
                first_day=first_day,
                states=letters[n].tobytes().decode(),
                uses=tuple(uses[n].tolist()),
                observed_ratio=tuple(ratios),
                first_use_on=first_day + timedelta(days=int(used[0])) if len(used) else None,
                last_use_on=first_day + timedelta(days=int(used[-1])) if len(used) else None,
                use_day_rate=rate_of(
                    rate, lossy_rate, int(any(rate[state] for state in COUNTED)), parameters
                ),
                lossy_on=tuple(first_day + timedelta(days=day) for day in np.flatnonzero(lossy[n]).tolist()),
                exposed_from=None if exposed[n] == length else first_day + timedelta(days=int(exposed[n])),
            )
        )
    return tuple(found)


def _recovered_by(
    days: pd.DataFrame,
    groups: npt.NDArray[np.int64] | None,
    which: npt.NDArray[np.bool_],
    length: int,
    recovered: pd.DataFrame | None,
) -> npt.NDArray[np.int64]:
    """Return the recovered uses of each group: those whose home and day are among `which` of its days."""
    if recovered is None or not len(recovered):
        return np.zeros(length, dtype=np.int64)
    groups = np.zeros(len(days), dtype=np.int64) if groups is None else groups
    which = which & (groups >= 0)
    keys = ["home", "day"]
    some = days[which]
    known = pd.MultiIndex.from_arrays([some["home"].astype("str"), pd.to_datetime(some["day"])], names=keys)
    group = pd.Series(groups[which], index=known)
    group = group[~known.duplicated()]
    told = pd.MultiIndex.from_arrays([recovered["home"], pd.to_datetime(recovered["day"])], names=keys)
    of = group.reindex(told, fill_value=-1).to_numpy()
    uses = recovered["uses"].to_numpy()
    return np.bincount(of[of >= 0], uses[of >= 0], minlength=length).astype(np.int64)


def _ratio(part: int, whole: int) -> float | None:
    """Return part / whole; None where there is no whole."""
    return part / whole if whole else None


def _tally(
    rows: npt.NDArray[np.int64] | None,
    states: npt.NDArray[np.int8],
    length: int,
    weights: npt.NDArray[np.integer[Any]] | None = None,
) -> npt.NDArray[np.int64]:
    """Return how many days each row has in each state (column), or the sum of their weights.

    A negative row is none; without rows all are one.
    """
    found = np.zeros(length * len(STATES), dtype=np.int64)
    for begin in range(0, len(states), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        cell = states[part].astype(np.int64)
        if rows is not None:
            cell += rows[part] * len(STATES)
        inside = slice(None) if cell.min() >= 0 else cell >= 0
        given = None if weights is None else weights[part][inside]
        found += np.bincount(cell[inside], given, minlength=len(found)).astype(np.int64)
    return found.reshape(length, len(STATES))


def _cells(
    days: pd.DataFrame, codes: pd.Index[Any], first_day: date, length: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return row (home) and column (day) in the strips of those days that lie in them, and which they are."""
    row, inside = _within(days, codes, first_day, length)
    column = day_numbers(days["day"]) - np.datetime64(first_day, "D").astype(np.int64)
    return row, column[inside], inside


def _within(
    days: pd.DataFrame, codes: pd.Index[Any], first_day: date, length: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return the row (home) in the strips of those days that lie in them, and which they are."""
    home, homes = numbered(days["home"])
    row = codes.get_indexer(homes).astype(np.int64)[home]
    day = days["day"].to_numpy()
    if day.dtype.kind != "M":
        day = pd.to_datetime(days["day"]).to_numpy()
    first = np.datetime64(first_day, "D")
    inside = (row >= 0) & (day >= first) & (day < first + length)
    return row[inside], inside


def _date_or_none(value: Any) -> date | None:
    """Return a day as a plain date, whatever a data frame made of it."""
    if pd.isna(value):
        return None
    return pd.Timestamp(value).date()
