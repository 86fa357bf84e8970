"""The page of a technology that stands by: what it covers, when homes were last heard, and what became of alarms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sample_api import SampleApi
from sample_report import NOW
from sample_standby import raised
from showing import opened, shown, words
from streamlit.testing.v1 import AppTest

from nyttig.figures.adoption import Coverage
from nyttig.figures.alarms import alarm_figures

ALARM = "trygghetsalarm"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[SampleApi]:
    """A full API, whose address the dashboard finds in its environment."""
    with shown(monkeypatch) as running:
        yield running


def trial(which: str = ALARM) -> AppTest:
    return opened("views/trial.py", trial=which)


def unfolded(app: AppTest) -> AppTest:
    """The page after somebody asked how the periods were compared."""
    app.session_state["explain:periods"] = True
    app.run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    return words(app).replace("\\", "").replace("**", "")


def test_a_technology_that_stands_by_is_headed_by_what_it_covers_and_by_alarms(api: SampleApi) -> None:
    text = said(trial(ALARM))
    assert "Time covered" in text
    assert "worn or armed in 75% of the time in contact" in text
    assert "Longest without a sign of life: G08 4 days ago" in text
    assert "Alarms handled within 15 min" in text
    assert "15 alarms in 5 of 13 homes" in text
    assert "1 was not handled" in text
    assert "Not handled in: A05 (1)." in text
    assert "1 unknown: its handling may have been lost" in text
    assert "1 test, or alarm by staff, is not counted." in text


def test_two_periods_of_what_stands_by_are_told_with_what_they_cover(api: SampleApi) -> None:
    text = said(unfolded(trial(ALARM)))
    assert "19 Oct 2026 to 15 Nov 2026 · Time covered" in text
    assert "Compared is the time in which a device was worn or armed, and in contact." in text
    assert "could alone make the whole difference" not in text


def test_where_nobody_knows_what_was_worn_the_page_says_that_this_could_make_the_difference(
    api: SampleApi,
) -> None:
    place = next(n for n, report in enumerate(api.reports) if report.trial.id == ALARM)
    report = api.reports[place]
    assert report.periods.comparison is not None
    vague = replace(report.periods.comparison, unknown_could_explain=True)
    api.reports[place] = replace(report, periods=replace(report.periods, comparison=vague))
    assert "nobody knows whether it was worn or armed could alone make the whole difference" in said(
        trial(ALARM)
    )


def test_every_alarm_can_be_read_with_what_became_of_it(api: SampleApi) -> None:
    app = trial(ALARM)
    next(toggle for toggle in app.toggle if toggle.label == "See the alarms").set_value(True).run()
    table = next(frame.value for frame in app.dataframe if "What became of it" in frame.value.columns)
    assert len(table) == 16
    assert set(table["What became of it"]) == {
        "handled in time", "handled late", "not handled", "unknown", "still open", "test, or by staff",
    }  # fmt: skip


def test_no_alarm_at_all_is_said_with_the_homes_that_could_have_raised_one(api: SampleApi) -> None:
    place = next(n for n, report in enumerate(api.reports) if report.trial.id == ALARM)
    quiet = alarm_figures(
        raised((), NOW), homes=[("A01", "x"), ("A03", "x")], units=(), as_of=NOW, timezone="Europe/Oslo"
    )
    api.reports[place] = replace(api.reports[place], alarms=quiet)
    text = said(trial(ALARM))
    assert "No alarm was raised in 2 homes that could have raised one." in text
    assert "no alarm was raised · 2 homes" in text


def test_where_no_device_says_whether_it_is_worn_the_page_speaks_of_time_in_contact(api: SampleApi) -> None:
    place = next(n for n, report in enumerate(api.reports) if report.trial.id == ALARM)
    report = api.reports[place]
    found = report.periods.comparison
    assert found is not None

    def untold(told: Coverage) -> Coverage:
        return replace(told, armed_known=False, armed_unknown_minutes=told.online_minutes, armed_ratio=None)

    before, after = (replace(each, coverage=untold(each.coverage)) for each in (found.before, found.after))
    api.reports[place] = replace(
        report,
        coverage=untold(report.coverage),
        periods=replace(report.periods, comparison=replace(found, before=before, after=after)),
    )
    text = said(unfolded(trial(ALARM)))
    assert "· Time in contact" in text
    assert "Compared is the time in contact: no device has said whether it is worn or armed." in text
    assert "Time covered" not in text
    assert "no device has said whether it is worn or armed" in text


def test_coverage_of_which_too_little_is_known_is_shown_between_its_bounds(api: SampleApi) -> None:
    place = next(n for n, report in enumerate(api.reports) if report.trial.id == ALARM)
    report = api.reports[place]
    api.reports[place] = replace(
        report, coverage=replace(report.coverage, show="bounds", ratio=0.2, upper=0.9)
    )
    assert "between 20% and 90%" in said(trial(ALARM))
