"""Does it help? A trial's gains from its registered visits and measures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from statistics import fmean

from nyttig.figures import benefit
from nyttig.figures.benefit import NetMinutes, Paired
from nyttig.model import Gain, TrialPackage, Visit

VISIT_MINUTES = "visit_minutes_per_week"
"""The indicator that is worked out from registered visits."""

NEW_WORK_PURPOSES = frozenset(("alarm_handling", "refill", "remote_check", "support"))
"""Visits with these purposes are work that the technology brought, never part of the visit minutes."""


@dataclass(frozen=True, slots=True)
class HomePair:
    """One home's indicator before and after."""

    home: str
    unit: str
    before: float
    after: float
    by_proxy: bool


@dataclass(frozen=True, slots=True)
class GainFigures:
    """One gain with what was measured of it.

    `evidence_level` is 0 (case: under five pairs) or 1 (before/after). `homes_missing` lack one of the periods.
    `registration_ratio` is the smaller share of homes registered in either period; under the trial's limit the
    gain is `uncertain`.
    """

    id: str
    title: str
    type: str
    perspective: str
    indicator: str
    better: str
    target: float | None
    owner: str | None
    payer: str | None
    planned: bool
    evidence_level: int
    homes: tuple[HomePair, ...]
    homes_missing: int
    before_mean: float | None
    after_mean: float | None
    difference: Paired
    registration_ratio: float | None
    uncertain: bool


def gain_figures(package: TrialPackage, gain: Gain) -> GainFigures:
    """One gain with what the trial's registrations say of it."""
    parameters = package.trial.parameters
    units = {home.home: home.unit for home in package.homes}
    installed = [home.home for home in package.homes if home.installed_on]
    values, proxies = _indicator(package, gain.indicator)
    before, after = values["before"], values["after"]
    pairs = tuple(
        HomePair(home, units[home], before[home], after[home], home in proxies)
        for home in sorted(before.keys() & after.keys())
    )
    difference = benefit.paired([pair.after - pair.before for pair in pairs])
    registered = min(len(before), len(after))
    registration_ratio = min(registered / len(installed), 1.0) if installed else None
    return GainFigures(
        id=gain.id,
        title=gain.title,
        type=gain.type,
        perspective=gain.perspective,
        indicator=gain.indicator,
        better=gain.better,
        target=gain.target,
        owner=gain.owner,
        payer=gain.payer,
        planned=gain.planned,
        evidence_level=1 if difference.p is not None else 0,
        homes=pairs,
        homes_missing=len(set(installed) - {pair.home for pair in pairs}),
        before_mean=fmean(pair.before for pair in pairs) if pairs else None,
        after_mean=fmean(pair.after for pair in pairs) if pairs else None,
        difference=difference,
        registration_ratio=registration_ratio,
        uncertain=registration_ratio is None or registration_ratio < parameters.registration_ratio_required,
    )


def _indicator(package: TrialPackage, indicator: str) -> tuple[dict[str, dict[str, float]], set[str]]:
    """Per period and home the value of an indicator, and the homes in which somebody answered by proxy."""
    if indicator == VISIT_MINUTES:
        weeks = package.trial.parameters.registration_days / 7
        minutes: dict[str, dict[str, float]] = {"before": {}, "after": {}}
        for visit in package.visits:
            if visit.purpose not in NEW_WORK_PURPOSES:
                homes = minutes[visit.period]
                homes[visit.home] = homes.get(visit.home, 0.0) + _minutes(visit) / weeks
        return minutes, set()
    lists: dict[str, dict[str, list[float]]] = {"before": {}, "after": {}}
    proxies = set()
    for measure in package.measures:
        if measure.indicator == indicator:
            lists[measure.period].setdefault(measure.home, []).append(measure.value)
            if measure.by_proxy:
                proxies.add(measure.home)
    means = {
        period: {home: fmean(values) for home, values in homes.items()} for period, homes in lists.items()
    }
    return means, proxies


def net_minutes(package: TrialPackage) -> NetMinutes:
    """Staff minutes per home-week before and after, new work taken off, over the homes with both periods."""
    parameters = package.trial.parameters
    visits, _ = _indicator(package, VISIT_MINUTES)
    homes = sorted(visits["before"].keys() & visits["after"].keys())
    new_work = dict.fromkeys(homes, 0.0)
    registered = False
    for visit in package.visits:
        if visit.period == "after" and visit.purpose in NEW_WORK_PURPOSES and visit.home in new_work:
            new_work[visit.home] += _minutes(visit) / (parameters.registration_days / 7)
            registered = True
    return benefit.net_minutes(
        [visits["before"][home] for home in homes],
        [visits["after"][home] for home in homes],
        [new_work[home] for home in homes] if registered else [],
        len(homes),
        parameters.hourly_rate,
    )


def _minutes(visit: Visit) -> float:
    return (visit.ended_at - visit.started_at) / timedelta(minutes=1) + visit.travel_minutes
