"""The HTTP door takes a list of devices, places, swaps and retires them, and tells who changed what."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import openpyxl
import pypdfium2  # type: ignore[import-untyped]  # it ships no types
import pytest
import zxingcpp
from conftest import Database, DatabaseServer
from packages import one_home
from serving import serving

from api.deps import principal
from nyttig.model import Principal
from nyttig.package.technologies import builtin_technologies
from nyttig.sheet import BYTES_MAX, EXCEL_TYPE
from nyttig.store import db, registry

CSV = {"Content-Type": "text/csv; charset=utf-8"}
LIST = "device;technology;home;placed_at\nd9;Medisindispenser;h1;10.09.2026 09:30\nd1;;h1;\n"

asking = Principal("ida", frozenset({"installer"}))


@contextmanager
def two_homes(database: Database) -> Iterator[httpx.Client]:
    """Two homes in Bydel Alna with a dispenser each (d1, d2), asked by an installer named ida."""
    with db.connect(database.conninfo) as connection:
        registry.save(connection, one_home("medicine_dispenser", homes=2), builtin_technologies())
    with serving(database.conninfo, {principal: lambda: asking}) as client:
        yield client


@pytest.fixture
def api(embedded_database: Database) -> Iterator[httpx.Client]:
    with two_homes(embedded_database) as client:
        yield client


@pytest.fixture(scope="module")
def untouched(embedded_server: DatabaseServer) -> Iterator[httpx.Client]:
    """For tests that leave the registry as it is."""
    with embedded_server.fresh_database() as fresh, two_homes(fresh) as client:
        yield client


def as_asker(monkeypatch: pytest.MonkeyPatch, roles: set[Any], units: set[str] | None) -> None:
    seen = None if units is None else frozenset(units)
    monkeypatch.setattr(f"{__name__}.asking", Principal("eva", frozenset(roles), seen))


def told(response: httpx.Response, status: int = 200) -> Any:
    assert response.status_code == status, response.text
    kind = "application/json" if status == 200 else "application/problem+json"
    assert response.headers["content-type"] == kind
    return response.json()


def test_a_list_is_tried_then_registered_and_each_row_has_its_result(api: httpx.Client) -> None:
    options = {"trial": "trial"}
    dry = told(
        api.post("/v1/registry/devices", params={**options, "dry_run": True}, content=LIST, headers=CSV)
    )
    assert [(row["row"], row["device"], row["result"]) for row in dry["rows"]] == [
        (2, "d9", "added"),
        (3, "d1", "unchanged"),
    ]
    assert not dry["written"]
    assert len(told(api.get("/v1/registry/devices"))["devices"]) == 2

    done = told(api.post("/v1/registry/devices", params=options, content=LIST, headers=CSV))
    assert done["written"]
    assert done["rows"] == dry["rows"]
    (new,) = [
        each
        for each in told(api.get("/v1/registry/devices", params=options))["devices"]
        if each["device"] == "d9"
    ]
    assert (new["home"], new["unit"], new["roles"]) == ("h1", "Bydel Alna", {"trial": "primary"})
    (entry,) = told(api.get("/v1/devices/d9/history"))["entries"]
    assert (entry["changed_by"], entry["action"], entry["trials"], entry["before"]) == (
        "ida",
        "registered",
        ["trial"],
        None,
    )
    assert entry["after"]["placements"][0]["home"] == "h1"


def test_an_excel_list_is_taken_too(api: httpx.Client) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["Enhet", "Teknologi"])
    book.active.append(["d9", "Dørsensor"])
    content = io.BytesIO()
    book.save(content)
    done = told(
        api.post("/v1/registry/devices", content=content.getvalue(), headers={"Content-Type": EXCEL_TYPE})
    )
    assert (done["file"], done["added"]) == ("list.xlsx", 1)


def test_a_refused_row_is_a_problem_that_holds_the_whole_result(api: httpx.Client) -> None:
    listed = LIST + "d2;;h7;2026-10-01T10:00Z\n"
    said = told(api.post("/v1/registry/devices", content=listed, headers=CSV), 422)
    assert "1 of 3 rows are refused and nothing was written" in said["detail"]
    assert said["rows"][2]["problems"][0]["column"] == "home"
    assert len(told(api.get("/v1/registry/devices"))["devices"]) == 2
    done = told(api.post("/v1/registry/devices", params={"skip_bad": True}, content=listed, headers=CSV))
    assert (done["written"], done["refused"]) == (True, 1)
    assert len(told(api.get("/v1/registry/devices"))["devices"]) == 3


@pytest.mark.parametrize(
    ("content", "headers", "status", "said"),
    [
        (LIST, {"Content-Type": "text/plain"}, 415, "text/plain"),
        (LIST, {}, 415, "of no type"),
        ("", CSV, 400, "is empty"),
        ("name\nd1\n", CSV, 400, "no column says which device it is"),
        ("device\n" + "x" * BYTES_MAX, CSV, 413, "split it"),
    ],
)  # fmt: skip
def test_a_body_that_is_no_list_says_what_to_send(
    untouched: httpx.Client, content: str, headers: dict[str, str], status: int, said: str
) -> None:
    assert (
        said
        in told(untouched.post("/v1/registry/devices", content=content, headers=headers), status)["detail"]
    )


def test_a_device_is_placed_moved_removed_and_retired_and_its_history_says_so(api: httpx.Client) -> None:
    told(api.post("/v1/registry/devices", content="device;technology\nd9;door_sensor\n", headers=CSV))
    path = "/v1/devices/d9"
    at = datetime(2026, 9, 10, 8, tzinfo=UTC)
    told(api.post(f"{path}/placements", json={"home": "h1", "placed_at": at.isoformat()}))
    told(api.post(f"{path}/move", json={"home": "h2", "at": (at + timedelta(days=1)).isoformat()}))
    told(api.post(f"{path}/remove", json={"at": (at + timedelta(days=2)).isoformat()}))
    right = {
        "home": "h2",
        "placed_at": (at + timedelta(days=1)).isoformat(),
        "removed_at": "2026-09-13T08:00:00Z",
    }
    told(api.post(f"{path}/placements/correct", json={"placed_at": right["placed_at"], "to": right}))
    retired = told(api.post(f"{path}/retire", json={"because": "returned"}))
    assert (retired["retired_because"], retired["home"]) == ("returned", None)
    assert [(each["home"], each["removed_at"][:10]) for each in retired["placements"]] == [
        ("h1", "2026-09-11"),
        ("h2", "2026-09-13"),
    ]
    assert told(api.post(f"{path}/unretire"))["retired_at"] is None
    entries = told(api.get(f"{path}/history"))["entries"]
    assert [entry["action"] for entry in entries] == [
        "unretired",
        "retired",
        "corrected",
        "removed",
        "moved",
        "placed",
        "registered",
    ]
    page = told(api.get(f"{path}/history", params={"limit": 2, "before_id": entries[1]["id"]}))["entries"]
    assert page == entries[2:4]


@pytest.mark.parametrize("new", ["spare", {"device": "spare", "address": "0x17", "dialect": "zigbee2mqtt"}])
def test_a_device_is_swapped_for_a_registered_or_a_proposed_one_in_one_step(
    api: httpx.Client, new: Any
) -> None:
    if isinstance(new, str):
        told(
            api.post(
                "/v1/registry/devices", content="device;technology\nspare;medicine_dispenser\n", headers=CSV
            )
        )
    at = "2026-10-01T08:00:00+00:00"
    asked = {"new": new, "at": at, "retire_because": "broken"}
    swapped = told(api.post("/v1/devices/d1/swap", json=asked))
    assert (swapped["device"], swapped["home"], swapped["placed_at"]) == ("spare", "h1", at)
    assert swapped["roles"] == {"trial": "primary"}
    old = told(api.get("/v1/devices/d1/placements"))
    assert (old["retired_at"], old["placements"][0]["removed_at"]) == (at, at)
    assert {
        (each["subject"], each["action"]) for each in told(api.get("/v1/trials/trial/history"))["entries"]
    } >= {
        ("d1", "swapped_out"),
        ("d1", "retired"),
        ("spare", "swapped_in"),
        ("trial", "loaded"),
    }


def test_a_swap_that_clashes_changes_nothing_not_even_the_new_device(untouched: httpx.Client) -> None:
    asked = {"new": {"device": "d9", "address": "d9"}, "at": "2020-01-01T00:00:00Z"}
    assert "is not after that" in told(untouched.post("/v1/devices/d1/swap", json=asked), 409)["detail"]
    assert told(untouched.get("/v1/devices/d9/placements"), 404)


@pytest.mark.parametrize(
    ("path", "asked", "status", "said"),
    [
        ("d1/placements", {"home": "h2"}, 409, "'d1' stands at h1 since"),
        ("d1/placements", {"home": "h 2"}, 422, "h 2"),
        ("d1/placements", {"home": "h2", "placed_at": "2026-09-01T10:00"}, 422, "placed_at"),
        ("d1/placements", {"home": "h2", "until": "x"}, 422, "until"),
        ("d1/move", {"home": "none"}, 404, "there is no home 'none'"),
        ("none/move", {"home": "h1"}, 404, "there is no device 'none'"),
        ("d1/retire", {"because": "ugly"}, 422, "'ugly'"),
        ("d1/unretire", None, 409, "is not retired"),
        ("d1/swap", {"new": "d2"}, 409, "'d2' stands at h2"),
    ],
)
def test_what_cannot_be_done_is_a_problem_that_says_why(
    untouched: httpx.Client, path: str, asked: Any, status: int, said: str
) -> None:
    assert said in told(untouched.post(f"/v1/devices/{path}", json=asked), status)["detail"]


def test_an_evaluator_reads_the_registry_and_changes_nothing(
    untouched: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_asker(monkeypatch, {"evaluator"}, None)
    assert "may read the registry" in told(untouched.post("/v1/devices/d1/remove", json={}), 403)["detail"]
    assert told(untouched.post("/v1/registry/devices", content=LIST, headers=CSV), 403)
    assert len(told(untouched.get("/v1/registry/devices"))["devices"]) == 2


def test_devices_of_other_units_are_not_there_for_who_asks(
    untouched: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_asker(monkeypatch, {"installer"}, {"Odense Kommune"})
    assert told(untouched.get("/v1/registry/devices")) == {"devices": []}
    for path in ("devices/d1/placements", "devices/d1/history", "trials/trial/history", "labels.pdf"):
        assert told(untouched.get(f"/v1/{path}"), 404)
    for path, asked in (("remove", {}), ("swap", {"new": "d2"}), ("retire", {"because": "lost"})):
        assert told(untouched.post(f"/v1/devices/d1/{path}", json=asked), 404)
    as_asker(monkeypatch, {"installer"}, {"Bydel Alna"})
    assert len(told(untouched.get("/v1/registry/devices"))["devices"]) == 2


def test_the_labels_of_a_trial_are_a_pdf_whose_codes_open_the_devices(untouched: httpx.Client) -> None:
    response = untouched.get(
        "/v1/labels.pdf", params={"trial": "trial", "language": "nb", "device": ["d2", "d1"]}
    )
    assert response.headers["content-type"] == "application/pdf"
    document = pypdfium2.PdfDocument(response.content)
    codes = {code.text for code in zxingcpp.read_barcodes(document[0].render(scale=2).to_pil())}
    document.close()
    assert codes == {f"http://127.0.0.1:8501/devices?device={device}" for device in ("d1", "d2")}


def test_the_registry_stands_in_the_openapi_description_with_examples(untouched: httpx.Client) -> None:
    paths = untouched.get("/openapi.json").json()["paths"]
    posted = paths["/v1/registry/devices"]["post"]
    assert set(posted["requestBody"]["content"]) == {"text/csv", EXCEL_TYPE}
    assert posted["responses"]["200"]["content"]["application/json"]["example"]["rows"]
    assert paths["/v1/devices/{device}/history"]["get"]["responses"]["200"]["content"]["application/json"][
        "example"
    ]
