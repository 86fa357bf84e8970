"""Over HTTP people register work and answers, and are told what is missing and what an answer scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from conftest import Database, DatabaseServer
from fastapi import Request
from packages import one_home
from serving import serving

from api.deps import principal
from nyttig.expected import registrations
from nyttig.model import LOCAL_PRINCIPAL, Gain, Home, Parameters, Principal, TrialPackage
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, registry

TODAY = datetime.now(UTC).date()
UNIT, OTHER = "Bydel Alna", "Bydel Sagene"
GAINS = (
    Gain("time", "Fewer visits", "time", "organisation", "visit_minutes_per_week", "lower"),
    Gain("well", "Better days", "quality", "citizen", "who5", "higher"),
    Gain("staff", "Calmer shifts", "quality", "organisation", "calm", "higher"),
    Gain("falls", "Fewer falls", "quality", "citizen", "falls", "lower"),
)


def day(ago: int) -> date:
    return TODAY - timedelta(days=ago)


def package(trial: str) -> TrialPackage:
    """h1 and h2 have had the technology for long, h3 since yesterday, h4 left before, h5 only agreed; o1 is elsewhere."""
    first = one_home("medicine_dispenser", trial=trial)
    homes = (
        Home("h1", "home", UNIT, day(90), day(80), day(40)),
        Home("h2", "home", UNIT, day(90), day(80), day(40)),
        Home("h3", "home", UNIT, day(90), day(80), day(1)),
        Home("h4", "home", UNIT, day(90), day(80), day(40), day(2), "moved"),
        Home("h5", "home", UNIT, day(90), day(80)),
        Home("h6", "home", UNIT, day(90)),
        Home("demo", "demo", UNIT),
        Home("o1", "home", OTHER, day(90), day(80), day(40)),
    )
    return replace(
        first,
        trial=replace(first.trial, units=(UNIT, OTHER), gains=GAINS, starts=day(40), parameters=Parameters()),
        homes=tuple(replace(home, home=f"{trial}-{home.home}") for home in homes),
        devices=(),
        placements=(),
    )


@pytest.fixture(scope="module")
def filled(embedded_server: DatabaseServer) -> Iterator[Database]:
    with embedded_server.fresh_database() as database:
        yield database


def asker(request: Request) -> Principal:
    """Who asks, by a header: a coordinator of one unit where it names one."""
    unit = request.headers.get("x-unit")
    return replace(LOCAL_PRINCIPAL, units=None if unit is None else frozenset({unit}))


@pytest.fixture(scope="module")
def api(filled: Database) -> Iterator[httpx.Client]:
    with serving(filled.conninfo, {principal: asker}) as client:
        yield client


@pytest.fixture
def trial(filled: Database, request: pytest.FixtureRequest) -> str:
    name = f"t{abs(hash(request.node.name)) % 10**8}"
    with db.connect(filled.conninfo) as session:
        registry.save(session, package(name), builtin_technologies())
        session.commit()
    return name


def enter(api: httpx.Client, trial: str, kind: str, **values: Any) -> dict[str, Any]:
    answer = api.post(f"/v1/trials/{trial}/entries/{kind}", json=values)
    assert answer.status_code == 200, answer.text
    entered: dict[str, Any] = answer.json()
    return entered


def refused(api: httpx.Client, trial: str, kind: str, **values: Any) -> str:
    answer = api.post(f"/v1/trials/{trial}/entries/{kind}", json=values)
    assert answer.status_code == 422, answer.text
    return str(answer.json()["detail"])


def told(api: httpx.Client, trial: str, unit: str | None = None) -> dict[str, Any]:
    answer = api.get(f"/v1/trials/{trial}/registrations", headers={"x-unit": unit} if unit else {})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def gain(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in found["gains"] if each["gain"] == name)


def who5(trial: str, home: str, items: str, ago: int, period: str, **more: Any) -> dict[str, Any]:
    values = {
        "home": f"{trial}-{home}",
        "items": items,
        "answered_on": day(ago).isoformat(),
        "period": period,
    }
    return {"instrument": "who5", "respondent": "resident", **values, **more}


def line(trial: str, home: str | None, ago: int, **more: Any) -> dict[str, Any]:
    where = {} if home is None else {"home": f"{trial}-{home}"}
    given = {
        "unit": UNIT,
        "day": day(ago).isoformat(),
        "shift": "day",
        "period": "after",
        "purpose": "medicine",
    }
    return {**given, "count": 1, "minutes": 10.0, **where, **more}


def test_each_gain_says_which_homes_lack_a_value_and_which_are_not_due(api: httpx.Client, trial: str) -> None:
    enter(api, trial, "answer", **who5(trial, "h1", "3 3 3 2 2", 60, "before"))
    enter(api, trial, "answer", **who5(trial, "h1", "4 3 3 3 3", 3, "after"))
    enter(api, trial, "answer", **who5(trial, "h2", "4 3 - 3 3", 3, "after"))
    found = gain(told(api, trial), "well")
    assert (found["way"], found["without_score"]) == ("questionnaire", 1)
    before, after = (
        {
            name: [home.removeprefix(f"{trial}-") for home in values[name]]
            for name in ("missing", "not_due", "gone")
        }
        for values in found["homes"]
    )
    assert [values["with_value"] for values in found["homes"]] == [1, 1]
    assert before == {"missing": ["h2", "h3", "h5", "o1"], "not_due": [], "gone": ["h4"]}
    assert after == {"missing": ["h2", "o1"], "not_due": ["h3", "h5"], "gone": ["h4"]}, (
        "a left-out item has no score"
    )


def test_staff_are_counted_by_their_answers_and_counts_by_their_periods(
    api: httpx.Client, trial: str
) -> None:
    enter(
        api, trial, "instrument", key="calm", title="Calm", items="Calm?\nTime enough?", answered_by="staff"
    )
    given = {"instrument": "calm", "unit": UNIT, "respondent": "staff", "answered_on": day(50).isoformat()}
    enter(api, trial, "answer", period="before", items="3 4", **given)
    for months in (3, 2, 1):
        counted = {"indicator": "falls", "starts_on": day(30 * months).isoformat(), "value": 2.0}
        enter(api, trial, "series_point", **counted)
    found = told(api, trial)
    assert (gain(found, "staff")["way"], gain(found, "staff")["answers"]) == ("staff_questionnaire", [1, 0])
    assert gain(found, "staff")["homes"] == []
    assert (gain(found, "falls")["way"], gain(found, "falls")["points"]) == ("series", [2, 1])


def test_a_registration_says_of_each_shift_whether_its_form_is_there(api: httpx.Client, trial: str) -> None:
    plan = {"unit": UNIT, "period": "after", "from_day": day(2).isoformat(), "to_day": (day(-2)).isoformat()}
    entered = enter(api, trial, "registration_plan", shifts="day night", **plan)["entry"]
    enter(api, trial, "registration", **line(trial, "h1", 2, count=2, minutes=20.0))
    enter(api, trial, "registration", **line(trial, "h2", 2))
    enter(
        api, trial, "registration", **line(trial, None, 2, shift="night", purpose="none", minutes=0, count=0)
    )
    enter(api, trial, "registration", **line(trial, "h1", 0))
    (found,) = told(api, trial)["plans"]
    assert found["entry"] == entered
    states = {(each["day"], each["shift"]): each["state"] for each in found["forms"]}
    assert len(states) == 10
    assert [states[day(2).isoformat(), shift] for shift in ("day", "night")] == ["made", "made"]
    assert [states[day(1).isoformat(), shift] for shift in ("day", "night")] == ["missing", "missing"]
    assert states[day(0).isoformat(), "day"] == "made"
    assert states[day(0).isoformat(), "night"] == "to_come", "it is not over yet"
    total = found["due"]["total"]
    assert (total["made"], total["expected"], total["uncertain"]) == (3, 5, True)
    assert next(each for each in found["forms"] if each["lines"] == 2)["homes"] == 2
    assert [home.removeprefix(f"{trial}-") for home in found["homes_registered"]] == ["h1", "h2"]
    assert [home.removeprefix(f"{trial}-") for home in found["homes_expected"]] == [
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
    ]
    kinds = {each["kind"]: each for each in told(api, trial)["registered"]}
    assert (kinds["registration"]["after"], kinds["registration"]["last_on"]) == (4, day(0).isoformat())


def test_who_may_see_one_unit_is_told_of_that_one(api: httpx.Client, trial: str) -> None:
    enter(
        api,
        trial,
        "registration_plan",
        unit=UNIT,
        period="before",
        from_day="2026-08-01",
        to_day="2026-08-14",
    )
    enter(api, trial, "answer", **who5(trial, "h1", "3 3 3 2 2", 60, "before"))
    found = told(api, trial, OTHER)
    assert (found["units"], found["plans"]) == ([OTHER], [])
    assert [each["home"] for each in found["homes"]] == [f"{trial}-o1"]
    assert gain(found, "well")["homes"][0]["missing"] == [f"{trial}-o1"]
    answers = api.get(f"/v1/trials/{trial}/questionnaires", headers={"x-unit": OTHER}).json()["answers"]
    assert answers == []
    assert api.get(f"/v1/trials/{trial}/registrations", headers={"x-unit": "Elsewhere"}).status_code == 404
    assert api.get("/v1/trials/none/registrations").status_code == 404


def test_an_answer_is_scored_and_a_left_out_item_has_no_score(api: httpx.Client, trial: str) -> None:
    enter(api, trial, "answer", **who5(trial, "h1", "3 3 3 2 2", 60, "before"))
    enter(api, trial, "answer", **who5(trial, "h1", "1 1 1 1 2", 3, "after", respondent="proxy", way="paper"))
    enter(api, trial, "answer", **who5(trial, "h2", "1 - 1 1 2", 3, "after"))
    eq5d = {"instrument": "eq5d5l", "items": "1 1 1 2 3", "value_set": "dk-2021"}
    enter(api, trial, "answer", **{**who5(trial, "h2", "", 3, "after"), **eq5d})
    found = api.get(f"/v1/trials/{trial}/questionnaires").json()
    assert [each["key"] for each in found["questionnaires"]] == ["who5", "eq5d5l", "sus"]
    assert [(each["score"], each["left_out"], each["at_most"]) for each in found["answers"]] == [
        (52.0, 0, []),
        (24.0, 0, ["low_wellbeing", "possible_depression"]),
        (None, 1, []),
        (0.761, 0, []),
    ]
    assert all(each["texts"] == [] for each in found["questionnaires"]), "their wording is their owners'"


@pytest.mark.parametrize(
    ("kind", "wrong", "said"),
    [
        ("answer", {"items": "3 3 3 2"}, "items: '3 3 3 2': who5: 4 answers"),
        ("answer", {"items": "3 3 3 2 6"}, "who5, item 5: 6 is beside the scale"),
        ("answer", {"items": "3 3 3 2 x"}, "items: 'x' is no answer"),
        ("answer", {"items": "- - - - -"}, "answers nothing"),
        ("answer", {"instrument": "who6"}, "instrument: there is no questionnaire 'who6'"),
        (
            "answer",
            {"instrument": "eq5d5l", "value_set": "no-1900", "items": "1 1 1 1 1"},
            "value_set: there is no value set",
        ),
        ("answer", {"home": None}, "home: is empty"),
        ("answer", {"home": None, "respondent": "staff"}, "unit: is empty"),
        ("answer", {"answered_on": day(-1).isoformat()}, "is still to come"),
        ("instrument", {"key": "who5"}, "key: 'who5' is known already"),
        ("instrument", {"lowest": 5, "highest": 5}, "give an item and two steps"),
        ("instrument", {"reversed_items": "9"}, "there is no item 9 to reverse"),
        ("instrument", {"reversed_items": "two"}, "reversed_items: 'two'"),
        ("registration", {"day": day(-1).isoformat()}, "day: "),
        ("registration", {"unit": OTHER}, "lies in 'Bydel Alna'"),
        ("registration", {"minutes": 2000.0}, "minutes: 2000 is more than a day has"),
        (
            "registration",
            {"purpose": "none"},
            "purpose: 'none' says that there was nothing, and there are minutes",
        ),
        ("registration_plan", {"to_day": "2026-07-01"}, "to_day: '2026-07-01' is before the first day"),
        ("registration_plan", {"shifts": "day dawn"}, "shifts: 'day dawn' cannot be"),
        ("registration_plan", {"shifts": "day day"}, "shifts: 'day day' cannot be"),
        ("feedback", {"words": "Ring 22 33 44 55"}, "words: '22 33 44 55' looks like a phone number"),
    ],
)
def test_what_cannot_be_counted_is_refused_with_field_and_remedy(
    api: httpx.Client, trial: str, kind: str, wrong: dict[str, Any], said: str
) -> None:
    right: dict[str, dict[str, Any]] = {
        "answer": who5(trial, "h1", "3 3 3 2 2", 3, "after"),
        "instrument": {"key": "own", "title": "Own", "items": "One?\nTwo?"},
        "registration": line(trial, "h1", 2),
        "registration_plan": {
            "unit": UNIT,
            "period": "before",
            "from_day": "2026-08-01",
            "to_day": "2026-08-14",
        },
        "feedback": {
            "words": "It beeps at night",
            "said_by": "resident",
            "said_on": day(1).isoformat(),
            "visible_to": "everyone",
        },
    }
    detail = refused(api, trial, kind, **{**right[kind], **wrong})
    assert said in detail
    enter(api, trial, kind, **right[kind])


def test_a_shift_with_work_cannot_say_that_there_was_none(api: httpx.Client, trial: str) -> None:
    enter(api, trial, "registration", **line(trial, "h1", 2))
    nothing = {"purpose": "none", "minutes": 0, "count": 0}
    assert "'medicine' is registered" in refused(
        api, trial, "registration", **line(trial, None, 2, **nothing)
    )
    assert "'medicine' is registered" in refused(
        api, trial, "registration", **line(trial, "h1", 2, **nothing)
    )
    enter(api, trial, "registration", **line(trial, "h2", 2, **nothing))
    enter(api, trial, "registration", **line(trial, None, 2, shift="night", **nothing))
    assert "'none' is registered" in refused(api, trial, "registration", **line(trial, "h2", 2))
    assert "'none' is registered" in refused(
        api, trial, "registration", **line(trial, "h1", 2, shift="night")
    )


def test_two_plans_of_a_unit_do_not_meet_and_one_can_be_moved(api: httpx.Client, trial: str) -> None:
    plan = {"unit": UNIT, "period": "before", "from_day": "2026-08-01", "to_day": "2026-08-14"}
    entry = enter(api, trial, "registration_plan", **plan)["entry"]
    (found,) = told(api, trial)["plans"]
    assert found["due"]["total"]["ratio"] == 0.0, "all of it is over, and nothing was filled in"
    meets = {**plan, "from_day": "2026-08-14", "to_day": "2026-08-27"}
    assert "meets the registration" in refused(api, trial, "registration_plan", **meets)
    enter(api, trial, "registration_plan", **{**meets, "unit": OTHER})
    moved = api.put(f"/v1/entries/{entry}", params={"version": 1}, json={**plan, "to_day": "2026-08-10"})
    assert moved.status_code == 200, moved.text


def test_a_questionnaire_that_was_answered_keeps_its_items_and_scale(api: httpx.Client, trial: str) -> None:
    own = {"key": "own", "title": "Own", "items": "One?\nTwo?"}
    entry = enter(api, trial, "instrument", **own)["entry"]
    enter(api, trial, "answer", **{**who5(trial, "h1", "3 4", 3, "after"), "instrument": "own"})
    for wrong in ({"items": "One?"}, {"highest": 7}, {"key": "other"}):
        answer = api.put(f"/v1/entries/{entry}", params={"version": 1}, json={**own, **wrong})
        assert "1 answers were given to 2 items from 1 to 5" in answer.json()["detail"]
    better = api.put(f"/v1/entries/{entry}", params={"version": 1}, json={**own, "items": "First?\nTwo?"})
    assert better.status_code == 200, better.text


def test_a_trial_without_anything_says_so(trial: str) -> None:
    bare = replace(package(trial), homes=())
    bare = replace(bare, trial=replace(bare.trial, gains=()))
    found = registrations(bare, TODAY)
    assert (found.homes, found.gains, found.plans) == ((), (), ())
    assert {each.total for each in found.registered} == {0}
