"""What Prometheus reads of ingest: names with units, what stands in the database, and nothing that breaks the format."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from conftest import Database
from hypothesis import given
from hypothesis import strategies as st
from serving import canary, fill, quarantined, serving

from api.metrics import CONTENT_TYPE, Metric, rendered
from nyttig.store import db, platform

SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\n"])*",?)+)\})? (-?[0-9.e+-]+)')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\[\\n"])*)"')
MEANT = {r"\\": "\\", r"\n": "\n", r"\"": '"'}

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def parsed(text: str) -> tuple[Samples, dict[str, str]]:
    """The samples and the kinds of a text in Prometheus' format, read as its description says."""
    samples: Samples = {}
    kinds: dict[str, str] = {}
    helped = None
    assert text.endswith("\n")
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            _, _, helped, explanation = line.split(" ", 3)
            assert explanation.endswith(".")
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == helped
            assert name not in kinds
            kinds[name] = kind
        else:
            sample = SAMPLE.fullmatch(line)
            assert sample is not None, line
            assert list(kinds)[-1] == sample[1]
            labels = tuple(
                (name, re.sub(r"\\.", lambda found: MEANT[found[0]], value))
                for name, value in LABEL.findall(sample[2] or "")
            )
            assert (sample[1], labels) not in samples
            samples[sample[1], labels] = float(sample[3])
    return samples, kinds


def test_metrics_tell_what_the_database_holds(embedded_database: Database) -> None:
    fill(embedded_database)
    quarantined(embedded_database, "malformed", "unknown_device")
    canary(embedded_database, seconds_ago=5, latency_seconds=0.5)
    with db.connect(embedded_database.conninfo) as connection:
        now = datetime.now(UTC)
        platform.count(
            connection, "nyttig-ingest", now, events=40, duplicates=3, quarantined=2, retained=1, messages=44,
            load=platform.Load(17, 4_000, 90),
        )  # fmt: skip
    with serving(embedded_database.conninfo) as client:
        response = client.get("/metrics")
    assert response.headers["content-type"] == CONTENT_TYPE
    samples, kinds = parsed(response.text)
    ours = (("client_id", "nyttig-ingest"),)
    exact = {
        ("nyttig_database_up", ()): 1,
        ("nyttig_ingestor_running", ours): 1,
        ("nyttig_ingestor_connected", ours): 1,
        ("nyttig_ingest_events_total", ours): 41,
        ("nyttig_ingest_duplicates_total", ours): 3,
        ("nyttig_ingest_quarantined_total", ours): 2,
        ("nyttig_ingest_retained_total", ours): 1,
        ("nyttig_ingest_last_batch_messages", ours): 44,
        ("nyttig_ingest_queue_messages", ours): 17,
        ("nyttig_ingest_receive_window_messages", ours): 4_000,
        ("nyttig_ingest_events_per_second", ours): 1.5,
        ("nyttig_canary_latency_seconds", ()): 0.5,
        ("nyttig_rollup_marks_waiting", ()): 0,
        ("nyttig_quarantine_messages_waiting", (("reason", "malformed"), ("dialect", "nyttig"))): 1,
        ("nyttig_quarantine_messages_waiting", (("reason", "unknown_device"), ("dialect", "nyttig"))): 1,
        ("nyttig_quarantine_dropped_total", (("reason", "malformed"), ("dialect", "nyttig"))): 0,
        ("nyttig_quarantine_dropped_total", (("reason", "unknown_device"), ("dialect", "nyttig"))): 0,
    }
    assert {name: samples.pop(name) for name in exact} == exact
    assert 5 <= samples.pop(("nyttig_canary_age_seconds", ())) < 20
    assert 0 <= samples.pop(("nyttig_ingest_last_commit_age_seconds", ours)) < 20
    assert samples == {}
    assert {name for name, kind in kinds.items() if kind == "counter"} == {
        name for name in kinds if name.endswith("_total")
    }


def test_what_is_not_known_is_left_out_instead_of_zero(embedded_database: Database) -> None:
    with serving(embedded_database.conninfo) as client:
        samples, _ = parsed(client.get("/metrics").text)
    assert samples == {("nyttig_database_up", ()): 1, ("nyttig_rollup_marks_waiting", ()): 0}


def test_a_database_that_is_not_ours_shows_in_the_metrics(embedded_database: Database) -> None:
    with db.connect(embedded_database.conninfo) as connection:
        connection.execute("UPDATE schema_steps SET number = number + 100")
    with serving(embedded_database.conninfo) as client:
        response = client.get("/metrics")
    assert response.status_code == 200
    assert parsed(response.text)[0] == {("nyttig_database_up", ()): 0}


@given(st.text(), st.text(), st.floats(allow_nan=False, allow_infinity=False))
def test_no_client_id_breaks_the_format(one: str, other: str, value: float) -> None:
    labels = {"client_id": one, "reason": other}
    samples, kinds = parsed(rendered([Metric("nyttig_x_seconds", "gauge", "A thing.", [(labels, value)])]))
    assert samples == {("nyttig_x_seconds", tuple(labels.items())): value}
    assert kinds == {"nyttig_x_seconds": "gauge"}
