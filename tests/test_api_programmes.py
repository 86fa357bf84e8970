"""Over HTTP a programme tells its trials side by side, and whoever asks is told of their own units alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from conftest import PROJECT, Database, DatabaseServer
from serving import ALNA, GAMLE_OSLO, serving

from api.deps import principal
from nyttig.model import Principal, TrialPackage
from nyttig.package.read import read
from nyttig.package.shift import shift
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, registry

SINCE_START_DAYS = 98
SECOND = "dispenser-again"
OWN = Principal("one unit", frozenset({"coordinator"}), frozenset({"Bydel Alna"}))


def example(name: str) -> TrialPackage:
    """An example trial so far back that what was measured after the start is known."""
    package = read(PROJECT / "examples" / name, builtin_technologies())
    wanted = datetime.now(UTC).date() - timedelta(days=SINCE_START_DAYS)
    return shift(package, 7 * ((wanted - package.trial.starts).days // 7))


def again(package: TrialPackage) -> TrialPackage:
    """The same trial in one other unit and other homes, under another name, in a part of the programme."""
    code = "second-{}".format
    return replace(
        package,
        trial=replace(package.trial, id=SECOND, title="Again", units=("Bydel Sagene",), programme="A/B & C"),
        homes=tuple(replace(home, home=code(home.home), unit="Bydel Sagene") for home in package.homes),
        visits=tuple(replace(visit, home=code(visit.home)) for visit in package.visits),
        devices=(), placements=(), measures=(), schedules=(), pauses=(), costs=(), entries=(), units=(),
    )  # fmt: skip


@pytest.fixture(scope="module")
def filled(embedded_server: DatabaseServer) -> Iterator[Database]:
    with embedded_server.fresh_database() as database:
        dispenser = example(ALNA)
        with db.connect(database.conninfo) as session:
            for package in (dispenser, example(GAMLE_OSLO), again(dispenser)):
                registry.save(session, package, builtin_technologies())
            session.commit()
        yield database


@pytest.fixture(scope="module")
def api(filled: Database) -> Iterator[httpx.Client]:
    with serving(filled.conninfo) as client:
        client.post("/v1/entries/programme", json={"name": "A/B & C", "part_of": "Oslo+"}).raise_for_status()
        yield client


def told(api: httpx.Client, name: str = "Oslo%2B") -> dict[str, Any]:
    answer = api.get(f"/v1/programmes/{name}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def pooled(found: dict[str, Any], *trials: str) -> dict[str, Any]:
    """What is told of visit minutes over these trials."""
    (gain,) = (
        each
        for each in found["together"]
        if tuple(each["trials"]) == trials and each["indicator"] == "visit_minutes_per_week"
    )
    assert isinstance(gain, dict)
    return gain


def test_a_database_without_trials_has_no_programmes(embedded_database: Database) -> None:
    with serving(embedded_database.conninfo) as client:
        assert client.get("/v1/programmes").json() == {"programmes": [], "trials_of_none": []}
        answer = client.get("/v1/programmes/Oslo%2B")
        assert answer.status_code == 404
        assert "enter one" in answer.json()["detail"]


def test_programmes_stand_with_their_aims_their_parts_and_their_trials(api: httpx.Client) -> None:
    first, second = api.get("/v1/programmes").json()["programmes"]
    assert (first["name"], first["depth"], first["trials_total"]) == ("Oslo+", 0, 3)
    assert first["aim"].startswith("Økt kvalitet")
    assert (second["name"], second["part_of"], second["trials"]) == ("A/B & C", "Oslo+", [SECOND])


@pytest.mark.parametrize("name", ["A%2FB%20%26%20C", "A/B%20&%20C"])
def test_a_name_may_hold_any_sign(api: httpx.Client, name: str) -> None:
    found = told(api, name)
    assert found["path"] == ["Oslo+"]
    assert [trial["trial"]["id"] for trial in found["trials"]] == [SECOND]


def test_a_programme_that_is_not_there_is_answered_with_those_that_are(api: httpx.Client) -> None:
    answer = api.get("/v1/programmes/Oslo")
    assert answer.status_code == 404
    assert "'Oslo'; programmes: Oslo+, A/B & C" in answer.json()["detail"]


def test_each_trial_tells_what_its_own_pages_tell(api: httpx.Client) -> None:
    found = told(api)
    assert {trial["trial"]["id"] for trial in found["trials"]} == {ALNA, GAMLE_OSLO, SECOND}
    card = next(trial for trial in found["trials"] if trial["trial"]["id"] == ALNA)
    report = api.get(f"/v1/trials/{ALNA}/report").json()
    life = api.get(f"/v1/trials/{ALNA}/life").json()
    assert card["use_day_rate"] == report["use_day_rate"]
    assert card["participation"] == report["participation"]["steady"]
    assert [unit["use_day_rate"] for unit in card["units"]] == [
        unit["use_day_rate"] for unit in report["units"]
    ]
    assert card["phase"] == life["current"]
    assert [(gate["unit"], gate["outcome"]) for gate in card["gates"][:2]] == [
        (gate["shown"]["unit"], gate["outcome"]) for gate in life["gates"]["new"]
    ]
    changes = {gain["figures"]["id"]: gain["figures"]["change"] for gain in benefit(api)["gains"]}
    assert {gain["id"]: gain["change"] for gain in card["gains"]} == changes
    levels = [gain["change"]["level"] for gain in card["gains"]]
    assert levels == sorted(levels, reverse=True), "the best evidenced first"


def benefit(api: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/v1/trials/{ALNA}/benefit").json()
    return found


def test_what_units_show_together_is_what_the_trials_benefit_says(api: httpx.Client) -> None:
    own = next(
        gain["pooled"]
        for gain in benefit(api)["gains"]
        if gain["figures"]["indicator"] == "visit_minutes_per_week"
    )
    assert own["random"] is not None
    found = told(api)
    assert pooled(found, ALNA)["pooled"] == own
    across = pooled(found, ALNA, SECOND)
    assert [unit["unit"] for unit in across["units"]] == ["Bydel Alna", "Bydel Gamle Oslo", "Bydel Sagene"]
    assert across["pooled"]["k"] == 3
    assert across["pooled"]["heterogeneity"] == "poorly_known"


def test_spread_that_is_entered_stands_in_the_programme_at_once(api: httpx.Client) -> None:
    given = {"origin_unit": "Bydel Gamle Oslo", "receiving_unit": "Bydel Frogner", "status": "agreed"}
    entered = api.post(f"/v1/trials/{GAMLE_OSLO}/entries/transfer", json=given)
    assert entered.status_code == 200, entered.text
    found = [each for each in told(api)["transfers"] if each["trial"] == GAMLE_OSLO]
    assert [(each["transfer"]["receiving_unit"], each["technology"]) for each in found] == [
        ("Bydel Frogner", "stove_guard")
    ]


def test_a_changed_aim_is_told_at_once(api: httpx.Client) -> None:
    node = told(api, "A%2FB%20%26%20C")["programme"]
    values = {"name": "A/B & C", "part_of": "Oslo+", "aim": "Nights without visits"}
    asked = {"version": node["version"]}
    api.put(f"/v1/entries/{node['entry']}", params=asked, json=values).raise_for_status()
    assert told(api, "A%2FB%20%26%20C")["programme"]["aim"] == "Nights without visits"


def test_whoever_may_see_one_unit_is_told_of_that_one_alone(filled: Database) -> None:
    with serving(filled.conninfo, {principal: lambda: OWN}) as client:
        found = told(client)
        assert {trial["trial"]["id"] for trial in found["trials"]} == {ALNA, GAMLE_OSLO}
        for trial in found["trials"]:
            assert trial["trial"]["units"] == ["Bydel Alna"]
            assert [unit["unit"] for unit in trial["units"]] == ["Bydel Alna"]
            assert {gate["unit"] for gate in trial["gates"]} == {"Bydel Alna", None}
        assert found["together"] == []
        assert found["transfers"] == []
        assert "Bydel Gamle Oslo" not in client.get("/v1/programmes/Oslo%2B").text
        counts = {
            node["name"]: node["trials_total"] for node in client.get("/v1/programmes").json()["programmes"]
        }
        assert counts["Oslo+"] == 2
