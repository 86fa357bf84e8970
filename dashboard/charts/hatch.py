"""Diagonal lines over a rectangle: the look of what is not known."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.palette import HATCH

COLUMNS = ["x", "y", "x2", "y2"]


def lines(left: float, right: float, bottom: float, top: float, run: float, rise: float) -> list[list[float]]:
    """Parallel diagonals within a rectangle, as [x, y, x2, y2].

    `run` is the distance between two of them along x; each climbs `rise` for every `run`.
    However small the rectangle, there is one.
    """
    slope = rise / run
    climb = (top - bottom) / slope
    found = []
    start = left - climb + min(run, right - left + climb) / 2
    while start < right:
        x, x2 = max(start, left), min(start + climb, right)
        found.append([x, bottom + (x - start) * slope, x2, bottom + (x2 - start) * slope])
        start += run
    return found


def mark(rows: list[list[float]], x: alt.X, y: alt.Y) -> alt.Chart:
    """The lines as a layer over a chart whose quantitative axes `x` and `y` it shares."""
    return (
        alt.Chart(pd.DataFrame(rows, columns=COLUMNS))
        .mark_rule(color=HATCH, strokeWidth=1, tooltip=False)
        .encode(x=x, x2="x2", y=y, y2="y2")
    )
