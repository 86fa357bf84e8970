"""What readiness says of ingest's load: queue and window, rate, batches, totals; and of those that left, nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from conftest import Database
from serving import fill, quarantined, serving

from nyttig.store import db, platform
from nyttig.store.platform import Load


def committed(connection: db.Session, client_id: str, at: datetime, messages: int, load: Load) -> None:
    """The ingestor has committed a batch of so many messages: 5 events, 2 that came again, 1 in quarantine."""
    platform.count(
        connection,
        client_id,
        at,
        events=5,
        duplicates=2,
        quarantined=1,
        retained=0,
        messages=messages,
        load=load,
    )


def test_ready_tells_the_load_of_all_that_run_together(embedded_database: Database) -> None:
    fill(embedded_database)
    quarantined(embedded_database, "malformed", "unknown_device")
    with db.connect(embedded_database.conninfo) as connection:
        now = datetime.now(UTC)
        platform.started(connection, "second", now - timedelta(hours=1))
        committed(connection, "second", now, 44, Load(17, 4_000, 90))
        platform.beat(connection, "nyttig-ingest", now, connected=True, load=Load(3, 4_000, 30))
        platform.started(connection, "stopped", now - timedelta(days=1))
        committed(connection, "stopped", now - timedelta(minutes=5), 9, Load(800, 4_000, 600))
    with serving(embedded_database.conninfo) as client:
        content = client.get("/v1/health/ready").json()
    together = {
        "queue_messages": 20, "receive_window_messages": 8_000, "events_per_second": 2.0,
        "last_batch_messages": 44, "duplicates_total": 4, "quarantined_total": 2, "quarantine_messages_waiting": 2,
    }  # fmt: skip
    assert {name: content[name] for name in together} == together
    second = next(one for one in content["ingest"] if one["client_id"] == "second")
    alone = {
        "queue_messages": 17, "receive_window_messages": 4_000, "events_per_second": 1.5, "last_batch_messages": 44,
        "events_total": 5, "duplicates_total": 2, "quarantined_total": 1,
    }  # fmt: skip
    assert {name: second[name] for name in alone} == alone
    assert datetime.fromisoformat(second["last_commit_at"]) == now


def test_a_window_without_bound_is_null(embedded_database: Database) -> None:
    fill(embedded_database)
    with serving(embedded_database.conninfo) as client:
        content = client.get("/v1/health/ready").json()
    assert (content["queue_messages"], content["receive_window_messages"]) == (0, None)


def test_an_ingestor_that_left_is_neither_counted_nor_missed(embedded_database: Database) -> None:
    fill(embedded_database)
    with db.connect(embedded_database.conninfo) as connection:
        now = datetime.now(UTC)
        platform.started(connection, "left", now - timedelta(hours=1))
        committed(connection, "left", now, 44, Load(17, 4_000, 90))
        platform.retire(connection, "left", now)
    with serving(embedded_database.conninfo) as client:
        content = client.get("/v1/health/ready").json()
        metrics = client.get("/metrics").text
        assert [one["client_id"] for one in content["ingest"]] == ["nyttig-ingest"]
        assert (content["status"], content["queue_messages"], content["duplicates_total"]) == ("ready", 0, 0)
        assert "left" not in metrics
        with db.connect(embedded_database.conninfo) as connection:
            platform.retire(connection, "nyttig-ingest", now)
        answer = client.get("/v1/health/ready")
    assert answer.status_code == 503
    assert answer.json()["reason"] == "there is no ingestor; start one with `nyttig ingest`"
