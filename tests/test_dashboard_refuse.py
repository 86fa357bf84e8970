"""What the API refuses is said in the language of whoever entered it, with values as the page writes them."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import httpx
import pytest
from conftest import PROJECT, DatabaseServer
from hypothesis import given
from hypothesis import strategies as some
from packages import one_home
from registering import answering, new_devices, open_page, press, words

from dashboard import refusals
from dashboard.client import ApiRefusedError
from dashboard.language import reading
from nyttig import answering as rules
from nyttig.entering import parsed
from nyttig.entries.kinds import KINDS
from nyttig.errors import EntryError, Fault, NyttigError
from nyttig.package.cells import parse
from nyttig.package.columns import TABLES
from nyttig.saying import Saying, of_parts, parts

TRIAL = "trial"
KEYWORDS = ("Saying", "EntryError", "ClashError", "NotFoundError", "CellError", "ListError")
"""What takes a template: the same names stand in dashboard/babel.cfg."""

WRITTEN_FOR_PROGRAMS = {
    "nyttig/cli.py",
    "nyttig/device_list.py",  # the command line's own files
    "nyttig/explain.py",
    "nyttig/visit_list.py",  # a way of reading a list as JSON, which the page writes itself
    "nyttig/figures/gates.py",
    "nyttig/figures/instruments.py",  # value sets that came with the program
    "nyttig/figures/money.py",
    "nyttig/figures/pooled.py",
    "nyttig/figures/sensitivity.py",
}
"""Files where a refusal may be said in English alone: nobody provokes it on a page."""


def _told(error: NyttigError) -> ApiRefusedError:
    """The error as it reaches the dashboard through JSON."""
    sent = json.loads(json.dumps([{"field": each.field, **parts(each.said)} for each in error.faults]))
    return ApiRefusedError(422, "", str(error), [Fault(each["field"], of_parts(each)) for each in sent])


def _filled(told: dict[str, Any]) -> str:
    """What any program can do with a template and its values."""
    values = {
        name: _filled(value) if isinstance(value, dict) else value for name, value in told["values"].items()
    }
    return str(told["template"].format(**values))


def _refused(ask: Callable[[], object]) -> NyttigError | None:
    """Why what was asked is refused; None where it is not."""
    try:
        ask()
    except NyttigError as error:
        return error
    return None


_SCALARS = some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=12)
_GIVEN = some.one_of(
    some.sampled_from(
        ["24.08.2026", "2026-13-40", "1,5", "{x}", "phsical", "2026-09-01", "5 5 5 5 5", "kl. 9"]
    ),
    _SCALARS,
    some.lists(_SCALARS, max_size=2),
)


@given(data=some.data(), name=some.sampled_from(sorted(KINDS)))
def test_the_detail_of_whatever_is_refused_in_a_form_is_its_templates_filled_in(
    data: some.DataObject, name: str
) -> None:
    kind = KINDS[name]
    fields = [*(column.name for column in kind.columns), "wrong{field}"]
    values = data.draw(some.dictionaries(some.sampled_from(fields), _GIVEN))
    error = _refused(lambda: parsed(kind, values, None))
    if error is None:
        return
    told = json.loads(json.dumps([parts(each.said) for each in error.faults], allow_nan=False))
    shown = [
        _filled(each) if fault.field is None else f"{fault.field}: {_filled(each)}"
        for each, fault in zip(told, error.faults, strict=True)
    ]
    assert "; ".join(shown) == str(error)
    for language in ("en", "nb", "da"):
        with reading(language):
            assert refusals.reason(_told(error), name)


@given(text=_GIVEN.map(str), column=some.sampled_from([each for table in TABLES.values() for each in table]))
def test_the_remedy_of_any_cell_of_a_list_is_its_template_filled_in(text: str, column: Any) -> None:
    error = _refused(lambda: parse(text, column, None))
    assert error is None or isinstance(error.said, Saying)
    assert error is None or _filled(parts(error.said)) == error.said == str(error)


def test_a_text_with_braces_that_is_no_template_stays_what_it_is() -> None:
    error = NyttigError('write {"a": 1}, or {nothing}')
    assert str(error) == 'write {"a": 1}, or {nothing}'
    assert _filled(parts(error.said)) == str(error)
    assert refusals.reason(_told(error)) == str(error)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "“Day”: '3 Nov 2026' is still to come; enter the day on which it was"),
        ("nb", "«Dag»: 3. nov. 2026 er ikke kommet ennå; oppgi dagen det skjedde"),
        ("da", "“Dag”: 3. nov. 2026 er ikke kommet endnu; angiv den dag, det skete"),
    ],
)
def test_a_day_that_is_still_to_come_is_refused_in_the_readers_language(language: str, said: str) -> None:
    work = {"unit": "Bydel Alna", "day": "2026-11-03", "shift": "day", "period": "before", "purpose": "none"}
    form = parsed(KINDS["registration"], {**work, "count": 0, "minutes": 0, "travel_minutes": 0}, None)
    with pytest.raises(EntryError) as refused:
        rules.refuse(one_home("medicine_dispenser"), form, None, date(2026, 11, 2))
    with reading(language):
        assert refusals.reason(_told(refused.value), "registration") == said


def test_numbers_codes_and_times_stand_in_a_refusal_as_on_the_page() -> None:
    retired = "{device!r} is retired since {time} ({retired_because}); nothing is left to do"
    moved = EntryError(retired, device="d1", time="2026-09-01 12:00", retired_because="broken")
    taken = "{file} was taken back already, by {by}; there is nothing to do"
    gone = EntryError(taken, file="besøk.csv", by="local")
    minutes = EntryError(
        "{minutes:g} is more than a day has; enter the minutes of this shift", field="minutes", minutes=1500.5
    )
    with reading("nb"):
        assert refusals.reason(_told(moved)) == (
            "«d1» er ute av drift siden 1. sep. 2026, 12:00 (i stykker); det er ikke mer å gjøre"
        )
        assert "tatt tilbake, av noen på denne maskinen" in refusals.reason(_told(gone))
        assert "1\xa0500,5 er mer enn et døgn har" in refusals.reason(_told(minutes), "registration")


def test_what_nobody_translated_is_said_in_english() -> None:
    with reading("da"):
        assert refusals.reason(ApiRefusedError(400, "Bad Request", "")) == "Bad Request"
        assert refusals.remedy({"column": None, "value": None, "remedy": "turn it round"}) == "turn it round"


def test_what_people_can_provoke_is_written_as_templates() -> None:
    english: set[str] = set()
    for path in sorted(each for room in ("nyttig", "api") for each in (PROJECT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id=name), args=[ast.JoinedStr(), *_]) if name in KEYWORDS:
                    english.add(path.relative_to(PROJECT).as_posix())
    assert english <= WRITTEN_FOR_PROGRAMS


@pytest.fixture(scope="module")
def api(embedded_server: DatabaseServer) -> Iterator[httpx.Client]:
    with (
        pytest.MonkeyPatch.context() as patch,
        new_devices(embedded_server) as database,
        answering(database, patch) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def trial(api: httpx.Client) -> str:
    return str(api.get("/v1/trials").json()["trials"][0]["id"])


def test_a_problem_document_holds_field_template_and_values_beside_the_detail(
    api: httpx.Client, trial: str
) -> None:
    shares = {"gain": "visits", "reallocated_ratio": 1.5, "cashed_ratio": "2,5"}
    refused = api.post(f"/v1/trials/{trial}/entries/realisation", json=shares)
    told = refused.json()
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert told["faults"] == [
        {
            "field": "reallocated_ratio",
            "template": "{value!r} {remedy}",
            "values": {
                "value": 1.5,
                "remedy": {"template": "must be {limit:g} or less", "values": {"limit": 1}},
            },
        },
        {
            "field": "cashed_ratio",
            "template": "{value!r} {remedy}",
            "values": {
                "value": "2,5",
                "remedy": {
                    "template": "has a decimal comma; write it with a point: {example}",
                    "values": {"example": "2.5"},
                },
            },
        },
    ]
    assert told["detail"] == "; ".join(f"{each['field']}: {_filled(each)}" for each in told["faults"])


def test_a_refused_row_of_a_list_holds_what_its_remedy_is_made_of(api: httpx.Client) -> None:
    rows = api.post(
        "/v1/registry/devices?dry_run=true",
        content=b"device;technology\nd 9;medicine_dispenser\nd1;stove\n;stove_guard\n",
        headers={"Content-Type": "text/csv"},
    ).json()["rows"]
    problems = [each for row in rows for each in row["problems"]]
    assert len(problems) == 3
    assert [_filled(each["said"]) for each in problems] == [each["remedy"] for each in problems]
    with reading("nb"):
        assert refusals.remedy(problems[2]) == "er tom; fyll ut koden til enheten"


@pytest.mark.parametrize(
    ("lang", "likely", "enter", "said"),
    [
        (
            "nb", "Sannsynlig", "Før inn",
            "Ikke ført inn: «Sannsynlig»: 1,5 går ikke; oppgi en andel per år: skriv 0,04 for 4 %",
        ),
        (
            "da", "Sandsynlig", "Indtast",
            "Ikke ført ind: “Sandsynligt”: 1,5 går ikke; angiv en andel om året: skriv 0,04 for 4 %",
        ),
    ],
)  # fmt: skip
def test_a_wrong_number_in_a_form_is_refused_in_the_language_of_the_page(
    api: httpx.Client, trial: str, lang: str, likely: str, enter: str, said: str
) -> None:
    app = open_page("entries", lang=lang, trial=trial, kind="assumption")
    app.session_state[f"entries:all:{trial}:assumption:new:0:0:open"] = True
    app.run()
    app.radio[0].set_value("discount_rate")
    next(field for field in app.number_input if field.label.startswith(likely)).set_value(1.5)
    assert said in words(press(app, enter))
    assert api.get(f"/v1/trials/{trial}/entries?kind=assumption").json()["entries"] == []
