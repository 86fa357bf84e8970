"""What a page consists of, whatever it is written as: sentences, small tables and one picture, in sections."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

OWN_WORDS_MAX = 220
"""Letters that are kept of what somebody wrote: a council reads the rest on the trial's pages."""

Rank = int
"""How soon a block is left out where space is short: 0 never, the highest first."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """Text, with a few words and a colon before it in bold. `name` is what it is called where it is left out."""

    text: str
    lead: str = ""
    rank: Rank = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A small table; the first column holds words, the others numbers."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    rank: Rank = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Band:
    """One part of every column of a picture, from the bottom up."""

    words: str
    colour: str
    hatched: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """Stacked columns, a number for each band; `words` say what there is to see for those who do not see it."""

    words: str
    bands: tuple[Band, ...]
    columns: tuple[tuple[float, ...], ...]
    first: str
    last: str
    rank: Rank = 0
    name: str = ""


Block = Sentence | Table | Picture


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands under it."""

    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class OnePage:
    """A trial on one page, in one language. `about` stands under the title, `foot` at the end.

    `left_out` takes the names of what had no room; `{names}` in it is where they go.
    """

    language: str
    title: str
    about: str
    sections: tuple[Section, ...]
    foot: str
    left_out: str
    made_at: str


def own_words(text: str | None) -> str:
    """What somebody wrote, in one line, and cut at a word where it is long; the mark … says so."""
    line = re.sub(r"[ \t\r\n]+", " ", text or "").strip()
    if len(line) <= OWN_WORDS_MAX:
        return line
    return line[:OWN_WORDS_MAX].rsplit(" ", 1)[0].rstrip(" ,;:.–") + " …"


def full_stop(text: str) -> str:
    """The text as a sentence that ends, once."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def shortenings(page: OnePage) -> Iterator[OnePage]:
    """The page as it is, then with one block less each time, the least important first; each names what it lacks."""
    yield page
    dropped: list[Block] = []
    blocks = [block for section in page.sections for block in section.blocks if block.rank]
    for block in sorted(blocks, key=lambda block: -block.rank):
        dropped.append(block)
        yield _without(page, dropped)


def _without(page: OnePage, dropped: list[Block]) -> OnePage:
    gone = {id(block) for block in dropped}
    kept = [
        replace(section, blocks=tuple(block for block in section.blocks if id(block) not in gone))
        for section in page.sections
    ]
    # In the order of the page, and each name once.
    names = dict.fromkeys(
        block.name for section in page.sections for block in section.blocks if id(block) in gone
    )
    foot = " ".join([page.left_out.format(names=", ".join(names)), page.foot])
    return replace(page, sections=tuple(section for section in kept if section.blocks), foot=foot)
