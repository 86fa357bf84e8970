"""One device day by day: heard as expected, in part, not at all, or not known; and how often it reported on itself."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import groupby
from typing import Any

import altair as alt
import pandas as pd

from dashboard.charts import axes, hatch
from dashboard.charts.frame import HATCHED
from dashboard.client import Json
from dashboard.language import _, day, number
from dashboard.palette import BAD, IN_CONTACT, PAUSED, UNKNOWN, USED
from dashboard.wording import heard_state

COLOURS = {"as_expected": USED, "some": IN_CONTACT, "none": BAD, "platform_away": UNKNOWN}
HEIGHT_PX = 150
STRIP = 0.22
"""The height of the strip of states, as a share of the bars above it."""


def swatches(days: list[Json]) -> list[tuple[str, str]]:
    """A legend of the states that occur, and of the bars."""
    seen = {each["heard"] for each in days}
    states = [
        (HATCHED if state == "platform_away" else colour, heard_state(state))
        for state, colour in COLOURS.items()
        if state in seen
    ]
    return [
        *states,
        *([(PAUSED, _("Reports on itself"))] if any(each["own_reports"] for each in days) else []),
    ]


def chart(days: list[Json]) -> alt.LayerChart:
    """A strip of the days' states, and above it a bar a day as high as the device reported on itself."""
    first = date.fromisoformat(days[0]["day"])
    top = max((each["own_reports"] for each in days), default=0) or 1
    high = axes.whole_numbers(top)[-1]
    low, edge = -STRIP * high, -0.04 * high
    x = alt.X(
        "x:Q",
        scale=alt.Scale(domain=[0, max(len(days), 7)], nice=False),
        axis=axes.days(first, len(days), ticks=4),
    )
    y = alt.Y("y:Q", scale=alt.Scale(domain=[low, high], nice=False), axis=axes.counts(top))
    strip, lines = _strip(days, first, low, edge)
    layers: list[alt.Chart] = [
        _rectangles(strip, x, y).encode(
            tooltip=[alt.Tooltip("days:N", title=_("Days")), alt.Tooltip("state:N", title=_("State"))]
        )
    ]
    if lines:
        layers.append(hatch.mark(lines, x, y))
    if bars := _bars(days, first):
        layers.append(
            _rectangles(bars, x, y).encode(
                tooltip=[
                    alt.Tooltip("days:N", title=_("Day")),
                    alt.Tooltip("reports:N", title=_("Reports on itself")),
                ]
            )
        )
    return alt.layer(*layers)


def _strip(
    days: list[Json], first: date, low: float, edge: float
) -> tuple[list[dict[str, Any]], list[list[float]]]:
    found, lines = [], []
    for state, run in groupby(enumerate(days), key=lambda pair: pair[1]["heard"]):
        offsets = [offset for offset, _day in run]
        left, right = offsets[0], offsets[-1] + 1
        begins, ends = first + timedelta(days=left), first + timedelta(days=right - 1)
        period = (
            day(begins)
            if begins == ends
            else _("{first} to {last}").format(first=day(begins), last=day(ends))
        )
        found.append(
            {
                "x": left,
                "x2": right,
                "y": low,
                "y2": edge,
                "colour": COLOURS[state],
                "state": heard_state(state),
                "days": period,
            }
        )
        if state == "platform_away":
            lines += hatch.lines(left, right, low, edge, run=max(0.5, len(days) / 90), rise=(edge - low) / 2)
    return found, lines


def _bars(days: list[Json], first: date) -> list[dict[str, Any]]:
    return [
        {
            "x": offset + 0.1,
            "x2": offset + 0.9,
            "y": 0,
            "y2": each["own_reports"],
            "colour": PAUSED,
            "days": day(first + timedelta(days=offset)),
            "reports": number(each["own_reports"]),
        }
        for offset, each in enumerate(days)
        if each["own_reports"]
    ]


def _rectangles(rows: list[dict[str, Any]], x: alt.X, y: alt.Y) -> alt.Chart:
    return (
        alt.Chart(pd.DataFrame(rows))
        .mark_rect(stroke="white", strokeWidth=0.3)
        .encode(x=x, x2="x2", y=y, y2="y2", color=alt.Color("colour:N", scale=None, legend=None))
    )
