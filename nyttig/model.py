"""The nouns of Nyttig, in the words of the field. Standard library only.

message (what came over MQTT) → reading (what it says) → event (as stored, with both times) →
use (events that belong together) → device-day state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, NamedTuple

from nyttig.column import said

UsageClass = Literal["scheduled", "on_demand", "standby"]
SiteType = Literal["home", "demo"]
Origin = Literal["citizen", "staff", "installer", "auto", "test"]
Role = Literal["primary", "secondary"]
Period = Literal["before", "after"]
GainType = Literal["quality", "time", "cost"]
Perspective = Literal["citizen", "organisation", "technology", "economy"]
GainStatus = Literal["proposed", "agreed", "measured", "realised", "dropped"]
EndReason = Literal[
    "completed",
    "stopped_using",
    "unsuitable",
    "moved",
    "nursing_home",
    "deceased",
    "withdrew_consent",
    "other",
]
RetireReason = Literal["broken", "lost", "returned", "replaced", "other"]

EARLIEST_PLAUSIBLE_TIME = datetime(2010, 1, 1, tzinfo=UTC)
"""Clocks that lost their battery wake in 1970, 1980 or 2000; no trial device reported before this."""

FUTURE_TOLERANCE = timedelta(minutes=5)
"""A device clock may run this far ahead of ours before its times are not believed."""

LATE_AFTER = timedelta(minutes=10)
"""An event this much older than its arrival is marked late: history, not news."""


# --- What comes in -------------------------------------------------------------------------------


class Message(NamedTuple):
    """One MQTT message as it arrived. `redelivered` is MQTT's DUP flag."""

    topic: str
    payload: bytes
    retained: bool
    redelivered: bool
    received_at: datetime


class Reading(NamedTuple):
    """One thing that a message says about one device, in its dialect's terms made common.

    `type` is what happened or was measured (`dose_taken`, `contact`, `temperature`, `health`, `state`);
    `value` is a number in `unit`, booleans as 0/1. `device_time` is the device's own time, None where it
    gives none. Identity is (`boot_id`, `seq`) or `message_id`; both None where the dialect has neither.
    `health` holds facts about the device itself under these names and no others: `battery_pct`, `battery_v`,
    `battery_low` (true/false), `external_power` (true/false), `rssi_dbm`, `snr_db`, `link_quality` (0..255),
    `signal_pct`, `uptime_s`, `fw`, `counter`; what is unknown is left out, never 0. `extra` is whatever else was sent.
    """

    dialect: str
    address: str
    type: str
    value: float | None = None
    unit: str | None = None
    device_time: datetime | None = None
    boot_id: str | None = None
    seq: int | None = None
    message_id: str | None = None
    origin: Origin = "citizen"
    health: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] | None = None


class Flaw(NamedTuple):
    """A part of a message that could not be read: why, and the part itself."""

    reason: str
    detail: str
    payload: bytes


class Description(NamedTuple):
    """What a device, or a gateway on its behalf, says it is; no reading, and no proof of life.

    `address` is that of its readings. `hardware_id` stays when names change (an IEEE address, a DevEUI, a MAC).
    `says` are the types of reading that it can give, `gateway` the address of what it speaks through.
    `gone`: it says that this device is no more.
    """

    dialect: str
    address: str
    hardware_id: str | None = None
    make: str | None = None
    model: str | None = None
    name: str | None = None
    power: Literal["battery", "mains"] | None = None
    gateway: str | None = None
    says: tuple[str, ...] = ()
    gone: bool = False


class Decoded(NamedTuple):
    """What a message says: readings of one or more devices, the parts that could not be read, and descriptions.

    All empty: the message is none of ours to store (a command, a bridge's log). `lasting`: later messages can only
    be read by who knows this one, so it is kept by topic, the newest of each; an empty payload ends it.
    """

    readings: list[Reading]
    flaws: list[Flaw]
    descriptions: tuple[Description, ...] = ()
    lasting: bool = False


def believed_time(
    device_time: datetime | None, received_at: datetime
) -> tuple[datetime, Literal["future", "past"] | None]:
    """The time an event counts for, and what was wrong with its clock.

    The device's own time, unless it gives none or an impossible one: more than FUTURE_TOLERANCE ahead of its
    arrival, or before EARLIEST_PLAUSIBLE_TIME. Then it is the arrival.
    """
    if device_time is None:
        return received_at, None
    if device_time > received_at + FUTURE_TOLERANCE:
        return received_at, "future"
    if device_time < EARLIEST_PLAUSIBLE_TIME:
        return received_at, "past"
    return device_time, None


# --- The registry --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UseRule:
    """Which readings are uses, or say that a device is armed or worn.

    Without any other field each reading of `type` is a use. With `above` (or `below`) readings turn a state on where
    they lie beyond it and off where they lie at or before `release` (the threshold itself unless given); in between
    it stays as it was. A reading of the type `until` turns it off, too. A use begins where the state turns on.
    `bare`: a reading without a value counts as one beyond the threshold. With `release`, `until` or
    `minimum_minutes` the state lasts: what is shorter than `minimum_minutes` is no use, and its length counts when
    uses are joined. `joining_gap_minutes` is the technology's unless the rule has its own.
    """

    type: str
    above: float | None = None
    below: float | None = None
    release: float | None = None
    until: str | None = None
    bare: bool = False
    minimum_minutes: float | None = None
    joining_gap_minutes: float | None = None

    @property
    def counts_each_reading(self) -> bool:
        """Whether a reading is a use by itself, whatever came before."""
        return self.until is None and (self.bare or (self.above is None and self.below is None))

    @property
    def lasts(self) -> bool:
        """Whether a use of this rule has a length."""
        return self.release is not None or self.until is not None or self.minimum_minutes is not None


@dataclass(frozen=True, slots=True)
class Technology:
    """What is tried: its usage class, what counts as one use of it, and what else its readings mean.

    `armed_rules` say when a device watches over somebody; there a rule needs a threshold or `until`. Readings of the
    types `alarm` raise an alarm, those of `alarm_handled` say that somebody took care of it.
    """

    id: str
    titles: Mapping[str, str]
    usage_class: UsageClass
    use_rules: tuple[UseRule, ...]
    joining_gap_minutes: float = 0.0
    heartbeat_minutes: float = 60.0
    minimum_uses_per_day: int = 1
    armed_rules: tuple[UseRule, ...] = ()
    alarm: tuple[str, ...] = ()
    alarm_handled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parameters:
    """Every threshold that the figures of a trial depend on; kept with the trial.

    `observed_share_required` is θ and `heartbeat_tolerance` is k of the device-day definition.
    `abandonment_days` is G: observed unused days after the last use (14 for a technology meant for every day, 28
    for one meant for every week, else three times the plan). A dose or a visit is done in its window when it
    happens from `participation_early_minutes` before it is due to `participation_window_minutes` after. An alarm is
    handled in time within `alarm_handled_within_minutes`.
    """

    observed_share_required: float = 0.8
    heartbeat_tolerance: float = 3.0
    minimum_uses_per_day: int = 1
    ramp_in_days: int = 14
    point_observability_required: float = 0.6
    week_observability_required: float = 0.5
    regular_use_days_per_week: int = 4
    abandonment_days: int = 14
    sustained_within_days: int = 90
    sustained_window_days: int = 30
    sustained_observed_days: int = 21
    sustained_use_day_ratio: float = 0.7
    participation_window_minutes: float = 120.0
    participation_early_minutes: float = 30.0
    alarm_handled_within_minutes: float = 15.0
    registration_days: int = 14
    registration_ratio_required: float = 0.8
    hourly_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Gain:
    """A benefit, planned or not, how it is to be seen, where it started from, and who answers for it.

    The baseline is the "nullpunkt": measured by somebody on a day, from the homes' values before where no number
    stands here, or waived with a reason. A planned gain with neither keeps a trial from starting.
    """

    id: str = said("Short code of the gain, such as visit-minutes", kind="code")
    title: str = said("What becomes better, in the words of those it is for")
    type: GainType = said("Quality, time or cost")
    perspective: Perspective = said("From whose perspective")
    indicator: str = said("What is measured: a code, such as visit_minutes_per_week or who5", kind="code")
    better: Literal["lower", "higher"] = said("Which way is better")
    target: float | None = said(
        "Wanted change, in the indicator's unit; below 0 where lower is better", default=None
    )
    owner: str | None = said("Role that answers for the gain", default=None)
    payer: str | None = said("Whose money or time it is", default=None)
    planned: bool = said("Agreed on before the start, not found on the way", default=True)
    stakeholder: str | None = said("Who gains: residents, next of kin, staff, a service", default=None)
    status: GainStatus | None = said("How far the gain has come", default=None)
    baseline_value: float | None = said(
        "Value before the start, where it is one number for all", default=None
    )
    baseline_on: date | None = said("Day on which the baseline was measured", default=None)
    baseline_by: str | None = said("Role that measured the baseline", default=None)
    waiver_reason: str | None = said("Why there is no baseline", default=None)
    waived_by: str | None = said("Name and role of who let the trial start without a baseline", default=None)
    measure_on: str | None = said("Days on which to measure, such as 2026-11-01 2027-02-01", default=None)
    found_on: date | None = said("Day on which an unplanned gain was seen", default=None)


@dataclass(frozen=True, slots=True)
class Home:
    """A site in a trial (`site_type` demo: a demo apartment, never in a denominator), with its enrolment."""

    home: str
    site_type: SiteType
    unit: str
    asked_on: date | None = None
    consented_on: date | None = None
    installed_on: date | None = None
    ended_on: date | None = None
    end_reason: EndReason | None = None
    legal_basis: str | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """One piece of a technology and the address under which its dialect knows it.

    `hardware_id` is what its maker gave it and no renaming changes (an IEEE address, a DevEUI, a serial number).
    """

    device: str
    technology: str
    dialect: str
    address: str
    heartbeat_minutes: float
    power: Literal["battery", "mains"]
    role: Role
    hardware_id: str | None = None
    retired_at: datetime | None = None
    retired_because: RetireReason | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """A device at a site from one time to another (None: still there)."""

    device: str
    home: str
    placed_at: datetime
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """A time in which a home is excused: hospital, holiday, agreed pause."""

    home: str
    paused_from: datetime
    paused_to: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """Something due in a home at a local time of day: a dose, a call, a check.

    `weekdays` holds the ISO numbers of its days, 1 Monday to 7 Sunday. `from_day` and `to_day` are its first and
    last day; None: as long as the home is in the trial.
    """

    home: str
    due_time: time
    weekdays: str = "1234567"
    from_day: date | None = None
    to_day: date | None = None


@dataclass(frozen=True, slots=True)
class UnitPart:
    """What is known of a unit's part in a trial, invited or taking part; None: nobody said."""

    unit: str
    invited_on: date | None = None
    joined_on: date | None = None
    staff: int | None = None
    ambassadors_trained: int | None = None
    ambassadors_active: int | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """One registered visit or call at a home, before or after the technology came."""

    home: str
    started_at: datetime
    ended_at: datetime
    kind: Literal["physical", "remote"]
    purpose: str
    staff_group: str | None
    travel_minutes: float
    period: Period


@dataclass(frozen=True, slots=True)
class Measure:
    """One value of an indicator for a home, before or after."""

    home: str = said("Code of the home or demo apartment; never a name or an address", kind="code")
    indicator: str = said("What was measured")
    measured_on: date = said("Day of the measurement")
    period: Period = said("Before or after the technology came")
    value: float = said("The value, in the indicator's unit")
    by_proxy: bool = said("Answered by somebody else on the resident's behalf; default false", default=False)


@dataclass(frozen=True, slots=True)
class Cost:
    """One line of what the trial costs."""

    item: str = said("What is paid for")
    kind: Literal["capital", "running", "installation", "support"] = said("Kind of cost")
    amount: float = said("Amount in the trial's currency")
    per: Literal["device", "home", "month", "once"] = said("What one amount buys")
    life_months: float | None = said("Expected life in months", default=None, above=0)
    payer: str | None = said("Who pays", default=None)
    source: str | None = said("Where the figure comes from", default=None)


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody entered: one version of it. `data` is of the kind's dataclass; None: it was taken back.

    `trial_id` is None for what belongs to no trial. `entered_by` is the principal's name. `loaded`: it came with a
    trial package. In a package that was written by hand `entry` is empty, and when and by whom is not said.
    """

    entry: str
    version: int
    kind: str
    trial_id: str | None
    data: Any
    entered_at: datetime | None = None
    entered_by: str | None = None
    loaded: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """A protocol run in one or more units. Days are local to `timezone`; `ends` is the last day."""

    id: str
    title: str
    programme: str | None
    units: tuple[str, ...]
    technology: str
    timezone: str
    currency: str
    starts: date
    ends: date | None = None
    gains: tuple[Gain, ...] = ()
    parameters: Parameters = field(default_factory=Parameters)


@dataclass(frozen=True, slots=True)
class TrialPackage:
    """Everything a trial package says, checked; what `load` stores and `export` writes. `versions`: how entries came to be."""

    trial: Trial
    technologies: tuple[Technology, ...] = ()
    homes: tuple[Home, ...] = ()
    devices: tuple[Device, ...] = ()
    placements: tuple[Placement, ...] = ()
    pauses: tuple[Pause, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    units: tuple[UnitPart, ...] = ()
    visits: tuple[Visit, ...] = ()
    measures: tuple[Measure, ...] = ()
    costs: tuple[Cost, ...] = ()
    entries: tuple[Entry, ...] = ()
    versions: tuple[Entry, ...] = ()


# --- Who asks ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: roles, and the units they may see (None: all)."""

    name: str
    roles: frozenset[Literal["coordinator", "installer", "evaluator", "operator"]]
    units: frozenset[str] | None = None


LOCAL_PRINCIPAL = Principal("local", frozenset({"coordinator", "installer", "evaluator", "operator"}))
"""The one principal there is until sign-in exists; the API listens on loopback only."""
