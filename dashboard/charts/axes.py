"""Axes whose labels are written here, in the reader's language, and not by the browser in its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import altair as alt

from dashboard.language import number, percent, short_day
from dashboard.palette import FAINT, GRID, INK


def labelled(
    labels: Mapping[float, str], *, grid: bool = False, limit: int = 160, overlap: bool = True
) -> alt.Axis:
    """An axis with ticks exactly where `labels` has a value, each with its text."""
    choices = " ".join(
        f"abs(datum.value - {value}) < 1e-9 ? {json.dumps(text, ensure_ascii=False)} :"
        for value, text in labels.items()
    )
    return alt.Axis(
        values=list(labels),
        labelExpr=f"{choices} ''",
        grid=grid,
        gridColor=GRID,
        domain=False,
        ticks=False,
        labelColor=INK,
        labelLimit=limit,
        labelPadding=6,
        labelOverlap=overlap,
        labelFontSize=12,
        titleColor=FAINT,
        titleFontWeight="normal",
        title=None,
    )


def whole_numbers(top: int) -> list[int]:
    """Some five round ticks from 0 to at least `top`."""
    step = next(s * 10**e for e in range(9) for s in (1, 2, 5) if top <= 5 * s * 10**e)
    return list(range(0, top + step, step))


def round_values(low: float, high: float) -> list[float]:
    """Some four round values from about `low` to about `high`."""
    span = high - low
    step = next(s * 10.0**e for e in range(-4, 13) for s in (1, 2, 5) if span <= 5 * s * 10.0**e)
    first = int(low // step) if low % step == 0 else int(low // step) + 1
    return [round(k * step, 6) for k in range(first, int(high // step) + 1)] or [low, high]


def counts(top: int) -> alt.Axis:
    """An axis of counts."""
    return labelled({tick: number(tick) for tick in whole_numbers(top)}, grid=True)


def ratios() -> alt.Axis:
    """An axis from none to all."""
    return labelled({tick / 4: percent(tick / 4) for tick in range(5)}, grid=True)


def days(first: date, count: int, ticks: int = 6) -> alt.Axis:
    """An axis of days from `first`, counted 0, 1, 2 …, with a date at some `ticks` of them."""
    weeks = max(1, -(-count // (7 * ticks)))
    return labelled(
        {offset: short_day(first + timedelta(days=offset)) for offset in range(0, count, 7 * weeks)}
    )


def weeks(starts: Sequence[date], ticks: int = 6) -> alt.Axis:
    """An axis of weeks counted 0, 1, 2 …, with the Monday's date at some `ticks` of them."""
    step = max(1, -(-len(starts) // ticks))
    return labelled({index + 0.5: short_day(starts[index]) for index in range(0, len(starts), step)})
