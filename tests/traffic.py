"""What devices send in a round: numbered events, and messages that nothing tells apart; kept until acknowledged."""

from __future__ import annotations

import contextlib
import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

import orjson
from ingesting import Sent, dose, power

from nyttig.settings import Settings
from simulators.publish import Publisher

DEVICES = 3
NAMELESS_VALUES = 100_000
"""Each round's nameless values lie between its number times this and the next round's."""
_PAUSE_SECONDS = 0.01
_WINDOW = 10_000  # more than is sent while a broker is away


class Traffic:
    """Two publishers at work from entering until leaving, then last words of every device; and what they sent.

    numbered: (device, seq) of each event with a number; sent once or more, in whatever order.
    nameless: how often each (device, value), and each unreadable payload, was sent. A broker that goes away may
    have taken such a message without having said so, and nobody could tell; so they rest while it goes
    (`nameless_at_rest`), and what comes twice came twice through us.
    """

    def __init__(self, url: str, number: int, rng: random.Random) -> None:
        self.boot_id = f"round-{number}"
        self.first_value = number * NAMELESS_VALUES
        self.numbered: set[tuple[str, int]] = set()
        self.nameless: Counter[tuple[str, float]] = Counter()
        self.unreadable: Counter[bytes] = Counter()
        self.duplicates = 0
        self._seeds = [rng.random() for _ in range(2)]
        self._finish = threading.Event()
        self._resting = threading.Lock()
        self._failures: list[BaseException] = []
        self._last_seq = [0] * DEVICES
        broker = Settings(mqtt_url=url).broker()
        self._publishers = [
            Publisher(broker, name, window=_WINDOW, retry_seconds=30.0) for name in ("numbered", "nameless")
        ]
        self._threads = [
            threading.Thread(target=self._work, args=(send,), name=send.__name__)
            for send in (self._send_numbered, self._send_nameless)
        ]

    @property
    def sent(self) -> int:
        """How many different events and messages."""
        return len(self.numbered) + self.nameless.total() + self.unreadable.total()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            for publisher in self._publishers:
                stack.enter_context(publisher)
            self._connections = stack.pop_all()
        for device in range(DEVICES):
            self._publish_numbered(device, 1)
        self._publishers[0].drain()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Everything sent is acknowledged by the broker, the last word of each device after all else."""
        self._finish.set()
        for thread in self._threads:
            thread.join()
        with self._connections:
            if kind is None:
                for publisher in self._publishers:
                    publisher.drain()
                for device in range(DEVICES):
                    self._publish_numbered(device, 1)
        if self._failures and kind is None:
            raise self._failures[0]

    def last_words(self) -> set[tuple[str, int]]:
        """What was sent last, so that all is through when these are."""
        return {(f"d{device + 1}", self._last_seq[device]) for device in range(DEVICES)}

    @contextlib.contextmanager
    def nameless_at_rest(self) -> Iterator[None]:
        """Inside it, the broker has acknowledged every nameless message, and gets none."""
        with self._resting:
            self._publishers[1].drain()
            yield

    def _work(self, send: Callable[[], None]) -> None:
        try:
            send()
        except BaseException as error:  # noqa: BLE001  a thread's failure is the round's
            self._failures.append(error)

    def _send_numbered(self) -> None:
        rng = random.Random(self._seeds[0])
        said: list[Sent] = []
        waiting: list[tuple[int, Sent]] = []  # until which turn, and what overtakes nothing before
        for turn in itertools.count():
            if self._finish.is_set():
                break
            for _ in range(rng.randint(1, 10)):
                device = rng.randrange(DEVICES)
                message = self._numbered(device, rng.choice([1] * 9 + [3]))
                if rng.random() < 0.1:
                    waiting.append((turn + rng.randint(1, 5), message))
                else:
                    said.append(message)
                    self._publishers[0].publish(*message)
                if said and rng.random() < 0.1:
                    self._publishers[0].publish(*rng.choice(said[-50:]))
                    self.duplicates += 1
            for until, message in [late for late in waiting if late[0] <= turn]:
                self._publishers[0].publish(*message)
                waiting.remove((until, message))
            time.sleep(_PAUSE_SECONDS)
        for _, message in waiting:
            self._publishers[0].publish(*message)

    def _send_nameless(self) -> None:
        rng = random.Random(self._seeds[1])
        value = float(self.first_value)
        while not self._finish.is_set():
            with self._resting:
                for _ in range(rng.randint(1, 6)):
                    if rng.random() < 0.05:
                        value += 1
                        payload = b"round of %d is broken {" % value
                        self.unreadable[payload] += 1
                        self._publishers[1].publish("zigbee2mqtt/z1", payload)
                        continue
                    if rng.random() < 0.6:  # else a real repetition
                        value += 1
                    device = f"z{rng.randint(1, DEVICES)}"
                    self.nameless[device, value] += 1
                    self._publishers[1].publish(*power(value, device))
            time.sleep(_PAUSE_SECONDS)

    def _publish_numbered(self, device: int, count: int) -> None:
        self._publishers[0].publish(*self._numbered(device, count))

    def _numbered(self, device: int, count: int) -> Sent:
        """The device's next event, or its next `count` in one message."""
        name, first = f"d{device + 1}", self._last_seq[device] + 1
        self._last_seq[device] += count
        several = [dose(seq, name, self.boot_id) for seq in range(first, first + count)]
        self.numbered.update((name, seq) for seq in range(first, first + count))
        if count == 1:
            return several[0]
        return several[0][0], orjson.dumps([orjson.loads(payload) for _, payload in several])
