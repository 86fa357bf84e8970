"""Doses that nobody took are followed up in the safety of homes: what was seen to be missed, and never what nobody saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import httpx
import pytest
from conftest import DatabaseServer
from figures_hours import oslo
from hypothesis import given, settings
from hypothesis import strategies as st
from packages import one_home
from sample_report import make_report, share
from serving import serving, take_everything_back
from told import Told, beats, save, tell, uses

from api.deps import now
from nyttig.entries.people import Suitability
from nyttig.figures.participation import Participation
from nyttig.model import Entry, Home, Pause, Schedule
from nyttig.package.technologies import builtin_technologies
from nyttig.safety import RULES, HomeSafety, safety_of
from nyttig.schedules import HomeParticipation
from nyttig.store import db, platform

NOW = oslo("2026-09-21T12:00")
TODAY = date(2026, 9, 21)
BEGAN = oslo("2026-09-01")
LATELY = [TODAY - timedelta(days=ago) for ago in range(20, -1, -1)]
"""Due at eight in the morning and at eight in the evening since 1 September: 41 doses up to now."""

(RULE,) = [rule for rule in RULES if rule.kind == "doses_missed"]


def taken(device: str, *missed: str) -> Iterator[Told]:
    """Every dose is taken five minutes after it was due, but those of `missed`: a day, or a day and m or e."""
    for day in LATELY:
        for half, hour in (("m", "08:05"), ("e", "20:05")):
            at = oslo(f"{day.isoformat()}T{hour}")
            if at < NOW and not {day.isoformat()[5:], f"{day.isoformat()[5:]}{half}"} & set(missed):
                yield from uses(device, at)


@pytest.fixture(scope="module")
def server(embedded_server: DatabaseServer) -> Iterator[httpx.Client]:
    """h1 missed four doses of the last week, h2 two. h3 took none of five, but its device was silent. h4 missed five, and
    its device is silent now. h5 missed five in a pause. h6 has no plan. A home's first two weeks, which no figure of the
    trial counts, count here."""
    package = one_home("medicine_dispenser", homes=6)
    planned = [home.home for home in package.homes[:5]]
    parameters = replace(package.trial.parameters, ramp_in_days=14)
    package = replace(
        package,
        trial=replace(package.trial, parameters=parameters),
        schedules=tuple(Schedule(home, time(hour)) for home in planned for hour in (8, 20)),
        pauses=(Pause("h5", oslo("2026-09-16"), oslo("2026-09-19"), "away"),),
    )
    with embedded_server.fresh_database() as filled:
        with db.connect(filled.conninfo) as connection:
            save(connection, package)
            tell(
                connection,
                *(beats(f"d{n}", BEGAN, NOW) for n in (1, 2, 5, 6)),
                beats("d3", BEGAN, oslo("2026-09-16")),
                beats("d3", oslo("2026-09-19"), NOW),
                beats("d4", BEGAN, oslo("2026-09-20T21:00")),
                taken("d1", "09-02", "09-16m", "09-18", "09-20e"),
                taken("d2", "09-12", "09-13", "09-17m", "09-19e"),
                taken("d3", "09-16", "09-17", "09-18"),
                taken("d4", "09-16m", "09-17", "09-18", "09-20e", "09-21"),
                taken("d5", "09-16", "09-17", "09-18"),
            )
            platform.started(connection, "nyttig-ingest", BEGAN)
            platform.beat(connection, "nyttig-ingest", NOW, connected=True)
            connection.commit()
        with serving(filled.conninfo, {now: lambda: NOW}) as client:
            client.timeout = httpx.Timeout(60)
            yield client


@pytest.fixture
def api(server: httpx.Client) -> Iterator[httpx.Client]:
    """What a test enters is taken back after it."""
    yield server
    take_everything_back(server)


def safety(api: httpx.Client) -> dict[str, Any]:
    answer = api.get("/v1/trials/trial/safety")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def home_of(told: dict[str, Any], code: str) -> dict[str, Any]:
    (found,) = [each for each in told["homes"] if each["home"] == code]
    return dict(found)


def doses_due(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        home["home"]: point
        for home in told["homes"]
        for point in home["due"]
        if point["kind"] == "doses_missed"
    }


def assess(api: httpx.Client, home: str, on: str) -> None:
    values = {"home": home, "assessed_on": on, "outcome": "suitable", "assessed_by": "Nurse"}
    api.post("/v1/trials/trial/entries/suitability", json=values).raise_for_status()


def test_three_doses_missed_in_a_week_are_due_in_that_home_alone(api: httpx.Client) -> None:
    told = safety(api)
    assert set(doses_due(told)) == {"h1"}
    point = doses_due(told)["h1"]
    assert (point["count"], point["of_days"]) == (4, 7)
    assert (point["since"], point["days"]) == ("2026-09-18", 3), "with that evening's dose it was the third"
    rule = next(rule for rule in told["rules"] if rule["kind"] == "doses_missed")
    assert (rule["days"], rule["least"], rule["source"]) == (7, 3, "nyttig")
    kinds = [each["kind"] for each in home_of(told, "h1")["due"]]
    assert kinds.index("doses_missed") < kinds.index("not_assessed")


def test_what_became_of_a_homes_doses_is_told_of_28_days_with_how_many_that_is_known_of(
    api: httpx.Client,
) -> None:
    told = safety(api)
    doses = home_of(told, "h1")["doses"]
    assert (doses["done"]["count"], doses["done"]["of"], doses["missed"], doses["unknown"]) == (35, 41, 6, 0)
    assert told["dose_days"] == 28
    assert told["in_use"] == 6
    assert home_of(told, "h6")["doses"] is None, "nothing is planned there"
    assert told["doses"]["done"]["of"] == sum(
        home_of(told, f"h{n}")["doses"]["done"]["of"] for n in range(1, 6)
    )


def test_a_dose_that_nobody_could_have_seen_missed_is_unknown_and_never_due(api: httpx.Client) -> None:
    doses = home_of(safety(api), "h3")["doses"]
    assert (doses["missed"], doses["unknown"], doses["done"]["of"]) == (0, 6, 35)


def test_a_dose_in_a_pause_is_excused(api: httpx.Client) -> None:
    doses = home_of(safety(api), "h5")["doses"]
    assert (doses["missed"], doses["excused"]) == (0, 6)


def test_where_the_device_has_a_fault_it_comes_first(api: httpx.Client) -> None:
    home = home_of(safety(api), "h4")
    assert home["doses"]["missed"] >= 5
    assert "h4" not in doses_due(safety(api))
    assert home["device_first"] == ["silent"]
    assert home_of(safety(api), "h2")["device_first"] == []


def test_an_assessment_settles_what_was_missed_up_to_its_day_and_no_more(api: httpx.Client) -> None:
    assess(api, "h1", "2026-09-15")
    assert doses_due(safety(api))["h1"]["count"] == 4
    assess(api, "h1", "2026-09-16")
    assert (doses_due(safety(api))["h1"]["count"], doses_due(safety(api))["h1"]["since"]) == (3, "2026-09-20")
    assess(api, "h1", "2026-09-18")
    assert doses_due(safety(api)) == {}
    assert home_of(safety(api), "h1")["doses"]["missed"] == 6, "missed they were all the same"


# Whatever was missed

REPORT = make_report("t", "T", "medicine_dispenser", "scheduled", homes=2)
AT = datetime(2026, 11, 22, 8, 15, tzinfo=UTC)
ON = AT.date()
dates = st.integers(0, 27).map(lambda ago: ON - timedelta(days=ago))


def judged(
    missed: list[date], assessed: date | None = None, faulty: tuple[str, ...] = (), unknown: int = 0
) -> HomeSafety:
    """The safety of one home that missed these doses."""
    assert REPORT.participation is not None
    lately = Participation(share(56 - len(missed), 56), 0, len(missed), unknown, 0, 0)
    told = HomeParticipation("h", "Alna", lately, lately, tuple(sorted(missed)))
    report = replace(REPORT, participation=replace(REPORT.participation, homes=(told,)))
    assessments = [
        Suitability(home="h", assessed_on=day, outcome="suitable", assessed_by="Nurse")
        for day in [assessed]
        if day is not None
    ]
    package = one_home("medicine_dispenser")
    package = replace(
        package,
        technologies=(builtin_technologies()["medicine_dispenser"],),
        homes=(Home("h", "home", "Alna", None, None, ON - timedelta(days=90)),),
        entries=tuple(Entry("e", 1, "suitability", "t", each, AT, "local") for each in assessments),
    )
    (home,) = safety_of(package, report, {}, AT, {"h": faulty}).homes
    return home


def points(home: HomeSafety) -> list[tuple[date, int, int]]:
    return [(point.since, point.days, point.count) for point in home.due if point.kind == "doses_missed"]


@settings(max_examples=200, deadline=None)
@given(missed=st.lists(dates, max_size=30), assessed=dates | st.none(), unknown=st.integers(0, 50))
def test_doses_are_due_exactly_while_enough_of_a_week_were_seen_to_be_missed(
    missed: list[date], assessed: date | None, unknown: int
) -> None:
    open_on = [day for day in missed if assessed is None or day > assessed]

    def so_many(on: date) -> int:
        return len([day for day in open_on if 0 <= (on - day).days < RULE.days])

    found = points(judged(missed, assessed, unknown=unknown))
    assert bool(found) == (so_many(ON) >= RULE.least)
    for since, days, count in found:
        assert (days, count) == ((ON - since).days, so_many(ON))
        assert all(so_many(since + timedelta(days=n)) >= RULE.least for n in range(days + 1))
        assert so_many(since - timedelta(days=1)) < RULE.least
    assert found == points(judged(missed, assessed)), "unknown doses change nothing"
    assert found == points(judged(missed, assessed, ("battery_low",))), "it says doses all the same"
    broken = judged(missed, assessed, ("lossy",))
    assert points(broken) == []
    assert broken.device_first == (("lossy",) if found else ())


@settings(max_examples=100, deadline=None)
@given(missed=st.lists(dates, max_size=20), one_more=dates)
def test_another_dose_missed_never_makes_less_due(missed: list[date], one_more: date) -> None:
    before, after = points(judged(missed)), points(judged([*missed, one_more]))
    for since, _days, count in before:
        ((later_since, _later_days, later_count),) = after
        assert later_since <= since
        assert later_count >= count


def test_what_is_planned_of_another_technology_is_no_dose() -> None:
    report = make_report("t", "T", "medicine_dispenser", "scheduled", homes=2)
    calls = replace(report, trial=replace(report.trial, technology="video_visit"))
    package = one_home("video_visit")
    package = replace(
        package,
        technologies=(builtin_technologies()["video_visit"],),
        homes=tuple(Home(each.home, "home", "Alna", None, None, ON) for each in report.homes),
    )
    told = safety_of(package, calls, {}, AT)
    assert told.doses is None
    assert {each.doses for each in told.homes} == {None}
