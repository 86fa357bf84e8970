"""Telling a redelivery from a repetition, for messages that carry no identity of their own.

After a lost acknowledgement the broker sends a message again: under the same packet id, marked DUP. If what we
committed last holds that packet id with that topic and payload, it is a redelivery; anything else is news. At most
a receive window of messages can be unacknowledged, so no more than that is remembered.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Iterable

from ingest.mqtt import Arrived


def digest_of(arrived: Arrived) -> int:
    """64 bits that name this delivery: packet id, topic and payload."""
    message, packet_id, _ = arrived
    named = b"%d\0%s\0%s" % (packet_id or 0, message.topic.encode(errors="surrogateescape"), message.payload)
    return int.from_bytes(hashlib.blake2b(named, digest_size=8).digest(), signed=True)


class RedeliveryWindow:
    """The digests of the last committed messages without identity, at most `size` of them and one batch more."""

    def __init__(self, size: int, batches: Iterable[tuple[int, list[int]]] = ()) -> None:
        self._size = size
        self._batches: deque[tuple[int, list[int]]] = deque()
        self._digests: Counter[int] = Counter()
        self._held = 0
        for batch, digests in batches:
            self.add(batch, digests)

    @property
    def next_batch(self) -> int:
        """The number for the batch to come."""
        return self._batches[-1][0] + 1 if self._batches else 1

    @property
    def oldest_batch(self) -> int:
        """The oldest batch still needed."""
        return self._batches[0][0] if self._batches else 0

    def add(self, batch: int, digests: list[int]) -> None:
        """A committed batch is remembered, and what can no longer come again is forgotten."""
        self._batches.append((batch, digests))
        self._digests.update(digests)
        self._held += len(digests)
        while self._held - len(self._batches[0][1]) >= self._size:
            _, old = self._batches.popleft()
            self._digests.subtract(old)
            self._held -= len(old)
        if len(self._digests) > 4 * self._size:
            self._digests = +self._digests  # drops the counts that fell to zero

    def __contains__(self, digest: int) -> bool:
        return self._digests[digest] > 0
