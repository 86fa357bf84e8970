"""QR labels: a sheet to print, a label per device, each opening its device's page."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from urllib.parse import quote, urlsplit

import segno
from fpdf import FPDF
from fpdf.enums import MethodReturnValue, WrapMode

from nyttig.errors import NotFoundError
from nyttig.saying import Saying
from nyttig.store import db, devices, registry, technologies
from nyttig.store.db import Session

LANGUAGES = ("en", "nb", "da")

# A4 sheets with 3 × 8 labels of 63.5 × 33.9 mm, as every maker sells them (Avery L7159 and its kin). Millimetres.
COLUMNS, ROWS = 3, 8
LABEL_WIDTH, LABEL_HEIGHT = 63.5, 33.9
LEFT, TOP, GAP = 7.2, 12.9, 2.55
PADDING = 2.5
CODE_SIZE = LABEL_HEIGHT - 2 * PADDING
QUIET_MODULES = 4
"""The white edge that a QR code needs to be found."""

_LETTERS = str.maketrans(
    {"đ": "d", "Đ": "D", "ŋ": "n", "Ŋ": "N", "ŧ": "t", "Ŧ": "T", "–": "-", "—": "-", "’": "'"}
)


@dataclass(frozen=True, slots=True)
class Label:
    """What stands on one label: nothing of the home or who lives there."""

    device: str
    technology: str
    address: str


def labels(
    connection: Session,
    dashboard_url: str,
    *,
    trial_id: str | None = None,
    only: Sequence[str] = (),
    language: str = "en",
) -> list[Label]:
    """A label for each of these devices, in this order; without any, for all of the trial or of the registry that are in
    service. Raises NotFoundError where a device or the trial is not there, or there is none to label."""
    with db.translated():
        if trial_id is not None:
            registry.require(connection, trial_id)
        found = {each.device: each for each in devices.registered(connection, trial_id=trial_id)}
        titles = {each.id: each.titles for each in technologies.read(connection)}
    for device in only:
        if device not in found:
            where = "" if trial_id is None else Saying(" in {trial}", trial=trial_id)
            raise NotFoundError(
                "there is no device {device!r}{where}; `nyttig register` adds new ones",
                device=device,
                where=where,
            )
    wanted = only or [code for code, each in found.items() if each.retired_at is None]
    if not wanted:
        raise NotFoundError("there is no device to label; `nyttig register FILE` adds some")
    return [
        Label(
            device,
            titles[found[device].technology].get(language) or found[device].technology,
            page_of(dashboard_url, device),
        )
        for device in wanted
    ]


def page_of(dashboard_url: str, device: str) -> str:
    """The address of the device's page."""
    return f"{dashboard_url.rstrip('/')}/devices?device={quote(device, safe='')}"


def only_here(dashboard_url: str) -> bool:
    """Whether the address means something on this machine alone, so that a phone cannot follow it."""
    host = urlsplit(dashboard_url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def sheet(made: Sequence[Label]) -> bytes:
    """The labels as a PDF, 24 on a page; the same labels give the same bytes."""
    pdf = FPDF(format="A4")
    # The file says what it holds, not when it was made.
    pdf.set_creation_date(datetime(2000, 1, 1, tzinfo=UTC))
    pdf.set_title("Nyttig: labels")
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    for number, label in enumerate(made):
        row, column = divmod(number % (COLUMNS * ROWS), COLUMNS)
        if row == column == 0:
            pdf.add_page()
        _draw(pdf, label, LEFT + column * (LABEL_WIDTH + GAP), TOP + row * LABEL_HEIGHT)
    return bytes(pdf.output())


def _draw(pdf: FPDF, label: Label, left: float, top: float) -> None:
    _draw_code(pdf, label.address, left + PADDING, top + PADDING)
    beside = left + PADDING + CODE_SIZE + 0.5
    width = left + LABEL_WIDTH - PADDING - beside
    pdf.set_xy(beside, top + PADDING + 1.5)
    _write(pdf, label.device, width, size=11, bold=True, lines=3)
    pdf.set_x(beside)
    _write(pdf, label.technology, width, size=8, lines=3)
    pdf.set_xy(beside, top + LABEL_HEIGHT - PADDING - 4)
    _write(pdf, "Nyttig", width, size=6, lines=1)


def _draw_code(pdf: FPDF, address: str, left: float, top: float) -> None:
    """Dark modules as rectangles, neighbours in one: sharp at any size, and no picture in the file."""
    matrix = segno.make_qr(address, error="m").matrix
    module = CODE_SIZE / (len(matrix) + 2 * QUIET_MODULES)
    pdf.set_fill_color(0)
    for row, modules in enumerate(matrix):
        column = 0
        for dark, run in groupby(modules):
            length = len(list(run))
            if dark:
                pdf.rect(
                    left + (QUIET_MODULES + column) * module,
                    top + (QUIET_MODULES + row) * module,
                    length * module,
                    module * 1.02,  # rows touch, so that no printer draws a hair of white between them
                    style="F",
                )
            column += length


def _write(pdf: FPDF, text: str, width: float, *, size: int, lines: int, bold: bool = False) -> None:
    """The text stands in at most so many lines of this width; what is too long is set smaller, then cut."""
    text = _printable(text)
    wrapped = [text]
    for points in range(size, 4, -1):
        pdf.set_font("helvetica", "B" if bold else "", points)
        height = points * 0.42
        wrap = WrapMode.CHAR if bold else WrapMode.WORD
        found = pdf.multi_cell(
            width, height, text, dry_run=True, output=MethodReturnValue.LINES, wrapmode=wrap
        )
        assert isinstance(found, list)
        wrapped = found
        if len(wrapped) <= lines:
            break
    pdf.multi_cell(width, height, "\n".join(wrapped[:lines]), align="L", new_x="LEFT", new_y="NEXT")


def _printable(text: str) -> str:
    """The text in the letters of the printer's own fonts (Latin-1: all of æøå); others by the letter they come from."""
    plain = []
    for letter in text.translate(_LETTERS):
        if ord(letter) < 256:
            plain.append(letter)
        else:
            base = "".join(part for part in unicodedata.normalize("NFKD", letter) if ord(part) < 256)
            plain.append(base or "?")
    return "".join(plain)
