"""Reports kept for a little while, with what was worked out from them; each by one request while others wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any, TypeVar

import orjson

from api.deps import current
from nyttig.errors import NyttigError
from nyttig.report import Known, Report, report
from nyttig.store import registry
from nyttig.store.db import Pool

KEPT_SECONDS = 3.0
"""So old may be what is quickly worked out."""

DEAR_SECONDS, STALE_SECONDS = 0.1, 60.0
"""What takes longer than the one is given when it is up to so old as the other, while a newer one is worked out."""

RENEWED_PART = 0.1
"""At most this part of the time goes into working out one trial's report anew, where that keeps it under half as old."""

Answer = Callable[[Report], object]
"""What is said of a report."""

Told = TypeVar("Told")


class Kept:
    """A report and what was said of it, as JSON: each worked out once. Says of itself when, and how many seconds it took."""

    def __init__(self, report: Report, began: float) -> None:
        self.report = report
        self.began = began
        self.seconds = time.monotonic() - began
        self._lock = threading.Lock()
        self._said: dict[str, tuple[Answer, Future[Any]]] = {}

    @property
    def fresh_seconds(self) -> float:
        """How old it may grow before a newer one is worth its while."""
        return max(KEPT_SECONDS, min(self.seconds / RENEWED_PART, STALE_SECONDS / 2))

    def json(self, name: str, answer: Answer) -> bytes:
        """What `answer` says of the report; under one name always the same is asked."""
        return self.told(name, lambda report: orjson.dumps(answer(report)))

    def told(self, name: str, answer: Callable[[Report], Told]) -> Told:
        """The same as it is, and not as JSON."""
        with self._lock:
            first = name not in self._said
            said = self._said.setdefault(name, (answer, Future()))[1]
        if first:
            began = time.monotonic()
            try:
                said.set_result(answer(self.report))
            except BaseException as error:  # noqa: BLE001  whoever waits for it must be told
                self._said.pop(name)  # who asks next tries again
                said.set_exception(error)
            self.seconds += time.monotonic() - began
        found: Told = said.result()
        return found

    def say_as(self, older: Kept) -> None:
        """What the older one was asked is worked out here too."""
        for name, (answer, _) in tuple(older._said.items()):
            self.told(name, answer)


class Reports:
    """The trials' current reports. Holds nothing that cannot be worked out again."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._locks: dict[str, threading.Lock] = {}
        self._kept: dict[str, Kept] = {}
        self._renewed: set[str] = set()
        self._renewals = ThreadPoolExecutor(1, "reports")

    def all_current(self, now: datetime) -> list[Report]:
        """The reports of all trials, in the order in which the trials start, none older than STALE_SECONDS."""
        return [kept.report for kept in self.all_kept(now)]

    def all_kept(self, now: datetime) -> list[Kept]:
        """The same, with what was said of them."""
        with current(self._pool) as connection:
            trial_ids = registry.trial_ids(connection)
        return [self.kept(trial_id, now, dear_seconds=0.0) for trial_id in trial_ids]

    def current(self, trial_id: str, now: datetime) -> Report:
        """The report as of now, at most KEPT_SECONDS old; a dear one at most STALE_SECONDS."""
        return self.kept(trial_id, now).report

    def kept(self, trial_id: str, now: datetime, *, dear_seconds: float = DEAR_SECONDS) -> Kept:
        """The same, with what was said of it; `dear_seconds`: from when on it is dear."""
        with self._lock(trial_id):
            kept = self._kept.get(trial_id)
            if kept is not None:
                age, dear = time.monotonic() - kept.began, kept.seconds > dear_seconds
                if age <= (kept.fresh_seconds if dear else KEPT_SECONDS):
                    return kept
                if dear and age <= STALE_SECONDS:
                    if trial_id not in self._renewed:
                        self._renewed.add(trial_id)
                        self._renewals.submit(self._renew, trial_id, kept, now)
                    return kept
            self._kept[trial_id] = self.as_of(trial_id, now, Known("now", now))
            return self._kept[trial_id]

    def forget(self, trial_id: str) -> None:
        """The trial's report is worked out anew when it is next asked for: somebody has changed the trial."""
        with self._lock(trial_id):
            self._kept.pop(trial_id, None)

    def as_of(self, trial_id: str, as_of: datetime, known: Known) -> Kept:
        """The report as of a moment, as it was known then or is now, worked out anew."""
        began = time.monotonic()
        with current(self._pool) as connection:
            return Kept(report(connection, trial_id, as_of, known), began)

    def close(self) -> None:
        """Nothing is worked out any more."""
        self._renewals.shutdown(cancel_futures=True)

    def _renew(self, trial_id: str, older: Kept, now: datetime) -> None:
        newer: Kept | None = None
        try:
            newer = self.as_of(trial_id, now, Known("now", now))
            newer.say_as(older)
        except NyttigError:
            newer = None  # whoever asks next tries again, and is told what is wrong
        finally:
            with self._lock(trial_id):
                self._renewed.discard(trial_id)
                if self._kept.get(trial_id) is older:  # else somebody has changed the trial meanwhile
                    self._kept.pop(trial_id)
                    if newer is not None:
                        self._kept[trial_id] = newer

    def _lock(self, trial_id: str) -> threading.Lock:
        return self._locks.setdefault(trial_id, threading.Lock())
