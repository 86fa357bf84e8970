"""How fast events are stored, from the last minute of them."""

from __future__ import annotations

from collections import deque

MINUTE_SECONDS = 60


class LastMinute:
    """How many events the last 60 seconds brought, counted by whole seconds of a clock that only goes forward."""

    def __init__(self) -> None:
        self._seconds: deque[tuple[int, int]] = deque()
        self._total = 0

    def add(self, events: int, at_seconds: float) -> None:
        """So many more have come just now."""
        self._total += events
        if self._seconds and self._seconds[-1][0] == int(at_seconds):
            events += self._seconds.pop()[1]
        self._seconds.append((int(at_seconds), events))

    def total(self, at_seconds: float) -> int:
        """How many there were up to now."""
        while self._seconds and self._seconds[0][0] <= at_seconds - MINUTE_SECONDS:
            self._total -= self._seconds.popleft()[1]
        return self._total
