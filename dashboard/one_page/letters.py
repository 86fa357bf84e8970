"""How wide words are in the font of the PDF, and how they stand in lines; the font lies in fonts/."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from fpdf import FPDF
from fpdf.fonts import TTFFont

FAMILY = "page"
FILES = {
    False: Path(__file__).with_name("fonts") / "DejaVuSansCondensed.ttf",
    True: Path(__file__).with_name("fonts") / "DejaVuSansCondensed-Bold.ttf",
}
"""The font's files, by whether they are bold."""

MM_PER_POINT = 25.4 / 72

Word = tuple[str, bool]
"""A word, and whether it is bold."""


def style(bold: bool) -> str:
    """What fpdf2 calls that weight."""
    return "B" if bold else ""


def close(pdf: FPDF) -> None:
    """The font files that it read from are closed: nobody else does that."""
    for font in pdf.fonts.values():
        if isinstance(font, TTFFont):
            font.ttfont.close()


@lru_cache
def _widths(bold: bool) -> dict[str, float]:
    """How wide each letter is that the font has, in its size."""
    pdf = FPDF()
    pdf.add_font(FAMILY, "", FILES[bold])
    font = pdf.fonts[FAMILY]
    assert isinstance(font, TTFFont)
    found = {chr(code): font.cw[code] / 1000 for code in font.cmap}
    close(pdf)
    return found


def width_mm(text: str, points: float, *, bold: bool = False) -> float:
    """How wide the text is, all of whose letters the font has."""
    widths = _widths(bold)
    return sum(widths[letter] for letter in text) * points * MM_PER_POINT


def words(text: str, *, bold: bool = False) -> list[Word]:
    """The words of a text in letters that the font has; others by the letter they come from, else a question mark.

    A space that must not break belongs to its word.
    """
    known = _widths(bold)
    return [("".join(_letters(word, known)), bold) for word in re.split(r"[ \t\r\n]+", text) if word]


def _letters(word: str, known: dict[str, float]) -> Iterator[str]:
    for letter in word:
        if letter in known:
            yield letter
        else:
            base = "".join(part for part in unicodedata.normalize("NFKD", letter) if part in known)
            yield base or "?"


def lines(found: Sequence[Word], width: float, points: float) -> list[list[Word]]:
    """The words in lines no wider than so many millimetres; a word that is wider is cut."""
    made: list[list[Word]] = []
    used = width
    for word, bold in found:
        space = width_mm(" ", points, bold=bold)
        for part in _cut(word, width, points, bold=bold):
            wide = width_mm(part, points, bold=bold)
            if not made or used + space + wide > width:
                made.append([])
                used = -space
            made[-1].append((part, bold))
            used += space + wide
    return made


def _cut(word: str, width: float, points: float, *, bold: bool) -> list[str]:
    if width_mm(word, points, bold=bold) <= width:
        return [word]
    parts = [""]
    for letter in word:
        if parts[-1] and width_mm(parts[-1] + letter, points, bold=bold) > width:
            parts.append("")
        parts[-1] += letter
    return parts
