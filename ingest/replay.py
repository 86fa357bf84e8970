"""Replaying: what waits in quarantine is read again with today's registry and today's descriptions."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ingest.batch import Devices, read
from ingest.decode import Route, routes
from ingest.descriptions import Descriptions
from nyttig.errors import UnstorableError
from nyttig.model import Message
from nyttig.settings import Settings, Source
from nyttig.store import db, events, migrate, quarantine, registry, replays, rollups
from nyttig.store.db import Session
from nyttig.store.events import EventRow
from nyttig.store.quarantine import Kept, Quarantined

PORTION = 100
SECONDS_MAX = 1.0
"""An ingestor replays no longer than about this at one beat: news waits meanwhile."""


def replay_quarantine(
    settings: Settings, *, reason: str | None = None, conninfo: str = ""
) -> tuple[int, int]:
    """Quarantined messages are read again with today's registry; returns how many kinds were stored and how many not.

    They keep the times at which they arrived, as far as these are known. A message kept only in part cannot be replayed.
    """
    stored, left = 0, 0
    with db.connect(conninfo) as connection, db.translated():
        migrate.require_current(connection)
        events.prepare(connection)
        known_routes = _described_routes(connection, settings.sources())
        devices = {(d.dialect, d.address): d.id for d in registry.known_devices(connection)}
        for kept in quarantine.waiting(connection, reason=reason):
            try:
                with db.translated():
                    done, _ = _store(connection, [kept], known_routes, devices)
            except (UnstorableError, events.RacedError):
                connection.rollback()
                done = []
            else:
                connection.commit()
            stored, left = stored + len(done), left + 1 - len(done)
        rollups.refresh_all(connection)
    return stored, left


class Replayer:
    """Replays what the registry asked for, from beat to beat."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._dialects = {source.dialect for source in sources}
        self._refused: set[int] = set()

    def asked(self, connection: Session) -> bool:
        """Whether something is to be replayed, so that the registry must be read first. Raises StoreUnavailableError."""
        with db.translated():
            asked = replays.asked(connection, self._dialects)
            connection.commit()
        if not asked:
            self._refused.clear()
        return asked

    def replay(self, connection: Session, devices: Devices) -> bool:
        """What is asked for stands in the store, committed, as far as it goes in SECONDS_MAX; False when more waits.

        Raises StoreUnavailableError.
        """
        fresh = _described_routes(connection, self._sources)  # our own decoders listen to what comes now
        deadline = time.monotonic() + SECONDS_MAX
        limit = PORTION
        while time.monotonic() < deadline:
            kinds: list[Kept] = []
            try:
                with db.translated():
                    kinds = replays.take(connection, self._dialects, without=self._refused, limit=limit)
                    if not kinds:
                        replays.forget(connection, self._dialects)
                        connection.commit()
                        return True
                    _, refused = _store(connection, kinds, fresh, devices)
                    connection.commit()
            except events.RacedError:
                self._roll_back(connection)
            except UnstorableError:
                self._roll_back(connection)
                self._refused.update(kept.id for kept in kinds if limit == 1)
                limit = 1  # to find the one
            else:
                self._refused.update(refused)
        return False

    def _roll_back(self, connection: Session) -> None:
        with db.translated():
            connection.rollback()


def _described_routes(connection: Session, sources: Sequence[Source]) -> list[Route]:
    """Routes whose decoders know the descriptions in the store."""
    made = routes(sources)
    Descriptions(made).read(connection)
    return made


def _store(
    connection: Session, kinds: Sequence[Kept], known: Sequence[Route], devices: Devices
) -> tuple[list[int], list[int]]:
    """What can be read now is stored, in the current transaction; which kinds need wait no longer, and which still say
    nothing that could be stored.

    Raises UnstorableError and RacedError.
    """
    rows: list[EventRow] = []
    done: list[int] = []
    refused: list[int] = []
    for kept in kinds:
        said, awaited = _again(kept, known, devices)
        rows += said
        if not said:
            refused.append(kept.id)
        elif awaited:
            quarantine.mark_waiting(connection, kept.id, awaited)
        else:
            done.append(kept.id)
    events.append(connection, rows)
    for kind in done:
        quarantine.mark_replayed(connection, kind)
    return done, refused


def _again(kept: Kept, known: Sequence[Route], devices: Devices) -> tuple[list[EventRow], list[str]]:
    """The events of a quarantined message, and the addresses it still waits for."""
    if kept.payload_bytes > len(kept.payload):
        return [], []
    rows: list[EventRow] = []
    refused: list[Quarantined] = []
    for at in kept.received_at or [kept.first_received_at]:
        said, refused = read(Message(kept.topic, kept.payload, False, False, at), known, devices)
        rows += said
    if kept.addresses is None or kept.dialect is None:
        return ([], []) if refused else (rows, [])
    # The rest of it was stored, or set aside for its own reason, when it came.
    wanted = {devices.get((kept.dialect, address)) for address in kept.addresses}
    awaited = [address for address in kept.addresses if (kept.dialect, address) not in devices]
    return [row for row in rows if row.device_id in wanted], awaited
