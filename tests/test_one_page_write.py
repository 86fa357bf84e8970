"""A trial on one page: it holds the report's figures digit for digit, in three languages, on one side of paper."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pypdfium2
import pytest
from conftest import DatabaseServer
from one_page_trials import AS_OF, TRIALS, Told3, example, fill
from serving import ALNA, ODENSE

from dashboard.gain_sentences import aloud
from dashboard.harm_words import happened
from dashboard.language import NAMES, number, percent, reading
from dashboard.one_page import html, pdf
from dashboard.one_page.blocks import OnePage, Sentence, Table, own_words
from dashboard.one_page.content import one_page
from dashboard.wording import rate_value, share_interval
from nyttig.entries.answers import Feedback
from nyttig.entries.life import Decision
from nyttig.indicators import of_kind

A4_POINTS = (595, 842)
IN_EACH = [(trial, language) for trial in TRIALS for language in NAMES]


@pytest.fixture(scope="module")
def trials(embedded_server: DatabaseServer) -> Iterator[dict[str, Told3]]:
    with embedded_server.fresh_database() as database:
        yield fill(database)


def page_of(told: Told3, language: str = "en") -> OnePage:
    with reading(language):
        return one_page(*told)


def plain(text: str) -> str:
    """The words alone, however the lines are broken."""
    return " ".join(text.split())


def read_back(content: bytes) -> str:
    document = pypdfium2.PdfDocument(content)
    assert len(document) == 1, "one side of paper"
    assert tuple(round(side) for side in document[0].get_size()) == A4_POINTS
    return plain(document[0].get_textpage().get_text_range())


def assert_in_its_place(fit: pdf.Fitted) -> None:
    """Every letter is within the margins of the paper, and the foot beneath all others."""
    page = pypdfium2.PdfDocument(pdf.written(fit))[0].get_textpage()
    letters = [n for n in range(page.count_chars()) if page.get_text_range(n, 1).strip()]
    boxes = [page.get_charbox(n) for n in letters]
    edge = 28
    assert min(left for left, _bottom, _right, _top in boxes) > edge
    assert max(right for _left, _bottom, right, _top in boxes) < A4_POINTS[0] - edge
    assert min(bottom for _left, bottom, _right, _top in boxes) > edge
    foot = len("".join(fit.page.foot.split()))
    above, below = boxes[:-foot], boxes[-foot:]
    assert min(bottom for _left, bottom, _right, _top in above) > max(top for *_rest, top in below)


def printed(told: Told3, language: str = "en") -> str:
    return read_back(pdf.written(pdf.fitted(page_of(told, language))))


@pytest.mark.parametrize(("trial", "language"), IN_EACH)
def test_the_figures_of_the_report_stand_on_the_page_digit_for_digit(
    trials: dict[str, Told3], trial: str, language: str
) -> None:
    told = trials[trial]
    text = printed(told, language)
    with reading(language):
        wanted = [
            told.report["trial"]["title"],
            rate_value(told.report["use_day_rate"]),
            percent(told.report["use_day_rate"]["observability"]),
            happened(told.benefit["adverse"]),
            *(aloud(each["figures"]) for each in told.benefit["gains"]),
            *(each["harm"]["title"] for each in told.benefit["harms"]),
            *(share_interval(step["share"]) for step in told.report["funnel"]["steps"] if step["share"]),
            *(number(each["freed_per_year"]) for each in told.benefit["money"]["figures"]["bars_by_payer"]),
            *(number(each["cashed_per_year"]) for each in told.benefit["money"]["figures"]["bars_by_payer"]),
        ]
        levels = [told.report["use_day_rate"]["point"]]
    assert levels[0] is not None, "the trial was observed"
    decided = of_kind(example(trial), Decision)[-1]
    wanted += [decided.reason, decided.decided_by]
    for words in wanted:
        assert plain(words) in text, words


def test_a_number_reads_as_in_the_readers_country(trials: dict[str, Told3]) -> None:
    shown = {language: printed(trials[ALNA], language) for language in NAMES}
    change = trials[ALNA].benefit["gains"][0]["figures"]["change"]
    size = f"{abs(change['estimate']):.1f}"
    low = f"−{abs(change['low']):.1f}"
    for text, decimal in ((shown["en"], "."), (shown["nb"], ","), (shown["da"], ",")):
        assert size.replace(".", decimal) in text
        assert low.replace(".", decimal) in text, "minus is a minus, and prints"
    assert "hjemmebesøk" in shown["en"]
    assert "æ" in shown["da"]
    assert "å" in shown["nb"]


@pytest.mark.parametrize(("trial", "language"), IN_EACH)
def test_an_example_has_room_for_everything_and_is_the_same_each_time(
    trials: dict[str, Told3], trial: str, language: str
) -> None:
    page = page_of(trials[trial], language)
    fit = pdf.fitted(page)
    assert fit.page == page, "nothing is left out"
    assert_in_its_place(fit)
    content = pdf.written(fit)
    assert content == pdf.written(pdf.fitted(page_of(trials[trial], language)))
    document = pypdfium2.PdfDocument(content)
    assert document.get_metadata_value("Title") == page.title
    assert f"/Lang ({language})".encode() in content
    assert re.search(rb"/Alt ", content), "the picture has words"


class Outline(HTMLParser):
    """Which elements there are, what they are called, and whether each is closed."""

    EMPTY = frozenset({"meta", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.EMPTY:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)


@pytest.mark.parametrize("language", NAMES)
def test_the_html_says_the_same_reads_aloud_and_fetches_nothing(
    trials: dict[str, Told3], language: str
) -> None:
    fit = pdf.fitted(page_of(trials[ODENSE], language))
    content = html.written(fit).decode()
    outline = Outline()
    outline.feed(content)
    assert outline.open == []
    tags = [tag for tag, _attributes in outline.seen]
    assert (tags.count("h1"), tags.count("h2")) == (1, len(fit.page.sections))
    assert {attributes.get("lang") for tag, attributes in outline.seen if tag in ("html", "article")} == {
        language
    }
    images = [attributes for tag, attributes in outline.seen if tag == "img"]
    assert all((each["src"] or "").startswith("data:image/svg+xml;base64,") for each in images)
    assert [bool(each["alt"]) for each in images] == [True, *[False] * (len(images) - 1)], "one has words"
    assert all(attributes.get("scope") for tag, attributes in outline.seen if tag == "th")
    assert not {"script", "link", "svg", "iframe"} & set(tags)
    bare = re.sub(r'src="data:image/svg[+]xml;base64,[^"]*"', "", content)
    assert not re.search(r"https?:|//|url\(|@import|src=|href=", bare)
    said = plain(" ".join(outline.text))
    for section in fit.page.sections:
        for block in section.blocks:
            if isinstance(block, Sentence):
                assert plain(block.text) in said
            elif isinstance(block, Table):
                assert all(plain(cell) in said for row in block.rows for cell in row)


def test_every_share_says_of_how_many_or_how_sure(trials: dict[str, Told3]) -> None:
    for told in trials.values():
        for section in page_of(told).sections[1:4]:
            for block in section.blocks:
                lines = [block.text] if isinstance(block, Sentence) else []
                for line in lines:
                    if "%" in line:
                        assert re.search(r"\d+ homes|interval", line), line


def test_only_what_everyone_may_read_of_what_people_said_is_there(trials: dict[str, Told3]) -> None:
    kept_back = 0
    for trial, told in trials.items():
        text = printed(told)
        for said in of_kind(example(trial), Feedback):
            if said.visible_to != "everyone":
                kept_back += 1
                assert plain(said.words) not in text
    assert kept_back
    assert "Jeg behøver ikke vente på nogen mere." in printed(trials[ODENSE])


def test_no_code_of_a_home_is_told_to_a_council(trials: dict[str, Told3]) -> None:
    for trial, told in trials.items():
        text = printed(told)
        assert not [home.home for home in example(trial).homes if home.home in text]


def crowded(told: Told3, *, gains: int = 30, harms: int = 25) -> Told3:
    """The same trial with many more gains and harms, one gain gone wrong among the last."""
    report, benefit, life = copy.deepcopy(tuple(told))
    for n in range(gains):
        more = copy.deepcopy(benefit["gains"][0])
        more["figures"] |= {"id": f"more-{n}", "title": f"Further gain {n}", "planned": False}
        benefit["gains"].append(more)
    wrong: dict[str, Any] = benefit["gains"][-1]["figures"]
    wrong |= {"title": "Gone wrong", "better": "higher"}
    for n in range(harms):
        harm = {**benefit["harms"][0]["harm"], "title": f"Minor harm {n}", "severity": "minor"}
        benefit["harms"].append({**benefit["harms"][0], "harm": harm})
    serious = {**benefit["harms"][0]["harm"], "title": "A serious harm", "severity": "serious"}
    benefit["harms"].append({**benefit["harms"][0], "harm": serious})
    life["decisions"][-1]["decision"]["reason"] = "Because of this and that. " * 60
    return Told3(report, benefit, life)


@pytest.mark.parametrize("language", NAMES)
def test_what_has_no_room_is_named_and_no_harm_or_doubt_is_lost(
    trials: dict[str, Told3], language: str
) -> None:
    told = crowded(trials[ALNA])
    page = page_of(told, language)
    fit = pdf.fitted(page)
    text = read_back(pdf.written(fit))
    assert_in_its_place(fit)
    for words in ("Gone wrong:", "A serious harm:", "Further gain 20", "…"):
        assert words in text, words
    with reading(language):
        first, wrong = told.benefit["gains"][0]["figures"], told.benefit["gains"][-1]["figures"]
        assert plain(aloud(first)) in text
        assert plain(aloud(wrong)) in text, "what went the wrong way stays"
        assert plain(happened(told.benefit["adverse"])) in text
        assert re.search(rf"\D{number(len(told.benefit['harms']) - 1)}\.", text), "all harms are counted"
    kept = [block for section in fit.page.sections for block in section.blocks]
    for section in page.sections:
        for block in section.blocks:
            assert block in kept or (block.rank and block.name in fit.page.foot), block
    assert len(kept) < sum(len(section.blocks) for section in page.sections)


def test_a_page_that_cannot_fit_is_refused_rather_than_cut(trials: dict[str, Told3]) -> None:
    told = crowded(trials[ALNA])
    serious = [each for each in told.benefit["harms"] if each["harm"]["severity"] == "serious"]
    told.benefit["harms"].extend(serious * 120)
    with pytest.raises(pdf.TooMuchError, match="shorten its title, its harms"):
        pdf.fitted(page_of(told))


def test_a_trial_of_which_nothing_is_known_says_so(trials: dict[str, Told3]) -> None:
    report, benefit, life = copy.deepcopy(tuple(trials[ODENSE]))
    report |= {"weeks": [], "homes": []}
    report["funnel"]["ended"] = {}
    benefit |= {"gains": [], "harms": [], "feedback": []}
    benefit["money"] |= {"time": None, "figures": None, "left_out": []}
    life |= {
        "decisions": [],
        "cycles": [],
        "ideas": [],
        "current": None,
        "handover": None,
        "budget": None,
        "spent": 0,
    }
    text = printed(Told3(report, benefit, life))
    for words in (
        "Need: not entered",
        "No gain is named, so nothing can show whether it helps.",
        "Nobody has entered a harm.",
        "Nothing can be said of money yet.",
        "Nothing is decided yet.",
        "No phase has begun.",
        "No home has ended.",
    ):
        assert words in text, words


def test_letters_that_the_font_lacks_are_not_lost_silently(trials: dict[str, Told3]) -> None:
    report, benefit, life = copy.deepcopy(tuple(trials[ODENSE]))
    report["trial"]["title"] = "Sámi ŋ đ – ≥ − € Łódź ½ Ελλάδα 漢"
    assert "Sámi ŋ đ – ≥ − € Łódź ½ Ελλάδα ?" in printed(Told3(report, benefit, life))


def test_somebodys_own_words_are_cut_at_a_word_with_a_mark() -> None:
    assert own_words(" Two\n lines ") == "Two lines"
    cut = own_words("word " * 100)
    assert cut.endswith("word …")
    assert len(cut) < 230


def test_the_page_is_of_the_moment_that_was_asked_for(trials: dict[str, Told3]) -> None:
    assert f"Figures as of {AS_OF:%d %b %Y}" in printed(trials[ALNA])
