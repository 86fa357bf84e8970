"""Counts as bars in words: a line each, as long as there are many; it reads aloud, and fits a phone."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import streamlit as st

from dashboard.language import number
from dashboard.palette import FAINT, GRID, INK, PAUSED, USED


class Count(NamedTuple):
    """A line: its name, how many of how many in all (None: no whole), and what else is to be said of it."""

    name: str
    value: int
    of: int | None
    note: str


def show(lines: Sequence[Count]) -> None:
    """A bar a line stands on the page, the longest as wide as it can be; of a whole, what is left of it in pale."""
    top = max((line.of if line.of is not None else line.value for line in lines), default=0) or 1
    st.html("".join(_line(line, top) for line in lines))


def _line(line: Count, top: int) -> str:
    whole = "" if line.of is None else _bar(line.of - line.value, top, PAUSED)
    said = number(line.value) if line.of is None else f"{number(line.value)}/{number(line.of)}"
    note = f'<span style="color:{FAINT}"> · {escape(line.note)}</span>' if line.note else ""
    return (
        f'<div style="padding:.22rem 0;font-size:.92rem;color:{INK};overflow-wrap:anywhere">'
        f"<div>{escape(line.name)}: <b>{said}</b>{note}</div>"
        f'<div aria-hidden="true" style="display:flex;height:.5rem;background:{GRID}55;border-radius:3px;overflow:hidden">'
        f"{_bar(line.value, top, USED)}{whole}</div></div>"
    )


def _bar(count: int, top: int, colour: str) -> str:
    return f'<div style="width:{100 * max(count, 0) / top:.1f}%;background:{colour}"></div>'
