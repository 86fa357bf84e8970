"""Units one beneath the other: each one's change with its interval, and the mean of those that can be pooled as a diamond."""

from __future__ import annotations

from typing import Any, NamedTuple

import altair as alt
import pandas as pd

from dashboard.charts import axes
from dashboard.language import _, signed
from dashboard.palette import FAINT, HOME_LINE, INK, USED

ROW_PX = 46
AXIS_PX = 44
LABEL = 0.28
MARK = 0.68
"""Where in its row a unit's name and its interval stand, from the top."""

BEYOND = 0.6
"""So much of the units' own span a wider pooled interval may take on either side; the rest of it is an arrow."""


class Line(NamedTuple):
    """One row: a unit, or (`pooled`) all of them. `name` and `shown` are as they are read; `low` None: no interval.

    `beyond` is the interval for a further unit.
    """

    name: str
    shown: str
    estimate: float | None
    low: float | None
    high: float | None
    pooled: bool = False
    beyond: tuple[float, float] | None = None


def height(lines: list[Line]) -> int:
    """How high the picture is, in pixels."""
    return ROW_PX * len(lines) + AXIS_PX


def plot(lines: list[Line], decimals: int) -> alt.Chart:
    """The rows, each with a mark where nothing changed; what lies beyond the picture ends in an arrow."""
    low, high = _domain(lines)
    scale = alt.Scale(domain=[low, high], nice=False)
    ticks = {tick: signed(tick, decimals) for tick in axes.round_values(low, high)}
    x = alt.X("x:Q", scale=scale, axis=axes.labelled(ticks, grid=True))
    y = alt.Y("y:Q", scale=alt.Scale(domain=[0, len(lines)], reverse=True, nice=False), axis=None)
    tooltip = [alt.Tooltip("name:N", title=" "), alt.Tooltip("shown:N", title=_("Change"))]
    rows = [
        {"x": low, "x2": high, "y": place + LABEL, "name": line.name, "shown": line.shown}
        for place, line in enumerate(lines)
    ]
    names = alt.Chart(pd.DataFrame(rows)).encode(y=y, tooltip=tooltip)
    layers: list[Any] = [
        alt.Chart(
            pd.DataFrame([{"x": 0.0, "y": place + 0.46, "y2": place + 0.9} for place in range(len(lines))])
        )
        .mark_rule(color=FAINT, strokeWidth=1.5)
        .encode(x=x, y=y, y2="y2"),
        names.mark_text(align="left", color=INK, fontSize=12).encode(x=alt.value(0), text="name:N"),
        names.mark_text(align="right", color=INK, fontSize=12).encode(x=alt.value("width"), text="shown:N"),
    ]
    spans = [
        {"from": line.beyond, "y": place + MARK, "name": line.name, "shown": line.shown}
        for place, line in enumerate(lines)
        if line.beyond is not None
    ]
    layers += _spans(spans, (low, high), x, y, HOME_LINE, tooltip, dashed=True)
    spans = [
        {"from": (line.low, line.high), "y": place + MARK, "name": line.name, "shown": line.shown}
        for place, line in enumerate(lines)
        if line.low is not None and not line.pooled
    ]
    layers += _spans(spans, (low, high), x, y, USED, tooltip, dashed=False)
    points = pd.DataFrame(
        [
            {
                "x": line.estimate,
                "y": place + MARK,
                "name": line.name,
                "shown": line.shown,
                "open": line.low is None,
            }
            for place, line in enumerate(lines)
            if line.estimate is not None and not line.pooled
        ]
    )
    if len(points):
        dots = alt.Chart(points).encode(x=x, y=y, tooltip=tooltip)
        layers += [
            dots.transform_filter("!datum.open").mark_square(color=USED, size=70, opacity=1),
            dots.transform_filter("datum.open").mark_point(
                stroke=USED, strokeWidth=1.5, size=55, fill="white", opacity=1
            ),
        ]
    for place, line in enumerate(lines):
        if line.pooled and line.estimate is not None:
            layers += _diamond(line, place, (low, high), x, y, tooltip)
    return alt.layer(*layers)


def _domain(lines: list[Line]) -> tuple[float, float]:
    """From the lowest to the highest of the units and nothing; of wider intervals of all together, a part."""
    ends = [0.0]
    for line in lines:
        if not line.pooled:
            ends += [each for each in (line.estimate, line.low, line.high) if each is not None]
    low, high = min(ends), max(ends)
    span = (high - low) or 1.0
    for line in lines:
        if line.pooled:
            wide = [each for each in (line.low, line.high, *(line.beyond or ())) if each is not None]
            low = max(min([low, *wide]), min(ends) - BEYOND * span)
            high = min(max([high, *wide]), max(ends) + BEYOND * span)
    margin = 0.05 * (high - low or 1.0)
    return low - margin, high + margin


def _spans(
    spans: list[dict[str, Any]],
    domain: tuple[float, float],
    x: alt.X,
    y: alt.Y,
    colour: str,
    tooltip: list[alt.Tooltip],
    *,
    dashed: bool,
) -> list[alt.Chart]:
    """Lines from end to end, as far as the picture goes; an arrow where it goes on."""
    if not spans:
        return []
    low, high = domain
    rows = pd.DataFrame(
        [{**span, "x": max(span["from"][0], low), "x2": min(span["from"][1], high)} for span in spans]
    ).drop(columns="from")
    found = [
        alt.Chart(rows)
        .mark_rule(color=colour, strokeWidth=2, strokeDash=[5, 4] if dashed else [1, 0])
        .encode(x=x, x2="x2", y=y, tooltip=tooltip)
    ]
    for shape, end, beyond in (
        ("triangle-left", low, [span["from"][0] < low for span in spans]),
        ("triangle-right", high, [span["from"][1] > high for span in spans]),
    ):
        cut = [{"x": end, "y": span["y"]} for span, over in zip(spans, beyond, strict=True) if over]
        if cut:
            found.append(
                alt.Chart(pd.DataFrame(cut))
                .mark_point(shape=shape, filled=True, color=colour, size=60, opacity=1)
                .encode(x=x, y=y)
            )
    return found


def _diamond(
    line: Line, place: int, domain: tuple[float, float], x: alt.X, y: alt.Y, tooltip: list[alt.Tooltip]
) -> list[alt.Chart]:
    """From end to end of the interval and as high as may be at the mean; its ends are cut where the picture ends."""
    if line.estimate is None or line.low is None or line.high is None:
        return []
    low, high = max(line.low, domain[0]), min(line.high, domain[1])
    middle, half = place + MARK, 0.2
    left = half * (low - line.low) / ((line.estimate - line.low) or 1.0)
    right = half * (line.high - high) / ((line.high - line.estimate) or 1.0)
    corners = [
        (low, middle - left), (line.estimate, middle - half), (high, middle - right),
        (high, middle + right), (line.estimate, middle + half), (low, middle + left), (low, middle - left),
    ]  # fmt: skip
    rows = pd.DataFrame(
        [
            {"x": across, "y": down, "order": order, "name": line.name, "shown": line.shown}
            for order, (across, down) in enumerate(corners)
        ]
    )
    return [
        alt.Chart(rows)
        .mark_line(filled=True, color=INK, fill=INK, strokeWidth=1)
        .encode(x=x, y=y, order="order:Q", tooltip=tooltip)
    ]
