"""What a device said of its battery or its radio: a dot a day, joined where days follow one another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

import altair as alt
import pandas as pd

from dashboard.charts import axes
from dashboard.language import _, day
from dashboard.palette import CAREFUL, HOME_LINE, INK, PAUSED, USED

HEIGHT_PX = 170
JOINED_DAYS = 7
"""Readings further apart than this are not joined: nobody knows what was between them."""


class Limit(NamedTuple):
    """A level that matters, with its name."""

    level: float
    words: str


class Span(NamedTuple):
    """When something is to be expected: between two days, most likely on a third; None: no end in sight."""

    earliest: date
    likely: date | None
    latest: date | None


def chart(
    levels: list[tuple[date, float]],
    write: Callable[[float], str],
    title: str,
    *,
    domain: tuple[float, float] | None = None,
    limit: Limit | None = None,
    span: Span | None = None,
    until: date | None = None,
) -> alt.LayerChart:
    """The levels by day; a dashed line at `limit`; a bar at it from the earliest to the latest day of `span`.

    The picture ends at `until` at least, so that silence since the last reading shows as empty.
    """
    first = levels[0][0]
    last = max([levels[-1][0], *([until] if until else [])])
    low, high = domain or _around([value for _day, value in levels] + ([limit.level] if limit else []))
    if span is not None and domain is not None:
        last = max(last, span.latest or span.likely or last)
    count = (last - first).days + 1
    x = alt.X(
        "x:Q",
        scale=alt.Scale(domain=[0, max(count, 7)], nice=False),
        axis=axes.days(first, max(count, 7), ticks=4),
    )
    y = alt.Y(
        "y:Q",
        scale=alt.Scale(domain=[low, high], nice=False),
        axis=axes.labelled({tick: write(tick) for tick in _ticks(low, high)}, grid=True),
    )
    rows = _rows(levels, first, write)
    base = alt.Chart(pd.DataFrame(rows)).encode(
        x=x,
        y=y,
        tooltip=[alt.Tooltip("day:N", title=_("Day")), alt.Tooltip("shown:N", title=title)],
    )
    layers: list[alt.Chart] = []
    if span is not None and limit is not None and (span.latest or span.likely):
        layers += _expected(span, first, limit.level, (high - low) / 40, x, y)
    if limit is not None:
        layers += _limit(limit, max(count, 7), x, y)
    layers += [
        base.mark_line(color=HOME_LINE, strokeWidth=2).encode(detail="run:N"),
        base.mark_circle(color=USED, size=26, opacity=1),
    ]
    return alt.layer(*layers)


def _rows(
    levels: list[tuple[date, float]], first: date, write: Callable[[float], str]
) -> list[dict[str, Any]]:
    rows, run, before = [], 0, first
    for when, value in levels:
        run += (when - before).days > JOINED_DAYS
        before = when
        rows.append(
            {"x": (when - first).days + 0.5, "y": value, "day": day(when), "shown": write(value), "run": run}
        )
    return rows


def _limit(limit: Limit, count: int, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    line = pd.DataFrame([{"x": 0, "x2": count, "y": limit.level, "words": limit.words}])
    base = alt.Chart(line).encode(x=x, y=y, tooltip=[alt.Tooltip("words:N", title=" ")])
    return [
        base.mark_rule(color=CAREFUL, strokeDash=[5, 4]).encode(x2="x2"),
        base.mark_text(color=CAREFUL, align="left", baseline="bottom", dx=2, dy=-2, fontSize=11).encode(
            text="words:N"
        ),
    ]


def _expected(span: Span, first: date, level: float, thickness: float, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    end = span.latest or span.likely
    assert end is not None
    bar = {
        "x": (span.earliest - first).days,
        "x2": (end - first).days + 1,
        "y": level - thickness,
        "y2": level + thickness,
        "days": _("{first} to {last}").format(first=day(span.earliest), last=day(end)),
    }
    found = [
        alt.Chart(pd.DataFrame([bar]))
        .mark_rect(color=PAUSED, stroke=USED, strokeWidth=0.6)
        .encode(x=x, x2="x2", y=y, y2="y2", tooltip=[alt.Tooltip("days:N", title=_("To be replaced"))])
    ]
    if span.likely is not None:
        likely = {"x": (span.likely - first).days + 0.5, "y": level, "day": day(span.likely)}
        found.append(
            alt.Chart(pd.DataFrame([likely]))
            .mark_point(shape="diamond", filled=True, color=INK, size=60, opacity=1)
            .encode(x=x, y=y, tooltip=[alt.Tooltip("day:N", title=_("Most likely"))])
        )
    return found


def _around(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    margin = (high - low) * 0.12 or abs(high) * 0.05 or 1.0
    return low - margin, high + margin


def _ticks(low: float, high: float) -> list[float]:
    """Some four round values within the picture."""
    span = high - low
    step = next(s * 10.0**e for e in range(-4, 9) for s in (1, 2, 5) if span <= 5 * s * 10.0**e)
    first = -int(-low // step)
    return [round(k * step, 6) for k in range(first, int(high // step) + 1)]
