"""Reports kept for a few seconds, each worked out by one request while others wait for it."""

from __future__ import annotations

import threading
import time
from datetime import datetime

from api.deps import current
from nyttig.report import Report, report
from nyttig.store import registry
from nyttig.store.db import Pool

KEPT_SECONDS = 3.0


class Reports:
    """The trials' current reports. Holds nothing that cannot be worked out again."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._locks: dict[str, threading.Lock] = {}
        self._kept: dict[str, tuple[float, Report]] = {}

    def all_current(self, now: datetime) -> list[Report]:
        """The reports of all trials as of now, in the order in which the trials start."""
        with current(self._pool) as connection:
            trial_ids = registry.trial_ids(connection)
        return [self.current(trial_id, now) for trial_id in trial_ids]

    def current(self, trial_id: str, now: datetime) -> Report:
        """The report as of now, at most KEPT_SECONDS old."""
        with self._locks.setdefault(trial_id, threading.Lock()):
            kept = self._kept.get(trial_id)
            if kept is None or time.monotonic() - kept[0] > KEPT_SECONDS:
                kept = (time.monotonic(), self.as_of(trial_id, now))
                self._kept[trial_id] = kept
            return kept[1]

    def forget(self, trial_id: str) -> None:
        """The trial's report is worked out anew when it is next asked for: somebody has changed the trial."""
        with self._locks.setdefault(trial_id, threading.Lock()):
            self._kept.pop(trial_id, None)

    def as_of(self, trial_id: str, as_of: datetime) -> Report:
        """The report as of a moment, worked out anew."""
        with current(self._pool) as connection:
            return report(connection, trial_id, as_of)
