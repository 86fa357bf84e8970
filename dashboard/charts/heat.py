"""Demonstrations per technology and day, as a strip that is darker the more there were."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import altair as alt
import pandas as pd

from dashboard.charts import axes
from dashboard.language import _, day, number, short_day
from dashboard.palette import HEAT

ROW_HEIGHT_PX = 34
STEPS = (0, 1, 3, 6, 11, 21)
"""The least count of each colour of HEAT."""


def swatches() -> list[tuple[str, str]]:
    """The colours as a legend of counts."""
    texts = [
        number(low) if low == high - 1 else f"{number(low)}–{number(high - 1)}"
        for low, high in pairwise(STEPS)
    ]
    return list(zip(HEAT, [*texts, f"{number(STEPS[-1])}+"], strict=True))


def colour(count: int) -> str:
    """The colour of a count."""
    return HEAT[max(index for index, least in enumerate(STEPS) if count >= least)]


def strip(days: list[date], rows: list[tuple[str, list[int]]], what: str) -> alt.Chart:
    """A row a technology, a cell a day; `what` names what is counted."""
    cells: list[dict[str, Any]] = [
        {
            "x": (when - days[0]).days,
            "x2": (when - days[0]).days + 1,
            "y": row + 0.14,
            "y2": row + 0.86,
            "colour": colour(count),
            "title": title,
            "day": day(when),
            "count": number(count),
        }
        for row, (title, counts) in enumerate(rows)
        for when, count in zip(days, counts, strict=True)
    ]
    span = (days[-1] - days[0]).days + 1
    step = max(1, -(-span // 5))
    dates = {offset + 0.5: short_day(days[0] + timedelta(days=offset)) for offset in range(0, span, step)}
    return alt.layer(
        alt.Chart(pd.DataFrame(cells))
        .mark_rect(stroke="white", strokeWidth=1)
        .encode(
            x=alt.X("x:Q", scale=alt.Scale(domain=[0, span], nice=False), axis=axes.labelled(dates)),
            x2="x2",
            y=alt.Y(
                "y:Q",
                scale=alt.Scale(domain=[0, len(rows)], reverse=True, nice=False),
                axis=axes.labelled(
                    {row + 0.5: title for row, (title, _counts) in enumerate(rows)}, limit=130, overlap=False
                ),
            ),
            y2="y2",
            color=alt.Color("colour:N", scale=None, legend=None),
            tooltip=[
                alt.Tooltip("title:N", title=_("Technology")),
                alt.Tooltip("day:N", title=_("Day")),
                alt.Tooltip("count:N", title=what),
            ],
        )
    )
