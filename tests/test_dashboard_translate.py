"""The dashboard speaks English, Norwegian and Danish completely."""

from __future__ import annotations

import ast
import string
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import streamlit as st
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from conftest import PROJECT

from dashboard import language

DASHBOARD = Path(language.__file__).parent
LANGUAGES = ("nb", "da")
Id = str | tuple[str, ...]


def _catalogue(path: Path, locale: str | None = None) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=locale)


def _catalogues(code: str) -> dict[str, Catalog]:
    """The language's catalogues by the names of their files: one a theme."""
    folder = DASHBOARD / "locale" / code / "LC_MESSAGES"
    return {path.name: _catalogue(path, code) for path in sorted(folder.glob("*.po"))}


def _messages(code: str) -> list[Message]:
    """Every message of the language, whichever catalogue it stands in."""
    return [message for catalogue in _catalogues(code).values() for message in catalogue if message.id]


def _id(message: Message) -> Id:
    return message.id if isinstance(message.id, str) else tuple(message.id)


def _ids(catalogue: Catalog) -> set[Id]:
    return {_id(message) for message in catalogue if message.id}


def _calls() -> Iterator[tuple[Path, Id]]:
    """Every string given to `_` or `ngettext`, read from the syntax tree: Babel's extractor skips f-strings."""
    for path in sorted(DASHBOARD.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id in ("_", "ngettext"):
                wanted = node.args[:1] if node.func.id == "_" else node.args[:2]
                texts = [arg.value for arg in wanted if isinstance(arg, ast.Constant)]
                assert len(texts) == len(wanted), (
                    f"{path.name}:{node.lineno}: only a plain string can be translated"
                )
                yield path, texts[0] if node.func.id == "_" else tuple(texts)


def _placeholders(text: str) -> list[str]:
    return sorted(
        name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name is not None
    )


def test_every_string_in_the_code_is_in_the_template_and_nothing_else() -> None:
    with (DASHBOARD / "babel.cfg").open(encoding="utf-8") as file:
        rooms, options = parse_mapping_cfg(file)
    found = [
        (Path(file), message)
        for file, _line, message, _comments, _context in extract_from_dir(PROJECT, rooms, options)
    ]
    extracted = {message for _path, message in found}
    templates = {message for path, message in found if path.parts[0] != DASHBOARD.name}
    called = {text for _path, text in _calls()} | templates
    template = _ids(_catalogue(DASHBOARD / "locale" / "dashboard.pot"))
    assert called == extracted, (
        "a translated string stands inside an f-string, where pybabel does not find it"
    )
    assert template == called, "run pybabel extract -F dashboard/babel.cfg, then pybabel update"


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_string_is_untranslated_fuzzy_or_left_over(code: str) -> None:
    ids = {_id(message) for message in _messages(code)}
    assert ids == _ids(_catalogue(DASHBOARD / "locale" / "dashboard.pot"))
    assert not [name for name, catalogue in _catalogues(code).items() if catalogue.obsolete]
    for message in _messages(code):
        texts = [message.string] if isinstance(message.string, str) else list(message.string)
        assert all(texts), f"{code}: {message.id!r} is not translated"
        assert not message.fuzzy, f"{code}: {message.id!r} is marked fuzzy"


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_string_is_translated_in_two_catalogues(code: str) -> None:
    times = Counter(_id(message) for message in _messages(code))
    assert not [text for text, number in times.items() if number > 1]


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_translation_keeps_every_placeholder(code: str) -> None:
    for message in _messages(code):
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        texts = [message.string] if isinstance(message.string, str) else list(message.string)
        for form, text in enumerate(texts):
            assert _placeholders(text) == _placeholders(ids[min(form, len(ids) - 1)]), (
                f"{code}: {message.id!r}"
            )
            assert text[:1].isspace() == ids[0][:1].isspace(), f"{code}: {message.id!r} starts differently"
            assert text[-1:].isspace() == ids[0][-1:].isspace(), f"{code}: {message.id!r} ends differently"


@pytest.mark.parametrize(
    ("browser", "code"), [("nb-NO", "nb"), ("nn", "nb"), ("no", "nb"), ("da-DK", "da"), ("sv", "en")]
)
def test_a_reader_starts_in_the_language_of_the_browser(browser: str, code: str) -> None:
    assert language.preferred(browser) == code


@pytest.fixture
def reader(request: pytest.FixtureRequest) -> Iterator[str]:
    """A reader with the language that the test names."""
    st.session_state["language"] = request.param
    yield request.param
    del st.session_state["language"]


@pytest.mark.parametrize(
    ("reader", "number", "share", "day"),
    [
        ("en", "1,234.5", "75%", "3 Nov 2026"),
        ("nb", "1\xa0234,5", "75\xa0%", "3. nov. 2026"),
        ("da", "1.234,5", "75\xa0%", "3. nov. 2026"),
    ],
    indirect=["reader"],
)
def test_numbers_and_days_are_written_as_in_the_readers_country(
    reader: str, number: str, share: str, day: str
) -> None:
    assert language.number(1234.5, 1) == number
    assert language.percent(0.75) == share
    assert language.day(date(2026, 11, 3)) == day
    assert language.moment(datetime(2026, 11, 3, 7, 58, tzinfo=UTC)) == f"{day}, 07:58"
    assert language.short_day(date(2026, 11, 3)) == day.removesuffix(" 2026")


@pytest.mark.parametrize("reader", ["en"], indirect=True)
def test_halves_are_rounded_as_people_round_them(reader: str) -> None:
    before, more, after = 2.5, 0.75, 3.25
    assert [language.number(each, 1) for each in (before, more, after)] == ["2.5", "0.8", "3.3"]
    assert [language.signed(-each, 1) for each in (more, after)] == ["−0.8", "−3.3"]
    assert [language.percent(each) for each in (0.125, 0.135, 0.996, 0.004)] == ["13%", "14%", ">99%", "<1%"]
    assert language.percent_range(0.125, 0.185) == "13–19%"


@pytest.mark.parametrize(
    ("reader", "text"),
    [("en", "3 days ago"), ("nb", "for 3 døgn siden"), ("da", "for 3 dage siden")],
    indirect=["reader"],
)
def test_an_age_is_said_in_the_readers_language(reader: str, text: str) -> None:
    assert language.ago(3 * 86400.0 + 60) == text


@pytest.mark.parametrize("reader", ["en"], indirect=True)
def test_almost_all_is_not_rounded_to_all_nor_almost_none_to_none(reader: str) -> None:
    assert language.percent(0.996) == ">99%"
    assert language.percent(0.004) == "<1%"
    assert language.percent(1.0) == "100%"
    assert language.percent(0.0) == "0%"
    assert language.signed(-0.04) == "0"
    assert language.signed(-3.25) == "−3.3"
