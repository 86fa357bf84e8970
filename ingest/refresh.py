"""What follows the events: rollups, folds of them, and the end of raw events that are kept for a time only."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from ingest.backoff import Backoff
from nyttig.errors import StoreUnavailableError
from nyttig.folding import Folder
from nyttig.store import db, retention, rollups

REFRESH_SECONDS = 1.0
DROP_EVERY = timedelta(hours=6)


def refresh_forever(stop: threading.Event, conninfo: str = "", keep_events: timedelta | None = None) -> None:
    """Rollups follow the events within seconds, until `stop` is set; raw events older than `keep_events` go.

    Of past days the rollups are folded, bit by bit.
    """
    backoff, folder = Backoff(), Folder()
    next_drop = datetime.now(UTC)
    while not stop.is_set():
        try:
            with db.connect(conninfo) as connection, db.translated():
                backoff.reset()
                while not stop.is_set():
                    taken = rollups.refresh(connection)
                    now = datetime.now(UTC)
                    folder.fold(connection, now)
                    if taken:
                        continue
                    if keep_events is not None and now >= next_drop:
                        retention.drop_before(connection, now - keep_events)
                        next_drop = now + DROP_EVERY
                    stop.wait(REFRESH_SECONDS)
        except StoreUnavailableError:
            stop.wait(backoff.next_seconds())  # the ingestor's own connection says so
