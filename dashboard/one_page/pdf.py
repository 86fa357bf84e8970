"""The page as a PDF: one side of A4 in two columns, text that can be selected, and the size at which all of it fits."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path

from fpdf import FPDF
from fpdf.prefs import ViewerPreferences

from dashboard.one_page import picture as pictures
from dashboard.one_page.blocks import Block, OnePage, Picture, Section, Sentence, Table, shortenings
from dashboard.palette import FAINT, GRID, INK, USED
from nyttig.errors import NyttigError

FONTS = Path(__file__).with_name("fonts")
FONT = "DejaVuSansCondensed"

# A4 in millimetres.
WIDTH, HEIGHT, MARGIN, GAP = 210.0, 297.0, 11.0, 6.0
COLUMN = (WIDTH - 2 * MARGIN - GAP) / 2

SIZES = (9.0, 8.6, 8.2, 7.8, 7.5, 7.2)
"""Points, tried from the largest; only when the smallest is too large is anything left out."""

TITLE_POINTS = 15.0
MM_PER_POINT = 25.4 / 72
LEADING = 1.27
MEASURED_AT = 100.0

Word = tuple[str, bool]
"""A word, and whether it is bold."""

Item = tuple[float, Callable[[float, float], None]]
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


@lru_cache
def _font(bold: bool) -> bytes:
    return (FONTS / f"{FONT}{'-Bold' if bold else ''}.ttf").read_bytes()


class _Sheet:
    """One side of A4 at one size of its text."""

    def __init__(self, page: OnePage, points: float) -> None:
        self.page, self.points = page, points
        self.pdf = FPDF(format="A4")
        self.pdf.set_auto_page_break(False)
        self.pdf.set_margin(0)
        self.pdf.c_margin = 0
        for bold in (False, True):
            self.pdf.add_font("page", "B" if bold else "", io.BytesIO(_font(bold)))
        self.pdf.add_page()
        self.line = points * MM_PER_POINT * LEADING
        self.items, self.headings = self._items()
        about = self._lines(page.about, WIDTH - 2 * MARGIN, points)
        title = self._lines(page.title, WIDTH - 2 * MARGIN, TITLE_POINTS, bold=True)
        foot = self._lines(page.foot, WIDTH - 2 * MARGIN, points - 0.6)
        self.head, self.foot = (title, about), foot
        self.top = MARGIN + len(title) * TITLE_POINTS * MM_PER_POINT * LEADING + len(about) * self.line + 2.5
        self.bottom = HEIGHT - MARGIN - len(foot) * self.line - 1

    def fits(self) -> bool:
        """Whether the longer column ends above the foot."""
        return self._longer(self._split()) <= self.bottom - self.top

    def written(self) -> bytes:
        """Everything is drawn."""
        page, pdf = self.page, self.pdf
        made = datetime.fromisoformat(page.made_at)
        pdf.set_creation_date(made)
        pdf.set_title(page.title)
        pdf.set_subject(page.about)
        pdf.set_creator("Nyttig")
        pdf.set_lang(page.language)
        pdf.viewer_preferences = ViewerPreferences(display_doc_title=True)
        title, about = self.head
        y = self._write(title, MARGIN, MARGIN, TITLE_POINTS, INK)
        y = self._write(about, MARGIN, y, self.points, FAINT)
        self._rule(y + 0.8)
        split = self._split()
        for column, items in enumerate((self.items[:split], self.items[split:])):
            y = self.top
            for height, draw in items:
                draw(MARGIN + column * (COLUMN + GAP), y)
                y += height
        self._rule(self.bottom)
        self._write(self.foot, MARGIN, self.bottom + 1, self.points - 0.6, FAINT)
        return bytes(pdf.output())

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
        lines = self._lines(section.heading, COLUMN, self.points + 1.5, bold=True)
        height = len(lines) * (self.points + 1.5) * MM_PER_POINT * LEADING + 1.4

        def draw(x: float, y: float) -> None:
            self._write(lines, x, y + 1.2, self.points + 1.5, USED)

        return height, draw

    def _block(self, block: Block) -> Item:
        if isinstance(block, Table):
            return self._table(block)
        return self._picture(block) if isinstance(block, Picture) else self._sentence(block)

    def _sentence(self, block: Sentence) -> Item:
        words = [*self._words(block.lead, bold=True), *self._words(block.text)]
        lines = self._wrapped(words, COLUMN, self.points)
        return len(lines) * self.line + 0.9, partial(self._draw_lines, lines)

    def _draw_lines(self, lines: list[list[Word]], x: float, y: float) -> None:
        self._write(lines, x, y, self.points, INK)

    def _table(self, table: Table) -> Item:
        cells = [table.header, *table.rows]
        others = [
            max(self._width(row[place], self.points, bold=row is table.header) for row in cells) + 2.5
            for place in range(1, len(table.header))
        ]
        first = COLUMN - sum(others)
        rows = [
            (self._lines(row[0], first, self.points, bold=row is table.header), row) for row in cells
        ]
        height = sum(len(lines) for lines, _row in rows) * self.line + len(rows) * 0.5 + 1.5

        def draw(x: float, y: float) -> None:
            for lines, row in rows:
                below = self._write(lines, x, y, self.points, INK)
                right = x + first
                for text, width in zip(row[1:], others, strict=True):
                    right += width
                    bold = row is table.header
                    start = right - self._width(text, self.points, bold=bold)
                    self._write([self._words(text, bold=bold)], start, y, self.points, INK)
                y = below + 0.5
                self._rule(y - 0.2, x, x + COLUMN)

        return height, draw

    def _picture(self, picture: Picture) -> Item:
        words = self._lines(picture.words, COLUMN, self.points)
        drawing = COLUMN * pictures.HEIGHT / pictures.WIDTH
        legend = self._legend(picture)
        height = 1 + drawing + self.line + len(legend) * self.line + len(words) * self.line + 1.4

        def draw(x: float, y: float) -> None:
            svg = io.BytesIO(pictures.drawn(picture).encode())
            self.pdf.image(svg, x, y + 1, COLUMN, drawing, alt_text=picture.words)
            y += 1 + drawing
            self._write([self._words(picture.first)], x, y, self.points, FAINT)
            end = x + COLUMN - self._width(picture.last, self.points)
            y = self._write([self._words(picture.last)], end, y, self.points, FAINT)
            for line in legend:
                left = x
                for svg_text, label, width in line:
                    side = self.points * MM_PER_POINT * 0.8
                    swatch = io.BytesIO(svg_text.encode())
                    self.pdf.image(swatch, left, y + 0.25 * side, side, side)
                    self._write([self._words(label)], left + side + 1, y, self.points, INK)
                    left += width
                y += self.line
            self._write(words, x, y, self.points, INK)

        return height, draw

    def _legend(self, picture: Picture) -> list[list[tuple[str, str, float]]]:
        """Swatch, words and width of each band, in as many lines as it takes."""
        lines: list[list[tuple[str, str, float]]] = [[]]
        for band in picture.bands:
            width = self._width(band.words, self.points) + self.points * MM_PER_POINT * 0.8 + 4
            if lines[-1] and sum(each[2] for each in lines[-1]) + width > COLUMN:
                lines.append([])
            lines[-1].append((pictures.swatch(band), band.words, width))
        return lines

    def _words(self, text: str, *, bold: bool = False) -> list[Word]:
        return [(word, bold) for word in re.split(r"[ \t\r\n]+", self._printable(text)) if word]

    def _lines(self, text: str, width: float, points: float, *, bold: bool = False) -> list[list[Word]]:
        return self._wrapped(self._words(text, bold=bold), width, points)

    def _wrapped(self, words: Sequence[Word], width: float, points: float) -> list[list[Word]]:
        """The words in lines no wider than this; a word that is wider is cut."""
        lines: list[list[Word]] = []
        used = width
        for word, bold in words:
            for part in self._cut(word, width, points, bold=bold):
                wide = self._width(part, points, bold=bold)
                space = self._width(" ", points, bold=bold)
                if not lines or used + space + wide > width:
                    lines.append([])
                    used = -space
                lines[-1].append((part, bold))
                used += space + wide
        return lines

    def _cut(self, word: str, width: float, points: float, *, bold: bool) -> list[str]:
        parts = [""]
        for letter in word if self._width(word, points, bold=bold) > width else [word]:
            if parts[-1] and self._width(parts[-1] + letter, points, bold=bold) > width:
                parts.append("")
            parts[-1] += letter
        return parts

    def _width(self, text: str, points: float, *, bold: bool = False) -> float:
        self.pdf.set_font("page", "B" if bold else "", MEASURED_AT)
        return self.pdf.get_string_width(text) * points / MEASURED_AT

    def _write(self, lines: list[list[Word]], x: float, y: float, points: float, colour: str) -> float:
        """The lines stand with their upper left corner there, each run of one weight at once; where they end."""
        self.pdf.set_text_color(colour)
        height = points * MM_PER_POINT * LEADING
        for line in lines:
            at = x
            for bold in (True, False):  # a lead is bold, and comes first
                text = " ".join(word for word, heavy in line if heavy == bold)
                if text:
                    wide = self._width(text + " ", points, bold=bold)
                    self.pdf.set_font("page", "B" if bold else "", points)
                    self.pdf.text(at, y + height * 0.8, text)
                    at += wide
            y += height
        return y

    def _rule(self, y: float, left: float = MARGIN, right: float = WIDTH - MARGIN) -> None:
        self.pdf.set_draw_color(GRID)
        self.pdf.set_line_width(0.2)
        self.pdf.line(left, y, right, y)

    def _printable(self, text: str) -> str:
        """The text in letters that the font has; others by the letter they come from, else as a question mark."""
        known = self.pdf.fonts["page"].cmap
        told = []
        for letter in text:
            if letter.isspace() or ord(letter) in known:
                told.append(letter)
            else:
                base = "".join(part for part in unicodedata.normalize("NFKD", letter) if ord(part) in known)
                told.append(base or "?")
        return "".join(told)
