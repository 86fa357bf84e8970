"""Nyttig's figures against what really happened in simulated homes, one trial for each usage class.

The simulators know when each resident used what and when each device was silent. Their messages go through a
real broker and the real ingest; what the report then says of 70 days, across the end of summer time, is held
against that truth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from conftest import PROJECT, DatabaseServer
from whole_way import ingesting, running_mosquitto

from nyttig.evidence import end_of_day
from nyttig.model import TrialPackage
from nyttig.package.read import read
from nyttig.package.technologies import builtin_technologies
from nyttig.report import Report, report
from nyttig.settings import Settings
from nyttig.store import db, ledger, registry, rollups
from simulators.run import run
from simulators.truth import Truth, truths

SEED = 13
"""Of the first fifteen the one with the most silence in all three trials."""

FIRST_DAY, LAST_DAY = date(2026, 8, 24), date(2026, 11, 1)
BEGINS = datetime(2026, 8, 23, 22, 0, tzinfo=UTC)  # local midnight
AS_OF = end_of_day(LAST_DAY, "Europe/Oslo")
OBSERVED_SHARE = 0.8
TOLERANCE_MINUTES = 3 * 60  # three expected intervals
DAY_MINUTES = 24 * 60
POINT_ERROR_MAX = 0.01
CLASSES = {
    "scheduled": "alna-medisindispenser",
    "on_demand": "odense-vaske-toerre-toilet",
    "standby": "gamle-oslo-komfyrvakt",
}
PACKAGES = {
    usage: read(PROJECT / "examples" / name, builtin_technologies()) for usage, name in CLASSES.items()
}


@dataclass(frozen=True)
class Held:
    """A trial, its report, and the truth of its homes' primary devices by home and local day."""

    package: TrialPackage
    report: Report
    truth: dict[tuple[str, date], list[Truth]]


@pytest.fixture(scope="module")
def store(embedded_server: DatabaseServer) -> Iterator[db.Session]:
    """All that the homes of the three examples said in 70 days, sent through Mosquitto."""
    with embedded_server.fresh_database() as database, running_mosquitto() as broker:
        with db.connect(database.conninfo) as connection:
            for package in PACKAGES.values():
                registry.save(connection, package, builtin_technologies())
        with ingesting(database, broker.url) as settle:
            run(
                list(PACKAGES.values()),
                Settings(mqtt_url=broker.url),
                seed=SEED,
                history_from=BEGINS,
                until=AS_OF,
            )
            settle()
        with db.connect(database.conninfo) as connection:
            yield connection


@pytest.fixture(scope="module")
def held(store: db.Session) -> dict[str, Held]:
    """Per usage class the trial with its report and the truth."""
    return {
        usage: Held(package, report(store, package.trial.id, AS_OF), _truth(package))
        for usage, package in PACKAGES.items()
    }


def _truth(package: TrialPackage) -> dict[tuple[str, date], list[Truth]]:
    primary = {device.device for device in package.devices if device.role == "primary"}
    found: dict[tuple[str, date], list[Truth]] = {}
    for each in truths(package, seed=SEED, begins=BEGINS, ends=AS_OF):
        if each.device in primary:
            found.setdefault((each.home, each.day), []).append(each)
    return found


def days(held: Held, states: str) -> Iterator[tuple[str, int, list[Truth]]]:
    """State, uses and truth of every day of a home that the report calls one of `states`."""
    for home in held.report.homes:
        for number, (state, uses) in enumerate(zip(home.states, home.uses, strict=True)):
            if state in states:
                yield state, uses, held.truth[home.home, home.first_day + timedelta(days=number)]


def silent_minutes(truth: list[Truth]) -> float:
    """Minutes of a day in which nothing was heard of a device, beyond the tolerance that each silence is given."""
    return sum(
        ((to - at) / timedelta(minutes=1) - TOLERANCE_MINUTES) for one in truth for at, to in one.silent
    )


@pytest.mark.parametrize("usage", CLASSES)
def test_a_day_of_which_nothing_was_lost_has_exactly_the_uses_that_there_were(
    held: dict[str, Held], usage: str
) -> None:
    whole = [(uses, truth) for _, uses, truth in days(held[usage], "UuN") if not any(t.silent for t in truth)]
    assert len(whole) > 300
    for uses, truth in whole:
        assert uses == sum(len(one.uses) for one in truth), truth


@pytest.mark.parametrize("usage", CLASSES)
def test_a_day_of_which_some_was_lost_has_the_uses_that_were_heard(held: dict[str, Held], usage: str) -> None:
    for _, uses, truth in days(held[usage], "UuNKE"):
        assert uses == sum(len(one.heard_uses) for one in truth), truth


def test_a_dose_that_staff_gave_is_no_use_by_the_citizen(held: dict[str, Held]) -> None:
    given = [
        (state, uses)
        for state, uses, truth in days(held["scheduled"], "UuNKE")
        if any(one.other_uses for one in truth) and not any(one.uses for one in truth)
    ]
    assert given
    assert all(uses == 0 and state in "NKE" for state, uses in given)


@pytest.mark.parametrize("usage", CLASSES)
def test_the_true_use_day_rate_lies_within_the_bounds_and_near_the_point(
    held: dict[str, Held], usage: str
) -> None:
    rate = held[usage].report.use_day_rate_all_days
    counted = [any(one.uses for one in truth) for _, _, truth in days(held[usage], "UuNK")]
    observed = [any(one.uses for one in truth) for _, _, truth in days(held[usage], "UN")]
    assert rate.lower is not None
    assert rate.upper is not None
    assert rate.point is not None
    assert rate.used_observed_days + rate.unused_days == len(observed)
    assert rate.lower <= sum(counted) / len(counted) <= rate.upper
    assert abs(rate.point - sum(observed) / len(observed)) <= POINT_ERROR_MAX


@pytest.mark.parametrize("usage", CLASSES)
def test_a_day_of_silence_is_never_called_unused(held: dict[str, Held], usage: str) -> None:
    too_silent = [
        state
        for state, _, truth in days(held[usage], "UuNKE")
        if silent_minutes(truth) > (1 - OBSERVED_SHARE) * DAY_MINUTES
    ]
    assert too_silent.count("K") >= 2
    assert not set(too_silent) & set("UN")


@pytest.mark.parametrize("usage", CLASSES)
def test_a_day_is_unknown_only_where_something_was_lost(held: dict[str, Held], usage: str) -> None:
    for _, _, truth in days(held[usage], "Ku"):
        assert any(one.silent for one in truth), truth


def test_rollups_and_ledger_say_what_the_events_say(held: dict[str, Held], store: db.Session) -> None:
    assert rollups.differences(store) == []
    assert ledger.differences(store) == []
    row = store.execute("SELECT sum(duplicates_total) > 0, sum(late_total) > 0 FROM ledger").fetchone()
    assert row == (True, True), "the simulated homes sent nothing twice, or nothing late"
