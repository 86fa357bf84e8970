"""Reports are kept for a moment; one that takes long is shown a little old while a newer one is worked out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from conftest import Database, DatabaseServer
from serving import ALNA, fill

from api import reports as room
from api.reports import Reports
from nyttig.report import Report
from nyttig.store import db


@pytest.fixture(scope="module")
def filled(embedded_server: DatabaseServer) -> Iterator[Database]:
    with embedded_server.fresh_database() as database:
        fill(database)
        yield database


@pytest.fixture
def reports(filled: Database) -> Iterator[Reports]:
    pool = db.open_pool(filled.conninfo)
    made = Reports(pool)
    yield made
    made.close()
    pool.close()


def now() -> datetime:
    return datetime.now(UTC)


def until(done: object) -> None:
    deadline = time.monotonic() + 60
    while not done():  # type: ignore[operator]  # a condition
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_report_is_worked_out_once_for_all_who_ask_within_seconds(
    reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "KEPT_SECONDS", 3600.0)
    assert reports.current(ALNA, now()) is reports.current(ALNA, now())


def test_a_dear_report_is_given_while_a_newer_one_is_worked_out_with_all_that_was_asked_of_it(
    reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "KEPT_SECONDS", 0.0)
    monkeypatch.setattr(room, "RENEWED_PART", 1e9)
    monkeypatch.setattr(room, "STALE_SECONDS", 3600.0)
    asked: list[Report] = []
    kept = reports.kept(ALNA, now(), dear_seconds=0.0)
    kept.json("homes", lambda report: asked.append(report) or len(report.homes))
    until(lambda: reports.kept(ALNA, now(), dear_seconds=0.0) is not kept)
    newer = reports.kept(ALNA, now(), dear_seconds=0.0)
    assert newer.report.as_of > kept.report.as_of
    assert newer.report in asked
    assert newer.json("homes", lambda _: pytest.fail("it was worked out already")) == b"2"


def test_one_that_is_quickly_worked_out_is_never_shown_older_than_seconds(
    reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "KEPT_SECONDS", 0.0)
    first = reports.kept(ALNA, now(), dear_seconds=3600.0)
    assert reports.kept(ALNA, now(), dear_seconds=3600.0).report.as_of > first.report.as_of


def test_a_trial_that_somebody_has_changed_is_worked_out_anew_at_once(reports: Reports) -> None:
    first = reports.current(ALNA, now())
    reports.forget(ALNA)
    assert reports.current(ALNA, now()) is not first


def test_an_answer_that_failed_is_asked_again(reports: Reports) -> None:
    kept = reports.kept(ALNA, now())
    with pytest.raises(ZeroDivisionError):
        kept.json("half", lambda _: 1 // 0)
    assert kept.json("half", lambda _: 1) == b"1"
