"""The ingestor: messages in, commit, then acknowledge; forever, whatever goes away meanwhile."""

from __future__ import annotations

import contextlib
import gc
import logging
import threading
import time
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from ingest import canary
from ingest.backoff import Backoff
from ingest.batch import Prepared, Said, prepare
from ingest.decode import routes
from ingest.descriptions import Descriptions, forget_undescribed
from ingest.mqtt import Arrived, Subscriber, TakenOverError
from ingest.pace import LastMinute
from ingest.redelivery import RedeliveryWindow, digest_of
from ingest.refresh import refresh_forever
from ingest.replay import Replayer
from nyttig.errors import BrokerUnavailableError, StoreUnavailableError, UnstorableError
from nyttig.settings import Settings
from nyttig.store import canaries, db, descriptions, events, heard, migrate, platform, quarantine, registry

BATCH_MESSAGES = 6_000
RECEIVE_MAXIMUM = 12_000
BEAT_SECONDS = 5.0
OUTAGE_SECONDS_MIN = 1.0
_COLLECT_EVERY = 60.0

log = logging.getLogger("nyttig.ingest")


def run(settings: Settings, stop: threading.Event, conninfo: str = "") -> None:
    """Ingests until `stop` is set. Waits for broker and database as long as it takes, and says so once.

    Raises StaleSchemaError, SettingsError, and TakenOverError where another client has our client id.
    """
    ingestor = Ingestor(settings, stop, conninfo)
    refresher = threading.Thread(
        target=refresh_forever, args=(stop, conninfo, settings.keep_events()), name="refresh"
    )
    sender = threading.Thread(
        target=canary.send_forever, args=(settings.broker(), settings.mqtt_client_id, stop), name="canary"
    )
    gc.collect()
    gc.freeze()
    gc.disable()  # cyclic garbage is collected when idle: in the hot loop the collector is the dominant cost
    try:
        ingestor.start()
        refresher.start()
        sender.start()
        while not stop.is_set():
            ingestor.step()
    finally:
        stop.set()
        ingestor.close()
        for thread in (refresher, sender):
            if thread.ident is not None:
                thread.join()
        gc.enable()


class Ingestor:
    """One connection to the broker and one to the database, and what lies between them."""

    def __init__(self, settings: Settings, stop: threading.Event, conninfo: str = "") -> None:
        sources = settings.sources()
        self._routes = routes(sources)
        self._descriptions = Descriptions(self._routes)
        self._replayer = Replayer(sources)
        self._client_id = settings.mqtt_client_id
        self._stop = stop
        self._conninfo = conninfo
        self._subscriber = Subscriber(
            settings.broker(), self._client_id, [source.topic_filter for source in sources], RECEIVE_MAXIMUM
        )
        self._broker_backoff = Backoff()
        self._store_backoff = Backoff()
        self._devices: dict[tuple[str, str], int] = {}
        self._started_at = _now()
        self._registry_version: datetime | None = None
        self._registry_read = 0.0
        self._missed: platform.Missed | None = None
        self._store: db.Session | None = None
        self._store_away_since: datetime | None = None
        self._unrecorded: list[platform.Outage] = []
        self._window = RedeliveryWindow(RECEIVE_MAXIMUM)
        self._minute = LastMinute()
        self._next_beat = 0.0
        self._next_collect = time.monotonic() + _COLLECT_EVERY

    def start(self) -> None:
        """The database is open, the registry read, and the time since our last sign of life known."""
        while not self._stop.is_set():
            self._wait_for_store()
            try:
                self._started_at = _now()
                with db.translated():
                    self._missed = platform.started(self._connection, self._client_id, self._started_at)
                    self._connection.commit()
                    # From here on nobody else commits under our name, so that this window is complete.
                    batches = platform.redelivery_window(self._connection, self._client_id)
                    self._connection.commit()
                self._window = RedeliveryWindow(RECEIVE_MAXIMUM, batches)
                self._read_registry()
                self._descriptions.read(self._connection)
            except StoreUnavailableError as error:
                self._lose_store(error)
                self._stop.wait(self._store_backoff.next_seconds())
            else:
                self._regain_store()
                return

    def step(self) -> None:
        """One round: connect if need be, take what has arrived, commit it, acknowledge it."""
        try:
            if not self._subscriber.connected:
                self._connect()
            arrived = self._subscriber.collect(BATCH_MESSAGES, 1.0)
        except BrokerUnavailableError as error:
            self._lose_broker(error)
            return
        if arrived and self._commit(arrived):
            self._subscriber.acknowledge(arrived)
        if time.monotonic() > self._next_collect:
            gc.collect()
            self._next_collect = time.monotonic() + _COLLECT_EVERY
        self._beat()

    def close(self) -> None:
        """Broker and database are left in order, and the database knows it where it can be told."""
        self._subscriber.close()
        if self._store is not None and self._store_away_since is None:
            with contextlib.suppress(StoreUnavailableError, TakenOverError):
                self._roll_back()  # of a batch that was interrupted
                self._tell()
        if self._store is not None:
            self._store.close()
            self._store = None

    @property
    def _connection(self) -> db.Session:
        if self._store is None:
            raise StoreUnavailableError("the database is not open yet")
        return self._store

    def _connect(self) -> None:
        self._subscriber.connect()
        log.info(
            "connected to the broker%s", "" if self._subscriber.session_present else ", with a new session"
        )
        self._broker_backoff.reset()
        if self._missed is not None:
            # What a broker kept for us while only we were away is not lost; with a new session, or while the
            # broker itself was away, it may be.
            since, because = self._missed
            forgotten = not self._subscriber.session_present
            cause: platform.Cause = "session" if forgotten and because == "ingest" else because
            if forgotten:
                log.warning(
                    "the broker no longer knows us as %r: what it kept for us is gone, and what was sent since %s"
                    " may never have been kept",
                    self._client_id,
                    f"{since:%Y-%m-%d %H:%M:%S} UTC",
                )
            self._note(platform.Outage(cause, since, _now(), lossy=cause != "ingest"))
            self._missed = None

    def _lose_broker(self, error: BrokerUnavailableError) -> None:
        # Away ourselves, we cannot know since when the broker is: with it, messages may be gone all the while.
        self._missed = platform.Missed(self._missed.since if self._missed else _now(), "broker")
        if self._broker_backoff.fresh:
            log.warning("%s; trying again until it is back", error)
        self._beat()
        self._stop.wait(self._broker_backoff.next_seconds())

    def _commit(self, arrived: Sequence[Arrived]) -> bool:
        """The messages stand in the store; False when they must come again because the broker was lost meanwhile."""
        said: list[Said | None] = [None] * len(arrived)
        prepared = self._prepare(arrived, said)
        refused: UnstorableError | None = None
        while not self._stop.is_set():
            try:
                if self._store_away_since is not None:
                    self._open_store()
                if refused is not None:
                    prepared = self._without_unstorable(arrived, said)
                committed_before = self._append(prepared, len(arrived))
            except events.RacedError:
                continue
            except UnstorableError as error:
                if refused is not None:
                    raise  # no message alone is to blame
                log.warning("%s; looking for the message", error)
                refused = error
            except StoreUnavailableError as error:
                self._lose_store(error, len(arrived))
                if not self._hold_broker(self._store_backoff.next_seconds()):
                    return False
            else:
                if committed_before is None:
                    return True
                # Not acknowledged, so their packet ids name the same messages still, marked DUP or not.
                arrived = [_again(item) if digest_of(item) in committed_before else item for item in arrived]
                prepared = self._prepare(arrived, said)
        return False

    def _append(self, prepared: Prepared, messages: int) -> Collection[int] | None:
        """The batch made of so many messages is committed, or nothing of it is.

        Returns the digests of the batch that stands under this number already, if one does: the database was lost
        before it could say that it had committed it, and its messages may have come again among others.

        Raises RacedError, UnstorableError, StoreUnavailableError and TakenOverError.
        """
        batch, number, waiting = prepared.batch, self._window.next_batch, self._subscriber.waiting()
        new = True
        try:
            with db.translated():
                appended = events.append(self._connection, batch.events)
                quarantined = quarantine.add(self._connection, batch.quarantined)
                versions = descriptions.remember(self._connection, prepared.lasting)
                heard.hear(self._connection, prepared.heard)
                ours = platform.count(
                    self._connection,
                    self._client_id,
                    _now(),
                    events=appended.stored,
                    duplicates=appended.duplicates,
                    quarantined=quarantined,
                    retained=prepared.retained,
                    messages=messages,
                    load=self._load(waiting, appended.stored),
                    started_at=self._started_at,
                )
                if not ours:
                    raise TakenOverError(self._client_id)
                if batch.digests:
                    new = platform.remember(
                        self._connection,
                        self._client_id,
                        number,
                        batch.digests,
                        forget_before=self._window.oldest_batch,
                    )
                canaries.record(self._connection, prepared.canaries, committed_at=_now())
                if new:
                    self._connection.commit()
        except (events.RacedError, UnstorableError):
            self._roll_back()
            raise
        digests, committed_before = batch.digests, None
        if not new:
            with db.translated():
                digests = dict(platform.redelivery_window(self._connection, self._client_id))[number]
            self._roll_back()
            committed_before = set(digests)
        else:
            self._minute.add(appended.stored, time.monotonic())
            self._descriptions.committed(versions, renames_possible=bool(prepared.lasting))
        if digests:
            self._window.add(number, digests)
        self._regain_store()
        return committed_before

    def _prepare(self, arrived: Sequence[Arrived], said: list[Said | None]) -> Prepared:
        prepared = self._prepared(arrived, said)
        unknown = prepared.strangers and time.monotonic() - self._registry_read > 1.0
        undescribed = prepared.undescribed and time.monotonic() - self._descriptions.read_at > 1.0
        try:
            if unknown:
                self._read_registry()
            if undescribed:
                self._descriptions.read(self._connection)
                forget_undescribed(said)
        except StoreUnavailableError:
            return prepared  # they go to quarantine, from where they can be replayed
        return self._prepared(arrived, said) if unknown or undescribed else prepared

    def _prepared(self, arrived: Sequence[Arrived], said: list[Said | None]) -> Prepared:
        gateways = self._descriptions.gateways
        return prepare(arrived, self._routes, self._devices, self._window, said, gateways)

    def _without_unstorable(self, arrived: Sequence[Arrived], said: list[Said | None]) -> Prepared:
        """Each message tried alone: those that the database refuses go to quarantine. Nothing else is told of them."""
        refused: list[quarantine.Quarantined] = []
        kept, kept_said = [], []
        for item, it in zip(arrived, said, strict=True):
            alone = self._prepared([item], [it])
            try:
                with db.translated():
                    events.append(self._connection, alone.batch.events)
            except events.RacedError:
                pass  # tried again with the others
            except UnstorableError as reason:
                message = item.message
                refused.append(
                    quarantine.Quarantined(
                        "unstorable", str(reason), None, message.topic, message.payload, message.received_at
                    )
                )
                self._roll_back()
                continue
            self._roll_back()
            kept.append(item)
            kept_said.append(it)
        prepared = self._prepared(kept, kept_said)
        prepared.batch.quarantined += refused
        return prepared._replace(heard={}, lasting=[])

    def _roll_back(self) -> None:
        with db.translated():
            self._connection.rollback()

    def _tell(self) -> None:
        """The store knows that we live, how busy we are and what was missed. Raises StoreUnavailableError, TakenOverError."""
        with db.translated():
            ours = platform.beat(
                self._connection,
                self._client_id,
                _now(),
                connected=self._subscriber.connected,
                load=self._load(self._subscriber.waiting()),
                missed=self._missed,
                started_at=self._started_at,
            )
            if not ours:
                raise TakenOverError(self._client_id)
            for outage in self._unrecorded:
                platform.record(self._connection, outage)
            self._connection.commit()
        self._unrecorded.clear()

    def _beat(self) -> None:
        """Every few seconds the store learns that we live, and we learn whether the registry changed."""
        if time.monotonic() < self._next_beat:
            return
        self._next_beat = time.monotonic() + BEAT_SECONDS
        try:
            if self._store_away_since is not None:
                self._open_store()
            self._tell()
            with db.translated():
                version = registry.version(self._connection)
                self._connection.commit()
            if version != self._registry_version:
                self._read_registry()
            self._descriptions.read(self._connection)
            renamed = self._descriptions.follow_renames(self._connection)
            asked = self._replayer.asked(self._connection)
            if renamed or asked:
                self._read_registry()
            if asked and not self._replayer.replay(self._connection, self._devices):
                self._next_beat = 0.0
        except StoreUnavailableError as error:
            self._lose_store(error)
        else:
            self._regain_store()

    def _load(self, waiting: int, stored: int = 0) -> platform.Load:
        """How busy we are, once so many events more are stored."""
        last_minute = self._minute.total(time.monotonic()) + stored
        return platform.Load(waiting, self._subscriber.window, last_minute)

    def _read_registry(self) -> None:
        with db.translated():
            self._registry_version = registry.version(self._connection)
            known = registry.known_devices(self._connection)
            self._connection.commit()
        self._devices = {(device.dialect, device.address): device.id for device in known}
        self._registry_read = time.monotonic()

    def _note(self, outage: platform.Outage) -> None:
        """The outage is on record with the next beat, which is now due; a short one only where messages may be gone."""
        self._next_beat = 0.0
        if outage.lossy or (outage.ended_at - outage.began_at).total_seconds() >= OUTAGE_SECONDS_MIN:
            self._unrecorded.append(outage)

    def _lose_store(self, error: StoreUnavailableError, held: int = 0) -> None:
        if self._store_away_since is None:
            self._store_away_since = _now()
            holding = (
                f"; holding {held} messages until it is back" if held else "; trying again until it is back"
            )
            log.warning("%s%s", error, holding)

    def _regain_store(self) -> None:
        if self._store_away_since is not None:
            log.info("the database is back")
            self._note(platform.Outage("database", self._store_away_since, _now(), lossy=False))
            self._store_away_since = None
            self._store_backoff.reset()

    def _open_store(self) -> None:
        """The database is open and its schema ours. Raises StoreUnavailableError and StaleSchemaError."""
        connection = db.connect(self._conninfo)
        try:
            with db.translated():
                migrate.require_current(connection)
                events.prepare(connection)
        except BaseException:
            connection.close()
            raise
        if self._store is not None:
            self._store.close()
        self._store = connection

    def _wait_for_store(self) -> None:
        """The database is open, however long it takes, unless we are to stop."""
        while not self._stop.is_set():
            try:
                self._open_store()
            except StoreUnavailableError as error:
                self._lose_store(error)
                self._stop.wait(self._store_backoff.next_seconds())
            else:
                return

    def _hold_broker(self, seconds: float) -> bool:
        """The broker sees us alive for that long, unless we are to stop; False when it was lost."""
        deadline = time.monotonic() + seconds
        try:
            while not self._stop.is_set() and (left := deadline - time.monotonic()) > 0:
                self._subscriber.keep_alive(min(left, 0.5))
        except BrokerUnavailableError as error:
            self._lose_broker(error)
            self._wait_for_store()
            return False
        return True


def _again(arrived: Arrived) -> Arrived:
    return arrived._replace(message=arrived.message._replace(redelivered=True))


def _now() -> datetime:
    return datetime.now(UTC)
