"""Findings: what can be wrong with a device, how bad each is, and what is to be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

Status = Literal[
    "silent",
    "never_seen",
    "connection_lost",
    "battery_low",
    "stuck",
    "clock_wrong",
    "late",
    "chattering",
    "lossy",
    "weak_signal",
    "unknown",
    "ok",
]

WORST_FIRST: Final[tuple[Status, ...]] = get_args(Status)

Severity = Literal["urgent", "visit", "watch", "none"]
"""urgent: it does not do its work now. visit: it will not for long, or what it says is wrong. watch: look again later.
none: nothing is known to be wrong."""

SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)

SEVERITY: Final[Mapping[Status, Severity]] = {
    "silent": "urgent",
    "never_seen": "urgent",
    "connection_lost": "urgent",
    "battery_low": "visit",
    "stuck": "visit",
    "clock_wrong": "visit",
    "late": "watch",
    "chattering": "watch",
    "lossy": "watch",
    "weak_signal": "watch",
    "unknown": "none",
    "ok": "none",
}

Remedy = Literal[
    "check_power_and_place",
    "check_pairing",
    "check_gateway",
    "replace_battery",
    "replace_device",
    "set_clock",
    "move_or_add_repeater",
    "trigger_at_next_visit",
    "wait",
]

REMEDY: Final[Mapping[Status, Remedy]] = {
    "silent": "check_power_and_place",
    "never_seen": "check_pairing",
    "connection_lost": "check_power_and_place",
    "battery_low": "replace_battery",
    "stuck": "replace_device",
    "clock_wrong": "set_clock",
    "late": "wait",
    "chattering": "replace_device",
    "lossy": "move_or_add_repeater",
    "weak_signal": "move_or_add_repeater",
    "unknown": "wait",
    "ok": "wait",
}

Evidence = Mapping[str, float | int | str | bool | datetime | None]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a device.

    since: from when on it holds, as far as the data shows. proof_at: the time of the newest data that it rests on; work
    done after that has not been contradicted yet. evidence: the figures behind it, each with its unit in its name.
    """

    kind: Status
    since: datetime
    proof_at: datetime
    evidence: Evidence
    severity: Severity
    remedy: Remedy

    @classmethod
    def of(
        cls,
        kind: Status,
        since: datetime,
        proof_at: datetime,
        evidence: Evidence,
        *,
        severity: Severity | None = None,
        remedy: Remedy | None = None,
    ) -> Finding:
        """A finding with the severity and the remedy of its kind, unless others are given."""
        return cls(kind, since, proof_at, evidence, severity or SEVERITY[kind], remedy or REMEDY[kind])


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Every number that a finding depends on; where each comes from stands in docs/device-health.md."""

    late_after_intervals: float = 1.5
    silent_after_intervals: float = 3.0
    late_held_by_gaps: int = 2
    """A device that was overdue in so many of the gaps between its last messages stays late, however lately it was heard."""

    rhythm_window: timedelta = timedelta(days=28)
    rhythm_least: timedelta = timedelta(days=7)
    rhythm_gaps_min: int = 20
    rhythm_quantile: float = 0.8
    contradicted_gaps_min: int = 3
    contradicted_time_ratio: float = 0.25
    forgiven_gaps: int = 2
    """The declared interval is not believed when so much of the device's time lies in gaps that are too long for it, even
    when the two longest of them are taken for outages and left out."""
    contradicted_silences_max: int = 8
    """Nor when it came back by itself more often than that, within the window, from what would have been silence."""
    beat_ratios: tuple[float, float] = (0.75, 1.3)
    beats_following_ratio: float = 0.25
    """Heartbeats: gaps of about the learned length, a quarter of which directly follow another."""
    irregular_silences_max: int = 3
    """More gaps than that of three learned intervals, within the window, and there is no interval."""
    irregular_unknown_after: timedelta = timedelta(days=1)
    irregular_silent_after: timedelta = timedelta(days=14)

    connection_lost_after: timedelta = timedelta(minutes=10)
    sleeper_spells_min: int = 3
    sleeper_tolerance: float = 3.0

    clock_wrong_seconds: float = 300.0
    clock_messages_min: int = 3
    clock_span: timedelta = timedelta(minutes=10)

    battery_low_pct: float = 15.0
    battery_fine_pct: float = 20.0
    battery_lifetime_ratio: float = 0.7

    busy_messages_per_hour: int = 1200
    busy_uses_per_hour: int = 120
    busy_hours_min: int = 2

    stuck_after: timedelta = timedelta(hours=48)
    stuck_readings_min: int = 24

    lossy_window: timedelta = timedelta(days=7)
    lossy_ratio: float = 0.05
    lossy_messages_min: int = 5


THRESHOLDS: Final = Thresholds()
