"""The page as a PDF: one side of A4 in two columns, text that can be selected, and the size at which all of it fits."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from fpdf import FPDF
from fpdf.prefs import ViewerPreferences

from dashboard.one_page import picture as pictures
from dashboard.one_page.blocks import Block, OnePage, Picture, Section, Sentence, Table, shortenings
from dashboard.one_page.letters import FAMILY, FILES, MM_PER_POINT, Word, close, lines, style, width_mm, words
from dashboard.palette import FAINT, GRID, INK, USED
from nyttig.errors import NyttigError

# A4 in millimetres.
WIDTH, HEIGHT, MARGIN, GAP = 210.0, 297.0, 11.0, 6.0
COLUMN = (WIDTH - 2 * MARGIN - GAP) / 2

SIZES = (9.0, 8.6, 8.2, 7.8, 7.5, 7.2)
"""Points, tried from the largest; only when the smallest is too large is anything left out."""

TITLE_POINTS = 15.0
LEADING = 1.27

Item = tuple[float, Callable[[FPDF, float, float], None]]
"""How high it is, and what draws it with its upper left corner there."""


class TooMuchError(NyttigError):
    """What may not be left out does not fit on one page."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A page that fits on one side at this size of its text."""

    page: OnePage
    points: float


def fitted(page: OnePage) -> Fitted:
    """The page as large as one side holds it; what has no room at the smallest size is named. Raises TooMuchError."""
    for points in SIZES:
        if _Sheet(page, points).fits():
            return Fitted(page, points)
    for shorter in shortenings(page):
        if _Sheet(shorter, SIZES[-1]).fits():
            return Fitted(shorter, SIZES[-1])
    raise TooMuchError(
        f"{page.title!r} does not fit on one page even without what may be left out; shorten its title, its harms or the"
        " names of its units"
    )


def written(fit: Fitted) -> bytes:
    """The page as a PDF file; the same page gives the same bytes."""
    return _Sheet(fit.page, fit.points).written()


def _blank() -> FPDF:
    """One empty side of A4, with the two weights of the font."""
    pdf = FPDF(format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    for bold, file in FILES.items():
        pdf.add_font(FAMILY, style(bold), file)
    pdf.add_page()
    return pdf


class _Sheet:
    """One side of A4 at one size of its text."""

    def __init__(self, page: OnePage, points: float) -> None:
        self.page, self.points = page, points
        self.line = points * MM_PER_POINT * LEADING
        self.items, self.headings = self._items()
        about = lines(words(page.about), WIDTH - 2 * MARGIN, points)
        title = lines(words(page.title, bold=True), WIDTH - 2 * MARGIN, TITLE_POINTS)
        foot = lines(words(page.foot), WIDTH - 2 * MARGIN, points - 0.6)
        self.head, self.foot = (title, about), foot
        self.top = MARGIN + len(title) * TITLE_POINTS * MM_PER_POINT * LEADING + len(about) * self.line + 2.5
        self.bottom = HEIGHT - MARGIN - len(foot) * self.line - 1

    def fits(self) -> bool:
        """Whether the longer column ends above the foot."""
        return self._longer(self._split()) <= self.bottom - self.top

    def written(self) -> bytes:
        """Everything is drawn."""
        page, pdf = self.page, _blank()
        made = datetime.fromisoformat(page.made_at)
        pdf.set_creation_date(made)
        pdf.set_title(page.title)
        pdf.set_subject(page.about)
        pdf.set_creator("Nyttig")
        pdf.set_lang(page.language)
        pdf.viewer_preferences = ViewerPreferences(display_doc_title=True)
        title, about = self.head
        y = self._write(pdf, title, MARGIN, MARGIN, TITLE_POINTS, INK)
        y = self._write(pdf, about, MARGIN, y, self.points, FAINT)
        self._rule(pdf, y + 0.8)
        split = self._split()
        for column, items in enumerate((self.items[:split], self.items[split:])):
            y = self.top
            for height, draw in items:
                draw(pdf, MARGIN + column * (COLUMN + GAP), y)
                y += height
        self._rule(pdf, self.bottom)
        self._write(pdf, self.foot, MARGIN, self.bottom + 1, self.points - 0.6, FAINT)
        content = bytes(pdf.output())
        close(pdf)
        return content

    def _split(self) -> int:
        """Where the second column begins so that both are about as long; never right after a heading."""
        places = [place for place in range(1, len(self.items) + 1) if place - 1 not in self.headings]
        return min(places, key=self._longer)

    def _longer(self, split: int) -> float:
        left, right = (
            sum(height for height, _draw in items) for items in (self.items[:split], self.items[split:])
        )
        return max(left, right)

    def _items(self) -> tuple[list[Item], set[int]]:
        """Everything in order, and which of it are headings."""
        items: list[Item] = []
        headings = set()
        for section in self.page.sections:
            headings.add(len(items))
            items.append(self._heading(section))
            items += [self._block(block) for block in section.blocks]
        return items, headings

    def _heading(self, section: Section) -> Item:
        found = lines(words(section.heading, bold=True), COLUMN, self.points + 1.5)
        height = len(found) * (self.points + 1.5) * MM_PER_POINT * LEADING + 1.4

        def draw(pdf: FPDF, x: float, y: float) -> None:
            self._write(pdf, found, x, y + 1.2, self.points + 1.5, USED)

        return height, draw

    def _block(self, block: Block) -> Item:
        if isinstance(block, Table):
            return self._table(block)
        return self._picture(block) if isinstance(block, Picture) else self._sentence(block)

    def _sentence(self, block: Sentence) -> Item:
        lead = f"{block.lead}:" if block.lead else ""
        found = lines([*words(lead, bold=True), *words(block.text)], COLUMN, self.points)
        return len(found) * self.line + 0.9, partial(self._draw_lines, found)

    def _draw_lines(self, found: list[list[Word]], pdf: FPDF, x: float, y: float) -> None:
        self._write(pdf, found, x, y, self.points, INK)

    def _table(self, table: Table) -> Item:
        cells = [table.header, *table.rows]
        others = [
            max(width_mm(row[place], self.points, bold=row is table.header) for row in cells) + 2.5
            for place in range(1, len(table.header))
        ]
        first = COLUMN - sum(others)
        rows = [(lines(words(row[0], bold=row is table.header), first, self.points), row) for row in cells]
        height = sum(len(found) for found, _row in rows) * self.line + len(rows) * 0.5 + 1.5

        def draw(pdf: FPDF, x: float, y: float) -> None:
            for found, row in rows:
                below = self._write(pdf, found, x, y, self.points, INK)
                right = x + first
                for text, width in zip(row[1:], others, strict=True):
                    right += width
                    bold = row is table.header
                    start = right - width_mm(text, self.points, bold=bold)
                    self._write(pdf, [words(text, bold=bold)], start, y, self.points, INK)
                y = below + 0.5
                self._rule(pdf, y - 0.2, x, x + COLUMN)

        return height, draw

    def _picture(self, picture: Picture) -> Item:
        told = lines(words(picture.words), COLUMN, self.points)
        drawing = COLUMN * pictures.HEIGHT / pictures.WIDTH
        legend = self._legend(picture)
        height = 1 + drawing + self.line + len(legend) * self.line + len(told) * self.line + 1.4

        def draw(pdf: FPDF, x: float, y: float) -> None:
            svg = io.BytesIO(pictures.drawn(picture).encode())
            pdf.image(svg, x, y + 1, COLUMN, drawing, alt_text=picture.words)
            y += 1 + drawing
            self._write(pdf, [words(picture.first)], x, y, self.points, FAINT)
            end = x + COLUMN - width_mm(picture.last, self.points)
            y = self._write(pdf, [words(picture.last)], end, y, self.points, FAINT)
            for line in legend:
                left = x
                for svg_text, label, width in line:
                    side = self.points * MM_PER_POINT * 0.8
                    swatch = io.BytesIO(svg_text.encode())
                    pdf.image(swatch, left, y + 0.25 * side, side, side)
                    self._write(pdf, [words(label)], left + side + 1, y, self.points, INK)
                    left += width
                y += self.line
            self._write(pdf, told, x, y, self.points, INK)

        return height, draw

    def _legend(self, picture: Picture) -> list[list[tuple[str, str, float]]]:
        """Swatch, words and width of each band, in as many lines as it takes."""
        made: list[list[tuple[str, str, float]]] = [[]]
        for band in picture.bands:
            width = width_mm(band.words, self.points) + self.points * MM_PER_POINT * 0.8 + 4
            if made[-1] and sum(each[2] for each in made[-1]) + width > COLUMN:
                made.append([])
            made[-1].append((pictures.swatch(band), band.words, width))
        return made

    def _write(
        self, pdf: FPDF, found: list[list[Word]], x: float, y: float, points: float, colour: str
    ) -> float:
        """The lines stand with their upper left corner there, each run of one weight at once; where they end."""
        pdf.set_text_color(colour)
        height = points * MM_PER_POINT * LEADING
        for line in found:
            at = x
            for bold in (True, False):  # a lead is bold, and comes first
                text = " ".join(word for word, heavy in line if heavy == bold)
                if text:
                    wide = width_mm(text + " ", points, bold=bold)
                    pdf.set_font(FAMILY, style(bold), points)
                    pdf.text(at, y + height * 0.8, text)
                    at += wide
            y += height
        return y

    def _rule(self, pdf: FPDF, y: float, left: float = MARGIN, right: float = WIDTH - MARGIN) -> None:
        pdf.set_draw_color(GRID)
        pdf.set_line_width(0.2)
        pdf.line(left, y, right, y)
