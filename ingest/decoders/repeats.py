"""The same thing said twice: by several gateways, on two topics, or again and again by a careful device.

A message may be decoded more than once before it is committed, so what tells a repetition from the message itself
is where and when it arrived; and what the broker marks as redelivered is never held back here, because its first
coming may not have been stored: ingest's own redelivery window judges that.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import NamedTuple

from nyttig.model import Message

REMEMBERED_MAX = 20_000
"""Beyond it the longest unheard are forgotten: a hostile broker may name any number of devices."""


class _Heard(NamedTuple):
    digest: bytes  # of the content, which may be large
    topic: str
    received_at: datetime


class Repeats:
    """What was heard last under each key; bounded."""

    def __init__(self, remembered_max: int = REMEMBERED_MAX) -> None:
        self._heard: OrderedDict[Hashable, _Heard] = OrderedDict()
        self._remembered_max = remembered_max

    def heard_before(
        self,
        key: Hashable,
        message: Message,
        content: object = None,
        within: timedelta | None = None,
        elsewhere: bool = False,
    ) -> bool:
        """Whether another message said the same `content` under `key`, and what this one says is remembered.

        `within`: only so long before (or after: two gateways' messages may overtake each other). `elsewhere`: only
        on another topic. The first one stays the one that is remembered for as long as it is repeated.
        """
        digest = hashlib.blake2b(repr(content).encode(errors="backslashreplace"), digest_size=12).digest()
        last = self._heard.get(key)
        if last is not None and last.digest == digest:
            same_message = (last.topic, last.received_at) == (message.topic, message.received_at)
            recent = within is None or abs(message.received_at - last.received_at) <= within
            if same_message or message.redelivered:
                return False
            if recent and not (elsewhere and last.topic == message.topic):
                self._heard.move_to_end(key)
                return True
        self._heard[key] = _Heard(digest, message.topic, message.received_at)
        self._heard.move_to_end(key)
        if len(self._heard) > self._remembered_max:
            self._heard.popitem(last=False)
        return False


class Remembered(OrderedDict[str, str]):
    """Names by name, bounded: the longest unused go first."""

    def __init__(self) -> None:
        super().__init__()
        self._brought: dict[str, tuple[str, datetime]] = {}

    def learn(self, key: str, value: str, message: Message | None = None) -> bool:
        """The value is known; True where it is news, which it stays in the message that brought it."""
        news = self.get(key) != value
        self[key] = value
        self.move_to_end(key)
        if message is not None:
            token = (message.topic, message.received_at)
            if news:
                self._brought[key] = token
            news = self._brought.get(key) == token
        if len(self) > REMEMBERED_MAX:
            forgotten, _ = self.popitem(last=False)
            self._brought.pop(forgotten, None)
        return news
