"""Does everything that is kept say what the raw events say? What `nyttig verify` looks at."""

from __future__ import annotations

from dataclasses import dataclass

from nyttig import folding
from nyttig.folding import Misfolded
from nyttig.store import alarms, counters, gaps, ledger, rollups
from nyttig.store.alarms import Misheard
from nyttig.store.counters import Miscounted
from nyttig.store.db import Session
from nyttig.store.gaps import Misplaced
from nyttig.store.ledger import Miscount, Unbooked
from nyttig.store.rollups import Difference


@dataclass(frozen=True, slots=True)
class Verification:
    """What differs from the raw events, of each kind that is kept; hours whose marks still wait are left out."""

    rollups: list[Difference]
    ledger: list[Unbooked]
    ledger_totals: list[Miscount]
    gaps: list[Misplaced]
    recovered_uses: list[Miscounted]
    alarms: list[Misheard]
    folds: list[Misfolded]
    marks_waiting: int

    @property
    def faultless(self) -> bool:
        """Whether nothing differs."""
        return not any(
            (
                self.rollups, self.ledger, self.ledger_totals, self.gaps, self.recovered_uses, self.alarms,
                self.folds,
            )
        )  # fmt: skip


def verify(connection: Session, trial_id: str | None = None) -> Verification:
    """What differs, of one trial's devices or of all, armed minutes among the rollups."""
    wrong = rollups.differences(connection, trial_id=trial_id)
    # A fold is held against rollups that are right.
    without = {one.device for one in wrong}
    misfolded = folding.differences(connection, trial_id=trial_id)
    return Verification(
        rollups=wrong,
        ledger=ledger.differences(connection, trial_id=trial_id),
        ledger_totals=ledger.miscounts(connection, trial_id=trial_id),
        gaps=gaps.differences(connection, trial_id=trial_id),
        recovered_uses=counters.differences(connection, trial_id=trial_id),
        alarms=alarms.differences(connection, trial_id=trial_id),
        folds=[one for one in misfolded if one.device not in without],
        marks_waiting=rollups.waiting(connection),
    )


def in_words(found: Verification) -> str:
    """A line for each thing that differs."""
    lines = [
        f"rollup {one.device} {one.hour.isoformat()}: stored {one.stored}, events say {one.recomputed}"
        for one in found.rollups
    ]
    lines += [
        f"ledger {one.device} boot {one.boot_id!r}: only in ledger {one.only_in_ledger}, only in events {one.only_in_events}"
        for one in found.ledger
    ]
    lines += [
        f"ledger {one.device} boot {one.boot_id!r}: {one.figure} {one.booked}, events say {one.stored}"
        for one in found.ledger_totals
    ]
    lines += [
        f"gap {one.device} boot {one.boot_id!r} {one.first_seq} to {one.last_seq}: only in"
        f" {'the table of gaps' if one.stored else 'the events'}, or at another time there"
        for one in found.gaps
    ]
    lines += [
        f"recovered uses {one.device} {one.to_at.isoformat()}: stored {one.stored}, counter and events say {one.recomputed}"
        for one in found.recovered_uses
    ]
    lines += [
        f"alarm {one.device} {one.raised_at.isoformat()}: stored {one.stored or 'none'},"
        f" events say {one.recomputed or 'none'}"
        for one in found.alarms
    ]
    lines += [
        f"fold {one.device}, {one.days} days from {one.first_day}: does not say what its rollups say"
        for one in found.folds
    ]
    if not lines:
        lines.append("rollups and ledger say what the events say")
    if found.marks_waiting:
        lines.append(
            f"{found.marks_waiting} hours wait for their rollup and were left out; they are worked off within seconds"
        )
    return "\n".join(lines)
