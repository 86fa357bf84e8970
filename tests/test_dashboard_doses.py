"""The page Safety tells what became of doses, home by home, and what to do about those that were missed."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape

import pytest
import sample_trial
from sample_api import SampleApi
from showing import opened, shown, words
from streamlit.testing.v1 import AppTest

DISPENSER, TOILET = "alna-medisindispenser", "odense-toilet"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[SampleApi]:
    """A full API, whose address the dashboard finds in its environment. G04's device loses messages."""
    monkeypatch.setitem(sample_trial.FAULTY, "G04", ["lossy"])
    with shown(monkeypatch) as running:
        yield running


def safety(trial: str = DISPENSER, lang: str = "en") -> AppTest:
    return opened("views/safety.py", trial=trial, lang=lang)


def cards(app: AppTest) -> str:
    return unescape("\n".join(each.value for each in app.html))


def test_what_became_of_doses_is_told_of_all_homes_and_in_each_home_with_its_number(api: SampleApi) -> None:
    app = safety()
    assert "Doses of the last 28 days, taken in time: **372 of 588**" in words(app)
    assert "Late: 36. Missed: 180. Unknown: 52; that is never missed." in words(app)
    assert "doses of the last 28 days: 54 of 54 missed, 2 unknown" in cards(app)
    (table,) = [each.value for each in app.dataframe if "Doses, last 28 days" in each.value.columns]
    told = dict(zip(table["Home"], table["Doses, last 28 days"], strict=True))
    assert told["G02"] == "8 of 56 missed, 0 unknown"


def test_a_card_says_how_many_doses_were_missed_and_what_to_do_and_leads_to_the_call_where_there_is_one(
    api: SampleApi,
) -> None:
    app = safety()
    assert "6 doses missed in 7 days · since" in cards(app)
    asks = [each.value for each in app.markdown if each.value.startswith("Ask the home, or its home care")]
    assert len(asks) == 3, "A05, G06 and G12"
    (with_call,) = [each for each in asks if "[Needs a call](trial?trial=alna-medisindispenser" in each]
    assert "(stopped); one call does for both." in with_call
    assert "- **doses missed**: at least 3 in 7 days while the device was heard" in words(app)


def test_where_the_device_is_in_doubt_doses_are_not_due_and_the_page_says_why(api: SampleApi) -> None:
    app = safety()
    told = words(app).replace("\\", "")
    assert "the device has a fault and comes first: G04 (Losing messages)." in told
    assert "8 doses missed" not in cards(app)


@pytest.mark.parametrize(
    ("lang", "doses", "due", "ask", "rule"),
    [
        ("nb", "Doser de siste 28 dagene, tatt i tide:", "6 doser ikke tatt på 7 dager", "Spør hjemmet,", "minst 3 på 7 dager"),
        ("da", "Doser de seneste 28 dage, taget", "6 doser ikke taget på 7 dage", "Spørg hjemmet ", "mindst 3 på 7 dage"),
    ],
)  # fmt: skip
def test_the_same_is_said_in_norwegian_and_danish(
    api: SampleApi, lang: str, doses: str, due: str, ask: str, rule: str
) -> None:
    app = safety(lang=lang)
    assert due in cards(app)
    for said in (doses, ask, rule):
        assert said in words(app), said


def test_a_trial_without_doses_says_nothing_of_them(api: SampleApi) -> None:
    app = safety(TOILET)
    assert "Doses" not in words(app)
    assert all("Doses, last 28 days" not in each.value.columns for each in app.dataframe)
