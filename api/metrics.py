"""What Prometheus reads: how ingest is doing, in its text format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal, NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from api.deps import Now, current
from nyttig.errors import NyttigError
from nyttig.store import canaries, platform, quarantine, rollups
from nyttig.store.db import Session

router = APIRouter(tags=["health"])

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metric(NamedTuple):
    """A metric with its samples: labels and value. One without samples is not known, and left out."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    samples: Iterable[tuple[Mapping[str, str], float]]


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request, now: Now) -> Response:
    """Ingest's counters and gauges in Prometheus' text format; while the database is away, only that it is."""
    try:
        with current(request.app.state.pool) as connection:
            found = measured(connection, now)
    except NyttigError:
        found = []
    answers = Metric(
        "nyttig_database_up",
        "gauge",
        "1 when the database answers with our schema.",
        [({}, int(bool(found)))],
    )
    return Response(rendered([answers, *found]), media_type=CONTENT_TYPE)


def measured(connection: Session, now: datetime) -> list[Metric]:
    """All that the database says of ingest at `now`. Counters are totals since the ingestor first ran."""
    ingestors = [one for one in platform.ingestors(connection) if one.retired_at is None]
    newest = canaries.newest(connection)
    set_aside = quarantine.totals(connection)
    each = [({"client_id": one.client_id}, one) for one in ingestors]
    return [
        Metric(
            "nyttig_ingestor_running", "gauge", "1 when the ingestor gave a sign of life lately.",
            [(labels, now - one.alive_at <= platform.PRESENT_FOR) for labels, one in each],
        ),
        Metric(
            "nyttig_ingestor_connected", "gauge", "1 when it was connected to the broker at its last sign of life.",
            [(labels, one.connected) for labels, one in each],
        ),
        Metric(
            "nyttig_ingest_queue_messages", "gauge", "Messages that came from the broker and are not committed yet.",
            [(labels, one.queue_messages) for labels, one in each],
        ),
        Metric(
            "nyttig_ingest_receive_window_messages", "gauge",
            "Messages that the broker may send before they are committed.",
            [(labels, one.receive_window) for labels, one in each if one.receive_window is not None],
        ),
        Metric(
            "nyttig_ingest_events_per_second", "gauge", "Events stored in the last minute, by its seconds.",
            [(labels, one.events_last_minute / 60) for labels, one in each],
        ),
        Metric(
            "nyttig_ingest_events_total", "counter", "Events stored.",
            [(labels, one.events_total) for labels, one in each],
        ),
        Metric(
            "nyttig_ingest_duplicates_total", "counter", "Events that came again and were not stored again.",
            [(labels, one.duplicates_total) for labels, one in each],
        ),
        Metric(
            "nyttig_ingest_quarantined_total", "counter", "Messages put in quarantine.",
            [(labels, one.quarantined_total) for labels, one in each],
        ),
        Metric(
            "nyttig_ingest_retained_total", "counter", "Messages that were the broker's retained memory.",
            [(labels, one.retained_total) for labels, one in each],
        ),
        Metric(
            "nyttig_ingest_last_batch_messages", "gauge", "Messages in the batch committed last.",
            [(labels, one.last_batch_messages) for labels, one in each],
        ),
        Metric(
            "nyttig_ingest_last_commit_age_seconds", "gauge", "Time since the ingestor last committed an event.",
            [(labels, _seconds(now, one.last_commit_at)) for labels, one in each if one.last_commit_at],
        ),
        Metric(
            "nyttig_canary_age_seconds", "gauge", "Time since the newest canary that came through was sent.",
            [({}, _seconds(now, newest.sent_at))] if newest else [],
        ),
        Metric(
            "nyttig_canary_latency_seconds", "gauge", "What that canary took from being sent to being committed.",
            [({}, newest.latency_seconds)] if newest else [],
        ),
        Metric(
            "nyttig_rollup_marks_waiting", "gauge", "Changed device-hours that wait for their rollup.",
            [({}, rollups.waiting(connection))],
        ),
        Metric(
            "nyttig_quarantine_messages_waiting", "gauge", "Messages that wait in quarantine.",
            [
                ({"reason": total.reason, "dialect": total.dialect or ""}, total.waiting_total)
                for total in set_aside
            ],
        ),
        Metric(
            "nyttig_quarantine_dropped_total", "counter", "Messages that had to make room while they waited there.",
            [
                ({"reason": total.reason, "dialect": total.dialect or ""}, total.dropped_total)
                for total in set_aside
            ],
        ),
    ]  # fmt: skip


def rendered(found: Iterable[Metric]) -> str:
    """The metrics in Prometheus' text format, version 0.0.4."""
    lines = []
    for metric in found:
        samples = [f"{metric.name}{_labels(labels)} {_number(value)}" for labels, value in metric.samples]
        if samples:
            lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}", *samples]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Mapping[str, str]) -> str:
    return (
        "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"
        if labels
        else ""
    )


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    return repr(int(value)) if isinstance(value, bool) else repr(value)


def _seconds(now: datetime, then: datetime) -> float:
    return (now - then).total_seconds()
