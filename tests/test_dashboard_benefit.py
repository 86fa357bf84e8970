"""The benefit page: each gain with its sentence and picture, harms beside them, money by payer, and what is left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from conftest import Database
from packages import one_home
from sample_api import SampleApi
from sample_benefit import (
    SAID,
    compared,
    happened,
    make_benefit,
    make_package,
    staggered,
    visit,
)
from sample_benefit import make_report as with_gains
from sample_report import as_json
from serving import serving
from showing import opened, shown, words
from streamlit.testing.v1 import AppTest

from nyttig.entries.benefit import Realisation
from nyttig.indicators import PERIODS
from nyttig.model import Gain, TrialPackage
from nyttig.package.technologies import builtin_technologies
from nyttig.report import Report
from nyttig.store import db, registry

PAGE, TRIAL_PAGE = "views/benefit.py", "views/trial.py"
ALNA = "alna-medisindispenser"
WHERE = f"/v1/trials/{ALNA}/benefit"


def drawn(
    page: str = PAGE, lang: str = "en", change: Callable[[SampleApi], None] = lambda _api: None
) -> AppTest:
    """The page of the made-up trial, once its API was changed."""
    with pytest.MonkeyPatch.context() as patch, shown(patch) as running:
        change(running)
        return opened(page, trial=ALNA, lang=lang)


def telling(package: Callable[[Report], TrialPackage]) -> Callable[[SampleApi], None]:
    """The API tells the benefit of this package."""

    def change(api: SampleApi) -> None:
        api.more[WHERE] = as_json(make_benefit(api.reports[0], package(api.reports[0])))

    return change


# A page takes a second to draw, and what it says stays: tests that only read share one.


@pytest.fixture(scope="module")
def plain() -> AppTest:
    """The benefit page of a trial in which everything was measured and decided."""
    return drawn()


@pytest.fixture(scope="module")
def unusual() -> AppTest:
    """The same where a measurement is due, one home makes the change, harm was done, and words look like Markdown."""

    def package(report: Report) -> TrialPackage:
        made = make_package(report, [*SAID, happened("A01", alarm_missed=True)])
        visits = [
            each
            for place, home in enumerate(made.homes)
            for period in PERIODS
            for each in visit(home.home, period, 150 - (period == "after") * (120 if place == 0 else 5))
        ]
        gains = [
            replace(gain, measure_on="2026-11-20") if gain.id == "visit-minutes" else gain
            for gain in made.trial.gains
        ]
        return replace(made, visits=tuple(visits), trial=replace(made.trial, gains=tuple(gains)))

    def change(api: SampleApi) -> None:
        telling(package)(api)
        api.more[WHERE]["feedback"][0]["words"] = "<b>No</b> *stars*"

    return drawn(change=change)


def said(app: AppTest) -> str:
    return words(app).replace("\\", "")


def alts(app: AppTest) -> list[str]:
    """What each picture says to those who cannot see it."""
    charts = app.get("arrow_vega_lite_chart") or app.get("vega_lite_chart")
    return [chart.proto.alt for chart in charts]


def test_the_gains_stand_by_perspective_with_harms_money_words_and_the_register(plain: AppTest) -> None:
    assert [header.value for header in plain.header] == [
        "Does it help?",
        "What became worse, or could have?",
        "What is it worth, and to whom?",
        "What do people say?",
        "The gain register",
    ]
    assert [each.value for each in plain.subheader][:7] == [
        "For the resident", "Bedre trivsel", "Tryggere hjemme", "Færre fall", "Roligere kvelder", "For the organisation",
        "Spart tid på hjemmebesøk",
    ]  # fmt: skip
    assert "No gain is named for the technology." in said(plain)


def test_no_picture_stands_without_its_n_and_a_table_beside_it(plain: AppTest) -> None:
    told = alts(plain)
    assert len(told) >= 8
    assert all(any(letter.isdigit() for letter in alt) for alt in told)
    assert sum("Show as a table" in each.label for each in plain.expander) == len(told)


def test_the_trial_page_says_and_shows_the_very_same(plain: AppTest) -> None:
    def change(api: SampleApi) -> None:
        api.reports[0] = with_gains(api.reports[0], make_package(api.reports[0]))

    there = drawn(TRIAL_PAGE, change=change)
    sentence = "Visit minutes per week went down by 49.3 on average in 12 homes (95% interval −60.1 to −38.5), which is better"
    assert sentence in said(plain)
    assert sentence in said(there)
    same = [alt for alt in alts(plain) if sentence in alt]
    assert same
    assert same == [alt for alt in alts(there) if sentence in alt]
    assert "benefit?trial=alna-medisindispenser" in said(there)


@pytest.mark.parametrize(
    ("lang", "sentence", "assumption"),
    [
        ("nb", "gikk ned med 49,3 i gjennomsnitt i 12 hjem (95\u00a0%-intervall −60,1 til −38,5), og det er bedre; evidensnivå 1",
         "Det som var i gang før, ville ikke ha fortsatt i en rett linje."),
        ("da", "gik ned med 49,3 i gennemsnit i 12 hjem (95\u00a0%-interval −60,1 til −38,5), og det er bedre; evidensniveau 1",
         "Det, der var i gang før, ville ikke være fortsat i en ret linje."),
    ],
)  # fmt: skip
def test_the_whole_page_is_told_in_the_readers_language(lang: str, sentence: str, assumption: str) -> None:
    text = said(drawn(lang=lang))
    assert sentence in text
    assert assumption in text
    for english in (" homes", "which is", "Counting", "paid back", "No gain", "a month", "interval holds"):
        assert english not in text, english


def test_what_a_gain_takes_for_granted_stands_below_it(plain: AppTest) -> None:
    assert "What was going on before would not have gone on in a straight line." in said(plain)
    assert any("What this takes for granted" in each.label for each in plain.expander)


def test_what_was_agreed_on_stands_beside_each_gain(plain: AppTest) -> None:
    text = said(plain)
    assert "Baseline: 172 (Fagsykepleier, 12 homes)" in text
    assert "Wanted change: −30 – the whole interval reaches it" in text
    assert "Answers for it: Avdelingsleder hjemmetjenesten" in text
    assert "To be measured on 1 Feb 2027" in text
    assert "not planned, but seen on 3 Oct 2026" in text
    assert "Changed after the start, on 2 Nov 2026 by somebody on this machine: Target" in text
    assert "The trial has started without a baseline for “Roligere kvelder”." in text


def test_what_was_due_to_be_measured_is_asked_for_on_top(unusual: AppTest) -> None:
    (due,) = [each.value for each in unusual.warning if each.value.startswith("To be measured now:")]
    assert due == "To be measured now:\n- Spart tid på hjemmebesøk: 20 Nov 2026"
    assert "To be measured now: was due on 20 Nov 2026" in said(unusual)


def test_a_few_homes_that_make_the_change_are_pointed_out(unusual: AppTest) -> None:
    """All homes but one changed by the same number: the bootstrap has no finite variance, and t stays."""
    assert any("the one told may be too narrow" in each.value for each in unusual.warning)


def test_homes_to_compare_with_stand_beside_the_others() -> None:
    app = drawn(change=telling(lambda report: compared(make_package(report))))
    assert "measured against the change in 6 homes without it" in " ".join(alts(app)).casefold()
    (homes,) = [each.value for each in app.dataframe if "Group" in each.value.columns]
    assert list(homes["Group"]).count("without it") == 6


def test_starts_a_series_and_answers_have_pictures_of_their_own() -> None:
    pictures = " ".join(alts(drawn(change=telling(lambda report: staggered(make_package(report))))))
    assert "8 homes month by month, filled from the month in which each had started." in pictures
    assert "16 periods, and where the time before was going." in pictures
    assert "How many of 8 homes gave each answer, before and after." in pictures


def test_more_use_and_more_gain_is_marked_as_a_question_and_no_answer(plain: AppTest) -> None:
    assert "A question for the next trial, no answer of this one" in said(plain)
    assert "It proves nothing: evidence level 0 of 5." in said(plain)


def test_no_harm_is_told_with_what_is_still_possible_and_some_with_their_bounds(
    plain: AppTest, unusual: AppTest
) -> None:
    assert "No adverse event is known from 12 homes in 36 home-months." in said(plain)
    assert "up to 22% of such homes may still meet one" in said(plain)
    assert "Events happened that nobody reported." in said(plain)
    assert "1 adverse event in 1 of 12 homes (8%, 95% interval <1% to 38%)" in said(unusual)
    assert "1 alarm was missed" in said(unusual)


def test_money_stands_by_payer_in_three_bars_that_are_no_sum(plain: AppTest) -> None:
    (bars,) = [alt for alt in alts(plain) if "NOK a year for 40 homes" in alt]
    assert "Bydel Alna: freed 684,572; Bydel Alna: reallocated 342,286; Bydel Alna: cashed 136,914" in bars
    text = said(plain)
    assert "The three are no sum" in text
    assert (
        "Priced at NOK 490 an hour, a paid hour, the way to the home included; prices of 2026; Bydel Alna, budget."
        in text
    )
    assert "later than the 60 months that the devices last" in text
    assert (
        "It takes 42% of the measured gain to pay for itself – that is use on 31% of days or 17 homes" in text
    )
    assert "No clear change, and yet in these sums: “Mindre bilkjøring”." in text
    assert "Nursing-home nights postponed: 0 to 120 nights a year, likely 40" in text
    assert any(
        each.startswith("What it is worth today with one number at either end") for each in alts(plain)
    )


def test_where_nobody_decided_nothing_is_told_of_payback_and_the_form_is_offered() -> None:
    undecided = [each for each in SAID if not isinstance(each, Realisation)]
    app = drawn(change=telling(lambda report: make_package(report, undecided)))
    assert "Nobody has decided what becomes of “Spart tid på hjemmebesøk”" in said(app)
    assert any("Decide what becomes of “Spart tid på hjemmebesøk”" in each.label for each in app.expander)
    assert "paid back" not in said(app)


def test_without_costs_or_a_rate_it_is_said_what_is_missing() -> None:
    text = said(drawn(change=telling(lambda report: replace(make_package(report, []), costs=()))))
    assert "Spart tid på hjemmebesøk: no hourly rate is entered" in text
    assert "No cost is entered, so nothing can be said of it." in text
    assert "paid back" not in text
    assert "Cost of a month" not in text


def test_words_are_quoted_letter_by_letter_and_others_only_counted(unusual: AppTest) -> None:
    quotes = [each.value for each in unusual.markdown if "blockquote" in each.value]
    assert ["&lt;b&gt;No&lt;/b&gt; *stars*" in each for each in quotes] == [True]
    assert "1 more is for coordinators or staff alone." in said(unusual)
    assert "He shouts" not in said(unusual)


def test_a_trial_without_gains_says_what_to_do_first() -> None:
    def package(report: Report) -> TrialPackage:
        made = make_package(report, [])
        return replace(made, trial=replace(made.trial, gains=()), costs=())

    text = said(drawn(change=telling(package)))
    assert "No gain is named yet. Agree on what is to become better" in text
    assert "No words that everyone may read." in text


# --- At the real API -----------------------------------------------------------------------------


def test_a_baseline_is_waived_on_the_page_and_the_trial_may_start(
    embedded_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = one_home("medicine_dispenser", homes=2)
    gain = Gain("calm", "Calmer evenings", "quality", "citizen", "evening_calls", "lower")
    with db.connect(embedded_database.conninfo) as session:
        registry.save(
            session, replace(package, trial=replace(package.trial, gains=(gain,))), builtin_technologies()
        )
        session.commit()
    with shown(monkeypatch), serving(embedded_database.conninfo) as client:
        monkeypatch.setenv("NYTTIG_API_URL", str(client.base_url).rstrip("/"))
        app = opened(PAGE, trial="trial")
        assert any("without a baseline for “Calmer evenings”" in each.value for each in app.warning)
        (known,) = client.get("/v1/trials/trial/entries", params={"kind": "gain"}).json()["entries"]
        name = f"entries:benefit-register-baseline:trial:gain:{known['entry']}:0:0"
        app.session_state[f"{name}:open"] = True
        app.run()
        app.text_area(key=f"{name}:waiver_reason").set_value("It was urgent")
        app.text_input(key=f"{name}:waived_by").set_value("Head of department")
        next(button for button in app.button if button.label == "Change it").click().run()
        assert not app.exception
        told = client.get("/v1/trials/trial/benefit").json()
        assert told["start_waits_for"] == []
        assert told["gains"][0]["figures"]["baseline"]["reason"] == "It was urgent"
        app.run()
        assert "No baseline: It was urgent (Head of department)" in said(app)
