"""A coordinator brings in the visit log of a care system: tried first, then counted, and taken back whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import Database
from packages import one_home
from pydantic import TypeAdapter
from serving import serving

from api import visit_examples
from api.deps import principal
from api.visits import VisitImports
from nyttig.errors import PackageError
from nyttig.model import Gain, Principal, TrialPackage, Visit
from nyttig.package.read import read
from nyttig.package.technologies import builtin_technologies
from nyttig.package.write import write
from nyttig.store import db, registry
from nyttig.visiting import BroughtIn

CSV = {"Content-Type": "text/csv"}
PATH = "/v1/trials/trial/visits/imports"
HEADER = "Hjemkode;Dato;Fra kl.;Til kl.;Besøkstype;Tiltak;Faggruppe;Reisetid"
INSTALLED = date(2026, 9, 1)
COORDINATOR = Principal("ida", frozenset({"coordinator"}))
asker = {"is": COORDINATOR}


def package() -> TrialPackage:
    """Two homes from 1 September 2026; what visits take is the gain; a third has no technology yet."""
    found = one_home("medicine_dispenser", homes=3)
    gain = Gain(
        id="visits", title="Spart tid", type="time", perspective="organisation",
        indicator="visit_minutes_per_week", better="lower",
    )  # fmt: skip
    *installed, third = found.homes
    return replace(
        found,
        trial=replace(found.trial, gains=(gain,)),
        homes=(*installed, replace(third, installed_on=None)),
    )


@pytest.fixture
def api(embedded_database: Database) -> Iterator[httpx.Client]:
    asker["is"] = COORDINATOR
    load(embedded_database, package())
    with serving(embedded_database.conninfo, {principal: lambda: asker["is"]}) as client:
        yield client


def load(database: Database, what: TrialPackage) -> None:
    with db.connect(database.conninfo) as connection:
        registry.save(connection, what, builtin_technologies())


def row(home: str, day: date, start: str = "08:50", end: str = "09:02", **other: str) -> str:
    cells = {"kind": "Hjemmebesøk", "purpose": "Medisin", "group": "", "travel": "8"} | other
    return ";".join([home, f"{day:%d.%m.%Y}", start, end, *cells.values()])


def days_from_start(*days: int) -> list[date]:
    return [INSTALLED + timedelta(days=day) for day in days]


def visits(*homes: str, days: tuple[int, ...] = (-3, -2, 20, 21)) -> list[str]:
    return [row(home, day) for home in homes for day in days_from_start(*days)]


def bring(api: httpx.Client, *rows: str, status: int = 200, **asked: Any) -> dict[str, Any]:
    content = "\n".join([HEADER, *rows]).encode("cp1252")
    response = api.post(PATH, params=asked, content=content, headers=CSV)
    assert response.status_code == status, response.text
    told: dict[str, Any] = response.json()
    return told


def results(told: dict[str, Any]) -> list[str]:
    return [each["result"] for each in told["rows"]]


def counted(database: Database) -> list[tuple[str, str, str]]:
    """Home, day and period of each visit that counts."""
    with db.connect(database.conninfo) as connection:
        return [
            (each.home, f"{each.started_at:%m-%d}", each.period)
            for each in registry.read(connection, "trial").visits
        ]


def minutes(api: httpx.Client) -> tuple[float | None, float | None]:
    """Visit minutes per home-week before and after, as the report has them."""
    (gain,) = api.get("/v1/trials/trial/report").json()["gains"]
    return gain["before_mean"], gain["after_mean"]


def test_a_log_is_tried_out_then_counted_and_stands_in_the_report_at_once(
    api: httpx.Client, embedded_database: Database
) -> None:
    refill = row("h1", INSTALLED + timedelta(days=22), purpose="Påfylling")
    rows = [*visits("h1", "H2"), refill, row("h3", INSTALLED)]
    assert minutes(api) == (None, None)
    dry = bring(api, *rows, dry_run=True)
    assert (dry["counted"], dry["refused"], dry["new_work"], dry["import_id"]) == (10, 0, 1, None)
    assert dry["columns"]["columns"]["started_at"] == "Fra kl."
    assert [(each["period"], each["rows"], each["homes"]) for each in dry["periods"]] == [
        ("before", 5, 3),
        ("after", 5, 2),
    ]
    assert counted(embedded_database) == []

    done = bring(api, *rows, file="uke 35.csv")
    assert done["rows"] == dry["rows"]
    assert counted(embedded_database)[:2] == [("h1", "08-29", "before"), ("h1", "08-30", "before")]
    assert ("h3", "09-01", "before") in counted(embedded_database), "h3 has no technology yet"
    assert minutes(api) == (20.0, 20.0), "two visits of 12 + 8 minutes in 14 days"
    (listed,) = api.get(PATH).json()["imports"]
    assert (listed["file"], listed["rows_counted"], listed["imported_by"]) == ("uke 35.csv", 10, "ida")
    assert listed["homes"] == ["h1", "h2", "h3"]
    entries = api.get("/v1/trials/trial/history").json()["entries"]
    assert (entries[0]["action"], entries[0]["after"]["rows"]) == ("visits_imported", 10)


def test_an_overlapping_list_counts_each_visit_once(api: httpx.Client, embedded_database: Database) -> None:
    bring(api, *visits("h1", days=(20, 21)))
    rows = [
        *visits("h1", days=(21, 22)),
        row("h1", INSTALLED + timedelta(days=21), purpose="Dusj", group="Natt"),
    ]
    told = bring(api, *rows)
    assert results(told) == ["double", "counted", "double"]
    assert "brought in before" in told["rows"][0]["reasons"][0]["remedy"]
    assert [day for _, day, _ in counted(embedded_database)] == ["09-21", "09-22", "09-23"]
    again = bring(api, *rows)
    assert (results(again), again["import_id"]) == (["double"] * 3, None)
    assert len(api.get(PATH).json()["imports"]) == 2


def test_two_members_of_staff_are_two_visits_where_their_groups_say_so(api: httpx.Client) -> None:
    day = INSTALLED + timedelta(days=20)
    told = bring(
        api,
        *(row("h1", day, group=group) for group in ("Sykepleier", "Helsefagarbeider", "Sykepleier")),
        row("h1", day, end="09:30", group="Sykepleier"),
        dry_run=True,
    )
    assert results(told) == ["counted", "counted", "double", "refused"]
    assert "row 2" in told["rows"][2]["reasons"][0]["remedy"]
    assert (
        "began when another visit did that lasted until 2026-09-21 09:02"
        in told["rows"][3]["reasons"][0]["remedy"]
    )


def test_unknown_homes_are_listed_with_the_closest_and_keep_the_others_out_unless_left_out(
    api: httpx.Client, embedded_database: Database
) -> None:
    rows = [*visits("h1", days=(20,)), *visits("h1a", "h1a", "x", days=(20,))]
    refused = bring(api, *rows, status=422)
    assert "3 of 4 rows are refused and nothing was written" in refused["detail"]
    assert refused["unknown_homes"] == [
        {"value": "h1a", "rows": 2, "closest": "h1"},
        {"value": "x", "rows": 1, "closest": None},
    ]
    assert refused["rows"][1]["cells"][0] == "h1a", "nothing of the row is lost to who brought it"
    assert counted(embedded_database) == []
    done = bring(api, *rows, skip_bad=True)
    assert (done["counted"], done["refused"]) == (1, 3)
    assert len(counted(embedded_database)) == 1


def test_of_a_long_list_the_days_around_the_installation_count_or_those_chosen(
    api: httpx.Client, embedded_database: Database
) -> None:
    rows = visits("h1", days=(-40, -15, -14, -1, 0, 13, 14, 60))
    told = bring(api, *rows, dry_run=True)
    assert results(told) == ["outside"] * 2 + ["counted"] * 4 + ["outside"] * 2
    assert "lies outside the registration 'before' at h1, 2026-08-18 to 2026-08-31" in str(told["rows"][0])
    chosen = bring(api, *rows, before_from="2026-07-20", after_from="2026-09-15")
    assert results(chosen) == ["counted"] + ["outside"] * 5 + ["counted", "outside"]
    later = bring(api, *visits("h1", days=(13, 28)))
    assert results(later) == ["counted", "outside"], "with those that count it is 14 days at most"
    assert "a registration has 14 days" in later["rows"][1]["reasons"][0]["remedy"]


def test_an_import_is_taken_back_whole_and_undone(api: httpx.Client, embedded_database: Database) -> None:
    first = bring(api, *visits("h1", "h2"))["import_id"]
    assert minutes(api) == (20.0, 20.0)
    (listed,) = api.post(f"{PATH}/{first}/withdraw").json()["imports"]
    assert listed["withdrawn_by"] == "ida"
    assert (counted(embedded_database), minutes(api)) == ([], (None, None))
    assert "taken back already" in api.post(f"{PATH}/{first}/withdraw").json()["detail"]
    (listed,) = api.post(f"{PATH}/{first}/undo").json()["imports"]
    assert listed["withdrawn_at"] is None
    assert (len(counted(embedded_database)), minutes(api)) == (8, (20.0, 20.0))
    assert api.post(f"{PATH}/{first}/undo").status_code == 409
    assert api.post(f"{PATH}/99/undo").status_code == 404
    actions = [entry["action"] for entry in api.get("/v1/trials/trial/history").json()["entries"]]
    assert actions[:3] == ["visits_restored", "visits_withdrawn", "visits_imported"]


def test_what_counts_from_another_list_by_now_is_not_counted_twice_by_undoing(api: httpx.Client) -> None:
    first = bring(api, *visits("h1"))["import_id"]
    api.post(f"{PATH}/{first}/withdraw")
    bring(api, *visits("h1", days=(20,)))
    clash = api.post(f"{PATH}/{first}/undo")
    assert clash.status_code == 409
    assert "1 of its 4 visits are counted from another list by now" in clash.json()["detail"]


def test_what_was_brought_in_leaves_and_enters_with_the_trials_folder(
    api: httpx.Client, embedded_database: Database, tmp_path: Path
) -> None:
    bring(
        api, *visits("h1", "h2"), row("h3", INSTALLED, kind="Telefon", travel="", purpose="Støtte; telefon")
    )
    with db.connect(embedded_database.conninfo) as connection:
        exported = registry.read(connection, "trial")
    write(exported, tmp_path)
    assert read(tmp_path, builtin_technologies()).visits == exported.visits
    assert len(exported.visits) == 9


def test_lists_and_loads_never_make_a_registration_too_long(
    api: httpx.Client, embedded_database: Database
) -> None:
    first = bring(api, *visits("h1", days=(14, 15)))["import_id"]
    api.post(f"{PATH}/{first}/withdraw")
    second = bring(api, *visits("h1", days=(28, 29)))["import_id"]
    clash = api.post(f"{PATH}/{first}/undo")
    assert clash.status_code == 409
    assert "'after' at h1 go from 2026-09-15 to 2026-09-30" in clash.json()["detail"]
    assert api.post(f"{PATH}/{second}/withdraw").status_code == 200
    assert api.post(f"{PATH}/{first}/undo").status_code == 200
    start = datetime(2026, 10, 10, 8, tzinfo=UTC)
    late = Visit("h1", start, start + timedelta(minutes=9), "physical", "visit", None, 5.0, "after")
    with pytest.raises(PackageError, match="take the list back"):
        load(embedded_database, replace(package(), visits=(late,)))
    load(embedded_database, replace(package(), visits=(replace(late, home="h2"),)))
    assert len(counted(embedded_database)) == 3


def test_the_columns_are_remembered_and_offered_when_a_list_has_them_again(api: httpx.Client) -> None:
    own = "Kode;Når;Lengde\nh1;21.09.2026 08:50;0:12\n".encode()
    unread = api.post(PATH, params={"dry_run": True}, content=own, headers=CSV).json()
    assert (unread["missing"], unread["rows"]) == (["started_at", "ended_at"], [])
    assert api.post(PATH, content=own, headers=CSV).status_code == 422
    columns = {
        "columns": {"home": "Kode", "started_at": "Når", "minutes": "Lengde"},
        "always": {"kind": "remote", "purpose": "remote_check"},
    }
    asked = {"columns": json.dumps(columns), "system": "Gerica"}
    done = api.post(PATH, params=asked, content=own, headers=CSV).json()
    assert (done["counted"], done["rows"][0]["purpose"]) == (1, "remote_check")
    again = api.post(PATH, params={"dry_run": True}, content=own, headers=CSV).json()
    assert (again["system"], again["missing"], results(again)) == ("Gerica", [], ["double"])
    (kept,) = api.get("/v1/entries", params={"kind": "mapping"}).json()["entries"]
    assert json.loads(kept["data"]["columns"])["columns"] == columns["columns"]

    more = own.replace(b"21.09", b"22.09")
    api.post(PATH, params={**asked, "columns": json.dumps({**columns, "always": {"kind": "physical", "travel_minutes": "5"}})},
             content=more, headers=CSV)  # fmt: skip
    (kept,) = api.get("/v1/entries", params={"kind": "mapping"}).json()["entries"]
    assert (kept["version"], json.loads(kept["data"]["columns"])["always"]["kind"]) == (2, "physical")


def test_a_mapping_that_somebody_wrote_by_hand_and_is_none_keeps_nobody_out(api: httpx.Client) -> None:
    api.post("/v1/entries/mapping", json={"system": "x", "table": "visits", "columns": '{"house": 1}'})
    assert bring(api, *visits("h1"), dry_run=True)["counted"] == 4


def test_a_load_of_the_package_keeps_what_was_brought_in_and_counts_it_once(
    api: httpx.Client, embedded_database: Database
) -> None:
    bring(api, *visits("h1", "h2"))
    load(embedded_database, package())
    assert len(counted(embedded_database)) == 8
    with db.connect(embedded_database.conninfo) as connection:
        exported = registry.read(connection, "trial")
    load(embedded_database, exported)
    with db.connect(embedded_database.conninfo) as connection:
        assert registry.read(connection, "trial") == exported
    load(embedded_database, replace(package(), homes=package().homes[1:], devices=(), placements=()))
    assert {home for home, _, _ in counted(embedded_database)} == {"h2"}, "h1 is no longer in the trial"


@pytest.mark.parametrize(
    ("content", "asked", "headers", "status", "said"),
    [
        (b"", {}, CSV, 400, "export the visits again"),
        (b"x", {}, {"Content-Type": "application/pdf"}, 415, "application/pdf"),
        (b"PK\x03\x04", {}, CSV, 400, "cannot be read as an Excel workbook"),
        (b"Hjem;Start\n", {"columns": "{}"}, CSV, 422, "nothing says which column is home"),
        (b"Hjem;Start\n", {"columns": '{"columns": {"home": "Hus"}}'}, CSV, 422, "'Hus' is no column of the list"),
        (b"Hjem;Start\n", {"before_from": "soon"}, CSV, 422, "before_from"),
    ],
)  # fmt: skip
def test_what_is_no_list_says_what_to_send(
    api: httpx.Client, content: bytes, asked: dict[str, str], headers: dict[str, str], status: int, said: str
) -> None:
    response = api.post(PATH, params=asked, content=content, headers=headers)
    assert response.status_code == status, response.text
    assert said in response.json()["detail"]


def test_only_a_coordinator_brings_lists_in_and_only_of_their_units(api: httpx.Client) -> None:
    done = bring(api, *visits("h1"))["import_id"]
    asker["is"] = Principal("eva", frozenset({"evaluator"}))
    bring(api, *visits("h1"), status=403)
    assert len(api.get(PATH).json()["imports"]) == 1
    asker["is"] = replace(COORDINATOR, units=frozenset({"Odense"}))
    bring(api, *visits("h1"), status=404)
    for response in (api.get(PATH), api.post(f"{PATH}/{done}/withdraw")):
        assert response.status_code == 404
    asker["is"] = replace(COORDINATOR, units=frozenset({"Bydel Alna"}))
    assert api.post(f"{PATH}/{done}/withdraw").status_code == 200


def test_answers_and_examples_have_the_shape_that_is_declared(api: httpx.Client) -> None:
    done = api.post(
        PATH, content="\n".join([HEADER, *visits("h1", "x")]), headers=CSV, params={"skip_bad": True}
    )
    for shape, answer, example in (
        (BroughtIn, done, visit_examples.BROUGHT_IN),
        (VisitImports, api.get(PATH), visit_examples.IMPORTS),
    ):
        adapter: TypeAdapter[Any] = TypeAdapter(shape)
        shown = example["content"]["application/json"]["example"]
        for content in (answer.content, json.dumps(shown).encode()):
            read = adapter.validate_json(content, strict=True)
            assert adapter.dump_python(read, mode="json").keys() == json.loads(content).keys()
