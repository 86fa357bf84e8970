"""Is it used? Adoption figures from device-days. Definitions: docs/figures.md, section 3."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from nyttig.figures.coverage import STATES, day_numbers, numbered, state_numbers
from nyttig.figures.intervals import Share, wilson
from nyttig.model import Parameters

USED = ("U", "u")
COUNTED = ("U", "u", "N", "K")
"""The states that a use-day rate rests on; excused and out stand outside."""

_COUNTED = np.array([state in COUNTED for state in STATES])
_MONDAY = 4
"""1970-01-05: weeks are numbered from it."""


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
    return use_day_rates(days, np.zeros(len(days), dtype=np.int64), 1, parameters)[0]


def use_day_rates(
    days: pd.DataFrame, groups: npt.NDArray[np.int64], length: int, parameters: Parameters
) -> list[UseDayRate]:
    """Return the use-day rate of each of so many groups of days; -1 is a day of none."""
    state, lossy = state_numbers(days["state"]), days["lossy"].to_numpy(dtype=bool)
    home, homes = numbered(days["home"])
    inside = groups >= 0
    counts = _tally(groups[inside], state[inside], length)
    lost = inside & lossy
    lost_counts = _tally(groups[lost], state[lost], length)
    counted = inside & _COUNTED[state]
    seen = np.zeros((length, len(homes)), dtype=bool)
    seen[groups[counted], home[counted]] = True
    return [
        _rate(
            dict(zip(STATES, counts[n].tolist(), strict=True)),
            dict(zip(STATES, lost_counts[n].tolist(), strict=True)),
            int(seen[n].sum()),
            parameters,
        )
        for n in range(length)
    ]


def by_unit(
    days: pd.DataFrame, units: Sequence[str], parameters: Parameters
) -> list[tuple[UseDayRate, Coverage]]:
    """Return the use-day rate and the coverage of each unit's days."""
    unit, known = numbered(days["unit"])
    groups = pd.Index(units).get_indexer(known).astype(np.int64)[unit]
    counted = _COUNTED[state_numbers(days["state"])] & (groups >= 0)
    online, exposed = (
        np.bincount(groups[counted], days[name].to_numpy()[counted], minlength=len(units))
        .astype(np.int64)
        .tolist()
        for name in ("observed_minutes", "exposed_minutes")
    )
    covers = [Coverage(part, whole, _ratio(part, whole)) for part, whole in zip(online, exposed, strict=True)]
    return list(zip(use_day_rates(days, groups, len(units), parameters), covers, strict=True))


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
    state, uses = state_numbers(days["state"]), days["uses"].to_numpy(dtype=np.int64)
    counts = _by_state(state)
    uses_total = int(uses[state > 0].sum())
    used_days = sum(counts[each] for each in USED)
    observed_days = counts["U"] + counts["N"]
    observed = (state == STATES.index("U")) | (state == STATES.index("N"))
    return Intensity(
        uses_total=uses_total,
        used_days=used_days,
        uses_per_used_day=_ratio(uses_total, used_days),
        uses_per_home_week=_ratio(7 * int(uses[observed].sum()), observed_days),
        recovered_uses=_recovered_on(days, state > 0, recovered),
    )


def coverage(days: pd.DataFrame) -> Coverage:
    """Return online ÷ exposed minutes over the days that are neither out nor excused."""
    counted = _COUNTED[state_numbers(days["state"])]
    online, exposed = (
        int(days[name].to_numpy(dtype=np.int64)[counted].sum())
        for name in ("observed_minutes", "exposed_minutes")
    )
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
    state = state_numbers(home_days["state"])
    exposed = state > 0
    if not exposed.any():
        return ()
    home, homes = numbered(home_days["home"])
    week = (day_numbers(home_days["day"]) - _MONDAY) // 7
    first = int(week[exposed].min())
    weeks_ = range(first, int(week[exposed].max()) + 1)
    shape = (len(weeks_), len(homes), len(STATES))
    table = np.bincount(
        np.ravel_multi_index((week[exposed] - first, home[exposed], state[exposed]), shape),
        minlength=np.prod(shape),
    ).reshape(shape)
    there: npt.NDArray[np.bool_] = np.asarray(table.any(axis=2))
    used_days = table[:, :, STATES.index("U")] + table[:, :, STATES.index("u")]
    counted = used_days + table[:, :, STATES.index("N")] + table[:, :, STATES.index("K")]
    with np.errstate(invalid="ignore"):
        observability = (used_days + table[:, :, STATES.index("N")]) / counted
    # False where nothing is counted.
    observed: npt.NDArray[np.bool_] = observability >= parameters.week_observability_required
    used: npt.NDArray[np.bool_] = used_days > 0
    paused: npt.NDArray[np.bool_] = there & ~used & (counted == 0)
    unused: npt.NDArray[np.bool_] = there & ~used & observed
    regular: npt.NDArray[np.bool_] = used_days >= parameters.regular_use_days_per_week
    week_of_device = (day_numbers(device_days["day"]) - _MONDAY) // 7 - first
    week_of_device[week_of_device >= len(weeks_)] = -1
    rates = use_day_rates(device_days, week_of_device, len(weeks_), parameters)
    recovered_uses: dict[Any, int] = {}
    if recovered is not None and len(recovered):
        told = (day_numbers(recovered["day"]) - _MONDAY) // 7
        recovered_uses = recovered["uses"].groupby(told).sum().to_dict()
    found = []
    for n, number in enumerate(weeks_):
        starts_on = date(1970, 1, 1) + timedelta(days=number * 7 + _MONDAY)
        year, iso_week, _ = starts_on.isocalendar()
        observed_homes = int(observed[n].sum())
        found.append(
            Week(
                iso_week=f"{year}-W{iso_week:02d}",
                starts_on=starts_on,
                complete=starts_on + timedelta(days=6) <= last_complete_day,
                homes_used=int(used[n].sum()),
                homes_unused=int(unused[n].sum()),
                homes_unknown=int(there[n].sum()) - int((used[n] | paused[n] | unused[n]).sum()),
                homes_paused=int(paused[n].sum()),
                observed_homes=observed_homes,
                active=wilson(int((used & observed)[n].sum()), observed_homes),
                regular=wilson(int((regular & observed)[n].sum()), observed_homes),
                use_day_rate=rates[n],
                recovered_uses=int(recovered_uses.get(number, 0)),
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
    states = np.zeros((len(codes), length), dtype=np.int64)
    uses = np.zeros((len(codes), length), dtype=np.int64)
    observed = np.full((len(codes), length), np.nan)
    states[row, column] = state_numbers(home_days["state"])[inside]
    uses[row, column] = home_days["uses"].to_numpy(dtype=np.int64)[inside]
    observed[row, column] = home_days["observed_ratio"].to_numpy(dtype=float)[inside]
    lossy = np.zeros((len(codes), length), dtype=bool)
    lossy[row, column] = home_days["lossy"].to_numpy(dtype=bool)[inside]
    row, inside = _within(device_days, codes, first_day, length)
    state, lost = (
        state_numbers(device_days["state"])[inside],
        device_days["lossy"].to_numpy(dtype=bool)[inside],
    )
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


def _recovered_on(days: pd.DataFrame, which: npt.NDArray[np.bool_], recovered: pd.DataFrame | None) -> int:
    """Return the recovered uses whose home and day are among those of `days`."""
    if recovered is None or not len(recovered):
        return 0
    keys = ["home", "day"]
    days = days[which]
    known = pd.MultiIndex.from_arrays([days["home"].astype("str"), pd.to_datetime(days["day"])], names=keys)
    told = pd.MultiIndex.from_arrays([recovered["home"], pd.to_datetime(recovered["day"])], names=keys)
    return int(recovered["uses"][told.isin(known)].sum())


def _ratio(part: int, whole: int) -> float | None:
    """Return part / whole; None where there is no whole."""
    return part / whole if whole else None


def _by_state(states: npt.NDArray[np.int8]) -> dict[str, int]:
    """Return how many days are in each state."""
    return dict(zip(STATES, np.bincount(states, minlength=len(STATES)).tolist(), strict=True))


def _tally(rows: npt.NDArray[np.int64], states: npt.NDArray[np.int8], length: int) -> npt.NDArray[np.int64]:
    """Return how many days each row has in each state (column)."""
    cells = rows * len(STATES) + states
    return np.bincount(cells, minlength=length * len(STATES)).reshape(length, len(STATES))


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
