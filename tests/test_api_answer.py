"""The HTTP door keeps to what it describes of itself: every answer has its declared shape, and the examples too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from conftest import Database, DatabaseServer
from pydantic import TypeAdapter
from serving import ALNA, beat, fill, quarantined, serving

from api import examples
from api.app import create_app
from api.choices import Choices
from api.entries import Entries, EntryKinds, EntryVersions
from api.explain import DeviceDays, Explanations, RaisedAlarms, ThresholdChanges, TrialPeriods
from api.health import Live, Ready
from api.history import History
from api.placements import DevicePlacements
from api.quarantine import Quarantine
from api.registry import RegisteredDevices
from api.sites import DemoSites
from api.trials import Trials, TrialSummary
from api.visits import VisitImports
from nyttig.benefit import Benefit
from nyttig.calls import CallList
from nyttig.demo_board import DemoBoard
from nyttig.device_record import Answered, DeviceRecord
from nyttig.expected import Registrations
from nyttig.explain import Explanation
from nyttig.health.assess import Health
from nyttig.health.visits import WorkList
from nyttig.life import Life
from nyttig.phase_report import PhaseReport
from nyttig.programmes import ProgrammeReport, Programmes
from nyttig.proposed import Proposals
from nyttig.questionnaires import Questionnaires
from nyttig.report import Report
from nyttig.safety import Safety
from nyttig.store.homes import HomeRecord

MODELS: dict[str, Any] = {
    "/v1/trials": Trials,
    "/v1/trials/{trial_id}": TrialSummary,
    "/v1/trials/{trial_id}/report": Report,
    "/v1/trials/{trial_id}/explain": Explanations,
    "/v1/trials/{trial_id}/explain/{figure}": Explanation,
    "/v1/trials/{trial_id}/days": DeviceDays,
    "/v1/trials/{trial_id}/alarms": RaisedAlarms,
    "/v1/trials/{trial_id}/periods": TrialPeriods,
    "/v1/trials/{trial_id}/threshold-changes": ThresholdChanges,
    "/v1/trials/{trial_id}/calls": CallList,
    "/v1/trials/{trial_id}/homes/{home}": HomeRecord,
    "/v1/trials/{trial_id}/safety": Safety,
    "/v1/trials/{trial_id}/history": History,
    "/v1/trials/{trial_id}/visits/imports": VisitImports,
    "/v1/trials/{trial_id}/entries": Entries,
    "/v1/trials/{trial_id}/registrations": Registrations,
    "/v1/trials/{trial_id}/questionnaires": Questionnaires,
    "/v1/trials/{trial_id}/benefit": Benefit,
    "/v1/trials/{trial_id}/life": Life,
    "/v1/trials/{trial_id}/life/phases/{phase}/report": PhaseReport,
    "/v1/programmes": Programmes,
    "/v1/programmes/{name}": ProgrammeReport,
    "/v1/entries": Entries,
    "/v1/entries/{entry}/versions": EntryVersions,
    "/v1/entry-kinds": EntryKinds,
    "/v1/devices": Health,
    "/v1/devices/{device}": DeviceRecord,
    "/v1/devices/{device}/answers": Answered,
    "/v1/devices/{device}/placements": DevicePlacements,
    "/v1/devices/{device}/history": History,
    "/v1/work": WorkList,
    "/v1/proposals": Proposals,
    "/v1/registry/choices": Choices,
    "/v1/registry/devices": RegisteredDevices,
    "/v1/demo-sites": DemoSites,
    "/v1/demo-sites/{site}": DemoBoard,
    "/v1/quarantine": Quarantine,
    "/v1/health/live": Live,
    "/v1/health/ready": Ready,
}
NOT_JSON = {"/v1/trials/{trial_id}/export", "/metrics", "/v1/labels.pdf", "/v1/registry/template.{kind}"}
ASKED = {"/v1/devices/{device}/answers": {"since": "2026-11-22T08:00:00Z"}}
"""What a path must be asked with."""


@pytest.fixture(scope="module")
def filled(embedded_server: DatabaseServer) -> Iterator[Database]:
    with embedded_server.fresh_database() as database:
        fill(database)
        quarantined(database, "malformed")
        yield database


@pytest.fixture(scope="module")
def api(filled: Database) -> Iterator[httpx.Client]:
    with serving(filled.conninfo) as client:
        yield client


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    description: dict[str, Any] = create_app().openapi()
    return description


def hold(model: Any, content: bytes) -> None:
    """The content is what the model says: nothing wrong, nothing missing, and nothing besides."""
    adapter = TypeAdapter(model)
    read = adapter.validate_json(content, strict=True)
    assert names(json.loads(content)) == names(json.loads(adapter.dump_json(read)))


def names(content: Any) -> Any:
    """The content with every value left out."""
    if isinstance(content, dict):
        return {name: names(value) for name, value in content.items()}
    return [names(value) for value in content] if isinstance(content, list) else None


def test_everything_that_can_be_read_is_in_these_tests(described: dict[str, Any]) -> None:
    read = {path for path, operations in described["paths"].items() if "get" in operations}
    assert read == MODELS.keys() | NOT_JSON


@pytest.mark.parametrize("path", MODELS)
def test_every_answer_has_its_declared_shape(api: httpx.Client, filled: Database, path: str) -> None:
    beat(filled)
    home = api.get(f"/v1/trials/{ALNA}/report").json()["homes"][0]["home"]
    entry = api.get(f"/v1/trials/{ALNA}/entries").json()["entries"][0]["entry"]
    site = api.get("/v1/demo-sites").json()["sites"][0]["site"]
    named = path.format(
        trial_id=ALNA, device="md-101", figure="use_day_rate", home=home, entry=entry, phase="idea", site=site,
        name="Oslo%2B",
    )  # fmt: skip
    response = api.get(named, params=ASKED.get(path))
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    hold(MODELS[path], response.content)


def test_not_ready_has_the_shape_of_ready(embedded_database: Database) -> None:
    with serving(embedded_database.conninfo) as client:
        response = client.get("/v1/health/ready")
        assert response.status_code == 503
        hold(Ready, response.content)


def test_every_operation_says_what_it_is_and_names_the_shape_of_its_answer(
    described: dict[str, Any],
) -> None:
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], path
            assert operation["description"].endswith("."), path
            if path not in NOT_JSON:
                schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
                assert schema.keys() == {"$ref"}, path
                if method == "get":
                    name = schema["$ref"].removeprefix("#/components/schemas/")
                    assert name == MODELS[path].__name__, path


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("/v1/trials", examples.TRIALS),
        ("/v1/devices", examples.DEVICES),
        ("/v1/health/ready", examples.READY),
    ],
)
def test_the_examples_have_the_shape_that_they_explain(
    described: dict[str, Any], path: str, given: dict[str, Any]
) -> None:
    example = given["content"]["application/json"]["example"]
    hold(MODELS[path], json.dumps(example).encode())
    content = described["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
    assert content["example"] == without_nulls(example)  # FastAPI leaves them out of what it publishes


def without_nulls(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: without_nulls(value) for name, value in content.items() if value is not None}
    return [without_nulls(value) for value in content] if isinstance(content, list) else content


def test_the_description_is_served_where_the_contract_says(
    api: httpx.Client, described: dict[str, Any]
) -> None:
    assert api.get("/openapi.json").json() == described
    assert api.get("/docs").status_code == 200
