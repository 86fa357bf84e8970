"""The example trials, read over HTTP from the idea to the decision as somebody who knows none of it would read them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import PROJECT, Database, DatabaseServer
from serving import ALNA, GAMLE_OSLO, ODENSE, TRIALS, USE_OF, serving
from told import Told, beats, save, tell, uses

from api import deps
from nyttig.export import export
from nyttig.load import load
from nyttig.model import TrialPackage
from nyttig.package.read import read
from nyttig.package.shift import shift
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db

AS_OF = datetime(2026, 11, 22, 12, tzinfo=UTC)
PARTS = (
    "report",
    "benefit",
    "life",
    "life/phases/main_project/report",
    "safety",
    "registrations",
    "questionnaires",
)
TIMEOUT = httpx.Timeout(120)


def example(name: str) -> TrialPackage:
    return read(PROJECT / "examples" / name, builtin_technologies())


def said(package: TrialPackage) -> Iterator[Told]:
    """Each primary device is heard every second hour from its first day on, and used on four days of five."""
    chance = random.Random(1905)
    primary = {device.device for device in package.devices if device.role == "primary"}
    for placement in package.placements:
        if placement.device not in primary:
            continue
        until = min(placement.removed_at or AS_OF, AS_OF)
        yield from beats(placement.device, placement.placed_at, until, timedelta(hours=2))
        days = (until - placement.placed_at).days
        mornings = [placement.placed_at + timedelta(days=day, hours=1) for day in range(1, days)]
        used = [each for each in mornings if chance.random() < 0.8]
        yield from uses(placement.device, *used, kind=USE_OF[package.trial.technology])


@pytest.fixture(scope="module")
def filled(embedded_server: DatabaseServer) -> Iterator[Database]:
    with embedded_server.fresh_database() as database:
        with db.connect(database.conninfo) as connection:
            heard: list[Told] = []
            for name in TRIALS:
                package = example(name)
                save(connection, package)
                heard += said(package)
            tell(connection, heard)
        yield database


@pytest.fixture(scope="module")
def api(filled: Database) -> Iterator[httpx.Client]:
    with serving(filled.conninfo, {deps.now: lambda: AS_OF}) as client:
        client.timeout = TIMEOUT
        yield client


def told(api: httpx.Client, path: str) -> dict[str, Any]:
    answer = api.get(f"/v1/{path}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def outcomes(life: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Each gate's outcome and reason; of what is new in several units, the first."""
    gates = life["gates"]
    return {
        name: (gate["outcome"], gate["reason"])
        for name, gate in (
            ("new", gates["new"][0]),
            ("useful", gates["useful"]),
            ("put_to_use", gates["put_to_use"]),
        )
    }


def phases(life: dict[str, Any]) -> dict[str, tuple[str, list[str]]]:
    """What each phase is, and what was decided in it."""
    return {
        each["phase"]: (each["state"], [taken["decision"]["decision"] for taken in each["decisions"]])
        for each in life["phases"]
    }


# Alna: from an idea to the line


def test_the_dispenser_began_as_a_nurse_s_idea_that_five_voted_for(api: httpx.Client) -> None:
    (idea,) = told(api, f"trials/{ALNA}/life")["ideas"]
    assert (idea["idea"]["raised_by"], idea["idea"]["status"], idea["votes"]) == (
        "Hjemmesykepleier",
        "trial",
        5,
    )
    ideas = told(api, "entries?kind=idea")["entries"]
    assert idea["entry"] in {each["entry"] for each in ideas}


def test_the_dispenser_went_through_every_phase_within_its_budget(api: httpx.Client) -> None:
    life = told(api, f"trials/{ALNA}/life")
    assert phases(life) == {
        "idea": ("past", ["go_on"]),
        "pre_study": ("past", ["go_on"]),
        "pre_project": ("past", ["go_on"]),
        "main_project": ("past", ["put_to_use"]),
        "operation": ("current", []),
    }
    for each in life["phases"]:
        assert each["owner"], each["phase"]
        assert each["effect_goals"], each["phase"]
        assert each["result_goals"], each["phase"]
        assert not each["over_budget"], each["phase"]
        assert all(one["decision"]["reason"] for one in each["decisions"])
        assert all(one["decision"]["decided_by"] for one in each["decisions"])
    assert life["budget"] > life["spent"] > 0
    rounds = [(each["cycle"]["number"], each["phase"], each["missing"]) for each in life["cycles"]]
    assert rounds == [
        (1, "pre_study", []),
        (2, "pre_study", []),
        (3, "pre_project", []),
        (4, "pre_project", []),
    ]
    assert life["cycles"][0]["cycle"]["devices"] == 0, "a test can be a question"


@pytest.mark.parametrize("phase", ["pre_study", "pre_project", "main_project"])
def test_each_phase_of_the_dispenser_has_a_report_with_goals_money_and_a_decision(
    api: httpx.Client, phase: str
) -> None:
    found = told(api, f"trials/{ALNA}/life/phases/{phase}/report")
    assert found["phase"]["result_goals"]
    assert sum(each["amount"] for each in found["payments"]) == found["phase"]["spent"] > 0
    assert len(found["phase"]["decisions"]) == 1
    assert bool(found["cycles"]) == (phase != "main_project")


def test_the_dispenser_passes_all_three_gates_each_with_its_reason(api: httpx.Client) -> None:
    life = told(api, f"trials/{ALNA}/life")
    assert outcomes(life) == {
        "new": ("passed", "first_in_unit"),
        "useful": ("passed", "gain_shown"),
        "put_to_use": ("passed", "in_daily_use"),
    }
    assert life["handover"]["left"] == []
    maintenance = life["maintenance"]
    assert (maintenance["state"], maintenance["due_on"]) == ("ahead", "2027-05-20")


def test_the_dispenser_s_gains_were_fixed_before_it_began_and_a_later_change_is_seen(
    api: httpx.Client,
) -> None:
    gains = {each["figures"]["id"]: each for each in told(api, f"trials/{ALNA}/benefit")["gains"]}
    assert list(gains) == ["visit-minutes", "right-medicine", "wellbeing", "driving"]
    assert {each["fixed_at"][:10] for each in gains.values() if each["figures"]["planned"]} == {"2026-08-20"}
    assert gains["driving"]["fixed_at"][:10] == gains["driving"]["figures"]["found_on"]
    (late,) = gains["visit-minutes"]["late_changes"]
    assert (late["changed_at"][:10], late["fields"]) == ("2026-10-05", ["target"])
    assert [each["late_changes"] for name, each in gains.items() if name != "visit-minutes"] == [[]] * 3


def test_the_dispenser_s_gains_carry_baseline_interval_and_level(api: httpx.Client) -> None:
    found = told(api, f"trials/{ALNA}/benefit")
    assert found["start_waits_for"] == []
    for gain in found["gains"]:
        figures = gain["figures"]
        change = figures["change"]
        assert figures["baseline"]["kind"] == "measured"
        assert figures["owner"]
        assert change["low"] < change["estimate"] < change["high"]
        assert (change["level"], change["n"] >= 5, bool(change["assumptions"])) == (1, True, True)
        assert {each["unit"] for each in gain["pooled"]["units"]} == {"Bydel Alna", "Bydel Gamle Oslo"}
    assert len(found["harms"]) == 2
    assert found["adverse"]["events"] == 2
    assert found["net_minutes"]["new_work_minutes"] > 0, "what the dispenser itself asks for is counted"


def test_the_dispenser_s_money_names_what_it_rests_on_and_keeps_what_was_judged_apart(
    api: httpx.Client,
) -> None:
    money = told(api, f"trials/{ALNA}/benefit")["money"]
    assert {each["name"] for each in money["assumed"] if each["entered"]} == {
        "discount_rate",
        "horizon_years",
        "homes_in_operation",
    }
    assert money["time"]["granted_minutes_per_week"] == 90
    assert [each["unit_of_measure"] for each in money["assessed"]] == ["døgn i året"]


def test_words_that_are_not_for_everyone_are_kept_back(api: httpx.Client) -> None:
    found = told(api, f"trials/{ALNA}/benefit")
    assert (len(found["feedback"]), found["feedback_kept_back"]) == (3, 1)
    assert "savner" not in str(found["feedback"])


def test_what_the_dispenser_s_coordinator_has_to_do_is_due(api: httpx.Client) -> None:
    safety = told(api, f"trials/{ALNA}/safety")
    due = {each["home"]: [one["kind"] for one in each["due"]] for each in safety["homes"] if each["due"]}
    entered = {home: [kind for kind in kinds if kind != "doses_missed"] for home, kinds in due.items()}
    assert entered["go-019"] == ["not_assessed"]
    assert entered["alna-017"] == ["assess_again"]
    assert entered["go-008"] == ["not_trained"]
    assert safety["adverse_open"] == 0


def test_where_a_dispenser_was_opened_once_a_day_at_most_the_other_doses_are_to_be_followed_up(
    api: httpx.Client,
) -> None:
    """What `said` makes up is no example of care: of two or three doses a day one is taken, on four days of five."""
    safety = told(api, f"trials/{ALNA}/safety")
    planned = {each.home for each in example(ALNA).schedules}
    for home in safety["homes"]:
        assert (home["doses"] is not None) == (home["home"] in planned), home["home"]
        due = [point for point in home["due"] if point["kind"] == "doses_missed"]
        if home["doses"] is None or home["device_first"]:
            assert due == [], home["home"]
        elif due:
            assert 3 <= due[0]["count"] <= home["doses"]["missed"], home["home"]
    assert safety["doses"]["missed"] > safety["doses"]["done"]["count"] > 0
    assert told(api, f"trials/{ODENSE}/safety")["doses"] is None


def test_staff_answered_before_and_after_the_dispenser_came(api: httpx.Client) -> None:
    found = told(api, f"trials/{ALNA}/questionnaires")
    (own,) = [each for each in found["questionnaires"] if each["title"]]
    assert (own["key"], own["items"], own["answered_by"]) == ("ansatte", 4, "staff")
    periods = [each["period"] for each in found["answers"] if each["instrument"] == "ansatte"]
    assert periods.count("before") == periods.count("after") >= 5


# Odense: from the demo apartment to a decision to adjust


def test_the_toilet_was_seen_in_the_demo_apartment_asked_for_and_tried(api: httpx.Client) -> None:
    board = told(api, "demo-sites/teknologi-til-lejligheden")
    assert (board["visits"], board["visitors"], board["cancelled"]) == (6, 70, 1)
    (toilet,) = [each for each in board["technologies"] if each["technology"] == "wash_dry_toilet"]
    assert (toilet["enquiries"], toilet["became_trial"], toilet["open"]) == (2, 1, 1)
    assert [each["visit"]["visited_on"] for each in board["to_come"]] == ["2026-12-03"]


def test_the_toilet_gives_something_and_is_adjusted_not_handed_over(api: httpx.Client) -> None:
    life = told(api, f"trials/{ODENSE}/life")
    assert phases(life)["main_project"] == ("current", ["adjust"])
    assert phases(life)["operation"] == ("ahead", [])
    assert outcomes(life)["useful"] == ("passed", "gain_shown")
    assert outcomes(life)["put_to_use"] == ("not_passed", "not_handed_over")
    assert life["gates"]["useful"]["shown"]["gains_uncertain"] == ["dignity"]
    benefit = told(api, f"trials/{ODENSE}/benefit")
    assert {each["harm"]["severity"] for each in benefit["harms"]} == {"minor", "moderate"}


def test_the_toilet_s_staff_registered_their_work_and_it_shows_where_they_did_not(api: httpx.Client) -> None:
    found = told(api, f"trials/{ODENSE}/benefit")
    assert found["forms_before"]["total"]["ratio"] > found["forms_after"]["total"]["ratio"] > 0.8
    assert any(each["uncertain"] for each in found["forms_after"]["by_shift"])


# The stove guard: under way


def test_the_stove_guard_is_under_way_and_nobody_has_decided_yet(api: httpx.Client) -> None:
    life = told(api, f"trials/{GAMLE_OSLO}/life")
    assert life["current"] == "main_project"
    assert phases(life)["idea"] == ("left_out", [])
    assert outcomes(life)["put_to_use"] == ("not_passed", "not_handed_over")


# The programme


def test_oslo_s_programme_holds_two_trials_and_says_where_the_dispenser_went_next(api: httpx.Client) -> None:
    found = told(api, "programmes/Oslo+")
    assert [(each["trial"]["id"], each["phase"]) for each in found["trials"]] == [
        (ALNA, "operation"),
        (GAMLE_OSLO, "main_project"),
    ]
    assert {each["gate"]: (each["passed"], each["of"]) for each in found["gates"]} == {
        "new": (2, 2),
        "useful": (2, 2),
        "put_to_use": (1, 2),
    }
    spread = {each["transfer"]["receiving_unit"]: each["transfer"]["status"] for each in found["transfers"]}
    assert spread == {"Bydel Grünerløkka": "considered", "Bydel Gamle Oslo": "in_use"}


# Elsewhere


def test_the_examples_say_the_same_of_their_life_and_benefit_in_another_system(
    api: httpx.Client, filled: Database, embedded_server: DatabaseServer, tmp_path: Path
) -> None:
    with db.connect(filled.conninfo) as connection:
        for name in TRIALS:
            export(connection, name, tmp_path / name, formats=("csv",), now=AS_OF)
    with embedded_server.fresh_database() as other:
        with db.connect(other.conninfo) as connection:
            for name in TRIALS:
                load(connection, tmp_path / name, builtin_technologies())
        with serving(other.conninfo, {deps.now: lambda: AS_OF}) as elsewhere:
            elsewhere.timeout = TIMEOUT
            for path in (
                *(f"trials/{name}/{part}" for name in TRIALS for part in PARTS),
                "programmes/Oslo+",
                "demo-sites/teknologi-til-lejligheden",
            ):
                assert told(elsewhere, path) == told(api, path), path


def test_an_example_that_is_moved_in_time_keeps_its_story_together() -> None:
    package = example(ALNA)
    moved = shift(package, 364)
    assert [each.data for each in moved.versions if each.version == 2] == [moved.trial.gains[0]]
    assert moved.versions[0].entered_at == datetime(2027, 8, 19, 8, tzinfo=UTC)
    phases_of = [each.data for each in moved.entries if each.kind == "phase"]
    assert phases_of[3].starts_on == moved.trial.starts
