"""Over HTTP a coordinator enters what a trial gave, changes it, takes it back, and sees who said what when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest
from conftest import Database
from packages import one_home
from serving import serving

from nyttig.model import Gain
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, registry

GAIN = Gain("time", "Fewer visits", "time", "organisation", "visit_minutes_per_week", "lower", -30.0)
HARM = {
    "title": "Fell over the cable",
    "perspective": "citizen",
    "severity": "minor",
    "seen_on": "2026-09-20",
}


@pytest.fixture
def api(embedded_database: Database) -> Iterator[httpx.Client]:
    package = one_home("medicine_dispenser")
    with db.connect(embedded_database.conninfo) as session:
        registry.save(
            session, replace(package, trial=replace(package.trial, gains=(GAIN,))), builtin_technologies()
        )
        session.commit()
    with serving(embedded_database.conninfo) as client:
        yield client


@pytest.fixture
def trial() -> str:
    return one_home("medicine_dispenser").trial.id


def test_a_harm_is_entered_changed_taken_back_and_brought_back(api: httpx.Client, trial: str) -> None:
    entered = api.post(f"/v1/trials/{trial}/entries/harm", json=HARM)
    assert entered.status_code == 200, entered.text
    entry = entered.json()["entry"]
    worse = {**HARM, "severity": "serious"}
    changed = api.put(f"/v1/entries/{entry}", params={"version": 1}, json=worse)
    assert changed.json()["data"] == worse
    assert api.put(f"/v1/entries/{entry}", params={"version": 1}, json=HARM).status_code == 409
    assert api.post(f"/v1/entries/{entry}/withdraw", params={"version": 2}).json()["data"] is None
    assert api.get(f"/v1/trials/{trial}/entries", params={"kind": "harm"}).json()["entries"] == []
    assert api.post(f"/v1/entries/{entry}/undo", params={"version": 3}).json()["data"] == worse
    told = api.get(f"/v1/entries/{entry}/versions").json()["versions"]
    assert [each["data"] for each in told] == [HARM, worse, None, worse]
    assert {each["entered_by"] for each in told} == {"local"}


def test_a_gain_that_is_entered_stands_in_the_report_at_once(api: httpx.Client, trial: str) -> None:
    assert len(api.get(f"/v1/trials/{trial}/report").json()["gains"]) == 1
    given = {"id": "calm", "title": "Calmer nights", "type": "quality", "perspective": "citizen"}
    answer = api.post(
        f"/v1/trials/{trial}/entries/gain", json={**given, "indicator": "who5", "better": "higher"}
    )
    assert answer.status_code == 200, answer.text
    assert [gain["id"] for gain in api.get(f"/v1/trials/{trial}/report").json()["gains"]] == ["time", "calm"]


def test_what_cannot_be_so_is_answered_by_field_value_and_remedy(api: httpx.Client, trial: str) -> None:
    answer = api.post(
        f"/v1/trials/{trial}/entries/harm", json={**HARM, "seen_on": "20.09.2026", "home": "h9"}
    )
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "seen_on: '20.09.2026' is no date; write year-month-day: 2026-09-20" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/trials/nowhere/entries/harm", 404), ("/v1/entries/harm", 422), ("/v1/entries/harmony", 404)],
)
def test_what_belongs_elsewhere_is_refused(api: httpx.Client, path: str, status: int) -> None:
    answer = api.post(path, json=HARM)
    assert answer.status_code == status, answer.text


def test_an_idea_belongs_to_no_trial(api: httpx.Client) -> None:
    idea = {"title": "Reminders", "need": "Forgets", "raised_by": "home care", "raised_on": "2026-01-05"}
    entry = api.post("/v1/entries/idea", json=idea).json()["entry"]
    assert api.post("/v1/entries/vote", json={"idea": entry, "voter": "nurse"}).status_code == 200
    assert api.post("/v1/entries/vote", json={"idea": "nothing", "voter": "nurse"}).status_code == 422
    found = api.get("/v1/entries", params={"kind": "idea"}).json()["entries"]
    assert [each["data"] for each in found] == [{**idea, "status": "new"}]


def test_the_benefit_as_it_was_known_before_a_harm_was_entered_has_no_harm(
    api: httpx.Client, trial: str
) -> None:
    before = datetime.now(UTC).isoformat()
    assert api.post(f"/v1/trials/{trial}/entries/harm", json=HARM).status_code == 200
    asked = {"as_of": before, "known": "then"}
    assert api.get(f"/v1/trials/{trial}/benefit", params=asked).json()["harms"] == []
    (seen,) = api.get(f"/v1/trials/{trial}/benefit").json()["harms"]
    assert seen["harm"]["title"] == HARM["title"]
