"""The page of programmes says what each is for, how its trials stand, and what units show together, with its doubts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from browsing import on_a_phone, settled, written
from conftest import DatabaseServer
from packages import one_home
from playwright.sync_api import Page, expect
from registering import found, open_page, said
from serving import serving

from dashboard import live
from dashboard.charts import forest
from dashboard.charts.forest import Line
from nyttig.model import Gain, Measure, TrialPackage
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, registry

PATIENCE_MS = 90_000
TODAY = datetime.now(UTC).date()
STARTS = TODAY - timedelta(days=90)
GAIN = Gain("calm", "Calmer evenings", "quality", "citizen", "calm_0_10", "higher", 2.0)
UNITS = {"Bydel Alna": (3.0, 2.0, 4.0, 1.0, 3.5), "Bydel Sagene": (0.5, 1.0, -1.0, 0.0, 2.0, 1.5)}
FEW = {"Bydel Frogner": (2.0, 3.0)}


def package(trial: str, changes: dict[str, tuple[float, ...]], programme: str | None) -> TrialPackage:
    """A trial whose homes moved by these, unit by unit; no device was ever heard."""
    moves = [(unit, move) for unit, each in changes.items() for move in each]
    given = one_home("medicine_dispenser", trial=trial, homes=len(moves))
    code = f"{trial}-{{}}".format
    measures = [
        Measure(code(home.home), "calm_0_10", day, period, 4.0 + shift, by_proxy=False)
        for home, (_unit, move) in zip(given.homes, moves, strict=True)
        for day, period, shift in (
            (STARTS - timedelta(days=5), "before", 0.0),
            (STARTS + timedelta(days=60), "after", move),
        )
    ]
    return replace(
        given,
        trial=replace(
            given.trial, title=trial.title(), units=tuple(changes), programme=programme, gains=(GAIN,), starts=STARTS
        ),
        homes=tuple(
            replace(home, home=code(home.home), unit=unit, installed_on=STARTS)
            for home, (unit, _move) in zip(given.homes, moves, strict=True)
        ),
        devices=(), placements=(), measures=tuple(measures),
    )  # fmt: skip


@pytest.fixture(scope="module")
def api(embedded_server: DatabaseServer) -> Iterator[httpx.Client]:
    """Two trials of one technology over three units, in a programme and its part, and one trial of no programme."""
    with embedded_server.fresh_database() as database:
        with db.connect(database.conninfo) as session:
            for each in (
                package("evenings", UNITS, "Oslo+"),
                package("nights", FEW, "Trygg hjemme"),
                package("lonely", {"Bydel Frogner": (1.0,)}, None),
            ):
                registry.save(session, each, builtin_technologies())
            session.commit()
        with serving(database.conninfo) as client:
            for path, values in ENTERED:
                client.post(f"/v1/{path}", json=values).raise_for_status()
            yield client


ENTERED: list[tuple[str, dict[str, Any]]] = [
    (
        "entries/programme",
        {"name": "Trygg hjemme", "part_of": "Oslo+", "aim": "Quiet nights", "owner": "Lead"},
    ),
    (
        "trials/evenings/entries/transfer",
        {
            "origin_unit": "Bydel Alna",
            "receiving_unit": "Bydel Ullern",
            "status": "in_use",
            "adapted": "A longer window",
        },
    ),
]


@pytest.fixture
def page(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    with found(str(api.base_url), monkeypatch):
        yield api


def test_the_page_says_what_units_show_together_and_how_far_that_can_be_trusted(page: httpx.Client) -> None:
    text = said(open_page("programmes", programme="Oslo+"))
    for told in (
        '<b aria-current="page">Oslo+</b>',
        "Nobody has written down yet what this programme is to reach.",
        "2 trials · 1 part",
        "Calmer evenings: **Better.**",
        "in 2 of 2 units",
        "over 2 units, each allowed an effect of its own.",
        "With under ten units that spread is poorly known: none seen is no proof that they are alike.",
        "What a further unit would see cannot be told from two.",
        "Beside the pool and not in it, with fewer than five homes or all alike: Bydel Frogner.",
        "Bydel Frogner: evidence level 0 of 5",
        "Nothing here is reckoned up to the whole country.",
        "Bydel Ullern",
        "A longer window",
        "Put to use (nyttiggjort)</b> 0 of 1 technologies",
        "Trials of no programme: Lonely",
    ):
        assert told in text, told


def test_a_part_is_told_by_itself_with_what_it_is_part_of(page: httpx.Client) -> None:
    text = said(open_page("programmes", programme="Trygg hjemme"))
    for told in (
        "part of Oslo+ · owner: Lead · 1 trial",
        "Quiet nights",
        "No gain is measured in more than one unit yet.",
        "No unit has taken on anything from another one yet.",
        "Calmer evenings: **Cannot be told yet.**",
    ):
        assert told in text, told


@pytest.mark.parametrize("language", ["nb", "da"])
def test_the_page_is_read_in_every_language(page: httpx.Client, language: str) -> None:
    text = said(open_page("programmes", programme="Oslo+", lang=language))
    told = {
        "nb": "Ingenting her er regnet opp til hele landet.",
        "da": "Intet her er regnet op til hele landet.",
    }
    assert told[language] in text
    assert "the whole country" not in text


def test_without_any_programme_the_page_says_how_to_begin(
    embedded_server: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with embedded_server.fresh_database() as database, serving(database.conninfo) as client:
        live.forget_trials()
        with found(str(client.base_url), monkeypatch):
            assert "There is no programme yet." in said(open_page("programmes"))


def test_a_wide_pooled_interval_does_not_push_the_units_together() -> None:
    units = [Line("a", "", -3.0, -4.0, -2.0), Line("b", "", -1.0, -2.5, 0.5)]
    wide = Line("both", "", -2.0, -40.0, 36.0, pooled=True, beyond=(-90.0, 80.0))
    drawn = forest.plot([*units, wide], 1).to_dict()
    low, high = next(
        layer["encoding"]["x"]["scale"]["domain"]
        for layer in drawn["layer"]
        if "scale" in layer["encoding"].get("x", {})
    )
    assert -8 < low < -4
    assert 0.5 < high < 4
    arrows = [layer for layer in drawn["layer"] if "triangle" in str(layer["mark"].get("shape"))]
    assert len(arrows) == 2, "what goes on beyond the picture ends in an arrow"
    rows = [row for data in drawn["datasets"].values() for row in data if "x" in row]
    assert all(low <= row["x"] <= high for row in rows)


@pytest.fixture(scope="module")
def phone(api: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Chromium as wide as a phone, at the dashboard. Where it is missing the tests are skipped, except in CI."""
    with on_a_phone(str(api.base_url), tmp_path_factory.mktemp("dashboard"), PATIENCE_MS) as page:
        yield page


def seen(phone: Page, text: str) -> None:
    expect(phone.get_by_text(text).first).to_be_visible(timeout=PATIENCE_MS)


def test_on_a_phone_an_aim_and_a_spread_are_entered_and_undone(phone: Page, api: httpx.Client) -> None:
    phone.goto("/programmes?lang=en&programme=Oslo%2B")
    phone.get_by_text("Say what “Oslo+” is to reach").click()
    phone.get_by_role("textbox", name="What it is to reach").fill("Less worry")
    settled(phone).get_by_role("button", name="Enter it", exact=True).click()
    seen(phone, "Less worry")
    assert api.get("/v1/programmes/Oslo%2B").json()["programme"]["aim"] == "Less worry"
    settled(phone).get_by_role("button", name="Undo").click()
    seen(phone, "Nobody has written down yet what this programme is to reach.")
    phone.get_by_text("Enter or change the spread of “Nights”").click()
    phone.get_by_text("Enter a unit that considers it or takes it on").click()
    for name, unit in (("Unit that tried it", "Bydel Frogner"), ("Unit that takes it on", "Bydel Bjerke")):
        written(phone, name, unit)
    phone.get_by_text("agreed on", exact=True).click()
    settled(phone).get_by_text("Enter it", exact=True).click()
    seen(phone, "Bydel Bjerke")
    wide = phone.get_by_test_id("stMain").evaluate("box => box.scrollWidth > box.clientWidth")
    assert not wide, "nothing is wider than the screen"
    told = api.get("/v1/programmes/Trygg%20hjemme").json()["transfers"]
    assert [each["transfer"]["receiving_unit"] for each in told] == ["Bydel Bjerke"]
