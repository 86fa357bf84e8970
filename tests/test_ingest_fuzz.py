"""Damaged messages go the whole way and come out as they must; `make fuzz` does the same a million times."""

from __future__ import annotations

import random
from itertools import islice
from pathlib import Path

import pytest
from conftest import Database
from damage import NOON, damaged, seeds
from fuzz import EveryDevice, FindingError, check, run
from ingesting import register, two_dialects

import ingest.decoders.nyttig as dialect
from ingest.decode import MESSAGE_BYTES_MAX
from nyttig.model import Message


def test_damaged_messages_become_what_they_must_and_pass_the_database(
    embedded_database: Database, shared: Path
) -> None:
    register(embedded_database, two_dialects())
    tally = run(embedded_database.conninfo, 15_000, seed=7)
    assert tally.findings == {}
    assert tally.messages == 15_000
    assert tally.in_database > 500
    assert tally.outcomes["stored"] > 1_500  # damage that leaves nothing readable would test little


def test_the_same_seed_gives_the_same_messages() -> None:
    first, again = (list(islice(damaged(random.Random(3), seeds()), 50)) for _ in range(2))
    assert first == again


def test_what_the_contract_refuses_and_ingest_stores_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialect, "_ORIGINS", dialect._ORIGINS | {"cat"})
    with pytest.raises(FindingError, match="wrong accept"):
        check(event(b'{"type": "dose_taken", "origin": "cat"}'), EveryDevice(1))


def test_what_the_contract_accepts_and_ingest_refuses_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialect, "_TEXT_MAX", 4)
    with pytest.raises(FindingError, match="wrong refusal"):
        check(event(b'{"type": "dose_taken"}'), EveryDevice(1))


@pytest.mark.parametrize(
    "payload",
    [
        b'{"type": "a", "note": "C:\\\\u0000"}',  # a backslash and digits, no NUL
        b'{"type": "a", "note": "\\\\\\u0000"}',  # a backslash and a NUL
        b'{"type": "a", "event_time": "2026-11-22t06:58:03z"}',
        b'{"type": "a", "event_time": "2026-11-22 06:58:03Z"}',
        b'{"type": "a", "event_time": "2026-W47-7T06:58:03Z"}',
        b'{"type": "a", "event_time": "20261122T065803Z"}',
        b'{"type": "a", "event_time": "2026-11-22T06:58Z"}',
        b'{"type": "a", "event_time": "2026-11-22T06:58:03+22:99"}',
        b"[" + b",".join([b'{"type": "a"}'] * 10_000) + b"]",
        b"[" + b",".join([b'{"type": "a"}'] * 10_001) + b"]",
        b"[" + b"{}," * ((MESSAGE_BYTES_MAX - 4) // 3) + b"{}]",
    ],
    ids=range(11),
)
def test_what_was_found_once_stays_mended(payload: bytes) -> None:
    check(event(payload), EveryDevice(1))


def test_a_message_of_half_a_million_objects_is_one_message_in_quarantine() -> None:
    payload = b"[" + b"1," * (MESSAGE_BYTES_MAX // 2 - 2) + b"1]"
    rows, refused = check(event(payload), EveryDevice(1))
    assert rows == []
    assert [one.reason for one in refused] == ["oversized"]


def test_a_zigbee_message_of_ten_thousand_switches_is_no_device() -> None:
    states = ",".join(f'"state_{number}": "ON"' for number in range(10_000))
    message = Message("zigbee2mqtt/z1", f"{{{states}}}".encode(), False, False, NOON)
    rows, refused = check(message, EveryDevice(1))
    assert rows == []
    assert [one.reason for one in refused] == ["malformed"]


def event(payload: bytes) -> Message:
    return Message("wt/v1/alna/h1/d1/event", payload, False, False, NOON)
