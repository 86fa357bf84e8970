"""The whole message path against damaged messages: route, decode, event or quarantine, and the real database.

    .venv/bin/python tests/fuzz.py --messages 1000000 --seed 1

Mutates the real messages of every make beside this project (../shared/payloads) and the examples of Nyttig's own
channels: bytes, lengths, splices, numbers at their limits, depth, odd text, other types in the JSON tree, topics.
Each message must become events, quarantine or nothing, within its time; on Nyttig's own channels exactly what
`channel_contract` says; and what passes decoding must pass the database. Ends with 1 where anything did not.
With atheris installed (it is no dependency), `--guided SECONDS` lets coverage choose the mutations instead.
"""

# ruff: noqa: T201  # what it prints is its result

from __future__ import annotations

import argparse
import json
import math
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from inspect import isfunction
from pathlib import Path

from channel_contract import Accepted, judge
from conftest import DatabaseServer
from damage import NOON, OUR_TOPICS, Z2M_TOPICS, damaged, seeds
from ingesting import two_dialects

import ingest.batch
import ingest.decode
from ingest.batch import read
from ingest.decode import routes
from ingest.decoders import nyttig, payload, zigbee2mqtt
from nyttig.embedded.postgres import EmbeddedPostgres
from nyttig.errors import UnstorableError
from nyttig.model import Message
from nyttig.package.technologies import builtin_technologies
from nyttig.settings import Source
from nyttig.store import db, events, migrate, quarantine, registry

ROUTES = routes([Source("nyttig", "wt/v1/#"), Source("zigbee2mqtt", "zigbee2mqtt/#")])
REASONS = {
    "unknown_topic", "unknown_device", "malformed", "not_utf8", "bad_time", "impossible_value", "oversized",
    "not_described",
}  # fmt: skip
SECONDS_MAX = 2.0
"""Of processor time, so that a busy machine finds no hangs: one message may not take longer, whatever is in it."""
ROUNDING = timedelta(milliseconds=1)
IN_DATABASE_ONE_IN = 200
BATCH = 100


class EveryDevice(dict[tuple[str, str], int]):
    """A registry in which one device answers to every address, so that everything readable becomes an event."""

    def __init__(self, device_id: int) -> None:
        self.device_id = device_id

    def get(self, key: object, default: object = None) -> int:
        return self.device_id


class FindingError(AssertionError):
    """Something that must be mended."""


Read = tuple[list[events.EventRow], list[quarantine.Quarantined]]


def check(message: Message, devices: EveryDevice) -> Read:
    """What the message became, which is what it had to become; raises FindingError."""
    rows, refused = read(message, ROUTES, devices)
    reasons = {one.reason for one in refused}
    if not reasons <= REASONS:
        raise FindingError(f"reasons nobody knows: {reasons - REASONS}")
    for row in rows:
        if not 0 < len(row.type) <= 128 or (row.value is not None and not math.isfinite(row.value)):
            raise FindingError(f"an impossible event: {row}")
        json.loads(row.health or "{}")
        json.loads(row.extra or "{}")
    if message.topic.startswith("wt/v1/"):
        verdicts = judge(message.topic, message.payload, retained=message.retained)
        expected = [one for one in verdicts or () if one is not None]
        stored = [
            Accepted(row.type, row.value, row.unit, row.origin, row.boot_id, row.seq, row.device_time)
            for row in rows
        ]
        if not _same(stored, expected):
            kind = (
                "wrong accept"
                if len(stored) > len(expected)
                else "wrong refusal"
                if len(stored) < len(expected)
                else "misread"
            )
            raise FindingError(
                f"{kind}: stored {stored[:3]}, and the contract says {expected[:3]}; refused {refused[:2]}"
            )
        if len(refused) != (1 if verdicts is None else verdicts.count(None)):
            raise FindingError(
                f"wrong count in quarantine: {refused[:3]}, and the contract says {(verdicts or [])[:3]}"
            )
    return rows, refused


def _same(stored: list[Accepted], expected: list[Accepted]) -> bool:
    """A millisecond apart is the same time: epoch milliseconds with a fraction are rounded by whoever reads them."""
    if len(stored) != len(expected):
        return False
    for one, other in zip(stored, expected, strict=True):
        if one[:-1] != other[:-1] or (one.device_time is None) != (other.device_time is None):
            return False
        if one.device_time and other.device_time and abs(one.device_time - other.device_time) > ROUNDING:
            return False
    return True


@dataclass
class Tally:
    """What happened to the messages, and what must be mended."""

    messages: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    in_database: int = 0
    slowest_seconds: float = 0.0
    findings: dict[str, tuple[str, bytes, str]] = field(default_factory=dict)
    found: Counter[str] = field(default_factory=Counter)

    def find(self, kind: str, message: Message, told: str) -> None:
        """One more finding; the shortest example of each kind is kept."""
        self.found[kind] += 1
        before = self.findings.get(kind)
        if before is None or len(message.payload) < len(before[1]):
            self.findings[kind] = (message.topic[:200], message.payload, told)


def run(conninfo: str, count: int, seed: int, tell: Callable[[Tally], None] | None = None) -> Tally:
    """So many damaged messages have gone the whole way, through the database at `conninfo` where they looked new."""
    signal.signal(signal.SIGPROF, _too_long)
    chance = random.Random(seed)
    tally = Tally()
    shapes: set[tuple[object, ...]] = set()
    waiting: list[tuple[Message, Read]] = []
    with db.connect(conninfo) as connection:
        events.prepare(connection)
        device_id = registry.known_devices(connection)[0].id
        devices = EveryDevice(device_id)
        for message in damaged(chance, seeds()):
            if tally.messages == count:
                break
            tally.messages += 1
            with _time_limit() as took:
                outcome = _outcome(message, devices, tally)
            tally.slowest_seconds = max(tally.slowest_seconds, took())
            if outcome is None:
                continue
            shape = _shape(message, outcome)
            if chance.randrange(IN_DATABASE_ONE_IN) == 0 or shape not in shapes:
                shapes.add(shape)
                waiting.append((message, outcome))
            if len(waiting) >= BATCH:
                _store(connection, waiting, tally, keep=chance.random() < 0.8)
                waiting.clear()
            if tell and tally.messages % 50_000 == 0:
                tell(tally)
        _store(connection, waiting, tally, keep=True)
    return tally


def _outcome(message: Message, devices: EveryDevice, tally: Tally) -> Read | None:
    try:
        rows, refused = check(message, devices)
    except FindingError as finding:
        tally.find(str(finding).partition(":")[0], message, str(finding))
    except TimeoutError:
        tally.find("hang", message, f"took longer than {SECONDS_MAX} s")
    except Exception as error:  # noqa: BLE001  # whatever it is, it would have stopped ingest
        tally.find(f"crash {type(error).__name__}", message, repr(error))
    else:
        tally.outcomes.update({one.reason for one in refused} or {"stored" if rows else "nothing to store"})
        return rows, refused
    return None


def _shape(message: Message, outcome: Read) -> tuple[object, ...]:
    rows, refused = outcome
    first = rows[0] if rows else None
    unit = first and first.unit and len(first.unit) > 20
    return (
        frozenset(one.reason for one in refused),
        refused[0].detail[:12] if refused else None,
        first and (type(first.value), unit, first.origin, first.seq is None, first.message_id is None,
                   first.clock_fault, first.health is None, first.extra is None, len(first.type) > 40),
        min(len(rows), 4), message.retained, message.payload.isascii(), len(message.payload).bit_length(),
    )  # fmt: skip


def _store(connection: db.Session, waiting: list[tuple[Message, Read]], tally: Tally, *, keep: bool) -> None:
    """The database takes them together; where it does not, the one that it refuses is found."""
    try:
        with db.translated():
            _append(connection, [read for _, read in waiting])
            connection.commit() if keep else connection.rollback()
    except UnstorableError:
        connection.rollback()
        for message, one in waiting:
            try:
                with db.translated():
                    _append(connection, [one])
            except UnstorableError as error:
                tally.find("unstorable", message, str(error))
            connection.rollback()
    tally.in_database += len(waiting)


def _append(connection: db.Session, outcomes: list[Read]) -> None:
    rows = [row for rows, _ in outcomes for row in rows]
    refused = [one for _, refused in outcomes for one in refused]
    appended = events.append(connection, rows)
    assert appended.stored + appended.duplicates == len(rows)
    assert quarantine.add(connection, refused) == len(refused)


class _time_limit:  # noqa: N801  # reads as what it is: with _time_limit()
    """Inside it, a TimeoutError is raised after SECONDS_MAX; gives the time that it took."""

    def __enter__(self) -> Callable[[], float]:
        signal.setitimer(signal.ITIMER_PROF, SECONDS_MAX)
        self._began = time.process_time()
        self._took = 0.0
        return lambda: self._took

    def __exit__(self, *_: object) -> None:
        self._took = time.process_time() - self._began
        signal.setitimer(signal.ITIMER_PROF, 0)


def _too_long(*_: object) -> None:
    raise TimeoutError


def guided(seconds: int) -> None:
    """Coverage chooses the messages, through the decoders only; a crash or a FindingError ends it."""
    import atheris  # type: ignore[import-untyped]  # optional: pip install atheris

    devices = EveryDevice(1)
    topics = (*OUR_TOPICS, *Z2M_TOPICS)

    def one(data: bytes) -> None:
        if data:
            topic = topics[data[0] % len(topics)]
            check(Message(topic, data[1:], data[0] > 240, False, NOON), devices)

    folder = Path(tempfile.mkdtemp(prefix="nyttig-fuzz-"))
    for number, (topic, sent) in enumerate(seeds()):
        place = topics.index(topic) if topic in topics else number % len(topics)
        (folder / str(number)).write_bytes(bytes([place]) + sent)
    for room in (ingest.batch, ingest.decode, payload, nyttig, zigbee2mqtt):
        for function in vars(room).values():
            if isfunction(function) and function.__module__ == room.__name__:
                atheris.instrument_func(function)
    atheris.Setup(
        [sys.argv[0], f"-max_total_time={seconds}", "-timeout=2", "-max_len=4096", str(folder)], one
    )
    atheris.Fuzz()


def main() -> int:
    """0 where nothing was found."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--messages", type=int, default=1_000_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--guided", type=int, metavar="SECONDS", help="let atheris choose, for so long")
    chosen = arguments.parse_args()
    if chosen.guided:
        guided(chosen.guided)
        return 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder)) as server:
        conninfo = DatabaseServer("embedded", server.environment()).database("postgres").conninfo
        migrate.migrate(conninfo)
        with db.connect(conninfo) as connection:
            registry.save(connection, two_dialects(), builtin_technologies())
            connection.commit()
        tally = run(
            conninfo, chosen.messages, chosen.seed, lambda now: print(f"{now.messages} messages", flush=True)
        )
    print(f"{tally.messages} messages in {time.monotonic() - began:.0f} s, seed {chosen.seed};", end=" ")
    print(f"{tally.in_database} through the database; the slowest took {tally.slowest_seconds * 1000:.0f} ms")
    for outcome, number in tally.outcomes.most_common():
        print(f"{number:9} {outcome}")
    print(f"{sum(tally.found.values())} findings")
    for kind, (topic, sent, told) in tally.findings.items():
        print(f"{tally.found[kind]:9} {kind}\n    {told[:1000]}\n    on {topic!r}: {sent[:1000]!r}")
    return 1 if tally.found else 0


if __name__ == "__main__":
    sys.exit(main())
