"""A reader who doubts a figure is led to its definition, its thresholds, its counts and every day that it counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import httpx
import pytest
from conftest import PROJECT, DatabaseServer
from serving import ALNA, ODENSE, fill, serving

from nyttig import explain
from nyttig.explain import LANGUAGES, definitions
from nyttig.figures.concern import ConcernLimits
from nyttig.model import Parameters
from nyttig.report import Report


@pytest.fixture(scope="module")
def api(embedded_server: DatabaseServer) -> Iterator[httpx.Client]:
    with embedded_server.fresh_database() as filled:
        fill(filled)
        with serving(filled.conninfo) as client:
            yield client


def told(client: httpx.Client, path: str, **asked: Any) -> Any:
    response = client.get(f"/v1/trials/{path}", params=asked)
    assert response.status_code == 200, response.text
    return response.json()


def test_every_definition_is_told_in_every_language_and_names_thresholds_that_a_trial_has() -> None:
    known = {field.name for kind in (Parameters, ConcernLimits) for field in fields(kind)}
    reported = {field.name for field in fields(Report)}
    for definition in definitions().values():
        for texts in (
            definition.titles,
            definition.meanings,
            definition.is_not,
            definition.formulas,
            definition.sources,
        ):
            assert sorted(texts) == sorted(LANGUAGES)
            assert all(text.strip() and text == text.strip() for text in texts.values())
        assert set(definition.parameters) <= known
        assert definition.path.split(".")[0] in reported | {""}


def test_each_figure_is_explained_with_the_counts_that_stand_in_the_report(api: httpx.Client) -> None:
    made = told(api, f"{ALNA}/report")
    explained = {each["figure"]: each for each in told(api, f"{ALNA}/explain")["figures"]}
    assert list(explained) == list(definitions())
    rate = explained["use_day_rate"]
    assert rate["value"]["point"] == made["use_day_rate"]["point"]
    counts = rate["counts"] | rate["left_out"]
    assert counts == {name: made["use_day_rate"][name] for name in counts}
    assert rate["parameters"]["observed_share_required"] == made["parameters"]["observed_share_required"]
    assert explained["participation"]["counts"]["done"] == made["participation"]["steady"]["done"]
    (complete,) = [week for week in made["weeks"] if week["complete"]][-1:]
    assert explained["weeks"]["value"]["iso_week"] == complete["iso_week"]
    assert told(api, f"{ALNA}/explain/retention") == explained["retention"]


def test_what_stands_in_many_places_is_explained_by_what_was_counted_of_it(api: httpx.Client) -> None:
    made = told(api, f"{ALNA}/report")
    explained = {each["figure"]: each for each in told(api, f"{ALNA}/explain")["figures"]}
    assert explained["gains"]["counts"]["pairs"] == {
        gain["title"]: gain["difference"]["n"] for gain in made["gains"]
    }
    assert (
        explained["gains"]["left_out"]["homes_missing"].keys() == explained["gains"]["counts"]["pairs"].keys()
    )
    parts = explained["parts"]["counts"]
    assert parts["homes_by_unit"] == {unit["unit"]: unit["homes"] for unit in made["units"]}
    assert parts["devices_by_technology"]["medicine_dispenser"] == made["data"]["primary_devices"]
    calls = explained["calls"]
    assert calls["counts"]["homes_followed"] > 0
    assert sum((calls["counts"] | calls["left_out"]).values()) == len(made["homes"])
    assert calls["parameters"]["stopped_observed_days"] == ConcernLimits().stopped_observed_days
    assert calls["parameters"]["abandonment_days"] == made["parameters"]["abandonment_days"]
    assert (explained["intervals"]["counts"], explained["intervals"]["left_out"]) == ({}, {})


def test_periods_are_explained_by_the_homes_that_could_be_compared(api: httpx.Client) -> None:
    made = told(api, f"{ALNA}/report")
    found = told(api, f"{ALNA}/explain/periods")
    comparison = made["periods"]["comparison"]
    if comparison is None:  # the trial began a good five weeks ago
        assert (found["value"], found["counts"]) == (None, {})
    else:
        assert found["counts"]["homes_compared"] == comparison["difference"]["n"]


def test_a_figure_that_the_trial_does_not_have_is_explained_without_counts(api: httpx.Client) -> None:
    found = told(api, f"{ODENSE}/explain/participation")
    assert (found["value"], found["counts"]) == (None, {})
    assert found["meanings"]["nb"]


def test_the_days_behind_a_rate_are_exactly_those_it_counts(api: httpx.Client) -> None:
    made = told(api, f"{ALNA}/report")
    days = told(api, f"{ALNA}/days", as_of=made["as_of"])["days"]
    steady = Counter(day["state"] for day in days if day["in_steady_figures"])
    rate = made["use_day_rate"]
    assert steady["U"] == rate["used_observed_days"] > 0
    assert (steady["N"], steady["K"]) == (rate["unused_days"], rate["unknown_days"])
    assert Counter(day["state"] for day in days)["U"] == made["use_day_rate_all_days"]["used_observed_days"]
    counted = [day for day in days if day["in_steady_figures"] and day["state"] != "-"]
    assert sum(day["uses"] for day in counted) == made["intensity"]["uses_total"]


def test_a_day_shows_its_events_its_observed_minutes_and_whether_it_counts(api: httpx.Client) -> None:
    home = told(api, f"{ALNA}/report")["homes"][0]["home"]
    days = told(api, f"{ALNA}/days", home=home)["days"]
    assert {day["home"] for day in days} == {home}
    for day in days:
        assert 0 <= day["observed_minutes"] <= day["exposed_minutes"] <= 25 * 60
        assert (day["events_total"] > 0) == (day["hours_heard"] > 0)
    used = next(day for day in days if day["state"] == "U")
    assert used["uses"] > 0
    assert used["events_total"] >= used["uses"]
    unknown = told(api, f"{ALNA}/days", state="K")["days"]
    assert {day["state"] for day in unknown} <= {"K"}


def test_days_are_asked_for_by_period_and_bad_questions_are_answered(api: httpx.Client) -> None:
    all_days = sorted({day["day"] for day in told(api, f"{ALNA}/days")["days"]})
    middle = told(api, f"{ALNA}/days", from_day=all_days[3], to_day=all_days[5])["days"]
    assert sorted({day["day"] for day in middle}) == all_days[3:6]
    unknown_home = api.get(f"/v1/trials/{ALNA}/days", params={"home": "nobody"})
    assert (unknown_home.status_code, "no home 'nobody'" in unknown_home.json()["detail"]) == (404, True)
    bad_state = api.get(f"/v1/trials/{ALNA}/days", params={"state": "X"})
    assert (bad_state.status_code, "none of" in bad_state.json()["detail"]) == (400, True)
    no_figure = api.get(f"/v1/trials/{ALNA}/explain/happiness")
    assert no_figure.status_code == 404
    assert "use_day_rate" in no_figure.json()["detail"]


def test_any_days_may_be_asked_for_and_those_outside_the_trial_are_none(api: httpx.Client) -> None:
    days = told(api, f"{ALNA}/days")["days"]
    assert told(api, f"{ALNA}/days", from_day="0001-01-01", to_day="9999-12-31")["days"] == days
    home = days[0]["home"]
    for outside in ({"from_day": "9999-12-31"}, {"to_day": "0001-01-01"}):
        assert told(api, f"{ALNA}/days", **outside)["days"] == []
        assert told(api, f"{ALNA}/days", home=home, **outside)["days"] == []


def test_more_days_than_one_answer_holds_are_refused_with_the_way_to_have_them(
    api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = told(api, f"{ALNA}/days")["days"]
    monkeypatch.setattr(explain, "DAYS_MAX", len(days) - 1)
    refused = api.get(f"/v1/trials/{ALNA}/days")
    assert refused.status_code == 400
    detail = refused.json()["detail"]
    assert f"{len(days)} device-days are more than the {len(days) - 1} of one answer" in detail
    assert "from_day" in detail
    assert f"nyttig export {ALNA}" in detail
    assert told(api, f"{ALNA}/days", home=days[0]["home"])["days"]


@pytest.mark.parametrize("figure", list(definitions()))
def test_the_handbook_has_a_chapter_on_every_figure_with_its_formula(figure: str) -> None:
    handbook = (PROJECT / "docs" / "figures.md").read_text(encoding="utf-8")
    definition = definitions()[figure]
    chapter = handbook.partition(f'<a id="{figure}"></a>')[2].partition('<a id="')[0]
    assert chapter, f"docs/figures.md has no chapter on {figure}"
    assert definition.titles["en"] in chapter
    assert definition.meanings["en"] in chapter
    assert definition.is_not["en"] in chapter
    assert definition.formulas["en"] in chapter
    assert definition.sources["en"] in chapter
    assert all(f"`{name}`" in chapter for name in definition.parameters)
    assert f"figures/{figure}.svg" in chapter
    assert (PROJECT / "docs" / "figures" / f"{figure}.svg").is_file()
