"""An ingestor leaves for good: it takes what the broker still keeps for it, and is then forgotten there."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime

from ingest.run import BATCH_MESSAGES, Ingestor
from nyttig.errors import BrokerUnavailableError, NotFoundError, NyttigError
from nyttig.settings import Settings
from nyttig.store import db, migrate, platform


class AtWorkError(NyttigError):
    """An ingestor that is at work does not leave."""

    def __init__(self, client_id: str) -> None:
        super().__init__(
            f"{client_id} is at work; stop it first, or set NYTTIG_MQTT_CLIENT_ID to the one that is to leave"
        )


@dataclass(frozen=True, slots=True)
class Farewell:
    """What was done. `session_kept`: the broker still knew it; `messages`: stored now, from what it had kept;
    `others`: who is still at work."""

    client_id: str
    topic_filters: tuple[str, ...]
    session_kept: bool
    messages: int
    others: tuple[str, ...]

    def __str__(self) -> str:
        filters = ", ".join(self.topic_filters)
        stored = "1 message is" if self.messages == 1 else f"{self.messages} messages are"
        session = (
            f"unsubscribed from {filters}; {stored} stored that the broker still kept for it; its session is ended"
            if self.session_kept
            else "the broker kept no session for it"
        )
        rest = (
            f"still at work: {', '.join(self.others)}"
            if self.others
            else "no other ingestor is at work: what devices send from now on is lost until one starts"
        )
        return f"{self.client_id} has left: {session}; its row is retired\n{rest}"


def leave(settings: Settings, stop: threading.Event, conninfo: str = "") -> Farewell:
    """The ingestor of this client id is retired: unsubscribed, its session ended, everything it was sent stored.

    Raises NotFoundError and AtWorkError, and BrokerUnavailableError when the broker is lost or `stop` is set before
    all is stored: then nothing has changed, and it may be tried again.
    """
    with db.connect(conninfo) as connection, db.translated():
        migrate.require_current(connection)
        known = {one.client_id: one for one in platform.ingestors(connection)}
    ours = known.get(settings.mqtt_client_id)
    if ours is None:
        raise NotFoundError(
            f"no ingestor ever ran as {settings.mqtt_client_id!r}; set NYTTIG_MQTT_CLIENT_ID to one of: "
            f"{', '.join(sorted(known)) or '(there is none)'}"
        )
    if _at_work(ours):
        raise AtWorkError(ours.client_id)
    leaver = _Leaver(settings, stop, conninfo)
    try:
        leaver.start()
        session_kept, messages = leaver.leave()
    finally:
        leaver.close()
    filters = tuple(source.topic_filter for source in settings.sources())
    others = tuple(sorted(one.client_id for one in known.values() if one is not ours and _at_work(one)))
    return Farewell(ours.client_id, filters, session_kept, messages, others)


class _Leaver(Ingestor):
    """Works as the ingestor did, until nothing is left to do."""

    def leave(self) -> tuple[bool, int]:
        """Whether the broker still knew us, and how many messages it had kept."""
        self._connect()
        number, messages = 1, 0
        while arrived := self._subscriber.remainder(BATCH_MESSAGES, number):
            if not self._commit(arrived):
                raise BrokerUnavailableError("interrupted before all was stored; the broker keeps the rest")
            self._subscriber.acknowledge(arrived)
            number, messages = number % 0xFFFF + 1, messages + len(arrived)
        session_kept = self._subscriber.session_present
        self._subscriber.leave()
        self._tell()
        with db.translated():
            platform.retire(self._connection, self._client_id, datetime.now(UTC))
            self._connection.commit()
        return session_kept, messages


def _at_work(ingestor: platform.Ingestor) -> bool:
    return ingestor.connected and datetime.now(UTC) - ingestor.alive_at <= platform.PRESENT_FOR
