"""Money as bars: freed, reallocated and cashed by payer; and what the net present value hangs on."""

from __future__ import annotations

from typing import Any, NamedTuple

import altair as alt
import pandas as pd

from dashboard.charts import axes
from dashboard.language import _
from dashboard.palette import CAREFUL, FAINT, INK, USED

BAR_PX = 30


class Bar(NamedTuple):
    """One bar from `start` to `end`, with its name, its amount as it is read, its colour, and what stands beside it."""

    name: str
    start: float
    end: float
    shown: str
    colour: str
    label: str | None = None


def bars(rows: list[Bar], zero: float = 0.0, room: float = 0.42, limit: int = 170) -> alt.Chart:
    """The bars one beneath the other, with their amounts, and a line where they begin.

    `room` for the amounts, in widths of all bars; `limit` in pixels for the names.
    """
    frame = pd.DataFrame(
        [
            {
                "y": place + 0.18,
                "y2": place + 0.82,
                "middle": place + 0.5,
                "x": bar.start,
                "x2": bar.end,
                "right": max(bar.start, bar.end),
                "name": bar.name,
                "shown": bar.shown,
                "colour": bar.colour,
            }
            for place, bar in enumerate(rows)
        ]
    )
    names = {place + 0.5: bar.label or bar.name for place, bar in enumerate(rows)}
    ends = [zero, *(end for bar in rows for end in (bar.start, bar.end))]
    span = max(ends) - min(ends) or 1.0
    x_scale = alt.Scale(domain=[min(ends) - 0.02 * span, max(ends) + room * span], nice=False)
    y_scale = alt.Scale(domain=[0, max(len(rows), 1)], reverse=True, nice=False)
    y_axis = axes.labelled(names, overlap=False, limit=limit)
    x = alt.X("x:Q", scale=x_scale, axis=None)
    tooltip = [alt.Tooltip("name:N", title=" "), alt.Tooltip("shown:N", title=_("Amount"))]
    chart = alt.Chart(frame)
    layers: list[Any] = [
        chart.mark_rect(cornerRadius=2).encode(
            x=x,
            x2="x2",
            y=alt.Y("y:Q", scale=y_scale, axis=y_axis),
            y2="y2",
            color=alt.Color("colour:N", scale=None, legend=None),
            tooltip=tooltip,
        ),
        alt.Chart(pd.DataFrame([{"x": zero}])).mark_rule(color=FAINT).encode(x=x),
        chart.mark_text(align="left", dx=6, color=INK, fontSize=12).encode(
            x=alt.X("right:Q", scale=x_scale, axis=None),
            y=alt.Y("middle:Q", scale=y_scale, axis=y_axis),
            text="shown:N",
        ),
    ]
    return alt.layer(*layers)


def colour(value: float) -> str:
    """Of an amount: a loss stands out."""
    return CAREFUL if value < 0 else USED
