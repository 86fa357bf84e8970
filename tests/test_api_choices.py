"""The HTTP door offers what a form needs to register a device: homes, technologies, an empty list."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO

import httpx
import openpyxl
import pytest
from conftest import DatabaseServer
from ingesting import register
from packages import one_home
from pydantic import TypeAdapter
from serving import serving

from api.choices import EXAMPLE, Choices
from api.deps import principal
from nyttig.model import Principal


@pytest.fixture(scope="module")
def api(embedded_server: DatabaseServer) -> Iterator[httpx.Client]:
    """Two homes; an asker who sees only Bydel Alna or only another unit is tried too."""
    with embedded_server.fresh_database() as database:
        register(database, one_home("medicine_dispenser", homes=2))
        with serving(database.conninfo) as client:
            yield client


def test_a_form_is_offered_each_home_with_its_trials_and_every_technology(api: httpx.Client) -> None:
    told = api.get("/v1/registry/choices").json()
    assert told["homes"] == [
        {"home": f"h{n}", "unit": "Bydel Alna", "timezones": {"trial": "Europe/Oslo"}} for n in (1, 2)
    ]
    titles = {each["id"]: each["titles"] for each in told["technologies"]}
    assert titles["door_sensor"]["nb"] == "Dørsensor"
    assert "medicine_dispenser" in titles
    assert told["labels_lead_to"].startswith("http")


def test_the_example_has_the_shape_that_is_described() -> None:
    example = EXAMPLE["content"]["application/json"]["example"]
    TypeAdapter(Choices).validate_json(json.dumps(example), strict=True)


def test_whoever_sees_other_units_is_offered_none_of_these_homes(embedded_server: DatabaseServer) -> None:
    elsewhere = Principal("ida", frozenset({"installer"}), frozenset({"Bydel Gamle Oslo"}))
    with embedded_server.fresh_database() as database:
        register(database, one_home("medicine_dispenser"))
        with serving(database.conninfo, {principal: lambda: elsewhere}) as client:
            assert client.get("/v1/registry/choices").json()["homes"] == []


def test_the_empty_list_comes_as_excel_and_as_csv_and_as_nothing_else(api: httpx.Client) -> None:
    book = openpyxl.load_workbook(BytesIO(api.get("/v1/registry/template.xlsx").content))
    assert [sheet.title for sheet in book] == ["devices", "columns"]
    text = api.get("/v1/registry/template.csv")
    assert text.headers["content-type"].startswith("text/csv")
    assert text.text.lstrip("\ufeff").startswith("device;technology;")
    assert api.get("/v1/registry/template.exe").status_code == 422
