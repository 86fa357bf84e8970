"""What decoders must know of earlier days: lasting messages from the store, told to them as the broker's memory."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence

from ingest.batch import Said, learn, understand
from ingest.decode import Route
from nyttig.errors import UnstorableError
from nyttig.model import Message
from nyttig.store import db, descriptions, renames
from nyttig.store.db import Session
from nyttig.store.descriptions import Lasting
from nyttig.store.heard import Key

log = logging.getLogger("nyttig.ingest")


class Descriptions:
    """The lasting messages that the decoders of `routes` have been told, and the gateways named there or since."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.gateways: set[Key] = set()
        self.read_at = 0.0  # of the monotonic clock
        self._routes = routes
        self._dialects = {route.dialect for route in routes}
        self._versions: Mapping[str, int] = {}
        self._renames_possible = True

    def read(self, connection: Session) -> None:
        """The decoders know what stands in the store. Raises StoreUnavailableError."""
        with db.translated():
            messages, self._versions = descriptions.changes(connection, self._dialects, self._versions)
            connection.commit()
        self.read_at = time.monotonic()
        waiting = messages
        while waiting:  # one may need what another says: as long as it helps, again
            unread = [message for message in waiting if not self._tell(message)]
            if len(unread) == len(waiting):
                log.warning("%d descriptions in the store cannot be read by this version", len(unread))
                break
            waiting = unread

    def committed(self, versions: Mapping[str, int], *, renames_possible: bool) -> None:
        """What the decoders learned while they read a batch stands in the store with these versions."""
        ours = {
            dialect: version
            for dialect, version in versions.items()
            if version == self._versions.get(dialect, 0) + 1  # else another ingestor wrote some between
        }
        self._versions = {**self._versions, **ours}
        self._renames_possible = self._renames_possible or renames_possible

    def follow_renames(self, connection: Session) -> bool:
        """Devices have the addresses that their gateways call them by; whether that changed any.

        Raises StoreUnavailableError.
        """
        if not self._renames_possible:
            return False
        try:
            with db.translated():
                renamed = renames.follow(connection)
                connection.commit()
        except UnstorableError as error:
            log.warning("%s; the registry changed meanwhile, trying again", error)
            connection.rollback()
            return False
        self._renames_possible = False
        for one in renamed:
            log.info("%s was renamed from %r to %r", one.device, one.before, one.after)
        return bool(renamed)

    def _tell(self, message: Lasting) -> bool:
        said = understand(
            Message(message.topic, message.payload, True, False, message.received_at), self._routes
        )
        learn(said, self.gateways)
        return said.error is None


def forget_undescribed(said: list[Said | None]) -> None:
    """Messages that awaited a description are to be read again."""
    for place, one in enumerate(said):
        if one is not None and one.error is not None and one.error.reason == "not_described":
            said[place] = None
