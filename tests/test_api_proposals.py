"""The HTTP door lists what speaks and is not registered, and makes a device of it with one press."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from conftest import Database, DatabaseServer
from ingesting import register
from packages import one_home
from pydantic import TypeAdapter
from serving import serving

from api import examples
from api.deps import principal
from api.proposals import Decided
from nyttig.cli import main
from nyttig.model import Description, Principal
from nyttig.proposed import Proposals
from nyttig.store import db, devices, heard, history, quarantine
from nyttig.store.heard import Heard
from nyttig.store.proposals import Accepted

Z2M = "zigbee2mqtt"
DOOR, PLUG, OLD = "zigbee2mqtt/door", "zigbee2mqtt/plug", "zigbee2mqtt/old"


@contextmanager
def fresh(embedded_server: DatabaseServer) -> Iterator[Database]:
    """A trial with one home; a door sensor heard just now, a plug an hour ago, another device a week ago."""
    now = datetime.now(UTC)
    with embedded_server.fresh_database() as database:
        register(database, one_home("medicine_dispenser"))
        with db.connect(database.conninfo) as connection:
            told = {}
            for address, at, says in (
                (DOOR, now, "contact"),
                (PLUG, now - timedelta(hours=1), "power"),
                (OLD, now - timedelta(days=7), "moon_phase"),
            ):
                one = told[Z2M, address] = Heard(at, at)
                one.spoke(at)
                one.said(says, {"battery_pct": 90})
                one.described(Description(Z2M, address, f"0x{address[-4:]}", "Maker", "Model 1"), "list", at)
            heard.hear(connection, told)
            message = quarantine.Quarantined("unknown_device", "unknown", Z2M, DOOR, b"{}", now, (DOOR,))
            quarantine.add(connection, [message] * 3)
        yield database


@pytest.fixture
def filled(embedded_server: DatabaseServer) -> Iterator[Database]:
    """A database of the test's own."""
    with fresh(embedded_server) as database:
        yield database


@pytest.fixture(scope="module")
def unchanged(embedded_server: DatabaseServer) -> Iterator[httpx.Client]:
    """A client of an API whose database no test changes."""
    with fresh(embedded_server) as database, serving(database.conninfo) as client:
        yield client


@pytest.fixture
def api(filled: Database) -> Iterator[httpx.Client]:
    with serving(filled.conninfo) as client:
        yield client


def listed(api: httpx.Client, **parameters: Any) -> list[str]:
    response = api.get("/v1/proposals", params=parameters)
    assert response.status_code == 200
    return [one["address"] for one in response.json()["proposals"]]


def press(api: httpx.Client, verb: str, address: str = DOOR, **more: Any) -> httpx.Response:
    return api.post(f"/v1/proposals/{verb}", json={"dialect": Z2M, "address": address, **more})


def test_proposals_come_last_heard_first_with_what_each_most_likely_is(unchanged: httpx.Client) -> None:
    answer = unchanged.get("/v1/proposals").json()
    told = [(one["address"], one["suggested_technology"], one["make"]) for one in answer["proposals"]]
    assert told == [(DOOR, "door_sensor", "Maker"), (PLUG, "power_plug", "Maker"), (OLD, None, "Maker")]
    assert (answer["proposals_total"], answer["dropped_total"]) == (3, {})
    assert answer["proposals"][0]["battery_pct"] == 90.0


def test_proposals_are_those_of_a_dialect_and_heard_lately(unchanged: httpx.Client) -> None:
    assert listed(unchanged, dialect="shelly") == []
    assert listed(unchanged, dialect=Z2M, heard_within_minutes=30) == [DOOR]
    assert listed(unchanged, heard_within_minutes=24 * 60) == [DOOR, PLUG]
    assert listed(unchanged, limit=1) == [DOOR]


def test_accepting_makes_a_device_that_stands_in_a_home_and_is_asked_to_be_replayed(
    api: httpx.Client, filled: Database
) -> None:
    response = press(api, "accept", site="h1")
    assert response.status_code == 200
    made = response.json()
    assert made["device"] == "maker-model-1"
    assert (made["technology"], made["heartbeat_minutes"], made["power"]) == ("door_sensor", 60.0, "battery")
    assert (made["site"], made["messages_waiting"]) == ("h1", 3)
    assert datetime.fromisoformat(made["placed_at"]).tzinfo is not None
    assert listed(api) == [PLUG, OLD]
    with db.connect(filled.conninfo) as connection:
        assert devices.one(connection, made["device"]).home == "h1"
        assert {one.changed_by for one in history.entries(connection, device=made["device"])} == {"local"}


def test_what_the_installer_says_counts_more_than_what_is_suggested(api: httpx.Client) -> None:
    placed_at = "2026-11-01T09:00:00+01:00"
    made = press(
        api, "accept", OLD, device="bed-1", technology="bed_sensor", heartbeat_minutes=15, site="h1",
        placed_at=placed_at, trial="trial",
    ).json()  # fmt: skip
    assert (made["device"], made["technology"], made["heartbeat_minutes"]) == ("bed-1", "bed_sensor", 15.0)
    assert datetime.fromisoformat(made["placed_at"]) == datetime.fromisoformat(placed_at)


def test_what_is_dismissed_can_be_restored(api: httpx.Client) -> None:
    assert press(api, "dismiss").json() == {"dialect": Z2M, "address": DOOR, "status": "dismissed"}
    assert listed(api) == [PLUG, OLD]
    assert listed(api, status="dismissed") == [DOOR]
    assert press(api, "restore").json()["status"] == "proposed"
    assert listed(api) == [DOOR, PLUG, OLD]


@pytest.mark.parametrize(
    ("verb", "sent", "status", "said"),
    [
        ("accept", {"address": "nobody"}, 404, "'nobody'"),
        ("dismiss", {"address": "nobody"}, 404, "'nobody'"),
        ("restore", {"address": "nobody"}, 404, "'nobody'"),
        ("accept", {"address": OLD}, 404, "suggests no technology"),
        ("accept", {"site": "h9"}, 404, "'h9'"),
        ("accept", {"technology": "sundial"}, 404, "'sundial'"),
        ("accept", {"trial": "none"}, 404, "'none'"),
        ("accept", {"placed_at": "2026-11-01T09:00:00", "site": "h1"}, 422, "placed_at"),
        ("accept", {"heartbeat_minutes": 0}, 422, "heartbeat_minutes"),
        ("accept", {"device": "a\0b"}, 422, "device"),
        ("accept", {"address": "a\0b"}, 422, "address"),
        ("accept", {"adress": "x"}, 422, "adress"),
    ],
)
def test_a_press_that_cannot_be_followed_is_a_problem_that_names_the_value(
    unchanged: httpx.Client, verb: str, sent: dict[str, Any], status: int, said: str
) -> None:
    response = unchanged.post(f"/v1/proposals/{verb}", json={"dialect": Z2M, "address": DOOR, **sent})
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert said in response.json()["detail"]
    assert listed(unchanged) == [DOOR, PLUG, OLD], "and nothing has changed"


def test_a_code_that_another_device_has_is_refused(unchanged: httpx.Client) -> None:
    response = press(unchanged, "accept", device="d1")
    assert 400 <= response.status_code < 500
    assert "'d1'" in response.json()["detail"]


@pytest.mark.parametrize(
    "wrong", [{"heard_within_minutes": -1}, {"limit": 0}, {"status": "any"}, {"dialect": "\0"}]
)
def test_a_question_that_means_nothing_is_a_problem(unchanged: httpx.Client, wrong: dict[str, Any]) -> None:
    response = unchanged.get("/v1/proposals", params=wrong)
    assert (response.status_code, next(iter(wrong)) in response.json()["detail"]) == (422, True)


def test_an_installer_places_devices_in_their_own_units_only(filled: Database) -> None:
    elsewhere = Principal("elin", frozenset({"installer"}), frozenset({"Bydel Nordstrand"}))
    with serving(filled.conninfo, {principal: lambda: elsewhere}) as client:
        response = press(client, "accept", site="h1")
        assert response.status_code == 404
        assert "your units" in response.json()["detail"]
        assert press(client, "accept").status_code == 200


@pytest.mark.parametrize(
    ("model", "given", "ask"),
    [
        (Proposals, examples.PROPOSALS, lambda api: api.get("/v1/proposals")),
        (Accepted, examples.ACCEPTED, lambda api: press(api, "accept", site="h1")),
        (Decided, examples.DISMISSED, lambda api: press(api, "dismiss")),
    ],
)
def test_answers_and_examples_have_their_declared_shape(
    api: httpx.Client, model: Any, given: dict[str, Any], ask: Callable[[httpx.Client], httpx.Response]
) -> None:
    shape = TypeAdapter(model)
    shown = given["content"]["application/json"]["example"]
    for content in (ask(api).content, json.dumps(shown).encode()):
        again = json.loads(shape.dump_json(shape.validate_json(content, strict=True)))
        assert again.keys() == json.loads(content).keys()


def test_the_command_line_lists_the_same(
    filled: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in filled.environment.items():
        monkeypatch.setenv(name, value)
    assert main(["devices", "--proposed"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said] == ["door_sensor", "power_plug", "?"]
