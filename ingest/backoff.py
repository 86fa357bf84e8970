"""How long to wait before trying again: growing, capped, and never in step with others."""

from __future__ import annotations

import random


class Backoff:
    """Decorrelated jitter between `shortest` and `longest` seconds."""

    def __init__(self, shortest: float = 0.25, longest: float = 15.0, seed: int | None = None) -> None:
        self._shortest = shortest
        self._longest = longest
        self._random = random.Random(seed)  # noqa: S311  # spreads retries, keeps no secret
        self._last = shortest
        self.fresh = True

    def next_seconds(self) -> float:
        """The next wait: between the shortest and three times the last one, at most the longest."""
        self.fresh = False
        self._last = min(self._longest, self._random.uniform(self._shortest, self._last * 3))
        return self._last

    def reset(self) -> None:
        """The next wait is a short one again, and `fresh` says that nothing has failed since."""
        self.fresh = True
        self._last = self._shortest
