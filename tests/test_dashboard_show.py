"""Every page says in plain words what is known, what is not, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sample_api import SampleApi, make_health
from sample_devices import make_devices
from sample_report import make_report
from showing import opened, shown, words

PAGES = (
    "views/overview.py",
    "views/trial.py",
    "views/devices.py",
    "views/demo_apartment.py",
    "views/work.py",
    "views/commissioning.py",
)
LANGUAGES = ("en", "nb", "da")


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[SampleApi]:
    """A full API, whose address the dashboard finds in its environment."""
    with shown(monkeypatch) as running:
        yield running


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_in_every_language_and_says_how_old_the_newest_event_is(
    api: SampleApi, page: str, lang: str
) -> None:
    said = words(opened(page, lang=lang))
    newest = {"en": "Last event stored 12 seconds ago", "nb": "Siste hendelse lagret for 12 sekunder siden"}
    newest["da"] = "Seneste hændelse gemt for 12 sekunder siden"
    assert newest[lang] in said


@pytest.mark.parametrize("page", PAGES)
def test_a_stopped_ingest_is_said_on_every_page(api: SampleApi, page: str) -> None:
    api.health = make_health(running=False, age_seconds=700.0) | {
        "status": "not_ready",
        "reason": "no ingestor is running",
    }
    app = opened(page)
    assert "Recording has stopped" in app.error[0].value
    assert "unknown in the figures, never unused" in app.error[0].value
    assert "12 minutes ago" in app.error[0].value


@pytest.mark.parametrize("page", PAGES)
def test_a_missing_api_is_said_in_plain_words_with_what_to_do(
    api: SampleApi, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    monkeypatch.setenv("NYTTIG_API_URL", "http://127.0.0.1:9")
    app = opened(page)
    assert "lost contact with Nyttig’s data service" in app.error[0].value
    assert "nyttig api" in app.error[0].value
    assert app.info


@pytest.mark.parametrize("page", PAGES)
def test_a_missing_database_is_said_with_its_reason(api: SampleApi, page: str) -> None:
    api.problem = (503, "the database at 127.0.0.1:5432 does not answer")
    errors = " ".join(error.value for error in opened(page).error).replace("\\", "")
    assert "not ready: the database at 127.0.0.1:5432 does not answer" in errors
    assert "cannot answer now" in errors


def test_an_ingest_that_lost_the_broker_is_said_at_once(api: SampleApi) -> None:
    api.health = make_health(connected=False) | {
        "status": "not_ready",
        "reason": "the ingestor is not connected",
    }
    assert "lost its connection to the message broker" in opened().error[0].value


@pytest.mark.parametrize(
    ("lang", "sentence", "age"),
    [
        ("en", "Messages are not getting through", "3 minutes ago"),
        ("nb", "Meldingene kommer ikke fram", "for 3 minutter siden"),
        ("da", "Beskederne kommer ikke frem", "for 3 minutter siden"),
    ],
)
def test_an_overdue_canary_is_said_in_plainwords(api: SampleApi, lang: str, sentence: str, age: str) -> None:
    api.health = make_health() | {
        "status": "not_ready",
        "reason": "no canary has come through",
        "last_canary_age_seconds": 190.0,
    }
    error = opened(lang=lang).error[0].value
    assert sentence in error
    assert age in error
    assert "canary" not in error


def test_canaries_that_come_through_are_no_news(api: SampleApi) -> None:
    api.health = make_health() | {"last_canary_age_seconds": 6.0, "canary_latency_seconds": 0.03}
    app = opened()
    assert not app.error
    assert not app.warning


def test_a_dashboard_without_any_ingest_says_how_to_start_one(api: SampleApi) -> None:
    api.health = make_health(age_seconds=None) | {
        "ingest": [],
        "status": "not_ready",
        "rollup_marks_waiting": 0,
    }
    error = opened().error[0].value
    assert "no receiver has ever been started" in error
    assert "No event has been stored yet" in error


def test_a_running_ingest_that_hears_nothing_for_hours_is_a_warning(api: SampleApi) -> None:
    api.health = make_health(age_seconds=3 * 3600.0)
    assert "nothing comes in" in opened().warning[0].value


def test_the_overview_gives_each_trial_with_n_interval_and_share_observed(api: SampleApi) -> None:
    said = words(opened())
    assert "3 trials · 39 homes" in said
    assert "10 of 11" in said
    assert "95% interval" in said
    assert "of days observed · 12 homes" in said


def test_a_standby_technology_is_headed_by_coverage_and_not_by_presses(api: SampleApi) -> None:
    said = words(opened(PAGES[1], trial="trygghetsalarm"))
    assert "Time covered" in said
    assert "How many homes are in contact" in said
    assert "Share of days in use" not in said
    assert "Unused" not in said


def test_a_trial_shows_its_figures_with_evidence_in_words(api: SampleApi) -> None:
    said = words(opened(PAGES[1], trial="alna-medisindispenser")).replace("\\", "")
    assert "evidence level 1 of 5: before and after in the same homes" in said
    assert "evidence level 0 of 5: single cases" in said
    assert "in only 4 homes, too few to judge by" in said
    assert "Uncertain: in one of the periods only 72% was registered." in said
    assert "2 times no device of a home was heard (2 homes)" in said
    assert "37.9 minutes freed per home and week" in said


def test_a_rate_with_too_little_observed_is_shown_as_bounds_only(api: SampleApi) -> None:
    report = api.reports[0]
    hidden = replace(
        report.use_day_rate, show="bounds", lower=0.41, upper=0.78, point=0.7, observability=0.52
    )
    api.reports[0] = replace(report, use_day_rate=hidden)
    said = words(opened(PAGES[1], trial=report.trial.id))
    assert "between 41% and 78%" in said
    assert "only 52% of days observed" in said
    assert "70%" not in said


@pytest.mark.parametrize("lost", [4, 0])
def test_unused_days_that_may_hide_a_use_are_counted_beside_the_rate(api: SampleApi, lost: int) -> None:
    report = api.reports[0]
    api.reports[0] = replace(
        report,
        use_day_rate=replace(report.use_day_rate, lossy_days=9, lossy_unused_days=lost),
        intensity=replace(report.intensity, recovered_uses=lost),
    )
    said = words(opened(PAGES[1], trial=report.trial.id))
    hidden = "On 4 of the days without use messages were lost on the way: uses may be among them."
    assert (hidden in said, "lost on the way" in said) == (lost > 0, lost > 0)
    assert ("own counters know of 4 more uses whose messages were lost." in said) == (lost > 0)


def test_a_trial_without_homes_says_what_to_do_next(api: SampleApi) -> None:
    api.reports = [make_report("new", "New trial", "medicine_dispenser", "scheduled", homes=0, days=0)]
    said = words(opened(PAGES[1]))
    assert "No home has the technology installed yet" in said
    assert "homes.csv" in said


def test_a_fresh_trial_of_two_days_shows_no_curve_and_no_rate(api: SampleApi) -> None:
    api.reports = [make_report("new", "New trial", "medicine_dispenser", "scheduled", homes=3, days=2)]
    said = words(opened(PAGES[1]))
    assert "no days yet" in said
    assert "no full week yet" in said


def test_one_home_can_be_chosen_by_the_address(api: SampleApi) -> None:
    app = opened(PAGES[1], trial="alna-medisindispenser", home="A05")
    assert app.query_params["home"] == "A05"
    assert [box.value for box in app.selectbox if box.label == "Homes"] == ["A05"]
    assert "still taking part" in words(app)


def test_what_is_chosen_stands_in_the_address(api: SampleApi) -> None:
    app = opened(PAGES[1])
    next(box for box in app.selectbox if box.label == "Trial").set_value("odense-toilet").run()
    assert app.query_params["trial"] == "odense-toilet"
    next(box for box in app.selectbox if box.label.startswith("Language")).set_value("da").run()
    assert app.query_params["lang"] == "da"
    assert "Hvert hjem, dag for dag" in words(app)
    app.switch_page(PAGES[2]).run()
    assert "Enheder" in [title.value for title in app.title]


def test_an_unknown_trial_in_the_address_is_said(api: SampleApi) -> None:
    assert "There is no trial called" in words(opened(PAGES[1], trial="gone"))


def test_a_demo_apartment_without_visitors_says_so_in_place_of_an_empty_picture(api: SampleApi) -> None:
    for device in api.demo_sites[0]["devices"]:
        device["visitor_uses"] = [0] * len(device["visitor_uses"])
    assert "None since 12 Oct 2026, though something may stand here unheard." in words(opened(PAGES[3]))


def test_a_gain_of_which_too_little_was_registered_is_never_plainly_better(api: SampleApi) -> None:
    report = api.reports[0]
    shaky = replace(report.gains[0], uncertain=True, registration_ratio=0.5)
    api.reports[0] = replace(report, gains=(shaky,))
    said = words(opened(PAGES[1], trial=report.trial.id))
    assert "Looks better, but is uncertain" in said
    assert "uncertain: 50% of the homes registered, counting those that have left" in said
    assert "**Better" not in said


def test_messages_set_aside_are_counted_with_their_reason(api: SampleApi) -> None:
    assert "41 messages are set aside" in words(opened(PAGES[2]))


def test_a_demo_apartment_tells_what_nobody_showed_and_what_was_not_heard(api: SampleApi) -> None:
    said = words(opened(PAGES[3]))
    assert "Not shown in the last 14 days: Safety alarm" in said
    assert "their zeros may not be zeros: Safety alarm" in said


@pytest.mark.parametrize(
    ("page", "advice"),
    [
        (PAGES[0], "nyttig load FOLDER"),
        (PAGES[1], "There are no trials yet"),
        (PAGES[2], "No devices are registered here"),
        (PAGES[3], "There is no demo apartment yet"),
    ],
)
def test_an_empty_page_says_what_to_do_next(api: SampleApi, page: str, advice: str) -> None:
    api.reports, api.demo_sites, api.quarantine = [], [], []
    api.devices = make_devices([])
    assert advice in words(opened(page))


def test_every_chart_has_words_and_a_table_beside_it(api: SampleApi) -> None:
    app = opened(PAGES[1], trial="alna-medisindispenser")
    charts = app.get("arrow_vega_lite_chart") or app.get("vega_lite_chart")
    tables = [box for box in app.expander if box.label == "Show as a table"]
    assert len(charts) == 9
    assert len(tables) == len(charts) + 3, "each chart, the silences, their causes, and the parts, as a table"
    assert all(chart.proto.alt for chart in charts)
