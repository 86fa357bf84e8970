"""The one report of a trial, which API, dashboard, command line and export all read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from nyttig.figures.adoption import Coverage, Funnel, HomeStrip, Intensity, UseDayRate, Week
from nyttig.figures.benefit import NetMinutes, Paired
from nyttig.model import Parameters

DEFINITIONS_VERSION = "1"
"""Raised whenever a figure's definition changes, so that two reports can be told apart."""


@dataclass(frozen=True, slots=True)
class TrialFacts:
    """What the trial is, in its own words."""

    id: str
    title: str
    programme: str | None
    units: tuple[str, ...]
    technology: str
    technology_titles: dict[str, str]
    usage_class: str
    timezone: str
    currency: str
    starts: date
    ends: date | None


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What the figures rest on."""

    events_total: int
    first_event_at: datetime | None
    last_event_at: datetime | None
    primary_devices: int
    secondary_devices: int
    homes: int


@dataclass(frozen=True, slots=True)
class UnitFigures:
    """One unit's part of the trial."""

    unit: str
    homes: int
    use_day_rate: UseDayRate
    coverage: Coverage


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


@dataclass(frozen=True, slots=True)
class Silence:
    """A time in which no device of a home was heard: one finding (its gateway or its power), not one a device."""

    home: str
    from_at: datetime
    to_at: datetime | None
    hours: float
    devices: int


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one trial as of one moment. Ratios are 0..1, days local to the trial's time zone.

    `use_day_rate` leaves out each home's first `parameters.ramp_in_days`; `use_day_rate_all_days` does not.
    """

    trial: TrialFacts
    as_of: datetime
    first_day: date
    last_day: date
    definitions_version: str
    parameters: Parameters
    data: DataFacts
    funnel: Funnel
    use_day_rate: UseDayRate
    use_day_rate_all_days: UseDayRate
    intensity: Intensity
    coverage: Coverage
    units: tuple[UnitFigures, ...]
    weeks: tuple[Week, ...]
    homes: tuple[HomeStrip, ...]
    gains: tuple[GainFigures, ...]
    net_minutes: NetMinutes
    silences: tuple[Silence, ...]
