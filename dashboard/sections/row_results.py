"""What became of each row of a list that was handed over: counted, filtered, a line each, and as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import NamedTuple

import streamlit as st

from dashboard import table
from dashboard.language import _, number
from dashboard.palette import FAINT, GRID, INK
from dashboard.table import Column

ROWS_SHOWN = 40
ALL = "all"
GAP = '<div style="height:.7rem"></div>'

Looks = Mapping[str, tuple[str, str]]
"""A sign and a colour for each result; the sign alone is enough."""


class RowResult(NamedTuple):
    """One row: its number, what it is about, what became of it (a key of the looks), and why."""

    row: int
    about: str | None
    result: str
    said: Sequence[str]


def counts(told: Mapping[str, int], looks: Looks, word: Callable[[str], str], *, last: str) -> str:
    """How many rows came to what, in one line, `last` at its end."""
    return " · ".join(
        f"{sign} {word(code)} **{number(told[code])}**"
        for code, (sign, _colour) in sorted(looks.items(), key=lambda look: look[0] == last)
        if told[code]
    )


def show(
    name: str,
    rows: Sequence[RowResult],
    looks: Looks,
    word: Callable[[str], str],
    *,
    about: str,
    first: str,
    key: str,
) -> None:
    """The rows can be read by what became of them, at first those with the result `first` where there are any.

    `name` is that of the file to take along, `about` the title of what the rows are about, `key` another one where the
    choice of results starts anew.
    """
    if not rows:
        return
    found = Counter(row.result for row in rows)
    names = {ALL: _("All {n}").format(n=number(len(rows)))}
    names |= {
        code: f"{sign} {word(code)} {number(found[code])}"
        for code, (sign, _colour) in looks.items()
        if found[code]
    }
    wanted = st.pills(
        _("Result"),
        list(names),
        format_func=names.__getitem__,
        default=first if found[first] else ALL,
        required=True,
        key=f"rows:{key}:{bool(found[first])}",
    )
    listed = [row for row in rows if wanted in (ALL, None, row.result)]
    st.markdown("".join(_row(row, looks, word) for row in listed[:ROWS_SHOWN]) + GAP, unsafe_allow_html=True)
    if len(listed) > ROWS_SHOWN:
        st.caption(
            _("The first {shown} of {all}. The table below holds all.").format(
                shown=number(ROWS_SHOWN), all=number(len(listed))
            )
        )
    table.beside(
        name,
        [
            {
                "row": str(row.row),
                "about": row.about,
                "result": word(row.result),
                "said": "; ".join(row.said),
            }
            for row in listed
        ],
        [
            Column("row", _("Row")),
            Column("about", about),
            Column("result", _("Result")),
            Column("said", _("What and why")),
        ],
    )


def _row(row: RowResult, looks: Looks, word: Callable[[str], str]) -> str:
    sign, colour = looks[row.result]
    said = "".join(f"<div>{escape(line)}</div>" for line in row.said)
    place = _("row {n}").format(n=row.row)
    return (
        f'<div style="display:flex;gap:.7rem;padding:.45rem 0;border-bottom:1px solid {GRID}">'
        f'<div style="color:{colour};font-size:1.1rem;line-height:1.3;width:1.2rem;flex:none;text-align:center">'
        f'{sign}</div><div style="min-width:0;overflow-wrap:anywhere"><div style="color:{INK}">'
        f'<b>{escape(row.about or "–")}</b> <span style="color:{FAINT};font-size:.85rem">{escape(place)}</span> '
        f'<span style="color:{colour};font-size:.9rem">{escape(word(row.result))}</span></div>'
        f'<div style="color:{FAINT};font-size:.9rem">{said}</div></div></div>'
    )
