"""Over HTTP a trial is carried from an idea to the line, with what was decided, spent and learned on the way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from conftest import Database, DatabaseServer
from packages import one_home
from serving import serving

from nyttig.model import Gain
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, registry

GAIN = Gain("time", "Fewer visits", "time", "organisation", "visit_minutes_per_week", "lower", -30.0)
TODAY = datetime.now(UTC).date()
IDEA = {
    "title": "Reminders",
    "need": "She forgets her evening pill",
    "raised_by": "Home care",
    "raised_on": "2026-01-05",
}
PLAN = {
    "version": 1,
    "id": "reminders",
    "title": "Reminders in the evening",
    "units": ["Bydel Alna"],
    "technology": "Talking clock",
    "timezone": "Europe/Oslo",
    "currency": "NOK",
    "starts": (TODAY + timedelta(days=90)).isoformat(),
}


def day(ago: int) -> str:
    return (TODAY - timedelta(days=ago)).isoformat()


@pytest.fixture(scope="module")
def filled(embedded_server: DatabaseServer) -> Iterator[Database]:
    with embedded_server.fresh_database() as database:
        yield database


@pytest.fixture(scope="module")
def api(filled: Database) -> Iterator[httpx.Client]:
    with serving(filled.conninfo) as client:
        yield client


@pytest.fixture
def trial(filled: Database, request: pytest.FixtureRequest) -> str:
    """A trial of this test's own, with one planned gain without a baseline and a home that was never heard."""
    name = f"t{abs(hash(request.node.name)) % 10**8}"
    package = one_home("medicine_dispenser", trial=name)
    package = replace(
        package,
        trial=replace(package.trial, gains=(GAIN,), units=(name,), starts=TODAY - timedelta(days=60)),
        homes=tuple(replace(home, home=f"{name}-{home.home}", unit=name) for home in package.homes),
        devices=tuple(replace(device, device=f"{name}-d", address=f"{name}-d") for device in package.devices),
        placements=(),
    )
    with db.connect(filled.conninfo) as session:
        registry.save(session, package, builtin_technologies())
        session.commit()
    return name


def enter(api: httpx.Client, trial: str | None, kind: str, **values: Any) -> dict[str, Any]:
    where = "/v1/entries" if trial is None else f"/v1/trials/{trial}/entries"
    answer = api.post(f"{where}/{kind}", json=values)
    assert answer.status_code == 200, answer.text
    entered: dict[str, Any] = answer.json()
    return entered


def refused(api: httpx.Client, trial: str | None, kind: str, **values: Any) -> str:
    where = "/v1/entries" if trial is None else f"/v1/trials/{trial}/entries"
    answer = api.post(f"{where}/{kind}", json=values)
    assert answer.status_code in (409, 422), answer.text
    return str(answer.json()["detail"])


def life(api: httpx.Client, trial: str) -> dict[str, Any]:
    answer = api.get(f"/v1/trials/{trial}/life")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def phase(told: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in told["phases"] if each["phase"] == name)
    return found


def decide(
    api: httpx.Client, trial: str, ago: int, at: str, what: str, to: str | None = None
) -> dict[str, Any]:
    to_come = {} if to is None else {"next_phase": to}
    return enter(
        api, trial, "decision", decided_on=day(ago), phase=at, decision=what, reason="It works",
        decided_by="Steering group", **to_come,
    )  # fmt: skip


def test_a_trial_of_which_nothing_is_entered_has_a_life_that_says_so(api: httpx.Client, trial: str) -> None:
    told = life(api, trial)
    assert told["current"] is None
    assert [each["state"] for each in told["phases"]] == ["ahead"] * 5
    assert (told["cycles"], told["next_cycle"], told["handover"]) == ([], 1, None)
    assert told["maintenance"]["state"] == "no_day"
    assert told["start_waits_for"] == ["time"]


def test_the_main_project_waits_for_a_baseline_or_a_waiver(api: httpx.Client, trial: str) -> None:
    enter(api, trial, "phase", phase="pre_project", starts_on=day(30))
    for kind, values in (
        ("phase", {"phase": "main_project", "starts_on": day(0)}),
        (
            "decision",
            {
                "decided_on": day(0),
                "phase": "pre_project",
                "decision": "go_on",
                "reason": "Now",
                "decided_by": "Board",
                "next_phase": "main_project",
            },
        ),
    ):
        assert "'Fewer visits' (time)" in refused(api, trial, kind, **values)
    (gain,) = api.get(f"/v1/trials/{trial}/entries", params={"kind": "gain"}).json()["entries"]
    waived = {**gain["data"], "waiver_reason": "Nobody counted before", "waived_by": "Head of home care"}
    api.put(f"/v1/entries/{gain['entry']}", params={"version": 1}, json=waived).raise_for_status()
    decide(api, trial, 0, "pre_project", "go_on", "main_project")
    told = life(api, trial)
    assert (told["current"], told["start_waits_for"]) == ("main_project", [])
    assert phase(told, "idea")["state"] == "left_out"
    assert phase(told, "pre_project")["left_on"] == day(0)


def test_a_phase_tells_its_goals_its_budget_and_what_it_cost(api: httpx.Client, trial: str) -> None:
    enter(
        api, trial, "phase", phase="pre_study", starts_on=day(50), ends_on=day(10), budget=1000.0, owner="Project lead",
        effect_goals="Fewer missed doses\n– Calmer evenings\n\n", result_goals="A report",
    )  # fmt: skip
    for amount in (700.0, 500.0):
        enter(api, trial, "spend", phase="pre_study", spent_on=day(20), item="Travel", amount=amount)
    enter(
        api,
        trial,
        "phase",
        phase="pre_project",
        starts_on=(TODAY + timedelta(days=5)).isoformat(),
        budget=500.0,
    )
    told = life(api, trial)
    study = phase(told, "pre_study")
    assert study["effect_goals"] == ["Fewer missed doses", "Calmer evenings"]
    assert (study["spent"], study["spent_ratio"], study["over_budget"]) == (1200.0, 1.2, True)
    assert (study["state"], study["days_over"]) == ("current", 10)
    assert (phase(told, "pre_project")["state"], phase(told, "pre_project")["budget"]) == ("ahead", 500.0)
    assert (told["budget"], told["spent"]) == (1500.0, 1200.0)


def test_a_round_says_what_is_missing_in_it_and_lies_in_its_phase(api: httpx.Client, trial: str) -> None:
    enter(api, trial, "phase", phase="pre_study", starts_on=day(50))
    enter(api, trial, "phase", phase="pre_project", starts_on=day(20))
    enter(
        api, trial, "cycle", number=1, need="Forgets", solution="A drawing", test="One question", learned="Too small",
        next_step="Larger", starts_on=day(40), people=1, devices=0,
    )  # fmt: skip
    enter(api, trial, "cycle", number=2, need="Sees badly", solution="Large print", starts_on=day(5))
    told = life(api, trial)
    assert [(each["cycle"]["number"], each["phase"], each["missing"]) for each in told["cycles"]] == [
        (1, "pre_study", []),
        (2, "pre_project", ["test", "learned", "next_step"]),
    ]
    assert told["next_cycle"] == 3
    study = api.get(f"/v1/trials/{trial}/life/phases/pre_study/report").json()
    assert [each["cycle"]["number"] for each in study["cycles"]] == [1]


def test_a_phase_that_is_over_is_told_as_of_its_last_day_with_the_decision_at_its_end(
    api: httpx.Client, trial: str
) -> None:
    enter(api, trial, "phase", phase="pre_study", starts_on=day(50))
    decide(api, trial, 20, "pre_study", "go_on", "pre_project")
    enter(api, trial, "spend", phase="pre_study", spent_on=day(30), item="Room", amount=100.0, payer="County")
    enter(api, trial, "spend", phase="pre_study", spent_on=day(29), item="Food", amount=50.0)
    told = api.get(f"/v1/trials/{trial}/life/phases/pre_study/report").json()
    assert (told["from_day"], told["to_day"]) == (day(50), day(21))
    assert [each["decision"]["reason"] for each in told["phase"]["decisions"]] == ["It works"]
    assert [(each["payer"], each["amount"], each["items"]) for each in told["payments"]] == [
        ("", 50.0, ["Food"]),
        ("County", 100.0, ["Room"]),
    ]
    assert told["results"]["homes"] == 1
    assert told["results"]["gains"][0]["change"]["n"] == 0
    assert api.get(f"/v1/trials/{trial}/life/phases/idea/report").json()["results"] is None
    assert api.get(f"/v1/trials/{trial}/life/phases/dream/report").status_code == 404


def test_an_override_stands_beside_the_computed_gate_and_its_past_is_kept(
    api: httpx.Client, trial: str
) -> None:
    before = life(api, trial)["gates"]
    assert (before["useful"]["outcome"], before["useful"]["reason"]) == ("cannot_tell", "nothing_measured")
    held = {"gate": "useful", "passed": True, "by_name": "Kari, ergotherapist", "reason": "Residents say so"}
    entered = enter(api, trial, "gate_override", **held)
    gate = life(api, trial)["gates"]["useful"]
    assert gate["outcome"] == "cannot_tell", "the computed answer stays"
    assert gate["override"] == {"outcome": "passed", "by_name": held["by_name"], "reason": held["reason"]}
    api.post(f"/v1/entries/{entered['entry']}/withdraw", params={"version": 1}).raise_for_status()
    after = life(api, trial)["gates"]
    assert after["useful"]["override"] is None
    assert [(each["gate"], each["passed"]) for each in after["overrides"]] == [
        ("useful", True),
        ("useful", None),
    ]


def test_a_criterion_of_quality_that_is_met_makes_it_useful(api: httpx.Client, trial: str) -> None:
    criterion = enter(api, trial, "criterion", title="Nobody is woken at night")
    gate = life(api, trial)["gates"]["useful"]
    assert gate["shown"]["criteria_open"] == ["Nobody is woken at night"]
    met = {**criterion["data"], "met": True, "judged_by": "Nurse", "judged_on": day(1)}
    api.put(f"/v1/entries/{criterion['entry']}", params={"version": 1}, json=met).raise_for_status()
    gate = life(api, trial)["gates"]["useful"]
    assert (gate["outcome"], gate["reason"]) == ("passed", "quality_met")


def test_the_first_trial_in_a_unit_is_new_and_the_next_one_is_not(
    api: httpx.Client, trial: str, filled: Database
) -> None:
    (gate,) = life(api, trial)["gates"]["new"]
    assert (gate["outcome"], gate["shown"]["unit"]) == ("passed", trial)
    package = one_home("medicine_dispenser", trial=f"{trial}-again")
    package = replace(
        package,
        trial=replace(package.trial, units=(trial, "Elsewhere"), starts=TODAY - timedelta(days=1)),
        homes=(), devices=(), placements=(),
    )  # fmt: skip
    with db.connect(filled.conninfo) as session:
        registry.save(session, package, builtin_technologies())
        session.commit()
    here, elsewhere = life(api, f"{trial}-again")["gates"]["new"]
    assert (here["outcome"], here["shown"]["trials"]) == ("not_passed", [trial])
    assert elsewhere["outcome"] == "passed"
    later = replace(
        package,
        trial=replace(package.trial, id=f"{trial}-later", units=("Elsewhere",), starts=TODAY),
    )
    with db.connect(filled.conninfo) as session:
        registry.save(session, later, builtin_technologies())
        session.commit()
    (gate,) = life(api, f"{trial}-later")["gates"]["new"]
    assert gate["outcome"] == "passed", "a trial that never had a home has tried nothing"


def test_it_is_put_to_use_when_somebody_in_the_line_takes_it_on(api: httpx.Client, trial: str) -> None:
    enter(api, trial, "phase", phase="idea", starts_on=day(50))
    said = refused(
        api, trial, "decision", decided_on=day(0), phase="main_project", decision="put_to_use", reason="Good",
        decided_by="Board",
    )  # fmt: skip
    assert "line_owner" in said
    enter(api, trial, "handover", line_owner="Home care", handed_over_on=day(1), routines_written=True)
    decide(api, trial, 0, "main_project", "put_to_use")
    told = life(api, trial)
    assert told["current"] == "operation"
    assert told["handover"]["done"] == ["routines_written"]
    assert "staff_trained" in told["handover"]["left"]
    assert told["gates"]["put_to_use"]["shown"]["parts"]["handed_over"] == "passed"


@pytest.mark.parametrize(("ago", "state"), [(10, "ahead"), (184 + 10, "under_way"), (184 + 60, "measured")])
def test_it_is_measured_again_six_months_after_the_last_support(
    api: httpx.Client, trial: str, ago: int, state: str
) -> None:
    enter(api, trial, "handover", line_owner="Home care", last_support_on=day(ago))
    told = life(api, trial)["maintenance"]
    assert (told["state"], told["last_support_on"]) == (state, day(ago))
    assert (told["now"] is None) == (state == "ahead")
    assert (told["due_on"] > day(0)) == (state == "ahead")


def test_a_voter_has_one_voice_for_an_idea(api: httpx.Client) -> None:
    idea = enter(api, None, "idea", **IDEA)["entry"]
    vote = enter(api, None, "vote", idea=idea, voter="Nurse")
    assert "one voice each" in refused(api, None, "vote", idea=idea, voter="nurse")
    same = {"idea": idea, "voter": "Night nurse"}
    assert api.put(f"/v1/entries/{vote['entry']}", params={"version": 1}, json=same).status_code == 200
    enter(api, None, "vote", idea=idea, voter="Nurse")


def test_an_idea_becomes_a_trial_without_homes_that_every_page_can_be_asked_for(api: httpx.Client) -> None:
    idea = enter(api, None, "idea", **IDEA)["entry"]
    for voter in ("Nurse", "Resident"):
        enter(api, None, "vote", idea=idea, voter=voter)
    answer = api.post(f"/v1/ideas/{idea}/trial", json=PLAN)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["data"]["status"], answer.json()["data"]["trial"]) == ("trial", "reminders")
    told = life(api, "reminders")
    assert told["current"] == "pre_study"
    assert phase(told, "pre_study")["effect_goals"] == [IDEA["need"]]
    assert [(each["idea"]["title"], each["votes"]) for each in told["ideas"]] == [("Reminders", 2)]
    report = api.get("/v1/trials/reminders/report").json()
    assert report["trial"]["technology_titles"]["en"] == "Talking clock"
    for path in ("", "/calls", "/benefit", "/explain", "/entries", "/life/phases/pre_study/report"):
        assert api.get(f"/v1/trials/reminders{path}").status_code == 200, path
    assert api.get("/v1/trials/reminders/export").status_code == 200

    again = api.post(f"/v1/ideas/{idea}/trial", json={**PLAN, "version": 2, "id": "other"})
    assert again.status_code == 409
    undone = api.post(f"/v1/entries/{idea}/undo", params={"version": 2}).json()["data"]
    assert "trial" not in undone
    assert undone["status"] == "new"
    deadline = time.monotonic() + 60
    while life(api, "reminders")["ideas"]:  # reports are kept for a few seconds
        assert time.monotonic() < deadline, "the empty trial stays, and belongs to no idea"
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("wrong", "said", "status"),
    [
        ({"id": "Not An Id"}, "id: 'Not An Id'", 422),
        ({"timezone": "Oslo"}, "timezone: 'Oslo'", 422),
        ({"currency": "kroner"}, "currency: 'kroner'", 422),
        ({"technology": "?"}, "technology: '?'", 422),
        ({"units": []}, "units", 422),
        ({"version": 7}, "somebody changed this meanwhile", 409),
    ],
)
def test_a_plan_that_cannot_be_makes_no_trial(
    api: httpx.Client, wrong: dict[str, Any], said: str, status: int
) -> None:
    idea = enter(api, None, "idea", **IDEA)["entry"]
    answer = api.post(f"/v1/ideas/{idea}/trial", json={**PLAN, "id": "never", **wrong})
    assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.text
    assert api.get("/v1/trials/never").status_code == 404
    entries = api.get("/v1/entries", params={"kind": "idea"}).json()["entries"]
    assert next(each["version"] for each in entries if each["entry"] == idea) == 1
