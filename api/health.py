"""Is the API alive, and is everything behind it?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api import examples
from api.deps import Now, current, json
from nyttig.errors import NyttigError
from nyttig.store import canaries, health, platform, quarantine, rollups
from nyttig.store.canaries import Passage
from nyttig.store.platform import Ingestor

router = APIRouter(prefix="/v1/health", tags=["health"])

CANARY_OVERDUE_AFTER = timedelta(seconds=60)
"""Ingest sends one every 10 seconds; so long without any means that something on the way is broken or far behind."""


_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Live:
    """The process answers."""

    status: Literal["ok"]


@dataclass(frozen=True, slots=True)
class IngestorBeat:
    """One ingestor: running when it beat within the last 20 seconds. Totals since it first ran.

    `queue_messages` came from the broker and are not committed yet, of at most `receive_window_messages` that the broker
    may send before they are (null: its MQTT knows no bound).
    """

    client_id: str
    alive_at: datetime
    alive_age_seconds: float
    connected: bool
    running: bool
    queue_messages: int
    receive_window_messages: int | None
    events_per_second: float
    last_batch_messages: int
    last_commit_at: datetime | None
    events_total: int
    duplicates_total: int
    quarantined_total: int


@dataclass(frozen=True, slots=True)
class Ready:
    """Whether data comes in and can be read, and how old the last of it is.

    A canary is a message that ingest sends to itself: its age says when the newest one that came through was sent, its
    latency how long that took to be committed; null where none ever came through. Queue, window and rate (events stored
    in the last minute, by its seconds) are those of the running ingestors together, the last batch is the one
    committed last; the totals are of all ingestors, the quarantine's is what waits there now.
    """

    status: Literal["ready", "not_ready"]
    reason: str | None
    now: datetime
    last_event_at: datetime | None
    last_commit_at: datetime | None
    last_commit_age_seconds: float | None
    last_canary_age_seconds: float | None
    canary_latency_seconds: float | None
    rollup_marks_waiting: int | None
    queue_messages: int | None
    receive_window_messages: int | None
    events_per_second: float | None
    last_batch_messages: int | None
    duplicates_total: int | None
    quarantined_total: int | None
    quarantine_messages_waiting: int | None
    ingest: tuple[IngestorBeat, ...]


@router.get("/live", responses={200: {"model": Live}})
def live() -> Response:
    """200 as long as the process answers."""
    return json(Live("ok"))


@router.get("/ready", responses={200: {"model": Ready, **examples.READY}, 503: {"model": Ready}})
def ready(request: Request, now: Now) -> Response:
    """200 when the database answers, an ingestor is at work and its canaries come through; else 503 with the reason, in
    the same shape."""
    try:
        with current(request.app.state.pool) as connection:
            ingestors = [one for one in platform.ingestors(connection) if one.retired_at is None]
            last_event_at = health.last_event_at(connection)
            waiting = rollups.waiting(connection)
            canary = canaries.newest(connection)
            set_aside = quarantine.totals(connection)
    except NyttigError as error:
        unknown = (None,) * 13
        return json(Ready("not_ready", str(error), now, *unknown, ()), HTTPStatus.SERVICE_UNAVAILABLE)
    beats = tuple(_beat(ingestor, now) for ingestor in ingestors)
    committed = max((i.last_commit_at for i in ingestors if i.last_commit_at), default=None)
    newest = max(beats, key=lambda beat: beat.last_commit_at or _LONG_AGO, default=None)
    running = [beat for beat in beats if beat.running]
    windows = [beat.receive_window_messages for beat in running if beat.receive_window_messages is not None]
    reason = _reason(beats) or _overdue(canary, ingestors, now)
    answer = Ready(
        status="ready" if reason is None else "not_ready",
        reason=reason,
        now=now,
        last_event_at=last_event_at,
        last_commit_at=committed,
        last_commit_age_seconds=None if committed is None else (now - committed).total_seconds(),
        last_canary_age_seconds=None if canary is None else (now - canary.sent_at).total_seconds(),
        canary_latency_seconds=None if canary is None else canary.latency_seconds,
        rollup_marks_waiting=waiting,
        queue_messages=sum(beat.queue_messages for beat in running) if running else None,
        receive_window_messages=sum(windows) if windows and len(windows) == len(running) else None,
        events_per_second=sum(beat.events_per_second for beat in running) if running else None,
        last_batch_messages=None if newest is None else newest.last_batch_messages,
        duplicates_total=sum(beat.duplicates_total for beat in beats),
        quarantined_total=sum(beat.quarantined_total for beat in beats),
        quarantine_messages_waiting=sum(total.waiting_total for total in set_aside),
        ingest=beats,
    )
    return json(answer, HTTPStatus.OK if reason is None else HTTPStatus.SERVICE_UNAVAILABLE)


def _beat(ingestor: Ingestor, now: datetime) -> IngestorBeat:
    age = now - ingestor.alive_at
    return IngestorBeat(
        ingestor.client_id,
        ingestor.alive_at,
        age.total_seconds(),
        ingestor.connected,
        age <= platform.PRESENT_FOR,
        ingestor.queue_messages,
        ingestor.receive_window,
        ingestor.events_last_minute / 60,
        ingestor.last_batch_messages,
        ingestor.last_commit_at,
        ingestor.events_total,
        ingestor.duplicates_total,
        ingestor.quarantined_total,
    )


def _reason(beats: tuple[IngestorBeat, ...]) -> str | None:
    if not beats:
        return "there is no ingestor; start one with `nyttig ingest`"
    running = [beat for beat in beats if beat.running]
    if not running:
        return (
            f"no ingestor is running; {beats[0].client_id} was last alive at {beats[0].alive_at.isoformat()}"
        )
    if not any(beat.connected for beat in running):
        return "the ingestor is not connected to the broker; check the broker and NYTTIG_MQTT_URL"
    return None


def _overdue(canary: Passage | None, ingestors: list[Ingestor], now: datetime) -> str | None:
    """Where canaries used to come through and no longer do. None where none ever did, as where ingest may not publish."""
    if canary is None:
        return None
    running_since = min(one.started_at for one in ingestors if now - one.alive_at <= platform.PRESENT_FOR)
    if now - max(canary.sent_at, running_since) <= CANARY_OVERDUE_AFTER:
        return None
    return (
        f"no canary sent after {canary.sent_at.isoformat()} has come through, though one is sent every 10 seconds and the "
        "ingestor is connected; check that the broker delivers (its log, its disk, its access rules) and whether "
        "ingest is working off a backlog"
    )
