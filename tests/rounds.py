"""Fault rounds: messages flow through real services while something breaks; afterwards each is stored once.

A round is drawn from its seed and number. On one stage (a broker, a database, an ingest process) many are played
one after the other, each under a boot id and with values of its own.
"""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conftest import Database, Mosquitto, free_port
from disk import SmallTablespace
from faults import EVERY, IN_GOOD_ORDER, LOSSY, ON_ANY_SERVER, ON_OUR_SERVER
from ingesting import Ingest, assert_exact, register, two_dialects, until
from line import Line
from traffic import DEVICES, NAMELESS_VALUES, Traffic

from nyttig.embedded.postgres import SOCKET_NAME, EmbeddedPostgres
from nyttig.errors import StoreUnavailableError
from nyttig.store import db, ledger

DRAIN_SECONDS_MAX = 60
SAVE_SECONDS = 1
"""The broker's autosave_interval here; deploy/mosquitto.conf has 10."""


@dataclass(frozen=True)
class Plan:
    """What goes wrong in a round, in this order, and for how long it stays so; `seed` makes the rest."""

    number: int
    faults: tuple[str, ...]
    pauses_seconds: tuple[float, ...]
    seed: str

    def __str__(self) -> str:
        return f"round {self.number}: " + " + ".join(self.faults)


@dataclass(frozen=True)
class Result:
    """What a round sent, and what became of it. `known_again`: duplicates that ingest recognised."""

    plan: Plan
    sent: int
    stored: int
    quarantined: int
    known_again: int
    lost: int
    doubled: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"{self.plan}: sent {self.sent}, stored {self.stored} + quarantined {self.quarantined}, duplicates"
            f" recognised {self.known_again}, lost {self.lost}, doubled {self.doubled}, {self.seconds:.1f} s"
        )


def draw(seed: int, number: int, *, own_server: bool) -> Plan:
    """The round of that number; every fault comes first in turn, in an order of the seed's own."""
    kinds = [*ON_ANY_SERVER, *(ON_OUR_SERVER if own_server else ()), *LOSSY]
    random.Random(f"{seed}").shuffle(kinds)
    rng = random.Random(f"{seed}-{number}")
    faults = [kinds[number % len(kinds)]]
    if faults[0] in LOSSY:
        # Only what waits in the broker can be lost with it, so most often something makes messages wait.
        faults[:0] = rng.choice(([], ["ingest kill -9"], ["ingest restart"], ["disk full"]))
    elif rng.random() < 0.5:
        faults.append(rng.choice([kind for kind in kinds if kind not in (*faults, *LOSSY)]))
    if len(faults) == 2 and faults[1] in IN_GOOD_ORDER:
        faults.reverse()
    if not _bearable(faults):
        faults = faults[:1]
    pauses = tuple(round(rng.uniform(0.05, 0.5), 2) for _ in range(2 * len(faults)))
    return Plan(number, tuple(faults), pauses, f"{seed}-{number}")


def _bearable(faults: Sequence[str]) -> bool:
    """Whether both can be there at once: what is gone cannot be broken, nor ingest start into a black hole."""
    if len(faults) < 2:
        return True
    first, second = faults
    whose, whose_second = first.split()[0], second.split()[0]
    stops_server = {*ON_OUR_SERVER, "broker restart", *LOSSY}
    if second in IN_GOOD_ORDER or (whose == whose_second == "ingest"):
        return False
    if first == "disk full" or whose == whose_second or first in ("COMMIT in doubt", "database crash"):
        return first in IN_GOOD_ORDER and second not in ON_OUR_SERVER
    return not ("black hole" in first and (whose_second == "ingest" or second in stops_server))


class Watched(Ingest):
    """An ingest process that can be asked whether it ended by itself."""

    def ended(self) -> int | None:
        """Its exit code, if so."""
        return None if self._process is None else self._process.poll()


class Stage:
    """A broker, a database and an ingest process with a line of its own to each.

    `postgres` is the server where the rounds may stop it, `disk` what the database lives on where that can be filled.
    """

    def __init__(
        self,
        database: Database,
        folder: Path,
        postgres: EmbeddedPostgres | None,
        disk: SmallTablespace | None,
    ) -> None:
        self.database = database
        self.postgres = postgres
        self.disk = disk
        self.replaced: list[Watched] = []
        self._folder = folder
        (folder / "broker").mkdir()
        port = free_port()
        self.broker = Mosquitto(folder / "broker", port, _mosquitto_conf(folder / "broker", port))
        host = database.environment["PGHOST"]
        self.to_broker = Line(("127.0.0.1", port))
        self.to_database = Line(
            Path(host) / SOCKET_NAME if host.startswith("/") else (host, int(database.environment["PGPORT"]))
        )
        self.ingest = self.new_ingest()

    def __enter__(self) -> Stage:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.to_broker)
            stack.enter_context(self.to_database)
            register(self.database, two_dialects(DEVICES))
            stack.callback(self.broker.kill)
            self.broker.start()
            stack.callback(self._kill_ingest)
            self.ingest.start()
            time.sleep(2 * SAVE_SECONDS + 0.5)  # the broker has saved that ingest subscribes
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def new_ingest(self) -> Watched:
        """Another ingest process, not started, under the same client id."""
        environment = self.database.environment | {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.to_database.port),
        }
        if "PYTHONPATH" in os.environ:
            environment["PYTHONPATH"] = os.environ["PYTHONPATH"]  # the same code as ours, of whatever tree
        return Watched(environment, f"mqtt://127.0.0.1:{self.to_broker.port}", self._folder)

    def start_ingest(self) -> None:
        """It runs and has said its first line, whatever is there for it to find."""
        self.ingest.start(until_it_says="\n")

    def committed(self) -> int:
        """How many events ingest has committed by its own account."""
        with db.connect(self.database.conninfo) as connection:
            row = connection.execute(
                "SELECT coalesce(sum(events_total), 0)::bigint FROM ingestors"
            ).fetchone()
        assert row is not None
        return int(row[0])

    def known_again(self) -> int:
        """How many duplicates ingest has recognised."""
        with db.connect(self.database.conninfo) as connection:
            row = connection.execute(
                "SELECT coalesce(sum(duplicates_total), 0)::bigint FROM ingestors"
            ).fetchone()
        assert row is not None
        return int(row[0])

    def settle(self) -> None:
        """One ingestor is at work. Two under one name may have ended each other; then one is started, as a
        supervisor does. Any other that ended by itself fails the round."""
        if self.replaced and self.ingest.ended() is not None:
            assert "another ingestor works as" in self.ingest.log(), self.ingest.log()
            self.start_ingest()
        assert self.ingest.ended() is None, f"ingest ended by itself:\n{self.ingest.log()}"

    def _kill_ingest(self) -> None:
        for process in (self.ingest, *self.replaced):
            process.kill()


def play(stage: Stage, plan: Plan) -> Result:
    """The round was played, and everything is as it must be; else AssertionError says what is not."""
    began_at = time.monotonic()
    rng = random.Random(plan.seed)
    known_before = stage.known_again()
    pauses = iter(plan.pauses_seconds)
    with Traffic(stage.broker.url, plan.number, rng) as traffic:
        first_words = {(f"d{n + 1}", 1) for n in range(DEVICES)}
        until(lambda: first_words <= _stored(stage, traffic).keys(), DRAIN_SECONDS_MAX)
        with contextlib.ExitStack() as faults:
            for kind in plan.faults:
                time.sleep(next(pauses))
                faults.enter_context(EVERY[kind](stage, traffic, rng))
                time.sleep(next(pauses))
        time.sleep(0.1)
    last_words = traffic.last_words()

    def all_through() -> bool:
        stage.settle()
        with contextlib.suppress(StoreUnavailableError):  # it may still be starting
            return last_words <= _stored(stage, traffic).keys()
        return False

    with contextlib.suppress(AssertionError) if stage.ingest.ended() is None else contextlib.nullcontext():
        until(all_through, DRAIN_SECONDS_MAX)  # else what is missing shows now
    result = _weigh(stage, traffic, plan, known_before, began_at)
    for process in stage.replaced:
        assert process.wait() == 1
        assert "another ingestor works as" in process.log(), process.log()
    stage.replaced.clear()
    return result


def _weigh(stage: Stage, traffic: Traffic, plan: Plan, known_before: int, began_at: float) -> Result:
    lossy = any(kind in LOSSY for kind in plan.faults)
    numbered, nameless, unreadable = _stored(stage, traffic), *_without_number(stage, traffic)
    wanted = Counter(dict.fromkeys(traffic.numbered, 1))
    pairs: list[tuple[Counter[Any], Counter[Any]]] = [
        (wanted, numbered), (traffic.nameless, nameless), (traffic.unreadable, unreadable),
    ]  # fmt: skip
    lost = [sent - there for sent, there in pairs]
    doubled = [there - sent for sent, there in pairs]
    if not lossy:
        assert not any(lost), f"lost: {lost}"
        assert not any(doubled), f"doubled: {doubled}"
    # With a number nothing is doubled, even if the broker forgets; and what it forgot shows in the ledger.
    assert not doubled[0], f"doubled: {doubled[0]}"
    with db.connect(stage.database.conninfo) as connection:
        missing = {
            (gap.device, seq)
            for gap in ledger.gaps(connection)
            if gap.boot_id == traffic.boot_id
            for seq in range(gap.first_seq, gap.last_seq + 1)
        }
        row = connection.execute(
            "SELECT sum(received_total)::bigint FROM ledger WHERE boot_id = %s", (traffic.boot_id,)
        ).fetchone()
    assert missing == set(lost[0]), f"the ledger misses {missing}, the store {set(lost[0])}"
    assert row is not None
    assert row[0] == numbered.total(), f"the ledger counts {row[0]} events, there are {numbered.total()}"
    assert_exact(stage.database)
    return Result(
        plan,
        traffic.sent,
        numbered.total() + nameless.total(),
        unreadable.total(),
        stage.known_again() - known_before,
        sum(one.total() for one in lost),
        sum(one.total() for one in doubled),
        time.monotonic() - began_at,
    )


def _stored(stage: Stage, traffic: Traffic) -> Counter[tuple[str, int]]:
    """How often each (device, seq) of the round stands in the store."""
    with db.connect(stage.database.conninfo) as connection:
        found = connection.execute(
            "SELECT d.code, e.seq FROM events e JOIN devices d ON d.id = e.device_id WHERE e.boot_id = %s",
            (traffic.boot_id,),
        ).fetchall()
    return Counter((device, seq) for device, seq in found)


def _without_number(stage: Stage, traffic: Traffic) -> tuple[Counter[tuple[str, float]], Counter[bytes]]:
    """How often each nameless (device, value) of the round stands in the store, each payload in quarantine."""
    first, last = traffic.first_value, traffic.first_value + NAMELESS_VALUES
    with db.connect(stage.database.conninfo) as connection:
        events = connection.execute(
            "SELECT d.code, e.value FROM events e JOIN devices d ON d.id = e.device_id"
            " WHERE e.seq IS NULL AND e.value >= %s AND e.value < %s",
            (first, last),
        ).fetchall()
        kept = connection.execute("SELECT payload, messages_total FROM quarantine").fetchall()
    payloads = {
        bytes(payload): total for payload, total in kept if first <= int(bytes(payload).split()[2]) < last
    }
    return Counter((device, value) for device, value in events), Counter(payloads)


def _mosquitto_conf(folder: Path, port: int) -> str:
    return f"""
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_interval {SAVE_SECONDS}
max_inflight_messages 0
max_queued_messages 0
set_tcp_nodelay true
user root
"""


def table(results: Sequence[Result]) -> Iterator[str]:
    """Lines of a Markdown table: by fault, and all together. A round with two faults stands in both their lines."""
    yield "| fault | rounds | sent | stored | quarantined | duplicates recognised | lost | doubled |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for kind in EVERY:
        of_kind = [result for result in results if kind in result.plan.faults]
        if of_kind:
            yield _line(kind, of_kind)
    faithful = [result for result in results if not any(kind in LOSSY for kind in result.plan.faults)]
    yield _line("**all without a broker's kill -9**", faithful)
    yield _line("**all**", results)


def _line(name: str, results: Sequence[Result]) -> str:
    sums = [
        sum(getattr(result, field) for result in results)
        for field in ("sent", "stored", "quarantined", "known_again", "lost", "doubled")
    ]
    return f"| {name} | {len(results)} | " + " | ".join(f"{number:,}" for number in sums) + " |"
