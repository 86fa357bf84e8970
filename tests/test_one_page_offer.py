"""The one page is had from the command line and from the dashboard, as of today or an earlier day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pypdfium2
import pytest
from conftest import Database, DatabaseServer
from one_page_trials import fill, told
from registering import answering, open_page, words
from serving import ALNA, ODENSE

from dashboard.language import reading
from dashboard.one_page import pdf
from dashboard.one_page.content import one_page
from nyttig.cli import main
from nyttig.store import db


@pytest.fixture(scope="module")
def database(embedded_server: DatabaseServer) -> Iterator[Database]:
    with embedded_server.fresh_database() as filled:
        fill(filled)
        yield filled


def use(monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    for name, value in database.environment.items():
        monkeypatch.setenv(name, value)


def text_of(file: Path | bytes) -> str:
    document = pypdfium2.PdfDocument(file)
    assert len(document) == 1
    return " ".join(document[0].get_textpage().get_text_range().split())


def test_the_command_writes_a_pdf_or_a_page_in_the_language_asked_for(
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    use(monkeypatch, database)
    caplog.set_level("INFO")
    file, page = tmp_path / "one.pdf", tmp_path / "one.html"
    assert main(["one-page", ALNA, "--to", str(file), "--lang", "nb"]) == 0
    assert capsys.readouterr().out == f"{ALNA} on one page in {file}\n"
    assert not caplog.records, "nothing is said of what goes on within"
    text = text_of(file)
    assert "Medisindispenser i hjemmetjenesten" in text
    assert "Hva ble verre, eller kunne ha blitt det?" in text
    assert main(["one-page", ODENSE, "--to", str(page), "--lang", "da"]) == 0
    assert page.read_text().startswith('<!doctype html>\n<html lang="da">')
    assert "Hvad der blev besluttet" in page.read_text()


def test_of_an_earlier_day_it_tells_what_was_decided_by_then(database: Database) -> None:
    with db.connect(database.conninfo) as connection:
        then = told(connection, ALNA, datetime(2026, 5, 1, tzinfo=UTC))
    with reading("en"):
        fit = pdf.fitted(one_page(*then))
    text = text_of(pdf.written(fit))
    assert "24 Apr 2026: Go on → pre-project" in text
    assert "Put to use in the line" not in text
    assert "Nothing can be said yet of visit minutes per week" in text
    assert "0 of 0" not in text


@pytest.mark.parametrize(
    ("file", "said"),
    [("one.txt", "ends in neither .pdf nor .html"), ("nowhere/one.pdf", "cannot be written")],
)
def test_a_place_where_it_cannot_go_is_named_with_the_remedy(
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    file: str,
    said: str,
) -> None:
    use(monkeypatch, database)
    assert main(["one-page", ALNA, "--to", str(tmp_path / file)]) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("language", "download", "heading"),
    [
        ("en", "Download as PDF", "How sure is this?"),
        ("nb", "Last ned som PDF", "Hvor sikkert er dette?"),
        ("da", "Hent som PDF", "Hvor sikkert er det?"),
    ],
)
def test_the_dashboard_shows_it_and_gives_it_away_in_the_readers_language(
    database: Database, monkeypatch: pytest.MonkeyPatch, language: str, download: str, heading: str
) -> None:
    with answering(database, monkeypatch):
        app = open_page("one_page", trial=ALNA, lang=language)
    (shown,) = [each.value for each in app.html if "one-page" in each.value]
    assert heading in shown
    assert "Medisindispenser i hjemmetjenesten" in shown
    labels = [each.proto.label for each in app.get("download_button")]
    assert download in labels
    assert len(labels) == 2


def test_without_a_trial_the_page_says_how_to_get_one(
    embedded_server: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with embedded_server.fresh_database() as empty, answering(empty, monkeypatch):
        assert "There are no trials yet." in words(open_page("one_page"))
