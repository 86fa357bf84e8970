"""The trial page answers its questions: who needs a call, is it used, by whom, who stopped, why, is it getting better?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sample_api import SampleApi
from sample_report import make_report, rate, share
from sample_trial import make_calls, make_home
from showing import opened, shown, words
from streamlit.testing.v1 import AppTest

from nyttig.figures.intervals import Share
from nyttig.figures.periods import Change, Periods, Verdict

PAGE = "views/trial.py"
ALNA, TOILET, ALARM = "alna-medisindispenser", "odense-toilet", "trygghetsalarm"
QUESTIONS = [
    "Needs a call",
    "Safety: due",
    "Is it used?",
    "By whom?",
    "Who stopped?",
    "Since when, and is it the device or the person?",
    "Is it getting better?",
    "Does it help?",
]
CALLED = "A05"
"""The home of the made-up trial whose use stopped while its device was heard."""


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[SampleApi]:
    """A full API, whose address the dashboard finds in its environment."""
    with shown(monkeypatch) as running:
        yield running


def trial(which: str = ALNA, **address: str) -> AppTest:
    return opened(PAGE, trial=which, **address)


def said(app: AppTest) -> str:
    return words(app).replace("\\", "")


def unfolded(app: AppTest, key: str) -> AppTest:
    """The page after somebody unfolded this."""
    app.session_state[key] = True
    app.run()
    assert not app.exception
    return app


def pressed(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app


def test_the_page_asks_its_questions_in_order(api: SampleApi) -> None:
    assert [header.value for header in trial().header] == QUESTIONS


def test_each_question_further_down_is_one_link_away(api: SampleApi) -> None:
    for which, missing in ((ALNA, None), (ALARM, "stopped")):
        app = trial(which)
        links = next(text.value for text in app.markdown if "](#" in text.value)
        places = re.findall(r"\(#(\w+)\)", links)
        marked = [
            name for each in app.get("html") for name in re.findall(r'<div id="(\w+)"', each.proto.body)
        ]
        assert places == marked, "every link leads somewhere, and every place has its link"
        assert len(places) == (6 if missing is None else 5)
        assert missing not in places


def test_a_home_that_stopped_stands_on_top_with_the_evidence(api: SampleApi) -> None:
    text = said(trial())
    assert CALLED in text
    assert "days a week until 12 Oct 2026, not once in the" in text
    first = next(each.value for each in trial().markdown if "<b>A" in each.value or "<b>G" in each.value)
    assert CALLED in first


def test_a_home_with_a_device_fault_is_the_installers_and_never_a_call(api: SampleApi) -> None:
    app = trial()
    (box,) = [each.value for each in app.markdown if "the installer’s, not a call" in each.value]
    assert "<b>G08</b>" in box
    assert "Silent" in box
    assert "work?site=G08" in box
    assert not any("What was done?" in each.label and "G08" in str(each) for each in app.expander)
    assert "G08" not in [call["concern"]["home"] for call in make_calls(api.reports[0])["calls"]]


def test_a_home_not_observed_lately_leads_to_its_devices(api: SampleApi) -> None:
    calls = make_calls(api.reports[0], faults={})
    calls["device_first"] = [
        {"home": "G04", "unit": "Bydel Gamle Oslo", "statuses": [], "unknown_days": 6, "concern": None}
    ]
    api.more[f"/v1/trials/{ALNA}/calls"] = calls
    text = said(trial())
    assert "not observed for 6 days" in text
    assert "devices?find=G04" in text


def test_nobody_to_call_is_said(api: SampleApi) -> None:
    api.more[f"/v1/trials/{ALNA}/calls"] = make_calls(api.reports[0]) | {"calls": [], "device_first": []}
    text = said(trial())
    assert "No home’s use fell or stopped, as far as the days up to" in text
    assert "No home uses it less than it did" in text


def test_a_technology_that_stands_by_has_no_calls_and_no_curve(api: SampleApi) -> None:
    app = trial(ALARM)
    text = said(app)
    assert "not pressing it is no sign of anything" in text
    assert "Who stopped?" not in [header.value for header in app.header]
    assert text.index("Time covered") < text.index("How many homes are in contact")


def test_the_measure_of_the_class_comes_first(api: SampleApi) -> None:
    text = said(trial())
    assert (
        text.index("Done in time") < text.index("How many homes use it") < text.index("How much it is used")
    )
    assert "that were due while somebody would have noticed" in text
    assert "Done in time" not in said(trial(TOILET))


@pytest.mark.parametrize("homes", [9, 12])
def test_a_curve_is_drawn_from_ten_homes_on_with_the_number_at_risk(api: SampleApi, homes: int) -> None:
    api.reports = [make_report("new", "New", "wash_dry_toilet", "on_demand", homes=homes)]
    text = said(trial("new"))
    assert ("Under ten homes a curve would show single people" in text) == (homes < 10)
    assert ("homes still under observation on that day, of" in text) == (homes >= 10)
    assert "observed days without use since" in text
    assert "no reason is known" in text


def test_homes_with_a_concern_stand_above_the_others(api: SampleApi) -> None:
    app = trial()
    assert "■ stopped" in said(app)
    (homes,) = [table for table in app.dataframe if "Days with lost messages" in table.value.columns]
    called = [call["concern"]["home"] for call in make_calls(api.reports[0])["calls"]]
    assert list(homes.value["Home"])[: len(called) + 1] == [*called, "G08"]


@pytest.mark.parametrize(
    ("verdict", "low", "high", "sentence"),
    [
        ("more", 0.02, 0.2, "**More than before.** +11 percentage points in 12 homes (95% interval +2 to +20): more than"),
        ("less", -0.2, -0.02, "**Less than before.** "),
        ("no_clear_change", -0.1, 0.3, "chance between homes alone could do that"),
        ("too_few_homes", None, None, "too few homes to tell it from chance"),
    ],
)  # fmt: skip
def test_two_periods_are_told_apart_from_chance_in_plain_words(
    api: SampleApi, verdict: Verdict, low: float | None, high: float | None, sentence: str
) -> None:
    report = api.reports[0]
    assert report.periods.comparison is not None
    found = replace(
        report.periods.comparison,
        verdict=verdict,
        unknown_could_explain=True,
        difference=Change(12, 0.11, low, high),
    )
    api.reports = [replace(report, periods=Periods(found))]
    text = said(trial())
    assert sentence in text
    assert "the unknown days alone could make the whole difference" in text


def trial_answer(api: SampleApi, rest: str) -> dict[str, Any]:
    status, body = api.answer(f"/v1/trials/{ALNA}/{rest}")
    assert status == 200
    answer: dict[str, Any] = body
    return answer


def test_what_was_done_in_time_is_told_for_both_periods_with_its_interval(api: SampleApi) -> None:
    report = api.reports[0]
    found = report.periods.participation
    assert found is not None
    told = replace(
        found,
        before=replace(found.before, done=Share(81, 100, 0.81, 0.7, 0.88)),
        after=replace(found.after, done=Share(78, 100, 0.78, 0.66, 0.86)),
        difference=Change(11, -0.034, -0.12, 0.05),
        verdict="no_clear_change",
    )
    api.reports = [replace(report, periods=replace(report.periods, participation=told))]
    text = said(trial())
    assert (
        "Done in time: 81% (95% interval 70–88%) before, 78% (95% interval 66–86%) in the last four weeks."
        in text
    )
    assert "**No clear change.** −3 percentage points in 11 homes (95% interval −12 to +5)" in text


def test_units_and_technologies_stand_side_by_side_each_with_what_it_rests_on(api: SampleApi) -> None:
    report = api.reports[0]
    app = trial()
    (units,) = [each.value for each in app.markdown if "<b>Bydel Gamle Oslo</b>" in each.value]
    (technologies,) = [each.value for each in app.markdown if "<b>Door sensor</b>" in each.value]
    for unit in report.units:
        assert f"<b>{unit.unit}</b>" in units
        stopped = unit.staying
        assert f"stopped: {stopped.abandoned} of {stopped.homes}" in units
        habit = unit.sustained.share
        assert f"a habit in {habit.count} of {habit.of}" in units
    assert units.count("done in time: ") == 2
    assert technologies.index("Medicine dispenser") < technologies.index("Door sensor")
    assert "stopped" not in technologies.split("Door sensor")[1], "a sensor that stands by is not given up"
    (table,) = [each.value for each in app.dataframe if "Homes with a habit" in each.value.columns]
    assert list(table["Part"]) == [*(unit.unit for unit in report.units), "Medicine dispenser", "Door sensor"]
    whole = report.use_day_rate
    assert table["Share of days in use"].iloc[2] == f"{whole.point:.0%}"


def test_a_trial_in_one_unit_with_one_technology_has_no_parts(api: SampleApi) -> None:
    report = api.reports[0]
    api.reports = [replace(report, units=report.units[:1], technologies=report.technologies[:1])]
    text = said(trial())
    assert "Unit by unit" not in text
    assert "Technology by technology" not in text


def test_a_young_trial_has_nothing_to_compare(api: SampleApi) -> None:
    api.reports = [make_report("new", "New", "medicine_dispenser", "scheduled", homes=3, days=20)]
    assert "There are not eight complete weeks yet to compare." in said(trial("new"))


@pytest.mark.parametrize(
    ("lang", "words_"),
    [
        ("en", ("What it is not", "days used and observed (U)", "usual intervals that a message counts for: 3",
                "bounds (U+u)")),
        ("nb", ("Hva det ikke er", "dager brukt og observert (U)", "vanlige intervaller som en melding",
                "grenser (U+u)", "Vårt eget forslag")),
        ("da", ("Hvad det ikke er", "dage brugt og observeret (U)", "sædvanlige intervaller, som en besked",
                "grænser (U+u)", "Vores eget forslag")),
    ],
)  # fmt: skip
def test_a_figure_says_how_it_was_computed_in_the_readers_language(
    api: SampleApi, lang: str, words_: tuple[str, ...]
) -> None:
    text = said(unfolded(trial(lang=lang), "explain:use_day_rate"))
    rate = api.reports[0].use_day_rate
    assert all(each in text for each in words_), text
    assert f"(U): {rate.used_observed_days}" in text
    assert "U/(U+N)" in text
    assert "Manski" in text


def test_what_went_in_names_technologies_as_the_reader_does(api: SampleApi) -> None:
    text = said(unfolded(trial(lang="nb"), "explain:parts"))
    assert "enheter per teknologi: Medisindispenser" in text
    assert "medicine_dispenser" not in text


@pytest.mark.parametrize(
    ("days", "below"),
    [("U" * 60 + "u" * 30 + "N" * 40, True), ("U" * 60 + "u" * 3 + "N" * 40 + "K" * 9, False)],
)
def test_a_share_below_its_own_bounds_says_why(api: SampleApi, days: str, below: bool) -> None:
    api.reports[0] = replace(api.reports[0], use_day_rate=rate(12, days))
    text = said(trial())
    assert ("**60%** · 69–69%" in text) == below
    assert ("The share is below its bounds: they count 30 more days of use" in text) == below


def test_where_nothing_due_was_observed_that_is_said_in_its_place(api: SampleApi) -> None:
    report = api.reports[0]
    assert report.participation is not None
    nothing = replace(report.participation.steady, done=share(0, 0), late=0, missed=0, unknown=915)
    api.reports[0] = replace(report, participation=replace(report.participation, steady=nothing))
    text = said(trial())
    assert text.count("Used it last week") == 1
    assert "0 of 0 that were due while somebody would have noticed · 915 unknown" in text


def test_every_figure_of_the_report_can_be_unfolded(api: SampleApi) -> None:
    app = trial()
    figures = [
        each["figure"]
        for each in trial_answer(api, "explain")["figures"]
        if each["figure"] not in ("coverage", "alarms")  # this trial's technology does not stand by
    ]
    for figure in figures:
        app.session_state[f"explain:{figure}"] = True
    app.run()
    assert not app.exception
    assert said(app).count("Definition version") == len(figures)


def test_the_days_behind_a_figure_are_listed_with_events_minutes_and_gaps(api: SampleApi) -> None:
    app = unfolded(trial(), "explain:use_day_rate")
    next(toggle for toggle in app.toggle if toggle.label == "See the days").set_value(True).run()
    text = said(app)
    assert "20 device-days." in text
    assert "Newest gap in what devices numbered:" in text
    (days,) = [table.value for table in app.dataframe if "Minutes observed" in table.value.columns]
    assert days["Minutes observed"].iloc[0] == "1,400 of 1,440"
    assert days["Events"].iloc[0] == "61"
    assert sum(int(gaps) for gaps in days["Gaps"]) == 1


def test_a_changed_threshold_is_told_under_the_figures_it_bears_on(api: SampleApi) -> None:
    report = trial_answer(api, "report")
    then = {"use_day_rate": report["use_day_rate"], "sustained": report["sustained"]["share"]}
    change = {
        "changed_at": "2026-11-02T09:00:00+00:00", "changed_by": "command line",
        "before": {"observed_share_required": 0.8}, "after": {"observed_share_required": 0.6},
        "figures_before": then, "figures_after": then,
    }  # fmt: skip
    api.more[f"/v1/trials/{ALNA}/threshold-changes"] = {"changes": [change]}
    assert "share of a day that must be observed: 80% → 60%" in said(
        unfolded(trial(), "explain:use_day_rate")
    )
    assert "80% → 60%" not in said(unfolded(trial(), "explain:funnel"))


@pytest.mark.parametrize(
    ("figure", "threshold", "told"),
    [
        ("retention", "abandonment_days", "Homes that stopped 3 → 2."),
        (
            "weeks",
            "regular_use_days_per_week",
            "Used last week 8 of 10 → 7 of 10; regularly 6 of 10 → 5 of 10.",
        ),
        ("sustained", "sustained_within_days", "sustained 4 of 10 → 3 of 10."),
        ("participation", "participation_window_minutes", "Done in time 9 of 10 → 8 of 10."),
    ],
)
def test_a_changed_threshold_shows_both_values_of_the_figure_it_bears_on(
    api: SampleApi, figure: str, threshold: str, told: str
) -> None:
    rate = trial_answer(api, "report")["use_day_rate"]

    def figures(less: int) -> dict[str, Any]:
        counts = {"active_last_week": 8, "regular_last_week": 6, "sustained": 4, "done_in_time": 9}
        shares = {name: {"count": count - less, "of": 10} for name, count in counts.items()}
        return {"use_day_rate": rate, "homes_stopped": 3 - less, "alarms_in_time": None, **shares}

    change = {
        "changed_at": "2026-11-02T09:00:00+00:00", "changed_by": "command line",
        "before": {threshold: 14}, "after": {threshold: 28},
        "figures_before": figures(0), "figures_after": figures(1),
    }  # fmt: skip
    api.more[f"/v1/trials/{ALNA}/threshold-changes"] = {"changes": [change]}
    text = said(unfolded(trial(), f"explain:{figure}"))
    assert "14 → 28" in text
    assert told in text


def doing(home: str = CALLED, turn: int = 0) -> str:
    return f"doing:call:{ALNA}:{home}:{turn}"


def test_a_note_is_sent_with_the_day_until_which_it_puts_the_call_off_and_can_be_undone(
    api: SampleApi,
) -> None:
    path = f"/v1/trials/{ALNA}/homes/{CALLED}"
    api.more[f"POST {path}/notes"] = make_home(api.reports[0], CALLED, noted=True)
    api.more[f"POST {path}/notes/7/withdraw"] = make_home(api.reports[0], CALLED)
    app = unfolded(trial(), f"{doing()}:open")
    app.text_area(key=f"{doing()}:notes:words").set_value("Agreed to try again")
    pressed(app, "Enter it")
    ((sent_to, body),) = api.posted
    assert sent_to == f"{path}/notes"
    assert body["text"] == "Agreed to try again"
    assert body["snoozed_until"] > "2026-01-01"
    assert f"{CALLED}: the note is kept." in said(app)
    pressed(app, "Undo")
    assert api.posted[-1] == (f"{path}/notes/7/withdraw", {})
    assert f"{CALLED}: taken back." in said(app)


def test_a_note_without_words_is_refused_before_it_is_sent(api: SampleApi) -> None:
    app = pressed(unfolded(trial(), f"{doing()}:open"), "Enter it")
    assert "Not entered: write what was said or agreed." in said(app)
    assert not api.posted


def test_a_pause_and_an_end_are_sent_with_their_days_and_reason(api: SampleApi) -> None:
    path = f"/v1/trials/{ALNA}/homes/{CALLED}"
    ended = make_home(api.reports[0], CALLED) | {"ended_on": "2026-11-20", "end_reason": "moved"}
    api.more[f"POST {path}/end"] = ended
    app = unfolded(trial(), f"{doing()}:open")
    app.session_state[f"{doing()}:verb"] = "end"
    app.run()
    pressed(app, "Enter it")
    assert "choose why it ended." in said(app)
    app.selectbox(key=f"{doing()}:end:reason").set_value("moved")
    pressed(app, "Enter it")
    ((sent_to, body),) = api.posted
    assert (sent_to, body["reason"]) == (f"{path}/end", "moved")
    assert f"{CALLED}: its end is entered." in said(app)


def test_one_home_shows_its_pauses_and_notes_each_to_be_taken_back(api: SampleApi) -> None:
    path = f"/v1/trials/{ALNA}/homes/A03"
    told = make_home(api.reports[0], "A03", paused=True, noted=True)
    api.more[path] = told
    api.more[f"POST {path}/pauses/withdraw"] = make_home(api.reports[0], "A03")
    app = trial(home="A03")
    text = said(app)
    assert "Paused 2 Nov 2026, 00:00 to 9 Nov 2026, 00:00: hospital" in text
    assert "Agreed to try again after the holiday (somebody on this machine" in text
    pressed(app, "Take it back")
    assert api.posted == [(f"{path}/pauses/withdraw", {"paused_from": told["pauses"][0]["paused_from"]})]


def test_a_call_put_off_by_a_note_is_said_with_its_day(api: SampleApi) -> None:
    api.more[f"/v1/trials/{ALNA}/calls"] = make_calls(api.reports[0], put_off=[CALLED])
    text = said(trial())
    assert "Until 29 Nov 2026: Agreed to try again after the holiday" in text


def test_no_chart_stands_without_its_n(api: SampleApi) -> None:
    app = trial()
    charts = app.get("arrow_vega_lite_chart") or app.get("vega_lite_chart")
    for chart in charts:
        assert any(letter.isdigit() for letter in chart.proto.alt), chart.proto.alt


def test_where_no_home_has_begun_none_has_stopped(api: SampleApi) -> None:
    report = api.reports[0]
    api.reports[0] = replace(report, retention=replace(report.retention, homes=0))
    assert "No home has begun yet, so none can have stopped." in said(trial())
