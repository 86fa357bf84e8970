"""Before and after: a line a home, and the mean of all; homes without the technology beside those with it."""

from __future__ import annotations

from statistics import fmean
from typing import Any

import altair as alt
import pandas as pd

from dashboard.charts import axes
from dashboard.client import Json
from dashboard.language import _, number
from dashboard.palette import FAINT, HOME_LINE, INK, UNUSED, USED

APART = 1.7
"""How far the homes without the technology stand beside those with it, on an axis on which after is 1 from before."""


def lines(gain: Json) -> alt.Chart:
    """Each home's value before and after, joined; answers by proxy dashed; the mean of each group thick."""
    groups = [(gain["homes"], 0.0, USED, _("With it"))]
    if gain["homes_compared"]:
        groups.append((gain["homes_compared"], APART, UNUSED, _("Without it")))
    points = [point for pairs, shift, _colour, _title in groups for point in _points(pairs, shift)]
    values = [point["value"] for point in points]
    lowest, highest = min(values), max(values)
    margin = (highest - lowest) * 0.08 or 1.0
    low = min(0.0, lowest) if lowest < highest * 0.5 else lowest - margin
    ticks = axes.round_values(low, highest + margin)
    top = max(highest + margin, ticks[-1]) + (margin if len(groups) > 1 else 0)
    last = groups[-1][1] + 1
    scale_x = alt.Scale(domain=[-0.18 * (last or 1), last + 0.18 * (last or 1)], nice=False)
    names = {shift + step: title for shift in {0.0, groups[-1][1]} for step, title in _ends()}
    x = alt.X("x:Q", scale=scale_x, axis=axes.labelled(names))
    y = alt.Y(
        "value:Q",
        scale=alt.Scale(domain=[min(low, ticks[0]), top], nice=False),
        axis=axes.labelled({tick: number(tick, 2) for tick in ticks}, grid=True),
    )
    tooltip = [
        alt.Tooltip("home:N", title=_("Home")),
        alt.Tooltip("when:N", title=_("Period")),
        alt.Tooltip("shown:N", title=_("Value")),
    ]
    homes = alt.Chart(pd.DataFrame(points)).encode(x=x, y=y, detail="home:N", tooltip=tooltip)
    layers = [
        homes.transform_filter("!datum.proxy").mark_line(color=HOME_LINE, strokeWidth=1.5),
        homes.transform_filter("datum.proxy").mark_line(color=HOME_LINE, strokeWidth=1.5, strokeDash=[4, 3]),
        homes.mark_circle(color=HOME_LINE, size=32, opacity=1),
    ]
    for pairs, shift, colour, title in groups:
        if pairs:
            layers += _mean(pairs, shift, colour, x, y, tooltip)
        if len(groups) > 1:
            label = pd.DataFrame([{"x": shift + 0.5, "value": top, "title": title}])
            layers.append(
                alt.Chart(label)
                .mark_text(color=FAINT, baseline="top", fontSize=12)
                .encode(x=x, y=y, text="title:N")
            )
    return alt.layer(*layers)


def _ends() -> tuple[tuple[int, str], tuple[int, str]]:
    return (0, _("Before")), (1, _("After"))


def _points(pairs: list[Json], shift: float) -> list[Json]:
    return [
        {
            "x": shift + step,
            "value": value,
            "home": pair["home"],
            "when": when,
            "shown": number(value, 1),
            "proxy": bool(pair["by_proxy"]),
        }
        for pair in pairs
        for (step, when), value in zip(_ends(), (pair["before"], pair["after"]), strict=True)
    ]


def _mean(
    pairs: list[Json], shift: float, colour: str, x: alt.X, y: alt.Y, tooltip: list[alt.Tooltip]
) -> list[Any]:
    means = [fmean(pair[period] for pair in pairs) for period in ("before", "after")]
    frame = pd.DataFrame(
        [
            {"x": shift + step, "value": value, "home": _("Mean"), "when": when, "shown": number(value, 1)}
            for (step, when), value in zip(_ends(), means, strict=True)
        ]
    )
    mean, text = (
        alt.Chart(frame).encode(x=x, y=y, tooltip=tooltip),
        alt.Chart(frame).encode(x=x, y=y, text="shown:N"),
    )
    return [
        mean.mark_line(color=colour, strokeWidth=4),
        mean.mark_circle(color=colour, size=110, opacity=1),
        text.transform_filter(f"datum.x == {shift}").mark_text(
            align="right", dx=-9, color=INK, fontWeight="bold"
        ),
        text.transform_filter(f"datum.x > {shift}").mark_text(
            align="left", dx=9, color=INK, fontWeight="bold"
        ),
    ]
