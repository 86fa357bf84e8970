"""A label on each device leads an installer's phone to the device's page, and tells nobody who lives there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pypdfium2  # type: ignore[import-untyped]  # it ships no types
import pytest
import zxingcpp
from conftest import DatabaseServer
from packages import one_home

from nyttig.errors import NotFoundError
from nyttig.labels import Label, labels, only_here, page_of, sheet
from nyttig.model import Device
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, devices, registry
from nyttig.store.db import Session

KNOWN = builtin_technologies()
URL = "https://nyttig.alna.example"


@pytest.fixture(scope="module")
def connection(embedded_server: DatabaseServer) -> Iterator[Session]:
    """A trial of wash-and-dry toilets in 27 homes; one is retired, and a door sensor belongs to no trial."""
    with embedded_server.fresh_database() as fresh, db.connect(fresh.conninfo) as session:
        registry.save(session, one_home("wash_dry_toilet", homes=27), KNOWN)
        door = Device("door", "door_sensor", "nyttig", "door", 60.0, "battery", "primary")
        devices.register(session, door, KNOWN, by="ida")
        devices.retire(session, "d7", "broken", datetime(2026, 10, 1, tzinfo=UTC), by="ida")
        session.commit()
        yield session


def pages(pdf: bytes) -> list[tuple[str, list[str]]]:
    """Of each page the text, and what a phone reads in its QR codes, in the order of reading."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        found = []
        for page in document:
            codes = zxingcpp.read_barcodes(page.render(scale=150 / 72).to_pil())
            codes.sort(key=lambda code: (code.position.top_left.y // 50, code.position.top_left.x))
            found.append((page.get_textpage().get_text_bounded(), [code.text for code in codes]))
        return found
    finally:
        document.close()


def test_every_code_on_the_sheet_opens_its_devices_page(connection: Session) -> None:
    made = labels(connection, URL + "/", trial_id="trial", language="nb")
    assert "d7" not in [label.device for label in made]
    (_, codes), (_, rest) = pages(sheet(made))
    assert [*codes, *rest] == [f"{URL}/devices?device={label.device}" for label in made]
    assert (len(codes), len(rest)) == (24, 2)


def test_a_label_says_what_the_device_is_in_the_readers_language_and_nothing_of_a_home(
    connection: Session,
) -> None:
    for language, title in (
        ("nb", "Vaske- og tørketoalett"),
        ("da", "Vaske-tørre-toilet"),
        ("en", "Wash-and-dry toilet"),
    ):
        ((text, _),) = pages(sheet(labels(connection, URL, only=["d3"], language=language)))
        assert " ".join(text.replace("\ufffe", "-").split()) == f"d3 {title} Nyttig"


def test_only_the_devices_that_are_named_get_a_label_in_that_order(connection: Session) -> None:
    made = labels(connection, URL, only=["door", "d7", "d2"])
    assert [label.device for label in made] == ["door", "d7", "d2"]
    assert len(labels(connection, URL)) == 27
    with pytest.raises(NotFoundError, match="there is no device 'door' in trial"):
        labels(connection, URL, trial_id="trial", only=["door"])
    with pytest.raises(NotFoundError, match="there is no trial 'none'"):
        labels(connection, URL, trial_id="none")


def test_the_same_labels_give_the_same_bytes_whenever_they_are_made() -> None:
    made = [Label("d1", "Blåbærgrød på øy", page_of(URL, "d1"))]
    assert sheet(made) == sheet(made)
    assert b"/CreationDate (D:20000101000000" in sheet(made)


@pytest.mark.parametrize(
    ("title", "printed"),
    [
        ("Blåbærgrød på ÆØÅ", "Blåbærgrød på ÆØÅ"),
        ("Čuovgabálggis đŋŧ", "Cuovgabálggis dnt"),
        ("Lys – sti’en", "Lys - sti'en"),
        ("灯 lys", "? lys"),
    ],
)
def test_nordic_letters_are_printed_and_others_by_the_letter_they_come_from(title: str, printed: str) -> None:
    ((text, _),) = pages(sheet([Label("d1", title, page_of(URL, "d1"))]))
    assert " ".join(text.replace("\ufffe", "-").split()) == f"d1 {printed} Nyttig"


def test_the_longest_code_and_address_still_fit_and_are_read(connection: Session) -> None:
    device = "a-very.long_code-" * 7
    url = "https://velferdsteknologi.intern.gamle-oslo.bydel.example.no/nyttig/dashboard"
    made = [Label(device, "Omgivelseskontrollsystem med talestyring", page_of(url, device))] * 24
    (page,) = pages(sheet(made))
    assert page[1] == [f"{url}/devices?device={device}"] * 24


@pytest.mark.parametrize(
    ("url", "here"),
    [("http://127.0.0.1:8501", True), ("http://localhost", True), ("http://[::1]:8501", True), (URL, False)],
)
def test_an_address_that_a_phone_cannot_open_is_known_as_such(url: str, here: bool) -> None:
    assert only_here(url) == here
