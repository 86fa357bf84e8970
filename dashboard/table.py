"""The numbers of a picture as a table beside it, and as a file to take along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from dashboard.language import _, day, number, parse_day, percent

Row = Mapping[str, Any]


class Column(NamedTuple):
    """A column: its key in the rows and in the file, its title on the screen, and how its values read.

    `kind` is text, number (up to `decimals`), ratio (0..1) or day (ISO date).
    """

    key: str
    title: str
    kind: str = "text"
    decimals: int = 0


def show(name: str, rows: Sequence[Row], columns: Sequence[Column]) -> None:
    """The rows stand on the page as a reader writes them."""
    texts = {column.title: [_text(row.get(column.key), column) for row in rows] for column in columns}
    right = {
        column.title: st.column_config.TextColumn(alignment="right")
        for column in columns
        if column.kind in ("number", "ratio")
    }
    st.dataframe(
        pd.DataFrame(texts), hide_index=True, column_config=right, width="stretch", key=f"table:{name}"
    )


def beside(
    name: str,
    rows: Sequence[Row],
    columns: Sequence[Column],
    every_row: Callable[[], Iterable[Row]] | None = None,
) -> None:
    """A picture's numbers can be unfolded as a table and downloaded as CSV.

    The file holds plain numbers (ratios 0..1, ISO days, empty where unknown) of `every_row`, where that is given;
    it is made when somebody asks for it, because a page of a thousand homes is drawn again every half minute.
    """

    with st.expander(_("Show as a table"), icon=":material/table:"):
        show(name, rows, columns)
        download(name, every_row or (lambda: rows))


def download(name: str, every_row: Callable[[], Iterable[Row]]) -> None:
    """All these rows can be downloaded as CSV, made when somebody asks for it."""

    def file() -> bytes:
        return pd.DataFrame(list(every_row())).to_csv(index=False).encode()

    st.download_button(
        _("Download (CSV)"),
        file,
        file_name=f"{name}.csv",
        mime="text/csv",
        icon=":material/download:",
        key=f"download:{name}",
    )


def _text(value: Any, column: Column) -> str:
    if value is None:
        return "–"
    if column.kind == "number":
        return number(value, column.decimals)
    if column.kind == "ratio":
        return percent(value)
    if column.kind == "day":
        return day(parse_day(value))
    return str(value)
