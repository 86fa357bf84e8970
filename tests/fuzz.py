"""The whole message path against damaged messages: route, decode, event or quarantine, and the real database.

    .venv/bin/python tests/fuzz.py --messages 1000000 --seed 1

Mutates the real messages of every make beside this project (../shared/payloads) and our own examples of all dialects:
bytes, lengths, splices, numbers at their limits, depth, odd text, other types in the tree of JSON, CBOR or protobuf,
topics. Decoders that learn are told descriptions first, whole or damaged. Each message must become events, quarantine
or nothing, within its time; on Nyttig's own channels exactly what `channel_contract` says, and in every dialect what
`assert_sound` says; and what passes decoding must pass the database. Ends with 1 where anything did not.
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
from typing import Any

from channel_contract import Accepted, judge
from conftest import DatabaseServer
from damage import Seed, damaged, odd_fields, seeds, spoilt
from dialects import NOON
from hostile import KEPT_BYTES_MAX, TOPICS, kept_bytes
from ingesting import two_dialects
from real_messages import SOURCES

import ingest.batch
import ingest.decode
from examples import EXAMPLES
from ingest.batch import attribute, prepare, understand
from ingest.decode import Route, routes
from ingest.decoders import payload
from ingest.mqtt import Arrived
from ingest.redelivery import RedeliveryWindow
from nyttig.embedded.postgres import EmbeddedPostgres
from nyttig.errors import UnstorableError
from nyttig.model import Decoded, Message
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, descriptions, events, heard, migrate, quarantine, registry

REASONS = {
    "unknown_topic", "unknown_device", "malformed", "not_utf8", "bad_time", "impossible_value", "oversized",
    "not_described",
}  # fmt: skip
HEALTH: dict[str, tuple[type, ...]] = {
    "battery_pct": (int, float), "battery_v": (int, float), "battery_low": (bool,), "external_power": (bool,),
    "rssi_dbm": (int, float), "snr_db": (int, float), "link_quality": (int, float), "signal_pct": (int, float),
    "uptime_s": (int, float), "fw": (str,), "counter": (int, float),
}  # fmt: skip
"""What Reading says that health may hold."""
SECONDS_MAX = 2.0
"""Of processor time, so that a busy machine finds no hangs: one message may not take longer, whatever is in it."""
ROUNDING = timedelta(milliseconds=1)
IN_DATABASE_ONE_IN = 200
READ_AGAIN_ONE_IN = 8
BATCH = 100
TOLD_ANEW_EVERY = 5_000


class EveryDevice(dict[tuple[str, str], int]):
    """A registry in which one device answers to every address, so that everything readable becomes an event."""

    def __init__(self, device_id: int) -> None:
        self.device_id = device_id

    def get(self, key: object, default: object = None) -> int:
        return self.device_id


class FindingError(AssertionError):
    """Something that must be mended."""


Read = tuple[list[events.EventRow], list[quarantine.Quarantined]]


def check(message: Message, known: list[Route], devices: EveryDevice, *, again: bool = True) -> Read:
    """What the message became, which is what it had to become; raises FindingError.

    `again`: two decoders that know nothing yet are asked as well, and one of them twice: all must say the same.
    """
    said = understand(message, known)
    if said.decoded is not None:
        assert_sound(message, said.decoded)
    rows, refused = attribute(message, said, devices)
    reasons = {one.reason for one in refused}
    if not reasons <= REASONS:
        raise FindingError(f"reasons nobody knows: {reasons - REASONS}")
    for row in rows:
        json.loads(row.health or "{}")
        json.loads(row.extra or "{}")
    if message.topic.startswith("wt/v1/"):
        _assert_contract(message, rows, refused)
    if again:
        fresh = routes(SOURCES)
        first, second, other = (repr(understand(message, one)) for one in (fresh, fresh, routes(SOURCES)))
        if not first == second == other:
            raise FindingError(
                f"not the same again: {first[:400]}, then {second[:400]}, and elsewhere {other[:400]}"
            )
    return rows, refused


def assert_sound(message: Message, decoded: Decoded) -> None:
    """What was decoded is what any dialect may say; raises FindingError."""
    for one in decoded.readings:
        if message.retained and one.type != "availability":
            raise FindingError(f"an event of the broker's memory: {one}")
        numbers = [value for value in (one.health or {}).values() if isinstance(value, float)]
        if not all(map(math.isfinite, [*numbers, one.value or 0.0])):
            raise FindingError(f"a number that is none: {one}")
        own = one.dialect == "nyttig"  # whose addresses are a level of the topic
        if not (0 < len(one.type) <= 128 and len(one.address) > 0 and (own or len(one.address) <= 512)):
            raise FindingError(f"an impossible event: {one}")
        if "\0" in f"{one.type}{one.unit}":
            raise FindingError(f"an impossible event: {one}")
        for name, fact in (one.health or {}).items():
            if type(fact) not in HEALTH.get(name, ()):
                raise FindingError(f"health that is none: {name}={fact!r}")
        if one.device_time is not None and one.device_time.tzinfo is None:
            raise FindingError(f"a time without a zone: {one}")
    for described in decoded.descriptions:
        if not 0 < len(described.address) <= 512 or any(len(text or "") > 512 for text in described[2:6]):
            raise FindingError(f"an impossible description: {described}")


def _assert_contract(
    message: Message, rows: list[events.EventRow], refused: list[quarantine.Quarantined]
) -> None:
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


def told(chance: random.Random, known: list[Seed]) -> list[Route]:
    """Decoders that have heard every seed once; every other time with something wrong in many of them."""
    learned = routes(SOURCES)
    spoil = chance.random() < 0.5
    for number, seed in enumerate(known):
        at = NOON - timedelta(hours=1) + timedelta(seconds=number)
        message = Message(seed.topic, seed.payload, False, False, at)
        if spoil and chance.random() < 0.5:
            message = spoilt(chance, seed.topic, seed.payload, at, known, known, [None])
        understand(message, learned)
    return learned


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
    """What happened to the messages, in all and by dialect, and what must be mended."""

    messages: int = 0
    dialects: dict[str, Counter[str]] = field(default_factory=lambda: {one: Counter() for one in EXAMPLES})
    in_database: int = 0
    slowest_seconds: float = 0.0
    findings: dict[str, tuple[str, bytes, str]] = field(default_factory=dict)
    found: Counter[str] = field(default_factory=Counter)

    @property
    def outcomes(self) -> Counter[str]:
        """How often each happened, in all dialects."""
        return sum(self.dialects.values(), Counter())

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
    known = seeds()
    with db.connect(conninfo) as connection:
        events.prepare(connection)
        devices = EveryDevice(registry.known_devices(connection)[0].id)
        for dialect, message in damaged(chance, known):
            if tally.messages == count:
                break
            if tally.messages % TOLD_ANEW_EVERY == 0:
                learned = told(chance, known)
            tally.messages += 1
            again = chance.randrange(READ_AGAIN_ONE_IN) == 0
            with _time_limit() as took:
                outcome = _outcome(dialect, message, learned, devices, tally, again=again)
            tally.slowest_seconds = max(tally.slowest_seconds, took())
            if outcome is None:
                continue
            shape = (dialect, *_shape(message, outcome))
            if chance.randrange(IN_DATABASE_ONE_IN) == 0 or shape not in shapes:
                shapes.add(shape)
                waiting.append((message, outcome))
            if len(waiting) >= BATCH:
                _store(connection, waiting, learned, tally, keep=chance.random() < 0.8)
                waiting.clear()
            if tell and tally.messages % 50_000 == 0:
                tell(tally)
        _store(connection, waiting, learned, tally, keep=True)
    return tally


def run_odd(tally: Tally, one_in: int = 1) -> None:
    """Each message whose fields are odd one at a time, or one in so many of them, has been read."""
    signal.signal(signal.SIGPROF, _too_long)
    known = seeds()
    learned = told(random.Random(2), known)
    for dialect, message in odd_fields(known, one_in):
        tally.messages += 1
        with _time_limit():
            _outcome(dialect, message, learned, EveryDevice(1), tally, again=False)


def _outcome(
    dialect: str, message: Message, known: list[Route], devices: EveryDevice, tally: Tally, *, again: bool
) -> Read | None:
    try:
        rows, refused = check(message, known, devices, again=again)
    except FindingError as finding:
        tally.find(f"{dialect}: {str(finding).partition(':')[0]}", message, str(finding))
    except TimeoutError:
        tally.find(f"{dialect}: hang", message, f"took longer than {SECONDS_MAX} s")
    except Exception as error:  # noqa: BLE001  # whatever it is, it would have stopped ingest
        tally.find(f"{dialect}: crash {type(error).__name__}", message, repr(error))
    else:
        reasons = {one.reason for one in refused} or {"stored" if rows else "nothing to store"}
        tally.dialects[dialect].update(reasons)
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


def _store(
    connection: db.Session,
    waiting: list[tuple[Message, Read]],
    known: list[Route],
    tally: Tally,
    *,
    keep: bool,
) -> None:
    """The database takes them together; where it does not, the one that it refuses is found."""
    try:
        with db.translated():
            _append(connection, waiting, known)
            connection.commit() if keep else connection.rollback()
    except UnstorableError:
        connection.rollback()
        for one in waiting:
            try:
                with db.translated():
                    _append(connection, [one], known)
            except UnstorableError as error:
                tally.find("unstorable", one[0], str(error))
            connection.rollback()
    tally.in_database += len(waiting)


def _append(connection: db.Session, waiting: list[tuple[Message, Read]], known: list[Route]) -> None:
    """The events are appended, and what the messages tell while nobody is registered: proposals, descriptions."""
    rows = [row for _, (rows, _) in waiting for row in rows]
    refused = [one for _, (_, refused) in waiting for one in refused]
    appended = events.append(connection, rows)
    assert appended.stored + appended.duplicates == len(rows)
    assert quarantine.add(connection, refused) == len(refused)
    arrived = [Arrived(message, None, 1) for message, _ in waiting]
    strange = prepare(arrived, known, {}, RedeliveryWindow(1))
    quarantine.add(connection, strange.batch.quarantined)
    descriptions.remember(connection, strange.lasting)
    heard.hear(connection, strange.heard)


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


def assert_bounded(dialect: str, topics: int) -> float:
    """A decoder that heard so many topics of strangers keeps no more than it may; the megabytes that it keeps.

    Raises FindingError.
    """
    decode = ingest.decode.DIALECTS[dialect]()
    known = [one._replace(decode=decode) for one in routes(SOURCES) if one.dialect == dialect]
    for number in range(topics):
        for message in TOPICS[dialect](number):
            understand(message, known)
    kept = kept_bytes(decode)
    if kept > KEPT_BYTES_MAX:
        raise FindingError(f"{dialect} keeps {kept / 1e6:.0f} MB of {topics} topics")
    return kept / 1e6


def guided(seconds: int) -> None:
    """Coverage chooses the messages, through the decoders only; a crash or a FindingError ends it."""
    import atheris  # type: ignore[import-untyped]  # optional: pip install atheris

    devices = EveryDevice(1)
    known = seeds()
    topics = list(dict.fromkeys(one.topic for one in known))
    learned = told(random.Random(1), known)

    def one(data: bytes) -> None:
        if len(data) > 2:
            topic = topics[int.from_bytes(data[:2], "big") % len(topics)]
            check(Message(topic, data[2:], data[0] > 240, False, NOON), learned, devices, again=False)

    folder = Path(tempfile.mkdtemp(prefix="nyttig-fuzz-"))
    for number, seed in enumerate(known):
        (folder / str(number)).write_bytes(topics.index(seed.topic).to_bytes(2, "big") + seed.payload)
    rooms: list[Any] = [ingest.batch, ingest.decode, payload]
    rooms += [room for name, room in sys.modules.items() if name.startswith("ingest.decoders.")]
    for room in rooms:
        for function in vars(room).values():
            if isfunction(function) and function.__module__ == room.__name__:
                atheris.instrument_func(function)
    atheris.Setup(
        [sys.argv[0], f"-max_total_time={seconds}", "-timeout=2", "-max_len=4096", str(folder)], one
    )
    atheris.Fuzz()


def tell(now: Tally) -> None:
    """How far it is, for who watches."""
    print(f"{now.messages} messages, {sum(now.found.values())} findings", flush=True)


def main() -> int:
    """0 where nothing was found."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--messages", type=int, default=1_000_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--guided", type=int, metavar="SECONDS", help="let atheris choose, for so long")
    arguments.add_argument("--strangers", type=int, default=200_000, help="told to each decoder that learns")
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
        tally = run(conninfo, chosen.messages, chosen.seed, tell)
    run_odd(tally)
    print(f"{tally.messages} messages in {time.monotonic() - began:.0f} s, seed {chosen.seed};", end=" ")
    print(f"{tally.in_database} through the database; the slowest took {tally.slowest_seconds * 1000:.0f} ms")
    for dialect, outcomes in tally.dialects.items():
        print(
            f"{outcomes.total():9} {dialect}:", ", ".join(f"{n} {what}" for what, n in outcomes.most_common())
        )
    print(f"{sum(tally.found.values())} findings")
    for kind, (topic, sent, told) in tally.findings.items():
        print(f"{tally.found[kind]:9} {kind}\n    {told[:1000]}\n    on {topic!r}: {sent[:1000]!r}")
    if chosen.strangers:
        for dialect in TOPICS:
            print(
                f"{assert_bounded(dialect, chosen.strangers):9.1f} MB kept by {dialect} of {chosen.strangers} strangers",
                flush=True,
            )
    return 1 if tally.found else 0


if __name__ == "__main__":
    sys.exit(main())
