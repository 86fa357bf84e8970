"""What the measurements send: MQTT packets from a process of their own, ready before the clock starts."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import socket
import struct
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from multiprocessing.synchronize import Event

from nyttig.model import Device, Home, Placement, Trial, TrialPackage
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, migrate, registry

PREBUILT_MAX = 500_000
CHUNK = 500
ON_THE_WAY = 2_000
PROBE = "d0"


@dataclass(frozen=True)
class Traffic:
    """`events` messages of `devices` devices in turn; `per_second` None: as fast as the broker takes them.

    Paced messages are stamped as they are sent, and a tenth of them (all, where they are few) are the probe's.
    """

    events: int
    devices: int
    boot_id: str = "b1"
    payload_bytes: int = 0  # filled up to, by a field that nobody knows
    per_second: int | None = None
    ready_for_copy: bool = False


def registered(devices: int) -> None:
    """The database has our schema and a trial with as many homes, each with one device d0, d1, ..."""
    migrate.migrate()
    numbers = range(devices)
    trial = Trial(
        "bench", "Bench", None, ("Unit",), "medicine_dispenser", "Europe/Oslo", "NOK", date(2026, 1, 1)
    )
    then = datetime(2026, 1, 1, tzinfo=UTC)
    package = TrialPackage(
        trial,
        homes=tuple(Home(f"h{n}", "home", "Unit", trial.starts, trial.starts, trial.starts) for n in numbers),
        devices=tuple(Device(f"d{n}", trial.technology, "nyttig", f"d{n}", 60.0, "mains", "primary") for n in numbers),
        placements=tuple(Placement(f"d{n}", f"h{n}", then) for n in numbers),
    )  # fmt: skip
    with db.connect() as connection:
        registry.save(connection, package, builtin_technologies())
        connection.commit()


@contextlib.contextmanager
def sender(port: int, traffic: Traffic) -> Iterator[tuple[Event, Event]]:
    """A publisher process with its packets ready: setting the first event sends them, the second says that all are."""
    processes = multiprocessing.get_context("spawn")
    ready, go, done = processes.Event(), processes.Event(), processes.Event()
    process = processes.Process(target=_send, args=(port, traffic, ready, go, done), daemon=True)
    process.start()
    try:
        if not ready.wait(120):
            raise SystemExit("the publisher did not get ready")
        yield go, done
    finally:
        process.terminate()
        process.join(10)


def _send(port: int, traffic: Traffic, ready: Event, go: Event, done: Event) -> None:
    """The broker has acknowledged all packets; nothing is sent before `go`."""
    chunks: Iterator[bytes] = _chunks(traffic)
    if traffic.per_second is None and traffic.events <= PREBUILT_MAX:
        chunks = iter(list(chunks))
    with socket.create_connection(("127.0.0.1", port)) as broker:
        broker.sendall(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x00\x00\x04send")
        assert broker.recv(4) == b"\x20\x02\x00\x00", "the broker refused the publisher"
        ready.set()
        go.wait()
        if traffic.per_second is not None:
            _send_paced(broker, traffic, traffic.per_second)
        else:
            acknowledged = sent = 0
            for chunk in chunks:
                broker.sendall(chunk)
                sent += CHUNK
                while acknowledged < 4 * (min(sent, traffic.events) - ON_THE_WAY):
                    acknowledged += len(broker.recv(65_536))
            while acknowledged < 4 * traffic.events:
                acknowledged += len(broker.recv(65_536))
        done.set()
        go.clear()
        go.wait()  # whoever started us ends us


def _chunks(traffic: Traffic) -> Iterator[bytes]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    packets = []
    for n in range(traffic.events):
        packets.append(_packet(traffic, n, n % traffic.devices, n // traffic.devices, now))
        if len(packets) == CHUNK or n == traffic.events - 1:
            yield b"".join(packets)
            packets = []


def _send_paced(broker: socket.socket, traffic: Traffic, per_second: int) -> None:
    """Every 5 ms what is due, each with the moment at which it is sent."""
    broker.setblocking(False)
    probe_every = 10 if per_second >= 100 else 1
    began, n, acknowledged = time.monotonic(), 0, 0
    seqs: Counter[int] = Counter()
    while acknowledged < 4 * traffic.events:
        packets = []
        while n < traffic.events and n <= (time.monotonic() - began) * per_second:
            device = 0 if n % probe_every == 0 else 1 + n % (traffic.devices - 1)
            packets.append(_packet(traffic, n, device, seqs[device], datetime.now(UTC).isoformat()))
            seqs[device] += 1
            n += 1
        broker.setblocking(True)
        broker.sendall(b"".join(packets))
        broker.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            acknowledged += len(broker.recv(65_536))
        time.sleep(0.005)


def _packet(traffic: Traffic, number: int, device: int, seq: int, now: str) -> bytes:
    """A PUBLISH packet at QoS 1."""
    if traffic.ready_for_copy:
        columns = (device, now, now, now, "dose_taken", 1, "dose", "citizen", traffic.boot_id, seq, "f")
        payload = "\t".join(map(str, columns)).encode()
    else:
        content = {"event_time": now, "boot_id": traffic.boot_id, "seq": seq, "type": "dose_taken", "value": 1,
                   "unit": "dose", "origin": "citizen"}  # fmt: skip
        payload = json.dumps(content).encode()
        if len(payload) < traffic.payload_bytes:
            payload = json.dumps(
                content | {"note": "n" * (traffic.payload_bytes - len(payload) - 12)}
            ).encode()
    topic = f"wt/v1/unit/h{device}/d{device}/event".encode()
    body = struct.pack(">H", len(topic)) + topic + struct.pack(">H", number % 65_535 + 1) + payload
    return b"\x32" + _remaining_length(len(body)) + body


def _remaining_length(number: int) -> bytes:
    """As MQTT writes it: seven bits a byte, the lowest first."""
    low, high = number % 128, number // 128
    return bytes([low | 128]) + _remaining_length(high) if high else bytes([low])
